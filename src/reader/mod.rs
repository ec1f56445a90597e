//! Frame → Reading: locate, rectify, recognize, posterior. Knows `vin`, `image` and `inference`;
//! knows no camera, no pin, no broker and no clock.

#[cfg(feature = "barcodes")]
mod barcode;
pub mod decision;
pub mod fusion;
mod locate;
mod odds;
pub mod posterior;
mod priors;
mod recognize;
#[cfg(test)]
pub(crate) mod script;
mod search;
mod spell;

pub use decision::{Decision, DecisionError, Features};
pub use fusion::Fusion;

use std::fmt;

use serde::Serialize;

use crate::image::{Frame, Quad};
use crate::inference::{Model, NetworkError, Tract};
use crate::vin::{CheckDigit, LENGTH, Vin};
use locate::Locator;
use recognize::Readers;

/// What the networks see in a strip.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// Log-probability (natural) of each of the 33 characters of [`crate::vin::ALPHABET`] at each place.
    pub log_p: [[f32; 33]; LENGTH],
    /// Probability that the strip shows a whole VIN, right way up.
    pub mark: f32,
}

impl Evidence {
    /// Geometric mean of the probability of the likeliest character of each place.
    fn clarity(&self) -> f32 {
        let likeliest = |place: &[f32; 33]| place.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f32 = self.log_p.iter().map(likeliest).sum();
        (sum / LENGTH as f32).exp()
    }

    /// Of two cuts of one text the better one has more: it looks more like a VIN, and its characters are clearer.
    fn worth(&self) -> f32 {
        self.mark * self.clarity()
    }
}

/// One mark in one frame: where it is and what it says.
#[derive(Clone, Debug)]
pub struct Mark {
    /// In pixels of the frame, first corner the text's own top left.
    pub quad: Quad,
    /// What it says.
    pub evidence: Evidence,
    /// Probability that more than 17 characters stand there, in any cut of its text; none if nobody has counted them.
    pub longer: Option<f32>,
    /// Another cut of its text says something else and is about as good.
    pub contradicted: bool,
}

impl Mark {
    /// However clear it is, it is none to be sure of.
    fn is_doubted(&self) -> bool {
        self.contradicted || self.longer.is_none_or(|longer| longer >= LONGER)
    }
}

/// Probability that more than 17 characters stand somewhere from which on no cut of them is one to be sure of. At least two of
/// 335 tuning frames that are accepted have a cut with 0.5 to 0.7, which shows a sign or a letter of another word, too.
const LONGER: f32 = 0.9;

/// What was seen in one frame.
#[derive(Clone, Debug, Default)]
pub struct Observation {
    /// The marks, each on a text of its own.
    pub marks: heapless::Vec<Mark, MARKS>,
    /// What a barcode beside the surest mark says.
    pub barcode: Option<Vin>,
}

/// Sees marks in frames: the reader, or a script in tests.
pub trait Observe {
    /// What stands in the frame.
    fn observe(&mut self, frame: &Frame) -> Result<Observation, ReadError>;
}

