//! One run in full: every write with what became of it, its steps, and the lines of its log.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::{Map, Value, json};

use super::alive::{self, Alive, Held};
use super::event::{Event, Known, What};
use super::list::{Listed, Wanted, select};
use super::past::{Past, PastWrite};
use super::{place, store};
use crate::error::{Error, Kind, Result};

/// A run, whole.
#[derive(Debug)]
pub(crate) struct Story {
    /// Its row in the list.
    pub run: Listed,
    /// What was known of it when it began.
    pub facts: Map<String, Value>,
    /// Its writes, in the order of their beginning.
    pub writes: Vec<Written>,
    /// Its steps: place, when each began, whether it is finished.
    pub steps: Vec<(String, i64, bool)>,
    /// The error that it ended with, if it was one.
    pub error: Option<String>,
    /// Lines of its log: when, how grave, what.
    pub lines: Vec<(i64, String, String)>,
}

/// A write of a run.
#[derive(Debug)]
pub(crate) struct Written {
    /// Its number, by which `--assume-done` names it.
    pub number: i64,
    /// When it was about to be made.
    pub at: i64,
    /// Where in the script.
    pub place: String,
    /// The profile that it was made with, where there was one.
    pub profile: Option<String>,
    /// Its operation.
    pub operation: String,
    /// Its parameters, secrets masked.
    pub params: Map<String, Value>,
    /// Attempts that were made.
    pub attempts: u32,
    /// What is known of it; `None` while it is under way.
    pub known: Option<Known>,
    /// What settled it, where a look or a person did.
    pub by: Option<String>,
    /// The service's id of the request.
    pub request_id: Option<String>,
    /// What went wrong, if something did.
    pub error: Option<String>,
}

impl Written {
    /// The step that it was made in.
    pub(crate) fn step(&self) -> Option<&str> {
        place::is_in_step(&self.place).then_some(&self.place)
    }

    /// The word for what is known of it.
    pub(crate) fn outcome(&self) -> &'static str {
        self.known.map_or("under_way", Known::word)
    }

    fn json(&self) -> Value {
        json!({
            "number": self.number, "operation": self.operation, "params": self.params, "step": self.step(),
            "profile": self.profile, "attempts": self.attempts, "outcome": self.outcome(), "settled_by": self.by, "request_id": self.request_id,
            "error": self.error, "at": time(self.at),
        })
    }
}

impl Story {
    /// The run as JSON.
    pub(crate) fn json(&self) -> Value {
        let mut json = self.run.json();
        let more = json!({
            "format_version": 1,
            "error": self.error,
            "facts": self.facts,
            "writes": self.writes.iter().map(Written::json).collect::<Vec<_>>(),
            "steps": self.steps.iter().map(|(step, at, finished)| json!({"step": step, "at": time(*at), "finished": finished})).collect::<Vec<_>>(),
            "log": self.lines.iter().map(|(at, level, text)| json!({"at": time(*at), "level": level, "text": text})).collect::<Vec<_>>(),
        });
        if let (Value::Object(json), Value::Object(more)) = (&mut json, more) {
            json.extend(more);
        }
        json
    }
}

/// A time of the journal's for people and programs, in UTC.
pub(crate) fn time(at: i64) -> String {
    Timestamp::from_millisecond(at).map(|at| at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()).unwrap_or_default()
}

/// A run in full.
///
/// # Errors
/// `usage` when there is none of this id; `config` for a journal that cannot be read.
pub(crate) fn story(path: &Path, id: &str) -> Result<Story> {
    let none = || {
        Error::new(Kind::Usage, format!("there is no run {id} in {}", path.display()))
            .hint("`jst runs` lists the runs; --journal or --state-dir names another journal")
    };
    let connection = store::open_to_read(path)?.ok_or_else(none)?;
    let wanted = Wanted { id: Some(id.to_owned()), limit: 1, ..Wanted::default() };
    let run = select(&connection, path, &wanted)?.pop().ok_or_else(none)?;
    events(&connection, run).map_err(|error| store::failed(path, &error))
}

