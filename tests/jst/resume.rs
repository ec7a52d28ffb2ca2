//! A run that was killed, and the one that goes on: every write once, or named.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::killer::{Kill, Killer};
use crate::support::{Behaviour, Jst, Ran, Server, Simulator, jst};

/// A job with a simulator of its own, and whoever kills it.
pub(crate) struct World {
    pub sim: Simulator,
    killer: Killer,
    pub folder: tempfile::TempDir,
}

impl World {
    pub(crate) fn new(script: &str) -> Self {
        Self::with(script, &[])
    }

    /// The same where something goes wrong.
    pub(crate) fn with(script: &str, args: &[&str]) -> Self {
        let sim = Simulator::new(args);
        let killer = Killer::before(&sim.said("endpoint"), &["Action=CreateNodeLabel", "Action=ScaleApp"]);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("job.rhai"), script).unwrap();
        Self { sim, killer, folder }
    }

    pub(crate) fn script(&self) -> PathBuf {
        self.folder.path().join("job.rhai")
    }

    pub(crate) fn jst(&self, args: &[&str]) -> Jst {
        self.sim
            .jst(args)
            .env("JST_ENDPOINT", &self.killer.address)
            .env("JST_STATE_DIR", self.folder.path())
            .env("JST_TIMEOUT", "1")
    }

    /// Starts the job and has it killed.
    fn killed(&self, kill: Kill) {
        self.killed_with(kill, &[]);
    }

    /// The same of a job with these arguments.
    fn killed_with(&self, kill: Kill, args: &[&str]) {
        let start = || self.jst(&["run", self.script().to_str().unwrap()]).args(args).start();
        let (mut child, _home) = self.killer.start(kill, start);
        assert_eq!(child.wait().unwrap().code(), None, "{kill:?}");
    }

    fn run_id(&self) -> String {
        let list: Value = serde_json::from_str(&self.jst(&["runs"]).run().ok()).unwrap();
        assert!(list[0]["state"] == "died" || list[0]["exit"] != 0, "{list}");
        list[0]["id"].as_str().unwrap().to_owned()
    }

    fn resume(&self, args: &[&str]) -> Ran {
        let id = self.run_id();
        self.jst(&[&["run", "--resume", &id], args].concat()).run()
    }

    /// How often the service did each label.
    fn labels(&self) -> Vec<String> {
        let code = "let l = []; for r in paginate(\"ListNodeLabels\", #{ClusterId: \"c-demo-test\", LabelKey: \"label.jst.com/sweep\"}) { l.push(r.LabelValue) } l";
        let mut labels: Vec<String> = serde_json::from_str(&self.jst(&["eval", code]).run().ok()).unwrap();
        labels.sort();
        labels
    }
}

#[test]
fn a_changed_script_stops_before_its_first_write_and_shows_both_sides() {
    let label = |value: &str| format!("create_node_label(\"c-demo-test\", \"label.jst.com/sweep\", \"{value}\");\n");
    let first = label("a") + &label("b");
    for (changed, said) in [
        (label("c") + &label("b"), "the earlier part of this run made CreateNodeLabel"),
        (label("a") + &label("a"), "the earlier part of this run may have made CreateNodeLabel"),
        (label("a") + &label("b"), ""),
    ] {
        let world = World::new(&first);
        world.killed(Kill { request: 2, done: false });
        std::fs::write(world.script(), &changed).unwrap();
        let checked = world.resume(&["--check-only"]);
        assert_eq!(checked.code, Some(if said.is_empty() { 0 } else { 4 }), "{changed}: {checked:#?}");
        assert_eq!(world.labels(), ["a"], "{changed}");
        if !said.is_empty() {
            let ran = world.resume(&[]);
            assert!(
                ran.code == Some(30) && ran.stderr.contains(said) && ran.stderr.contains("--unprotected"),
                "{ran:#?}"
            );
            assert_eq!(world.labels(), ["a"]);
            // Whoever has read both sides goes on: what was made already is not made again, the rest is. A second label
            // of one value the service refuses.
            let (code, both) = if changed.contains("\"c\"") { (0, &["a", "b", "c"][..]) } else { (10, &["a"][..]) };
            let ran = world.resume(&["--unprotected"]);
            assert_eq!((ran.code, world.labels()), (Some(code), both.iter().map(|one| one.to_string()).collect()));
        }
    }
}

