//! Parts of a fleet (`--shard`): each is a run of its own in keys, journal, locks, metrics and units.

use std::path::Path;

use serde_json::Value;

use crate::support::{Behaviour, Jst, Ran, Server, jst, until};

/// Says whether 3002, which is in the part 0/2, is in the run's, and ends as it is told to.
const SCRIPT: &str = "print(in_shard(3002)); exit(parse_int(args[0]))";

/// The binary in a folder with the script `a.rhai`, on the simulator and with a journal of its own.
fn at(folder: &Path, words: &str) -> Jst {
    std::fs::write(folder.join("a.rhai"), SCRIPT).unwrap();
    jst(words.split(' ').filter(|word| !word.is_empty())).env("JST_JOURNAL", folder.join("j.db")).in_folder(folder)
}

/// The id of the newest run.
fn newest(folder: &Path) -> String {
    let list: Value = serde_json::from_str(&at(folder, "runs").run().ok()).unwrap();
    list[0]["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_key_is_of_one_part() {
    // Whether it is done or is to go on.
    for code in [0, 70] {
        for (first, second, was, is) in [
            ("--shard=0/2", "--shard=1/2", "did the part 0/2", "would do the part 1/2"),
            ("--shard=0/2", "--shard=0/3", "did the part 0/2", "would do the part 0/3"),
            ("--shard=1/2", "", "did the part 1/2", "would do the whole"),
            ("", "--shard=1/2", "did the whole", "would do the part 1/2"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let run = |shard: &str, key: &str| {
                at(folder.path(), &format!("--sim run {shard} --run-key {key} a.rhai {code}")).run()
            };
            assert_eq!(run(first, "k").code, Some(code));
            let said = format!(
                "error: the run {} of the key k {was}, and this one {is}\n |\n = help: give each part a key of its own, \
                 such as --run-key 'k-{{shard}}'\n",
                newest(folder.path())
            );
            let ran = run(second, "k");
            assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr), (Some(2), "", said), "{first} {second}");
            // The same part is the same run; with a key for each part, each is done.
            assert_eq!(run(first, "k").code, Some(code));
            for shard in [first, second] {
                let ran = run(shard, "k-{shard}");
                assert!(ran.code == Some(code) && !ran.stdout.is_empty(), "{shard}: {ran:#?}");
            }
        }
    }
}

#[test]
fn a_run_that_goes_on_does_the_part_that_it_did() {
    let folder = tempfile::tempdir().unwrap();
    for (began, resumed, said) in [
        (
            "--shard=0/2",
            "--shard=1/2",
            "did the part 0/2, and this one would do the part 1/2\n |\n = help: say --shard 0/2, or leave it out\n",
        ),
        (
            "--shard=0/2",
            "--shard=0/1",
            "did the part 0/2, and this one would do the whole\n |\n = help: say --shard 0/2, or leave it out\n",
        ),
        ("", "--shard=0/2", "did the whole, and this one would do the part 0/2\n |\n = help: leave --shard out\n"),
    ] {
        assert_eq!(at(folder.path(), &format!("--sim {began} run a.rhai 70")).run().code, Some(70));
        let id = newest(folder.path());
        let ran = at(folder.path(), &format!("--sim {resumed} run --resume {id}")).run();
        assert_eq!((ran.code, ran.stderr), (Some(2), format!("error: the run {id} {said}")), "{began} {resumed}");
    }
    // Left out, it is the one that it was, be it said again by whoever starts parts or not.
    for (began, is_in) in [("--shard=0/2", "true\n"), ("--shard=1/2", "false\n"), ("", "true\n")] {
        assert_eq!(at(folder.path(), &format!("--sim {began} run a.rhai 70")).run().stdout, is_in);
        let id = newest(folder.path());
        for resumed in ["", began] {
            let words = format!("--sim {resumed} run --metrics-file a.prom --report a.json --resume {id}");
            let ran = at(folder.path(), &words).run();
            assert!(ran.code == Some(70) && ran.stdout == is_in, "{began} {resumed}: {ran:#?}");
            let metrics = std::fs::read_to_string(folder.path().join("a.prom")).unwrap();
            let label = format!("shard=\"{}\"", began.trim_start_matches("--shard="));
            assert_eq!((metrics.contains(&label), metrics.contains("shard=")), (!began.is_empty(), !began.is_empty()));
        }
        let part = began.trim_start_matches("--shard=");
        let told: Value = serde_json::from_str(&at(folder.path(), &format!("runs {id}")).run().ok()).unwrap();
        assert_eq!(told["facts"]["shard"], if part.is_empty() { "0/1" } else { part });
        let told = at(folder.path(), &format!("--output table runs {id}")).run().ok();
        assert_eq!(told.contains(&format!("\nthe part {part}\n")), !part.is_empty(), "{told}");
        let report = std::fs::read_to_string(folder.path().join("a.json")).unwrap();
        let report: Value = serde_json::from_str(&report).unwrap();
        assert_eq!(report["shard"].as_str().unwrap_or_default(), part);
    }
}

