//! Clusters, nodes, volumes, database instances; then what gives access to the shops.

use super::super::call::Refusal;
use super::super::state::State;

/// Clusters `c-demo-prod` and `c-demo-test` with their nodes, labels and volumes; RDS instances.
pub(super) fn build(_state: &mut State) -> Result<(), Refusal> {
    Ok(())
}

/// Allocates an environment to the demo cluster of its type: 0 test, 1 production.
pub(super) fn allocate(_state: &mut State, _app_id: i64, _env_id: i64, _env_type: i64) -> Result<(), Refusal> {
    Ok(())
}

/// Services and SLB access points of the shops.
pub(super) fn expose(_state: &mut State) -> Result<(), Refusal> {
    Ok(())
}
