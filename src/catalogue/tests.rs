//! The table of operations: against the golden facts both ways, against itself, and each constraint
//! with a value that it takes and one that it refuses.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};

use regex_lite::Regex;
use serde_json::{Map, Value, json};

use super::*;
use crate::secret::tells_of_secret;
use crate::wire::request::parse;
use crate::wire::validate::validate;

fn golden() -> Vec<Value> {
    serde_json::from_str(include_str!("../../tests/golden/operations.facts.json")).unwrap()
}

fn example(op: &Operation) -> Map<String, Value> {
    serde_json::from_str(op.example).unwrap_or_else(|error| panic!("{}: {error}", op.action))
}

/// Every parameter of an operation, those inside lists of maps included, with its path.
fn all_params(op: &Operation) -> Vec<(String, Param)> {
    let inner = |param: &Param| match param.ty {
        Type::Maps(fields) => fields.iter().map(|field| (format!("{}.{}", param.name, field.name), *field)).collect(),
        _ => Vec::new(),
    };
    op.params.iter().flat_map(|param| std::iter::once((param.name.to_owned(), *param)).chain(inner(param))).collect()
}

fn scalar_of(ty: Type) -> Option<Scalar> {
    match ty {
        Type::Scalar(scalar) | Type::List(scalar) => Some(scalar),
        Type::Maps(_) => None,
    }
}

/// A record written as the golden file writes it.
fn facts(op: &Operation) -> Value {
    fn scalar(scalar: Scalar) -> &'static str {
        match scalar {
            Scalar::String => "String",
            Scalar::Integer => "Integer",
            Scalar::Long => "Long",
            Scalar::Boolean => "Boolean",
        }
    }
    fn rows(param: &Param) -> Vec<Value> {
        let sent_in = match param.position {
            Position::Query => "query",
            Position::Body => "body",
        };
        let row =
            |name: String, ty: &str| json!({"name": name, "type": ty, "required": param.required, "sent_in": sent_in});
        match param.ty {
            Type::Scalar(ty) => vec![row(param.name.to_owned(), scalar(ty))],
            Type::List(ty) => {
                let mut row = row(format!("{}.N", param.name), "RepeatList");
                row["item_type"] = scalar(ty).into();
                vec![row]
            }
            Type::Maps(fields) => fields
                .iter()
                .flat_map(rows)
                .map(|mut row| {
                    row["name"] = format!("{}.N.{}", param.name, row["name"].as_str().unwrap()).into();
                    row
                })
                .collect(),
        }
    }
    fn tree(fields: &[Field]) -> Value {
        let shape = |field: &Field| match field.shape {
            Shape::String => "string".into(),
            Shape::Int => "int".into(),
            Shape::Bool => "bool".into(),
            Shape::Object(fields) => tree(fields),
            Shape::Objects(fields) => json!([tree(fields)]),
            Shape::Strings => json!(["string"]),
        };
        Value::Object(fields.iter().map(|field| (field.name.to_owned(), shape(field))).collect())
    }
    let (later, documented): (Vec<_>, Vec<_>) = op.params.iter().partition(|param| param.later);
    let later = later.into_iter().flat_map(rows).map(|mut row| {
        // The golden file says nothing of it: no later parameter is required.
        assert_eq!(row.as_object_mut().unwrap().remove("required"), Some(json!(false)), "{}", op.action);
        row
    });
    let lists = op.params.iter().filter(|param| matches!(param.ty, Type::Maps(_)));
    let list_required: Map<_, _> = lists.map(|param| (param.name.to_owned(), param.required.into())).collect();
    let mut facts = json!({
        "action": op.action,
        "function": op.function,
        "section": op.section,
        "chapter": op.chapter(),
        "effect": op.effect.name(),
        "http_method": op.method.name(),
        "request": documented.into_iter().flat_map(rows).collect::<Vec<_>>(),
        "later_parameters": later.collect::<Vec<_>>(),
        "response": tree(op.reply),
    });
    if !list_required.is_empty() {
        facts["list_required"] = list_required.into();
    }
    facts
}

