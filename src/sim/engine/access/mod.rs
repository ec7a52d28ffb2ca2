//! Chapter 3 simulated: SLB access points and Kubernetes services, a file each.

mod services;
mod slb;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::sim::engine::call::Handler;
use crate::sim::engine::state::State;
pub(crate) use services::services_of_env;
pub(in crate::sim) use slb::{add_orphan, add_slb};

/// SLB access points and services.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Access {
    slb: slb::Slbs,
    services: services::Services,
}

/// Takes out an access point.
pub(crate) fn remove_point(state: &mut State, id: i64) {
    state.access.slb.remove(id);
}

/// What in this chapter hangs on an environment, in words: it stands in the way of deleting it.
pub(crate) fn uses_of_env(state: &State, env_id: i64) -> Vec<String> {
    let points = state.access.slb.of_env(env_id).map(|id| format!("SLB access point {id}"));
    points.chain(services_of_env(state, env_id)).collect()
}

/// Takes along what hangs on an environment that is being deleted by force; where that fails, the access points
/// stay and lead nowhere.
pub(crate) fn remove_env(state: &mut State, env_id: i64, fails: bool) {
    let points: Vec<i64> = if fails { Vec::new() } else { state.access.slb.of_env(env_id).collect() };
    for id in points {
        state.access.slb.remove(id);
    }
    let services: Vec<i64> = state.access.services.of_env(env_id).collect();
    for id in services {
        services::remove(state, id);
    }
}

pub(in crate::sim) const HANDLERS: &[(&str, Handler)] = &[
    ("CreateSlbAP", slb::create),
    ("ModifySlbAP", slb::modify),
    ("DeleteSlbAP", slb::delete),
    ("DescribeSlbAPDetail", slb::describe),
    ("ListSlbAPs", slb::list),
    ("ModifyService", services::modify),
    ("DeleteService", services::delete),
    ("ListServices", services::list),
    ("DescribeServiceDetail", services::describe),
    ("CreateService", services::create),
];
