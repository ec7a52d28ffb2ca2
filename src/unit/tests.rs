#![allow(clippy::unwrap_used)]

use super::*;

fn plan(every: &str) -> Plan {
    Plan {
        program: "/usr/local/bin/jst".to_owned(),
        folder: "/opt/Night Work".to_owned(),
        script: "/opt/Night Work/backup_audit.rhai".to_owned(),
        args: vec!["--title".to_owned(), "50% of $HOME's".to_owned()],
        schedule: Schedule::parse(every).unwrap(),
        zone: "Asia/Shanghai".to_owned(),
        deadline: Duration::from_secs(3600),
        grace: Duration::from_secs(10),
        before: Vec::new(),
        flags: vec!["--read-only".to_owned()],
        state: None,
        has_journal: true,
        metrics: None,
        reports: Vec::new(),
        image: "jst:0.1.0".to_owned(),
        shards: 1,
        shard: Shard::default(),
    }
}

#[test]
fn schedules_are_checked_and_written_for_systemd() {
    let z = "Asia/Shanghai";
    for (every, wanted) in [
        ("0 3 * * *", &["*-*-* 3:0:00 Asia/Shanghai"][..]),
        ("*/15 9-18 * * 1-5", &["mon,tue,wed,thu,fri *-*-* 9..18:0/15:00 Asia/Shanghai"]),
        ("5,35 0 1 jan,jul *", &["*-1,7-1 0:5,35:00 Asia/Shanghai"]),
        ("0 0 13 * fri", &["*-*-13 0:0:00 Asia/Shanghai", "fri *-*-* 0:0:00 Asia/Shanghai"]),
        ("0 0 * * 5-7", &["sun,fri,sat *-*-* 0:0:00 Asia/Shanghai"]),
        ("@weekly", &["sun *-*-* 0:0:00 Asia/Shanghai"]),
        ("0 0 */2 * *", &["*-*-1/2 0:0:00 Asia/Shanghai"]),
    ] {
        assert_eq!(Schedule::parse(every).unwrap().calendars(z), wanted, "{every}");
    }
    for (every, why) in [
        ("", "it has 0 fields, not 5"),
        ("0 3 * *", "it has 4 fields, not 5"),
        ("60 3 * * *", "`60` is no minute"),
        ("0 24 * * *", "`24` is no hour"),
        ("0 0 0 * *", "`0` is no day"),
        ("0 0 1 13 *", "`13` is no month"),
        ("0 0 * * 8", "`8` is no day of the week"),
        ("*/0 * * * *", "`*/0` is no minute"),
        ("5/10 * * * *", "`5/10` is no minute"),
        ("0 18-9 * * *", "`18-9` is no hour"),
        ("0 0 * * fri-sun", "`fri-sun` is no day of the week"),
        ("0 3 31 2 *", "day 31 never comes in month 2"),
        ("0 3 30,31 feb *", "day 30,31 never comes in month feb"),
        ("0 3 31 4,jun,9-9,11 *", "day 31 never comes in month 4,jun,9-9,11"),
        ("0 3 30-31 2-2/2 *", "day 30-31 never comes in month 2-2/2"),
        ("mon * * * *", "`mon` is no minute"),
        ("@yearly-ish", "it has 1 fields, not 5"),
    ] {
        assert_eq!(Schedule::parse(every).unwrap_err().message, format!("--every \"{every}\": {why}"));
    }
    // Once in four years, in the other of two months, or on the day of the week.
    for every in ["0 3 29 2 *", "0 3 31 2,3 *", "0 3 */30 2 *", "0 3 31 2 mon", "0 3 * 2 *"] {
        Schedule::parse(every).unwrap();
    }
    for (every, wanted) in [
        ("0 0 * * 7", "0 0 * * sun"),
        ("0 0 * * 5-7", "0 0 * * sun,fri,sat"),
        ("0 0 * * */7", "0 0 * * */7"),
        ("0 0 7 7 1-5", "0 0 7 7 1-5"),
    ] {
        assert_eq!(Schedule::parse(every).unwrap().kubernetes(), wanted, "{every}");
    }
}

