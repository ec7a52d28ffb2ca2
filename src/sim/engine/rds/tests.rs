//! Chapter 6 on the demo account, and on instances of every engine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use serde_json::{Value, json};

use super::{Engine, History, Instance, add_instance};
use crate::sim::demo::START;
use crate::sim::engine::applications::tests::Account;

const DAY: i64 = 24 * 60 * 60;

/// The demo account with an instance `rm-…` of each engine.
fn account() -> Account {
    let mut account = Account::demo();
    for (id, engine) in [
        ("rm-mysql", Engine::MySql),
        ("rm-maria", Engine::MariaDb),
        ("rm-mssql", Engine::SqlServer),
        ("rm-pg", Engine::PostgreSql),
        ("rm-ppas", Engine::Ppas),
    ] {
        let instance = Instance::new(engine, History::default())
            .database("d", "utf8", "", START - jiff::SignedDuration::from_mins(1))
            .account("a", "", false);
        add_instance(&mut account.0, id, instance);
    }
    account
}

fn grant(instance: &str, database: &str, account: &str, privilege: &str) -> Value {
    json!({
        "DbInstanceId": instance, "DbName": database, "AccountName": account, "AccountPrivilege": privilege,
    })
}

fn database(instance: &str, name: &str, character_set: &str) -> Value {
    json!({"DbInstanceId": instance, "DbName": name, "CharacterSetName": character_set})
}

#[test]
fn refusals_say_why_and_change_nothing() {
    let mut account = account();
    for (action, params, code, text) in [
        ("DescribeDatabases", json!({"InstanceId": "rm-9"}), 10404, "RDS instance rm-9 does not exist"),
        ("DescribeRdsAccounts", json!({"DbInstanceId": "rm-9"}), 10404, "RDS instance rm-9 does not exist"),
        ("GetRdsBackUp", json!({"DbInstanceId": "rm-9"}), 10404, "RDS instance rm-9 does not exist"),
        ("CreateDb", database("rm-9", "x1", "utf8"), 10404, "RDS instance rm-9 does not exist"),
        (
            "CreateDb",
            database("rm-demo-0001", "shop", "utf8"),
            10409,
            "RDS instance rm-demo-0001 has a database shop already",
        ),
        (
            "CreateDb",
            database("rm-mysql", "x1", "Chinese_PRC_BIN"),
            10400,
            "Chinese_PRC_BIN is no character set of MySQL: utf8, gbk, latin1, utf8mb4",
        ),
        (
            "CreateDb",
            database("rm-mssql", "x1", "utf8"),
            10400,
            "utf8 is no character set of SQLServer: Chinese_PRC_CI_AS, Chinese_PRC_CS_AS, SQL_Latin1_General_CI_AS, \
             SQL_Latin1_General_CP1_CS_AS, Chinese_PRC_BIN",
        ),
        (
            "CreateDb",
            database("rm-pg", "x1", "utf8"),
            10400,
            "CreateDb does not support PostgreSQL, the engine of RDS instance rm-pg",
        ),
        (
            "DescribeDatabases",
            json!({"InstanceId": "rm-ppas"}),
            10400,
            "DescribeDatabases does not support PPAS, the engine of RDS instance rm-ppas",
        ),
        (
            "DescribeRdsAccounts",
            json!({"DbInstanceId": "rm-pg"}),
            10400,
            "DescribeRdsAccounts does not support PostgreSQL, the engine of RDS instance rm-pg",
        ),
        (
            "DeleteRdsAccount",
            json!({"DbInstanceId": "rm-pg", "AccountName": "a"}),
            10400,
            "DeleteRdsAccount does not support PostgreSQL, the engine of RDS instance rm-pg",
        ),
        (
            "DeleteDatabase",
            json!({"DBInstanceId": "rm-ppas", "DBName": "d"}),
            10400,
            "DeleteDatabase does not support PPAS, the engine of RDS instance rm-ppas",
        ),
        (
            "DeleteDatabase",
            json!({"DBInstanceId": "rm-demo-0001", "DBName": "nope"}),
            10404,
            "database of RDS instance rm-demo-0001 nope does not exist",
        ),
        (
            "DeleteRdsAccount",
            json!({"DbInstanceId": "rm-demo-0001", "AccountName": "nobody"}),
            10404,
            "account of RDS instance rm-demo-0001 nobody does not exist",
        ),
        (
            "GrantDbToAccount",
            grant("rm-demo-0001", "nope", "shop_rw", "ReadOnly"),
            10404,
            "database of RDS instance rm-demo-0001 nope does not exist",
        ),
        (
            "GrantDbToAccount",
            grant("rm-demo-0001", "shop", "nobody", "ReadOnly"),
            10404,
            "account of RDS instance rm-demo-0001 nobody does not exist",
        ),
        (
            "CreateDb",
            database("rm-mysql", "mysql", "utf8"),
            10400,
            "mysql is the system's own database: it is neither created nor deleted",
        ),
        (
            "DeleteRdsAccount",
            json!({"DbInstanceId": "rm-demo-0003", "AccountName": "dba"}),
            10400,
            "dba is the system's own account: it is neither created nor deleted",
        ),
        (
            "GrantDbToAccount",
            grant("rm-mysql", "d", "a", "DBOwner"),
            10400,
            "there is no privilege DBOwner on MySQL, the engine of RDS instance rm-mysql",
        ),
    ] {
        assert_eq!(account.refused(action, params.clone()), (code, text.to_owned()), "{action} {params}");
    }
}

