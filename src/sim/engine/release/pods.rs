//! How pods are shown: by order, as instances of an environment, their logs and their events. Logs and
//! events are told from what a pod has been through; nothing of them is kept.

use jiff::{SignedDuration, Timestamp};

use super::rollouts::Rollouts;
use super::{Conclusion, Order, Phase, Pod, Release, Status, Task};
use crate::sim::engine::call::{Call, Refusal, local_time, minute_time, second_time};
use crate::sim::engine::cluster::{self, Placement};
use crate::sim::engine::json::{Json, object};
use crate::sim::engine::state::State;

/// Every pod is in the one group that an order has.
const GROUP: &str = "defaultGroup";

pub(super) fn list(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let order = state.release.order(call.int("DeployOrderId"))?;
    let (statuses, results) = (call.ints("StatusList"), call.ints("ResultList"));
    let tasks = order.tasks.iter().map(Row::Task);
    let rows = tasks.chain(state.release.held_up(order)).filter(|row| {
        let (status, result) = row.standing();
        (statuses.is_empty() || statuses.contains(&status.code()))
            && (results.is_empty() || results.contains(&result.code()))
    });
    Ok(call.page(rows, |row| show(state, order, &row)))
}

/// A pod of an order.
enum Row<'a> {
    /// One whose turn came.
    Task(&'a Task),
    /// One that the order's pause holds up: its partition, and the pod that it replaces, if there is one.
    HeldUp(i64, Option<&'a Pod>),
}

impl Row<'_> {
    fn standing(&self) -> (Status, Conclusion) {
        match self {
            Self::Task(task) => (task.status(), task.result),
            Self::HeldUp(..) => (Status::Paused, Conclusion::Running),
        }
    }
}

impl Release {
    /// The pods whose turn comes after an order's pause; none while it goes on. A new one has no name yet: the pod
    /// that goes for it stands there.
    fn held_up<'a>(&'a self, order: &'a Order) -> impl Iterator<Item = Row<'a>> {
        let pauses = order.status == Status::Paused;
        let partitions = (order.partition + 1..=order.partitions).filter(move |_| pauses);
        let turns = partitions.flat_map(|partition| (0..order.size_of(partition)).map(move |_| partition));
        let mut old = self.envs.get(&order.env_id).into_iter().flat_map(Rollouts::old);
        turns.map(move |partition| Row::HeldUp(partition, old.next().and_then(|id| self.pods.get(&id))))
    }
}

fn show(state: &State, order: &Order, row: &Row<'_>) -> Json {
    let (pod, partition, task) = match row {
        Row::Task(task) => (state.release.pods.get(&task.pod), task.partition, Some(task)),
        Row::HeldUp(partition, pod) => (*pod, *partition, None),
    };
    let (status, result) = row.standing();
    let placement = pod.and_then(|pod| pod.placement.as_ref());
    let steps = task.into_iter().flat_map(|task| steps(task));
    object!({
        "AppInstanceId": pod.map(|pod| &pod.name),
        "DeployOrderId": order.id,
        "DeployPartitionNum": partition,
        "GroupName": GROUP,
        "HostIp": placement.and_then(|placement| placement.host_ip.as_ref()),
        "HostName": placement.and_then(Placement::host_name),
        "PodIp": placement.map(|placement| &placement.pod_ip),
        "Region": placement.map(|placement| &placement.region),
        "Result": result.code(),
        "ResultName": result.name(),
        "StartTime": task.map(|task| second_time(task.started)),
        "Status": status.code(),
        "StatusName": status.name(),
        "UpdateTime": task.map(|task| second_time(task.updated)),
        "DeploySteps": steps.map(|step| step.show(None)).collect::<Vec<_>>(),
    })
}

