//! The pictures of reads: JPEG files in a folder beside the store. The reads are their index: a file is named after its read, and
//! goes when its read goes.

use std::collections::BTreeMap;
use std::fs::{self, DirEntry, File};
use std::io::{self, ErrorKind, Write};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Instant;

use uuid::Uuid;

use super::{Limits, RETRY, SWEEP_EVERY, is_due};

/// Pictures that make way for reads at once.
const BATCH: usize = 16;
/// Of one that is being written.
const UNFINISHED: &str = "part";

/// Why a picture is not kept.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error(
        "the disk of {} has {free} MiB free, which are left to the reads; make room there, or lower store.max_mb",
        folder.display()
    )]
    Room { folder: PathBuf, free: u64 },
    #[error("{}: {source}; the folder must be writable for vinspect", folder.display())]
    Io { folder: PathBuf, source: io::Error },
}

/// What a file is named after: the number and the id of its read.
type Name = (i64, Uuid);

pub struct Archive {
    folder: PathBuf,
    limit: u64,
    /// What the reads may come to need of the disk.
    reserve: u64,
    /// The size of each.
    pictures: BTreeMap<Name, u64>,
    refusal: Option<Refusal>,
    probed: Instant,
    swept: Option<Instant>,
}

/// Where the pictures of a store are.
pub fn folder(store: &Path) -> PathBuf {
    store.with_extension("pictures")
}

/// Where the picture of a read is, if it has one.
pub fn file(folder: &Path, (sequence, id): Name) -> PathBuf {
    folder.join(format!("{sequence:09}-{id}.jpg"))
}

/// The reads whose pictures are there, with the size of each. What else is there is passed over.
pub fn pictures(folder: &Path) -> io::Result<BTreeMap<Name, u64>> {
    Ok(pictures_of(&files(folder)?))
}

/// What lies in the folder, if there is one.
fn files(folder: &Path) -> io::Result<Vec<DirEntry>> {
    match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        files => Ok(files?.flatten().collect()),
    }
}

fn pictures_of(files: &[DirEntry]) -> BTreeMap<Name, u64> {
    let picture = |file: &DirEntry| {
        let name = file.file_name();
        let (sequence, id) = name.to_str()?.strip_suffix(".jpg")?.split_once('-')?;
        let name = (sequence.parse().ok()?, Uuid::parse_str(id).ok()?);
        Some((name, file.metadata().ok()?.len()))
    };
    files.iter().filter_map(picture).collect()
}

/// Removes a picture; whether there was one.
pub fn remove(folder: &Path, name: Name) -> io::Result<bool> {
    match fs::remove_file(file(folder, name)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        removed => removed.map(|()| true),
    }
}

impl Archive {
    /// The archive beside a store. Nothing is made before there is a picture to keep.
    pub fn open(store: &Path, limits: Limits) -> Self {
        let bytes = |mb: u32| u64::from(mb) << 20;
        Self {
            folder: folder(store),
            limit: bytes(limits.pictures_max_mb),
            reserve: bytes(limits.max_mb),
            pictures: BTreeMap::new(),
            refusal: None,
            probed: Instant::now(),
            swept: None,
        }
    }

    /// Keeps the picture of a read that is on the disk; the oldest make room for it.
    pub fn keep(&mut self, name: Name, jpeg: &[u8]) {
        match self.write(name, jpeg) {
            Ok(()) => self.refusal = None,
            Err(refusal) => self.refuse(refusal),
        }
    }

    /// Why pictures are not kept, if they are not.
    pub fn refusal(&self) -> Option<&Refusal> {
        self.refusal.as_ref()
    }

    /// Lets the oldest go if the disk is short; whether that made any room.
    pub fn make_way(&mut self) -> bool {
        self.room().is_err_and(|refusal| {
            self.refuse(refusal);
            let oldest = (0..BATCH).map_while(|_| self.pictures.pop_first());
            let oldest: Vec<_> = oldest.collect();
            let gone = oldest.into_iter().filter(|(name, _)| self.remove(*name));
            gone.count() > 0
        })
    }

    /// Does what is due. `reads`: the numbers of the reads that there are; asked for only if it matters.
    pub fn tend(&mut self, reads: impl FnOnce() -> Option<RangeInclusive<i64>>) {
        if is_due(self.swept, SWEEP_EVERY) {
            self.swept = Some(Instant::now());
            if let Err(error) = self.sweep(reads()) {
                self.refuse(self.failed(error));
            }
        }
        if self.refusal.is_some() && self.probed.elapsed() >= RETRY {
            self.probed = Instant::now();
            if self.room().is_ok() {
                self.refusal = None;
            }
        }
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.refusal = Some(refusal);
        self.probed = Instant::now();
    }

    fn failed(&self, source: io::Error) -> Refusal {
        let folder = self.folder.clone();
        Refusal::Io { folder, source }
    }

