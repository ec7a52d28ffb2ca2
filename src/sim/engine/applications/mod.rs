//! Chapter 1 simulated: applications here; their environments, deploy configs and volume claims in
//! the files beside.
//!
//! An application holds environments and deploy configs, an environment holds volume claims. What
//! other chapters hang on an environment they keep themselves, and say so when it is to be deleted.

mod claims;
mod configs;
mod environments;
mod manifest;
#[cfg(test)]
pub(in crate::sim) mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::sim::engine::call::{Call, Handler, Refusal};
use crate::sim::engine::json::{Json, object};
use crate::sim::engine::leaving::{self, Leaving};
use crate::sim::engine::state::State;
use crate::sim::engine::users::User;
pub(crate) use claims::{Claim, bind_waiting_claims, remove as remove_claim};
pub(crate) use configs::Config;
pub(crate) use environments::{Env, Window, remove as remove_env, wanted_replicas};
pub(crate) use manifest::Template;

/// What chapter 1 is about.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Applications {
    apps: BTreeMap<i64, App>,
    configs: BTreeMap<i64, Config>,
    envs: BTreeMap<i64, Env>,
    /// The applications that each user has a role in.
    of_user: BTreeMap<String, BTreeSet<i64>>,
    /// Claims that wait for a volume, the oldest first: environment and name.
    waiting: BTreeMap<i64, (i64, String)>,
    made: Made,
}

/// How many were ever made: ids are never used twice.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Made {
    apps: i64,
    configs: i64,
    envs: i64,
    claims: i64,
}

/// An application.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct App {
    /// Its id.
    pub id: i64,
    /// Its title, unique in the account.
    pub title: String,
    biz_code: String,
    language: String,
    operating_system: String,
    service_type: String,
    biz_title: String,
    description: String,
    /// Whether it keeps state: it runs as a StatefulSet then, otherwise as a Deployment.
    pub stateful: bool,
    /// The Kubernetes namespace of its pods.
    pub namespace: String,
    middleware: Vec<i64>,
    roles: Vec<Role>,
    /// Its environments.
    pub envs: BTreeSet<i64>,
    configs: BTreeSet<i64>,
}

/// What a user may do with an application.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Role {
    role_name: String,
    user_id: String,
    user_type: String,
}

impl Role {
    /// What whoever creates an application is, unless the call says who is what.
    fn of_owner(user: &User) -> Self {
        Self { role_name: "Owner".to_owned(), user_id: user.id.clone(), user_type: user.user_type.clone() }
    }
}

impl Applications {
    /// The application of this id.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn app(&self, id: i64) -> Result<&App, Refusal> {
        self.apps.get(&id).ok_or_else(|| Refusal::not_found("application", id))
    }

    /// The environment of this id.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn env(&self, id: i64) -> Result<&Env, Refusal> {
        self.envs.get(&id).ok_or_else(|| Refusal::not_found("environment", id))
    }

    /// The environment of this id, if the application has it.
    ///
    /// # Errors
    /// One of them does not exist, or they do not belong together.
    pub(crate) fn env_of(&self, app_id: i64, id: i64) -> Result<&Env, Refusal> {
        self.app(app_id)?;
        let env = self.env(id)?;
        if env.app_id != app_id {
            return Err(Refusal::not_found(&format!("environment {id} of application"), app_id));
        }
        Ok(env)
    }

    /// Notes who has a role in an application.
    fn note_roles(&mut self, id: i64, roles: &[Role]) {
        for role in roles {
            self.of_user.entry(role.user_id.clone()).or_default().insert(id);
        }
    }

    fn forget_roles(&mut self, id: i64, roles: &[Role]) {
        for role in roles {
            if let Some(apps) = self.of_user.get_mut(&role.user_id) {
                apps.remove(&id);
            }
        }
    }

    /// Notes how many pods an environment shall have.
    pub(crate) fn set_replicas(&mut self, env_id: i64, replicas: i64) {
        if let Some(env) = self.envs.get_mut(&env_id) {
            env.replicas = replicas;
        }
    }

    /// Lets no release of an environment be admitted for a time.
    pub(crate) fn freeze(&mut self, env_id: i64, window: Window) {
        if let Some(env) = self.envs.get_mut(&env_id) {
            env.windows.push(window);
        }
    }

    /// Every environment.
    #[cfg(test)]
    pub(crate) fn envs(&self) -> impl Iterator<Item = &Env> {
        self.envs.values()
    }
}

