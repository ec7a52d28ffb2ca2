//! Tests of the wire as a whole: outside vectors and samples, tables of faults, and properties.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::reply::{Fault, Reason, Received, closely, read, signed_the_same};
use super::request::{Request, Target, flatten, unflatten};
use super::validate::validate;
use crate::catalogue::{self, Effect, Field, Later, Method, Operation, Param, Scalar, Shape, Type};
use crate::error::{Kind, Outcome};

fn operation(action: &str) -> &'static Operation {
    catalogue::find(action).unwrap_or_else(|| panic!("{action} is not in the catalogue"))
}

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("not a map: {other}"),
    }
}

fn answer(action: &str, status: u16, body: impl AsRef<[u8]>) -> Result<Value, Box<Fault>> {
    let received = Received { status, body: body.as_ref().to_vec(), ..Received::default() };
    read(&Target::named(action).unwrap(), &received)
}

/// Everything wrong with a call, a line each.
fn problems(action: &str, params: Value) -> Vec<String> {
    validate(operation(action), &map(params))
        .into_iter()
        .map(|p| {
            let given = p.given.map(|given| format!(" ({given})")).unwrap_or_default();
            let near = p.nearest.map(|near| format!(" -> {near}")).unwrap_or_default();
            format!("{}{given} {}{near}", p.path, p.message)
        })
        .collect()
}

#[test]
fn every_problem_of_a_call_is_named_at_once() {
    let port = json!({"Protocol": "TCP", "Port": 80, "TargetPort": "8080", "Name": "http"});
    let slb =
        json!({"EnvId": 1, "Name": "x", "SlbId": "lb-1", "ListenerPort": 80, "RealServerPort": 80, "Protocol": "TCP"});
    let cluster = json!({"BusinessCode": "JST", "ClusterEnvType": "TEST", "ClusterTitle": "t", "ClusterType": "Serverless", "RegionId": "cn-x", "VpcId": "vpc-1", "Vswitchids": ["v-1"]});
    let with = |base: &Value, more: Value| {
        let mut base = base.clone();
        base.as_object_mut().unwrap().extend(map(more));
        base
    };
    let service = json!({"EnvId": 1, "Name": "web", "ServiceType": "ClusterIP", "K8sServiceId": "web", "PortMappings": [port.clone()]});
    let table: Vec<(&str, Value, &[&str])> = vec![
        ("ScaleApp", json!({"EnvId": 1, "Replicas": 3}), &[]),
        (
            "ScaleApp",
            json!({"EnvId": null, "Replicas": "three", "Replica": 3}),
            &[
                "Replicas (\"three\") must be an integer",
                "Replica is not a parameter of this operation -> Replicas",
                "EnvId is required: an integer",
            ],
        ),
        (
            "ScaleApp",
            json!({"EnvId": 1.5, "Replicas": 3_000_000_000_i64}),
            &["EnvId (1.5) must be an integer", "Replicas (3000000000) must fit into 32 bits"],
        ),
        ("CreateService", service.clone(), &[]),
        (
            "CreateService",
            with(&service, json!({"PortMappings": []})),
            &["PortMappings ([]) needs at least one element"],
        ),
        (
            "CreateService",
            with(&service, json!({"PortMappings": {"Port": 80}})),
            &["PortMappings ({\"Port\":80}) must be an array of maps with Protocol, TargetPort, Port, Name, NodePort"],
        ),
        (
            "CreateService",
            with(&service, json!({"PortMappings": [with(&port, json!({"Port": 0, "Protocol": "tcp"})), 5]})),
            &[
                "PortMappings[0].Protocol (\"tcp\") must be one of TCP, UDP -> TCP",
                "PortMappings[0].Port (0) must be between 1 and 65535",
                "PortMappings[1] (5) must be a map",
            ],
        ),
        ("CreateSlbAP", with(&slb, json!({"EstablishedTimeout": 10})), &[]),
        (
            "CreateSlbAP",
            with(&slb, json!({"EstablishedTimeout": 901})),
            &["EstablishedTimeout (901) must be between 10 and 900"],
        ),
        (
            "CreateSlbAP",
            with(&slb, json!({"CookieTimeout": 1})),
            &["CookieTimeout (1) is taken only when Protocol is HTTP or HTTPS"],
        ),
        (
            "CreateSlbAP",
            with(&slb, json!({"Protocol": "HTTP", "EstablishedTimeout": 10})),
            &["EstablishedTimeout (10) is taken only when Protocol is TCP"],
        ),
        ("CreateCluster", with(&cluster, json!({"Password": "Abssshh123!"})), &[]),
        (
            "CreateNodeLabel",
            json!({"ClusterId": "c", "LabelKey": "type", "LabelValue": "web"}),
            &["LabelKey (\"type\") must be text that starts with label.jst.com/"],
        ),
        (
            "AddClusterNode",
            json!({"ClusterInstanceId": "c", "EcsInstanceIdList": ["i-1", 2]}),
            &["EcsInstanceIdList[1] (2) must be text"],
        ),
        (
            "GetRdsBackUp",
            json!({"DbInstanceId": "rm-1", "PageSize": 20}),
            &["PageSize (20) must be one of 30, 50, 100"],
        ),
    ];
    for (action, params, expected) in table {
        assert_eq!(problems(action, params.clone()), expected, "{action} {params}");
    }
    let weak = problems(
        "CreateCluster",
        with(&cluster, json!({"Password": "short", "KeyPair": "k", "ClusterType": "Standard"})),
    );
    assert!(weak.len() >= 4, "{weak:?}");
    assert!(weak.iter().all(|line| !line.contains("short")), "a password is shown: {weak:?}");
}

