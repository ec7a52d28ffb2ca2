//! How an order goes forward: one pod a second within a partition, one partition after another.
//!
//! A new pod is placed, starts, and turns healthy; in a deploy it takes the place, and the room, of the
//! oldest pod of before. A pod that leaves stops first. A partition is done when each of its pods is
//! settled; a failed one ends the order. What never settles (no room, exits) ends it by time-out.
//! Nothing schedules itself for ever: restarts are told from the time, and pods without room wait
//! until room comes free.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::{Change, Order, Outcome, Pause, Phase, Pod, Release, Status, Task};
use crate::sim::engine::call::Trouble;
use crate::sim::engine::cluster;
use crate::sim::engine::state::{self, State};

/// Between the beginnings of two pods, and of two partitions.
pub(super) const STEP: SignedDuration = SignedDuration::from_secs(1);
/// From a pod's placement to its first answer to the health check.
pub(super) const START: SignedDuration = SignedDuration::from_secs(5);
/// From telling a pod to stop until it is gone.
const STOP: SignedDuration = SignedDuration::from_secs(2);
/// How long a partition's pods may take after the last one began.
pub(super) const TIME_OUT: SignedDuration = SignedDuration::from_secs(300);

/// A step that happens by itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Event {
    /// An order turns to its next pod.
    Step {
        /// The order.
        order: i64,
    },
    /// A pod has had the time to start.
    Ready {
        /// The pod.
        pod: i64,
    },
    /// A pod has had the time to stop.
    Gone {
        /// The order that takes it away.
        order: i64,
        /// Which of its tasks.
        task: usize,
    },
    /// A partition has had all the time that it gets.
    TimeOut {
        /// The order.
        order: i64,
        /// The partition.
        partition: i64,
    },
}

fn schedule(state: &mut State, after: SignedDuration, event: Event) {
    state.schedule(after, state::Event::Release(event));
}

/// Lets a step happen. One that comes too late (the order was closed, the environment deleted) does nothing.
pub(crate) fn happen(state: &mut State, event: Event) {
    match event {
        Event::Step { order } => step(state, order),
        Event::Ready { pod } => ready(state, pod),
        Event::Gone { order, task } => gone(state, order, task),
        Event::TimeOut { order, partition } => time_out(state, order, partition),
    }
}

/// Begins an order whose checks have passed.
pub(super) fn begin(state: &mut State, order: Order) -> i64 {
    let id = order.id;
    let release = &mut state.release;
    let env = release.envs.entry(order.env_id).or_default();
    env.orders.insert(id);
    env.unfinished = Some(id);
    release.orders_of_app.entry(order.app_id).or_default().insert(id);
    release.orders.insert(id, order);
    schedule(state, STEP, Event::Step { order: id });
    id
}

/// Goes on with an order that paused.
pub(super) fn resume(state: &mut State, id: i64) {
    if let Some(order) = state.release.orders.get_mut(&id) {
        order.status = Status::Running;
        next_partition(state, id);
    }
}

/// Ends an order by hand. Pods that it began go on by themselves.
pub(super) fn close(state: &mut State, id: i64) {
    abandon(state, id, Outcome::Closed);
}

fn running(release: &mut Release, id: i64) -> Option<&mut Order> {
    release.orders.get_mut(&id).filter(|order| order.status == Status::Running)
}

fn step(state: &mut State, id: i64) {
    let Some(order) = running(&mut state.release, id) else { return };
    let size = order.partition_size();
    if size == 0 {
        return partition_done(state, id);
    }
    order.begun += 1;
    let next = match order.begun < size {
        true => (STEP, Event::Step { order: id }),
        false => (TIME_OUT, Event::TimeOut { order: id, partition: order.partition }),
    };
    match order.change {
        Change::Deploy | Change::ScaleUp => start_pod(state, id),
        Change::ScaleDown => stop_pod(state, id),
    }
    schedule(state, next.0, next.1);
}

