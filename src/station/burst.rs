//! One burst: light on, settle, frames, light off; with one bank of parameters after the other.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

use super::parts::{Parts, Settings};
use super::rig::Rig;
use super::{Fault, Timings};
use crate::camera::Shot;
use crate::health::Cause;
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
    /// What was tried and worked, also if it failed later.
    pub(super) worked: BTreeSet<Cause>,
    /// What went wrong.
    pub(super) faults: Vec<Fault>,
}

impl Burst {
    /// Reads until it is sure, the frames are up, or something ends it. `lit`: the light is on already.
    pub(super) fn take(
        parts: &mut Parts,
        settings: &Settings,
        lit: bool,
        stop: &AtomicBool,
    ) -> Self {
        let mut burst = Self {
            fusion: Fusion::new(parts.decision.clone()),
            frames: 0,
            skipped: 0,
            picture: None,
            timings: Timings::default(),
            worked: BTreeSet::new(),
            faults: Vec::new(),
        };
        if let Err(fault) = burst.read(parts, settings, lit, stop) {
            burst.faults.push(fault);
        }
        burst
    }

    fn read(
        &mut self,
        parts: &mut Parts,
        settings: &Settings,
        lit: bool,
        stop: &AtomicBool,
    ) -> Result<(), Fault> {
        let clock = &*parts.clock;
        let observer = &mut *parts.observer;
        let light = parts.light.as_deref_mut();
        let mut rig = Rig::new(
            &mut *parts.camera,
            light,
            clock,
            settings,
            lit,
            stop,
            &mut self.faults,
        );
        let mut marked = false;
        for (bank, frames) in settings.shares() {
            let begun = clock.now();
            rig.set_up(bank, &mut self.faults)?;
            if rig.light_works() {
                self.worked.insert(Cause::Light);
            }
            self.timings.settle += clock.now().saturating_duration_since(begun);
            for _ in 0..frames {
                let asked = clock.now();
                let Shot { frame, skipped, .. } = rig.shoot()?;
                self.worked.insert(Cause::Camera);
                let taken = clock.now();
                self.timings.capture += taken.saturating_duration_since(asked);
                if self.frames > 0 {
                    self.skipped = self.skipped.saturating_add(skipped);
                }
                let seen = bank.observe(observer, &frame)?;
                self.worked.insert(Cause::Reader);
                let shows = !seen.marks.is_empty();
                if shows || !marked {
                    self.picture = Some(frame);
                }
                marked |= shows;
                self.fusion.add(seen);
                self.timings.read += clock.now().saturating_duration_since(taken);
                self.frames += 1;
                if self.fusion.is_sure() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// One frame as the first bank takes it, unread.
pub(super) fn picture(
    parts: &mut Parts,
    settings: &Settings,
    lit: bool,
    stop: &AtomicBool,
) -> Result<Frame, Fault> {
    let light = parts.light.as_deref_mut();
    let clock = &*parts.clock;
    let mut faults = Vec::new();
    let mut rig = Rig::new(
        &mut *parts.camera,
        light,
        clock,
        settings,
        lit,
        stop,
        &mut faults,
    );
    for (bank, _) in settings.shares().take(1) {
        rig.set_up(bank, &mut faults)?;
    }
    let frame = rig.shoot()?.frame;
    faults.pop().map_or(Ok(frame), Err)
}
