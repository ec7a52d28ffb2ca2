//! What the service refuses of the values of a call, and in which words: the simulator's own list, read
//! from the document by itself. What the client checks before it sends is the catalogue's; were this made
//! of that, a mistake of the one could not be seen by the other.
//!
//! The gateway has made sure of names and types. What the account has to say comes after this.

use std::net::Ipv4Addr;

use serde_json::Value;

use crate::catalogue::{Operation, Param, Type};
use crate::sim::engine::call::{Call, Refusal};
use crate::wire::request::text;

/// What a value must be.
#[derive(Clone, Copy)]
enum Wanted {
    /// A number of this range.
    Number(i64, i64),
    /// One of these, as they are written on the wire.
    Among(&'static [&'static str]),
    /// Text that this finds nothing wrong with; the words say what it looks for.
    Text(fn(&str) -> bool, &'static str),
}

use Wanted::{Among, Number, Text};

/// A parameter of these operations; `List.Field` is a field of each element of a list.
type Row = (&'static [&'static str], &'static str, Wanted);

const ANY: i64 = i64::MAX;
const APP: &[&str] = &["CreateApp", "UpdateApp"];
const CONFIG: &[&str] = &["CreateDeployConfig", "UpdateDeployConfig"];
const POINT: &[&str] = &["CreateSlbAP", "ModifySlbAP"];
const SERVICE: &[&str] = &["CreateService", "ModifyService"];
const VOLUME: &[&str] = &["CreatePersistentVolume", "CreatePersistentVolumeClaim"];
const BUSINESS: Wanted = Among(&["JST", "NEW_RETAIL", "MINI_APP", "SUPPLY", "MESSAGE"]);
const CLASS: Wanted = Among(&["TEST", "PRO"]);
const FLAG: Wanted = Among(&["0", "1"]);
const TEST_OR_ONLINE: Wanted = Among(&["test", "online"]);
const STATUS: Wanted = Among(&["1", "2", "3"]);
const RESULT: Wanted = Among(&["0", "1", "2", "4"]);
const PAUSE: Wanted = Among(&["first", "each", "none"]);
const PORT: Wanted = Number(1, 65_535);
const MANIFEST: Wanted = Text(is_base64, "base64");
const STORAGE_NAME: Wanted = Text(is_storage_name, "lower-case letters, digits, - and . behind a lower-case letter");
const TIME: Wanted = Text(is_time, "a time such as 2020-01-01 00:00:00");
const RANGE: Wanted = Text(is_range, "a range of addresses such as 172.22.0.0/16");

