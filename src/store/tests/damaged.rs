//! A file that is damaged.

use std::fs;

use super::super::*;
use super::{append, facts, folder, open, sql, waiting};

/// A bit that flips on the card can make another VIN, which must not be sent.
#[test]
fn a_message_that_was_altered_is_not_sent_and_the_others_are() {
    let folder = folder();
    let path = folder.path().join("reads.sqlite");
    let store = open(folder.path());
    for _ in 0..4 {
        append(&store);
    }
    sql(
        &path,
        "UPDATE reads SET payload = 'read 3' WHERE sequence = 2",
    );
    assert_eq!(waiting(&store), [1, 3, 4]);
    assert_eq!(store.set_aside().len(), 1);
    append(&store);
    assert_eq!(waiting(&store), [1, 3, 4, 5]);
}

/// What was set aside, as it was.
fn set_aside(store: &Store) -> Vec<u8> {
    let files = store.set_aside();
    assert_eq!(files.len(), 1, "{files:?}");
    fs::read(&files[0]).unwrap()
}

#[test]
fn a_damaged_store_is_set_aside() {
    let folder = folder();
    let path = folder.path().join("reads.sqlite");
    for n in 1..=3 {
        fs::write(&path, vec![7; 5000]).unwrap();
        fs::write(folder.path().join("reads.sqlite-wal"), "also damaged").unwrap();
        let store = open(folder.path());
        assert!(append(&store));
        // Three in one second, most likely.
        assert_eq!(store.set_aside().len(), n);
        for file in store.set_aside() {
            assert_eq!(fs::read(file).unwrap(), vec![7; 5000]);
        }
        assert_eq!(waiting(&store), [1]);
    }
}

/// A hundred reads of which the broker has ten.
fn hundred(folder: &Path) -> Store {
    let store = open(folder);
    for _ in 0..100 {
        store.append(facts(0), |n| format!("read {n} {}", "x".repeat(1000)));
    }
    store.delivered(10);
    store
}

#[test]
fn what_can_be_read_of_a_damaged_store_is_taken_over() {
    let folder = folder();
    let path = folder.path().join("reads.sqlite");
    drop(hundred(folder.path()));
    let mut bytes = fs::read(&path).unwrap();
    let last_page = bytes.len() - 4096;
    bytes[last_page..].fill(0xa5);
    fs::write(&path, &bytes).unwrap();
    let store = open(folder.path());
    assert_eq!(set_aside(&store), bytes);
    let waits = waiting(&store);
    assert!(
        waits.starts_with(&[11, 12, 13]) && waits.len() > 80,
        "{waits:?}"
    );
    assert!(append(&store));
    assert!(*waiting(&store).last().unwrap() >= 98, "numbers go on");
    assert_eq!(store.unsaved(), 0);
}

/// A hundred reads and a last page that is damaged, of which some eighty can be read; these.
fn damaged(folder: &Path) -> Vec<i64> {
    let path = folder.join("reads.sqlite");
    drop(hundred(folder));
    let mut bytes = fs::read(&path).unwrap();
    let last_page = bytes.len() - 4096;
    bytes[last_page..].fill(0xa5);
    fs::write(&path, &bytes).unwrap();
    let salvaged = damage::salvage(&path, 0).rows;
    assert!(salvaged.len() > 80);
    salvaged.iter().map(|row| row.sequence).collect()
}

#[test]
fn a_damaged_store_stays_while_there_is_no_room_for_a_new_one() {
    let folder = folder();
    let waits = damaged(folder.path());
    // Nothing can be written there.
    let in_the_way = folder.path().join("reads.sqlite.new-part");
    fs::create_dir(&in_the_way).unwrap();
    let store = open(folder.path());
    assert_eq!(waiting(&store), waits);
    assert!(!append(&store));
    assert_eq!(store.set_aside().len(), 0);
    drop(store);
    fs::remove_dir(&in_the_way).unwrap();
    let store = open(folder.path());
    assert_eq!((waiting(&store), store.unsaved()), (waits, 0));
    assert_eq!(store.set_aside().len(), 1);
}

/// Each line of taking over what waits, as a power cut after it leaves the folder.
#[test]
fn a_power_cut_while_a_damaged_store_is_set_aside_loses_nothing() {
    for cut in 0..5 {
        let folder = folder();
        let waits = damaged(folder.path());
        let path = folder.path().join("reads.sqlite");
        let name = |end: &str| folder.path().join(format!("reads.sqlite{end}"));
        fs::write(name("-wal"), "a log").unwrap();
        let salvaged = damage::salvage(&path, 0);
        let write = || damage::write_new(&path, salvaged.state(), salvaged.rows.iter());
        if cut == 0 {
            fs::write(name(".new-part"), "half of it").unwrap();
        }
        if cut > 0 {
            write().unwrap();
        }
        if cut > 1 {
            damage::finish_new(&path).unwrap();
        }
        if cut > 2 {
            fs::rename(name("-wal"), name(".damaged-1-wal")).unwrap();
        }
        if cut > 3 {
            fs::rename(&path, name(".damaged-1")).unwrap();
        }
        let store = open(folder.path());
        assert_eq!((waiting(&store), store.unsaved()), (waits, 0), "{cut}");
        let [aside] = store.set_aside().try_into().unwrap();
        let mut log = aside.into_os_string();
        log.push("-wal");
        assert!(fs::exists(log).unwrap(), "{cut}");
        assert!(!name(".new-part").exists() && !name(".new").exists());
        assert!(append(&store));
    }
}

#[test]
fn damage_that_shows_later_is_set_aside_too() {
    for damaged in [1.., 5.., 10..] {
        let folder = folder();
        let path = folder.path().join("reads.sqlite");
        let store = hundred(folder.path());
        sql(&path, "PRAGMA wal_checkpoint(TRUNCATE)");
        let mut bytes = fs::read(&path).unwrap();
        let pages = bytes.chunks_exact_mut(4096).enumerate();
        for (_, page) in pages.filter(|(n, _)| damaged.contains(n) && n % 3 == 1) {
            page.fill(0xa5);
        }
        fs::write(&path, &bytes).unwrap();
        let shrink = "PRAGMA shrink_memory";
        store
            .outbox()
            .connection()
            .unwrap()
            .execute_batch(shrink)
            .unwrap();
        let first = waiting(&store);
        assert!(append(&store));
        let then = waiting(&store);
        assert_eq!(then.last(), Some(&101), "{first:?}");
        assert!(then.first() > Some(&10), "{then:?}");
        assert_eq!(store.set_aside().len(), 1);
        drop(store);
        let store = open(folder.path());
        assert_eq!((waiting(&store), store.set_aside().len()), (then, 1));
    }
}
