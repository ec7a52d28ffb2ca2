//! What becomes of a pod: it is made, placed, started, ready or not, told to stop, gone.
//!
//! Nothing schedules itself for ever: restarts are told from the time, and pods without room wait until room
//! comes free.

use jiff::{SignedDuration, Timestamp};

use super::progress::{self, Event, schedule};
use super::{Conclusion, Order, Phase, Pod, Release, Task};
use crate::sim::engine::call::Trouble;
use crate::sim::engine::cluster;
use crate::sim::engine::state::State;

/// From a pod's placement to its first answer to the health check, give or take.
const START: SignedDuration = SignedDuration::from_secs(5);
/// From telling a pod to stop until it is gone, give or take.
const STOP: SignedDuration = SignedDuration::from_secs(2);

/// A time that varies by up to a fifth either way: always the same for the same seed and number.
fn varied(usual: SignedDuration, seed: u64, number: i64) -> SignedDuration {
    let mut random = fastrand::Rng::with_seed(seed.rotate_left(32) ^ number.unsigned_abs());
    usual * random.i32(800..=1200) / 1000
}

impl Pod {
    /// How long it takes to start.
    pub(super) fn start_time(&self, seed: u64) -> SignedDuration {
        varied(START, seed, self.id)
    }

    /// How long it takes to stop. Where no container runs, there is none to wait for.
    fn stop_time(&self, seed: u64) -> SignedDuration {
        if self.placement.is_none() { SignedDuration::ZERO } else { varied(STOP, seed, -self.id) }
    }

    /// When it is up for the first time, or exits for the first time.
    pub(super) fn started(&self, seed: u64) -> Timestamp {
        self.since.saturating_add(self.start_time(seed)).unwrap_or(Timestamp::MAX)
    }
}

/// Makes a pod for an order and looks for its place.
pub(super) fn create(state: &mut State, order_id: i64, ordinal: Option<i64>) {
    let now = state.now;
    let release = &mut state.release;
    let Some(order) = release.orders.get_mut(&order_id) else { return };
    release.pods_made += 1;
    let id = release.pods_made;
    let pod = Pod {
        id,
        name: name(order, id, ordinal),
        env_id: order.env_id,
        order: order_id,
        task: order.tasks.len(),
        ordinal,
        created: now,
        since: now,
        left: None,
        moved: false,
        phase: Phase::Unscheduled,
        placement: None,
    };
    order.tasks.push(Task {
        pod: id,
        partition: order.partition,
        removes: false,
        started: now,
        updated: now,
        result: Conclusion::Running,
    });
    release.enter(pod);
    place(state, id);
}

/// Takes a node's room for a pod and starts it there; without room it waits.
fn place(state: &mut State, id: i64) {
    let Some(pod) = state.release.pods.get(&id) else { return };
    let asked = state.release.asked(pod);
    // With no allocation there is no room either.
    let Some(placement) = cluster::place(state, pod.env_id, asked).ok().flatten() else { return };
    state.release.turn(id, Phase::Starting);
    let Some(pod) = state.release.pods.get_mut(&id) else { return };
    pod.since = state.now;
    pod.placement = Some(placement);
    let ready = pod.start_time(state.seed);
    schedule(state, ready, Event::Ready { pod: id });
}

/// Tries again to place every pod that waits for room, after room came free. The oldest first; when
/// one of an environment finds none, its others are not tried.
pub(crate) fn place_waiting(state: &mut State) {
    let waiting: Vec<i64> = state.release.waiting.iter().copied().collect();
    let mut full = std::collections::BTreeSet::new();
    for id in waiting {
        let Some(pod) = state.release.pods.get(&id) else { continue };
        let env = pod.env_id;
        if full.contains(&env) {
            continue;
        }
        place(state, id);
        if state.release.waiting.contains(&id) {
            full.insert(env);
        }
    }
}

/// Lets a pod that had the time to start turn healthy, or not.
pub(super) fn ready(state: &mut State, id: i64) {
    let Some(pod) = state.release.pods.get(&id) else { return };
    // A pod that was moved meanwhile has started anew, and another of these events will follow.
    if pod.phase != Phase::Starting || pod.started(state.seed) > state.now {
        return;
    }
    let (env_id, order, task) = (pod.env_id, pod.order, pod.task);
    let (phase, outcome) = state.release.health(order, task);
    state.release.turn(id, phase);
    if outcome != Conclusion::Running {
        progress::settle(state, order, task, outcome);
    }
    progress::proceed(state, env_id);
}

