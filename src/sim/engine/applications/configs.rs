//! Deploy configs, and what their manifests say of the pods that they make.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::manifest::{Template, documents};
use super::{App, Applications, Env, next_id, success};
use crate::sim::engine::call::{Call, Refusal};
use crate::sim::engine::json::{Json, object};
use crate::sim::engine::resources::Resources;
use crate::sim::engine::state::State;

/// A deploy config.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Config {
    id: i64,
    app_id: i64,
    name: String,
    /// `test` or `online`.
    env_type: String,
    /// Where the code package goes in the container; empty when none is needed.
    code_path: String,
    /// The manifests, decoded; empty when there is none.
    deployment: String,
    stateful_set: String,
    cron_job: String,
    /// The old single ConfigMap. It is one of the list.
    config_map: String,
    config_maps: Vec<String>,
    secrets: Vec<String>,
    /// What the Deployment or StatefulSet says.
    template: Template,
}

impl Applications {
    /// The deploy config of this id, if the application has it.
    pub(super) fn config_of(&self, app_id: i64, id: i64) -> Result<&Config, Refusal> {
        let config = self.configs.get(&id).filter(|config| config.app_id == app_id);
        config.ok_or_else(|| Refusal::not_found(&format!("deploy config {id} of application"), app_id))
    }

    /// How the pods of an environment are made by its deploy config.
    ///
    /// # Errors
    /// Nothing can be deployed by it: it has no workload, or no container, or unpacks a code package where none
    /// is given.
    pub(crate) fn deployable(&self, env: &Env, has_packet: bool) -> Result<Template, Refusal> {
        let id = env.schema_id;
        let Some(config) = self.configs.get(&id) else { return Err(Refusal::not_found("deploy config", id)) };
        let kind = if self.app(env.app_id)?.stateful { "StatefulSet" } else { "Deployment" };
        if config.deployment.is_empty() && config.stateful_set.is_empty() {
            return Err(Refusal::conflict(format!("nothing can be deployed by deploy config {id}: it has no {kind}")));
        }
        if config.template.images.is_empty() {
            return Err(Refusal::conflict(format!(
                "nothing can be deployed by deploy config {id}: its {kind} has no container"
            )));
        }
        if !config.code_path.is_empty() && !has_packet {
            return Err(Refusal::conflict(format!(
                "deploy config {id} unpacks a code package at {}, and none is given: deploy with DeployPacketUrl or \
                 DeployPacketId, or empty its CodePath",
                config.code_path
            )));
        }
        Ok(config.template.clone())
    }
}

pub(super) fn create(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let app_id = call.int("AppId");
    let app = state.applications.app(app_id)?;
    let mut config = Config {
        app_id,
        name: call.text("Name").to_owned(),
        env_type: call.text("EnvType").to_owned(),
        ..Config::default()
    };
    config.change(app, call)?;
    let applications = &mut state.applications;
    config.id = next_id(&mut applications.made.configs, 2001);
    let shown = object!({"AppId": app_id, "Name": config.name, "SchemaId": config.id});
    if let Some(app) = applications.apps.get_mut(&app_id) {
        app.configs.insert(config.id);
    }
    applications.configs.insert(config.id, config);
    Ok(object!({"Result": shown}))
}

pub(super) fn update(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let (app_id, id) = (call.int("AppId"), call.int("Id"));
    let app = state.applications.app(app_id)?;
    let mut config = state.applications.config_of(app_id, id)?.clone();
    config.change(app, call)?;
    state.applications.configs.insert(id, config);
    success()
}

impl Config {
    /// Takes over what a call gives; what it does not give stays. A list replaces the whole list.
    fn change(&mut self, app: &App, call: &Call) -> Result<(), Refusal> {
        for (manifest, stateful) in [("Deployment", false), ("StatefulSet", true)] {
            if app.stateful != stateful && call.opt_text(manifest).is_some_and(|text| !text.is_empty()) {
                let kind = if app.stateful { "stateful" } else { "stateless" };
                return Err(Refusal::invalid(format!("application {} is {kind}: it takes no {manifest}", app.id)));
            }
        }
        if let Some(path) = call.opt_text("CodePath") {
            path.clone_into(&mut self.code_path);
        }
        let Self { deployment, stateful_set, cron_job, .. } = self;
        for (field, name) in [(deployment, "Deployment"), (stateful_set, "StatefulSet"), (cron_job, "CronJob")] {
            if let Some(text) = call.opt_text(name) {
                *field = decode(name, text)?;
            }
        }
        if call.opt_list("SecretList").is_some() {
            self.secrets = decode_all("SecretList", call)?;
        }
        self.change_config_maps(call)?;
        let (kind, manifest) = match self.stateful_set.is_empty() {
            true => ("Deployment", &self.deployment),
            false => ("StatefulSet", &self.stateful_set),
        };
        let template = if manifest.is_empty() { Template::default() } else { Template::read(kind, manifest)? };
        self.template = Template { code_path: self.code_path.clone(), ..template };
        Ok(())
    }

