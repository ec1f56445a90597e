//! What v4l does not ask the kernel, or panics over: one control (it asks for all, and one of a type that is newer than itself
//! is the end), and a device whose name is not UTF-8.
//!
//! This is the one place of the crate with `unsafe`. What would spare it does not build where stations are built: linuxvideo
//! 0.3.5 not for 32-bit ARM, v4l2r 0.0.8 not with the kernel headers of Debian 12.

use std::io;

use v4l::Device;
use v4l::v4l_sys::{v4l2_capability, v4l2_control, v4l2_queryctrl};
use v4l::v4l2::{self, vidioc};

/// The kernel's number of a control, `V4L2_CID_…`.
pub(super) type Cid = u32;

/// What a device is.
pub(super) fn capability(device: &Device) -> io::Result<v4l2_capability> {
    let mut asked = v4l2_capability {
        driver: [0; 16],
        card: [0; 32],
        bus_info: [0; 32],
        version: 0,
        capabilities: 0,
        device_caps: 0,
        reserved: [0; 3],
    };
    ask(device, vidioc::VIDIOC_QUERYCAP, &mut asked)?;
    Ok(asked)
}

/// How the driver describes a control.
pub(super) fn describe(device: &Device, id: Cid) -> io::Result<v4l2_queryctrl> {
    let mut asked = v4l2_queryctrl {
        id,
        type_: 0,
        name: [0; 32],
        minimum: 0,
        maximum: 0,
        step: 0,
        default_value: 0,
        flags: 0,
        reserved: [0; 2],
    };
    ask(device, vidioc::VIDIOC_QUERYCTRL, &mut asked)?;
    Ok(asked)
}

pub(super) fn get(device: &Device, id: Cid) -> io::Result<i32> {
    let mut asked = v4l2_control { id, value: 0 };
    ask(device, vidioc::VIDIOC_G_CTRL, &mut asked)?;
    Ok(asked.value)
}

pub(super) fn set(device: &Device, id: Cid, value: i32) -> io::Result<()> {
    let mut asked = v4l2_control { id, value };
    ask(device, vidioc::VIDIOC_S_CTRL, &mut asked)
}

/// `T` is what the request is defined with; both are the C header's, and the request holds the size.
fn ask<T>(device: &Device, request: vidioc::_IOC_TYPE, asked: &mut T) -> io::Result<()> {
    let asked = std::ptr::from_mut(asked).cast();
    // SAFETY: the descriptor is open while `device` is. The four callers pass the structure of their request: plain numbers
    // without pointers, for all of which any bits will do, borrowed until the kernel has written as much as they hold.
    #[expect(unsafe_code, reason = "no crate asks this safely on every board")]
    unsafe {
        v4l2::ioctl(device.handle().fd(), request, asked)
    }
}
