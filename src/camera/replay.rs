//! Pictures replayed as if a camera gave them: at its pace, dark until the light is on, never twice the same.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use super::{Camera, CameraError, Shot};
use crate::gpio::simulated::Light;
use crate::image::{DecodeError, Frame, decode, decode_file};

/// Share of the light that is there without the lamp.
const AMBIENT: f32 = 0.3;
/// How far brightness comes to its new level from one frame to the next.
const EXPOSURE_STEP: f32 = 0.6;
/// The picture shakes by up to this many pixels.
const SHAKE: u64 = 3;
/// Sensor noise, ± grey levels.
const NOISE: u64 = 3;

/// What a scene is.
#[derive(Clone)]
pub enum Scene {
    /// A picture inside the program.
    Embedded(&'static [u8]),
    /// A picture file.
    File(PathBuf),
}

impl Scene {
    fn load(&self) -> Result<Frame, DecodeError> {
        match self {
            Self::Embedded(bytes) => decode(bytes),
            Self::File(path) => decode_file(path),
        }
    }
}

/// A camera before which one scene after the other drives up: the next whenever the light goes on.
pub struct Replay {
    scenes: Vec<Scene>,
    light: Light,
    was_on: bool,
    /// How often the light went on.
    visits: usize,
    interval: Duration,
    due: Instant,
    exposure: f32,
    loaded: Option<(usize, Frame)>,
    random: u64,
}

impl Replay {
    /// Shows the scenes at `fps` frames a second, lit by `light`; after the last comes the first.
    pub fn new(scenes: Vec<Scene>, light: Light, fps: u32) -> Self {
        Self {
            scenes,
            light,
            was_on: false,
            visits: 0,
            interval: Duration::from_secs(1) / fps.max(1),
            due: Instant::now(),
            exposure: AMBIENT,
            loaded: None,
            random: 0x9E37_79B9_7F4A_7C15,
        }
    }

    fn scene(&mut self) -> Result<Frame, CameraError> {
        if self.scenes.is_empty() {
            return Err(CameraError::Device("there is no picture to replay".into()));
        }
        let is_on = self.light.is_on();
        self.visits += usize::from(is_on && !self.was_on);
        self.was_on = is_on;
        let index = self.visits.saturating_sub(1) % self.scenes.len();
        if let Some((_, frame)) = self.loaded.take_if(|(loaded, _)| *loaded == index) {
            self.loaded = Some((index, frame.clone()));
            return Ok(frame);
        }
        let frame = self.scenes[index]
            .load()
            .map_err(|error| CameraError::Device(format!("picture {} {error}", index + 1)))?;
        self.loaded = Some((index, frame.clone()));
        Ok(frame)
    }

    /// Xorshift: shaking and noise need no better.
    fn random(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }

    fn expose(&mut self, scene: &Frame) -> Frame {
        let level = if self.light.is_on() { 1.0 } else { AMBIENT };
        self.exposure += EXPOSURE_STEP * (level - self.exposure);
        let shift = |random: u64| (random % (2 * SHAKE + 1)) as usize;
        let (right, down) = (shift(self.random()), shift(self.random()));
        let mut luma = Vec::with_capacity(scene.luma.len());
        for y in 0..scene.height {
            let row = (y + down)
                .saturating_sub(SHAKE as usize)
                .min(scene.height - 1);
            for x in 0..scene.width {
                let column = (x + right)
                    .saturating_sub(SHAKE as usize)
                    .min(scene.width - 1);
                let value = f32::from(scene.luma[row * scene.width + column]) * self.exposure;
                let noise = (self.random() % (2 * NOISE + 1)) as f32 - NOISE as f32;
                luma.push((value + noise).clamp(0.0, 255.0) as u8);
            }
        }
        Frame { luma, ..*scene }
    }
}

impl Camera for Replay {
    fn next(&mut self, timeout: Duration) -> Result<Shot, CameraError> {
        let now = Instant::now();
        let wait = self.due.saturating_duration_since(now);
        if wait > timeout {
            thread::sleep(timeout);
            return Err(CameraError::Timeout(timeout));
        }
        thread::sleep(wait);
        let late = now.saturating_duration_since(self.due);
        self.due = (self.due + self.interval).max(now);
        let scene = self.scene()?;
        Ok(Shot {
            frame: self.expose(&scene),
            captured_at: Instant::now(),
            skipped: late.div_duration_f64(self.interval) as u32,
        })
    }

    fn discard_queued(&mut self) -> Result<(), CameraError> {
        Ok(())
    }

    /// Pictures stay as they were exposed.
    fn expose(&mut self, _: Duration) -> Result<bool, CameraError> {
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::gpio::Output;

    #[test]
    fn frames_brighten_with_the_light() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("grey.png");
        image::GrayImage::from_pixel(40, 20, image::Luma([200]))
            .save(&path)
            .unwrap();
        let mut light = Light::default();
        let mut camera = Replay::new(vec![Scene::File(path)], light.clone(), 1_000_000);
        let mut brightness = || {
            camera
                .next(Duration::from_secs(1))
                .unwrap()
                .frame
                .brightness()
        };
        let dark = brightness();
        light.set(true).unwrap();
        let levels: Vec<f32> = (0..6).map(|_| brightness()).collect();
        assert!(dark < 70.0 && levels.is_sorted_by(|a, b| a < &(b + 3.0)) && levels[5] > 190.0);
    }

    #[test]
    fn a_missing_picture_is_an_error_and_no_end() {
        let scenes = vec![Scene::File("/nowhere.jpg".into())];
        let mut camera = Replay::new(scenes, Light::default(), 1_000_000);
        for _ in 0..2 {
            let error = camera.next(Duration::from_secs(1)).unwrap_err().to_string();
            assert!(error.contains("picture 1"), "{error}");
        }
    }
}
