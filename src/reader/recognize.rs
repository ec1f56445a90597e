//! Quad → what its characters are.
//!
//! The recognizer also tells where the corners of the text lie in its strip. The locator's corners are rough, so a line is
//! approached in strips that are cut loosely, each where the last one told. What looks like a mark another network, the examiner,
//! spells, and so tells how many characters there are and where they begin and end. Where the two do not read the same without a
//! doubt, a third one, the arbiter, spells it, too: they make different mistakes, and what only one of them sees is not sure.

use super::odds::{logistic, logit, normalise};
use super::spell::{Spelling, spell};
use super::{Evidence, Mark, ReadError};
use crate::image::{Frame, Point, Quad, soften, unwarp, warp};
use crate::inference::Network;
use crate::vin::{ALPHABET, LENGTH};

/// The network's input: pixels a row, rows.
pub(super) const STRIP: (usize, usize) = (256, 32);
/// Where the text's corners should lie in it: x0, y0, x1, y1.
const TEXT: (f32, f32, f32, f32) = (8.0, 4.0, 248.0, 28.0);
/// Where they are put while it is not sure where they are.
const LOOSE: (f32, f32, f32, f32) = (24.0, 7.0, 232.0, 25.0);
/// Where they are put to be spelt by the examiner: what stands beside the text must be seen, to tell whether it belongs to it.
const SPELT: (f32, f32, f32, f32) = (24.0, 4.0, 232.0, 28.0);
/// And by the arbiter.
const ARBITRATED: (f32, f32, f32, f32) = (16.0, 4.0, 240.0, 28.0);
/// Into how many columns they turn the strip.
const EXAMINER_COLUMNS: usize = 64;
const ARBITER_COLUMNS: usize = 44;
/// Probability of being a whole VIN from which on one is cut anew: if it is not clear, and where it is spelt. With less
/// it is spelt without what stands at its ends, which may be signs; of 400 frames three more are read so.
const POSSIBLY: f32 = 0.3;
/// From one of these probabilities of being a whole VIN and clarities on a mark is read again and examined; the recognizer
/// takes some clear VINs for hardly one.
const READABLE: [(f32, f32); 2] = [(0.3, 0.3), (0.1, 0.9)];
/// Clarity below which a mark is cut otherwise, too: leaning, as how far text leans the recognizer was not trained to tell, and with less of its
/// height, as it takes what touches text, a barcode above all, for a part of it.
const CLEAR: f32 = 0.95;
/// How far it leans, as a share of its height: see [`Quad::leaning`].
const LEANS: [f32; 4] = [-0.15, 0.15, -0.3, 0.3];
/// What is left out at the top and at the bottom, as shares of its height.
const TRIMS: [(f32, f32); 3] = [(0.0, 0.2), (0.0, 0.4), (0.2, 0.0)];
/// How many times as good such a cut must be: the best of several looks surer than it is.
const BETTER: f32 = 1.1;
/// Odds, as a natural logarithm, against its likeliest rival from which on nobody doubts a character. Where recognizer and examiner have
/// no doubt of the same 17, the arbiter is not asked.
const DOUBTLESS: f32 = 4.0;
/// How far off where it was put a text may be in a loose strip for the next to be a close one, pixels along and across.
const THERE: (f32, f32) = (6.0, 4.0);
/// Further off than this, a close strip is cut once more.
const CLOSE: (f32, f32) = (2.0, 2.0);
/// What is a whole VIN with less probability by the examiner's spelling is none, and the arbiter is not asked.
const HARDLY: f32 = 1e-4;
/// So many characters off where it was put, a text is cut anew where it was spelt.
const ELSEWHERE: f32 = 0.5;
/// How much of its probability of being a whole VIN it must keep there.
const AS_WHOLE: f32 = 0.8;
pub(super) const CHARACTERS: usize = ALPHABET.len();
pub(super) type LogP = [[f32; CHARACTERS]; LENGTH];
/// What the networks tell apart: those, and I, O and Q, which stand in other writing.
pub(super) const WRITING: usize = CHARACTERS + 3;

