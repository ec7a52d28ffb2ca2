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

/// A file of its head, a snapshot and three lines, in a folder of its own.
fn five_lines() -> (tempfile::TempDir, std::path::PathBuf) {
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
    let (_folder, path) = five_lines();
    let (mut file, loaded) = StateFile::open(&path).unwrap();
    let loaded = loaded.unwrap();
    assert_eq!((loaded.snapshot.state.now.as_second(), loaded.snapshot.starts), (3, 5));
    file.append(&advanced(4)).unwrap();
    assert_eq!(file.again().unwrap().snapshot.state.now.as_second(), 4);
    file.compact(&Snapshot::new(&loaded.snapshot.state, 6, &loaded.ledger)).unwrap();
    file.append(&advanced(9)).unwrap();
    drop(file);
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 3);
    assert_eq!(now_of(&path).unwrap(), 9);
}

#[test]
fn any_changed_byte_and_any_lost_doubled_or_moved_line_is_refused() {
    let (_folder, path) = five_lines();
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
        (&[1, 2, 3, 4][..], 1),
        (&[0, 2, 3, 4], 2),
        (&[0, 1, 3, 4], 3),
        (&[0, 1, 2, 4], 4),
        (&[0, 1, 2, 3], 5),
        (&[0, 1, 2], 4),
        (&[0, 1], 3),
        (&[0], 2),
        (&[0, 1, 2, 2, 3, 4], 4),
        (&[0, 1, 2, 3, 4, 4], 6),
        (&[0, 1, 2, 4, 3], 4),
        (&[0, 0, 1, 2, 3, 4], 2),
        (&[0, 1, 1, 2, 3, 4], 3),
        (&[], 1),
    ] {
        fs::write(&path, order.iter().map(|at| lines[*at]).collect::<Vec<_>>().concat()).unwrap();
        let error = now_of(&path).unwrap_err();
        assert!(error.message.contains(&format!("is damaged in line {line}: ")), "{order:?}: {error}");
    }
    // What a kill leaves of the last line was never acknowledged; a snapshot is whole or not there.
    let last = whole.len() - lines[4].len();
    for cut in [last + 1, last + 9, whole.len() - 2] {
        fs::write(&path, &whole[..cut]).unwrap();
        assert_eq!(now_of(&path).unwrap(), 2, "cut at {cut}");
    }
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    assert_eq!(now_of(&path).unwrap(), 3);
    // Or all of it, not counted yet.
    fs::write(&path, [&lines::head(4), &whole[lines[0].len()..]].concat()).unwrap();
    assert_eq!(now_of(&path).unwrap(), 3);
    for (cut, line) in
        [(lines[0].len() - 1, 2), (lines[0].len() - 2, 1), (last - lines[2].len() - lines[3].len() - 2, 2)]
    {
        fs::write(&path, &whole[..cut]).unwrap();
        let error = now_of(&path).unwrap_err();
        assert!(error.message.contains(&format!("damaged in line {line}: it is ")), "cut at {cut}: {error}");
    }
}

#[test]
fn what_does_not_replay_is_damage() {
    let (_folder, path) = five_lines();
    let call = json!({"call": {"time": "1970-01-01T00:00:09Z", "action": "NoSuchAction", "params": {}, "request_id": "i", "code": 0}});
    let line = lines::written(6, call.to_string().as_bytes());
    fs::write(&path, [fs::read(&path).unwrap(), line].concat()).unwrap();
    assert!(now_of(&path).unwrap_err().message.ends_with("in line 6: there is no operation NoSuchAction"));
}

#[test]
fn an_account_of_another_form_is_refused_before_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let older =
        r#"{"version":1,"starts":3,"applied":0,"state":{"now":"2026-01-05T02:00:00Z","frozen":{"3008":"102000"}}}"#;
    let newer = older.replace("\"version\":1", "\"version\":99");
    for (age, number, json) in [("an older", 1, older), ("a newer", 99, newer.as_str())] {
        let with_sum = lines::written(1, json.as_bytes());
        let counted = [lines::head(2), lines::written(2, json.as_bytes())].concat();
        for text in [json.as_bytes(), [json, "\n"].concat().as_bytes(), &with_sum, &counted] {
            fs::write(&path, text).unwrap();
            let wanted = format!(
                "the account in {} was kept by {age} jst: its form is number {number}, this one reads 3",
                path.display()
            );
            for error in [now_of(&path).unwrap_err(), kept(&path).unwrap_err()] {
                assert_eq!(error.message, wanted);
                assert_eq!(error.hints, ["serve it with the jst that kept it, or move it away to start afresh"]);
            }
            assert_eq!(fs::read(&path).unwrap(), text, "it is left alone");
        }
    }
}

/// An account that reads as another one would be worse than one that is refused.
#[test]
fn the_form_has_a_new_number_when_it_changes() {
    fn names(value: &serde_json::Value, all: &mut std::collections::BTreeSet<String>) {
        match value {
            serde_json::Value::Object(map) => map.iter().for_each(|(name, value)| {
                all.insert(name.clone());
                names(value, all);
            }),
            serde_json::Value::Array(list) => list.iter().for_each(|value| names(value, all)),
            _ => {}
        }
    }
    let account = crate::sim::demo::account().unwrap();
    let mut all = std::collections::BTreeSet::new();
    names(&serde_json::to_value(Snapshot::new(&account, 0, &Ledger::default())).unwrap(), &mut all);
    let mut sum = flate2::Crc::new();
    all.iter().for_each(|name| sum.update(name.as_bytes()));
    assert_eq!(
        (Snapshot::<State>::VERSION, sum.sum()),
        (3, 2_499_204_471),
        "did a field change? then raise VERSION; did the demo account only? then write down the new sum"
    );
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
        (at("socket"), "socket: it is not a regular file"),
        (at("."), "it is a folder"),
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
