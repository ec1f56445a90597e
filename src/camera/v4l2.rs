//! V4L2 cameras: USB (UVC) and whatever else the kernel drives by itself. The CSI cameras of a Raspberry Pi need
//! `libcamerify` around the program.

mod controls;
mod kernel;
mod list;
mod pixels;

pub use controls::Controls;
pub use list::list;
pub use pixels::PixelFormat;

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use v4l::buffer::{Flags, Metadata, Type};
use v4l::io::mmap::Stream;
use v4l::io::traits::CaptureStream;
use v4l::video::Capture;
use v4l::video::capture::Parameters;
use v4l::{Device, Format};

use super::{Camera, CameraError, Shot};
use crate::kernel_time::instant_of;

/// Frames that the kernel may hold.
const BUFFERS: u32 = 3;
/// What a stream waits for a frame where nobody says how long; without it, for ever.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two tries to open a device, while nobody reads.
const RETRY: Duration = Duration::from_secs(1);

/// What a device is asked for.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `/dev/video0`, or better a name below `/dev/v4l/by-id`.
    pub device: PathBuf,
    /// Pixels a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Frames a second.
    pub fps: u32,
    /// How pixels come; without it the best that the device gives at this size and rate.
    pub format: Option<PixelFormat>,
    /// Exposure, gain, and so on.
    pub controls: Controls,
}

/// A camera that is opened again after every error: after one time-out or signal v4l's stream fails for ever, and a camera
/// that was plugged in again is another device.
pub struct V4l2 {
    settings: Settings,
    open: Option<Open>,
    /// When it could not be opened last, and why.
    failed: Option<(Instant, String)>,
    /// What the device did not take of the settings when it was opened last.
    refused: Option<String>,
}

struct Open {
    device: Device,
    stream: Stream<'static>,
    format: Format,
    pixels: PixelFormat,
    /// How the size differs from what is configured: a sentence. Another rate reads as well.
    differs: Option<String>,
    /// The driver's number of the last frame that was handed over.
    sequence: Option<u32>,
}

/// Why one attempt at a frame failed.
enum Miss {
    /// The frame is damaged, as USB cameras give them now and then, the first one above all; the next may be whole.
    Damaged(String),
    /// The stream is of no more use.
    Lost(CameraError),
}

impl V4l2 {
    /// Opens the device. If that fails it is tried again every second, and at the next frame: a camera that is away must stop
    /// neither the delivery of earlier reads nor the station, which tells of it.
    pub fn new(settings: Settings) -> Self {
        let mut camera = Self {
            settings,
            open: None,
            failed: None,
            refused: None,
        };
        if let Err(error) = camera.open() {
            log::error!("{error}; it is tried again every second");
        }
        camera
    }

    /// The device, opened and set if it is not.
    fn open(&mut self) -> Result<&mut Open, CameraError> {
        match &mut self.open {
            Some(open) => Ok(open),
            closed => {
                let opened = Open::new(&self.settings);
                let told = |error: &CameraError| (Instant::now(), error.to_string());
                self.failed = opened.as_ref().err().map(told);
                let open = opened?;
                let controls = controls::apply(&self.settings.device, &self.settings.controls);
                let refused: Vec<_> = open.differs.iter().cloned().chain(controls).collect();
                self.refused = (!refused.is_empty()).then(|| refused.join("; "));
                Ok(closed.insert(open))
            }
        }
    }

    /// One attempt at a frame.
    fn capture(&mut self, timeout: Duration) -> Result<Shot, Miss> {
        let device = self.settings.device.clone();
        let open = self.open().map_err(Miss::Lost)?;
        open.stream.set_timeout(timeout);
        let (bytes, meta) = open.stream.next().map_err(|error| {
            Miss::Lost(match error.kind() {
                ErrorKind::TimedOut => CameraError::Timeout(timeout),
                _ => of_device(&device, "gives no frame", &error),
            })
        })?;
        let captured_at = captured_at(meta);
        if meta.flags.contains(Flags::ERROR) {
            return Err(Miss::Damaged("is marked as damaged by the driver".into()));
        }
        let used = bytes.get(..meta.bytesused as usize).unwrap_or(bytes);
        let frame = pixels::to_luma(used, &open.format, open.pixels).map_err(Miss::Damaged)?;
        let before = open.sequence.replace(meta.sequence);
        Ok(Shot {
            frame,
            captured_at,
            skipped: before.map_or(0, |before| skipped(before, meta.sequence)),
        })
    }
}

