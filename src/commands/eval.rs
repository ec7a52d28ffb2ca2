//! `jst eval`: code from the command line.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::{show, words};
use crate::error::{Error, Kind, Result};
use crate::run::Run;
use crate::run::exit::Exit;
use crate::script::Ended;
use crate::settings::Settings;

/// Arguments of `jst eval`.
#[derive(Debug, Args)]
#[command(override_usage = "jst eval [FLAGS] CODE [ARGS]...")]
pub(super) struct EvalArgs {
    /// The code; every word behind it is the code's, which sees them as `args`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true, value_name = "CODE")]
    words: Vec<String>,
}

/// Runs the code and prints its last value.
pub(super) fn eval(settings: &Arc<Settings>, exit: &Exit, args: EvalArgs) -> Result<u8> {
    let mut words = args.words.into_iter();
    let code = words.next().unwrap_or_default();
    if code.starts_with("--") {
        return Err(Error::new(Kind::Usage, format!("unexpected argument `{code}`"))
            .hint("`jst eval --help` lists the flags; code comes behind them"));
    }
    let words = words::of_script("eval", "CODE", words.collect())?;
    let run = Run::new(settings, exit, false)?;
    run.alone("-", None, || {
        run.keep(exit, "eval")?;
        match run.host(PathBuf::new(), words).eval("eval", &code)? {
            Ended::Value(value) => show(settings, &value),
            Ended::Exit(code) => Ok(code),
        }
    })
}
