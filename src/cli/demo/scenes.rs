//! The scenes of the demo, rendered by `training/demo_scenes.py`.

/// A scene and what its read should be.
pub struct Shown {
    /// What it shows.
    pub name: &'static str,
    /// 1280×720 pixels.
    pub jpeg: &'static [u8],
    /// What should come of it.
    pub expected: Expected,
}

/// What should come of a scene.
pub enum Expected {
    /// This VIN, accepted.
    Accepted(&'static str),
    /// Anything but an accepted VIN.
    NotAccepted,
    /// No read at all.
    NoRead,
}

/// In the order they are shown.
pub const SCENES: &[Shown] = &[];
