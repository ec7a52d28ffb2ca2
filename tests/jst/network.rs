//! The way to the service: certificates, proxies, time-outs, and what is said when it is barred.

use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::support::{Behaviour, Ran, Server, jst};

const GOOD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n{\"Code\":0,\"TotalCount\":0,\"Data\":[     ]}";

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Issuer {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// How a certificate is made: for whom, from and until which year, and what kind.
#[derive(Clone, Copy)]
struct Wanted {
    host: &'static str,
    years: (i32, i32),
    signer: Signer,
}

#[derive(Clone, Copy)]
enum Signer {
    Authority,
    Itself,
    ItselfAsAuthority,
}

/// A server with such a certificate. Gives its port, how many connections it took, and the certificate.
fn serve(wanted: Wanted, authority: &Issuer) -> (u16, Arc<AtomicUsize>, String) {
    let mut params = CertificateParams::new([wanted.host.to_owned()]).unwrap();
    (params.not_before, params.not_after) =
        (rcgen::date_time_ymd(wanted.years.0, 1, 1), rcgen::date_time_ymd(wanted.years.1, 1, 1));
    let key = KeyPair::generate().unwrap();
    let certificate = match wanted.signer {
        Signer::Authority => params.signed_by(&key, authority).unwrap(),
        Signer::Itself => params.self_signed(&key).unwrap(),
        Signer::ItselfAsAuthority => {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.self_signed(&key).unwrap()
        }
    };
    let secret = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], secret).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let (port, count) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&count);
    // Ends with the test's process.
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let acceptor = TlsAcceptor::from(Arc::new(config));
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                counted.fetch_add(1, Ordering::SeqCst);
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    let _ = stream.read(&mut [0; 4096]).await;
                    let _ = stream.write_all(GOOD.as_bytes()).await;
                    let _ = stream.shutdown().await;
                }
            }
        });
    });
    (port, count, certificate.pem())
}

/// The run is over after one attempt that sent nothing, and says this.
fn barred(ran: &Ran, code: i32, message: &str, hint: &str) {
    assert_eq!(ran.code, Some(code), "{ran:#?}");
    let said: serde_json::Value = serde_json::from_str(ran.stderr.lines().last().unwrap()).unwrap();
    assert_eq!(said["message"], message, "{ran:#?}");
    assert!(said["hints"][0].as_str().unwrap().contains(hint), "{said:#}");
    if code == 12 {
        assert_eq!((said["attempts"].as_i64(), said["outcome"].as_str()), (Some(1), Some("not_sent")), "{said:#}");
    }
}

#[test]
fn a_certificate_that_is_not_accepted_ends_the_call_at_once_in_words() {
    const HOST: &str = "127.0.0.1";
    const NOW: (i32, i32) = (2020, 2090);
    let plain = Wanted { host: HOST, years: NOW, signer: Signer::Authority };
    let own_ca = "SSL_CERT_FILE names a file with the CA certificates to use";
    let by_none = "is signed by none that this machine trusts, or by itself";
    for (wanted, trusted, what, hint) in [
        (plain, "ca.pem", None, ""),
        (plain, "other.pem", Some(by_none), own_ca),
        (Wanted { signer: Signer::Itself, ..plain }, "ca.pem", Some(by_none), own_ca),
        (
            Wanted { signer: Signer::ItselfAsAuthority, ..plain },
            "server.pem",
            Some("is signed by itself, as a CA's is"),
            "give the endpoint a certificate that a CA has signed",
        ),
        (
            Wanted { host: "shop.example", ..plain },
            "ca.pem",
            Some("is for another host: shop.example"),
            "check --endpoint",
        ),
        (Wanted { years: (2001, 2002), ..plain }, "ca.pem", Some("has expired"), "check this machine's clock"),
        (Wanted { years: (2080, 2090), ..plain }, "ca.pem", Some("is not valid yet"), "check this machine's clock"),
    ] {
        let authority_of_all = authority();
        let (port, count, certificate) = serve(wanted, &authority_of_all);
        let endpoint = format!("https://{HOST}:{port}");
        let ran = jst(["--log-format", "json", "--endpoint", &endpoint, "call", "ListApp"])
            .fake_key()
            .file("ca.pem", &authority_of_all.pem())
            .file("other.pem", &authority().pem())
            .file("server.pem", &certificate)
            .env("SSL_CERT_FILE", trusted)
            .run();
        match what {
            None => drop(ran.ok()),
            Some(what) => barred(&ran, 12, &format!("the certificate of {endpoint} {what}"), hint),
        }
        assert_eq!(count.load(Ordering::SeqCst), 1, "{what:?}");
    }
}

