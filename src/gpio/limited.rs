//! An output that cannot be forgotten: it goes off by itself after its longest time, whatever hangs, and when it is dropped.
//! A light is guarded so, and a lamp gives a pulse.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::{GpioError, Output};

/// After so long what did not go off is switched off again.
const RETRY: Duration = Duration::from_secs(1);

/// An output that is on for a limited time only.
pub struct Limited {
    shared: Arc<Shared>,
    longest: Duration,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    output: Box<dyn Output>,
    off_at: Option<Instant>,
    dropped: bool,
}

impl Limited {
    /// Watches over an output, which it switches off first.
    pub fn new(mut output: Box<dyn Output>, longest: Duration) -> Result<Self, GpioError> {
        output.set(false)?;
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                output,
                off_at: None,
                dropped: false,
            }),
            changed: Condvar::new(),
        });
        let watched = Arc::clone(&shared);
        thread::spawn(move || watched.watch());
        Ok(Self { shared, longest })
    }
}

impl Shared {
    /// A poisoned lock still holds an output that has to go off.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self) {
        let mut state = self.lock();
        while !state.dropped {
            let left = state.off_at.map_or(Duration::MAX, |off| {
                off.saturating_duration_since(Instant::now())
            });
            if left.is_zero() {
                state.switch_off();
                continue;
            }
            state = if left == Duration::MAX {
                self.changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner)
            } else {
                let waited = self.changed.wait_timeout(state, left);
                waited.unwrap_or_else(PoisonError::into_inner).0
            };
        }
    }
}

impl State {
    fn switch_off(&mut self) {
        if let Err(error) = self.set(None) {
            log::error!("an output may still be on: {error}");
        }
    }

    /// On for so long, or off; what failed is switched off soon, again and again.
    fn set(&mut self, on_for: Option<Duration>) -> Result<(), GpioError> {
        let done = self.output.set(on_for.is_some());
        let watched = if done.is_ok() { on_for } else { Some(RETRY) };
        self.off_at = watched.map(|time| Instant::now() + time);
        done
    }
}

impl Output for Limited {
    fn set(&mut self, on: bool) -> Result<(), GpioError> {
        let mut state = self.shared.lock();
        let done = state.set(on.then_some(self.longest));
        drop(state);
        self.shared.changed.notify_all();
        done
    }
}

impl Drop for Limited {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.switch_off();
        state.dropped = true;
        drop(state);
        self.shared.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::mpsc::{Receiver, channel};

    use super::*;
    use crate::gpio::simulated::Told;

    fn limited(longest: Duration) -> (Limited, Receiver<bool>) {
        let (sender, changes) = channel();
        let limited = Limited::new(Box::new(Told(sender)), longest).unwrap();
        assert!(!changes.recv().unwrap());
        (limited, changes)
    }

    #[test]
    fn a_forgotten_light_goes_off() {
        let (mut light, changes) = limited(Duration::from_millis(1));
        light.set(true).unwrap();
        assert!(changes.recv().unwrap());
        assert!(!changes.recv().unwrap());
    }

    #[test]
    fn a_dropped_light_goes_off() {
        let (mut light, changes) = limited(Duration::from_secs(3600));
        light.set(true).unwrap();
        drop(light);
        assert_eq!(changes.iter().collect::<Vec<_>>(), [true, false]);
    }
}
