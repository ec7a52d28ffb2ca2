//! Scripts beside their expected output, found by walking `tests/scripts`: `x.rhai` is run on the
//! simulator and must print `x.out` to the letter. A line `// run: …` names another script, `// jst: …` its
//! arguments, `// flags: …` flags of jst, and `// exit: N` another exit code than 0.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{Behaviour, Server, Simulator, jst};

fn scripts(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            scripts(&path, found);
        } else if path.extension().is_some_and(|e| e == "rhai") {
            found.push(path);
        }
    }
}

#[test]
fn scripts_print_what_stands_beside_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    scripts(&root.join("tests/scripts"), &mut found);
    assert!(!found.is_empty());
    for script in found {
        let text = std::fs::read_to_string(&script).unwrap();
        let directive = |name: &str| text.lines().find_map(|line| line.strip_prefix(&format!("// {name}: ")));
        let more = directive("jst").unwrap_or_default();
        let file = directive("run").unwrap_or(script.to_str().unwrap());
        let flags = directive("flags").unwrap_or_default().split_whitespace();
        let args = ["run", "--sim", "-q"].into_iter().chain(flags).chain([file]).chain(more.split_whitespace());
        let ran = jst(args).in_folder(root).run();
        let code = directive("exit").map_or(0, |code| code.parse().unwrap());
        assert_eq!(ran.code, Some(code), "{}: {ran:#?}", script.display());
        let expected = std::fs::read_to_string(script.with_extension("out"))
            .unwrap_or_else(|error| panic!("{} has no .out beside it: {error}", script.display()));
        assert_eq!(ran.stdout, expected, "{}: {}", script.display(), ran.stderr);
    }
}

#[test]
fn batch_scale_without_arguments_scales_the_demo_account() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ran = jst(["run", "--sim", "scripts/batch_scale.rhai"]).in_folder(root).run();
    // Which of the two gets its deploy order first is open: both are asked for at once.
    assert!(ran.stderr.contains("2 environments, 2 done"), "{ran:#?}");
    // A table, and nothing but the table.
    let out = ran.ok();
    let rows: Vec<&str> = out.lines().skip(2).collect();
    assert!(rows.len() == 2 && rows.iter().all(|row| row.trim_end().ends_with("done")), "{out}");
    assert!(!out.contains('{'), "{out}");
}

/// The JSON that a run printed last.
fn last_json(out: &str) -> Value {
    serde_json::from_str(out.lines().last().unwrap()).unwrap()
}

