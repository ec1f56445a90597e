//! Many stations at one broker: how long a verdict takes to a subscriber, and whether one is lost.
//!
//! `cargo bench --bench fleet -- --stations 1000 --seconds 60`
//!
//! Starts mosquitto, or uses the broker of `--broker HOST:PORT`. Each station is the real store and the real delivery, with a
//! read a second; only camera and reader are missing.

use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel, sync_channel};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use jiff::Timestamp;
use rumqttc::{Client, Event, MqttOptions, Packet, QoS};
use uuid::Uuid;
use vinspect::health::Health;
use vinspect::mqtt::{Address, Delivery, Models, Settings, Topics, Version};
use vinspect::store::{Facts, Limits, Store};

type Failure = Box<dyn std::error::Error>;

#[derive(Parser)]
struct Args {
    /// How many.
    #[arg(long, default_value_t = 100)]
    stations: usize,
    /// How long each reads once a second.
    #[arg(long, default_value_t = 10)]
    seconds: usize,
    /// A broker that runs already.
    #[arg(long, value_name = "HOST:PORT")]
    broker: Option<String>,
    /// Where the stores lie; by default in memory, for every station has a disk of its own.
    #[arg(long)]
    folder: Option<std::path::PathBuf>,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

struct Mosquitto(Child);

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A broker on a port of the loopback interface.
fn mosquitto() -> Result<(Mosquitto, u16), Failure> {
    let port = std::net::TcpListener::bind("127.0.0.1:0")?
        .local_addr()?
        .port();
    let config = std::env::temp_dir().join(format!("vinspect-fleet-{port}.conf"));
    let lines = format!(
        "listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 0\n"
    );
    std::fs::write(&config, lines)?;
    let child = Command::new("mosquitto")
        .arg("-c")
        .arg(&config)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| {
            format!("mosquitto: {error}; install it, or name a broker with --broker")
        })?;
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        thread::sleep(Duration::from_millis(5));
    }
    Ok((Mosquitto(child), port))
}

/// How old each read is on its arrival.
fn subscriber(
    host: &str,
    port: u16,
    start: Instant,
) -> Result<Receiver<(String, Duration)>, Failure> {
    let mut options = MqttOptions::new("vinspect-fleet-subscriber", host, port);
    options.set_max_packet_size(1 << 20, 1 << 20);
    let (client, mut connection) = Client::new(options, 8);
    client.subscribe("vinspect/fleet/+/read", QoS::AtLeastOnce)?;
    let (arrivals, arrived) = channel();
    let (ready, subscribed) = channel();
    thread::spawn(move || {
        let _client = client;
        for event in connection.iter() {
            match event {
                Ok(Event::Incoming(Packet::SubAck(_))) => drop(ready.send(())),
                Ok(Event::Incoming(Packet::Publish(message))) => {
                    let now = start.elapsed();
                    let read = String::from_utf8_lossy(&message.payload).into_owned();
                    let made = read.split(' ').next().and_then(|ns| ns.parse().ok());
                    let age = now.saturating_sub(Duration::from_nanos(made.unwrap_or(0)));
                    if arrivals.send((message.topic, age)).is_err() {
                        return;
                    }
                }
                Ok(_) => {}
                // The broker has gone: this is over.
                Err(_) => return,
            }
        }
    });
    subscribed.recv_timeout(Duration::from_secs(10))?;
    Ok(arrived)
}

fn main() -> Result<(), Failure> {
    let args = Args::parse();
    let (_broker, host, port) = match &args.broker {
        Some(address) => {
            let (host, port) = address.rsplit_once(':').ok_or("--broker is HOST:PORT")?;
            (None, host.to_owned(), port.parse()?)
        }
        None => {
            let (broker, port) = mosquitto()?;
            (Some(broker), "127.0.0.1".to_owned(), port)
        }
    };
    let memory = std::path::PathBuf::from("/dev/shm");
    let folder = match args.folder {
        Some(folder) => tempfile::tempdir_in(folder)?,
        None if memory.is_dir() => tempfile::tempdir_in(memory)?,
        None => tempfile::tempdir()?,
    };
    let start = Instant::now();
    let arrived = subscriber(&host, port, start)?;
    let mut stations = Vec::new();
    for n in 0..args.stations {
        let store = Arc::new(Store::open(
            &folder.path().join(format!("{n}.db")),
            Limits::default(),
        )?);
        let settings = Settings {
            address: Address {
                host: host.clone(),
                port,
                version: Version::V5,
                tls: None,
                client_id: format!("vinspect-fleet-{n}"),
                login: None,
                keep_alive: Duration::from_secs(30),
            },
            topics: Topics::new("fleet", &n.to_string()),
            home_assistant: None,
            snapshots: false,
            models: Models::default(),
        };
        let (orders, _) = sync_channel(1);
        let health = Arc::new(Health::default());
        let delivery = Delivery::start(settings, Arc::clone(&store), health, orders)?;
        stations.push((store, delivery));
    }
    println!("{} stations after {:.1?}", stations.len(), start.elapsed());
    // Spread over the second, as cars are; two hands, as there are two cores.
    let padding = "x".repeat(900);
    let halves = stations.chunks(stations.len().div_ceil(2).max(1));
    let begun = Arc::new(Barrier::new(halves.len()));
    thread::scope(|scope| {
        for half in halves {
            let (begun, padding) = (Arc::clone(&begun), &padding);
            scope.spawn(move || {
                begun.wait();
                let first = Instant::now();
                let gap = Duration::from_secs(1) / half.len() as u32;
                for turn in 0..args.seconds * half.len() {
                    let due = gap * turn as u32;
                    thread::sleep(due.saturating_sub(first.elapsed()));
                    let (store, delivery) = &half[turn % half.len()];
                    let made = start.elapsed().as_nanos();
                    let facts = Facts {
                        id: Uuid::now_v7(),
                        vin: None,
                        decided_at: Timestamp::now(),
                    };
                    store.append(facts, |sequence| format!("{made} {sequence} {padding}"));
                    delivery.wake();
                }
            });
        }
    });
    let count = args.stations * args.seconds;
    let mut ages = Vec::with_capacity(count);
    while ages.len() < count {
        match arrived.recv_timeout(Duration::from_secs(20)) {
            Ok((_, age)) => ages.push(age),
            Err(_) => break,
        }
    }
    ages.sort_unstable();
    let waiting: u64 = stations.iter().map(|(store, _)| store.pending()).sum();
    let share = |p: f64| {
        ages.get((p * ages.len() as f64) as usize)
            .copied()
            .unwrap_or_default()
    };
    println!(
        "{count} reads: {} arrived, {waiting} wait; verdict to subscriber: median {:.1?}, p95 {:.1?}, p99 {:.1?}, most {:.1?}",
        ages.len(),
        share(0.5),
        share(0.95),
        share(0.99),
        ages.last().copied().unwrap_or_default()
    );
    if ages.len() < count {
        return Err(format!("{} reads were lost", count - ages.len()).into());
    }
    Ok(())
}
