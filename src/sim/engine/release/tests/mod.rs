//! Releases, each on the demo account, at exact simulated times; then random calls.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod kubernetes;

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Conclusion, Phase, Pod, Status, evict, place_waiting};
use crate::sim::demo;
use crate::sim::engine::applications::tests::Account;
use crate::sim::engine::call::{Call, Refusal, Trouble};
use crate::sim::engine::leaving::Leaving;
use crate::sim::engine::state::State;
use crate::sim::options::Fleet;

/// An environment of 商城前台 in production, with three healthy pods.
const ENV: i64 = 3002;

impl Account {
    fn deploy(&mut self, env: i64, partitions: i64, pause: &str) -> i64 {
        let params = json!({"EnvId": env, "Name": "next", "TotalPartitions": partitions, "PauseType": pause});
        self.ok("DeployApp", params)["Result"]["DeployOrderId"].as_i64().unwrap()
    }

    fn scale(&mut self, env: i64, replicas: i64) -> i64 {
        let reply = self.ok("ScaleApp", json!({"EnvId": env, "Replicas": replicas}));
        assert_eq!(reply["Result"]["Admitted"], true);
        reply["Result"]["DeployOrderId"].as_i64().unwrap()
    }

    fn order(&mut self, id: i64) -> Value {
        self.ok("DescribeDeployOrderDetail", json!({"DeployOrderId": id}))["Result"].clone()
    }

    /// Status, result, current partition, pods begun, pods that succeeded.
    fn stand(&mut self, id: i64) -> [i64; 5] {
        let order = self.order(id);
        let begun =
            self.ok("ListPods", json!({"DeployOrderId": id, "StatusList": [1, 3]}))["TotalCount"].as_i64().unwrap();
        let of = |name: &str| order[name].as_i64().unwrap();
        [of("Status"), of("Result"), of("CurrentPartitionNum"), begun, of("FinishAppInstanceCt")]
    }

    fn instances(&mut self, env: i64) -> Vec<Value> {
        let app = self.0.applications.env(env).unwrap().app_id;
        self.data("ListAppInstance", json!({"AppId": app, "EnvId": env, "PageSize": 10_000}))
    }

    fn names(&mut self, env: i64) -> Vec<String> {
        self.instances(env).iter().map(|pod| pod["AppInstanceId"].as_str().unwrap().to_owned()).collect()
    }

    /// How many pods of an environment are healthy, of how many.
    fn health(&mut self, env: i64) -> (usize, usize) {
        let pods = self.instances(env);
        (pods.iter().filter(|pod| pod["Health"] == "RUNNING").count(), pods.len())
    }

    /// The log of a pod's first step.
    fn log(&mut self, order: i64, pod: &str) -> String {
        let reply = self.ok("DescribePodLog", json!({"DeployOrderId": order, "AppInstId": pod}));
        reply["Result"]["DeployStepList"][0]["StepLog"].as_str().unwrap().to_owned()
    }

    /// Reason and count of a pod's events.
    fn events(&mut self, order: i64, pod: &str) -> Vec<(String, i64)> {
        let reply = self.ok("DescribePodEvents", json!({"DeployOrderId": order, "AppInstId": pod}));
        let events = reply["Result"]["PodEvents"].as_array().unwrap().clone();
        let of = |event: &Value| (event["Reason"].as_str().unwrap().to_owned(), event["Count"].as_i64().unwrap());
        events.iter().map(of).collect()
    }

    /// Lets time pass until an order rests, or for ten minutes. Gives how it stands.
    fn rest(&mut self, id: i64) -> [i64; 5] {
        let until = self.0.now + SignedDuration::from_mins(10);
        while self.0.release.orders[&id].status == Status::Running {
            match self.0.next_event().filter(|at| *at <= until) {
                Some(at) => self.0.advance(at),
                None => self.0.advance(until),
            }
            if self.0.now == until {
                break;
            }
        }
        self.stand(id)
    }

    /// The pods of an environment with the order that made them, how they are, and how often they restarted.
    fn sick(&mut self, env: i64) -> Vec<Value> {
        self.instances(env).into_iter().filter(|pod| pod["Health"] != "RUNNING").collect()
    }
}

#[test]
fn a_deploy_goes_partition_by_partition() {
    let mut account = Account::demo();
    let old = account.names(ENV);
    let id = account.deploy(ENV, 2, "none");
    assert_eq!(account.stand(id), [1, 0, 1, 0, 0]);
    // The pods of a partition start together, and are ready 4 to 6 seconds later.
    account.wait(1);
    assert_eq!((account.stand(id), account.health(ENV)), ([1, 0, 1, 2, 0], (3, 5)));
    account.wait(3);
    assert_eq!(account.stand(id), [1, 0, 1, 2, 0]);
    account.wait(3);
    assert_eq!(account.stand(id)[4], 2);
    assert_eq!(account.rest(id), [3, 1, 2, 3, 3]);
    account.wait(400);
    assert_eq!(account.stand(id), [3, 1, 2, 3, 3]);
    let new = account.names(ENV);
    assert!(new.iter().all(|name| !old.contains(name)), "{old:?} {new:?}");
    assert_eq!(account.health(ENV), (3, 3));
    let mut order = account.order(id);
    let elapsed = order["ElapsedTime"].take().as_i64().unwrap();
    assert!((11..=20).contains(&elapsed), "{elapsed}");
    assert_eq!(
        order,
        json!({
            "DeployOrderId": id, "Name": "next", "EnvId": 3002, "EnvType": "online", "SchemaId": 2001,
            "AppInstanceType": "k8s_pod", "DeployType": "partition_parallel", "DeployTypeName": "分批发布-批内并行",
            "PartitionType": "group_even", "PartitionTypeName": "分组均分", "DeployPauseType": "none",
            "DeployPauseTypeName": "不暂停", "CurrentPartitionNum": 2, "TotalPartitions": 2,
            "TotalAppInstanceCt": 3, "FinishAppInstanceCt": 3, "FailureRate": "0", "Status": 3,
            "StatusName": "已完成", "Result": 1, "ResultName": "成功", "StartTime": "2026-01-05T02:00Z",
            "EndTime": "2026-01-05T02:00Z", "ElapsedTime": null, "UserId": "2088000000001", "UserNick": "张伟",
        })
    );
}

#[test]
fn steps_take_a_little_longer_or_shorter_by_the_seed() {
    let ended = |seed: u64| {
        let mut account = Account::demo();
        account.0.seed = seed;
        let id = account.deploy(ENV, 1, "none");
        account.rest(id);
        let tasks = account.0.release.orders[&id].tasks.iter();
        tasks.map(|task| task.updated.duration_since(task.started).as_millis()).collect::<Vec<_>>()
    };
    let (one, other) = (ended(1), ended(2));
    assert_eq!(one, ended(1));
    assert_ne!(one, other);
    assert!(one.iter().chain(&other).all(|took| (4000..=6000).contains(took)), "{one:?} {other:?}");
    assert!(one[0] != one[1] || one[1] != one[2], "{one:?}");
}

