//! The typed configuration file. `config/vinspect.toml` is the commented example of every key.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use serde::{Deserialize, Serialize};

use crate::mqtt::{Tls, Version};
use crate::reader::{Decision, Outcome};
use crate::vin::Shown;
use crate::{station, store};

/// Everything that can be configured.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
#[allow(missing_docs)] // The example file says what each key is.
pub struct Config {
    pub station: StationConfig,
    pub camera: CameraConfig,
    pub trigger: TriggerConfig,
    pub light: LightConfig,
    pub lamps: LampsConfig,
    pub burst: BurstConfig,
    pub reader: ReaderConfig,
    pub mqtt: MqttConfig,
    pub store: StoreConfig,
    pub log: LogConfig,
}

macro_rules! section {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident : $kind:ty = $default:expr),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
        #[serde(deny_unknown_fields, default)]
        #[allow(missing_docs)] // The example file says what each key is.
        pub struct $name {
            $($(#[$field_doc])* pub $field: $kind),*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default),* }
            }
        }
    };
}

mod burst;

pub use burst::{BurstConfig, LampsConfig, LightConfig};

section! {
    /// `[station]`
    StationConfig { site: String = "workshop".into(), name: String = "bay1".into() }
}
section! {
    /// `[camera]`
    CameraConfig {
        kind: CameraKind = CameraKind::V4l2,
        device: PathBuf = "/dev/video0".into(),
        format: PixelFormat = PixelFormat::Auto,
        width: u32 = 1280,
        height: u32 = 720,
        fps: u32 = 30,
        frame_timeout_ms: u64 = 2000,
        exposure_us: Option<u32> = None,
        gain: Option<u32> = None,
        white_balance_k: Option<u32> = None,
        focus: Option<u32> = None,
        power_line_hz: Option<u32> = None,
        folder: Option<PathBuf> = None,
    }
}
section! {
    /// `[trigger]`
    TriggerConfig {
        line: Option<String> = None,
        edge: EdgeKind = EdgeKind::Falling,
        bias: BiasKind = BiasKind::PullUp,
        debounce_ms: u64 = 50,
    }
}
section! {
    /// `[reader]`
    ReaderConfig {
        accept_at: Option<f32> = None,
        locator: Option<ModelFile> = None,
        recognizer: Option<ModelFile> = None,
        examiner: Option<ModelFile> = None,
        arbiter: Option<ModelFile> = None,
        calibration: Option<PathBuf> = None,
    }
}
section! {
    /// `[mqtt]`
    MqttConfig {
        host: String = "localhost".into(),
        port: Option<u16> = None,
        version: Version = Version::default(),
        client_id: Option<String> = None,
        username: Option<String> = None,
        password_file: Option<PathBuf> = None,
        keep_alive_s: u64 = 30,
        tls: Option<Tls> = None,
        snapshots: bool = false,
        home_assistant: bool = false,
        home_assistant_prefix: String = "homeassistant".into(),
    }
}
section! {
    /// `[store]`
    StoreConfig {
        path: PathBuf = "/var/lib/vinspect/reads.sqlite".into(),
        keep_days: u32 = store::Limits::default().keep_days,
        max_mb: u32 = store::Limits::default().max_mb,
        pictures: Pictures = Pictures::None,
        pictures_max_mb: u32 = store::Limits::default().pictures_max_mb,
    }
}
section! {
    /// `[log]`
    LogConfig { show_vins: bool = false }
}

/// What gives the frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum CameraKind {
    V4l2,
    Replay,
}

/// How pixels come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum PixelFormat {
    Auto,
    Mjpeg,
    Yuyv,
    Nv12,
    Grey,
}

/// Which change of the trigger line starts a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum EdgeKind {
    Rising,
    Falling,
}

/// What holds the trigger line while nothing drives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum BiasKind {
    PullUp,
    PullDown,
    Disabled,
}

/// Which reads' pictures are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Pictures {
    None,
    /// Of reads that are not accepted.
    Doubtful,
    All,
}

