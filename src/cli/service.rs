//! The whole daemon around a set of hardware: what `run` and `demo` have in common.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};

use super::Failure;
use super::supervisor::{Alive, Supervisor};
use crate::camera::Camera;
use crate::config::{Config, MqttConfig};
use crate::gpio::{Output, Trigger};
use crate::mqtt::{Connection, Delivery, Topics, read_message};
use crate::reader::{Decision, Observe, Outcome};
use crate::station::{Parts, Station, SystemClock, Verdict};
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
    let (triggers, commands) = channel();
    let delivery = Delivery::start(
        &connection(&config.mqtt, site, name),
        Topics::new(site, name),
        Arc::clone(&store),
        triggers,
    )?;
    let parts = Parts {
        trigger: hardware.trigger,
        commands,
        light: hardware.light,
        ok_lamp: hardware.ok_lamp,
        ng_lamp: hardware.ng_lamp,
        camera: Box::new(Alive::new(hardware.camera)),
        decision,
        observer: Box::new(Alive::new(observer)),
        clock: Box::new(SystemClock),
    };
    let mut station = Station::new(parts, config.station_settings());
    let mut desk = Desk::new(&store, site, name);
    let mut supervisor = Supervisor::default();
    supervisor.ready();
    log::info!("ready: vinspect/{site}/{name}");
    while !stop.load(Ordering::SeqCst) {
        if let Some(verdict) = station.turn(stop) {
            log::info!("{} {}", verdict.reading.outcome, told(&verdict));
            let accepted = verdict.reading.outcome == Outcome::Accepted;
            let saved = desk.take(verdict);
            station.show(accepted && saved);
            delivery.wake();
        } else if desk.is_due() && desk.save() {
            delivery.wake();
        }
        supervisor.turned(|| desk.status());
    }
    supervisor.stopping();
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

    /// How things are, for whoever asks systemd.
    fn status(&self) -> String {
        let mut status = String::from("waiting for a trigger; ");
        status += &match self.store.pending() {
            Ok(0) => "the broker has every read".into(),
            Ok(1) => "1 read waits for the broker".into(),
            Ok(count) => format!("{count} reads wait for the broker"),
            Err(error) => error.to_string(),
        };
        if !self.unsaved.is_empty() {
            status += &format!("; {} more are kept in memory only", self.unsaved.len());
        }
        status
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

/// The broker as configured.
pub fn connection(mqtt: &MqttConfig, site: &str, name: &str) -> Connection {
    let client_id = || format!("vinspect-{site}-{name}");
    Connection {
        host: mqtt.host.clone(),
        port: mqtt.port,
        client_id: mqtt.client_id.clone().unwrap_or_else(client_id),
        login: mqtt
            .username
            .clone()
            .map(|user| (user, mqtt.password_file.clone())),
        keep_alive: Duration::from_secs(mqtt.keep_alive_s),
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
