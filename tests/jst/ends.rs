//! How a run that ended with an error says that it goes on, and what one that only looks does not do.

use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Behaviour, Jst, Ran, Server, Simulator, jst, until};

const LABEL: &str = "create_node_label(\"c-demo-test\", \"label.jst.com/sweep\", \"once\");\n";

fn signal(process: u32) {
    let process = rustix::process::Pid::from_raw(i32::try_from(process).unwrap()).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
}

/// The run of a script with a journal in this folder, which is stopped once this monitor has heard of it.
fn ended(folder: &Path, script: &str, flags: &[&str], stopped: Option<&Server>) -> (Ran, String) {
    let journal = folder.join("j.db");
    let args = [&["run", "--sim"], flags, &["a.rhai"]].concat();
    let (child, home) = jst(args).env("JST_JOURNAL", &journal).file("a.rhai", script).start();
    if let Some(monitor) = stopped {
        until(|| !monitor.requests().is_empty());
        signal(child.id());
    }
    let ran = Ran::of(child);
    drop(home);
    let list: Value = serde_json::from_str(&jst(["runs"]).env("JST_JOURNAL", journal).run().ok()).unwrap();
    (ran, list[0]["id"].as_str().unwrap().to_owned())
}

#[test]
fn a_run_that_ended_with_an_error_says_how_it_goes_on_where_a_resume_does_less() {
    let monitor = Server::new(vec![Behaviour::Answer(200, "", String::new()), Behaviour::Stall]);
    let waits = format!("http_get(\"{}\");\nhttp_get(\"{}\")", monitor.url(), monitor.url());
    let net = ["--allow-net", "http://127.0.0.1"];
    let stopped = format!("{LABEL}{waits}");
    let step = "step(\"a\", || 1); throw \"so\"";
    for (script, flags, code, is_told) in [
        (&format!("{LABEL}throw \"so\"")[..], &[][..], 1, true),
        (step, &[], 1, true),
        (&format!("{LABEL}call(\"ScaleApp\", #{{EnvId: 1, Replicas: 1}})"), &[], 10, true),
        (
            &format!(
                "{LABEL}call(\"DeleteNodeLabel\", #{{ClusterId: \"c-demo-test\", Force: false, LabelKey: \"label.jst.com/sweep\", LabelValue: \"once\"}})"
            ),
            &[],
            30,
            true,
        ),
        (&format!("{LABEL}{LABEL}"), &["--max-writes", "1"], 42, true),
        (&stopped, &net, 143, true),
        (&format!("{LABEL}loop {{}}"), &["--deadline", "1s"], 41, true),
        // Nothing was done that is not done again, or nothing went wrong.
        ("throw \"so\"", &[], 1, false),
        ("call(\"ScaleApp\", #{EnvId: 1, Replicas: 1})", &["--max-writes", "0"], 42, false),
        (&format!("{LABEL}exit(70)"), &[], 70, false),
        (&format!("{LABEL}check(\"a\", false)"), &[], 4, false),
        (LABEL, &[], 0, false),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (ran, id) = ended(folder.path(), script, flags, (code == 143).then_some(&monitor));
        assert_eq!(ran.code, Some(code), "{script}: {ran:#?}");
        let said = format!("= help: this is run {id}: `jst run --resume {id}` goes on\n");
        assert_eq!(ran.stderr.matches(&said).count(), usize::from(is_told), "{script}: {ran:#?}");
        assert_eq!(ran.stderr.matches("--resume").count(), usize::from(is_told), "{script}: {ran:#?}");
    }
}

/// A run that failed after its first write, and what would come next is changed.
struct Failed {
    sim: Simulator,
    folder: TempDir,
    id: String,
}

