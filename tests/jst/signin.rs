//! Every way of signing in, against a stand-in that speaks the vendor's protocols on loopback.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};

use crate::support::{Jst, Ran, jst};

/// A request to the stand-in.
#[derive(Clone, Debug, Default)]
struct Asked {
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
    /// The parameters of query and form.
    params: BTreeMap<String, String>,
}

impl Asked {
    fn param(&self, name: &str) -> &str {
        self.params.get(name).map_or("", String::as_str)
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// Who asks for what, in short.
    fn told(&self) -> String {
        let action = self.param("Action");
        match (action, self.path.as_str()) {
            ("", path) => format!("{} {path}", self.method),
            (action, _) => format!("{action} by {}", self.param("AccessKeyId")),
        }
    }
}

/// What it answers: a status and a body; 0 closes the connection, 1 never answers, and [`CUT`] more than a status
/// promises more than comes.
type Answer = (u16, String);

const CUT: u16 = 1_000;

/// Speaks for metadata host, token service, credentials URI and the service itself.
struct StandIn {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl StandIn {
    /// One that answers by this first, and otherwise as the vendor does.
    fn new(otherwise: impl Fn(&Asked, usize) -> Option<Answer> + Send + Sync + 'static) -> Self {
        Self::ahead(0, otherwise)
    }

    /// One whose clock is so many seconds ahead.
    fn ahead(seconds: i64, otherwise: impl Fn(&Asked, usize) -> Option<Answer> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, asked) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let (seen, otherwise) = (Arc::clone(&asked), Arc::new(otherwise));
        // Ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, otherwise) = (Arc::clone(&seen), Arc::clone(&otherwise));
                std::thread::spawn(move || {
                    serve(stream, seconds, |asked| {
                        let count = {
                            let mut seen: std::sync::MutexGuard<'_, Vec<Asked>> = seen.lock().unwrap();
                            seen.push(asked.clone());
                            seen.iter().filter(|one| one.told() == asked.told()).count()
                        };
                        otherwise(asked, count).unwrap_or_else(|| vendor(asked, count))
                    })
                });
            }
        });
        Self { address, asked }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was asked so far, in short.
    fn told(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(Asked::told).collect()
    }

    /// The binary, which finds the stand-in wherever it looks.
    fn jst(&self, args: &[&str]) -> Jst {
        jst(args)
            .env("JST_ENDPOINT", self.url())
            .env("JST_STS_ENDPOINT", self.url())
            .env("JST_METADATA_ENDPOINT", self.url())
    }

    /// Makes a call with such a profile of the vendor's file.
    fn with_profile(&self, profile: Value) -> Ran {
        self.with_profiles(json!([profile]), &[])
    }

    fn with_profiles(&self, mut profiles: Value, args: &[&str]) -> Ran {
        profiles[0]["name"] = "first".into();
        self.call(args)
            .file(".aliyun/config.json", &json!({"current": "first", "profiles": profiles}).to_string())
            .run()
    }

    fn call(&self, args: &[&str]) -> Jst {
        let args: Vec<&str> = [args, &["call", "ListApp"]].concat();
        self.jst(&args)
    }
}

fn serve(mut stream: TcpStream, ahead: i64, answer: impl Fn(&Asked) -> Answer) {
    while let Some(asked) = read(&mut stream) {
        let (status, body) = answer(&asked);
        match status {
            0 => return,
            1 => {
                let _ = stream.read(&mut [0]);
                return;
            }
            _ => {
                let (status, length) = if status > CUT { (status - CUT, body.len() + 7) } else { (status, body.len()) };
                let date = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(ahead);
                let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&date).unwrap();
                let written =
                    write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nDate: {date}\r\n\r\n{body}");
                if written.is_err() || length > body.len() {
                    return;
                }
            }
        }
    }
}

fn read(stream: &mut TcpStream) -> Option<Asked> {
    let (mut bytes, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let mut lines = head.lines();
            let mut line = lines.next()?.split(' ').map(str::to_owned);
            let headers: BTreeMap<String, String> = lines
                .filter_map(|line| line.split_once(':'))
                .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
                .collect();
            let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
            if body.len() >= length {
                let (method, target) = (line.next()?, line.next()?);
                let (path, query) = target.split_once('?').unwrap_or((&target, ""));
                let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
                let pairs = query.split('&').chain(body.split('&')).filter_map(|pair| pair.split_once('='));
                let params = pairs.map(|(name, value)| (decoded(name), decoded(value))).collect();
                return Some(Asked { method, path: path.to_owned(), headers, params });
            }
        }
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return None,
            Ok(n) => bytes.extend_from_slice(&chunk[..n]),
        }
    }
}

const HOUR: &str = "2999-01-01T00:00:00Z";

/// The secret of whoever signs, by the id.
fn secret(id: &str) -> String {
    format!("fake-secret-of-{id}")
}

fn handed(id: &str) -> String {
    json!({"Code": "Success", "AccessKeyId": id, "AccessKeySecret": secret(id), "SecurityToken": format!("token-of-{id}"), "Expiration": HOUR}).to_string()
}

/// As the vendor answers.
fn vendor(asked: &Asked, count: usize) -> Answer {
    let roles = "/latest/meta-data/ram/security-credentials/";
    match (asked.method.as_str(), asked.path.as_str()) {
        ("PUT", "/latest/api/token") => {
            let ttl = asked.header("x-aliyun-ecs-metadata-token-ttl-seconds").parse::<u32>();
            if ttl.is_ok() { (200, "fake-metadata-token".into()) } else { (400, String::new()) }
        }
        ("GET", path) if path.starts_with(roles) => {
            if asked.header("x-aliyun-ecs-metadata-token") != "fake-metadata-token" {
                return (401, String::new());
            }
            match &path[roles.len()..] {
                "" => (200, "machine".into()),
                "none" => (404, String::new()),
                role => (200, handed(role)),
            }
        }
        ("GET", "/uri") => (200, handed("uri")),
        _ => by_action(asked, count),
    }
}

