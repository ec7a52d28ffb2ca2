//! What comes from outside must never make jst panic or hang: replies, scripts, credential files, requests to
//! the simulator. Each target runs for a while as a test (`cargo test --manifest-path fuzz/Cargo.toml`);
//! `JST_FUZZ_SECONDS=3600` runs it for an hour, and `cargo bolero test` under a fuzzer that sees coverage.
#![allow(clippy::unwrap_used, missing_docs)]

use std::cell::RefCell;
use std::time::Duration;

use jst::harness;

/// Changes to a text: at a place, so many bytes become these.
type Edits = Vec<(u16, u8, Vec<u8>)>;

fn edited(text: &str, edits: &Edits) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for (at, gone, new) in edits {
        let at = usize::from(*at) % (bytes.len() + 1);
        let end = (at + usize::from(*gone % 8)).min(bytes.len());
        bytes.splice(at..end, new.iter().copied());
    }
    bytes
}

/// How long one target runs: together they take a minute on a machine that runs them one by one.
fn span() -> Duration {
    let seconds = std::env::var("JST_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(15))
}

const REPLIES: &[&str] = &[
    r#"{"RequestId":"R","Code":0,"ErrMsg":"","TotalCount":2,"PageNumber":1,"PageSize":10,"Data":[{"AppId":1,"Title":"x"},{"AppId":2}]}"#,
    r#"{"ListNodeLabelsResponse":{"code":0,"data":{"Code":0,"Success":true,"Result":[{"LabelKey":"k"}]},"name":"","message":""}}"#,
    r#"{"Code":0,"Success":true,"Result":{"Admitted":false,"BusinessCode":"102000","DeployOrderId":7}}"#,
    r#"{"RequestId":"R","HostId":"h","Code":"SignatureDoesNotMatch","Message":"string to sign is:GET&%2F&x"}"#,
    "<Error><Code>Throttling</Code><Message>a &amp; b<![CDATA[c]]></Message></Error>",
];

#[test]
fn replies() {
    bolero::check!().with_test_time(span()).with_type::<(usize, u8, u16, Edits)>().for_each(
        |(operation, sample, status, edits)| {
            let text = REPLIES[usize::from(*sample) % REPLIES.len()];
            let status = if status % 3 == 0 { 200 } else { 100 + status % 500 };
            harness::read_reply(*operation, status, &edited(text, edits));
        },
    );
}

const SCRIPTS: &[&str] = &[
    "let x = 1; for app in paginate(\"ListApp\", #{ PageSize: 5 }) { print(`${app.Title} ${x}`); }",
    "import \"std/args\" as cli; fn f(a, b) { if a > b { a } else { b } } /* c */ let g = |n| n + 1; g.call(2) // end",
    "switch x { 1 => \"a\", 2 | 3 if y => { 'c' } _ => () } try { throw #{a: [1, 2.5, \"\\u4e2d\"]} } catch (e) { }",
    "create_cluster(#{ Password: \"fake\", KeyPair: `multi\nline ${1 + {2}}` }); call_all(\"ScaleApp\", [#{}])",
];

#[test]
fn scripts() {
    // Deep nesting is parsed on a thread of the session's own.
    let parser = RefCell::new(harness::Parser::new().unwrap());
    let parser = std::panic::AssertUnwindSafe(&parser);
    bolero::check!().with_test_time(span()).with_type::<(u8, u16, Edits)>().for_each(|(sample, cursor, edits)| {
        let text = String::from_utf8_lossy(&edited(SCRIPTS[usize::from(*sample) % SCRIPTS.len()], edits)).into_owned();
        parser.borrow_mut().look(&text, usize::from(*cursor) % (text.len() + 1));
    });
}

const JSON: &str = r#"{"current":"shop","profiles":[{"name":"shop","mode":"AK","access_key_id":"i","access_key_secret":"fake"},{"name":"s","mode":"StsToken","sts_token":"fake"}]}"#;
const INI: &str = "[default]\ntype = access_key\naccess_key_id = i # note\naccess_key_secret = fa#ke\nenable = true\n\n[b]\ntype=sts\n";

#[test]
fn credential_files() {
    let home = tempfile::tempdir().unwrap();
    for folder in [".aliyun", ".alibabacloud"] {
        std::fs::create_dir(home.path().join(folder)).unwrap();
    }
    bolero::check!().with_test_time(span()).with_type::<(Edits, Edits)>().for_each(|(json, ini)| {
        std::fs::write(home.path().join(".aliyun/config.json"), edited(JSON, json)).unwrap();
        std::fs::write(home.path().join(".alibabacloud/credentials"), edited(INI, ini)).unwrap();
        harness::find_credentials(home.path());
    });
}

#[test]
fn requests_to_the_simulator() {
    let service = harness::Service::new().unwrap();
    let params = |text: &str| text.parse::<serde_json::Value>().unwrap().as_object().unwrap().clone();
    let samples: Vec<String> = [
        ("ListApp", r#"{"PageNumber":1,"PageSize":5}"#),
        ("ScaleApp", r#"{"EnvId":3001,"Replicas":2}"#),
        ("ListAppEnvironment", r#"{"AppId":1001}"#),
    ]
    .iter()
    .map(|(action, given)| String::from_utf8(harness::signed(action, params(given)).unwrap()).unwrap())
    .collect();
    let service = std::panic::AssertUnwindSafe(&service);
    bolero::check!()
        .with_test_time(span())
        .with_type::<(u8, Edits, Vec<(String, String)>, Vec<u8>, bool)>()
        .for_each(|(sample, edits, headers, body, as_form)| {
            let target = match sample % 4 {
                3 => "/_sim/advance?seconds=1",
                n => samples[usize::from(n)].split(' ').nth(1).unwrap(),
            };
            let target = String::from_utf8_lossy(&edited(target, edits)).into_owned();
            let mut headers = headers.clone();
            if *as_form {
                headers.push(("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
            }
            let method = if sample % 2 == 0 { "GET" } else { "POST" };
            let _ = service.ask(method, &target, &headers, body.clone());
        });
}
