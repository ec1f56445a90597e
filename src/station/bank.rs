//! A bank of parameters: one way to take and read frames. Those of a burst are tried in turn.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::image::{Area, Frame};
use crate::reader::{Observation, Observe, ReadError};

/// How frames are taken and what of them is read. A mark that one bank does not show, another one may.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bank {
    /// How long a frame is exposed, in microseconds; none: as the camera is set.
    pub exposure_us: Option<u32>,
    /// Whether the station's own light is on.
    pub light: Lighting,
    /// What is read of the frames; none: all.
    pub crop: Option<Area>,
}

/// Whether the station's own light is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Lighting {
    /// It is.
    #[default]
    On,
    /// It is not: it would be reflected.
    Off,
    /// It is, and what the frame shows without it is taken off: the sun is reflected.
    Pair,
}

impl Bank {
    pub(super) fn exposure(&self) -> Option<Duration> {
        self.exposure_us.map(|us| Duration::from_micros(us.into()))
    }

    /// What stands in this bank's part of a frame, placed in the whole of it.
    pub(super) fn observe(
        &self,
        observer: &mut dyn Observe,
        frame: &Frame,
    ) -> Result<Observation, ReadError> {
        let Some(area) = self.crop else {
            return observer.observe(frame);
        };
        let (part, corner) = frame.crop(area);
        let mut seen = observer.observe(&part)?;
        for mark in &mut seen.marks {
            mark.quad = mark.quad.mapped(1.0, corner.x, corner.y);
        }
        Ok(seen)
    }
}
