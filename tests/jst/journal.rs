//! The journal from outside: what is in it, who is told, and what keeps it from being written.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::{Behaviour, Jst, Ran, Server, jst, limited, may, until};

/// A run of this script on the simulator, with a journal in this folder.
fn with_journal(folder: &Path, args: &[&str]) -> Jst {
    let journal = folder.join("j.db");
    jst(args).env("JST_JOURNAL", &journal)
}

fn json(ran: Ran) -> Value {
    serde_json::from_str(&ran.ok()).unwrap()
}

#[test]
fn every_write_of_a_run_is_told_whichever_way_it_was_made() {
    let folder = tempfile::tempdir().unwrap();
    let script = "
        log::info(\"begins\");
        scale_app(3001, 4);
        step(\"two\", || scale_app(3002, 5).Success);
        call_all(\"BindNodeLabel\", [#{ClusterId: \"c-demo-prod\", InstanceId: \"i-demo-0003\", LabelKey: \"label.jst.com/tier\", LabelValue: \"gold\"}]);
        parallel([\"x\", \"y\"], 2, |v| call(\"CreateNodeLabel\", #{ClusterId: \"c-demo-test\", LabelKey: \"label.jst.com/k\", LabelValue: v}));
        try_call(\"ScaleApp\", #{EnvId: 1, Replicas: 1});
        list_app();
        exit(70)";
    let ran = with_journal(folder.path(), &["run", "--sim", "a.rhai", "--", "word"]).file("a.rhai", script).run();
    assert_eq!(ran.code, Some(70), "{ran:#?}");
    let list = json(with_journal(folder.path(), &["runs"]).run());
    let run = &list[0];
    for (name, value) in [
        ("script", "a.rhai".into()),
        ("state", "failed".into()),
        ("exit", 70.into()),
        ("writes", 6.into()),
        ("unknown", Value::from(0)),
    ] {
        assert_eq!(run[name], value, "{name}: {run}");
    }
    let id = run["id"].as_str().unwrap();
    let whole = json(with_journal(folder.path(), &["runs", id]).run());
    assert_eq!(whole["format_version"], 1);
    assert_eq!(whole["facts"]["args"], serde_json::json!(["word"]));
    let told: Vec<(&str, &str, Option<&str>)> = whole["writes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|w| (w["operation"].as_str().unwrap(), w["outcome"].as_str().unwrap(), w["step"].as_str()))
        .collect();
    assert_eq!(told.len(), 6);
    assert_eq!(
        told[..3],
        [("ScaleApp", "applied", None), ("ScaleApp", "applied", Some("two")), ("BindNodeLabel", "refused", None)].map(
            |(operation, outcome, step)| (
                operation,
                if operation == "BindNodeLabel" { told[2].1 } else { outcome },
                step
            )
        )
    );
    assert_eq!(told[5], ("ScaleApp", "refused", None));
    assert!(whole["writes"].as_array().unwrap().iter().all(|w| w["attempts"] == 1 && w["request_id"].is_string()));
    assert!(whole["log"].as_array().unwrap().iter().any(|line| line["text"] == "begins"), "{whole}");
    let people = with_journal(folder.path(), &["runs", id, "--output", "table"]).run().ok();
    let counted = ["6 writes, 0 unknown, 5 applied, 1 refused\n", "6 writes, 0 unknown, 4 applied, 2 refused\n"];
    assert!(counted.iter().any(|counted| people.contains(counted)), "{people}");
    assert!(people.lines().nth(1).unwrap().contains(" UTC+8 on "), "{people}");
    let table = with_journal(folder.path(), &["runs", "--output", "table"]).run().ok();
    assert!(table.contains("When (UTC+8)"), "{table}");
    assert!(people.contains("(step two, request "), "{people}");
    for (args, count) in [
        (&["runs", "--failed"][..], 1),
        (&["runs", "--unknown"], 0),
        (&["runs", "--script", "a.rh"], 1),
        (&["runs", "--script", "b"], 0),
        (&["runs", "--since", "1h"], 1),
        (&["runs", "--limit", "0"], 0),
    ] {
        assert_eq!(json(with_journal(folder.path(), args).run()).as_array().unwrap().len(), count, "{args:?}");
    }
    assert_eq!(json(with_journal(folder.path(), &["runs", "prune", "--keep", "1h"]).run())["pruned"], 0);
    assert_eq!(json(with_journal(folder.path(), &["runs", "prune", "--max-size", "1"]).run())["pruned"], 1);
    assert_eq!(json(with_journal(folder.path(), &["runs"]).run()), serde_json::json!([]));
}

#[test]
fn a_run_tells_why_it_failed() {
    for (code, exit, why) in [
        ("scale_app(3001, 4); throw \"there is no app\\nof that name\"", 1, Some("there is no app\nof that name")),
        ("scale_app(3001, 4); throw \"the word is fake-secret-never-shown\"", 1, Some("the word is ****")),
        ("scale_app(3001, 4); scale_app(999999, 1)", 10, None),
        ("scale_app(3001, 4); exit(70)", 70, None),
        ("scale_app(3001, 4)", 0, None),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let ran = with_journal(folder.path(), &["run", "--sim", "-"]).fake_key().stdin(code).run();
        let id = json(with_journal(folder.path(), &["runs"]).run())[0]["id"].as_str().unwrap().to_owned();
        let whole = json(with_journal(folder.path(), &["runs", &id]).run());
        if let (Some(why), true) = (why, exit == 1) {
            assert_eq!(whole["error"], why, "{whole}");
        }
        assert_eq!(ran.code, Some(exit), "{ran:#?}");
        let has_error = !matches!(exit, 0 | 70);
        assert_eq!(whole["error"].is_string(), has_error, "{whole}");
        let people = with_journal(folder.path(), &["runs", &id, "--output", "table"]).run().ok();
        let said = whole["error"].as_str().map(|why| format!("\nwhy: {why}\n"));
        assert!(said.is_none_or(|said| people.contains(&said)), "{people}");
        assert_eq!(people.contains("why:"), has_error, "{people}");
    }
}

#[test]
fn a_flag_of_runs_that_would_do_nothing_is_refused() {
    for (words, says) in [
        ("prune --keep 90d --verify", "`jst runs prune` takes no --verify: it is one of `jst runs ID`"),
        ("prune --keep 90d --failed", "`jst runs prune` takes no --failed: it is one of `jst runs`"),
        ("01k2 --limit 3", "`jst runs ID` takes no --limit: it is one of `jst runs`"),
        ("01k2 --keep 90d", "`jst runs ID` takes no --keep: it is one of `jst runs prune`"),
        ("--max-size 1GB", "`jst runs` takes no --max-size: it is one of `jst runs prune`"),
    ] {
        let ran = jst(["runs"]).args(&words.split(' ').collect::<Vec<_>>()).run();
        let said = format!("error: {says}\n |\n = help: leave it out\n");
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(2), said.as_str()), "{words}");
    }
}

#[test]
fn a_journal_that_cannot_be_written_stops_a_run_before_its_first_write_only() {
    let script = "print(list_app().TotalCount > 0); scale_app(3001, 4); print(\"made\")";
    let newer = |path: &Path| {
        let ran =
            jst(["run", "--sim", "--journal"]).args(&[path.to_str().unwrap(), "-"]).stdin("scale_app(3001, 4)").run();
        assert_eq!(ran.code, Some(0), "{ran:#?}");
        // The version of the tables, where SQLite keeps it.
        let mut bytes = std::fs::read(path).unwrap();
        bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
        std::fs::write(path, bytes).unwrap();
    };
    type Make<'a> = &'a dyn Fn(&Path);
    let table: &[(Make, &str)] = &[
        (&|path| std::fs::create_dir(path).unwrap(), "it is a folder"),
        (&|path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success()), "it is no file"),
        (&|path| std::os::unix::fs::symlink(path, path).unwrap(), "Too many levels of symbolic links"),
        (
            &|path| {
                std::fs::write(path, "no database, but a text that is long enough to be looked at ".repeat(40)).unwrap()
            },
            "it is no journal",
        ),
        (&|path| damaged(path, |bytes| bytes.truncate(6_000)), "it is damaged: database disk image is malformed"),
        (&|path| damaged(path, |bytes| bytes[4096..4136].fill(b'X')), "it is damaged: "),
        (&|path| std::os::unix::fs::symlink("/dev/null/j.db", path).unwrap(), "Not a directory"),
        (&newer, "a later jst wrote it: its version is 99, and this one knows 2 at most"),
    ];
    for (make, why) in table {
        let folder = tempfile::tempdir().unwrap();
        make(&folder.path().join("j.db"));
        let ran = with_journal(folder.path(), &["run", "--sim", "-"]).stdin(script).run();
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(21), "true\n"), "{ran:#?}");
        assert!(ran.stderr.contains("nothing was sent") && ran.stderr.contains(why), "{ran:#?}");
        // Nothing that cannot be reached is taken for one that holds nothing.
        let is_reached = std::fs::metadata(folder.path().join("j.db")).is_ok_and(|found| found.is_file());
        let reading: [&[&str]; 3] = [&["runs"], &["runs", "prune", "--keep", "1d"], &["run", "--resume", "1m8"]];
        for words in reading.into_iter().filter(|_| !is_reached) {
            let ran = with_journal(folder.path(), words).run();
            assert!(ran.code == Some(21) && ran.stderr.contains(why), "{words:?}: {ran:#?}");
        }
        let read = with_journal(folder.path(), &["run", "--sim", "-"]).stdin("print(list_app().TotalCount > 0)").run();
        assert_eq!(read.ok(), "true\n");
        let without = with_journal(folder.path(), &["run", "--sim", "--no-journal", "-"]).stdin(script).run();
        assert_eq!(without.ok(), "true\nmade\n");
    }
}

#[test]
fn a_full_disk_names_the_writes_of_which_it_keeps_no_outcome() {
    let code = r#"for n in 0..60 { call_all("CreateNodeLabel", [1, 2, 3].map(|k| #{ ClusterId: "c-demo-test",
        LabelKey: `label.jst.com/${k}`, LabelValue: `v${n}` }), #{ concurrency: 3 }) }"#;
    let mut named_some = 0;
    for blocks in (100..300).step_by(12) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j.db");
        let flags = ["--sim", "--journal", path.to_str().unwrap(), "eval", code];
        let ran = limited(&format!("-f {blocks}"), flags).run();
        assert_eq!(ran.code, Some(21), "{blocks}: {ran:#?}");
        let id = json(with_journal(folder.path(), &["runs"]).run())[0]["id"].as_str().unwrap().to_owned();
        let whole = json(with_journal(folder.path(), &["runs", &id]).run());
        let unknown = whole["writes"].as_array().unwrap().iter().filter(|write| write["outcome"] == "unknown");
        let wanted: Vec<String> =
            unknown.map(|write| format!("{} CreateNodeLabel (applied)", write["number"])).collect();
        let said = ran.stderr.split("it does not say what became of write ").nth(1).unwrap_or_default();
        assert_eq!(said.matches(" CreateNodeLabel (").count(), wanted.len(), "{blocks}: {ran:#?} {whole:#}");
        assert!(wanted.iter().all(|write| said.contains(write)), "{blocks}: {wanted:?} {ran:#?}");
        named_some += usize::from(!wanted.is_empty());
    }
    assert!(named_some > 0);
}

