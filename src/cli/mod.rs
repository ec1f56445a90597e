//! One file a verb, and what they share.

mod check;
mod compare;
mod decode;
#[cfg(feature = "demo")]
mod demo;
mod devices;
mod evaluate;
mod export;
mod forget;
mod hardware;
pub mod journal;
mod pictures;
mod read;
mod run;
pub mod service;
mod stored;
pub mod supervisor;

use std::process::ExitCode;

use log::LevelFilter;

/// Why a verb could not be done: one sentence for the terminal.
pub type Failure = Box<dyn std::error::Error>;

/// Reads the VIN of the car in front of a fixed camera and publishes it over MQTT.
///
/// `vinspect demo` shows the whole job with nothing set up.
#[derive(clap::Parser)]
#[command(version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    verb: Verb,
    /// Log more (-v, -vv). RUST_LOG, if set, says more exactly what.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(clap::Subcommand)]
enum Verb {
    #[cfg(feature = "demo")]
    Demo(demo::Args),
    Run(run::Args),
    Read(read::Args),
    Evaluate(evaluate::Args),
    Check(check::Args),
    Devices(devices::Args),
    Export(export::Args),
    Forget(forget::Args),
    Decode(decode::Args),
    Compare(compare::Args),
}

impl Cli {
    /// What is logged unless RUST_LOG says otherwise.
    pub fn log_level(&self) -> LevelFilter {
        match (&self.verb, self.verbose) {
            (Verb::Run(_), 0) => LevelFilter::Info,
            (_, 0) => LevelFilter::Warn,
            (_, 1) => LevelFilter::Info,
            _ => LevelFilter::Debug,
        }
    }

    /// Does what was asked for.
    pub fn run(self) -> Result<ExitCode, Failure> {
        match self.verb {
            #[cfg(feature = "demo")]
            Verb::Demo(args) => demo::run(args),
            Verb::Run(args) => run::run(args),
            Verb::Read(args) => read::run(args),
            Verb::Evaluate(args) => evaluate::run(args),
            Verb::Check(args) => check::run(args),
            Verb::Devices(args) => devices::run(args),
            Verb::Export(args) => export::run(args),
            Verb::Forget(args) => forget::run(args),
            Verb::Decode(args) => decode::run(args),
            Verb::Compare(args) => compare::run(args),
        }
    }
}
