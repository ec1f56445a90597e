//! What the 17 characters are and mean: pure rules, no picture, no I/O, no clock.

mod check_digit;
mod decode;
mod model_year;
mod wmi;

pub use check_digit::CheckDigit;
pub(crate) use check_digit::{
    CHECK_CHARACTERS, PLACE_OF_CHECK_DIGIT, VALUES, WEIGHTS, asks_for_check_digit,
};
pub use decode::Decoded;
pub use model_year::ModelYears;
pub(crate) use model_year::is_year_code;
pub(crate) use wmi::{country_of, maker_codes};

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The 33 characters of a VIN, in the order that every table of this crate and both models use.
/// I, O and Q are barred everywhere (ISO 3779).
pub const ALPHABET: &[u8; 33] = b"0123456789ABCDEFGHJKLMNPRSTUVWXYZ";

/// Characters in a VIN.
pub const LENGTH: usize = 17;

/// Seventeen characters of [`ALPHABET`]; nothing else is promised about them.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Vin(heapless::String<LENGTH, u8>);

/// Why a text is not a VIN.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VinError {
    /// Not 17 characters long.
    #[error("a VIN has 17 characters, this has {0}")]
    Length(usize),
    /// A character that no VIN may hold.
    #[error("{character:?} at place {place} cannot stand in a VIN (A-Z without I, O, Q, and 0-9)")]
    Character {
        /// 1 to 17.
        place: usize,
        /// The offender.
        character: char,
    },
}

impl Vin {
    /// The characters as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The characters as ASCII; place n of the rules is index n - 1.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
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

impl FromStr for Vin {
    type Err = VinError;

    /// Takes exactly 17 characters; lower case is raised.
    fn from_str(text: &str) -> Result<Self, VinError> {
        let length = text.chars().count();
        if length != LENGTH {
            return Err(VinError::Length(length));
        }
        let mut characters = heapless::String::new();
        for (index, character) in text.chars().enumerate() {
            let upper = character.to_ascii_uppercase();
            let known = u8::try_from(upper).is_ok_and(|byte| ALPHABET.contains(&byte));
            if !known || characters.push(upper).is_err() {
                return Err(VinError::Character {
                    place: index + 1,
                    character,
                });
            }
        }
        Ok(Self(characters))
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
