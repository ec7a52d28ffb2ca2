//! Chapter 5 on the demo account, at exact simulated times.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{MachineType, Placement, add_machine, place, vacate};
use crate::sim::engine::applications::tests::Account;

impl Account {
    fn column(&mut self, action: &str, params: Value, name: &str) -> Vec<String> {
        let mut params = params;
        params["PageSize"] = 10_000.into();
        self.data(action, params).iter().map(|record| record[name].as_str().unwrap().to_owned()).collect()
    }

    fn nodes(&mut self, action: &str, cluster: &str) -> Vec<String> {
        self.column(action, json!({"ClusterInstanceId": cluster}), "InstanceId")
    }

    fn cluster(&mut self, id: &str) -> Value {
        self.data("ListCluster", json!({})).into_iter().find(|cluster| cluster["InstanceId"] == id).unwrap()
    }

    /// Status, class and claim of a volume.
    fn volume(&mut self, cluster: &str, name: &str) -> Option<(String, Option<String>)> {
        let volumes = self.data("ListPersistentVolume", json!({"ClusterInstanceId": cluster}));
        let volume = volumes.into_iter().find(|volume| volume["Name"] == name)?;
        let text = |name: &str| volume.get(name).and_then(Value::as_str).map(str::to_owned);
        Some((text("Status").unwrap(), text("PvcName")))
    }
}

fn node_list(cluster: &str, nodes: &[&str]) -> Value {
    json!({"ClusterInstanceId": cluster, "EcsInstanceIdList": nodes})
}

fn label(cluster: &str, value: &str) -> Value {
    json!({"ClusterId": cluster, "LabelKey": "label.jst.com/zone", "LabelValue": value})
}

fn binding(node: &str, value: &str) -> Value {
    let mut params = label("c-demo-prod", value);
    params["InstanceId"] = node.into();
    params
}

fn new_cluster(pods: &str, services: &str) -> Value {
    json!({
        "BusinessCode": "SUPPLY", "ClusterEnvType": "TEST", "ClusterTitle": "x", "ClusterType": "Standard",
        "RegionId": "cn-zhangjiakou", "VpcId": "vpc-demo-1", "Vswitchids": ["vsw-demo-1"], "KeyPair": "ops",
        "PodCIDR": pods, "ServiceCIDR": services, "CreateWithLogIntegration": true,
    })
}

fn volume(name: &str, class: &str, modes: &str, capacity: &str, policy: &str) -> Value {
    json!({
        "AccessModes": modes, "Capacity": capacity, "ClusterInstanceId": "c-demo-prod", "MountTargetDomain": "x",
        "Name": name, "NFSVersion": "4.0", "ReclaimPolicy": policy, "StorageClass": class,
    })
}

fn claim(name: &str, class: &str, modes: &str, capacity: &str) -> Value {
    json!({
        "AppId": 1001, "EnvId": 3002, "Name": name, "StorageClass": class, "AccessModes": modes, "Capacity": capacity,
    })
}

