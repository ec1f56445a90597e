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
    for value in [&config.reader.locator, &config.reader.recognizer] {
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
