//! One trigger after the other, and what may go wrong.

use proptest::prelude::*;

use super::*;

#[test]
fn a_camera_that_was_away_between_reads_serves_the_next_one() {
    let mut bench = bench();
    bench.world.lock().unwrap().camera_is_stale = true;
    bench.press(100);
    let verdicts = bench.verdicts();
    assert_eq!(verdicts[0].reading.outcome, Outcome::Accepted);
    assert!(verdicts[0].faults.is_empty());
}

#[test]
fn a_trigger_is_read_in_full_light_and_ends_early() {
    let mut bench = bench();
    bench.press(100);
    let verdicts = bench.verdicts();
    assert_eq!(verdicts.len(), 1);
    let verdict = &verdicts[0];
    assert_eq!(verdict.reading.outcome, Outcome::Accepted);
    assert_eq!(verdict.reading.vin.as_ref().unwrap().as_str(), VIN);
    assert_eq!(
        (verdict.source, verdict.missed, verdict.faults.len()),
        (Source::Gpio, 0, 0)
    );
    assert!(verdict.frames < Settings::default().burst_frames);
    assert!(verdict.timings.total >= verdict.timings.settle + verdict.timings.read);
    let world = bench.world.lock().unwrap();
    assert!(
        world.read.iter().all(|&brightness| brightness > 170.0),
        "{:?}",
        world.read
    );
}

#[test]
fn frames_that_come_while_one_is_read_are_counted() {
    let mut bench = bench();
    bench.world.lock().unwrap().scenes = [Observation::default()].into();
    bench.press(0);
    let verdict = &bench.verdicts()[0];
    // Two frames come during each read but the last, which nobody waits for; the queue was thrown away before.
    let while_read = READ.div_duration_f32(FRAME) as u32;
    assert_eq!(verdict.skipped, (verdict.frames - 1) * while_read);
}

#[test]
fn a_setting_that_the_camera_does_not_take_is_told_and_cars_are_read() {
    let mut bench = bench();
    bench.world.lock().unwrap().camera_refuses = Some("gain = 300, but it takes 0 to 255");
    bench.press(100);
    let verdict = &bench.verdicts()[0];
    assert_eq!(verdict.reading.outcome, Outcome::Accepted);
    assert!(verdict.faults.is_empty());
    let ailments = bench.health.ailments();
    assert_eq!(ailments[0].cause, Cause::CameraSettings);
    assert!(ailments[0].message.contains("0 to 255"));
    let mut world = bench.world.lock().unwrap();
    world.camera_refuses = None;
    world.stop_at += Duration::from_secs(1);
    drop(world);
    bench.verdicts();
    assert_eq!(bench.health.ailments(), []);
}

#[test]
fn frames_from_before_the_light_are_not_read() {
    let mut bench = bench();
    let old = bench.start;
    bench.world.lock().unwrap().queued.extend([(20.0, old); 4]);
    bench.press(0);
    assert_eq!(bench.verdicts().len(), 1);
    assert!(bench.world.lock().unwrap().read.iter().all(|&b| b > 170.0));
}

#[test]
fn an_empty_bay_takes_the_whole_burst_and_is_no_read() {
    let mut bench = bench();
    bench.world.lock().unwrap().scenes = [Observation::default()].into();
    bench.press(0);
    let verdicts = bench.verdicts();
    assert_eq!(verdicts[0].reading.outcome, Outcome::NoRead);
    assert_eq!(verdicts[0].frames, Settings::default().burst_frames);
}

#[test]
fn a_burst_ends_with_the_light() {
    let mut bench = bench();
    bench.world.lock().unwrap().scenes = [Observation::default()].into();
    bench.station.settings.longest_on = Duration::from_millis(500);
    bench.press(0);
    let verdict = &bench.verdicts()[0];
    assert!((1..Settings::default().burst_frames).contains(&verdict.frames));
    assert!(told(verdict, "longest_on_ms"));
}

#[test]
fn frames_that_disagree_are_reviewed() {
    let mut bench = bench();
    bench.world.lock().unwrap().scenes = [VIN, OTHER]
        .map(|vin| script::seen(script::clear(vin)))
        .into();
    bench.press(0);
    assert_eq!(bench.verdicts()[0].reading.outcome, Outcome::Review);
}

#[test]
fn triggers_while_busy_are_missed_not_queued() {
    let mut bench = bench();
    for at in [50, 150, 250] {
        bench.press(at);
    }
    let answers = [bench.order(Task::Read), bench.order(Task::Read)];
    let light = bench.order(Task::Light(None));
    let verdicts = bench.verdicts();
    assert_eq!(verdicts.len(), 1);
    assert_eq!(verdicts[0].missed, 4);
    let [read, busy] = answers.map(|answer| answer.recv().unwrap());
    assert!(matches!(read, Ok(Done::Read(id)) if id == verdicts[0].id));
    assert_eq!(busy.unwrap_err(), Declined::Busy);
    assert!(matches!(light.recv().unwrap(), Ok(Done::Light)));
}

