//! A generated account of any size: the same for the same seed.

mod extras;

use self::extras::Made;
use fastrand::Rng;
use jiff::SignedDuration;
use serde_json::json;

use super::shops::{manifest, number};
use crate::sim::engine::call::Refusal;
use crate::sim::engine::cluster::{JOINED_AFTER, MachineType, RUNNING_AFTER, add_machine};
use crate::sim::engine::resources::Resources;
use crate::sim::engine::state::State;
use crate::sim::options::Fleet;

const REGION: &str = "cn-zhangjiakou";
/// Nodes of a cluster at most: its range of addresses has room for the pods on so many.
const NODES_OF_CLUSTER: u32 = 100;
const TYPES: [MachineType; 4] = [MachineType::Cpus4, MachineType::Cpus8, MachineType::Cpus16, MachineType::Cpus32];

/// What shops are made of.
const LINES: [(&str, &str); 16] = [
    ("女装", "womens-wear"),
    ("男装", "mens-wear"),
    ("童装", "kids-wear"),
    ("母婴", "baby"),
    ("家电", "appliances"),
    ("数码", "digital"),
    ("美妆", "beauty"),
    ("食品", "food"),
    ("生鲜", "fresh"),
    ("家居", "home"),
    ("图书", "books"),
    ("运动", "sports"),
    ("箱包", "bags"),
    ("珠宝", "jewelry"),
    ("宠物", "pets"),
    ("车品", "auto"),
];
const PARTS: [(&str, &str); 12] = [
    ("商城", "mall"),
    ("订单", "order"),
    ("库存", "inventory"),
    ("支付", "pay"),
    ("会员", "member"),
    ("搜索", "search"),
    ("营销", "promotion"),
    ("物流", "logistics"),
    ("客服", "service-desk"),
    ("消息", "message"),
    ("图片", "image"),
    ("报表", "report"),
];

/// A cluster under construction.
struct Cluster {
    id: String,
    production: bool,
    nodes: Vec<MachineType>,
    /// How many more pods there is room for.
    room: i64,
}

/// An environment under construction.
struct Env {
    app: usize,
    name: String,
    production: bool,
    replicas: i64,
}

/// How long it takes until all is deployed, whatever the size.
const DEPLOYING: SignedDuration = SignedDuration::from_hours(2);
/// How long a fleet takes in all. The last deploys are finished by then.
const TAKES: SignedDuration = SignedDuration::from_hours(3);

/// Adds a fleet to an account by the simulator's own operations, and brings every environment to run.
/// The account's time goes on by [`TAKES`] meanwhile. Without nodes, nothing is deployed.
///
/// # Errors
/// None that a test would not have caught.
pub(crate) fn build(state: &mut State, fleet: Fleet, seed: u64) -> Result<(), Refusal> {
    let mut random = Rng::with_seed(seed);
    let end = state.now + TAKES;
    let mut clusters = clusters(state, fleet.nodes, &mut random)?;
    let envs = environments(fleet, &mut random);
    let pod = pod_size(&clusters, envs.iter().map(|env| env.replicas).sum());
    for cluster in &mut clusters {
        cluster.room = cluster.room_for(pod);
    }
    let apps = applications(state, fleet.apps, pod, &mut random)?;
    let pace = DEPLOYING / i32::try_from(fleet.envs.max(1)).unwrap_or(i32::MAX);
    let mut made = Vec::new();
    for env in &envs {
        made.push(deploy(state, env, &apps, &mut clusters)?);
        state.advance(state.now + pace);
    }
    extras::add(state, &clusters, &made, end)?;
    state.advance(end);
    Ok(())
}

impl Cluster {
    /// How many pods of a size its nodes have room for.
    fn room_for(&self, pod: Resources) -> i64 {
        self.nodes.iter().map(|node| pod.fit_into(node.room())).sum()
    }
}

/// As much as a pod may ask for so that so many fill two thirds of the nodes.
fn pod_size(clusters: &[Cluster], pods: i64) -> Resources {
    let sizes =
        [2000, 1000, 500, 250, 100, 50, 20].map(|cpu_millis| Resources { cpu_millis, memory_mib: cpu_millis * 3 / 2 });
    let fits = |size: &Resources| clusters.iter().map(|cluster| cluster.room_for(*size)).sum::<i64>() * 2 / 3 >= pods;
    sizes.into_iter().find(fits).unwrap_or(Resources { cpu_millis: 10, memory_mib: 15 })
}

