//! Clusters, nodes, volumes, database instances; then what gives access to the shops.
//!
//! | cluster | nodes | for |
//! |---|---|---|
//! | `c-demo-prod` | `i-demo-0001`–`0008`, 128 CPUs | production; labels `label.jst.com/zone` `web`, `job`, and `spare` on no node |
//! | `c-demo-test` | `i-demo-0013`–`0016`, 64 CPUs | test |
//! | `c-demo-spare` | none | nothing: it can be deleted |
//!
//! `i-demo-0009`–`0012` may join any of them, `i-demo-0017` and `0018` a cluster with Windows. Volume `pv-demo-2` is the one that the claim `data-web`
//! holds, `pv-demo-6` was released by a claim that is gone, `pv-demo-7` could not be made, the others are free. `rm-demo-0001` (MySQL) is backed up as it should be, `rm-demo-0002`
//! (MySQL) has had bad nights, `rm-demo-0003` (SQL Server) has full backups once a week, two taken by hand among
//! them, and `rm-demo-0004` (PostgreSQL) is of an engine that most operations do not support. Of the accounts,
//! `shop_old` cannot be used, `shop_bi` has too many databases, and `promotion_etl` was granted privileges in SQL.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::sim::engine::access::{add_orphan, add_slb};
use crate::sim::engine::call::{Call, Refusal, Trouble};
use crate::sim::engine::cluster::{self, MachineType, add_machine, add_windows_machine};
use crate::sim::engine::rds::{Engine, History, Instance, Oddity, Standing, add_instance, night_of};
use crate::sim::engine::state::State;

const PRODUCTION: &str = "c-demo-prod";
const TEST: &str = "c-demo-test";
const SPARE: &str = "c-demo-spare";
const REGION: &str = "cn-zhangjiakou";
const VPC: &str = "vpc-demo-1";

/// Clusters with their nodes, labels and volumes; RDS instances.
pub(super) fn build(state: &mut State, start: Timestamp) -> Result<(), Refusal> {
    clusters(state)?;
    labels(state)?;
    volumes(state)?;
    databases(state, start)
}

fn clusters(state: &mut State) -> Result<(), Refusal> {
    for (id, title, env_type, pods, services) in [
        (PRODUCTION, "正式环境集群", "PRO", "172.20.0.0/16", "172.21.0.0/20"),
        (TEST, "测试环境集群", "TEST", "172.24.0.0/16", "172.25.0.0/20"),
        (SPARE, "备用集群", "TEST", "172.28.0.0/16", "172.29.0.0/20"),
    ] {
        let params = json!({
            "BusinessCode": "JST",
            "ClusterEnvType": env_type,
            "ClusterTitle": title,
            "ClusterType": "Standard",
            "RegionId": REGION,
            "VpcId": VPC,
            "Vswitchids": ["vsw-demo-1", "vsw-demo-2"],
            "Password": "Demo-only-1!",
            "PodCIDR": pods,
            "ServiceCIDR": services,
            "CreateWithLogIntegration": id == PRODUCTION,
        });
        let (Some(operation), Value::Object(params)) = (crate::catalogue::find("CreateCluster"), params) else {
            return Err(Refusal::not_found("operation", "CreateCluster"));
        };
        cluster::create_as(state, &Call::new(operation, params), id.to_owned())?;
    }
    for number in 1..=16 {
        let machine_type = match number {
            9 | 10 => MachineType::Cpus8,
            11 | 12 => MachineType::Cpus4,
            _ => MachineType::Cpus16,
        };
        add_machine(state, &node(number), VPC, REGION, machine_type);
    }
    for number in 17..=18 {
        add_windows_machine(state, &node(number), VPC, REGION);
    }
    state.advance(state.now + cluster::RUNNING_AFTER);
    for (cluster, nodes) in [(PRODUCTION, 1..=8), (TEST, 13..=16)] {
        let nodes: Vec<String> = nodes.map(node).collect();
        state.perform("AddClusterNode", json!({"ClusterInstanceId": cluster, "EcsInstanceIdList": nodes}))?;
    }
    state.advance(state.now + cluster::JOINED_AFTER);
    Ok(())
}