#[test]
fn bounces_are_no_triggers() {
    let mut bench = bench();
    for at in [0, 5, 11, 20] {
        bench.press(at);
    }
    let verdicts = bench.verdicts();
    assert_eq!((verdicts.len(), verdicts[0].missed), (1, 0));
}

#[test]
fn a_command_triggers_too() {
    let mut bench = bench();
    let _answer = bench.order(Task::Read);
    let verdicts = bench.verdicts();
    assert_eq!(verdicts[0].source, Source::Command);
    assert_eq!(verdicts[0].reading.outcome, Outcome::Accepted);
}

#[test]
fn a_lost_camera_is_a_fault_and_the_next_read_works() {
    let mut bench = bench();
    bench.world.lock().unwrap().broken_frames = vec![2];
    bench.press(0);
    bench.press(20_000);
    let verdicts = bench.verdicts();
    assert_eq!(verdicts.len(), 2);
    assert!(told(&verdicts[0], "plugged in"));
    assert_eq!(verdicts[0].reading.reason, Some(Reason::NoFrame));
    assert_eq!(verdicts[1].reading.outcome, Outcome::Accepted);
}

#[test]
fn a_broken_light_is_told_and_reading_goes_on() {
    let mut bench = bench();
    bench.world.lock().unwrap().light_fails = true;
    bench.press(0);
    let verdicts = bench.verdicts();
    assert!(told(&verdicts[0], "light is broken"));
    assert_eq!(verdicts[0].reading.outcome, Outcome::Accepted);
}

#[test]
fn the_light_goes_off_when_the_reader_panics() {
    let mut bench = bench();
    bench.world.lock().unwrap().panic_at_read = Some(1);
    bench.press(0);
    let world = Arc::clone(&bench.world);
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| bench.verdicts()));
    assert!(result.is_err());
    assert!(!world.lock().unwrap().light);
}

#[test]
fn stopping_mid_burst_keeps_what_was_seen() {
    let mut bench = bench();
    {
        let mut world = bench.world.lock().unwrap();
        world.scenes = [Observation::default()].into();
        world.stop_at_read = Some(3);
    }
    bench.press(0);
    let verdicts = bench.verdicts();
    assert_eq!(verdicts.len(), 1);
    assert_eq!(verdicts[0].frames, 3);
    assert!(told(&verdicts[0], "stopped"));
    assert!(!bench.world.lock().unwrap().light);
}

#[test]
fn stopping_while_the_picture_settles_reads_nothing() {
    let mut bench = bench();
    let request = Request {
        source: Source::Gpio,
        at: bench.start,
        answer: None,
    };
    let verdict = bench.station.serve(request, &AtomicBool::new(true)).verdict;
    assert!(told(&verdict, "stopped"));
    assert_eq!(verdict.reading.outcome, Outcome::NoRead);
    let world = bench.world.lock().unwrap();
    assert!(!world.light && world.read.is_empty());
}

#[test]
fn a_reader_that_fails_is_a_fault_and_the_next_read_works() {
    let mut bench = bench();
    bench.world.lock().unwrap().failed_reads = vec![1];
    bench.press(0);
    bench.press(20_000);
    let verdicts = bench.verdicts();
    assert_eq!(verdicts.len(), 2);
    assert!(told(&verdicts[0], "scripted"));
    assert_eq!(verdicts[0].reading.outcome, Outcome::NoRead);
    assert_eq!(verdicts[1].reading.outcome, Outcome::Accepted);
}

#[test]
fn a_broken_trigger_is_told_with_the_reads_that_commands_ask_for() {
    let mut bench = bench();
    bench.world.lock().unwrap().trigger_fails = true;
    let _answer = bench.order(Task::Read);
    let Some(Event::Triggered(request)) = bench.station.wait(LOOK_UP) else {
        panic!("a command still triggers");
    };
    let verdict = bench
        .station
        .serve(request, &AtomicBool::new(false))
        .verdict;
    assert_eq!(verdict.reading.outcome, Outcome::Accepted);
    assert!(told(&verdict, "trigger is broken"));
}

/// A line that floats: edge after edge, each a bounce of the one before. Stop and commands must still get their turn.
#[test]
fn a_chattering_line_does_not_hold_the_station() {
    let mut bench = bench();
    for _ in 0..500 {
        bench.press(0);
    }
    let first = bench.station.wait(LOOK_UP);
    assert!(matches!(first, Some(Event::Triggered(_))));
    assert!(matches!(bench.station.wait(LOOK_UP), Some(Event::Bounce)));
    let _answer = bench.order(Task::Read);
    let next = bench.station.wait(LOOK_UP);
    assert!(matches!(next, Some(Event::Triggered(request)) if request.source == Source::Command));
}

