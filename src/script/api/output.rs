//! `print_rows` and `progress`: what a script shows of its work, in the form that the run asks for.

use std::sync::Arc;

use rhai::{Dynamic, Module};

use super::builtins::{print_to, room_for_table};
use super::csv::{columns_of, rows_of, text_of};
use super::{Pages, register as register_any};
use crate::error::{Error, Kind};
use crate::script::host::HostConfig;
use crate::script::value::{ScriptResult, throw};
use crate::script::words::shown;
use crate::show::data::{self, Format};
use crate::show::progress::Progress;
use crate::show::rows::Rows;
use crate::stop::Stop;

pub(super) fn register(module: &mut Module, config: &HostConfig) {
    const ROWS: &str = "Prints maps in the form that --output asks for: a table, JSON, JSON lines or CSV; all columns, or those named. Pages are printed as they come, but for a table.";
    for signature in [&["rows: array", "()"][..], &["rows: array", "columns: array", "()"]] {
        let (format, stop) = (config.output, Arc::clone(&config.stop));
        register_any(module, "print_rows", signature, ROWS, move |_, args| match args {
            [rows, columns @ ..] => {
                let columns = columns_of("print_rows", columns.first().map(|columns| &**columns))?;
                print_rows(&stop, rows, columns.as_deref(), format).map(|()| Dynamic::UNIT)
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

/// Prints rows: those of pages as each page comes, unless a form needs all of them.
fn print_rows(stop: &Stop, rows: &Dynamic, columns: Option<&[String]>, format: Format) -> ScriptResult<()> {
    const NAME: &str = "print_rows";
    let print = |text: Option<String>| text.into_iter().for_each(|text| print_to(stop, data::print_rendered(&text)));
    if format == Format::Table {
        let rows = rows_of(NAME, rows)?;
        room_for_table(&rows, columns).map_err(throw)?;
        let text = data::table(NAME, &rows, columns).map_err(throw)?;
        print((!text.is_empty()).then_some(text));
        return Ok(());
    }
    let mut printed = Rows::new(NAME, columns, format);
    let pages = rows.read_lock::<Pages>().map(|pages| pages.clone());
    let Some(pages) = pages else {
        print(printed.more(rows_of(NAME, rows)?).map_err(throw)?);
        print(printed.end().map_err(throw)?);
        return Ok(());
    };
    for page in pages.page_by_page() {
        match page.and_then(|page| printed.more(page)) {
            Ok(text) => print(text),
            Err(error) => {
                print(printed.broken_off());
                return Err(throw(error));
            }
        }
    }
    print(printed.end().map_err(throw)?);
    Ok(())
}
