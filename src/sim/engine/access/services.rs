//! Kubernetes services. A service lives in the cluster that its environment is allocated to, and takes
//! an address and node ports there.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::sim::engine::call::{Call, Refusal, done};
use crate::sim::engine::json::{Json, object};
use crate::sim::engine::state::State;

/// Services by id.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Services {
    by_id: BTreeMap<i64, Service>,
    /// Environments with their services.
    by_env: BTreeSet<(i64, i64)>,
    made: i64,
}

/// A service.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Service {
    app_id: i64,
    env_id: i64,
    cluster: String,
    name: String,
    /// `ClusterIP` or `NodePort`.
    service_type: String,
    /// Its name in Kubernetes.
    k8s_id: String,
    headless: bool,
    /// Its address in the cluster; a headless one has none.
    address: Option<String>,
    ports: Vec<Port>,
}

/// A port that a service offers.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Port {
    name: String,
    protocol: String,
    port: i64,
    target_port: String,
    node_port: Option<i64>,
}

/// The id of the first service.
const FIRST: i64 = 6001;

/// The services of an environment, in words.
pub(crate) fn services_of_env(state: &State, env_id: i64) -> impl Iterator<Item = String> {
    state.access.services.of_env(env_id).map(|id| format!("service {id}"))
}

impl Services {
    fn service(&self, id: i64) -> Result<&Service, Refusal> {
        self.by_id.get(&id).ok_or_else(|| Refusal::not_found("service", id))
    }

    pub(super) fn of_env(&self, env_id: i64) -> impl Iterator<Item = i64> {
        self.by_env.range((env_id, i64::MIN)..=(env_id, i64::MAX)).map(|&(_, id)| id)
    }
}

impl Service {
    fn show(&self, id: i64) -> Json {
        let ports = self.ports.iter().map(|port| {
            object!({
                "Name": port.name,
                "NodePort": port.node_port,
                "Port": port.port,
                "Protocol": port.protocol,
                "TargetPort": port.target_port,
            })
        });
        object!({
            "AppId": self.app_id,
            "EnvId": self.env_id,
            "Headless": self.headless,
            "K8sServiceId": self.k8s_id,
            "Name": self.name,
            "ServiceId": id,
            "ServiceType": self.service_type,
            "PortMappings": ports.collect::<Vec<_>>(),
            "ClusterIP": self.address.as_deref().unwrap_or("None"),
        })
    }
}

/// The ports that a call wants a service to have. One that is there already, found by its name or
/// else its position, keeps what it is not given.
fn ports(call: &Call, before: &[Port], service_type: &str) -> Result<Vec<Port>, Refusal> {
    let mut ports: Vec<Port> = Vec::new();
    for (index, element) in call.opt_list("PortMappings").unwrap_or_default().iter().enumerate() {
        let empty = Map::new();
        let given = element.as_object().unwrap_or(&empty);
        let text = |name: &str| given.get(name).and_then(Value::as_str);
        let number = |name: &str| given.get(name).and_then(Value::as_i64);
        let known = match text("Name") {
            Some(name) => before.iter().find(|port| port.name == name),
            None => before.get(index),
        };
        let need = |name: &str| Refusal::invalid(format!("PortMappings.{}.{name} is needed for a new port", index + 1));
        let wanted = |name: &str, before: Option<&String>| {
            text(name).or(before.map(String::as_str)).map(str::to_owned).ok_or_else(|| need(name))
        };
        let port = Port {
            name: wanted("Name", known.map(|known| &known.name))?,
            protocol: wanted("Protocol", known.map(|known| &known.protocol))?,
            port: number("Port").or(known.map(|known| known.port)).ok_or_else(|| need("Port"))?,
            target_port: wanted("TargetPort", known.map(|known| &known.target_port))?,
            node_port: number("NodePort").or(known.and_then(|known| known.node_port)),
        };
        if number("NodePort").is_some() && service_type != "NodePort" {
            return Err(Refusal::invalid(format!("NodePort is for services of type NodePort, not {service_type}")));
        }
        for other in &ports {
            if other.name == port.name {
                return Err(Refusal::invalid(format!("PortMappings names {} twice", port.name)));
            }
            if (&other.protocol, other.port) == (&port.protocol, port.port) {
                return Err(Refusal::invalid(format!("PortMappings has {} port {} twice", port.protocol, port.port)));
            }
            if port.node_port.is_some() && other.node_port == port.node_port {
                let node_port = port.node_port.unwrap_or_default();
                return Err(Refusal::invalid(format!("PortMappings has node port {node_port} twice")));
            }
        }
        ports.push(port);
    }
    Ok(ports)
}

