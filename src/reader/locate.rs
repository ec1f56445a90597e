//! Frame → quads of the lines that look like a VIN.

use super::ReadError;
use super::odds::logistic;
use crate::image::{Area, Frame, Letterbox, Point, Quad, letterbox};
use crate::inference::{Model, Network, Tract};

/// A frame is fitted whole into so many pixels a row and rows: multiples of 16.
type Size = (usize, usize);
/// For text that is large in the frame: the network does not see the ends of what is wider than half of [`FINE`].
pub(super) const COARSE: Size = (320, 176);
/// For small text.
pub(super) const FINE: Size = (512, 288);
/// For text that is small in a large frame. Of 400 frames of 1280×720 pixels 313 instead of 301 are read rightly with it.
pub(super) const FINEST: Size = (1024, 576);
/// Input pixels a cell of the output.
const STRIDE: usize = 8;
/// Score of the cell, x and y of four corners in [`Quad`]'s order, and whether they are told the other way up.
const CHANNELS: usize = 10;
/// Cells with this probability start a line that is seen.
const SEEN: f32 = 0.5;
/// And with this one a faint line. With less there are only more lines that are none.
const FAINT: f32 = 0.25;
/// Cells with less do not vote.
const VOTE: f32 = 0.1;
/// Lines of a kind in a look.
pub(super) const LINES: usize = 4;

/// Where lines are, surest first.
#[derive(Default)]
pub(super) struct Lines {
    pub seen: heapless::Vec<Quad, LINES>,
    /// Worth a look only if none of the others is a VIN.
    pub faint: heapless::Vec<Quad, LINES>,
}

/// The network for frames of one size.
pub(super) struct Locator {
    network: Box<dyn Network>,
    size: Size,
}

impl Locator {
    pub fn new(model: &Model, size: Size) -> Result<Self, ReadError> {
        let network = Tract::with_input(model, &[1, 1, size.1, size.0])?;
        Ok(Self {
            network: Box::new(network),
            size,
        })
    }

    /// The lines of a part of a frame, in pixels of the frame.
    pub fn lines_in(&self, frame: &Frame, area: Area) -> Result<Lines, ReadError> {
        let (part, corner) = frame.crop(area);
        let mut lines = self.lines(&part)?;
        for quad in lines.seen.iter_mut().chain(&mut lines.faint) {
            *quad = quad.mapped(1.0, corner.x, corner.y);
        }
        Ok(lines)
    }

    /// The lines of a frame.
    pub fn lines(&self, frame: &Frame) -> Result<Lines, ReadError> {
        let (pixels, fit) = letterbox(frame, self.size.0, self.size.1);
        let outputs = self.network.run(pixels)?;
        let cells = (self.size.0 / STRIDE, self.size.1 / STRIDE);
        match outputs.first() {
            Some(map) if map.len() == CHANNELS * cells.0 * cells.1 => Ok(decode(map, cells, &fit)),
            _ => Err(ReadError::Shape("locator")),
        }
    }
}

/// One cell of the output, unfolded.
struct Cell {
    probability: f32,
    at: Point,
    quad: Quad,
    /// Log-odds that the first corner is the text's bottom right.
    turned: f32,
}

impl Cell {
    /// Told the same way up as another: where a line lies is seen before its way up, and neighbours may start from
    /// opposite ends.
    fn like(self, other: &Quad) -> Self {
        if self.quad.runs_along(other) {
            return self;
        }
        Self {
            quad: self.quad.turned(),
            turned: -self.turned,
            ..self
        }
    }
}

/// From an output of so many cells a row and rows.
fn decode(map: &[f32], cells: (usize, usize), fit: &Letterbox) -> Lines {
    let mut cells = unfold(map, cells);
    cells.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    let mut lines = Lines::default();
    while let Some(seed) = cells.first().filter(|cell| cell.probability >= FAINT) {
        let (guess, seen) = (seed.quad, seed.probability >= SEEN);
        let (own, others): (Vec<_>, Vec<_>) = cells
            .into_iter()
            .partition(|cell| same_line(&guess, &cell.quad));
        cells = others;
        if own.is_empty() {
            // A quad of no size is not even like itself.
            cells.remove(0);
            continue;
        }
        let own: Vec<_> = own.into_iter().map(|cell| cell.like(&guess)).collect();
        let kind = if seen {
            &mut lines.seen
        } else {
            &mut lines.faint
        };
        if kind.push(fit.to_frame(&vote(&own))).is_err() {
            break;
        }
    }
    lines
}

