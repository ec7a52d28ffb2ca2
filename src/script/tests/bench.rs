//! What the tests stand on: an engine on an account whose service is a small HTTP server that answers as told.

use std::collections::HashMap;
use std::convert::Infallible;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::{Handle, Runtime};

use crate::call::account::Account;
use crate::call::policy::Policy;
use crate::call::{Client, ClientConfig};
use crate::clock::{Clock, Pace};
use crate::credentials::Provider;
use crate::error::{Error, Result};
use crate::net::endpoint::Endpoint;
use crate::script::{Ended, Host, HostConfig, Session};
use crate::show::data::Format;
use crate::stop::Stop;

/// A request as the service saw it.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub action: String,
    pub params: HashMap<String, String>,
}

impl Request {
    pub(crate) fn number(&self, name: &str) -> i64 {
        self.params[name].parse().unwrap()
    }
}

/// What the service does with a request.
pub(crate) enum Answer {
    Json(u16, Value),
    /// This, as soon as something holds.
    When(Box<dyn Fn() -> bool + Send>, Value),
    Never,
}

/// A success with these fields.
pub(crate) fn ok(fields: Value) -> Answer {
    Answer::Json(200, success(fields))
}

pub(crate) fn success(fields: Value) -> Value {
    let mut reply = json!({"Code": 0, "RequestId": "R"});
    reply.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    reply
}

/// The page of a list that a request asks for; records are `AppId`s from 1 to `total`.
pub(crate) fn page(request: &Request, total: i64) -> Answer {
    let (number, size) = (request.number("PageNumber"), request.number("PageSize"));
    let ids = (number - 1) * size + 1..=(number * size).min(total);
    let records: Vec<Value> = ids.map(|id| json!({"AppId": id, "Title": format!("应用{id}")})).collect();
    ok(json!({"Data": records, "TotalCount": total}))
}

/// A failure of the service's own.
pub(crate) fn refused(code: i64, message: &str) -> Answer {
    Answer::Json(200, json!({"Code": code, "ErrMsg": message, "ErrorMsg": message, "RequestId": "R-7"}))
}

type Answers = dyn Fn(&Request) -> Answer + Send + Sync;

pub(crate) fn runtime() -> Handle {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME
        .get_or_init(|| tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap())
        .handle()
        .clone()
}

/// An engine, its account and the service behind it.
pub(crate) struct Bench {
    pub stop: Arc<Stop>,
    pub requests: Arc<Mutex<Vec<Request>>>,
    pub config: HostConfig,
    account: Arc<Account>,
}

impl Bench {
    /// One whose service answers so.
    pub(crate) fn new(answers: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        Self::with(answers, Stop::default(), |_| {})
    }

    /// One that calls nothing.
    pub(crate) fn idle() -> Self {
        Self::new(|request| panic!("nothing was to be called, but {request:?}"))
    }

    /// One with other config.
    pub(crate) fn with(
        answers: impl Fn(&Request) -> Answer + Send + Sync + 'static,
        stop: Stop,
        change: impl FnOnce(&mut HostConfig),
    ) -> Self {
        let (stop, requests) = (Arc::new(stop), Arc::new(Mutex::new(Vec::new())));
        let endpoint = serve(Arc::new(answers), Arc::clone(&requests));
        let connect = move || {
            Ok(Client::new(ClientConfig::new(Endpoint::parse(&endpoint)?, Provider::of("LTAIexample", "not-a-secret"))))
        };
        let policy = Policy::new(false, &[], &[]).unwrap();
        let watched = Arc::clone(&stop);
        runtime().spawn(async move { watched.keep_deadline().await });
        let account = Account::new(Box::new(connect), policy, None, Arc::clone(&stop)).unwrap();
        let mut config = HostConfig {
            root: "scripts".into(),
            args: vec!["--env".to_owned(), "3001".to_owned()],
            allow_env: [("PATH".to_owned(), std::env::var("PATH").ok())].into(),
            allow_read: Vec::new(),
            allow_write: Vec::new(),
            net: Default::default(),
            output: Format::Json,
            checks: Arc::default(),
            share: Arc::default(),
            clock: Arc::new(Clock::simulated(Pace::Told, "2020-02-20T08:00:00Z".parse().unwrap())),
            stop: Arc::clone(&stop),
            max_memory: 512 << 20,
            max_operations: 50_000_000,
            simulated: true,
        };
        change(&mut config);
        Self { stop, requests, config, account: Arc::new(account) }
    }

    /// The same on scripts in this folder.
    pub(crate) fn in_folder(mut self, root: &Path) -> Self {
        self.config.root = root.to_owned();
        self
    }

    pub(crate) fn host(&self) -> Host {
        Host::new(self.config.clone(), &self.account)
    }

    pub(crate) fn session(&self) -> Session {
        Session::new(self.host())
    }

    pub(crate) fn eval(&self, text: &str) -> Result<Ended> {
        self.host().eval("test.rhai", text)
    }

    #[track_caller]
    pub(crate) fn value(&self, text: &str) -> Value {
        match self.eval(text) {
            Ok(Ended::Value(value)) => value,
            other => panic!("{text} ended with {other:#?}"),
        }
    }

    #[track_caller]
    pub(crate) fn error(&self, text: &str) -> Error {
        match self.eval(text) {
            Err(error) => error,
            other => panic!("{text} ended with {other:#?}"),
        }
    }

    /// The actions called so far, with one parameter of each.
    pub(crate) fn seen(&self, name: &str) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        let shown =
            |request: &Request| format!("{} {}", request.action, request.params.get(name).map_or("", String::as_str));
        requests.iter().map(shown).collect()
    }
}

/// Waits until something holds; fails the test when it takes far too long.
#[track_caller]
pub(crate) fn until(holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(20), "waited in vain");
        std::thread::yield_now();
    }
}

/// Serves until the process ends; gives the endpoint.
fn serve(answers: Arc<Answers>, requests: Arc<Mutex<Vec<Request>>>) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    runtime().spawn(async move {
        let listener = TcpListener::from_std(listener).unwrap();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (answers, requests) = (Arc::clone(&answers), Arc::clone(&requests));
            tokio::spawn(async move {
                let service = hyper::service::service_fn(move |request| {
                    answer(request, Arc::clone(&answers), Arc::clone(&requests))
                });
                let _ =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    endpoint
}

async fn answer(
    request: hyper::Request<Incoming>,
    answers: Arc<Answers>,
    requests: Arc<Mutex<Vec<Request>>>,
) -> std::result::Result<hyper::Response<Full<Bytes>>, Infallible> {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let form = format!("{query}&{}", String::from_utf8_lossy(&body));
    let decoded = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let params: HashMap<String, String> =
        form.split('&').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (decoded(k), decoded(v))).collect();
    let request = Request { action: params["Action"].clone(), params };
    requests.lock().unwrap().push(request.clone());
    let (status, body) = match answers(&request) {
        Answer::Json(status, body) => (status, body),
        Answer::When(holds, body) => {
            while !holds() {
                tokio::task::yield_now().await;
            }
            (200, body)
        }
        Answer::Never => std::future::pending().await,
    };
    Ok(hyper::Response::builder().status(status).body(Full::from(body.to_string())).unwrap())
}
