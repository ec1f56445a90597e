//! Scripted pixels for tests: what a recognizer would say of a text.

use super::{Evidence, Mark, Observation};
use crate::image::{Point, Quad};
use crate::vin::{ALPHABET, LENGTH};

type LogP = [[f32; 33]; LENGTH];

/// Log-odds of each character of `text` against each other one.
pub(crate) fn text(text: &str, odds: f32) -> LogP {
    assert_eq!(text.len(), LENGTH, "{text}");
    let bytes = text.as_bytes();
    std::array::from_fn(|place| {
        let logs: [f32; 33] = std::array::from_fn(|c| {
            if ALPHABET[c] == bytes[place] {
                odds
            } else {
                0.0
            }
        });
        let all: f32 = logs.iter().map(|log| log.exp()).sum();
        logs.map(|log| log - all.ln())
    })
}

/// A text that leaves no doubt.
pub(crate) fn clear(vin: &str) -> LogP {
    text(vin, 14.0)
}

/// A clear text but for one place (1 to 17), where `other` fits better than the text by these log-odds.
pub(crate) fn doubt(vin: &str, place: usize, other: char, odds: f32) -> LogP {
    let mut log_p = clear(vin);
    let logs = &mut log_p[place - 1];
    let highest = logs.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    for (log, byte) in logs.iter_mut().zip(ALPHABET) {
        if char::from(*byte) == other {
            *log = highest + odds;
        }
    }
    let all: f32 = logs.iter().map(|log| log.exp()).sum();
    logs.iter_mut().for_each(|log| *log -= all.ln());
    log_p
}

/// A level mark of a width in pixels.
pub(crate) fn mark(log_p: LogP, probability: f32, width: f32) -> Mark {
    let corner = |x: f32, y: f32| Point {
        x: 100.0 + x,
        y: 100.0 + y,
    };
    let height = width / 10.0;
    Mark {
        quad: Quad([
            corner(0.0, 0.0),
            corner(width, 0.0),
            corner(width, height),
            corner(0.0, height),
        ]),
        evidence: Evidence {
            log_p,
            mark: probability,
        },
        longer: Some(0.0),
        contradicted: false,
    }
}

/// A frame with these marks.
pub(crate) fn frame(marks: impl IntoIterator<Item = Mark>) -> Observation {
    Observation {
        marks: marks.into_iter().collect(),
        barcode: None,
    }
}

/// A frame with one good mark.
pub(crate) fn seen(log_p: LogP) -> Observation {
    frame([mark(log_p, 0.999, 340.0)])
}
