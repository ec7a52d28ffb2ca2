//! Chapter rds.
#![allow(unused_imports)]
use super::*;

pub(super) const CHAPTER: Chapter = Chapter {
    title: "rds",
    operations: &[
        Operation {
            action: "DescribeDatabases",
            function: "describe_databases",
            section: "6.1",
            effect: Effect::Read,
            method: Method::Get,
            help: "x.",
            params: &[Param::query("InstanceId", STRING, "x.").required()],
            paging: None,
            success: 0,
            reply: &[
                int("Code"),
                string("RequestId"),
                string("ErrMsg"),
                object(
                    "Result",
                    &[objects(
                        "Databases",
                        &[
                            string("DBName"),
                            string("DBStatus"),
                            string("DBDescription"),
                            string("Engine"),
                            string("CharacterSetName"),
                            string("DBInstanceId"),
                            objects(
                                "Accounts",
                                &[string("AccountPrivilegeDetail"), string("AccountPrivilege"), string("Account")],
                            ),
                        ],
                    )],
                ),
            ],
            ..Operation::BASE
        },
        Operation {
            action: "DeleteRdsAccount",
            function: "delete_rds_account",
            section: "6.2",
            effect: Effect::Destructive,
            method: Method::Post,
            help: "x.",
            params: &[
                Param::body("AccountName", STRING, "x.").required(),
                Param::body("DbInstanceId", STRING, "x.").required(),
            ],
            paging: None,
            success: 0,
            reply: &[string("RequestId"), string("ErrMsg"), int("Code"), object("Result", &[string("RequestId")])],
            ..Operation::BASE
        },
        Operation {
            action: "DescribeRdsAccounts",
            function: "describe_rds_accounts",
            section: "6.3",
            effect: Effect::Read,
            method: Method::Get,
            help: "x.",
            params: &[Param::query("DbInstanceId", STRING, "x.").required(), Param::query("AccountName", STRING, "x.")],
            paging: None,
            success: 0,
            reply: &[
                int("Code"),
                string("RequestId"),
                string("ErrMsg"),
                object(
                    "Result",
                    &[objects(
                        "Accounts",
                        &[
                            string("AccountStatus"),
                            string("AccountDescription"),
                            string("AccountName"),
                            string("AccountType"),
                            string("PrivExceeded"),
                            string("DBInstanceId"),
                            objects(
                                "DatabasePrivileges",
                                &[string("DBName"), string("AccountPrivilege"), string("AccountPrivilegeDetail")],
                            ),
                        ],
                    )],
                ),
            ],
            ..Operation::BASE
        },
        Operation {
            action: "GrantDbToAccount",
            function: "grant_db_to_account",
            section: "6.4",
            effect: Effect::Write,
            method: Method::Post,
            help: "x.",
            params: &[
                Param::body("AccountName", STRING, "x.").required(),
                Param::body("AccountPrivilege", STRING, "x.").required(),
                Param::body("DbInstanceId", STRING, "x.").required(),
                Param::body("DbName", STRING, "x.").required(),
            ],
            paging: None,
            success: 0,
            reply: &[int("Code"), string("RequestId"), string("ErrMsg")],
            ..Operation::BASE
        },
        Operation {
            action: "CreateDb",
            function: "create_db",
            section: "6.5",
            effect: Effect::Write,
            method: Method::Post,
            help: "x.",
            params: &[
                Param::body("CharacterSetName", STRING, "x.").required(),
                Param::body("DbInstanceId", STRING, "x.").required(),
                Param::body("DbName", STRING, "x.").required(),
                Param::body("DbDescription", STRING, "x."),
            ],
            paging: None,
            success: 0,
            reply: &[int("Code"), string("RequestId"), string("ErrMsg")],
            ..Operation::BASE
        },
        Operation {
            action: "DeleteDatabase",
            function: "delete_database",
            section: "6.6",
            effect: Effect::Destructive,
            method: Method::Post,
            help: "x.",
            params: &[
                Param::body("DBInstanceId", STRING, "x.").required(),
                Param::body("DBName", STRING, "x.").required(),
            ],
            paging: None,
            success: 0,
            reply: &[int("Code"), string("RequestId"), string("ErrMsg")],
            ..Operation::BASE
        },
        Operation {
            action: "GetRdsBackUp",
            function: "get_rds_back_up",
            section: "6.7",
            effect: Effect::Read,
            method: Method::Post,
            help: "x.",
            params: &[
                Param::body("DbInstanceId", STRING, "x.").required(),
                Param::body("BackupId", STRING, "x."),
                Param::body("BackupType", STRING, "x."),
                Param::body("PageNumber", INTEGER, "x."),
                Param::body("PageSize", INTEGER, "x."),
            ],
            paging: Some(Paging {
                items: &["Result", "Items"],
                total: &["Result", "TotalRecordCount"],
                ..Paging::NUMBER
            }),
            success: 0,
            reply: &[
                int("Code"),
                string("ErrMsg"),
                string("RequestId"),
                object(
                    "Result",
                    &[
                        string("TotalRecordCount"),
                        string("PageNumber"),
                        string("PageRecordCount"),
                        int("TotalBackupSize"),
                        objects(
                            "Items",
                            &[
                                int("TotalBackupSize"),
                                string("BackupId"),
                                string("DBInstanceId"),
                                string("BackupStatus"),
                                string("BackupStartTime"),
                                string("BackupEndTime"),
                                string("BackupType"),
                                string("BackupMode"),
                                string("BackupMethod"),
                                string("BackupLocation"),
                                string("BackupScale"),
                                string("BackupDBNames"),
                                int("BackupSize"),
                                string("HostInstanceID"),
                                string("StoreStatus"),
                                string("MetaStatus"),
                                string("BackupExtractionStatus"),
                            ],
                        ),
                    ],
                ),
            ],
            ..Operation::BASE
        },
    ],
};
