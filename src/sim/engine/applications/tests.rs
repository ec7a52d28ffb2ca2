//! Chapter 1 on the demo account; also the [`Account`] that other chapters' tests work on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::Template;
use crate::sim::demo;
use crate::sim::engine::call::{Call, Trouble};
use crate::sim::engine::resources::Resources;
use crate::sim::engine::state::State;

/// An account under test.
#[derive(Clone)]
pub(crate) struct Account(pub State);

impl Account {
    /// The demo account.
    pub(crate) fn demo() -> Self {
        static DEMO: OnceLock<State> = OnceLock::new();
        Self(DEMO.get_or_init(|| demo::account().unwrap()).clone())
    }

    /// Everything in it, to compare.
    pub(crate) fn text(&self) -> String {
        serde_json::to_string(&self.0).unwrap()
    }

    /// The reply to a call that must succeed.
    pub(crate) fn ok(&mut self, action: &str, params: Value) -> Value {
        self.0.perform(action, params.clone()).unwrap_or_else(|refusal| panic!("{action} {params}: {refusal:?}"))
    }

    /// The records of a list.
    pub(crate) fn data(&mut self, action: &str, params: Value) -> Vec<Value> {
        self.ok(action, params)["Data"].as_array().unwrap().clone()
    }

    /// Code and text of a refusal. The account must stay as it was.
    pub(crate) fn refused(&mut self, action: &str, params: Value) -> (i64, String) {
        let before = self.text();
        let refusal = self.0.perform(action, params.clone()).expect_err(&format!("{action} {params}"));
        assert_eq!(self.text(), before, "{action} {params} changed something");
        (refusal.code, refusal.text)
    }

    /// Lets a call meet trouble. Gives the deploy order.
    pub(crate) fn troubled(&mut self, action: &str, params: Value, trouble: Trouble) -> Value {
        let Value::Object(params) = params else { panic!("{params}") };
        let operation = crate::catalogue::find(action).unwrap();
        let call = Call { trouble: Some(trouble), ..Call::new(operation, params) };
        self.0.apply(&call).unwrap().value()["Result"].clone()
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, seconds: i64) {
        self.0.advance(self.0.now + SignedDuration::from_secs(seconds));
    }
}

