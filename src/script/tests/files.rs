//! What `read_file` and its kin read and write, and what they refuse.

use std::os::unix::fs::symlink;
use std::path::Path;

use super::bench::Bench;
use crate::error::{Error, Kind};
use crate::script::Ended;
use crate::secret::{Class, Secret};
use crate::show::redaction::REDACTOR;
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

/// Evaluates code in which FOLDER stands for a folder, with these of its paths granted for writing.
fn with_written(folder: &Path, granted: &[&str], code: &str) -> Result<Ended, Error> {
    let unused = |_: &_| unreachable!();
    let bench = Bench::with(unused, Stop::default(), |config| {
        config.allow_write = granted.iter().map(|path| folder.join(path)).collect();
    });
    bench.eval(&code.replace("FOLDER", &folder.display().to_string()))
}

#[test]
fn files_are_written_where_they_are_granted() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for name in ["open", "open/deep", "closed"] {
        std::fs::create_dir(root.join(name)).unwrap();
        std::fs::write(root.join(name).join("a.txt"), "old").unwrap();
    }
    symlink("deep/a.txt", root.join("open/inwards")).unwrap();
    symlink("../closed/a.txt", root.join("open/outwards")).unwrap();
    symlink("../closed/new", root.join("open/dangling")).unwrap();
    symlink("open", root.join("door")).unwrap();
    std::os::unix::net::UnixListener::bind(root.join("open/socket")).unwrap();
    let refused = Err((Kind::Policy, "the script may not write the file PATH"));
    let io = |message| Err((Kind::Io, message));
    for (granted, function, path, expected) in [
        (&["open"][..], "write_file", "open/a.txt", Ok("new")),
        (&["open"], "write_file", "open/b.txt", Ok("new")),
        (&["open"], "append_file", "open/b.txt", Ok("newnew")),
        (&["open"], "append_file", "open/c.txt", Ok("new")),
        (&["open"], "write_new", "open/d.txt", Ok("new")),
        (&["open"], "write_new", "open/d.txt", io("cannot write PATH: File exists (os error 17)")),
        (&["open"], "write_file", "open/deep/../e.txt", Ok("new")),
        (&["open"], "write_file", "open/inwards", Ok("new")),
        (&["open"], "write_file", "door/f.txt", Ok("new")),
        (&["open/g.txt"], "write_new", "open/g.txt", Ok("new")),
        (&["open/g.txt"], "write_file", "open/g.txt", Ok("new")),
        (&["open/outwards"], "append_file", "closed/a.txt", Ok("oldnew")),
        (&[], "write_file", "open/a.txt", refused),
        (&["open/a.txt"], "write_file", "open/b.txt", refused),
        (&["open"], "write_file", "closed/a.txt", refused),
        (&["open"], "write_file", "open/../closed/a.txt", refused),
        (&["open"], "append_file", "open/outwards", refused),
        (&["open"], "write_new", "opening", refused),
        (&["open"], "write_file", "open/dangling", io("cannot write PATH: it is a link that leads nowhere")),
        (&["open"], "write_file", "open/deep", io("cannot write PATH: it is a folder")),
        (&["open"], "append_file", "open/deep", io("cannot write PATH: it is a folder")),
        (&["open"], "write_new", "open", io("cannot write PATH: it is a folder")),
        (&["open"], "append_file", "open/socket", io("cannot write PATH: it is not a regular file")),
        (&["open"], "write_file", "open/none/a.txt", io("cannot write PATH: its folder does not exist")),
        (&["missing"], "write_file", "missing/a.txt", io("cannot write PATH: its folder does not exist")),
    ] {
        let shown = root.join(path).display().to_string();
        let ended = with_written(root, granted, &format!("{function}(`FOLDER/{path}`, `new`)"));
        match (ended, expected) {
            (Ok(_), Ok(text)) => assert_eq!(std::fs::read_to_string(root.join(path)).unwrap(), text, "{path}"),
            (Err(error), Err((kind, message))) => {
                assert_eq!((error.kind, error.message.replace(&shown, "PATH")), (kind, message.to_owned()), "{path}");
                if kind == Kind::Policy {
                    assert_eq!(error.hints, [format!("add --allow-write {shown}")]);
                }
            }
            (found, _) => panic!("{function} {path} of {granted:?} gave {found:?}"),
        }
    }
    assert_eq!(std::fs::read_to_string(root.join("closed/a.txt")).unwrap(), "oldnew");
    assert!(!root.join("closed/new").exists());
}

#[test]
fn a_secret_of_the_run_is_written_into_no_file() {
    let folder = tempfile::tempdir().unwrap();
    REDACTOR.add(&Secret::new("not-a-secret-but-known"), Class::Credential);
    let error = with_written(folder.path(), &["."], "write_file(`FOLDER/a`, `x=not-a-secret-but-known`)").unwrap_err();
    assert_eq!(error.kind, Kind::Policy);
    assert!(error.message.ends_with("/a was not written: the text holds a secret of this run"), "{error}");
    assert!(!folder.path().join("a").exists());
}

#[test]
fn granted_folders_are_looked_through() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for name in ["in", "in/deep", "out"] {
        std::fs::create_dir(root.join(name)).unwrap();
        for file in ["b.yaml", "a.csv"] {
            std::fs::write(root.join(name).join(file), "").unwrap();
        }
    }
    symlink("../out", root.join("in/door")).unwrap();
    let list = |names: &[&str]| {
        Ok(Ended::Value(names.iter().map(|name| root.join(name).display().to_string()).collect::<Vec<_>>().into()))
    };
    let refused = |what: &str, path: &str| Err(format!("the script may not {what} {}", root.join(path).display()));
    for (code, expected) in [
        ("files(`FOLDER/in`)", list(&["in/a.csv", "in/b.yaml"])),
        ("files(`FOLDER/in`, `*.csv`)", list(&["in/a.csv"])),
        ("files(`FOLDER/in`, `**/*.csv`)", list(&["in/a.csv", "in/deep/a.csv"])),
        ("files(`FOLDER/in/deep`)", list(&["in/deep/a.csv", "in/deep/b.yaml"])),
        ("files(`FOLDER/out`)", refused("look into the folder", "out")),
        ("files(`FOLDER/in/door`)", refused("look into the folder", "in/door")),
        ("files(`FOLDER/in/a.csv`)", Err(format!("cannot read {}: it is no folder", root.join("in/a.csv").display()))),
        ("files(`FOLDER/in`, `[`)", Err("`[` is no glob: invalid range pattern".to_owned())),
        ("exists(`FOLDER/in/a.csv`)", Ok(Ended::Value(true.into()))),
        ("exists(`FOLDER/in/deep`)", Ok(Ended::Value(true.into()))),
        ("exists(`FOLDER/in/none`)", Ok(Ended::Value(false.into()))),
        ("exists(`FOLDER/out/a.csv`)", refused("look for", "out/a.csv")),
        ("exists(`FOLDER/in/door/a.csv`)", refused("look for", "in/door/a.csv")),
        ("exists(`FOLDER/out/none`)", refused("look for", "out/none")),
    ] {
        let ended = with_written(root, &["in"], code).map_err(|error| error.message.clone());
        assert_eq!(ended, expected, "{code}");
    }
}
