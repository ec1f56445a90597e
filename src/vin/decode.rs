//! What a VIN says about its car.

use serde::Serialize;

use super::{CheckDigit, VehicleType, Vin, wmi};

/// What a VIN says about its car, as far as its 17 characters tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Decoded {
    /// The maker's code: three characters, or six for a maker of fewer than 1,000 vehicles a year (a 9 in third place;
    /// then places 12 to 14 belong to it).
    #[cfg_attr(test, schemars(with = "String"))]
    pub wmi: heapless::String<6, u8>,
    /// Who holds the code, if known: a marque where it is one marque's, else the company.
    pub maker: Option<&'static str>,
    /// The type of vehicle that the code is registered for in the USA, if it is: a pickup may have a car's code elsewhere.
    pub vehicle_type: Option<VehicleType>,
    /// The country that gave the code out; not where the car was assembled.
    pub country: Option<&'static str>,
    /// The part of the world of that country.
    pub region: &'static str,
    /// Whether the maker builds fewer than 1,000 vehicles a year.
    pub small_maker: bool,
    /// The model years that place 10 may mean, the likelier first; empty if it holds none.
    #[cfg_attr(test, schemars(with = "Vec<u16>"))]
    pub model_years: heapless::Vec<u16, 2>,
    /// Whether the first of `model_years` is certain.
    pub year_conclusive: bool,
    /// Whether place 9 holds the check digit.
    pub check_digit: CheckDigit,
    /// Place 11: the plant, for most makers.
    pub plant: char,
    /// The maker's running number: the last six characters, or three after a small maker's code.
    #[cfg_attr(test, schemars(with = "String"))]
    pub serial: heapless::String<6, u8>,
}

impl Vin {
    /// What it says, seen from a calendar year: that rules out model years that are still to come.
    pub fn decode(&self, this_year: i16) -> Decoded {
        let bytes = self.as_bytes();
        let holder = wmi::holder_of(bytes);
        let years = self.years_of(holder, this_year);
        let mut serial = heapless::String::new();
        // Cannot overflow: at most six characters.
        let _ = serial.push_str(self.serial());
        Decoded {
            wmi: self.maker_code(),
            maker: holder.map(|holder| holder.maker),
            vehicle_type: holder.and_then(|holder| holder.vehicle_type),
            country: wmi::country_of(bytes[0], bytes[1]),
            region: wmi::region_of(bytes[0]),
            small_maker: self.of_small_maker(),
            model_years: years.candidates,
            year_conclusive: years.conclusive,
            check_digit: self.check_digit(),
            plant: self.plant(),
            serial,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;
    use std::path::PathBuf;

    #[test]
    fn a_car_as_json() {
        let vin: Vin = "1HGCY2F59RL000001".parse().unwrap();
        assert_eq!(
            serde_json::to_value(vin.decode(2026)).unwrap(),
            serde_json::json!({
                "wmi": "1HG", "maker": "Honda", "vehicle_type": "passenger_car", "country": "United States", "region": "North America",
                "small_maker": false, "plant": "L", "model_years": [2024], "year_conclusive": true, "check_digit": "pass", "serial": "000001"
            })
        );
    }

    #[test]
    fn a_small_maker_takes_part_of_the_serial() {
        let decoded = "1A9PEAC39RL841001".parse::<Vin>().unwrap().decode(2026);
        assert_eq!(
            (decoded.wmi.as_str(), decoded.serial.as_str()),
            ("1A9841", "001")
        );
    }

    proptest! {
        #[test]
        fn every_vin_has_a_meaning(text in "[0-9A-HJ-NPR-Z]{17}") {
            let vin: Vin = text.parse().unwrap();
            let decoded = vin.decode(2026);
            prop_assert_eq!(vin.to_string(), text);
            prop_assert!(decoded.model_years.iter().all(|year| (1980..2040).contains(year)));
            prop_assert!(!decoded.year_conclusive || decoded.model_years.len() == 1);
        }
    }

    #[test]
    fn vins_of_every_kind() {
        let table = include_str!("../../tests/vins.tsv");
        for line in table.lines().filter(|line| !line.starts_with('#')) {
            let [kind, vin, check_digit, years, maker, country] =
                line.split('\t').collect::<Vec<_>>().try_into().unwrap();
            let decoded = vin.parse::<Vin>().unwrap().decode(2026);
            let json = serde_json::to_value(&decoded).unwrap();
            assert_eq!(json["check_digit"], check_digit, "{kind}: {vin}");
            assert_eq!(decoded.maker.unwrap_or_default(), maker, "{kind}: {vin}");
            assert_eq!(decoded.country, Some(country), "{kind}: {vin}");
            assert_eq!(
                decoded.year_conclusive,
                years.ends_with('!'),
                "{kind}: {vin}"
            );
            let years: Vec<u16> = years
                .split_terminator([' ', '!'])
                .map(|year| year.parse().unwrap())
                .collect();
            assert_eq!(decoded.model_years[..], years[..], "{kind}: {vin}");
        }
    }

    /// Ten thousand VINs of other projects' tests, where they are at hand.
    #[test]
    fn vins_of_other_projects() {
        let shared = std::env::var_os("VINSPECT_SHARED").unwrap_or_else(|| "../shared".into());
        let path = PathBuf::from(shared).join("data/vin_vectors.tsv");
        let Ok(table) = std::fs::read_to_string(&path) else {
            eprintln!("skipped: no {}", path.display());
            return;
        };
        let (mut read, mut exceptions, mut right, mut conclusive) = (0, 0, 0, 0);
        for line in table.lines().skip(1) {
            let fields: Vec<&str> = line.split('\t').collect();
            let vin: Vin = fields[0].parse().unwrap();
            let year: u16 = fields[1].parse().unwrap();
            let decoded = vin.decode(2026);
            read += 1;
            if fields[2].contains("exceptions") {
                exceptions += 1;
                assert_eq!(decoded.check_digit, CheckDigit::NotApplicable, "{vin}");
            } else {
                assert_eq!(decoded.check_digit, CheckDigit::Pass, "{vin}");
            }
            let chosen = decoded.model_years.first() == Some(&year);
            assert!(
                chosen || !decoded.year_conclusive && decoded.model_years.contains(&year),
                "{vin} is of {year}, not {:?}",
                decoded.model_years
            );
            right += usize::from(chosen);
            conclusive += usize::from(decoded.year_conclusive);
            assert!(decoded.maker.is_some(), "{vin} has a maker");
        }
        assert_eq!((read, exceptions), (10149, 299));
        assert!(right >= 10147, "{right} years are right");
        assert!(conclusive > 7000, "{conclusive} are conclusive");
    }
}