/// The networks that read lines.
pub struct Readers {
    /// Also finds out where exactly a line lies.
    pub recognizer: Box<dyn Network>,
    /// Is shown what may be a VIN, and spells it.
    pub examiner: Box<dyn Network>,
    /// Spells what those two do not agree on without a doubt.
    pub arbiter: Box<dyn Network>,
}

/// Where a line's text lies, and how probable it is that it is a VIN.
pub struct Line {
    pub quad: Quad,
    pub mark: f32,
}

/// One step towards the line near a quad, by a loose strip; and whether the text lies about where the quad is.
pub fn approach(
    network: &dyn Network,
    frame: &Frame,
    rough: &Quad,
) -> Result<(Line, bool), ReadError> {
    let strip = cut(network, frame, rough, LOOSE)?;
    let line = Line {
        quad: strip.text,
        mark: strip.evidence.mark,
    };
    Ok((line, strip.is_within(THERE)))
}

/// Reads a line.
pub fn read(readers: &Readers, frame: &Frame, line: &Line) -> Result<Mark, ReadError> {
    let recognizer = &*readers.recognizer;
    let mut quad = line.quad;
    let mut strip = cut(recognizer, frame, &quad, TEXT)?;
    if !strip.is_within(CLOSE) {
        quad = strip.text;
        strip = cut(recognizer, frame, &quad, TEXT)?;
    }
    let mut mark = Mark {
        quad,
        evidence: strip.evidence,
        longer: None,
        contradicted: false,
    };
    if mark.evidence.mark >= POSSIBLY && mark.evidence.clarity() < CLEAR {
        cut_otherwise(recognizer, frame, &mut mark)?;
    }
    let seen = (mark.evidence.mark, mark.evidence.clarity());
    if READABLE
        .iter()
        .any(|least| seen.0 >= least.0 && seen.1 >= least.1)
    {
        let spelling = examine(readers, frame, &mut mark)?;
        (mark.evidence.mark, mark.longer) = (spelling.whole, Some(spelling.longer));
        if spelling.whole >= HARDLY {
            arbitrate(readers, frame, &mut mark, &spelling)?;
        }
    }
    Ok(mark)
}

/// Cuts a mark leaning or with less of its height, as its text looks most like a VIN.
fn cut_otherwise(network: &dyn Network, frame: &Frame, mark: &mut Mark) -> Result<(), ReadError> {
    let told = mark.quad;
    let leaning = LEANS.map(|share| told.leaning(share));
    let whole = (0.0, 0.0, 1.0, 1.0);
    let trimmed =
        TRIMS.map(|(top, bottom)| unwarp(&told, whole, corners_of((0.0, top, 1.0, 1.0 - bottom))));
    for quad in leaning.into_iter().chain(trimmed) {
        let evidence = cut(network, frame, &quad, TEXT)?.evidence;
        if evidence.worth() > BETTER * mark.evidence.worth() {
            (mark.quad, mark.evidence) = (quad, evidence);
        }
    }
    Ok(())
}

/// Spells a mark, once more where it is spelt if that is elsewhere, or without what may be signs beside it.
fn examine(readers: &Readers, frame: &Frame, mark: &mut Mark) -> Result<Spelling, ReadError> {
    let examiner = &*readers.examiner;
    let first = examined(examiner, frame, &mark.quad)?;
    let better = if first.whole < POSSIBLY {
        without_signs(examiner, frame, &mark.quad)?
    } else {
        where_spelt(examiner, frame, &mark.quad, &first)?
    };
    let Some((quad, mut there)) = better else {
        return Ok(first);
    };
    mark.evidence = cut(&*readers.recognizer, frame, &quad, TEXT)?.evidence;
    mark.quad = quad;
    there.longer = there.longer.max(first.longer);
    Ok(there)
}

