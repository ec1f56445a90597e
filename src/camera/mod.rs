//! Where frames come from. Knows `image`.

pub mod found;
pub mod replay;
#[cfg(feature = "v4l2")]
pub mod v4l2;

use std::time::{Duration, Instant};

use crate::image::Frame;

/// A frame as a camera gave it.
#[derive(Clone, Debug)]
pub struct Shot {
    /// The picture.
    pub frame: Frame,
    /// When it was taken, or at the latest when it was handed over, on the station's monotonic clock.
    pub captured_at: Instant,
    /// Frames that the camera gave since the shot before and that nobody will see: they were thrown away, damaged, or had no
    /// room to wait in.
    pub skipped: u32,
}

/// Why there is no frame.
#[derive(Debug, thiserror::Error)]
pub enum CameraError {
    /// No frame within the time given; the camera may be gone.
    #[error("the camera gave no frame within {} ms; is it plugged in?", .0.as_millis())]
    Timeout(Duration),
    /// The device failed: what happened and what to do.
    #[error("{0}")]
    Device(String),
}

/// A source of frames. After an error it opens itself again when it is next asked.
pub trait Camera: Send {
    /// The next frame, waiting no longer than `timeout`.
    fn next(&mut self, timeout: Duration) -> Result<Shot, CameraError>;

    /// Throws away what was captured before now.
    fn discard_queued(&mut self) -> Result<(), CameraError>;

    /// Exposes each frame for so long from now on. Whether that is a change: then the next few frames may be as before.
    fn expose(&mut self, _: Duration) -> Result<bool, CameraError> {
        Err(CameraError::Device(
            "this camera's exposure cannot be set; leave exposure_us out".into(),
        ))
    }

    /// Whether the camera is there, asked between reads; one that is not open is tried now and then. A device that is away is let
    /// go of: for as long as it is held, the kernel does not give its name to another one, itself plugged in again.
    fn check(&mut self) -> Result<(), CameraError> {
        Ok(())
    }

    /// What the camera does not take of how it is configured: a sentence. It gives frames all the same.
    fn refused(&self) -> Option<&str> {
        None
    }
}
