//! What makers have registered in North America: `models/registered.tsv`.

use super::{CHARACTERS, Places, TAIL};
use crate::vin::{LENGTH, index_of};

/// Places, counted from 0, that are told.
const TOLD: [usize; 7] = [3, 4, 5, 6, 7, TAIL[0], TAIL[1]];

/// Chance that a place of what is registered holds any character whatever: the table is not complete, and no VIN that was stamped otherwise
/// may be read as it should be. Of 0, 0.001, 0.003, 0.01, 0.03 and 0.1 the best for photographed vehicles but one, and within 0.05 of the best for
/// those of `vin_vectors.tsv` (natural logarithm of the likelihood).
const OTHERWISE: f64 = 0.03;

/// What one maker has registered.
pub(in crate::reader) struct Registrant {
    /// The first three characters.
    pub code: [u8; 3],
    /// Of a vehicle as it is registered.
    pub chance: f64,
    pub rows: Vec<Registered>,
}

/// What vehicles may hold that have some places in common, each character told of a place as likely as the next.
pub(in crate::reader) struct Registered {
    /// Among those of its maker.
    share: f64,
    /// What stands in each of the told places, a bit a character.
    places: [u64; TOLD.len()],
}

impl Registered {
    /// How it uses the places, given how a region does.
    pub(super) fn places_within(&self, region: &Places) -> Places {
        let mut places = *region;
        for (place, set) in TOLD.into_iter().zip(self.places) {
            places[place] = std::array::from_fn(|character| share(set, character));
        }
        places
    }

    /// Pixels times prior of the told places among what its maker has registered. `sums`: of the pixels of each place.
    pub fn seen(&self, pixels: &Places, sums: &[f64; LENGTH]) -> f64 {
        let told = TOLD.into_iter().zip(self.places).map(|(place, set)| {
            let (mut members, mut left) = (0.0, set);
            while left != 0 {
                members += pixels[place][left.trailing_zeros() as usize];
                left &= left - 1;
            }
            let of_set = (1.0 - OTHERWISE) * members / f64::from(set.count_ones());
            of_set + OTHERWISE * sums[place] / CHARACTERS as f64
        });
        self.share * told.product::<f64>()
    }

    /// The chance of what stands in the told places of a VIN among what its maker has registered.
    pub fn chance_of(&self, vin: &[u8; LENGTH]) -> f64 {
        let told = TOLD.into_iter().zip(self.places);
        let shares = told.map(|(place, set)| share(set, usize::from(vin[place])));
        self.share * shares.product::<f64>()
    }
}

/// The chance of a character in a place that is told to hold one of a set.
fn share(set: u64, character: usize) -> f64 {
    let member = (set >> character & 1) as f64;
    (1.0 - OTHERWISE) * member / f64::from(set.count_ones()) + OTHERWISE / CHARACTERS as f64
}

/// All makers of the table, in the order of their codes, each with this chance times what is told of its code.
pub(super) fn registrants(chance: impl Fn([u8; 3]) -> f64) -> Vec<Registrant> {
    let mut found = Vec::<Registrant>::new();
    for (code, row) in rows() {
        match found.last_mut() {
            Some(last) if last.code == code => last.rows.push(row),
            _ => found.push(Registrant {
                code,
                chance: chance(code),
                rows: vec![row],
            }),
        }
    }
    for registrant in &mut found {
        let all: f64 = registrant.rows.iter().map(|row| row.share).sum();
        for row in &mut registrant.rows {
            row.share /= all;
        }
    }
    found
}

/// All rows of the table with their codes; their shares are how many years they were registered for.
fn rows() -> impl Iterator<Item = ([u8; 3], Registered)> {
    include_str!("../../../models/registered.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(row)
}

fn row(line: &str) -> Option<([u8; 3], Registered)> {
    let mut fields = line.split('\t').map(str::as_bytes);
    let mut code = [0; 3];
    let characters: &[u8; 3] = fields.next()?.try_into().ok()?;
    for (character, &byte) in code.iter_mut().zip(characters) {
        *character = index_of(byte)? as u8;
    }
    let mut descriptors = fields.next()?;
    let (years, mut plants) = (fields.next()?, fields.next()?);
    let mut places = [0; TOLD.len()];
    let [told @ .., year, plant] = &mut places;
    for place in told {
        *place = set(&mut descriptors)?;
    }
    *year = one_of(years)?;
    *plant = set(&mut plants)?;
    let all = descriptors.is_empty() && plants.is_empty() && !places.contains(&0);
    let share = years.len() as f64;
    all.then_some((code, Registered { share, places }))
}

/// All characters.
const ANY: u64 = (1 << CHARACTERS) - 1;

/// Takes a place off the front: a character, a class of them in brackets, or `*`.
fn set(text: &mut &[u8]) -> Option<u64> {
    let (&first, rest) = text.split_first()?;
    let (set, rest) = match first {
        b'[' => {
            let length = rest.iter().position(|&byte| byte == b']')?;
            (one_of(&rest[..length]), &rest[length + 1..])
        }
        b'*' => (Some(ANY), rest),
        _ => (one_of(&text[..1]), rest),
    };
    *text = rest;
    set
}

/// Characters, and ranges of the alphabet's.
fn one_of(mut body: &[u8]) -> Option<u64> {
    let mut set = 0;
    while let Some(&first) = body.first() {
        let (last, length) = match body {
            [_, b'-', last, ..] => (*last, 3),
            _ => (first, 1),
        };
        for character in index_of(first)?..=index_of(last)? {
            set |= 1 << character;
        }
        body = &body[length..];
    }
    Some(set)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_row_of_the_table_is_understood() {
        let table = include_str!("../../../models/registered.tsv");
        let lines = table.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(rows().count(), lines);
        assert!(rows().map(|(code, _)| code).is_sorted());
    }

    #[test]
    fn places_are_read_as_they_are_written() {
        let bit = |byte| 1 << index_of(byte).unwrap();
        let (_, row) = row("KMT\tG[1-3HK-M]4*D\tPR\tU").unwrap();
        let second = b"123HKLM".iter().fold(0, |set, &byte| set | bit(byte));
        let years = bit(b'P') | bit(b'R');
        let wanted = [
            bit(b'G'),
            second,
            bit(b'4'),
            ANY,
            bit(b'D'),
            years,
            bit(b'U'),
        ];
        assert_eq!(row.places, wanted);
        assert!((row.share - 2.0).abs() < 1e-9);
    }

    #[test]
    fn what_is_no_row_is_none() {
        let lines = [
            "",
            "KM\tG1234\tP\tU",
            "KMT\tG123\tP\tU",
            "KMT\tG12[34\tP\tU",
            "KMT\tG1234\t\tU",
            "KMT\tG1234\tP\tUU",
            "KMT\tG12O4\tP\tU",
        ];
        assert!(lines.into_iter().all(|line| row(line).is_none()));
    }
}