/// A step of a task: code, name, how it stands.
struct Step(&'static str, &'static str, &'static str);

impl Step {
    fn show(self, log: Option<&str>) -> Json {
        object!({"StepName": self.1, "StepCode": self.0, "StepLog": log, "Status": self.2})
    }
}

fn steps(task: &Task) -> Vec<Step> {
    let status = match task.result {
        Conclusion::Running => "PROCESSING",
        Conclusion::Succeeded => "SUCCESS",
        Conclusion::Failed | Conclusion::Closed => "FAIL",
    };
    match (task.removes, task.result) {
        (false, _) => vec![Step("StartAppInstance", "启动应用", status)],
        (true, Conclusion::Succeeded) => {
            vec![Step("StopAppInstance", "停止应用", status), Step("DeleteAppInstance", "删除应用", status)]
        }
        (true, _) => vec![Step("StopAppInstance", "停止应用", status)],
    }
}

impl Release {
    /// A pod as an instance of its environment.
    pub(crate) fn show_instance(&self, pod: &Pod, now: Timestamp, seed: u64) -> Json {
        let asked = self.asked(pod);
        let mut spec = asked.vcpus();
        if asked.memory_mib > 0 {
            spec += &format!(" {}", asked.memory());
        }
        let placement = pod.placement.as_ref();
        object!({
            "AppInstanceId": pod.name,
            "CreateTime": second_time(pod.created),
            "Spec": spec,
            "RestartCount": pod.restarts(now, seed),
            "Health": if pod.phase == Phase::Healthy { "RUNNING" } else { "ABNORMAL" },
            "Status": match pod.phase {
                Phase::Unscheduled => "Pending",
                Phase::Starting | Phase::Healthy | Phase::Failing => "Running",
                Phase::Crashing => "CrashLoopBackOff",
                Phase::Stopping | Phase::Gone => "Terminating",
            },
            "HostIp": placement.and_then(|placement| placement.host_ip.as_ref()),
            "PodIp": placement.map(|placement| &placement.pod_ip),
        })
    }

    /// An order, one of its tasks and the pod that it is about, by the pod's name. Nothing was done yet to a pod that
    /// the order's pause holds up.
    fn task_of(&self, order_id: i64, name: &str) -> Result<(&Order, Option<&Task>, &Pod), Refusal> {
        let order = self.order(order_id)?;
        let rows = order.tasks.iter().map(Row::Task).chain(self.held_up(order));
        let mut pods = rows.filter_map(|row| match row {
            Row::Task(task) => Some((order, Some(task), self.pods.get(&task.pod)?)),
            Row::HeldUp(_, pod) => Some((order, None, pod?)),
        });
        pods.find(|(_, _, pod)| pod.name == name)
            .ok_or_else(|| Refusal::not_found(&format!("application instance {name} of deploy order"), order_id))
    }
}

impl Pod {
    /// How often its container was started again: after 10 seconds, then twice as long each time up
    /// to five minutes, as Kubernetes backs off.
    fn restarts(&self, now: Timestamp, seed: u64) -> i64 {
        const LONGEST: SignedDuration = SignedDuration::from_secs(300);
        if self.phase != Phase::Crashing {
            return 0;
        }
        let start = self.start_time(seed);
        let mut left = self.started(seed).duration_until(now);
        let (mut restarts, mut wait) = (0, SignedDuration::from_secs(10));
        while wait < LONGEST {
            if left < wait {
                return restarts;
            }
            left -= wait + start;
            restarts += 1;
            wait *= 2;
        }
        let rounds = (left + start).max(SignedDuration::ZERO).as_millis() / (LONGEST + start).as_millis();
        restarts + i64::try_from(rounds).unwrap_or(i64::MAX)
    }
}

pub(super) fn log(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let (order, task, pod) = state.release.task_of(call.int("DeployOrderId"), call.text("AppInstId"))?;
    let env = state.applications.env(order.env_id)?;
    let steps = task.into_iter().flat_map(|task| {
        let log = if task.removes { stop_log(task) } else { start_log(state, order, task, pod) };
        steps(task).into_iter().map(move |step| step.show(Some(&log)))
    });
    Ok(object!({"Result": {
        "DeployOrderName": order.name,
        "EnvTypeName": env.env_type.name(),
        "DeployStepList": steps.collect::<Vec<_>>(),
    }}))
}

fn stop_log(task: &Task) -> String {
    let mut log = format!("[{}] stopping the application\n", local_time(task.started));
    if task.result == Conclusion::Succeeded {
        log += &format!("[{}] application instance deleted\n", local_time(task.updated));
    }
    log
}

fn start_log(state: &State, order: &Order, task: &Task, pod: &Pod) -> String {
    let mut lines: Vec<(Timestamp, String)> = Vec::new();
    if pod.placement.is_none() {
        lines.push((task.started, format!("waiting for a node: {}", no_room(state, pod))));
    } else {
        let path = &order.template.code_path;
        if let Some(packet) = order.packet.as_ref().filter(|_| !path.is_empty()) {
            lines.push((pod.since, format!("downloading {packet} to {path}")));
        }
        lines.push((after(pod, 1), "starting the application".to_owned()));
        match pod.phase {
            Phase::Failing => {
                lines.push((after(pod, 3), "health check failed: connection refused".to_owned()));
                if task.result == Conclusion::Failed {
                    lines.push((task.updated, "the application did not become ready: giving up".to_owned()));
                }
            }
            Phase::Crashing => {
                let restarts = pod.restarts(state.now, state.seed);
                lines.push((pod.started(state.seed), "the application exited with code 1".to_owned()));
                lines.push((pod.started(state.seed), format!("back-off: restarted {restarts} times")));
            }
            _ if task.result == Conclusion::Succeeded => {
                lines.push((pod.started(state.seed), "the application is ready".to_owned()));
            }
            _ => {}
        }
    }
    match task.result {
        Conclusion::Failed => lines.push((task.updated, "the deploy of this instance failed".to_owned())),
        Conclusion::Closed => lines.push((task.updated, "the deploy order was closed".to_owned())),
        Conclusion::Running | Conclusion::Succeeded => {}
    }
    let due = lines.into_iter().filter(|(at, _)| *at <= state.now);
    due.map(|(at, text)| format!("[{}] {text}\n", local_time(at))).collect()
}

/// A moment in a pod's start, by the seconds since.
fn after(pod: &Pod, seconds: i64) -> Timestamp {
    pod.since.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

fn no_room(state: &State, pod: &Pod) -> String {
    cluster::shortage(state, pod.env_id, state.release.asked(pod))
}

pub(super) fn events(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let (order, task, pod) = state.release.task_of(call.int("DeployOrderId"), call.text("AppInstId"))?;
    let mut events = Vec::new();
    if task.is_none_or(|task| !task.removes) {
        // One that is held up was made by an earlier order.
        start_events(state, state.release.order(pod.order)?, pod, &mut events);
    }
    if let Some(left) = pod.left {
        events.push(normal("Killing", left, "Stopping container app".to_owned()));
    }
    let oldest = state.now.saturating_sub(KEPT).unwrap_or(Timestamp::MIN);
    events.retain(|event| event.first <= state.now && event.last > oldest);
    let events: Vec<Json> = events.into_iter().map(PodEvent::show).collect();
    Ok(object!({"Result": {"DeployOrderName": order.name, "PodEvents": events}}))
}

/// Kubernetes forgets an event so long after it happened for the last time.
const KEPT: SignedDuration = SignedDuration::from_hours(1);

/// What Kubernetes has to tell of a pod.
struct PodEvent {
    warning: bool,
    reason: &'static str,
    message: String,
    count: i64,
    first: Timestamp,
    last: Timestamp,
}

fn normal(reason: &'static str, at: Timestamp, message: String) -> PodEvent {
    PodEvent { warning: false, reason, message, count: 1, first: at, last: at }
}

fn warning(reason: &'static str, at: Timestamp, message: String) -> PodEvent {
    PodEvent { warning: true, ..normal(reason, at, message) }
}

impl PodEvent {
    fn show(self) -> Json {
        object!({
            "Action": (self.reason == "Scheduled").then_some("Binding"),
            "Type": if self.warning { "Warning" } else { "Normal" },
            "Reason": self.reason,
            "Message": self.message,
            "Count": self.count,
            "EventTime": minute_time(self.first),
            "FirstTimestamp": minute_time(self.first),
            "LastTimestamp": minute_time(self.last),
        })
    }
}

fn start_events(state: &State, order: &Order, pod: &Pod, events: &mut Vec<PodEvent>) {
    let namespace = state.applications.app(order.app_id).map_or("default", |app| app.namespace.as_str());
    if pod.moved {
        events.push(warning("TaintManagerEviction", pod.since, format!("Moving pod {namespace}/{}", pod.name)));
    } else if pod.placement.is_none() || pod.since > pod.created {
        let until = if pod.placement.is_some() { pod.since } else { pod.left.unwrap_or(state.now) };
        let waited = pod.created.duration_until(until).as_secs().max(0);
        let failed = warning("FailedScheduling", pod.created, no_room(state, pod));
        events.push(PodEvent { count: 1 + waited / 60, last: until, ..failed });
    }
    let Some(placement) = &pod.placement else { return };
    let node = placement.host_name().unwrap_or_else(|| format!("virtual-kubelet-{}", placement.region));
    let assigned = format!("Successfully assigned {namespace}/{} to {node}", pod.name);
    events.push(normal("Scheduled", pod.since, assigned));
    let image = order.template.images.first().map_or("app", String::as_str);
    events.push(normal("Pulling", pod.since, format!("Pulling image \"{image}\"")));
    events.push(normal("Pulled", after(pod, 1), format!("Successfully pulled image \"{image}\"")));
    events.push(normal("Created", after(pod, 1), "Created container app".to_owned()));
    events.push(normal("Started", after(pod, 1), "Started container app".to_owned()));
    let repeated = |event: PodEvent, count: i64| PodEvent { count: count.max(1), last: state.now, ..event };
    match pod.phase {
        Phase::Failing => {
            let failed = warning("Unhealthy", after(pod, 3), "Readiness probe failed: connection refused".to_owned());
            // The probe asks every ten seconds.
            let asked = pod.since.duration_until(state.now).as_secs() / 10;
            events.push(repeated(failed, asked));
        }
        Phase::Crashing => {
            let failed = warning("BackOff", pod.started(state.seed), "Back-off restarting failed container".to_owned());
            events.push(repeated(failed, pod.restarts(state.now, state.seed)));
        }
        _ => {}
    }
}
