//! Old runs go: those that ended before a time, and the oldest of those that ended while the file is too large.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior, params};

use super::{alive, store};
use crate::error::Result;

/// How much a journal keeps.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bounds {
    /// Runs that began longer ago go.
    pub keep: Option<Duration>,
    /// The most bytes of its file.
    pub max_size: Option<u64>,
}

/// Takes out what is beyond the bounds, and gives how many runs went. Runs that live stay, and so do those with
/// writes of which it is not known whether they took effect: somebody has to look at them first.
///
/// # Errors
/// `config`.
pub(crate) fn prune(path: &Path, bounds: Bounds) -> Result<usize> {
    if !store::is_there(path)? {
        return Ok(0);
    }
    let mut connection = store::open(path)?;
    let went = prune_old(&mut connection, path, bounds, "")?;
    if went > 0 {
        connection.execute_batch("VACUUM").map_err(|error| store::failed(path, &error))?;
    }
    let _ = connection.close();
    Ok(went)
}

/// The same for a connection that is open already, whose own run stays.
pub(super) fn prune_old(connection: &mut Connection, path: &Path, bounds: Bounds, own: &str) -> Result<usize> {
    let failed = |error: rusqlite::Error| store::failed(path, &error);
    let mut went = 0;
    if let Some(keep) = bounds.keep {
        let before =
            Timestamp::now().as_millisecond().saturating_sub(i64::try_from(keep.as_millis()).unwrap_or(i64::MAX));
        for id in candidates(connection, path, before, i64::MAX, own).map_err(failed)? {
            went += remove(connection, &id).map_err(failed)?;
        }
    }
    if let Some(most) = bounds.max_size {
        while used(connection).map_err(failed)? > most {
            let oldest = candidates(connection, path, i64::MAX, 16, own).map_err(failed)?;
            if oldest.is_empty() {
                break;
            }
            for id in oldest {
                went += remove(connection, &id).map_err(failed)?;
            }
        }
    }
    Ok(went)
}

/// Bytes of the pages that hold something.
fn used(connection: &Connection) -> rusqlite::Result<u64> {
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let used = pragma("page_count")?.saturating_sub(pragma("freelist_count")?).saturating_mul(pragma("page_size")?);
    Ok(u64::try_from(used).unwrap_or(0))
}

/// Runs that may go and began before a time, the oldest first.
fn candidates(
    connection: &Connection,
    path: &Path,
    before: i64,
    most: i64,
    own: &str,
) -> rusqlite::Result<Vec<String>> {
    let mut query = connection.prepare(
        "SELECT id FROM runs WHERE started < ?1 AND unknown + open <= 0 AND id <> ?3 ORDER BY started LIMIT ?2",
    )?;
    let ids = query.query_map(params![before, most, own], |row| row.get::<_, String>(0))?;
    let ids = ids.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(ids.into_iter().filter(|id| !alive::is_alive(path, id)).collect())
}

fn remove(connection: &mut Connection, id: &str) -> rusqlite::Result<usize> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute("DELETE FROM events WHERE run = ?1", [id])?;
    let went = transaction.execute("DELETE FROM runs WHERE id = ?1", [id])?;
    transaction.commit()?;
    Ok(went)
}
