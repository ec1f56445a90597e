//! What a station says after a trigger.

use std::time::Duration;

use jiff::Zoned;
use serde::Serialize;
use uuid::Uuid;

use super::Trouble;
use super::order::Match;
use crate::image::Frame;
use crate::reader::Reading;

/// What asked for a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Source {
    /// An edge at the trigger pin.
    Gpio,
    /// `cmd/trigger` over MQTT.
    Command,
}

/// How long the stages took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timings {
    /// Setting light and exposure, until the picture has settled.
    pub settle: Duration,
    /// Waiting for frames of the burst.
    pub capture: Duration,
    /// Locating and recognizing.
    pub read: Duration,
    /// Trigger → verdict.
    pub total: Duration,
}

/// What came of one trigger. Every trigger gets one, or is counted as missed.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Unique for ever (UUID version 7: sorts by time).
    pub id: Uuid,
    /// What asked for it.
    pub source: Source,
    /// When it was triggered, wall time with the local offset.
    pub triggered_at: Zoned,
    /// When the verdict was reached.
    pub decided_at: Zoned,
    /// What the burst says.
    pub reading: Reading,
    /// How the car is to the one that was expected, if one was and a VIN was read.
    pub expected: Option<Match>,
    /// Frames that were read.
    pub frames: u32,
    /// Frames that the camera gave between the first and the last of them and that were not: reading takes longer.
    pub skipped: u32,
    /// The last of them that showed a mark, or the last.
    pub picture: Option<Frame>,
    /// Triggers that came while the station was busy, since the verdict before.
    pub missed: u32,
    /// What went wrong; the reading is of what was seen until then.
    pub faults: Vec<Trouble>,
    /// How long it took.
    pub timings: Timings,
}
