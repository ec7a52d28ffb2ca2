//! The rule for each class of secrets, over every form that jst writes.

#![allow(clippy::unwrap_used)]

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::encoding::percent;
use crate::error::{Frame, Kind, Problem};
use crate::show::data::{Format, Screen, rendered};

/// A redactor that knows these.
fn knows(credentials: &[&str], passwords: &[&str]) -> Redactor {
    let redactor = Redactor::default();
    let classes = [(credentials, Class::Credential), (passwords, Class::Password)];
    for (secrets, class) in classes {
        secrets.iter().for_each(|secret| redactor.add(&Secret::new(*secret), class));
    }
    redactor
}

#[test]
fn credentials_are_taken_out_of_any_text_in_every_encoding() {
    let redactor = knows(&["fake+secret/ä\"=", "abc"], &[]);
    for (text, expected) in [
        ("plain fake+secret/ä\"= here", "plain **** here"),
        ("insidefake+secret/ä\"=text", "inside****text"),
        ("fake%2Bsecret%2F%C3%A4%22%3D", "****"),
        ("fake%252Bsecret%252F%25C3%25A4%2522%253D", "****"),
        ("ZmFrZStzZWNyZXQvw6QiPQ==", "****"),
        (r#"{"S":"fake+secret/ä\"="}"#, r#"{"S":"****"}"#),
        ("abc is too short to be taken out", "abc is too short to be taken out"),
    ] {
        for shown in [redactor.talk(text), redactor.data(text), redactor.text(text)] {
            assert_eq!(shown, expected);
        }
    }
}

#[test]
fn passwords_are_taken_out_of_talk_as_words() {
    let redactor = knows(&[], &["ContainerDeployment", "100200", "p\"w+ä!", "中文密码一二三", "-dash-"]);
    for (text, expected) in [
        ("the type ContainerDeployment is", "the type **** is"),
        ("the type `ContainerDeployment`.", "the type `****`."),
        ("ContainerDeployments, MyContainerDeployment", "ContainerDeployments, MyContainerDeployment"),
        ("1001002003 and 100200", "1001002003 and ****"),
        ("p\"w+ä! xp\"w+ä! p\"w+ä!x", "**** xp\"w+ä! ****x"),
        ("Password=p%22w%2B%C3%A4%21&A=%20p%22w%2B%C3%A4%21", "Password=****&A=%20****"),
        ("%2520p%2522w%252B%25C3%25A4%2521", "%2520****"),
        (r#"{"a":"p\"w+ä!","b":"line\np\"w+ä!"}"#, r#"{"a":"****","b":"line\n****"}"#),
        ("\u{1b}[1mContainerDeployment\u{1b}[0m", "\u{1b}[1m****\u{1b}[0m"),
        ("我的中文密码一二三呢 中文密码一二三", "我的中文密码一二三呢 ****"),
        ("x-dash-x", "x****x"),
        ("base64 xxxMTAwMjAwxxx and 313030323030", "base64 xxx****xxx and ****"),
        ("", ""),
    ] {
        assert_eq!(redactor.talk(text), expected);
    }
}

#[test]
fn passwords_are_taken_out_of_data_as_values() {
    let redactor = knows(&[], &["ContainerDeployment", "100200", "p\"w,+ä!"]);
    for (text, expected) in [
        ("ContainerDeployment", "****"),
        ("is ContainerDeployment\nContainerDeployment\r\nlast", "is ContainerDeployment\n****\r\nlast"),
        (
            "deploys ContainerDeployment now, ContainerDeployment.",
            "deploys ContainerDeployment now, ContainerDeployment.",
        ),
        (r#"{"DeployType":"ContainerDeployment"}"#, r#"{"DeployType":"ContainerDeployment"}"#),
        (r#"#{"DeployType": "ContainerDeployment"}"#, r#"#{"DeployType": "ContainerDeployment"}"#),
        (r#"{"Other":"ContainerDeployment"}"#, r#"{"Other":"****"}"#),
        (r#"{"Password":"ContainerDeployment"}"#, r#"{"Password":"****"}"#),
        (r#"{"Other":["a","ContainerDeployment"]}"#, r#"{"Other":["a","****"]}"#),
        (
            "{\"DeployType\": [\n  \"a\",\n  \"ContainerDeployment\"\n]}",
            "{\"DeployType\": [\n  \"a\",\n  \"ContainerDeployment\"\n]}",
        ),
        (r#"{"ContainerDeployment":1,"DeployType":2}"#, r#"{"****":1,"DeployType":2}"#),
        (r#""{\"Other\":\"p\\\"w,+ä!\"}""#, r#""{\"Other\":\"****\"}""#),
        (r#""{\"DeployType\":\"ContainerDeployment\"}""#, r#""{\"DeployType\":\"ContainerDeployment\"}""#),
        (
            "EnvName,DeployType,Mine\nn,ContainerDeployment,ContainerDeployment",
            "EnvName,DeployType,Mine\nn,ContainerDeployment,****",
        ),
        ("EnvName,Mine\nn,\"p\"\"w,+ä!\"", "EnvName,Mine\nn,\"****\""),
        (r#"{"Id":1001002003,"EnvId":100200,"Pin":100200}"#, r#"{"Id":1001002003,"EnvId":100200,"Pin":"****"}"#),
        ("[1, 100200]", r#"[1, "****"]"#),
        ("5 of 100200, and 100200 more", "5 of 100200, and 100200 more"),
        ("Password: ContainerDeployment!", "Password: ****!"),
        (
            "http://x/?Password=p%22w%2C%2B%C3%A4%21&Type=ContainerDeployment",
            "http://x/?Password=****&Type=ContainerDeployment",
        ),
    ] {
        assert_eq!(redactor.data(text), expected);
    }
}

#[test]
fn a_value_is_masked_by_its_fields() {
    let redactor = knows(&["FAKE-KEY-SECRET"], &["ContainerDeployment", "100200"]);
    let value = json!({"DeployType": "ContainerDeployment", "EnvId": 100200, "Pin": 100200, "Other": ["ContainerDeployment"],
        "Note": "about ContainerDeployment", "Text": "{\"a\":\"ContainerDeployment\"}", "ContainerDeployment": 1,
        "EnvName": "x-FAKE-KEY-SECRET-x"});
    let expected = json!({"DeployType": "ContainerDeployment", "EnvId": 100200, "Pin": "****", "Other": ["****"],
        "Note": "about ContainerDeployment", "Text": "{\"a\":\"****\"}", "****": 1, "EnvName": "x-****-x"});
    assert_eq!(redactor.value(value), expected);
    assert_eq!(redactor.value(json!({"ContainerDeployment": 1, "100200": 2})), json!({"****": 1, "*****": 2}));
}

#[test]
fn an_error_is_redacted_before_it_is_shortened() {
    let secret = "fake".repeat(52);
    let redactor = knows(&[], &[&secret]);
    let problem = Problem {
        path: "A".into(),
        given: Some(json!({"a": secret, "b": [secret]})),
        message: format!("no {secret}"),
        nearest: None,
    };
    let frame = Frame { file: "f".into(), line: 1, column: 6, text: Some(format!("x = {secret};")), function: None };
    let inner = Error::new(Kind::Api, secret.as_str()).with(|error| error.code = Some(json!(secret)));
    let error = Error::new(Kind::Invalid, format!("said {secret}")).hint(secret.as_str()).with(|error| {
        error.problems.push(problem);
        error.failures.push((json!({"Item": secret}), inner));
        error.trace.push(frame);
    });
    let shown = redactor.error(error);
    let text = shown.to_json().to_string();
    assert!(!text.contains("fakefake"), "{text}");
    assert_eq!(shown.message, "said ****");
    let expected = format!("x = {};", "*".repeat(secret.len()));
    assert_eq!(shown.trace.first().unwrap().text.as_deref(), Some(expected.as_str()));
}

#[test]
fn secrets_that_come_one_by_one_are_all_found() {
    let redactor = Redactor::default();
    for n in 0..300 {
        redactor.add(&Secret::new(format!("fake-{n:04}")), Class::Password);
        assert_eq!(redactor.talk(&format!("a fake-{n:04} b")), "a **** b");
        assert_eq!(redactor.talk("fake-0000 fake-9999"), "**** fake-9999");
    }
    let finder = redactor.finder();
    assert!(finder.parts() <= 12, "{}", finder.parts());
}

/// Every way to write a secret that somebody could read it back from.
fn written(secret: &str) -> Vec<String> {
    let inside = |text: String| text[1..text.len() - 1].to_owned();
    let json = |text: &str| inside(json!(text).to_string());
    let once = percent(secret).to_string();
    let mut forms = vec![
        secret.to_owned(),
        percent(&once).to_string(),
        once,
        json(secret),
        json(&json(secret)),
        secret.replace('"', "\"\""),
        json(secret).replace('"', "\"\""),
        secret.bytes().map(|byte| format!("{byte:02x}")).collect(),
        secret.bytes().map(|byte| format!("{byte:02X}")).collect(),
    ];
    for before in ["", "x", "xy"] {
        // Three bytes behind it, so that its own are whole.
        let text = format!("{before}{secret}xyz");
        for encoded in [BASE64_STANDARD.encode(&text), BASE64_URL_SAFE.encode(&text)] {
            let own = (before.len() * 8).div_ceil(6)..(before.len() + secret.len()) * 8 / 6;
            forms.push(encoded[own].to_owned());
        }
    }
    forms
}

proptest! {
    /// Inside any text, on either stream.
    #[test]
    fn no_form_of_a_credential_is_shown(secret in "[ -~äö中\n]{6,24}", before in "[a-z ]{0,4}", behind in "[a-z ]{0,4}") {
        let redactor = knows(&[&secret], &[]);
        for form in written(&secret) {
            let text = format!("{before}{form}{behind}");
            for shown in [redactor.talk(&text), redactor.data(&text), redactor.text(&text)] {
                prop_assert!(!shown.contains(&form), "{form} in {shown}");
            }
        }
    }

    /// As a word of talk, as a value of data.
    #[test]
    fn no_form_of_a_password_is_shown_by_itself(secret in "[ -~äö中\n]{6,24}") {
        let redactor = knows(&[], &[&secret]);
        for form in written(&secret) {
            for text in [format!("a {form} b"), json!({"a": form}).to_string(), form.clone()] {
                let shown = redactor.talk(&text);
                prop_assert!(!shown.contains(&form), "{form} in {shown}");
            }
            let shown = redactor.data(&form);
            prop_assert!(!shown.contains(&form), "{form} as {shown}");
        }
    }

    /// In every form of output, under whatever name that is no reply's.
    #[test]
    fn no_form_of_output_shows_a_password(secret in "[ -~äö中\n]{6,24}", name in "[a-z]{1,6}") {
        let redactor = knows(&[], &[&secret]);
        let nested = json!({"inner": [secret]}).to_string();
        let records = json!([{&name: secret, "Pages": 1}, {&name: [secret, 1], "Pages": 2}, {&name: nested, "Pages": 3}]);
        for value in [records.clone(), json!(records.to_string()), json!(json!(records.to_string()).to_string()), json!(secret)] {
            for format in [Format::Table, Format::Json, Format::Jsonl, Format::Csv] {
                let Ok(text) = rendered(&redactor.value(value.clone()), format, Some(Screen { width: 40, in_full: "" })) else { continue };
                for form in written(&secret) {
                    prop_assert!(!text.contains(&form), "{form} in {text}");
                }
            }
        }
        for text in [records.to_string(), format!("{records:#}"), json!(records.to_string()).to_string()] {
            let shown = redactor.data(&text);
            for form in written(&secret) {
                prop_assert!(!shown.contains(&form), "{form} in {shown}");
            }
        }
    }

    /// Whatever else is in it.
    #[test]
    fn other_text_stays_as_it_is(text in "[ -~äö中\n]{0,80}") {
        let redactor = knows(&["fake-credential"], &["fake-password"]);
        prop_assert_eq!(redactor.talk(&text), text.as_str());
        prop_assert_eq!(redactor.data(&text), text.as_str());
    }
}

#[test]
fn a_credential_is_known_as_the_engine_shows_bytes() {
    let redactor = Redactor::default();
    redactor.add(&Secret::new("fake-secret1"), Class::Credential);
    assert_eq!(redactor.data("[66616b652d736563 72657431]"), "[****]");
}
