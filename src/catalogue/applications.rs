//! Applications, their environments, deploy configurations, instances and volume claims.

// Every word of this table is defined by the folder's first page.
use super::*;

const LANGUAGE: Param = Param::body("Language", STRING, "Programming language of the application.")
    .checks(&[Check::OneOf(&["Java", "PHP", "C#", "Python"])]);
const OPERATING_SYSTEM: Param = Param::body("OperatingSystem", STRING, "Operating system that it runs on.")
    .checks(&[Check::OneOf(&["Linux", "Windows"])]);
const SERVICE_TYPE: Param = Param::body(
    "ServiceType",
    STRING,
    "StoreApplication for e-commerce, TaoHuDongApplication for mini apps, else General.",
)
.checks(&[Check::OneOf(&["GeneralApplication", "StoreApplication", "TaoHuDongApplication"])]);
const BIZ_CODE: Param =
    Param::body("BizCode", STRING, "Business domain of the application; JST is JuShiTa.").checks(&[BUSINESS]);
const BIZ_TITLE: Param = Param::body("BizTitle", STRING, "Title of its business.");
const DESCRIPTION: Param = Param::body("Description", STRING, "What the application is for.");
const USER_ROLES: Param = Param::body(
    "UserRoles",
    Type::Maps(&[
        Param::body("RoleName", STRING, "Role in the application.")
            .checks(&[Check::OneOf(&["Owner", "PE", "Dev", "Test"])])
            .required(),
        Param::body("UserId", STRING, "Id of the user, from ListUsers.").required(),
        Param::body("UserType", STRING, "Where the user comes from.")
            .checks(&[Check::OneOf(&["DING_TALK", "TAOBAO"])])
            .required(),
    ]),
    "Members of the application and their roles.",
);
const MIDDLEWARE: Param =
    Param::body("MiddleWareIdList", Type::List(Scalar::Integer), "Ids of the middleware that the application uses.");

const APP_SCHEMA_ID: Param = Param::query("AppSchemaId", LONG, "Deploy configuration id.");
// The document gives 1 and 2 for the list; its own sample, and creating, use 0 and 1.
const ENV_TYPE: Param =
    Param::query("EnvType", INTEGER, "0 for test, 1 for production.").checks(&[Check::OneOf(&["0", "1"])]);

/// What is asked for in one form comes back in another.
const PLAIN_YAML: &str = "plain YAML, where creating and changing take base64";

const CONFIG_ENV_TYPE: Param =
    Param::query("EnvType", STRING, "test for test environments, online for production.").checks(&[TEST_OR_ONLINE]);
const CONFIG_MAP: Param =
    Param::query("ConfigMap", STRING, "Kubernetes ConfigMap as YAML in base64; ConfigMapList has replaced it.")
        .checks(&[Check::Base64]);
const CONFIG_MAP_LIST: Param =
    Param::query("ConfigMapList", Type::List(Scalar::String), "Kubernetes ConfigMaps as YAML, each in base64.")
        .checks(&[Check::Base64]);
const DEPLOYMENT: Param =
    Param::query("Deployment", STRING, "Kubernetes Deployment as YAML in base64, for a stateless application.")
        .checks(&[Check::Base64]);
const STATEFUL_SET: Param =
    Param::query("StatefulSet", STRING, "Kubernetes StatefulSet as YAML in base64, for a stateful application.")
        .checks(&[Check::Base64]);
const CRON_JOB: Param = Param::query("CronJob", STRING, "Kubernetes CronJob.");
const SECRET_LIST: Param = Param::query("SecretList", Type::List(Scalar::String), "Kubernetes Secrets.").secret();
const ONE_WORKLOAD: &[Rule] = &[Rule::NotBoth("Deployment", "StatefulSet")];

const CONTAINER_RESOURCES: &[Field] =
    &[string("Cpu").later(), string("Gpu").later(), string("Memory").later(), string("Storage").later()];
const MIDDLEWARE_FIELDS: &[Field] = &[int("Code").later(), int("AppId").later(), string("Name").later()];

