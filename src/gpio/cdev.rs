//! Pins through the kernel's GPIO character device, on any board.
//!
//! Lines are found by name (`GPIO17`), never by chip and number: on a Raspberry Pi 5 the header has moved between chips.

use std::time::{Duration, Instant};

use gpiocdev::line::{EdgeDetection, Value};
use gpiocdev::{FoundLine, Request};

use super::{Edge, GpioError, Output, Trigger};

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

impl Input {
    /// Takes a line as trigger.
    pub fn new(name: &str, change: Change, debounce: Duration) -> Result<Self, GpioError> {
        let line = find(name)?;
        let edge = match change {
            Change::Rising => EdgeDetection::RisingEdge,
            Change::Falling => EdgeDetection::FallingEdge,
        };
        let request = Request::builder()
            .with_consumer("vinspect trigger")
            .with_found_line(&line)
            .as_input()
            .with_edge_detection(edge)
            .with_debounce_period(debounce)
            .request()
            .map_err(|error| refused(name, "the trigger", &error))?;
        Ok(Self {
            name: name.into(),
            request,
        })
    }
}

impl Trigger for Input {
    fn wait(&mut self, timeout: Duration) -> Result<Option<Edge>, GpioError> {
        let fail = |error| refused(&self.name, "the trigger", &error);
        if !self.request.wait_edge_event(timeout).map_err(fail)? {
            return Ok(None);
        }
        self.request.read_edge_event().map_err(fail)?;
        Ok(Some(Edge { at: Instant::now() }))
    }
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

/// Whether a line of this name exists.
pub fn exists(name: &str) -> bool {
    find(name).is_ok()
}

fn find(name: &str) -> Result<FoundLine, GpioError> {
    gpiocdev::find_named_line(name).ok_or_else(|| {
        GpioError(format!(
            "no GPIO line is called {name:?}; `gpioinfo` lists their names, and the user must be in the group gpio"
        ))
    })
}

fn refused(name: &str, purpose: &str, error: &gpiocdev::Error) -> GpioError {
    GpioError(format!(
        "GPIO line {name:?} cannot be used as {purpose}: {error}"
    ))
}
