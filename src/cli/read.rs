//! `vinspect read`: pictures → one line each.

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use serde::Serialize;

use super::Failure;
use super::pictures::{self, PictureError};
use crate::image::Quad;
use crate::reader::{Candidate, Outcome, Reader, Reading, Reason};
use crate::vin::{CheckDigit, Vin};

/// Read the VIN in pictures.
///
/// Prints one line a picture, in the order given: the outcome, the VIN, the confidence (the probability that the VIN is
/// right) and the path. `accepted` may be trusted; `review` is the best reading, but a person should look; `no_read` says
/// why there is none.
///
/// Exit code 1 if a file could not be read; the others are still done.
#[derive(clap::Args)]
pub struct Args {
    /// JPEG, PNG, WebP or BMP pictures, or folders of them.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// One JSON object a line: path, outcome, vin, confidence, reason, candidates, quad, orientation_deg, check_digit,
    /// elapsed_ms; or path and error.
    #[arg(long)]
    json: bool,
    /// Folders with all folders below them.
    #[arg(short, long)]
    recursive: bool,
    /// Pictures read at the same time [default: one a core].
    #[arg(short, long)]
    jobs: Option<NonZeroUsize>,
}

/// One line of `--json`.
#[derive(Serialize)]
struct Line<'a> {
    path: &'a str,
    outcome: Outcome,
    vin: Option<&'a Vin>,
    confidence: f32,
    reason: Option<Reason>,
    candidates: &'a [Candidate],
    /// Pixels of the picture as shown upright; first corner the text's own top left.
    quad: Option<Quad>,
    orientation_deg: Option<f32>,
    check_digit: Option<CheckDigit>,
    elapsed_ms: f64,
}

#[derive(Serialize)]
struct ErrorLine<'a> {
    path: &'a str,
    error: String,
}

/// What a picture says, and how long it took.
type Answer = Result<(Reading, Duration), PictureError>;

/// Does it.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let reader = Reader::embedded()?;
    let files = pictures::find(&args.paths, args.recursive);
    if files.is_empty() {
        return Err(
            "there is no picture in the folder; --recursive looks in the folders below, too".into(),
        );
    }
    let jobs = args.jobs.unwrap_or_else(pictures::all_cores);
    let mut failed = false;
    let mut written = Ok(());
    pictures::read_all(&reader, files, jobs, |path, answer| {
        let answer = answer.map(|(seen, elapsed)| (reader.reading(seen), elapsed));
        failed |= answer.is_err();
        if written.is_ok() {
            written = if args.json {
                json(path, &answer).map_err(io::Error::from)
            } else {
                Ok(text(path, &answer))
            }
            .and_then(|line| writeln!(io::stdout(), "{line}"));
        }
    });
    written?;
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn json(path: &Path, answer: &Answer) -> serde_json::Result<String> {
    // JSON is UTF-8, a path need not be.
    let path = path.to_string_lossy();
    match answer {
        Ok((reading, elapsed)) => serde_json::to_string(&Line::new(&path, reading, *elapsed)),
        Err(error) => serde_json::to_string(&ErrorLine {
            path: &path,
            error: error.to_string(),
        }),
    }
}

impl<'a> Line<'a> {
    fn new(path: &'a str, reading: &'a Reading, elapsed: Duration) -> Self {
        let orientation = |quad: Quad| (quad.orientation_deg() * 10.0).round() / 10.0;
        Self {
            path,
            outcome: reading.outcome,
            vin: reading.vin.as_ref(),
            confidence: reading.confidence,
            reason: reading.reason,
            candidates: &reading.candidates,
            quad: reading.quad,
            orientation_deg: reading.quad.map(orientation),
            check_digit: reading.check_digit,
            elapsed_ms: (elapsed.as_secs_f64() * 1e4).round() / 10.0,
        }
    }
}

fn text(path: &Path, answer: &Answer) -> String {
    let path = path.display();
    let reading = match answer {
        Ok((reading, _)) => reading,
        Err(error) => return format!("error     {path}: {error}"),
    };
    let vin = reading.vin.as_ref().map_or("-", Vin::as_str);
    let reason = reading.reason.map(|reason| format!(" ({})", reason));
    format!(
        "{:<9} {vin:<17} {:.4} {path}{}",
        reading.outcome,
        reading.confidence,
        reason.unwrap_or_default()
    )
}
