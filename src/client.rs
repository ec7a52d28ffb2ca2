//! The one file that touches the network: sends signed requests and applies the retry rule.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue};
use tokio::sync::Semaphore;

use crate::catalogue::{self, Effect, Method};
use crate::credentials::Credentials;
use crate::error::{Error, Interrupt, Kind, Result};
use crate::retry::{self, Budget, Failure, Tried};
use crate::secret::REDACTOR;
use crate::wire::reply::{self, Reason, Received, Tree};
use crate::wire::request::{Request, Target};
use crate::wire::sign::{self, Signed, Stamp};

/// What a client needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The base URL: scheme, host, port.
    pub endpoint: Endpoint,
    /// Who signs.
    pub credentials: Credentials,
    /// Sent as `RegionId` when it is configured.
    pub region: Option<String>,
    /// The longest that one attempt may take, connecting included.
    pub timeout: Duration,
    /// The longest that connecting may take.
    pub connect_timeout: Duration,
    /// Attempts under way at once.
    pub concurrency: usize,
    /// Attempts begun a second.
    pub rate: Option<f64>,
    /// When the run must have ended.
    pub deadline: Option<Instant>,
    /// When a call is sent again.
    pub retry: retry::Settings,
}

/// The checked URL of an endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint(reqwest::Url);

impl Endpoint {
    /// Reads an endpoint: a URL with scheme `http` or `https`, or a bare host, which means `https`.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |why: &str| {
            Error::new(Kind::Config, format!("the endpoint `{text}` {why}"))
                .hint("give a URL such as https://retailcloud.aliyuncs.com")
        };
        let full = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let url = reqwest::Url::parse(&full).map_err(|e| wrong(&format!("is not a URL: {e}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("must begin with http:// or https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("must not contain credentials"));
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("must have no path and no query"));
        }
        Ok(Self(url))
    }

    /// Whether it is on this machine, where no proxy belongs in between.
    fn is_loopback(&self) -> bool {
        match self.0.host_str() {
            Some("localhost") => true,
            Some(host) => host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback()),
            None => false,
        }
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

/// Sends calls. Cheap to share behind an [`std::sync::Arc`]; connections are reused between calls.
#[derive(Debug)]
pub struct Client {
    settings: Settings,
    /// Built at the first call: reading the system's roots dominates start-up.
    http: OnceLock<reqwest::Client>,
    budget: Budget,
    permits: Semaphore,
    pacer: Pacer,
    /// Milliseconds that the service's clock is ahead of ours.
    skew: AtomicI64,
}

/// The largest answer that is read: far beyond any real page, a guard against garbage without end.
const LARGEST_ANSWER: usize = 64 << 20;

/// Idle connections are dropped before the load balancers on the way drop them, which would turn
/// the next write into an unknown outcome.
const IDLE: Duration = Duration::from_secs(10);

impl Client {
    /// A client. Nothing is sent or resolved before the first call.
    pub fn new(settings: Settings) -> Self {
        Self {
            http: OnceLock::new(),
            budget: Budget::default(),
            permits: Semaphore::new(settings.concurrency.clamp(1, Semaphore::MAX_PERMITS)),
            pacer: Pacer::new(settings.rate),
            skew: AtomicI64::new(0),
            settings,
        }
    }

    /// The endpoint that calls go to.
    pub fn endpoint(&self) -> &Endpoint {
        &self.settings.endpoint
    }

    /// Calls an operation: a validated request in, the documented reply out.
    ///
    /// # Errors
    /// Every kind of the script API but `policy` and `limit`.
    pub async fn call<T: Tree>(&self, target: &Target, request: &Request) -> Result<T> {
        request.secrets(target).for_each(|secret| REDACTOR.add(&secret));
        let (action, effect) = (target.action(), target.effect());
        let started = Instant::now();
        let mut tried = Tried::default();
        let mut attempt = 0;
        loop {
            attempt += 1;
            let failure = match self.attempt(target, request, attempt).await {
                Ok(reply) => {
                    self.budget.earn();
                    tracing::debug!(action, attempt, elapsed = ?started.elapsed(), "done");
                    return Ok(reply);
                }
                Err(failure) => failure,
            };
            match self.wait(effect, &failure, attempt, &mut tried) {
                Some(wait) => {
                    tracing::info!(action, attempt, ?wait, "sending again: {}", failure.message());
                    tokio::time::sleep(wait).await;
                }
                None => return Err(failure.into_error(action, effect, attempt)),
            }
        }
    }

