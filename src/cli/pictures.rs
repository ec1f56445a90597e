//! Picture files for the verbs that read them: found, decoded and read on all cores, answered in order.

use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::image::{DecodeError, decode_file};
use crate::reader::{Observation, ReadError, Reader};

const EXTENSIONS: [&str; 6] = ["jpg", "jpeg", "png", "webp", "bmp", "dib"];

/// Why a picture has no reading.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// It is no picture, or a broken one.
    #[error("{0}")]
    Decode(#[from] DecodeError),
    /// The networks failed.
    #[error("{0}")]
    Read(#[from] ReadError),
    /// The folder cannot be listed.
    #[error("cannot be listed: {0}")]
    Folder(io::Error),
    /// Folders are read when asked for.
    #[error("is a folder; add --recursive to read all pictures below it, or name its files")]
    IsFolder,
}

/// What a picture shows, and how long it took from its bytes.
pub type Answer = Result<(Observation, Duration), PictureError>;

/// One file, or why there is none.
pub type Found = (PathBuf, Result<(), PictureError>);

/// The files that the paths mean, folders in order of name. A folder stands for the pictures in it, and with
/// `recursive` for those below it too.
pub fn find(paths: &[PathBuf], recursive: bool) -> Vec<Found> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            walk(path, recursive, &mut found);
        } else {
            found.push((path.clone(), Ok(())));
        }
    }
    found
}

fn walk(folder: &Path, recursive: bool, found: &mut Vec<Found>) {
    let listed = folder
        .read_dir()
        .and_then(|entries| entries.collect::<io::Result<Vec<_>>>());
    let mut entries = match listed {
        Ok(entries) => entries,
        Err(error) => {
            found.push((folder.into(), Err(PictureError::Folder(error))));
            return;
        }
    };
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        // `file_type` does not follow links, so that a link to a parent cannot go round for ever.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if recursive {
                walk(&path, recursive, found);
            }
        } else if is_picture(&path) {
            found.push((path, Ok(())));
        }
    }
}

fn is_picture(path: &Path) -> bool {
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| EXTENSIONS.contains(&extension.to_ascii_lowercase().as_str()))
}

/// As many threads as there are cores.
pub fn all_cores() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Reads every file on `jobs` threads and hands out the answers in the order of the files.
pub fn read_all(
    reader: &Reader,
    files: Vec<Found>,
    jobs: NonZeroUsize,
    mut answered: impl FnMut(&Path, Answer),
) {
    let bar = progress(files.len());
    let (paths, known): (Vec<PathBuf>, Vec<_>) = files.into_iter().unzip();
    let mut waiting: BTreeMap<usize, Answer> = BTreeMap::new();
    let mut good = Vec::new();
    for (index, result) in known.into_iter().enumerate() {
        match result {
            Ok(()) => good.push(index),
            Err(error) => {
                waiting.insert(index, Err(error));
            }
        }
    }
    let next = AtomicUsize::new(0);
    let jobs = jobs.get().min(good.len().max(1));
    // Bounded, so that a slow reader of our output holds the work back instead of filling the memory.
    let (sender, answers) = sync_channel(2 * jobs);
    thread::scope(|scope| {
        for _ in 0..jobs {
            let (sender, next, good, paths) = (sender.clone(), &next, &good, &paths);
            scope.spawn(move || {
                while let Some(&index) = good.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if sender.send((index, answer(reader, &paths[index]))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut due = 0;
        loop {
            while let Some(answer) = waiting.remove(&due) {
                bar.suspend(|| answered(&paths[due], answer));
                bar.inc(1);
                due += 1;
            }
            let Ok((index, answer)) = answers.recv() else {
                break;
            };
            waiting.insert(index, answer);
        }
    });
    bar.finish_and_clear();
}

fn answer(reader: &Reader, path: &Path) -> Answer {
    let start = Instant::now();
    let frame = if path.is_dir() {
        return Err(PictureError::IsFolder);
    } else {
        decode_file(path)?
    };
    let seen = reader.observe(&frame)?;
    Ok((seen, start.elapsed()))
}

/// Shows itself on a terminal only.
fn progress(files: usize) -> ProgressBar {
    let bar = if files > 1 {
        ProgressBar::new(files as u64)
    } else {
        ProgressBar::hidden()
    };
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {per_sec} {eta} left");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
