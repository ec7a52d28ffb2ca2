//! The journal's file: opened, checked, brought to this version, and written in whole transactions.

use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior, params};

use super::event::{Event, Known, What};
use crate::error::{Error, Kind, Result};
use crate::system;

/// What marks a file as a journal of jst's.
const APPLICATION: i64 = 0x6a73_746a;

/// The version of the tables that this jst writes.
const VERSION: i64 = MIGRATIONS.len() as i64;

/// How long is waited for others that write.
const PATIENCE: Duration = Duration::from_secs(10);

/// How soon is tried again what SQLite does not wait for.
const SOON: Duration = Duration::from_millis(5);

/// A larger file is not read through at each start: it is looked at when its last writer did not close it.
const CHECKED: u64 = 64 << 20;

/// Each version's tables, from the one before it.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE events (
        run TEXT NOT NULL, number INTEGER NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL, of INTEGER,
        place TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (run, number)
    ) STRICT, WITHOUT ROWID;
    CREATE TRIGGER events_stay BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events never change'); END;
    CREATE TABLE runs (
        id TEXT NOT NULL PRIMARY KEY, key TEXT UNIQUE, script TEXT NOT NULL, profile TEXT, endpoint TEXT NOT NULL,
        started INTEGER NOT NULL, ended INTEGER, exit INTEGER, writes INTEGER NOT NULL DEFAULT 0,
        unknown INTEGER NOT NULL DEFAULT 0, open INTEGER NOT NULL DEFAULT 0, last INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX runs_by_start ON runs (started);
    CREATE INDEX runs_with_unknown ON runs (started) WHERE unknown + open > 0;
",
    "
    ALTER TABLE runs DROP COLUMN last;
",
];

/// Opens a journal to write to it; it is made where there is none.
///
/// # Errors
/// `config` for whatever keeps it from being written.
pub(super) fn open(path: &Path) -> Result<Connection> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(|error| cannot(path, &format!("cannot make its folder: {error}")))?;
        if let Some(name) = system::network_file_system(folder) {
            return Err(cannot(path, &format!("it is on {name}, where processes cannot share it safely"))
                .hint("--state-dir or --journal names a place on a disk of this machine"));
        }
    }
    is_there(path)?;
    // Made by hand first: others on the machine have no business in it.
    let made = File::options().write(true).create(true).truncate(false).mode(0o600).open(path);
    made.map_err(|error| cannot(path, &error.to_string()))?;
    let length = fs::metadata(path).map_or(0, |found| found.len());
    let was_left = wal_of(path).metadata().is_ok_and(|wal| wal.len() > 0);
    let mut connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .map_err(|error| failed(path, &error))?;
    let is_checked = length > 0 && (length < CHECKED || was_left);
    let until = Instant::now() + PATIENCE;
    loop {
        match prepare(&mut connection, is_checked) {
            // Some locks SQLite does not wait for: while one makes it a file with a log, another reads its version.
            Err(Unusable::Failed(error)) if is_busy(&error) && Instant::now() < until => std::thread::sleep(SOON),
            prepared => return prepared.map(|()| connection).map_err(|why| why.told(path)),
        }
    }
}

/// Whether there is a file; what is no file, or cannot be seen, is no journal that holds nothing.
///
/// # Errors
/// `config`.
pub(super) fn is_there(path: &Path) -> Result<bool> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() => Ok(true),
        Ok(found) => Err(cannot(path, if found.is_dir() { "it is a folder" } else { "it is no file" }).hint(ANOTHER)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(cannot(path, &error.to_string())),
    }
}

/// Opens a journal to read it; `None` where there is none.
///
/// # Errors
/// `config` for whatever keeps it from being read.
pub(super) fn open_to_read(path: &Path) -> Result<Option<Connection>> {
    if !is_there(path)? {
        return Ok(None);
    }
    // What a process that died left half done is taken back by whoever comes next, which takes the right to write.
    let looked = look(path, false).or_else(|why| match why {
        Unusable::Failed(error) if is_forbidden(&error) => match wal_of(path).metadata() {
            Ok(wal) if wal.len() > 0 => Err(Unusable::Unfinished),
            // Nothing was left: the file alone says it all.
            _ => look(path, true),
        },
        why => Err(why),
    });
    match looked.map_err(|why| why.told(path))? {
        (_, 0) => Ok(None),
        (connection, _) => Ok(Some(connection)),
    }
}

