//! The twelve scripts, all in one table, which stands in `tests/twelve/jobs.rhai`: each run twice, killed at every
//! request and run again, under every kind of fault, and with whatever is wrong with what it is given.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;

use serde_json::Value;

use crate::killer::{Kill, Killer, message};
use crate::readme::{fits, text_block};
use crate::support::{Jst, Ran, Simulator, jst};

/// What a script left behind.
#[derive(Debug, PartialEq)]
struct Left {
    code: Option<i32>,
    /// What was written to the account, in an order of its own.
    written: Vec<String>,
    files: BTreeMap<String, String>,
}

/// A script with its job, on a simulator whose account can be begun anew.
struct Job {
    script: String,
    words: Vec<String>,
    /// The files that it is given, by name.
    given: BTreeMap<String, String>,
    sim: Simulator,
    killer: Killer,
    /// The account that it begins with.
    account: Vec<u8>,
    /// How many writes the ledger had when it began anew.
    before: usize,
    folder: tempfile::TempDir,
}

impl Job {
    fn new(job: &Value, given: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sim = Simulator::new(&["--pace", "3600x", "--control"]);
        let words = ["words", "hasty"].iter().flat_map(|name| job[name].as_array().unwrap());
        let of = |word: &Value| word.as_str().unwrap().replace("FOLDER", folder.path().to_str().unwrap());
        Self {
            script: format!("{}/scripts/{}.rhai", env!("CARGO_MANIFEST_DIR"), job["script"].as_str().unwrap()),
            words: words.map(of).collect(),
            given: serde_json::from_value(given.clone()).unwrap(),
            killer: Killer::before(&sim.said("endpoint"), &[""]),
            account: control(&sim, "GET", "state", b""),
            before: 0,
            sim,
            folder,
        }
    }

    /// The account and the folder as they were at first.
    fn begin(&mut self) {
        control(&self.sim, "PUT", "state", &self.account);
        self.before = self.ledger().len();
        std::fs::remove_dir_all(self.folder.path()).unwrap();
        for (name, text) in &self.given {
            let file = self.folder.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
    }

    fn jst(&self) -> Jst {
        let folder = self.folder.path().to_str().unwrap();
        let flags =
            ["-q", "--no-journal", "--allow-destructive", "--allow-read", folder, "--allow-write", folder, "run"];
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        self.sim.jst(&flags).args(&[&self.script]).args(&words).env("JST_ENDPOINT", &self.killer.address)
    }

    /// Runs it to its end.
    fn run(&self) -> (Left, Ran) {
        let ran = self.jst().run();
        (Left { code: ran.code, written: self.written(), files: files(self.folder.path()) }, ran)
    }

    /// Has it killed behind its request of this number; whether it came so far.
    fn is_killed_at(&self, request: usize) -> bool {
        let (mut child, _home) = self.killer.start(Kill { request, done: true }, || self.jst().start());
        child.wait().unwrap().code().is_none()
    }

    /// All that was ever written to the account.
    fn ledger(&self) -> Vec<Value> {
        let ledger: Value = serde_json::from_slice(&control(&self.sim, "GET", "ledger", b"")).unwrap();
        serde_json::from_value(ledger["records"].clone()).unwrap()
    }

    fn written(&self) -> Vec<String> {
        let write = |write: &Value| format!("{} {}", write["action"], write["params"]);
        let mut written: Vec<String> = self.ledger().iter().skip(self.before).map(write).collect();
        written.sort();
        written
    }
}

/// The files below a folder, with what is in them.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let paths = glob::glob(&format!("{}/**/*.*", folder.display())).unwrap().map(Result::unwrap);
    paths.map(|path| (path.display().to_string(), std::fs::read_to_string(&path).unwrap())).collect()
}