#[test]
fn names_that_can_only_be_slips_are_not_sent() {
    for (name, near) in
        [("ListAp", "ListApp"), ("listapp", "ListApp"), ("Scale_App", "ScaleApp"), ("scaleApps", "ScaleApp")]
    {
        let error = Target::named(name).unwrap_err();
        assert_eq!(error.kind, Kind::Invalid);
        assert_eq!(error.message, format!("there is no operation `{name}`"));
        assert_eq!(error.hints, [format!("did you mean `{near}`?")]);
    }
    assert!(Target::named("no such").is_err());
}

#[test]
fn every_action_that_the_vendors_later_clients_know_can_be_called() {
    let later: Vec<Value> = serde_json::from_str(include_str!("../../tests/golden/later-operations.json")).unwrap();
    assert_eq!(later.len(), 33);
    for action in later {
        let action = action["action"].as_str().unwrap();
        assert_eq!(Target::named(action).unwrap(), Target::Unlisted(action.to_owned()));
    }
}

#[test]
fn page_parameters_are_filled_in_where_the_service_wants_them() {
    let sent = |action: &str, params| {
        let request = Request::build(&Target::named(action).unwrap(), map(params)).unwrap();
        [request.query, request.body]
            .concat()
            .into_iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect::<Vec<_>>()
            .join("&")
    };
    assert_eq!(sent("ListAppEnvironment", json!({"AppId": 1})), "AppId=1&PageNumber=1&PageSize=100");
    assert_eq!(sent("ListAppEnvironment", json!({"AppId": 1, "PageSize": 5})), "AppId=1&PageNumber=1&PageSize=5");
    assert_eq!(sent("ListApp", json!({})), "");
}

#[test]
fn unlisted_actions_are_flattened_by_their_own_structure() {
    let target = Target::Unlisted("RebuildAppInstance".into());
    let params = json!({"A": "x", "L": [1, null, true], "M": [{"K": "v"}]});
    let request = Request::build(&target, map(params)).unwrap();
    let sent: Vec<_> = request.query.iter().map(|(k, v)| format!("{k}={v}")).collect();
    assert_eq!(sent, ["A=x", "L.1=1", "L.3=true", "M.1.K=v"]);
    let secret = json!({"A": "x", "AccountPassword": "fake-Passw0rd!", "M": [{"RootPassword": "fake-Passw0rd!"}]});
    let request = Request::build(&Target::Unlisted("NobodyKnows".into()), map(secret)).unwrap();
    assert_eq!(request.query, [("A".to_owned(), "x".to_owned())]);
    assert_eq!(request.body.len(), 2);
    let deep = (0..40).fold(json!(1), |inner, _| json!([inner]));
    let error = Request::build(&target, map(json!({"D": deep}))).unwrap_err();
    assert_eq!(error.message, "`D` is nested more than 16 levels deep");
}

