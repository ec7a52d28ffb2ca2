//! Chapter 4 simulated: deploy orders, and the pods that they bring up.
//!
//! The records and what other chapters ask of them are here; the operations on orders are in
//! [`orders`], how an order goes forward in [`progress`], what becomes of a pod in [`lifecycle`], how an
//! environment's pods are counted in [`rollouts`], how they are shown in [`pods`].

mod lifecycle;
mod orders;
mod pods;
mod progress;
mod rollouts;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::sim::engine::applications::Template;
use crate::sim::engine::call::{Handler, Trouble};
use crate::sim::engine::cluster::{self, Placement};
use crate::sim::engine::resources::Resources;
use crate::sim::engine::state::State;
pub(crate) use lifecycle::{evict, place_waiting};
pub(crate) use progress::{Event, happen};
use rollouts::Rollouts;

/// Deploy orders and pods.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Release {
    orders: BTreeMap<i64, Order>,
    /// Every pod that an order made, gone ones too: their orders still show them.
    pods: BTreeMap<i64, Pod>,
    envs: BTreeMap<i64, Rollouts>,
    orders_of_app: BTreeMap<i64, BTreeSet<i64>>,
    /// Pods that no node has room for.
    waiting: BTreeSet<i64>,
    /// How many orders and pods were ever made: ids are never used twice.
    orders_made: i64,
    pods_made: i64,
}

/// A deploy order.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Order {
    id: i64,
    app_id: i64,
    env_id: i64,
    schema_id: i64,
    name: String,
    description: String,
    change: Change,
    /// The deploy whose template its pods are made by: its own id when it is one.
    revision: i64,
    pause: Pause,
    partitions: i64,
    /// How many pods it deals with in all.
    total: i64,
    template: Template,
    /// Where the code package comes from.
    packet: Option<String>,
    trouble: Option<Trouble>,
    user_id: String,
    started: Timestamp,
    ended: Option<Timestamp>,
    status: Status,
    result: Conclusion,
    /// The current partition, counted from 1; whether its turn has come; how many of its pods have begun and
    /// are settled.
    partition: i64,
    under_way: bool,
    begun: i64,
    settled: i64,
    /// What it has done, in order.
    tasks: Vec<Task>,
    succeeded: i64,
    failed: i64,
}

/// What an order does to one pod.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Task {
    pod: i64,
    partition: i64,
    /// Whether it takes the pod away, rather than starting it.
    removes: bool,
    started: Timestamp,
    updated: Timestamp,
    result: Conclusion,
}

/// What an order does to an environment's pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Change {
    /// Replaces them by new ones.
    Deploy,
    /// Keeps them and adds some of the same template, or none.
    ScaleUp,
    /// Takes some away.
    ScaleDown,
}

/// When an order pauses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Pause {
    None,
    First,
    Each,
}

/// How far an order or a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Status {
    Running,
    Paused,
    Finished,
}

/// How an order or a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Conclusion {
    Running,
    Succeeded,
    Failed,
    /// Ended by hand.
    Closed,
}

impl Change {
    /// The order's category in a filter.
    const fn category(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::ScaleUp | Self::ScaleDown => "scale",
        }
    }
}

impl Pause {
    const ALL: [Self; 3] = [Self::None, Self::First, Self::Each];

    const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::First => "first",
            Self::Each => "each",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::None => "不暂停",
            Self::First => "第一批暂停",
            Self::Each => "每批暂停",
        }
    }
}

impl Status {
    const fn code(self) -> i64 {
        match self {
            Self::Running => 1,
            Self::Paused => 2,
            Self::Finished => 3,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Running => "部署中",
            Self::Paused => "暂停",
            Self::Finished => "已完成",
        }
    }
}

impl Conclusion {
    const fn code(self) -> i64 {
        match self {
            Self::Running => 0,
            Self::Succeeded => 1,
            Self::Failed => 2,
            Self::Closed => 4,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Running => "部署中",
            Self::Succeeded => "成功",
            Self::Failed => "失败",
            Self::Closed => "人为置为失败",
        }
    }
}

impl Order {
    /// How many pods the current partition deals with.
    fn partition_size(&self) -> i64 {
        self.size_of(self.partition)
    }

    /// How many pods a partition deals with: as even as can be, the earlier ones larger.
    fn size_of(&self, partition: i64) -> i64 {
        let partitions = self.partitions.max(1);
        self.total / partitions + i64::from(partition <= self.total % partitions)
    }
}

impl Task {
    /// A task has no pause of its own.
    fn status(&self) -> Status {
        if self.result == Conclusion::Running { Status::Running } else { Status::Finished }
    }
}