/// Asks for control of a simulator, and gives what it answered.
fn control(sim: &Simulator, method: &str, what: &str, body: &[u8]) -> Vec<u8> {
    let address = sim.said("endpoint").replace("http://", "");
    let mut stream = TcpStream::connect(&address).unwrap();
    let head = format!(
        "{method} /_sim/{what} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n",
        sim.said("control_token"),
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
    let answer = message(&mut stream).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    let body = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    answer[body..].to_vec()
}

/// The jobs, and the files that they are given.
fn jobs() -> (Vec<Value>, Value) {
    let code = "import \"tests/twelve/jobs\" as jobs; print(json([jobs::JOBS, jobs::FILES])); exit()";
    let said = jst(["eval", code]).in_folder(Path::new(env!("CARGO_MANIFEST_DIR"))).run().ok();
    serde_json::from_str(&said).unwrap()
}

/// How many scripts there are in `scripts/`, without their tests.
fn ready_scripts() -> usize {
    let all = glob::glob(&format!("{}/scripts/*.rhai", env!("CARGO_MANIFEST_DIR"))).unwrap().map(Result::unwrap);
    all.filter(|path| !path.to_str().unwrap().ends_with("_test.rhai")).count()
}

/// Checks that a second run changes nothing, and that whichever request a run is killed at, the next ends where one does
/// that nothing happened to. Gives how many requests there were.
fn is_repeatable(job: &Value, given: &Value) -> usize {
    let name = job["script"].as_str().unwrap();
    let mut job = Job::new(job, given);
    job.begin();
    let (wanted, first) = job.run();
    assert!([Some(0), Some(4)].contains(&wanted.code), "{name}: {first:#?}");
    assert_eq!(job.run().0, wanted, "{name} a second time");
    for request in 1.. {
        job.begin();
        if !job.is_killed_at(request) {
            return request - 1;
        }
        let (left, ran) = job.run();
        assert_eq!(left, wanted, "{name} killed at request {request}, and run again: {ran:#?}");
    }
    0
}

#[test]
fn a_script_that_is_killed_at_any_request_and_run_again_ends_where_it_would_have() {
    let (jobs, given) = jobs();
    assert_eq!(jobs.len(), ready_scripts());
    std::thread::scope(|scope| {
        for job in &jobs {
            let given = &given;
            scope.spawn(move || {
                let begun = std::time::Instant::now();
                let requests = is_repeatable(job, given);
                eprintln!("{}: {requests} requests, {:?}", job["script"], begun.elapsed());
                assert!(requests > 1);
            });
        }
    });
}

#[test]
fn the_twelve_pass_their_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ran = jst(["test", "tests/twelve", "--test-timeout", "600"]).in_folder(root).run();
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
}

/// The walk that `scripts/README.md` takes with a copy of a script: changed, tested, seen to fail, mended, scheduled.
#[test]
fn a_copy_of_a_script_is_changed_tested_mended_and_scheduled() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let original = std::fs::read_to_string(root.join("scripts/node_label.rhai")).unwrap();
    let place = "let changes = by_node.flat();\n";
    assert_eq!(original.matches(place).count(), 1);
    let copy = |line: &str| original.replace(place, &format!("{place}{line}"));
    let tests = text_block("import \"std/testing\" as t; // of our_labels.rhai");
    let wrong = text_block(
        "if changes.len() > 2 { cli::refuse(SPEC, `${changes.len()} are more than the 2 nodes of a night`); }",
    );
    let right = text_block("let touched = by_node.filter(|of_node| !of_node.is_empty()).len();");
    let test = |line: &str| {
        let ran = jst(["test", "our_labels_test.rhai", "--jobs", "1"]);
        ran.file("our_labels.rhai", &copy(line)).file("our_labels_test.rhai", &tests).run()
    };
    let prints = |ran: &Ran, block: &str| {
        let block = text_block(block);
        let expected: Vec<&str> = block.lines().skip(1).collect();
        let shown: Vec<&str> = ran.stdout.lines().map(str::trim_end).collect();
        assert!(fits(&expected, &shown), "{}", ran.stdout);
    };
    prints(&test(&wrong), "$ jst test our_labels_test.rhai");
    assert_eq!(test(&right).stdout.lines().last(), Some("2 passed, 0 failed"));
    let line =
        r#"$ jst --allow-read labels.json unit our_labels.rhai --every "0 3 * * *" --for cron -- --file labels.json"#;
    let words =
        ["--allow-read", "labels.json", "unit", "our_labels.rhai", "--every", "0 3 * * *", "--for", "cron", "--"];
    let unit =
        jst(words).args(&["--file", "labels.json"]).file("labels.json", "{}").file("our_labels.rhai", &copy(&right));
    prints(&unit.run(), line);
}

/// The recipes that need a file run with one.
#[test]
fn the_recipe_for_labels_from_a_file_does_what_it_says() {
    let recipe = text_block("import \"std/ensure\" as ensure;");
    let run = |nodes: &str| {
        jst(["--sim", "-q", "--allow-read", "nodes.csv", "run", "-"]).stdin(&recipe).file("nodes.csv", nodes).run()
    };
    assert_eq!(run("Node,Zone\ni-demo-0001,job\ni-demo-0002,web\n").ok(), "i-demo-0001: [\"web\"] → [\"job\"]\n");
    let ran = run("Node,Zone\ni-demo-0001,job\ni-demo-0001,wep\n");
    assert_eq!(ran.code, Some(1), "{ran:#?}");
    assert!(ran.stderr.contains("nodes.csv: line 3: Node i-demo-0001 stands in line 2, too"), "{ran:#?}");
    assert!(ran.stderr.contains("line 3: Zone must be one of web, job, not wep"), "{ran:#?}");
}