fn node(number: i64) -> String {
    format!("i-demo-{number:04}")
}

fn labels(state: &mut State) -> Result<(), Refusal> {
    const ZONE: &str = "label.jst.com/zone";
    state.perform("CreateNodeLabel", json!({"ClusterId": PRODUCTION, "LabelKey": ZONE, "LabelValue": "spare"}))?;
    for (cluster, nodes, key, value) in [
        (PRODUCTION, 1..=4, ZONE, "web"),
        (PRODUCTION, 5..=6, ZONE, "job"),
        (PRODUCTION, 1..=1, "label.jst.com/disk", "ssd"),
        (TEST, 13..=13, ZONE, "web"),
    ] {
        for number in nodes {
            state.perform(
                "BindNodeLabel",
                json!({"ClusterId": cluster, "InstanceId": node(number), "LabelKey": key, "LabelValue": value}),
            )?;
        }
    }
    Ok(())
}

fn volumes(state: &mut State) -> Result<(), Refusal> {
    for (number, (cluster, class, modes, capacity, policy)) in [
        (PRODUCTION, "nas-small", "ReadWriteMany", "20Gi", "Retain"),
        (PRODUCTION, "nas-demo", "ReadWriteMany", "200Gi", "Retain"),
        (PRODUCTION, "nas", "ReadWriteMany", "20Gi", "Retain"),
        (PRODUCTION, "nas-archive", "ReadWriteOnce", "500Gi", "Delete"),
        (TEST, "nas-demo", "ReadWriteMany", "100Gi", "Delete"),
        (PRODUCTION, super::shops::OLD_CLASS, "ReadWriteMany", "50Gi", "Retain"),
        (PRODUCTION, "nas-broken", "ReadWriteMany", "50Gi", "Retain"),
    ]
    .into_iter()
    .enumerate()
    {
        let number = number + 1;
        let trouble = (class == "nas-broken").then_some(Trouble::Fails);
        state.perform_with(
            trouble,
            "CreatePersistentVolume",
            json!({
                "AccessModes": modes,
                "Capacity": capacity,
                "ClusterInstanceId": cluster,
                "MountTargetDomain": "shop-demo.cn-zhangjiakou.nas.aliyuncs.com",
                "Name": format!("pv-demo-{number}"),
                "NFSVersion": "4.0",
                "ReclaimPolicy": policy,
                "StorageClass": class,
                "MountDir": format!("/volume-{number}"),
            }),
        )?;
    }
    Ok(())
}

fn databases(state: &mut State, start: Timestamp) -> Result<(), Refusal> {
    const MIB: i64 = 1 << 20;
    let long_ago = state.now - SignedDuration::from_hours(24 * 120);
    let first = night_of(long_ago);
    let tonight = night_of(start);
    let bad_nights = BTreeMap::from([
        (tonight - 2, Oddity::Failed),
        (tonight - 3, Oddity::Large),
        (tonight - 5, Oddity::Missing),
        (tonight - 6, Oddity::Missing),
        (tonight - 9, Oddity::Jump),
    ]);
    let good = History { seed: 1, first, size: (840 * MIB, 2 * MIB), single_tables: true, ..History::default() };
    let bad = History { seed: 2, size: (310 * MIB, MIB), oddities: bad_nights, ..good.clone() };
    let by_hand = BTreeMap::from([(tonight - 4, Oddity::Manual), (tonight - 8, Oddity::Logical)]);
    let weekly = History {
        seed: 3,
        oddities: by_hand,
        size: (2400 * MIB, 5 * MIB),
        single_tables: false,
        incremental: true,
        ..good.clone()
    };
    let shop = Instance::new(Engine::MySql, good)
        .database("shop", "utf8mb4", "商品与会员", long_ago)
        .database("orders", "utf8mb4", "订单", long_ago)
        .account("shop_rw", "应用读写", false)
        .account("shop_ro", "报表只读", false)
        .account_standing("shop_old", "已停用的旧应用", Standing::Unavailable)
        .account_standing("shop_bi", "数据分析", Standing::Exceeded);
    let marketing = Instance::new(Engine::MySql, bad)
        .database("promotion", "utf8mb4", "营销活动", long_ago)
        .account("promotion_rw", "应用读写", false)
        .account("promotion_etl", "数据同步", false)
        .custom_grant("promotion", "promotion_etl");
    let back_office = Instance::new(Engine::SqlServer, weekly)
        .database("erp", "Chinese_PRC_CI_AS", "进销存", long_ago)
        .account("erp_owner", "进销存系统", false)
        .account("dba", "管理员", true);
    let maps = Instance::new(Engine::PostgreSql, History::default());
    let instances =
        [("rm-demo-0001", shop), ("rm-demo-0002", marketing), ("rm-demo-0003", back_office), ("rm-demo-0004", maps)];
    for (id, instance) in instances {
        add_instance(state, id, instance);
    }
    for (instance, database, account, privilege) in [
        ("rm-demo-0001", "shop", "shop_rw", "ReadWrite"),
        ("rm-demo-0001", "shop", "shop_ro", "ReadOnly"),
        ("rm-demo-0001", "orders", "shop_rw", "ReadWrite"),
        ("rm-demo-0001", "orders", "shop_ro", "ReadOnly"),
        ("rm-demo-0002", "promotion", "promotion_rw", "ReadWrite"),
        ("rm-demo-0003", "erp", "erp_owner", "DBOwner"),
    ] {
        state.perform(
            "GrantDbToAccount",
            json!({"DbInstanceId": instance, "DbName": database, "AccountName": account, "AccountPrivilege": privilege}),
        )?;
    }
    Ok(())
}