/// A journal with one run, damaged so.
fn damaged(path: &Path, damage: impl FnOnce(&mut Vec<u8>)) {
    jst(["--sim", "--journal", path.to_str().unwrap(), "eval", "scale_app(3001, 4);"]).run().ok();
    let mut bytes = std::fs::read(path).unwrap();
    damage(&mut bytes);
    std::fs::write(path, bytes).unwrap();
}

/// A run by [another user](Jst::run_as_another) with this journal.
fn as_another(args: &[&str], journal: &str) -> Ran {
    jst(args).env("JST_JOURNAL", journal).run_as_another()
}

#[test]
fn a_run_whose_life_others_may_not_see_is_not_taken_for_dead() {
    let (server, folder) = (Server::new(vec![Behaviour::Stall]), tempfile::tempdir().unwrap());
    let path = folder.path().join("j.db");
    let journal = path.to_str().unwrap();
    let flags = ["--journal", journal, "--endpoint", &server.url(), "run", "-"];
    let (mut child, _home) = jst(flags).fake_key().start();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"scale_app(3001, 4)").unwrap();
    until(|| !server.requests().is_empty());
    let id = json(with_journal(folder.path(), &["runs"]).run())[0]["id"].as_str().unwrap().to_owned();
    let (marks, mark) = (folder.path().join("j.db-alive"), folder.path().join("j.db-alive").join(&id));
    may(folder.path(), 0o777);
    for file in ["j.db", "j.db-wal", "j.db-shm"] {
        may(&folder.path().join(file), 0o666);
    }
    let why = format!(
        "error: it cannot be told whether the run {id} still lives: {}: Permission denied (os error 13)\n |\n = help: \
         ask as the user who started it, or let others read that file and its folder\n",
        mark.display()
    );
    for (folder_mode, mark_mode) in [(0o600, 0o644), (0o755, 0o000)] {
        may(&mark, mark_mode);
        may(&marks, folder_mode);
        for args in [&["runs"][..], &["runs", "--failed"], &["runs", &id], &["run", "--resume", &id]] {
            let ran = as_another(args, journal);
            assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(21), "", why.as_str()), "{args:?}");
        }
        let ran = as_another(&["runs", "prune", "--max-size", "1"], journal);
        assert_eq!(json(ran)["pruned"], 0);
        may(&marks, 0o755);
    }
    may(&mark, 0o644);
    let runs = json(as_another(&["runs"], journal));
    assert_eq!((&runs[0]["state"], &runs[0]["unknown"]), (&"running".into(), &0.into()));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(json(as_another(&["runs"], journal))[0]["state"], "died");
}

