//! What ails the station: noted by those who notice, told by those who report.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::Notify;

/// What is not as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Cause {
    /// It is away or gives no pictures.
    Camera,
    /// It does not take all of how it is configured, and gives pictures all the same.
    CameraSettings,
    /// It cannot be switched.
    Light,
    /// One of them cannot be switched: what it shows may be wrong.
    Lamps,
    /// The trigger pin cannot be watched.
    Trigger,
    /// The networks failed.
    Reader,
    /// Reads are kept in memory only, were dropped for want of room, or the store was damaged.
    Store,
    /// Pictures of reads are not kept.
    Archive,
    /// The broker does not take this station's reads.
    Broker,
    /// The broker does not let this station hear all of its commands.
    Commands,
}

/// Something that ails the station.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Ailment {
    /// What is not as it should be.
    pub cause: Cause,
    /// Since when.
    #[cfg_attr(test, schemars(with = "String"))]
    pub since: Timestamp,
    /// A sentence: what happened and what to do.
    pub message: String,
}

/// All that ails a station now.
#[derive(Default)]
pub struct Health {
    ailments: Mutex<BTreeMap<Cause, Ailment>>,
    changed: Notify,
}

impl Health {
    /// Notes that something is not as it should be, and logs it if that is news.
    pub fn ails(&self, cause: Cause, message: impl Display) {
        let message = message.to_string();
        let mut ailments = self.lock();
        let known = ailments.get(&cause);
        if known.is_some_and(|known| known.message == message) {
            return;
        }
        log::error!("{message}");
        let since = known.map_or_else(Timestamp::now, |known| known.since);
        let ailment = Ailment {
            cause,
            since,
            message,
        };
        ailments.insert(cause, ailment);
        self.changed.notify_one();
    }

    /// Notes that it is again, and logs it if that is news.
    pub fn recovered(&self, cause: Cause) {
        if let Some(ailment) = self.lock().remove(&cause) {
            log::info!("over: {}", ailment.message);
            self.changed.notify_one();
        }
    }

    /// What ails it now.
    pub fn ailments(&self) -> Vec<Ailment> {
        self.lock().values().cloned().collect()
    }

    /// Waits until something has changed since it was asked last. One may wait.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// A panic elsewhere leaves a map that is still sound.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Cause, Ailment>> {
        self.ailments.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_ailment_lasts_from_its_beginning_until_it_is_over() {
        let health = Health::default();
        health.ails(Cause::Camera, "away");
        let since = health.ailments()[0].since;
        health.ails(Cause::Store, "full");
        health.ails(Cause::Camera, "stands still");
        let now = health.ailments();
        assert_eq!((now.len(), now[0].since), (2, since));
        assert_eq!(now[0].message, "stands still");
        health.recovered(Cause::Camera);
        assert_eq!(health.ailments()[0].cause, Cause::Store);
    }
}