#[test]
fn refusals_say_why_and_change_nothing() {
    let mut account = Account::demo();
    add_machine(&mut account.0, "i-elsewhere", "vpc-2", "cn-zhangjiakou", MachineType::Cpus4);
    let created = account.ok("CreateCluster", new_cluster("172.22.0.0/16", "172.23.0.0/20"));
    let young = created["Result"]["ClusterInstanceId"].as_str().unwrap().to_owned();
    let not_running = format!("cluster {young} is not running yet: it is initial");
    let (ops, pv) = ("c-demo-prod", json!({"ClusterInstanceId": "c-demo-prod", "PersistentVolumeName": "pv-demo-2"}));
    let alloc = |app: i64, env: i64, cluster: &str| json!({"AppId": app, "AppEnvId": env, "ClusterId": cluster});
    for (action, params, code, text) in [
        (
            "CreateCluster",
            new_cluster("x", "172.23.0.0/20"),
            10400,
            "PodCIDR x is not a range of addresses such as 172.20.0.0/16",
        ),
        (
            "CreateCluster",
            new_cluster("172.26.0.0/16", "172.26.16.0/20"),
            10400,
            "PodCIDR 172.26.0.0/16 and ServiceCIDR 172.26.16.0/20 overlap",
        ),
        (
            "CreateCluster",
            new_cluster("172.20.128.0/17", "172.27.0.0/20"),
            10409,
            "PodCIDR 172.20.128.0/17 overlaps with the ranges of cluster c-demo-prod in VPC vpc-demo-1",
        ),
        (
            "CreateCluster",
            new_cluster("192.168.32.0/20", "172.27.0.0/20"),
            10409,
            "PodCIDR 192.168.32.0/20 overlaps with 192.168.0.0/16, the range of VPC vpc-demo-1",
        ),
        ("DeleteCluster", json!({"ClusterInstanceId": "c-9"}), 10404, "cluster c-9 does not exist"),
        ("DeleteCluster", json!({"ClusterInstanceId": young}), 10409, &not_running),
        (
            "DeleteCluster",
            json!({"ClusterInstanceId": "c-demo-test"}),
            10409,
            "cluster c-demo-test cannot be deleted: it still has 4 nodes, 13 resource allocations, 1 volume",
        ),
        ("QueryClusterDetail", json!({"ClusterInstanceId": "c-9"}), 10404, "cluster c-9 does not exist"),
        ("ListClusterNode", json!({"ClusterInstanceId": "c-9"}), 10404, "cluster c-9 does not exist"),
        ("ListAvailableClusterNode", json!({"ClusterInstanceId": "c-9"}), 10404, "cluster c-9 does not exist"),
        ("AddClusterNode", node_list("c-9", &["i-demo-0009"]), 10404, "cluster c-9 does not exist"),
        ("AddClusterNode", node_list(&young, &["i-demo-0009"]), 10409, &not_running),
        ("AddClusterNode", node_list(ops, &["i-demo-0009", "i-9"]), 10404, "ECS instance i-9 does not exist"),
        (
            "AddClusterNode",
            node_list(ops, &["i-demo-0009", "i-demo-0013"]),
            10409,
            "node i-demo-0013 is in cluster c-demo-test",
        ),
        (
            "AddClusterNode",
            node_list(ops, &["i-elsewhere"]),
            10400,
            "ECS instance i-elsewhere is in VPC vpc-2, cluster c-demo-prod in vpc-demo-1",
        ),
        (
            "AddClusterNode",
            node_list(ops, &["i-demo-0009", "i-demo-0009"]),
            10400,
            "EcsInstanceIdList names i-demo-0009 twice",
        ),
        (
            "RemoveClusterNode",
            node_list(ops, &["i-demo-0001", "i-demo-0013"]),
            10404,
            "node of cluster c-demo-prod i-demo-0013 does not exist",
        ),
        ("CreateNodeLabel", label("c-9", "web"), 10404, "cluster c-9 does not exist"),
        ("CreateNodeLabel", label(ops, "web"), 10409, "cluster c-demo-prod has a label label.jst.com/zone=web already"),
        (
            "DeleteNodeLabel",
            label(ops, "nope"),
            10404,
            "label of cluster c-demo-prod label.jst.com/zone=nope does not exist",
        ),
        (
            "DeleteNodeLabel",
            label(ops, "job"),
            10409,
            "label label.jst.com/zone=job is bound to i-demo-0005, i-demo-0006",
        ),
        (
            "BindNodeLabel",
            binding("i-demo-0013", "web"),
            10404,
            "node of cluster c-demo-prod i-demo-0013 does not exist",
        ),
        (
            "BindNodeLabel",
            binding("i-demo-0001", "new"),
            10409,
            "node i-demo-0001 has label label.jst.com/zone=web: unbind it first",
        ),
        (
            "UnbindNodeLabel",
            binding("i-demo-0001", "job"),
            10409,
            "label label.jst.com/zone=job is not bound to node i-demo-0001",
        ),
        (
            "CreatePersistentVolume",
            volume("pv-demo-1", "nas", "ReadWriteMany", "1Gi", "Retain"),
            10409,
            "there is a volume pv-demo-1 already",
        ),
        (
            "CreatePersistentVolume",
            volume("pv-9", "nas", "ReadWriteMany", "1Xi", "Retain"),
            10400,
            "Capacity 1Xi is not a quantity such as 20Gi",
        ),
        ("DeletePersistentVolume", pv, 10409, "volume pv-demo-2 is bound to claim data-web of environment 3002"),
        (
            "DeletePersistentVolume",
            json!({"ClusterInstanceId": "c-demo-prod", "PersistentVolumeName": "pv-demo-5"}),
            10404,
            "volume of cluster c-demo-prod pv-demo-5 does not exist",
        ),
        ("ListPersistentVolume", json!({"ClusterInstanceId": "c-9"}), 10404, "cluster c-9 does not exist"),
        ("CreateAppResourceAlloc", alloc(9, 3001, ops), 10404, "application 9 does not exist"),
        ("CreateAppResourceAlloc", alloc(1001, 9, ops), 10404, "environment 9 does not exist"),
        (
            "CreateAppResourceAlloc",
            alloc(1002, 3001, ops),
            10404,
            "environment 3001 of application 1002 does not exist",
        ),
        (
            "CreateAppResourceAlloc",
            alloc(1001, 3001, ops),
            10409,
            "environment 3001 is allocated to cluster c-demo-test already",
        ),
        (
            "DescribeAppResourceAlloc",
            json!({"AppEnvId": 9}),
            10404,
            "resource allocation of environment 9 does not exist",
        ),
        (
            "DeleteAppResourceAlloc",
            json!({"AppEnvId": 9}),
            10404,
            "resource allocation of environment 9 does not exist",
        ),
        (
            "DeleteAppResourceAlloc",
            json!({"AppEnvId": 3002}),
            10409,
            "resource allocation of environment 3002 cannot be deleted: it still has 3 pods, service 6001, \
             volume pv-demo-2",
        ),
    ] {
        assert_eq!(account.refused(action, params.clone()), (code, text.to_owned()), "{action} {params}");
    }
}

