//! Files of other versions, and events of a clock that is set back.

#![allow(clippy::unwrap_used)]

use serde_json::Map;
use tempfile::TempDir;

use super::*;
use crate::journal::list::{Wanted, list};
use crate::journal::story::story;

const RUN: &str = "01k2x9f8p-3v7q0m";

/// A journal with one run that wrote once and ended, its events at these times.
fn journal(times: [i64; 4]) -> (TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j.db");
    let mut connection = open(&path).unwrap();
    let write = What::Write { operation: "ScaleApp".into(), params: Map::new(), before: None, profile: None };
    let outcome = What::Outcome { known: Known::Applied, attempts: 1, request_id: None, reply: 0.into() };
    let whats = [What::Begun(Map::new()), write, outcome, What::Ended { code: 0, why: None }];
    let events: Vec<Event> = (1..)
        .zip(times)
        .zip(whats)
        .map(|((number, at), what)| Event { at, ..Event::now(number, what).of(2) })
        .collect();
    let transaction = connection.transaction().unwrap();
    append(&transaction, RUN, &events.iter().collect::<Vec<_>>()).unwrap();
    transaction.commit().unwrap();
    connection.close().unwrap();
    (folder, path)
}

fn at_version(path: &Path, version: i64) {
    Connection::open(path).unwrap().pragma_update(None, "user_version", version).unwrap();
}

#[test]
fn a_journal_of_another_version_is_refused_in_words_and_stays_as_it_is() {
    let damaged = |version| format!("it is damaged: it says that its version is {version}");
    let newer =
        |version| format!("a later jst wrote it: its version is {version}, and this one knows {VERSION} at most");
    for (version, why, way_out) in [
        (-1, damaged(-1), ANOTHER),
        (0, damaged(0), ANOTHER),
        (VERSION + 1, newer(VERSION + 1), "use that jst, or name another journal with --journal"),
        (2_000_000, newer(2_000_000), "use that jst, or name another journal with --journal"),
    ] {
        let (_folder, path) = journal([1, 2, 3, 4]);
        at_version(&path, version);
        let said = [open(&path).unwrap_err(), open_to_read(&path).unwrap_err()];
        for error in said {
            assert_eq!(error.message, format!("the journal {} cannot be used: {why}", path.display()));
            assert_eq!((error.kind, error.hints.as_slice()), (Kind::Config, &[way_out.to_owned()][..]));
        }
        at_version(&path, VERSION);
        assert_eq!(list(&path, &Wanted { limit: 9, ..Wanted::default() }).unwrap().len(), 1);
    }
}

#[test]
fn an_older_journal_becomes_one_of_this_version_as_a_whole_or_not_at_all() {
    let later = "ALTER TABLE runs ADD COLUMN host TEXT NOT NULL DEFAULT 'here';";
    let (_folder, path) = journal([1, 2, 3, 4]);
    let mut connection = Connection::open(&path).unwrap();
    let versions = |connection: &Connection| -> i64 {
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
    };
    let hosts =
        |connection: &Connection| connection.query_row("SELECT host FROM runs", [], |row| row.get::<_, String>(0));
    let broken: Vec<&str> = MIGRATIONS.iter().copied().chain([later, "no words of SQL"]).collect();
    assert!(matches!(migrate(&mut connection, &broken), Err(Unusable::Failed(_))));
    assert!(versions(&connection) == VERSION && hosts(&connection).is_err());
    let right: Vec<&str> = MIGRATIONS.iter().copied().chain([later]).collect();
    assert!(migrate(&mut connection, &right).is_ok());
    assert_eq!((versions(&connection), hosts(&connection).unwrap().as_str()), (VERSION + 1, "here"));
}

#[test]
fn a_journal_of_the_first_version_is_brought_to_this_one_with_its_runs() {
    let (_folder, path) = journal([1, 2, 3, 4]);
    let older = Connection::open(&path).unwrap();
    older.execute_batch("ALTER TABLE runs ADD COLUMN last INTEGER NOT NULL DEFAULT 4").unwrap();
    older.close().unwrap();
    at_version(&path, 1);
    // Whoever only reads leaves it as it is.
    assert_eq!(list(&path, &Wanted { limit: 9, ..Wanted::default() }).unwrap().len(), 1);
    let opened = open(&path).unwrap();
    assert_eq!(version(&opened).ok(), Some(VERSION));
    assert!(opened.prepare("SELECT last FROM runs").is_err());
    assert_eq!(list(&path, &Wanted { limit: 9, ..Wanted::default() }).unwrap().len(), 1);
}

#[test]
fn an_attempt_may_take_as_long_as_the_part_said_that_made_it() {
    let (_folder, path) = journal([1, 2, 3, 4]);
    let mut connection = open(&path).unwrap();
    let write = |n: i64| {
        let what = What::Write { operation: "ScaleApp".into(), params: Map::new(), before: None, profile: None };
        Event::now(n, what)
    };
    let begun = |n: i64, millis: u64| {
        let facts = serde_json::json!({ "timeout_ms": millis });
        Event::now(n, What::Begun(facts.as_object().unwrap().clone()))
    };
    let events = [begun(5, 6_000), write(6), begun(7, 1_000), write(8)];
    let transaction = connection.transaction().unwrap();
    append(&transaction, RUN, &events.iter().collect::<Vec<_>>()).unwrap();
    transaction.commit().unwrap();
    let past = crate::journal::past::Past::read(&connection, &path, RUN).unwrap();
    let attempts: Vec<_> = past.unknown().iter().map(|write| (write.number, write.attempt.as_secs())).collect();
    assert_eq!(attempts, [(6, 6), (8, 1)]);
}

#[test]
fn a_clock_that_is_set_back_changes_no_order_and_ends_no_run_before_it_began() {
    let (_folder, path) = journal([9_000, 8_000, 4_000, 1_000]);
    let told = story(&path, RUN).unwrap();
    assert_eq!((told.run.started, told.run.ended, told.run.state), (9_000, Some(9_000), "done"));
    let writes: Vec<_> = told.writes.iter().map(|write| (write.number, write.known)).collect();
    assert_eq!(writes, [(2, Some(Known::Applied))]);
}

#[test]
fn a_journal_that_is_just_being_made_is_none_or_whole() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j.db");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| open(&path).unwrap());
                scope.spawn(|| open_to_read(&path).unwrap());
            }
        });
    }
}
