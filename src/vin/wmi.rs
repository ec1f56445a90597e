//! World manufacturer identifiers: who holds a code, for vehicles of which type, and which country gave it out (ISO 3780).

use std::fmt;

use serde::Serialize;

use super::alphabet::{ALPHABET, index_of};
use super::table::{count, rows};

const MAKERS_TABLE: &str = include_str!("wmi.tsv");
const COUNTRIES_TABLE: &str = include_str!("countries.tsv");

/// Code, source, vehicle type and maker, sorted by code; the file says where they come from.
#[allow(long_running_const_eval)] // 60 KB of text; done in a second.
static MAKERS: [[&str; 4]; count(MAKERS_TABLE)] = rows(MAKERS_TABLE);

/// From, to, country; the file says where they come from.
static COUNTRIES: [[&str; 3]; count(COUNTRIES_TABLE)] = rows(COUNTRIES_TABLE);

/// One more than the row of [`COUNTRIES`] by the indices of the first two characters; 0 for none.
static HOLDERS: [[u8; 33]; 33] = {
    let mut holders = [[0; 33]; 33];
    let mut row = 0;
    while row < COUNTRIES.len() {
        let [from, to, _] = COUNTRIES[row];
        let mut second = 0;
        while second < 33 {
            let place = order(ALPHABET[second]);
            if order(from.as_bytes()[1]) <= place && place <= order(to.as_bytes()[1]) {
                // The table is whole: no code is outside the alphabet.
                if let Some(first) = index_of(from.as_bytes()[0]) {
                    holders[first][second] = row as u8 + 1;
                }
            }
            second += 1;
        }
        row += 1;
    }
    holders
};

/// Every code of the table: two, three or six characters.
pub(crate) fn maker_codes() -> impl Iterator<Item = &'static str> {
    MAKERS.iter().map(|[code, ..]| *code)
}

/// The type of vehicles that a maker's code is registered for with NHTSA (vPIC), as in 49 CFR 571.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum VehicleType {
    /// Built to carry ten persons at most.
    PassengerCar,
    /// The same, on a truck's chassis or for rough ground: sport utility vehicles, vans.
    Multipurpose,
    /// Built for cargo.
    Truck,
    /// Built for more than ten persons.
    Bus,
    /// A chassis that somebody else completes.
    Incomplete,
}

impl fmt::Display for VehicleType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PassengerCar => "passenger cars",
            Self::Multipurpose => "multipurpose passenger vehicles",
            Self::Truck => "trucks",
            Self::Bus => "buses",
            Self::Incomplete => "incomplete vehicles",
        })
    }
}

/// Who holds a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    pub maker: &'static str,
    pub vehicle_type: Option<VehicleType>,
}

/// The holder of the code of a VIN of 17 ASCII characters: by three characters, else by two. A 9 in third place belongs to
/// many small makers, told apart by places 12 to 14.
pub(super) fn holder_of(vin: &[u8]) -> Option<Holder> {
    let find = |code: &[u8]| {
        let row = MAKERS
            .binary_search_by(|[known, ..]| known.as_bytes().cmp(code))
            .ok()?;
        let [_, _, vehicle_type, maker] = MAKERS[row];
        let vehicle_type = match vehicle_type {
            "p" => Some(VehicleType::PassengerCar),
            "m" => Some(VehicleType::Multipurpose),
            "t" => Some(VehicleType::Truck),
            "b" => Some(VehicleType::Bus),
            "c" => Some(VehicleType::Incomplete),
            _ => None,
        };
        Some(Holder {
            maker,
            vehicle_type,
        })
    };
    if vin[2] == b'9' {
        find(&[vin[0], vin[1], vin[2], vin[11], vin[12], vin[13]])
    } else {
        find(&vin[..3]).or_else(|| find(&vin[..2]))
    }
}

/// The country whose authority gave the code out, by the first two ASCII characters.
pub(crate) fn country_of(first: u8, second: u8) -> Option<&'static str> {
    let row = HOLDERS[index_of(first)?][index_of(second)?];
    Some(COUNTRIES[usize::from(row.checked_sub(1)?)][2])
}

