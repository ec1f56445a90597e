//! How probable a VIN is before any picture is seen: rules, which real cars break every one of, and counted vehicles.
//!
//! P(VIN) = P(places 1-8) · P(place 10 … 17 | maker) · P(place 9 | the other places, maker)
//! P(places 1-8) = P(maker) · (P(model | maker) + P(no counted model | maker) · Π P(place 4 … 8 | maker))
//!
//! A model is what stands in places 4 to 8. Place 9 is the computed check digit with the chance `check`, and otherwise drawn
//! from `filler` whatever the other places hold. All factors are normalised, so the whole is.

mod rules;
mod vehicles;

use std::sync::LazyLock;

use crate::vin::{ALPHABET, CHECK_CHARACTERS, LENGTH};

/// Characters of the alphabet.
pub(super) const CHARACTERS: usize = ALPHABET.len();

/// Places of a VIN that a known model takes: maker and descriptors.
pub(super) const KNOWN: usize = 8;

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
}

pub(super) static PRIORS: LazyLock<Priors> = LazyLock::new(Priors::new);

impl Priors {
    fn new() -> Self {
        let mut customs = rules::customs().to_vec();
        let mut makers: Vec<Maker> = rules::makers()
            .into_iter()
            .enumerate()
            .map(|(at, chance)| Maker {
                chance: chance * (1.0 - COUNTED_SHARE),
                custom: rules::custom_of(ALPHABET[at / CHARACTERS.pow(2)]),
            })
            .collect();
        let counted = vehicles::makers();
        let all: f64 = counted.values().map(vehicles::Maker::vehicles).sum();
        let mut models = Vec::new();
        for (code, vehicles) in counted {
            let maker = &mut makers[at(code)];
            let of_all = maker.chance + COUNTED_SHARE * vehicles.vehicles() / all;
            customs.push(vehicles.custom(customs[maker.custom].clone()));
            maker.custom = customs.len() - 1;
            maker.chance = of_all;
            for (characters, share) in vehicles.models() {
                maker.chance -= of_all * share;
                models.push(Model {
                    characters,
                    chance: of_all * share,
                    custom: maker.custom,
                });
            }
        }
        Self {
            customs,
            makers,
            models,
        }
    }

    /// The maker of the first three characters.
    pub fn maker(&self, code: [u8; 3]) -> Maker {
        self.makers[at(code)]
    }

    /// Whether a VIN begins with a known model.
    pub fn knows(&self, vin: &[u8; LENGTH]) -> bool {
        self.models
            .binary_search_by(|model| model.characters[..].cmp(&vin[..KNOWN]))
            .is_ok()
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
    let unknown: f64 = (3..KNOWN)
        .map(|place| custom.places[place][at(place)])
        .product();
    let model = PRIORS
        .models
        .iter()
        .find(|model| model.characters == vin[..KNOWN]);
    let beginning = maker.chance * unknown + model.map_or(0.0, |model| model.chance);
    let tail: f64 = (NINTH + 1..LENGTH)
        .map(|place| custom.places[place][at(place)])
        .product();
    let remainder = (0..LENGTH)
        .map(|i| usize::from(VALUES[at(i)]) * usize::from(WEIGHTS[i]))
        .sum::<usize>()
        % 11;
    let computed = if at(NINTH) == check_character(remainder) {
        custom.check
    } else {
        0.0
    };
    beginning * tail * (computed + (1.0 - custom.check) * custom.filler[at(NINTH)])
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
