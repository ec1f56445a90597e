#![allow(clippy::unwrap_used)]

use super::*;
use crate::reader::script;
use crate::vin::CheckDigit;
use proptest::prelude::*;

/// Constants of the tests' own, so that fitting the real ones breaks no test.
fn decision() -> Decision {
    Decision::from_toml(
        "temperature = 1.0\nburst_exponent = 0.5\nmark_at = 0.5\nreview_at = 0.2\naccept_at = 0.99
        accept_whole_at = 0.8
        pixels_per_character = 4.0
        [weights]\nbias = -0.5\nlog_odds = 0.7\nleast_sure_place = 0.2\nmark = 0.1\nsupport = 0.25
        [whole]\nmark = 1.0",
    )
    .unwrap()
}

fn read(frames: impl IntoIterator<Item = Observation>) -> Reading {
    let mut fusion = Fusion::new(decision());
    frames.into_iter().for_each(|frame| fusion.add(frame));
    fusion.reading()
}

const CAR: &str = "1HGCM82633A004352";
const OTHER_CAR: &str = "WVWZZZ1KZ8W000001";

#[test]
fn what_hardly_looks_like_a_whole_vin_is_for_a_person() {
    let outcome = |mark| {
        let mut frame = script::seen(script::clear(CAR));
        frame.marks[0].evidence.mark = mark;
        read([frame]).outcome
    };
    assert_eq!(
        (outcome(0.7), outcome(0.9)),
        (Outcome::Review, Outcome::Accepted)
    );
}

#[test]
fn one_look_of_many_does_not_make_a_whole_vin() {
    let outcome = |marks: [f32; 5]| {
        let frames = marks.map(|mark| {
            let mut frame = script::seen(script::clear(CAR));
            frame.marks[0].evidence.mark = mark;
            frame
        });
        read(frames).outcome
    };
    assert_eq!(outcome([0.6, 0.6, 0.95, 0.6, 0.6]), Outcome::Review);
    assert_eq!(outcome([0.6, 0.95, 0.95, 0.95, 0.95]), Outcome::Accepted);
}

#[test]
fn what_is_doubted_is_for_a_person() {
    let doubted = || {
        let mut frame = script::seen(script::clear(CAR));
        frame.marks[0].contradicted = true;
        frame
    };
    let clear = || script::seen(script::clear(CAR));
    let one = read([doubted()]);
    assert_eq!(
        (one.outcome, one.reason),
        (Outcome::Review, Some(Reason::Ambiguous))
    );
    assert_eq!(read([doubted(), doubted()]).outcome, Outcome::Review);
    assert_eq!(read([doubted(), clear()]).outcome, Outcome::Accepted);
    let one_of_three = [doubted(), clear(), doubted()];
    assert_eq!(read(one_of_three).outcome, Outcome::Review);
}

#[test]
fn doubted_frames_do_not_end_a_burst() {
    let mut fusion = Fusion::new(decision());
    for doubted in [true, false, false] {
        assert!(!fusion.is_sure());
        let mut frame = script::seen(script::clear(CAR));
        frame.marks[0].contradicted = doubted;
        fusion.add(frame);
    }
    assert!(fusion.is_sure());
}

#[test]
fn a_clear_mark_is_accepted() {
    let reading = read([script::seen(script::clear(CAR))]);
    assert_eq!(reading.outcome, Outcome::Accepted);
    assert_eq!(reading.vin.unwrap().as_str(), CAR);
    assert_eq!(
        (reading.reason, reading.check_digit),
        (None, Some(CheckDigit::Pass))
    );
    assert!(reading.confidence > 0.99 && reading.quad.is_some());
}

#[test]
fn an_empty_bay_is_no_read() {
    let nothing = [script::frame([]), script::frame([])];
    let wall = || script::frame([script::mark(script::clear(CAR), 0.02, 340.0)]);
    for (reading, reason) in [
        (read([]), Reason::NoFrame),
        (read(nothing), Reason::NoMarkFound),
        (read([wall(), wall(), wall()]), Reason::NoMarkFound),
    ] {
        assert_eq!(
            (reading.outcome, reading.reason),
            (Outcome::NoRead, Some(reason))
        );
        assert!(reading.vin.is_none() && reading.candidates.is_empty());
    }
}

#[test]
fn what_cannot_be_told_is_unreadable_or_too_small() {
    let poor = |width| script::frame([script::mark(script::text(CAR, 1.5), 0.9, width)]);
    let large = read([poor(340.0)]);
    assert_eq!(
        (large.outcome, large.reason),
        (Outcome::NoRead, Some(Reason::Unreadable))
    );
    assert!(large.vin.is_none());
    assert_eq!(read([poor(50.0)]).reason, Some(Reason::TooSmall));
}

