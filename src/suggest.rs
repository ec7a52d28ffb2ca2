//! The nearest of the names that would have been right.

/// Bytes of the longest name that anything is suggested for.
const LONGEST: usize = 100;

/// The candidate that is most like `name`, if any is like it enough to be meant.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Nobody misspells a name by a page of text, and comparing it would take long.
    if name.len() > LONGEST {
        return None;
    }
    let lower = name.to_lowercase();
    let allowed = (lower.chars().count() / 3).clamp(1, 5);
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= LONGEST)
        .map(|candidate| (strsim::osa_distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Whether a name is one keystroke away from a known one, or the same in another case.
pub(crate) fn is_slip(name: &str, known: &str) -> bool {
    name.len() <= LONGEST && (known.eq_ignore_ascii_case(name) || strsim::osa_distance(known, name) <= 1)
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
            ("Replicas".repeat(1_000_000).as_str(), None),
        ] {
            assert_eq!(nearest(given, names), expected, "{given}");
        }
    }
}
