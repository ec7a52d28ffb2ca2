//! What a script's calls cost beside a bare HTTP loop that sends a constant URL and parses the JSON:
//! ratios of throughput, taken in one run against the same server. `cargo bench --bench calls`

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use jst::account::Account;
use jst::client::{Client, Endpoint, Settings as ClientSettings};
use jst::clock::Clock;
use jst::credentials::Credentials;
use jst::policy::Policy;
use jst::script::{Host, Settings};
use jst::secret::Secret;
use jst::stop::Stop;
use support::{Server, compare, report, time};

const CALLS: usize = 4_000;
const WRITES: usize = 2_000;

fn main() {
    if support::serve_if_asked() {
        return;
    }
    let quick = std::env::args().any(|arg| arg == "--test");
    let rounds = if quick { 1 } else { 9 };
    let server = Server::start(Duration::ZERO);
    let bare = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    rustls::crypto::ring::default_provider().install_default().unwrap();
    let http = reqwest::Client::builder().tls_certs_only([]).no_proxy().tcp_nodelay(true).build().unwrap();
    let url = format!("{}/?Action=ListApp&Format=JSON&Version=2018-03-13", server.url());
    let get = || async { http.get(&url).send().await.unwrap().bytes().await.map(|b| parse(&b)).unwrap() };
    let script = Script::new(&server, 256);

    let [theirs, ours] = compare(
        rounds,
        || {
            time(|| {
                bare.block_on(async {
                    for _ in 0..CALLS {
                        get().await;
                    }
                })
            })
        },
        || script.time(&format!("for n in 0..{CALLS} {{ list_app(); }}")),
    );
    report("sequential calls, of a bare loop's throughput", ratio(theirs, ours), ">= 0.80", &per_call(theirs, ours));

    let [theirs, ours] = compare(
        rounds,
        || {
            time(|| {
                bare.block_on(
                    futures_util::stream::iter(0..CALLS).map(|_| get()).buffer_unordered(64).for_each(|()| async {}),
                )
            })
        },
        || {
            script.time(&format!(
                "let items = []; items.pad({CALLS}, #{{}}); call_all(\"ListApp\", items, #{{ concurrency: 64 }});"
            ))
        },
    );
    report("64 calls in flight, of a bare loop's throughput", ratio(theirs, ours), ">= 0.60", &per_call(theirs, ours));

    let slow = Server::start(Duration::from_millis(20));
    let script = Script::new(&slow, 256);
    let write = || {
        script.time(&format!("let items = []; items.pad({WRITES}, #{{ EnvId: 1, Replicas: 2 }}); call_all(\"ScaleApp\", items, #{{ concurrency: 256 }});"))
    };
    write();
    let took = support::median((0..rounds).map(|_| write()).collect());
    let ideal = Duration::from_millis(20) * u32::try_from(WRITES.div_ceil(256)).unwrap();
    report(
        "2,000 writes at 20 ms, 256 at once, of the ideal",
        ratio(ideal, took),
        ">= 0.85",
        &format!("{took:.0?} for {ideal:.0?}"),
    );
}

fn parse(bytes: &[u8]) {
    std::hint::black_box(serde_json::from_slice::<serde_json::Value>(bytes).unwrap());
}

fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

fn per_call(theirs: Duration, ours: Duration) -> String {
    let each = |all: Duration| all.as_secs_f64() * 1e6 / CALLS as f64;
    format!("{:.0} µs a call, bare {:.0} µs", each(ours), each(theirs))
}

/// A script host on its own runtime, as the commands set it up.
struct Script {
    host: Host,
}

impl Script {
    fn new(server: &Server, concurrency: usize) -> Self {
        let handle = jst::commands::session::io_thread().unwrap();
        let endpoint = Endpoint::parse(&server.url()).unwrap();
        let settings = ClientSettings {
            endpoint,
            credentials: Credentials {
                access_key_id: "fake-id".into(),
                secret: Secret::new("fake-secret"),
                security_token: None,
            },
            region: None,
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            concurrency,
            rate: None,
            deadline: None,
            retry: jst::retry::Settings::default(),
        };
        let stop = Arc::new(Stop::new(None));
        let connect = Box::new(move || Ok(Client::new(settings.clone())));
        let account = Arc::new(Account::new(connect, Policy::default(), None, Arc::clone(&stop), handle.clone()));
        let settings = Settings {
            root: std::path::PathBuf::new(),
            args: Vec::new(),
            allow_env: Default::default(),
            clock: Arc::new(Clock::real()),
            stop,
            runtime: handle.clone(),
            max_memory: 512 << 20,
            max_operations: u64::MAX,
            simulated: false,
        };
        Self { host: Host::new(settings, &account) }
    }

    fn time(&self, code: &str) -> Duration {
        time(|| assert_eq!(self.host.run("bench", code).unwrap(), 0))
    }
}
