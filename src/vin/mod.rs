//! What the 17 characters are and mean: pure rules, no picture, no I/O, no clock.

mod alphabet;
mod check_digit;
mod compare;
mod corrections;
mod decode;
mod mask;
mod model_year;
mod parse;
mod places;
mod sections;
mod table;
mod wmi;

pub use alphabet::ALPHABET;
pub(crate) use alphabet::index_of;
pub(crate) use check_digit::{CHECK_CHARACTERS, PLACE_OF_CHECK_DIGIT, VALUES, WEIGHTS};
pub use check_digit::{CheckDigit, CheckDigitReason};
pub use compare::{Comparison, Difference};
pub use corrections::{Correction, looks_like};
pub use decode::Decoded;
pub use mask::{Masked, Shown};
pub use model_year::ModelYears;
pub use parse::VinError;
pub use places::{Characters, Market};
pub use wmi::VehicleType;
pub(crate) use wmi::{country_of, maker_codes};

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Characters in a VIN.
pub const LENGTH: usize = 17;

/// Seventeen characters of [`ALPHABET`]; nothing else is promised about them.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Vin(heapless::String<LENGTH, u8>);

impl Vin {
    /// The characters as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The characters as ASCII; place n of the rules is index n - 1.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// With another character of [`ALPHABET`] at an index.
    fn with(&self, index: usize, character: u8) -> Self {
        let characters = self.as_str().bytes().enumerate();
        Self(
            characters
                .map(|(at, old)| char::from(if at == index { character } else { old }))
                .collect(),
        )
    }

    /// From indices into [`ALPHABET`].
    pub(crate) fn from_indices(indices: &[u8; LENGTH]) -> Self {
        let mut text = heapless::String::new();
        for &index in indices {
            // Never full: one character for each of LENGTH indices.
            let _ = text.push(char::from(ALPHABET[usize::from(index)]));
        }
        Self(text)
    }
}

impl fmt::Display for Vin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Vin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Vin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Vin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
