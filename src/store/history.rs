//! The store from outside, while the daemon runs or not: what stands in it, and reads that are to be forgotten, with their
//! pictures.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, Params, ToSql, TransactionBehavior};
use uuid::Uuid;

use super::database::{self, Row, State, failed};
use super::{Pending, StoreError, archive, damage};

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
    /// Its picture, if there is one.
    pub picture: Option<PathBuf>,
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
    /// Pictures that were removed.
    pub pictures: u64,
    /// Pictures that are left and belong to no read, and their folder: there are some beside a store that was damaged.
    pub strange_pictures: (u64, PathBuf),
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
        let pictures = archive::folder(&self.path);
        let until = until.map_or(i64::MAX, |time| time.as_millisecond());
        let rows = statement.query_map([after, since.as_millisecond(), until, BATCH], Row::read)?;
        rows.map(|row| {
            row.map(|row| Kept {
                delivered: row.sequence <= delivered,
                picture: Some(archive::file(&pictures, (row.sequence, row.id)))
                    .filter(|picture| picture.exists()),
                read: row.into(),
            })
        })
        .collect()
    }

    /// Removes reads and their pictures, and the bytes from the file and its log. Undelivered ones only if that is asked for.
    pub fn forget(&mut self, which: &Which, undelivered: bool) -> Result<Forgotten, StoreError> {
        let (reads, pictures) = self.remove(which, undelivered)?;
        // Also if none was found: the bytes of one that went for its age may be in free pages.
        self.clean().map_err(|source| StoreError::NotCleaned {
            path: self.path.clone(),
            removed: reads,
            source,
        })?;
        Ok(Forgotten {
            reads,
            pictures,
            strange_pictures: self.strange_pictures()?,
            set_aside: damage::set_aside_files(&self.path),
        })
    }

    /// How many reads and pictures.
    fn remove(&mut self, which: &Which, undelivered: bool) -> Result<(u64, u64), StoreError> {
        let (condition, value): (_, Box<dyn ToSql>) = match which {
            Which::Vin(vin) => (
                "(vin = ?1 OR instr(payload, ?1) > 0)",
                Box::new(vin.clone()),
            ),
            Which::Before(time) => ("decided_at < ?1", Box::new(time.as_millisecond())),
        };
        let path = &self.path;
        let of_database = |source| failed(path, source);
        let transaction = self
            .database
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(of_database)?;
        let state = State::load(&transaction).map_err(of_database)?;
        let names = names(&transaction, condition, [&value]).map_err(of_database)?;
        let found = names.len() as u64;
        let waiting = names.iter().filter(|(number, _)| *number > state.delivered);
        let waiting = waiting.count() as u64;
        if waiting > 0 && !undelivered {
            let undelivered = waiting;
            return Err(StoreError::Undelivered { found, undelivered });
        }
        // Before the reads: without them nobody would know whose they are.
        let folder = archive::folder(path);
        let mut pictures = 0;
        for name in names {
            let removed = archive::remove(&folder, name).map_err(|source| StoreError::Io {
                path: archive::file(&folder, name),
                source,
            })?;
            pictures += u64::from(removed);
        }
        // Their numbers are not given again.
        state.note(&transaction).map_err(of_database)?;
        let query = format!("DELETE FROM reads WHERE {condition}");
        let removed = transaction.execute(&query, [value]);
        removed
            .and_then(|_| transaction.commit())
            .map_err(of_database)?;
        Ok((found, pictures))
    }

    fn strange_pictures(&self) -> Result<(u64, PathBuf), StoreError> {
        let folder = archive::folder(&self.path);
        let mut there = archive::pictures(&folder).map_err(|source| StoreError::Io {
            path: folder.clone(),
            source,
        })?;
        let known = names(&self.database, "true", []);
        for name in known.map_err(|source| failed(&self.path, source))? {
            there.remove(&name);
        }
        Ok((there.len() as u64, folder))
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

/// Number and id of the reads for which a condition holds.
fn names(
    database: &Connection,
    condition: &str,
    values: impl Params,
) -> rusqlite::Result<Vec<(i64, Uuid)>> {
    let query = format!("SELECT sequence, id FROM reads WHERE {condition}");
    database
        .prepare(&query)?
        .query_map(values, |row| {
            let id: String = row.get(1)?;
            Ok((row.get(0)?, Uuid::parse_str(&id).unwrap_or_default()))
        })?
        .collect()
}
