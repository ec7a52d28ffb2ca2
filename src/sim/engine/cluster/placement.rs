//! Which node a pod runs on: the one with most room, and what it takes there.

use std::cmp::Reverse;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::Clusters;
use super::addresses::written;
use crate::sim::engine::call::Refusal;
use crate::sim::engine::state::State;

/// Where a pod runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Placement {
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

/// A pod as its cluster knows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Pod {
    pub(super) env_id: i64,
    pub(super) node: String,
    pub(super) cpu_millis: i64,
}

/// Finds a node for a pod of an environment and takes the room there: the node with most room left,
/// and of several the first by id. `None` when no node of the cluster has room.
///
/// # Errors
/// The environment is not allocated to a cluster.
pub(crate) fn place(state: &mut State, env_id: i64, cpu_millis: i64) -> Result<Option<Placement>, Refusal> {
    require_allocation(state, env_id)?;
    Ok(state.cluster.place(env_id, cpu_millis))
}

/// Gives back the room that a pod took.
pub(crate) fn vacate(state: &mut State, placement: &Placement) {
    let clusters = &mut state.cluster;
    let Some(cluster_id) = clusters.machines.get(&placement.node).and_then(|machine| machine.cluster.clone()) else {
        return;
    };
    let Ok(address) = placement.pod_ip.parse::<Ipv4Addr>().map(u32::from) else { return };
    let pod = clusters.clusters.get(&cluster_id).and_then(|cluster| cluster.pods.get(&address));
    if pod.is_some_and(|pod| pod.node == placement.node) {
        clusters.forget_pod(&cluster_id, address);
    }
}

/// Refuses when an environment is not allocated to a cluster.
///
/// # Errors
/// The business failure that a deploy is answered with.
pub(crate) fn require_allocation(state: &State, env_id: i64) -> Result<(), Refusal> {
    state.cluster.cluster_of(env_id).map(|_| ())
}

impl Clusters {
    /// The cluster that an environment is allocated to.
    pub(in crate::sim) fn cluster_of(&self, env_id: i64) -> Result<&str, Refusal> {
        let allocation = self.allocations.of_env(env_id);
        allocation
            .map(|allocation| allocation.cluster.as_str())
            .ok_or_else(|| Refusal::conflict(format!("environment {env_id} is not allocated to a cluster")))
    }

    fn place(&mut self, env_id: i64, cpu_millis: i64) -> Option<Placement> {
        let allocation = self.allocations.of_env_mut(env_id)?;
        let cluster = self.clusters.get_mut(&allocation.cluster)?;
        let (Reverse(room), node) = cluster.room.first()?;
        if *room < cpu_millis {
            return None;
        }
        let machine = self.machines.get_mut(node)?;
        let address = cluster.pod_addresses.take()?;
        let (_, node) = cluster.room.pop_first()?;
        machine.taken = machine.taken.saturating_add(cpu_millis);
        cluster.room.insert((Reverse(machine.room()), node.clone()));
        cluster.pods.insert(address, Pod { env_id, node: node.clone(), cpu_millis });
        allocation.pods = allocation.pods.saturating_add(1);
        allocation.cpu_millis = allocation.cpu_millis.saturating_add(cpu_millis);
        Some(Placement {
            host_ip: machine.private_ip.clone(),
            host_name: format!("{}.{}", cluster.region, machine.private_ip),
            pod_ip: written(address),
            region: cluster.region.clone(),
            node,
            cpu_millis,
        })
    }

    /// Frees what a pod took: address, room on its node, and its environment's count.
    fn forget_pod(&mut self, cluster_id: &str, address: u32) {
        let Some(cluster) = self.clusters.get_mut(cluster_id) else { return };
        let Some(pod) = cluster.pods.remove(&address) else { return };
        cluster.pod_addresses.give_back(address);
        if let Some(machine) = self.machines.get_mut(&pod.node) {
            cluster.room.remove(&(Reverse(machine.room()), pod.node.clone()));
            machine.taken = machine.taken.saturating_sub(pod.cpu_millis);
            if !machine.leaving {
                cluster.room.insert((Reverse(machine.room()), pod.node));
            }
        }
        if let Some(allocation) = self.allocations.of_env_mut(pod.env_id) {
            allocation.pods = allocation.pods.saturating_sub(1);
            allocation.cpu_millis = allocation.cpu_millis.saturating_sub(pod.cpu_millis);
        }
    }

    /// Frees what some pods of a cluster took: what they ran on or for is going.
    pub(super) fn forget_pods(&mut self, cluster_id: &str, gone: impl Fn(&Pod) -> bool) {
        let Some(cluster) = self.clusters.get(cluster_id) else { return };
        let addresses: Vec<u32> =
            cluster.pods.iter().filter(|(_, pod)| gone(pod)).map(|(&address, _)| address).collect();
        for address in addresses {
            self.forget_pod(cluster_id, address);
        }
    }
}
