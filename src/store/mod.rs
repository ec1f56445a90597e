//! The outbox: reads wait in a small database until the broker has confirmed them. Survives a power cut at any line.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, ffi, params};

/// The layout of the database, kept in its `user_version`.
const VERSION: i64 = 1;
/// How long a store that others use is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// Delivered reads that stay; older ones make room.
const KEPT: i64 = 10_000;

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Its folder cannot be made.
    #[error("store {}: {source}; the folder must be writable for vinspect", path.display())]
    Io {
        /// Where the store should be.
        path: PathBuf,
        /// The file system's words.
        source: io::Error,
    },
    /// The database fails.
    #[error("store {}: {source}; its folder must be writable, and the disk must have room", path.display())]
    Database {
        /// Where it is.
        path: PathBuf,
        /// SQLite's words.
        source: rusqlite::Error,
    },
    /// It was written by a later version of vinspect.
    #[error("store {} has the layout {found}, this vinspect knows {VERSION}; use the newer vinspect or another path", path.display())]
    Newer {
        /// Where it is.
        path: PathBuf,
        /// Its layout.
        found: i64,
    },
}

/// A read that the broker does not have yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Counts all reads of this store from 1, without gaps.
    pub sequence: i64,
    /// The message.
    pub payload: String,
    /// When the verdict was reached.
    pub decided_at: Timestamp,
}

/// Reads in the order they were made.
pub struct Store {
    path: PathBuf,
    database: Mutex<Connection>,
}

impl Store {
    /// Opens or creates it. A damaged file is put aside as `….damaged-<unix time>`, so that the station goes on.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let refused = |source| StoreError::Io {
            path: path.into(),
            source,
        };
        let failed = |source| StoreError::Database {
            path: path.into(),
            source,
        };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(refused)?;
        }
        let (database, found) = match connect_patiently(path) {
            Err(error) if is_damage(&error) => {
                let mut aside = path.as_os_str().to_owned();
                aside.push(format!(".damaged-{}", Timestamp::now().as_second()));
                log::error!(
                    "store {}: {error}; it is put aside as {} and a new one begun",
                    path.display(),
                    aside.display()
                );
                fs::rename(path, &aside).map_err(refused)?;
                connect(path).map_err(failed)?
            }
            other => other.map_err(failed)?,
        };
        if found > VERSION {
            return Err(StoreError::Newer {
                path: path.into(),
                found,
            });
        }
        Ok(Self {
            path: path.into(),
            database: Mutex::new(database),
        })
    }

    fn with<T>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        // A panic elsewhere leaves a connection that is still sound: transactions roll back.
        let mut database = self.database.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut database).map_err(|source| StoreError::Database {
            path: self.path.clone(),
            source,
        })
    }

    /// Keeps a read; its message is made knowing its number. On return it is on the disk.
    pub fn append(&self, message: impl FnOnce(i64) -> String) -> Result<Pending, StoreError> {
        self.with(|database| {
            let transaction = database.transaction()?;
            transaction.execute("INSERT INTO reads (payload) VALUES ('')", [])?;
            let sequence = transaction.last_insert_rowid();
            let payload = message(sequence);
            transaction.execute(
                "UPDATE reads SET payload = ?2 WHERE sequence = ?1",
                params![sequence, payload],
            )?;
            transaction.commit()?;
            Ok(Pending {
                sequence,
                payload,
                decided_at: Timestamp::now(),
            })
        })
    }

    /// The oldest read after a number that the broker does not have.
    pub fn oldest_pending(&self, after: i64) -> Result<Option<Pending>, StoreError> {
        self.with(|database| {
            database
                .query_row(
                    "SELECT sequence, payload FROM reads WHERE delivered = 0 AND sequence > ?1 ORDER BY sequence LIMIT 1",
                    [after],
                    |row| {
                        Ok(Pending {
                            sequence: row.get(0)?,
                            payload: row.get(1)?,
                            decided_at: Timestamp::now(),
                        })
                    },
                )
                .optional()
        })
    }

    /// Shim.
    pub fn pending_after(&self, after: i64, _: usize) -> Result<Vec<Pending>, StoreError> {
        Ok(self.oldest_pending(after)?.into_iter().collect())
    }

    /// The broker has it. The last [`KEPT`] delivered reads stay to be looked at.
    pub fn delivered(&self, sequence: i64) -> Result<(), StoreError> {
        self.with(|database| {
            let transaction = database.transaction()?;
            transaction.execute(
                "UPDATE reads SET delivered = 1 WHERE sequence = ?1",
                [sequence],
            )?;
            transaction.execute(
                "DELETE FROM reads WHERE delivered = 1 AND sequence <= ?1",
                [sequence - KEPT],
            )?;
            transaction.commit()
        })
    }

    /// How many reads wait.
    pub fn pending(&self) -> Result<u64, StoreError> {
        self.with(|database| {
            let count: i64 = database.query_row(
                "SELECT count(*) FROM reads WHERE delivered = 0",
                [],
                |row| row.get(0),
            )?;
            Ok(count.unsigned_abs())
        })
    }
}

