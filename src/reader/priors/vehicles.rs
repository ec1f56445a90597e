//! What vehicles were counted: `models/vehicles.tsv`.

use std::collections::BTreeMap;

use super::{CHARACTERS, Custom, KNOWN};
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

/// The counted vehicles of one maker.
pub(super) struct Maker {
    vehicles: f64,
    computed: f64,
    /// By the first eight characters.
    models: BTreeMap<[u8; KNOWN], f64>,
    places: [[f64; CHARACTERS]; COUNTED],
}

/// All that were counted, by the first three characters.
pub(super) fn makers() -> BTreeMap<[u8; 3], Maker> {
    let mut makers = BTreeMap::<_, Maker>::new();
    for (characters, vehicles, computed) in rows() {
        let [a, b, c, ..] = characters;
        let maker = makers.entry([a, b, c]).or_insert(Maker {
            vehicles: 0.0,
            computed: 0.0,
            models: BTreeMap::new(),
            places: [[0.0; CHARACTERS]; COUNTED],
        });
        maker.vehicles += vehicles;
        maker.computed += computed;
        let model = std::array::from_fn(|place| characters[place]);
        *maker.models.entry(model).or_default() += vehicles;
        for (place, character) in maker.places.iter_mut().zip(characters) {
            place[usize::from(character)] += vehicles;
        }
    }
    makers
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

    /// The models with their chances among this maker's vehicles; what is missing to 1 is the chance of any other.
    pub fn models(&self) -> impl Iterator<Item = ([u8; KNOWN], f64)> {
        let all = self.vehicles + NEVER_COUNTED;
        self.models
            .iter()
            .map(move |(&model, count)| (model, (count - DISCOUNT) / all))
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
                mixed(&mut region.filler, counts);
            } else {
                mixed(&mut region.places[place], counts);
            }
        }
        let check = (self.computed + OF_THE_REGION_CHECK * region.check)
            / (self.vehicles + OF_THE_REGION_CHECK);
        region.check = check.clamp(CHECK.0, CHECK.1);
        region
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
            let known: f64 = maker.models().map(|(_, chance)| chance).sum();
            assert!(known > 0.0 && known < 1.0 - NEVER_COUNTED / (maker.vehicles + 1.0));
        }
    }
}
