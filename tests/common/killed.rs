//! Programs that do not outlive their test.
#![allow(clippy::unwrap_used, dead_code)]

use std::process::{Child, Command};

/// Killed at the end at the latest.
pub struct Killed(pub Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Asks it to end.
pub fn terminate(child: &Killed) {
    let pid = child.0.id().to_string();
    let kill = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
    assert!(kill.success());
}
