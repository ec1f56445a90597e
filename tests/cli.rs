//! The program itself: `check`, and `run` from its start to SIGTERM.
#![cfg(feature = "demo")]
#![allow(clippy::unwrap_used)]

mod common;

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Lines};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{ChildStderr, Command, Output, Stdio};
use std::time::Duration;

use common::killed::{Killed, terminate};
use common::{Subscriber, VIN, broker};
use rumqttc::QoS;
use vinspect::store::{Facts, Limits, Store};

fn vinspect() -> Command {
    Command::new(env!("CARGO_BIN_EXE_vinspect"))
}

/// A folder with a picture to replay, and a configuration for it with these lines.
fn folder(lines: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("pictures")).unwrap();
    let grey = image::GrayImage::from_pixel(640, 360, image::Luma([90]));
    grey.save(path("pictures/bay.png")).unwrap();
    let config = path("vinspect.toml");
    let (pictures, store) = (path("pictures"), path("v.db"));
    let text = format!(
        "camera = {{ kind = \"replay\", folder = {pictures:?}, fps = 1 }}\nstore.path = {store:?}\n{lines}"
    );
    fs::write(&config, text).unwrap();
    (folder, config)
}

fn check(config: &Path) -> (Option<i32>, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = vinspect()
        .arg("check")
        .arg("--config")
        .arg(config)
        .output()
        .unwrap();
    let text = [stdout, stderr].concat();
    (status.code(), String::from_utf8(text).unwrap())
}

#[test]
fn check_says_what_the_station_would_do() {
    let (_folder, config) = folder("");
    let (code, said) = check(&config);
    assert_eq!(code, Some(0), "{said}");
    for part in [
        "vinspect/workshop/bay1/cmd/trigger",
        "localhost:1883",
        "are replayed",
    ] {
        assert!(said.contains(part), "{said}");
    }
}

/// What there is differs from machine to machine, but it is told everywhere, and never an error.
#[test]
fn devices_are_listed_or_noted() {
    let told = |arguments: &[&str]| {
        let asked = vinspect().arg("devices").args(arguments).output().unwrap();
        assert!(asked.status.success());
        String::from_utf8(asked.stdout).unwrap()
    };
    let devices: serde_json::Value = serde_json::from_str(&told(&["--json"])).unwrap();
    let notes = devices["notes"].as_array().unwrap();
    for kind in ["cameras", "chips"] {
        let found = devices[kind].as_array().unwrap();
        assert!(!found.is_empty() || !notes.is_empty(), "{devices:#}");
    }
    let text = told(&[]);
    for note in notes {
        assert!(text.contains(note.as_str().unwrap()), "{text}");
    }
}

#[test]
fn check_refuses_what_run_would_refuse() {
    let wrong = [
        ("burst.frame = 3\n", ["line 3", "unknown field `frame`"]),
        (
            "burst.frames = 0\n",
            ["burst.frames = 0", "1 to 100 frames"],
        ),
        (
            "reader.locator = { path = \"/nowhere.onnx\", sha256 = \"00\" }\n",
            ["/nowhere.onnx", "leave the key out"],
        ),
    ];
    for (line, parts) in wrong {
        let (_folder, config) = folder(line);
        let (code, said) = check(&config);
        assert_eq!(code, Some(1), "{said}");
        assert!(parts.iter().all(|part| said.contains(part)), "{said}");
    }
}

#[test]
fn check_refuses_what_cannot_be_opened_on_any_machine() {
    let refused = |config: &Path, part: &str| {
        let (code, said) = check(config);
        assert!(code == Some(1) && said.contains(part), "{said}");
    };
    let (folder, config) = folder("");
    let pictures = folder.path().join("pictures");
    fs::remove_file(pictures.join("bay.png")).unwrap();
    refused(&config, "holds no picture");
    fs::remove_dir(&pictures).unwrap();
    refused(&config, "there is no camera.folder");
    // A V4L2 camera.
    fs::write(&config, "light.pwm_channel = 0\n").unwrap();
    if cfg!(not(feature = "v4l2")) {
        refused(&config, "--features v4l2");
    } else if cfg!(not(feature = "rppal")) {
        refused(&config, "--features rppal");
    }
}