fn by_action(asked: &Asked, _: usize) -> Answer {
    let refused = |code: &str| (400, json!({"Code": code, "Message": "no", "RequestId": "r-1"}).to_string());
    let role = asked.param("RoleArn").rsplit('/').next().unwrap_or_default();
    let granted = || {
        let credentials: Value = serde_json::from_str(&handed(role)).unwrap();
        (200, json!({"RequestId": "r-1", "Credentials": credentials}).to_string())
    };
    match asked.param("Action") {
        "AssumeRoleWithOIDC" if asked.param("OIDCToken") == "fake-oidc-token" => granted(),
        "AssumeRoleWithOIDC" => refused("AuthenticationFail.OIDCToken.Invalid"),
        _ if !is_signed_well(asked) => refused("SignatureDoesNotMatch"),
        "AssumeRole" if role == "denied" => {
            (403, json!({"Code": "NoPermission", "Message": "You are not authorized", "RequestId": "r-1"}).to_string())
        }
        "AssumeRole" => granted(),
        "GetCallerIdentity" => {
            let arn = "acs:ram::1234567890123456:user/ops";
            (200, json!({"AccountId": "1234567890123456", "IdentityType": "RAMUser", "Arn": arn}).to_string())
        }
        _ => (200, r#"{"Code":0,"TotalCount":0,"Data":[]}"#.to_owned()),
    }
}

/// Whether signature version 1 fits the secret, and the token its key.
fn is_signed_well(asked: &Asked) -> bool {
    let id = asked.param("AccessKeyId");
    let encoded = |text: &str| {
        const KEPT: percent_encoding::AsciiSet =
            percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
        percent_encoding::utf8_percent_encode(text, &KEPT).to_string()
    };
    let signed: Vec<String> = asked
        .params
        .iter()
        .filter(|(name, _)| *name != "Signature")
        .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
        .collect();
    let text = format!("{}&%2F&{}", asked.method, encoded(&signed.join("&")));
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(format!("{}&", secret(id)).as_bytes()).unwrap();
    mac.update(text.as_bytes());
    let signature = base64::prelude::BASE64_STANDARD.encode(mac.finalize().into_bytes());
    let token = asked.param("SecurityToken");
    asked.param("Signature") == signature && (token.is_empty() || token == format!("token-of-{id}"))
}

fn key(id: &str) -> Value {
    json!({"mode": "AK", "access_key_id": id, "access_key_secret": secret(id)})
}

fn with(mut profile: Value, more: Value) -> Value {
    profile.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    profile
}

fn role(name: &str) -> Value {
    json!({"mode": "RamRoleArn", "ram_role_arn": format!("acs:ram::1234567890123456:role/{name}")})
}

/// The call went out, and nobody's secret anywhere.
fn went_well(ran: &Ran, server: &StandIn, told: &[&str]) {
    assert_eq!(ran.code, Some(0), "{ran:#?} {:?}", server.told());
    assert_eq!(server.told(), told);
    let shown = format!("{}{}", ran.stdout, ran.stderr);
    assert!(!shown.contains("fake-secret") && !shown.contains("token-of"), "{shown}");
}

#[test]
fn every_mode_of_the_vendors_file_that_needs_no_browser_signs() {
    let metadata = ["PUT /latest/api/token", "GET /latest/meta-data/ram/security-credentials/"];
    let of_role = |role: &str| format!("{}{role}", metadata[1]);
    let printed = |id: &str| {
        json!({"mode": "StsToken", "access_key_id": id, "access_key_secret": secret(id), "sts_token": format!("token-of-{id}")}).to_string()
    };
    let token = ("token", "fake-oidc-token\n");
    let table: Vec<(Value, Vec<String>)> = vec![
        (json!([key("ak")]), vec!["ListApp by ak".into()]),
        (
            json!([with(key("st"), json!({"mode": "StsToken", "sts_token": "token-of-st"}))]),
            vec!["ListApp by st".into()],
        ),
        (json!([with(key("ak"), role("ops"))]), vec!["AssumeRole by ak".into(), "ListApp by ops".into()]),
        (
            json!([
                with(role("last"), json!({"mode": "ChainableRamRoleArn", "source_profile": "middle"})),
                with(role("ops"), json!({"name": "middle", "mode": "ChainableRamRoleArn", "source_profile": "base"})),
                with(key("ak"), json!({"name": "base"})),
            ]),
            vec!["AssumeRole by ak".into(), "AssumeRole by ops".into(), "ListApp by last".into()],
        ),
        (
            json!([{"mode": "EcsRamRole"}]),
            vec![metadata[0].into(), of_role(""), of_role("machine"), "ListApp by machine".into()],
        ),
        (
            json!([{"mode": "EcsRamRole", "ram_role_name": "web"}]),
            vec![metadata[0].into(), of_role("web"), "ListApp by web".into()],
        ),
        (
            json!([with(role("ops"), json!({"mode": "RamRoleArnWithRoleName", "ram_role_name": "web"}))]),
            vec![metadata[0].into(), of_role("web"), "AssumeRole by web".into(), "ListApp by ops".into()],
        ),
        (
            json!([with(
                role("pod"),
                json!({"mode": "OIDC", "oidc_provider_arn": "acs:ram::1:oidc-provider/p", "oidc_token_file": "token"})
            )]),
            vec!["AssumeRoleWithOIDC by ".into(), "ListApp by pod".into()],
        ),
        (
            json!([{"mode": "CredentialsURI", "credentials_uri": "URI"}]),
            vec!["GET /uri".into(), "ListApp by uri".into()],
        ),
        (
            json!([{"mode": "External", "process_command": format!("printf '%s' '{}'", printed("ext"))}]),
            vec!["ListApp by ext".into()],
        ),
    ];
    for (profiles, told) in table {
        let server = StandIn::new(|_, _| None);
        let text = json!({"current": "first", "profiles": profiles}).to_string();
        let text = text
            .replacen("\"mode\"", "\"name\":\"first\",\"mode\"", 1)
            .replace("\"URI\"", &format!("\"{}/uri\"", server.url()));
        let ran = server
            .call(&["-v", "-v"])
            .env("PATH", "/usr/bin:/bin")
            .file(token.0, token.1)
            .file(".aliyun/config.json", &text)
            .run();
        went_well(&ran, &server, &told.iter().map(String::as_str).collect::<Vec<_>>());
        // Nothing is kept: the next run signs in anew.
        let first = server.asked.lock().unwrap().last().cloned().unwrap();
        assert_eq!(first.param("SecurityToken").is_empty(), told == ["ListApp by ak"]);
        // Who is asked says the same of it, and a script needs nothing more.
        let signer = told.last().unwrap().replace("ListApp", "GetCallerIdentity");
        for (words, last) in
            [(&["whoami", "--check"][..], &signer), (&["eval", "list_app().TotalCount"], &told[told.len() - 1])]
        {
            let run = server.jst(words).env("PATH", "/usr/bin:/bin").file(token.0, token.1);
            let ran = run.file(".aliyun/config.json", &text).run();
            assert_eq!((ran.code, server.told().last()), (Some(0), Some(last)), "{words:?}: {ran:#?}");
        }
    }
}

#[test]
fn a_role_is_assumed_with_all_that_its_profile_says() {
    let server = StandIn::new(|_, _| None);
    let more = json!({"ram_session_name": "night", "external_id": "ext", "policy": "{\"Version\":\"1\"}", "expired_seconds": 1800});
    assert_eq!(server.with_profile(with(with(key("ak"), role("ops")), more)).code, Some(0));
    let asked = server.asked.lock().unwrap()[0].clone();
    let said = ["RoleSessionName", "ExternalId", "Policy", "DurationSeconds", "Version"].map(|name| asked.param(name));
    assert_eq!(said, ["night", "ext", "{\"Version\":\"1\"}", "1800", "2015-04-01"]);
}

#[test]
fn the_environment_and_the_ini_files_sign_in_as_well() {
    let oidc = [
        ("ALIBABA_CLOUD_OIDC_TOKEN_FILE", "token"),
        ("ALIBABA_CLOUD_ROLE_ARN", "acs:ram::1:role/pod"),
        ("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "acs:ram::1:oidc-provider/p"),
    ];
    let ini = |text: &str| format!("[default]\n{text}\n");
    let key = "access_key_id = ak\naccess_key_secret = fake-secret-of-ak\n";
    let no_metadata = ("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true");
    type Row<'a> = (Vec<(&'a str, &'a str)>, String, Vec<&'a str>);
    let table: Vec<Row<'_>> = vec![
        (oidc.to_vec(), String::new(), vec!["AssumeRoleWithOIDC by ", "ListApp by pod"]),
        (
            vec![("ALIBABA_CLOUD_ECS_METADATA", "web")],
            String::new(),
            vec!["PUT /latest/api/token", "GET /latest/meta-data/ram/security-credentials/web", "ListApp by web"],
        ),
        (
            vec![],
            String::new(),
            vec![
                "PUT /latest/api/token",
                "GET /latest/meta-data/ram/security-credentials/",
                "GET /latest/meta-data/ram/security-credentials/machine",
                "ListApp by machine",
            ],
        ),
        (
            vec![no_metadata, ("ALIBABA_CLOUD_CREDENTIALS_URI", "URI")],
            String::new(),
            vec!["GET /uri", "ListApp by uri"],
        ),
        (vec![], ini(key), vec!["ListApp by ak"]),
        (
            vec![],
            ini(&format!("type = ram_role_arn\nrole_arn = acs:ram::1:role/ops\nrole_session_name = s\n{key}")),
            vec!["AssumeRole by ak", "ListApp by ops"],
        ),
        (
            vec![],
            ini("type = ecs_ram_role\nrole_name = web"),
            vec!["PUT /latest/api/token", "GET /latest/meta-data/ram/security-credentials/web", "ListApp by web"],
        ),
        (
            vec![],
            ini(
                "type = oidc_role_arn\nrole_arn = acs:ram::1:role/pod\noidc_provider_arn = p\noidc_token_file_path = token",
            ),
            vec!["AssumeRoleWithOIDC by ", "ListApp by pod"],
        ),
    ];
    for (variables, ini, told) in table {
        let server = StandIn::new(|_, _| None);
        let uri = format!("{}/uri", server.url());
        let mut run = server.call(&[]).file("token", "fake-oidc-token");
        if !ini.is_empty() {
            run = run.file(".alibabacloud/credentials", &ini);
        }
        for (name, value) in variables {
            run = run.env(name, if value == "URI" { uri.as_str() } else { value });
        }
        went_well(&run.run(), &server, &told);
    }
}

