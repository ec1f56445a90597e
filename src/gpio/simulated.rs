//! Pins without hardware, for tests and `vinspect demo`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::{Edge, GpioError, Output, Trigger};

/// An output that anybody can look at.
#[derive(Clone, Debug, Default)]
pub struct Light(Arc<AtomicBool>);

impl Light {
    /// Whether it is on.
    pub fn is_on(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

impl Output for Light {
    fn set(&mut self, on: bool) -> Result<(), GpioError> {
        self.0.store(on, Ordering::SeqCst);
        Ok(())
    }
}

/// An output that tells every change.
#[cfg(test)]
pub(crate) struct Told(pub(crate) std::sync::mpsc::Sender<bool>);

#[cfg(test)]
impl Output for Told {
    fn set(&mut self, on: bool) -> Result<(), GpioError> {
        // The test may be over.
        let _ = self.0.send(on);
        Ok(())
    }
}

/// A trigger that is pulled from elsewhere in the program.
pub struct Button(Receiver<Instant>);

impl Button {
    /// Every instant that is sent is an edge.
    pub fn new(presses: Receiver<Instant>) -> Self {
        Self(presses)
    }
}

impl Trigger for Button {
    fn wait(&mut self, timeout: Duration) -> Result<Option<Edge>, GpioError> {
        match self.0.recv_timeout(timeout) {
            Ok(at) => Ok(Some(Edge { at })),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(GpioError(
                "nobody is left to press the simulated trigger".into(),
            )),
        }
    }
}
