//! What a run would fail at where the unit is printed. The run may be on another machine: this is said, and no more.

use std::fs::File;
use std::path::Path;

use super::{Plan, Scheduler};
use crate::job::file;

/// What a run of this unit would fail at on this machine, each in words for people.
pub(crate) fn amiss(plan: &Plan, scheduler: Scheduler) -> Vec<String> {
    // A container has folders of its own.
    if scheduler == Scheduler::Kubernetes {
        return Vec::new();
    }
    let told = plan.metrics.iter().map(|path| ("metrics-file", path));
    let told = told.chain(plan.reports.iter().map(|path| ("report", path)));
    let told = told.filter(|(_, path)| !is_made(plan, path));
    let written = told.filter_map(|(flag, path)| Some((flag, file::check(Path::new(path)).err()?)));
    let words = plan.before.iter().chain(&plan.flags).filter_map(|word| word.strip_prefix("--")?.split_once('='));
    let read = words.filter_map(|(flag, path)| Some((flag, unusable(flag, path)?)));
    let so = |(flag, why)| format!("--{flag}: {why}: on this machine, a run of this unit would fail");
    written.chain(read).map(so).collect()
}

/// Whether a file's folder is that of the state, which is made when it is not there.
fn is_made(plan: &Plan, path: &str) -> bool {
    plan.state.as_deref().is_some_and(|state| Path::new(path).parent() == Some(Path::new(state)))
}

/// Why a run cannot use what a flag names.
fn unusable(flag: &str, path: &str) -> Option<String> {
    let place = Path::new(path);
    match flag {
        "lock-dir" if !place.is_dir() => Some(format!("{path} is no folder")),
        "ca-file" => File::open(place).err().map(|error| format!("cannot read {path}: {error}")),
        "sim" if place.is_absolute() => File::open(place).err().map(|error| format!("cannot read {path}: {error}")),
        _ => None,
    }
}
