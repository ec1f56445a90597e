//! `vinspect export`: the reads of the store, for a table or a program.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use jiff::Timestamp;
use serde_json::Value;

use super::Failure;
use super::stored::{self, Place};
use crate::store::Kept;

/// Write the reads of the store to the standard output, oldest first.
///
/// csv: a line of names, then one line a read: sequence, id, decided_at, site, station, trigger, outcome, vin, confidence, reason,
/// check_digit, frames, fault (their sentences), delivered, picture (its file). What a read does not have is empty. Columns are only ever added at the end.
///
/// jsonl: one JSON object a line, the message as it is published, "delivered" and "picture".
///
/// `delivered` says whether the broker is known to have the read; that is noted within a minute. Works while the daemon runs.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,
    /// From a day (2026-03-01: its beginning, local time) or a moment (2026-03-01T08:00:00+01:00) on.
    #[arg(long, value_name = "DATE", value_parser = stored::moment)]
    since: Timestamp,
    /// Up to the beginning of a day or a moment, which is not included [default: all].
    #[arg(long, value_name = "DATE", value_parser = stored::moment)]
    until: Option<Timestamp>,
    /// How.
    #[arg(long)]
    format: Format,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Format {
    Csv,
    Jsonl,
}

/// The names of the columns: fields of the message, and the last.
const COLUMNS: [&str; 15] = [
    "sequence",
    "id",
    "decided_at",
    "site",
    "station",
    "trigger",
    "outcome",
    "vin",
    "confidence",
    "reason",
    "check_digit",
    "frames",
    "fault",
    "delivered",
    "picture",
];

/// Does it.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let store = args.place.open()?;
    let mut reads = store.reads(args.since, args.until);
    let out = io::BufWriter::new(io::stdout().lock());
    match args.format {
        Format::Csv => {
            let mut csv = csv::Writer::from_writer(out);
            csv.write_record(COLUMNS)?;
            reads.try_for_each(|kept| Ok::<_, Failure>(csv.write_record(record(&kept?))?))?;
            csv.flush()?;
        }
        Format::Jsonl => {
            let mut out = out;
            reads.try_for_each(|kept| Ok::<_, Failure>(writeln!(out, "{}", object(&kept?))?))?;
            out.flush()?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The message with what only the store knows.
fn object(kept: &Kept) -> Value {
    let read = &kept.read;
    let mut message = match serde_json::from_str(&read.payload) {
        Ok(Value::Object(message)) => message,
        _ => serde_json::Map::new(),
    };
    message.insert("sequence".into(), read.sequence.into());
    message.insert("id".into(), read.id.to_string().into());
    message
        .entry("decided_at")
        .or_insert_with(|| read.decided_at.to_string().into());
    message.insert("delivered".into(), kept.delivered.into());
    let picture = kept.picture.as_deref().map(Path::to_string_lossy);
    message.insert("picture".into(), picture.into());
    message.into()
}

fn record(kept: &Kept) -> impl Iterator<Item = String> {
    let mut object = object(kept);
    if let Value::Array(faults) = &object["faults"] {
        let messages = faults.iter().filter_map(|fault| fault["message"].as_str());
        object["fault"] = messages.collect::<Vec<_>>().join("; ").into();
    }
    COLUMNS.into_iter().map(move |name| match &object[name] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    })
}
