//! Every record's subject on the simulator's demo account, and the words for what cannot be looked up.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::call::account::{Account, Calls};
use crate::call::policy::Policy;
use crate::call::{Client, ClientConfig};
use crate::catalogue::{self, Effect};
use crate::clock::{Clock, Pace};
use crate::credentials::Provider;
use crate::net::endpoint::Endpoint;
use crate::sim::http::running::Running;
use crate::sim::{ACCESS_KEY_ID, ACCESS_KEY_SECRET, Options, Sim, demo};
use crate::stop::Stop;

/// The demo account, and its simulator for as long as that is held.
fn demo_account(policy: Policy) -> (Account, Running) {
    let clock = Arc::new(Clock::simulated(Pace::Told, demo::START));
    let sim = move || Ok(Sim::of(demo::account().unwrap(), Options::demo(), clock));
    let running = Running::start(sim).unwrap();
    (account(&format!("http://{}", running.address()), policy, Duration::from_secs(30)), running)
}

fn account(endpoint: &str, policy: Policy, timeout: Duration) -> Account {
    let endpoint = Endpoint::parse(endpoint).unwrap();
    let connect = move || {
        let config = ClientConfig::new(endpoint.clone(), Provider::of(ACCESS_KEY_ID, ACCESS_KEY_SECRET));
        Ok(Client::new(ClientConfig { timeout, ..config }))
    };
    Account::new(Box::new(connect), policy, None, Arc::new(Stop::default())).unwrap()
}

fn params(of: Value) -> Params {
    of.as_object().unwrap().clone()
}

fn example(action: &str) -> Params {
    serde_json::from_str(catalogue::find(action).unwrap().example).unwrap()
}

fn about(account: &Account, action: &str, given: Params) -> String {
    account.about(&Target::named(action).unwrap(), &Calls { count: 1, first: vec![given] })
}

#[test]
fn every_record_says_what_it_is_about_with_parameters_and_reads_that_exist() {
    for op in catalogue::operations() {
        let thing = match op.subject {
            Subject::Thing(thing) => thing,
            Subject::Nothing(reason) => {
                assert!(reason.starts_with("it ") && reason.len() > 10, "{}: {reason}", op.action);
                continue;
            }
        };
        assert!(op.param(thing.param).is_some(), "{}: {}", op.action, thing.param);
        assert!(op.effect == Effect::Read || op.param(thing.param).unwrap().required, "{}", op.action);
        for read in chain(thing).flat_map(|thing| thing.kind.reads) {
            let shown = catalogue::find(read.action).unwrap();
            assert_eq!(shown.effect, Effect::Read, "{}: {}", op.action, read.action);
            for (name, _) in read.params {
                assert!(shown.param(name).is_some(), "{}: {} {name}", op.action, read.action);
            }
            let page = |name: &str| shown.paging.is_some_and(|paging| paging.number == Some(name));
            for param in shown.params.iter().filter(|param| param.required) {
                let given = read.params.iter().any(|(name, _)| *name == param.name);
                assert!(given || page(param.name) || param.name == catalogue::PAGE_SIZE, "{}", read.action);
            }
            for field in [read.key, read.name, read.finds].into_iter().flatten() {
                let way: Vec<&str> = read.at.iter().copied().chain([field]).collect();
                assert!(catalogue::tests::has_field(shown.reply, &way), "{}: {way:?}", read.action);
            }
        }
    }
}

#[test]
fn the_reads_of_every_record_show_its_example_on_the_demo_account() {
    let (account, _running) = demo_account(Policy::default());
    let mut unseen = Vec::new();
    for op in catalogue::operations() {
        let Subject::Thing(thing) = op.subject else { continue };
        let given = example(op.action);
        let id = ids(thing, &given).first().map(text).unwrap_or_else(|| panic!("{}", op.action));
        let mut search = Search::of(thing, &given);
        let ask = async |read, params| Some(account.shown(read, params).await.unwrap());
        for read in thing.kind.reads {
            let found = account.wait(async { Ok(search.read(read, &id, &ask).await) }).unwrap();
            match found {
                Some(name) => assert_eq!(name.is_some(), read.name.is_some(), "{} {}", op.action, read.action),
                None => unseen.push(op.action),
            }
        }
    }
    assert_eq!(unseen, ["DeleteDeployConfig"], "no read shows a configuration without its application");
}

