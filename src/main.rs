//! The program: arguments, logging, one verb, its exit code.

use std::process::ExitCode;

use clap::Parser;
use vinspect::cli::Cli;

fn main() -> ExitCode {
    let cli = Cli::parse();
    env_logger::init();
    cli.run().unwrap_or_else(|error| {
        eprintln!("vinspect: {error}");
        ExitCode::FAILURE
    })
}
