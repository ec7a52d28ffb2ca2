//! How an account is kept across restarts: a file whose first line counts its lines, whose second is a snapshot,
//! each further line one thing that happened since.
//!
//! A line is written to the operating system before its answer is sent, so that a kill at any moment loses
//! nothing that was acknowledged; replaying the lines brings the state back, because a state only depends on
//! the calls and their times. On start and on a graceful stop the file becomes a new snapshot. [`lines`] says
//! how a line is written, [`file`] how the file is held, this page what is in it.

mod file;
mod lines;

#[cfg(test)]
mod tests;

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use self::lines::Held;
use crate::catalogue;
use crate::error::{Error, Kind, Result};
use crate::files;
use crate::sim::engine::call::Call;
use crate::sim::engine::state::State;
use crate::sim::ledger::{Ledger, Record};

pub(crate) use self::file::StateFile;

/// An account at a moment: the second line of a state's file, and what a look inside shows.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Snapshot<S = State> {
    /// The version of the form.
    version: u32,
    /// How often this state's file was opened before.
    #[serde(default)]
    pub starts: u64,
    /// How many writes were applied.
    #[serde(default)]
    applied: u64,
    /// The account.
    pub state: S,
}

impl<S> Snapshot<S> {
    /// Raised whenever what is kept of an account gets another form.
    const VERSION: u32 = 3;

    /// A snapshot of a state.
    pub(crate) fn new(state: S, starts: u64, ledger: &Ledger) -> Self {
        Self { version: Self::VERSION, starts, applied: ledger.total(), state }
    }
}

/// A further line of a state's file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Line {
    /// A write was applied.
    Call(Record),
    /// The clock was moved.
    Advanced(Timestamp),
}

/// The account that a file holds: one that [`StateFile`] keeps, or a snapshot that was taken of a running
/// simulator. The file is only read.
///
/// # Errors
/// The file cannot be read, or holds no account.
pub(crate) fn kept(path: &Path) -> Result<State> {
    /// As much as may be restored into a running one.
    const LARGEST: usize = 1 << 30;
    let wrong = |why: String| Error::new(Kind::Config, why);
    let text = files::open_file(path).and_then(|file| files::read_file(file, LARGEST));
    let shown = format!("the account of --sim={}", path.display());
    let hint = "JST_SIM and --sim take yes, no, or the file of an account";
    let text = text.map_err(|why| why.error(Kind::Config, shown).hint(hint))?;
    if text.is_empty() {
        return Err(wrong(format!("{} is empty: it holds no account", path.display())));
    }
    if text.starts_with(b"1 ") {
        return Ok(load(path, text.as_slice())?.snapshot.state);
    }
    require_form(path, &text)?;
    serde_json::from_slice(&text).map(|snapshot: Snapshot| snapshot.state).map_err(|why| {
        wrong(format!("{} holds no account: {why}", path.display()))
            .hint("it takes what `jst sim --state` kept, and what GET /_sim/state showed")
    })
}

/// Refuses a snapshot of another form, before anything of it is read: only the jst that kept it knows that form.
fn require_form(path: &Path, snapshot: &[u8]) -> Result<()> {
    #[derive(Deserialize)]
    struct Form {
        version: u32,
    }
    let ours = Snapshot::<State>::VERSION;
    let Ok(Form { version }) = serde_json::from_slice(snapshot) else { return Ok(()) };
    if version == ours {
        return Ok(());
    }
    let age = if version < ours { "an older" } else { "a newer" };
    let why = format!(
        "the account in {} was kept by {age} jst: its form is number {version}, this one reads {ours}",
        path.display()
    );
    Err(Error::new(Kind::Config, why).hint("serve it with the jst that kept it, or move it away to start afresh"))
}

/// What a state's file brings back.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// The account as the last line left it.
    pub snapshot: Snapshot,
    /// The writes of the lines behind the snapshot; those before it are counted only.
    pub ledger: Ledger,
    /// How many lines there are, and how many bytes they take: a last one that was cut short left out.
    lines: u64,
    length: u64,
}

