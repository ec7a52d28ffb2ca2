//! What the API is: all 66 operations of `retailcloud` 2018-03-13 as plain data, each declared once.
//!
//! Registration in scripts, validation, signing position, reply normalising, paging, help,
//! completion, policy and the simulator's routing all derive from these records. A chapter of
//! the vendor's document is a file here; nothing in this folder depends on the rest of the crate.
//!
//! The facts come from the vendor's published document (2020-02-20) cross-checked against its
//! published clients; `tests/golden/operations.facts.json` holds the outside copy that the tests
//! compare this table with, both ways.

mod access;
mod applications;
mod cluster;
mod later;
mod rds;
mod release;
mod sight;
mod subject;
mod users;

#[cfg(test)]
pub(crate) mod tests;

#[cfg(test)]
pub(crate) use sight::seen;
pub(crate) use sight::{Like, Says, Sight, look_for};
pub(crate) use subject::{Kind, Read, Subject, Thing};

pub(crate) use later::Later;

/// The version of the API that every request names.
pub(crate) const VERSION: &str = "2018-03-13";

/// What an operation does to the account. Never guessed from the HTTP method: `DeleteAppDetail`
/// travels by GET, most reads by POST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Changes nothing.
    Read,
    /// Creates or changes something.
    Write,
    /// Removes something that may not come back.
    Destructive,
}

impl Effect {
    /// The word for it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Destructive => "destructive",
        }
    }
}

/// The HTTP method an operation is sent with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// Every parameter travels in the query.
    Get,
    /// Parameters marked [`Position::Body`] travel as a form, the rest in the query.
    Post,
}

impl Method {
    /// As HTTP writes it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// Where a parameter travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Position {
    /// In the URL's query.
    Query,
    /// In the `application/x-www-form-urlencoded` body of a POST.
    Body,
}

/// The type of one plain value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    /// Text.
    String,
    /// A 32-bit integer.
    Integer,
    /// A 64-bit integer.
    Long,
    /// `true` or `false`.
    Boolean,
}

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Type {
    /// One plain value.
    Scalar(Scalar),
    /// `Name.1`, `Name.2`, …: a list of plain values.
    List(Scalar),
    /// `Name.1.Sub`, …: a list of maps with these parameters each.
    Maps(&'static [Param]),
}

/// One condition on a single value, taken from the document's text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Check {
    /// An integer between these bounds, both included.
    Range(i64, i64),
    /// One of these values, compared as they are written on the wire.
    OneOf(&'static [&'static str]),
    /// Text of this many characters, both bounds included; `usize::MAX` when there is no upper one.
    Length(usize, usize),
    /// Text that this regular expression matches; `says` tells a person what that means.
    Pattern {
        /// The expression, anchored by itself where it needs to be.
        regex: &'static str,
        /// What the value must be, in words that follow "text that".
        says: &'static str,
    },
    /// Standard base64.
    Base64,
    /// A time, with or without a zone: `2020-01-01 00:00:00`.
    Time,
    /// A range of IPv4 addresses: `172.22.0.0/16`.
    Cidr,
}

/// One condition between parameters of an operation, taken from the document's text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Rule {
    /// `param` may be given only when `with` is one of `values`; a false asks for nothing.
    OnlyWith {
        /// The parameter that is restricted.
        param: &'static str,
        /// The parameter that decides.
        with: &'static str,
        /// The values of `with` that allow `param`.
        values: &'static [&'static str],
    },
    /// `param` must be given when `with` is one of `values`.
    NeededWith {
        /// The parameter that is needed.
        param: &'static str,
        /// The parameter that decides.
        with: &'static str,
        /// The values of `with` that need `param`.
        values: &'static [&'static str],
    },
    /// The two cannot be given together.
    NotBoth(&'static str, &'static str),
    /// At least one of the two must be given.
    OneOrBoth(&'static str, &'static str),
    /// The two ranges have no address in common.
    Apart(&'static str, &'static str),
}

