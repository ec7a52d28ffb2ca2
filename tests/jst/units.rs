//! What `jst unit` refuses. What it prints is held against those who take it in `judges`.

use std::path::Path;

use crate::support::{FAKE_SECRET, jst};

#[test]
fn flags_that_are_given_stand_in_the_unit_as_its_run_needs_them() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().canonicalize().unwrap().join(name).display().to_string();
    let unit = |before: &str, flags: &str, scheduler: &str| {
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let behind = words(&format!("unit a.rhai --every @daily --for {scheduler} {flags}"));
        jst([words(before), behind].concat()).file("a.rhai", "1").in_folder(folder.path()).run()
    };
    std::fs::write(folder.path().join("a.rhai"), "1").unwrap();
    std::fs::write(folder.path().join("c.toml"), "[profiles.night]\nregion = \"cn-shanghai\"\n").unwrap();
    let given =
        "--config c.toml --profile night --journal j.db --allow-read data --timeout 5s --max-memory 64 --lock=x -vv";
    let line = format!(
        "jst run --quiet-success --deadline 3600s --grace 10s --metrics-file METRICS --report REPORT --config={} \
         --profile=night --allow-read={} --journal={} --timeout=5s --max-memory=64 --lock=x --verbose --verbose {}",
        at("c.toml"),
        at("data"),
        at("j.db"),
        at("a.rhai"),
    );
    let sorted = |text: &str| {
        let mut words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        words.sort();
        words.join(" ")
    };
    let cron = unit("", given, "cron").ok();
    let metrics = "\"$HOME/.local/state/jst\"/a.prom";
    let printed = cron.lines().last().unwrap().split_once("/jst run").unwrap().1;
    let printed = printed.replace(metrics, "METRICS").replace(&metrics.replace(".prom", ".html"), "REPORT");
    assert_eq!(sorted(&format!("jst run {printed}")), sorted(&line), "{cron}");
    let service = unit("", given, "systemd").ok();
    assert!(service.contains(&format!("ReadWritePaths=-/run/lock -{}\n", at("").trim_end_matches('/'))), "{service}");
    assert!(service.starts_with("# The profile night must stand in /etc/jst/config.toml there"), "{service}");
    // What narrows stays at its level, and a folder of state is where everything goes.
    let cron =
        unit("--allow Delete* --state-dir s", "--allow DeleteApp* --deadline 1500ms --quiet-success=no", "cron").ok();
    for part in [
        &format!("mkdir -p {} && ", at("s"))[..],
        &format!(" '--allow=Delete*' --state-dir={} run --lock --deadline 2s ", at("s")),
        &format!(" --metrics-file {} ", at("s/a.prom")),
        " '--allow=DeleteApp*' --quiet-success=no ",
    ] {
        assert!(cron.contains(part), "{part}: {cron}");
    }
    // What cannot go on needs no key, and what only reads can.
    for (flags, has_key) in [("", true), ("--read-only", true), ("--no-journal", false), ("--sim", false)] {
        assert_eq!(unit("", flags, "kubernetes").ok().contains("--run-key"), has_key, "{flags}");
    }
    for (flags, scheduler, said) in [
        (
            "--access-key-secret fake-secret-x",
            "cron",
            "--access-key-secret does not go into a unit, which others can read",
        ),
        ("--config c.toml", "kubernetes", "--config c.toml: a container does not have the folders of this machine"),
        ("--journal /srv/j.db", "kubernetes", "--journal /srv/j.db: the container can write below /var/lib/jst only"),
        ("--report a.html", "kubernetes", "--report a.html: a container does not have the folders of this machine"),
        ("--lock-dir /run/lock", "kubernetes", "--lock-dir does not go into this unit, which says it itself"),
        ("--shard 1/3 --shards 3", "kubernetes", "--shard does not go into this unit, which says it itself"),
    ] {
        let ran = unit("", flags, scheduler);
        assert!(ran.code == Some(2) && ran.stderr.contains(said), "{flags}: {ran:#?}");
    }
    let ran = jst(["unit", "a.rhai", "--for", "cron", "--every", "@daily"])
        .env("JST_REGION", "cn-x")
        .file("a.rhai", "1")
        .run();
    assert!(ran.stderr.contains("JST_REGION is set here, and not where the unit runs: give it as a flag"), "{ran:#?}");
}

