//! Two readings of what may be one car: windshield, door, document.

use serde::Serialize;

use super::{CheckDigit, LENGTH, Vin, looks_like};

/// A place where two VINs differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// 1 to 17.
    pub place: usize,
    /// What the first holds there.
    pub first: char,
    /// What the second holds there.
    pub second: char,
}

/// How two VINs belong together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Comparison {
    /// They are the same.
    Same,
    /// They differ as two readings of one VIN do.
    Misread {
        /// Where.
        differences: heapless::Vec<Difference, LENGTH>,
        /// The one of which the check digit holds, if it does of one only.
        likelier: Option<Vin>,
    },
    /// They are of two cars.
    Another {
        /// Where they differ.
        differences: heapless::Vec<Difference, LENGTH>,
    },
}

/// More places than this are hardly misread at once.
const MOST_MISREAD: usize = 2;

impl Vin {
    /// How this VIN and another belong together. Up to two places that hold characters that look alike, or one place of which
    /// the check digit says that one of the two is wrong, are taken for a misread.
    ///
    /// ```
    /// use vinspect::vin::{Comparison, Vin};
    ///
    /// let windshield: Vin = "1HGCM82633A004352".parse()?;
    /// let door: Vin = "1HGCM82633A0O4352".replace('O', "D").parse()?;
    /// let Comparison::Misread { likelier, .. } = windshield.compare(&door) else { unreachable!() };
    /// assert_eq!(likelier, Some(windshield));
    /// # Ok::<(), vinspect::vin::VinError>(())
    /// ```
    pub fn compare(&self, other: &Self) -> Comparison {
        let differences: heapless::Vec<Difference, LENGTH> = (1..)
            .zip(self.as_str().chars().zip(other.as_str().chars()))
            .filter(|(_, (first, second))| first != second)
            .map(|(place, (first, second))| Difference {
                place,
                first,
                second,
            })
            .collect();
        if differences.is_empty() {
            return Comparison::Same;
        }
        let holds = [self, other].map(|vin| vin.check_digit() == CheckDigit::Pass);
        let fails = [self, other].map(|vin| vin.check_digit() == CheckDigit::Fail);
        let likelier = match holds {
            [true, false] => Some(self.clone()),
            [false, true] => Some(other.clone()),
            _ => None,
        };
        let alike = differences
            .iter()
            .all(|d| looks_like(d.first, d.second) > 0.0);
        let one_is_wrong = differences.len() == 1 && fails != [false, false];
        if differences.len() <= MOST_MISREAD && (alike || one_is_wrong) {
            Comparison::Misread {
                differences,
                likelier,
            }
        } else {
            Comparison::Another { differences }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn compare(a: &str, b: &str) -> Comparison {
        a.parse::<Vin>().unwrap().compare(&b.parse().unwrap())
    }

    #[test]
    fn the_same_a_misread_and_another_car() {
        let car = "WVWZZZ1JZYW000001";
        assert_eq!(compare(car, car), Comparison::Same);
        let Comparison::Misread {
            differences,
            likelier,
        } = compare(car, "WVWZZZ1JZYW0000D1")
        else {
            panic!("0 and D look alike");
        };
        assert_eq!(differences.len(), 1);
        assert_eq!((differences[0].place, differences[0].second), (16, 'D'));
        assert_eq!(likelier, None); // nobody asks Volkswagen
        let next = compare(car, "WVWZZZ1JZYW000002");
        assert!(matches!(next, Comparison::Another { .. }), "{next:?}");
    }

    #[test]
    fn a_check_digit_that_fails_makes_one_place_a_misread() {
        // 3 and 4 do not look alike, but one of the two cannot be.
        let result = compare("1HGCM82633A004352", "1HGCM82643A004352");
        assert!(
            matches!(
                result,
                Comparison::Misread {
                    likelier: Some(_),
                    ..
                }
            ),
            "{result:?}"
        );
    }

    #[test]
    fn many_alike_places_are_no_misread() {
        let result = compare("WVWZZZ1JZYW888001", "WVWZZZ1JZYWBBB001");
        assert!(matches!(result, Comparison::Another { .. }), "{result:?}");
    }
}
