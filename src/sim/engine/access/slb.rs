//! SLB access points: a listener of a load balancer that leads to the pods of an environment.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::sim::engine::call::{Call, Refusal, done};
use crate::sim::engine::json::{Json, object};
use crate::sim::engine::leaving::{self, Leaving};
use crate::sim::engine::state::State;

/// Load balancers and the access points on them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Slbs {
    balancers: BTreeMap<String, Balancer>,
    points: BTreeMap<i64, Point>,
    /// Environments with their access points.
    by_env: BTreeSet<(i64, i64)>,
    made: i64,
}

/// A load balancer. It is made and paid for elsewhere.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Balancer {
    ip: String,
    /// Faces the internet, not only the VPC.
    public: bool,
    /// Ports that are listened on: each by one access point.
    ports: BTreeSet<i64>,
}

/// An access point.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Point {
    app_id: i64,
    env_id: i64,
    slb_id: String,
    listener_port: i64,
    protocol: String,
    name: String,
    real_server_port: i64,
    established_timeout: Option<i64>,
    sticky_session: Option<i64>,
    ssl_cert_id: Option<String>,
    cookie_timeout: Option<i64>,
    /// When its listener answers, which is when it has an address.
    up: Timestamp,
}

/// How long a listener takes to be set up.
const UP_AFTER: SignedDuration = SignedDuration::from_secs(3);

/// The id of the first access point.
const FIRST: i64 = 5001;

/// Adds a load balancer to the account.
pub(in crate::sim) fn add_slb(state: &mut State, id: &str, ip: &str, public: bool) {
    let balancer = Balancer { ip: ip.to_owned(), public, ports: BTreeSet::new() };
    state.access.slb.balancers.insert(id.to_owned(), balancer);
}

/// Adds an access point that an application has from before the account's first ones; its environment is long gone.
pub(in crate::sim) fn add_orphan(state: &mut State, app_id: i64, slb_id: &str, name: &str) {
    const LISTENER: i64 = 8080;
    let slb = &mut state.access.slb;
    let id = slb.points.first_key_value().map_or(FIRST, |(&first, _)| first) - 1;
    let point = Point {
        app_id,
        env_id: 3000,
        slb_id: slb_id.to_owned(),
        listener_port: LISTENER,
        protocol: "TCP".to_owned(),
        name: name.to_owned(),
        real_server_port: LISTENER,
        established_timeout: None,
        sticky_session: None,
        ssl_cert_id: None,
        cookie_timeout: None,
        up: state.now,
    };
    if let Some(balancer) = slb.balancers.get_mut(slb_id) {
        balancer.ports.insert(LISTENER);
    }
    slb.by_env.insert((point.env_id, id));
    slb.points.insert(id, point);
}

impl Balancer {
    const fn network_mode(&self) -> &'static str {
        if self.public { "internet" } else { "intranet" }
    }
}

impl Slbs {
    fn point(&self, id: i64) -> Result<&Point, Refusal> {
        self.points.get(&id).ok_or_else(|| Refusal::not_found("SLB access point", id))
    }

    pub(super) fn of_env(&self, env_id: i64) -> impl Iterator<Item = i64> {
        self.by_env.range((env_id, i64::MIN)..=(env_id, i64::MAX)).map(|&(_, id)| id)
    }

    pub(super) fn remove(&mut self, id: i64) {
        let Some(point) = self.points.remove(&id) else { return };
        self.by_env.remove(&(point.env_id, id));
        if let Some(balancer) = self.balancers.get_mut(&point.slb_id) {
            balancer.ports.remove(&point.listener_port);
        }
    }

    fn show(&self, id: i64, point: &Point, now: Timestamp) -> Json {
        let balancer = self.balancers.get(&point.slb_id);
        object!({
            "AppId": point.app_id,
            "CookieTimeout": point.cookie_timeout,
            "EnvId": point.env_id,
            "EstablishedTimeout": point.established_timeout,
            "ListenerPort": point.listener_port,
            "Name": point.name,
            "NetworkMode": balancer.map(Balancer::network_mode),
            "Protocol": point.protocol,
            "RealServerPort": point.real_server_port,
            "SlbAPId": id,
            "SlbId": point.slb_id,
            "SlbIp": balancer.filter(|_| point.up <= now).map(|balancer| &balancer.ip),
            "SslCertId": point.ssl_cert_id,
            "StickySession": point.sticky_session,
        })
    }
}

