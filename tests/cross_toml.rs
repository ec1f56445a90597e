//! `Cross.toml` has no key that `cross` does not know: it would only warn, and build something else.

#![allow(missing_docs, clippy::unwrap_used)]

use toml::{Table, Value};

/// What `cross` documents of a target.
const KEYS: [&str; 8] = [
    "build-std",
    "dockerfile",
    "env",
    "image",
    "pre-build",
    "runner",
    "xargo",
    "zig",
];

#[test]
fn cross_knows_every_key() {
    let file: Table = include_str!("../Cross.toml").parse().unwrap();
    assert_eq!(file.keys().collect::<Vec<_>>(), ["target"]);
    let targets = file["target"].as_table().unwrap();
    // Those of docs/guide/cross.md.
    assert_eq!(
        targets.keys().collect::<Vec<_>>(),
        ["aarch64-unknown-linux-gnu", "armv7-unknown-linux-gnueabihf"]
    );
    for (name, target) in targets {
        let target = target.as_table().unwrap();
        for key in target.keys() {
            assert!(KEYS.contains(&key.as_str()), "{name} has {key}");
        }
        let commands = target["pre-build"].as_array().unwrap();
        assert!(commands.iter().all(Value::is_str), "{name}");
    }
}