/// A model in place of one inside the program.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct ModelFile {
    pub path: PathBuf,
    pub sha256: String,
}

/// What is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("configuration {}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// The file system's words.
        source: io::Error,
    },
    /// Not TOML, an unknown key, or a wrong type: line, key and what is allowed.
    #[error("configuration {}: {source}", path.display())]
    Toml {
        /// Which file.
        path: PathBuf,
        /// The parser's words, with the line.
        source: Box<toml::de::Error>,
    },
    /// A value out of its range.
    #[error("configuration {}{}: {key} = {value} is not {allowed}", path.display(), line.map_or(String::new(), |line| format!(", line {line}")))]
    Range {
        /// Which file.
        path: PathBuf,
        /// Where in it, if the key stands there.
        line: Option<usize>,
        /// Section and key.
        key: &'static str,
        /// What it is.
        value: String,
        /// What it may be.
        allowed: &'static str,
    },
}

/// A value that is out of its range.
struct Outside {
    key: &'static str,
    value: String,
    allowed: &'static str,
}

/// Whether a value is in its range.
fn within<T: PartialOrd + ToString>(
    key: &'static str,
    value: T,
    range: std::ops::RangeInclusive<T>,
    allowed: &'static str,
) -> Result<(), Outside> {
    if range.contains(&value) {
        Ok(())
    } else {
        let value = value.to_string();
        Err(Outside {
            key,
            value,
            allowed,
        })
    }
}

impl Config {
    /// Reads and checks a file.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(|source| ConfigError::Io {
            path: path.into(),
            source,
        })?;
        Self::parse(&text, path)
    }

    /// The same from its text; `path` is for the errors.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text).map_err(|source| ConfigError::Toml {
            path: path.into(),
            source: Box::new(source),
        })?;
        config.check().map_err(|outside| ConfigError::Range {
            path: path.into(),
            line: line_of(text, outside.key),
            key: outside.key,
            value: outside.value,
            allowed: outside.allowed,
        })?;
        Ok(config)
    }

    fn check(&self) -> Result<(), Outside> {
        let word = |key, value: &str| {
            let fits = !value.is_empty() && !value.contains(['/', '+', '#', '\0']);
            let value = format!("{value:?}");
            let allowed = "a name without / + #";
            if fits {
                Ok(())
            } else {
                Err(Outside {
                    key,
                    value,
                    allowed,
                })
            }
        };
        word("station.site", &self.station.site)?;
        word("station.name", &self.station.name)?;
        within(
            "camera.width",
            self.camera.width,
            160..=8192,
            "160 to 8192 pixels",
        )?;
        within(
            "camera.height",
            self.camera.height,
            120..=8192,
            "120 to 8192 pixels",
        )?;
        within(
            "camera.fps",
            self.camera.fps,
            1..=240,
            "1 to 240 frames a second",
        )?;
        within(
            "camera.frame_timeout_ms",
            self.camera.frame_timeout_ms,
            50..=60_000,
            "50 to 60000 ms",
        )?;
        within(
            "camera.exposure_us",
            self.camera.exposure_us.unwrap_or(1),
            1..=10_000_000,
            "1 to 10000000 µs",
        )?;
        within(
            "camera.white_balance_k",
            self.camera.white_balance_k.unwrap_or(1000),
            1000..=20_000,
            "1000 to 20000 K",
        )?;
        if let Some(hz) = self.camera.power_line_hz
            && ![0, 50, 60].contains(&hz)
        {
            return Err(Outside {
                key: "camera.power_line_hz",
                value: hz.to_string(),
                allowed: "0, 50 or 60 Hz",
            });
        }
        within(
            "trigger.debounce_ms",
            self.trigger.debounce_ms,
            0..=10_000,
            "0 to 10000 ms",
        )?;
        self.light.check()?;
        self.lamps.check()?;
        burst::check(self)?;
        within(
            "reader.accept_at",
            self.reader.accept_at.unwrap_or(1.0),
            0.5..=1.0,
            "0.5 to 1",
        )?;
        within(
            "mqtt.keep_alive_s",
            self.mqtt.keep_alive_s,
            5..=3600,
            "5 to 3600 s",
        )?;
        within(
            "mqtt.port",
            self.mqtt.port.unwrap_or(1),
            1..=u16::MAX,
            "1 to 65535",
        )?;
        word(
            "mqtt.home_assistant_prefix",
            &self.mqtt.home_assistant_prefix,
        )?;
        within(
            "store.keep_days",
            self.store.keep_days,
            0..=36_500,
            "0 to 36500 days",
        )?;
        within(
            "store.max_mb",
            self.store.max_mb,
            8..=65_536,
            "8 to 65536 MiB",
        )?;
        within(
            "store.pictures_max_mb",
            self.store.pictures_max_mb,
            8..=1_048_576,
            "8 to 1048576 MiB",
        )?;
        let replay_without_folder =
            self.camera.kind == CameraKind::Replay && self.camera.folder.is_none();
        if replay_without_folder {
            return Err(Outside {
                key: "camera.kind",
                value: "\"replay\"".into(),
                allowed: "possible without camera.folder",
            });
        }
        if self.mqtt.password_file.is_some() && self.mqtt.username.is_none() {
            return Err(Outside {
                key: "mqtt.password_file",
                value: "a file".into(),
                allowed: "of use without mqtt.username",
            });
        }
        Ok(())
    }

    /// What tells this station from others: site/name.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.station.site, self.station.name)
    }

    /// The part that the station's loop needs.
    pub fn station_settings(&self) -> station::Settings {
        station::Settings {
            debounce: Duration::from_millis(self.trigger.debounce_ms),
            frame_timeout: Duration::from_millis(self.camera.frame_timeout_ms),
            settle_frames: self.light.settle_frames,
            settle_tolerance: self.light.settle_tolerance,
            brighten_timeout: Duration::from_millis(self.light.brighten_timeout_ms),
            settle_timeout: Duration::from_millis(self.light.settle_timeout_ms),
            longest_on: Duration::from_millis(self.light.longest_on_ms),
            burst_frames: self.burst.frames,
            banks: self.burst.banks(),
        }
    }
}

