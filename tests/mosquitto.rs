//! What a real broker makes of us: encryption, passwords and rules, each told by its name. Skipped without mosquitto.
#![cfg(feature = "demo")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel, sync_channel};
use std::thread;
use std::time::Duration;

use common::{PATIENCE, Station, VIN, facts, until};
use rumqttc::v5::Event;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, Publish, PublishProperties};
use serde_json::Value;
use vinspect::config::MqttConfig;
use vinspect::health::Health;
use vinspect::mqtt::{Address, Delivery, Models, Settings, Topics, Version, broker};
use vinspect::store::{Limits, Store};

/// A mosquitto with some lines of configuration; `{}` stands for its folder.
struct Mosquitto {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Mosquitto {
    /// None, visibly, where there is none.
    fn start(lines: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let port = broker::free_port().unwrap();
        certificates(folder.path());
        fs::write(folder.path().join("rules"), "topic read vinspect/#\n").unwrap();
        let made = Command::new("mosquitto_passwd")
            .args(["-c", "-b"])
            .arg(folder.path().join("passwords"))
            .args(["station", "right"])
            .output();
        if made.is_err() {
            fs::write(folder.path().join("passwords"), "").unwrap();
        }
        let lines = lines.replace("{}", folder.path().to_str().unwrap());
        let config = folder.path().join("mosquitto.conf");
        // As root it would become another user, who may not read the folder.
        fs::write(
            &config,
            format!("user root\nlistener {port} 127.0.0.1\n{lines}"),
        )
        .unwrap();
        let child = Command::new("mosquitto")
            .arg("-c")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(child) = child else {
            eprintln!("skipped: no mosquitto on the PATH");
            return None;
        };
        until("mosquitto", || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Some(Self {
            child,
            port,
            folder,
        })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A station's way to it, as configured by these lines.
    fn address(&self, mqtt: &str) -> Address {
        #[derive(serde::Deserialize, Default)]
        #[serde(default)]
        struct Lines {
            version: Version,
            tls: Option<vinspect::mqtt::Tls>,
            username: Option<String>,
            password_file: Option<PathBuf>,
        }
        let mqtt = mqtt.replace("{}", self.folder.path().to_str().unwrap());
        let lines: Lines = toml::from_str(&mqtt).unwrap();
        Address {
            host: "127.0.0.1".into(),
            port: self.port,
            version: lines.version,
            tls: lines.tls,
            client_id: "station".into(),
            login: lines.username.map(|user| (user, lines.password_file)),
            keep_alive: Duration::from_secs(30),
        }
    }

    /// What becomes of one read: delivered (none), or what the station says instead.
    fn told(&self, mqtt: &str) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(&folder.path().join("v.db"), Limits::default()).unwrap());
        let health = Arc::new(Health::default());
        store.append(facts(), |sequence| format!("{sequence}"));
        let settings = Settings {
            address: self.address(mqtt),
            topics: Topics::new("workshop", "bay1"),
            home_assistant: None,
            snapshots: false,
            models: Models::default(),
        };
        let (orders, _) = sync_channel(1);
        let _delivery =
            Delivery::start(settings, Arc::clone(&store), Arc::clone(&health), orders).unwrap();
        until("a delivered read or a reason", || {
            store.pending() == 0 || !health.ailments().is_empty()
        });
        let delivered = store.pending() == 0;
        let told = health.ailments().pop().map(|ailment| ailment.message);
        assert_ne!(delivered, told.is_some(), "{told:?}");
        told
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An authority, and what it vouches for.
fn certificates(folder: &Path) {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    let authority = || {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name = rcgen::DistinguishedName::new();
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, "workshop");
        params
    };
    let write = |name: &str, text: String| fs::write(folder.join(name), text).unwrap();
    let key = KeyPair::generate().unwrap();
    write("ca.pem", authority().self_signed(&key).unwrap().pem());
    let issuer = Issuer::new(authority(), key);
    let other = KeyPair::generate().unwrap();
    write(
        "other-ca.pem",
        authority().self_signed(&other).unwrap().pem(),
    );
    for (name, host, until) in [
        ("broker", "127.0.0.1", 2999),
        ("named", "broker.example.org", 2999),
        ("expired", "127.0.0.1", 2001),
        ("station", "station", 2999),
    ] {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![host.into()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2000, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        let certificate = params.signed_by(&key, &issuer).unwrap();
        write(&format!("{name}.pem"), certificate.pem());
        write(&format!("{name}.key"), key.serialize_pem());
    }
}

#[cfg(feature = "tls")]
fn tls_lines(name: &str) -> String {
    format!("allow_anonymous true\ncertfile {{}}/{name}.pem\nkeyfile {{}}/{name}.key\n")
}

#[cfg(feature = "tls")]
const TRUSTED: &str = r#"tls = { ca_file = "{}/ca.pem" }"#;

/// What comes on all topics, and a way to publish, in MQTT 5.
struct Client {
    client: rumqttc::v5::Client,
    messages: Receiver<Publish>,
}

impl Client {
    fn new(port: u16, name: &str) -> Self {
        let options = rumqttc::v5::MqttOptions::new(name, "127.0.0.1", port);
        let (client, mut connection) = rumqttc::v5::Client::new(options, 16);
        client.subscribe("#", QoS::AtLeastOnce).unwrap();
        let (sender, messages) = channel();
        thread::spawn(move || {
            for event in connection.iter() {
                match event {
                    Ok(Event::Incoming(Packet::Publish(message))) => {
                        if sender.send(message).is_err() {
                            return;
                        }
                    }
                    Ok(_) => {}
                    Err(_) => return,
                }
            }
        });
        Self { client, messages }
    }

    /// The next message on a topic that ends like this.
    fn next(&self, topic: &str) -> Publish {
        loop {
            let message = self.messages.recv_timeout(PATIENCE).expect(topic);
            if message.topic.ends_with(topic.as_bytes()) {
                return message;
            }
        }
    }

    /// Gives a command; its answer, which keeps to the contract and has our correlation data.
    fn command(&self, name: &str, payload: &str) -> Value {
        let properties = PublishProperties {
            correlation_data: Some(name.to_owned().into()),
            ..PublishProperties::default()
        };
        let topic = format!("vinspect/workshop/bay1/cmd/{name}");
        self.client
            .publish_with_properties(
                topic,
                QoS::AtLeastOnce,
                false,
                payload.to_owned(),
                properties,
            )
            .unwrap();
        let answer = self.next(&format!("cmd/{name}/result"));
        let echoed = answer.properties.unwrap().correlation_data.unwrap();
        assert_eq!(echoed, name.as_bytes());
        keeps_to("result", &answer.payload)
    }
}

/// A message that is as the published schema says.
fn keeps_to(schema: &str, message: &[u8]) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/schemas");
    let schema = fs::read_to_string(path.join(format!("{schema}.json"))).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let message: Value = serde_json::from_slice(message).unwrap();
    if let Err(error) = jsonschema::validate(&schema, &message) {
        panic!("{error}: {message:#}");
    }
    message
}

#[test]
fn commands_are_answered_and_what_is_sent_keeps_to_the_contract() {
    let Some(broker) = Mosquitto::start("allow_anonymous true\n") else {
        return;
    };
    let client = Client::new(broker.port, "test");
    // A picture may overtake its read.
    let pictures = Client::new(broker.port, "pictures");
    let station = Station::with(MqttConfig {
        host: "127.0.0.1".into(),
        port: Some(broker.port),
        snapshots: true,
        home_assistant: true,
        ..MqttConfig::default()
    });
    let status = keeps_to("status", &client.next("bay1/status").payload);
    assert_eq!(status["state"], "online");
    assert!(
        client
            .next("/config")
            .topic
            .starts_with(b"homeassistant/device/")
    );

    let expected = format!(r#"{{"vins": ["{VIN}"]}}"#);
    assert_eq!(client.command("expect", &expected)["ok"], true);
    station.press();
    let read = keeps_to("read", &client.next("/read").payload);
    assert_eq!(
        (&read["expected"], &read["historical"]),
        (&"match".into(), &false.into())
    );
    let picture = pictures.next("/snapshot");
    assert!(picture.payload.starts_with(&[0xff, 0xd8]));
    assert_eq!(
        picture.properties.unwrap().correlation_data.unwrap(),
        read["id"].as_str().unwrap()
    );

    let answer = client.command("trigger", "");
    assert_eq!(
        (&answer["ok"], answer["read"].is_string()),
        (&true.into(), true)
    );
    assert_eq!(client.command("light", r#"{"on": true}"#)["ok"], true);
    assert!(station.light.is_on());
    assert_eq!(client.command("light", r#"{"on": false}"#)["ok"], true);
    client
        .client
        .publish(
            "vinspect/workshop/bay1/cmd/capture",
            QoS::AtLeastOnce,
            false,
            "",
        )
        .unwrap();
    assert!(client.next("/snapshot").payload.starts_with(&[0xff, 0xd8]));

    let refused = client.command("expect", r#"{"vins": ["nonsense"]}"#);
    assert_eq!(refused["ok"], false);
    let refused = client.command("trigger", &"x".repeat(5000));
    assert!(refused["error"].as_str().unwrap().contains("4096"));

    client
        .client
        .publish("homeassistant/status", QoS::AtLeastOnce, false, "online")
        .unwrap();
    client.next("/config");
    station.stop();
    let status = keeps_to("status", &client.next("bay1/status").payload);
    assert_eq!(status["state"], "offline");
}

#[test]
#[cfg(feature = "tls")]
fn a_read_goes_over_tls_in_either_version() {
    let Some(broker) = Mosquitto::start(&tls_lines("broker")) else {
        return;
    };
    for version in ["5", "3.1.1"] {
        assert_eq!(
            broker.told(&format!("version = {version:?}\n{TRUSTED}")),
            None
        );
    }
}

#[test]
#[cfg(feature = "tls")]
fn what_is_wrong_with_a_certificate_is_told() {
    for (certificate, authority, code) in [
        ("broker", "other-ca", "certificate_untrusted"),
        ("expired", "ca", "certificate_expired"),
        ("named", "ca", "certificate_name"),
    ] {
        let Some(broker) = Mosquitto::start(&tls_lines(certificate)) else {
            return;
        };
        let told = broker
            .told(&format!(r#"tls = {{ ca_file = "{{}}/{authority}.pem" }}"#))
            .unwrap();
        assert!(told.contains(&format!("[{code}]")), "{told}");
    }
}

#[test]
#[cfg(feature = "tls")]
fn a_certificate_of_another_name_will_do_if_that_is_configured() {
    let Some(broker) = Mosquitto::start(&tls_lines("named")) else {
        return;
    };
    let tls =
        |name: &str| format!(r#"tls = {{ ca_file = "{{}}/ca.pem", server_name = "{name}" }}"#);
    assert_eq!(broker.told(&tls("broker.example.org")), None);
    let told = broker.told(&tls("broker.example.com")).unwrap();
    assert!(told.contains("[certificate_name]"), "{told}");
}

#[test]
#[cfg(feature = "tls")]
fn a_broker_may_want_our_certificate() {
    let lines = tls_lines("broker") + "cafile {}/ca.pem\nrequire_certificate true\n";
    let Some(broker) = Mosquitto::start(&lines) else {
        return;
    };
    let told = broker.told(TRUSTED).unwrap();
    assert!(
        told.contains("[certificate_refused]") || told.contains("[broker_closed]"),
        "{told}"
    );
    let ours = r#"tls = { ca_file = "{}/ca.pem", certificate_file = "{}/station.pem", key_file = "{}/station.key" }"#;
    assert_eq!(broker.told(ours), None);
}

#[test]
fn a_wrong_password_and_a_missing_file_are_told() {
    let Some(broker) = Mosquitto::start("allow_anonymous false\npassword_file {}/passwords\n")
    else {
        return;
    };
    fs::write(broker.file("password"), "right\n").unwrap();
    fs::write(broker.file("wrong"), "wrong\n").unwrap();
    let login = |file: &str| format!("username = \"station\"\npassword_file = \"{{}}/{file}\"");
    for version in ["5", "3.1.1"] {
        let told = broker
            .told(&format!("version = {version:?}\n{}", login("wrong")))
            .unwrap();
        assert!(told.contains("[login_refused]"), "{told}");
    }
    assert_eq!(broker.told(&login("password")), None);
    let told = broker.told(&login("none")).unwrap();
    assert!(told.contains("[password_unreadable]"), "{told}");
}

#[test]
fn rules_that_forbid_to_publish_are_told() {
    let Some(broker) = Mosquitto::start("allow_anonymous true\nacl_file {}/rules\n") else {
        return;
    };
    let told = broker.told("").unwrap();
    assert!(told.contains("[read_refused]"), "{told}");
}