fn start_pod(state: &mut State, id: i64) {
    let now = state.now;
    let release = &mut state.release;
    let Some(order) = release.orders.get_mut(&id) else { return };
    let Some(env) = release.envs.get_mut(&order.env_id) else { return };
    release.pods_made += 1;
    let pod = Pod {
        id: release.pods_made,
        name: pod_name(order, release.pods_made),
        env_id: order.env_id,
        order: id,
        task: order.tasks.len(),
        created: now,
        since: now,
        left: None,
        moved: false,
        phase: Phase::Unscheduled,
        placement: None,
    };
    order.tasks.push(Task {
        pod: pod.id,
        partition: order.partition,
        removes: false,
        started: now,
        updated: now,
        result: Outcome::Running,
    });
    // Numbers only grow, so the oldest pod is one of before, if there still is any.
    let replaced =
        env.pods.first().copied().filter(|oldest| {
            order.change == Change::Deploy && release.pods.get(oldest).is_some_and(|pod| pod.order != id)
        });
    let new = pod.id;
    env.pods.insert(new);
    release.waiting.insert(new);
    release.pods.insert(new, pod);
    if let Some(old) = replaced {
        remove_pod(state, old);
    }
    place(state, new);
    if replaced.is_some() {
        place_waiting(state);
    }
}