#[test]
fn what_no_look_can_tell_is_a_persons_to_say_and_what_one_can_is_settled() {
    let lost = |script: &str| {
        let world = World::with(script, &["--fault", "ScaleApp:lost:first=1"]);
        let ran = world.jst(&["run", world.script().to_str().unwrap()]).run();
        assert_eq!(ran.code, Some(11), "{ran:#?}");
        let list: Value = serde_json::from_str(&world.jst(&["runs", "--unknown"]).run().ok()).unwrap();
        let id = list[0]["id"].as_str().unwrap().to_owned();
        let way_on = format!(
            "= help: this is run {id}: `jst runs {id} --verify` looks what the account tells of it; \
             `jst run --resume {id}` looks and goes on\n"
        );
        assert!(ran.stderr.contains(&way_on), "{ran:#?}");
        (world, id)
    };
    let scaled =
        |world: &World| world.jst(&["eval", "describe_app_environment_detail(1001, 3002).Result.Replicas"]).run().ok();
    // Nobody looked before a bare write, so that it is as asked proves nothing.
    let (world, id) = lost("let reply = scale_app(3002, 4); if reply.Success { print(\"done\") }");
    let stopped = world.jst(&["run", "--resume", &id]).run();
    assert_eq!(stopped.code, Some(11), "{stopped:#?}");
    for words in [
        "it is not known whether ScaleApp",
        "nobody looked whether it was so before",
        "--assume-done '",
        "--assume-not-done '",
    ] {
        assert!(stopped.stderr.contains(words), "{words}: {stopped:#?}");
    }
    let whole: Value = serde_json::from_str(&world.jst(&["runs", &id, "--verify"]).run().ok()).unwrap();
    assert_eq!((&whole["writes"][0]["outcome"], &whole["unknown"]), (&"unknown".into(), &1.into()));
    let number = whole["writes"][0]["number"].to_string();
    // What is assumed of nothing is a slip, and would be passed over in silence.
    let none = |flag: &str, word: &str| {
        format!(
            "error: {flag} {word}: the run {id} has no step and no write of this name that is still open\n |\n \
             = help: `jst runs {id}` shows its steps, and its writes with their numbers\n"
        )
    };
    let both = format!(
        "error: `{number}` cannot be done and not done: --assume-done and --assume-not-done both name it\n |\n \
         = help: leave one of them out\n"
    );
    for (flags, said) in [
        (&["--assume-done", "scale"][..], none("--assume-done", "scale")),
        (&["--assume-not-done", "99"], none("--assume-not-done", "99")),
        (&["--assume-done", "1", "--check-only"], none("--assume-done", "1")),
        (&["--assume-done", &number, "--assume-not-done", &number], both),
    ] {
        let ran = world.jst(&[&["run", "--resume", &id], flags].concat()).run();
        assert_eq!(ran.code, Some(2), "{ran:#?}");
        assert!(ran.stderr.ends_with(&said), "{said}: {ran:#?}");
    }
    let ran = world.jst(&["run", "--resume", &id, "--assume-done", &number]).run();
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "done\n"), "{ran:#?}");
    assert_eq!(scaled(&world), "4\n");
    // In a step somebody did.
    let (world, id) = lost("print(step(\"scale\", || scale_app(3002, 4).Result.DeployOrderId))");
    let whole: Value = serde_json::from_str(&world.jst(&["runs", &id, "--verify"]).run().ok()).unwrap();
    assert_eq!((&whole["writes"][0]["outcome"], &whole["unknown"]), (&"applied".into(), &0.into()), "{whole}");
    // That nothing is known of it is said no more, but what settled it.
    assert_eq!(whole["writes"][0]["error"], Value::Null, "{whole}");
    let people = world.jst(&["runs", &id, "--output", "table"]).run().ok();
    let write = people.lines().find(|line| line.contains(" applied ")).unwrap();
    assert!(write.contains("(step scale, a look at the account says so") && !write.contains("not known"), "{people}");
    let ran = world.jst(&["run", "--resume", &id]).run();
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "4069\n"), "{ran:#?}");
    // A script's own look comes before jst's.
    let (world, id) = lost(
        "print(step(\"scale\", || scale_app(3002, 4).Success, #{done: || describe_app_environment_detail(1001, 3002).Result.Replicas == 4}))",
    );
    let ran = world.jst(&["run", "--resume", &id]).run();
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "\n"), "{ran:#?}");
    assert_eq!(scaled(&world), "4\n");
}