#[test]
fn a_crontab_line_quotes_for_the_shell_and_for_cron() {
    let text = text(&plan("0 3 * * *"), Scheduler::Cron);
    let line = text.lines().last().unwrap();
    assert_eq!(
        line,
        "0 3 * * * cd '/opt/Night Work' && mkdir -p \"$HOME/.local/state/jst\" && /usr/local/bin/jst run --lock --quiet-success --deadline \
         3600s --grace 10s --metrics-file \"$HOME/.local/state/jst\"/backup-audit.prom --report \
         \"$HOME/.local/state/jst\"/backup-audit.html --read-only '/opt/Night Work/backup_audit.rhai' -- --title \
         '50\\% of $HOME'\\''s'"
    );
    assert!(text.contains("CRON_TZ=Asia/Shanghai\n"));
}

#[test]
fn time_limits_agree_with_each_other() {
    let service = text(&plan("0 3 * * *"), Scheduler::Systemd);
    for line in [
        "ExecStart=/usr/local/bin/jst run --lock --quiet-success --deadline 3600s --grace 10s --metrics-file \
         ${STATE_DIRECTORY}/backup-audit.prom --report ${STATE_DIRECTORY}/backup-audit.html --read-only \"/opt/Night \
         Work/backup_audit.rhai\" -- --title \"50%% of $$HOME's\"\n",
        "WorkingDirectory=-/opt/Night Work\n",
        "TimeoutStartSec=3670\n",
        "TimeoutStopSec=30\n",
        "Type=oneshot\n",
        "StateDirectory=jst\n",
        "OnCalendar=*-*-* 3:0:00 Asia/Shanghai\n",
    ] {
        assert!(service.contains(line), "{service}");
    }
}

#[test]
fn a_cron_job_says_what_is_never_run_again_and_divides_a_fleet() {
    let whole = text(&plan("0 3 * * *"), Scheduler::Kubernetes);
    for part in [
        "concurrencyPolicy: \"Forbid\"\n",
        "startingDeadlineSeconds: 600\n",
        "terminationGracePeriodSeconds: 30\n",
        "values: [1,2,3,4,10,11,20,21,30,42]\n",
        "timeZone: \"Asia/Shanghai\"\n",
        "restartPolicy: \"Never\"\n",
        "- name: \"JOB_NAME\"\n",
        "fieldPath: \"metadata.labels['batch.kubernetes.io/job-name']\"\n",
        "- \"50% of $$HOME's\"\n",
        "- \"/scripts/backup_audit.rhai\"\n",
        "name: \"jst-credentials\"\n",
    ] {
        assert!(whole.contains(part), "{part}{whole}");
    }
    let divided = text(&Plan { shards: 8, ..plan("0 3 * * *") }, Scheduler::Kubernetes);
    for part in [
        "completionMode: \"Indexed\"\n",
        "completions: 8\n",
        "- \"--shards\"\n",
        "- \"$(JOB_NAME)-{shard}\"\n",
        "fieldPath: \"metadata.annotations['batch.kubernetes.io/job-completion-index']\"\n",
        "subPathExpr: \"$(JOB_COMPLETION_INDEX)\"\n",
    ] {
        assert!(divided.contains(part) && !whole.contains(part), "{part}{divided}");
    }
}

/// A key in which only a day is filled in is done from the first run of that day on.
#[test]
fn a_cron_job_has_a_key_for_each_of_its_jobs_however_often_they_are() {
    for every in ["0 * * * *", "*/15 * * * *", "0 3,15 * * *", "0 3 * * *", "@weekly"] {
        for shards in [1, 8] {
            let text = text(&Plan { shards, ..plan(every) }, Scheduler::Kubernetes);
            let (_, behind) = text.split_once("- \"--run-key\"\n").unwrap();
            let key = behind.lines().next().unwrap().trim().trim_start_matches("- ").trim_matches('"');
            assert_eq!(key, if shards > 1 { "$(JOB_NAME)-{shard}" } else { "$(JOB_NAME)" }, "{every}");
        }
    }
}

#[test]
fn limits_of_a_cron_job_agree_with_each_other() {
    for (deadline, grace) in [(1, 0), (3600, 10), (90_000, 600)] {
        let [deadline_of, grace_of] = [deadline, grace].map(Duration::from_secs);
        let plan = Plan { deadline: deadline_of, grace: grace_of, ..plan("0 3 * * *") };
        let text = text(&plan, Scheduler::Kubernetes);
        let number = |name: &str| -> u64 {
            let (_, behind) = text.split_once(&format!("{name}: ")).unwrap();
            behind.lines().next().unwrap().parse().unwrap()
        };
        // A run ends by itself before it is killed.
        assert!(number("terminationGracePeriodSeconds") > grace);
        // A Job that could still begin its last pod, and let it end, is not over. Its pods are begun again after 10 s,
        // 20 s, 40 s and so on, six minutes at most.
        let again = number("backoffLimit");
        let waits: u64 = (0..again).map(|failed| (10 * 2_u64.pow(u32::try_from(failed).unwrap())).min(360)).sum();
        assert_eq!(waits, 70);
        let (longest, needed) = (number("activeDeadlineSeconds"), (deadline + grace) * (again + 1) + waits);
        assert!(longest >= needed && longest <= needed + 60 * (again + 1), "{longest} {needed}");
    }
}