#[test]
fn refusals_say_why_and_change_nothing() {
    let user = |id: &str, user_type: &str| json!([{"RoleName": "PE", "UserId": id, "UserType": user_type}]);
    let mut account = Account::demo();
    for (action, params, code, text) in [
        ("CreateApp", json!({"Title": "商城前台"}), 10409, "application 1001 is already called \"商城前台\""),
        ("CreateApp", json!({"Title": "new", "UserRoles": user("1", "TAOBAO")}), 10404, "TAOBAO user 1 does not exist"),
        (
            "UpdateApp",
            json!({"AppId": 1001, "BizTitle": "x", "UserRoles": user("2088000000001", "DING_TALK")}),
            10404,
            "DING_TALK user 2088000000001 does not exist",
        ),
        ("UpdateApp", json!({"AppId": 9}), 10404, "application 9 does not exist"),
        ("DescribeAppDetail", json!({"AppId": 9}), 10404, "application 9 does not exist"),
        ("DeleteAppDetail", json!({"AppId": 9, "Force": true}), 10404, "application 9 does not exist"),
        (
            "DeleteAppDetail",
            json!({"AppId": 1002, "Force": false}),
            10409,
            "application 1002 cannot be deleted: it still has environments 3003 3004, deploy config 2002",
        ),
        ("CreateEnvironment", json!({"AppId": 9, "AppSchemaId": 2001}), 10404, "application 9 does not exist"),
        (
            "CreateEnvironment",
            json!({"AppId": 1001, "AppSchemaId": 2002, "EnvType": 0, "Replicas": 1}),
            10404,
            "deploy config 2002 of application 1001 does not exist",
        ),
        (
            "CreateEnvironment",
            json!({"AppId": 1001, "AppSchemaId": 2001, "EnvType": 0, "Replicas": 1, "ClusterId": "c-none"}),
            10404,
            "",
        ),
        (
            "UpdateEnvironment",
            json!({"AppId": 1001, "AppEnvId": 3003, "Replicas": 1}),
            10404,
            "environment 3003 of application 1001 does not exist",
        ),
        (
            "UpdateEnvironment",
            json!({"AppId": 1001, "AppEnvId": 3001, "Replicas": 9, "AppSchemaId": 7}),
            10404,
            "deploy config 7 of application 1001 does not exist",
        ),
        (
            "UpdateEnvironment",
            json!({"AppId": 1001, "AppEnvId": 3001, "Replicas": i32::MAX}),
            10400,
            "Replicas must be between 0 and 10000",
        ),
        (
            "CreateEnvironment",
            json!({"AppId": 1001, "AppSchemaId": 2001, "EnvType": 0, "Replicas": 10_001}),
            10400,
            "Replicas must be between 0 and 10000",
        ),
        ("ScaleApp", json!({"EnvId": 3001, "Replicas": -1}), 10400, "Replicas must be between 0 and 10000"),
        ("ListAppEnvironment", json!({"AppId": 9}), 10404, "application 9 does not exist"),
        ("DescribeAppEnvironmentDetail", json!({"AppId": 1001, "EnvId": 9}), 10404, "environment 9 does not exist"),
        (
            "DeleteAppEnvironment",
            json!({"AppId": 1002, "EnvId": 3002, "Force": true}),
            10404,
            "environment 3002 of application 1002 does not exist",
        ),
        (
            "DeleteAppEnvironment",
            json!({"AppId": 1001, "EnvId": 3002, "Force": false}),
            10409,
            "environment 3002 cannot be deleted: it still has 3 pods, volume claim data-web",
        ),
        (
            "DeleteAppEnvironment",
            json!({"AppId": 1005, "EnvId": 3010, "Force": false}),
            10409,
            "environment 3010 cannot be deleted: it still has deploy order 4068, which is not finished, 4 pods",
        ),
        (
            "CreateDeployConfig",
            json!({"AppId": 1001, "Name": "x", "StatefulSet": "a2luZA=="}),
            10400,
            "application 1001 is stateless: it takes no StatefulSet",
        ),
        (
            "CreateDeployConfig",
            json!({"AppId": 1001, "Name": "x", "ConfigMapList": ["a2luZA==", "?"]}),
            10400,
            "ConfigMapList is not base64",
        ),
        (
            "UpdateDeployConfig",
            json!({"AppId": 1001, "Id": 2001, "CodePath": "/x", "Deployment": "/w=="}),
            10400,
            "Deployment is not text in UTF-8",
        ),
        (
            "UpdateDeployConfig",
            json!({"AppId": 1001, "Id": 2002}),
            10404,
            "deploy config 2002 of application 1001 does not exist",
        ),
        ("DeleteDeployConfig", json!({"SchemaId": 9}), 10404, "deploy config 9 does not exist"),
        (
            "DeleteDeployConfig",
            json!({"SchemaId": 2001}),
            10409,
            "deploy config 2001 cannot be deleted: it still has environment 3001, environment 3002",
        ),
        ("ListDeployConfig", json!({"AppId": 9}), 10404, "application 9 does not exist"),
        (
            "ListAppInstance",
            json!({"AppId": 1001, "EnvId": 3003}),
            10404,
            "environment 3003 of application 1001 does not exist",
        ),
        (
            "CreatePersistentVolumeClaim",
            json!({"AppId": 1001, "EnvId": 3002, "Name": "data-web"}),
            10409,
            "environment 3002 already has a volume claim data-web",
        ),
        (
            "DeletePersistentVolumeClaim",
            json!({"AppId": 1001, "EnvId": 3002, "PersistentVolumeClaimName": "none"}),
            10404,
            "volume claim none of environment 3002 does not exist",
        ),
        (
            "ListPersistentVolumeClaim",
            json!({"AppId": 1002, "EnvId": 3002}),
            10404,
            "environment 3002 of application 1002 does not exist",
        ),
    ] {
        let refused = account.refused(action, params.clone());
        assert_eq!(refused.0, code, "{action} {params}");
        assert!(refused.1.starts_with(text), "{action} {params}: {}", refused.1);
    }
}