#[test]
fn a_stream_of_orders_does_not_hold_up_a_car() {
    let mut bench = bench();
    let stop = AtomicBool::new(false);
    let orders = |bench: &Bench| -> Vec<_> {
        let order = |_| bench.order(Task::Light(None));
        (0..ROOM).map(order).collect()
    };
    let first = orders(&bench);
    bench.press(0);
    let read = bench.station.turn(&stop).map(|served| served.verdict);
    assert!(read.is_some_and(|read| read.source == Source::Gpio));

    // Those of before still wait, and there is no room for others.
    let second = orders(&bench);
    let now = bench.world.lock().unwrap().now;
    bench.world.lock().unwrap().presses.push_back(now);
    assert!(bench.station.turn(&stop).is_some());
    for answer in second {
        assert_eq!(answer.try_recv().unwrap().unwrap_err(), Declined::TooMany);
    }
    for answer in first {
        assert!(bench.station.turn(&stop).is_none());
        assert!(matches!(answer.try_recv().unwrap(), Ok(Done::Light)));
    }
}

#[test]
fn what_ails_the_camera_is_told_until_it_works_again() {
    let mut bench = bench();
    let ailing = |bench: &Bench| !bench.health.ailments().is_empty();
    bench.world.lock().unwrap().broken_frames = vec![2];
    bench.press(0);
    bench.world.lock().unwrap().stop_at = bench.start + Duration::from_secs(10);
    bench.verdicts();
    assert!(ailing(&bench), "it is there, but gave no frame");
    bench.press(11_000);
    bench.world.lock().unwrap().stop_at = bench.start + Duration::from_secs(20);
    bench.verdicts();
    assert!(!ailing(&bench));
    let turn = |bench: &mut Bench, away| {
        bench.world.lock().unwrap().camera_is_away = away;
        assert!(bench.station.turn(&AtomicBool::new(false)).is_none());
    };
    turn(&mut bench, true);
    assert!(ailing(&bench));
    turn(&mut bench, false);
    assert!(!ailing(&bench));
}

#[test]
fn what_a_burst_does_not_come_to_ails_as_before() {
    let mut bench = bench();
    let causes = |bench: &Bench| -> Vec<_> {
        let ailments = bench.health.ailments().into_iter();
        ailments.map(|ailment| ailment.cause).collect()
    };
    let read = |bench: &mut Bench, at: u64, change: fn(&mut World)| {
        change(&mut bench.world.lock().unwrap());
        bench.press(at);
        bench.world.lock().unwrap().stop_at = bench.start + Duration::from_millis(at + 9000);
        bench.verdicts();
    };
    read(&mut bench, 0, |world| {
        world.light_fails = true;
        world.failed_reads = vec![1];
    });
    assert_eq!(causes(&bench), [Cause::Light, Cause::Reader]);
    // The first frame fails, before the light and the reader are tried.
    read(&mut bench, 10_000, |world| {
        world.light_fails = false;
        world.broken_frames = vec![world.frames + 1];
    });
    assert_eq!(causes(&bench), [Cause::Camera, Cause::Light, Cause::Reader]);
    read(&mut bench, 20_000, |_| {});
    assert_eq!(causes(&bench), []);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is pressed and breaks: one verdict or one missed count for each trigger, no dark frame read, light off.
    #[test]
    fn every_trigger_is_answered_once(
        mut presses in prop::collection::vec(0u64..20_000, 0..12),
        broken_frames in prop::collection::vec(1usize..60, 0..4),
        failed_reads in prop::collection::vec(1usize..20, 0..3),
        sticky in 0usize..3,
        empty in any::<bool>(),
    ) {
        presses.sort_unstable();
        // Closer ones would be bounces.
        presses.dedup_by(|next, last| *next < *last + 50);
        let mut bench = bench();
        for &at in &presses {
            bench.press(at);
        }
        {
            let mut world = bench.world.lock().unwrap();
            world.broken_frames = broken_frames;
            world.failed_reads = failed_reads;
            world.sticky = sticky;
            if empty {
                world.scenes = [Observation::default()].into();
            }
        }
        let verdicts = bench.verdicts();
        let answered: usize = verdicts.iter().map(|verdict| 1 + verdict.missed as usize).sum();
        prop_assert_eq!(answered, presses.len());
        let world = bench.world.lock().unwrap();
        prop_assert!(!world.light);
        prop_assert!(world.read.iter().all(|&brightness| brightness > 100.0));
    }
}
