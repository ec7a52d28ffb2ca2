//! Whole processes: how long `jst eval 1` takes beside a program that only builds a script engine,
//! how much memory `paginate` takes over a long list beside a short one, and how long printing takes with many
//! secrets known beside none. `cargo bench --bench processes`

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

mod support;

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use support::{Server, compare, cost, report};

/// The argument that turns this benchmark into a program that builds an engine and ends.
const ENGINE: &str = "--engine";

fn main() {
    if support::serve_if_asked() {
        return;
    }
    if std::env::args().any(|arg| arg == ENGINE) {
        assert_eq!(rhai::Engine::new().eval::<i64>("1").unwrap(), 1);
        return;
    }
    let rounds = if std::env::args().any(|arg| arg == "--test") { 1 } else { 101 };
    let run = |command: &mut Command| {
        let command = command.stdout(Stdio::null()).stderr(Stdio::inherit()).stdin(Stdio::null());
        cost(|| assert!(command.status().unwrap().success()))
    };
    let this = std::env::current_exe().unwrap();
    let [empty, ours] = compare(rounds, || run(Command::new(&this).arg(ENGINE)), || run(jst().args(["eval", "1"])));
    let detail = format!("{:.1} ms, an engine alone {:.1} ms", millis(ours.wall), millis(empty.wall));
    report(
        "`jst eval 1`, of a program that builds an engine",
        millis(ours.wall) / millis(empty.wall),
        "<= 3.00",
        &detail,
    );

    let server = Server::start(Duration::ZERO);
    let [short, long] = [1_000, 100_000].map(|records| peak_kb(&server, records));
    let more = (long - short) as f64 / 1024.0;
    let detail = format!("{} MB over 1,000, {} MB over 100,000", short / 1024, long / 1024);
    report("paginate over 100,000 records, MB more than 1,000", more, "<= 20.00", &detail);

    let folder = tempfile::tempdir().unwrap();
    let print = |name: &str| {
        let file = folder.path().join(format!("{name}.json"));
        let names: Vec<String> = (0..2_000).map(|n| format!(r#"{{"{name}": "fake-pass-word-{n}"}}"#)).collect();
        std::fs::write(&file, format!("[{}]", names.join(","))).unwrap();
        let line = "1001 商城前台 ContainerDeployment, 3 of 3 pods run since 2026-01-05";
        let code = format!("read_file(args[0]); for n in 0..50000 {{ print(\"{line}\") }}");
        let mut command = jst();
        command.arg("--allow-read").arg(folder.path()).args(["eval", &code]).arg(file);
        run(&mut command)
    };
    let [none, many] = compare(rounds.min(9), || print("note"), || print("password"));
    let detail = format!("{:.0} ms with none", millis(none.wall));
    report(
        "printing 50,000 lines with 2,000 secrets known, of the time with none",
        millis(many.wall) / millis(none.wall),
        "<= 2.00",
        &detail,
    );
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn jst() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jst"));
    command.env_clear().envs([("JST_ACCESS_KEY_ID", "fake-id"), ("JST_ACCESS_KEY_SECRET", "fake-secret")]);
    command
}

/// The most memory that a script held while it walked a list, read before its process ends.
fn peak_kb(server: &Server, records: u32) -> i64 {
    let code = format!(
        r#"let n = 0; for env in paginate("ListAppEnvironment", #{{ AppId: {records} }}) {{ n += 1; }} print(n); sleep(60);"#
    );
    let mut child = jst().args(["--endpoint", &server.url(), "eval", &code]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line.trim(), records.to_string());
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse().unwrap()
}