#[test]
fn an_application_lives() {
    let mut account = Account::demo();
    let roles = |user: &str| json!([{"RoleName": "Dev", "UserId": user, "UserType": "TAOBAO"}]);
    let created = account.ok(
        "CreateApp",
        json!({
            "BizCode": "SUPPLY", "Language": "PHP", "OperatingSystem": "Linux", "ServiceType": "GeneralApplication",
            "Title": "new", "StateType": 2, "UserRoles": roles("2088000000001"), "MiddleWareIdList": [1, 3],
        }),
    );
    assert_eq!(created, json!({"Result": {"AppId": 1013}}));
    let mut shown = json!({
        "AppId": 1013, "Title": "new", "Description": "", "Language": "PHP", "OperatingSystem": "Linux",
        "BizName": "SUPPLY", "ServiceType": "GeneralApplication", "DeployType": "ContainerDeployment",
        "BizTitle": "", "AppStateType": "stateful",
        "MiddleWareList": [{"AppId": 1013, "Code": 1}, {"AppId": 1013, "Code": 3}],
    });
    let page = account.ok("ListApp", json!({"PageNumber": 2, "PageSize": 12}));
    assert_eq!(page, json!({"TotalCount": 13, "Data": [shown]}));

    account.ok("UpdateApp", json!({"AppId": 1013, "Language": "Java", "MiddleWareIdList": []}));
    account.ok("UpdateApp", json!({"AppId": 1013, "UserRoles": roles("2088000000003")}));
    shown.as_object_mut().unwrap().shift_remove("MiddleWareList");
    shown["Language"] = "Java".into();
    shown["UserRoles"] =
        json!([{"UserId": "2088000000003", "UserType": "TAOBAO", "RealName": "李娜", "RoleName": "Dev"}]);
    assert_eq!(account.ok("DescribeAppDetail", json!({"AppId": 1013}))["Result"], shown);

    assert_eq!(
        account.ok("DeleteAppDetail", json!({"AppId": 1013, "Force": false})),
        json!({"Result": {"Success": true}})
    );
    account.wait(15);
    account.refused("DescribeAppDetail", json!({"AppId": 1013}));
    let again = account.ok("CreateApp", json!({"Title": "new"}));
    assert_eq!(again["Result"]["AppId"], 1014, "an id is never used twice");
}

#[test]
fn an_environment_lives() {
    let mut account = Account::demo();
    let created = account.ok(
        "CreateEnvironment",
        json!({
            "AppId": 1001, "AppSchemaId": 2001, "EnvName": "压测环境", "EnvType": 1, "Region": "cn-beijing", "Replicas": 3,
        }),
    );
    assert_eq!(created, json!({"Result": {"AppEnvId": 3033}}));
    let config = account.ok("CreateDeployConfig", json!({"AppId": 1001, "EnvType": "online", "Name": "two"}));
    assert_eq!(config, json!({"Result": {"AppId": 1001, "Name": "two", "SchemaId": 2014}}));
    account.ok("UpdateEnvironment", json!({"AppId": 1001, "AppEnvId": 3033, "AppSchemaId": 2014}));
    account.ok("UpdateEnvironment", json!({"AppId": 1001, "AppEnvId": 3033, "Replicas": 5}));
    assert_eq!(
        account.ok("DescribeAppEnvironmentDetail", json!({"AppId": 1001, "EnvId": 3033}))["Result"],
        json!({
            "AppId": 1001, "EnvId": 3033, "EnvName": "压测环境", "EnvType": 1, "EnvTypeName": "正式",
            "AppSchemaId": 2014, "Region": "cn-beijing", "Replicas": 5,
        })
    );
    account.refused("DeleteDeployConfig", json!({"SchemaId": 2014}));
    account.ok("DeleteAppEnvironment", json!({"AppId": 1001, "EnvId": 3033, "Force": false}));
    account.wait(10);
    account.refused("DescribeAppEnvironmentDetail", json!({"AppId": 1001, "EnvId": 3033}));
    account.ok("DeleteDeployConfig", json!({"SchemaId": 2014}));
}

