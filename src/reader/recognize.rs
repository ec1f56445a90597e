//! Quad → what its characters are.

use super::{Evidence, ReadError};
use crate::image::{Frame, Quad, warp};
use crate::inference::Network;
use crate::vin::{ALPHABET, LENGTH};

/// The network's input: pixels a row, rows.
const STRIP: (usize, usize) = (256, 32);
/// Where the text's corners lie in it: x0, y0, x1, y1.
const TEXT: (f32, f32, f32, f32) = (8.0, 4.0, 248.0, 28.0);
const CHARACTERS: usize = ALPHABET.len();

/// Reads the line between the corners of a quad.
pub fn recognize(network: &dyn Network, frame: &Frame, quad: &Quad) -> Result<Evidence, ReadError> {
    let strip = warp(frame, quad, TEXT, STRIP.0, STRIP.1);
    let outputs = network.run(strip)?;
    let [characters, mark] = outputs.as_slice() else {
        return Err(ReadError::Shape("recognizer"));
    };
    if characters.len() != LENGTH * CHARACTERS || mark.len() != 1 {
        return Err(ReadError::Shape("recognizer"));
    }
    let mut log_p = [[0.0; CHARACTERS]; LENGTH];
    for (place, logits) in log_p.iter_mut().zip(characters.chunks_exact(CHARACTERS)) {
        place.copy_from_slice(logits);
        log_softmax(place);
    }
    Ok(Evidence {
        log_p,
        mark: 1.0 / (1.0 + (-mark[0]).exp()),
    })
}

fn log_softmax(logits: &mut [f32; CHARACTERS]) {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = logits.iter().map(|logit| (logit - highest).exp()).sum();
    let all = highest + sum.ln();
    logits.iter_mut().for_each(|logit| *logit -= all);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_probabilities_add_up_to_one() {
        let mut logits: [f32; CHARACTERS] = std::array::from_fn(|i| i as f32 * 3.0 - 40.0);
        log_softmax(&mut logits);
        let sum: f32 = logits.iter().map(|log| log.exp()).sum();
        assert!((sum - 1.0).abs() < 1e-5 && logits[32] > -0.1);
    }
}
