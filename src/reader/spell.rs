//! What the columns of a strip spell, as far as it goes: how many characters there are, which, and where.
//!
//! A network says of each column which character stands there, or what lies beyond the line, or nothing new. Every walk along the
//! columns, from beyond the line through its characters to beyond it again, spells a line (connectionist temporal classification: Graves et
//! al., ICML 2006). The sums over all walks are exact.

use std::iter;
use std::ops::{Range, RangeInclusive};

use super::recognize::{CHARACTERS, LogP, STRIP, WRITING};
use crate::vin::LENGTH;

/// By so many pixels characters begin to be spelt before their middle: half of 138 tuning photographs by less at either end.
const EARLY: f32 = 4.0;
/// What a column may show: a character of [`WRITING`], what lies beyond the line, or nothing new.
pub const CLASSES: usize = WRITING + 2;
/// The characters that no VIN has.
const BARRED: Range<usize> = CHARACTERS..WRITING;
const BEYOND: usize = WRITING;
const NOTHING: usize = WRITING + 1;
/// Lines are counted to so many characters.
const MOST: usize = LENGTH + 3;
/// Probability, by that of a column's likeliest, below which nothing falls: no column rules anything out.
const LEAST: f64 = 1e-7;

/// What a line says if it is a whole VIN.
pub struct Spelling {
    /// Probability that it is: 17 characters and no more, and none that no VIN has.
    pub whole: f32,
    /// Probability that more than 17 characters stand there.
    pub longer: f32,
    /// Which characters, as natural logarithms.
    pub log_p: LogP,
    /// Where in the strip the first and the last one begin to be spelt, in pixels, by their probabilities.
    ends: (f32, f32),
}

impl Spelling {
    /// Where it begins and ends in the strip, in pixels.
    pub fn extent(&self) -> (f32, f32) {
        let (first, last) = (self.ends.0 + EARLY, self.ends.1 + EARLY);
        let half = (last - first) / (LENGTH - 1) as f32 / 2.0;
        (first - half, last + half)
    }
}

type Column = [f64; CLASSES];

/// Sums over the walks up to a column, by how many characters they have spelt.
#[derive(Clone)]
struct Walks {
    /// Nothing yet; what is before the line; nothing since.
    before: [f64; 3],
    /// In a character.
    inside: [[f64; WRITING]; MOST + 1],
    /// Behind one.
    between: [f64; MOST + 1],
    /// What is behind the line; nothing since.
    behind: [[f64; 2]; MOST + 1],
}

impl Walks {
    const START: Self = Self {
        before: [1.0, 0.0, 0.0],
        inside: [[0.0; WRITING]; MOST + 1],
        between: [0.0; MOST + 1],
        behind: [[0.0; 2]; MOST + 1],
    };

    /// One column on. A character comes twice only with nothing in between.
    fn next(&self, column: &Column) -> Self {
        let mut next = Self::START;
        let (beyond, nothing) = (column[BEYOND], column[NOTHING]);
        let [none, edge, since] = self.before;
        next.before = [
            none * nothing,
            (none + edge) * beyond,
            (edge + since) * nothing,
        ];
        let mut fewer = (edge + since, &[0.0; WRITING]);
        for n in 1..=MOST {
            let here = &self.inside[n];
            for (c, sum) in next.inside[n].iter_mut().enumerate() {
                *sum = (here[c] + fewer.0 - fewer.1[c]) * column[c];
            }
            let spelt = here.iter().sum::<f64>() + self.between[n];
            let [edge, since] = self.behind[n];
            next.between[n] = spelt * nothing;
            next.behind[n] = [(edge + spelt) * beyond, (edge + since) * nothing];
            fewer = (spelt, here);
        }
        next
    }

    /// Those that have left the line after n characters.
    fn lines(&self, n: usize) -> f64 {
        self.behind[n].iter().sum()
    }
}

/// The walks before each column, and those behind the last.
fn walks<'a>(columns: impl Iterator<Item = &'a Column>) -> Vec<Walks> {
    let steps = columns.scan(Walks::START, |walks, column| {
        *walks = walks.next(column);
        Some(walks.clone())
    });
    iter::once(Walks::START).chain(steps).collect()
}

