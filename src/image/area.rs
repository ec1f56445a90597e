//! Parts of pictures.

use serde::{Deserialize, Serialize};

use super::{Frame, Point};

/// An upright part of a picture, in shares of its width and height; written as `[x, y, width, height]`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(try_from = "[f32; 4]", into = "[f32; 4]")]
pub struct Area([f32; 4]);

/// Not a part of a picture.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not [x, y, width, height] in shares of the frame, 0 to 1, and within it")]
pub struct Outside([f32; 4]);

impl TryFrom<[f32; 4]> for Area {
    type Error = Outside;

    fn try_from(shares: [f32; 4]) -> Result<Self, Outside> {
        let [x, y, width, height] = shares;
        // 0.7 + 0.3 is a little more than 1.
        let within = |from: f32, size: f32| from >= 0.0 && size > 0.0 && from + size < 1.0001;
        if within(x, width) && within(y, height) {
            Ok(Self(shares))
        } else {
            Err(Outside(shares))
        }
    }
}

impl From<Area> for [f32; 4] {
    fn from(area: Area) -> Self {
        area.0
    }
}

impl Area {
    /// Parts of one size that cover a picture in so many columns and rows (one at least), row by row; of its width and height
    /// neighbours share `overlap` (0 to 1).
    pub fn grid(columns: usize, rows: usize, overlap: f32) -> impl Iterator<Item = Self> {
        let cover = move |count: usize| {
            let size = 1.0 / (count as f32 * (1.0 - overlap) + overlap);
            let step = size * (1.0 - overlap);
            (0..count).map(move |at| (at as f32 * step, size))
        };
        cover(rows).flat_map(move |(y, height)| {
            cover(columns).map(move |(x, width)| Self([x, y, width, height]))
        })
    }
}

impl Frame {
    /// A part of it, one pixel at least, and where in it the part begins.
    pub fn crop(&self, area: Area) -> (Self, Point) {
        let [x, y, width, height] = area.0;
        let (left, right) = pixels(x, width, self.width);
        let (top, bottom) = pixels(y, height, self.height);
        let rows = self.luma.chunks_exact(self.width.max(1));
        let part = Self {
            width: right - left,
            height: bottom - top,
            luma: rows
                .skip(top)
                .take(bottom - top)
                .flat_map(|row| &row[left..right])
                .copied()
                .collect(),
        };
        let corner = Point {
            x: left as f32,
            y: top as f32,
        };
        (part, corner)
    }
}

/// From where up to where, in pixels of so many.
fn pixels(from: f32, size: f32, all: usize) -> (usize, usize) {
    let at = |share: f32| (share * all as f32).round() as usize;
    let from_pixel = at(from).min(all.saturating_sub(1));
    (from_pixel, at(from + size).max(from_pixel + 1).min(all))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn area(shares: [f32; 4]) -> Area {
        shares.try_into().unwrap()
    }

    #[test]
    fn a_part_is_cut_out_where_it_is() {
        let frame = Frame {
            width: 4,
            height: 2,
            luma: (0..8).collect(),
        };
        let (part, corner) = frame.crop(area([0.5, 0.5, 0.5, 0.5]));
        assert_eq!((part.width, part.height, part.luma), (2, 1, vec![6, 7]));
        assert_eq!(corner, Point { x: 2.0, y: 1.0 });
        let (whole, _) = frame.crop(area([0.0, 0.0, 1.0, 1.0]));
        assert_eq!(whole, frame);
        let (pixel, _) = frame.crop(area([0.999, 0.999, 0.001, 0.001]));
        assert_eq!((pixel.width, pixel.height, pixel.luma), (1, 1, vec![7]));
        let empty = Frame {
            width: 0,
            height: 0,
            luma: Vec::new(),
        };
        assert!(empty.crop(area([0.2, 0.2, 0.5, 0.5])).0.luma.is_empty());
    }

    #[test]
    fn a_grid_covers_the_picture() {
        let whole: Vec<_> = Area::grid(1, 1, 0.125).collect();
        assert_eq!(whole, [area([0.0, 0.0, 1.0, 1.0])]);
        let frame = Frame {
            width: 30,
            height: 10,
            luma: vec![0; 300],
        };
        let parts: Vec<_> = Area::grid(2, 3, 0.5).collect();
        let there = parts.iter().map(|part| {
            let (part, corner) = frame.crop(*part);
            (corner.x, corner.y, part.width, part.height)
        });
        let rows = [(0.0, 5), (3.0, 5), (5.0, 5)];
        let expected = rows.map(|(y, height)| [(0.0, y, 20, height), (10.0, y, 20, height)]);
        assert_eq!(there.collect::<Vec<_>>(), expected.concat());
    }

    #[test]
    fn what_reaches_beyond_the_picture_is_no_part_of_it() {
        for shares in [
            [0.5, 0.0, 0.6, 1.0],
            [0.0, -0.1, 1.0, 1.0],
            [0.0, 0.0, 1.0, 0.0],
            [0.0, 0.0, f32::NAN, 1.0],
        ] {
            assert!(Area::try_from(shares).is_err(), "{shares:?}");
        }
        area([0.7, 0.7, 0.3, 0.3]);
    }
}
