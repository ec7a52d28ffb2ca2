//! The one thread of a process that writes to the journal: it commits together whatever waits.

use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior, params};
use tokio::sync::oneshot;

use super::event::{Event, Known, What};
use super::prune::{Bounds, prune_old};
use super::store;
use crate::error::{Error, Kind, Result};
use crate::memory;

/// Events to be committed, and who waits for that.
struct Item {
    events: Vec<Event>,
    done: Option<oneshot::Sender<Result<()>>>,
}

/// The way to the thread.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    path: PathBuf,
    items: Sender<Item>,
}

/// The answer to somebody who waits until their events are on the disk.
pub(super) type Committed = oneshot::Receiver<Result<()>>;

/// How long what nobody waits for is with the system alone, where a loss of power takes it, before it is on the disk.
const SOON: Duration = Duration::from_millis(20);

/// How long old runs are taken out at the start of one, whose first write waits for that; the next one goes on with it.
const PRUNING: Duration = Duration::from_millis(250);

/// The most that is committed together.
const GROUP: usize = 4096;

impl Writer {
    /// Starts the thread for the events of one run. It opens the journal, which may fail: then every item does.
    /// `held` is kept until the run has ended.
    ///
    /// # Errors
    /// `config` when the system gives no thread.
    pub(super) fn start(path: &Path, run: &str, bounds: Bounds, held: impl Send + 'static) -> Result<Self> {
        let (items, waiting) = channel();
        let (owned, run) = (path.to_owned(), run.to_owned());
        let work = move || {
            let _apart = memory::apart();
            match store::open(&owned) {
                Ok(connection) => write(&owned, connection, &run, bounds, &waiting, held),
                Err(error) => waiting.iter().for_each(|item: Item| item.answer(&Err(error.clone()))),
            }
        };
        let failed = |error: std::io::Error| store::cannot(path, &format!("the system gives no thread: {error}"));
        std::thread::Builder::new().name("journal".into()).spawn(work).map_err(failed)?;
        Ok(Self { path: path.to_owned(), items })
    }

    /// Has events written soon, in their order, before whatever is asked for later.
    pub(super) fn note(&self, events: Vec<Event>) {
        // A thread that is gone has said why to somebody who waited.
        let _ = self.items.send(Item { events, done: None });
    }

    /// Has events written, and everything asked for before; the answer comes when they are on the disk.
    pub(super) fn commit(&self, events: Vec<Event>) -> Committed {
        let (done, committed) = oneshot::channel();
        let _ = self.items.send(Item { events, done: Some(done) });
        committed
    }

    /// What was answered; a thread that is gone is one that failed.
    pub(super) fn answered(&self, answer: std::result::Result<Result<()>, oneshot::error::RecvError>) -> Result<()> {
        answer.unwrap_or_else(|_| Err(store::cannot(&self.path, "its thread died")))
    }
}

impl Item {
    fn answer(self, result: &Result<()>) {
        if let Some(done) = self.done {
            // Nobody waits any longer for a call that was given up.
            let _ = done.send(result.clone());
        }
    }
}

/// Writes until nobody can ask for more.
fn write(
    path: &Path,
    mut connection: Connection,
    run: &str,
    bounds: Bounds,
    waiting: &Receiver<Item>,
    held: impl Send,
) {
    if let Err(error) = prune_old(&mut connection, path, bounds, run, Some(Instant::now() + PRUNING)) {
        tracing::warn!("{}", error.message);
    }
    // What nobody waited for and could not be written: it goes first with the next.
    let mut behind: Vec<Event> = Vec::new();
    let mut group: Vec<Item> = Vec::with_capacity(GROUP);
    let (wal, mut is_with_system) = (store::wal_of(path), false);
    let opened = identity(path);
    while taken(waiting, &mut group, is_with_system.then_some(wal.as_path())) {
        let is_waited_for = group.iter().any(|item| item.done.is_some());
        let events: Vec<&Event> = behind.iter().chain(group.iter().flat_map(|item| &item.events)).collect();
        let result = if identity(path) == opened {
            commit(&mut connection, run, &events, is_waited_for).map_err(|error| store::failed(path, &error))
        } else {
            Err(store::cannot(path, "it was moved or deleted while the run wrote to it"))
        };
        is_with_system = !is_waited_for;
        match &result {
            Ok(()) => behind.clear(),
            Err(_) => behind.extend(group.iter().filter(|item| item.done.is_none()).flat_map(|i| i.events.clone())),
        }
        let has_ended =
            group.iter().flat_map(|item| &item.events).any(|event| matches!(event.what, What::Ended { .. }));
        if has_ended {
            let result = result.map_err(|error| unrecorded(&connection, run, &behind, error));
            // Nothing of the run is left in the file of new pages, and nothing says that it lives.
            let _ = connection.close();
            drop(held);
            return answer_all(&mut group, &result);
        }
        answer_all(&mut group, &result);
    }
}

