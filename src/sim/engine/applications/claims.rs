//! Volume claims of environments: each is bound to a volume of the environment's cluster, or waits.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{next_id, success};
use crate::sim::engine::call::{Call, Refusal, local_time};
use crate::sim::engine::cluster;
use crate::sim::engine::json::{Json, object};
use crate::sim::engine::leaving::{self, Leaving};
use crate::sim::engine::state::State;

/// A volume claim.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Claim {
    /// Its id.
    pub id: i64,
    storage_class: String,
    access_modes: String,
    capacity: String,
    /// The volume that it is bound to; it waits for one without.
    pub volume: Option<String>,
    created: Timestamp,
}

pub(super) fn create(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let env_id = call.int("EnvId");
    let name = call.text("Name");
    let env = state.applications.env_of(call.int("AppId"), env_id)?;
    if env.claims.contains_key(name) {
        return Err(Refusal::conflict(format!("environment {env_id} already has a volume claim {name}")));
    }
    let text = |name: &str| call.text(name).to_owned();
    let id = next_id(&mut state.applications.made.claims, 1);
    let claim = Claim {
        id,
        storage_class: text("StorageClass"),
        access_modes: text("AccessModes"),
        capacity: text("Capacity"),
        volume: None,
        created: state.now,
    };
    if let Some(env) = state.applications.envs.get_mut(&env_id) {
        env.claims.insert(name.to_owned(), claim);
    }
    state.applications.waiting.insert(id, (env_id, name.to_owned()));
    bind(state, id);
    Ok(object!({"Result": {"PersistentVolumeClaimId": id}}))
}

/// Tries again to bind every claim that waits for a volume, after volumes came free. The oldest first.
pub(crate) fn bind_waiting_claims(state: &mut State) {
    let waiting: Vec<i64> = state.applications.waiting.keys().copied().collect();
    for id in waiting {
        bind(state, id);
    }
}

/// Tries to bind a claim that waits.
fn bind(state: &mut State, id: i64) {
    let Some((env_id, name)) = state.applications.waiting.get(&id).cloned() else { return };
    let claim = state.applications.envs.get(&env_id).and_then(|env| env.claims.get(&name)).cloned();
    let Some(claim) = claim else { return };
    let wanted = cluster::Claim {
        env_id,
        name: &name,
        storage_class: &claim.storage_class,
        access_modes: &claim.access_modes,
        capacity: &claim.capacity,
    };
    let Some(volume) = cluster::bind_claim(state, wanted) else { return };
    state.applications.waiting.remove(&id);
    if let Some(claim) = state.applications.envs.get_mut(&env_id).and_then(|env| env.claims.get_mut(&name)) {
        claim.volume = Some(volume);
    }
}

pub(super) fn delete(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let env_id = call.int("EnvId");
    let name = call.text("PersistentVolumeClaimName");
    let env = state.applications.env_of(call.int("AppId"), env_id)?;
    let claim = env.claims.get(name);
    let claim = claim.ok_or_else(|| Refusal::not_found(&format!("volume claim {name} of environment"), env_id))?;
    let id = claim.id;
    state.applications.waiting.remove(&id);
    leaving::begin(state, Leaving::Claim(env_id, name.to_owned()), call.fails());
    success()
}

/// Takes out a claim; the volume that it held is let go of.
pub(crate) fn remove(state: &mut State, env_id: i64, name: &str, fails: bool) {
    let claim = state.applications.envs.get_mut(&env_id).and_then(|env| env.claims.remove(name));
    if let Some(volume) = claim.and_then(|claim| claim.volume) {
        cluster::release_claim(state, &volume, fails);
    }
}

pub(super) fn list(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let env = state.applications.env_of(call.int("AppId"), call.int("EnvId"))?;
    Ok(call.page(env.claims.iter(), |(name, claim)| {
        object!({
            "Name": name,
            "Capacity": claim.capacity,
            "AccessModes": claim.access_modes,
            "Status": if claim.volume.is_some() { "Bound" } else { "Pending" },
            "StorageClass": claim.storage_class,
            "VolumeName": claim.volume,
            "CreateTime": local_time(claim.created),
        })
    }))
}
