//! What `std/testing` works on: the simulator of the test, its clock, its folder, and scripts that it runs.
//!
//! A script that a test runs, it runs in the same process, with settings, an account and a stop of its own, all that it
//! would write going to the test instead. So it shares the simulator and the clock as they are, with no protocol
//! between, and what it ends with is what `jst run` ends with, as the same code decides it.

use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::RunLine;
use super::message::{Job, Told};
use super::one::Teller;
use super::simulator::{Simulator, demo_account, rules};
use super::snapshots;
use crate::call::observer::Observer;
use crate::error::{Error, Kind, Result};
use crate::memory;
use crate::run::Ready;
use crate::script::{Bench, Coverage, Wanted};
use crate::settings::{Settings, Surroundings};
use crate::show::streams::{self, Stream};
use crate::sim::world::World;
use crate::suggest;

/// The bench of one test.
pub(super) struct OwnBench {
    pub job: Job,
    pub simulator: Arc<Simulator>,
    pub settings: Arc<Settings>,
    pub teller: Arc<Teller>,
    pub run_line: RunLine,
    /// Where what runs is counted.
    pub coverage: Option<Arc<Coverage>>,
    /// Held while a script runs: what is printed meanwhile is its own.
    pub running: Mutex<()>,
}

impl Bench for OwnBench {
    fn world(&self, words: &Value) -> Result<Value> {
        match words {
            Value::String(name) if name == "demo" => {
                self.simulator.begin(demo_account(&self.simulator.clock)?)?;
                Ok(json!({}))
            }
            words => {
                let invalid = |why: String| Error::new(Kind::Invalid, why);
                let world = World::of(words).map_err(invalid)?;
                let _apart = memory::apart();
                let built = world.build(self.simulator.clock.now());
                let (account, ids) = built.map_err(|refusal| invalid(format!("world: {}", refusal.text)))?;
                self.simulator.begin(account)?;
                Ok(ids)
            }
        }
    }

    fn faults(&self, given: Option<&Value>) -> Result<Value> {
        let given = given.map(rules).transpose()?;
        self.simulator.look(|sim| {
            if let Some(rules) = given {
                sim.faults.replace(rules);
            }
            sim.faults.list()
        })
    }

    fn ledger(&self) -> Result<Value> {
        let text = self.simulator.look(|sim| sim.writes())?;
        let mut ledger: Value = serde_json::from_str(&text).unwrap_or_default();
        Ok(ledger.get_mut("records").map(Value::take).unwrap_or_default())
    }

    fn advance(&self, by: Duration) {
        self.simulator.clock.advance(by);
    }

