//! What jst prints and leaves behind, held against those who take it: schedulers, a collector of metrics, a browser.
//! None of them is part of a Rust toolchain; `.ci/run` brings them, and elsewhere a test says that it was skipped.

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::readme;
use crate::support::{Behaviour, Server, Simulator, jst, python, skipped, until};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn unit(words: &[&str]) -> String {
    jst(["unit", "scripts/backup_audit.rhai", "--every", "30 3 * * 1-5"]).args(words).in_folder(root()).run().ok()
}

/// What a program says that may not be there.
fn said_by(command: &mut Command) -> Option<Output> {
    match command.output() {
        Ok(output) => Some(output),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            skipped(&format!("SKIPPED {}: it is not installed", command.get_program().display()));
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// What the judge of this kind of text finds in it.
fn judged(kind: &str, text: &str) -> Option<Value> {
    let mut judge = Command::new(python(kind)?);
    judge.args(["judge.py", kind]).current_dir(root().join("tests/vendor")).stdin(Stdio::piped());
    let mut judge = judge.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    judge.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = judge.wait_with_output().unwrap();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn systemd_takes_the_service_and_its_timer() {
    let text = unit(&["--for", "systemd", "--", "--max-age", "24"]);
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for part in text.split("# /etc/systemd/system/").skip(1) {
        let (name, unit) = part.split_once('\n').unwrap();
        files.push(folder.path().join(name));
        std::fs::write(files.last().unwrap(), unit).unwrap();
    }
    assert_eq!(files.len(), 2);
    if let Some(output) = said_by(Command::new("systemd-analyze").arg("verify").args(&files)) {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && said.is_empty(), "{said}");
    }
}

#[test]
fn kubernetes_takes_the_cron_job() {
    let flags: [&[&str]; 5] = [
        &[],
        &["--shards", "3"],
        &["--shard", "1/2", "--no-journal"],
        &["--zone", "Europe/Berlin", "--max-writes", "20", "--allow-destructive"],
        &["--", "--max-age", "24", "--title", "a \"b\": {c} # d", "- f", "null", "0o7"],
    ];
    for words in flags {
        let text = unit(&[&["--for", "kubernetes"], words].concat());
        if let Some(kinds) = judged("kubernetes", &text) {
            assert_eq!(kinds, json!(["PersistentVolumeClaim", "CronJob"]), "{text}");
        }
    }
}

#[test]
fn prometheus_takes_the_metrics() {
    let (sim, folder) = (Simulator::new(&["--fault", "ScaleApp:lost:count=2"]), tempfile::tempdir().unwrap());
    let name = "the \"night\"\\shift\n商城.rhai";
    let script = folder.path().join(name);
    std::fs::write(&script, "list_app(); scale_app(3002, 5); try_call(\"ScaleApp\", #{EnvId: 3004, Replicas: 5});")
        .unwrap();
    let metrics = folder.path().join("jst.prom");
    sim.jst(&["--metrics-file", metrics.to_str().unwrap(), "run", script.to_str().unwrap()]).run().ok();
    let Some(samples) = judged("metrics", &std::fs::read_to_string(&metrics).unwrap()) else { return };
    let value = |metric: &str, operation: Option<&str>| {
        let fits = |sample: &&Value| sample[0] == metric && sample[1]["operation"].as_str() == operation;
        let found: Vec<&Value> = samples.as_array().unwrap().iter().filter(fits).collect();
        assert!(found.len() == 1 && found[0][1]["script"].as_str().unwrap().ends_with(name), "{metric}: {samples:#}");
        found[0][2].as_f64().unwrap()
    };
    assert_eq!(value("jst_run_exit_code", None), 0.0);
    assert!(value("jst_run_last_success_timestamp_seconds", None) > 1.7e9);
    assert_eq!(value("jst_run_calls", Some("ScaleApp")), 2.0);
    assert_eq!(value("jst_run_unknown", Some("ScaleApp")), 1.0);
    assert_eq!(value("jst_run_unknown", Some("ListApp")), 0.0);
}

/// Debian's name for it, and that of other machines.
const BROWSERS: [&str; 3] = ["chromium-headless-shell", "chromium", "google-chrome"];

/// What a page measures of itself once it is shown.
const PROBE: &str = r##"<script>
const seen = (query) => [...document.querySelectorAll(query)].map((found) => {
    const { width, height } = found.getBoundingClientRect();
    return { text: found.innerText, width, height, color: getComputedStyle(found).backgroundColor };
});
const loaded = performance.getEntriesByType("resource").map((entry) => entry.name);
const tables = ["changed", "failed", "unknown", "checks"].map((id) => [id, seen(`#${id} tr`)]);
const told = { verdict: seen("#verdict"), bars: seen("#timeline .bar i"), wide: document.body.scrollWidth, loaded };
document.documentElement.dataset.told = btoa(encodeURIComponent(JSON.stringify({ ...told, ...Object.fromEntries(tables) })));
</script>"##;

/// What a browser without a network shows of a page, and how it looks, as a picture beside it.
fn shown(page: &Path) -> Option<Value> {
    let probed = page.with_extension("probed.html");
    std::fs::write(&probed, std::fs::read_to_string(page).unwrap() + PROBE).unwrap();
    let is_there = |name: &&str| {
        std::env::split_paths(&std::env::var_os("PATH")?).any(|dir| dir.join(name).is_file()).then_some(())
    };
    let browser = BROWSERS.iter().find(|name| is_there(name).is_some()).unwrap_or(&BROWSERS[0]);
    let mut browser = Command::new(browser);
    browser.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        "--dump-dom",
    ]);
    browser.arg(format!("--user-data-dir={}", page.with_extension("profile").display())).arg(&probed);
    let dom = String::from_utf8(said_by(&mut browser)?.stdout).unwrap();
    let told = dom.split("data-told=\"").nth(1).unwrap_or_else(|| panic!("{dom}")).split('"').next().unwrap();
    use base64::Engine as _;
    let told = String::from_utf8(base64::prelude::BASE64_STANDARD.decode(told).unwrap()).unwrap();
    let told = percent_encoding::percent_decode_str(&told).decode_utf8().unwrap();
    Some(serde_json::from_str(&told).unwrap())
}