fn clusters(state: &mut State, nodes: u32, random: &mut Rng) -> Result<Vec<Cluster>, Refusal> {
    if nodes == 0 {
        return Ok(Vec::new());
    }
    let mut clusters = Vec::new();
    // Two at least, so that test and production do not share one.
    let count = nodes.div_ceil(NODES_OF_CLUSTER).max(2).min(nodes);
    for index in 0..count {
        let production = index % 3 != 1;
        let created = state.perform(
            "CreateCluster",
            json!({
                "BusinessCode": "JST",
                "ClusterEnvType": if production { "PRO" } else { "TEST" },
                "ClusterTitle": format!("{}集群{:02}", if production { "正式" } else { "测试" }, index + 1),
                "ClusterType": "Standard",
                "RegionId": REGION,
                // A VPC for every hundred clusters: their ranges must not overlap within one.
                "VpcId": vpc(index),
                "Vswitchids": ["vsw-fleet-1"],
                "KeyPair": "fleet",
                "PodCIDR": format!("10.{}.0.0/16", 2 * (index % 100)),
                "ServiceCIDR": format!("10.{}.0.0/16", 2 * (index % 100) + 1),
            }),
        )?;
        let id = created.get("Result").and_then(|result| result.get("ClusterInstanceId")).and_then(|id| id.as_str());
        clusters.push(Cluster { id: id.unwrap_or_default().to_owned(), production, nodes: Vec::new(), room: 0 });
    }
    state.advance(state.now + RUNNING_AFTER);
    for (index, cluster) in (0..).zip(&mut clusters) {
        // Nodes are dealt out evenly.
        let mut ids = Vec::new();
        for number in (index..nodes).step_by(count as usize) {
            let id = format!("i-fleet-{:05}", number + 1);
            let machine_type = random.choice(TYPES).unwrap_or(MachineType::Cpus16);
            add_machine(state, &id, &vpc(index), REGION, machine_type);
            cluster.nodes.push(machine_type);
            ids.push(id);
        }
        state.perform("AddClusterNode", json!({"ClusterInstanceId": cluster.id, "EcsInstanceIdList": ids}))?;
    }
    state.advance(state.now + JOINED_AFTER);
    Ok(clusters)
}

fn vpc(cluster: u32) -> String {
    format!("vpc-fleet-{}", cluster / 100 + 1)
}

/// Environments, dealt out to the applications in turn: the first of each for test, then production.
fn environments(fleet: Fleet, random: &mut Rng) -> Vec<Env> {
    let apps = fleet.apps.max(1);
    let env = |number: u32| {
        let round = number / apps;
        let name = match round {
            0 => "测试环境".to_owned(),
            1 => "正式环境".to_owned(),
            2 => "灰度环境".to_owned(),
            round => format!("正式环境{}", round - 1),
        };
        // Most are small, a few are large.
        let replicas = match (round, random.u32(0..10)) {
            (0, _) => random.i64(1..=2),
            (_, 0) => random.i64(20..=40),
            (_, 1..=3) => random.i64(8..=16),
            _ => random.i64(2..=6),
        };
        Env { app: (number % apps) as usize, name, production: round > 0, replicas }
    };
    (0..fleet.envs).map(env).collect()
}

/// Applications, each with a deploy config: their ids, and those of the configs.
fn applications(state: &mut State, count: u32, pod: Resources, random: &mut Rng) -> Result<Vec<(i64, i64)>, Refusal> {
    const OWNERS: [&str; 4] = ["张伟", "王芳", "李娜", "刘洋"];
    const LANGUAGES: [&str; 4] = ["Java", "Java", "PHP", "Python"];
    for (index, name) in OWNERS.iter().enumerate() {
        state.users.add(&format!("208810000000{index}"), "TAOBAO", name);
    }
    let caller = state.users.caller().map_or(String::new(), |user| user.id.clone());
    let mut apps = Vec::new();
    let names = PARTS.iter().flat_map(|part| LINES.iter().map(move |line| (line, part)));
    for (index, (line, part)) in names.cycle().take(count as usize).enumerate() {
        // Every name once without a number, then again with one.
        let (title, slug) = match index / (LINES.len() * PARTS.len()) {
            0 => (format!("{}{}", line.0, part.0), format!("{}-{}", line.1, part.1)),
            round => (format!("{}{}{}", line.0, part.0, round + 1), format!("{}-{}-{}", line.1, part.1, round + 1)),
        };
        let owner = format!("208810000000{}", random.usize(0..OWNERS.len()));
        let role = |name: &str, user: &str| json!({"RoleName": name, "UserId": user, "UserType": "TAOBAO"});
        let created = state.perform(
            "CreateApp",
            json!({
                "BizCode": "JST",
                "Language": random.choice(LANGUAGES),
                "OperatingSystem": "Linux",
                "ServiceType": "StoreApplication",
                "Title": title,
                "BizTitle": title,
                // Who calls works on all of them.
                "UserRoles": [role("Owner", &owner), role("PE", &caller)],
            }),
        )?;
        let app_id = number(&created, "AppId");
        let config = state.perform(
            "CreateDeployConfig",
            json!({
                "AppId": app_id,
                "EnvType": "online",
                "Name": format!("{title}部署配置"),
                "Deployment": manifest("Deployment", &slug, &format!("{}m", pod.cpu_millis), &format!("{}Mi", pod.memory_mib)),
            }),
        )?;
        apps.push((app_id, number(&config, "SchemaId")));
    }
    Ok(apps)
}