#[test]
fn an_old_pod_stops_when_a_new_one_is_ready() {
    let mut account = Account::demo();
    let old = account.names(ENV);
    let id = account.deploy(ENV, 1, "none");
    account.wait(1);
    let now = account.names(ENV);
    assert_eq!(now[..3], old, "the old ones are there until new ones are ready");
    let pods = account.data("ListPods", json!({"DeployOrderId": id}));
    assert_eq!(pods.len(), 3);
    let pod = &pods[0];
    for (key, wanted) in [
        ("/AppInstanceId", json!(now[3])),
        ("/DeployOrderId", json!(id)),
        ("/DeployPartitionNum", json!(1)),
        ("/GroupName", json!("defaultGroup")),
        ("/Region", json!("cn-zhangjiakou")),
        ("/Status", json!(1)),
        ("/StatusName", json!("部署中")),
        ("/Result", json!(0)),
        ("/ResultName", json!("部署中")),
        ("/StartTime", json!("2026-01-05T10:00:01")),
        ("/UpdateTime", json!("2026-01-05T10:00:01")),
        ("/DeploySteps", json!([{"StepCode": "StartAppInstance", "StepName": "启动应用", "Status": "PROCESSING"}])),
    ] {
        assert_eq!(pod.pointer(key), Some(&wanted), "{key}");
    }
    for key in ["HostIp", "HostName", "PodIp"] {
        assert!(pod[key].as_str().is_some_and(|text| !text.is_empty()), "{key}");
    }
    // The first new one is ready: the youngest of the old ones stops, and is there until it has.
    let ready = account.0.next_event().unwrap();
    account.0.advance(ready);
    let statuses: Vec<Value> = account.instances(ENV).iter().map(|pod| pod["Status"].clone()).collect();
    assert_eq!(statuses[..3], ["Running", "Running", "Terminating"]);
    assert_eq!(account.health(ENV), (3, 6));
    let last_old = account.0.release.pods_of_env(ENV).nth(2).unwrap().order;
    assert_eq!(account.events(last_old, &old[2]).last(), Some(&("Killing".to_owned(), 1)));
    let events = account.events(id, &now[3]);
    let reasons: Vec<&str> = events.iter().map(|(reason, _)| reason.as_str()).collect();
    assert_eq!(reasons, ["Scheduled", "Pulling", "Pulled", "Created", "Started"]);
    account.wait(60);
    assert_eq!(account.names(ENV), now[3..]);
}

#[test]
fn pods_of_a_stateful_set_are_numbered() {
    let mut account = Account::demo();
    let result = |reply: Value, name: &str| reply["Result"][name].as_i64().unwrap();
    let app = result(account.ok("CreateApp", json!({"Title": "cache", "StateType": 2})), "AppId");
    let manifest = crate::sim::demo::manifest("StatefulSet", "cache", "250m", "256Mi");
    let config = json!({"AppId": app, "EnvType": "test", "Name": "x", "StatefulSet": manifest});
    let config = result(account.ok("CreateDeployConfig", config), "SchemaId");
    let env = json!({
        "AppId": app, "AppSchemaId": config, "EnvName": "x", "EnvType": 0, "Region": "r", "Replicas": 3,
        "ClusterId": "c-demo-test",
    });
    let env = result(account.ok("CreateEnvironment", env), "AppEnvId");
    let names = |count: i64| (0..count).map(|ordinal| format!("cache-{env}-{ordinal}")).collect::<Vec<_>>();
    for (action, count) in [("deploy", 3), ("scale", 5), ("scale", 2), ("deploy", 2)] {
        let id = if action == "deploy" { account.deploy(env, 1, "none") } else { account.scale(env, count) };
        assert_eq!(account.rest(id)[..2], [3, 1]);
        let mut found = account.names(env);
        // Instances come oldest first: after a deploy the highest ordinal is the oldest.
        found.sort();
        assert_eq!((found, account.health(env).0 as i64), (names(count), count));
        let pods = account.data("ListPods", json!({"DeployOrderId": id}));
        let dealt: Vec<&str> = pods.iter().map(|pod| pod["AppInstanceId"].as_str().unwrap()).collect();
        let last = dealt.last().unwrap().to_string();
        assert!(!account.log(id, &last).is_empty());
    }
}

#[test]
fn fewer_replicas_at_the_next_deploy_leave_no_old_pod() {
    let mut account = Account::demo();
    account.ok("UpdateEnvironment", json!({"AppId": 1001, "AppEnvId": ENV, "Replicas": 1}));
    assert_eq!(account.names(ENV).len(), 3, "only a release changes pods");
    // With more partitions than pods there is nothing left to pause before.
    let id = account.deploy(ENV, i32::MAX.into(), "each");
    assert_eq!(account.rest(id), [3, 1, i32::MAX.into(), 1, 1]);
    assert_eq!(account.health(ENV), (1, 1));
}

#[test]
fn pauses_come_as_asked() {
    for (pause, name, resumes) in [("none", "不暂停", 0), ("first", "第一批暂停", 1), ("each", "每批暂停", 2)]
    {
        let mut account = Account::demo();
        let id = account.deploy(ENV, 3, pause);
        for resume in 1..=resumes {
            account.wait(3600);
            assert_eq!(account.stand(id), [2, 0, resume, resume, resume], "{pause}");
            assert_eq!(account.order(id)["StatusName"], "暂停");
            account.ok("ResumeDeploy", json!({"DeployOrderId": id}));
            let again = account.refused("ResumeDeploy", json!({"DeployOrderId": id}));
            assert_eq!(again, (10409, format!("deploy order {id} is not paused: it is under way")));
        }
        account.wait(3600);
        assert_eq!(account.stand(id), [3, 1, 3, 3, 3], "{pause}");
        let order = account.order(id);
        assert_eq!((&order["DeployPauseType"], &order["DeployPauseTypeName"]), (&json!(pause), &json!(name)));
        let finished = account.refused("ResumeDeploy", json!({"DeployOrderId": id}));
        assert_eq!(finished.1, format!("deploy order {id} is not paused: it is finished"));
    }
}

#[test]
fn closing_ends_an_order_as_failed_by_hand() {
    for (pause, partitions, after, begun, succeeded, results) in
        [("none", 1, 2, 3, 0, [4, 4]), ("first", 3, 20, 1, 1, [1, 1]), ("each", 2, 20, 2, 2, [1, 1])]
    {
        let mut account = Account::demo();
        let id = account.deploy(ENV, partitions, pause);
        account.wait(after);
        account.ok("CloseDeployOrder", json!({"DeployOrderId": id}));
        let stand = [3, 4, 1, begun, succeeded];
        assert_eq!(account.stand(id), stand, "{pause} {after}");
        let order = account.order(id);
        assert_eq!((&order["ResultName"], &order["ElapsedTime"]), (&json!("人为置为失败"), &json!(after)));
        let pods = account.data("ListPods", json!({"DeployOrderId": id}));
        assert_eq!(pods.first().unwrap()["Result"], results[0]);
        assert_eq!(pods.last().unwrap()["Result"], results[1]);
        assert_eq!(
            account.refused("CloseDeployOrder", json!({"DeployOrderId": id})),
            (10409, format!("deploy order {id} is finished already"))
        );
        // Nothing of it goes on but the pods that it began.
        account.wait(3600);
        assert_eq!(account.stand(id), stand);
        assert_eq!(account.health(ENV), (3, 3));
        account.deploy(ENV, 1, "none");
    }
}

