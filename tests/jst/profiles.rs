//! `with_profile`: parts of a script that work on other accounts.

use serde_json::{Value, json};

use crate::support::{Jst, Ran, Simulator, jst};
use crate::terminal::Terminal;

/// Two services with a key each that the other does not know.
struct Shops {
    a: Simulator,
    b: Simulator,
}

const CONFIG: &str = ".config/jst/config.toml";

/// A service that knows one key alone.
fn shop(key: &str, args: &[&str]) -> Simulator {
    let keys = tempfile::NamedTempFile::new().unwrap();
    let known = json!([{"access_key_id": key, "access_key_secret": format!("fake-secret-of-{key}")}]);
    std::fs::write(keys.path(), known.to_string()).unwrap();
    Simulator::new(&[&["--keys", keys.path().to_str().unwrap()], args].concat())
}

impl Shops {
    fn new() -> Self {
        Self::with(&[])
    }

    /// The same, `b` changed by these arguments.
    fn with(args: &[&str]) -> Self {
        Self { a: shop("fake-key-a", &[]), b: shop("fake-key-b", args) }
    }

    /// A profile for each, with these lines more.
    fn config(&self, a: &str, b: &str) -> String {
        let section = |name: &str, shop: &Simulator, more: &str| {
            format!(
                "[profiles.shop-{name}]\nendpoint = \"{}\"\naccess_key_id = \"fake-key-{name}\"\n\
                 access_key_secret = \"fake-secret-of-fake-key-{name}\"\n{more}\n",
                shop.said("endpoint")
            )
        };
        section("a", &self.a, a) + &section("b", &self.b, b)
    }

    /// The binary at work on the first, with both profiles and this script.
    fn jst(&self, args: &[&str], more: [&str; 2], script: &str) -> Jst {
        let [a, b] = more;
        jst([&["--profile", "shop-a"], args].concat()).file(CONFIG, &self.config(a, b)).file("s.rhai", script)
    }

    fn run(&self, flags: &[&str], more: [&str; 2], script: &str) -> Ran {
        self.jst(&[flags, &["run", "s.rhai"]].concat(), more, script).run()
    }

    /// How many of environment 3002 there are to be, in both.
    fn replicas(&self) -> [i64; 2] {
        let script = "let n = || describe_app_environment_detail(1001, 3002).Result.Replicas; print([n.call(), with_profile(\"shop-b\", n)]);";
        serde_json::from_str(&self.run(&[], ["", ""], script).ok()).unwrap()
    }
}