/// The vendor's newest client is the only source of the operations that the document has not.
#[test]
fn later_operations_are_sent_as_the_vendors_client_sends_them() {
    let later: Vec<Value> = serde_json::from_str(include_str!("../../tests/golden/later-operations.json")).unwrap();
    for facts in &later {
        let action = facts["action"].as_str().unwrap();
        let target = Target::named(action).unwrap();
        // Where the facts are in doubt, the catalogue says why it takes the graver effect.
        let effect = if action == "UnbindGroup" { json!("destructive") } else { facts["effect"].clone() };
        assert_eq!(target.effect().name(), effect, "{action}");
        let rows = || facts["request"].as_array().unwrap().iter();
        let value = |row: &Value| match &row["type"] {
            Value::Object(map) if map.contains_key("list") && map["list"].is_object() => json!([{"X": "v"}]),
            Value::Object(map) if map.contains_key("list") => json!([7]),
            Value::Object(_) => json!({"Cpu": "1", "Memory": "2Gi"}),
            _ => json!("v"),
        };
        let given = rows().map(|row| (row["name"].as_str().unwrap().to_owned(), value(row))).collect();
        let request = Request::build(&target, given).unwrap();
        assert_eq!(request.method.name(), facts["http_method"], "{action}");
        let sent =
            |list: &[(String, String)]| list.iter().map(|(name, text)| format!("{name}={text}")).collect::<Vec<_>>();
        let wanted = |place: &str| {
            let row = |row: &Value| {
                let name = row["name"].as_str().unwrap();
                match value(row) {
                    Value::Array(list) if list[0].is_object() => format!("{name}.1.X=v"),
                    Value::Array(_) => format!("{name}.1=7"),
                    map @ Value::Object(_) => {
                        assert_eq!(row["sent_as_json_text"], true, "{action}");
                        format!("{name}={map}")
                    }
                    _ => format!("{name}=v"),
                }
            };
            rows().filter(|row| row["sent_in"] == place).map(row).collect::<Vec<_>>()
        };
        assert_eq!((sent(&request.query), sent(&request.body)), (wanted("query"), wanted("body")), "{action}");
    }
    let all = || later.iter().map(|facts| facts["action"].as_str().unwrap());
    let of = |is: fn(&Later) -> bool| {
        all().filter(|action| catalogue::find_later(action).is_some_and(is)).collect::<Vec<_>>()
    };
    assert_eq!(
        of(|later| later.effect == Effect::Destructive),
        ["DeleteAppGroup", "OfflineAppEnvironment", "RebuildAppInstance", "ResetAccountPassword", "UnbindGroup"]
    );
    assert_eq!(
        of(|later| later.method == Method::Get),
        ["DescribeEciConfig", "DescribeJobLog", "ListAppCmsGroups", "ListJobHistories"]
    );
    assert_eq!(of(|later| !later.body.is_empty()).len(), 8);
    assert_eq!(of(|later| !later.as_json.is_empty()), ["UpdateNormalDeployConfig"]);
}

/// The documented fields of a tree, in order, and their types.
fn assert_conforms(fields: &[Field], value: &Value, path: &str) {
    let map = value.as_object().unwrap_or_else(|| panic!("{path} is no map: {value}"));
    let names: Vec<_> = map.keys().take(fields.len()).map(String::as_str).collect();
    assert_eq!(names, fields.iter().map(|f| f.name).collect::<Vec<_>>(), "{path}");
    for field in fields {
        let value = &map[field.name];
        let path = format!("{path}.{}", field.name);
        match field.shape {
            _ if value.is_null() => {}
            Shape::String => assert!(value.is_string(), "{path}: {value}"),
            Shape::Int => assert!(value.is_i64(), "{path}: {value}"),
            Shape::Bool => assert!(value.is_boolean(), "{path}: {value}"),
            Shape::Strings => assert!(value.is_array(), "{path}: {value}"),
            Shape::Object(fields) => assert_conforms(fields, value, &path),
            Shape::Objects(fields) => {
                for element in value.as_array().unwrap() {
                    assert_conforms(fields, element, &path);
                }
            }
        }
    }
}

