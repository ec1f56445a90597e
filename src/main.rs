//! The program: arguments, logging, one verb, its exit code.

use std::process::ExitCode;

use clap::Parser;
use vinspect::cli::Cli;

fn main() -> ExitCode {
    let cli = Cli::parse();
    env_logger::Builder::new()
        .filter_level(log::LevelFilter::Warn)
        .filter_module("vinspect", cli.log_level())
        // The demo's broker tells its inner life as errors.
        .filter_module("rumqttd", log::LevelFilter::Off)
        .parse_default_env()
        .init();
    cli.run().unwrap_or_else(|error| {
        eprintln!("vinspect: {error}");
        ExitCode::FAILURE
    })
}
