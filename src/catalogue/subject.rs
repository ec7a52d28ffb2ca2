//! What a call is about: the kinds of things that the API works on, what names one, and which reads show it.
//!
//! A call of `DeleteAppEnvironment` is about the environment that its `EnvId` names. People know that
//! environment by other words, which the reads here find: `environment 3002 商城前台 / 正式环境`.

/// What calls of an operation are about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Subject {
    /// One thing, or several of a kind that a list names.
    Thing(&'static Thing),
    /// No one thing that is there before the call, for this reason.
    Nothing(&'static str),
}

/// A thing, as the parameters of one operation name it.
#[derive(Debug, PartialEq)]
pub(crate) struct Thing {
    /// What kind of thing it is.
    pub kind: &'static Kind,
    /// The parameter that names it.
    pub param: &'static str,
    /// What it is a part of. Its parameter may be known only once the part was shown.
    pub of: Option<&'static Thing>,
}

/// A kind of thing.
#[derive(Debug, PartialEq)]
pub(crate) struct Kind {
    /// What people call it: `environment`.
    pub name: &'static str,
    /// What its id is called among what is known of a call, whichever parameter gave it.
    pub id: &'static str,
    /// The reads that show it, to be made in this order.
    pub reads: &'static [Read],
}

/// A read that shows a thing, or leads to the read that does.
#[derive(Debug, PartialEq)]
pub(crate) struct Read {
    /// The operation.
    pub action: &'static str,
    /// Its parameters, each with what it is called among what is known: parameters of the call, ids of
    /// things, fields of records that earlier reads showed.
    pub params: &'static [(&'static str, &'static str)],
    /// The way to the record in the reply, or to the list with the record in it.
    pub at: &'static [&'static str],
    /// In a list: the field of the record that holds the thing's id.
    pub key: Option<&'static str>,
    /// The field with a part of the thing's name; `None` where its id is its name, or this read only leads on.
    pub name: Option<&'static str>,
    /// What it is made to learn. It is not made when that is known already.
    pub finds: Option<&'static str>,
}

impl Read {
    pub(super) const RESULT: Self =
        Self { action: "", params: &[], at: &["Result"], key: None, name: None, finds: None };
    pub(super) const LIST: Self = Self { at: &["Data"], ..Self::RESULT };
}

const APPLICATION_READ: Read =
    Read { action: "DescribeAppDetail", params: &[("AppId", "AppId")], name: Some("Title"), ..Read::RESULT };

static APPLICATION_KIND: Kind = Kind { name: "application", id: "AppId", reads: &[APPLICATION_READ] };

static ENVIRONMENT_KIND: Kind = Kind {
    name: "environment",
    id: "EnvId",
    reads: &[
        // Most calls name an environment without its application, which the environment's own read wants.
        Read {
            action: "DescribeAppResourceAlloc",
            params: &[("AppEnvId", "EnvId")],
            finds: Some("AppId"),
            ..Read::RESULT
        },
        APPLICATION_READ,
        Read {
            action: "DescribeAppEnvironmentDetail",
            params: &[("AppId", "AppId"), ("EnvId", "EnvId")],
            name: Some("EnvName"),
            ..Read::RESULT
        },
    ],
};

static DEPLOY_CONFIGURATION: Kind = Kind {
    name: "deploy configuration",
    id: "SchemaId",
    reads: &[Read {
        action: "ListDeployConfig",
        params: &[("AppId", "AppId"), ("Id", "SchemaId")],
        key: Some("Id"),
        name: Some("Name"),
        ..Read::LIST
    }],
};

static VOLUME_CLAIM: Kind = Kind {
    name: "volume claim",
    id: "PersistentVolumeClaimName",
    reads: &[Read {
        action: "ListPersistentVolumeClaim",
        params: &[("AppId", "AppId"), ("EnvId", "EnvId")],
        key: Some("Name"),
        ..Read::LIST
    }],
};

static SLB_ACCESS: Kind = Kind {
    name: "load balancer access",
    id: "SlbAPId",
    reads: &[Read {
        action: "DescribeSlbAPDetail",
        params: &[("SlbAPId", "SlbAPId")],
        name: Some("Name"),
        ..Read::RESULT
    }],
};

static SERVICE_KIND: Kind = Kind {
    name: "service",
    id: "ServiceId",
    reads: &[Read {
        action: "DescribeServiceDetail",
        params: &[("ServiceId", "ServiceId")],
        name: Some("Name"),
        ..Read::RESULT
    }],
};

