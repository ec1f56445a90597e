#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::*;
use crate::inference::NetworkError;
use crate::reader::locate::tests::frame;
use crate::reader::spell::{
    CLASSES,
    tests::{arbitration, spelling},
};

/// Says that the text lies an eighth of the strip further right in the first strip, and where it should in all others.
struct Shifts(Mutex<usize>);

impl Network for Shifts {
    fn run(&self, _: Vec<f32>) -> Result<Vec<Vec<f32>>, NetworkError> {
        let mut runs = self.0.lock().unwrap();
        *runs += 1;
        // In the two loose cuts the text lies 16 pixels further in at both ends, and 3 lower and higher.
        let (x, y) = if *runs <= 2 {
            (16.0 / 256.0, 3.0 / 32.0)
        } else {
            (0.0, 0.0)
        };
        let shift = if *runs == 1 { 32.0 / 256.0 } else { 0.0 };
        let corners = vec![x + shift, y, shift - x, y, shift - x, -y, x + shift, -y];
        Ok(vec![vec![0.0; LENGTH * WRITING], vec![0.0], corners])
    }
}

fn dark() -> Frame {
    frame(100, 50)
}

/// A line that may be a VIN.
fn likely() -> Line {
    Line {
        quad: Quad(corners_of((10.0, 10.0, 62.0, 19.0))),
        mark: 0.99,
    }
}

/// Says surely that a strip is a whole VIN, with a character in all places.
struct Reads(usize);

impl Network for Reads {
    fn run(&self, _: Vec<f32>) -> Result<Vec<Vec<f32>>, NetworkError> {
        let mut characters = vec![0.0; LENGTH * WRITING];
        let all = characters.iter_mut().skip(self.0).step_by(WRITING);
        all.for_each(|one| *one = 7.0);
        Ok(vec![characters, vec![9.0], vec![0.0; 8]])
    }
}

/// Says how probably a strip is a whole VIN, with a clear character in all places.
struct Judges(f32);

impl Network for Judges {
    fn run(&self, strip: Vec<f32>) -> Result<Vec<Vec<f32>>, NetworkError> {
        let mut said = Reads(4).run(strip)?;
        said[1] = vec![(self.0 / (1.0 - self.0)).ln()];
        Ok(said)
    }
}

/// Spells a character as many times as it is told.
struct Spells(usize, usize);

impl Network for Spells {
    fn run(&self, _: Vec<f32>) -> Result<Vec<Vec<f32>>, NetworkError> {
        Ok(vec![spelling(vec![self.0; self.1])])
    }
}

/// The same, as the arbiter does.
struct Arbitrates(usize, usize);

impl Network for Arbitrates {
    fn run(&self, _: Vec<f32>) -> Result<Vec<Vec<f32>>, NetworkError> {
        Ok(vec![arbitration(vec![self.0; self.1])])
    }
}

/// Spells a VIN, in the first strip two characters off.
struct SpellsElsewhere(AtomicUsize);

impl Network for SpellsElsewhere {
    fn run(&self, _: Vec<f32>) -> Result<Vec<Vec<f32>>, NetworkError> {
        let mut columns = spelling([4; LENGTH]);
        if self.0.fetch_add(1, Ordering::Relaxed) == 0 {
            columns.rotate_left(4 * CLASSES);
        }
        Ok(vec![columns])
    }
}

/// Spells a VIN in one of the strips, and a character more in all others.
struct SpellsVinIn(usize, AtomicUsize);

impl Network for SpellsVinIn {
    fn run(&self, _: Vec<f32>) -> Result<Vec<Vec<f32>>, NetworkError> {
        let more = usize::from(self.1.fetch_add(1, Ordering::Relaxed) != self.0);
        Ok(vec![spelling(vec![4; LENGTH + more])])
    }
}

/// Says surely that a strip is a whole VIN, whose characters are clear if it is as wanted.
struct ClearIf(fn(&[f32]) -> bool);

impl Network for ClearIf {
    fn run(&self, strip: Vec<f32>) -> Result<Vec<Vec<f32>>, NetworkError> {
        let clear = if (self.0)(&strip) { 7.0 } else { 1.0 };
        let mut characters = vec![0.0; LENGTH * WRITING];
        let first = characters.iter_mut().step_by(WRITING);
        first.for_each(|one| *one = clear);
        Ok(vec![characters, vec![9.0], vec![0.0; 8]])
    }
}

/// How far the corners of the likely line are moved, in the frame's pixels, before it is clear.
fn moved_until_clear(luma: fn(f32, f32) -> f32, clear: fn(&[f32]) -> bool) -> [(f32, f32); 4] {
    let (width, height) = (100, 50);
    let at = |index: usize| ((index % width) as f32 + 0.5, (index / width) as f32 + 0.5);
    let pixel = |index| luma(at(index).0, at(index).1) as u8;
    let frame = Frame {
        width,
        height,
        luma: (0..width * height).map(pixel).collect(),
    };
    let readers = Readers {
        recognizer: Box::new(ClearIf(clear)),
        examiner: Box::new(Spells(0, LENGTH)),
        arbiter: Box::new(Arbitrates(0, LENGTH)),
    };
    let mark = read(&readers, &frame, &likely()).unwrap();
    let told = likely().quad;
    std::array::from_fn(|corner| {
        let (found, told) = (mark.quad.0[corner], told.0[corner]);
        (found.x - told.x, found.y - told.y)
    })
}