#[test]
fn every_call_of_the_closure_goes_to_the_profiles_account_and_comes_back() {
    let shops = Shops::new();
    let ran = shops.run(&[], ["", ""], r#"
        with_profile("shop-b", || {
            update_app(#{ AppId: 1001, Description: "of b" });
        });
        let texts = || paginate("ListApp", #{}).to_array().map(|app| app.Description).filter(|text| text == "of b").len();
        let here = texts.call();
        let there = with_profile("shop-b", texts);
        // Begun there, walked here.
        let pages = with_profile("shop-b", || paginate("ListApp", #{ PageSize: 2 }));
        let walked = 0;
        for app in pages { if app.Description == "of b" { walked += 1; } }
        let on = |what| with_profile("shop-b", what);
        print([
            here, there, walked,
            on.call(|| call("ListApp").Data.filter(|app| app.Description == "of b").len()),
            on.call(|| call_all("ListApp", [#{}, #{}]).map(|page| page.Data.filter(|app| app.Description == "of b").len())),
            on.call(|| parallel([1, 2, 3], 3, |n| list_app().Data.filter(|app| app.Description == "of b").len())),
            parallel(["shop-a", "shop-b"], 2, |name| with_profile(name, || list_app().Data.filter(|app| app.Description == "of b").len())),
            // One within the other, and back after an error.
            on.call(|| [texts.call(), with_profile("shop-a", texts), texts.call()]),
            on.call(|| { try { with_profile("shop-a", || { throw "no"; }) } catch { } texts.call() }),
            texts.call(),
        ]);
    "#);
    assert_eq!(ran.ok(), "[0, 1, 1, 1, [1, 1], [1, 1, 1], [0, 1], [1, 0, 1], 1, 0]\n");
}

#[test]
fn modules_work_where_their_caller_does() {
    let shops = Shops::new();
    let script = r#"
        import "beside" as beside;
        with_profile("shop-b", || beside::rename());
        print([beside::text(), with_profile("shop-b", || beside::text())]);
    "#;
    let module = r#"
        fn text() { describe_app_detail(1001).Result.Description }
        fn rename() { update_app(#{ AppId: 1001, Description: "of b" }); }
    "#;
    let out = shops.jst(&["run", "s.rhai"], ["", ""], script).file("beside.rhai", module).run().ok();
    assert!(out.ends_with("\"of b\"]\n") && out.matches("of b").count() == 1, "{out}");
}

#[test]
fn the_policy_of_the_profile_holds_there_and_the_stricter_of_it_and_the_flags() {
    let shops = Shops::new();
    let there = |call: &str| format!("with_profile(\"shop-b\", || {call});");
    let write = "update_app(#{ AppId: 1001, Description: `x` })";
    let (twice, delete) = (&format!("{{ {write}; {write} }}"), "delete_app_detail(1001, true)");
    type Row<'a> = (&'a [&'a str], [&'a str; 2], String, i32, &'a str);
    let table: &[Row<'_>] = &[
        (&[], ["", "read_only = true"], there(write), 30, "UpdateApp was not sent: --read-only allows reads only"),
        (&[], ["", "read_only = true"], write.into(), 0, ""),
        (&[], ["read_only = true", ""], there(write), 0, ""),
        (&["--read-only"], ["", ""], there(write), 30, "--read-only allows reads only"),
        (&[], ["", "deny = [\"Upd*\"]"], there(write), 30, "--deny forbids it"),
        (&[], ["deny = [\"Upd*\"]", ""], there(write), 0, ""),
        (&["--deny", "UpdateApp"], ["", ""], there(write), 30, "--deny forbids it"),
        (&[], ["allow = [\"Delete*\"]", ""], there(delete), 30, "DeleteAppDetail was not sent: it is destructive"),
        (&["--allow", "Delete*"], ["", "allow = [\"DeleteNodeLabel\"]"], there(delete), 30, "it is destructive"),
        (
            &[],
            ["", "max_writes = 1"],
            there(twice),
            42,
            "the run may make 1 writes in the profile shop-b (--max-writes): UpdateApp was not called",
        ),
        (&[], ["", "max_writes = 1"], format!("{write}; {write}; {}", there(write)), 0, ""),
        (&[], ["max_writes = 1", ""], there(twice), 0, ""),
        (&[], ["max_writes = 1", ""], format!("{write}; {write};"), 42, "the run may make 1 writes (--max-writes)"),
        (
            &["--max-writes", "2"],
            ["", "max_writes = 2"],
            format!("{write}; {write}; {}", there(write)),
            42,
            "the run may make 2 writes (--max-writes)",
        ),
        (&[], ["", ""], there("scale_app(3002, \"x\")"), 1, "it was a call of the profile shop-b"),
    ];
    for (flags, more, script, code, said) in table {
        let ran = shops.run(flags, *more, script);
        assert_eq!(ran.code, Some(*code), "{flags:?} {more:?} {script}: {ran:#?}");
        assert!(ran.stderr.contains(said), "{flags:?} {more:?} {script}: {ran:#?}");
    }
    // What is allowed there is done there.
    let ran = shops.run(
        &[],
        ["", "allow = [\"DeleteAppDetail\"]"],
        "with_profile(\"shop-b\", || delete_app_detail(1012, true)); print(describe_app_detail(1012).Result.AppId);",
    );
    assert_eq!(ran.code, Some(0), "{ran:#?}");
}

#[test]
fn a_profile_that_cannot_be_gone_to_is_named_with_the_way_out() {
    let shops = Shops::new();
    let vendors = r#"{"current":"x","profiles":[{"name":"shop-c","mode":"AK","access_key_id":"fake-c","access_key_secret":"fake-secret-c"}]}"#;
    let run = |flags: &[&str], name: &str| {
        let script = format!("with_profile({name}, || list_app());");
        shops.jst(&[flags, &["run", "s.rhai"]].concat(), ["", ""], &script).file(".aliyun/config.json", vendors).run()
    };
    for (flags, name, code, said) in [
        (&[][..], "\"shop-bb\"", 21, &["there is no usable profile `shop-bb`", "did you mean `shop-b`?"][..]),
        (&[], "\"shopc\"", 21, &["there is no usable profile `shopc`", "did you mean `shop-c`?"]),
        (&[], "\"elsewhere\"", 21, &["there is no usable profile `elsewhere`", "looked at: "]),
        (&[], "7", 1, &["a profile is named by text, not 7", "write with_profile(\"shop-b\", || list_app())"]),
        (&[], "\" \"", 1, &["with_profile needs the name of a profile"]),
        (
            &["--access-key-id", "fake-id", "--access-key-secret", "fake-secret"],
            "\"shop-b\"",
            21,
            &["with_profile cannot go to shop-b: --access-key-id says who signs every call"],
        ),
        (
            &["--endpoint", "http://127.0.0.1:9"],
            "\"shop-b\"",
            21,
            &[
                "with_profile cannot go to shop-b: --endpoint sends every call to http://127.0.0.1:9, and the profile says http://",
            ],
        ),
    ] {
        let ran = run(flags, name);
        assert_eq!(ran.code, Some(code), "{name}: {ran:#?}");
        said.iter().for_each(|said| assert!(ran.stderr.contains(said), "{name} {said}: {ran:#?}"));
    }
    let ran = shops.run(&[], ["", ""], "with_profile(\"shop-b\", 7);");
    assert!(ran.stderr.contains("with_profile does a closure, not 7"), "{ran:#?}");
    // One can be caught, and the script is where it was.
    let ran =
        shops.run(&[], ["", ""], "try { with_profile(\"gone\", || 1) } catch (e) { print(e.error); } list_app();");
    assert_eq!(ran.ok(), "config\n");
}

#[test]
fn variables_of_the_run_do_not_send_a_profiles_calls_elsewhere() {
    let shops = Shops::new();
    let script = "print(with_profile(\"shop-b\", || list_app().TotalCount > 0));";
    let run = shops
        .jst(&["run", "s.rhai"], ["", ""], script)
        .env("JST_ENDPOINT", "http://127.0.0.1:9")
        .env("ALIBABA_CLOUD_ACCESS_KEY_ID", "fake-other")
        .env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "fake-other-secret");
    assert_eq!(run.run().ok(), "true\n");
}

#[test]
fn a_profile_of_the_vendors_files_is_one_too_and_goes_where_the_run_goes() {
    let b = shop("fake-key-b", &[]);
    let vendors = r#"{"current":"a","profiles":[{"name":"a","mode":"AK","access_key_id":"fake-key-a","access_key_secret":"fake-secret-a"},
        {"name":"b","mode":"AK","access_key_id":"fake-key-b","access_key_secret":"fake-secret-of-fake-key-b"}]}"#;
    let script = "print(try_call(\"ListApp\").error.error); print(with_profile(\"b\", || list_app().TotalCount > 0));";
    let ran = jst(["run", "s.rhai"])
        .file("s.rhai", script)
        .file(".aliyun/config.json", vendors)
        .env("JST_ENDPOINT", b.said("endpoint"))
        .run();
    assert_eq!(ran.ok(), "credentials\ntrue\n");
}

/// The journal's writes of the only run in it.
fn writes(shops: &Shops, journal: &std::path::Path, flags: &[&str]) -> (String, Vec<Value>) {
    let at = ["--journal", journal.to_str().unwrap(), "--output", "json"];
    let read = |args: &[&str]| -> Value {
        serde_json::from_str(&shops.jst(&[&at, args].concat(), ["", ""], "").run().ok()).unwrap()
    };
    let id = read(&["runs"])[0]["id"].as_str().unwrap().to_owned();
    let story = read(&[&["runs", &id], flags].concat());
    (id, story["writes"].as_array().unwrap().clone())
}

#[test]
fn the_journal_knows_whose_a_write_is_and_a_resumed_run_looks_there() {
    let script = "step(\"all\", || { scale_app(3002, 7); with_profile(\"shop-b\", || scale_app(3002, 9)); });";
    for verify in [false, true] {
        let shops = Shops::with(&["--fault", "ScaleApp:lost:first=1"]);
        let before = shops.replicas();
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("journal.db");
        let at = ["--journal", journal.to_str().unwrap(), "--timeout", "1s"];
        let script_file = folder.path().join("s.rhai");
        std::fs::write(&script_file, script).unwrap();
        let run = |args: &[&str]| shops.jst(&[&at, args].concat(), ["", ""], "").run();
        let ran = run(&["-v", "run", script_file.to_str().unwrap()]);
        assert_eq!(ran.code, Some(11), "{ran:#?}");
        assert!(ran.stderr.contains("it was a call of the profile shop-b"), "{ran:#?}");
        let flags: &[&str] = if verify { &["--verify"] } else { &[] };
        let (id, found) = writes(&shops, &journal, flags);
        let facts: Vec<[&str; 2]> =
            found.iter().map(|write| ["profile", "outcome"].map(|key| write[key].as_str().unwrap())).collect();
        assert_eq!(facts, [["shop-a", "applied"], ["shop-b", if verify { "applied" } else { "unknown" }]]);
        let ran = run(&["run", "--resume", &id]);
        assert_eq!(ran.code, Some(0), "{ran:#?}");
        assert_eq!((shops.replicas(), found.len()), ([7, 9], 2), "{before:?}");
        assert_eq!(writes(&shops, &journal, &[]).1.len(), 2);
    }
}

#[test]
fn a_write_whose_profile_is_gone_keeps_no_other_from_being_settled() {
    let fault = ["--fault", "ScaleApp:lost:first=1"];
    let shops = Shops { a: shop("fake-key-a", &fault), b: shop("fake-key-b", &fault) };
    let script =
        "step(\"all\", || { try { with_profile(\"shop-b\", || scale_app(3002, 9)); } catch { } scale_app(3002, 7); });";
    let folder = tempfile::tempdir().unwrap();
    let (journal, file) = (folder.path().join("journal.db"), folder.path().join("s.rhai"));
    std::fs::write(&file, script).unwrap();
    let at = ["--journal", journal.to_str().unwrap(), "--timeout", "1s"];
    let ran = shops.jst(&[&at[..], &["run", file.to_str().unwrap()]].concat(), ["", ""], "").run();
    assert_eq!(ran.code, Some(11), "{ran:#?}");
    let outcomes = || -> Vec<(String, String)> {
        let text = |write: &Value, key: &str| write[key].as_str().unwrap().to_owned();
        let (_, found) = writes(&shops, &journal, &[]);
        found.iter().map(|write| (text(write, "profile"), text(write, "outcome"))).collect()
    };
    let are = |wanted: [(&str, &str); 2]| wanted.map(|(profile, outcome)| (profile.to_owned(), outcome.to_owned()));
    assert_eq!(outcomes(), are([("shop-b", "unknown"), ("shop-a", "unknown")]));
    let (id, _) = writes(&shops, &journal, &[]);
    let only_a = shops.config("", "").split("[profiles.shop-b]").next().unwrap().to_owned();
    let ran = shops.jst(&[&at[..], &["runs", &id, "--verify"]].concat(), ["", ""], "").file(CONFIG, &only_a).run();
    assert_eq!(ran.code, Some(21), "{ran:#?}");
    assert!(ran.stderr.contains("there is no usable profile `shop-b`"), "{ran:#?}");
    assert_eq!(outcomes(), are([("shop-b", "unknown"), ("shop-a", "applied")]), "{ran:#?}");
}

#[test]
fn the_same_write_or_step_on_another_account_is_another() {
    let shops = Shops::new();
    let folder = tempfile::tempdir().unwrap();
    let (journal, file) = (folder.path().join("journal.db"), folder.path().join("s.rhai"));
    // The first part goes to one account and dies; the second begins with the other.
    let part = |order: &str, end: &str| {
        format!(
            "for name in {order} {{ with_profile(name, || step(\"scale\", || {{ scale_app(3002, 8); name }})); {end} }}"
        )
    };
    let run = |script: String, args: &[&str]| {
        std::fs::write(&file, script).unwrap();
        shops.jst(&[&["--journal", journal.to_str().unwrap()], args].concat(), ["", ""], "").run()
    };
    let ran = run(part("[\"shop-b\"]", "throw 1;"), &["run", file.to_str().unwrap()]);
    assert_eq!(ran.code, Some(1), "{ran:#?}");
    let id = writes(&shops, &journal, &[]).0;
    let ran = run(part("[\"shop-a\", \"shop-b\"]", ""), &["run", "--unprotected", "--resume", &id]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    let (_, found) = writes(&shops, &journal, &[]);
    let facts: Vec<[&str; 2]> =
        found.iter().map(|write| ["profile", "step"].map(|key| write[key].as_str().unwrap())).collect();
    assert_eq!(facts, [["shop-b", "scale @shop-b"], ["shop-a", "scale"]]);
    assert_eq!(shops.replicas(), [8, 8]);
}

#[test]
fn the_log_names_the_profile_of_a_call() {
    let shops = Shops::new();
    let script = "list_app(); with_profile(\"shop-b\", || list_app());";
    for (form, said) in [
        ("text", "operation=\"ListApp\" profile=\"shop-b\""),
        ("json", "\"operation\":\"ListApp\",\"profile\":\"shop-b\""),
    ] {
        let ran = shops.run(&["-v", "--log-format", form], ["", ""], script);
        let done: Vec<&str> = ran.stderr.lines().filter(|line| line.contains("ListApp")).collect();
        assert_eq!(done.iter().filter(|line| line.contains(said)).count(), 1, "{ran:#?}");
        assert_eq!((done.len(), done.iter().filter(|line| line.contains("profile")).count()), (2, 1), "{ran:#?}");
    }
}

#[test]
fn on_the_simulator_and_in_tests_each_profile_is_an_account_of_its_own() {
    let script = "with_profile(\"shop-b\", || scale_app(3002, 9)); let n = || describe_app_environment_detail(1001, 3002).Result.Replicas; print([n.call() == 9, with_profile(\"shop-b\", n), with_profile(\"shop-c\", n) == n.call()]);";
    let expected = "[false, 9, true]\n";
    assert_eq!(jst(["--sim", "run", "s.rhai"]).file("s.rhai", script).run().ok(), expected);
    // Its policy is that of config.toml there, too.
    let config = "[profiles.shop-b]\nread_only = true\n";
    let ran = jst(["--sim", "run", "s.rhai"]).file("s.rhai", script).file(CONFIG, config).run();
    assert_eq!(ran.code, Some(30), "{ran:#?}");
    let test = r#"
        import "std/testing" as t;
        fn test_of_two_shops() {
            let ran = t::run("s.rhai", []);
            t::assert_eq(ran.stdout, "[false, 9, true]\n");
            // The test itself sees the same accounts.
            t::assert_eq(with_profile("shop-b", || describe_app_environment_detail(1001, 3002).Result.Replicas), 9);
        }
    "#;
    let ran = jst(["test"]).file("s.rhai", script).file("s_test.rhai", test).run();
    assert!(ran.ok().ends_with("1 passed, 0 failed\n"));
    // One account on the simulator and another off it would be mixed up.
    let config = "[profiles.shop-a]\nsim = true\n[profiles.shop-b]\naccess_key_id = \"fake\"\naccess_key_secret = \"fake-secret\"\n";
    let ran = jst(["--profile", "shop-a", "run", "s.rhai"]).file("s.rhai", script).file(CONFIG, config).run();
    assert_eq!(ran.code, Some(21), "{ran:#?}");
    assert!(
        ran.stderr.contains("with_profile cannot go to shop-b: the run is on the simulator, and the profile is not"),
        "{ran:#?}"
    );
}

#[test]
fn a_person_is_told_that_an_account_is_one_of_production_where_it_matters() {
    const DELETE: &str = "delete_node_label(#{ ClusterId: \"c-demo-test\", LabelKey: \"label.jst.com/zone\", LabelValue: \"web\", Force: true })";
    let shops = Shops::new();
    let more = ["", "production = true"];
    let question = "LabelKey=label.jst.com/zone, LabelValue=web";
    // At the prompt of the account itself.
    let config = shops.config("", "production = true");
    let mut terminal = Terminal::sized(jst(["--profile", "shop-b", "repl"]).file(CONFIG, &config), 40, 200);
    terminal.wait_for("shop-b [production]> ");
    terminal.send(&format!("{DELETE}\r"));
    let asked = terminal.wait_for("[N]o: ");
    assert!(asked.contains("DeleteNodeLabel is destructive in shop-b [production]: "), "{asked}");
    terminal.send("n\r").wait_for("shop-b [production]> ");
    terminal.send("\x04").end();
    // On another account, whose yes for always is not this one's.
    let script = format!(
        "with_profile(\"shop-b\", || try_call(\"DeleteNodeLabel\", #{{}})); with_profile(\"shop-b\", || {DELETE}); {DELETE};"
    );
    let mut terminal = Terminal::sized(shops.jst(&["run", "s.rhai"], more, &script), 40, 200);
    let asked = terminal.wait_for("[N]o: ");
    assert!(asked.contains("DeleteNodeLabel is destructive in shop-b [production]: "), "{asked}");
    terminal.send("a\r");
    let asked = terminal.wait_for("[N]o: ");
    assert!(asked.contains("DeleteNodeLabel is destructive: ") && !asked.contains("shop-b ["), "{question}: {asked}");
    assert_eq!(terminal.send("n\r").end().0, Some(30));
    // By `jst call`.
    let words = ["--profile", "shop-b", "call", "DeleteAppDetail", "AppId=1012", "Force=true"];
    let mut terminal = Terminal::sized(jst(words).file(CONFIG, &config), 40, 200);
    let asked = terminal.wait_for("[N]o: ");
    assert!(asked.contains("DeleteAppDetail is destructive in shop-b [production]: "), "{asked}");
    assert_eq!(terminal.send("n\r").end().0, Some(30));
}

/// A run for many profiles of the simulator that goes on until it is ended; all have begun.
fn begun_for_all(script: &str) -> (std::process::Child, tempfile::TempDir) {
    let config = "[defaults]\nsim = true\n[profiles.a]\n[profiles.bee]\n";
    let run = jst(["run", "--profiles", "*", "s.rhai"]).file(CONFIG, config).file("s.rhai", script);
    let (mut child, home) = run.start();
    let mut out = std::io::BufReader::new(child.stdout.as_mut().unwrap());
    let mut lines: Vec<String> = (0..2)
        .map(|_| {
            let mut line = String::new();
            std::io::BufRead::read_line(&mut out, &mut line).unwrap();
            line
        })
        .collect();
    lines.sort_unstable();
    assert_eq!(lines, ["a   | begun\n", "bee | begun\n"]);
    (child, home)
}

fn signal(process: u32, signal: rustix::process::Signal) {
    let process = rustix::process::Pid::from_raw(i32::try_from(process).unwrap()).unwrap();
    rustix::process::kill_process(process, signal).unwrap();
}

/// The processes that a process started.
fn children(of: u32) -> Vec<u32> {
    let text = std::fs::read_to_string(format!("/proc/{of}/task/{of}/children")).unwrap();
    text.split_whitespace().map(|id| id.parse().unwrap()).collect()
}

#[test]
fn what_ends_a_run_for_many_profiles_ends_all_and_the_summary_is_told() {
    use rustix::process::Signal;
    let forever = "print(\"begun\"); loop {}";
    for (first, then, summary, code) in [
        (None, Signal::INT, "2 profiles: 0 done, 2 failed\n  a    exit 130\n  bee  exit 130\n", 130),
        (None, Signal::TERM, "2 profiles: 0 done, 2 failed\n  a    exit 143\n  bee  exit 143\n", 143),
        (Some(Signal::KILL), Signal::INT, "2 profiles: 0 done, 2 failed\n  a    exit 137\n  bee  exit 130\n", 130),
    ] {
        let (child, _home) = begun_for_all(forever);
        let started = children(child.id());
        assert_eq!(started.len(), 2);
        if let Some(first) = first {
            // One that dies of a signal leaves the other alone.
            signal(started[0], first);
        }
        signal(child.id(), then);
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code().map(|it| it == code || (first.is_some() && it == 137)), Some(true), "{told}");
        assert!(told.ends_with(summary), "{told}");
        for process in started {
            assert!(!std::path::Path::new(&format!("/proc/{process}")).exists(), "{process} is still there");
        }
    }
}

#[test]
fn long_lines_of_a_run_for_many_profiles_are_passed_on_whole_characters_at_a_time() {
    let config = "[defaults]\nsim = true\n[profiles.a]\n";
    let script = "let line = \"中\"; for n in 0..19 { line += line; } print(line); print(\"end\");";
    let out = jst(["run", "--profiles", "a", "s.rhai"]).file(CONFIG, config).file("s.rhai", script).run().ok();
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines.iter().all(|line| line.starts_with("a | ")) && lines.len() == 3, "{}", lines.len());
    let characters = lines[..2].iter().flat_map(|line| line[4..].chars());
    assert_eq!(characters.filter(|c| *c == '中').count(), 1 << 19);
    assert!(!out.contains('\u{fffd}') && lines[2] == "a | end");
}