#[test]
fn a_browser_shows_the_report() {
    let (sim, folder) = (Simulator::new(&["--fault", "ScaleApp:lost:count=2"]), tempfile::tempdir().unwrap());
    let page = folder.path().join("report.html");
    let code = r#"list_app(); scale_app(3002, 5); try_call("ScaleApp", #{EnvId: 3004, Replicas: 5});
        check("an <old> & \"odd\" backup", false, "30 hours"); scale_app(999999, 1)"#;
    let ran = sim.jst(&["--report", page.to_str().unwrap(), "eval", code]).run();
    assert_eq!(ran.code, Some(10), "{ran:#?}");
    let Some(told) = shown(&page) else { return };
    assert_eq!(told["loaded"], json!([]), "a page that needs nothing else");
    assert_eq!(
        (&told["verdict"][0]["text"], &told["verdict"][0]["color"]),
        (&"failed".into(), &"rgb(170, 17, 17)".into())
    );
    let rows = |id: &str| told[id].as_array().unwrap().iter().map(|row| row["text"].as_str().unwrap().to_owned());
    for (id, says) in [
        ("changed", "environment 3002"),
        ("unknown", "environment 3004"),
        ("failed", "environment 999999"),
        ("checks", "an <old> & \"odd\" backup"),
    ] {
        assert!(rows(id).any(|row| row.contains(says)), "{id}: {told:#}");
    }
    let bars = told["bars"].as_array().unwrap();
    let colors: Vec<&str> = bars.iter().map(|bar| bar["color"].as_str().unwrap()).collect();
    assert_eq!(colors, ["rgb(74, 122, 181)", "rgb(23, 107, 44)", "rgb(149, 87, 0)", "rgb(170, 17, 17)"], "{told:#}");
    let is_visible = |bar: &Value| bar["width"].as_f64() >= Some(2.0) && bar["height"].as_f64() >= Some(8.0);
    assert!(bars.iter().all(is_visible) && told["wide"].as_f64() <= Some(1200.0), "{told:#}");
}