/// The command of a crontab's line, as cron hands it to the shell.
fn command_of(crontab: &str) -> String {
    let line = crontab.lines().last().unwrap();
    line.splitn(6, ' ').last().unwrap().replace("\\%", "%")
}

#[test]
fn a_line_for_cron_finds_what_its_words_name_from_wherever_it_is_run() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("night 100%");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("labels.json"), "{\"a\": 1}").unwrap();
    std::fs::write(folder.join("job.rhai"), "print(read_file(args[1])); exit(70)").unwrap();
    let unit = |scheduler: &str| {
        let words = format!("--allow-read labels.json --sim unit job.rhai --every @daily --for {scheduler}");
        let words: Vec<&str> = words.split(' ').chain(["--", "--file", "labels.json"]).collect();
        jst(words).in_folder(&folder).run()
    };
    let command = command_of(&unit("cron").ok());
    let home = tempfile::tempdir().unwrap();
    let mut cron = std::process::Command::new("/bin/sh");
    cron.args(["-c", &command]).env_clear().env("HOME", home.path()).env("PATH", "/usr/bin:/bin");
    let output = cron.current_dir(home.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!((output.status.code(), said.as_ref()), (Some(70), "{\"a\": 1}\n"), "{command}: {output:?}");
    let service = unit("systemd").ok();
    let place = folder.canonicalize().unwrap().display().to_string().replace('%', "%%");
    assert!(service.contains(&format!("\nWorkingDirectory=-{place}\n")), "{service}");
}

#[test]
fn what_a_run_would_refuse_is_no_unit() {
    let config = "[profiles.night]\nregion = \"cn-shanghai\"\n";
    for (words, code, says) in [
        ("unit wrong.rhai", 3, "wrong.rhai:1:"),
        ("unit gone.rhai", 1, "gone.rhai"),
        ("unit a.rhai --report r.txt", 2, "a report ends in .json, .html, .md or .xml"),
        (
            "unit a.rhai --metrics-file m.txt",
            2,
            "--metrics-file m.txt: Prometheus' collector reads files that end in .prom",
        ),
        ("--config c.toml --profile nope unit a.rhai", 21, "nope"),
        ("--config c.toml --profile night unit a.rhai", 0, ""),
    ] {
        for scheduler in ["cron", "systemd"] {
            let ran = jst(words.split(' '))
                .args(&["--every", "@daily", "--for", scheduler])
                .file("a.rhai", "print(1)")
                .file("wrong.rhai", "let x = ;")
                .file("c.toml", config)
                .run();
            assert!(ran.code == Some(code) && ran.stderr.contains(says), "{words}: {ran:#?}");
            assert_eq!(ran.stdout.is_empty(), code != 0, "{words}: {ran:#?}");
        }
    }
}

#[test]
fn what_a_run_on_this_machine_would_fail_at_is_said_and_printed_nevertheless() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().canonicalize().unwrap().join(name).display().to_string();
    std::fs::write(folder.path().join("a.rhai"), "1").unwrap();
    let unit = |flags: &str, scheduler: &str| {
        let words = format!("unit a.rhai --every @daily --for {scheduler} {flags}");
        jst(words.split_whitespace()).in_folder(folder.path()).run()
    };
    const FAILS: &str = ": on this machine, a run of this unit would fail\n";
    for (flags, said) in [
        (
            "--metrics-file none/x.prom",
            format!("--metrics-file: cannot write {}: its folder is missing{FAILS}", at("none/x.prom")),
        ),
        (
            "--report a.rhai/b.md",
            format!("--report: cannot write {}: what should be its folder is a file{FAILS}", at("a.rhai/b.md")),
        ),
        (
            "--report b.md --report none/b.md",
            format!("--report: cannot write {}: its folder is missing{FAILS}", at("none/b.md")),
        ),
        ("--lock-dir none", format!("--lock-dir: {} is no folder{FAILS}", at("none"))),
        (
            "--ca-file none.pem",
            format!("--ca-file: cannot read {}: No such file or directory (os error 2){FAILS}", at("none.pem")),
        ),
        (
            "--sim=none.json",
            format!("--sim: cannot read {}: No such file or directory (os error 2){FAILS}", at("none.json")),
        ),
        (
            "--sim",
            "--sim goes into the unit: its runs work on the simulator, and change nothing of the account\n".to_owned(),
        ),
    ] {
        for scheduler in ["cron", "systemd"] {
            let ran = unit(flags, scheduler);
            assert!(ran.code == Some(0) && ran.stderr.contains(&said) && !ran.stdout.is_empty(), "{flags}: {ran:#?}");
        }
    }
    let ran = unit("--shards 3 --heartbeat https://host/x", "kubernetes");
    let said = "--heartbeat: all 3 parts tell one monitor, to which a part that did well hides one that failed\n";
    assert!(ran.code == Some(0) && ran.stderr.contains(said), "{ran:#?}");
    for flags in ["", "--state-dir s --report s/a.html", "--report a.html --metrics-file a.prom --lock-dir ."] {
        let ran = unit(flags, "cron");
        assert!(!ran.stderr.contains(FAILS.trim()), "{flags}: {ran:#?}");
    }
    let ran = unit("--report /var/lib/jst/none/a.html", "kubernetes");
    assert!(ran.code == Some(0) && !ran.stderr.contains(FAILS.trim()), "{ran:#?}");
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["a.rhai"]);
}

