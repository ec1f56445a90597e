//! Barcodes on a label: the VIN as Code 39, Code 128, Data Matrix or QR.

use std::collections::HashSet;
use std::panic::catch_unwind;

use rxing::common::HybridBinarizer;
use rxing::{BarcodeFormat, BinaryBitmap, DecodeHints, Luma8Source, MultiFormatReader, Reader};

use crate::image::{Frame, Quad, warp};
use crate::vin::{CheckDigit, LENGTH, Vin};

/// How much of a label is looked at: widths and heights of the line of text in its middle.
const LABEL: (f32, f32) = (2.0, 16.0);
/// Text narrower than this has no barcode beside it that could be told: 17 characters take 220 bars and gaps or more.
const NARROWEST: f32 = 200.0;
/// Bars are looked at in rows of so many pixels a text's width: five a bar, so that it does not matter where between pixels
/// a bar of two begins.
const BAR_COLUMNS: f32 = 1200.0;
/// In so many rows a text's height, each the mean of what it covers.
const BAR_ROWS: f32 = 4.0;
/// Rows of one look: half of the height of a low barcode. Several may stand below each other.
const BAND: usize = 4;
/// Squares are looked at as large as they are, but in no more pixels a text's width than this.
const SQUARE_COLUMNS: f32 = 600.0;

/// The VIN in a barcode near a line of text, on the same label.
pub(super) fn beside(frame: &Frame, text: &Quad) -> Option<Vin> {
    if text.width() < NARROWEST {
        return None;
    }
    let (bars, columns) = label(frame, text, BAR_COLUMNS, BAR_ROWS);
    let lines = [BarcodeFormat::CODE_39, BarcodeFormat::CODE_128];
    let mut bands = bars.chunks(BAND * columns);
    bands
        .find_map(|band| decode(band, columns, lines))
        .or_else(|| {
            let scale = (SQUARE_COLUMNS / text.width()).min(1.0);
            let (squares, columns) =
                label(frame, text, scale * text.width(), scale * text.height());
            decode(&squares, columns, [BarcodeFormat::DATA_MATRIX])
                .or_else(|| decode(&squares, columns, [BarcodeFormat::QR_CODE]))
        })
}

/// The label around a text laid flat, so that the text is `width`×`height` pixels; and its pixels a row.
fn label(frame: &Frame, text: &Quad, width: f32, height: f32) -> (Vec<u8>, usize) {
    let left = (LABEL.0 - 1.0) / 2.0 * width;
    let top = (LABEL.1 - 1.0) / 2.0 * height;
    let columns = (LABEL.0 * width) as usize;
    let rows = (LABEL.1 * height) as usize;
    let target = (left, top, left + width, top + height);
    let label = warp(frame, text, target, columns, rows);
    let luma = label.into_iter().map(|level| (level * 255.0) as u8);
    (luma.collect(), columns)
}

/// The VIN in a barcode of one of some formats. The library is a translation and indexes freely: should it panic over some
/// picture, that picture holds no barcode, and the text is read all the same.
fn decode<const N: usize>(luma: &[u8], columns: usize, formats: [BarcodeFormat; N]) -> Option<Vin> {
    let rows = luma.len() / columns;
    let found = catch_unwind(|| {
        let hints = DecodeHints {
            PossibleFormats: Some(HashSet::from(formats)),
            // Squares are looked for everywhere, not around the middle only; lines have their bands for that.
            TryHarder: Some(formats.contains(&BarcodeFormat::DATA_MATRIX)),
            ..DecodeHints::default()
        };
        let source = Luma8Source::new_with_slice(luma, columns as u32, rows as u32)?;
        let mut bitmap = BinaryBitmap::new(HybridBinarizer::new(source));
        MultiFormatReader::default().decode_with_hints(&mut bitmap, &hints)
    });
    vin_in(found.ok()?.ok()?.getText())
}

/// The VIN among what a barcode holds: alone, as one field of several, or with a character or more around it, as the I that
/// some makers put in front of it in Code 39.
fn vin_in(text: &str) -> Option<Vin> {
    const AROUND: usize = 3;
    let whole = |part: &str| part.parse::<Vin>().ok();
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .find_map(|field| {
            let parts = field.len().checked_sub(LENGTH).filter(|&n| n <= AROUND)?;
            let mut vins = (0..=parts).filter_map(|at| whole(&field[at..at + LENGTH]));
            let first = vins.clone().next()?;
            Some(
                vins.find(|vin| vin.check_digit() == CheckDigit::Pass)
                    .unwrap_or(first),
            )
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use rxing::{MultiFormatWriter, Writer};

    use super::*;
    use crate::reader::recognize::corners_of;

    const CAR: &str = "1HGCM82633A004352";

    /// A white frame with a barcode, and the line of text that would stand under it.
    fn label(format: BarcodeFormat, content: &str, bar: usize) -> (Frame, Quad) {
        let (width, height) = (1280, 720);
        let mut luma = vec![230; width * height];
        let code = MultiFormatWriter.encode(content, &format, 1, 1).unwrap();
        let square = code.getHeight() > 1;
        let (left, top) = (300, 200);
        let rows = if square {
            code.getHeight() as usize * bar
        } else {
            60
        };
        for y in 0..rows {
            for x in 0..code.getWidth() as usize * bar {
                let row = if square { (y / bar) as u32 } else { 0 };
                if code.get((x / bar) as u32, row) {
                    luma[(top + y) * width + left + x] = 30;
                }
            }
        }
        let below = (top + rows) as f32;
        let text = Quad(corners_of((360.0, below + 10.0, 860.0, below + 50.0)));
        (
            Frame {
                width,
                height,
                luma,
            },
            text,
        )
    }

    #[test]
    fn the_vin_of_every_kind_of_barcode() {
        for (format, bar) in [
            (BarcodeFormat::CODE_39, 2),
            (BarcodeFormat::CODE_128, 2),
            (BarcodeFormat::DATA_MATRIX, 5),
            (BarcodeFormat::QR_CODE, 5),
        ] {
            let (frame, text) = label(format, CAR, bar);
            let found = beside(&frame, &text).map(|vin| vin.to_string());
            assert_eq!(found.as_deref(), Some(CAR), "{format:?}");
        }
    }

    #[test]
    fn a_barcode_that_is_no_vin_says_nothing() {
        let (frame, text) = label(BarcodeFormat::CODE_128, "PART 4711-0815", 2);
        assert_eq!(beside(&frame, &text), None);
    }

    #[test]
    fn what_stands_around_a_vin_is_passed_over() {
        let found = |text: &str| vin_in(text).map(|vin| vin.to_string());
        assert_eq!(found(CAR).as_deref(), Some(CAR));
        assert_eq!(found(&format!("I{CAR}")).as_deref(), Some(CAR));
        assert_eq!(found(&format!("{CAR}AB")).as_deref(), Some(CAR));
        assert_eq!(found(&format!("A1{CAR}")).as_deref(), Some(CAR)); // by its check digit
        assert_eq!(found(&format!("P/N 4711;{CAR};2003")).as_deref(), Some(CAR));
        assert_eq!(found(&format!("{CAR}ABCD")), None); // some other number
        assert_eq!(found("HTTPS://EXAMPLE.ORG/Q"), None);
    }
}