#[test]
fn the_table_and_the_golden_facts_say_the_same() {
    let golden = golden();
    let actions = |of: &[Value]| of.iter().map(|op| op["action"].clone()).collect::<Vec<_>>();
    let table: Vec<Value> = operations().map(facts).collect();
    assert_eq!(table.len(), 66);
    assert_eq!(actions(&table), actions(&golden));
    for (mut ours, mut theirs) in table.into_iter().zip(golden) {
        let action = ours["action"].clone();
        // The document may print a field of a list after other parameters; a record keeps the list together.
        let heads = |op: &Value| {
            let mut heads: Vec<String> = Vec::new();
            for row in op["request"].as_array().unwrap() {
                let head = row["name"].as_str().unwrap().split('.').next().unwrap();
                if !heads.iter().any(|known| known == head) {
                    heads.push(head.to_owned());
                }
            }
            heads
        };
        assert_eq!(heads(&ours), heads(&theirs), "{action}: order");
        if action == "QueryClusterDetail" {
            // The document names no field of these lists of maps, so the facts have text.
            for list in ["AllocatedPodInfoList", "AvailablePodInfoList"] {
                let ours = ours["response"]["Result"]["InstanceInfo"][list].take();
                assert!(
                    ours[0].is_object()
                        && theirs["response"]["Result"]["InstanceInfo"][list].take() == json!(["string"])
                );
            }
        }
        for op in [&mut ours, &mut theirs] {
            op["request"].as_array_mut().unwrap().sort_by_key(|row| row["name"].to_string());
        }
        for (key, value) in theirs.as_object().unwrap() {
            assert_eq!(&ours[key], value, "{action}: {key}");
        }
        assert_eq!(ours, theirs, "{action}");
    }
}

#[test]
fn names_are_unique_and_later_parameters_come_last() {
    let actions: BTreeSet<_> = operations().map(|op| op.action).collect();
    let functions: BTreeSet<_> = operations().map(|op| op.function).collect();
    assert_eq!((actions.len(), functions.len()), (66, 66));
    for op in operations() {
        assert_eq!(find(op.action), Some(op));
        assert_eq!(find(op.function), Some(op));
        let params = all_params(op);
        let names: BTreeSet<_> = params.iter().map(|(path, _)| path).collect();
        assert_eq!(names.len(), params.len(), "{}: a parameter comes twice", op.action);
        assert!(op.params.is_sorted_by_key(|param| param.later), "{}", op.action);
        // A form exists only on a POST; every field of a list travels with its list.
        for (path, param) in params {
            assert!(op.method == Method::Post || param.position == Position::Query, "{}: {path}", op.action);
            assert!(!(param.later && param.required), "{}: {path}", op.action);
        }
    }
}

#[test]
fn secrets_are_marked() {
    fn in_reply(fields: &[Field], found: &mut Vec<&str>) {
        for field in fields {
            if field.secret {
                found.push(field.name);
            }
            if let Shape::Object(inner) | Shape::Objects(inner) = field.shape {
                in_reply(inner, found);
            }
        }
    }
    let asked: Vec<_> = operations()
        .flat_map(|op| op.params.iter().filter(|param| param.secret).map(|param| (op.action, param.name)))
        .collect();
    let expected =
        [("CreateDeployConfig", "SecretList"), ("UpdateDeployConfig", "SecretList"), ("CreateCluster", "Password")];
    assert_eq!(asked, expected);
    // No record leaves to the name what a parameter is.
    for (path, param) in operations().flat_map(all_params) {
        assert_eq!(param.secret, tells_of_secret(param.name), "{path}");
    }
    let answered: Vec<_> = operations()
        .flat_map(|op| {
            let mut found = Vec::new();
            in_reply(op.reply, &mut found);
            found.into_iter().map(|name| (op.action, name))
        })
        .collect();
    assert_eq!(answered, [("ListCluster", "Password")]);
}

