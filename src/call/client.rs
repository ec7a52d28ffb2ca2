//! The one file that reaches the service: sends signed requests and applies the retry rule.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue};
use tokio::sync::Semaphore;

use super::broken;
use super::pacer::Pacer;
use super::record::Call;
use super::retry::{self, Budget, Failure, Tried};
use crate::catalogue::{self, Effect, Method};
use crate::clock::{self, Clock};
use crate::credentials::{Credentials, Provider};
use crate::error::{Error, Interrupt, Kind, Result};
use crate::memory;
use crate::net::endpoint::Endpoint;
use crate::net::proxy::Proxy;
use crate::net::retryable;
use crate::net::trust::Authorities;
use crate::wire::reply::{self, Reason, Received, Tree};
use crate::wire::request::Target;
use crate::wire::sign::{self, Signed, Stamp};

/// What a client needs to know.
#[derive(Clone, Debug)]
pub(crate) struct ClientConfig {
    /// The base URL: scheme, host, port.
    pub endpoint: Endpoint,
    /// The proxy on the way to it.
    pub proxy: Option<Proxy>,
    /// Who is trusted instead of the system's authorities.
    pub authorities: Option<Authorities>,
    /// Who says who signs, asked at each attempt.
    pub credentials: Arc<Provider>,
    /// Which signature is sent.
    pub signature: sign::Version,
    /// Sent as `RegionId` when it is configured.
    pub region: Option<String>,
    /// The longest that one attempt may take, connecting included.
    pub timeout: Duration,
    /// The longest that connecting may take, if an attempt may take twice as long.
    pub connect_timeout: Duration,
    /// Attempts under way at once.
    pub concurrency: usize,
    /// Attempts begun a second.
    pub rate: Option<f64>,
    /// When the run must have ended.
    pub deadline: Option<Instant>,
    /// When a call is sent again.
    pub retry: retry::Rule,
    /// What waits before sending again, and paces.
    pub clock: Arc<Clock>,
}

impl ClientConfig {
    /// The usual ones: half a minute for an attempt, as pod logs can be slow, 5 s to connect, 256 attempts
    /// at once, no deadline.
    pub(crate) fn new(endpoint: Endpoint, credentials: Provider) -> Self {
        Self {
            endpoint,
            proxy: None,
            authorities: None,
            credentials: Arc::new(credentials),
            signature: sign::Version::V1,
            region: None,
            timeout: TIMEOUT,
            connect_timeout: Duration::from_secs(5),
            concurrency: 256,
            rate: None,
            deadline: None,
            retry: retry::Rule::default(),
            clock: Arc::new(Clock::real()),
        }
    }

    /// The longest that connecting may take. What ends while connecting was certainly not sent: it must come
    /// before the end of the attempt.
    pub(super) fn connect_timeout(&self) -> Duration {
        self.connect_timeout.min(self.timeout / 2)
    }
}

/// Sends calls. Cheap to share behind an [`std::sync::Arc`]; connections are reused between calls.
#[derive(Debug)]
pub(crate) struct Client {
    config: ClientConfig,
    /// Built at the first call: reading the system's roots dominates start-up.
    http: OnceLock<reqwest::Client>,
    budget: Budget,
    permits: Semaphore,
    pacer: Pacer,
    /// Milliseconds that the service's clock is ahead of ours.
    skew: AtomicI64,
}

/// The longest that one attempt may take, where nobody says otherwise.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// The largest answer that is read: far beyond any real page, a guard against garbage without end.
const LARGEST_ANSWER: usize = 64 << 20;

/// Milliseconds that two measurements of one clock may differ by: the `Date` header has whole seconds.
const NOTABLE_SKEW: u64 = 5_000;

/// Idle connections are dropped before the load balancers on the way drop them, which would turn
/// the next write into an unknown outcome: the vendor's do so after 15 s where nobody says otherwise.
const IDLE: Duration = Duration::from_secs(10);