fn damaged(path: &Path, line: u64, why: &str) -> Error {
    Error::new(Kind::Config, format!("the state file {} is damaged in line {line}: {why}", path.display()))
        .hint("restore it from a copy, or move it away to start afresh")
}

/// The snapshot with everything that happened since. A last line that was cut short was never
/// acknowledged and is dropped; anything else that does not add up is damage.
fn load(path: &Path, file: impl Read) -> Result<Loaded> {
    let mut file = BufReader::new(file);
    let mut line = Vec::new();
    let mut next = |line: &mut Vec<u8>| {
        line.clear();
        let read = file.read_until(b'\n', line);
        read.map(|count| count > 0).map_err(|error| file::cannot(path, "read", &error))
    };
    if !next(&mut line)? {
        return Err(damaged(path, 1, "the file is empty"));
    }
    let (count, head) = (counted(path, &line)?, line.len());
    if !next(&mut line)? {
        return Err(damaged(path, 2, "it is missing"));
    }
    let mut loaded = first(path, &line)?;
    loaded.length += head as u64;
    let mut begun = loaded.lines;
    while next(&mut line)? {
        let number = loaded.lines + 1;
        let wrong = |why: String| damaged(path, number, &why);
        begun = number;
        let Held::Json(json) = lines::read(number, &line).map_err(wrong)? else { break };
        let happened: Line = serde_json::from_slice(json).map_err(|error| wrong(error.to_string()))?;
        if let Line::Call(record) = &happened {
            loaded.ledger.push(record.clone());
        }
        replay(&mut loaded.snapshot.state, happened).map_err(wrong)?;
        // A whole line without its end is written anew with what comes next.
        if !line.ends_with(b"\n") {
            break;
        }
        loaded.lines = number;
        loaded.length += line.len() as u64;
    }
    if begun < count {
        return Err(damaged(path, begun + 1, &format!("it is missing: there were {count} lines")));
    }
    Ok(loaded)
}

/// How many lines the first one counts.
fn counted(path: &Path, line: &[u8]) -> Result<u64> {
    let wrong = |why: &str| damaged(path, 1, why);
    // Older forms began with the snapshot, the first of all without a checksum.
    if line.starts_with(b"{") {
        require_form(path, line)?;
        return Err(wrong("it is a snapshot without a checksum"));
    }
    let json = whole(path, 1, line)?;
    require_form(path, json)?;
    serde_json::from_slice(json).map_err(|_| wrong("it does not count the lines"))
}

fn first(path: &Path, line: &[u8]) -> Result<Loaded> {
    let json = whole(path, 2, line)?;
    require_form(path, json)?;
    let snapshot: Snapshot =
        serde_json::from_slice(json).map_err(|error| damaged(path, 2, &format!("no snapshot: {error}")))?;
    let ledger = Ledger::after(snapshot.applied);
    Ok(Loaded { snapshot, ledger, lines: 2, length: line.len() as u64 })
}

/// What one of the first two lines holds: they are put in their place whole.
fn whole<'a>(path: &Path, number: u64, line: &'a [u8]) -> Result<&'a [u8]> {
    match lines::read(number, line).map_err(|why| damaged(path, number, &why))? {
        Held::Json(json) => Ok(json),
        Held::CutShort => Err(damaged(path, number, "it is cut short")),
    }
}

fn replay(state: &mut State, line: Line) -> std::result::Result<(), String> {
    let record = match line {
        Line::Advanced(to) => {
            state.advance(to);
            return Ok(());
        }
        Line::Call(record) => record,
    };
    let operation =
        catalogue::find(&record.action).ok_or_else(|| format!("there is no operation {}", record.action))?;
    state.advance(record.time);
    let call = Call { trouble: record.trouble, ..Call::new(operation, record.params) };
    match state.apply(&call) {
        Ok(_) => Ok(()),
        Err(refusal) => Err(format!("{} was applied and is now refused: {}", record.action, refusal.text)),
    }
}
