//! An account of a few words, for tests: applications with their environments, nodes, databases. Made by the
//! simulator's own operations on the day before it starts, so that it holds together as a real one does.
//!
//! | word | what it takes | left out |
//! |---|---|---|
//! | `apps` | a number; a list of titles; or a map of titles, each with its environments | none |
//! | an application's environments | a number of replicas, in one called `production`; or a map of names | |
//! | an environment | its replicas; or `#{ replicas, type, deployed }` | one replica; `test` when its name begins so, else `production`; deployed |
//! | `nodes` | a number, for production, with one for test; or `#{ production, test }` | 4 and 1 |
//! | `databases` | a number; a list of instances; or a map of instances, each with its databases | none |

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::demo::{manifest, number};
use super::engine::call::{Call, Refusal};
use super::engine::cluster::{self, MachineType, add_machine};
use super::engine::rds::{Engine, History, Instance, add_instance, night_of};
use super::engine::state::State;
use crate::suggest;

/// The words of a world.
const WORDS: [&str; 3] = ["apps", "nodes", "databases"];
const OF_ENVIRONMENT: [&str; 3] = ["replicas", "type", "deployed"];
const TYPES: [&str; 2] = ["test", "production"];

const REGION: &str = "cn-zhangjiakou";
const VPC: &str = "vpc-1";
/// The most of anything.
const MOST: i64 = 1000;

/// What a world is to have.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct World {
    apps: Vec<(String, Vec<Environment>)>,
    /// Nodes of the test cluster, and of production's.
    nodes: [i64; 2],
    databases: Vec<(String, Vec<String>)>,
}

#[derive(Debug, PartialEq)]
struct Environment {
    name: String,
    is_production: bool,
    replicas: i64,
    is_deployed: bool,
}

impl World {
    /// The world that these words mean.
    ///
    /// # Errors
    /// What is wrong with the first word that does not fit.
    pub(crate) fn of(words: &Value) -> Result<Self, String> {
        let Value::Object(words) = words else {
            return Err(format!("world takes \"demo\" or a map such as #{{ apps: [\"shop\"] }}, not {words}"));
        };
        known("world", words, &WORDS)?;
        let given = |word: &str| words.get(word).filter(|value| !value.is_null());
        Ok(Self {
            apps: given("apps").map_or(Ok(Vec::new()), apps)?,
            nodes: given("nodes").map_or(Ok([1, 4]), nodes)?,
            databases: given("databases").map_or(Ok(Vec::new()), databases)?,
        })
    }

    /// The account as it is at this time, and the ids of what is in it.
    ///
    /// # Errors
    /// What the simulator's own operations refuse.
    pub(crate) fn build(&self, start: Timestamp) -> Result<(State, Value), Refusal> {
        let mut state = State::empty(start - SignedDuration::from_hours(24));
        state.seed = 1;
        state.users.add("2088000000001", "TAOBAO", "owner");
        let nodes = self.clusters(&mut state)?;
        let (mut app_ids, mut env_ids) = (Map::new(), Map::new());
        for (n, (title, environments)) in self.apps.iter().enumerate() {
            let app_id = application(&mut state, n, title)?;
            for environment in environments {
                let env_id = environment.build(&mut state, app_id)?;
                env_ids.insert(format!("{title}/{}", environment.name), env_id.into());
            }
            app_ids.insert(title.clone(), app_id.0.into());
        }
        for (id, names) in &self.databases {
            database(&mut state, id, names);
        }
        state.advance(start);
        let databases: Vec<&str> = self.databases.iter().map(|(id, _)| id.as_str()).collect();
        let clusters = json!({"test": cluster_id(false), "production": cluster_id(true)});
        let ids =
            json!({"apps": app_ids, "envs": env_ids, "clusters": clusters, "nodes": nodes, "databases": databases});
        Ok((state, ids))
    }

    /// Two clusters with their nodes, whose ids it gives.
    fn clusters(&self, state: &mut State) -> Result<Value, Refusal> {
        for (is_production, env_type, pods, services) in
            [(false, "TEST", "172.24.0.0/16", "172.25.0.0/20"), (true, "PRO", "172.20.0.0/16", "172.21.0.0/20")]
        {
            let params = json!({
                "BusinessCode": "JST", "ClusterEnvType": env_type, "ClusterTitle": cluster_id(is_production),
                "ClusterType": "Standard", "RegionId": REGION, "VpcId": VPC, "Vswitchids": ["vsw-1"],
                "Password": "Fake-only-1!", "PodCIDR": pods, "ServiceCIDR": services,
            });
            let (Some(operation), Value::Object(params)) = (crate::catalogue::find("CreateCluster"), params) else {
                return Err(Refusal::not_found("operation", "CreateCluster"));
            };
            cluster::create_as(state, &Call::new(operation, params), cluster_id(is_production).to_owned())?;
        }
        state.advance(state.now + cluster::RUNNING_AFTER);
        let mut all = Map::new();
        let mut first = 1;
        for (is_production, count) in [true, false].into_iter().zip(self.nodes.into_iter().rev()) {
            let nodes: Vec<String> = (0..count).zip(first..).map(|(_, n)| format!("i-{n:04}")).collect();
            nodes.iter().for_each(|node| add_machine(state, node, VPC, REGION, MachineType::Cpus16));
            if !nodes.is_empty() {
                let cluster = cluster_id(is_production);
                state.perform("AddClusterNode", json!({"ClusterInstanceId": cluster, "EcsInstanceIdList": nodes}))?;
            }
            first += nodes.len();
            let kind = if is_production { "production" } else { "test" };
            all.insert(kind.to_owned(), nodes.into());
        }
        state.advance(state.now + cluster::JOINED_AFTER);
        Ok(all.into())
    }
}

