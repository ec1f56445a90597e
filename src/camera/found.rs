//! What a camera offers, for whoever sets a station up.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

/// A camera that is there.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// What it is called today: `/dev/video0`.
    pub device: PathBuf,
    /// What it is always called, below `/dev/v4l`: by the camera itself, by the socket that it is plugged into.
    pub stable_names: Vec<PathBuf>,
    /// What its maker calls it.
    pub name: String,
    /// The kernel's driver.
    pub driver: String,
    /// Where it is plugged in.
    pub bus: String,
    /// How its pixels can come.
    pub formats: Vec<Offer>,
    /// What keys of `[camera]` can set.
    pub controls: Vec<Control>,
}

/// One of the ways in which pixels can come.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Offer {
    /// Its name in V4L2.
    pub fourcc: String,
    /// Its name as `camera.format`; none if vinspect does not read it.
    pub format: Option<&'static str>,
    /// All sizes, or the smallest and the largest if any between will do.
    pub sizes: Vec<Size>,
    /// Whether any between will do.
    pub any_size_between: bool,
}

/// A size of frames.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Size {
    /// Pixels a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Frames a second, the quickest first; none if the driver does not tell.
    pub fps: Vec<f64>,
}

/// Something that a key of `[camera]` sets, in the key's unit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Control {
    /// The key.
    pub key: &'static str,
    /// What it may be.
    #[serde(flatten)]
    pub allowed: Allowed,
    /// What the maker sets; none if the key has no word for it.
    pub default: Option<i64>,
    /// What it is; none if the key has no word for it, or the camera does not tell.
    pub now: Option<i64>,
    /// Whether an automatic rules it now.
    pub automatic: bool,
}

/// What a control may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Allowed {
    /// From the least to the most.
    Range {
        /// The least.
        minimum: i64,
        /// The most.
        maximum: i64,
        /// Between one and the next.
        step: i64,
    },
    /// One of these.
    Choice {
        /// These.
        choice: Vec<i64>,
    },
}

impl Allowed {
    /// Whether a value is one of them.
    pub fn has(&self, value: i64) -> bool {
        match self {
            Self::Range {
                minimum,
                maximum,
                step,
            } => (*minimum..=*maximum).contains(&value) && (value - minimum) % step.max(&1) == 0,
            Self::Choice { choice } => choice.contains(&value),
        }
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range {
                minimum,
                maximum,
                step,
            } => {
                write!(f, "{minimum} to {maximum}")?;
                match step {
                    0 | 1 => Ok(()),
                    step => write!(f, " in steps of {step}"),
                }
            }
            Self::Choice { choice } => {
                let words: Vec<_> = choice.iter().map(i64::to_string).collect();
                f.write_str(&words.join(" or "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_its_steps_and_its_ends() {
        let range = Allowed::Range {
            minimum: 300,
            maximum: 1000,
            step: 100,
        };
        assert_eq!(range.to_string(), "300 to 1000 in steps of 100");
        for (value, allowed) in [
            (300, true),
            (1000, true),
            (450, false),
            (200, false),
            (1100, false),
        ] {
            assert_eq!(range.has(value), allowed, "{value}");
        }
    }

    #[test]
    fn a_choice_has_what_is_told() {
        let choice = Allowed::Choice {
            choice: vec![0, 50, 60],
        };
        assert_eq!(choice.to_string(), "0 or 50 or 60");
        assert!(choice.has(50) && !choice.has(55));
    }
}