/// Sees to it that each port has a node port of its own. `before` are the service's present ones.
fn pick_node_ports(state: &State, cluster: &str, before: &[Port], ports: &mut [Port]) -> Result<(), Refusal> {
    let own: BTreeSet<i64> = before.iter().filter_map(|port| port.node_port).collect();
    let mut taken: BTreeSet<i64> = ports.iter().filter_map(|port| port.node_port).collect();
    if let Some(port) = taken.iter().find(|port| state.cluster.has_node_port(cluster, **port) && !own.contains(port)) {
        return Err(Refusal::conflict(format!("node port {port} is taken in cluster {cluster}")));
    }
    for port in ports.iter_mut().filter(|port| port.node_port.is_none()) {
        let free = (30_000..=32_767).find(|port| !taken.contains(port) && !state.cluster.has_node_port(cluster, *port));
        let free = free.ok_or_else(|| Refusal::conflict(format!("cluster {cluster} has no node port left")))?;
        port.node_port = Some(free);
        taken.insert(free);
    }
    Ok(())
}

pub(super) fn create(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let (env_id, k8s_id, service_type) = (call.int("EnvId"), call.text("K8sServiceId"), call.text("ServiceType"));
    let app_id = state.applications.env(env_id)?.app_id;
    let cluster = state.cluster.cluster_of(env_id)?.to_owned();
    let namespace = |app_id: i64| state.applications.app(app_id).map(|app| app.namespace.as_str());
    let of_namespace = namespace(app_id)?;
    let is_same = |other: &&Service| {
        other.k8s_id == k8s_id && other.cluster == cluster && namespace(other.app_id).is_ok_and(|it| it == of_namespace)
    };
    if let Some((id, other)) = state.access.services.by_id.iter().find(|(_, other)| is_same(other)) {
        let other = other.env_id;
        return Err(Refusal::conflict(format!("service {id} of environment {other} is called {k8s_id} already")));
    }
    let mut ports = ports(call, &[], service_type)?;
    if service_type == "NodePort" {
        pick_node_ports(state, &cluster, &[], &mut ports)?;
    }
    let headless = call.is("Headless");
    let address = if headless { None } else { Some(state.cluster.take_service_address(&cluster)?) };
    state.cluster.take_node_ports(&cluster, ports.iter().filter_map(|port| port.node_port));
    let services = &mut state.access.services;
    let id = FIRST + services.made;
    services.made += 1;
    let service = Service {
        app_id,
        env_id,
        cluster,
        name: call.text("Name").to_owned(),
        service_type: service_type.to_owned(),
        k8s_id: k8s_id.to_owned(),
        headless,
        address,
        ports,
    };
    services.by_id.insert(id, service);
    services.by_env.insert((env_id, id));
    Ok(object!({"Result": {"ServiceId": id}}))
}

pub(super) fn modify(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let id = call.int("ServiceId");
    let service = state.access.services.service(id)?;
    let cluster = service.cluster.clone();
    if call.opt_list("PortMappings").is_some_and(|list| !list.is_empty()) {
        let before = service.ports.clone();
        let mut ports = ports(call, &before, &service.service_type)?;
        if service.service_type == "NodePort" {
            pick_node_ports(state, &cluster, &before, &mut ports)?;
        }
        state.cluster.free_node_ports(&cluster, before.iter().filter_map(|port| port.node_port));
        state.cluster.take_node_ports(&cluster, ports.iter().filter_map(|port| port.node_port));
        if let Some(service) = state.access.services.by_id.get_mut(&id) {
            service.ports = ports;
        }
    }
    if let Some((name, service)) = call.opt_text("Name").zip(state.access.services.by_id.get_mut(&id)) {
        service.name = name.to_owned();
    }
    done()
}

/// Removes a service, and frees what it took in its cluster.
pub(super) fn remove(state: &mut State, id: i64) {
    let Some(service) = state.access.services.by_id.remove(&id) else { return };
    state.access.services.by_env.remove(&(service.env_id, id));
    state.cluster.free_node_ports(&service.cluster, service.ports.iter().filter_map(|port| port.node_port));
    if let Some(address) = &service.address {
        state.cluster.free_service_address(&service.cluster, address);
    }
}

pub(super) fn delete(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let id = call.int("ServiceId");
    state.access.services.service(id)?;
    remove(state, id);
    done()
}

pub(super) fn describe(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let id = call.int("ServiceId");
    Ok(object!({"Result": state.access.services.service(id)?.show(id)}))
}

pub(super) fn list(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let app_id = call.int("AppId");
    state.applications.app(app_id)?;
    let wanted = state.access.services.by_id.iter().filter(|(_, service)| {
        service.app_id == app_id
            && call.opt_int("EnvId").is_none_or(|id| service.env_id == id)
            && call.opt_text("Name").is_none_or(|name| service.name == name)
            && call.opt_text("ServiceType").is_none_or(|wanted| service.service_type == wanted)
    });
    Ok(call.page(wanted, |(&id, service)| service.show(id)))
}
