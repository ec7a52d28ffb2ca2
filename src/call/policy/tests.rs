//! The rules as a table and as a property; patterns and what was meant by them.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::catalogue;

fn owned(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

fn policy(read_only: bool, destructive: bool, allow: &[&str], deny: &[&str]) -> Policy {
    let grant = Grant { destructive: destructive.then_some(true), allow: owned(allow) };
    Policy::new(read_only, &[grant], &owned(deny)).unwrap()
}

fn verdict(policy: &Policy, action: &str, effect: Effect) -> &'static str {
    match policy.check(action, effect) {
        Verdict::Allowed => "allowed",
        Verdict::Ask(_) => "ask",
        Verdict::Refused(_) => "refused",
    }
}

#[test]
fn the_rules_decide() {
    let destroy = Effect::Destructive;
    let table = [
        (policy(false, false, &[], &[]), "ListApp", Effect::Read, "allowed"),
        (policy(false, false, &[], &[]), "ScaleApp", Effect::Write, "allowed"),
        (policy(false, false, &[], &[]), "DeleteNodeLabel", destroy, "ask"),
        (policy(true, true, &["*"], &[]), "ListApp", Effect::Read, "allowed"),
        (policy(true, true, &["*"], &[]), "ScaleApp", Effect::Write, "refused"),
        (policy(true, true, &["*"], &[]), "DeleteNodeLabel", destroy, "refused"),
        (policy(false, true, &[], &[]), "DeleteNodeLabel", destroy, "allowed"),
        (policy(false, false, &["Delete*"], &[]), "DeleteNodeLabel", destroy, "allowed"),
        (policy(false, false, &["deletenodelabel"], &[]), "DeleteNodeLabel", destroy, "allowed"),
        (policy(false, false, &["Delete*"], &[]), "RemoveClusterNode", destroy, "ask"),
        (policy(false, true, &["*"], &["List*"]), "ListApp", Effect::Read, "refused"),
        (policy(false, true, &["*"], &["Delete*"]), "DeleteNodeLabel", destroy, "refused"),
    ];
    for (policy, action, effect, expected) in table {
        assert_eq!(verdict(&policy, action, effect), expected, "{action} under {policy:?}");
    }
}

#[test]
fn a_level_can_only_narrow_another() {
    let levels = |levels: &[(Option<bool>, &[&str])]| {
        let grants: Vec<Grant> = levels
            .iter()
            .map(|(destructive, allow)| Grant { destructive: *destructive, allow: owned(allow) })
            .collect();
        let policy = Policy::new(false, &grants, &[]).unwrap();
        verdict(&policy, "DeleteNodeLabel", Effect::Destructive)
    };
    let label: &[&str] = &["DeleteNodeLabel"];
    type Levels<'a> = &'a [(Option<bool>, &'a [&'a str])];
    let table: &[(Levels<'_>, &str)] = &[
        (&[(None, &[]), (None, label), (None, &[])], "allowed"),
        (&[(None, &["Delete*"]), (None, label)], "allowed"),
        (&[(None, &["RemoveClusterNode"]), (None, label)], "ask"),
        (&[(None, label), (None, &["RemoveClusterNode"])], "ask"),
        (&[(None, &["RemoveClusterNode"]), (Some(true), &[])], "ask"),
        (&[(Some(true), &[]), (None, label)], "allowed"),
        (&[(Some(true), &[]), (Some(false), &[])], "ask"),
        (&[(Some(false), &[]), (Some(true), &[])], "ask"),
        (&[(Some(false), label)], "allowed"),
    ];
    for (grants, expected) in table {
        assert_eq!(levels(grants), *expected, "{grants:?}");
    }
}

#[test]
fn a_refusal_names_the_flag_to_add() {
    let hints = |policy: &Policy, action: &str| match policy.check(action, Effect::Destructive) {
        Verdict::Ask(error) => (error.message.clone(), error.hints.clone()),
        other => panic!("{other:?}"),
    };
    let nothing = policy(false, false, &[], &[]);
    for (policy, action, hint) in [
        (&nothing, "DeleteAppDetail", "add --allow DeleteAppDetail, or --allow-destructive for all of them"),
        (
            &nothing,
            "OfflineAppEnvironment",
            "add --allow OfflineAppEnvironment, or --allow-destructive for all of them",
        ),
        (&nothing, "DestroyThing", "add --allow-destructive: no pattern can name it, as it is in no catalogue"),
        (
            &policy(false, false, &["RemoveClusterNode"], &[]),
            "DeleteAppDetail",
            "add --allow DeleteAppDetail at the very place where others are allowed already",
        ),
    ] {
        let message = format!("{action} was not sent: it is destructive");
        assert_eq!(hints(policy, action), (message, vec![hint.to_owned()]));
    }
}

