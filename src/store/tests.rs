#![allow(clippy::unwrap_used)]

mod damaged;
mod disk;

use std::fs;

use proptest::prelude::*;
use rusqlite::Connection;
use tempfile::TempDir;

use super::*;

const VIN: &str = "1HGCM82633A004352";

/// A read of which only the number is of interest.
pub fn facts(number: u128) -> Facts {
    Facts {
        id: Uuid::from_u128(number),
        vin: None,
        decided_at: Timestamp::now(),
    }
}

/// A folder in memory if there is one: these tests are not about the disk.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

fn open(folder: &Path) -> Store {
    Store::open(&folder.join("reads.sqlite"), Limits::default()).unwrap()
}

/// Appends a read with a message that tells its number. Whether it is on the disk.
fn append(store: &Store) -> bool {
    store
        .append(facts(7), |sequence| format!("read {sequence}"))
        .saved
}

/// Numbers of all that waits; each message is the one of its number.
fn waiting(store: &Store) -> Vec<i64> {
    let pending = store.pending_after(0, 100_000);
    for read in &pending {
        let number = format!("read {}", read.sequence);
        assert!(read.payload.starts_with(&number), "{read:?}");
    }
    assert_eq!(store.pending(), pending.len() as u64);
    pending.iter().map(|read| read.sequence).collect()
}

/// The numbers of all reads in the file.
fn kept(path: &Path) -> Vec<i64> {
    let reads = History::open(path).unwrap();
    let reads = reads.reads(Timestamp::MIN, None);
    reads.map(|kept| kept.unwrap().read.sequence).collect()
}

fn sql(path: &Path, text: &str) {
    Connection::open(path).unwrap().execute_batch(text).unwrap();
}

#[test]
fn one_daemon_has_a_store() {
    let folder = folder();
    let path = folder.path().join("reads.sqlite");
    let store = open(folder.path());
    append(&store);
    let second = Store::open(&path, Limits::default());
    assert!(matches!(second, Err(StoreError::Taken { .. })));
    assert_eq!(kept(&path), [1], "others may look");
    drop(store);
    assert_eq!(waiting(&open(folder.path())), [1]);
}

#[test]
fn reads_stay_in_order_until_delivered_over_a_restart() {
    let folder = folder();
    let path = folder.path().join("new");
    let store = open(&path);
    for _ in 0..3 {
        assert!(append(&store));
    }
    store.delivered(1);
    drop(store);
    let store = open(&path);
    assert_eq!(waiting(&store), [2, 3]);
    let second = &store.pending_after(2, 1)[0];
    assert_eq!((second.sequence, second.id), (3, Uuid::from_u128(7)));
    store.delivered(3);
    assert!(waiting(&store).is_empty());
    append(&store);
    assert_eq!(waiting(&store), [4]);
}

#[test]
fn what_is_delivered_is_noted_now_and_then_only() {
    let folder = folder();
    let path = folder.path().join("reads.sqlite");
    let store = open(folder.path());
    let noted = || -> i64 {
        let database = Connection::open(&path).unwrap();
        database
            .query_row("SELECT delivered FROM state", [], |row| row.get(0))
            .unwrap()
    };
    for sequence in 1..=40 {
        append(&store);
        store.delivered(sequence);
        assert!(sequence - noted() <= 16);
    }
    assert_eq!(noted(), 32);
    drop(store);
    assert_eq!(noted(), 40);
}

#[test]
fn deliveries_that_cannot_be_noted_hold_nothing_up() {
    let folder = folder();
    let store = open(folder.path());
    let path = folder.path().join("reads.sqlite");
    sql(
        &path,
        "CREATE TRIGGER full BEFORE UPDATE ON state BEGIN SELECT RAISE(ABORT, 'full'); END",
    );
    for sequence in 1..=40 {
        append(&store);
        assert_eq!(waiting(&store), [sequence]);
        store.delivered(sequence);
    }
    sql(&path, "DROP TRIGGER full");
    assert!(append(&store));
    drop(store);
    assert_eq!(waiting(&open(folder.path())), [41]);
}

#[test]
fn a_cursor_beyond_the_last_read_does_not_pass_over_the_next() {
    let folder = folder();
    let store = open(folder.path());
    append(&store);
    store.delivered(99);
    append(&store);
    assert_eq!(waiting(&store), [2]);
}

