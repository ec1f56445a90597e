//! World manufacturer identifiers: who holds a code, and which country gave it out (ISO 3780).

use std::sync::LazyLock;

/// Makers by code, sorted by code; the file says where they come from.
static MAKERS: LazyLock<Vec<(&'static str, &'static str)>> = LazyLock::new(|| {
    rows(include_str!("wmi.tsv"))
        .map(|[code, _source, maker]| (code, maker))
        .collect()
});

/// From, to, country; the file says where they come from.
static COUNTRIES: LazyLock<Vec<[&'static str; 3]>> =
    LazyLock::new(|| rows(include_str!("countries.tsv")).collect());

fn rows(table: &'static str) -> impl Iterator<Item = [&'static str; 3]> {
    table
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let mut fields = line.split('\t');
            Some([fields.next()?, fields.next()?, fields.next()?])
        })
}

/// Every code of the table: two, three or six characters.
pub(crate) fn maker_codes() -> impl Iterator<Item = &'static str> {
    MAKERS.iter().map(|(code, _)| *code)
}

/// The maker of a VIN of 17 ASCII characters: by three characters, else by two. A 9 in third place belongs to many
/// small makers, told apart by places 12 to 14.
pub(super) fn maker_of(vin: &str) -> Option<&'static str> {
    let find = |code: &str| {
        let row = MAKERS.binary_search_by_key(&code, |(code, _)| *code).ok()?;
        Some(MAKERS[row].1)
    };
    if vin.as_bytes()[2] == b'9' {
        find(&[&vin[..3], &vin[11..14]].concat())
    } else {
        find(&vin[..3]).or_else(|| find(&vin[..2]))
    }
}

/// The country whose authority gave the code out, by the first two ASCII characters.
pub(crate) fn country_of(code: &str) -> Option<&'static str> {
    let wanted = order(code);
    COUNTRIES.iter().find_map(|&[from, to, country]| {
        (order(from) <= wanted && wanted <= order(to)).then_some(country)
    })
}

/// The first two characters by the order of ISO 3780: A-Z, 1-9, 0.
fn order(code: &str) -> [u8; 2] {
    let bytes = code.as_bytes();
    [0, 1].map(|index| match bytes.get(index) {
        Some(b'0') => b'Z' + 10,
        Some(digit @ b'1'..=b'9') => b'Z' + digit - b'0',
        Some(letter) => *letter,
        None => 0,
    })
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
        assert_eq!(MAKERS.len(), 1681);
        assert!(
            MAKERS.is_sorted_by(|a, b| a.0 < b.0),
            "binary search needs it"
        );
        assert!(
            MAKERS
                .iter()
                .all(|(code, maker)| matches!(code.len(), 2 | 3 | 6) && !maker.is_empty())
        );
        assert_eq!(COUNTRIES.len(), 119);
        for first in crate::vin::ALPHABET.iter().map(|&byte| char::from(byte)) {
            for second in crate::vin::ALPHABET.iter().map(|&byte| char::from(byte)) {
                let pair = format!("{first}{second}");
                let wanted = order(&pair);
                let holders = COUNTRIES
                    .iter()
                    .filter(|[from, to, _]| order(from) <= wanted && wanted <= order(to))
                    .count();
                assert!(holders <= 1, "{pair} belongs to {holders} countries");
            }
        }
    }

    #[test]
    fn countries_as_given_out() {
        assert_eq!(country_of("AA"), Some("South Africa"));
        assert_eq!(country_of("SA"), Some("United Kingdom"));
        assert_eq!(country_of("SN"), Some("Germany"));
        assert_eq!(country_of("HA"), Some("China"));
        assert_eq!(country_of("7S"), Some("United States"));
        assert_eq!(country_of("W0"), Some("Germany"));
        assert_eq!(country_of("Z9"), Some("Russia"));
        assert_eq!(country_of("0A"), None);
    }

    #[test]
    fn the_longest_code_wins() {
        assert_eq!(maker_of("WVWZZZ1JZYW000001"), Some("Volkswagen"));
        assert_eq!(maker_of("19UYA42651A000001"), Some("Acura"));
        assert_eq!(maker_of("1G9PEAC39RL839001"), None); // not General Motors
        assert_eq!(maker_of("1A9PEAC39RL841001"), Some("AC Propulsion"));
        assert_eq!(maker_of("00000000000000000"), Some("Maserati"));
        assert_eq!(maker_of("0FF00000000000000"), None);
    }
}
