//! Banks of parameters, tried in turn.

use super::*;
use crate::image::{Area, Point, decode, shot};
use crate::reader::Reader;
use crate::station::{Bank, Lighting};

fn bank(exposure_us: u32, light: Lighting) -> Bank {
    Bank {
        exposure_us: Some(exposure_us),
        light,
        crop: None,
    }
}

/// The frames that one read of these banks read.
fn takes(banks: Vec<Bank>, seen: Observation) -> (Bench, Verdict) {
    let mut bench = bench();
    bench.station.settings.banks = banks;
    bench.world.lock().unwrap().scenes = [seen].into();
    bench.press(0);
    let verdict = bench.verdicts().remove(0);
    (bench, verdict)
}

/// Whatever was before, a frame is read only when its bank is in force.
#[test]
fn each_bank_has_its_share_of_the_frames_in_its_own_light() {
    let banks = vec![
        bank(10_000, Lighting::On),
        bank(5000, Lighting::On),
        bank(40_000, Lighting::Off),
    ];
    let (bench, verdict) = takes(banks, Observation::default());
    assert_eq!(verdict.frames, Settings::default().burst_frames);
    assert!(verdict.faults.is_empty());
    let world = bench.world.lock().unwrap();
    let near = |take: &(bool, u8, usize, usize), lit, level: f32| {
        take.0 == lit && (f32::from(take.1) - level).abs() < 6.0
    };
    let [first, second, third] = [&world.takes[..3], &world.takes[3..6], &world.takes[6..]];
    assert!(first.iter().all(|take| near(take, true, LIT)), "{first:?}");
    let dimmer = second.iter().all(|take| near(take, true, LIT / 2.0));
    assert!(dimmer, "{second:?}");
    let dark = third.iter().all(|take| near(take, false, DARK * 4.0));
    assert!(dark && third.len() == 2, "{third:?}");
}

#[test]
fn the_picture_is_the_last_that_shows_a_mark_or_the_last() {
    let picture = |scenes: Vec<Observation>| {
        let mut bench = bench();
        bench.station.settings.banks = vec![bank(10_000, Lighting::On), bank(5000, Lighting::On)];
        bench.world.lock().unwrap().scenes = scenes.into();
        bench.press(0);
        let verdict = bench.verdicts().remove(0);
        f32::from(verdict.picture.unwrap().luma[0])
    };
    assert!(picture(vec![Observation::default()]) < 0.6 * LIT);
    let mark = script::seen(script::clear(VIN));
    assert!(picture(vec![mark, Observation::default()]) > 0.9 * LIT);
}

#[test]
fn what_one_bank_shows_surely_spares_the_others() {
    let banks = vec![bank(10_000, Lighting::On), bank(1000, Lighting::Off)];
    let (bench, verdict) = takes(banks, script::seen(script::clear(VIN)));
    assert_eq!(verdict.reading.outcome, Outcome::Accepted);
    assert_eq!(verdict.frames, 2);
    assert_eq!(bench.world.lock().unwrap().exposure, EXPOSURE);
}

#[test]
fn what_another_bank_shows_is_read_there() {
    let mut bench = bench();
    bench.station.settings.banks = vec![bank(10_000, Lighting::On), bank(5000, Lighting::Off)];
    let blind = vec![Observation::default(); 4];
    let mut scenes: VecDeque<_> = blind.into();
    scenes.push_back(script::seen(script::clear(VIN)));
    bench.world.lock().unwrap().scenes = scenes;
    bench.press(0);
    let verdict = &bench.verdicts()[0];
    assert_eq!(verdict.reading.outcome, Outcome::Accepted);
    assert_eq!(verdict.frames, 6);
    assert_eq!(
        verdict.picture.as_ref().unwrap().luma.len(),
        SIZE.0 * SIZE.1
    );
}

#[test]
fn a_part_is_read_and_placed_in_the_whole() {
    let crop = Area::try_from([0.5, 0.5, 0.5, 0.5]).unwrap();
    let banks = vec![Bank {
        crop: Some(crop),
        ..Bank::default()
    }];
    let seen = script::seen(script::clear(VIN));
    let Point { x, y } = seen.marks[0].quad.0[0];
    let (bench, verdict) = takes(banks, seen);
    let take = bench.world.lock().unwrap().takes[0];
    assert_eq!((take.2, take.3), (2, 1));
    let there = Point {
        x: x + 2.0,
        y: y + 1.0,
    };
    assert_eq!(verdict.reading.quad.unwrap().0[0], there);
    assert_eq!(verdict.picture.unwrap().width, SIZE.0);
}

