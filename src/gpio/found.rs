//! The pins of this machine, for whoever sets a station up.

use std::path::PathBuf;

use serde::Serialize;

/// A GPIO chip that is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Chip {
    /// What it is called today: `/dev/gpiochip0`.
    pub device: PathBuf,
    /// What it is.
    pub label: String,
    /// Its lines, in their order.
    pub lines: Vec<FoundLine>,
}

/// A line of a chip.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FoundLine {
    /// What a configuration calls it; a line without a name cannot be used.
    pub name: Option<String>,
    /// Who has taken it, in their own words; none if it is free.
    pub used_by: Option<String>,
}
