//! The thread that delivers, as the rest of the program sees it.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use tokio::sync::mpsc;
use uuid::Uuid;

use super::courier::{Courier, Settings, Signals, snapshot};
use super::link::Message;
use super::message::LastRead;
use crate::health::Health;
use crate::station::order::Order;
use crate::store::Store;

/// Answers and pictures that the courier has not taken yet; more are thrown away, and all that came without a connection.
const ROOM: usize = 32;

/// The thread that delivers.
pub struct Delivery {
    signals: Arc<Signals>,
    post: mpsc::Sender<Message>,
    settings: Settings,
    thread: Option<JoinHandle<()>>,
}

impl Delivery {
    /// Begins to deliver what is in the store. What is commanded goes to `orders`.
    pub fn start(
        settings: Settings,
        store: Arc<Store>,
        health: Arc<Health>,
        orders: SyncSender<Order>,
    ) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let signals = Arc::new(Signals::default());
        let (post, letters) = mpsc::channel(ROOM);
        let courier = Courier {
            settings: settings.clone(),
            store,
            health,
            orders,
            post: post.clone(),
            signals: Arc::clone(&signals),
            begun: Instant::now(),
        };
        // As the station's where there are several, which the log tells by it.
        let station = thread::current();
        let station = station.name().filter(|name| name.contains('/'));
        let thread = thread::Builder::new()
            .name(station.unwrap_or("mqtt").into())
            .spawn(move || {
                runtime.block_on(courier.run(letters));
                // Looking up a name may hang, and the store must still be closed in time.
                runtime.shutdown_background();
            })?;
        Ok(Self {
            signals,
            post,
            settings,
            thread: Some(thread),
        })
    }

    /// Tells that something was put into the store.
    pub fn wake(&self) {
        self.signals.work.notify_one();
    }

    /// Tells of a read that was put into the store.
    pub fn read_made(&self, read: LastRead) {
        *self.signals.last_read() = Some(read);
        self.wake();
    }

    /// Publishes a picture of a read, as JPEG, if that is wanted; not kept for a broker that is away.
    pub fn snapshot(&self, read: Uuid, jpeg: impl FnOnce() -> Vec<u8>) {
        if self.settings.snapshots {
            let message = snapshot(&self.settings.topics, read, jpeg());
            // Without room the broker is slow or away.
            let _ = self.post.try_send(message);
        }
    }
}

impl Drop for Delivery {
    /// Publishes `offline` and ends; what is undelivered stays in the store.
    fn drop(&mut self) {
        self.signals.stop.notify_one();
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            log::error!("the MQTT thread had panicked");
        }
    }
}
