//! Picture files → grey frames, upright, within limits.

use std::fs;
use std::io::{self, Cursor, Read};
use std::path::Path;

use image::metadata::Orientation;
use image::{
    DynamicImage, GrayImage, ImageDecoder, ImageError, ImageFormat, ImageReader, RgbImage,
};
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::Frame;

/// Pixels that a picture may have.
pub const LARGEST_PICTURE: u64 = 64 << 20;
/// Pixels that a side of it may have.
pub const LONGEST_SIDE: usize = 65_535;
/// Bytes that a file may have.
pub const LARGEST_FILE: u64 = 64 << 20;

/// Why a picture cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The file system says no.
    #[error("cannot be opened: {0}")]
    Io(#[from] io::Error),
    /// Nothing in it.
    #[error("is empty")]
    Empty,
    /// Too many bytes.
    #[error("has more than {} MiB", LARGEST_FILE >> 20)]
    LargeFile,
    /// Too many pixels.
    #[error("has {width}×{height} pixels, more than {} megapixels", LARGEST_PICTURE >> 20)]
    LargePicture {
        /// Pixels a row.
        width: usize,
        /// Rows.
        height: usize,
    },
    /// Longer or higher than a JPEG can be: no photograph.
    #[error("has {width}×{height} pixels; no side may have more than {LONGEST_SIDE}")]
    LongPicture {
        /// Pixels a row.
        width: usize,
        /// Rows.
        height: usize,
    },
    /// More than fits into memory, before its pixels can be counted: on 32-bit processors.
    #[error("needs more memory than there may be")]
    Memory,
    /// No known format.
    #[error("is no JPEG, PNG, WebP or BMP picture")]
    Format,
    /// Known, but broken or cut off; the decoder's words.
    #[error("is damaged: {0}")]
    Damaged(String),
}

/// A picture file as a grey frame, upright as its EXIF orientation says.
pub fn decode_file(path: &Path) -> Result<Frame, DecodeError> {
    let mut bytes = Vec::new();
    fs::File::open(path)?
        .take(LARGEST_FILE + 1)
        .read_to_end(&mut bytes)?;
    decode(&bytes)
}

/// The same from memory.
pub fn decode(bytes: &[u8]) -> Result<Frame, DecodeError> {
    if bytes.is_empty() {
        return Err(DecodeError::Empty);
    }
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(DecodeError::LargeFile);
    }
    let format = image::guess_format(bytes).map_err(|_| DecodeError::Format)?;
    let (mut picture, orientation) = match format {
        ImageFormat::Jpeg => jpeg(bytes)?,
        format => other(bytes, format)?,
    };
    picture.apply_orientation(orientation);
    let grey = picture.into_luma8();
    Ok(Frame {
        width: grey.width() as usize,
        height: grey.height() as usize,
        luma: grey.into_raw(),
    })
}

/// JPEGs go straight to luma, which is faster than by way of colours. And strictly: where a file is cut off, the `image`
/// crate would go on in grey and say nothing.
fn jpeg(bytes: &[u8]) -> Result<(DynamicImage, Orientation), DecodeError> {
    let damaged = |error: DecodeErrors| DecodeError::Damaged(error.to_string());
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX)
        .jpeg_set_out_colorspace(ColorSpace::Luma);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(damaged)?;
    let (width, height) = decoder.dimensions().unwrap_or_default();
    check_size(width, height)?;
    let orientation = decoder
        .exif()
        .and_then(|exif| Orientation::from_exif_chunk(exif))
        .unwrap_or(Orientation::NoTransforms);
    let has_luma = matches!(
        decoder.input_colorspace(),
        Some(ColorSpace::YCbCr | ColorSpace::Luma)
    );
    if !has_luma {
        decoder.set_options(options.jpeg_set_out_colorspace(ColorSpace::RGB));
    }
    let pixels = decoder.decode().map_err(damaged)?;
    // A JPEG has at most 65,535 pixels a side.
    let (width, height) = (width as u32, height as u32);
    let picture = if has_luma {
        GrayImage::from_raw(width, height, pixels).map(DynamicImage::from)
    } else {
        RgbImage::from_raw(width, height, pixels).map(DynamicImage::from)
    };
    let picture = picture.ok_or_else(|| DecodeError::Damaged("it has too few pixels".into()))?;
    Ok((picture, orientation))
}

fn other(bytes: &[u8], format: ImageFormat) -> Result<(DynamicImage, Orientation), DecodeError> {
    let of_image = |error| match error {
        ImageError::Unsupported(_) => DecodeError::Format,
        ImageError::Limits(_) => DecodeError::Memory,
        error => DecodeError::Damaged(error.to_string()),
    };
    let reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut decoder = reader.into_decoder().map_err(of_image)?;
    let (width, height) = decoder.dimensions();
    check_size(width as usize, height as usize)?;
    let orientation = decoder.orientation().map_err(of_image)?;
    let picture = DynamicImage::from_decoder(decoder).map_err(of_image)?;
    Ok((picture, orientation))
}

fn check_size(width: usize, height: usize) -> Result<(), DecodeError> {
    match width as u64 * height as u64 {
        0 => Err(DecodeError::Empty),
        pixels if pixels > LARGEST_PICTURE => Err(DecodeError::LargePicture { width, height }),
        _ if width.max(height) > LONGEST_SIDE => Err(DecodeError::LongPicture { width, height }),
        _ => Ok(()),
    }
}
