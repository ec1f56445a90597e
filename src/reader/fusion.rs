//! The frames of one burst, or the one picture of a file → one reading.
//!
//! Marks that say the same VIN are added as log-evidence, wherever they stand: a windshield plate in ten frames, or plate
//! and sticker in one. Marks that say something else are kept apart, and two that are both believable make a review.

mod barcodes;

use super::decision::Decision;
use super::odds::normalise;
use super::posterior::Posterior;
use super::{Evidence, Features, Mark, Observation, Outcome, Reading, Reason};
use crate::image::Quad;
use crate::vin::{LENGTH, Shown, Vin};
use barcodes::Barcodes;

/// Different texts remembered in one burst; beyond them the least believable is forgotten.
const TEXTS: usize = 8;

/// [`Text::sameness`] from which on a mark says the same as a text. What is no VIN is a little like every VIN: of 101 such marks in
/// tuning photographs with noise none has more than 15; of 161 that show one text twice two have less than 40, 21.
const SAME: f32 = 18.0;

/// Frames that must agree before a burst may end early. One frame alone is never sure enough for that: what would
/// contradict it has not been seen yet.
const AGREEING_FRAMES: u32 = 2;

/// Collects what the frames of one burst show.
#[derive(Debug)]
pub struct Fusion {
    decision: Decision,
    frame: u32,
    texts: heapless::Vec<Text, TEXTS>,
    barcodes: Barcodes,
}

/// Marks that say the same.
#[derive(Debug)]
struct Text {
    /// Σ w · log p, of weights w.
    sum: [[f32; 33]; LENGTH],
    /// Σ w: a mark counts as much as it is probable that it is one.
    weight: f32,
    /// How probable the marks are, the probable ones above all.
    mark: f32,
    /// How much of the weight is of marks that are none to be sure of.
    doubted: f32,
    /// In the last frame that showed it.
    quad: Quad,
    pixels_per_character: f32,
    /// The last frame that showed it.
    last_frame: u32,
    /// Frames that alone said what all before them did, without a doubt.
    agreeing_frames: u32,
    /// A VIN that one mark alone was sure of.
    sure: Option<Vin>,
    /// Marks were sure of different VINs.
    contradicted: bool,
    /// Another text was seen in the same frame.
    in_company: bool,
    posterior: Posterior,
    features: Features,
    confidence: f32,
}

impl Fusion {
    /// Nothing seen yet.
    pub fn new(decision: Decision) -> Self {
        Self {
            decision,
            frame: 0,
            texts: heapless::Vec::new(),
            barcodes: Barcodes::default(),
        }
    }

    /// Adds what one frame shows.
    pub fn add(&mut self, observation: Observation) {
        self.frame += 1;
        if let Some(vin) = observation.barcode {
            self.barcodes.add(vin);
        }
        for mark in observation.marks {
            self.add_mark(&mark);
        }
        let here = self
            .texts
            .iter()
            .filter(|text| text.last_frame == self.frame)
            .count();
        if here > 1 {
            let frame = self.frame;
            self.texts
                .iter_mut()
                .filter(|text| text.last_frame == frame)
                .for_each(|text| text.in_company = true);
        }
    }

    /// What the frames say so far.
    pub fn reading(&self) -> Reading {
        let whole = self
            .best()
            .is_some_and(|text| !text.is_doubted() && self.decision.is_whole(&text.features));
        self.barcodes.beside(self.text(), whole)
    }

    /// What their text says.
    fn text(&self) -> Reading {
        let Some(text) = self.best() else {
            let reason = match self.frame {
                0 => Reason::NoFrame,
                _ => Reason::NoMarkFound,
            };
            return no_read(reason, None);
        };
        let best = text.posterior.best();
        log::debug!(
            "{} {:.4} {:?}",
            best.vin.masked(Shown::default()),
            text.confidence,
            text.features
        );
        if text.confidence < self.decision.review_at {
            let small = text.pixels_per_character < self.decision.pixels_per_character;
            return no_read(
                if small {
                    Reason::TooSmall
                } else {
                    Reason::Unreadable
                },
                Some(text.quad),
            );
        }
        let rival = self.texts.iter().find(|other| {
            other.confidence >= self.decision.review_at && other.posterior.best().vin != best.vin
        });
        let reason = match rival {
            Some(other) if other.in_company && text.in_company => Some(Reason::SeveralVins),
            Some(_) => Some(Reason::InconsistentFrames),
            None if text.contradicted
                || text.sure.as_ref().is_some_and(|sure| *sure != best.vin) =>
            {
                Some(Reason::InconsistentFrames)
            }
            None if text.is_doubted() || !self.decision.accepts(&text.features) => {
                Some(Reason::Ambiguous)
            }
            None => None,
        };
        Reading {
            outcome: if reason.is_none() {
                Outcome::Accepted
            } else {
                Outcome::Review
            },
            vin: Some(best.vin.clone()),
            confidence: text.confidence,
            reason,
            candidates: text.posterior.candidates.clone(),
            quad: Some(text.quad),
            check_digit: Some(best.vin.check_digit()),
        }
    }

    /// Whether further frames can be spared.
    pub fn is_sure(&self) -> bool {
        self.best()
            .is_some_and(|text| text.agreeing_frames >= AGREEING_FRAMES)
            && self.reading().outcome == Outcome::Accepted
    }

    /// What the confidence of the best text is made of, for fitting the weights; none if there is no text.
    pub fn features(&self) -> Option<Features> {
        self.best().map(|text| text.features)
    }

