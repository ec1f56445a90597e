//! Pictures: grey frames, quads, decoding and warping. Knows nobody.

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

/// A place in a picture, in pixels; (0, 0) is the outer corner of the first pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// To the right.
    pub x: f32,
    /// Down.
    pub y: f32,
}

/// Four corners of a line of text, in the text's own reading order:
/// top left, top right, bottom right, bottom left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quad(pub [Point; 4]);