    /// One HTTP exchange: sign, send, read.
    async fn attempt<T: Tree>(
        &self,
        target: &Target,
        request: &Request,
        attempt: u32,
    ) -> std::result::Result<T, Failure> {
        self.pacer.turn().await;
        // The semaphore is never closed; without it the cap would just not hold.
        let _permit = self.permits.acquire().await.ok();
        let timeout = self.time_left().map_err(Failure::NotConnected)?;
        let stamp = Stamp::now(SignedDuration::from_millis(self.skew.load(Ordering::Acquire)));
        let signed = sign::sign(request, &self.settings.credentials, self.settings.region.as_deref(), &stamp);
        let under_way = UnderWay::new(target);
        let result = self.send(target, &signed, attempt, timeout).await;
        under_way.ended();
        let received = result?;
        reply::read(target, &received).map_err(|mut fault| {
            match fault.reason {
                Reason::Signature => self.diagnose(&mut fault, &received, &signed),
                Reason::Clock => self.correct_clock(&received, stamp.time),
                _ => {}
            }
            Failure::Answered { fault, wait: received.retry_after }
        })
    }

    /// What one attempt may take before its timeout or the deadline.
    fn time_left(&self) -> Result<Duration> {
        let Some(deadline) = self.settings.deadline else {
            return Ok(self.settings.timeout);
        };
        match deadline.checked_duration_since(Instant::now()) {
            Some(left) if !left.is_zero() => Ok(left.min(self.settings.timeout)),
            _ => Err(Error::new(Kind::Interrupted(Interrupt::Deadline), "the deadline has passed")),
        }
    }

    async fn send(
        &self,
        target: &Target,
        signed: &Signed,
        attempt: u32,
        timeout: Duration,
    ) -> std::result::Result<Received, Failure> {
        let http = self.http().map_err(Failure::NotConnected)?;
        let mut url = self.settings.endpoint.0.clone();
        url.set_query(Some(&signed.query));
        let mut outgoing = reqwest::Request::new(
            match signed.method {
                Method::Get => reqwest::Method::GET,
                Method::Post => reqwest::Method::POST,
            },
            url,
        );
        if signed.method == Method::Post {
            let form = HeaderValue::from_static("application/x-www-form-urlencoded");
            outgoing.headers_mut().insert(CONTENT_TYPE, form);
            *outgoing.body_mut() = Some(signed.body.clone().into());
        }
        set_headers(outgoing.headers_mut(), target, attempt);
        *outgoing.timeout_mut() = Some(timeout);
        let failed = |error: &reqwest::Error| self.transport(error, timeout);
        let mut response = http.execute(outgoing).await.map_err(|e| failed(&e))?;
        let mut received = Received {
            status: response.status().as_u16(),
            body: Vec::new(),
            date: header(&response, DATE).map(str::to_owned),
            retry_after: header(&response, HeaderName::from_static("x-acs-retry-after"))
                .and_then(|text| text.trim().parse().ok())
                .map(Duration::from_millis),
        };
        while let Some(chunk) = response.chunk().await.map_err(|e| failed(&e))? {
            if received.body.len() + chunk.len() > LARGEST_ANSWER {
                let text = format!("the answer is larger than {} MB", LARGEST_ANSWER >> 20);
                return Err(Failure::Unanswered(Error::new(Kind::Network, text)));
            }
            received.body.extend_from_slice(&chunk);
        }
        Ok(received)
    }

    /// What a failed exchange means.
    fn transport(&self, error: &reqwest::Error, timeout: Duration) -> Failure {
        let endpoint = &self.settings.endpoint;
        let network = |message: String| Error::new(Kind::Network, message).with(|error| error.retryable = true);
        if error.is_builder() {
            Failure::NotConnected(Error::new(Kind::Network, format!("cannot make a request: {}", cause(error))))
        } else if error.is_connect() {
            let message = format!("cannot connect to {endpoint}: {}", cause(error));
            Failure::NotConnected(network(message).hint("check --endpoint, the network and the proxy variables"))
        } else if error.is_timeout() {
            let message = format!("{endpoint} did not answer within {timeout:.1?}");
            Failure::Unanswered(network(message).hint("raise --timeout if the service is slow"))
        } else {
            let message = format!("the exchange with {endpoint} broke off: {}", cause(error));
            Failure::Unanswered(network(message))
        }
    }

    /// Whether and when to send again: the rule, the budget and the deadline together.
    fn wait(&self, effect: Effect, failure: &Failure, attempt: u32, tried: &mut Tried) -> Option<Duration> {
        let jitter = fastrand::f64();
        let wait = self.settings.retry.wait(effect, failure, attempt, *tried, jitter)?;
        if let Failure::Answered { fault, wait: asked } = failure {
            tried.clock |= fault.reason == Reason::Clock;
            tried.signature |= fault.reason == Reason::Signature;
            if let Some(asked) = asked {
                self.pacer.hold(*asked);
            }
        }
        let in_time = self.settings.deadline.is_none_or(|deadline| Instant::now() + wait < deadline);
        (in_time && self.budget.spend(failure)).then_some(wait)
    }

