//! What `jst unit` refuses. What it prints is held against those who take it in `judges`.

use std::path::Path;

use crate::support::jst;

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
