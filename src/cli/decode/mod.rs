//! `vinspect decode`: VINs → what they say.

mod output;

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;
use std::process::ExitCode;

use super::Failure;
use crate::vin::Vin;
use output::{Csv, Json, Output, Text};

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
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// One row a line, with commas between and the names of the columns first.
    #[arg(long)]
    csv: bool,
}

/// Does it.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let this_year = jiff::Zoned::now().year();
    let mut out: Box<dyn Output> = if args.json {
        Box::new(Json(io::stdout().lock()))
    } else if args.csv {
        Box::new(Csv::new(io::stdout().lock()))
    } else {
        Box::new(Text(anstream::stdout().lock()))
    };
    let mut failed = false;
    let mut each = |line: usize, input: &str| -> Result<(), Failure> {
        if input.trim().is_empty() {
            return Ok(());
        }
        match Vin::parse_lenient(input) {
            Ok(vin) => out.vin(line, input.trim(), &vin, &vin.decode(this_year))?,
            Err(error) => {
                failed = true;
                out.error(line, input.trim(), &error)?;
            }
        }
        Ok(())
    };
    for (line, vin) in (1..).zip(&args.vins) {
        if vin == "-" {
            lines(io::stdin().lock(), &mut each)?;
        } else {
            each(line, vin)?;
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
    each: &mut impl FnMut(usize, &str) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut text = Vec::new();
    for line in 1.. {
        if input.read_until(b'\n', &mut text)? == 0 {
            break;
        }
        each(line, &String::from_utf8_lossy(&text))?;
        text.clear();
    }
    Ok(())
}