#[test]
fn every_check_can_hold_and_every_default_passes() {
    for op in operations() {
        for (path, param) in all_params(op) {
            let place = format!("{} {path}", op.action);
            for check in param.checks {
                match *check {
                    Check::Range(low, high) => assert!(low < high, "{place}"),
                    Check::Length(low, high) => assert!(low < high, "{place}"),
                    Check::OneOf(values) => {
                        let unique: BTreeSet<_> = values.iter().collect();
                        assert!(values.len() > 1 && unique.len() == values.len(), "{place}");
                        let scalar = scalar_of(param.ty).unwrap();
                        let is_text = |value: &&str| parse(scalar, value).is_string();
                        assert!(
                            values.iter().all(|value| is_text(value) == (scalar == Scalar::String)),
                            "{place}: type"
                        );
                    }
                    Check::Pattern { regex, says } => {
                        assert!(Regex::new(regex).is_ok(), "{place}: {regex}");
                        assert!(!says.is_empty(), "{place}: {regex}");
                    }
                    Check::Base64 | Check::Time | Check::Cidr => {
                        assert_eq!(scalar_of(param.ty), Some(Scalar::String), "{place}");
                    }
                }
            }
            if let Some(default) = param.default {
                assert!(!param.required, "{place}: required, so its default is never used");
                let mut call = example(op);
                call.insert(path, parse(scalar_of(param.ty).unwrap(), default));
                assert!(validate(op, &call).is_empty(), "{place}: {default}");
            }
        }
    }
}

#[test]
fn every_example_is_a_valid_call() {
    for op in operations() {
        let problems = validate(op, &example(op));
        assert!(problems.is_empty(), "{}: {problems:?}", op.action);
    }
}

#[test]
fn help_is_one_plain_line() {
    for op in operations() {
        let lines = all_params(op).into_iter().map(|(path, param)| (path, param.help));
        for (path, help) in lines.chain([(String::new(), op.help)]) {
            let place = format!("{} {path}: {help}", op.action);
            assert!(help.ends_with('.') && help.len() > 10 && help.len() <= 100, "{place}");
            assert!(help.is_ascii() && !help.contains('\n') && !help.contains("  "), "{place}");
        }
    }
}

#[test]
fn rules_name_parameters_and_values_that_exist() {
    let mut rules = 0;
    for op in operations() {
        let params: BTreeMap<String, Param> = all_params(op).into_iter().collect();
        for rule in op.rules {
            rules += 1;
            match *rule {
                Rule::OnlyWith { param, with, values } | Rule::NeededWith { param, with, values } => {
                    assert!(params.contains_key(param) && param != with, "{}: {param}", op.action);
                    assert!(!params[param].required, "{}: {param}", op.action);
                    let known = params[with].checks.iter().find_map(|check| match check {
                        Check::OneOf(known) => Some(known),
                        _ => None,
                    });
                    assert!(!values.is_empty(), "{}: {param}", op.action);
                    assert!(values.iter().all(|value| known.unwrap().contains(value)), "{}: {values:?}", op.action);
                }
                Rule::NotBoth(one, other) | Rule::OneOrBoth(one, other) | Rule::Apart(one, other) => {
                    assert!(!params[one].required && !params[other].required && one != other, "{}", op.action);
                }
            }
        }
    }
    assert_eq!(rules, 12);
}

#[test]
fn lists_page_as_the_service_does() {
    let mut plain = 0;
    for op in operations() {
        let number = |name: &str| op.param(name).is_some();
        assert!(op.paging.is_some() || !number(PAGE_SIZE), "{} takes pages", op.action);
        let Some(paging) = op.paging else { continue };
        let expected = match op.action {
            "ListDeployConfig" => Paging { number: None, ..Paging::NUMBER },
            "ListCluster" | "ListClusterNode" | "ListAvailableClusterNode" => {
                Paging { number: Some("PageNum"), ..Paging::NUMBER }
            }
            "GetRdsBackUp" => {
                Paging { items: &["Result", "Items"], total: &["Result", "TotalRecordCount"], ..Paging::NUMBER }
            }
            _ => {
                plain += 1;
                Paging::NUMBER
            }
        };
        assert_eq!(paging, expected, "{}", op.action);
        assert!(paging.number.is_none_or(number), "{}", op.action);
        for way in [paging.items, paging.total] {
            assert!(has_field(op.reply, way), "{}: {way:?}", op.action);
        }
        if paging.number.is_some() {
            let mut call = example(op);
            call.insert(PAGE_SIZE.to_owned(), paging.size.into());
            assert!(validate(op, &call).is_empty(), "{}: size", op.action);
        }
    }
    assert_eq!(plain, 13);
}

