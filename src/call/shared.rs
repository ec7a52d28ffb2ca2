//! What the calls of all accounts of a run share, and what those of one account do.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::observer::Observer;
use super::subject::{self, Names};
use crate::error::Result;
use crate::journal::keeper::Keeper;
use crate::stop::Stop;
use crate::wire::request::{Request, Target};

/// The account that calls are of.
#[derive(Debug, Default)]
pub(crate) struct Owner {
    /// The profile that a script named for them; `None` for the run's own account.
    pub profile: Option<String>,
    /// Names that were found in the account.
    pub names: Names,
    /// Whoever counts and limits the calls of this account alone.
    pub limits: Option<Arc<dyn Observer>>,
}

impl Owner {
    /// A call of theirs in words.
    pub(super) fn words(&self, target: &Target, request: &Request) -> String {
        let words = subject::called(target, &request.params(target), &self.names);
        match &self.profile {
            Some(name) => format!("{words} in the profile {name}"),
            None => words,
        }
    }
}

/// What the calls of all accounts of a run share: who is told of them, and the writes that are under way.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// What ends the run: then no call begins.
    pub(super) stop: Arc<Stop>,
    /// Who knows of every call.
    observers: Vec<Arc<dyn Observer>>,
    /// What writes are written down in, where the run has a journal.
    journal: OnceLock<Arc<Keeper>>,
    /// In words, by their order.
    under_way: Mutex<BTreeMap<u64, String>>,
    begun: AtomicU64,
    /// A write is no longer under way.
    one_less: Notify,
}

impl Shared {
    /// What calls share that this stop ends, and that these know of.
    pub(super) fn new(stop: Arc<Stop>, observers: Vec<Arc<dyn Observer>>) -> Self {
        Self { stop, observers, ..Self::default() }
    }

    /// Whoever knows of the calls of an account, its own limits first: what those refuse, nobody counts as begun.
    pub(super) fn observers<'a>(&'a self, owner: &'a Owner) -> impl Iterator<Item = &'a Arc<dyn Observer>> {
        owner.limits.iter().chain(&self.observers)
    }

    pub(super) fn begins(&self, target: &Target, owner: &Owner) -> Result<()> {
        let (action, effect) = (target.action(), target.effect());
        let refusal = || {
            let mut asked = self.observers(owner).enumerate();
            asked.find_map(|(n, observer)| Some((Some(n), observer.begins(action, effect).err()?)))
        };
        let Some((by, why)) = self.stop.why_set().map(|why| (None, why)).or_else(refusal) else { return Ok(()) };
        for (_, observer) in self.observers(owner).enumerate().filter(|(n, _)| Some(*n) != by) {
            observer.left(effect);
        }
        Err(why)
    }

    /// The writes that are under way, in words.
    pub(crate) fn words_under_way(&self) -> Vec<String> {
        self.under_way().values().cloned().collect()
    }

    /// Waits until no write is under way, but no longer than that.
    pub(crate) async fn settled(&self, longest: Duration) {
        let none = async {
            loop {
                let changed = self.one_less.notified();
                tokio::pin!(changed);
                // Registered before the look, so that nothing is missed between the two.
                changed.as_mut().enable();
                if self.under_way().is_empty() {
                    return;
                }
                changed.await;
            }
        };
        // Whatever is under way then is given up.
        let _ = tokio::time::timeout(longest, none).await;
    }

    pub(super) fn leave(&self, number: u64) -> Option<String> {
        let call = self.under_way().remove(&number);
        self.one_less.notify_waiters();
        call
    }

    /// Has writes written down from now on.
    pub(crate) fn keep(&self, journal: Arc<Keeper>) {
        let _ = self.journal.set(journal);
    }

    /// What writes are written down in, where the run has a journal.
    pub(crate) fn journal(&self) -> Option<&Arc<Keeper>> {
        self.journal.get()
    }

    /// Whether something may be done beside calls, in words as `write_file a.txt`: it ends a run that only looks.
    ///
    /// # Errors
    /// `interrupted`.
    pub(crate) fn may_do(&self, words: impl FnOnce() -> String) -> Result<()> {
        let allowed = self.journal().map_or(Ok(()), |journal| journal.may_do(words));
        allowed.inspect_err(|error| self.stop.set(error.clone()))
    }

    /// Names the writes that are under way: whoever ends the process in the middle of them does it.
    pub(crate) fn name_unknown(&self) {
        for call in std::mem::take(&mut *self.under_way()).into_values() {
            tracing::error!("{call} was under way when the run was stopped: its outcome is unknown");
        }
    }

    pub(super) fn enter(&self, call: String) -> u64 {
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        self.under_way().insert(number, call);
        number
    }

    fn under_way(&self) -> MutexGuard<'_, BTreeMap<u64, String>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
