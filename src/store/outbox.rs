//! The outbox behind its lock: what is on the disk, and what is in memory because the disk does not take it.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fs, io};

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::count::Count;
use super::database::{self, Row, State, failed, is_damage};
use super::unsaved::Unsaved;
use super::{
    Appended, Facts, Limits, Pending, RETRY, SWEEP_EVERY, StoreError, damage, is_due, retention,
};

/// Reads and bytes of messages that are saved in one transaction.
const BATCH: (usize, usize) = (256, 1 << 19);
/// Deliveries that are noted at the latest then: each note is a page to write, and a repeat does no harm.
const NOTE_EVERY: i64 = 16;
/// The same for a queue that has run empty.
const NOTE_AFTER: Duration = Duration::from_secs(60);

pub struct Outbox {
    path: PathBuf,
    limits: Limits,
    disk: Disk,
    unsaved: Unsaved,
    /// Up to this number they lie in a damaged file, too, for which there is no new one yet.
    salvaged: i64,
    state: State,
    /// What the file knows of it, and since when it does not know all that was delivered.
    noted: State,
    unnoted_since: Instant,
    /// When the disk last did not take something.
    refused: Option<Instant>,
    /// When a file was last set aside: a disk that spoils every file must not be filled with them.
    begun_anew: Option<Instant>,
    swept: Option<Instant>,
    count: Count,
}

enum Disk {
    Open(Connection),
    /// Full or not writable when it was opened.
    ReadOnly(Connection),
    /// No file at all.
    Closed,
}

impl Disk {
    fn connection(&self) -> Option<&Connection> {
        match self {
            Self::Open(connection) | Self::ReadOnly(connection) => Some(connection),
            Self::Closed => None,
        }
    }
}

