//! What vehicles were counted: `models/vehicles.tsv`.

use std::collections::BTreeMap;

use super::{CHARACTERS, Custom, KNOWN, Manner, Ninth, TAIL, Tail};
use crate::vin::{PLACE_OF_CHECK_DIGIT as NINTH, index_of};

/// Places of a VIN that are counted.
const COUNTED: usize = 11;

/// Vehicles' worth of the region's custom that is mixed into a maker's own. Of 1, 2, 3, 5 and 8 the one with the best
/// likelihood when every training vehicle is left out in turn.
const OF_THE_REGION: f64 = 3.0;
/// The same for the chance that the check digit is computed: makers do it always or hardly ever.
const OF_THE_REGION_CHECK: f64 = 1.0;
/// No maker is known to do it always, or never.
const CHECK: (f64, f64) = (0.01, 0.99);
/// What is taken from the count of every known model and given to those that nobody has counted (absolute discounting; of
/// 0.5, 0.7 and 0.85 the best as above), and what these have beforehand.
const DISCOUNT: f64 = 0.7;
const NEVER_COUNTED: f64 = 0.5;

/// Share of these, and of makers of whom none was counted, that goes to what was counted of others with the same first two
/// characters: brands and branches of one company (of 0, 0.02, 0.05 and 0.1 the best for the tuning vehicles; to those trained
/// on it makes no difference).
const OF_SIBLINGS: f64 = 0.02;
/// Vehicles' worth of the maker's or region's custom that is mixed into the years, plants and ninth places of a model (of 0.5, 1 and 2
/// the best as above; of place 9 alone, natural logarithm of its likelihood: by maker -0.97, by model -0.70).
const OF_THE_MAKER: f64 = 1.0;

/// The counted vehicles of one maker.
pub(super) struct Maker {
    vehicles: f64,
    computed: f64,
    models: Models,
    places: [[f64; CHARACTERS]; COUNTED],
}

/// Places 4 to 8.
pub(super) type Descriptors = [u8; KNOWN - 3];

/// What was counted of each model.
#[derive(Default)]
pub(super) struct Models(BTreeMap<Descriptors, Counted>);

/// What was counted of one model.
struct Counted {
    vehicles: f64,
    /// With the computed check digit.
    computed: f64,
    /// In place 9.
    ninth: [f64; CHARACTERS],
    /// In places 10 and 11.
    tail: Tail,
}

impl Counted {
    const NONE: Self = Self {
        vehicles: 0.0,
        computed: 0.0,
        ninth: [0.0; CHARACTERS],
        tail: [[0.0; CHARACTERS]; 2],
    };

    fn add(&mut self, other: &Self) {
        self.vehicles += other.vehicles;
        self.computed += other.computed;
        let places = |counted: &Self| [counted.ninth, counted.tail[0], counted.tail[1]];
        let mut sums = places(self);
        for (sum, count) in sums
            .as_flattened_mut()
            .iter_mut()
            .zip(places(other).as_flattened())
        {
            *sum += count;
        }
        let [ninth, years, plants] = sums;
        (self.ninth, self.tail) = (ninth, [years, plants]);
    }

    /// How it uses its places, given how the maker or the region does.
    fn manner_within(&self, custom: &Custom) -> Manner {
        let mixed = |count: f64, chance: f64| {
            (count + OF_THE_MAKER * chance) / (self.vehicles + OF_THE_MAKER)
        };
        let place = |counts: &[f64; CHARACTERS], chances: &[f64; CHARACTERS]| {
            std::array::from_fn(|c| mixed(counts[c], chances[c]))
        };
        Manner {
            ninth: Ninth {
                check: mixed(self.computed, custom.ninth.check),
                filler: place(&self.ninth, &custom.ninth.filler),
            },
            tail: std::array::from_fn(|i| place(&self.tail[i], &custom.places[TAIL[i]])),
        }
    }
}

/// All that were counted, by the first three characters.
pub(super) fn makers() -> BTreeMap<[u8; 3], Maker> {
    let mut makers = BTreeMap::<_, Maker>::new();
    for (characters, vehicles, computed) in rows() {
        let [a, b, c, model @ .., ninth, year, plant] = characters;
        let maker = makers.entry([a, b, c]).or_insert(Maker {
            vehicles: 0.0,
            computed: 0.0,
            models: Models::default(),
            places: [[0.0; CHARACTERS]; COUNTED],
        });
        maker.vehicles += vehicles;
        maker.computed += computed;
        let counted = maker.models.0.entry(model).or_insert(Counted::NONE);
        counted.vehicles += vehicles;
        counted.computed += computed;
        counted.ninth[usize::from(ninth)] += vehicles;
        for (place, character) in counted.tail.iter_mut().zip([year, plant]) {
            place[usize::from(character)] += vehicles;
        }
        for (place, character) in maker.places.iter_mut().zip(characters) {
            place[usize::from(character)] += vehicles;
        }
    }
    makers
}

