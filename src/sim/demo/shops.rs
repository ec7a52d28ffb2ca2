//! Users, applications, deploy configs, environments, and how they came to run.

use super::super::call::Refusal;
use super::super::state::State;

/// Builds them; each environment is allocated before its first deploy.
pub(super) fn build(_state: &mut State) -> Result<(), Refusal> {
    Ok(())
}