/// The cells that may be part of a line.
fn unfold(map: &[f32], (columns, rows): (usize, usize)) -> Vec<Cell> {
    let count = columns * rows;
    let channel = |channel: usize, cell: usize| map[channel * count + cell];
    (0..count)
        .filter_map(|cell| {
            let probability = logistic(channel(0, cell));
            let at = Point {
                x: (cell % columns) as f32 + 0.5,
                y: (cell / columns) as f32 + 0.5,
            };
            // The network counts from the middle of the first pixel, a quad from its corner.
            let pixels = |cells: f32| cells * STRIDE as f32 + 0.5;
            let quad = Quad(std::array::from_fn(|corner| Point {
                x: pixels(at.x + channel(1 + 2 * corner, cell)),
                y: pixels(at.y + channel(2 + 2 * corner, cell)),
            }));
            let at = Point {
                x: pixels(at.x),
                y: pixels(at.y),
            };
            (probability >= VOTE).then_some(Cell {
                probability,
                at,
                quad,
                turned: channel(CHANNELS - 1, cell),
            })
        })
        .collect()
}

/// Whether a cell speaks of the same line: far along it is still the line, but a little across it is the next line of the
/// sticker, and corners that are told by the cells of two lines fit neither.
fn same_line(line: &Quad, other: &Quad) -> bool {
    line.is_near(other, 0.5, 0.6)
}

/// The line that cells tell the same way up: its corners, each told mostly by the cells near it, since the far end of a line is
/// hard to see; and turned if most say so.
fn vote(cells: &[Cell]) -> Quad {
    let turned: f32 = cells
        .iter()
        .map(|cell| cell.probability * cell.turned)
        .sum();
    let line = corners(cells);
    if turned > 0.0 { line.turned() } else { line }
}