#[test]
fn an_environment_has_one_unfinished_order() {
    let mut account = Account::demo();
    let id = account.deploy(ENV, 2, "first");
    let text = format!("environment 3002 has an unfinished deploy order: {id} must end, or be closed, first");
    for wait in [0, 3, 60] {
        account.wait(wait);
        let scale = account.refused("ScaleApp", json!({"EnvId": ENV, "Replicas": 9}));
        assert_eq!(scale, (10409, text.clone()));
        let deploy = json!({"EnvId": ENV, "Name": "x", "TotalPartitions": 1});
        assert_eq!(account.refused("DeployApp", deploy), (10409, text.clone()));
    }
    account.ok("ResumeDeploy", json!({"DeployOrderId": id}));
    account.wait(60);
    account.scale(ENV, 4);
    for (action, params) in [
        ("DeployApp", json!({"EnvId": 9, "Name": "x", "TotalPartitions": 1})),
        ("ScaleApp", json!({"EnvId": 9, "Replicas": 1})),
    ] {
        assert_eq!(account.refused(action, params), (10404, "environment 9 does not exist".into()));
    }
    for action in ["DescribeDeployOrderDetail", "ResumeDeploy", "CloseDeployOrder", "ListPods"] {
        let refused = account.refused(action, json!({"DeployOrderId": 9}));
        assert_eq!(refused, (10404, "deploy order 9 does not exist".into()));
    }
    for action in ["DescribePodLog", "DescribePodEvents"] {
        let refused = account.refused(action, json!({"DeployOrderId": 4001, "AppInstId": "none"}));
        assert_eq!(refused, (10404, "application instance none of deploy order 4001 does not exist".into()));
    }
}

#[test]
fn a_frozen_environment_admits_nothing() {
    let mut account = Account::demo();
    let before = account.text();
    let scale = json!({"EnvId": 3008, "Replicas": 2});
    let refused = |code: &str| json!({"Admitted": false, "BusinessCode": code});
    assert_eq!(account.ok("ScaleApp", scale.clone())["Result"], refused("102001"));
    let deploy = json!({"EnvId": ENV, "Name": "x", "TotalPartitions": 1});
    let frozen = Trouble::Frozen { business_code: "102000".into() };
    assert_eq!(account.troubled("DeployApp", deploy, frozen.clone()), refused("102000"));
    assert_eq!(account.troubled("ScaleApp", scale, frozen), refused("102000"));
    assert_eq!(account.text(), before, "nothing was deployed");
}

#[test]
fn scaling_adds_new_pods_and_takes_the_newest() {
    let mut account = Account::demo();
    let old = account.names(ENV);
    let up = account.scale(ENV, 5);
    assert_eq!(account.stand(up), [1, 0, 1, 0, 0]);
    account.wait(1);
    assert_eq!(account.stand(up), [1, 0, 1, 2, 0]);
    assert_eq!(account.rest(up), [3, 1, 1, 2, 2]);
    assert_eq!(account.order(up)["Name"], "应用实例数扩缩容至5个");
    assert_eq!(account.order(up)["TotalAppInstanceCt"], 2);
    let five = account.names(ENV);
    assert_eq!(five[..3], old[..]);

    let down = account.scale(ENV, 1);
    account.wait(1);
    let leaving = account.data("ListPods", json!({"DeployOrderId": down}));
    let names: Vec<&Value> = leaving.iter().map(|pod| &pod["AppInstanceId"]).collect();
    assert_eq!(names, five[1..].iter().rev().collect::<Vec<_>>());
    let step = |code: &str, name: &str, status: &str| json!({"StepCode": code, "StepName": name, "Status": status});
    assert_eq!(leaving[0]["DeploySteps"], json!([step("StopAppInstance", "停止应用", "PROCESSING")]));
    assert_eq!(account.names(ENV).len(), 5, "a pod is there until it has stopped");
    assert_eq!(account.rest(down), [3, 1, 1, 4, 4]);
    let left = account.data("ListPods", json!({"DeployOrderId": down}));
    let done = [step("StopAppInstance", "停止应用", "SUCCESS"), step("DeleteAppInstance", "删除应用", "SUCCESS")];
    assert_eq!(left[0]["DeploySteps"], json!(done));
    assert_eq!(account.names(ENV), old[..1]);
    assert_eq!(account.events(down, &five[4]), [("Killing".to_owned(), 1)]);
    let log = account.log(down, &five[4]);
    let lines: Vec<&str> = log.lines().map(|line| &line[22..]).collect();
    assert_eq!(lines, ["stopping the application", "application instance deleted"]);

    let same = account.scale(ENV, 1);
    assert_eq!(account.stand(same), [1, 0, 1, 0, 0]);
    account.wait(1);
    assert_eq!(account.stand(same), [3, 1, 1, 0, 0]);

    account.scale(ENV, 0);
    account.wait(60);
    assert_eq!(account.names(ENV), Vec::<String>::new());
    let detail = json!({"AppId": 1001, "EnvId": ENV});
    assert_eq!(account.ok("DescribeAppEnvironmentDetail", detail)["Result"]["Replicas"], 0);
    account.scale(ENV, 2);
    account.wait(60);
    assert_eq!(account.health(ENV), (2, 2));
}

#[test]
fn scaling_runs_what_was_deployed() {
    const PACKAGED: i64 = 3014;
    let mut account = Account::demo();
    let packet = "https://shop-demo.oss-cn-zhangjiakou.aliyuncs.com/promotion-1.1.zip";
    let manifest = |cpu: &str, memory: &str| crate::sim::demo::manifest("Deployment", "promo", cpu, memory);
    let config = json!({"AppId": 1007, "Id": 2007, "CodePath": "/elsewhere", "Deployment": manifest("2", "1536Mi")});
    account.ok("UpdateDeployConfig", config);
    let id = account.scale(PACKAGED, 9);
    account.wait(60);
    let pods = account.instances(PACKAGED);
    assert_eq!(pods[8]["Spec"], "0.25vcpu 512MB");
    let log = account.log(id, pods[8]["AppInstanceId"].as_str().unwrap());
    assert!(log.contains(&format!("downloading {packet} to /home/admin/code")), "{log}");
    assert!(log.ends_with(" the application is ready\n"), "{log}");

    // The next deploy takes the config as it is by then.
    account.ok("UpdateDeployConfig", json!({"AppId": 1007, "Id": 2007, "CodePath": ""}));
    let id = account.deploy(PACKAGED, 1, "none");
    account.wait(60);
    let pods = account.instances(PACKAGED);
    assert_eq!(pods[0]["Spec"], "2vcpu 1536MB");
    let name = pods[0]["AppInstanceId"].as_str().unwrap().to_owned();
    assert!(name.starts_with("promo-3014-"), "{name}");
    assert!(!account.log(id, &name).contains("downloading"));
    let gone = account.refused("DescribePodLog", json!({"DeployOrderId": id, "AppInstId": "x"}));
    assert_eq!(gone.0, 10404);
}