impl Client {
    /// A client. Nothing is sent or resolved before the first call.
    pub(crate) fn new(config: ClientConfig) -> Self {
        Self {
            http: OnceLock::new(),
            budget: Budget::default(),
            permits: Semaphore::new(config.concurrency.clamp(1, Semaphore::MAX_PERMITS)),
            pacer: Pacer::new(config.rate, Arc::clone(&config.clock)),
            skew: AtomicI64::new(0),
            config,
        }
    }

    /// The longest that one attempt may take.
    pub(super) fn patience(&self) -> Duration {
        self.config.timeout
    }

    /// Makes a call: the documented reply, or why there is none.
    ///
    /// # Errors
    /// Every kind of the script API but `policy` and `limit`.
    pub(super) async fn call<T: Tree>(&self, call: &Call<'_>) -> Result<T> {
        let (action, effect) = (call.target.action(), call.target.effect());
        let profile = call.owner.profile.as_deref();
        let started = Instant::now();
        let mut tried = Tried::default();
        let mut attempt = 0;
        loop {
            attempt += 1;
            let failure = match self.attempt(call, attempt).await {
                Ok(reply) => {
                    self.budget.earn();
                    tracing::debug!(operation = action, profile, attempt, request_id = call.request_id(), elapsed = ?started.elapsed(), "done");
                    return Ok(reply);
                }
                Err(failure) => failure,
            };
            let Some(wait) = self.wait(effect, &failure, attempt, &mut tried) else {
                return Err(failure.into_error(action, effect, attempt));
            };
            tracing::info!(operation = action, profile, attempt, ?wait, "sending again: {}", failure.message());
            self.config.clock.sleep(wait).await;
        }
    }

    /// One HTTP exchange: sign, send, read.
    async fn attempt<T: Tree>(&self, call: &Call<'_>, attempt: u32) -> std::result::Result<T, Failure> {
        let (target, profile) = (call.target, call.owner.profile.as_deref());
        // The semaphore is never closed; without it the cap would just not hold.
        let _permit = self.permits.acquire().await.ok();
        let credentials = self.config.credentials.credentials().await.map_err(nobody)?;
        // Behind whatever else is waited for: turns taken before it would all be used at once.
        self.pacer.turn().await;
        self.check_deadline().map_err(Failure::NotConnected)?;
        let began = self.config.clock.now();
        let stamp = Stamp::now(SignedDuration::from_millis(self.skew.load(Ordering::Acquire)));
        let signed = self.sign(call, &credentials, &stamp);
        let exchange = call.exchange().map_err(Failure::Impossible)?;
        tracing::trace!(operation = target.action(), profile, attempt, nonce = stamp.nonce, "sending");
        let received = within(self.config.timeout, self.send(target, &signed, attempt, began)).await;
        exchange.ended();
        let received = received.unwrap_or_else(|| Err(Failure::Unanswered(self.silent())))?;
        tracing::trace!(operation = target.action(), profile, attempt, status = received.status, "answered");
        call.answered(&received.body);
        memory::room_for(reply::takes(target, &received.body)).map_err(Failure::TooLarge)?;
        reply::read(target, &received).map_err(|mut fault| {
            match fault.reason {
                Reason::Signature => diagnose(&mut fault, &received, &signed, &credentials.access_key_id),
                Reason::Clock => self.correct_clock(&received),
                Reason::Refused if tells_of_token(&fault) && self.config.credentials.rejected(&credentials) => {
                    fault.reason = Reason::Token;
                }
                Reason::Throttled => call.throttled(),
                _ => {}
            }
            Failure::Answered { fault, wait: received.retry_after }
        })
    }

    fn sign(&self, call: &Call<'_>, credentials: &Credentials, stamp: &Stamp) -> Signed {
        let region = self.config.region.as_deref();
        match self.config.signature {
            sign::Version::V1 => sign::sign(call.request, credentials, region, stamp),
            sign::Version::V3 => sign::v3::sign(call.request, credentials, region, stamp, &self.config.endpoint.host()),
        }
    }

