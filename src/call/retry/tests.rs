//! Tests of `retry`.

use super::*;

fn answered(reason: Reason, wait: Option<u64>) -> Failure {
    Failure::Answered {
        fault: Box::new(Fault { reason, error: Error::new(Kind::Api, "said so") }),
        wait: wait.map(Duration::from_millis),
    }
}

#[test]
fn reads_are_sent_again_writes_only_when_they_did_not_happen() {
    use Reason::*;
    let lost = || Error::new(Kind::Network, "gone");
    let once = Tried { clock: true, token: true, signature: true };
    // failure, already tried, read again?, write again?, kind of a write's final error
    let table = [
        (Failure::NotConnected(lost()), Tried::default(), true, true, Kind::Network),
        (Failure::Impossible(lost()), Tried::default(), false, false, Kind::Network),
        (Failure::Unanswered(lost()), Tried::default(), true, false, Kind::UnknownOutcome),
        (Failure::TooLarge(lost()), Tried::default(), false, false, Kind::UnknownOutcome),
        (answered(Throttled, None), Tried::default(), true, true, Kind::Api),
        (answered(Nonce, None), Tried::default(), true, false, Kind::UnknownOutcome),
        (answered(Signature, None), Tried::default(), true, true, Kind::Api),
        (answered(Signature, None), once, false, false, Kind::Api),
        (answered(Clock, None), Tried::default(), true, true, Kind::Api),
        (answered(Clock, None), once, false, false, Kind::Api),
        (answered(Unavailable, None), Tried::default(), true, false, Kind::UnknownOutcome),
        (answered(Broken, None), Tried::default(), true, false, Kind::UnknownOutcome),
        (answered(Refused, None), Tried::default(), false, false, Kind::Api),
    ];
    let rule = Rule::default();
    for (failure, tried, read, write, kind) in table {
        let again = |effect| rule.wait(effect, &failure, 1, tried, 0.5).is_some();
        assert_eq!(again(Effect::Read), read, "read after {failure:?}");
        assert_eq!(again(Effect::Write), write, "write after {failure:?}");
        assert_eq!(again(Effect::Destructive), write, "destructive after {failure:?}");
        let error = failure.clone().into_error("ScaleApp", Effect::Write, 1);
        assert_eq!(error.kind, kind, "{failure:?}");
        let unknown = error.outcome == Some(Outcome::Unknown);
        assert_eq!(unknown, kind == Kind::UnknownOutcome, "{failure:?}");
    }
}

#[test]
fn waits_double_up_to_the_cap_and_honour_what_the_service_asks() {
    let rule = Rule::default();
    let wait = |failure: &Failure, attempt, jitter| rule.wait(Effect::Read, failure, attempt, Tried::default(), jitter);
    let throttled = answered(Reason::Throttled, None);
    let ms = |n| Some(Duration::from_millis(n));
    assert_eq!(wait(&throttled, 1, 1.0), ms(200));
    assert_eq!(wait(&throttled, 3, 1.0), ms(800));
    assert_eq!(wait(&throttled, 3, 0.0), ms(0));
    assert_eq!(wait(&throttled, 14, 1.0), ms(10_000));
    assert_eq!(wait(&throttled, 15, 1.0), None);
    assert_eq!(wait(&answered(Reason::Throttled, Some(700)), 1, 0.5), ms(800));
    assert_eq!(wait(&answered(Reason::Throttled, Some(300_000)), 1, 0.0), ms(300_000));
    assert_eq!(wait(&answered(Reason::Throttled, Some(300_001)), 1, 0.0), None);
    assert_eq!(wait(&answered(Reason::Unavailable, None), 4, 1.0), ms(1600));
    assert_eq!(wait(&answered(Reason::Unavailable, None), 5, 1.0), None);
}

#[test]
fn the_budget_ends_and_refills() {
    let budget = Budget::default();
    let fault = answered(Reason::Unavailable, None);
    assert_eq!((0..1000).filter(|_| budget.spend(&fault)).count(), 100);
    assert!(!budget.spend(&answered(Reason::Throttled, None)));
    budget.earn();
    assert!(budget.spend(&answered(Reason::Throttled, None)));
    assert!(!budget.spend(&fault));
}
