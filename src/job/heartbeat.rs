//! Tells a monitor that a run begins and how it ended, in healthchecks.io's form: `/start`, then the bare URL when
//! all is well or `/EXITCODE`, each with `rid` and the end of the log. It never changes what becomes of the run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::error::{Error, Kind, Result};
use crate::memory;
use crate::net::Url;
use crate::net::ask::{Ask, ask};
use crate::net::endpoint::Endpoint;
use crate::net::trust::Authorities;

/// What the way to a monitor depends on.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    /// The variables that may name a proxy.
    pub proxies: BTreeMap<String, String>,
    /// Who is trusted instead of the system's authorities.
    pub authorities: Option<Authorities>,
}

/// Where heartbeats of a run go.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    url: Url,
    way: Way,
    /// The run's id, as its monitor takes it.
    rid: String,
    /// The start is being told.
    start: Option<JoinHandle<Option<String>>>,
    is_over: Arc<AtomicBool>,
}

/// What one try may take, and how many there are.
const LONGEST: Duration = Duration::from_secs(5);
const TRIES: usize = 3;

impl Heartbeat {
    /// Heartbeats of a run to this URL.
    ///
    /// # Errors
    /// `config` for what is no URL, or has a user in it.
    pub(crate) fn new(url: &str, way: Way, run: &str) -> Result<Self> {
        Ok(Self { url: place(url)?, way, rid: rid(run), start: None, is_over: Arc::default() })
    }

    /// Has what is told from now on be of this run.
    pub(crate) fn name(&mut self, run: &str) {
        self.rid = rid(run);
    }

    /// What is said when the process ends before the end is told.
    pub(crate) fn untold(&self) -> String {
        failed(&format!("the run was ended before {} answered", self.url.host_str().unwrap_or_default()))
    }

    /// Tells of the start, while the run goes on.
    pub(crate) fn start(&mut self) {
        let (url, way, is_over) = (self.below(Some("start")), self.way.clone(), Arc::clone(&self.is_over));
        let tell = move || {
            let _apart = memory::apart();
            tell(&url, &way, "", TRIES, &|| is_over.load(Ordering::Acquire))
        };
        // Without a thread nothing is told, and the run goes on.
        self.start = std::thread::Builder::new().name("heartbeat".into()).spawn(tell).ok();
    }

    /// Tells how the run ended, and waits until that is told or given up. Gives what could not be told, in words.
    pub(crate) fn end(mut self, code: u8, log: String, tries: usize) -> Vec<String> {
        self.is_over.store(true, Ordering::Release);
        // Told in the wrong order, the run would seem to go on for ever.
        let start = self.start.take().and_then(|start| start.join().ok().flatten());
        let code = (code != 0).then(|| code.to_string());
        let end = tell(&self.below(code.as_deref()), &self.way, &log, tries, &|| false);
        let mut failures: Vec<String> = start.into_iter().chain(end).collect();
        failures.dedup();
        failures
    }

    /// The URL with this last part, and with the run's id.
    fn below(&self, part: Option<&str>) -> Url {
        let mut url = self.url.clone();
        if let Some(part) = part {
            url.set_path(&format!("{}/{part}", self.url.path().trim_end_matches('/')));
        }
        url.query_pairs_mut().append_pair("rid", &self.rid);
        url
    }
}

/// Tries of who has time.
pub(crate) const PATIENT: usize = TRIES;

/// Gives why it could not be told. Of the URL nothing is said but its host: the rest may be a secret.
fn tell(url: &Url, way: &Way, body: &str, tries: usize, is_over: &dyn Fn() -> bool) -> Option<String> {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return Some(failed("the system gives no means to"));
    };
    let host = url.host_str().unwrap_or_default();
    let mut why = None;
    for _ in 0..tries {
        let asked = Ask {
            method: "POST",
            url: url.to_string(),
            headers: &[],
            body: Some(("text/plain; charset=utf-8", body.to_owned())),
            patience: [LONGEST; 2],
            proxies: Some(&way.proxies),
            authorities: way.authorities.as_ref(),
        };
        why = match runtime.block_on(ask(asked)) {
            Ok(answer) if (200..300).contains(&answer.status) => return None,
            Ok(answer) => Some(format!("{host} answered {}{}", answer.status, moved(answer.status))),
            Err(error) => Some(error.message.clone()),
        };
        if is_over() {
            break;
        }
    }
    why.map(|why| failed(&why))
}

fn failed(why: &str) -> String {
    format!("the heartbeat was not told: {why}")
}

/// What an answer of this status says of the monitor's address. It is not followed: only a person knows whose the
/// other one is.
fn moved(status: u16) -> &'static str {
    match status {
        301 | 302 | 303 | 307 | 308 => ": its address has changed: give --heartbeat the one that it leads to",
        _ => "",
    }
}

/// A run's id as a UUID, which is what monitors take.
fn rid(run: &str) -> String {
    let digest = Sha256::digest(run);
    let bytes: [u8; 16] = std::array::from_fn(|n| digest.get(n).copied().unwrap_or_default());
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

/// Refuses what no heartbeat goes to.
///
/// # Errors
/// As [`Heartbeat::new`].
pub(crate) fn check(url: &str) -> Result<()> {
    place(url).map(drop)
}

/// Reads where heartbeats go.
fn place(text: &str) -> Result<Url> {
    let wrong = |why: &str| Error::new(Kind::Config, format!("--heartbeat: {why}: write it as https://HOST/PATH"));
    let url = Url::parse(text).map_err(|error| wrong(&format!("the URL is wrong ({error})")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wrong("the URL must begin with http:// or https://"));
    }
    Endpoint::of(&url).map_err(|_| wrong("the URL must not contain credentials"))?;
    Ok(url)
}