#[test]
fn what_asks_for_more_memory_than_there_is_stays_pending_and_says_why() {
    let mut account = Account::demo();
    let manifest = crate::sim::demo::manifest("Deployment", "mall-web", "500m", "900Gi");
    account.ok("UpdateDeployConfig", json!({"AppId": 1001, "Id": 2001, "Deployment": manifest}));
    let id = account.deploy(ENV, 1, "none");
    account.wait(3600);
    assert_eq!((account.stand(id), account.health(ENV)), ([1, 0, 1, 3, 0], (3, 6)));
    let pending = account.sick(ENV).pop().unwrap();
    assert_eq!((&pending["Status"], &pending["Spec"]), (&json!("Pending"), &json!("0.5vcpu 900GB")));
    let name = pending["AppInstanceId"].clone();
    let reply = account.ok("DescribePodEvents", json!({"DeployOrderId": id, "AppInstId": name}));
    let event = &reply["Result"]["PodEvents"][0];
    assert_eq!(event["Reason"], "FailedScheduling");
    assert_eq!(event["Message"], "0/8 nodes are available: 8 Insufficient memory");
}

#[test]
fn a_deploy_fails_at_a_partition() {
    let mut account = Account::demo();
    let deploy = json!({"EnvId": ENV, "Name": "bad", "TotalPartitions": 2});
    let result = account.troubled("DeployApp", deploy, Trouble::FailAtPartition(2));
    let id = result["DeployOrderId"].as_i64().unwrap();
    assert_eq!(account.rest(id), [3, 2, 2, 3, 2]);
    account.wait(600);
    assert_eq!(account.stand(id), [3, 2, 2, 3, 2]);
    let order = account.order(id);
    assert_eq!((&order["ResultName"], &order["FailureRate"]), (&json!("失败"), &json!("0.33")));
    assert_eq!(account.health(ENV), (3, 4), "the old one stays");
    let failed = account.data("ListPods", json!({"DeployOrderId": id, "ResultList": [2]}));
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["DeploySteps"][0]["Status"], "FAIL");
    let name = failed[0]["AppInstanceId"].as_str().unwrap();
    let log = account.log(id, name);
    assert!(log.contains("health check failed") && log.contains("did not become ready"), "{log}");
    // Asked every ten seconds.
    let (reason, count) = account.events(id, name).pop().unwrap();
    assert!(reason == "Unhealthy" && (59..=61).contains(&count), "{reason} {count}");

    account.deploy(ENV, 1, "none");
    account.wait(60);
    assert_eq!(account.health(ENV), (3, 3));
}

#[test]
fn an_event_is_gone_an_hour_after_it_happened() {
    let mut account = Account::demo();
    let order = account.scale(ENV, 4);
    account.rest(order);
    let name = account.names(ENV)[3].clone();
    let placed = account.0.release.pods_of_env(ENV).last().unwrap().since;
    for (second, expected) in [
        (3_599, &["Scheduled", "Pulling", "Pulled", "Created", "Started"][..]),
        (3_600, &["Pulled", "Created", "Started"]),
        (3_601, &[]),
    ] {
        account.0.advance(placed + SignedDuration::from_secs(second));
        let reasons: Vec<String> = account.events(order, &name).into_iter().map(|(reason, _)| reason).collect();
        assert_eq!(reasons, expected, "after {second} s");
    }
}

#[test]
fn a_frozen_window_begins_and_ends_by_the_clock() {
    let mut account = Account::demo();
    let codes = |account: &Account| {
        [3008, 3030].map(|env| {
            let deploy = json!({"EnvId": env, "Name": "x", "TotalPartitions": 1});
            let reply = account.clone().ok("DeployApp", deploy);
            reply["Result"].get("BusinessCode").map(|code| code.as_str().unwrap().to_owned())
        })
    };
    let code = |code: &str| Some(code.to_owned());
    for (wait, expected) in [
        (0, [code("102001"), None]),
        (12 * 3600 - 1, [code("102001"), None]),
        (1, [None, None]),
        (12 * 3600 - 1, [None, None]),
        (1, [None, code("102000")]),
        (24 * 3600 - 1, [None, code("102000")]),
        (1, [None, None]),
    ] {
        account.wait(wait);
        assert_eq!(codes(&account), expected, "{}", account.0.now);
    }
}

#[test]
fn a_stuck_order_stays_until_it_is_closed() {
    let mut account = Account::demo();
    let scale = json!({"EnvId": ENV, "Replicas": 5});
    let result = account.troubled("ScaleApp", scale.clone(), Trouble::CrashLoop);
    let id = result["DeployOrderId"].as_i64().unwrap();
    for hours in 1..=3 {
        account.wait(3600);
        assert_eq!(account.stand(id), [1, 0, 1, 2, 1]);
        let order = account.order(id);
        assert_eq!((&order["StatusName"], &order["ElapsedTime"]), (&json!("部署中"), &json!(hours * 3600)));
        let pods = account.data("ListPods", json!({"DeployOrderId": id, "ResultList": [0]}));
        assert_eq!((pods.len(), &pods[0]["DeploySteps"][0]["Status"]), (1, &json!("PROCESSING")));
        let text = format!("environment 3002 has an unfinished deploy order: {id} must end, or be closed, first");
        assert_eq!(account.refused("ScaleApp", scale.clone()), (10409, text));
    }
    assert_eq!(account.health(ENV), (4, 5));
    account.ok("CloseDeployOrder", json!({"DeployOrderId": id}));
    assert_eq!(account.stand(id), [3, 4, 1, 2, 1]);
    let name = account.names(ENV)[3].clone();
    let log = account.log(id, &name);
    assert!(log.contains("exited with code 1") && log.contains("the deploy order was closed"), "{log}");
    assert_eq!(account.events(id, &name).last().unwrap().0, "BackOff");
    // It first exits when it is up; 10, 20, 40, … 300 seconds pass before each new start, which takes as long.
    let mut account = Account::demo();
    account.troubled("ScaleApp", scale, Trouble::CrashLoop);
    account.wait(1);
    let pod = account.0.release.pods_of_env(ENV).nth(3).unwrap().clone();
    let up = pod.start_time(account.0.seed);
    let mut due = pod.since + up;
    for (restarts, wait) in (1..).zip([10, 20, 40, 80, 160, 300, 300]) {
        due += SignedDuration::from_secs(wait);
        for (at, restarts) in [(due - SignedDuration::from_millis(1), restarts - 1), (due, restarts)] {
            account.0.advance(at);
            assert_eq!(account.instances(ENV)[3]["RestartCount"], restarts, "{at}");
        }
        due += up;
    }
}

