//! Pins: the trigger that starts a read, the light, and the lamps that show its outcome.

#[cfg(feature = "gpio")]
pub mod cdev;
pub mod found;
mod limited;
#[cfg(feature = "rppal")]
pub mod rppal;
pub mod simulated;

pub use limited::Limited;

use std::time::{Duration, Instant};

/// A debounced edge at the trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// When, on the station's monotonic clock.
    pub at: Instant,
}

/// Why a pin cannot be used: which one, what happened, what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct GpioError(pub String);

/// The input that starts a read.
pub trait Trigger: Send {
    /// The next edge, or none within `timeout`.
    fn wait(&mut self, timeout: Duration) -> Result<Option<Edge>, GpioError>;
}

/// An output that is on or off: the light, a lamp.
pub trait Output: Send {
    /// Switches it; doing so twice does no harm.
    fn set(&mut self, on: bool) -> Result<(), GpioError>;
}
