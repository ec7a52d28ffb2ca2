//! A part of a fleet: what this run does when many do the whole together. Which part something is in depends on its
//! id alone, so that what comes and goes moves nothing else. A script that divides nothing writes nothing in parts:
//! each of them would do the whole.

use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest as _, Sha256};

use crate::call::observer::{Ended, Observer};
use crate::catalogue::Effect;
use crate::error::{Error, Kind, Result};

/// Part `part` of `parts`, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shard {
    /// Which it is.
    pub part: u32,
    /// Of how many.
    pub parts: u32,
}

/// The most parts that a fleet is divided into.
pub(crate) const MOST: u32 = 10_000;

/// The whole.
const ALL: Shard = Shard { part: 0, parts: 1 };

impl Default for Shard {
    fn default() -> Self {
        ALL
    }
}

impl Shard {
    /// The part that flags and Kubernetes' variable say together.
    ///
    /// # Errors
    /// `usage` when they do not fit.
    pub(crate) fn of(given: Option<Self>, parts: Option<u32>, index: Option<&str>) -> Result<Self> {
        let wrong = |why: String| Err(Error::new(Kind::Usage, why));
        match (given, parts) {
            (Some(Self { parts: of, .. }), Some(parts)) if of != parts => {
                wrong(format!("--shard says one of {of} parts, --shards says {parts}"))
            }
            (Some(given), _) => Ok(given),
            (None, None) => Ok(ALL),
            (None, Some(1)) => Ok(ALL),
            (None, Some(parts)) => match index.map(|index| (index, index.parse::<u32>())) {
                Some((_, Ok(part))) if part < parts => Ok(Self { part, parts }),
                Some((index, _)) => {
                    wrong(format!("JOB_COMPLETION_INDEX is `{index}`, which is none of 0 to {}", parts - 1))
                }
                None => wrong(format!(
                    "--shards {parts} needs JOB_COMPLETION_INDEX, which an Indexed Job of Kubernetes sets; otherwise say --shard K/{parts}"
                )),
            },
        }
    }

    /// Whether what has this id is in the part.
    pub(crate) fn has(self, id: &str) -> bool {
        let digest = Sha256::digest(id);
        let number = digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        number % u64::from(self.parts.max(1)) == u64::from(self.part)
    }

    /// Whether it is less than the whole.
    pub(crate) fn is_part(self) -> bool {
        self.parts > 1
    }

    /// As names have it that take no slash, of files and of keys: `0-2`.
    pub(crate) fn dashed(self) -> String {
        format!("{}-{}", self.part, self.parts)
    }

    /// What it is, in words.
    pub(crate) fn words(self) -> String {
        if self.is_part() { format!("the part {self}") } else { "the whole".to_owned() }
    }
}

impl std::str::FromStr for Shard {
    type Err = String;

    /// Reads what [`Display`](std::fmt::Display) writes.
    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let wrong = || format!("`{text}` is no part: write K/N, from 0/N to (N-1)/N");
        let (part, parts) = text.split_once('/').ok_or_else(wrong)?;
        let (part, parts): (u32, u32) = (part.parse().map_err(|_| wrong())?, parts.parse().map_err(|_| wrong())?);
        if part < parts && parts <= MOST { Ok(Self { part, parts }) } else { Err(wrong()) }
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.part, self.parts)
    }
}

/// The part that is a run's, and whether its script divides by it.
#[derive(Debug)]
pub(crate) struct Share {
    shard: Shard,
    divides: AtomicBool,
}

impl Share {
    /// The share of a run that does this part.
    pub(crate) fn new(shard: Shard) -> Self {
        Self { shard, divides: AtomicBool::new(false) }
    }

    /// The part itself.
    pub(crate) fn shard(&self) -> Shard {
        self.shard
    }

    /// Whether what has this id is in the part.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.divides.store(true, Ordering::Relaxed);
        self.shard.has(id)
    }

    /// That the script of a run which does a part has asked of nothing whether it is in it.
    pub(crate) fn undivided(&self) -> Option<String> {
        let is_so = self.shard.is_part() && !self.divides.load(Ordering::Relaxed);
        is_so.then(|| format!("this run is {}, and its script divides nothing", self.shard.words()))
    }
}

impl Default for Share {
    fn default() -> Self {
        Self::new(ALL)
    }
}

impl Observer for Share {
    fn begins(&self, action: &str, effect: Effect) -> Result<()> {
        match self.undivided().filter(|_| effect != Effect::Read) {
            None => Ok(()),
            Some(why) => Err(Error::new(Kind::Policy, format!("{why}: {action} was not called, as every part would"))
                .hint("environments of `std/fleet` are divided, and in_shard(id) asks for any id; without --shard the script does the whole")),
        }
    }

    fn ended(&self, _call: &Ended<'_>) {}
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_id_is_in_one_part_and_parts_are_alike() {
        for parts in [1, 2, 3, 8, 50] {
            let shards: Vec<Shard> = (0..parts).map(|part| Shard { part, parts }).collect();
            let mut counts = vec![0; shards.len()];
            for id in 0..2_000 {
                let of: Vec<_> = (0..shards.len()).filter(|n| shards.get(*n).unwrap().has(&id.to_string())).collect();
                assert_eq!(of.len(), 1);
                *counts.get_mut(*of.first().unwrap()).unwrap() += 1;
            }
            let even = 2_000 / counts.len();
            assert!(counts.iter().all(|count| *count > even / 2 && *count < even * 2), "{counts:?}");
        }
        // What was divided yesterday is divided the same way today, and by the next release.
        let of_8 = |id: &str| (0..8).find(|part| Shard { part: *part, parts: 8 }.has(id)).unwrap();
        assert_eq!(["3001", "3002", "3003", "3004"].map(of_8), FIXED);
    }

    const FIXED: [u32; 4] = [6, 0, 2, 7];

    #[test]
    fn flags_and_the_index_of_the_job_say_which_part() {
        let of = |given: Option<(u32, u32)>, parts, index| {
            let given = given.map(|(part, parts)| Shard { part, parts });
            Shard::of(given, parts, index).map_err(|error| error.message.clone())
        };
        assert_eq!(of(None, None, Some("3")), Ok(ALL));
        assert_eq!(of(Some((1, 4)), None, Some("3")), Ok(Shard { part: 1, parts: 4 }));
        assert_eq!(of(None, Some(4), Some("3")), Ok(Shard { part: 3, parts: 4 }));
        for (given, parts, index, why) in [
            (None, Some(4), Some("4"), "JOB_COMPLETION_INDEX is `4`, which is none of 0 to 3"),
            (None, Some(4), Some("x"), "JOB_COMPLETION_INDEX is `x`, which is none of 0 to 3"),
            (Some((0, 2)), Some(4), None, "--shard says one of 2 parts, --shards says 4"),
        ] {
            assert_eq!(of(given, parts, index), Err(why.to_owned()));
        }
        assert!(of(None, Some(4), None).is_err());
    }

    #[test]
    fn parts_are_read_as_they_are_written() {
        for (text, is_one) in
            [("0/1", true), ("7/8", true), ("8/8", false), ("0/0", false), ("1", false), ("-1/8", false)]
        {
            let read = text.parse::<Shard>();
            assert_eq!(read.map(|shard| shard.to_string()).ok().as_deref(), is_one.then_some(text));
        }
        let [whole, part] = [ALL, Shard { part: 1, parts: 12 }];
        assert_eq!((whole.dashed(), whole.words()), ("0-1".to_owned(), "the whole".to_owned()));
        assert_eq!((part.dashed(), part.words()), ("1-12".to_owned(), "the part 1/12".to_owned()));
    }
}