/// Every plain value in a tree, masked ones left out, sorted: what a reader must not lose.
fn leaves(value: &Value) -> Vec<String> {
    fn walk(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => map.iter().filter(|(key, _)| *key != "Password").for_each(|(_, v)| walk(v, found)),
            Value::Array(list) => list.iter().for_each(|v| walk(v, found)),
            Value::Null => {}
            Value::String(text) if text.is_empty() => {}
            Value::String(text) => found.push(text.clone()),
            plain => found.push(plain.to_string()),
        }
    }
    let mut found = Vec::new();
    walk(value, &mut found);
    found.sort();
    found
}

#[test]
fn each_sample_becomes_the_documented_reply() {
    let samples = map(serde_json::from_str(include_str!("../../tests/golden/sample-replies.json")).unwrap());
    assert_eq!(samples.len(), 66);
    for (action, sample) in samples {
        if action == "DeleteNodeLabel" {
            // The document's sample of this one is a failure.
            let fault = answer(&action, 200, sample.to_string()).unwrap_err();
            assert_eq!((fault.error.kind, fault.reason), (Kind::Api, Reason::Refused));
            assert_eq!(fault.error.message, "权限错误");
            assert_eq!(fault.error.code, Some(json!(3)));
            assert_eq!(fault.error.request_id.as_deref(), Some("314BAEE2-1C6F-4AC7-BCA5-BCE9318AA8F4"));
            continue;
        }
        let reply = answer(&action, 200, sample.to_string()).unwrap_or_else(|fault| panic!("{action}: {fault:?}"));
        assert_conforms(operation(&action).reply, &reply, &action);
        let mut kept = leaves(&reply);
        for leaf in leaves(&sample) {
            // The envelope repeats the code.
            let at = kept.iter().position(|k| *k == leaf);
            match at {
                Some(at) => drop(kept.remove(at)),
                None => assert!(action == "CreateNodeLabel" && leaf == "0", "{action} lost {leaf}"),
            }
        }
        assert!(kept.is_empty(), "{action} made up {kept:?}");
    }
}

/// The documented reply of an operation with a value in every field, as a service could send it.
fn full(fields: &'static [Field]) -> Value {
    let value = |field: &Field| match field.shape {
        Shape::String => json!("文 \"x\""),
        Shape::Int => json!(if field.name == "Code" { 0 } else { 7 }),
        Shape::Bool => json!(true),
        Shape::Object(inner) => full(inner),
        Shape::Objects(inner) => json!([full(inner), full(inner)]),
        Shape::Strings => json!(["a", "b"]),
    };
    fields.iter().map(|field| (field.name.to_owned(), value(field))).collect::<Map<_, _>>().into()
}

/// Every reply that differs from this one in one value.
fn changed(reply: &Value) -> Vec<Value> {
    fn walk(value: &Value, rebuild: &dyn Fn(Value) -> Value, found: &mut Vec<Value>) {
        for other in [json!(null), json!(false), json!(3), json!(-1.5), json!("0"), json!([]), json!({}), json!([1])] {
            found.push(rebuild(other));
        }
        match value {
            Value::Object(map) => {
                for (key, inner) in map {
                    let with = |inner: Value| {
                        let mut map = map.clone();
                        map.insert(key.clone(), inner);
                        rebuild(map.into())
                    };
                    walk(inner, &with, found);
                    let mut respelt = map.clone();
                    let inner = respelt.remove(key).unwrap();
                    found.push(rebuild(respelt.clone().into()));
                    respelt.insert(key.to_lowercase(), inner);
                    found.push(rebuild(respelt.into()));
                }
            }
            Value::Array(list) if !list.is_empty() => {
                let with = |inner: Value| rebuild([vec![inner], list[1..].to_vec()].concat().into());
                walk(&list[0], &with, found);
            }
            _ => {}
        }
    }
    let mut found = vec![reply.clone()];
    walk(reply, &|value| value, &mut found);
    found
}

