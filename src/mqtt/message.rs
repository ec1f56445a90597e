//! What is published, as JSON. Fields are only ever added within one version of the schema.

use std::time::Duration;

use jiff::Zoned;
use serde::{Serialize, Serializer};
use uuid::Uuid;

use super::Name;
use crate::health::Ailment;
use crate::image::Quad;
use crate::reader::{Candidate, Outcome, Reason};
use crate::station::order::{Declined, Done, Match};
use crate::station::{Source, Trouble, Verdict};
use crate::vin::{CheckDigit, Decoded, Vin};

const READ_SCHEMA: &str = "vinspect.read/1";
const STATUS_SCHEMA: &str = "vinspect.status/1";
const RESULT_SCHEMA: &str = "vinspect.result/1";

/// A read, on `read`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Read<'a> {
    /// `vinspect.read/1`
    schema: &'static str,
    /// Unique for ever: the same id twice is the same read delivered twice.
    #[cfg_attr(test, schemars(with = "String"))]
    id: Uuid,
    /// Counts the reads of this station's store, without gaps.
    sequence: i64,
    /// `station.site` of the configuration.
    site: &'a str,
    /// `station.name` of the configuration.
    station: &'a str,
    /// What asked for it.
    trigger: Source,
    /// When it was triggered: RFC 3339, milliseconds, with the station's offset.
    #[serde(serialize_with = "rfc3339")]
    #[cfg_attr(test, schemars(with = "String"))]
    triggered_at: &'a Zoned,
    /// When the verdict was reached.
    #[serde(serialize_with = "rfc3339")]
    #[cfg_attr(test, schemars(with = "String"))]
    decided_at: &'a Zoned,
    /// What to do with it.
    outcome: Outcome,
    /// The best VIN; null for `no_read`.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    vin: Option<&'a Vin>,
    /// Calibrated probability that `vin` is right, 0 to 1.
    confidence: f32,
    /// Why it was not accepted; null if it was.
    reason: Option<Reason>,
    /// The most probable VINs, best first, up to five.
    candidates: &'a [Candidate],
    /// How `vin` is to what `cmd/expect` asked for; null if nothing was expected, or no VIN was read.
    expected: Option<Match>,
    /// The check digit of `vin`.
    check_digit: Option<CheckDigit>,
    /// What `vin` means.
    decoded: Option<Decoded>,
    /// Where the mark is, in pixels of the frame; first corner the text's own top left.
    #[cfg_attr(test, schemars(with = "Option<[[f32; 2]; 4]>"))]
    quad: Option<Quad>,
    /// Frames that were read.
    frames: u32,
    /// Frames that the camera gave between the first and the last of them and that were not read: reading takes longer.
    skipped_frames: u32,
    /// Triggers that came while the station was busy, since the read before.
    missed_triggers: u32,
    /// What went wrong; the reading is of what was seen until then.
    faults: &'a [Trouble],
    /// How long it took.
    timings_ms: Timings,
    /// Whether it was sent late, so that the car may be gone.
    historical: bool,
}

/// Milliseconds.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Timings {
    /// Setting light and exposure, until the picture has settled.
    settle: f64,
    /// Waiting for the frames of the burst.
    capture: f64,
    /// Locating and recognizing.
    read: f64,
    /// Trigger to verdict.
    total: f64,
}

/// In a word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum State {
    /// All is well.
    Online,
    /// It works as far as it can.
    Degraded,
    /// It was stopped, or has vanished.
    #[default]
    Offline,
}

/// The read before, in short.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LastRead {
    /// As in the read.
    #[cfg_attr(test, schemars(with = "String"))]
    pub id: Uuid,
    /// As in the read.
    #[serde(serialize_with = "rfc3339")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub decided_at: Zoned,
    /// As in the read.
    pub outcome: Outcome,
}

/// Which networks read: the first twelve digits of their SHA-256.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Models {
    /// Finds lines.
    pub locator: String,
    /// Reads them.
    pub recognizer: String,
    /// Spells what was read, and so sees whether that is a whole VIN.
    pub examiner: String,
    /// Spells what those two do not agree on.
    pub arbiter: String,
}

/// How a station is; by default offline.
#[derive(Default)]
pub struct Status {
    /// In a word.
    pub state: State,
    /// What ails it.
    pub causes: Vec<Ailment>,
    /// How long it has run; none if it does not.
    pub uptime: Option<Duration>,
    /// Reads that the broker does not have; none if the store does not tell.
    pub pending: Option<u64>,
    /// Reads that were dropped undelivered for want of room, ever; none if the store does not tell.
    pub dropped: Option<u64>,
    /// The read before, since the start.
    pub last_read: Option<LastRead>,
    /// Which networks read; none if nobody does.
    pub models: Option<Models>,
}

