//! Tests of `in_file`.

use super::*;

fn found(path: &str, text: &str) -> Vec<(String, Class)> {
    let mut secrets = Vec::new();
    in_file(Path::new(path), text, |secret, class| secrets.push((secret.expose().to_owned(), class)));
    secrets.sort();
    secrets.dedup();
    secrets
}

#[test]
fn what_a_file_holds_is_known_by_the_names_before_it() {
    use Class::{Credential, Password};
    let profile = r#"{"profiles": [{"access_key_id": "id", "access_key_secret": "fake-1", "sts_token": "fake-2"}]}"#;
    for (path, text, expected) in [
        (
            "/h/.aliyun/config.json",
            r#"{"profiles": [{"mode": "AK", "sts_token": "fake-2"}]}"#,
            vec![("fake-2", Credential)],
        ),
        ("/h/data.json", profile, vec![("fake-1", Credential), ("fake-2", Credential)]),
        (
            "/h/data.json",
            r#"{"db": {"password": "Result", "pin_password": 123456, "user": "u"}}"#,
            vec![("123456", Password), ("Result", Password)],
        ),
        (
            "/h/data.json",
            r#"{"tokens": ["fake-1", {"x": "fake-2"}], "NextToken": "n"}"#,
            vec![("fake-1", Password), ("fake-2", Password)],
        ),
        (
            "/h/.alibabacloud/credentials",
            "[default]\ntype = access_key\naccess_key_secret = fa#ke;x=y\n",
            vec![("fa#ke;x=y", Credential)],
        ),
        (
            "/h/env",
            "export AK_ID=1\nexport ACCESS_KEY_SECRET='fake-1'\n",
            vec![("'fake-1'", Credential), ("fake-1", Credential)],
        ),
        (
            "/h/x.yaml",
            "db:\n  - password: fake-1 # ours\n  name: n\n",
            vec![("fake-1", Password), ("fake-1 # ours", Password)],
        ),
        (
            "/h/x.json",
            "{\"user\": \"u\", \"password\": \"fake-1\", // ours\n}",
            vec![("\"fake-1\"", Password), ("fake-1", Password)],
        ),
        ("/h/list.csv", "a,b\n1,2\n", vec![]),
        ("/h/empty", "", vec![]),
    ] {
        let expected: Vec<(String, Class)> =
            expected.into_iter().map(|(text, class)| (text.to_owned(), class)).collect();
        assert_eq!(found(path, text), expected, "{path}: {text}");
    }
}