fn script(name: &str) -> String {
    format!("{}/scripts/{name}.rhai", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn backup_audit_reports_every_instance_that_it_cannot_read() {
    let audit = script("backup_audit");
    let sim = Simulator::new(&["--fault", "GetRdsBackUp:refusal:code=10500:text=busy:count=2"]);
    let ids = "rm-demo-0001,rm-demo-0002,rm-none";
    let ran = sim.jst(&["run", "-q", &audit, "--instance", ids, "--parallel", "1", "--json"]).run();
    assert_eq!(ran.code, Some(4), "{ran:#?}");
    let said = last_json(&ran.stdout);
    let unread: Vec<&Value> = said["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["Finding"].as_str().unwrap().starts_with("cannot be read"))
        .collect();
    let serious = |id: &str, finding: &str| json!({"Rank": "serious", "Instance": id, "Finding": finding});
    assert_eq!(
        unread,
        [
            &serious("rm-demo-0002", "cannot be read: busy"),
            &serious("rm-none", "cannot be read: 请求失败: RDS instance rm-none does not exist"),
        ]
    );
    assert_eq!(said["counts"]["instances"], 3);
}

#[test]
fn backup_audit_trusts_no_backup_that_the_service_does_not_call_good() {
    let backup = |at: &str, status: &str, meta: &str| json!({"BackupId": at, "BackupStartTime": at, "BackupStatus": status, "BackupType": "FullBackup", "MetaStatus": meta});
    let table = [
        (json!([]), "there is no good full backup"),
        (
            json!([backup("2026-01-03 04:40:00", "Failed", "OK"), backup("2026-01-04 04:40:00", "Success", "EMPTY")]),
            "there is no good full backup",
        ),
        (json!([backup("2026-01-04T20:40:00Z", "Success", "OK")]), "the newest good full backup is 100.0 hours old"),
        (json!([backup("2099-01-04 04:40:00", "Success", "OK")]), "backups from the future: 2099-01-04"),
        (
            json!([backup("last night", "Success", "OK")]),
            "cannot be read: parse_time was given `last night`, which is no time",
        ),
    ];
    for (items, expected) in table {
        let count = items.as_array().unwrap().len().to_string();
        let reply = json!({"Code": 0, "RequestId": "R", "Result": {"TotalRecordCount": count, "Items": items}});
        let server = Server::new(vec![Behaviour::Answer(200, "", reply.to_string())]);
        let args = ["--endpoint", &server.url(), "run", "-q", &script("backup_audit"), "--instance", "rm-1", "--json"];
        let ran = jst(args).fake_key().run();
        assert_eq!(ran.code, Some(4), "{ran:#?}");
        let finding = last_json(&ran.stdout)["findings"][0]["Finding"].as_str().unwrap().to_owned();
        let age = finding.split(' ').find(|word| word.parse::<f64>().is_ok());
        assert_eq!(age.map_or(finding.clone(), |age| finding.replace(age, "100.0")), expected);
    }
}

#[test]
fn scripts_refuse_what_is_no_choice_before_anything_is_sent() {
    let server = Server::new(vec![Behaviour::Close]);
    let table: [(&str, &[&str], i32, &str); 10] = [
        ("batch_scale", &["--replicas", "0", "--app", "", "--env-type", "production"], 64, "--app needs a value"),
        ("batch_scale", &["--replicas", "0", "--app", ",", "--all"], 64, "--app needs a value"),
        ("batch_scale", &["--replicas", "0", "--env-type", ""], 64, "--env-type needs a value"),
        ("batch_scale", &["--replicas", "-1", "--all"], 64, "--replicas takes 0 or more"),
        ("batch_scale", &["--replicas", "1", "--all", "--every", "1e300"], 64, "--every takes 3600 or less"),
        ("batch_scale", &["--replicas", "1", "--all", "--limit", "nan"], 64, "--limit takes a number"),
        ("batch_scale", &["--replicas", "1", "--all", "--max-failed", "-1"], 64, "--max-failed takes 0 or more"),
        ("backup_audit", &["--instance", "rm-1", "--max-age", "NaN"], 64, "--max-age takes a number"),
        ("backup_audit", &["--instance", "rm-1", "--jump", "inf"], 64, "--jump takes a number"),
        // No finding about an instance.
        ("backup_audit", &["--instance", "rm-1"], 20, "there are no credentials"),
    ];
    for (name, args, code, says) in table {
        let ran = jst(["--endpoint", &server.url(), "run", &script(name)]).args(args).run();
        assert_eq!(ran.code, Some(code), "{args:?} {ran:#?}");
        assert!(ran.stderr.contains(says), "{args:?} {ran:#?}");
    }
    assert_eq!(server.requests(), [""; 0]);
}

#[test]
fn batch_scale_is_not_content_with_what_a_failed_rollout_left() {
    let sim = Simulator::new(&["--pace", "3600x", "--fault", "ScaleApp:fail-at:first=1"]);
    for note in ["deploy order ended: 失败", "it has the replicas, but its last deploy order ended: 失败"] {
        let args =
            ["run", "-q", &script("batch_scale"), "--env", "3002", "--replicas", "7", "--every", "0.01", "--json"];
        let ran = sim.jst(&args).run();
        assert_eq!(ran.code, Some(65), "{ran:#?}");
        let row = &last_json(&ran.stdout)["environments"][0];
        assert!(row["State"] == "failed" && row["Note"].as_str().unwrap().starts_with(note), "{row}");
    }
}

#[test]
fn batch_scale_does_not_take_anothers_deploy_order_for_its_own() {
    let answer = |more: Value| {
        let mut reply = json!({"Code": 0, "RequestId": "R"});
        reply.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Behaviour::Answer(200, "", reply.to_string())
    };
    let apps = answer(json!({"Data": [{"AppId": 1, "Title": "shop"}], "TotalCount": 1}));
    let envs = json!({"Data": [{"AppId": 1, "EnvId": 2, "EnvName": "main", "EnvType": 1}], "TotalCount": 1});
    let detail = answer(json!({"Result": {"AppId": 1, "EnvId": 2, "Replicas": 3}}));
    let none = answer(json!({"Data": [], "TotalCount": 0}));
    let server = Server::new(vec![
        // Clusters and allocations.
        none.clone(),
        apps.clone(),
        apps,
        none.clone(),
        answer(envs),
        detail.clone(),
        // There is no deploy order before ours.
        none,
        // The answer to ScaleApp is lost, and the one order that is under way is not ours.
        Behaviour::Close,
        answer(json!({"Data": [{"DeployOrderId": 9, "Status": 1}], "TotalCount": 1})),
        answer(json!({"Result": {"DeployOrderId": 9, "Status": 3, "Result": 1}})),
        detail,
    ]);
    // Nor does anything beside the script look.
    let args = ["--endpoint", &server.url(), "--no-journal", "run", "-q", &script("batch_scale")];
    let more = ["--env", "2", "--replicas", "9", "--every", "0", "--json"];
    let ran = jst(args).args(&more).fake_key().run();
    assert_eq!(ran.code, Some(65), "{ran:#?}");
    let row = &last_json(&ran.stdout)["environments"][0];
    assert_eq!((&row["State"], &row["Note"]), (&json!("failed"), &json!("it has 3 replicas after deploy order 9")));
    assert_eq!(server.requests().iter().filter(|request| request.contains("Action=ScaleApp&")).count(), 1);
}

#[test]
fn a_list_that_changes_while_it_is_read_is_no_choice() {
    let page = |ids: &[i64], total: i64| {
        let records: Vec<Value> = ids.iter().map(|id| json!({"AppId": id, "Title": format!("app {id}")})).collect();
        Behaviour::Answer(200, "", json!({"Code": 0, "Data": records, "TotalCount": total}).to_string())
    };
    let table = [
        (vec![page(&[1, 2], 4), page(&[2, 3], 4)], "ListApp changed while it was read: AppId 2 came twice"),
        (vec![page(&[1, 2], 4), page(&[4], 3), page(&[1], 4)], "ListApp changed while it was read: 3 of 4 came"),
    ];
    for (pages, says) in table {
        let server = Server::new(pages);
        let code = r#"import "std/fleet" as fleet; fleet::apps()"#;
        let ran = jst(["--endpoint", &server.url(), "-q", "eval", code]).fake_key().run();
        assert_eq!(ran.code, Some(1), "{ran:#?}");
        assert!(ran.stderr.contains(says), "{ran:#?}");
    }
}

/// A declaration of labels of the demo account's production cluster.
fn declared(nodes: &Value) -> String {
    json!({"cluster": "c-demo-prod", "nodes": nodes}).to_string()
}

#[test]
fn node_label_changes_nothing_the_second_time() {
    let sim = Simulator::new(&[]);
    let bound = || {
        let list = r#"paginate("ListNodeLabelBindings", #{ ClusterId: "c-demo-prod" }).to_array()
            .map(|b| `${b.InstanceId} ${b.LabelKey}=${b.LabelValue}`)"#;
        let mut bound: Vec<String> = serde_json::from_str(&sim.jst(&["eval", list]).run().ok()).unwrap();
        bound.sort();
        bound
    };
    let label = |more: &[&str]| {
        let args = ["run", "-q", "--allow-read", ".", &script("node_label"), "--file", "labels.json", "--json"];
        let nodes = json!({
            "i-demo-0001": {"label.jst.com/zone": "gold", "label.jst.com/tier": "a"},
            "i-demo-0002": {"label.jst.com/zone": "web"},
            "i-demo-0005": {},
        });
        let out = sim.jst(&args).args(more).file("labels.json", &declared(&nodes)).run().ok();
        let said = last_json(&out);
        let changes: Vec<String> = said["changes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|change| {
                let field = |name: &str| change[name].as_str().unwrap();
                format!("{} {} {}={} {}", field("Change"), field("Node"), field("Key"), field("Value"), field("State"))
            })
            .collect();
        changes
    };
    let difference = |state: &str| {
        [
            "+ bind i-demo-0001 label.jst.com/tier=a",
            "- unbind i-demo-0001 label.jst.com/zone=web",
            "+ bind i-demo-0001 label.jst.com/zone=gold",
            "- unbind i-demo-0005 label.jst.com/zone=job",
        ]
        .map(|change| format!("{change} {state}"))
    };
    let before = bound();
    assert_eq!(label(&["--dry-run"]), difference("planned"));
    assert_eq!(bound(), before);
    assert_eq!(label(&[]), difference("done"));
    let after = bound();
    assert_eq!(
        after,
        [
            "i-demo-0001 label.jst.com/disk=ssd",
            "i-demo-0001 label.jst.com/tier=a",
            "i-demo-0001 label.jst.com/zone=gold",
            "i-demo-0002 label.jst.com/zone=web",
            "i-demo-0003 label.jst.com/zone=web",
            "i-demo-0004 label.jst.com/zone=web",
            "i-demo-0006 label.jst.com/zone=job",
        ]
    );
    assert_eq!(label(&[]), [""; 0]);
    assert_eq!(bound(), after);
    assert_eq!(label(&["--prune"]), ["- unbind i-demo-0001 label.jst.com/disk=ssd done"]);
    assert_eq!(label(&["--prune"]), [""; 0]);
}

#[test]
fn node_label_says_what_it_could_not_do() {
    /// A fault of the simulator, flags, the nodes, the exit code, and of each change its state and note.
    type Case = (&'static str, &'static [&'static str], Value, i32, &'static [[&'static str; 2]]);
    const DONE: [&str; 2] = ["done", ""];
    const SKIPPED: [&str; 2] = ["skipped", "an earlier change of the key was not done"];
    let moved = json!({"i-demo-0001": {"label.jst.com/zone": "gold"}});
    let table: Vec<Case> = vec![
        ("ListApp:latency", &[], moved.clone(), 0, &[DONE, DONE]),
        ("BindNodeLabel:lost:first=1", &[], moved.clone(), 0, &[DONE, DONE]),
        ("UnbindNodeLabel:refusal:code=9:text=busy", &[], moved.clone(), 65, &[["failed", "busy"], SKIPPED]),
        ("BindNodeLabel:refusal:code=9:text=busy", &[], moved.clone(), 65, &[DONE, ["failed", "busy"]]),
        ("ListApp:latency", &["--deny", "Unbind*"], moved.clone(), 30, &[]),
        ("ListApp:latency", &["--read-only"], json!({"i-demo-0007": {"label.jst.com/zone": "web"}}), 30, &[]),
        ("ListApp:latency", &[], json!({"i-demo-0007": {"label.jst.com/zone": "web"}, "i-none": {}}), 65, &[DONE]),
        ("ListNodeLabelBindings:refusal:code=9:text=busy", &[], moved.clone(), 10, &[]),
    ];
    for (fault, flags, nodes, code, expected) in table {
        let sim = Simulator::new(&["--fault", fault]);
        let args =
            ["--allow-read", "labels.json", "-q", "run", &script("node_label"), "--file", "labels.json", "--json"];
        let ran = sim.jst(flags).args(&args).file("labels.json", &declared(&nodes)).run();
        assert_eq!(ran.code, Some(code), "{fault} {flags:?} {ran:#?}");
        let said = ran.stdout.lines().last().map_or(json!({"changes": []}), |line| serde_json::from_str(line).unwrap());
        let changes = said["changes"].as_array().unwrap().iter();
        let states: Vec<[&str; 2]> =
            changes.map(|change| ["State", "Note"].map(|name| change[name].as_str().unwrap())).collect();
        assert_eq!(states, expected, "{fault} {flags:?}");
        let missing = nodes.get("i-none").is_some();
        assert_eq!(ran.stderr.contains("cluster c-demo-prod has no node i-none"), missing, "{ran:#?}");
    }
}

#[test]
fn node_label_names_everything_that_is_wrong_with_its_file() {
    let table: [(&str, &[&str]); 6] = [
        (
            r#"{"cluster": "c", "nodes": {"a": {"label.jst.com/z": "1"}, "a": {}}}"#,
            &[r#"parse_json was given text that is not JSON: the key "a" comes twice at line 1 column 66"#],
        ),
        (
            r#"{"cluster": "c", "nodes": {"a": {"label.jst.com/": "ok", "label.jst.com/z": "no good"}}}"#,
            &[
                r#"nodes["a"]["label.jst.com/"]: behind label.jst.com/ must be 1 to 63 letters, digits, -, _ and ., with a letter or digit at both ends"#,
                r#"nodes["a"]["label.jst.com/z"]: the value must be 1 to 63 letters, digits, -, _ and ., with a letter or digit at both ends"#,
            ],
        ),
        ("[]", &["the file must be an object"]),
        ("{", &["parse_json was given text that is not JSON: EOF while parsing an object at line 1 column 1"]),
        ("{}", &["cluster: must be the id of a cluster", "nodes: must be an object with the labels of each node"]),
        (
            r#"{"cluster": 1, "node": {}, "nodes": {"a": 1, "b": {"zone": "x", "label.jst.com/z": 2}}, "keys": ["x", 1]}"#,
            &[
                "node: there is no such key; the file takes cluster, nodes and keys",
                "cluster: must be the id of a cluster",
                "keys[0]: must start with label.jst.com/",
                "keys[1]: must start with label.jst.com/",
                r#"nodes["a"]: must be an object of label keys and values"#,
                r#"nodes["b"]["label.jst.com/z"]: the value must be 1 to 63 letters, digits, -, _ and ., with a letter or digit at both ends"#,
                r#"nodes["b"]["zone"]: must start with label.jst.com/"#,
            ],
        ),
    ];
    for (text, expected) in table {
        let args = ["--sim", "--allow-read", ".", "run", &script("node_label"), "--file", "labels.json"];
        let ran = jst(args).file("labels.json", text).run();
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(64), ""), "{ran:#?}");
        let said: Vec<&str> =
            ran.stderr.lines().filter_map(|line| Some(line.split_once("node_label: labels.json: ")?.1)).collect();
        assert_eq!(said, expected);
    }
    let ran = jst(["--sim", "run", &script("node_label"), "--file", "labels.json"]).file("labels.json", "{}").run();
    assert_eq!(ran.code, Some(30), "{ran:#?}");
    assert!(ran.stderr.contains("add --allow-read labels.json"), "{ran:#?}");
}

#[cfg(unix)]
#[test]
fn a_script_runs_by_its_name_and_finds_its_neighbours_behind_a_link() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    let folder = tempfile::TempDir::new().unwrap();
    let (real, elsewhere) = (folder.path().join("real"), folder.path().join("elsewhere"));
    std::fs::create_dir_all(&real).unwrap();
    std::fs::create_dir_all(&elsewhere).unwrap();
    std::fs::write(real.join("neighbour.rhai"), "fn word() { \"near\" }").unwrap();
    let text = "\u{feff}import \"neighbour\" as n;\r\nprint(n::word() + args);\r\n";
    std::fs::write(real.join("main.rhai"), text).unwrap();
    symlink(real.join("main.rhai"), elsewhere.join("job")).unwrap();
    assert_eq!(jst(["run", elsewhere.join("job").to_str().unwrap(), "a"]).run().ok(), "near[\"a\"]\n");

    let script = real.join("direct.rhai");
    let text = "#!/usr/bin/env -S jst run\nimport \"neighbour\" as n;\nprint(n::word() + args[1..]);\n";
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let jst = Path::new(env!("CARGO_BIN_EXE_jst"));
    let path = format!("{}:{}", jst.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let ran = std::process::Command::new(&script).args(["a", "b"]).env("PATH", path).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&ran.stdout), "near[\"b\"]\n", "{ran:?}");
}

#[test]
fn doubts_are_logged_with_their_place_and_functions_are_listed() {
    let ran = jst(["eval", "let s = \"a\"; print(s.replace(\"a\", \"b\"))"]).run();
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    assert!(ran.stderr.contains("eval:1:22: `replace` changes what stands before it"), "{ran:#?}");
    let listed = jst(["ops", "--functions", "--json"]).run().ok();
    let rows: Value = serde_json::from_str(&listed).unwrap();
    let row = rows.as_array().unwrap().iter().find(|row| row["Function"] == "log::info").unwrap();
    assert_eq!(row["Forms"], "log::info(value: any)");
}

#[test]
fn the_tests_beside_the_scripts_pass() {
    let ran = jst(["test", "scripts"]).in_folder(Path::new(env!("CARGO_MANIFEST_DIR"))).run();
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
}

/// Scripts that write, each with the writes that go wrong, and its words.
const WRITING: [(&str, &str, &[&str]); 6] = [
    ("batch_scale", "ScaleApp", &["--env", "3002,3004", "--replicas", "5"]),
    ("scale_plan", "ScaleApp", &["--file", "plan.csv", "--back", "back.csv"]),
    ("canary_deploy", "DeployApp", &["--name", "r42", "--app", "商城前台,订单中心"]),
    ("stuck_deploys", "CloseDeployOrder", &["--close"]),
    ("orphans", "Delete*", &["--kind", "volumes,labels", "--remove", "volumes,labels"]),
    ("node_label", "*indNodeLabel", &["--file", "labels.json"]),
];

/// Whatever of its writes is the first that does not arrive, or whose answer is lost, a second run ends where one
/// that nothing happened to does: it writes what was missing, and a third run writes nothing.
#[test]
fn a_script_that_was_interrupted_at_any_write_is_run_again() {
    for (name, writes, words) in WRITING {
        for fault in ["refusal:code=10500:text=busy", "lost"] {
            let test = interrupted(name, words, &format!("{writes}:{fault}"));
            let ran = jst(["test"]).file("interrupted_test.rhai", &test).run();
            assert_eq!(ran.code, Some(0), "{name} {fault}: {}", ran.stdout);
        }
    }
}

/// A test of a script that is stopped at its first, second, … write, and run to its end afterwards.
fn interrupted(name: &str, words: &[&str], fault: &str) -> String {
    let labels = include_str!("../../scripts/node_label.json");
    format!(
        r#"import "std/testing" as t;

fn run(faults) {{
    let plan = t::file("plan.csv", "EnvId,Replicas\n3002,5\n3004,4\n");
    let labels = t::file("labels.json", {labels:?});
    let folder = plan.sub_string(0, plan.len() - 9);
    let words = {words:?}.map(|word| if [".csv", ".json"].some(|end| word.ends_with(end)) {{ folder + "/" + word }} else {{ word }});
    t::faults(faults);
    t::run({script:?}, words, #{{ flags: ["--allow-destructive", "--allow-read=" + folder, "--allow-write=" + folder] }})
}}

fn written() {{ t::ledger().map(|write| json([write.action, write.params])).sorted_by(|text| text) }}

fn wanted() {{ run([]); let all = written(); t::world("demo"); all }}

fn test_every_write() {{
    let wanted = wanted();
    t::assert(!wanted.is_empty());
    for n in 1..wanted.len() + 1 {{
        t::world("demo");
        run([`{fault}:count=${{n}}`]);
        t::assert_eq(run([]).code, 0);
        t::assert_eq(written(), wanted);
        t::assert_eq(run([]).code, 0);
        t::assert_eq(written(), wanted);
    }}
}}
"#,
        script = script(name)
    )
}
