//! V4L2 cameras: USB (UVC) and whatever else the kernel drives by itself. The CSI cameras of a Raspberry Pi need
//! `libcamerify` around the program.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use v4l::buffer::Type;
use v4l::format::FourCC;
use v4l::io::mmap::Stream;
use v4l::io::traits::CaptureStream;
use v4l::parameters;
use v4l::video::Capture;
use v4l::{Device, Format};

use super::{Camera, CameraError, Shot};
use crate::image::{Frame, decode};

/// Frames that the kernel may hold.
const BUFFERS: u32 = 3;

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
    /// Uncompressed grey.
    Grey,
}

impl PixelFormat {
    fn fourcc(self) -> FourCC {
        FourCC::new(match self {
            Self::Mjpeg => b"MJPG",
            Self::Yuyv => b"YUYV",
            Self::Grey => b"GREY",
        })
    }
}

/// A camera that is opened when first asked, and again after every error: after one time-out v4l's stream fails for ever.
pub struct V4l2 {
    settings: Settings,
    open: Option<Open>,
}

struct Open {
    stream: Stream<'static>,
    format: Format,
}

impl V4l2 {
    /// Opens the device to see whether it gives what it is asked for.
    pub fn new(settings: Settings) -> Result<Self, CameraError> {
        let open = Some(Open::new(&settings)?);
        Ok(Self { settings, open })
    }

    fn capture(&mut self, timeout: Duration) -> Result<Shot, CameraError> {
        let open = match &mut self.open {
            Some(open) => open,
            closed => closed.insert(Open::new(&self.settings)?),
        };
        open.stream
            .set_timeout(timeout.min(Duration::from_secs(60)));
        let fail = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::TimedOut => CameraError::Timeout(timeout),
            _ => of_device(&self.settings.device, "gives no frame", &error),
        };
        let (bytes, meta) = open.stream.next().map_err(fail)?;
        let captured_at = Instant::now();
        let used = bytes.get(..meta.bytesused as usize).unwrap_or(bytes);
        let frame = to_luma(used, &open.format, self.settings.format)?;
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
        if let Err(error) = opened.set_params(&parameters::Parameters::with_fps(settings.fps)) {
            log::warn!(
                "camera {} keeps its own frame rate: {error}",
                device.display()
            );
        }
        let stream = Stream::with_buffers(&opened, Type::VideoCapture, BUFFERS)
            .map_err(fail("cannot stream"))?;
        Ok(Self { stream, format })
    }
}

impl Camera for V4l2 {
    fn next(&mut self, timeout: Duration) -> Result<Shot, CameraError> {
        let shot = self.capture(timeout);
        if matches!(shot, Err(CameraError::Timeout(_) | CameraError::Device(_))) {
            self.open = None;
        }
        shot
    }

    /// There is no "newest frame" in V4L2: as many frames as may be queued are taken out.
    fn discard_queued(&mut self) -> Result<(), CameraError> {
        for _ in 0..BUFFERS {
            self.next(Duration::from_secs(2))?;
        }
        Ok(())
    }
}

fn of_device(device: &Path, what: &str, error: &std::io::Error) -> CameraError {
    CameraError::Device(format!("camera {} {what}: {error}", device.display()))
}

fn to_luma(bytes: &[u8], format: &Format, pixels: PixelFormat) -> Result<Frame, CameraError> {
    let (width, height) = (format.width as usize, format.height as usize);
    let bytes_a_pixel = match pixels {
        PixelFormat::Mjpeg => {
            return decode(bytes)
                .map_err(|error| CameraError::Device(format!("a frame of the camera {error}")));
        }
        PixelFormat::Yuyv => 2,
        PixelFormat::Grey => 1,
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
        Err(CameraError::Device("the camera gave half a frame".into()))
    }
}
