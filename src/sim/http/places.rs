//! How many connections are served at once, and who has to go when there are more: whoever has been silent
//! for longest. A caller never waits for others that say nothing.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// The places, and who is silent in one.
#[derive(Debug)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    /// Callers that wait for a place.
    waiting: AtomicUsize,
    silent: Mutex<Silent>,
}

#[derive(Debug, Default)]
struct Silent {
    /// What tells each silent connection to go, the longest silent one first.
    by_age: BTreeMap<u64, Arc<Notify>>,
    count: u64,
}

/// A connection's place, until this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    go: Arc<Notify>,
    /// Its number among the silent ones, while it is one.
    silent: Mutex<Option<u64>>,
    _permit: OwnedSemaphorePermit,
}

impl Places {
    /// So many places.
    pub(super) fn new(count: usize) -> Arc<Self> {
        Arc::new(Self { free: Arc::new(Semaphore::new(count)), waiting: AtomicUsize::new(0), silent: Mutex::default() })
    }

    /// How many callers wait for a place.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Acquire)
    }

    /// A place, once there is one: when all are taken, the longest silent connection is told to go. `None`
    /// when there will be none any more.
    pub(super) async fn enter(self: Arc<Self>) -> Option<Arc<Place>> {
        let permit = match Arc::clone(&self.free).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                let waits = Waits::new(&self.waiting);
                self.send_away();
                let permit = Arc::clone(&self.free).acquire_owned().await.ok()?;
                drop(waits);
                permit
            }
        };
        let place = Place { places: self, go: Arc::default(), silent: Mutex::default(), _permit: permit };
        let place = Arc::new(place);
        place.fall_silent();
        Some(place)
    }

    /// Tells the longest silent connection to go.
    pub(super) fn send_away(&self) {
        if let Some((_, go)) = self.silent().by_age.pop_first() {
            go.notify_one();
        }
    }

    fn silent(&self) -> MutexGuard<'_, Silent> {
        self.silent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a caller that waits, for as long as it does.
struct Waits<'a>(&'a AtomicUsize);

impl<'a> Waits<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self(count)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Place {
    /// Its connection says nothing from now on. It goes at once if somebody waits.
    pub(super) fn fall_silent(&self) {
        let mut silent = self.places.silent();
        silent.count += 1;
        let number = silent.count;
        silent.by_age.insert(number, Arc::clone(&self.go));
        *self.number() = Some(number);
        drop(silent);
        if self.places.waiting() > 0 {
            self.places.send_away();
        }
    }

    /// A whole request has come: its connection stays until it is answered.
    pub(super) fn speak(&self) {
        if let Some(number) = self.number().take() {
            self.places.silent().by_age.remove(&number);
        }
    }

    /// Whether no whole request has come since the last answer.
    pub(super) fn is_silent(&self) -> bool {
        self.number().is_some()
    }

    /// Done when its connection shall go.
    pub(super) async fn told_to_go(&self) {
        self.go.notified().await;
    }

    fn number(&self) -> MutexGuard<'_, Option<u64>> {
        self.silent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.speak();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    async fn is_told(place: &Place) -> bool {
        timeout(Duration::ZERO, place.told_to_go()).await.is_ok()
    }

    #[tokio::test]
    async fn the_longest_silent_one_goes_first_and_who_speaks_stays() {
        let places = Places::new(3);
        let enter = || Arc::clone(&places).enter();
        let (first, second, third) = (enter().await.unwrap(), enter().await.unwrap(), enter().await.unwrap());
        first.speak();
        second.speak();
        first.fall_silent();
        let fourth = enter();
        tokio::pin!(fourth);
        assert!(timeout(Duration::ZERO, fourth.as_mut()).await.is_err());
        assert_eq!(places.waiting(), 1);
        assert!(!is_told(&first).await && !is_told(&second).await && is_told(&third).await);
        drop(third);
        let fourth = fourth.await.unwrap();
        assert_eq!(places.waiting(), 0);
        // When nobody is silent, the next one that falls silent goes.
        first.speak();
        fourth.speak();
        let fifth = enter();
        tokio::pin!(fifth);
        assert!(timeout(Duration::ZERO, fifth.as_mut()).await.is_err());
        assert!(!is_told(&first).await && !is_told(&second).await && !is_told(&fourth).await);
        second.fall_silent();
        assert!(is_told(&second).await);
    }
}
