//! `jst run`: a script from a file or standard input.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::{again, command_line, words, write_out};
use crate::error::{Error, Kind, Result};
use crate::journal::keeper::Keeper;
use crate::run::exit::Exit;
use crate::run::kept::{self, Again, Script};
use crate::run::profiles;
use crate::run::{Run, alone, behind};
use crate::script::{read_script, read_script_from};
use crate::settings::Settings;
use crate::system;

/// Arguments of `jst run`.
#[derive(Clone, Debug, Args)]
#[command(override_usage = "jst run [FLAGS] FILE [ARGS]...")]
pub(super) struct RunArgs {
    /// Go on with this run, by its id or the beginning of it: what it did is not done again; FILE and ARGS may be left out
    #[arg(long, value_name = "ID")]
    resume: Option<String>,
    /// Start the run of this key, resume it when it did not end well, or end at once when it is done; {date}, {week},
    /// {script} and {shard} are filled in
    #[arg(long, value_name = "KEY", conflicts_with = "resume")]
    run_key: Option<String>,
    /// With --resume: only tell the first difference to the earlier run, and write nothing
    #[arg(long)]
    check_only: bool,
    /// With --resume: this step, or the write of this number, is done
    #[arg(long, value_name = "STEP", value_parser = step)]
    assume_done: Vec<String>,
    /// With --resume: this step, or the write of this number, is not done
    #[arg(long, value_name = "STEP", value_parser = step)]
    assume_not_done: Vec<String>,
    /// With --resume: go on though the script no longer makes what the earlier run wrote outside steps
    #[arg(long)]
    unprotected: bool,
    /// Print help; with a script, the script's own
    #[arg(short, long)]
    help: bool,
    /// Run the script once for each of these profiles, in parallel; '*' is every profile of config.toml
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    profiles: Vec<String>,
    /// The script, or - for standard input; every word behind it is the script's, which sees them as `args`
    #[arg(trailing_var_arg = true, required_unless_present_any = ["help", "resume"], value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub words: Vec<String>,
}

