//! What a station is made of, and how it works.

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use jiff::Zoned;

use super::bank::Bank;
use super::lamps::Lamps;
use super::order::Order;
use crate::camera::Camera;
use crate::gpio::{Output, Trigger};
use crate::health::Health;
use crate::reader::{Decision, Observe};

/// How a station works. All times are of the station's clock.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Edges closer than this to the one before are bounces.
    pub debounce: Duration,
    /// A frame that takes longer is a fault.
    pub frame_timeout: Duration,
    /// Frames whose brightness differs by less than `settle_tolerance` from the one before, until the picture counts as
    /// settled.
    pub settle_frames: u32,
    /// Grey levels, 0 to 255.
    pub settle_tolerance: f32,
    /// The light is given this long to show in the picture; in daylight it may not.
    pub brighten_timeout: Duration,
    /// Reading begins after this long, settled or not.
    pub settle_timeout: Duration,
    /// After this long the light goes off by itself, and frames of the dark would be read.
    pub longest_on: Duration,
    /// Frames read at most.
    pub burst_frames: u32,
    /// How they are taken: tried in turn, each for its share of the frames.
    pub banks: Vec<Bank>,
}

impl Settings {
    /// The banks, each with its share of the frames; the first ones take what is left over.
    pub(super) fn shares(&self) -> impl Iterator<Item = (&Bank, u32)> {
        let count = self.banks.len() as u32;
        let of =
            move |index| self.burst_frames / count + u32::from(index < self.burst_frames % count);
        self.banks.iter().zip((0..count).map(of))
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            debounce: Duration::from_millis(50),
            frame_timeout: Duration::from_secs(2),
            settle_frames: 2,
            settle_tolerance: 3.0,
            brighten_timeout: Duration::from_millis(300),
            settle_timeout: Duration::from_millis(1500),
            longest_on: Duration::from_secs(10),
            burst_frames: 8,
            banks: vec![Bank::default()],
        }
    }
}

/// Tells the time, as it is or as a test wants it.
pub trait Clock: Send {
    /// Monotonic.
    fn now(&self) -> Instant;
    /// Wall time with the local offset.
    fn wall(&self) -> Zoned;
}

/// The time as it is.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wall(&self) -> Zoned {
        Zoned::now()
    }
}

/// What a station is made of.
pub struct Parts {
    /// Starts reads; none if only commands do.
    pub trigger: Option<Box<dyn Trigger>>,
    /// What is asked for other than by the trigger; no more of it should wait than [`ROOM`](super::order::ROOM).
    pub orders: Receiver<Order>,
    /// Shines on the mark.
    pub light: Option<Box<dyn Output>>,
    /// Show how it is.
    pub lamps: Lamps,
    /// Takes the frames.
    pub camera: Box<dyn Camera>,
    /// Sees marks in them.
    pub observer: Box<dyn Observe + Send>,
    /// Decides what they say.
    pub decision: Decision,
    /// Tells the time.
    pub clock: Box<dyn Clock>,
    /// Told what ails the hardware.
    pub health: Arc<Health>,
}
