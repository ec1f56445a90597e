//! Grey pictures as JPEG.

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder};

use super::Frame;

/// Good enough to read by.
const QUALITY: u8 = 85;

/// A baseline JPEG. Empty for a picture that has no pixels or more than JPEG can hold (65,535 a side).
pub fn jpeg(frame: &Frame) -> Vec<u8> {
    let mut bytes = Vec::new();
    let side = |pixels| u32::try_from(pixels).unwrap_or(u32::MAX);
    let (width, height) = (side(frame.width), side(frame.height));
    let encoder = JpegEncoder::new_with_quality(&mut bytes, QUALITY);
    if let Err(error) = encoder.write_image(&frame.luma, width, height, ExtendedColorType::L8) {
        log::error!("a picture of {width}×{height} pixels cannot be encoded: {error}");
        bytes.clear();
    }
    bytes
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::image::decode;

    #[test]
    fn what_is_encoded_looks_the_same() {
        let (width, height) = (64, 32);
        let luma = (0..width * height)
            .map(|at| (at % width * 4) as u8)
            .collect();
        let frame = Frame {
            width,
            height,
            luma,
        };
        let again = decode(&jpeg(&frame)).unwrap();
        assert_eq!((again.width, again.height), (width, height));
        let pairs = frame.luma.iter().zip(&again.luma);
        assert!(pairs.into_iter().all(|(a, b)| a.abs_diff(*b) < 8));
    }
}