pub(crate) fn has_field(fields: &[Field], way: &[&str]) -> bool {
    let Some((name, rest)) = way.split_first() else { return true };
    fields.iter().any(|field| {
        field.name == *name
            && match field.shape {
                Shape::Object(inner) | Shape::Objects(inner) if !rest.is_empty() => has_field(inner, rest),
                _ => rest.is_empty(),
            }
    })
}

#[test]
fn only_the_list_of_users_succeeds_with_200() {
    for op in operations() {
        assert_eq!(op.success, if op.action == "ListUsers" { 200 } else { 0 }, "{}", op.action);
    }
}

#[test]
fn required_plain_parameters_are_positional() {
    let table: &[(&str, &[&str])] = &[
        ("list_app", &[]),
        ("create_app", &["BizCode", "Language", "OperatingSystem", "ServiceType", "Title"]),
        ("delete_app_detail", &["AppId", "Force"]),
        ("create_environment", &["AppId", "AppSchemaId", "EnvName", "EnvType", "Region", "Replicas"]),
        ("update_environment", &["AppEnvId", "AppId"]),
        ("list_app_environment", &["AppId"]),
        ("describe_app_environment_detail", &["AppId", "EnvId"]),
        ("update_deploy_config", &["AppId", "Id"]),
        ("list_users", &[]),
        ("create_service", &["EnvId", "Name", "ServiceType", "K8sServiceId"]),
        ("list_deploy_orders", &["AppId"]),
        ("scale_app", &["EnvId", "Replicas"]),
        ("deploy_app", &["EnvId", "Name", "TotalPartitions"]),
        ("list_pods", &["DeployOrderId"]),
        ("delete_node_label", &["ClusterId", "Force", "LabelKey", "LabelValue"]),
        ("list_node_label_bindings", &[]),
        ("list_cluster_node", &["ClusterInstanceId"]),
        ("create_cluster", &["BusinessCode", "ClusterEnvType", "ClusterTitle", "ClusterType", "RegionId", "VpcId"]),
        ("get_rds_back_up", &["DbInstanceId"]),
    ];
    for (function, expected) in table {
        let names: Vec<_> = find(function).unwrap().positional().map(|param| param.name).collect();
        assert_eq!(&names, expected, "{function}");
    }
}

/// A constraint: the call that is otherwise right (an operation's example with some changes), where
/// the constraint looks, values that it takes and values that it refuses.
struct Case {
    action: &'static str,
    with: Value,
    path: &'static str,
    taken: Value,
    refused: Value,
}

fn case(action: &'static str, path: &'static str, taken: Value, refused: Value) -> Case {
    Case { action, with: json!({}), path, taken, refused }
}

impl Case {
    fn with(self, with: Value) -> Self {
        Self { with, ..self }
    }
}

