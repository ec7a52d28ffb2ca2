//! Chapter 5 simulated: clusters, nodes, labels, volumes and resource allocations.

use serde::{Deserialize, Serialize};

use super::call::{Handler, Refusal};
use super::state::State;

/// Clusters and what belongs to them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Clusters {}

/// A stage that happens by itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Event {}

/// Lets a stage happen.
pub fn happen(_state: &mut State, event: Event) {
    match event {}
}

/// Where a pod runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Placement {
    /// The node's ECS instance: `i-…`.
    pub node: String,
    /// The node's address.
    pub host_ip: String,
    /// The node's name.
    pub host_name: String,
    /// The pod's own address.
    pub pod_ip: String,
    /// The cluster's region.
    pub region: String,
    /// What the pod takes of its node, in thousandths of a CPU.
    pub cpu_millis: i64,
}

/// Finds a node for a pod of an environment and takes the room there. `None` when no node of the
/// cluster has room.
///
/// # Errors
/// The environment is not allocated to a cluster.
pub fn place(_state: &mut State, _env_id: i64, cpu_millis: i64) -> Result<Option<Placement>, Refusal> {
    Ok(Some(Placement {
        node: "i-demo-0001".into(),
        host_ip: "192.168.17.1".into(),
        host_name: "node-1".into(),
        pod_ip: "172.20.0.1".into(),
        region: "cn-zhangjiakou".into(),
        cpu_millis,
    }))
}

/// Gives back the room that a pod took.
pub fn vacate(_state: &mut State, _placement: &Placement) {}

/// Refuses when an environment is not allocated to a cluster.
///
/// # Errors
/// The business failure that a deploy is answered with.
pub fn require_allocation(_state: &State, _env_id: i64) -> Result<(), Refusal> {
    Ok(())
}

/// A claim for a volume, as [`bind_claim`] needs it.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The environment that claims.
    pub env_id: i64,
    /// The claim's name.
    pub name: &'a str,
    /// The storage class wanted.
    pub storage_class: &'a str,
    /// The access mode wanted.
    pub access_modes: &'a str,
    /// The least capacity wanted, a Kubernetes quantity.
    pub capacity: &'a str,
}

/// Binds a free volume of the environment's cluster to a claim: same class and access mode, enough
/// capacity, the smallest that fits. Gives its name.
pub fn bind_claim(_state: &mut State, _claim: Claim<'_>) -> Option<String> {
    None
}

/// Lets go of the volume that a deleted claim held: kept as `Released`, or gone, by its reclaim policy.
pub fn release_claim(_state: &mut State, _volume: &str) {}

/// What in this chapter hangs on an environment, in words.
pub fn uses_of_env(_state: &State, _env_id: i64) -> Vec<String> {
    Vec::new()
}

/// Takes along what hangs on an environment that is being deleted by force.
pub fn remove_env(_state: &mut State, _env_id: i64) {}

pub(super) const HANDLERS: &[(&str, Handler)] = &[];