fn cluster_id(is_production: bool) -> &'static str {
    if is_production { "c-production" } else { "c-test" }
}

/// An application and its deploy config: their ids.
fn application(state: &mut State, n: usize, title: &str) -> Result<(i64, i64), Refusal> {
    let created = state.perform(
        "CreateApp",
        json!({
            "BizCode": "JST", "Language": "Java", "OperatingSystem": "Linux", "ServiceType": "StoreApplication",
            "Title": title, "BizTitle": title,
            "UserRoles": [{"RoleName": "Owner", "UserId": "2088000000001", "UserType": "TAOBAO"}],
        }),
    )?;
    let app_id = number(&created, "AppId");
    let config = json!({
        "AppId": app_id, "EnvType": "online", "Name": title, "CodePath": "",
        "Deployment": manifest("Deployment", &format!("app-{}", n + 1), "250m", "512Mi"),
    });
    Ok((app_id, number(&state.perform("CreateDeployConfig", config)?, "SchemaId")))
}

impl Environment {
    fn build(&self, state: &mut State, (app_id, schema_id): (i64, i64)) -> Result<i64, Refusal> {
        let params = json!({
            "AppId": app_id, "AppSchemaId": schema_id, "EnvName": self.name, "EnvType": i64::from(self.is_production),
            "Region": REGION, "Replicas": self.replicas,
        });
        let env_id = number(&state.perform("CreateEnvironment", params)?, "AppEnvId");
        let cluster = cluster_id(self.is_production);
        state.perform("CreateAppResourceAlloc", json!({"AppEnvId": env_id, "AppId": app_id, "ClusterId": cluster}))?;
        if self.is_deployed {
            let deploy = json!({"EnvId": env_id, "Name": "1.0", "TotalPartitions": 1, "PauseType": "none"});
            state.perform("DeployApp", deploy)?;
        }
        Ok(env_id)
    }
}

/// A MySQL instance that is backed up every night.
fn database(state: &mut State, id: &str, names: &[String]) {
    let long_ago = state.now - SignedDuration::from_hours(24 * 120);
    let history = History {
        seed: 1,
        first: night_of(long_ago),
        size: (840 << 20, 2 << 20),
        single_tables: true,
        ..History::default()
    };
    let instance = names.iter().fold(Instance::new(Engine::MySql, history), |instance, name| {
        instance.database(name, "utf8mb4", name, long_ago)
    });
    add_instance(state, id, instance);
}

fn apps(given: &Value) -> Result<Vec<(String, Vec<Environment>)>, String> {
    const WANTED: &str = "apps is a number, a list of titles, or a map of titles with their environments";
    let usual = || environments("", &json!(2));
    match given {
        Value::Number(_) => (1..=count("apps", given)?).map(|n| Ok((format!("app-{n}"), usual()?))).collect(),
        Value::Array(titles) => {
            titles.iter().map(|title| Ok((title.as_str().ok_or(WANTED)?.to_owned(), usual()?))).collect()
        }
        Value::Object(apps) => {
            apps.iter().map(|(title, given)| Ok((title.clone(), environments(title, given)?))).collect()
        }
        _ => Err(WANTED.to_owned()),
    }
}

fn environments(app: &str, given: &Value) -> Result<Vec<Environment>, String> {
    match given {
        Value::Number(_) => Ok(vec![Environment::of("production", given)?]),
        Value::Object(environments) => environments.iter().map(|(name, given)| Environment::of(name, given)).collect(),
        _ => {
            Err(format!("the application {app} takes a number of replicas, or a map of its environments, not {given}"))
        }
    }
}

impl Environment {
    fn of(name: &str, given: &Value) -> Result<Self, String> {
        let is_production = !name.starts_with("test");
        let usual = Self { name: name.to_owned(), is_production, replicas: 1, is_deployed: true };
        let Value::Object(given) = given else {
            return Ok(Self { replicas: count(name, given)?, ..usual });
        };
        known(&format!("the environment {name}"), given, &OF_ENVIRONMENT)?;
        let is_production = match given.get("type").map(|kind| kind.as_str().unwrap_or_default()) {
            None => is_production,
            Some(kind) if TYPES.contains(&kind) => kind == "production",
            Some(_) => return Err(format!("the type of the environment {name} is {}", TYPES.join(" or "))),
        };
        let replicas = given.get("replicas").map_or(Ok(1), |given| count(name, given))?;
        let is_deployed = given.get("deployed").is_none_or(|deployed| *deployed == Value::Bool(true));
        Ok(Self { is_production, replicas, is_deployed, ..usual })
    }
}