#[test]
fn a_cluster_comes_up_in_stages() {
    let mut account = Account::demo();
    let created = account.ok("CreateCluster", new_cluster("172.22.0.0/16", "172.23.0.0/20"));
    let id = created["Result"]["ClusterInstanceId"].as_str().unwrap().to_owned();
    assert!(id.len() == 33 && id.starts_with('c') && id[1..].chars().all(|c| c.is_ascii_hexdigit()), "{id}");
    for (wait, status, created, installing, installed) in [
        (0, "initial", "0", false, false),
        (179, "initial", "0", false, false),
        (1, "updating", "0", true, false),
        (299, "updating", "0", true, false),
        (1, "running", "1", false, true),
    ] {
        account.wait(wait);
        let cluster = account.cluster(&id);
        assert_eq!((&cluster["Status"], &cluster["CreateStatus"]), (&json!(status), &json!(created)));
        let detail = account.ok("QueryClusterDetail", json!({"ClusterInstanceId": id}));
        let basic = &detail["Result"]["BasicInfo"];
        assert_eq!(basic["InstallLogInProcess"], installing, "{status}");
        assert_eq!(basic["HasInstallLogController"], installed, "{status}");
    }
    account.ok("CreateNodeLabel", label(&id, "web"));
    account.ok("AddClusterNode", node_list(&id, &["i-demo-0009"]));
    account.refused("DeleteCluster", json!({"ClusterInstanceId": id}));
    account.ok("RemoveClusterNode", node_list(&id, &["i-demo-0009"]));
    account.ok("DeleteCluster", json!({"ClusterInstanceId": id}));
    assert_eq!(account.cluster(&id)["Status"], "deleting");
    account.refused("AddClusterNode", node_list(&id, &["i-demo-0009"]));
    account.wait(120);
    account.refused("ListNodeLabels", json!({"ClusterId": id}));
    // Its ranges are free again, its id is not.
    let again = account.ok("CreateCluster", new_cluster("172.22.0.0/16", "172.23.0.0/20"));
    assert_ne!(again["Result"]["ClusterInstanceId"], id.as_str());
    // A cluster may be gone before its next stage.
    account.ok("DeleteCluster", json!({"ClusterInstanceId": "c-demo-spare"}));
    account.wait(600);
}

