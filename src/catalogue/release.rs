//! Chapter 4: deploy orders, pods, logs and events.

use super::{
    BOOLEAN, Chapter, Check, Effect, INTEGER, LONG, Operation, Param, bool, int, object, string,
};

pub(super) const CHAPTER: Chapter = Chapter {
    title: "release",
    operations: &[Operation {
        action: "ScaleApp",
        function: "scale_app",
        section: "4.1.3",
        effect: Effect::Write,
        help: "Scale an environment to a number of replicas by a new deploy order.",
        params: &[
            Param::query("EnvId", LONG, "Environment.").required(),
            Param::query("Replicas", INTEGER, "Replicas to reach.")
                .required()
                .checks(&[Check::Range(0, i32::MAX as i64)]),
            Param::query("TotalPartitions", INTEGER, "Partitions to scale in.").later(),
        ],
        reply: &[
            string("RequestId"),
            int("Code"),
            bool("Success"),
            string("ErrMsg"),
            object(
                "Result",
                &[
                    bool("Admitted"),
                    string("BusinessCode"),
                    int("DeployOrderId"),
                ],
            ),
        ],
        example: r#"{"EnvId": 3001, "Replicas": 4}"#,
        ..Operation::BASE
    }],
};
