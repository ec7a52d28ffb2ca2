//! The operations on deploy orders.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Change, Conclusion, Order, Pause, Release, Status, progress};
use crate::clock::parse_time;
use crate::sim::engine::applications::{Env, Template, wanted_replicas};
use crate::sim::engine::call::{Call, Refusal, Trouble, done, minute_time};
use crate::sim::engine::cluster;
use crate::sim::engine::json::{Json, object};
use crate::sim::engine::state::State;

/// How every order is carried out: partition by partition, all pods of one at once, evenly divided.
const DEPLOY_TYPE: &str = "partition_parallel";
const PARTITION_TYPE: &str = "group_even";

pub(super) fn deploy_app(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let env = state.applications.env(call.int("EnvId"))?.clone();
    if let Some(refused) = admission(state, call, &env)? {
        return Ok(refused);
    }
    let pause = call.opt_text("PauseType").unwrap_or_default();
    let packet = match (call.opt_text("DeployPacketUrl"), call.opt_int("DeployPacketId")) {
        (Some(url), _) => Some(url.to_owned()),
        (None, id) => id.map(|id| format!("package {id}")),
    };
    let mut template = deployable(state, &env, packet.is_some())?;
    let images = call.texts("ContainerImageList");
    if !images.is_empty() {
        template.images = images.into_iter().map(str::to_owned).collect();
    }
    let order = Order {
        name: call.text("Name").to_owned(),
        description: call.text("Description").to_owned(),
        change: Change::Deploy,
        pause: Pause::ALL.into_iter().find(|known| known.word() == pause).unwrap_or(Pause::None),
        partitions: call.int("TotalPartitions").max(1),
        total: env.replicas,
        template,
        packet,
        ..new_order(state, call, &env)
    };
    if call.is("ArmsFlag") {
        cluster::install_arms(state, env.id);
    }
    Ok(admitted(progress::begin(state, order)))
}

pub(super) fn scale_app(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let env = state.applications.env(call.int("EnvId"))?.clone();
    let replicas = wanted_replicas(call)?.unwrap_or_default();
    if let Some(refused) = admission(state, call, &env)? {
        return Ok(refused);
    }
    let present = state.release.replicas(env.id);
    // New pods are of the version that was deployed last.
    let deployed = state.release.orders_of_env(env.id).find(|order| order.change == Change::Deploy);
    let (revision, template, packet) = match deployed {
        Some(order) => (Some(order.id), order.template.clone(), order.packet.clone()),
        None => (None, deployable(state, &env, false)?, None),
    };
    let order = new_order(state, call, &env);
    let order = Order {
        name: format!("应用实例数扩缩容至{replicas}个"),
        change: if replicas < present { Change::ScaleDown } else { Change::ScaleUp },
        revision: revision.unwrap_or(order.id),
        partitions: call.opt_int("TotalPartitions").unwrap_or(1).max(1),
        total: (replicas - present).abs(),
        template,
        packet,
        ..order
    };
    state.applications.set_replicas(env.id, replicas);
    state.release.keep(env.id, replicas);
    Ok(admitted(progress::begin(state, order)))
}

/// Everything that stands in the way of a release, before anything changes. A freeze is no failure: the
/// reply says so.
fn admission(state: &State, call: &Call, env: &Env) -> Result<Option<Json>, Refusal> {
    let frozen = match &call.trouble {
        Some(Trouble::Frozen { business_code }) => Some(business_code),
        _ => env.frozen_at(state.now),
    };
    if let Some(code) = frozen {
        return Ok(Some(object!({"Result": {"Admitted": false, "BusinessCode": code}})));
    }
    if let Some(order) = state.release.unfinished(env.id) {
        return Err(Refusal::conflict(format!(
            "environment {} has an unfinished deploy order: {order} must end, or be closed, first",
            env.id
        )));
    }
    cluster::require_allocation(state, env.id)?;
    Ok(None)
}

/// How the pods of an environment are made, if all is there that it takes: a workload, its package, nodes of
/// the application's system.
fn deployable(state: &State, env: &Env, has_packet: bool) -> Result<Template, Refusal> {
    let template = state.applications.deployable(env, has_packet)?;
    cluster::require_system(state, env.id, state.applications.app(env.app_id)?.is_windows())?;
    Ok(template)
}

fn admitted(order: i64) -> Json {
    object!({"Result": {"Admitted": true, "DeployOrderId": order}})
}

/// What deploying and scaling have in common. Takes the next id: every check has passed.
fn new_order(state: &mut State, call: &Call, env: &Env) -> Order {
    state.release.orders_made += 1;
    let id = 4000 + state.release.orders_made;
    Order {
        id,
        app_id: env.app_id,
        env_id: env.id,
        schema_id: env.schema_id,
        name: String::new(),
        description: String::new(),
        change: Change::Deploy,
        revision: id,
        pause: Pause::None,
        partitions: 1,
        total: 0,
        template: Default::default(),
        packet: None,
        trouble: call.trouble.clone(),
        user_id: state.users.caller().map(|user| user.id.clone()).unwrap_or_default(),
        started: state.now,
        ended: None,
        status: Status::Running,
        result: Conclusion::Running,
        partition: 1,
        under_way: false,
        begun: 0,
        settled: 0,
        tasks: Vec::new(),
        succeeded: 0,
        failed: 0,
    }
}

impl Release {
    pub(super) fn order(&self, id: i64) -> Result<&Order, Refusal> {
        self.orders.get(&id).ok_or_else(|| Refusal::not_found("deploy order", id))
    }

