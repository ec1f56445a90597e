//! Which cameras there are.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use linuxvideo::CapabilityFlags;
use v4l::format::FourCC;
use v4l::framesize::FrameSizeEnum;
use v4l::video::Capture;

use super::{PixelFormat, controls, of_device, pixels};
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
    let device = linuxvideo::Device::open(path)?;
    let about = device.capabilities()?;
    let needed = CapabilityFlags::VIDEO_CAPTURE | CapabilityFlags::STREAMING;
    if !about.device_capabilities().contains(needed) {
        return Ok(None);
    }
    Ok(Some(Found {
        device: path.into(),
        stable_names: stable_names(path),
        name: name(path),
        driver: about.driver().into(),
        bus: about.bus_info().into(),
        formats: formats(&v4l::Device::with_path(path)?)?,
        controls: controls::list(&device)?,
    }))
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

/// The maker's name as sysfs has it: what the device says itself need not be whole UTF-8, and linuxvideo panics if it is not.
fn name(device: &Path) -> String {
    let node = device.file_name().unwrap_or_default();
    let name = fs::read(Path::new("/sys/class/video4linux").join(node).join("name"));
    let name = name.unwrap_or_default();
    String::from_utf8_lossy(&name).trim().into()
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