    /// Tells a wrong secret from a request that was changed on its way.
    fn diagnose(&self, fault: &mut reply::Fault, received: &Received, signed: &Signed) {
        let key = &self.settings.credentials.access_key_id;
        match reply::signed_the_same(&received.body, &signed.string_to_sign) {
            Some(true) => {
                // Signing again would give the same: it is final.
                fault.reason = Reason::Refused;
                fault.error.message = format!("the secret of access key {key} is wrong");
                fault.error.hints = vec!["`jst whoami` shows where the secret comes from".to_owned()];
            }
            Some(false) => {
                fault.error.message =
                    "the gateway signed a different text: the request was changed on its way".to_owned();
                fault.error.hints = vec!["check the proxy between here and the endpoint".to_owned()];
            }
            None => {}
        }
    }

    /// Takes the service's clock as ours, from the answer to an attempt stamped `sent`.
    fn correct_clock(&self, received: &Received, sent: Timestamp) {
        let date = received.date.as_deref().and_then(|text| jiff::fmt::rfc2822::parse(text).ok());
        let Some(date) = date else { return };
        let off = date.timestamp().duration_since(sent).as_millis();
        let moved = i64::try_from(off).unwrap_or(0);
        self.skew.fetch_add(moved, Ordering::AcqRel);
        tracing::warn!("this machine's clock is {:.0} s off the service's", off as f64 / 1000.0);
    }

    fn http(&self) -> Result<&reqwest::Client> {
        if let Some(http) = self.http.get() {
            return Ok(http);
        }
        let http = self
            .build_http()
            .map_err(|error| Error::new(Kind::Network, format!("cannot set up HTTP: {}", cause(&error))))?;
        Ok(self.http.get_or_init(|| http))
    }

    fn build_http(&self) -> reqwest::Result<reqwest::Client> {
        // A provider that is installed already serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("jst/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(self.settings.connect_timeout)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(self.settings.concurrency)
            .tcp_nodelay(true)
            .redirect(reqwest::redirect::Policy::none())
            // Only the retry rule sends again.
            .retry(reqwest::retry::never());
        if self.settings.endpoint.0.scheme() == "http" {
            builder = builder.tls_certs_only([]);
        }
        if self.settings.endpoint.is_loopback() {
            builder = builder.no_proxy();
        }
        builder.build()
    }
}

impl Failure {
    fn message(&self) -> &str {
        match self {
            Self::NotConnected(error) | Self::Unanswered(error) => &error.message,
            Self::Answered { fault, .. } => &fault.error.message,
        }
    }
}

/// Sets the headers that the vendor's clients send.
fn set_headers(headers: &mut HeaderMap, target: &Target, attempt: u32) {
    let action = match target {
        Target::Listed(operation) => Ok(HeaderValue::from_static(operation.action)),
        Target::Unlisted(action) => HeaderValue::from_str(action),
    };
    if let Ok(action) = action {
        headers.insert(HeaderName::from_static("x-acs-action"), action);
    }
    headers.insert(HeaderName::from_static("x-acs-version"), HeaderValue::from_static(catalogue::VERSION));
    if attempt > 1 {
        headers.insert(HeaderName::from_static("x-acs-retry-attempts"), HeaderValue::from(attempt - 1));
    }
}

fn header(response: &reqwest::Response, name: HeaderName) -> Option<&str> {
    response.headers().get(name)?.to_str().ok()
}

/// The innermost reason of an error: what a person can act on.
fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// A write whose exchange is under way. When it is dropped before it ended, the run was stopped in
/// the middle of it, and someone must be told.
struct UnderWay(Option<String>);

impl UnderWay {
    fn new(target: &Target) -> Self {
        let changes = target.effect() != Effect::Read;
        Self(changes.then(|| target.action().to_owned()))
    }

    fn ended(mut self) {
        self.0 = None;
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(action) = self.0.take() {
            tracing::warn!("{action} was under way when the run was stopped: its outcome is unknown");
        }
    }
}

/// Spaces attempts in time: an optional rate, and a pause for everyone after throttling.
#[derive(Debug)]
struct Pacer {
    interval: Duration,
    next: Mutex<Option<Instant>>,
}

impl Pacer {
    fn new(rate: Option<f64>) -> Self {
        let interval = rate
            .filter(|rate| rate.is_finite() && *rate > 0.0)
            .map_or(Duration::ZERO, |rate| Duration::from_secs_f64(1.0 / rate.max(1e-6)));
        Self { interval, next: Mutex::new(None) }
    }

    /// Waits for the next free moment.
    async fn turn(&self) {
        let at = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            match *next {
                None if self.interval.is_zero() => return,
                Some(at) if at <= now && self.interval.is_zero() => {
                    *next = None;
                    return;
                }
                at => {
                    let at = at.unwrap_or(now).max(now);
                    *next = Some(at + self.interval);
                    at
                }
            }
        };
        tokio::time::sleep_until(at.into()).await;
    }

    /// Lets nobody go before this much time has passed.
    fn hold(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        *next = Some(next.map_or(until, |at| at.max(until)));
    }
}