impl MqttConfig {
    /// The port as configured, or the usual one.
    pub fn port(&self) -> u16 {
        let usual = if self.tls.is_some() { 8883 } else { 1883 };
        self.port.unwrap_or(usual)
    }
}

impl StoreConfig {
    /// How much stays.
    pub fn limits(&self) -> store::Limits {
        store::Limits {
            keep_days: self.keep_days,
            max_mb: self.max_mb,
            pictures_max_mb: self.pictures_max_mb,
        }
    }

    /// Whether the picture of a read is kept.
    pub fn keeps_picture(&self, outcome: Outcome) -> bool {
        match self.pictures {
            Pictures::None => false,
            Pictures::Doubtful => outcome != Outcome::Accepted,
            Pictures::All => true,
        }
    }
}

impl LogConfig {
    /// What of a VIN may stand in the log.
    pub fn shown(&self) -> Shown {
        if self.show_vins {
            Shown::Whole
        } else {
            Shown::Model
        }
    }
}

impl ReaderConfig {
    /// The constants of the decision with what is configured on top.
    pub fn adjust(&self, decision: Decision) -> Decision {
        let accept_at = self.accept_at.unwrap_or(decision.accept_at);
        Decision {
            accept_at,
            review_at: decision.review_at.min(accept_at),
            ..decision
        }
    }
}

/// The line (from 1) of `section.key`.
fn line_of(text: &str, key: &str) -> Option<usize> {
    let (section, key) = key.split_once('.')?;
    let mut inside = false;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[') {
            inside = name.trim_end_matches(']').trim() == section;
        } else if inside
            && line
                .split('=')
                .next()
                .is_some_and(|name| name.trim() == key)
        {
            return Some(index + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests;