/// Reads what names a step or a write.
fn step(text: &str) -> std::result::Result<String, String> {
    match text.trim() {
        "" => Err("nothing is named: write the name of a step, or the number of a write".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

/// Runs the script, or prints the command's help.
pub(super) fn run(settings: &Arc<Settings>, exit: &Exit, args: RunArgs) -> Result<u8> {
    if let Some(problem) = settings.problem() {
        return Err(not_begun(settings, &args, problem.clone()));
    }
    if !args.profiles.is_empty() && !args.words.is_empty() {
        return for_each(settings, &args);
    }
    if let Some(flag) = ["heartbeat", "jitter", "lock", "metrics-file", "quiet-success", "report"]
        .into_iter()
        .find(|flag| args.check_only && settings.is_by_hand(flag))
    {
        return Err(Error::new(Kind::Usage, format!("--check-only runs nothing, and --{flag} is about a run"))
            .hint("leave one of them out"));
    }
    let told = |error: Error| not_begun(settings, &args, error);
    // One that lives may have ended when the lock is free.
    let may_live = alone::is_locked(settings) && !args.check_only;
    let Some(again) = again(settings, &args, may_live).map_err(&told)? else { return Ok(0) };
    let begun = again.which(settings).and_then(|which| Run::going_on(which, settings, exit, false)).map_err(&told);
    let begun = begun?;
    let given = args.clone();
    script_again(args, again, |_| Ok(begun), |run, script, first| kept(settings, exit, &given, run, script, first))
}

/// A run's journal, where it has one.
type Journal = Option<Arc<Keeper>>;

/// How often is looked again what became of a run that another process was quicker with.
const LOOKS: usize = 3;

/// Has the script's run written down, now that nobody else has its lock; `None` when another process has done meanwhile
/// what it would do.
fn kept(
    settings: &Arc<Settings>,
    exit: &Exit,
    args: &RunArgs,
    run: &Run,
    script: &Script,
    first: Again,
) -> Result<Option<Journal>> {
    let is_alone = first.key.is_none() && first.before.is_none();
    let (mut first, mut looks) = (is_alone.then_some(first), 0);
    loop {
        // What was seen before the lock was free may be otherwise now.
        let found = first.take().map_or_else(|| again(settings, args, false), |first| Ok(Some(first)))?;
        let Some(again) = found else { return Ok(None) };
        if let Some(before) = &again.before {
            run.goes_on_as(before.id.parse()?);
            again::tell(settings, before);
        }
        looks += 1;
        match run.keep_script(exit, script, again) {
            Err(error) if error.kind == Kind::Locked && looks < LOOKS => {}
            kept => return kept.map(Some),
        }
    }
}

/// Tells of a run that does not begin, and gives the error back.
fn not_begun(settings: &Arc<Settings>, args: &RunArgs, error: Error) -> Error {
    let file = args.words.first().map(String::as_str).unwrap_or("-");
    // Nothing is run then, and nobody is told that something was.
    if args.check_only { error } else { behind::refused(settings, &name_of(Path::new(file)), error) }
}

/// Runs the script once for each profile, in a process of its own.
fn for_each(settings: &Settings, args: &RunArgs) -> Result<u8> {
    let usage = |why: &str| Error::new(Kind::Usage, why);
    if settings.has_profile_by_hand() {
        return Err(usage("--profiles and --profile exclude each other").hint("leave one of them out"));
    }
    if args.words.first().is_some_and(|file| file == "-") {
        return Err(usage("--profiles needs a script in a file: standard input can be read once").hint("name a file"));
    }
    if let Some(flag) = of_one(settings, args) {
        return Err(usage(&format!("--{flag} is of one run, and --profiles makes one for each profile"))
            .hint("run jst once for each profile, each with its own"));
    }
    let mut profiles: Vec<String> = Vec::new();
    for name in args.profiles.iter().map(|name| name.trim()).filter(|name| !name.is_empty()) {
        let named = if name == "*" { settings.profiles() } else { vec![name.to_owned()] };
        profiles.extend(named.into_iter().filter(|name| !profiles.contains(name)).collect::<Vec<_>>());
    }
    if profiles.is_empty() {
        let error = match args.profiles.iter().any(|name| name.trim() == "*") {
            true => Error::new(Kind::Config, "--profiles names no profile: config.toml has none"),
            false => usage("--profiles names no profile: its list is empty"),
        };
        return Err(error.hint("name them, as in --profiles a,b, or write them to config.toml"));
    }
    profiles.iter().try_for_each(|name| settings.check_profile(name))?;
    let words = without_profiles(std::env::args().skip(1));
    let (words, variables) = without_credentials(words, args.words.len());
    profiles::each(&profiles, &words, &variables)
}

/// The flags that others on the machine need not see once more, and the variables that say the same.
const CREDENTIALS: [(&str, &str); 3] = [
    ("--access-key-id", "JST_ACCESS_KEY_ID"),
    ("--access-key-secret", "JST_ACCESS_KEY_SECRET"),
    ("--security-token", "JST_SECURITY_TOKEN"),
];

/// The words of a command line without credentials, and variables with these. The last words are the script's own.
fn without_credentials(words: Vec<String>, of_script: usize) -> (Vec<String>, Vec<(&'static str, String)>) {
    let (mut kept, mut variables) = (Vec::new(), Vec::new());
    let flags = words.len().saturating_sub(of_script);
    let mut words = words.into_iter().enumerate();
    while let Some((at, word)) = words.next() {
        let (flag, value) = word.split_once('=').map_or((word.as_str(), None), |(flag, value)| (flag, Some(value)));
        match CREDENTIALS.iter().find(|(name, _)| at < flags && *name == flag) {
            Some((_, variable)) => {
                let value = value.map(str::to_owned).or_else(|| words.next().map(|(_, value)| value));
                variables.extend(value.map(|value| (*variable, value)));
            }
            None => kept.push(word),
        }
    }
    (kept, variables)
}

/// A flag that runs of many profiles cannot share.
fn of_one(settings: &Settings, args: &RunArgs) -> Option<&'static str> {
    let own = [
        ("resume", args.resume.is_some()),
        ("run-key", args.run_key.is_some()),
        ("report", !settings.job().report.is_empty()),
        ("metrics-file", settings.job().metrics_file.is_some()),
        ("heartbeat", settings.job().heartbeat.is_some()),
    ];
    own.into_iter().find(|(_, is_given)| *is_given).map(|(flag, _)| flag)
}

/// The words of the command line, without the first `--profiles` and its value.
fn without_profiles(mut words: impl Iterator<Item = String>) -> Vec<String> {
    let mut kept = Vec::new();
    while let Some(word) = words.next() {
        match word.strip_prefix("--profiles") {
            Some("") => drop(words.next()),
            Some(rest) if rest.starts_with('=') => {}
            _ => {
                kept.push(word);
                continue;
            }
        }
        // Those behind the script are its own.
        kept.extend(words);
        break;
    }
    kept
}

/// The same without a journal, in a run that is made once the words are known to be right.
pub(super) fn script(args: RunArgs, begin: impl FnOnce() -> Result<Run>) -> Result<u8> {
    if let Some(flag) = about_journal(&args) {
        return Err(Error::new(Kind::Usage, format!("{flag} needs a journal, and a script inside a test has none"))
            .hint("leave it out"));
    }
    script_again(args, Again::default(), |_| begin(), |_, _, _| Ok(Some(None)))
}

fn script_again(
    args: RunArgs,
    again: Again,
    begin: impl FnOnce(&Again) -> Result<Run>,
    keep: impl FnOnce(&Run, &Script, Again) -> Result<Option<Journal>>,
) -> Result<u8> {
    let mut words = args.words.into_iter();
    let Some(file) = words.next().map(PathBuf::from).or_else(|| file_of(&again)) else {
        if again.before.is_some() {
            return Err(Error::new(
                Kind::Usage,
                "the run had no file that can be read again: name the script behind it",
            ));
        }
        let mut command = command_line();
        let help = command.find_subcommand_mut("run").map(|run| run.render_long_help().to_string());
        return write_out(&help.unwrap_or_default());
    };
    let own_help = args.help.then(|| "--help".to_owned());
    let words = own_help.into_iter().chain(words::of_script("run", "FILE", words.collect())?).collect();
    let words = again::args(again.before.as_ref(), words)?;
    let run = begin(&again)?;
    let (name, text, root) = match read(&run, &file) {
        Ok(found) => found,
        Err(error) if again.check_only => return Err(error),
        Err(error) => return run.refused(&name_of(&file), error),
    };
    let shown = name_of(&file);
    let is_file = file != Path::new("-");
    let file = is_file.then(|| file.canonicalize().unwrap_or_else(|_| file.clone()));
    let script = Script { name: name.clone(), file, text: text.clone(), args: words };
    let check_only = again.check_only;
    let locked = script.file.clone();
    let given = script.args.clone();
    let begin = || keep(&run, &script, again);
    let work = |_: Journal| run.host(root, given).run(&name, &text);
    if !check_only {
        return run.alone_once(&shown, locked.as_deref(), begin, work);
    }
    // Nothing is run then, and nobody is told that something was.
    let Some(journal) = begin()? else { return Ok(0) };
    let ended = work(journal.clone()).and_then(|code| match journal {
        Some(journal) => journal.came_by_all().map(|()| code),
        None => Ok(code),
    });
    again::difference(ended)
}

/// What a script is called where runs are told of.
fn name_of(file: &Path) -> String {
    let absolute = || std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    match file.to_str() {
        Some("-") => "-".to_owned(),
        _ => file.canonicalize().unwrap_or_else(|_| absolute()).display().to_string(),
    }
}

/// How the run stands to earlier ones; `None` when it is done already.
fn again(settings: &Settings, args: &RunArgs, may_live: bool) -> Result<Option<Again>> {
    let script = args.words.first().map(PathBuf::from).unwrap_or_default();
    let key = args.run_key.as_ref().map(|given| key(settings, given, &script, args)).transpose()?;
    let before = match (&args.resume, &key) {
        (Some(id), _) => again::of_id(settings, id, may_live)?,
        (None, None) => None,
        (None, Some(key)) => match again::of_key(settings, key, may_live)? {
            Some(again::Found::Done(before)) => {
                behind::is_done(settings, &before.id, &key.filled)?;
                return Ok(None);
            }
            Some(again::Found::GoesOn(before)) => Some(*before),
            None => None,
        },
    };
    if let (Some(flag), None) = (about_earlier(args), &before) {
        return Err(Error::new(Kind::Usage, format!("{flag} is about an earlier run, and this one has none"))
            .hint("--resume ID names it, or --run-key KEY"));
    }
    Ok(Some(Again {
        before,
        key: key.map(|key| key.filled),
        assume_done: args.assume_done.clone(),
        assume_not_done: args.assume_not_done.clone(),
        unprotected: args.unprotected,
        check_only: args.check_only,
    }))
}

/// The key of a run, and what it is the key of.
fn key<'a>(settings: &Settings, given: &'a str, file: &'a Path, args: &RunArgs) -> Result<again::Key<'a>> {
    let shard = settings.shard()?;
    let filled = kept::filled(given, file, shard)?;
    let words = words::of_script("run", "FILE", args.words.iter().skip(1).cloned().collect())?;
    Ok(again::Key { given, filled, file, words, shard })
}

/// A flag that is about an earlier run.
fn about_earlier(args: &RunArgs) -> Option<&'static str> {
    let given = [
        ("--check-only", args.check_only),
        ("--assume-done", !args.assume_done.is_empty()),
        ("--assume-not-done", !args.assume_not_done.is_empty()),
        ("--unprotected", args.unprotected),
    ];
    given.into_iter().find(|(_, is_given)| *is_given).map(|(flag, _)| flag)
}

/// A flag that only a run with a journal can heed.
fn about_journal(args: &RunArgs) -> Option<&'static str> {
    let given = [("--resume", args.resume.is_some()), ("--run-key", args.run_key.is_some())];
    given.into_iter().find(|(_, is_given)| *is_given).map(|(flag, _)| flag).or_else(|| about_earlier(args))
}

/// The script that an earlier run ran.
fn file_of(again: &Again) -> Option<PathBuf> {
    again.before.as_ref()?.facts.get("file")?.as_str().map(PathBuf::from)
}

/// The name of a script, its text, and the folder that its imports stay in.
fn read(run: &Run, file: &Path) -> Result<(String, String, PathBuf)> {
    if file != Path::new("-") {
        // What a link leads to has its neighbours where it is.
        let real = if file.is_symlink() { file.canonicalize().ok() } else { None };
        let folder = real.as_deref().unwrap_or(file).parent().map(Path::to_owned).unwrap_or_default();
        return Ok((file.display().to_string(), read_script(file)?, folder));
    }
    if system::is_stdin_closed() {
        return Err(Error::new(Kind::Io, "cannot read the script on stdin: it is closed"));
    }
    let text = run.stop().while_reading(|| read_script_from(std::io::stdin().lock(), "the script on stdin"))??;
    Ok(("stdin".to_owned(), text, PathBuf::new()))
}

#[cfg(test)]
mod tests {
    use super::without_credentials;

    #[test]
    fn credentials_of_a_command_line_become_variables_and_the_scripts_words_stay() {
        let id = ("JST_ACCESS_KEY_ID", "a");
        let secret = ("JST_ACCESS_KEY_SECRET", "fake=x");
        let token = ("JST_SECURITY_TOKEN", "");
        for (line, of_script, kept, expected) in [
            ("run s.rhai", 1, "run s.rhai", vec![]),
            ("--access-key-id a run --access-key-secret fake=x s.rhai", 1, "run s.rhai", vec![id, secret]),
            ("--access-key-secret=fake=x --security-token= run s.rhai", 1, "run s.rhai", vec![secret, token]),
            ("run s.rhai --access-key-id a", 3, "run s.rhai --access-key-id a", vec![]),
            ("--access-key-id a run s.rhai -- --access-key-id=b", 3, "run s.rhai -- --access-key-id=b", vec![id]),
            ("run --access-key-ids a s.rhai", 1, "run --access-key-ids a s.rhai", vec![]),
        ] {
            let words = line.split(' ').map(str::to_owned).collect();
            let (words, variables) = without_credentials(words, of_script);
            let expected: Vec<_> = expected.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
            assert_eq!((words.join(" ").as_str(), variables), (kept, expected), "{line}");
        }
    }
}
