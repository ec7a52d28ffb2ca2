//! `jst test`: what it finds, what a test sees, and what it says of one that fails, to the letter.

use std::io::{BufRead as _, BufReader};
use std::path::Path;

use serde_json::Value;

use crate::readme::{fits, text_block};
use crate::support::{Jst, Ran, jst};
use crate::terminal::Terminal;

/// A file of tests, which import the module for them.
fn test_file(body: &str) -> String {
    format!("import \"std/testing\" as t;\n{body}")
}

/// `jst test` with a file `x_test.rhai` in its folder.
fn testing(body: &str, args: &[&str]) -> Jst {
    jst(["test"]).args(args).file("x_test.rhai", &test_file(body))
}

/// Stdout of tests that all pass.
fn pass(body: &str, count: usize) -> String {
    let out = testing(body, &[]).run().ok();
    assert_eq!(out.lines().last(), Some(format!("{count} passed, 0 failed").as_str()), "{out}");
    out
}

/// What is said of the one test of a file, which fails.
fn fail(body: &str) -> String {
    let ran = testing(&format!("fn test_a() {{\n{body}\n}}"), &[]).run();
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(4), ""), "{ran:#?}");
    let out = ran.stdout.strip_suffix("\n0 passed, 1 failed\n").unwrap_or_else(|| panic!("{}", ran.stdout));
    out.strip_prefix("FAIL  x_test.rhai test_a\n").unwrap_or_else(|| panic!("{out}")).to_owned()
}

#[test]
fn a_failing_test_shows_its_line_both_values_and_its_calls() {
    for (body, expected) in [
        (
            "scale_app(3002, 5);\nprint(\"scaled\");\nt::assert_eq(list_app().TotalCount, 11);",
            r#"error: the values differ
          got: 12
       wanted: 11
 --> x_test.rhai:5:4
  |
5 | t::assert_eq(list_app().TotalCount, 11);
  |    ^^^^^^^^^
calls since its start:
  ScaleApp of environment 3002 (Replicas=5): done
  ListApp: done
printed and logged:
  scaled
"#,
        ),
        (
            "let list = []; for n in 0..40 { list.push(n) }\nlet other = list + []; other[20] = \"x\";\nt::assert_eq(other, list);",
            r#"error: the values differ
       - wanted, + got
       @@ -19,7 +19,7 @@
          17,
          18,
          19,
       -  20,
       +  "x",
          21,
          22,
          23,
 --> x_test.rhai:5:4
  |
5 | t::assert_eq(other, list);
  |    ^^^^^^^^^
"#,
        ),
        (
            "t::assert(1 > 2, \"one is less\");",
            r#"error: one is less
 --> x_test.rhai:3:4
  |
3 | t::assert(1 > 2, "one is less");
  |    ^^^^^^
"#,
        ),
        (
            "t::assert(1);",
            r#"error: assert takes true or false, not 1
 --> x_test.rhai:3:4
  |
3 | t::assert(1);
  |    ^^^^^^
"#,
        ),
        (
            "t::assert_near(1.5, 1, 0.25);",
            r#"error: the values differ by more than 0.25
          got: 1.5
       wanted: 1
 --> x_test.rhai:3:4
  |
3 | t::assert_near(1.5, 1, 0.25);
  |    ^^^^^^^^^^^
"#,
        ),
        (
            "t::assert_throws(\"invalid\", || 1);",
            r#"error: nothing was thrown
       wanted: invalid
 --> x_test.rhai:3:4
  |
3 | t::assert_throws("invalid", || 1);
  |    ^^^^^^^^^^^^^
"#,
        ),
        (
            "t::assert_throws(\"api\", || throw \"no\");",
            r#"error: another error was thrown
          got: script: no
       wanted: api
 --> x_test.rhai:3:4
  |
3 | t::assert_throws("api", || throw "no");
  |    ^^^^^^^^^^^^^
"#,
        ),
        (
            "t::each([1, 2, 3], |n| t::assert(n == 2, `no ${n}`));",
            r#"error: 2 of 3 items of each failed
 --> x_test.rhai:3:4
  |
3 | t::each([1, 2, 3], |n| t::assert(n == 2, `no ${n}`));
  |    ^^^^
  |
  = note: 1: no 1 at x_test.rhai:3:27
  = note: 3: no 3 at x_test.rhai:3:27
"#,
        ),
        (
            "exit(0);",
            "error: the test called exit(0)\n |\n = help: `t::run` runs a script that ends with a code of its own\n",
        ),
        (
            "scale_app(3002, -1)",
            r#"error: ScaleApp was not sent: a parameter is wrong
 --> x_test.rhai:3:1
  |
3 | scale_app(3002, -1)
  | ^^^^^^^^^
  |
  = note: Replicas (-1) must be 0 or more
"#,
        ),
    ] {
        assert_eq!(fail(body), expected, "{body}");
    }
}