    /// Begins nothing behind the deadline. What is under way then is stopped by who waits for it.
    fn check_deadline(&self) -> Result<()> {
        match self.config.deadline {
            Some(deadline) if deadline <= Instant::now() => {
                Err(Error::new(Kind::Interrupted(Interrupt::Deadline), "the deadline has passed"))
            }
            _ => Ok(()),
        }
    }

    async fn send(
        &self,
        target: &Target,
        signed: &Signed,
        attempt: u32,
        began: Timestamp,
    ) -> std::result::Result<Received, Failure> {
        let http = self.http().map_err(|error| broken::failure(&error, &self.config))?;
        let mut url = self.config.endpoint.url().clone();
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
        for (name, value) in &signed.headers {
            let mut value = HeaderValue::from_str(value).map_err(|_| Failure::Impossible(no_header(name)))?;
            value.set_sensitive(true);
            outgoing.headers_mut().insert(*name, value);
        }
        let failed = |error: &reqwest::Error| broken::failure(error, &self.config);
        let mut response = http.execute(outgoing).await.map_err(|e| failed(&e))?;
        if let Some(took) = header(&response, &TOOK).and_then(|text| text.parse().ok()) {
            self.spend(Duration::from_millis(took), began).await?;
        }
        let mut received = Received {
            status: response.status().as_u16(),
            body: Vec::new(),
            // Only a rejected timestamp asks for it.
            date: header(&response, &DATE).filter(|_| !response.status().is_success()).map(str::to_owned),
            retry_after: header(&response, &RETRY_AFTER)
                .and_then(|text| text.trim().parse().ok())
                .map(Duration::from_millis),
        };
        while let Some(chunk) = response.chunk().await.map_err(|e| failed(&e))? {
            let length = received.body.len() + chunk.len();
            if length > LARGEST_ANSWER {
                let text = format!("the answer is larger than {} MB", LARGEST_ANSWER >> 20);
                return Err(Failure::TooLarge(Error::new(Kind::Network, text)));
            }
            // What it grows into, as a vector doubles.
            if length > received.body.capacity() {
                memory::room_for(length.saturating_mul(2)).map_err(Failure::TooLarge)?;
            }
            received.body.extend_from_slice(&chunk);
        }
        Ok(received)
    }

    /// Spends what an answer took on a clock that is shared with a simulator: no longer than the time-out, after
    /// which it is none.
    async fn spend(&self, took: Duration, began: Timestamp) -> std::result::Result<(), Failure> {
        let ClientConfig { clock, timeout, .. } = &self.config;
        if !clock.skips() {
            return Ok(());
        }
        clock.skip(began, took.min(*timeout)).await;
        if took > *timeout { Err(Failure::Unanswered(self.silent())) } else { Ok(()) }
    }

    /// Why an attempt that took too long failed.
    fn silent(&self) -> Error {
        let ClientConfig { endpoint, timeout, .. } = &self.config;
        retryable(format!("{endpoint} did not answer within {timeout:.1?}"))
            .hint("raise --timeout if the service is slow")
    }

    /// Whether and when to send again: the rule, the budget and the deadline together.
    fn wait(&self, effect: Effect, failure: &Failure, attempt: u32, tried: &mut Tried) -> Option<Duration> {
        let jitter = fastrand::f64();
        let wait = self.config.retry.wait(effect, failure, attempt, *tried, jitter)?;
        if let Failure::Answered { fault, wait: asked } = failure {
            tried.clock |= fault.reason == Reason::Clock;
            tried.token |= fault.reason == Reason::Token;
            tried.signature |= fault.reason == Reason::Signature;
            if let Some(asked) = asked {
                self.pacer.hold(*asked);
            }
        }
        let takes = self.config.clock.takes(wait);
        let in_time = self.config.deadline.is_none_or(|deadline| Instant::now() + takes < deadline);
        (in_time && self.budget.spend(failure)).then_some(wait)
    }

