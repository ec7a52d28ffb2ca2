//! Chapter 6 simulated: databases, accounts and grants of RDS instances; their backups in the file
//! beside. Instances and accounts are made elsewhere: see [`Instance`].

mod backups;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::sim::engine::call::{Call, Handler, Refusal, done};
use crate::sim::engine::json::{Json, object};
use crate::sim::engine::leaving::{self, Leaving};
use crate::sim::engine::state::State;
pub(in crate::sim) use backups::{History, Oddity, night_of};

/// Database instances by id.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Rds {
    instances: BTreeMap<String, Instance>,
}

/// A database instance.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::sim) struct Instance {
    engine: Engine,
    databases: BTreeMap<String, Database>,
    accounts: BTreeMap<String, Account>,
    /// Databases that are gone, while backups still have them.
    dropped: Vec<(String, Timestamp, Timestamp)>,
    history: History,
}

/// A database engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sim) enum Engine {
    /// MySQL.
    MySql,
    /// MariaDB.
    MariaDb,
    /// SQL Server.
    SqlServer,
    /// PostgreSQL.
    PostgreSql,
    /// PPAS: PostgreSQL that speaks Oracle.
    Ppas,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Database {
    character_set: String,
    description: String,
    created: Timestamp,
    /// Since when it is being deleted, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deleting: Option<Timestamp>,
    /// What accounts may do with it.
    grants: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Account {
    description: String,
    /// May do everything without a grant.
    superuser: bool,
    #[serde(default)]
    standing: Standing,
}

/// How an account stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sim) enum Standing {
    /// As it should.
    #[default]
    Good,
    /// It cannot be used.
    Unavailable,
    /// It manages more databases than an account may.
    Exceeded,
}

/// The privilege of a grant that was made in SQL.
const CUSTOM: &str = "Custom";

/// How long a new database is `Creating`, and an old one `Deleting`.
const CREATING: SignedDuration = SignedDuration::from_secs(20);

/// Databases and accounts that the engines keep for themselves.
const SYSTEM: [&str; 12] = [
    "mysql",
    "information_schema",
    "performance_schema",
    "sys",
    "master",
    "model",
    "msdb",
    "tempdb",
    "dba",
    "root",
    "admin",
    "aliyun_root",
];

/// Refuses what is the engine's own.
fn require_own(what: &str, name: &str) -> Result<(), Refusal> {
    match SYSTEM.contains(&name) {
        true => Err(Refusal::invalid(format!("{name} is the system's own {what}: it is neither created nor deleted"))),
        false => Ok(()),
    }
}

impl Database {
    fn new(character_set: &str, description: &str, created: Timestamp) -> Self {
        let (character_set, description) = (character_set.to_owned(), description.to_owned());
        Self { character_set, description, created, deleting: None, grants: BTreeMap::new() }
    }

    /// What it is doing at a time.
    fn status(&self, now: Timestamp) -> &'static str {
        let creating = self.created.saturating_add(CREATING).is_ok_and(|ready| now < ready);
        match self.deleting {
            Some(_) => "Deleting",
            None if creating => "Creating",
            None => "Running",
        }
    }
}

impl Engine {
    const fn name(self) -> &'static str {
        match self {
            Self::MySql => "MySQL",
            Self::MariaDb => "MariaDB",
            Self::SqlServer => "SQLServer",
            Self::PostgreSql => "PostgreSQL",
            Self::Ppas => "PPAS",
        }
    }

    /// The character sets of its databases. None where databases are made in SQL only.
    const fn character_sets(self) -> &'static [&'static str] {
        match self {
            Self::MySql | Self::MariaDb => &["utf8", "gbk", "latin1", "utf8mb4"],
            Self::SqlServer => &[
                "Chinese_PRC_CI_AS",
                "Chinese_PRC_CS_AS",
                "SQL_Latin1_General_CI_AS",
                "SQL_Latin1_General_CP1_CS_AS",
                "Chinese_PRC_BIN",
            ],
            Self::PostgreSql | Self::Ppas => &[],
        }
    }

    /// What a grant allows in detail.
    fn detail(self, privilege: &str) -> Option<&'static str> {
        if privilege == CUSTOM { Some("SELECT,INSERT,SHOW VIEW") } else { self.allows(privilege) }
    }

    /// What a privilege allows in detail; `None` when the engine does not have it.
    fn allows(self, privilege: &str) -> Option<&'static str> {
        match (self, privilege) {
            (Self::MySql | Self::MariaDb, "ReadOnly") => Some("SELECT,LOCK TABLES,SHOW VIEW"),
            (Self::MySql | Self::MariaDb, "ReadWrite") => Some(
                "SELECT,INSERT,UPDATE,DELETE,CREATE,DROP,INDEX,ALTER,CREATE TEMPORARY TABLES,LOCK TABLES,EXECUTE,\
                 CREATE VIEW,SHOW VIEW,CREATE ROUTINE,ALTER ROUTINE,EVENT,TRIGGER",
            ),
            (Self::MySql | Self::MariaDb, "DDLOnly") => Some(
                "CREATE,DROP,INDEX,ALTER,CREATE TEMPORARY TABLES,LOCK TABLES,CREATE VIEW,SHOW VIEW,CREATE ROUTINE,\
                 ALTER ROUTINE",
            ),
            (Self::MySql | Self::MariaDb, "DMLOnly") => {
                Some("SELECT,INSERT,UPDATE,DELETE,CREATE TEMPORARY TABLES,LOCK TABLES,EXECUTE,SHOW VIEW,EVENT,TRIGGER")
            }
            (Self::SqlServer, "DBOwner") => Some("db_owner"),
            (Self::SqlServer, "ReadWrite") => Some("db_datareader,db_datawriter"),
            (Self::SqlServer, "ReadOnly") => Some("db_datareader"),
            (Self::PostgreSql | Self::Ppas, "ReadOnly") => Some("SELECT"),
            (Self::PostgreSql | Self::Ppas, "ReadWrite") => Some("ALL"),
            _ => None,
        }
    }
}

