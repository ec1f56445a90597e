//! `vinspect run`: the daemon.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::supervisor::{Supervised, Supervisor};
use super::{Failure, hardware, service};
use crate::config::Config;

/// Run the station: trigger, light, camera, reader, MQTT.
///
/// Runs until Ctrl-C, SIGTERM or SIGHUP; then the light goes off, `offline` is published and the exit code is 0. Reads that the
/// broker does not have yet are kept and sent after the next start.
#[derive(clap::Args)]
pub struct Args {
    /// The configuration; config/vinspect.toml in the sources is the commented example of every key. Given several times, each
    /// is a station of its own, with its own name, store and pins. When one fails, all end, for systemd to start them again.
    #[arg(short, long = "config", value_name = "FILE", required = true)]
    configs: Vec<PathBuf>,
}

/// Does it.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let configs = args.configs.iter().map(|path| Config::load(path));
    let configs = configs.collect::<Result<Vec<_>, _>>()?;
    keep_apart(&configs)?;
    let stop = service::stop_flag()?;
    if let [alone] = configs.as_slice() {
        station(alone, Supervised::alone(), &stop)?;
        return Ok(ExitCode::SUCCESS);
    }
    let names: Vec<_> = configs.iter().map(Config::full_name).collect();
    let supervised = Supervisor::over(names.iter().map(String::as_str));
    let stop = &*stop;
    thread::scope(|scope| {
        // Also if one cannot be started.
        let ends = Ends(stop);
        let mut stations = Vec::new();
        for ((config, name), supervised) in configs.iter().zip(&names).zip(supervised) {
            let serve = move || {
                let _ends = Ends(stop);
                station(config, supervised, stop).map_err(|error| format!("{name}: {error}"))
            };
            // The log tells stations apart by the names of their threads.
            let thread = thread::Builder::new().name(name.clone());
            stations.push(thread.spawn_scoped(scope, serve)?);
        }
        // All are waited for before one is told of.
        let ended = stations.into_iter().map(|station| {
            let ended = station.join();
            ended.unwrap_or_else(|_| Err("a station has panicked".into()))
        });
        let ended: Vec<_> = ended.collect();
        drop(ends);
        ended.into_iter().collect::<Result<(), String>>()?;
        Ok(ExitCode::SUCCESS)
    })
}

/// Whatever ends one station, ends the others.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn station(config: &Config, supervised: Supervised, stop: &AtomicBool) -> Result<(), Failure> {
    let store = service::open_store(config)?;
    let reader = hardware::reader(&config.reader)?;
    let hardware = hardware::open(config)?;
    let decision = reader.decision().clone();
    let reader = Box::new(reader);
    service::serve(config, &store, hardware, decision, reader, supervised, stop)
}

/// Refuses stations that would be in each other's way.
fn keep_apart(configs: &[Config]) -> Result<(), Failure> {
    for (number, one) in configs.iter().enumerate() {
        for other in &configs[..number] {
            if one.full_name() == other.full_name() {
                let name = one.full_name();
                return Err(format!(
                    "two configurations are of station {name}; give each a station.name of its own"
                )
                .into());
            }
            if one.store.path == other.store.path {
                let path = one.store.path.display();
                return Err(format!("two stations would keep their reads in {path}; give each a store.path of its own").into());
            }
        }
    }
    Ok(())
}
