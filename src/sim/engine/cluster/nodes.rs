//! ECS machines: in a cluster as a node, or available to join one. Joining and leaving take time.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::clusters::{Kind, nonsense};
use crate::sim::engine::call::{Call, Refusal};
use crate::sim::engine::json::{Json, object};
use crate::sim::engine::release;
use crate::sim::engine::resources::Resources;
use crate::sim::engine::state::{self, State};

/// An ECS machine. It is made and paid for elsewhere; here it joins clusters and leaves them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Machine {
    name: String,
    region: String,
    vpc: String,
    pub(super) private_ip: String,
    public_ip: String,
    /// A public address that stays when the machine goes.
    #[serde(default)]
    elastic_ip: Option<String>,
    machine_type: MachineType,
    pub(super) system: System,
    pub(super) cluster: Option<String>,
    /// Where it stands in its cluster.
    pub(super) standing: Standing,
    /// What the pods of environments take.
    pub(super) taken: Resources,
}

/// Where a machine stands in its cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Standing {
    /// It is being prepared: it is no node yet, nor there for another cluster.
    Joining,
    /// It is a node, or is in no cluster.
    #[default]
    Settled,
    /// It is a node that no pod is placed on any more.
    Leaving,
}

/// A machine has joined its cluster, or left it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct NodeEvent(String);

/// How long it takes until a machine is a node.
pub(in crate::sim) const JOINED_AFTER: SignedDuration = SignedDuration::from_mins(2);
/// How long it takes until a node, whose pods went at once, has left.
const LEFT_AFTER: SignedDuration = SignedDuration::from_mins(1);

/// What the pods that Kubernetes itself runs on each node ask for.
const SYSTEM: Resources = Resources { cpu_millis: 500, memory_mib: 448 };
/// How much of a node's memory is left to pods, in percent: the rest is the kernel's and the kubelet's.
const ALLOCATABLE_MEMORY: i64 = 88;

/// The operating system of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum System {
    Linux,
    Windows,
}

impl System {
    pub(super) const fn of(windows: bool) -> Self {
        if windows { Self::Windows } else { Self::Linux }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Linux => "Linux",
            Self::Windows => "Windows",
        }
    }

    /// The image and the kind as ECS names them.
    const fn image(self) -> (&'static str, &'static str) {
        match self {
            Self::Linux => ("CentOS 7.6 64位", "linux"),
            Self::Windows => ("Windows Server 2019 64位", "windows"),
        }
    }
}

/// A machine type, by its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum MachineType {
    /// `ecs.c6.xlarge`
    Cpus4,
    /// `ecs.c6.2xlarge`
    Cpus8,
    /// `ecs.c6.4xlarge`
    Cpus16,
    /// `ecs.c6.8xlarge`
    Cpus32,
}

impl MachineType {
    const fn name(self) -> &'static str {
        match self {
            Self::Cpus4 => "ecs.c6.xlarge",
            Self::Cpus8 => "ecs.c6.2xlarge",
            Self::Cpus16 => "ecs.c6.4xlarge",
            Self::Cpus32 => "ecs.c6.8xlarge",
        }
    }

    /// How many CPUs it has, with two GiB of memory each.
    const fn cpus(self) -> i64 {
        match self {
            Self::Cpus4 => 4,
            Self::Cpus8 => 8,
            Self::Cpus16 => 16,
            Self::Cpus32 => 32,
        }
    }

    const fn size(self) -> Resources {
        Resources { cpu_millis: self.cpus() * 1000, memory_mib: self.cpus() * 2048 }
    }

    /// What of its size is there for pods.
    const fn allocatable(self) -> Resources {
        let size = self.size();
        Resources { memory_mib: size.memory_mib * ALLOCATABLE_MEMORY / 100, ..size }
    }

    /// What an empty node of it has room for.
    pub(in crate::sim) const fn room(self) -> Resources {
        self.allocatable().minus(SYSTEM)
    }
}

impl Machine {
    pub(super) const fn size(&self) -> Resources {
        self.machine_type.size()
    }

    pub(super) const fn allocatable(&self) -> Resources {
        self.machine_type.allocatable()
    }

