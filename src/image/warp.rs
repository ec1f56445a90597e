//! Perspective: a quad of a frame laid flat.

use super::{Frame, Point, Quad};

/// Most samples averaged a strip pixel and axis; beyond it the text is larger than any lens shows it.
const SAMPLES: usize = 4;
/// Frame pixels between two of them at most. Closer ones only blur: of 400 rendered frames 258, 261, 266, 262 and 259 are accepted with 1,
/// 1.25, 1.5, 2 and 2.5, and one wrong with up to 1.75, else two.
const APART: f32 = 1.5;

/// Where points of a strip lie in the frame; the arguments are those of [`warp`].
pub fn unwarp(quad: &Quad, target: (f32, f32, f32, f32), points: [Point; 4]) -> Quad {
    let (x0, y0, x1, y1) = target;
    let to_frame = Homography::of_unit_square(quad);
    Quad(points.map(|p| to_frame.apply((p.x - x0) / (x1 - x0), (p.y - y0) / (y1 - y0))))
}

/// Samples a `width`×`height` strip, 0 to 1 a pixel, in which the quad's corners come to lie at the corners of `target`
/// (x0, y0, x1, y1; counted from the middle of the first strip pixel). Beyond its edge the frame goes on as at its edge.
pub fn warp(
    frame: &Frame,
    quad: &Quad,
    target: (f32, f32, f32, f32),
    width: usize,
    height: usize,
) -> Vec<f32> {
    if frame.luma.is_empty() {
        return vec![0.0; width * height];
    }
    let (x0, y0, x1, y1) = target;
    let to_frame = Homography::of_unit_square(quad);
    let samples =
        |source: f32, strip: f32| ((source / strip / APART).ceil() as usize).clamp(1, SAMPLES);
    let across = samples(quad.width(), x1 - x0);
    let down = samples(quad.height(), y1 - y0);
    let within = |index: usize, count: usize| (index as f32 + 0.5) / count as f32 - 0.5;
    let us: Vec<f32> = (0..width * across)
        .map(|i| ((i / across) as f32 + within(i % across, across) - x0) / (x1 - x0))
        .collect();
    let mut row = vec![Sample::default(); us.len()];
    let mut strip = vec![0.0; width * height];
    for (y, pixels) in strip.chunks_exact_mut(width).enumerate() {
        for j in 0..down {
            let v = (y as f32 + within(j, down) - y0) / (y1 - y0);
            for (sample, &u) in row.iter_mut().zip(&us) {
                *sample = Sample::at(to_frame.apply(u, v), frame);
            }
            for (pixel, samples) in pixels.iter_mut().zip(row.chunks_exact(across)) {
                *pixel += samples.iter().map(|sample| sample.of(frame)).sum::<f32>();
            }
        }
        for pixel in pixels {
            *pixel /= (255 * across * down) as f32;
        }
    }
    strip
}

/// Where between four pixels a sample is taken. Found for a row at once, which the compiler does several at a time.
#[derive(Clone, Copy, Default)]
struct Sample {
    left: u32,
    top: u32,
    /// Shares of the pixels right of and below it.
    right: f32,
    below: f32,
}

impl Sample {
    fn at(point: Point, frame: &Frame) -> Self {
        // `max` takes the bound for NaN; a pixel more than the last is none.
        let within = |at: f32, size: usize| (at - 0.5).max(0.0).min(size.max(1) as f32 - 1.0);
        let (x, y) = (within(point.x, frame.width), within(point.y, frame.height));
        let (left, top) = (x as u32, y as u32);
        Self {
            left,
            top,
            right: x - left as f32,
            below: y - top as f32,
        }
    }

    fn of(&self, frame: &Frame) -> f32 {
        let (left, top) = (self.left as usize, self.top as usize);
        let right = (left + 1).min(frame.width - 1);
        let bottom = (top + 1).min(frame.height - 1);
        let pixel = |x: usize, y: usize| f32::from(frame.luma[y * frame.width + x]);
        let upper = pixel(left, top) * (1.0 - self.right) + pixel(right, top) * self.right;
        let lower = pixel(left, bottom) * (1.0 - self.right) + pixel(right, bottom) * self.right;
        upper * (1.0 - self.below) + lower * self.below
    }
}

