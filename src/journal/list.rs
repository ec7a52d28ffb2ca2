//! Runs as a list, newest first.

use std::path::Path;

use rusqlite::{Connection, Row, params_from_iter, types};
use serde_json::{Value, json};

use super::{alive, store};
use crate::error::Result;

/// Which runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// Only this one.
    pub id: Option<String>,
    /// Only those whose script has this in its name.
    pub script: Option<String>,
    /// Only those that began since, in milliseconds since 1970.
    pub since: Option<i64>,
    /// Only those that did not end well.
    pub failed: bool,
    /// Only those with writes of which it is not known whether they took effect.
    pub unknown: bool,
    /// At most so many.
    pub limit: usize,
}

/// A run in the list.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    /// Its id.
    pub id: String,
    /// What it is started or resumed by.
    pub key: Option<String>,
    /// Its script.
    pub script: String,
    /// The profile that it ran with.
    pub profile: Option<String>,
    /// Where its calls went.
    pub endpoint: String,
    /// How it is: `running`, `done`, `failed`, `stopped` or `died`.
    pub state: &'static str,
    /// When it began, in milliseconds since 1970.
    pub started: i64,
    /// When it ended.
    pub ended: Option<i64>,
    /// Its exit code.
    pub exit: Option<u8>,
    /// Writes that it made.
    pub writes: i64,
    /// Those of which it is not known whether they took effect.
    pub unknown: i64,
}

impl Listed {
    /// A run whose process is there, or not.
    fn read(row: &Row<'_>, lives: bool) -> rusqlite::Result<Self> {
        let (id, ended, exit): (String, Option<i64>, Option<u8>) =
            (row.get("id")?, row.get("ended")?, row.get("exit")?);
        let (unknown, open): (i64, i64) = (row.get("unknown")?, row.get("open")?);
        let state = match exit {
            None if lives => "running",
            None => "died",
            Some(0) => "done",
            // By a signal, the deadline or a limit.
            Some(41 | 42 | 129..) => "stopped",
            Some(_) => "failed",
        };
        Ok(Self {
            key: row.get("key")?,
            script: row.get("script")?,
            profile: row.get("profile")?,
            endpoint: row.get("endpoint")?,
            started: row.get("started")?,
            writes: row.get("writes")?,
            // Nobody will say any more what became of calls that were under way.
            unknown: unknown + if state == "running" { 0 } else { open },
            ended,
            exit,
            state,
            id,
        })
    }

    /// The run as JSON.
    pub(crate) fn json(&self) -> Value {
        json!({
            "id": self.id, "script": self.script, "profile": self.profile, "endpoint": self.endpoint, "key": self.key,
            "state": self.state, "started": super::story::time(self.started), "ended": self.ended.map(super::story::time),
            "exit": self.exit, "writes": self.writes, "unknown": self.unknown,
        })
    }
}

/// The runs of a journal that are wanted, newest first.
///
/// # Errors
/// `config` for a journal that cannot be read.
pub(crate) fn list(path: &Path, wanted: &Wanted) -> Result<Vec<Listed>> {
    let Some(connection) = store::open_to_read(path)? else { return Ok(Vec::new()) };
    select(&connection, path, wanted)
}

/// The ids of runs that begin so, oldest first, and at most so many.
///
/// # Errors
/// `config` for a journal that cannot be read.
pub(crate) fn ids(path: &Path, beginning: &str, most: usize) -> Result<Vec<String>> {
    let Some(connection) = store::open_to_read(path)? else { return Ok(Vec::new()) };
    let read = || -> rusqlite::Result<Vec<String>> {
        // No character of an id comes behind `~`.
        let mut query = connection.prepare("SELECT id FROM runs WHERE id >= ?1 AND id < ?1 || '~' ORDER BY id")?;
        query.query_map([beginning], |row| row.get(0))?.take(most).collect()
    };
    read().map_err(|error| store::failed(path, &error))
}

/// Whether the process of a run is there that has not ended.
fn lives(row: &Row<'_>, path: &Path) -> Result<bool> {
    let read = || -> rusqlite::Result<(String, Option<u8>)> { Ok((row.get("id")?, row.get("exit")?)) };
    match read().map_err(|error| store::failed(path, &error))? {
        (id, None) => alive::is_alive(path, &id),
        _ => Ok(false),
    }
}

/// The same of a journal that is open.
///
/// # Errors
/// `config`, also when it cannot be told of one of them whether it lives.
pub(super) fn select(connection: &Connection, path: &Path, wanted: &Wanted) -> Result<Vec<Listed>> {
    let failed = |error: rusqlite::Error| store::failed(path, &error);
    let mut given: Vec<types::Value> = Vec::new();
    let mut conditions: Vec<&str> = Vec::new();
    if let Some(id) = &wanted.id {
        conditions.push("id = ?");
        given.push(id.clone().into());
    }
    if let Some(script) = &wanted.script {
        conditions.push("instr(script, ?) > 0");
        given.push(script.clone().into());
    }
    if let Some(since) = wanted.since {
        conditions.push("started >= ?");
        given.push(since.into());
    }
    if wanted.failed {
        conditions.push("exit IS NOT 0");
    }
    if wanted.unknown {
        conditions.push("unknown + open > 0");
    }
    let which = if conditions.is_empty() { String::new() } else { format!("WHERE {}", conditions.join(" AND ")) };
    let query = connection.prepare(&format!("SELECT * FROM runs {which} ORDER BY started DESC, id DESC"));
    let mut query = query.map_err(failed)?;
    let mut rows = query.query(params_from_iter(given)).map_err(failed)?;
    let mut found = Vec::new();
    while found.len() < wanted.limit
        && let Some(row) = rows.next().map_err(failed)?
    {
        let run = Listed::read(row, lives(row, path)?).map_err(failed)?;
        // One that runs has not failed, and its open calls are under way.
        let fits = (!wanted.failed || run.state != "running") && (!wanted.unknown || run.unknown > 0);
        if fits {
            found.push(run);
        }
    }
    Ok(found)
}
