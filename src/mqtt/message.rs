//! What is published, as JSON. Fields are only ever added within one version of the schema.

use std::time::Duration;

use jiff::Zoned;
use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::image::Quad;
use crate::reader::{Candidate, Outcome, Reason};
use crate::station::{Source, Verdict};
use crate::vin::{CheckDigit, Decoded, Vin};

/// The schema of a read.
pub const SCHEMA: &str = "vinspect.read/1";
const STATUS_SCHEMA: &str = "vinspect.status/1";

#[derive(Serialize)]
struct Read<'a> {
    schema: &'static str,
    /// Unique for ever: the same id twice is the same read delivered twice.
    id: Uuid,
    /// Counts the reads of this station's store, without gaps.
    sequence: i64,
    site: &'a str,
    station: &'a str,
    trigger: Source,
    #[serde(serialize_with = "rfc3339")]
    triggered_at: &'a Zoned,
    #[serde(serialize_with = "rfc3339")]
    decided_at: &'a Zoned,
    outcome: Outcome,
    vin: Option<&'a Vin>,
    confidence: f32,
    reason: Option<Reason>,
    candidates: &'a [Candidate],
    check_digit: Option<CheckDigit>,
    decoded: Option<Decoded>,
    /// Pixels of the frame; first corner the text's own top left.
    quad: Option<Quad>,
    frames: u32,
    missed_triggers: u32,
    fault: Option<&'a str>,
    timings_ms: Timings,
}

#[derive(Serialize)]
struct Timings {
    settle: f64,
    capture: f64,
    read: f64,
    total: f64,
}

#[derive(Serialize)]
struct Status<'a> {
    schema: &'static str,
    state: &'a str,
    version: &'static str,
}

/// The message of a read.
pub fn read_message(site: &str, station: &str, sequence: i64, verdict: &Verdict) -> String {
    let reading = &verdict.reading;
    let timings = &verdict.timings;
    let year = verdict.decided_at.year();
    let read = Read {
        schema: SCHEMA,
        id: verdict.id,
        sequence,
        site,
        station,
        trigger: verdict.source,
        triggered_at: &verdict.triggered_at,
        decided_at: &verdict.decided_at,
        outcome: reading.outcome,
        vin: reading.vin.as_ref(),
        confidence: reading.confidence,
        reason: reading.reason,
        candidates: &reading.candidates,
        check_digit: reading.check_digit,
        decoded: reading.vin.as_ref().map(|vin| vin.decode(year)),
        quad: reading.quad,
        frames: verdict.frames,
        missed_triggers: verdict.missed,
        fault: verdict.fault.as_deref(),
        timings_ms: Timings {
            settle: milliseconds(timings.settle),
            capture: milliseconds(timings.capture),
            read: milliseconds(timings.read),
            total: milliseconds(timings.total),
        },
    };
    json(&read)
}

/// The message of `status`: `online` or `offline`.
pub fn status_message(online: bool) -> String {
    json(&Status {
        schema: STATUS_SCHEMA,
        state: if online { "online" } else { "offline" },
        version: env!("CARGO_PKG_VERSION"),
    })
}

/// Our own structs of numbers and texts always have a JSON form.
fn json(message: &impl Serialize) -> String {
    serde_json::to_string(message).unwrap_or_else(|error| {
        log::error!("a message could not be written: {error}");
        "{}".into()
    })
}

/// To a tenth.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e4).round() / 10.0
}

/// With offset and milliseconds, without the name of the zone.
fn rfc3339<S: Serializer>(time: &Zoned, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&time.strftime("%Y-%m-%dT%H:%M:%S%.3f%:z"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::{Value, json};

    use super::*;
    use crate::reader::{Decision, Fusion, script};

    #[test]
    fn a_read_says_everything() {
        let mut fusion = Fusion::new(Decision {
            accept_at: 0.9,
            ..Decision::embedded().unwrap()
        });
        fusion.add(script::seen(script::clear("1HGCM82633A004352")));
        let time: Zoned = "2026-03-01T08:00:00.25+01:00[+01:00]".parse().unwrap();
        let verdict = Verdict {
            id: Uuid::nil(),
            source: Source::Command,
            triggered_at: time.clone(),
            decided_at: time,
            reading: fusion.reading(),
            frames: 1,
            missed: 2,
            fault: None,
            timings: crate::station::Timings {
                total: Duration::from_micros(123_456),
                ..Default::default()
            },
        };
        let read: Value = serde_json::from_str(&read_message("s", "b", 7, &verdict)).unwrap();
        for (pointer, value) in [
            ("/schema", json!("vinspect.read/1")),
            ("/sequence", json!(7)),
            ("/trigger", json!("command")),
            ("/triggered_at", json!("2026-03-01T08:00:00.250+01:00")),
            ("/outcome", json!("accepted")),
            ("/vin", json!("1HGCM82633A004352")),
            ("/candidates/0/vin", json!("1HGCM82633A004352")),
            ("/check_digit", json!("pass")),
            ("/decoded/maker", json!("Honda")),
            ("/missed_triggers", json!(2)),
            ("/timings_ms/total", json!(123.5)),
            ("/reason", Value::Null),
        ] {
            assert_eq!(read.pointer(pointer), Some(&value), "{pointer}");
        }
    }
}