    fn write(&mut self, name: Name, jpeg: &[u8]) -> Result<(), Refusal> {
        let mut bytes = jpeg.len() as u64 + self.pictures.values().sum::<u64>();
        while bytes > self.limit
            && let Some((oldest, size)) = self.pictures.pop_first()
        {
            self.remove(oldest);
            bytes -= size;
        }
        self.room()?;
        let path = file(&self.folder, name);
        let unfinished = path.with_extension(UNFINISHED);
        let written = fs::create_dir_all(&self.folder)
            .and_then(|()| File::create(&unfinished))
            .and_then(|mut file| {
                file.write_all(jpeg)?;
                // Before it has its name: half a picture would be a wrong one.
                file.sync_data()
            })
            .and_then(|()| fs::rename(&unfinished, &path));
        if let Err(error) = written {
            let _ = fs::remove_file(&unfinished);
            return Err(self.failed(error));
        }
        self.pictures.insert(name, jpeg.len() as u64);
        Ok(())
    }

    /// An error if the disk has less free than the reads may come to need.
    fn room(&self) -> Result<(), Refusal> {
        let existing = self.folder.ancestors().find(|folder| folder.exists());
        let disk = rustix::fs::statvfs(existing.unwrap_or(&self.folder));
        let disk = disk.map_err(|error| self.failed(error.into()))?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        if free >= self.reserve {
            return Ok(());
        }
        let folder = self.folder.clone();
        let free = free >> 20;
        Err(Refusal::Room { folder, free })
    }

    /// Whether it went.
    fn remove(&self, name: Name) -> bool {
        remove(&self.folder, name).unwrap_or_else(|error| {
            log::warn!(
                "picture {} cannot be removed: {error}",
                file(&self.folder, name).display()
            );
            false
        })
    }

    /// Looks at what is there, and removes what was not finished or has no read any more.
    fn sweep(&mut self, reads: Option<RangeInclusive<i64>>) -> io::Result<()> {
        let files = files(&self.folder)?;
        self.pictures = pictures_of(&files);
        let unfinished = files
            .iter()
            .map(DirEntry::path)
            .filter(|path| path.extension().is_some_and(|end| end == UNFINISHED));
        unfinished.for_each(|path| drop(fs::remove_file(path)));
        if let Some(reads) = reads {
            let gone = self
                .pictures
                .extract_if(.., |(sequence, _), _| !reads.contains(sequence));
            let gone: Vec<Name> = gone.map(|(name, _)| name).collect();
            for name in gone {
                self.remove(name);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tempfile::TempDir;

    use super::*;

    fn archive() -> (TempDir, Archive) {
        let disk = tempfile::tempdir().unwrap();
        let limits = Limits {
            pictures_max_mb: 1,
            ..Limits::default()
        };
        let archive = Archive::open(&disk.path().join("reads.sqlite"), limits);
        (disk, archive)
    }

    fn name(sequence: i64) -> Name {
        (sequence, Uuid::from_u128(sequence.unsigned_abs().into()))
    }

    fn numbers(archive: &Archive) -> Vec<i64> {
        let there = pictures(&archive.folder).unwrap();
        let known: Vec<_> = archive.pictures.keys().collect();
        assert_eq!(known, there.keys().collect::<Vec<_>>());
        there.into_keys().map(|(sequence, _)| sequence).collect()
    }

    #[test]
    fn the_oldest_pictures_make_room_for_the_newest() {
        let (_disk, mut archive) = archive();
        for sequence in 1..=5 {
            archive.keep(name(sequence), &[7; 300_000]);
        }
        assert_eq!(numbers(&archive), [3, 4, 5]);
        assert_eq!(
            fs::read(file(&archive.folder, name(5))).unwrap(),
            [7; 300_000]
        );
        assert!(archive.refusal().is_none());
    }

    #[test]
    fn a_sweep_finds_what_is_there_and_removes_what_has_no_read_or_was_not_finished() {
        let (disk, mut archive) = archive();
        for sequence in 1..=5 {
            archive.keep(name(sequence), b"JPEG");
        }
        let part = archive.folder.join("000000006.part");
        let other = archive.folder.join("notes.txt");
        fs::write(&part, "half").unwrap();
        fs::write(&other, "mine").unwrap();
        let limits = Limits::default();
        let mut archive = Archive::open(&disk.path().join("reads.sqlite"), limits);
        archive.tend(|| None);
        assert_eq!(numbers(&archive), [1, 2, 3, 4, 5]);
        archive.swept = None;
        archive.tend(|| Some(2..=4));
        assert_eq!(numbers(&archive), [2, 3, 4]);
        assert!(!part.exists() && other.exists());
    }

    #[test]
    fn a_disk_that_is_short_takes_no_picture_and_those_that_are_there_make_way() {
        let (_disk, mut archive) = archive();
        for sequence in 1..=20 {
            archive.keep(name(sequence), b"JPEG");
        }
        assert!(!archive.make_way(), "there is room");
        archive.reserve = u64::MAX;
        archive.keep(name(21), b"JPEG");
        let refusal = archive.refusal().unwrap().to_string();
        assert!(refusal.contains("MiB free"), "{refusal}");
        assert!(archive.make_way());
        assert_eq!(numbers(&archive), [17, 18, 19, 20]);
        assert!(archive.make_way());
        assert!(!archive.make_way(), "there is none left");
        archive.reserve = 0;
        archive.keep(name(22), b"JPEG");
        assert!(archive.refusal().is_none());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_told_of() {
        let (disk, mut archive) = archive();
        fs::write(folder(&disk.path().join("reads.sqlite")), "a file").unwrap();
        archive.keep(name(1), b"JPEG");
        let refusal = archive.refusal().unwrap().to_string();
        assert!(refusal.contains("reads.pictures"), "{refusal}");
    }
}
