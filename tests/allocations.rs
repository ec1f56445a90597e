//! Nothing that is known about VINs takes memory from the heap.
#![allow(clippy::unwrap_used)]

use std::hint::black_box;

use vinspect::vin::{Shown, Vin};

#[test]
fn vins_are_parsed_checked_and_decoded_without_allocating() {
    let table = include_str!("vins.tsv");
    let texts: Vec<&str> = table
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split('\t').nth(1).unwrap())
        .collect();
    let counted = allocation_counter::measure(|| {
        for text in &texts {
            let vin: Vin = black_box(text).parse().unwrap();
            black_box(Vin::parse_lenient(text).unwrap() == vin);
            black_box((vin.check_digit(), vin.check_digit_reason()));
            black_box(vin.decode(2026));
            black_box(vin.compare(&vin));
            black_box(vin.masked(Shown::Model));
        }
        black_box("no VIN".parse::<Vin>()).unwrap_err();
    });
    assert!(texts.len() > 30);
    assert_eq!(counted.count_total, 0);
}
