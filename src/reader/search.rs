//! Frame → marks: which lines are looked at, in which order, and when it is enough.

use std::iter;

use super::locate::{self, Locator};
use super::recognize::{self, Line};
use super::{LONGER, MARKS, Mark, ReadError, Reader};
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
/// So many parts at most: those of 64 megapixels of any usual shape; a picture that would be more is no photograph.
const PARTS: usize = 40;

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
            return search.finish(HARDLY_ANOTHER);
        }
        seen.extend(lines.seen);
        faint.extend(lines.faint);
    }
    // The locator may have taken the wrong way up, or a VIN for hardly one.
    let (turned, faint_turned) = (turned(&seen), turned(&faint));
    for quads in [turned, faint, faint_turned] {
        search.look_at(&quads)?;
        if search.is_sure() {
            return search.finish(HARDLY_ANOTHER);
        }
    }
    search.finish(HARDLY)
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

    /// The marks, when what is left and at least so probable is read, too.
    fn finish(mut self, least: f32) -> Result<heapless::Vec<Mark, MARKS>, ReadError> {
        for line in std::mem::take(&mut self.lines) {
            if line.mark >= least && !self.is_read(&line.quad) {
                self.read(&line)?;
            }
        }
        Ok(self.marks)
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
    seen.mark >= WHOLE && seen.clarity() >= CLEARLY && !mark.is_doubted()
}

/// Two cuts of one text that are about as good count both where they say nearly the same. Where they do not, they are none to be
/// sure of, whichever is kept; nor is a third. Nor is any, however good, if another surely shows more characters than a VIN has: of a
/// thousand lines of 18 characters twelve were accepted, five of them a character short that other cuts had shown.
fn compare(marks: &mut [Mark], new: &mut Mark) {
    let at = new.quad;
    for old in marks.iter_mut().filter(|old| same(&old.quad, &at)) {
        let longer = [old.longer, new.longer].into_iter().flatten();
        let longer = longer.fold(0.0, f32::max);
        if longer >= LONGER {
            // Of both, as a third cut is compared with one of them.
            (old.longer, new.longer) = (Some(longer), Some(longer));
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
mod tests;
