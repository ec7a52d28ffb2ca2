//! Users, applications, deploy configs, environments, and how they came to run: a shop on its
//! ordinary days.
//!
//! Twelve applications 1001–1012, each with deploy config 2001–2012, in thirty environments
//! 3001–3030; deploy config 2013 of 商城前台 is in no use. Those in PHP take a code package with each deploy. Environments 3031 and 3032 were never released to: the first has
//! no cluster yet. Deploy order 4001 is the finished one that brought 商城前台 into production (3002), where
//! a claim `data-web` holds a volume. Deliberately unwell:
//!
//! | environment | what is wrong |
//! |---|---|
//! | 3006 库存服务 | its last deploy failed at partition 2 |
//! | 3008 支付网关 | frozen for release until 22:00: admission is under review (102001) |
//! | 3010 会员中心 | deploy order 4068 is paused after its first partition |
//! | 3012 搜索服务 | a pod of the new version exits again and again; its deploy order was closed |
//! | 3029 数据报表 | its new pods ask for more CPU than any node has: unscheduled, and their order under way |
//! | 3030 数据报表 | the day after it is frozen for release from 10:00 on, for a day: no admission credential (102000) |

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::infrastructure;
use crate::sim::engine::applications::Window;
use crate::sim::engine::call::{Call, Refusal, Trouble};
use crate::sim::engine::state::State;

/// Users: id, type, name. The first one holds the access key.
const USERS: [(&str, &str, &str); 6] = [
    ("2088000000001", "TAOBAO", "张伟"),
    ("2088000000002", "TAOBAO", "王芳"),
    ("2088000000003", "TAOBAO", "李娜"),
    ("2088000000004", "TAOBAO", "刘洋"),
    ("2088000000005", "TAOBAO", "陈静"),
    ("manager7301", "DING_TALK", "赵磊"),
];

/// An application of the shop.
struct App {
    title: &'static str,
    about: &'static str,
    /// The name of its workload and image.
    slug: &'static str,
    language: &'static str,
    cpu: &'static str,
    memory: &'static str,
    /// Replicas in test, in production, and on the canary where there is one.
    replicas: (i64, i64, Option<i64>),
}

