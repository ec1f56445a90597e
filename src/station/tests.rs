//! The station in a simulated world: its own time, light, camera and buttons.

#![allow(clippy::unwrap_used)]

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use jiff::Zoned;
use proptest::prelude::*;

use super::super::parts::Clock;
use super::*;
use crate::camera::{Camera, CameraError, Shot};
use crate::gpio::{Edge, Trigger};
use crate::health::Health;
use crate::image::Frame;
use crate::reader::{Decision, Observation, Observe, Outcome, ReadError, Reason, script};

const VIN: &str = "1HGCM82633A004352";
const OTHER: &str = "WVWZZZ1JZXW000001";
const FRAME: Duration = Duration::from_millis(33);
const READ: Duration = Duration::from_millis(60);

/// Everything there is.
struct World {
    now: Instant,
    light: bool,
    /// Grey level of the picture; follows the light over some frames.
    brightness: f32,
    /// Frames that the camera holds ready: how bright and how old they are.
    queued: VecDeque<(f32, Instant)>,
    /// The camera keeps so many of them when told to throw them away.
    sticky: usize,
    presses: VecDeque<Instant>,
    /// The camera fails at these frames, counted from the first.
    broken_frames: Vec<usize>,
    frames: usize,
    /// When the camera gave the last one.
    given: Instant,
    /// The camera was plugged in again, and what is held of it gives no more frames.
    camera_is_stale: bool,
    camera_is_away: bool,
    /// What the camera does not take of its settings.
    camera_refuses: Option<&'static str>,
    light_fails: bool,
    trigger_fails: bool,
    /// What is seen, frame by frame; the last stays.
    scenes: VecDeque<Observation>,
    panic_at_read: Option<usize>,
    /// The reader fails at these frames, counted from the first it got.
    failed_reads: Vec<usize>,
    /// The program is stopped during this read.
    stop_at_read: Option<usize>,
    stop: Arc<AtomicBool>,
    /// Brightness of the frames that were read.
    read: Vec<f32>,
    stop_at: Instant,
}

type Shared = Arc<Mutex<World>>;

struct Sim(Shared);

impl Clock for Sim {
    fn now(&self) -> Instant {
        self.0.lock().unwrap().now
    }

    fn wall(&self) -> Zoned {
        "2026-03-01T08:00:00+01:00[+01:00]".parse().unwrap()
    }
}

impl Trigger for Sim {
    fn wait(&mut self, timeout: Duration) -> Result<Option<Edge>, GpioError> {
        let mut world = self.0.lock().unwrap();
        assert!(!world.light, "nobody waits with the light on");
        if world.trigger_fails {
            return Err(GpioError("the trigger is broken".into()));
        }
        let until = world.now + timeout;
        if world.presses.front().is_some_and(|&at| at <= until) {
            let at = world.presses.pop_front().unwrap();
            world.now = world.now.max(at);
            return Ok(Some(Edge { at }));
        }
        if !timeout.is_zero() {
            // Meanwhile the camera fills its queue with frames that nobody takes.
            let old = (world.brightness, world.now);
            world.queued.push_back(old);
            world.queued.truncate(4);
        }
        world.now = until;
        Ok(None)
    }
}

impl Output for Sim {
    fn set(&mut self, on: bool) -> Result<(), GpioError> {
        let mut world = self.0.lock().unwrap();
        world.light = on;
        if world.light_fails && on {
            return Err(GpioError("the light is broken".into()));
        }
        Ok(())
    }
}

impl Camera for Sim {
    fn next(&mut self, timeout: Duration) -> Result<Shot, CameraError> {
        let mut world = self.0.lock().unwrap();
        world.frames += 1;
        let count = world.frames;
        if world.camera_is_stale || world.broken_frames.contains(&count) {
            world.now += timeout;
            return Err(CameraError::Timeout(timeout));
        }
        let skipped = world
            .now
            .saturating_duration_since(world.given)
            .div_duration_f32(FRAME) as u32;
        let (brightness, captured_at) = if let Some(old) = world.queued.pop_front() {
            old
        } else {
            world.now += FRAME;
            let level = if world.light { 180.0 } else { 20.0 };
            world.brightness += 0.6 * (level - world.brightness);
            (world.brightness, world.now)
        };
        let frame = Frame {
            width: 1,
            height: 1,
            luma: vec![brightness as u8],
        };
        world.given = world.now;
        Ok(Shot {
            frame,
            captured_at,
            skipped,
        })
    }

    fn discard_queued(&mut self) -> Result<(), CameraError> {
        let mut world = self.0.lock().unwrap();
        let gone = world.queued.len().saturating_sub(world.sticky);
        world.queued.drain(..gone);
        Ok(())
    }