    /// What its pods ask for, those of Kubernetes itself among them.
    pub(super) const fn requested(&self) -> Resources {
        self.taken.plus(SYSTEM)
    }

    /// What is left for more pods.
    pub(super) const fn room(&self) -> Resources {
        self.allocatable().minus(self.requested())
    }

    /// Its place among the nodes of its cluster: the one with most CPU left comes first.
    pub(super) fn rank(&self, id: &str) -> (Reverse<i64>, String) {
        (Reverse(self.room().cpu_millis), id.to_owned())
    }

    fn show(&self, id: &str) -> Json {
        let (cpus, gib) = (self.machine_type.cpus(), self.machine_type.cpus() * 2);
        object!({
            "OSName": self.system.image().0,
            "BusinessCode": "JST",
            "EcsConfiguration": format!("{cpus}vcpu {gib}G"),
            "EcsCpu": cpus.to_string(),
            "EcsEip": self.elastic_ip,
            "EcsExpiredTime": "2099-12-31",
            "EcsLocalStorageCapacity": "40",
            "EcsMemory": self.size().memory_mib.to_string(),
            "EcsOsType": self.system.image().1,
            "EcsPrivateIp": self.private_ip,
            "EcsPublicIp": self.public_ip,
            "EcsZone": self.region,
            "InstanceId": id,
            "InstanceName": self.name,
            "InstanceNetworkType": "vpc",
            "InstanceType": self.machine_type.name(),
            "InternetMaxBandwidthIn": "1500",
            "InternetMaxBandwidthOut": "5",
            "RegionId": self.region,
            "VpcId": self.vpc,
        })
    }
}

/// Adds a machine to the account. It is in no cluster yet.
pub(in crate::sim) fn add_machine(state: &mut State, id: &str, vpc: &str, region: &str, machine_type: MachineType) {
    add_machine_with(state, id, (vpc, region), machine_type, System::Linux);
}

/// Adds a machine that runs Windows.
pub(in crate::sim) fn add_windows_machine(state: &mut State, id: &str, vpc: &str, region: &str) {
    add_machine_with(state, id, (vpc, region), MachineType::Cpus8, System::Windows);
}

fn add_machine_with(
    state: &mut State,
    id: &str,
    (vpc, region): (&str, &str),
    machine_type: MachineType,
    system: System,
) {
    // No two of a VPC have an address in common as long as it has fewer machines than this.
    const ADDRESSES: usize = 55_000;
    let number = state.cluster.machines.len() % ADDRESSES;
    let (high, low) = (number / 250, number % 250);
    let machine = Machine {
        name: format!("worker-k8s-for-cs-{}", id.trim_start_matches("i-")),
        region: region.to_owned(),
        vpc: vpc.to_owned(),
        private_ip: format!("192.168.{}.{}", 17 + high, low + 2),
        public_ip: format!("39.99.{high}.{}", low + 1),
        // One in eight has one.
        elastic_ip: number.is_multiple_of(8).then(|| format!("39.100.{high}.{}", low + 1)),
        machine_type,
        system,
        cluster: None,
        standing: Standing::Settled,
        taken: Resources::default(),
    };
    state.cluster.machines.insert(id.to_owned(), machine);
}

pub(super) fn list(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let clusters = &state.cluster;
    let cluster = clusters.cluster(call.text("ClusterInstanceId"))?;
    let machines = cluster.machines.iter().filter_map(|id| clusters.machines.get_key_value(id));
    Ok(call.page(machines, |(id, machine)| machine.show(id)))
}

/// Machines that may join a cluster: those in its VPC, with its system, that are in none.
pub(super) fn list_available(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let clusters = &state.cluster;
    let cluster = clusters.cluster(call.text("ClusterInstanceId"))?;
    let system = System::of(cluster.kind == Kind::Windows);
    let fits = |machine: &Machine| machine.vpc == cluster.vpc && machine.system == system;
    let available = clusters.machines.iter().filter(|(_, machine)| machine.cluster.is_none() && fits(machine));
    Ok(call.page(available, |(id, machine)| machine.show(id)))
}