#[test]
fn a_key_is_of_one_profile_and_service_also_when_it_is_done() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("c.toml"), "[profiles.a]\n[profiles.b]\n").unwrap();
    let run =
        |flags: &str| at(folder.path(), &format!("--config c.toml {flags} run --run-key k a.rhai 0")).fake_key().run();
    let here = "--endpoint http://127.0.0.1:1";
    run(&format!("{here} --profile a")).ok();
    for (flags, says) in [
        (format!("{here} --profile b"), "ran with the profile a, and this one would with the profile b\n"),
        (
            "--profile a --endpoint http://localhost:1".to_owned(),
            "was one of http://127.0.0.1:1, and this one would be of http://localhost:1\n",
        ),
    ] {
        let ran = run(&flags);
        assert!(ran.code == Some(2) && ran.stderr.contains(says), "{flags}: {ran:#?}");
    }
    let ran = run(&format!("{here} --profile a"));
    assert!(ran.code == Some(0) && ran.stderr.contains(" of the key k is done\n"), "{ran:#?}");
}

#[test]
fn a_unit_of_a_part_tells_of_it_in_files_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let units = ["0/2", "1/2"].map(|part| {
        let words = format!("--sim --shard {part} unit a.rhai 0 --for cron --every @daily");
        let text = at(folder.path(), &words).run().ok();
        let line = text.lines().last().unwrap().to_owned();
        let run = std::process::Command::new("/bin/sh")
            .args(["-c", line.splitn(6, ' ').last().unwrap()])
            .env_clear()
            .env("HOME", folder.path())
            .env("PATH", "/usr/bin:/bin")
            .output()
            .unwrap();
        assert_eq!(run.status.code(), Some(0), "{line}: {run:?}");
        line
    });
    assert!(units[0].contains("--shard=0/2") && units[1].contains("--shard=1/2"), "{units:?}");
    let mut series: Vec<String> = Vec::new();
    for name in ["a-0-2", "a-1-2"] {
        let told = folder.path().join(".local/state/jst").join(name);
        assert!(told.with_extension("html").exists());
        let metrics = std::fs::read_to_string(told.with_extension("prom")).unwrap();
        series.extend(
            metrics
                .lines()
                .filter(|line| !line.starts_with('#'))
                .map(|line| line.rsplit_once(' ').unwrap().0.to_owned()),
        );
    }
    let all = series.len();
    series.sort();
    series.dedup();
    assert!(all >= 8 && series.len() == all, "{series:#?}");
}

#[test]
fn parts_work_at_once_where_one_is_locked_out() {
    let (server, folder) = (Server::new(vec![Behaviour::Stall]), tempfile::tempdir().unwrap());
    std::fs::write(folder.path().join("slow.rhai"), "list_app();").unwrap();
    let run = |flags: &str| {
        let place = folder.path().display();
        let words = format!("--endpoint {} --lock-dir {place} {flags} run slow.rhai", server.url());
        jst(words.split(' ').filter(|word| !word.is_empty())).in_folder(folder.path()).fake_key()
    };
    let held = ["--shard=0/2 --lock", "--shard=1/2 --lock", "--lock", "--shard=0/2 --lock=x"];
    let mut holders: Vec<_> = held.iter().map(|flags| run(flags).start()).collect();
    until(|| server.requests().len() == held.len());
    for (flags, says) in [
        ("--shard=1/2 --lock", "slow.rhai with profile default for the part 1/2 is held by run "),
        ("--lock", "slow.rhai with profile default is held by run "),
        // A name that was given is one, whoever gives it.
        ("--shard=1/2 --lock=x", "the lock x is held by run "),
    ] {
        let ran = run(flags).run();
        assert!(ran.code == Some(40) && ran.stderr.contains(says), "{flags}: {ran:#?}");
    }
    holders.iter_mut().for_each(|(holder, _)| holder.kill().unwrap());
    holders.into_iter().for_each(|(holder, _)| drop(Ran::of(holder)));
}
