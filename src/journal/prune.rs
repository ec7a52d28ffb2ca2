//! Old runs go: those that ended before a time, and the oldest of those that ended while the file is too large.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior, params};

use super::alive::{self, Alive, Held};
use super::store;
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
            went += remove(connection, path, &id)?;
        }
    }
    if let Some(most) = bounds.max_size {
        while used(connection).map_err(failed)? > most {
            let oldest = candidates(connection, path, i64::MAX, 16, own).map_err(failed)?;
            let before = went;
            for id in oldest {
                went += remove(connection, path, &id)?;
            }
            if went == before {
                break;
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
    // One of which that cannot be told stays, too.
    Ok(ids.into_iter().filter(|id| alive::is_alive(path, id).is_ok_and(|lives| !lives)).collect())
}

/// Takes a run out, unless it was resumed meanwhile. Nobody resumes it while it goes.
fn remove(connection: &mut Connection, path: &Path, id: &str) -> Result<usize> {
    let Ok(_alive) = Alive::take(path, id, Held::LookedAt)? else { return Ok(0) };
    let mut remove = || -> rusqlite::Result<usize> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let went = transaction.execute("DELETE FROM runs WHERE id = ?1 AND unknown + open <= 0", [id])?;
        if went > 0 {
            transaction.execute("DELETE FROM events WHERE run = ?1", [id])?;
        }
        transaction.commit()?;
        Ok(went)
    };
    remove().map_err(|error| store::failed(path, &error))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::Map;

    use super::super::event::{Event, Known, What};
    use super::*;

    /// A journal with a run that died after it wrote, with this known of the write.
    fn died(path: &Path, id: &str, known: Option<Known>) {
        let write = What::Write { operation: "ScaleApp".into(), params: Map::new(), before: None, profile: None };
        let outcome = known.map(|known| What::Outcome { known, attempts: 1, request_id: None, reply: 0.into() });
        let whats = [What::Begun(Map::new()), write].into_iter().chain(outcome);
        let events: Vec<Event> = (1..).zip(whats).map(|(number, what)| Event::now(number, what).of(2)).collect();
        let mut connection = store::open(path).unwrap();
        let transaction = connection.transaction().unwrap();
        store::append(&transaction, id, &events.iter().collect::<Vec<_>>()).unwrap();
        transaction.commit().unwrap();
    }

    #[test]
    fn a_run_that_was_resumed_meanwhile_keeps_its_past() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j.db");
        died(&path, "resumed", Some(Known::Applied));
        died(&path, "gone", Some(Known::Applied));
        let mut connection = store::open(&path).unwrap();
        // Found before that, and taken out after.
        let found = candidates(&connection, &path, i64::MAX, 16, "").unwrap();
        assert_eq!(found.len(), 2);
        let resumed = Alive::take(&path, "resumed", Held::Lives).unwrap().unwrap();
        let went: usize = found.iter().map(|id| remove(&mut connection, &path, id).unwrap()).sum();
        assert_eq!(went, 1);
        let past = super::super::past::Past::read(&connection, &path, "resumed").unwrap();
        assert_eq!(past.last, 3);
        // Nor does one that left something to be looked at before it ended again.
        drop(resumed);
        let more =
            [Event::now(4, What::Outcome { known: Known::Unknown, attempts: 1, request_id: None, reply: 0.into() })
                .of(2)];
        let transaction = connection.transaction().unwrap();
        transaction.execute("UPDATE runs SET open = open + 1 WHERE id = 'resumed'", []).unwrap();
        store::append(&transaction, "resumed", &more.iter().collect::<Vec<_>>()).unwrap();
        transaction.commit().unwrap();
        assert_eq!(remove(&mut connection, &path, "resumed").unwrap(), 0);
        assert_eq!(prune(&path, Bounds { keep: None, max_size: Some(1) }).unwrap(), 0);
    }
}
