//! The layouts of the database: how each is made from the one before. The number is kept in its `user_version`.

use rusqlite::{Connection, TransactionBehavior};

/// The reads of layout 1 as those of today: what stands in the message only becomes columns. Its index is not trusted: the
/// check of a file passes over what stands in indices.
macro_rules! layout_1 {
    ($table:literal) => {
        concat!(
            "SELECT sequence,
                 coalesce(json_extract(message, '$.id'), '00000000-0000-0000-0000-000000000000') AS id,
                 json_extract(message, '$.vin') AS vin,
                 coalesce(CAST(round(1000 * unixepoch(json_extract(message, '$.decided_at'), 'subsec')) AS INTEGER), 0)
                     AS decided_at,
                 payload,
                 NULL AS seal
             FROM (SELECT *, CASE WHEN json_valid(payload) THEN payload ELSE '{}' END AS message FROM ",
            $table,
            " NOT INDEXED)"
        )
    };
}

/// The same of a file that still has that layout.
pub const LAYOUT_1: &str = layout_1!("reads");

/// The layout that this vinspect writes.
pub const LAYOUT: i64 = STEPS.len() as i64;

/// A new file takes all of them, so that each is tried every day.
const STEPS: [&str; 2] = [
    "CREATE TABLE reads (
         sequence INTEGER PRIMARY KEY AUTOINCREMENT,
         payload TEXT NOT NULL,
         delivered INTEGER NOT NULL DEFAULT 0
     );
     CREATE INDEX undelivered ON reads (sequence) WHERE delivered = 0;",
    // One cursor in place of a flag a read. It stands before the first read that was not delivered: those delivered after
    // it are sent again, none is passed over. `last`: numbers go on from it, whatever was removed.
    concat!(
        "ALTER TABLE reads RENAME TO reads_1;
         CREATE TABLE reads (
             sequence INTEGER PRIMARY KEY,
             id TEXT NOT NULL,
             vin TEXT,
             decided_at INTEGER NOT NULL,
             payload TEXT NOT NULL,
             seal INTEGER
         );
         CREATE TABLE state (delivered INTEGER NOT NULL, dropped INTEGER NOT NULL, last INTEGER NOT NULL);
         INSERT INTO reads ",
        layout_1!("reads_1"),
        ";
         INSERT INTO state
             SELECT coalesce((SELECT min(sequence) - 1 FROM reads_1 NOT INDEXED WHERE delivered = 0), last), 0, last
             FROM (SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'reads_1'), 0) AS last);
         DROP TABLE reads_1;"
    ),
];

/// Brings a database to today's layout; that of a later vinspect is left as it is. The layout it had.
pub fn migrate(database: &mut Connection) -> rusqlite::Result<i64> {
    // Immediate, lest two that open a new store both lay it out.
    let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found < LAYOUT {
        for step in STEPS.iter().skip(usize::try_from(found).unwrap_or(0)) {
            transaction.execute_batch(step)?;
        }
        transaction.pragma_update(None, "user_version", LAYOUT)?;
    }
    transaction.commit()?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use super::*;
    use crate::store::{Limits, Store};

    const ID: &str = "018f0000-0000-7000-8000-000000000003";

    /// A file of layout 1 whose third of five reads was never marked as delivered, and whose sixth was removed.
    fn old(path: &Path) {
        let old = Connection::open(path).unwrap();
        old.execute_batch(STEPS[0]).unwrap();
        old.pragma_update(None, "user_version", 1).unwrap();
        for sequence in 1..=6 {
            let payload = match sequence {
                3 => format!(
                    r#"{{"id":"{ID}","vin":"1HGCM82633A004352","decided_at":"2026-03-01T08:00:00.250+01:00"}}"#
                ),
                _ => format!("not JSON {sequence}"),
            };
            old.execute(
                "INSERT INTO reads (payload, delivered) VALUES (?1, ?2)",
                (payload, sequence != 3),
            )
            .unwrap();
        }
        old.execute("DELETE FROM reads WHERE sequence = 6", [])
            .unwrap();
    }

    #[test]
    fn layout_1_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reads.sqlite");
        old(&path);
        let store = Store::open(&path, Limits::default()).unwrap();
        let pending = store.pending_after(0, 10);
        let sequences: Vec<_> = pending.iter().map(|read| read.sequence).collect();
        assert_eq!(sequences, [3, 4, 5], "from the hole on, again");
        assert_eq!(pending[0].id.to_string(), ID);
        let decided_at = pending[0].decided_at.to_string();
        assert_eq!(decided_at, "2026-03-01T07:00:00.25Z");
        assert_eq!(pending[1].payload, "not JSON 4");
        let appended = store.append(super::super::tests::facts(0), |sequence| {
            sequence.to_string()
        });
        assert!(appended.saved);
        let new = store.pending_after(5, 10);
        assert_eq!((new[0].sequence, new[0].payload.as_str()), (7, "7"));
        drop(store);
        let database = Connection::open(&path).unwrap();
        let (count, vin): (i64, String) = database
            .query_row("SELECT count(*), max(vin) FROM reads", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        assert_eq!((count, vin.as_str()), (6, "1HGCM82633A004352"));
    }

    #[test]
    fn what_waits_in_a_damaged_file_of_layout_1_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reads.sqlite");
        old(&path);
        // The last page is the index of what waits.
        let mut bytes = std::fs::read(&path).unwrap();
        let last_page = bytes.len() - 4096;
        bytes[last_page..].fill(0xa5);
        std::fs::write(&path, bytes).unwrap();
        let store = Store::open(&path, Limits::default()).unwrap();
        assert_eq!(store.set_aside().len(), 1);
        let pending = store.pending_after(0, 10);
        assert_eq!((pending.len(), pending[0].sequence), (1, 3));
        assert_eq!(pending[0].id.to_string(), ID);
    }
}
