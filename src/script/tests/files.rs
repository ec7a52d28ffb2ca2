//! What `read_file` reads, and what it refuses.

use std::os::unix::fs::symlink;
use std::path::Path;

use super::bench::Bench;
use crate::error::{Error, Kind};
use crate::script::Ended;
use crate::stop::Stop;

/// Reads `path` of the folder with these of its paths granted.
fn read(folder: &Path, granted: &[&str], path: &str) -> Result<Ended, Error> {
    let unused = |_: &_| unreachable!();
    let bench = Bench::with(unused, Stop::default(), |config| {
        config.allow_read = granted.iter().map(|path| folder.join(path)).collect();
    });
    bench.eval(&format!("read_file(`{}`)", folder.join(path).display()))
}

#[test]
fn files_are_read_where_they_are_granted() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for name in ["open", "open/deep", "closed"] {
        std::fs::create_dir(root.join(name)).unwrap();
        std::fs::write(root.join(name).join("a.json"), format!("名 {name}")).unwrap();
    }
    std::fs::write(root.join("open/bytes"), [0xff]).unwrap();
    std::fs::write(root.join("opening"), "near").unwrap();
    std::fs::File::create(root.join("open/huge")).unwrap().set_len((64 << 20) + 1).unwrap();
    symlink("deep/a.json", root.join("open/inwards")).unwrap();
    symlink("../closed/a.json", root.join("open/outwards")).unwrap();
    symlink("nowhere", root.join("open/dangling")).unwrap();
    symlink("open", root.join("door")).unwrap();
    std::os::unix::net::UnixListener::bind(root.join("open/socket")).unwrap();

    let text = Ok;
    let io = |message| Err((Kind::Io, message));
    let refused = Err((Kind::Policy, "the script may not read the file PATH"));
    let missing = io("cannot read PATH: No such file or directory (os error 2)");
    for (granted, path, expected) in [
        (&["open"][..], "open/a.json", text("名 open")),
        (&["open"], "open/deep/../a.json", text("名 open")),
        (&["open"], "open/inwards", text("名 open/deep")),
        (&["open/a.json"], "open/a.json", text("名 open")),
        (&["door"], "open/a.json", text("名 open")),
        (&["open"], "door/a.json", text("名 open")),
        // A link that is granted grants what it leads to.
        (&["open/outwards"], "closed/a.json", text("名 closed")),
        (&["nowhere", "closed", "open"], "open/a.json", text("名 open")),
        (&[], "open/a.json", refused),
        (&["open/a.json"], "open/deep/a.json", refused),
        (&["open"], "closed/a.json", refused),
        (&["open"], "open/../closed/a.json", refused),
        (&["open"], "open/outwards", refused),
        (&["open"], "opening", refused),
        (&["open"], "nowhere", refused),
        (&["open"], "open/../nowhere", refused),
        (&["open"], "open/nowhere", missing),
        (&["open"], "open/dangling", missing),
        (&["open"], "open/deep", io("cannot read PATH: it is a folder")),
        (&["open"], "open/socket", io("cannot read PATH: it is not a regular file")),
        (&["open"], "open/bytes", io("cannot read PATH: it is not UTF-8 text")),
        (&["open"], "open/huge", Err((Kind::Limit, "PATH is larger than the 64 MB that are read"))),
    ] {
        let shown = root.join(path).display().to_string();
        match (read(root, granted, path), expected) {
            (Ok(Ended::Value(value)), Ok(text)) => assert_eq!(value, text, "{path} of {granted:?}"),
            (Err(error), Err((kind, message))) => {
                assert_eq!((error.kind, error.message.replace(&shown, "PATH")), (kind, message.to_owned()), "{path}");
                if kind == Kind::Policy {
                    assert_eq!(error.hints, [format!("add --allow-read {shown}")]);
                }
            }
            (found, _) => panic!("{path} of {granted:?} gave {found:?}"),
        }
    }
}
