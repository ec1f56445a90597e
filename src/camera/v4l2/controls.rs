//! What a camera can be set to: exposure, gain, and so on.

use std::io;
use std::path::Path;

use rustix::io::Errno;
use v4l::Device;
use v4l::v4l_sys::{
    V4L2_CID_AUTO_WHITE_BALANCE, V4L2_CID_AUTOGAIN, V4L2_CID_EXPOSURE_ABSOLUTE,
    V4L2_CID_EXPOSURE_AUTO, V4L2_CID_FOCUS_ABSOLUTE, V4L2_CID_FOCUS_AUTO, V4L2_CID_GAIN,
    V4L2_CID_POWER_LINE_FREQUENCY, V4L2_CID_WHITE_BALANCE_TEMPERATURE, V4L2_CTRL_FLAG_DISABLED,
    V4L2_CTRL_FLAG_INACTIVE,
};

use super::kernel::{self, Cid};
use crate::camera::found::{Allowed, Control};

/// What a camera is asked to be; what is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Controls {
    /// Microseconds.
    pub exposure_us: Option<u32>,
    /// In the camera's own unit.
    pub gain: Option<u32>,
    /// Kelvin.
    pub white_balance_k: Option<u32>,
    /// In the camera's own unit, mostly larger when nearer.
    pub focus: Option<u32>,
    /// Hertz of the mains by which lamps flicker; 0: none do.
    pub power_line_hz: Option<u32>,
}

/// A key of `[camera]` and the control that it sets.
struct Knob {
    key: &'static str,
    wanted: fn(&Controls) -> Option<u32>,
    control: Cid,
    unit: Unit,
    /// What rules the control unless it is so.
    automatic: Option<(Cid, i32)>,
}

/// What a key's value is to its control's.
enum Unit {
    /// So many times as large.
    Times(i64),
    /// The control is the place in this list.
    Menu(&'static [i64]),
}

/// 0 is automatic; 2 and 3 leave the aperture or the exposure to the camera.
const MANUAL_EXPOSURE: i32 = 1;

const KNOBS: [Knob; 5] = [
    Knob {
        key: "exposure_us",
        wanted: |controls| controls.exposure_us,
        control: V4L2_CID_EXPOSURE_ABSOLUTE,
        unit: Unit::Times(100),
        automatic: Some((V4L2_CID_EXPOSURE_AUTO, MANUAL_EXPOSURE)),
    },
    Knob {
        key: "gain",
        wanted: |controls| controls.gain,
        control: V4L2_CID_GAIN,
        unit: Unit::Times(1),
        automatic: Some((V4L2_CID_AUTOGAIN, 0)),
    },
    Knob {
        key: "white_balance_k",
        wanted: |controls| controls.white_balance_k,
        control: V4L2_CID_WHITE_BALANCE_TEMPERATURE,
        unit: Unit::Times(1),
        automatic: Some((V4L2_CID_AUTO_WHITE_BALANCE, 0)),
    },
    Knob {
        key: "focus",
        wanted: |controls| controls.focus,
        control: V4L2_CID_FOCUS_ABSOLUTE,
        unit: Unit::Times(1),
        automatic: Some((V4L2_CID_FOCUS_AUTO, 0)),
    },
    Knob {
        key: "power_line_hz",
        wanted: |controls| controls.power_line_hz,
        control: V4L2_CID_POWER_LINE_FREQUENCY,
        unit: Unit::Menu(&[0, 50, 60]),
        automatic: None,
    },
];

/// A control as the driver describes it, in its own unit.
#[derive(Clone, Copy)]
struct Described {
    minimum: i32,
    maximum: i32,
    step: i32,
    default: i32,
    inactive: bool,
}

/// The controls of a device, or of a test.
trait Panel {
    /// None: there is no such control.
    fn describe(&self, control: Cid) -> io::Result<Option<Described>>;
    fn get(&self, control: Cid) -> io::Result<i32>;
    fn set(&mut self, control: Cid, value: i32) -> io::Result<()>;
}

impl Panel for Device {
    fn describe(&self, control: Cid) -> io::Result<Option<Described>> {
        match kernel::describe(self, control) {
            Ok(found) if found.flags & V4L2_CTRL_FLAG_DISABLED != 0 => Ok(None),
            Ok(found) => Ok(Some(Described {
                minimum: found.minimum,
                maximum: found.maximum,
                step: found.step,
                default: found.default_value,
                inactive: found.flags & V4L2_CTRL_FLAG_INACTIVE != 0,
            })),
            Err(error) => match Errno::from_io_error(&error) {
                // Not this one, or none at all.
                Some(Errno::INVAL | Errno::NOTTY) => Ok(None),
                _ => Err(error),
            },
        }
    }