#[test]
fn each_engine_has_its_privileges() {
    for (instance, privileges) in [
        ("rm-mysql", &["ReadWrite", "ReadOnly", "DDLOnly", "DMLOnly"][..]),
        ("rm-maria", &["ReadWrite", "ReadOnly", "DDLOnly", "DMLOnly"]),
        ("rm-mssql", &["ReadWrite", "ReadOnly", "DBOwner"]),
        ("rm-pg", &["ReadWrite", "ReadOnly"]),
        ("rm-ppas", &["ReadWrite", "ReadOnly"]),
    ] {
        let mut account = account();
        for privilege in ["ReadWrite", "ReadOnly", "DDLOnly", "DMLOnly", "DBOwner"] {
            let params = grant(instance, "d", "a", privilege);
            let granted = account.0.perform("GrantDbToAccount", params).is_ok();
            assert_eq!(granted, privileges.contains(&privilege), "{instance} {privilege}");
        }
    }
}

/// The grants of an instance as its databases show them, and as its accounts show them.
fn grants(account: &mut Account, instance: &str) -> [Vec<[String; 3]>; 2] {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut both = [Vec::new(), Vec::new()];
    let databases = account.ok("DescribeDatabases", json!({"InstanceId": instance}));
    for database in databases["Result"]["Databases"].as_array().unwrap() {
        for grant in database["Accounts"].as_array().unwrap() {
            both[0].push([&database["DBName"], &grant["Account"], &grant["AccountPrivilege"]].map(text));
        }
    }
    let accounts = account.ok("DescribeRdsAccounts", json!({"DbInstanceId": instance}));
    for owner in accounts["Result"]["Accounts"].as_array().unwrap() {
        for grant in owner["DatabasePrivileges"].as_array().unwrap() {
            both[1].push([&grant["DBName"], &owner["AccountName"], &grant["AccountPrivilege"]].map(text));
        }
    }
    both.iter_mut().for_each(|side| side.sort());
    both
}

#[test]
fn grants_show_on_both_sides_and_go_with_either() {
    let mut account = Account::demo();
    let check = |account: &mut Account, expected: &[[&str; 3]]| {
        let [databases, accounts] = grants(account, "rm-demo-0001");
        assert_eq!(databases, expected);
        assert_eq!(accounts, expected);
    };
    check(
        &mut account,
        &[
            ["orders", "shop_ro", "ReadOnly"],
            ["orders", "shop_rw", "ReadWrite"],
            ["shop", "shop_ro", "ReadOnly"],
            ["shop", "shop_rw", "ReadWrite"],
        ],
    );
    account.ok("GrantDbToAccount", grant("rm-demo-0001", "shop", "shop_rw", "DMLOnly"));
    account.ok("DeleteRdsAccount", json!({"DbInstanceId": "rm-demo-0001", "AccountName": "shop_ro"}));
    account.wait(3);
    check(&mut account, &[["orders", "shop_rw", "ReadWrite"], ["shop", "shop_rw", "DMLOnly"]]);
    account.ok("DeleteDatabase", json!({"DBInstanceId": "rm-demo-0001", "DBName": "orders"}));
    check(&mut account, &[["shop", "shop_rw", "DMLOnly"]]);
    // It takes a moment to go; a database of the same name is another one, and takes a moment to be there.
    let status = |account: &mut Account| {
        let reply = account.ok("DescribeDatabases", json!({"InstanceId": "rm-demo-0001"}));
        let list = reply["Result"]["Databases"].as_array().unwrap().clone();
        list.iter().find(|it| it["DBName"] == "orders").map(|it| it["DBStatus"].as_str().unwrap().to_owned())
    };
    assert_eq!(status(&mut account).as_deref(), Some("Deleting"));
    let twice = json!({"DBInstanceId": "rm-demo-0001", "DBName": "orders"});
    let (code, text) = account.refused("DeleteDatabase", twice);
    assert_eq!((code, text.as_str()), (10409, "database orders of RDS instance rm-demo-0001 is Deleting"));
    account.wait(20);
    assert_eq!(status(&mut account), None);
    account.ok("CreateDb", database("rm-demo-0001", "orders", "utf8mb4"));
    check(&mut account, &[["shop", "shop_rw", "DMLOnly"]]);
    let early = account.refused("GrantDbToAccount", grant("rm-demo-0001", "orders", "shop_rw", "ReadOnly"));
    assert_eq!(early, (10409, "database orders of RDS instance rm-demo-0001 is Creating".to_owned()));

    let one = account.ok("DescribeRdsAccounts", json!({"DbInstanceId": "rm-demo-0003", "AccountName": "dba"}));
    assert_eq!(
        one["Result"]["Accounts"],
        json!([{
            "AccountStatus": "Available", "AccountDescription": "管理员", "AccountName": "dba", "AccountType": "Super",
            "PrivExceeded": "0", "DBInstanceId": "rm-demo-0003", "DatabasePrivileges": [],
        }])
    );
}