#[test]
fn units_of_parts_share_no_file_and_no_name() {
    let unit = |part, parts, scheduler| text(&Plan { shard: Shard { part, parts }, ..plan("0 3 * * *") }, scheduler);
    for (scheduler, names) in [
        (Scheduler::Cron, &["/backup-audit-1-2.prom ", "/backup-audit-1-2.html "][..]),
        (
            Scheduler::Systemd,
            &[
                "/backup-audit-1-2.prom ",
                "/backup-audit-1-2.html ",
                "/jst-backup-audit-1-2.service\n",
                "/jst-backup-audit-1-2.timer\n",
                "/etc/jst/backup-audit-1-2.env\n",
                "Description=jst: backup-audit-1-2\n",
            ],
        ),
        (
            Scheduler::Kubernetes,
            &["name: \"backup-audit-1-2\"\n", "claimName: \"backup-audit-1-2-state\"\n", "/backup-audit-1-2.prom\"\n"],
        ),
    ] {
        let text = unit(1, 2, scheduler);
        for name in names {
            assert!(text.contains(name), "{name}: {text}");
            assert!(!unit(0, 2, scheduler).contains(name) && unit(0, 1, scheduler).contains(&name.replace("-1-2", "")));
        }
    }
    // As long as Kubernetes takes names of CronJobs.
    let long = Plan {
        script: format!("/x/{}.rhai", "a".repeat(80)),
        shard: Shard { part: 9_999, parts: 10_000 },
        ..plan("@daily")
    };
    assert_eq!(long.name().len(), 51);
}

#[test]
fn what_a_service_cannot_use_where_it_is_is_named_once() {
    let plan = |script: &str, flags: &[&str]| Plan {
        script: script.into(),
        args: vec!["/tmp/of-the-script".into()],
        flags: flags.iter().map(|&flag| flag.to_owned()).collect(),
        ..plan("@daily")
    };
    let told = |path: &str, folder: &str, why: &str| {
        format!("{path} is below {folder}, {why}: put it elsewhere, such as below /opt or /srv")
    };
    let own = "of which the unit has one of its own (PrivateTmp)";
    let home = "where the unit's user reads only what everybody may, and writes nothing (DynamicUser, ProtectHome)";
    for (plan, expected) in [
        (plan("/srv/a.rhai", &["--allow-read=/data", "--profile=tmp"]), vec![]),
        (plan("/tmpfiles/a.rhai", &[]), vec![]),
        (plan("/tmp/a.rhai", &[]), vec![told("/tmp/a.rhai", "/tmp", own)]),
        (plan("/srv/a.rhai", &["--allow-write=/var/tmp"]), vec![told("/var/tmp", "/var/tmp", own)]),
        (
            plan("/home/ops/a.rhai", &["--allow-read=/root/x", "--config=/root/x", "--ca-file=/run/user/7/c.pem"]),
            vec![
                told("/home/ops/a.rhai", "/home", home),
                told("/root/x", "/root", home),
                told("/run/user/7/c.pem", "/run/user", home),
            ],
        ),
        (
            Plan {
                metrics: Some("/tmp/m.prom".into()),
                reports: vec!["/home/r.html".into()],
                state: Some("/var/tmp/s".into()),
                ..plan("/srv/a.rhai", &[])
            },
            vec![
                told("/tmp/m.prom", "/tmp", own),
                told("/home/r.html", "/home", home),
                told("/var/tmp/s", "/var/tmp", own),
            ],
        ),
        (
            Plan { program: "/root/.cargo/bin/jst".into(), ..plan("/srv/a.rhai", &[]) },
            vec![told("/root/.cargo/bin/jst", "/root", home)],
        ),
    ] {
        assert_eq!(out_of_reach(&plan, Scheduler::Systemd), expected);
        assert_eq!(out_of_reach(&plan, Scheduler::Cron), [""; 0]);
    }
}
