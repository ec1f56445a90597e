//! What can go wrong in a burst.

use serde::Serialize;

use crate::camera::CameraError;
use crate::gpio::GpioError;
use crate::health::Cause;
use crate::reader::ReadError;

/// Why a burst ended early, or was worse than it should be.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Camera(#[from] CameraError),
    #[error(transparent)]
    Light(GpioError),
    #[error(transparent)]
    Reader(#[from] ReadError),
    #[error("vinspect was stopped during the burst")]
    Stopped,
    #[error(
        "the light's longest time was over before the burst was; see light.longest_on_ms and burst.frames"
    )]
    LightTime,
}

/// What is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum FaultKind {
    /// It is away, stands still or gives no picture.
    Camera,
    /// It cannot be switched.
    Light,
    /// The light went off before the burst was over.
    LightTime,
    /// The networks failed.
    Reader,
    /// vinspect was stopped.
    Stopped,
    /// The trigger pin cannot be watched.
    Trigger,
}

/// A fault as it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Trouble {
    /// What is at fault.
    pub kind: FaultKind,
    /// A sentence: what happened and what to do.
    pub message: String,
}

impl From<&Fault> for Trouble {
    fn from(fault: &Fault) -> Self {
        Self {
            kind: fault.kind(),
            message: fault.to_string(),
        }
    }
}

impl Fault {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Camera(_) => FaultKind::Camera,
            Self::Light(_) => FaultKind::Light,
            Self::LightTime => FaultKind::LightTime,
            Self::Reader(_) => FaultKind::Reader,
            Self::Stopped => FaultKind::Stopped,
        }
    }

    /// What ails the station beyond this burst.
    pub(super) fn cause(&self) -> Option<Cause> {
        match self {
            Self::Camera(_) => Some(Cause::Camera),
            Self::Light(_) => Some(Cause::Light),
            Self::Reader(_) => Some(Cause::Reader),
            Self::LightTime | Self::Stopped => None,
        }
    }
}
