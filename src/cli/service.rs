//! The whole daemon around a set of hardware: what `run` and `demo` have in common.

use std::cell::LazyCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::Failure;
use super::supervisor::{Alive, Supervised};
use crate::camera::Camera;
use crate::config::{Config, ModelFile, Pictures};
use crate::gpio::{Output, Trigger};
use crate::health::{Cause, Health};
use crate::image::jpeg;
use crate::inference::Model;
use crate::mqtt::{self as delivery, Address, Delivery, LastRead, Models, Topics, read_message};
use crate::reader::{Decision, Observe, Outcome};
use crate::station::order::{Declined, Done, ROOM};
use crate::station::{Lamps, Parts, Served, Station, SystemClock, Verdict};
use crate::store::{Appended, Facts, Store, StoreError};
use crate::vin::{Shown, Vin};

/// The pins and the lens.
pub struct Hardware {
    /// Starts reads; none if only commands do.
    pub trigger: Option<Box<dyn Trigger>>,
    /// Shines on the mark.
    pub light: Option<Box<dyn Output>>,
    /// Show how it is.
    pub lamps: Lamps,
    /// Takes the frames.
    pub camera: Box<dyn Camera>,
}

/// The store as configured.
pub fn open_store(config: &Config) -> Result<Arc<Store>, StoreError> {
    let store = Store::open(&config.store.path, config.store.limits())?;
    let waiting = store.pending();
    if waiting > 0 {
        log::info!("{waiting} reads wait for the broker");
    }
    for file in store.set_aside() {
        log::warn!(
            "the damaged store {} was set aside; have it looked at or remove it",
            file.display()
        );
    }
    Ok(Arc::new(store))
}

/// Reads and delivers until `stop` is set.
pub fn serve(
    config: &Config,
    store: &Arc<Store>,
    hardware: Hardware,
    decision: Decision,
    observer: Box<dyn Observe + Send>,
    mut supervised: Supervised,
    stop: &AtomicBool,
) -> Result<(), Failure> {
    let (site, name) = (&config.station.site, &config.station.name);
    let (orders, received) = sync_channel(ROOM);
    let health = Arc::new(Health::default());
    let delivery = Delivery::start(
        settings(config),
        Arc::clone(store),
        Arc::clone(&health),
        orders,
    )?;
    let parts = Parts {
        trigger: hardware.trigger,
        orders: received,
        light: hardware.light,
        lamps: hardware.lamps,
        camera: Box::new(Alive::new(hardware.camera, supervised.clone())),
        decision,
        observer: Box::new(Alive::new(observer, supervised.clone())),
        clock: Box::new(SystemClock),
        health: Arc::clone(&health),
    };
    let mut station = Station::new(parts, config.station_settings());
    let dropped = store.dropped();
    supervised.ready();
    log::info!("ready: vinspect/{site}/{name}");
    while !stop.load(Ordering::SeqCst) {
        if let Some(Served { verdict, answer }) = station.turn(stop) {
            let reading = &verdict.reading;
            log::info!("{} {}", reading.outcome, told(&verdict, config.log.shown()));
            let Appended { sequence, saved } = store.append(facts(&verdict), |sequence| {
                read_message(site, name, sequence, &verdict)
            });
            station.show(reading.outcome == Outcome::Accepted && saved);
            delivery.read_made(LastRead {
                id: verdict.id,
                decided_at: verdict.decided_at.clone(),
                outcome: reading.outcome,
            });
            if let Some(picture) = &verdict.picture {
                // For both, or for none.
                let jpeg = LazyCell::new(|| jpeg(picture));
                delivery.snapshot(verdict.id, || jpeg.clone());
                if saved && config.store.keeps_picture(reading.outcome) {
                    store.keep_picture(sequence, verdict.id, &jpeg);
                }
            }
            if let Some(answer) = answer {
                let kept = saved.then_some(Done::Read(verdict.id));
                answer(kept.ok_or(Declined::Unsaved(verdict.id)));
            }
        }
        store.tend();
        supervised.turned(|| {
            look_after(config, store, dropped, &health);
            condition(store, &health)
        });
    }
    supervised.stopping();
    Ok(())
}

