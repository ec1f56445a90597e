//! Picture files → grey frames, upright, within limits.

use std::fs;
use std::io::{self, Cursor, Read};
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageError, ImageReader};

use super::Frame;

/// Pixels that a picture may have.
pub const LARGEST_PICTURE: u64 = 64 << 20;
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
        width: u32,
        /// Rows.
        height: u32,
    },
    /// No known format.
    #[error("is no JPEG, PNG, WebP or BMP picture")]
    Format,
    /// Known, but broken.
    #[error("is damaged: {0}")]
    Damaged(ImageError),
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
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    if reader.format().is_none() {
        return Err(DecodeError::Format);
    }
    let mut decoder = reader.into_decoder().map_err(of_image)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > LARGEST_PICTURE {
        return Err(DecodeError::LargePicture { width, height });
    }
    let orientation = decoder.orientation().map_err(of_image)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(of_image)?;
    picture.apply_orientation(orientation);
    let grey = picture.into_luma8();
    if grey.is_empty() {
        return Err(DecodeError::Empty);
    }
    Ok(Frame {
        width: grey.width() as usize,
        height: grey.height() as usize,
        luma: grey.into_raw(),
    })
}

fn of_image(error: ImageError) -> DecodeError {
    match error {
        ImageError::Unsupported(_) => DecodeError::Format,
        error => DecodeError::Damaged(error),
    }
}
