//! How probable a VIN is before any picture is seen: the rules of ISO 3779, 49 CFR 565 and GB 16735 as chances,
//! since real cars break every one of them.
//!
//! P(VIN) = P(places 1-3) · Π P(place | custom) · P(place 9 | the other places, custom)
//!
//! The custom is that of the maker, mostly by its region. Place 9 is the computed check digit with the chance `check`, and otherwise drawn
//! from `filler` whatever the other places hold. All factors are normalised, so the whole is.
//!
//! "Measured" means: on the 957 training vehicles of the photographs that the model card credits, mostly of the Russian
//! market, 849 of them from regions that do not ask for the check digit.

use std::sync::LazyLock;

use crate::vin::{
    ALPHABET, CHECK_CHARACTERS, LENGTH, asks_for_check_digit, country_of, is_year_code, maker_codes,
};

/// Characters of the alphabet.
pub(super) const CHARACTERS: usize = ALPHABET.len();

/// How some makers use the places.
pub(super) struct Custom {
    /// Chance that the maker computes the check digit.
    pub check: f64,
    /// Chance of each character in place 9 where it is not computed.
    pub filler: [f64; CHARACTERS],
    /// Chance of each character in each place; the first three and place 9 are not used.
    pub places: [[f64; CHARACTERS]; LENGTH],
}

/// How many there are.
pub(super) const CUSTOM_COUNT: usize = 3;

/// Where the check digit is asked for, makers who compute it unasked, and all others.
pub(super) static CUSTOMS: LazyLock<[Custom; CUSTOM_COUNT]> =
    LazyLock::new(|| [duty(), habit(), freedom()]);

/// Makers who compute the check digit though nobody asks them to. Measured: all 80 vehicles of these held it, and no other
/// maker with five vehicles or more held it always.
const UNASKED: [&[u8; 3]; 5] = [b"TMB", b"WBA", b"XZG", b"Y4K", b"YS3"];

/// The custom of the first three characters, as an index into [`CUSTOMS`].
pub(super) fn custom_of(code: [usize; 3]) -> usize {
    if asks_for_check_digit(ALPHABET[code[0]]) {
        0
    } else if UNASKED.contains(&&code.map(|character| ALPHABET[character])) {
        1
    } else {
        2
    }
}

/// Share of digits in each place; letters share the rest evenly. Measured, rounded; the tail held no letter, it keeps
/// a small chance for small makers and old cars (49 CFR 565.15(d)(4): the last five of light vehicles are numeric, the
/// last four of all others).
const DIGITS: [f64; LENGTH] = [
    0.5, 0.5, 0.5, 0.25, 0.25, 0.55, 0.65, 0.45, 0.5, 0.4, 0.4, 0.98, 0.998, 0.9995, 0.9995,
    0.9995, 0.9995,
];

/// North America and China. Of 211 VINs read off such cars by eye all hold the check digit; one in a hundred stays
/// for those that do not.
fn duty() -> Custom {
    let mut places = DIGITS.map(digits_and_letters);
    places[9] = mix(0.997, is_year_code);
    Custom {
        check: 0.99,
        filler: mix(0.999, |byte| {
            CHECK_CHARACTERS
                .iter()
                .any(|&index| ALPHABET[usize::from(index)] == byte)
        }),
        places,
    }
}

/// As everybody, but with a check digit; some of their cars may be built by others.
fn habit() -> Custom {
    Custom {
        check: 0.97,
        ..freedom()
    }
}

/// Everybody else. Measured: 11 % hold it, of which 3 points are luck; the others fill place 9 with Z (25 %), another
/// letter (39 %) or a digit (36 %). Some makers always compute it for some markets, so one number for all is cautious.
/// U, Z and 0, which are no year, stand in place 10 of 4 %.
fn freedom() -> Custom {
    let mut places = DIGITS.map(digits_and_letters);
    places[9] = mix(0.95, is_year_code);
    let z = mix(1.0, |byte| byte == b'Z');
    let other = digits_and_letters(0.5);
    Custom {
        check: 0.085,
        filler: std::array::from_fn(|c| 0.25 * z[c] + 0.75 * other[c]),
        places,
    }
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
pub(super) static MAKERS: LazyLock<Vec<f64>> = LazyLock::new(|| {
    const KNOWN: f64 = 1.0;
    const SMALL_MAKERS: f64 = 0.1;
    const SHARED_PREFIX: f64 = 0.02;
    const COUNTRY_ONLY: f64 = 0.003;
    const NOT_GIVEN_OUT: f64 = 0.0003;

    let index = |byte: u8| {
        ALPHABET
            .iter()
            .position(|&known| known == byte)
            .unwrap_or_default()
    };
    let mut weights = Vec::with_capacity(CHARACTERS.pow(3));
    for first in ALPHABET {
        for second in ALPHABET {
            let pair = [char::from(*first), char::from(*second)]
                .iter()
                .collect::<String>();
            let weight = if country_of(&pair).is_some() {
                COUNTRY_ONLY
            } else {
                NOT_GIVEN_OUT
            };
            weights.extend([weight; CHARACTERS]);
        }
    }
    for code in maker_codes() {
        let bytes = code.as_bytes();
        let start = (index(bytes[0]) * CHARACTERS + index(bytes[1])) * CHARACTERS;
        let (range, weight) = match bytes.len() {
            2 => (start..start + CHARACTERS, SHARED_PREFIX),
            length => {
                let at = start + index(bytes[2]);
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
});

/// The check character of a remainder, as an index into the alphabet.
pub(super) fn check_character(remainder: usize) -> usize {
    usize::from(CHECK_CHARACTERS[remainder])
}

/// The prior of one VIN, as the formula at the top says it: what [`super::posterior`] is tested against.
#[cfg(test)]
pub(super) fn prior(vin: &[u8; LENGTH]) -> f64 {
    use crate::vin::{PLACE_OF_CHECK_DIGIT, VALUES, WEIGHTS};
    let at = |place: usize| usize::from(vin[place]);
    let custom = &CUSTOMS[custom_of([at(0), at(1), at(2)])];
    let remainder = (0..LENGTH)
        .map(|i| usize::from(VALUES[at(i)]) * usize::from(WEIGHTS[i]))
        .sum::<usize>()
        % 11;
    let mut chance = MAKERS[(at(0) * CHARACTERS + at(1)) * CHARACTERS + at(2)];
    for place in (3..LENGTH).filter(|&place| place != PLACE_OF_CHECK_DIGIT) {
        chance *= custom.places[place][at(place)];
    }
    let ninth = at(PLACE_OF_CHECK_DIGIT);
    let computed = if ninth == check_character(remainder) {
        custom.check
    } else {
        0.0
    };
    chance * (computed + (1.0 - custom.check) * custom.filler[ninth])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chances_add_up_to_one() {
        let one = |chances: &[f64]| (chances.iter().sum::<f64>() - 1.0).abs() < 1e-9;
        assert!(one(&MAKERS));
        for custom in CUSTOMS.iter() {
            assert!(one(&custom.filler));
            assert!(custom.places.iter().all(|place| one(place)));
        }
    }

    #[test]
    fn nothing_is_impossible() {
        assert!(MAKERS.iter().all(|&chance| chance > 0.0));
        assert!(CUSTOMS.iter().all(|custom| {
            custom
                .places
                .iter()
                .flatten()
                .chain(&custom.filler)
                .all(|&p| p > 0.0)
        }));
    }
}
