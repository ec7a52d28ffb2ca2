//! What a manifest says of the pods that it makes.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::sim::engine::call::Refusal;
use crate::sim::engine::resources::{Resources, quantity};

/// How the pods of a deploy config are made, as far as the simulator goes by it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Template {
    /// The name of the Deployment or StatefulSet.
    pub workload: String,
    /// Whether it is a StatefulSet, whose pods have an order.
    pub ordered: bool,
    /// The containers' images. A workload without a container makes no pods.
    pub images: Vec<String>,
    /// What a pod asks for.
    pub requests: Resources,
    /// What a pod may use.
    pub limits: Resources,
    /// Where the code package goes.
    pub code_path: String,
}

/// The YAML documents of a text.
///
/// # Errors
/// It is no YAML; the refusal begins with the parameter's name.
pub(super) fn documents(name: &str, text: &str) -> Result<Vec<Value>, Refusal> {
    serde_saphyr::from_multiple(text).map_err(|error| {
        let error = error.to_string();
        let why = error.lines().next().unwrap_or_default();
        Refusal::invalid(format!("{name} is no YAML: {why}"))
    })
}

impl Template {
    /// Reads a Deployment or a StatefulSet, whichever is said.
    ///
    /// # Errors
    /// It is no YAML, no such workload, or asks for an amount that is none.
    pub(super) fn read(kind: &str, manifest: &str) -> Result<Self, Refusal> {
        let documents = documents(kind, manifest)?;
        let kind_of = |document: &Value| document.get("kind").and_then(Value::as_str).map(str::to_owned);
        let Some(workload) = documents.iter().find(|document| kind_of(document).as_deref() == Some(kind)) else {
            let is = documents
                .iter()
                .find_map(kind_of)
                .map_or("it has no kind".to_owned(), |is| format!("its kind is {is}"));
            return Err(Refusal::invalid(format!("{kind} holds no {kind}: {is}")));
        };
        let pod = workload.pointer("/spec/template/spec");
        let (containers, first) = (containers(pod, "containers"), containers(pod, "initContainers"));
        // Containers run together; those that prepare the pod run before them, one after another.
        let total = |of: &str| {
            let together = sum(kind, containers, of)?;
            let mut each = first.iter().map(|container| amounts(kind, container, of));
            each.try_fold(together, |most, one| Ok::<_, Refusal>(most.max(one?)))
        };
        let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Self {
            workload: text(workload.pointer("/metadata/name")),
            ordered: kind == "StatefulSet",
            images: containers.iter().map(|container| text(container.get("image"))).collect(),
            requests: total("requests")?,
            limits: total("limits")?,
            code_path: String::new(),
        })
    }
}

fn containers<'a>(pod: Option<&'a Value>, list: &str) -> &'a [Value] {
    pod.and_then(|pod| pod.get(list)).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn sum(kind: &str, containers: &[Value], of: &str) -> Result<Resources, Refusal> {
    let mut each = containers.iter().map(|container| amounts(kind, container, of));
    each.try_fold(Resources::default(), |sum, one| Ok(sum.plus(one?)))
}

/// What a container requests, or is limited to. Where it only has a limit, it requests as much.
fn amounts(kind: &str, container: &Value, of: &str) -> Result<Resources, Refusal> {
    let asked = container.get("resources");
    let maps = [("resources", asked), (of, asked.and_then(|asked| asked.get(of)))];
    let is_odd = |value: Option<&Value>| value.is_some_and(|value| !value.is_object() && !value.is_null());
    if let Some((odd, _)) = maps.into_iter().find(|(_, value)| is_odd(*value)) {
        return Err(Refusal::invalid(format!("{kind} has {odd} that are no map such as {{cpu: 500m, memory: 1Gi}}")));
    }
    let amount = |resource: &str| {
        let said = |of: &str| container.get("resources")?.get(of)?.get(resource);
        let value = said(of).or_else(|| said("limits")).filter(|value| !value.is_null());
        let Some(value) = value else { return Ok(0.0) };
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        quantity(&text).filter(|amount| *amount >= 0.0).ok_or_else(|| {
            Refusal::invalid(format!("{kind} asks for {resource} {text}, which is no quantity such as 500m or 1Gi"))
        })
    };
    // Rounded up as Kubernetes does, but not for what 16.1 cannot be written as.
    Ok(Resources {
        cpu_millis: (amount("cpu")? * 1000.0 - 1e-6).ceil() as i64,
        memory_mib: (amount("memory")? / 1_048_576.0).ceil() as i64,
    })
}