fn cases() -> Vec<Case> {
    let business = || json!(["JST", "NEW_RETAIL", "MINI_APP", "SUPPLY", "MESSAGE"]);
    let protocols = || json!(["TCP", "UDP", "HTTP", "HTTPS"]);
    let ports = || (json!([1, 65535]), json!([0, 65536, -1]));
    let pages = || (json!([1, 1000, i32::MAX]), json!([0, -1]));
    let flag = || (json!([0, 1]), json!([-1, 2]));
    let base64 = || (json!(["YQ==", "a2luZDogU2VjcmV0Cg=="]), json!(["kind: Pod", "YQ", "Y"]));
    let storage = || (json!(["a", "nas-1.x"]), json!(["1a", "Nas", "-a", "a_b", "", "\u{53f7}"]));
    let quantity = || {
        (
            json!(["128974848", "129e6", "129M", "123Mi", "500Gi", "1E", "2Pi", "3K", "4Ki", "5T", "7k", "010Gi"]),
            json!(["", "Gi", "500GB", "500 Gi", "-1Gi", "5gi", "1.", "ten", "1KiB", "0.5Gi", "0", "0Gi", "00Ti"]),
        )
    };
    let ranges = || {
        (
            json!(["10.9.0.0/16", "10.8.7.6/32"]),
            json!(["", "cn-zhangjiakou", "10.0.0.0", "10.0.0/8", "10.0.0.0/33", "10.0.0.0/+8", "10.0.0.256/8"]),
        )
    };
    let times = || {
        (
            json!(["2020-01-01 00:00:00", "2020-01-05T17:03Z", "2019-02-03T12:20:00Z"]),
            json!(["", "c", "yesterday", "2020-13-01 00:00:00", "2020-02-30"]),
        )
    };
    let of = |action, path, (taken, refused): (Value, Value)| case(action, path, taken, refused);
    vec![
        case("CreateApp", "BizCode", business(), json!(["jst", ""])),
        case("CreateApp", "Language", json!(["Java", "PHP", "C#", "Python"]), json!(["Rust", "java"])),
        case("CreateApp", "OperatingSystem", json!(["Linux", "Windows"]), json!(["linux"])),
        case(
            "CreateApp",
            "ServiceType",
            json!(["GeneralApplication", "StoreApplication", "TaoHuDongApplication"]),
            json!(["Store"]),
        ),
        case("CreateApp", "StateType", json!([1, 2]), json!([0, 3])),
        case("UpdateApp", "UserRoles.RoleName", json!(["Owner", "PE", "Dev", "Test"]), json!(["owner", "Admin"]))
            .with(json!({"UserRoles": [{"RoleName": "PE", "UserId": "1", "UserType": "TAOBAO"}]})),
        case("CreateApp", "UserRoles.UserType", json!(["DING_TALK", "TAOBAO"]), json!(["WECHAT"]))
            .with(json!({"UserRoles": [{"RoleName": "PE", "UserId": "1", "UserType": "TAOBAO"}]})),
        of("CreateEnvironment", "EnvType", flag()),
        of("ListAppEnvironment", "EnvType", flag()),
        of("CreateEnvironment", "Replicas", (json!([0, 1, 500]), json!([-1]))),
        of("ScaleApp", "Replicas", (json!([0, 1, 500]), json!([-1]))),
        case("CreateDeployConfig", "EnvType", json!(["test", "online"]), json!(["TEST", "1"])),
        of("CreateDeployConfig", "ConfigMap", base64()),
        of("CreateDeployConfig", "ConfigMapList", base64()),
        of("CreateDeployConfig", "Deployment", base64()),
        of("UpdateDeployConfig", "StatefulSet", base64()),
        case(
            "CreatePersistentVolumeClaim",
            "AccessModes",
            json!(["ReadWriteMany", "ReadWriteOnce"]),
            json!(["ReadOnlyMany"]),
        ),
        of("CreatePersistentVolumeClaim", "Capacity", quantity()),
        of("CreatePersistentVolumeClaim", "StorageClass", storage()),
        of("ListUsers", "PageNumber", pages()),
        of("ListUsers", "PageSize", pages()),
        of("ListCluster", "PageNum", pages()),
        of("CreateSlbAP", "ListenerPort", ports()),
        of("ModifySlbAP", "RealServerPort", ports()),
        case("CreateSlbAP", "Protocol", protocols(), json!(["tcp", "SCTP"])).with(json!({"EstablishedTimeout": null})),
        case("ModifySlbAP", "EstablishedTimeout", json!([10, 900]), json!([9, 901])),
        of("ModifySlbAP", "StickySession", flag()),
        case("ModifySlbAP", "CookieTimeout", json!([1, 86400]), json!([0, 86401])),
        case("ListSlbAPs", "NetworkMode", json!(["internet", "intranet"]), json!(["vpc"])),
        case("ListSlbAPs", "ProtocolList", protocols(), json!(["FTP"])),
        case("ListServices", "ServiceType", json!(["ClusterIP", "NodePort"]), json!(["LoadBalancer"])),
        case("CreateService", "PortMappings.Protocol", json!(["TCP", "UDP"]), json!(["HTTP"])),
        of("CreateService", "PortMappings.Port", ports()),
        case("ModifyService", "PortMappings.NodePort", json!([1, 8080, 30000, 32767, 65535]), json!([0, 65536])),
        case("DeployApp", "TotalPartitions", json!([1, 2, 50]), json!([0, -2])),
        case(
            "DeployApp",
            "DeployPacketUrl",
            json!(["http://a/b.jar", "https://a/b.jar", "HTTPS://a/b.jar", "Http://a"]),
            json!(["ftp://a", "a/https://", "https://", "https:/a"]),
        ),
        case("DeployApp", "PauseType", json!(["first", "each", "none"]), json!(["last", ""])),
        case("ListDeployOrders", "DeployCategory", json!(["deploy", "scale"]), json!(["rollback"])),
        case("ListDeployOrders", "Status", json!([1, 2, 3]), json!([0, 4])),
        case("ListPods", "StatusList", json!([1, 2, 3]), json!([0, 4])),
        case("ListPods", "ResultList", json!([0, 1, 2, 4]), json!([3, 5])),
        of("CreatePersistentVolume", "Name", storage()),
        of("CreatePersistentVolume", "Capacity", quantity()),
        case("CreatePersistentVolume", "NFSVersion", json!(["3", "4.0"]), json!(["4", "4.1"])),
        case("CreatePersistentVolume", "ReclaimPolicy", json!(["Retain", "Delete"]), json!(["Recycle"])),
        case("ListPersistentVolume", "PageSize", json!([1, 100]), json!([0, 101])),
        case(
            "CreateNodeLabel",
            "LabelKey",
            json!(["label.jst.com/zone"]),
            json!(["zone", "label-jst.com/zone", "x.label.jst.com/", "label.jst.com/", "label.jst.com/ "]),
        ),
        case("BindNodeLabel", "LabelKey", json!(["label.jst.com/zone"]), json!(["zone"])),
        case("ListCluster", "BusinessCode", business(), json!(["OTHER"])),
        case("ListCluster", "EnvType", json!(["TEST", "PRO"]), json!(["online", "PROD"])),
        case("CreateCluster", "ClusterEnvType", json!(["TEST", "PRO"]), json!(["online"])),
        case("CreateCluster", "ClusterType", json!(["Windows", "Serverless", "Standard"]), json!(["Managed"])),
        of("CreateCluster", "SnatEntry", flag()),
        of("CreateCluster", "PublicSlb", flag()),
        of("CreateCluster", "CloudMonitorFlags", flag()),
        of("CreateCluster", "PodCIDR", ranges()),
        of("CreateCluster", "ServiceCIDR", ranges()),
        case("CreatePersistentVolume", "MountDir", json!(["/", "/data/a"]), json!(["data", "", " /data"])),
        case("ListDeployOrders", "EnvType", json!(["test", "online"]), json!(["1", "Online", "prod"])),
        of("ListDeployOrders", "EndTimeLessThan", times()),
        of("ListDeployOrders", "EndTimeLessThanOrEqualTo", times()),
        of("ListDeployOrders", "EndTimeGreaterThan", times()),
        of("ListDeployOrders", "EndTimeGreaterThanOrEqualTo", times()),
        of("ListDeployOrders", "StartTimeGreaterThan", times()),
        of("ListDeployOrders", "StartTimeGreaterThanOrEqualTo", times()),
        of("ListDeployOrders", "StartTimeLessThan", times()),
        of("ListDeployOrders", "StartTimeLessThanOrEqualTo", times()),
        case(
            "CreateCluster",
            "Password",
            json!(["Abcdef1!", "\u{5bc6}Abcdef1"]),
            json!(["Abcde1!", "abcdef1!", "ABCDEF1!", "Abcdefg!", "Abcdefg1", "Abcdef 1"]),
        )
        .with(json!({"KeyPair": null})),
        case(
            "GrantDbToAccount",
            "AccountPrivilege",
            json!(["ReadWrite", "ReadOnly", "DDLOnly", "DMLOnly", "DBOwner"]),
            json!(["Custom", "readonly"]),
        ),
        case(
            "CreateDb",
            "CharacterSetName",
            json!([
                "utf8",
                "gbk",
                "latin1",
                "utf8mb4",
                "Chinese_PRC_CI_AS",
                "Chinese_PRC_CS_AS",
                "SQL_Latin1_General_CI_AS",
                "SQL_Latin1_General_CP1_CS_AS",
                "Chinese_PRC_BIN",
            ]),
            json!(["UTF8", "big5", "SQL_Latin1_General_CP1_CI_AS"]),
        ),
        case(
            "CreateDb",
            "DbName",
            json!(["ab", "rds_mysql", "a-1", "a".repeat(64)]),
            json!(["a", "a".repeat(65), "1ab", "_ab", "ab_", "ab-", "aBc", "a b", "a.b", "\u{5e93}\u{5e93}"]),
        ),
        case(
            "CreateDb",
            "DbDescription",
            json!(["ab", "\u{6d4b}\u{8bd5}_db-1", "a".repeat(256)]),
            json!(["a", "a".repeat(257), "1ab", "_ab", "a b", "ab!"]),
        ),
        case("GetRdsBackUp", "BackupType", json!(["FullBackup", "IncrementalBackup"]), json!(["Full"])),
        of("GetRdsBackUp", "PageNumber", pages()),
        case("GetRdsBackUp", "PageSize", json!([30, 50, 100]), json!([20, 31, 101])),
    ]
}