/// One request parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Param {
    /// The wire name without indexes: `EnvId`, `UserRoles`.
    pub name: &'static str,
    /// The type of its value.
    pub ty: Type,
    /// Query or body; parameters inside a list of maps follow their list.
    pub position: Position,
    /// Whether the service refuses a request without it. Inside a list of maps: whether each element needs it.
    pub required: bool,
    /// Known only to the vendor's later SDKs: accepted by the service, absent from the document.
    pub later: bool,
    /// Its value must never be shown.
    pub secret: bool,
    /// Conditions on its value (on each element of a list).
    pub checks: &'static [Check],
    /// What the service assumes when it is left out, as written on the wire.
    pub default: Option<&'static str>,
    /// One line of help.
    pub help: &'static str,
}

impl Param {
    /// An optional parameter that travels in the query.
    pub(crate) const fn query(name: &'static str, ty: Type, help: &'static str) -> Self {
        Self {
            name,
            ty,
            position: Position::Query,
            required: false,
            later: false,
            secret: false,
            checks: &[],
            default: None,
            help,
        }
    }

    /// An optional parameter that travels in the body.
    pub(crate) const fn body(name: &'static str, ty: Type, help: &'static str) -> Self {
        Self { position: Position::Body, ..Self::query(name, ty, help) }
    }

    /// The service refuses a request without it.
    pub(crate) const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// Travels in the body.
    pub(crate) const fn in_body(self) -> Self {
        Self { position: Position::Body, ..self }
    }

    /// Known only to later SDKs.
    pub(crate) const fn later(self) -> Self {
        Self { later: true, ..self }
    }

    /// Its value is masked wherever it could be shown.
    pub(crate) const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    /// Conditions on its value.
    pub(crate) const fn checks(self, checks: &'static [Check]) -> Self {
        Self { checks, ..self }
    }

    /// What the service assumes when it is left out.
    pub(crate) const fn default(self, value: &'static str) -> Self {
        Self { default: Some(value), ..self }
    }

    /// Whether this parameter takes one plain value.
    pub(crate) fn is_scalar(&self) -> bool {
        matches!(self.ty, Type::Scalar(_))
    }
}

/// The type of a reply field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shape {
    /// Text.
    String,
    /// A 64-bit integer.
    Int,
    /// `true` or `false`.
    Bool,
    /// A map with these fields.
    Object(&'static [Field]),
    /// A list of maps with these fields.
    Objects(&'static [Field]),
    /// A list of text. Elements that arrive as maps are kept as they are.
    Strings,
}

/// One reply field, in the document's spelling.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Field {
    /// Canonical name.
    pub name: &'static str,
    /// Documented type.
    pub shape: Shape,
    /// The service sends it in clear, jst never shows it nor hands it to a script.
    pub secret: bool,
    /// Absent from the document, known from the vendor's later clients.
    pub later: bool,
    /// What its values mean, in a few words; empty where they speak for themselves.
    pub means: &'static str,
}

impl Field {
    const fn new(name: &'static str, shape: Shape) -> Self {
        Self { name, shape, secret: false, later: false, means: "" }
    }

    /// What its values mean.
    const fn means(self, means: &'static str) -> Self {
        Self { means, ..self }
    }

    /// Masked as soon as a reply is read.
    const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    /// Absent from the document.
    const fn later(self) -> Self {
        Self { later: true, ..self }
    }
}

/// A text field.
const fn string(name: &'static str) -> Field {
    Field::new(name, Shape::String)
}

/// An integer field.
const fn int(name: &'static str) -> Field {
    Field::new(name, Shape::Int)
}

/// A Boolean field.
const fn bool(name: &'static str) -> Field {
    Field::new(name, Shape::Bool)
}

/// A map field.
const fn object(name: &'static str, fields: &'static [Field]) -> Field {
    Field::new(name, Shape::Object(fields))
}

