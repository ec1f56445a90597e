//! The station in a simulated world: its own time, light, camera and buttons.

#![allow(clippy::unwrap_used)]

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Zoned;

use super::super::Lamps;
use super::super::parts::Clock;
use super::*;
use crate::camera::{Camera, CameraError, Shot};
use crate::gpio::{Edge, Output, Trigger};
use crate::health::Health;
use crate::image::Frame;
use crate::reader::{Decision, Observation, Observe, Outcome, ReadError, Reason, script};

mod banks;
mod lamps;
mod orders;
mod reads;

const VIN: &str = "1HGCM82633A004352";
const OTHER: &str = "WVWZZZ1JZXW000001";
/// Grey levels of the picture in the light and without.
const LIT: f32 = 180.0;
const DARK: f32 = 20.0;
/// Of the camera as it stands there, and the size of its frames.
const EXPOSURE: Duration = Duration::from_millis(10);
const SIZE: (usize, usize) = (4, 2);
const FRAME: Duration = Duration::from_millis(33);
const READ: Duration = Duration::from_millis(60);

/// Everything there is.
struct World {
    now: Instant,
    light: bool,
    /// When its guard switches it off.
    light_off_at: Option<Instant>,
    /// Grey level of the picture; follows the light over some frames.
    brightness: f32,
    /// As it was asked for, and as it is in force; twice as long is twice as bright.
    exposure: Duration,
    exposed: Duration,
    /// Frames until what was asked for is in force.
    obeys_in: u32,
    exposure_fails: bool,
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
    /// Every change of a lamp.
    lamps: Vec<(&'static str, bool)>,
    broken_lamp: Option<&'static str>,
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
    /// Whether the light was on, brightness and size of the same.
    takes: Vec<(bool, u8, usize, usize)>,
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
        world.light_off_at = on.then(|| world.now + Settings::default().longest_on);
        if world.light_fails && on {
            return Err(GpioError("the light is broken".into()));
        }
        Ok(())
    }
}

/// A lamp by its name.
struct SimLamp(Shared, &'static str);

impl Output for SimLamp {
    fn set(&mut self, on: bool) -> Result<(), GpioError> {
        // A test that failed drops the station.
        let mut world = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if world.broken_lamp == Some(self.1) {
            return Err(GpioError(format!("the {} lamp is broken", self.1)));
        }
        if world.is_lit(self.1) != on {
            world.lamps.push((self.1, on));
        }
        Ok(())
    }
}

impl World {
    fn is_lit(&self, lamp: &str) -> bool {
        let last = self.lamps.iter().rev().find(|change| change.0 == lamp);
        last.is_some_and(|change| change.1)
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
            if world.obeys_in == 0 {
                world.exposed = world.exposure;
            }
            world.obeys_in = world.obeys_in.saturating_sub(1);
            world.light &= world.light_off_at.is_some_and(|off| world.now < off);
            let level = if world.light { LIT } else { DARK };
            let level = level * world.exposed.div_duration_f32(EXPOSURE);
            world.brightness += 0.6 * (level - world.brightness);
            (world.brightness, world.now)
        };
        let (width, height) = SIZE;
        let frame = Frame {
            width,
            height,
            luma: vec![brightness as u8; width * height],
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

    fn expose(&mut self, time: Duration) -> Result<bool, CameraError> {
        let mut world = self.0.lock().unwrap();
        if world.exposure_fails {
            return Err(CameraError::Device("the exposure cannot be set".into()));
        }
        let changes = world.exposure != time;
        if changes {
            world.exposure = time;
            world.obeys_in = 3;
        }
        Ok(changes)
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
        let light = world.light;
        world.read.push(f32::from(frame.luma[0]));
        world
            .takes
            .push((light, frame.luma[0], frame.width, frame.height));
        assert!(world.is_lit("BUSY") && !world.is_lit("OK") && !world.is_lit("NG"));
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
    orders: SyncSender<Order>,
    health: Arc<Health>,
    station: Station,
    start: Instant,
}

fn bench() -> Bench {
    let start = Instant::now();
    let world = Arc::new(Mutex::new(World {
        now: start,
        light: false,
        light_off_at: None,
        brightness: 20.0,
        exposure: EXPOSURE,
        exposed: EXPOSURE,
        obeys_in: 0,
        exposure_fails: false,
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
        lamps: Vec::new(),
        broken_lamp: None,
        scenes: [script::seen(script::clear(VIN))].into(),
        panic_at_read: None,
        failed_reads: Vec::new(),
        stop_at_read: None,
        stop: Arc::default(),
        read: Vec::new(),
        takes: Vec::new(),
        stop_at: start + Duration::from_secs(60),
    }));
    let (orders, received) = sync_channel(ROOM);
    let health = Arc::new(Health::default());
    let sim = || Sim(Arc::clone(&world));
    let lamp = |name| Some(Box::new(SimLamp(Arc::clone(&world), name)) as Box<dyn Output>);
    let decision = Decision {
        accept_at: 0.9,
        ..Decision::embedded().unwrap()
    };
    let parts = Parts {
        trigger: Some(Box::new(sim())),
        orders: received,
        light: Some(Box::new(sim())),
        lamps: Lamps {
            ok: lamp("OK"),
            ng: lamp("NG"),
            busy: lamp("BUSY"),
        },
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
                self.station
                    .show(served.verdict.reading.outcome == Outcome::Accepted);
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
