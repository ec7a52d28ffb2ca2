//! `jst repl`: talks line by line.

use std::path::PathBuf;
use std::sync::Arc;

use super::{ops, show};
use crate::catalogue;
use crate::error::Result;
use crate::repl::{self, ReplConfig};
use crate::run::Run;
use crate::run::exit::Exit;
use crate::script::Session;
use crate::settings::Settings;

/// Runs a REPL on stdin until it ends.
pub(super) fn repl(settings: &Arc<Settings>, exit: &Exit) -> Result<u8> {
    let run = Run::new(settings, exit, true)?;
    let session = Session::new(run.host(PathBuf::new(), Vec::new()));
    let around = &settings.around;
    let printing = Arc::clone(settings);
    let config = ReplConfig {
        name: run.account_name()?,
        history: around.state_dir().map(|dir| dir.join("history")),
        interactive: around.terminal[0] && around.terminal[1],
        colour: around.colour(),
        stop: Arc::clone(run.stop()),
        print: Box::new(move |value| show(&printing, value).map(drop)),
        help: Box::new(|name| catalogue::find(name).map(ops::explain)),
        operations: Box::new(ops::list),
    };
    if config.interactive {
        exit.before(repl::terminal_restorer());
    }
    repl::run(session, &config)
}
