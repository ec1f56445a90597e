//! No text makes the VIN room panic, and what it accepts stays what it is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vinspect::vin::{CheckDigit, Shown, Vin, looks_like};

fuzz_target!(|text: &str| {
    if let Err(error) = text.parse::<Vin>() {
        assert!(!error.to_string().is_empty());
    }
    let Ok(vin) = Vin::parse_lenient(text) else {
        return;
    };
    assert_eq!(vin.as_str().parse::<Vin>().as_ref(), Ok(&vin));
    for year in [i16::MIN, 1979, 2026, i16::MAX] {
        let decoded = vin.decode(year);
        assert!(!decoded.year_conclusive || decoded.model_years.len() == 1);
    }
    for correction in vin.corrections(|_, old, new| looks_like(old, new)) {
        assert_eq!(correction.vin.check_digit(), CheckDigit::Pass);
        assert_ne!(vin.compare(&correction.vin), vin.compare(&vin));
    }
    for shown in [Shown::Whole, Shown::Model, Shown::Maker] {
        assert_eq!(vin.masked(shown).to_string().len(), 17);
    }
});