#[test]
fn several_steps_are_decided_at_once() {
    let script = "parallel([2001, 2013], 2, |id| step(`config ${id}`, || delete_deploy_config(id).Code))";
    let faults = ["--control", "--fault", "DeleteDeployConfig:close:first=2"];
    let world = World::with(script, &faults);
    let ran = world.jst(&["run", "--allow-destructive", world.script().to_str().unwrap()]).run();
    assert_eq!(ran.code, Some(11), "{ran:#?}");
    let list: Value = serde_json::from_str(&world.jst(&["runs", "--unknown"]).run().ok()).unwrap();
    let (id, is_unknown) = (list[0]["id"].as_str().unwrap(), &list[0]["unknown"]);
    assert_eq!((is_unknown, world.sim.ledger().len()), (&2.into(), 0));
    let [first, second] = ["[0]/config 2001", "[1]/config 2013"];
    let resume = |flags: &[&str]| world.jst(&[&["run", "--allow-destructive", "--resume", id], flags].concat()).run();
    // One of two is not enough.
    let ran = resume(&["--assume-done", first]);
    assert!(ran.code == Some(11) && ran.stderr.contains(second), "{ran:#?}");
    assert_eq!(world.sim.ledger().len(), 0);
    let ran = resume(&["--assume-done", first, "--assume-not-done", second]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    let deleted: Vec<Value> = world.sim.ledger().into_iter().map(|write| write["params"]["SchemaId"].clone()).collect();
    assert_eq!(deleted, [2013]);
}

#[test]
fn runs_that_cannot_go_on_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        jst(args)
            .env("JST_STATE_DIR", folder.path())
            .env("JST_JOURNAL", folder.path().join("j.db"))
            .file("a.rhai", "step(\"a\", || 1); if args.len() > 0 { exit(70) }")
            .run()
    };
    assert_eq!(run(&["run", "--sim", "a.rhai"]).code, Some(0));
    let list: Value = serde_json::from_str(&run(&["runs"]).ok()).unwrap();
    let id = list[0]["id"].as_str().unwrap();
    for (args, code, said) in [
        (&["run", "--sim", "--resume", id][..], 2, "is done: nothing is left to resume"),
        (&["run", "--sim", "--resume", "01k2x9f8p-3v7q0m"], 2, "there is no run 01k2x9f8p-3v7q0m"),
        (&["run", "--sim", "--resume", id, "--assume-done", ""], 2, "nothing is named: write the name of a step"),
        (&["run", "--sim", "--resume", id, "--assume-not-done", " "], 2, "nothing is named: write the name of a step"),
        (&["run", "--sim", "--run-key", "{date", "a.rhai"], 2, "--run-key: the brace of `{date` is not closed"),
        (&["run", "--sim", "--unprotected", "a.rhai"], 2, "--unprotected is about an earlier run"),
        (&["run", "--sim", "--no-journal", "--run-key", "k", "a.rhai"], 2, "--run-key needs a journal"),
        (&["runs", "nonsense"], 2, "`nonsense` is no id of a run"),
        (&["run", "--sim", "--resume", "nonsense"], 2, "`nonsense` is no id of a run"),
    ] {
        let ran = run(args);
        assert!(ran.code == Some(code) && ran.stderr.contains(said), "{args:?}: {ran:#?}");
    }
}