/// Every row of the document's request tables that says what a value must be. Pages stand apart, as they
/// are everywhere.
const ROWS: &[Row] = &[
    (&["CreateApp"], "BizCode", BUSINESS),
    (APP, "Language", Among(&["Java", "PHP", "C#", "Python"])),
    (APP, "OperatingSystem", Among(&["Linux", "Windows"])),
    (APP, "ServiceType", Among(&["GeneralApplication", "StoreApplication", "TaoHuDongApplication"])),
    (APP, "StateType", Among(&["1", "2"])),
    (APP, "UserRoles.RoleName", Among(&["Owner", "PE", "Dev", "Test"])),
    (APP, "UserRoles.UserType", Among(&["DING_TALK", "TAOBAO"])),
    (&["CreateEnvironment", "ListAppEnvironment"], "EnvType", FLAG),
    (&["CreateEnvironment", "UpdateEnvironment", "ScaleApp"], "Replicas", Number(0, ANY)),
    (&["CreateDeployConfig", "ListDeployConfig", "ListDeployOrders"], "EnvType", TEST_OR_ONLINE),
    (CONFIG, "ConfigMap", MANIFEST),
    (CONFIG, "ConfigMapList", MANIFEST),
    (CONFIG, "Deployment", MANIFEST),
    (CONFIG, "StatefulSet", MANIFEST),
    (VOLUME, "AccessModes", Among(&["ReadWriteMany", "ReadWriteOnce"])),
    (
        VOLUME,
        "Capacity",
        Text(is_capacity, "a whole number above 0, perhaps with E, P, T, G, M, K, Ei, Pi, Ti, Gi, Mi or Ki"),
    ),
    (VOLUME, "StorageClass", STORAGE_NAME),
    (&["CreatePersistentVolume"], "Name", STORAGE_NAME),
    (&["CreatePersistentVolume"], "NFSVersion", Among(&["3", "4.0"])),
    (&["CreatePersistentVolume"], "ReclaimPolicy", Among(&["Retain", "Delete"])),
    (&["CreatePersistentVolume"], "MountDir", Text(|dir| dir.starts_with('/'), "a folder that begins with /")),
    (POINT, "ListenerPort", PORT),
    (POINT, "RealServerPort", PORT),
    (POINT, "Protocol", Among(&["TCP", "UDP", "HTTP", "HTTPS"])),
    (POINT, "EstablishedTimeout", Number(10, 900)),
    (POINT, "StickySession", FLAG),
    (POINT, "CookieTimeout", Number(1, 86_400)),
    (&["ListSlbAPs"], "NetworkMode", Among(&["internet", "intranet"])),
    (&["ListSlbAPs"], "ProtocolList", Among(&["TCP", "UDP", "HTTP", "HTTPS"])),
    (&["CreateService", "ListServices"], "ServiceType", Among(&["ClusterIP", "NodePort"])),
    (SERVICE, "PortMappings.Protocol", Among(&["TCP", "UDP"])),
    (SERVICE, "PortMappings.Port", PORT),
    (SERVICE, "PortMappings.NodePort", PORT),
    (&["DeployApp"], "TotalPartitions", Number(1, ANY)),
    (&["DeployApp"], "DeployPacketUrl", Text(is_url, "an HTTP or HTTPS address")),
    (&["DeployApp", "ListDeployOrders"], "PauseType", PAUSE),
    (&["ListDeployOrders"], "DeployCategory", Among(&["deploy", "scale"])),
    (&["ListDeployOrders"], "Status", STATUS),
    (&["ListDeployOrders", "ListPods"], "StatusList", STATUS),
    (&["ListDeployOrders", "ListPods"], "ResultList", RESULT),
    (&["ListDeployOrders"], "EndTimeLessThan", TIME),
    (&["ListDeployOrders"], "EndTimeLessThanOrEqualTo", TIME),
    (&["ListDeployOrders"], "EndTimeGreaterThan", TIME),
    (&["ListDeployOrders"], "EndTimeGreaterThanOrEqualTo", TIME),
    (&["ListDeployOrders"], "StartTimeLessThan", TIME),
    (&["ListDeployOrders"], "StartTimeLessThanOrEqualTo", TIME),
    (&["ListDeployOrders"], "StartTimeGreaterThan", TIME),
    (&["ListDeployOrders"], "StartTimeGreaterThanOrEqualTo", TIME),
    (&["CreateNodeLabel", "BindNodeLabel"], "LabelKey", Text(is_label_key, "a name behind label.jst.com/")),
    (&["ListCluster", "CreateCluster"], "BusinessCode", BUSINESS),
    (&["ListCluster"], "EnvType", CLASS),
    (&["CreateCluster"], "ClusterEnvType", CLASS),
    (&["CreateCluster"], "ClusterType", Among(&["Windows", "Serverless", "Standard"])),
    (&["CreateCluster"], "CloudMonitorFlags", FLAG),
    (&["CreateCluster"], "PublicSlb", FLAG),
    (&["CreateCluster"], "SnatEntry", FLAG),
    (&["CreateCluster"], "PodCIDR", RANGE),
    (&["CreateCluster"], "ServiceCIDR", RANGE),
    (
        &["CreateCluster"],
        "Password",
        Text(is_password, "8 characters or more of upper and lower case, digits and others"),
    ),
    (&["GrantDbToAccount"], "AccountPrivilege", Among(&["ReadWrite", "ReadOnly", "DDLOnly", "DMLOnly", "DBOwner"])),
    (
        &["CreateDb"],
        "CharacterSetName",
        Among(&[
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
    ),
    (&["CreateDb"], "DbName", Text(is_database_name, "2 to 64 lower-case letters, digits, _ and -, a letter first")),
    (&["CreateDb"], "DbDescription", Text(is_description, "2 to 256 letters, digits, _ and -, a letter first")),
    (&["GetRdsBackUp"], "BackupType", Among(&["FullBackup", "IncrementalBackup"])),
    (&["GetRdsBackUp"], "PageSize", Among(&["30", "50", "100"])),
    (&["ListPersistentVolume"], "PageSize", Number(1, 100)),
];

/// Says what does not go together in a call.
type Together = fn(&Call) -> Option<&'static str>;

/// What a call gives together, or leaves out, that does not go together: in words, if it does so.
const TOGETHER: &[(&str, Together)] = &[
    ("CreateDeployConfig", one_workload),
    ("UpdateDeployConfig", one_workload),
    ("CreateSlbAP", |call| {
        let is_http = call.text("Protocol").starts_with("HTTP");
        match call.text("Protocol") {
            "TCP" => (),
            _ if given(call, "EstablishedTimeout") => return Some("EstablishedTimeout is for TCP"),
            _ => (),
        }
        if !is_http && given(call, "StickySession") {
            return Some("StickySession is for HTTP and HTTPS");
        }
        (!is_http && given(call, "CookieTimeout")).then_some("CookieTimeout is for HTTP and HTTPS")
    }),
    ("CreateService", |call| {
        let is_node_port = call.text("ServiceType") == "NodePort";
        let mut ports = call.opt_list("PortMappings").unwrap_or_default().iter();
        if is_node_port && call.is("Headless") {
            return Some("Headless is for ClusterIP");
        }
        (!is_node_port && ports.any(|port| port.get("NodePort").is_some())).then_some("NodePort is for NodePort")
    }),
    ("CreateCluster", |call| {
        let is_serverless = call.text("ClusterType") == "Serverless";
        let has_ranges = given(call, "PodCIDR") && given(call, "ServiceCIDR");
        if !is_serverless && !has_ranges {
            return Some("PodCIDR and ServiceCIDR are needed");
        }
        if ["KeyPair", "Password"].into_iter().all(|name| call.text(name).is_empty()) {
            return Some("KeyPair or Password is needed");
        }
        let logs = call.is("CreateWithLogIntegration") && call.text("ClusterType") != "Standard";
        logs.then_some("CreateWithLogIntegration is for Standard")
    }),
];

/// What the service refuses of a call's values, whatever the account holds.
pub(crate) fn refused(call: &Call) -> Option<Refusal> {
    let operation = call.operation;
    if let Some(path) = operation.params.iter().find_map(|param| empty(call, param)) {
        return Some(Refusal::invalid(format!("{path} is empty")));
    }
    let of_action = ROWS.iter().filter(|(actions, ..)| actions.contains(&operation.action));
    of_action
        .filter_map(|(_, path, wanted)| wrong(call, path, *wanted))
        .chain(pages(call))
        .chain(
            TOGETHER
                .iter()
                .filter(|(action, _)| *action == operation.action)
                .filter_map(|(_, is_wrong)| is_wrong(call).map(str::to_owned)),
        )
        .next()
        .map(Refusal::invalid)
}

/// Where required text is empty: the parameter itself, or a field of an element of its list.
fn empty(call: &Call, param: &Param) -> Option<String> {
    let is_empty = |value: Option<&Value>| value.and_then(Value::as_str) == Some("");
    if let Type::Maps(fields) = param.ty {
        let elements = call.opt_list(param.name).unwrap_or_default();
        let field = fields.iter().filter(|field| field.required);
        let mut field = field.filter(|field| elements.iter().any(|element| is_empty(element.get(field.name))));
        return field.next().map(|field| format!("{}.{}", param.name, field.name));
    }
    (param.required && is_empty(call.params.get(param.name))).then(|| param.name.to_owned())
}

fn pages(call: &Call) -> Option<String> {
    ["PageNumber", "PageNum", "PageSize"].into_iter().find_map(|name| wrong(call, name, Number(1, ANY)))
}

/// What is wrong with the values of a parameter.
fn wrong(call: &Call, path: &str, wanted: Wanted) -> Option<String> {
    let (name, field) = path.split_once('.').map_or((path, None), |(name, field)| (name, Some(field)));
    let given = call.params.get(name)?;
    let elements = given.as_array().map_or(std::slice::from_ref(given), Vec::as_slice);
    let mut values = elements.iter().filter_map(|element| match field {
        Some(field) => element.get(field),
        None => Some(element),
    });
    let odd = values.find(|value| !wanted.takes(value))?;
    let shown = match name {
        "Password" => String::new(),
        _ => format!(" {}", brief(&text(odd))),
    };
    Some(format!("{path}{shown} is not {}", wanted.says()))
}

impl Wanted {
    fn takes(self, value: &Value) -> bool {
        match self {
            Number(low, high) => value.as_i64().is_some_and(|number| (low..=high).contains(&number)),
            Among(values) => values.contains(&text(value).as_str()),
            Text(is_right, _) => is_right(&text(value)),
        }
    }

    fn says(self) -> String {
        match self {
            Number(low, ANY) => format!("{low} or more"),
            Number(low, high) => format!("from {low} to {high}"),
            Among(values) => format!("one of {}", values.join(", ")),
            Text(_, says) => says.to_owned(),
        }
    }
}

/// The beginning of a value: a manifest would fill the screen.
fn brief(text: &str) -> String {
    const MOST: usize = 60;
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None if line.len() < text.trim_end().len() => format!("{line}…"),
        None => line.to_owned(),
    }
}

fn given(call: &Call, name: &str) -> bool {
    call.params.contains_key(name)
}

fn one_workload(call: &Call) -> Option<&'static str> {
    let both = given(call, "Deployment") && given(call, "StatefulSet");
    both.then_some("Deployment and StatefulSet are given together")
}