fn corners(cells: &[Cell]) -> Quad {
    Quad(std::array::from_fn(|corner| {
        let mut sum = Point { x: 0.0, y: 0.0 };
        let mut all = 0.0;
        for cell in cells {
            let told = cell.quad.0[corner];
            let weight = cell.probability / (STRIDE as f32 + told.distance(cell.at)).powi(2);
            sum.x += weight * told.x;
            sum.y += weight * told.y;
            all += weight;
        }
        Point {
            x: sum.x / all,
            y: sum.y / all,
        }
    }))
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::inference::NetworkError;

    const CELLS: (usize, usize) = (FINE.0 / STRIDE, FINE.1 / STRIDE);

    /// A network that always says the same.
    struct Says(Vec<f32>);

    impl Network for Says {
        fn run(&self, _: Vec<f32>) -> Result<Vec<Vec<f32>>, NetworkError> {
            Ok(vec![self.0.clone()])
        }
    }

    /// A locator of a network that is no model's.
    pub fn scripted(network: impl Network + 'static, size: Size) -> Locator {
        Locator {
            network: Box::new(network),
            size,
        }
    }

    fn locate(network: Says, frame: &Frame) -> Result<heapless::Vec<Quad, LINES>, ReadError> {
        Ok(scripted(network, FINE).lines(frame)?.seen)
    }

    /// The output of a size without a line.
    pub fn nothing(size: Size) -> Vec<f32> {
        let cells = size.0 * size.1 / STRIDE.pow(2);
        let mut map = vec![0.0; CHANNELS * cells];
        map[..cells].fill(-9.0);
        map
    }

    /// Adds a line along a row of cells whose corners (input pixels) every cell tells with an error that grows with
    /// the distance.
    pub fn add(
        map: &mut [f32],
        size: Size,
        columns: std::ops::Range<usize>,
        row: usize,
        quad: [(f32, f32); 4],
    ) {
        let cells = size.0 * size.1 / STRIDE.pow(2);
        for column in columns {
            let cell = row * size.0 / STRIDE + column;
            map[cell] = 3.0;
            for (corner, (x, y)) in quad.into_iter().enumerate() {
                let (dx, dy) = (
                    (x - 0.5) / 8.0 - (column as f32 + 0.5),
                    (y - 0.5) / 8.0 - (row as f32 + 0.5),
                );
                map[(1 + 2 * corner) * cells + cell] = dx * 1.02;
                map[(2 + 2 * corner) * cells + cell] = dy;
            }
        }
    }

    /// A dark frame.
    pub fn frame(width: usize, height: usize) -> Frame {
        Frame {
            width,
            height,
            luma: vec![0; width * height],
        }
    }

    #[test]
    fn no_line_no_quad() {
        assert!(
            locate(Says(nothing(FINE)), &frame(1280, 720))
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn a_line_is_found_in_frame_pixels_whichever_way_up() {
        let mut map = nothing(FINE);
        let upside_down = [(240.0, 76.0), (80.0, 76.0), (80.0, 64.0), (240.0, 64.0)];
        add(&mut map, FINE, 11..29, 8, upside_down);
        let lines = locate(Says(map), &frame(1280, 720)).unwrap();
        assert_eq!(lines.len(), 1);
        for (found, (x, y)) in lines[0].0.iter().zip(upside_down) {
            let wanted = Point {
                x: x * 2.5,
                y: y * 2.5,
            };
            assert!(found.distance(wanted) < 4.0, "{found:?} {wanted:?}");
        }
        assert_eq!(lines[0].orientation_deg().abs(), 180.0);
    }

    #[test]
    fn cells_that_start_from_opposite_ends_agree() {
        let mut map = nothing(FINE);
        let upright = [(80.0, 64.0), (240.0, 64.0), (240.0, 76.0), (80.0, 76.0)];
        let turned = [upright[2], upright[3], upright[0], upright[1]];
        add(&mut map, FINE, 11..20, 8, upright);
        add(&mut map, FINE, 20..29, 8, turned);
        let logit = |map: &mut Vec<f32>, columns: std::ops::Range<usize>, turned: f32| {
            for column in columns {
                map[(CHANNELS - 1) * CELLS.0 * CELLS.1 + 8 * CELLS.0 + column] = turned;
            }
        };
        logit(&mut map, 11..20, -1.0);
        logit(&mut map, 20..29, 2.0);
        let first_corner = |map: &Vec<f32>| {
            let lines = locate(Says(map.clone()), &frame(512, 288)).unwrap();
            assert_eq!(lines.len(), 1);
            lines[0].0[0]
        };
        let (x, y) = upright[0];
        assert!(first_corner(&map).distance(Point { x, y }) < 4.0);
        logit(&mut map, 11..20, 3.0);
        let (x, y) = turned[0];
        assert!(first_corner(&map).distance(Point { x, y }) < 4.0);
    }

    #[test]
    fn a_line_that_is_hardly_seen_is_faint() {
        let probable = |probability: f32| {
            let mut map = nothing(FINE);
            let quad = [(80.0, 64.0), (240.0, 64.0), (240.0, 76.0), (80.0, 76.0)];
            add(&mut map, FINE, 11..29, 8, quad);
            let logit = (probability / (1.0 - probability)).ln();
            map[8 * CELLS.0 + 11..8 * CELLS.0 + 29].fill(logit);
            let lines = scripted(Says(map), FINE).lines(&frame(512, 288)).unwrap();
            (lines.seen.len(), lines.faint.len())
        };
        assert_eq!([0.6, 0.4, 0.2].map(probable), [(1, 0), (0, 1), (0, 0)]);
    }

    #[test]
    fn two_lines_are_two() {
        let mut map = nothing(FINE);
        add(
            &mut map,
            FINE,
            2..20,
            4,
            [(16.0, 30.0), (160.0, 30.0), (160.0, 42.0), (16.0, 42.0)],
        );
        add(
            &mut map,
            FINE,
            30..50,
            20,
            [
                (240.0, 158.0),
                (400.0, 158.0),
                (400.0, 170.0),
                (240.0, 170.0),
            ],
        );
        assert_eq!(locate(Says(map), &frame(640, 360)).unwrap().len(), 2);
    }

    #[test]
    fn lines_of_one_sticker_stay_apart() {
        let mut map = nothing(FINE);
        for (row, top) in [(2, 36.0), (3, 52.0)] {
            let quad = [16.0, 192.0, 192.0, 16.0];
            let heights = [top, top, top + 12.0, top + 12.0];
            add(
                &mut map,
                FINE,
                1..12,
                row,
                std::array::from_fn(|i| (quad[i], heights[i])),
            );
        }
        let lines = locate(Says(map), &frame(512, 288)).unwrap();
        let mut tops: Vec<_> = lines.iter().map(|line| line.0[0].y.round()).collect();
        tops.sort_by(f32::total_cmp);
        assert_eq!(tops, [36.0, 52.0]);
    }

    #[test]
    fn nonsense_from_the_network_ends() {
        for value in [0.0, f32::NAN, f32::INFINITY, 1e30] {
            let mut map = vec![value; CHANNELS * CELLS.0 * CELLS.1];
            map[0] = 5.0;
            locate(Says(map), &frame(64, 64)).unwrap();
        }
        assert!(locate(Says(vec![1.0]), &frame(64, 64)).is_err());
    }
}