/// Creates an environment in the cluster of its kind with most room, and deploys it. Gives its ids.
fn deploy(state: &mut State, env: &Env, apps: &[(i64, i64)], clusters: &mut [Cluster]) -> Result<Made, Refusal> {
    let Some(&(app_id, schema_id)) = apps.get(env.app) else { return Err(Refusal::not_found("application", env.app)) };
    let created = state.perform(
        "CreateEnvironment",
        json!({
            "AppId": app_id,
            "AppSchemaId": schema_id,
            "EnvName": env.name,
            "EnvType": i64::from(env.production),
            "Region": REGION,
            "Replicas": env.replicas,
        }),
    )?;
    let env_id = number(&created, "AppEnvId");
    // A cluster of the other kind is better than none with room.
    let best = clusters.iter_mut().max_by_key(|cluster| {
        let fits = cluster.room >= env.replicas;
        (fits, cluster.production == env.production, cluster.room)
    });
    let made = (app_id, schema_id, env_id);
    let Some(cluster) = best else { return Ok(made) };
    cluster.room -= env.replicas;
    let alloc = json!({"AppEnvId": env_id, "AppId": app_id, "ClusterId": cluster.id});
    state.perform("CreateAppResourceAlloc", alloc)?;
    state.perform("DeployApp", json!({"EnvId": env_id, "Name": "首次发布", "TotalPartitions": 1}))?;
    Ok(made)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
    use super::*;
    use crate::sim::demo::START;
    use crate::sim::engine::applications::tests::Account;

    const SMALL: Fleet = Fleet { apps: 20, envs: 61, nodes: 7 };

    fn generated(fleet: Fleet, seed: u64) -> Account {
        let mut state = State::empty(START - TAKES);
        build(&mut state, fleet, seed).unwrap();
        assert_eq!(state.now, START);
        Account(state)
    }

    #[test]
    fn a_fleet_is_the_same_for_a_seed_and_has_what_was_asked_for() {
        let mut account = generated(SMALL, 7);
        assert_eq!(account.text(), generated(SMALL, 7).text());
        assert_ne!(account.text(), generated(SMALL, 8).text());

        assert_eq!(account.ok("ListApp", json!({"PageNumber": 1, "PageSize": 1}))["TotalCount"], 20);
        let mut nodes = 0;
        for cluster in account.data("ListCluster", json!({})) {
            let list = json!({"ClusterInstanceId": cluster["InstanceId"], "PageSize": 1});
            nodes += account.ok("ListClusterNode", list)["TotalCount"].as_i64().unwrap();
        }
        assert_eq!(nodes, 7);
        let envs: Vec<(i64, i64)> = account.0.applications.envs().map(|env| (env.id, env.replicas)).collect();
        assert_eq!(envs.len(), 61);
        for (id, replicas) in envs {
            let placed = account.0.release.pods_of_env(id).filter(|pod| pod.placement.is_some()).count();
            assert_eq!(placed as i64, replicas, "environment {id}");
        }
    }

    #[test]
    fn a_fleet_has_what_an_account_gathers() {
        let mut account = generated(SMALL, 7);
        let mut labelled = 0;
        let mut volumes = Vec::new();
        for cluster in account.data("ListCluster", json!({})) {
            let list = json!({"ClusterId": cluster["InstanceId"]});
            labelled += account.data("ListNodeLabelBindings", list).len();
            let list = json!({"ClusterInstanceId": cluster["InstanceId"]});
            volumes.extend(account.data("ListPersistentVolume", list).iter().map(|it| it["Status"].clone()));
        }
        assert_eq!(labelled, 2);
        volumes.sort_by_key(|status| status.to_string());
        assert_eq!(volumes, ["Available", "Available", "Released"]);

        let mut orphans = 0;
        let apps = account.data("ListApp", json!({"PageSize": 100}));
        let mut points = 0;
        for app in apps {
            let envs = account.data("ListAppEnvironment", json!({"AppId": app["AppId"], "PageSize": 100}));
            for point in account.data("ListSlbAPs", json!({"AppId": app["AppId"], "PageSize": 100})) {
                points += 1;
                orphans += usize::from(envs.iter().all(|env| env["EnvId"] != point["EnvId"]));
            }
        }
        assert_eq!((points, orphans), (8, 1));

        let frozen = |account: &mut Account| {
            let ids: Vec<i64> = account.0.applications.envs().map(|env| env.id).collect();
            let asked = ids.into_iter().map(|id| account.ok("ScaleApp", json!({"EnvId": id, "Replicas": 1})));
            let codes: Vec<_> = asked.filter_map(|reply| reply["Result"].get("BusinessCode").cloned()).collect();
            codes
        };
        assert_eq!(frozen(&mut account.clone()), ["102000"]);
        account.wait(12 * 3600);
        assert!(frozen(&mut account).is_empty());
    }

    #[test]
    fn a_fleet_joins_the_demo_account_and_may_lack_nodes() {
        let mut account = Account(crate::sim::demo::account_with(START, SMALL, 1).unwrap());
        assert_eq!(account.0.now, START);
        assert_eq!(account.ok("ListApp", json!({"PageNumber": 1, "PageSize": 1}))["TotalCount"], 32);
        let without = generated(Fleet { apps: 2, envs: 4, nodes: 0 }, 1);
        assert_eq!(without.0.applications.envs().count(), 4);
        assert!(without.0.applications.envs().all(|env| without.0.release.pod_count(env.id) == 0));
    }
}