impl Failed {
    fn new() -> Self {
        let (sim, folder) = (Simulator::new(&["--control"]), tempfile::tempdir().unwrap());
        let mut failed = Self { sim, folder, id: String::new() };
        let ran = failed.check(&format!("{LABEL}throw \"so\""), &[]).run();
        assert_eq!(ran.code, Some(1), "{ran:#?}");
        let list: Value = serde_json::from_str(&failed.jst(&["runs"]).run().ok()).unwrap();
        list[0]["id"].as_str().unwrap().clone_into(&mut failed.id);
        std::fs::remove_dir_all(failed.folder.path().join("journal.db-alive")).unwrap();
        failed
    }

    fn jst(&self, args: &[&str]) -> Jst {
        self.sim.jst(args).env("JST_STATE_DIR", self.folder.path())
    }

    /// Has the script checked, or run at first.
    fn check(&self, script: &str, flags: &[&str]) -> Jst {
        let file = self.folder.path().join("job.rhai");
        std::fs::write(&file, script).unwrap();
        let look = ["--resume", &self.id, "--check-only"];
        let look = if self.id.is_empty() { &[][..] } else { &look };
        self.jst(&[&["run"], look, flags, &[file.to_str().unwrap()]].concat())
    }

    /// What is in the folder: names and lengths.
    fn files(&self) -> Vec<(String, u64)> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap().map(Result::unwrap);
        let mut files: Vec<(String, u64)> = entries
            .map(|entry| (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().len()))
            .filter(|(name, _)| name != "job.rhai")
            .collect();
        files.sort();
        files
    }
}

#[test]
fn a_run_that_only_looks_does_nothing_but_look() {
    let failed = Failed::new();
    let outside = Server::new(vec![Behaviour::Answer(200, "", "{}".to_owned())]);
    let (url, out) = (outside.url(), failed.folder.path().join("out.txt"));
    let out = out.to_str().unwrap();
    let flags = ["--allow-net", "http://127.0.0.1", "--allow-write", failed.folder.path().to_str().unwrap()];
    let before = (failed.files(), failed.sim.ledger().len());
    let host = "127.0.0.1";
    for (next, said) in [
        (format!("write_file(\"{out}\", \"x\")"), format!("write_file {out} would be done next")),
        (format!("write_new(\"{out}\", \"x\")"), format!("write_new {out} would be done next")),
        (format!("append_file(\"{out}\", \"x\")"), format!("append_file {out} would be done next")),
        // A script that takes no error for the end does not go on either.
        (
            format!("try {{ write_file(\"{out}\", \"x\") }} catch {{}}\nscale_app(3002, 4)"),
            format!("write_file {out} would be done next"),
        ),
        (format!("notify(\"{url}\", \"hello\")"), format!("notify to {host} would be done next")),
        (format!("http_post(\"{url}\", \"hello\")"), format!("http_post to {host} would be done next")),
        ("sleep(86400); sleep(0.5);".to_owned(), "nothing is left to be written".to_owned()),
        (
            "let t = unix_time(); sleep(86400); if unix_time() - t < 86400 { throw \"early\" }".to_owned(),
            "nothing is left to be written".to_owned(),
        ),
        ("while true { sleep(5) }".to_owned(), "sleep(5) would be done next".to_owned()),
        (
            "sleep(3600); step(\"s\", || scale_app(3002, 4).Success)".to_owned(),
            "ScaleApp of environment 3002 (Replicas=4) would be made next".to_owned(),
        ),
    ] {
        let ran = failed.check(&format!("{LABEL}{next}"), &flags).run();
        assert_eq!((ran.code, ran.stdout), (Some(0), format!("no difference: {said}\n")), "{next}: {}", ran.stderr);
        assert_eq!(outside.requests(), Vec::<String>::new(), "{next}");
    }
    // Reading is allowed.
    let ran = failed.check(&format!("{LABEL}print(http_get(\"{url}\").status)"), &flags).run();
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (Some(0), "200\nno difference: nothing is left to be written\n"),
        "{ran:#?}"
    );
    assert_eq!((failed.files(), failed.sim.ledger().len()), before);
}
