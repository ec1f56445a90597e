//! The exact posterior over all 33^17 VINs: character probabilities times the priors.
//!
//! The check digit ties all places together, but only through a sum modulo 11: a dynamic programme over place and
//! remainder counts every VIN once. The first three places are enumerated, since their prior is a table of triples, and so
//! are the known models, the first eight.

use std::ops::Range;

use super::Candidate;
use super::priors::{CHARACTERS, Custom, KNOWN, PRIORS, check_character};
use crate::vin::{LENGTH, PLACE_OF_CHECK_DIGIT as NINTH, VALUES, Vin, WEIGHTS};

/// Remainders of the check sum.
const REMAINDERS: usize = 11;

/// VINs kept as candidates.
pub const KEPT: usize = 5;

/// A custom with less than this share of the posterior cannot hold a candidate worth naming.
const NEGLIGIBLE: f64 = 1e-7;

/// Shares, among what looks like a VIN, of numbers of 17 digits and of rows of any 17 characters. Estimates; what the maker, the year
/// and the serial number of a VIN are like weighs far more.
const NUMBERS: f64 = 0.01;
const ROWS: f64 = 0.001;

/// Log-probabilities below the best of their place by more than this are taken as this: no pixel rules anything out.
const DEEPEST: f32 = 60.0;

/// What the pixels and the rules say together.
#[derive(Clone, Debug)]
pub struct Posterior {
    /// ln Σ P(pixels | VIN) P(VIN) over all VINs, up to what does not depend on the VIN: how well the rules fit the pixels.
    pub log_evidence: f64,
    /// The most probable VINs, best first, with exact probabilities (to 1e-7). Never empty.
    pub candidates: heapless::Vec<Candidate, KEPT>,
    /// Probability of each character in each place; each place adds up to the probability that this is a VIN at all.
    pub places: [[f32; CHARACTERS]; LENGTH],
}

/// Characters of a VIN as indices into the alphabet.
type Indices = [u8; LENGTH];
/// The best partial or whole VINs, best first.
type Best = heapless::Vec<(f64, Indices), KEPT>;
/// A weight for each remainder.
type Remainders = [f64; REMAINDERS];

impl Posterior {
    /// From log-probabilities (natural; each place may be off by a constant) divided by `temperature` (> 0).
    pub fn new(log_p: &[[f32; CHARACTERS]; LENGTH], temperature: f32) -> Self {
        let mut offset = 0.0;
        let mut pixels = [[0.0; CHARACTERS]; LENGTH];
        for (place, logs) in pixels.iter_mut().zip(log_p) {
            let highest = logs.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let highest = if highest.is_finite() { highest } else { 0.0 };
            offset += f64::from(highest / temperature);
            for (weight, &log) in place.iter_mut().zip(logs) {
                // `max` takes the bound for NaN.
                *weight = f64::from((log - highest).max(-DEEPEST) / temperature).exp();
            }
        }
        let mut customs: Vec<_> = PRIORS
            .customs
            .iter()
            .map(|custom| Sums::new(&pixels, custom))
            .collect();
        Self::from_sums(&pixels, &mut customs, offset)
    }

    fn from_sums(pixels: &[[f64; CHARACTERS]; LENGTH], customs: &mut [Sums], offset: f64) -> Self {
        let mut places = [[0.0; CHARACTERS]; LENGTH];
        let mut makers = PRIORS.makers.iter();
        for a in 0..CHARACTERS {
            for b in 0..CHARACTERS {
                let pair = pixels[0][a] * pixels[1][b];
                let mut pair_total = 0.0;
                for (c, maker) in (0..CHARACTERS).zip(&mut makers) {
                    let start = pair * pixels[2][c] * maker.chance;
                    let code = [a as u8, b as u8, c as u8];
                    let total = customs[maker.custom].add_maker(code, start);
                    places[2][c] += total;
                    pair_total += total;
                }
                places[0][a] += pair_total;
                places[1][b] += pair_total;
            }
        }
        for model in &PRIORS.models {
            let [a, b, c, ..] = model.characters;
            let seen = |places: Range<usize>| -> f64 {
                places
                    .map(|place| pixels[place][usize::from(model.characters[place])])
                    .product()
            };
            let total = customs[model.custom].add_model(
                model.characters,
                seen(0..KNOWN) * model.chance,
                seen(0..3) * PRIORS.maker([a, b, c]).chance,
            );
            for (place, &character) in places.iter_mut().zip(&model.characters) {
                place[usize::from(character)] += total;
            }
        }
        let evidence: f64 = customs.iter().map(|sums| sums.total).sum();
        let all = evidence + others(pixels);
        let mut best = Best::new();
        for sums in customs {
            sums.add_marginals(&mut places);
            if sums.total > NEGLIGIBLE * evidence {
                sums.add_best(&mut best);
            }
        }
        Self {
            log_evidence: evidence.ln() + offset,
            candidates: best
                .iter()
                .map(|(weight, vin)| Candidate {
                    vin: Vin::from_indices(vin),
                    probability: (weight / all) as f32,
                })
                .collect(),
            places: places.map(|place| place.map(|weight| (weight / all) as f32)),
        }
    }

