//! Nonces that were used, for as long as a request that carries one could still be accepted.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher as _, RandomState};

use super::WINDOW;

/// Seconds of request time that share a set.
const SPAN: i64 = 300;

/// Nonces by the time that their requests were stamped with. A set is dropped when its requests
/// have become too old to be accepted, so what is kept is bounded by the window.
#[derive(Debug, Default)]
pub(crate) struct Nonces {
    sets: VecDeque<(i64, HashSet<u64>)>,
    hasher: RandomState,
}

impl Nonces {
    /// Remembers a nonce of a request stamped `stamped` that is accepted at `now`, both in seconds.
    /// Says whether it is new.
    pub(crate) fn is_new(&mut self, now: i64, stamped: i64, key: &str, nonce: &str) -> bool {
        self.sets.retain(|(span, _)| (span + 1) * SPAN > now - WINDOW);
        let hash = self.hasher.hash_one((key, nonce));
        if self.sets.iter().any(|(_, set)| set.contains(&hash)) {
            return false;
        }
        let span = stamped.div_euclid(SPAN);
        match self.sets.iter_mut().find(|(known, _)| *known == span) {
            Some((_, set)) => drop(set.insert(hash)),
            None => self.sets.push_back((span, HashSet::from([hash]))),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_known_for_as_long_as_its_request_would_be_accepted() {
        let mut nonces = Nonces::default();
        for (now, stamped, key, nonce, is_new) in [
            (1_000_000, 1_000_000, "k", "n", true),
            (1_000_000, 1_000_000, "k", "n", false),
            (1_000_000, 1_000_000, "other", "n", true),
            // Stamped as far in the future as is accepted: known until that is too old.
            (1_000_000, 1_000_900, "k", "late", true),
            (1_000_900, 1_000_900, "k", "n", false),
            (1_001_800, 1_000_900, "k", "late", false),
            (1_004_000, 1_004_000, "k", "n", true),
            (1_004_000, 1_004_000, "k", "late", true),
        ] {
            assert_eq!(nonces.is_new(now, stamped, key, nonce), is_new, "{now} {key} {nonce}");
        }
    }

    #[test]
    fn what_is_kept_is_bounded_by_the_window() {
        let mut nonces = Nonces::default();
        for second in 0..100_000 {
            assert!(nonces.is_new(second, second, "k", &second.to_string()));
        }
        let kept: usize = nonces.sets.iter().map(|(_, set)| set.len()).sum();
        let most = usize::try_from(WINDOW + SPAN).unwrap_or_default();
        assert!(kept <= most + 1, "{kept} are kept");
    }
}
