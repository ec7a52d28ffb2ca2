//! `jst runs`: the journal for people and other tools.

use std::fmt::Write as _;
use std::sync::Arc;

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{show, show_to, write_out};
use crate::call::look::Seen;
use crate::clock;
use crate::error::{Error, Kind, Result};
use crate::job::shard::Shard;
use crate::journal::list::{Listed, Wanted, list};
use crate::journal::story::{self, Story, Unsettled, Written};
use crate::journal::{Bounds, Known, prune};
use crate::run::Run;
use crate::run::exit::Exit;
use crate::run::id::RunId;
use crate::run::kept;
use crate::settings::Settings;
use crate::settings::flags::{age, size};
use crate::show::data::Format;
use crate::show::visible;

/// Arguments of `jst runs`.
#[derive(Debug, Args)]
pub(super) struct RunsArgs {
    /// A run to be shown in full, by its id or the beginning of it; or `prune`, which takes old runs out
    #[arg(value_name = "ID|prune")]
    id: Option<String>,
    /// Look at the account again, and settle what can be settled of the run's unknown writes
    #[arg(long, requires = "id")]
    verify: bool,
    /// Only runs whose script has this in its name
    #[arg(long, value_name = "TEXT")]
    script: Option<String>,
    /// Only runs that began since: 2d, 12h, or a time
    #[arg(long, value_parser = since, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Only runs that did not end well
    #[arg(long)]
    failed: bool,
    /// Only runs with writes of which it is not known whether they took effect
    #[arg(long)]
    unknown: bool,
    /// At most so many runs [default: 50]
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// With `prune`: take runs out that began longer ago: 90d
    #[arg(long, value_parser = age, value_name = "TIME")]
    keep: Option<std::time::Duration>,
    /// With `prune`: take the oldest runs out while the journal is larger: 1GB
    #[arg(long, value_parser = size, value_name = "SIZE")]
    max_size: Option<u64>,
}

/// Runs that are listed where nobody says how many.
const USUAL: usize = 50;

/// What is asked for.
const ONE: &str = "`jst runs ID`";
const LIST: &str = "`jst runs`";
const PRUNE: &str = "`jst runs prune`";

impl RunsArgs {
    /// The error of a flag that would do nothing.
    fn stray(&self) -> Option<Error> {
        let asked = match self.id.as_deref() {
            Some("prune") => PRUNE,
            Some(_) => ONE,
            None => LIST,
        };
        let given = [
            ("verify", ONE, self.verify),
            ("script", LIST, self.script.is_some()),
            ("since", LIST, self.since.is_some()),
            ("failed", LIST, self.failed),
            ("unknown", LIST, self.unknown),
            ("limit", LIST, self.limit.is_some()),
            ("keep", PRUNE, self.keep.is_some()),
            ("max-size", PRUNE, self.max_size.is_some()),
        ];
        let stray = given.into_iter().find(|(_, of, is_given)| *is_given && *of != asked);
        stray.map(|(flag, of, _)| Error::new(Kind::Usage, format!("{asked} takes no --{flag}: it is one of {of}")))
    }
}

fn since(text: &str) -> std::result::Result<Timestamp, String> {
    if let Ok(ago) = age(text) {
        return Timestamp::now().checked_sub(ago).map_err(|_| format!("`{text}` is too long ago"));
    }
    clock::parse_time(text).map_err(|_| format!("`{text}` is no time: write 2d, 12h or 2026-01-05 10:00"))
}

/// Lists runs, shows one, or takes old ones out.
pub(super) fn runs(settings: &Arc<Settings>, exit: &Exit, args: &RunsArgs) -> Result<u8> {
    if let Some(error) = args.stray() {
        return Err(error.hint("leave it out"));
    }
    match args.id.as_deref() {
        Some("prune") => prune_runs(settings, args),
        Some(id) => one(settings, exit, id, args.verify),
        None => all(settings, args),
    }
}

fn all(settings: &Settings, args: &RunsArgs) -> Result<u8> {
    let wanted = Wanted {
        id: None,
        script: args.script.clone(),
        since: args.since.map(Timestamp::as_millisecond),
        failed: args.failed,
        unknown: args.unknown,
        limit: args.limit.unwrap_or(USUAL),
    };
    let runs = list(&settings.journal_file()?, &wanted)?;
    match settings.output() {
        Format::Table => show(settings, &runs.iter().map(row).collect()),
        format => show_to(settings, &runs.iter().map(Listed::json).collect(), format, "--output json"),
    }
}

/// A run as a row for people.
fn row(run: &Listed) -> Value {
    json!({
        format!("When ({})", clock::ZONE): clock::local(run.started), "Script": run.script, "Profile": run.profile, "State": run.state,
        "Writes": run.writes, "Unknown": run.unknown, "Exit": run.exit, "Run": run.id,
    })
}

fn prune_runs(settings: &Settings, args: &RunsArgs) -> Result<u8> {
    let usual = settings.journal_bounds();
    let bounds = Bounds { keep: args.keep.or(usual.keep), max_size: args.max_size.or(usual.max_size) };
    if bounds.keep.is_none() && bounds.max_size.is_none() {
        return Err(Error::new(Kind::Usage, "`jst runs prune` was not told what to take out")
            .hint("--keep 90d takes out what is older, --max-size 1GB the oldest runs of a larger journal"));
    }
    let went = prune(&settings.journal_file()?, bounds)?;
    show(settings, &json!({ "pruned": went }))
}

