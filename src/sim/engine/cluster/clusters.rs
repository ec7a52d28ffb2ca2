//! Clusters: made in stages, shown, deleted when empty.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Clusters;
use super::addresses::Addresses;
use super::placement::Pod;
use crate::sim::engine::call::{Call, Refusal};
use crate::sim::engine::json::{Json, object};
use crate::sim::engine::resources::Resources;
use crate::sim::engine::state::{self, State};

/// A cluster.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Cluster {
    number: i64,
    title: String,
    business_code: String,
    pub(super) kind: Kind,
    /// `TEST` or `PRO`.
    env_type: String,
    pub(super) region: String,
    region_name: String,
    pub(super) vpc: String,
    vswitches: Vec<String>,
    key_pair: String,
    password: String,
    pod_cidr: String,
    service_cidr: String,
    /// Whether logs are collected; set up in the second stage.
    logs: bool,
    /// When a deploy first asked for ARMS monitoring.
    arms: Option<Timestamp>,
    stage: Stage,
    pub(super) machines: BTreeSet<String>,
    /// The nodes that pods may be placed on, the one with most CPU left first.
    pub(super) room: BTreeSet<(Reverse<i64>, String)>,
    /// The pods that run here, by address.
    pub(super) pods: BTreeMap<u32, Pod>,
    pub(super) pod_addresses: Addresses,
    pub(super) service_addresses: Addresses,
    /// Taken by services of type NodePort.
    pub(super) node_ports: BTreeSet<i64>,
}

/// What a cluster's pods run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    /// Nodes with Linux.
    Standard,
    /// Nodes with Windows.
    Windows,
    /// No nodes: room is made for each pod.
    Serverless,
}

impl Kind {
    fn of(word: &str) -> Self {
        match word {
            "Windows" => Self::Windows,
            "Serverless" => Self::Serverless,
            _ => Self::Standard,
        }
    }
}

/// What a cluster's nodes are, what of it is there for pods, and what pods ask for.
#[derive(Clone, Copy, Default)]
struct Capacity {
    size: Resources,
    allocatable: Resources,
    requested: Resources,
}

/// How far a cluster has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Stage {
    /// Its control plane is being set up.
    Initial,
    /// Its components are being installed.
    Updating,
    /// It can be used.
    Running,
    /// It could not be made; all it can be is deleted.
    Failed,
    /// It is going.
    Deleting,
}

/// A stage that a cluster reaches by itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Event {
    cluster: String,
    stage: Stage,
}

/// The range of every VPC: their machines' private addresses are in it.
const VPC_RANGE: &str = "192.168.0.0/16";
/// What a serverless cluster that names no ranges gets: the first that no other of its VPC has.
const USUAL_PODS: [&str; 8] = [
    "172.20.0.0/16",
    "172.22.0.0/16",
    "172.24.0.0/16",
    "172.26.0.0/16",
    "172.28.0.0/16",
    "172.30.0.0/16",
    "172.16.0.0/16",
    "172.18.0.0/16",
];
const USUAL_SERVICES: [&str; 8] = [
    "172.21.0.0/20",
    "172.23.0.0/20",
    "172.25.0.0/20",
    "172.27.0.0/20",
    "172.29.0.0/20",
    "172.31.0.0/20",
    "172.17.0.0/20",
    "172.19.0.0/20",
];
/// How long it takes until a deleted cluster is gone.
const GONE_AFTER: SignedDuration = SignedDuration::from_mins(2);
/// How long the control plane takes.
const UPDATING_AFTER: SignedDuration = SignedDuration::from_mins(3);
/// How long it takes to install ARMS monitoring.
const ARMS_AFTER: SignedDuration = SignedDuration::from_mins(2);
/// How long it takes until a new cluster can be used.
pub(crate) const RUNNING_AFTER: SignedDuration = SignedDuration::from_mins(8);

/// Lets a cluster reach its stage.
pub(crate) fn happen(state: &mut State, event: Event) {
    let Some(cluster) = state.cluster.clusters.get_mut(&event.cluster) else { return };
    if cluster.stage == Stage::Deleting {
        state.cluster.clusters.remove(&event.cluster);
        state.cluster.labels.remove_cluster(&event.cluster);
        return;
    }
    cluster.stage = event.stage;
}

