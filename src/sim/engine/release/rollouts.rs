//! The pods of an environment as its releases count them, and which of them go first.
//!
//! A pod's phase changes in one place, [`Release::turn`], which keeps the counts: what an order waits for is
//! known without looking at every pod, however many there are.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Phase, Pod, Release};

/// What this chapter knows of an environment.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Rollouts {
    /// The pods that are there, stopping ones too; the oldest first.
    pub(super) pods: BTreeSet<i64>,
    pub(super) orders: BTreeSet<i64>,
    /// The order under way or paused; there is one at most.
    pub(super) unfinished: Option<i64>,
    /// How many pods it shall have.
    wanted: i64,
    /// Those that the last deploy replaces, in the order in which they go. Scaling ends the replacing.
    old: BTreeSet<Turn>,
    healthy: Healthy,
    stopping: i64,
    /// The pods of a StatefulSet by their ordinal.
    places: BTreeMap<i64, i64>,
}

/// How many pods are healthy.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Healthy {
    all: i64,
    old: i64,
}

/// When a pod's turn to go comes, and its id: those without a place first, then those that are not ready, then
/// the youngest. In a StatefulSet the one of the highest ordinal, whatever its state.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Turn(u8, Reverse<i64>, i64);

impl Turn {
    fn of(pod: &Pod) -> Self {
        let standing = match pod.phase {
            _ if pod.ordinal.is_some() => 0,
            Phase::Unscheduled => 0,
            Phase::Healthy => 2,
            _ => 1,
        };
        Self(standing, Reverse(pod.ordinal.unwrap_or(pod.id)), pod.id)
    }
}

impl Phase {
    /// Whether the pod counts as one of its environment's replicas.
    pub(super) const fn counts(self) -> bool {
        !matches!(self, Self::Stopping | Self::Gone)
    }
}

impl Rollouts {
    /// How many pods it has that are not on their way out.
    pub(super) fn replicas(&self) -> i64 {
        i64::try_from(self.pods.len()).unwrap_or(i64::MAX) - self.stopping
    }

    /// Whether every pod is healthy, and none is on its way out.
    pub(super) fn is_at_rest(&self) -> bool {
        self.stopping == 0 && self.is_healthy()
    }

    /// Whether every pod that stays is healthy.
    pub(super) fn is_healthy(&self) -> bool {
        self.healthy.all == self.replicas()
    }

    /// Whether nothing that a deploy replaces is left, pods on their way out included.
    pub(super) fn is_replaced(&self) -> bool {
        self.old.is_empty() && self.stopping == 0
    }

    /// Whether a pod is on its way out.
    pub(super) fn is_stopping(&self) -> bool {
        self.stopping > 0
    }

    /// The next old pods to go: as many as there are more pods than wanted, not counting the new ones that are
    /// not ready. So there never are fewer ready pods than wanted, if there were enough. A StatefulSet has no
    /// pods that stand in for others.
    pub(super) fn surplus(&self) -> Vec<i64> {
        if !self.places.is_empty() {
            return Vec::new();
        }
        let old = i64::try_from(self.old.len()).unwrap_or(i64::MAX);
        let new_and_not_ready = self.replicas() - old - (self.healthy.all - self.healthy.old);
        let count = usize::try_from(self.replicas() - self.wanted - new_and_not_ready).unwrap_or_default();
        self.old.iter().take(count).map(|turn| turn.2).collect()
    }

    /// The next pod of a StatefulSet to go before its successor comes.
    pub(super) fn next_old(&self) -> Option<i64> {
        self.old.first().map(|turn| turn.2)
    }

    /// Those that the last deploy replaces, in the order in which they go.
    pub(super) fn old(&self) -> impl Iterator<Item = i64> {
        self.old.iter().map(|turn| turn.2)
    }

    /// The lowest ordinal that has no pod and shall have one.
    pub(super) fn free_place(&self) -> Option<i64> {
        let next = i64::try_from(self.places.len()).unwrap_or(i64::MAX);
        let no_gap = self.places.last_key_value().is_none_or(|(last, _)| last + 1 == next);
        let free = if no_gap { Some(next) } else { (0..next).find(|ordinal| !self.places.contains_key(ordinal)) };
        free.filter(|ordinal| *ordinal < self.wanted)
    }

    /// The pod of a StatefulSet whose ordinal is the highest of those beyond `wanted`.
    pub(super) fn beyond(&self) -> Option<i64> {
        self.places.range(self.wanted..).next_back().map(|(_, pod)| *pod)
    }

    fn count(&mut self, phase: Phase, old: bool, by: i64) {
        match phase {
            Phase::Healthy => {
                self.healthy.all += by;
                self.healthy.old += if old { by } else { 0 };
            }
            Phase::Stopping => self.stopping += by,
            _ => {}
        }
    }
}

impl Release {
    /// Takes in a new pod.
    pub(super) fn enter(&mut self, pod: Pod) {
        let env = self.envs.entry(pod.env_id).or_default();
        env.pods.insert(pod.id);
        env.count(pod.phase, false, 1);
        if let Some(ordinal) = pod.ordinal {
            env.places.insert(ordinal, pod.id);
        }
        if pod.phase == Phase::Unscheduled {
            self.waiting.insert(pod.id);
        }
        self.pods.insert(pod.id, pod);
    }

    /// Changes what a pod is doing. One that is gone stays gone.
    pub(super) fn turn(&mut self, id: i64, phase: Phase) {
        let Some(pod) = self.pods.get_mut(&id).filter(|pod| pod.phase != Phase::Gone) else { return };
        let Some(env) = self.envs.get_mut(&pod.env_id) else { return };
        let old = env.old.remove(&Turn::of(pod));
        env.count(pod.phase, old, -1);
        pod.phase = phase;
        let stays_old = old && phase.counts();
        env.count(phase, stays_old, 1);
        if stays_old {
            env.old.insert(Turn::of(pod));
        }
        if phase == Phase::Unscheduled {
            self.waiting.insert(id);
        } else {
            self.waiting.remove(&id);
        }
        if phase == Phase::Gone {
            env.pods.remove(&id);
            if let Some(ordinal) = pod.ordinal {
                env.places.remove(&ordinal);
            }
        }
    }

    /// Begins to replace every pod of an environment by `wanted` new ones.
    pub(super) fn replace(&mut self, env_id: i64, wanted: i64) {
        let env = self.envs.entry(env_id).or_default();
        env.wanted = wanted;
        let pods = env.pods.iter().filter_map(|id| self.pods.get(id)).filter(|pod| pod.phase.counts());
        env.old = pods.map(Turn::of).collect();
        env.healthy.old = env.healthy.all;
    }

    /// Keeps what there is, so that more or fewer of it makes `wanted`.
    pub(super) fn keep(&mut self, env_id: i64, wanted: i64) {
        let env = self.envs.entry(env_id).or_default();
        env.wanted = wanted;
        env.old.clear();
        env.healthy.old = 0;
    }

    /// The next pods of an environment to go when it gets smaller.
    pub(super) fn leaving(&self, env_id: i64, count: i64) -> Vec<i64> {
        let mut turns: Vec<Turn> = self.pods_of_env(env_id).filter(|pod| pod.phase.counts()).map(Turn::of).collect();
        turns.sort_unstable();
        turns.truncate(usize::try_from(count).unwrap_or_default());
        turns.into_iter().map(|turn| turn.2).collect()
    }

    /// How many pods an environment has that are not on their way out.
    pub(super) fn replicas(&self, env_id: i64) -> i64 {
        self.envs.get(&env_id).map_or(0, Rollouts::replicas)
    }
}
