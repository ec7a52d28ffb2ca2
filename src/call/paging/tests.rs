//! Tests of `paging`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use super::*;
use crate::catalogue;
use proptest::prelude::*;
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

fn of_size(size: i64, mut page: Value) -> Value {
    page["PageSize"] = size.into();
    page
}

#[test]
fn lists_are_walked_to_their_end() {
    let size = json!({"PageSize": 3});
    let table = [
        ("by the total", size.clone(), vec![page(Some(5), 0..3), page(Some(5), 3..5)], vec![1, 2], 5),
        ("exact pages", size.clone(), vec![page(Some(6), 0..3), page(Some(6), 3..6)], vec![1, 2], 6),
        ("no total", size.clone(), vec![page(None, 0..3), page(None, 3..4), page(None, 0..0)], vec![1, 2, 3], 4),
        ("no total, the last page again", size.clone(), vec![page(None, 0..2), page(None, 0..2)], vec![1, 2], 2),
        ("no total, empty end", size.clone(), vec![page(None, 0..3), page(None, 0..0)], vec![1, 2], 3),
        ("empty", size.clone(), vec![page(Some(0), 0..0)], vec![1], 0),
        ("no data field", size.clone(), vec![json!({"Code": 0})], vec![1], 0),
        ("a service with smaller pages", size.clone(), vec![page(Some(4), 0..2), page(Some(4), 2..4)], vec![1, 2], 4),
        ("a total of 0 over records", size.clone(), vec![page(Some(0), 0..2), page(Some(0), 2..2)], vec![1, 2], 2),
        (
            "a total that is overtaken",
            size.clone(),
            vec![page(Some(4), 0..3), page(Some(4), 3..6), page(Some(4), 6..7), page(Some(4), 7..7)],
            vec![1, 2, 3, 4],
            7,
        ),
        (
            "a smaller page with a total of its own",
            json!({"PageSize": 100}),
            vec![of_size(2, page(Some(2), 0..2)), of_size(2, page(Some(1), 2..3)), page(Some(0), 0..0)],
            vec![1, 2, 3],
            3,
        ),
        (
            "from a given page of a smaller size",
            json!({"PageSize": 100, "PageNumber": 2}),
            vec![of_size(2, page(Some(5), 2..4)), of_size(2, page(Some(5), 4..5))],
            vec![2, 3],
            3,
        ),
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
        (vec![page(Some(9), 0..3), page(Some(9), 0..0)], "ListApp: page 2 came empty: 3 of 9 announced records came"),
    ];
    for (replies, message) in table {
        let (_, ids) = walk("ListApp", json!({"PageSize": 3}), replies);
        assert_eq!(ids.unwrap_err().message, message);
    }
}

#[test]
fn a_list_without_pages_is_whole_or_an_error() {
    let configs = |total: Value, count: i64| {
        let records: Vec<_> = (0..count).map(|id| json!({"AppId": id})).collect();
        walk("ListDeployConfig", json!({"AppId": 1}), vec![json!({"TotalCount": total, "Data": records})]).1
    };
    for total in [json!(2), json!(0), json!(null), json!("x")] {
        assert_eq!(configs(total, 2).unwrap().len(), 2);
    }
    for count in [0, 2] {
        let message = format!("ListDeployConfig: {count} of 9 announced records came, and it has no pages");
        assert_eq!(configs(json!(9), count).unwrap_err().message, message);
    }
}

/// A service with a list of this many records: how it pages, and what it says of it.
#[derive(Clone, Debug)]
struct Service {
    records: i64,
    /// The most that it puts on a page.
    most: i64,
    says_size: bool,
    /// What it says the total is; `None` for the truth.
    total: Option<Value>,
    /// The last page comes again behind the end.
    clamps: bool,
}

impl Service {
    fn answer(&self, asked: &Map<String, Value>) -> Value {
        let size = asked[PAGE_SIZE].as_i64().unwrap().min(self.most);
        let last = (self.records - 1).div_euclid(size) + 1;
        let number = asked["PageNumber"].as_i64().unwrap();
        let number = if self.clamps { number.min(last.max(1)) } else { number };
        let ids = ((number - 1) * size).min(self.records)..(number * size).min(self.records);
        let mut reply = page(None, ids);
        reply["TotalCount"] = self.total.clone().unwrap_or_else(|| self.records.into());
        if self.says_size {
            reply["PageSize"] = size.into();
        }
        reply
    }

    /// Walks it as `paginate` does, and counts what was asked.
    fn walk(&self, size: i64) -> (Result<Vec<i64>>, i64) {
        let params = json!({PAGE_SIZE: size}).as_object().unwrap().clone();
        let mut pager = Pager::new(catalogue::find("ListApp").unwrap(), params).unwrap();
        let (mut ids, mut asked) = (vec![], 0);
        while let Some(params) = pager.next() {
            asked += 1;
            match pager.accept(self.answer(&params)) {
                Ok(records) => ids.extend(records.iter().map(|record| record["AppId"].as_i64().unwrap())),
                Err(error) => return (Err(error), asked),
            }
        }
        (Ok(ids), asked)
    }
}

fn services() -> impl Strategy<Value = Service> {
    let total = prop_oneof![
        3 => Just(None),
        1 => Just(Some(json!(null))),
        1 => Just(Some(json!("many"))),
        1 => (-3_i64..70).prop_map(|total| Some(json!(total))),
        1 => (-3_i64..70).prop_map(|total| Some(json!(total.to_string()))),
    ];
    (0_i64..40, 1_i64..15, any::<bool>(), total, any::<bool>())
        .prop_map(|(records, most, says_size, total, clamps)| Service { records, most, says_size, total, clamps })
}

proptest! {
    #[test]
    fn whatever_a_service_says_all_its_records_come_or_an_error(service in services(), size in 1_i64..30) {
        let (came, asked) = service.walk(size);
        let effective = size.min(service.most);
        let said = match &service.total {
            None => Some(service.records),
            Some(total) => whole(total),
        };
        let all: Vec<i64> = (0..service.records).collect();
        prop_assert!(asked <= (service.records + effective - 1) / effective + 1, "{asked} pages");
        match (came, said) {
            (Ok(ids), Some(said)) if ids != all => {
                // Told by what was seen and by what was said alike: nothing could tell the lie.
                let consistent = said == i64::try_from(ids.len()).unwrap();
                prop_assert!(consistent && (!service.says_size || effective == size), "{ids:?}");
            }
            (Ok(ids), _) => prop_assert_eq!(ids, all),
            (Err(error), said) => {
                prop_assert!(said.is_some_and(|said| said > service.records), "{}", error.message);
            }
        }
    }

    #[test]
    fn a_service_that_says_the_truth_or_nothing_is_walked_to_its_end(
        service in services(), size in 1_i64..30, silent in any::<bool>(),
    ) {
        let service = Service { total: silent.then_some(Value::Null), ..service };
        prop_assert_eq!(service.walk(size).0.unwrap(), (0..service.records).collect::<Vec<_>>());
    }
}

#[test]
fn what_does_not_list_is_refused() {
    let error = Pager::new(catalogue::find("ScaleApp").unwrap(), Map::new()).unwrap_err();
    assert_eq!(error.message, "ScaleApp does not list: it cannot be paged");
}
