//! Chapter 5 on the demo account, at exact simulated times.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod random;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{MachineType, Placement, add_machine, place, shortage, vacate};
use crate::sim::engine::applications::tests::Account;
use crate::sim::engine::call::Trouble;
use crate::sim::engine::resources::Resources;

fn of(cpu_millis: i64, memory_mib: i64) -> Resources {
    Resources { cpu_millis, memory_mib }
}

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
            volume("pv-9", "new", "ReadWriteMany", "1Xi", "Retain"),
            10400,
            "Capacity 1Xi is not a quantity such as 20Gi",
        ),
        (
            "CreatePersistentVolume",
            volume("pv-9", "nas-demo", "ReadWriteMany", "1Gi", "Retain"),
            10409,
            "StorageClass nas-demo is that of volume pv-demo-2 of cluster c-demo-prod",
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
    account.wait(120);
    account.ok("RemoveClusterNode", node_list(&id, &["i-demo-0009"]));
    account.refused("DeleteCluster", json!({"ClusterInstanceId": id}));
    account.wait(60);
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
    assert_eq!(load["MemRequestPercent"], cluster["WorkLoadMem"]);
    let shop = allocated.iter().find(|env| env["envId"] == 3002).unwrap();
    assert_eq!(
        *shop,
        json!({
            "appName": "商城前台", "envName": "正式环境", "memRequest": "1GB", "appId": 1001, "cupRequest": "0.5vcpu",
            "podCount": 3, "envId": 3002,
        })
    );
    let fit: i64 = instances["AvailablePodInfoList"][0]["availablePodCount"].as_i64().unwrap();
    assert!(fit > 60 && fit < 128, "{fit}");
}

/// What a cluster's figures say agrees: with each other, with its nodes' sizes, with the instances' own.
#[test]
fn the_figures_of_a_cluster_agree() {
    let mut account = Account::demo();
    account.ok("ScaleApp", json!({"EnvId": 3002, "Replicas": 40}));
    account.wait(60);
    for (id, nodes) in [("c-demo-prod", 8), ("c-demo-test", 4), ("c-demo-spare", 0)] {
        let detail = account.ok("QueryClusterDetail", json!({"ClusterInstanceId": id}))["Result"].clone();
        let load = |name: &str| detail["WorkLoad"][name].as_f64().unwrap();
        let machines = account.data("ListClusterNode", json!({"ClusterInstanceId": id, "PageSize": 100}));
        let sum =
            |name: &str| machines.iter().map(|node| node[name].as_str().unwrap().parse::<f64>().unwrap()).sum::<f64>();
        let mib = f64::from(1 << 20);
        assert_eq!((machines.len(), load("AllNodeCount") as usize), (nodes, nodes));
        assert_eq!((load("CpuCapacityTotal"), load("MemCapacityTotal")), (sum("EcsCpu"), sum("EcsMemory") * mib));
        assert!((load("MemTotal") - load("MemCapacityTotal") * 0.88).abs() < 10.0 * mib, "{id}");
        let (mut cpu, mut memory, mut pods) = (0.0, 0.0, 0.0);
        for line in detail["InstanceInfo"]["AllocatedPodInfoList"].as_array().unwrap() {
            let text = |name: &str| line[name].as_str().unwrap();
            let count = line["podCount"].as_f64().unwrap();
            cpu += count * text("cupRequest").trim_end_matches("vcpu").parse::<f64>().unwrap();
            let (number, unit) = text("memRequest").split_at(text("memRequest").len() - 2);
            memory += count * number.parse::<f64>().unwrap() * if unit == "GB" { 1024.0 } else { 1.0 };
            pods += count;
            let instances = json!({"AppId": line["appId"], "EnvId": line["envId"], "PageSize": 100});
            let spec = format!("{} {}", text("cupRequest"), text("memRequest"));
            assert!(account.data("ListAppInstance", instances).iter().any(|pod| pod["Spec"] == spec), "{line}");
        }
        let nodes = nodes as f64;
        assert!((load("CpuRequest") - cpu - 0.5 * nodes).abs() < 1e-9, "{id}");
        assert_eq!(load("MemRequest"), (memory + 448.0 * nodes) * mib, "{id}");
        assert_eq!(load("AllocateAppPodCount"), pods);
        assert_eq!(load("AllocateAllPodCount"), if nodes == 0.0 { 0.0 } else { pods + 6.0 + 7.0 * nodes });
        let share = |part: f64, whole: f64| if whole == 0.0 { 0.0 } else { (part / whole * 100.0).round() / 100.0 };
        for (names, part, whole) in [
            (&["CpuRequestPercent", "CpuLevel"][..], "CpuRequest", "CpuTotal"),
            (&["MemRequestPercent", "MemLevel"], "MemRequest", "MemTotal"),
            (&["MemUsePercent"], "MemUse", "MemTotal"),
        ] {
            for name in names {
                assert_eq!(load(name), share(load(part), load(whole)), "{id} {name}");
            }
        }
        let cluster = account.cluster(id);
        assert_eq!(
            (&cluster["WorkLoadCpu"], &cluster["WorkLoadMem"]),
            (&detail["WorkLoad"]["CpuLevel"], &detail["WorkLoad"]["MemLevel"])
        );
        // As many more fit as are said to, and not one more.
        for line in detail["InstanceInfo"]["AvailablePodInfoList"].as_array().unwrap() {
            let number = |name: &str| line[name].as_str().unwrap().parse::<i64>().unwrap();
            let size = of(number("cupRequest") * 1000, number("memRequest") * 1024);
            let env = if id == "c-demo-prod" { 3002 } else { 3001 };
            if nodes > 0.0 {
                let mut full = account.clone();
                let fits = std::iter::from_fn(|| place(&mut full.0, env, size).unwrap()).count();
                assert_eq!(line["availablePodCount"], fits, "{id} {line}");
            }
        }
    }
}