#[test]
fn without_certificates_or_tls_a_call_ends_at_once_in_words() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("https://{}", listener.local_addr().unwrap());
    // Ends with the test's process.
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let run = |trusted: &str| {
        jst(["--log-format", "json", "--endpoint", &endpoint, "call", "ListApp"])
            .fake_key()
            .file("ca.pem", &authority().pem())
            .file("empty.pem", "")
            .env("SSL_CERT_FILE", trusted)
            .run()
    };
    let none = format!("there are no CA certificates on this machine to check {endpoint} with");
    for trusted in ["missing.pem", "empty.pem"] {
        barred(&run(trusted), 12, &none, "the package is called ca-certificates");
    }
    barred(&run("ca.pem"), 12, &format!("what answers at {endpoint} does not speak TLS"), "begins with http://");
}

#[test]
fn a_connection_that_is_not_made_in_time_is_said_to_be_so() {
    // Takes the connection and never answers the handshake, which is a part of connecting.
    let server = Server::new(vec![Behaviour::Stall]);
    let endpoint = format!("https://{}", server.address);
    let ran = jst(["--connect-timeout", "50ms", "--endpoint", &endpoint, "call", "ScaleApp", "EnvId=1", "Replicas=2"])
        .fake_key()
        .file("ca.pem", &authority().pem())
        .env("SSL_CERT_FILE", "ca.pem")
        .run();
    assert_eq!(ran.code, Some(12), "{ran:#?}");
    let said = format!("error: cannot connect to {endpoint}: the connect time-out of 50.0ms has passed");
    assert!(ran.stderr.contains(&said) && ran.stderr.contains("--connect-timeout allows more time"), "{ran:#?}");
    assert!(!ran.stderr.contains("elapsed"), "{ran:#?}");
}

#[test]
fn calls_go_through_the_proxy_of_the_environment_or_say_what_is_wrong_with_it() {
    let answer = r#"{"Code":0,"TotalCount":0,"Data":[]}"#;
    let proxy = Server::new(vec![Behaviour::Answer(200, "", answer.into())]);
    let run = |variable: &str, value: &str, no_proxy: &str| {
        let flags = ["--log-format", "json", "--insecure-http", "--endpoint", "http://shop.invalid", "call", "ListApp"];
        jst(flags).fake_key().env(variable, value).env("NO_PROXY", no_proxy).run()
    };
    let with_password = format!("http://bob:p%23ss@{}", proxy.address);
    run("http_proxy", &with_password, "").ok();
    run("ALL_PROXY", &proxy.address.to_string(), "*.invalid,shop.invalid:80").ok();
    assert!(proxy.requests().iter().all(|request| request.starts_with("GET http://shop.invalid/?")));
    assert_eq!(proxy.requests().len(), 2);
    // Reached directly, where no such host is.
    for no_proxy in ["*", ".invalid", "shop.invalid"] {
        let ran = run("HTTP_PROXY", &with_password, no_proxy);
        assert_eq!(ran.code, Some(12), "{no_proxy}: {ran:#?}");
    }
    assert_eq!(proxy.requests().len(), 2);
    let ran = run("HTTP_PROXY", "http://bob:fake#pass@proxy:1", "");
    let message = "HTTP_PROXY names no proxy: `http://…@proxy:1` is not a URL: invalid port number";
    barred(&ran, 21, message, "with %23 for # and the like");
    assert!(!format!("{ran:?}").contains("fake#pass"));
}

#[test]
fn plain_http_stays_on_this_machine_unless_it_is_let_out() {
    for (endpoint, is_refused) in [
        ("http://shop.invalid", true),
        ("http://192.0.2.1:1", true),
        ("http://127.0.0.1:1", false),
        ("http://[::1]:1", false),
        ("http://localhost:1", false),
    ] {
        let ran = jst(["--deadline", "3s", "--endpoint", endpoint, "call", "ScaleApp", "EnvId=1", "Replicas=1"])
            .fake_key()
            .run();
        let said = ran.stderr.contains("is reached without encryption, and not on this machine");
        assert_eq!((ran.code == Some(21), said), (is_refused, is_refused), "{endpoint}: {ran:#?}");
    }
}

