//! Chapter 3 on the demo account.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use serde_json::{Value, json};

use crate::sim::engine::applications::tests::Account;
use crate::sim::engine::call::Trouble;

fn port(name: &str, port: i64) -> Value {
    json!({"Protocol": "TCP", "TargetPort": "8080", "Port": port, "Name": name})
}

fn with(mut mapping: Value, node_port: i64) -> Value {
    mapping["NodePort"] = node_port.into();
    mapping
}

fn service(env: i64, service_type: &str, k8s_id: &str, ports: &[Value]) -> Value {
    json!({"EnvId": env, "Name": "x", "ServiceType": service_type, "K8sServiceId": k8s_id, "PortMappings": ports})
}

fn point(env: i64, slb: &str, port: i64, protocol: &str) -> Value {
    json!({
        "EnvId": env, "Name": "x", "SlbId": slb, "ListenerPort": port, "RealServerPort": 8080, "Protocol": protocol,
    })
}

#[test]
fn refusals_say_why_and_change_nothing() {
    let mut account = Account::demo();
    // An environment that is allocated to no cluster.
    let params = json!({
        "AppId": 1001, "AppSchemaId": 2001, "EnvName": "x", "EnvType": 0, "Region": "cn-zhangjiakou", "Replicas": 1,
    });
    assert_eq!(account.ok("CreateEnvironment", params)["Result"]["AppEnvId"], 3033);
    let twice = |second: Value| json!({"ServiceId": 6002, "PortMappings": [port("http", 80), second]});
    for (action, params, code, text) in [
        ("CreateSlbAP", point(9, "lb-demo-0001", 81, "TCP"), 10404, "environment 9 does not exist"),
        ("CreateSlbAP", point(3001, "lb-9", 81, "TCP"), 10404, "SLB lb-9 does not exist"),
        ("CreateSlbAP", point(3001, "lb-demo-0001", 80, "TCP"), 10409, "listener port 80 of SLB lb-demo-0001 is taken"),
        ("ModifySlbAP", json!({"SlbAPId": 9}), 10404, "SLB access point 9 does not exist"),
        ("DescribeSlbAPDetail", json!({"SlbAPId": 9}), 10404, "SLB access point 9 does not exist"),
        ("DeleteSlbAP", json!({"SlbAPId": 9}), 10404, "SLB access point 9 does not exist"),
        (
            "ModifySlbAP",
            json!({"SlbAPId": 5003, "Name": "y", "CookieTimeout": 9}),
            10400,
            "CookieTimeout is for HTTP and HTTPS; SLB access point 5003 is TCP",
        ),
        (
            "ModifySlbAP",
            json!({"SlbAPId": 5001, "EstablishedTimeout": 10}),
            10400,
            "EstablishedTimeout is for TCP; SLB access point 5001 is HTTP",
        ),
        ("CreateService", service(9, "ClusterIP", "a", &[port("a", 1)]), 10404, "environment 9 does not exist"),
        (
            "CreateService",
            service(3033, "ClusterIP", "a", &[port("a", 1)]),
            10409,
            "environment 3033 is not allocated to a cluster",
        ),
        (
            "CreateService",
            service(3002, "ClusterIP", "mall-web", &[port("a", 1)]),
            10409,
            "service 6001 of environment 3002 is called mall-web already",
        ),
        (
            "CreateService",
            service(3004, "NodePort", "a", &[with(port("a", 1), 30_000)]),
            10409,
            "node port 30000 is taken in cluster c-demo-prod",
        ),
        ("ModifyService", json!({"ServiceId": 9}), 10404, "service 9 does not exist"),
        ("DescribeServiceDetail", json!({"ServiceId": 9}), 10404, "service 9 does not exist"),
        ("DeleteService", json!({"ServiceId": 9}), 10404, "service 9 does not exist"),
        (
            "ModifyService",
            json!({"ServiceId": 6001, "Name": "y", "PortMappings": [with(port("http", 80), 30_001)]}),
            10400,
            "NodePort is for services of type NodePort, not ClusterIP",
        ),
        (
            "ModifyService",
            json!({"ServiceId": 6001, "PortMappings": [{"Port": 80}, {"Port": 81, "Name": "b", "Protocol": "TCP"}]}),
            10400,
            "PortMappings.2.TargetPort is needed for a new port",
        ),
        (
            "CreateService",
            json!({"EnvId": 3004, "Name": "x", "ServiceType": "ClusterIP", "K8sServiceId": "inventory", "PortMappings": [port("a", 1)]}),
            10409,
            "service 6004 of environment 3006 is called inventory already",
        ),
        ("ModifyService", twice(port("http", 81)), 10400, "PortMappings names http twice"),
        ("ModifyService", twice(port("b", 80)), 10400, "PortMappings has TCP port 80 twice"),
        ("ModifyService", twice(with(port("b", 81), 30_000)), 10400, "PortMappings has node port 30000 twice"),
    ] {
        assert_eq!(account.refused(action, params.clone()), (code, text.to_owned()), "{action} {params}");
    }
}

