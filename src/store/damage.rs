//! A damaged file is set aside with its log, and what can still be read of the waiting reads goes on in a new one.
//!
//! The new file is complete before the old one is touched. A power cut at any line leaves one of them at the path, or the
//! new one beside it, which then takes the place at the next start.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::{fs, io};

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::database::{Row, State};
use super::migrations::{self, LAYOUT_1};

const MARK: &str = ".damaged-";
/// The log that SQLite keeps beside the database, and its index, which is made anew from it.
const LOG: &str = "-wal";
const INDEX: &str = "-shm";
/// Reads that cannot be read, one after the other, after which no more are looked for.
const HOPELESS: u32 = 2000;

/// A new file that is complete, and one that is being written.
const NEW: &str = ".new";
const UNFINISHED: &str = ".new-part";

/// Writes a new file with these reads, not finished yet.
pub fn write_new<'a>(
    path: &Path,
    state: State,
    rows: impl Iterator<Item = &'a Row>,
) -> rusqlite::Result<()> {
    let mut database = Connection::open(with(path, UNFINISHED))?;
    // What is not finished counts for nothing: it needs no journal, and is synced once, at the end.
    database.pragma_update(None, "journal_mode", "off")?;
    database.pragma_update(None, "synchronous", "off")?;
    migrations::migrate(&mut database)?;
    let transaction = database.transaction()?;
    for row in rows {
        row.insert(&transaction)?;
    }
    state.note(&transaction)?;
    transaction.commit()?;
    database.close().map_err(|(_, error)| error)
}

/// Makes it the one that is complete.
pub fn finish_new(path: &Path) -> io::Result<()> {
    let unfinished = with(path, UNFINISHED);
    File::open(&unfinished)?.sync_all()?;
    fs::rename(unfinished, with(path, NEW))?;
    sync_folder(path)
}

/// Removes one that was not finished.
pub fn discard_new(path: &Path) -> io::Result<()> {
    unless_missing(fs::remove_file(with(path, UNFINISHED))).map(drop)
}

/// Puts a new file that is complete, if there is one, in the place of the damaged one. Where that is now.
pub fn take_over(path: &Path) -> io::Result<Option<PathBuf>> {
    // One that a power cut left unfinished is in nobody's way.
    let _ = discard_new(path);
    let new = with(path, NEW);
    if !new.exists() {
        return Ok(None);
    }
    let aside = set_aside(path)?;
    // No log of the old file may stand beside the new one.
    sync_folder(path)?;
    fs::rename(new, path)?;
    sync_folder(path)?;
    Ok(aside)
}

/// Renames the file and what belongs to it. Its new name, if there was anything.
fn set_aside(path: &Path) -> io::Result<Option<PathBuf>> {
    let time = Timestamp::now().as_second();
    let free = |aside: &PathBuf| !aside.exists() && !with(aside, LOG).exists();
    let aside = match begun(path) {
        Some(aside) => aside,
        None => (0..)
            .map(|n| match n {
                0 => with(path, &format!("{MARK}{time}")),
                n => with(path, &format!("{MARK}{time}-{n}")),
            })
            .find(free)
            .ok_or(io::ErrorKind::AlreadyExists)?,
    };
    let mut moved = false;
    // The log goes first: the file means less without it than it without the file.
    for end in [LOG, ""] {
        moved |= unless_missing(fs::rename(with(path, end), with(&aside, end)))?;
    }
    unless_missing(fs::remove_file(with(path, INDEX)))?;
    Ok(moved.then_some(aside))
}

/// Where a file was being set aside when a power cut left its log alone there.
fn begun(path: &Path) -> Option<PathBuf> {
    let log_of = |file: PathBuf| file.to_str()?.strip_suffix(LOG).map(PathBuf::from);
    set_aside_files(path).into_iter().rev().find_map(log_of)
}

/// The files that were set aside and that nobody has taken away; what belongs to one of them is not named beside it.
pub fn set_aside_files(path: &Path) -> Vec<PathBuf> {
    let Some(name) = path.file_name() else {
        return Vec::new();
    };
    let mut begin = name.to_owned();
    begin.push(MARK);
    let belongs = |file: &Path| {
        let file = file.to_str();
        [LOG, INDEX].iter().any(|end| {
            let base = file.and_then(|file| file.strip_suffix(*end));
            base.is_some_and(|base| Path::new(base).exists())
        })
    };
    let names = fs::read_dir(folder(path)).into_iter().flatten().flatten();
    let mut found: Vec<_> = names
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().as_encoded_bytes();
            name.starts_with(begin.as_encoded_bytes()) && !belongs(path)
        })
        .collect();
    found.sort();
    found
}

/// Whether there was such a file.
fn unless_missing(done: io::Result<()>) -> io::Result<bool> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        other => other.map(|()| true),
    }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// What was renamed stays so after a power cut.
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder(path))?.sync_all()
}

fn with(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    name.into()
}

/// What could be read of a damaged file.
#[derive(Default)]
pub struct Salvaged {
    state: State,
    /// In order.
    pub rows: Vec<Row>,
}

impl Salvaged {
    /// As far as it is known.
    pub fn state(&self) -> State {
        let seen = State {
            last: self.rows.last().map_or(0, |row| row.sequence),
            ..State::default()
        };
        self.state.max(seen)
    }
}

/// Takes out what waits, each read on its own. `delivered`: up to where the broker is known to have them.
pub fn salvage(path: &Path, delivered: i64) -> Salvaged {
    let mut salvaged = Salvaged::default();
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let Ok(database) = Connection::open_with_flags(path, flags) else {
        return salvaged;
    };
    // The last page may be damaged, which holds the last number, but a cursor that cannot be must not hide what waits.
    let last = database.query_row("SELECT max(sequence) FROM reads", [], |row| row.get(0));
    let last = last.unwrap_or(i64::MAX);
    let state = State::read(&database).unwrap_or_default();
    if state.delivered <= state.last.max(last) {
        salvaged.state = state;
    }
    let mut after = delivered.max(salvaged.state.delivered);
    let today = "SELECT sequence, id, vin, decided_at, payload, seal FROM reads WHERE";
    let before = format!("SELECT * FROM ({LAYOUT_1} WHERE delivered = 0) WHERE");
    let ways = [today, before.as_str()];
    let query = |way: &str| format!("{way} sequence > ?1 ORDER BY sequence LIMIT 1");
    let Some(mut next) = ways
        .iter()
        .find_map(|way| database.prepare(&query(way)).ok())
    else {
        return salvaged;
    };
    let mut failures = 0;
    while failures < HOPELESS {
        match next.query_row([after], Row::read).optional() {
            Ok(Some(row)) if row.sequence > after => {
                after = row.sequence;
                salvaged.rows.push(row);
                failures = 0;
            }
            Ok(_) => break,
            Err(_) => {
                after += 1;
                failures += 1;
            }
        }
    }
    salvaged
}