/// Installs ARMS monitoring in the cluster of an environment, if it is not there yet.
pub(crate) fn install_arms(state: &mut State, env_id: i64) {
    let Ok(id) = state.cluster.cluster_of(env_id).map(str::to_owned) else { return };
    if let Some(cluster) = state.cluster.clusters.get_mut(&id) {
        cluster.arms.get_or_insert(state.now);
    }
}

impl Stage {
    const fn word(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Updating => "updating",
            Self::Running => "running",
            Self::Failed => "failed",
            Self::Deleting => "deleting",
        }
    }
}

impl Clusters {
    pub(super) fn cluster(&self, id: &str) -> Result<&Cluster, Refusal> {
        self.clusters.get(id).ok_or_else(|| Refusal::not_found("cluster", id))
    }

    /// A cluster that can be used.
    pub(super) fn running(&self, id: &str) -> Result<&Cluster, Refusal> {
        let cluster = self.cluster(id)?;
        match cluster.stage {
            Stage::Running => Ok(cluster),
            Stage::Deleting => Err(Refusal::conflict(format!("cluster {id} is being deleted"))),
            Stage::Failed => Err(Refusal::conflict(format!("cluster {id} has failed: it can only be deleted"))),
            stage => Err(Refusal::conflict(format!("cluster {id} is not running yet: it is {}", stage.word()))),
        }
    }

    /// The first of some ranges that no cluster of a VPC has a part of; the first of all when there is none.
    fn free_range<'a>(&self, vpc: &str, ranges: &[&'a str]) -> &'a str {
        let taken = |range: &Addresses| {
            let mut of_vpc = self.clusters.values().filter(|cluster| cluster.vpc == vpc);
            of_vpc.any(|other| range.overlaps(&other.pod_addresses) || range.overlaps(&other.service_addresses))
        };
        let free = ranges.iter().find(|cidr| Addresses::of(cidr).is_some_and(|range| !taken(&range)));
        free.or(ranges.first()).copied().unwrap_or_default()
    }

    fn capacity(&self, cluster: &Cluster) -> Capacity {
        let mut capacity = Capacity::default();
        for machine in cluster.machines.iter().filter_map(|id| self.machines.get(id)) {
            capacity.size = capacity.size.plus(machine.size());
            capacity.allocatable = capacity.allocatable.plus(machine.allocatable());
            capacity.requested = capacity.requested.plus(machine.requested());
        }
        if cluster.kind == Kind::Serverless {
            capacity.requested = cluster.pods.values().fold(capacity.requested, |sum, pod| sum.plus(pod.asked));
        }
        capacity
    }
}

impl Cluster {
    /// 0 test, 1 production: numbers where requests have words.
    fn env_type_code(&self) -> i64 {
        i64::from(self.env_type == "PRO")
    }
}

pub(super) fn create(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let mut random = fastrand::Rng::with_seed(state.cluster.made.unsigned_abs());
    create_as(state, call, format!("c{:032x}", random.u128(..)))
}

