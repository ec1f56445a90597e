//! The store from outside, while the daemon runs or not: what stands in it, and reads that are to be forgotten.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, ToSql, TransactionBehavior, params};

use super::database::{self, Row, State, failed};
use super::{Pending, StoreError, damage};

/// Reads taken out at once: between two batches the daemon may bring its log into the file.
const BATCH: i64 = 256;

/// A store that is there; none is made.
pub struct History {
    path: PathBuf,
    database: Connection,
}

/// A read that the store has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The read.
    pub read: Pending,
    /// Whether the broker is known to have it. What is delivered is noted within a minute.
    pub delivered: bool,
}

/// Reads to be forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those in whose message this VIN stands, be it as a candidate only.
    Vin(String),
    /// Those decided before.
    Before(Timestamp),
}

/// What was forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forgotten {
    /// Reads that were removed.
    pub reads: u64,
    /// Damaged files that were set aside earlier and may hold them still.
    pub set_aside: Vec<PathBuf>,
}

impl History {
    /// Opens a store, of an older layout, too; one that cannot be written can still be read.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        if !path.exists() {
            return Err(StoreError::Missing { path: path.into() });
        }
        let database = match database::connect(path, false) {
            Ok((database, _)) => database,
            // A card that is read in another machine, perhaps.
            Err(error @ StoreError::Database { .. }) if !database::is_damage(&error) => {
                database::look(path).ok_or(error)?.0
            }
            Err(error) => return Err(error),
        };
        let path = path.into();
        Ok(Self { path, database })
    }

    /// The reads decided from `since` on and before `until`, in order, a batch after the other.
    pub fn reads(
        &self,
        since: Timestamp,
        until: Option<Timestamp>,
    ) -> impl Iterator<Item = Result<Kept, StoreError>> {
        let mut after = Some(0);
        let batches = std::iter::from_fn(move || {
            let batch = self.batch(after?, since, until);
            let last = batch.as_ref().ok().and_then(|batch| batch.last());
            after = last.map(|kept| kept.read.sequence);
            Some(batch)
        });
        batches.flat_map(|batch| match batch {
            Ok(batch) => batch.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(failed(&self.path, error))],
        })
    }

    fn batch(
        &self,
        after: i64,
        since: Timestamp,
        until: Option<Timestamp>,
    ) -> rusqlite::Result<Vec<Kept>> {
        let delivered = State::load(&self.database)?.delivered;
        let mut statement = self.database.prepare_cached(
            "SELECT sequence, id, vin, decided_at, payload, seal FROM reads
             WHERE sequence > ?1 AND decided_at >= ?2 AND decided_at < ?3 ORDER BY sequence LIMIT ?4",
        )?;
        let until = until.map_or(i64::MAX, |time| time.as_millisecond());
        let rows = statement.query_map([after, since.as_millisecond(), until, BATCH], Row::read)?;
        rows.map(|row| {
            row.map(|row| Kept {
                delivered: row.sequence <= delivered,
                read: row.into(),
            })
        })
        .collect()
    }

    /// Removes reads, and their bytes from the file and its log. Undelivered ones only if that is asked for.
    pub fn forget(&mut self, which: &Which, undelivered: bool) -> Result<Forgotten, StoreError> {
        let removed = self
            .remove(which, undelivered)
            .map_err(|source| failed(&self.path, source))?;
        let reads = match removed {
            Removal::Done(reads) => reads,
            Removal::Refused { found, undelivered } => {
                return Err(StoreError::Undelivered { found, undelivered });
            }
        };
        // Also if none was found: the bytes of one that went for its age may be in free pages.
        self.clean().map_err(|source| StoreError::NotCleaned {
            path: self.path.clone(),
            removed: reads,
            source,
        })?;
        Ok(Forgotten {
            reads,
            set_aside: damage::set_aside_files(&self.path),
        })
    }

    fn remove(&mut self, which: &Which, undelivered: bool) -> rusqlite::Result<Removal> {
        let (condition, value): (_, Box<dyn ToSql>) = match which {
            Which::Vin(vin) => (
                "(vin = ?1 OR instr(payload, ?1) > 0)",
                Box::new(vin.clone()),
            ),
            Which::Before(time) => ("decided_at < ?1", Box::new(time.as_millisecond())),
        };
        let transaction = self
            .database
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let state = State::load(&transaction)?;
        let (found, waiting): (u64, u64) = transaction.query_row(
            &format!("SELECT count(*), count(*) FILTER (WHERE sequence > ?2) FROM reads WHERE {condition}"),
            params![value, state.delivered],
            |row| Ok((count(row, 0)?, count(row, 1)?)),
        )?;
        if waiting > 0 && !undelivered {
            let undelivered = waiting;
            return Ok(Removal::Refused { found, undelivered });
        }
        // Their numbers are not given again.
        state.note(&transaction)?;
        transaction.execute(&format!("DELETE FROM reads WHERE {condition}"), [value])?;
        transaction.commit()?;
        Ok(Removal::Done(found))
    }

    /// Writes the file anew without its free pages, and empties the log.
    fn clean(&self) -> rusqlite::Result<()> {
        // Not in a temporary file, which would hold the reads for somebody to find.
        self.database
            .execute_batch("PRAGMA temp_store = memory; PRAGMA secure_delete = on; VACUUM;")?;
        let busy: bool = self
            .database
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if busy {
            let busy = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
            return Err(rusqlite::Error::SqliteFailure(busy, None));
        }
        Ok(())
    }
}

fn count(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get(column).map(i64::unsigned_abs)
}

enum Removal {
    Done(u64),
    Refused { found: u64, undelivered: u64 },
}