/// Opens a journal to read it, and says its version; `as_it_is` does without the files that SQLite has beside it, which
/// only somebody can make who may write in its folder.
fn look(path: &Path, as_it_is: bool) -> std::result::Result<(Connection, i64), Unusable> {
    let connection = if as_it_is {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Connection::open_with_flags(immutable(path), flags)?
    } else {
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?
    };
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "query_only", true)?;
    let version = version(&connection)?;
    Ok((connection, version))
}

/// The address of a file that nobody changes, every byte of its path escaped that could mean something else there.
fn immutable(path: &Path) -> String {
    let bytes = path.as_os_str().as_bytes().iter();
    let escaped: String = bytes
        .map(|byte| match byte {
            b'/' | b'-' | b'.' | b'_' => char::from(*byte).to_string(),
            byte if byte.is_ascii_alphanumeric() => char::from(*byte).to_string(),
            byte => format!("%{byte:02x}"),
        })
        .collect();
    format!("file:{escaped}?immutable=1")
}

/// Whether somebody else keeps a journal locked.
fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Whether a file was opened, but what SQLite makes beside it could not be.
fn is_forbidden(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen))
}

/// Why a journal cannot be used.
enum Unusable {
    Failed(rusqlite::Error),
    NotOurs,
    Newer(i64),
    Damaged(String),
    Unfinished,
}

impl From<rusqlite::Error> for Unusable {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error)
    }
}

impl Unusable {
    fn told(self, path: &Path) -> Error {
        match self {
            Self::Failed(error) => failed(path, &error),
            Self::NotOurs => cannot(path, "it is a database of another program"),
            Self::Newer(version) => cannot(
                path,
                &format!("a later jst wrote it: its version is {version}, and this one knows {VERSION} at most"),
            )
            .hint("use that jst, or name another journal with --journal"),
            Self::Damaged(what) => damaged(path, &what),
            Self::Unfinished => {
                cannot(path, "a run left it unfinished, and it may not be written here, which finishing it takes")
                    .hint("copy it with its -wal file to a folder that may be written, and name it with --journal")
            }
        }
    }
}

fn prepare(connection: &mut Connection, check: bool) -> std::result::Result<(), Unusable> {
    connection.busy_timeout(PATIENCE)?;
    let found = version(connection)?;
    if check {
        let said: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if said != "ok" {
            return Err(Unusable::Damaged(said));
        }
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    if found < VERSION {
        migrate(connection, MIGRATIONS)?;
    }
    Ok(())
}

/// The version of a file; 0 for one that holds nothing yet.
fn version(connection: &Connection) -> std::result::Result<i64, Unusable> {
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    // At one moment: another process may be making it just now.
    let _moment = connection.is_autocommit().then(|| connection.unchecked_transaction()).transpose()?;
    match (pragma("application_id")?, pragma("user_version")?) {
        (APPLICATION, version) if version > VERSION => Err(Unusable::Newer(version)),
        (APPLICATION, version) if version < 1 => {
            Err(Unusable::Damaged(format!("it says that its version is {version}")))
        }
        (APPLICATION, version) => Ok(version),
        (0, 0) if pragma("schema_version")? == 0 => Ok(0),
        _ => Err(Unusable::NotOurs),
    }
}

/// Brings a file to the version of the last of these, all or nothing; another process may have done it meanwhile.
fn migrate(connection: &mut Connection, migrations: &[&str]) -> std::result::Result<(), Unusable> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = usize::try_from(version(&transaction)?).unwrap_or(0);
    for migration in migrations.iter().skip(found) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", i64::try_from(migrations.len()).unwrap_or(i64::MAX))?;
    Ok(transaction.commit()?)
}