#[test]
fn an_access_point_keeps_what_it_is_not_given() {
    let mut account = Account::demo();
    let describe = json!({"SlbAPId": 5001});
    let before = account.ok("DescribeSlbAPDetail", describe.clone())["Result"].clone();
    assert_eq!(
        before,
        json!({
            "AppId": 1001, "CookieTimeout": 1800, "EnvId": 3002, "ListenerPort": 80, "Name": "商城前台",
            "NetworkMode": "internet", "Protocol": "HTTP", "RealServerPort": 8080, "SlbAPId": 5001,
            "SlbId": "lb-demo-0001", "SlbIp": "39.99.134.10", "StickySession": 1,
        })
    );
    account.ok("ModifySlbAP", json!({"SlbAPId": 5001, "StickySession": 0}));
    let mut expected = before.clone();
    expected["StickySession"] = 0.into();
    assert_eq!(account.ok("DescribeSlbAPDetail", describe.clone())["Result"], expected);
    account.ok("ModifySlbAP", json!({"SlbAPId": 5001, "Name": "y", "RealServerPort": 9, "SslCertId": "ssl-1"}));
    for (name, value) in [("Name", json!("y")), ("RealServerPort", json!(9)), ("SslCertId", json!("ssl-1"))] {
        expected[name] = value;
    }
    assert_eq!(account.ok("DescribeSlbAPDetail", describe)["Result"], expected);

    // A deleted one frees its port, and its id is not used again.
    account.ok("DeleteSlbAP", json!({"SlbAPId": 5001}));
    account.refused("CreateSlbAP", point(3001, "lb-demo-0001", 80, "TCP"));
    account.wait(3);
    assert_eq!(account.ok("CreateSlbAP", point(3001, "lb-demo-0001", 80, "TCP"))["Result"]["SlbAPId"], 5005);
}

#[test]
fn lists_filter() {
    let mut account = Account::demo();
    account.ok("CreateSlbAP", point(3001, "lb-demo-0002", 80, "UDP"));
    for (action, id, filter, expected) in [
        ("ListSlbAPs", "SlbAPId", json!({}), &[5001, 5002, 5005][..]),
        ("ListSlbAPs", "SlbAPId", json!({"EnvId": 3001}), &[5005]),
        ("ListSlbAPs", "SlbAPId", json!({"Name": "商城前台"}), &[5001]),
        ("ListSlbAPs", "SlbAPId", json!({"NetworkMode": "intranet"}), &[5005]),
        ("ListSlbAPs", "SlbAPId", json!({"ProtocolList": ["UDP", "HTTPS"]}), &[5002, 5005]),
        ("ListSlbAPs", "SlbAPId", json!({"SlbId": "lb-demo-0001"}), &[5001, 5002]),
        ("ListSlbAPs", "SlbAPId", json!({"SlbId": "lb-demo-0001", "EnvId": 3001}), &[]),
        ("ListServices", "ServiceId", json!({}), &[6001, 6002]),
        ("ListServices", "ServiceId", json!({"EnvId": 3001}), &[6002]),
        ("ListServices", "ServiceId", json!({"Name": "商城前台"}), &[6001]),
        ("ListServices", "ServiceId", json!({"ServiceType": "NodePort"}), &[6002]),
    ] {
        let mut params = filter.clone();
        params["AppId"] = 1001.into();
        let ids: Vec<i64> = account.data(action, params).iter().map(|record| record[id].as_i64().unwrap()).collect();
        assert_eq!(ids, expected, "{action} {filter}");
    }
}

