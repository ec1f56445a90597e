//! The whole daemon around a set of hardware: what `run` and `demo` have in common.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};

use super::Failure;
use crate::camera::Camera;
use crate::config::{Config, MqttConfig};
use crate::gpio::{Output, Trigger};
use crate::health::Health;
use crate::mqtt::{self as delivery, Address, Delivery, Topics, read_message};
use crate::reader::{Decision, Observe, Outcome};
use crate::station::order::Done;
use crate::station::{Parts, Served, Station, SystemClock, Verdict};
use crate::store::Store;

/// Between two tries to save.
const SAVE_AGAIN: Duration = Duration::from_secs(10);

/// The pins and the lens.
pub struct Hardware {
    /// Starts reads; none if only commands do.
    pub trigger: Option<Box<dyn Trigger>>,
    /// Shines on the mark.
    pub light: Option<Box<dyn Output>>,
    /// Lit after an accepted reading that is on the disk.
    pub ok_lamp: Option<Box<dyn Output>>,
    /// Lit after any other.
    pub ng_lamp: Option<Box<dyn Output>>,
    /// Takes the frames.
    pub camera: Box<dyn Camera>,
}

/// Reads and delivers until `stop` is set.
pub fn serve(
    config: &Config,
    hardware: Hardware,
    decision: Decision,
    observer: Box<dyn Observe + Send>,
    stop: &AtomicBool,
) -> Result<(), Failure> {
    let store = Arc::new(Store::open(&config.store.path)?);
    let waiting = store.pending()?;
    if waiting > 0 {
        log::info!("{waiting} reads wait for the broker");
    }
    let (site, name) = (&config.station.site, &config.station.name);
    let (orders, received) = channel();
    let health = Arc::new(Health::default());
    let delivery = Delivery::start(
        settings(&config.mqtt, site, name),
        Arc::clone(&store),
        Arc::clone(&health),
        orders,
    )?;
    let parts = Parts {
        trigger: hardware.trigger,
        orders: received,
        light: hardware.light,
        ok_lamp: hardware.ok_lamp,
        ng_lamp: hardware.ng_lamp,
        camera: hardware.camera,
        decision,
        observer,
        clock: Box::new(SystemClock),
        health,
    };
    let mut station = Station::new(parts, config.station_settings());
    let mut desk = Desk::new(&store, site, name);
    while !stop.load(Ordering::SeqCst) {
        if let Some(Served { verdict, answer }) = station.turn(stop) {
            log::info!("{} {}", verdict.reading.outcome, told(&verdict));
            let accepted = verdict.reading.outcome == Outcome::Accepted;
            let (id, picture) = (verdict.id, verdict.picture.clone());
            let saved = desk.take(verdict);
            station.show(accepted && saved);
            delivery.wake();
            if let Some(picture) = picture {
                delivery.snapshot(id, &picture);
            }
            if let Some(answer) = answer {
                answer(Ok(Done::Read(id)));
            }
        } else if desk.is_due() && desk.save() {
            delivery.wake();
        }
    }
    Ok(())
}

/// Where verdicts wait for the disk. What it does not take is tried again.
struct Desk<'a> {
    store: &'a Store,
    site: &'a str,
    name: &'a str,
    unsaved: VecDeque<Verdict>,
    tried: Instant,
}

impl<'a> Desk<'a> {
    fn new(store: &'a Store, site: &'a str, name: &'a str) -> Self {
        Self {
            store,
            site,
            name,
            unsaved: VecDeque::new(),
            tried: Instant::now(),
        }
    }

    /// Whether it is on the disk now.
    fn take(&mut self, verdict: Verdict) -> bool {
        self.unsaved.push_back(verdict);
        self.save()
    }

    /// Whether everything is on the disk now.
    fn save(&mut self) -> bool {
        self.tried = Instant::now();
        while let Some(verdict) = self.unsaved.front() {
            let message = |sequence| read_message(self.site, self.name, sequence, verdict);
            if let Err(error) = self.store.append(message) {
                let count = self.unsaved.len();
                log::error!("{error}; {count} reads are kept in memory only");
                return false;
            }
            self.unsaved.pop_front();
        }
        true
    }

    fn is_due(&self) -> bool {
        !self.unsaved.is_empty() && self.tried.elapsed() >= SAVE_AGAIN
    }
}

impl Drop for Desk<'_> {
    /// The last try, whatever ends the station; what the disk does not take goes to the log in full.
    fn drop(&mut self) {
        if !self.save() {
            for verdict in &self.unsaved {
                log::error!(
                    "not saved: {}",
                    read_message(self.site, self.name, 0, verdict)
                );
            }
        }
    }
}

/// A verdict for the log.
fn told(verdict: &Verdict) -> String {
    let reading = &verdict.reading;
    let vin = reading.vin.as_ref().map_or("no VIN", |vin| vin.as_str());
    let reason = reading
        .reason
        .map_or(String::new(), |reason| format!(" ({reason})"));
    let ms = verdict.timings.total.as_millis();
    format!(
        "{vin}{reason}, confidence {:.4}, {} frames, {ms} ms",
        reading.confidence, verdict.frames
    )
}

/// The delivery as configured.
fn settings(mqtt: &MqttConfig, site: &str, name: &str) -> delivery::Settings {
    let client_id = || format!("vinspect-{site}-{name}");
    let prefix = &mqtt.home_assistant_prefix;
    delivery::Settings {
        address: Address {
            host: mqtt.host.clone(),
            port: mqtt.port(),
            version: mqtt.version,
            tls: mqtt.tls.clone(),
            client_id: mqtt.client_id.clone().unwrap_or_else(client_id),
            login: mqtt
                .username
                .clone()
                .map(|user| (user, mqtt.password_file.clone())),
            keep_alive: Duration::from_secs(mqtt.keep_alive_s),
        },
        topics: Topics::new(site, name),
        home_assistant: mqtt.home_assistant.then(|| prefix.clone()),
        snapshots: mqtt.snapshots,
    }
}

/// A flag that Ctrl-C, SIGTERM and the end of the terminal set.
pub fn stop_flag() -> Result<Arc<AtomicBool>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (mut interrupt, mut terminate, mut hang_up) = {
        let _inside = runtime.enter();
        (
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        )
    };
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    _ = hang_up.recv() => {}
                }
            });
            log::info!("stopping");
            flag.store(true, Ordering::SeqCst);
        })?;
    Ok(stop)
}
