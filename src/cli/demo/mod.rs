//! `vinspect demo`: the whole job with nothing set up. Only the trigger, the light, the camera and the broker are
//! simulated; everything between is what `run` does.

mod scenes;
mod subscriber;

use std::fs;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::service::{self, Hardware};
use super::supervisor::Supervised;
use super::{Failure, hardware};
use crate::camera::replay::{Replay, Scene};
use crate::config::{Config, MqttConfig, StoreConfig};
use crate::gpio::{Limited, simulated};
use crate::mqtt::{Topics, Version, broker};
use crate::station::Lamps;
use scenes::{Expected, SCENES, Shown};

/// A read that takes longer was lost.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between a delivered read and the next car.
const PAUSE: Duration = Duration::from_millis(700);

/// Show the whole job on this machine, with nothing set up.
///
/// Rendered scenes are replayed as if by a camera, a trigger and a light are simulated, and an MQTT broker runs inside the
/// program. Each VIN is printed as it arrives over MQTT, with its confidence, what it says, and the milliseconds from
/// trigger to delivery. Ends with Ctrl-C.
#[derive(clap::Args)]
pub struct Args {
    /// End after so many reads; exit code 1 unless every one arrived and was right.
    #[arg(short, long)]
    count: Option<usize>,
}

/// Does it.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let stop = service::stop_flag()?;
    let port = broker::free_port()?;
    broker::start(port)?;
    let folder = std::env::temp_dir().join(format!("vinspect-demo-{}", std::process::id()));
    let config = Config {
        mqtt: MqttConfig {
            host: "127.0.0.1".into(),
            port: Some(port),
            version: Version::V311,
            ..MqttConfig::default()
        },
        store: StoreConfig {
            path: folder.join("reads.sqlite"),
            ..StoreConfig::default()
        },
        ..Config::default()
    };
    let store = service::open_store(&config)?;
    let reader = hardware::reader(&config.reader)?;
    let decision = reader.decision().clone();
    let light = simulated::Light::default();
    let (press, presses) = channel();
    let scenes = SCENES
        .iter()
        .map(|scene| Scene::Embedded(scene.jpeg))
        .collect();
    let longest = Duration::from_millis(config.light.longest_on_ms);
    let hardware = Hardware {
        trigger: Some(Box::new(simulated::Button::new(presses))),
        light: Some(Box::new(Limited::new(Box::new(light.clone()), longest)?)),
        lamps: Lamps::default(),
        camera: Box::new(Replay::new(scenes, light, config.camera.fps)),
    };
    let topics = Topics::new(&config.station.site, &config.station.name);
    let reads = subscriber::subscribe(port, &topics.read)?;
    let mut out = io::stdout();
    writeln!(out, "The broker listens on port {port}. To follow it:")?;
    writeln!(
        out,
        "  mosquitto_sub -h 127.0.0.1 -p {port} -t 'vinspect/#' -v\n"
    )?;

    let served = thread::scope(|scope| {
        let service = scope.spawn(|| {
            let reader = Box::new(reader);
            let alone = Supervised::alone();
            service::serve(&config, &store, hardware, decision, reader, alone, &stop)
                .map_err(|error| error.to_string())
        });
        let press = || {
            let now = Instant::now();
            press.send(now).map(|()| now)
        };
        let watched = watch(args.count, &stop, press, &reads);
        stop.store(true, Ordering::SeqCst);
        match service.join() {
            Ok(served) => served.map_err(Failure::from).and(watched),
            Err(_) => Err("the station has panicked".into()),
        }
    });
    drop(store);
    if let Err(error) = fs::remove_dir_all(&folder) {
        log::warn!("{}: {error}", folder.display());
    }
    let wrong = served?;
    if wrong > 0 {
        return Err(format!("{wrong} reads were not as they should be").into());
    }
    Ok(ExitCode::SUCCESS)
}

/// Sends one car after the other and prints what comes; the number of wrong reads.
fn watch(
    count: Option<usize>,
    stop: &AtomicBool,
    press: impl Fn() -> Result<Instant, std::sync::mpsc::SendError<Instant>>,
    reads: &Receiver<(Instant, Vec<u8>)>,
) -> Result<usize, Failure> {
    let mut wrong = 0;
    for (index, scene) in SCENES.iter().cycle().enumerate() {
        if count.is_some_and(|count| index >= count) {
            break;
        }
        if index > 0 && count.is_none() {
            pause(stop);
        }
        let pressed = press()?;
        let Some((arrived, payload)) = next(reads, stop)? else {
            break;
        };
        let read: Value = serde_json::from_slice(&payload)?;
        let right = is_right(scene, &read);
        wrong += usize::from(!right);
        let ms = arrived.saturating_duration_since(pressed).as_millis();
        writeln!(io::stdout(), "{}", line(index + 1, scene, &read, ms, right))?;
    }
    Ok(wrong)
}

fn pause(stop: &AtomicBool) {
    let until = Instant::now() + PAUSE;
    while Instant::now() < until && !stop.load(Ordering::SeqCst) {
        thread::sleep(Duration::from_millis(50));
    }
}

/// The next read; none if the demo was stopped.
fn next(
    reads: &Receiver<(Instant, Vec<u8>)>,
    stop: &AtomicBool,
) -> Result<Option<(Instant, Vec<u8>)>, Failure> {
    let since = Instant::now();
    while !stop.load(Ordering::SeqCst) {
        match reads.recv_timeout(Duration::from_millis(100)) {
            Ok(read) => return Ok(Some(read)),
            Err(RecvTimeoutError::Timeout) if since.elapsed() < PATIENCE => {}
            Err(_) => return Err(format!("no read arrived within {} s", PATIENCE.as_secs()).into()),
        }
    }
    Ok(None)
}

fn is_right(scene: &Shown, read: &Value) -> bool {
    let (outcome, vin) = (read["outcome"].as_str(), read["vin"].as_str());
    match scene.expected {
        Expected::Accepted(expected) => outcome == Some("accepted") && vin == Some(expected),
        Expected::NotAccepted => outcome != Some("accepted"),
        Expected::NoRead => outcome == Some("no_read") && vin.is_none(),
    }
}

/// What is printed of a read.
fn line(number: usize, scene: &Shown, read: &Value, ms: u128, right: bool) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let decoded = &read["decoded"];
    let what = if decoded.is_null() {
        text(&read["reason"])
    } else {
        let year = decoded["model_years"][0].as_u64();
        let year = year.map_or(String::new(), |year| format!(" {year}"));
        format!(
            "{}{year}, {}",
            text(&decoded["maker"]),
            text(&decoded["country"])
        )
    };
    format!(
        "{number:>3}  {:<17}  {:<8}  {:.4}  {ms:>5} ms  {what}  [{}]{}",
        text(&read["vin"]),
        text(&read["outcome"]),
        read["confidence"].as_f64().unwrap_or_default(),
        scene.name,
        if right { "" } else { "  WRONG" }
    )
}
