//! The store over kills, torn writes and flipped bits; and what it writes to the disk.
#![allow(clippy::unwrap_used)]

#[path = "common/killed.rs"]
mod killed;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use jiff::Timestamp;
use killed::Killed;
use uuid::Uuid;
use vinspect::store::{Facts, History, Limits, Store, StoreError};

const STORE: &str = "VINSPECT_TEST_STORE";

fn open(path: &Path) -> Store {
    Store::open(path, Limits::default()).unwrap()
}

fn facts() -> Facts {
    Facts {
        id: Uuid::now_v7(),
        vin: Some("1HGCM82633A004352".into()),
        decided_at: Timestamp::now(),
    }
}

/// A message that tells from its number alone whether it is whole. Of a length like real ones, now and then of many pages.
fn message(sequence: i64) -> String {
    let length = match sequence % 50 {
        0 => 30_000,
        n => 600 + 40 * usize::try_from(n).unwrap(),
    };
    format!("{sequence:0length$}")
}

/// All numbers in the store; each message is whole.
fn kept(path: &Path) -> Vec<i64> {
    let history = History::open(path).unwrap();
    let reads = history.reads(Timestamp::MIN, None).map(|kept| {
        let read = kept.unwrap().read;
        assert_eq!(read.payload, message(read.sequence));
        read.sequence
    });
    reads.collect()
}

/// How often something is done, if the environment does not say otherwise.
fn times(name: &str, usual: usize) -> usize {
    env::var(name).map_or(usual, |times| times.parse().unwrap())
}

/// Numbers that look random and are the same every time (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % end as u64).unwrap()
    }
}

/// Not a test: what the next one starts and kills. Tells `+n` when read n is on the disk, `-n` before n is delivered.
#[test]
#[ignore = "a part of reads_survive_a_kill_at_any_moment"]
fn child_that_is_killed() {
    let Some(path) = env::var_os(STORE) else {
        return;
    };
    let store = open(path.as_ref());
    let mut told = std::io::stderr();
    loop {
        let mut number = 0;
        let appended = store.append(facts(), |sequence| {
            number = sequence;
            message(sequence)
        });
        assert!(appended.saved);
        writeln!(told, "+{number}").unwrap();
        if number % 3 == 0 {
            let waiting = store.pending_after(0, 2);
            let last = waiting.last().unwrap().sequence;
            writeln!(told, "-{last}").unwrap();
            store.delivered(last);
        }
    }
}

/// `VINSPECT_TEST_KILLS=200 cargo test --test store` kills more often.
#[test]
fn reads_survive_a_kill_at_any_moment() {
    let kills = times("VINSPECT_TEST_KILLS", 40);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reads.sqlite");
    let mut dice = Dice(1);
    let (mut acknowledged, mut delivered) = (0, 0);
    for round in 0..kills {
        // Not `current_exe`, which under qemu is none that can be started.
        let mut child = Command::new(env::args_os().next().unwrap());
        child
            .args([
                "--ignored",
                "--exact",
                "child_that_is_killed",
                "--nocapture",
            ])
            .env(STORE, &path)
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = Killed(child.spawn().unwrap());
        let mut lines = BufReader::new(child.0.stderr.take().unwrap()).lines();
        let mut heard = |line: String| {
            let number = || line[1..].parse::<i64>().unwrap();
            match line.as_bytes().first() {
                Some(b'+') => acknowledged = number(),
                Some(b'-') => delivered = number(),
                _ => panic!("{line}"),
            }
        };
        // The first of them are told by a child that has just opened what the last one left.
        for line in lines.by_ref().take(dice.below(60)) {
            heard(line.unwrap());
        }
        let moment = Instant::now() + Duration::from_micros(dice.below(5000) as u64);
        while Instant::now() < moment {
            thread::yield_now();
        }
        child.0.kill().unwrap();
        child.0.wait().unwrap();
        // A line that the kill cut off was not heard.
        let rest: Vec<_> = lines.map_while(Result::ok).collect();
        rest.into_iter()
            .filter(|line| line.len() > 1)
            .for_each(&mut heard);

        let store = open(&path);
        assert!(store.set_aside().is_empty(), "round {round}");
        let all = kept(&path);
        assert!(
            all.iter().copied().eq(1..=all.len() as i64),
            "round {round}: {all:?}"
        );
        assert!(all.len() as i64 >= acknowledged, "round {round}");
        let waiting = store.pending_after(0, 1_000_000);
        let first = waiting
            .first()
            .map_or(all.len() as i64 + 1, |read| read.sequence);
        assert!(
            first <= delivered + 1,
            "round {round}: {first}, {delivered}"
        );
        assert_eq!(
            waiting.len() as i64,
            all.len() as i64 + 1 - first,
            "round {round}"
        );
    }
    println!("{kills} kills, {acknowledged} reads");
}

/// A store of sixty reads as a power cut would find it: the file, its log, and how long the log was after each read.
struct Cut {
    file: Vec<u8>,
    log: Vec<u8>,
    lengths: Vec<usize>,
}

impl Cut {
    fn new(reads: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reads.sqlite");
        let log = folder.path().join("reads.sqlite-wal");
        let store = open(&path);
        let lengths = (0..reads).map(|n| {
            assert!(store.append(facts(), message).saved);
            if n % 4 == 0 {
                store.delivered(n as i64 / 2);
            }
            usize::try_from(fs::metadata(&log).unwrap().len()).unwrap()
        });
        Self {
            lengths: lengths.collect(),
            file: fs::read(&path).unwrap(),
            log: fs::read(&log).unwrap(),
        }
    }

