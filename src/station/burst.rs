//! The station's loop: wait, light, settle, burst, verdict.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Zoned;
use uuid::Uuid;

use super::{Source, Timings, Verdict};
use crate::camera::{Camera, CameraError};
use crate::gpio::{Edge, GpioError, Output, Trigger};
use crate::reader::{Decision, Fusion, Observe};

/// How long the trigger is waited for before commands and the end are looked for.
const LOOK_UP: Duration = Duration::from_millis(20);

/// How a station works. All times are of the station's clock.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Edges closer than this to the one before are bounces.
    pub debounce: Duration,
    /// A frame that takes longer is a fault.
    pub frame_timeout: Duration,
    /// Frames whose brightness differs by less than `settle_tolerance` from the one before, until the picture counts as
    /// settled.
    pub settle_frames: u32,
    /// Grey levels, 0 to 255.
    pub settle_tolerance: f32,
    /// The light is given this long to show in the picture; in daylight it may not.
    pub brighten_timeout: Duration,
    /// Reading begins after this long, settled or not.
    pub settle_timeout: Duration,
    /// After this long the light goes off by itself, and frames of the dark would be read.
    pub longest_on: Duration,
    /// Frames read at most.
    pub burst_frames: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            debounce: Duration::from_millis(50),
            frame_timeout: Duration::from_secs(2),
            settle_frames: 2,
            settle_tolerance: 3.0,
            brighten_timeout: Duration::from_millis(300),
            settle_timeout: Duration::from_millis(1500),
            longest_on: Duration::from_secs(10),
            burst_frames: 8,
        }
    }
}

/// Tells the time, as it is or as a test wants it.
pub trait Clock: Send {
    /// Monotonic.
    fn now(&self) -> Instant;
    /// Wall time with the local offset.
    fn wall(&self) -> Zoned;
}

/// The time as it is.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wall(&self) -> Zoned {
        Zoned::now()
    }
}

/// What a station is made of.
pub struct Parts {
    /// Starts reads; none if only commands do.
    pub trigger: Option<Box<dyn Trigger>>,
    /// Commands to read, with their time.
    pub commands: Receiver<Instant>,
    /// Shines on the mark.
    pub light: Option<Box<dyn Output>>,
    /// Shows that all is well.
    pub ok_lamp: Option<Box<dyn Output>>,
    /// Shows that it is not.
    pub ng_lamp: Option<Box<dyn Output>>,
    /// Takes the frames.
    pub camera: Box<dyn Camera>,
    /// Sees marks in them.
    pub observer: Box<dyn Observe + Send>,
    /// Decides what they say.
    pub decision: Decision,
    /// Tells the time.
    pub clock: Box<dyn Clock>,
}

/// One place where cars are read, one at a time.
pub struct Station {
    parts: Parts,
    settings: Settings,
    last_edge: Option<Instant>,
    /// Why the trigger pin does not work, for as long as it does not.
    trigger_fault: Option<String>,
}

/// What came at the trigger.
enum Event {
    Triggered(Request),
    Bounce,
}

/// A trigger that is served.
#[derive(Clone, Copy)]
struct Request {
    source: Source,
    at: Instant,
}

/// Why a burst ended early.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Camera(#[from] CameraError),
    #[error(transparent)]
    Read(#[from] crate::reader::ReadError),
    #[error("vinspect was stopped during the burst")]
    Stopped,
    #[error(
        "the light's longest time was over before the burst was; see light.longest_on_ms and burst.frames"
    )]
    LightTime,
}

impl Station {
    /// Puts a station together.
    pub fn new(parts: Parts, settings: Settings) -> Self {
        Self {
            parts,
            settings,
            last_edge: None,
            trigger_fault: None,
        }
    }

    /// Serves a trigger, if one comes soon. Every trigger gets a verdict, or is counted as missed in that of the read it
    /// came in. A burst ends when `stop` is set.
    pub fn turn(&mut self, stop: &AtomicBool) -> Option<Verdict> {
        match self.wait(LOOK_UP) {
            Some(Event::Triggered(request)) => Some(self.serve(request, stop)),
            Some(Event::Bounce) => None,
            None => {
                self.parts.camera.let_go_if_away();
                None
            }
        }
    }

    /// Lights a lamp until the next trigger.
    pub fn show(&mut self, ok: bool) {
        self.lamps(Some(ok));
    }

    /// The next trigger of either kind.
    fn wait(&mut self, timeout: Duration) -> Option<Event> {
        let Some(trigger) = &mut self.parts.trigger else {
            return self.command(timeout);
        };
        if let Some(event) = Self::commanded(self.parts.commands.try_recv().ok()) {
            return Some(event);
        }
        match trigger.wait(timeout) {
            Ok(edge) => {
                self.trigger_fault = None;
                edge.map(|edge| self.debounce(edge))
            }
            Err(error) => {
                let fault = Some(error.to_string());
                if self.trigger_fault != fault {
                    log::error!("{error}");
                    self.trigger_fault = fault;
                }
                self.command(timeout)
            }
        }
    }

    fn debounce(&mut self, edge: Edge) -> Event {
        let last = self.last_edge.replace(edge.at);
        let debounce = self.settings.debounce;
        if last.is_some_and(|last| edge.at.saturating_duration_since(last) < debounce) {
            return Event::Bounce;
        }
        Event::Triggered(Request {
            source: Source::Gpio,
            at: edge.at,
        })
    }

    /// The next command.
    fn command(&self, timeout: Duration) -> Option<Event> {
        let received = self.parts.commands.recv_timeout(timeout);
        if received == Err(RecvTimeoutError::Disconnected) {
            // Nobody is left to command, which is no reason to run hot.
            thread::sleep(timeout);
        }
        Self::commanded(received.ok())
    }