#[test]
fn lists_filter() {
    let mut account = Account::demo();
    for (action, params, key, wanted) in [
        ("ListAppEnvironment", json!({"AppId": 1008}), "EnvId", json!([3016, 3017, 3018])),
        ("ListAppEnvironment", json!({"AppId": 1008, "EnvType": 0}), "EnvId", json!([3016])),
        ("ListAppEnvironment", json!({"AppId": 1008, "EnvType": 1}), "EnvId", json!([3017, 3018])),
        ("ListAppEnvironment", json!({"AppId": 1008, "EnvName": "灰度环境"}), "EnvId", json!([3018])),
        ("ListAppEnvironment", json!({"AppId": 1008, "EnvName": "灰度"}), "EnvId", json!([])),
        ("ListAppEnvironment", json!({"AppId": 1008, "PageNumber": 2, "PageSize": 2}), "EnvId", json!([3018])),
        ("ListDeployConfig", json!({"AppId": 1008}), "Id", json!([2008])),
        ("ListDeployConfig", json!({"AppId": 1008, "Id": 2008, "EnvType": "online"}), "Id", json!([2008])),
        ("ListDeployConfig", json!({"AppId": 1008, "Id": 2007}), "Id", json!([])),
        ("ListDeployConfig", json!({"AppId": 1008, "EnvType": "test"}), "Id", json!([])),
        ("ListDeployConfig", json!({"AppId": 1008, "Name": "物流跟踪部署配置"}), "Id", json!([2008])),
        ("ListDeployConfig", json!({"AppId": 1008, "Name": "x"}), "Id", json!([])),
        ("ListUsers", json!({"PageNumber": 2, "PageSize": 4}), "UserId", json!(["2088000000005", "manager7301"])),
    ] {
        let found: Value = account.data(action, params.clone()).iter().map(|record| record[key].clone()).collect();
        assert_eq!(found, wanted, "{action} {params}");
    }
    let page = account.ok("ListDeployConfig", json!({"AppId": 1008}));
    assert_eq!((&page["PageNumber"], &page["PageSize"], &page["TotalCount"]), (&json!(1), &json!(1), &json!(1)));
}

#[test]
fn a_deploy_config_keeps_what_it_is_not_given() {
    let mut account = Account::demo();
    let text = |text: &str| STANDARD.encode(text);
    account.ok(
        "CreateDeployConfig",
        json!({
            "AppId": 1001, "EnvType": "test", "Name": "two", "CodePath": "/code", "ConfigMap": text("old"),
            "Deployment": text("kind: Deployment"), "ConfigMapList": [text("one"), text("two")],
            "SecretList": [text("obvious fake")],
        }),
    );
    // The old single ConfigMap joins the list.
    let yaml = json!({
        "Deployment": "kind: Deployment", "ConfigMap": "old", "ConfigMapList": ["old", "one", "two"],
        "SecretList": ["obvious fake"],
    });
    let mut shown = json!({
        "Id": 2014, "Name": "two", "AppId": 1001, "EnvType": "test",
        "ContainerCodePath": {"CodePath": "/code"}, "ContainerYamlConf": yaml,
    });
    for (change, key, wanted) in [
        (json!({}), "/ContainerCodePath/CodePath", json!("/code")),
        (json!({"ConfigMap": text("new")}), "/ContainerYamlConf/ConfigMapList", json!(["new", "one", "two"])),
        (json!({"ConfigMapList": [text("three")]}), "/ContainerYamlConf/ConfigMapList", json!(["three"])),
        (json!({"CodePath": ""}), "/ContainerCodePath/CodePath", json!("")),
        (json!({"Deployment": deployment("{}")}), "/ContainerYamlConf/Deployment", json!(plain("{}"))),
    ] {
        let mut params = json!({"AppId": 1001, "Id": 2014});
        params.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        account.ok("UpdateDeployConfig", params);
        *shown.pointer_mut(key).unwrap() = wanted;
        if change.get("ConfigMap").is_some() {
            shown["ContainerYamlConf"]["ConfigMap"] = "new".into();
        }
        if change.get("ConfigMapList").is_some() {
            shown["ContainerYamlConf"].as_object_mut().unwrap().shift_remove("ConfigMap");
        }
        assert_eq!(account.data("ListDeployConfig", json!({"AppId": 1001, "Id": 2014})), [shown.clone()], "{change}");
    }
}

