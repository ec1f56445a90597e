//! Carries reads from the outbox to the broker, one at a time, until each is confirmed.
//!
//! The MQTT client is a disposable transport: rumqttc forgets what was on its way when the broker loses the session, so
//! a read stays in the store until its own PUBACK, and a client that stalls is thrown away. The last read may therefore
//! come twice; its id tells.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{fs, io};

use rumqttc::{
    AsyncClient, ClientError, ConnectionError, Event, LastWill, MqttOptions, Outgoing, Packet, QoS,
    SubscribeReasonCode,
};
use tokio::sync::{Notify, mpsc};
use tokio::time::{sleep, timeout};

use super::{Topics, status_message};
use crate::store::Store;

/// A read that is not confirmed by then is sent again over a new connection.
const STALL: Duration = Duration::from_secs(10);
/// The first wait after a lost connection; it doubles up to the last.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LAST_WAIT: Duration = Duration::from_secs(30);
/// Largest message, bytes; rumqttc's own 10 KiB makes it reconnect for ever.
const LARGEST: usize = 1 << 20;
/// How long saying goodbye may take.
const GOODBYE: Duration = Duration::from_secs(2);

/// Where the broker is and who we are.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Unique among the broker's clients.
    pub client_id: String,
    /// User and the file with the password.
    pub login: Option<(String, Option<PathBuf>)>,
    /// How often a silent connection is tried.
    pub keep_alive: Duration,
}

/// Why delivery cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum MqttError {
    /// The password file cannot be read.
    #[error("mqtt.password_file {}: {source}", path.display())]
    Password {
        /// Which file.
        path: PathBuf,
        /// The file system's words.
        source: io::Error,
    },
    /// No thread or runtime.
    #[error("MQTT cannot be started: {0}")]
    Runtime(#[from] io::Error),
}

/// The thread that delivers.
pub struct Delivery {
    signals: Arc<Signals>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Signals {
    /// There is something in the outbox.
    work: Notify,
    /// Say goodbye.
    stop: Notify,
}

impl Delivery {
    /// Begins to deliver what is in the store. Commands to read go to `triggers`.
    pub fn start(
        connection: &Connection,
        topics: Topics,
        store: Arc<Store>,
        triggers: Sender<Instant>,
    ) -> Result<Self, MqttError> {
        let options = options(connection, &topics)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let signals = Arc::new(Signals::default());
        let courier = Courier {
            options,
            topics,
            store,
            triggers,
            signals: Arc::clone(&signals),
        };
        let thread = thread::Builder::new()
            .name("mqtt".into())
            .spawn(move || runtime.block_on(courier.run()))?;
        Ok(Self {
            signals,
            thread: Some(thread),
        })
    }