impl Release {
    /// How a pod turns out, and what that is for its task. A sick template makes sick pods: those that scaling
    /// adds fare as the deploy did. Only a failure that was asked for ends a task: by itself a pod that is not
    /// ready may get ready yet, and Kubernetes waits.
    fn health(&self, order_id: i64, task: usize) -> (Phase, Conclusion) {
        const HEALTHY: (Phase, Conclusion) = (Phase::Healthy, Conclusion::Succeeded);
        let Some(order) = self.orders.get(&order_id) else { return HEALTHY };
        let partition = order.tasks.get(task).map(|task| task.partition);
        match order.trouble {
            Some(Trouble::FailAtPartition(at)) if partition == Some(at) => return (Phase::Failing, Conclusion::Failed),
            Some(Trouble::CrashLoop) if task == 0 => return (Phase::Crashing, Conclusion::Running),
            _ => {}
        }
        let deployed = self.orders.get(&order.revision).filter(|deployed| deployed.id != order_id);
        match deployed.and_then(|deployed| deployed.trouble.as_ref()) {
            Some(Trouble::FailAtPartition(_)) => (Phase::Failing, Conclusion::Running),
            Some(Trouble::CrashLoop) => (Phase::Crashing, Conclusion::Running),
            Some(Trouble::Frozen { .. } | Trouble::Fails) | None => HEALTHY,
        }
    }
}

/// Tells a pod to stop, on behalf of an order's task if it is one.
pub(super) fn stop(state: &mut State, id: i64, task: Option<(i64, usize)>) {
    let (now, seed) = (state.now, state.seed);
    state.release.turn(id, Phase::Stopping);
    let Some(pod) = state.release.pods.get_mut(&id) else { return };
    pod.left = Some(now);
    let gone = pod.stop_time(seed);
    schedule(state, gone, Event::Gone { pod: id, task });
}

/// Tells a pod to stop as one of an order's tasks.
pub(super) fn stop_for(state: &mut State, id: i64, order_id: i64) {
    let now = state.now;
    let Some(order) = state.release.orders.get_mut(&order_id) else { return };
    let task = order.tasks.len();
    order.tasks.push(Task {
        pod: id,
        partition: order.partition,
        removes: true,
        started: now,
        updated: now,
        result: Conclusion::Running,
    });
    stop(state, id, Some((order_id, task)));
}

/// Lets a pod that had the time to stop be gone.
pub(super) fn gone(state: &mut State, id: i64, task: Option<(i64, usize)>) {
    remove(state, id);
    if let Some((order, task)) = task {
        progress::settle(state, order, task, Conclusion::Succeeded);
    }
    place_waiting(state);
    if let Some(env_id) = state.release.pods.get(&id).map(|pod| pod.env_id) {
        progress::proceed(state, env_id);
    }
}

/// Takes a pod out of its environment and gives back its room.
fn remove(state: &mut State, id: i64) {
    let Some(pod) = state.release.pods.get(&id).filter(|pod| pod.phase != Phase::Gone).cloned() else { return };
    state.release.turn(id, Phase::Gone);
    if let Some(placement) = pod.placement {
        cluster::vacate(state, pod.env_id, &placement);
    }
}

/// Moves the pods off a node that leaves its cluster: each is placed anew, or stays unscheduled.
pub(crate) fn evict(state: &mut State, node: &str) {
    let on_node = |pod: &&Pod| {
        pod.phase != Phase::Gone && pod.placement.as_ref().is_some_and(|at| at.node.as_deref() == Some(node))
    };
    let pods: Vec<(i64, Phase)> = state.release.pods.values().filter(on_node).map(|pod| (pod.id, pod.phase)).collect();
    let mut moving = Vec::new();
    for (id, phase) in pods {
        if phase == Phase::Stopping {
            remove(state, id);
            continue;
        }
        state.release.turn(id, Phase::Unscheduled);
        let Some(pod) = state.release.pods.get_mut(&id) else { continue };
        pod.since = state.now;
        pod.moved = true;
        let env_id = pod.env_id;
        if let Some(placement) = pod.placement.take() {
            cluster::vacate(state, env_id, &placement);
        }
        moving.push(id);
    }
    for id in moving {
        place(state, id);
    }
}

/// A pod's name as Kubernetes makes them. A Deployment's: the workload's, the environment, the version, the
/// pod; a StatefulSet's: the workload's, the environment, the ordinal.
fn name(order: &Order, number: i64, ordinal: Option<i64>) -> String {
    let workload = match order.template.workload.as_str() {
        "" => format!("app-{}", order.app_id),
        name => name.to_owned(),
    };
    match ordinal {
        Some(ordinal) => format!("{workload}-{}-{ordinal}", order.env_id),
        None => format!("{workload}-{}-{}-{}", order.env_id, letters(order.revision, 9), letters(number, 5)),
    }
}

/// Spells a number as this many random-looking letters, two numbers never alike.
fn letters(number: i64, length: u32) -> String {
    const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
    /// Has no factor in common with 27.
    const SPREAD: u128 = 0x9E37_79B9_7F4A_7C15;
    let mut left = u128::from(number.unsigned_abs()) * SPREAD % 27_u128.pow(length);
    let mut text = String::new();
    for _ in 0..length {
        text.push(LETTERS.get((left % 27) as usize).copied().map_or('b', char::from));
        left /= 27;
    }
    text
}
