//! Reads go from the store to a broker that does everything wrong: none is lost, order is kept, repeats are the same read.
#![cfg(feature = "demo")]
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use common::fault_broker::{Fault, FaultBroker};
use common::{Gate, Subscriber, broker, facts, until};
use serde_json::Value;
use vinspect::health::Health;
use vinspect::mqtt::{Address, Delivery, Models, Settings, Topics, Version};
use vinspect::store::{Limits, Store};

/// A store, and the delivery of it.
struct Outbox {
    store: Arc<Store>,
    health: Arc<Health>,
    delivery: Delivery,
    _folder: tempfile::TempDir,
}

impl Outbox {
    fn new(port: u16, version: Version) -> Self {
        Self::with(port, version, None)
    }

    fn with(port: u16, version: Version, home_assistant: Option<String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(&folder.path().join("v.db"), Limits::default()).unwrap());
        let health = Arc::new(Health::default());
        let settings = Settings {
            address: Address {
                host: "127.0.0.1".into(),
                port,
                version,
                tls: None,
                client_id: "station".into(),
                login: None,
                keep_alive: Duration::from_secs(30),
            },
            topics: Topics::new("workshop", "bay1"),
            home_assistant,
            snapshots: true,
            models: Models::default(),
        };
        let (orders, _) = sync_channel(1);
        let delivery = Delivery::start(settings, Arc::clone(&store), Arc::clone(&health), orders);
        Self {
            delivery: delivery.unwrap(),
            store,
            health,
            _folder: folder,
        }
    }

    fn append(&self, count: usize) {
        for _ in 0..count {
            self.store.append(facts(), read);
            self.delivery.wake();
        }
    }
}

#[test]
fn a_picture_of_before_the_connection_is_not_sent() {
    let broker = broker();
    let subscriber = Subscriber::new(broker, "test");
    let gate = Gate::closed(broker);
    let outbox = Outbox::new(gate.port, Version::V311);
    // The subscriber takes JSON only.
    let show = |picture: &str| {
        let jpeg = || picture.into();
        outbox.delivery.snapshot(uuid::Uuid::nil(), jpeg);
    };
    show("1");
    gate.open(&[]);
    assert_eq!(subscriber.next("/status")["state"], "online");
    show("2");
    assert_eq!(subscriber.next("/snapshot"), 2);
}

#[test]
fn a_picture_that_is_too_large_ends_no_connection() {
    for (version, fault, most) in [
        (Version::V5, Fault::Narrow(50_000), 50_000),
        (Version::V311, Fault::None, 1 << 20),
    ] {
        let broker = FaultBroker::start(vec![fault]);
        let outbox = Outbox::new(broker.port, version);
        until("a status", || broker.status().is_some());
        for bytes in [most + 1, most - 20, most - 200] {
            let jpeg = || vec![7; bytes];
            outbox.delivery.snapshot(uuid::Uuid::nil(), jpeg);
        }
        until("a picture", || !broker.pictures().is_empty());
        outbox.append(1);
        until("an empty outbox", || outbox.store.pending() == 0);
        assert_eq!((broker.pictures().len(), broker.connections()), (1, 1));
    }
}

/// As long as a real one.
fn read(sequence: i64) -> String {
    let padding = "x".repeat(600);
    format!(
        r#"{{"sequence":{sequence},"id":"read {sequence}","padding":"{padding}","historical":false}}"#
    )
}

/// All reads are there, in the order of their first coming, and repeats say the same.
fn assert_complete(reads: &[Value], count: usize) {
    let mut next = 1;
    for read in reads {
        let sequence = read["sequence"].as_u64().unwrap();
        assert!(sequence <= next, "read {sequence} came before read {next}");
        assert_eq!(read["id"], format!("read {sequence}"));
        next = next.max(sequence + 1);
    }
    assert_eq!(next as usize, count + 1);
}

