//! What a run's journal knows of it: its script, its arguments, where it runs and against what; and how it goes on
//! with an earlier run.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::exit::Exit;
use super::id::RunId;
use super::{Run, Which, behind};
use crate::catalogue;
use crate::clock::BEIJING;
use crate::error::{Error, Kind, Result};
use crate::job::shard::Shard;
use crate::journal::keeper::{Before, Keeper, Plan, find};
use crate::journal::list;
use crate::net::endpoint::Endpoint;
use crate::settings::Settings;
use crate::show::log;
use crate::show::redaction::REDACTOR;
use crate::system;

/// A script that is to be run, as the journal names it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script {
    /// Its name, as people see it.
    pub name: String,
    /// Its file; `None` for one that nobody can find again.
    pub file: Option<PathBuf>,
    /// Its text.
    pub text: String,
    /// What it sees as `args`.
    pub args: Vec<String>,
}

/// How a run stands to earlier ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Again {
    /// The run that goes on.
    pub before: Option<Before>,
    /// What the run is started or resumed by.
    pub key: Option<String>,
    /// Steps and writes that a person says are done.
    pub assume_done: Vec<String>,
    /// Those that are not.
    pub assume_not_done: Vec<String>,
    /// Whether earlier writes that the script no longer makes are passed over.
    pub unprotected: bool,
    /// Whether only differences are looked for.
    pub check_only: bool,
}

impl Again {
    /// Which run it is: of one that goes on, that which it was when it began. As long as that one lives, it is not this
    /// one.
    ///
    /// # Errors
    /// `usage` for what is no id of a run, and when what is said of its part does not fit together.
    pub(crate) fn which(&self, settings: &Settings) -> Result<Which> {
        let Some(before) = &self.before else { return Which::new(settings) };
        let shard = shard(before).map_or_else(|| settings.shard(), Ok)?;
        Ok(Which { id: if before.lives { RunId::new() } else { before.id.parse()? }, shard })
    }
}

impl Run {
    /// Has the run's writes written down from the first one on; a run that nobody starts again.
    ///
    /// # Errors
    /// As for [`Run::keep_script`].
    pub(crate) fn keep(&self, exit: &Exit, name: &str) -> Result<()> {
        let script = Script { name: name.to_owned(), ..Script::default() };
        self.keep_script(exit, &script, Again::default()).map(drop)
    }

    /// Has a script's run written down, which may go on with an earlier one. `None` where there is no journal.
    ///
    /// # Errors
    /// `config` for a journal that an earlier run cannot be read from; what keeps that run from going on.
    pub(crate) fn keep_script(&self, exit: &Exit, script: &Script, again: Again) -> Result<Option<Arc<Keeper>>> {
        let (path, nowhere) = match journal(&self.settings, again.key.is_some()) {
            Ok(Some(path)) => (path, None),
            // Only a write has to be written down.
            Err(error) => (PathBuf::new(), Some(error)),
            Ok(None) => {
                if self.settings.no_journal() {
                    let so = "nothing tells afterwards what this run wrote, and it cannot be resumed";
                    tracing::warn!("--no-journal: {so}");
                }
                return Ok(None);
            }
        };
        let goes_on = again.before.is_some();
        let is_by_hand = ["journal", "state-dir"].iter().any(|flag| self.settings.is_by_hand(flag));
        let flags = if is_by_hand { format!(" --journal {}", path.display()) } else { String::new() };
        let plan = Plan {
            path,
            flags,
            bounds: self.settings.journal_bounds(),
            id: self.id().to_string(),
            facts: facts(&self.settings, script, again.key.as_deref(), self.share.shard()),
            assume_done: again.assume_done,
            assume_not_done: again.assume_not_done,
            unprotected: again.unprotected,
            check_only: again.check_only,
            resumable: script.file.is_some(),
        };
        let keeper = Arc::new(match nowhere {
            Some(error) => Keeper::nowhere(plan, error),
            None if goes_on => Keeper::going_on(plan)?,
            None => Keeper::new(plan),
        });
        // Of a run that another one came before nothing is told.
        if again.key.is_some() {
            keeper.claim()?;
        } else if script.file.is_some() {
            keeper.begin();
        }
        self.account.shared().keep(Arc::clone(&keeper));
        let lines = Arc::clone(&keeper);
        log::copy_to(move |level, text| lines.line(level, &REDACTOR.talk(text)));
        let at_end = Arc::clone(&keeper);
        exit.before(move |code, why| end(&at_end, code, why.map(|why| why.message.as_str())));
        Ok(Some(keeper))
    }
}