static DEPLOY_ORDER_KIND: Kind = Kind {
    name: "deploy order",
    id: "DeployOrderId",
    reads: &[Read {
        action: "DescribeDeployOrderDetail",
        params: &[("DeployOrderId", "DeployOrderId")],
        name: Some("Name"),
        ..Read::RESULT
    }],
};

static POD_KIND: Kind = Kind {
    name: "pod",
    id: "AppInstId",
    reads: &[Read {
        action: "ListPods",
        params: &[("DeployOrderId", "DeployOrderId")],
        key: Some("AppInstanceId"),
        ..Read::LIST
    }],
};

static CLUSTER_KIND: Kind = Kind {
    name: "cluster",
    id: "ClusterInstanceId",
    reads: &[Read {
        action: "QueryClusterDetail",
        params: &[("ClusterInstanceId", "ClusterInstanceId")],
        at: &["Result", "BasicInfo"],
        name: Some("ClusterName"),
        ..Read::RESULT
    }],
};

static VOLUME: Kind = Kind {
    name: "volume",
    id: "PersistentVolumeName",
    reads: &[Read {
        action: "ListPersistentVolume",
        params: &[("ClusterInstanceId", "ClusterInstanceId")],
        key: Some("Name"),
        ..Read::LIST
    }],
};

static LABEL_KIND: Kind = Kind {
    name: "label",
    id: "LabelKey",
    reads: &[Read {
        action: "ListNodeLabels",
        params: &[("ClusterId", "ClusterInstanceId"), ("LabelKey", "LabelKey")],
        key: Some("LabelKey"),
        ..Read::LIST
    }],
};

static NODE_KIND: Kind = Kind {
    name: "node",
    id: "InstanceId",
    reads: &[Read {
        action: "ListClusterNode",
        params: &[("ClusterInstanceId", "ClusterInstanceId")],
        key: Some("InstanceId"),
        name: Some("InstanceName"),
        ..Read::LIST
    }],
};

/// A machine that no cluster has yet.
static AVAILABLE_NODE: Kind = Kind {
    name: "node",
    id: "InstanceId",
    reads: &[Read {
        action: "ListAvailableClusterNode",
        params: &[("ClusterInstanceId", "ClusterInstanceId")],
        key: Some("InstanceId"),
        name: Some("InstanceName"),
        ..Read::LIST
    }],
};

/// No operation tells another name of an instance than its id; this one shows what is in it.
static DATABASE_INSTANCE: Kind = Kind {
    name: "database instance",
    id: "DbInstanceId",
    reads: &[Read { action: "DescribeDatabases", params: &[("InstanceId", "DbInstanceId")], ..Read::RESULT }],
};

static DATABASE_KIND: Kind = Kind {
    name: "database",
    id: "DbName",
    reads: &[Read {
        action: "DescribeDatabases",
        params: &[("InstanceId", "DbInstanceId")],
        at: &["Result", "Databases"],
        key: Some("DBName"),
        name: Some("DBDescription"),
        ..Read::RESULT
    }],
};

static DATABASE_ACCOUNT: Kind = Kind {
    name: "database account",
    id: "AccountName",
    reads: &[Read {
        action: "DescribeRdsAccounts",
        params: &[("DbInstanceId", "DbInstanceId"), ("AccountName", "AccountName")],
        at: &["Result", "Accounts"],
        key: Some("AccountName"),
        name: Some("AccountDescription"),
        ..Read::RESULT
    }],
};

const fn thing(kind: &'static Kind, param: &'static str) -> Thing {
    Thing { kind, param, of: None }
}

const fn part(kind: &'static Kind, param: &'static str, of: &'static Thing) -> Thing {
    Thing { kind, param, of: Some(of) }
}