/// A pod.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Pod {
    /// Its number among all pods ever made.
    pub id: i64,
    /// Its name: the `AppInstanceId`.
    pub name: String,
    /// The environment that it runs in.
    pub env_id: i64,
    /// The order that made it, and which of its tasks that was.
    order: i64,
    task: usize,
    /// Its number in its StatefulSet; a Deployment's pods have none.
    ordinal: Option<i64>,
    created: Timestamp,
    /// When it was placed, or began to wait for a place.
    since: Timestamp,
    /// When it was told to stop.
    left: Option<Timestamp>,
    /// Whether its first node left it.
    moved: bool,
    phase: Phase,
    /// Where it runs, or ran when it is gone.
    pub placement: Option<Placement>,
}

/// What a pod is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Phase {
    /// No node has room for it.
    Unscheduled,
    Starting,
    Healthy,
    /// It runs, but does not become ready.
    Failing,
    /// It exits again and again.
    Crashing,
    Stopping,
    Gone,
}

impl Release {
    /// The pods of an environment that are there, the oldest first.
    pub(crate) fn pods_of_env(&self, env_id: i64) -> impl Iterator<Item = &Pod> {
        self.envs.get(&env_id).into_iter().flat_map(|env| &env.pods).filter_map(|id| self.pods.get(id))
    }

    /// How many pods an environment has.
    pub(crate) fn pod_count(&self, env_id: i64) -> usize {
        self.envs.get(&env_id).map_or(0, |env| env.pods.len())
    }

    /// What a pod asks for: what its manifest says; where that says nothing, one CPU.
    fn asked(&self, pod: &Pod) -> Resources {
        let asked = self.orders.get(&pod.order).map_or_else(Resources::default, |order| order.template.requests);
        Resources { cpu_millis: if asked.cpu_millis > 0 { asked.cpu_millis } else { 1000 }, ..asked }
    }

    /// The order of an environment that is under way or paused.
    fn unfinished(&self, env_id: i64) -> Option<i64> {
        self.envs.get(&env_id).and_then(|env| env.unfinished)
    }
}

/// What in this chapter hangs on an environment, in words: it stands in the way of deleting it.
pub(crate) fn uses_of_env(state: &State, env_id: i64) -> Vec<String> {
    let order = state.release.unfinished(env_id).map(|id| format!("deploy order {id}, which is not finished"));
    let pods = match state.release.pod_count(env_id) {
        0 => None,
        1 => Some("1 pod".to_owned()),
        count => Some(format!("{count} pods")),
    };
    order.into_iter().chain(pods).collect()
}

/// Ends what is under way in an environment that is being deleted, and tells its pods to stop.
pub(crate) fn stop_env(state: &mut State, env_id: i64) {
    if let Some(order) = state.release.unfinished(env_id) {
        progress::close(state, order);
    }
    let pods: Vec<i64> = state.release.pods_of_env(env_id).filter(|pod| pod.phase.counts()).map(|pod| pod.id).collect();
    for pod in pods {
        lifecycle::stop(state, pod, None);
    }
}

/// Takes along the orders and pods of an environment that is being deleted.
pub(crate) fn remove_env(state: &mut State, env_id: i64) {
    let release = &mut state.release;
    let Some(env) = release.envs.remove(&env_id) else { return };
    let mut rooms = Vec::new();
    for id in env.orders {
        let Some(order) = release.orders.remove(&id) else { continue };
        if let Some(orders) = release.orders_of_app.get_mut(&order.app_id) {
            orders.remove(&id);
            if orders.is_empty() {
                release.orders_of_app.remove(&order.app_id);
            }
        }
        for task in order.tasks.iter().filter(|task| !task.removes) {
            release.waiting.remove(&task.pod);
            let pod = release.pods.remove(&task.pod).filter(|pod| pod.phase != Phase::Gone);
            rooms.extend(pod.and_then(|pod| pod.placement));
        }
    }
    for room in &rooms {
        cluster::vacate(state, env_id, room);
    }
    place_waiting(state);
}

pub(in crate::sim) const HANDLERS: &[(&str, Handler)] = &[
    ("DeployApp", orders::deploy_app),
    ("ListDeployOrders", orders::list),
    ("ScaleApp", orders::scale_app),
    ("DescribeDeployOrderDetail", orders::describe),
    ("ResumeDeploy", orders::resume),
    ("CloseDeployOrder", orders::close),
    ("ListPods", pods::list),
    ("DescribePodLog", pods::log),
    ("DescribePodEvents", pods::events),
];
