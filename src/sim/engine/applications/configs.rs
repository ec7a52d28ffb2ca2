//! Deploy configs, and what their manifests say of the pods that they make.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::{App, Applications, next_id, success};
use crate::sim::engine::call::{Call, Refusal};
use crate::sim::engine::json::{Json, object};
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
    /// The old single ConfigMap, which the list replaces.
    config_map: String,
    config_maps: Vec<String>,
    secrets: Vec<String>,
}

impl Applications {
    /// The deploy config of this id, if the application has it.
    pub(super) fn config_of(&self, app_id: i64, id: i64) -> Result<&Config, Refusal> {
        let config = self.configs.get(&id).filter(|config| config.app_id == app_id);
        config.ok_or_else(|| Refusal::not_found(&format!("deploy config {id} of application"), app_id))
    }

    /// How the pods of a deploy config are made.
    pub(crate) fn template(&self, schema_id: i64) -> Template {
        self.configs.get(&schema_id).map(Config::template).unwrap_or_default()
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
        let Self { deployment, stateful_set, cron_job, config_map, config_maps, secrets, .. } = self;
        for (field, name) in [
            (deployment, "Deployment"),
            (stateful_set, "StatefulSet"),
            (cron_job, "CronJob"),
            (config_map, "ConfigMap"),
        ] {
            if let Some(text) = call.opt_text(name) {
                *field = decode(name, text)?;
            }
        }
        for (field, name) in [(config_maps, "ConfigMapList"), (secrets, "SecretList")] {
            if call.opt_list(name).is_some() {
                *field = call.texts(name).into_iter().map(|text| decode(name, text)).collect::<Result<_, _>>()?;
            }
        }
        Ok(())
    }

    fn template(&self) -> Template {
        let ordered = !self.stateful_set.is_empty();
        let manifest = if ordered { &self.stateful_set } else { &self.deployment };
        Template { ordered, ..Template::read(manifest, &self.code_path) }
    }

    fn show(&self) -> Json {
        let text = |text: &String| (!text.is_empty()).then(|| text.clone());
        let list = |list: &Vec<String>| (!list.is_empty()).then(|| list.clone());
        let template = self.template();
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

/// A manifest arrives in base64.
fn decode(name: &str, text: &str) -> Result<String, Refusal> {
    let bytes = STANDARD.decode(text).map_err(|_| Refusal::invalid(format!("{name} is not base64")))?;
    String::from_utf8(bytes).map_err(|_| Refusal::invalid(format!("{name} is not text in UTF-8")))
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

/// How the pods of a deploy config are made, as far as the simulator goes by it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Template {
    /// The name of the Deployment or StatefulSet.
    pub workload: String,
    /// Whether it is a StatefulSet, whose pods have an order.
    pub ordered: bool,
    /// The containers' images.
    pub images: Vec<String>,
    /// What the containers ask for, together.
    pub requests: Resources,
    /// What the containers may use, together.
    pub limits: Resources,
    /// Where the code package goes.
    pub code_path: String,
}

/// An amount of CPU and memory; nothing said is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Resources {
    /// Thousandths of a CPU.
    pub cpu_millis: i64,
    /// Mebibytes of memory.
    pub memory_mib: i64,
}

impl Resources {
    /// As Kubernetes writes it.
    pub(crate) fn show(&self) -> Json {
        let amount = |amount: i64, whole: i64, large: &str, small: &str| match amount {
            0 => None,
            _ if amount % whole == 0 => Some(format!("{}{large}", amount / whole)),
            _ => Some(format!("{amount}{small}")),
        };
        object!({
            "Cpu": amount(self.cpu_millis, 1000, "", "m"),
            "Memory": amount(self.memory_mib, 1024, "Gi", "Mi"),
        })
    }

    fn add(&mut self, key: &str, value: &str) {
        let Some(amount) = quantity(value) else { return };
        match key {
            "cpu" => self.cpu_millis = self.cpu_millis.saturating_add((amount * 1000.0).round() as i64),
            "memory" => self.memory_mib = self.memory_mib.saturating_add((amount / 1_048_576.0).ceil() as i64),
            _ => {}
        }
    }
}

impl Template {
    /// Picks out of a manifest what matters. Not a YAML parser: it knows lines by their key and depth,
    /// and a `{…}` on one line; what it cannot make out is as if it were not said.
    pub(super) fn read(manifest: &str, code_path: &str) -> Self {
        let mut template = Self { code_path: code_path.to_owned(), ..Self::default() };
        // The block under way: its key, and how deep the key stands.
        let mut block: Option<(&str, usize)> = None;
        for line in manifest.lines() {
            let entry = line.trim_start_matches([' ', '-']);
            let depth = line.len() - entry.len();
            let Some((key, value)) = entry.split_once(':') else { continue };
            let (key, value) = (key.trim().trim_matches('"'), value.trim());
            if block.is_some_and(|(_, outer)| depth <= outer) {
                block = None;
            }
            match (block, key) {
                (Some(("requests", _)), _) => template.requests.add(key, value),
                (Some(("limits", _)), _) => template.limits.add(key, value),
                (Some(("metadata", _)), "name") if template.workload.is_empty() => {
                    template.workload = bare(value).to_owned();
                }
                (None, "requests" | "limits" | "metadata") if value.is_empty() => block = Some((key, depth)),
                (None, "requests" | "limits") => {
                    for (key, value) in
                        value.trim_matches(['{', '}']).split(',').filter_map(|pair| pair.split_once(':'))
                    {
                        match entry.starts_with("requests") {
                            true => template.requests.add(bare(key), value.trim()),
                            false => template.limits.add(bare(key), value.trim()),
                        }
                    }
                }
                (_, "image") => template.images.push(bare(value).to_owned()),
                _ => {}
            }
        }
        template
    }
}

/// A plain YAML value without its quotes.
fn bare(value: &str) -> &str {
    value.trim().trim_matches(['"', '\''])
}

/// A Kubernetes quantity as a plain number.
pub(crate) fn quantity(text: &str) -> Option<f64> {
    let text = bare(text);
    // `129e6`: no suffix begins with a small e.
    if text.contains('e') {
        return text.parse().ok();
    }
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits);
    let factor = match suffix {
        "" => 1.0,
        "m" => 0.001,
        "k" | "K" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        "Ti" => 1_099_511_627_776.0,
        "Pi" => 1_125_899_906_842_624.0,
        "Ei" => 1_152_921_504_606_846_976.0,
        _ => return None,
    };
    number.parse::<f64>().ok().map(|number| number * factor)
}