pub(super) const CHAPTER: Chapter = Chapter {
    title: "applications",
    operations: &[
        Operation {
            action: "CreateApp",
            function: "create_app",
            section: "1.1.1",
            effect: Effect::Write,
            method: Method::Post,
            help: "Creates an application.",
            subject: Subject::Nothing("it creates an application"),
            params: &[
                BIZ_CODE.required(),
                LANGUAGE.required(),
                OPERATING_SYSTEM.required(),
                SERVICE_TYPE.required(),
                Param::body("Title", STRING, "Name of the application, unique in the account.").required(),
                USER_ROLES,
                BIZ_TITLE,
                DESCRIPTION,
                Param::body("StateType", INTEGER, "1 for a stateless application, 2 for a stateful one.")
                    .checks(&[Check::OneOf(&["1", "2"])])
                    .default("1"),
                Param::body("Namespace", STRING, "Kubernetes namespace of your own choice."),
                Param::body("GroupName", STRING, "Group that the application belongs to.").later(),
                MIDDLEWARE.later(),
            ],
            reply: &[string("RequestId"), int("Code"), string("ErrMsg"), object("Result", &[int("AppId")])],
            example: r#"{"BizCode": "JST", "Language": "Java", "OperatingSystem": "Linux", "ServiceType": "StoreApplication", "Title": "gift-cards"}"#,
            ..Operation::BASE
        },
        Operation {
            action: "UpdateApp",
            function: "update_app",
            section: "1.1.2",
            effect: Effect::Write,
            method: Method::Post,
            help: "Changes the description, platform and members of an application.",
            subject: subject::APPLICATION,
            params: &[
                APP_ID.in_body().required(),
                USER_ROLES,
                BIZ_TITLE,
                DESCRIPTION,
                LANGUAGE,
                OPERATING_SYSTEM,
                SERVICE_TYPE,
                MIDDLEWARE.later(),
            ],
            reply: &[string("RequestId"), int("Code"), string("ErrMsg"), object("Result", &[bool("Success")])],
            example: r#"{"AppId": 1001, "Description": "Sells to the public"}"#,
            ..Operation::BASE
        },
        Operation {
            action: "ListApp",
            function: "list_app",
            section: "1.1.3",
            effect: Effect::Read,
            method: Method::Get,
            help: "Lists the applications that the caller may see.",
            subject: Subject::Nothing("it lists the whole account"),
            params: &[PAGE_NUMBER, RECORDS.default("20")],
            paging: Some(Paging::NUMBER),
            reply: &[
                string("RequestId"),
                int("Code"),
                string("ErrorMsg"),
                int("TotalCount"),
                objects(
                    "Data",
                    &[
                        int("AppId"),
                        string("Title"),
                        string("Description"),
                        string("Language"),
                        string("OperatingSystem"),
                        string("BizName"),
                        string("ServiceType"),
                        string("DeployType"),
                        string("BizTitle"),
                        string("AppStateType"),
                        objects("MiddleWareList", MIDDLEWARE_FIELDS).later(),
                    ],
                ),
            ],
            ..Operation::BASE
        },
        Operation {
            action: "DescribeAppDetail",
            function: "describe_app_detail",
            section: "1.1.4",
            effect: Effect::Read,
            method: Method::Post,
            help: "Shows one application with its members and middleware.",
            subject: subject::APPLICATION,
            params: &[APP_ID.required()],
            reply: &[
                int("Code"),
                string("RequestId"),
                string("ErrMessage"),
                object(
                    "Result",
                    &[
                        string("ServiceType"),
                        string("BizTitle"),
                        string("BizName"),
                        int("AppId"),
                        string("Language"),
                        string("Title"),
                        string("OperatingSystem"),
                        string("DeployType"),
                        string("Description"),
                        string("AppStateType"),
                        objects(
                            "UserRoles",
                            &[string("UserId"), string("UserType"), string("RealName"), string("RoleName")],
                        ),
                        objects("MiddleWareInfoList", MIDDLEWARE_FIELDS).later(),
                    ],
                ),
            ],
            example: r#"{"AppId": 1001}"#,
            ..Operation::BASE
        },
        Operation {
            action: "DeleteAppDetail",
            function: "delete_app_detail",
            section: "1.1.5",
            effect: Effect::Destructive,
            method: Method::Get,
            help: "Deletes an application.",
            subject: subject::APPLICATION,
            params: &[
                APP_ID.required(),
                Param::query("Force", BOOLEAN, "true deletes everything that belongs to the application with it.")
                    .required(),
            ],
            reply: &[string("RequestId"), int("Code"), string("ErrMsg"), object("Result", &[bool("Success")])],
            example: r#"{"AppId": 1012, "Force": true}"#,
            ..Operation::BASE
        },
        Operation {
            action: "CreateEnvironment",
            function: "create_environment",
            section: "1.2.1",
            effect: Effect::Write,
            method: Method::Post,
            help: "Creates an environment of an application.",
            subject: subject::APPLICATION,
            params: &[
                APP_ID.required(),
                APP_SCHEMA_ID.required(),
                Param::query("EnvName", STRING, "Name of the environment.").required(),
                ENV_TYPE.required(),
                Param::query("Region", STRING, "Alibaba Cloud region, such as cn-zhangjiakou.").required(),
                REPLICAS.required(),
                Param::query("ClusterId", STRING, "Cluster instance that the environment runs on.").later(),
            ],
            reply: &[int("Code"), string("RequestId"), string("ErrMsg"), object("Result", &[int("AppEnvId")])],
            example: r#"{"AppId": 1001, "AppSchemaId": 2001, "EnvName": "staging", "EnvType": 0, "Region": "cn-zhangjiakou", "Replicas": 2}"#,
            ..Operation::BASE
        },
        Operation {
            action: "UpdateEnvironment",
            function: "update_environment",
            section: "1.2.2",
            effect: Effect::Write,
            method: Method::Post,
            help: "Changes the deploy configuration or the replicas of an environment.",
            subject: subject::APP_ENVIRONMENT,
            params: &[APP_ENV_ID.required(), APP_ID.required(), APP_SCHEMA_ID, REPLICAS],
            reply: &[int("Code"), string("RequestId"), string("ErrMsg"), object("Result", &[bool("Success")])],
            example: r#"{"AppEnvId": 3001, "AppId": 1001, "Replicas": 3}"#,
            ..Operation::BASE
        },
        Operation {
            action: "ListAppEnvironment",
            function: "list_app_environment",
            section: "1.2.3",
            effect: Effect::Read,
            method: Method::Get,
            help: "Lists the environments of an application.",
            subject: subject::APPLICATION,
            params: &[
                APP_ID.required(),
                PAGE_NUMBER.required(),
                RECORDS.required(),
                Param {
                    help: "0 for test, 1 for production; the document's text has 1 and 2, its samples 0 and 1.",
                    ..ENV_TYPE
                },
                Param::query("EnvName", STRING, "Only environments of this name."),
            ],
            paging: Some(Paging::NUMBER),
            reply: &[
                int("Code"),
                int("PageNumber"),
                string("RequestId"),
                int("PageSize"),
                int("TotalCount"),
                string("ErrorMsg"),
                objects(
                    "Data",
                    &[
                        int("AppId"),
                        int("EnvId"),
                        string("EnvName"),
                        int("EnvType").means(ENV_TYPE_MEANS),
                        string("EnvTypeName"),
                        int("AppSchemaId"),
                        string("Region"),
                    ],
                ),
            ],
            example: r#"{"AppId": 1001, "PageNumber": 1, "PageSize": 20}"#,
            ..Operation::BASE
        },
        Operation {
            action: "DeleteAppEnvironment",
            function: "delete_app_environment",
            section: "1.2.4",
            effect: Effect::Destructive,
            method: Method::Post,
            help: "Deletes an environment of an application.",
            subject: subject::ENVIRONMENT,
            params: &[
                APP_ID.required(),
                ENV_ID.required(),
                Param::query(
                    "Force",
                    BOOLEAN,
                    "true deletes its instances and traffic access too; false refuses while it is in use.",
                )
                .required(),
            ],
            reply: &[int("Code"), string("RequestId"), string("ErrMsg"), object("Result", &[bool("Success")])],
            example: r#"{"AppId": 1001, "EnvId": 3001, "Force": true}"#,
            ..Operation::BASE
        },
        Operation {
            action: "DescribeAppEnvironmentDetail",
            function: "describe_app_environment_detail",
            section: "1.2.5",
            effect: Effect::Read,
            method: Method::Get,
            help: "Shows one environment with its replicas.",
            subject: subject::ENVIRONMENT,
            params: &[APP_ID.required(), ENV_ID.required()],
            reply: &[
                int("Code"),
                string("RequestId"),
                string("ErrMsg"),
                object(
                    "Result",
                    &[
                        int("AppId"),
                        int("EnvId"),
                        string("EnvName"),
                        int("EnvType").means(ENV_TYPE_MEANS),
                        string("EnvTypeName"),
                        int("AppSchemaId"),
                        string("Region"),
                        int("Replicas"),
                    ],
                ),
            ],
            example: r#"{"AppId": 1001, "EnvId": 3002}"#,
            ..Operation::BASE
        },
        Operation {
            action: "CreateDeployConfig",
            function: "create_deploy_config",
            section: "1.3.1",
            effect: Effect::Write,
            method: Method::Post,
            help: "Creates a deploy configuration: the Kubernetes files and code path of a release.",
            subject: subject::APPLICATION,
            params: &[
                APP_ID.required(),
                CONFIG_ENV_TYPE.required(),
                Param::query("Name", STRING, "Name of the configuration.").required(),
                Param::query(
                    "CodePath",
                    STRING,
                    "Where the code package goes in the container; without it none is needed.",
                ),
                CONFIG_MAP,
                DEPLOYMENT,
                STATEFUL_SET,
                CONFIG_MAP_LIST,
                CRON_JOB.later(),
                SECRET_LIST.later(),
            ],
            rules: ONE_WORKLOAD,
            reply: &[
                int("Code"),
                string("RequestId"),
                string("ErrMessage"),
                object("Result", &[int("AppId"), string("Name"), int("SchemaId")]),
            ],
            example: r#"{"AppId": 1001, "EnvType": "test", "Name": "canary", "CodePath": "/app/code", "Deployment": "YXBpVmVyc2lvbjogYXBwcy92MQpraW5kOiBEZXBsb3ltZW50Cg=="}"#,
            ..Operation::BASE
        },
        Operation {
            action: "ListDeployConfig",
            function: "list_deploy_config",
            section: "1.3.2",
            effect: Effect::Read,
            method: Method::Post,
            help: "Lists the deploy configurations of an application.",
            subject: subject::APPLICATION,
            params: &[
                APP_ID.required(),
                CONFIG_ENV_TYPE,
                Param::query("Id", LONG, "Only the configuration of this id."),
                Param::query("Name", STRING, "Only configurations of this name."),
            ],
            paging: Some(Paging { number: None, ..Paging::NUMBER }),
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
                        string("Name"),
                        int("AppId"),
                        string("EnvType"),
                        object("ContainerCodePath", &[string("CodePath")]),
                        object(
                            "ContainerYamlConf",
                            &[
                                string("Deployment").means(PLAIN_YAML),
                                string("ConfigMap").means(PLAIN_YAML),
                                string("StatefulSet").means(PLAIN_YAML),
                                strings("ConfigMapList").means(PLAIN_YAML),
                                string("CronJob").later().means(PLAIN_YAML),
                                strings("SecretList").later().means(PLAIN_YAML),
                            ],
                        ),
                        object("ContainerResourceLimit", CONTAINER_RESOURCES).later(),
                        object("ContainerResourceRequest", CONTAINER_RESOURCES).later(),
                    ],
                ),
            ],
            example: r#"{"AppId": 1001}"#,
            ..Operation::BASE
        },
        Operation {
            action: "DeleteDeployConfig",
            function: "delete_deploy_config",
            section: "1.3.3",
            effect: Effect::Destructive,
            method: Method::Post,
            help: "Deletes a deploy configuration.",
            subject: subject::LONE_CONFIGURATION,
            params: &[Param::query("SchemaId", LONG, "Deploy configuration id.").required()],
            reply: &[int("Code"), string("ErrMsg"), string("RequestId"), object("Result", &[bool("Success")])],
            example: r#"{"SchemaId": 2013}"#,
            ..Operation::BASE
        },
        Operation {
            action: "UpdateDeployConfig",
            function: "update_deploy_config",
            section: "1.3.4",
            effect: Effect::Write,
            method: Method::Post,
            help: "Changes a deploy configuration; what is left out stays as it is.",
            subject: subject::CONFIGURATION,
            params: &[
                APP_ID.required(),
                Param::query("CodePath", STRING, "Where the code package goes; empty when no package is needed."),
                Param::query("Id", LONG, "Deploy configuration id.").required(),
                CONFIG_MAP,
                STATEFUL_SET,
                DEPLOYMENT,
                Param {
                    help: "Kubernetes ConfigMaps as YAML, each in base64; they replace all earlier ones.",
                    ..CONFIG_MAP_LIST
                },
                CRON_JOB.later(),
                SECRET_LIST.later(),
            ],
            rules: ONE_WORKLOAD,
            reply: &[int("Code"), string("RequestId"), string("ErrMsg"), object("Result", &[bool("Success")])],
            example: r#"{"AppId": 1001, "Id": 2001, "CodePath": "/app/release"}"#,
            ..Operation::BASE
        },
        Operation {
            action: "ListAppInstance",
            function: "list_app_instance",
            section: "1.4.1",
            effect: Effect::Read,
            method: Method::Post,
            help: "Lists the running instances (pods) of an environment.",
            subject: subject::ENVIRONMENT,
            params: &[
                APP_ID.in_body().required(),
                ENV_ID.in_body().required(),
                PAGE_NUMBER.in_body().required(),
                RECORDS.in_body().required(),
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
                        string("AppInstanceId"),
                        string("CreateTime"),
                        string("Spec"),
                        int("RestartCount"),
                        string("HostIp"),
                        string("PodIp"),
                        string("Health").means("RUNNING, ABNORMAL"),
                        string("Limits").later(),
                        string("Requests").later(),
                        string("Status").later(),
                        string("Version").later(),
                    ],
                ),
            ],
            example: r#"{"AppId": 1001, "EnvId": 3002, "PageNumber": 1, "PageSize": 20}"#,
            ..Operation::BASE
        },
        Operation {
            action: "CreatePersistentVolumeClaim",
            function: "create_persistent_volume_claim",
            section: "1.5.1",
            effect: Effect::Write,
            method: Method::Post,
            help: "Creates a persistent volume claim in an environment.",
            subject: subject::ENVIRONMENT,
            params: &[
                ACCESS_MODES.required(),
                APP_ID.required(),
                CAPACITY.required(),
                ENV_ID.required(),
                Param::query("Name", STRING, "Name of the claim.").required(),
                STORAGE_CLASS.required(),
            ],
            reply: &[
                int("Code"),
                string("RequestId"),
                string("ErrMsg"),
                object("Result", &[int("PersistentVolumeClaimId")]),
            ],
            example: r#"{"AccessModes": "ReadWriteMany", "AppId": 1001, "Capacity": "20Gi", "EnvId": 3002, "Name": "data-uploads", "StorageClass": "nas-demo"}"#,
            ..Operation::BASE
        },
        Operation {
            action: "DeletePersistentVolumeClaim",
            function: "delete_persistent_volume_claim",
            section: "1.5.2",
            effect: Effect::Destructive,
            method: Method::Post,
            help: "Deletes a persistent volume claim of an environment.",
            subject: subject::CLAIM_OF_ENVIRONMENT,
            params: &[
                APP_ID.required(),
                ENV_ID.required(),
                Param::query("PersistentVolumeClaimName", STRING, "Name of the claim.").required(),
            ],
            reply: &[int("Code"), string("RequestId"), string("ErrMsg"), object("Result", &[bool("Success")])],
            example: r#"{"AppId": 1001, "EnvId": 3002, "PersistentVolumeClaimName": "data-web"}"#,
            ..Operation::BASE
        },
        Operation {
            action: "ListPersistentVolumeClaim",
            function: "list_persistent_volume_claim",
            section: "1.5.3",
            effect: Effect::Read,
            method: Method::Post,
            help: "Lists the persistent volume claims of an environment.",
            subject: subject::ENVIRONMENT,
            params: &[APP_ID.required(), ENV_ID.required(), PAGE_NUMBER.required(), RECORDS.required()],
            paging: Some(Paging::NUMBER),
            reply: &[
                int("Code"),
                int("PageNumber"),
                string("RequestId"),
                int("PageSize"),
                int("TotalCount"),
                string("ErrorMsg"),
                objects(
                    "Data",
                    &[
                        string("Name"),
                        string("Capacity"),
                        string("AccessModes"),
                        string("Status"),
                        string("StorageClass"),
                        string("VolumeName"),
                        string("CreateTime"),
                    ],
                ),
            ],
            example: r#"{"AppId": 1001, "EnvId": 3002, "PageNumber": 1, "PageSize": 20}"#,
            ..Operation::BASE
        },
    ],
};
