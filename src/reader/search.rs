//! Frame → marks: which lines are looked at, in which order, and when it is enough.

use std::iter;

use super::locate::{self, Locator};
use super::recognize::{self, Line};
use super::{MARKS, Mark, ReadError, Reader};
use crate::image::{Area, Frame, Quad};

/// Probability of being a whole VIN from which on a line is read at once.
const SURELY: f32 = 0.9;
/// The same by the examiner, and the arbiter if it was asked, from which on nothing else has to be looked for: of a hundred tuning
/// photographs that are read right three have less.
const WHOLE: f32 = 0.8;
/// Clarity that such a mark has, too: a barcode can look like a VIN, but nobody can tell its characters;
/// and a VIN that is cut a character off is clear as well, but less.
const CLEARLY: f32 = 0.9;
/// Lines with less are left. In the first strip one in twenty of those on VINs of 331 tuning frames that are read has less, and a third of
/// all others. With 0.02 no frame more is read, but finding nothing takes half as long again.
const HARDLY: f32 = 0.1;
/// The same once a mark is surely and clearly read.
const HARDLY_ANOTHER: f32 = 0.8;
/// From this share of another cut's worth on one is about as good.
const ABOUT_AS_GOOD: f32 = 0.5;
/// Probability that more than 17 characters stand in one cut of a text from which on its other cuts are none to be sure of. At least two of
/// 335 tuning frames that are accepted have a cut with 0.5 to 0.7, which shows a sign or a letter of another word, too.
const LONGER: f32 = 0.9;
/// In so many characters two cuts of one text may differ; in more, one is cut a character off, or shows something else.
const FEW: usize = 2;
/// Steps towards a line at most: each shows a character more at either end, and the locator may have missed some. With four, three of 400
/// tuning frames fewer are read.
const STEPS: usize = 7;

/// Pixels of a frame that one of the finest input may stand for, along and across. Text of 300 pixels is 136 long in it then; that of
/// photographs of 256 pixels is 95 and more in [`locate::FINE`].
const COARSENED: f32 = 2.2;
/// What neighbouring parts of a frame share, of their width and height: so text that lies across two of them is either seen nearly
/// whole in one, or long enough to be seen in the whole frame.
const OVERLAP: f32 = 0.125;
/// So many parts at most: those of 64 megapixels; a picture that would be more is no photograph.
const PARTS: usize = 32;

/// In which order a frame is looked at. A camera that is fixed for the VIN shows it large; but in a picture that is smaller than
/// the finer input, text must be large to be readable at all, and the coarser one would lose it; and enlarging it further does not help.
fn looks<'a>(reader: &'a Reader, frame: &Frame) -> impl Iterator<Item = &'a Locator> {
    let first = if frame.width > locate::FINE.0 {
        [&reader.coarse, &reader.fine]
    } else {
        [&reader.fine, &reader.coarse]
    };
    let (width, height) = locate::FINEST;
    let enlarged = frame.width < width && frame.height < height;
    first
        .into_iter()
        .chain((!enlarged).then_some(&reader.finest))
}

/// Every mark of a frame that may be a VIN.
pub(super) fn search(
    reader: &Reader,
    frame: &Frame,
) -> Result<heapless::Vec<Mark, MARKS>, ReadError> {
    let mut search = Search {
        reader,
        frame,
        lines: heapless::Vec::new(),
        marks: heapless::Vec::new(),
    };
    let (mut seen, mut faint) = (Vec::new(), Vec::new());
    let whole = looks(reader, frame).map(|locator| locator.lines(frame));
    let parts = parts(frame).map(|part| reader.finest.lines_in(frame, part));
    for lines in whole.chain(parts) {
        let lines = lines?;
        search.look_at(&lines.seen)?;
        if search.is_sure() {
            return Ok(search.marks);
        }
        seen.extend(lines.seen);
        faint.extend(lines.faint);
    }
    // The locator may have taken the wrong way up, or a VIN for hardly one.
    let (turned, faint_turned) = (turned(&seen), turned(&faint));
    for quads in [turned, faint, faint_turned] {
        search.look_at(&quads)?;
        if search.is_sure() {
            return Ok(search.marks);
        }
    }
    search.read_all()?;
    Ok(search.marks)
}