    /// The most probable VIN.
    pub fn best(&self) -> &Candidate {
        &self.candidates[0]
    }

    /// The probability of the best VIN as log-odds; finite, within ±16 (what `f32` can tell from 1).
    pub fn log_odds(&self) -> f32 {
        log_odds(self.best().probability)
    }

    /// The place (1 to 17) whose character is least sure, and its log-odds.
    pub fn least_sure_place(&self) -> (usize, f32) {
        let sure = self
            .places
            .map(|place| place.into_iter().fold(0.0, f32::max));
        let (index, probability) = sure.into_iter().enumerate().fold((0, 1.0), |least, this| {
            if this.1 < least.1 { this } else { least }
        });
        (index + 1, log_odds(probability))
    }
}

/// The evidence for what this alphabet can write beside a VIN, and labels do: a number, or a row of any characters, each as likely
/// as the next.
fn others(pixels: &[[f64; CHARACTERS]; LENGTH]) -> f64 {
    let row = |of: Range<usize>| -> f64 {
        let characters = of.len() as f64;
        pixels
            .iter()
            .map(|place| place[of.clone()].iter().sum::<f64>() / characters)
            .product()
    };
    NUMBERS * row(0..10) + ROWS * row(0..CHARACTERS)
}

fn log_odds(probability: f32) -> f32 {
    let p = f64::from(probability).clamp(1e-7, 1.0 - 1e-7);
    (p / (1.0 - p)).ln() as f32
}

/// What a character in a place adds to the check sum, modulo 11.
fn step(place: usize, character: usize) -> usize {
    usize::from(WEIGHTS[place]) * usize::from(VALUES[character]) % REMAINDERS
}

/// Puts an entry where it belongs among the best, if it does.
fn keep(best: &mut Best, weight: f64, vin: impl FnOnce() -> Indices) {
    if best.is_full() {
        if best.last().is_some_and(|(least, _)| weight <= *least) {
            return;
        }
        best.pop();
    }
    let at = best.partition_point(|(other, _)| *other >= weight);
    // There is room: a full list has just lost its last.
    let _ = best.insert(at, (weight, vin()));
}

/// The ways to begin, by the remainder that they leave.
#[derive(Default)]
struct Beginnings {
    weights: Remainders,
    best: [Best; REMAINDERS],
}

impl Beginnings {
    /// `rank`: its weight among the best, if it can also be reached otherwise.
    fn add(&mut self, characters: &[u8], weight: f64, rank: f64) -> usize {
        let remainder = characters
            .iter()
            .enumerate()
            .map(|(place, &character)| step(place, usize::from(character)))
            .sum::<usize>()
            % REMAINDERS;
        self.weights[remainder] += weight;
        keep(&mut self.best[remainder], rank, || {
            let mut vin = [0; LENGTH];
            vin[..characters.len()].copy_from_slice(characters);
            vin
        });
        remainder
    }
}

/// One custom: the makers and models that follow it, and places 4 to 17.
struct Sums {
    /// Chance that place 9 is computed.
    check: f64,
    /// Pixels times prior; the first three places are left out, place 9 is `filler`'s.
    weights: [[f64; CHARACTERS]; LENGTH],
    /// Pixels alone in place 9.
    ninth: [f64; CHARACTERS],
    /// All ways to go on after a maker, with an uncomputed place 9.
    free: f64,
    /// The same after a model.
    free_tail: f64,
    /// All ways to go on from a place with a remainder to a computed place 9.
    backward: [Remainders; LENGTH + 1],
    makers: Beginnings,
    models: Beginnings,
    /// All VINs.
    total: f64,
}

impl Sums {
    fn new(pixels: &[[f64; CHARACTERS]; LENGTH], custom: &Custom) -> Self {
        let times =
            |pixels: &[f64; CHARACTERS], chances: &[f64; CHARACTERS]| -> [f64; CHARACTERS] {
                std::array::from_fn(|c| pixels[c] * chances[c])
            };
        let mut weights = [[0.0; CHARACTERS]; LENGTH];
        for place in 3..LENGTH {
            weights[place] = times(&pixels[place], &custom.places[place]);
        }
        weights[NINTH] = times(&pixels[NINTH], &custom.filler);
        let all = |places: &[[f64; CHARACTERS]]| -> f64 {
            places
                .iter()
                .map(|place| place.iter().sum::<f64>())
                .product()
        };
        let free_tail = all(&weights[KNOWN..]) * (1.0 - custom.check);

        let mut backward = [[0.0; REMAINDERS]; LENGTH + 1];
        backward[LENGTH] =
            std::array::from_fn(|remainder| pixels[NINTH][check_character(remainder)]);
        for place in (3..LENGTH).rev() {
            backward[place] = if place == NINTH {
                backward[place + 1]
            } else {
                let steps = by_step(place, &weights[place]);
                std::array::from_fn(|remainder| {
                    (0..REMAINDERS)
                        .map(|by| steps[by] * backward[place + 1][(remainder + by) % REMAINDERS])
                        .sum()
                })
            };
        }
        Self {
            check: custom.check,
            free: all(&weights[3..KNOWN]) * free_tail,
            weights,
            ninth: pixels[NINTH],
            free_tail,
            backward,
            makers: Beginnings::default(),
            models: Beginnings::default(),
            total: 0.0,
        }
    }

