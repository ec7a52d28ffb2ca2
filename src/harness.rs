//! What benchmarks and fuzz targets drive. They stand outside the crate, whose only other public face is
//! its command line.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::call::account::Account;
use crate::call::policy::Policy;
use crate::call::{Client, ClientConfig};
use crate::catalogue;
use crate::clock::{Clock, Pace};
use crate::credentials::{Credentials, Provider, Sources};
use crate::error::Result;
use crate::journal::keeper::{Keeper, Plan};
use crate::net::endpoint::Endpoint;
use crate::script::{Host, HostConfig, Session};
use crate::secret::Secret;
use crate::show::data::Format;
use crate::show::errors::render;
use crate::sim::http::server::respond;
use crate::sim::{ACCESS_KEY_ID, ACCESS_KEY_SECRET, Options, Sim, demo};
use crate::stop::Stop;
use crate::wire::reply::{self, Received};
use crate::wire::request::{Request, Target};
use crate::wire::sign::{Stamp, sign};

/// A script host on an account, set up as the commands do it.
pub struct Script(Host);

impl Script {
    /// A host whose calls go to this URL, so many at once.
    ///
    /// # Errors
    /// What is wrong with the URL, in words.
    pub fn new(url: &str, concurrency: usize) -> std::result::Result<Self, String> {
        Self::start(url, concurrency, None).map_err(|error| error.message.clone())
    }

    /// The same, whose writes are written down in this journal.
    ///
    /// # Errors
    /// What is wrong with the URL, in words.
    pub fn with_journal(url: &str, concurrency: usize, journal: &Path) -> std::result::Result<Self, String> {
        Self::start(url, concurrency, Some(journal)).map_err(|error| error.message.clone())
    }

    fn start(url: &str, concurrency: usize, journal: Option<&Path>) -> Result<Self> {
        let credentials = Provider::of("fake-id", "fake-secret");
        let config = ClientConfig { concurrency, ..ClientConfig::new(Endpoint::parse(url)?, credentials) };
        let stop = Arc::new(Stop::new(None));
        let connect = Box::new(move || Ok(Client::new(config.clone())));
        let account = Arc::new(Account::new(connect, Policy::default(), None, Arc::clone(&stop))?);
        if let Some(path) = journal {
            let plan = Plan { path: path.to_owned(), id: "harness".to_owned(), ..Plan::default() };
            account.shared().keep(Arc::new(Keeper::new(plan)));
        }
        let config = HostConfig {
            root: PathBuf::new(),
            args: Vec::new(),
            allow_env: Default::default(),
            allow_read: Vec::new(),
            allow_write: Vec::new(),
            net: Default::default(),
            output: Format::Json,
            checks: Arc::default(),
            share: Arc::default(),
            clock: Arc::new(Clock::real()),
            stop,
            max_memory: 512 << 20,
            max_operations: u64::MAX,
            simulated: false,
        };
        Ok(Self(Host::new(config, &account)))
    }

    /// Runs code to its end, and gives its exit code.
    ///
    /// # Errors
    /// What went wrong, in words.
    pub fn run(&self, code: &str) -> std::result::Result<u8, String> {
        self.0.run("harness", code).map_err(|error| error.message.clone())
    }
}

/// A call as bytes of HTTP, signed with the key of the simulator's demo account and a nonce of its own.
///
/// # Errors
/// What is wrong with the call, in words.
pub fn signed(action: &str, params: Map<String, Value>) -> std::result::Result<Vec<u8>, String> {
    let build = || Request::build(&Target::named(action)?, params);
    let request = build().map_err(|error| error.message.clone())?;
    let credentials = Credentials {
        access_key_id: ACCESS_KEY_ID.to_owned(),
        secret: Secret::new(ACCESS_KEY_SECRET),
        security_token: None,
    };
    let signed = sign(&request, &credentials, None, &Stamp::now(jiff::SignedDuration::ZERO));
    let (method, query, body) = (signed.method.name(), signed.query, signed.body);
    let length = body.len();
    let form = "Content-Type: application/x-www-form-urlencoded";
    Ok(format!("{method} /?{query} HTTP/1.1\r\nHost: localhost\r\n{form}\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes())
}

/// A list operation of the catalogue.
pub struct List {
    /// Its action.
    pub action: &'static str,
    /// The parameters that it needs, with values that work on the demo account.
    pub required: Map<String, Value>,
    /// Whether it takes a page's size.
    pub has_pages: bool,
}

/// Every list operation.
pub fn lists() -> Vec<List> {
    let list = |operation: &'static catalogue::Operation| {
        let mut required: Map<String, Value> = serde_json::from_str(operation.example).unwrap_or_default();
        required.retain(|name, _| operation.param(name).is_some_and(|param| param.required));
        List { action: operation.action, required, has_pages: operation.param(catalogue::PAGE_SIZE).is_some() }
    };
    catalogue::operations().filter(|operation| operation.paging.is_some()).map(list).collect()
}

/// Reads an answer to the operation of this number, whatever it is.
pub fn read_reply(operation: usize, status: u16, body: &[u8]) {
    let count = catalogue::operations().count().max(1);
    let Some(operation) = catalogue::operations().nth(operation % count) else { return };
    let received = Received { status, body: body.to_vec(), ..Received::default() };
    let _ = reply::read::<Value>(&Target::Listed(operation), &received);
}

/// A session that is given any text: whether it is whole, what could come next, and what is wrong with it.
pub struct Parser(Session);

impl Parser {
    /// A session without an account.
    ///
    /// # Errors
    /// What keeps a host from being made, in words.
    pub fn new() -> std::result::Result<Self, String> {
        Ok(Self(Session::new(Script::new("http://127.0.0.1:9", 1)?.0)))
    }

    /// Looks at a text in every way that runs none of it.
    pub fn look(&mut self, text: &str, cursor: usize) {
        let _ = self.0.is_complete(text);
        let _ = crate::repl::complete::complete(text, cursor, &());
        // A statement that ends a script before it begins, so that only its parsing happens.
        let _ = self.0.run(&format!("throw 1; {text}")).map_err(|error| render(&error, true));
    }
}

/// Looks for credentials in a home folder, whatever its files hold.
pub fn find_credentials(home: &std::path::Path) {
    let sources = Sources { home: Some(home.to_owned()), ..Sources::default() };
    let _ = sources.find().require().map_err(|error| render(&error, false));
}

/// What this simulator's doors for control ask for.
const TOKEN: &str = "fake-control-token";

/// A simulator that is asked anything.
pub struct Service(Arc<Sim>);

impl Service {
    /// One of the demo account, with its doors for control open.
    ///
    /// # Errors
    /// What keeps it from being made, in words.
    pub fn new() -> std::result::Result<Self, String> {
        let clock = Arc::new(Clock::simulated(Pace::Told, demo::START));
        let sim = Sim::new(Options { control: Some(Secret::new(TOKEN)), ..Options::demo() }, clock);
        sim.map(Self).map_err(|error| error.message.clone())
    }

    /// The status of its answer; `None` for what is no request of HTTP.
    pub fn ask(&self, method: &str, target: &str, headers: &[(String, String)], body: Vec<u8>) -> Option<u16> {
        let mut request = hyper::Request::builder().method(method).uri(target);
        if target.starts_with("/_sim/") {
            request = request.header("authorization", format!("Bearer {TOKEN}"));
        }
        for (name, value) in headers {
            request = request.header(name, value);
        }
        Some(respond(&self.0, &request.body(body.into()).ok()?).status)
    }
}
