//! What the rules say of every maker: ISO 3779, 49 CFR 565 and GB 16735 as chances.
//!
//! "Measured" means: on the 957 training vehicles of the photographs that the model card credits, mostly of the Russian
//! market, 849 of them from regions that do not ask for the check digit.

use std::collections::BTreeSet;

use super::{CHARACTERS, Custom, Ninth, Places};
use crate::vin::{ALPHABET, Market, country_of, index_of, maker_codes};

/// Share of digits in places 1 to 13; letters share the rest evenly. Measured, rounded; place 13 held no letter, but may
/// (49 CFR 565.15(d)(4) makes it a digit for light vehicles only).
const DIGITS: [f64; 13] = [
    0.5, 0.5, 0.5, 0.25, 0.25, 0.55, 0.65, 0.45, 0.5, 0.4, 0.4, 0.98, 0.998,
];

/// Chance that places 14 to 17 hold what the rules allow, in all markets the same. Measured, they always do; some is left
/// for small makers and old cars.
const TAIL: f64 = 0.9995;

/// Where the check digit is asked for, and elsewhere.
pub(super) fn customs() -> [Custom; 2] {
    [duty(), freedom()]
}

/// The custom of a region, by the character in the first place, as an index into [`customs`].
pub(super) fn custom_of(region: u8) -> usize {
    usize::from(!Market::of(region).asks_for_check_digit())
}

/// North America and China. Of 211 VINs read off such cars by eye all hold the check digit; one in a hundred stays
/// for those that do not.
fn duty() -> Custom {
    let mut places = places();
    let allowed = |place| move |byte| Market::NorthAmerica.allowed(place).contains(byte);
    places[9] = mix(0.997, allowed(10));
    Custom {
        ninth: Ninth {
            check: 0.99,
            filler: mix(0.999, allowed(9)),
        },
        places,
    }
}

/// Everybody else. Measured: 11 % hold it, of which 3 points are luck; the others fill place 9 with Z (25 %), another
/// letter (39 %) or a digit (36 %). U, Z and 0, which are no year, stand in place 10 of 4 %.
fn freedom() -> Custom {
    let mut places = places();
    places[9] = mix(0.95, |byte| Market::NorthAmerica.allowed(10).contains(byte));
    let z = mix(1.0, |byte| byte == b'Z');
    let other = digits_and_letters(0.5);
    Custom {
        ninth: Ninth {
            check: 0.085,
            filler: std::array::from_fn(|c| 0.25 * z[c] + 0.75 * other[c]),
        },
        places,
    }
}

/// Chance of each character in each place, before what the markets ask for in places 9 and 10.
fn places() -> Places {
    std::array::from_fn(|index| match DIGITS.get(index) {
        Some(&share) => digits_and_letters(share),
        None => mix(TAIL, |byte| {
            Market::Elsewhere.allowed(index + 1).contains(byte)
        }),
    })
}

fn digits_and_letters(share: f64) -> [f64; CHARACTERS] {
    mix(share, |byte| byte.is_ascii_digit())
}

/// `share` spread evenly over the characters that qualify, the rest over the others.
fn mix(share: f64, qualifies: impl Fn(u8) -> bool) -> [f64; CHARACTERS] {
    let count = ALPHABET.iter().filter(|&&byte| qualifies(byte)).count() as f64;
    ALPHABET.map(|byte| {
        if qualifies(byte) {
            share / count
        } else {
            (1.0 - share) / (CHARACTERS as f64 - count)
        }
    })
}

/// Chance of the first three characters, index (a · 33 + b) · 33 + c. Codes with a known maker weigh 1 each, which
/// leaves about one car in ten to the rest; measured it is one in thirty, but the table knows that market well.
pub(super) fn makers() -> Vec<f64> {
    const KNOWN: f64 = 1.0;
    const SMALL_MAKERS: f64 = 0.1;
    const SHARED_PREFIX: f64 = 0.02;
    const COUNTRY_ONLY: f64 = 0.003;
    const NOT_GIVEN_OUT: f64 = 0.0003;

    let mut weights = Vec::with_capacity(CHARACTERS.pow(3));
    for first in ALPHABET {
        for second in ALPHABET {
            let weight = if country_of(*first, *second).is_some() {
                COUNTRY_ONLY
            } else {
                NOT_GIVEN_OUT
            };
            weights.extend([weight; CHARACTERS]);
        }
    }
    for code in maker_codes() {
        let index = |at: usize| index_of(code.as_bytes()[at]).unwrap_or_default();
        let start = (index(0) * CHARACTERS + index(1)) * CHARACTERS;
        let (range, weight) = match code.len() {
            2 => (start..start + CHARACTERS, SHARED_PREFIX),
            length => {
                let at = start + index(2);
                (at..at + 1, if length == 3 { KNOWN } else { SMALL_MAKERS })
            }
        };
        for known in &mut weights[range] {
            *known = weight.max(*known);
        }
    }
    let total: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= total);
    weights
}

/// All three characters that a maker is known by, as indices into the alphabet.
pub(super) fn codes() -> BTreeSet<[u8; 3]> {
    let of = |code: &str| {
        let code: [u8; 3] = code.as_bytes().try_into().ok()?;
        let [a, b, c] = code.map(|byte| index_of(byte).map(|index| index as u8));
        Some([a?, b?, c?])
    };
    maker_codes().filter_map(of).collect()
}
