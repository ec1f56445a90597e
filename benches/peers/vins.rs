//! VINs to measure with, made up from real makers' codes.

/// As many VINs, the same on every run. Check digits hold, since some crates stop at those that do not.
pub fn vins(count: usize) -> Vec<String> {
    const CODES: [&str; 12] = [
        "1HG", "1FT", "2T3", "3VW", "5YJ", "WVW", "WBA", "LSG", "JTD", "KMH", "XTA", "9BW",
    ];
    const VALUES: &[u8; 33] = b"012345678912345678123457923456789";
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let alphabet = vinspect::vin::ALPHABET;
    let mut state = 1_u64;
    let mut random = move |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut vin = || {
        let mut text = CODES[random(CODES.len())].as_bytes().to_vec();
        text.extend((3..9).map(|_| alphabet[random(33)]));
        text.push(b"ABCDEFGHJKLMNPRSTVWXY123456789"[random(30)]);
        text.push(alphabet[10 + random(23)]);
        text.extend((11..17).map(|_| b'0' + random(10) as u8));
        let value = |byte: &u8| {
            let index = alphabet.iter().position(|known| known == byte);
            index.map_or(0, |index| u32::from(VALUES[index] - b'0'))
        };
        let sum: u32 = text.iter().map(value).zip(WEIGHTS).map(|(v, w)| v * w).sum();
        text[8] = b"0123456789X"[(sum % 11) as usize];
        String::from_utf8_lossy(&text).into_owned()
    };
    (0..count).map(|_| vin()).collect()
}
