//! One connection to the broker, from dialling to its end, in MQTT 5 or 3.1.1.
//!
//! rumqttc forgets what was on its way when the broker loses the session, and reconnects by itself without a pause; so a
//! link is used for one connection and then thrown away.

mod outage;
#[cfg(feature = "tls")]
mod tls;
mod v311;
mod v5;

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

pub use outage::Outage;

/// Requests and events that wait at most. The courier keeps far fewer under way.
const ROOM: usize = 64;
/// Largest packet, bytes, of the broker's and in MQTT 3.1.1 ours; rumqttc's own 10 KiB makes it reconnect for ever.
const LARGEST: usize = 1 << 20;
/// Unacknowledged messages at most, ours and the broker's.
pub(super) const WINDOW: u16 = 16;
/// How long a broker keeps what is meant for a station that is away (MQTT 5): commands of a moment ago, not of yesterday.
const SESSION_EXPIRY_S: u32 = 60;

/// The dialect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Version {
    /// MQTT 3.1.1: a broker cannot say that it refused a message.
    #[serde(rename = "3.1.1")]
    V311,
    /// MQTT 5.
    #[default]
    #[serde(rename = "5")]
    V5,
}

/// Where the broker is and who we are.
#[derive(Clone, Debug)]
pub struct Address {
    /// Name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// What is spoken.
    pub version: Version,
    /// Encrypted, and how; else in the clear.
    pub tls: Option<Tls>,
    /// Unique among the broker's clients.
    pub client_id: String,
    /// User and the file with the password, which is read anew for each connection.
    pub login: Option<(String, Option<PathBuf>)>,
    /// How often a silent connection is tried.
    pub keep_alive: Duration,
}

/// Files for an encrypted connection, PEM each. The broker's certificate is always verified.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// Authorities to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Our certificate and those that vouch for it.
    pub certificate_file: Option<PathBuf>,
    /// The key of our certificate.
    pub key_file: Option<PathBuf>,
    /// The name the broker's certificate must bear, if it is not the host.
    pub server_name: Option<String>,
}

/// A message of ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Where to.
    pub topic: String,
    /// What.
    pub payload: Vec<u8>,
    /// Whether the broker keeps it for later subscribers.
    pub retain: bool,
    /// Echoed to whom we answer (MQTT 5).
    pub correlation: Option<Vec<u8>>,
    /// Media type (MQTT 5).
    pub content_type: Option<&'static str>,
}

impl Message {
    /// JSON for a topic.
    pub fn json(topic: String, payload: String) -> Self {
        Self {
            topic,
            payload: payload.into_bytes(),
            content_type: Some("application/json"),
            ..Self::default()
        }
    }

    /// Bytes of its packet at most.
    pub fn size(&self) -> usize {
        // Headers, lengths and the names of properties.
        const REST: usize = 32;
        let properties =
            self.correlation.as_ref().map_or(0, Vec::len) + self.content_type.map_or(0, str::len);
        REST + self.topic.len() + properties + self.payload.len()
    }
}

/// What a connection has to say. Messages of ours are sent in the order in which they were given.
#[derive(Debug)]
pub enum Heard {
    /// The broker lets us in, and takes packets of so many bytes; a larger one would end the connection.
    Connected(usize),
    /// The next message of ours went out under this number.
    Sent(u16),
    /// The broker has taken charge of it.
    Acknowledged(u16),
    /// The broker does not take it (MQTT 5).
    Refused(u16, &'static str),
    /// What became of the subscription: which of its topics, counted from 0, the broker refuses.
    Subscribed(Vec<usize>),
    /// A message for us.
    Message(Incoming),
    /// Our farewell went out.
    Farewell,
}

/// A message for us.
#[derive(Debug, PartialEq, Eq)]
pub struct Incoming {
    /// Its topic.
    pub topic: String,
    /// What it says.
    pub payload: Vec<u8>,
    /// Whether the broker had kept it, so that it is of yesterday.
    pub retained: bool,
    /// To be echoed in the answer.
    pub correlation: Option<Vec<u8>>,
}

enum Client {
    V311(rumqttc::AsyncClient),
    V5(rumqttc::v5::AsyncClient),
}

/// One connection.
pub struct Link {
    client: Client,
    heard: mpsc::Receiver<Result<Heard, Outage>>,
    poller: JoinHandle<()>,
}

impl Link {
    /// Begins to connect. `will` is what the broker says for us if we vanish.
    pub fn dial(address: &Address, will: Message) -> Result<Self, Outage> {
        match address.version {
            Version::V311 => v311::dial(address, will),
            Version::V5 => v5::dial(address, will),
        }
    }

