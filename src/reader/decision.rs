//! From posterior to outcome: a logistic regression makes the confidence a calibrated probability, thresholds make it
//! an outcome. The constants are fitted on photographs that the models were not trained on.

use serde::{Deserialize, Serialize};

use super::Evidence;
use super::odds::{logistic, logit};
use super::posterior::Posterior;
use crate::vin::{ALPHABET, LENGTH};

/// The constants that belong to some networks.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// Divides the networks' log-probabilities; above 1 for networks that are too sure. More than 0.
    pub temperature: f32,
    /// n frames of one burst weigh as n to this power: 0 if they all show the same noise, 1 if they are independent.
    pub burst_exponent: f32,
    /// Below this probability a mark is no VIN, and not spoken of.
    pub mark_at: f32,
    /// From this confidence on a person should look; below, there is nothing to look at.
    pub review_at: f32,
    /// From this confidence on a reading may be trusted.
    pub accept_at: f32,
    /// And from this probability of being a whole VIN on: of what looks like one and is none a person decides, however clear it is.
    pub accept_whole_at: f32,
    /// Text narrower than this many pixels a character explains itself by being too small. No threshold of its own.
    pub pixels_per_character: f32,
    /// Confidence = probability of a VIN · logistic(bias + Σ weight · feature).
    pub weights: Weights,
    /// Probability of a whole VIN, against lines with a character more or less, or with an I, O or Q = logistic(bias + Σ weight ·
    /// feature): who counts may be wrong, but what is none rarely fits the rules as a VIN does.
    pub whole: Weights,
}

/// One weight for each of [`Features`] but the first, and a bias. What is left out weighs nothing.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)] // The features say what they are.
pub struct Weights {
    pub bias: f32,
    pub log_odds: f32,
    pub least_sure_place: f32,
    pub mark: f32,
    pub support: f32,
    pub rules: f32,
    pub pixels_per_character: f32,
}

/// What the confidence is made of. All finite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Features {
    /// Probability that this is a VIN and no other row of its characters, by the posterior.
    pub is_vin: f32,
    /// Log-odds of the best VIN among all VINs, within ±16.
    pub log_odds: f32,
    /// Log-odds of the least sure character among all VINs, within ±16.
    pub least_sure_place: f32,
    /// Log-odds that this is a whole VIN the right way up, by the pixels, within ±16.
    pub mark: f32,
    /// Log-probability of the best VIN by the pixels alone, less that of the pixels' own favourite; 0 if they are the
    /// same, never above. The price of every correction.
    pub support: f32,
    /// How well the rules fit the pixels: natural logarithm of the evidence, at most 0.
    pub rules: f32,
    /// Natural logarithm of the pixels a character is wide.
    pub pixels_per_character: f32,
}

impl Features {
    /// Of pixels and what became of them.
    pub(super) fn new(
        evidence: &Evidence,
        posterior: &Posterior,
        pixels_per_character: f32,
    ) -> Self {
        let mut support = 0.0;
        for (logs, byte) in evidence.log_p.iter().zip(posterior.best().vin.as_bytes()) {
            let highest = logs.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let chosen = logs
                .iter()
                .zip(ALPHABET)
                .find_map(|(&log, known)| (known == byte).then_some(log));
            support += chosen.map_or(0.0, |log| log - highest);
        }
        Self {
            is_vin: posterior.is_vin,
            log_odds: posterior.log_odds,
            least_sure_place: posterior.least_sure_place().1,
            mark: logit(evidence.mark),
            support: support.max(-100.0),
            rules: posterior.log_evidence.clamp(-100.0, 0.0) as f32,
            pixels_per_character: pixels_per_character.max(0.1).ln(),
        }
    }
}

