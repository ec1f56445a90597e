//! Commands over MQTT: what a payload on `cmd/…` asks for. Malformed ones are answered and nothing else happens.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::station::order::Task;
use crate::vin::Vin;

/// Largest command, bytes.
pub const LARGEST: usize = 4096;
/// VINs in one `expect` at most.
const MOST_EXPECTED: usize = 100;

/// The commands, as they stand in the topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Name {
    /// Read the car.
    Trigger,
    /// Say which car should come next.
    Expect,
    /// Switch the light.
    Light,
    /// Take a picture without reading it.
    Capture,
}

impl Name {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Trigger, Self::Expect, Self::Light, Self::Capture];

    /// As it stands in the topic.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trigger => "trigger",
            Self::Expect => "expect",
            Self::Light => "light",
            Self::Capture => "capture",
        }
    }
}

/// Why a command cannot be understood.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// Too long.
    #[error("the command has {0} bytes, {LARGEST} are allowed")]
    TooLarge(usize),
    /// Not JSON, an unknown key, or a wrong type.
    #[error("the command cannot be understood: {0}")]
    Json(#[from] serde_json::Error),
    /// A value out of its range.
    #[error("{key} is not {allowed}")]
    Range {
        /// The key.
        key: &'static str,
        /// What it may be.
        allowed: &'static str,
    },
}

/// `cmd/trigger` and `cmd/capture`: `{}`, or nothing at all.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Plain {
    /// Echoed in the answer, for clients without the correlation data of MQTT 5.
    #[serde(default)]
    correlation: Option<String>,
}

/// `cmd/expect`: `{"vins": ["1HGCM82633A004352"]}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Expect {
    /// The next car should be one of these, up to 100; an empty list: any may come.
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    vins: Vec<Vin>,
    /// How long this holds, in seconds; 1 to 86400.
    #[serde(default = "hour")]
    within_s: u64,
    /// Echoed in the answer, for clients without the correlation data of MQTT 5.
    #[serde(default)]
    correlation: Option<String>,
}

/// `cmd/light`: `{"on": true}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Light {
    /// Whether it should shine.
    on: bool,
    /// For how long, in seconds; at most `light.longest_on_ms` of the configuration.
    #[serde(default = "five")]
    for_s: f64,
    /// Echoed in the answer, for clients without the correlation data of MQTT 5.
    #[serde(default)]
    correlation: Option<String>,
}

fn hour() -> u64 {
    3600
}

fn five() -> f64 {
    5.0
}

/// What a payload asks for, and what its sender wants echoed.
pub fn parse(name: Name, payload: &[u8]) -> Result<(Task, Option<String>), CommandError> {
    if payload.len() > LARGEST {
        return Err(CommandError::TooLarge(payload.len()));
    }
    let plain = || match payload {
        [] => Ok(None),
        _ => object::<Plain>(payload).map(|plain| plain.correlation),
    };
    Ok(match name {
        Name::Trigger => (Task::Read, plain()?),
        Name::Capture => (Task::Capture, plain()?),
        Name::Expect => {
            let expect: Expect = object(payload)?;
            within(expect.vins.len() <= MOST_EXPECTED, "vins", "100 at most")?;
            let fits = (1..=86_400).contains(&expect.within_s);
            within(fits, "within_s", "1 to 86400 s")?;
            let task = Task::Expect {
                vins: expect.vins,
                within: Duration::from_secs(expect.within_s),
            };
            (task, expect.correlation)
        }
        Name::Light => {
            let light: Light = object(payload)?;
            within(
                (0.1..=600.0).contains(&light.for_s),
                "for_s",
                "0.1 to 600 s",
            )?;
            let time = Duration::from_secs_f64(light.for_s);
            (Task::Light(light.on.then_some(time)), light.correlation)
        }
    })
}

/// A JSON object; serde would take an array for one, too.
fn object<T: DeserializeOwned>(payload: &[u8]) -> Result<T, serde_json::Error> {
    let object: serde_json::Map<_, _> = serde_json::from_slice(payload)?;
    serde_json::from_value(object.into())
}

fn within(fits: bool, key: &'static str, allowed: &'static str) -> Result<(), CommandError> {
    if fits {
        Ok(())
    } else {
        Err(CommandError::Range { key, allowed })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn commands_are_understood() {
        let vin: Vin = "1HGCM82633A004352".parse().unwrap();
        for (name, payload, task) in [
            (Name::Trigger, "", Task::Read),
            (Name::Capture, "{}", Task::Capture),
            (
                Name::Expect,
                r#"{"vins": ["1HGCM82633A004352"], "within_s": 60}"#,
                Task::Expect {
                    vins: vec![vin],
                    within: Duration::from_secs(60),
                },
            ),
            (Name::Light, r#"{"on": false}"#, Task::Light(None)),
            (
                Name::Light,
                r#"{"on": true, "for_s": 2.5}"#,
                Task::Light(Some(Duration::from_millis(2500))),
            ),
        ] {
            assert_eq!(parse(name, payload.as_bytes()).unwrap(), (task, None));
        }
        let echoed = parse(Name::Trigger, br#"{"correlation": "7"}"#).unwrap().1;
        assert_eq!(echoed.as_deref(), Some("7"));
    }

    #[test]
    fn others_are_errors() {
        let many = format!(
            r#"{{"vins": [{}]}}"#,
            vec![r#""1HGCM82633A004352""#; 101].join(",")
        );
        let long = " ".repeat(LARGEST + 1);
        for (name, payload) in [
            (Name::Trigger, "now"),
            (Name::Trigger, r#"{"count": 3}"#),
            (Name::Trigger, "[]"),
            (Name::Capture, long.as_str()),
            (Name::Expect, ""),
            (Name::Expect, r#"{"vins": ["1HGCM82633A00435O"]}"#),
            (Name::Expect, many.as_str()),
            (Name::Expect, r#"{"vins": [], "within_s": 0}"#),
            (Name::Light, r#"{"on": 1}"#),
            (Name::Light, r#"{"on": true, "for_s": 1e300}"#),
            (Name::Light, r#"{"on": true, "for_s": -1}"#),
        ] {
            assert!(parse(name, payload.as_bytes()).is_err(), "{payload}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(payload in prop::collection::vec(any::<u8>(), 0..200), json in r#"\{"(on|vins|for_s|within_s)": ?[^}]{0,20}\}"#) {
            for name in Name::ALL {
                let _ = parse(name, &payload);
                let _ = parse(name, json.as_bytes());
            }
        }
    }
}