impl App {
    /// Whether it runs on Windows, not on Linux.
    pub(crate) fn is_windows(&self) -> bool {
        self.operating_system == "Windows"
    }
}

/// The next id of a kind that counts from `first`.
fn next_id(made: &mut i64, first: i64) -> i64 {
    *made += 1;
    first + *made - 1
}

/// The reply of an operation that says by itself that it succeeded.
fn success() -> Result<Json, Refusal> {
    Ok(object!({"Result": {"Success": true}}))
}

pub(in crate::sim) const HANDLERS: &[(&str, Handler)] = &[
    ("CreateApp", create_app),
    ("UpdateApp", update_app),
    ("ListApp", list_app),
    ("DescribeAppDetail", describe_app_detail),
    ("DeleteAppDetail", delete_app_detail),
    ("CreateEnvironment", environments::create),
    ("UpdateEnvironment", environments::update),
    ("ListAppEnvironment", environments::list),
    ("DeleteAppEnvironment", environments::delete),
    ("DescribeAppEnvironmentDetail", environments::describe),
    ("CreateDeployConfig", configs::create),
    ("ListDeployConfig", configs::list),
    ("DeleteDeployConfig", configs::delete),
    ("UpdateDeployConfig", configs::update),
    ("ListAppInstance", environments::list_instances),
    ("CreatePersistentVolumeClaim", claims::create),
    ("DeletePersistentVolumeClaim", claims::delete),
    ("ListPersistentVolumeClaim", claims::list),
];

fn create_app(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let title = call.text("Title");
    if let Some(other) = state.applications.apps.values().find(|app| app.title == title) {
        return Err(Refusal::conflict(format!("application {} is already called \"{title}\"", other.id)));
    }
    let roles = roles(state, call)?.unwrap_or_else(|| state.users.caller().map(Role::of_owner).into_iter().collect());
    let applications = &mut state.applications;
    let id = next_id(&mut applications.made.apps, 1001);
    let text = |name: &str| call.text(name).to_owned();
    let app = App {
        id,
        title: title.to_owned(),
        biz_code: text("BizCode"),
        language: text("Language"),
        operating_system: text("OperatingSystem"),
        service_type: text("ServiceType"),
        biz_title: text("BizTitle"),
        description: text("Description"),
        stateful: call.opt_int("StateType") == Some(2),
        namespace: call.opt_text("Namespace").unwrap_or("default").to_owned(),
        middleware: call.ints("MiddleWareIdList"),
        roles,
        envs: BTreeSet::new(),
        configs: BTreeSet::new(),
    };
    applications.note_roles(id, &app.roles);
    applications.apps.insert(id, app);
    Ok(object!({"Result": {"AppId": id}}))
}

fn update_app(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let id = call.int("AppId");
    state.applications.app(id)?;
    let roles = roles(state, call)?;
    let Some(app) = state.applications.apps.get_mut(&id) else { return success() };
    let App { biz_title, description, language, operating_system, service_type, .. } = app;
    for (field, name) in [
        (biz_title, "BizTitle"),
        (description, "Description"),
        (language, "Language"),
        (operating_system, "OperatingSystem"),
        (service_type, "ServiceType"),
    ] {
        if let Some(text) = call.opt_text(name) {
            *field = text.to_owned();
        }
    }
    if call.opt_list("MiddleWareIdList").is_some() {
        app.middleware = call.ints("MiddleWareIdList");
    }
    if let Some(roles) = roles {
        let old = std::mem::replace(&mut app.roles, roles.clone());
        state.applications.forget_roles(id, &old);
        state.applications.note_roles(id, &roles);
    }
    success()
}

