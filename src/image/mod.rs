//! Pictures: grey frames, decoding, resizing and warping. Knows nobody.

mod ambient;
mod area;
mod decode;
mod encode;
mod quad;
mod resize;
mod soften;
mod warp;

#[cfg(test)]
pub(crate) use ambient::tests::shot;
pub use area::{Area, Outside};
pub use decode::{DecodeError, LARGEST_FILE, LARGEST_PICTURE, decode, decode_file};
pub use encode::jpeg;
pub use quad::{Point, Quad};
pub use resize::{Letterbox, letterbox};
pub use soften::soften;
pub use warp::{unwarp, warp};

/// An 8-bit grey picture, rows top to bottom, no padding: `luma.len() == width * height`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Pixels a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Brightness, 0 black to 255 white.
    pub luma: Vec<u8>,
}

impl Frame {
    /// Mean brightness, 0 to 255; 0 of an empty picture.
    pub fn brightness(&self) -> f32 {
        let sum: u64 = self.luma.iter().map(|&value| u64::from(value)).sum();
        sum as f32 / self.luma.len().max(1) as f32
    }
}