/// Writes down how a run ended and why, once.
pub(super) fn end(journal: &Keeper, code: u8, why: Option<&str>) {
    if let Err(error) = journal.end(code, why.map(|why| REDACTOR.talk(why)).as_deref()) {
        behind::show_all(code);
        tracing::warn!("this run is not, or not whole, in a journal: {}", error.message);
    }
}

/// The journal of a run; one that is started by a key has one even if it only reads.
///
/// # Errors
/// `config` when there is no place for one.
fn journal(settings: &Settings, is_keyed: bool) -> Result<Option<PathBuf>> {
    match settings.journal()? {
        None if is_keyed && !settings.sim() && !settings.no_journal() => settings.journal_file().map(Some),
        found => Ok(found),
    }
}

/// What is known of a run when it begins.
fn facts(settings: &Settings, script: &Script, key: Option<&str>, shard: Shard) -> Map<String, Value> {
    let args: Vec<String> = script.args.iter().map(|word| REDACTOR.text(word).into_owned()).collect();
    let facts = json!({
        "script": script.name,
        "file": script.file,
        "hash": hash(script),
        "args": args,
        "profile": settings.journal_profile(),
        "endpoint": settings.journal_endpoint(),
        "key": key,
        "shard": shard.to_string(),
        "jst": env!("CARGO_PKG_VERSION"),
        "catalogue": catalogue::VERSION,
        "host": system::host_name(),
        "pid": std::process::id(),
        "trace": settings.trace(),
        "timeout_ms": u64::try_from(settings.timeout().as_millis()).unwrap_or(u64::MAX),
    });
    match facts {
        Value::Object(facts) => facts,
        _ => Map::new(),
    }
}

/// The earlier run that these words name: by its id, or by its key.
///
/// # Errors
/// `config`; `usage` when there is none of this id.
pub(crate) fn earlier(settings: &Settings, id: Option<&str>, key: Option<&str>) -> Result<Option<Before>> {
    let Some(path) = journal(settings, key.is_some())? else {
        let flag = if id.is_some() { "--resume" } else { "--run-key" };
        return Err(Error::new(Kind::Usage, format!("{flag} needs a journal, and this run has none"))
            .hint("--journal FILE names one, with --sim and --read-only too; leave out --no-journal"));
    };
    let id = id.map(|id| named(&path, id)).transpose()?;
    let id = id.as_ref().map(RunId::as_str);
    let before = find(&path, id, key)?;
    if let (Some(id), None) = (id, &before) {
        return Err(Error::new(Kind::Usage, format!("there is no run {id} in {}", path.display()))
            .hint("`jst runs` lists the runs"));
    }
    Ok(before)
}

/// The most runs that are named where one was meant.
const NAMED: usize = 5;

/// The run that people mean by its id, or by as much of its beginning as no other run's has.
///
/// # Errors
/// `usage` for what is no id, and what begins none or several; `config` for a journal that cannot be read.
pub(crate) fn named(journal: &Path, text: &str) -> Result<RunId> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let beginning = RunId::beginning(text)?;
    let found = list::ids(journal, &beginning, NAMED + 1)?;
    let wrong = |why: String| Err(Error::new(Kind::Usage, why));
    match found.as_slice() {
        [] => wrong(format!("no run in {} has an id that begins with {beginning}", journal.display()))
            .map_err(|error| error.hint("`jst runs` lists the runs")),
        [id] => id.parse(),
        ids => {
            let more = if ids.len() > NAMED { " and others" } else { "" };
            let ids: Vec<&str> = ids.iter().take(NAMED).map(String::as_str).collect();
            wrong(format!("{beginning} begins the ids of several runs: {}{more}", ids.join(", ")))
                .map_err(|error| error.hint("write more of the one that is meant"))
        }
    }
}

