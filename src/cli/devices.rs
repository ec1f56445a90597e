//! `vinspect devices`: which cameras and pins this machine has, as a configuration calls them.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;

use super::Failure;
use crate::camera::found::{Control, Found, Offer, Size};
use crate::gpio::found::{Chip, FoundLine};

/// List the cameras and GPIO lines of this machine, as a configuration calls them.
///
/// Of a camera: the names that stay the same, the formats, sizes and frames a second that it gives, and what the keys of
/// [camera] can set. Of a GPIO chip: its lines, and who has taken them. Nothing is changed, also not while a station runs.
#[derive(clap::Args)]
pub struct Args {
    /// One JSON document instead of text.
    #[arg(long)]
    json: bool,
}

/// What is there.
#[derive(Default, Serialize)]
struct Devices {
    cameras: Vec<Found>,
    chips: Vec<Chip>,
    /// What is not there or cannot be asked, and what to do: sentences.
    notes: Vec<String>,
}

/// Does it.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let mut devices = Devices::default();
    cameras(&mut devices);
    chips(&mut devices);
    let text = if args.json {
        format!("{}\n", serde_json::to_string_pretty(&devices)?)
    } else {
        devices.text()
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(feature = "v4l2")]
fn cameras(devices: &mut Devices) {
    let nothing = "no camera is there; is it plugged in? The CSI cameras of a Raspberry Pi need `libcamerify` around vinspect";
    let asked = crate::camera::v4l2::list();
    devices.cameras = split(asked, nothing, &mut devices.notes);
}

#[cfg(not(feature = "v4l2"))]
fn cameras(devices: &mut Devices) {
    let note = "cameras: this vinspect was built without V4L2; build it with --features v4l2";
    devices.notes.push(note.into());
}

#[cfg(feature = "gpio")]
fn chips(devices: &mut Devices) {
    let nothing = "no GPIO chip is there; a container has to be given /dev/gpiochip*";
    let asked = crate::gpio::cdev::list();
    devices.chips = split(asked, nothing, &mut devices.notes);
}

#[cfg(not(feature = "gpio"))]
fn chips(devices: &mut Devices) {
    let note = "GPIO lines: this vinspect was built without GPIO; build it with --features gpio";
    devices.notes.push(note.into());
}

/// Those that answered; what others said, or that there is nothing, is noted.
#[cfg(any(feature = "v4l2", feature = "gpio"))]
fn split<T, E: Display>(
    asked: Vec<Result<T, E>>,
    nothing: &str,
    notes: &mut Vec<String>,
) -> Vec<T> {
    if asked.is_empty() {
        notes.push(nothing.into());
    }
    let mut found = Vec::new();
    for asked in asked {
        match asked {
            Ok(device) => found.push(device),
            Err(error) => notes.push(error.to_string()),
        }
    }
    found
}

impl Devices {
    fn text(&self) -> String {
        let cameras = self.cameras.iter().map(of_camera);
        let chips = self.chips.iter().map(of_chip);
        let notes = self.notes.iter().map(|note| format!("note: {note}\n"));
        let parts: Vec<_> = cameras.chain(chips).chain(notes).collect();
        parts.join("\n")
    }
}

fn of_camera(camera: &Found) -> String {
    let Found {
        device,
        name,
        driver,
        bus,
        ..
    } = camera;
    let mut text = format!("camera {}: {name} ({driver}, {bus})\n", device.display());
    let mut line = |line: String| {
        text += "  ";
        text += &line;
        text.push('\n');
    };
    for name in &camera.stable_names {
        line(format!("device = {:?}", name.display().to_string()));
    }
    for offer in &camera.formats {
        if let Some(format) = offer.format {
            line(format!("format = {format:?}: {}", sizes(offer)));
        }
    }
    let others = camera.formats.iter().filter(|offer| offer.format.is_none());
    let others = list(others.map(|offer| &offer.fourcc));
    if !others.is_empty() {
        line(format!("formats that vinspect does not read: {others}"));
    }
    for control in &camera.controls {
        line(of_control(control));
    }
    if camera.controls.is_empty() {
        line("nothing that vinspect could set".into());
    }
    text
}