const fn app(
    title: &'static str,
    about: &'static str,
    slug: &'static str,
    (language, cpu, memory): (&'static str, &'static str, &'static str),
    replicas: (i64, i64, Option<i64>),
) -> App {
    App { title, about, slug, language, cpu, memory, replicas }
}

/// The applications, in the order of their ids.
const APPS: [App; 12] = [
    app("商城前台", "商城首页与商品详情", "mall-web", ("Java", "500m", "1Gi"), (1, 3, None)),
    app("订单中心", "下单、改单与查单", "order-center", ("Java", "500m", "1Gi"), (2, 2, None)),
    app("库存服务", "库存扣减与同步", "inventory", ("Java", "500m", "1Gi"), (1, 4, None)),
    app("支付网关", "收款与退款", "pay-gateway", ("Java", "500m", "1Gi"), (1, 4, None)),
    app("会员中心", "会员、积分与等级", "member-center", ("Java", "500m", "1Gi"), (1, 4, None)),
    app("搜索服务", "商品搜索", "search", ("Java", "1", "2Gi"), (1, 3, None)),
    app("营销活动", "优惠券与满减", "promotion", ("PHP", "250m", "512Mi"), (1, 8, Some(2))),
    app("物流跟踪", "运单轨迹", "logistics", ("Java", "250m", "512Mi"), (1, 2, Some(2))),
    app("客服工作台", "会话与工单", "service-desk", ("PHP", "250m", "512Mi"), (2, 3, Some(2))),
    app("消息推送", "短信与站内信", "message-push", ("Java", "250m", "512Mi"), (1, 5, Some(2))),
    app("图片处理", "缩略图与水印", "image-worker", ("Python", "500m", "1Gi"), (1, 2, Some(2))),
    app("数据报表", "经营日报", "report", ("Python", "250m", "512Mi"), (1, 2, Some(2))),
];

/// The applications in this language are unpacked into their containers; the others are in their images.
const PACKAGED: &str = "PHP";
const CODE_PATH: &str = "/home/admin/code";

const TEST: i64 = 0;
const PRODUCTION: i64 = 1;

/// An environment: its application, id, type.
type Env = (i64, i64, i64);

/// Builds them; each environment is allocated before its first deploy.
pub(super) fn build(state: &mut State, start: Timestamp) -> Result<(), Refusal> {
    for (id, user_type, name) in USERS {
        state.users.add(id, user_type, name);
    }
    let mut envs = Vec::new();
    for app in &APPS {
        create(state, app, &mut envs)?;
        wait(state, 5 * MINUTE);
    }
    claim(state)?;
    // One that nothing uses any more.
    let config_map = config_map("mall-web-old");
    let old = json!({
        "AppId": 1001, "EnvType": "test", "Name": "商城前台旧配置", "CodePath": CODE_PATH, "ConfigMap": config_map,
    });
    state.perform("CreateDeployConfig", old)?;
    // 商城前台 goes into production before anything else runs.
    let by_importance = envs.iter().filter(|env| env.1 == 3002).chain(envs.iter().filter(|env| env.1 != 3002));
    for &env in by_importance {
        deploy(state, env, "1.0", "首次发布", "none", None)?;
        wait(state, 15 * MINUTE);
    }
    for &env in &envs {
        deploy(state, env, "1.1", "例行迭代", "none", None)?;
        wait(state, 7 * HOUR);
    }
    promote(state)?;
    go_wrong(state, start)
}

/// Scales for a weekend's promotion and back.
fn promote(state: &mut State) -> Result<(), Refusal> {
    for (replicas, then) in [([6, 5], 40 * HOUR), ([3, 2], HOUR)] {
        for (env, replicas) in [3002, 3004].into_iter().zip(replicas) {
            state.perform("ScaleApp", json!({"EnvId": env, "Replicas": replicas}))?;
            wait(state, 5 * MINUTE);
        }
        wait(state, then);
    }
    Ok(())
}

/// What went wrong since yesterday evening.
fn go_wrong(state: &mut State, start: Timestamp) -> Result<(), Refusal> {
    state.advance(start - SignedDuration::from_hours(12));
    deploy(state, (1003, 3006, PRODUCTION), "1.2", "库存同步改造", "none", Some(Trouble::FailAtPartition(2)))?;
    wait(state, 2 * HOUR);
    let order = deploy(state, (1006, 3012, PRODUCTION), "1.2", "分词升级", "none", Some(Trouble::CrashLoop))?;
    wait(state, HOUR);
    state.perform("CloseDeployOrder", json!({"DeployOrderId": order}))?;
    wait(state, 2 * HOUR);
    let config = json!({"AppId": 1012, "Id": 2012, "Deployment": manifest("Deployment", "report", "64", "128Gi")});
    state.perform("UpdateDeployConfig", config)?;
    deploy(state, (1012, 3029, PRODUCTION), "1.2", "全量重算", "none", None)?;
    wait(state, HOUR);
    deploy(state, (1005, 3010, PRODUCTION), "1.2", "积分规则调整", "first", None)?;
    wait(state, HOUR);
    for (env, from, hours, code) in [(3008, 0, 12, "102001"), (3030, 24, 24, "102000")] {
        let at = |hours: i64| start.saturating_add(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MAX);
        let window = Window { from: at(from), until: at(from + hours), business_code: code.to_owned() };
        state.applications.freeze(env, window);
    }
    Ok(())
}

/// Creates an application with its deploy config and environments.
fn create(state: &mut State, app: &App, envs: &mut Vec<Env>) -> Result<(), Refusal> {
    let created = state.perform(
        "CreateApp",
        json!({
            "BizCode": "JST",
            "Language": app.language,
            "OperatingSystem": "Linux",
            "ServiceType": "StoreApplication",
            "Title": app.title,
            "BizTitle": app.title,
            "Description": app.about,
            "UserRoles": roles(app),
        }),
    )?;
    let app_id = number(&created, "AppId");
    let config = state.perform(
        "CreateDeployConfig",
        json!({
            "AppId": app_id,
            "EnvType": "online",
            "Name": format!("{}部署配置", app.title),
            "CodePath": if app.language == PACKAGED { CODE_PATH } else { "" },
            "Deployment": manifest("Deployment", app.slug, app.cpu, app.memory),
            "ConfigMapList": [config_map(app.slug)],
        }),
    )?;
    let schema_id = number(&config, "SchemaId");
    let (test, production, canary) = app.replicas;
    let wanted = [
        Some(("测试环境", TEST, test)),
        Some(("正式环境", PRODUCTION, production)),
        canary.map(|replicas| ("灰度环境", PRODUCTION, replicas)),
    ];
    for (name, env_type, replicas) in wanted.into_iter().flatten() {
        let env_id = environment(state, (app_id, schema_id), name, env_type, replicas)?;
        infrastructure::allocate(state, app_id, env_id, env_type)?;
        envs.push((app_id, env_id, env_type));
    }
    Ok(())
}

/// The first user owns every application; the others take turns at what else there is to do.
fn roles(app: &App) -> Vec<Value> {
    let role = |name: &str, (id, user_type, _): (&str, &str, &str)| json!({"RoleName": name, "UserId": id, "UserType": user_type});
    let turn = APPS.iter().position(|other| other.slug == app.slug).unwrap_or_default();
    let others = USERS.into_iter().skip(1).cycle().skip(turn);
    let owner = USERS.first().map(|user| role("Owner", *user));
    owner
        .into_iter()
        .chain(["PE", "Dev", "Test"].into_iter().zip(others).map(|(name, user)| role(name, user)))
        .collect()
}

fn environment(
    state: &mut State,
    (app_id, schema_id): (i64, i64),
    name: &str,
    env_type: i64,
    replicas: i64,
) -> Result<i64, Refusal> {
    let params = json!({
        "AppId": app_id,
        "AppSchemaId": schema_id,
        "EnvName": name,
        "EnvType": env_type,
        "Region": "cn-zhangjiakou",
        "Replicas": replicas,
    });
    Ok(number(&state.perform("CreateEnvironment", params)?, "AppEnvId"))
}

/// Environments that were prepared and never released to.
pub(super) fn prepare(state: &mut State) -> Result<(), Refusal> {
    environment(state, (1012, 2012), "筹备环境", TEST, 1)?;
    let idle = environment(state, (1012, 2012), "备用环境", TEST, 1)?;
    infrastructure::allocate(state, 1012, idle, TEST)
}

/// The storage class of the volume that 商城前台 kept its uploads on before.
pub(super) const OLD_CLASS: &str = "nas-old";

/// The volume that 商城前台 keeps its uploads on in production, and the one that it has let go of.
fn claim(state: &mut State) -> Result<(), Refusal> {
    for (name, class, capacity) in [("data-web", "nas-demo", "100Gi"), ("data-old", OLD_CLASS, "50Gi")] {
        let claim = json!({
            "AppId": 1001,
            "EnvId": 3002,
            "Name": name,
            "StorageClass": class,
            "AccessModes": "ReadWriteMany",
            "Capacity": capacity,
        });
        state.perform("CreatePersistentVolumeClaim", claim)?;
    }
    let old = json!({"AppId": 1001, "EnvId": 3002, "PersistentVolumeClaimName": "data-old"});
    state.perform("DeletePersistentVolumeClaim", old).map(|_| ())
}

/// Deploys a version: production in two partitions. Gives the deploy order.
fn deploy(
    state: &mut State,
    (app_id, env_id, env_type): Env,
    version: &str,
    why: &str,
    pause: &str,
    trouble: Option<Trouble>,
) -> Result<i64, Refusal> {
    let app = usize::try_from(app_id - 1001).ok().and_then(|index| APPS.get(index));
    let Some((app, operation)) = app.zip(crate::catalogue::find("DeployApp")) else {
        return Err(Refusal::not_found("application", app_id));
    };
    let params = json!({
        "EnvId": env_id,
        "Name": format!("{} {version}", app.title),
        "Description": why,
        "TotalPartitions": if env_type == PRODUCTION { 2 } else { 1 },
        "PauseType": pause,
        // Whoever sells is watched.
        "ArmsFlag": app_id == 1001 && env_type == PRODUCTION,
        "DeployPacketUrl": (app.language == PACKAGED).then(|| {
            format!("https://shop-demo.oss-cn-zhangjiakou.aliyuncs.com/{}-{version}.zip", app.slug)
        }),
    });
    let params = params.as_object().cloned().unwrap_or_default();
    let reply = state.apply(&Call { trouble, ..Call::new(operation, params) })?;
    Ok(number(&reply.value(), "DeployOrderId"))
}

/// A ConfigMap, as a deploy config carries it.
fn config_map(name: &str) -> String {
    STANDARD.encode(format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  LOG_LEVEL: info\n"))
}

/// A Deployment or StatefulSet, as a deploy config carries it.
pub(in crate::sim) fn manifest(kind: &str, slug: &str, cpu: &str, memory: &str) -> String {
    STANDARD.encode(format!(
        "apiVersion: apps/v1
kind: {kind}
metadata:
  name: {slug}
spec:
  selector:
    matchLabels:
      app: {slug}
  template:
    metadata:
      labels:
        app: {slug}
    spec:
      containers:
        - name: app
          image: registry.cn-zhangjiakou.aliyuncs.com/shop-demo/{slug}:base
          resources:
            requests:
              cpu: \"{cpu}\"
              memory: {memory}
            limits:
              cpu: \"{cpu}\"
              memory: {memory}
"
    ))
}

/// An id that a reply gives.
pub(in crate::sim) fn number(reply: &Value, name: &str) -> i64 {
    reply.get("Result").and_then(|result| result.get(name)).and_then(Value::as_i64).unwrap_or_default()
}

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

fn wait(state: &mut State, seconds: i64) {
    let until = state.now.saturating_add(SignedDuration::from_secs(seconds));
    state.advance(until.unwrap_or(state.now));
}
