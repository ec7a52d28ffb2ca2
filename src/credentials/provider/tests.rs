//! Credentials that expire, on a clock that stands still while nobody waits.

#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

/// What each fetch takes, and what comes of it: a lifetime in seconds, or a failure.
type Plan = Vec<(Duration, std::result::Result<f64, &'static str>)>;

/// A provider by a plan whose last line goes on, and how many fetches have begun.
fn planned(plan: Plan) -> (Provider, Arc<AtomicU32>) {
    let count = Arc::new(AtomicU32::new(0));
    let (begun, plan) = (Arc::clone(&count), Arc::new(plan));
    let fetch: Fetch = Box::new(move || {
        let n = begun.fetch_add(1, Ordering::SeqCst);
        let (takes, outcome) = plan.get(n as usize).or(plan.last()).copied().unwrap();
        Box::pin(async move {
            tokio::time::sleep(takes).await;
            let lifetime = outcome.map_err(|why| Error::new(Kind::Credentials, why))?;
            let secret = Secret::new("fake-secret");
            let credentials = Credentials { access_key_id: format!("id-{n}"), secret, security_token: None };
            let lifetime = (lifetime > 0.0).then(|| Duration::from_secs_f64(lifetime));
            Ok(Lease { credentials: Arc::new(credentials), lifetime })
        })
    });
    (Provider::fresh(fetch, Handle::current()), count)
}

const MOMENT: Duration = Duration::from_millis(20);

async fn id(provider: &Provider) -> std::result::Result<String, String> {
    provider.credentials().await.map(|held| held.access_key_id.clone()).map_err(|error| error.to_string())
}

#[tokio::test(start_paused = true)]
async fn sixty_four_workers_share_one_refresh_of_a_token_of_two_seconds_for_a_minute_and_none_waits() {
    let (provider, fetches) = planned(vec![(MOMENT, Ok(2.0))]);
    id(&provider).await.unwrap();
    let (begun, slowest) = (Instant::now(), Arc::new(AtomicU32::new(0)));
    let work = |provider: Provider, slowest: Arc<AtomicU32>| async move {
        while begun.elapsed() < Duration::from_secs(60) {
            let asked = Instant::now();
            id(&provider).await.unwrap();
            slowest.fetch_max(u32::try_from(asked.elapsed().as_millis()).unwrap(), Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(7)).await;
        }
    };
    let workers: Vec<_> = (0..64).map(|_| tokio::spawn(work(provider.clone(), Arc::clone(&slowest)))).collect();
    for worker in workers {
        worker.await.unwrap();
    }
    assert!(slowest.load(Ordering::SeqCst) < 100, "{slowest:?}");
    // One each 1.52 s: 1.5 s after it came, the next is asked for.
    assert_eq!(fetches.load(Ordering::SeqCst), 1 + 60_000 / 1520);
}

#[tokio::test(start_paused = true)]
async fn all_who_wait_share_one_fetch_and_its_failure_and_the_next_who_asks_has_it_tried_again() {
    let (provider, fetches) = planned(vec![(MOMENT, Err("denied")), (MOMENT, Ok(0.0))]);
    let all = (0..64).map(|_| provider.clone());
    let asked: Vec<_> = all.map(|provider| tokio::spawn(async move { id(&provider).await })).collect();
    for one in asked {
        assert_eq!(one.await.unwrap(), Err("denied".to_owned()));
    }
    assert_eq!(fetches.load(Ordering::SeqCst), 1);
    assert_eq!(id(&provider).await, Ok("id-1".to_owned()));
    assert_eq!(fetches.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn it_is_refreshed_a_quarter_of_an_hour_early_while_nobody_asks() {
    let (provider, fetches) = planned(vec![(MOMENT, Ok(3600.0))]);
    id(&provider).await.unwrap();
    tokio::time::sleep(Duration::from_secs(2690)).await;
    assert_eq!(fetches.load(Ordering::SeqCst), 1);
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(fetches.load(Ordering::SeqCst), 2);
    // A job of six hours never notices.
    for _ in 0..6 * 60 {
        let asked = Instant::now();
        id(&provider).await.unwrap();
        assert_eq!(asked.elapsed(), Duration::ZERO);
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_fails_is_tried_again_while_the_old_serves() {
    let plan = vec![(MOMENT, Ok(3600.0)), (MOMENT, Err("down")), (MOMENT, Err("down")), (MOMENT, Ok(3600.0))];
    let (provider, fetches) = planned(plan);
    for _ in 0..40 {
        assert!(id(&provider).await.is_ok());
        tokio::time::sleep(Duration::from_secs(100)).await;
    }
    assert!(fetches.load(Ordering::SeqCst) >= 4);
}

#[tokio::test(start_paused = true)]
async fn what_the_service_rejects_is_replaced_once() {
    let (provider, fetches) = planned(vec![(MOMENT, Ok(3600.0))]);
    let first = provider.credentials().await.unwrap();
    // Many learn of it at once.
    assert!((0..64).all(|_| provider.rejected(&first)));
    let second = provider.credentials().await.unwrap();
    assert_eq!((second.access_key_id.as_str(), fetches.load(Ordering::SeqCst)), ("id-1", 2));
    // One who was slow to learn takes those that are there.
    assert!(provider.rejected(&first));
    assert_eq!(id(&provider).await, Ok("id-1".to_owned()));
    assert!(!provider.rejected(&second));
    assert_eq!((id(&provider).await, fetches.load(Ordering::SeqCst)), (Ok("id-1".to_owned()), 2));
    let fixed = Provider::of("id", "fake");
    assert!(!fixed.rejected(&fixed.credentials().await.unwrap()));
}
