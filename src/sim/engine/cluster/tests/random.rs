//! Random calls of chapters 3, 5 and 6, with what they touch of chapters 1 and 4: whatever is called in
//! whatever order, the account holds together, and the same calls have the same replies.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::clusters::Kind;
use super::super::nodes::Standing;
use super::super::{JOINED_AFTER, MachineType, RUNNING_AFTER, add_machine, create_as};
use crate::sim::demo::{START, manifest};
use crate::sim::engine::access::add_slb;
use crate::sim::engine::applications::tests::Account;
use crate::sim::engine::call::{Call, Refusal, Trouble};
use crate::sim::engine::rds::{Engine, History, Instance, add_instance};
use crate::sim::engine::resources::Resources;
use crate::sim::engine::state::State;

/// The last one is serverless.
const CLUSTERS: [&str; 4] = ["c-a", "c-b", "c-nope", "c-s"];
const SLBS: [&str; 2] = ["lb-a", "lb-b"];
const INSTANCES: [&str; 3] = ["rm-mysql", "rm-mssql", "rm-pg"];
const POLICIES: [&str; 2] = ["Retain", "Delete"];
const MODES: [&str; 2] = ["ReadWriteMany", "ReadWriteOnce"];
const TYPES: [&str; 2] = ["NodePort", "ClusterIP"];
const KEYS: [&str; 2] = ["label.jst.com/0", "label.jst.com/1"];

/// Two clusters of two small nodes each, one without, two machines more, three applications with two environments
/// each, two SLBs, three database instances.
fn account() -> Account {
    static STATE: OnceLock<State> = OnceLock::new();
    Account(STATE.get_or_init(build).clone())
}

fn build() -> State {
    let mut account = Account(State::empty(START));
    for (index, id, kind) in [(0, "c-a", "Standard"), (1, "c-b", "Standard"), (3, "c-s", "Serverless")] {
        let params = json!({
            "BusinessCode": "JST", "ClusterEnvType": "TEST", "ClusterTitle": id, "ClusterType": kind,
            "RegionId": "r", "VpcId": "v", "Vswitchids": ["s"], "PodCIDR": format!("10.{index}.0.0/24"),
            "ServiceCIDR": format!("10.{index}.1.0/28"),
        });
        let operation = crate::catalogue::find("CreateCluster").unwrap();
        let call = Call::new(operation, params.as_object().unwrap().clone());
        create_as(&mut account.0, &call, id.to_owned()).unwrap();
    }
    for number in 0..6 {
        add_machine(&mut account.0, &node(number), "v", "r", MachineType::Cpus4);
    }
    account.0.advance(START + RUNNING_AFTER);
    for (cluster, nodes) in CLUSTERS.iter().zip([[0, 1], [2, 3]]) {
        account.ok("AddClusterNode", json!({"ClusterInstanceId": cluster, "EcsInstanceIdList": nodes.map(node)}));
    }
    account.0.advance(account.0.now + JOINED_AFTER);
    // One short of CPU, one of memory, one with a StatefulSet.
    for (app, kind, cpu, memory) in
        [(1001, "Deployment", "1", "256Mi"), (1002, "Deployment", "250m", "3Gi"), (1003, "StatefulSet", "500m", "1Gi")]
    {
        let params = json!({
            "BizCode": "JST", "Language": "Java", "OperatingSystem": "Linux", "ServiceType": "StoreApplication",
            "Title": app.to_string(), "StateType": if kind == "StatefulSet" { 2 } else { 1 },
        });
        account.ok("CreateApp", params);
        let manifest = manifest(kind, "x", cpu, memory);
        account.ok("CreateDeployConfig", json!({"AppId": app, "EnvType": "test", "Name": "x", kind: manifest}));
        for _ in 0..2 {
            account.ok("CreateEnvironment", environment(app));
        }
    }
    for (env, cluster) in [(3001, "c-a"), (3002, "c-a"), (3003, "c-b"), (3005, "c-s")] {
        let app = account.0.applications.env(env).unwrap().app_id;
        account.ok("CreateAppResourceAlloc", json!({"AppEnvId": env, "AppId": app, "ClusterId": cluster}));
    }
    // Something of everything, so that calls find what they are about.
    for number in 0..3_u8 {
        let env = 3001 + i64::from(number);
        let app = account.0.applications.env(env).unwrap().app_id;
        let cluster = account.0.cluster.cluster_of(env).unwrap().to_owned();
        account.ok(
            "CreateService",
            json!({
                "EnvId": env, "Name": "x", "ServiceType": pick(&TYPES, number), "K8sServiceId": format!("k{number}"),
                "PortMappings": [{"Protocol": "TCP", "TargetPort": "80", "Port": 80, "Name": "p0"}],
            }),
        );
        account.ok(
            "CreatePersistentVolume",
            json!({
                "AccessModes": MODES[0], "Capacity": "2Gi", "ClusterInstanceId": cluster, "Name": format!("pv{number}"),
                "ReclaimPolicy": pick(&POLICIES, number), "StorageClass": class(env),
            }),
        );
        account.ok("CreatePersistentVolumeClaim", claim(app, env, "c0", MODES[0], "1Gi"));
        account.ok(
            "BindNodeLabel",
            json!({"ClusterId": cluster, "InstanceId": node(number), "LabelKey": KEYS[0], "LabelValue": "v0"}),
        );
        account.ok("DeployApp", json!({"EnvId": env, "Name": "x", "TotalPartitions": 1}));
    }
    for id in SLBS {
        add_slb(&mut account.0, id, "1.2.3.4", true);
    }
    for (id, engine) in INSTANCES.iter().zip([Engine::MySql, Engine::SqlServer, Engine::PostgreSql]) {
        let history = History { size: (1000, 10), ..History::default() };
        let instance = Instance::new(engine, history)
            .database("d0", "utf8", "", Timestamp::UNIX_EPOCH)
            .account("a0", "", false)
            .account("a1", "", true);
        add_instance(&mut account.0, id, instance);
    }
    account.0
}

