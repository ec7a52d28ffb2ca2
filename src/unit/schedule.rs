//! When a job runs: the five fields that cron has, checked, and as systemd writes them.

use crate::error::{Error, Kind, Result};

/// Minute, hour, day of the month, month and day of the week.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Schedule([String; 5]);

/// A field's name and its least and greatest number.
const FIELDS: [(&str, u32, u32); 5] =
    [("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("day of the week", 0, 7)];

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
/// The most days that each month has.
const LENGTHS: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

const DAYS: [&str; 8] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl Schedule {
    /// Reads `0 3 * * *`, or `@hourly`, `@daily`, `@weekly`, `@monthly`.
    ///
    /// # Errors
    /// `usage`, naming the field, or the day that never comes.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let wrong = |why: String| {
            Error::new(Kind::Usage, format!("--every \"{text}\": {why}"))
                .hint("five fields as cron has them: minute hour day month weekday, such as \"0 3 * * *\"")
        };
        let text = match text.trim() {
            "@hourly" => "0 * * * *",
            "@daily" | "@midnight" => "0 0 * * *",
            "@weekly" => "0 0 * * 0",
            "@monthly" => "0 0 1 * *",
            other => other,
        };
        let fields: Vec<String> = text.split_whitespace().map(str::to_ascii_lowercase).collect();
        let fields: [String; 5] =
            fields.try_into().map_err(|fields: Vec<_>| wrong(format!("it has {} fields, not 5", fields.len())))?;
        for ((name, least, most), field) in FIELDS.into_iter().zip(&fields) {
            let names: &[&str] = match name {
                "month" => &MONTHS,
                "day of the week" => &DAYS,
                _ => &[],
            };
            for part in field.split(',') {
                is_part(part, least, most, names).ok_or_else(|| wrong(format!("`{part}` is no {name}")))?;
            }
        }
        let [_, _, day, month, weekday] = &fields;
        // With a day of the week cron means either of both.
        if weekday == "*" && !comes(day, month) {
            return Err(wrong(format!("day {day} never comes in month {month}")));
        }
        Ok(Self(fields))
    }

    /// As cron takes it.
    pub(super) fn cron(&self) -> String {
        self.0.join(" ")
    }

    /// As Kubernetes takes it: to it, no day of the week is the seventh.
    pub(super) fn kubernetes(&self) -> String {
        let [minute, hour, day, month, weekday] = &self.0;
        let is_seventh = |part: &str| part.split('/').next().is_some_and(|range| range.contains('7'));
        let days = if weekday.split(',').any(is_seventh) { weekdays(weekday) } else { weekday.clone() };
        [minute, hour, day, month, &days].map(String::as_str).join(" ")
    }

    /// As systemd takes it: one line, or two, where cron means either the day of the month or that of the week.
    pub(super) fn calendars(&self, zone: &str) -> Vec<String> {
        let [minute, hour, day, month, weekday] = &self.0;
        let of = |day: &str, weekday: &str| {
            let weekday = if weekday == "*" { String::new() } else { format!("{} ", weekdays(weekday)) };
            let [month, day, hour, minute] =
                [numbers(month, &MONTHS, 1), numbers(day, &[], 1), numbers(hour, &[], 0), numbers(minute, &[], 0)];
            format!("{weekday}*-{month}-{day} {hour}:{minute}:00 {zone}")
        };
        match (day.as_str(), weekday.as_str()) {
            ("*", weekday) => vec![of("*", weekday)],
            (day, "*") => vec![of(day, "*")],
            (day, weekday) => vec![of(day, "*"), of("*", weekday)],
        }
    }
}

/// A part of a field: `*`, a number or a name, a range, with a step or without.
fn is_part(part: &str, least: u32, most: u32, names: &[&str]) -> Option<()> {
    let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
    if let Some(step) = step {
        step.parse::<u32>().ok().filter(|step| (1..=most).contains(step))?;
    }
    if range == "*" {
        return Some(());
    }
    let number = |text: &str| number(text, names, least).filter(|number| (least..=most).contains(number));
    match range.split_once('-') {
        Some((from, to)) => (number(from)? <= number(to)?).then_some(()),
        // A step needs a range: cron itself takes the other forms differently from one another.
        None if step.is_some() => None,
        None => number(range).map(drop),
    }
}

/// A number, or what a name stands for; the first name stands for the least number.
fn number(text: &str, names: &[&str], least: u32) -> Option<u32> {
    let named = names.iter().zip(least..).find(|(name, _)| **name == text).map(|(_, number)| number);
    named.or_else(|| text.parse().ok())
}

/// All numbers that a field means.
fn meant(field: &str, names: &[&str], least: u32, most: u32) -> Vec<u32> {
    let number = |text: &str| number(text, names, least).unwrap_or(least);
    let part = |part: &str| {
        let (range, step) = part.split_once('/').map_or((part, 1), |(range, step)| (range, step.parse().unwrap_or(1)));
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (number(from), number(to)),
            None if range == "*" => (least, most),
            None => (number(range), number(range)),
        };
        (from..=to).step_by(step.max(1))
    };
    field.split(',').flat_map(part).collect()
}

/// Whether any of these months has any of these days.
fn comes(days: &str, months: &str) -> bool {
    let first = meant(days, &[], 1, 31).into_iter().min().unwrap_or_default();
    let months = meant(months, &MONTHS, 1, 12);
    (1..).zip(LENGTHS).any(|(month, length)| months.contains(&month) && first <= length)
}

/// A field as systemd writes numbers: `..` between, and a start before each step.
fn numbers(field: &str, names: &[&str], least: u32) -> String {
    let number = |text: &str| match names.iter().position(|name| *name == text) {
        Some(at) => (at + 1).to_string(),
        None => text.to_owned(),
    };
    let part = |part: &str| {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        let range = match range.split_once('-') {
            Some((from, to)) => format!("{}..{}", number(from), number(to)),
            None if range == "*" && step.is_some() => least.to_string(),
            None => number(range),
        };
        step.map_or(range.clone(), |step| format!("{range}/{step}"))
    };
    field.split(',').map(part).collect::<Vec<_>>().join(",")
}

/// Days of the week by their names, each by itself.
fn weekdays(field: &str) -> String {
    let mut days: Vec<u32> = meant(field, &DAYS, 0, 6).into_iter().map(|day| day % 7).collect();
    days.sort_unstable();
    days.dedup();
    let name = |day: u32| DAYS.get(day as usize).copied().unwrap_or_default();
    days.into_iter().map(name).collect::<Vec<_>>().join(",")
}