/// How a station is, on `status`, retained. `offline` is also its last will, and says nothing else.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct StatusMessage<'a> {
    /// `vinspect.status/1`
    schema: &'static str,
    /// In a word.
    state: State,
    /// What ails it; empty unless `degraded`.
    causes: &'a [Ailment],
    /// Of vinspect.
    version: &'static str,
    /// How long it has run, seconds; null when `offline`.
    uptime_s: Option<u64>,
    /// Reads that the broker does not have yet; null when `offline`.
    pending: Option<u64>,
    /// Reads that were dropped undelivered for want of room, ever; null when `offline`.
    dropped: Option<u64>,
    /// The read before, since the start; null when `offline`.
    last_read: Option<&'a LastRead>,
    /// Which networks read; null when `offline`.
    models: Option<&'a Models>,
}

/// The answer to a command, on `cmd/…/result`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ResultMessage<'a> {
    /// `vinspect.result/1`
    schema: &'static str,
    /// Which command.
    command: Name,
    /// Whether it was carried out.
    ok: bool,
    /// Why not: a sentence.
    error: Option<String>,
    /// The read that `trigger` asked for, also one that is not on the disk.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    read: Option<Uuid>,
    /// As in the command.
    correlation: Option<&'a str>,
}

/// The message of a read.
pub fn read_message(site: &str, station: &str, sequence: i64, verdict: &Verdict) -> String {
    let reading = &verdict.reading;
    let timings = &verdict.timings;
    let year = verdict.decided_at.year();
    let read = Read {
        schema: READ_SCHEMA,
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
        expected: verdict.expected,
        check_digit: reading.check_digit,
        decoded: reading.vin.as_ref().map(|vin| vin.decode(year)),
        quad: reading.quad,
        frames: verdict.frames,
        skipped_frames: verdict.skipped,
        missed_triggers: verdict.missed,
        faults: &verdict.faults,
        timings_ms: Timings {
            settle: milliseconds(timings.settle),
            capture: milliseconds(timings.capture),
            read: milliseconds(timings.read),
            total: milliseconds(timings.total),
        },
        historical: false,
    };
    json(&read)
}

/// The message of a read, sent late.
pub fn as_historical(read: &str) -> String {
    const NOW: &str = "\"historical\":false}";
    match read.strip_suffix(NOW) {
        Some(start) => format!("{start}\"historical\":true}}"),
        // Of an earlier version, which did not tell.
        None => read.to_owned(),
    }
}

/// The message of `status`.
pub fn status_message(status: &Status) -> String {
    json(&StatusMessage {
        schema: STATUS_SCHEMA,
        state: status.state,
        causes: &status.causes,
        version: env!("CARGO_PKG_VERSION"),
        uptime_s: status.uptime.map(|uptime| uptime.as_secs()),
        pending: status.pending,
        dropped: status.dropped,
        last_read: status.last_read.as_ref(),
        models: status.models.as_ref(),
    })
}

/// The message of `cmd/…/result`.
pub fn result_message(
    command: Name,
    correlation: Option<String>,
    done: &Result<Done, Declined>,
) -> String {
    json(&ResultMessage {
        schema: RESULT_SCHEMA,
        command,
        ok: done.is_ok(),
        error: done.as_ref().err().map(ToString::to_string),
        read: match done {
            Ok(Done::Read(id)) | Err(Declined::Unsaved(id)) => Some(*id),
            _ => None,
        },
        correlation: correlation.as_deref(),
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
            expected: Some(Match::Match),
            frames: 1,
            skipped: 3,
            picture: None,
            missed: 2,
            faults: Vec::new(),
            timings: crate::station::Timings {
                total: Duration::from_micros(123_456),
                ..Default::default()
            },
        };
        let message = read_message("s", "b", 7, &verdict);
        let late: Value = serde_json::from_str(&as_historical(&message)).unwrap();
        assert_eq!(late["historical"], true);
        let read: Value = serde_json::from_str(&message).unwrap();
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
            ("/skipped_frames", json!(3)),
            ("/timings_ms/total", json!(123.5)),
            ("/reason", Value::Null),
            ("/expected", json!("match")),
            ("/historical", json!(false)),
        ] {
            assert_eq!(read.pointer(pointer), Some(&value), "{pointer}");
        }
    }
}