/// The parts in which a large frame is looked at, and a tall one, of which the locator's input shows little: none if it shows a pixel
/// for [`COARSENED`] of the frame's.
fn parts(frame: &Frame) -> impl Iterator<Item = Area> {
    let (width, height) = locate::FINEST;
    let count = |size: usize, input: usize| {
        let inputs = size as f32 / (COARSENED * input as f32);
        ((inputs - OVERLAP) / (1.0 - OVERLAP)).ceil().max(1.0) as usize
    };
    let (columns, rows) = (count(frame.width, width), count(frame.height, height));
    let several = if columns * rows > 1 { PARTS } else { 0 };
    Area::grid(columns, rows, OVERLAP).take(several)
}

fn turned(quads: &[Quad]) -> Vec<Quad> {
    quads.iter().map(Quad::turned).collect()
}

struct Search<'a> {
    reader: &'a Reader,
    frame: &'a Frame,
    /// Not read yet.
    lines: heapless::Vec<Line, MARKS>,
    /// Read.
    marks: heapless::Vec<Mark, MARKS>,
}

impl Search<'_> {
    /// Looks at the lines near some quads, surest first, and reads those that are surely VINs.
    fn look_at(&mut self, quads: &[Quad]) -> Result<(), ReadError> {
        for rough in quads {
            match self.approach(rough)? {
                Some(line) if line.mark >= SURELY => self.read(&line)?,
                Some(line) => keep(&mut self.lines, line, |line| (&line.quad, line.mark)),
                None => {}
            }
        }
        Ok(())
    }

    /// The line near a quad, unless it is hardly a VIN this way up, or surely read already.
    fn approach(&self, rough: &Quad) -> Result<Option<Line>, ReadError> {
        let least = if self.is_sure() {
            HARDLY_ANOTHER
        } else {
            HARDLY
        };
        let mut quad = *rough;
        let mut found = None;
        for _ in 0..STEPS {
            if self.is_read(&quad) {
                return Ok(None);
            }
            let (line, there) =
                recognize::approach(&*self.reader.readers.recognizer, self.frame, &quad)?;
            if line.mark < least {
                return Ok(None);
            }
            quad = line.quad;
            found = Some(line);
            if there {
                break;
            }
        }
        Ok(found)
    }

    fn read(&mut self, line: &Line) -> Result<(), ReadError> {
        let mut mark = recognize::read(&self.reader.readers, self.frame, line)?;
        compare(&mut self.marks, &mut mark);
        keep(&mut self.marks, mark, |mark| {
            (&mark.quad, mark.evidence.worth())
        });
        Ok(())
    }

    fn read_all(&mut self) -> Result<(), ReadError> {
        for line in std::mem::take(&mut self.lines) {
            self.read(&line)?;
        }
        Ok(())
    }

    fn is_sure(&self) -> bool {
        self.marks.iter().any(is_sure)
    }

    /// Whether a mark at a quad is surely read.
    fn is_read(&self, quad: &Quad) -> bool {
        let mut marks = self.marks.iter();
        marks.any(|mark| is_sure(mark) && same(&mark.quad, quad))
    }
}

fn is_sure(mark: &Mark) -> bool {
    let seen = &mark.evidence;
    seen.mark >= WHOLE && seen.clarity() >= CLEARLY && !mark.contradicted
}