/// The part that an earlier run did, as far as its journal says so.
pub(crate) fn shard(before: &Before) -> Option<Shard> {
    before.facts.get("shard")?.as_str()?.parse().ok()
}

/// Whether an earlier run may go on with these settings.
///
/// # Errors
/// `usage`: it is one of another profile, service or part.
pub(crate) fn may_go_on(settings: &Settings, before: &Before) -> Result<()> {
    let text = |name: &str| before.facts.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let profile = settings.journal_profile().unwrap_or_default();
    if text("profile") != profile {
        let shown = |name: &str| if name.is_empty() { "no profile".to_owned() } else { format!("the profile {name}") };
        let hint = match text("profile").as_str() {
            "" => "leave the profile out".to_owned(),
            name => format!("add --profile {name}"),
        };
        return Err(Error::new(
            Kind::Usage,
            format!(
                "the run {} ran with {}, and this one would with {}",
                before.id,
                shown(&text("profile")),
                shown(&profile)
            ),
        )
        .hint(hint));
    }
    let (then, now) = endpoints(settings, before);
    if !is_same(&then, &now) {
        let message = format!("the run {} was one of {then}, and this one would be of {now}", before.id);
        return Err(Error::new(Kind::Usage, message).hint("name the service that it ran with"));
    }
    match (shard(before), settings.given_shard()?) {
        (Some(then), Some(now)) if then != now => Err(other_part(before, then, now)),
        _ => Ok(()),
    }
}

/// The refusal to go on with what another part did.
fn other_part(before: &Before, then: Shard, now: Shard) -> Error {
    let message = format!("the run {} did {}, and this one would do {}", before.id, then.words(), now.words());
    let way_out =
        if then.is_part() { format!("say --shard {then}, or leave it out") } else { "leave --shard out".into() };
    Error::new(Kind::Usage, message).hint(way_out)
}

/// That an earlier run goes on at another address than it began at, in words.
pub(crate) fn moved(settings: &Settings, before: &Before) -> Option<String> {
    let (then, now) = endpoints(settings, before);
    (then != now).then(|| format!("the run {} began at {then}, and goes on at {now}", before.id))
}

/// Where an earlier run's calls went, and where they would go now.
fn endpoints(settings: &Settings, before: &Before) -> (String, String) {
    let then = before.facts.get("endpoint").and_then(Value::as_str).unwrap_or_default();
    (then.to_owned(), settings.journal_endpoint())
}

/// Whether the same service is at two addresses: on this machine, a simulator comes back at another port.
fn is_same(then: &str, now: &str) -> bool {
    match (Endpoint::parse(then), Endpoint::parse(now)) {
        (Ok(then), Ok(now)) if then.is_loopback() => {
            let place = |endpoint: &Endpoint| {
                (endpoint.url().scheme().to_owned(), endpoint.url().host_str().map(str::to_owned))
            };
            place(&then) == place(&now)
        }
        (Ok(then), Ok(now)) => then == now,
        _ => then == now,
    }
}

/// What is filled in in keys.
const FILLED_IN: [&str; 4] = ["{date}", "{week}", "{script}", "{shard}"];