impl Open {
    fn new(settings: &Settings) -> Result<Self, CameraError> {
        let device = &settings.device;
        let fail = |what: &'static str| move |error| of_device(device, what, &error);
        let opened = Device::with_path(device).map_err(fail("cannot be opened"))?;
        let (width, height, fps) = (settings.width, settings.height, settings.fps);
        let pixels = settings
            .format
            .or_else(|| pixels::choose(&opened, width, height, fps))
            .ok_or_else(|| gives_not(device, "anything that vinspect reads"))?;
        let wanted = Format::new(width, height, pixels.fourcc());
        let format = opened
            .set_format(&wanted)
            .map_err(fail("refuses the format"))?;
        if format.fourcc != wanted.fourcc {
            return Err(gives_not(device, &wanted.fourcc.to_string()));
        }
        let rate = match opened.set_params(&Parameters::with_fps(fps)) {
            Ok(given) => pixels::rate(given.interval),
            Err(error) => {
                log::warn!("camera {} keeps its own rate: {error}", device.display());
                None
            }
        };
        let given = format!(
            "camera {} gives {}×{} pixels as {}, {} a second",
            device.display(),
            format.width,
            format.height,
            format.fourcc,
            rate.map_or("nobody knows how many".into(), |rate| format!("{rate:.1}"))
        );
        let is_right = |rate: f64| (rate - f64::from(fps)).abs() <= 0.5;
        if rate.is_none_or(is_right) {
            log::info!("{given}");
        } else {
            log::warn!("{given}; not {fps} as configured");
        }
        let is_as_wanted = (format.width, format.height) == (width, height);
        let mut stream = Stream::with_buffers(&opened, Type::VideoCapture, BUFFERS)
            .map_err(fail("cannot stream"))?;
        stream.set_timeout(PATIENCE);
        Ok(Self {
            device: opened,
            stream,
            format,
            pixels,
            differs: (!is_as_wanted)
                .then(|| format!("{given}; not {width}×{height} as configured")),
            sequence: None,
        })
    }

    /// Whether a frame, or an error, can be had without waiting.
    fn is_ready(&self) -> io::Result<bool> {
        const POLLIN: i16 = 1;
        Ok(self.stream.handle().poll(POLLIN, 0)? > 0)
    }
}

