//! Which cameras there are.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use v4l::format::FourCC;
use v4l::framesize::FrameSizeEnum;
use v4l::v4l_sys::{V4L2_CAP_STREAMING, V4L2_CAP_VIDEO_CAPTURE};
use v4l::video::Capture;

use super::{PixelFormat, controls, kernel, of_device, pixels};
use crate::camera::CameraError;
use crate::camera::found::{Found, Offer, Size};

/// The cameras that are there, or why one cannot be asked. Nodes for metadata, outputs and codecs are none.
pub fn list() -> Vec<Result<Found, CameraError>> {
    let mut devices: Vec<(u32, PathBuf)> = entries(Path::new("/dev"))
        .filter_map(|path| Some((number(&path)?, path)))
        .collect();
    devices.sort();
    let asked = devices.into_iter().map(|(_, device)| {
        let error = |error| of_device(&device, "cannot be asked", &error);
        ask(&device).map_err(error).transpose()
    });
    asked.flatten().collect()
}

/// What a device is, if it is a camera.
fn ask(path: &Path) -> io::Result<Option<Found>> {
    let device = v4l::Device::with_path(path)?;
    let about = kernel::capability(&device)?;
    let needed = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
    if about.device_caps & needed != needed {
        return Ok(None);
    }
    Ok(Some(Found {
        device: path.into(),
        stable_names: stable_names(path),
        formats: formats(&device)?,
        controls: controls::list(&device)?,
        name: text(&about.card),
        driver: text(&about.driver),
        bus: text(&about.bus_info),
    }))
}

/// A string of C's that need not be UTF-8.
fn text(bytes: &[u8]) -> String {
    let length = bytes.iter().position(|&byte| byte == 0);
    let text = String::from_utf8_lossy(&bytes[..length.unwrap_or(bytes.len())]);
    text.trim().into()
}

fn formats(device: &v4l::Device) -> io::Result<Vec<Offer>> {
    let offered = device.enum_formats()?;
    let offers = offered.into_iter().map(|offer| {
        let known = PixelFormat::ALL
            .into_iter()
            .find(|pixels| pixels.fourcc() == offer.fourcc);
        let (sizes, any_size_between) = sizes(device, offer.fourcc);
        Offer {
            fourcc: String::from_utf8_lossy(&offer.fourcc.repr).into(),
            format: known.map(PixelFormat::key),
            sizes,
            any_size_between,
        }
    });
    Ok(offers.collect())
}

/// The sizes, and whether any between them will do.
fn sizes(device: &v4l::Device, fourcc: FourCC) -> (Vec<Size>, bool) {
    let size = |width, height| Size {
        width,
        height,
        fps: pixels::rates(device, fourcc, width, height),
    };
    let mut sizes = Vec::new();
    let mut any_between = false;
    for found in device.enum_framesizes(fourcc).unwrap_or_default() {
        match found.size {
            FrameSizeEnum::Discrete(found) => sizes.push(size(found.width, found.height)),
            FrameSizeEnum::Stepwise(found) => {
                sizes.push(size(found.min_width, found.min_height));
                sizes.push(size(found.max_width, found.max_height));
                any_between = true;
            }
        }
    }
    (sizes, any_between)
}

/// The links to a device that udev keeps.
fn stable_names(device: &Path) -> Vec<PathBuf> {
    let mut names: Vec<_> = ["/dev/v4l/by-id", "/dev/v4l/by-path"]
        .iter()
        .flat_map(|folder| entries(Path::new(folder)))
        .filter(|link| fs::canonicalize(link).is_ok_and(|to| to == device))
        .collect();
    names.sort();
    names
}

/// What lies in a folder, if there is one.
fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.flatten().map(|entry| entry.path())
}

/// N of `/dev/videoN`.
fn number(path: &Path) -> Option<u32> {
    let name = path.file_name()?.to_str()?;
    name.strip_prefix("video")?.parse().ok()
}