#[test]
fn clusters_show_filtered_with_what_they_hold() {
    let mut account = Account::demo();
    account.ok("CreateCluster", new_cluster("172.22.0.0/16", "172.23.0.0/20"));
    for (filter, expected) in [
        (json!({"EnvType": "PRO"}), &["c-demo-prod"][..]),
        (json!({"EnvType": "TEST", "BusinessCode": "JST"}), &["c-demo-test", "c-demo-spare"]),
        (json!({"BusinessCode": "MESSAGE"}), &[]),
    ] {
        assert_eq!(account.column("ListCluster", filter.clone(), "InstanceId"), expected, "{filter}");
    }
    let first = account.ok("ListCluster", json!({"PageNum": 2, "PageSize": 1}));
    assert_eq!((&first["PageNumber"], &first["TotalCount"]), (&json!(2), &json!(4)));
    assert_eq!(first["Data"][0]["InstanceId"], "c-demo-test");

    let cluster = account.cluster("c-demo-prod");
    assert_eq!(cluster["Password"], "Demo-only-1!");
    assert_eq!((&cluster["EnvType"], &cluster["Status"]), (&json!(1), &json!("running")));
    assert_eq!(cluster["EcsIds"].as_array().unwrap().len(), 8);

    let detail = account.ok("QueryClusterDetail", json!({"ClusterInstanceId": "c-demo-prod"}))["Result"].clone();
    let (instances, load) = (&detail["InstanceInfo"], &detail["WorkLoad"]);
    let allocated = instances["AllocatedPodInfoList"].as_array().unwrap();
    let pods: i64 = allocated.iter().map(|env| env["podCount"].as_i64().unwrap()).sum();
    assert_eq!((&instances["AllocatePodCount"], &load["AllocateAppPodCount"]), (&json!(pods), &json!(pods)));
    assert_eq!((&load["AllNodeCount"], &load["CpuTotal"]), (&json!(8), &json!(128.0)));
    assert_eq!(load["CpuRequestPercent"], cluster["WorkLoadCpu"]);
    let shop = allocated.iter().find(|env| env["envId"] == 3002).unwrap();
    assert_eq!(
        *shop,
        json!({
            "appName": "商城前台", "envName": "正式环境", "memRequest": "1024MB", "appId": 1001, "cupRequest": "0.5vcpu",
            "podCount": 3, "envId": 3002,
        })
    );
    let fit: i64 = instances["AvailablePodInfoList"][0]["availablePodCount"].as_i64().unwrap();
    assert!(fit > 60 && fit < 128, "{fit}");
}