/// What the service alone is handed, or what may come later: `run` tries again and again.
#[test]
fn check_warns_of_secrets_and_certificates_that_cannot_be_read() {
    let tls = if cfg!(feature = "tls") {
        "warning: mqtt.tls.ca_file /nowhere.pem"
    } else {
        "warning: this vinspect was built without TLS"
    };
    for (line, part) in [
        (
            "mqtt = { username = \"a\", password_file = \"/run/credentials/none/a\" }\n",
            "only while the service runs",
        ),
        ("mqtt.tls.ca_file = \"/nowhere.pem\"\n", tls),
    ] {
        let (_folder, config) = folder(line);
        let (code, said) = check(&config);
        assert!(code == Some(0) && said.contains(part), "{said}");
    }
}

/// What the program says and its exit code.
fn said(arguments: &[&str]) -> (Option<i32>, String) {
    let output = vinspect().args(arguments).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

#[test]
fn reads_are_exported_and_forgotten_while_the_daemon_runs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reads.sqlite");
    let text = path.to_str().unwrap();
    let export = |more: &[&str]| {
        said(
            &[
                &["export", "--store", text, "--since", "2026-03-01T00:00:00Z"],
                more,
            ]
            .concat(),
        )
    };
    let (code, sentence) = export(&["--format", "csv"]);
    assert!(
        code == Some(1) && sentence.contains("there is no store"),
        "{sentence}"
    );
    assert!(!path.exists());

    let store = Store::open(&path, Limits::default()).unwrap();
    for (day, vin) in [
        (1, "1HGCM82633A004352"),
        (2, "WVWZZZ1JZYW000001"),
        (3, "1HGCM82633A004352"),
    ] {
        let decided_at = format!("2026-03-0{day}T08:00:00.250Z");
        let facts = Facts {
            id: uuid::Uuid::from_u128(day),
            vin: Some(vin.into()),
            decided_at: decided_at.parse().unwrap(),
        };
        store.append(facts, |sequence| {
            format!(
                r#"{{"sequence":{sequence},"id":"{}","site":"s, t","station":"b","decided_at":"{decided_at}","outcome":"accepted","vin":"{vin}","confidence":0.9987,"reason":null,"faults":[{{"kind":"light","message":"no light"}},{{"kind":"trigger","message":"no trigger"}}]}}"#,
                uuid::Uuid::from_u128(day)
            )
        });
    }
    // All that the broker has is noted when the store is left.
    store.delivered(2);
    drop(store);
    let store = Store::open(&path, Limits::default()).unwrap();
    store.keep_picture(2, uuid::Uuid::from_u128(2), b"JPEG");
    store.keep_picture(3, uuid::Uuid::from_u128(3), b"JPEG");
    let strange = uuid::Uuid::from_u128(9);
    store.keep_picture(1, strange, b"JPEG");
    assert_eq!(store.picture_trouble(), None);
    let picture = |number: u128| {
        let name = format!(
            "reads.pictures/{number:09}-{}.jpg",
            uuid::Uuid::from_u128(number)
        );
        folder.path().join(name)
    };

    let (code, csv) = export(&["--until", "2026-03-03T00:00:00Z", "--format", "csv"]);
    let expected = "\
sequence,id,decided_at,site,station,trigger,outcome,vin,confidence,reason,check_digit,frames,fault,delivered,picture
1,00000000-0000-0000-0000-000000000001,2026-03-01T08:00:00.250Z,\"s, t\",b,,accepted,1HGCM82633A004352,0.9987,,,,no light; no trigger,true,
2,00000000-0000-0000-0000-000000000002,2026-03-02T08:00:00.250Z,\"s, t\",b,,accepted,WVWZZZ1JZYW000001,0.9987,,,,no light; no trigger,true,PICTURE
";
    let expected = expected.replace("PICTURE", picture(2).to_str().unwrap());
    assert_eq!((code, csv), (Some(0), expected));
    let (_, lines) = export(&["--format", "jsonl"]);
    let lines: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[2]["delivered"], false);
    assert_eq!(
        (&lines[2]["vin"], &lines[2]["sequence"]),
        (&VIN.into(), &3.into())
    );

    let forget = |more: &[&str]| said(&[&["forget", "--store", text], more].concat());
    let (code, sentence) = forget(&["1hgcm82633a004352"]);
    assert!(
        code == Some(1) && sentence.contains("2 reads would be removed, of which 1"),
        "{sentence}"
    );
    assert!(picture(3).exists());
    let (code, sentence) = forget(&[VIN, "--undelivered"]);
    assert!(
        code == Some(0)
            && sentence
                .starts_with("Reads removed: 2\nPictures removed: 1\nwarning: 1 pictures in "),
        "{sentence}"
    );
    assert!(picture(2).exists() && !picture(3).exists());
    assert_eq!(store.pending(), 0);
    let (_, sentence) = forget(&["--before", "2026-03-05"]);
    assert!(
        sentence.starts_with("Reads removed: 1\nPictures removed: 1\nwarning"),
        "{sentence}"
    );
    assert!(!picture(2).exists());
    // It belongs to no read of the store, as the daemon sees, too.
    store.tend();
    let folder = folder.path().join("reads.pictures");
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
    let (code, sentence) = forget(&["--before", "last year"]);
    assert!(
        code == Some(2) && sentence.contains("2026-03-01"),
        "{sentence}"
    );
    assert_eq!(export(&["--format", "jsonl"]), (Some(0), String::new()));
}

