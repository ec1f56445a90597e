//! What a person or a PLC is shown: busy from the trigger until the verdict is kept, then OK or NG until the next trigger, or
//! for as long as the output itself stays on.

use crate::gpio::{GpioError, Output};

/// The lamps, of which a station may have any.
#[derive(Default)]
pub struct Lamps {
    /// The reading was accepted and is on the disk.
    pub ok: Option<Box<dyn Output>>,
    /// It was not, or is not.
    pub ng: Option<Box<dyn Output>>,
    /// A read is under way.
    pub busy: Option<Box<dyn Output>>,
}

/// How it is with the station.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// Nothing was read since the start, or nothing will be any more.
    Idle,
    Busy,
    Ok,
    Ng,
}

impl Lamps {
    /// Lights one of them at most; also if one fails, the others are switched. Busy is the last to change: whoever sees it end
    /// sees the outcome.
    pub(super) fn show(&mut self, signal: Signal) -> Result<(), GpioError> {
        let lamps = [
            (&mut self.ok, Signal::Ok),
            (&mut self.ng, Signal::Ng),
            (&mut self.busy, Signal::Busy),
        ];
        let mut done = Ok(());
        for (lamp, own) in lamps {
            if let Some(lamp) = lamp {
                done = done.and(lamp.set(signal == own));
            }
        }
        done
    }
}