/// Notes what ails the store. `dropped`: reads that had to go before the start.
fn look_after(config: &Config, store: &Store, dropped: u64, health: &Health) {
    let trouble = store.picture_trouble();
    match trouble.filter(|_| config.store.pictures != Pictures::None) {
        Some(trouble) => health.ails(Cause::Archive, format!("no pictures are kept: {trouble}")),
        None => health.recovered(Cause::Archive),
    }
    if store.unsaved() > 0 {
        return health.ails(
            Cause::Store,
            "the store cannot be written: reads are kept in memory, and lost if the power is; is the disk full?",
        );
    }
    let dropped = store.dropped().saturating_sub(dropped);
    if dropped > 0 {
        return health.ails(
            Cause::Store,
            format!(
                "there was no room for reads that the broker does not have: {dropped} were dropped since the start; see store.max_mb"
            ),
        );
    }
    match store.set_aside().first() {
        Some(file) => health.ails(
            Cause::Store,
            format!(
                "the store was damaged and begun anew; the old one lies in {}: when nothing is to be looked for in it, remove it",
                file.display()
            ),
        ),
        None => health.recovered(Cause::Store),
    }
}

/// How things are, for whoever asks systemd.
fn condition(store: &Store, health: &Health) -> String {
    let mut condition = String::from("waiting for a trigger; ");
    condition += &match store.pending() {
        0 => "the broker has every read".into(),
        1 => "1 read waits for the broker".into(),
        count => format!("{count} reads wait for the broker"),
    };
    for ailment in health.ailments() {
        condition += &format!("; {}", ailment.message);
    }
    condition
}

/// What a verdict is found by.
fn facts(verdict: &Verdict) -> Facts {
    Facts {
        id: verdict.id,
        vin: verdict.reading.vin.as_ref().map(Vin::to_string),
        decided_at: verdict.decided_at.timestamp(),
    }
}

/// A verdict for the log.
fn told(verdict: &Verdict, shown: Shown) -> String {
    let reading = &verdict.reading;
    let vin = reading.vin.as_ref();
    let vin = vin.map_or("no VIN".into(), |vin| vin.masked(shown).to_string());
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
fn settings(config: &Config) -> delivery::Settings {
    let (mqtt, site, name) = (&config.mqtt, &config.station.site, &config.station.name);
    let sha256 = |file: &Option<ModelFile>, own: fn() -> Model| {
        let whole = match file {
            Some(file) => file.sha256.to_lowercase(),
            None => own().sha256(),
        };
        whole.chars().take(12).collect()
    };
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
        models: Models {
            locator: sha256(&config.reader.locator, Model::locator),
            recognizer: sha256(&config.reader.recognizer, Model::recognizer),
            examiner: sha256(&config.reader.examiner, Model::examiner),
            arbiter: sha256(&config.reader.arbiter, Model::arbiter),
        },
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use jiff::Zoned;
    use uuid::Uuid;

    use super::*;
    use crate::reader::{Fusion, script};
    use crate::station::{Source, Timings};

    #[test]
    fn reads_that_were_dropped_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let limits = crate::store::Limits {
            max_mb: 4,
            ..Default::default()
        };
        let store = Store::open(&folder.path().join("reads.sqlite"), limits).unwrap();
        let health = Health::default();
        while store.dropped() == 0 {
            look_after(&Config::default(), &store, 0, &health);
            assert_eq!(health.ailments(), []);
            let facts = Facts {
                id: Uuid::nil(),
                vin: None,
                decided_at: jiff::Timestamp::now(),
            };
            store.append(facts, |_| "x".repeat(100_000));
        }
        look_after(&Config::default(), &store, 0, &health);
        assert!(health.ailments()[0].message.contains("dropped"));
        look_after(&Config::default(), &store, store.dropped(), &health);
        assert_eq!(health.ailments(), [], "of before the start");
    }

    #[test]
    fn the_log_shows_no_whole_vin_unless_it_is_asked_to() {
        let mut fusion = Fusion::new(Decision::embedded().unwrap());
        fusion.add(script::seen(script::clear("1HGCM82633A004352")));
        let verdict = Verdict {
            id: Uuid::nil(),
            source: Source::Gpio,
            triggered_at: Zoned::now(),
            decided_at: Zoned::now(),
            reading: fusion.reading(),
            frames: 1,
            skipped: 0,
            missed: 0,
            expected: None,
            picture: None,
            faults: Vec::new(),
            timings: Timings::default(),
        };
        let mut config = Config::default();
        let masked = told(&verdict, config.log.shown());
        assert!(masked.starts_with("1HGCM826*3*******,"), "{masked}");
        config.log.show_vins = true;
        let whole = told(&verdict, config.log.shown());
        assert!(whole.starts_with("1HGCM82633A004352,"), "{whole}");
    }
}