/// The machines that a call lists, each once.
fn listed(call: &Call) -> Result<BTreeSet<&str>, Refusal> {
    let mut ids = BTreeSet::new();
    for id in call.texts("EcsInstanceIdList") {
        if !ids.insert(id) {
            return Err(Refusal::invalid(format!("EcsInstanceIdList names {id} twice")));
        }
    }
    Ok(ids)
}

pub(super) fn add(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let cluster_id = call.text("ClusterInstanceId");
    let cluster = state.cluster.running(cluster_id)?;
    let ids = listed(call)?;
    if cluster.kind == Kind::Serverless {
        return Err(Refusal::conflict(format!("cluster {cluster_id} is serverless: it takes no nodes")));
    }
    for id in &ids {
        let machine = state.cluster.machines.get(*id).ok_or_else(|| Refusal::not_found("ECS instance", id))?;
        if let Some(other) = &machine.cluster {
            return Err(Refusal::conflict(format!("node {id} is in cluster {other}")));
        }
        if machine.vpc != cluster.vpc {
            let text = format!("ECS instance {id} is in VPC {}, cluster {cluster_id} in {}", machine.vpc, cluster.vpc);
            return Err(Refusal::invalid(text));
        }
        let system = System::of(cluster.kind == Kind::Windows);
        if machine.system != system {
            let (runs, takes) = (machine.system.name(), system.name());
            let text = format!("ECS instance {id} runs {runs}, cluster {cluster_id} takes nodes with {takes}");
            return Err(Refusal::invalid(text));
        }
    }
    for id in ids {
        let Some(machine) = state.cluster.machines.get_mut(id) else { continue };
        machine.cluster = Some(cluster_id.to_owned());
        machine.standing = Standing::Joining;
        state.schedule(JOINED_AFTER, state::Event::Node(NodeEvent(id.to_owned())));
    }
    Ok(nonsense())
}

/// Lets a machine that had the time for it be a node, or be none any more.
pub(crate) fn settle(state: &mut State, NodeEvent(id): NodeEvent) {
    let Some(machine) = state.cluster.machines.get_mut(&id) else { return };
    let Some(cluster_id) = machine.cluster.clone() else { return };
    match std::mem::take(&mut machine.standing) {
        Standing::Joining => {
            if let Some(cluster) = state.cluster.clusters.get_mut(&cluster_id) {
                cluster.room.insert(machine.rank(&id));
                cluster.machines.insert(id);
            }
            release::place_waiting(state);
        }
        Standing::Leaving => {
            machine.cluster = None;
            state.cluster.labels.remove_node(&id);
            if let Some(cluster) = state.cluster.clusters.get_mut(&cluster_id) {
                cluster.machines.remove(&id);
            }
        }
        Standing::Settled => {}
    }
}

pub(super) fn remove(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let cluster_id = call.text("ClusterInstanceId");
    let cluster = state.cluster.cluster(cluster_id)?;
    let ids = listed(call)?;
    if let Some(id) = ids.iter().find(|id| !cluster.machines.contains(**id)) {
        return Err(Refusal::not_found(&format!("node of cluster {cluster_id}"), id));
    }
    let leaves = |id: &&&str| state.cluster.machines.get(**id).is_some_and(|it| it.standing == Standing::Leaving);
    if let Some(id) = ids.iter().find(leaves) {
        return Err(Refusal::conflict(format!("node {id} is leaving cluster {cluster_id} already")));
    }
    // All of them first: no pod moves to another node that is leaving.
    for id in &ids {
        let Some(machine) = state.cluster.machines.get_mut(*id) else { continue };
        machine.standing = Standing::Leaving;
        if let Some(cluster) = state.cluster.clusters.get_mut(cluster_id) {
            cluster.room.remove(&machine.rank(id));
        }
    }
    for id in &ids {
        release::evict(state, id);
    }
    for id in ids {
        state.cluster.forget_pods(cluster_id, |pod| pod.node.as_deref() == Some(id));
        state.schedule(LEFT_AFTER, state::Event::Node(NodeEvent(id.to_owned())));
    }
    Ok(nonsense())
}