#[test]
fn tests_that_hold_pass() {
    pass(
        r#"
fn test_asserts() {
    t::assert(true);
    t::assert_eq(#{ a: [1, (), "x"] }, #{ a: [1, (), "x"] });
    t::assert_near(1, 1.2, 0.25);
    let error = t::assert_throws("invalid", || scale_app(3002, -1));
    t::assert_eq(error.outcome, "not_sent");
    t::assert_eq(t::assert_throws("mine", || throw #{ error: "mine", more: 7 }).more, 7);
    t::assert_throws("assertion", || t::assert(false));
    t::each([[1, 2], [2, 4]], |case| t::assert_eq(case[0] * 2, case[1]));
}
fn test_time() {
    t::assert_eq(now(), "2026-01-05T02:00:00Z");
    sleep(3600);
    t::advance("10m");
    t::advance(1.5);
    t::advance("1d");
    t::assert_eq(now(), "2026-01-06T03:10:01Z");
}
fn test_ledger() {
    t::assert_eq(t::ledger(), []);
    scale_app(3002, 5);
    list_app();
    let writes = t::ledger();
    t::assert_eq(writes.map(|write| [write.action, write.params]), [["ScaleApp", #{ EnvId: 3002, Replicas: 5 }]]);
}
fn test_faults() {
    t::faults(["ScaleApp:lost:first=1"]);
    t::assert_throws("unknown_outcome", || scale_app(3002, 5));
    t::assert_eq(t::faults()[0].applied, 1);
    t::assert_eq(t::ledger().len(), 1);
    t::faults([]);
    scale_app(3004, 4);
    t::assert_eq(t::assert_throws("invalid", || t::faults(["ScaleApp:los"])).error, "invalid");
}
fn test_world() {
    let world = t::world(#{ apps: #{ shop: #{ production: 2, test: 1 } }, nodes: 1, databases: #{ rm: ["orders"] } });
    t::assert_eq(world.envs.keys(), ["shop/production", "shop/test"]);
    t::assert_eq(list_app().Data.map(|app| app.AppId), [world.apps.shop]);
    t::assert_eq(world.nodes, #{ production: ["i-0001"], test: ["i-0002"] });
    t::assert_eq(describe_databases(world.databases[0]).Result.Databases.map(|db| db.DBName), ["orders"]);
    t::assert_eq(t::ledger(), []);
    t::assert_throws("invalid", || t::world(#{ app: 1 }));
    t::world("demo");
    t::assert_eq(list_app().TotalCount, 12);
}
"#,
        5,
    );
}

/// The examples in the module's comments, each in a test of the name of its function.
#[test]
fn the_examples_of_the_module_hold() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("stdlib/testing.rhai")).unwrap();
    let (mut tests, mut example, mut count) = (String::new(), None::<String>, 0);
    for line in text.lines() {
        match (line.strip_prefix("///").map(|rest| rest.strip_prefix(' ').unwrap_or(rest)), &mut example) {
            (Some("```rhai"), None) => example = Some(String::new()),
            (Some("```"), Some(lines)) => {
                tests.push_str(&format!("fn test_{count}() {{\n{lines}}}\n"));
                (example, count) = (None, count + 1);
            }
            (Some(line), Some(lines)) => lines.push_str(&format!("    {line}\n")),
            _ => {}
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("examples_test.rhai");
    std::fs::write(&file, test_file(&tests)).unwrap();
    let out = jst(["test", file.to_str().unwrap()]).in_folder(root).run().ok();
    assert!(count >= 12 && out.ends_with(&format!("\n{count} passed, 0 failed\n")), "{out}");
}

#[test]
fn a_test_sees_nothing_of_another() {
    let secret = "fake-Passw0rd-of-a-test";
    let body = format!(
        r#"
const LOG = [];
fn scaled() {{ t::ledger().len() }}
fn test_a() {{
    scale_app(3002, 5);
    try {{ create_cluster(#{{ Password: "{secret}" }}); }} catch {{ }}
    log::info("a knows {secret}");
    t::assert_eq(scaled(), 1);
    t::assert(false);
}}
fn test_b() {{
    t::assert_eq(scaled(), 0);
    log::info("b does not: " + "{}" + "{}");
    t::assert(false);
}}
"#,
        &secret[..8],
        &secret[8..]
    );
    let out = testing(&body, &[]).run().stdout;
    assert!(out.contains("INFO a knows ****\n") && out.contains(&format!("INFO b does not: {secret}\n")), "{out}");
    assert!(out.ends_with("0 passed, 2 failed\n"), "{out}");
    let limits =
        "fn test_a() { let all = []; loop { all.push(\"x\" + all.len()); } }\nfn test_b() { t::assert(true); }";
    let out = testing(limits, &["--max-memory", "16"]).run().stdout;
    assert!(out.contains("error: the script held more than 16 MB of memory\n"), "{out}");
    assert!(out.ends_with("ok    x_test.rhai test_b\n1 passed, 1 failed\n"), "{out}");
}

#[test]
fn a_test_runs_scripts_on_its_account_and_clock() {
    let script = r#"
let begun = now();
sleep(600);
scale_app(3002, args.len());
log::info("scaled");
print(`${args} ${begun}`);
if args.contains("no") { exit(65) }
if args.contains("bad") { 1.delete_environment_of_nobody() }
"#;
    let body = r#"
fn test_run() {
    let ran = t::run("jobs/scale.rhai", ["a", 2]);
    t::assert_eq(ran, #{
        code: 0,
        stdout: "[\"a\", \"2\"] 2026-01-05T02:00:00Z\n",
        stderr: "2026-01-05T02:10:00.010000Z  INFO scaled\n",
    });
    t::assert_eq(now(), "2026-01-05T02:10:00Z");
    t::assert_eq(t::ledger()[0].params.Replicas, 2);
    t::assert_eq(t::run("jobs/scale.rhai", ["no"]).code, 65);
}
fn test_ends_as_jst_run_does() {
    let ran = t::run("jobs/scale.rhai", ["bad"]);
    t::assert_eq([ran.code, ran.stderr.contains("error: there is no function `delete_environment_of_nobody`")], [1, true]);
    let ran = t::run("jobs/scale.rhai", [], #{ flags: ["--read-only"] });
    t::assert_eq([ran.code, ran.stderr.contains("ScaleApp was not sent: --read-only allows reads only")], [30, true]);
    let ran = t::run("jobs/scale.rhai", ["--read-only"]);
    t::assert_eq([ran.code, ran.stderr.contains("`--read-only` is a flag of jst")], [2, true]);
    let ran = t::run("jobs/scale.rhai", [], #{ flags: ["--nope"] });
    t::assert_eq([ran.code, ran.stdout], [2, ""]);
}
fn test_files_and_variables() {
    let file = t::file("in/list.txt", "one");
    let ran = t::run("jobs/read.rhai", [file], #{ env: #{ SHOP: "west" }, flags: ["--allow-env", "SHOP"] });
    t::assert_eq([ran.code, ran.stdout], [0, "one west\n"]);
    t::assert_throws("invalid", || t::file("../x", ""));
}
fn test_refuses() {
    t::assert_eq(t::assert_throws("io", || t::run("nope.rhai")).message, "there is no script nope.rhai, nor nope.rhai");
    t::assert_throws("invalid", || t::run("Cargo.toml"));
    t::assert_throws("invalid", || t::run("jobs/scale.rhai", "a"));
    let error = t::assert_throws("invalid", || t::run("jobs/scale.rhai", [], #{ flag: [] }));
    t::assert_eq([error.message, error.hints], ["run has no option `flag`; it has flags and env", ["did you mean `flags`?"]]);
}
"#;
    let ran = testing(body, &[])
        .file("jobs/scale.rhai", script)
        .file("jobs/read.rhai", "print(read_file(args[0]) + \" \" + env(\"SHOP\"));")
        .run();
    assert_eq!(ran.ok().lines().last(), Some("4 passed, 0 failed"));
}

#[test]
fn tests_are_found_by_their_names() {
    let a = test_file("fn helper() { 1 }\nfn test_b() { t::assert_eq(helper(), 1); }\nfn test_a() { }");
    let folder = || {
        jst(["test"])
            .file("one_test.rhai", &a)
            .file("deep/er/two_test.rhai", &a)
            .file("deep/no.rhai", "fn test_no() { }")
            .file(".hidden/three_test.rhai", &a)
    };
    let all = [
        "ok    deep/er/two_test.rhai test_b",
        "ok    deep/er/two_test.rhai test_a",
        "ok    one_test.rhai test_b",
        "ok    one_test.rhai test_a",
    ];
    let cases: [(&[&str], &[&str]); 6] = [
        (&[], &all),
        (&["--jobs", "1"], &all),
        (&["deep"], &all[..2]),
        (&["one_test.rhai", ".", "./one_test.rhai"], &[all[2], all[3], all[0], all[1]]),
        (&["--filter", "test_a"], &[all[1], all[3]]),
        (&["deep/no.rhai"], &["ok    deep/no.rhai test_no"]),
    ];
    for (args, expected) in cases {
        let out = folder().args(args).run().ok();
        let lines: Vec<&str> = out.lines().collect();
        let (last, lines) = lines.split_last().unwrap();
        assert_eq!(lines, expected, "{args:?}");
        assert_eq!(*last, format!("{} passed, 0 failed", expected.len()));
    }
    let shuffled = |seed: &str| folder().args(&["--shuffle", seed]).run().ok();
    assert_eq!(shuffled("3"), shuffled("3"));
    assert!((0..9).any(|seed: u8| shuffled(&seed.to_string()) != folder().run().ok()));
}

#[test]
fn what_cannot_be_tested_is_an_error() {
    let none = "error: no test was found in .\n |\n = help: tests are functions `test_…` in files `*_test.rhai`\n";
    let cases: [(&str, &[&str], i32, &str, &str); 8] = [
        ("y.rhai", &[], 4, "0 passed, 0 failed\n", none),
        (
            "x_test.rhai",
            &["--filter", "zzz"],
            4,
            "0 passed, 0 failed\n",
            "error: no test's name holds `zzz`\n |\n = help: leave --filter out to run all\n",
        ),
        ("x_test.rhai", &["nope"], 1, "", "error: cannot read nope: No such file or directory (os error 2)\n"),
        (
            "x_test.rhai",
            &["--report", "x.txt"],
            2,
            "",
            "error: invalid value 'x.txt' for '--report <FILE>': its name must end with .xml (JUnit), .json or .tap\n\nFor more information, try '--help'.\n",
        ),
        (
            "empty_test.rhai",
            &["empty_test.rhai"],
            4,
            "FAIL  empty_test.rhai\nerror: empty_test.rhai has no test\n |\n = help: a test is a function whose name begins with test_: fn test_scales() { … }\n\n0 passed, 1 failed\n",
            "",
        ),
        (
            "takes_test.rhai",
            &["takes_test.rhai"],
            4,
            "FAIL  takes_test.rhai\nerror: takes_test.rhai:2: test_a takes parameters\n |\n = help: a test takes none; `t::each(cases, |case| …)` runs one for many cases\n\n0 passed, 1 failed\n",
            "",
        ),
        ("wrong_test.rhai", &["wrong_test.rhai"], 4, "FAIL  wrong_test.rhai\nerror: a `)` is missing\n", ""),
        (
            "x_test.rhai",
            &["--jobs", "0"],
            2,
            "",
            "error: invalid value '0' for '--jobs <N>': 0 is not in 1..=256\n\nFor more information, try '--help'.\n",
        ),
    ];
    for (name, args, code, out, err) in cases {
        let text = match name {
            "empty_test.rhai" => "fn tests() { }",
            "takes_test.rhai" => "\nfn test_a(x) { }",
            "wrong_test.rhai" => "fn test_a() { print(1; }",
            _ => "fn test_a() { }",
        };
        let Ran { code: ended, stdout, stderr } = jst(["test"]).args(args).file(name, text).run();
        assert_eq!(ended, Some(code), "{args:?}: {stdout}{stderr}");
        if name == "wrong_test.rhai" {
            assert!(
                stdout.starts_with("FAIL  wrong_test.rhai\nerror: ") && stdout.ends_with("0 passed, 1 failed\n"),
                "{stdout}"
            );
        } else {
            assert_eq!((stdout.as_str(), stderr.as_str()), (out, err), "{args:?}");
        }
    }
    let ran = jst(["run", "--sim", "-"]).stdin("import \"std/testing\" as t;").run();
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.stderr.starts_with("error: cannot import: `std/testing` is for tests: `jst test` runs them\n"),
        "{ran:#?}"
    );
}

#[test]
fn a_test_that_hangs_is_ended_and_says_what_it_did() {
    let ran =
        testing("fn test_a() { list_app(); print(\"in\"); loop { } }\nfn test_b() { }", &["--test-timeout", "1s"])
            .run();
    let expected = "FAIL  x_test.rhai test_a
error: the test took longer than 1 s and was ended
 |
 = help: --test-timeout gives each test more; waiting by `sleep` takes no time in a test
calls since its start:
  ListApp: done
printed and logged:
  in

ok    x_test.rhai test_b
1 passed, 1 failed
";
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(4), expected));
}

#[test]
fn the_first_failure_can_be_the_last() {
    let body = "fn test_a() { }\nfn test_b() { t::assert(false) }\nfn test_c() { }\nfn test_d() { }";
    let ran = testing(body, &["--fail-fast", "--jobs", "1"]).run();
    assert_eq!(ran.code, Some(4));
    assert!(ran.stdout.ends_with("\n2 not run, as one failed\n1 passed, 1 failed\n"), "{}", ran.stdout);
}

#[test]
fn snapshots_are_kept_when_that_is_asked_for_and_never_where_nobody_looks() {
    let body = "fn test_a() { scale_app(3002, 5); t::snapshot(\"scaled\", t::ledger()); }";
    let kept = r#"[
  {
    "action": "ScaleApp",
    "code": 0,
    "params": {
      "EnvId": 3002,
      "Replicas": 5
    },
    "request_id": "<id 1>",
    "time": "<time 1>"
  }
]
"#;
    let ran = testing(body, &[]).run();
    let expected =
        "error: there is no snapshot snapshots/x_test/scaled.snap yet: `jst test --update` keeps this value\n";
    assert!(ran.stdout.contains(expected) && ran.code == Some(4), "{ran:#?}");

    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x_test.rhai"), test_file(body)).unwrap();
    let file = folder.path().join("snapshots/x_test/scaled.snap");
    let run = |args: &[&str]| jst(["test"]).args(args).in_folder(folder.path());
    let ran = run(&["--update"]).env("CI", "true").run();
    assert_eq!((ran.code, file.exists()), (Some(2), false));
    assert!(ran.stderr.starts_with("error: --update is refused where the variable CI is set\n"), "{ran:#?}");
    run(&["--update"]).run().ok();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), kept);
    run(&[]).env("CI", "true").run().ok();

    std::fs::write(folder.path().join("snapshots/x_test/old.snap"), "").unwrap();
    let out = run(&[]).run().ok();
    assert_eq!(out, "ok    x_test.rhai test_a\nunused snapshot: snapshots/x_test/old.snap\n1 passed, 0 failed\n");
    std::fs::write(&file, kept.replace("5", "4")).unwrap();
    let out = run(&[]).run().stdout;
    assert!(out.contains("-      \"Replicas\": 4\n       +      \"Replicas\": 5\n"), "{out}");
}

#[test]
fn other_programs_read_what_became_of_tests() {
    let body = "fn test_a() { print(\"<a>\"); }\nfn test_b() { t::assert(false, \"x < y\"); }\nfn test_c() { }";
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x_test.rhai"), test_file(body)).unwrap();
    let reports = ["--report", "r.xml", "--report", "r.json", "--report", "r.tap", "--fail-fast", "--jobs", "1"];
    let ran = jst(["test"]).args(&reports).in_folder(folder.path()).run();
    assert_eq!(ran.code, Some(4), "{ran:#?}");
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let report: Value = serde_json::from_str(&read("r.json")).unwrap();
    let outcomes: Vec<&str> =
        report["tests"].as_array().unwrap().iter().map(|test| test["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["passed", "failed", "not_run"]);
    assert_eq!((&report["tests"][1]["message"], &report["tests"][0]["said"]), (&"x < y".into(), &"<a>\n".into()));
    let xml = read("r.xml");
    let of = |line: usize| regex_free(xml.lines().nth(line).unwrap());
    assert_eq!(of(1), r#"<testsuites tests="3" failures="1" skipped="1">"#);
    assert_eq!(of(3), r#"<testcase classname="x_test.rhai" name="test_a" time="T"><system-out>&lt;a&gt;"#);
    assert!(
        of(5).starts_with(r#"<testcase classname="x_test.rhai" name="test_b" time="T"><failure message="x &lt; y">"#),
        "{xml}"
    );
    assert!(xml.contains(r#"name="test_c" time="0.000"><skipped/></testcase>"#), "{xml}");
    let tap = read("r.tap");
    assert!(tap.starts_with("TAP version 14\n1..3\nok 1 - x_test.rhai test_a\nnot ok 2 - x_test.rhai test_b\n  ---\n  message: |\n    error: x < y\n"), "{tap}");
    assert!(tap.ends_with("  ...\nok 3 - x_test.rhai test_c # SKIP not run\n"), "{tap}");
}

/// A line with a letter in the place of the time that a test took.
fn regex_free(line: &str) -> String {
    let Some((before, rest)) = line.split_once(" time=\"") else { return line.to_owned() };
    format!("{before} time=\"T{}", &rest[rest.find('"').unwrap()..])
}

#[test]
fn coverage_names_the_lines_and_calls_that_no_test_reached() {
    let script = "import \"part\" as part;
if args.len() > 0 {
    scale_app(3002, 5);
} else {
    let apps = paginate(\"ListApp\", #{});
    scale_app(3002,
        list_app().TotalCount);
}
part::twice(2);
";
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("s.rhai", script);
    write("part.rhai", "fn twice(n) {\n    n * 2\n}\nfn never() {\n    let x = 1;\n    x\n}\n");
    write(
        "x_test.rhai",
        &test_file("fn test_a() { t::run(\"s.rhai\", [1]); }\nfn test_b() { t::run(\"s.rhai\", [1]); }"),
    );
    let out = jst(["test", "--coverage=c.lcov"]).in_folder(folder.path()).run().ok();
    let expected = "ok    x_test.rhai test_a
ok    x_test.rhai test_b
coverage:
  part.rhai: 1 of 3 lines (33.3 %), 0 of 0 calls
    lines that did not run: 5-6
  s.rhai: 4 of 6 lines (66.7 %), 1 of 4 calls
    lines that did not run: 5-6
    calls that were not made: ListApp at 5, ScaleApp at 6, ListApp at 7
2 passed, 0 failed
";
    assert_eq!(out, expected);
    let lcov = std::fs::read_to_string(folder.path().join("c.lcov")).unwrap();
    assert!(
        lcov.contains("SF:s.rhai\nBRDA:3,0,0,2\nBRDA:5,0,1,0\nBRDA:6,0,2,0\nBRDA:7,0,3,0\nBRF:4\nBRH:1\nDA:1,2\n"),
        "{lcov}"
    );
}

/// A script, and a test that wants it to print 2.
fn watched(printed: u8) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("jobs")).unwrap();
    std::fs::write(folder.path().join("jobs/s.rhai"), format!("print({printed});")).unwrap();
    let test = test_file("fn test_a() { t::assert_eq(t::run(\"jobs/s.rhai\").stdout, \"2\\n\"); }");
    std::fs::write(folder.path().join("x_test.rhai"), test).unwrap();
    folder
}

#[test]
fn watching_runs_them_again_when_a_script_changes() {
    let folder = watched(1);
    let (mut child, _home) = jst(["test", "--watch"]).in_folder(folder.path()).start();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut until = |wanted: &str| lines.by_ref().any(|line| line == wanted);
    assert!(until("0 passed, 1 failed") && until("waiting for a change; Ctrl-C ends it"));
    std::fs::write(folder.path().join("jobs/s.rhai"), "print(2); ").unwrap();
    assert!(until("1 passed, 0 failed"));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn watching_at_a_terminal_ends_with_ctrl_c() {
    const WAITING: &str = "waiting for a change; Ctrl-C ends it";
    let folder = watched(2);
    let mut terminal = Terminal::new(jst(["test", "--watch"]).in_folder(folder.path()));
    assert!(terminal.wait_for(WAITING).contains("\n1 passed, 0 failed\r\n"));
    std::fs::write(folder.path().join("jobs/s.rhai"), "print(1); ").unwrap();
    assert!(terminal.wait_for(WAITING).contains("\n0 passed, 1 failed\r\n"));
    // What is no script at all is told, too, and is no reason to end.
    std::fs::write(folder.path().join("x_test.rhai"), "fn test_a( {").unwrap();
    assert!(terminal.wait_for(WAITING).contains("\n0 passed, 1 failed\r\n"));
    // By the signal itself: nothing has to be put away while it waits.
    assert_eq!(terminal.send("\x03").end().0, None);
}

#[test]
fn a_test_may_do_what_its_run_is_granted() {
    let body = "fn test_a() { t::assert_eq(env(\"SHOP\"), \"west\"); t::assert_eq(read_file(\"in.txt\"), \"one\"); }";
    let granted = ["--allow-env", "SHOP", "--allow-read", "in.txt"];
    testing(body, &granted).file("in.txt", "one").env("SHOP", "west").run().ok();
    let ran = testing(body, &[]).env("SHOP", "west").run();
    assert!(ran.stdout.contains("error: the script may not read the environment variable SHOP\n"), "{ran:#?}");
    // So may its closures on threads, and scripts that it runs.
    let body = "fn test_a() { parallel([1], 2, |n| append_file(\"out/a\", `${n}`)); t::assert_eq(t::run(\"w.rhai\").code, 0); }";
    let write =
        |args: &[&str]| testing(body, args).file("w.rhai", "write_file(\"out/b\", \"x\");").file("out/c", "").run();
    write(&["--allow-write", "out"]).ok();
    assert!(write(&[]).stdout.contains("help: add --allow-write out/a\n"), "{:#?}", write(&[]));
    let body = "fn test_a() { t::assert_throws(\"network\", || http_get(\"http://127.0.0.1:9\")); }";
    testing(body, &["--allow-net", "127.0.0.1"]).run().ok();
    // What is set around is none of a test's.
    testing("fn test_a() { scale_app(3002, 5); }", &[]).env("JST_READ_ONLY", "1").run().ok();
    assert!(!Path::new("x_test.rhai").exists());
}

#[test]
fn the_librarys_tests_pass() {
    let ran = jst(["test", "stdlib"]).in_folder(Path::new(env!("CARGO_MANIFEST_DIR"))).run();
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
}

/// What the chapter on tests shows: a script, its tests, one of which fails, and the way to mend it.
#[test]
fn a_newcomer_sees_a_test_fail_and_mends_it() {
    let script = text_block("let env = parse_int(args[0]);");
    let tests = text_block("import \"std/testing\" as t;");
    let shown = text_block("$ jst test");
    let run = |tests: &str| jst(["test"]).file("close_early.rhai", &script).file("close_early_test.rhai", tests).run();
    let ran = run(&tests);
    assert_eq!(ran.code, Some(4), "{ran:#?}");
    let lines = |text: &str| text.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
    let (expected, said) = (lines(&shown), lines(&ran.stdout));
    let expected: Vec<&str> = expected.iter().skip(1).map(String::as_str).collect();
    assert!(fits(&expected, &said.iter().map(String::as_str).collect::<Vec<_>>()), "{}", ran.stdout);
    let ran = run(&tests.replace("[3002]).code, 0);\n}", "[3002]).code, 11);\n}"));
    assert_eq!((ran.code, ran.stdout.lines().last()), (Some(0), Some("3 passed, 0 failed")), "{ran:#?}");
}