fn sizes(offer: &Offer) -> String {
    let size = |size: &Size| {
        let rates = list(size.fps.iter().map(|fps| (fps * 100.0).round() / 100.0));
        let rates = if rates.is_empty() {
            rates
        } else {
            format!(" at {rates} a second")
        };
        format!("{}×{}{rates}", size.width, size.height)
    };
    let sizes: Vec<_> = offer.sizes.iter().map(size).collect();
    match (sizes.as_slice(), offer.any_size_between) {
        ([], _) => "the driver does not tell its sizes".into(),
        (sizes, true) => sizes.join(" to "),
        (sizes, false) => sizes.join("; "),
    }
}

fn of_control(control: &Control) -> String {
    let mut parts = vec![format!("{} = {}", control.key, control.allowed)];
    parts.extend(control.default.map(|value| format!("by default {value}")));
    parts.extend(control.now.map(|value| format!("now {value}")));
    if control.automatic {
        parts.push("ruled by an automatic".into());
    }
    parts.join(", ")
}

fn of_chip(chip: &Chip) -> String {
    let named = |line: &FoundLine| Some((line.name.clone()?, line.used_by.clone()));
    let lines: Vec<_> = chip.lines.iter().filter_map(named).collect();
    let nameless = chip.lines.len() - lines.len();
    let free = lines.iter().filter(|(_, used_by)| used_by.is_none());
    let free = list(free.map(|(name, _)| name));
    let used = lines.iter().filter_map(|(name, used_by)| {
        let by = used_by.as_deref()?;
        Some(format!("{name} (by {by:?})"))
    });
    let used = list(used);
    let mut text = format!("GPIO chip {}: {}\n", chip.device.display(), chip.label);
    for (what, lines) in [("free", free), ("used", used)] {
        if !lines.is_empty() {
            text += &format!("  {what}: {lines}\n");
        }
    }
    if nameless > 0 {
        text += &format!("  lines without a name, which vinspect cannot use: {nameless}\n");
    }
    text
}

fn list(words: impl Iterator<Item = impl Display>) -> String {
    let words: Vec<_> = words.map(|word| word.to_string()).collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::camera::found::Allowed;

    fn size(width: u32, height: u32, fps: &[f64]) -> Size {
        Size {
            width,
            height,
            fps: fps.into(),
        }
    }

    #[test]
    fn a_camera_is_told_in_the_words_of_the_configuration() {
        let camera = Found {
            device: "/dev/video0".into(),
            stable_names: vec!["/dev/v4l/by-id/usb-cam-video-index0".into()],
            name: "HD Cam".into(),
            driver: "uvcvideo".into(),
            bus: "usb-1".into(),
            formats: vec![
                Offer {
                    fourcc: "MJPG".into(),
                    format: Some("mjpeg"),
                    sizes: vec![size(1280, 720, &[30.0, 29.97]), size(640, 480, &[])],
                    any_size_between: false,
                },
                Offer {
                    fourcc: "H264".into(),
                    format: None,
                    sizes: Vec::new(),
                    any_size_between: false,
                },
            ],
            controls: vec![Control {
                key: "exposure_us",
                allowed: Allowed::Range {
                    minimum: 300,
                    maximum: 204_700,
                    step: 100,
                },
                default: Some(25_000),
                now: Some(15_600),
                automatic: true,
            }],
        };
        assert_eq!(
            of_camera(&camera),
            "camera /dev/video0: HD Cam (uvcvideo, usb-1)\n  \
             device = \"/dev/v4l/by-id/usb-cam-video-index0\"\n  \
             format = \"mjpeg\": 1280×720 at 30, 29.97 a second; 640×480\n  \
             formats that vinspect does not read: H264\n  \
             exposure_us = 300 to 204700 in steps of 100, by default 25000, now 15600, ruled by an automatic\n"
        );
    }

    #[test]
    fn lines_are_free_used_or_nameless() {
        let line = |name: &str, used_by: Option<&str>| FoundLine {
            name: (!name.is_empty()).then(|| name.into()),
            used_by: used_by.map(Into::into),
        };
        let chip = Chip {
            device: "/dev/gpiochip0".into(),
            label: "bank".into(),
            lines: vec![
                line("GPIO2", None),
                line("GPIO3", Some("i2c")),
                line("GPIO4", None),
                line("", None),
            ],
        };
        assert_eq!(
            of_chip(&chip),
            "GPIO chip /dev/gpiochip0: bank\n  free: GPIO2, GPIO4\n  used: GPIO3 (by \"i2c\")\n  \
             lines without a name, which vinspect cannot use: 1\n"
        );
    }
}