/// A field with a list of maps.
const fn objects(name: &'static str, fields: &'static [Field]) -> Field {
    Field::new(name, Shape::Objects(fields))
}

/// A field with a list of text.
const fn strings(name: &'static str) -> Field {
    Field::new(name, Shape::Strings)
}

const STRING: Type = Type::Scalar(Scalar::String);
const INTEGER: Type = Type::Scalar(Scalar::Integer);
const LONG: Type = Type::Scalar(Scalar::Long);
const BOOLEAN: Type = Type::Scalar(Scalar::Boolean);

/// How a list operation pages.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Paging {
    /// The parameter with the page's number, counted from 1; `None` when one reply holds the whole list.
    pub number: Option<&'static str>,
    /// The page size that `paginate` asks for and that is sent where the service wants one and the caller gave none.
    pub size: i64,
    /// The way to the records in a normalised reply.
    pub items: &'static [&'static str],
    /// The way to the count of all records in a normalised reply.
    pub total: &'static [&'static str],
}

impl Paging {
    /// `PageNumber` / `PageSize`, records in `Data`, their count in `TotalCount`: most lists.
    const NUMBER: Self = Self { number: Some("PageNumber"), size: 100, items: &["Data"], total: &["TotalCount"] };
    /// The same with `PageNum`: the cluster lists.
    const NUM: Self = Self { number: Some("PageNum"), ..Self::NUMBER };
}

/// The parameter with a page's size, the same in every paged operation.
pub(crate) const PAGE_SIZE: &str = "PageSize";

// Parameters and conditions that several chapters share.
const APP_ID: Param = Param::query("AppId", LONG, "Application id.");
const ENV_ID: Param = Param::query("EnvId", LONG, "Environment id.");
const APP_ENV_ID: Param = Param::query("AppEnvId", LONG, "Environment id.");
const REPLICAS: Param =
    Param::query("Replicas", INTEGER, "Number of instances to run.").checks(&[Check::Range(0, i32::MAX as i64)]);
const PAGE_NUMBER: Param =
    Param::query("PageNumber", INTEGER, "Page to return, counted from 1.").checks(&[AT_LEAST_ONE]);
const RECORDS: Param = Param::query(PAGE_SIZE, INTEGER, "Records per page.").checks(&[AT_LEAST_ONE]);
const ACCESS_MODES: Param =
    Param::query("AccessModes", STRING, "Whether many nodes or one may mount the volume to write.")
        .checks(&[Check::OneOf(&["ReadWriteMany", "ReadWriteOnce"])]);
/// The document takes plain numbers, and whole ones before a unit; its `ListPersistentVolume` counts 129e6
/// among them, and Kubernetes writes K as k. A volume of nothing holds nothing.
const CAPACITY: Param = Param::query("Capacity", STRING, "Size in bytes as a Kubernetes quantity, such as 500Gi.")
    .checks(&[Check::Pattern {
        regex: r"^0*[1-9][0-9]*([EPTGM]i?|Ki?|k|[Ee][0-9]+)?$",
        says: "is a whole number above 0 and one of E, P, T, G, M, K, Ei, Pi, Ti, Gi, Mi, Ki, or none",
    }]);
const STORAGE_CLASS: Param = Param::query("StorageClass", STRING, "Name of the storage class.").checks(STORAGE_NAME);
const STORAGE_NAME: &[Check] = &[
    Check::Pattern { regex: "^[a-z]", says: "starts with a lower-case letter" },
    Check::Pattern { regex: "^[a-z0-9.-]*$", says: "has only lower-case letters, digits, - and ." },
];
/// `test` and `online`: configs and deploy orders say it so, environments by number, clusters as TEST and PRO.
const TEST_OR_ONLINE: Check = Check::OneOf(&["test", "online"]);
/// What a number of an environment's type means. The text of the document has 1 and 2, every sample 0 and 1.
const ENV_TYPE_MEANS: &str = "0 test, 1 production; the document's text has 1 and 2, its samples 0 and 1";
const BUSINESS: Check = Check::OneOf(&["JST", "NEW_RETAIL", "MINI_APP", "SUPPLY", "MESSAGE"]);
const AT_LEAST_ONE: Check = Check::Range(1, i32::MAX as i64);