/// No rule tells 8 from B here.
#[test]
fn even_odds_are_a_review() {
    let reading = read([script::seen(script::doubt(
        "WVWZZZ18Z8W000001",
        8,
        'B',
        0.0,
    ))]);
    assert_eq!(
        (reading.outcome, reading.reason),
        (Outcome::Review, Some(Reason::Ambiguous))
    );
    assert!(reading.vin.is_some() && reading.candidates.len() > 1);
}

#[test]
fn a_correction_against_the_pixels_is_a_review() {
    // It takes more against what its maker has registered, too, than against the check digit alone.
    for (car, against) in [("LSVCM8268K2004352", 4.0), (CAR, 8.0)] {
        let reading = read([script::seen(script::doubt(car, 4, 'G', against))]);
        assert_eq!(reading.outcome, Outcome::Review, "{car}");
    }
}

#[test]
fn ten_poor_frames_make_one_sure_read() {
    let poor = || script::seen(script::text(CAR, 5.5));
    let one = read([poor()]);
    assert_ne!(one.outcome, Outcome::Accepted, "{}", one.confidence);
    let ten = read(std::iter::repeat_with(poor).take(10));
    assert_eq!(ten.outcome, Outcome::Accepted, "{}", ten.confidence);
    assert_eq!(ten.vin.unwrap().as_str(), CAR);
}

#[test]
fn one_wild_frame_does_not_outvote_nine() {
    // The odd one swaps two digits of the tail, where no rule helps, and is quite sure of it.
    let frames = (0..10).map(|n| {
        script::seen(if n == 0 {
            script::text("WVWZZZ1KZ8W000091", 5.0)
        } else {
            script::text(OTHER_CAR, 5.0)
        })
    });
    let reading = read(frames);
    assert_eq!(reading.vin.unwrap().as_str(), OTHER_CAR);
}

#[test]
fn frames_that_disagree_are_told_of() {
    // Another car altogether, and one that differs in a single digit.
    for other in [CAR, "WVWZZZ1KZ8W000007"] {
        let reading = read([
            script::seen(script::clear(OTHER_CAR)),
            script::seen(script::clear(other)),
        ]);
        assert_eq!(
            (reading.outcome, reading.reason),
            (Outcome::Review, Some(Reason::InconsistentFrames)),
            "{other}"
        );
    }
}

#[test]
fn two_cars_in_one_frame_are_told_of() {
    let both =
        script::frame([CAR, OTHER_CAR].map(|car| script::mark(script::clear(car), 0.999, 340.0)));
    let reading = read([both.clone(), both]);
    assert_eq!(
        (reading.outcome, reading.reason),
        (Outcome::Review, Some(Reason::SeveralVins))
    );
}

#[test]
fn a_label_that_is_no_vin_does_not_spoil_one() {
    let label = script::mark(script::text("A1234567890BCDEFG", 14.0), 0.1, 340.0);
    let reading = read([script::frame([
        label,
        script::mark(script::clear(CAR), 0.999, 340.0),
    ])]);
    assert_eq!(
        (reading.outcome, reading.vin.unwrap().as_str()),
        (Outcome::Accepted, CAR)
    );
}

#[test]
fn a_line_that_nobody_can_read_does_not_join_a_text() {
    // Half of what it looks like is the same by chance.
    let noise = script::text("1HGCM82600W000001", 2.0);
    let elsewhere = |mark: Mark| Mark {
        quad: mark.quad.mapped(1.0, 0.0, 200.0),
        ..mark
    };
    let text = || script::mark(script::text(CAR, 7.0), 0.99, 340.0);
    let both = [text(), elsewhere(script::mark(noise, 0.8, 340.0))];
    let (alone, both) = (read([script::frame([text()])]), read([script::frame(both)]));
    assert_eq!(
        (both.outcome, both.confidence),
        (alone.outcome, alone.confidence)
    );
    assert_eq!(both.quad, alone.quad);
}

#[test]
fn plate_and_sticker_of_one_car_help_each_other() {
    let poor = || script::mark(script::text(CAR, 5.0), 0.99, 340.0);
    let one = read([script::frame([poor()])]);
    let two = read([script::frame([poor(), poor()])]);
    assert!(two.confidence > one.confidence);
    assert_eq!(two.vin.unwrap().as_str(), CAR);
}

