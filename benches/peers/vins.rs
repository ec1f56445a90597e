//! VINs to measure with, made up from real makers' codes.

use vinspect::vin::{ALPHABET, Vin};

/// As many VINs, the same on every run. Check digits hold, since some crates stop at those that do not.
pub fn vins(count: usize) -> Vec<String> {
    const CODES: [&str; 12] = [
        "1HG", "1FT", "2T3", "3VW", "5YJ", "WVW", "WBA", "LSG", "JTD", "KMH", "XTA", "9BW",
    ];
    let mut state = 1_u64;
    let mut random = move |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut vin = || {
        let mut text = CODES[random(CODES.len())].as_bytes().to_vec();
        text.extend((3..9).map(|_| ALPHABET[random(33)]));
        text.push(b"ABCDEFGHJKLMNPRSTVWXY123456789"[random(30)]);
        text.push(ALPHABET[10 + random(23)]);
        text.extend((11..17).map(|_| b'0' + random(10) as u8));
        let text = String::from_utf8_lossy(&text).into_owned();
        let check = text.parse::<Vin>().map(|vin| vin.computed_check_digit());
        format!("{}{}{}", &text[..8], check.unwrap_or('0'), &text[9..])
    };
    (0..count).map(|_| vin()).collect()
}
