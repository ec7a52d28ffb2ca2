//! The chain over files and variables.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::error::Kind;

/// A home folder with these files.
fn home(files: &[(&str, &str)]) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = home.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    home
}

fn sources(home: &tempfile::TempDir, env: &[(&str, &str)], profile: Option<&str>) -> Sources {
    Sources {
        env: env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        home: Some(home.path().to_owned()),
        profile: profile.map(str::to_owned),
        ..Sources::default()
    }
}

const CONFIG: (&str, &str) = (
    ".aliyun/config.json",
    r#"{"current": "shop", "profiles": [
        {"name": "shop", "mode": "AK", "access_key_id": "shop-id", "access_key_secret": "fake", "region_id": "cn-x"},
        {"name": "sts", "mode": "StsToken", "access_key_id": "sts-id", "access_key_secret": "fake", "sts_token": "fake-token"},
        {"name": "role", "mode": "RamRoleArn"},
        {"name": "half", "mode": "AK", "access_key_id": "half-id"}]}"#,
);
const INI: (&str, &str) = (
    ".alibabacloud/credentials",
    "[default]\ntype = access_key\naccess_key_id = ini-id\naccess_key_secret = fa#ke;x=y\n[other]\ntype=ecs_ram_role\nrole_name=r\n",
);
const ENV: [(&str, &str); 2] = [("ALIBABA_CLOUD_ACCESS_KEY_ID", "env-id"), ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "fake")];

#[test]
fn sources_are_taken_in_the_contracts_order() {
    let files = home(&[CONFIG, INI]);
    let only_ini = home(&[INI]);
    let nothing = home(&[]);
    let table = [
        (sources(&files, &ENV, None), Some("env-id"), None),
        (sources(&files, &ENV, Some("shop")), Some("shop-id"), Some("shop")),
        (sources(&files, &[], None), Some("shop-id"), Some("shop")),
        (sources(&files, &[("ALIBABA_CLOUD_PROFILE", "sts")], None), Some("sts-id"), Some("sts")),
        (
            sources(&files, &[("ALICLOUD_ACCESS_KEY_ID", "old"), ("ALICLOUD_ACCESS_KEY_SECRET", "fake")], None),
            Some("old"),
            None,
        ),
        (sources(&only_ini, &[], None), Some("ini-id"), Some("default")),
        (sources(&nothing, &[], None), None, None),
        (Sources::default(), None, None),
    ];
    for (sources, id, profile) in table {
        let found = sources.find();
        assert_eq!(found.credentials.as_ref().map(|c| c.access_key_id.as_str()), id, "{sources:?}");
        assert_eq!(found.profile.as_deref(), profile, "{sources:?}");
    }
    let flags =
        Sources { flags: [Some("flag-id".into()), Some("fake".into()), None], ..sources(&files, &ENV, Some("shop")) };
    assert_eq!(flags.find().credentials.unwrap().access_key_id, "flag-id");
}

#[test]
fn secrets_are_read_whole_and_tokens_are_kept() {
    let files = home(&[CONFIG, INI]);
    let ini = Sources {
        env: [("ALIBABA_CLOUD_CREDENTIALS_FILE".to_owned(), files.path().join(INI.0).display().to_string())].into(),
        ..Sources::default()
    };
    assert_eq!(ini.find().credentials.unwrap().secret.expose(), "fa#ke;x=y");
    let sts = sources(&files, &[], Some("sts")).find();
    assert_eq!(sts.credentials.unwrap().security_token, Some(Secret::new("fake-token")));
}

#[test]
fn what_is_wrong_is_named() {
    let files = home(&[CONFIG, INI]);
    let broken = home(&[(".aliyun/config.json", "{")]);
    let table = [
        (
            sources(&files, &[ENV[0]], None),
            Kind::Credentials,
            "half a credential: ALIBABA_CLOUD_ACCESS_KEY_ID is given, ALIBABA_CLOUD_ACCESS_KEY_SECRET is missing",
        ),
        (
            sources(&files, &[], Some("half")),
            Kind::Credentials,
            "half a credential: access_key_id is given, access_key_secret is missing",
        ),
        (sources(&files, &[], Some("nobody")), Kind::Config, "there is no usable profile `nobody`"),
        // Another file's profile of that name would be another account.
        (
            sources(&files, &[("ALIBABA_CLOUD_PROFILE", "role")], None),
            Kind::Credentials,
            "RamRoleArn: this kind of credentials is not supported",
        ),
        (
            sources(&files, &[], Some("role")),
            Kind::Credentials,
            "RamRoleArn: this kind of credentials is not supported",
        ),
    ];
    for (sources, kind, message) in table {
        let error = sources.find().require().unwrap_err();
        assert_eq!((error.kind, error.message.as_str()), (kind, message));
    }
    let error = sources(&broken, &[], None).find().require().unwrap_err();
    assert_eq!(error.kind, Kind::Config);
    assert!(error.message.contains("config.json: not JSON: EOF"), "{}", error.message);
    let none = Sources::default().find();
    assert_eq!(none.require().unwrap_err().kind, Kind::Credentials);
}

#[test]
fn what_is_wrong_with_a_source_that_is_not_needed_does_no_harm() {
    let broken = home(&[(".aliyun/config.json", "{")]);
    let found = sources(&broken, &[ENV[0], ENV[1], ("ALICLOUD_ACCESS_KEY_ID", "stray")], None).find();
    assert_eq!(found.require().unwrap().access_key_id, "env-id");
    let said: Vec<&str> = found.trace.iter().map(|tried| tried.result.as_str()).collect();
    assert!(said[3].contains("half a credential") && said[4].contains("not JSON"), "{said:?}");
}

#[test]
fn the_trace_shows_no_secret() {
    let files = home(&[CONFIG, INI]);
    let shown = format!("{:?}", sources(&files, &ENV, None).find());
    assert!(!shown.contains("fake"), "{shown}");
}