    /// Adds all VINs that begin with a maker and no known model; how much they weigh.
    fn add_maker(&mut self, code: [u8; 3], weight: f64) -> f64 {
        let remainder = self.makers.add(&code, weight, weight);
        let total = weight * (self.free + self.check * self.backward[3][remainder]);
        self.total += total;
        total
    }

    /// Adds all VINs that begin with a model; how much they weigh. `maker` is the weight of the same maker without it.
    fn add_model(&mut self, characters: [u8; KNOWN], weight: f64, maker: f64) -> f64 {
        let by_chance: f64 = (3..KNOWN)
            .map(|place| self.weights[place][usize::from(characters[place])])
            .product();
        let remainder = self
            .models
            .add(&characters, weight, weight + maker * by_chance);
        let total = weight * (self.free_tail + self.check * self.backward[KNOWN][remainder]);
        self.total += total;
        total
    }

    /// Adds, for places 4 to 17, the weight of all VINs with each character there; not that of models in places 4 to 8.
    fn add_marginals(&self, places: &mut [[f64; CHARACTERS]; LENGTH]) {
        let mut forward = self.makers.weights;
        let mut free = forward.iter().sum::<f64>() * self.free;
        for place in 3..LENGTH {
            if place == KNOWN {
                free += self.models.weights.iter().sum::<f64>() * self.free_tail;
                for (all, weight) in forward.iter_mut().zip(self.models.weights) {
                    *all += weight;
                }
            }
            let weights = &self.weights[place];
            let all: f64 = weights.iter().sum();
            for (sum, weight) in places[place].iter_mut().zip(weights) {
                *sum += free * weight / all;
            }
            if place == NINTH {
                continue;
            }
            // All characters with the same step share what goes before and comes after.
            let around: Remainders = std::array::from_fn(|by| {
                (0..REMAINDERS)
                    .map(|r| forward[r] * self.backward[place + 1][(r + by) % REMAINDERS])
                    .sum()
            });
            for (character, sum) in places[place].iter_mut().enumerate() {
                *sum += self.check * weights[character] * around[step(place, character)];
            }
            let steps = by_step(place, weights);
            forward = std::array::from_fn(|remainder| {
                (0..REMAINDERS)
                    .map(|by| steps[by] * forward[(remainder + REMAINDERS - by) % REMAINDERS])
                    .sum()
            });
        }
        for (remainder, weight) in forward.into_iter().enumerate() {
            let computed = check_character(remainder);
            places[NINTH][computed] += self.check * weight * self.ninth[computed];
        }
    }

    /// Adds the best VINs.
    fn add_best(&self, best: &mut Best) {
        let mut partial = self.models.best.clone();
        for (all, others) in partial
            .iter_mut()
            .zip(self.longer(&self.makers.best, 3..KNOWN))
        {
            // What is a known model as well stands in the list already, with both weights.
            for (weight, vin) in others.iter().filter(|(_, vin)| !PRIORS.knows(vin)) {
                keep(all, *weight, || *vin);
            }
        }
        self.close(&self.longer(&partial, NINTH + 1..LENGTH), best);
    }

    /// The best of each remainder with some places more.
    fn longer(&self, best: &[Best; REMAINDERS], places: Range<usize>) -> [Best; REMAINDERS] {
        places.fold(best.clone(), |before, place| {
            let mut after: [Best; REMAINDERS] = Default::default();
            for (remainder, list) in before.iter().enumerate() {
                for (weight, vin) in list {
                    for (character, factor) in self.weights[place].iter().enumerate() {
                        let next = (remainder + step(place, character)) % REMAINDERS;
                        keep(&mut after[next], weight * factor, || {
                            let mut vin = *vin;
                            vin[place] = character as u8;
                            vin
                        });
                    }
                }
            }
            after
        })
    }

    /// Fills place 9 in all ways: computed or not.
    fn close(&self, partial: &[Best; REMAINDERS], best: &mut Best) {
        for (remainder, list) in partial.iter().enumerate() {
            let computed = check_character(remainder);
            for (weight, vin) in list {
                for character in 0..CHARACTERS {
                    let check = if character == computed {
                        self.check * self.ninth[character]
                    } else {
                        0.0
                    };
                    let factor = check + (1.0 - self.check) * self.weights[NINTH][character];
                    keep(best, weight * factor, || {
                        let mut vin = *vin;
                        vin[NINTH] = character as u8;
                        vin
                    });
                }
            }
        }
    }
}

/// The weights of a place added up by what their characters add to the check sum.
fn by_step(place: usize, weights: &[f64; CHARACTERS]) -> Remainders {
    let mut sums = [0.0; REMAINDERS];
    for (character, weight) in weights.iter().enumerate() {
        sums[step(place, character)] += weight;
    }
    sums
}

#[cfg(test)]
mod tests;
