//! Walking a list page by page: what to ask for next, and whether the pages add up.
//!
//! Pure: it neither fetches nor waits. A list that another user changes while it is walked, and a
//! service that repeats or loses a page, must not go unnoticed.
//!
//! A walk believes what it sees before what it is told. Pages may come smaller than they were asked for. A
//! total that is less than what came says nothing, and without one that says something the walk goes on until
//! a page is empty or repeats an earlier one. A total that says more than can be had is an error.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use serde_json::{Map, Value};

use crate::catalogue::{Operation, PAGE_SIZE, Paging};
use crate::error::{Error, Kind, Outcome, Result};
use crate::suggest;

/// The state of one walk over a list.
#[derive(Clone, Debug)]
pub(crate) struct Pager {
    operation: &'static Operation,
    paging: Paging,
    params: Map<String, Value>,
    page: i64,
    size: i64,
    /// Records that the pages so far stand for; of those before the first page, as many as it says to hold.
    seen: i64,
    /// Records before the walk's first page, in pages.
    skipped: i64,
    total: Option<i64>,
    /// Hashes of the pages so far.
    pages: HashSet<u64>,
    done: bool,
}

impl Pager {
    /// Begins a walk. The caller's own page number and size are kept.
    ///
    /// # Errors
    /// `invalid` when the operation is not a list.
    pub(crate) fn new(operation: &'static Operation, mut params: Map<String, Value>) -> Result<Self> {
        let Some(paging) = operation.paging else {
            return Err(not_a_list(operation));
        };
        params.retain(|_, value| !value.is_null());
        let number = |name: Option<&str>| name.and_then(|name| params.get(name)?.as_i64());
        let page = number(paging.number).unwrap_or(1);
        let size = number(Some(PAGE_SIZE)).unwrap_or(paging.size);
        Ok(Self {
            operation,
            paging,
            page,
            size,
            seen: 0,
            skipped: page.saturating_sub(1).max(0),
            total: None,
            pages: HashSet::new(),
            done: false,
            params,
        })
    }

    /// The parameters of the next page; `None` when the list is complete.
    pub(crate) fn next(&self) -> Option<Map<String, Value>> {
        if self.done {
            return None;
        }
        let mut params = self.params.clone();
        if let Some(number) = self.paging.number {
            params.insert(number.to_owned(), self.page.into());
            params.insert(PAGE_SIZE.to_owned(), self.size.into());
        }
        Some(params)
    }

    /// Takes the reply to [`Pager::next`] and gives its records.
    ///
    /// # Errors
    /// `api` when a page repeats an earlier one or comes empty although more records are announced.
    pub(crate) fn accept(&mut self, mut reply: Value) -> Result<Vec<Value>> {
        let total = at(&mut reply, self.paging.total).and_then(|value| whole(value));
        let size = self.said_size(&mut reply);
        let records = match at(&mut reply, self.paging.items).map(Value::take) {
            Some(Value::Array(records)) => records,
            _ => Vec::new(),
        };
        self.watch_total(total);
        if self.pages.is_empty() {
            self.seen = self.skipped.saturating_mul(size.unwrap_or(self.size));
        }
        let repeats = !records.is_empty() && !self.pages.insert(fingerprint(&records));
        if repeats || records.is_empty() {
            self.done = true;
            return self.at_the_end(total, repeats);
        }
        let count = i64::try_from(records.len()).unwrap_or(i64::MAX);
        self.seen = self.seen.saturating_add(count);
        // A full page that is smaller than was asked for may come with a total of its own.
        let shrunk = size.is_some_and(|size| size < self.size && count >= size);
        self.done = self.paging.number.is_none() || (total == Some(self.seen) && !shrunk);
        self.whole_list(total)?;
        self.page += 1;
        Ok(records)
    }

    /// Records a page, as the reply says; beside the records or around them.
    fn said_size(&self, reply: &mut Value) -> Option<i64> {
        let (_, around) = self.paging.items.split_last()?;
        let beside = at(reply, around).and_then(|map| whole(map.get(PAGE_SIZE)?));
        beside.or_else(|| whole(reply.get(PAGE_SIZE)?)).filter(|size| *size > 0)
    }

    /// Behind the last page there is nothing, or the last page again; unless more is announced.
    fn at_the_end(&self, total: Option<i64>, repeats: bool) -> Result<Vec<Value>> {
        match total.filter(|total| *total > self.seen && self.paging.number.is_some()) {
            Some(_) if repeats => Err(self.broken(format!("page {} repeats an earlier page", self.page))),
            Some(total) => {
                Err(self
                    .broken(format!("page {} came empty: {} of {total} announced records came", self.page, self.seen)))
            }
            None => {
                self.whole_list(total)?;
                Ok(Vec::new())
            }
        }
    }

    /// What is announced beyond the one reply of a list without pages cannot be asked for.
    fn whole_list(&self, total: Option<i64>) -> Result<()> {
        match total {
            Some(total) if total > self.seen && self.paging.number.is_none() => {
                Err(self.broken(format!("{} of {total} announced records came, and it has no pages", self.seen)))
            }
            _ => Ok(()),
        }
    }

    fn watch_total(&mut self, total: Option<i64>) {
        if let (Some(before), Some(now)) = (self.total, total)
            && before != now
        {
            // Not a warning, which `-q` would hide: a job that goes on may work on half a list.
            tracing::error!(
                "{}: the total changed from {before} to {now} at page {}: records may be missing or come twice",
                self.operation.action,
                self.page
            );
        }
        self.total = total.or(self.total);
    }

    fn broken(&self, message: String) -> Error {
        let action = self.operation.action;
        Error::new(Kind::Api, format!("{action}: {message}"))
            .operation(action)
            .outcome(Outcome::Refused)
            .hint("the list is not complete: do not rely on the records so far")
    }
}

fn not_a_list(operation: &Operation) -> Error {
    let action = operation.action;
    let lists = crate::catalogue::operations().filter(|op| op.paging.is_some()).map(|op| op.action);
    let error = Error::new(Kind::Invalid, format!("{action} does not list: it cannot be paged"))
        .operation(action)
        .outcome(Outcome::NotSent);
    match suggest::nearest(action, lists) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error,
    }
}

fn at<'a>(reply: &'a mut Value, way: &[&str]) -> Option<&'a mut Value> {
    way.iter().try_fold(reply, |value, key| value.get_mut(*key))
}

fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

fn fingerprint(records: &[Value]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for record in records {
        record.hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests;
