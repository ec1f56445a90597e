//! What happens at a trigger: `[light]`, `[lamps]`, `[burst]`.

use serde::{Deserialize, Serialize};

use super::{CameraKind, Config, Outside, within};
use crate::station::{Bank, Lighting};

section! {
    /// `[light]`
    LightConfig {
        line: Option<String> = None,
        active_low: bool = false,
        pwm_channel: Option<u8> = None,
        pwm_duty: f64 = 1.0,
        longest_on_ms: u64 = 10_000,
        brighten_timeout_ms: u64 = 300,
        settle_timeout_ms: u64 = 1500,
        settle_frames: u32 = 2,
        settle_tolerance: f32 = 3.0,
    }
}
section! {
    /// `[lamps]`
    LampsConfig {
        ok_line: Option<String> = None,
        ok_pulse_ms: u64 = 0,
        ng_line: Option<String> = None,
        ng_pulse_ms: u64 = 0,
        busy_line: Option<String> = None,
        active_low: bool = false,
    }
}
section! {
    /// `[burst]`
    BurstConfig { frames: u32 = 8, banks: Vec<Bank> = Vec::new() }
}

impl LightConfig {
    pub(super) fn check(&self) -> Result<(), Outside> {
        within(
            "light.pwm_channel",
            self.pwm_channel.unwrap_or(0),
            0..=3,
            "0 to 3",
        )?;
        within("light.pwm_duty", self.pwm_duty, 0.01..=1.0, "0.01 to 1")?;
        within(
            "light.longest_on_ms",
            self.longest_on_ms,
            100..=600_000,
            "100 to 600000 ms",
        )?;
        within(
            "light.brighten_timeout_ms",
            self.brighten_timeout_ms,
            0..=10_000,
            "0 to 10000 ms",
        )?;
        within(
            "light.settle_timeout_ms",
            self.settle_timeout_ms,
            0..=30_000,
            "0 to 30000 ms",
        )?;
        within(
            "light.settle_frames",
            self.settle_frames,
            0..=100,
            "0 to 100 frames",
        )?;
        within(
            "light.settle_tolerance",
            self.settle_tolerance,
            0.1..=128.0,
            "0.1 to 128 grey levels",
        )
    }
}

impl LampsConfig {
    pub(super) fn check(&self) -> Result<(), Outside> {
        within(
            "lamps.ok_pulse_ms",
            self.ok_pulse_ms,
            0..=60_000,
            "0 to 60000 ms",
        )?;
        within(
            "lamps.ng_pulse_ms",
            self.ng_pulse_ms,
            0..=60_000,
            "0 to 60000 ms",
        )
    }
}

impl BurstConfig {
    /// As configured, or the one that there is without.
    pub(super) fn banks(&self) -> Vec<Bank> {
        match self.banks.as_slice() {
            [] => vec![Bank::default()],
            banks => banks.to_vec(),
        }
    }
}

pub(super) fn check(config: &Config) -> Result<(), Outside> {
    let burst = &config.burst;
    within("burst.frames", burst.frames, 1..=100, "1 to 100 frames")?;
    if (burst.frames as usize) < burst.banks.len() {
        return Err(Outside {
            key: "burst.frames",
            value: burst.frames.to_string(),
            allowed: "one at least for each of burst.banks",
        });
    }
    for bank in &burst.banks {
        within(
            "burst.banks.exposure_us",
            bank.exposure_us.unwrap_or(100),
            100..=10_000_000,
            "100 to 10000000 µs",
        )?;
        if bank.exposure_us.is_none() != burst.banks[0].exposure_us.is_none() {
            return Err(Outside {
                key: "burst.banks",
                value: "a bank without exposure_us".into(),
                allowed: "possible beside one that has it",
            });
        }
        if bank.light == Lighting::Pair {
            check_pair(config, bank)?;
        }
    }
    Ok(())
}

/// The two frames have to differ in the light, and in nothing else.
fn check_pair(config: &Config, bank: &Bank) -> Result<(), Outside> {
    let light = &config.light;
    let dark = light.line.is_none() && light.pwm_channel.is_none();
    let allowed = if bank.exposure_us.is_none() {
        "possible without exposure_us"
    } else if dark && config.camera.kind != CameraKind::Replay {
        "possible without light.line or light.pwm_channel"
    } else {
        return Ok(());
    };
    Err(Outside {
        key: "burst.banks.light",
        value: "\"pair\"".into(),
        allowed,
    })
}
