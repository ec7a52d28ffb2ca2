//! Which commands take the flags of runs: one that would do nothing there is refused by its name, as nobody may believe
//! that it was heeded. Variables and `config.toml` speak to all commands at once; each heeds what is for it.

use clap::{Args as _, Command};

use crate::error::{Error, Kind, Result};
use crate::settings::Settings;
use crate::settings::job::JobFlags;

/// Flags that only runs have, beside those of jobs.
const OF_RUNS: [&str; 4] = ["journal", "no-journal", "journal-keep", "journal-max-size"];

/// Which flags of runs a command heeds.
enum Heeds {
    All,
    /// All but these.
    Without(&'static [&'static str]),
    /// These alone.
    Only(&'static [&'static str]),
}

/// What each command heeds; one that is not here heeds none.
const COMMANDS: [(&str, Heeds); 7] = [
    ("run", Heeds::All),
    ("eval", Heeds::All),
    // Nothing of one call can be divided.
    ("call", Heeds::Without(&["shard", "shards"])),
    // Somebody sits there: nothing is waited for first, held back, or told elsewhere.
    (
        "repl",
        Heeds::Without(&[
            "lock",
            "lock-wait",
            "lock-dir",
            "quiet-success",
            "jitter",
            "heartbeat",
            "metrics-file",
            "report",
        ]),
    ),
    ("unit", Heeds::All),
    ("runs", Heeds::Only(&["journal", "journal-keep", "journal-max-size"])),
    // It shows every setting.
    ("config", Heeds::All),
];

/// Looks whether a command heeds the flags that were written for it.
///
/// # Errors
/// `usage`, naming the first that it does not.
pub(super) fn check(command: &str, settings: &Settings) -> Result<()> {
    let of_jobs = JobFlags::augment_args(Command::new("jobs"));
    let of_jobs = of_jobs.get_arguments().filter_map(|arg| arg.get_long().map(str::to_owned));
    let mut stray = of_jobs.chain(OF_RUNS.map(str::to_owned)).filter(|long| !heeds(command, long));
    if let Some(long) = stray.find(|long| settings.is_by_hand(long)) {
        let with: Vec<&str> = COMMANDS.iter().map(|(name, _)| *name).filter(|name| heeds(name, &long)).collect();
        return Err(Error::new(Kind::Usage, format!("`jst {command}` does nothing with --{long}"))
            .hint(format!("leave it out; it is for {}", with.join(", "))));
    }
    excluding(settings)
}

fn heeds(command: &str, long: &str) -> bool {
    match COMMANDS.iter().find(|(name, _)| *name == command).map(|(_, heeds)| heeds) {
        Some(Heeds::All) => true,
        Some(Heeds::Without(list)) => !list.contains(&long),
        Some(Heeds::Only(list)) => list.contains(&long),
        None => false,
    }
}

/// Flags of which one takes the sense of the other.
fn excluding(settings: &Settings) -> Result<()> {
    let pairs = [("no-journal", "journal"), ("no-journal", "journal-keep"), ("no-journal", "journal-max-size")];
    let both =
        |pair: &&(&str, &str)| settings.no_journal() && settings.is_by_hand(pair.0) && settings.is_by_hand(pair.1);
    match pairs.iter().find(both) {
        Some((one, other)) => {
            Err(Error::new(Kind::Usage, format!("--{one} and --{other} exclude each other"))
                .hint("leave one of them out"))
        }
        None => Ok(()),
    }
}