#[test]
fn a_run_is_named_by_as_much_of_its_id_as_no_other_has() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("j.db");
    let run = |args: &[&str]| jst(args).env("JST_JOURNAL", &journal).file("a.rhai", "exit(70)").run();
    let ids = || -> Vec<String> {
        let list: Vec<Value> = serde_json::from_str(&run(&["runs"]).ok()).unwrap();
        list.iter().rev().map(|run| run["id"].as_str().unwrap().to_owned()).collect()
    };
    for _ in 0..2 {
        assert_eq!(run(&["run", "--sim", "a.rhai"]).code, Some(70));
    }
    let [first, second] = ids().try_into().unwrap();
    let same = first.bytes().zip(second.bytes()).take_while(|(a, b)| a == b).count();
    let (enough, too_few) = (&second[..=same], &second[..same]);
    let told: Value = serde_json::from_str(&run(&["runs", &enough.to_uppercase()]).ok()).unwrap();
    assert_eq!(told["id"], second);
    let ran = run(&["run", "--sim", "--resume", enough, "a.rhai"]);
    assert!(ran.code == Some(70) && ran.stderr.contains(&format!("the run {second} goes on")), "{ran:#?}");
    let several = format!(
        "error: {too_few} begins the ids of several runs: {first}, {second}\n |\n = help: write more of the one that is meant\n"
    );
    let none = format!(
        "error: no run in {} has an id that begins with zzzz\n |\n = help: `jst runs` lists the runs\n",
        journal.display()
    );
    for (text, said) in [(too_few, several), ("zzzz", none)] {
        for args in [&["runs", text][..], &["run", "--sim", "--resume", text, "a.rhai"]] {
            let ran = run(args);
            assert_eq!((ran.code, &ran.stderr), (Some(2), &said), "{args:?}");
        }
    }
    for _ in 0..4 {
        run(&["run", "--sim", "a.rhai"]);
    }
    let ran = run(&["runs", &first[..1]]);
    assert!(ran.stderr.contains(" and others\n") && ran.stderr.matches(", ").count() == 4, "{ran:#?}");
}

#[test]
fn a_run_of_another_profile_or_service_does_not_go_on() {
    let config = "[profiles.a]\n[profiles.b]\n";
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let run = jst(args).env("JST_JOURNAL", folder.path().join("j.db")).file("a.rhai", "exit(70)");
        run.file("c.toml", config).env("JST_CONFIG", "c.toml").fake_key().run()
    };
    let other = "--endpoint=http://127.0.0.1:1";
    for (began, resumed, said) in [
        (
            &[other, "--profile=a"][..],
            &[other, "--profile=b"][..],
            "ran with the profile a, and this one would with the profile b\n |\n = help: add --profile a\n",
        ),
        (
            &[other, "--profile=a"],
            &[other],
            "ran with the profile a, and this one would with no profile\n |\n = help: add --profile a\n",
        ),
        (
            &[other],
            &[other, "--profile=b"],
            "ran with no profile, and this one would with the profile b\n |\n = help: leave the profile out\n",
        ),
        (
            &["--endpoint=https://shop.test:8443"],
            &["--endpoint=https://shop.test:9443"],
            "was one of https://shop.test:8443, and this one would be of https://shop.test:9443\n |\n = help: name the service that it ran with\n",
        ),
        (
            &["--sim"],
            &[other],
            "was one of simulator, and this one would be of http://127.0.0.1:1\n |\n = help: name the service that it ran with\n",
        ),
        (
            &[other],
            &["--sim"],
            "was one of http://127.0.0.1:1, and this one would be of simulator\n |\n = help: name the service that it ran with\n",
        ),
    ] {
        let ran = run(&[&["run"], began, &["a.rhai"]].concat());
        assert_eq!(ran.code, Some(70), "{ran:#?}");
        let list: Value = serde_json::from_str(&run(&["runs"]).ok()).unwrap();
        let id = list[0]["id"].as_str().unwrap();
        let ran = run(&[&["run"], resumed, &["--resume", id]].concat());
        assert_eq!((ran.code, ran.stderr), (Some(2), format!("error: the run {id} {said}")), "{began:?} {resumed:?}");
    }
}