#[test]
fn force_takes_everything_along() {
    let mut account = Account::demo();
    let pod = account.data("ListAppInstance", json!({"AppId": 1005, "EnvId": 3010}))[0]["AppInstanceId"].clone();
    account.ok("DeleteAppDetail", json!({"AppId": 1005, "Force": true}));
    account.wait(15);
    for (action, params) in [
        ("DescribeAppDetail", json!({"AppId": 1005})),
        ("ListAppEnvironment", json!({"AppId": 1005})),
        ("DescribeAppEnvironmentDetail", json!({"AppId": 1005, "EnvId": 3010})),
        ("DeleteDeployConfig", json!({"SchemaId": 2005})),
        ("ListDeployOrders", json!({"AppId": 1005})),
        ("DescribeDeployOrderDetail", json!({"DeployOrderId": 4068})),
        ("ResumeDeploy", json!({"DeployOrderId": 4068})),
        ("ListPods", json!({"DeployOrderId": 4068})),
        ("DescribePodLog", json!({"DeployOrderId": 4068, "AppInstId": pod})),
        ("ScaleApp", json!({"EnvId": 3010, "Replicas": 1})),
    ] {
        assert_eq!(account.refused(action, params).0, 10404, "{action}");
    }
    account.ok("DeleteAppEnvironment", json!({"AppId": 1001, "EnvId": 3002, "Force": true}));
    account.wait(10);
    account.refused("ListPersistentVolumeClaim", json!({"AppId": 1001, "EnvId": 3002}));
    // What is left stands, and time goes on.
    account.wait(3600);
    assert_eq!(account.ok("ListApp", json!({}))["TotalCount"], 11);
    assert_eq!(account.data("ListAppEnvironment", json!({"AppId": 1001})).len(), 1);
}

#[test]
fn claims_are_kept_by_environment() {
    let mut account = Account::demo();
    let claim = |name: &str| {
        json!({
            "AppId": 1001, "EnvId": 3001, "Name": name, "StorageClass": "no-such-class",
            "AccessModes": "ReadWriteOnce", "Capacity": "5Gi",
        })
    };
    let first = account.ok("CreatePersistentVolumeClaim", claim("logs"));
    let second = account.ok("CreatePersistentVolumeClaim", claim("cache"));
    let id = |reply: &Value| reply["Result"]["PersistentVolumeClaimId"].as_i64().unwrap();
    assert_eq!(id(&second), id(&first) + 1);
    let listed = account.data("ListPersistentVolumeClaim", json!({"AppId": 1001, "EnvId": 3001}));
    assert_eq!(
        listed[1],
        json!({
            "Name": "logs", "Capacity": "5Gi", "AccessModes": "ReadWriteOnce", "Status": "Pending",
            "StorageClass": "no-such-class", "CreateTime": "2026-01-05 10:00:00",
        })
    );
    let gone = json!({"AppId": 1001, "EnvId": 3001, "PersistentVolumeClaimName": "logs"});
    account.ok("DeletePersistentVolumeClaim", gone.clone());
    account.wait(3);
    account.refused("DeletePersistentVolumeClaim", gone);
    let left = account.data("ListPersistentVolumeClaim", json!({"AppId": 1001, "EnvId": 3001}));
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["Name"], "cache");
}

/// A Deployment whose pod has these lines, in base64.
fn deployment(pod: &str) -> String {
    STANDARD.encode(format!("kind: Deployment\nmetadata: {{name: web}}\nspec: {{template: {{spec: {pod}}}}}\n"))
}