impl Weights {
    fn named(&self) -> [(&'static str, f32); 7] {
        [
            ("bias", self.bias),
            ("log_odds", self.log_odds),
            ("least_sure_place", self.least_sure_place),
            ("mark", self.mark),
            ("support", self.support),
            ("rules", self.rules),
            ("pixels_per_character", self.pixels_per_character),
        ]
    }

    fn probability(&self, features: &Features) -> f32 {
        let sum = self.bias
            + self.log_odds * features.log_odds
            + self.least_sure_place * features.least_sure_place
            + self.mark * features.mark
            + self.support * features.support
            + self.rules * features.rules
            + self.pixels_per_character * features.pixels_per_character;
        logistic(sum)
    }
}

/// What is wrong with constants.
#[derive(Debug, thiserror::Error)]
pub enum DecisionError {
    /// Not the TOML it should be.
    #[error("the calibration cannot be read: {0}")]
    Toml(#[from] toml::de::Error),
    /// A number out of its range.
    #[error("the calibration has {name} = {value}, which is not {allowed}")]
    Range {
        /// The key.
        name: String,
        /// What it holds.
        value: f32,
        /// What it may hold.
        allowed: &'static str,
    },
}

impl Decision {
    /// From the text of a calibration file.
    pub fn from_toml(text: &str) -> Result<Self, DecisionError> {
        let decision: Self = toml::from_str(text)?;
        let check = |name: &str, value: f32, fits: bool, allowed| {
            if fits && value.is_finite() {
                Ok(())
            } else {
                Err(DecisionError::Range {
                    name: name.into(),
                    value,
                    allowed,
                })
            }
        };
        let probability =
            |name, value: f32| check(name, value, (0.0..=1.0).contains(&value), "between 0 and 1");
        check(
            "temperature",
            decision.temperature,
            decision.temperature > 0.0,
            "above 0",
        )?;
        probability("burst_exponent", decision.burst_exponent)?;
        probability("mark_at", decision.mark_at)?;
        probability("accept_at", decision.accept_at)?;
        probability("accept_whole_at", decision.accept_whole_at)?;
        let in_order = (0.0..=decision.accept_at).contains(&decision.review_at);
        check(
            "review_at",
            decision.review_at,
            in_order,
            "between 0 and accept_at",
        )?;
        check(
            "pixels_per_character",
            decision.pixels_per_character,
            decision.pixels_per_character >= 0.0,
            "0 or more",
        )?;
        for (section, weights) in [("weights", &decision.weights), ("whole", &decision.whole)] {
            for (name, weight) in weights.named() {
                check(&format!("{section}.{name}"), weight, true, "a number")?;
            }
        }
        Ok(decision)
    }

    /// Probability that the best VIN is right.
    pub(super) fn confidence(&self, features: &Features) -> f32 {
        features.is_vin * self.weights.probability(features)
    }

    /// Whether a reading may be trusted.
    pub(super) fn accepts(&self, features: &Features) -> bool {
        self.confidence(features) >= self.accept_at && self.is_whole(features)
    }

    /// Whether it may be trusted to be of a whole VIN, whichever it is.
    pub(super) fn is_whole(&self, features: &Features) -> bool {
        self.whole.probability(features) >= self.accept_whole_at
    }

    /// The calibration of the models inside the program.
    pub fn embedded() -> Result<Self, DecisionError> {
        Self::from_toml(include_str!("../../models/calibration.toml"))
    }

    /// Tempers log-probabilities of single characters so that no frame can rule anything out on its own: a recognizer
    /// is now and then very sure of nonsense. One in ten thousand is what it may be so wrong about.
    pub(super) fn soften(log_p: &[[f32; 33]; LENGTH]) -> [[f32; 33]; LENGTH] {
        const NONSENSE: f32 = 1e-4;
        log_p.map(|place| {
            // `max` takes the bound for NaN, which `clamp` lets through.
            place.map(|log| {
                (log.clamp(-100.0, 0.0).max(-100.0).exp() * (1.0 - NONSENSE) + NONSENSE / 33.0).ln()
            })
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::reader::script;

    #[test]
    fn the_embedded_calibration_is_sound() {
        let decision = Decision::embedded().unwrap();
        assert!(
            decision.accept_at >= 0.9,
            "a misread costs a thousand no-reads"
        );
        assert!(decision.weights.log_odds > 0.0);
    }

    #[test]
    fn wrong_constants_are_named() {
        for (key, value) in [
            ("temperature", -1.0),
            ("accept_at", 1.5),
            ("accept_whole_at", -0.5),
            ("review_at", 0.9999),
            ("acept_at", 0.9),
        ] {
            let mut table: toml::Table =
                toml::from_str(include_str!("../../models/calibration.toml")).unwrap();
            table.insert(key.into(), value.into());
            let error = Decision::from_toml(&table.to_string())
                .unwrap_err()
                .to_string();
            assert!(error.contains(key), "{error}");
        }
    }

    /// Nothing compares with NaN, so it would pass every threshold.
    #[test]
    fn weights_are_numbers() {
        for section in ["weights", "whole"] {
            let mut table: toml::Table =
                toml::from_str(include_str!("../../models/calibration.toml")).unwrap();
            table[section]["log_odds"] = f64::NAN.into();
            let error = Decision::from_toml(&table.to_string())
                .unwrap_err()
                .to_string();
            assert!(error.contains(&format!("{section}.log_odds")), "{error}");
        }
    }

    #[test]
    fn a_correction_shows_in_the_features() {
        let features = |log_p| {
            let evidence = Evidence { log_p, mark: 0.9 };
            Features::new(&evidence, &Posterior::new(&log_p, 1.0), 10.0)
        };
        let clear = features(script::clear("1HGCM82633A004352"));
        let corrected = features(script::doubt("1HGCM82633A004352", 4, 'G', 2.0));
        assert_eq!(clear.support, 0.0);
        assert!((corrected.support + 2.0).abs() < 1e-3);
        assert!(corrected.log_odds < clear.log_odds);
    }
}
