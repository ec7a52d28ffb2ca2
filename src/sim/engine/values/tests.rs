//! The simulator's list against values of its own, and against the client's checks: two readings of one
//! document, made apart.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::*;
use crate::catalogue::{self, Check, Param, Rule, Type};

fn call(action: &str, change: Value) -> Call {
    let operation = catalogue::find(action).unwrap();
    let mut params: Map<String, Value> = serde_json::from_str(operation.example).unwrap();
    for (name, value) in change.as_object().unwrap() {
        match value {
            Value::Null => drop(params.remove(name)),
            value => drop(params.insert(name.clone(), value.clone())),
        }
    }
    Call::new(operation, params)
}

#[test]
fn examples_are_taken_and_wrong_values_are_refused_in_words() {
    for operation in catalogue::operations() {
        assert_eq!(refused(&call(operation.action, json!({}))), None, "{}", operation.action);
    }
    for (action, change, text) in [
        ("CreateApp", json!({"Language": "Rust"}), "Language Rust is not one of Java, PHP, C#, Python"),
        ("CreateApp", json!({"Title": ""}), "Title is empty"),
        ("ListApp", json!({"PageSize": 0}), "PageSize 0 is not 1 or more"),
        (
            "CreatePersistentVolume",
            json!({"Capacity": "0Gi"}),
            "Capacity 0Gi is not a whole number above 0, perhaps with E, P, T, G, M, K, Ei, Pi, Ti, Gi, Mi or Ki",
        ),
        (
            "CreateCluster",
            json!({"Password": "fake"}),
            "Password is not 8 characters or more of upper and lower case, digits and others",
        ),
        ("CreateCluster", json!({"KeyPair": null}), "KeyPair or Password is needed"),
        ("CreateCluster", json!({"KeyPair": ""}), "KeyPair or Password is needed"),
        (
            "CreateCluster",
            json!({"PodCIDR": "10.0.0.0/+16"}),
            "PodCIDR 10.0.0.0/+16 is not a range of addresses such as 172.22.0.0/16",
        ),
        (
            "CreateCluster",
            json!({"PodCIDR": "10.0.0.0/016"}),
            "PodCIDR 10.0.0.0/016 is not a range of addresses such as 172.22.0.0/16",
        ),
        (
            "CreateNodeLabel",
            json!({"LabelKey": "label.jst.com/ "}),
            "LabelKey label.jst.com/  is not a name behind label.jst.com/",
        ),
        (
            "CreateService",
            json!({"PortMappings": [{"Protocol": "TCP", "Port": 80, "Name": "a", "TargetPort": "8"}, {"TargetPort": ""}]}),
            "PortMappings.TargetPort is empty",
        ),
        ("CreateService", json!({"PortMappings": [{"Name": "", "Protocol": ""}]}), "PortMappings.Protocol is empty"),
        (
            "CreateApp",
            json!({"UserRoles": [{"RoleName": "Owner", "UserId": "", "UserType": "TAOBAO"}]}),
            "UserRoles.UserId is empty",
        ),
        (
            "CreateDeployConfig",
            json!({"Deployment": "kind: Deployment\nspec: {}\n"}),
            "Deployment kind: Deployment… is not base64",
        ),
        (
            "CreateDeployConfig",
            json!({"Deployment": "?".repeat(61)}),
            &format!("Deployment {}… is not base64", "?".repeat(60)),
        ),
        (
            "CreateCluster",
            json!({"ClusterType": "Windows", "CreateWithLogIntegration": true}),
            "CreateWithLogIntegration is for Standard",
        ),
        (
            "CreateService",
            json!({"PortMappings": [{"Protocol": "TCP", "Port": 0}]}),
            "PortMappings.Port 0 is not from 1 to 65535",
        ),
        ("CreateSlbAP", json!({"Protocol": "UDP"}), "EstablishedTimeout is for TCP"),
        (
            "ListDeployOrders",
            json!({"EndTimeLessThan": "soon"}),
            "EndTimeLessThan soon is not a time such as 2020-01-01 00:00:00",
        ),
    ] {
        assert_eq!(refused(&call(action, change.clone())), Some(Refusal::invalid(text)), "{action} {change}");
    }
}

/// A value that a check does not let through.
fn outside(check: Check) -> Value {
    match check {
        Check::Range(low, _) => json!(low - 1),
        Check::OneOf(values) if values.iter().all(|value| value.parse::<i64>().is_ok()) => json!(77),
        Check::Length(..) => json!("a"),
        _ => json!("?no such value?"),
    }
}

#[test]
fn what_the_client_checks_the_service_refuses_and_the_other_way_round() {
    let mut checked = BTreeSet::new();
    for operation in catalogue::operations() {
        let inner = |param: &Param| match param.ty {
            Type::Maps(fields) => {
                fields.iter().map(|field| (format!("{}.{}", param.name, field.name), *field)).collect()
            }
            _ => vec![(param.name.to_owned(), *param)],
        };
        for (path, param) in operation.params.iter().flat_map(inner) {
            for check in param.checks {
                checked.insert((operation.action, path.clone()));
                let value = outside(*check);
                let change = match (path.split_once('.'), param.ty) {
                    (Some((list, field)), _) => json!({list: [{field: value}]}),
                    (None, Type::List(_)) => json!({&path: [value]}),
                    (None, _) => json!({&path: value}),
                };
                let refusal = refused(&call(operation.action, change.clone()));
                assert!(refusal.is_some_and(|it| it.text.starts_with(&path)), "{}: {change}", operation.action);
            }
        }
        for rule in operation.rules {
            // Ranges that overlap are the account's to refuse: it knows those of other clusters too.
            let known = TOGETHER.iter().any(|(action, _)| *action == operation.action);
            assert!(known || matches!(rule, Rule::Apart(..)), "{}: {rule:?}", operation.action);
        }
    }
    for (actions, path, _) in ROWS {
        for action in *actions {
            let operation = catalogue::find(action).unwrap();
            let name = path.split('.').next().unwrap();
            if operation.param(name).is_some() {
                assert!(checked.contains(&(*action, (*path).to_owned())), "the client does not check {action} {path}");
            }
        }
    }
}

#[test]
fn refusals_are_in_the_documents_words() {
    for (action, refusal, code, text) in [
        ("CreatePersistentVolume", Refusal::invalid("x"), 10400, "参数错误: x"),
        ("DeleteCluster", Refusal::conflict("x"), 10409, "删除集群失败: x"),
        ("AddClusterNode", Refusal::conflict("x"), 10409, "添加异常: x"),
        (
            "RemoveClusterNode",
            Refusal::not_found("node of cluster c", "i"),
            10404,
            "节点不在集群中: node of cluster c i does not exist",
        ),
        ("CreateCluster", Refusal::conflict("PodCIDR overlaps"), 10409, "POD网段和VPC网段冲突: PodCIDR overlaps"),
        ("CreateDb", Refusal::conflict("x"), 10409, "请求失败: x"),
        ("BindNodeLabel", Refusal::not_found("cluster", "c"), 3, "权限错误: cluster c does not exist"),
        ("ScaleApp", Refusal::not_found("environment", 1), 10404, "environment 1 does not exist"),
    ] {
        let worded = worded(catalogue::find(action).unwrap(), refusal);
        assert_eq!((worded.code, worded.text.as_str()), (code, text), "{action}");
    }
}