#[test]
fn what_is_read_directly_is_what_a_closer_look_sees() {
    let (mut direct, mut all) = (0, 0);
    for operation in catalogue::operations() {
        let target = Target::Listed(operation);
        for reply in changed(&full(operation.reply)) {
            let text = reply.to_string();
            all += 1;
            if let Some(read) = super::direct::read::<Value>(operation, &text) {
                direct += 1;
                assert_eq!(Ok(read), closely(&target, &text), "{} {text}", operation.action);
            }
        }
    }
    assert!(direct > 1_000 && all > 10 * 66, "{direct} of {all}");
}

#[test]
fn wandering_shapes_are_read_as_documented() {
    let list = |body: Value| answer("ListCluster", 200, body.to_string()).unwrap()["Data"][0].clone();
    let cluster = list(
        json!({"Code": "0", "data": [{"workLoadCpu": 0.14, "EnvType": 0, "id": "138", "Password": "Real1234!", "New": {"rootPassword": "x"}}]}),
    );
    assert_eq!(cluster["WorkLoadCpu"], "0.14");
    assert_eq!(cluster["EnvType"], "0");
    assert_eq!(cluster["Id"], 138);
    assert_eq!(cluster["Password"], "****");
    assert_eq!(cluster["New"]["rootPassword"], "****");
    let scaled =
        answer("ScaleApp", 200, r#"{"Code":0,"Success":"true","Result":[{"DeployOrderId":"9","admitted":1}]}"#)
            .unwrap();
    assert_eq!(scaled["Result"]["DeployOrderId"], 9);
    assert_eq!(scaled["Result"]["Admitted"], true);
    assert_eq!(scaled["ErrMsg"], Value::Null);
    let latin = answer("ListUsers", 200, b"{\"Code\":200,\"Data\":[{\"RealName\":\"\xff\"}]}").unwrap();
    assert_eq!(latin["Data"][0]["RealName"], "\u{fffd}");
}

#[test]
fn faults_are_told_apart() {
    use Reason::*;
    let json = |code: &str| format!(r#"{{"RequestId":"R1","HostId":"h","Code":"{code}","Message":"said so"}}"#);
    let xml = "<?xml version='1.0'?><Error><RequestId>R1</RequestId><Code>Throttling.User</Code><Message>said so</Message></Error>";
    let table: Vec<(&str, u16, String, Reason, Kind)> = vec![
        ("ScaleApp", 400, json("Throttling.User"), Throttled, Kind::Throttled),
        ("ScaleApp", 503, json("Rejected.Throttling"), Throttled, Kind::Throttled),
        ("ScaleApp", 429, "<html>".into(), Throttled, Kind::Throttled),
        ("ScaleApp", 400, xml.into(), Throttled, Kind::Throttled),
        ("ScaleApp", 400, json("SignatureNonceUsed"), Nonce, Kind::Api),
        ("ScaleApp", 400, json("SignatureDoesNotMatch"), Signature, Kind::Credentials),
        ("ScaleApp", 400, json("IncompleteSignature"), Signature, Kind::Credentials),
        ("ScaleApp", 400, json("InvalidTimeStamp.Expired"), Clock, Kind::Api),
        ("ScaleApp", 400, json("IllegalTimestamp"), Clock, Kind::Api),
        ("ScaleApp", 404, json("InvalidAccessKeyId.NotFound"), Refused, Kind::Credentials),
        ("ScaleApp", 400, json("InvalidSecurityToken.Expired"), Refused, Kind::Credentials),
        ("ScaleApp", 403, json("Forbidden.RAM"), Refused, Kind::Api),
        ("ScaleApp", 400, json("MissingEnvId"), Refused, Kind::Api),
        ("ScaleApp", 500, json("InternalError"), Unavailable, Kind::Api),
        ("ScaleApp", 503, json("ServiceUnavailable"), Unavailable, Kind::Api),
        ("ScaleApp", 502, "<html>Bad Gateway</html>".into(), Unavailable, Kind::Network),
        ("ScaleApp", 404, "<html>".into(), Broken, Kind::Network),
        ("ScaleApp", 302, String::new(), Broken, Kind::Network),
        ("ScaleApp", 200, String::new(), Broken, Kind::Network),
        ("ScaleApp", 200, "<html>login</html>".into(), Broken, Kind::Network),
        ("ScaleApp", 200, r#"{"Code":0,"Resu"#.into(), Broken, Kind::Network),
        ("ScaleApp", 200, "[]".into(), Broken, Kind::Network),
        ("ScaleApp", 200, "{}".into(), Broken, Kind::Network),
        ("ScaleApp", 200, json("Throttling"), Throttled, Kind::Throttled),
        ("ScaleApp", 200, r#"{"Code":7,"ErrorMsg":"no"}"#.into(), Refused, Kind::Api),
        ("ScaleApp", 200, r#"{"Code":0,"Success":false}"#.into(), Refused, Kind::Api),
        ("UpdateApp", 200, r#"{"Code":0,"Result":{"Success":false}}"#.into(), Refused, Kind::Api),
        (
            "DeployApp",
            200,
            r#"{"Code":0,"Success":true,"Result":{"Admitted":false,"BusinessCode":"102001"}}"#.into(),
            Refused,
            Kind::NotAdmitted,
        ),
        ("RebuildAppInstance", 200, r#"{"Code":5}"#.into(), Refused, Kind::Api),
    ];
    for (action, status, body, reason, kind) in table {
        let fault = answer(action, status, &body).unwrap_err();
        assert_eq!((fault.reason, fault.error.kind), (reason, kind), "{status} {body}");
        assert_eq!(fault.error.http_status, Some(status), "{body}");
        let certain = !matches!(reason, Unavailable | Broken);
        assert_eq!(fault.error.outcome == Some(Outcome::Refused), certain, "{status} {body}");
    }
}

#[test]
fn a_wrong_secret_is_told_apart_from_a_changed_request() {
    let body = |sts: &str| {
        json!({"Code": "SignatureDoesNotMatch", "Message": format!("Specified signature is not matched with our calculation. server string to sign is:{sts}")}).to_string()
    };
    assert_eq!(signed_the_same(body("GET&%2F&A%3D1").as_bytes(), "GET&%2F&A%3D1"), Some(true));
    assert_eq!(signed_the_same(body("GET&%2F&A%3D2").as_bytes(), "GET&%2F&A%3D1"), Some(false));
    assert_eq!(signed_the_same(br#"{"Code":"SignatureDoesNotMatch","Message":"no"}"#, "GET"), None);
    let xml = b"<Error><Message>server string to sign is:GET&amp;%2F&amp;A%3D1</Message></Error>";
    assert_eq!(signed_the_same(xml, "GET&%2F&A%3D1"), Some(true));
}

fn scalar(scalar: Scalar) -> BoxedStrategy<Value> {
    match scalar {
        Scalar::String => any::<String>().prop_map(Value::from).boxed(),
        Scalar::Integer => any::<i32>().prop_map(Value::from).boxed(),
        Scalar::Long => any::<i64>().prop_map(Value::from).boxed(),
        Scalar::Boolean => any::<bool>().prop_map(Value::from).boxed(),
    }
}

/// Any subset of these parameters, each with any value of its type.
fn params(of: &'static [Param]) -> BoxedStrategy<Map<String, Value>> {
    let fields: Vec<_> = of.iter().map(|param| proptest::option::of(value(param))).collect();
    fields
        .prop_map(move |values| {
            let given = of.iter().zip(values);
            given.filter_map(|(param, value)| Some((param.name.to_owned(), value?))).collect()
        })
        .boxed()
}

fn value(param: &'static Param) -> BoxedStrategy<Value> {
    match param.ty {
        Type::Scalar(kind) => scalar(kind),
        Type::List(kind) => proptest::collection::vec(scalar(kind), 1..12).prop_map(Value::from).boxed(),
        Type::Maps(fields) => {
            let element = params(fields).prop_filter("an empty element has no wire form", |map| !map.is_empty());
            proptest::collection::vec(element.prop_map(Value::Object), 1..12).prop_map(Value::from).boxed()
        }
    }
}

fn any_call() -> impl Strategy<Value = (&'static Operation, Map<String, Value>)> {
    let all: Vec<&'static Operation> = catalogue::operations().collect();
    proptest::sample::select(all).prop_flat_map(|op| (Just(op), params(op.params)))
}

proptest! {
    #[test]
    fn what_is_flattened_parses_back((operation, params) in any_call()) {
        let flat = flatten(operation, &params);
        let pairs: Vec<(&str, &str)> = flat.iter().map(|(_, k, v)| (k.as_str(), v.as_str())).collect();
        // Through the encoding of a form and back, as any server decodes it.
        let form = super::sign::canonical(pairs);
        let decoded: Vec<(String, String)> = form.split('&').filter(|p| !p.is_empty()).map(|pair| {
            let (k, v) = pair.split_once('=').unwrap();
            let decode = |text| percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned();
            (decode(k), decode(v))
        }).collect();
        let back = unflatten(operation, decoded.iter().map(|(k, v)| (k.as_str(), v.as_str())));
        prop_assert_eq!(back, params);
    }

    #[test]
    fn no_answer_makes_reading_panic(
        action in proptest::sample::select(catalogue::operations().map(|op| op.action).collect::<Vec<_>>()),
        status in 100u16..600,
        body in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..200),
            any::<String>().prop_map(String::into_bytes),
            "[<>/a-zA-Z&;!\\[\\]-]{0,80}".prop_map(String::into_bytes),
            "\\{(\"(Code|Data|data|Result|code|ScaleAppResponse)\":[0-9\\[\\]{}\",:a-z]{0,20},?){0,4}\\}?".prop_map(String::into_bytes),
        ],
    ) {
        let _ = answer(action, status, &body);
        let _ = signed_the_same(&body, "GET&%2F&");
    }

    #[test]
    fn unknown_wire_names_never_panic(pairs in proptest::collection::vec(("[A-Za-z.0-9]{0,30}", any::<String>()), 0..20)) {
        for operation in catalogue::operations() {
            let _ = unflatten(operation, pairs.iter().map(|(k, v)| (k.as_str(), v.as_str())));
        }
    }
}

#[test]
fn what_an_unlisted_action_does_is_told_by_its_words() {
    let table = [
        ("ListThings", Effect::Read),
        ("DescribePresetOfThing", Effect::Read),
        ("QueryThing", Effect::Read),
        ("GetHTTPThing", Effect::Read),
        ("Get", Effect::Read),
        ("Getaway", Effect::Write),
        ("ListedThing", Effect::Write),
        ("SearchThing", Effect::Write),
        ("RebuildThing", Effect::Write),
        // Known: not told by its words.
        ("RebuildAppInstance", Effect::Destructive),
        ("ListAndDestroyThing", Effect::Destructive),
        ("DestroyCluster", Effect::Destructive),
        ("ListAnddelete", Effect::Destructive),
        ("GetOffLineNodes", Effect::Destructive),
        ("NodeTermination", Effect::Destructive),
        ("ListUNRELEASED", Effect::Destructive),
        ("GetRemoval", Effect::Destructive),
        ("BatchDeleteNodes", Effect::Destructive),
        ("GetAndDeleteAll", Effect::Destructive),
        ("GetDBAndDELETEAll", Effect::Destructive),
        ("List2Delete", Effect::Destructive),
        ("QueryDeletedThing", Effect::Destructive),
        ("ReleaseEip", Effect::Destructive),
        ("ResetAccountPassword", Effect::Destructive),
        ("OfflineAppEnvironment", Effect::Destructive),
        ("BatchTerminateThings", Effect::Destructive),
        ("ForceRemoveThing", Effect::Destructive),
    ];
    for (action, effect) in table {
        assert_eq!(Target::Unlisted(action.to_owned()).effect(), effect, "{action}");
    }
}
