//! `print_rows` and `progress`: what a script shows of its work, in the form that the run asks for.

use std::sync::Arc;

use rhai::{Dynamic, Module};

use super::builtins::{print_to, room_for_table};
use super::csv::{rows_of, text_of};
use super::register as register_any;
use crate::error::{Error, Kind};
use crate::script::host::HostConfig;
use crate::script::value::throw;
use crate::script::words::shown;
use crate::show::data;
use crate::show::progress::Progress;

pub(super) fn register(module: &mut Module, config: &HostConfig) {
    const ROWS: &str = "Prints maps in the form that --output asks for: a table, JSON, JSON lines or CSV; all columns, or those named.";
    for signature in [&["rows: array", "()"][..], &["rows: array", "columns: array", "()"]] {
        let (format, stop) = (config.output, Arc::clone(&config.stop));
        register_any(module, "print_rows", signature, ROWS, move |_, args| match args {
            [rows, columns @ ..] => {
                let (rows, columns) = rows_of("print_rows", rows, columns.first().map(|columns| &**columns))?;
                if format == data::Format::Table {
                    room_for_table(&rows, columns.as_deref()).map_err(throw)?;
                }
                let text = data::rows("print_rows", rows, columns.as_deref(), format).map_err(throw)?;
                if let Some(text) = text {
                    print_to(&stop, data::print_rendered(&text));
                }
                Ok(Dynamic::UNIT)
            }
            _ => Ok(Dynamic::UNIT),
        });
    }
    const PROGRESS: &str =
        "Shows on stderr how much of it all is done: a bar at a terminal, elsewhere a line a minute.";
    let progress = Arc::new(Progress::default());
    for signature in [&["done: int", "total: int", "()"][..], &["done: int", "total: int", "text: string", "()"]] {
        let (progress, clock) = (Arc::clone(&progress), Arc::clone(&config.clock));
        register_any(module, "progress", signature, PROGRESS, move |_, args| match args {
            [done, total, text @ ..] => {
                let count = |value: &Dynamic| {
                    value.as_int().ok().and_then(|n| u64::try_from(n).ok()).ok_or_else(|| {
                        let message = format!("progress takes whole numbers, 0 or more, not {}", shown(value));
                        throw(Error::new(Kind::Invalid, message))
                    })
                };
                let text = text.first().map(|text| text_of("progress", text)).transpose()?.unwrap_or_default();
                progress.tell(count(done)?, count(total)?, &text, clock.now());
                Ok(Dynamic::UNIT)
            }
            _ => Ok(Dynamic::UNIT),
        });
    }
}
