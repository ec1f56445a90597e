//! The whole daemon where it is killed, and where its disk fills up.
#![cfg(feature = "demo")]
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use common::killed::{Killed, terminate};
use common::mount::Mount;
use common::{Station, Subscriber, broker};
use jiff::Timestamp;
use rumqttc::QoS;
use serde_json::Value;
use vinspect::config::{Config, MqttConfig, Pictures};
use vinspect::mqtt::Version;
use vinspect::store::History;

fn start(configs: &[&Path]) -> Killed {
    let mut run = Command::new(env!("CARGO_BIN_EXE_vinspect"));
    run.arg("run");
    for config in configs {
        run.arg("--config").arg(config);
    }
    Killed(run.stderr(Stdio::null()).spawn().unwrap())
}

/// Of a station that reads one quick frame at a time, of nothing.
fn configuration(folder: &Path, name: &str, port: u16) -> PathBuf {
    let scenes = folder.join("scenes");
    fs::create_dir_all(&scenes).unwrap();
    let grey = image::GrayImage::from_pixel(64, 36, image::Luma([90]));
    grey.save(scenes.join("bay.png")).unwrap();
    let store = folder.join(name).with_extension("sqlite");
    let text = format!(
        "station.name = {name:?}
         camera = {{ kind = \"replay\", folder = {scenes:?}, fps = 240 }}
         light = {{ brighten_timeout_ms = 0, settle_frames = 0 }}
         burst.frames = 1
         store = {{ path = {store:?}, pictures = \"all\" }}
         mqtt = {{ host = \"127.0.0.1\", port = {port}, version = \"3.1.1\" }}\n"
    );
    let config = folder.join(name).with_extension("toml");
    fs::write(&config, text).unwrap();
    config
}

fn text<'a>(message: &'a Value, key: &str) -> &'a str {
    message[key].as_str().unwrap()
}

/// What came from the station.
struct Listener {
    subscriber: Subscriber,
    /// Reads that a daemon said it has kept.
    promised: BTreeSet<String>,
    /// Reads that were published.
    received: BTreeSet<String>,
}

impl Listener {
    /// Listens until a message comes of which this is true.
    fn hear(&mut self, is_enough: impl Fn(&str, &Value) -> bool) {
        loop {
            let (topic, message) = self.subscriber.any();
            let name = topic.rsplit('/').next().unwrap();
            match name {
                "read" => self.received.insert(text(&message, "id").to_owned()),
                "result" if message["ok"] == true => {
                    self.promised.insert(text(&message, "read").to_owned())
                }
                _ => false,
            };
            if is_enough(name, &message) {
                return;
            }
        }
    }

    fn hear_state(&mut self, state: &str) {
        self.hear(|name, message| name == "status" && message["state"] == state);
    }

    fn trigger(&self) {
        trigger(&self.subscriber, "bay1");
    }
}

fn trigger(subscriber: &Subscriber, station: &str) {
    let topic = format!("vinspect/workshop/{station}/cmd/trigger");
    let client = &subscriber.client;
    client.publish(topic, QoS::AtLeastOnce, false, "").unwrap();
}

/// Reads are ordered one after the other, and the daemon is killed in the midst of it, while it reads, keeps or publishes.
/// `VINSPECT_TEST_KILLS=200 cargo test --test daemon` kills more often.
#[test]
fn what_was_kept_is_published_however_often_the_daemon_is_killed() {
    let kills: u64 = env::var("VINSPECT_TEST_KILLS").map_or(8, |times| times.parse().unwrap());
    let (folder, port) = (tempfile::tempdir().unwrap(), broker());
    let config = configuration(folder.path(), "bay1", port);
    let store = folder.path().join("bay1.sqlite");
    let mut listener = Listener {
        subscriber: Subscriber::new(port, "test"),
        promised: BTreeSet::new(),
        received: BTreeSet::new(),
    };
    for round in 0..kills {
        let mut daemon = start(&[&config]);
        listener.hear_state("online");
        for _ in 0..round % 4 {
            listener.trigger();
            listener.hear(|name, _| name == "result");
        }
        listener.trigger();
        // Some moment of that read.
        let moment = Instant::now() + Duration::from_millis(round * 37 % 151);
        while Instant::now() < moment {
            thread::yield_now();
        }
        daemon.0.kill().unwrap();
        daemon.0.wait().unwrap();
        listener.hear_state("offline");
    }
    let _daemon = start(&[&config]);
    listener.hear_state("online");
    listener.trigger();
    listener.hear(|name, _| name == "result");
    // Reads come in order: with the last one all are there.
    while !listener.promised.is_subset(&listener.received) {
        listener.hear(|name, _| name == "read");
    }

    let history = History::open(&store).unwrap();
    let kept: Vec<_> = history
        .reads(Timestamp::MIN, None)
        .map(Result::unwrap)
        .collect();
    let sequences = kept.iter().map(|kept| kept.read.sequence);
    assert!(sequences.eq(1..=kept.len() as i64));
    let kept: BTreeSet<_> = kept.iter().map(|kept| kept.read.id.to_string()).collect();
    assert!(listener.promised.is_subset(&kept));
    assert_eq!(listener.received, kept);
    println!("{kills} kills, {} reads", kept.len());
}

#[test]
fn a_disk_that_fills_up_stops_the_pictures_first_and_no_read_and_recovers() {
    let Some(disk) = Mount::new(16) else { return };
    let port = broker();
    let mut config = Config {
        mqtt: MqttConfig {
            host: "127.0.0.1".into(),
            port: Some(port),
            version: Version::V311,
            ..MqttConfig::default()
        },
        ..Config::default()
    };
    config.store.path = disk.path().join("reads.sqlite");
    config.store.pictures = Pictures::All;
    config.store.max_mb = 8;
    let subscriber = Subscriber::new(port, "test");
    let station = Station::on(config);
    let folder = disk.path().join("reads.pictures");
    let pictures = || fs::read_dir(&folder).map_or(0, Iterator::count);
    let causes = || -> Vec<String> {
        let status = subscriber.next("/status");
        let causes = status["causes"].as_array().unwrap();
        causes
            .iter()
            .map(|cause| text(cause, "cause").into())
            .collect()
    };
    let reads = Subscriber::new(port, "reads");
    let read = || {
        station.press();
        reads.next("/read")["sequence"].as_i64().unwrap()
    };
    assert_eq!(read(), 1);
    common::until("a picture", || pictures() == 1);

    disk.fill_but(4 << 20);
    assert_eq!(read(), 2);
    while causes() != ["archive"] {}
    assert_eq!(pictures(), 1);

    disk.fill_but(0);
    let mut sequence = 2;
    while station.unsaved() == 0 {
        sequence += 1;
        assert_eq!(read(), sequence);
    }
    while causes() != ["store", "archive"] {}
    assert_eq!(pictures(), 0, "they made way");

    disk.empty();
    while !causes().is_empty() {}
    sequence += 1;
    assert_eq!(read(), sequence);
    common::until("a picture", || pictures() == 1);
    station.stop();
}

#[test]
fn several_stations_in_one_daemon_are_apart_and_end_together() {
    let (folder, port) = (tempfile::tempdir().unwrap(), broker());
    let [one, two] = ["bay1", "bay2"].map(|name| configuration(folder.path(), name, port));
    let [first, second] = ["bay1", "bay2"].map(|name| {
        let subscriber = Subscriber::new(port, name);
        move |topic: &str| subscriber.next(&format!("/{name}/{topic}"))
    });
    let commander = Subscriber::new(port, "commander");
    let mut daemon = start(&[&one, &two]);
    assert_eq!(first("status")["state"], "online");
    assert_eq!(second("status")["state"], "online");
    for (name, listen) in [
        ("bay1", &first as &dyn Fn(&str) -> Value),
        ("bay2", &second),
    ] {
        trigger(&commander, name);
        let read = listen("read");
        assert_eq!(
            (&read["station"], &read["sequence"]),
            (&name.into(), &1.into())
        );
    }
    terminate(&daemon);
    assert!(daemon.0.wait().unwrap().success());
    assert_eq!(first("status")["state"], "offline");
    assert_eq!(second("status")["state"], "offline");

    let again = start(&[&one, &one]).0.wait();
    assert!(!again.unwrap().success(), "two of one name");
}