#[test]
fn a_key_starts_resumes_or_ends_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let script = "print(step(\"once\", || { log::info(\"does\"); 7 })); if !exists() { throw \"not yet\" }\nfn exists() { try { read_file(\"go\"); true } catch { false } }";
    let file = Path::new(folder.path()).join("a.rhai");
    std::fs::write(&file, script).unwrap();
    let run = || {
        let args = [
            "run",
            "--sim",
            "--run-key",
            "{script}-{week}",
            "--allow-read",
            folder.path().to_str().unwrap(),
            file.to_str().unwrap(),
        ];
        jst(args).env("JST_JOURNAL", folder.path().join("j.db")).in_folder(folder.path()).run()
    };
    let first = run();
    assert!(first.code == Some(1) && first.stderr.contains("does"), "{first:#?}");
    std::fs::write(folder.path().join("go"), "x").unwrap();
    let second = run();
    assert_eq!((second.code, second.stdout.as_str()), (Some(0), "7\n"), "{second:#?}");
    assert!(!second.stderr.contains("does") && second.stderr.contains("goes on"), "{second:#?}");
    let third = run();
    assert_eq!((third.code, third.stdout.as_str()), (Some(0), ""), "{third:#?}");
}

#[test]
fn a_key_is_of_one_script_with_its_arguments_and_a_monitor_hears_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let monitor = Server::new(vec![Behaviour::Answer(200, "", String::new())]);
    let run_key = |key: &str, words: &[&str]| {
        jst([&["run", "--sim", "--run-key", key], words].concat())
            .env("JST_JOURNAL", folder.path().join("j.db"))
            .file("a.rhai", "print(1)")
            .file("other.rhai", "print(2)")
            .file("fails.rhai", "exit(70)")
            .run()
    };
    // Whether it is done or is to go on.
    for (key, file, code) in [("k", "a.rhai", 0), ("f", "fails.rhai", 70)] {
        assert_eq!(run_key(key, &[file, "--all"]).code, Some(code));
        for (words, was, is) in [
            (&["other.rhai", "--all"][..], format!("ran {file}"), "is to run other.rhai"),
            (&[file, "--some"], "was given `--all`".to_owned(), "is given `--some`"),
            (&[file], "was given `--all`".to_owned(), "is given no arguments"),
        ] {
            let (ran, says) = (run_key(key, words), format!(" of the key {key} {was}, and this one {is}\n"));
            assert!(ran.code == Some(2) && ran.stderr.contains(&says), "{words:?}: {ran:#?}");
        }
        assert_eq!(run_key(key, &[file, "--all"]).code, Some(code));
    }
    let run = |words: &[&str]| run_key("k", words);
    let ran = run(&["a.rhai", "--all"]);
    assert!(ran.code == Some(0) && ran.stderr.contains(" of the key k is done\n"), "{ran:#?}");
    let ran = run(&["--quiet-success", "--heartbeat", &monitor.url(), "a.rhai", "--all"]);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), "", ""), "{ran:#?}");
    let told: Vec<String> = monitor.requests().iter().map(|told| told.split('?').next().unwrap().to_owned()).collect();
    assert_eq!(told, ["POST /"]);
}

/// Kills a job of 8 writes at its second, which is then unknown, and gives its id.
fn killed_at_the_second() -> (World, String) {
    let world = World::new(
        "let label = |v| #{ClusterId: \"c-demo-test\", LabelKey: \"label.jst.com/sweep\", LabelValue: `v${v}`};
         for v in 0..8 { step(`label ${v}`, || create_node_label(label.call(v)).Success) }
         print(\"8 labels\");",
    );
    world.killed(Kill { request: 2, done: false });
    let id = world.run_id();
    (world, id)
}

#[test]
fn a_resumed_run_has_one_id_wherever_it_is_named() {
    let (world, id) = killed_at_the_second();
    let monitor = Server::new(vec![Behaviour::Answer(200, "", String::new())]);
    let report = world.folder.path().join("a.json");
    let locks = world.folder.path().join("locks");
    std::fs::create_dir(&locks).unwrap();
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let words = ["--heartbeat", &monitor.url(), "--report", report.to_str().unwrap(), "--log-format", "json", "-v"];
    let locked = ["--lock=one", "--lock-dir", locks.to_str().unwrap()];
    let ran = world
        .jst(&[&["run", "--resume", &id], &words[..], &locked[..]].concat())
        .env("TRACEPARENT", format!("00-{trace}-00f067aa0ba902b7-01"))
        .run();
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    let report: Value = serde_json::from_str(&std::fs::read_to_string(report).unwrap()).unwrap();
    assert_eq!(report["run"], id.as_str());
    for line in ran.stderr.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        // What is said before the run begins is no line of it.
        assert!(line["run"].is_null() || line["run"] == id.as_str(), "{line}");
    }
    assert!(ran.stderr.contains(&format!("\"run\":\"{id}\"")), "{ran:#?}");
    let holder = std::fs::read_dir(&locks).unwrap().next().unwrap().unwrap();
    assert!(std::fs::read_to_string(holder.path()).unwrap().contains(&id));
    assert!(monitor.requests().iter().any(|told| told.contains(&format!("run {id}, exit code 0"))));
    let list: Value = serde_json::from_str(&world.jst(&["runs"]).run().ok()).unwrap();
    assert_eq!((list.as_array().unwrap().len(), &list[0]["id"]), (1, &id.as_str().into()));
    let people = world.jst(&["runs", &id, "--output", "table"]).run().ok();
    assert!(people.contains(&format!("\ntrace {trace}\n")), "{people}");
}

