//! `jst config`: every setting and where it comes from; a file of settings to begin with, and a look at one.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{show, write_out};
use crate::error::{Error, Kind, Result};
use crate::settings::Settings;
use crate::settings::file::{self, sample::sample};

/// Arguments of `jst config`.
#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    what: Option<What>,
}

/// What is to be done with a file of settings.
#[derive(Debug, Subcommand)]
enum What {
    /// Write a file with every setting as a comment
    Init {
        /// Print it instead
        #[arg(long)]
        print: bool,
        /// Where to; usually your own config.toml
        #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
        file: Option<PathBuf>,
    },
    /// Look for mistakes in the file of settings
    Check {
        /// The file; usually the one that is in use
        #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
        file: Option<String>,
    },
}

/// Shows the settings, or does what the words behind `config` say.
pub(super) fn config(settings: &Settings, args: ConfigArgs) -> Result<u8> {
    match args.what {
        None => shown(settings),
        Some(What::Init { print: true, .. }) => write_out(sample().trim_end()),
        Some(What::Init { file, .. }) => init(settings, file),
        Some(What::Check { file }) => check(settings, file.as_deref()),
    }
}

fn shown(settings: &Settings) -> Result<u8> {
    if let Some(problem) = settings.problem() {
        return Err(problem.clone());
    }
    let row = |shown: crate::settings::shown::Shown| json!({"Setting": shown.setting, "Value": shown.value, "From": shown.from});
    show(settings, &settings.shown().into_iter().map(row).collect::<Value>())
}

/// Writes the file where none is: what somebody wrote is never replaced.
fn init(settings: &Settings, named: Option<PathBuf>) -> Result<u8> {
    let path = match named {
        Some(path) => path,
        None => file::own(settings.config_file(), &settings.around)?,
    };
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Error::new(Kind::Config, format!("{} is there already", path.display()))
            .hint("`jst config init --print` prints what would be written"),
        _ => Error::new(Kind::Io, format!("cannot write {}: {error}", path.display())),
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    // It may come to hold secrets.
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    file.and_then(|mut file| file.write_all(sample().as_bytes())).map_err(failed)?;
    write_out(&path.display().to_string())
}

fn check(settings: &Settings, named: Option<&str>) -> Result<u8> {
    let file = match (named, settings.problem()) {
        (None, Some(problem)) => return Err(problem.clone()),
        (None, None) => settings.config_of_run().cloned(),
        (Some(_), _) => file::read(named, &settings.around)?,
    };
    let Some(file) = file else {
        return Err(Error::new(Kind::Config, "there is no config.toml").hint("`jst config init` writes one"));
    };
    file.check()?;
    if file.is_exposed {
        let path = file.path.display();
        tracing::warn!("{path} holds secrets, and every user of this machine can read it: chmod 600 {path}");
    }
    let profiles: Vec<&str> = file.profiles.keys().map(String::as_str).collect();
    show(settings, &json!({"File": file.path, "Profiles": profiles}))
}