    /// Takes the service's clock as ours. Many calls may find out at once: each measures the same.
    fn correct_clock(&self, received: &Received) {
        let date = received.date.as_deref().and_then(|text| jiff::fmt::rfc2822::parse(text).ok());
        let Some(date) = date else { return };
        let off = date.timestamp().duration_since(Timestamp::now()).as_millis();
        let off = i64::try_from(off).unwrap_or(0);
        let before = self.skew.swap(off, Ordering::AcqRel);
        if before.abs_diff(off) > NOTABLE_SKEW {
            tracing::warn!("this machine's clock is {:.0} s off the service's", off as f64 / 1000.0);
        }
    }

    fn http(&self) -> reqwest::Result<&reqwest::Client> {
        if let Some(http) = self.http.get() {
            return Ok(http);
        }
        let http = self.build_http()?;
        Ok(self.http.get_or_init(|| http))
    }

    fn build_http(&self) -> reqwest::Result<reqwest::Client> {
        let config = &self.config;
        crate::net::builder(
            &config.endpoint,
            config.proxy.as_ref(),
            config.connect_timeout(),
            config.authorities.as_ref(),
        )?
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(config.concurrency)
        .build()
    }
}

fn no_header(name: &str) -> Error {
    Error::new(Kind::Credentials, format!("what {name} would carry is no text of a header"))
        .hint("the access key or the token holds a character that none has; or sign with --signature v1")
}

/// Nobody signs: whether trying again may help, whoever did not give credentials says.
fn nobody(error: Error) -> Failure {
    if error.retryable { Failure::NotConnected(error) } else { Failure::Impossible(error) }
}

/// Whether the service does not take the token of temporary credentials.
fn tells_of_token(fault: &reply::Fault) -> bool {
    let code = fault.error.code.as_ref().and_then(serde_json::Value::as_str);
    code.is_some_and(|code| code.starts_with("InvalidSecurityToken"))
}

/// Tells a wrong secret from a request that was changed on its way.
fn diagnose(fault: &mut reply::Fault, received: &Received, signed: &Signed, key: &str) {
    match reply::signed_the_same(&received.body, &signed.string_to_sign) {
        Some(true) => {
            // Signing again would give the same: it is final.
            fault.reason = Reason::Refused;
            fault.error.message = format!("the secret of access key {key} is wrong");
            fault.error.hints = vec!["`jst whoami` shows where the secret comes from".to_owned()];
        }
        Some(false) => {
            fault.error.message = "the gateway signed a different text: the request was changed on its way".to_owned();
            fault.error.hints = vec!["check the proxy between here and the endpoint".to_owned()];
        }
        None => {}
    }
}

static ACTION: HeaderName = HeaderName::from_static("x-acs-action");
static VERSION: HeaderName = HeaderName::from_static("x-acs-version");
static RETRIES: HeaderName = HeaderName::from_static("x-acs-retry-attempts");
static TOOK: HeaderName = HeaderName::from_static(clock::TOOK);
static RETRY_AFTER: HeaderName = HeaderName::from_static("x-acs-retry-after");

/// Sets the headers that the vendor's clients send.
fn set_headers(headers: &mut HeaderMap, target: &Target, attempt: u32) {
    let action = match target {
        Target::Listed(operation) => Ok(HeaderValue::from_static(operation.action)),
        Target::Unlisted(action) => HeaderValue::from_str(action),
    };
    if let Ok(action) = action {
        headers.insert(&ACTION, action);
    }
    headers.insert(&VERSION, HeaderValue::from_static(catalogue::VERSION));
    if attempt > 1 {
        headers.insert(&RETRIES, HeaderValue::from(attempt - 1));
    }
}

fn header<'a>(response: &'a reqwest::Response, name: &HeaderName) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

/// The result of an exchange, if it comes in time. An answer that came while nobody looked is in time:
/// connections are served only while someone waits, and a script may compute for long between two pages.
async fn within<T>(limit: Duration, exchange: impl Future<Output = T>) -> Option<T> {
    /// Looks at the connection that an answer of many pieces may take.
    const LOOKS: u32 = 16;
    let mut exchange = std::pin::pin!(exchange);
    let late = async {
        tokio::time::sleep(limit).await;
        for _ in 0..LOOKS {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        result = &mut exchange => Some(result),
        () = late => None,
    }
}

#[cfg(test)]
mod tests;