#[test]
fn the_reports_of_a_resumed_run_tell_of_its_earlier_parts() {
    let (world, _) = killed_at_the_second();
    let reports =
        ["json", "html", "md", "xml", "prom"].map(|form| format!("{}/a.{form}", world.folder.path().display()));
    let flags: Vec<&str> = reports[..4].iter().flat_map(|path| ["--report", path]).collect();
    world.resume(&[&flags[..], &["--metrics-file", &reports[4]]].concat()).ok();
    let [json, html, md, xml, metrics] = reports.map(|path| std::fs::read_to_string(path).unwrap());
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["earlier"]["writes"], 1, "{json:#}");
    let made = json["earlier"]["made"][0].as_str().unwrap();
    assert!(made.starts_with("CreateNodeLabel {\"ClusterId\":\"c-demo-test\""), "{made}");
    let at = json["started"].as_str().unwrap();
    let said = format!("This run went on at {at}; 1 write was made by earlier parts. Since then: ");
    for report in [html, md, xml] {
        assert!(report.contains(&said), "{report}");
    }
    assert!(metrics.contains("\njst_run_earlier_writes{script="), "{metrics}");
    assert!(
        metrics.lines().any(|line| line.starts_with("jst_run_earlier_writes{") && line.ends_with(" 1")),
        "{metrics}"
    );
}

const CLUSTER: &str = "ClusterTitle: \"t\", BusinessCode: \"JST\", ClusterEnvType: \"TEST\", ClusterType: \"Standard\", \
     RegionId: \"cn-zhangjiakou\", VpcId: \"vpc-demo-1\", Vswitchids: [\"vsw-demo-1\"], PodCIDR: \"172.22.0.0/16\", \
     ServiceCIDR: \"172.23.0.0/20\"";

#[test]
fn a_secret_of_a_step_that_is_skipped_stays_one() {
    const SECRET: &str = "Fake-Passw0rd-1";
    let create = |given: &str| format!("step(\"cluster\", || create_cluster(#{{ {CLUSTER}, {given} }}).Success);\n");
    let used = "try { call(\"CreateThing\", #{ Note: PW }) } catch (e) { log::warn(`${e.message} ${PW}`); } \
                log::warn(`the password is ${PW}`); print(PW); exit(70)";
    let pw = format!("let PW = \"{SECRET}\";\n");
    let read = "let PW = read_file(args[0]);\n";
    let warning = "the step `cluster` is done, and its Password does not stand in the script: where it is used again, this \
                   run does not know it for a secret";
    for (script, module, is_known) in [
        (create(&format!("Password: \"{SECRET}\"")) + &pw + used, String::new(), true),
        (pw.clone() + &create("Password: PW") + used, String::new(), true),
        (
            format!("import \"made\" as made; {pw} made::cluster(); {used}"),
            format!("fn cluster() {{ {} }}", create(&format!("Password: `{SECRET}`"))),
            true,
        ),
        (read.to_owned() + &create("Password: PW") + used, String::new(), false),
    ] {
        let world = World::new(&script);
        let file = |name: &str| world.folder.path().join(name);
        std::fs::write(file("made.rhai"), module).unwrap();
        std::fs::write(file("pw.txt"), SECRET).unwrap();
        let run = |words: &[&str]| {
            let flags = ["--report", "a.json", "--report", "a.html", "--allow-read", "pw.txt"];
            let flags =
                flags.map(|word| if word.contains('.') { file(word).display().to_string() } else { word.to_owned() });
            let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
            world.jst(&[&["run"], &flags[..], words].concat()).run()
        };
        let first = run(&["--max-writes", "1", world.script().to_str().unwrap(), file("pw.txt").to_str().unwrap()]);
        assert_eq!(first.code, Some(42), "{first:#?}");
        let id = world.run_id();
        let resumed = run(&["--resume", &id]);
        assert_eq!(resumed.code, Some(70), "{script}: {resumed:#?}");
        assert_eq!(resumed.stderr.matches(warning).count(), usize::from(!is_known), "{script}: {resumed:#?}");
        let texts = ["a.json", "a.html"].map(|name| std::fs::read_to_string(file(name)).unwrap());
        let journal = world.jst(&["runs", &id]).run().ok();
        for text in [&resumed.stderr, &resumed.stdout, &texts[0], &texts[1], &journal] {
            assert_eq!(text.contains(SECRET), !is_known, "{script}: {text}");
        }
        if is_known {
            assert!(journal.contains("\"Note\":\"****\"") || journal.contains("\"Note\": \"****\""), "{journal}");
        }
    }
}

