//! What a station can be told to do over MQTT.

use std::time::{Duration, Instant};

use serde::Serialize;
use uuid::Uuid;

use crate::image::Frame;
use crate::vin::Vin;

/// Orders that wait at most; more are declined.
pub const ROOM: usize = 32;

/// One order, and how to answer it.
pub struct Order {
    /// What is to be done.
    pub task: Task,
    /// When it came, on the station's monotonic clock.
    pub at: Instant,
    /// Takes the answer.
    pub answer: Answer,
}

/// Takes the answer to an order, once.
pub type Answer = Box<dyn FnOnce(Result<Done, Declined>) + Send>;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// Read the car.
    Read,
    /// Take a picture in good light, without reading it.
    Capture,
    /// Switch the light on for a while, or off; to aim the camera.
    Light(Option<Duration>),
    /// The next car should be one of these; none: any may come.
    Expect {
        /// Which.
        vins: Vec<Vin>,
        /// For how long this holds.
        within: Duration,
    },
}

/// What was done.
#[derive(Debug)]
pub enum Done {
    /// The read of this id, which is on the disk.
    Read(Uuid),
    /// The picture.
    Captured(Frame),
    /// The light is as it was ordered.
    Light,
    /// What is expected is noted.
    Expecting,
}

/// Why an order was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Declined {
    /// A read is under way.
    #[error("a read is under way; its triggers are counted, not queued")]
    Busy,
    /// There is no room for one more.
    #[error("{ROOM} orders wait for this station already; give it time")]
    TooMany,
    /// There is none.
    #[error("this station has no light")]
    NoLight,
    /// Longer than allowed.
    #[error("the light may be on for {0:?} at most; see light.longest_on_ms")]
    TooLong(Duration),
    /// The read of this id is not on the disk.
    #[error("the read is in memory only and lost if the power is: the store cannot be written")]
    Unsaved(Uuid),
    /// The hardware's words.
    #[error("{0}")]
    Fault(String),
}

/// Which car should come next.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    pub(super) vins: Vec<Vin>,
    pub(super) until: Instant,
}

/// How the car that came is to the one that was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Match {
    /// It is the expected one, or one of them.
    Match,
    /// It is another than the one that was expected.
    Mismatch,
    /// It is none of several that were expected.
    Unexpected,
}

impl Expected {
    /// How a VIN that was read is to it.
    pub(super) fn compare(&self, vin: &Vin) -> Match {
        match self.vins.as_slice() {
            vins if vins.contains(vin) => Match::Match,
            [_] => Match::Mismatch,
            _ => Match::Unexpected,
        }
    }
}
