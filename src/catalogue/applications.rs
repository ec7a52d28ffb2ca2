//! Chapter 1: applications, environments, deploy configs, instances and volume claims.

use super::{
    Chapter, Check, Effect, Field, INTEGER, LONG, Method, Operation, Paging, Param, int, objects,
    string,
};

pub(super) const CHAPTER: Chapter = Chapter {
    title: "applications",
    operations: &[
        Operation {
            action: "ListApp",
            function: "list_app",
            section: "1.1.3",
            method: Method::Get,
            help: "List the applications of the account.",
            params: &[
                Param::query("PageNumber", INTEGER, "Page to return, counted from 1.")
                    .checks(&[Check::Range(1, i32::MAX as i64)])
                    .default("1"),
                Param::query("PageSize", INTEGER, "Records a page.")
                    .checks(&[Check::Range(1, 100)])
                    .default("20"),
            ],
            paging: Some(Paging::NUMBER),
            reply: &[
                string("RequestId"),
                int("Code"),
                string("ErrorMsg"),
                int("TotalCount"),
                objects("Data", &[int("AppId"), string("Title")]),
            ],
            ..Operation::BASE
        },
        Operation {
            action: "DescribeAppDetail",
            function: "describe_app_detail",
            section: "1.1.4",
            help: "Show one application.",
            params: &[Param::query("AppId", LONG, "Application.").required()],
            reply: &[
                string("RequestId"),
                int("Code"),
                super::object("Result", &[int("AppId"), string("Title")]),
            ],
            example: r#"{"AppId": 1001}"#,
            ..Operation::BASE
        },
    ],
};
