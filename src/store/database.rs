//! The SQLite file: how it is opened, its rows, and its one row of state.

use std::fs::OpenOptions;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rusqlite::{CachedStatement, Connection, ErrorCode, OpenFlags, ffi, params};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Pending, StoreError, migrations};

/// How long a store that others use is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// Pages in the write-ahead log from which on it is brought into the file.
const WAL_PAGES: i64 = 256;
/// What the log may take all the same: a transaction may be large.
pub const WAL_ROOM: u64 = 3 << 20;

/// A read as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub sequence: i64,
    pub id: Uuid,
    pub vin: Option<String>,
    pub decided_at: Timestamp,
    pub payload: String,
}

impl Row {
    /// From the columns `sequence, id, vin, decided_at, payload, seal`; an error of damage if the message is not what was
    /// written.
    pub fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        let read = Self::unsealed(row)?;
        let seal: Option<i64> = row.get(5)?;
        if seal.is_some_and(|seal| seal != read.seal()) {
            let altered = format!("the message of read {} was altered", read.sequence);
            return Err(damage(altered));
        }
        Ok(read)
    }

    fn unsealed(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            sequence: row.get(0)?,
            // Layout 1 did not ask for one.
            id: Uuid::parse_str(&row.get::<_, String>(1)?).unwrap_or_default(),
            vin: row.get(2)?,
            decided_at: Timestamp::from_millisecond(row.get(3)?).unwrap_or_default(),
            payload: row.get(4)?,
        })
    }

    /// SQLite does not check what it reads, and a flipped bit can make another VIN: the first eight bytes of the SHA-256 of
    /// number and message.
    fn seal(&self) -> i64 {
        let digest = Sha256::new()
            .chain_update(self.sequence.to_be_bytes())
            .chain_update(&self.payload)
            .finalize();
        let mut seal = [0; 8];
        seal.copy_from_slice(&digest[..8]);
        i64::from_be_bytes(seal)
    }

    /// Puts it into the database; a number that is taken is not taken twice. Whether it is there now.
    pub fn insert(&self, database: &Connection) -> rusqlite::Result<bool> {
        let inserted = database
            .prepare_cached("INSERT OR IGNORE INTO reads VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
            .execute(params![
                self.sequence,
                self.id.to_string(),
                self.vin,
                self.decided_at.as_millisecond(),
                self.payload,
                self.seal()
            ])?;
        // A commit that was told to have failed may have reached the disk.
        Ok(inserted == 1
            || database.query_row(
                "SELECT id = ?2 FROM reads WHERE sequence = ?1",
                params![self.sequence, self.id.to_string()],
                |row| row.get(0),
            )?)
    }
}

impl From<Row> for Pending {
    fn from(row: Row) -> Self {
        Self {
            sequence: row.sequence,
            id: row.id,
            decided_at: row.decided_at,
            payload: row.payload,
        }
    }
}

/// What is known of all reads together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The broker has all reads up to this number.
    pub delivered: i64,
    /// Undelivered reads that had to go.
    pub dropped: i64,
    /// The last number given.
    pub last: i64,
}

impl State {
    /// As it is written down.
    pub fn read(database: &Connection) -> rusqlite::Result<Self> {
        let query = "SELECT delivered, dropped, last FROM state";
        database.query_row(query, [], |row| {
            Ok(Self {
                delivered: row.get(0)?,
                dropped: row.get(1)?,
                last: row.get(2)?,
            })
        })
    }

    /// With the last read.
    pub fn load(database: &Connection) -> rusqlite::Result<Self> {
        let query = "SELECT coalesce(max(sequence), 0) FROM reads";
        let last = database.query_row(query, [], |row| row.get(0))?;
        let state = Self::read(database)?.max(Self {
            last,
            ..Self::default()
        });
        // A cursor beyond the last read would pass over the next ones.
        if (0..=state.last).contains(&state.delivered) {
            Ok(state)
        } else {
            Err(damage(format!("the cursor is at {}", state.delivered)))
        }
    }

    /// What both know: the numbers only ever grow.
    pub fn max(self, other: Self) -> Self {
        Self {
            delivered: self.delivered.max(other.delivered),
            dropped: self.dropped.max(other.dropped),
            last: self.last.max(other.last),
        }
    }

    /// Writes it down.
    pub fn note(&self, database: &Connection) -> rusqlite::Result<()> {
        database
            .prepare_cached(
                "UPDATE state SET delivered = max(delivered, ?1), dropped = max(dropped, ?2), last = max(last, ?3)",
            )?
            .execute([self.delivered, self.dropped, self.last])?;
        Ok(())
    }
}

