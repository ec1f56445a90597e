//! Camera and light during a burst: set as a bank wants them, and settled.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::Fault;
use super::bank::{Bank, Lighting};
use super::parts::{Clock, Settings};
use crate::camera::{Camera, Shot};
use crate::gpio::{GpioError, Output};
use crate::image::Frame;

/// Frames until an exposure shows: one is under way, and sensors take two or so to obey.
const EXPOSURE_FRAMES: u32 = 3;

pub(super) struct Rig<'a> {
    camera: &'a mut dyn Camera,
    /// None also when it has failed.
    light: Option<Light<'a>>,
    clock: &'a dyn Clock,
    settings: &'a Settings,
    stop: &'a AtomicBool,
    /// What the frames show without the light, to be taken off.
    ambient: Option<Frame>,
    /// The picture stands still as light and exposure are now.
    settled: bool,
}

impl<'a> Rig<'a> {
    /// `lit`: the light is on already. One that cannot be switched is one more of the faults.
    pub(super) fn new(
        camera: &'a mut dyn Camera,
        light: Option<&'a mut (dyn Output + 'static)>,
        clock: &'a dyn Clock,
        settings: &'a Settings,
        lit: bool,
        stop: &'a AtomicBool,
        faults: &mut Vec<Fault>,
    ) -> Self {
        let mut light = light.map(|output| Light {
            output,
            lit_since: None,
            works: false,
        });
        // Its own guard counts from the order; now it begins anew, and goes by the burst.
        if lit
            && let Some(ordered) = &mut light
            && let Err(error) = ordered.set(true, clock)
        {
            faults.push(Fault::Light(error));
            light = None;
        }
        Self {
            camera,
            light,
            clock,
            settings,
            stop,
            ambient: None,
            settled: false,
        }
    }

    /// Exposure and light as a bank wants them, in force. One that cannot be set is one more of the faults: what there is
    /// may do.
    pub(super) fn set_up(&mut self, bank: &Bank, faults: &mut Vec<Fault>) -> Result<(), Fault> {
        let exposed = bank.exposure().map(|time| self.camera.expose(time));
        match exposed {
            Some(Ok(true)) => {
                self.camera.discard_queued()?;
                for _ in 0..EXPOSURE_FRAMES {
                    self.shot()?;
                }
                self.settle(None, false)?;
                self.settled = true;
            }
            Some(Err(error)) => faults.push(error.into()),
            Some(Ok(false)) | None => {}
        }
        self.ambient = None;
        match bank.light {
            Lighting::On => drop(self.switch(true, faults)?),
            Lighting::Off => drop(self.switch(false, faults)?),
            Lighting::Pair => {
                if self.is_lit() {
                    self.switch(false, faults)?;
                }
                let dark = self.switch(true, faults)?;
                self.ambient = dark.filter(|_| self.is_lit());
            }
        }
        Ok(())
    }

    fn is_lit(&self) -> bool {
        self.light.as_ref().is_some_and(Light::is_on)
    }

    /// Whether the light was tried and has not failed.
    pub(super) fn light_works(&self) -> bool {
        self.light.as_ref().is_some_and(|light| light.works)
    }

    /// A new frame.
    pub(super) fn shoot(&mut self) -> Result<Shot, Fault> {
        let now = self.clock.now();
        let lit_since = self.light.as_ref().and_then(|light| light.lit_since);
        if lit_since
            .is_some_and(|since| now.saturating_duration_since(since) >= self.settings.longest_on)
        {
            return Err(Fault::LightTime);
        }
        let mut shot = self.fresh()?;
        if let Some(ambient) = &self.ambient {
            shot.frame = shot.frame.without(ambient);
        }
        Ok(shot)
    }

    /// Switches the light and waits until the picture stands still in it; the frame from before, if that is a change.
    fn switch(&mut self, on: bool, faults: &mut Vec<Fault>) -> Result<Option<Frame>, Fault> {
        let changes = self.light.as_ref().is_some_and(|light| light.is_on() != on);
        if self.settled && !changes {
            return Ok(None);
        }
        let before = if changes {
            Some(self.fresh()?.frame)
        } else {
            None
        };
        if let Some(light) = &mut self.light
            && let Err(error) = light.set(on, self.clock)
        {
            faults.push(Fault::Light(error));
            self.light = None;
        }
        self.settle(before.as_ref().map(Frame::brightness), on)?;
        self.settled = true;
        Ok(before)
    }

    /// Waits until the picture is brighter than before, or darker, and its brightness stands still.
    fn settle(&mut self, before: Option<f32>, brighter: bool) -> Result<(), Fault> {
        let settings = self.settings;
        let start = self.clock.now();
        let mut last = None;
        let mut still = 0;
        self.camera.discard_queued()?;
        loop {
            let shot = self.shot()?;
            let elapsed = self.clock.now().saturating_duration_since(start);
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
            let change = before.map(|before| match brighter {
                true => brightness - before,
                false => before - brightness,
            });
            let shows = elapsed >= settings.brighten_timeout
                || change.is_none_or(|change| change >= 2.0 * settings.settle_tolerance);
            if shows && still >= settings.settle_frames {
                return Ok(());
            }
        }
    }

    /// The next frame of those that come from now on.
    fn fresh(&mut self) -> Result<Shot, Fault> {
        self.camera.discard_queued()?;
        self.shot()
    }

    fn shot(&mut self) -> Result<Shot, Fault> {
        if self.stop.load(Ordering::SeqCst) {
            return Err(Fault::Stopped);
        }
        Ok(self.camera.next(self.settings.frame_timeout)?)
    }
}

/// The light: goes off when dropped, whatever ended the burst; also one that failed, in case it went on all the same.
struct Light<'a> {
    output: &'a mut dyn Output,
    lit_since: Option<Instant>,
    /// It was switched and did not fail.
    works: bool,
}

impl Light<'_> {
    fn is_on(&self) -> bool {
        self.lit_since.is_some()
    }

    fn set(&mut self, on: bool, clock: &dyn Clock) -> Result<(), GpioError> {
        self.output.set(on)?;
        self.works = true;
        self.lit_since = on.then(|| clock.now());
        Ok(())
    }
}

impl Drop for Light<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.output.set(false) {
            log::error!("the light may still be on: {error}");
        }
    }
}
