//! What a package has beside the program, made from its arguments: `cargo run --example packaging` writes man pages and
//! completions to target/packaging.

use std::fs;
use std::io;
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;
use vinspect::cli::Cli;

fn main() -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/packaging");
    fs::create_dir_all(&folder)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut Cli::command(), "vinspect", &folder)?;
    }
    clap_mangen::generate_to(Cli::command(), &folder)
}
