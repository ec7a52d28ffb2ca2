//! What a state's file survives, what it refuses, and that only one process holds it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use serde_json::json;

use super::*;

fn fresh(path: &Path) -> StateFile {
    let (mut file, loaded) = StateFile::open(path).unwrap();
    assert!(loaded.is_none());
    file.compact(&Snapshot::new(&State::empty(Timestamp::UNIX_EPOCH), 5, &Ledger::default())).unwrap();
    file
}

fn advanced(second: i64) -> Line {
    Line::Advanced(Timestamp::from_second(second).unwrap())
}

/// A file of a snapshot and three lines, in a folder of its own.
fn four_lines() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let mut file = fresh(&path);
    (1..=3).for_each(|second| file.append(&advanced(second)).unwrap());
    (folder, path)
}

fn now_of(path: &Path) -> Result<i64> {
    StateFile::open(path).map(|(_, loaded)| loaded.unwrap().snapshot.state.now.as_second())
}

#[test]
fn what_was_written_is_there_again() {
    let (_folder, path) = four_lines();
    let (mut file, loaded) = StateFile::open(&path).unwrap();
    let loaded = loaded.unwrap();
    assert_eq!((loaded.snapshot.state.now.as_second(), loaded.snapshot.starts), (3, 5));
    file.append(&advanced(4)).unwrap();
    assert_eq!(file.again().unwrap().snapshot.state.now.as_second(), 4);
    file.compact(&Snapshot::new(&loaded.snapshot.state, 6, &loaded.ledger)).unwrap();
    file.append(&advanced(9)).unwrap();
    drop(file);
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2);
    assert_eq!(now_of(&path).unwrap(), 9);
}

#[test]
fn any_changed_byte_and_any_lost_doubled_or_moved_line_is_refused() {
    let (_folder, path) = four_lines();
    let whole = fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        fs::write(&path, &changed).unwrap();
        let error = now_of(&path).unwrap_err();
        assert!(error.message.contains("is damaged in line "), "byte {at}: {error}");
        assert_eq!(error.hints, ["restore it from a copy, or move it away to start afresh"]);
    }
    let lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    for (order, line) in [
        (&[1, 2, 3][..], 1),
        (&[0, 2, 3], 2),
        (&[0, 1, 3], 3),
        (&[0, 1, 1, 2, 3], 3),
        (&[0, 1, 3, 2], 3),
        (&[0, 0, 1, 2, 3], 2),
        (&[], 1),
    ] {
        fs::write(&path, order.iter().map(|at| lines[*at]).collect::<Vec<_>>().concat()).unwrap();
        let error = now_of(&path).unwrap_err();
        assert!(error.message.contains(&format!("is damaged in line {line}: ")), "{order:?}: {error}");
    }
    // What a kill leaves of the last line was never acknowledged; a snapshot is whole or not there.
    let (last, first) = (whole.len() - lines[3].len(), lines[0].len());
    for cut in [last, last + 1, last + 9, whole.len() - 2] {
        fs::write(&path, &whole[..cut]).unwrap();
        assert_eq!(now_of(&path).unwrap(), 2, "cut at {cut}");
    }
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    assert_eq!(now_of(&path).unwrap(), 3);
    fs::write(&path, &whole[..first - 2]).unwrap();
    assert!(now_of(&path).unwrap_err().message.ends_with("damaged in line 1: it is cut short"));
}

#[test]
fn what_does_not_replay_is_damage() {
    let (_folder, path) = four_lines();
    let call = json!({"call": {"time": "1970-01-01T00:00:09Z", "action": "NoSuchAction", "params": {}, "request_id": "i", "code": 0}});
    let line = lines::written(5, call.to_string().as_bytes());
    fs::write(&path, [fs::read(&path).unwrap(), line].concat()).unwrap();
    assert!(now_of(&path).unwrap_err().message.ends_with("in line 5: there is no operation NoSuchAction"));
}

#[test]
fn a_file_is_held_by_one_whatever_it_is_called() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let link = folder.path().join("link");
    let held = fresh(&path);
    symlink(&path, &link).unwrap();
    for name in [&path, &link] {
        let error = StateFile::open(name).unwrap_err();
        assert!(error.message.starts_with("another process holds the state file"), "{error}");
    }
    drop(held);
    // Through the link the file itself is written.
    let (mut file, loaded) = StateFile::open(&link).unwrap();
    let loaded = loaded.unwrap();
    file.compact(&Snapshot::new(&loaded.snapshot.state, 7, &loaded.ledger)).unwrap();
    assert!(link.is_symlink() && StateFile::open(&path).is_err());
    drop(file);
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    fs::hard_link(&path, folder.path().join("other")).unwrap();
    assert!(StateFile::open(&path).unwrap_err().message.ends_with("has 2 names"));
}

#[test]
fn what_is_no_regular_file_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    symlink(at("nothing"), at("dangling")).unwrap();
    for (path, part) in [
        (at("socket"), "is a device or a pipe: an account is kept in a regular file"),
        (at("."), "is a folder"),
        (at("dangling"), "is a link to nothing"),
        (at("no/such/folder"), "cannot open"),
    ] {
        let error = StateFile::open(&path).unwrap_err();
        assert!(error.message.contains(part), "{}: {error}", path.display());
    }
    drop(socket);
    assert!(!at("nothing").exists() && fs::symlink_metadata(at("socket")).is_ok());
}

#[test]
fn a_snapshot_is_written_to_a_new_private_file() {
    let folder = tempfile::tempdir().unwrap();
    let (path, victim) = (folder.path().join("state"), folder.path().join("victim"));
    fs::write(&victim, "untouched").unwrap();
    symlink(&victim, folder.path().join("state.new")).unwrap();
    let file = fresh(&path);
    assert_eq!(fs::read_to_string(&victim).unwrap(), "untouched");
    let metadata = fs::symlink_metadata(&path).unwrap();
    assert_eq!((metadata.permissions().mode() & 0o777, metadata.nlink(), metadata.is_file()), (0o600, 1, true));
    assert!(!folder.path().join("state.new").exists());
    // One that another process made meanwhile is not replaced.
    drop(file);
    let before = fs::read(&path).unwrap();
    fs::rename(&path, folder.path().join("aside")).unwrap();
    let (mut late, _) = StateFile::open(&path).unwrap();
    fs::rename(folder.path().join("aside"), &path).unwrap();
    let error = late.compact(&Snapshot::new(&State::empty(Timestamp::UNIX_EPOCH), 0, &Ledger::default())).unwrap_err();
    assert!(error.message.contains("File exists"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
}
