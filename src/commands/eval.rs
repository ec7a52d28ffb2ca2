//! `jst eval`: code from the command line.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::show;
use crate::error::Result;
use crate::run::Run;
use crate::run::exit::Exit;
use crate::script::Ended;
use crate::settings::Settings;

/// Arguments of `jst eval`.
#[derive(Debug, Args)]
pub(super) struct EvalArgs {
    /// The code
    code: String,
    /// Arguments for the code, which sees them as `args`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

/// Runs the code and prints its last value.
pub(super) fn eval(settings: &Arc<Settings>, exit: &Exit, args: EvalArgs) -> Result<u8> {
    let run = Run::new(settings, exit, false)?;
    match run.host(PathBuf::new(), args.args).eval("eval", &args.code)? {
        Ended::Value(value) => show(settings, &value),
        Ended::Exit(code) => Ok(code),
    }
}
