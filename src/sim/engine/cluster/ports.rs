//! What services take in a cluster: addresses and node ports.

use std::net::Ipv4Addr;

use super::Clusters;
use super::addresses::written;
use crate::sim::engine::call::Refusal;

impl Clusters {
    /// Whether a node port of a cluster is taken.
    pub(in crate::sim) fn has_node_port(&self, cluster: &str, port: i64) -> bool {
        self.clusters.get(cluster).is_some_and(|cluster| cluster.node_ports.contains(&port))
    }

    /// Takes node ports of a cluster.
    pub(in crate::sim) fn take_node_ports(&mut self, cluster: &str, ports: impl Iterator<Item = i64>) {
        if let Some(cluster) = self.clusters.get_mut(cluster) {
            cluster.node_ports.extend(ports);
        }
    }

    /// Gives back node ports of a cluster.
    pub(in crate::sim) fn free_node_ports(&mut self, cluster: &str, ports: impl Iterator<Item = i64>) {
        if let Some(cluster) = self.clusters.get_mut(cluster) {
            for port in ports {
                cluster.node_ports.remove(&port);
            }
        }
    }

    /// Takes an address for a service.
    ///
    /// # Errors
    /// None is left.
    pub(in crate::sim) fn take_service_address(&mut self, cluster: &str) -> Result<String, Refusal> {
        let address = self.clusters.get_mut(cluster).and_then(|cluster| cluster.service_addresses.take());
        address
            .map(written)
            .ok_or_else(|| Refusal::conflict(format!("cluster {cluster} has no address for a service left")))
    }

    /// Gives back the address of a service.
    pub(in crate::sim) fn free_service_address(&mut self, cluster: &str, address: &str) {
        if let Some((cluster, address)) = self.clusters.get_mut(cluster).zip(address.parse::<Ipv4Addr>().ok()) {
            cluster.service_addresses.give_back(u32::from(address));
        }
    }
}
