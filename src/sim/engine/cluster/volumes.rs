//! Persistent volumes, and the claims that they are bound to.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::sim::engine::applications::bind_waiting_claims;
use crate::sim::engine::call::{Call, Refusal, local_time};
use crate::sim::engine::json::{Json, object};
use crate::sim::engine::leaving::{self, Leaving};
use crate::sim::engine::resources::quantity;
use crate::sim::engine::state::State;

/// Volumes by name: a name is used once in the account.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Volumes {
    by_name: BTreeMap<String, Volume>,
    /// The free ones, so that the smallest that fits a claim is found at once.
    free: BTreeSet<Free>,
    made: i64,
}

/// A free volume: cluster, class, access mode, bytes, name.
type Free = (String, String, String, u64, String);

/// A volume.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Volume {
    cluster: String,
    storage_class: String,
    access_modes: String,
    capacity: String,
    reclaim_policy: String,
    mount_dir: String,
    status: Status,
    created: Timestamp,
}

/// What a volume is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Status {
    Available,
    Bound {
        env_id: i64,
        claim: String,
    },
    Released,
    /// It could not be made, or not be reclaimed, for this reason.
    Failed(String),
}

/// A claim for a volume, as [`bind_claim`] needs it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim<'a> {
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

/// The bytes that a capacity stands for.
fn bytes(capacity: &str) -> Option<u64> {
    quantity(capacity).map(|bytes| bytes.ceil() as u64)
}

/// Binds a free volume of the environment's cluster to a claim: same class and access mode, enough
/// capacity, the smallest that fits. Gives its name.
pub(crate) fn bind_claim(state: &mut State, claim: Claim<'_>) -> Option<String> {
    let cluster = state.cluster.cluster_of(claim.env_id).ok()?.to_owned();
    let volumes = &mut state.cluster.volumes;
    let wanted =
        (cluster, claim.storage_class.to_owned(), claim.access_modes.to_owned(), bytes(claim.capacity)?, String::new());
    let fits = volumes
        .free
        .range(&wanted..)
        .next()
        .filter(|free| (&free.0, &free.1, &free.2) == (&wanted.0, &wanted.1, &wanted.2))?;
    let fits = fits.clone();
    let volume = volumes.by_name.get_mut(&fits.4)?;
    volume.status = Status::Bound { env_id: claim.env_id, claim: claim.name.to_owned() };
    volumes.free.remove(&fits);
    Some(fits.4)
}

/// Lets go of the volume that a deleted claim held: `Released`, and kept or deleted by its reclaim policy; where that
/// fails, it stays `Failed`.
pub(crate) fn release_claim(state: &mut State, volume: &str, fails: bool) {
    let held = state.cluster.volumes.by_name.get_mut(volume);
    let Some(held) = held.filter(|held| matches!(held.status, Status::Bound { .. })) else { return };
    if fails {
        held.status =
            Status::Failed(format!("{} of the volume failed: {} is in use", held.reclaim_policy, held.mount_dir));
        return;
    }
    held.status = Status::Released;
    if held.reclaim_policy == "Delete" {
        leaving::begin(state, Leaving::Volume(volume.to_owned()), false);
    }
}

/// Takes out a volume.
pub(crate) fn remove_volume(state: &mut State, name: &str) {
    state.cluster.volumes.by_name.remove(name);
}

impl Volumes {
    pub(super) fn in_cluster(&self, cluster: &str) -> impl Iterator<Item = &str> {
        self.by_name.iter().filter(move |(_, volume)| volume.cluster == cluster).map(|(name, _)| name.as_str())
    }

    /// The volume of a storage class: a cluster has one at most.
    fn of_class(&self, cluster: &str, class: &str) -> Option<&str> {
        let same = |volume: &Volume| volume.cluster == cluster && volume.storage_class == class;
        self.by_name.iter().find(|(_, volume)| same(volume)).map(|(name, _)| name.as_str())
    }

