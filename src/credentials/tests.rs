//! The chain over files and variables.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::error::Kind;
use crate::secret::Secret;

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
        {"name": "role", "mode": "CloudSSO"},
        {"name": "half", "mode": "AK", "access_key_id": "half-id"}]}"#,
);
const INI: (&str, &str) = (
    ".alibabacloud/credentials",
    "[default]\ntype = access_key\naccess_key_id = ini-id\naccess_key_secret = fa;ke=x:y\n[other]\ntype=ecs_ram_role\nrole_name=r\n",
);
const OURS: [(&str, &str); 2] = [("JST_ACCESS_KEY_ID", "our-id"), ("JST_ACCESS_KEY_SECRET", "fake")];
const ENV: [(&str, &str); 2] = [("ALIBABA_CLOUD_ACCESS_KEY_ID", "env-id"), ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "fake")];

#[test]
fn sources_are_taken_in_the_contracts_order() {
    let files = home(&[CONFIG, INI]);
    let only_ini = home(&[INI]);
    let nothing = home(&[]);
    let table = [
        (sources(&files, &OURS, None), Some("our-id"), None),
        (sources(&files, &[OURS[0], OURS[1], ENV[0], ENV[1]], None), Some("our-id"), None),
        // A profile given by hand outranks every variable.
        (sources(&files, &OURS, Some("shop")), Some("shop-id"), Some("shop")),
        (sources(&files, &ENV, None), Some("env-id"), None),
        (sources(&files, &ENV, Some("shop")), Some("shop-id"), Some("shop")),
        (sources(&files, &[], None), Some("shop-id"), Some("shop")),
        (sources(&files, &[("ALIBABA_CLOUD_PROFILE", "sts")], None), Some("sts-id"), Some("sts")),
        (sources(&files, &[("ALIBABACLOUD_PROFILE", "sts")], None), Some("sts-id"), Some("sts")),
        (sources(&files, &[("ALICLOUD_PROFILE", "sts")], None), Some("sts-id"), Some("sts")),
        (
            sources(&files, &[("ALIBABACLOUD_PROFILE", "sts"), ("ALICLOUD_PROFILE", "half")], None),
            Some("sts-id"),
            Some("sts"),
        ),
        (
            sources(&files, &[("ALIBABA_CLOUD_PROFILE", " "), ("ALICLOUD_PROFILE", "")], None),
            Some("shop-id"),
            Some("shop"),
        ),
        (sources(&files, &[("ALICLOUD_PROFILE", "sts")], Some("shop")), Some("shop-id"), Some("shop")),
        // Not in the first file, but in the second.
        (sources(&files, &[("ALICLOUD_PROFILE", "default")], None), Some("ini-id"), Some("default")),
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
        assert_eq!(found.key().map(|c| c.access_key_id.as_str()), id, "{sources:?}");
        assert_eq!(found.profile.as_deref(), profile, "{sources:?}");
    }
    let flags =
        Sources { flags: [Some("flag-id".into()), Some("fake".into()), None], ..sources(&files, &ENV, Some("shop")) };
    assert_eq!(flags.find().key().unwrap().access_key_id, "flag-id");
}

#[test]
fn secrets_are_read_whole_and_tokens_are_kept() {
    let files = home(&[CONFIG, INI]);
    let ini = Sources {
        env: [("ALIBABA_CLOUD_CREDENTIALS_FILE".to_owned(), files.path().join(INI.0).display().to_string())].into(),
        ..Sources::default()
    };
    assert_eq!(ini.find().key().unwrap().secret.expose(), "fa;ke=x:y");
    let sts = sources(&files, &[], Some("sts")).find();
    assert_eq!(sts.key().unwrap().security_token, Some(Secret::new("fake-token")));
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
        (
            sources(&files, &[("ALICLOUD_PROFILE", "nobody")], None),
            Kind::Config,
            "there is no usable profile `nobody`, which ALICLOUD_PROFILE names",
        ),
        // Another file's profile of that name would be another account.
        (
            sources(&files, &[("ALIBABA_CLOUD_PROFILE", "role")], None),
            Kind::Credentials,
            "CloudSSO: this kind of credentials is not supported",
        ),
        (sources(&files, &[], Some("role")), Kind::Credentials, "CloudSSO: this kind of credentials is not supported"),
    ];
    for (sources, kind, message) in table {
        let error = sources.find().known().unwrap_err();
        assert_eq!((error.kind, error.message.as_str()), (kind, message));
    }
    let error = sources(&broken, &[], None).find().known().unwrap_err();
    assert_eq!(error.kind, Kind::Config);
    assert!(error.message.contains("config.json: not JSON: EOF"), "{}", error.message);
    let none = Sources::default().find();
    assert_eq!(none.known().unwrap_err().kind, Kind::Credentials);
}

