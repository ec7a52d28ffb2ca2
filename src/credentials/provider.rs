//! Gives credentials to whoever signs, anew for each attempt. Those that expire are kept fresh by a task beside
//! the run: calls go on with what is there while it asks for the next, and it goes on while a script computes
//! and nobody waits for a call.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::Credentials;
use crate::error::{Error, Kind, Result};
use crate::secret::Secret;

/// Credentials for a while.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Lease {
    /// What signs.
    pub credentials: Arc<Credentials>,
    /// How long from now on; `None` for as long as the process lives.
    pub lifetime: Option<Duration>,
}

/// Fetches the next credentials.
pub(crate) type Fetch = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Lease>> + Send>> + Send + Sync>;

/// Gives credentials to whoever signs.
#[derive(Clone, Debug)]
pub(crate) struct Provider(Kept);

#[derive(Clone, Debug)]
enum Kept {
    Fixed(Arc<Credentials>),
    Fresh(Arc<Fresh>),
}

/// Credentials that are kept fresh.
struct Fresh {
    fetch: Fetch,
    /// Where the task goes on, and whether it does.
    runtime: Handle,
    started: std::sync::Once,
    state: watch::Sender<State>,
    wanted: Notify,
}

#[derive(Clone, Debug, Default)]
struct State {
    held: Option<Held>,
    /// Why the last fetch failed.
    failed: Option<Error>,
    /// Fetches that have ended, and the one that somebody waits for.
    round: u64,
    wanted: u64,
}

#[derive(Clone, Debug)]
struct Held {
    credentials: Arc<Credentials>,
    ends: Option<Instant>,
    /// The service does not take them.
    is_rejected: bool,
    /// They were fetched because the service did not take those before.
    is_second: bool,
}

impl Held {
    fn serves(&self) -> bool {
        !self.is_rejected && self.ends.is_none_or(|ends| Instant::now() < ends)
    }
}

impl fmt::Debug for Fresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fresh").field("state", &*self.state.borrow()).finish_non_exhaustive()
    }
}

/// How long before their end new credentials are asked for.
const EARLY: Duration = Duration::from_secs(15 * 60);

/// The shortest time between two fetches that nobody waits for, and the longest after one that failed.
const SHORTEST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(30);

/// When the next are asked for, of credentials that live so long: a quarter of an hour early, or, where that
/// would be most of their life, a quarter of it.
fn pause(lifetime: Duration) -> Duration {
    (lifetime - EARLY.min(lifetime / 4)).max(SHORTEST)
}

impl Provider {
    /// These, for as long as the process lives.
    pub(crate) fn fixed(credentials: Credentials) -> Self {
        Self(Kept::Fixed(Arc::new(credentials)))
    }

    /// A key of this id and secret.
    pub(crate) fn of(access_key_id: &str, secret: &str) -> Self {
        let (access_key_id, secret) = (access_key_id.to_owned(), Secret::new(secret));
        Self::fixed(Credentials { access_key_id, secret, security_token: None })
    }

    /// Those that are fetched, on this runtime. Nothing is fetched before somebody asks.
    pub(crate) fn fresh(fetch: Fetch, runtime: Handle) -> Self {
        let (state, wanted, started) = (watch::Sender::default(), Notify::new(), std::sync::Once::new());
        Self(Kept::Fresh(Arc::new(Fresh { fetch, runtime, started, state, wanted })))
    }

    /// The credentials to sign with now. Whoever asks while there are none waits for the one fetch under way.
    ///
    /// # Errors
    /// `credentials`, or what kept them from being fetched.
    pub(crate) async fn credentials(&self) -> Result<Arc<Credentials>> {
        match &self.0 {
            Kept::Fixed(credentials) => Ok(Arc::clone(credentials)),
            Kept::Fresh(fresh) => fresh.credentials().await,
        }
    }

    /// Told that the service does not take these as they have expired: whether to ask for others, once.
    pub(crate) fn rejected(&self, credentials: &Arc<Credentials>) -> bool {
        match &self.0 {
            Kept::Fixed(_) => false,
            Kept::Fresh(fresh) => fresh.rejected(credentials),
        }
    }
}

impl Fresh {
    async fn credentials(self: &Arc<Self>) -> Result<Arc<Credentials>> {
        let mut state = self.state.subscribe();
        let begun = {
            let state = state.borrow_and_update();
            if let Some(held) = state.held.as_ref().filter(|held| held.serves()) {
                return Ok(Arc::clone(&held.credentials));
            }
            state.round
        };
        self.started.call_once(|| {
            self.runtime.spawn(keep(Arc::clone(self)));
        });
        self.state.send_if_modified(|state| {
            state.wanted = state.wanted.max(begun + 1);
            false
        });
        self.wanted.notify_one();
        let ended = state.wait_for(|state| state.round > begun).await;
        let ended = ended.map_err(|_| Error::new(Kind::Credentials, "credentials are fetched no more"))?;
        match (&ended.failed, &ended.held) {
            (None, Some(held)) => Ok(Arc::clone(&held.credentials)),
            (Some(error), _) => Err(error.clone()),
            (None, None) => Err(Error::new(Kind::Credentials, "there are no credentials")),
        }
    }

    fn rejected(&self, credentials: &Arc<Credentials>) -> bool {
        let mut again = true;
        self.state.send_if_modified(|state| {
            if let Some(held) = state.held.as_mut().filter(|held| held.credentials == *credentials) {
                again = !held.is_second || held.is_rejected;
                held.is_rejected |= again;
            }
            false
        });
        again
    }

    /// Fetches once, and tells everybody. Gives when to fetch again.
    async fn renew(&self, failures: u32) -> std::result::Result<Option<Duration>, Duration> {
        let fetched = (self.fetch)().await;
        let mut next = Ok(None);
        self.state.send_modify(|state| {
            state.round += 1;
            match fetched {
                Ok(Lease { credentials, lifetime }) => {
                    let before = state.held.take();
                    let is_second = before.is_some_and(|held| held.is_rejected);
                    let ends = lifetime.map(|lifetime| Instant::now() + lifetime);
                    next = Ok(lifetime.map(pause));
                    state.failed = None;
                    state.held = Some(Held { credentials, ends, is_rejected: false, is_second });
                }
                Err(error) => {
                    let doubled = Duration::from_secs(1).saturating_mul(1 << failures.min(5)).min(LONGEST);
                    if state.held.as_ref().is_some_and(Held::serves) {
                        tracing::warn!("no new credentials, those at hand still serve: {error}");
                    }
                    state.failed = Some(error);
                    next = Err(doubled);
                }
            }
        });
        next
    }
}

/// Keeps credentials fresh for as long as the runtime lives.
async fn keep(held: Arc<Fresh>) {
    let mut failures = 0;
    loop {
        let next = held.renew(failures).await;
        failures = if next.is_err() { failures + 1 } else { 0 };
        let wait = next.unwrap_or_else(Some);
        let at = wait.map(|wait| Instant::now() + wait);
        loop {
            let is_due = async {
                match at {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = is_due => {
                    // After a failure nobody may want any: the next who does asks.
                    if failures == 0 || held.state.borrow().held.as_ref().is_some_and(Held::serves) {
                        break;
                    }
                    held.wanted.notified().await;
                }
                () = held.wanted.notified() => {}
            }
            // Whoever asked while the last were fetched has got an answer.
            let state = held.state.borrow();
            if state.wanted > state.round {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests;
