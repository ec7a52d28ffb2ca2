//! The ledger of applied writes, and the file that keeps a state across restarts.
//!
//! The file's first line is a snapshot, each further line one thing that happened since. A line is
//! written to the operating system before its answer is sent, so that a kill at any moment loses
//! nothing that was acknowledged; replaying the lines brings the state back, because a state only
//! depends on the calls and their times. On start and on a graceful stop the file is compacted into
//! a new snapshot, through a temporary file that replaces it.
//!
//! The ledger begins with the writes of the lines that were replayed. A snapshot only counts the writes
//! before it: those before a graceful stop, or before the start before this one, are no longer shown.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::catalogue;
use crate::error::{Error, Kind, Result};
use crate::files;
use crate::secret::MASK;
use crate::sim::engine::call::{Call, Trouble};
use crate::sim::engine::state::State;

/// A write that was applied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// When, on the simulator's clock.
    pub time: Timestamp,
    /// What was called.
    pub action: String,
    /// With what.
    pub params: Map<String, Value>,
    /// What went wrong with the release that it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
    /// The id that its reply carries.
    pub request_id: String,
    /// The code that its reply carries.
    pub code: i64,
}

impl Record {
    /// The record with its secrets masked.
    pub(crate) fn masked(mut self) -> Self {
        if let Some(operation) = catalogue::find(&self.action) {
            for (name, value) in &mut self.params {
                if operation.param(name).is_some_and(|param| param.secret) || crate::secret::is_secret_name(name) {
                    *value = MASK.into();
                }
            }
        }
        self
    }
}

/// The latest applied writes, and how many there were in all.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// As JSON, secrets masked.
    records: VecDeque<String>,
    bytes: usize,
    total: u64,
}

impl Ledger {
    /// Bytes of records kept in memory; older ones are only counted.
    const KEPT: usize = 64 << 20;

    /// Adds a record.
    pub(crate) fn push(&mut self, record: Record) {
        // No secret stays in memory for longer than the state needs it.
        let text = serde_json::to_string(&record.masked()).unwrap_or_default();
        self.bytes += size_of::<String>() + text.len();
        self.records.push_back(text);
        self.total = self.total.saturating_add(1);
        while self.bytes > Self::KEPT
            && let Some(oldest) = self.records.pop_front()
        {
            self.bytes -= size_of::<String>() + oldest.len();
        }
    }

    /// As JSON: the records that are kept, oldest first, secrets masked; and how many there were in all.
    pub(crate) fn json(&self) -> String {
        let mut text = format!(r#"{{"total":{},"records":["#, self.total);
        for (index, record) in self.records.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            text += record;
        }
        text + "]}"
    }

    /// A ledger that has shown this many writes before.
    fn after(total: u64) -> Self {
        Self { total, ..Self::default() }
    }

    /// How many there were in all.
    #[cfg(test)]
    pub(crate) fn total(&self) -> u64 {
        self.total
    }
}