fn is_base64(text: &str) -> bool {
    use base64::Engine as _;
    base64::prelude::BASE64_STANDARD.decode(text).is_ok()
}

fn is_capacity(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let units = ["", "E", "P", "T", "G", "M", "K", "Ei", "Pi", "Ti", "Gi", "Mi", "Ki"];
    // The list of volumes counts `129e6` among the forms that mean the same.
    let exponent =
        unit.strip_prefix(['e', 'E']).is_some_and(|power| power.parse::<u8>().is_ok_and(|power| power <= 18));
    number.bytes().any(|digit| digit != b'0') && (exponent || units.contains(&unit))
}

fn is_storage_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-'))
}

fn is_url(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    ["http://", "https://"].into_iter().any(|scheme| lower.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()))
}

fn is_time(text: &str) -> bool {
    crate::clock::parse_time(text).is_ok()
}

fn is_label_key(key: &str) -> bool {
    key.strip_prefix("label.jst.com/").is_some_and(|name| !name.trim().is_empty())
}

fn is_range(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    // Neither a sign nor a leading zero, which the number itself would let through.
    address.parse::<Ipv4Addr>().is_ok()
        && length.parse::<u8>().is_ok_and(|number| number <= 32 && number.to_string() == length)
}

/// At least 8 characters, with each of the four sorts.
fn is_password(text: &str) -> bool {
    let has = |sort: fn(char) -> bool| text.chars().any(sort);
    text.chars().count() >= 8
        && has(|c| c.is_ascii_uppercase())
        && has(|c| c.is_ascii_lowercase())
        && has(|c| c.is_ascii_digit())
        && has(|c| c.is_ascii_punctuation() || !c.is_ascii())
}

