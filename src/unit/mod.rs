//! What has a scheduler run a script as a job: a line for [`cron`], units of [`systemd`], a CronJob of [`kubernetes`].
//! All derive from one [`Plan`]; [`schedule`] is when it runs.

mod cron;
mod kubernetes;
mod schedule;
mod systemd;

use std::time::Duration;

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
    /// Flags that were given and stay as they are.
    pub flags: Vec<String>,
    /// Where metrics and report go, where somebody said so.
    pub metrics: Option<String>,
    /// See above.
    pub reports: Vec<String>,
    /// What holds jst in a cluster.
    pub image: String,
    /// In how many parts a cluster does it.
    pub shards: u32,
}

/// The text that the scheduler takes.
pub(crate) fn text(plan: &Plan, scheduler: Scheduler) -> String {
    match scheduler {
        Scheduler::Cron => cron::text(plan),
        Scheduler::Systemd => systemd::text(plan),
        Scheduler::Kubernetes => kubernetes::text(plan),
    }
}

/// Lists of words that begin a line.
const FEW: usize = 40;

impl Plan {
    /// What units are called: the script's name in lower-case letters, digits and dashes.
    fn name(&self) -> String {
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
        let mut words: Vec<String> = ["run", "--lock", "--quiet-success", "--deadline"].map(str::to_owned).into();
        words.extend([deadline, "--grace".to_owned(), grace, "--metrics-file".to_owned()]);
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