#[test]
fn a_manifest_tells_what_pods_ask_for() {
    let of = |cpu_millis, memory_mib| Resources { cpu_millis, memory_mib };
    let none = Resources::default();
    let block = "apiVersion: v1\nkind: ConfigMap\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  labels:\n    \
                 name: no\n  name: \"web\"\nspec:\n  template:\n    spec:\n      containers:\n      - image: a:1\n        \
                 resources: # all of them\n          requests:\n            cpu: 500m\n            memory: 512Mi\n          \
                 limits: {cpu: \"2\", memory: 2Gi}\n      - image: 'b'\n        resources:\n          requests:\n            \
                 cpu: 0.25\n";
    for (manifest, images, requests, limits) in [
        (block.to_owned(), &["a:1", "b"][..], of(750, 512), of(2000, 2048)),
        ("{\"kind\": \"Deployment\", \"metadata\": {\"name\": \"web\"}}".to_owned(), &[], none, none),
        // What is limited and asks for nothing asks for as much.
        (
            plain("{containers: [{image: a, resources: {limits: {cpu: 1, memory: 1Gi}}}]}"),
            &["a"],
            of(1000, 1024),
            of(1000, 1024),
        ),
        // What prepares a pod runs before the rest.
        (
            plain(
                "{initContainers: [{image: i, resources: {requests: {cpu: 2, memory: 1Mi}}}], containers: [{image: a, \
                 resources: {requests: {cpu: 1, memory: 1500M}}}]}",
            ),
            &["a"],
            of(2000, 1431),
            none,
        ),
        (
            plain("{containers: [{image: a, resources: {requests: {memory: 99999999999999999999999999Ei}}}]}"),
            &["a"],
            of(0, i64::MAX),
            none,
        ),
        (plain("{containers: [{image: a, resources: {requests: {cpu: }}}]}"), &["a"], none, none),
        (plain("{containers: [{image: a, resources: {requests: }}]}"), &["a"], none, none),
        (plain("{containers: [{image: a, resources: {requests: {memory: '1E9'}}}]}"), &["a"], of(0, 954), none),
        (plain("{containers: [{image: a, resources: {requests: {memory: '129e6'}}}]}"), &["a"], of(0, 124), none),
        (plain("{containers: [{image: a, resources: {requests: {cpu: 16.1}}}]}"), &["a"], of(16_100, 0), none),
        (plain("{containers: [{image: a, resources: {requests: {cpu: 16100100u}}}]}"), &["a"], of(16_101, 0), none),
    ] {
        let template =
            Template::read("Deployment", &manifest).unwrap_or_else(|refusal| panic!("{manifest}: {refusal:?}"));
        let images = images.iter().map(|image| (*image).to_owned()).collect();
        let wanted = Template { workload: "web".into(), images, requests, limits, ..Template::default() };
        assert_eq!(template, wanted, "{manifest}");
    }
}

/// As [`deployment`], not in base64.
fn plain(pod: &str) -> String {
    String::from_utf8(STANDARD.decode(deployment(pod)).unwrap()).unwrap()
}