impl Instance {
    /// A new instance.
    pub(in crate::sim) fn new(engine: Engine, history: History) -> Self {
        Self { engine, databases: BTreeMap::new(), accounts: BTreeMap::new(), dropped: Vec::new(), history }
    }

    /// With a database that has been there since.
    pub(in crate::sim) fn database(
        mut self,
        name: &str,
        character_set: &str,
        description: &str,
        created: Timestamp,
    ) -> Self {
        self.databases.insert(name.to_owned(), Database::new(character_set, description, created));
        self
    }

    /// With an account.
    pub(in crate::sim) fn account(mut self, name: &str, description: &str, superuser: bool) -> Self {
        let account = Account { description: description.to_owned(), superuser, standing: Standing::Good };
        self.accounts.insert(name.to_owned(), account);
        self
    }

    /// With an account that does not stand as it should.
    pub(in crate::sim) fn account_standing(mut self, name: &str, description: &str, standing: Standing) -> Self {
        let account = Account { description: description.to_owned(), superuser: false, standing };
        self.accounts.insert(name.to_owned(), account);
        self
    }

    /// With a grant that was made in SQL: there is no other way to privileges of one's own choice.
    pub(in crate::sim) fn custom_grant(mut self, database: &str, account: &str) -> Self {
        if let Some(database) = self.databases.get_mut(database) {
            database.grants.insert(account.to_owned(), CUSTOM.to_owned());
        }
        self
    }

    /// Refuses what is done in SQL on some engines.
    fn require_support(&self, id: &str, call: &Call) -> Result<(), Refusal> {
        match self.engine {
            Engine::PostgreSql | Engine::Ppas => {
                let (action, engine) = (call.operation.action, self.engine.name());
                Err(Refusal::invalid(format!("{action} does not support {engine}, the engine of RDS instance {id}")))
            }
            _ => Ok(()),
        }
    }

    fn require_account(&self, id: &str, name: &str) -> Result<(), Refusal> {
        match self.accounts.contains_key(name) {
            true => Ok(()),
            false => Err(Refusal::not_found(&format!("account of RDS instance {id}"), name)),
        }
    }

    /// A database that can be worked on.
    fn require_database(&self, id: &str, name: &str, now: Timestamp) -> Result<(), Refusal> {
        let found = self.databases.get(name);
        match found.ok_or_else(|| Refusal::not_found(&format!("database of RDS instance {id}"), name))?.status(now) {
            "Running" => Ok(()),
            status => Err(Refusal::conflict(format!("database {name} of RDS instance {id} is {status}"))),
        }
    }

    fn finish_deletions(&mut self, now: Timestamp) {
        let done = |database: &Database| {
            let begun = database.deleting?;
            begun.saturating_add(CREATING).ok().filter(|gone| *gone <= now)
        };
        for (name, gone) in
            self.databases.iter().filter_map(|(name, it)| Some((name.clone(), done(it)?))).collect::<Vec<_>>()
        {
            if let Some(database) = self.databases.remove(&name) {
                self.dropped.retain(|(_, _, dropped)| *dropped > backups::oldest(now));
                self.dropped.push((name, database.created, gone));
            }
        }
    }
}

/// Adds an instance to the account.
pub(in crate::sim) fn add_instance(state: &mut State, id: &str, instance: Instance) {
    state.rds.instances.insert(id.to_owned(), instance);
}

impl Rds {
    fn instance(&mut self, id: &str) -> Result<&mut Instance, Refusal> {
        self.instances.get_mut(id).ok_or_else(|| Refusal::not_found("RDS instance", id))
    }

    /// Lets go of the databases whose deletion is done.
    pub(in crate::sim) fn finish_deletions(&mut self, now: Timestamp) {
        self.instances.values_mut().for_each(|instance| instance.finish_deletions(now));
    }
}

pub(in crate::sim) const HANDLERS: &[(&str, Handler)] = &[
    ("DescribeDatabases", describe_databases),
    ("DeleteRdsAccount", delete_account),
    ("DescribeRdsAccounts", describe_accounts),
    ("GrantDbToAccount", grant),
    ("CreateDb", create_database),
    ("DeleteDatabase", delete_database),
    ("GetRdsBackUp", backups::list),
];

