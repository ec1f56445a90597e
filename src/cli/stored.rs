//! What the verbs share that look into a store: where it is, and how a moment is written.

use std::path::PathBuf;

use jiff::civil::Date;
use jiff::{Timestamp, tz::TimeZone};

use super::Failure;
use crate::config::Config;
use crate::store::History;

/// Where the store is.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub struct Place {
    /// The configuration of the station.
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The store itself; store.path in the configuration.
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
}

impl Place {
    /// Opens the store that is there.
    pub fn open(&self) -> Result<History, Failure> {
        let configured = match &self.config {
            Some(config) => Some(Config::load(config)?.store.path),
            None => None,
        };
        let path = self.store.clone().or(configured).unwrap_or_default();
        Ok(History::open(&path)?)
    }
}

/// A day (its beginning where this machine is) or a moment.
pub fn moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(day) = text.parse::<Date>()
        && text.len() == "2026-03-01".len()
    {
        let midnight = day.to_zoned(TimeZone::system());
        return midnight
            .map(|time| time.timestamp())
            .map_err(|error| error.to_string());
    }
    text.parse().map_err(|_| {
        "it should be a day like 2026-03-01 or a moment like 2026-03-01T08:00:00+01:00".into()
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_day_begins_at_midnight_and_a_moment_has_an_offset() {
        let midnight = moment("2026-03-01")
            .unwrap()
            .to_zoned(TimeZone::system())
            .datetime();
        assert_eq!(midnight.to_string(), "2026-03-01T00:00:00");
        let moment_ = moment("2026-03-01T08:00:00+01:00").unwrap();
        assert_eq!(moment_.to_string(), "2026-03-01T07:00:00Z");
        for wrong in ["yesterday", "2026-13-01", "2026-03-01T08:00:00"] {
            assert!(moment(wrong).unwrap_err().contains("2026-03-01"), "{wrong}");
        }
    }
}