#[test]
fn a_database_takes_a_moment_to_be_there() {
    let mut account = Account::demo();
    account.ok("CreateDb", database("rm-demo-0002", "points", "gbk"));
    let status = |account: &mut Account| {
        let reply = account.ok("DescribeDatabases", json!({"InstanceId": "rm-demo-0002"}));
        reply["Result"]["Databases"][0]["DBStatus"].as_str().unwrap().to_owned()
    };
    for (wait, expected) in [(0, "Creating"), (19, "Creating"), (1, "Running")] {
        account.wait(wait);
        assert_eq!(status(&mut account), expected, "{wait}");
    }
}

fn backups(account: &mut Account, instance: &str, filter: Value) -> Value {
    let mut params = filter;
    params["DbInstanceId"] = instance.into();
    account.ok("GetRdsBackUp", params)["Result"].clone()
}

#[test]
fn backups_filter_and_page() {
    let mut account = Account::demo();
    let all = backups(&mut account, "rm-demo-0003", json!({}));
    let items = all["Items"].as_array().unwrap().clone();
    assert_eq!(items.len(), 30);
    assert_eq!(
        (&all["TotalRecordCount"], &all["PageNumber"], &all["PageRecordCount"]),
        (&json!("30"), &json!("1"), &json!("30"))
    );
    let sum = |items: &[Value]| items.iter().map(|item| item["BackupSize"].as_i64().unwrap()).sum::<i64>();
    assert_eq!(all["TotalBackupSize"].as_i64().unwrap(), sum(&items));
    let starts: Vec<&str> = items.iter().map(|item| item["BackupStartTime"].as_str().unwrap()).collect();
    assert!(starts.is_sorted_by(|a, b| a > b), "{starts:?}");
    assert!(starts.iter().all(|start| start[11..].starts_with("04:")), "{starts:?}");

    let full = backups(&mut account, "rm-demo-0003", json!({"BackupType": "FullBackup"}));
    let incremental = backups(&mut account, "rm-demo-0003", json!({"BackupType": "IncrementalBackup"}));
    let count = |page: &Value| page["TotalRecordCount"].as_str().unwrap().parse::<usize>().unwrap();
    assert!((4..=5).contains(&count(&full)), "{full}");
    assert_eq!(count(&full) + count(&incremental), 30);
    assert!(full["Items"].as_array().unwrap().iter().all(|item| item["BackupType"] == "FullBackup"));

    let one = backups(&mut account, "rm-demo-0003", json!({"BackupId": items[7]["BackupId"]}));
    assert_eq!(one["Items"], json!([items[7]]));
    assert_eq!(backups(&mut account, "rm-demo-0003", json!({"BackupId": "1"}))["TotalRecordCount"], "0");
    let beyond = backups(&mut account, "rm-demo-0003", json!({"PageNumber": 2, "PageSize": 30}));
    assert_eq!((&beyond["TotalRecordCount"], &beyond["PageRecordCount"]), (&json!("30"), &json!("0")));
}

