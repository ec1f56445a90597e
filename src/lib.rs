//! vinspect reads the vehicle identification number of the car in front of a fixed camera.
//!
//! Data flows one way, from the pins and the lens to the broker, and every room has one job:
//!
//! ```text
//! gpio ─trigger─▶ station ─▶ camera ─frames─▶ reader ─Reading─▶ station ─Verdict─▶ store ─▶ mqtt
//! ```
//!
//! `docs/design.md` draws the whole house.

pub mod camera;
pub mod cli;
pub mod config;
pub mod gpio;
pub mod health;
pub mod image;
pub mod inference;
#[cfg(any(feature = "gpio", feature = "v4l2"))]
mod kernel_time;
pub mod mqtt;
pub mod reader;
pub mod station;
pub mod store;
pub mod vin;