#[test]
fn credentials_in_urls_and_in_the_scripts_words_do_not_go_into_a_unit() {
    const OTHERS: &str = "and a unit can be read by others\n";
    for (words, code, said) in [
        (
            "--heartbeat https://u:fake-p@host/x",
            21,
            "--heartbeat: the URL must not contain credentials: write it as https://HOST/PATH\n".to_owned(),
        ),
        ("--sts-endpoint https://u:fake-p@host", 2, format!("--sts-endpoint: the URL has credentials in it, {OTHERS}")),
        (
            "--metadata-endpoint http://fake-p@host:1/",
            2,
            format!("--metadata-endpoint: the URL has credentials in it, {OTHERS}"),
        ),
        ("-- a --hook=https://u:fake-p@host/x?y", 2, format!("word 2 of the script has credentials in it, {OTHERS}")),
        ("-- fake-secret-never-shown", 2, format!("word 1 of the script has credentials in it, {OTHERS}")),
        ("-- https://host/@someone a@b", 0, String::new()),
    ] {
        for scheduler in ["cron", "systemd", "kubernetes"] {
            let line = format!("unit a.rhai --every @daily --for {scheduler} {words}");
            let ran = jst(line.split(' ')).file("a.rhai", "1").fake_key().run();
            assert!(ran.code == Some(code) && ran.stderr.contains(&said), "{line}: {ran:#?}");
            assert_eq!(ran.stdout.is_empty(), code != 0, "{line}: {ran:#?}");
            let all = format!("{}{}", ran.stdout, ran.stderr);
            assert!(!all.contains("fake-p") && !all.contains(FAKE_SECRET), "{line}: {ran:#?}");
        }
    }
}

#[test]
fn what_no_scheduler_takes_is_refused() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (words, says) in [
        (&["--for", "cron", "--every", "61 * * * *"][..], "`61` is no minute"),
        (&["--for", "systemd", "--every", "0 3 31 2 *"], "--every \"0 3 31 2 *\": day 31 never comes in month 2\n"),
        (&["--for", "cron", "--every", "0 3 * * *", "--zone", "a b"], "--zone `a b` is no time zone"),
        (&["--for", "cron", "--every", "0 3 * * *", "--zone", "Beijing"], "--zone `Beijing` is no time zone"),
        (&["--for", "kubernetes", "--every", "0 3 * * *", "--zone", "UTC+8"], "--zone `UTC+8` is no time zone"),
        (&["--for", "systemd", "--every", "0 3 * * *", "--zone", "CST"], "--zone `CST` is no time zone"),
        (&["--for", "cron", "--every", "0 3 * * *", "--shards", "3"], "--shards divides a job of Kubernetes"),
        (&["--for", "launchd", "--every", "0 3 * * *"], "invalid value 'launchd'"),
    ] {
        let ran = jst(["unit", "scripts/backup_audit.rhai"]).args(words).in_folder(root).run();
        assert!(ran.code == Some(2) && ran.stderr.contains(says), "{words:?}: {ran:#?}");
    }
}