/// The paths of everything wrong with a call.
fn wrong(action: &str, call: &Map<String, Value>) -> Vec<String> {
    validate(find(action).unwrap(), call).into_iter().map(|problem| problem.path).collect()
}

#[test]
fn each_constraint_takes_and_refuses() {
    for Case { action, with, path, taken, refused } in cases() {
        let op = find(action).unwrap();
        let param = all_params(op).into_iter().find(|(known, _)| known == path).unwrap().1;
        let call = |value: &Value| {
            let mut call = example(op);
            call.extend(with.as_object().unwrap().clone());
            match path.split_once('.') {
                Some((list, field)) => call[list][0][field] = value.clone(),
                None if matches!(param.ty, Type::List(_)) => drop(call.insert(path.into(), json!([value]))),
                None => drop(call.insert(path.into(), value.clone())),
            }
            wrong(action, &call)
        };
        for value in taken.as_array().unwrap() {
            assert_eq!(call(value), [""; 0], "{action} {path}: {value}");
        }
        for value in refused.as_array().unwrap() {
            let element = match path.split_once('.') {
                Some((list, field)) => format!("{list}[0].{field}"),
                None if matches!(param.ty, Type::List(_)) => format!("{path}[0]"),
                None => path.to_owned(),
            };
            let wrong = call(value);
            assert!(
                !wrong.is_empty() && wrong.iter().all(|path| *path == element),
                "{action} {path}: {value} {wrong:?}"
            );
        }
    }
}