#[test]
fn what_a_resume_gives_back_counts_towards_no_limit() {
    let (world, id) = killed_at_the_second();
    // One of eight is done.
    let limited = |most: &str| world.jst(&["run", "--resume", &id, "--max-writes", most]).run();
    let ran = limited("6");
    assert_eq!(ran.code, Some(42), "{ran:#?}");
    assert!(ran.stderr.contains("of its writes 6 were done, 0 failed, 0 have an unknown outcome, 1 were not made"));
    let ran = limited("1");
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "8 labels\n"), "{ran:#?}");
    assert_eq!(world.labels().len(), 8);
}

#[test]
fn looking_for_a_difference_writes_nothing_and_tells_nobody() {
    let (world, id) = killed_at_the_second();
    let monitor = Server::new(vec![Behaviour::Answer(200, "", String::new())]);
    let path = world.folder.path().join("a.json");
    let journal = || world.jst(&["runs", &id, "--output", "json"]).run().ok();
    let before = journal();
    let ran = world
        .jst(&["run", "--resume", &id, "--check-only"])
        .env("JST_HEARTBEAT", monitor.url())
        .env("JST_REPORT", &path)
        .env("JST_METRICS_FILE", world.folder.path().join("a.prom"))
        .run();
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    let said = "no difference: CreateNodeLabel of cluster c-demo-test (LabelKey=label.jst.com/sweep, LabelValue=v1) would be \
                made next\n";
    assert_eq!(ran.stdout, said);
    assert!(!ran.stderr.contains("interrupted") && !ran.stderr.contains("error"), "{ran:#?}");
    assert!(monitor.requests().is_empty() && !path.exists() && !world.folder.path().join("a.prom").exists());
    assert_eq!(world.labels().len(), 1);
    assert_eq!(journal(), before);
}

#[test]
fn batch_scale_that_is_killed_scales_every_environment_once() {
    let script = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/batch_scale.rhai")).unwrap();
    let fleet = ["--control", "--fleet", "apps=2,envs=12,nodes=20", "--pace", "3600x"];
    for done in [false, true] {
        let world = World::with(&script, &fleet);
        let code = "let ids = []; for app in paginate(\"ListApp\") { if app.AppId > 1012 { for env in paginate(\"ListAppEnvironment\", #{AppId: app.AppId}) { ids.push(env.EnvId) } } } ids.sort(); ids";
        let envs: Vec<u64> = serde_json::from_str(&world.jst(&["eval", code]).run().ok()).unwrap();
        assert_eq!(envs.len(), 12);
        let ids = envs.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
        let args = ["--env", &ids, "--replicas", "7", "--parallel", "3", "--every", "0", "--json"];
        world.killed_with(Kill { request: 7, done }, &args);
        let ran = world.resume(&[]);
        let told: Value = serde_json::from_str(&ran.stdout).unwrap_or_default();
        assert_eq!((ran.code, &told["counts"]["failed"]), (Some(0), &0.into()), "{done}: {ran:#?}");
        let mut scaled: Vec<u64> = world.sim.ledger().iter().map(|w| w["params"]["EnvId"].as_u64().unwrap()).collect();
        scaled.sort_unstable();
        assert_eq!(scaled, envs, "{done}");
    }
}

