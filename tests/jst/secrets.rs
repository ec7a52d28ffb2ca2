//! What never leaves the process, and what stays as it is beside it.

use crate::support::{Behaviour, FAKE_SECRET, Ran, Server, jst};

/// Runs code on the simulator after a call that carried these passwords, refused or not.
fn after(passwords: &[&str], code: &str, flags: &[&str]) -> Ran {
    let calls: String =
        passwords.iter().map(|p| format!("try_call(\"CreateCluster\", #{{ Password: {p:?} }});\n")).collect();
    jst(["--sim", "--allow-read", ".", "run"].iter().chain(flags).chain(&["main.rhai"]))
        .file("main.rhai", &format!("{calls}{code}"))
        .run()
}

#[test]
fn a_password_that_reads_like_data_leaves_data_alone() {
    let passwords = ["ContainerDeployment", "100200", "1001"];
    let code = r#"
        let app = list_app(#{ PageSize: 1 }).Data[0];
        print(app);
        print(json(app));
        print(json(app, true));
        print(json(json(app)));
        print(table([app], ["AppId", "DeployType"]));
        print(1001002003);
        print(`the type is ContainerDeployment of ${app.AppId}`);
        print([app.DeployType, 100200]);
        print(#{ Mine: app.DeployType });
        print(table([#{ Mine: app.DeployType, DeployType: 1 }]));
        print(app.DeployType);
    "#;
    let out = after(&passwords, code, &[]).ok();
    assert_eq!(out.matches("ContainerDeployment").count(), 6, "{out}");
    for says in [
        r#""DeployType": "ContainerDeployment""#,
        r#""DeployType":"ContainerDeployment""#,
        r#"\"DeployType\":\"ContainerDeployment\""#,
        " 1001   ContainerDeployment\n",
        "\n1001002003\n",
        "\nthe type is ContainerDeployment of 1001\n",
        "\n[\"****\", \"****\"]\n#{\"Mine\": \"****\"}\n",
        " DeployType  Mine\n──────────────────\n 1           ****\n",
        "\n****\n",
    ] {
        assert!(out.contains(says), "{says}: {out}");
    }
    for form in ["json", "jsonl", "csv", "table"] {
        let code = "try_call(\"X\", #{ Password: \"ContainerDeployment\" }); list_app(#{ PageSize: 1 })";
        let out = jst(["--sim", "--output", form, "eval", code]).run().ok();
        assert!(out.contains("ContainerDeployment"), "{out}");
    }
}

#[test]
fn passwords_of_calls_are_masked_in_every_form_of_output() {
    let server = Server::new(vec![Behaviour::Answer(200, "", r#"{"Code":7,"ErrMsg":"no"}"#.into())]);
    let hides = |name: &str, given: &str, last: &str, form: &str| {
        let code = format!("let p = {given}; try_call(\"ResetThing\", #{{ {name}: p }}); let v = {last}; print(v); v");
        let ran = jst(["--endpoint", &server.url(), "--output", form, "eval", &code]).fake_key().run();
        let shows = |text: &str| ["fa\\", "fa\"", "fake", "4815162342"].iter().any(|secret| text.contains(secret));
        assert!(ran.stdout.contains("****") && !shows(&ran.stdout), "{code} as {form}: {ran:#?}");
        assert!(!shows(&ran.stderr), "{code} as {form}: {ran:#?}");
    };
    let names = "Password Pwd PasswordNew Passphrase SecretKey SecretList access_key Passwrod Tokens";
    for name in names.split(' ') {
        hides(name, "\"fake pass\"", "#{ a: p }", "json");
    }
    for given in ["\"fa\\\"ke,pass\"", "\"fake pass\\nword\"", "4815162342"] {
        let values = [
            "p",
            "[p]",
            "[#{ a: p, b: [p] }]",
            "json(#{ a: p })",
            "json(json([p]))",
            "table([#{ a: p }])",
            "[json([p])]",
        ];
        for last in values {
            hides("Password", given, last, "json");
        }
        for form in ["jsonl", "csv", "table"] {
            hides("Password", given, "[#{ a: p, b: [p], c: json(p) }]", form);
        }
    }
}

#[test]
fn a_log_in_json_stays_json_whatever_the_password_reads_like() {
    for password in ["message", "100200", "operation", "timestamp", "fake\"pass"] {
        let code =
            format!("log::info({password:?}); log::warn(`{password} 5`); throw #{{ a: {password:?}, b: 100200 }}");
        let ran = after(&[password], &code, &["--log-format", "json"]);
        let lines: Vec<serde_json::Value> =
            ran.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let messages: Vec<&str> = lines.iter().map(|line| line["message"].as_str().unwrap()).collect();
        assert_eq!(messages[..2], ["****", "**** 5"], "{ran:#?}");
        assert!(messages[2].contains("****") && !messages[2].contains(password), "{ran:#?}");
    }
}

#[test]
fn names_that_only_read_like_secrets_are_harmless() {
    let server =
        Server::new(vec![Behaviour::Answer(200, "", r#"{"Code":0,"NextToken":"next-page","Data":[]}"#.into())]);
    for name in ["NextToken", "TokenCount", "SecretName", "KeyPairName", "LabelKey"] {
        let code = format!("call(\"ListThings\", #{{ {name}: \"next-page\" }}).NextToken");
        let out = jst(["--endpoint", &server.url(), "-v", "eval", &code]).fake_key().run();
        assert_eq!(out.stdout, "\"next-page\"\n", "{out:#?}");
    }
}

#[test]
fn a_line_that_names_a_secret_is_shown_without_its_texts_whatever_the_error() {
    for (code, is_shown) in [
        ("create_cluster(#{ Password: \"hunter2-fake\" }, nope)", false),
        ("create_cluster(#{ Password: \"hunter2-fake\" )", false),
        ("let m = #{ Password: \"hunter2-fake\" }; m.Nothing", false),
        ("let pwd = \"hunter2-fake\"; 1 / 0", false),
        ("create_cluster(\"JST\", \"hunter2-fake\", 1, 2)", false),
        ("creat_cluster(\"JST\", \"hunter2-fake\")", false),
        ("create_cluster(#{ Passwrod: \"hunter2-fake\" })", false),
        ("call(\"ResetThing\", #{ \"Passwords\": [\"hunter2-fake\"], }, 1)", false),
        ("create_cluster(#{\n  A: \"hunter2-fake\", B: nope\n})", false),
        ("set_token_of(\"hunter2-fake\")", false),
        ("let pwd = `\n  hunter2-fake ${nope}`;", false),
        ("call(\"ResetThing\", #{ Password: 1324354657 }, nope)", false),
        ("create_cluster(`hunter2-fake`, \"JST\" nope)", false),
        ("scale_app(\"hunter2-fake\", nope)", true),
        ("bind_node_label(#{ LabelKey: \"hunter2-fake\" }, nope)", true),
        ("list_app(#{ NextToken: \"hunter2-fake\" }).Nothing", true),
    ] {
        for form in ["text", "json"] {
            let ran = jst(["--sim", "--log-format", form, "run", "-"]).stdin(code).run();
            assert!(matches!(ran.code, Some(1 | 3)), "{code}: {ran:#?}");
            let shows = ["hunter2-fake", "1324354657"].iter().any(|secret| ran.stderr.contains(secret));
            assert_eq!(shows, is_shown && form == "text", "{code}: {}", ran.stderr);
        }
    }
}

#[test]
fn a_long_secret_does_not_show_its_beginning() {
    let secret = "fakelong".repeat(26);
    for code in [
        format!("create_cluster(#{{ Bogus: 1, Password: \"{secret}\", ClusterTitle: \"{secret}\" }})"),
        format!("call_all(\"CreateCluster\", [#{{ Password: \"{secret}\", RegionId: \"{secret}\" }}])"),
        format!("try_call(\"X\", #{{ Token: \"{secret}\" }}); scale_app(#{{ EnvId: \"{secret}\" }})"),
        format!("try_call(\"X\", #{{ Token: \"{secret}\" }}); throw \"{} {secret}\"", "x".repeat(3_900)),
    ] {
        // Not in the source line, which the error shows.
        let code = code.replace(&format!("\"{secret}\""), "s").replace(&format!(" {secret}\""), " \" + s");
        let code = format!("let s = \"\";\nfor n in 0..26 {{ s += \"fakelong\"; }}\n{code}");
        for form in ["text", "json"] {
            let ran = jst(["--sim", "--log-format", form, "run", "-"]).stdin(&code).run();
            assert_eq!(ran.code, Some(1), "{ran:#?}");
            assert!(!ran.stderr.contains("fakelong"), "{code}: {}", ran.stderr);
        }
    }
}

#[test]
fn what_a_file_of_credentials_holds_is_known_when_it_is_read() {
    let config = format!(
        r#"{{"current": "a", "profiles": [{{"name": "a", "mode": "AK", "access_key_id": "fake-id", "access_key_secret": "{FAKE_SECRET}"}},
            {{"name": "b", "mode": "StsToken", "access_key_id": "fake-id", "access_key_secret": "other-{FAKE_SECRET}", "sts_token": "fake+token=="}}]}}"#
    );
    let files = [
        (".aliyun/config.json", config.as_str()),
        ("copy.txt", config.as_str()),
        (
            ".alibabacloud/credentials",
            "[default]\ntype = access_key\naccess_key_id = fake-id\naccess_key_secret = fake-secret-never-shown\n",
        ),
        ("env.sh", "export ID=fake-id\nexport ALIBABA_CLOUD_ACCESS_KEY_SECRET='fake-secret-never-shown'\n"),
    ];
    for (name, text) in files {
        for code in [
            "print(t);",
            "log::info(t);",
            "print(\"x\" + t + \"y\");",
            "throw t;",
            "print(json(t)); print(t.len()); throw [t];",
        ] {
            let script = format!("let t = read_file(\"{name}\"); {code}");
            let ran = jst(["--allow-read", ".", "run", "-"]).stdin(&script).file(name, text).run();
            let shown = format!("{}{}", ran.stdout, ran.stderr);
            assert!(shown.contains("fake-id"), "{script}: {ran:#?}");
            assert!(!shown.contains(FAKE_SECRET) && !shown.contains("fake+token"), "{script}: {ran:#?}");
        }
    }
}

#[test]
fn a_command_line_does_not_repeat_a_secret() {
    for args in [
        &["call", "CreateCluster", "Password", "fake-pass-1"][..],
        &["call", "CreateDeployConfig", "SecretList=fake-pass-1"],
        &["call", "CreateCluster", "Password.x=fake-pass-1", "Other"],
        &["call", "ResetThing", "Pwd=fake-pass-1", "--dry-run"],
        &["call", "ResetThing", "--json", r#"{"Pwd": "fake-pass-1"}"#, "--dry-run"],
        &["call", "ResetThing", "--json", r#"{"Pwd": "fake-pass-1""#],
    ] {
        let ran = jst(args).run();
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("fake-pass"), "{ran:#?}");
    }
}

/// Every form that a secret may be found in, at any place of a text.
fn forms(secret: &str) -> Vec<String> {
    use base64::Engine as _;
    use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
    let percent = |text: &str, small: bool| -> String {
        let encoded = |byte: u8| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ if small => format!("%{byte:02x}"),
            _ => format!("%{byte:02X}"),
        };
        text.bytes().map(encoded).collect()
    };
    let json = |text: &str| {
        let quoted = serde_json::Value::from(text).to_string();
        quoted[1..quoted.len() - 1].to_owned()
    };
    let mut forms = vec![secret.to_owned(), json(secret), json(&json(secret))];
    for small in [false, true] {
        let once = percent(secret, small);
        forms.extend([percent(&once, small), once]);
    }
    forms.push(secret.bytes().map(|byte| format!("{byte:02x}")).collect());
    forms.push(secret.bytes().map(|byte| format!("{byte:02X}")).collect());
    for base64 in [&BASE64_STANDARD_NO_PAD, &BASE64_URL_SAFE_NO_PAD] {
        for before in 0..3 {
            let text = base64.encode([&vec![0; before], secret.as_bytes()].concat());
            forms.push(text[(before * 8).div_ceil(6)..(before + secret.len()) * 8 / 6].to_owned());
        }
    }
    forms
}

/// Everything that a run with this secret in this place leaves behind: streams, files, what it told others.
fn left_behind(secret: &str, token: &str) -> Vec<(String, String)> {
    use std::io::Read as _;
    let all: Vec<String> = [secret, token].iter().flat_map(|secret| forms(secret)).collect();
    // Whoever answers knows every form, and says each.
    let said = serde_json::json!({"Code": 7, "ErrMsg": all.join(" ; "), "RequestId": "R"}).to_string();
    let server = Server::new(vec![Behaviour::Answer(200, "", said)]);
    let heartbeat = Server::new(vec![Behaviour::Answer(200, "", String::new())]);
    let (endpoint, beat) = (server.url(), heartbeat.url());
    let script = "let t = read_file(\"all.txt\"); print(t); log::info(t); check(t, false, t); print(json([t]));\
                  try { step(t.sub_string(0, 20), || update_app(#{ AppId: 1, Description: t })); } catch (e) { print(e); }\
                  list_app();";
    let config = format!(
        "[profiles.p]\nendpoint = {endpoint:?}\naccess_key_id = \"fake-id\"\naccess_key_secret = {}\nsecurity_token = {}\n",
        serde_json::Value::from(secret),
        serde_json::Value::from(token)
    );
    let mut found = Vec::new();
    for (in_file, flags, words) in [
        (true, &["--log-format", "text"][..], &["whoami"][..]),
        (true, &["--output", "table"], &["config"]),
        (true, &["--log-format", "json", "-vv"], &["call", "ListApp"]),
        (false, &["-v"], &["whoami"]),
        (false, &["-q"], &["call", "UpdateApp", "AppId=1"]),
        (
            false,
            &[
                "-vv",
                "--allow-read",
                ".",
                "--report",
                "r.json",
                "--report",
                "r.html",
                "--report",
                "r.md",
                "--report",
                "r.xml",
            ],
            &["--journal", "j.db", "--metrics-file", "m.prom", "--heartbeat", &beat, "run", "s.rhai"],
        ),
        (true, &["--log-format", "json", "-vv", "--allow-read", "all.txt"], &["--journal", "j.db", "run", "s.rhai"]),
    ] {
        let run = jst(flags.iter().chain(words)).file("s.rhai", script).file("all.txt", &all.join("\n"));
        let run = match in_file {
            true => run.file(".config/jst/config.toml", &config).env("JST_PROFILE", "p").args(&["--profile", "p"]),
            false => run
                .env("JST_ENDPOINT", &endpoint)
                .env("ALIBABA_CLOUD_ACCESS_KEY_ID", "fake-id")
                .env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", secret)
                .env("ALIBABA_CLOUD_SECURITY_TOKEN", token),
        };
        let what = words.join(" ");
        let (child, home) = run.start();
        let output = child.wait_with_output().unwrap();
        found.push((format!("{what}: stdout"), String::from_utf8_lossy(&output.stdout).into_owned()));
        found.push((format!("{what}: stderr"), String::from_utf8_lossy(&output.stderr).into_owned()));
        for entry in std::fs::read_dir(home.path()).unwrap().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            let mut bytes = Vec::new();
            let is_ours = !["s.rhai", "all.txt", ".config"].contains(&name.as_str());
            if is_ours && std::fs::File::open(entry.path()).unwrap().read_to_end(&mut bytes).is_ok() {
                found.push((format!("{what}: {name}"), String::from_utf8_lossy(&bytes).into_owned()));
            }
        }
    }
    found.push(("heartbeat".to_owned(), heartbeat.requests().join("\n")));
    found
}

#[test]
fn no_form_of_a_credential_is_left_behind_anywhere() {
    use proptest::strategy::{Strategy as _, ValueTree as _};
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let ascii = "[!-~]{1}[ -~]{6,28}[!-~]{1}";
    let (mut seen, fixed) = (std::collections::BTreeSet::new(), r#"a+/=%"\b'<&>;#$()"#);
    let mut cases = vec![(fixed.to_owned(), "密钥+/=%\"\\é~ *".to_owned())];
    for _ in 0..6 {
        let mut draw =
            |pattern: &str| proptest::string::string_regex(pattern).unwrap().new_tree(&mut runner).unwrap().current();
        cases.push((draw(ascii), draw("[!-~äö中密]{1}[ -~äö中密]{6,28}[!-~äö中密]{1}")));
    }
    for (secret, token) in cases {
        for (place, text) in left_behind(&secret, &token) {
            for form in [&secret, &token].iter().flat_map(|secret| forms(secret)) {
                assert!(!text.contains(&form), "{form:?} of {secret:?} or {token:?} in {place}:\n{text}");
            }
            seen.insert(place);
        }
    }
    for file in ["r.json", "r.html", "r.md", "r.xml", "m.prom", "j.db", "heartbeat"] {
        assert!(seen.iter().any(|place| place.ends_with(file)), "{file} was not looked at: {seen:?}");
    }
}

/// Other users of the machine see the arguments of a process, those of the ones that jst starts among them.
#[test]
fn no_process_that_jst_starts_has_a_credential_among_its_arguments() {
    const SECRET: &str = "fake-secret+/=%\"x";
    const TOKEN: &str = "fake-token+/=%é~x";
    let look = "let line = read_file(\"/proc/self/cmdline\"); if line == \"\" { throw \"nothing was read\" }\n\
                for form in read_file(\"forms.txt\").split(\"\\n\") { if line.contains(form) { throw \"seen in `\" + line + \"`\" } }\n\
                print(\"looked at \" + line.contains(MARK));\n";
    let forms: Vec<String> = [SECRET, TOKEN].iter().flat_map(|secret| forms(secret)).collect();
    let script = look.replace("MARK", "\"--profile\"");
    let test = format!("fn test_a() {{\n{}}}", look.replace("MARK", "\"--job\""));
    let external = "sh -c 'tr \"\\\\000\" \"\\\\n\" </proc/$$/cmdline >seen.txt; cat keys.json'";
    let keys = serde_json::json!({"mode": "StsToken", "access_key_id": "fake-id", "access_key_secret": SECRET, "sts_token": TOKEN});
    let vendors = serde_json::json!({"current": "e", "profiles": [{"name": "e", "mode": "External", "process_command": external}]});
    let granted = ["--allow-read=/proc/self/cmdline", "--allow-read=forms.txt"];
    let with_key = ["--access-key-id", "fake-id", "--access-key-secret", SECRET, "--security-token", TOKEN];
    let run = ["run", "--profiles", "a,b", "s.rhai", "--", "of-the-script"];
    let server = Server::new(vec![Behaviour::Answer(200, "", r#"{"RequestId":"R"}"#.to_owned())]);
    let endpoint = server.url();
    for (in_environment, args, said) in [
        (true, [&granted[..], &run].concat(), "a | looked at true"),
        (false, [&granted[..], &with_key, &run].concat(), "a | looked at true"),
        (true, [&granted[..], &["test", "x_test.rhai"]].concat(), "1 passed, 0 failed"),
        (false, [&granted[..], &with_key, &["test", "x_test.rhai"]].concat(), "1 passed, 0 failed"),
        (false, vec!["--endpoint", &endpoint, "call", "ListApp"], "RequestId"),
    ] {
        let mut run = jst(&args)
            .file(".config/jst/config.toml", "[profiles.a]\n[profiles.b]\n")
            .file(".aliyun/config.json", &vendors.to_string())
            .file("keys.json", &keys.to_string())
            .file("forms.txt", &forms.join("\n"))
            .file("s.rhai", &script)
            .file("x_test.rhai", &test)
            .env("PATH", "/usr/bin:/bin");
        if in_environment {
            run = run.env("ALIBABA_CLOUD_ACCESS_KEY_ID", "fake-id").env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", SECRET);
            run = run.env("ALIBABA_CLOUD_SECURITY_TOKEN", TOKEN);
        }
        let (child, home) = run.start();
        let ran = Ran::of(child);
        assert!(ran.code == Some(0) && ran.stdout.contains(said), "{args:?}: {ran:#?}");
        if args.contains(&"ListApp") {
            let seen = std::fs::read_to_string(home.path().join("seen.txt")).unwrap();
            let has_secret = forms.iter().any(|form| seen.contains(form.as_str()));
            assert!(seen.starts_with("sh\n-c\n") && !has_secret, "{seen}");
        }
    }
}

#[test]
fn what_a_script_says_of_a_password_is_masked_wherever_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let reports = ["r.json", "r.html", "r.md", "r.xml"].map(at);
    let script = "let p = read_file(\"pw.txt\");
        try_call(\"CreateCluster\", #{BusinessCode: \"JST\", ClusterEnvType: \"TEST\", ClusterTitle: \"t\", ClusterType: \"Standard\",
            RegionId: \"cn-zhangjiakou\", VpcId: \"vpc-demo-1\", Vswitchids: [\"vsw-demo-1\"], PodCIDR: \"172.22.0.0/16\",
            ServiceCIDR: \"172.23.0.0/20\", Password: p});
        check(\"login with \" + p, false, p); log::warn(p); print(p); throw \"no \" + p;";
    let flags = reports.iter().flat_map(|report| ["--report", report]).collect::<Vec<_>>();
    let ran = jst(["--sim", "--journal", &at("j.db"), "--allow-read", "pw.txt"])
        .args(&flags)
        .args(&["run", "s.rhai"])
        .file("pw.txt", "Fake-Passw0rd-XyZ")
        .file("s.rhai", script)
        .run();
    assert_eq!(ran.code, Some(1), "{ran:#?}");
    let has = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    for file in [reports.as_slice(), &[at("j.db")]].concat() {
        let bytes = std::fs::read(&file).unwrap();
        assert!(has(&bytes, "login with ****") && !has(&bytes, "Fake-Passw0rd-XyZ"), "{file}");
    }
    assert!(!ran.stderr.contains("Fake-Passw0rd-XyZ"), "{ran:#?}");
}
