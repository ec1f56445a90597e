//! `vinspect evaluate`: how well pictures with known VINs are read.

mod labels;

use std::collections::HashSet;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use std::{fs, iter};

use serde::Serialize;

use super::Failure;
use super::pictures::{self, Answer};
use crate::reader::{Decision, Features, Fusion, Models, Outcome, Reader};
use crate::vin::{LENGTH, Vin};
use labels::{Case, Labels};

/// Measure how well pictures are read whose VINs are known.
///
/// Tells the read rate (accepted and right), the misread rate (accepted and wrong, each shown), reviews and no-reads, the
/// share of characters that the best reading has right, how far the confidence can be believed, and the time a picture
/// takes (with --jobs 1 undisturbed by others). A picture that cannot be opened counts as a no-read. Where no VIN is to be
/// seen, whatever is accepted is wrong. Frames of a burst count as one picture, read as the daemon reads them: until two are sure
/// of the same. Times are of single frames, and files that cannot be opened are counted one by one.
#[derive(clap::Args)]
pub struct Args {
    /// One picture a line: its path below DIR, a tab, its VIN, or - if it shows none, and for a frame of a burst a tab and the
    /// burst's name, the same in the lines of all its frames, which follow each other. Empty lines and lines that start with # are
    /// passed over; a VIN with a ? for a character that nobody could tell is left out and counted.
    #[arg(long, value_name = "FILE")]
    labels: PathBuf,
    /// Where the pictures are.
    dir: PathBuf,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
    /// Pictures read at the same time [default: one a core].
    #[arg(short, long)]
    jobs: Option<NonZeroUsize>,
    /// Decide by these constants instead of those inside the program (see models/calibration.toml).
    #[arg(long, value_name = "FILE")]
    calibration: Option<PathBuf>,
    /// Write what the confidences are made of, one JSON object a picture; for fitting the constants.
    #[arg(long, value_name = "FILE")]
    features: Option<PathBuf>,
}

/// Upper ends of the confidence bins.
const BINS: [f32; 6] = [0.5, 0.9, 0.95, 0.99, 0.999, 1.0];

/// What came of all pictures, a burst being one. Rates are shares of the pictures, 0 to 1.
#[derive(Serialize)]
struct Report {
    pictures: usize,
    left_out: usize,
    vehicles: usize,
    without_vin: usize,
    accepted_right: usize,
    accepted_wrong: usize,
    review: usize,
    review_right: usize,
    no_read: usize,
    unreadable_files: usize,
    read_rate: f64,
    misread_rate: f64,
    character_accuracy: f64,
    calibration: Vec<Bin>,
    latency_ms_p50: f64,
    latency_ms_p95: f64,
    misreads: Vec<Misread>,
}

/// Readings of similar confidence.
#[derive(Default, Serialize)]
struct Bin {
    from: f32,
    to: f32,
    readings: usize,
    mean_confidence: f64,
    right: f64,
}

/// A VIN that was accepted though it is wrong.
#[derive(Serialize)]
struct Misread {
    file: PathBuf,
    /// The right one; none if there is none.
    vin: Option<Vin>,
    read: Vin,
    confidence: f32,
}

/// One line of `--features`.
#[derive(Serialize)]
struct FeatureLine<'a> {
    file: &'a Path,
    vin: Option<&'a Vin>,
    best: &'a Vin,
    right: bool,
    outcome: Outcome,
    confidence: f32,
    #[serde(flatten)]
    features: Features,
}