/// Where a second character stands in the order of ISO 3780: A-Z, 1-9, 0.
const fn order(byte: u8) -> usize {
    match byte {
        b'0' => 36,
        b'1'..=b'9' => 26 + (byte - b'1') as usize,
        _ => (byte - b'A') as usize,
    }
}

/// The part of the world by the first character (ISO 3780, with H for China and 7 for the USA as given out since).
pub(super) fn region_of(first: u8) -> &'static str {
    match first {
        b'H' | b'J'..=b'R' => "Asia",
        b'A'..=b'G' => "Africa",
        b'S'..=b'Z' => "Europe",
        b'6' => "Oceania",
        b'1'..=b'5' | b'7' => "North America",
        _ => "South America",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_whole_and_sorted() {
        assert_eq!(MAKERS.len(), 1693);
        assert!(
            MAKERS.is_sorted_by(|a, b| a[0] < b[0]),
            "binary search needs it"
        );
        assert!(
            MAKERS
                .iter()
                .all(
                    |[code, source, vehicle_type, maker]| matches!(code.len(), 2 | 3 | 6)
                        && ["n", "i", "l", "o"].contains(source)
                        && ["p", "m", "t", "b", "c", "-"].contains(vehicle_type)
                        && !maker.is_empty()
                )
        );
        assert_eq!(COUNTRIES.len(), 119);
        for [from, to, country] in COUNTRIES {
            let bytes = [from.as_bytes(), to.as_bytes()];
            assert_eq!(bytes[0][0], bytes[1][0], "a range has one first character");
            for [first, second] in bytes.map(|code| [code[0], code[1]]) {
                assert_eq!(country_of(first, second), Some(country), "{from}");
            }
        }
    }

    #[test]
    fn countries_as_given_out() {
        assert_eq!(country_of(b'A', b'A'), Some("South Africa"));
        assert_eq!(country_of(b'S', b'A'), Some("United Kingdom"));
        assert_eq!(country_of(b'S', b'N'), Some("Germany"));
        assert_eq!(country_of(b'H', b'A'), Some("China"));
        assert_eq!(country_of(b'7', b'S'), Some("United States"));
        assert_eq!(country_of(b'W', b'0'), Some("Germany"));
        assert_eq!(country_of(b'Z', b'9'), Some("Russia"));
        assert_eq!(country_of(b'0', b'A'), None);
    }

    #[test]
    fn the_longest_code_wins() {
        let maker_of = |vin: &[u8]| holder_of(vin).map(|holder| holder.maker);
        assert_eq!(maker_of(b"WVWZZZ1JZYW000001"), Some("Volkswagen"));
        assert_eq!(maker_of(b"19UYA42651A000001"), Some("Acura"));
        assert_eq!(maker_of(b"1G9PEAC39RL839001"), None); // not General Motors
        assert_eq!(maker_of(b"1A9PEAC39RL841001"), Some("AC Propulsion"));
        assert_eq!(maker_of(b"00000000000000000"), Some("Maserati"));
        assert_eq!(maker_of(b"0FF00000000000000"), None);
    }

    #[test]
    fn types_as_registered() {
        let type_of = |vin: &[u8]| holder_of(vin)?.vehicle_type;
        let wanted = [
            ("1FA", Some(VehicleType::PassengerCar)),
            ("1FM", Some(VehicleType::Multipurpose)),
            ("1FT", Some(VehicleType::Truck)),
            ("1FB", Some(VehicleType::Bus)),
            ("1FD", Some(VehicleType::Incomplete)),
            ("WVW", Some(VehicleType::PassengerCar)),
            ("XTA", None), // not sold in the USA
        ];
        for (code, vehicle_type) in wanted {
            let vin = format!("{code}00000000000000");
            assert_eq!(type_of(vin.as_bytes()), vehicle_type, "{code}");
        }
    }
}
