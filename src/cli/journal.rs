//! The lines of the log: as systemd's journal wants them, with a level it knows and without the time, which it has itself; and
//! with the station, where there are several.

use std::env;
use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::thread;

use env_logger::Builder;
use log::Level;

/// Whether what is written to stderr goes straight to the journal (systemd.exec(5), `JOURNAL_STREAM`).
pub fn listens() -> bool {
    let stream = env::var("JOURNAL_STREAM");
    let stderr = fs::metadata("/proc/self/fd/2");
    matches!((stream, stderr), (Ok(stream), Ok(stderr)) if stream == format!("{}:{}", stderr.dev(), stderr.ino()))
}

/// Has every line begin with its level, for the journal or for people.
pub fn format(logger: &mut Builder, in_journal: bool) {
    logger.format(move |out, record| {
        let level = record.level();
        if in_journal {
            write!(out, "{}", prefix(level))?;
        } else {
            let style = out.default_level_style(level);
            write!(out, "{} {style}{level:5}{style:#} ", out.timestamp())?;
        }
        let thread = thread::current();
        match thread.name() {
            // A station among others.
            Some(name) if name.contains('/') => writeln!(out, "{name}: {}", record.args()),
            _ => writeln!(out, "{}", record.args()),
        }
    });
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
