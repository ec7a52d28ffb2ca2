//! Clusters, their nodes and node labels, their volumes, and which environment runs on which cluster.

// Every word of this table is defined by the folder's first page.
use super::*;

const CLUSTER: &str = "Instance id of the cluster, such as c-demo-prod.";
const CLUSTER_ID: Param = Param::query("ClusterId", STRING, CLUSTER);
const CLUSTER_INSTANCE_ID: Param = Param::query("ClusterInstanceId", STRING, CLUSTER);
const ENV_CLASS: Check = Check::OneOf(&["TEST", "PRO"]);
const FLAG: Check = Check::OneOf(&["0", "1"]);
const INSTANCE_ID: Param = Param::query("InstanceId", STRING, "ECS instance id of the node, such as i-demo-0001.");
const ECS_INSTANCES: Param = Param::query("EcsInstanceIdList", Type::List(Scalar::String), "ECS instance ids.");
const LABEL_KEY: Param = Param::query("LabelKey", STRING, "Key of the label, such as label.jst.com/zone.");
const NEW_LABEL_KEY: Param = LABEL_KEY.checks(&[
    Check::Pattern { regex: r"^label\.jst\.com/", says: "starts with label.jst.com/" },
    Check::Pattern { regex: r"[^/\s]\s*$", says: "has a name behind label.jst.com/" },
]);
const LABEL_VALUE: Param = Param::query("LabelValue", STRING, "Value of the label.");
const PAGE_NUM: Param = Param { name: "PageNum", ..PAGE_NUMBER };
/// Each rule by itself, so that every broken one is named.
const PASSWORD: &[Check] = &[
    Check::Length(8, usize::MAX),
    Check::Pattern { regex: "[A-Z]", says: "has an upper-case letter" },
    Check::Pattern { regex: "[a-z]", says: "has a lower-case letter" },
    Check::Pattern { regex: "[0-9]", says: "has a digit" },
    Check::Pattern { regex: r"[^A-Za-z0-9\s]", says: "has a special character" },
];

const LABEL_FIELDS: &[Field] = &[string("ClusterId"), int("Id"), string("LabelKey"), string("LabelValue")];
const ALLOCATION_FIELDS: &[Field] =
    &[int("AppEnvId"), int("AppId"), string("ClusterId"), int("Id"), string("ResourceDef")];
const NODE_FIELDS: &[Field] = &[
    string("OSName"),
    string("BusinessCode"),
    string("EcsConfiguration"),
    string("EcsCpu"),
    string("EcsEip"),
    string("EcsExpiredTime"),
    string("EcsLocalStorageCapacity"),
    string("EcsMemory"),
    string("EcsOsType"),
    string("EcsPrivateIp"),
    string("EcsPublicIp"),
    string("EcsZone"),
    string("InstanceId"),
    string("InstanceName"),
    string("InstanceNetworkType"),
    string("InstanceType"),
    string("InternetMaxBandwidthIn").means("Mbps"),
    string("InternetMaxBandwidthOut").means("Mbps"),
    string("RegionId"),
    string("VpcId"),
];

/// The document names the list and no field of it; its sample has these. `cupRequest` is the service's spelling.
const ALLOCATED_POD_FIELDS: &[Field] = &[
    int("appId"),
    string("appName"),
    string("cupRequest"),
    int("envId"),
    string("envName"),
    string("memRequest"),
    int("podCount"),
];
/// Likewise.
const AVAILABLE_POD_FIELDS: &[Field] = &[int("availablePodCount"), string("cupRequest"), string("memRequest")];