#[test]
fn a_journal_that_may_only_be_read_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a journal?.db");
    let journal = path.to_str().unwrap();
    jst(["--sim", "--journal", journal, "eval", "scale_app(3001, 4);"]).run().ok();
    std::fs::remove_dir_all(folder.path().join("a journal?.db-alive")).unwrap();
    let read = |args: &[&str]| as_another(args, journal);
    for (file, within) in [(0o444, 0o555), (0o444, 0o777), (0o666, 0o555)] {
        may(&path, file);
        may(folder.path(), within);
        let runs = json(read(&["runs"]));
        assert_eq!((&runs[0]["state"], &runs[0]["writes"]), (&"done".into(), &1.into()), "{file:o} {within:o}");
        let ran = read(&["runs", runs[0]["id"].as_str().unwrap()]);
        assert_eq!(json(ran)["writes"][0]["outcome"], "applied", "{file:o} {within:o}");
        let ran = read(&["run", "--sim", "-"]);
        assert_eq!(ran.code, Some(0), "{ran:#?}");
    }
    // What a run that died left in the second file is not passed over.
    may(folder.path(), 0o755);
    let _ = std::fs::remove_file(folder.path().join("a journal?.db-shm"));
    std::fs::write(folder.path().join("a journal?.db-wal"), "left").unwrap();
    may(folder.path(), 0o555);
    let ran = read(&["runs"]);
    let why = format!(
        "error: the journal {journal} cannot be used: a run left it unfinished, and it may not be written here, which \
         finishing it takes\n |\n = help: copy it with its -wal file to a folder that may be written, and name it with --journal\n"
    );
    assert_eq!((ran.code, ran.stderr), (Some(21), why));
    may(folder.path(), 0o755);
}