/// A key with `{date}`, `{week}`, `{script}` and `{shard}` filled in; days begin at midnight in Beijing.
///
/// # Errors
/// `usage` for an empty one, which every run would share, and for another word in braces.
pub(crate) fn filled(key: &str, script: &Path, shard: Shard) -> Result<String> {
    let wrong = |why: String| Error::new(Kind::Usage, why).hint("such as --run-key 'nightly-{date}'");
    if key.trim().is_empty() {
        return Err(wrong("--run-key is empty: runs with the same key are one".to_owned()));
    }
    let now = BEIJING.to_datetime(Timestamp::now()).date();
    let week = now.iso_week_date();
    let name = script.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let known = FILLED_IN.iter().fold(key.to_owned(), |key, word| key.replace(word, ""));
    match known.split_once('{') {
        Some((_, rest)) => {
            return Err(wrong(match rest.split_once('}') {
                Some((word, _)) => {
                    format!("--run-key: {{{word}}} is none of {{date}}, {{week}}, {{script}} and {{shard}}")
                }
                None => format!("--run-key: the brace of `{{{rest}` is not closed"),
            }));
        }
        None if known.contains('}') => return Err(wrong("--run-key: a closing brace has no opening one".to_owned())),
        None => {}
    }
    let week = format!("{}-W{:02}", week.year(), week.week());
    let values = [now.to_string(), week, name, shard.dashed()];
    Ok(FILLED_IN.iter().zip(&values).fold(key.to_owned(), |key, (word, value)| key.replace(word, value)))
}

/// The hash of a script and of what it imports from beside itself.
fn hash(script: &Script) -> String {
    let mut hasher = Sha256::new();
    hasher.update(&script.text);
    let mut seen = BTreeSet::new();
    let mut open: Vec<PathBuf> = script.file.iter().flat_map(|file| imports(file, &script.text)).collect();
    while let Some(file) = open.pop() {
        if seen.insert(file.clone())
            && let Ok(text) = std::fs::read_to_string(&file)
        {
            open.extend(imports(&file, &text));
        }
    }
    // In an order that depends on nothing else.
    for file in seen {
        hasher.update(std::fs::read(&file).unwrap_or_default());
    }
    let digest = hasher.finalize();
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The files that a text imports by paths that are written out.
fn imports(file: &Path, text: &str) -> Vec<PathBuf> {
    let folder = file.parent().unwrap_or(Path::new(""));
    let paths = text.split("import \"").skip(1).filter_map(|rest| rest.split('"').next());
    let paths = paths.filter(|path| !path.starts_with("std/") && !path.starts_with('/'));
    paths.map(|path| folder.join(path).with_extension("rhai")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_filled_in_and_addresses_compared_but_for_ports_of_this_machine() {
        let part = Shard { part: 2, parts: 12 };
        let filled =
            |key: &str, script: &str| filled(key, Path::new(script), part).map_err(|error| error.message.clone());
        let key = filled("{script}-{date}-{week}", "/srv/nightly.rhai").unwrap_or_default();
        assert!(key.starts_with("nightly-20") && key.contains("-W") && !key.contains('{'), "{key}");
        for (key, expected) in [
            ("plain", Ok("plain")),
            ("a-{shard}", Ok("a-2-12")),
            (" ", Err("--run-key is empty: runs with the same key are one")),
            ("a-{day}", Err("--run-key: {day} is none of {date}, {week}, {script} and {shard}")),
            ("{}", Err("--run-key: {} is none of {date}, {week}, {script} and {shard}")),
            ("a-{date", Err("--run-key: the brace of `{date` is not closed")),
            ("{date}-{", Err("--run-key: the brace of `{` is not closed")),
            ("a-date}", Err("--run-key: a closing brace has no opening one")),
        ] {
            assert_eq!(filled(key, "x"), expected.map(str::to_owned).map_err(str::to_owned));
        }
        for (then, now, expected) in [
            ("http://127.0.0.1:80", "http://127.0.0.1:8080", true),
            ("http://localhost:1", "http://127.0.0.1:2", false),
            ("http://[::1]:1", "http://[::1]:2", true),
            ("http://127.0.0.1:1", "https://127.0.0.1:1", false),
            ("http://127.0.0.1:1", "https://a.b", false),
            ("https://a.b", "https://a.b:443", true),
            ("https://a.b:8443", "https://a.b:9443", false),
            ("https://a.b:8443", "https://a.b", false),
            ("https://a.b", "http://a.b", false),
            ("simulator", "simulator", true),
            ("simulator", "http://127.0.0.1:1", false),
            ("", "https://a.b", false),
        ] {
            assert_eq!(is_same(then, now), expected, "{then} {now}");
        }
    }
}
