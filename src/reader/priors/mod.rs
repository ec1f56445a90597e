//! How probable a VIN is before any picture is seen: rules, which real cars break every one of, and counted vehicles.
//!
//! P(VIN) = P(places 1-8, 10, 11) · Π P(place 12 … 17 | maker) · P(place 9 | the other places, known model or maker)
//! P(places 1-8, 10, 11) = P(maker) · (P(model | maker) · P(place 10 | model) · P(place 11 | model)
//!                                   + P(no known model | maker) · Π P(place 4 … 8, 10, 11 | maker))
//!
//! A model is what stands in places 4 to 8; a maker's known models are those that were counted, and a little those of its
//! siblings. A maker's other vehicles are drawn from what it has registered in North America, the more probably if it is at home there,
//! or from its custom; what a counted maker's are like, from its own, or now and then from its region's: in another
//! market the same maker fills its places in another way. Place 9 is the computed check digit with the chance `check`, and otherwise drawn
//! from `filler` whatever the other places hold: a maker computes it for the models of one market and fills in a Z for those of
//! another. All factors are normalised, so the whole is.

mod registered;
mod rules;
mod vehicles;

use std::collections::BTreeMap;
use std::sync::LazyLock;

pub(super) use registered::{Registered, Registrant};

use crate::vin::{
    ALPHABET, CHECK_CHARACTERS, LENGTH, Market, PLACE_OF_CHECK_DIGIT as NINTH, VALUES, WEIGHTS,
};

/// Characters of the alphabet.
pub(super) const CHARACTERS: usize = ALPHABET.len();

/// Places of a VIN that a known model takes: maker and descriptors.
pub(super) const KNOWN: usize = 8;

/// Places, counted from 0, in which a known model has its own years and plants.
pub(super) const TAIL: [usize; 2] = [9, 10];

/// The first place, counted from 0, that is the same for all models of a maker.
pub(super) const SERIAL: usize = TAIL[1] + 1;

/// Chance of each character in places 10 and 11.
pub(super) type Tail = [[f64; CHARACTERS]; 2];

/// Something for each character in each place.
pub(super) type Places = [[f64; CHARACTERS]; LENGTH];

/// Half of the chance of a maker is by the rules, half by how many of its vehicles were counted: where a station stands
/// matters, but nobody has counted there.
const COUNTED_SHARE: f64 = 0.5;

/// Share of a counted maker's vehicles of no known model that follow its region's custom instead of its own (of 0, 0.01, 0.03
/// and 0.1 the best when every vehicle counted is left out in turn).
const STRANGERS: f64 = 0.03;

/// Share of a maker's vehicles of no known model that are as it has registered them in North America, if it is at home there, and if it
/// is not. Of 0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8 and 0.9 the former is the best for `vin_vectors.tsv`, and the latter the best but one for
/// vehicles photographed elsewhere.
const REGISTERED: (f64, f64) = (0.8, 0.2);

/// What stands in place 9.
#[derive(Clone)]
pub(super) struct Ninth {
    /// Chance that it is computed.
    pub check: f64,
    /// Chance of each character where it is not.
    pub filler: [f64; CHARACTERS],
}

/// How a maker uses the places.
#[derive(Clone)]
pub(super) struct Custom {
    pub ninth: Ninth,
    /// Chance of each character in each place; the first three and place 9 are not used.
    pub places: Places,
}

/// The first three characters.
#[derive(Clone, Copy)]
pub(super) struct Maker {
    /// Of this maker and no known model, by its custom.
    pub chance: f64,
    /// Index into [`Priors::customs`].
    pub custom: usize,
}

/// The first three characters of what does not do as its maker does.
pub(super) struct Stranger {
    pub code: [u8; 3],
    pub chance: f64,
    /// Index into [`Priors::customs`].
    pub custom: usize,
}

/// How a model uses places 9 to 11.
pub(super) struct Manner {
    pub ninth: Ninth,
    pub tail: Tail,
}

/// The first eight characters, as indices into the alphabet.
pub(super) struct Model {
    pub characters: [u8; KNOWN],
    /// That these are drawn as a known model.
    pub chance: f64,
    /// Index into [`Priors::manners`].
    pub manner: usize,
    /// Index into [`Priors::customs`].
    pub custom: usize,
}

