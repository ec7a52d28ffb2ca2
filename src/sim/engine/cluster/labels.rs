//! Node labels, and which nodes they are bound to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::sim::engine::call::{Call, Refusal, done};
use crate::sim::engine::json::{Json, object};
use crate::sim::engine::state::State;

/// Labels and bindings by id.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Labels {
    labels: BTreeMap<i64, Label>,
    bindings: BTreeMap<i64, Binding>,
    labels_made: i64,
    bindings_made: i64,
}

/// A label that nodes of a cluster may carry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Label {
    cluster: String,
    key: String,
    value: String,
}

/// A label on a node.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Binding {
    label: i64,
    node: String,
}

impl Label {
    /// The label that a call names.
    fn of(call: &Call) -> Self {
        let text = |name: &str| call.text(name).to_owned();
        Self { cluster: text("ClusterId"), key: text("LabelKey"), value: text("LabelValue") }
    }
}

impl std::fmt::Display for Label {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}={}", self.key, self.value)
    }
}

impl Labels {
    fn find(&self, label: &Label) -> Option<i64> {
        self.labels.iter().find(|(_, other)| *other == label).map(|(&id, _)| id)
    }

    /// A label that must exist.
    fn known(&self, label: &Label) -> Result<i64, Refusal> {
        self.find(label).ok_or_else(|| Refusal::not_found(&format!("label of cluster {}", label.cluster), label))
    }

    fn create(&mut self, label: Label) -> i64 {
        self.labels_made += 1;
        self.labels.insert(self.labels_made, label);
        self.labels_made
    }

    fn nodes_with(&self, label: i64) -> impl Iterator<Item = &str> {
        self.bindings.values().filter(move |binding| binding.label == label).map(|binding| binding.node.as_str())
    }

    /// Takes the labels off a node that leaves its cluster.
    pub(super) fn remove_node(&mut self, node: &str) {
        self.bindings.retain(|_, binding| binding.node != node);
    }

    /// Drops the labels of a cluster that goes; it has no nodes any more.
    pub(super) fn remove_cluster(&mut self, cluster: &str) {
        self.labels.retain(|_, label| label.cluster != cluster);
    }
}

pub(super) fn create(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let label = Label::of(call);
    state.cluster.cluster(&label.cluster)?;
    let labels = &mut state.cluster.labels;
    if labels.find(&label).is_some() {
        return Err(Refusal::conflict(format!("cluster {} has a label {label} already", label.cluster)));
    }
    let id = labels.create(label.clone());
    Ok(object!({"Result": show((&id, &label))}))
}

fn show((id, label): (&i64, &Label)) -> Json {
    object!({"ClusterId": label.cluster, "Id": id, "LabelKey": label.key, "LabelValue": label.value})
}

pub(super) fn list(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let cluster = call.text("ClusterId");
    state.cluster.cluster(cluster)?;
    let wanted = state
        .cluster
        .labels
        .labels
        .iter()
        .filter(|(_, label)| label.cluster == cluster)
        .filter(|(_, label)| call.opt_text("LabelKey").is_none_or(|key| label.key == key));
    Ok(call.page(wanted, show))
}

pub(super) fn delete(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let label = Label::of(call);
    state.cluster.cluster(&label.cluster)?;
    let labels = &mut state.cluster.labels;
    let id = labels.known(&label)?;
    let nodes: Vec<&str> = labels.nodes_with(id).collect();
    if !nodes.is_empty() && !call.is("Force") {
        return Err(Refusal::conflict(format!("label {label} is bound to {}", nodes.join(", "))));
    }
    labels.bindings.retain(|_, binding| binding.label != id);
    labels.labels.remove(&id);
    done()
}

/// Binding what is bound already changes nothing. A node has one value of a key, as in Kubernetes.
pub(super) fn bind(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let label = Label::of(call);
    let node = call.text("InstanceId");
    require_node(state, &label.cluster, node)?;
    let labels = &mut state.cluster.labels;
    let on_node = labels.bindings.values().filter(|binding| binding.node == node);
    let same_key = on_node.filter_map(|binding| labels.labels.get(&binding.label)).find(|other| other.key == label.key);
    match same_key {
        Some(other) if *other == label => return done(),
        Some(other) => return Err(Refusal::conflict(format!("node {node} has label {other}: unbind it first"))),
        None => {}
    }
    let label = labels.find(&label).unwrap_or_else(|| labels.create(label));
    labels.bindings_made += 1;
    labels.bindings.insert(labels.bindings_made, Binding { label, node: node.to_owned() });
    done()
}

pub(super) fn unbind(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let label = Label::of(call);
    let node = call.text("InstanceId");
    require_node(state, &label.cluster, node)?;
    let labels = &mut state.cluster.labels;
    let id = labels.known(&label)?;
    let bound = labels.bindings.iter().find(|(_, binding)| binding.label == id && binding.node == node);
    let Some((&binding, _)) = bound else {
        return Err(Refusal::conflict(format!("label {label} is not bound to node {node}")));
    };
    labels.bindings.remove(&binding);
    done()
}

fn require_node(state: &State, cluster_id: &str, node: &str) -> Result<(), Refusal> {
    match state.cluster.cluster(cluster_id)?.machines.contains(node) {
        true => Ok(()),
        false => Err(Refusal::not_found(&format!("node of cluster {cluster_id}"), node)),
    }
}

pub(super) fn list_bindings(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let labels = &state.cluster.labels;
    let given = |name: &str, value: &str| call.opt_text(name).is_none_or(|wanted| wanted == value);
    let bindings = labels
        .bindings
        .iter()
        .filter_map(|(id, binding)| labels.labels.get(&binding.label).map(|label| (id, &binding.node, label)));
    let wanted = bindings.filter(|(_, node, label)| {
        given("ClusterId", &label.cluster)
            && given("InstanceId", node)
            && given("LabelKey", &label.key)
            && given("LabelValue", &label.value)
    });
    Ok(call.page(wanted, |(id, node, label)| {
        object!({
            "Id": id,
            "InstanceId": node,
            "InstanceType": "ecs",
            "LabelKey": label.key,
            "LabelValue": label.value,
        })
    }))
}
