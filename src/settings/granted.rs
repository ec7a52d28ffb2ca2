//! What a script may reach beside the service: nothing that is not granted.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Settings;
use crate::net::outside::Outside;

impl Settings {
    /// Environment variables that a script may read, and their values.
    pub(crate) fn allowed_env(&self) -> BTreeMap<String, Option<String>> {
        self.flags.allow_env.iter().map(|name| (name.clone(), self.around.env.get(name).cloned())).collect()
    }

    /// Files and folders that a script may read.
    pub(crate) fn allowed_read(&self) -> Vec<PathBuf> {
        paths(&self.flags.allow_read)
    }

    /// Files and folders that a script may write.
    pub(crate) fn allowed_write(&self) -> Vec<PathBuf> {
        paths(&self.flags.allow_write)
    }

    /// What a script may reach beside the service.
    pub(crate) fn allowed_net(&self) -> Outside {
        Outside::new(self.flags.allow_net.clone(), self.around.env.clone()).trusting(self.ca_file().map(Path::to_owned))
    }

    /// The flags that grant another process of jst the files and hosts that this one is granted.
    pub(crate) fn grants(&self) -> Vec<String> {
        let paths = |flag: &'static str, paths: Vec<PathBuf>| {
            paths.into_iter().map(move |path| format!("--{flag}={}", path.display()))
        };
        let hosts = self.flags.allow_net.iter().map(|host| format!("--allow-net={host}"));
        let files = paths("allow-read", self.allowed_read()).chain(paths("allow-write", self.allowed_write()));
        files.chain(hosts).collect()
    }
}

/// Paths that are granted. An empty one would be the working folder.
fn paths(granted: &[String]) -> Vec<PathBuf> {
    granted.iter().filter(|path| !path.is_empty()).map(PathBuf::from).collect()
}