/// The reads after a number, in order: number and how many at most.
pub fn rows_after(database: &Connection) -> rusqlite::Result<CachedStatement<'_>> {
    database.prepare_cached(
        "SELECT sequence, id, vin, decided_at, payload, seal FROM reads WHERE sequence > ?1 ORDER BY sequence LIMIT ?2",
    )
}

/// A sound database of today's layout. With `create`, one is made if there is none.
pub fn connect(path: &Path, create: bool) -> Result<(Connection, State), StoreError> {
    let start = Instant::now();
    let (database, state, found) = loop {
        match try_connect(path, create) {
            // Two that open a new store at once would both switch it to WAL, which does not wait as everything else does.
            Err(error) if is_busy(&error) && start.elapsed() < PATIENCE => {
                thread::sleep(Duration::from_millis(20));
            }
            other => break other.map_err(|error| failed(path, strange(path, error)))?,
        }
    };
    if found > migrations::LAYOUT {
        let path = path.into();
        return Err(StoreError::Newer { path, found });
    }
    Ok((database, state))
}

fn try_connect(path: &Path, create: bool) -> rusqlite::Result<(Connection, State, i64)> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    flags.set(OpenFlags::SQLITE_OPEN_CREATE, create);
    let mut database = Connection::open_with_flags(path, flags)?;
    database.busy_timeout(PATIENCE)?;
    if !create && database.pragma_query_value(None, "user_version", |row| row.get(0)) == Ok(0) {
        return Err(damage("this is no store of vinspect".into()));
    }
    database.pragma_update(None, "journal_mode", "wal")?;
    // A read that was answered must be there after the power is cut.
    database.pragma_update(None, "synchronous", "full")?;
    database.pragma_update(None, "wal_autocheckpoint", WAL_PAGES)?;
    // Who forgets writes a long log.
    database.pragma_update(None, "journal_size_limit", WAL_ROOM as i64)?;
    let health: String = database.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if health != "ok" {
        return Err(damage(health));
    }
    if database.is_readonly("main")? {
        let read_only = ffi::Error::new(ffi::SQLITE_READONLY);
        return Err(rusqlite::Error::SqliteFailure(read_only, None));
    }
    let found = migrations::migrate(&mut database)?;
    if found > migrations::LAYOUT {
        return Ok((database, State::default(), found));
    }
    let state = State::load(&database)?;
    rows_after(&database)?;
    Ok((database, state, found))
}

/// One that can only be read: the disk is full or takes no writing. Whatever way it can be opened.
pub fn look(path: &Path) -> Option<(Connection, State)> {
    let name: String = path
        .to_str()?
        .chars()
        .map(|c| match c {
            '%' => "%25".into(),
            '?' => "%3f".into(),
            '#' => "%23".into(),
            c => c.to_string(),
        })
        .collect();
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    // With the others' index of the log, with one in memory, and without the log.
    let ways = [
        ("mode=ro", "normal"),
        ("mode=ro", "exclusive"),
        ("immutable=1", "normal"),
    ];
    ways.into_iter().find_map(|(how, locking)| {
        let database = Connection::open_with_flags(format!("file:{name}?{how}"), flags).ok()?;
        database.busy_timeout(PATIENCE).ok()?;
        database.pragma_update(None, "locking_mode", locking).ok()?;
        let state = State::load(&database).ok()?;
        Some((database, state))
    })
}

/// Puts the path into an error of the database.
pub fn failed(path: &Path, source: rusqlite::Error) -> StoreError {
    StoreError::Database {
        path: path.into(),
        source,
    }
}

/// Tables that are not as they were made are damage, too, and so is a file that says of itself that it is not for writing.
fn strange(path: &Path, error: rusqlite::Error) -> rusqlite::Error {
    let is_writable = || OpenOptions::new().write(true).open(path).is_ok();
    let is_strange = match &error {
        rusqlite::Error::SqlInputError { .. } => true,
        rusqlite::Error::SqliteFailure(error, _) => match error.extended_code {
            ffi::SQLITE_ERROR => true,
            ffi::SQLITE_READONLY => is_writable(),
            _ => false,
        },
        _ => false,
    };
    if is_strange {
        damage(error.to_string())
    } else {
        error
    }
}

fn damage(what: String) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), Some(what))
}

fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
}

/// Whether the file says what vinspect never wrote.
pub fn is_damage(error: &StoreError) -> bool {
    use rusqlite::Error::{
        FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, QueryReturnedNoRows,
        Utf8Error,
    };
    let StoreError::Database { source, .. } = error else {
        return false;
    };
    match source {
        FromSqlConversionFailure(..)
        | IntegralValueOutOfRange(..)
        | InvalidColumnType(..)
        | QueryReturnedNoRows
        | Utf8Error(..) => true,
        _ => matches!(
            source.sqlite_error_code(),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        ),
    }
}
