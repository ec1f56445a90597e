//! `vinspect forget`: reads that must not be kept any longer.

use std::io::{self, Write};
use std::process::ExitCode;

use jiff::Timestamp;

use super::Failure;
use super::stored::{self, Place};
use crate::store::Which;
use crate::vin::Vin;

/// Remove reads and their pictures from the store: those of a VIN, or those before a date.
///
/// Of a VIN all reads are removed in whose message it stands, also as a candidate that was not chosen. The file is written anew,
/// so that the bytes are gone from it and from its write-ahead log; what was published, logged or backed up is not touched.
/// Works while the daemon runs. Reads that the broker does not have yet are only removed with --undelivered.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    reads: Reads,
    /// Also reads that the broker does not have yet. They are lost.
    #[arg(long)]
    undelivered: bool,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Reads {
    /// The reads of this VIN.
    #[arg(value_parser = vin)]
    vin: Option<Vin>,
    /// The reads before a day (2026-03-01: its beginning, local time) or a moment (2026-03-01T08:00:00+01:00).
    #[arg(long, value_name = "DATE", value_parser = stored::moment)]
    before: Option<Timestamp>,
}

fn vin(text: &str) -> Result<Vin, String> {
    Vin::parse_lenient(text).map_err(|error| error.to_string())
}

/// Does it.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let mut store = args.place.open()?;
    let which = match (args.reads.vin, args.reads.before) {
        (Some(vin), _) => Which::Vin(vin.to_string()),
        (None, Some(before)) => Which::Before(before),
        // clap asks for one.
        (None, None) => return Ok(ExitCode::FAILURE),
    };
    let forgotten = store.forget(&which, args.undelivered)?;
    let mut out = io::stdout().lock();
    writeln!(out, "Reads removed: {}", forgotten.reads)?;
    writeln!(out, "Pictures removed: {}", forgotten.pictures)?;
    let (strange, folder) = forgotten.strange_pictures;
    if strange > 0 {
        writeln!(
            out,
            "warning: {strange} pictures in {} belong to no read of the store and may show the same cars; have them looked at",
            folder.display()
        )?;
    }
    for file in forgotten.set_aside {
        let file = file.display();
        writeln!(
            out,
            "warning: the damaged store {file} may hold them still; remove it if it is not needed"
        )?;
    }
    Ok(ExitCode::SUCCESS)
}