    fn get(&self, control: Cid) -> io::Result<i32> {
        kernel::get(self, control)
    }

    fn set(&mut self, control: Cid, value: i32) -> io::Result<()> {
        kernel::set(self, control, value)
    }
}

/// Sets a camera. What it does not take is told in a sentence, and the rest is set all the same: a picture in other light may
/// be read, too.
pub(super) fn apply(device: &Path, wanted: &Controls) -> Option<String> {
    if *wanted == Controls::default() {
        return None;
    }
    let refused = match Device::with_path(device) {
        Ok(mut panel) => set(&mut panel, wanted),
        Err(error) => vec![error.to_string()],
    };
    (!refused.is_empty()).then(|| {
        format!(
            "camera {} is not set as configured: {}; `vinspect devices` lists what it takes",
            device.display(),
            refused.join("; ")
        )
    })
}

/// What can be set.
pub(super) fn list(device: &Device) -> io::Result<Vec<Control>> {
    let mut controls = Vec::new();
    for knob in &KNOBS {
        let Some(found) = device.describe(knob.control)? else {
            continue;
        };
        let now = device.get(knob.control).ok();
        controls.push(Control {
            key: knob.key,
            allowed: knob.allowed(&found),
            default: knob.value_of(found.default),
            now: now.and_then(|now| knob.value_of(now)),
            automatic: found.inactive,
        });
    }
    Ok(controls)
}

/// What was not taken, and why.
fn set(panel: &mut impl Panel, wanted: &Controls) -> Vec<String> {
    let mut refused = Vec::new();
    for knob in &KNOBS {
        let Some(value) = (knob.wanted)(wanted) else {
            continue;
        };
        if let Err(why) = knob.set(panel, value.into()) {
            refused.push(format!("camera.{} = {value}, but {why}", knob.key));
        }
    }
    refused
}

impl Knob {
    fn set(&self, panel: &mut impl Panel, value: i64) -> Result<(), String> {
        let describe = |panel: &dyn Panel, control| {
            let described = panel.describe(control);
            described.map_err(|error| format!("it does not tell what it takes: {error}"))
        };
        let found = describe(panel, self.control)?.ok_or("it has no such control")?;
        let allowed = self.allowed(&found);
        let raw = self.raw_of(value).filter(|_| allowed.has(value));
        let raw = raw.ok_or_else(|| format!("it takes {allowed}"))?;
        if let Some((automatic, manual)) = self.automatic
            && describe(panel, automatic)?.is_some()
        {
            let off = panel.set(automatic, manual);
            off.map_err(|error| format!("its automatic cannot be switched off: {error}"))?;
        }
        let set = panel.set(self.control, raw);
        set.map_err(|error| format!("it refuses: {error}"))
    }

    /// What the key may be.
    fn allowed(&self, found: &Described) -> Allowed {
        match self.unit {
            Unit::Times(unit) => Allowed::Range {
                minimum: i64::from(found.minimum) * unit,
                maximum: i64::from(found.maximum) * unit,
                step: i64::from(found.step) * unit,
            },
            Unit::Menu(menu) => Allowed::Choice {
                choice: (found.minimum..=found.maximum)
                    .filter_map(|place| menu.get(usize::try_from(place).ok()?).copied())
                    .collect(),
            },
        }
    }

    /// The key's value of a control's.
    fn value_of(&self, raw: i32) -> Option<i64> {
        match self.unit {
            Unit::Times(unit) => Some(i64::from(raw) * unit),
            Unit::Menu(menu) => menu.get(usize::try_from(raw).ok()?).copied(),
        }
    }

