//! Chapter 5 simulated: clusters, their nodes, labels, volumes and resource allocations, a file each.
//!
//! A node has room for pods, in CPU and memory: [`placement`] hands it out to the environments allocated to
//! its cluster. A serverless cluster has room without nodes.

mod addresses;
mod allocations;
mod clusters;
mod labels;
mod nodes;
mod placement;
mod ports;
#[cfg(test)]
mod tests;
mod volumes;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::sim::engine::call::Handler;
pub(crate) use allocations::{remove_env, uses_of_env};
pub(in crate::sim) use clusters::create_as;
pub(crate) use clusters::{Event, RUNNING_AFTER, happen, install_arms};
pub(in crate::sim) use nodes::{JOINED_AFTER, MachineType, add_machine, add_windows_machine};
pub(crate) use nodes::{NodeEvent, settle};
pub(crate) use placement::{Placement, place, require_allocation, require_system, shortage, vacate};
pub(crate) use volumes::{Claim, bind_claim, release_claim, remove_volume};

/// Clusters and what belongs to them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Clusters {
    clusters: BTreeMap<String, clusters::Cluster>,
    /// How many clusters were ever made: ids are never used twice.
    made: i64,
    machines: BTreeMap<String, nodes::Machine>,
    labels: labels::Labels,
    volumes: volumes::Volumes,
    allocations: allocations::Allocations,
}

pub(in crate::sim) const HANDLERS: &[(&str, Handler)] = &[
    ("CreatePersistentVolume", volumes::create),
    ("ListPersistentVolume", volumes::list),
    ("DeletePersistentVolume", volumes::delete),
    ("CreateNodeLabel", labels::create),
    ("ListNodeLabels", labels::list),
    ("DeleteNodeLabel", labels::delete),
    ("BindNodeLabel", labels::bind),
    ("UnbindNodeLabel", labels::unbind),
    ("ListNodeLabelBindings", labels::list_bindings),
    ("CreateAppResourceAlloc", allocations::create),
    ("ListAppResourceAllocs", allocations::list),
    ("DeleteAppResourceAlloc", allocations::delete),
    ("DescribeAppResourceAlloc", allocations::describe),
    ("ListCluster", clusters::list),
    ("DeleteCluster", clusters::delete),
    ("ListClusterNode", nodes::list),
    ("QueryClusterDetail", clusters::detail),
    ("AddClusterNode", nodes::add),
    ("RemoveClusterNode", nodes::remove),
    ("CreateCluster", clusters::create),
    ("ListAvailableClusterNode", nodes::list_available),
];