/// Does it.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let Labels {
        files,
        cases,
        left_out,
    } = Labels::read(&args.labels)?;
    let decision = match &args.calibration {
        Some(path) => Decision::from_toml(&at(path, fs::read_to_string(path))?)?,
        None => Decision::embedded()?,
    };
    let reader = Reader::new(&Models::embedded(), decision)?;
    let files = files
        .iter()
        .map(|file| (args.dir.join(file), Ok(())))
        .collect();
    let jobs = args.jobs.unwrap_or_else(pictures::all_cores);
    let mut tally = Tally {
        left_out,
        ..Tally::default()
    };
    let mut lines = String::new();
    let mut cases = cases.iter().peekable();
    let nothing = || Fusion::new(reader.decision().clone());
    let (mut fusion, mut frames) = (nothing(), 0);
    pictures::read_all(&reader, files, jobs, |file, answer| {
        tally.add_frame(file, answer, &mut fusion);
        frames += 1;
        // As many answers as frames, in the same order.
        if let Some(case) = cases.next_if(|case| case.frames == frames) {
            feature_line(&mut lines, case, &fusion);
            tally.add(case, &fusion);
            (fusion, frames) = (nothing(), 0);
        }
    });
    if let Some(path) = &args.features {
        at(path, fs::write(path, lines))?;
    }
    let report = tally.report();
    let text = if args.json {
        serde_json::to_string_pretty(&report)?
    } else {
        report.text()
    };
    writeln!(io::stdout(), "{}", text.trim_end())?;
    Ok(ExitCode::SUCCESS)
}

/// Puts the path into an error of the file system.
fn at<T>(path: &Path, result: io::Result<T>) -> Result<T, Failure> {
    result.map_err(|error| format!("{}: {error}", path.display()).into())
}

fn feature_line(lines: &mut String, case: &Case, fusion: &Fusion) {
    let (Some(features), Some(posterior)) = (fusion.features(), fusion.posterior()) else {
        return;
    };
    let reading = fusion.reading();
    let best = &posterior.best().vin;
    let vin = case.vin.as_ref();
    let line = FeatureLine {
        file: &case.file,
        vin,
        best,
        right: Some(best) == vin,
        outcome: reading.outcome,
        confidence: reading.confidence,
        features,
    };
    if let Ok(json) = serde_json::to_string(&line) {
        lines.push_str(&json);
        lines.push('\n');
    }
}

/// Readings as they come.
#[derive(Default)]
struct Tally {
    left_out: usize,
    vehicles: HashSet<Vin>,
    /// Pictures that show a VIN.
    with_vin: usize,
    outcomes: [[usize; 2]; 3],
    unreadable_files: usize,
    characters_right: usize,
    readings: Vec<(f32, bool)>,
    latencies: Vec<Duration>,
    misreads: Vec<Misread>,
}

impl Tally {
    /// What one frame shows, unless those before it are sure already.
    fn add_frame(&mut self, file: &Path, answer: Answer, fusion: &mut Fusion) {
        match answer {
            Ok((seen, elapsed)) => {
                self.latencies.push(elapsed);
                if !fusion.is_sure() {
                    fusion.add(seen);
                }
            }
            Err(error) => {
                log::warn!("{}: {error}", file.display());
                self.unreadable_files += 1;
            }
        }
    }

    /// What became of a picture or a burst.
    fn add(&mut self, case: &Case, fusion: &Fusion) {
        let vin = case.vin.as_ref();
        self.vehicles.extend(vin.cloned());
        self.with_vin += usize::from(vin.is_some());
        let reading = fusion.reading();
        let right = vin.is_some() && reading.vin.as_ref() == vin;
        self.outcomes[reading.outcome as usize][usize::from(right)] += 1;
        let Some(read) = reading.vin else { return };
        if let Some(vin) = vin {
            let same = iter::zip(read.as_str().bytes(), vin.as_str().bytes());
            self.characters_right += same.filter(|(a, b)| a == b).count();
        }
        self.readings.push((reading.confidence, right));
        if reading.outcome == Outcome::Accepted && !right {
            self.misreads.push(Misread {
                file: case.file.clone(),
                vin: vin.cloned(),
                read,
                confidence: reading.confidence,
            });
        }
    }

