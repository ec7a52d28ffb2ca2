//! How to see whether a write took effect: which read, with which of the write's parameters, and what must be true of
//! the answer.
//!
//! That the account is as the write asks proves something only where a second write of the same would be refused or
//! change nothing. Everywhere else a look before the write says how it was.

use super::subject::Read;

/// How to see whether a write took effect.
#[derive(Debug)]
pub(crate) struct Sight {
    /// Reads that find what the last one asks for, and that one.
    pub reads: &'static [Read],
    /// What must be true of what the last read shows.
    pub says: Says,
    /// Whether it proves something only if it was otherwise before the write.
    pub before: bool,
    /// Whether it shows only some time after it was asked for: what is not seen then proves nothing.
    pub late: bool,
    /// Fields of the write's result, each with the field of the record that shows it.
    pub gives: &'static [(&'static str, &'static str)],
}

/// What must be true of the records that a read shows.
#[derive(Debug)]
pub(crate) enum Says {
    /// One is there that is like this; for a parameter with a list, one for each element.
    Listed(&'static [Like]),
    /// None is there that is like this.
    Gone(&'static [Like]),
    /// The one that is there has these values, as far as the write names them.
    Has(&'static [Like]),
    /// One like this is there that is newer, by this field, than all before; or the one that the first read shows has
    /// what the write asks for and had not before.
    Newer(&'static str, &'static [Like]),
    /// The one that is there differs in one of these fields from what it was before.
    Changed(&'static [&'static str]),
}

/// A field of a record, and what it must be equal to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Like {
    /// A parameter of the write. The field may be inside another: `ContainerCodePath.CodePath`.
    Param(&'static str, &'static str),
    /// This text.
    Text(&'static str, &'static str),
}
use Like::{Param, Text};

impl Sight {
    /// Whether each such write makes something of its own, be it the same once more: a record, a change.
    pub(crate) fn makes_more(&self) -> bool {
        matches!(self.says, Says::Newer(..) | Says::Changed(_))
    }

