//! How many reads wait on the disk, without counting a long queue again each time.

use rusqlite::Connection;

use super::database::State;

/// What was counted last.
#[derive(Default)]
pub struct Count(Option<Counted>);

#[derive(Clone, Copy)]
struct Counted {
    /// SQLite's number of what others have written.
    version: i64,
    dropped: i64,
    /// The last number on the disk.
    last: i64,
    count: u64,
}

impl Count {
    /// How many. All are counted only when others wrote, or reads were dropped.
    pub fn of(&mut self, database: &Connection, state: State) -> rusqlite::Result<u64> {
        let version = database.pragma_query_value(None, "data_version", |row| row.get(0))?;
        let query = "SELECT coalesce(max(sequence), 0) FROM reads";
        let last = database.query_row(query, [], |row| row.get(0))?;
        let same =
            |counted: &Counted| (counted.version, counted.dropped) == (version, state.dropped);
        let (before, after) = match self.0.filter(same) {
            Some(counted) => (counted.count, state.delivered.max(counted.last)),
            None => (0, state.delivered),
        };
        let count = before + between(database, after, last)?;
        self.0 = Some(Counted {
            version,
            dropped: state.dropped,
            last,
            count,
        });
        Ok(count)
    }

    /// Those up to a number wait no more. To be told while `state` does not know yet.
    pub fn delivered(&mut self, database: Option<&Connection>, state: State, up_to: i64) {
        let counted = self.0.take().zip(database);
        self.0 = counted.and_then(|(counted, database)| {
            let gone = between(database, state.delivered, up_to.min(counted.last)).ok()?;
            let count = counted.count.checked_sub(gone)?;
            Some(Counted { count, ..counted })
        });
    }
}

/// How many reads have a number after this one and up to that.
fn between(database: &Connection, after: i64, last: i64) -> rusqlite::Result<u64> {
    let query = "SELECT count(*) FROM reads WHERE sequence > ?1 AND sequence <= ?2";
    let mut statement = database.prepare_cached(query)?;
    statement.query_row([after, last], |row| row.get(0).map(i64::unsigned_abs))
}