fn is_database_name(name: &str) -> bool {
    (2..=64).contains(&name.chars().count())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'))
}

fn is_description(text: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphabetic() || !c.is_ascii();
    (2..=256).contains(&text.chars().count())
        && text.starts_with(is_letter)
        && text.chars().all(|c| is_letter(c) || c.is_ascii_digit() || matches!(c, '_' | '-'))
}

/// The document's own words for what an operation refuses, which begin its text.
fn words(operation: &Operation, refusal: &Refusal) -> Option<&'static str> {
    match operation.action {
        "DeleteCluster" => Some("删除集群失败"),
        "AddClusterNode" => Some("添加异常"),
        "RemoveClusterNode" if refusal.code == NOT_FOUND && refusal.text.starts_with("node ") => Some("节点不在集群中"),
        "CreateCluster" if refusal.text.contains("overlap") => Some("POD网段和VPC网段冲突"),
        _ if operation.section.starts_with("6.") => Some("请求失败"),
        _ if refusal.code == INVALID => Some("参数错误"),
        _ => None,
    }
}

const INVALID: i64 = 10400;
const NOT_FOUND: i64 = 10404;
/// 权限错误, the one number that the document shows.
const NO_PERMISSION: i64 = 3;

/// A refusal in the document's words, where it has any. A cluster that is not the account's is no
/// permission to the operations on labels and allocations.
pub(crate) fn worded(operation: &Operation, refusal: Refusal) -> Refusal {
    let of_cluster = operation.section.starts_with("5.2.") || operation.section.starts_with("5.3.");
    if of_cluster && refusal.code == NOT_FOUND && refusal.text.starts_with("cluster ") {
        return Refusal { code: NO_PERMISSION, text: format!("权限错误: {}", refusal.text) };
    }
    match words(operation, &refusal) {
        Some(words) => Refusal { text: format!("{words}: {}", refusal.text), ..refusal },
        None => refusal,
    }
}

#[cfg(test)]
mod tests;