fn describe_databases(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let id = call.text("InstanceId");
    let now = state.now;
    let instance = state.rds.instance(id)?;
    instance.require_support(id, call)?;
    let databases = instance.databases.iter().map(|(name, database)| {
        let accounts = database.grants.iter().map(|(account, privilege)| {
            object!({
                "AccountPrivilegeDetail": instance.engine.detail(privilege),
                "AccountPrivilege": privilege,
                "Account": account,
            })
        });
        object!({
            "DBName": name,
            "DBStatus": database.status(now),
            "DBDescription": database.description,
            "Engine": instance.engine.name(),
            "CharacterSetName": database.character_set,
            "DBInstanceId": id,
            "Accounts": accounts.collect::<Vec<_>>(),
        })
    });
    Ok(object!({"Result": {"Databases": databases.collect::<Vec<_>>()}}))
}

fn describe_accounts(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let id = call.text("DbInstanceId");
    let instance = state.rds.instance(id)?;
    instance.require_support(id, call)?;
    let wanted =
        instance.accounts.iter().filter(|(name, _)| call.opt_text("AccountName").is_none_or(|wanted| wanted == *name));
    let accounts = wanted.map(|(name, account)| {
        let granted =
            instance.databases.iter().filter_map(|(database, of)| of.grants.get(name).map(|grant| (database, grant)));
        let privileges = granted.map(|(database, privilege)| {
            object!({
                "DBName": database,
                "AccountPrivilege": privilege,
                "AccountPrivilegeDetail": instance.engine.detail(privilege),
            })
        });
        object!({
            "AccountStatus": if account.standing == Standing::Unavailable { "Unavailable" } else { "Available" },
            "AccountDescription": account.description,
            "AccountName": name,
            "AccountType": if account.superuser { "Super" } else { "Normal" },
            "PrivExceeded": if account.standing == Standing::Exceeded { "1" } else { "0" },
            "DBInstanceId": id,
            "DatabasePrivileges": privileges.collect::<Vec<_>>(),
        })
    });
    Ok(object!({"Result": {"Accounts": accounts.collect::<Vec<_>>()}}))
}

fn delete_account(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let (id, name) = (call.text("DbInstanceId"), call.text("AccountName"));
    let instance = state.rds.instance(id)?;
    instance.require_support(id, call)?;
    instance.require_account(id, name)?;
    require_own("account", name)?;
    if let Some(account) = instance.accounts.get_mut(name) {
        account.standing = Standing::Unavailable;
    }
    leaving::begin(state, Leaving::Account(id.to_owned(), name.to_owned()), false);
    // The request's id goes in there.
    Ok(object!({"Result": {}}))
}

/// Takes out an account with its grants.
pub(crate) fn remove_account(state: &mut State, id: &str, name: &str) {
    let Ok(instance) = state.rds.instance(id) else { return };
    instance.accounts.remove(name);
    for database in instance.databases.values_mut() {
        database.grants.remove(name);
    }
}

/// A grant replaces an earlier one of the same account on the same database.
fn grant(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let (id, name) = (call.text("DbInstanceId"), call.text("DbName"));
    let (account, privilege) = (call.text("AccountName"), call.text("AccountPrivilege"));
    let instance = state.rds.instance(id)?;
    instance.require_account(id, account)?;
    if instance.accounts.get(account).is_some_and(|of| of.standing == Standing::Unavailable) {
        return Err(Refusal::conflict(format!("account {account} of RDS instance {id} is Unavailable")));
    }
    instance.require_database(id, name, state.now)?;
    if instance.engine.allows(privilege).is_none() {
        let engine = instance.engine.name();
        let text = format!("there is no privilege {privilege} on {engine}, the engine of RDS instance {id}");
        return Err(Refusal::invalid(text));
    }
    if let Some(database) = instance.databases.get_mut(name) {
        database.grants.insert(account.to_owned(), privilege.to_owned());
    }
    done()
}

fn create_database(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let (id, name, character_set) = (call.text("DbInstanceId"), call.text("DbName"), call.text("CharacterSetName"));
    let now = state.now;
    let instance = state.rds.instance(id)?;
    instance.require_support(id, call)?;
    require_own("database", name)?;
    if instance.databases.contains_key(name) {
        return Err(Refusal::conflict(format!("RDS instance {id} has a database {name} already")));
    }
    let known = instance.engine.character_sets();
    if !known.contains(&character_set) {
        let text = format!("{character_set} is no character set of {}: {}", instance.engine.name(), known.join(", "));
        return Err(Refusal::invalid(text));
    }
    let database = Database::new(character_set, call.text("DbDescription"), now);
    instance.databases.insert(name.to_owned(), database);
    done()
}

fn delete_database(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let (id, name) = (call.text("DBInstanceId"), call.text("DBName"));
    let now = state.now;
    let instance = state.rds.instance(id)?;
    instance.require_support(id, call)?;
    require_own("database", name)?;
    instance.require_database(id, name, now)?;
    if let Some(database) = instance.databases.get_mut(name) {
        database.deleting = Some(now);
        database.grants.clear();
    }
    done()
}
