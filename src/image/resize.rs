//! Letter-boxing: a frame fitted whole into the locator's input.

use super::{Frame, Point, Quad};

/// Grey of the bars, 0 to 1.
const BARS: f32 = 0.5;

/// How a frame lies in its letter-box: box = frame · scale + offset.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Letterbox {
    /// Box pixels a frame pixel.
    pub scale: f32,
    /// Where the frame's upper left corner lies in the box, pixels.
    pub offset: Point,
}

impl Letterbox {
    /// A quad of the box in pixels of the frame.
    pub fn to_frame(&self, quad: &Quad) -> Quad {
        let scale = 1.0 / self.scale;
        quad.mapped(scale, -self.offset.x * scale, -self.offset.y * scale)
    }
}

/// Fits a frame into `width`×`height`, centred, 0 to 1 a pixel, row by row.
pub fn letterbox(frame: &Frame, width: usize, height: usize) -> (Vec<f32>, Letterbox) {
    let mut pixels = vec![BARS; width * height];
    let scale =
        (width as f32 / frame.width.max(1) as f32).min(height as f32 / frame.height.max(1) as f32);
    let inner =
        |size: usize, limit: usize| ((size as f32 * scale).round() as usize).clamp(1, limit);
    let (inner_width, inner_height) = (inner(frame.width, width), inner(frame.height, height));
    let (left, top) = ((width - inner_width) / 2, (height - inner_height) / 2);
    let geometry = Letterbox {
        scale,
        offset: Point {
            x: left as f32,
            y: top as f32,
        },
    };
    if frame.luma.is_empty() {
        return (pixels, geometry);
    }

    let columns = Taps::new(frame.width, inner_width);
    let rows = Taps::new(frame.height, inner_height);
    // Rows first: whole rows are added up several pixels at a time, and fewer are left.
    let mut squeezed = vec![0.0; frame.width];
    for (row, (start, weights)) in rows.iter().enumerate() {
        squeezed.fill(0.0);
        let sources = frame.luma.chunks_exact(frame.width).skip(start);
        for (weight, source) in weights.iter().zip(sources) {
            for (value, &pixel) in squeezed.iter_mut().zip(source) {
                *value += weight / 255.0 * f32::from(pixel);
            }
        }
        let at = (top + row) * width + left;
        let target = &mut pixels[at..at + inner_width];
        for (value, (start, weights)) in target.iter_mut().zip(columns.iter()) {
            let taps = weights.iter().zip(&squeezed[start..]);
            *value = taps.map(|(weight, pixel)| weight * pixel).sum();
        }
    }
    (pixels, geometry)
}

/// Which source pixels make each target pixel: a triangle as wide as one target pixel, or as one source pixel when
/// enlarging.
struct Taps {
    starts: Vec<usize>,
    weights: Vec<f32>,
    width: usize,
}

impl Taps {
    fn new(from: usize, to: usize) -> Self {
        let step = from as f32 / to as f32;
        let reach = step.max(1.0);
        let width = ((2.0 * reach).ceil() as usize + 1).min(from);
        let mut starts = Vec::with_capacity(to);
        let mut weights = Vec::with_capacity(to * width);
        for target in 0..to {
            let middle = (target as f32 + 0.5) * step - 0.5;
            let start = ((middle - reach).ceil().max(0.0) as usize).min(from - width);
            let row = (start..start + width)
                .map(|source| (1.0 - (source as f32 - middle).abs() / reach).max(0.0))
                .collect::<Vec<_>>();
            let all: f32 = row.iter().sum::<f32>().max(f32::MIN_POSITIVE);
            starts.push(start);
            weights.extend(row.iter().map(|weight| weight / all));
        }
        Self {
            starts,
            weights,
            width,
        }
    }

    fn iter(&self) -> impl Iterator<Item = (usize, &[f32])> {
        self.starts
            .iter()
            .copied()
            .zip(self.weights.chunks_exact(self.width))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(width: usize, height: usize) -> Frame {
        let luma = (0..height)
            .flat_map(|_| (0..width).map(move |x| (x * 255 / width) as u8))
            .collect();
        Frame {
            width,
            height,
            luma,
        }
    }

    #[test]
    fn a_square_picture_gets_bars_left_and_right() {
        let (pixels, fit) = letterbox(&ramp(256, 256), 512, 288);
        assert_eq!((fit.scale, fit.offset), (1.125, Point { x: 112.0, y: 0.0 }));
        assert_eq!(pixels[111], BARS);
        assert!(pixels[112] < 0.02 && pixels[399] > 0.95);
    }

    #[test]
    fn brightness_survives_any_size() {
        for (width, height) in [(1280, 720), (1, 1), (3, 500), (4000, 3), (17, 23)] {
            let frame = Frame {
                width,
                height,
                luma: vec![102; width * height],
            };
            let (pixels, _) = letterbox(&frame, 64, 36);
            let odd = pixels
                .iter()
                .find(|&&value| (value - 0.4).abs() > 1e-4 && value != BARS);
            assert_eq!(odd, None, "{width}×{height}");
        }
    }

    #[test]
    fn quads_find_back_to_the_frame() {
        let (_, fit) = letterbox(&ramp(1280, 720), 512, 288);
        let corner = Point { x: 512.0, y: 288.0 };
        assert_eq!(
            fit.to_frame(&Quad([corner; 4])).0[0],
            Point {
                x: 1280.0,
                y: 720.0
            }
        );
    }
}