/// Two that open a new store at once would both switch it to WAL, which does not wait as everything else does.
fn connect_patiently(path: &Path) -> rusqlite::Result<(Connection, i64)> {
    let start = Instant::now();
    loop {
        match connect(path) {
            Err(error) if is_busy(&error) && start.elapsed() < PATIENCE => {
                thread::sleep(Duration::from_millis(20));
            }
            other => return other,
        }
    }
}

/// A sound database and the layout it had; that of a later version is left as it is.
fn connect(path: &Path) -> rusqlite::Result<(Connection, i64)> {
    let mut database = Connection::open(path)?;
    database.busy_timeout(PATIENCE)?;
    database.pragma_update(None, "journal_mode", "wal")?;
    // A read that was answered must be there after the power is cut.
    database.pragma_update(None, "synchronous", "full")?;
    let health: String = database.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if health != "ok" {
        let damage = ffi::Error::new(ffi::SQLITE_CORRUPT);
        return Err(rusqlite::Error::SqliteFailure(damage, Some(health)));
    }
    // Immediate, lest two that open a new store both lay it out.
    let layout = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = layout.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found < 1 {
        layout.execute_batch(
            "CREATE TABLE reads (
                 sequence INTEGER PRIMARY KEY AUTOINCREMENT,
                 payload TEXT NOT NULL,
                 delivered INTEGER NOT NULL DEFAULT 0
             );
             CREATE INDEX undelivered ON reads (sequence) WHERE delivered = 0;
             PRAGMA user_version = 1;",
        )?;
    }
    layout.commit()?;
    Ok((database, found))
}

fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
}

fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    matches!(
        error.sqlite_error_code(),
        Some(DatabaseCorrupt | NotADatabase)
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn reads_stay_in_order_until_delivered_over_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/reads.sqlite");
        let store = Store::open(&path).unwrap();
        for _ in 0..3 {
            store.append(|sequence| format!("read {sequence}")).unwrap();
        }
        store.delivered(1).unwrap();
        drop(store);
        let store = Store::open(&path).unwrap();
        let oldest = store.oldest_pending(0).unwrap().unwrap();
        assert_eq!((oldest.sequence, oldest.payload.as_str()), (2, "read 2"));
        assert_eq!(store.pending().unwrap(), 2);
        store.delivered(2).unwrap();
        store.delivered(3).unwrap();
        assert_eq!(store.oldest_pending(0).unwrap(), None);
        assert_eq!(store.append(|_| String::new()).unwrap().sequence, 4);
    }

    #[test]
    fn a_damaged_store_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reads.sqlite");
        fs::write(&path, vec![7; 5000]).unwrap();
        let store = Store::open(&path).unwrap();
        assert_eq!(store.append(|_| "a".into()).unwrap().sequence, 1);
        assert_eq!(put_aside(folder.path()), vec![7; 5000]);
    }

    #[test]
    fn damage_deep_inside_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reads.sqlite");
        let store = Store::open(&path).unwrap();
        for _ in 0..100 {
            store
                .append(|sequence| format!("{sequence:01000}"))
                .unwrap();
        }
        drop(store);
        let mut bytes = fs::read(&path).unwrap();
        let last_page = bytes.len() - 4096;
        bytes[last_page..].fill(0xa5);
        fs::write(&path, &bytes).unwrap();
        let store = Store::open(&path).unwrap();
        assert_eq!(store.append(|_| "a".into()).unwrap().sequence, 1);
        assert_eq!(put_aside(folder.path()), bytes);
    }

    fn put_aside(folder: &Path) -> Vec<u8> {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
        let is_damaged = |name: &fs::DirEntry| {
            let name = name.file_name().into_string().unwrap();
            name.starts_with("reads.sqlite.damaged-")
        };
        let mut found = names.filter(is_damaged);
        fs::read(found.next().unwrap().path()).unwrap()
    }

    #[test]
    fn old_delivered_reads_make_room() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("reads.sqlite")).unwrap();
        store.append(|_| "undelivered".into()).unwrap();
        store.append(|_| "old".into()).unwrap();
        store.delivered(2).unwrap();
        store
            .with(|database| {
                let last = 2 + KEPT;
                database.execute(
                    "INSERT INTO reads (sequence, payload) VALUES (?1, 'new')",
                    [last],
                )
            })
            .unwrap();
        store.delivered(2 + KEPT).unwrap();
        let left: Vec<i64> = store
            .with(|database| {
                let mut rows = database.prepare("SELECT sequence FROM reads ORDER BY sequence")?;
                rows.query_map([], |row| row.get(0))?.collect()
            })
            .unwrap();
        assert_eq!(left, [1, 2 + KEPT]);
    }

    #[test]
    fn a_store_of_the_future_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reads.sqlite");
        Connection::open(&path)
            .unwrap()
            .pragma_update(None, "user_version", 9)
            .unwrap();
        let error = Store::open(&path).err().unwrap().to_string();
        assert!(error.contains("layout 9"), "{error}");
    }
}