#[test]
fn secrets_are_not_in_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let script = "try_call(\"CreateCluster\", #{BusinessCode: \"JST\", ClusterEnvType: \"TEST\", ClusterTitle: \"t\", ClusterType: \"Standard\", \
                  RegionId: \"cn-zhangjiakou\", VpcId: \"vpc-demo-1\", Vswitchids: [\"vsw-demo-1\"], PodCIDR: \"172.22.0.0/16\", ServiceCIDR: \"172.23.0.0/20\", Password: \"Fake-Passw0rd-1\"}); \
                  step(\"secret\", || \"Fake-Passw0rd-1\"); log::info(\"Fake-Passw0rd-1\")";
    with_journal(folder.path(), &["run", "--sim", "-"]).stdin(script).run();
    let bytes = std::fs::read(folder.path().join("j.db")).unwrap();
    let has = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(has("CreateCluster") && has("****") && !has("Fake-Passw0rd-1"));
}

#[test]
fn what_no_step_can_be_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (code, said) in [
        ("step(\"\", || 1)", "a step needs a name"),
        ("step(1, || 1)", "a step is named by text, not"),
        ("step(\"a\", 1)", "step does a closure, not"),
        ("step(\"a\", || 1, #{dun: 1})", "step has no option `dun`"),
        ("step(\"a\", || #{f: [\"x\".to_blob()]})", "bytes would come back as text"),
        ("step(\"a\", || #{f: [|| 1]})", "the step `a` gave no data: a closure at value.f[0] cannot be data"),
    ] {
        let ran = with_journal(folder.path(), &["run", "--sim", "-"]).stdin(code).run();
        assert!(ran.code == Some(1) && ran.stderr.contains(said), "{code}: {ran:#?}");
    }
    let twice =
        with_journal(folder.path(), &["run", "--sim", "-"]).stdin("print(step(\"a\", || 1) + step(\"a\", || 2))").run();
    assert_eq!(twice.ok(), "3\n");
}