/// The first line of a state's file.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Snapshot<S = State> {
    /// The version of the file's form.
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
    const VERSION: u32 = 1;

    /// A snapshot of a state.
    pub(crate) fn new(state: S, starts: u64, ledger: &Ledger) -> Self {
        Self { version: Self::VERSION, starts, applied: ledger.total, state }
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

/// A state's file, held by this process alone.
#[derive(Debug)]
pub(crate) struct StateFile {
    path: PathBuf,
    /// Where lines are appended; `None` after that has failed.
    file: Option<File>,
    length: u64,
    /// Locked for as long as it is open.
    _lock: File,
}

impl StateFile {
    /// Opens a state's file, and brings back the state that it holds and the ledger of its lines.
    ///
    /// # Errors
    /// The file cannot be read, another process holds it, or it is damaged.
    pub(crate) fn open(path: &Path) -> Result<(Self, Option<(Snapshot, Ledger)>)> {
        let lock_path = beside(path, "lock");
        let lock = create(&lock_path).map_err(|error| cannot(&lock_path, "open", &error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::new(
                    Kind::Config,
                    format!("another process holds the state file {}", path.display()),
                )
                .hint("stop it, or give this one another file"));
            }
            Err(TryLockError::Error(error)) => return Err(cannot(&lock_path, "lock", &error)),
        }
        let kept = match files::open_file(path) {
            Ok(file) => load(path, BufReader::new(file))?,
            Err(why) if why.is_missing() => None,
            Err(why) => return Err(cannot(path, "open", &why)),
        };
        Ok((Self { path: path.to_owned(), file: None, length: 0, _lock: lock }, kept))
    }

    /// Writes a line to the operating system. When that fails, what was written of it is taken back,
    /// and nothing more is written: the state in memory has gone further than the file.
    ///
    /// # Errors
    /// This line or an earlier one could not be written.
    pub(crate) fn append(&mut self, line: &Line) -> std::io::Result<()> {
        let Some(mut file) = self.file.take() else {
            return Err(std::io::Error::other("an earlier line could not be written"));
        };
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        if let Err(error) = file.write_all(&text) {
            let _ = file.set_len(self.length);
            return Err(error);
        }
        self.length += text.len() as u64;
        self.file = Some(file);
        Ok(())
    }

    /// Appends to another file, for tests of what happens when that fails.
    #[cfg(test)]
    pub(crate) fn replace(&mut self, file: File) {
        self.file = Some(file);
    }

    /// Makes the file one snapshot.
    ///
    /// # Errors
    /// It cannot be written; the file is then as it was.
    pub(crate) fn compact(&mut self, snapshot: &Snapshot<&State>) -> Result<()> {
        let new = beside(&self.path, "new");
        let written = || -> std::io::Result<(File, u64)> {
            let file = create(&new)?;
            file.set_len(0)?;
            let mut writer = BufWriter::new(file);
            serde_json::to_writer(&mut writer, snapshot)?;
            writer.write_all(b"\n")?;
            let file = writer.into_inner()?;
            file.sync_all()?;
            let length = file.metadata()?.len();
            std::fs::rename(&new, &self.path)?;
            Ok((file, length))
        };
        let (file, length) = written().map_err(|error| cannot(&self.path, "write", &error))?;
        self.file = Some(file);
        self.length = length;
        Ok(())
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

/// A file that is written to, and read by its owner only: a state holds the passwords of clusters.
fn create(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn cannot(path: &Path, what: &str, error: &dyn std::fmt::Display) -> Error {
    Error::new(Kind::Io, format!("cannot {what} {}: {error}", path.display()))
}

/// The snapshot with everything that happened since. A last line that was cut short was never
/// acknowledged and is dropped; anything else that does not parse is damage.
fn load(path: &Path, mut file: impl std::io::BufRead) -> Result<Option<(Snapshot, Ledger)>> {
    let damaged = |line: usize, why: String| {
        Error::new(Kind::Config, format!("the state file {} is damaged in line {line}: {why}", path.display()))
            .hint("restore it from a copy, or move it away to start afresh")
    };
    let mut line = Vec::new();
    let mut next = |line: &mut Vec<u8>| {
        line.clear();
        let read = file.read_until(b'\n', line).map_err(|error| cannot(path, "read", &error));
        read.map(|count| count > 0)
    };
    if !next(&mut line)? {
        return Ok(None);
    }
    let mut snapshot: Snapshot =
        serde_json::from_slice(&line).map_err(|error| damaged(1, format!("no snapshot: {error}")))?;
    if snapshot.version != Snapshot::<State>::VERSION {
        return Err(damaged(1, format!("its form has version {}", snapshot.version)));
    }
    let mut ledger = Ledger::after(snapshot.applied);
    for number in 2.. {
        if !next(&mut line)? || !line.ends_with(b"\n") {
            break;
        }
        let happened: Line = serde_json::from_slice(&line).map_err(|error| damaged(number, error.to_string()))?;
        if let Line::Call(record) = &happened {
            ledger.push(record.clone());
        }
        replay(&mut snapshot.state, happened).map_err(|why| damaged(number, why))?;
    }
    snapshot.starts = snapshot.starts.saturating_add(1);
    Ok(Some((snapshot, ledger)))
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;
    use serde_json::json;

    fn record(action: &str, params: Value) -> Record {
        Record {
            time: Timestamp::UNIX_EPOCH,
            action: action.into(),
            params: params.as_object().unwrap().clone(),
            trouble: None,
            request_id: "id".into(),
            code: 0,
        }
    }

    fn fresh(path: &Path) -> StateFile {
        let (mut file, snapshot) = StateFile::open(path).unwrap();
        assert!(snapshot.is_none());
        file.compact(&Snapshot::new(&State::empty(Timestamp::UNIX_EPOCH), 5, &Ledger::default())).unwrap();
        file
    }

    #[test]
    fn what_was_written_is_there_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let mut file = fresh(&path);
        let later: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        file.append(&Line::Advanced(later)).unwrap();
        drop(file);
        let (mut file, snapshot) = StateFile::open(&path).unwrap();
        let (snapshot, ledger) = snapshot.unwrap();
        assert_eq!((snapshot.state.now, snapshot.starts), (later, 6));
        assert!(file.append(&Line::Advanced(later)).is_err(), "nothing is appended before the file is compacted");
        file.compact(&Snapshot::new(&snapshot.state, snapshot.starts, &ledger)).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 1);
    }

    #[test]
    fn a_last_line_cut_short_is_dropped_and_other_damage_is_an_error() {
        let line = |line: &Line| format!("{}\n", serde_json::to_string(line).unwrap());
        let advanced = line(&Line::Advanced("2026-01-01T00:00:00Z".parse().unwrap()));
        let cut = advanced.get(..advanced.len() - 5).unwrap();
        let unknown = line(&Line::Call(record("NoSuchAction", json!({}))));
        for (tail, expected) in [
            ("", Ok(())),
            (cut, Ok(())),
            (advanced.trim_end(), Ok(())),
            (&format!("{cut}\n"), Err("line 2")),
            (&format!("\n{advanced}"), Err("line 2")),
            (&format!("{advanced}nonsense\n{advanced}"), Err("line 3: expected")),
            (&unknown, Err("line 2: there is no operation NoSuchAction")),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("state");
            drop(fresh(&path));
            let whole = std::fs::read_to_string(&path).unwrap() + tail;
            std::fs::write(&path, whole).unwrap();
            match (StateFile::open(&path), expected) {
                (Ok((_, Some(_))), Ok(())) => {}
                (Err(error), Err(part)) => assert!(error.message.contains(part), "{tail}: {error}"),
                (got, _) => unreachable!("{tail}: {got:?}"),
            }
        }
        for (whole, part) in [("nonsense", "line 1: no snapshot"), ("{\"version\":1}", "line 1: no snapshot")] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("state");
            std::fs::write(&path, whole).unwrap();
            let error = StateFile::open(&path).unwrap_err();
            assert!(error.message.contains(part), "{whole}: {error}");
        }
    }

    #[test]
    fn a_file_is_held_by_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let held = fresh(&path);
        let error = StateFile::open(&path).unwrap_err();
        assert!(error.message.starts_with("another process holds the state file"), "{error}");
        drop(held);
        assert!(StateFile::open(&path).is_ok());
        assert!(StateFile::open(&folder.path().join("no/such/folder")).is_err());
    }

    #[test]
    #[cfg(unix)]
    fn a_file_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let _file = fresh(&path);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn the_ledger_holds_no_secret_and_does_not_grow_for_ever() {
        let mut ledger = Ledger::default();
        let shown = |ledger: &Ledger| serde_json::from_str::<Value>(&ledger.json()).unwrap();
        ledger.push(record("CreateCluster", json!({"Password": "fake-Passw0rd!", "ClusterTitle": "t"})));
        ledger.push(record("ScaleApp", json!({})));
        let params = shown(&ledger)["records"][0]["params"].clone();
        assert_eq!(params, json!({"Password": "****", "ClusterTitle": "t"}));
        let large = "x".repeat(Ledger::KEPT / 10);
        for _ in 0..20 {
            ledger.push(record("UpdateApp", json!({"Description": large})));
        }
        ledger.push(record("ScaleApp", json!({})));
        assert!(ledger.bytes <= Ledger::KEPT && ledger.json().len() <= Ledger::KEPT);
        let shown = shown(&ledger);
        let actions: Vec<_> = shown["records"].as_array().unwrap().iter().map(|record| &record["action"]).collect();
        assert_eq!((shown["total"].as_u64(), actions.len(), actions[9]), (Some(23), 10, &json!("ScaleApp")));
    }
}
