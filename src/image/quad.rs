//! Points and quads.

use serde::{Serialize, Serializer};

/// A place in a picture, in pixels; (0, 0) is the outer corner of the first pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// To the right.
    pub x: f32,
    /// Down.
    pub y: f32,
}

impl Point {
    /// How far away another one is, in pixels.
    pub fn distance(self, other: Self) -> f32 {
        (self.x - other.x).hypot(self.y - other.y)
    }

    /// Between this one and another.
    pub fn midpoint(self, other: Self) -> Self {
        Self {
            x: (self.x + other.x) / 2.0,
            y: (self.y + other.y) / 2.0,
        }
    }
}

impl Serialize for Point {
    /// As `[x, y]`, to a tenth of a pixel.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let tenth = |value: f32| (f64::from(value) * 10.0).round() / 10.0;
        [tenth(self.x), tenth(self.y)].serialize(serializer)
    }
}

/// Four corners of a line of text, in the text's own reading order:
/// top left, top right, bottom right, bottom left.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Quad(pub [Point; 4]);

impl Quad {
    /// The mean of the corners.
    pub fn middle(&self) -> Point {
        let [a, b, c, d] = self.0;
        a.midpoint(c).midpoint(b.midpoint(d))
    }

    /// Mean length of the upper and lower edge, pixels.
    pub fn width(&self) -> f32 {
        let [a, b, c, d] = self.0;
        (a.distance(b) + d.distance(c)) / 2.0
    }

    /// Mean length of the left and right edge, pixels.
    pub fn height(&self) -> f32 {
        let [a, b, c, d] = self.0;
        (a.distance(d) + b.distance(c)) / 2.0
    }

    /// Direction of reading, degrees clockwise from rightwards, over -180 up to 180.
    pub fn orientation_deg(&self) -> f32 {
        let (x, y) = self.along();
        y.atan2(x).to_degrees()
    }

    /// Whether another one is read in this one's direction rather than in the opposite.
    pub fn runs_along(&self, other: &Self) -> bool {
        let (a, b) = (self.along(), other.along());
        a.0 * b.0 + a.1 * b.1 >= 0.0
    }

    /// From the middle of the left edge to that of the right one.
    fn along(&self) -> (f32, f32) {
        let [a, b, c, d] = self.0;
        let (from, to) = (a.midpoint(d), b.midpoint(c));
        (to.x - from.x, to.y - from.y)
    }

    /// Whether the middle of another quad lies within this many widths of this one's along the text, and within this many
    /// heights across it.
    pub fn is_near(&self, other: &Self, widths: f32, heights: f32) -> bool {
        let (from, to) = (self.middle(), other.middle());
        let (dx, dy) = (to.x - from.x, to.y - from.y);
        let (sin, cos) = self.orientation_deg().to_radians().sin_cos();
        let (along, across) = (dx * cos + dy * sin, dy * cos - dx * sin);
        along.abs() < widths * self.width() && across.abs() < heights * self.height()
    }

    /// The same place read the other way round.
    pub fn turned(&self) -> Self {
        let [a, b, c, d] = self.0;
        Self([c, d, a, b])
    }

    /// With its upper edge further on in the direction of reading and its lower one further back, each by a share of the height.
    pub(crate) fn leaning(&self, share: f32) -> Self {
        let [a, b, c, d] = self.0;
        let by = share * (self.height() / self.width());
        let moved = |corner: Point, from: Point, to: Point, by: f32| Point {
            x: corner.x + (to.x - from.x) * by,
            y: corner.y + (to.y - from.y) * by,
        };
        Self([
            moved(a, a, b, by),
            moved(b, a, b, by),
            moved(c, d, c, -by),
            moved(d, d, c, -by),
        ])
    }

    /// Moved by (dx, dy) and every corner scaled by `scale`.
    pub(crate) fn mapped(&self, scale: f32, dx: f32, dy: f32) -> Self {
        Self(self.0.map(|p| Point {
            x: p.x * scale + dx,
            y: p.y * scale + dy,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quad(corners: [(f32, f32); 4]) -> Quad {
        Quad(corners.map(|(x, y)| Point { x, y }))
    }

    #[test]
    fn orientation_is_that_of_the_text() {
        let level = quad([(0.0, 0.0), (17.0, 0.0), (17.0, 2.0), (0.0, 2.0)]);
        assert_eq!(level.orientation_deg(), 0.0);
        assert_eq!(level.turned().orientation_deg().abs(), 180.0);
        let down = quad([(2.0, 0.0), (2.0, 17.0), (0.0, 17.0), (0.0, 0.0)]);
        assert_eq!(down.orientation_deg(), 90.0);
        assert_eq!((down.width(), down.height()), (17.0, 2.0));
    }

    #[test]
    fn a_quad_leans_along_its_text() {
        let down = quad([(2.0, 0.0), (2.0, 16.0), (0.0, 16.0), (0.0, 0.0)]);
        let leaning = quad([(2.0, 0.5), (2.0, 16.5), (0.0, 15.5), (0.0, -0.5)]);
        assert_eq!(down.leaning(0.25), leaning);
    }

    #[test]
    fn near_is_told_along_the_text_and_across_it() {
        let down = quad([(2.0, 0.0), (2.0, 17.0), (0.0, 17.0), (0.0, 0.0)]);
        let further = down.mapped(1.0, 0.0, 8.0);
        let beside = down.mapped(1.0, 2.1, 0.0);
        assert!(down.is_near(&further, 0.5, 1.0) && down.is_near(&further.turned(), 0.5, 1.0));
        assert!(!down.is_near(&further, 0.4, 1.0));
        assert!(!down.is_near(&beside, 0.5, 1.0) && down.is_near(&beside, 0.5, 1.1));
    }
}
