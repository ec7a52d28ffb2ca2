//! The nearest of the names that would have been right.

/// The candidate that is most like `name`, if any is like it enough to be meant.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    let allowed = (lower.chars().count() / 3).clamp(1, 5);
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn what_was_meant_is_found_and_nothing_is_made_up() {
        let names = ["EnvId", "Replicas", "TotalPartitions"];
        for (given, expected) in [
            ("Replica", Some("Replicas")),
            ("envid", Some("EnvId")),
            ("EnvIdd", Some("EnvId")),
            ("TotalPartition", Some("TotalPartitions")),
            ("Password", None),
            ("", None),
        ] {
            assert_eq!(nearest(given, names), expected, "{given}");
        }
    }
}