    /// `poll` of either client must not be cancelled half way, so it has a task of its own.
    fn new<F>(client: Client, poll: impl FnOnce(Line) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (sender, heard) = mpsc::channel(ROOM);
        Self {
            client,
            heard,
            poller: tokio::spawn(poll(Line(sender))),
        }
    }

    /// The next thing to know. May be cancelled.
    pub async fn hear(&mut self) -> Result<Heard, Outage> {
        self.heard.recv().await.unwrap_or(Err(Outage::Stalled))
    }

    /// Gives a message to be sent, to be acknowledged (QoS 1).
    pub fn publish(&self, message: Message) -> Result<(), Outage> {
        let given = match &self.client {
            Client::V311(client) => v311::publish(client, message),
            Client::V5(client) => v5::publish(client, message),
        };
        given.ok_or(Outage::Stalled)
    }

    /// Asks for messages of some topics.
    pub fn subscribe(&self, topics: &[String]) -> Result<(), Outage> {
        let given = match &self.client {
            Client::V311(client) => v311::subscribe(client, topics),
            Client::V5(client) => v5::subscribe(client, topics),
        };
        given.ok_or(Outage::Stalled)
    }

    /// Says farewell; [`Heard::Farewell`] tells when it is out.
    pub fn leave(&self) -> Result<(), Outage> {
        let given = match &self.client {
            Client::V311(client) => client.try_disconnect().ok(),
            Client::V5(client) => client.try_disconnect().ok(),
        };
        given.ok_or(Outage::Stalled)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.poller.abort();
    }
}

/// Where those stand that are refused, in an acknowledgement of a subscription.
fn refused<Code>(codes: &[Code], is_granted: fn(&Code) -> bool) -> Heard {
    let refused = codes
        .iter()
        .enumerate()
        .filter(|(_, code)| !is_granted(code));
    Heard::Subscribed(refused.map(|(place, _)| place).collect())
}

/// Where a poller tells what it hears.
struct Line(mpsc::Sender<Result<Heard, Outage>>);

impl Line {
    /// Whether anybody still listens and the connection stands.
    async fn tell(&self, heard: Result<Option<Heard>, Outage>) -> bool {
        let Some(heard) = heard.transpose() else {
            return true;
        };
        let stands = heard.is_ok();
        self.0.send(heard).await.is_ok() && stands
    }
}

/// User and password.
fn login(address: &Address) -> Result<Option<(&str, String)>, Outage> {
    let Some((user, file)) = &address.login else {
        return Ok(None);
    };
    let password = file.as_deref().map(super::password).transpose();
    let password = password.map_err(|error| Outage::Password(error.to_string()))?;
    Ok(Some((user, password.unwrap_or_default())))
}

/// Encrypted or not.
fn transport(address: &Address) -> Result<rumqttc::Transport, Outage> {
    match &address.tls {
        None => Ok(rumqttc::Transport::Tcp),
        Some(tls) => encrypted(tls).map_err(Outage::Tls),
    }
}

#[cfg(feature = "tls")]
use tls::transport as encrypted;

#[cfg(not(feature = "tls"))]
fn encrypted(_: &Tls) -> Result<rumqttc::Transport, String> {
    Err("this vinspect was built without TLS; build it with --features tls".into())
}

/// Whether connections can be encrypted so, as far as can be told without the broker; if not, a sentence.
pub fn can_encrypt(tls: &Tls) -> Result<(), String> {
    encrypted(tls).map(|_| ())
}
