//! Tests of `faults`.

#![allow(clippy::unwrap_used)]

use super::rule::NAMES;
use super::*;

/// Which of the first calls of an action a rule applies to.
fn applied(rule: &str, action: &str, calls: u64) -> Vec<u64> {
    let faults = Faults::new(vec![rule.parse().unwrap()], 7);
    let now = Duration::ZERO;
    (1..=calls).filter(|_| faults.plan(action, now) != Plan::default()).collect()
}

#[test]
fn rules_pick_calls_by_pattern_and_count() {
    for (rule, action, expected) in [
        ("ScaleApp:close", "ScaleApp", vec![1, 2, 3, 4]),
        ("ScaleApp:close", "ListApp", vec![]),
        ("*App:close:first=2", "ScaleApp", vec![1, 2]),
        ("ScaleApp:throttle:count=3", "ScaleApp", vec![3]),
        ("*:503:probability=0", "ScaleApp", vec![]),
        ("*:503:probability=1", "ScaleApp", vec![1, 2, 3, 4]),
        ("*:throttle:rate=2", "ScaleApp", vec![3, 4]),
    ] {
        assert_eq!(applied(rule, action, 4), expected, "{rule} {action}");
    }
}

#[test]
fn chance_is_fair_and_repeats() {
    let hits = applied("*:503:probability=0.25", "ListApp", 10_000);
    assert!((2_300..2_700).contains(&hits.len()), "{}", hits.len());
    assert_eq!(hits, applied("*:503:probability=0.25", "ListApp", 10_000));
}

#[test]
fn a_rate_fills_up_again() {
    let faults = Faults::new(vec!["*:throttle:rate=2:retry-after=500".parse().unwrap()], 1);
    let throttled = |ms| faults.plan("ListApp", Duration::from_millis(ms)).rejection.is_some();
    let expected = [(0, false), (0, false), (0, true), (400, true), (600, false), (600, true), (9_000, false)];
    for (ms, is_throttled) in expected {
        assert_eq!(throttled(ms), is_throttled, "after {ms} ms");
    }
}

#[test]
fn rules_add_up_to_one_plan() {
    let rules = ["*:latency:ms=100", "Scale*:latency:ms=50", "*:skew:seconds=-60", "*:lost", "*:close"];
    let faults = Faults::new(rules.into_iter().map(|rule| rule.parse().unwrap()).collect(), 1);
    let plan = faults.plan("ScaleApp", Duration::ZERO);
    assert_eq!(plan.delay, Duration::from_millis(150));
    assert_eq!(plan.skew, -60);
    assert_eq!((plan.delivery, plan.is_dropped), (Delivery::Closed, false));
    assert_eq!(faults.plan("ListApp", Duration::ZERO).delay, Duration::from_millis(100));
}

#[test]
fn latency_has_jitter_and_a_tail() {
    let faults = Faults::new(vec!["*:latency:ms=10:jitter=10:tail=500:share=0.1".parse().unwrap()], 1);
    let delays: Vec<_> = (0..1000).map(|_| faults.plan("ListApp", Duration::ZERO).delay.as_millis()).collect();
    let tail = delays.iter().filter(|ms| **ms == 500).count();
    assert!((50..150).contains(&tail), "{tail} in the tail");
    assert!(delays.iter().all(|ms| *ms == 500 || (10..20).contains(ms)));
}

#[test]
fn every_kind_is_known_and_settings_are_checked() {
    for name in NAMES {
        let needed = match name {
            "error" | "refusal" => ":code=17",
            "skew" => ":seconds=5",
            _ => "",
        };
        let rule = format!("*:{name}{needed}").parse::<Rule>().unwrap();
        let action = if name == "fails" { "CreateCluster" } else { "ScaleApp" };
        assert_ne!(
            Faults::new(vec![rule], 1).plan(action, Duration::ZERO) == Plan::default(),
            name != "latency",
            "{name}"
        );
    }
    for (rule, part) in [
        ("ScaleApp", "ACTION:KIND"),
        ("[:close", "the pattern does not parse"),
        ("*:explode", "no kind of fault"),
        ("*:close:now", "not SETTING=VALUE"),
        ("*:close:count=x", "`count=x`"),
        ("*:close:count=1:count=2", "given twice"),
        ("*:close:ms=5", "`close` takes no `ms`"),
        ("*:close:probability=2", "between 0 and 1"),
        ("*:close:probability=NaN", "between 0 and 1"),
        ("*:latency:ms=1e99", "between 0 and 3600000"),
        ("*:error", "`code` is needed"),
        ("*:error:code=X:status=200", "between 400 and 599"),
        ("*:refusal:code=0", "a failure's"),
        ("*:throttle:rate=0", "between 0.001"),
    ] {
        let error = rule.parse::<Rule>().unwrap_err();
        assert!(error.contains(part), "{rule}: {error}");
    }
}