    const LISTED: Self = Self { reads: &[], says: Says::Listed(&[]), before: false, late: false, gives: &[] };
    /// What takes its time to come, or to go.
    const LATER: Self = Self { late: true, ..Self::LISTED };
}

const ENV_TO_APP: Read =
    Read { action: "DescribeAppResourceAlloc", params: &[("AppEnvId", "EnvId")], finds: Some("AppId"), ..Read::RESULT };

const fn list(action: &'static str, params: &'static [(&'static str, &'static str)]) -> Read {
    Read { action, params, ..Read::LIST }
}

const fn detail(action: &'static str, params: &'static [(&'static str, &'static str)]) -> Read {
    Read { action, params, ..Read::RESULT }
}

const APPS: &[Read] = &[list("ListApp", &[])];
const APP: &[Read] = &[detail("DescribeAppDetail", &[("AppId", "AppId")])];
const ENVS: &[Read] = &[list("ListAppEnvironment", &[("AppId", "AppId")])];
const CONFIG: &[Read] = &[list("ListDeployConfig", &[("AppId", "AppId"), ("Id", "Id")])];
const CONFIGS: &[Read] = &[list("ListDeployConfig", &[("AppId", "AppId")])];
const CLAIMS: &[Read] = &[list("ListPersistentVolumeClaim", &[("AppId", "AppId"), ("EnvId", "EnvId")])];
const LISTENERS: &[Read] = &[ENV_TO_APP, list("ListSlbAPs", &[("AppId", "AppId"), ("EnvId", "EnvId")])];
const LISTENER: &[Read] = &[detail("DescribeSlbAPDetail", &[("SlbAPId", "SlbAPId")])];
const SERVICES: &[Read] = &[ENV_TO_APP, list("ListServices", &[("AppId", "AppId"), ("EnvId", "EnvId")])];
const SERVICE: &[Read] = &[detail("DescribeServiceDetail", &[("ServiceId", "ServiceId")])];
const ORDERS: &[Read] = &[ENV_TO_APP, list("ListDeployOrders", &[("AppId", "AppId"), ("EnvId", "EnvId")])];
const SCALE_ORDERS: &[Read] = &[
    ENV_TO_APP,
    Read {
        finds: Some("Replicas now"),
        ..detail("DescribeAppEnvironmentDetail", &[("AppId", "AppId"), ("EnvId", "EnvId")])
    },
    list("ListDeployOrders", &[("AppId", "AppId"), ("EnvId", "EnvId"), ("DeployCategory", "=scale")]),
];
const ORDER: &[Read] = &[detail("DescribeDeployOrderDetail", &[("DeployOrderId", "DeployOrderId")])];
const VOLUMES: &[Read] = &[list("ListPersistentVolume", &[("ClusterInstanceId", "ClusterInstanceId")])];
const LABELS: &[Read] = &[list("ListNodeLabels", &[("ClusterId", "ClusterId"), ("LabelKey", "LabelKey")])];
const BINDINGS: &[Read] = &[list(
    "ListNodeLabelBindings",
    &[("ClusterId", "ClusterId"), ("LabelKey", "LabelKey"), ("LabelValue", "LabelValue")],
)];
const ALLOCATIONS: &[Read] = &[list("ListAppResourceAllocs", &[("AppEnvId", "AppEnvId")])];
const CLUSTERS: &[Read] = &[list("ListCluster", &[])];
const NODES: &[Read] = &[list("ListClusterNode", &[("ClusterInstanceId", "ClusterInstanceId")])];
const ACCOUNTS: &[Read] = &[Read {
    at: &["Result", "Accounts"],
    ..detail("DescribeRdsAccounts", &[("DbInstanceId", "DbInstanceId"), ("AccountName", "AccountName")])
}];
const DATABASES: &[Read] =
    &[Read { at: &["Result", "Databases"], ..detail("DescribeDatabases", &[("InstanceId", "DbInstanceId")]) }];
const DATABASES_TOO: &[Read] =
    &[Read { at: &["Result", "Databases"], ..detail("DescribeDatabases", &[("InstanceId", "DBInstanceId")]) }];

/// How to see that a write of this kind took effect; or why nothing shows it.
static SIGHTS: &[(&str, Result<Sight, &str>)] = &[
    (
        "CreateApp",
        Ok(Sight {
            reads: APPS,
            says: Says::Listed(&[Param("Title", "Title")]),
            gives: &[("AppId", "AppId")],
            ..Sight::LISTED
        }),
    ),
    (
        "UpdateApp",
        Ok(Sight {
            reads: APP,
            says: Says::Has(&[
                Param("BizTitle", "BizTitle"),
                Param("Description", "Description"),
                Param("Language", "Language"),
                Param("OperatingSystem", "OperatingSystem"),
                Param("ServiceType", "ServiceType"),
            ]),
            before: true,
            ..Sight::LISTED
        }),
    ),
    ("DeleteAppDetail", Ok(Sight { reads: APPS, says: Says::Gone(&[Param("AppId", "AppId")]), ..Sight::LATER })),
    (
        "CreateEnvironment",
        Ok(Sight {
            reads: ENVS,
            says: Says::Listed(&[Param("EnvName", "EnvName"), Param("EnvType", "EnvType"), Param("Region", "Region")]),
            before: true,
            late: false,
            gives: &[("AppEnvId", "EnvId")],
        }),
    ),
    (
        "UpdateEnvironment",
        Ok(Sight {
            reads: &[detail("DescribeAppEnvironmentDetail", &[("AppId", "AppId"), ("EnvId", "AppEnvId")])],
            says: Says::Has(&[Param("AppSchemaId", "AppSchemaId"), Param("Replicas", "Replicas")]),
            before: true,
            ..Sight::LISTED
        }),
    ),
    ("DeleteAppEnvironment", Ok(Sight { reads: ENVS, says: Says::Gone(&[Param("EnvId", "EnvId")]), ..Sight::LATER })),
    (
        "CreateDeployConfig",
        Ok(Sight {
            reads: CONFIGS,
            says: Says::Listed(&[Param("Name", "Name"), Param("EnvType", "EnvType")]),
            before: true,
            late: false,
            gives: &[("AppId", "AppId"), ("Name", "Name"), ("SchemaId", "Id")],
        }),
    ),
    ("DeleteDeployConfig", Err("no read shows a deploy configuration by its id alone, without its application")),
    (
        "UpdateDeployConfig",
        Ok(Sight {
            reads: CONFIG,
            says: Says::Has(&[
                Param("ContainerCodePath.CodePath", "CodePath"),
                Param("ContainerYamlConf.ConfigMap", "ConfigMap"),
                Param("ContainerYamlConf.StatefulSet", "StatefulSet"),
                Param("ContainerYamlConf.Deployment", "Deployment"),
                Param("ContainerYamlConf.ConfigMapList", "ConfigMapList"),
            ]),
            before: true,
            ..Sight::LISTED
        }),
    ),
    (
        "CreatePersistentVolumeClaim",
        Ok(Sight { reads: CLAIMS, says: Says::Listed(&[Param("Name", "Name")]), ..Sight::LISTED }),
    ),
    (
        "DeletePersistentVolumeClaim",
        Ok(Sight { reads: CLAIMS, says: Says::Gone(&[Param("Name", "PersistentVolumeClaimName")]), ..Sight::LATER }),
    ),
    (
        "CreateSlbAP",
        Ok(Sight {
            reads: LISTENERS,
            says: Says::Listed(&[
                Param("SlbId", "SlbId"),
                Param("ListenerPort", "ListenerPort"),
                Param("Name", "Name"),
                Param("RealServerPort", "RealServerPort"),
            ]),
            gives: &[("SlbAPId", "SlbAPId")],
            ..Sight::LISTED
        }),
    ),
    (
        "ModifySlbAP",
        Ok(Sight {
            reads: LISTENER,
            says: Says::Has(&[
                Param("Name", "Name"),
                Param("RealServerPort", "RealServerPort"),
                Param("EstablishedTimeout", "EstablishedTimeout"),
                Param("StickySession", "StickySession"),
                Param("SslCertId", "SslCertId"),
                Param("CookieTimeout", "CookieTimeout"),
            ]),
            before: true,
            ..Sight::LISTED
        }),
    ),
    ("DeleteSlbAP", Ok(Sight { reads: LISTENER, says: Says::Gone(&[Param("SlbAPId", "SlbAPId")]), ..Sight::LATER })),
    (
        "ModifyService",
        Ok(Sight {
            reads: SERVICE,
            says: Says::Has(&[Param("Name", "Name"), Param("PortMappings", "PortMappings")]),
            before: true,
            ..Sight::LISTED
        }),
    ),
    (
        "DeleteService",
        Ok(Sight { reads: SERVICE, says: Says::Gone(&[Param("ServiceId", "ServiceId")]), ..Sight::LISTED }),
    ),
    (
        "CreateService",
        Ok(Sight {
            reads: SERVICES,
            says: Says::Listed(&[
                Param("K8sServiceId", "K8sServiceId"),
                Param("Name", "Name"),
                Param("ServiceType", "ServiceType"),
            ]),
            before: true,
            late: false,
            gives: &[("ServiceId", "ServiceId")],
        }),
    ),
    (
        "DeployApp",
        Ok(Sight {
            reads: ORDERS,
            says: Says::Newer("DeployOrderId", &[Param("Name", "Name")]),
            before: true,
            late: false,
            gives: &[("DeployOrderId", "DeployOrderId")],
        }),
    ),
    (
        "ScaleApp",
        Ok(Sight {
            reads: SCALE_ORDERS,
            says: Says::Newer("DeployOrderId", &[Param("Replicas", "Replicas")]),
            before: true,
            late: false,
            gives: &[("DeployOrderId", "DeployOrderId")],
        }),
    ),
    (
        "ResumeDeploy",
        Ok(Sight {
            reads: ORDER,
            says: Says::Changed(&["CurrentPartitionNum", "Status"]),
            before: true,
            ..Sight::LISTED
        }),
    ),
    ("CloseDeployOrder", Ok(Sight { reads: ORDER, says: Says::Has(&[Text("Result", "4")]), ..Sight::LISTED })),
    (
        "CreatePersistentVolume",
        Ok(Sight { reads: VOLUMES, says: Says::Listed(&[Param("Name", "Name")]), ..Sight::LISTED }),
    ),
    (
        "DeletePersistentVolume",
        Ok(Sight { reads: VOLUMES, says: Says::Gone(&[Param("Name", "PersistentVolumeName")]), ..Sight::LATER }),
    ),
    (
        "CreateNodeLabel",
        Ok(Sight {
            reads: LABELS,
            says: Says::Listed(&[Param("LabelKey", "LabelKey"), Param("LabelValue", "LabelValue")]),
            gives: &[("ClusterId", "ClusterId"), ("Id", "Id"), ("LabelKey", "LabelKey"), ("LabelValue", "LabelValue")],
            ..Sight::LISTED
        }),
    ),
    (
        "DeleteNodeLabel",
        Ok(Sight {
            reads: LABELS,
            says: Says::Gone(&[Param("LabelKey", "LabelKey"), Param("LabelValue", "LabelValue")]),
            ..Sight::LISTED
        }),
    ),
    (
        "BindNodeLabel",
        Ok(Sight { reads: BINDINGS, says: Says::Listed(&[Param("InstanceId", "InstanceId")]), ..Sight::LISTED }),
    ),
    (
        "UnbindNodeLabel",
        Ok(Sight { reads: BINDINGS, says: Says::Gone(&[Param("InstanceId", "InstanceId")]), ..Sight::LISTED }),
    ),
    (
        "CreateAppResourceAlloc",
        Ok(Sight {
            reads: ALLOCATIONS,
            says: Says::Listed(&[Param("AppEnvId", "AppEnvId"), Param("ClusterId", "ClusterId")]),
            gives: &[("AppEnvId", "AppEnvId"), ("AppId", "AppId"), ("ClusterId", "ClusterId"), ("Id", "Id")],
            ..Sight::LISTED
        }),
    ),
    (
        "DeleteAppResourceAlloc",
        Ok(Sight { reads: ALLOCATIONS, says: Says::Gone(&[Param("AppEnvId", "AppEnvId")]), ..Sight::LISTED }),
    ),
    (
        "DeleteCluster",
        Ok(Sight { reads: CLUSTERS, says: Says::Gone(&[Param("InstanceId", "ClusterInstanceId")]), ..Sight::LISTED }),
    ),
    (
        "AddClusterNode",
        Ok(Sight { reads: NODES, says: Says::Listed(&[Param("InstanceId", "EcsInstanceIdList")]), ..Sight::LATER }),
    ),
    (
        "RemoveClusterNode",
        Ok(Sight { reads: NODES, says: Says::Gone(&[Param("InstanceId", "EcsInstanceIdList")]), ..Sight::LATER }),
    ),
    (
        "CreateCluster",
        Ok(Sight {
            reads: CLUSTERS,
            says: Says::Listed(&[Param("ClusterTitle", "ClusterTitle")]),
            before: true,
            late: false,
            gives: &[("ClusterInstanceId", "InstanceId")],
        }),
    ),
    (
        "DeleteRdsAccount",
        Ok(Sight { reads: ACCOUNTS, says: Says::Gone(&[Param("AccountName", "AccountName")]), ..Sight::LATER }),
    ),
    (
        "GrantDbToAccount",
        Ok(Sight {
            reads: ACCOUNTS,
            says: Says::Has(&[Param("DatabasePrivileges", "DbName=DBName,AccountPrivilege=AccountPrivilege")]),
            before: true,
            ..Sight::LISTED
        }),
    ),
    ("CreateDb", Ok(Sight { reads: DATABASES, says: Says::Listed(&[Param("DBName", "DbName")]), ..Sight::LISTED })),
    (
        "DeleteDatabase",
        Ok(Sight { reads: DATABASES_TOO, says: Says::Gone(&[Param("DBName", "DBName")]), ..Sight::LISTED }),
    ),
];

/// How to see whether a write of this action took effect.
///
/// # Errors
/// Why nothing shows it.
pub(crate) fn look_for(action: &str) -> Result<&'static Sight, &'static str> {
    match SIGHTS.iter().find(|(name, _)| *name == action) {
        Some((_, sight)) => sight.as_ref().map_err(|why| *why),
        None => Err("the operation is not in the catalogue, which knows no read that shows its effect"),
    }
}

/// Every operation that the table names.
#[cfg(test)]
pub(crate) fn seen() -> impl Iterator<Item = (&'static str, bool)> {
    SIGHTS.iter().map(|(action, sight)| (*action, sight.is_ok()))
}
