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