#[test]
fn no_constrained_parameter_is_left_untried() {
    let tried: BTreeSet<&str> = cases().iter().map(|case| case.path.rsplit('.').next().unwrap()).collect();
    let constrained: BTreeSet<&str> = operations()
        .flat_map(|op| all_params(op).into_iter().filter(|(_, param)| !param.checks.is_empty()))
        .map(|(_, param)| param.name)
        .collect();
    assert_eq!(constrained.difference(&tried).collect::<Vec<_>>(), [&""; 0]);
}

#[test]
fn each_broken_rule_of_a_password_is_named() {
    let op = find("CreateCluster").unwrap();
    let mut call = example(op);
    call.remove("KeyPair");
    let mut said = |password: &str| -> Vec<String> {
        call.insert("Password".into(), password.into());
        validate(op, &call).into_iter().map(|problem| problem.message).collect()
    };
    let has = |what: &str| format!("must be text that has {what}");
    let [upper, lower, digit, special] =
        ["an upper-case letter", "a lower-case letter", "a digit", "a special character"].map(has);
    assert_eq!(said("..."), ["must be at least 8 characters long".into(), upper.clone(), lower.clone(), digit.clone()]);
    assert_eq!(said("12345678"), [upper.clone(), lower, special.clone()]);
    assert_eq!(said("abcdefgh"), [upper, digit, special]);
    assert_eq!(said("Abcdef1!"), [""; 0]);
}

