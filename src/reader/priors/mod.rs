//! How probable a VIN is before any picture is seen: rules, which real cars break every one of, and counted vehicles.
//!
//! P(VIN) = P(places 1-8, 10, 11) · Π P(place 12 … 17 | maker) · P(place 9 | the other places, maker)
//! P(places 1-8, 10, 11) = P(maker) · (P(model | maker) · P(place 10 | model) · P(place 11 | model)
//!                                   + P(no known model | maker) · Π P(place 4 … 8, 10, 11 | maker))
//!
//! A model is what stands in places 4 to 8; a maker's known models are those that were counted, and a little those of its
//! siblings. Place 9 is the computed check digit with the chance `check`, and otherwise drawn
//! from `filler` whatever the other places hold. All factors are normalised, so the whole is.

mod rules;
mod vehicles;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::vin::{ALPHABET, CHECK_CHARACTERS, LENGTH};

/// Characters of the alphabet.
pub(super) const CHARACTERS: usize = ALPHABET.len();

/// Places of a VIN that a known model takes: maker and descriptors.
pub(super) const KNOWN: usize = 8;

/// Places, counted from 0, in which a known model has its own years and plants.
pub(super) const TAIL: [usize; 2] = [9, 10];

/// Chance of each character in them.
pub(super) type Tail = [[f64; CHARACTERS]; 2];

/// Half of the chance of a maker is by the rules, half by how many of its vehicles were counted: where a station stands
/// matters, but nobody has counted there.
const COUNTED_SHARE: f64 = 0.5;

/// How a maker uses the places.
#[derive(Clone)]
pub(super) struct Custom {
    /// Chance that the maker computes the check digit.
    pub check: f64,
    /// Chance of each character in place 9 where it is not computed.
    pub filler: [f64; CHARACTERS],
    /// Chance of each character in each place; the first three and place 9 are not used.
    pub places: [[f64; CHARACTERS]; LENGTH],
}

/// The first three characters.
#[derive(Clone, Copy)]
pub(super) struct Maker {
    /// Of this maker and no known model.
    pub chance: f64,
    /// Index into [`Priors::customs`].
    pub custom: usize,
}

/// The first eight characters, as indices into the alphabet.
pub(super) struct Model {
    pub characters: [u8; KNOWN],
    /// That these are drawn as a known model.
    pub chance: f64,
    /// Index into [`Priors::tails`].
    pub tail: usize,
    /// Index into [`Priors::customs`].
    pub custom: usize,
}

/// All that is known beforehand.
pub(super) struct Priors {
    pub customs: Vec<Custom>,
    /// Index (a · 33 + b) · 33 + c.
    pub makers: Vec<Maker>,
    /// In the order of their characters.
    pub models: Vec<Model>,
    pub tails: Vec<Tail>,
}

pub(super) static PRIORS: LazyLock<Priors> = LazyLock::new(Priors::new);

impl Priors {
    fn new() -> Self {
        let mut priors = Self::by_rules();
        let counted = vehicles::makers();
        priors.add_counted(&counted);
        priors.add_siblings(&counted);
        priors.models.sort_by_key(|model| model.characters);
        priors
    }

    fn by_rules() -> Self {
        let makers = rules::makers().into_iter().enumerate();
        let makers = makers.map(|(at, chance)| Maker {
            chance,
            custom: rules::custom_of(ALPHABET[at / CHARACTERS.pow(2)]),
        });
        Self {
            customs: rules::customs().to_vec(),
            makers: makers.collect(),
            models: Vec::new(),
            tails: Vec::new(),
        }
    }

    /// What was counted of makers: their share, their customs and their models.
    fn add_counted(&mut self, counted: &BTreeMap<[u8; 3], vehicles::Maker>) {
        let all: f64 = counted.values().map(vehicles::Maker::vehicles).sum();
        for maker in &mut self.makers {
            maker.chance *= 1.0 - COUNTED_SHARE;
        }
        for (&code, vehicles) in counted {
            let maker = &mut self.makers[at(code)];
            maker.chance += COUNTED_SHARE * vehicles.vehicles() / all;
            let custom = vehicles.custom(self.customs[maker.custom].clone());
            maker.custom = self.customs.len();
            let models: Vec<_> = vehicles.models(&custom).collect();
            self.customs.push(custom);
            self.add_models(code, self.tails.len(), models.iter().enumerate());
            self.tails.extend(models.into_iter().map(|(.., tail)| tail));
        }
    }

