//! Tests of `config.toml`.

#![allow(clippy::unwrap_used)]

use super::parse::parse;
use super::*;

const PATH: &str = "/c/config.toml";

fn problems(text: &str) -> Vec<String> {
    let error = match parse(Path::new(PATH), text) {
        Ok(file) => match file.check() {
            Ok(()) => return Vec::new(),
            Err(error) => error,
        },
        Err(error) => error,
    };
    assert_eq!(error.kind, Kind::Config);
    let all = std::iter::once(&error).chain(&error.more);
    let said = |error: &Error| [vec![error.message.replace(PATH, "F")], error.hints.clone()].concat().join(" | ");
    all.map(said).collect()
}

#[test]
fn every_mistake_is_named_with_its_line() {
    let table: &[(&str, &[&str])] = &[
        ("", &[]),
        ("# nothing\n[defaults]\n[profiles.a]\n", &[]),
        ("[defaults]\nconcurency = 3\n", &["F:2: `concurency` is no setting | did you mean `concurrency`?"]),
        ("[profiles.a]\nread-only = true\n", &["F:2: `read-only` is no setting | did you mean `read_only`?"]),
        (
            "[profiles.a]\nprofile = \"b\"\n",
            &["F:2: `profile` is no setting | `jst config init --print` shows every key"],
        ),
        ("[default]\n", &["F:1: `default` is no setting | did you mean `defaults`?"]),
        ("endpoint = \"x\"\n", &["F:1: `endpoint` is no setting | settings stand in [defaults] or [profiles.NAME]"]),
        ("[profiles]\nshop = 1\n", &["F:2: `shop` is no profile | its settings stand under a line [profiles.shop]"]),
        ("[defaults]\nconcurrency = 0\n", &["F:2: `concurrency`: 0 is not in 1..=1024"]),
        (
            "[defaults]\n\ntimeout = \"soon\"\n",
            &["F:3: `timeout`: `soon` is not a span of time: write 30s, 20m, 1h or a number of seconds"],
        ),
        (
            "[defaults]\nread_only = \"maybe\"\n",
            &["F:2: `read_only`: `maybe` is none of yes, no, true, false, 1 and 0"],
        ),
        ("[defaults]\ntimeout = [1]\n", &["F:2: `timeout` takes one text, number, or true or false"]),
        ("[defaults]\ndeny = { a = 1 }\n", &["F:2: `deny` takes a list of texts"]),
        ("[defaults]\ndeny = [\"Nothing*\"]\n", &["F:2: "]),
        (
            "[defaults]\nendpoint = \"ftp://x\"\n",
            &[
                "F:2: the endpoint `ftp://x` must begin with http:// or https:// | give a URL such as https://retailcloud.aliyuncs.com",
            ],
        ),
        ("[profiles.a]\nproduction = 1\n", &["F:2: `production` is true or false"]),
        (
            "[profiles.a]\ncredentials = 1\n",
            &[
                "F:2: `credentials` names a profile of the vendor's files, or is a table with a `mode` | see `jst config init --print`",
            ],
        ),
        ("[defaults]\nconcurrency = \"viele\"\n", &["F:2: `concurrency`: a whole number is wanted"]),
        (
            "[profiles.a.credentials]\nmode = \"AccessKey\"\n",
            &["F:1: AccessKey: this kind of credentials is not supported | the modes are "],
        ),
        (
            "[profiles.a.credentials]\naccess_key = \"x\"\n",
            &["F:1: `credentials` has no `access_key` | did you mean `access_key_id`?"],
        ),
        ("[defaults.credentials]\nmode = \"AK\"\naccess_key_id = \"x\"\n", &["F:1: "]),
        (
            "[profiles.a.credentials]\nmode = \"ChainableRamRoleArn\"\nsource_profile = \"a\"\n",
            &["F:1: profile a refers to itself as source_profile | name a profile that has credentials of its own"],
        ),
        ("[profiles.a.credentials]\nmode = \"ChainableRamRoleArn\"\nsource_profile = \"b\"\n", &[]),
        ("[defaults\n", &["F:1: not TOML: "]),
        ("[defaults]\nread_only = true\nread_only = true\n", &["F:3: not TOML: duplicate key"]),
        (
            "[defaults]\nnope = 1\n[profiles.a]\nrate = -1\n",
            &["F:2: `nope`", "F:4: `rate`: `-1` is not a number of attempts a second above 0"],
        ),
    ];
    for (text, expected) in table {
        let found = problems(text);
        assert_eq!(found.len(), expected.len(), "{text}: {found:#?}");
        for (found, expected) in found.iter().zip(*expected) {
            assert!(found.starts_with(expected), "{text}: {found} is not {expected}");
        }
    }
}

#[test]
fn the_sample_is_a_file_and_each_of_its_keys_is_one() {
    let text = sample::sample();
    assert_eq!(problems(&text), [""; 0]);
    let bare = |line: &&str| line.starts_with("# ") && line.contains(" = ") && !line.contains("JST_");
    let named = |key: &str| text.lines().filter(bare).any(|line| line[2..].starts_with(&format!("{key} = ")));
    for (_, long) in crate::settings::given::arguments().filter(|(_, long)| long != "config") {
        assert!(named(&long.replace('-', "_")), "{long}");
    }
}

#[test]
fn secrets_of_every_section_are_known() {
    let text = "[defaults]\naccess_key_secret = \"fake-one\"\n[profiles.a]\nsecurity_token = \"fake-two\"\n\
                [profiles.b]\ncredentials = { mode = \"AK\", access_key_id = \"id\", access_key_secret = \"fake-three\" }\n";
    let file = parse(Path::new(PATH), text).unwrap();
    assert_eq!(file.secrets().collect::<Vec<_>>(), ["fake-one", "fake-two", "fake-three"]);
}
