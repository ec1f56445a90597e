//! What may stand where, by market.

use super::{ALPHABET, LENGTH, index_of};

/// Some of the characters of [`ALPHABET`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Characters(u64);

impl Characters {
    const ALL: Self = Self((1 << ALPHABET.len()) - 1);
    const DIGITS: Self = Self::of(b"0123456789");
    /// 49 CFR 565.15(c): the remainder of a division by 11.
    const CHECK: Self = Self::of(b"0123456789X");
    /// 49 CFR 565.15(d)(1): also without U, Z and 0.
    const YEARS: Self = Self::of(super::model_year::CODES);

    const fn of(bytes: &[u8]) -> Self {
        let (mut set, mut at) = (0, 0);
        while at < bytes.len() {
            if let Some(index) = index_of(bytes[at]) {
                set |= 1 << index;
            }
            at += 1;
        }
        Self(set)
    }

    /// Whether an ASCII character is among them.
    pub const fn contains(self, byte: u8) -> bool {
        matches!(index_of(byte), Some(index) if self.0 >> index & 1 == 1)
    }
}

/// Whose rules a VIN follows, by its first character: the region of the maker's code, not where the car is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Market {
    /// 1 to 5 and 7: 49 CFR 565, CMVSS 115, NOM-001-SSP.
    NorthAmerica,
    /// L and H: GB 16735.
    China,
    /// ISO 3779 and nothing else.
    Elsewhere,
}

impl Market {
    /// Of the first character.
    pub const fn of(first: u8) -> Self {
        match first {
            b'1'..=b'5' | b'7' => Self::NorthAmerica,
            b'L' | b'H' => Self::China,
            _ => Self::Elsewhere,
        }
    }

    /// Whether place 9 must be the computed check digit and place 10 the model year. Elsewhere each maker does as it likes.
    pub const fn asks_for_check_digit(self) -> bool {
        !matches!(self, Self::Elsewhere)
    }

    /// What the rules allow in a place, 1 to 17. Real cars break every rule, so this is no reason to refuse a VIN.
    ///
    /// The last four are digits everywhere (ISO 3779). Place 13 is one, too, for cars and light trucks of North America
    /// of which 1,000 or more are built in a year (49 CFR 565.15(d)(4)); it is left open here, since 17 characters do not tell.
    pub const fn allowed(self, place: usize) -> Characters {
        match place {
            9 if self.asks_for_check_digit() => Characters::CHECK,
            10 if self.asks_for_check_digit() => Characters::YEARS,
            14..=LENGTH => Characters::DIGITS,
            _ => Characters::ALL,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_of_three_markets() {
        let allowed = |first, place| {
            let set = Market::of(first).allowed(place);
            ALPHABET.iter().filter(|&&byte| set.contains(byte)).count()
        };
        assert_eq!(
            (allowed(b'1', 9), allowed(b'L', 9), allowed(b'W', 9)),
            (11, 11, 33)
        );
        assert_eq!(
            (allowed(b'7', 10), allowed(b'H', 10), allowed(b'Z', 10)),
            (30, 30, 33)
        );
        assert_eq!((allowed(b'6', 13), allowed(b'6', 14)), (33, 10));
        for barred in *b"UZ0" {
            assert!(!Market::NorthAmerica.allowed(10).contains(barred));
        }
        assert!(!Market::Elsewhere.allowed(1).contains(b'O'));
    }
}