/// The roles that a call gives, if it gives any. Each must be a user's of the account.
fn roles(state: &State, call: &Call) -> Result<Option<Vec<Role>>, Refusal> {
    let Some(list) = call.opt_list("UserRoles") else { return Ok(None) };
    let roles = list.iter().map(|given| {
        let text = |name: &str| given.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let role = Role { role_name: text("RoleName"), user_id: text("UserId"), user_type: text("UserType") };
        state.users.user(&role.user_id, &role.user_type)?;
        Ok(role)
    });
    roles.collect::<Result<_, _>>().map(Some)
}

/// The applications that the caller has a role in.
fn list_app(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let applications = &state.applications;
    let of_caller = state.users.caller().and_then(|user| applications.of_user.get(&user.id));
    let ids = of_caller.into_iter().flatten();
    // Only what the page shows is looked up. The one list whose reply does not repeat the page it was asked for.
    let shown = |id: &i64| applications.apps.get(id).map(|app| show(app, "MiddleWareList", None));
    let (total, data) = call.records(ids, shown);
    Ok(object!({"TotalCount": total, "Data": data}))
}

/// An application as both replies show it; they name the middleware differently, and only one has roles.
fn show(app: &App, middleware: &str, roles: Option<Json>) -> Json {
    let used = app.middleware.iter().map(|code| object!({"AppId": app.id, "Code": code}));
    object!({
        "AppId": app.id,
        "Title": app.title,
        "Description": app.description,
        "Language": app.language,
        "OperatingSystem": app.operating_system,
        "BizName": app.biz_code,
        "ServiceType": app.service_type,
        "DeployType": "ContainerDeployment",
        "BizTitle": app.biz_title,
        "AppStateType": if app.stateful { "stateful" } else { "stateless" },
        (middleware): (!app.middleware.is_empty()).then(|| used.collect::<Vec<_>>()),
        "UserRoles": roles,
    })
}

fn describe_app_detail(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let app = state.applications.app(call.int("AppId"))?;
    let roles = app.roles.iter().map(|role| {
        object!({
            "UserId": role.user_id,
            "UserType": role.user_type,
            "RealName": state.users.real_name(&role.user_id),
            "RoleName": role.role_name,
        })
    });
    Ok(object!({"Result": show(app, "MiddleWareInfoList", Some(roles.collect()))}))
}

fn delete_app_detail(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let id = call.int("AppId");
    let app = state.applications.app(id)?;
    let envs: Vec<i64> = app.envs.iter().copied().collect();
    let configs: Vec<i64> = app.configs.iter().copied().collect();
    if !call.is("Force") {
        let named = |what: &str, ids: &[i64]| {
            (!ids.is_empty()).then(|| {
                let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
                format!("{what}{} {}", if ids.len() == 1 { "" } else { "s" }, ids.join(" "))
            })
        };
        let uses: Vec<String> =
            named("environment", &envs).into_iter().chain(named("deploy config", &configs)).collect();
        if !uses.is_empty() {
            return Err(Refusal::in_use(&format!("application {id}"), &uses));
        }
    }
    for env in envs {
        environments::begin_removal(state, env, false);
    }
    leaving::begin(state, Leaving::Application(id), false);
    success()
}

/// Takes out an application with its deploy configs; its environments went before.
pub(crate) fn remove_app(state: &mut State, id: i64) {
    let Some(app) = state.applications.apps.remove(&id) else { return };
    state.applications.forget_roles(id, &app.roles);
    for config in app.configs {
        state.applications.configs.remove(&config);
    }
}