/// Allocates an environment to the demo cluster of its type: 0 test, 1 production.
pub(super) fn allocate(state: &mut State, app_id: i64, env_id: i64, env_type: i64) -> Result<(), Refusal> {
    let cluster = if env_type == 0 { TEST } else { PRODUCTION };
    let params = json!({"AppEnvId": env_id, "AppId": app_id, "ClusterId": cluster});
    state.perform("CreateAppResourceAlloc", params).map(|_| ())
}

/// Services 6001… and SLB access points 5001… of the first shops; the first of each is production's. Access point
/// 5000 of 数据报表 outlived its environment.
pub(super) fn expose(state: &mut State) -> Result<(), Refusal> {
    add_slb(state, "lb-demo-0001", "39.99.134.10", true);
    add_slb(state, "lb-demo-0002", "192.168.49.51", false);
    add_orphan(state, 1012, "lb-demo-0002", "数据报表旧入口");
    for (env_id, name, service_type, k8s_id) in [
        (3002, "商城前台", "ClusterIP", "mall-web"),
        (3001, "商城前台测试", "NodePort", "mall-web"),
        (3004, "订单中心", "ClusterIP", "order-center"),
        (3006, "库存服务", "ClusterIP", "inventory"),
        (3008, "支付网关", "NodePort", "pay-gateway"),
    ] {
        let http = json!({"Protocol": "TCP", "TargetPort": "8080", "Port": 80, "Name": "http"});
        state.perform(
            "CreateService",
            json!({
                "EnvId": env_id,
                "Name": name,
                "ServiceType": service_type,
                "K8sServiceId": k8s_id,
                "PortMappings": [http],
            }),
        )?;
    }
    for (env_id, name, slb, port, settings) in [
        (3002, "商城前台", "lb-demo-0001", 80, json!({"Protocol": "HTTP", "StickySession": 1, "CookieTimeout": 1800})),
        (3002, "商城前台加密", "lb-demo-0001", 443, json!({"Protocol": "HTTPS", "SslCertId": "ssl-demo-1"})),
        (3004, "订单中心", "lb-demo-0002", 9004, json!({"Protocol": "TCP", "EstablishedTimeout": 900})),
        (3008, "支付网关", "lb-demo-0001", 8443, json!({"Protocol": "HTTPS", "SslCertId": "ssl-demo-1"})),
    ] {
        let mut params = json!({
            "EnvId": env_id, "Name": name, "SlbId": slb, "ListenerPort": port, "RealServerPort": 8080,
        });
        if let (Some(params), Value::Object(settings)) = (params.as_object_mut(), settings) {
            params.extend(settings);
        }
        state.perform("CreateSlbAP", params)?;
    }
    Ok(())
}
