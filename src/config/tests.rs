#![allow(clippy::unwrap_used)]

use super::*;

const EXAMPLE: &str = include_str!("../../config/vinspect.toml");

fn error(text: &str) -> String {
    Config::parse(text, Path::new("v.toml"))
        .unwrap_err()
        .to_string()
}

#[test]
fn the_example_holds_the_defaults() {
    assert_eq!(
        Config::parse(EXAMPLE, Path::new("")).unwrap(),
        Config::default()
    );
}

/// With every optional key taken out of its comment, the example names all that there is.
#[test]
fn the_example_shows_every_key() {
    let uncommented: String = EXAMPLE
        .lines()
        .map(|line| {
            line.strip_prefix("#")
                .filter(|rest| !rest.starts_with(' '))
                .unwrap_or(line)
        })
        .map(|line| format!("{line}\n"))
        .collect();
    let config = Config::parse(&uncommented, Path::new("")).unwrap();
    let toml::Value::Table(all) = toml::Value::try_from(&config).unwrap() else {
        panic!("a table");
    };
    let shown: toml::Table = uncommented.parse().unwrap();
    assert_eq!(
        all.keys().collect::<Vec<_>>(),
        shown.keys().collect::<Vec<_>>()
    );
    for (section, keys) in &all {
        let keys = keys.as_table().unwrap().keys().collect::<Vec<_>>();
        let shown = shown[section]
            .as_table()
            .unwrap()
            .keys()
            .collect::<Vec<_>>();
        assert_eq!(keys, shown, "[{section}]");
    }
    let toml::Value::Table(bank) = &all["burst"]["banks"][0] else {
        panic!("a table");
    };
    let shown = shown["burst"]["banks"][0].as_table().unwrap();
    assert_eq!(
        bank.keys().collect::<Vec<_>>(),
        shown.keys().collect::<Vec<_>>()
    );
    for value in [
        &config.reader.locator,
        &config.reader.recognizer,
        &config.reader.examiner,
        &config.reader.arbiter,
    ] {
        assert!(value.is_some());
    }
}

#[test]
fn an_empty_file_is_the_defaults() {
    assert_eq!(Config::parse("", Path::new("")).unwrap(), Config::default());
}

#[test]
fn unknown_keys_are_named_with_line_and_alternatives() {
    let error = error("[mqtt]\nhots = \"x\"");
    for part in ["v.toml", "line 2", "hots", "host"] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn wrong_types_say_what_is_expected() {
    let error = error("[burst]\nframes = \"many\"");
    assert!(error.contains("line 2") && error.contains("u32"), "{error}");
}

#[test]
fn ranges_are_told_with_units() {
    let error = error("[camera]\n\nfps = 0");
    assert_eq!(
        error,
        "configuration v.toml, line 3: camera.fps = 0 is not 1 to 240 frames a second"
    );
    let hertz = super::tests::error("[camera]\npower_line_hz = 55");
    assert!(hertz.contains("line 2") && hertz.contains("0, 50 or 60 Hz"));
    assert!(super::tests::error("[station]\nsite = \"a/b\"").contains("station.site"));
}

#[test]
fn banks_that_cannot_be_are_told() {
    let banks = |keys: [&str; 2]| {
        let [first, second] = keys;
        format!("[burst]\nframes = 3\n[[burst.banks]]\n{first}\n[[burst.banks]]\n{second}\n")
    };
    for (keys, words) in [
        (["exposure_us = 5000", ""], "a bank without exposure_us"),
        (
            ["exposure_us = 9", "exposure_us = 500"],
            "exposure_us = 9 is not 100 to",
        ),
        (["crop = [0.5, 0.0, 0.6, 1.0]", ""], "line 4"),
        (["", "light = \"dim\""], "line 6"),
        (
            ["light = \"pair\"", ""],
            "\"pair\" is not possible without exposure_us",
        ),
        (
            ["exposure_us = 500\nlight = \"pair\"", "exposure_us = 500"],
            "without light.line",
        ),
        (
            ["", "[[burst.banks]]\n[[burst.banks]]"],
            "line 2: burst.frames = 3 is not one",
        ),
    ] {
        let error = error(&banks(keys));
        assert!(error.contains(words), "{error}");
    }
    let config = Config::parse(&banks(["light = \"off\"", ""]), Path::new("")).unwrap();
    let settings = config.station_settings();
    assert_eq!(settings.banks.len(), 2);
    assert_eq!(
        Config::default().station_settings(),
        station::Settings::default()
    );
}
