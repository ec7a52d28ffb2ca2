//! Databases: RDS instances, their databases, accounts and backups.

// Every word of this table is defined by the folder's first page.
use super::*;

const RDS_INSTANCE: &str = "RDS instance id, such as rm-demo-0001.";
const DB_INSTANCE_ID: Param = Param::query("DbInstanceId", STRING, RDS_INSTANCE);
const ACCOUNT_NAME: Param = Param::query("AccountName", STRING, "Name of the database account.");
/// What the document names anywhere, and the SQL Server collation that it misspells.
const CHARACTER_SET: Check = Check::OneOf(&[
    "utf8",
    "gbk",
    "latin1",
    "utf8mb4",
    "Chinese_PRC_CI_AS",
    "Chinese_PRC_CS_AS",
    "SQL_Latin1_General_CI_AS",
    "SQL_Latin1_General_CP1_CS_AS",
    "Chinese_PRC_BIN",
]);
const DATABASE_NAME: &[Check] = &[
    Check::Length(2, 64),
    Check::Pattern { regex: "^[A-Za-z]", says: "starts with a letter" },
    Check::Pattern { regex: "[A-Za-z0-9]$", says: "ends with a letter or digit" },
    Check::Pattern { regex: "^[a-z0-9_-]*$", says: "has only lower-case letters, digits, _ and -" },
];
const DATABASE_DESCRIPTION: &[Check] = &[
    Check::Length(2, 256),
    Check::Pattern {
        regex: r"^[A-Za-z\u{3400}-\u{9fff}\u{f900}-\u{faff}\u{20000}-\u{3ffff}]",
        says: "starts with an English or Chinese letter",
    },
    Check::Pattern {
        regex: r"^[A-Za-z0-9_\-\u{3400}-\u{9fff}\u{f900}-\u{faff}\u{20000}-\u{3ffff}]*$",
        says: "has only English and Chinese letters, digits, _ and -",
    },
];