/// What ends a run: the exit code, and what is said.
fn said(ran: &Ran, code: i32, text: &str) {
    assert_eq!(ran.code, Some(code), "{ran:#?}");
    assert!(ran.stderr.contains(text), "{text}: {}", ran.stderr);
    assert!(!ran.stderr.contains("fake-secret") && !ran.stderr.contains("token-of"), "{}", ran.stderr);
}

#[test]
fn what_is_wrong_with_a_profile_is_named_with_the_way_out() {
    let server = StandIn::new(|_, _| None);
    let chained = |name: &str, source: &str| {
        with(role("ops"), json!({"name": name, "mode": "ChainableRamRoleArn", "source_profile": source}))
    };
    let one = |profile: Value| json!([profile]);
    let table = [
        (one(json!({"mode": "CloudSSO"})), 20, "CloudSSO: this kind of credentials is not supported"),
        (one(json!({"mode": "CloudSSO"})), 20, "use the mode External with a command that prints temporary keys"),
        (one(json!({"mode": "OAuth"})), 20, "OAuth: this kind of credentials is not supported"),
        (one(json!({"mode": "RsaKeyPair"})), 20, "use the mode RamRoleArn"),
        (one(json!({"mode": "BearerToken"})), 20, "calls of this service are signed"),
        (one(json!({"mode": "Anonymous"})), 20, "calls of this service are signed"),
        (one(json!({"mode": "Unheard"})), 20, "the modes are AK, StsToken, RamRoleArn"),
        (one(role("ops")), 20, "profile first: mode RamRoleArn needs access_key_id, which is missing"),
        (
            one(with(key("ak"), json!({"mode": "RamRoleArn"}))),
            20,
            "profile first: mode RamRoleArn needs ram_role_arn, which is missing",
        ),
        (
            one(with(with(key("ak"), role("ops")), json!({"expired_seconds": 60}))),
            20,
            "expired_seconds is a number from 900 to 43200",
        ),
        (one(json!({"mode": "External"})), 20, "mode External needs process_command, which is missing"),
        (one(json!({"mode": "CredentialsURI"})), 20, "mode CredentialsURI needs credentials_uri, which is missing"),
        (one(with(role("ops"), json!({"mode": "OIDC"}))), 20, "mode OIDC needs oidc_provider_arn, which is missing"),
        (one(json!({"mode": "EcsRamRole", "ram_role_name": 7})), 21, "profile first: ram_role_name is no text"),
        (one(chained("first", "first")), 21, "profile first refers to itself as its source_profile"),
        (json!([chained("first", "b"), chained("b", "c"), chained("c", "b")]), 21, "in a ring: first → b → c → b"),
        (one(chained("first", "gone")), 21, "profile first refers to the profile `gone`, which is not there"),
    ];
    for (profiles, code, text) in table {
        said(&server.with_profiles(profiles, &[]), code, text);
    }
    assert_eq!(server.told(), [""; 0]);
    let file = |text: &str| server.call(&[]).file(".aliyun/config.json", text).run();
    said(&file(""), 21, "config.json: not JSON: EOF");
    said(&file("// a\n{}"), 21, "config.json: not JSON: expected value at line 1 column 1");
    said(&server.call(&[]).file(".aliyun/config.json/x", "").run(), 21, "config.json: it is a folder");
    let half = server.call(&[]).env("ALIBABA_CLOUD_ROLE_ARN", "r").env("ALIBABA_CLOUD_OIDC_TOKEN_FILE", "t");
    said(
        &half.run(),
        20,
        "half a credential: ALIBABA_CLOUD_OIDC_TOKEN_FILE and ALIBABA_CLOUD_ROLE_ARN are given, ALIBABA_CLOUD_OIDC_PROVIDER_ARN is missing",
    );
}