impl Outbox {
    pub fn open(path: &Path, limits: Limits) -> Result<Self, StoreError> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|source| refused(path, source))?;
        }
        let mut outbox = Self {
            path: path.into(),
            limits,
            disk: Disk::Closed,
            unsaved: Unsaved::default(),
            salvaged: 0,
            state: State::default(),
            noted: State::default(),
            unnoted_since: Instant::now(),
            refused: None,
            begun_anew: None,
            swept: None,
            count: Count::default(),
        };
        match outbox.connect() {
            Err(error) if is_damage(&error) => {
                if let Err(error) = outbox.begin_anew(&error) {
                    log::error!(
                        "{error}; the damaged file stays, and reads are kept in memory only"
                    );
                    outbox.refused = Some(Instant::now());
                }
            }
            Err(error @ StoreError::Newer { .. }) => return Err(error),
            Err(error) => {
                let Some((database, state)) = database::look(path) else {
                    return Err(error);
                };
                log::error!("{error}; new reads are kept in memory only");
                outbox.disk = Disk::ReadOnly(database);
                (outbox.state, outbox.noted) = (state, state);
                outbox.refused = Some(Instant::now());
            }
            Ok(()) => outbox.shrink(),
        }
        Ok(outbox)
    }

    /// Opens the file for writing. What memory knows and the file does not is newer.
    fn connect(&mut self) -> Result<(), StoreError> {
        let taken_over = damage::take_over(&self.path);
        if let Some(aside) = taken_over.map_err(|source| refused(&self.path, source))? {
            log::error!("the damaged store is set aside as {}", aside.display());
        }
        let (database, state) = database::connect(&self.path, true)?;
        self.disk = Disk::Open(database);
        self.count = Count::default();
        self.noted = state;
        self.state = self.state.max(state);
        if self.state == state {
            Ok(())
        } else {
            self.note()
        }
    }

    /// Takes what waits in a damaged file into memory, begins a new one with it and sets the damaged one aside. If that fails,
    /// the damaged one stays where it is, for the next try.
    fn begin_anew(&mut self, error: &StoreError) -> Result<(), StoreError> {
        self.begun_anew = Some(Instant::now());
        // Closes it, so that nothing writes to what is set aside.
        self.disk = Disk::Closed;
        let salvaged = damage::salvage(&self.path, self.state.delivered);
        let count = salvaged.rows.len();
        self.salvaged = salvaged.rows.last().map_or(0, |row| row.sequence);
        self.state = self.state.max(salvaged.state());
        self.unsaved.put_before(salvaged.rows);
        log::error!(
            "{error}: the file is damaged; a new one is begun with {count} waiting reads from it"
        );
        if let Err(error) = self.make_new() {
            // Half of it would only take the room.
            let _ = damage::discard_new(&self.path);
            return Err(error);
        }
        self.connect()?;
        (self.unsaved, self.salvaged) = (Unsaved::default(), 0);
        self.shrink();
        Ok(())
    }

    /// A new file with all that is in memory, beside the damaged one.
    fn make_new(&self) -> Result<(), StoreError> {
        let of_disk = |source| refused(&self.path, source);
        damage::discard_new(&self.path).map_err(of_disk)?;
        damage::write_new(&self.path, self.state, self.unsaved.iter())
            .map_err(|source| failed(&self.path, source))?;
        damage::finish_new(&self.path).map_err(of_disk)
    }

    /// Goes on with a new file if the error says that this one is damaged.
    fn heal(&mut self, error: StoreError) -> Result<(), StoreError> {
        if is_damage(&error) && is_due(self.begun_anew, RETRY) {
            self.begin_anew(&error)
        } else {
            Err(error)
        }
    }

    pub fn append(&mut self, facts: Facts, payload: impl FnOnce(i64) -> String) -> Appended {
        let sequence = self.last() + 1;
        self.state.last = sequence;
        let decided_at = facts.decided_at.as_millisecond();
        self.unsaved.push(Row {
            sequence,
            id: facts.id,
            vin: facts.vin,
            decided_at: Timestamp::from_millisecond(decided_at).unwrap_or(facts.decided_at),
            payload: payload(sequence),
        });
        let saved = self.save();
        while let Some(row) = self.unsaved.pop_surplus() {
            if row.sequence > self.state.delivered.max(self.salvaged) {
                self.state.dropped += 1;
                log::error!("memory is full, this read is dropped: {}", row.payload);
            }
        }
        Appended { sequence, saved }
    }

    /// The last number given; another program may have given it.
    fn last(&self) -> i64 {
        let asked = self.disk.connection().and_then(|database| {
            let query = "SELECT coalesce(max(sequence), 0) FROM reads";
            let mut statement = database.prepare_cached(query).ok()?;
            statement.query_row([], |row| row.get(0)).ok()
        });
        self.state.last.max(asked.unwrap_or(0))
    }

    /// Whether everything is on the disk now.
    pub fn save(&mut self) -> bool {
        while !self.unsaved.is_empty() {
            let result = self.save_some().or_else(|error| self.heal(error));
            if let Err(error) = result {
                let count = self.unsaved.len();
                log::error!("{error}; {count} reads are kept in memory only");
                self.refused = Some(Instant::now());
                return false;
            }
        }
        self.refused = None;
        true
    }

    /// The next batch, in one transaction with whatever else is due.
    fn save_some(&mut self) -> Result<(), StoreError> {
        self.reconnect()?;
        let mut state = self.state;
        let count = self.unsaved.batch(BATCH.0, BATCH.1);
        let noted = self.write(|outbox, database| {
            let rows = || outbox.unsaved.iter().take(count);
            let bytes = rows().map(|row| row.payload.len()).sum();
            retention::make_room(database, outbox.limits, bytes, &mut state)?;
            let noted = outbox.is_note_due(state);
            if noted {
                state.note(database)?;
            }
            for row in rows() {
                if !row.insert(database)? {
                    let Row {
                        sequence, payload, ..
                    } = row;
                    log::error!("number {sequence} is taken, this read is not saved: {payload}");
                }
            }
            Ok(noted)
        })?;
        self.tell_dropped(state.dropped - self.state.dropped);
        self.state = state;
        if noted {
            self.noted = state;
        }
        for _ in 0..count {
            self.unsaved.pop();
        }
        Ok(())
    }

    /// A transaction.
    fn write<T>(
        &self,
        work: impl FnOnce(&Self, &Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let Disk::Open(database) = &self.disk else {
            let source = io::Error::other("the disk does not take it");
            return Err(refused(&self.path, source));
        };
        let transact = || {
            let transaction = Transaction::new_unchecked(database, TransactionBehavior::Immediate)?;
            let done = work(self, &transaction)?;
            transaction.commit()?;
            Ok(done)
        };
        transact().map_err(|source| failed(&self.path, source))
    }

    /// Tries now and then to open a file that can be written.
    fn reconnect(&mut self) -> Result<(), StoreError> {
        if matches!(self.disk, Disk::Open(_)) || !is_due(self.refused, RETRY) {
            return Ok(());
        }
        self.connect().or_else(|error| self.heal(error))
    }

    fn tell_dropped(&self, count: i64) {
        if count > 0 {
            log::error!(
                "store {}: max_mb = {} is full of reads that the broker does not have; the oldest {count} were dropped",
                self.path.display(),
                self.limits.max_mb
            );
        }
    }

    fn is_note_due(&self, state: State) -> bool {
        let unnoted = state.delivered - self.noted.delivered;
        let late = self.unnoted_since.elapsed() >= NOTE_AFTER;
        unnoted >= NOTE_EVERY || (unnoted > 0 && late) || state.dropped > self.noted.dropped
    }

    /// Writes down up to where the broker has the reads.
    pub fn note(&mut self) -> Result<(), StoreError> {
        self.write(|outbox, database| outbox.state.note(database))?;
        self.noted = self.state;
        Ok(())
    }

    pub fn pending_after(&mut self, sequence: i64, limit: usize) -> Vec<Pending> {
        let after = sequence.max(self.state.delivered);
        let on_disk = self.on_disk(after, limit).or_else(|error| {
            self.heal(error)?;
            self.on_disk(after, limit)
        });
        let mut rows = match on_disk {
            Ok(rows) => rows,
            Err(error) => {
                // Those in memory come after those on the disk, so they wait, too.
                log::error!("{error}; the reads that wait there cannot be read");
                return Vec::new();
            }
        };
        let after = rows.last().map_or(after, |row| row.sequence);
        let room = limit - rows.len();
        rows.extend(self.unsaved.after(after).take(room).cloned());
        rows.into_iter().map(Pending::from).collect()
    }

    fn on_disk(&self, after: i64, limit: usize) -> Result<Vec<Row>, StoreError> {
        let Some(database) = self.disk.connection() else {
            return Ok(Vec::new());
        };
        let read = || -> rusqlite::Result<_> {
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            database::rows_after(database)?
                .query_map([after, limit], Row::read)?
                .collect()
        };
        read().map_err(|source| failed(&self.path, source))
    }

    pub fn delivered(&mut self, up_to: i64) {
        let up_to = up_to.min(self.state.last);
        if up_to <= self.state.delivered {
            return;
        }
        if self.state.delivered == self.noted.delivered {
            self.unnoted_since = Instant::now();
        }
        let database = self.disk.connection();
        self.count.delivered(database, self.state, up_to);
        self.state.delivered = up_to;
        if up_to - self.noted.delivered >= NOTE_EVERY {
            self.note_or_tell();
        }
    }

    fn note_or_tell(&mut self) {
        let is_tried = matches!(self.disk, Disk::Open(_)) && is_due(self.refused, RETRY);
        if is_tried && let Err(error) = self.note().or_else(|error| self.heal(error)) {
            self.refused = Some(Instant::now());
            log::error!("{error}; what was delivered cannot be noted and may be sent again");
        }
    }

    /// False if the disk was tried and did not take what is in memory.
    pub fn tend(&mut self) -> bool {
        let is_tried = !self.unsaved.is_empty() && is_due(self.refused, RETRY);
        let is_refused = is_tried && !self.save();
        if self.unnoted_since.elapsed() >= NOTE_AFTER && self.is_note_due(self.state) {
            self.note_or_tell();
        }
        if is_due(self.swept, SWEEP_EVERY) {
            self.swept = Some(Instant::now());
            self.sweep();
        }
        !is_refused
    }

    /// From the first number that is on the disk to the last given; all if that cannot be told.
    pub fn numbers(&self) -> RangeInclusive<i64> {
        let first: Option<Option<i64>> = self.disk.connection().and_then(|database| {
            let query = "SELECT min(sequence) FROM reads";
            database.query_row(query, [], |row| row.get(0)).ok()
        });
        let last = self.last();
        match first {
            Some(first) => first.unwrap_or(last + 1)..=last,
            None => i64::MIN..=i64::MAX,
        }
    }

    /// Lets go of delivered reads that are old.
    fn sweep(&mut self) {
        if !matches!(self.disk, Disk::Open(_)) {
            return;
        }
        let swept = self.write(|outbox, database| {
            let count = retention::sweep(database, outbox.limits, &outbox.state)?;
            if count > 0 {
                outbox.state.note(database)?;
            }
            Ok(count)
        });
        match swept.or_else(|error| self.heal(error).map(|()| 0)) {
            Ok(0) => {}
            Ok(_) => {
                self.noted = self.state;
                // There may be more.
                self.swept = None;
            }
            Err(error) => log::error!("{error}; old reads stay"),
        }
    }

    /// Brings a file within its bounds that has outgrown them, as after they were lowered.
    fn shrink(&mut self) {
        let mut state = self.state;
        let made_room = self.write(|outbox, database| {
            retention::make_room(database, outbox.limits, 0, &mut state)?;
            if state != outbox.state {
                state.note(database)?;
            }
            Ok(())
        });
        let shrunk = made_room.and_then(|()| {
            self.tell_dropped(state.dropped - self.state.dropped);
            (self.state, self.noted) = (state, state);
            let database = self.disk.connection();
            let shrunk =
                database.map_or(Ok(()), |database| retention::shrink(database, self.limits));
            shrunk.map_err(|source| failed(&self.path, source))
        });
        if let Err(error) = shrunk {
            log::warn!("{error}; the file stays larger than max_mb");
        }
    }

    pub fn pending(&mut self) -> u64 {
        let database = self.disk.connection();
        let counted = database.map_or(Ok(0), |database| self.count.of(database, self.state));
        let on_disk = counted.unwrap_or_else(|error| {
            log::error!("{}", failed(&self.path, error));
            0
        });
        on_disk + self.unsaved.after(self.state.delivered).count() as u64
    }

    #[cfg(test)]
    pub fn connection(&self) -> Option<&Connection> {
        self.disk.connection()
    }

    /// As if the time until the next try were over.
    #[cfg(test)]
    pub fn retry_now(&mut self) {
        self.refused = None;
    }

    pub fn unsaved(&self) -> u64 {
        self.unsaved.len() as u64
    }

    pub fn dropped(&self) -> u64 {
        self.state.dropped.unsigned_abs()
    }
}

impl Drop for Outbox {
    /// The last try; what the disk does not take goes to the log in full.
    fn drop(&mut self) {
        self.refused = None;
        self.save();
        let elsewhere = self.state.delivered.max(self.salvaged);
        for row in self.unsaved.after(elsewhere) {
            log::error!("not saved and not delivered: {}", row.payload);
        }
        if self.state.delivered > self.noted.delivered {
            self.note_or_tell();
        }
    }
}

fn refused(path: &Path, source: io::Error) -> StoreError {
    StoreError::Io {
        path: path.into(),
        source,
    }
}
