//! The log as systemd's journal wants it: with a level it knows, and without the time, which it has itself.

use std::env;
use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;

use env_logger::Builder;
use log::Level;

/// Whether what is written to stderr goes straight to the journal (systemd.exec(5), `JOURNAL_STREAM`).
pub fn listens() -> bool {
    let stream = env::var("JOURNAL_STREAM");
    let stderr = fs::metadata("/proc/self/fd/2");
    matches!((stream, stderr), (Ok(stream), Ok(stderr)) if stream == format!("{}:{}", stderr.dev(), stderr.ino()))
}

/// Has every line begin with its level.
pub fn format(logger: &mut Builder) {
    logger.format(|out, record| writeln!(out, "{}{}", prefix(record.level()), record.args()));
}

/// What sd-daemon(3) puts before a line.
pub fn prefix(level: Level) -> &'static str {
    match level {
        Level::Error => "<3>",
        Level::Warn => "<4>",
        Level::Info => "<6>",
        Level::Debug | Level::Trace => "<7>",
    }
}