/// What cron gives a job: its user's home, a shell, a short PATH, and no terminal.
#[test]
fn the_line_for_a_crontab_works_as_it_stands() {
    let (sim, monitor) =
        (Simulator::new(&["--start", "now"]), Server::new(vec![Behaviour::Answer(200, "", "OK".into())]));
    let home = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| {
        let path = home.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(".config/jst/config.toml", format!("[defaults]\nendpoint = \"{}\"\n", sim.said("endpoint")));
    let key = json!({"name": "default", "mode": "AK", "region_id": "cn-zhangjiakou",
        "access_key_id": sim.said("access_key_id"), "access_key_secret": sim.said("access_key_secret")});
    write(".aliyun/config.json", json!({"current": "default", "profiles": [key]}).to_string());
    let block = readme::text_block("CRON_TZ=Asia/Shanghai");
    let line = block.lines().find(|line| line.starts_with("0 3 * * * ")).unwrap().trim_start_matches("0 3 * * * ");
    // To cron it is the end of the line.
    assert!(!line.contains('%'), "{line}");
    let stands = |line: &str, text: &str, other: &str| {
        assert!(line.contains(text), "{text}: {line}");
        line.replace(text, other)
    };
    let line = stands(line, "https://hc-ping.com/UUID", &format!("{}/ping/audit", monitor.url()));
    let line = stands(&line, "cd /opt/jst && ", &format!("cd {} && ", root().display()));
    let line = stands(&line, "/opt/jst/scripts", root().join("scripts").to_str().unwrap());
    let line = stands(&line, "/usr/local/bin/jst", env!("CARGO_BIN_EXE_jst"));
    let run = || {
        let mut cron = Command::new("/bin/sh");
        cron.args(["-c", &line]).env_clear().env("HOME", home.path()).env("LOGNAME", "night").env("SHELL", "/bin/sh");
        cron.env("PATH", "/usr/bin:/bin").current_dir(home.path()).stdin(Stdio::null()).output().unwrap()
    };
    let output = run();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!((output.status.code(), said.as_str()), (Some(0), ""), "{line}");
    let paths: Vec<String> =
        monitor.requests().iter().map(|request| request.split('?').next().unwrap().to_owned()).collect();
    assert_eq!(paths, ["POST /ping/audit/start", "POST /ping/audit"]);
    let state = |name: &str| -> PathBuf { home.path().join(".local/state/jst").join(name) };
    let metrics = std::fs::read_to_string(state("backup-audit.prom")).unwrap();
    assert!(metrics.contains("jst_run_last_success_timestamp_seconds{"), "{metrics}");
    let report = std::fs::read_to_string(state("backup-audit.html")).unwrap();
    assert!(report.contains("class=\"verdict done\"") && report.contains("rm-demo-0001"), "{report}");
    // One at a time.
    let slow = Server::new(vec![Behaviour::Stall]);
    let script = root().join("scripts/backup_audit.rhai");
    let holds = ["--endpoint", &slow.url(), "run", "--lock", script.to_str().unwrap(), "--instance", "rm-demo-0001"];
    let (mut holder, _home) = jst(holds).fake_key().start();
    until(|| !slow.requests().is_empty());
    let output = run();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(40) && said.contains(&format!("(process {} on ", holder.id())), "{said}");
    holder.kill().unwrap();
    holder.wait().unwrap();
}

#[test]
fn what_is_told_in_json_is_as_its_schema_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (journal, report) = (path("j.db"), path("a.json"));
    let lost = "try { step(\"a\", || scale_app(3002, 4)) } catch (e) {} log::info(\"x\"); scale_app(999999, 1)";
    for (code, exit) in
        [("1", 0), ("check(\"a\", false, \"b\"); step(\"s\", || scale_app(3004, 2).Success)", 4), (lost, 10)]
    {
        let fault: &[&str] = if code == lost { &["--sim-fault", "ScaleApp:lost:first=1"] } else { &[] };
        let flags = ["--sim", "--journal", &journal, "--report", &report, "--shard"];
        // A script that divides nothing is to write in no part.
        let part = if code == "1" { "1/2" } else { "0/1" };
        let ran = jst(flags).args(&[part]).args(fault).args(&["eval", code]).run();
        assert_eq!(ran.code, Some(exit), "{ran:#?}");
        let told = std::fs::read_to_string(&report).unwrap();
        assert_eq!(told.contains("\"shard\": \"1/2\""), code == "1", "{told}");
        judged("report", &told);
        let list = jst(["runs", "--journal", &journal, "--output", "json"]).run().ok();
        judged("runs", &list);
        let runs: Value = serde_json::from_str(&list).unwrap();
        let id = runs.get(0).map(|run| run["id"].as_str().unwrap());
        id.inspect(|id| drop(judged("runs", &jst(["runs", id, "--journal", &journal, "--output", "json"]).run().ok())));
    }
}
