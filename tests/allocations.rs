//! Parsing, checking, decoding, comparing, correcting and showing VINs takes no memory from the heap.
#![allow(clippy::unwrap_used)]

use std::fmt::Write;
use std::hint::black_box;

use vinspect::vin::{Shown, Vin, looks_like};

#[test]
fn vins_are_parsed_checked_and_decoded_without_allocating() {
    let table = include_str!("vins.tsv");
    let texts: Vec<&str> = table
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split('\t').nth(1).unwrap())
        .collect();
    let mut shown = heapless::String::<200>::new();
    let counted = allocation_counter::measure(|| {
        for text in &texts {
            let vin: Vin = black_box(text).parse().unwrap();
            black_box(Vin::parse_lenient(text).unwrap() == vin);
            black_box((vin.check_digit(), vin.check_digit_reason()));
            black_box(vin.decode(2026));
            black_box(vin.compare(&vin));
            black_box(vin.corrections(|_, old, new| looks_like(old, new)));
            shown.clear();
            write!(shown, "{vin} {} ", vin.masked(Shown::Model)).unwrap();
            write!(shown, "{}", vin.check_digit_reason()).unwrap();
        }
        black_box("no VIN".parse::<Vin>()).unwrap_err();
    });
    assert!(texts.len() > 30);
    assert_eq!(counted.count_total, 0);
}
