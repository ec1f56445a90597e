//! One burst: light on, settle, frames, light off.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::parts::{Clock, Parts, Settings};
use super::{Fault, Timings};
use crate::camera::Camera;
use crate::gpio::{GpioError, Output};
use crate::image::Frame;
use crate::reader::Fusion;

/// What a burst came to; also if it ended early.
pub(super) struct Burst {
    /// What the frames say.
    pub(super) fusion: Fusion,
    /// Frames that were read.
    pub(super) frames: u32,
    /// Frames that came between the first and the last of them and were not.
    pub(super) skipped: u32,
    /// The last of them that showed a mark, or the last.
    pub(super) picture: Option<Frame>,
    /// `total` is not known here.
    pub(super) timings: Timings,
    /// What went wrong.
    pub(super) faults: Vec<Fault>,
}

impl Burst {
    /// Reads until it is sure, the frames are up, or something ends it.
    pub(super) fn take(parts: &mut Parts, settings: &Settings, stop: &AtomicBool) -> Self {
        let mut burst = Self {
            fusion: Fusion::new(parts.decision.clone()),
            frames: 0,
            skipped: 0,
            picture: None,
            timings: Timings::default(),
            faults: Vec::new(),
        };
        if let Err(fault) = burst.read(parts, settings, stop) {
            burst.faults.push(fault);
        }
        burst
    }

    fn read(
        &mut self,
        parts: &mut Parts,
        settings: &Settings,
        stop: &AtomicBool,
    ) -> Result<(), Fault> {
        let clock = &*parts.clock;
        let (lit, light_on) = illuminate(
            &mut *parts.camera,
            parts.light.as_deref_mut(),
            clock,
            settings,
            stop,
            &mut self.faults,
        )?;
        self.timings.settle = clock.now().saturating_duration_since(light_on);
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
            self.timings.capture += taken.saturating_duration_since(asked);
            if self.frames > 0 {
                self.skipped = self.skipped.saturating_add(shot.skipped);
            }
            let seen = parts.observer.observe(&shot.frame)?;
            if self.picture.is_none() || !seen.marks.is_empty() {
                self.picture = Some(shot.frame);
            }
            self.fusion.add(seen);
            self.timings.read += clock.now().saturating_duration_since(taken);
            self.frames += 1;
            if self.fusion.is_sure() {
                break;
            }
        }
        Ok(())
    }
}

/// One frame in good light, unread.
pub(super) fn picture(
    parts: &mut Parts,
    settings: &Settings,
    stop: &AtomicBool,
) -> Result<Frame, Fault> {
    let light = parts.light.as_deref_mut();
    let mut faults = Vec::new();
    let _lit = illuminate(
        &mut *parts.camera,
        light,
        &*parts.clock,
        settings,
        stop,
        &mut faults,
    )?;
    parts.camera.discard_queued()?;
    let shot = parts.camera.next(settings.frame_timeout)?;
    faults.pop().map_or(Ok(shot.frame), Err)
}

/// Switches the light on and waits until the picture stands still in it; says since when. A light that fails is one more of
/// the faults: there may be daylight.
fn illuminate<'a>(
    camera: &mut dyn Camera,
    light: Option<&'a mut (dyn Output + 'static)>,
    clock: &dyn Clock,
    settings: &Settings,
    stop: &AtomicBool,
    faults: &mut Vec<Fault>,
) -> Result<(Option<Lit<'a>>, Instant), Fault> {
    let mut before = None;
    let mut lit = None;
    if let Some(light) = light {
        camera.discard_queued()?;
        let dark = camera.next(settings.frame_timeout)?;
        before = Some(dark.frame.brightness());
        match Lit::new(light) {
            Ok(on) => lit = Some(on),
            Err(error) => faults.push(Fault::Light(error)),
        }
    }
    let light_on = clock.now();
    camera.discard_queued()?;
    settle(camera, clock, settings, before, stop)?;
    Ok((lit, light_on))
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
