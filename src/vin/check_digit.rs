//! The check digit in place 9: a weighted sum modulo 11 (49 CFR 565.15(c), GB 16735 appendix A).

use std::fmt;

use serde::Serialize;

use super::places::Market;
use super::{ALPHABET, LENGTH, Vin};

/// Whether place 9 holds the check digit. No verdict makes a VIN invalid: real cars break every rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum CheckDigit {
    /// It does. One string in eleven does by chance.
    Pass,
    /// It does not, though the maker's region asks for it.
    Fail,
    /// It does not, and this maker does not have to.
    NotApplicable,
}

/// Why the check digit is what [`Vin::check_digit`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckDigitReason {
    /// Place 9 is computed, as the maker's market asks.
    Holds,
    /// Place 9 is what would be computed, but nobody asks for it: by habit, or by chance.
    HoldsUnasked,
    /// The market asks for another character.
    Differs {
        /// What place 9 would be.
        computed: char,
    },
    /// The market asks for a check digit, and place 9 holds a letter that is none.
    Letter {
        /// What place 9 would be.
        computed: char,
    },
    /// Nobody asks for it.
    Unasked,
}

impl fmt::Display for CheckDigitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Holds => f.write_str("the check digit holds"),
            Self::HoldsUnasked => f.write_str(
                "the check digit holds, though this market does not ask for it; one text in eleven does by chance",
            ),
            Self::Differs { computed } => write!(
                f,
                "the check digit should be {computed}: a character is misread, or the maker broke the rule"
            ),
            Self::Letter { computed } => write!(
                f,
                "a letter other than X is no check digit; it should be {computed}"
            ),
            Self::Unasked => f.write_str("this market does not ask for a check digit"),
        }
    }
}

/// Index of place 9.
pub(crate) const PLACE_OF_CHECK_DIGIT: usize = 8;

/// What each place counts for; place 9 itself for nothing.
pub(crate) const WEIGHTS: [u8; LENGTH] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];

/// What each character of [`super::ALPHABET`] counts as: digits as themselves, A-H 1-8, J-N 1-5, P 7, R 9, S-Z 2-9.
pub(crate) const VALUES: [u8; 33] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, // 0-9
    1, 2, 3, 4, 5, 6, 7, 8, // A-H
    1, 2, 3, 4, 5, // J-N
    7, 9, // P, R
    2, 3, 4, 5, 6, 7, 8, 9, // S-Z
];

/// The check character of each remainder: indices into [`super::ALPHABET`], the last one X for 10.
pub(crate) const CHECK_CHARACTERS: [u8; 11] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 30];

impl Vin {
    /// What place 9 would hold if it were the check digit: 0-9 or X.
    pub fn computed_check_digit(&self) -> char {
        let sum: u32 = self
            .as_bytes()
            .iter()
            .zip(WEIGHTS)
            .map(|(&byte, weight)| {
                u32::from(VALUES_OF_BYTES[usize::from(byte)]) * u32::from(weight)
            })
            .sum();
        char::from_digit(sum % 11, 10).unwrap_or('X')
    }

    /// Whether place 9 holds the check digit.
    pub fn check_digit(&self) -> CheckDigit {
        match self.check_digit_reason() {
            CheckDigitReason::Holds | CheckDigitReason::HoldsUnasked => CheckDigit::Pass,
            CheckDigitReason::Differs { .. } | CheckDigitReason::Letter { .. } => CheckDigit::Fail,
            CheckDigitReason::Unasked => CheckDigit::NotApplicable,
        }
    }

    /// The same with its reason.
    pub fn check_digit_reason(&self) -> CheckDigitReason {
        let bytes = self.as_bytes();
        let computed = self.computed_check_digit();
        let ninth = char::from(bytes[PLACE_OF_CHECK_DIGIT]);
        let asked = Market::of(bytes[0]).asks_for_check_digit();
        match (asked, ninth == computed) {
            (true, true) => CheckDigitReason::Holds,
            (false, true) => CheckDigitReason::HoldsUnasked,
            (true, false) if ninth.is_ascii_digit() || ninth == 'X' => {
                CheckDigitReason::Differs { computed }
            }
            (true, false) => CheckDigitReason::Letter { computed },
            (false, false) => CheckDigitReason::Unasked,
        }
    }
}

/// [`VALUES`] by byte.
static VALUES_OF_BYTES: [u8; 256] = {
    let mut values = [0; 256];
    let mut index = 0;
    while index < ALPHABET.len() {
        values[ALPHABET[index] as usize] = VALUES[index];
        index += 1;
    }
    values
};

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    fn verdict(text: &str) -> CheckDigit {
        text.parse::<Vin>().unwrap().check_digit()
    }

    #[test]
    fn the_region_decides_what_a_wrong_digit_means() {
        assert_eq!(verdict("11111111111111111"), CheckDigit::Pass);
        assert_eq!(verdict("1M8GDM9AXKP042788"), CheckDigit::Pass); // X is ten
        assert_eq!(verdict("1M8GDM9A1KP042788"), CheckDigit::Fail);
        assert_eq!(verdict("LFV2A21K0A3000001"), CheckDigit::Fail);
        assert_eq!(verdict("WVWZZZ1JZYW000001"), CheckDigit::NotApplicable);
        assert_eq!(verdict("KMHE341DBGA000001"), CheckDigit::NotApplicable); // Hyundai: a letter
    }

    #[test]
    fn the_reason_tells_a_letter_from_a_wrong_digit() {
        let reason = |text: &str| text.parse::<Vin>().unwrap().check_digit_reason();
        assert_eq!(
            reason("1M8GDM9A1KP042788"),
            CheckDigitReason::Differs { computed: 'X' }
        );
        assert_eq!(
            reason("1M8GDM9ABKP042788"),
            CheckDigitReason::Letter { computed: 'X' }
        );
        assert_eq!(reason("TMBZZZ11011111111"), CheckDigitReason::Unasked);
        assert_eq!(reason("KMHE341DBGA000001"), CheckDigitReason::Unasked);
    }

    #[test]
    fn the_check_characters_are_the_digits_and_x() {
        let characters: Vec<u8> = CHECK_CHARACTERS
            .iter()
            .map(|&i| ALPHABET[usize::from(i)])
            .collect();
        assert_eq!(characters, b"0123456789X");
    }

    proptest! {
        #[test]
        fn a_substitution_of_another_value_is_caught(
            text in "[0-9A-HJ-NPR-Z]{17}",
            place in 0..LENGTH,
            substitute in 0..33usize,
        ) {
            prop_assume!(place != PLACE_OF_CHECK_DIGIT);
            let vin: Vin = text.parse().unwrap();
            let mut bytes = text.into_bytes();
            let before = VALUES_OF_BYTES[usize::from(bytes[place])];
            bytes[place] = ALPHABET[substitute];
            let other: Vin = String::from_utf8(bytes).unwrap().parse().unwrap();
            prop_assert_eq!(
                vin.computed_check_digit() == other.computed_check_digit(),
                before == VALUES[substitute]
            );
        }
    }
}
