//! Walking a list page by page: what to ask for next, and whether the pages add up.
//!
//! Pure: it neither fetches nor waits. A list that another user changes while it is walked, and a
//! service that repeats or loses a page, must not go unnoticed.

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
    /// Records that the pages so far stand for.
    seen: i64,
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
            seen: page.saturating_sub(1).saturating_mul(size).max(0),
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
    /// `api` when a page repeats an earlier one, or comes empty before all announced records came.
    pub(crate) fn accept(&mut self, mut reply: Value) -> Result<Vec<Value>> {
        let total = at(&mut reply, self.paging.total).and_then(|value| whole(value));
        let records = match at(&mut reply, self.paging.items).map(Value::take) {
            Some(Value::Array(records)) => records,
            _ => Vec::new(),
        };
        let count = i64::try_from(records.len()).unwrap_or(i64::MAX);
        self.watch_total(total);
        // A total that is below what one page holds says nothing: one sample shows 0 over a full page.
        let total = total.filter(|total| *total >= count);
        if records.is_empty() {
            self.done = true;
            return match total {
                Some(total) if total > self.seen && self.paging.number.is_some() => {
                    let missing =
                        format!("page {} came empty: {} of {total} announced records came", self.page, self.seen);
                    Err(self.broken(missing))
                }
                _ => Ok(records),
            };
        }
        if !self.pages.insert(fingerprint(&records)) {
            return Err(self.broken(format!("page {} repeats an earlier page", self.page)));
        }
        self.seen = self.seen.saturating_add(count);
        self.done = self.paging.number.is_none()
            || match total {
                Some(total) => self.seen >= total,
                None => count < self.size,
            };
        self.page += 1;
        Ok(records)
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
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

    use super::*;
    use crate::catalogue;
    use serde_json::json;

    /// Feeds replies to a walk; gives the page numbers asked for, and the ids or the error.
    fn walk(action: &str, params: Value, replies: Vec<Value>) -> (Vec<i64>, Result<Vec<i64>>) {
        let Value::Object(params) = params else { unreachable!() };
        let operation = catalogue::find(action).unwrap();
        let mut pager = Pager::new(operation, params).unwrap();
        let mut replies = replies.into_iter();
        let (mut asked, mut ids) = (vec![], vec![]);
        while let Some(params) = pager.next() {
            let number = pager.paging.number.map_or(0, |number| params[number].as_i64().unwrap());
            asked.push(number);
            match pager.accept(replies.next().expect("asked for more than expected")) {
                Ok(records) => ids.extend(records.iter().map(|r| r["AppId"].as_i64().unwrap())),
                Err(error) => return (asked, Err(error)),
            }
        }
        assert!(replies.next().is_none(), "stopped too early");
        (asked, Ok(ids))
    }

    fn page(total: Option<i64>, ids: std::ops::Range<i64>) -> Value {
        let data: Vec<_> = ids.map(|id| json!({"AppId": id})).collect();
        json!({"Code": 0, "TotalCount": total, "Data": data})
    }

    #[test]
    fn lists_are_walked_to_their_end() {
        let size = json!({"PageSize": 3});
        let table = [
            ("by the total", size.clone(), vec![page(Some(5), 0..3), page(Some(5), 3..5)], vec![1, 2], 5),
            ("exact pages", size.clone(), vec![page(Some(6), 0..3), page(Some(6), 3..6)], vec![1, 2], 6),
            ("no total", size.clone(), vec![page(None, 0..3), page(None, 3..4)], vec![1, 2], 4),
            ("no total, empty end", size.clone(), vec![page(None, 0..3), page(None, 0..0)], vec![1, 2], 3),
            ("empty", size.clone(), vec![page(Some(0), 0..0)], vec![1], 0),
            ("no data field", size.clone(), vec![json!({"Code": 0})], vec![1], 0),
            (
                "a service with smaller pages",
                size.clone(),
                vec![page(Some(4), 0..2), page(Some(4), 2..4)],
                vec![1, 2],
                4,
            ),
            ("a total of 0 over records", size.clone(), vec![page(Some(0), 0..2)], vec![1], 2),
            ("a total that grows", size.clone(), vec![page(Some(4), 0..3), page(Some(5), 3..5)], vec![1, 2], 5),
            ("from a given page", json!({"PageSize": 3, "PageNumber": 2}), vec![page(Some(5), 3..5)], vec![2], 2),
        ];
        for (name, params, replies, asked, count) in table {
            let (pages, ids) = walk("ListApp", params, replies);
            assert_eq!(pages, asked, "{name}");
            assert_eq!(ids.unwrap().len(), count, "{name}");
        }
    }

    #[test]
    fn pages_that_do_not_add_up_are_errors() {
        let table = [
            (vec![page(Some(9), 0..3), page(Some(9), 0..3)], "ListApp: page 2 repeats an earlier page"),
            (
                vec![page(Some(9), 0..3), page(Some(9), 0..0)],
                "ListApp: page 2 came empty: 3 of 9 announced records came",
            ),
        ];
        for (replies, message) in table {
            let (_, ids) = walk("ListApp", json!({"PageSize": 3}), replies);
            assert_eq!(ids.unwrap_err().message, message);
        }
    }

    #[test]
    fn what_does_not_list_is_refused() {
        let error = Pager::new(catalogue::find("ScaleApp").unwrap(), Map::new()).unwrap_err();
        assert_eq!(error.message, "ScaleApp does not list: it cannot be paged");
    }
}
