//! The kernel's time stamps of edges and frames, as instants. Both count on the monotonic clock, but the standard
//! library does not say where an [`Instant`] starts.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// The instant of a time stamp of `CLOCK_MONOTONIC`. One of the future becomes now.
pub fn instant_of(timestamp: Duration) -> Instant {
    let now = Instant::now();
    let age = monotonic().saturating_sub(timestamp);
    now.checked_sub(age).unwrap_or(now)
}

fn monotonic() -> Duration {
    Duration::try_from(clock_gettime(ClockId::Monotonic)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_stamps_are_on_the_clock_of_instants() {
        let before = Instant::now();
        let stamp = monotonic();
        let after = Instant::now();
        let second = Duration::from_secs(1);
        assert!(instant_of(stamp) <= after);
        assert!(instant_of(stamp.saturating_sub(second)) + second <= after);
        assert!(instant_of(stamp + 3600 * second) >= before);
    }
}
