//! What the lamps show, and when.

use super::*;

/// Whoever sees BUSY end sees the outcome.
#[test]
fn busy_ends_when_the_outcome_is_shown() {
    let mut bench = bench();
    bench.press(0);
    bench.press(20_000);
    bench.world.lock().unwrap().failed_reads = vec![3];
    let verdicts = bench.verdicts();
    assert_eq!(verdicts[0].frames, 2);
    let first = [("BUSY", true), ("OK", true), ("BUSY", false)];
    let second = [("OK", false), ("BUSY", true), ("NG", true), ("BUSY", false)];
    let world = bench.world.lock().unwrap();
    assert_eq!(world.lamps, [&first[..], &second[..]].concat());
}

#[test]
fn busy_lasts_until_the_verdict_is_kept() {
    let mut bench = bench();
    bench.press(0);
    let served = bench.station.turn(&AtomicBool::new(false));
    assert!(served.is_some());
    assert!(bench.world.lock().unwrap().is_lit("BUSY"));
    bench.station.show(true);
    assert!(!bench.world.lock().unwrap().is_lit("BUSY"));
}

#[test]
fn the_lamps_go_out_with_the_station_also_when_it_panics() {
    let mut bench = bench();
    bench.world.lock().unwrap().panic_at_read = Some(1);
    bench.press(0);
    let world = Arc::clone(&bench.world);
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || bench.verdicts()));
    assert!(panic.is_err());
    let world = world.lock().unwrap();
    assert_eq!(world.lamps, [("BUSY", true), ("BUSY", false)]);
}

#[test]
fn a_broken_lamp_is_told_until_it_works_and_the_others_are_lit() {
    let mut bench = bench();
    let ailments = |bench: &Bench| {
        let told = bench.health.ailments().into_iter();
        told.map(|ailment| ailment.cause).collect::<Vec<_>>()
    };
    bench.world.lock().unwrap().broken_lamp = Some("OK");
    bench.station.show(false);
    assert_eq!(ailments(&bench), [Cause::Lamps]);
    assert!(bench.world.lock().unwrap().is_lit("NG"));
    bench.world.lock().unwrap().broken_lamp = None;
    bench.station.show(true);
    assert!(ailments(&bench).is_empty());
}
