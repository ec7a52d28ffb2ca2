//! The 33 operations that the vendor's newest client (2.0.24) has and the document has not: what must be
//! known to send them. Nothing public says more of their parameters than names and types, so they are not
//! validated; effects are judged by what each does, never guessed from its name.

use super::{Effect, Method};
use Effect::{Destructive, Read, Write};

/// An operation outside the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Later {
    /// The wire name.
    pub action: &'static str,
    /// What it does to the account.
    pub effect: Effect,
    /// How it is sent.
    pub method: Method,
    /// The parameters that travel in the form; the others travel in the query.
    pub body: &'static [&'static str],
    /// The maps that travel as JSON text; others are flattened.
    pub as_json: &'static [&'static str],
}

const fn get(action: &'static str) -> Later {
    Later { method: Method::Get, ..post(action, Read, &[]) }
}

const fn post(action: &'static str, effect: Effect, body: &'static [&'static str]) -> Later {
    Later { action, effect, method: Method::Post, body, as_json: &[] }
}

/// All of them, by name.
pub(super) const OPERATIONS: &[Later] = &[
    post("AllocatePodConfig", Write, &[]),
    post("BatchAddServers", Write, &[]),
    post("BindGroup", Write, &[]),
    post("CreateAccount", Write, &["AccountName", "AccountPassword", "AccountType", "DbInstanceId"]),
    post("CreateAppGroup", Write, &["BizCode", "Name"]),
    post("CreateAppMonitors", Write, &["AppIds"]),
    post("CreateEciConfig", Write, &[]),
    post("DeleteAppGroup", Destructive, &[]),
    post("DescribeAppEnvDeployBaseline", Read, &[]),
    post("DescribeAppGroupDeploySetting", Read, &[]),
    post("DescribeAppMonitorMetric", Read, &[]),
    post("DescribeClusterDetail", Read, &[]),
    get("DescribeEciConfig"),
    post("DescribeEventMonitorList", Read, &[]),
    get("DescribeJobLog"),
    post("DescribePodContainerLogList", Read, &[]),
    post("GetInstTransInfo", Read, &["aliyunCommodityCode", "aliyunEquipId", "aliyunUid"]),
    get("ListAppCmsGroups"),
    post("ListAppGroup", Read, &[]),
    post("ListAppGroupMapping", Read, &[]),
    get("ListJobHistories"),
    post("OfflineAppEnvironment", Destructive, &[]),
    post("RebuildAppInstance", Destructive, &[]),
    post("ResetAccountPassword", Destructive, &["AccountName", "AccountPassword", "DbInstanceId"]),
    post("ResourceStatusNotify", Write, &["data"]),
    post("RestartAppInstance", Write, &[]),
    post("SetDeployPauseType", Write, &[]),
    post("SubmitInfo", Write, &["EcsDescList"]),
    post("SyncPodInfo", Write, &[]),
    // The vendor says no more than the name. An application that is taken out of its group is no longer deployed by
    // the group's settings, and nothing gives the place back: of two effects that fit, the graver.
    post("UnbindGroup", Destructive, &[]),
    post("UpdateAppMonitors", Write, &["MainUserId", "MonitorIds", "SilenceTime", "TemplateId"]),
    post("UpdateEciConfig", Write, &[]),
    Later {
        as_json: &["ContainerResourceLimit", "ContainerResourceRequest"],
        ..post("UpdateNormalDeployConfig", Write, &[])
    },
];
