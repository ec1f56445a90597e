//! The model year in place 10: a code of 30 years, and whether place 7 says which time round (49 CFR 565.15(d)).

use super::{Vin, wmi};

/// The codes in the order of the years, from 1980 and again from 2010. U, Z and 0 are barred here
/// besides I, O, Q; so T is 2026 and V is 2027.
const CODES: &[u8; 30] = b"ABCDEFGHJKLMNPRSTVWXY123456789";

const FIRST_CYCLE: u16 = 1980;
const SECOND_CYCLE: u16 = 2010;

/// From this year of the second cycle on the first cycle is the likelier one. A letter in place 7 meant nothing
/// before 2010, so a code of 2001-2009 with a letter there is more probably an old car than one of the 2030s.
const FAR_YEAR: u16 = 2031;

/// Makers that build cars and light trucks, by the first word of the name in `wmi.tsv`: place 7 tells the cycle for
/// those only, and neither heavy trucks, buses, trailers nor motorcycles follow it.
const LIGHT: &[&str] = &[
    "acura",
    "alfa",
    "aston",
    "audi",
    "bentley",
    "bmw",
    "buick",
    "cadillac",
    "chevrolet",
    "chrysler",
    "cupra",
    "dodge",
    "eagle",
    "fca",
    "ferrari",
    "fiat",
    "fisker",
    "ford",
    "general",
    "genesis",
    "geo",
    "gmc",
    "honda",
    "hummer",
    "hyundai",
    "infiniti",
    "isuzu",
    "jaguar",
    "jeep",
    "kia",
    "lamborghini",
    "land",
    "lexus",
    "lincoln",
    "lotus",
    "lucid",
    "maserati",
    "mazda",
    "mercedes-benz",
    "mercury",
    "mini",
    "mitsubishi",
    "nissan",
    "oldsmobile",
    "plymouth",
    "polestar",
    "pontiac",
    "porsche",
    "ram",
    "rivian",
    "saab",
    "saturn",
    "scion",
    "smart",
    "subaru",
    "suzuki",
    "tesla",
    "toyota",
    "volkswagen",
    "volvo",
];

/// The years that place 10 may mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelYears {
    /// The likelier one first; empty if place 10 holds no year.
    pub candidates: heapless::Vec<u16, 2>,
    /// The first candidate is the year, by rule.
    pub conclusive: bool,
}

/// Whether a character can be a year code.
pub(crate) fn is_year_code(byte: u8) -> bool {
    CODES.contains(&byte)
}

impl Vin {
    /// The model year. Outside North America and China makers may put anything in place 10, many European ones do.
    pub fn model_years(&self) -> ModelYears {
        let bytes = self.as_bytes();
        let mut candidates = heapless::Vec::new();
        let Some(years) = (0u16..)
            .zip(CODES)
            .find_map(|(n, &code)| (code == bytes[9]).then_some(n))
        else {
            return ModelYears {
                candidates,
                conclusive: false,
            };
        };
        let (first, second) = (FIRST_CYCLE + years, SECOND_CYCLE + years);
        let ruled =
            matches!(bytes[0], b'1'..=b'5' | b'7') && bytes[2] != b'9' && builds_light(self);
        let digit = bytes[6].is_ascii_digit();
        let conclusive = ruled && (digit || second < FAR_YEAR);
        let order = if (ruled && digit) || second >= FAR_YEAR {
            [first, second]
        } else {
            [second, first]
        };
        // Two places for two years; a conclusive year stands alone.
        candidates.extend(order.into_iter().take(if conclusive { 1 } else { 2 }));
        ModelYears {
            candidates,
            conclusive,
        }
    }
}

fn builds_light(vin: &Vin) -> bool {
    let maker = wmi::maker_of(vin.as_str()).unwrap_or_default();
    let word = maker.split(' ').next().unwrap_or_default();
    LIGHT.iter().any(|light| word.eq_ignore_ascii_case(light))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn years(text: &str) -> (Vec<u16>, bool) {
        let years = text.parse::<Vin>().unwrap().model_years();
        (years.candidates.to_vec(), years.conclusive)
    }

    #[test]
    fn place_seven_tells_the_cycle_of_light_north_american_vehicles() {
        assert_eq!(years("1HGCY2F59RL000001"), (vec![2024], true)); // letter
        assert_eq!(years("1HGCM82633A004352"), (vec![2003], true)); // digit
        assert_eq!(years("1FUJGLDR9CLBP8834"), (vec![2012, 1982], false)); // Freightliner
        assert_eq!(years("1A9PEAC39RL839001"), (vec![2024, 1994], false)); // small maker
    }

    #[test]
    fn elsewhere_both_cycles_stay() {
        assert_eq!(years("YV4A221K4L1609498"), (vec![2020, 1990], false));
        assert_eq!(years("3C8FY4BB41T525879"), (vec![2001, 2031], false)); // a letter before the rule
    }

    #[test]
    fn the_codes_that_other_tools_get_wrong() {
        assert_eq!(years("LSGAA1111TA000001").0[0], 2026);
        assert_eq!(years("LSGAA1111VA000001").0[0], 2027);
        for barred in ["U", "Z", "0"] {
            assert_eq!(years(&format!("WDB111111{barred}A000001")), (vec![], false));
        }
    }
}
