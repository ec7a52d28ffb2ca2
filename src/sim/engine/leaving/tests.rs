//! What is deleted passes through its states.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use serde_json::{Value, json};

use crate::sim::engine::applications::tests::Account;

/// A deletion, how long it takes, who reads what of the thing meanwhile, a change of it, and what that is refused with.
struct Case {
    delete: (&'static str, Value),
    takes: i64,
    reads: (&'static str, Value, &'static str, Value),
    change: (&'static str, Value),
    refused: &'static str,
}

fn cases() -> Vec<Case> {
    let env = json!({"AppId": 1001, "EnvId": 3002});
    let forced = |params: &Value| {
        let mut params = params.clone();
        params["Force"] = true.into();
        params
    };
    let claim = json!({"AppId": 1001, "EnvId": 3002, "PersistentVolumeClaimName": "data-web"});
    let volume = json!({"ClusterInstanceId": "c-demo-prod", "PersistentVolumeName": "pv-demo-1"});
    let account = json!({"DbInstanceId": "rm-demo-0001", "AccountName": "shop_ro"});
    let grant = json!({"DbInstanceId": "rm-demo-0001", "AccountName": "shop_ro", "DbName": "shop", "AccountPrivilege": "ReadOnly"});
    vec![
        Case {
            delete: ("DeleteAppDetail", forced(&json!({"AppId": 1005}))),
            takes: 15,
            reads: ("DescribeAppDetail", json!({"AppId": 1005}), "/Result/AppId", json!(1005)),
            change: ("UpdateApp", json!({"AppId": 1005, "Language": "Java"})),
            refused: "application 1005 is being deleted",
        },
        Case {
            delete: ("DeleteAppEnvironment", forced(&env)),
            takes: 10,
            reads: ("DescribeAppEnvironmentDetail", env, "/Result/EnvId", json!(3002)),
            change: ("ScaleApp", json!({"EnvId": 3002, "Replicas": 9})),
            refused: "environment 3002 is being deleted",
        },
        Case {
            delete: ("DeletePersistentVolumeClaim", claim.clone()),
            takes: 3,
            reads: (
                "ListPersistentVolumeClaim",
                json!({"AppId": 1001, "EnvId": 3002}),
                "/Data/0",
                json!({
                    "Name": "data-web", "Capacity": "100Gi", "AccessModes": "ReadWriteMany", "Status": "Bound",
                    "StorageClass": "nas-demo", "VolumeName": "pv-demo-2", "CreateTime": "2025-12-22 11:08:00",
                }),
            ),
            change: ("DeletePersistentVolumeClaim", claim),
            refused: "volume claim data-web of environment 3002 is being deleted",
        },
        Case {
            delete: ("DeletePersistentVolume", volume.clone()),
            takes: 3,
            reads: (
                "ListPersistentVolume",
                json!({"ClusterInstanceId": "c-demo-prod"}),
                "/Data/0/Name",
                json!("pv-demo-1"),
            ),
            change: ("DeletePersistentVolume", volume),
            refused: "volume pv-demo-1 is being deleted",
        },
        Case {
            delete: ("DeleteSlbAP", json!({"SlbAPId": 5001})),
            takes: 3,
            reads: ("DescribeSlbAPDetail", json!({"SlbAPId": 5001}), "/Result/SlbAPId", json!(5001)),
            change: ("ModifySlbAP", json!({"SlbAPId": 5001, "Name": "late"})),
            refused: "SLB access point 5001 is being deleted",
        },
        Case {
            delete: ("DeleteRdsAccount", account.clone()),
            takes: 3,
            reads: ("DescribeRdsAccounts", account, "/Result/Accounts/0/AccountStatus", json!("Unavailable")),
            change: ("GrantDbToAccount", grant),
            refused: "account shop_ro of RDS instance rm-demo-0001 is being deleted",
        },
    ]
}

#[test]
fn what_is_deleted_is_listed_takes_no_change_and_goes() {
    for Case { delete, takes, reads, change, refused } in cases() {
        let mut account = Account::demo();
        account.ok(delete.0, delete.1.clone());
        for wait in [0, takes - 1] {
            account.wait(wait);
            let shown = account.ok(reads.0, reads.1.clone());
            assert_eq!(shown.pointer(reads.2), Some(&reads.3), "{} after {wait} s", delete.0);
            for (action, params) in [&delete, &change] {
                assert_eq!(account.refused(action, params.clone()), (10409, refused.to_owned()), "{action}");
            }
        }
        account.wait(1);
        let gone = account.0.perform(reads.0, reads.1);
        assert_ne!(gone.ok().and_then(|shown| shown.pointer(reads.2).cloned()), Some(reads.3), "{}", delete.0);
        assert!(account.0.leaving.is_empty(), "{}", delete.0);
        account.refused(delete.0, delete.1);
    }
}

#[test]
fn an_environment_stops_its_pods_and_closes_its_order_before_it_goes() {
    let mut account = Account::demo();
    account.ok("ScaleApp", json!({"EnvId": 3004, "Replicas": 9}));
    account.wait(3);
    let env = json!({"AppId": 1002, "EnvId": 3004, "PageSize": 100});
    let statuses = |account: &mut Account| -> Vec<String> {
        let pods = account.data("ListAppInstance", env.clone());
        pods.iter().map(|pod| pod["Status"].as_str().unwrap().to_owned()).collect()
    };
    let before = statuses(&mut account).len();
    account.ok("DeleteAppEnvironment", json!({"AppId": 1002, "EnvId": 3004, "Force": true}));
    assert_eq!(statuses(&mut account), vec!["Terminating"; before]);
    let order = account.data("ListDeployOrders", json!({"AppId": 1002, "EnvId": 3004}));
    assert_eq!((&order[0]["Status"], &order[0]["Result"]), (&json!(3), &json!(4)));
    account.wait(4);
    assert_eq!(statuses(&mut account), Vec::<String>::new());
    account.wait(6);
    account.refused("DescribeAppEnvironmentDetail", json!({"AppId": 1002, "EnvId": 3004}));
}

#[test]
fn a_new_access_point_has_its_address_when_its_listener_answers() {
    let mut account = Account::demo();
    let point = json!({
        "EnvId": 3001, "Name": "x", "SlbId": "lb-demo-0001", "ListenerPort": 9000, "RealServerPort": 80, "Protocol": "TCP",
    });
    let id = account.ok("CreateSlbAP", point)["Result"]["SlbAPId"].clone();
    for (wait, expected) in [(0, None), (2, None), (1, Some("39.99.134.10"))] {
        account.wait(wait);
        let shown = account.ok("DescribeSlbAPDetail", json!({"SlbAPId": id}));
        assert_eq!(shown["Result"].get("SlbIp").and_then(Value::as_str), expected);
    }
}
