//! From the button to a subscriber, over brokers that come late, break off and come back.
#![cfg(feature = "demo")]
#![allow(clippy::unwrap_used)]

mod common;

use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use common::{Gate, Station, Subscriber, VIN, broker, until};
use rumqttc::QoS;

const TRIGGER: &str = "vinspect/workshop/bay1/cmd/trigger";

#[test]
fn a_read_arrives_with_everything_in_it() {
    let port = broker();
    let subscriber = Subscriber::new(port, "test");
    let station = Station::new(port);
    assert_eq!(subscriber.next("/status")["state"], "online");
    station.press();
    let read = subscriber.next("/read");
    assert_eq!(read["schema"], "vinspect.read/1");
    assert_eq!(
        (&read["vin"], &read["outcome"]),
        (&VIN.into(), &"accepted".into())
    );
    assert_eq!(
        (&read["trigger"], &read["sequence"]),
        (&"gpio".into(), &1.into())
    );
    assert_eq!(read["decoded"]["maker"], "Honda");
    until("an empty outbox", || station.waiting() == 0);
    station.stop();
    assert_eq!(subscriber.next("/status")["state"], "offline");
}

#[test]
fn a_command_is_a_trigger_but_not_one_of_yesterday() {
    let port = broker();
    let subscriber = Subscriber::new(port, "test");
    let publish = |retain| {
        subscriber
            .client
            .publish(TRIGGER, QoS::AtLeastOnce, retain, "")
    };
    publish(true).unwrap();
    let station = Station::new(port);
    assert_eq!(subscriber.next("/status")["state"], "online");
    // The retained command comes with the subscription, before anything that is published later.
    station.press();
    assert_eq!(subscriber.next("/read")["trigger"], "gpio");
    publish(false).unwrap();
    let read = subscriber.next("/read");
    assert_eq!(
        (&read["trigger"], &read["sequence"]),
        (&"command".into(), &2.into())
    );
    station.stop();
}

#[test]
fn reads_made_while_the_broker_is_away_arrive_later_and_in_order() {
    let broker = broker();
    let subscriber = Subscriber::new(broker, "test");
    let gate = Gate::closed(broker);
    let station = Station::new(gate.port);
    for _ in 0..3 {
        station.read_while_away();
    }
    gate.open(&[]);
    for sequence in 1..=3 {
        assert_eq!(subscriber.next("/read")["sequence"], sequence);
    }
    until("an empty outbox", || station.waiting() == 0);
    station.stop();
}

/// What the broker says before it acknowledges the first read: CONNACK, SUBACK of four commands and the PUBACK of the status.
const UP_TO_THE_FIRST_READ: usize = 4 + 8 + 4;

#[test]
fn a_read_whose_acknowledgement_is_lost_is_sent_again() {
    let broker = broker();
    let subscriber = Subscriber::new(broker, "test");
    let gate = Gate::closed(broker);
    let station = Station::new(gate.port);
    station.read_while_away();
    gate.open(&[UP_TO_THE_FIRST_READ, 3, UP_TO_THE_FIRST_READ]);
    let ids: Vec<_> = (0..3)
        .map(|_| subscriber.next("/read")["id"].clone())
        .collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    until("an empty outbox", || station.waiting() == 0);
    station.stop();
}

/// The disk is full for this from now on.
fn fill_disk(station: &Station, change: &str) {
    rusqlite::Connection::open(&station.config.store.path)
        .unwrap()
        .execute_batch(&format!(
            "CREATE TRIGGER full BEFORE {change} BEGIN SELECT RAISE(ABORT, 'full'); END"
        ))
        .unwrap();
}

/// A full disk that cannot even take the note that a read was delivered.
#[test]
fn a_delivery_that_cannot_be_noted_does_not_hold_up_the_next() {
    let port = broker();
    let subscriber = Subscriber::new(port, "test");
    let station = Station::new(port);
    assert_eq!(subscriber.next("/status")["state"], "online");
    fill_disk(&station, "UPDATE ON state");
    for sequence in 1..=20 {
        station.press();
        assert_eq!(subscriber.next("/read")["sequence"], sequence);
    }
    station.stop();
}

#[test]
fn a_command_is_told_that_its_read_is_not_on_the_disk() {
    let port = broker();
    let subscriber = Subscriber::new(port, "test");
    let station = Station::new(port);
    assert_eq!(subscriber.next("/status")["state"], "online");
    fill_disk(&station, "INSERT ON reads");
    let publish = subscriber
        .client
        .publish(TRIGGER, QoS::AtLeastOnce, false, "");
    publish.unwrap();
    let answer = subscriber.next("/trigger/result");
    assert!(answer["ok"] == false && answer["read"].is_string());
    assert!(answer["error"].as_str().unwrap().contains("memory only"));
    until("an empty outbox", || station.waiting() == 0);
    station.stop();
}

#[test]
fn a_station_that_is_cut_off_is_reported_as_lost_and_comes_back() {
    let broker = broker();
    let subscriber = Subscriber::new(broker, "test");
    let gate = Gate::closed(broker);
    gate.open(&[]);
    let station = Station::new(gate.port);
    assert_eq!(subscriber.next("/status")["state"], "online");
    gate.cut();
    assert_eq!(subscriber.next("/status")["state"], "offline");
    assert_eq!(subscriber.next("/status")["state"], "online");
    station.press();
    assert_eq!(subscriber.next("/read")["vin"], VIN);
    station.stop();
}

#[test]
fn the_status_is_retained() {
    let port = broker();
    let first = Subscriber::new(port, "first");
    let station = Station::new(port);
    assert_eq!(first.next("/status")["state"], "online");
    assert_eq!(
        Subscriber::new(port, "second").next("/status")["state"],
        "online"
    );
    station.stop();
    assert_eq!(first.next("/status")["state"], "offline");
    assert_eq!(
        Subscriber::new(port, "third").next("/status")["state"],
        "offline"
    );
}

/// A mosquitto, if this machine has one.
struct Mosquitto(Child);

impl Mosquitto {
    fn start(port: u16) -> Option<Self> {
        let child = Command::new("mosquitto")
            .args(["-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let broker = Self(child);
        until("mosquitto", || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Some(broker)
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn mosquitto_is_killed_and_comes_back_and_no_read_is_lost() {
    let port = vinspect::mqtt::broker::free_port().unwrap();
    let Some(mosquitto) = Mosquitto::start(port) else {
        eprintln!("skipped: no mosquitto on the PATH");
        return;
    };
    let subscriber = Subscriber::new(port, "test");
    let station = Station::new(port);
    assert_eq!(subscriber.next("/status")["state"], "online");
    station.press();
    assert_eq!(subscriber.next("/read")["sequence"], 1);
    until("an empty outbox", || station.waiting() == 0);
    drop(mosquitto);
    station.read_while_away();
    station.read_while_away();

    // The station may be quicker than a new subscriber; what it has published before is not seen, but the broker has it.
    let _mosquitto = Mosquitto::start(port);
    until("an empty outbox", || station.waiting() == 0);
    let subscriber = Subscriber::new(port, "test");
    station.press();
    assert_eq!(subscriber.next("/read")["sequence"], 4);
    station.stop();
}
