//! What the integration tests share: a way to the broker that can be cut, a client that listens, a station without
//! hardware.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

pub mod fault_broker;
pub mod killed;
pub mod mount;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rumqttc::{Client, Event, MqttOptions, Packet, Publish, QoS};
use serde_json::Value;
use vinspect::camera::{Camera, CameraError, Shot};
use vinspect::cli::service::{self, Hardware};
use vinspect::cli::supervisor::Supervised;
use vinspect::config::{Config, MqttConfig};
use vinspect::gpio::simulated::{Button, Light};
use vinspect::image::{Frame, Point, Quad};
use vinspect::mqtt::{Version, broker};
use vinspect::reader::{Decision, Evidence, Mark, Observation, Observe, ReadError};
use vinspect::station::Lamps;
use vinspect::store::{Facts, Store};
use vinspect::vin::ALPHABET;

/// Longer than anything here takes on a slow machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub const VIN: &str = "1HGCM82633A004352";

/// Of a read without a VIN.
pub fn facts() -> Facts {
    Facts {
        id: uuid::Uuid::now_v7(),
        vin: None,
        decided_at: jiff::Timestamp::now(),
    }
}

/// Waits until something is so.
pub fn until(what: &str, mut so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !so() {
        assert!(start.elapsed() < PATIENCE, "{what} has not come");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A broker inside the test.
pub fn broker() -> u16 {
    let port = broker::free_port().unwrap();
    broker::start(port).unwrap();
    port
}

/// A way to a broker that can be opened and cut.
pub struct Gate {
    /// Where a station finds the broker.
    pub port: u16,
    broker: u16,
    connections: Arc<Mutex<Vec<TcpStream>>>,
}

impl Gate {
    /// Closed: nobody listens at its port.
    pub fn closed(broker: u16) -> Self {
        Self {
            port: broker::free_port().unwrap(),
            broker,
            connections: Arc::default(),
        }
    }

    /// Open: of what the broker answers on connection n only the first `cut[n]` bytes come through, and then the
    /// connection breaks. Later ones are whole.
    pub fn open(&self, cut: &'static [usize]) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).unwrap();
        let (broker, connections) = (self.broker, Arc::clone(&self.connections));
        thread::spawn(move || {
            for (n, client) in listener.incoming().enumerate() {
                let client = client.unwrap();
                let Ok(server) = TcpStream::connect(("127.0.0.1", broker)) else {
                    continue;
                };
                let whole = usize::MAX;
                let limit = cut.get(n).copied().unwrap_or(whole);
                for stream in [&client, &server] {
                    connections
                        .lock()
                        .unwrap()
                        .push(stream.try_clone().unwrap());
                }
                pipe(
                    client.try_clone().unwrap(),
                    server.try_clone().unwrap(),
                    whole,
                );
                pipe(server, client, limit);
            }
        });
    }

    /// Breaks all connections; new ones are taken.
    pub fn cut(&self) {
        for stream in self.connections.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn pipe(mut from: TcpStream, mut to: TcpStream, mut limit: usize) {
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count) = from.read(&mut buffer) {
            if count == 0 || count > limit || to.write_all(&buffer[..count]).is_err() {
                break;
            }
            limit -= count;
        }
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    });
}

/// A client that listens to everything.
pub struct Subscriber {
    pub client: Client,
    messages: Receiver<Publish>,
}

impl Subscriber {
    /// Subscribed.
    pub fn new(port: u16, name: &str) -> Self {
        let (client, mut connection) = Client::new(MqttOptions::new(name, "127.0.0.1", port), 8);
        client.subscribe("vinspect/#", QoS::AtLeastOnce).unwrap();
        let (sender, messages) = channel();
        let (subscribed, ready) = channel();
        thread::spawn(move || {
            for event in connection.iter() {
                match event {
                    Ok(Event::Incoming(Packet::SubAck(_))) => subscribed.send(()).unwrap(),
                    Ok(Event::Incoming(Packet::Publish(publish))) => {
                        if sender.send(publish).is_err() {
                            return;
                        }
                    }
                    Ok(_) => {}
                    Err(_) => return,
                }
            }
        });
        ready.recv_timeout(PATIENCE).unwrap();
        Self { client, messages }
    }

    /// The next message whose topic ends like this.
    pub fn next(&self, topic: &str) -> Value {
        loop {
            let publish = self.messages.recv_timeout(PATIENCE).expect(topic);
            if publish.topic.ends_with(topic) {
                return serde_json::from_slice(&publish.payload).unwrap();
            }
        }
    }

    /// The next message and its topic; those that are no JSON are null.
    pub fn any(&self) -> (String, Value) {
        let publish = self.messages.recv_timeout(PATIENCE).expect("a message");
        let message = serde_json::from_slice(&publish.payload).unwrap_or_default();
        (publish.topic, message)
    }
}

/// A station without hardware that reads the same VIN for ever.
pub struct Station {
    pub light: Light,
    pub config: Config,
    store: Arc<Store>,
    stop: Arc<AtomicBool>,
    button: Sender<Instant>,
    thread: Option<JoinHandle<()>>,
    _folder: Option<tempfile::TempDir>,
}

impl Station {
    /// At work, with the broker at this port.
    pub fn new(port: u16) -> Self {
        let version = Version::V311;
        Self::with(MqttConfig {
            host: "127.0.0.1".into(),
            port: Some(port),
            version,
            ..MqttConfig::default()
        })
    }

    /// The same, with the delivery as configured.
    pub fn with(mqtt: MqttConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config {
            mqtt,
            ..Config::default()
        };
        config.store.path = folder.path().join("v.db");
        let station = Self::on(config);
        Self {
            _folder: Some(folder),
            ..station
        }
    }

    /// The same, as configured.
    pub fn on(mut config: Config) -> Self {
        config.trigger.debounce_ms = 0;
        config.light.brighten_timeout_ms = 0;
        let (button, presses) = channel();
        let light = Light::default();
        let hardware = Hardware {
            trigger: Some(Box::new(Button::new(presses))),
            light: Some(Box::new(light.clone())),
            lamps: Lamps::default(),
            camera: Box::new(Grey),
        };
        let decision = Decision {
            accept_at: 0.9,
            ..Decision::embedded().unwrap()
        };
        let store = service::open_store(&config).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let thread = thread::spawn({
            let (config, store, stop) = (config.clone(), store.clone(), stop.clone());
            move || {
                let (sure, alone) = (Box::new(Sure), Supervised::alone());
                service::serve(&config, &store, hardware, decision, sure, alone, &stop).unwrap();
            }
        });
        Self {
            light,
            config,
            store,
            stop,
            button,
            thread: Some(thread),
            _folder: None,
        }
    }

    pub fn press(&self) {
        self.button.send(Instant::now()).unwrap();
    }

    /// How many reads the broker does not have.
    pub fn waiting(&self) -> u64 {
        self.store.pending()
    }

    /// How many reads the disk does not have.
    pub fn unsaved(&self) -> u64 {
        self.store.unsaved()
    }

    /// Presses the button, and waits until the read is kept.
    pub fn read_while_away(&self) {
        let before = self.waiting();
        self.press();
        until("a read in the outbox", || self.waiting() == before + 1);
    }

    pub fn stop(mut self) {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.take().unwrap().join().unwrap();
        assert!(!self.light.is_on());
    }
}

struct Grey;

impl Camera for Grey {
    fn next(&mut self, _: Duration) -> Result<Shot, CameraError> {
        Ok(Shot {
            frame: Frame {
                width: 1,
                height: 1,
                luma: vec![100],
            },
            captured_at: Instant::now(),
            skipped: 0,
        })
    }

    fn discard_queued(&mut self) -> Result<(), CameraError> {
        Ok(())
    }
}

struct Sure;

impl Observe for Sure {
    fn observe(&mut self, _: &Frame) -> Result<Observation, ReadError> {
        let log_p = std::array::from_fn(|place| {
            std::array::from_fn(|c| {
                if ALPHABET[c] == VIN.as_bytes()[place] {
                    -1e-5
                } else {
                    -15.0
                }
            })
        });
        let corner = |x, y| Point { x, y };
        let mut marks = heapless::Vec::new();
        let quad = Quad([
            corner(0.0, 0.0),
            corner(340.0, 0.0),
            corner(340.0, 30.0),
            corner(0.0, 30.0),
        ]);
        let evidence = Evidence { log_p, mark: 0.999 };
        let _ = marks.push(Mark {
            quad,
            evidence,
            longer: Some(0.0),
            contradicted: false,
        });
        Ok(Observation {
            marks,
            ..Observation::default()
        })
    }
}
