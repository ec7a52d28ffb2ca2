//! The nearest of the names that would have been right.

/// Bytes of the longest name that anything is suggested for.
const LONGEST: usize = 100;

/// The candidate that is most like `name`, if any is like it enough to be meant; none where that is the very name.
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
        .filter(|candidate| *candidate != name)
}

/// Whether a name is one keystroke away from a known one, or the same in another case.
pub(crate) fn is_slip(name: &str, known: &str) -> bool {
    name.len() <= LONGEST && (known.eq_ignore_ascii_case(name) || strsim::osa_distance(known, name) <= 1)
}

/// The value that is a slip away from what was given, and means the same. Two that are as near leave open
/// which is meant, another number is another meaning, and so is another abbreviation within a name: `latin2` is no
/// slip of `latin1` and `SQL_CS_AS` none of `SQL_CI_AS`, while `4` is `4.0`.
pub(crate) fn nearest_value<'a>(given: &str, values: &[&'a str]) -> Option<&'a str> {
    if let Ok(number) = given.trim().parse::<f64>() {
        return values.iter().copied().find(|value| value.parse() == Ok(number));
    }
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let best = nearest(given, values.iter().copied())?;
    let away = |value: &str| strsim::osa_distance(&given.to_lowercase(), &value.to_lowercase());
    let as_near = values.iter().filter(|value| away(value) == away(best)).count();
    (as_near == 1 && digits(given) == digits(best) && !differs_in_an_abbreviation(given, best)).then_some(best)
}

/// Whether two names have as many words between underscores, and one of at most three letters is another.
fn differs_in_an_abbreviation(given: &str, value: &str) -> bool {
    const LONGEST: usize = 3;
    let (given, value): (Vec<&str>, Vec<&str>) = (given.split('_').collect(), value.split('_').collect());
    let differs =
        |(one, other): (&&str, &&str)| one.len().max(other.len()) <= LONGEST && !one.eq_ignore_ascii_case(other);
    value.len() > 1 && given.len() == value.len() && given.iter().zip(&value).any(differs)
}

#[cfg(test)]
mod tests {
    use super::{nearest, nearest_value};

    #[test]
    fn a_value_of_another_meaning_is_not_suggested() {
        for (given, values, expected) in [
            ("4", &["3", "4.0"][..], Some("4.0")),
            ("3.0", &["3", "4.0"], Some("3")),
            ("4.1", &["3", "4.0"], None),
            ("tcp", &["TCP", "UDP"], Some("TCP")),
            ("utf-8", &["utf8", "utf8mb4"], Some("utf8")),
            ("utf8mb3", &["utf8", "utf8mb4"], None),
            ("latin2", &["latin1"], None),
            ("SQL_Latin1_General_CS_AS", &["SQL_Latin1_General_CI_AS", "SQL_Latin1_General_CP1_CS_AS"], None),
            ("Chinese_PRC_CI_AI", &["Chinese_PRC_CI_AS", "Chinese_PRC_BIN"], None),
            ("chinese_prc_ci_as", &["Chinese_PRC_CI_AS", "Chinese_PRC_CS_AS"], Some("Chinese_PRC_CI_AS")),
            ("Chinse_PRC_BIN", &["Chinese_PRC_CI_AS", "Chinese_PRC_BIN"], Some("Chinese_PRC_BIN")),
            ("NEW_RETIAL", &["JST", "NEW_RETAIL"], Some("NEW_RETAIL")),
            ("DLOnly", &["DDLOnly", "DMLOnly"], None),
            ("ReadWrit", &["ReadWrite", "ReadOnly"], Some("ReadWrite")),
        ] {
            assert_eq!(nearest_value(given, values), expected, "{given}");
        }
    }

    #[test]
    fn what_was_meant_is_found_and_nothing_is_made_up() {
        let names = ["EnvId", "Replicas", "TotalPartitions"];
        for (given, expected) in [
            ("Replica", Some("Replicas")),
            ("envid", Some("EnvId")),
            ("EnvIdd", Some("EnvId")),
            ("TotalPartition", Some("TotalPartitions")),
            ("Password", None),
            ("EnvId", None),
            ("", None),
            ("Replicas".repeat(1_000_000).as_str(), None),
        ] {
            assert_eq!(nearest(given, names), expected, "{given}");
        }
    }
}
