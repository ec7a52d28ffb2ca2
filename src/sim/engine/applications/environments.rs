//! Environments of applications, and the instances that run in them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Claim, next_id, success};
use crate::sim::engine::call::{Call, Refusal};
use crate::sim::engine::json::{Json, object};
use crate::sim::engine::leaving::{self, Leaving};
use crate::sim::engine::state::State;
use crate::sim::engine::{access, cluster, release};

/// An environment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Env {
    /// Its id.
    pub id: i64,
    /// The application that it belongs to.
    pub app_id: i64,
    /// The deploy config that it is deployed by.
    pub schema_id: i64,
    /// Its name.
    pub name: String,
    /// Test or production.
    pub env_type: EnvType,
    /// The region asked for.
    pub region: String,
    /// How many pods it shall have.
    pub replicas: i64,
    /// Its volume claims by name.
    pub claims: BTreeMap<String, Claim>,
    /// When no release is admitted.
    pub windows: Vec<Window>,
}

/// A time in which no release of an environment is admitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Window {
    /// When it begins.
    pub from: Timestamp,
    /// When it has ended.
    pub until: Timestamp,
    /// Why, as a business code: `102000` no admission credential, `102001` admission under review.
    pub business_code: String,
}

impl Env {
    /// Why no release is admitted at a time, as a business code.
    pub(crate) fn frozen_at(&self, now: Timestamp) -> Option<&String> {
        let window = self.windows.iter().find(|window| window.from <= now && now < window.until);
        window.map(|window| &window.business_code)
    }
}

/// What an environment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum EnvType {
    /// 0, `test`.
    Test,
    /// 1, `online`.
    Production,
}

impl EnvType {
    /// The number in chapters 1 and 5.
    pub(crate) const fn code(self) -> i64 {
        match self {
            Self::Test => 0,
            Self::Production => 1,
        }
    }

    /// The word in deploy configs and deploy orders.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Production => "online",
        }
    }

    /// The name shown.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Test => "测试",
            Self::Production => "正式",
        }
    }
}

/// How many pods an environment can have at most. The service's own bound is unknown; with none, one call
/// could ask for more pods than memory holds.
const MOST_REPLICAS: i64 = 10_000;

/// The replicas that a call asks for, if it does.
///
/// # Errors
/// More than an environment can have.
pub(crate) fn wanted_replicas(call: &Call) -> Result<Option<i64>, Refusal> {
    let wanted = call.opt_int("Replicas");
    if wanted.is_some_and(|wanted| !(0..=MOST_REPLICAS).contains(&wanted)) {
        return Err(Refusal::invalid(format!("Replicas must be between 0 and {MOST_REPLICAS}")));
    }
    Ok(wanted)
}

pub(super) fn create(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let app_id = call.int("AppId");
    let schema_id = call.int("AppSchemaId");
    state.applications.app(app_id)?;
    state.applications.config_of(app_id, schema_id)?;
    let replicas = wanted_replicas(call)?.unwrap_or_default();
    let env_type = if call.int("EnvType") == EnvType::Test.code() { EnvType::Test } else { EnvType::Production };
    let applications = &mut state.applications;
    let id = next_id(&mut applications.made.envs, 3001);
    let env = Env {
        id,
        app_id,
        schema_id,
        name: call.text("EnvName").to_owned(),
        env_type,
        region: call.text("Region").to_owned(),
        replicas,
        claims: BTreeMap::new(),
        windows: Vec::new(),
    };
    applications.envs.insert(id, env);
    if let Some(app) = applications.apps.get_mut(&app_id) {
        app.envs.insert(id);
    }
    if let Some(cluster) = call.opt_text("ClusterId")
        && let Err(refusal) =
            state.perform("CreateAppResourceAlloc", json!({"AppId": app_id, "AppEnvId": id, "ClusterId": cluster}))
    {
        remove(state, id, false);
        state.applications.made.envs -= 1;
        return Err(refusal);
    }
    Ok(object!({"Result": {"AppEnvId": id}}))
}

pub(super) fn update(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let (app_id, id) = (call.int("AppId"), call.int("AppEnvId"));
    state.applications.env_of(app_id, id)?;
    if let Some(schema_id) = call.opt_int("AppSchemaId") {
        state.applications.config_of(app_id, schema_id)?;
    }
    let replicas = wanted_replicas(call)?;
    if let Some(env) = state.applications.envs.get_mut(&id) {
        env.schema_id = call.opt_int("AppSchemaId").unwrap_or(env.schema_id);
        env.replicas = replicas.unwrap_or(env.replicas);
    }
    success()
}

pub(super) fn list(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let app = state.applications.app(call.int("AppId"))?;
    let env_type = call.opt_int("EnvType");
    let name = call.opt_text("EnvName");
    let envs = app.envs.iter().filter_map(|id| state.applications.envs.get(id)).filter(|env| {
        env_type.is_none_or(|wanted| env.env_type.code() == wanted) && name.is_none_or(|wanted| env.name == wanted)
    });
    Ok(call.page(envs, |env| show(env, None)))
}

/// An environment; only its own description tells the replicas.
fn show(env: &Env, replicas: Option<i64>) -> Json {
    object!({
        "AppId": env.app_id,
        "EnvId": env.id,
        "EnvName": env.name,
        "EnvType": env.env_type.code(),
        "EnvTypeName": env.env_type.name(),
        "AppSchemaId": env.schema_id,
        "Region": env.region,
        "Replicas": replicas,
    })
}

pub(super) fn describe(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let env = state.applications.env_of(call.int("AppId"), call.int("EnvId"))?;
    Ok(object!({"Result": show(env, Some(env.replicas))}))
}

pub(super) fn delete(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let id = call.int("EnvId");
    let env = state.applications.env_of(call.int("AppId"), id)?;
    if !call.is("Force") {
        let claims = env.claims.keys().map(|name| format!("volume claim {name}"));
        let uses: Vec<String> = release::uses_of_env(state, id)
            .into_iter()
            .chain(claims)
            .chain(access::uses_of_env(state, id))
            .chain(cluster::uses_of_env(state, id))
            .collect();
        if !uses.is_empty() {
            return Err(Refusal::in_use(&format!("environment {id}"), &uses));
        }
    }
    begin_removal(state, id, call.fails());
    success()
}

/// Stops what an environment runs, and lets it go.
pub(super) fn begin_removal(state: &mut State, id: i64, fails: bool) {
    release::stop_env(state, id);
    leaving::begin(state, Leaving::Environment(id), fails);
}

/// Removes an environment with all that hangs on it: pods and volumes give back what they hold
/// before the allocation to a cluster goes. Where that fails, its access points stay behind.
pub(crate) fn remove(state: &mut State, id: i64, fails: bool) {
    release::remove_env(state, id);
    access::remove_env(state, id, fails);
    let applications = &mut state.applications;
    applications.waiting.retain(|_, (env_id, _)| *env_id != id);
    let Some(env) = applications.envs.remove(&id) else { return };
    if let Some(app) = applications.apps.get_mut(&env.app_id) {
        app.envs.remove(&id);
    }
    for volume in env.claims.values().filter_map(|claim| claim.volume.as_deref()) {
        cluster::release_claim(state, volume, false);
    }
    cluster::remove_env(state, id);
}

pub(super) fn list_instances(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let env = state.applications.env_of(call.int("AppId"), call.int("EnvId"))?;
    Ok(call.page(state.release.pods_of_env(env.id), |pod| state.release.show_instance(pod, state.now, state.seed)))
}
