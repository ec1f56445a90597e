//! What is done by order, and which car is expected.

use super::*;
use crate::station::Bank;

fn vin(text: &str) -> Vin {
    text.parse().unwrap()
}

#[test]
fn the_next_car_is_compared_with_the_expected_one_and_the_one_after_is_not() {
    for (vins, result) in [
        (vec![vin(VIN)], Match::Match),
        (vec![vin(OTHER)], Match::Mismatch),
        (vec![vin(OTHER), vin(VIN)], Match::Match),
        (vec![vin(OTHER), vin(OTHER)], Match::Unexpected),
    ] {
        let mut bench = bench();
        let within = Duration::from_secs(30);
        let noted = bench.order(Task::Expect { vins, within });
        bench.press(100);
        bench.press(20_000);
        let verdicts = bench.verdicts();
        assert!(matches!(noted.recv().unwrap(), Ok(Done::Expecting)));
        assert_eq!(
            [verdicts[0].expected, verdicts[1].expected],
            [Some(result), None]
        );
    }
}

#[test]
fn what_is_expected_outlasts_a_read_without_a_vin_but_not_its_time() {
    let mut bench = bench();
    bench.world.lock().unwrap().scenes = [Observation::default()].into();
    let within = Duration::from_secs(10);
    let vins = vec![vin(VIN)];
    let _noted = bench.order(Task::Expect { vins, within });
    bench.press(100);
    bench.press(20_000);
    bench.world.lock().unwrap().stop_at = bench.start + Duration::from_secs(8);
    assert_eq!(bench.verdicts()[0].expected, None);
    {
        let mut world = bench.world.lock().unwrap();
        world.scenes = [script::seen(script::clear(VIN))].into();
        world.stop_at = bench.start + Duration::from_secs(60);
    }
    assert!(bench.station.expected.is_some());
    assert_eq!(bench.verdicts()[0].expected, None);
}

#[test]
fn a_light_that_is_ordered_goes_off_again() {
    let mut bench = bench();
    let second = Duration::from_secs(1);
    let answer = bench.order(Task::Light(Some(second)));
    assert!(bench.station.turn(&AtomicBool::new(false)).is_none());
    assert!(matches!(answer.recv().unwrap(), Ok(Done::Light)));
    assert!(bench.world.lock().unwrap().light);
    bench.world.lock().unwrap().now += second;
    let off = bench.order(Task::Light(None));
    let _ = bench.station.turn(&AtomicBool::new(false));
    assert!(off.recv().is_ok() && !bench.world.lock().unwrap().light);
    let long = bench.order(Task::Light(Some(Duration::from_secs(3600))));
    let _ = bench.station.turn(&AtomicBool::new(false));
    assert!(matches!(
        long.recv().unwrap(),
        Err(Declined::TooLong(most)) if most == Settings::default().longest_on
    ));
}

#[test]
fn a_light_that_is_ordered_shines_for_the_whole_burst() {
    let mut bench = bench();
    bench.station.settings.banks = vec![Bank {
        exposure_us: Some(5000),
        ..Bank::default()
    }];
    bench.world.lock().unwrap().scenes = [Observation::default()].into();
    let longest = Settings::default().longest_on;
    let _answer = bench.order(Task::Light(Some(longest)));
    bench.press(longest.as_millis() as u64 - 400);
    let verdicts = bench.verdicts();
    assert_eq!(verdicts[0].frames, Settings::default().burst_frames);
    let world = bench.world.lock().unwrap();
    let lit = |take: &(bool, u8, usize, usize)| take.0 && f32::from(take.1) > 0.45 * LIT;
    assert!(world.takes.iter().all(lit), "{:?}", world.takes);
}

#[test]
fn a_picture_is_taken_in_full_light_and_not_read() {
    let mut bench = bench();
    let answer = bench.order(Task::Capture);
    assert!(bench.verdicts().is_empty());
    let Ok(Done::Captured(picture)) = answer.recv().unwrap() else {
        panic!("a picture");
    };
    assert!(picture.luma[0] > 170);
    let world = bench.world.lock().unwrap();
    assert!(world.read.is_empty() && !world.light);
}
