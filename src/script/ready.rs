//! The ready scripts, as `jst help` prints them to whoever has only the binary: to be read, copied and changed.

/// The name of each script in `scripts/`, and its text; in the order of their names.
const SCRIPTS: &[(&str, &str)] = &[
    ("scripts/backup_audit", include_str!("../../scripts/backup_audit.rhai")),
    ("scripts/batch_scale", include_str!("../../scripts/batch_scale.rhai")),
    ("scripts/canary_deploy", include_str!("../../scripts/canary_deploy.rhai")),
    ("scripts/cluster_capacity", include_str!("../../scripts/cluster_capacity.rhai")),
    ("scripts/config_backup", include_str!("../../scripts/config_backup.rhai")),
    ("scripts/deploy_report", include_str!("../../scripts/deploy_report.rhai")),
    ("scripts/inventory", include_str!("../../scripts/inventory.rhai")),
    ("scripts/node_label", include_str!("../../scripts/node_label.rhai")),
    ("scripts/orphans", include_str!("../../scripts/orphans.rhai")),
    ("scripts/rds_access_review", include_str!("../../scripts/rds_access_review.rhai")),
    ("scripts/scale_plan", include_str!("../../scripts/scale_plan.rhai")),
    ("scripts/stuck_deploys", include_str!("../../scripts/stuck_deploys.rhai")),
];

/// The names: `scripts/batch_scale`.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    SCRIPTS.iter().map(|(name, _)| *name)
}

/// The text of the script of this name, with or without its `.rhai`.
pub(crate) fn text(name: &str) -> Option<&'static str> {
    let name = name.strip_suffix(".rhai").unwrap_or(name);
    SCRIPTS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// What each does, in a sentence: its first comment. Names stand before it.
pub(crate) fn headlines() -> impl Iterator<Item = (&'static str, &'static str)> {
    let first = |text: &'static str| text.trim_start_matches('/').trim_start().split(['.', ':', ';', '\n']).next();
    SCRIPTS.iter().map(move |(name, text)| (*name, first(text).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_script_of_the_folder_is_there() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .filter_map(|entry| {
                entry.unwrap().file_name().into_string().unwrap().strip_suffix(".rhai").map(str::to_owned)
            })
            .filter(|name| !name.ends_with("_test"))
            .map(|name| format!("scripts/{name}"))
            .collect();
        files.sort();
        assert_eq!(names().collect::<Vec<_>>(), files);
        assert_eq!(text("scripts/orphans"), text("scripts/orphans.rhai"));
        assert_eq!(text("orphans"), None);
        for (name, says) in headlines() {
            assert!(says.len() > 20, "{name}: {says}");
        }
    }
}
