//! Releases: deploy orders, and the pods that they start.

// Every word of this table is defined by the folder's first page.
use super::*;

const DEPLOY_ORDER_ID: Param = Param::query("DeployOrderId", LONG, "Deploy order id.");
const APP_INST_ID: Param = Param::query("AppInstId", STRING, "Instance (pod) id, from ListPods or ListAppInstance.");
const PAUSE_TYPE: Param =
    Param::query("PauseType", STRING, "Where the release waits: after the first partition, after each, or nowhere.")
        .checks(&[Check::OneOf(&["first", "each", "none"])]);
const STATUS: Check = Check::OneOf(&["1", "2", "3"]);
const STATUS_LIST: Param =
    Param::body("StatusList", Type::List(Scalar::Integer), "Only these states: 1 running, 2 paused, 3 finished.")
        .checks(&[STATUS]);
const RESULT_LIST: Param = Param::body(
    "ResultList",
    Type::List(Scalar::Integer),
    "Only these results: 0 running, 1 succeeded, 2 failed, 4 failed by hand.",
)
.checks(&[Check::OneOf(&["0", "1", "2", "4"])]);

const STATUS_MEANS: &str = "1 running, 2 paused, 3 finished";
const RESULT_MEANS: &str = "0 running, 1 succeeded, 2 failed, 4 failed by hand";

const DEPLOY_ORDER_FIELDS: &[Field] = &[
    string("AppInstanceType"),
    int("CurrentPartitionNum"),
    int("DeployOrderId"),
    string("DeployPauseType"),
    string("DeployPauseTypeName"),
    string("DeployType"),
    string("DeployTypeName"),
    string("Description"),
    int("ElapsedTime").means("seconds"),
    string("EndTime"),
    int("EnvId"),
    string("EnvType").means("test or online"),
    string("FailureRate"),
    int("FinishAppInstanceCt"),
    string("Name"),
    string("PartitionType"),
    string("PartitionTypeName"),
    int("Result").means(RESULT_MEANS),
    string("ResultName"),
    int("SchemaId"),
    string("StartTime"),
    int("Status").means(STATUS_MEANS),
    string("StatusName"),
    int("TotalAppInstanceCt"),
    int("TotalPartitions"),
    string("UserId"),
    string("UserNick"),
];
/// What was started, or why it was not admitted.
const ADMISSION: &[Field] = &[
    bool("Admitted").means("false while releases are frozen: nothing was started"),
    string("BusinessCode").means("102000 no credential for a release, 102001 its review is under way"),
    int("DeployOrderId"),
];

