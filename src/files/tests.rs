//! Tests of `files`.

#![allow(clippy::unwrap_used)]

use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

#[test]
fn only_regular_files_of_bounded_size_are_read_and_none_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("plain"), "text").unwrap();
    std::fs::write(at("marked"), "\u{feff}text\u{feff}").unwrap();
    std::fs::write(at("latin"), b"caf\xe9").unwrap();
    std::fs::write(at("five"), "12345").unwrap();
    File::create(at("sparse")).unwrap().set_len(8 << 30).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, at("pipe"), Mode::from_raw_mode(0o600)).unwrap();
    std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    symlink("plain", at("link")).unwrap();
    symlink("pipe", at("link_to_pipe")).unwrap();
    symlink("loop", at("loop")).unwrap();
    for (name, expected) in [
        ("plain", Ok("text")),
        ("link", Ok("text")),
        ("marked", Ok("text\u{feff}")),
        ("latin", Err("cannot read NAME: it is not UTF-8 text")),
        ("five", Ok("12345")),
        ("sparse", Err("NAME is larger than the 16 MB that are read")),
        ("pipe", Err("cannot read NAME: it is a pipe, not a regular file")),
        ("link_to_pipe", Err("cannot read NAME: it is a pipe, not a regular file")),
        ("socket", Err("cannot read NAME: it is not a regular file")),
        ("/dev/zero", Err("cannot read NAME: it is not a regular file")),
        ("", Err("cannot read NAME: it is a folder")),
        ("missing", Err("cannot read NAME: No such file or directory (os error 2)")),
        ("plain/below", Err("cannot read NAME: Not a directory (os error 20)")),
    ] {
        let read = read_text(&at(name), LARGEST).map_err(|why| why.error(Kind::Io, "NAME").to_string());
        assert_eq!(read.as_deref().map_err(String::as_str), expected, "{name}");
    }
    assert!(matches!(read_text(&at("loop"), LARGEST), Err(Unread::System(_))));
    assert!(matches!(read_text(&at("five"), 4), Err(Unread::TooLarge(4))));
    assert_eq!(read(io::repeat(0).take(4), 4).unwrap(), [0; 4]);
    assert!(matches!(read(io::repeat(0), 4), Err(Unread::TooLarge(4))));
}

/// A folder `in` with files, a folder `out` beside it, and links that lead there; and its real path.
pub(in crate::files) fn in_and_out() -> (tempfile::TempDir, PathBuf) {
    let temporary = tempfile::tempdir().unwrap();
    let root = temporary.path().canonicalize().unwrap();
    for name in ["in", "in/a", "out"] {
        std::fs::create_dir(root.join(name)).unwrap();
        std::fs::write(root.join(name).join("file"), name).unwrap();
    }
    symlink(root.join("out"), root.join("to_out")).unwrap();
    symlink(root.join("out/file"), root.join("to_out_file")).unwrap();
    (temporary, root)
}

#[test]
fn what_is_swapped_for_a_link_while_it_is_read_never_leads_out() {
    let (_temporary, root) = in_and_out();
    let all = Folder::open(&root.join("in")).unwrap();
    let one = Folder::open(&root.join("in/file")).unwrap();
    let is_over = AtomicBool::new(false);
    let swap = |what: &str, link: &str| {
        let [what, link, aside] = [what, link, &format!("{link}_aside")].map(|name| root.join(name));
        while !is_over.load(Ordering::Relaxed) {
            std::fs::rename(&what, &aside).unwrap();
            std::fs::rename(&link, &what).unwrap();
            std::fs::rename(&what, &link).unwrap();
            std::fs::rename(&aside, &what).unwrap();
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| swap("in/a", "to_out"));
        scope.spawn(|| swap("in/file", "to_out_file"));
        let mut texts = Vec::new();
        for (folder, path) in [(&all, "in/a/file"), (&all, "in/file"), (&one, "in/file")] {
            for _ in 0..2_000 {
                if let Ok(Found::File(file, _)) = open_beneath([folder].into_iter(), &root.join(path)) {
                    texts.push(read(file, LARGEST).unwrap());
                }
            }
        }
        is_over.store(true, Ordering::Relaxed);
        assert!(!texts.is_empty() && !texts.iter().any(|text| text == b"out"));
    });
}