#[test]
fn patterns_that_match_nothing_stop_the_run() {
    let none = "give an action or a pattern such as DeleteNodeLabel or Delete*; `jst ops` lists all";
    let table = [
        ("DeleteNodeLable", "DeleteNodeLable", "did you mean `DeleteNodeLabel`?"),
        (" *", "` *`", "did you mean `*`?"),
        ("ListApp ", "`ListApp `", "did you mean `ListApp`?"),
        ("", "``", none),
        ("  ", "`  `", none),
        ("*NodeLable", "*NodeLable", "did you mean `*NodeLabel`?"),
        ("Delette*", "Delette*", "did you mean `Delete*`?"),
        ("Scale", "Scale", "did you mean `Scale*`?"),
        ("NodeLabel", "NodeLabel", "did you mean `*NodeLabel*`?"),
        ("ListApp|ScaleApp", "`ListApp|ScaleApp`", "did you mean `ListApp,ScaleApp`?"),
        (".*", "`.*`", "did you mean `*`?"),
        ("^Delete.*$", "`^Delete.*$`", "did you mean `Delete*`?"),
        ("scale_ap", "scale_ap", "did you mean `scale_app`?"),
        ("Quux*", "Quux*", none),
        ("Delete*\u{1b}", "`Delete*\\u{1b}`", "did you mean `Delete*`?"),
    ];
    for (text, shown, hint) in table {
        for flag in ["--allow", "--deny"] {
            let (grant, deny) = match flag {
                "--allow" => (Grant { destructive: None, allow: owned(&[text]) }, vec![]),
                _ => (Grant::default(), owned(&[text])),
            };
            let error = Policy::new(false, &[grant], &deny).unwrap_err();
            assert_eq!(error.kind, Kind::Config);
            assert_eq!(error.message, format!("{flag} {shown}: there is no such operation"));
            assert_eq!(error.hints, [hint], "{text:?}");
        }
    }
    let error = Policy::new(false, &[], &owned(&["Delete["])).unwrap_err();
    let message =
        "--deny Delete[: the pattern does not parse: Pattern syntax error near position 6: invalid range pattern";
    assert_eq!(error.message, message);
}

#[test]
fn functions_and_later_actions_are_taken_as_well() {
    for (text, action, matches) in [
        ("scale_*", "ScaleApp", true),
        ("delete_node_label", "DeleteNodeLabel", true),
        ("scale_*", "DeployApp", false),
        ("Offline*", "OfflineAppEnvironment", true),
        ("*", "DestroyThing", true),
    ] {
        let policy = policy(false, false, &[], &[text]);
        assert_eq!(verdict(&policy, action, Effect::Write) == "refused", matches, "{text} {action}");
    }
}

proptest::proptest! {
    /// Whatever is added at any level, nothing that was forbidden becomes allowed without being asked about.
    #[test]
    fn nothing_that_is_added_loosens(
        before in levels(), added in level(), read_only in proptest::bool::ANY, deny in names(), more in names(),
    ) {
        let effects = catalogue::operations().map(|op| (op.action, op.effect));
        let strict = Policy::new(read_only, &before, &deny).unwrap();
        let mut grants = before.clone();
        grants.push(added);
        let added = Policy::new(read_only, &grants, &[deny, more].concat()).unwrap();
        let rank = |verdict: &str| ["allowed", "ask", "refused"].iter().position(|name| *name == verdict);
        for (action, effect) in effects {
            let (was, is) = (verdict(&strict, action, effect), verdict(&added, action, effect));
            // The first grant of all may allow; another never.
            let first = before.iter().all(|grant| *grant == Grant::default());
            proptest::prop_assert!(rank(is) >= rank(was) || (first && was == "ask"), "{action}: {was}, {is}");
        }
    }
}

fn names() -> impl proptest::strategy::Strategy<Value = Vec<String>> {
    let name = proptest::sample::select(vec!["*", "Delete*", "delete_*", "ScaleApp", "DeleteNodeLabel", "*Cluster*"]);
    use proptest::strategy::Strategy as _;
    proptest::collection::vec(name.prop_map(str::to_owned), 0..3)
}

fn level() -> impl proptest::strategy::Strategy<Value = Grant> {
    use proptest::strategy::Strategy as _;
    (proptest::option::of(proptest::bool::ANY), names()).prop_map(|(destructive, allow)| Grant { destructive, allow })
}

fn levels() -> impl proptest::strategy::Strategy<Value = Vec<Grant>> {
    proptest::collection::vec(level(), 0..3)
}
