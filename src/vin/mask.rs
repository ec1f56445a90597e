//! VINs that may be logged: a whole VIN points to one car, and so to its owner.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Vin;

/// What of a VIN is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// Everything.
    Whole,
    /// Maker, model and year, but not which car: places 1 to 8 and 10.
    #[default]
    Model,
    /// Places 1 to 3.
    Maker,
}

/// A VIN with asterisks for what is not shown.
#[derive(Clone, Copy, Debug)]
pub struct Masked<'a> {
    vin: &'a Vin,
    shown: Shown,
}

impl Vin {
    /// With asterisks for what is not shown.
    ///
    /// ```
    /// use vinspect::vin::{Shown, Vin};
    ///
    /// let vin: Vin = "WVWZZZ1JZYW000001".parse()?;
    /// assert_eq!(vin.masked(Shown::Model).to_string(), "WVWZZZ1J*Y*******");
    /// # Ok::<(), vinspect::vin::VinError>(())
    /// ```
    pub fn masked(&self, shown: Shown) -> Masked<'_> {
        Masked { vin: self, shown }
    }
}

impl fmt::Display for Masked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, character) in (1..).zip(self.vin.as_str().chars()) {
            let shown = match self.shown {
                Shown::Whole => true,
                Shown::Model => place <= 8 || place == 10,
                Shown::Maker => place <= 3,
            };
            write!(f, "{}", if shown { character } else { '*' })?;
        }
        Ok(())
    }
}