    /// The models of makers of one company that another maker of it was not counted with.
    fn add_siblings(&mut self, counted: &BTreeMap<[u8; 3], vehicles::Maker>) {
        let codes = rules::codes();
        for ([a, b], company) in vehicles::companies(counted) {
            let region = &self.customs[rules::custom_of(ALPHABET[usize::from(a)])];
            let models: Vec<_> = company.of_a_sibling(region).collect();
            for code in (0..CHARACTERS as u8).map(|c| [a, b, c]) {
                let counted = counted.get(&code);
                if counted.is_none() && !codes.contains(&code) {
                    continue;
                }
                let is_own = |model| counted.is_some_and(|counted| counted.makes(model));
                let models = models.iter().enumerate();
                let others = models.filter(|(_, (model, ..))| !is_own(model));
                self.add_models(code, self.tails.len(), others);
            }
            self.tails.extend(models.into_iter().map(|(.., tail)| tail));
        }
    }

    /// Gives models their shares of the vehicles of a maker that are of no known model yet. `tails`: where their tails will be.
    fn add_models<'a>(
        &mut self,
        code: [u8; 3],
        tails: usize,
        models: impl Iterator<Item = (usize, &'a (vehicles::Descriptors, f64, Tail))>,
    ) {
        let maker = &mut self.makers[at(code)];
        let all = maker.chance;
        for (i, (descriptors, share, _)) in models {
            let mut characters = [0; KNOWN];
            characters[..3].copy_from_slice(&code);
            characters[3..].copy_from_slice(descriptors);
            maker.chance -= all * share;
            self.models.push(Model {
                characters,
                chance: all * share,
                tail: tails + i,
                custom: maker.custom,
            });
        }
    }

    /// The maker of the first three characters.
    pub fn maker(&self, code: [u8; 3]) -> Maker {
        self.makers[at(code)]
    }
}

/// Index into [`Priors::makers`].
fn at([a, b, c]: [u8; 3]) -> usize {
    (usize::from(a) * CHARACTERS + usize::from(b)) * CHARACTERS + usize::from(c)
}

/// The check character of a remainder, as an index into the alphabet.
pub(super) fn check_character(remainder: usize) -> usize {
    usize::from(CHECK_CHARACTERS[remainder])
}

/// The prior of one VIN, as the formula at the top says it: what [`super::posterior`] is tested against.
#[cfg(test)]
pub(super) fn prior(vin: &[u8; LENGTH]) -> f64 {
    use crate::vin::{PLACE_OF_CHECK_DIGIT as NINTH, VALUES, WEIGHTS};
    let at = |place: usize| usize::from(vin[place]);
    let maker = PRIORS.maker([vin[0], vin[1], vin[2]]);
    let custom = &PRIORS.customs[maker.custom];
    let by_custom = |places: &[usize]| -> f64 {
        places
            .iter()
            .map(|&place| custom.places[place][at(place)])
            .product()
    };
    let unknown = maker.chance * by_custom(&[3, 4, 5, 6, 7]) * by_custom(&TAIL);
    let known = PRIORS
        .models
        .iter()
        .find(|model| model.characters == vin[..KNOWN])
        .map_or(0.0, |model| {
            let tail = &PRIORS.tails[model.tail];
            model.chance * tail[0][at(TAIL[0])] * tail[1][at(TAIL[1])]
        });
    let serial = by_custom(&[11, 12, 13, 14, 15, 16]);
    let remainder = (0..LENGTH)
        .map(|i| usize::from(VALUES[at(i)]) * usize::from(WEIGHTS[i]))
        .sum::<usize>()
        % 11;
    let computed = if at(NINTH) == check_character(remainder) {
        custom.check
    } else {
        0.0
    };
    (unknown + known) * serial * (computed + (1.0 - custom.check) * custom.filler[at(NINTH)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chances_add_up_to_one() {
        let one = |chances: &[f64]| (chances.iter().sum::<f64>() - 1.0).abs() < 1e-9;
        let unknown: f64 = PRIORS.makers.iter().map(|maker| maker.chance).sum();
        let known: f64 = PRIORS.models.iter().map(|model| model.chance).sum();
        assert!((unknown + known - 1.0).abs() < 1e-9, "{unknown} {known}");
        for custom in &PRIORS.customs {
            assert!(one(&custom.filler));
            assert!(custom.places.iter().all(|place| one(place)));
        }
        for tail in &PRIORS.tails {
            assert!(tail.iter().all(|place| one(place)));
        }
    }

    #[test]
    fn nothing_is_impossible() {
        assert!(PRIORS.makers.iter().all(|maker| maker.chance > 0.0));
        assert!(PRIORS.customs.iter().all(|custom| {
            custom
                .places
                .iter()
                .flatten()
                .chain(&custom.filler)
                .all(|&p| p > 0.0)
                && custom.check > 0.0
                && custom.check < 1.0
        }));
    }

    #[test]
    fn models_are_in_order() {
        assert!(
            PRIORS
                .models
                .is_sorted_by(|a, b| a.characters < b.characters)
        );
    }
}
