//! The hardware and the reader that a configuration asks for.

use std::time::Duration;

use super::Failure;
use super::pictures;
use super::service::Hardware;
use crate::camera::Camera;
use crate::camera::replay::{Replay, Scene};
use crate::config::{CameraConfig, CameraKind, Config, LampsConfig, ModelFile, ReaderConfig};
use crate::gpio::{Limited, Output, Trigger, simulated};
use crate::inference::Model;
use crate::reader::{Decision, Models, Reader};
use crate::station::Lamps;

/// Opens everything.
pub fn open(config: &Config) -> Result<Hardware, Failure> {
    let simulated_light = simulated::Light::default();
    let light = match config.camera.kind {
        CameraKind::Replay => Some(Box::new(simulated_light.clone()) as Box<dyn Output>),
        CameraKind::V4l2 => light(config)?,
    };
    let longest = Duration::from_millis(config.light.longest_on_ms);
    let light = match light {
        Some(light) => Some(Box::new(Limited::new(light, longest)?) as Box<dyn Output>),
        None => None,
    };
    Ok(Hardware {
        trigger: trigger(config)?,
        light,
        lamps: lamps(&config.lamps)?,
        camera: camera(config, simulated_light)?,
    })
}

/// What `open` would refuse on any machine: what this program was built without, and a replay of nothing.
pub fn can_open(config: &Config) -> Result<(), Failure> {
    let (light, lamps) = (&config.light, &config.lamps);
    let mut lines = vec![
        &config.trigger.line,
        &lamps.ok_line,
        &lamps.ng_line,
        &lamps.busy_line,
    ];
    match config.camera.kind {
        CameraKind::Replay => drop(scenes(&config.camera)?),
        CameraKind::V4l2 if !cfg!(feature = "v4l2") => return Err(without_v4l2()),
        // With a replay the light is simulated.
        CameraKind::V4l2 if light.pwm_channel.is_none() => lines.push(&light.line),
        CameraKind::V4l2 if !cfg!(feature = "rppal") => return Err(without_pwm()),
        CameraKind::V4l2 => {}
    }
    match lines.into_iter().flatten().next() {
        Some(line) if !cfg!(feature = "gpio") => Err(without_gpio(line)),
        _ => Ok(()),
    }
}

/// The models and constants, with what is configured in place of those inside the program.
pub fn reader(config: &ReaderConfig) -> Result<Reader, Failure> {
    let model = |file: &Option<ModelFile>, own: Model| match file {
        Some(file) => Model::from_file(own.name, &file.path, &file.sha256),
        None => Ok(own),
    };
    let models = Models {
        locator: model(&config.locator, Model::locator())?,
        recognizer: model(&config.recognizer, Model::recognizer())?,
        examiner: model(&config.examiner, Model::examiner())?,
        arbiter: model(&config.arbiter, Model::arbiter())?,
    };
    let decision = match &config.calibration {
        Some(path) => {
            let text = std::fs::read_to_string(path);
            let text =
                text.map_err(|error| format!("reader.calibration {}: {error}", path.display()))?;
            Decision::from_toml(&text)?
        }
        None => Decision::embedded()?,
    };
    Ok(Reader::new(&models, config.adjust(decision))?)
}

fn camera(config: &Config, light: simulated::Light) -> Result<Box<dyn Camera>, Failure> {
    let camera = &config.camera;
    match camera.kind {
        CameraKind::Replay => Ok(Box::new(Replay::new(scenes(camera)?, light, camera.fps))),
        CameraKind::V4l2 => v4l2(camera),
    }
}

/// The pictures that are replayed.
fn scenes(camera: &CameraConfig) -> Result<Vec<Scene>, Failure> {
    let Some(folder) = &camera.folder else {
        return Err("camera.kind \"replay\" needs camera.folder".into());
    };
    if !folder.exists() {
        return Err(format!("there is no camera.folder {}", folder.display()).into());
    }
    let found = pictures::find(std::slice::from_ref(folder), false);
    if found.is_empty() {
        return Err(format!("camera.folder {} holds no picture", folder.display()).into());
    }
    Ok(found
        .into_iter()
        .map(|(path, _)| Scene::File(path))
        .collect())
}

#[cfg(feature = "v4l2")]
fn v4l2(camera: &CameraConfig) -> Result<Box<dyn Camera>, Failure> {
    use crate::camera::v4l2::{Controls, PixelFormat as Pixels, Settings, V4l2};
    use crate::config::PixelFormat;
    Ok(Box::new(V4l2::new(Settings {
        device: camera.device.clone(),
        width: camera.width,
        height: camera.height,
        fps: camera.fps,
        format: match camera.format {
            PixelFormat::Auto => None,
            PixelFormat::Mjpeg => Some(Pixels::Mjpeg),
            PixelFormat::Yuyv => Some(Pixels::Yuyv),
            PixelFormat::Nv12 => Some(Pixels::Nv12),
            PixelFormat::Grey => Some(Pixels::Grey),
        },
        controls: Controls {
            exposure_us: camera.exposure_us,
            gain: camera.gain,
            white_balance_k: camera.white_balance_k,
            focus: camera.focus,
            power_line_hz: camera.power_line_hz,
        },
    })))
}

