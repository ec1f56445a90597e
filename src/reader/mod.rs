//! Frame → Reading: locate, rectify, recognize, posterior. Knows `vin`, `image` and `inference`;
//! knows no camera, no pin, no broker and no clock.

pub mod decision;
pub mod fusion;
pub mod posterior;
mod priors;
#[cfg(test)]
pub(crate) mod script;

pub use decision::{Decision, Features};
pub use fusion::Fusion;

use serde::Serialize;

use crate::image::{Frame, Quad};
use crate::vin::{CheckDigit, LENGTH, Vin};

/// What the recognizer saw in one strip.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// Log-probability (natural) of each of the 33 characters of [`crate::vin::ALPHABET`] at each place.
    pub log_p: [[f32; 33]; LENGTH],
    /// Probability that the strip shows a whole VIN, right way up.
    pub mark: f32,
}

/// One mark in one frame: where it is and what it says.
#[derive(Clone, Debug)]
pub struct Mark {
    /// In pixels of the frame, first corner the text's own top left.
    pub quad: Quad,
    /// What it says.
    pub evidence: Evidence,
}

/// What was seen in one frame.
#[derive(Clone, Debug, Default)]
pub struct Observation {
    /// The best marks, best first.
    pub marks: heapless::Vec<Mark, 4>,
}

/// Sees marks in frames: the reader, or a script in tests.
pub trait Observe {
    /// What stands in the frame.
    fn observe(&mut self, frame: &Frame) -> Result<Observation, ReadError>;
}

/// Why a frame could not be read at all (a frame without a VIN is no error).
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ReadError(pub String);

/// What is to be done with a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// May be trusted.
    Accepted,
    /// A person should look.
    Review,
    /// There is nothing to look at.
    NoRead,
}

/// Why a reading was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Nothing in the picture looks like a VIN.
    NoMarkFound,
    /// A mark, but with too few pixels a character.
    TooSmall,
    /// A mark, but its characters cannot be told.
    Unreadable,
    /// Several VINs fit the pixels.
    Ambiguous,
    /// The frames of the burst say different things.
    InconsistentFrames,
    /// Two sure marks in the picture say different VINs.
    SeveralVins,
}

/// A VIN and how probable it is.
#[derive(Clone, Debug, Serialize)]
pub struct Candidate {
    /// The VIN.
    pub vin: Vin,
    /// Posterior probability, 0 to 1.
    pub probability: f32,
}

/// What a picture or a burst says.
#[derive(Clone, Debug)]
pub struct Reading {
    /// What to do with it.
    pub outcome: Outcome,
    /// The best VIN; none for [`Outcome::NoRead`].
    pub vin: Option<Vin>,
    /// Calibrated probability that `vin` is right, 0 to 1.
    pub confidence: f32,
    /// Why it was not accepted; none if it was.
    pub reason: Option<Reason>,
    /// The most probable VINs, best first.
    pub candidates: heapless::Vec<Candidate, 5>,
    /// Where the mark is in the last frame that showed it.
    pub quad: Option<Quad>,
    /// The check digit of `vin`.
    pub check_digit: Option<CheckDigit>,
}
