//! The file that says what pictures show.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Failure, at};
use crate::vin::Vin;

/// What the pictures show.
#[derive(Default)]
pub(super) struct Labels {
    /// The pictures.
    pub(super) files: Vec<PathBuf>,
    /// What they show, in their order.
    pub(super) cases: Vec<Case>,
    /// Lines with a VIN that is not known whole.
    pub(super) left_out: usize,
}

/// One picture, or the frames of one burst.
pub(super) struct Case {
    /// The picture, or the first frame.
    pub(super) file: PathBuf,
    /// What it shows, if it shows any.
    pub(super) vin: Option<Vin>,
    /// How many pictures it is made of.
    pub(super) frames: usize,
    burst: Option<String>,
}

impl Labels {
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let text = at(path, fs::read_to_string(path))?;
        let mut found = Self::default();
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            found.add(line).map_err(|what| {
                format!(
                    "{}, line {}: {what}; it should be a file name, a tab and a VIN, or - for none, and for a frame of a burst a tab \
                     and the burst's name",
                    path.display(),
                    index + 1
                )
            })?;
        }
        if found.files.is_empty() {
            return Err(format!(
                "{} names no picture with a whole VIN, or with none",
                path.display()
            )
            .into());
        }
        Ok(found)
    }

    fn add(&mut self, line: &str) -> Result<(), String> {
        let mut columns = line.split('\t');
        let (Some(file), Some(vin)) = (columns.next(), columns.next()) else {
            return Err("there is no tab".into());
        };
        let burst = columns
            .next()
            .map(str::trim)
            .filter(|name| !name.is_empty());
        if vin.contains('?') {
            self.left_out += 1;
            return Ok(());
        }
        let vin = match vin.trim() {
            "-" => None,
            vin => Some(Vin::parse_lenient(vin).map_err(|error| error.to_string())?),
        };
        self.files.push(file.into());
        match self.cases.last_mut() {
            Some(last) if burst.is_some() && last.burst.as_deref() == burst => {
                if last.vin != vin {
                    return Err("the frames of one burst show one VIN".into());
                }
                last.frames += 1;
            }
            _ => self.cases.push(Case {
                file: file.into(),
                vin,
                frames: 1,
                burst: burst.map(str::to_owned),
            }),
        }
        Ok(())
    }
}
