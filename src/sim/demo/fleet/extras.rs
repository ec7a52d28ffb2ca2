//! What a generated account has beside what runs: labels on nodes, volumes, access points, frozen windows.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{Cluster, REGION, number};
use crate::sim::engine::access::add_slb;
use crate::sim::engine::applications::Window;
use crate::sim::engine::call::{Refusal, Trouble};
use crate::sim::engine::state::State;

/// An environment that was made: its application, deploy config and id.
pub(super) type Made = (i64, i64, i64);

const SLB: &str = "lb-fleet-0001";
/// Every so many environments have an access point.
const EXPOSED: usize = 10;
/// Every so many environments are frozen when the account's day begins.
const FROZEN: usize = 50;

/// Adds them. The account's day begins at `start`.
///
/// # Errors
/// None that a test would not have caught.
pub(super) fn add(state: &mut State, clusters: &[Cluster], envs: &[Made], start: Timestamp) -> Result<(), Refusal> {
    for (cluster, number) in clusters.iter().zip(1..) {
        label(state, &cluster.id, number)?;
        volume(state, &cluster.id, &format!("pv-fleet-{number}"), "nas-fleet")?;
    }
    let Some(&first) = envs.first().filter(|_| !clusters.is_empty()) else { return Ok(()) };
    release_volume(state, first)?;
    add_slb(state, SLB, "39.99.200.10", true);
    orphan(state, first)?;
    for (&(_, _, env_id), port) in envs.iter().step_by(EXPOSED).zip(10_000..=60_000) {
        expose(state, env_id, port)?;
    }
    for (&(_, _, env_id), code) in
        envs.iter().skip(FROZEN - 1).step_by(FROZEN).zip(["102000", "102001"].into_iter().cycle())
    {
        let at = |hours: i64| start.saturating_add(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MAX);
        state.applications.freeze(env_id, Window { from: at(-1), until: at(12), business_code: code.to_owned() });
    }
    Ok(())
}

/// The first node of a cluster carries a label; nodes are dealt out in turn.
fn label(state: &mut State, cluster: &str, number: usize) -> Result<(), Refusal> {
    let node = format!("i-fleet-{number:05}");
    let label = json!({
        "ClusterId": cluster, "InstanceId": node, "LabelKey": "label.jst.com/zone", "LabelValue": "web",
    });
    state.perform("BindNodeLabel", label).map(|_| ())
}

fn volume(state: &mut State, cluster: &str, name: &str, class: &str) -> Result<(), Refusal> {
    let volume = json!({
        "AccessModes": "ReadWriteMany",
        "Capacity": "100Gi",
        "ClusterInstanceId": cluster,
        "MountTargetDomain": "fleet.cn-zhangjiakou.nas.aliyuncs.com",
        "Name": name,
        "NFSVersion": "4.0",
        "ReclaimPolicy": "Retain",
        "StorageClass": class,
    });
    state.perform("CreatePersistentVolume", volume).map(|_| ())
}

/// A volume that a claim has let go of.
fn release_volume(state: &mut State, (app_id, _, env_id): Made) -> Result<(), Refusal> {
    let cluster = state.cluster.cluster_of(env_id)?.to_owned();
    volume(state, &cluster, "pv-fleet-old", "nas-fleet-old")?;
    let claim = json!({
        "AppId": app_id, "EnvId": env_id, "Name": "data-old", "StorageClass": "nas-fleet-old",
        "AccessModes": "ReadWriteMany", "Capacity": "100Gi",
    });
    state.perform("CreatePersistentVolumeClaim", claim)?;
    let claim = json!({"AppId": app_id, "EnvId": env_id, "PersistentVolumeClaimName": "data-old"});
    state.perform("DeletePersistentVolumeClaim", claim).map(|_| ())
}

/// An access point whose environment was deleted.
fn orphan(state: &mut State, (app_id, schema_id, _): Made) -> Result<(), Refusal> {
    let created = state.perform(
        "CreateEnvironment",
        json!({
            "AppId": app_id, "AppSchemaId": schema_id, "EnvName": "下线环境", "EnvType": 0, "Region": REGION,
            "Replicas": 0,
        }),
    )?;
    let env_id = number(&created, "AppEnvId");
    expose(state, env_id, 9_999)?;
    let gone = json!({"AppId": app_id, "EnvId": env_id, "Force": true});
    state.perform_with(Some(Trouble::Fails), "DeleteAppEnvironment", gone).map(|_| ())
}

fn expose(state: &mut State, env_id: i64, port: i64) -> Result<(), Refusal> {
    let point = json!({
        "EnvId": env_id, "Name": format!("入口{port}"), "SlbId": SLB, "ListenerPort": port, "RealServerPort": 8080,
        "Protocol": "TCP",
    });
    state.perform("CreateSlbAP", point).map(|_| ())
}
