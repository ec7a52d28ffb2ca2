//! Resource allocations: which cluster the pods of an environment run in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::sim::engine::access;
use crate::sim::engine::call::{Call, Refusal, done};
use crate::sim::engine::json::{Json, object};
use crate::sim::engine::state::State;

/// Resource allocations, one for an environment at most.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Allocations {
    by_id: BTreeMap<i64, Allocation>,
    of_env: BTreeMap<i64, i64>,
    made: i64,
}

/// A resource allocation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Allocation {
    id: i64,
    pub(super) app_id: i64,
    pub(super) env_id: i64,
    pub(super) cluster: String,
    /// How many pods run.
    pub(super) pods: i64,
}

impl Allocations {
    pub(super) fn of_env(&self, env_id: i64) -> Option<&Allocation> {
        self.by_id.get(self.of_env.get(&env_id)?)
    }

    pub(super) fn of_env_mut(&mut self, env_id: i64) -> Option<&mut Allocation> {
        self.by_id.get_mut(self.of_env.get(&env_id)?)
    }

    pub(super) fn in_cluster(&self, cluster: &str) -> impl Iterator<Item = &Allocation> {
        self.by_id.values().filter(move |allocation| allocation.cluster == cluster)
    }

    fn remove(&mut self, env_id: i64) -> Option<Allocation> {
        let id = self.of_env.remove(&env_id)?;
        self.by_id.remove(&id)
    }
}

impl Allocation {
    fn show(&self) -> Json {
        object!({"AppEnvId": self.env_id, "AppId": self.app_id, "ClusterId": self.cluster, "Id": self.id})
    }
}

fn not_allocated(env_id: i64) -> Refusal {
    Refusal::not_found("resource allocation of environment", env_id)
}

pub(super) fn create(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let (app_id, env_id) = (call.int("AppId"), call.int("AppEnvId"));
    let cluster = call.text("ClusterId");
    state.applications.env_of(app_id, env_id)?;
    state.cluster.running(cluster)?;
    let allocations = &mut state.cluster.allocations;
    if let Some(other) = allocations.of_env(env_id) {
        return Err(Refusal::conflict(format!(
            "environment {env_id} is allocated to cluster {} already",
            other.cluster
        )));
    }
    allocations.made += 1;
    let id = allocations.made;
    let allocation = Allocation { id, app_id, env_id, cluster: cluster.to_owned(), pods: 0 };
    let shown = allocation.show();
    allocations.by_id.insert(id, allocation);
    allocations.of_env.insert(env_id, id);
    crate::sim::engine::applications::bind_waiting_claims(state);
    Ok(object!({"Result": shown}))
}

pub(super) fn list(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    if let Some(app_id) = call.opt_int("AppId") {
        state.applications.app(app_id)?;
    }
    let allocations = state.cluster.allocations.by_id.values();
    let wanted = allocations
        .filter(|allocation| call.opt_int("AppEnvId").is_none_or(|id| allocation.env_id == id))
        .filter(|allocation| call.opt_int("AppId").is_none_or(|id| allocation.app_id == id))
        .filter(|allocation| call.opt_text("ClusterId").is_none_or(|id| allocation.cluster == id));
    Ok(call.page(wanted, Allocation::show))
}

pub(super) fn describe(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let env_id = call.int("AppEnvId");
    let allocation = state.cluster.allocations.of_env(env_id).ok_or_else(|| not_allocated(env_id))?;
    Ok(object!({"Result": allocation.show()}))
}

/// Refused while something of the environment lives in the cluster: pods, services, bound volumes.
pub(super) fn delete(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let env_id = call.int("AppEnvId");
    let allocation = state.cluster.allocations.of_env(env_id).ok_or_else(|| not_allocated(env_id))?;
    let pods = match allocation.pods {
        0 => None,
        1 => Some("1 pod".to_owned()),
        pods => Some(format!("{pods} pods")),
    };
    let volumes = state.cluster.volumes.bound_to(env_id).map(|name| format!("volume {name}"));
    let uses: Vec<String> = pods.into_iter().chain(access::services_of_env(state, env_id)).chain(volumes).collect();
    if !uses.is_empty() {
        return Err(Refusal::in_use(&format!("resource allocation of environment {env_id}"), &uses));
    }
    state.cluster.allocations.remove(env_id);
    done()
}

/// What in this chapter hangs on an environment, in words.
pub(crate) fn uses_of_env(state: &State, env_id: i64) -> Vec<String> {
    let allocation = state.cluster.allocations.of_env(env_id);
    allocation.map(|allocation| format!("resource allocation in cluster {}", allocation.cluster)).into_iter().collect()
}

/// Takes along what hangs on an environment that is being deleted by force. Its pods and claims have
/// given back what they held.
pub(crate) fn remove_env(state: &mut State, env_id: i64) {
    let clusters = &mut state.cluster;
    let Some(allocation) = clusters.allocations.of_env(env_id) else { return };
    if allocation.pods > 0 {
        let cluster = allocation.cluster.clone();
        clusters.forget_pods(&cluster, |pod| pod.env_id == env_id);
    }
    clusters.allocations.remove(env_id);
}