#[test]
fn an_exposure_that_cannot_be_set_is_told_and_cars_are_read() {
    let mut bench = bench();
    bench.station.settings.banks = vec![bank(5000, Lighting::On)];
    bench.world.lock().unwrap().exposure_fails = true;
    bench.press(0);
    let verdicts = bench.verdicts();
    assert_eq!(verdicts[0].reading.outcome, Outcome::Accepted);
    assert!(told(&verdicts[0], "exposure cannot be set"));
    assert_eq!(bench.health.ailments()[0].cause, Cause::Camera);
}

/// The light that is on by order is not the light of a bank without.
#[test]
fn a_bank_without_the_light_is_taken_without_it() {
    let mut bench = bench();
    bench.station.settings.banks = vec![bank(10_000, Lighting::Off)];
    let _lit = bench.order(Task::Light(Some(Duration::from_secs(5))));
    assert!(bench.station.turn(&AtomicBool::new(false)).is_none());
    assert!(bench.world.lock().unwrap().light);
    let _read = bench.order(Task::Read);
    assert_eq!(bench.verdicts().len(), 1);
    let world = bench.world.lock().unwrap();
    let dark = |take: &(bool, u8, usize, usize)| !take.0 && f32::from(take.1) < DARK + 6.0;
    assert!(world.takes.iter().all(dark), "{:?}", world.takes);
}

#[test]
fn a_picture_is_taken_as_the_first_bank_takes_it() {
    let mut bench = bench();
    bench.station.settings.banks = vec![bank(5000, Lighting::On), bank(10_000, Lighting::Off)];
    let answer = bench.order(Task::Capture);
    assert!(bench.verdicts().is_empty());
    let Ok(Done::Captured(picture)) = answer.recv().unwrap() else {
        panic!("a picture");
    };
    assert!((picture.brightness() - LIT / 2.0).abs() < 6.0);
}

/// Each with a dark frame of its own exposure; what is read is as bright as a usual picture.
#[test]
fn a_pair_is_read_as_what_the_light_alone_shows() {
    for first in [Lighting::Pair, Lighting::On] {
        let banks = vec![bank(10_000, first), bank(5000, Lighting::Pair)];
        let (bench, verdict) = takes(banks, Observation::default());
        assert!(verdict.faults.is_empty());
        let world = bench.world.lock().unwrap();
        assert_eq!(world.takes.len(), 8);
        let of_pair = |take: &(bool, u8, usize, usize)| take.0 && take.1.abs_diff(230) < 6;
        let pairs = if first == Lighting::Pair { 0 } else { 4 };
        assert!(
            world.takes[pairs..].iter().all(of_pair),
            "{:?}",
            world.takes
        );
    }
}

#[test]
fn a_pair_whose_light_fails_is_read_as_it_is() {
    let mut bench = bench();
    bench.station.settings.banks = vec![bank(10_000, Lighting::Pair)];
    bench.world.lock().unwrap().light_fails = true;
    bench.press(0);
    let verdict = &bench.verdicts()[0];
    assert!(told(verdict, "light is broken"));
    assert_eq!(verdict.reading.outcome, Outcome::Accepted);
    let world = bench.world.lock().unwrap();
    let plain = |take: &(bool, u8, usize, usize)| f32::from(take.1) < DARK + 6.0;
    assert!(world.takes.iter().all(plain), "{:?}", world.takes);
}

#[test]
fn a_burst_of_pairs_ends_with_the_light() {
    let mut bench = bench();
    bench.station.settings.banks = vec![bank(10_000, Lighting::Pair), bank(5000, Lighting::Pair)];
    bench.station.settings.longest_on = Duration::from_millis(300);
    bench.world.lock().unwrap().scenes = [Observation::default()].into();
    bench.press(0);
    let verdict = &bench.verdicts()[0];
    assert!((1..4).contains(&verdict.frames), "{}", verdict.frames);
    assert!(told(verdict, "longest_on_ms"));
}

/// As through a windshield that the sun shines on: stripes as fine as the characters.
#[test]
fn a_vin_behind_a_reflection_is_read_of_a_pair() {
    let reader = Reader::embedded().unwrap();
    let accepted = |frame: &Frame| {
        let reading = reader.read(frame).unwrap();
        let vin = reading.vin.filter(|_| reading.outcome == Outcome::Accepted);
        vin.map(|vin| vin.to_string())
    };
    let scene = decode(include_bytes!("../../cli/demo/dash_3.jpg")).unwrap();
    let reflection = |x: usize, y: usize| if (x + y) % 14 < 7 { 0.45 } else { 0.0 };
    let lit = shot(&scene, 0.5, reflection);
    let dark = shot(&scene, 0.1, reflection);
    assert_eq!(accepted(&lit), None);
    let own = accepted(&lit.without(&dark));
    assert_eq!(own.as_deref(), Some("JTMRWRFV9LD051846"));
}