/// Takes a node's room for a pod and starts it there; without room it waits.
fn place(state: &mut State, id: i64) {
    let Some(pod) = state.release.pods.get(&id) else { return };
    let cpu_millis = state.release.cpu_millis(pod);
    // With no allocation there is no room either.
    let placement = cluster::place(state, pod.env_id, cpu_millis).ok().flatten();
    let placed = placement.is_some();
    if let Some(pod) = state.release.pods.get_mut(&id) {
        pod.phase = if placed { Phase::Starting } else { Phase::Unscheduled };
        pod.since = if placed { state.now } else { pod.since };
        pod.placement = placement;
    }
    if placed {
        state.release.waiting.remove(&id);
        schedule(state, START, Event::Ready { pod: id });
    } else {
        state.release.waiting.insert(id);
    }
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

fn ready(state: &mut State, id: i64) {
    let now = state.now;
    let Some(pod) = state.release.pods.get_mut(&id) else { return };
    // A pod that was moved meanwhile has started anew, and another of these events will follow.
    if pod.phase != Phase::Starting || pod.since.saturating_add(START).is_ok_and(|at| at > now) {
        return;
    }
    let (order_id, task) = (pod.order, pod.task);
    let Some(order) = state.release.orders.get(&order_id) else { return };
    let partition = order.tasks.get(task).map(|task| task.partition);
    let (phase, outcome) = match order.trouble {
        Some(Trouble::FailAtPartition(at)) if partition == Some(at) => (Phase::Failing, Outcome::Failed),
        // It may come to life yet: only the time-out tells.
        Some(Trouble::CrashLoop) if task == 0 => (Phase::Crashing, Outcome::Running),
        _ => (Phase::Healthy, Outcome::Succeeded),
    };
    pod.phase = phase;
    if outcome != Outcome::Running {
        settle(state, order_id, task, outcome);
    }
}

fn stop_pod(state: &mut State, id: i64) {
    let now = state.now;
    let release = &mut state.release;
    let Some(order) = release.orders.get_mut(&id) else { return };
    let Some(env) = release.envs.get(&order.env_id) else { return };
    let newest =
        env.pods.iter().rev().find(|pod| release.pods.get(pod).is_some_and(|pod| pod.phase != Phase::Stopping));
    let Some(&newest) = newest else { return };
    let Some(pod) = release.pods.get_mut(&newest) else { return };
    pod.phase = Phase::Stopping;
    pod.left = Some(now);
    release.waiting.remove(&newest);
    let task = order.tasks.len();
    order.tasks.push(Task {
        pod: newest,
        partition: order.partition,
        removes: true,
        started: now,
        updated: now,
        result: Outcome::Running,
    });
    schedule(state, STOP, Event::Gone { order: id, task });
}

fn gone(state: &mut State, order: i64, task: usize) {
    let Some(pod) = state.release.orders.get(&order).and_then(|order| order.tasks.get(task)).map(|task| task.pod)
    else {
        return;
    };
    remove_pod(state, pod);
    settle(state, order, task, Outcome::Succeeded);
    place_waiting(state);
}

/// Takes a pod out of its environment and gives back its room.
fn remove_pod(state: &mut State, id: i64) {
    let release = &mut state.release;
    let Some(pod) = release.pods.get_mut(&id).filter(|pod| pod.phase != Phase::Gone) else { return };
    pod.phase = Phase::Gone;
    pod.left.get_or_insert(state.now);
    release.waiting.remove(&id);
    if let Some(env) = release.envs.get_mut(&pod.env_id) {
        env.pods.remove(&id);
    }
    if let Some(placement) = pod.placement.clone() {
        cluster::vacate(state, &placement);
    }
}

/// Notes how a task ended; the last one of a partition ends the partition.
fn settle(state: &mut State, id: i64, task: usize, outcome: Outcome) {
    let now = state.now;
    let Some(order) = running(&mut state.release, id) else { return };
    let Some(task) = order.tasks.get_mut(task).filter(|task| task.result == Outcome::Running) else { return };
    task.result = outcome;
    task.updated = now;
    order.settled += 1;
    match outcome {
        Outcome::Succeeded => order.succeeded += 1,
        _ => order.failed += 1,
    }
    if order.settled == order.partition_size() {
        partition_done(state, id);
    }
}

fn partition_done(state: &mut State, id: i64) {
    let Some(order) = running(&mut state.release, id) else { return };
    if order.failed > 0 {
        finish(state, id, Outcome::Failed);
    } else if order.succeeded == order.total {
        // With more partitions than pods, the last ones are empty.
        order.partition = order.partitions;
        remove_surplus(state, id);
        finish(state, id, Outcome::Succeeded);
    } else if order.pause == Pause::Each || order.pause == Pause::First && order.partition == 1 {
        order.status = Status::Paused;
    } else {
        next_partition(state, id);
    }
}

fn next_partition(state: &mut State, id: i64) {
    let Some(order) = running(&mut state.release, id) else { return };
    order.partition += 1;
    order.begun = 0;
    order.settled = 0;
    schedule(state, STEP, Event::Step { order: id });
}

/// A deploy with fewer replicas than there were pods leaves old ones over.
fn remove_surplus(state: &mut State, id: i64) {
    if let Some(order) = state.release.orders.get(&id).filter(|order| order.change == Change::Deploy) {
        remove_pods(state, order.env_id, |pod| pod.order != id);
    }
}

/// Takes some of the pods out of an environment.
pub(super) fn remove_pods(state: &mut State, env_id: i64, which: impl Fn(&Pod) -> bool) {
    let pods: Vec<i64> = state.release.pods_of_env(env_id).filter(|pod| which(pod)).map(|pod| pod.id).collect();
    for pod in &pods {
        remove_pod(state, *pod);
    }
    if !pods.is_empty() {
        place_waiting(state);
    }
}

fn time_out(state: &mut State, id: i64, partition: i64) {
    if running(&mut state.release, id).is_some_and(|order| order.partition == partition) {
        abandon(state, id, Outcome::Failed);
    }
}

/// Ends an order with everything in it that has not ended.
fn abandon(state: &mut State, id: i64, outcome: Outcome) {
    let now = state.now;
    let Some(order) = state.release.orders.get_mut(&id) else { return };
    for task in order.tasks.iter_mut().filter(|task| task.result == Outcome::Running) {
        task.result = outcome;
        task.updated = now;
        order.failed += i64::from(outcome == Outcome::Failed);
    }
    finish(state, id, outcome);
}

fn finish(state: &mut State, id: i64, outcome: Outcome) {
    let Some(order) = state.release.orders.get_mut(&id) else { return };
    order.status = Status::Finished;
    order.result = outcome;
    order.ended = Some(state.now);
    if let Some(env) = state.release.envs.get_mut(&order.env_id) {
        env.unfinished = None;
    }
}

/// Moves the pods off a node that leaves its cluster: each is placed anew, or stays unscheduled.
pub(crate) fn evict(state: &mut State, node: &str) {
    let on_node =
        |pod: &&Pod| pod.phase != Phase::Gone && pod.placement.as_ref().is_some_and(|placement| placement.node == node);
    let pods: Vec<i64> = state.release.pods.values().filter(on_node).map(|pod| pod.id).collect();
    let mut moving = Vec::new();
    for id in pods {
        let Some(pod) = state.release.pods.get_mut(&id) else { continue };
        if pod.phase == Phase::Stopping {
            remove_pod(state, id);
            continue;
        }
        pod.phase = Phase::Unscheduled;
        pod.since = state.now;
        pod.moved = true;
        if let Some(placement) = pod.placement.take() {
            cluster::vacate(state, &placement);
        }
        moving.push(id);
    }
    for id in moving {
        place(state, id);
    }
}

/// A pod's name as Kubernetes makes them: the workload's, the environment, the version, the pod.
fn pod_name(order: &Order, number: i64) -> String {
    let workload = match order.template.workload.as_str() {
        "" => format!("app-{}", order.app_id),
        name => name.to_owned(),
    };
    format!("{workload}-{}-{}-{}", order.env_id, letters(order.id, 9), letters(number, 5))
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