/// Why a frame could not be read at all (a frame without a VIN is no error).
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A network failed.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// A network gave something else than it should.
    #[error(
        "the {0} network does not have the outputs that this version of vinspect needs; use a model made for it"
    )]
    Shape(&'static str),
    /// The constants that belong to the models are wrong.
    #[error(transparent)]
    Decision(#[from] decision::DecisionError),
}

/// The networks that belong together.
pub struct Models {
    /// Finds lines.
    pub locator: Model,
    /// Finds out where exactly they lie, and reads them.
    pub recognizer: Model,
    /// Spells what was read, and so sees whether that is a whole VIN.
    pub examiner: Model,
    /// Spells what those two do not agree on without a doubt.
    pub arbiter: Model,
}

impl Models {
    /// Those inside the program.
    pub fn embedded() -> Self {
        Self {
            locator: Model::locator(),
            recognizer: Model::recognizer(),
            examiner: Model::examiner(),
            arbiter: Model::arbiter(),
        }
    }
}

/// Marks a frame: as many as lines in three runs of the locator.
const MARKS: usize = 3 * locate::LINES;

/// Reads frames with four networks.
pub struct Reader {
    coarse: Locator,
    fine: Locator,
    finest: Locator,
    readers: Readers,
    decision: Decision,
}

impl Reader {
    /// From models as stored, and the constants that belong to them.
    pub fn new(models: &Models, decision: Decision) -> Result<Self, ReadError> {
        let Models {
            locator,
            recognizer,
            examiner,
            arbiter,
        } = models;
        Ok(Self {
            coarse: Locator::new(locator, locate::COARSE)?,
            fine: Locator::new(locator, locate::FINE)?,
            finest: Locator::new(locator, locate::FINEST)?,
            readers: Readers {
                recognizer: Box::new(Tract::new(recognizer)?),
                examiner: Box::new(Tract::new(examiner)?),
                arbiter: Box::new(Tract::new(arbiter)?),
            },
            decision,
        })
    }

    /// The models and constants inside the program.
    pub fn embedded() -> Result<Self, ReadError> {
        Self::new(&Models::embedded(), Decision::embedded()?)
    }

    /// The constants it decides by.
    pub fn decision(&self) -> &Decision {
        &self.decision
    }

    /// What stands in one frame.
    pub fn observe(&self, frame: &Frame) -> Result<Observation, ReadError> {
        let marks = search::search(self, frame)?;
        let barcode = self.barcode(frame, &marks);
        Ok(Observation { marks, barcode })
    }

    /// What a barcode beside the surest mark says.
    #[cfg(feature = "barcodes")]
    fn barcode(&self, frame: &Frame, marks: &[Mark]) -> Option<Vin> {
        let label = marks
            .iter()
            .filter(|mark| mark.evidence.mark >= self.decision.mark_at)
            .max_by(|a, b| a.evidence.mark.total_cmp(&b.evidence.mark))?;
        barcode::beside(frame, &label.quad)
    }

    #[cfg(not(feature = "barcodes"))]
    fn barcode(&self, _: &Frame, _: &[Mark]) -> Option<Vin> {
        None
    }

    /// What one picture says.
    pub fn read(&self, frame: &Frame) -> Result<Reading, ReadError> {
        Ok(self.reading(self.observe(frame)?))
    }

    /// What is said by what one frame shows.
    pub fn reading(&self, seen: Observation) -> Reading {
        let mut fusion = Fusion::new(self.decision.clone());
        fusion.add(seen);
        fusion.reading()
    }
}

impl Observe for Reader {
    fn observe(&mut self, frame: &Frame) -> Result<Observation, ReadError> {
        Reader::observe(self, frame)
    }
}

/// What is to be done with a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Outcome {
    /// May be trusted.
    Accepted,
    /// A person should look.
    Review,
    /// There is nothing to look at.
    NoRead,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Accepted => "accepted",
            Self::Review => "review",
            Self::NoRead => "no_read",
        })
    }
}

/// Why a reading was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Reason {
    /// There was no picture to look at.
    NoFrame,
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
    /// The barcode on the label says another VIN than its text.
    BarcodeDiffers,
    /// The barcode on the label holds a VIN, but its text cannot be read.
    BarcodeAlone,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::NoFrame => "no_frame",
            Self::NoMarkFound => "no_mark_found",
            Self::TooSmall => "too_small",
            Self::Unreadable => "unreadable",
            Self::Ambiguous => "ambiguous",
            Self::InconsistentFrames => "inconsistent_frames",
            Self::SeveralVins => "several_vins",
            Self::BarcodeDiffers => "barcode_differs",
            Self::BarcodeAlone => "barcode_alone",
        })
    }
}

/// A VIN and how probable it is.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Candidate {
    /// The VIN.
    #[cfg_attr(test, schemars(with = "String"))]
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