/// One operation of the API.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Operation {
    /// The wire name: `ScaleApp`.
    pub action: &'static str,
    /// The script name: `scale_app`.
    pub function: &'static str,
    /// The section of the document that describes it: `4.1.3`.
    pub section: &'static str,
    /// What it does to the account.
    pub effect: Effect,
    /// How it is sent.
    pub method: Method,
    /// One line of help.
    pub help: &'static str,
    /// What a call is about.
    pub subject: Subject,
    /// Request parameters: the document's in its order, then the later ones.
    pub params: &'static [Param],
    /// Conditions between parameters.
    pub rules: &'static [Rule],
    /// How it pages, when it lists.
    pub paging: Option<Paging>,
    /// The integer `Code` that means success, beside 0.
    pub success: i64,
    /// Reply fields in the document's order, then the later ones.
    pub reply: &'static [Field],
    /// Parameters of a call that works on the simulator's demo account, as a JSON object.
    pub example: &'static str,
}

impl Operation {
    /// What most operations share, for records to name only what differs.
    const BASE: Self = Self {
        action: "",
        function: "",
        section: "",
        effect: Effect::Read,
        method: Method::Post,
        help: "",
        subject: Subject::Nothing(""),
        params: &[],
        rules: &[],
        paging: None,
        success: 0,
        reply: &[],
        example: "{}",
    };

    /// The required plain parameters that a script may give by position, in the document's order.
    /// Paging ones are left out.
    pub(crate) fn positional(&self) -> impl Iterator<Item = &'static Param> {
        self.params.iter().filter(|param| self.needs(param) && param.is_scalar())
    }

    /// Whether a call fails without a parameter: those of pages may be left out.
    pub(crate) fn needs(&self, param: &Param) -> bool {
        let number = self.paging.and_then(|paging| paging.number);
        param.required && param.name != PAGE_SIZE && Some(param.name) != number
    }

    /// The parameter of this wire name.
    pub(crate) fn param(&self, name: &str) -> Option<&'static Param> {
        self.params.iter().find(|param| param.name == name)
    }

    /// The title of the document's chapter that describes it.
    pub(crate) fn chapter(&self) -> &'static str {
        CHAPTERS
            .iter()
            .find(|chapter| chapter.operations.iter().any(|op| op.action == self.action))
            .map_or("", |chapter| chapter.title)
    }
}

/// A chapter of the document.
pub(crate) struct Chapter {
    /// Its title: `applications`, `users`, `operations`, `release`, `cluster`, `rds`.
    pub title: &'static str,
    /// Its operations, in the document's order.
    pub operations: &'static [Operation],
}

/// Every chapter, in the document's order.
static CHAPTERS: &[Chapter] =
    &[applications::CHAPTER, users::CHAPTER, access::CHAPTER, release::CHAPTER, cluster::CHAPTER, rds::CHAPTER];

/// All operations, in the document's order.
pub(crate) fn operations() -> impl Iterator<Item = &'static Operation> {
    CHAPTERS.iter().flat_map(|chapter| chapter.operations)
}

/// The operation of this action (`ScaleApp`) or function (`scale_app`).
pub(crate) fn find(name: &str) -> Option<&'static Operation> {
    operations().find(|op| op.action == name || op.function == name)
}

/// The operation of this action that the document does not have and the vendor's newest client has.
pub(crate) fn find_later(action: &str) -> Option<&'static Later> {
    later::OPERATIONS.iter().find(|later| later.action == action)
}

/// Every action that the vendor's newest client has beside the document's.
pub(crate) fn later_actions() -> impl Iterator<Item = &'static str> {
    later::OPERATIONS.iter().map(|later| later.action)
}