#[test]
fn nodes_come_from_the_available_list_and_return_to_it() {
    let mut account = Account::demo();
    let available = ["i-demo-0009", "i-demo-0010", "i-demo-0011", "i-demo-0012"];
    assert_eq!(account.nodes("ListAvailableClusterNode", "c-demo-prod"), available);
    account.ok("AddClusterNode", node_list("c-demo-test", &["i-demo-0010", "i-demo-0009"]));
    assert_eq!(account.nodes("ListAvailableClusterNode", "c-demo-prod"), available[2..]);
    assert_eq!(
        account.nodes("ListClusterNode", "c-demo-test"),
        ["i-demo-0009", "i-demo-0010", "i-demo-0013", "i-demo-0014", "i-demo-0015", "i-demo-0016"]
    );
    account.ok("RemoveClusterNode", node_list("c-demo-test", &["i-demo-0009", "i-demo-0010"]));
    assert_eq!(account.nodes("ListAvailableClusterNode", "c-demo-test"), available);
    let node = account.data("ListAvailableClusterNode", json!({"ClusterInstanceId": "c-demo-prod"}))[0].clone();
    for (name, value) in [
        ("EcsCpu", "8"),
        ("EcsMemory", "16384"),
        ("EcsConfiguration", "8vcpu 16G"),
        ("InstanceType", "ecs.c6.2xlarge"),
        ("EcsPrivateIp", "192.168.17.10"),
    ] {
        assert_eq!(node[name], value);
    }
}

#[test]
fn pods_move_off_a_node_that_leaves() {
    let mut account = Account::demo();
    let on = |account: &mut Account, node: &str| -> usize {
        let envs: Vec<i64> = account.0.applications.envs().map(|env| env.id).collect();
        let pods = envs.iter().flat_map(|&env| account.0.release.pods_of_env(env));
        pods.filter(|pod| pod.placement.as_ref().is_some_and(|placement| placement.node == node)).count()
    };
    let total = account.0.cluster.clusters["c-demo-prod"].pods.len();
    assert!(on(&mut account, "i-demo-0001") > 0);
    account.ok("RemoveClusterNode", node_list("c-demo-prod", &["i-demo-0001", "i-demo-0002"]));
    assert_eq!(on(&mut account, "i-demo-0001") + on(&mut account, "i-demo-0002"), 0);
    assert_eq!(account.0.cluster.clusters["c-demo-prod"].pods.len(), total);
    let bindings = json!({"InstanceId": "i-demo-0001", "PageNumber": 1, "PageSize": 10});
    assert_eq!(account.ok("ListNodeLabelBindings", bindings)["TotalCount"], 0);

    // With no node left the pods wait, and run again when one joins.
    let rest: Vec<String> = account.nodes("ListClusterNode", "c-demo-prod");
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    account.ok("RemoveClusterNode", node_list("c-demo-prod", &rest));
    assert!(account.0.cluster.clusters["c-demo-prod"].pods.is_empty());
    account
        .ok("AddClusterNode", node_list("c-demo-prod", &["i-demo-0001", "i-demo-0002", "i-demo-0003", "i-demo-0004"]));
    assert_eq!(account.0.cluster.clusters["c-demo-prod"].pods.len(), total);
}

#[test]
fn pods_go_where_most_room_is() {
    let mut account = Account::demo();
    account.ok("AddClusterNode", node_list("c-demo-spare", &["i-demo-0009", "i-demo-0010", "i-demo-0011"]));
    let params = json!({
        "AppId": 1001, "AppSchemaId": 2001, "EnvName": "x", "EnvType": 0, "Region": "cn-zhangjiakou", "Replicas": 1,
    });
    let env = account.ok("CreateEnvironment", params)["Result"]["AppEnvId"].as_i64().unwrap();
    let refused = place(&mut account.0, env, 1000).unwrap_err();
    assert_eq!(refused.text, format!("environment {env} is not allocated to a cluster"));
    account.ok("CreateAppResourceAlloc", json!({"AppId": 1001, "AppEnvId": env, "ClusterId": "c-demo-spare"}));
    // Two nodes of 8 CPUs, one of 4.
    let mut placed: Vec<Placement> = Vec::new();
    for (cpus, node) in
        [(3, Some(9)), (3, Some(10)), (2, Some(9)), (2, Some(10)), (1, Some(11)), (4, None), (3, Some(9))]
    {
        let placement = place(&mut account.0, env, cpus * 1000).unwrap();
        let expected = node.map(|node| format!("i-demo-{node:04}"));
        assert_eq!(placement.as_ref().map(|placement| placement.node.clone()), expected, "{cpus}");
        placed.extend(placement);
    }
    assert_eq!(placed[0].host_ip, "192.168.17.10");
    assert_eq!(placed[0].host_name, "cn-zhangjiakou.192.168.17.10");
    let addresses: BTreeSet<&str> = placed.iter().map(|placement| placement.pod_ip.as_str()).collect();
    assert_eq!(addresses.len(), placed.len());
    assert!(addresses.contains("172.28.0.1"));

    let text = format!("resource allocation of environment {env} cannot be deleted: it still has 6 pods");
    assert_eq!(account.refused("DeleteAppResourceAlloc", json!({"AppEnvId": env})), (10409, text));
    for placement in &placed {
        vacate(&mut account.0, placement);
        // Giving back twice is giving back once.
        vacate(&mut account.0, placement);
    }
    assert!(account.0.cluster.machines.values().all(|machine| machine.taken >= 0));
    let room: i64 = account.0.cluster.clusters["c-demo-spare"].room.iter().map(|(room, _)| room.0).sum();
    assert_eq!(room, 20_000);
    account.ok("DeleteAppResourceAlloc", json!({"AppEnvId": env}));
}