#[test]
fn people_are_told_names() {
    let (account, _running) = demo_account(Policy::default());
    let table = [
        ("DeleteAppDetail", "application 1012 数据报表 (Force=true)"),
        ("ScaleApp", "environment 3002 商城前台 / 正式环境 (Replicas=3)"),
        ("UpdateEnvironment", "environment 3001 商城前台 / 测试环境 (AppId=1001, Replicas=3)"),
        ("DeleteAppEnvironment", "environment 3001 商城前台 / 测试环境 (AppId=1001, Force=true)"),
        ("DeleteDeployConfig", "deploy configuration 2013"),
        ("DeletePersistentVolumeClaim", "volume claim data-web of environment 3002 商城前台 / 正式环境 (AppId=1001)"),
        ("DeleteSlbAP", "load balancer access 5001 商城前台 of environment 3002 商城前台 / 正式环境"),
        ("DeleteService", "service 6001 商城前台 of environment 3002 商城前台 / 正式环境"),
        ("CloseDeployOrder", "deploy order 4068 会员中心 1.2 of environment 3010 会员中心 / 正式环境"),
        ("DeletePersistentVolume", "volume pv-demo-1 of cluster c-demo-prod 正式环境集群"),
        (
            "DeleteNodeLabel",
            "label label.jst.com/zone of cluster c-demo-prod 正式环境集群 (Force=true, LabelValue=web)",
        ),
        ("RemoveClusterNode", "node i-demo-0001 worker-k8s-for-cs-demo-0001 of cluster c-demo-prod 正式环境集群"),
        ("DeleteRdsAccount", "database account shop_rw 应用读写 of database instance rm-demo-0001"),
        ("DeleteDatabase", "database shop 商品与会员 of database instance rm-demo-0001"),
        ("ListApp", "no parameters"),
    ];
    for (action, words) in table {
        assert_eq!(about(&account, action, example(action)), words, "{action}");
    }
    let nodes = json!({"ClusterInstanceId": "c-demo-prod", "EcsInstanceIdList": ["i-demo-0001", "i-demo-0002", "i-x", "i-y", "i-z"]});
    let said = "nodes i-demo-0001 worker-k8s-for-cs-demo-0001, i-demo-0002 worker-k8s-for-cs-demo-0002, i-x and 2 more of cluster c-demo-prod 正式环境集群";
    assert_eq!(about(&account, "RemoveClusterNode", params(nodes)), said);
    let many = Calls { count: 9, first: vec![params(json!({"ServiceId": 6001})), params(json!({"ServiceId": 77}))] };
    let said = "9 calls: service 6001 商城前台 of environment 3002 商城前台 / 正式环境; service 77; and 7 more";
    assert_eq!(account.about(&Target::named("DeleteService").unwrap(), &many), said);
}

#[test]
fn without_names_ids_have_to_do() {
    let plain = "environment 3002 (AppId=1001, Force=true)";
    let delete = || params(json!({"AppId": 1001, "EnvId": 3002, "Force": true}));
    let (denied, _running) = demo_account(Policy::new(false, &[], &["Describe*".to_owned()]).unwrap());
    assert_eq!(about(&denied, "DeleteAppEnvironment", delete()), plain);
    let (account_of_all, _running) = demo_account(Policy::default());
    // Of another application: no read shows it, and half a name would mislead.
    let wrong = params(json!({"AppId": 1002, "EnvId": 3002, "Force": true}));
    assert_eq!(about(&account_of_all, "DeleteAppEnvironment", wrong), "environment 3002 (AppId=1002, Force=true)");
    assert_eq!(about(&account_of_all, "DeleteService", params(json!({"ServiceId": 0}))), "service 0");
    // Nobody answers: no longer than one attempt's patience.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent =
        account(&format!("http://{}", silent.local_addr().unwrap()), Policy::default(), Duration::from_millis(200));
    assert_eq!(about(&silent, "DeleteAppEnvironment", delete()), plain);
}

#[test]
fn a_call_is_said_on_one_line_without_its_secrets() {
    let names = Names::default();
    let said = |action: &str, of: Value| called(&Target::named(action).unwrap(), &params(of), &names);
    let long = "a".repeat(70);
    let table = [
        ("ScaleApp", json!({"EnvId": 1, "Replicas": 2}), "ScaleApp of environment 1 (Replicas=2)".to_owned()),
        ("ScaleApp", json!({"Replicas": 2}), "ScaleApp (Replicas=2)".to_owned()),
        ("ScaleApp", json!({"EnvId": {"Password": "fake"}}), "ScaleApp (EnvId={\"Password\":\"****\"})".to_owned()),
        ("ScaleApp", json!({"EnvId": "1\n\u{1b}[2J"}), "ScaleApp of environment 1\\n\\u{1b}[2J".to_owned()),
        (
            "CreateCluster",
            json!({"ClusterTitle": "x", "Password": "fake-Pass1!"}),
            "CreateCluster (ClusterTitle=x, Password=****)".to_owned(),
        ),
        ("CreateApp", json!({"Title": long}), format!("CreateApp (Title={}…)", "a".repeat(60))),
        ("MakeThing", json!({"Id": 7, "Token": "fake"}), "MakeThing (Id=7, Token=****)".to_owned()),
        ("MakeThing", json!({}), "MakeThing".to_owned()),
    ];
    for (action, of, line) in table {
        assert_eq!(said(action, of), line);
    }
}