#[test]
fn serverless_clusters_run_pods_without_nodes() {
    let mut account = Account::demo();
    let mut params = new_cluster("172.22.0.0/16", "172.23.0.0/20");
    params["ClusterType"] = "Serverless".into();
    let id = account.ok("CreateCluster", params)["Result"]["ClusterInstanceId"].as_str().unwrap().to_owned();
    account.wait(480);
    let env = json!({
        "AppId": 1002, "AppSchemaId": 2002, "EnvName": "x", "EnvType": 0, "Region": "r", "Replicas": 3, "ClusterId": id,
    });
    let env = account.ok("CreateEnvironment", env)["Result"]["AppEnvId"].as_i64().unwrap();
    let order =
        account.ok("DeployApp", json!({"EnvId": env, "Name": "x", "TotalPartitions": 1}))["Result"]["DeployOrderId"]
            .clone();
    account.wait(60);
    assert_eq!(account.ok("DescribeDeployOrderDetail", json!({"DeployOrderId": order}))["Result"]["Result"], 1);
    for pod in account.data("ListPods", json!({"DeployOrderId": order})) {
        assert!(pod["PodIp"].is_string() && pod.get("HostIp").is_none() && pod.get("HostName").is_none(), "{pod}");
        let events = json!({"DeployOrderId": order, "AppInstId": pod["AppInstanceId"]});
        let message = account.ok("DescribePodEvents", events)["Result"]["PodEvents"][0]["Message"].to_string();
        assert!(message.contains(" to virtual-kubelet-cn-zhangjiakou"), "{message}");
    }
    let detail = account.ok("QueryClusterDetail", json!({"ClusterInstanceId": id}))["Result"].clone();
    // Logs count on the managed kind only.
    assert_eq!(detail["BasicInfo"]["HasInstallLogController"], false);
    for (name, value) in
        [("AllNodeCount", 0.0), ("AllocateAppPodCount", 3.0), ("AllocateAllPodCount", 3.0), ("CpuRequest", 1.5)]
    {
        assert_eq!(detail["WorkLoad"][name].as_f64(), Some(value), "{name}");
    }
    let refused = account.refused("AddClusterNode", node_list(&id, &["i-demo-0009"]));
    assert_eq!(refused, (10409, format!("cluster {id} is serverless: it takes no nodes")));
    let windows =
        account.ok("CreateApp", json!({"Title": "x", "OperatingSystem": "Windows"}))["Result"]["AppId"].clone();
    let manifest = crate::sim::demo::manifest("Deployment", "x", "1", "1Gi");
    let config = json!({"AppId": windows, "EnvType": "test", "Name": "x", "Deployment": manifest});
    let config = account.ok("CreateDeployConfig", config)["Result"]["SchemaId"].clone();
    let env = json!({
        "AppId": windows, "AppSchemaId": config, "EnvName": "x", "EnvType": 0, "Region": "r", "Replicas": 1, "ClusterId": id,
    });
    let env = account.ok("CreateEnvironment", env)["Result"]["AppEnvId"].clone();
    let refused = account.refused("DeployApp", json!({"EnvId": env, "Name": "x", "TotalPartitions": 1}));
    assert_eq!(refused, (10409, format!("cluster {id} is serverless: it runs no Windows applications")));
}

