//! `jst repl`: talks line by line.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

use super::{help, ops, show_to};
use crate::error::Result;
use crate::repl::{self, ReplConfig};
use crate::run::Run;
use crate::run::exit::Exit;
use crate::script::Session;
use crate::settings::Settings;
use crate::show::data::Format;
use crate::show::errors;
use crate::terminal;

/// Runs a REPL on stdin until it ends.
pub(super) fn repl(settings: &Arc<Settings>, exit: &Exit) -> Result<u8> {
    let around = &settings.around;
    let interactive = around.terminal[0] && around.terminal[1];
    let run = Run::new(settings, exit, interactive)?;
    run.keep(exit, "repl")?;
    let session = Session::new(run.host(PathBuf::new(), Vec::new()));
    let (printing, in_full) = (Arc::clone(settings), Arc::clone(settings));
    let (log_format, colour) = (settings.log_format(), around.colour());
    let config = ReplConfig {
        name: run.account_name()?,
        history: settings.state_dir().ok().map(|dir| dir.join("history")),
        interactive,
        is_plain: around.is_plain(),
        editor: around.editor(),
        say: Box::new(move |error| errors::line(error, log_format, colour)),
        stop: Arc::clone(run.stop()),
        print: Box::new(move |value| show_to(&printing, value, printing.output(), ":all").map(drop)),
        print_all: Box::new(move |value| show_to(&in_full, value, Format::Json, ":all").map(drop)),
        help: Box::new(help::explain),
        operations: Box::new(|word| {
            let rows = ops::list();
            let rows = rows.as_array().into_iter().flatten().filter(|row| ops::tells_of(row, word)).cloned();
            rows.collect::<Value>()
        }),
    };
    if interactive {
        let restore = terminal::restorer();
        exit.before(move |_, _| restore());
    }
    repl::run(session, &config)
}
