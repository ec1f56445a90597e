//! What one custom weighs: all VINs of the makers and models that follow it, counted once each by the remainder of their check sum,
//! and the best of them.

use std::ops::Range;

use super::KEPT;
use crate::reader::priors::{
    CHARACTERS, Custom, KNOWN, Model, Ninth, PRIORS, Places, REMAINDERS, SERIAL, TAIL, Tail,
    check_character, remainder, step,
};
use crate::vin::{LENGTH, PLACE_OF_CHECK_DIGIT as NINTH};

/// Characters of a VIN as indices into the alphabet.
pub(super) type Indices = [u8; LENGTH];
/// The best partial VINs, best first.
type Best = heapless::Vec<(f64, Indices), KEPT>;
/// The best VINs of all customs, best first: more than are kept, as one that comes about in many ways may be the best though none of
/// these is.
pub(super) type Found = heapless::Vec<(f64, Indices), { 8 * KEPT }>;
/// A weight for each remainder.
type Remainders = [f64; REMAINDERS];

/// Puts an entry where it belongs among the best, if it does.
fn keep<const MOST: usize>(
    best: &mut heapless::Vec<(f64, Indices), MOST>,
    weight: f64,
    vin: impl FnOnce() -> Indices,
) {
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

/// A known model in the light of the pixels.
pub(super) struct Seen<'a> {
    pub model: &'a Model,
    /// Of its eight places, times its chance.
    beginning: f64,
    /// The first three places, times the chance of their maker without a known model.
    maker: f64,
    manner: &'a SeenManner,
}

/// Place 9, years and plants of a model in the light of the pixels.
pub(super) struct SeenManner {
    ninth: SeenNinth,
    tail: Tail,
    /// All years and plants together.
    total: f64,
}

/// Place 9 in the light of the pixels.
#[derive(Clone)]
struct SeenNinth {
    /// Chance that it is computed.
    check: f64,
    /// Pixels times prior of each character where it is not.
    free: [f64; CHARACTERS],
    /// No VIN weighs more here.
    most: f64,
}

impl SeenNinth {
    fn new(pixels: &[f64; CHARACTERS], ninth: &Ninth) -> Self {
        let check = ninth.check;
        let free = times(pixels, &ninth.filler).map(|weight| (1.0 - check) * weight);
        let most = pixels.iter().zip(free).map(|(p, free)| check * p + free);
        Self {
            check,
            free,
            most: most.fold(0.0, f64::max),
        }
    }

    fn all_free(&self) -> f64 {
        self.free.iter().sum()
    }

    /// In shares of the most.
    fn by_the_most(self) -> Self {
        Self {
            check: self.check / self.most,
            free: self.free.map(|weight| weight / self.most),
            most: 1.0,
        }
    }
}

impl Seen<'_> {
    /// Pixels times prior of its places, all years and plants together.
    pub fn weight(&self) -> f64 {
        self.beginning * self.manner.total
    }
}

pub(super) fn manners_seen(pixels: &Places) -> Vec<SeenManner> {
    let manners = PRIORS.manners.iter().map(|manner| {
        let tail: Tail = std::array::from_fn(|i| times(&pixels[TAIL[i]], &manner.tail[i]));
        let [years, plants] = tail.map(|place| place.iter().sum::<f64>());
        SeenManner {
            ninth: SeenNinth::new(&pixels[NINTH], &manner.ninth),
            tail,
            total: years * plants,
        }
    });
    manners.collect()
}

pub(super) fn models_seen<'a>(pixels: &Places, manners: &'a [SeenManner]) -> Vec<Seen<'a>> {
    let models = PRIORS.models.iter().map(|model| {
        let [a, b, c, ..] = model.characters;
        let seen = |places: Range<usize>| -> f64 {
            places
                .map(|place| pixels[place][usize::from(model.characters[place])])
                .product()
        };
        Seen {
            model,
            beginning: seen(0..KNOWN) * model.chance,
            maker: seen(0..3) * PRIORS.maker([a, b, c]).chance,
            manner: &manners[model.manner],
        }
    });
    models.collect()
}

fn times(one: &[f64; CHARACTERS], other: &[f64; CHARACTERS]) -> [f64; CHARACTERS] {
    std::array::from_fn(|c| one[c] * other[c])
}

