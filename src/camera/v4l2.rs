//! V4L2 cameras: USB (UVC) and whatever else the kernel drives by itself. The CSI cameras of a Raspberry Pi need
//! `libcamerify` around the program.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use v4l::buffer::{Flags, Metadata, Type};
use v4l::control::{Control, Value};
use v4l::format::FourCC;
use v4l::io::mmap::Stream;
use v4l::io::traits::CaptureStream;
use v4l::v4l_sys::{V4L2_CID_EXPOSURE_ABSOLUTE, V4L2_CID_EXPOSURE_AUTO};
use v4l::video::Capture;
use v4l::video::capture::Parameters;
use v4l::{Device, Format};

use super::{Camera, CameraError, Shot};
use crate::image::{Frame, decode};
use crate::kernel_time::instant_of;

/// Frames that the kernel may hold.
const BUFFERS: u32 = 3;
/// What a stream waits for a frame where nobody says how long; without it, for ever.
const PATIENCE: Duration = Duration::from_secs(2);

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
    /// How pixels come.
    pub format: PixelFormat,
}

/// How pixels come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PixelFormat {
    /// JPEG frames: what USB cameras give at full size.
    Mjpeg,
    /// Uncompressed, grey in every second byte.
    Yuyv,
    /// Uncompressed, all the grey before the colours.
    Nv12,
    /// Uncompressed grey.
    Grey,
}

impl PixelFormat {
    fn fourcc(self) -> FourCC {
        FourCC::new(match self {
            Self::Mjpeg => b"MJPG",
            Self::Yuyv => b"YUYV",
            Self::Nv12 => b"NV12",
            Self::Grey => b"GREY",
        })
    }
}

/// A camera that is opened again after every error: after one time-out or signal v4l's stream fails for ever, and a camera
/// that was plugged in again is another device.
pub struct V4l2 {
    settings: Settings,
    open: Option<Open>,
    /// As it was set last, also on a device that is opened later.
    exposure: Option<Duration>,
}

struct Open {
    device: Device,
    stream: Stream<'static>,
    format: Format,
}

/// Why one attempt at a frame failed.
enum Miss {
    /// The frame is damaged, as USB cameras give them now and then, the first one above all; the next may be whole.
    Damaged(String),
    /// The stream is of no more use.
    Lost(CameraError),
}

impl V4l2 {
    /// Opens the device. If that fails it is tried again at the next frame: a camera that is away must stop neither the
    /// delivery of earlier reads nor the station, which tells of it in each read.
    pub fn new(settings: Settings) -> Self {
        let open = Open::new(&settings)
            .inspect_err(|error| log::error!("{error}; it is tried again at every read"))
            .ok();
        Self {
            settings,
            open,
            exposure: None,
        }
    }

    /// One attempt at a frame.
    fn capture(&mut self, timeout: Duration) -> Result<Shot, Miss> {
        let open = match &mut self.open {
            Some(open) => open,
            closed => {
                let open = Open::new(&self.settings).map_err(Miss::Lost)?;
                if let Some(Err(error)) = self.exposure.map(|time| open.expose(time)) {
                    log::warn!("camera {}: {error}", self.settings.device.display());
                }
                closed.insert(open)
            }
        };
        open.stream.set_timeout(timeout);
        let (bytes, meta) = open.stream.next().map_err(|error| {
            Miss::Lost(match error.kind() {
                ErrorKind::TimedOut => CameraError::Timeout(timeout),
                _ => of_device(&self.settings.device, "gives no frame", &error),
            })
        })?;
        let captured_at = captured_at(meta);
        if meta.flags.contains(Flags::ERROR) {
            return Err(Miss::Damaged("is marked as damaged by the driver".into()));
        }
        let used = bytes.get(..meta.bytesused as usize).unwrap_or(bytes);
        let frame = to_luma(used, &open.format, self.settings.format).map_err(Miss::Damaged)?;
        Ok(Shot { frame, captured_at })
    }
}

impl Open {
    fn new(settings: &Settings) -> Result<Self, CameraError> {
        let device = &settings.device;
        let fail = |what: &'static str| move |error| of_device(device, what, &error);
        let opened = Device::with_path(device).map_err(fail("cannot be opened"))?;
        let wanted = Format::new(settings.width, settings.height, settings.format.fourcc());
        let format = opened
            .set_format(&wanted)
            .map_err(fail("refuses the format"))?;
        if format.fourcc != wanted.fourcc {
            return Err(CameraError::Device(format!(
                "camera {} does not give {}, only {}; `v4l2-ctl --list-formats-ext` lists what it does",
                device.display(),
                wanted.fourcc,
                format.fourcc
            )));
        }
        if (format.width, format.height) != (wanted.width, wanted.height) {
            log::warn!(
                "camera {} gives {}×{} pixels, not {}×{}",
                device.display(),
                format.width,
                format.height,
                wanted.width,
                wanted.height
            );
        }
        match opened.set_params(&Parameters::with_fps(settings.fps)) {
            Ok(given) => {
                let interval = given.interval;
                let fps = f64::from(interval.denominator) / f64::from(interval.numerator);
                if (fps - f64::from(settings.fps)).abs() > 0.5 {
                    log::warn!(
                        "camera {} gives {fps:.1} frames a second, not {}",
                        device.display(),
                        settings.fps
                    );
                }
            }
            Err(error) => log::warn!(
                "camera {} keeps its own frame rate: {error}",
                device.display()
            ),
        }
        let mut stream = Stream::with_buffers(&opened, Type::VideoCapture, BUFFERS)
            .map_err(fail("cannot stream"))?;
        stream.set_timeout(PATIENCE);
        Ok(Self {
            device: opened,
            stream,
            format,
        })
    }

