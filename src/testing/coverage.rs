//! What tests ran of scripts, all together: for people, and as LCOV.

use std::collections::BTreeMap;

use crate::script::{CallSite, Covered};

/// What all tests ran, by file.
#[derive(Debug, Default)]
pub(super) struct Total(BTreeMap<String, Covered>);

impl Total {
    /// Adds what one test ran.
    pub(super) fn add(&mut self, covered: &BTreeMap<String, Covered>) {
        for (file, covered) in covered {
            let total = self.0.entry(file.clone()).or_default();
            for (line, hits) in &covered.lines {
                *total.lines.entry(*line).or_default() += hits;
            }
            for call in &covered.calls {
                let same = |known: &&mut CallSite| {
                    (known.line, known.column, &known.action) == (call.line, call.column, &call.action)
                };
                match total.calls.iter_mut().find(same) {
                    Some(known) => known.hits += call.hits,
                    None => total.calls.push(call.clone()),
                }
            }
        }
    }

    /// For people: how much of each file ran, and what did not.
    pub(super) fn text(&self) -> String {
        if self.0.is_empty() {
            return "coverage: the tests ran no script".to_owned();
        }
        let mut text = "coverage:".to_owned();
        for (file, Covered { lines, calls }) in &self.0 {
            let ran = lines.values().filter(|hits| **hits > 0).count();
            let made = calls.iter().filter(|call| call.hits > 0).count();
            let share = if lines.is_empty() { 100.0 } else { 100.0 * ran as f64 / lines.len() as f64 };
            text.push_str(&format!("\n  {file}: {ran} of {} lines ({share:.1} %)", lines.len()));
            text.push_str(&format!(", {made} of {} calls", calls.len()));
            let missed = ranges(lines);
            if !missed.is_empty() {
                text.push_str(&format!("\n    lines that did not run: {}", missed.join(", ")));
            }
            let missed: Vec<String> = calls
                .iter()
                .filter(|call| call.hits == 0)
                .map(|call| format!("{} at {}", call.action, call.line))
                .collect();
            if !missed.is_empty() {
                text.push_str(&format!("\n    calls that were not made: {}", missed.join(", ")));
            }
        }
        text
    }

    /// As LCOV: lines as they are, calls as branches of theirs.
    pub(super) fn lcov(&self) -> String {
        let mut text = String::new();
        for (file, Covered { lines, calls }) in &self.0 {
            text.push_str(&format!("TN:\nSF:{file}\n"));
            for (n, call) in calls.iter().enumerate() {
                text.push_str(&format!("BRDA:{},0,{n},{}\n", call.line, call.hits));
            }
            let made = calls.iter().filter(|call| call.hits > 0).count();
            text.push_str(&format!("BRF:{}\nBRH:{made}\n", calls.len()));
            lines.iter().for_each(|(line, hits)| text.push_str(&format!("DA:{line},{hits}\n")));
            let ran = lines.values().filter(|hits| **hits > 0).count();
            text.push_str(&format!("LF:{}\nLH:{ran}\nend_of_record\n", lines.len()));
        }
        text
    }
}

/// The lines that did not run, those next to each other as one: `3`, `7-9`.
fn ranges(lines: &BTreeMap<usize, u64>) -> Vec<String> {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    let mut goes_on = false;
    for (line, hits) in lines {
        if *hits > 0 {
            goes_on = false;
            continue;
        }
        match ranges.last_mut() {
            Some((_, end)) if goes_on => *end = *line,
            _ => ranges.push((*line, *line)),
        }
        goes_on = true;
    }
    ranges.iter().map(|(from, to)| if from == to { from.to_string() } else { format!("{from}-{to}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covered(lines: &[(usize, u64)], calls: &[(usize, &str, u64)]) -> BTreeMap<String, Covered> {
        let site = |(line, action, hits): &(usize, &str, u64)| CallSite {
            line: *line,
            column: 1,
            action: (*action).to_owned(),
            hits: *hits,
        };
        let covered = Covered { lines: lines.iter().copied().collect(), calls: calls.iter().map(site).collect() };
        BTreeMap::from([("x.rhai".to_owned(), covered)])
    }

    #[test]
    fn what_any_test_ran_has_run() {
        let mut total = Total::default();
        assert_eq!(total.text(), "coverage: the tests ran no script");
        total
            .add(&covered(&[(1, 1), (2, 0), (4, 0), (7, 0), (8, 2), (9, 0)], &[(2, "ListApp", 0), (8, "ScaleApp", 2)]));
        total
            .add(&covered(&[(1, 1), (2, 0), (4, 0), (7, 1), (8, 0), (9, 0)], &[(2, "ListApp", 0), (8, "ScaleApp", 0)]));
        let expected = "coverage:\n  x.rhai: 3 of 6 lines (50.0 %), 1 of 2 calls\n    lines that did not run: 2-4, 9\n    calls that were not made: ListApp at 2";
        assert_eq!(total.text(), expected);
        let expected = "TN:\nSF:x.rhai\nBRDA:2,0,0,0\nBRDA:8,0,1,2\nBRF:2\nBRH:1\nDA:1,2\nDA:2,0\nDA:4,0\nDA:7,1\nDA:8,2\nDA:9,0\nLF:6\nLH:3\nend_of_record\n";
        assert_eq!(total.lcov(), expected);
    }
}