#[test]
fn a_current_profile_that_is_not_there_ends_the_search() {
    for (config, message) in [
        (r#"{"current": "gone", "profiles": []}"#, "`current` names the profile `gone`, which is not there"),
        (
            r#"{"current": " gone ", "profiles": [{"name": "default", "mode": "AK", "access_key_id": "x", "access_key_secret": "fake"}]}"#,
            "`current` names the profile `gone`, which is not there",
        ),
        (r#"{"current": 7, "profiles": []}"#, "`current` is no text"),
    ] {
        let files = home(&[(CONFIG.0, config), INI]);
        let error = sources(&files, &[], None).find().known().unwrap_err();
        assert_eq!(error.kind, Kind::Config, "{config}");
        assert_eq!(error.message, format!("{}: {message}", files.path().join(CONFIG.0).display()));
        // Whoever names another does not care.
        let other = sources(&files, &[("ALIBABA_CLOUD_PROFILE", "default")], None).find();
        assert!(other.known().is_ok() || config.contains('7'), "{config}");
    }
    for config in [r#"{"current": "", "profiles": []}"#, r#"{"profiles": []}"#, r#"{"current": null, "profiles": []}"#]
    {
        let files = home(&[(CONFIG.0, config), INI]);
        assert_eq!(
            sources(&files, &[], None).find().known().unwrap().key().unwrap().access_key_id,
            "ini-id",
            "{config}"
        );
    }
}

/// What an ini file's default profile of these lines holds: id, secret and token; or what is said.
fn in_ini(lines: &str) -> std::result::Result<[String; 3], String> {
    let files = home(&[(INI.0, &format!("[default]\n{lines}"))]);
    let found = sources(&files, &[], None).find();
    let said = found.trace.iter().find(|tried| tried.source.ends_with("profile default")).map(|t| t.result.clone());
    match found.known() {
        Ok(way) => {
            let held = way.key().unwrap();
            let token = held.security_token.as_ref().map_or("", |token| token.expose());
            Ok([&held.access_key_id, held.secret.expose(), token].map(str::to_owned))
        }
        Err(_) => Err(said.unwrap_or_default().replace(&format!("{}/", files.path().display()), "")),
    }
}

#[test]
fn ini_files_are_taken_as_the_vendors_readers_take_them() {
    const KEY: &str = "access_key_id = id\naccess_key_secret = fake\n";
    let held = |id: &str, secret: &str, token: &str| Ok([id, secret, token].map(str::to_owned));
    let said = |text: &str| Err(text.to_owned());
    for (lines, expected) in [
        (format!("type = access_key   # kind\n{KEY}"), held("id", "fake", "")),
        (format!("type=access_key#kind\n{KEY}"), held("id", "fake", "")),
        (format!("type: access_key\n{KEY}"), held("id", "fake", "")),
        (format!("Type = access_key\nENABLE = True\n{KEY}"), held("id", "fake", "")),
        (KEY.to_owned(), held("id", "fake", "")),
        ("access_key_id=\tid # mine\r\naccess_key_secret = fa;ke=x:y  \r\n".to_owned(), held("id", "fa;ke=x:y", "")),
        ("access_key_id = id\naccess_key_secret = fake#secret\n".to_owned(), held("id", "fake", "")),
        ("# id\n; secret\naccess_key_id = id\naccess_key_secret = fake".to_owned(), held("id", "fake", "")),
        (
            format!("type = sts # temporary\nsecurity_token = fake-token # an hour\n{KEY}"),
            held("id", "fake", "fake-token"),
        ),
        (format!("type = sts\nsts_token = fake-token\n{KEY}"), held("id", "fake", "fake-token")),
        (format!("security_token = fake-token\n{KEY}"), held("id", "fake", "fake-token")),
        (format!("type = access_key\nsecurity_token = fake-token\n{KEY}"), held("id", "fake", "")),
        (format!("enable = false\n{KEY}"), said("the profile says `enable = false`")),
        (format!("enable = FALSE # for now\n{KEY}"), said("the profile says `enable = false`")),
        (
            format!("enable = perhaps\n{KEY}"),
            said(".alibabacloud/credentials: profile default: `enable` is true or false"),
        ),
        (format!("type = sts\n{KEY}"), said("half a credential: access_key_id is given, security_token is missing")),
        (
            format!("type = sts\nsecurity_token = # later\n{KEY}"),
            said("half a credential: access_key_id is given, security_token is missing"),
        ),
        (
            "access_key_id = id\naccess_key_secret = # nothing\n".to_owned(),
            said("half a credential: access_key_id is given, access_key_secret is missing"),
        ),
        (
            format!("type = ram_role_arn # of another\n{KEY}"),
            said("profile default: type ram_role_arn needs role_arn, which is missing"),
        ),
    ] {
        assert_eq!(in_ini(&lines), expected, "{lines}");
    }
}

#[test]
fn what_a_shell_or_an_editor_adds_is_no_part_of_a_value() {
    let marked = home(&[
        (
            CONFIG.0,
            "\u{feff}{\"profiles\": [{\"name\": \"default\", \"access_key_id\": \" id\", \"access_key_secret\": \"fake\\n\"}]}",
        ),
        (INI.0, "\u{feff}[ini]\naccess_key_id = id\naccess_key_secret = fake\n"),
    ]);
    let env = [("ALIBABA_CLOUD_ACCESS_KEY_ID", "id\n"), ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "\tfake \r\n")];
    let flags = Sources { flags: [Some("id ".into()), Some(" fake".into()), Some("\n".into())], ..Sources::default() };
    for sources in
        [sources(&marked, &[], None), sources(&marked, &[], Some("ini")), sources(&marked, &env, None), flags]
    {
        let found = sources.find();
        let held = found.known().unwrap().key().unwrap();
        assert_eq!((held.access_key_id.as_str(), held.secret.expose()), ("id", "fake"), "{sources:?}");
        assert_eq!(held.security_token, None, "{sources:?}");
    }
    let blank = home(&[]);
    let blank =
        sources(&blank, &[("ALIBABA_CLOUD_ACCESS_KEY_ID", " \n"), ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "\n")], None);
    assert_eq!(blank.find().known().unwrap_err().message, "there are no credentials");
}

#[test]
fn what_is_no_text_is_named() {
    for name in ["ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALICLOUD_SECURITY_TOKEN"] {
        let sources = Sources { not_text: [name.to_owned()].into(), ..Sources::default() };
        let error = sources.find().known().unwrap_err();
        assert_eq!((error.kind, error.to_string()), (Kind::Credentials, format!("{name} is not UTF-8 text")));
    }
    let latin = home(&[(INI.0, "")]);
    std::fs::write(latin.path().join(INI.0), b"[default]\n# caf\xe9\n").unwrap();
    let error = sources(&latin, &[], None).find().known().unwrap_err();
    assert_eq!(error.message, format!("cannot read {}: it is not UTF-8 text", latin.path().join(INI.0).display()));
}

#[test]
fn a_file_that_is_named_and_is_not_there_ends_the_search() {
    let env = [
        ("ALIBABA_CLOUD_CREDENTIALS_FILE".to_owned(), "/nowhere/credentials".to_owned()),
        ("ALIBABA_CLOUD_CREDENTIALS_URI".to_owned(), "http://127.0.0.1:9/other".to_owned()),
    ];
    let found = Sources { env: env.into(), ..Sources::default() }.find();
    let error = found.known().unwrap_err();
    assert_eq!(
        (error.kind, error.message.as_str()),
        (Kind::Config, "ALIBABA_CLOUD_CREDENTIALS_FILE names /nowhere/credentials, which is not there")
    );
}

#[test]
fn a_home_folder_that_cannot_be_used_is_passed_over_and_said() {
    let files = home(&[INI]);
    let at = |name: &str| files.path().join(name);
    std::fs::write(at("file"), "").unwrap();
    std::os::unix::fs::symlink("loop", at("loop")).unwrap();
    let named = [("ALIBABA_CLOUD_CREDENTIALS_FILE", at(INI.0).display().to_string())];
    for name in ["file", "loop", "missing"] {
        let env = named.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let found = Sources { env, home: Some(at(name)), ..Sources::default() }.find();
        assert_eq!(found.known().unwrap().key().unwrap().access_key_id, "ini-id", "{name}");
        let said =
            format!(".aliyun/config.json was passed over: the home folder {} cannot be used: ", at(name).display());
        let is_said = found.passed_over.iter().any(|text| text.contains(&said));
        assert_eq!(is_said, name != "missing", "{:?}", found.passed_over);
        let alone = Sources { home: Some(at(name)), ..Sources::default() }.find();
        assert_eq!(alone.known().unwrap_err().message, "there are no credentials", "{name}");
    }
}

#[test]
fn what_is_wrong_with_a_source_that_is_not_needed_does_no_harm() {
    let broken = home(&[(".aliyun/config.json", "{")]);
    let found = sources(&broken, &[ENV[0], ENV[1], ("ALICLOUD_ACCESS_KEY_ID", "stray")], None).find();
    assert_eq!(found.known().unwrap().key().unwrap().access_key_id, "env-id");
    let said: Vec<&str> = found.trace.iter().map(|tried| tried.result.as_str()).collect();
    assert!(said[3].contains("half a credential") && said[5].contains("not JSON"), "{said:?}");
}

#[test]
fn the_trace_shows_no_secret() {
    let files = home(&[CONFIG, INI]);
    let shown = format!("{:?}", sources(&files, &ENV, None).find());
    assert!(!shown.contains("fake"), "{shown}");
}

/// Sources in their order, each with what whoever it gives is described by.
const ORDER: [(&str, &str); 9] = [
    ("flags", "access key flag****-key"),
    ("ours", "access key our-****-key"),
    ("environment", "access key env-****-key"),
    ("oidc", "role acs:role/pod, assumed with the token in token"),
    ("config", "access key conf****-key"),
    ("cli", "access key cli-****-key"),
    ("ini", "access key ini-****-key"),
    ("metadata", "the machine's role web"),
    ("uri", "what a URI gives"),
];

/// These sources and no others.
fn having(names: &[&str], profile: Option<&str>) -> (tempfile::TempDir, Sources) {
    let has = |name: &str| names.contains(&name);
    let key = |id: &str| [Some(id.to_owned()), Some("fake".to_owned()), None];
    let cli = r#"{"current":"p","profiles":[{"name":"p","mode":"AK","access_key_id":"cli-the-key","access_key_secret":"fake"}]}"#;
    let ini = "[default]\naccess_key_id=ini-the-key\naccess_key_secret=fake\n[p]\naccess_key_id=ini-the-key\naccess_key_secret=fake\n";
    let files = [(CONFIG.0, cli, "cli"), (INI.0, ini, "ini")];
    let files: Vec<_> = files.into_iter().filter(|(.., name)| has(name)).map(|(path, text, _)| (path, text)).collect();
    let variables: &[(&str, &[(&str, &str)])] = &[
        ("ours", &[("JST_ACCESS_KEY_ID", "our-the-key"), ("JST_ACCESS_KEY_SECRET", "fake")]),
        ("environment", &[("ALIBABA_CLOUD_ACCESS_KEY_ID", "env-the-key"), ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "fake")]),
        (
            "oidc",
            &[
                ("ALIBABA_CLOUD_OIDC_TOKEN_FILE", "token"),
                ("ALIBABA_CLOUD_ROLE_ARN", "acs:role/pod"),
                ("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "p"),
            ],
        ),
        ("metadata", &[("ALIBABA_CLOUD_ECS_METADATA", "web")]),
        ("uri", &[("ALIBABA_CLOUD_CREDENTIALS_URI", "http://127.0.0.1/")]),
    ];
    let env: Vec<_> =
        variables.iter().filter(|(name, _)| has(name)).flat_map(|(_, list)| list.iter().copied()).collect();
    let off = (!has("metadata")).then_some(("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true"));
    let env: Vec<_> = env.into_iter().chain(off).collect();
    let home = home(&files);
    let mut sources = sources(&home, &env, profile);
    if has("flags") {
        sources.flags = key("flag-the-key");
    }
    if has("config") {
        sources.config =
            Some(Configured { file: "config.toml".into(), access_key: key("config-the-key"), ..Configured::default() });
    }
    (home, sources)
}

#[test]
fn of_any_two_sources_the_nearer_is_used() {
    const BY_HAND: [&str; 4] = ["flags", "config", "cli", "ini"];
    let mut rows = 0;
    for profile in [None, Some("p")] {
        for (at, (one, _)) in ORDER.iter().enumerate() {
            for (other, _) in &ORDER[at..] {
                let (_home, sources) = having(&[one, other], profile);
                let counts = |name: &&&str| profile.is_none() || BY_HAND.contains(*name);
                let expected = [one, other].into_iter().find(counts);
                let expected =
                    expected.and_then(|name| ORDER.iter().find(|(known, _)| known == name)).map(|(_, said)| *said);
                let found = sources.find();
                let used: Vec<&str> =
                    found.trace.iter().filter(|tried| tried.used).map(|tried| tried.result.as_str()).collect();
                assert_eq!(found.known().ok().map(Way::describe).as_deref(), expected, "{one} {other} {profile:?}");
                assert_eq!(used, expected.into_iter().collect::<Vec<_>>(), "{one} {other} {profile:?}");
                rows += 1;
            }
        }
    }
    assert_eq!(rows, 90);
}