/// The text of a quad where it is spelt, if that is elsewhere and as good.
fn where_spelt(
    examiner: &dyn Network,
    frame: &Frame,
    quad: &Quad,
    first: &Spelling,
) -> Result<Option<(Quad, Spelling)>, ReadError> {
    let (x0, x1) = first.extent();
    let pitch = (SPELT.2 - SPELT.0) / LENGTH as f32;
    let off = (x0 - SPELT.0).abs().max((x1 - SPELT.2).abs());
    if off < ELSEWHERE * pitch {
        return Ok(None);
    }
    let quad = between(quad, x0, x1);
    let there = examined(examiner, frame, &quad)?;
    Ok((there.whole >= AS_WHOLE * first.whole).then_some((quad, there)))
}

/// The text of a quad without the first of what stands there, or the last, or both, if that may be a VIN.
fn without_signs(
    examiner: &dyn Network,
    frame: &Frame,
    quad: &Quad,
) -> Result<Option<(Quad, Spelling)>, ReadError> {
    let mut best: Option<(Quad, Spelling)> = None;
    for (before, behind) in [(1.0, 0.0), (0.0, 1.0), (1.0, 1.0)] {
        let pitch = (SPELT.2 - SPELT.0) / (LENGTH as f32 + before + behind);
        let quad = between(quad, SPELT.0 + before * pitch, SPELT.2 - behind * pitch);
        let there = examined(examiner, frame, &quad)?;
        let least = best.as_ref().map_or(POSSIBLY, |(_, best)| best.whole);
        if there.whole >= least {
            best = Some((quad, there));
        }
    }
    Ok(best)
}

/// What lies from x0 to x1 in the strip in which a quad is spelt.
fn between(quad: &Quad, x0: f32, x1: f32) -> Quad {
    unwarp(quad, SPELT, corners_of((x0, SPELT.1, x1, SPELT.3)))
}

fn examined(examiner: &dyn Network, frame: &Frame, quad: &Quad) -> Result<Spelling, ReadError> {
    let outputs = examiner.run(strip_of(frame, quad, SPELT))?;
    spell(&outputs, EXAMINER_COLUMNS).ok_or(ReadError::Shape("examiner"))
}

fn arbitrated(arbiter: &dyn Network, frame: &Frame, quad: &Quad) -> Result<Spelling, ReadError> {
    let outputs = arbiter.run(strip_of(frame, quad, ARBITRATED))?;
    spell(&outputs, ARBITER_COLUMNS).ok_or(ReadError::Shape("arbiter"))
}

/// Takes the examiner's word beside the recognizer's and, if they do not say the same without a doubt, the arbiter's, which counts as
/// much as both: it reads more, and sees what they see differently. Whether they are a whole VIN it says together with the examiner:
/// one of them may see that a strip runs from one line into the next.
fn arbitrate(
    readers: &Readers,
    frame: &Frame,
    mark: &mut Mark,
    spelling: &Spelling,
) -> Result<(), ReadError> {
    let (one, other) = (mark.evidence.log_p, spelling.log_p);
    if agree_without_doubt(&one, &other) {
        mark.evidence.log_p = mean([&one, &other]);
    } else {
        let last = arbitrated(&*readers.arbiter, frame, &mark.quad)?;
        mark.evidence.log_p = mean([&one, &other, &last.log_p, &last.log_p]);
        let both = |one, other| logistic(0.5 * (logit(one) + logit(other)));
        mark.evidence.mark = both(spelling.whole, last.whole);
        mark.longer = Some(both(spelling.longer, last.longer));
    }
    Ok(())
}