impl Camera for V4l2 {
    fn next(&mut self, timeout: Duration) -> Result<Shot, CameraError> {
        let deadline = Instant::now() + timeout;
        let mut retried = false;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let error = match self.capture(left) {
                Ok(shot) => return Ok(shot),
                Err(Miss::Damaged(what)) => {
                    log::debug!("a frame of the camera {what}");
                    CameraError::Device(format!(
                        "camera {} gives damaged frames only: the last one {what}; try another cable or `format`",
                        self.settings.device.display()
                    ))
                }
                Err(Miss::Lost(CameraError::Timeout(_))) => {
                    self.open = None;
                    return Err(CameraError::Timeout(timeout));
                }
                // It may have been only the stream: the camera was away for a while, or a signal came.
                Err(Miss::Lost(error)) => {
                    self.open = None;
                    if retried {
                        return Err(error);
                    }
                    retried = true;
                    error
                }
            };
            if Instant::now() >= deadline {
                return Err(error);
            }
        }
    }

    /// There is no "newest frame" in V4L2: what is ready is taken out, but no more than can be queued, for the camera may be
    /// quicker than this loop. Errors are left to the next frame, which opens the camera again.
    fn discard_queued(&mut self) -> Result<(), CameraError> {
        for _ in 0..BUFFERS {
            let Some(open) = &mut self.open else {
                break;
            };
            let taken = match open.is_ready() {
                Ok(false) => break,
                Ok(true) => open.stream.next().map(|_| ()),
                Err(error) => Err(error),
            };
            if let Err(error) = taken {
                log::warn!("camera {}: {error}", self.settings.device.display());
                self.open = None;
            }
        }
        Ok(())
    }

    /// A device that is away is set when it is opened.
    fn expose(&mut self, time: Duration) -> Result<bool, CameraError> {
        let wanted = Some(u32::try_from(time.as_micros()).unwrap_or(u32::MAX));
        let settings = &mut self.settings;
        let changes = settings.controls.exposure_us != wanted;
        settings.controls.exposure_us = wanted;
        if changes && self.open.is_some() {
            let only = Controls {
                exposure_us: wanted,
                ..Controls::default()
            };
            if let Some(refused) = controls::apply(&settings.device, &only) {
                settings.controls.exposure_us = None;
                return Err(CameraError::Device(refused));
            }
        }
        Ok(changes)
    }

    fn check(&mut self) -> Result<(), CameraError> {
        // A device that is away answers nothing any more.
        if let Some(open) = &self.open
            && let Err(error) = open.device.format()
        {
            self.open = None;
            let away = of_device(&self.settings.device, "is away", &error);
            // Not at once: it has hardly come back.
            self.failed = Some((Instant::now(), away.to_string()));
        }
        match &self.failed {
            Some((at, why)) if at.elapsed() < RETRY => Err(CameraError::Device(why.clone())),
            _ => self.open().map(drop),
        }
    }

    fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }
}

/// Frames that nobody looked at between these two; none for a driver that does not count.
fn skipped(before: u32, now: u32) -> u32 {
    match now.wrapping_sub(before) {
        // Backwards: it began anew.
        0 | 0x8000_0000.. => 0,
        steps => steps - 1,
    }
}

/// When a frame was captured: the driver's word, if it goes by the monotonic clock.
fn captured_at(meta: &Metadata) -> Instant {
    if meta.flags & Flags::TIMESTAMP_MASK == Flags::TIMESTAMP_MONOTONIC {
        instant_of(meta.timestamp.into())
    } else {
        Instant::now()
    }
}

fn gives_not(device: &Path, what: &str) -> CameraError {
    CameraError::Device(format!(
        "camera {} does not give {what}; `vinspect devices` lists what it does",
        device.display()
    ))
}

fn of_device(device: &Path, what: &str, error: &io::Error) -> CameraError {
    let hint = match error.kind() {
        ErrorKind::NotFound => "; is it plugged in? `vinspect devices` lists what is there",
        ErrorKind::PermissionDenied => "; the user must be in the group video",
        ErrorKind::ResourceBusy => "; another program uses it",
        _ => "",
    };
    CameraError::Device(format!("camera {} {what}: {error}{hint}", device.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn frames_between_two_numbers_were_skipped() {
        for (before, now, expected) in [
            (7, 8, 0),
            (7, 12, 4),
            (u32::MAX, 1, 1),
            (0, 0, 0),
            (12, 0, 0),
        ] {
            assert_eq!(skipped(before, now), expected, "{before} to {now}");
        }
    }

    fn camera(device: &str) -> V4l2 {
        V4l2::new(Settings {
            device: device.into(),
            width: 640,
            height: 480,
            fps: 30,
            format: None,
            controls: Controls::default(),
        })
    }

    #[test]
    fn a_device_that_is_there_and_cannot_be_opened_is_told_between_reads() {
        let mut camera = camera("/dev/null");
        for _ in 0..2 {
            let error = camera.check().unwrap_err().to_string();
            assert!(error.contains("/dev/null"), "{error}");
            // The time until the next try is over.
            camera.failed = None;
        }
    }

    #[test]
    fn a_camera_that_is_not_there_is_named() {
        let mut camera = camera("/dev/no-such-camera");
        let error = camera.next(Duration::ZERO).unwrap_err().to_string();
        assert!(
            error.contains("/dev/no-such-camera") && error.contains("plugged in"),
            "{error}"
        );
    }
}
