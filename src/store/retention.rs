//! What goes, and when: delivered reads when they are old or room is wanted, undelivered ones only when nothing else is left.

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;

use super::Limits;
use super::database::{State, WAL_ROOM};

/// Reads that go at once, so that most appends find room.
const BATCH: i64 = 64;
/// Delivered reads whose age is looked at in one go.
const SWEEP: i64 = 256;
/// Pages that stay free beside what is to be written: the tree's own, and the list of the free ones.
const SPARE_PAGES: i64 = 16;

/// Pages that the file may have.
fn budget(database: &Connection, limits: Limits) -> rusqlite::Result<i64> {
    let page: i64 = database.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let bytes = (u64::from(limits.max_mb) << 20).saturating_sub(WAL_ROOM);
    Ok(i64::try_from(bytes).unwrap_or(i64::MAX) / page)
}

/// Removes the oldest reads until so many bytes of messages fit: delivered ones, and if that is not enough, others, which
/// `state` then counts.
pub fn make_room(
    database: &Connection,
    limits: Limits,
    bytes: usize,
    state: &mut State,
) -> rusqlite::Result<()> {
    let budget = budget(database, limits)?;
    // A message that does not share its page well takes two.
    let wanted = SPARE_PAGES + 2 * i64::try_from(bytes / 4096 + 1).unwrap_or(i64::MAX / 4);
    loop {
        let pages: i64 = database.pragma_query_value(None, "page_count", |row| row.get(0))?;
        let free: i64 = database.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
        if pages - free + wanted <= budget {
            return Ok(());
        }
        let delivered = database
            .prepare_cached(
                "DELETE FROM reads WHERE sequence IN
                 (SELECT sequence FROM reads WHERE sequence <= ?1 ORDER BY sequence LIMIT ?2)",
            )?
            .execute([state.delivered, BATCH])?;
        if delivered == 0 && !drop_undelivered(database, state)? {
            return Ok(());
        }
    }
}

/// Whether there was one.
fn drop_undelivered(database: &Connection, state: &mut State) -> rusqlite::Result<bool> {
    let oldest: Vec<i64> = database
        .prepare_cached(
            "DELETE FROM reads WHERE sequence IN (SELECT sequence FROM reads ORDER BY sequence LIMIT 8)
             RETURNING sequence",
        )?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    state.dropped += i64::try_from(oldest.len()).unwrap_or(i64::MAX);
    Ok(!oldest.is_empty())
}

/// Removes delivered reads that are older than they need to be kept. How many.
pub fn sweep(database: &Connection, limits: Limits, state: &State) -> rusqlite::Result<usize> {
    if limits.keep_days == 0 {
        return Ok(0);
    }
    let kept = SignedDuration::from_hours(24 * i64::from(limits.keep_days));
    let before = (Timestamp::now() - kept).as_millisecond();
    database.execute(
        "DELETE FROM reads WHERE decided_at < ?1 AND sequence IN
         (SELECT sequence FROM reads WHERE sequence <= ?2 ORDER BY sequence LIMIT ?3)",
        [before, state.delivered, SWEEP],
    )
}

/// Makes a file smaller that has more pages than it may, as after the limit was lowered.
pub fn shrink(database: &Connection, limits: Limits) -> rusqlite::Result<()> {
    let pages: i64 = database.pragma_query_value(None, "page_count", |row| row.get(0))?;
    if pages > budget(database, limits)? {
        database.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);")?;
    }
    Ok(())
}
