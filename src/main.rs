//! The program: arguments, logging, one verb, its exit code.

use std::process::ExitCode;

use clap::Parser;
use log::Level;
use vinspect::cli::{Cli, journal};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let in_journal = journal::listens();
    let mut logger = env_logger::Builder::new();
    journal::format(&mut logger, in_journal);
    logger
        .filter_level(log::LevelFilter::Warn)
        .filter_module("vinspect", cli.log_level())
        // The demo's broker tells its inner life as errors.
        .filter_module("rumqttd", log::LevelFilter::Off)
        .parse_default_env()
        .init();
    cli.run().unwrap_or_else(|error| {
        let prefix = if in_journal {
            journal::prefix(Level::Error)
        } else {
            "vinspect: "
        };
        eprintln!("{prefix}{error}");
        ExitCode::FAILURE
    })
}
