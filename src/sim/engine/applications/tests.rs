//! Chapter 1 on the demo account; also the [`Account`] that other chapters' tests work on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::Template;
use super::configs::Resources;
use crate::sim::demo;
use crate::sim::engine::call::{Call, Trouble};
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
            "Title": "new", "StateType": 2, "UserRoles": roles("2088000000002"), "MiddleWareIdList": [1, 3],
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
    let yaml = json!({
        "Deployment": "kind: Deployment", "ConfigMap": "old", "ConfigMapList": ["one", "two"],
        "SecretList": ["obvious fake"],
    });
    let mut shown = json!({
        "Id": 2014, "Name": "two", "AppId": 1001, "EnvType": "test",
        "ContainerCodePath": {"CodePath": "/code"}, "ContainerYamlConf": yaml,
    });
    for (change, key, wanted) in [
        (json!({}), "/ContainerCodePath/CodePath", json!("/code")),
        (json!({"ConfigMapList": [text("three")]}), "/ContainerYamlConf/ConfigMapList", json!(["three"])),
        (json!({"CodePath": ""}), "/ContainerCodePath/CodePath", json!("")),
        (json!({"Deployment": text("kind: x")}), "/ContainerYamlConf/Deployment", json!("kind: x")),
    ] {
        let mut params = json!({"AppId": 1001, "Id": 2014});
        params.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        account.ok("UpdateDeployConfig", params);
        *shown.pointer_mut(key).unwrap() = wanted;
        assert_eq!(account.data("ListDeployConfig", json!({"AppId": 1001, "Id": 2014})), [shown.clone()], "{change}");
    }
}

#[test]
fn force_takes_everything_along() {
    let mut account = Account::demo();
    let pod = account.data("ListAppInstance", json!({"AppId": 1005, "EnvId": 3010}))[0]["AppInstanceId"].clone();
    account.ok("DeleteAppDetail", json!({"AppId": 1005, "Force": true}));
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
    account.refused("DeletePersistentVolumeClaim", gone);
    let left = account.data("ListPersistentVolumeClaim", json!({"AppId": 1001, "EnvId": 3001}));
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["Name"], "cache");
}

#[test]
fn a_manifest_tells_what_pods_ask_for() {
    let of = |cpu_millis, memory_mib| Resources { cpu_millis, memory_mib };
    let none = Resources::default();
    for (manifest, workload, images, requests, limits) in [
        ("", "", &[][..], none, none),
        ("kind: Deployment\nmetadata:\n  labels:\n    name: no\n", "no", &[], none, none),
        ("metadata:\n  name: \"web\"\nspec:\n  name: no\n", "web", &[], none, none),
        (
            "spec:\n  containers:\n  - image: a:1\n    resources:\n      requests:\n        cpu: 500m\n        memory: \
             512Mi\n      limits:\n        cpu: \"2\"\n        memory: 2Gi\n  - image: 'b'\n    resources:\n      \
             requests:\n        cpu: 0.25\n",
            "",
            &["a:1", "b"],
            of(750, 512),
            of(2000, 2048),
        ),
        ("requests: {cpu: 250m, memory: \"1Gi\"}\nlimits: { cpu: 1 }", "", &[], of(250, 1024), of(1000, 0)),
        ("requests:\n  cpu: lots\n  memory: 1Q\n  disk: 5Gi\nlimits:\n", "", &[], none, none),
        ("requests:\n  cpu: 99999999999999999999999999999\n  cpu: 1\n", "", &[], of(i64::MAX, 0), none),
        ("a\n:\n::: \n- - -\n\u{0}: \u{0}\n{", "", &[], none, none),
    ] {
        let template = Template::read(manifest, "/code");
        let images = images.iter().map(|image| (*image).to_owned()).collect();
        let wanted =
            Template { workload: workload.into(), images, requests, limits, ordered: false, code_path: "/code".into() };
        assert_eq!(template, wanted, "{manifest}");
    }
}

#[test]
fn reading_survives_a_state_file() {
    let account = Account::demo();
    let read: State = serde_json::from_str(&account.text()).unwrap();
    assert_eq!(Account(read).text(), account.text());
}