/// What was counted of all makers with the same first two characters.
pub(super) fn companies(makers: &BTreeMap<[u8; 3], Maker>) -> BTreeMap<[u8; 2], Models> {
    let mut companies = BTreeMap::<_, Models>::new();
    for ([a, b, _], maker) in makers {
        let company = companies.entry([*a, *b]).or_default();
        for (model, counted) in &maker.models.0 {
            let sum = company.0.entry(*model).or_insert(Counted::NONE);
            sum.add(counted);
        }
    }
    companies
}

/// First characters, vehicles, and how many of these have the computed check digit.
fn rows() -> impl Iterator<Item = ([u8; COUNTED], f64, f64)> {
    include_str!("../../../models/vehicles.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let mut fields = line.split('\t');
            let mut characters = [0; COUNTED];
            let text = fields.next()?;
            for (character, byte) in characters.iter_mut().zip(text.bytes()) {
                *character = index_of(byte)? as u8;
            }
            let vehicles = fields.next()?.parse().ok()?;
            let computed = fields.next()?.parse().ok()?;
            (text.len() == COUNTED).then_some((characters, vehicles, computed))
        })
}

impl Maker {
    /// How many were counted.
    pub fn vehicles(&self) -> f64 {
        self.vehicles
    }

    /// The models with their chances among this maker's vehicles, what is missing to 1 being the chance of any other, and their
    /// manners.
    pub fn models(&self, custom: &Custom) -> impl Iterator<Item = (Descriptors, f64, Manner)> {
        let all = self.vehicles + NEVER_COUNTED;
        self.models.0.iter().map(move |(&model, counted)| {
            let chance = (counted.vehicles - DISCOUNT) / all;
            (model, chance, counted.manner_within(custom))
        })
    }

    /// Whether it was counted with a model.
    pub fn makes(&self, model: &Descriptors) -> bool {
        self.models.0.contains_key(model)
    }

    /// How this maker uses the places, given how its region does.
    pub fn custom(&self, mut region: Custom) -> Custom {
        let mixed = |chances: &mut [f64; CHARACTERS], counts: &[f64; CHARACTERS]| {
            for (chance, count) in chances.iter_mut().zip(counts) {
                *chance = (count + OF_THE_REGION * *chance) / (self.vehicles + OF_THE_REGION);
            }
        };
        for (place, counts) in self.places.iter().enumerate().skip(3) {
            if place == NINTH {
                mixed(&mut region.ninth.filler, counts);
            } else {
                mixed(&mut region.places[place], counts);
            }
        }
        let check = (self.computed + OF_THE_REGION_CHECK * region.ninth.check)
            / (self.vehicles + OF_THE_REGION_CHECK);
        region.ninth.check = check.clamp(CHECK.0, CHECK.1);
        region
    }
}

impl Models {
    /// The models with their chances among the vehicles of another maker of the company that nobody has counted, and their manners.
    pub fn of_a_sibling(
        &self,
        region: &Custom,
    ) -> impl Iterator<Item = (Descriptors, f64, Manner)> {
        let all: f64 = self.0.values().map(|counted| counted.vehicles).sum();
        self.0.iter().map(move |(&model, counted)| {
            let chance = OF_SIBLINGS * counted.vehicles / all;
            (model, chance, counted.manner_within(region))
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_row_of_the_table_is_understood() {
        let table = include_str!("../../../models/vehicles.tsv");
        let lines = table.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(rows().count(), lines);
        assert!(rows().all(|(_, vehicles, computed)| vehicles >= 1.0 && computed <= vehicles));
    }

    #[test]
    fn models_leave_room_for_others() {
        for maker in makers().values() {
            let region = crate::reader::priors::rules::customs()[0].clone();
            let known: f64 = maker.models(&region).map(|(_, chance, _)| chance).sum();
            assert!(known > 0.0 && known < 1.0 - NEVER_COUNTED / (maker.vehicles + 1.0));
        }
    }
}
