//! The program: arguments, logging, one verb, its exit code.

use std::process::ExitCode;

use clap::Parser;
use vinspect::cli::Cli;

fn main() -> ExitCode {
    let cli = Cli::parse();
    // tract tells every step of its optimiser at info.
    env_logger::Builder::new()
        .filter_level(log::LevelFilter::Warn)
        .filter_module("vinspect", cli.log_level())
        .parse_default_env()
        .init();
    cli.run().unwrap_or_else(|error| {
        eprintln!("vinspect: {error}");
        ExitCode::FAILURE
    })
}
