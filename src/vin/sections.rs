//! The parts of a VIN: ISO 3779 (maker 1-3, descriptors 4-9, indicators 10-17) and, within it, the custom of 49 CFR 565
//! (descriptors 4-8, check digit 9, year 10, plant 11).

use super::Vin;

impl Vin {
    /// World manufacturer identifier: places 1 to 3 (ISO 3780).
    pub fn wmi(&self) -> &str {
        &self.as_str()[..3]
    }

    /// Vehicle descriptor section: places 4 to 9 (ISO 3779). North America and China keep place 9 for the check digit.
    pub fn vds(&self) -> &str {
        &self.as_str()[3..9]
    }

    /// Vehicle indicator section: places 10 to 17 (ISO 3779).
    pub fn vis(&self) -> &str {
        &self.as_str()[9..]
    }

    /// Place 11: the plant in North America and China, often elsewhere.
    pub fn plant(&self) -> char {
        char::from(self.as_bytes()[10])
    }

    /// Whether the maker builds fewer than 1,000 vehicles a year (once 500): a 9 in third place, and places 12 to 14 belong to
    /// the maker's code (ISO 3780).
    pub fn of_small_maker(&self) -> bool {
        self.as_bytes()[2] == b'9'
    }

    /// The maker's whole code: three characters, or six for a small maker.
    pub fn maker_code(&self) -> heapless::String<6, u8> {
        let mut code = heapless::String::new();
        // Cannot overflow: 3 + 3 characters.
        let _ = code.push_str(self.wmi());
        if self.of_small_maker() {
            let _ = code.push_str(&self.as_str()[11..14]);
        }
        code
    }

    /// The running number: the last six characters, or three after a small maker's code.
    pub fn serial(&self) -> &str {
        &self.as_str()[if self.of_small_maker() { 14 } else { 11 }..]
    }
}
