//! What jst reads: files and streams of a bounded size, nothing that is waited for.

use std::io::Write as _;

use crate::support::{Jst, jst};

/// The binary beside a pipe that nobody writes to, and a file of 8 GB without contents.
fn beside_traps(args: &[&str]) -> Jst {
    let jst = jst(args);
    let at = |name: &str| jst.home.path().join(name);
    rustix::fs::mkfifoat(rustix::fs::CWD, at("pipe"), rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    std::fs::File::create(at("sparse")).unwrap().set_len(8 << 30).unwrap();
    jst
}

#[test]
fn what_is_no_file_or_has_no_end_is_refused_before_it_is_read() {
    const PIPE: &str = "cannot read pipe: it is a pipe, not a regular file";
    const LARGE: &str = "sparse is larger than the 16 MB that are read";
    let zero = "cannot read /dev/zero: it is not a regular file";
    for (args, code, says) in [
        (&["run", "pipe"][..], 1, PIPE),
        (&["run", "sparse"], 42, LARGE),
        (&["run", "/dev/zero"], 1, zero),
        (&["run", "."], 1, "cannot read .: it is a folder"),
        (&["sim", "--scenario", "pipe"], 21, PIPE),
        (&["sim", "--scenario", "/dev/zero"], 21, zero),
        (&["sim", "--keys", "sparse"], 42, LARGE),
        (&["sim", "--answers", "pipe"], 21, PIPE),
        (&["sim", "--state", "pipe"], 1, "cannot open pipe: it is a pipe, not a regular file"),
        (&["--allow-read", "pipe", "eval", "read_file(`pipe`)"], 1, PIPE),
        (
            &["--allow-read", "sparse", "eval", "read_file(`sparse`)"],
            42,
            "sparse is larger than the 64 MB that are read",
        ),
    ] {
        let ran = beside_traps(args).run();
        assert!(ran.code == Some(code) && ran.stderr.contains(says), "{args:?}: {ran:#?}");
    }
}

#[test]
fn a_script_on_stdin_has_an_end() {
    let (mut child, _home) = jst(["run", "-"]).start();
    let mut stdin = child.stdin.take().unwrap();
    // The other end closes the pipe once it has seen enough.
    while stdin.write_all(&[b' '; 1 << 16]).is_ok() {}
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(42), "{stderr}");
    assert!(stderr.contains("the script on stdin is larger than the 16 MB that are read"), "{stderr}");
}

#[test]
fn scripts_and_modules_may_begin_with_a_byte_order_mark() {
    let script = "\u{feff}import \"module\" as m; print(m::f())";
    let beside = |args: &[&str]| jst(args).file("module.rhai", "\u{feff}fn f() { 7 }").file("main.rhai", script);
    assert_eq!(beside(&["run", "main.rhai"]).run().ok(), "7\n");
    assert_eq!(beside(&["run", "-"]).stdin(script).run().ok(), "7\n");
}

#[test]
fn a_comment_without_an_end_is_an_error_where_it_begins() {
    for (text, at) in [
        ("print(1);\n/* open", Some("2:1")),
        ("print(args); /* 名 /* nested */ open\nprint(2);", Some("1:14")),
        ("/* a */ let x = \"*/\"; /* b", Some("1:23")),
        ("/* a /* b */ */ print(1); // /* no comment", None),
        ("print(\"/*\"); print(`/*`);", None),
    ] {
        let ran = jst(["run", "a.rhai"]).file("a.rhai", text).run();
        let said = "the comment that begins here has no end";
        assert_eq!(ran.code, Some(if at.is_some() { 3 } else { 0 }), "{text}: {ran:#?}");
        if let Some(at) = at {
            assert!(ran.stderr.contains(said) && ran.stderr.contains(&format!("a.rhai:{at}")), "{text}: {ran:#?}");
            assert_eq!(ran.stdout, "");
        }
    }
    let imports = jst(["run", "a.rhai"]).file("a.rhai", "import \"b\" as b;").file("b.rhai", "fn f() { 1 }\n/*").run();
    assert!(imports.code == Some(3) && imports.stderr.contains("b.rhai:2:1"), "{imports:#?}");
}
