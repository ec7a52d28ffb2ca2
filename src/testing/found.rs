//! Looking for tests: files `*_test.rhai` in folders, and functions `test_…` in files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::run::exit::Exit;
use crate::run::{Ready, Run};
use crate::script::{Host, read_script};
use crate::settings::Settings;

/// What the name of a file with tests ends with.
const ENDING: &str = "_test.rhai";

/// A test, or why a file has none.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// The file, as it was found.
    pub file: PathBuf,
    /// The function; empty when the file cannot be tested.
    pub test: String,
    /// What is wrong with the file.
    pub wrong: Option<Error>,
}

impl Found {
    /// What it is called: `scripts/x_test.rhai test_scales`.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.file.display(), self.test).trim_end().to_owned()
    }
}

/// The tests to run, in their order.
#[derive(Debug, Default)]
pub(super) struct Tests(pub Vec<Found>);

/// The files with tests: those that are named, and those in the folders that are, sorted.
///
/// # Errors
/// `io` for a path that is not there or cannot be read.
pub(super) fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        let cannot = |error: std::io::Error| Error::new(Kind::Io, format!("cannot read {}: {error}", path.display()));
        if std::fs::metadata(path).map_err(cannot)?.is_dir() {
            let before = files.len();
            walk(path, &mut files).map_err(cannot)?;
            files.get_mut(before..).unwrap_or_default().sort();
        } else {
            files.push(path.clone());
        }
    }
    let mut seen = std::collections::HashSet::new();
    files.retain(|file| seen.insert(file.canonicalize().unwrap_or_else(|_| file.clone())));
    Ok(files)
}

/// Hidden folders are not looked into, nor what a link leads to: it may lead back.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let (name, kind) = (entry.file_name(), entry.file_type()?);
        let name = name.to_string_lossy();
        let path = if folder == Path::new(".") { PathBuf::from(&*name) } else { entry.path() };
        if kind.is_dir() && !name.starts_with('.') {
            walk(&path, files)?;
        } else if !kind.is_dir() && name.ends_with(ENDING) {
            files.push(path);
        }
    }
    Ok(())
}

impl Tests {
    /// Every test of these files. What is wrong with a file stands in the place of its tests.
    ///
    /// # Errors
    /// The system gives no engine.
    pub(super) fn in_files(settings: &Arc<Settings>, files: &[PathBuf]) -> Result<Self> {
        let ready = || Ready {
            clock: Arc::new(Clock::real()),
            connect: Box::new(|| Err(Error::new(Kind::Config, "tests are only looked for"))),
            observer: None,
            coverage: None,
            beside: Box::new(|_, _| Err(Error::new(Kind::Config, "tests are only looked for"))),
            stands_in: true,
        };
        let run = Run::within(settings, &Exit::new(|_| {}), ready())?;
        let mut tests = Vec::new();
        for file in files {
            let found = |test, wrong| Found { file: file.clone(), test, wrong };
            let root = file.parent().map(Path::to_owned).unwrap_or_default();
            match look(&run.host(root, Vec::new()), file) {
                Ok(names) => tests.extend(names.into_iter().map(|name| found(name, None))),
                Err(error) => tests.push(found(String::new(), Some(error))),
            }
        }
        Ok(Self(tests))
    }

    /// Keeps those whose name holds a text.
    pub(super) fn keep(&mut self, filter: Option<&str>) {
        if let Some(filter) = filter {
            self.0.retain(|found| found.name().contains(filter));
        }
    }

    /// Puts them in an order that only depends on the seed.
    pub(super) fn shuffle(&mut self, seed: u64) {
        fastrand::Rng::with_seed(seed).shuffle(&mut self.0);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn look(host: &Host, file: &Path) -> Result<Vec<String>> {
    let tests = host.tests(&file.display().to_string(), &read_script(file)?)?;
    Ok(tests.into_iter().map(|test| test.name).collect())
}
