//! Pins through the kernel's GPIO character device, on any board.
//!
//! Lines are found by name (`GPIO17`), never by chip and number: on a Raspberry Pi 5 the header has moved between chips.

use std::path::Path;
use std::time::Duration;

use gpiocdev::line::{self, EdgeDetection, EventClock, Value};
use gpiocdev::{FoundLine, Request};

use super::found::{self, Chip};
use super::{Edge, GpioError, Output, Trigger};
use crate::kernel_time::instant_of;

/// Edges that the kernel keeps while a read goes on, as many as it can: of its usual 16, those of a few seconds of bounce would
/// leave the first ones uncounted.
const EDGES_KEPT: u32 = 1024;

/// An input with kernel debounce.
pub struct Input {
    name: String,
    request: Request,
}

/// Which change of the line triggers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Low to high.
    Rising,
    /// High to low: a button to ground with a pull-up.
    Falling,
}

/// What holds the line while nothing drives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bias {
    /// High: for a button to ground.
    PullUp,
    /// Low: for a button to the supply.
    PullDown,
    /// Nothing on the board: the line has a resistor of its own, or is always driven.
    Disabled,
}

impl Input {
    /// Takes a line as trigger. A line that the kernel cannot debounce is taken as it is.
    pub fn new(
        name: &str,
        change: Change,
        bias: Bias,
        debounce: Duration,
    ) -> Result<Self, GpioError> {
        let found = find(name)?;
        let mut builder = Request::builder();
        builder
            .with_consumer("vinspect trigger")
            .with_found_line(&found)
            .as_input()
            .with_bias(match bias {
                Bias::PullUp => line::Bias::PullUp,
                Bias::PullDown => line::Bias::PullDown,
                Bias::Disabled => line::Bias::Disabled,
            })
            .with_edge_detection(match change {
                Change::Rising => EdgeDetection::RisingEdge,
                Change::Falling => EdgeDetection::FallingEdge,
            })
            .with_event_clock(EventClock::Monotonic)
            .with_kernel_event_buffer_size(EDGES_KEPT)
            .with_debounce_period(debounce);
        let request = builder.request().or_else(|error| {
            let plain = builder.with_debounce_period(Duration::ZERO).request()?;
            log::warn!("GPIO line {name:?} has no debounce in the kernel: {error}");
            Ok(plain)
        });
        Ok(Self {
            name: name.into(),
            request: request.map_err(|error| refused(name, "the trigger", &error))?,
        })
    }
}

impl Trigger for Input {
    fn wait(&mut self, timeout: Duration) -> Result<Option<Edge>, GpioError> {
        let fail = |error| refused(&self.name, "the trigger", &error);
        match self.request.wait_edge_event(timeout) {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(error) if is_interruption(&error) => return Ok(None),
            Err(error) => return Err(fail(error)),
        }
        // Room for one: gpiocdev 0.8's own `read_edge_event` takes up to eight from the kernel and gives the first.
        let event = self.request.new_edge_event_buffer(1).read_event();
        let event = event.map_err(fail)?;
        Ok(Some(Edge {
            at: instant_of(Duration::from_nanos(event.timestamp_ns)),
        }))
    }
}

/// Whether a signal came while waiting (EINTR), which gpiocdev tells by its text only.
fn is_interruption(error: &gpiocdev::Error) -> bool {
    error.to_string().ends_with("(os error 4)")
}

/// An output line.
pub struct Line {
    name: String,
    request: Request,
}

impl Line {
    /// Takes a line as output, off.
    pub fn new(name: &str, active_low: bool) -> Result<Self, GpioError> {
        let line = find(name)?;
        let mut builder = Request::builder();
        builder
            .with_consumer("vinspect output")
            .with_found_line(&line)
            .as_output(Value::Inactive);
        if active_low {
            builder.as_active_low();
        }
        let request = builder
            .request()
            .map_err(|error| refused(name, "an output", &error))?;
        Ok(Self {
            name: name.into(),
            request,
        })
    }
}

impl Output for Line {
    fn set(&mut self, on: bool) -> Result<(), GpioError> {
        let value = if on { Value::Active } else { Value::Inactive };
        self.request
            .set_lone_value(value)
            .map_err(|error| refused(&self.name, "an output", &error))
    }
}

/// The chips that are there, or why one cannot be asked.
pub fn list() -> Vec<Result<Chip, GpioError>> {
    let found = gpiocdev::chip::chips().unwrap_or_default();
    let asked = found.into_iter().map(|device| {
        ask(&device).map_err(|error| {
            GpioError(format!(
                "GPIO chip {} cannot be asked: {error}; the user must be in the group gpio",
                device.display()
            ))
        })
    });
    asked.collect()
}

fn ask(device: &Path) -> gpiocdev::Result<Chip> {
    let chip = gpiocdev::Chip::from_path(device)?;
    let lines = chip.line_info_iter()?.map(|line| {
        let line = line?;
        Ok(found::FoundLine {
            name: (!line.name.is_empty()).then_some(line.name),
            used_by: line.used.then_some(line.consumer),
        })
    });
    Ok(Chip {
        device: device.into(),
        label: chip.info()?.label,
        lines: lines.collect::<gpiocdev::Result<_>>()?,
    })
}

/// Whether a line of this name exists.
pub fn exists(name: &str) -> bool {
    find(name).is_ok()
}

fn find(name: &str) -> Result<FoundLine, GpioError> {
    gpiocdev::find_named_line(name).ok_or_else(|| {
        GpioError(format!(
            "no GPIO line is called {name:?}; `vinspect devices` lists their names, and the user must be in the group gpio"
        ))
    })
}

fn refused(name: &str, purpose: &str, error: &gpiocdev::Error) -> GpioError {
    GpioError(format!(
        "GPIO line {name:?} cannot be used as {purpose}: {error}; `vinspect devices` shows whether something else uses it"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_not_there_is_named() {
        let new = Input::new("NO_SUCH", Change::Falling, Bias::PullUp, Duration::ZERO);
        let error = new.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(
            error.contains("\"NO_SUCH\"") && error.contains("vinspect devices"),
            "{error}"
        );
    }

    #[test]
    fn a_signal_is_an_interruption() {
        let of = |number| std::io::Error::from_raw_os_error(number).into();
        assert!(is_interruption(&of(4)));
        assert!(!is_interruption(&of(19)));
    }
}