fn events(connection: &Connection, run: Listed) -> rusqlite::Result<Story> {
    let (facts, error) = (Map::new(), None);
    let mut story = Story { facts, error, writes: Vec::new(), steps: Vec::new(), lines: Vec::new(), run };
    let mut writes: BTreeMap<i64, Written> = BTreeMap::new();
    let mut steps: HashMap<String, usize> = HashMap::new();
    let mut query =
        connection.prepare("SELECT number, at, kind, of, place, body FROM events WHERE run = ?1 ORDER BY number")?;
    let mut rows = query.query([&story.run.id])?;
    while let Some(row) = rows.next()? {
        let (number, at, of): (i64, i64, Option<i64>) = (row.get(0)?, row.get(1)?, row.get(3)?);
        let (kind, place, body): (String, String, String) = (row.get(2)?, row.get(4)?, row.get(5)?);
        let write = of.and_then(|of| writes.get_mut(&of));
        match (What::read(&kind, &body), write) {
            (Some(What::Begun(facts)), _) => (story.facts, story.error) = (facts, None),
            (Some(What::Ended { why, .. }), _) => story.error = why,
            (Some(What::Write { operation, params, profile, .. }), _) => {
                let (known, by, request_id, error) = (None, None, None, None);
                let (profile, attempts) = (profile.or_else(|| story.run.profile.clone()), 0);
                let new =
                    Written { number, at, place, profile, operation, params, attempts, known, by, request_id, error };
                writes.insert(number, new);
            }
            (Some(What::Attempt), Some(write)) => write.attempts += 1,
            (Some(What::Outcome { known, attempts, request_id, reply }), Some(write)) => {
                write.attempts = write.attempts.max(attempts);
                (write.known, write.request_id) = (Some(known), request_id);
                write.error = reply.get("error").and_then(Value::as_str).map(str::to_owned);
            }
            // That its outcome is unknown is no longer true.
            (Some(What::Settled { known, by, .. }), Some(write)) => {
                (write.known, write.by, write.error) = (Some(known), Some(by), None);
            }
            (Some(What::Step(_)), _) if !steps.contains_key(&place) => {
                steps.insert(place.clone(), story.steps.len());
                story.steps.push((place, at, false));
            }
            (Some(What::Finished(_)), _) => {
                let step = steps.get(&place).and_then(|at| story.steps.get_mut(*at));
                step.into_iter().for_each(|step| step.2 = true);
            }
            (Some(What::Line { level, text }), _) => story.lines.push((at, level, text)),
            _ => {}
        }
    }
    story.writes = writes.into_values().collect();
    if story.run.state != "running" {
        for write in &mut story.writes {
            write.known.get_or_insert(Known::Unknown);
        }
    }
    Ok(story)
}

/// A run that ended or died and left writes of which it is not known whether they took effect. Nobody resumes it, or
/// settles them, as long as this is there.
#[derive(Debug)]
pub(crate) struct Unsettled {
    path: PathBuf,
    id: String,
    last: i64,
    /// The writes.
    pub writes: Vec<PastWrite>,
    _alive: Alive,
}

impl Unsettled {
    /// What a run left; `None` where nothing is to be settled.
    ///
    /// # Errors
    /// `locked` when the run lives, or somebody else looks at it; `config`.
    pub(crate) fn of(path: &Path, id: &str) -> Result<Option<Self>> {
        const SETTLED: &str = "looked at again";
        let past = || store::open_to_read(path)?.map(|connection| Past::read(&connection, path, id)).transpose();
        if alive::is_alive(path, id)? {
            return Err(alive::refused(id, Held::Lives, SETTLED));
        }
        // Where nothing is unknown nothing has to be written, either.
        if past()?.is_none_or(|past| !past.has_unknown()) {
            return Ok(None);
        }
        let alive = Alive::take(path, id, Held::LookedAt)?.map_err(|held| alive::refused(id, held, SETTLED))?;
        // Read again: only now nobody changes it any more.
        let past = past()?.unwrap_or_default();
        let (last, writes) = (past.last, past.unknown());
        Ok(Some(Self { path: path.to_owned(), id: id.to_owned(), last, writes, _alive: alive }))
    }

    /// Settles writes of the run, by their numbers.
    ///
    /// # Errors
    /// `config`.
    pub(crate) fn settle(self, settled: &[(i64, Known, Value)], by: &str) -> Result<()> {
        let failed = |error: rusqlite::Error| store::failed(&self.path, &error);
        let mut connection = store::open(&self.path)?;
        let transaction = connection.transaction().map_err(failed)?;
        let anew = "UPDATE runs SET unknown = unknown + open, open = 0 WHERE id = ?1";
        transaction.execute(anew, [&self.id]).map_err(failed)?;
        let events = settled.iter().zip(self.last + 1..).map(|((write, known, reply), number)| {
            Event::now(number, What::Settled { known: *known, reply: reply.clone(), by: by.to_owned() }).of(*write)
        });
        let events: Vec<Event> = events.collect();
        store::append(&transaction, &self.id, &events.iter().collect::<Vec<_>>()).map_err(failed)?;
        transaction.commit().map_err(failed)
    }
}