/// From a network's outputs: logits [columns][38] alone; none if they are anything else.
pub fn spell(outputs: &[Vec<f32>], columns: usize) -> Option<Spelling> {
    let [logits] = outputs else { return None };
    let (logits, rest) = logits.as_chunks::<CLASSES>();
    if !rest.is_empty() || logits.len() != columns {
        return None;
    }
    let columns: Vec<Column> = logits.iter().map(column).collect();
    let all = columns
        .iter()
        .fold(Walks::START, |walks, column| walks.next(column));
    let of = |counts: RangeInclusive<usize>| counts.map(|n| all.lines(n)).sum::<f64>();
    let lines = of(1..=MOST).max(f64::MIN_POSITIVE);
    let longer = of(LENGTH + 1..=MOST);
    let columns: Vec<Column> = columns.iter().map(without_barred).collect();
    // A walk reads the same from its other end.
    let (forth, back) = (walks(columns.iter()), walks(columns.iter().rev()));
    let vins = forth[columns.len()].lines(LENGTH);
    let mut places = [[0.0; CHARACTERS]; LENGTH];
    let mut begins = [0.0; LENGTH];
    for (at, column) in columns.iter().enumerate() {
        let (before, here, rest) = (&forth[at], &forth[at + 1], &back[columns.len() - at]);
        for (place, sums) in places.iter_mut().enumerate() {
            let (n, left) = (place + 1, LENGTH - place);
            for (c, sum) in sums.iter_mut().enumerate() {
                let begun = (here.inside[n][c] - before.inside[n][c] * column[c]).max(0.0);
                let share = begun * rest.inside[left][c] / column[c] / vins.max(f64::MIN_POSITIVE);
                *sum += share;
                begins[place] += share * at as f64;
            }
        }
    }
    let width = STRIP.0 as f32 / columns.len() as f32;
    let middle = |column: f64| (column as f32 + 0.5) * width;
    Some(Spelling {
        whole: (vins / lines) as f32,
        longer: (longer / lines) as f32,
        log_p: places.map(|place| place.map(|p| p.max(LEAST).ln() as f32)),
        ends: (middle(begins[0]), middle(begins[LENGTH - 1])),
    })
}

/// Probabilities, by that of the likeliest.
fn column(logits: &[f32; CLASSES]) -> Column {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    logits.map(|logit| f64::from(logit - highest).exp().max(LEAST))
}

