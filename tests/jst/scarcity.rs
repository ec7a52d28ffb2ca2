//! Few files, little address space, no stdout: said in words, or done with less.

use std::process::{Command, Output, Stdio};

/// What a shell makes of this line, in which `$JST` is the binary.
fn shell(line: &str) -> Output {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    command.env_clear().env("JST", env!("CARGO_BIN_EXE_jst")).env("HOME", home.path()).current_dir(home.path());
    command.args(["-c", line]).stdin(Stdio::null()).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn what_cannot_be_written_is_an_error() {
    for args in
        ["--help", "--version", "run --help", "ops", "ops ScaleApp", "eval 1", "eval 'print(1)'", "completions bash"]
    {
        for (to, why) in [(">/dev/full", "No space left on device (os error 28)"), (">&-", "it is closed")] {
            let output = shell(&format!("\"$JST\" {args} {to}"));
            assert_eq!(output.status.code(), Some(1), "{args} {to}: {output:?}");
            let said = format!("error: cannot write to stdout: {why}");
            assert!(stderr(&output).contains(&said), "{args} {to}: {output:?}");
        }
    }
    let output = shell("\"$JST\" run - <&-");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(stderr(&output).contains("cannot read the script on stdin: it is closed"), "{output:?}");
    // What writes nothing needs no stdout, and what goes nowhere on purpose is no error.
    for line in ["\"$JST\" eval '()' >&-", "\"$JST\" --help >/dev/null", "\"$JST\" eval 1 >/dev/null"] {
        assert_eq!(shell(line).status.code(), Some(0), "{line}");
    }
}

#[test]
fn a_stdout_that_is_closed_fails_no_run_that_is_to_print_nothing() {
    const RUN: &str = "\"$JST\" --sim --quiet-success";
    for (line, code, said) in [
        ("eval 'print(1); scale_app(3002, 4)' >&-", 0, ""),
        ("call ListApp >&-", 0, ""),
        ("eval 'print(1)' >/dev/full", 0, ""),
        ("eval 'print(1); log::warn(\"two\"); exit(70)' >&-", 70, "ERROR cannot write to stdout: it is closed\n"),
        (
            "eval 'print(1); exit(70)' >/dev/full",
            70,
            "ERROR cannot write to stdout: No space left on device (os error 28)\n",
        ),
        ("--metrics-file none.prom/a.prom eval 1 >&-", 21, "nothing was run\n"),
        ("eval 'print(1); exit(70)' >&- 2>&-", 70, ""),
        // One who has read enough.
        ("eval 'print(1); exit(70)' 2>&1 | true", 0, ""),
    ] {
        let output = shell(&format!("{RUN} {line}"));
        let shown = stderr(&output);
        assert!(output.status.code() == Some(code) && output.stdout.is_empty(), "{line}: {output:?}");
        assert!(shown.contains(said) && shown.is_empty() == said.is_empty(), "{line}: {output:?}");
        assert_eq!(shown.contains("two"), line.contains("two"), "{line}: {output:?}");
    }
}

const CALLS: &str = r#"let a = []; a.pad(256, #{AppId: 1001, EnvId: 3001});
    call_all("DescribeAppEnvironmentDetail", a, #{concurrency: 256}).len()"#;

#[test]
fn few_files_make_fewer_connections_or_an_error_in_words() {
    for files in [64, 32] {
        let output = shell(&format!("ulimit -n {files}; \"$JST\" --sim eval '{CALLS}'"));
        assert_eq!(output.status.code(), Some(0), "{files}: {output:?}");
        let said = stderr(&output);
        assert_eq!(said.matches("calls are under way at once, not 256").count(), 1, "{said}");
    }
    // What a shell opens itself counts, so every number is tried.
    for files in 4..=27 {
        let output = shell(&format!("ulimit -n {files}; \"$JST\" --sim eval '{CALLS}'"));
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(42), "{files}: {said}");
        assert!(said.contains(&format!("the system lets jst have {files} files and connections open")), "{said}");
        assert!(said.contains("ulimit -n 256"), "{said}");
    }
}

#[test]
fn little_address_space_makes_fewer_threads() {
    let code = r#"let a = []; a.pad(64, 0); print(parallel(a, 64, |x| list_app().TotalCount).len())"#;
    for (kilobytes, fewer) in [(2_000_000, true), (4_000_000, true), (8_000_000, true), (64_000_000, false)] {
        let output = shell(&format!("ulimit -v {kilobytes}; \"$JST\" --sim eval '{code}'"));
        assert_eq!(output.status.code(), Some(0), "{kilobytes}: {output:?}");
        assert_eq!(output.stdout, b"64\n");
        let said = stderr(&output);
        assert_eq!(said.matches("the address space (ulimit -v) has room for").count(), usize::from(fewer), "{said}");
    }
}

#[test]
fn more_calls_at_once_than_a_server_takes_do_not_wait_for_one_another() {
    let begun = std::time::Instant::now();
    let code = CALLS.replace("256", "1001").replace("concurrency: 1001", "concurrency: 1024");
    let output = shell(&format!("\"$JST\" --concurrency 1024 --sim eval '{code}'"));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(stderr(&output).contains("at most 600 calls are under way at once, not 1024"), "{output:?}");
    // An idle connection is let go after 10 s.
    assert!(begun.elapsed().as_secs() < 9, "{:?}", begun.elapsed());
}

#[test]
fn memory_that_the_system_refuses_is_a_limit() {
    for code in ["blob(900000000).len()", "let t = `x`; t.pad(900000000, `y`); t.len()"] {
        let output = shell(&format!("ulimit -v 1000000; \"$JST\" --max-memory 8192 eval '{code}'"));
        assert_eq!(output.status.code(), Some(42), "{code}: {output:?}");
        assert!(stderr(&output).contains("error: the system gives jst no more memory"), "{code}: {output:?}");
    }
}