/// Creates a cluster with an id of the caller's choice.
pub(in crate::sim) fn create_as(state: &mut State, call: &Call, id: String) -> Result<Json, Refusal> {
    let clusters = &mut state.cluster;
    let text = |name: &str| call.text(name).to_owned();
    let vpc = call.text("VpcId");
    let range = |name: &str, usual: &[&str]| {
        let cidr = call.opt_text(name).unwrap_or_else(|| clusters.free_range(vpc, usual));
        let addresses = Addresses::of(cidr).ok_or_else(|| {
            let such_as = usual.first().copied().unwrap_or_default();
            Refusal::invalid(format!("{name} {cidr} is not a range of addresses such as {such_as}"))
        })?;
        Ok((cidr.to_owned(), addresses))
    };
    let (pod_cidr, pod_addresses) = range("PodCIDR", &USUAL_PODS)?;
    let (service_cidr, service_addresses) = range("ServiceCIDR", &USUAL_SERVICES)?;
    if pod_addresses.overlaps(&service_addresses) {
        return Err(Refusal::invalid(format!("PodCIDR {pod_cidr} and ServiceCIDR {service_cidr} overlap")));
    }
    for (name, cidr, addresses) in
        [("PodCIDR", &pod_cidr, &pod_addresses), ("ServiceCIDR", &service_cidr, &service_addresses)]
    {
        if Addresses::of(VPC_RANGE).is_some_and(|of_vpc| of_vpc.overlaps(addresses)) {
            let text = format!("{name} {cidr} overlaps with {VPC_RANGE}, the range of VPC {vpc}");
            return Err(Refusal::conflict(text));
        }
    }
    for (other_id, other) in clusters.clusters.iter().filter(|(_, other)| other.vpc == vpc) {
        for (name, cidr, addresses) in
            [("PodCIDR", &pod_cidr, &pod_addresses), ("ServiceCIDR", &service_cidr, &service_addresses)]
        {
            if addresses.overlaps(&other.pod_addresses) || addresses.overlaps(&other.service_addresses) {
                let text = format!("{name} {cidr} overlaps with the ranges of cluster {other_id} in VPC {vpc}");
                return Err(Refusal::conflict(text));
            }
        }
    }
    clusters.made += 1;
    let kind = Kind::of(call.text("ClusterType"));
    let cluster = Cluster {
        number: clusters.made,
        title: text("ClusterTitle"),
        business_code: text("BusinessCode"),
        kind,
        env_type: text("ClusterEnvType"),
        region: text("RegionId"),
        region_name: call.opt_text("RegionName").unwrap_or(call.text("RegionId")).to_owned(),
        vpc: vpc.to_owned(),
        vswitches: call.texts("Vswitchids").into_iter().map(str::to_owned).collect(),
        key_pair: text("KeyPair"),
        password: text("Password"),
        pod_cidr,
        service_cidr,
        // Logs are collected from the nodes of a managed cluster only.
        logs: call.is("CreateWithLogIntegration") && kind == Kind::Standard,
        arms: None,
        stage: Stage::Initial,
        machines: BTreeSet::new(),
        room: BTreeSet::new(),
        pods: BTreeMap::new(),
        pod_addresses,
        service_addresses,
        node_ports: BTreeSet::new(),
    };
    clusters.clusters.insert(id.clone(), cluster);
    let end = if call.fails() { Stage::Failed } else { Stage::Running };
    for (after, stage) in [(UPDATING_AFTER, Stage::Updating), (RUNNING_AFTER, end)] {
        state.schedule(after, state::Event::Cluster(Event { cluster: id.clone(), stage }));
    }
    Ok(object!({"Result": {"ClusterInstanceId": id}}))
}

