//! What systemd is told: that the station is ready, alive, how it is, and that it stops. Without systemd nobody listens.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sd_notify::NotifyState;

use crate::camera::{Camera, CameraError, Shot};
use crate::image::Frame;
use crate::reader::{Observation, Observe, ReadError};

/// Between two signs of life; the station turns far more often.
const PACE: Duration = Duration::from_secs(1);

/// What all stations of this process say to systemd, with one voice: alive only while each of them is.
pub struct Supervisor {
    stations: Mutex<Vec<Member>>,
}

struct Member {
    name: String,
    ready: bool,
    /// Since the watchdog was fed last.
    alive: bool,
    status: String,
}

impl Supervisor {
    /// The voices of the stations of these names.
    pub fn over<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<Supervised> {
        let member = |name: &str| Member {
            name: name.into(),
            ready: false,
            alive: false,
            status: String::new(),
        };
        let stations: Vec<_> = names.into_iter().map(member).collect();
        let count = stations.len();
        let supervisor = Arc::new(Self {
            stations: Mutex::new(stations),
        });
        let supervised = |number| Supervised {
            supervisor: Arc::clone(&supervisor),
            number,
            last: None,
        };
        (0..count).map(supervised).collect()
    }

    fn stations(&self) -> MutexGuard<'_, Vec<Member>> {
        self.stations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The voice of one station. Signs of life feed systemd's watchdog; only what does the work gives them, so that they end when
/// it hangs.
#[derive(Clone)]
pub struct Supervised {
    supervisor: Arc<Supervisor>,
    number: usize,
    last: Option<Instant>,
}

impl Supervised {
    /// Of a station that is alone in its process.
    pub fn alone() -> Self {
        Supervisor::over([""]).remove(0)
    }

    /// The station works from now on.
    pub fn ready(&self) {
        let mut stations = self.supervisor.stations();
        stations[self.number].ready = true;
        if stations.iter().all(|station| station.ready) {
            tell(&[NotifyState::Ready]);
        }
    }

    /// The station has turned once more; how it is, is looked into once a second.
    pub fn turned(&mut self, status: impl FnOnce() -> String) {
        if !self.beat() {
            return;
        }
        let status = status();
        let mut stations = self.supervisor.stations();
        let station = &mut stations[self.number];
        if station.status != status {
            station.status = status;
            tell(&[NotifyState::Status(&told(&stations))]);
        }
    }

    /// The station ends in order.
    pub fn stopping(&self) {
        tell(&[NotifyState::Stopping]);
    }

    /// Alive; whether it was time to say so.
    fn beat(&mut self) -> bool {
        let due = self.last.is_none_or(|last| last.elapsed() >= PACE);
        if due {
            self.last = Some(Instant::now());
            let mut stations = self.supervisor.stations();
            stations[self.number].alive = true;
            if stations.iter().all(|station| station.alive) {
                stations
                    .iter_mut()
                    .for_each(|station| station.alive = false);
                tell(&[NotifyState::Watchdog]);
            }
        }
        due
    }
}

/// How they are, in one line.
fn told(stations: &[Member]) -> String {
    let lines: Vec<String> = match stations {
        [alone] => vec![alone.status.clone()],
        several => several
            .iter()
            .map(|station| format!("{}: {}", station.name, station.status))
            .collect(),
    };
    lines.join(" | ")
}

fn tell(news: &[NotifyState]) {
    if let Err(error) = sd_notify::notify(news) {
        log::warn!("systemd cannot be told {news:?}: {error}");
    }
}

/// A camera or a reader whose every frame is a sign of life: a read may take longer than the watchdog waits.
pub struct Alive<T: ?Sized> {
    inner: Box<T>,
    pulse: Supervised,
}

impl<T: ?Sized> Alive<T> {
    /// Around this.
    pub fn new(inner: Box<T>, pulse: Supervised) -> Self {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_station_that_hangs_is_not_covered_for_by_others() {
        let mut stations = Supervisor::over(["a", "b"]);
        let alive = |stations: &[Supervised]| -> Vec<bool> {
            let members = stations[0].supervisor.stations();
            members.iter().map(|station| station.alive).collect()
        };
        assert!(stations[0].beat());
        assert_eq!(alive(&stations), [true, false], "nothing is said yet");
        assert!(!stations[0].beat(), "not so soon again");
        assert!(stations[1].beat());
        assert_eq!(alive(&stations), [false, false], "the watchdog was fed");
    }

    #[test]
    fn the_status_names_stations_only_where_there_are_several() {
        let status = |names: &[&'static str]| {
            let stations = Supervisor::over(names.iter().copied());
            let mut members = stations[0].supervisor.stations();
            members
                .iter_mut()
                .for_each(|station| station.status = "well".into());
            told(&members)
        };
        assert_eq!(status(&[""]), "well");
        assert_eq!(status(&["s/a", "s/b"]), "s/a: well | s/b: well");
    }
}
