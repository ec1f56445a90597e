//! One file a verb.

mod evaluate;
mod pictures;
mod read;

use std::process::ExitCode;

/// Why a verb could not be done: one sentence for the terminal.
pub type Failure = Box<dyn std::error::Error>;

/// Reads the VIN of the car in front of a fixed camera and publishes it over MQTT.
#[derive(clap::Parser)]
#[command(version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    Read(read::Args),
    Evaluate(evaluate::Args),
}

impl Cli {
    /// Does what was asked for.
    pub fn run(self) -> Result<ExitCode, Failure> {
        match self.verb {
            Verb::Read(args) => read::run(args),
            Verb::Evaluate(args) => evaluate::run(args),
        }
    }
}
