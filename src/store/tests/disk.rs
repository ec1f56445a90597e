//! The store on a disk that is full or takes no writing.

use super::super::*;
use super::{append, facts, open, waiting};

#[path = "../../../tests/common/mount.rs"]
mod mount;

use mount::Mount;

#[test]
fn a_full_disk_loses_nothing() {
    let Some(disk) = Mount::new(1) else { return };
    let store = open(disk.path());
    append(&store);
    disk.fill();
    let mut count = 1;
    while append(&store) {
        count += 1;
    }
    for _ in 0..50 {
        append(&store);
    }
    let all: Vec<i64> = (1..=count + 51).collect();
    assert_eq!(waiting(&store), all);
    disk.empty();
    assert!(append(&store));
    drop(store);
    assert_eq!(waiting(&open(disk.path())).len(), all.len() + 1);
}

/// What comes first on a disk that fills: pictures stop, then they go, and reads are saved all the while.
#[test]
fn pictures_make_way_for_reads() {
    let Some(disk) = Mount::new(16) else { return };
    let limits = Limits {
        max_mb: 8,
        ..Limits::default()
    };
    let path = disk.path().join("reads.sqlite");
    let store = Store::open(&path, limits).unwrap();
    let pictures = || archive::pictures(&archive::folder(&path)).unwrap().len();
    let mut kept = 0;
    while store.picture_trouble().is_none() {
        assert!(append(&store));
        kept += 1;
        store.keep_picture(kept, Uuid::from_u128(7), &[0; 100_000]);
    }
    assert!((50..90).contains(&kept), "{kept}");
    let trouble = store.picture_trouble().unwrap();
    assert!(trouble.contains("has 7 MiB free"), "{trouble}");
    disk.fill();
    for number in 0..500 {
        let read = |n| format!("read {n} {}", "x".repeat(3000));
        assert!(store.append(facts(7), read).saved, "{number}");
    }
    assert!((1..kept).contains(&(pictures() as i64)));
    disk.empty();
    store.keep_picture(kept + 500, Uuid::from_u128(7), &[0; 100_000]);
    assert_eq!(store.picture_trouble(), None);
}

#[test]
fn a_store_on_a_disk_that_cannot_be_written_goes_on_from_its_numbers() {
    let Some(disk) = Mount::new(1) else { return };
    let ways: [[fn(&Mount); 2]; 2] = [
        [|disk| disk.remount("ro"), |disk| disk.remount("rw")],
        [Mount::fill, Mount::empty],
    ];
    for (number, [break_it, mend_it]) in (1..).zip(ways) {
        let store = open(disk.path());
        assert!(append(&store));
        drop(store);
        break_it(&disk);
        let store = open(disk.path());
        let before = store.pending();
        // A full disk may have a last page to spare.
        while append(&store) {}
        assert!(!append(&store), "{number}");
        let unsaved = store.unsaved();
        let now: Vec<i64> = (1..)
            .take(usize::try_from(store.pending()).unwrap())
            .collect();
        assert_eq!(waiting(&store), now, "{number}");
        assert!(store.pending() >= before + unsaved);
        mend_it(&disk);
        store.outbox().retry_now();
        assert!(append(&store));
        assert_eq!(store.unsaved(), 0);
        drop(store);
        assert_eq!(waiting(&open(disk.path())).len(), now.len() + 1);
    }
}