pub(super) fn delete(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let id = call.text("ClusterInstanceId");
    if state.cluster.cluster(id)?.stage != Stage::Failed {
        state.cluster.running(id)?;
    }
    let counted = |count: usize, what: &str| match count {
        0 => None,
        1 => Some(format!("1 {what}")),
        _ => Some(format!("{count} {what}s")),
    };
    let machines = state.cluster.machines.values().filter(|machine| machine.cluster.as_deref() == Some(id));
    let uses: Vec<String> = [
        counted(machines.count(), "node"),
        counted(state.cluster.allocations.in_cluster(id).count(), "resource allocation"),
        counted(state.cluster.volumes.in_cluster(id).count(), "volume"),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !uses.is_empty() {
        return Err(Refusal::in_use(&format!("cluster {id}"), &uses));
    }
    let id = id.to_owned();
    if let Some(cluster) = state.cluster.clusters.get_mut(&id) {
        cluster.stage = Stage::Deleting;
    }
    state.schedule(GONE_AFTER, state::Event::Cluster(Event { cluster: id, stage: Stage::Deleting }));
    Ok(nonsense())
}

/// What the service answers where it has nothing to say.
pub(super) fn nonsense() -> Json {
    object!({"Result": {"Nonsense": 1}})
}

pub(super) fn list(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let clusters = &state.cluster;
    let mut wanted: Vec<(&String, &Cluster)> = clusters
        .clusters
        .iter()
        .filter(|(_, cluster)| call.opt_text("BusinessCode").is_none_or(|code| cluster.business_code == code))
        .filter(|(_, cluster)| call.opt_text("EnvType").is_none_or(|env_type| cluster.env_type == env_type))
        .collect();
    wanted.sort_by_key(|(_, cluster)| cluster.number);
    Ok(call.page(wanted.into_iter(), |(id, cluster)| {
        let Capacity { allocatable, requested, .. } = clusters.capacity(cluster);
        object!({
            "BusinessCode": cluster.business_code,
            "ClusterTitle": cluster.title,
            "CreateStatus": i64::from(cluster.stage == Stage::Running).to_string(),
            "EnvType": cluster.env_type_code(),
            "Id": cluster.number,
            "InstanceId": id,
            "KeyPair": cluster.key_pair,
            "NetPlug": "Terway",
            "Password": cluster.password,
            "PodCIDR": cluster.pod_cidr,
            "RegionId": cluster.region,
            "RegionName": cluster.region_name,
            "ServiceCIDR": cluster.service_cidr,
            "Status": cluster.stage.word(),
            "VpcId": cluster.vpc,
            "WorkLoadCpu": share(requested.cpu_millis, allocatable.cpu_millis),
            "WorkLoadMem": share(requested.memory_mib, allocatable.memory_mib),
            "EcsIds": cluster.machines,
            "VswitchIds": cluster.vswitches,
        })
    }))
}

/// A share of a whole, to two decimals.
fn share(part: i64, whole: i64) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 / whole as f64 * 100.0).round() / 100.0 }
}

/// Sizes of pods that [`detail`] says how many more of would fit: CPUs and GiB.
const POD_SIZES: [(i64, i64); 4] = [(1, 1), (2, 4), (4, 8), (8, 16)];
/// The pods that Kubernetes itself runs: some for the cluster, which ask for nothing, and some on each node.
const SYSTEM_PODS: i64 = 6;
const SYSTEM_PODS_PER_NODE: i64 = 7;

/// The pods of environments in a cluster, a line for each environment and size of pod. Gives how many
/// applications they are of, too.
fn allocated(state: &State, cluster: &Cluster) -> (usize, Vec<Json>) {
    let mut pods: BTreeMap<(i64, Resources), i64> = BTreeMap::new();
    for pod in cluster.pods.values() {
        *pods.entry((pod.env_id, pod.asked)).or_default() += 1;
    }
    let mut apps = BTreeSet::new();
    let lines = pods.into_iter().filter_map(|((env_id, asked), count)| {
        let env = state.applications.env(env_id).ok()?;
        apps.insert(env.app_id);
        Some(object!({
            "appName": state.applications.app(env.app_id).map_or("", |app| app.title.as_str()),
            "envName": env.name,
            "memRequest": asked.memory(),
            "appId": env.app_id,
            "cupRequest": asked.vcpus(),
            "podCount": count,
            "envId": env_id,
        }))
    });
    let lines = lines.collect();
    (apps.len(), lines)
}

/// How many more pods of each size would fit.
fn available(state: &State, cluster: &Cluster) -> [Json; 4] {
    POD_SIZES.map(|(cpus, gib)| {
        let size = Resources { cpu_millis: cpus * 1000, memory_mib: gib * 1024 };
        let rooms = cluster.room.iter().filter_map(|(_, node)| state.cluster.machines.get(node));
        let count = match cluster.kind {
            Kind::Serverless => cluster.pod_addresses.left(),
            Kind::Standard | Kind::Windows => rooms.map(|machine| size.fit_into(machine.room())).sum(),
        };
        object!({"memRequest": gib.to_string(), "cupRequest": cpus.to_string(), "availablePodCount": count})
    })
}

