//! What the barcodes of a burst say beside the text: the same, something else, or all there is.
//!
//! A barcode's bars and a text's characters do not fail alike: where both say the same VIN, it is that, if the text is a whole VIN;
//! of a longer number both may show the same 17 characters. A barcode is not believed alone, since what it holds need not be the VIN.

use crate::reader::{Candidate, Outcome, Reading, Reason};
use crate::vin::Vin;

/// Different VINs remembered in one burst.
const VINS: usize = 4;
/// What a reading gets of the confidence that it lacks, if a barcode says the same: all but one in a thousand, which is the
/// most that the confidence of a barcode may be trusted without photographs to measure it on.
const CONFIRMED: f32 = 0.999;

/// The VINs in barcodes, in the order of their appearance.
#[derive(Debug, Default)]
pub(super) struct Barcodes(heapless::Vec<Vin, VINS>);

impl Barcodes {
    pub(super) fn add(&mut self, vin: Vin) {
        if !self.0.contains(&vin) {
            // Without room there are enough different ones for a review.
            let _ = self.0.push(vin);
        }
    }

    /// The reading of the text, which may be trusted to be `whole` or not, and what becomes of it beside the barcodes.
    pub(super) fn beside(&self, text: Reading, whole: bool) -> Reading {
        let Some(barcode) = self.0.first() else {
            return text;
        };
        let alone = self.0.len() == 1;
        match &text.vin {
            Some(vin) if alone && vin == barcode && whole => confirmed(text),
            Some(vin) if alone && vin == barcode => text,
            Some(_) => self.review(text, Reason::BarcodeDiffers),
            None => Reading {
                vin: Some(barcode.clone()),
                check_digit: Some(barcode.check_digit()),
                ..self.review(text, Reason::BarcodeAlone)
            },
        }
    }

    /// With what the barcodes say among the candidates. They share what the reading lacks of being certain with all that neither says.
    fn review(&self, text: Reading, reason: Reason) -> Reading {
        let probability = (1.0 - text.confidence) / (self.0.len() + 1) as f32;
        let mut candidates = text.candidates;
        for vin in &self.0 {
            if candidates.iter().all(|candidate| candidate.vin != *vin) {
                if candidates.is_full() {
                    candidates.pop();
                }
                let at = candidates
                    .iter()
                    .position(|candidate| candidate.probability < probability)
                    .unwrap_or(candidates.len());
                let vin = vin.clone();
                // There is room: a full list has just lost its last.
                let _ = candidates.insert(at, Candidate { vin, probability });
            }
        }
        Reading {
            outcome: Outcome::Review,
            reason: Some(reason),
            candidates,
            ..text
        }
    }
}

fn confirmed(text: Reading) -> Reading {
    let confidence = text.confidence + CONFIRMED * (1.0 - text.confidence);
    match text.reason {
        None | Some(Reason::Ambiguous) => Reading {
            outcome: Outcome::Accepted,
            reason: None,
            confidence,
            ..text
        },
        Some(_) => Reading { confidence, ..text },
    }
}