/// All that is known beforehand.
pub(super) struct Priors {
    pub customs: Vec<Custom>,
    /// Index (a · 33 + b) · 33 + c.
    pub makers: Vec<Maker>,
    pub strangers: Vec<Stranger>,
    /// In the order of their codes.
    pub registered: Vec<Registrant>,
    /// In the order of their characters.
    pub models: Vec<Model>,
    pub manners: Vec<Manner>,
}

pub(super) static PRIORS: LazyLock<Priors> = LazyLock::new(Priors::new);

impl Priors {
    fn new() -> Self {
        let mut priors = Self::by_rules();
        let counted = vehicles::makers();
        priors.add_counted(&counted);
        priors.add_siblings(&counted);
        priors.add_registered();
        priors.add_strangers(&counted);
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
            strangers: Vec::new(),
            registered: Vec::new(),
            models: Vec::new(),
            manners: Vec::new(),
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
            self.add_models(code, self.manners.len(), models.iter().enumerate());
            self.manners
                .extend(models.into_iter().map(|(.., manner)| manner));
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
                self.add_models(code, self.manners.len(), others);
            }
            self.manners
                .extend(models.into_iter().map(|(.., manner)| manner));
        }
    }

    fn add_registered(&mut self) {
        let share = |code| {
            if is_north_american(code) {
                REGISTERED.0
            } else {
                REGISTERED.1
            }
        };
        self.registered =
            registered::registrants(|code| share(code) * self.makers[at(code)].chance);
        for registrant in &self.registered {
            self.makers[at(registrant.code)].chance *= 1.0 - share(registrant.code);
        }
    }

    fn add_strangers(&mut self, counted: &BTreeMap<[u8; 3], vehicles::Maker>) {
        for &code in counted.keys() {
            let maker = &mut self.makers[at(code)];
            self.strangers.push(Stranger {
                code,
                chance: maker.chance * STRANGERS,
                custom: rules::custom_of(ALPHABET[usize::from(code[0])]),
            });
            maker.chance *= 1.0 - STRANGERS;
        }
    }

    /// Gives models their shares of the vehicles of a maker that are of no known model yet. `manners`: where theirs will be.
    fn add_models<'a>(
        &mut self,
        code: [u8; 3],
        manners: usize,
        models: impl Iterator<Item = (usize, &'a (vehicles::Descriptors, f64, Manner))>,
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
                manner: manners + i,
                custom: maker.custom,
            });
        }
    }

    /// How what is registered uses the places: those that nothing registered tells of as in North America.
    pub fn custom_of(&self, code: [u8; 3], row: &Registered) -> Custom {
        let region = &self.customs[rules::custom_of(b'1')];
        Custom {
            ninth: self.ninth_of(code),
            places: row.places_within(&region.places),
        }
    }

    /// Place 9 of what is registered. Half of what looks so is sold elsewhere, and done as the maker does there, if it is not at home in
    /// North America.
    fn ninth_of(&self, code: [u8; 3]) -> Ninth {
        let region = &self.customs[rules::custom_of(b'1')].ninth;
        if is_north_american(code) {
            return region.clone();
        }
        region.or(&self.customs[self.maker(code).custom].ninth)
    }

    /// The maker of the first three characters.
    pub fn maker(&self, code: [u8; 3]) -> Maker {
        self.makers[at(code)]
    }

    /// The known model that a VIN may be of.
    pub fn model(&self, vin: &[u8; LENGTH]) -> Option<&Model> {
        let found = self
            .models
            .binary_search_by(|model| model.characters[..].cmp(&vin[..KNOWN]));
        found.ok().map(|index| &self.models[index])
    }

    /// The prior of one VIN, as the formula at the top says it.
    pub fn chance(&self, vin: &[u8; LENGTH]) -> f64 {
        let code = [vin[0], vin[1], vin[2]];
        let maker = self.maker(code);
        let own = &self.customs[maker.custom];
        let serial = own.product(vin, SERIAL..LENGTH);
        let places = own.product(vin, (3..KNOWN).chain(TAIL));
        let unknown = maker.chance * places * own.ninth.chance(vin);
        let known = self.model(vin).map_or(0.0, |model| {
            let manner = &self.manners[model.manner];
            let tail = manner.tail.iter().zip(TAIL);
            let tail = tail.map(|(chances, place)| chances[usize::from(vin[place])]);
            model.chance * tail.product::<f64>() * manner.ninth.chance(vin)
        });
        let region = &self.customs[rules::custom_of(b'1')];
        let found = self.registered.binary_search_by_key(&code, |of| of.code);
        let registered = found.map_or(0.0, |index| {
            let Registrant { chance, rows, .. } = &self.registered[index];
            chance * rows.iter().map(|row| row.chance_of(vin)).sum::<f64>()
        });
        let registered =
            registered * region.product(vin, SERIAL..LENGTH) * self.ninth_of(code).chance(vin);
        let strangers = self.strangers.iter().filter(|other| other.code == code);
        let strange = strangers.map(|other| {
            let custom = &self.customs[other.custom];
            let places = (3..KNOWN).chain(TAIL).chain(SERIAL..LENGTH);
            other.chance * custom.product(vin, places) * custom.ninth.chance(vin)
        });
        (unknown + known) * serial + registered + strange.sum::<f64>()
    }
}