    /// Files like these, or with something done to them.
    fn write(file: &[u8], log: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
        let memory = tempfile::tempdir_in("/dev/shm");
        let folder = memory.unwrap_or_else(|_| tempfile::tempdir().unwrap());
        let path = folder.path().join("reads.sqlite");
        fs::write(&path, file).unwrap();
        fs::write(folder.path().join("reads.sqlite-wal"), log).unwrap();
        (folder, path)
    }
}

#[test]
fn a_log_that_is_torn_anywhere_keeps_what_was_committed_before() {
    let cut = Cut::new(60);
    let mut dice = Dice(2);
    let frames = (32..=cut.log.len()).step_by(24 + 4096);
    let others: Vec<_> = (0..100).map(|_| dice.below(cut.log.len())).collect();
    for end in frames.chain(others) {
        let mut torn = cut.log[..end].to_vec();
        if dice.below(2) == 0 {
            // What was there before, from the log's last round.
            torn.extend((0..5000).map(|_| dice.below(256) as u8));
        }
        let (_folder, path) = Cut::write(&cut.file, &torn);
        let store = open(&path);
        let committed = cut.lengths.iter().filter(|length| **length <= end).count();
        let all = kept(&path);
        assert!(
            all.iter().copied().eq(1..=all.len() as i64),
            "cut at {end}: {all:?}"
        );
        assert!(
            all.len() >= committed,
            "cut at {end}: {} of {committed}",
            all.len()
        );
        assert!(store.set_aside().is_empty(), "cut at {end}");
        assert!(store.append(facts(), message).saved, "cut at {end}");
    }
}

/// Whatever the files hold: the store opens, perhaps as a new one, takes reads and hands them out.
/// `VINSPECT_TEST_DAMAGES` says how many are tried.
#[test]
fn damage_of_any_kind_stops_nothing() {
    let cut = Cut::new(60);
    // The same reads brought into the file.
    let (_folder, path) = Cut::write(&cut.file, &cut.log);
    drop(open(&path));
    let whole = fs::read(&path).unwrap();
    let mut dice = Dice(3);
    let (mut sound, mut set_aside, mut salvaged) = (0, 0, 0);
    for round in 0..times("VINSPECT_TEST_DAMAGES", 400) {
        let (mut file, mut log) = match round % 2 {
            0 => (whole.clone(), Vec::new()),
            _ => (cut.file.clone(), cut.log.clone()),
        };
        let hit = if log.is_empty() || dice.below(8) == 0 {
            &mut file
        } else {
            &mut log
        };
        let at = match dice.below(3) {
            // Headers are where it hurts.
            0 => dice.below(100),
            _ => dice.below(hit.len()),
        };
        match dice.below(4) {
            0 => hit[at] ^= 1 << dice.below(8),
            1 => hit[at] = dice.below(256) as u8,
            2 => hit[at / 4096 * 4096..]
                .iter_mut()
                .take(4096)
                .for_each(|byte| *byte = 0),
            _ => hit.truncate(at),
        }
        let (_folder, path) = Cut::write(&file, &log);
        let store = match Store::open(&path, Limits::default()) {
            Ok(store) => store,
            Err(StoreError::Newer { .. }) => continue,
            Err(error) => panic!("round {round}, byte {at}: {error}"),
        };
        let waiting = store.pending_after(0, 1000).len();
        let mut number = 0;
        let appended = store.append(facts(), |sequence| {
            number = sequence;
            "new".into()
        });
        assert!(appended.saved, "round {round}, byte {at}");
        let then = store.pending_after(0, 1000);
        let last = then.last().unwrap();
        assert_eq!(
            (last.sequence, last.payload.as_str()),
            (number, "new"),
            "round {round}, byte {at}"
        );
        if store.set_aside().is_empty() {
            sound += 1;
        } else {
            set_aside += 1;
            salvaged += usize::from(waiting > 0);
        }
    }
    println!("{sound} opened, {set_aside} set aside, something salvaged from {salvaged} of them");
    assert!(sound > 0 && set_aside > 0 && salvaged > 0);
}

/// Bytes that this process has made the kernel write.
fn written() -> Option<u64> {
    let io = fs::read_to_string("/proc/self/io").ok()?;
    let line = io
        .lines()
        .find_map(|line| line.strip_prefix("write_bytes: "))?;
    line.parse().ok()
}

/// `cargo test --test store bytes -- --ignored --nocapture`, with TMPDIR on a disk.
#[test]
#[ignore = "measures"]
fn bytes_written_for_each_read() {
    const READS: u64 = 4000;
    println!("bytes of the message | bytes written for a read | ms for a read, the slowest");
    // The last one is at its bound, where each read takes the room of an older one.
    for (size, max_mb) in [(1000, 64), (1500, 64), (2500, 64), (1000, 4_u32)] {
        let folder = tempfile::tempdir().unwrap();
        let limits = Limits {
            max_mb,
            ..Limits::default()
        };
        let store = Store::open(&folder.path().join("reads.sqlite"), limits).unwrap();
        let read = || {
            let mut number = 0;
            store.append(facts(), |sequence| {
                number = sequence;
                format!("{sequence:0size$}")
            });
            store.delivered(number);
        };
        // The log has its length after a while.
        (0..1000).for_each(|_| read());
        let (Some(before), start) = (written(), Instant::now()) else {
            println!("skipped: /proc/self/io does not tell");
            return;
        };
        let mut slowest = Duration::ZERO;
        for _ in 0..READS {
            let start = Instant::now();
            read();
            slowest = slowest.max(start.elapsed());
        }
        let ms = start.elapsed().as_secs_f64() * 1e3 / READS as f64;
        let slowest = slowest.as_millis();
        let bytes = (written().unwrap() - before) / READS;
        println!("{size:20} | {bytes:24} | {ms:.2}, {slowest}");
    }
}