#[test]
fn what_is_no_workload_is_refused() {
    let mut account = Account::demo();
    let bomb: String = (1..30).map(|n| format!("a{n}: &a{n} [*a{0}, *a{0}, *a{0}, *a{0}]\n", n - 1)).collect();
    let asks = |what: &str| plain(&format!("{{containers: [{{image: a, resources: {{requests: {{{what}}}}}}}]}}"));
    for (text, wanted) in [
        ("", "Deployment holds no Deployment: it has no kind"),
        ("just text", "Deployment holds no Deployment: it has no kind"),
        ("kind: Service\n", "Deployment holds no Deployment: its kind is Service"),
        ("kind: StatefulSet\n", "Deployment holds no Deployment: its kind is StatefulSet"),
        ("kind: [\n", "Deployment is no YAML: "),
        ("a\n:\n::: \n- - -\n\u{0}: \u{0}\n{", "Deployment is no YAML: "),
        (&format!("a0: &a0 x\n{bomb}kind: Deployment\n"), "Deployment is no YAML: "),
        (&asks("cpu: lots"), "Deployment asks for cpu lots, which is no quantity such as 500m or 1Gi"),
        (&asks("memory: 1Q"), "Deployment asks for memory 1Q, which is no quantity such as 500m or 1Gi"),
        (
            &plain("{containers: [{image: a, resources: [1]}]}"),
            "Deployment has resources that are no map such as {cpu: 500m, memory: 1Gi}",
        ),
        (
            &plain("{containers: [{image: a, resources: {requests: 4}}]}"),
            "Deployment has requests that are no map such as {cpu: 500m, memory: 1Gi}",
        ),
        (&asks("cpu: -1"), "Deployment asks for cpu -1, which is no quantity such as 500m or 1Gi"),
    ] {
        for (action, id) in [("CreateDeployConfig", None), ("UpdateDeployConfig", Some(2001))] {
            // An empty one is none at all.
            if text.is_empty() {
                continue;
            }
            let params =
                json!({"AppId": 1001, "EnvType": "test", "Name": "x", "Id": id, "Deployment": STANDARD.encode(text)});
            let (code, refused) = account.refused(action, params);
            assert!(code == 10400 && refused.starts_with(wanted), "{text}: {refused}");
            assert!(!refused.contains('\n'), "{refused}");
        }
    }
    let (config_map, job) = (STANDARD.encode("kind: ConfigMap"), STANDARD.encode("kind: CronJob"));
    for (param, value, wanted) in [
        ("ConfigMap", json!(job), "ConfigMap holds no ConfigMap: its kind is CronJob"),
        ("ConfigMapList", json!([config_map, job]), "ConfigMapList holds no ConfigMap: its kind is CronJob"),
        ("SecretList", json!([config_map]), "SecretList holds no Secret: its kind is ConfigMap"),
        ("CronJob", json!(config_map), "CronJob holds no CronJob: its kind is ConfigMap"),
    ] {
        let mut params = json!({"AppId": 1001, "EnvType": "test", "Name": "x"});
        params[param] = value;
        assert_eq!(account.refused("CreateDeployConfig", params), (10400, wanted.to_owned()));
    }
    for (param, value) in [
        ("ConfigMap", json!(STANDARD.encode("a: [\n"))),
        ("ConfigMapList", json!([STANDARD.encode("a: 1"), STANDARD.encode("a: [\n")])),
        ("SecretList", json!([STANDARD.encode("}")])),
        ("CronJob", json!(STANDARD.encode("a: b: c"))),
    ] {
        let mut params = json!({"AppId": 1001, "EnvType": "test", "Name": "x"});
        params[param] = value;
        let (_, refused) = account.refused("CreateDeployConfig", params);
        assert!(refused.starts_with(&format!("{param} is no YAML: ")), "{refused}");
    }
}

#[test]
fn a_deploy_needs_something_deployable() {
    let mut account = Account::demo();
    let result = |reply: Value, name: &str| reply["Result"][name].as_i64().unwrap();
    let pod = "{containers: [{image: a}]}";
    let (whole, bare) = (deployment(pod), STANDARD.encode("kind: Deployment"));
    for (system, cluster, config, more, wanted) in [
        ("Linux", "c-demo-test", json!({"Deployment": whole}), json!({}), None),
        (
            "Linux",
            "c-demo-test",
            json!({}),
            json!({}),
            Some("nothing can be deployed by deploy config ID: it has no Deployment"),
        ),
        (
            "Linux",
            "c-demo-test",
            json!({"Deployment": bare}),
            json!({}),
            Some("nothing can be deployed by deploy config ID: its Deployment has no container"),
        ),
        (
            "Linux",
            "c-demo-test",
            json!({"Deployment": whole, "CodePath": "/app/code"}),
            json!({}),
            Some(
                "deploy config ID unpacks a code package at /app/code, and none is given: deploy with DeployPacketUrl or \
                 DeployPacketId, or empty its CodePath",
            ),
        ),
        ("Linux", "c-demo-test", json!({"Deployment": whole, "CodePath": "/c"}), json!({"DeployPacketId": 1}), None),
        (
            "Linux",
            "c-demo-test",
            json!({"Deployment": whole, "CodePath": "/c"}),
            json!({"DeployPacketUrl": "https://x/y"}),
            None,
        ),
        (
            "Windows",
            "c-demo-test",
            json!({"Deployment": whole}),
            json!({}),
            Some("cluster c-demo-test has no Windows node: the application needs one"),
        ),
        (
            "Linux",
            "c-demo-spare",
            json!({"Deployment": whole}),
            json!({}),
            Some("cluster c-demo-spare has no Linux node: the application needs one"),
        ),
    ] {
        let title = format!("app {}", account.text().len());
        let app = result(account.ok("CreateApp", json!({"Title": title, "OperatingSystem": system})), "AppId");
        let mut params = json!({"AppId": app, "EnvType": "test", "Name": "x"});
        params.as_object_mut().unwrap().extend(config.as_object().unwrap().clone());
        let id = result(account.ok("CreateDeployConfig", params), "SchemaId");
        let env = json!({
            "AppId": app, "AppSchemaId": id, "EnvName": "x", "EnvType": 0, "Region": "r", "Replicas": 1, "ClusterId": cluster,
        });
        let env = result(account.ok("CreateEnvironment", env), "AppEnvId");
        let mut deploy = json!({"EnvId": env, "Name": "x", "TotalPartitions": 1});
        deploy.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        match wanted {
            None => {
                account.ok("DeployApp", deploy);
            }
            Some(wanted) => {
                let refused = (10409, wanted.replace("ID", &id.to_string()));
                assert_eq!(account.refused("DeployApp", deploy), refused);
                assert_eq!(account.refused("ScaleApp", json!({"EnvId": env, "Replicas": 1})), refused);
            }
        }
    }
}