#[test]
fn a_serverless_cluster_without_ranges_gets_some_that_are_free() {
    let mut account = Account::demo();
    let mut cluster = new_cluster("", "");
    cluster.as_object_mut().unwrap().retain(|name, _| !name.ends_with("CIDR") && !name.contains("LogIntegration"));
    cluster["ClusterType"] = "Serverless".into();
    let ranges = |account: &mut Account| {
        let created = account.ok("CreateCluster", cluster.clone());
        let id = created["Result"]["ClusterInstanceId"].clone();
        let all = account.data("ListCluster", json!({"PageNum": 1, "PageSize": 50}));
        let made = all.into_iter().find(|one| one["InstanceId"] == id).unwrap();
        [made["PodCIDR"].clone(), made["ServiceCIDR"].clone()]
    };
    // Those of the three clusters of the demo account are taken.
    assert_eq!(ranges(&mut account), ["172.22.0.0/16", "172.23.0.0/20"]);
    assert_eq!(ranges(&mut account), ["172.26.0.0/16", "172.27.0.0/20"]);
}

#[test]
fn a_windows_cluster_takes_windows_nodes() {
    let mut account = Account::demo();
    let mut params = new_cluster("172.22.0.0/16", "172.23.0.0/20");
    params["ClusterType"] = "Windows".into();
    let id = account.ok("CreateCluster", params)["Result"]["ClusterInstanceId"].as_str().unwrap().to_owned();
    account.wait(480);
    let refused = account.refused("AddClusterNode", node_list(&id, &["i-demo-0009"]));
    assert_eq!(refused, (10400, format!("ECS instance i-demo-0009 runs Linux, cluster {id} takes nodes with Windows")));
    assert_eq!(account.nodes("ListAvailableClusterNode", &id), ["i-demo-0017", "i-demo-0018"]);
    let refused = account.refused("AddClusterNode", node_list("c-demo-test", &["i-demo-0017"]));
    assert_eq!(refused.1, "ECS instance i-demo-0017 runs Windows, cluster c-demo-test takes nodes with Linux");
    account.ok("AddClusterNode", node_list(&id, &["i-demo-0017"]));
    account.wait(120);
    let node = account.data("ListClusterNode", json!({"ClusterInstanceId": id}))[0].clone();
    assert_eq!((&node["EcsOsType"], &node["OSName"]), (&json!("windows"), &json!("Windows Server 2019 64位")));
    let detail = account.ok("QueryClusterDetail", json!({"ClusterInstanceId": id}))["Result"].clone();
    assert_eq!(detail["BasicInfo"]["HasInstallLogController"], false);
}