impl Point {
    /// Takes over what a call gives and keeps the rest.
    fn set(&mut self, call: &Call) {
        let text = |name: &str| call.opt_text(name).map(str::to_owned);
        if let Some(name) = text("Name") {
            self.name = name;
        }
        self.real_server_port = call.opt_int("RealServerPort").unwrap_or(self.real_server_port);
        self.established_timeout = call.opt_int("EstablishedTimeout").or(self.established_timeout);
        self.sticky_session = call.opt_int("StickySession").or(self.sticky_session);
        self.ssl_cert_id = text("SslCertId").or_else(|| self.ssl_cert_id.take());
        self.cookie_timeout = call.opt_int("CookieTimeout").or(self.cookie_timeout);
    }
}

pub(super) fn create(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let (env_id, port) = (call.int("EnvId"), call.int("ListenerPort"));
    let slb_id = call.text("SlbId");
    let app_id = state.applications.env(env_id)?.app_id;
    let slb = &mut state.access.slb;
    let balancer = slb.balancers.get_mut(slb_id).ok_or_else(|| Refusal::not_found("SLB", slb_id))?;
    if !balancer.ports.insert(port) {
        return Err(Refusal::conflict(format!("listener port {port} of SLB {slb_id} is taken")));
    }
    let mut point = Point {
        app_id,
        env_id,
        slb_id: slb_id.to_owned(),
        listener_port: port,
        protocol: call.text("Protocol").to_owned(),
        name: String::new(),
        real_server_port: 0,
        established_timeout: None,
        sticky_session: None,
        ssl_cert_id: None,
        cookie_timeout: None,
        up: state.now.saturating_add(UP_AFTER).unwrap_or(Timestamp::MAX),
    };
    point.set(call);
    let id = FIRST + slb.made;
    slb.made += 1;
    slb.points.insert(id, point);
    slb.by_env.insert((env_id, id));
    Ok(object!({"Result": {"SlbAPId": id}}))
}

pub(super) fn modify(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    /// Which protocols know which settings.
    const ONLY: [(&str, &[&str]); 3] = [
        ("EstablishedTimeout", &["TCP"]),
        ("StickySession", &["HTTP", "HTTPS"]),
        ("CookieTimeout", &["HTTP", "HTTPS"]),
    ];
    let id = call.int("SlbAPId");
    let point = state.access.slb.point(id)?;
    for (name, protocols) in ONLY {
        if call.opt_int(name).is_some() && !protocols.contains(&point.protocol.as_str()) {
            let text =
                format!("{name} is for {}; SLB access point {id} is {}", protocols.join(" and "), point.protocol);
            return Err(Refusal::invalid(text));
        }
    }
    if let Some(point) = state.access.slb.points.get_mut(&id) {
        point.set(call);
    }
    done()
}

pub(super) fn delete(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let id = call.int("SlbAPId");
    state.access.slb.point(id)?;
    leaving::begin(state, Leaving::AccessPoint(id), false);
    done()
}

pub(super) fn describe(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let id = call.int("SlbAPId");
    let point = state.access.slb.point(id)?;
    Ok(object!({"Result": state.access.slb.show(id, point, state.now)}))
}

pub(super) fn list(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let slb = &state.access.slb;
    let app_id = call.int("AppId");
    state.applications.app(app_id)?;
    let protocols = call.texts("ProtocolList");
    let mode = |point: &Point| slb.balancers.get(&point.slb_id).map(Balancer::network_mode);
    let wanted = slb.points.iter().filter(|(_, point)| {
        point.app_id == app_id
            && call.opt_int("EnvId").is_none_or(|id| point.env_id == id)
            && call.opt_text("Name").is_none_or(|name| point.name == name)
            && call.opt_text("SlbId").is_none_or(|id| point.slb_id == id)
            && call.opt_text("NetworkMode").is_none_or(|wanted| mode(point) == Some(wanted))
            && (protocols.is_empty() || protocols.contains(&point.protocol.as_str()))
    });
    Ok(call.page(wanted, |(&id, point)| slb.show(id, point, state.now)))
}