/// A projective map of the plane; the last coefficient is 1.
struct Homography([f32; 8]);

impl Homography {
    /// Takes (0,0), (1,0), (1,1), (0,1) to the quad's corners (Heckbert 1989, "Fundamentals of Texture Mapping", 2.2.3).
    fn of_unit_square(quad: &Quad) -> Self {
        let [p0, p1, p2, p3] = quad.0;
        let (sx, sy) = (p0.x - p1.x + p2.x - p3.x, p0.y - p1.y + p2.y - p3.y);
        let (dx1, dy1) = (p1.x - p2.x, p1.y - p2.y);
        let (dx2, dy2) = (p3.x - p2.x, p3.y - p2.y);
        let whole = dx1 * dy2 - dx2 * dy1;
        let (g, h) = if whole.abs() < f32::EPSILON {
            (0.0, 0.0)
        } else {
            ((sx * dy2 - dx2 * sy) / whole, (dx1 * sy - sx * dy1) / whole)
        };
        Self([
            p1.x - p0.x + g * p1.x,
            p3.x - p0.x + h * p3.x,
            p0.x,
            p1.y - p0.y + g * p1.y,
            p3.y - p0.y + h * p3.y,
            p0.y,
            g,
            h,
        ])
    }

    fn apply(&self, u: f32, v: f32) -> Point {
        let [a, b, c, d, e, f, g, h] = self.0;
        let w = g * u + h * v + 1.0;
        Point {
            x: (a * u + b * v + c) / w,
            y: (d * u + e * v + f) / w,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn corners_come_to_lie_on_corners(jitter in prop::array::uniform8(-8.0f32..8.0)) {
            let level = [(20.0, 20.0), (120.0, 20.0), (120.0, 50.0), (20.0, 50.0)];
            let mut corners = level.map(|(x, y)| Point { x, y });
            for (corner, delta) in corners.iter_mut().zip(jitter.chunks_exact(2)) {
                corner.x += delta[0];
                corner.y += delta[1];
            }
            let map = Homography::of_unit_square(&Quad(corners));
            for ((u, v), corner) in [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)].into_iter().zip(corners) {
                prop_assert!(map.apply(u, v).distance(corner) < 0.01);
            }
        }

        #[test]
        fn any_quad_gives_a_strip(corners in prop::array::uniform8(-1e4f32..1e4)) {
            let frame = Frame { width: 3, height: 2, luma: vec![0, 50, 100, 150, 200, 255] };
            let quad = Quad(std::array::from_fn(|i| Point { x: corners[2 * i], y: corners[2 * i + 1] }));
            let strip = warp(&frame, &quad, (1.0, 1.0, 7.0, 3.0), 8, 4);
            prop_assert!(strip.len() == 32 && strip.iter().all(|v| (0.0..=1.0).contains(v)));
        }
    }

    #[test]
    fn a_turned_quad_turns_the_strip() {
        let frame = Frame {
            width: 4,
            height: 2,
            luma: vec![10, 20, 30, 40, 50, 60, 70, 80],
        };
        let quad =
            Quad([(0.0, 0.0), (4.0, 0.0), (4.0, 2.0), (0.0, 2.0)].map(|(x, y)| Point { x, y }));
        let target = (-0.5, -0.5, 3.5, 1.5);
        let upright = warp(&frame, &quad, target, 4, 2);
        let mut turned = warp(&frame, &quad.turned(), target, 4, 2);
        assert!((upright[1] - 20.0 / 255.0).abs() < 1e-4);
        turned.reverse();
        for (a, b) in upright.iter().zip(&turned) {
            assert!((a - b).abs() < 1e-4);
        }
    }
}
