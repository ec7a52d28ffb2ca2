//! `jst run`: a script from a file or standard input.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::{command_line, words, write_out};
use crate::error::{Error, Kind, Result};
use crate::run::Run;
use crate::run::exit::Exit;
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
    /// The script, or - for standard input; every word behind it is the script's, which sees them as `args`
    #[arg(trailing_var_arg = true, required_unless_present = "help", value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub words: Vec<String>,
}

/// Runs the script, or prints the command's help.
pub(super) fn run(settings: &Arc<Settings>, exit: &Exit, args: RunArgs) -> Result<u8> {
    script(args, || Run::new(settings, exit, false))
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
    let script = (file != Path::new("-")).then_some(file.as_path());
    run.alone(script, || run.host(root, words).run(&name, &text))
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
