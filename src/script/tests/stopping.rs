//! Ctrl-C, SIGTERM and the deadline end whatever a script does, at once and past every `catch`.

use std::time::{Duration, Instant};

use serde_json::json;

use super::bench::{Answer, Bench, ok, until};
use crate::clock::Clock;
use crate::error::{Error, Interrupt, Kind};
use crate::stop::Stop;

/// Each begins with a call, so that the test knows when it is under way; then it would never end.
const ENDLESS: &[&str] = &[
    "list_users(); loop {}",
    "list_users(); loop { try { loop {} } catch {} }",
    "list_users(); try { sleep(1e9); } catch {} loop { let x = 1; }",
    "list_users(); sleep(1e18);",
    "list_users(); sleep(1000000000000);",
    "list_users(); try { list_app(); } catch {} loop {}",
    "list_users(); for app in paginate(\"ListApp\") { print(app); }",
    "list_users(); try_call(\"ListApp\"); loop {}",
    "list_users(); try_call_all(\"ListApp\", [#{}, #{}]); loop {}",
    "list_users(); try_parallel([1, 2, 3], |x| if x == 1 { list_app() } else if x == 2 { sleep(1e9) } else { loop {} }); loop {}",
    "list_users(); parallel([1], |x| parallel([2], |y| try { loop {} } catch {}))",
    "list_users(); [2, 1].sort(|a, b| { loop {} })",
    // Each turn takes longer than the one before.
    "list_users(); let f = Fn(\"json\"); loop { f = Fn(\"json\").curry(f); }",
    "list_users(); let a = []; loop { a = [a, 1]; }",
    "list_users(); [1, 2].map(|a| { loop {} })",
];

fn endless(stop: Stop) -> Bench {
    let answers = |request: &super::bench::Request| match request.action.as_str() {
        "ListUsers" => ok(json!({})),
        _ => Answer::Never,
    };
    Bench::with(answers, stop, |config| {
        config.clock = std::sync::Arc::new(Clock::real());
        config.max_operations = u64::MAX;
    })
}

#[test]
fn a_stop_ends_everything() {
    for (script, interrupt) in ENDLESS.iter().zip([Interrupt::CtrlC, Interrupt::Terminate].into_iter().cycle()) {
        let bench = endless(Stop::default());
        let error = std::thread::scope(|scope| {
            let run = scope.spawn(|| bench.eval(script));
            until(|| !bench.requests.lock().unwrap().is_empty());
            bench.stop.set(Error::new(Kind::Interrupted(interrupt), "interrupted"));
            run.join().unwrap()
        });
        let error = error.unwrap_err();
        assert_eq!((error.kind, error.message.as_str()), (Kind::Interrupted(interrupt), "interrupted"), "{script}");
    }
}

#[test]
fn the_deadline_ends_everything() {
    for script in ENDLESS {
        let begun = Instant::now();
        let error = endless(Stop::new(Some(begun + Duration::from_millis(200)))).eval(script).unwrap_err();
        assert_eq!(error.kind, Kind::Interrupted(Interrupt::Deadline), "{script}");
        assert!(begun.elapsed() < Duration::from_secs(15), "{script} went on for {:?}", begun.elapsed());
    }
}

#[test]
fn nothing_is_sent_after_a_stop() {
    let bench = endless(Stop::default());
    bench.stop.set(Error::new(Kind::Interrupted(Interrupt::CtrlC), "interrupted"));
    for script in ["list_users()", "try { list_users() } catch {} list_users()", "call_all(\"ListUsers\", [#{}])"] {
        assert_eq!(bench.eval(script).unwrap_err().kind, Kind::Interrupted(Interrupt::CtrlC), "{script}");
    }
    assert!(bench.requests.lock().unwrap().is_empty());
    bench.stop.reset();
    bench.value("list_users()");
}
