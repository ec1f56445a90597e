//! The outbox: reads wait in one SQLite file until the broker has confirmed them. Survives a power cut at any line. Beside it the
//! pictures of reads, which make way for them.
//!
//! ```text
//! append ─▶ unsaved (memory) ─▶ the file ─▶ pending_after ─▶ broker ─▶ delivered (one cursor)
//! ```
//!
//! What the disk does not take stays in memory, is delivered from there, and is saved as soon as the disk takes it.

mod archive;
mod count;
mod damage;
mod database;
mod history;
mod migrations;
mod outbox;
mod retention;
mod unsaved;

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use uuid::Uuid;

use archive::Archive;
pub use history::{Forgotten, History, Kept, Which};
use outbox::Outbox;

/// Between two tries of a disk that did not take something.
const RETRY: Duration = Duration::from_secs(10);
/// Between two looks for what is old.
const SWEEP_EVERY: Duration = Duration::from_secs(600);

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Its folder cannot be made, or a damaged file not be set aside.
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
    #[error("store {} has the layout {found}, this vinspect knows {}; use the newer vinspect or another path", path.display(), migrations::LAYOUT)]
    Newer {
        /// Where it is.
        path: PathBuf,
        /// Its layout.
        found: i64,
    },
    /// Another daemon has it.
    #[error("store {} is another vinspect's that runs now; stop that one, or give this one a store.path of its own", path.display())]
    Taken {
        /// Where it is.
        path: PathBuf,
    },
    /// It is not there, and who asks must not make it.
    #[error("there is no store {}; nothing was done", path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// Reads should be forgotten that nobody has yet.
    #[error(
        "{found} reads would be removed, of which {undelivered} are not known to be delivered; nothing was done: wait a \
         minute for the broker, or give --undelivered to lose them"
    )]
    Undelivered {
        /// Reads that should be forgotten.
        found: u64,
        /// Those of them that the broker does not have.
        undelivered: u64,
    },
    /// Reads were removed, but their bytes may still be in the files.
    #[error(
        "store {}: {removed} reads were removed, but the file could not be cleaned of their bytes ({source}); run the same again",
        path.display()
    )]
    NotCleaned {
        /// Where it is.
        path: PathBuf,
        /// Reads that no longer show.
        removed: u64,
        /// SQLite's words.
        source: rusqlite::Error,
    },
}

/// How much stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Delivered reads older than this go. Days; 0: they stay as long as there is room.
    pub keep_days: u32,
    /// What the file and its log may take together, mebibytes, 8 at least. Delivered reads go first.
    pub max_mb: u32,
    /// What the pictures may take, mebibytes. The oldest go first.
    pub pictures_max_mb: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            keep_days: 30,
            max_mb: 64,
            pictures_max_mb: 1024,
        }
    }
}

/// What a read is found by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Unique for ever.
    pub id: Uuid,
    /// The best reading, if there is one.
    pub vin: Option<String>,
    /// When the verdict was reached; kept to the millisecond.
    pub decided_at: Timestamp,
}

/// A read that the broker does not have yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Counts all reads of this store from 1.
    pub sequence: i64,
    /// Unique for ever.
    pub id: Uuid,
    /// When the verdict was reached, to the millisecond.
    pub decided_at: Timestamp,
    /// The message.
    pub payload: String,
}

/// Reads in the order they were made. Errors of the disk are logged, never returned: the station goes on without one.
pub struct Store {
    path: PathBuf,
    outbox: Mutex<Outbox>,
    archive: Mutex<Archive>,
    _lock: Lock,
}

/// What became of a read that was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Its number.
    pub sequence: i64,
    /// Whether it is on the disk; if not, it is in memory and delivered from there.
    pub saved: bool,
}

/// A locked file beside a store tells that a daemon has it; the lock ends with its process, however that ends.
struct Lock(Option<File>);

impl Lock {
    /// None is held where the disk does not let the file be made.
    fn take(store: &Path) -> Result<Self, StoreError> {
        let path = store.with_extension("lock");
        let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
        let open = || File::options().create(true).append(true).open(&path);
        let Ok(file) = folder.and_then(|()| open()) else {
            return Ok(Self(None));
        };
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Err(StoreError::Taken { path: store.into() }),
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Self(Some(file))),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing would do, but for programs that were just being started and have the file, too, for a moment.
        let _ = self.0.as_ref().map(File::unlock);
    }
}

impl Store {
    /// Opens or creates it. A damaged file is set aside as `….damaged-<unix time>`, and what waited in it is taken over as
    /// far as it can be read. One that can be read but not written (a full disk) is opened all the same, but not one that
    /// is open already: two daemons would publish each other's reads.
    pub fn open(path: &Path, limits: Limits) -> Result<Self, StoreError> {
        Ok(Self {
            _lock: Lock::take(path)?,
            path: path.into(),
            outbox: Mutex::new(Outbox::open(path, limits)?),
            archive: Mutex::new(Archive::open(path, limits)),
        })
    }

    /// Keeps a read; its message is made knowing its number.
    pub fn append(&self, facts: Facts, payload: impl FnOnce(i64) -> String) -> Appended {
        let mut outbox = self.outbox();
        let Appended { sequence, saved } = outbox.append(facts, payload);
        let saved = saved || self.make_way(&mut outbox);
        Appended { sequence, saved }
    }

    /// Keeps the picture of a read that is on the disk, if there is room.
    pub fn keep_picture(&self, sequence: i64, id: Uuid, jpeg: &[u8]) {
        self.archive().keep((sequence, id), jpeg);
    }

    /// Why pictures are not kept, if they should be and are not: a sentence.
    pub fn picture_trouble(&self) -> Option<String> {
        self.archive().refusal().map(ToString::to_string)
    }

    /// The first reads after a number that the broker does not have, in order.
    pub fn pending_after(&self, sequence: i64, limit: usize) -> Vec<Pending> {
        self.outbox().pending_after(sequence, limit)
    }

    /// The broker has all reads up to this number. After a power cut the last of them may be pending again.
    pub fn delivered(&self, up_to: i64) {
        self.outbox().delivered(up_to);
    }

    /// Does what is due: saves what the disk did not take, notes what was delivered, lets go of old reads. To be called
    /// often; mostly it does nothing.
    pub fn tend(&self) {
        let mut outbox = self.outbox();
        if !outbox.tend() {
            self.make_way(&mut outbox);
        }
        // What was set aside may be the only one that knows of them.
        let reads = || self.set_aside().is_empty().then(|| outbox.numbers());
        self.archive().tend(reads);
    }

    /// How many reads wait for the broker.
    pub fn pending(&self) -> u64 {
        self.outbox().pending()
    }

    /// How many reads are in memory only.
    pub fn unsaved(&self) -> u64 {
        self.outbox().unsaved()
    }

    /// How many undelivered reads had to go for want of room, since the store was made.
    pub fn dropped(&self) -> u64 {
        self.outbox().dropped()
    }

    /// Damaged files that were set aside and are still there.
    pub fn set_aside(&self) -> Vec<PathBuf> {
        damage::set_aside_files(&self.path)
    }

    /// Lets pictures go for reads that the disk does not take. Whether all are on the disk now.
    fn make_way(&self, outbox: &mut Outbox) -> bool {
        self.archive().make_way() && outbox.save()
    }

    fn archive(&self) -> MutexGuard<'_, Archive> {
        self.archive.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A panic elsewhere leaves an outbox that is still sound: transactions roll back.
    fn outbox(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_due(last: Option<Instant>, every: Duration) -> bool {
    last.is_none_or(|time| time.elapsed() >= every)
}

#[cfg(test)]
mod tests;
