//! What is written for a VIN, and for a line that is none: for people, as JSON or as CSV.

use std::io::Write;

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::cli::Failure;
use crate::vin::{CheckDigit, Decoded, VehicleType, Vin, VinError, looks_like};

/// How the answers are written. Lines count from 1 in each file, and arguments in the same way.
pub(super) trait Output {
    fn vin(
        &mut self,
        line: usize,
        input: &str,
        vin: &Vin,
        decoded: &Decoded,
    ) -> Result<(), Failure>;
    fn error(&mut self, line: usize, input: &str, error: &VinError) -> Result<(), Failure>;
}

/// One object a line.
pub(super) struct Json<W>(pub W);

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
    fn vin(&mut self, line: usize, _: &str, vin: &Vin, decoded: &Decoded) -> Result<(), Failure> {
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

/// One row a line, the names of the columns first.
pub(super) struct Csv<W: Write>(csv::Writer<W>);

/// Empty where there is nothing to say.
#[derive(Default, Serialize)]
struct Row<'a> {
    line: usize,
    input: &'a str,
    vin: &'a str,
    wmi: &'a str,
    maker: Option<&'a str>,
    vehicle_type: Option<VehicleType>,
    country: Option<&'a str>,
    region: &'a str,
    small_maker: Option<bool>,
    model_year: Option<u16>,
    other_model_year: Option<u16>,
    year_conclusive: Option<bool>,
    check_digit: Option<CheckDigit>,
    plant: Option<char>,
    serial: &'a str,
    /// With spaces between.
    corrections: String,
    error: String,
}

impl<W: Write> Csv<W> {
    pub fn new(out: W) -> Self {
        Self(csv::Writer::from_writer(out))
    }

    fn row(&mut self, row: &Row) -> Result<(), Failure> {
        self.0.serialize(row)?;
        // Row by row, for who waits at the other end.
        Ok(self.0.flush()?)
    }
}

impl<W: Write> Output for Csv<W> {
    fn vin(
        &mut self,
        line: usize,
        input: &str,
        vin: &Vin,
        decoded: &Decoded,
    ) -> Result<(), Failure> {
        let corrections: Vec<String> = corrections(vin).iter().map(Vin::to_string).collect();
        self.row(&Row {
            line,
            input,
            vin: vin.as_str(),
            wmi: &decoded.wmi,
            maker: decoded.maker,
            vehicle_type: decoded.vehicle_type,
            country: decoded.country,
            region: decoded.region,
            small_maker: Some(decoded.small_maker),
            model_year: decoded.model_years.first().copied(),
            other_model_year: decoded.model_years.get(1).copied(),
            year_conclusive: Some(decoded.year_conclusive),
            check_digit: Some(decoded.check_digit),
            plant: Some(decoded.plant),
            serial: &decoded.serial,
            corrections: corrections.join(" "),
            error: String::new(),
        })
    }

    fn error(&mut self, line: usize, input: &str, error: &VinError) -> Result<(), Failure> {
        self.row(&Row {
            line,
            input,
            error: error.to_string(),
            ..Row::default()
        })
    }
}

/// For people.
pub(super) struct Text<W>(pub W);

const HEADING: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();

impl<W: Write> Output for Text<W> {
    fn vin(&mut self, _: usize, _: &str, vin: &Vin, decoded: &Decoded) -> Result<(), Failure> {
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
        if let Some(vehicle_type) = decoded.vehicle_type {
            row("", "", "", &format!("registered for {vehicle_type}"))?;
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