#[test]
fn nodes_come_from_the_available_list_and_return_to_it() {
    let mut account = Account::demo();
    let available = ["i-demo-0009", "i-demo-0010", "i-demo-0011", "i-demo-0012"];
    assert_eq!(account.nodes("ListAvailableClusterNode", "c-demo-prod"), available);
    account.ok("AddClusterNode", node_list("c-demo-test", &["i-demo-0010", "i-demo-0009"]));
    assert_eq!(account.nodes("ListAvailableClusterNode", "c-demo-prod"), available[2..]);
    let (few, all) = (
        ["i-demo-0013", "i-demo-0014", "i-demo-0015", "i-demo-0016"],
        ["i-demo-0009", "i-demo-0010", "i-demo-0013", "i-demo-0014", "i-demo-0015", "i-demo-0016"],
    );
    let both = node_list("c-demo-test", &["i-demo-0009", "i-demo-0010"]);
    let refused = account.refused("RemoveClusterNode", both.clone());
    assert_eq!(refused, (10404, "node of cluster c-demo-test i-demo-0009 does not exist".to_owned()), "not yet");
    for (wait, nodes) in [(119, &few[..]), (1, &all)] {
        account.wait(wait);
        assert_eq!(account.nodes("ListClusterNode", "c-demo-test"), nodes);
    }
    account.ok("RemoveClusterNode", both.clone());
    let refused = account.refused("RemoveClusterNode", both.clone());
    assert_eq!(refused, (10409, "node i-demo-0009 is leaving cluster c-demo-test already".to_owned()));
    let refused = account.refused("AddClusterNode", both);
    assert_eq!(refused, (10409, "node i-demo-0009 is in cluster c-demo-test".to_owned()));
    for (wait, nodes) in [(59, &all[..]), (1, &few)] {
        account.wait(wait);
        assert_eq!(account.nodes("ListClusterNode", "c-demo-test"), nodes);
    }
    assert_eq!(account.nodes("ListAvailableClusterNode", "c-demo-test"), available);
    let node = account.data("ListAvailableClusterNode", json!({"ClusterInstanceId": "c-demo-prod"}))[0].clone();
    for (name, value) in [
        ("EcsCpu", "8"),
        ("EcsMemory", "16384"),
        ("EcsConfiguration", "8vcpu 16G"),
        ("InstanceType", "ecs.c6.2xlarge"),
        ("EcsPrivateIp", "192.168.17.10"),
        ("EcsEip", "39.100.0.9"),
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
        pods.filter(|pod| pod.placement.as_ref().is_some_and(|at| at.node.as_deref() == Some(node))).count()
    };
    let total = account.0.cluster.clusters["c-demo-prod"].pods.len();
    assert!(on(&mut account, "i-demo-0001") > 0);
    account.ok("RemoveClusterNode", node_list("c-demo-prod", &["i-demo-0001", "i-demo-0002"]));
    assert_eq!(on(&mut account, "i-demo-0001") + on(&mut account, "i-demo-0002"), 0);
    assert_eq!(account.0.cluster.clusters["c-demo-prod"].pods.len(), total);
    account.wait(60);
    let bindings = json!({"InstanceId": "i-demo-0001", "PageNumber": 1, "PageSize": 10});
    assert_eq!(account.ok("ListNodeLabelBindings", bindings)["TotalCount"], 0);

    // With no node left the pods wait, and run again when one joins.
    let rest: Vec<String> = account.nodes("ListClusterNode", "c-demo-prod");
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    account.ok("RemoveClusterNode", node_list("c-demo-prod", &rest));
    assert!(account.0.cluster.clusters["c-demo-prod"].pods.is_empty());
    account.wait(60);
    account
        .ok("AddClusterNode", node_list("c-demo-prod", &["i-demo-0001", "i-demo-0002", "i-demo-0003", "i-demo-0004"]));
    account.wait(120);
    assert_eq!(account.0.cluster.clusters["c-demo-prod"].pods.len(), total);
}

#[test]
fn pods_go_where_most_room_is() {
    let mut account = Account::demo();
    account.ok("AddClusterNode", node_list("c-demo-spare", &["i-demo-0009", "i-demo-0010", "i-demo-0011"]));
    account.wait(120);
    let params = json!({
        "AppId": 1001, "AppSchemaId": 2001, "EnvName": "x", "EnvType": 0, "Region": "cn-zhangjiakou", "Replicas": 1,
    });
    let env = account.ok("CreateEnvironment", params)["Result"]["AppEnvId"].as_i64().unwrap();
    let refused = place(&mut account.0, env, of(1000, 0)).unwrap_err();
    assert_eq!(refused.text, format!("environment {env} is not allocated to a cluster"));
    account.ok("CreateAppResourceAlloc", json!({"AppId": 1001, "AppEnvId": env, "ClusterId": "c-demo-spare"}));
    // Two nodes of 8 CPUs and 14,417 MiB, one of 4 and 7,208; half a CPU and 448 MiB of each are taken.
    let mut placed: Vec<Placement> = Vec::new();
    for (cpus, mib, node) in [
        (3, 0, Some(9)),
        (3, 0, Some(10)),
        (2, 13_000, Some(9)),
        (2, 13_000, Some(10)),
        (1, 1000, Some(11)),
        (4, 0, None),
        // Memory is where CPU is not.
        (1, 2000, Some(11)),
        (1, 4000, None),
        (2, 969, Some(9)),
        (2, 970, None),
    ] {
        let placement = place(&mut account.0, env, of(cpus * 1000, mib)).unwrap();
        let expected = node.map(|node| format!("i-demo-{node:04}"));
        assert_eq!(placement.as_ref().and_then(|placement| placement.node.clone()), expected, "{cpus} {mib}");
        placed.extend(placement);
    }
    assert_eq!(placed[0].host_ip.as_deref(), Some("192.168.17.10"));
    assert_eq!(placed[0].host_name().as_deref(), Some("cn-zhangjiakou.192.168.17.10"));
    for (cpus, mib, why) in [
        (9, 0, "0/3 nodes are available: 3 Insufficient cpu"),
        (0, 900 << 10, "0/3 nodes are available: 3 Insufficient memory"),
        (2, 1000, "0/3 nodes are available: 2 Insufficient cpu, 2 Insufficient memory"),
    ] {
        assert_eq!(shortage(&account.0, env, of(cpus * 1000, mib)), why);
    }
    let addresses: BTreeSet<&str> = placed.iter().map(|placement| placement.pod_ip.as_str()).collect();
    assert_eq!(addresses.len(), placed.len());
    assert!(addresses.contains("172.28.0.1"));

    let text = format!("resource allocation of environment {env} cannot be deleted: it still has 7 pods");
    assert_eq!(account.refused("DeleteAppResourceAlloc", json!({"AppEnvId": env})), (10409, text));
    for placement in &placed {
        vacate(&mut account.0, env, placement);
        // Giving back twice is giving back once.
        vacate(&mut account.0, env, placement);
    }
    let room: i64 = account.0.cluster.clusters["c-demo-spare"].room.iter().map(|(room, _)| room.0).sum();
    assert_eq!(room, 20_000 - 3 * 500);
    account.ok("DeleteAppResourceAlloc", json!({"AppEnvId": env}));
}

