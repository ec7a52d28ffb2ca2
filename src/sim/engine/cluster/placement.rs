//! Which node a pod runs on: the one with most room, and what it takes there.

use std::cmp::Reverse;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::Clusters;
use super::addresses::written;
use super::clusters::Kind;
use super::nodes::{Standing, System};
use crate::sim::engine::call::Refusal;
use crate::sim::engine::resources::Resources;
use crate::sim::engine::state::State;

/// Where a pod runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Placement {
    /// The node's ECS instance: `i-…`. A pod of a serverless cluster has no node.
    pub node: Option<String>,
    /// The node's address.
    pub host_ip: Option<String>,
    /// The pod's own address.
    pub pod_ip: String,
    /// The cluster's region.
    pub region: String,
}

impl Placement {
    /// The node's name.
    pub(crate) fn host_name(&self) -> Option<String> {
        self.host_ip.as_ref().map(|host_ip| format!("{}.{host_ip}", self.region))
    }
}

/// A pod as its cluster knows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Pod {
    pub(super) env_id: i64,
    pub(super) node: Option<String>,
    pub(super) asked: Resources,
}

/// Finds a node for a pod of an environment and takes the room there: the node with most CPU left that has the
/// memory too, and of several the first by id. `None` when the cluster has no room.
///
/// # Errors
/// The environment is not allocated to a cluster.
pub(crate) fn place(state: &mut State, env_id: i64, asked: Resources) -> Result<Option<Placement>, Refusal> {
    require_allocation(state, env_id)?;
    Ok(state.cluster.place(env_id, asked))
}

/// Gives back the room that a pod of an environment took.
pub(crate) fn vacate(state: &mut State, env_id: i64, placement: &Placement) {
    let clusters = &mut state.cluster;
    let Ok(cluster_id) = clusters.cluster_of(env_id).map(str::to_owned) else { return };
    let Ok(address) = placement.pod_ip.parse::<Ipv4Addr>().map(u32::from) else { return };
    let pod = clusters.clusters.get(&cluster_id).and_then(|cluster| cluster.pods.get(&address));
    if pod.is_some_and(|pod| pod.env_id == env_id && pod.node == placement.node) {
        clusters.forget_pod(&cluster_id, address);
    }
}

/// Why there is no room for a pod of an environment, as Kubernetes' scheduler says it.
pub(crate) fn shortage(state: &State, env_id: i64, asked: Resources) -> String {
    let clusters = &state.cluster;
    let cluster = clusters.cluster_of(env_id).ok().and_then(|id| clusters.clusters.get(id));
    let rooms: Vec<Resources> = cluster.map_or_else(Vec::new, |cluster| {
        let nodes = cluster.room.iter().filter_map(|(_, node)| clusters.machines.get(node));
        nodes.map(|machine| machine.room()).collect()
    });
    if rooms.is_empty() && cluster.is_none_or(|cluster| cluster.kind != Kind::Serverless) {
        return "no nodes available to schedule pods".to_owned();
    }
    let cpu = rooms.iter().filter(|room| room.cpu_millis < asked.cpu_millis).count();
    let memory = rooms.iter().filter(|room| room.memory_mib < asked.memory_mib).count();
    let reasons: Vec<String> = [(cpu, "Insufficient cpu"), (memory, "Insufficient memory")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, reason)| format!("{count} {reason}"))
        .collect();
    match reasons.is_empty() {
        true => "no pod address is left in the cluster".to_owned(),
        false => format!("0/{} nodes are available: {}", rooms.len(), reasons.join(", ")),
    }
}

/// Refuses when an environment is not allocated to a cluster.
///
/// # Errors
/// The business failure that a deploy is answered with.
pub(crate) fn require_allocation(state: &State, env_id: i64) -> Result<(), Refusal> {
    state.cluster.cluster_of(env_id).map(|_| ())
}

/// Refuses when the cluster of an environment has nothing that runs pods of this system.
///
/// # Errors
/// The business failure that a deploy is answered with.
pub(crate) fn require_system(state: &State, env_id: i64, windows: bool) -> Result<(), Refusal> {
    let id = state.cluster.cluster_of(env_id)?;
    let cluster = state.cluster.cluster(id)?;
    if cluster.kind == Kind::Serverless {
        return match windows {
            true => Err(Refusal::conflict(format!("cluster {id} is serverless: it runs no Windows applications"))),
            false => Ok(()),
        };
    }
    let system = System::of(windows);
    let mut nodes = cluster.machines.iter().filter_map(|id| state.cluster.machines.get(id));
    if nodes.any(|machine| machine.system == system) {
        return Ok(());
    }
    Err(Refusal::conflict(format!("cluster {id} has no {} node: the application needs one", system.name())))
}

impl Clusters {
    /// The cluster that an environment is allocated to.
    pub(in crate::sim) fn cluster_of(&self, env_id: i64) -> Result<&str, Refusal> {
        let allocation = self.allocations.of_env(env_id);
        allocation
            .map(|allocation| allocation.cluster.as_str())
            .ok_or_else(|| Refusal::conflict(format!("environment {env_id} is not allocated to a cluster")))
    }

    fn place(&mut self, env_id: i64, asked: Resources) -> Option<Placement> {
        let allocation = self.allocations.of_env_mut(env_id)?;
        let cluster = self.clusters.get_mut(&allocation.cluster)?;
        let node = match cluster.kind {
            Kind::Serverless => None,
            Kind::Standard | Kind::Windows => {
                let machines = &self.machines;
                let has_memory =
                    |node: &str| machines.get(node).is_some_and(|node| node.room().memory_mib >= asked.memory_mib);
                let with_cpu = cluster.room.iter().take_while(|(Reverse(cpu), _)| *cpu >= asked.cpu_millis);
                Some(with_cpu.map(|(_, node)| node).find(|node| has_memory(node))?.clone())
            }
        };
        let address = cluster.pod_addresses.take()?;
        let mut host_ip = None;
        if let Some(id) = &node {
            let machine = self.machines.get_mut(id)?;
            cluster.room.remove(&machine.rank(id));
            machine.taken = machine.taken.plus(asked);
            cluster.room.insert(machine.rank(id));
            host_ip = Some(machine.private_ip.clone());
        }
        cluster.pods.insert(address, Pod { env_id, node: node.clone(), asked });
        allocation.pods = allocation.pods.saturating_add(1);
        Some(Placement { node, host_ip, pod_ip: written(address), region: cluster.region.clone() })
    }

    /// Frees what a pod took: address, room on its node, and its environment's count.
    fn forget_pod(&mut self, cluster_id: &str, address: u32) {
        let Some(cluster) = self.clusters.get_mut(cluster_id) else { return };
        let Some(pod) = cluster.pods.remove(&address) else { return };
        cluster.pod_addresses.give_back(address);
        if let Some((id, machine)) = pod.node.and_then(|id| self.machines.get_mut(&id).map(|machine| (id, machine))) {
            cluster.room.remove(&machine.rank(&id));
            machine.taken = machine.taken.minus(pod.asked);
            if machine.standing != Standing::Leaving {
                cluster.room.insert(machine.rank(&id));
            }
        }
        if let Some(allocation) = self.allocations.of_env_mut(pod.env_id) {
            allocation.pods = allocation.pods.saturating_sub(1);
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