pub(super) const CHAPTER: Chapter = Chapter {
    title: "cluster",
    operations: &[
        Operation {
            action: "CreatePersistentVolume",
            function: "create_persistent_volume",
            section: "5.1.1",
            effect: Effect::Write,
            method: Method::Post,
            help: "Creates a persistent volume on NAS in a cluster.",
            subject: subject::CLUSTER,
            params: &[
                ACCESS_MODES.in_body().required(),
                CAPACITY.in_body().required(),
                CLUSTER_INSTANCE_ID.in_body().required(),
                Param::body("MountTargetDomain", STRING, "Domain name of the NAS mount target.").required(),
                Param::body("Name", STRING, "Name of the volume, unique in the cluster.")
                    .checks(STORAGE_NAME)
                    .required(),
                Param::body("NFSVersion", STRING, "NFS protocol version to mount with.")
                    .checks(&[Check::OneOf(&["3", "4.0"])])
                    .required(),
                Param::body("ReclaimPolicy", STRING, "What happens to the storage when its claim is gone.")
                    .checks(&[Check::OneOf(&["Retain", "Delete"])])
                    .required(),
                Param { help: "Name of a storage class that does not exist yet.", ..STORAGE_CLASS }
                    .in_body()
                    .required(),
                Param::body("MountDir", STRING, "Directory of the NAS to mount, such as /data.")
                    .checks(&[Check::Pattern { regex: "^/", says: "begins with /" }])
                    .default("/"),
                Param::body("NasType", STRING, "Kind of NAS file system.").later(),
            ],
            reply: &[
                string("RequestId"),
                int("Code"),
                string("ErrMsg"),
                object("Result", &[int("PersistentVolumeId")]),
            ],
            example: r#"{"AccessModes": "ReadWriteMany", "Capacity": "500Gi", "ClusterInstanceId": "c-demo-test", "MountTargetDomain": "demo.cn-zhangjiakou.nas.aliyuncs.com", "Name": "pv-uploads", "NFSVersion": "4.0", "ReclaimPolicy": "Retain", "StorageClass": "nas-uploads"}"#,
            ..Operation::BASE
        },
        Operation {
            action: "ListPersistentVolume",
            function: "list_persistent_volume",
            section: "5.1.2",
            effect: Effect::Read,
            method: Method::Post,
            help: "Lists the persistent volumes of a cluster.",
            subject: subject::CLUSTER,
            params: &[
                CLUSTER_INSTANCE_ID.in_body().required(),
                PAGE_NUMBER.in_body().required(),
                RECORDS.in_body().checks(&[Check::Range(1, 100)]).required(),
            ],
            paging: Some(Paging::NUMBER),
            reply: &[
                string("RequestId"),
                int("Code"),
                int("PageSize"),
                int("PageNumber"),
                int("TotalCount"),
                string("ErrMsg"),
                objects(
                    "Data",
                    &[
                        string("Name"),
                        string("Capacity"),
                        string("AccessModes"),
                        string("ReclaimPolicy"),
                        string("Status"),
                        string("PvcName"),
                        string("MountDir"),
                        string("StorageClass"),
                        string("Reason"),
                        string("CreateTime"),
                    ],
                ),
            ],
            example: r#"{"ClusterInstanceId": "c-demo-prod", "PageNumber": 1, "PageSize": 20}"#,
            ..Operation::BASE
        },
        Operation {
            action: "DeletePersistentVolume",
            function: "delete_persistent_volume",
            section: "5.1.3",
            effect: Effect::Destructive,
            method: Method::Post,
            help: "Deletes a persistent volume that is not bound to a claim.",
            subject: subject::VOLUME_OF_CLUSTER,
            params: &[
                CLUSTER_INSTANCE_ID.in_body().required(),
                Param::body("PersistentVolumeName", STRING, "Name of the volume.").required(),
            ],
            reply: &[string("RequestId"), int("Code"), string("ErrMsg"), object("Result", &[bool("Success")])],
            example: r#"{"ClusterInstanceId": "c-demo-prod", "PersistentVolumeName": "pv-demo-1"}"#,
            ..Operation::BASE
        },
        Operation {
            action: "CreateNodeLabel",
            function: "create_node_label",
            section: "5.2.1",
            effect: Effect::Write,
            method: Method::Post,
            help: "Creates a node label without binding it to a node.",
            subject: subject::LABELLED_CLUSTER,
            params: &[CLUSTER_ID.required(), NEW_LABEL_KEY.required(), LABEL_VALUE.required()],
            reply: &[
                int("Code"),
                string("ErrMsg"),
                string("RequestId"),
                bool("Success"),
                object("Result", LABEL_FIELDS),
            ],
            example: r#"{"ClusterId": "c-demo-prod", "LabelKey": "label.jst.com/tier", "LabelValue": "gold"}"#,
            ..Operation::BASE
        },
        Operation {
            action: "ListNodeLabels",
            function: "list_node_labels",
            section: "5.2.2",
            effect: Effect::Read,
            method: Method::Post,
            help: "Lists the node labels of a cluster.",
            subject: subject::LABELLED_CLUSTER,
            params: &[
                CLUSTER_ID.required(),
                PAGE_NUMBER.required(),
                RECORDS.required(),
                Param { help: "Only labels of this key.", ..LABEL_KEY },
            ],
            paging: Some(Paging::NUMBER),
            reply: &[
                int("Code"),
                string("ErrorMsg"),
                int("PageNumber"),
                int("PageSize"),
                string("RequestId"),
                int("TotalCount"),
                objects("Data", LABEL_FIELDS),
            ],
            example: r#"{"ClusterId": "c-demo-prod", "PageNumber": 1, "PageSize": 20}"#,
            ..Operation::BASE
        },
        Operation {
            action: "DeleteNodeLabel",
            function: "delete_node_label",
            section: "5.2.3",
            effect: Effect::Destructive,
            method: Method::Post,
            help: "Deletes a node label.",
            subject: subject::LABEL,
            params: &[
                CLUSTER_ID.required(),
                Param::query(
                    "Force",
                    BOOLEAN,
                    "true removes the label from every node first; false refuses while it is bound.",
                )
                .required(),
                LABEL_KEY.required(),
                LABEL_VALUE.required(),
            ],
            reply: &[int("Code"), string("ErrMsg"), string("RequestId"), bool("Success")],
            example: r#"{"ClusterId": "c-demo-prod", "Force": true, "LabelKey": "label.jst.com/zone", "LabelValue": "web"}"#,
            ..Operation::BASE
        },
        Operation {
            action: "BindNodeLabel",
            function: "bind_node_label",
            section: "5.2.4",
            effect: Effect::Write,
            method: Method::Post,
            help: "Puts a label on a node, creating the label when it does not exist.",
            subject: subject::NODE,
            params: &[CLUSTER_ID.required(), INSTANCE_ID.required(), NEW_LABEL_KEY.required(), LABEL_VALUE.required()],
            reply: &[int("Code"), string("ErrMsg"), string("RequestId"), bool("Success")],
            example: r#"{"ClusterId": "c-demo-prod", "InstanceId": "i-demo-0001", "LabelKey": "label.jst.com/tier", "LabelValue": "gold"}"#,
            ..Operation::BASE
        },
        Operation {
            action: "UnbindNodeLabel",
            function: "unbind_node_label",
            section: "5.2.5",
            effect: Effect::Write,
            method: Method::Post,
            help: "Takes a label off a node.",
            subject: subject::NODE,
            params: &[CLUSTER_ID.required(), INSTANCE_ID.required(), LABEL_KEY.required(), LABEL_VALUE.required()],
            reply: &[int("Code"), string("ErrMsg"), string("RequestId"), bool("Success")],
            example: r#"{"ClusterId": "c-demo-prod", "InstanceId": "i-demo-0001", "LabelKey": "label.jst.com/zone", "LabelValue": "web"}"#,
            ..Operation::BASE
        },
        Operation {
            action: "ListNodeLabelBindings",
            function: "list_node_label_bindings",
            section: "5.2.6",
            effect: Effect::Read,
            method: Method::Get,
            help: "Lists which nodes carry which labels.",
            subject: subject::LABELLED_CLUSTER,
            params: &[
                CLUSTER_ID,
                Param { help: "Only labels on this ECS instance.", ..INSTANCE_ID },
                Param { help: "Only labels of this key.", ..LABEL_KEY },
                Param { help: "Only labels of this value.", ..LABEL_VALUE },
                PAGE_NUMBER.required(),
                RECORDS.required(),
            ],
            paging: Some(Paging::NUMBER),
            reply: &[
                int("Code"),
                string("ErrorMsg"),
                int("PageNumber"),
                int("PageSize"),
                string("RequestId"),
                int("TotalCount"),
                objects(
                    "Data",
                    &[
                        int("Id"),
                        string("InstanceId"),
                        string("InstanceType"),
                        string("LabelKey"),
                        string("LabelValue"),
                    ],
                ),
            ],
            example: r#"{"ClusterId": "c-demo-prod", "PageNumber": 1, "PageSize": 20}"#,
            ..Operation::BASE
        },
        Operation {
            action: "CreateAppResourceAlloc",
            function: "create_app_resource_alloc",
            section: "5.3.1",
            effect: Effect::Write,
            method: Method::Post,
            help: "Gives an environment the computing resources of a cluster.",
            subject: subject::APP_ENVIRONMENT,
            params: &[APP_ENV_ID.required(), APP_ID.required(), CLUSTER_ID.required()],
            reply: &[
                int("Code"),
                string("ErrMsg"),
                string("RequestId"),
                bool("Success"),
                object("Result", ALLOCATION_FIELDS),
            ],
            example: r#"{"AppEnvId": 3031, "AppId": 1012, "ClusterId": "c-demo-test"}"#,
            ..Operation::BASE
        },
        Operation {
            action: "ListAppResourceAllocs",
            function: "list_app_resource_allocs",
            section: "5.3.2",
            effect: Effect::Read,
            method: Method::Get,
            help: "Lists which environments run on which clusters.",
            subject: Subject::Nothing("it lists the whole account"),
            params: &[PAGE_NUMBER.required(), RECORDS.required(), APP_ENV_ID, APP_ID, CLUSTER_ID],
            paging: Some(Paging::NUMBER),
            reply: &[
                int("Code"),
                string("ErrorMsg"),
                int("PageNumber"),
                int("PageSize"),
                string("RequestId"),
                int("TotalCount"),
                objects("Data", ALLOCATION_FIELDS),
            ],
            example: r#"{"PageNumber": 1, "PageSize": 20}"#,
            ..Operation::BASE
        },
        Operation {
            action: "DeleteAppResourceAlloc",
            function: "delete_app_resource_alloc",
            section: "5.3.3",
            effect: Effect::Destructive,
            method: Method::Post,
            help: "Releases an environment from its cluster.",
            subject: subject::APP_ENVIRONMENT,
            params: &[APP_ENV_ID.required()],
            reply: &[int("Code"), string("ErrMsg"), string("RequestId"), bool("Success")],
            example: r#"{"AppEnvId": 3032}"#,
            ..Operation::BASE
        },
        Operation {
            action: "DescribeAppResourceAlloc",
            function: "describe_app_resource_alloc",
            section: "5.3.4",
            effect: Effect::Read,
            method: Method::Get,
            help: "Shows the cluster that an environment runs on.",
            subject: subject::APP_ENVIRONMENT,
            params: &[APP_ENV_ID.required()],
            reply: &[
                int("Code"),
                string("ErrMsg"),
                string("RequestId"),
                bool("Success"),
                object("Result", ALLOCATION_FIELDS),
            ],
            example: r#"{"AppEnvId": 3002}"#,
            ..Operation::BASE
        },
        Operation {
            action: "ListCluster",
            function: "list_cluster",
            section: "5.4.1",
            effect: Effect::Read,
            method: Method::Get,
            help: "Lists clusters; the root password in the reply is masked.",
            subject: Subject::Nothing("it lists the whole account"),
            params: &[
                Param::query("BusinessCode", STRING, "Only clusters of this business domain.").checks(&[BUSINESS]),
                Param::query("EnvType", STRING, "TEST for test clusters, PRO for production.").checks(&[ENV_CLASS]),
                PAGE_NUM,
                RECORDS,
            ],
            paging: Some(Paging::NUM),
            reply: &[
                int("Code"),
                string("ErrorMsg"),
                int("PageNumber"),
                int("PageSize"),
                string("RequestId"),
                int("TotalCount"),
                objects(
                    "Data",
                    &[
                        string("BusinessCode"),
                        string("ClusterTitle"),
                        string("CreateStatus"),
                        string("EnvType").means("0 test, 1 production"),
                        int("Id"),
                        string("InstanceId"),
                        string("KeyPair"),
                        string("NetPlug"),
                        string("Password").secret(),
                        string("PodCIDR"),
                        string("RegionId"),
                        string("RegionName"),
                        string("ServiceCIDR"),
                        string("Status"),
                        string("VpcId"),
                        string("WorkLoadCpu").means("a share: 0.57 is 57 %"),
                        string("WorkLoadMem").means("a share: 0.57 is 57 %"),
                        strings("EcsIds"),
                        strings("VswitchIds"),
                    ],
                ),
            ],
            example: r#"{"EnvType": "PRO"}"#,
            ..Operation::BASE
        },
        Operation {
            action: "DeleteCluster",
            function: "delete_cluster",
            section: "5.4.2",
            effect: Effect::Destructive,
            method: Method::Post,
            help: "Deletes a cluster.",
            subject: subject::CLUSTER,
            params: &[CLUSTER_INSTANCE_ID.required()],
            reply: &[
                int("Code"),
                string("ErrMsg"),
                string("RequestId"),
                bool("Success"),
                object("Result", &[int("Nonsense").means("nothing")]),
            ],
            example: r#"{"ClusterInstanceId": "c-demo-spare"}"#,
            ..Operation::BASE
        },
        Operation {
            action: "ListClusterNode",
            function: "list_cluster_node",
            section: "5.4.3",
            effect: Effect::Read,
            method: Method::Get,
            help: "Lists the ECS nodes of a cluster.",
            subject: subject::CLUSTER,
            params: &[CLUSTER_INSTANCE_ID.required(), PAGE_NUM, RECORDS],
            paging: Some(Paging::NUM),
            reply: &[
                int("Code"),
                string("ErrorMsg"),
                int("PageNumber"),
                int("PageSize"),
                string("RequestId"),
                int("TotalCount"),
                objects("Data", NODE_FIELDS),
            ],
            example: r#"{"ClusterInstanceId": "c-demo-prod"}"#,
            ..Operation::BASE
        },
        Operation {
            action: "QueryClusterDetail",
            function: "query_cluster_detail",
            section: "5.4.4",
            effect: Effect::Read,
            method: Method::Get,
            help: "Shows one cluster: its network, its nodes and how loaded they are.",
            subject: subject::CLUSTER,
            params: &[CLUSTER_INSTANCE_ID.required()],
            reply: &[
                int("Code"),
                string("ErrMsg"),
                string("RequestId"),
                bool("Success"),
                object(
                    "Result",
                    &[
                        strings("NodeWorkLoadList"),
                        object(
                            "BasicInfo",
                            &[
                                string("BusinessCode"),
                                int("ClusterId"),
                                string("ClusterInstanceId"),
                                string("ClusterName"),
                                string("EnvType").means("0 test, 1 production"),
                                bool("HasInstallArmsPilot"),
                                bool("HasInstallLogController"),
                                bool("InstallArmsInProcess"),
                                bool("InstallLogInProcess"),
                                string("MainUserId"),
                                string("RegionId"),
                                string("RegionName"),
                                string("UserNick"),
                                string("VpcId"),
                                strings("EcsIds"),
                                strings("Vswitchs"),
                            ],
                        ),
                        object(
                            "InstanceInfo",
                            &[
                                int("AllocatePodCount"),
                                int("AppCount"),
                                objects("AllocatedPodInfoList", ALLOCATED_POD_FIELDS),
                                objects("AvailablePodInfoList", AVAILABLE_POD_FIELDS),
                            ],
                        ),
                        object("NetInfo", &[string("NetPlugType"), string("ProdCIDR"), string("ServiceCIDR")]),
                        object(
                            "WorkLoad",
                            &[
                                int("AllNodeCount"),
                                int("AllocateAllPodCount"),
                                int("AllocateAppPodCount"),
                                string("CpuCapacityTotal"),
                                string("CpuLevel"),
                                string("CpuRequest"),
                                string("CpuRequestPercent").means("a share: 0.57 is 57 %"),
                                string("CpuTotal"),
                                string("CpuUse"),
                                string("CpuUsePercent").means("a share: 0.57 is 57 %"),
                                string("MemCapacityTotal").means("bytes"),
                                string("MemLevel"),
                                string("MemRequest").means("bytes"),
                                string("MemRequestPercent").means("a share: 0.57 is 57 %"),
                                string("MemTotal").means("bytes"),
                                string("MemUse").means("bytes"),
                                string("MemUsePercent").means("a share: 0.57 is 57 %"),
                            ],
                        ),
                    ],
                ),
            ],
            example: r#"{"ClusterInstanceId": "c-demo-prod"}"#,
            ..Operation::BASE
        },
        Operation {
            action: "AddClusterNode",
            function: "add_cluster_node",
            section: "5.4.5",
            effect: Effect::Write,
            method: Method::Post,
            help: "Adds ECS instances to a cluster as nodes.",
            subject: subject::NODES_TO_ADD,
            params: &[CLUSTER_INSTANCE_ID.required(), ECS_INSTANCES.required()],
            reply: &[
                int("Code"),
                string("ErrMsg"),
                string("RequestId"),
                bool("Success"),
                object("Result", &[int("Nonsense").means("nothing")]),
            ],
            example: r#"{"ClusterInstanceId": "c-demo-test", "EcsInstanceIdList": ["i-demo-0009"]}"#,
            ..Operation::BASE
        },
        Operation {
            action: "RemoveClusterNode",
            function: "remove_cluster_node",
            section: "5.4.6",
            effect: Effect::Destructive,
            method: Method::Post,
            help: "Removes ECS nodes from a cluster.",
            subject: subject::NODES_OF_CLUSTER,
            params: &[CLUSTER_INSTANCE_ID.required(), ECS_INSTANCES.required()],
            reply: &[
                int("Code"),
                string("ErrMsg"),
                string("RequestId"),
                bool("Success"),
                object("Result", &[int("Nonsense").means("nothing")]),
            ],
            example: r#"{"ClusterInstanceId": "c-demo-prod", "EcsInstanceIdList": ["i-demo-0001"]}"#,
            ..Operation::BASE
        },
        Operation {
            action: "CreateCluster",
            function: "create_cluster",
            section: "5.4.7",
            effect: Effect::Write,
            method: Method::Post,
            help: "Creates a Kubernetes cluster.",
            subject: Subject::Nothing("it creates a cluster"),
            params: &[
                Param::query("BusinessCode", STRING, "Business domain that the cluster serves.")
                    .checks(&[BUSINESS])
                    .required(),
                Param::query("ClusterEnvType", STRING, "TEST for a test cluster, PRO for production.")
                    .checks(&[ENV_CLASS])
                    .required(),
                Param::query("ClusterTitle", STRING, "Name of the cluster.").required(),
                Param::query("ClusterType", STRING, "Kind of cluster; Standard is the managed one.")
                    .checks(&[Check::OneOf(&["Windows", "Serverless", "Standard"])])
                    .required(),
                Param::query("RegionId", STRING, "Alibaba Cloud region, such as cn-zhangjiakou.").required(),
                Param::query("VpcId", STRING, "VPC that the cluster lives in.").required(),
                Param::query("Vswitchids", Type::List(Scalar::String), "VSwitches of that VPC.").required(),
                Param::query("CloudMonitorFlags", INTEGER, "1 installs cloud monitoring on hosts that join later.")
                    .checks(&[FLAG])
                    .default("1"),
                Param::query("ClusterId", LONG, "Has no effect."),
                Param::query("CreateWithArmsIntegration", BOOLEAN, "Has no effect at present."),
                Param::query(
                    "CreateWithLogIntegration",
                    BOOLEAN,
                    "Whether to log into an SLS project of its own; Standard only.",
                )
                .default("false"),
                Param::query("KeyPair", STRING, "SSH key pair for the hosts; or Password."),
                Param::query("NetPlug", STRING, "Has no effect at present."),
                Param::query("Password", STRING, "Root password for the hosts; or KeyPair.").checks(PASSWORD).secret(),
                Param::query("PodCIDR", STRING, "Address range of the pods, such as 172.22.0.0/16.")
                    .checks(&[Check::Cidr]),
                Param::query("PrivateZone", BOOLEAN, "Has no effect at present."),
                Param::query("PublicSlb", INTEGER, "1 opens the API server to the internet on an EIP.").checks(&[FLAG]),
                Param::query("RegionName", STRING, "Name of the region."),
                Param::query("ServiceCIDR", STRING, "Address range of the services, such as 172.23.0.0/20.")
                    .checks(&[Check::Cidr]),
                Param::query(
                    "SnatEntry",
                    INTEGER,
                    "1 gives the VPC a way out to the internet; 0 only if the hosts have one.",
                )
                .checks(&[FLAG])
                .default("1"),
            ],
            rules: &[
                Rule::NeededWith { param: "PodCIDR", with: "ClusterType", values: &["Windows", "Standard"] },
                Rule::NeededWith { param: "ServiceCIDR", with: "ClusterType", values: &["Windows", "Standard"] },
                // The text has them as alternatives; the sample gives both, and was answered.
                Rule::OneOrBoth("KeyPair", "Password"),
                Rule::OnlyWith { param: "CreateWithLogIntegration", with: "ClusterType", values: &["Standard"] },
                Rule::Apart("PodCIDR", "ServiceCIDR"),
            ],
            reply: &[
                int("Code"),
                string("ErrMsg"),
                string("RequestId"),
                bool("Success"),
                object("Result", &[string("ClusterInstanceId")]),
            ],
            example: r#"{"BusinessCode": "JST", "ClusterEnvType": "TEST", "ClusterTitle": "load tests", "ClusterType": "Standard", "RegionId": "cn-zhangjiakou", "VpcId": "vpc-demo-1", "Vswitchids": ["vsw-demo-1"], "KeyPair": "ops", "PodCIDR": "172.22.0.0/16", "ServiceCIDR": "172.23.0.0/20"}"#,
            ..Operation::BASE
        },
        Operation {
            action: "ListAvailableClusterNode",
            function: "list_available_cluster_node",
            section: "5.4.8",
            effect: Effect::Read,
            method: Method::Get,
            help: "Lists the ECS instances that can be added to a cluster.",
            subject: subject::CLUSTER,
            params: &[CLUSTER_INSTANCE_ID.required(), PAGE_NUM, RECORDS],
            paging: Some(Paging::NUM),
            reply: &[
                int("Code"),
                string("ErrorMsg"),
                int("PageNumber"),
                int("PageSize"),
                string("RequestId"),
                int("TotalCount"),
                objects("Data", NODE_FIELDS),
            ],
            example: r#"{"ClusterInstanceId": "c-demo-test"}"#,
            ..Operation::BASE
        },
    ],
};
