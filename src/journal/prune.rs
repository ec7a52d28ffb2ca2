//! Old runs go: those that ended before a time, and the oldest of those that ended while the file is too large.

use std::path::Path;
use std::time::{Duration, Instant};

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

/// So many runs go in one transaction.
const AT_ONCE: usize = 256;

/// As many where the file is too large: after each of these it is looked at again.
const FEW: usize = 16;

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
    let went = prune_old(&mut connection, path, bounds, "", None)?;
    if went > 0 {
        connection.execute_batch("VACUUM").map_err(|error| store::failed(path, &error))?;
    }
    let _ = connection.close();
    Ok(went)
}

/// The same for a connection that is open already, whose own run stays; it begins nothing more behind `until`.
pub(super) fn prune_old(
    connection: &mut Connection,
    path: &Path,
    bounds: Bounds,
    own: &str,
    until: Option<Instant>,
) -> Result<usize> {
    let failed = |error: rusqlite::Error| store::failed(path, &error);
    let now = Timestamp::now().as_millisecond();
    let keep = bounds.keep.map(|keep| now.saturating_sub(i64::try_from(keep.as_millis()).unwrap_or(i64::MAX)));
    let mut went = 0;
    loop {
        let too_old = match keep {
            Some(before) => candidates(connection, path, before, AT_ONCE, own).map_err(failed)?,
            None => Vec::new(),
        };
        let is_too_large = || Ok(bounds.max_size.is_some_and(|most| used(connection).is_ok_and(|used| used > most)));
        let next = match too_old.is_empty() && is_too_large()? {
            true => candidates(connection, path, i64::MAX, FEW, own).map_err(failed)?,
            false => too_old,
        };
        let gone = remove(connection, path, &next)?;
        went += gone;
        if gone == 0 || until.is_some_and(|until| until <= Instant::now()) {
            return Ok(went);
        }
    }
}

/// Bytes of the pages that hold something.
fn used(connection: &Connection) -> rusqlite::Result<u64> {
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let used = pragma("page_count")?.saturating_sub(pragma("freelist_count")?).saturating_mul(pragma("page_size")?);
    Ok(u64::try_from(used).unwrap_or(0))
}

/// Runs that may go and began before a time, the oldest first, and at most so many.
fn candidates(
    connection: &Connection,
    path: &Path,
    before: i64,
    most: usize,
    own: &str,
) -> rusqlite::Result<Vec<String>> {
    let mut query = connection
        .prepare("SELECT id FROM runs WHERE started < ?1 AND unknown + open <= 0 AND id <> ?2 ORDER BY started")?;
    let ids = query.query_map(params![before, own], |row| row.get::<_, String>(0))?;
    // One of which that cannot be told stays, too.
    let may_go = |id: &String| alive::is_alive(path, id).is_ok_and(|lives| !lives);
    ids.filter(|id| id.as_ref().map_or(true, may_go)).take(most).collect()
}

/// Takes runs out, but for those that were resumed meanwhile. Nobody resumes one while it goes.
fn remove(connection: &mut Connection, path: &Path, ids: &[String]) -> Result<usize> {
    let mut held = Vec::with_capacity(ids.len());
    for id in ids {
        held.extend(Alive::take(path, id, Held::LookedAt)?.ok().map(|alive| (id, alive)));
    }
    let mut remove = || -> rusqlite::Result<usize> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut went = 0;
        for (id, _) in &held {
            let gone = transaction.execute("DELETE FROM runs WHERE id = ?1 AND unknown + open <= 0", [id])?;
            if gone > 0 {
                transaction.execute("DELETE FROM events WHERE run = ?1", [id])?;
            }
            went += gone;
        }
        transaction.commit()?;
        Ok(went)
    };
    if held.is_empty() { Ok(0) } else { remove().map_err(|error| store::failed(path, &error)) }
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
        let went: usize =
            found.iter().map(|id| remove(&mut connection, &path, std::slice::from_ref(id)).unwrap()).sum();
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
        assert_eq!(remove(&mut connection, &path, &["resumed".to_owned()]).unwrap(), 0);
        assert_eq!(prune(&path, Bounds { keep: None, max_size: Some(1) }).unwrap(), 0);
    }
}
