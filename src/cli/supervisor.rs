//! What systemd is told: that the station is ready, alive, how it is, and that it stops. Without systemd nobody listens.

use std::time::{Duration, Instant};

use sd_notify::NotifyState;

use crate::camera::{Camera, CameraError, Shot};
use crate::image::Frame;
use crate::reader::{Observation, Observe, ReadError};

/// Between two signs of life; the station turns far more often.
const PACE: Duration = Duration::from_secs(1);

/// Signs of life feed systemd's watchdog. Only what does the work gives them, so that they end when it hangs.
#[derive(Default)]
struct Pulse {
    last: Option<Instant>,
}

impl Pulse {
    /// Alive; whether it was time to say so.
    fn beat(&mut self) -> bool {
        let due = self.last.is_none_or(|last| last.elapsed() >= PACE);
        if due {
            self.last = Some(Instant::now());
            tell(&[NotifyState::Watchdog]);
        }
        due
    }
}

/// The one who started the station.
#[derive(Default)]
pub struct Supervisor {
    pulse: Pulse,
    status: String,
}

impl Supervisor {
    /// The station works from now on.
    pub fn ready(&self) {
        tell(&[NotifyState::Ready]);
    }

    /// The station has turned once more; how it is, is looked into once a second.
    pub fn turned(&mut self, status: impl FnOnce() -> String) {
        if self.pulse.beat() {
            let status = status();
            if self.status != status {
                tell(&[NotifyState::Status(&status)]);
                self.status = status;
            }
        }
    }

    /// The station ends in order.
    pub fn stopping(&self) {
        tell(&[NotifyState::Stopping]);
    }
}

fn tell(news: &[NotifyState]) {
    if let Err(error) = sd_notify::notify(news) {
        log::warn!("systemd cannot be told {news:?}: {error}");
    }
}

/// A camera or a reader whose every frame is a sign of life: a read may take longer than the watchdog waits.
pub struct Alive<T: ?Sized> {
    inner: Box<T>,
    pulse: Pulse,
}

impl<T: ?Sized> Alive<T> {
    /// Around this.
    pub fn new(inner: Box<T>) -> Self {
        let pulse = Pulse::default();
        Self { inner, pulse }
    }
}

impl Camera for Alive<dyn Camera> {
    fn next(&mut self, timeout: Duration) -> Result<Shot, CameraError> {
        let shot = self.inner.next(timeout);
        self.pulse.beat();
        shot
    }

    fn discard_queued(&mut self) -> Result<(), CameraError> {
        self.inner.discard_queued()
    }

    fn expose(&mut self, time: Duration) -> Result<bool, CameraError> {
        self.inner.expose(time)
    }

    fn check(&mut self) -> Result<(), CameraError> {
        self.inner.check()
    }

    fn refused(&self) -> Option<&str> {
        self.inner.refused()
    }
}

impl Observe for Alive<dyn Observe + Send> {
    fn observe(&mut self, frame: &Frame) -> Result<Observation, ReadError> {
        let observation = self.inner.observe(frame);
        self.pulse.beat();
        observation
    }
}