    fn report(mut self) -> Report {
        let pictures: usize = self.outcomes.iter().flatten().sum();
        let share = |count: usize| count as f64 / pictures.max(1) as f64;
        let [accepted, review, no_read] = self.outcomes;
        self.latencies.sort();
        let latency = |part: f64| {
            let index = (part * self.latencies.len().saturating_sub(1) as f64).round() as usize;
            let found = self.latencies.get(index).copied().unwrap_or_default();
            (found.as_secs_f64() * 1e4).round() / 10.0
        };
        let lower = iter::once(0.0).chain(BINS);
        let calibration = iter::zip(lower, BINS)
            .map(|(from, to)| Bin::of(from, to, &self.readings))
            .collect();
        Report {
            pictures,
            left_out: self.left_out,
            vehicles: self.vehicles.len(),
            without_vin: pictures - self.with_vin,
            accepted_right: accepted[1],
            accepted_wrong: accepted[0],
            review: review[0] + review[1],
            review_right: review[1],
            no_read: no_read[0],
            unreadable_files: self.unreadable_files,
            read_rate: share(accepted[1]),
            misread_rate: share(accepted[0]),
            character_accuracy: self.characters_right as f64
                / (LENGTH * self.with_vin).max(1) as f64,
            calibration,
            latency_ms_p50: latency(0.5),
            latency_ms_p95: latency(0.95),
            misreads: self.misreads,
        }
    }
}

impl Bin {
    fn of(from: f32, to: f32, readings: &[(f32, bool)]) -> Self {
        let inside: Vec<_> = readings
            .iter()
            .filter(|(confidence, _)| {
                (from..to).contains(confidence) || (to == 1.0 && *confidence == 1.0)
            })
            .collect();
        let count = inside.len().max(1) as f64;
        Self {
            from,
            to,
            readings: inside.len(),
            mean_confidence: inside.iter().map(|(c, _)| f64::from(*c)).sum::<f64>() / count,
            right: inside.iter().filter(|(_, right)| *right).count() as f64 / count,
        }
    }
}

impl Report {
    fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: String| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name:<22} {value}");
        };
        let part = |count: usize| {
            let share = 100.0 * count as f64 / self.pictures.max(1) as f64;
            format!("{share:5.1} %  ({count})")
        };
        line(
            "pictures",
            format!("{} of {} vehicles", self.pictures, self.vehicles),
        );
        if self.without_vin > 0 {
            line("without a VIN", part(self.without_vin));
        }
        if self.left_out > 0 {
            line("left out", format!("{} with a ? in the VIN", self.left_out));
        }
        line("accepted and right", part(self.accepted_right));
        line("accepted and wrong", part(self.accepted_wrong));
        line(
            "review",
            format!("{}, {} of them right", part(self.review), self.review_right),
        );
        line("no read", part(self.no_read));
        if self.unreadable_files > 0 {
            line("unreadable files", self.unreadable_files.to_string());
        }
        let characters = 100.0 * self.character_accuracy;
        line("characters right", format!("{characters:5.1} %"));
        line(
            "time a picture",
            format!(
                "{} ms (half), {} ms (95 %)",
                self.latency_ms_p50, self.latency_ms_p95
            ),
        );
        line("confidence", "readings  mean confidence  right".into());
        for bin in self.calibration.iter().filter(|bin| bin.readings > 0) {
            let (mean, right) = (100.0 * bin.mean_confidence, 100.0 * bin.right);
            line(
                &format!("  {} to {}", bin.from, bin.to),
                format!("{:>8}  {mean:13.1} %  {right:5.1} %", bin.readings),
            );
        }
        for wrong in &self.misreads {
            line(
                "wrong",
                format!(
                    "{} read {} is {} ({:.4})",
                    wrong.file.display(),
                    wrong.read,
                    wrong.vin.as_ref().map_or("none", Vin::as_str),
                    wrong.confidence
                ),
            );
        }
        text
    }
}