    /// The volumes that claims of an environment hold.
    pub(super) fn bound_to(&self, env_id: i64) -> impl Iterator<Item = &str> {
        let bound = move |volume: &Volume| matches!(volume.status, Status::Bound { env_id: id, .. } if id == env_id);
        self.by_name.iter().filter(move |(_, volume)| bound(volume)).map(|(name, _)| name.as_str())
    }
}

impl Volume {
    /// What a claim finds it by, while it is free.
    fn free(&self, name: &str) -> Option<Free> {
        let bytes = bytes(&self.capacity)?;
        Some((self.cluster.clone(), self.storage_class.clone(), self.access_modes.clone(), bytes, name.to_owned()))
    }

    fn show(&self, name: &str) -> Json {
        let (status, claim, reason) = match &self.status {
            Status::Available => ("Available", None, None),
            Status::Bound { claim, .. } => ("Bound", Some(claim), None),
            Status::Released => ("Released", None, None),
            Status::Failed(reason) => ("Failed", None, Some(reason)),
        };
        object!({
            "Name": name,
            "Capacity": self.capacity,
            "AccessModes": self.access_modes,
            "ReclaimPolicy": self.reclaim_policy,
            "Status": status,
            "PvcName": claim,
            "MountDir": self.mount_dir,
            "StorageClass": self.storage_class,
            "Reason": reason,
            "CreateTime": local_time(self.created),
        })
    }
}

pub(super) fn create(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let text = |name: &str| call.text(name).to_owned();
    let (name, cluster) = (text("Name"), text("ClusterInstanceId"));
    state.cluster.running(&cluster)?;
    let volumes = &mut state.cluster.volumes;
    if volumes.by_name.contains_key(&name) {
        return Err(Refusal::conflict(format!("there is a volume {name} already")));
    }
    let class = call.text("StorageClass");
    if let Some(other) = volumes.of_class(&cluster, class) {
        return Err(Refusal::conflict(format!("StorageClass {class} is that of volume {other} of cluster {cluster}")));
    }
    let volume = Volume {
        cluster,
        storage_class: text("StorageClass"),
        access_modes: text("AccessModes"),
        capacity: text("Capacity"),
        reclaim_policy: text("ReclaimPolicy"),
        mount_dir: call.opt_text("MountDir").unwrap_or("/").to_owned(),
        status: match call.fails() {
            true => Status::Failed(format!("mount target {} does not answer", call.text("MountTargetDomain"))),
            false => Status::Available,
        },
        created: state.now,
    };
    let Some(free) = volume.free(&name) else {
        return Err(Refusal::invalid(format!("Capacity {} is not a quantity such as 20Gi", volume.capacity)));
    };
    if volume.status == Status::Available {
        volumes.free.insert(free);
    }
    volumes.by_name.insert(name, volume);
    volumes.made += 1;
    let id = volumes.made;
    bind_waiting_claims(state);
    Ok(object!({"Result": {"PersistentVolumeId": id}}))
}

pub(super) fn list(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let cluster = call.text("ClusterInstanceId");
    state.cluster.cluster(cluster)?;
    let volumes = state.cluster.volumes.by_name.iter().filter(|(_, volume)| volume.cluster == cluster);
    Ok(call.page(volumes, |(name, volume)| volume.show(name)))
}

pub(super) fn delete(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let (name, cluster) = (call.text("PersistentVolumeName"), call.text("ClusterInstanceId"));
    state.cluster.cluster(cluster)?;
    let volumes = &mut state.cluster.volumes;
    let volume = volumes.by_name.get(name).filter(|volume| volume.cluster == cluster);
    let volume = volume.ok_or_else(|| Refusal::not_found(&format!("volume of cluster {cluster}"), name))?;
    if let Status::Bound { env_id, claim } = &volume.status {
        let text = format!("volume {name} is bound to claim {claim} of environment {env_id}");
        return Err(Refusal::conflict(text));
    }
    if let Some(free) = volume.free(name) {
        volumes.free.remove(&free);
    }
    leaving::begin(state, Leaving::Volume(name.to_owned()), false);
    Ok(object!({"Result": {"Success": true}}))
}
