//! What `jst unit` prints, looked at by those who take it.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use crate::support::jst;

fn unit(words: &[&str]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    jst(["unit", "scripts/backup_audit.rhai", "--every", "30 3 * * 1-5"]).args(words).in_folder(root).run().ok()
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
    match Command::new("systemd-analyze").arg("verify").args(&files).output() {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success() && said.is_empty(), "{said}");
        }
        Err(_) => {
            let _ = writeln!(std::io::stderr(), "SKIPPED systemd-analyze verify: it is not installed");
        }
    }
}

#[test]
fn what_no_scheduler_takes_is_refused() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (words, says) in [
        (&["--for", "cron", "--every", "61 * * * *"][..], "`61` is no minute"),
        (&["--for", "cron", "--every", "0 3 * * *", "--zone", "a b"], "--zone `a b` is no time zone"),
        (&["--for", "cron", "--every", "0 3 * * *", "--shards", "3"], "--shards divides a job of Kubernetes"),
        (&["--for", "launchd", "--every", "0 3 * * *"], "invalid value 'launchd'"),
    ] {
        let ran = jst(["unit", "scripts/backup_audit.rhai"]).args(words).in_folder(root).run();
        assert!(ran.code == Some(2) && ran.stderr.contains(says), "{words:?}: {ran:#?}");
    }
}