/// Two cuts of one text that are about as good count both where they say nearly the same. Where they do not, they are none to be
/// sure of, whichever is kept; nor is a third. Nor is any, however good, if another surely shows more characters than a VIN has: of a
/// thousand lines of 18 characters twelve were accepted, five of them a character short that other cuts had shown.
fn compare(marks: &mut [Mark], new: &mut Mark) {
    let at = new.quad;
    for old in marks.iter_mut().filter(|old| same(&old.quad, &at)) {
        if (old.longer >= LONGER) != (new.longer >= LONGER) {
            (old.contradicted, new.contradicted) = (true, true);
        }
        let (worth, other) = (new.evidence.worth(), old.evidence.worth());
        if worth.min(other) < ABOUT_AS_GOOD * worth.max(other) {
            continue;
        }
        let differing = iter::zip(&old.evidence.log_p, &new.evidence.log_p)
            .filter(|(a, b)| recognize::likeliest(a).0 != recognize::likeliest(b).0)
            .count();
        if old.contradicted || differing > FEW {
            (old.contradicted, new.contradicted) = (true, true);
        } else if differing > 0 {
            let both = recognize::mean([&old.evidence.log_p, &new.evidence.log_p]);
            (old.evidence.log_p, new.evidence.log_p) = (both, both);
        }
    }
}

/// Adds what lies somewhere and is worth something, unless something better lies on the same text: two lines that were
/// cut again and again may end on one, whose pixels must not count twice. Without room the least goes.
fn keep<T>(kept: &mut heapless::Vec<T, MARKS>, new: T, at: impl Fn(&T) -> (&Quad, f32)) {
    let (quad, worth) = at(&new);
    if kept
        .iter()
        .any(|old| same(at(old).0, quad) && at(old).1 >= worth)
    {
        return;
    }
    kept.retain(|old| !same(at(old).0, quad));
    if let Err(new) = kept.push(new)
        && let Some(least) = kept.iter_mut().min_by(|a, b| at(a).1.total_cmp(&at(b).1))
        && at(least).1 < worth
    {
        *least = new;
    }
}