    /// Takes the exposure out of the camera's own hands, and sets it.
    fn expose(&self, time: Duration) -> io::Result<()> {
        const MANUAL: i64 = 1;
        let set = |id, value| {
            let value = Value::Integer(value);
            self.device.set_control(Control { id, value })
        };
        set(V4L2_CID_EXPOSURE_AUTO, MANUAL)?;
        // In units of 100 µs.
        set(V4L2_CID_EXPOSURE_ABSOLUTE, (time.as_micros() / 100) as i64)
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
        let changes = self.exposure.replace(time) != Some(time);
        if let Some(open) = &self.open
            && changes
            && let Err(error) = open.expose(time)
        {
            self.exposure = None;
            let what = "does not let its exposure be set";
            return Err(of_device(&self.settings.device, what, &error));
        }
        Ok(changes)
    }

    fn check(&mut self) -> Result<(), CameraError> {
        let asked = match &self.open {
            // A device that is away answers nothing any more, not even who it is.
            Some(open) => open.device.query_caps().map(drop),
            None => std::fs::metadata(&self.settings.device).map(drop),
        };
        asked.map_err(|error| {
            self.open = None;
            CameraError::Device(format!(
                "{}; it is opened again at the next read",
                of_device(&self.settings.device, "is away", &error)
            ))
        })
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

fn of_device(device: &Path, what: &str, error: &io::Error) -> CameraError {
    let hint = match error.kind() {
        ErrorKind::NotFound => "; is it plugged in? `v4l2-ctl --list-devices` lists what is there",
        ErrorKind::PermissionDenied => "; the user must be in the group video",
        ErrorKind::ResourceBusy => "; another program uses it",
        _ => "",
    };
    CameraError::Device(format!("camera {} {what}: {error}{hint}", device.display()))
}

/// The brightness of a frame, or what is wrong with it.
fn to_luma(bytes: &[u8], format: &Format, pixels: PixelFormat) -> Result<Frame, String> {
    let (width, height) = (format.width as usize, format.height as usize);
    let bytes_a_pixel = match pixels {
        PixelFormat::Mjpeg => return decode(bytes).map_err(|error| error.to_string()),
        PixelFormat::Yuyv => 2,
        PixelFormat::Nv12 | PixelFormat::Grey => 1,
    };
    let stride = (format.stride as usize).max(width * bytes_a_pixel);
    let luma: Vec<u8> = bytes
        .chunks(stride)
        .take(height)
        .filter_map(|row| row.get(..width * bytes_a_pixel))
        .flat_map(|row| row.iter().step_by(bytes_a_pixel).copied())
        .collect();
    if luma.len() == width * height {
        Ok(Frame {
            width,
            height,
            luma,
        })
    } else {
        Err(format!("has {} bytes only", bytes.len()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// A format of 3 × 2 pixels.
    fn small(pixels: PixelFormat, stride: u32) -> Format {
        let mut format = Format::new(3, 2, pixels.fourcc());
        format.stride = stride;
        format
    }

    #[test]
    fn rows_are_cut_out_of_their_padding() {
        let bytes = [1, 2, 3, 0, 4, 5, 6];
        let frame = to_luma(&bytes, &small(PixelFormat::Grey, 4), PixelFormat::Grey).unwrap();
        assert_eq!(
            (frame.width, frame.height, frame.luma),
            (3, 2, vec![1, 2, 3, 4, 5, 6])
        );
    }

    #[test]
    fn yuyv_is_grey_in_every_second_byte() {
        let bytes = [1, 99, 2, 99, 3, 99, 4, 99, 5, 99, 6, 99];
        let frame = to_luma(&bytes, &small(PixelFormat::Yuyv, 0), PixelFormat::Yuyv).unwrap();
        assert_eq!(frame.luma, [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn nv12_is_grey_before_its_colours() {
        let bytes = [1, 2, 3, 0, 4, 5, 6, 0, 99, 99, 99, 99];
        let frame = to_luma(&bytes, &small(PixelFormat::Nv12, 4), PixelFormat::Nv12).unwrap();
        assert_eq!(frame.luma, [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn half_a_frame_is_none() {
        use PixelFormat::{Grey, Mjpeg, Nv12, Yuyv};
        for pixels in [Grey, Nv12, Yuyv, Mjpeg] {
            assert!(to_luma(&[1, 2, 3, 4, 5], &small(pixels, 0), pixels).is_err());
        }
    }

    #[test]
    fn a_camera_that_is_not_there_is_named() {
        let settings = Settings {
            device: "/dev/no-such-camera".into(),
            width: 640,
            height: 480,
            fps: 30,
            format: PixelFormat::Mjpeg,
        };
        let mut camera = V4l2::new(settings);
        let error = camera.next(Duration::ZERO).unwrap_err().to_string();
        assert!(
            error.contains("/dev/no-such-camera") && error.contains("plugged in"),
            "{error}"
        );
    }
}
