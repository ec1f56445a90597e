//! `vinspect compare`: VINs of what should be one car.

use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;

use super::Failure;
use crate::vin::{Comparison, Difference, Vin};

/// Compare the VINs of one car: windshield, door, document.
///
/// Says for each VIN after the first whether it agrees with the first, differs as a misreading would, or is of another car.
///
/// Exit code 0 if all agree, 1 if not.
#[derive(clap::Args)]
pub struct Args {
    /// Two VINs or more.
    #[arg(required = true, num_args = 2.., value_name = "VIN")]
    vins: Vec<String>,
    /// One JSON object for each VIN after the first.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    first: &'a Vin,
    second: &'a Vin,
    #[serde(flatten)]
    comparison: &'a Comparison,
}

/// Does it.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let vins = args
        .vins
        .iter()
        .map(|text| Vin::parse_lenient(text).map_err(|error| format!("{text}: {error}")))
        .collect::<Result<Vec<_>, _>>()?;
    let mut out = io::stdout().lock();
    let mut agree = true;
    // clap asks for two VINs.
    let Some((first, others)) = vins.split_first() else {
        return Ok(ExitCode::FAILURE);
    };
    for second in others {
        let comparison = first.compare(second);
        agree &= comparison == Comparison::Same;
        if args.json {
            let line = Line {
                first,
                second,
                comparison: &comparison,
            };
            serde_json::to_writer(&mut out, &line)?;
            writeln!(out)?;
        } else {
            write!(out, "{}", sentences(first, second, &comparison))?;
        }
    }
    Ok(ExitCode::from(u8::from(!agree)))
}

fn sentences(first: &Vin, second: &Vin, comparison: &Comparison) -> String {
    match comparison {
        Comparison::Same => format!("{second}  the same\n"),
        Comparison::Misread {
            differences,
            likelier,
        } => {
            let likelier = likelier.as_ref().map_or(String::new(), |vin| {
                format!("; the check digit speaks for {vin}")
            });
            format!(
                "{first}\n{second}  probably a misreading: {}{likelier}\n{}\n",
                places(differences),
                marks(differences)
            )
        }
        Comparison::Another { differences } => format!(
            "{first}\n{second}  another car: {}\n{}\n",
            places(differences),
            marks(differences)
        ),
    }
}

fn places(differences: &[Difference]) -> String {
    let places: Vec<_> = differences
        .iter()
        .map(|d| format!("{} or {} in place {}", d.first, d.second, d.place))
        .collect();
    places.join(", ")
}

/// A line of carets below what differs.
fn marks(differences: &[Difference]) -> String {
    let last = differences.last().map_or(0, |d| d.place);
    (1..=last)
        .map(|place| {
            if differences.iter().any(|d| d.place == place) {
                '^'
            } else {
                ' '
            }
        })
        .collect()
}