fn one(settings: &Arc<Settings>, exit: &Exit, id: &str, verify: bool) -> Result<u8> {
    let path = settings.journal_file()?;
    let id = kept::named(&path, id)?;
    if verify {
        look_again(settings, exit, &id)?;
    }
    let story = story::story(&path, id.as_str())?;
    match settings.output() {
        Format::Table => write_out(&told(&story)),
        format => show_to(settings, &story.json(), format, "--output json"),
    }
}

/// Looks at the account for each write that is unknown, and settles what it can.
fn look_again(settings: &Arc<Settings>, exit: &Exit, id: &RunId) -> Result<()> {
    let path = settings.journal_file()?;
    // Held until all is settled: a run that is resumed meanwhile would make again what this then says was made.
    let Some(mut left) = Unsettled::of(&path, id.as_str())? else { return Ok(()) };
    if let Some(before) = crate::journal::keeper::find(&path, Some(id.as_str()), None)? {
        kept::may_go_on(settings, &before)?;
    }
    let run = Run::new(settings, exit, false)?;
    let (mut settled, mut failed) = (Vec::new(), None);
    for write in std::mem::take(&mut left.writes) {
        let account = run.account().of_profile(write.profile.as_deref());
        match account.and_then(|account| account.wait(async { Ok(account.look_again(&write).await) })) {
            Ok(Seen::Applied(reply)) => settled.push((write.number, Known::Applied, reply)),
            Ok(Seen::NotApplied) => settled.push((write.number, Known::NotApplied, Value::Null)),
            Ok(Seen::CannotTell(why)) => {
                tracing::warn!("write {}, {}, stays unknown: {why}", write.number, write.operation)
            }
            // What can be told of the others is kept all the same.
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    left.settle(&settled, "a look at the account")?;
    failed.map_or(Ok(()), Err)
}

/// A run for people.
fn told(story: &Story) -> String {
    let run = &story.run;
    let mut text = format!("{} {}: {}", run.id, run.script, run.state);
    let _ = match run.exit {
        Some(code) => writeln!(text, " with {code}"),
        None => writeln!(text),
    };
    if let Some(why) = &story.error {
        let _ = writeln!(text, "why: {}", visible::block(why));
    }
    let fact = |name: &str| story.facts.get(name).map(plain).filter(|value| !value.is_empty());
    let ended = run.ended.map(|at| format!(" to {}", clock::local(at))).unwrap_or_default();
    let _ = writeln!(
        text,
        "{}{ended} {} on {}, process {}",
        clock::local(run.started),
        clock::ZONE,
        fact("host").unwrap_or_default(),
        fact("pid").unwrap_or_default()
    );
    let _ = writeln!(
        text,
        "{} of {}, jst {}",
        run.profile.as_deref().map_or_else(|| "no profile".to_owned(), |name| format!("profile {name}")),
        run.endpoint,
        fact("jst").unwrap_or_default()
    );
    if let Some(part) = fact("shard").and_then(|part| part.parse::<Shard>().ok()).filter(|part| part.is_part()) {
        let _ = writeln!(text, "{}", part.words());
    }
    if let Some(trace) = fact("trace") {
        let _ = writeln!(text, "trace {trace}");
    }
    if let Some(args) = fact("args") {
        let _ = writeln!(text, "arguments: {args}");
    }
    let _ = writeln!(text, "\n{}", counted(story));
    for write in &story.writes {
        let _ = writeln!(text, "{}", line(write, run));
    }
    if !story.steps.is_empty() {
        let _ = writeln!(text, "\n{} steps", story.steps.len());
        for (step, at, finished) in &story.steps {
            let state = if *finished { "finished" } else { "not finished" };
            let _ = writeln!(text, "{} {state:12} {}", clock::local(*at), visible::line(step));
        }
    }
    if !story.lines.is_empty() {
        let _ = writeln!(text, "\nlog");
        for (at, level, words) in &story.lines {
            let _ = writeln!(text, "{} {level:5} {}", clock::local(*at), visible::line(words));
        }
    }
    text
}

/// How many writes there are, and what became of them.
fn counted(story: &Story) -> String {
    let mut outcomes: Vec<(&str, usize)> = Vec::new();
    for outcome in story.writes.iter().map(Written::outcome) {
        match outcomes.iter_mut().find(|(known, _)| *known == outcome) {
            Some((_, count)) => *count += 1,
            None => outcomes.push((outcome, 1)),
        }
    }
    let of_each = outcomes.iter().filter(|(outcome, _)| *outcome != Known::Unknown.word());
    let of_each: Vec<String> = of_each.map(|(outcome, count)| format!(", {count} {outcome}")).collect();
    format!("{} writes, {} unknown{}", story.run.writes, story.run.unknown, of_each.concat())
}

fn line(write: &Written, of: &Listed) -> String {
    let params: Vec<String> = write.params.iter().map(|(name, value)| format!("{name}={}", plain(value))).collect();
    let mut text = format!(
        "{:>4} {} {:11} {} {}",
        write.number,
        clock::local(write.at),
        write.outcome(),
        write.operation,
        params.join(" ")
    );
    let notes = [
        write.step().map(|step| format!("step {step}")),
        write.profile.as_ref().filter(|name| Some(*name) != of.profile.as_ref()).map(|name| format!("profile {name}")),
        (write.attempts > 1).then(|| format!("{} attempts", write.attempts)),
        write.by.as_ref().map(|by| format!("{by} says so")),
        write.request_id.as_ref().map(|id| format!("request {id}")),
        write.error.clone(),
    ];
    let notes: Vec<String> = notes.into_iter().flatten().collect();
    if !notes.is_empty() {
        let _ = write!(text, " ({})", notes.join(", "));
    }
    visible::line(&text).into_owned()
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Array(list) => list.iter().map(plain).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}
