//! Operations: how traffic reaches an environment, through SLB access points and Kubernetes services.

// Every word of this table is defined by the folder's first page.
use super::*;

const SLB_AP_ID: Param = Param::query("SlbAPId", LONG, "Id of the SLB access point, not of the SLB itself.");
const AP_NAME: Param = Param::query("Name", STRING, "Name that tells what the access point is for.");
const REAL_SERVER_PORT: Param =
    Param::query("RealServerPort", INTEGER, "Port that the application listens on in its container.").checks(&[PORT]);
const ESTABLISHED_TIMEOUT: Param =
    Param::query("EstablishedTimeout", INTEGER, "Seconds after which an idle TCP connection is closed; TCP only.")
        .checks(&[Check::Range(10, 900)]);
const STICKY_SESSION: Param =
    Param::query("StickySession", INTEGER, "1 keeps a client on the same instance, 0 does not; HTTP and HTTPS only.")
        .checks(&[Check::OneOf(&["0", "1"])]);
const SSL_CERT_ID: Param =
    Param::query("SslCertId", STRING, "Id of a certificate in Alibaba Cloud's SSL certificate service.");
const COOKIE_TIMEOUT: Param =
    Param::query("CookieTimeout", INTEGER, "Seconds that a client stays on its instance; HTTP and HTTPS only.")
        .checks(&[Check::Range(1, 86400)]);
const SLB_PROTOCOL: Check = Check::OneOf(&["TCP", "UDP", "HTTP", "HTTPS"]);

const SERVICE_ID: Param = Param::query("ServiceId", LONG, "Service id.");
const SERVICE_NAME: Param = Param::query("Name", STRING, "Name that tells what the service is for.");
const KUBERNETES_TYPE: Param = Param::query(
    "ServiceType",
    STRING,
    "ClusterIP for an address inside the cluster, NodePort for a port on every node.",
)
.checks(&[Check::OneOf(&["ClusterIP", "NodePort"])]);
const MAPPED_PROTOCOL: Param =
    Param::body("Protocol", STRING, "Protocol of the port.").checks(&[Check::OneOf(&["TCP", "UDP"])]);
const TARGET_PORT: Param = Param::body("TargetPort", STRING, "Port that the application listens on.");
const SERVICE_PORT: Param = Param::body("Port", INTEGER, "Port that the service offers.").checks(&[PORT]);
const PORT_NAME: Param = Param::body("Name", STRING, "Name of the port.");
/// Which of these ports a cluster gives away is its own setting, usually 30000-32767; the document's example is 8080.
const NODE_PORT: Param =
    Param::body("NodePort", INTEGER, "Port on every node of the cluster; for a NodePort service.").checks(&[PORT]);
const PORT: Check = Check::Range(1, 65535);

const SLB_AP_FIELDS: &[Field] = &[
    int("AppId"),
    int("CookieTimeout"),
    int("EnvId"),
    int("EstablishedTimeout"),
    int("ListenerPort"),
    string("Name"),
    string("NetworkMode").means("internet for the internet, intranet for the VPC"),
    string("Protocol"),
    int("RealServerPort"),
    int("SlbAPId"),
    string("SlbId"),
    string("SlbIp"),
    string("SslCertId"),
    int("StickySession").means("0 off, 1 on"),
];
const SERVICE_FIELDS: &[Field] = &[
    int("AppId"),
    int("EnvId"),
    bool("Headless"),
    string("K8sServiceId"),
    string("Name"),
    int("ServiceId"),
    string("ServiceType"),
    objects("PortMappings", &[string("Name"), int("NodePort"), int("Port"), string("Protocol"), string("TargetPort")]),
    string("ClusterIP").later(),
];

