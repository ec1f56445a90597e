//! Topics, messages, and their delivery.

#[cfg(feature = "demo")]
pub mod broker;
mod delivery;
mod message;

pub use delivery::{Connection, Delivery, MqttError, password};
pub use message::{SCHEMA, read_message, status_message};

/// Where a station speaks and listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topics {
    /// Reads, one JSON object each, QoS 1.
    pub read: String,
    /// Whether the station is there; retained, also its last will.
    pub status: String,
    /// Anything sent here starts a read.
    pub trigger: String,
}

impl Topics {
    /// `vinspect/<site>/<station>/…`
    pub fn new(site: &str, station: &str) -> Self {
        let topic = |name: &str| format!("vinspect/{site}/{station}/{name}");
        Self {
            read: topic("read"),
            status: topic("status"),
            trigger: topic("cmd/trigger"),
        }
    }
}
