//! What has a scheduler run a script as a job: a line for [`cron`], units of [`systemd`], a CronJob of [`kubernetes`].
//! All derive from one [`Plan`]; [`schedule`] is when it runs, [`given`] what becomes of flags that were given for it,
//! [`here`] what a run on this machine would fail at.

mod cron;
pub(crate) mod given;
mod here;
mod kubernetes;
mod schedule;
mod systemd;

use std::time::Duration;

use crate::job::shard::Shard;
pub(crate) use here::amiss;
pub(crate) use schedule::Schedule;

/// Which scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheduler {
    /// cron.
    Cron,
    /// systemd.
    Systemd,
    /// Kubernetes.
    Kubernetes,
}

/// A job to be.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The program.
    pub program: String,
    /// The folder that relative paths among the script's words are of.
    pub folder: String,
    /// The script, by its whole path.
    pub script: String,
    /// The script's words.
    pub args: Vec<String>,
    /// When.
    pub schedule: Schedule,
    /// In which zone.
    pub zone: String,
    /// The longest that a run may take, and what its calls get behind that.
    pub deadline: Duration,
    /// See above.
    pub grace: Duration,
    /// Words that stand before the command, as they were given there.
    pub before: Vec<String>,
    /// Words that stand behind it, as they were given there.
    pub flags: Vec<String>,
    /// The folder of its state, where somebody said so.
    pub state: Option<String>,
    /// Whether it has a journal, so that it can go on with one that died.
    pub has_journal: bool,
    /// Where metrics and report go, where somebody said so.
    pub metrics: Option<String>,
    /// See above.
    pub reports: Vec<String>,
    /// What holds jst in a cluster.
    pub image: String,
    /// In how many parts a cluster does it.
    pub shards: u32,
    /// The part that it does where each has a unit of its own.
    pub shard: Shard,
}

/// The text that the scheduler takes.
pub(crate) fn text(plan: &Plan, scheduler: Scheduler) -> String {
    match scheduler {
        Scheduler::Cron => cron::text(plan),
        Scheduler::Systemd => systemd::text(plan),
        Scheduler::Kubernetes => kubernetes::text(plan),
    }
}

/// What the scheduler's run cannot use where it is now, each in words for people.
pub(crate) fn out_of_reach(plan: &Plan, scheduler: Scheduler) -> Vec<String> {
    match scheduler {
        Scheduler::Systemd => systemd::out_of_reach(plan),
        Scheduler::Cron | Scheduler::Kubernetes => Vec::new(),
    }
}

/// A line that says where a profile must be known, where the run is not on this machine or of this user.
fn profile_note(plan: &Plan, mark: &str) -> String {
    let named = plan.before.iter().chain(&plan.flags).find_map(|word| word.strip_prefix("--profile="));
    let note = |name| {
        format!("{mark} The profile {name} must stand in /etc/jst/config.toml there, or in the file of --config.\n")
    };
    named.map(note).unwrap_or_default()
}

/// Lists of words that begin a line.
const FEW: usize = 40;

impl Plan {
    /// What units and files are called: the script's name in lower-case letters, digits and dashes, and the part.
    fn name(&self) -> String {
        let name = self.name_of_script();
        if self.shard.is_part() { format!("{name}-{}", self.shard.dashed()) } else { name }
    }

    fn name_of_script(&self) -> String {
        let file = self.script.rsplit('/').next().unwrap_or_default().trim_end_matches(".rhai");
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        let name: String = file.chars().map(plain).take(FEW).collect();
        match name.trim_matches('-') {
            "" => "jst-job".to_owned(),
            name => name.to_owned(),
        }
    }

    /// The words of the run, the folder of its state said as this scheduler says it.
    fn words(&self, state: &str, script: &str) -> Vec<String> {
        let name = self.name();
        let [deadline, grace] = [self.deadline, self.grace].map(|span| format!("{}s", span.as_secs()));
        let state = self.state.as_deref().unwrap_or(state);
        let mut words = self.before.clone();
        words.push("run".to_owned());
        let is_said =
            |flag: &str| self.before.iter().chain(&self.flags).any(|word| word.starts_with(&format!("{flag}=")));
        words.extend(["--lock", "--quiet-success"].into_iter().filter(|flag| !is_said(flag)).map(str::to_owned));
        words.extend(["--deadline".to_owned(), deadline, "--grace".to_owned(), grace, "--metrics-file".to_owned()]);
        words.push(self.metrics.clone().unwrap_or_else(|| format!("{state}/{name}.prom")));
        let usual = vec![format!("{state}/{name}.html")];
        let reports = if self.reports.is_empty() { &usual } else { &self.reports };
        words.extend(reports.iter().flat_map(|report| ["--report".to_owned(), report.clone()]));
        words.extend(self.flags.iter().cloned());
        words.push(script.to_owned());
        // A word that looks like a flag of jst is the script's behind this.
        if self.args.iter().any(|word| word.starts_with('-')) {
            words.push("--".to_owned());
        }
        words.extend(self.args.iter().cloned());
        words
    }

    /// When whoever started the run ends it at last: behind everything that it needs to end by itself.
    fn longest(&self) -> u64 {
        (self.deadline + self.grace).as_secs() + 60
    }

    /// What a run needs to end by itself once it is told to.
    fn ending(&self) -> u64 {
        self.grace.as_secs() + 20
    }
}

#[cfg(test)]
mod tests;
