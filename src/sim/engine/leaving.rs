//! How things leave the account.
//!
//! What runs or holds data takes its time to go. Until then it is listed, in the state that the document has for it
//! (the volume of a deleted claim is `Released`, an account is `Unavailable`), else as it was; it takes no change, and
//! a second deletion is refused. A record that nothing runs behind (a deploy config, a label and its bindings, a
//! resource allocation, a service) is gone at once.
//!
//! Clusters, nodes and databases go the same way, by a state of their own that their chapters keep.

use std::fmt;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::catalogue::Effect;
use crate::sim::engine::call::{Call, Refusal};
use crate::sim::engine::state::{Event, State};
use crate::sim::engine::{access, applications, cluster, rds};

/// What is on its way out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Leaving {
    /// An application.
    Application(i64),
    /// An environment: its pods stop first.
    Environment(i64),
    /// An environment's volume claim.
    Claim(i64, String),
    /// An SLB access point.
    AccessPoint(i64),
    /// A volume.
    Volume(String),
    /// An RDS instance's account.
    Account(String, String),
}

impl Leaving {
    /// How long it takes.
    const fn takes(&self) -> SignedDuration {
        SignedDuration::from_secs(match self {
            // Longer than its environments.
            Self::Application(_) => 15,
            // Longer than its pods.
            Self::Environment(_) => 10,
            Self::Claim(..) | Self::AccessPoint(_) | Self::Volume(_) | Self::Account(..) => 3,
        })
    }

    /// Everything of these kinds that a call names.
    fn named(call: &Call) -> impl Iterator<Item = Self> {
        let (env, text) = (call.opt_int("EnvId"), |name: &str| call.opt_text(name).map(str::to_owned));
        let app = call.opt_int("AppId").map(Self::Application);
        let claim = env.zip(text("PersistentVolumeClaimName")).map(|(env, name)| Self::Claim(env, name));
        let account = text("DbInstanceId").zip(text("AccountName")).map(|(id, name)| Self::Account(id, name));
        [
            app,
            env.or(call.opt_int("AppEnvId")).map(Self::Environment),
            claim,
            call.opt_int("SlbAPId").map(Self::AccessPoint),
            text("PersistentVolumeName").map(Self::Volume),
            account,
        ]
        .into_iter()
        .flatten()
    }
}

impl fmt::Display for Leaving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Application(id) => write!(f, "application {id}"),
            Self::Environment(id) => write!(f, "environment {id}"),
            Self::Claim(env_id, name) => write!(f, "volume claim {name} of environment {env_id}"),
            Self::AccessPoint(id) => write!(f, "SLB access point {id}"),
            Self::Volume(name) => write!(f, "volume {name}"),
            Self::Account(instance, name) => write!(f, "account {name} of RDS instance {instance}"),
        }
    }
}

/// Lets something go, in its time; with trouble, in the failure that its deletion has.
pub(crate) fn begin(state: &mut State, what: Leaving, fails: bool) {
    if state.leaving.insert(what.clone()) {
        state.schedule(what.takes(), Event::Gone { what, fails });
    }
}

/// Takes out what had the time to go.
pub(crate) fn end(state: &mut State, what: Leaving, fails: bool) {
    state.leaving.remove(&what);
    match what {
        Leaving::Application(id) => applications::remove_app(state, id),
        Leaving::Environment(id) => applications::remove_env(state, id, fails),
        Leaving::Claim(env_id, name) => applications::remove_claim(state, env_id, &name, fails),
        Leaving::AccessPoint(id) => access::remove_point(state, id),
        Leaving::Volume(name) => cluster::remove_volume(state, &name),
        Leaving::Account(instance, name) => rds::remove_account(state, &instance, &name),
    }
}

/// Refuses a change of what is on its way out.
///
/// # Errors
/// What the call names is being deleted.
pub(crate) fn require_staying(state: &State, call: &Call) -> Result<(), Refusal> {
    if state.leaving.is_empty() || call.operation.effect == Effect::Read {
        return Ok(());
    }
    match Leaving::named(call).find(|what| state.leaving.contains(what)) {
        Some(what) => Err(Refusal::conflict(format!("{what} is being deleted"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