/// What is asked for of each node. The document shows none and says no more than that they are texts: each names
/// its node, and gives the shares of CPU and memory as the cluster's own are given.
fn work_loads(state: &State, cluster: &Cluster) -> Vec<String> {
    let nodes = cluster.machines.iter().filter_map(|id| Some((id, state.cluster.machines.get(id)?)));
    let shown = nodes.map(|(id, machine)| {
        let (asked, size) = (machine.requested(), machine.allocatable());
        let cpu = share(asked.cpu_millis, size.cpu_millis);
        let memory = share(asked.memory_mib, size.memory_mib);
        format!("{id} cpuRequestPercent={cpu} memRequestPercent={memory}")
    });
    shown.collect()
}

pub(super) fn detail(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let id = call.text("ClusterInstanceId");
    let cluster = state.cluster.cluster(id)?;
    let Capacity { size, allocatable, requested } = state.cluster.capacity(cluster);
    let (app_count, allocated) = allocated(state, cluster);
    let available = available(state, cluster);
    let pods = i64::try_from(cluster.pods.len()).unwrap_or(i64::MAX);
    let nodes = i64::try_from(cluster.machines.len()).unwrap_or(i64::MAX);
    // Where there is no node, there is none of Kubernetes' own pods.
    let system_pods = if nodes == 0 { 0 } else { SYSTEM_PODS + SYSTEM_PODS_PER_NODE * nodes };
    let cpu_share = share(requested.cpu_millis, allocatable.cpu_millis);
    let memory_share = share(requested.memory_mib, allocatable.memory_mib);
    // What pods really use is a tenth of the CPU that they ask for, and most of the memory.
    let used = Resources { cpu_millis: requested.cpu_millis / 10, memory_mib: requested.memory_mib / 10 * 9 };
    let bytes = |mib: i64| mib.saturating_mul(1 << 20);
    let cores = |millis: i64| millis as f64 / 1000.0;
    let user = state.users.caller();
    let arms = cluster.arms.map(|asked| asked.duration_until(state.now) >= ARMS_AFTER);
    Ok(object!({"Result": {
        "NodeWorkLoadList": work_loads(state, cluster),
        "BasicInfo": {
            "BusinessCode": cluster.business_code,
            "ClusterId": cluster.number,
            "ClusterInstanceId": id,
            "ClusterName": cluster.title,
            "EnvType": cluster.env_type_code(),
            "HasInstallArmsPilot": arms == Some(true),
            "HasInstallLogController": cluster.logs && cluster.stage == Stage::Running,
            "InstallArmsInProcess": arms == Some(false),
            "InstallLogInProcess": cluster.logs && cluster.stage == Stage::Updating,
            "MainUserId": user.map_or("", |user| &user.id),
            "RegionId": cluster.region,
            "RegionName": cluster.region_name,
            "UserNick": user.map_or("", |user| &user.real_name),
            "VpcId": cluster.vpc,
            "EcsIds": cluster.machines,
            "Vswitchs": cluster.vswitches,
        },
        "InstanceInfo": {
            "AllocatePodCount": pods,
            "AppCount": app_count,
            "AllocatedPodInfoList": allocated,
            "AvailablePodInfoList": available,
        },
        "NetInfo": {
            "NetPlugType": "Terway",
            "ProdCIDR": cluster.pod_cidr,
            "ServiceCIDR": cluster.service_cidr,
        },
        "WorkLoad": {
            "AllNodeCount": nodes,
            "AllocateAllPodCount": pods + system_pods,
            "AllocateAppPodCount": pods,
            "CpuCapacityTotal": cores(size.cpu_millis),
            "CpuLevel": cpu_share,
            "CpuRequest": cores(requested.cpu_millis),
            "CpuRequestPercent": cpu_share,
            "CpuTotal": cores(allocatable.cpu_millis),
            "CpuUse": cores(used.cpu_millis),
            "CpuUsePercent": share(used.cpu_millis, allocatable.cpu_millis),
            "MemCapacityTotal": bytes(size.memory_mib),
            "MemLevel": memory_share,
            "MemRequest": bytes(requested.memory_mib),
            "MemRequestPercent": memory_share,
            "MemTotal": bytes(allocatable.memory_mib),
            "MemUse": bytes(used.memory_mib),
            "MemUsePercent": share(used.memory_mib, allocatable.memory_mib),
        },
    }}))
}