/// Without the characters that no VIN has.
fn without_barred(column: &Column) -> Column {
    let mut column = *column;
    column[BARRED].fill(0.0);
    column
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::super::recognize::likeliest;
    use super::*;
    use crate::vin::ALPHABET;

    /// Columns of the examiner.
    const COLUMNS: usize = 64;
    /// In which of them the first character is seen of a text that lies where it was put, and how far its characters are from each other.
    const FIRST: usize = 6;
    const PITCH: f32 = 3.06;

    /// Columns that show the examiner a text where it was put.
    pub fn spelling(text: impl IntoIterator<Item = usize>) -> Vec<f32> {
        shown(&apart(text, PITCH), FIRST, COLUMNS)
    }

    /// And the arbiter.
    pub fn arbitration(text: impl IntoIterator<Item = usize>) -> Vec<f32> {
        shown(&apart(text, 2.26), 3, 44)
    }

    fn apart(text: impl IntoIterator<Item = usize>, pitch: f32) -> Vec<usize> {
        let mut classes = vec![];
        for (place, class) in text.into_iter().enumerate() {
            classes.resize((place as f32 * pitch).round() as usize, NOTHING);
            classes.push(class);
        }
        classes
    }

    /// Columns that each show a class, and the others what lies beyond the line.
    fn shown(classes: &[usize], first: usize, columns: usize) -> Vec<f32> {
        let mut logits = vec![0.0; columns * CLASSES];
        for (at, column) in logits.chunks_exact_mut(CLASSES).enumerate() {
            let class = at.checked_sub(first).and_then(|along| classes.get(along));
            column[*class.unwrap_or(&BEYOND)] = 12.0;
        }
        logits
    }

    fn said(logits: Vec<f32>) -> Spelling {
        spell(&[logits], COLUMNS).unwrap()
    }

    fn class(character: u8) -> usize {
        let known = ALPHABET.iter().chain(b"IOQ");
        known
            .into_iter()
            .position(|known| *known == character)
            .unwrap()
    }

    fn of(text: &str) -> Spelling {
        said(spelling(text.bytes().map(class)))
    }

    fn text(spelling: &Spelling) -> String {
        let likeliest = |place| char::from(ALPHABET[likeliest(place).0]);
        spelling.log_p.iter().map(likeliest).collect()
    }

    #[test]
    fn a_vin_is_spelt() {
        let spelling = of("1HGCM82633A004352");
        assert_eq!(text(&spelling), "1HGCM82633A004352");
        assert!(spelling.whole > 0.99, "{}", spelling.whole);
        let (begin, end) = spelling.extent();
        assert!(
            (begin - 24.0).abs() < 1.0 && (end - 232.0).abs() < 1.0,
            "{begin} {end}"
        );
    }

    #[test]
    fn a_character_more_or_less_is_none() {
        for text in ["1HGCM82633A00435", "1HGCM82633A0043522", "HGCM82633A", ""] {
            let spelling = of(text);
            assert!(spelling.whole < 0.01, "{text}");
            assert_eq!(spelling.longer > 0.99, text.len() > LENGTH, "{text}");
        }
    }

    #[test]
    fn characters_that_no_vin_has_are_none() {
        for text in [
            "1HGCM82633A0O4352",
            "IHGCM82633A004352",
            "1HGCM8263QA004352",
        ] {
            assert!(of(text).whole < 0.01, "{text}");
        }
    }

    #[test]
    fn a_stroke_that_may_as_well_be_an_i_is_for_a_person() {
        let mut logits = spelling("1HGCM82633A004352".bytes().map(class));
        for column in logits.chunks_exact_mut(CLASSES) {
            column[class(b'I')] = column[class(b'1')];
        }
        let whole = said(logits).whole;
        assert!((0.3..0.7).contains(&whole), "{whole}");
    }

    #[test]
    fn one_character_may_be_wide() {
        let mut classes: Vec<_> = b"1HGCM82633A004352".map(class).into();
        classes.insert(12, NOTHING); // between the zeros
        classes.insert(9, NOTHING); // between the threes
        classes.insert(4, classes[4]);
        let spelling = said(shown(&classes, FIRST, COLUMNS));
        assert!(spelling.whole > 0.99 && text(&spelling) == "1HGCM82633A004352");
        classes.remove(10);
        assert!(said(shown(&classes, FIRST, COLUMNS)).whole < 0.01);
    }

    #[test]
    fn what_spells_nothing_sensible_is_none() {
        let mut flicker = shown(
            &(0..CLASSES).cycle().take(COLUMNS).collect::<Vec<_>>(),
            FIRST,
            COLUMNS,
        );
        flicker.iter_mut().for_each(|logit| *logit *= 9.0);
        let spelling = said(flicker);
        assert!(spelling.whole < 0.01, "{}", spelling.whole);
        assert!(
            spelling
                .log_p
                .as_flattened()
                .iter()
                .all(|log| log.is_finite())
        );
        for nonsense in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let whole = said(vec![nonsense; COLUMNS * CLASSES]).whole;
            assert!((0.0..0.5).contains(&whole), "{nonsense}: {whole}");
        }
    }

    #[test]
    fn other_outputs_are_none_of_a_speller() {
        let columns = spelling([4; LENGTH]);
        let less = columns[1..].to_vec();
        let other = arbitration([4; LENGTH]);
        for outputs in [
            vec![],
            vec![less],
            vec![other],
            vec![columns.clone(), columns],
        ] {
            assert!(spell(&outputs, COLUMNS).is_none());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20))]
        #[test]
        fn places_add_up_and_reading_backwards_turns_them(
            logits in proptest::collection::vec(-9.0f32..9.0, COLUMNS * CLASSES)
        ) {
            let turned: Vec<f32> = logits.rchunks_exact(CLASSES).flatten().copied().collect();
            let (forwards, backwards) = (said(logits), said(turned));
            prop_assert!((0.0..=1.0).contains(&forwards.whole));
            prop_assert!((forwards.whole - backwards.whole).abs() < 1e-4);
            for (place, mirrored) in iter::zip(&forwards.log_p, backwards.log_p.iter().rev()) {
                let sum: f32 = place.iter().map(|log| log.exp()).sum();
                prop_assert!((sum - 1.0).abs() < 1e-3, "{sum}");
                for (p, q) in iter::zip(place, mirrored) {
                    prop_assert!((p.exp() - q.exp()).abs() < 1e-3, "{p} {q}");
                }
            }
        }
    }
}