    /// Tells that a read was put into the store.
    pub fn wake(&self) {
        self.signals.work.notify_one();
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

/// What a password file holds, without the end of its line.
pub fn password(path: &Path) -> Result<String, MqttError> {
    let text = fs::read_to_string(path).map_err(|source| MqttError::Password {
        path: path.into(),
        source,
    })?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn options(connection: &Connection, topics: &Topics) -> Result<MqttOptions, MqttError> {
    let mut options = MqttOptions::new(&connection.client_id, &connection.host, connection.port);
    options
        .set_keep_alive(connection.keep_alive)
        .set_clean_session(true)
        .set_max_packet_size(LARGEST, LARGEST)
        .set_last_will(LastWill::new(
            &topics.status,
            status_message(false),
            QoS::AtLeastOnce,
            true,
        ));
    if let Some((user, password_file)) = &connection.login {
        let password = password_file.as_deref().map(password).transpose()?;
        options.set_credentials(user, password.unwrap_or_default());
    }
    Ok(options)
}

struct Courier {
    options: MqttOptions,
    topics: Topics,
    store: Arc<Store>,
    triggers: Sender<Instant>,
    signals: Arc<Signals>,
}

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error("stopped")]
    Stopped,
    #[error("{0}")]
    Connection(#[from] Box<ConnectionError>),
    #[error("{0}")]
    Client(#[from] ClientError),
    #[error("no confirmation within {} s", STALL.as_secs())]
    Stalled,
}

/// What was given to the client and has no packet identifier yet, in order.
#[derive(Clone, Copy, PartialEq)]
enum Given {
    Status,
    Read,
}

/// The read that is on its way.
struct OnItsWay {
    sequence: i64,
    packet: Option<u16>,
    since: Instant,
}

impl Courier {
    async fn run(self) {
        let mut wait = FIRST_WAIT;
        loop {
            let begun = Instant::now();
            match self.session().await {
                End::Stopped => return,
                end => log::warn!(
                    "MQTT broker {}:{}: {end}; trying again",
                    self.options.broker_address().0,
                    self.options.broker_address().1
                ),
            }
            wait = if begun.elapsed() > LAST_WAIT {
                FIRST_WAIT
            } else {
                (wait * 2).min(LAST_WAIT)
            };
            // Many stations lose a broker at once; they should not all come back at once.
            let jitter = wait.mul_f64(f64::from(uuid::Uuid::new_v4().as_bytes()[0]) / 512.0);
            tokio::select! {
                () = sleep(wait + jitter) => {}
                () = self.signals.stop.notified() => return,
            }
        }
    }

    /// One connection from its beginning to its end.
    async fn session(&self) -> End {
        let (client, mut network) = AsyncClient::new(self.options.clone(), 8);
        // `poll` must not be cancelled half way, so it has a task of its own.
        let (sender, mut events) = mpsc::channel(8);
        let poller = tokio::spawn(async move {
            loop {
                let event = network.poll().await;
                let failed = event.is_err();
                if sender.send(event).await.is_err() || failed {
                    return;
                }
            }
        });
        let end = match self.converse(&client, &mut events).await {
            Err(end) => end,
            Ok(never) => match never {},
        };
        if matches!(end, End::Stopped) {
            // The broker is gone or slow: then the last will speaks.
            let _ = timeout(GOODBYE, self.say_goodbye(&client, &mut events)).await;
        }
        poller.abort();
        end
    }

    async fn converse(
        &self,
        client: &AsyncClient,
        events: &mut mpsc::Receiver<Result<Event, ConnectionError>>,
    ) -> Result<std::convert::Infallible, End> {
        let mut connected = false;
        let mut given = VecDeque::new();
        let mut on_its_way: Option<OnItsWay> = None;
        loop {
            if connected
                && on_its_way.is_none()
                && let Some(read) = self.store.pending_after(0, 1).pop()
            {
                client
                    .publish(&self.topics.read, QoS::AtLeastOnce, false, read.payload)
                    .await?;
                given.push_back(Given::Read);
                on_its_way = Some(OnItsWay {
                    sequence: read.sequence,
                    packet: None,
                    since: Instant::now(),
                });
            }
            let patience = match &on_its_way {
                Some(read) => STALL.saturating_sub(read.since.elapsed()),
                None if connected => Duration::MAX,
                None => STALL,
            };
            let event = tokio::select! {
                event = events.recv() => event,
                () = self.signals.work.notified() => continue,
                () = self.signals.stop.notified() => return Err(End::Stopped),
                () = sleep(patience) => return Err(End::Stalled),
            };
            let event = event.ok_or(End::Stalled)?;
            match event.map_err(Box::new)? {
                Event::Incoming(Packet::ConnAck(_)) => {
                    log::info!("connected to the MQTT broker");
                    connected = true;
                    client
                        .subscribe(&self.topics.trigger, QoS::AtLeastOnce)
                        .await?;
                    self.publish_status(client, true).await?;
                    given.push_back(Given::Status);
                }
                Event::Outgoing(Outgoing::Publish(packet)) => {
                    let of_read = given.pop_front() == Some(Given::Read);
                    if let Some(read) = on_its_way.as_mut().filter(|_| of_read) {
                        read.packet = Some(packet);
                    }
                }
                Event::Incoming(Packet::PubAck(ack)) => {
                    if let Some(read) = on_its_way.take_if(|read| read.packet == Some(ack.pkid)) {
                        self.store.delivered(read.sequence);
                    }
                }
                Event::Incoming(Packet::SubAck(ack))
                    if ack.return_codes.contains(&SubscribeReasonCode::Failure) =>
                {
                    log::error!(
                        "the MQTT broker does not let this client subscribe to {}: no command will start a read",
                        self.topics.trigger
                    );
                }
                Event::Incoming(Packet::Publish(publish))
                    if publish.topic == self.topics.trigger && !publish.retain =>
                {
                    let sent = self.triggers.send(Instant::now());
                    sent.unwrap_or_else(|_| {
                        log::warn!("a command came after the station had ended")
                    });
                }
                _ => {}
            }
        }
    }

    async fn say_goodbye(
        &self,
        client: &AsyncClient,
        events: &mut mpsc::Receiver<Result<Event, ConnectionError>>,
    ) -> Result<(), ClientError> {
        self.publish_status(client, false).await?;
        client.disconnect().await?;
        while let Some(Ok(event)) = events.recv().await {
            if event == Event::Outgoing(Outgoing::Disconnect) {
                break;
            }
        }
        Ok(())
    }

    async fn publish_status(&self, client: &AsyncClient, online: bool) -> Result<(), ClientError> {
        let message = status_message(online);
        client
            .publish(&self.topics.status, QoS::AtLeastOnce, true, message)
            .await
    }
}