#[test]
fn scaling_does_not_heal() {
    // The pods that are there, sick ones too, are kept; a sick template makes sick pods.
    let mut account = Account::demo();
    let before = account.names(3012);
    let sick = account.sick(3012);
    assert_eq!((before.len(), sick.len()), (4, 1));
    let id = account.scale(3012, 6);
    account.wait(3600);
    assert_eq!(account.stand(id), [1, 0, 1, 2, 0]);
    assert_eq!(account.names(3012)[..4], before);
    let now = account.sick(3012);
    assert_eq!(now.len(), 3);
    assert_eq!(now[0]["AppInstanceId"], sick[0]["AppInstanceId"]);
    assert!(now.iter().all(|pod| pod["Status"] == "CrashLoopBackOff"), "{now:?}");
    account.ok("CloseDeployOrder", json!({"DeployOrderId": id}));
    // Fewer: the sick ones go first. A healthy version heals.
    let down = account.scale(3012, 3);
    assert_eq!(account.rest(down), [3, 1, 1, 3, 3]);
    assert_eq!(account.health(3012), (3, 3));

    for (trouble, broken) in [(Trouble::FailAtPartition(1), 2), (Trouble::CrashLoop, 1)] {
        let mut account = Account::demo();
        let result = account.troubled("ScaleApp", json!({"EnvId": ENV, "Replicas": 5}), trouble.clone());
        account.wait(600);
        let pods = account.names(ENV);
        if trouble == Trouble::CrashLoop {
            account.ok("CloseDeployOrder", json!({"DeployOrderId": result["DeployOrderId"]}));
        }
        assert_eq!(account.health(ENV), (5 - broken, 5));
        // What went wrong was no fault of the template: the new pod is healthy, the old ones are not.
        let more = account.scale(ENV, 6);
        account.wait(600);
        assert_eq!(account.stand(more), [1, 0, 1, 1, 1], "{trouble:?}");
        assert_eq!((account.names(ENV)[..5].to_vec(), account.health(ENV)), (pods, (6 - broken, 6)));
        account.ok("CloseDeployOrder", json!({"DeployOrderId": more}));
        // Those that are not ready go first, through the steps of every pod that goes.
        let fewer = account.scale(ENV, 4);
        account.wait(1);
        let leaving = account.data("ListPods", json!({"DeployOrderId": fewer}));
        assert_eq!(leaving[0]["DeploySteps"][0]["StepCode"], "StopAppInstance");
        assert_eq!(account.rest(fewer), [3, 1, 1, 2, 2]);
        assert_eq!(account.health(ENV), (4, 4));
    }
}

#[test]
fn a_full_cluster_leaves_pods_pending_until_there_is_room() {
    let mut account = Account::demo();
    let id = account.scale(3001, 200);
    account.wait(3600);
    let [status, result, _, begun, ready] = account.stand(id);
    assert_eq!([status, result, begun], [1, 0, 199]);
    assert!((10..199).contains(&ready), "{ready}");
    let pending = account.sick(3001);
    assert_eq!(pending.len() as i64, 199 - ready);
    assert!(pending.iter().all(|pod| pod["Status"] == "Pending"), "{pending:?}");
    let nodes: Vec<String> = (9..=12).map(|node| format!("i-demo-{node:04}")).collect();
    account.ok("AddClusterNode", json!({"ClusterInstanceId": "c-demo-test", "EcsInstanceIdList": nodes}));
    account.wait(119);
    assert_eq!(account.stand(id)[4], ready, "they are no nodes yet");
    account.wait(61);
    assert!(account.stand(id)[4] > ready + 20);
    // Mended: those that found no room are let go.
    account.ok("CloseDeployOrder", json!({"DeployOrderId": id}));
    let less = account.scale(3001, 20);
    assert_eq!(account.rest(less)[..2], [3, 1]);
    assert_eq!(account.health(3001), (20, 20));
}

#[test]
fn without_room_a_pod_waits_and_its_order_stays() {
    let mut account = Account::demo();
    assert_eq!(account.health(3029), (2, 3), "what ran goes on running");
    let names = account.names(3029);
    let id = account.0.release.pods_of_env(3029).find(|pod| pod.phase == Phase::Unscheduled).unwrap().order;
    assert_eq!(account.stand(id), [1, 0, 1, 1, 0]);
    let elapsed = account.order(id)["ElapsedTime"].as_i64().unwrap();
    assert!(elapsed > 3600, "{elapsed}");
    let pods = account.instances(3029);
    let waiting = pods.iter().position(|pod| pod["Status"] == "Pending").unwrap();
    assert_eq!(pods[waiting].get("HostIp"), None);
    assert_eq!(pods[waiting]["Health"], "ABNORMAL");
    let events = account.events(id, &names[waiting]);
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].0, "FailedScheduling");
    assert!(events[0].1 > 100, "{events:?}");
    assert!(
        account.log(id, &names[waiting]).contains("waiting for a node: 0/8 nodes are available: 8 Insufficient cpu")
    );
}

#[test]
fn room_that_comes_free_goes_to_who_waits() {
    let mut account = Account::demo();
    // Far more than any demo cluster holds.
    let many = account.scale(3014, 5000);
    account.wait(600);
    let stand = account.stand(many);
    assert_eq!(stand[..4], [1, 0, 1, 4992]);
    let placed = stand[4];
    assert!((1..4992).contains(&placed), "{placed}");
    let (healthy, all) = account.health(3014);
    assert_eq!((healthy as i64, all as i64), (8 + placed, 5000));
    // Two pods of half a CPU make room for four of a quarter.
    account.scale(ENV, 1);
    account.wait(60);
    assert_eq!(account.health(3014).0, healthy + 4);
    assert_eq!(account.health(ENV), (1, 1));
    place_waiting(&mut account.0);
    account.wait(60);
    assert_eq!(account.health(3014).0, healthy + 4);
    account.ok("DeleteAppEnvironment", json!({"AppId": 1004, "EnvId": 3008, "Force": true}));
    account.wait(60);
    assert_eq!(account.health(3014).0, healthy + 12, "four pods of half a CPU more");
}