/// What a file of the vendor's or variables that are wrong are answered with, to the letter: exit code, what is wrong, the
/// way out, and where. `FILE` stands for the file's path.
#[test]
fn what_is_wrong_with_a_file_or_variables_is_said_to_the_letter() {
    const MEND: &str = "mend the file, or move it away";
    let table = [
        ("", 21, "FILE: not JSON: EOF while parsing a value at line 1 column 0", MEND, "in FILE"),
        ("current = a", 21, "FILE: not JSON: expected value at line 1 column 1", MEND, "in FILE"),
        ("[]", 21, "FILE: there is no list `profiles`", MEND, "in FILE"),
        ("null", 21, "FILE: there is no list `profiles`", MEND, "in FILE"),
        (
            "\u{feff}{\"current\":\"a\",\"profiles\":[{\"name\":\"a\",\"mode\":\"CloudSSO\"}]}",
            20,
            "CloudSSO: this kind of credentials is not supported",
            "it signs in with a browser; use the mode External with a command that prints temporary keys, as acs-sso does",
            "in FILE profile a",
        ),
        (
            r#"// mine
{"current":"a"}"#,
            21,
            "FILE: not JSON: expected value at line 1 column 1",
            MEND,
            "in FILE",
        ),
        (
            r#"{"current":"a", /* x */ "profiles":[]}"#,
            21,
            "FILE: not JSON: key must be a string at line 1 column 17",
            MEND,
            "in FILE",
        ),
        (
            r#"{"current":"a","profiles":[],}"#,
            21,
            "FILE: not JSON: trailing comma at line 1 column 30",
            MEND,
            "in FILE",
        ),
        (r#"{"current":"a"}"#, 21, "FILE: there is no list `profiles`", MEND, "in FILE"),
        (r#"{"current":"a","profiles":{}}"#, 21, "FILE: there is no list `profiles`", MEND, "in FILE"),
        (r#"{"current":7,"profiles":[]}"#, 21, "FILE: `current` is no text", MEND, "in FILE"),
        (
            r#"{"current":"a","profiles":[]}"#,
            21,
            "FILE: `current` names the profile `a`, which is not there",
            MEND,
            "in FILE profile a",
        ),
        (
            r#"{"current":"a","profiles":[7]}"#,
            21,
            "FILE: `current` names the profile `a`, which is not there",
            MEND,
            "in FILE profile a",
        ),
        (
            r#"{"current":"a","profiles":[{"name":"a","mode":"ChainableRamRoleArn","ram_role_arn":"acs:ram::1:role/x","source_profile":"a"}]}"#,
            21,
            "FILE: profile a refers to itself as its source_profile",
            MEND,
            "in FILE profile a",
        ),
        (
            r#"{"current":"a","profiles":[{"name":"a","mode":"ChainableRamRoleArn","ram_role_arn":"acs:ram::1:role/x","source_profile":"b"},{"name":"b","mode":"ChainableRamRoleArn","ram_role_arn":"acs:ram::1:role/x","source_profile":"a"}]}"#,
            21,
            "FILE: these profiles refer to each other in a ring: a → b → a",
            MEND,
            "in FILE profile a",
        ),
        (
            r#"{"current":"a","profiles":[{"name":"a","mode":"ChainableRamRoleArn","ram_role_arn":"acs:ram::1:role/x"}]}"#,
            20,
            "profile a: mode ChainableRamRoleArn needs source_profile, which is missing",
            "mend the profile",
            "in FILE profile a",
        ),
        (
            r#"{"current":"a","profiles":[{"name":"a","mode":7}]}"#,
            21,
            "profile a: mode is no text",
            "write it in quotes",
            "in FILE profile a",
        ),
        (
            r#"{"current":"a","profiles":[{"name":"a","mode":"AK","access_key_id":"a"}]}"#,
            20,
            "half a credential: access_key_id is given, access_key_secret is missing",
            "give both, or neither",
            "in FILE profile a",
        ),
        (
            r#"{"current":"a","profiles":[{"name":"a","mode":"AK","access_key_id":7,"access_key_secret":"fake"}]}"#,
            21,
            "profile a: access_key_id is no text",
            "write it in quotes",
            "in FILE profile a",
        ),
        (
            r#"{"current":"a","profiles":[{"name":"a","mode":"RamRoleArn","access_key_id":"a","access_key_secret":"fake","ram_role_arn":"acs:ram::1:role/x","expired_seconds":60}]}"#,
            20,
            "profile a: expired_seconds is a number from 900 to 43200",
            "mend the profile",
            "in FILE profile a",
        ),
        (
            r#"{"current":"a","profiles":[{"name":"a","mode":"CloudSSO"}]}"#,
            20,
            "CloudSSO: this kind of credentials is not supported",
            "it signs in with a browser; use the mode External with a command that prints temporary keys, as acs-sso does",
            "in FILE profile a",
        ),
        (
            r#"{"current":"a","profiles":[{"name":"a","mode":"OAuth"}]}"#,
            20,
            "OAuth: this kind of credentials is not supported",
            "it signs in with a browser; use the mode External with a command that prints temporary keys, as acs-sso does",
            "in FILE profile a",
        ),
        (
            r#"{"current":"a","profiles":[{"name":"a","mode":"RsaKeyPair"}]}"#,
            20,
            "RsaKeyPair: this kind of credentials is not supported",
            "use the mode RamRoleArn, with a lasting key that may only assume the role, or EcsRamRole",
            "in FILE profile a",
        ),
        (
            r#"{"current":"a","profiles":[{"name":"a","mode":"BearerToken"}]}"#,
            20,
            "BearerToken: this kind of credentials is not supported",
            "calls of this service are signed: use the mode AK, StsToken or RamRoleArn",
            "in FILE profile a",
        ),
        (
            r#"{"current":"a","profiles":[{"name":"a","mode":"Anonymous"}]}"#,
            20,
            "Anonymous: this kind of credentials is not supported",
            "calls of this service are signed: use the mode AK, StsToken or RamRoleArn",
            "in FILE profile a",
        ),
        (
            r#"{"current":"a","profiles":[{"name":"a","mode":"Unheard"}]}"#,
            20,
            "Unheard: this kind of credentials is not supported",
            "the modes are AK, StsToken, RamRoleArn, ChainableRamRoleArn, RamRoleArnWithRoleName, EcsRamRole, OIDC, CredentialsURI and External",
            "in FILE profile a",
        ),
    ];
    let told = |run: Jst| {
        let (child, home) = run.start();
        let ran = Ran::of(child);
        let file = home.path().join(".aliyun/config.json").display().to_string();
        (ran.code, ran.stderr.replace(&file, "FILE"))
    };
    let wanted = |code: i32, why: &str, way_out: &str, place: &str| {
        (Some(code), format!("error: {why}\n |\n = help: {way_out}\n = help: {place}\n"))
    };
    for (text, code, why, way_out, place) in table {
        let run = jst(["call", "ListApp"]).file(".aliyun/config.json", text);
        assert_eq!(told(run), wanted(code, why, way_out, place), "{text}");
    }
    let readable = "make it a readable file, or move it away";
    let folder = jst(["call", "ListApp"]).file(".aliyun/config.json/x", "");
    assert_eq!(told(folder), wanted(21, "cannot read FILE: it is a folder", readable, "in FILE"));
    let bytes = jst(["call", "ListApp"]).file_bytes(".aliyun/config.json", b"\xff\xfe{\0}\0");
    assert_eq!(told(bytes), wanted(21, "cannot read FILE: it is not UTF-8 text", readable, "in FILE"));
    let table: &[(&[&str], &str, &str, &str)] = &[
        (
            &["ALIBABA_CLOUD_ACCESS_KEY_ID"],
            "half a credential: ALIBABA_CLOUD_ACCESS_KEY_ID is given, ALIBABA_CLOUD_ACCESS_KEY_SECRET is missing",
            "give both, or neither",
            "in environment ALIBABA_CLOUD_*",
        ),
        (
            &["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
            "half a credential: ALIBABA_CLOUD_ACCESS_KEY_SECRET is given, ALIBABA_CLOUD_ACCESS_KEY_ID is missing",
            "give both, or neither",
            "in environment ALIBABA_CLOUD_*",
        ),
        (
            &["ALIBABACLOUD_ACCESS_KEY_ID"],
            "half a credential: ALIBABACLOUD_ACCESS_KEY_ID is given, ALIBABACLOUD_ACCESS_KEY_SECRET is missing",
            "give both, or neither",
            "in environment ALIBABACLOUD_*",
        ),
        (
            &["ALICLOUD_ACCESS_KEY_SECRET"],
            "half a credential: ALICLOUD_ACCESS_KEY_SECRET is given, ALICLOUD_ACCESS_KEY_ID is missing",
            "give both, or neither",
            "in environment ALICLOUD_*",
        ),
        (
            &["JST_ACCESS_KEY_ID"],
            "half a credential: JST_ACCESS_KEY_ID is given, JST_ACCESS_KEY_SECRET is missing",
            "give both, or neither",
            "in environment JST_*",
        ),
        (
            &["JST_SECURITY_TOKEN"],
            "half a credential: JST_SECURITY_TOKEN is given, JST_ACCESS_KEY_ID and JST_ACCESS_KEY_SECRET are missing",
            "give all three, or none",
            "in environment JST_*",
        ),
        (
            &["ALIBABA_CLOUD_SECURITY_TOKEN"],
            "half a credential: ALIBABA_CLOUD_SECURITY_TOKEN is given, ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET are missing",
            "give all three, or none",
            "in environment ALIBABA_CLOUD_*",
        ),
        (
            &["ALIBABA_CLOUD_ROLE_ARN"],
            "half a credential: ALIBABA_CLOUD_ROLE_ARN is given, ALIBABA_CLOUD_OIDC_TOKEN_FILE and ALIBABA_CLOUD_OIDC_PROVIDER_ARN are missing",
            "give all three, or none",
            "in environment ALIBABA_CLOUD_OIDC_*",
        ),
        (
            &["ALIBABA_CLOUD_ROLE_ARN", "ALIBABA_CLOUD_OIDC_TOKEN_FILE"],
            "half a credential: ALIBABA_CLOUD_OIDC_TOKEN_FILE and ALIBABA_CLOUD_ROLE_ARN are given, ALIBABA_CLOUD_OIDC_PROVIDER_ARN is missing",
            "give all three, or none",
            "in environment ALIBABA_CLOUD_OIDC_*",
        ),
        (
            &["ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "ALIBABA_CLOUD_OIDC_TOKEN_FILE"],
            "half a credential: ALIBABA_CLOUD_OIDC_TOKEN_FILE and ALIBABA_CLOUD_OIDC_PROVIDER_ARN are given, ALIBABA_CLOUD_ROLE_ARN is missing",
            "give all three, or none",
            "in environment ALIBABA_CLOUD_OIDC_*",
        ),
    ];
    for (variables, why, way_out, place) in table {
        let run = variables.iter().fold(jst(["call", "ListApp"]), |run, name| run.env(name, "fake-value"));
        assert_eq!(told(run), wanted(20, why, way_out, place), "{variables:?}");
    }
}

#[test]
fn whoever_does_not_give_credentials_is_named_and_nobody_waits_for_long() {
    let metadata = || json!({"mode": "EcsRamRole", "ram_role_name": "web"});
    let as_role = |name: &str| with(key("ak"), role(name));
    let expired = r#"{"Code":"Success","AccessKeyId":"a","AccessKeySecret":"b","SecurityToken":"c","Expiration":"2001-01-01T00:00:00Z"}"#;
    let half = r#"{"Code":"Success","AccessKeyId":"a"}"#;
    type Row = (Value, &'static str, Answer, i32, &'static str);
    let table: Vec<Row> = vec![
        (
            as_role("denied"),
            "-",
            (0, String::new()),
            20,
            "AssumeRole was refused: NoPermission: You are not authorized",
        ),
        (
            with(as_role("ops"), json!({"access_key_secret": "fake-wrong"})),
            "-",
            (0, String::new()),
            20,
            "SignatureDoesNotMatch: the signature was rejected: the secret is wrong",
        ),
        (as_role("ops"), "AssumeRole", (200, "{".into()), 20, "answered AssumeRole with something else than JSON"),
        (as_role("ops"), "AssumeRole", (200, r#"{"RequestId":"r"}"#.into()), 20, "AssumeRole gave no Credentials"),
        (
            as_role("ops"),
            "AssumeRole",
            (200, format!("{{\"Credentials\":{half}}}")),
            20,
            "AssumeRole gave no Expiration",
        ),
        (
            as_role("ops"),
            "AssumeRole",
            (200, format!("{{\"Credentials\":{expired}}}")),
            20,
            "have expired already, at 2001-01-01T00:00:00Z",
        ),
        (
            as_role("ops"),
            "AssumeRole",
            (500, "<html>".into()),
            12,
            "answered AssumeRole with HTTP 500 and no error of its own",
        ),
        (as_role("ops"), "AssumeRole", (0, String::new()), 12, "no answer from"),
        (as_role("ops"), "AssumeRole", (1, String::new()), 12, "did not answer within 500.0ms"),
        (metadata(), "GET", (404, String::new()), 20, "the machine has no role `web`"),
        (metadata(), "GET", (200, "{".into()), 20, "the metadata host answered with something else than JSON"),
        (metadata(), "GET", (200, half.into()), 20, "the metadata host gave no AccessKeySecret"),
        (
            metadata(),
            "GET",
            (200, expired.into()),
            20,
            "the metadata host the credentials that were given have expired already",
        ),
        (
            metadata(),
            "GET",
            (200, r#"{"Code":"Failed"}"#.into()),
            20,
            "the metadata host answered with the code Failed",
        ),
        (metadata(), "GET", (0, String::new()), 12, "no answer from"),
        (
            json!({"mode": "CredentialsURI", "credentials_uri": "URI"}),
            "GET",
            (403, String::new()),
            20,
            "the credentials URI answered with HTTP 403",
        ),
        (
            json!({"mode": "CredentialsURI", "credentials_uri": "URI"}),
            "GET",
            (503, String::new()),
            12,
            "the credentials URI answered with HTTP 503",
        ),
        (
            json!({"mode": "CredentialsURI", "credentials_uri": "no url"}),
            "-",
            (0, String::new()),
            21,
            "`no url` is not a URL",
        ),
    ];
    for (mut profile, what, answer, code, text) in table {
        let server = StandIn::new(move |asked, _| asked.told().starts_with(what).then(|| answer.clone()));
        if profile["credentials_uri"] == "URI" {
            profile["credentials_uri"] = format!("{}/uri", server.url()).into();
        }
        said(&server.with_profiles(json!([profile]), &["--timeout", "500ms", "--deadline", "20s"]), code, text);
    }
}

#[test]
fn an_external_command_that_does_not_do_its_part_is_named_and_ends() {
    let server = StandIn::new(|_, _| None);
    let table = [
        ("sh -c 'sleep 60 & sleep 60'", "the external command did not end within 1s"),
        ("sh -c 'read answer && echo $answer'", "the external command failed: exit status: 1"),
        ("cat", "the external command prints something else than a JSON object"),
        ("sh -c 'head -c 1000000 /dev/zero'", "the external command prints more than 256 KB"),
        ("echo fake-secret-of-nobody", "the external command prints something else than a JSON object"),
        ("sh -c 'exit 3'", "the external command failed: exit status: 3"),
        ("no-such-command", "the external command cannot be started: No such file or directory"),
        ("echo 'x", "the external command has a quote that does not end"),
        ("echo '{\"mode\":\"RamRoleArn\"}'", "the external command prints the mode RamRoleArn"),
        ("echo '{\"mode\":\"AK\",\"access_key_id\":\"a\"}'", "the external command gave no access_key_secret"),
        (
            "echo '{\"mode\":\"StsToken\",\"access_key_id\":\"a\",\"access_key_secret\":\"fake-secret\"}'",
            "the external command gave no sts_token",
        ),
    ];
    for (command, text) in table {
        let profile = json!({"name": "first", "mode": "External", "process_command": command});
        let file = json!({"current": "first", "profiles": [profile]}).to_string();
        let run = server.call(&["--timeout", "1s"]).env("PATH", "/usr/bin:/bin").file(".aliyun/config.json", &file);
        said(&run.run(), 20, text);
    }
    let profile = json!({"mode": "External", "process_command": "echo"});
    let file = json!({"current": "first", "profiles": [with(profile, json!({"name": "first"}))]}).to_string();
    let off = server.call(&[]).env("ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS", "true").file(".aliyun/config.json", &file);
    said(&off.run(), 20, "runs a command, which ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS forbids");
}

#[test]
fn the_older_metadata_protocol_is_spoken_only_where_it_is_not_forbidden() {
    let old = |asked: &Asked, _: usize| match asked.told().as_str() {
        "PUT /latest/api/token" => Some((404, String::new())),
        told if told.ends_with("/web") => Some((200, handed("web"))),
        _ => None,
    };
    let server = StandIn::new(old);
    assert_eq!(server.call(&[]).env("ALIBABA_CLOUD_ECS_METADATA", "web").run().code, Some(0));
    let forbidden =
        server.call(&[]).env("ALIBABA_CLOUD_ECS_METADATA", "web").env("ALIBABA_CLOUD_IMDSV1_DISABLED", "true");
    said(&forbidden.run(), 20, "the metadata host gave no token: HTTP 404");
}

#[test]
fn without_a_metadata_host_there_is_nobody_or_the_next_source() {
    let server = StandIn::new(|_, _| None);
    // Nobody listens there.
    let nobody = || server.call(&[]).env("JST_METADATA_ENDPOINT", "http://127.0.0.1:1");
    said(&nobody().run(), 20, "there are no credentials");
    let next = nobody().env("ALIBABA_CLOUD_CREDENTIALS_URI", format!("{}/uri", server.url())).run();
    went_well(&next, &server, &["GET /uri", "ListApp by uri"]);
}

#[test]
fn a_token_that_the_service_calls_expired_is_replaced_once_and_a_write_goes_out_once_more() {
    let denies = |until: usize| {
        move |asked: &Asked, count: usize| {
            let denied = asked.param("Action") == "ScaleApp" && count <= until;
            denied.then(|| (400, json!({"Code": "InvalidSecurityToken.Expired", "Message": "expired"}).to_string()))
        }
    };
    let write = |server: &StandIn| {
        let profiles = json!({"current": "a", "profiles": [with(with(key("ak"), role("ops")), json!({"name": "a"}))]});
        server
            .jst(&["call", "ScaleApp", "EnvId=1", "Replicas=1"])
            .file(".aliyun/config.json", &profiles.to_string())
            .run()
    };
    let server = StandIn::new(denies(1));
    let ran = write(&server);
    let told = ["AssumeRole by ak", "ScaleApp by ops", "AssumeRole by ak", "ScaleApp by ops"];
    assert_eq!(server.told(), told, "{ran:#?}");
    let server = StandIn::new(denies(9));
    said(&write(&server), 20, "InvalidSecurityToken.Expired");
    assert_eq!(server.told(), told);
}

#[test]
fn a_clock_that_is_an_hour_off_is_corrected_by_the_token_services() {
    let server = StandIn::ahead(3600, |asked, _| {
        let sent: jiff::Timestamp = asked.params.get("Timestamp")?.parse().ok()?;
        let off = jiff::Timestamp::now().duration_until(sent).as_secs();
        let is_old = asked.param("Action") == "AssumeRole" && off.abs_diff(3600) > 900;
        is_old.then(|| (400, json!({"Code": "InvalidTimeStamp.Expired", "Message": "old"}).to_string()))
    });
    let ran = server.with_profile(with(key("ak"), role("ops")));
    went_well(&ran, &server, &["AssumeRole by ak", "AssumeRole by ak", "ListApp by ops"]);
}

#[test]
fn whoami_says_who_signs_and_checks_it_when_asked() {
    let server = StandIn::new(|_, _| None);
    let file =
        json!({"current": "a", "profiles": [with(with(key("LTAI0123456789wxyz"), role("ops")), json!({"name": "a"}))]})
            .to_string();
    let whoami = |args: &[&str]| -> Value {
        let run = server.jst(&[&["whoami"], args].concat()).file(".aliyun/config.json", &file);
        serde_json::from_str(&run.run().ok()).unwrap()
    };
    let plain = whoami(&[]);
    assert_eq!(plain["Identity"], "role acs:ram::1234****:role/ops, assumed with access key LTAI****wxyz");
    assert_eq!([&plain["AccessKeyId"], &plain["Expires"]], [&Value::Null, &Value::Null]);
    assert_eq!(server.told(), [""; 0]);
    let checked = whoami(&["--check"]);
    assert_eq!([&checked["Account"], &checked["Type"]], ["1234567890123456", "RAMUser"]);
    assert_eq!(checked["Arn"], "acs:ram::1234567890123456:user/ops");
    assert!(
        checked["Expires"].as_str().unwrap().starts_with("2999-01-01")
            || checked["Expires"].as_str().unwrap().starts_with("2998-12-31"),
        "{checked}"
    );
    assert_eq!(server.told(), ["AssumeRole by LTAI0123456789wxyz", "GetCallerIdentity by ops"]);
}

#[test]
fn whoami_says_of_each_of_five_sources_why_it_is_used_or_not() {
    let key = |id: &str| json!({"name": "shop", "mode": "AK", "access_key_id": id, "access_key_secret": "fake"});
    let whoami = |first: bool, broken: bool| -> Vec<(String, bool)> {
        let mut run = jst(["whoami"])
            .file(
                ".config/jst/config.toml",
                "[defaults]\naccess_key_id = \"LTAItomltoml03\"\naccess_key_secret = \"fake\"\n",
            )
            .file(".aliyun/config.json", &json!({"current": "shop", "profiles": [key("LTAIfilefile01")]}).to_string())
            .file(".alibabacloud/credentials", "[default]\naccess_key_id = LTAIiniinii02\naccess_key_secret = fake\n")
            .env("ALICLOUD_ACCESS_KEY_ID", "LTAIoldold05")
            .env("ALICLOUD_ACCESS_KEY_SECRET", "fake");
        if first {
            run = run.env("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAIenvenv04");
        }
        if first && !broken {
            run = run.env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "fake");
        }
        let said: Value = serde_json::from_str(&run.run().stdout).unwrap();
        let sources = said["Sources"].as_array().unwrap().iter();
        let told = sources.map(|source| (source["Result"].as_str().unwrap().to_owned(), source["Used"] == true));
        told.filter(|(result, _)| result.contains("LTAI") || result.contains("half")).collect()
    };
    let used = "; not used, as an earlier source is";
    let broken = "; not used, as an earlier source cannot be";
    let others = |why: &str| {
        [
            "access key LTAI****ld05, by an older name of the vendor's",
            "access key LTAI****ml03",
            "access key LTAI****le01",
            "access key LTAI****ii02",
        ]
        .map(|result| (format!("{result}{why}"), false))
    };
    let first = ("access key LTAI****nv04".to_owned(), true);
    assert_eq!(whoami(true, false), [&[first], &others(used)[..]].concat());
    let [older, rest @ ..] = others(used);
    let older = (older.0.replace(used, ""), true);
    assert_eq!(whoami(false, false), [&[older], &rest[..]].concat());
    let half = "half a credential: ALIBABA_CLOUD_ACCESS_KEY_ID is given, ALIBABA_CLOUD_ACCESS_KEY_SECRET is missing";
    assert_eq!(whoami(true, true), [&[(half.to_owned(), false)], &others(broken)[..]].concat());
}

#[test]
fn whoami_works_with_nothing_and_with_everything_broken() {
    let nothing = jst(["whoami"]).run();
    assert_eq!(nothing.code, Some(20), "{nothing:#?}");
    let said: Value = serde_json::from_str(&nothing.stdout).unwrap();
    assert!(said["Sources"].as_array().unwrap().iter().all(|source| source["Used"] == false), "{said}");
    let broken = jst(["whoami"])
        .file(".config/jst/config.toml", "nothing = [")
        .file(".aliyun/config.json", "{")
        .file(".alibabacloud/credentials", "[default]\ntype = unheard\n")
        .env("ALIBABA_CLOUD_ACCESS_KEY_ID", "half")
        .env("ALIBABA_CLOUD_ROLE_ARN", "half")
        .env("ALICLOUD_ACCESS_KEY_SECRET", "fake-secret")
        .run();
    assert_eq!(broken.code, Some(21), "{broken:#?}");
    let said: Value = serde_json::from_str(&broken.stdout).unwrap();
    let results: Vec<&str> =
        said["Sources"].as_array().unwrap().iter().map(|source| source["Result"].as_str().unwrap()).collect();
    for part in [
        "not TOML",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET is missing",
        "ALICLOUD_ACCESS_KEY_ID is missing",
        "are missing",
        "not JSON",
        "unheard",
    ] {
        assert!(results.iter().any(|result| result.contains(part)), "{part}: {results:#?}");
    }
}

/// The request that gives credentials to each source that asks somebody.
const HANDED_OUT: [fn(&Asked) -> bool; 5] = [
    |asked| asked.param("Action") == "AssumeRole",
    // The second of two.
    |asked| asked.param("RoleArn").ends_with("last"),
    |asked| asked.param("OIDCToken") == "fake-oidc-token",
    |asked| asked.path == "/latest/meta-data/ram/security-credentials/web",
    |asked| asked.path == "/uri",
];

#[test]
fn every_source_that_is_asked_is_named_with_what_it_did_whatever_that_was() {
    let oidc = json!({"mode": "OIDC", "oidc_provider_arn": "acs:ram::1:oidc-provider/p", "oidc_token_file": "token"});
    let last = with(role("last"), json!({"mode": "ChainableRamRoleArn", "source_profile": "base"}));
    let base = with(with(key("ak"), role("ops")), json!({"name": "base"}));
    let profiles = [
        json!([with(key("ak"), role("ops"))]),
        json!([last, base]),
        json!([with(role("ops"), oidc)]),
        json!([{"mode": "EcsRamRole", "ram_role_name": "web"}]),
        json!([{"mode": "CredentialsURI", "credentials_uri": "URI"}]),
    ];
    let expired = handed("late").replace(HOUR, "2001-01-01T00:00:00Z");
    let half = json!({"Code": "Success", "AccessKeyId": "a", "SecurityToken": "t", "Expiration": HOUR}).to_string();
    let faults = [
        ((1, String::new()), 12, "did not answer within "),
        ((0, String::new()), 12, "no answer from"),
        ((500, "<html>".to_owned()), 12, "HTTP 500"),
        ((CUT + 200, String::new()), 12, "answer from"),
        ((CUT + 200, "{\"Code\":".to_owned()), 12, "answer from"),
        ((CUT + 200, handed("whole")), 12, "answer from"),
        ((CUT + 403, "{}".to_owned()), 12, "answer from"),
        ((200, "{".to_owned()), 20, "something else than JSON"),
        ((200, expired), 20, "have expired already, at 2001-01-01T00:00:00Z"),
        ((200, half), 20, "gave no AccessKeySecret"),
    ];
    // Those that are asked again take a while: all at once.
    std::thread::scope(|scope| {
        for ((status, body), code, text) in &faults {
            for (source, (profiles, is_meant)) in profiles.iter().zip(HANDED_OUT).enumerate() {
                let is_wrapped = source < 3 && body.len() > 10;
                let body = if is_wrapped { format!("{{\"Credentials\":{body}}}") } else { body.clone() };
                scope.spawn(move || {
                    let answer = (*status, body);
                    let server = StandIn::new(move |asked, _| is_meant(asked).then(|| answer.clone()));
                    let mut profiles = profiles.clone();
                    profiles[0]["name"] = "first".into();
                    if profiles[0]["credentials_uri"] == "URI" {
                        profiles[0]["credentials_uri"] = format!("{}/uri", server.url()).into();
                    }
                    let file = json!({"current": "first", "profiles": profiles}).to_string();
                    let run = server.call(&["--timeout", "500ms", "--deadline", "60s"]);
                    said(&run.file(".aliyun/config.json", &file).file("token", "fake-oidc-token").run(), *code, text);
                });
            }
        }
    });
}