pub(super) const CHAPTER: Chapter = Chapter {
    title: "operations",
    operations: &[
        Operation {
            action: "CreateSlbAP",
            function: "create_slb_ap",
            section: "3.1.1",
            effect: Effect::Write,
            method: Method::Post,
            help: "Exposes an environment through a load balancer: creates an SLB access point.",
            subject: subject::ENVIRONMENT,
            params: &[
                ENV_ID.required(),
                AP_NAME.required(),
                Param::query("SlbId", STRING, "Id of the SLB instance, such as lb-demo-0001.").required(),
                Param::query(
                    "ListenerPort",
                    INTEGER,
                    "Port that the load balancer serves: usually 80 for HTTP, 443 for HTTPS.",
                )
                .checks(&[PORT])
                .required(),
                REAL_SERVER_PORT.required(),
                Param::query("Protocol", STRING, "Protocol of the listener.").checks(&[SLB_PROTOCOL]).required(),
                ESTABLISHED_TIMEOUT,
                STICKY_SESSION,
                SSL_CERT_ID,
                COOKIE_TIMEOUT,
            ],
            rules: &[
                Rule::OnlyWith { param: "EstablishedTimeout", with: "Protocol", values: &["TCP"] },
                Rule::OnlyWith { param: "StickySession", with: "Protocol", values: &["HTTP", "HTTPS"] },
                Rule::OnlyWith { param: "CookieTimeout", with: "Protocol", values: &["HTTP", "HTTPS"] },
            ],
            reply: &[
                int("Code"),
                string("ErrMsg"),
                string("RequestId"),
                bool("Success"),
                object("Result", &[int("SlbAPId")]),
            ],
            example: r#"{"EnvId": 3002, "Name": "shop front", "SlbId": "lb-demo-0001", "ListenerPort": 8081, "RealServerPort": 8080, "Protocol": "TCP", "EstablishedTimeout": 900}"#,
            ..Operation::BASE
        },
        Operation {
            action: "ModifySlbAP",
            function: "modify_slb_ap",
            section: "3.1.2",
            effect: Effect::Write,
            method: Method::Post,
            help: "Changes an SLB access point; its protocol cannot be changed.",
            subject: subject::LISTENER,
            params: &[
                SLB_AP_ID.required(),
                AP_NAME,
                REAL_SERVER_PORT,
                ESTABLISHED_TIMEOUT,
                STICKY_SESSION,
                SSL_CERT_ID,
                COOKIE_TIMEOUT,
            ],
            reply: &[int("Code"), string("ErrMsg"), string("RequestId"), bool("Success")],
            example: r#"{"SlbAPId": 5001, "RealServerPort": 8080}"#,
            ..Operation::BASE
        },
        Operation {
            action: "DeleteSlbAP",
            function: "delete_slb_ap",
            section: "3.1.3",
            effect: Effect::Destructive,
            method: Method::Post,
            help: "Deletes an SLB access point.",
            subject: subject::LISTENER,
            params: &[SLB_AP_ID.required()],
            reply: &[int("Code"), string("ErrMsg"), string("RequestId"), bool("Success")],
            example: r#"{"SlbAPId": 5001}"#,
            ..Operation::BASE
        },
        Operation {
            action: "DescribeSlbAPDetail",
            function: "describe_slb_ap_detail",
            section: "3.1.4",
            effect: Effect::Read,
            method: Method::Post,
            help: "Shows one SLB access point.",
            subject: subject::LISTENER,
            params: &[SLB_AP_ID.required()],
            reply: &[
                int("Code"),
                string("ErrMsg"),
                string("RequestId"),
                bool("Success"),
                object("Result", SLB_AP_FIELDS),
            ],
            example: r#"{"SlbAPId": 5001}"#,
            ..Operation::BASE
        },
        Operation {
            action: "ListSlbAPs",
            function: "list_slb_aps",
            section: "3.1.5",
            effect: Effect::Read,
            method: Method::Post,
            help: "Lists the SLB access points of an application.",
            subject: subject::APPLICATION,
            params: &[
                APP_ID.required(),
                PAGE_NUMBER.required(),
                RECORDS.required(),
                ENV_ID,
                Param::query("Name", STRING, "Only access points of this name."),
                Param::query("NetworkMode", STRING, "internet for public ones, intranet for private ones.")
                    .checks(&[Check::OneOf(&["internet", "intranet"])]),
                Param::body("ProtocolList", Type::List(Scalar::String), "Only access points of these protocols.")
                    .checks(&[SLB_PROTOCOL]),
                Param::query("SlbId", STRING, "Only access points on this SLB."),
            ],
            paging: Some(Paging::NUMBER),
            reply: &[
                int("Code"),
                string("ErrorMsg"),
                int("PageNumber"),
                int("PageSize"),
                string("RequestId"),
                int("TotalCount"),
                objects("Data", SLB_AP_FIELDS),
            ],
            example: r#"{"AppId": 1001, "PageNumber": 1, "PageSize": 20, "ProtocolList": ["HTTP", "HTTPS", "TCP"]}"#,
            ..Operation::BASE
        },
        Operation {
            action: "ModifyService",
            function: "modify_service",
            section: "3.2.1",
            effect: Effect::Write,
            method: Method::Post,
            help: "Changes the name or the ports of a Kubernetes service.",
            subject: subject::SERVICE,
            params: &[
                SERVICE_ID.required(),
                SERVICE_NAME,
                Param::body(
                    "PortMappings",
                    Type::Maps(&[MAPPED_PROTOCOL, TARGET_PORT, SERVICE_PORT, PORT_NAME, NODE_PORT]),
                    "Ports of the service.",
                ),
            ],
            reply: &[int("Code"), string("ErrMsg"), string("RequestId"), bool("Success")],
            example: r#"{"ServiceId": 6001, "PortMappings": [{"Protocol": "TCP", "TargetPort": "8080", "Port": 8080, "Name": "http"}]}"#,
            ..Operation::BASE
        },
        Operation {
            action: "DeleteService",
            function: "delete_service",
            section: "3.2.2",
            effect: Effect::Destructive,
            method: Method::Post,
            help: "Deletes a Kubernetes service.",
            subject: subject::SERVICE,
            params: &[SERVICE_ID.required()],
            reply: &[int("Code"), string("ErrMsg"), string("RequestId"), bool("Success")],
            example: r#"{"ServiceId": 6001}"#,
            ..Operation::BASE
        },
        Operation {
            action: "ListServices",
            function: "list_services",
            section: "3.2.3",
            effect: Effect::Read,
            method: Method::Post,
            help: "Lists the Kubernetes services of an application.",
            subject: subject::APPLICATION,
            params: &[
                APP_ID.required(),
                PAGE_NUMBER.required(),
                RECORDS.required(),
                ENV_ID,
                Param::query("Name", STRING, "Only services of this name."),
                KUBERNETES_TYPE,
            ],
            paging: Some(Paging::NUMBER),
            reply: &[
                int("Code"),
                string("ErrorMsg"),
                int("PageNumber"),
                int("PageSize"),
                string("RequestId"),
                int("TotalCount"),
                objects("Data", SERVICE_FIELDS),
                string("ClusterIP").later(),
            ],
            example: r#"{"AppId": 1001, "PageNumber": 1, "PageSize": 20}"#,
            ..Operation::BASE
        },
        Operation {
            action: "DescribeServiceDetail",
            function: "describe_service_detail",
            section: "3.2.4",
            effect: Effect::Read,
            method: Method::Post,
            help: "Shows one Kubernetes service with its ports.",
            subject: subject::SERVICE,
            params: &[SERVICE_ID.required()],
            reply: &[
                int("Code"),
                string("ErrMsg"),
                string("RequestId"),
                bool("Success"),
                object("Result", SERVICE_FIELDS),
            ],
            example: r#"{"ServiceId": 6001}"#,
            ..Operation::BASE
        },
        Operation {
            action: "CreateService",
            function: "create_service",
            section: "3.2.5",
            effect: Effect::Write,
            method: Method::Post,
            help: "Exposes an environment inside its cluster: creates a Kubernetes service.",
            subject: subject::ENVIRONMENT,
            params: &[
                ENV_ID.required(),
                SERVICE_NAME.required(),
                KUBERNETES_TYPE.required(),
                Param::query("K8sServiceId", STRING, "Name of the service inside Kubernetes.").required(),
                Param::body(
                    "PortMappings",
                    Type::Maps(&[
                        MAPPED_PROTOCOL.required(),
                        TARGET_PORT.required(),
                        SERVICE_PORT.required(),
                        PORT_NAME.required(),
                        NODE_PORT,
                    ]),
                    "Ports of the service.",
                )
                .required(),
                Param::query("Headless", BOOLEAN, "true for a service without a cluster address; ClusterIP only."),
            ],
            rules: &[
                Rule::OnlyWith { param: "Headless", with: "ServiceType", values: &["ClusterIP"] },
                Rule::OnlyWith { param: "PortMappings.NodePort", with: "ServiceType", values: &["NodePort"] },
            ],
            reply: &[
                int("Code"),
                string("ErrMsg"),
                string("RequestId"),
                bool("Success"),
                object("Result", &[int("ServiceId")]),
            ],
            example: r#"{"EnvId": 3002, "Name": "metrics", "ServiceType": "ClusterIP", "K8sServiceId": "metrics", "PortMappings": [{"Protocol": "TCP", "TargetPort": "9090", "Port": 9090, "Name": "metrics"}]}"#,
            ..Operation::BASE
        },
    ],
};
