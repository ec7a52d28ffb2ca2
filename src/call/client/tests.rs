//! Tests of `client`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::sync::Mutex;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::super::record::Record;
use super::super::shared::{Owner, Shared};
use super::*;
use crate::clock::Pace;
use crate::wire::request::Request;

const GOOD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{\"Code\":0}";

/// A server on this clock owner first answer is late, or another one. Gives its address, and when each
/// request came.
async fn server(clock: &Arc<Clock>, first: &'static str, late: Duration) -> (Endpoint, Arc<Mutex<Vec<Duration>>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let came = Arc::new(Mutex::new(Vec::new()));
    let (clock, seen) = (Arc::clone(clock), Arc::clone(&came));
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (clock, seen) = (Arc::clone(&clock), Arc::clone(&seen));
            tokio::spawn(async move {
                let mut request = [0; 4096];
                while stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                    seen.lock().unwrap().push(clock.waited());
                    let is_first = seen.lock().unwrap().len() == 1;
                    if is_first {
                        clock.advance(late);
                    }
                    let answer = if is_first { first } else { GOOD };
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            });
        }
    });
    (endpoint, came)
}

#[tokio::test]
async fn the_rate_holds_behind_a_slow_answer_and_behind_a_pause() {
    const PAUSE: &str =
        "HTTP/1.1 400 X\r\nx-acs-retry-after: 3000\r\nContent-Length: 21\r\n\r\n{\"Code\":\"Throttling\"}";
    for (first, late) in [(GOOD, Duration::from_secs(3)), (PAUSE, Duration::ZERO)] {
        let clock = Arc::new(Clock::simulated(Pace::Told, Timestamp::UNIX_EPOCH));
        let (endpoint, came) = server(&clock, first, late).await;
        let mut config = ClientConfig::new(endpoint, Provider::of("fake-id", "fake-secret"));
        (config.concurrency, config.rate, config.clock) = (1, Some(5.0), clock);
        config.retry.base = Duration::ZERO;
        let client = Client::new(config);
        let target = Target::named("ListApp").unwrap();
        let request = Request::build(&target, serde_json::Map::new()).unwrap();
        let (shared, owner, records) =
            (Shared::default(), Owner::default(), Vec::from_iter((0..16).map(|_| Record::default())));
        let calls = records.iter().map(|record| async {
            client.call::<serde_json::Value>(&record.of(&target, &request, &shared, &owner)).await
        });
        futures_util::future::join_all(calls).await;
        let came: Vec<u128> = came.lock().unwrap().iter().map(Duration::as_millis).collect();
        assert_eq!(came[..2], [0, 3_000], "{first}");
        // The one behind the wait may come as early as a timer may be late.
        assert!(came.windows(2).all(|pair| pair[1] - pair[0] >= 198), "{first}: {came:?}");
    }
}

#[test]
fn an_answer_that_came_while_nobody_looked_is_in_time() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let in_pieces = async {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    };
    assert_eq!(runtime.block_on(within(Duration::ZERO, in_pieces)), Some(()));
    assert_eq!(runtime.block_on(within(Duration::ZERO, std::future::pending::<()>())), None);
}