    fn commanded(at: Option<Instant>) -> Option<Event> {
        let source = Source::Command;
        at.map(|at| Event::Triggered(Request { source, at }))
    }

    fn serve(&mut self, request: Request, stop: &AtomicBool) -> Verdict {
        let started = self.parts.clock.now();
        let triggered_at = self
            .parts
            .clock
            .wall()
            .saturating_sub(started.saturating_duration_since(request.at));
        log::info!("triggered by {:?}", request.source);
        self.lamps(None);
        let mut fusion = Fusion::new(self.parts.decision.clone());
        let mut timings = Timings::default();
        let mut frames = 0;
        let mut faults = Vec::new();
        if let Err(fault) = self.look(stop, &mut fusion, &mut frames, &mut timings, &mut faults) {
            faults.push(fault.to_string());
        }
        let reading = fusion.reading();
        let missed = self.missed();
        for fault in &faults {
            log::error!("{fault}");
        }
        faults.extend(self.trigger_fault.clone());
        timings.total = self.parts.clock.now().saturating_duration_since(request.at);
        Verdict {
            id: Uuid::now_v7(),
            source: request.source,
            triggered_at,
            decided_at: self.parts.clock.wall(),
            reading,
            frames,
            missed,
            fault: (!faults.is_empty()).then(|| faults.join("; ")),
            timings,
        }
    }

    /// Everything between light on and light off.
    fn look(
        &mut self,
        stop: &AtomicBool,
        fusion: &mut Fusion,
        frames: &mut u32,
        timings: &mut Timings,
        faults: &mut Vec<String>,
    ) -> Result<(), Fault> {
        let Self {
            parts, settings, ..
        } = self;
        let clock = &parts.clock;
        let mut before = None;
        let mut lit = None;
        if let Some(light) = &mut parts.light {
            parts.camera.discard_queued()?;
            let dark = parts.camera.next(settings.frame_timeout)?;
            before = Some(dark.frame.brightness());
            match Lit::new(&mut **light) {
                Ok(on) => lit = Some(on),
                Err(error) => faults.push(error.to_string()),
            }
        }
        let light_on = clock.now();
        parts.camera.discard_queued()?;
        settle(&mut *parts.camera, &**clock, settings, before, stop)?;
        timings.settle = clock.now().saturating_duration_since(light_on);
        for _ in 0..settings.burst_frames {
            if stop.load(Ordering::SeqCst) {
                return Err(Fault::Stopped);
            }
            let asked = clock.now();
            if lit.is_some() && asked.saturating_duration_since(light_on) >= settings.longest_on {
                return Err(Fault::LightTime);
            }
            parts.camera.discard_queued()?;
            let shot = parts.camera.next(settings.frame_timeout)?;
            let taken = clock.now();
            timings.capture += taken.saturating_duration_since(asked);
            fusion.add(parts.observer.observe(&shot.frame)?);
            timings.read += clock.now().saturating_duration_since(taken);
            *frames += 1;
            if fusion.is_sure() {
                break;
            }
        }
        drop(lit);
        Ok(())
    }

    /// How many triggers came during the read.
    fn missed(&mut self) -> u32 {
        let mut missed = 0;
        while let Some(event) = self.wait(Duration::ZERO) {
            missed += u32::from(matches!(event, Event::Triggered(_)));
        }
        if missed > 0 {
            log::warn!("{missed} triggers came while the station was busy");
        }
        missed
    }

    fn lamps(&mut self, ok: Option<bool>) {
        let set = |lamp: &mut Option<Box<dyn Output>>, on: bool| {
            if let Some(Err(error)) = lamp.as_mut().map(|lamp| lamp.set(on)) {
                log::error!("{error}");
            }
        };
        set(&mut self.parts.ok_lamp, ok == Some(true));
        set(&mut self.parts.ng_lamp, ok == Some(false));
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        self.lamps(None);
    }
}

/// Waits until the light shows in the picture and its brightness stands still.
fn settle(
    camera: &mut dyn Camera,
    clock: &dyn Clock,
    settings: &Settings,
    before: Option<f32>,
    stop: &AtomicBool,
) -> Result<(), Fault> {
    let start = clock.now();
    let mut last = None;
    let mut still = 0;
    loop {
        if stop.load(Ordering::SeqCst) {
            return Err(Fault::Stopped);
        }
        let shot = camera.next(settings.frame_timeout)?;
        let elapsed = clock.now().saturating_duration_since(start);
        if elapsed >= settings.settle_timeout {
            log::warn!("the picture did not settle within {elapsed:?}");
            return Ok(());
        }
        if shot.captured_at < start {
            continue;
        }
        let brightness = shot.frame.brightness();
        let close = |other: f32| (brightness - other).abs() < settings.settle_tolerance;
        still = if last.replace(brightness).is_some_and(close) {
            still + 1
        } else {
            0
        };
        let shows = elapsed >= settings.brighten_timeout
            || before.is_none_or(|dark| brightness >= dark + 2.0 * settings.settle_tolerance);
        if shows && still >= settings.settle_frames {
            return Ok(());
        }
    }
}

/// The light while it is on: goes off when dropped, whatever ended the burst.
struct Lit<'a>(&'a mut dyn Output);

impl<'a> Lit<'a> {
    fn new(light: &'a mut dyn Output) -> Result<Self, GpioError> {
        let lit = Self(light);
        match lit.0.set(true) {
            Ok(()) => Ok(lit),
            Err(error) => {
                // Off again, in case it went on all the same.
                mem::drop(lit);
                Err(error)
            }
        }
    }
}

impl Drop for Lit<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.0.set(false) {
            log::error!("the light may still be on: {error}");
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