#[test]
fn node_ports_are_picked_kept_and_freed() {
    let mut account = Account::demo();
    let ports = |account: &mut Account, id: i64| -> Vec<(String, i64, Option<i64>)> {
        let detail = account.ok("DescribeServiceDetail", json!({"ServiceId": id}));
        let ports = detail["Result"]["PortMappings"].as_array().unwrap().clone();
        let text = |port: &Value| port["Name"].as_str().unwrap().to_owned();
        ports
            .iter()
            .map(|p| (text(p), p["Port"].as_i64().unwrap(), p.get("NodePort").and_then(Value::as_i64)))
            .collect()
    };
    let http = |port| ("http".to_owned(), port, Some(30_000));
    // The same number may be taken in the other cluster.
    assert_eq!(ports(&mut account, 6002), [http(80)]);
    assert_eq!(ports(&mut account, 6005), [http(80)]);
    assert_eq!(ports(&mut account, 6001), [("http".to_owned(), 80, None)]);

    // A port that is modified keeps its node port, found by name or else by position.
    account.ok("ModifyService", json!({"ServiceId": 6005, "PortMappings": [{"Port": 81}]}));
    assert_eq!(ports(&mut account, 6005), [http(81)]);
    account.ok("ModifyService", json!({"ServiceId": 6005, "PortMappings": [port("admin", 9000), {"Name": "http"}]}));
    assert_eq!(ports(&mut account, 6005), [("admin".to_owned(), 9000, Some(30_001)), http(81)]);
    account.ok("ModifyService", json!({"ServiceId": 6005, "Name": "renamed"}));
    assert_eq!(ports(&mut account, 6005).len(), 2);

    // What goes is free again, on its own or with the environment.
    account.ok("ModifyService", json!({"ServiceId": 6005, "PortMappings": [{"Name": "admin"}]}));
    let created = service(3004, "NodePort", "a", &[port("a", 1), with(port("b", 2), 30_000)]);
    let id = account.ok("CreateService", created)["Result"]["ServiceId"].as_i64().unwrap();
    assert_eq!(ports(&mut account, id), [("a".to_owned(), 1, Some(30_002)), ("b".to_owned(), 2, Some(30_000))]);
    account.ok("DeleteService", json!({"ServiceId": id}));
    account.ok("DeleteAppEnvironment", json!({"AppId": 1004, "EnvId": 3008, "Force": true}));
    account.wait(10);
    account.refused("DescribeServiceDetail", json!({"ServiceId": 6005}));
    account.refused("DescribeSlbAPDetail", json!({"SlbAPId": 5004}));
    let id =
        account.ok("CreateService", service(3004, "NodePort", "a", &[port("a", 1)]))["Result"]["ServiceId"].clone();
    assert_eq!(ports(&mut account, id.as_i64().unwrap()), [("a".to_owned(), 1, Some(30_000))]);
    account.ok("CreateSlbAP", point(3001, "lb-demo-0001", 8443, "TCP"));
}

#[test]
fn services_have_an_address_unless_headless() {
    let mut account = Account::demo();
    let address = |account: &mut Account, id: &Value| {
        account.ok("DescribeServiceDetail", json!({"ServiceId": id}))["Result"]["ClusterIP"].clone()
    };
    assert_eq!(address(&mut account, &json!(6001)), "172.21.0.1");
    let mut headless = service(3002, "ClusterIP", "peers", &[port("a", 1)]);
    headless["Headless"] = true.into();
    let id = account.ok("CreateService", headless)["Result"]["ServiceId"].clone();
    assert_eq!(address(&mut account, &id), "None");
}

#[test]
fn what_hangs_on_an_environment_stands_in_the_way_of_deleting_it() {
    let mut account = Account::demo();
    let (_, text) = account.refused("DeleteAppEnvironment", json!({"AppId": 1002, "EnvId": 3004, "Force": false}));
    assert!(
        text.ends_with("SLB access point 5003, service 6003, resource allocation in cluster c-demo-prod"),
        "{text}"
    );
}

#[test]
fn access_points_may_outlive_their_environment() {
    let mut account = Account::demo();
    let points = |account: &mut Account, app: i64| {
        let list = account.data("ListSlbAPs", json!({"AppId": app}));
        let ids = |point: &Value| (point["SlbAPId"].as_i64().unwrap(), point["EnvId"].as_i64().unwrap());
        list.iter().map(ids).collect::<Vec<_>>()
    };
    assert_eq!(points(&mut account, 1012), [(5000, 3000)]);
    account.refused("DescribeAppEnvironmentDetail", json!({"AppId": 1012, "EnvId": 3000}));
    account.ok("DeleteSlbAP", json!({"SlbAPId": 5000}));
    account.wait(3);
    assert_eq!(points(&mut account, 1012), []);

    let delete = json!({"AppId": 1001, "EnvId": 3002, "Force": true});
    account.troubled("DeleteAppEnvironment", delete, Trouble::Fails);
    account.wait(10);
    assert_eq!(points(&mut account, 1001), [(5001, 3002), (5002, 3002)]);
    account.refused("DescribeAppEnvironmentDetail", json!({"AppId": 1001, "EnvId": 3002}));
    account.ok("DeleteSlbAP", json!({"SlbAPId": 5001}));
    account.wait(3);
    assert_eq!(points(&mut account, 1001), [(5002, 3002)]);
}