#[test]
fn a_leaving_node_gives_its_pods_up() {
    let mut account = Account::demo();
    let node = account.0.release.pods_of_env(ENV).next().unwrap().placement.clone().unwrap().node.unwrap();
    let on_node = |state: &State| {
        let pods = state.release.pods_of_env(ENV);
        pods.filter(|pod| pod.placement.as_ref().is_some_and(|at| at.node.as_deref() == Some(&node)))
            .map(|pod| pod.id)
            .collect::<Vec<_>>()
    };
    let moving = on_node(&account.0);
    assert!(!moving.is_empty());
    evict(&mut account.0, &node);
    assert_eq!(account.health(ENV), (3 - moving.len(), 3));
    account.wait(6);
    assert_eq!(account.health(ENV), (3, 3));
    let pod = account.0.release.pods[&moving[0]].clone();
    let events = account.events(pod.order, &pod.name);
    assert_eq!(events[0].0, "TaintManagerEviction");
    assert_eq!(events[1].0, "Scheduled");

    // In the midst of an order: what starts starts anew, what stops is gone.
    let id = account.scale(ENV, 1);
    account.wait(2);
    let nodes: BTreeSet<String> =
        account.0.release.pods_of_env(ENV).filter_map(|pod| pod.placement.as_ref()?.node.clone()).collect();
    for node in nodes {
        evict(&mut account.0, &node);
    }
    assert_eq!(account.names(ENV).len(), 1);
    account.wait(60);
    assert_eq!(account.stand(id), [3, 1, 1, 2, 2]);
    assert_eq!(account.health(ENV), (1, 1));
}

#[test]
fn deploy_orders_are_found_by_every_filter() {
    let mut account = Account::demo();
    let with = |more: Value| {
        let mut params = json!({"AppId": 1005});
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        params
    };
    // 4009 and 4010 began 1.0, 4039 and 4040 1.1; 4068 is paused.
    let all = [4068, 4040, 4039, 4010, 4009];
    let shown = account.order(4068)["StartTime"].clone();
    let started: BTreeMap<i64, String> = all
        .iter()
        .map(|id| (*id, crate::sim::engine::call::local_time(account.0.release.orders[id].started)))
        .collect();
    let ended = crate::sim::engine::call::local_time(account.0.release.orders[&4040].ended.unwrap());
    for (more, wanted) in [
        (json!({}), &all[..]),
        (json!({"PageNumber": 2, "PageSize": 2}), &[4039, 4010]),
        (json!({"EnvId": 3010}), &[4068, 4040, 4010]),
        (json!({"EnvId": 3002}), &[]),
        (json!({"EnvType": "test"}), &[4039, 4009]),
        (json!({"EnvType": "online"}), &[4068, 4040, 4010]),
        (json!({"DeployType": "partition_parallel", "PartitionType": "group_even"}), &all),
        (json!({"DeployType": "other"}), &[]),
        (json!({"PartitionType": "other"}), &[]),
        (json!({"PauseType": "first"}), &[4068]),
        (json!({"PauseType": "none"}), &all[1..]),
        (json!({"DeployCategory": "deploy"}), &all),
        (json!({"DeployCategory": "scale"}), &[]),
        (json!({"Status": 2}), &[4068]),
        (json!({"Status": 1}), &[]),
        (json!({"StatusList": [2, 3]}), &all),
        (json!({"StatusList": [3]}), &all[1..]),
        (json!({"ResultList": [0, 4]}), &[4068]),
        (json!({"ResultList": [1], "EnvId": 3010}), &[4040, 4010]),
        (json!({"StartTimeLessThan": started[&4039]}), &[4010, 4009]),
        (json!({"StartTimeLessThanOrEqualTo": started[&4039]}), &[4039, 4010, 4009]),
        (json!({"StartTimeGreaterThan": started[&4040]}), &[4068]),
        (json!({"StartTimeGreaterThanOrEqualTo": started[&4040]}), &[4068, 4040]),
        (json!({"StartTimeGreaterThanOrEqualTo": started[&4040].replace(' ', "T")}), &[4068, 4040]),
        (json!({"EndTimeLessThan": ended}), &[4039, 4010, 4009]),
        (json!({"EndTimeLessThanOrEqualTo": ended}), &all[1..]),
        (json!({"EndTimeGreaterThan": ended}), &[]),
        (json!({"EndTimeGreaterThanOrEqualTo": ended}), &[4040]),
        (json!({"StartTimeGreaterThan": started[&4009], "EndTimeLessThan": ended}), &[4039, 4010]),
        (json!({"StartTimeGreaterThan": "2026-01-01"}), &[4068]),
        (json!({"StartTimeGreaterThanOrEqualTo": shown}), &[4068]),
    ] {
        let found: Vec<i64> = account
            .data("ListDeployOrders", with(more.clone()))
            .iter()
            .map(|order| order["DeployOrderId"].as_i64().unwrap())
            .collect();
        assert_eq!(found, wanted, "{more}");
    }
    let scaled = json!({"AppId": 1001, "DeployCategory": "scale"});
    assert_eq!(account.ok("ListDeployOrders", scaled)["TotalCount"], 2);
    assert_eq!(
        account.refused("ListDeployOrders", with(json!({"EndTimeLessThan": "tomorrow"}))),
        (10400, "EndTimeLessThan must be a time like 2020-01-01 00:00:00".into())
    );
    assert_eq!(account.refused("ListDeployOrders", json!({"AppId": 9})).0, 10404);
}

#[test]
fn pods_are_found_by_every_filter() {
    let mut account = Account::demo();
    let id = account.deploy(ENV, 1, "none");
    while account.stand(id)[4] < 2 {
        account.0.advance(account.0.next_event().unwrap());
    }
    for (filter, count) in [
        (json!({}), 3),
        (json!({"PageSize": 2, "PageNumber": 2}), 3),
        (json!({"ResultList": [1]}), 2),
        (json!({"ResultList": [0, 2]}), 1),
        (json!({"StatusList": [3]}), 2),
        (json!({"StatusList": [1, 3]}), 3),
        (json!({"StatusList": [2]}), 0),
        (json!({"StatusList": [3], "ResultList": [0]}), 0),
    ] {
        let mut params = json!({"DeployOrderId": id});
        params.as_object_mut().unwrap().extend(filter.as_object().unwrap().clone());
        assert_eq!(account.ok("ListPods", params)["TotalCount"], count, "{filter}");
    }
}

#[test]
fn the_demo_account_may_start_at_another_time() {
    let [usual, later] = [SignedDuration::ZERO, SignedDuration::from_mins(500_001)].map(|by| {
        let start = demo::START + by;
        let state = demo::account_with(start, Fleet::default(), 1).unwrap();
        let orders = state.release.orders.values();
        let orders: Vec<_> =
            orders.map(|order| (order.id, start.duration_since(order.started), order.result)).collect();
        let health = Account(state.clone()).health(3029);
        (state.now.duration_since(start), orders, health)
    });
    assert_eq!(usual, later);
}