#[test]
fn one_demo_instance_is_well_backed_up_and_another_is_not() {
    let mut account = Account::demo();
    let good = backups(&mut account, "rm-demo-0001", json!({}))["Items"].as_array().unwrap().clone();
    assert_eq!(good.len(), 30);
    assert!(good.iter().all(|item| item["BackupStatus"] == "Success" && item["MetaStatus"] == "OK"));
    assert_eq!(good[0]["BackupStartTime"].as_str().unwrap()[..10], *"2026-01-05");
    assert_eq!(good[0]["BackupDBNames"], "orders,shop");
    let sizes: Vec<i64> = good.iter().map(|item| item["BackupSize"].as_i64().unwrap()).collect();
    assert!(sizes.windows(2).all(|pair| pair[0] > pair[1] && pair[0] < pair[1] + pair[1] / 50), "{sizes:?}");

    let bad = backups(&mut account, "rm-demo-0002", json!({}))["Items"].as_array().unwrap().clone();
    let on = |day: &str| bad.iter().find(|item| item["BackupStartTime"].as_str().unwrap().starts_with(day));
    assert_eq!(bad.len(), 28);
    assert_eq!(on("2025-12-31"), None);
    assert_eq!(on("2025-12-30"), None);
    let failed = on("2026-01-03").unwrap();
    assert_eq!(
        (&failed["BackupStatus"], &failed["MetaStatus"], &failed["BackupSize"]),
        (&json!("Failed"), &json!("EMPTY"), &json!(0))
    );
    assert_eq!(on("2026-01-02").unwrap()["MetaStatus"], "LARGE");
    let size = |day: &str| on(day).unwrap()["BackupSize"].as_i64().unwrap();
    assert!(size("2025-12-27") > 2 * size("2025-12-26"));
}

#[test]
fn backups_come_nightly_and_go_after_a_month() {
    let mut account = Account::demo();
    let ids = |account: &mut Account| -> Vec<String> {
        let items = backups(account, "rm-demo-0001", json!({"PageSize": 100}))["Items"].clone();
        items.as_array().unwrap().iter().map(|item| item["BackupId"].as_str().unwrap().to_owned()).collect()
    };
    let before = ids(&mut account);
    account.ok("CreateDb", database("rm-demo-0001", "points", "utf8"));
    account.wait(DAY);
    let after = ids(&mut account);
    assert_eq!(after.len(), 30);
    assert_eq!(after[1..], before[..29]);
    account.ok("DeleteDatabase", json!({"DBInstanceId": "rm-demo-0001", "DBName": "points"}));
    account.wait(DAY);
    // What was backed up stays in the backup.
    let items = backups(&mut account, "rm-demo-0001", json!({}))["Items"].clone();
    let names: Vec<&str> = (0..3).map(|index| items[index]["BackupDBNames"].as_str().unwrap()).collect();
    assert_eq!(names, ["orders,shop", "orders,shop,points", "orders,shop"]);
    account.wait(40 * DAY);
    assert!(ids(&mut account).iter().all(|id| !after.contains(id)));
}

/// The values that only show when something was done outside: by hand, in SQL, or too much of it.
#[test]
fn the_demo_account_has_the_values_that_are_rare() {
    let mut account = Account::demo();
    let reply = account.ok("DescribeRdsAccounts", json!({"DbInstanceId": "rm-demo-0001"}));
    let accounts = reply["Result"]["Accounts"].as_array().unwrap();
    let stand = accounts.iter().map(|of| ["AccountName", "AccountStatus", "PrivExceeded"].map(|name| of[name].clone()));
    assert_eq!(
        json!(stand.collect::<Vec<_>>()),
        json!([
            ["shop_bi", "Available", "1"],
            ["shop_old", "Unavailable", "0"],
            ["shop_ro", "Available", "0"],
            ["shop_rw", "Available", "0"],
        ])
    );
    assert_eq!(
        account.refused("GrantDbToAccount", grant("rm-demo-0001", "shop", "shop_old", "ReadOnly")),
        (10409, "account shop_old of RDS instance rm-demo-0001 is Unavailable".to_owned())
    );
    let custom = json!({"DbInstanceId": "rm-demo-0002", "AccountName": "promotion_etl"});
    assert_eq!(
        account.ok("DescribeRdsAccounts", custom)["Result"]["Accounts"][0]["DatabasePrivileges"],
        json!([{"DBName": "promotion", "AccountPrivilege": "Custom", "AccountPrivilegeDetail": "SELECT,INSERT,SHOW VIEW"}])
    );
    let [of_databases, of_accounts] = grants(&mut account, "rm-demo-0002");
    assert!(of_databases == of_accounts && of_databases.len() == 2, "{of_databases:?}");
    // A grant that is made here takes the place of one that was made in SQL.
    account.ok("GrantDbToAccount", grant("rm-demo-0002", "promotion", "promotion_etl", "DMLOnly"));
    assert_eq!(grants(&mut account, "rm-demo-0002")[0][0][2], "DMLOnly");

    let items = backups(&mut account, "rm-demo-0003", json!({}))["Items"].as_array().unwrap().clone();
    let kinds = |item: &Value| ["BackupMode", "BackupMethod", "StoreStatus"].map(|name| item[name].clone());
    for (index, item) in items.iter().enumerate() {
        let expected = match index {
            4 => ["Manual", "Physical", "Enabled"],
            8 => ["Manual", "Logical", "Enabled"],
            _ => ["Automated", "Physical", "Disabled"],
        };
        assert_eq!(kinds(item), expected.map(Value::from), "{index}");
    }
}
