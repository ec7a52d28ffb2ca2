//! Tests of `writing`.

#![allow(clippy::unwrap_used)]

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::tests::in_and_out;
use super::super::{open_beneath, read};
use super::*;

fn write(folder: &Folder, path: &Path, text: &str, how: How) -> Result<bool> {
    let place = place_beneath([folder].into_iter(), path)?;
    place.map(|place| place.write(text.as_bytes(), how)).transpose().map(|written| written.is_some())
}

/// The names in a folder.
fn names(path: &Path) -> Vec<String> {
    let name = |entry: io::Result<std::fs::DirEntry>| entry.unwrap().file_name().to_string_lossy().into_owned();
    let mut names: Vec<String> = std::fs::read_dir(path).unwrap().map(name).collect();
    names.sort();
    names
}

#[test]
fn a_file_keeps_its_mode_and_nothing_is_left_beside_it() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = Folder::open(temporary.path()).unwrap();
    let at = temporary.path().join("file");
    for (text, how, expected) in
        [("one", How::New, "one"), ("two", How::Replace, "two"), ("+", How::Append, "two+"), ("", How::Replace, "")]
    {
        assert!(write(&folder, &at, text, how).unwrap());
        assert_eq!(std::fs::read_to_string(&at).unwrap(), expected, "{how:?}");
        std::fs::set_permissions(&at, std::fs::Permissions::from_mode(0o640)).unwrap();
    }
    assert_eq!(std::fs::metadata(&at).unwrap().permissions().mode() & 0o7777, 0o640);
    let again = write(&folder, &at, "x", How::New).unwrap_err();
    assert_eq!(again.to_string(), "File exists (os error 17)");
    // Somebody else was faster, after the look.
    let place = place_beneath([&folder].into_iter(), &at).unwrap().unwrap();
    let aside = place.write_aside(b"late", None).unwrap();
    assert_eq!(place.place_new(&aside), Err(Errno::EXIST));
    place.remove(&aside);
    assert_eq!(names(temporary.path()), ["file"]);
}

#[test]
fn a_file_that_is_granted_may_come_later_and_a_link_that_leads_nowhere_may_not() {
    let temporary = tempfile::tempdir().unwrap();
    let at = |name: &str| temporary.path().join(name);
    let granted = Folder::for_writing(&at("later")).unwrap();
    assert!(!write(&granted, &at("other"), "x", How::New).unwrap());
    assert!(write(&granted, &at("later"), "x", How::New).unwrap());
    symlink("nowhere", at("dangling")).unwrap();
    assert!(Folder::for_writing(&at("dangling")).is_err());
    assert!(Folder::for_writing(&at("missing/later")).is_err());
    let all = Folder::open(temporary.path()).unwrap();
    for (name, says) in [
        ("dangling", "it is a link that leads nowhere"),
        ("missing/file", "its folder does not exist"),
        ("later/file", "Not a directory (os error 20)"),
    ] {
        assert_eq!(write(&all, &at(name), "x", How::Replace).unwrap_err().to_string(), says, "{name}");
    }
}

#[test]
fn what_is_swapped_for_a_link_while_it_is_written_never_leads_out() {
    let (_temporary, root) = in_and_out();
    let all = Folder::open(&root.join("in")).unwrap();
    let is_over = AtomicBool::new(false);
    let swap = |what: &str, link: &str| {
        let [what, link, aside] = [what, link, &format!("{link}_aside")].map(|name| root.join(name));
        while !is_over.load(Ordering::Relaxed) {
            // What is written meanwhile may stand in the way.
            for (from, to) in [(&what, &aside), (&link, &what), (&what, &link), (&aside, &what)] {
                let _ = std::fs::rename(from, to);
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| swap("in/a", "to_out"));
        for (path, how) in [("in/a/file", How::Replace), ("in/a/file", How::Append), ("in/a/new", How::New)] {
            for _ in 0..500 {
                let _ = write(&all, &root.join(path), "x", how);
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
    std::thread::scope(|scope| {
        is_over.store(false, Ordering::Relaxed);
        scope.spawn(|| swap("in/file", "to_out_file"));
        for how in [How::Replace, How::Append] {
            for _ in 0..500 {
                let _ = write(&all, &root.join("in/file"), "x", how);
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
    assert_eq!(std::fs::read_to_string(root.join("out/file")).unwrap(), "out");
    assert_eq!(names(&root.join("out")), ["file"]);
    let found = open_beneath([&all].into_iter(), &root.join("out/file")).unwrap();
    assert!(matches!(found, super::super::Found::Outside));
    assert_eq!(read(&b"x"[..], 1).unwrap(), b"x");
}