    fn check(&mut self) -> Result<(), CameraError> {
        let mut world = self.0.lock().unwrap();
        // What was held of it is let go of by asking.
        world.camera_is_stale = false;
        if world.camera_is_away {
            return Err(CameraError::Device("the camera is away".into()));
        }
        Ok(())
    }

    fn refused(&self) -> Option<&str> {
        self.0.lock().unwrap().camera_refuses
    }
}

impl Observe for Sim {
    fn observe(&mut self, frame: &Frame) -> Result<Observation, ReadError> {
        let mut world = self.0.lock().unwrap();
        world.now += READ;
        world.read.push(f32::from(frame.luma[0]));
        if world.panic_at_read == Some(world.read.len()) {
            drop(world);
            panic!("the reader panics");
        }
        if world.stop_at_read == Some(world.read.len()) {
            world.stop.store(true, Ordering::SeqCst);
        }
        if world.failed_reads.contains(&world.read.len()) {
            return Err(ReadError::Shape("scripted"));
        }
        let scene = world.scenes.front().cloned().unwrap_or_default();
        if world.scenes.len() > 1 {
            world.scenes.pop_front();
        }
        Ok(scene)
    }
}

struct Bench {
    world: Shared,
    orders: Sender<Order>,
    health: Arc<Health>,
    station: Station,
    start: Instant,
}

fn bench() -> Bench {
    let start = Instant::now();
    let world = Arc::new(Mutex::new(World {
        now: start,
        light: false,
        brightness: 20.0,
        queued: VecDeque::new(),
        sticky: 0,
        presses: VecDeque::new(),
        broken_frames: Vec::new(),
        frames: 0,
        given: start,
        camera_is_stale: false,
        camera_is_away: false,
        camera_refuses: None,
        light_fails: false,
        trigger_fails: false,
        scenes: [script::seen(script::clear(VIN))].into(),
        panic_at_read: None,
        failed_reads: Vec::new(),
        stop_at_read: None,
        stop: Arc::default(),
        read: Vec::new(),
        stop_at: start + Duration::from_secs(60),
    }));
    let (orders, received) = channel();
    let health = Arc::new(Health::default());
    let sim = || Sim(Arc::clone(&world));
    let decision = Decision {
        accept_at: 0.9,
        ..Decision::embedded().unwrap()
    };
    let parts = Parts {
        trigger: Some(Box::new(sim())),
        orders: received,
        light: Some(Box::new(sim())),
        ok_lamp: None,
        ng_lamp: None,
        camera: Box::new(sim()),
        observer: Box::new(sim()),
        decision,
        clock: Box::new(sim()),
        health: Arc::clone(&health),
    };
    let station = Station::new(parts, Settings::default());
    Bench {
        world,
        orders,
        health,
        station,
        start,
    }
}

impl Bench {
    fn press(&self, after_ms: u64) {
        let at = self.start + Duration::from_millis(after_ms);
        self.world.lock().unwrap().presses.push_back(at);
    }

    /// Gives an order; the answer comes to the receiver.
    fn order(&self, task: Task) -> Receiver<Result<Done, Declined>> {
        let (sender, answer) = channel();
        let at = self.start;
        let answered = Box::new(move |done| sender.send(done).unwrap());
        let order = Order {
            task,
            at,
            answer: answered,
        };
        self.orders.send(order).unwrap();
        answer
    }

    /// Runs until the world's time is up.
    fn verdicts(&mut self) -> Vec<Verdict> {
        let stop = Arc::clone(&self.world.lock().unwrap().stop);
        let mut verdicts = Vec::new();
        loop {
            let (now, stop_at) = {
                let world = self.world.lock().unwrap();
                (world.now, world.stop_at)
            };
            if now >= stop_at || stop.load(Ordering::SeqCst) {
                return verdicts;
            }
            if let Some(served) = self.station.turn(&stop) {
                if let Some(answer) = served.answer {
                    answer(Ok(Done::Read(served.verdict.id)));
                }
                verdicts.push(served.verdict);
                assert!(
                    !self.world.lock().unwrap().light,
                    "the light is off after a read"
                );
            }
        }
    }
}

/// Whether a fault of a read says this.
fn told(verdict: &Verdict, words: &str) -> bool {
    let mut faults = verdict.faults.iter();
    faults.any(|fault| fault.message.contains(words))
}

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
    for at in [0, 150, 250] {
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
    for at in 0..500 {
        bench.press(at * 20);
    }
    let first = bench.station.wait(LOOK_UP);
    assert!(matches!(first, Some(Event::Triggered(_))));
    assert!(matches!(bench.station.wait(LOOK_UP), Some(Event::Bounce)));
    let _answer = bench.order(Task::Read);
    let next = bench.station.wait(LOOK_UP);
    assert!(matches!(next, Some(Event::Triggered(request)) if request.source == Source::Command));
}

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