/// SQLite's own word for a full disk.
fn fill(store: &Store, pages: i64) {
    let outbox = store.outbox();
    let database = outbox.connection().unwrap();
    database
        .pragma_update(None, "max_page_count", pages)
        .unwrap();
}

#[test]
fn what_the_disk_does_not_take_is_delivered_from_memory_and_saved_later() {
    let folder = folder();
    let path = folder.path().join("reads.sqlite");
    let store = open(folder.path());
    append(&store);
    fill(&store, 1);
    let mut taken = 1;
    while append(&store) {
        taken += 1;
    }
    assert!(!append(&store));
    let all: Vec<i64> = (1..=taken + 2).collect();
    assert_eq!((waiting(&store), store.unsaved()), (all.clone(), 2));
    assert_eq!(store.pending_after(taken, 1)[0].sequence, taken + 1);
    store.delivered(taken + 1);
    fill(&store, 1_000_000);
    store.outbox().retry_now();
    store.tend();
    assert_eq!((waiting(&store), store.unsaved()), (vec![taken + 2], 0));
    assert_eq!(kept(&path), all, "delivered ones, too");
    drop(store);
    assert_eq!(waiting(&open(folder.path())), [taken + 2]);
}

#[test]
fn memory_is_bounded_too_and_lets_go_of_delivered_reads_first() {
    let folder = folder();
    let store = open(folder.path());
    fill(&store, 1);
    let large = |_| "x".repeat(1 << 20);
    for _ in 0..16 {
        assert!(!store.append(facts(0), large).saved);
    }
    store.delivered(2);
    for _ in 0..3 {
        store.append(facts(0), large);
    }
    assert_eq!((store.dropped(), store.unsaved()), (1, 16));
    assert_eq!(store.pending_after(0, 1)[0].sequence, 4);
}

#[test]
fn a_store_of_the_future_is_left_alone() {
    let folder = folder();
    let path = folder.path().join("reads.sqlite");
    sql(&path, "PRAGMA user_version = 9");
    let error = Store::open(&path, Limits::default()).err().unwrap();
    assert!(error.to_string().contains("layout 9"), "{error}");
}

#[test]
fn delivered_reads_go_when_they_are_old_and_others_stay() {
    let folder = folder();
    let path = folder.path().join("reads.sqlite");
    let store = open(folder.path());
    let long_ago = "2020-01-01T00:00:00Z".parse().unwrap();
    for n in 0..400 {
        let decided_at = if n == 1 { Timestamp::now() } else { long_ago };
        let facts = Facts {
            decided_at,
            ..facts(0)
        };
        store.append(facts, |sequence| format!("read {sequence}"));
    }
    store.delivered(398);
    store.tend();
    store.tend();
    assert_eq!(kept(&path), [2, 399, 400]);
    store.tend();
    drop(store);
    assert_eq!(waiting(&open(folder.path())), [399, 400]);
}

/// However reads come and go, and whoever removes them; `waiting` holds the count against the reads.
#[test]
fn what_waits_is_counted_right() {
    let folder = folder();
    let path = folder.path().join("reads.sqlite");
    let store = open(folder.path());
    for step in 1..=60 {
        append(&store);
        if step % 3 > 0 {
            waiting(&store);
        }
        match step % 10 {
            4 => store.delivered(step / 2),
            7 => sql(&path, &format!("DELETE FROM reads WHERE sequence = {step}")),
            9 => {
                let old = format!("DELETE FROM reads WHERE sequence < {}", step / 2 - 2);
                store
                    .outbox()
                    .connection()
                    .unwrap()
                    .execute_batch(&old)
                    .unwrap();
            }
            _ => {}
        }
        waiting(&store);
    }
    fill(&store, 1);
    while append(&store) {}
    waiting(&store);
    store.delivered(55);
    fill(&store, 1_000_000);
    store.outbox().retry_now();
    assert!(append(&store));
    waiting(&store);
}