#[test]
fn the_demo_account_is_as_described() {
    let mut account = Account::demo();
    assert_eq!(account.ok("ListApp", json!({}))["TotalCount"], 12);
    assert_eq!(account.ok("ListUsers", json!({}))["TotalCount"], 6);
    let envs: Vec<i64> = account.0.applications.envs().map(|env| env.id).collect();
    assert_eq!(envs, (3001..=3032).collect::<Vec<_>>());
    let first = account.order(4001);
    assert_eq!((&first["EnvId"], &first["Result"]), (&json!(3002), &json!(1)));
    let claims = account.data("ListPersistentVolumeClaim", json!({"AppId": 1001, "EnvId": ENV}));
    assert_eq!(claims[0]["Name"], "data-web");

    let unwell: BTreeMap<i64, (usize, usize)> = BTreeMap::from([(3006, (4, 6)), (3012, (3, 4))]);
    for env in envs.into_iter().filter(|env| !matches!(env, 3029 | 3031 | 3032)) {
        let replicas = account.0.applications.env(env).unwrap().replicas as usize;
        let wanted = unwell.get(&env).copied().unwrap_or((replicas, replicas));
        assert_eq!(account.health(env), wanted, "environment {env}");
        let app = account.0.applications.env(env).unwrap().app_id;
        let orders = account.data("ListDeployOrders", json!({"AppId": app, "EnvId": env}));
        let last = match env {
            3010 => [2, 0],
            3006 => [3, 2],
            3012 => [3, 4],
            _ => [3, 1],
        };
        assert_eq!([&orders[0]["Status"], &orders[0]["Result"]], [&json!(last[0]), &json!(last[1])], "{env}");
    }
    assert_eq!(account.instances(3012).iter().filter(|pod| pod["RestartCount"].as_i64() > Some(100)).count(), 1);
    assert_eq!(account.ok("ScaleApp", json!({"EnvId": 3008, "Replicas": 4}))["Result"]["BusinessCode"], "102001");
    assert_eq!(Account(demo::account().unwrap()).text(), Account(demo::account().unwrap()).text());
}

#[test]
fn the_main_job_finds_room() {
    let mut account = Account::demo();
    let orders: Vec<i64> = [3002, 3004].map(|env| account.scale(env, 4)).into();
    account.wait(60);
    for id in orders {
        assert_eq!(account.order(id)["Result"], 1);
    }
    assert_eq!((account.health(3002), account.health(3004)), ((4, 4), (4, 4)));
}

#[test]
fn pods_whose_turn_comes_after_a_pause_are_paused() {
    let mut account = Account::demo();
    let order = account.deploy(ENV, 3, "each");
    let pods = |account: &mut Account, filter: Value| {
        let mut params = json!({"DeployOrderId": order, "PageSize": 100});
        params.as_object_mut().unwrap().extend(filter.as_object().unwrap().clone());
        account.data("ListPods", params)
    };
    assert_eq!(pods(&mut account, json!({"StatusList": [2]})), [] as [Value; 0], "it is under way");
    account.wait(60);
    let before = account.instances(ENV);
    let total = 3;
    let held_up = pods(&mut account, json!({"StatusList": [2]}));
    assert_eq!(pods(&mut account, json!({})).len(), total);
    assert_eq!(pods(&mut account, json!({"StatusList": [3]})).len() + held_up.len(), total);
    assert_eq!(pods(&mut account, json!({"ResultList": [0]})), held_up);
    for pod in &held_up {
        assert_eq!((&pod["StatusName"], &pod["Result"]), (&json!("暂停"), &json!(0)), "{pod}");
        assert!(pod["DeployPartitionNum"].as_i64().unwrap() > 1 && pod["DeploySteps"] == json!([]), "{pod}");
        assert!(before.iter().any(|it| it["AppInstanceId"] == pod["AppInstanceId"]), "it still runs: {pod}");
        let of = json!({"DeployOrderId": order, "AppInstId": pod["AppInstanceId"]});
        assert_eq!(account.ok("DescribePodLog", of.clone())["Result"]["DeployStepList"], json!([]));
        account.ok("DescribePodEvents", of);
    }
    account.ok("CloseDeployOrder", json!({"DeployOrderId": order}));
    assert_eq!(pods(&mut account, json!({"StatusList": [2]})), [] as [Value; 0], "it is finished");
}

/// A random call, made of a number for what it is and two for what it is about.
type Pick = (u8, u8, u8);

/// Carries out a random call and gives its reply; an error when it was refused. Notes in `wanted` how many
/// pods an environment shall have.
fn play(account: &mut Account, (kind, a, b): Pick, wanted: &mut BTreeMap<i64, i64>) -> Result<Value, Refusal> {
    let env = 3001 + i64::from(a % 34);
    let app = account.0.applications.env(env).map_or(1001 + i64::from(a % 14), |env| env.app_id);
    let order = account.0.release.orders.keys().rev().nth(usize::from(b % 6)).copied().unwrap_or(4001);
    let few = i64::from(b % 5);
    let trouble = match a % 8 {
        0 => Some(Trouble::FailAtPartition(1 + few % 3)),
        1 => Some(Trouble::CrashLoop),
        _ => None,
    };
    let (action, params) = match kind % 20 {
        0 => ("CreateApp", json!({"Title": format!("app {a}")})),
        1 => ("DeleteAppDetail", json!({"AppId": app, "Force": b % 4 == 0})),
        2 => (
            "CreateEnvironment",
            json!({"AppId": app, "AppSchemaId": app + 1000, "EnvName": "x", "EnvType": b % 2, "Region": "r", "Replicas": few}),
        ),
        3 => ("UpdateEnvironment", json!({"AppId": app, "AppEnvId": env, "Replicas": few})),
        4 => ("DeleteAppEnvironment", json!({"AppId": app, "EnvId": env, "Force": b % 3 == 0})),
        5 if b % 2 == 0 => {
            // Memory for some, for few, for none.
            let memory = ["256Mi", "6Gi", "20Gi", "900Gi"][usize::from(b / 2 % 4)];
            let manifest = crate::sim::demo::manifest("Deployment", "web", "250m", memory);
            ("UpdateDeployConfig", json!({"AppId": app, "Id": app + 1000, "Deployment": manifest}))
        }
        5 => ("CreateDeployConfig", json!({"AppId": app, "EnvType": "test", "Name": "x"})),
        6 => ("DeleteDeployConfig", json!({"SchemaId": 2001 + i64::from(b % 16)})),
        7 => (
            "CreatePersistentVolumeClaim",
            json!({"AppId": app, "EnvId": env, "Name": format!("c{few}"), "StorageClass": "nas",
                "AccessModes": "ReadWriteMany", "Capacity": "1Gi"}),
        ),
        8 => (
            "DeletePersistentVolumeClaim",
            json!({"AppId": app, "EnvId": env, "PersistentVolumeClaimName": format!("c{few}")}),
        ),
        9..=11 => {
            let pause = ["none", "first", "each"][usize::from(b % 3)];
            ("DeployApp", json!({"EnvId": env, "Name": "x", "TotalPartitions": 1 + few, "PauseType": pause}))
        }
        12..=14 => ("ScaleApp", json!({"EnvId": env, "Replicas": if b == 255 { 400 } else { few * 2 }})),
        15 => ("ResumeDeploy", json!({"DeployOrderId": order})),
        16 => ("CloseDeployOrder", json!({"DeployOrderId": order})),
        17 => {
            let node = account.0.release.pods.values().rev().find_map(|pod| pod.placement.as_ref()?.node.clone());
            if let Some(node) = node.filter(|_| b % 4 == 0) {
                evict(&mut account.0, &node);
            }
            ("ListUsers", json!({}))
        }
        _ => {
            account.wait(if b % 5 == 0 { 400 } else { i64::from(b % 12) });
            ("ListApp", json!({}))
        }
    };
    let operation = crate::catalogue::find(action).unwrap();
    let Value::Object(params) = params else { panic!() };
    let call = Call { trouble, ..Call::new(operation, params) };
    let reply = account.0.apply(&call)?.value();
    if reply["Result"]["Admitted"] == true {
        wanted.insert(env, account.0.applications.env(env).unwrap().replicas);
    }
    Ok(json!([action, call.params, reply]))
}

