//! The users of the main account.

// Every word of this table is defined by the folder's first page.
use super::*;

pub(super) const CHAPTER: Chapter = Chapter {
    title: "users",
    operations: &[Operation {
        action: "ListUsers",
        function: "list_users",
        section: "2.1",
        effect: Effect::Read,
        method: Method::Get,
        help: "Lists the users under the main account.",
        subject: Subject::Nothing("it lists the whole account"),
        params: &[PAGE_NUMBER.required(), RECORDS.required()],
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
        example: r#"{"PageNumber": 1, "PageSize": 20}"#,
        ..Operation::BASE
    }],
};