#[test]
fn production_has_room_for_about_120_pods_of_one_cpu() {
    let mut account = Account::demo();
    let mut empty = account.0.cluster.clusters["c-demo-prod"].pods.keys().copied().collect::<Vec<_>>();
    let taken: i64 = account.0.cluster.clusters["c-demo-prod"].pods.values().map(|pod| pod.asked.cpu_millis).sum();
    let fits = std::iter::from_fn(|| place(&mut account.0, 3002, of(1000, 1024)).unwrap()).count();
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

    // One that is large enough, of the class and mode wanted.
    account.ok("CreatePersistentVolume", volume("pv-small", "slow", "ReadWriteOnce", "1G", "Retain"));
    account.ok("CreatePersistentVolume", volume("pv-large", "fast", "ReadWriteOnce", "1Ti", "Delete"));
    account.ok("CreatePersistentVolume", volume("pv-other", "shared", "ReadWriteMany", "2Gi", "Retain"));
    account.ok("CreatePersistentVolumeClaim", claim("a", "fast", "ReadWriteOnce", "1Gi"));
    account.ok("CreatePersistentVolumeClaim", claim("large", "slow", "ReadWriteOnce", "1Gi"));
    account.ok("CreatePersistentVolumeClaim", claim("b", "slow", "ReadWriteOnce", "1e9"));
    account.ok("CreatePersistentVolumeClaim", claim("mode", "shared", "ReadWriteOnce", "1Gi"));
    account.ok("CreatePersistentVolumeClaim", claim("c", "late", "ReadWriteOnce", "1"));
    assert_eq!(account.volume("c-demo-prod", "pv-large"), bound("a"));
    assert_eq!(account.volume("c-demo-prod", "pv-small"), bound("b"));
    assert_eq!(account.volume("c-demo-prod", "pv-other"), state("Available"));

    // A claim that waits takes the next volume that fits.
    account.ok("CreatePersistentVolume", volume("pv-late", "late", "ReadWriteOnce", "5Mi", "Retain"));
    assert_eq!(account.volume("c-demo-prod", "pv-late"), bound("c"));

    account.ok("DeletePersistentVolumeClaim", release("a"));
    assert_eq!(account.volume("c-demo-prod", "pv-large"), bound("a"));
    account.wait(3);
    assert_eq!(account.volume("c-demo-prod", "pv-large"), state("Released"), "and is deleted by its policy");
    account.wait(3);
    assert_eq!(account.volume("c-demo-prod", "pv-large"), None);
    account.ok("DeletePersistentVolumeClaim", release("b"));
    account.wait(3);
    assert_eq!(account.volume("c-demo-prod", "pv-small"), state("Released"));
    // What was released is not bound again, but can be deleted; then its class is free.
    account.ok("CreatePersistentVolumeClaim", claim("d", "slow", "ReadWriteOnce", "1"));
    assert_eq!(account.volume("c-demo-prod", "pv-small"), state("Released"));
    account.refused("CreatePersistentVolume", volume("pv-again", "slow", "ReadWriteOnce", "1Gi", "Retain"));
    for name in ["pv-small", "pv-other"] {
        let params = json!({"ClusterInstanceId": "c-demo-prod", "PersistentVolumeName": name});
        account.ok("DeletePersistentVolume", params);
        account.wait(3);
        assert_eq!(account.volume("c-demo-prod", name), None);
    }
    account.ok("CreatePersistentVolume", volume("pv-again", "slow", "ReadWriteOnce", "2Gi", "Retain"));
    assert_eq!(account.volume("c-demo-prod", "pv-again"), bound("large"));
    // An environment that goes lets go of its volumes.
    account.ok("DeleteAppEnvironment", json!({"AppId": 1001, "EnvId": 3002, "Force": true}));
    account.wait(10);
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

#[test]
fn a_cluster_that_fails_can_only_be_deleted() {
    let mut account = Account::demo();
    let created = account.troubled("CreateCluster", new_cluster("172.22.0.0/16", "172.23.0.0/20"), Trouble::Fails);
    let id = created["ClusterInstanceId"].as_str().unwrap().to_owned();
    for (wait, status) in [(0, "initial"), (180, "updating"), (299, "updating"), (1, "failed"), (3600, "failed")] {
        account.wait(wait);
        assert_eq!(account.cluster(&id)["Status"], status);
    }
    assert_eq!(account.cluster(&id)["CreateStatus"], "0");
    let refused = account.refused("AddClusterNode", node_list(&id, &["i-demo-0009"]));
    assert_eq!(refused, (10409, format!("cluster {id} has failed: it can only be deleted")));
    account.ok("DeleteCluster", json!({"ClusterInstanceId": id}));
    account.wait(120);
    account.refused("QueryClusterDetail", json!({"ClusterInstanceId": id}));
}

#[test]
fn a_volume_fails_with_a_reason() {
    let mut account = Account::demo();
    let reason = |account: &mut Account, name: &str| {
        let volumes = account.data("ListPersistentVolume", json!({"ClusterInstanceId": "c-demo-prod"}));
        let volume = volumes.into_iter().find(|volume| volume["Name"] == name).unwrap();
        (volume["Status"].as_str().unwrap().to_owned(), volume["Reason"].as_str().map(str::to_owned))
    };
    let failed = |why: &str| ("Failed".to_owned(), Some(why.to_owned()));
    let why = "mount target shop-demo.cn-zhangjiakou.nas.aliyuncs.com does not answer";
    assert_eq!(reason(&mut account, "pv-demo-7"), failed(why));
    assert_eq!(reason(&mut account, "pv-demo-6"), ("Released".to_owned(), None));

    let created = volume("pv-9", "nas-9", "ReadWriteMany", "50Gi", "Retain");
    account.troubled("CreatePersistentVolume", created, Trouble::Fails);
    account.ok("CreatePersistentVolumeClaim", claim("data-9", "nas-9", "ReadWriteMany", "10Gi"));
    assert_eq!(reason(&mut account, "pv-9"), failed("mount target x does not answer"), "no claim gets it");
    account.ok("DeletePersistentVolume", json!({"ClusterInstanceId": "c-demo-prod", "PersistentVolumeName": "pv-9"}));

    let claim = json!({"AppId": 1001, "EnvId": 3002, "PersistentVolumeClaimName": "data-web"});
    account.troubled("DeletePersistentVolumeClaim", claim, Trouble::Fails);
    account.wait(3);
    assert_eq!(reason(&mut account, "pv-demo-2"), failed("Retain of the volume failed: /volume-2 is in use"));
}

#[test]
fn a_deploy_has_monitoring_installed() {
    let mut account = Account::demo();
    let arms = |account: &mut Account, cluster: &str| {
        let detail = account.ok("QueryClusterDetail", json!({"ClusterInstanceId": cluster}));
        let basic = &detail["Result"]["BasicInfo"];
        (basic["HasInstallArmsPilot"] == true, basic["InstallArmsInProcess"] == true)
    };
    assert_eq!(arms(&mut account, "c-demo-prod"), (true, false));
    assert_eq!(arms(&mut account, "c-demo-test"), (false, false));
    let deploy = json!({"EnvId": 3001, "Name": "watched", "TotalPartitions": 1, "ArmsFlag": true});
    account.ok("DeployApp", deploy);
    for (wait, expected) in [(0, (false, true)), (119, (false, true)), (1, (true, false))] {
        account.wait(wait);
        assert_eq!(arms(&mut account, "c-demo-test"), expected);
    }
}
