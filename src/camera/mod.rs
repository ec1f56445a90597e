//! Where frames come from. Knows `image`.

use std::time::{Duration, Instant};

use crate::image::Frame;

/// A frame as a camera gave it.
#[derive(Clone, Debug)]
pub struct Shot {
    /// The picture.
    pub frame: Frame,
    /// The camera's own count, from 0; a gap is a dropped frame.
    pub sequence: u64,
    /// When the sensor had it, on the station's monotonic clock.
    pub captured_at: Instant,
}

/// Why there is no frame.
#[derive(Debug, thiserror::Error)]
pub enum CameraError {
    /// No frame within the time given; the camera may be gone.
    #[error("no frame within {0:?}")]
    Timeout(Duration),
    /// The device failed and has to be opened again.
    #[error("camera: {0}")]
    Device(String),
}

/// A source of frames.
pub trait Camera: Send {
    /// The next frame, waiting no longer than `timeout`.
    fn next(&mut self, timeout: Duration) -> Result<Shot, CameraError>;

    /// Throws away what was captured before now and says how many frames that were.
    fn discard_queued(&mut self) -> usize;
}
