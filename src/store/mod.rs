//! The outbox: reads wait in a small database until the broker has confirmed them. Survives a power cut at any line.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{fs, io};

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

/// The layout of the database, kept in its `user_version`.
const VERSION: i64 = 1;

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
    #[error("store: {0}")]
    Database(#[from] rusqlite::Error),
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
}

/// Reads in the order they were made.
pub struct Store {
    database: Mutex<Connection>,
}

impl Store {
    /// Opens or creates it. A damaged file is put aside as `….damaged`, so that the station goes on.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|source| StoreError::Io {
                path: path.into(),
                source,
            })?;
        }
        match Self::connect(path) {
            Err(StoreError::Database(error)) if is_damage(&error) => {
                let mut aside = path.as_os_str().to_owned();
                aside.push(".damaged");
                log::error!(
                    "store {}: {error}; it is put aside as {} and a new one begun",
                    path.display(),
                    aside.display()
                );
                fs::rename(path, &aside).map_err(|source| StoreError::Io {
                    path: path.into(),
                    source,
                })?;
                Self::connect(path)
            }
            other => other,
        }
    }

    fn connect(path: &Path) -> Result<Self, StoreError> {
        let mut database = Connection::open(path)?;
        database.busy_timeout(Duration::from_secs(5))?;
        database.pragma_update(None, "journal_mode", "wal")?;
        // A read that was answered must be there after the power is cut.
        database.pragma_update(None, "synchronous", "full")?;
        // Immediate, lest two that open a new store both lay it out.
        let layout = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found: i64 = layout.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if found > VERSION {
            return Err(StoreError::Newer {
                path: path.into(),
                found,
            });
        }
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
        Ok(Self {
            database: Mutex::new(database),
        })
    }

    /// A panic elsewhere leaves a connection that is still sound: transactions roll back.
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a read; its message is made knowing its number. On return it is on the disk.
    pub fn append(&self, message: impl FnOnce(i64) -> String) -> Result<Pending, StoreError> {
        let mut database = self.lock();
        let transaction = database.transaction()?;
        transaction.execute("INSERT INTO reads (payload) VALUES ('')", [])?;
        let sequence = transaction.last_insert_rowid();
        let payload = message(sequence);
        transaction.execute(
            "UPDATE reads SET payload = ?2 WHERE sequence = ?1",
            params![sequence, payload],
        )?;
        transaction.commit()?;
        Ok(Pending { sequence, payload })
    }

    /// The oldest read that the broker does not have.
    pub fn oldest_pending(&self) -> Result<Option<Pending>, StoreError> {
        let found = self
            .lock()
            .query_row(
                "SELECT sequence, payload FROM reads WHERE delivered = 0 ORDER BY sequence LIMIT 1",
                [],
                |row| {
                    Ok(Pending {
                        sequence: row.get(0)?,
                        payload: row.get(1)?,
                    })
                },
            )
            .optional()?;
        Ok(found)
    }

    /// The broker has it.
    pub fn delivered(&self, sequence: i64) -> Result<(), StoreError> {
        self.lock().execute(
            "UPDATE reads SET delivered = 1 WHERE sequence = ?1",
            [sequence],
        )?;
        Ok(())
    }

    /// How many reads wait.
    pub fn pending(&self) -> Result<u64, StoreError> {
        let count = self.lock().query_row(
            "SELECT count(*) FROM reads WHERE delivered = 0",
            [],
            |row| row.get::<_, i64>(0),
        )?;
        Ok(count.unsigned_abs())
    }
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
        let oldest = store.oldest_pending().unwrap().unwrap();
        assert_eq!((oldest.sequence, oldest.payload.as_str()), (2, "read 2"));
        assert_eq!(store.pending().unwrap(), 2);
        store.delivered(2).unwrap();
        store.delivered(3).unwrap();
        assert_eq!(store.oldest_pending().unwrap(), None);
        assert_eq!(store.append(|_| String::new()).unwrap().sequence, 4);
    }

    #[test]
    fn a_damaged_store_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reads.sqlite");
        fs::write(&path, vec![7; 5000]).unwrap();
        let store = Store::open(&path).unwrap();
        assert_eq!(store.append(|_| "a".into()).unwrap().sequence, 1);
        assert_eq!(
            fs::read(folder.path().join("reads.sqlite.damaged")).unwrap(),
            vec![7; 5000]
        );
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