#[test]
fn reading_survives_a_state_file() {
    let account = Account::demo();
    let read: State = serde_json::from_str(&account.text()).unwrap();
    assert_eq!(Account(read).text(), account.text());
}

/// Whoever asks sees what it has a role in: what it created for nobody else, and what others let it into.
#[test]
fn applications_are_listed_for_whom_they_are() {
    let mut account = Account::demo();
    let of = |user: &str| json!([{"RoleName": "Test", "UserId": user, "UserType": "TAOBAO"}]);
    let (own, other) = ("2088000000001", "2088000000002");
    for (roles, updated, shown) in [
        (None, None, true),
        (Some(of(own)), None, true),
        (Some(of(other)), None, false),
        (Some(of(own)), Some(of(other)), false),
        (Some(of(other)), Some(of(own)), true),
        (None, Some(json!([])), false),
    ] {
        let mut params = json!({"Title": format!("{roles:?} {updated:?}")});
        if let Some(roles) = &roles {
            params["UserRoles"] = roles.clone();
        }
        let id = account.ok("CreateApp", params)["Result"]["AppId"].clone();
        if let Some(roles) = &updated {
            account.ok("UpdateApp", json!({"AppId": id, "UserRoles": roles}));
        }
        let page = account.ok("ListApp", json!({"PageSize": 100}));
        let listed = page["Data"].as_array().unwrap();
        assert_eq!(listed.iter().any(|app| app["AppId"] == id), shown, "{roles:?} {updated:?}");
        assert_eq!(page["TotalCount"], listed.len());
    }
    let created = account.ok("CreateApp", json!({"Title": "mine"}))["Result"]["AppId"].clone();
    assert_eq!(
        account.ok("DescribeAppDetail", json!({"AppId": created}))["Result"]["UserRoles"],
        json!([{"UserId": own, "UserType": "TAOBAO", "RealName": "张伟", "RoleName": "Owner"}])
    );
    // Every user of the demo account has a role somewhere.
    let mut users = std::collections::BTreeSet::new();
    for app in 1001..=1012 {
        for role in account.ok("DescribeAppDetail", json!({"AppId": app}))["Result"]["UserRoles"].as_array().unwrap() {
            users.insert(role["UserId"].to_string());
        }
    }
    assert_eq!(users.len(), 6);
}

/// Every list that takes an application refuses one that does not exist, whether it must be given or may be.
#[test]
fn no_list_is_empty_for_an_application_that_does_not_exist() {
    let takes = |operation: &&crate::catalogue::Operation| {
        operation.action.starts_with("List") && operation.params.iter().any(|param| param.name == "AppId")
    };
    let lists: Vec<_> = crate::catalogue::operations().filter(takes).collect();
    assert_eq!(lists.len(), 8);
    let mut account = Account::demo();
    for list in lists {
        let refused = account.refused(list.action, json!({"AppId": 99, "EnvId": 3002}));
        assert_eq!(refused, (10404, "application 99 does not exist".to_owned()), "{}", list.action);
    }
}
