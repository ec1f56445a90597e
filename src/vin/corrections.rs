//! What a VIN with a wrong check digit may have been: never done silently, the caller decides.

use super::check_digit::CheckDigit;
use super::places::Market;
use super::{ALPHABET, Vin};

/// Characters that look alike, and how much: 1 for those that worn or small print makes the same.
const ALIKE: [(u8, u8, f32); 30] = [
    (b'0', b'D', 1.0),
    (b'8', b'B', 1.0),
    (b'5', b'S', 1.0),
    (b'2', b'Z', 0.9),
    (b'6', b'G', 0.8),
    (b'1', b'7', 0.6),
    (b'1', b'T', 0.4),
    (b'1', b'J', 0.4),
    (b'1', b'L', 0.4),
    (b'4', b'A', 0.6),
    (b'0', b'8', 0.5),
    (b'0', b'6', 0.4),
    (b'0', b'C', 0.5),
    (b'0', b'G', 0.4),
    (b'0', b'U', 0.3),
    (b'3', b'8', 0.7),
    (b'3', b'B', 0.4),
    (b'3', b'5', 0.3),
    (b'5', b'6', 0.6),
    (b'6', b'8', 0.7),
    (b'8', b'9', 0.5),
    (b'C', b'G', 0.8),
    (b'D', b'B', 0.3),
    (b'E', b'F', 0.6),
    (b'H', b'N', 0.6),
    (b'H', b'M', 0.4),
    (b'M', b'N', 0.6),
    (b'K', b'X', 0.5),
    (b'P', b'R', 0.6),
    (b'V', b'Y', 0.5),
];

/// How much two characters look alike, 0 to 1; 1 for the same.
pub fn looks_like(a: char, b: char) -> f32 {
    if a == b {
        return 1.0;
    }
    ALIKE
        .iter()
        .find(|&&(x, y, _)| {
            let (x, y) = (char::from(x), char::from(y));
            (x, y) == (a, b) || (y, x) == (a, b)
        })
        .map_or(0.0, |(.., likeness)| *likeness)
}

/// One character changed so that the check digit holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Correction {
    /// The changed VIN.
    pub vin: Vin,
    /// Which place, 1 to 17.
    pub place: usize,
    /// How much the new character looks like the old one, 0 to 1.
    pub likeness: f32,
}

/// Corrections told.
const MOST: usize = 8;

impl Vin {
    /// The VINs that differ in one character, look like this one and hold the check digit, most alike first. Empty if this one
    /// holds it. `likeness(place, old, new)` is 0 for what cannot be, and may know the pixels; [`looks_like`] does not.
    ///
    /// A check digit that fails does not make a VIN wrong: outside North America and China nobody has to compute it.
    ///
    /// ```
    /// use vinspect::vin::{Vin, looks_like};
    ///
    /// let misread: Vin = "1HGCM8Z633A004352".parse()?;
    /// let best = &misread.corrections(|_place, old, new| looks_like(old, new))[0];
    /// assert_eq!((best.place, best.vin.as_str()), (7, "1HGCM82633A004352"));
    /// # Ok::<(), vinspect::vin::VinError>(())
    /// ```
    pub fn corrections(
        &self,
        likeness: impl Fn(usize, char, char) -> f32,
    ) -> heapless::Vec<Correction, MOST> {
        let mut found = heapless::Vec::<Correction, MOST>::new();
        if self.check_digit() == CheckDigit::Pass {
            return found;
        }
        for (index, &old) in self.as_bytes().iter().enumerate() {
            for &new in ALPHABET {
                let place = index + 1;
                let likeness = likeness(place, char::from(old), char::from(new));
                if new == old || likeness <= 0.0 {
                    continue;
                }
                let vin = self.with(index, new);
                let market = Market::of(vin.as_bytes()[0]);
                if vin.check_digit() != CheckDigit::Pass || !market.allowed(place).contains(new) {
                    continue;
                }
                let at = found.partition_point(|other| other.likeness >= likeness);
                if found.is_full() && at < MOST {
                    found.pop();
                }
                // A full list has no room for what is less alike than all in it.
                let _ = found.insert(
                    at,
                    Correction {
                        vin,
                        place,
                        likeness,
                    },
                );
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn corrections(text: &str) -> Vec<(usize, String)> {
        let vin: Vin = text.parse().unwrap();
        vin.corrections(|_, old, new| looks_like(old, new))
            .iter()
            .map(|c| (c.place, c.vin.to_string()))
            .collect()
    }

    #[test]
    fn a_misread_is_undone() {
        let right = "1HGCM82633A004352";
        for (misread, place) in [("1HGCM8Z633A004352", 7), ("1HGCM826B3A004352", 9)] {
            assert!(
                corrections(misread).contains(&(place, right.into())),
                "{misread}"
            );
        }
    }

    #[test]
    fn what_holds_is_left_alone() {
        assert!(corrections("1HGCM82633A004352").is_empty());
    }

    #[test]
    fn the_most_alike_comes_first_and_no_letter_in_the_tail() {
        let vin: Vin = "1M8GDM9AXKP042789".parse().unwrap();
        let found = vin.corrections(|_, _, new| if new == 'Z' { 0.9 } else { 0.1 });
        assert!(found.is_full());
        assert!(found.is_sorted_by(|a, b| a.likeness >= b.likeness));
        for correction in &found {
            assert_eq!(correction.vin.check_digit(), CheckDigit::Pass);
            let byte = correction.vin.as_bytes()[correction.place - 1];
            assert!(correction.place < 14 || byte.is_ascii_digit());
        }
    }
}
