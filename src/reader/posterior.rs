//! The exact posterior over all 33^17 VINs: character probabilities times the priors.
//!
//! The check digit ties all places together, but only through a sum modulo 11: a dynamic programme over place and
//! remainder counts every VIN once. The first three places are enumerated, since their prior is a table of triples, and so
//! are the known models, the first eight with their years, plants and place 9. What is registered is a custom for itself where the pixels
//! do not speak against it.

mod sums;

use std::ops::Range;

use super::Candidate;
use super::priors::{CHARACTERS, PRIORS, Places, Registered, Registrant};
use crate::vin::{LENGTH, Vin};
use sums::{Found, Seen, Sums, manners_seen, models_seen};

/// VINs kept as candidates.
pub const KEPT: usize = 5;

/// A custom with less than this share of the posterior cannot hold a candidate worth naming.
const NEGLIGIBLE: f64 = 1e-7;

/// A model with less than this share of the weight of the likeliest is left out, and so are years and plants of one; and a custom with
/// less than this share of the posterior.
const OUT_OF_THE_QUESTION: f64 = 1e-11;

/// The same for what is registered, of which there is more.
const HARDLY_REGISTERED: f64 = 1e-8;

/// What is registered beyond the likeliest so many weighs what it weighs, but is drawn as its maker's other vehicles are. That much is
/// likely only where hardly anything can be read.
const MOST_REGISTERED: usize = 256;

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
    /// Probability that this is a VIN, and not another row of the same characters.
    pub is_vin: f32,
    /// Log-odds of the most probable VIN among all VINs; finite, within ±16 (what `f32` can tell from 1).
    pub log_odds: f32,
    /// The most probable VINs, best first, with exact probabilities (to 1e-7). Never empty.
    pub candidates: heapless::Vec<Candidate, KEPT>,
    /// Probability of each character in each place; each place adds up to the probability that this is a VIN at all.
    pub places: [[f32; CHARACTERS]; LENGTH],
}

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
        let customs = PRIORS.customs.iter();
        let customs = customs.map(|custom| Sums::new(&pixels, custom)).collect();
        Self::from_sums(&pixels, customs, offset)
    }

    fn from_sums(pixels: &Places, mut customs: Vec<Sums>, offset: f64) -> Self {
        let mut places = [[0.0; CHARACTERS]; LENGTH];
        let mut makers = PRIORS.makers.iter();
        let mut likeliest = 0.0_f64;
        for a in 0..CHARACTERS {
            for b in 0..CHARACTERS {
                let pair = pixels[0][a] * pixels[1][b];
                let mut pair_total = 0.0;
                for (c, maker) in (0..CHARACTERS).zip(&mut makers) {
                    let start = pair * pixels[2][c] * maker.chance;
                    let code = [a as u8, b as u8, c as u8];
                    likeliest = likeliest.max(start * customs[maker.custom].until_serial);
                    let total = customs[maker.custom].add_maker(code, start);
                    places[2][c] += total;
                    pair_total += total;
                }
                places[0][a] += pair_total;
                places[1][b] += pair_total;
            }
        }
        for stranger in &PRIORS.strangers {
            let seen: f64 = (0..3)
                .map(|i| pixels[i][usize::from(stranger.code[i])])
                .product();
            let total = customs[stranger.custom].add_maker(stranger.code, seen * stranger.chance);
            add_to(&mut places, &stranger.code, total);
        }
        let manners = manners_seen(pixels);
        let models = models_seen(pixels, &manners);
        let likeliest_model = models.iter().map(Seen::weight).fold(0.0, f64::max);
        let likeliest = likeliest.max(likeliest_model);
        let registered = registered_seen(pixels, likeliest);
        for (i, (weight, code, row)) in registered.into_iter().enumerate() {
            let custom = if i < MOST_REGISTERED {
                customs.push(Sums::new(pixels, &PRIORS.custom_of(code, row)));
                customs.len() - 1
            } else {
                PRIORS.maker(code).custom
            };
            let start = weight / customs[custom].until_serial;
            let total = customs[custom].add_maker(code, start);
            add_to(&mut places, &code, total);
        }
        let least = OUT_OF_THE_QUESTION * likeliest_model;
        for seen in &models {
            if seen.weight() > least {
                let total = customs[seen.model.custom].add_model(seen, least, &mut places);
                add_to(&mut places, &seen.model.characters, total);
            }
        }
        let evidence: f64 = customs.iter().map(|sums| sums.total).sum();
        let all = evidence + others(pixels);
        let mut best = Found::new();
        let likely = |sums: &&Sums| sums.total > OUT_OF_THE_QUESTION * evidence;
        for sums in customs.iter().filter(likely) {
            sums.add_marginals(&mut places);
            if sums.total > NEGLIGIBLE * evidence {
                sums.add_best(&mut best);
            }
        }
        // A VIN may come about in several ways, of which the lists hold the likeliest.
        for (weight, vin) in &mut best {
            let seen = vin
                .iter()
                .zip(pixels)
                .map(|(&c, place)| place[usize::from(c)]);
            *weight = seen.product::<f64>() * PRIORS.chance(vin);
        }
        best.sort_by(|a, b| b.0.total_cmp(&a.0));
        best.truncate(KEPT);
        Self {
            log_evidence: evidence.ln() + offset,
            is_vin: (evidence / all) as f32,
            log_odds: log_odds(best.first().map_or(0.0, |(weight, _)| weight / evidence)),
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

    /// The place (1 to 17) whose character is least sure among all VINs, and its log-odds, within ±16.
    pub fn least_sure_place(&self) -> (usize, f32) {
        let sure = self
            .places
            .map(|place| place.into_iter().fold(0.0, f32::max));
        let (index, probability) = sure.into_iter().enumerate().fold((0, 1.0), |least, this| {
            if this.1 < least.1 { this } else { least }
        });
        (index + 1, log_odds(f64::from(probability / self.is_vin)))
    }
}

/// Adds what all VINs with these first characters weigh to their places.
fn add_to(places: &mut Places, characters: &[u8], total: f64) {
    for (place, &character) in places.iter_mut().zip(characters) {
        place[usize::from(character)] += total;
    }
}

/// What is registered and not out of the question beside the likeliest of it and what has this weight, likeliest first: what its
/// places weigh but for place 9 and the serial number, and its first three characters.
fn registered_seen(
    pixels: &Places,
    mut likeliest: f64,
) -> Vec<(f64, [u8; 3], &'static Registered)> {
    let registrants = PRIORS.registered.iter().map(|registrant| {
        let code = registrant.code.iter().zip(pixels);
        let code = code.map(|(&c, place)| place[usize::from(c)]);
        (registrant.chance * code.product::<f64>(), registrant)
    });
    let mut registrants: Vec<_> = registrants.collect();
    registrants.sort_by(|one, other| other.0.total_cmp(&one.0));
    let sums = std::array::from_fn(|place| pixels[place].iter().sum());
    let mut found = Vec::new();
    for (most, Registrant { code, rows, .. }) in registrants {
        if most <= HARDLY_REGISTERED * likeliest {
            break;
        }
        for row in rows {
            let weight = most * row.seen(pixels, &sums);
            likeliest = likeliest.max(weight);
            found.push((weight, *code, row));
        }
    }
    found.retain(|(weight, ..)| *weight > HARDLY_REGISTERED * likeliest);
    found.sort_by(|one, other| other.0.total_cmp(&one.0));
    found
}

/// The evidence for what this alphabet can write beside a VIN, and labels do: a number, or a row of any characters, each as likely
/// as the next.
fn others(pixels: &Places) -> f64 {
    let row = |of: Range<usize>| -> f64 {
        let characters = of.len() as f64;
        pixels
            .iter()
            .map(|place| place[of.clone()].iter().sum::<f64>() / characters)
            .product()
    };
    NUMBERS * row(0..10) + ROWS * row(0..CHARACTERS)
}

fn log_odds(probability: f64) -> f32 {
    let p = if probability.is_finite() {
        probability.clamp(1e-7, 1.0 - 1e-7)
    } else {
        1e-7
    };
    (p / (1.0 - p)).ln() as f32
}

#[cfg(test)]
mod tests;
