//! Whose credentials are used, and what needs none.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use crate::support::{Jst, Simulator, jst};

/// Homes whose credentials cannot be used, and what a call ends with there.
const BROKEN: &[(&str, &str, i32)] = &[
    (".aliyun/config.json", "{", 21),
    (".aliyun/config.json", r#"{"current": "gone", "profiles": []}"#, 21),
    (".aliyun/config.json", r#"{"profiles": [{"name": "default", "mode": "Carrier"}]}"#, 20),
    (".aliyun/config.json", r#"{"profiles": [{"name": "default", "access_key_id": "half"}]}"#, 20),
    (".alibabacloud/credentials", "[default]\ntype = sts\naccess_key_id = a\naccess_key_secret = b\n", 20),
    (".alibabacloud/credentials.ini", "[default]\nenable = perhaps\n", 21),
];

#[test]
fn what_sends_nothing_needs_no_credentials() {
    let scale = ["EnvId=1", "Replicas=2"];
    for (file, text, code) in BROKEN {
        let at = |args: &[&str]| jst(args).file(file, text).run();
        let ran = at(&["call", "ListApp"]);
        assert_eq!(ran.code, Some(*code), "{text}: {ran:#?}");
        for args in [
            &["--version"][..],
            &["ops"],
            &["ops", "ScaleApp"],
            &["completions", "bash"],
            &["eval", "1"],
            &["--sim", "call", "ListApp"],
            &["--sim", "eval", "list_app().TotalCount"],
            &["call", "ListApp", "--dry-run"],
        ] {
            assert!(!at(args).ok().is_empty(), "{text}: {args:?}");
        }
        let out = at(&[&["call", "ScaleApp", "--dry-run"][..], &scale].concat()).ok();
        assert!(
            out.contains("AccessKeyId=ACCESS_KEY_ID") && out.contains("https://retailcloud.aliyuncs.com/?"),
            "{out}"
        );
    }
}

/// The binary whose environment holds this key, to talk to a simulator that knows it.
fn with_key(simulator: &Simulator, id: &str, secret: impl AsRef<OsStr>) -> Jst {
    simulator
        .jst(&["call", "ListApp"])
        .env("ALIBABA_CLOUD_ACCESS_KEY_ID", id)
        .env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", secret)
}

#[test]
fn line_breaks_around_a_key_do_no_harm_and_what_is_no_text_is_named() {
    let simulator = Simulator::new(&[]);
    let (id, secret) = ("demo-access-key", "demo-secret-key-not-real");
    with_key(&simulator, &format!("{id}\n"), format!(" {secret}\r\n")).run().ok();
    let ran = with_key(&simulator, id, OsStr::from_bytes(b"fake-\xff-secret")).run();
    assert_eq!(ran.code, Some(20), "{ran:#?}");
    assert!(ran.stderr.contains("ALIBABA_CLOUD_ACCESS_KEY_SECRET is not UTF-8 text"), "{ran:#?}");
}

#[test]
fn a_home_that_cannot_be_used_is_passed_over_with_a_word() {
    let simulator = Simulator::new(&[]);
    let profile = "[default]\naccess_key_id = demo-access-key\naccess_key_secret = demo-secret-key-not-real\n";
    let named = simulator
        .jst(&["call", "ListApp"])
        .env("ALIBABA_CLOUD_ACCESS_KEY_ID", "")
        .env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "")
        .env("ALIBABA_CLOUD_CREDENTIALS_FILE", "named.ini")
        .file("named.ini", profile)
        .env("HOME", "named.ini");
    let ran = named.run();
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    assert!(
        ran.stderr.contains("was passed over: the home folder named.ini cannot be used: Not a directory"),
        "{ran:#?}"
    );
    // With a key in the environment nobody asks for a home.
    let ran = simulator.jst(&["call", "ListApp"]).file("plain", "").env("HOME", "plain").run();
    assert!(ran.code == Some(0) && !ran.stderr.contains("home"), "{ran:#?}");
}

#[test]
fn a_file_that_is_meant_and_says_nothing_usable_ends_the_search() {
    let good = "[default]\ntype = access_key\naccess_key_id = other\naccess_key_secret = fake-other\n";
    for (name, text, says) in [
        (
            ".alibabacloud/credentials",
            "[default]\ntype=access_key\naccess_key_id one\naccess_key_secret two\n",
            "gives neither",
        ),
        (".alibabacloud/credentials", "[default]\naccess_key_idd = one\n", "gives neither"),
        (
            ".aliyun/config.json",
            r#"{"current": "a", "profiles": [{"name": "a", "mode": "AK", "access_key_id": "one", "access_key_secret": 12345678}]}"#,
            "access_key_secret is no text",
        ),
    ] {
        let ran = jst(["whoami"]).file(".alibabacloud/credentials.ini", good).file(name, text).run();
        assert_eq!(ran.code, Some(21), "{text}: {ran:#?}");
        assert!(ran.stderr.contains(says), "{text}: {ran:#?}");
    }
}
