//! Text → VIN: strictly, or as people and forms write it.

use std::fmt;
use std::str::FromStr;

use super::{LENGTH, Vin, index_of};

/// Why a text is not a VIN.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VinError {
    /// Not 17 characters long.
    #[error("a VIN has 17 characters, this has {0}")]
    Length(usize),
    /// A character that no VIN may hold (ISO 3779: A-Z without I, O, Q, and 0-9).
    #[error("{character:?} at place {place} cannot stand in a VIN: {}", Hint(*meant))]
    Character {
        /// 1 to 17.
        place: usize,
        /// The offender.
        character: char,
        /// What was probably meant.
        meant: Option<char>,
    },
}

struct Hint(Option<char>);

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(meant) => write!(f, "probably {meant} was meant"),
            None => f.write_str("it takes A-Z without I, O, Q, and 0-9"),
        }
    }
}

impl FromStr for Vin {
    type Err = VinError;

    /// Exactly 17 characters of [`super::ALPHABET`].
    ///
    /// ```
    /// use vinspect::vin::{Vin, VinError};
    ///
    /// assert!("1M8GDM9AXKP042788".parse::<Vin>().is_ok());
    /// let error = "1M8GDM9AXKPO42788".parse::<Vin>().unwrap_err();
    /// assert_eq!(error, VinError::Character { place: 12, character: 'O', meant: Some('0') });
    /// ```
    fn from_str(text: &str) -> Result<Self, VinError> {
        let whole = text.len() == LENGTH && text.bytes().all(|byte| index_of(byte).is_some());
        match heapless::String::try_from(text) {
            Ok(text) if whole => Ok(Vin(text)),
            _ => from_characters(text.chars()),
        }
    }
}

impl Vin {
    /// As people write it: lower case is raised, and spaces, hyphens, dots, slashes, underscores and the asterisks that frame
    /// many VINs are passed over. What no VIN may hold is an error here, too.
    ///
    /// ```
    /// use vinspect::vin::Vin;
    ///
    /// let vin = Vin::parse_lenient("*wvw-zzz 1jzyw 000001*")?;
    /// assert_eq!(vin.as_str(), "WVWZZZ1JZYW000001");
    /// # Ok::<(), vinspect::vin::VinError>(())
    /// ```
    pub fn parse_lenient(text: &str) -> Result<Self, VinError> {
        let separates = |c: &char| c.is_whitespace() || "-._/*".contains(*c);
        from_characters(
            text.chars()
                .filter(|c| !separates(c))
                .map(|c| c.to_ascii_uppercase()),
        )
    }
}

fn from_characters(characters: impl Iterator<Item = char> + Clone) -> Result<Vin, VinError> {
    let length = characters.clone().count();
    if length != LENGTH {
        return Err(VinError::Length(length));
    }
    let mut text = heapless::String::new();
    for (index, character) in characters.enumerate() {
        let known = u8::try_from(character).is_ok_and(|byte| index_of(byte).is_some());
        // There is room: as many characters as were counted.
        if !known || text.push(character).is_err() {
            return Err(VinError::Character {
                place: index + 1,
                character,
                meant: meant(character),
            });
        }
    }
    Ok(Vin(text))
}

/// What people mean who write something else: the barred letters, lower case, and the Cyrillic letters that look the same.
fn meant(character: char) -> Option<char> {
    Some(match character.to_uppercase().next()? {
        'I' | 'І' | '|' => '1',
        'O' | 'Q' | 'О' => '0',
        'А' => 'A',
        'В' => 'B',
        'Е' => 'E',
        'К' => 'K',
        'М' => 'M',
        'Н' => 'H',
        'Р' => 'P',
        'С' => 'C',
        'Т' => 'T',
        'У' => 'Y',
        'Х' => 'X',
        upper if u8::try_from(upper).is_ok_and(|byte| index_of(byte).is_some()) => upper,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn errors_say_what_was_meant() {
        let error = |text: &str| text.parse::<Vin>().unwrap_err().to_string();
        assert_eq!(
            error("WVWZZZ1JZYW00000I"),
            "'I' at place 17 cannot stand in a VIN: probably 1 was meant"
        );
        assert_eq!(
            error("ХW8ZZZ1KZ9G000123"), // the first letter is Cyrillic
            "'Х' at place 1 cannot stand in a VIN: probably X was meant"
        );
        assert_eq!(
            error("wVWZZZ1JZYW000001"),
            "'w' at place 1 cannot stand in a VIN: probably W was meant"
        );
        assert_eq!(
            error("WVWZZZ1JZYW00000#"),
            "'#' at place 17 cannot stand in a VIN: it takes A-Z without I, O, Q, and 0-9"
        );
        assert_eq!(error("WVW"), "a VIN has 17 characters, this has 3");
        assert_eq!(error("ёёёёёёёёё"), "a VIN has 17 characters, this has 9");
    }

    #[test]
    fn the_lenient_parser_counts_what_is_left() {
        let lenient = |text| Vin::parse_lenient(text);
        assert_eq!(
            lenient(" 1M8-GDM9A XKP042788\n").unwrap().as_str(),
            "1M8GDM9AXKP042788"
        );
        assert_eq!(lenient("1M8-GDM9A").unwrap_err(), VinError::Length(8));
        assert!(matches!(
            lenient("1M8 GDM9AXKPo42788").unwrap_err(),
            VinError::Character {
                place: 12,
                meant: Some('0'),
                ..
            }
        ));
    }

    proptest! {
        #[test]
        fn displaying_and_parsing_give_the_same(text in "[0-9A-HJ-NPR-Z]{17}") {
            let vin: Vin = text.parse().unwrap();
            prop_assert_eq!(vin.to_string(), &text[..]);
            prop_assert_eq!(Vin::parse_lenient(&text.to_lowercase()).unwrap(), vin);
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            prop_assert!(text.parse::<Vin>().is_err() || text.len() == LENGTH);
            let _ = Vin::parse_lenient(&text);
        }
    }
}
