//! One trigger from edge to verdict: light, settle, burst, fuse, decide. Knows cameras, pins and the reader by their
//! traits, time by its clock, and no broker.

mod burst;
mod verdict;

pub use burst::{Clock, Parts, Settings, Station, SystemClock};
pub use verdict::{Source, Timings, Verdict};