/// One custom: the makers and models that follow it, and places 4 to 17.
pub(super) struct Sums {
    /// Place 9 of what is of no known model.
    ninth: SeenNinth,
    /// Pixels alone in place 9.
    ninth_pixels: [f64; CHARACTERS],
    /// Pixels times prior; the first three places and place 9 are not used.
    weights: Places,
    /// All ways to go on after a maker up to place 11, but for place 9.
    pub until_serial: f64,
    /// The same to the end, with an uncomputed place 9.
    free: f64,
    /// The same after place 11.
    serial: f64,
    /// All ways to go on from a place with a remainder to a computed place 9.
    backward: [Remainders; LENGTH + 1],
    /// Up to place 3.
    makers: Beginnings,
    /// Up to place 11, times the chance that place 9 is computed.
    models: Beginnings,
    /// Up to place 11, with an uncomputed place 9.
    models_free: f64,
    /// All VINs.
    pub total: f64,
}

impl Sums {
    pub fn new(pixels: &Places, custom: &Custom) -> Self {
        let mut weights = [[0.0; CHARACTERS]; LENGTH];
        for place in 3..LENGTH {
            weights[place] = times(&pixels[place], &custom.places[place]);
        }
        let all = |places: &[[f64; CHARACTERS]]| -> f64 {
            places
                .iter()
                .map(|place| place.iter().sum::<f64>())
                .product()
        };
        let ninth = SeenNinth::new(&pixels[NINTH], &custom.ninth);
        let serial = all(&weights[SERIAL..]);
        let until_serial = all(&weights[3..KNOWN]) * all(&weights[TAIL[0]..SERIAL]);

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
            until_serial,
            free: until_serial * ninth.all_free() * serial,
            ninth,
            ninth_pixels: pixels[NINTH],
            weights,
            serial,
            backward,
            makers: Beginnings::default(),
            models: Beginnings::default(),
            models_free: 0.0,
            total: 0.0,
        }
    }

    /// Adds all VINs that begin with a maker and are of no known model; how much they weigh.
    pub fn add_maker(&mut self, code: [u8; 3], weight: f64) -> f64 {
        let remainder = remainder(&code);
        self.makers.weights[remainder] += weight;
        keep(&mut self.makers.best[remainder], weight, || {
            let mut vin = [0; LENGTH];
            vin[..3].copy_from_slice(&code);
            vin
        });
        let total = weight * (self.free + self.ninth.check * self.backward[3][remainder]);
        self.total += total;
        total
    }

    /// Adds all VINs of a model, and what they weigh to the places of its manner (place 9 where it is not computed); how much
    /// all weigh. What has less than `least` is no candidate.
    pub fn add_model(&mut self, seen: &Seen, least: f64, places: &mut Places) -> f64 {
        let start = remainder(&seen.model.characters);
        let SeenManner { ninth, tail, .. } = seen.manner;
        let steps: [Remainders; 2] = std::array::from_fn(|i| by_step(TAIL[i], &tail[i]));
        let all_free = ninth.all_free();
        let mut total = 0.0;
        for (i, place) in TAIL.into_iter().enumerate() {
            let other = &steps[1 - i];
            // What follows a character of this place that adds so much, whatever stands in the other.
            let free = other.iter().sum::<f64>() * all_free * self.serial;
            let around: Remainders = std::array::from_fn(|by| {
                let checked: f64 = (0..REMAINDERS)
                    .map(|also| {
                        other[also] * self.backward[SERIAL][(start + by + also) % REMAINDERS]
                    })
                    .sum();
                free + ninth.check * checked
            });
            total = 0.0;
            for (character, weight) in tail[i].iter().enumerate() {
                let weight = seen.beginning * weight * around[step(place, character)];
                places[place][character] += weight;
                total += weight;
            }
        }
        for (by, weight) in steps[0].iter().enumerate() {
            for (also, other) in steps[1].iter().enumerate() {
                self.models.weights[(start + by + also) % REMAINDERS] +=
                    seen.beginning * weight * other * ninth.check;
            }
        }
        self.models_free += seen.weight() * all_free;
        for (sum, weight) in places[NINTH].iter_mut().zip(ninth.free) {
            *sum += seen.weight() * weight * self.serial;
        }
        self.keep_best_of(seen, start, least);
        self.total += total;
        total
    }

    /// Puts a model's likeliest years and plants among the best, each with what it weighs without the model as well, as if place 9
    /// weighed the most.
    fn keep_best_of(&mut self, seen: &Seen, start: usize, least: f64) {
        let by_chance: f64 = (3..KNOWN)
            .map(|place| self.weights[place][usize::from(seen.model.characters[place])])
            .product();
        let [years, plants] = TAIL.map(|place| &self.weights[place]);
        let SeenManner { ninth, tail, .. } = seen.manner;
        let likeliest = tail[1].iter().copied().fold(0.0, f64::max);
        for (year, of_year) in tail[0].iter().enumerate() {
            if seen.beginning * of_year * likeliest < least {
                continue;
            }
            for (plant, of_plant) in tail[1].iter().enumerate() {
                let otherwise = seen.maker * by_chance * years[year] * plants[plant];
                let weight = (seen.beginning * of_year * of_plant + otherwise) * ninth.most;
                let after = start + step(TAIL[0], year) + step(TAIL[1], plant);
                keep(&mut self.models.best[after % REMAINDERS], weight, || {
                    let mut vin = [0; LENGTH];
                    vin[..KNOWN].copy_from_slice(&seen.model.characters);
                    vin[TAIL[0]] = year as u8;
                    vin[TAIL[1]] = plant as u8;
                    vin
                });
            }
        }
    }

    /// Adds, for places 4 to 17, the weight of all VINs with each character there; not what [`Self::add_model`] has added.
    pub fn add_marginals(&self, places: &mut Places) {
        let mut free = self.makers.weights.iter().sum::<f64>() * self.free;
        let mut forward = self.makers.weights.map(|weight| self.ninth.check * weight);
        // Place 9 after the tail: models come in between.
        let until_model = (3..KNOWN).chain(TAIL);
        for place in until_model.chain([NINTH]).chain(SERIAL..LENGTH) {
            let weights = if place == NINTH {
                &self.ninth.free
            } else {
                &self.weights[place]
            };
            let all: f64 = weights.iter().sum();
            for (sum, weight) in places[place].iter_mut().zip(weights) {
                *sum += free * weight / all;
            }
            if place == NINTH {
                free += self.models_free * self.serial;
                for (all, weight) in forward.iter_mut().zip(self.models.weights) {
                    *all += weight;
                }
                continue;
            }
            // All characters with the same step share what goes before and comes after.
            let around: Remainders = std::array::from_fn(|by| {
                (0..REMAINDERS)
                    .map(|r| forward[r] * self.backward[place + 1][(r + by) % REMAINDERS])
                    .sum()
            });
            for (character, sum) in places[place].iter_mut().enumerate() {
                *sum += weights[character] * around[step(place, character)];
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
            places[NINTH][computed] += weight * self.ninth_pixels[computed];
        }
    }

    /// Adds the best VINs.
    pub fn add_best(&self, best: &mut Found) {
        let models = self.longer(&self.models.best, SERIAL..LENGTH);
        self.close(&models, best, |vin| {
            let manner = PRIORS.model(vin).map(|model| &PRIORS.manners[model.manner]);
            let seen = manner.map(|manner| SeenNinth::new(&self.ninth_pixels, &manner.ninth));
            // The lists have them as if place 9 weighed the most.
            seen.map_or_else(|| self.ninth.clone(), |seen| seen.by_the_most())
        });
        let until_end = (3..KNOWN).chain(TAIL).chain(SERIAL..LENGTH);
        let makers = self.longer(&self.makers.best, until_end);
        self.close(&makers, best, |_| self.ninth.clone());
    }

    /// The best of each remainder with some places more.
    fn longer(
        &self,
        best: &[Best; REMAINDERS],
        places: impl Iterator<Item = usize>,
    ) -> [Best; REMAINDERS] {
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

    /// Fills place 9 in all ways, computed or not, as seen for each.
    fn close(
        &self,
        partial: &[Best; REMAINDERS],
        best: &mut Found,
        ninth: impl Fn(&Indices) -> SeenNinth,
    ) {
        for (remainder, list) in partial.iter().enumerate() {
            let computed = check_character(remainder);
            for (weight, vin) in list {
                let seen = ninth(vin);
                for character in 0..CHARACTERS {
                    let check = if character == computed {
                        seen.check * self.ninth_pixels[character]
                    } else {
                        0.0
                    };
                    let mut vin = *vin;
                    vin[NINTH] = character as u8;
                    let weight = weight * (check + seen.free[character]);
                    let other = best.iter().position(|(_, known)| *known == vin);
                    if other.is_none_or(|index| best[index].0 < weight) {
                        other.map(|index| best.remove(index));
                        keep(best, weight, || vin);
                    }
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