pub(super) const CHAPTER: Chapter = Chapter {
    title: "rds",
    operations: &[
        Operation {
            action: "DescribeDatabases",
            function: "describe_databases",
            section: "6.1",
            effect: Effect::Read,
            method: Method::Get,
            help: "Lists the databases of an RDS instance and who may use them.",
            subject: subject::DB_INSTANCE_BY_INSTANCE,
            params: &[Param::query("InstanceId", STRING, RDS_INSTANCE).required()],
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
                            string("DBStatus").means("Creating, Running, Deleting"),
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
            example: r#"{"InstanceId": "rm-demo-0001"}"#,
            ..Operation::BASE
        },
        Operation {
            action: "DeleteRdsAccount",
            function: "delete_rds_account",
            section: "6.2",
            effect: Effect::Destructive,
            method: Method::Post,
            help: "Deletes a database account.",
            subject: subject::DB_ACCOUNT,
            params: &[ACCOUNT_NAME.in_body().required(), DB_INSTANCE_ID.in_body().required()],
            reply: &[string("RequestId"), string("ErrMsg"), int("Code"), object("Result", &[string("RequestId")])],
            example: r#"{"AccountName": "shop_rw", "DbInstanceId": "rm-demo-0001"}"#,
            ..Operation::BASE
        },
        Operation {
            action: "DescribeRdsAccounts",
            function: "describe_rds_accounts",
            section: "6.3",
            effect: Effect::Read,
            method: Method::Get,
            help: "Lists the database accounts of an RDS instance and their privileges.",
            subject: subject::DB_INSTANCE,
            params: &[DB_INSTANCE_ID.required(), Param { help: "Only the account of this name.", ..ACCOUNT_NAME }],
            reply: &[
                int("Code"),
                string("RequestId"),
                string("ErrMsg"),
                object(
                    "Result",
                    &[objects(
                        "Accounts",
                        &[
                            string("AccountStatus").means("Available, Unavailable"),
                            string("AccountDescription"),
                            string("AccountName"),
                            string("AccountType").means("Normal, Super"),
                            string("PrivExceeded").means("0 no, 1 the account manages more databases than it may"),
                            string("DBInstanceId"),
                            objects(
                                "DatabasePrivileges",
                                &[string("DBName"), string("AccountPrivilege"), string("AccountPrivilegeDetail")],
                            ),
                        ],
                    )],
                ),
            ],
            example: r#"{"DbInstanceId": "rm-demo-0001"}"#,
            ..Operation::BASE
        },
        Operation {
            action: "GrantDbToAccount",
            function: "grant_db_to_account",
            section: "6.4",
            effect: Effect::Write,
            method: Method::Post,
            help: "Lets a database account use a database.",
            subject: subject::DB_ACCOUNT,
            params: &[
                ACCOUNT_NAME.in_body().required(),
                Param::body(
                    "AccountPrivilege",
                    STRING,
                    "What it may do; DDLOnly and DMLOnly on MySQL and MariaDB, DBOwner on SQL Server.",
                )
                .checks(&[Check::OneOf(&["ReadWrite", "ReadOnly", "DDLOnly", "DMLOnly", "DBOwner"])])
                .required(),
                DB_INSTANCE_ID.in_body().required(),
                Param::body("DbName", STRING, "Name of the database.").required(),
            ],
            reply: &[int("Code"), string("RequestId"), string("ErrMsg")],
            example: r#"{"AccountName": "shop_rw", "AccountPrivilege": "ReadOnly", "DbInstanceId": "rm-demo-0001", "DbName": "shop"}"#,
            ..Operation::BASE
        },
        Operation {
            action: "CreateDb",
            function: "create_db",
            section: "6.5",
            effect: Effect::Write,
            method: Method::Post,
            help: "Creates a database on an RDS instance.",
            subject: subject::DB_INSTANCE,
            params: &[
                Param::body("CharacterSetName", STRING, "Character set on MySQL and MariaDB, collation on SQL Server.")
                    .checks(&[CHARACTER_SET])
                    .required(),
                DB_INSTANCE_ID.in_body().required(),
                Param::body("DbName", STRING, "Name of the database, unique on the instance.")
                    .checks(DATABASE_NAME)
                    .required(),
                Param::body("DbDescription", STRING, "What the database is for.").checks(DATABASE_DESCRIPTION),
            ],
            reply: &[int("Code"), string("RequestId"), string("ErrMsg")],
            example: r#"{"CharacterSetName": "utf8mb4", "DbInstanceId": "rm-demo-0001", "DbName": "gift_cards", "DbDescription": "Gift-cards"}"#,
            ..Operation::BASE
        },
        Operation {
            action: "DeleteDatabase",
            function: "delete_database",
            section: "6.6",
            effect: Effect::Destructive,
            method: Method::Post,
            help: "Deletes a database of an RDS instance with its data.",
            subject: subject::DATABASE,
            params: &[
                Param::body("DBInstanceId", STRING, RDS_INSTANCE).required(),
                Param::body("DBName", STRING, "Name of the database.").required(),
            ],
            reply: &[int("Code"), string("RequestId"), string("ErrMsg")],
            example: r#"{"DBInstanceId": "rm-demo-0001", "DBName": "shop"}"#,
            ..Operation::BASE
        },
        Operation {
            action: "GetRdsBackUp",
            function: "get_rds_back_up",
            section: "6.7",
            effect: Effect::Read,
            method: Method::Post,
            help: "Lists the backups of an RDS instance.",
            subject: subject::DB_INSTANCE,
            params: &[
                DB_INSTANCE_ID.in_body().required(),
                Param::body("BackupId", STRING, "Only the backup of this id."),
                Param::body("BackupType", STRING, "Only full or only incremental backups; left out, both.")
                    .checks(&[Check::OneOf(&["FullBackup", "IncrementalBackup"])]),
                PAGE_NUMBER.in_body().default("1"),
                RECORDS.in_body().checks(&[Check::OneOf(&["30", "50", "100"])]).default("30"),
            ],
            paging: Some(Paging {
                items: &["Result", "Items"],
                total: &["Result", "TotalRecordCount"],
                ..Paging::NUMBER
            }),
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
                        int("TotalBackupSize").means("bytes"),
                        objects(
                            "Items",
                            &[
                                string("BackupId"),
                                string("DBInstanceId"),
                                string("BackupStatus"),
                                string("BackupStartTime"),
                                string("BackupEndTime"),
                                string("BackupType"),
                                string("BackupMode").means("Automated, Manual"),
                                string("BackupMethod").means("Physical, Logical"),
                                string("BackupLocation"),
                                string("BackupExtractionStatus"),
                                string("BackupScale"),
                                string("BackupDBNames"),
                                int("TotalBackupSize").means("bytes"),
                                int("BackupSize").means("bytes"),
                                string("HostInstanceID"),
                                string("StoreStatus").means("whether the backup may be deleted: Enabled, Disabled"),
                                string("MetaStatus").means("OK, LARGE has too many tables to restore single ones, EMPTY failed; nothing: not switched on"),
                            ],
                        ),
                    ],
                ),
            ],
            example: r#"{"DbInstanceId": "rm-demo-0001"}"#,
            ..Operation::BASE
        },
    ],
};