/// Starts a read, once the station is online, and waits until it is in it. The rest of its log, which must be held open.
fn trigger(child: &mut Killed, subscriber: &Subscriber) -> Lines<BufReader<ChildStderr>> {
    assert_eq!(subscriber.next("/status")["state"], "online");
    let topic = "vinspect/workshop/bay1/cmd/trigger";
    subscriber
        .client
        .publish(topic, QoS::AtLeastOnce, false, "")
        .unwrap();
    let mut log = BufReader::new(child.0.stderr.take().unwrap()).lines();
    assert!(log.any(|line| line.unwrap().contains("triggered")));
    log
}

#[test]
fn sigterm_in_a_burst_ends_in_order_and_keeps_what_was_seen() {
    let port = broker();
    let subscriber = Subscriber::new(port, "test");
    // A burst of a hundred seconds: it does not end before the signal.
    let (folder, config) = folder(&format!(
        "burst.frames = 100\nmqtt = {{ host = \"127.0.0.1\", port = {port}, version = \"3.1.1\" }}\n"
    ));
    let mut run = vinspect();
    run.arg("run")
        .arg("--config")
        .arg(&config)
        .stderr(Stdio::piped());
    let mut child = Killed(run.spawn().unwrap());
    let _log = trigger(&mut child, &subscriber);

    terminate(&child);
    assert_eq!(subscriber.next("/status")["state"], "offline");
    assert_eq!(child.0.wait().unwrap().code(), Some(0));
    let store = rusqlite::Connection::open(folder.path().join("v.db")).unwrap();
    let payload: String = store
        .query_row("SELECT payload FROM reads", (), |row| row.get(0))
        .unwrap();
    let read: serde_json::Value = serde_json::from_str(&payload).unwrap();
    assert_eq!(read["outcome"], "no_read");
    assert_eq!(read["faults"][0]["kind"], "stopped");
}

#[test]
fn systemd_is_told_that_the_station_is_ready_alive_and_ends() {
    let port = broker();
    let subscriber = Subscriber::new(port, "test");
    let (folder, config) = folder(&format!(
        "burst.frames = 100\nmqtt = {{ host = \"127.0.0.1\", port = {port}, version = \"3.1.1\" }}\n"
    ));
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let hear = |news: &str| {
        let mut buffer = [0; 1024];
        loop {
            let length = socket.recv(&mut buffer).unwrap();
            if std::str::from_utf8(&buffer[..length]).unwrap().trim_end() == news {
                return;
            }
        }
    };
    let mut run = vinspect();
    run.arg("run").arg("--config").arg(&config);
    run.env("NOTIFY_SOCKET", &path).stderr(Stdio::piped());
    let mut child = Killed(run.spawn().unwrap());
    hear("READY=1");
    hear("WATCHDOG=1");
    hear("STATUS=waiting for a trigger; the broker has every read");

    // The station does not turn in a burst of a hundred seconds; its frames are the signs of life.
    let _log = trigger(&mut child, &subscriber);
    while let Ok(()) = drain(&socket) {}
    hear("WATCHDOG=1");
    hear("WATCHDOG=1");

    terminate(&child);
    hear("STOPPING=1");
    assert_eq!(child.0.wait().unwrap().code(), Some(0));
}

/// What came before now.
fn drain(socket: &UnixDatagram) -> io::Result<()> {
    socket.set_nonblocking(true)?;
    let received = socket.recv(&mut [0; 1024]);
    socket.set_nonblocking(false)?;
    received.map(|_| ())
}

#[test]
fn the_journal_is_told_what_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let log = File::create(&path).unwrap();
    let its = log.metadata().unwrap();
    let mut check = vinspect();
    check.args(["check", "--config", "/nowhere.toml"]);
    check.env("JOURNAL_STREAM", format!("{}:{}", its.dev(), its.ino()));
    assert!(!check.stderr(log).status().unwrap().success());
    let said = fs::read_to_string(path).unwrap();
    assert!(said.starts_with("<3>"), "{said}");
}