// As the operations' parameters name them.
static APP: Thing = thing(&APPLICATION_KIND, "AppId");
static ENV: Thing = thing(&ENVIRONMENT_KIND, "EnvId");
static APP_ENV: Thing = thing(&ENVIRONMENT_KIND, "AppEnvId");
static CONFIG: Thing = part(&DEPLOY_CONFIGURATION, "Id", &APP);
/// Named without its application, which no read finds: its id is all that can be said of it.
static LONE_CONFIG: Thing = thing(&DEPLOY_CONFIGURATION, "SchemaId");
static CLAIM: Thing = part(&VOLUME_CLAIM, "PersistentVolumeClaimName", &ENV);
static ACCESS: Thing = part(&SLB_ACCESS, "SlbAPId", &ENV);
static K8S_SERVICE: Thing = part(&SERVICE_KIND, "ServiceId", &ENV);
static ORDER: Thing = part(&DEPLOY_ORDER_KIND, "DeployOrderId", &ENV);
static INSTANCE_OF_ORDER: Thing = part(&POD_KIND, "AppInstId", &ORDER);
static IN_CLUSTER: Thing = thing(&CLUSTER_KIND, "ClusterInstanceId");
static LABELLED: Thing = thing(&CLUSTER_KIND, "ClusterId");
static IN_VOLUME: Thing = part(&VOLUME, "PersistentVolumeName", &IN_CLUSTER);
static ON_LABEL: Thing = part(&LABEL_KIND, "LabelKey", &LABELLED);
static ON_NODE: Thing = part(&NODE_KIND, "InstanceId", &LABELLED);
static NODES: Thing = part(&NODE_KIND, "EcsInstanceIdList", &IN_CLUSTER);
static NEW_NODES: Thing = part(&AVAILABLE_NODE, "EcsInstanceIdList", &IN_CLUSTER);
static RDS: Thing = thing(&DATABASE_INSTANCE, "DbInstanceId");
static RDS_BY_INSTANCE: Thing = thing(&DATABASE_INSTANCE, "InstanceId");
static RDS_BY_DB: Thing = thing(&DATABASE_INSTANCE, "DBInstanceId");
static RDS_ACCOUNT: Thing = part(&DATABASE_ACCOUNT, "AccountName", &RDS);
static RDS_DATABASE: Thing = part(&DATABASE_KIND, "DBName", &RDS_BY_DB);

/// An application, by `AppId`.
pub(super) const APPLICATION: Subject = Subject::Thing(&APP);
/// An environment, by `EnvId`.
pub(super) const ENVIRONMENT: Subject = Subject::Thing(&ENV);
/// An environment, by `AppEnvId`.
pub(super) const APP_ENVIRONMENT: Subject = Subject::Thing(&APP_ENV);
/// A deploy configuration of an application, by `Id`.
pub(super) const CONFIGURATION: Subject = Subject::Thing(&CONFIG);
/// A deploy configuration, by `SchemaId` alone.
pub(super) const LONE_CONFIGURATION: Subject = Subject::Thing(&LONE_CONFIG);
/// A volume claim of an environment, by `PersistentVolumeClaimName`.
pub(super) const CLAIM_OF_ENVIRONMENT: Subject = Subject::Thing(&CLAIM);
/// A listener of a load balancer, by `SlbAPId`.
pub(super) const LISTENER: Subject = Subject::Thing(&ACCESS);
/// A Kubernetes service, by `ServiceId`.
pub(super) const SERVICE: Subject = Subject::Thing(&K8S_SERVICE);
/// A deploy order, by `DeployOrderId`.
pub(super) const DEPLOY_ORDER: Subject = Subject::Thing(&ORDER);
/// A pod of a deploy order, by `AppInstId`.
pub(super) const POD: Subject = Subject::Thing(&INSTANCE_OF_ORDER);
/// A cluster, by `ClusterInstanceId`.
pub(super) const CLUSTER: Subject = Subject::Thing(&IN_CLUSTER);
/// A cluster, by `ClusterId`, as the operations on labels call it.
pub(super) const LABELLED_CLUSTER: Subject = Subject::Thing(&LABELLED);
/// A volume of a cluster, by `PersistentVolumeName`.
pub(super) const VOLUME_OF_CLUSTER: Subject = Subject::Thing(&IN_VOLUME);
/// A label of a cluster, by `LabelKey`.
pub(super) const LABEL: Subject = Subject::Thing(&ON_LABEL);
/// A node of a cluster, by `InstanceId`.
pub(super) const NODE: Subject = Subject::Thing(&ON_NODE);
/// Nodes of a cluster, by `EcsInstanceIdList`.
pub(super) const NODES_OF_CLUSTER: Subject = Subject::Thing(&NODES);
/// Nodes that are to join a cluster, by `EcsInstanceIdList`.
pub(super) const NODES_TO_ADD: Subject = Subject::Thing(&NEW_NODES);
/// A database instance, by `DbInstanceId`.
pub(super) const DB_INSTANCE: Subject = Subject::Thing(&RDS);
/// A database instance, by `InstanceId`.
pub(super) const DB_INSTANCE_BY_INSTANCE: Subject = Subject::Thing(&RDS_BY_INSTANCE);
/// An account of a database instance, by `AccountName`.
pub(super) const DB_ACCOUNT: Subject = Subject::Thing(&RDS_ACCOUNT);
/// A database of an instance, by `DBName`.
pub(super) const DATABASE: Subject = Subject::Thing(&RDS_DATABASE);