    /// The list replaces everything; the old single one joins it, in place of the one that was there.
    fn change_config_maps(&mut self, call: &Call) -> Result<(), Refusal> {
        if call.opt_list("ConfigMapList").is_some() {
            self.config_maps = decode_all("ConfigMapList", call)?;
            self.config_map.clear();
        }
        if let Some(text) = call.opt_text("ConfigMap") {
            let old = std::mem::replace(&mut self.config_map, decode("ConfigMap", text)?);
            self.config_maps.retain(|map| *map != old && *map != self.config_map);
            if !self.config_map.is_empty() {
                self.config_maps.insert(0, self.config_map.clone());
            }
        }
        Ok(())
    }

    fn show(&self) -> Json {
        let text = |text: &String| (!text.is_empty()).then(|| text.clone());
        let list = |list: &Vec<String>| (!list.is_empty()).then(|| list.clone());
        let template = &self.template;
        let resources = |of: Resources| (of != Resources::default()).then(|| of.show());
        object!({
            "Id": self.id,
            "Name": self.name,
            "AppId": self.app_id,
            "EnvType": self.env_type,
            "ContainerCodePath": {"CodePath": self.code_path},
            "ContainerYamlConf": object!({
                "Deployment": text(&self.deployment),
                "ConfigMap": text(&self.config_map),
                "StatefulSet": text(&self.stateful_set),
                "ConfigMapList": list(&self.config_maps),
                "CronJob": text(&self.cron_job),
                "SecretList": list(&self.secrets),
            }),
            "ContainerResourceRequest": resources(template.requests),
            "ContainerResourceLimit": resources(template.limits),
        })
    }
}

/// A manifest arrives in base64, and is YAML.
fn decode(name: &str, text: &str) -> Result<String, Refusal> {
    let bytes = STANDARD.decode(text).map_err(|_| Refusal::invalid(format!("{name} is not base64")))?;
    let text = String::from_utf8(bytes).map_err(|_| Refusal::invalid(format!("{name} is not text in UTF-8")))?;
    require_kind(name, &documents(name, &text)?)?;
    Ok(text)
}

/// Refuses a manifest that says it is of another kind than the parameter carries. One that says no kind is
/// left alone; a Deployment or StatefulSet is read more closely.
fn require_kind(name: &str, documents: &[Value]) -> Result<(), Refusal> {
    let wanted = name.strip_suffix("List").unwrap_or(name);
    let mut kinds = documents.iter().filter_map(|document| document.get("kind").and_then(Value::as_str)).peekable();
    match kinds.peek().copied() {
        Some(is) if !kinds.any(|kind| kind == wanted) => {
            Err(Refusal::invalid(format!("{name} holds no {wanted}: its kind is {is}")))
        }
        _ => Ok(()),
    }
}

fn decode_all(name: &str, call: &Call) -> Result<Vec<String>, Refusal> {
    call.texts(name).into_iter().map(|text| decode(name, text)).collect()
}

pub(super) fn list(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let app = state.applications.app(call.int("AppId"))?;
    let id = call.opt_int("Id");
    let name = call.opt_text("Name");
    let env_type = call.opt_text("EnvType");
    let configs = app.configs.iter().filter_map(|id| state.applications.configs.get(id)).filter(|config| {
        id.is_none_or(|wanted| config.id == wanted)
            && name.is_none_or(|wanted| config.name == wanted)
            && env_type.is_none_or(|wanted| config.env_type == wanted)
    });
    // The one list that takes no page: all of it is its only page.
    let data: Vec<Json> = configs.map(Config::show).collect();
    Ok(object!({"PageNumber": 1, "PageSize": data.len(), "TotalCount": data.len(), "Data": data}))
}

pub(super) fn delete(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let id = call.int("SchemaId");
    let applications = &mut state.applications;
    let config = applications.configs.get(&id).ok_or_else(|| Refusal::not_found("deploy config", id))?;
    let app = applications.apps.get_mut(&config.app_id);
    let envs = app.iter().flat_map(|app| &app.envs).filter_map(|env| applications.envs.get(env));
    let uses: Vec<String> =
        envs.filter(|env| env.schema_id == id).map(|env| format!("environment {}", env.id)).collect();
    if !uses.is_empty() {
        return Err(Refusal::in_use(&format!("deploy config {id}"), &uses));
    }
    if let Some(app) = app {
        app.configs.remove(&id);
    }
    applications.configs.remove(&id);
    success()
}