#[test]
fn each_rule_between_parameters_takes_and_refuses() {
    let yaml = "a2luZDogUG9kCg==";
    let port = |node_port: Value| json!([{"Protocol": "TCP", "TargetPort": "80", "Port": 80, "Name": "http", "NodePort": node_port}]);
    let table: Vec<(&str, Value, &[&str])> = vec![
        ("CreateDeployConfig", json!({"Deployment": yaml, "StatefulSet": null}), &[]),
        ("CreateDeployConfig", json!({"Deployment": null, "StatefulSet": yaml}), &[]),
        ("CreateDeployConfig", json!({"Deployment": yaml, "StatefulSet": yaml}), &["StatefulSet"]),
        ("UpdateDeployConfig", json!({"Deployment": yaml, "StatefulSet": yaml}), &["StatefulSet"]),
        ("CreateSlbAP", json!({"Protocol": "TCP", "EstablishedTimeout": 10}), &[]),
        ("CreateSlbAP", json!({"Protocol": "UDP", "EstablishedTimeout": 10}), &["EstablishedTimeout"]),
        (
            "CreateSlbAP",
            json!({"Protocol": "HTTPS", "EstablishedTimeout": null, "StickySession": 1, "CookieTimeout": 60}),
            &[],
        ),
        ("CreateSlbAP", json!({"Protocol": "HTTP", "EstablishedTimeout": null, "StickySession": 0}), &[]),
        ("CreateSlbAP", json!({"StickySession": 1, "CookieTimeout": 60}), &["StickySession", "CookieTimeout"]),
        ("CreateService", json!({"ServiceType": "ClusterIP", "Headless": true}), &[]),
        ("CreateService", json!({"ServiceType": "NodePort", "Headless": true}), &["Headless"]),
        ("CreateService", json!({"ServiceType": "NodePort", "PortMappings": port(json!(30080))}), &[]),
        ("CreateService", json!({"ServiceType": "NodePort", "PortMappings": port(json!(null))}), &[]),
        (
            "CreateService",
            json!({"ServiceType": "ClusterIP", "PortMappings": port(json!(30080))}),
            &["PortMappings[0].NodePort"],
        ),
        ("CreateCluster", json!({"ClusterType": "Serverless", "PodCIDR": null, "ServiceCIDR": null}), &[]),
        (
            "CreateCluster",
            json!({"ClusterType": "Standard", "PodCIDR": null, "ServiceCIDR": null}),
            &["PodCIDR", "ServiceCIDR"],
        ),
        ("CreateCluster", json!({"ClusterType": "Windows", "PodCIDR": null}), &["PodCIDR"]),
        ("CreateCluster", json!({"KeyPair": null}), &["KeyPair"]),
        ("CreateCluster", json!({"KeyPair": ""}), &["KeyPair"]),
        ("CreateCluster", json!({"KeyPair": "", "Password": "Abcdef1!"}), &[]),
        ("CreateCluster", json!({"KeyPair": null, "Password": "Abcdef1!"}), &[]),
        ("CreateCluster", json!({"KeyPair": "k", "Password": "Abcdef1!"}), &[]),
        ("CreateCluster", json!({"CreateWithLogIntegration": true}), &[]),
        (
            "CreateCluster",
            json!({"ClusterType": "Windows", "CreateWithLogIntegration": true}),
            &["CreateWithLogIntegration"],
        ),
        ("CreateCluster", json!({"ClusterType": "Windows", "CreateWithLogIntegration": false}), &[]),
        ("CreateCluster", json!({"PodCIDR": "172.23.0.0/16"}), &["ServiceCIDR"]),
        ("CreateCluster", json!({"PodCIDR": "0.0.0.0/0"}), &["ServiceCIDR"]),
        ("CreateCluster", json!({"PodCIDR": "172.24.0.0/13"}), &[]),
        ("CreateApp", json!({"Title": ""}), &["Title"]),
        ("CreateService", json!({"K8sServiceId": ""}), &["K8sServiceId"]),
        ("CreateApp", json!({"Description": ""}), &[]),
    ];
    for (action, change, expected) in table {
        let mut call = example(find(action).unwrap());
        call.extend(change.as_object().unwrap().clone());
        assert_eq!(wrong(action, &call), expected, "{action} {change}");
    }
}