#[test]
fn a_rule_is_of_an_action_that_there_is() {
    let recorded = ["Recorded".to_owned()];
    let checked = |rule: &str| Rule::check(&[rule.parse().unwrap()], &recorded);
    for rule in ["ScaleApp", "scale_app", "scale_*", "*PersistentVolume*", "RebuildAppInstance", "Recorded", "Rec*"] {
        assert_eq!(checked(&format!("{rule}:lost")), Ok(()), "{rule}");
    }
    for (rule, meant) in [
        ("ScaleAp", "did you mean `ScaleApp`?"),
        ("scale_ap", "did you mean `scale_app`?"),
        ("lost", "give an action or a pattern such as DeleteNodeLabel or Delete*; `jst ops` lists all"),
        ("Lits*", "did you mean `List*`?"),
    ] {
        let unfit = checked(&format!("{rule}:lost")).unwrap_err();
        assert_eq!(unfit.why, format!("the fault {rule}:lost: {rule}: there is no such operation"));
        assert_eq!(unfit.hint.as_deref(), Some(meant), "{rule}");
    }
    for rule in ["*:fails", "Create*:fails", "delete_app_environment:fails", "scale_*:frozen", "DeployApp:crash-loop"] {
        assert_eq!(checked(rule), Ok(()), "{rule}");
    }
    for (rule, action, those) in [
        (
            "ScaleApp:fails",
            "ScaleApp",
            "CreateCluster, CreatePersistentVolume, DeleteAppEnvironment, DeletePersistentVolumeClaim",
        ),
        (
            "Delete*Volume:fails",
            "Delete*Volume",
            "CreateCluster, CreatePersistentVolume, DeleteAppEnvironment, DeletePersistentVolumeClaim",
        ),
        ("CreateCluster:frozen", "CreateCluster", "DeployApp, ScaleApp"),
        ("list_*:fail-at", "list_*", "DeployApp, ScaleApp"),
    ] {
        let unfit = checked(rule).unwrap_err();
        assert_eq!(unfit.why, format!("the fault {rule}: no call of {action} can end so"));
        assert_eq!(unfit.hint, Some(format!("it is for {those}")), "{rule}");
    }
    for (rule, action, applies) in [
        ("scale_app:lost", "ScaleApp", true),
        ("create*:fails", "CreateCluster", true),
        ("create*:fails", "CreateService", false),
        ("list_*:lost", "ListApp", true),
        ("list_*:lost", "ScaleApp", false),
        ("create_service:lost", "CreateService", true),
    ] {
        let plan = Faults::new(vec![rule.parse().unwrap()], 1).plan(action, Duration::ZERO);
        assert_eq!(plan != Plan::default(), applies, "{rule} {action}");
    }
}

#[test]
fn several_rules_are_divided_where_one_begins() {
    for (text, texts) in [
        ("*:lost", vec!["*:lost"]),
        ("ScaleApp:throttle:count=3,List*:latency:ms=5", vec!["ScaleApp:throttle:count=3", "List*:latency:ms=5"]),
        ("*:refusal:code=9:text=no, not now, *:lost", vec!["*:refusal:code=9:text=no, not now", "*:lost"]),
    ] {
        let rules: Vec<Rule> = texts.iter().map(|text| text.parse().unwrap()).collect();
        assert_eq!(text.parse::<Rules>().unwrap().0, rules, "{text}");
    }
    assert!("*:lost,ScaleApp".parse::<Rules>().is_err());
}

#[test]
fn scenarios_hold_both_forms() {
    let json = br#"["ListApp:503:first=1", {"action": "Scale*", "kind": "throttle", "retry_after": 250, "count": 2}]"#;
    let rules = Rule::list(json).unwrap();
    assert_eq!(rules.first().unwrap(), &"ListApp:503:first=1".parse::<Rule>().unwrap());
    let faults = Faults::new(rules, 1);
    assert_eq!(faults.plan("ScaleApp", Duration::ZERO), Plan::default());
    assert_eq!(faults.plan("ScaleApp", Duration::ZERO).rejection.unwrap().retry_after, Some(250));
    for (json, part) in [
        ("{}", "invalid type"),
        ("[5]", "rule 1: neither"),
        (r#"["*:lost", {"kind": "lost"}]"#, "rule 2: `action` is needed"),
    ] {
        assert!(Rule::list(json.as_bytes()).unwrap_err().contains(part), "{json}");
    }
}