/// What tells a file from one that takes its place; whoever deletes it leaves the run a file that nobody finds.
fn identity(path: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// The most writes that are named where there was no room for what became of them.
const NAMED: usize = 5;

/// Why a run's end could not be written down, with the writes of which it could not be said what became of them.
fn unrecorded(connection: &Connection, run: &str, behind: &[Event], error: Error) -> Error {
    let operation = |number: i64| {
        let query = "SELECT json_extract(body, '$.operation') FROM events WHERE run = ?1 AND number = ?2";
        connection.query_row(query, params![run, number], |row| row.get::<_, String>(0)).ok()
    };
    let words = |(number, known): &(i64, Known)| {
        let operation = operation(*number).map(|name| format!(" {name}")).unwrap_or_default();
        format!("{number}{operation} ({})", known.word())
    };
    let lost = behind.iter().filter_map(|event| match event.what {
        What::Outcome { known, .. } => Some((event.of?, known)),
        _ => None,
    });
    let lost: Vec<(i64, Known)> = lost.collect();
    if lost.is_empty() {
        return error;
    }
    let named: Vec<String> = lost.iter().take(NAMED).map(words).collect();
    let others = lost.len().saturating_sub(NAMED);
    let more = if others > 0 { format!(" and of {others} others") } else { String::new() };
    let why = format!("{}: it does not say what became of write {}{more}", error.message, named.join(", "));
    error.with(|error| error.message = why)
}

/// Waits for something to write, and takes all that is there; false when nobody can ask for more. Where nothing comes
/// soon, what `unsynced` holds is brought to the disk first.
fn taken(waiting: &Receiver<Item>, group: &mut Vec<Item>, unsynced: Option<&Path>) -> bool {
    let _giving_back = memory::giving_back();
    let first = match unsynced.map(|wal| (wal, waiting.recv_timeout(SOON))) {
        Some((wal, Err(RecvTimeoutError::Timeout))) => {
            // Where that fails, the next that somebody waits for does, too, and says why.
            let _ = File::open(wal).and_then(|wal| wal.sync_data());
            waiting.recv().ok()
        }
        Some((_, came)) => came.ok(),
        None => waiting.recv().ok(),
    };
    let Some(first) = first else { return false };
    group.push(first);
    group.extend(waiting.try_iter().take(GROUP - 1));
    true
}

/// Answers whoever waits, and gives back what the events took.
fn answer_all(group: &mut Vec<Item>, result: &Result<()>) {
    let _giving_back = memory::giving_back();
    group.drain(..).for_each(|item| item.answer(result));
}

/// Commits events. What somebody waits for is on the disk afterwards, with all before it. The rest is with the system,
/// where it outlives the process, and on the disk with the next that somebody waits for, or [`SOON`]: to wait for the
/// disk once more at the end of each call would double what a write costs.
fn commit(connection: &mut Connection, run: &str, events: &[&Event], is_waited_for: bool) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", if is_waited_for { "FULL" } else { "NORMAL" })?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    store::append(&transaction, run, events)?;
    transaction.commit()
}

/// Waits for an answer on a thread that has nothing else to do.
///
/// # Errors
/// What kept the events from being written.
pub(super) fn wait(writer: &Writer, committed: Committed) -> Result<()> {
    writer.answered(committed.blocking_recv())
}

/// The error of a write whose intention could not be written down.
pub(super) fn not_sent(error: Error) -> Error {
    Error::new(Kind::Config, format!("nothing was sent, as it could not be written down first: {}", error.message))
        .outcome(crate::error::Outcome::NotSent)
        .with(|told| told.hints = error.hints.clone())
        .hint("--no-journal goes without a journal: then nothing tells afterwards what was done")
}
