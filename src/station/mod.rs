//! One trigger from edge to verdict: light, settle, burst, fuse, decide. Knows cameras, pins and the reader by their
//! traits, time by its clock, and no broker.

mod bank;
mod burst;
mod fault;
mod lamps;
pub mod order;
mod parts;
mod rig;
mod verdict;
mod watch;

pub use bank::{Bank, Lighting};
use fault::Fault;
pub use fault::{FaultKind, Trouble};
pub use lamps::Lamps;
pub use parts::{Clock, Parts, Settings, SystemClock};
pub use verdict::{Source, Timings, Verdict};
pub use watch::{Served, Station};
