//! How an order goes forward: one partition after another, as Kubernetes rolls.
//!
//! The pods of a Deployment's partition start together. In a deploy, an old pod stops only once a new one is
//! ready, so that there never are fewer ready pods than wanted. A StatefulSet goes pod by pod: it is made and
//! made larger from the lowest ordinal on, each pod after the one before is ready; replaced and made smaller
//! from the highest on, each pod gone before the next one is touched.
//!
//! A partition is done when each of its pods is settled and what it replaced is gone; an order that scales
//! when every pod of the environment is healthy. What does not get there (no room, exits) stays under way
//! until it is mended, or the order closed.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::rollouts::Rollouts;
use super::{Change, Conclusion, Order, Pause, Release, Status, lifecycle};
use crate::sim::engine::state::{self, State};

/// From the beginning of an order to its first partition, and between two.
const STEP: SignedDuration = SignedDuration::from_secs(1);

/// A step that happens by itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Event {
    /// An order turns to its next partition.
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
        /// The pod.
        pod: i64,
        /// The order that takes it away and which of its tasks, if one does.
        task: Option<(i64, usize)>,
    },
}

pub(super) fn schedule(state: &mut State, after: SignedDuration, event: Event) {
    state.schedule(after, state::Event::Release(event));
}

/// Lets a step happen. One that comes too late (the order was closed, the environment deleted) does nothing.
pub(crate) fn happen(state: &mut State, event: Event) {
    match event {
        Event::Step { order } => step(state, order),
        Event::Ready { pod } => lifecycle::ready(state, pod),
        Event::Gone { pod, task } => lifecycle::gone(state, pod, task),
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

/// Ends an order by hand, with everything in it that has not ended. Pods that it began go on by themselves.
pub(super) fn close(state: &mut State, id: i64) {
    let now = state.now;
    let Some(order) = state.release.orders.get_mut(&id) else { return };
    for task in order.tasks.iter_mut().filter(|task| task.result == Conclusion::Running) {
        task.result = Conclusion::Closed;
        task.updated = now;
    }
    finish(state, id, Conclusion::Closed);
}

fn running(release: &mut Release, id: i64) -> Option<&mut Order> {
    release.orders.get_mut(&id).filter(|order| order.status == Status::Running)
}

/// Begins a partition: all of its pods, where they need not wait for each other.
fn step(state: &mut State, id: i64) {
    let Some(order) = running(&mut state.release, id) else { return };
    order.under_way = true;
    if !order.template.ordered {
        order.begun = order.partition_size();
    }
    let (env_id, change, begun) = (order.env_id, order.change, order.begun);
    let replaces = (change == Change::Deploy && order.partition == 1).then_some(order.total);
    if let Some(wanted) = replaces {
        state.release.replace(env_id, wanted);
    }
    match change {
        Change::Deploy | Change::ScaleUp => (0..begun).for_each(|_| lifecycle::create(state, id, None)),
        Change::ScaleDown => {
            for pod in state.release.leaving(env_id, begun) {
                lifecycle::stop_for(state, pod, id);
            }
        }
    }
    proceed(state, env_id);
}

/// Lets an environment's releases go on after something became of one of its pods.
pub(super) fn proceed(state: &mut State, env_id: i64) {
    let Some(env) = state.release.envs.get(&env_id) else { return };
    for pod in env.surplus() {
        lifecycle::stop(state, pod, None);
    }
    let Some(id) = state.release.unfinished(env_id) else { return };
    let Some(order) = running(&mut state.release, id).filter(|order| order.under_way) else { return };
    if order.template.ordered && order.failed == 0 && order.begun == order.settled {
        turn_to_next(state, id);
    }
    if is_done(&state.release, id) {
        partition_done(state, id);
    }
}

/// Turns to the next pod of a StatefulSet, unless something has to happen first.
fn turn_to_next(state: &mut State, id: i64) {
    let Some(order) = state.release.orders.get(&id) else { return };
    let Some(env) = state.release.envs.get(&order.env_id).filter(|env| !env.is_stopping()) else { return };
    let more = order.begun < order.partition_size();
    match order.change {
        Change::ScaleUp if more && env.is_healthy() => begin_pod(state, id),
        Change::ScaleUp => {}
        Change::ScaleDown => {
            if let Some(beyond) = env.beyond().filter(|_| more) {
                note_begun(state, id);
                lifecycle::stop_for(state, beyond, id);
            }
        }
        Change::Deploy => match (env.beyond(), env.free_place(), env.next_old()) {
            (Some(beyond), ..) => lifecycle::stop(state, beyond, None),
            // It waits for a pod that does not get ready even when what comes next would mend it.
            _ if !more || !env.is_healthy() => {}
            (None, Some(_), _) => begin_pod(state, id),
            (None, None, Some(old)) => lifecycle::stop(state, old, None),
            _ => {}
        },
    }
}

fn begin_pod(state: &mut State, id: i64) {
    let Some(order) = state.release.orders.get(&id) else { return };
    let place = state.release.envs.get(&order.env_id).and_then(Rollouts::free_place);
    if let Some(place) = place {
        note_begun(state, id);
        lifecycle::create(state, id, Some(place));
    }
}

fn note_begun(state: &mut State, id: i64) {
    if let Some(order) = state.release.orders.get_mut(&id) {
        order.begun += 1;
    }
}

/// Whether an order's partition is done. A failure ends it once all that it began is settled.
fn is_done(release: &Release, id: i64) -> bool {
    let Some(order) = release.orders.get(&id) else { return false };
    let Some(env) = release.envs.get(&order.env_id) else { return false };
    let last = order.succeeded == order.total;
    match order.change {
        _ if order.failed > 0 => order.settled == order.begun,
        _ if order.settled < order.partition_size() => false,
        Change::Deploy if last => env.is_replaced(),
        Change::Deploy => !env.is_stopping(),
        Change::ScaleUp | Change::ScaleDown => !last || env.is_at_rest(),
    }
}

/// Notes how a task ended.
pub(super) fn settle(state: &mut State, id: i64, task: usize, outcome: Conclusion) {
    let now = state.now;
    let Some(order) = running(&mut state.release, id) else { return };
    let Some(task) = order.tasks.get_mut(task).filter(|task| task.result == Conclusion::Running) else { return };
    task.result = outcome;
    task.updated = now;
    order.settled += 1;
    match outcome {
        Conclusion::Succeeded => order.succeeded += 1,
        _ => order.failed += 1,
    }
}

fn partition_done(state: &mut State, id: i64) {
    let Some(order) = running(&mut state.release, id) else { return };
    if order.failed > 0 {
        finish(state, id, Conclusion::Failed);
    } else if order.succeeded == order.total {
        // With more partitions than pods, the last ones are empty.
        order.partition = order.partitions;
        finish(state, id, Conclusion::Succeeded);
    } else if order.pause == Pause::Each || order.pause == Pause::First && order.partition == 1 {
        order.status = Status::Paused;
    } else {
        next_partition(state, id);
    }
}

fn next_partition(state: &mut State, id: i64) {
    let Some(order) = running(&mut state.release, id) else { return };
    order.partition += 1;
    order.under_way = false;
    order.begun = 0;
    order.settled = 0;
    schedule(state, STEP, Event::Step { order: id });
}

fn finish(state: &mut State, id: i64, outcome: Conclusion) {
    let Some(order) = state.release.orders.get_mut(&id) else { return };
    order.status = Status::Finished;
    order.result = outcome;
    order.ended = Some(state.now);
    if let Some(env) = state.release.envs.get_mut(&order.env_id) {
        env.unfinished = None;
    }
}