/// A pixel of a strip.
fn pixel(strip: &[f32], x: usize, y: usize) -> f32 {
    strip[y * STRIP.0 + x]
}

fn assert_near(found: [(f32, f32); 4], expected: [(f32, f32); 4]) {
    let far = found
        .iter()
        .zip(expected)
        .any(|(a, b)| (a.0 - b.0).hypot(a.1 - b.1) > 0.01);
    assert!(!far, "{found:?} instead of {expected:?}");
}

#[test]
fn a_leaning_text_is_cut_upright() {
    let leaning = |x: f32, y: f32| 1.5 * x + 0.9 * y;
    let upright = |strip: &[f32]| (pixel(strip, 99, 5) - pixel(strip, 99, 26)).abs() < 0.005;
    // The text is 9 pixels high; three tenths of those.
    let (upper, lower) = ((2.7, 0.0), (-2.7, 0.0));
    assert_near(
        moved_until_clear(leaning, upright),
        [upper, upper, lower, lower],
    );
}

#[test]
fn text_is_cut_without_a_barcode_that_touches_it() {
    let barcode = |_, y: f32| if y < 15.6 { 0.0 } else { 255.0 };
    let without = |strip: &[f32]| pixel(strip, 99, 26) < 0.5;
    // The text is 9 pixels high; four tenths of those.
    let (stays, up) = ((0.0, 0.0), (0.0, -3.6));
    assert_near(moved_until_clear(barcode, without), [stays, stays, up, up]);
}

#[test]
fn a_clear_text_stays_where_it_is() {
    assert_near(moved_until_clear(|_, _| 9.0, |_| true), [(0.0, 0.0); 4]);
}

struct Counted<N> {
    network: N,
    runs: Arc<AtomicUsize>,
}

impl<N: Network> Network for Counted<N> {
    fn run(&self, strip: Vec<f32>) -> Result<Vec<Vec<f32>>, NetworkError> {
        self.runs.fetch_add(1, Ordering::Relaxed);
        self.network.run(strip)
    }
}

/// How probable a mark is that is read as the given character in all places, and spelt so as many times as told.
fn mark(character: usize, times: usize) -> f32 {
    let readers = Readers {
        recognizer: Box::new(Reads(4)),
        examiner: Box::new(Spells(character, times)),
        arbiter: Box::new(Arbitrates(character, LENGTH)),
    };
    let mark = read(&readers, &dark(), &likely()).unwrap();
    mark.evidence.mark
}

#[test]
fn what_has_a_character_that_no_vin_has_is_hardly_one() {
    let vin = mark(4, LENGTH);
    assert!(vin > 0.9, "{vin}");
    for barred in CHARACTERS..WRITING {
        let mark = mark(barred, LENGTH);
        assert!(mark < 0.5, "{mark}");
    }
}

#[test]
fn what_is_spelt_longer_or_shorter_is_none() {
    let marks = [LENGTH - 1, LENGTH + 1].map(|times| mark(4, times));
    assert!(marks.iter().all(|mark| *mark < 0.01), "{marks:?}");
}

#[test]
fn what_nobody_takes_for_a_vin_is_not_examined() {
    let mark = |recognized| {
        let readers = Readers {
            recognizer: Box::new(Judges(recognized)),
            examiner: Box::new(Spells(4, LENGTH)),
            arbiter: Box::new(Arbitrates(4, LENGTH)),
        };
        read(&readers, &dark(), &likely()).unwrap().evidence.mark
    };
    // Clear characters are worth a second opinion.
    assert!(mark(0.2) > 0.9 && mark(0.02) < 0.1);
}

/// What becomes of the likely line that all others read alike.
fn spelt_by(examiner: impl Network + 'static) -> Mark {
    read_by(examiner, Arbitrates(4, LENGTH)).unwrap()
}

#[test]
fn a_text_is_cut_where_it_is_spelt() {
    let mark = spelt_by(SpellsElsewhere(AtomicUsize::new(0)));
    let (told, found) = (likely().quad, mark.quad);
    assert!(found.0[0].x < told.0[0].x - 2.0, "{found:?}");
    assert_eq!(found.0[0].y, told.0[0].y);
    assert!(mark.evidence.mark > 0.9);
}

#[test]
fn signs_beside_a_text_are_left_out() {
    // In the first strip it has a sign; in the next three it is cut without the first, the last, and both.
    for (strip, [begins, ends]) in [(1, [1, 18]), (2, [0, 17]), (3, [1, 18])] {
        let mark = spelt_by(SpellsVinIn(strip, AtomicUsize::new(0)));
        let [told, found] = [likely().quad, mark.quad].map(|quad| [quad.0[0].x, quad.0[1].x]);
        let signs = if strip == 3 { 19.0 } else { 18.0 };
        let pitch = (told[1] - told[0]) / signs;
        for (found, places) in found.into_iter().zip([begins, ends]) {
            assert!(
                (found - told[0] - places as f32 * pitch).abs() < 0.01,
                "{strip}"
            );
        }
        assert!(mark.evidence.mark > 0.9);
    }
}

