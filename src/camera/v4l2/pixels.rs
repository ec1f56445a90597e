//! How pixels come: the choice among what a camera gives, and the brightness of what came.

use v4l::format::FourCC;
use v4l::frameinterval::FrameIntervalEnum;
use v4l::video::Capture;
use v4l::{Device, Format, Fraction};

use crate::image::{Frame, decode};

/// How pixels come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PixelFormat {
    /// Uncompressed grey.
    Grey,
    /// Uncompressed, all the grey before the colours.
    Nv12,
    /// Uncompressed, grey in every second byte.
    Yuyv,
    /// JPEG frames: what USB cameras give at full size.
    Mjpeg,
}

impl PixelFormat {
    /// The best first: uncompressed, and then the smallest.
    pub const ALL: [Self; 4] = [Self::Grey, Self::Nv12, Self::Yuyv, Self::Mjpeg];

    /// Its name in V4L2.
    pub(super) fn fourcc(self) -> FourCC {
        FourCC::new(match self {
            Self::Grey => b"GREY",
            Self::Nv12 => b"NV12",
            Self::Yuyv => b"YUYV",
            Self::Mjpeg => b"MJPG",
        })
    }

    /// Its name as `camera.format`.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Grey => "grey",
            Self::Nv12 => "nv12",
            Self::Yuyv => "yuyv",
            Self::Mjpeg => "mjpeg",
        }
    }
}

/// The best format of those that a device gives at this size and rate; none if it gives none that is read here.
pub(super) fn choose(device: &Device, width: u32, height: u32, fps: u32) -> Option<PixelFormat> {
    let offered = device.enum_formats().unwrap_or_default();
    let offers: Vec<_> = PixelFormat::ALL
        .into_iter()
        .filter(|pixels| offered.iter().any(|offer| offer.fourcc == pixels.fourcc()))
        .map(|pixels| {
            let rates = rates(device, pixels.fourcc(), width, height);
            (pixels, rates.first().copied().unwrap_or(0.0))
        })
        .collect();
    best(&offers, f64::from(fps))
}

/// The first that comes quickly enough; if none does, or the driver does not tell, JPEG, which takes the least of a cable.
fn best(offers: &[(PixelFormat, f64)], fps: f64) -> Option<PixelFormat> {
    let quick = offers.iter().find(|(_, rate)| rate + 0.5 >= fps);
    let small = || {
        offers
            .iter()
            .find(|(pixels, _)| *pixels == PixelFormat::Mjpeg)
    };
    let found = quick.or_else(small).or(offers.first());
    found.map(|(pixels, _)| *pixels)
}

/// Frames a second at this size, the quickest first; none if the device does not give it, or does not tell.
pub(super) fn rates(device: &Device, fourcc: FourCC, width: u32, height: u32) -> Vec<f64> {
    let intervals = device.enum_frameintervals(fourcc, width, height);
    let mut rates: Vec<f64> = intervals
        .unwrap_or_default()
        .into_iter()
        .flat_map(|found| match found.interval {
            FrameIntervalEnum::Discrete(interval) => vec![interval],
            FrameIntervalEnum::Stepwise(steps) => vec![steps.min, steps.max],
        })
        .filter_map(rate)
        .collect();
    rates.sort_by(|one, other| other.total_cmp(one));
    rates
}

/// Frames a second of the time between two.
pub(super) fn rate(interval: Fraction) -> Option<f64> {
    (interval.numerator > 0)
        .then(|| f64::from(interval.denominator) / f64::from(interval.numerator))
}

/// The brightness of a frame, or what is wrong with it.
pub(super) fn to_luma(bytes: &[u8], format: &Format, pixels: PixelFormat) -> Result<Frame, String> {
    let (width, height) = (format.width as usize, format.height as usize);
    let bytes_a_pixel = match pixels {
        PixelFormat::Mjpeg => return decode(bytes).map_err(|error| error.to_string()),
        PixelFormat::Yuyv => 2,
        PixelFormat::Nv12 | PixelFormat::Grey => 1,
    };
    let stride = (format.stride as usize).max(width * bytes_a_pixel);
    let luma: Vec<u8> = bytes
        .chunks(stride)
        .take(height)
        .filter_map(|row| row.get(..width * bytes_a_pixel))
        .flat_map(|row| row.iter().step_by(bytes_a_pixel).copied())
        .collect();
    if luma.len() == width * height {
        Ok(Frame {
            width,
            height,
            luma,
        })
    } else {
        Err(format!("has {} bytes only", bytes.len()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// A format of 3 × 2 pixels.
    fn small(pixels: PixelFormat, stride: u32) -> Format {
        let mut format = Format::new(3, 2, pixels.fourcc());
        format.stride = stride;
        format
    }

    #[test]
    fn rows_are_cut_out_of_their_padding() {
        let bytes = [1, 2, 3, 0, 4, 5, 6];
        let frame = to_luma(&bytes, &small(PixelFormat::Grey, 4), PixelFormat::Grey).unwrap();
        assert_eq!(
            (frame.width, frame.height, frame.luma),
            (3, 2, vec![1, 2, 3, 4, 5, 6])
        );
    }

    #[test]
    fn yuyv_is_grey_in_every_second_byte() {
        let bytes = [1, 99, 2, 99, 3, 99, 4, 99, 5, 99, 6, 99];
        let frame = to_luma(&bytes, &small(PixelFormat::Yuyv, 0), PixelFormat::Yuyv).unwrap();
        assert_eq!(frame.luma, [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn nv12_is_grey_before_its_colours() {
        let bytes = [1, 2, 3, 0, 4, 5, 6, 0, 99, 99, 99, 99];
        let frame = to_luma(&bytes, &small(PixelFormat::Nv12, 4), PixelFormat::Nv12).unwrap();
        assert_eq!(frame.luma, [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn half_a_frame_is_none() {
        use PixelFormat::{Grey, Mjpeg, Nv12, Yuyv};
        for pixels in [Grey, Nv12, Yuyv, Mjpeg] {
            assert!(to_luma(&[1, 2, 3, 4, 5], &small(pixels, 0), pixels).is_err());
        }
    }

    #[test]
    fn jpeg_is_taken_where_nothing_else_is_quick_enough() {
        use PixelFormat::{Grey, Mjpeg, Nv12, Yuyv};
        for (offers, expected) in [
            (&[(Yuyv, 10.0), (Mjpeg, 30.0)][..], Some(Mjpeg)),
            (&[(Yuyv, 30.0), (Mjpeg, 30.0)], Some(Yuyv)),
            (&[(Grey, 29.97), (Yuyv, 60.0)], Some(Grey)),
            (&[(Yuyv, 10.0), (Mjpeg, 25.0)], Some(Mjpeg)),
            (&[(Nv12, 0.0), (Yuyv, 0.0)], Some(Nv12)),
            (&[], None),
        ] {
            assert_eq!(best(offers, 30.0), expected, "{offers:?}");
        }
    }
}
