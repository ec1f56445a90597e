//! Taking the ambient light off a picture: what is left is what the station's own light shows, and no reflection of the sun.

use std::sync::LazyLock;

use super::Frame;

/// What cameras make of light: the grey level is its amount to the power of 1 / GAMMA.
const GAMMA: f32 = 2.2;
/// Steps of the amount of light.
const STEPS: usize = 4096;
/// The grey level that all but the brightest hundredth stay below.
const WHITE: u8 = 230;
/// The difference is made so many times stronger at most, in light: beyond is noise.
const STRONGEST: f32 = 16.0;

static LIGHT: LazyLock<[u16; 256]> = LazyLock::new(|| {
    std::array::from_fn(|grey| {
        let light = (grey as f32 / 255.0).powf(GAMMA);
        (light * (STEPS - 1) as f32).round() as u16
    })
});

impl Frame {
    /// This frame without what another one of the same place and exposure shows in ambient light alone, as bright as frames
    /// usually are; where that one is white, nothing is left. One of another size takes nothing off.
    pub fn without(&self, ambient: &Self) -> Self {
        if (self.width, self.height) != (ambient.width, ambient.height) {
            return self.clone();
        }
        let own = || {
            let pixels = self.luma.iter().zip(&ambient.luma);
            pixels.map(|(&lit, &dark)| {
                let light = |grey: u8| LIGHT[usize::from(grey)];
                usize::from(light(lit).saturating_sub(light(dark)))
            })
        };
        let mut counts = [0usize; STEPS];
        own().for_each(|light| counts[light] += 1);
        let white = brightest(&counts, self.luma.len() / 100);
        let gain = f32::from(LIGHT[usize::from(WHITE)]) / white.max(1) as f32;
        let gain = gain.min(STRONGEST) / (STEPS - 1) as f32;
        let grey: [u8; STEPS] = std::array::from_fn(|light| {
            (255.0 * (light as f32 * gain).powf(1.0 / GAMMA)).round() as u8
        });
        Self {
            luma: own().map(|light| grey[light]).collect(),
            ..*self
        }
    }
}

/// The amount of light that so many pixels at most are above.
fn brightest(counts: &[usize; STEPS], mut pixels: usize) -> usize {
    for (light, &count) in counts.iter().enumerate().rev() {
        match pixels.checked_sub(count) {
            Some(left) => pixels = left,
            None => return light,
        }
    }
    0
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A scene, by how much of the light it throws back, in so much light and under a glare that is thrown into the lens.
    pub(crate) fn shot(scene: &Frame, light: f32, glare: impl Fn(usize, usize) -> f32) -> Frame {
        let amount = |grey: u8| (f32::from(grey) / 255.0).powf(GAMMA);
        let luma = scene.luma.iter().enumerate().map(|(index, &grey)| {
            let glare = glare(index % scene.width, index / scene.width);
            let seen = light * amount(grey) + glare;
            (255.0 * seen.min(1.0).powf(1.0 / GAMMA)).round() as u8
        });
        Frame {
            luma: luma.collect(),
            ..*scene
        }
    }

    /// Dark lines on light ground.
    fn lines() -> Frame {
        let (width, height) = (120, 60);
        let grey = |index: usize| if index % width % 6 < 2 { 40 } else { 220 };
        Frame {
            width,
            height,
            luma: (0..width * height).map(grey).collect(),
        }
    }

    fn spot(x: usize, y: usize) -> f32 {
        let (dx, dy) = (x as f32 - 60.0, y as f32 - 30.0);
        if dx.hypot(dy) < 15.0 { 0.45 } else { 0.0 }
    }

    #[test]
    fn a_glare_in_both_frames_goes_and_the_picture_is_as_bright_as_usual() {
        let scene = lines();
        let lit = shot(&scene, 0.5, spot);
        let dark = shot(&scene, 0.1, spot);
        let glaring = |frame: &Frame| {
            let clean = shot(&scene, 1.0, |_, _| 0.0);
            let off = frame.luma.iter().zip(&clean.luma);
            off.map(|(a, b)| a.abs_diff(*b)).max()
        };
        assert!(glaring(&lit) > Some(100));
        let own = lit.without(&dark);
        assert!(glaring(&own) < Some(16), "{:?}", glaring(&own));
        let off = own.brightness() - scene.brightness();
        assert!(off.abs() < 10.0, "{off}");
    }

    #[test]
    fn a_light_that_shows_nothing_leaves_the_dark() {
        let dark = shot(&lines(), 0.3, spot);
        let mut lit = dark.clone();
        // Noise.
        lit.luma.iter_mut().step_by(7).for_each(|grey| *grey += 1);
        assert!(lit.without(&dark).brightness() < 40.0);
    }

    #[test]
    fn a_frame_of_another_size_takes_nothing_off() {
        let lit = lines();
        let other = Frame {
            width: 0,
            height: 0,
            luma: Vec::new(),
        };
        assert_eq!(lit.without(&other), lit);
        assert_eq!(other.without(&other), other);
    }
}