#[test]
fn a_burst_ends_early_only_when_frames_agree() {
    let mut fusion = Fusion::new(decision());
    fusion.add(script::seen(script::clear(CAR)));
    assert!(!fusion.is_sure(), "one frame");
    fusion.add(script::frame([]));
    assert!(!fusion.is_sure(), "one frame and an empty one");
    fusion.add(script::seen(script::clear(CAR)));
    assert!(fusion.is_sure());
    fusion.add(script::seen(script::clear(OTHER_CAR)));
    assert!(!fusion.is_sure(), "contradicted");
}

/// The second frame alone says something else in one place, if less surely: that is no agreement.
#[test]
fn a_frame_that_differs_in_one_character_does_not_end_a_burst() {
    let mut fusion = Fusion::new(decision());
    fusion.add(script::seen(script::text("WVWZZZ1KZ8W000091", 12.0)));
    fusion.add(script::seen(script::text(OTHER_CAR, 5.0)));
    assert!(!fusion.is_sure());
}

/// One frame was sure of a VIN that the others together outvote.
#[test]
fn a_sure_frame_that_is_outvoted_makes_a_review() {
    let frames = (0..8).map(|n| {
        script::seen(if n == 7 {
            script::clear("WVWZZZ1KZ8W000091")
        } else {
            script::text(OTHER_CAR, 5.0)
        })
    });
    assert_ne!(read(frames).outcome, Outcome::Accepted);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn no_nonsense_panics_or_is_accepted_without_marks(
        logs in proptest::collection::vec(any::<f32>(), LENGTH * 33),
        probability in any::<f32>(),
        width in any::<f32>(),
        frames in 1..12usize,
    ) {
        let log_p = std::array::from_fn(|i| std::array::from_fn(|c| logs[i * 33 + c]));
        let reading = read((0..frames).map(|_| script::frame([script::mark(log_p, probability, width)])));
        prop_assert!((0.0..=1.0).contains(&reading.confidence));
        prop_assert_eq!(reading.vin.is_none(), reading.outcome == Outcome::NoRead);
        prop_assert_eq!(reading.reason.is_none(), reading.outcome == Outcome::Accepted);
    }
}

/// A frame with a barcode beside its marks.
fn with_barcode(mut frame: Observation, vin: &str) -> Observation {
    frame.barcode = Some(vin.parse().unwrap());
    frame
}

#[test]
fn a_barcode_settles_a_doubtful_text() {
    let poor = || script::seen(script::text(CAR, 5.0));
    let alone = read([poor()]);
    assert_eq!(alone.reason, Some(Reason::Ambiguous));
    let both = read([with_barcode(poor(), CAR)]);
    assert_eq!((both.outcome, both.reason), (Outcome::Accepted, None));
    assert!(both.confidence > alone.confidence);
}

/// Both may hold 17 of 18 characters.
#[test]
fn a_barcode_does_not_make_a_whole_vin() {
    let mut longer = script::seen(script::clear(CAR));
    longer.marks[0].evidence.mark = 0.7;
    let mut doubted = script::seen(script::clear(CAR));
    doubted.marks[0].longer = None;
    for frame in [longer, doubted] {
        let alone = read([frame.clone()]);
        let both = read([with_barcode(frame, CAR)]);
        assert_eq!(both.reason, Some(Reason::Ambiguous));
        assert_eq!(both.confidence, alone.confidence);
    }
}

#[test]
fn text_and_barcode_that_differ_are_for_a_person() {
    let frame = || script::seen(script::clear(CAR));
    for barcodes in [[OTHER_CAR, OTHER_CAR], [CAR, OTHER_CAR]] {
        let reading = read(barcodes.map(|vin| with_barcode(frame(), vin)));
        assert_eq!(
            (reading.outcome, reading.reason),
            (Outcome::Review, Some(Reason::BarcodeDiffers))
        );
        for vin in [CAR, OTHER_CAR] {
            let mut candidates = reading.candidates.iter();
            assert!(candidates.any(|candidate| candidate.vin.as_str() == vin));
        }
        let probabilities = reading.candidates.iter().map(|c| c.probability);
        assert!(probabilities.is_sorted_by(|a, b| a >= b));
    }
}

#[test]
fn a_barcode_alone_is_not_believed() {
    let nothing = script::frame([]);
    let reading = read([with_barcode(nothing, CAR)]);
    assert_eq!(reading.vin.unwrap().as_str(), CAR);
    assert_eq!(
        (reading.outcome, reading.reason),
        (Outcome::Review, Some(Reason::BarcodeAlone))
    );
}