#[cfg(not(feature = "v4l2"))]
fn v4l2(_: &CameraConfig) -> Result<Box<dyn Camera>, Failure> {
    Err(without_v4l2())
}

fn without_v4l2() -> Failure {
    "camera.kind = \"v4l2\", but this vinspect was built without V4L2; build it with --features v4l2".into()
}

#[cfg(feature = "gpio")]
fn trigger(config: &Config) -> Result<Option<Box<dyn Trigger>>, Failure> {
    use crate::config::{BiasKind, EdgeKind};
    use crate::gpio::cdev::{Bias, Change, Input};
    let Some(line) = &config.trigger.line else {
        return Ok(None);
    };
    let change = match config.trigger.edge {
        EdgeKind::Rising => Change::Rising,
        EdgeKind::Falling => Change::Falling,
    };
    let bias = match config.trigger.bias {
        BiasKind::PullUp => Bias::PullUp,
        BiasKind::PullDown => Bias::PullDown,
        BiasKind::Disabled => Bias::Disabled,
    };
    let debounce = Duration::from_millis(config.trigger.debounce_ms);
    Ok(Some(Box::new(Input::new(line, change, bias, debounce)?)))
}

#[cfg(feature = "gpio")]
fn line(name: &str, active_low: bool) -> Result<Box<dyn Output>, Failure> {
    Ok(Box::new(crate::gpio::cdev::Line::new(name, active_low)?))
}

#[cfg(not(feature = "gpio"))]
fn trigger(config: &Config) -> Result<Option<Box<dyn Trigger>>, Failure> {
    match &config.trigger.line {
        Some(name) => Err(without_gpio(name)),
        None => Ok(None),
    }
}

#[cfg(not(feature = "gpio"))]
fn line(name: &str, _: bool) -> Result<Box<dyn Output>, Failure> {
    Err(without_gpio(name))
}

fn without_gpio(name: &str) -> Failure {
    format!("GPIO line {name:?}, but this vinspect was built without GPIO; build it with --features gpio").into()
}

fn lamps(config: &LampsConfig) -> Result<Lamps, Failure> {
    let lamp = |name: &Option<String>, pulse_ms| {
        let output = output(name.as_deref(), config.active_low)?;
        output.map(|output| pulsed(output, pulse_ms)).transpose()
    };
    Ok(Lamps {
        ok: lamp(&config.ok_line, config.ok_pulse_ms)?,
        ng: lamp(&config.ng_line, config.ng_pulse_ms)?,
        busy: lamp(&config.busy_line, 0)?,
    })
}

/// A lamp that goes out by itself, unless its time is 0.
fn pulsed(lamp: Box<dyn Output>, pulse_ms: u64) -> Result<Box<dyn Output>, Failure> {
    Ok(match pulse_ms {
        0 => lamp,
        ms => Box::new(Limited::new(lamp, Duration::from_millis(ms))?),
    })
}

fn output(name: Option<&str>, active_low: bool) -> Result<Option<Box<dyn Output>>, Failure> {
    name.map(|name| line(name, active_low)).transpose()
}

fn light(config: &Config) -> Result<Option<Box<dyn Output>>, Failure> {
    match config.light.pwm_channel {
        Some(channel) => pwm(channel, config.light.pwm_duty, config.light.active_low).map(Some),
        None => output(config.light.line.as_deref(), config.light.active_low),
    }
}

#[cfg(feature = "rppal")]
fn pwm(channel: u8, duty: f64, active_low: bool) -> Result<Box<dyn Output>, Failure> {
    Ok(Box::new(crate::gpio::rppal::DimmedLight::new(
        channel, duty, active_low,
    )?))
}

#[cfg(not(feature = "rppal"))]
fn pwm(_: u8, _: f64, _: bool) -> Result<Box<dyn Output>, Failure> {
    Err(without_pwm())
}

fn without_pwm() -> Failure {
    "light.pwm_channel, but this vinspect was built without PWM; build it with --features rppal"
        .into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::mpsc::channel;

    use super::*;
    use crate::gpio::simulated::Told;

    #[test]
    fn a_pulse_ends_by_itself_and_a_lamp_without_one_stays_lit() {
        let lit = |pulse_ms| {
            let (sender, changes) = channel();
            let mut lamp = pulsed(Box::new(Told(sender)), pulse_ms).unwrap();
            lamp.set(true).unwrap();
            if pulse_ms == 0 {
                drop(lamp);
                return changes.iter().collect::<Vec<_>>();
            }
            changes.iter().take(3).collect()
        };
        assert_eq!(lit(1), [false, true, false]);
        assert_eq!(lit(0), [true]);
    }
}