    /// The orders of an environment, the newest first.
    fn orders_of_env(&self, env_id: i64) -> impl Iterator<Item = &Order> {
        let ids = self.envs.get(&env_id).into_iter().flat_map(|env| env.orders.iter().rev());
        ids.filter_map(|id| self.orders.get(id))
    }
}

pub(super) fn resume(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let order = state.release.order(call.int("DeployOrderId"))?;
    let (id, status) = (order.id, order.status);
    if status != Status::Paused {
        let is = if status == Status::Running { "under way" } else { "finished" };
        return Err(Refusal::conflict(format!("deploy order {id} is not paused: it is {is}")));
    }
    progress::resume(state, id);
    done()
}

pub(super) fn close(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let order = state.release.order(call.int("DeployOrderId"))?;
    let (id, status) = (order.id, order.status);
    if status == Status::Finished {
        return Err(Refusal::conflict(format!("deploy order {id} is finished already")));
    }
    progress::close(state, id);
    done()
}

pub(super) fn describe(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let order = state.release.order(call.int("DeployOrderId"))?;
    Ok(object!({"Result": show(state, order)}))
}

pub(super) fn list(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let app_id = call.int("AppId");
    state.applications.app(app_id)?;
    let times = times(call)?;
    let env_id = call.opt_int("EnvId");
    let status = call.opt_int("Status");
    let (statuses, results) = (call.ints("StatusList"), call.ints("ResultList"));
    let word = |name: &str, is: &str| call.opt_text(name).is_none_or(|wanted| wanted == is);
    let wanted = |order: &&Order| {
        env_id.is_none_or(|id| order.env_id == id)
            && status.is_none_or(|code| order.status.code() == code)
            && (statuses.is_empty() || statuses.contains(&order.status.code()))
            && (results.is_empty() || results.contains(&order.result.code()))
            && word("DeployType", DEPLOY_TYPE)
            && word("PartitionType", PARTITION_TYPE)
            && word("PauseType", order.pause.word())
            && word("DeployCategory", order.change.category())
            && (call.opt_text("EnvType").is_none() || word("EnvType", env_type(state, order)))
            && times.iter().all(|(ends, holds, limit)| {
                let at = if *ends { order.ended } else { Some(order.started) };
                at.is_some_and(|at| holds(&whole_second(at), limit))
            })
    };
    let none = BTreeSet::new();
    let of_app = state.release.orders_of_app.get(&app_id).unwrap_or(&none);
    let orders = of_app.iter().rev().filter_map(|id| state.release.orders.get(id)).filter(wanted);
    Ok(call.page(orders, |order| show(state, order)))
}

type Comparison = fn(&Timestamp, &Timestamp) -> bool;

/// A condition on a time of an order: whether it is the end, the comparison, and with what.
type TimeFilter = (bool, Comparison, Timestamp);

fn times(call: &Call) -> Result<Vec<TimeFilter>, Refusal> {
    const COMPARISONS: [(&str, Comparison); 4] = [
        ("LessThan", Timestamp::lt),
        ("LessThanOrEqualTo", Timestamp::le),
        ("GreaterThan", Timestamp::gt),
        ("GreaterThanOrEqualTo", Timestamp::ge),
    ];
    let mut times = Vec::new();
    for (prefix, ends) in [("StartTime", false), ("EndTime", true)] {
        for (comparison, holds) in COMPARISONS {
            let name = format!("{prefix}{comparison}");
            let Some(text) = call.opt_text(&name) else { continue };
            let limit = parse_time(text)
                .map_err(|_| Refusal::invalid(format!("{name} must be a time like 2020-01-01 00:00:00")))?;
            times.push((ends, holds, limit));
        }
    }
    Ok(times)
}

/// As a time is shown: what was shown finds itself.
fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

fn env_type(state: &State, order: &Order) -> &'static str {
    state.applications.env(order.env_id).map_or("", |env| env.env_type.word())
}

fn show(state: &State, order: &Order) -> Json {
    let elapsed = order.started.duration_until(order.ended.unwrap_or(state.now)).as_secs();
    let failure_rate = match order.failed {
        0 => "0".to_owned(),
        failed => {
            let rate = format!("{:.2}", failed as f64 / order.total.max(1) as f64);
            rate.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
    };
    object!({
        "DeployOrderId": order.id,
        "Name": order.name,
        "EnvId": order.env_id,
        "EnvType": env_type(state, order),
        "SchemaId": order.schema_id,
        "AppInstanceType": "k8s_pod",
        "DeployType": DEPLOY_TYPE,
        "DeployTypeName": "分批发布-批内并行",
        "PartitionType": PARTITION_TYPE,
        "PartitionTypeName": "分组均分",
        "DeployPauseType": order.pause.word(),
        "DeployPauseTypeName": order.pause.name(),
        "CurrentPartitionNum": order.partition,
        "TotalPartitions": order.partitions,
        "TotalAppInstanceCt": order.total,
        "FinishAppInstanceCt": order.succeeded,
        "FailureRate": failure_rate,
        "Status": order.status.code(),
        "StatusName": order.status.name(),
        "Result": order.result.code(),
        "ResultName": order.result.name(),
        "StartTime": minute_time(order.started),
        "ElapsedTime": elapsed,
        "EndTime": order.ended.map(minute_time),
        "Description": (!order.description.is_empty()).then_some(&order.description),
        "UserId": order.user_id,
        "UserNick": state.users.real_name(&order.user_id),
    })
}
