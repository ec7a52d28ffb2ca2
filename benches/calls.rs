//! What a script's calls cost beside a bare HTTP loop that sends a constant URL and parses the JSON:
//! ratios of throughput, taken in one run against the same server. `cargo bench --bench calls`

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

mod support;

use std::time::Duration;

use futures_util::StreamExt as _;
use jst::harness::Script;
use support::{Cost, Server, compare, cost, report};

const CALLS: usize = 4_000;
const LATENCY: Duration = Duration::from_millis(20);

fn main() {
    if support::serve_if_asked() {
        return;
    }
    let quick = std::env::args().any(|arg| arg == "--test");
    // `cargo bench --bench calls WORD` measures what has the word in its name.
    let word = std::env::args().skip(1).find(|arg| !arg.starts_with("--")).unwrap_or_default();
    let wanted = |name: &str| name.contains(&word);
    let rounds = if quick { 1 } else { 9 };
    let bare = Bare::new();
    let server = Server::start(Duration::ZERO);
    let script = script(&server, 256);

    const SEQUENTIAL: &str = "sequential calls, of a bare loop's throughput";
    if wanted(SEQUENTIAL) {
        let [theirs, ours] = compare(
            rounds,
            || bare.cost(&server, CALLS, 1),
            || run(&script, &format!("for n in 0..{CALLS} {{ list_app(); }}")),
        );
        report(SEQUENTIAL, ratio(theirs.wall, ours.wall), ">= 0.85", &per_call(theirs, ours));
    }

    const IN_FLIGHT: &str = "64 calls in flight, of a bare loop's throughput";
    if wanted(IN_FLIGHT) {
        let [theirs, ours] =
            compare(rounds, || bare.cost(&server, CALLS, 64), || run(&script, &call_all("ListApp", "#{}", CALLS, 64)));
        report(IN_FLIGHT, ratio(theirs.wall, ours.wall), ">= 0.75", &per_call(theirs, ours));
    }

    const WRITES: &str = "2,000 writes at 20 ms, 256 at once, of the ideal";
    if wanted(WRITES) {
        let slow = Server::start(LATENCY);
        let script = self::script(&slow, 256);
        let [theirs, ours] = compare(
            rounds,
            || bare.cost(&slow, 2_000, 256),
            || run(&script, &call_all("ScaleApp", "#{ EnvId: 1, Replicas: 2 }", 2_000, 256)),
        );
        let ideal = LATENCY * 2_000_u32.div_ceil(256);
        // What the server's timer makes of its latency.
        let alone = bare.cost(&slow, 20, 1).wall / 20;
        let (ours, theirs) = (ours.wall, theirs.wall);
        let detail = format!("{ours:.0?} for {ideal:.0?}; bare {theirs:.0?}, one call alone {alone:.1?}");
        report(WRITES, ratio(ideal, ours), ">= 0.85", &detail);
    }
}

/// A script that makes so many calls at once.
fn call_all(action: &str, params: &str, calls: usize, concurrency: usize) -> String {
    format!(
        "let items = []; items.pad({calls}, {params}); call_all(\"{action}\", items, #{{ concurrency: {concurrency} }});"
    )
}

/// What a signed call looks like: the bare loop sends it over and over.
const SIGNED: &str = "AccessKeyId=fake-id&Action=ListApp&Format=JSON&SignatureMethod=HMAC-SHA1\
    &SignatureNonce=9e5a1f2b-3c4d-4e5f-8a6b-7c8d9e0f1a2b&SignatureVersion=1.0&Timestamp=2026-01-02T03%3A04%3A05Z\
    &Version=2018-03-13&Signature=ZmFrZXNpZ25hdHVyZWZha2VzaWc%3D";

/// The loop that jst is compared with.
struct Bare {
    runtime: tokio::runtime::Runtime,
    http: reqwest::Client,
}

impl Bare {
    fn new() -> Self {
        rustls::crypto::ring::default_provider().install_default().unwrap();
        Self {
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(),
            http: reqwest::Client::builder().tls_certs_only([]).no_proxy().tcp_nodelay(true).build().unwrap(),
        }
    }

    fn cost(&self, server: &Server, calls: usize, concurrency: usize) -> Cost {
        let url = format!("{}/?{SIGNED}", server.url());
        let get = |_| async { parse(&self.http.get(&url).send().await.unwrap().bytes().await.unwrap()) };
        let calls = futures_util::stream::iter(0..calls).map(get).buffer_unordered(concurrency);
        cost(|| self.runtime.block_on(calls.for_each(|()| async {})))
    }
}

fn parse(bytes: &[u8]) {
    std::hint::black_box(serde_json::from_slice::<serde_json::Value>(bytes).unwrap());
}

fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

fn per_call(theirs: Cost, ours: Cost) -> String {
    let each = |all: Duration| all.as_secs_f64() * 1e6 / CALLS as f64;
    let [wall, bare_wall, cpu, bare_cpu] = [ours.wall, theirs.wall, ours.cpu, theirs.cpu].map(each);
    format!("{wall:.0} µs a call, bare {bare_wall:.0} µs; of CPU {cpu:.0} µs, bare {bare_cpu:.0} µs")
}

fn script(server: &Server, concurrency: usize) -> Script {
    Script::new(&server.url(), concurrency).unwrap()
}

fn run(script: &Script, code: &str) -> Cost {
    cost(|| assert_eq!(script.run(code), Ok(0)))
}
