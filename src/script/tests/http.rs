//! What scripts ask of hosts that are granted, and what they never send.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::json;

use super::bench::Bench;
use crate::error::{Error, Interrupt, Kind, Outcome};
use crate::net::outside::{GrantedHost, Outside};
use crate::secret::{Class, Secret};
use crate::show::redaction::REDACTOR;
use crate::stop::Stop;

/// A host that answers by the path, and keeps what it was asked.
struct Host {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Host {
    fn start(elsewhere: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let (kept, elsewhere) = (Arc::clone(&asked), elsewhere.to_owned());
        std::thread::spawn(move || {
            let mut open = Vec::new();
            for stream in listener.incoming() {
                open.extend(answer(stream.unwrap(), &kept, &elsewhere));
            }
        });
        Self { address, asked }
    }
}

/// Answers a request; gives a connection that stays without an answer.
fn answer(mut stream: TcpStream, kept: &Mutex<Vec<String>>, elsewhere: &str) -> Option<TcpStream> {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    kept.lock().unwrap().push(format!("{head}{}", String::from_utf8_lossy(&body)));
    let (status, headers, body) = match head.split(' ').nth(1).unwrap() {
        "/moved" => ("302 Found", "location: /plain\r\n".to_owned(), String::new()),
        "/away" => ("302 Found", format!("location: http://{elsewhere}/\r\n"), String::new()),
        "/round" => ("302 Found", "location: /round\r\n".to_owned(), String::new()),
        "/wrong" => ("404 Not Found", String::new(), "no such hook".to_owned()),
        "/broken" => ("503 Service Unavailable", String::new(), String::new()),
        "/large" => ("200 OK", String::new(), "x".repeat((16 << 20) + 1)),
        "/silent" => return Some(stream),
        "/gone" => return None,
        _ => ("200 OK", "x-kind: plain\r\n".to_owned(), "名".to_owned()),
    };
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n", body.len());
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
    None
}

/// A bench that grants these hosts; `stop` is what ends its runs.
fn bench(granted: &[&str], stop: Stop) -> Bench {
    let granted = granted.iter().map(|host| GrantedHost::parse(host).unwrap()).collect();
    Bench::with(|_| unreachable!(), stop, |config| config.net = Arc::new(Outside::new(granted, Default::default())))
}

#[test]
fn a_granted_host_is_asked_and_answers() {
    let host = Host::start("127.0.0.1:1");
    let bench = bench(&["127.0.0.1"], Stop::default());
    for (script, expected) in [
        ("let a = http_get(`URL/plain`); [a.status, a.body, a.headers[\"x-kind\"]]", json!([200, "名", "plain"])),
        ("http_get(`URL/moved`).body", json!("名")),
        ("http_post(`URL/plain`, #{ text: \"a\" }).status", json!(200)),
        ("http_post(`URL/plain`, \"text\", #{ headers: #{ \"X-A\": \"b\" }, timeout: \"20s\" }).status", json!(200)),
        ("http_get(`URL/wrong`, #{ any_status: true }).status", json!(404)),
    ] {
        assert_eq!(bench.value(&script.replace("URL", &format!("http://{}", host.address))), expected, "{script}");
    }
    let asked = host.asked.lock().unwrap();
    let posts: Vec<&String> = asked.iter().filter(|request| request.starts_with("POST")).collect();
    assert!(posts[0].contains("application/json") && posts[0].ends_with("{\"text\":\"a\"}"), "{posts:?}");
    assert!(posts[1].contains("x-a: b") && posts[1].ends_with("text"), "{posts:?}");
}

#[test]
fn what_goes_wrong_outside_says_whether_it_happened() {
    let elsewhere = Host::start("127.0.0.1:1");
    let host = Host::start(&elsewhere.address);
    let at = format!("http://{}", host.address);
    for (script, kind, outcome, says) in [
        (
            "http_get(`{at}/wrong`)",
            Kind::Api,
            Some(Outcome::Refused),
            "http_get was answered with status 404: no such hook",
        ),
        ("http_post(`{at}/broken`, ``)", Kind::Api, Some(Outcome::Unknown), "http_post was answered with status 503"),
        (
            "http_get(`{at}/away`)",
            Kind::Policy,
            None,
            "http_get: {at} answered with a redirect to AWAY, and redirects to another host are not followed",
        ),
        ("http_get(`{at}/round`)", Kind::Policy, None, "http_get: {at} answered with more than 5 redirects"),
        (
            "http_get(`{at}/silent`, #{ timeout: 0.2 })",
            Kind::Network,
            None,
            "http_get: {at} did not answer within 200.0ms",
        ),
        (
            "http_post(`{at}/silent`, ``, #{ timeout: 0.2 })",
            Kind::UnknownOutcome,
            Some(Outcome::Unknown),
            "http_post: {at} did not answer within 200.0ms",
        ),
        ("http_get(`{at}/large`)", Kind::Network, None, "http_get: the answer of {at} is larger than 16 MB"),
        ("http_get(`ftp://a`)", Kind::Invalid, None, "http_get: the URL must begin with https:// or http://"),
        ("http_get(`http://u:p@127.0.0.1`)", Kind::Invalid, None, "http_get: the URL must not contain credentials"),
        ("http_get(`words`)", Kind::Invalid, None, "http_get: the URL is none: relative URL without a base"),
        ("http_get(`{at}`, #{ headers: #{ a: 1 } })", Kind::Invalid, None, "http_get: the header a is a text, not 1"),
        (
            "http_get(`{at}`, #{ headers: #{ a: \"b\\nc\" } })",
            Kind::Invalid,
            None,
            "http_get: `a` is no header with a value of one line",
        ),
        ("http_get(`{at}`, #{ timeout: 0 })", Kind::Invalid, None, "http_get: the time-out is more than nothing"),
        (
            "http_get(`http://other.example:8/`)",
            Kind::Policy,
            Some(Outcome::NotSent),
            "the script may not reach other.example:8",
        ),
        (
            "http_get(`http://shop.example/`)",
            Kind::Policy,
            Some(Outcome::NotSent),
            "the script may not reach shop.example without encryption",
        ),
    ] {
        let bench = bench(&["127.0.0.1", "shop.example"], Stop::default());
        let error = bench.error(&script.replace("{at}", &at));
        let says = says.replace("{at}", &at).replace("AWAY", &format!("http://{}", elsewhere.address));
        assert_eq!((error.kind, error.outcome, error.message.as_str()), (kind, outcome, says.as_str()), "{script}");
    }
    assert_eq!(elsewhere.asked.lock().unwrap().len(), 0);
    let lost = bench(&["127.0.0.1"], Stop::default()).error(&format!("http_post(`{at}/gone`, ``)"));
    assert_eq!((lost.kind, lost.outcome), (Kind::UnknownOutcome, Some(Outcome::Unknown)), "{lost:?}");
    let refused = bench(&[], Stop::default()).error(&format!("http_get(`{at}`)"));
    assert_eq!(refused.hints, [format!("add --allow-net {}", host.address)]);
    let other_port = bench(&["127.0.0.1:1"], Stop::default()).error(&format!("http_get(`{at}`)"));
    assert_eq!(other_port.kind, Kind::Policy);
}

#[test]
fn a_secret_of_the_run_is_sent_nowhere() {
    const SECRET: &str = "not-a-secret/but known";
    REDACTOR.add(&Secret::new(SECRET), Class::Credential);
    let host = Host::start("127.0.0.1:1");
    let at = format!("http://{}", host.address);
    for (script, part) in [
        ("http_get(`URL/?key=not-a-secret%2Fbut%20known`)", "the URL"),
        ("http_post(`URL`, `x SECRET`)", "the body"),
        ("http_post(`URL`, #{ a: [`SECRET`] })", "the body"),
        ("http_post(`URL`, base64(`SECRET`))", "the body"),
        ("http_get(`URL`, #{ headers: #{ \"X-Key\": `SECRET` } })", "the header X-Key"),
    ] {
        let error = bench(&["127.0.0.1"], Stop::default()).error(&script.replace("URL", &at).replace("SECRET", SECRET));
        let function = script.split('(').next().unwrap();
        let says = format!("{function} was not sent: {part} holds a secret of this run");
        assert_eq!((error.kind, error.message.as_str()), (Kind::Policy, says.as_str()), "{script}");
    }
    assert_eq!(host.asked.lock().unwrap().len(), 0);
}

#[test]
fn a_stop_ends_a_request() {
    let host = Host::start("127.0.0.1:1");
    let bench = bench(&["127.0.0.1"], Stop::default());
    let (stop, asked) = (Arc::clone(&bench.stop), Arc::clone(&host.asked));
    let watcher = std::thread::spawn(move || {
        super::bench::until(|| !asked.lock().unwrap().is_empty());
        stop.set(Error::new(Kind::Interrupted(Interrupt::CtrlC), "interrupted"));
    });
    let error = bench.error(&format!("try {{ http_get(`http://{}/silent`) }} catch {{}}", host.address));
    watcher.join().unwrap();
    assert_eq!(error.kind, Kind::Interrupted(Interrupt::CtrlC));
}