    /// The posterior of the best text.
    pub fn posterior(&self) -> Option<&Posterior> {
        self.best().map(|text| &text.posterior)
    }

    fn best(&self) -> Option<&Text> {
        self.texts
            .iter()
            .max_by(|a, b| a.confidence.total_cmp(&b.confidence))
    }

    fn add_mark(&mut self, mark: &Mark) {
        // What is no VIN says nothing about one, nor does NaN.
        let may_be_one = mark.evidence.mark >= self.decision.mark_at;
        if !may_be_one {
            return;
        }
        let log_p = Decision::soften(&mark.evidence.log_p);
        let alone = Text::new(mark, &log_p, self.frame, &self.decision);
        let same = self
            .texts
            .iter_mut()
            .map(|text| (text.sameness(&log_p), text))
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .filter(|(sameness, _)| *sameness >= SAME);
        if let Some((_, text)) = same {
            text.join(alone, &self.decision);
            return;
        }
        if self.texts.is_full() {
            let least = (0..TEXTS).min_by(|&a, &b| {
                self.texts[a]
                    .confidence
                    .total_cmp(&self.texts[b].confidence)
            });
            self.texts.swap_remove(least.unwrap_or_default());
        }
        // There is room: a full list has just lost one.
        let _ = self.texts.push(alone);
    }
}

fn no_read(reason: Reason, quad: Option<Quad>) -> Reading {
    Reading {
        outcome: Outcome::NoRead,
        vin: None,
        confidence: 0.0,
        reason: Some(reason),
        candidates: heapless::Vec::new(),
        quad,
        check_digit: None,
    }
}

impl Text {
    /// Of one mark, with its softened log-probabilities.
    fn new(mark: &Mark, log_p: &[[f32; 33]; LENGTH], frame: u32, decision: &Decision) -> Self {
        let probability = mark.evidence.mark.clamp(1e-3, 1.0);
        let evidence = Evidence {
            log_p: *log_p,
            mark: probability,
        };
        let posterior = Posterior::new(log_p, decision.temperature);
        let pixels_per_character = pixels_per_character(&mark.quad);
        let features = Features::new(&evidence, &posterior, pixels_per_character);
        let confidence = decision.confidence(&features);
        let sure = !mark.is_doubted() && decision.accepts(&features);
        Self {
            sum: log_p.map(|place| place.map(|log| probability * log)),
            weight: probability,
            mark: probability,
            doubted: if mark.is_doubted() { probability } else { 0.0 },
            quad: mark.quad,
            pixels_per_character,
            last_frame: frame,
            agreeing_frames: u32::from(!mark.is_doubted()),
            sure: sure.then(|| posterior.best().vin.clone()),
            contradicted: false,
            in_company: false,
            posterior,
            features,
            confidence,
        }
    }

    /// The Bayes factor of "the same VIN" against "two different ones", as a logarithm, if characters were independent
    /// and all alike: Σ ln(33 Σ p q). Rows of letters that agree in half of the places come out above 0.
    fn sameness(&self, log_p: &[[f32; 33]; LENGTH]) -> f32 {
        self.sum
            .iter()
            .zip(log_p)
            .map(|(sum, logs)| {
                let own = sum.map(|log| (log / self.weight).exp());
                let all: f32 = own.iter().sum();
                let agreement: f32 = own
                    .iter()
                    .zip(logs)
                    .map(|(p, log)| p / all * log.exp())
                    .sum();
                (33.0 * agreement).max(f32::MIN_POSITIVE).ln()
            })
            .sum()
    }

    /// Adds another mark that says the same.
    fn join(&mut self, other: Text, decision: &Decision) {
        for (sum, log) in self
            .sum
            .iter_mut()
            .flatten()
            .zip(other.sum.iter().flatten())
        {
            *sum += log;
        }
        let weight = self.weight + other.weight;
        self.mark = (self.weight * self.mark + other.weight * other.mark) / weight;
        self.doubted += other.doubted;
        self.weight = weight;
        self.quad = other.quad;
        self.pixels_per_character = self.pixels_per_character.max(other.pixels_per_character);
        let agrees = !other.is_doubted() && other.posterior.best().vin == self.posterior.best().vin;
        self.agreeing_frames += u32::from(agrees && other.last_frame > self.last_frame);
        self.last_frame = other.last_frame;
        self.contradicted |= matches!((&self.sure, &other.sure), (Some(a), Some(b)) if a != b);
        self.sure = self.sure.take().or(other.sure);

        // The mean, weighed as the burst is: see `Decision::burst_exponent`.
        let factor = self.weight.max(1.0).powf(decision.burst_exponent) / self.weight;
        let mut log_p = self.sum.map(|place| place.map(|log| factor * log));
        for place in &mut log_p {
            normalise(place);
        }
        let evidence = Evidence {
            log_p,
            mark: self.mark,
        };
        self.posterior = Posterior::new(&evidence.log_p, decision.temperature);
        self.features = Features::new(&evidence, &self.posterior, self.pixels_per_character);
        self.confidence = decision.confidence(&self.features);
    }

    /// Whether more than half of it is none to be sure of: one lucky look of many clears nothing.
    fn is_doubted(&self) -> bool {
        2.0 * self.doubted > self.weight
    }
}

/// Width of one character, in pixels: the text's upper edge holds 17.
fn pixels_per_character(quad: &Quad) -> f32 {
    let [from, to, ..] = quad.0;
    (to.x - from.x).hypot(to.y - from.y) / LENGTH as f32
}

#[cfg(test)]
mod tests;