    /// The control's value of a key's.
    fn raw_of(&self, value: i64) -> Option<i32> {
        let raw = match self.unit {
            Unit::Times(unit) => value / unit,
            Unit::Menu(menu) => menu.iter().position(|&of| of == value)?.try_into().ok()?,
        };
        raw.try_into().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A camera whose every setting is noted.
    struct Scripted {
        described: Vec<(Cid, Described)>,
        set: Vec<(Cid, i32)>,
        refuses: Option<Cid>,
    }

    impl Panel for Scripted {
        fn describe(&self, control: Cid) -> io::Result<Option<Described>> {
            let found = self.described.iter().find(|found| found.0 == control);
            Ok(found.map(|found| found.1))
        }

        fn get(&self, _: Cid) -> io::Result<i32> {
            Ok(0)
        }

        fn set(&mut self, control: Cid, value: i32) -> io::Result<()> {
            if self.refuses == Some(control) {
                return Err(io::ErrorKind::PermissionDenied.into());
            }
            self.set.push((control, value));
            Ok(())
        }
    }

    fn camera(controls: &[(Cid, i32, i32, i32)]) -> Scripted {
        let described = |&(control, minimum, maximum, step): &(Cid, i32, i32, i32)| {
            let described = Described {
                minimum,
                maximum,
                step,
                default: minimum,
                inactive: false,
            };
            (control, described)
        };
        Scripted {
            described: controls.iter().map(described).collect(),
            set: Vec::new(),
            refuses: None,
        }
    }

    #[test]
    fn the_automatic_is_switched_off_before_the_value_is_set() {
        let mut camera = camera(&[
            (V4L2_CID_EXPOSURE_AUTO, 0, 3, 1),
            (V4L2_CID_EXPOSURE_ABSOLUTE, 3, 2047, 1),
            (V4L2_CID_POWER_LINE_FREQUENCY, 0, 2, 1),
        ]);
        let wanted = Controls {
            exposure_us: Some(5000),
            power_line_hz: Some(60),
            ..Controls::default()
        };
        assert_eq!(set(&mut camera, &wanted), [""; 0]);
        assert_eq!(
            camera.set,
            [
                (V4L2_CID_EXPOSURE_AUTO, MANUAL_EXPOSURE),
                (V4L2_CID_EXPOSURE_ABSOLUTE, 50),
                (V4L2_CID_POWER_LINE_FREQUENCY, 2),
            ]
        );
    }

    #[test]
    fn what_is_not_taken_is_told_and_the_rest_is_set() {
        let mut camera = camera(&[
            (V4L2_CID_EXPOSURE_AUTO, 0, 3, 1),
            (V4L2_CID_EXPOSURE_ABSOLUTE, 3, 2047, 1),
            (V4L2_CID_GAIN, 0, 255, 1),
            (V4L2_CID_POWER_LINE_FREQUENCY, 1, 2, 1),
        ]);
        let wanted = Controls {
            exposure_us: Some(5050),
            gain: Some(255),
            white_balance_k: Some(5000),
            focus: None,
            power_line_hz: Some(0),
        };
        assert_eq!(
            set(&mut camera, &wanted),
            [
                "camera.exposure_us = 5050, but it takes 300 to 204700 in steps of 100",
                "camera.white_balance_k = 5000, but it has no such control",
                "camera.power_line_hz = 0, but it takes 50 or 60",
            ]
        );
        assert_eq!(camera.set, [(V4L2_CID_GAIN, 255)]);
    }

    #[test]
    fn a_value_that_the_automatic_would_overrule_is_not_called_set() {
        let mut camera = camera(&[
            (V4L2_CID_FOCUS_AUTO, 0, 1, 1),
            (V4L2_CID_FOCUS_ABSOLUTE, 0, 250, 5),
        ]);
        camera.refuses = Some(V4L2_CID_FOCUS_AUTO);
        let wanted = Controls {
            focus: Some(30),
            ..Controls::default()
        };
        let refused = set(&mut camera, &wanted).join("");
        assert!(
            refused.contains("automatic cannot be switched off"),
            "{refused}"
        );
        assert!(camera.set.is_empty());
    }
}