fn node(number: u8) -> String {
    format!("i-{number}")
}

fn environment(app: i64) -> Value {
    json!({
        "AppId": app, "AppSchemaId": app + 1000, "EnvName": "x", "EnvType": 0, "Region": "r", "Replicas": 2,
    })
}

fn claim(app: i64, env: i64, name: &str, modes: &str, capacity: &str) -> Value {
    json!({
        "AppId": app, "EnvId": env, "Name": name, "StorageClass": class(env), "AccessModes": modes,
        "Capacity": capacity,
    })
}

/// A few storage classes, so that calls hit each other's.
fn class(env: i64) -> String {
    format!("nas{}", env % 3)
}

fn pick(from: &[&'static str], by: u8) -> &'static str {
    from[usize::from(by) % from.len()]
}

/// A call that may or may not make sense.
fn call(account: &Account, [kind, a, b, c]: [u8; 4]) -> (&'static str, Value) {
    let cluster = CLUSTERS[match b {
        255 => 2,
        248..=254 => 3,
        _ => usize::from(b % 2),
    }];
    let env = 3001 + i64::from(a % 7);
    let app = account.0.applications.env(env).map_or(1001, |env| env.app_id);
    let (slb_ap, service) = (5001 + i64::from(a % 3), 6001 + i64::from(a % 4));
    let (instance, database) = (pick(&INSTANCES, b), format!("d{}", a % 3));
    let label = |value: u8| {
        json!({
            "ClusterId": cluster, "InstanceId": node(a % 6), "LabelKey": pick(&KEYS, c),
            "LabelValue": format!("v{}", value % 2), "Force": c % 3 == 0,
        })
    };
    let ports = || {
        let count = 1 + c % 2;
        let port = |index: u8| {
            let mut port = json!({
                "Protocol": "TCP", "TargetPort": "80", "Port": 80 + index, "Name": format!("p{}", index + c / 8 % 2),
            });
            if b % 3 == 0 {
                port["NodePort"] = (30_000 + i64::from(c % 3) + i64::from(index)).into();
            }
            port
        };
        (0..count).map(port).collect::<Vec<_>>()
    };
    match kind % 28 {
        0 => (
            "CreateSlbAP",
            json!({
                "EnvId": env, "Name": "x", "SlbId": pick(&SLBS, b), "ListenerPort": 80 + c % 3, "RealServerPort": 1,
                "Protocol": pick(&["TCP", "HTTP"], c),
            }),
        ),
        1 => ("ModifySlbAP", json!({"SlbAPId": slb_ap, "EstablishedTimeout": 10 + i64::from(c)})),
        2 => ("DeleteSlbAP", json!({"SlbAPId": slb_ap})),
        3 => (
            "CreateService",
            json!({
                "EnvId": env, "Name": "x", "ServiceType": pick(&TYPES, c / 4),
                "K8sServiceId": format!("k{}", c % 3), "PortMappings": ports(),
            }),
        ),
        4 => ("ModifyService", json!({"ServiceId": service, "PortMappings": ports()})),
        5 => ("DeleteService", json!({"ServiceId": service})),
        6 | 7 => {
            let nodes = if c % 3 == 0 { vec![node(a % 6), node(c % 6)] } else { vec![node(a % 6)] };
            let action = if kind % 28 == 6 { "AddClusterNode" } else { "RemoveClusterNode" };
            (action, json!({"ClusterInstanceId": cluster, "EcsInstanceIdList": nodes}))
        }
        8 => (
            "CreatePersistentVolume",
            json!({
                "AccessModes": pick(&MODES, c), "Capacity": format!("{}Gi", 1 + c % 4), "ClusterInstanceId": cluster,
                "Name": format!("pv{}", a % 5), "ReclaimPolicy": pick(&POLICIES, c / 2), "StorageClass": class(env),
            }),
        ),
        9 => {
            let name = format!("pv{}", a % 5);
            ("DeletePersistentVolume", json!({"ClusterInstanceId": cluster, "PersistentVolumeName": name}))
        }
        10 => (
            "CreatePersistentVolumeClaim",
            claim(app, env, &format!("c{}", c % 2), pick(&MODES, b), &format!("{}Gi", 1 + c % 4)),
        ),
        11 => {
            let name = format!("c{}", c % 2);
            ("DeletePersistentVolumeClaim", json!({"AppId": app, "EnvId": env, "PersistentVolumeClaimName": name}))
        }
        12 => ("CreateNodeLabel", label(b)),
        13 => ("BindNodeLabel", label(b / 2)),
        14 => ("UnbindNodeLabel", label(b / 2)),
        15 => ("DeleteNodeLabel", label(b / 2)),
        16 => ("CreateAppResourceAlloc", json!({"AppEnvId": env, "AppId": app, "ClusterId": cluster})),
        17 => ("DeleteAppResourceAlloc", json!({"AppEnvId": env})),
        18 => ("DeployApp", json!({"EnvId": env, "Name": "x", "TotalPartitions": 1})),
        19 => ("ScaleApp", json!({"EnvId": env, "Replicas": c % 5})),
        20 => {
            let sets = ["utf8", "Chinese_PRC_BIN"];
            ("CreateDb", json!({"DbInstanceId": instance, "DbName": database, "CharacterSetName": pick(&sets, b)}))
        }
        21 => ("DeleteDatabase", json!({"DBInstanceId": instance, "DBName": database})),
        22 => (
            "GrantDbToAccount",
            json!({
                "DbInstanceId": instance, "DbName": database, "AccountName": format!("a{}", c % 2),
                "AccountPrivilege": pick(&["ReadWrite", "DDLOnly", "DBOwner"], c),
            }),
        ),
        23 if c % 4 == 0 => {
            ("DeleteRdsAccount", json!({"DbInstanceId": instance, "AccountName": format!("a{}", a % 2)}))
        }
        24 => ("DeleteAppEnvironment", json!({"AppId": app, "EnvId": env, "Force": b % 2 == 0})),
        25 => ("CreateEnvironment", environment(1001 + i64::from(a % 3))),
        27 => ("CloseDeployOrder", json!({"DeployOrderId": 4001 + i64::from(a % 16)})),
        26 => ("DeleteCluster", json!({"ClusterInstanceId": cluster})),
        _ => ("QueryClusterDetail", json!({"ClusterInstanceId": cluster})),
    }
}

/// Carries out a call. Some releases get stuck, or fail.
fn carry_out(account: &mut Account, action: &str, params: &Value, [_, a, b, _]: [u8; 4]) -> Result<Value, Refusal> {
    let trouble = match a % 4 {
        0 => Some(Trouble::CrashLoop),
        1 => Some(Trouble::FailAtPartition(1 + i64::from(b % 2))),
        _ => None,
    };
    let params = params.as_object().unwrap().clone();
    let call = Call { trouble, ..Call::new(crate::catalogue::find(action).unwrap(), params) };
    account.0.apply(&call).map(|payload| payload.value())
}

/// Every record of a list, and that its total agrees.
fn all(account: &mut Account, action: &str, mut params: Value) -> Vec<Value> {
    params["PageSize"] = 1000.into();
    let reply = account.ok(action, params);
    let data = reply["Data"].as_array().unwrap().clone();
    assert_eq!(reply["TotalCount"], data.len(), "{action}");
    data
}

fn check(account: &mut Account, name: &str) {
    check_nodes(&account.0, name);
    check_services(account, name);
    check_volumes(account, name);
    check_grants(account, name);
}

fn sum(amounts: impl Iterator<Item = Resources>) -> Resources {
    amounts.fold(Resources::default(), Resources::plus)
}

/// Nodes, pods, labels and allocations agree with each other and with the releases.
fn check_nodes(state: &State, name: &str) {
    let clusters = &state.cluster;
    for (id, machine) in &clusters.machines {
        let home = machine.cluster.as_ref().map(|cluster| &clusters.clusters[cluster]);
        let is_node = machine.standing != Standing::Joining;
        assert!(home.is_none_or(|cluster| cluster.machines.contains(id) == is_node), "{name}: {id}");
        let pods =
            home.into_iter().flat_map(|cluster| cluster.pods.values()).filter(|pod| pod.node.as_ref() == Some(id));
        assert_eq!(machine.taken, sum(pods.map(|pod| pod.asked)), "{name}: {id}");
        let room = machine.room();
        assert!(room.cpu_millis >= 0 && room.memory_mib >= 0, "{name}: {id} {room:?}");
    }
    let mut running: BTreeMap<i64, i64> = BTreeMap::new();
    for (id, cluster) in &clusters.clusters {
        let machines = cluster.machines.iter().map(|node| (node, &clusters.machines[node]));
        let machines = machines.filter(|(_, machine)| machine.standing != Standing::Leaving);
        let room: BTreeSet<_> = machines.map(|(node, machine)| machine.rank(node)).collect();
        assert_eq!(cluster.room, room, "{name}: {id}");
        for pod in cluster.pods.values() {
            assert!(pod.node.as_ref().is_none_or(|node| cluster.machines.contains(node)), "{name}: {id} {pod:?}");
            assert_eq!(pod.node.is_none(), cluster.kind == Kind::Serverless, "{name}: {id} {pod:?}");
            assert_eq!(clusters.cluster_of(pod.env_id).unwrap(), id, "{name}: {pod:?}");
            *running.entry(pod.env_id).or_default() += 1;
        }
    }
    let allocated: Vec<_> =
        clusters.clusters.keys().flat_map(|id| clusters.allocations.in_cluster(id)).map(|a| a.env_id).collect();
    for &env_id in &allocated {
        let allocation = clusters.allocations.of_env(env_id).unwrap();
        assert_eq!(state.applications.env(env_id).unwrap().app_id, allocation.app_id, "{name}");
        let counted = running.get(&env_id).copied().unwrap_or_default();
        assert_eq!(allocation.pods, counted, "{name}: environment {env_id}");
    }
    let mut addresses = BTreeSet::new();
    for env in state.applications.envs() {
        let placed: Vec<_> = state.release.pods_of_env(env.id).filter_map(|pod| pod.placement.as_ref()).collect();
        assert_eq!(placed.len() as i64, running.get(&env.id).copied().unwrap_or_default(), "{name}: {}", env.id);
        for placement in placed {
            assert!(addresses.insert(&placement.pod_ip), "{name}: {placement:?}");
            let home = &clusters.clusters[clusters.cluster_of(env.id).unwrap()];
            if let Some(node) = &placement.node {
                assert!(home.machines.contains(node), "{name}: {placement:?}");
            }
            let address = u32::from(placement.pod_ip.parse::<std::net::Ipv4Addr>().unwrap());
            assert_eq!(home.pods[&address].env_id, env.id, "{name}: {placement:?}");
        }
    }
}

/// Listeners, node ports and addresses are taken once, by what lives; labels are on nodes that are there.
fn check_services(account: &mut Account, name: &str) {
    let (mut listeners, mut taken, mut addresses) = (BTreeSet::new(), BTreeMap::new(), BTreeSet::new());
    for app in 1001..=1003 {
        for point in all(account, "ListSlbAPs", json!({"AppId": app})) {
            account.0.applications.env_of(app, point["EnvId"].as_i64().unwrap()).unwrap();
            let listener = (point["SlbId"].to_string(), point["ListenerPort"].as_i64());
            assert!(listeners.insert(listener), "{name}: {point}");
        }
        for service in all(account, "ListServices", json!({"AppId": app})) {
            let env = service["EnvId"].as_i64().unwrap();
            account.0.applications.env_of(app, env).unwrap();
            let cluster = account.0.cluster.cluster_of(env).unwrap().to_owned();
            assert!(addresses.insert(service["ClusterIP"].to_string()), "{name}: {service}");
            let ports = taken.entry(cluster).or_insert_with(BTreeSet::new);
            for port in service["PortMappings"].as_array().unwrap() {
                assert_eq!(port.get("NodePort").is_some(), service["ServiceType"] == "NodePort", "{name}: {service}");
                if let Some(port) = port.get("NodePort") {
                    assert!(ports.insert(port.as_i64().unwrap()), "{name}: {service}");
                }
            }
        }
    }
    for (id, cluster) in &account.0.cluster.clusters {
        assert_eq!(cluster.node_ports, taken.remove(id).unwrap_or_default(), "{name}: {id}");
    }
    let mut keys = BTreeSet::new();
    for binding in all(account, "ListNodeLabelBindings", json!({})) {
        let node = binding["InstanceId"].as_str().unwrap();
        let home = account.0.cluster.machines[node].cluster.clone().unwrap();
        let labels = all(account, "ListNodeLabels", json!({"ClusterId": home, "LabelKey": binding["LabelKey"]}));
        assert!(labels.iter().any(|label| label["LabelValue"] == binding["LabelValue"]), "{name}: {binding}");
        assert!(keys.insert((node.to_owned(), binding["LabelKey"].to_string())), "{name}: {binding}");
    }
}

/// A volume is bound to a claim exactly when that claim has it.
fn check_volumes(account: &mut Account, name: &str) {
    let (mut bound, mut claimed) = (Vec::new(), Vec::new());
    let clusters: Vec<String> = account.0.cluster.clusters.keys().cloned().collect();
    for cluster in clusters {
        for volume in all(account, "ListPersistentVolume", json!({"ClusterInstanceId": cluster})) {
            assert_eq!(volume["Status"] == "Bound", volume.get("PvcName").is_some(), "{name}: {volume}");
            if let Some(claim) = volume.get("PvcName") {
                bound.push((cluster.clone(), volume["Name"].to_string(), claim.to_string()));
            }
        }
    }
    let envs: Vec<(i64, i64)> = account.0.applications.envs().map(|env| (env.app_id, env.id)).collect();
    for (app, env) in envs {
        for claim in all(account, "ListPersistentVolumeClaim", json!({"AppId": app, "EnvId": env})) {
            if let Some(volume) = claim.get("VolumeName") {
                let cluster = account.0.cluster.cluster_of(env).unwrap().to_owned();
                claimed.push((cluster, volume.to_string(), claim["Name"].to_string()));
            }
        }
    }
    bound.sort();
    claimed.sort();
    assert_eq!(bound, claimed, "{name}");
}

/// Each grant shows under its database and its account.
fn check_grants(account: &mut Account, name: &str) {
    for instance in &INSTANCES[..2] {
        let databases = account.ok("DescribeDatabases", json!({"InstanceId": instance}))["Result"]["Databases"].take();
        let accounts =
            account.ok("DescribeRdsAccounts", json!({"DbInstanceId": instance}))["Result"]["Accounts"].take();
        let grants = |owners: &Value, list: &str, names: [&str; 2]| {
            let mut grants: Vec<[String; 3]> = Vec::new();
            for owner in owners.as_array().unwrap() {
                for grant in owner[list].as_array().unwrap() {
                    let of = |name: &str| owner.get(name).or(grant.get(name)).unwrap().to_string();
                    grants.push([of(names[0]), of(names[1]), grant["AccountPrivilege"].to_string()]);
                }
            }
            grants.sort();
            grants
        };
        let by_database = grants(&databases, "Accounts", ["DBName", "Account"]);
        assert_eq!(by_database, grants(&accounts, "DatabasePrivileges", ["DBName", "AccountName"]), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5000, failure_persistence: None, ..ProptestConfig::default() })]

    /// The second run leaves out what was refused in the first: they agree, so the same calls have the same
    /// replies, and a refused call changes nothing.
    #[test]
    fn random_calls_keep_everything_together(calls in proptest::collection::vec(any::<[u8; 4]>(), 1..60)) {
        let (mut one, mut other) = (account(), account());
        for numbers in calls {
            let (action, params) = call(&one, numbers);
            let reply = carry_out(&mut one, action, &params, numbers);
            let then = one.0.now + SignedDuration::from_secs(i64::from(numbers[3] % 64));
            one.0.advance(then);
            if numbers[3] % 16 == 0 {
                check(&mut one, &format!("after {action} {params}"));
            }
            if reply.is_ok() {
                prop_assert_eq!(call(&other, numbers), (action, params.clone()));
                prop_assert_eq!(carry_out(&mut other, action, &params, numbers), reply);
            }
            other.0.advance(then);
        }
        check(&mut one, "in the end");
        prop_assert_eq!(one.text(), other.text());
    }
}