/// Whether two quads lie on one text. The lower one tells: a barcode is higher than the VIN beside it.
fn same(a: &Quad, b: &Quad) -> bool {
    let widths = 0.5 * a.width().max(b.width()) / a.width();
    let heights = a.height().min(b.height()) / a.height();
    a.is_near(b, widths, heights)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::inference::{Network, NetworkError};
    use crate::reader::locate::tests::{add, frame as dark, nothing, scripted};
    use crate::reader::locate::{COARSE, FINE, FINEST};
    use crate::reader::recognize::{Readers, WRITING, corners_of};
    use crate::reader::spell::tests::{arbitration, spelling};
    use crate::reader::{Decision, Evidence};
    use crate::vin::LENGTH;

    /// Counts its runs, and says what a function says.
    struct Says<F> {
        runs: Arc<AtomicUsize>,
        what: F,
    }

    impl<F: Fn(&[f32]) -> Vec<Vec<f32>> + Send + Sync> Network for Says<F> {
        fn run(&self, input: Vec<f32>) -> Result<Vec<Vec<f32>>, NetworkError> {
            self.runs.fetch_add(1, Ordering::Relaxed);
            Ok((self.what)(&input))
        }
    }

    /// One line across the middle of a locator's input, from left to right.
    fn one_line(scene: &[f32]) -> Vec<Vec<f32>> {
        let size = [COARSE, FINE, FINEST]
            .into_iter()
            .find(|size| size.0 * size.1 == scene.len());
        let size = size.unwrap();
        let (x, y) = (size.0 / 2, size.1 / 2);
        let (left, right) = ((x - 96) as f32, (x + 96) as f32);
        let (top, bottom) = ((y - 4) as f32, (y + 12) as f32);
        let line = [(left, top), (right, top), (right, bottom), (left, bottom)];
        let mut map = nothing(size);
        add(&mut map, size, (x - 96) / 8..(x + 96) / 8, y / 8, line);
        vec![map]
    }

    /// A VIN if the strip gets brighter from left to right, with characters that are clear or not.
    fn brighter(strip: &[f32], clear: bool) -> Vec<Vec<f32>> {
        let mark = if strip[0] < strip[255] { 5.0 } else { -9.0 };
        let mut characters = vec![0.0; LENGTH * WRITING];
        if clear {
            let first = characters.iter_mut().step_by(WRITING);
            first.for_each(|one| *one = 9.0);
        }
        vec![characters, vec![mark], vec![0.0; 8]]
    }

    /// The marks of a frame that gets brighter from left to right or the other way, and how often the locator ran.
    fn marks_of(
        (width, height): (usize, usize),
        rising: bool,
        clear: bool,
    ) -> (heapless::Vec<Mark, MARKS>, usize) {
        let runs = Arc::new(AtomicUsize::new(0));
        let locator = |size| {
            let (runs, what) = (runs.clone(), one_line);
            scripted(Says { runs, what }, size)
        };
        let says = Says {
            runs: Arc::default(),
            what: move |strip: &[f32]| brighter(strip, clear),
        };
        let spells = Says {
            runs: Arc::default(),
            what: |_: &[f32]| vec![spelling([0; LENGTH])],
        };
        let arbitrates = Says {
            runs: Arc::default(),
            what: |_: &[f32]| vec![arbitration([0; LENGTH])],
        };
        let reader = Reader {
            coarse: locator(COARSE),
            fine: locator(FINE),
            finest: locator(FINEST),
            readers: Readers {
                recognizer: Box::new(says),
                examiner: Box::new(spells),
                arbiter: Box::new(arbitrates),
            },
            decision: Decision::embedded().unwrap(),
        };
        let luma = (0..width * height).map(|at| {
            let share = (at % width * 255 / width) as u8;
            if rising { share } else { 255 - share }
        });
        let frame = Frame {
            width,
            height,
            luma: luma.collect(),
        };
        let marks = search(&reader, &frame).unwrap();
        (marks, runs.load(Ordering::Relaxed))
    }

    #[test]
    fn a_clear_mark_ends_the_search() {
        let (marks, runs) = marks_of((640, 360), true, true);
        assert_eq!((marks.len(), runs), (1, 1));
        assert!(marks[0].quad.orientation_deg().abs() < 1.0);
    }

    #[test]
    fn what_nobody_can_read_does_not() {
        for (size, looks) in [((640, 360), 2), ((1280, 720), 3)] {
            let (marks, runs) = marks_of(size, true, false);
            assert_eq!((marks.len(), runs), (1, looks));
        }
    }

    #[test]
    fn a_large_or_tall_frame_is_looked_at_in_parts_too() {
        for (size, parts) in [((720, 1280), 2), ((3840, 2160), 4), ((3024, 4032), 8)] {
            let (_, runs) = marks_of(size, true, false);
            assert_eq!(runs, 3 + parts, "{size:?}");
        }
        for ((width, height), count) in [
            ((1920, 1080), 0),
            ((8000, 8000), PARTS),
            ((1 << 20, 1), PARTS),
        ] {
            assert_eq!(parts(&dark(width, height)).count(), count);
        }
    }

    #[test]
    fn parts_share_their_edges() {
        let frame = dark(3840, 2160);
        let areas: Vec<_> = parts(&frame).map(<[f32; 4]>::from).collect();
        let [first, right, below, last] = areas.as_slice() else {
            panic!("{areas:?}")
        };
        assert!((last[0] + last[2] - 1.0).abs() < 1e-5 && (last[1] + last[3] - 1.0).abs() < 1e-5);
        let share = |from: f32, to: f32, size: f32| (from + size - to) / size;
        let shared = [
            share(first[0], right[0], first[2]),
            share(first[1], below[1], first[3]),
        ];
        for shared in shared {
            assert!((shared - OVERLAP).abs() < 1e-5, "{areas:?}");
        }
    }

    #[test]
    fn a_line_is_tried_the_other_way_round() {
        let (marks, runs) = marks_of((640, 360), false, true);
        assert_eq!((marks.len(), runs), (1, 2));
        assert!(marks[0].quad.orientation_deg().abs() > 179.0);
    }

    /// An upright quad.
    fn quad(x: f32, y: f32, width: f32, height: f32) -> Quad {
        Quad(corners_of((x, y, x + width, y + height)))
    }

    #[test]
    fn the_best_on_a_text_is_kept() {
        let mut kept = heapless::Vec::new();
        let mut add = |x: f32, worth: f32| {
            keep(
                &mut kept,
                (quad(x, 0.0, 100.0, 10.0), worth),
                |(quad, worth)| (quad, *worth),
            );
            kept.iter().map(|(_, worth)| *worth).collect::<Vec<_>>()
        };
        assert_eq!(add(0.0, 0.5), [0.5]);
        assert_eq!(add(5.0, 0.4), [0.5]);
        assert_eq!(add(90.0, 0.3), [0.5, 0.3]);
        assert_eq!(add(45.0, 0.6), [0.6]); // on both
        for n in 1..MARKS {
            add(200.0 * n as f32, 0.1);
        }
        let full = add(9000.0, 0.05);
        assert_eq!((full.len(), full[0]), (MARKS, 0.6));
        assert!(!full.contains(&0.05));
        assert!(add(9000.0, 0.2).contains(&0.2));
    }

    /// A mark at x whose places all say one character, each with a probability.
    fn mark(x: f32, character: usize, probability: f32) -> Mark {
        let mut log_p = [[1e-4_f32.ln(); 33]; LENGTH];
        for place in &mut log_p {
            place[character] = probability.ln();
        }
        let quad = quad(x, 0.0, 100.0, 10.0);
        let evidence = Evidence { log_p, mark: 0.99 };
        Mark {
            quad,
            evidence,
            longer: 0.0,
            contradicted: false,
        }
    }

    #[test]
    fn cuts_that_contradict_each_other_are_in_doubt() {
        let doubted = |old: Mark, mut new: Mark| {
            let mut marks = [old];
            compare(&mut marks, &mut new);
            [&marks[0], &new].map(|mark| mark.contradicted)
        };
        assert_eq!(doubted(mark(0.0, 4, 0.8), mark(5.0, 7, 0.9)), [true, true]);
        let says_the_same = doubted(mark(0.0, 4, 0.8), mark(5.0, 4, 0.9));
        let much_better = doubted(mark(0.0, 4, 0.4), mark(5.0, 7, 0.9));
        let elsewhere = doubted(mark(0.0, 4, 0.8), mark(200.0, 7, 0.9));
        assert_eq!([says_the_same, much_better, elsewhere], [[false; 2]; 3]);
        let mut disputed = mark(0.0, 4, 0.8);
        disputed.contradicted = true;
        assert_eq!(doubted(disputed, mark(5.0, 4, 0.9)), [true, true]);
    }

    #[test]
    fn a_cut_that_shows_more_characters_casts_doubt_on_all_of_its_text() {
        let longer = |x: f32| {
            let mut mark = mark(x, 4, 0.8);
            (mark.evidence.mark, mark.longer) = (0.003, 0.99);
            mark
        };
        for (x, doubted) in [(5.0, true), (200.0, false)] {
            let (mut seen, mut whole) = ([longer(0.0)], mark(x, 4, 0.8));
            compare(&mut seen, &mut whole);
            assert_eq!(whole.contradicted, doubted, "{x}");
            let (mut seen, mut longer) = ([mark(0.0, 4, 0.8)], longer(x));
            compare(&mut seen, &mut longer);
            assert_eq!(seen[0].contradicted, doubted, "{x}");
        }
    }

    #[test]
    fn cuts_that_say_nearly_the_same_count_both() {
        let (old, mut new) = (mark(0.0, 4, 0.8), mark(5.0, 4, 0.9));
        new.evidence.log_p[2].swap(4, 7);
        let mut marks = [old];
        compare(&mut marks, &mut new);
        assert_eq!(marks[0].evidence.log_p, new.evidence.log_p);
        assert!(!marks[0].contradicted && !new.contradicted);
        let at = |character: usize| new.evidence.log_p[2][character];
        assert!(at(4) < at(7) && at(7) < 0.5_f32.ln(), "{} {}", at(4), at(7));
    }

    #[test]
    fn a_barcode_beside_a_vin_is_another_line() {
        let (vin, barcode) = (quad(0.0, 0.0, 300.0, 20.0), quad(0.0, 30.0, 300.0, 60.0));
        assert!(!same(&vin, &barcode) && !same(&barcode, &vin));
        let part = quad(100.0, 2.0, 150.0, 20.0);
        assert!(same(&vin, &part) && same(&part, &vin));
    }
}
