//! Several processes about one run: a look at what it left, a resume, others with its key, and those who tidy up.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::Child;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Behaviour, Jst, Ran, Server, Simulator, until};

/// A simulator and a folder with a journal, a script, and the locks.
struct World {
    sim: Simulator,
    folder: TempDir,
}

const LABEL: &str = "create_node_label(\"c-demo-test\", \"label.jst.com/sweep\", \"once\").Success";

impl World {
    fn new(script: &str, faults: &[&str]) -> Self {
        let sim = Simulator::new(&[&["--control"], faults].concat());
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("job.rhai"), script).unwrap();
        Self { sim, folder }
    }

    fn jst(&self, args: &[&str]) -> Jst {
        let at = |name: &str| self.folder.path().join(name);
        self.sim.jst(args).env("JST_STATE_DIR", self.folder.path()).env("JST_LOCK_DIR", at("")).env("JST_TIMEOUT", "1")
    }

    /// Runs the job with these flags.
    fn job(&self, flags: &[&str]) -> Jst {
        self.jst(&[&["run"], flags, &[self.folder.path().join("job.rhai").to_str().unwrap()]].concat())
    }

    fn runs(&self) -> Value {
        serde_json::from_str(&self.jst(&["runs"]).run().ok()).unwrap()
    }

    /// The id of the one run.
    fn id(&self) -> String {
        let runs = self.runs();
        assert_eq!(runs.as_array().unwrap().len(), 1, "{runs}");
        runs[0]["id"].as_str().unwrap().to_owned()
    }
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn nobody_resumes_a_run_whose_writes_are_looked_at_and_nobody_looks_at_those_of_one_that_lives() {
    let world = World::new(LABEL, &["--fault", "CreateNodeLabel:close:first=1"]);
    assert_eq!(world.job(&[]).run().code, Some(11));
    let id = world.id();
    // A look that never ends.
    let silent = Server::new(vec![Behaviour::Stall]);
    let look = ["runs", &id, "--verify", "--endpoint", &silent.url(), "--timeout", "10m"];
    let (looks, _home) = world.jst(&look).start();
    until(|| silent.requests().len() == 1);
    assert_eq!(world.runs()[0]["state"], "failed");
    let help = "\n |\n = help: try again when that has ended\n";
    for (args, done) in [(&["run", "--resume", &id][..], "resumed"), (&["runs", &id, "--verify"], "looked at again")] {
        let ran = world.jst(args).run();
        let said =
            format!("error: the run {id} is being looked at by another process: it cannot be {done} meanwhile{help}");
        assert!(ran.code == Some(40) && ran.stderr.ends_with(&said), "{ran:#?}");
    }
    kill(looks);
    world.jst(&["run", "--resume", &id]).run().ok();
    assert_eq!((world.sim.ledger().len(), &world.runs()[0]["unknown"]), (1, &0.into()));
    let whole: Value = serde_json::from_str(&world.jst(&["runs", &id, "--verify"]).run().ok()).unwrap();
    let outcomes: Vec<&str> =
        whole["writes"].as_array().unwrap().iter().map(|write| write["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["not_applied", "applied"]);

    let world = World::new(LABEL, &[]);
    let (lives, _home) = world.job(&["--endpoint", &silent.url(), "--timeout", "10m"]).start();
    until(|| silent.requests().len() == 2);
    let id = world.id();
    let ran = world.jst(&["runs", &id, "--verify", "--endpoint", &silent.url()]).run();
    let said = format!(
        "error: the run {id} still lives: it cannot be looked at again while its process is there\n |\n = help: `jst \
         runs {id}` shows how far it is\n"
    );
    assert_eq!((ran.code, ran.stderr), (Some(40), said));
    kill(lives);
}

#[test]
fn a_journal_keeps_at_each_start_what_its_bounds_say_and_what_somebody_has_to_look_at() {
    for bound in [["--journal-keep", "1ms"], ["--journal-max-size", "1"]] {
        let world = World::new(LABEL, &["--fault", "CreateNodeLabel:close:first=1"]);
        assert_eq!(world.job(&[]).run().code, Some(11));
        let left = world.id();
        world.jst(&["eval", "create_node_label(\"c-demo-test\", \"label.jst.com/sweep\", \"done\")"]).run().ok();
        assert_eq!(world.runs().as_array().unwrap().len(), 2);
        // What writes nothing does not open the journal.
        world.jst(&[&bound[..], &["eval", "list_app().TotalCount"]].concat()).run().ok();
        assert_eq!(world.runs().as_array().unwrap().len(), 2);
        let write = "create_node_label(\"c-demo-test\", \"label.jst.com/sweep\", \"new\")";
        world.jst(&[&bound[..], &["eval", write]].concat()).run().ok();
        let kept = world.runs();
        let kept: Vec<(&str, &Value)> =
            kept.as_array().unwrap().iter().map(|run| (run["id"].as_str().unwrap(), &run["unknown"])).collect();
        assert_eq!((kept.len(), kept[1]), (2, (left.as_str(), &1.into())), "{bound:?}");
        assert_ne!(kept[0].0, left);
        assert!(!Path::new(&format!("{}-alive/{left}", world.folder.path().join("journal.db").display())).exists());
    }
}

#[test]
fn of_many_runs_with_one_key_that_wait_for_each_other_one_works_and_all_end_well() {
    let world = World::new(&format!("step(\"once\", || {LABEL})"), &[]);
    let flags = ["--lock", "--lock-wait", "2m", "--run-key", "k"];
    let started: Vec<(Child, TempDir)> = (0..12).map(|_| world.job(&flags).start()).collect();
    for (run, _home) in started {
        Ran::of(run).ok();
    }
    assert_eq!(world.sim.ledger().len(), 1);
    assert_eq!((&world.runs()[0]["writes"], &world.runs()[0]["state"]), (&1.into(), &"done".into()));
    world.id();
}

#[test]
fn who_waited_for_a_run_of_its_key_resumes_it_when_it_died() {
    let world = World::new(&format!("list_app(); step(\"first\", || {LABEL}); print(\"done\")"), &[]);
    let (silent, monitor) = (Server::new(vec![Behaviour::Stall]), Server::new(vec![ok()]));
    let flags = ["--lock", "--lock-wait", "2m", "--run-key", "k"];
    let (first, _home) =
        world.job(&flags).args(&[]).env("JST_ENDPOINT", silent.url()).env("JST_TIMEOUT", "10m").start();
    until(|| silent.requests().len() == 1);
    let id = world.id();
    // One that would not wait is told who holds the lock.
    let ran = world.job(&["--lock", "--run-key", "k"]).run();
    assert!(ran.code == Some(40) && ran.stderr.contains(&format!("is held by run {id} (process ")), "{ran:#?}");
    let report = world.folder.path().join("a.json");
    let told = ["--heartbeat", &monitor.url(), "--report", report.to_str().unwrap(), "-vv"];
    let (mut second, _home) = world.job(&[&flags[..], &told].concat()).start();
    let mut said = BufReader::new(second.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("waiting") {
        line.clear();
        assert_ne!(said.read_line(&mut line).unwrap(), 0, "it did not wait");
    }
    kill(first);
    let ran = Ran::of(second);
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "done\n"), "{rest}");
    assert!(
        rest.contains(&format!(
            "the run {id} began at {}, and goes on at {}\n",
            silent.url(),
            world.sim.said("endpoint")
        )),
        "{rest}"
    );
    assert_eq!((world.sim.ledger().len(), world.id()), (1, id.clone()));
    let report: Value = serde_json::from_str(&std::fs::read_to_string(report).unwrap()).unwrap();
    assert_eq!(report["run"], id.as_str());
    let told = monitor.requests();
    assert_eq!(told.len(), 2, "{told:?}");
    let rid = |told: &str| told.split("rid=").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    assert_eq!(rid(&told[0]), rid(&told[1]));
    assert!(told[1].contains(&format!("run {id}, exit code 0")), "{told:?}");
}

fn ok() -> Behaviour {
    Behaviour::Answer(200, "", String::new())
}

#[test]
fn the_journal_knows_of_the_end_before_anybody_is_told_of_it() {
    for (script, code, state) in [(LABEL.to_owned(), 0, "done"), (format!("{LABEL}; throw \"so\""), 1, "failed")] {
        let world = World::new(&script, &[]);
        let monitor = Server::new(vec![ok(), Behaviour::Stall]);
        let report = world.folder.path().join("a.json");
        let flags = ["--run-key", "k", "--heartbeat", &monitor.url(), "--report", report.to_str().unwrap()];
        let (job, _home) = world.job(&flags).start();
        until(|| monitor.requests().len() == 2);
        let runs = world.runs();
        assert_eq!((&runs[0]["state"], &runs[0]["exit"]), (&state.into(), &code.into()), "{runs}");
        kill(job);
        let again = world.job(&["--run-key", "k"]).run();
        assert_eq!((again.code, world.sim.ledger().len()), (Some(code), 1), "{again:#?}");
        assert_eq!(world.runs()[0]["state"], state);
    }
}
