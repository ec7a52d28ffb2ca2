//! Signs in without a call of the service, to see who that is.

use tokio::runtime::Builder;

use crate::credentials::{Caller, Lease, Way, caller, fetch};
use crate::error::{Error, Kind, Result};
use crate::settings::Settings;

/// Signs in, and asks the token service who that is. The credentials are there even if it does not say.
///
/// # Errors
/// As for signing in for a call.
pub(crate) fn identify(settings: &Settings, way: &Way) -> Result<(Lease, Result<Caller>)> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::new(Kind::Io, format!("cannot start: {error}")))?;
    let reach = settings.reach()?;
    runtime.block_on(async {
        let lease = fetch(way, &reach).await?;
        let caller = caller(&lease.credentials, settings.region(), &reach).await;
        Ok((lease, caller))
    })
}