/// The examiner spells a character more first.
#[test]
fn what_was_seen_to_be_longer_is_in_doubt() {
    assert!(spelt_by(SpellsVinIn(1, AtomicUsize::new(0))).is_doubted());
    assert!(!spelt_by(Spells(4, LENGTH)).is_doubted());
}

/// How often the networks are asked, each saying surely the given character in all places; the examiner as many times as told.
fn asked([recognizer, examiner, arbiter]: [usize; 3], times: usize) -> [usize; 3] {
    fn counted<N: Network + 'static>(network: N) -> (Box<dyn Network>, Arc<AtomicUsize>) {
        let runs: Arc<AtomicUsize> = Arc::default();
        let counted = Counted {
            network,
            runs: runs.clone(),
        };
        (Box::new(counted), runs)
    }
    let (recognizer, recognized) = counted(Reads(recognizer));
    let (examiner, examined) = counted(Spells(examiner, times));
    let (arbiter, arbitrated) = counted(Arbitrates(arbiter, LENGTH));
    let readers = Readers {
        recognizer,
        examiner,
        arbiter,
    };
    read(&readers, &dark(), &likely()).unwrap();
    [recognized, examined, arbitrated].map(|runs| runs.load(Ordering::Relaxed))
}

#[test]
fn the_arbiter_is_asked_if_the_others_do_not_agree() {
    assert_eq!(asked([4, 4, 5], LENGTH), [1, 1, 0]);
    assert_eq!(asked([4, 5, 4], LENGTH), [1, 1, 1]);
}

#[test]
fn the_arbiter_is_not_asked_about_what_is_surely_no_vin() {
    let [_, _, arbitrated] = asked([4, 5, 4], LENGTH + 3);
    assert_eq!(arbitrated, 0);
}

/// What becomes of the likely line, which the recognizer reads as fours.
fn read_by(
    examiner: impl Network + 'static,
    arbiter: impl Network + 'static,
) -> Result<Mark, ReadError> {
    let readers = Readers {
        recognizer: Box::new(Reads(4)),
        examiner: Box::new(examiner),
        arbiter: Box::new(arbiter),
    };
    read(&readers, &dark(), &likely())
}

/// The same where the arbiter is asked, as recognizer and examiner read it differently.
fn arbitrated_by(arbiter: impl Network + 'static) -> Result<Mark, ReadError> {
    read_by(Spells(5, LENGTH), arbiter)
}

#[test]
fn examiner_and_arbiter_tell_a_whole_vin_together() {
    let whole = |spelt, arbitrated| {
        let arbiter = Arbitrates(4, arbitrated);
        let mark = read_by(Spells(5, spelt), arbiter).unwrap();
        mark.evidence.mark
    };
    let doubtful = LENGTH + 1;
    let [both, first, last] = [
        whole(LENGTH, LENGTH),
        whole(doubtful, LENGTH),
        whole(LENGTH, doubtful),
    ];
    assert!(both > 0.99, "{both}");
    for doubted in [first, last] {
        assert!(0.01 < doubted && doubted < 0.5, "{doubted}");
    }
}

#[test]
fn the_arbiter_turns_the_scale() {
    for says in [4, 5] {
        let mark = arbitrated_by(Arbitrates(says, LENGTH)).unwrap();
        let (read, odds) = likeliest(&mark.evidence.log_p[0]);
        assert!(read == says && odds > 1.0, "{read} by {odds}");
    }
}

#[test]
fn another_network_is_no_arbiter() {
    for told in [arbitrated_by(Reads(4)), arbitrated_by(Spells(4, LENGTH))] {
        let error = told.err().unwrap();
        assert!(error.to_string().contains("arbiter"), "{error}");
    }
}

#[test]
fn the_cut_follows_the_text() {
    let frame = dark();
    let rough = likely().quad;
    let readers = Readers {
        recognizer: Box::new(Shifts(Mutex::new(0))),
        examiner: Box::new(Spells(4, LENGTH)),
        arbiter: Box::new(Arbitrates(4, LENGTH)),
    };
    let (line, there) = approach(&*readers.recognizer, &frame, &rough).unwrap();
    assert!(!there);
    let (line, there) = approach(&*readers.recognizer, &frame, &line.quad).unwrap();
    assert!(there);
    let mark = read(&readers, &frame, &line).unwrap();
    // 208 strip pixels are 52 frame pixels, so 32 are 8.
    for (found, rough) in mark.quad.0.iter().zip(rough.0) {
        assert!(
            (found.x - rough.x - 8.0).abs() < 0.01,
            "{found:?} {rough:?}"
        );
        assert!((found.y - rough.y).abs() < 0.01, "{found:?} {rough:?}");
    }
}
