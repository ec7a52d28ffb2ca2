//! A line of a crontab.

use super::Plan;

/// The line, and what it needs above it.
pub(super) fn text(plan: &Plan) -> String {
    let usual = "$HOME/.local/state/jst";
    let words = plan.words(usual, &plan.script);
    let line: Vec<String> = std::iter::once(&plan.program).chain(&words).map(|word| quoted(word, usual)).collect();
    let folder = quoted(&plan.folder, usual);
    let state = quoted(plan.state.as_deref().unwrap_or(usual), usual);
    format!(
        "# Credentials are those of this user: ~/.aliyun/config.json and the like; `jst whoami` names them.\n\
         # A cron that does not know CRON_TZ takes the machine's zone.\n\
         CRON_TZ={}\n\
         {} cd {folder} && mkdir -p {state} && {}\n",
        plan.zone,
        plan.schedule.cron(),
        line.join(" "),
    )
}

/// A word as the shell of cron takes it; cron itself takes a percent sign for the end of the line.
fn quoted(word: &str, state: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@+{}".contains(c);
    let quoted = match word.strip_prefix(state) {
        Some("") => format!("\"{state}\""),
        Some(rest) if rest.starts_with('/') => format!("\"{state}\"{}", single(rest, is_plain)),
        _ => single(word, is_plain),
    };
    quoted.replace('%', "\\%")
}

fn single(word: &str, is_plain: impl Fn(char) -> bool) -> String {
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}
