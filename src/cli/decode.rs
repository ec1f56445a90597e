//! `vinspect decode`: VINs → what they say.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use super::Failure;
use crate::vin::{CheckDigit, Decoded, Vin, VinError, looks_like};

/// Say what VINs mean: maker, country, model year, check digit.
///
/// Takes VINs as people write them: lower case, spaces and hyphens are fine. What the 17 characters do not tell is not made
/// up: a year that could be one of two is shown as both.
///
/// Exit code 1 if one of them is no VIN; the others are still decoded.
#[derive(clap::Args)]
pub struct Args {
    /// VINs, or - for one a line from the standard input.
    #[arg(required_unless_present = "file", value_name = "VIN")]
    vins: Vec<String>,
    /// A text file with one VIN a line.
    #[arg(short, long, value_name = "PATH")]
    file: Option<PathBuf>,
    /// One JSON object a line: line, vin and what it says; or line, input and error.
    #[arg(long)]
    json: bool,
}

/// Does it.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let this_year = jiff::Zoned::now().year();
    let mut out: Box<dyn Output> = if args.json {
        Box::new(Json(io::stdout().lock()))
    } else {
        Box::new(Text(anstream::stdout().lock()))
    };
    let mut failed = false;
    let mut line = 0;
    let mut each = |input: &str| -> Result<(), Failure> {
        line += 1;
        if input.trim().is_empty() {
            return Ok(());
        }
        match Vin::parse_lenient(input) {
            Ok(vin) => out.vin(line, &vin, &vin.decode(this_year))?,
            Err(error) => {
                failed = true;
                out.error(line, input.trim(), &error)?;
            }
        }
        Ok(())
    };
    for vin in &args.vins {
        if vin == "-" {
            lines(io::stdin().lock(), &mut each)?;
        } else {
            each(vin)?;
        }
    }
    if let Some(path) = &args.file {
        let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
        lines(BufReader::new(file), &mut each)?;
    }
    Ok(ExitCode::from(u8::from(failed)))
}

/// Line by line, so that a file may be of any size; what is no UTF-8 is shown with marks.
fn lines(
    mut input: impl BufRead,
    each: &mut impl FnMut(&str) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        each(&String::from_utf8_lossy(&line))?;
        line.clear();
    }
    Ok(())
}

/// How the answers are written. Lines count from 1.
trait Output {
    fn vin(&mut self, line: usize, vin: &Vin, decoded: &Decoded) -> Result<(), Failure>;
    fn error(&mut self, line: usize, input: &str, error: &VinError) -> Result<(), Failure>;
}

struct Json<W>(W);

#[derive(Serialize)]
struct Line<'a> {
    line: usize,
    vin: &'a Vin,
    #[serde(flatten)]
    decoded: &'a Decoded,
    check_digit_reason: String,
    /// VINs one character away that look alike and hold the check digit; only where it fails.
    corrections: Vec<Vin>,
}

#[derive(Serialize)]
struct ErrorLine<'a> {
    line: usize,
    input: &'a str,
    error: String,
}

impl<W: Write> Output for Json<W> {
    fn vin(&mut self, line: usize, vin: &Vin, decoded: &Decoded) -> Result<(), Failure> {
        let line = Line {
            line,
            vin,
            decoded,
            check_digit_reason: vin.check_digit_reason().to_string(),
            corrections: corrections(vin),
        };
        serde_json::to_writer(&mut self.0, &line)?;
        Ok(writeln!(self.0)?)
    }

    fn error(&mut self, line: usize, input: &str, error: &VinError) -> Result<(), Failure> {
        let error = error.to_string();
        serde_json::to_writer(&mut self.0, &ErrorLine { line, input, error })?;
        Ok(writeln!(self.0)?)
    }
}

struct Text<W>(W);

const HEADING: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();

impl<W: Write> Output for Text<W> {
    fn vin(&mut self, _: usize, vin: &Vin, decoded: &Decoded) -> Result<(), Failure> {
        let out = &mut self.0;
        writeln!(out, "{HEADING}{vin}{HEADING:#}")?;
        let mut row = |places: &str, characters: &str, what: &str, says: &str| {
            let line = format!("  {places:<12} {characters:<7} {what:<15} {says}");
            writeln!(out, "{}", line.trim_end())
        };
        let maker = decoded.maker.unwrap_or("a maker that is in no table");
        let country = decoded.country.unwrap_or("a code that no country gave out");
        let code_places = if decoded.small_maker {
            "1-3, 12-14"
        } else {
            "1-3"
        };
        row(
            code_places,
            &decoded.wmi,
            "maker",
            &format!("{maker}; {country}, {}", decoded.region),
        )?;
        if decoded.small_maker {
            row("", "", "", "builds fewer than 1,000 vehicles a year")?;
        }
        row(
            "4-8",
            &vin.vds()[..5],
            "descriptors",
            "the maker's own: model, body, engine",
        )?;
        let style = match decoded.check_digit {
            CheckDigit::Pass => GOOD,
            CheckDigit::Fail => BAD,
            CheckDigit::NotApplicable => Style::new(),
        };
        let reason = vin.check_digit_reason();
        row(
            "9",
            &vin.vds()[5..],
            "check digit",
            &format!("{style}{reason}{style:#}"),
        )?;
        for correction in corrections(vin) {
            row(
                "",
                "",
                "",
                &format!("{correction} looks alike and holds it"),
            )?;
        }
        let years = match (&decoded.model_years[..], decoded.year_conclusive) {
            ([year], true) => year.to_string(),
            ([year], false) => format!("{year}, if it is a year at all"),
            ([year, other], _) => format!("{year}, or {other}; the rules do not tell which"),
            _ => "none: this character is no year".into(),
        };
        row("10", &vin.vis()[..1], "model year", &years)?;
        row(
            "11",
            &vin.vis()[1..2],
            "plant",
            "the maker's own, for most makers",
        )?;
        let places = if decoded.small_maker {
            "15-17"
        } else {
            "12-17"
        };
        row(places, &decoded.serial, "running number", "")?;
        Ok(())
    }

    fn error(&mut self, line: usize, input: &str, error: &VinError) -> Result<(), Failure> {
        Ok(writeln!(
            self.0,
            "{BAD}{input}{BAD:#} (line {line}): {error}"
        )?)
    }
}

/// VINs that this one may be a misreading of.
fn corrections(vin: &Vin) -> Vec<Vin> {
    if vin.check_digit() != CheckDigit::Fail {
        return Vec::new();
    }
    vin.corrections(|_, old, new| looks_like(old, new))
        .into_iter()
        .map(|correction| correction.vin)
        .collect()
}
