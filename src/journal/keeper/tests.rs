//! A run that is ended from two sides at once.

#![allow(clippy::unwrap_used)]

use std::sync::mpsc::channel;
use std::time::Duration;

use rusqlite::Connection;

use super::*;

const RUN: &str = "01k2x9f8p-3v7q0m";

#[test]
fn whoever_ends_a_run_second_waits_until_its_end_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j.db");
    let keeper = Keeper::new(Plan { path: path.clone(), id: RUN.to_owned(), ..Plan::default() });
    keeper.claim().unwrap();
    // Nobody writes for a while.
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (done, wait) = channel();
    std::thread::scope(|scope| {
        for code in [0, 143] {
            let (done, keeper, path) = (done.clone(), &keeper, &path);
            scope.spawn(move || {
                keeper.end(code, None).unwrap();
                done.send(find(path, Some(RUN), None).unwrap().unwrap().ended).unwrap();
            });
        }
        assert!(wait.recv_timeout(Duration::from_millis(200)).is_err());
        other.execute_batch("ROLLBACK").unwrap();
        let ends = [wait.recv().unwrap(), wait.recv().unwrap()];
        assert!(ends[0].is_some() && ends[0] == ends[1], "{ends:?}");
    });
}