/// What several cuts say together: the mean of their logarithms.
pub(super) fn mean<'a>(cuts: impl IntoIterator<Item = &'a LogP>) -> LogP {
    let mut mean = [[0.0; CHARACTERS]; LENGTH];
    let mut count = 0.0;
    for cut in cuts {
        let sums = mean.as_flattened_mut().iter_mut();
        sums.zip(cut.as_flattened())
            .for_each(|(sum, log)| *sum += log);
        count += 1.0;
    }
    for place in &mut mean {
        place.iter_mut().for_each(|sum| *sum /= count);
        normalise(place);
    }
    mean
}

fn agree_without_doubt(one: &LogP, other: &LogP) -> bool {
    one.iter().zip(other).all(|(one, other)| {
        let (one, other) = (likeliest(one), likeliest(other));
        one.0 == other.0 && one.1.min(other.1) >= DOUBTLESS
    })
}

/// The likeliest character, and its odds against the next likely one as a natural logarithm.
pub(super) fn likeliest(logs: &[f32; CHARACTERS]) -> (usize, f32) {
    let mut best = (0, f32::NEG_INFINITY);
    let mut rival = f32::NEG_INFINITY;
    for (character, &log) in logs.iter().enumerate() {
        if log > best.1 {
            rival = best.1;
            best = (character, log);
        } else {
            rival = rival.max(log);
        }
    }
    (best.0, best.1 - rival)
}

/// What a strip shows.
struct Strip {
    evidence: Evidence,
    /// Where the text really is in the frame.
    text: Quad,
    /// How far its corners are from where they were put, pixels of the strip.
    off: [(f32, f32); 4],
}

impl Strip {
    fn is_within(&self, (x, y): (f32, f32)) -> bool {
        self.off
            .iter()
            .all(|off| off.0.abs() <= x && off.1.abs() <= y)
    }
}

/// Cuts a strip so that the quad lies at `target`.
fn cut(
    network: &dyn Network,
    frame: &Frame,
    quad: &Quad,
    target: (f32, f32, f32, f32),
) -> Result<Strip, ReadError> {
    let outputs = network.run(strip_of(frame, quad, target))?;
    let [characters, mark, corners] = outputs.as_slice() else {
        return Err(ReadError::Shape("recognizer"));
    };
    if characters.len() != LENGTH * WRITING || mark.len() != 1 || corners.len() != 8 {
        return Err(ReadError::Shape("recognizer"));
    }
    let mut log_p = [[0.0; CHARACTERS]; LENGTH];
    for (place, logits) in log_p.iter_mut().zip(characters.chunks_exact(WRITING)) {
        place.copy_from_slice(&logits[..CHARACTERS]);
        normalise(place);
    }
    let evidence = Evidence {
        log_p,
        mark: logistic(mark[0]),
    };
    let wanted = corners_of(target);
    let nominal = corners_of(TEXT);
    let told: [Point; 4] = std::array::from_fn(|i| Point {
        x: nominal[i].x + corners[2 * i] * STRIP.0 as f32,
        y: nominal[i].y + corners[2 * i + 1] * STRIP.1 as f32,
    });
    Ok(Strip {
        evidence,
        text: unwarp(quad, target, told),
        off: std::array::from_fn(|i| (told[i].x - wanted[i].x, told[i].y - wanted[i].y)),
    })
}

/// A network's input, in which the quad lies at `target`. What is enlarged to it shows the frame's pixels and those of its JPEG, which
/// the strips trained on do not: of tuning photographs, cut at random near their lines, a network reads one to six in a hundred more
/// if they are softened.
fn strip_of(frame: &Frame, quad: &Quad, target: (f32, f32, f32, f32)) -> Vec<f32> {
    let mut strip = warp(frame, quad, target, STRIP.0, STRIP.1);
    soften(&mut strip, STRIP.0);
    strip
}

/// The corners of an upright rectangle, in [`Quad`]'s order.
pub fn corners_of((x0, y0, x1, y1): (f32, f32, f32, f32)) -> [Point; 4] {
    [(x0, y0), (x1, y0), (x1, y1), (x0, y1)].map(|(x, y)| Point { x, y })
}

#[cfg(test)]
mod tests;