/// What must hold after every call.
fn check(account: &mut Account, wanted: &BTreeMap<i64, i64>) {
    let state = &account.0;
    let release = &state.release;
    // Nothing dangles.
    for env in state.applications.envs() {
        assert!(state.applications.app(env.app_id).unwrap().envs.contains(&env.id));
    }
    for (id, env) in &release.envs {
        assert!(state.applications.env(*id).is_ok(), "environment {id} is gone");
        assert!(env.orders.iter().all(|order| release.orders[order].env_id == *id));
        assert!(env.pods.iter().all(|pod| release.pods[pod].env_id == *id && release.pods[pod].phase != Phase::Gone));
        let unfinished: Vec<i64> =
            env.orders.iter().copied().filter(|order| release.orders[order].status != Status::Finished).collect();
        assert_eq!(unfinished, env.unfinished.into_iter().collect::<Vec<_>>(), "one unfinished order at most");
        let count = |phases: &[Phase]| env.pods.iter().filter(|pod| phases.contains(&release.pods[pod].phase)).count();
        let (stopping, healthy) = (count(&[Phase::Stopping]), count(&[Phase::Healthy]));
        assert_eq!(env.replicas(), (env.pods.len() - stopping) as i64, "environment {id}");
        assert_eq!(env.is_healthy(), healthy + stopping == env.pods.len(), "environment {id}");
        assert_eq!(env.surplus(), [0; 0], "environment {id}");
    }
    let (mut of_apps, mut present) = (BTreeSet::new(), 0);
    for (app, orders) in &release.orders_of_app {
        assert!(state.applications.app(*app).is_ok(), "application {app} is gone");
        of_apps.extend(orders.iter().copied());
    }
    assert_eq!(of_apps, release.orders.keys().copied().collect());
    for pod in release.pods.values() {
        let order = &release.orders[&pod.order];
        assert_eq!(order.tasks[pod.task].pod, pod.id);
        if pod.phase != Phase::Gone {
            assert!(release.envs[&pod.env_id].pods.contains(&pod.id));
            present += 1;
        }
        assert_eq!(release.waiting.contains(&pod.id), pod.phase == Phase::Unscheduled);
        if !matches!(pod.phase, Phase::Stopping | Phase::Gone) {
            assert_eq!(pod.placement.is_none(), pod.phase == Phase::Unscheduled);
        }
    }
    assert_eq!(present, release.envs.values().map(|env| env.pods.len()).sum::<usize>());
    // An order's figures agree with its pods, and pods with replicas once it is settled.
    for order in release.orders.values() {
        assert!(order.tasks.iter().all(|task| release.pods[&task.pod].env_id == order.env_id));
        let succeeded = order.tasks.iter().filter(|task| task.result == Conclusion::Succeeded).count();
        assert_eq!(succeeded as i64, order.succeeded);
        assert!(order.tasks.len() as i64 <= order.total && order.partition <= order.partitions);
        if order.result == Conclusion::Succeeded {
            assert_eq!((order.succeeded, order.failed), (order.total, 0));
        }
        assert_eq!(order.status == Status::Finished, order.ended.is_some());
    }
    let leaving = |env: i64| state.leaving.contains(&Leaving::Environment(env));
    for (env, replicas) in wanted.iter().filter(|(env, _)| !leaving(**env)) {
        let last = release.envs.get(env).and_then(|env| env.orders.last()).and_then(|id| release.orders.get(id));
        if last.is_some_and(|order| order.result == Conclusion::Succeeded) {
            assert_eq!(release.pod_count(*env) as i64, *replicas, "environment {env}");
        }
    }
    // Totals agree with lists.
    let envs: Vec<(i64, i64)> = state.applications.envs().map(|env| (env.app_id, env.id)).collect();
    let apps = account.ok("ListApp", json!({"PageSize": 1000}));
    assert_eq!(apps["TotalCount"].as_i64(), Some(apps["Data"].as_array().unwrap().len() as i64));
    let mut listed = Vec::new();
    for app in apps["Data"].as_array().unwrap() {
        let page = account.ok("ListAppEnvironment", json!({"AppId": app["AppId"], "PageSize": 1000}));
        assert_eq!(page["TotalCount"].as_i64(), Some(page["Data"].as_array().unwrap().len() as i64));
        let of = |env: &Value| (env["AppId"].as_i64().unwrap(), env["EnvId"].as_i64().unwrap());
        listed.extend(page["Data"].as_array().unwrap().iter().map(of));
    }
    listed.sort_by_key(|(_, env)| *env);
    assert_eq!(listed, envs);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5000, failure_persistence: None, ..ProptestConfig::default() })]

    /// A sequence may end anywhere, so looking at the end of each looks at every kind of moment. The second
    /// run leaves out what was refused in the first: they agree, so the same calls have the same replies, and
    /// a refused call changes nothing.
    #[test]
    fn random_calls_keep_everything_together(picks in prop::collection::vec(any::<Pick>(), 1..40)) {
        let mut wanted = BTreeMap::new();
        let mut account = Account::demo();
        let mut done = Vec::new();
        for pick in picks {
            if let Ok(reply) = play(&mut account, pick, &mut wanted) {
                done.push((pick, reply));
            }
        }
        check(&mut account, &wanted);
        let mut other = Account::demo();
        for (pick, reply) in done {
            prop_assert_eq!(play(&mut other, pick, &mut BTreeMap::new()), Ok(reply));
        }
        prop_assert_eq!(account.text(), other.text());
        // All that was begun comes to rest, or to a pause; then everything can go.
        account.wait(7200);
        check(&mut account, &BTreeMap::new());
        let release = &account.0.release;
        for order in release.orders.values().filter(|order| order.status == Status::Running) {
            let sick = |pod: &Pod| !matches!(pod.phase, Phase::Healthy | Phase::Gone);
            prop_assert!(release.pods_of_env(order.env_id).any(sick), "nothing holds up {:?}", order);
        }
        for app in account.data("ListApp", json!({"PageSize": 1000})) {
            account.ok("DeleteAppDetail", json!({"AppId": app["AppId"], "Force": true}));
        }
        account.wait(15);
        let release = &account.0.release;
        prop_assert!(release.orders.is_empty() && release.pods.is_empty() && release.envs.is_empty());
        prop_assert!(release.waiting.is_empty() && release.orders_of_app.is_empty());
    }
}