fn numbers(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed;
    move |below| {
        // Knuth's MMIX generator.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    }
}

fn goes_through(version: Version, count: usize, faults: usize, stalls: usize) {
    let mut random = numbers(7);
    let mut script: Vec<_> = (0..faults)
        .map(|_| {
            let at = 1 + random(2 * count / faults);
            match random(5) {
                0 => Fault::HangUp,
                1 => Fault::CutAfter(at),
                2 => Fault::CutInAck(at),
                3 => Fault::CutInRead(at),
                _ => Fault::Refuse(if version == Version::V5 { 0x88 } else { 3 }),
            }
        })
        .collect();
    for stall in 0..stalls {
        script.insert(faults * (stall + 1) / (stalls + 1), Fault::Withhold(3));
    }
    let broker = FaultBroker::start(script.clone());
    let outbox = Outbox::new(broker.port, version);
    outbox.append(count);
    // As long as there is progress.
    let mut waiting = outbox.store.pending();
    while waiting > 0 {
        let before = waiting;
        until("progress", || {
            waiting = outbox.store.pending();
            waiting < before
        });
    }
    let reads = broker.reads();
    assert_complete(&reads, count);
    println!(
        "{count} reads over {} connections: {} came, {} of them repeats",
        broker.connections(),
        reads.len(),
        reads.len() - count
    );
}

#[test]
fn no_read_is_lost_in_mqtt_5() {
    goes_through(Version::V5, 500, 8, 0);
}

#[test]
fn no_read_is_lost_in_mqtt_3() {
    goes_through(Version::V311, 500, 8, 0);
}

#[test]
fn acknowledgements_that_do_not_come_end_the_connection() {
    goes_through(Version::V5, 50, 2, 1);
}

#[test]
#[ignore = "takes minutes: cargo test --test outbox -- --ignored --nocapture"]
fn ten_thousand_reads_over_fifty_broken_connections() {
    goes_through(Version::V5, 10_000, 50, 5);
    goes_through(Version::V311, 10_000, 50, 5);
}

#[test]
fn a_read_that_the_broker_refuses_is_kept_and_told() {
    let broker = FaultBroker::start(vec![Fault::RefuseRead(2, 0x87)]);
    let outbox = Outbox::new(broker.port, Version::V5);
    outbox.append(3);
    until("a degraded status", || {
        broker
            .status()
            .is_some_and(|status| status["state"] == "degraded")
    });
    let status = broker.status().unwrap();
    assert_eq!(status["causes"][0]["cause"], "broker");
    let message = status["causes"][0]["message"].as_str().unwrap();
    assert!(message.contains("may not publish"), "{message}");
    assert_eq!(outbox.store.pending(), 2);
}

#[test]
fn a_command_that_the_broker_does_not_let_through_is_told_by_its_name() {
    for version in [Version::V5, Version::V311] {
        let broker = FaultBroker::start(vec![Fault::RefuseTopic(2)]);
        let outbox = Outbox::new(broker.port, version);
        until("an ailment", || !outbox.health.ailments().is_empty());
        let message = outbox.health.ailments()[0].message.clone();
        assert!(
            message.contains("hear vinspect/workshop/bay1/cmd/light: "),
            "{message}"
        );
        outbox.append(1);
        until("an empty outbox", || outbox.store.pending() == 0);
        assert_eq!(outbox.health.ailments().len(), 1, "reads go on");
    }
    // Home Assistant's own topic is none of the commands.
    let broker = FaultBroker::start(vec![Fault::RefuseTopic(4)]);
    let outbox = Outbox::with(broker.port, Version::V5, Some("homeassistant".into()));
    outbox.append(1);
    until("an empty outbox", || outbox.store.pending() == 0);
    assert_eq!(outbox.health.ailments(), []);
}

#[test]
fn a_wrong_password_is_told_and_not_tried_without_end() {
    let refused = vec![Fault::Refuse(0x86); 100];
    let broker = FaultBroker::start(refused);
    let outbox = Outbox::new(broker.port, Version::V5);
    outbox.append(1);
    until("an ailment", || !outbox.health.ailments().is_empty());
    let message = outbox.health.ailments()[0].message.clone();
    assert!(message.contains("mqtt.username"), "{message}");
    assert!(message.contains("[login_refused]"), "{message}");
    assert_eq!(outbox.store.pending(), 1);
    assert!(broker.connections() < 5);
}