fn nodes(given: &Value) -> Result<[i64; 2], String> {
    match given {
        Value::Object(nodes) => {
            known("nodes", nodes, &TYPES)?;
            let of = |kind: &str| nodes.get(kind).map_or(Ok(0), |given| count("nodes", given));
            Ok([of("test")?, of("production")?])
        }
        given => Ok([1, count("nodes", given)?]),
    }
}

fn databases(given: &Value) -> Result<Vec<(String, Vec<String>)>, String> {
    const WANTED: &str =
        "databases is a number, a list of instances, or a map of instances with lists of their databases";
    let names = |given: &Value| given.as_array()?.iter().map(|name| Some(name.as_str()?.to_owned())).collect();
    match given {
        Value::Number(_) => Ok((1..=count("databases", given)?).map(|n| (format!("rm-{n}"), Vec::new())).collect()),
        Value::Array(_) => {
            let ids: Option<Vec<String>> = names(given);
            Ok(ids.ok_or(WANTED)?.into_iter().map(|id| (id, Vec::new())).collect())
        }
        Value::Object(instances) => {
            let instance = |(id, given): (&String, &Value)| Some((id.clone(), names(given)?));
            instances.iter().map(instance).collect::<Option<_>>().ok_or_else(|| WANTED.to_owned())
        }
        _ => Err(WANTED.to_owned()),
    }
}

/// A number of things.
fn count(what: &str, given: &Value) -> Result<i64, String> {
    let number = given.as_i64().filter(|number| (0..=MOST).contains(number));
    number.ok_or_else(|| format!("{what} is given a number from 0 to {MOST}, not {given}"))
}

fn known(what: &str, given: &Map<String, Value>, words: &[&str]) -> Result<(), String> {
    let Some(stray) = given.keys().find(|word| !words.contains(&word.as_str())) else { return Ok(()) };
    let near = suggest::nearest(stray, words.iter().copied());
    let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    Err(format!("{what} has no word `{stray}`; it takes {}{near}", words.join(", ")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;
    use crate::sim::demo::START;

    #[test]
    fn a_world_runs_when_it_starts() {
        let words = json!({
            "apps": {"shop": {"production": 3, "test": 1}, "pay": {"blue": {"replicas": 2, "deployed": false}}},
            "nodes": {"production": 2, "test": 1},
            "databases": {"rm-shop": ["orders"]},
        });
        let (mut state, ids) = World::of(&words).unwrap().build(START).unwrap();
        assert_eq!(state.now, START);
        assert_eq!(ids["nodes"], json!({"production": ["i-0001", "i-0002"], "test": ["i-0003"]}));
        let keys: Vec<&String> = ids["envs"].as_object().unwrap().keys().collect();
        assert_eq!(keys, ["shop/production", "shop/test", "pay/blue"]);
        for (env, running) in [("shop/production", 3), ("shop/test", 1), ("pay/blue", 0)] {
            let asked = json!({"EnvId": ids["envs"][env], "AppId": ids["apps"][env.split('/').next().unwrap()]});
            let pods = state.perform("ListAppInstance", asked).unwrap();
            assert_eq!(pods["Data"].as_array().map_or(0, Vec::len), running, "{env}: {pods}");
        }
        let databases = state.perform("DescribeDatabases", json!({"InstanceId": "rm-shop"}));
        assert!(databases.unwrap().to_string().contains("orders"));
    }

    #[test]
    fn words_that_are_none_are_named() {
        for (words, expected) in [
            (json!(5), "world takes \"demo\" or a map such as #{ apps: [\"shop\"] }, not 5"),
            (json!({"app": 1}), "world has no word `app`; it takes apps, nodes, databases; did you mean `apps`?"),
            (json!({"apps": [1]}), "apps is a number, a list of titles, or a map of titles with their environments"),
            (
                json!({"apps": {"shop": "x"}}),
                "the application shop takes a number of replicas, or a map of its environments, not \"x\"",
            ),
            (
                json!({"apps": {"shop": {"a": {"typ": "test"}}}}),
                "the environment a has no word `typ`; it takes replicas, type, deployed; did you mean `type`?",
            ),
            (json!({"apps": {"shop": {"a": {"type": "prod"}}}}), "the type of the environment a is test or production"),
            (json!({"apps": -1}), "apps is given a number from 0 to 1000, not -1"),
            (json!({"nodes": {"prod": 1}}), "nodes has no word `prod`; it takes test, production"),
            (
                json!({"databases": {"rm-1": "x"}}),
                "databases is a number, a list of instances, or a map of instances with lists of their databases",
            ),
        ] {
            assert_eq!(World::of(&words), Err(expected.to_owned()), "{words}");
        }
    }
}