/// Bytes of the file and its log.
fn size(path: &Path) -> u64 {
    let log = path.with_extension("sqlite-wal");
    [path, &log]
        .map(|path| fs::metadata(path).map_or(0, |file| file.len()))
        .iter()
        .sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn the_bound_holds_and_delivered_reads_go_first(
        steps in prop::collection::vec((1..60_000_usize, 0..40_i64), 50..150),
        slow in any::<bool>(),
    ) {
        let folder = folder();
        let path = folder.path().join("reads.sqlite");
        // One MiB of it is for the file.
        let limits = Limits {
            keep_days: 0,
            max_mb: 4,
            ..Limits::default()
        };
        let store = Store::open(&path, limits).unwrap();
        let (mut last, mut delivered, mut dropped) = (0, 0, 0);
        for (bytes, deliver) in steps {
            last += 1;
            let saved = store.append(facts(0), |n| format!("read {n} {}", "x".repeat(bytes))).saved;
            prop_assert!(saved);
            if store.dropped() > dropped {
                prop_assert!(kept(&path)[0] > delivered, "a delivered read outlived one that waits");
                dropped = store.dropped();
            }
            let waits = waiting(&store);
            prop_assert!(waits.windows(2).all(|two| two[1] == two[0] + 1));
            prop_assert_eq!(waits.last().copied(), Some(last));
            delivered = delivered.max(if slow { deliver } else { last - deliver });
            store.delivered(delivered);
            prop_assert!(size(&path) <= 4 << 20);
        }
        drop(store);
        let store = Store::open(&path, limits).unwrap();
        prop_assert_eq!(store.dropped(), dropped, "counted over a restart");
    }
}

#[test]
fn a_bound_that_was_lowered_holds_after_the_next_start() {
    let folder = folder();
    let path = folder.path().join("reads.sqlite");
    let store = open(folder.path());
    for _ in 0..100 {
        store.append(facts(0), |n| format!("read {n} {}", "x".repeat(60_000)));
    }
    store.delivered(99);
    drop(store);
    let limits = Limits {
        keep_days: 0,
        max_mb: 4,
        ..Limits::default()
    };
    let store = Store::open(&path, limits).unwrap();
    assert!(size(&path) <= 1 << 20);
    assert_eq!((waiting(&store), store.dropped()), (vec![100], 0));
}

/// Whether the text stands in any file of the folder.
fn is_anywhere(folder: &Path, text: &str) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    })
}

#[test]
fn what_is_forgotten_leaves_no_byte() {
    let folder = folder();
    let path = folder.path().join("reads.sqlite");
    // The daemon, which goes on.
    let store = open(folder.path());
    for n in 0..60 {
        let vin = (n % 6 == 0).then(|| VIN.to_owned());
        // As a candidate, too.
        let text = if n % 10 == 0 { VIN } else { "" };
        let facts = Facts { vin, ..facts(0) };
        store.append(facts, |n| format!("read {n} {text}{}", "x".repeat(900)));
    }
    store.delivered(40);
    store.outbox().note().unwrap();
    sql(&path, "DELETE FROM reads WHERE sequence = 1");
    let mut history = History::open(&path).unwrap();
    let which = Which::Vin(VIN.into());
    let refused = history.forget(&which, false).unwrap_err().to_string();
    assert!(
        refused.starts_with("13 reads would be removed, of which 5 are not"),
        "{refused}"
    );
    assert_eq!(waiting(&store).len(), 20);
    assert!(is_anywhere(folder.path(), VIN));

    assert_eq!(history.forget(&which, true).unwrap().reads, 13);
    assert!(!is_anywhere(folder.path(), VIN));
    assert_eq!(waiting(&store).len(), 15);
    let now = Which::Before(Timestamp::now());
    assert_eq!(history.forget(&now, true).unwrap().reads, 46);
    assert!(!is_anywhere(folder.path(), "xxxxxxxx"));
    drop(store);
    let store = open(folder.path());
    append(&store);
    assert_eq!(waiting(&store), [61], "no number is given twice");
}

#[test]
fn a_store_that_is_not_there_is_not_made_to_look_into_it() {
    let folder = folder();
    let path = folder.path().join("reads.sqlite");
    let error = History::open(&path).err().unwrap().to_string();
    assert!(error.contains("there is no store"), "{error}");
    assert!(!path.exists());
    sql(&path, "CREATE TABLE of_another_program (a)");
    let before = fs::read(&path).unwrap();
    let error = History::open(&path).err().unwrap().to_string();
    assert!(error.contains("no store of vinspect"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
}
