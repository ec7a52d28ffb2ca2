//! What a run is called: in the journal, in its lock, in what is told of it elsewhere.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::error::{Error, Kind};

/// The id of a run: 16 characters such as `01k2x9f8p-3v7q0m`, the milliseconds of its start before the dash and
/// chance behind it. In the order of their text ids are in the order of their starts, within one clock.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RunId(String);

/// Digits that sort as they count and are not mistaken for each other: no i, l, o and u.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// 45 bits of milliseconds last until the year 3084.
const TIME: u32 = 9;
const CHANCE: u32 = 6;

impl RunId {
    /// An id for a run that starts now.
    pub(crate) fn new() -> Self {
        let millis = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0);
        Self(format!("{}-{}", written(millis, TIME), written(fastrand::u64(..), CHANCE)))
    }

    /// What an id may begin with, in the form that ids have.
    ///
    /// # Errors
    /// `usage` for what none begins with.
    pub(crate) fn beginning(text: &str) -> Result<String, Error> {
        let beginning = text.trim().to_ascii_lowercase();
        let fits = |(at, c): (usize, u8)| if at == TIME as usize { c == b'-' } else { DIGITS.contains(&c) };
        let is_one = !beginning.is_empty() && beginning.len() <= (TIME + 1 + CHANCE) as usize;
        if is_one && beginning.bytes().enumerate().all(fits) { Ok(beginning) } else { Err(no_id(text)) }
    }

    /// Its text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RunId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let id = text.trim().to_ascii_lowercase();
        let is_one = id.split_once('-').is_some_and(|(time, chance)| {
            let fits = |part: &str, digits| part.len() == digits as usize && part.bytes().all(|c| DIGITS.contains(&c));
            fits(time, TIME) && fits(chance, CHANCE)
        });
        if !is_one {
            return Err(no_id(text));
        }
        Ok(Self(id))
    }
}

fn no_id(text: &str) -> Error {
    Error::new(Kind::Usage, format!("`{text}` is no id of a run"))
        .hint("`jst runs` lists the runs with their ids, such as 01k2x9f8p-3v7q0m")
}

/// The last `digits` digits of a number.
fn written(number: u64, digits: u32) -> String {
    let digit = |at: u32| DIGITS.get(((number >> (5 * at)) & 31) as usize).map_or('0', |digit| char::from(*digit));
    (0..digits).rev().map(digit).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn ids_sort_by_their_time_differ_in_one_millisecond_and_are_read_again() {
        let times = [0, 1, 31, 32, 1_764_200_000_000, 1_764_200_000_001, (1 << 45) - 1].map(|n| written(n, TIME));
        assert!(times.is_sorted() && times.iter().all(|time| time.len() == 9), "{times:?}");
        let many: std::collections::HashSet<RunId> = (0..1_000).map(|_| RunId::new()).collect();
        assert_eq!(many.len(), 1_000);
        let id = RunId::new();
        assert_eq!(format!(" {id} ").to_uppercase().parse::<RunId>().unwrap(), id);
        for wrong in ["", "01k2x9f8p", "01k2x9f8p-3v7q0", "01k2x9f8p-3v7q0u", "01k2x9f8-p3v7q0m", "latest"] {
            let said = wrong.parse::<RunId>().unwrap_err();
            assert_eq!(said.message, format!("`{wrong}` is no id of a run"));
        }
        for (text, expected) in [
            ("01K2", Some("01k2")),
            (" 01k2x9f8p- ", Some("01k2x9f8p-")),
            ("01k2x9f8p-3v7q0m", Some("01k2x9f8p-3v7q0m")),
            ("01k2x9f8p3", None),
            ("01k2-", None),
            ("01k2x9f8p-3v7q0mm", None),
            ("%", None),
            ("", None),
        ] {
            assert_eq!(RunId::beginning(text).ok().as_deref(), expected, "{text}");
        }
    }
}
