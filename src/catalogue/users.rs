//! Chapter users.
#![allow(unused_imports)]
use super::*;

pub(super) const CHAPTER: Chapter = Chapter {
    title: "users",
    operations: &[Operation {
        action: "ListUsers",
        function: "list_users",
        section: "2.1",
        effect: Effect::Read,
        method: Method::Get,
        help: "x.",
        params: &[
            Param::query("PageNumber", INTEGER, "x.").required(),
            Param::query("PageSize", INTEGER, "x.").required(),
        ],
        paging: Some(Paging::NUMBER),
        success: 200,
        reply: &[
            int("Code"),
            string("ErrorMsg"),
            int("PageNumber"),
            int("PageSize"),
            string("RequestId"),
            int("TotalCount"),
            objects("Data", &[string("UserId"), string("UserType"), string("RealName")]),
        ],
        ..Operation::BASE
    }],
};