pub(super) const CHAPTER: Chapter = Chapter {
    title: "release",
    operations: &[
        Operation {
            action: "DeployApp",
            function: "deploy_app",
            section: "4.1.1",
            effect: Effect::Write,
            method: Method::Post,
            help: "Releases an application to an environment, partition by partition: starts a deploy order.",
            subject: subject::ENVIRONMENT,
            params: &[
                ENV_ID.required(),
                Param::query("Name", STRING, "Name of the deploy order.").required(),
                Param::query(
                    "TotalPartitions",
                    INTEGER,
                    "Partitions to release one after another; 2 or more are advised.",
                )
                .checks(&[AT_LEAST_ONE])
                .required(),
                Param::query("DeployPacketUrl", STRING, "HTTP or HTTPS address to download the code package from.")
                    // A scheme is the same in any case.
                    .checks(&[Check::Pattern { regex: "(?i)^https?://.", says: "starts with http:// or https://" }]),
                Param::query("DeployPacketId", LONG, "Id of a code package that the platform keeps."),
                Param::query("Description", STRING, "What this release changes."),
                PAUSE_TYPE.default("none"),
                Param::query("ArmsFlag", BOOLEAN, "Whether to switch on ARMS monitoring.").default("false"),
                Param::query("ContainerImageList", Type::List(Scalar::String), "Container images to release.").later(),
                Param::query("DefaultPacketOfAppGroup", STRING, "Default package of the application group.").later(),
                Param::query("InitContainerImageList", Type::List(Scalar::String), "Init container images to release.")
                    .later(),
                Param::query("UpdateStrategyType", STRING, "How old instances are replaced by new ones.").later(),
            ],
            reply: &[int("Code"), string("ErrMsg"), string("RequestId"), bool("Success"), object("Result", ADMISSION)],
            example: r#"{"EnvId": 3002, "Name": "release 42", "TotalPartitions": 2, "PauseType": "first"}"#,
            ..Operation::BASE
        },
        Operation {
            action: "ListDeployOrders",
            function: "list_deploy_orders",
            section: "4.1.2",
            effect: Effect::Read,
            method: Method::Post,
            help: "Lists the deploy orders of an application.",
            subject: subject::APPLICATION,
            params: &[
                PAGE_NUMBER.required(),
                RECORDS.required(),
                APP_ID.required(),
                ENV_ID,
                Param::query("EnvType", STRING, "Only orders of this environment type: test or online.")
                    .checks(&[TEST_OR_ONLINE]),
                Param::query(
                    "DeployType",
                    STRING,
                    "Only orders released in this way; only partition_parallel is in use.",
                ),
                Param { help: "Only orders that pause in this way.", ..PAUSE_TYPE },
                Param::query("DeployCategory", STRING, "deploy for releases, scale for changes of replicas.")
                    .checks(&[Check::OneOf(&["deploy", "scale"])]),
                Param::query(
                    "PartitionType",
                    STRING,
                    "Only orders partitioned in this way; only group_even is in use.",
                ),
                Param::query("EndTimeLessThan", STRING, "Ended before this time, such as 2020-01-01 00:00:00.")
                    .checks(&[Check::Time]),
                Param::query("EndTimeLessThanOrEqualTo", STRING, "Ended before or at this time.")
                    .checks(&[Check::Time]),
                Param::query("EndTimeGreaterThan", STRING, "Ended after this time.").checks(&[Check::Time]),
                Param::query("EndTimeGreaterThanOrEqualTo", STRING, "Ended after or at this time.")
                    .checks(&[Check::Time]),
                Param::query("StartTimeGreaterThan", STRING, "Started after this time.").checks(&[Check::Time]),
                Param::query("StartTimeGreaterThanOrEqualTo", STRING, "Started after or at this time.")
                    .checks(&[Check::Time]),
                Param::query("StartTimeLessThan", STRING, "Started before this time.").checks(&[Check::Time]),
                Param::query("StartTimeLessThanOrEqualTo", STRING, "Started before or at this time.")
                    .checks(&[Check::Time]),
                Param::query("Status", INTEGER, "1 running, 2 paused, 3 finished.").checks(&[STATUS]),
                RESULT_LIST,
                STATUS_LIST,
            ],
            paging: Some(Paging::NUMBER),
            reply: &[
                int("Code"),
                string("ErrorMsg"),
                int("PageNumber"),
                int("PageSize"),
                string("RequestId"),
                int("TotalCount"),
                objects("Data", DEPLOY_ORDER_FIELDS),
            ],
            example: r#"{"PageNumber": 1, "PageSize": 20, "AppId": 1001, "EnvId": 3002, "StatusList": [3]}"#,
            ..Operation::BASE
        },
        Operation {
            action: "ScaleApp",
            function: "scale_app",
            section: "4.1.3",
            effect: Effect::Write,
            method: Method::Post,
            help: "Scales an environment to a number of instances: starts a deploy order.",
            subject: subject::ENVIRONMENT,
            params: &[
                ENV_ID.required(),
                REPLICAS.required(),
                Param::query("TotalPartitions", INTEGER, "Partitions to scale one after another.").later(),
            ],
            reply: &[int("Code"), string("ErrMsg"), string("RequestId"), bool("Success"), object("Result", ADMISSION)],
            example: r#"{"EnvId": 3002, "Replicas": 3}"#,
            ..Operation::BASE
        },
        Operation {
            action: "DescribeDeployOrderDetail",
            function: "describe_deploy_order_detail",
            section: "4.1.4",
            effect: Effect::Read,
            method: Method::Post,
            help: "Shows the progress and result of one deploy order.",
            subject: subject::DEPLOY_ORDER,
            params: &[DEPLOY_ORDER_ID.required()],
            reply: &[
                int("Code"),
                string("ErrMsg"),
                string("RequestId"),
                bool("Success"),
                object("Result", DEPLOY_ORDER_FIELDS),
            ],
            example: r#"{"DeployOrderId": 4001}"#,
            ..Operation::BASE
        },
        Operation {
            action: "ResumeDeploy",
            function: "resume_deploy",
            section: "4.1.5",
            effect: Effect::Write,
            method: Method::Post,
            help: "Continues a paused deploy order with its next partition.",
            subject: subject::DEPLOY_ORDER,
            params: &[DEPLOY_ORDER_ID.required()],
            reply: &[int("Code"), string("ErrMsg"), string("RequestId"), bool("Success")],
            example: r#"{"DeployOrderId": 4068}"#,
            ..Operation::BASE
        },
        Operation {
            action: "CloseDeployOrder",
            function: "close_deploy_order",
            section: "4.1.6",
            effect: Effect::Write,
            method: Method::Post,
            help: "Ends a running deploy order as failed, so that a new one can start.",
            subject: subject::DEPLOY_ORDER,
            params: &[DEPLOY_ORDER_ID.required()],
            reply: &[int("Code"), string("ErrMsg"), string("RequestId"), bool("Success")],
            example: r#"{"DeployOrderId": 4068}"#,
            ..Operation::BASE
        },
        Operation {
            action: "ListPods",
            function: "list_pods",
            section: "4.2.1",
            effect: Effect::Read,
            method: Method::Post,
            help: "Lists the pods that a deploy order touches.",
            subject: subject::DEPLOY_ORDER,
            params: &[DEPLOY_ORDER_ID.required(), PAGE_NUMBER.required(), RECORDS.required(), RESULT_LIST, STATUS_LIST],
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
                        string("AppInstanceId"),
                        int("DeployOrderId"),
                        int("DeployPartitionNum"),
                        string("GroupName"),
                        string("HostIp"),
                        string("HostName"),
                        string("PodIp"),
                        string("Region"),
                        int("Result").means(RESULT_MEANS),
                        string("ResultName"),
                        string("StartTime"),
                        int("Status").means(STATUS_MEANS),
                        string("StatusName"),
                        string("UpdateTime"),
                        objects("DeploySteps", &[string("Status"), string("StepCode"), string("StepName")]),
                    ],
                ),
            ],
            example: r#"{"DeployOrderId": 4001, "PageNumber": 1, "PageSize": 20}"#,
            ..Operation::BASE
        },
        Operation {
            action: "DescribePodLog",
            function: "describe_pod_log",
            section: "4.2.2",
            effect: Effect::Read,
            method: Method::Post,
            help: "Shows the start-up log of a pod: package download and standard output.",
            subject: subject::POD,
            params: &[APP_INST_ID.in_body().required(), DEPLOY_ORDER_ID.in_body().required()],
            reply: &[
                int("Code"),
                string("ErrMsg"),
                string("RequestId"),
                bool("Success"),
                object(
                    "Result",
                    &[
                        string("DeployOrderName"),
                        string("EnvTypeName"),
                        objects(
                            "DeployStepList",
                            &[string("StepName"), string("StepCode"), string("StepLog"), string("Status")],
                        ),
                    ],
                ),
            ],
            example: r#"{"AppInstId": "mall-web-3002-lndbxvzcl-kvn99", "DeployOrderId": 4001}"#,
            ..Operation::BASE
        },
        Operation {
            action: "DescribePodEvents",
            function: "describe_pod_events",
            section: "4.2.3",
            effect: Effect::Read,
            method: Method::Post,
            help: "Shows the Kubernetes events of a pod; the cluster drops them after a while.",
            subject: subject::POD,
            params: &[APP_INST_ID.required(), DEPLOY_ORDER_ID.required()],
            reply: &[
                int("Code"),
                string("ErrMsg"),
                string("RequestId"),
                bool("Success"),
                object(
                    "Result",
                    &[
                        string("DeployOrderName"),
                        objects(
                            "PodEvents",
                            &[
                                string("Action"),
                                int("Count"),
                                string("EventTime"),
                                string("FirstTimestamp"),
                                string("LastTimestamp"),
                                string("Message"),
                                string("Reason"),
                                string("Type"),
                            ],
                        ),
                    ],
                ),
            ],
            example: r#"{"AppInstId": "mall-web-3002-lndbxvzcl-kvn99", "DeployOrderId": 4001}"#,
            ..Operation::BASE
        },
    ],
};