impl Custom {
    /// The chances of what stands in some places.
    fn product(&self, vin: &[u8; LENGTH], places: impl IntoIterator<Item = usize>) -> f64 {
        let places = places.into_iter();
        places
            .map(|place| self.places[place][usize::from(vin[place])])
            .product()
    }
}

impl Ninth {
    /// One of two, each as often as the other.
    fn or(&self, other: &Self) -> Self {
        let check = (self.check + other.check) / 2.0;
        let filler = |c: usize| {
            let of = |ninth: &Self| (1.0 - ninth.check) * ninth.filler[c] / 2.0;
            (of(self) + of(other)) / (1.0 - check)
        };
        Self {
            check,
            filler: std::array::from_fn(filler),
        }
    }

    /// The chance of what stands in place 9, given all others.
    fn chance(&self, vin: &[u8; LENGTH]) -> f64 {
        let ninth = usize::from(vin[NINTH]);
        let computed = if ninth == check_character(remainder(vin)) {
            self.check
        } else {
            0.0
        };
        computed + (1.0 - self.check) * self.filler[ninth]
    }
}

fn is_north_american(code: [u8; 3]) -> bool {
    Market::of(ALPHABET[usize::from(code[0])]) == Market::NorthAmerica
}

/// Index into [`Priors::makers`].
fn at([a, b, c]: [u8; 3]) -> usize {
    (usize::from(a) * CHARACTERS + usize::from(b)) * CHARACTERS + usize::from(c)
}

/// Remainders of the check sum.
pub(super) const REMAINDERS: usize = 11;

/// What a character in a place adds to the check sum, modulo 11.
pub(super) fn step(place: usize, character: usize) -> usize {
    usize::from(WEIGHTS[place]) * usize::from(VALUES[character]) % REMAINDERS
}

/// The remainder that characters leave from the first place on; place 9 adds nothing.
pub(super) fn remainder(characters: &[u8]) -> usize {
    let steps = characters.iter().enumerate();
    steps.map(|(i, &c)| step(i, usize::from(c))).sum::<usize>() % REMAINDERS
}

/// The check character of a remainder, as an index into the alphabet.
pub(super) fn check_character(remainder: usize) -> usize {
    usize::from(CHECK_CHARACTERS[remainder])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chances_add_up_to_one() {
        let one = |chances: &[f64]| (chances.iter().sum::<f64>() - 1.0).abs() < 1e-9;
        let unknown: f64 = PRIORS.makers.iter().map(|maker| maker.chance).sum();
        let known: f64 = PRIORS.models.iter().map(|model| model.chance).sum();
        let known = known
            + PRIORS
                .strangers
                .iter()
                .map(|other| other.chance)
                .sum::<f64>()
            + PRIORS.registered.iter().map(|of| of.chance).sum::<f64>();
        assert!((unknown + known - 1.0).abs() < 1e-9, "{unknown} {known}");
        for custom in &PRIORS.customs {
            assert!(one(&custom.ninth.filler));
            assert!(custom.places.iter().all(|place| one(place)));
        }
        for manner in &PRIORS.manners {
            assert!(one(&manner.ninth.filler));
            assert!(manner.tail.iter().all(|place| one(place)));
        }
    }

    #[test]
    fn nothing_is_impossible() {
        assert!(PRIORS.makers.iter().all(|maker| maker.chance > 0.0));
        let open = |ninth: &Ninth| {
            ninth.filler.iter().all(|&p| p > 0.0) && ninth.check > 0.0 && ninth.check < 1.0
        };
        assert!(PRIORS.customs.iter().all(|custom| {
            custom.places.iter().flatten().all(|&p| p > 0.0) && open(&custom.ninth)
        }));
        assert!(PRIORS.manners.iter().all(|manner| {
            manner.tail.iter().flatten().all(|&p| p > 0.0) && open(&manner.ninth)
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
