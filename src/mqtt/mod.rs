//! Topics, messages, commands, and the delivery of the outbox.

#[cfg(feature = "demo")]
pub mod broker;
mod command;
#[cfg(test)]
mod contract;
mod courier;
mod delivery;
mod discovery;
mod link;
mod message;

use std::path::{Path, PathBuf};
use std::{fs, io};

pub use command::Name;
pub use courier::Settings;
pub use delivery::Delivery;
pub use link::{Address, Tls, Version, can_encrypt};
pub use message::{LastRead, Models, read_message};

/// Where a station speaks and listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topics {
    /// `vinspect/<site>/<station>`
    root: String,
    /// Reads, one JSON object each, QoS 1.
    pub read: String,
    /// How the station is; retained, also its last will.
    pub status: String,
    /// Pictures, JPEG.
    pub snapshot: String,
}

impl Topics {
    /// `vinspect/<site>/<station>/…`
    pub fn new(site: &str, station: &str) -> Self {
        let root = format!("vinspect/{site}/{station}");
        let topic = |name: &str| format!("{root}/{name}");
        Self {
            read: topic("read"),
            status: topic("status"),
            snapshot: topic("snapshot"),
            root,
        }
    }

    /// Where a command is given.
    pub fn command(&self, name: Name) -> String {
        format!("{}/cmd/{}", self.root, name.as_str())
    }

    /// Where it is answered.
    pub fn result(&self, name: Name) -> String {
        format!("{}/cmd/{}/result", self.root, name.as_str())
    }

    /// Which command a topic is for.
    fn name(&self, topic: &str) -> Option<Name> {
        Name::ALL
            .into_iter()
            .find(|&name| self.command(name) == topic)
    }
}

/// A secret that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("mqtt.password_file {}: {source}", path.display())]
pub struct PasswordError {
    path: PathBuf,
    source: io::Error,
}

/// What a password file holds, without the end of its line.
pub fn password(path: &Path) -> Result<String, PasswordError> {
    let text = fs::read_to_string(path).map_err(|source| PasswordError {
        path: path.into(),
        source,
    })?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
