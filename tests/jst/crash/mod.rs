//! A job that is killed, or finds its disk full, and is resumed until it is done: whatever happened on the way, the
//! simulator's ledger shows every write once.
//!
//! [`sweep`] goes through the moments one by one, [`storm`] picks them by chance and has the service misbehave, too.

mod storm;
mod sweep;

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Jst, Ran, Simulator};

/// A job of 40 writes: in steps, in steps of steps, in `call_all`, in `parallel` with and without steps, and bare; such
/// as a look at the account settles, and such as none does; some are refused, and the job goes on.
const JOB: &str = r#"
fn upto(from, to) { for n in from..to { this.push(n) } this }
fn label(n) { #{ClusterId: "c-demo-test", LabelKey: "label.jst.com/sweep", LabelValue: `v${n}`} }
for n in 0..6 { step(`label ${n}`, || create_node_label(label(n)).Success) }
for n in 6..9 {
    step(`pair ${n}`, || {
        create_node_label(label(n));
        step("inner", || create_node_label(label(n + 3)).Success)
    })
}
call_all("CreateNodeLabel", [].upto(12, 18).map(|n| label(n)), #{concurrency: 3});
parallel([].upto(18, 24), 3, |n| step(`label ${n}`, || { create_node_label(label(n)); n }));
parallel([].upto(24, 27), 3, |n| {
    step(`scale ${n}`, || create_node_label(label(n)).Success);
    create_node_label(label(n + 3));
});
step("all", || parallel([].upto(30, 33), 2, |n| create_node_label(label(n)).Success));
for n in 33..35 {
    // One that is refused, as there is such a label, and a script goes on.
    try { create_node_label(label(0)) } catch (e) { if e.outcome == "unknown" { throw e } }
    create_node_label(label(n))
}
step(`at ${random()}`, || create_node_label(label(35)).Success);
step("scale 3002", || scale_app(3002, 5).Success);
scale_app(3004, 4);
scale_app(3006, 3);
step("scale 3012", || scale_app(3012, 2).Success);
print("40 writes");
"#;

const WRITES: usize = 40;

/// A simulator, and a job beside its journal.
struct World {
    sim: Simulator,
    folder: TempDir,
}

/// Where flushes cost nothing, if there is such a place: nothing here is about the loss of power.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.unwrap()
}

/// What has processes die, and disks be full, at a moment: built once.
fn boundary() -> &'static Path {
    static BUILT: OnceLock<std::path::PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join("boundary.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/jst/crash/boundary.c");
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O1", "-o"]).args([built.as_os_str(), source.as_ref()]);
        assert!(cc.status().unwrap().success());
        built
    })
}

impl World {
    /// One whose service misbehaves in these ways, where there is chance in them as this seed has it.
    fn new(faults: &[String], seed: u64) -> Self {
        let seed = seed.to_string();
        let faults = faults.iter().flat_map(|fault| ["--fault", fault]);
        let args: Vec<&str> = ["--control", "--seed", &seed].into_iter().chain(faults).collect();
        let world = Self { sim: Simulator::new(&args), folder: folder() };
        std::fs::write(world.folder.path().join("job.rhai"), JOB).unwrap();
        world
    }

    fn jst(&self, args: &[&str]) -> Jst {
        self.sim.jst(args).env("JST_STATE_DIR", self.folder.path()).env("JST_TIMEOUT", "2s")
    }

    /// Starts the job.
    fn start(&self) -> Jst {
        self.jst(&["run", self.folder.path().join("job.rhai").to_str().unwrap()])
    }

    /// The run that is in the journal; `None` when it did not get that far.
    fn listed(&self) -> Option<Value> {
        let list: Value = serde_json::from_str(&self.jst(&["runs"]).run().ok()).unwrap();
        list.get(0).cloned()
    }

    /// Resumes the run until it is done, with what a person decides who looks at the ledger, and gives how often that
    /// person was asked.
    fn finish(&self, what: &str, run: &mut dyn FnMut(Jst) -> Ran) -> usize {
        let (mut asked, mut told, mut id) = (0, Vec::new(), None);
        for _ in 0..200 {
            id = id.or_else(|| Some(self.listed()?["id"].as_str()?.to_owned()));
            let ran = run(match &id {
                Some(id) => {
                    self.jst(&["run", "--resume", id]).args(&told.iter().map(String::as_str).collect::<Vec<_>>())
                }
                None => self.start(),
            });
            match ran.code {
                Some(0) if self.listed().is_some_and(|run| run["state"] == "done") => return asked,
                // All is done, but the disk was full when its end was to be written down.
                Some(0) => {}
                // It was killed when nothing was left to do but to go.
                Some(2) if ran.stderr.contains("is done: nothing is left to resume") => return asked,
                Some(11) => (asked, told) = (asked + 1, self.decided(&ran)),
                // Killed, refused by the service, not reached, or without a place to write down what it is about to do.
                None | Some(10 | 12 | 21) => {}
                _ => panic!("{what}: {ran:#?}"),
            }
        }
        panic!("{what}: it does not end: {:#?}", self.listed());
    }

    /// What a person says who was told that it is not known whether writes took effect, and looks.
    fn decided(&self, ran: &Ran) -> Vec<String> {
        assert!(ran.stderr.contains("known"), "{ran:#?}");
        let id = self.listed().unwrap()["id"].as_str().unwrap().to_owned();
        let whole: Value = serde_json::from_str(&self.jst(&["runs", &id]).run().ok()).unwrap();
        let ledger = self.sim.ledger();
        let unknown = whole["writes"].as_array().unwrap().iter().filter(|write| write["outcome"] == "unknown");
        let said = unknown.flat_map(|write| {
            let is_done = ledger.iter().any(|done| same(done, write));
            [if is_done { "--assume-done" } else { "--assume-not-done" }.to_owned(), write["number"].to_string()]
        });
        said.collect()
    }

    /// Every write of the job was done, and none twice.
    fn assert_once(&self, what: &str) {
        let words = |record: &Value| {
            let (action, params) = (record["action"].as_str().unwrap(), &record["params"]);
            let of = params["LabelValue"].as_str().map_or_else(|| params["EnvId"].to_string(), str::to_owned);
            format!("{action} {of}")
        };
        let mut done: Vec<String> = self.sim.ledger().iter().map(words).collect();
        done.sort();
        let labels = (0..36).map(|n| format!("CreateNodeLabel v{n}"));
        let mut wanted: Vec<String> =
            labels.chain([3002, 3004, 3006, 3012].map(|id| format!("ScaleApp {id}"))).collect();
        wanted.sort();
        assert_eq!(wanted.len(), WRITES);
        assert_eq!(done, wanted, "{what}");
        let listed = self.listed().unwrap();
        assert_eq!((&listed["state"], &listed["unknown"]), (&"done".into(), &0.into()), "{what}: {listed}");
    }
}

/// Whether the ledger's record is of this write of the journal.
fn same(done: &Value, write: &Value) -> bool {
    done["action"] == write["operation"] && done["params"] == write["params"]
}

/// Does something with each number from 0 on, so many at once, until it says that there are no more.
fn in_parallel(threads: usize, work: impl Fn(usize) -> bool + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| while work(next.fetch_add(1, Ordering::Relaxed)) {});
        }
    });
}
