//! The station's loop: wait for a trigger or an order, serve it, say what came of it.

use std::collections::VecDeque;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::RecvTimeoutError;
use std::thread;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::burst::{Burst, picture};
use super::lamps::Signal;
use super::order::{Answer, Declined, Done, Expected, Match, Order, ROOM, Task};
use super::parts::{Parts, Settings};
use super::{FaultKind, Source, Trouble, Verdict};
use crate::gpio::{Edge, GpioError};
use crate::health::Cause;
use crate::vin::Vin;

/// How long the trigger is waited for before commands and the end are looked for.
const LOOK_UP: Duration = Duration::from_millis(20);

/// One place where cars are read, one at a time.
pub struct Station {
    parts: Parts,
    settings: Settings,
    last_edge: Option<Instant>,
    /// Why the trigger pin does not work, for as long as it does not.
    trigger_fault: Option<GpioError>,
    /// Orders that came during a read and can wait.
    postponed: VecDeque<Order>,
    expected: Option<Expected>,
    /// Until when the light is on by order.
    lit_until: Option<Instant>,
    camera_is_away: bool,
}

/// What a turn of the station came to.
pub struct Served {
    /// What to publish.
    pub verdict: Verdict,
    /// Who ordered it, if not the trigger, to be told when it is kept.
    pub answer: Option<Answer>,
}

/// What came.
enum Event {
    Triggered(Request),
    Bounce,
    Ordered(Order),
}

/// A read that is asked for.
struct Request {
    source: Source,
    at: Instant,
    answer: Option<Answer>,
}

impl Station {
    /// Puts a station together.
    pub fn new(parts: Parts, settings: Settings) -> Self {
        Self {
            parts,
            settings,
            last_edge: None,
            trigger_fault: None,
            postponed: VecDeque::new(),
            expected: None,
            lit_until: None,
            camera_is_away: false,
        }
    }

    /// Serves a trigger or an order, if one comes soon. Every trigger gets a verdict, or is counted as missed in that of the
    /// read it came in. A burst ends when `stop` is set.
    pub fn turn(&mut self, stop: &AtomicBool) -> Option<Served> {
        match self.wait(LOOK_UP) {
            Some(Event::Triggered(request)) => return Some(self.serve(request, stop)),
            Some(Event::Ordered(order)) => self.obey(order, stop),
            Some(Event::Bounce) => {}
            None => self.look_after_camera(),
        }
        if self
            .lit_until
            .is_some_and(|until| until <= self.parts.clock.now())
        {
            self.lit_until = None;
            if let Err(error) = self.switch_light(false) {
                log::error!("the light may still be on: {error}");
            }
        }
        None
    }

    fn look_after_camera(&mut self) {
        match self.parts.camera.check() {
            Err(error) => {
                self.parts.health.ails(Cause::Camera, error);
                self.camera_is_away = true;
            }
            // One that is there and failed in a read has to prove itself in the next.
            Ok(()) if self.camera_is_away => {
                self.parts.health.recovered(Cause::Camera);
                self.camera_is_away = false;
            }
            Ok(()) => {}
        }
        match self.parts.camera.refused() {
            Some(what) => self.parts.health.ails(Cause::CameraSettings, what),
            None => self.parts.health.recovered(Cause::CameraSettings),
        }
    }

    /// Shows what came of a read, now that it is kept.
    pub fn show(&mut self, ok: bool) {
        self.signal(if ok { Signal::Ok } else { Signal::Ng });
    }

    /// What comes next. The pin goes first, so that no stream of orders holds up a car; a bounce goes last, so that no line
    /// that chatters holds up orders.
    fn wait(&mut self, timeout: Duration) -> Option<Event> {
        let edge = self.pressed(Duration::ZERO);
        if let Some(Event::Triggered(_)) = edge {
            return edge;
        }
        if let Some(order) = self.postponed.pop_front() {
            return Some(Event::Ordered(order));
        }
        if let Ok(order) = self.parts.orders.try_recv() {
            return Some(Event::of(order));
        }
        if edge.is_some() || timeout.is_zero() {
            return edge;
        }
        if self.parts.trigger.is_none() || self.trigger_fault.is_some() {
            return self.ordered(timeout);
        }
        self.pressed(timeout)
    }

    /// The next edge at the pin.
    fn pressed(&mut self, timeout: Duration) -> Option<Event> {
        match self.parts.trigger.as_mut()?.wait(timeout) {
            Ok(edge) => {
                if self.trigger_fault.take().is_some() {
                    self.parts.health.recovered(Cause::Trigger);
                }
                edge.map(|edge| self.debounce(edge))
            }
            Err(error) => {
                self.parts.health.ails(Cause::Trigger, &error);
                self.trigger_fault = Some(error);
                None
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
            answer: None,
        })
    }

