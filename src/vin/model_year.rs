//! The model year in place 10: a code of 30 years, and whether place 7 says which time round (49 CFR 565.15(d)).

use super::places::Market;
use super::wmi::{self, Holder};
use super::{CheckDigit, VehicleType, Vin};

/// The codes in the order of the years, from 1980 and again from 2010. U, Z and 0 are barred here
/// besides I, O, Q; so T is 2026 and V is 2027.
pub(super) const CODES: &[u8; 30] = b"ABCDEFGHJKLMNPRSTVWXY123456789";

const FIRST_CYCLE: u16 = 1980;
const SECOND_CYCLE: u16 = 2010;

/// Makers that build cars and light trucks, by the first word of the name in `wmi.tsv`: of trucks, place 7 tells the cycle
/// for light ones only.
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

impl Vin {
    /// The model year, seen from a calendar year: cars of the next model year are sold by then, later ones are not.
    ///
    /// Place 7 tells the cycle of North American cars, multipurpose vehicles and light trucks; buses, chassis, heavy trucks and
    /// what small makers build do not follow it. A letter there meant nothing before 2010, so one that would
    /// put the car into the future does not. Outside North America and China makers may put anything in place 10, many
    /// European ones do, so that nothing there is conclusive.
    pub fn model_years(&self, this_year: i16) -> ModelYears {
        self.years_of(wmi::holder_of(self.as_bytes()), this_year)
    }

    pub(super) fn years_of(&self, holder: Option<Holder>, this_year: i16) -> ModelYears {
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
        let market = Market::of(bytes[0]);
        if i32::from(second) > i32::from(this_year) + 1 {
            // One place for one year.
            let _ = candidates.push(first);
            return ModelYears {
                candidates,
                conclusive: market.asks_for_check_digit(),
            };
        }
        let rule = match holder {
            Some(holder) if !self.of_small_maker() => rule_of(holder),
            _ => Rule::NotHeld,
        };
        let ruled = rule == Rule::Held && market == Market::NorthAmerica;
        let probably = match market {
            Market::NorthAmerica => rule == Rule::OftenHeld,
            Market::China => false,
            // A check digit that nobody at home asks for speaks of a car made for North America, but may be chance.
            Market::Elsewhere => rule != Rule::NotHeld && self.check_digit() == CheckDigit::Pass,
        };
        let order = if (ruled || probably) && bytes[6].is_ascii_digit() {
            [first, second]
        } else {
            [second, first]
        };
        // Two places for two years; a conclusive year stands alone.
        candidates.extend(order.into_iter().take(if ruled { 1 } else { 2 }));
        ModelYears {
            candidates,
            conclusive: ruled,
        }
    }
}

/// Whether place 7 tells the cycle.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    Held,
    /// Nobody has to, but a maker of light vehicles numbers its buses and chassis like these.
    OftenHeld,
    NotHeld,
}

fn rule_of(holder: Holder) -> Rule {
    let light = || {
        let word = holder.maker.split(' ').next().unwrap_or_default();
        let lower = || word.bytes().map(|byte| byte.to_ascii_lowercase());
        LIGHT
            .binary_search_by(|light| light.bytes().cmp(lower()))
            .is_ok()
    };
    match holder.vehicle_type {
        Some(VehicleType::PassengerCar | VehicleType::Multipurpose) => Rule::Held,
        Some(VehicleType::Truck) | None if light() => Rule::Held,
        Some(VehicleType::Bus | VehicleType::Incomplete) if light() => Rule::OftenHeld,
        _ => Rule::NotHeld,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn years(text: &str) -> (Vec<u16>, bool) {
        let years = text.parse::<Vin>().unwrap().model_years(2026);
        (years.candidates.to_vec(), years.conclusive)
    }

    #[test]
    fn place_seven_tells_the_cycle_of_light_north_american_vehicles() {
        assert_eq!(years("1HGCY2F59RL000001"), (vec![2024], true)); // letter
        assert_eq!(years("1HGCM82633A004352"), (vec![2003], true)); // digit
        assert_eq!(years("1FTFW1EH6BF000001"), (vec![2011], true)); // light truck
        assert_eq!(years("1FUJGLDR9CLBP8834"), (vec![2012, 1982], false)); // heavy truck
        assert_eq!(years("1FBSS31L8BH000001"), (vec![1981, 2011], false)); // bus
        assert_eq!(years("1A9PEAC39RL839001"), (vec![2024, 1994], false)); // small maker
    }

    #[test]
    fn elsewhere_both_cycles_stay() {
        assert_eq!(years("WDB2030461A000001").0, [2001]);
        assert_eq!(years("JH4DA1842JS002851"), (vec![1988, 2018], false)); // made for North America
        assert_eq!(years("YV4A221K4L1609498"), (vec![1990, 2020], false)); // really of 2020: chance
    }

    #[test]
    fn the_words_are_in_order() {
        assert!(LIGHT.is_sorted());
    }

    #[test]
    fn the_future_is_ruled_out() {
        assert_eq!(years("3C8FY4BB41T525879"), (vec![2001], true)); // a letter in place 7 before the rule
        assert_eq!(years("LSGAA1111YA000001"), (vec![2000], true));
        assert_eq!(years("WVWZZZ1JZYW000001"), (vec![2000], false)); // it may not be a year at all
        let later: Vin = "3C8FY4BB41T525879".parse().unwrap();
        assert_eq!(later.model_years(2030).candidates[0], 2031);
        assert_eq!(later.model_years(2029).candidates[0], 2001);
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
