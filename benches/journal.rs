//! What the journal costs: a write with its two durable records beside the same call without, many writes at once, and
//! lists of very many runs. `cargo bench --bench journal`, or with words of what is wanted: `write`, `workers`, `runs`

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

mod support;

use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use jst::harness::Script;
use rusqlite::Connection;
use support::{Cost, Server, compare, cost, report};
use tempfile::TempDir;

const ALONE: usize = 500;
const MANY: usize = 20_000;

fn main() {
    if support::serve_if_asked() {
        return;
    }
    let quick = std::env::args().any(|arg| arg == "--test");
    let words: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let wanted = |word: &str| words.is_empty() || words.iter().any(|wanted| wanted == word);
    let rounds = if quick { 1 } else { 9 };
    for (place, folder) in [("disk", disk()), ("memory", TempDir::new_in("/dev/shm").unwrap())] {
        if wanted("write") {
            alone(rounds, place, folder.path());
        }
        if wanted("workers") {
            workers(rounds, place, folder.path());
        }
    }
    if wanted("runs") {
        let (runs, each) = if quick { (1_000, 100) } else { (100_000, 100) };
        lists(rounds, runs, each);
    }
}

/// A folder on the disk that builds are on.
fn disk() -> TempDir {
    TempDir::new_in(Path::new(env!("CARGO_BIN_EXE_jst")).parent().unwrap()).unwrap()
}

fn alone(rounds: usize, place: &str, folder: &Path) {
    let server = Server::start(Duration::ZERO);
    let without = Script::new(&server.url(), 256).unwrap();
    let with = Script::with_journal(&server.url(), 256, &folder.join("alone.db")).unwrap();
    let code = format!("for n in 0..{ALONE} {{ scale_app(1, 2); }}");
    let [without, with] = compare(rounds, || run(&without, &code), || run(&with, &code));
    let each = |cost: Cost| cost.wall.as_secs_f64() * 1e3 / ALONE as f64;
    let flush = flush(folder);
    let detail = format!("{:.2} ms with, {:.2} ms without; one flush {flush:.2} ms", each(with), each(without));
    report(&format!("a write's records on {place}, ms more"), each(with) - each(without), "<= 0.60", &detail);
}

/// Milliseconds that the place takes to have two more pages of a file on it for certain: of every write's records that
/// is what no program can save.
fn flush(folder: &Path) -> f64 {
    let file = std::fs::File::create(folder.join("flush")).unwrap();
    let mut times: Vec<Duration> = (0..ALONE as u64)
        .map(|n| cost(|| file.write_all_at(&[1; 8192], n * 8192).and_then(|()| file.sync_all()).unwrap()).wall)
        .collect();
    times.sort_unstable();
    times[ALONE / 2].as_secs_f64() * 1e3
}

fn workers(rounds: usize, place: &str, folder: &Path) {
    let server = Server::start(Duration::ZERO);
    let without = Script::new(&server.url(), 256).unwrap();
    let with = Script::with_journal(&server.url(), 256, &folder.join("workers.db")).unwrap();
    let items = format!("let items = []; items.pad({MANY}, #{{ EnvId: 1, Replicas: 2 }});");
    for (how, code) in [
        ("call_all", format!("{items} call_all(\"ScaleApp\", items, #{{ concurrency: 64 }});")),
        ("parallel", format!("{items} parallel(items, 64, |item| call(\"ScaleApp\", item).Success);")),
    ] {
        let [without, with] = compare(rounds, || run(&without, &code), || run(&with, &code));
        let second = |cost: Cost| MANY as f64 / cost.wall.as_secs_f64();
        let detail =
            format!("{:.0} without; of CPU {:.0} µs each", second(without), with.cpu.as_secs_f64() * 1e6 / MANY as f64);
        report(&format!("64 workers, {how}, on {place}, writes a second"), second(with), ">= 10000", &detail);
    }
}

fn lists(rounds: usize, runs: usize, each: usize) {
    let folder = disk();
    let journal = folder.path().join("many.db");
    fill(&journal, runs, each);
    let list = |words: &[&str]| {
        let mut jst = Command::new(env!("CARGO_BIN_EXE_jst"));
        jst.env_clear().arg("runs").args(words).arg("--journal").arg(&journal).stdout(Stdio::null());
        cost(|| assert!(jst.status().unwrap().success()))
    };
    for words in [
        &[][..],
        &["--failed"],
        &["--unknown"],
        &["--script", "nowhere"],
        &["--since", "1h"],
        &["--limit", "1000"],
        &["r00000042-aaaaaa"],
    ] {
        let [_, ours] = compare(rounds, || cost(|| {}), || list(words));
        let name = format!("`jst runs {}` of {runs} runs, {} events, ms", words.join(" "), runs * each);
        report(&name, ours.wall.as_secs_f64() * 1e3, "<= 200", "");
    }
}

/// A journal of so many runs with so many events each. One in 1,000 failed, one in 1,000 has a write that is unknown,
/// one in 1,000 died.
fn fill(journal: &Path, runs: usize, each: usize) {
    // Its tables are made by whoever has a write to write down.
    let begun = Command::new(env!("CARGO_BIN_EXE_jst"))
        .arg("--journal")
        .arg(journal)
        .args(["--sim", "eval", "scale_app(3002, 4)"])
        .env_clear()
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(begun.unwrap().success());
    let connection = Connection::open(journal).unwrap();
    connection.execute_batch(&format!(
        "PRAGMA synchronous = OFF;
         CREATE TEMP TABLE n (n INTEGER PRIMARY KEY);
         INSERT INTO n WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {runs}) SELECT n FROM c;
         CREATE TEMP TABLE m (m INTEGER PRIMARY KEY);
         INSERT INTO m WITH RECURSIVE c (m) AS (SELECT 1 UNION ALL SELECT m + 1 FROM c WHERE m < {each}) SELECT m FROM c;
         INSERT INTO runs (id, script, endpoint, started, ended, exit, writes, unknown)
             SELECT printf('r%08d-aaaaaa', n), 'scripts/batch_scale.rhai', 'https://retailcloud.example', 1700000000000 + n * 1000,
                    iif(n % 1000 = 3, NULL, 1700000000000 + n * 1000 + 500), iif(n % 1000 = 3, NULL, iif(n % 1000 = 1, 10, 0)),
                    {each} / 3, n % 1000 = 2 FROM n;
         INSERT INTO events (run, number, at, kind, of, place, body)
             SELECT printf('r%08d-aaaaaa', n), m, 1700000000000 + n * 1000 + m,
                    CASE m % 3 WHEN 0 THEN 'write' WHEN 1 THEN 'attempt' ELSE 'outcome' END, iif(m % 3 = 0, NULL, m / 3 * 3), '',
                    iif(m % 3 = 1, '', '{{\"operation\":\"ScaleApp\",\"params\":{{\"EnvId\":3002,\"Replicas\":4}}}}')
             FROM n, m;"
    ))
    .unwrap();
}

fn run(script: &Script, code: &str) -> Cost {
    cost(|| assert_eq!(script.run(code), Ok(0)))
}