#[test]
fn production_has_room_for_about_120_pods_of_one_cpu() {
    let mut account = Account::demo();
    let mut empty = account.0.cluster.clusters["c-demo-prod"].pods.keys().copied().collect::<Vec<_>>();
    let taken: i64 = account.0.cluster.clusters["c-demo-prod"].pods.values().map(|pod| pod.cpu_millis).sum();
    let fits = std::iter::from_fn(|| place(&mut account.0, 3002, 1000).unwrap()).count();
    assert!(taken > 0 && !std::mem::take(&mut empty).is_empty());
    let total = fits as i64 + taken / 1000;
    assert!((115..=128).contains(&total), "{total}");
}

#[test]
fn labels_are_made_bound_listed_and_deleted() {
    let mut account = Account::demo();
    let values = |account: &mut Account, filter: Value| account.column("ListNodeLabelBindings", filter, "LabelValue");
    let nodes = |account: &mut Account, filter: Value| account.column("ListNodeLabelBindings", filter, "InstanceId");
    // Binding a label that does not exist makes it; binding twice is binding once.
    for _ in 0..2 {
        account.ok("BindNodeLabel", binding("i-demo-0007", "db"));
    }
    assert_eq!(nodes(&mut account, json!({"LabelValue": "db"})), ["i-demo-0007"]);
    let labels = account.data("ListNodeLabels", json!({"ClusterId": "c-demo-prod", "LabelKey": "label.jst.com/zone"}));
    let names: Vec<&str> = labels.iter().map(|label| label["LabelValue"].as_str().unwrap()).collect();
    assert_eq!(names, ["spare", "web", "job", "db"]);
    assert_eq!(account.data("ListNodeLabels", json!({"ClusterId": "c-demo-prod"})).len(), 5);

    let test = nodes(&mut account, json!({"ClusterId": "c-demo-test"}));
    assert_eq!(test, ["i-demo-0013"]);
    assert_eq!(values(&mut account, json!({"InstanceId": "i-demo-0001"})), ["web", "ssd"]);
    let on_key = json!({"LabelKey": "label.jst.com/disk"});
    assert_eq!(nodes(&mut account, on_key), ["i-demo-0001"]);

    account.ok("UnbindNodeLabel", binding("i-demo-0007", "db"));
    account.ok("DeleteNodeLabel", label("c-demo-prod", "db"));
    let mut force = label("c-demo-prod", "web");
    force["Force"] = true.into();
    account.ok("DeleteNodeLabel", force);
    assert_eq!(nodes(&mut account, json!({"LabelValue": "web"})), ["i-demo-0013"]);
    assert_eq!(values(&mut account, json!({"InstanceId": "i-demo-0001"})), ["ssd"]);
    let reply = account.ok("CreateNodeLabel", label("c-demo-prod", "web"));
    assert_eq!(reply["Result"]["LabelValue"], "web");
}