#[test]
fn the_private_network_of_a_region_and_a_file_of_authorities_are_named_by_flags() {
    let endpoint = |args: &[&str]| {
        let ran = jst([&["--endpoint-type", "vpc"], args, &["whoami"]].concat()).fake_key().run();
        let said: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        (ran.code, said["Endpoint"].clone())
    };
    assert_eq!(endpoint(&["--region", "cn-a"]), (Some(0), "https://retailcloud-vpc.cn-a.aliyuncs.com".into()));
    assert_eq!(endpoint(&["--endpoint", "https://e.example"]), (Some(0), "https://e.example".into()));
    assert_eq!(endpoint(&[]), (Some(21), serde_json::Value::Null));
    let own = authority();
    let (port, ..) = serve(Wanted { host: "localhost", years: (2020, 2100), signer: Signer::Authority }, &own);
    let run = |file: &str| {
        let endpoint = format!("https://localhost:{port}");
        let flags = ["--ca-file", file, "--endpoint", &endpoint, "call", "ListApp"];
        jst(flags)
            .fake_key()
            .file("ca.pem", &own.pem())
            .file("other.pem", &authority().pem())
            .file("none.pem", "no")
            .run()
    };
    assert_eq!(run("ca.pem").code, Some(0));
    for (file, code, message, hint) in [
        ("other.pem", 12, "is signed by none that this machine trusts", "--ca-file or SSL_CERT_FILE names a file"),
        ("none.pem", 21, "--ca-file none.pem: it holds no certificate", "BEGIN CERTIFICATE"),
        ("gone.pem", 21, "--ca-file gone.pem: ", "BEGIN CERTIFICATE"),
    ] {
        let ran = run(file);
        assert_eq!(ran.code, Some(code), "{ran:#?}");
        assert!(ran.stderr.contains(message) && ran.stderr.contains(hint), "{ran:#?}");
    }
}

/// A service behind a load balancer: what becomes of a connection once it was answered on.
#[derive(Clone, Copy, Debug)]
enum Kept {
    /// It is closed behind the answer.
    Closed,
    /// It is cut when the next request is on its way, of which nothing is read.
    Cut,
    /// It is closed when the next request was read.
    Read,
}

/// What came, each with the number of its connection.
type Requests = Arc<std::sync::Mutex<Vec<(usize, String)>>>;

/// Serves so. Gives the address and the requests: of each the number of its connection and its first line.
fn balanced(kept: Kept) -> (String, Requests) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, requests) = (format!("http://{}", listener.local_addr().unwrap()), Arc::default());
    let seen: Requests = Arc::clone(&requests);
    // Ends with the test's process.
    std::thread::spawn(move || {
        for (number, mut stream) in listener.incoming().flatten().enumerate() {
            let seen = Arc::clone(&seen);
            std::thread::spawn(move || {
                let read = |stream: &mut std::net::TcpStream, bytes: &mut [u8]| {
                    let length = stream.read(bytes).unwrap_or(0);
                    let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
                    if length > 0 {
                        seen.lock().unwrap().push((number, text.lines().next().unwrap_or_default().to_owned()));
                    }
                };
                read(&mut stream, &mut [0; 16 << 10]);
                let answer = r#"{"Code":0,"TotalCount":0,"Data":[],"RequestId":"R"}"#;
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{answer}", answer.len());
                if matches!(kept, Kept::Closed) {
                    // Its end comes with the answer, in one piece.
                    rustix::net::sockopt::set_tcp_cork(&stream, true).unwrap();
                }
                let _ = stream.write_all(head.as_bytes());
                match kept {
                    Kept::Closed => stream.shutdown(std::net::Shutdown::Write).unwrap(),
                    // What is left unread has the system reset the connection.
                    Kept::Cut => read(&mut stream, &mut [0; 1]),
                    Kept::Read => read(&mut stream, &mut [0; 16 << 10]),
                }
            });
        }
    });
    (address, requests)
}

#[test]
fn connections_that_a_load_balancer_ends_cost_no_read_and_make_no_write_twice() {
    const WRITE: &str = "update_app(#{ AppId: 1, Description: \"x\" });";
    for (kept, code, expected, count) in [
        // A closed one is not used again: every call has a connection of its own, and nothing is unknown.
        (Kept::Closed, format!("for n in 0..8 {{ list_app(); {WRITE} }}"), 0, 16),
        (Kept::Cut, "list_app(); list_app();".to_owned(), 0, 3),
        (Kept::Read, "list_app(); list_app();".to_owned(), 0, 3),
        (Kept::Cut, format!("list_app(); {WRITE}"), 11, 2),
        (Kept::Read, format!("list_app(); {WRITE}"), 11, 2),
    ] {
        let (endpoint, requests) = balanced(kept);
        let ran = jst(["--endpoint", &endpoint, "--no-journal", "run", "-"]).fake_key().stdin(&code).run();
        assert_eq!(ran.code, Some(expected), "{kept:?} {code}: {ran:#?}");
        let requests = requests.lock().unwrap().clone();
        assert_eq!(requests.len(), count, "{kept:?} {code}: {requests:?}");
        let writes = requests.iter().filter(|(_, line)| line.starts_with('P')).count();
        assert_eq!(writes, code.matches("update_app").count() * if count == 16 { 8 } else { 1 }, "{requests:?}");
        // What was sent again went over a new connection.
        if expected == 0 && count == 3 {
            assert_eq!((requests[1].0, requests[2].0), (0, 1), "{requests:?}");
        }
    }
}