    fn run(&self, wanted: Wanted) -> Result<Value> {
        let script = self.script(&wanted.file)?;
        let Options { flags, env } = Options::of(wanted.options)?;
        let _running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        self.teller.tell(&Told::Ran(script.clone()));
        let line = [vec!["jst".to_owned(), "run".to_owned(), "--sim".to_owned()], self.grants(), flags];
        let line = line.into_iter().flatten().chain([script.display().to_string()]).chain(wanted.words).collect();
        let (captured, said) = (Arc::new(Mutex::new([String::new(), String::new()])), Arc::clone(&self.teller));
        let held = {
            let captured = Arc::clone(&captured);
            streams::give_to(Arc::new(move |stream, text| {
                let [out, err] = &mut *captured.lock().unwrap_or_else(PoisonError::into_inner);
                if stream == Stream::Stdout {
                    out.push_str(text)
                } else {
                    err.push_str(text)
                }
                said.tell(&Told::Said(text.to_owned()));
            }))
        };
        let code = (self.run_line)(line, Surroundings { env, ..Surroundings::default() }, self.ready());
        drop(held);
        // The script had a budget of its own.
        memory::allow(self.settings.max_memory());
        let [out, err] = std::mem::take(&mut *captured.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(json!({"code": code, "stdout": out, "stderr": err}))
    }

    fn snapshot(&self, name: &str, value: &Value) -> Result<Option<String>> {
        let file = snapshots::file(&self.job.file, name)?;
        self.teller.tell(&Told::Snapshot(file.clone()));
        snapshots::compare(&file, value, self.job.update)
    }

    fn file(&self, name: &str, text: &str) -> Result<String> {
        let is_inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        if !is_inside || name.is_empty() {
            let message = format!("file takes a name below the folder of the test, not `{name}`");
            return Err(Error::new(Kind::Invalid, message));
        }
        let path = self.job.folder.join(name);
        let write = || {
            path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
            std::fs::write(&path, text)
        };
        let cannot = |error: std::io::Error| Error::new(Kind::Io, format!("cannot write {}: {error}", path.display()));
        write().map_err(cannot)?;
        Ok(path.display().to_string())
    }
}

impl OwnBench {
    /// The service of the test, for another run on it.
    pub(super) fn ready(&self) -> Ready {
        let (simulator, settings) = (Arc::clone(&self.simulator), Arc::clone(&self.settings));
        let own = Arc::clone(&self.simulator);
        Ready {
            beside: Box::new(move |profile, settings| {
                let (simulator, settings) = (own.beside(profile), Arc::clone(settings));
                Ok(Box::new(move || simulator.connect(&settings)))
            }),
            stands_in: true,
            clock: Arc::clone(&self.simulator.clock),
            coverage: self.coverage.clone(),
            connect: Box::new(move || simulator.connect(&settings)),
            observer: Some(Arc::clone(&self.teller) as Arc<dyn Observer>),
        }
    }

    /// A script as `jst run` would find it, else beside the test.
    fn script(&self, name: &str) -> Result<PathBuf> {
        let path = Path::new(name);
        let beside = self.job.file.parent().unwrap_or(Path::new("")).join(path);
        if path.extension().is_none_or(|ending| ending != "rhai") {
            return Err(Error::new(Kind::Invalid, format!("run takes a script, a .rhai file, not `{name}`")));
        }
        let found = [path.to_owned(), beside.clone()].into_iter().find(|path| path.is_file());
        found.ok_or_else(|| {
            let message = format!("there is no script {name}, nor {}", beside.display());
            Error::new(Kind::Io, message)
                .hint("a path begins at the folder that `jst test` runs in, or beside the test")
        })
    }

    /// What every script that the test runs may do: what the test may, and read the test's own folder.
    fn grants(&self) -> Vec<String> {
        let own = self.job.folder.is_dir().then(|| format!("--allow-read={}", self.job.folder.display()));
        self.settings.grants().into_iter().chain(own).collect()
    }
}

/// What a test says of a script that it runs, beside its words.
struct Options {
    flags: Vec<String>,
    env: std::collections::BTreeMap<String, String>,
}

impl Options {
    const NAMES: [&str; 2] = ["flags", "env"];

    fn of(mut given: Map<String, Value>) -> Result<Self> {
        let invalid = |message: String| Error::new(Kind::Invalid, message);
        let (flags, env) = (given.remove("flags"), given.remove("env"));
        if let Some(name) = given.keys().next() {
            let error = invalid(format!("run has no option `{name}`; it has {}", Self::NAMES.join(" and ")));
            return Err(match suggest::nearest(name, Self::NAMES) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error,
            });
        }
        let text = |value: Value| match value {
            Value::String(text) => Some(text),
            Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
            _ => None,
        };
        let flags = match flags.unwrap_or_else(|| json!([])) {
            Value::Array(flags) => flags.into_iter().map(text).collect::<Option<Vec<_>>>(),
            _ => None,
        };
        let env = match env.unwrap_or_else(|| json!({})) {
            Value::Object(env) => env.into_iter().map(|(name, value)| Some((name, text(value)?))).collect(),
            _ => None,
        };
        match (flags, env) {
            (Some(flags), Some(env)) => Ok(Self { flags, env }),
            (None, _) => Err(invalid("run: flags is a list such as [\"--read-only\"]".to_owned())),
            (_, None) => Err(invalid("run: env is a map of variables such as #{ SHOP: \"x\" }".to_owned())),
        }
    }
}
