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

/// Lines across a locator's input, from left to right, at some shares of its height.
fn lines<const N: usize>(scene: &[f32], shares: [f32; N]) -> Vec<Vec<f32>> {
    let size = [COARSE, FINE, FINEST]
        .into_iter()
        .find(|size| size.0 * size.1 == scene.len());
    let size = size.unwrap();
    let mut map = nothing(size);
    for share in shares {
        let (x, y) = (size.0 / 2, (share * size.1 as f32) as usize / 8 * 8);
        let (left, right) = ((x - 96) as f32, (x + 96) as f32);
        let (top, bottom) = ((y - 4) as f32, (y + 12) as f32);
        let line = [(left, top), (right, top), (right, bottom), (left, bottom)];
        add(&mut map, size, (x - 96) / 8..(x + 96) / 8, y / 8, line);
    }
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

/// The marks of a frame that gets brighter from left to right or the other way, with one line, and how often the locator ran.
fn marks_of(
    size: (usize, usize),
    rising: bool,
    clear: bool,
) -> (heapless::Vec<Mark, MARKS>, usize) {
    let luma = |x: usize, _| {
        let share = (x * 255 / size.0) as u8;
        if rising { share } else { 255 - share }
    };
    let says = move |strip: &[f32]| brighter(strip, clear);
    searched(size, luma, |scene| lines(scene, [0.5]), says)
}

/// The marks of a frame by what locator and recognizer say, and how often the locator ran.
fn searched(
    (width, height): (usize, usize),
    luma: impl Fn(usize, usize) -> u8,
    locates: impl Fn(&[f32]) -> Vec<Vec<f32>> + Copy + Send + Sync + 'static,
    recognizes: impl Fn(&[f32]) -> Vec<Vec<f32>> + Send + Sync + 'static,
) -> (heapless::Vec<Mark, MARKS>, usize) {
    let runs = Arc::new(AtomicUsize::new(0));
    let locator = |size| {
        let (runs, what) = (runs.clone(), locates);
        scripted(Says { runs, what }, size)
    };
    let says = Says {
        runs: Arc::default(),
        what: recognizes,
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
    let luma = (0..width * height).map(|at| luma(at % width, at / width));
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

/// The other is dark, and looks like a VIN with 0.86.
#[test]
fn what_is_likely_another_vin_is_read_beside_a_sure_one() {
    let locates = |scene: &[f32]| lines(scene, [0.25, 0.75]);
    let recognizes = |strip: &[f32]| {
        let mut says = brighter(strip, true);
        if strip[0] < 0.25 {
            says[1] = vec![1.8];
        }
        // Text lies where it is put in an approach, 16 and 3 pixels within the usual place.
        let (x, y) = (16.0 / 256.0, 3.0 / 32.0);
        says[2] = vec![x, y, -x, y, -x, -y, x, -y];
        says
    };
    let luma = |x: usize, y: usize| (if y < 180 { 100 } else { 20 }) + (x / 8) as u8;
    let (marks, runs) = searched((640, 360), luma, locates, recognizes);
    assert_eq!((marks.len(), runs), (2, 1));
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
        ((8000, 8000), 32),
        ((9248, 6936), 35),
        ((8192, 8192), PARTS),
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
        longer: Some(0.0),
        contradicted: false,
    }
}

#[test]
fn cuts_that_contradict_each_other_are_in_doubt() {
    let doubted = |old: Mark, mut new: Mark| {
        let mut marks = [old];
        compare(&mut marks, &mut new);
        [&marks[0], &new].map(Mark::is_doubted)
    };
    assert_eq!(doubted(mark(0.0, 4, 0.8), mark(5.0, 7, 0.9)), [true, true]);
    let says_the_same = doubted(mark(0.0, 4, 0.8), mark(5.0, 4, 0.9));
    let much_better = doubted(mark(0.0, 4, 0.4), mark(5.0, 7, 0.9));
    let elsewhere = doubted(mark(0.0, 4, 0.8), mark(200.0, 7, 0.9));
    assert_eq!([says_the_same, much_better, elsewhere], [[false; 2]; 3]);
    let mut disputed = mark(0.0, 4, 0.8);
    disputed.contradicted = true;
    assert_eq!(doubted(disputed, mark(5.0, 4, 0.9)), [true, true]);
    let mut uncounted = mark(0.0, 4, 0.8);
    uncounted.longer = None;
    assert_eq!(doubted(uncounted, mark(5.0, 4, 0.9)), [true, false]);
}

#[test]
fn a_cut_that_shows_more_characters_casts_doubt_on_all_of_its_text() {
    let longer = |x: f32| {
        let mut mark = mark(x, 4, 0.8);
        (mark.evidence.mark, mark.longer) = (0.003, Some(0.99));
        mark
    };
    for (x, doubted) in [(5.0, true), (200.0, false)] {
        let (mut seen, mut whole) = ([longer(0.0)], mark(x, 4, 0.8));
        compare(&mut seen, &mut whole);
        assert_eq!(whole.is_doubted(), doubted, "{x}");
        let (mut seen, mut longer) = ([mark(0.0, 4, 0.8)], longer(x));
        compare(&mut seen, &mut longer);
        assert_eq!(seen[0].is_doubted(), doubted, "{x}");
    }
}

#[test]
fn a_third_cut_is_in_doubt_too() {
    let worth = |mark: &Mark| mark.evidence.worth();
    for first_is_longer in [true, false] {
        let mut longer = mark(0.0, 4, 0.8);
        (longer.evidence.mark, longer.longer) = (0.003, Some(0.99));
        let mut cuts = [longer, mark(1.0, 4, 0.3)];
        if !first_is_longer {
            cuts.reverse();
        }
        let mut marks = heapless::Vec::new();
        for mut cut in cuts.into_iter().chain([mark(2.0, 4, 0.9)]) {
            compare(&mut marks, &mut cut);
            keep(&mut marks, cut, |mark| (&mark.quad, worth(mark)));
        }
        assert!(marks.len() == 1 && worth(&marks[0]) > 0.8 && marks[0].is_doubted());
    }
}

#[test]
fn cuts_that_say_nearly_the_same_count_both() {
    let (old, mut new) = (mark(0.0, 4, 0.8), mark(5.0, 4, 0.9));
    new.evidence.log_p[2].swap(4, 7);
    let mut marks = [old];
    compare(&mut marks, &mut new);
    assert_eq!(marks[0].evidence.log_p, new.evidence.log_p);
    assert!(!marks[0].is_doubted() && !new.is_doubted());
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