/// Adds events of a run and keeps its row as they say.
pub(super) fn append(transaction: &Transaction<'_>, run: &str, events: &[&Event]) -> rusqlite::Result<()> {
    let mut insert = transaction
        .prepare("INSERT INTO events (run, number, at, kind, of, place, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
    let (mut writes, mut unknown, mut open) = (0, 0, 0);
    for event in events {
        let body = event.what.body();
        insert.execute(params![run, event.number, event.at, event.what.kind(), event.of, event.place, body])?;
        match &event.what {
            What::Begun(facts) => begin(transaction, run, event.at, facts)?,
            What::Write { .. } => (writes, open) = (writes + 1, open + 1),
            What::Outcome { known, .. } => {
                open -= 1;
                unknown += i64::from(*known == Known::Unknown);
            }
            What::Settled { .. } => unknown -= 1,
            What::Ended { code, .. } => {
                // A clock that was set back meanwhile has no run end before it began.
                let end = "UPDATE runs SET ended = max(started, ?2), exit = ?3 WHERE id = ?1";
                transaction.execute(end, params![run, event.at, code])?;
            }
            _ => {}
        }
    }
    let mut count = transaction
        .prepare("UPDATE runs SET writes = writes + ?2, unknown = unknown + ?3, open = open + ?4 WHERE id = ?1")?;
    count.execute(params![run, writes, unknown, open])?;
    Ok(())
}

/// Begins a run, or a further part of one: what the part before left open is unknown from now on.
fn begin(
    transaction: &Transaction<'_>,
    run: &str,
    at: i64,
    facts: &serde_json::Map<String, serde_json::Value>,
) -> rusqlite::Result<()> {
    let text = |name: &str| facts.get(name).and_then(serde_json::Value::as_str);
    let anew = "UPDATE runs SET ended = NULL, exit = NULL, unknown = unknown + open, open = 0 WHERE id = ?1";
    if transaction.execute(anew, params![run])? == 0 {
        let row = "INSERT INTO runs (id, key, script, profile, endpoint, started) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let (script, endpoint) = (text("script").unwrap_or_default(), text("endpoint").unwrap_or_default());
        transaction.execute(row, params![run, text("key"), script, text("profile"), endpoint, at])?;
    }
    Ok(())
}

/// The file that new pages are in.
pub(super) fn wal_of(path: &Path) -> std::path::PathBuf {
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    wal.into()
}

/// An error of the database in words.
pub(super) fn failed(path: &Path, error: &rusqlite::Error) -> Error {
    let rusqlite::Error::SqliteFailure(why, text) = error else {
        return cannot(path, &error.to_string());
    };
    if why.code == ErrorCode::ConstraintViolation && text.as_deref().is_some_and(|text| text.contains("runs.key")) {
        return Error::new(Kind::Locked, "another run of this key has just begun: nothing was run")
            .hint("`jst runs` shows it");
    }
    let words = match why.code {
        ErrorCode::DiskFull => "the disk is full",
        ErrorCode::ReadOnly => "it may not be written",
        ErrorCode::CannotOpen if is_full(path) => "the disk is full",
        ErrorCode::PermissionDenied | ErrorCode::CannotOpen => "it may not be opened",
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => "another process has kept it locked for too long",
        ErrorCode::NotADatabase => return cannot(path, "it is no journal").hint(ANOTHER),
        ErrorCode::DatabaseCorrupt => return damaged(path, text.as_deref().unwrap_or("its pages do not fit together")),
        ErrorCode::SystemIoFailure if is_full(path) => "the disk is full",
        ErrorCode::SystemIoFailure => "the disk failed to read or write it",
        _ => return cannot(path, &error.to_string()),
    };
    cannot(path, words)
}

/// What SQLite needs beside the journal at least, in bytes: the index of its log.
const LEAST: u64 = 64 << 10;

/// Whether the disk under a file has no room left, which not every failure of SQLite's says.
fn is_full(path: &Path) -> bool {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    rustix::fs::statvfs(folder).is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) < LEAST)
}

const ANOTHER: &str = "move it away, or name another with --journal; --no-journal goes without";

fn damaged(path: &Path, what: &str) -> Error {
    cannot(path, &format!("it is damaged: {what}")).hint(ANOTHER)
}

/// The error of a journal that cannot be used.
pub(super) fn cannot(path: &Path, why: &str) -> Error {
    Error::new(Kind::Config, format!("the journal {} cannot be used: {why}", path.display()))
}

#[cfg(test)]
mod tests;