#[test]
fn a_script_that_looks_at_what_is_left_to_do_makes_every_write_that_is() {
    let script = r#"
        import "std/settle" as settle;
        let label = #{ ClusterId: "c-demo-test", LabelKey: "label.jst.com/sweep" };
        let there = paginate("ListNodeLabels", label).map(|one| one.LabelValue);
        for value in ["a", "b", "c"].filter(|value| !(value in there)) {
            settle::call("CreateNodeLabel", label + #{ LabelValue: value }, || ());
        }"#;
    let world = World::new(script);
    world.killed(Kill { request: 2, done: false });
    let ran = world.resume(&[]);
    assert_eq!((ran.code, world.labels()), (Some(0), ["a", "b", "c"].map(str::to_owned).to_vec()), "{ran:#?}");
}

#[test]
fn a_write_that_only_a_change_proves_is_looked_at_before_it_is_made() {
    let looked = "DescribeAppEnvironmentDetail";
    for (code, is_looked_at) in [
        ("scale_app(3002, 4)", false),
        ("step(\"scale\", || scale_app(3002, 4).Success)", true),
        ("import \"std/settle\" as settle; settle::call(\"ScaleApp\", #{EnvId: 3002, Replicas: 4}, || ())", true),
        ("step(\"label\", || create_node_label(\"c-demo-test\", \"label.jst.com/sweep\", \"a\").Success)", false),
    ] {
        let world = World::new("");
        let report = world.folder.path().join("a.json");
        world.jst(&["--report", report.to_str().unwrap(), "eval", code]).run().ok();
        let report: Value = serde_json::from_str(&std::fs::read_to_string(report).unwrap()).unwrap();
        let calls: Vec<&str> =
            report["calls"].as_array().unwrap().iter().map(|call| call["operation"].as_str().unwrap()).collect();
        assert_eq!(calls.contains(&looked), is_looked_at, "{code}: {calls:?}");
    }
    // std/ensure makes its writes so.
    let world = World::with(
        "import \"std/ensure\" as ensure; print(ensure::replicas(1001, 3002, 5).changed)",
        &["--control", "--fault", "ScaleApp:lost:first=1", "--pace", "3600x"],
    );
    let ran = world.jst(&["run", world.script().to_str().unwrap()]).run();
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "true\n"), "{ran:#?}");
    assert_eq!(world.sim.ledger().len(), 1);
    let list: Value = serde_json::from_str(&world.jst(&["runs"]).run().ok()).unwrap();
    let id = list[0]["id"].as_str().unwrap();
    let whole: Value = serde_json::from_str(&world.jst(&["runs", id, "--verify"]).run().ok()).unwrap();
    let write = &whole["writes"][0];
    assert_eq!((&write["step"], &write["outcome"]), (&"ScaleApp 3002 5".into(), &"applied".into()), "{whole:#}");
}

#[test]
fn of_many_runs_that_begin_with_one_key_one_does_the_work() {
    let world =
        World::new("step(\"once\", || create_node_label(\"c-demo-test\", \"label.jst.com/sweep\", \"once\").Success)");
    let started = (0..12).map(|_| world.jst(&["run", "--run-key", "k", world.script().to_str().unwrap()]).start());
    let started: Vec<_> = started.collect();
    for (run, _home) in started {
        let output = run.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let is_refused = said.contains("another run of this key has just begun") || said.contains("still lives");
        assert!(output.status.code() == Some(0) || output.status.code() == Some(40) && is_refused, "{said}");
    }
    assert_eq!(world.labels(), ["once"]);
    let list: Value = serde_json::from_str(&world.jst(&["runs", "--script", "job"]).run().ok()).unwrap();
    assert_eq!((list.as_array().unwrap().len(), &list[0]["writes"]), (1, &1.into()), "{list}");
}
