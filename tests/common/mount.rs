//! A small disk of its own.
#![allow(clippy::unwrap_used, dead_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A real file system without room, or without writing. `None`, visibly, where it cannot be mounted.
pub struct Mount(TempDir);

impl Mount {
    pub fn new(mb: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mb}m"), "vinspect-test"])
            .arg(folder.path())
            .output();
        if mount.is_ok_and(|done| done.status.success()) {
            Some(Self(folder))
        } else {
            eprintln!("skipped: no file system can be mounted here");
            None
        }
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn remount(&self, how: &str) {
        let how = format!("remount,{how}");
        let status = Command::new("mount")
            .args(["-o", &how])
            .arg(self.0.path())
            .status();
        assert!(status.unwrap().success());
    }

    pub fn fill(&self) {
        self.fill_but(0);
    }

    /// Leaves so many bytes free.
    pub fn fill_but(&self, free: u64) {
        self.empty();
        let spare = self.path().join("spare");
        fs::write(&spare, vec![1; usize::try_from(free).unwrap()]).unwrap();
        let mut size = 1 << 20;
        for n in 0.. {
            while fs::write(self.filler(n), vec![1; size]).is_err() {
                size /= 2;
                if size == 0 {
                    return fs::remove_file(spare).unwrap();
                }
            }
        }
    }

    fn filler(&self, n: usize) -> PathBuf {
        self.path().join(format!("filler{n}"))
    }

    pub fn empty(&self) {
        for n in 0.. {
            if fs::remove_file(self.filler(n)).is_err() {
                return;
            }
        }
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}
