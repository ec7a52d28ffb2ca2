//! Scripts beside their expected output, found by walking `tests/scripts`: `x.rhai` is run on the
//! simulator and must print `x.out` to the letter. A first line `// jst: …` gives more arguments, and
//! `// exit: N` another exit code than 0.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{Behaviour, Server, Simulator, jst};

fn scripts(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            scripts(&path, found);
        } else if path.with_extension("out").is_file() && path.extension().is_some_and(|e| e == "rhai") {
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
        let args = ["run", "--sim", "-q", file].into_iter().chain(more.split_whitespace());
        let ran = jst(args).in_folder(root).run();
        let code = directive("exit").map_or(0, |code| code.parse().unwrap());
        assert_eq!(ran.code, Some(code), "{}: {ran:#?}", script.display());
        let expected = std::fs::read_to_string(script.with_extension("out")).unwrap();
        assert_eq!(ran.stdout, expected, "{}: {}", script.display(), ran.stderr);
    }
}

#[test]
fn batch_scale_without_arguments_scales_the_demo_account() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = jst(["run", "--sim", "-q", "scripts/batch_scale.rhai"]).in_folder(root).run().ok();
    // Which of the two gets its deploy order first is open: both are asked for at once.
    let summary: serde_json::Value = serde_json::from_str(out.lines().last().unwrap()).unwrap();
    assert_eq!((&summary["counts"]["chosen"], &summary["counts"]["done"]), (&2.into(), &2.into()), "{out}");
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
            &serious("rm-none", "cannot be read: RDS instance rm-none does not exist"),
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
        (
            json!([backup("last night", "Success", "OK")]),
            "cannot be read: unix_time was given `last night`, which is no time",
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
