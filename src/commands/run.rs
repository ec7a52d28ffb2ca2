//! `jst run`: a script from a file or standard input.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::{command_line, words, write_out};
use crate::error::{Error, Kind, Result};
use crate::run::Run;
use crate::run::exit::Exit;
use crate::run::profiles;
use crate::script::{read_script, read_script_from};
use crate::settings::Settings;
use crate::system;

/// Arguments of `jst run`.
#[derive(Debug, Args)]
#[command(override_usage = "jst run [FLAGS] FILE [ARGS]...")]
pub(super) struct RunArgs {
    /// Print help; with a script, the script's own
    #[arg(short, long)]
    help: bool,
    /// Run the script once for each of these profiles, in parallel; '*' is every profile of config.toml
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    profiles: Vec<String>,
    /// The script, or - for standard input; every word behind it is the script's, which sees them as `args`
    #[arg(trailing_var_arg = true, required_unless_present = "help", value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub words: Vec<String>,
}

/// Runs the script, or prints the command's help.
pub(super) fn run(settings: &Arc<Settings>, exit: &Exit, args: RunArgs) -> Result<u8> {
    if !args.profiles.is_empty() && !args.words.is_empty() {
        return for_each(settings, &args);
    }
    script(args, || Run::new(settings, exit, false))
}

/// Runs the script once for each profile, in a process of its own.
fn for_each(settings: &Settings, args: &RunArgs) -> Result<u8> {
    let usage = |why: &str| Error::new(Kind::Usage, why);
    if settings.has_profile_by_hand() {
        return Err(usage("--profiles and --profile exclude each other").hint("leave one of them out"));
    }
    if args.words.first().is_some_and(|file| file == "-") {
        return Err(usage("--profiles needs a script in a file: standard input can be read once").hint("name a file"));
    }
    let mut profiles: Vec<String> = Vec::new();
    for name in args.profiles.iter().map(|name| name.trim()).filter(|name| !name.is_empty()) {
        let named = if name == "*" { settings.profiles() } else { vec![name.to_owned()] };
        profiles.extend(named.into_iter().filter(|name| !profiles.contains(name)).collect::<Vec<_>>());
    }
    if profiles.is_empty() {
        return Err(Error::new(Kind::Config, "--profiles names no profile: config.toml has none")
            .hint("name them, as in --profiles a,b, or write them to config.toml"));
    }
    profiles::each(&profiles, &without_profiles(std::env::args().skip(1)))
}

/// The words of the command line, without the first `--profiles` and its value.
fn without_profiles(mut words: impl Iterator<Item = String>) -> Vec<String> {
    let mut kept = Vec::new();
    while let Some(word) = words.next() {
        match word.strip_prefix("--profiles") {
            Some("") => drop(words.next()),
            Some(rest) if rest.starts_with('=') => {}
            _ => {
                kept.push(word);
                continue;
            }
        }
        // Those behind the script are its own.
        kept.extend(words);
        break;
    }
    kept
}

/// The same, in a run that is made once the words are known to be right.
pub(super) fn script(args: RunArgs, begin: impl FnOnce() -> Result<Run>) -> Result<u8> {
    let mut words = args.words.into_iter();
    let Some(file) = words.next().map(PathBuf::from) else {
        let mut command = command_line();
        let help = command.find_subcommand_mut("run").map(|run| run.render_long_help().to_string());
        return write_out(&help.unwrap_or_default());
    };
    let own_help = args.help.then(|| "--help".to_owned());
    let words = own_help.into_iter().chain(words::of_script("run", "FILE", words.collect())?).collect();
    let run = begin()?;
    let (name, text, root) = read(&run, &file)?;
    run.host(root, words).run(&name, &text)
}

/// The name of a script, its text, and the folder that its imports stay in.
fn read(run: &Run, file: &Path) -> Result<(String, String, PathBuf)> {
    if file != Path::new("-") {
        // What a link leads to has its neighbours where it is.
        let real = if file.is_symlink() { file.canonicalize().ok() } else { None };
        let folder = real.as_deref().unwrap_or(file).parent().map(Path::to_owned).unwrap_or_default();
        return Ok((file.display().to_string(), read_script(file)?, folder));
    }
    if system::is_stdin_closed() {
        return Err(Error::new(Kind::Io, "cannot read the script on stdin: it is closed"));
    }
    let text = run.stop().while_reading(|| read_script_from(std::io::stdin().lock(), "the script on stdin"))??;
    Ok(("stdin".to_owned(), text, PathBuf::new()))
}
