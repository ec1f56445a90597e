//! `vinspect run`: the daemon.

use std::path::PathBuf;
use std::process::ExitCode;

use super::{Failure, hardware, service};
use crate::config::Config;

/// Run the station: trigger, light, camera, reader, MQTT.
///
/// Runs until Ctrl-C, SIGTERM or SIGHUP; then the light goes off, `offline` is published and the exit code is 0. Reads that the
/// broker does not have yet are kept and sent after the next start.
#[derive(clap::Args)]
pub struct Args {
    /// The configuration; config/vinspect.toml in the sources is the commented example of every key.
    #[arg(short, long, value_name = "FILE")]
    config: PathBuf,
}

/// Does it.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let config = Config::load(&args.config)?;
    let stop = service::stop_flag()?;
    let store = service::open_store(&config)?;
    let reader = hardware::reader(&config.reader)?;
    let hardware = hardware::open(&config)?;
    let decision = reader.decision().clone();
    service::serve(&config, &store, hardware, decision, Box::new(reader), &stop)?;
    Ok(ExitCode::SUCCESS)
}
