//! A dimmed light on the hardware PWM of a Raspberry Pi.

use rppal::pwm::{Channel, Polarity, Pwm};

use super::{GpioError, Output};

/// Fast enough not to be seen as stripes by a rolling shutter.
const FREQUENCY_HZ: f64 = 20_000.0;

/// The light at a share of its full brightness.
pub struct DimmedLight {
    pwm: Pwm,
    duty: f64,
}

impl DimmedLight {
    /// `duty` over 0 up to 1. Channel 0 is GPIO 12 and 1 is GPIO 13; GPIO 18 and 19 are 2 and 3 on a Raspberry Pi 5, but
    /// the same two channels on those before it. `active_low`: the light is on while the pin is low.
    pub fn new(channel: u8, duty: f64, active_low: bool) -> Result<Self, GpioError> {
        let polarity = if active_low {
            Polarity::Inverse
        } else {
            Polarity::Normal
        };
        let pwm = Channel::try_from(channel)
            .and_then(|channel| Pwm::with_frequency(channel, FREQUENCY_HZ, 0.0, polarity, true))
            .map_err(refused)?;
        Ok(Self { pwm, duty })
    }
}

impl Output for DimmedLight {
    fn set(&mut self, on: bool) -> Result<(), GpioError> {
        self.pwm
            .set_duty_cycle(if on { self.duty } else { 0.0 })
            .map_err(refused)
    }
}

fn refused(error: rppal::pwm::Error) -> GpioError {
    GpioError(format!(
        "the PWM light cannot be used: {error}; is dtoverlay=pwm-2chan set in config.txt?"
    ))
}
