//! `vinspect check`: is a configuration right, and what would it do?

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use super::{Failure, hardware};
use crate::config::{CameraKind, Config, EdgeKind, LampsConfig};
use crate::inference::Model;
use crate::mqtt::{self, Name, Topics};
use crate::station::{Bank, Lighting};

/// Check a configuration and say what it would do.
///
/// Keys, types, ranges, files and the hashes of models are checked; nothing is switched or captured. What this machine
/// lacks (a camera, a GPIO line, a password that only the service is handed) is a warning, for the configuration may be meant
/// for another. Exit code 1 if `run` would refuse the file.
#[derive(clap::Args)]
pub struct Args {
    /// The configuration to check.
    #[arg(short, long, value_name = "FILE")]
    config: PathBuf,
}

/// Does it.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let config = Config::load(&args.config)?;
    let reader = hardware::reader(&config.reader)?;
    hardware::can_open(&config)?;
    let mut out = io::stdout().lock();
    for sentence in plan(&config, reader.decision().accept_at) {
        writeln!(out, "{sentence}")?;
    }
    for warning in warnings(&config) {
        writeln!(out, "warning: {warning}")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What `run` would do.
fn plan(config: &Config, accept_at: f32) -> Vec<String> {
    let topics = Topics::new(&config.station.site, &config.station.name);
    let (camera, light) = (&config.camera, &config.light);
    let edge = match config.trigger.edge {
        EdgeKind::Rising => "rising",
        EdgeKind::Falling => "falling",
    };
    let model = |name: &str, file: &Option<crate::config::ModelFile>, own: Model| match file {
        Some(file) => format!("{name} {} (hash as configured)", file.path.display()),
        None => format!("{name} of this program ({}…)", &own.sha256()[..12]),
    };
    let mut plan = vec![match &config.trigger.line {
        Some(line) => format!(
            "A {edge} edge on {line} (debounced for {} ms) or a message to {} starts a read.",
            config.trigger.debounce_ms,
            topics.command(Name::Trigger)
        ),
        None => format!(
            "Only a message to {} starts a read.",
            topics.command(Name::Trigger)
        ),
    }];
    plan.push(match (light.pwm_channel, &light.line) {
        (Some(channel), _) => format!(
            "The light is PWM channel {channel} at {:.0} %.",
            100.0 * light.pwm_duty
        ),
        (None, Some(line)) => format!(
            "The light is {line}, for {} ms at most.",
            light.longest_on_ms
        ),
        (None, None) => "No light is switched.".into(),
    });
    plan.extend(lamps(&config.lamps));
    plan.push(match (camera.kind, &camera.folder) {
        (CameraKind::Replay, Some(folder)) => {
            format!("The pictures of {} are replayed.", folder.display())
        }
        _ => format!(
            "Up to {} frames of {}×{} pixels at {} a second come from {}.",
            config.burst.frames,
            camera.width,
            camera.height,
            camera.fps,
            camera.device.display()
        ),
    });
    let settings: Vec<_> = [
        ("exposure", camera.exposure_us, " µs"),
        ("gain", camera.gain, ""),
        ("white balance", camera.white_balance_k, " K"),
        ("focus", camera.focus, ""),
        ("mains", camera.power_line_hz, " Hz"),
    ]
    .into_iter()
    .filter_map(|(name, value, unit)| Some(format!("{name} {}{unit}", value?)))
    .collect();
    if camera.kind == CameraKind::V4l2 && !settings.is_empty() {
        plan.push(format!("The camera is set to {}.", settings.join(", ")));
    }
    if !config.burst.banks.is_empty() {
        let banks: Vec<_> = config.burst.banks.iter().map(bank).collect();
        plan.push(format!(
            "They are taken in turn {}, for as long as the reading is not sure.",
            banks.join("; then ")
        ));
    }
    plan.push(format!(
        "They are read by the {}, the {}, the {} and the {}; a reading of confidence {accept_at} or more is accepted.",
        model("locator", &config.reader.locator, Model::locator()),
        model("recognizer", &config.reader.recognizer, Model::recognizer()),
        model("examiner", &config.reader.examiner, Model::examiner()),
        model("arbiter", &config.reader.arbiter, Model::arbiter()),
    ));
    plan.push(format!(
        "Reads are kept in {} ({}{} MiB at most) and published to {}:{} as {}.",
        config.store.path.display(),
        match config.store.keep_days {
            0 => String::new(),
            days => format!("{days} days once delivered, "),
        },
        config.store.max_mb,
        config.mqtt.host,
        config.mqtt.port(),
        topics.read
    ));
    plan
}

/// How a bank takes its frames.
fn bank(bank: &Bank) -> String {
    let mut told = String::from(match bank.light {
        Lighting::On => "with the light",
        Lighting::Off => "without the light",
        Lighting::Pair => "with the light, less what is seen without it",
    });
    if let Some(us) = bank.exposure_us {
        told += &format!(", exposed for {us} µs");
    }
    if let Some(area) = bank.crop {
        let [x, y, width, height] = area.into();
        told += &format!(", of which {width} × {height} at ({x}, {y}) is read");
    }
    told
}

/// What is lit when.
fn lamps(lamps: &LampsConfig) -> Option<String> {
    let time = |pulse_ms| match pulse_ms {
        0 => "until the next trigger".into(),
        ms => format!("for {ms} ms"),
    };
    let lit = [
        (&lamps.ok_line, "OK", time(lamps.ok_pulse_ms)),
        (&lamps.ng_line, "NG", time(lamps.ng_pulse_ms)),
        (&lamps.busy_line, "BUSY", "until there is a verdict".into()),
    ];
    let lit = lit
        .into_iter()
        .filter_map(|(line, name, time)| Some(format!("{name} on {} {time}", line.as_ref()?)));
    let lit: Vec<_> = lit.collect();
    (!lit.is_empty()).then(|| format!("It shows {}.", lit.join(", ")))
}

/// What this machine lacks.
fn warnings(config: &Config) -> Vec<String> {
    let mut warnings = Vec::new();
    let camera = &config.camera;
    if camera.kind == CameraKind::V4l2 && !camera.device.exists() {
        warnings.push(format!(
            "there is no camera {} on this machine",
            camera.device.display()
        ));
    }
    // Without them there is no connection, which `run` tries again and again.
    let password = config.mqtt.password_file.as_deref().map(mqtt::password);
    let password = password
        .and_then(Result::err)
        .map(|error| error.to_string());
    let encrypted = config.mqtt.tls.as_ref().map(mqtt::can_encrypt);
    for mut lacking in password.into_iter().chain(encrypted.and_then(Result::err)) {
        if lacking.contains("/run/credentials/") {
            lacking += "; what is there is there only while the service runs";
        }
        warnings.push(lacking);
    }
    let lines = [
        &config.trigger.line,
        &config.light.line,
        &config.lamps.ok_line,
        &config.lamps.ng_line,
        &config.lamps.busy_line,
    ];
    for line in lines
        .into_iter()
        .flatten()
        .filter(|line| !line_exists(line))
    {
        warnings.push(format!("there is no GPIO line {line:?} on this machine"));
    }
    warnings
}

#[cfg(feature = "gpio")]
fn line_exists(name: &str) -> bool {
    crate::gpio::cdev::exists(name)
}

#[cfg(not(feature = "gpio"))]
fn line_exists(_: &str) -> bool {
    false
}