#[test]
fn volumes_bind_are_released_and_go() {
    let mut account = Account::demo();
    let bound = |claim: &str| Some(("Bound".to_owned(), Some(claim.to_owned())));
    let state = |status: &str| Some((status.to_owned(), None));
    let release = |name: &str| json!({"AppId": 1001, "EnvId": 3002, "PersistentVolumeClaimName": name});
    assert_eq!(account.volume("c-demo-prod", "pv-demo-2"), bound("data-web"));

    // The smallest that fits, of the class and mode wanted.
    account.ok("CreatePersistentVolume", volume("pv-small", "fast", "ReadWriteOnce", "1G", "Retain"));
    account.ok("CreatePersistentVolume", volume("pv-large", "fast", "ReadWriteOnce", "1Ti", "Delete"));
    account.ok("CreatePersistentVolume", volume("pv-other", "fast", "ReadWriteMany", "2Gi", "Retain"));
    account.ok("CreatePersistentVolumeClaim", claim("a", "fast", "ReadWriteOnce", "1Gi"));
    account.ok("CreatePersistentVolumeClaim", claim("b", "fast", "ReadWriteOnce", "1e9"));
    account.ok("CreatePersistentVolumeClaim", claim("c", "fast", "ReadWriteOnce", "1"));
    assert_eq!(account.volume("c-demo-prod", "pv-large"), bound("a"));
    assert_eq!(account.volume("c-demo-prod", "pv-small"), bound("b"));
    assert_eq!(account.volume("c-demo-prod", "pv-other"), state("Available"));

    // A claim that waits takes the next volume that fits.
    account.ok("CreatePersistentVolume", volume("pv-late", "fast", "ReadWriteOnce", "5Mi", "Retain"));
    assert_eq!(account.volume("c-demo-prod", "pv-late"), bound("c"));

    account.ok("DeletePersistentVolumeClaim", release("a"));
    assert_eq!(account.volume("c-demo-prod", "pv-large"), None);
    account.ok("DeletePersistentVolumeClaim", release("b"));
    assert_eq!(account.volume("c-demo-prod", "pv-small"), state("Released"));
    // What was released is not bound again, but can be deleted.
    account.ok("CreatePersistentVolumeClaim", claim("d", "fast", "ReadWriteOnce", "1"));
    assert_eq!(account.volume("c-demo-prod", "pv-small"), state("Released"));
    for name in ["pv-small", "pv-other"] {
        let params = json!({"ClusterInstanceId": "c-demo-prod", "PersistentVolumeName": name});
        account.ok("DeletePersistentVolume", params);
        assert_eq!(account.volume("c-demo-prod", name), None);
    }
    // An environment that goes lets go of its volumes.
    account.ok("DeleteAppEnvironment", json!({"AppId": 1001, "EnvId": 3002, "Force": true}));
    assert_eq!(account.volume("c-demo-prod", "pv-demo-2"), state("Released"));
}

#[test]
fn allocations_show_filtered() {
    let mut account = Account::demo();
    let envs = |account: &mut Account, filter: Value| -> Vec<i64> {
        account.data("ListAppResourceAllocs", filter).iter().map(|alloc| alloc["AppEnvId"].as_i64().unwrap()).collect()
    };
    assert_eq!(envs(&mut account, json!({"PageSize": 100})).len(), 31);
    assert_eq!(envs(&mut account, json!({"AppId": 1002})), [3003, 3004]);
    assert_eq!(envs(&mut account, json!({"AppId": 1002, "ClusterId": "c-demo-test"})), [3003]);
    assert_eq!(envs(&mut account, json!({"AppEnvId": 3004})), [3004]);
    assert_eq!(
        account.ok("DescribeAppResourceAlloc", json!({"AppEnvId": 3001})),
        json!({"Result": {"AppEnvId": 3001, "AppId": 1001, "ClusterId": "c-demo-test", "Id": 1}})
    );
}