    /// The next order.
    fn ordered(&self, timeout: Duration) -> Option<Event> {
        match self.parts.orders.recv_timeout(timeout) {
            Ok(order) => Some(Event::of(order)),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                // Nobody is left to order, which is no reason to run hot.
                thread::sleep(timeout);
                None
            }
        }
    }

    fn serve(&mut self, request: Request, stop: &AtomicBool) -> Served {
        let started = self.parts.clock.now();
        let triggered_at = self
            .parts
            .clock
            .wall()
            .saturating_sub(started.saturating_duration_since(request.at));
        log::info!("triggered by {:?}", request.source);
        self.signal(Signal::Busy);
        let lit = self.lit_until.take().is_some();
        let burst = Burst::take(&mut self.parts, &self.settings, lit, stop);
        let reading = burst.fusion.reading();
        let expected = reading.vin.as_ref().and_then(|vin| self.compare(vin));
        let missed = self.missed();
        self.report(&burst);
        let mut faults: Vec<_> = burst.faults.iter().map(Trouble::from).collect();
        faults.extend(self.trigger_fault.as_ref().map(|error| Trouble {
            kind: FaultKind::Trigger,
            message: error.to_string(),
        }));
        let total = self.parts.clock.now().saturating_duration_since(request.at);
        let verdict = Verdict {
            id: Uuid::now_v7(),
            source: request.source,
            triggered_at,
            decided_at: self.parts.clock.wall(),
            reading,
            expected,
            frames: burst.frames,
            skipped: burst.skipped,
            picture: burst.picture,
            missed,
            faults,
            timings: super::Timings {
                total,
                ..burst.timings
            },
        };
        Served {
            verdict,
            answer: request.answer,
        }
    }

    /// How the car is to the one that was expected, which is not expected any more.
    fn compare(&mut self, vin: &Vin) -> Option<Match> {
        let now = self.parts.clock.now();
        let expected = self.expected.take()?;
        (now < expected.until).then(|| expected.compare(vin))
    }

    /// Tells what ails the hardware, or that it works again.
    fn report(&self, Burst { worked, faults, .. }: &Burst) {
        let health = &self.parts.health;
        for fault in faults {
            match fault.cause() {
                Some(cause) => health.ails(cause, fault),
                None => log::error!("{fault}"),
            }
        }
        // What the burst did not come to may ail as before.
        for &cause in worked {
            if faults.iter().all(|fault| fault.cause() != Some(cause)) {
                health.recovered(cause);
            }
        }
    }

    fn obey(&mut self, order: Order, stop: &AtomicBool) {
        let done = match order.task {
            Task::Read => return, // It is a trigger.
            Task::Capture => {
                let lit = self.lit_until.take().is_some();
                picture(&mut self.parts, &self.settings, lit, stop)
                    .map(Done::Captured)
                    .map_err(|fault| Declined::Fault(fault.to_string()))
            }
            Task::Light(time) => self.light(time),
            Task::Expect { vins, within } => {
                let until = self.parts.clock.now() + within;
                self.expected = (!vins.is_empty()).then_some(Expected { vins, until });
                Ok(Done::Expecting)
            }
        };
        (order.answer)(done);
    }

    fn light(&mut self, time: Option<Duration>) -> Result<Done, Declined> {
        let longest = self.settings.longest_on;
        if time.is_some_and(|time| time > longest) {
            return Err(Declined::TooLong(longest));
        }
        if self.parts.light.is_none() {
            return Err(Declined::NoLight);
        }
        self.lit_until = time.map(|time| self.parts.clock.now() + time);
        self.switch_light(time.is_some())
            .map(|()| Done::Light)
            .map_err(|error| Declined::Fault(error.to_string()))
    }

    fn switch_light(&mut self, on: bool) -> Result<(), GpioError> {
        let light = self.parts.light.as_mut();
        light.map_or(Ok(()), |light| light.set(on))
    }

    /// How many triggers came during the read. Other orders can wait.
    fn missed(&mut self) -> u32 {
        let mut missed = 0;
        let mut postponed = VecDeque::new();
        while let Some(event) = self.wait(Duration::ZERO) {
            match event {
                Event::Triggered(request) => {
                    missed += 1;
                    if let Some(answer) = request.answer {
                        answer(Err(Declined::Busy));
                    }
                }
                Event::Ordered(order) if postponed.len() < ROOM => postponed.push_back(order),
                Event::Ordered(order) => (order.answer)(Err(Declined::TooMany)),
                Event::Bounce => {}
            }
        }
        self.postponed = postponed;
        if missed > 0 {
            log::warn!("{missed} triggers came while the station was busy");
        }
        missed
    }

    fn signal(&mut self, signal: Signal) {
        match self.parts.lamps.show(signal) {
            Ok(()) => self.parts.health.recovered(Cause::Lamps),
            Err(error) => self.parts.health.ails(Cause::Lamps, error),
        }
    }
}

impl Event {
    fn of(order: Order) -> Self {
        match order.task {
            Task::Read => Self::Triggered(Request {
                source: Source::Command,
                at: order.at,
                answer: Some(order.answer),
            }),
            _ => Self::Ordered(order),
        }
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        self.signal(Signal::Idle);
    }
}

#[cfg(test)]
#[path = "tests/mod.rs"]
mod tests;
