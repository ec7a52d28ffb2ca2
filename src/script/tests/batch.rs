//! `call_all`, `parallel` and their `try_` forms.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::bench::{Answer, Bench, ok, refused, success};
use crate::error::Kind;
use crate::script::Ended;
use crate::show::errors::render;

/// A service that refuses environments with an even id.
fn odd() -> Bench {
    Bench::new(|request| match request.number("EnvId") {
        id if id % 2 == 0 => refused(102, "the environment is even"),
        id => ok(json!({"Result": {"Admitted": true, "DeployOrderId": id * 10}})),
    })
}

#[test]
fn results_come_in_the_order_of_the_items() {
    for script in [
        r#"call_all("ScaleApp", [5, 3, 1].map(|id| #{EnvId: id, Replicas: 1})).map(|r| r.Result.DeployOrderId)"#,
        r#"call_all("ScaleApp", [5, 3, 1].map(|id| #{EnvId: id, Replicas: 1}), #{concurrency: 1}).map(|r| r.Result.DeployOrderId)"#,
        "parallel([5, 3, 1], |id| scale_app(id, 1).Result.DeployOrderId)",
        "parallel([5, 3, 1], 2, |id| scale_app(id, 1).Result.DeployOrderId)",
        "try_parallel([5, 3, 1], 2, |id| scale_app(id, 1).Result.DeployOrderId).map(|r| r.value)",
        "fn id(e) { e.EnvId } parallel([5, 3, 1].map(|id| #{EnvId: id}), |e| id(e) * 10)",
        "parallel([5, 3, 1], 3, |x| parallel([x], 3, |y| parallel([y], |z| z * 10)[0])[0])",
    ] {
        assert_eq!(odd().value(script), json!([50, 30, 10]), "{script}");
    }
    for script in ["call_all(\"ScaleApp\", [])", "parallel([], |x| x)", "try_parallel([], |x| x)"] {
        assert_eq!(Bench::idle().value(script), json!([]), "{script}");
    }
}

#[test]
fn the_rest_finishes_and_every_failure_is_listed() {
    for (script, name) in [
        (r#"call_all("ScaleApp", [1, 2, 3, 4].map(|id| #{EnvId: id, Replicas: 1}))"#, "call_all"),
        ("parallel([1, 2, 3, 4], |id| scale_app(id, 1))", "parallel"),
    ] {
        let bench = odd();
        let error = bench.error(script);
        assert_eq!(
            (error.kind, error.message.as_str()),
            (Kind::Api, format!("2 of 4 items of {name} failed").as_str())
        );
        let failures: Vec<(String, &str)> =
            error.failures.iter().map(|(item, error)| (item.to_string(), error.message.as_str())).collect();
        assert_eq!(failures.len(), 2, "{script}: {failures:?}");
        assert!(failures.iter().all(|(_, message)| *message == "the environment is even"));
        assert!(failures[0].0.contains('2') && failures[1].0.contains('4'), "{failures:?}");
        assert_eq!(bench.requests.lock().unwrap().len(), 4, "{script}");
    }
}

#[test]
fn the_try_forms_give_one_outcome_for_each_item() {
    let outcome = |id: i64, error: Value, value: Value| json!({"ok": error.is_null(), "error": error, "value": value, "item": id});
    assert_eq!(
        odd().value(r#"try_parallel([1, 2, 3], |id| if id == 3 { throw "three" } else { scale_app(id, 1).Result.DeployOrderId }).map(|r| { r.error = if r.error == () { () } else if r.error.thrown != () { [r.error.error, r.error.message, r.error.outcome, r.error.thrown] } else { r.error.code }; r })"#),
        json!([outcome(1, json!(null), json!(10)), outcome(2, json!(102), json!(null)), outcome(3, json!(["script", "three", null, "three"]), json!(null))])
    );
    assert_eq!(
        odd().value(r#"try_call_all("ScaleApp", [#{EnvId: 1, Replicas: 1}, #{EnvId: 2, Replicas: 1}, #{EnvId: 3}, 5]).map(|r| [r.ok, r.item, if r.ok { r.value.Result.DeployOrderId } else { r.error.error }])"#),
        json!([[true, {"EnvId": 1, "Replicas": 1}, 10], [false, {"EnvId": 2, "Replicas": 1}, "api"], [false, {"EnvId": 3}, "invalid"], [false, 5, "invalid"]])
    );
    assert_eq!(
        odd().value(r#"let r = try_call("ScaleApp", #{EnvId: 2, Replicas: 1}); [r.ok, r.error.code, r.item.EnvId]"#),
        json!([false, 102, 2])
    );
    assert_eq!(odd().value(r#"try_call("ScaleApp", #{EnvId: 1, Replicas: 1}).value.Result.DeployOrderId"#), 10);
    // What the engine itself finds wrong is explained as well as anything.
    assert_eq!(
        odd().value("try_parallel([1], |id| id.scale_ap(1))[0].error.hints"),
        json!(["did you mean `scale_app`?"])
    );
    assert_eq!(
        odd().value("let e = try_parallel([1], |id|\n  scale_app(id))[0].error; [e.error, e.at]"),
        json!(["invalid", "test.rhai:2:3"])
    );
}

#[test]
fn the_gravest_failure_decides_the_kind() {
    let script =
        r#"parallel(["invalid", "network", "unknown_outcome", "api"], |kind| throw #{error: kind, message: kind})"#;
    assert_eq!(Bench::idle().error(script).kind, Kind::UnknownOutcome);
    let script = r#"parallel(["script", "invalid"], |kind| throw #{error: kind, message: kind})"#;
    assert_eq!(Bench::idle().error(script).kind, Kind::Invalid);
}

#[test]
fn failures_are_shown_with_their_items_and_places() {
    let error = odd().error("let ids = [1, 2, 4];\nparallel(ids, |id| {\n    scale_app(id, 1)\n});");
    assert_eq!(
        render(&error, false),
        "\
error: 2 of 3 items of parallel failed
 --> test.rhai:2:1
  |
2 | parallel(ids, |id| {
  | ^^^^^^^^
  |
  = note: 2 items, the first 2: the environment is even at test.rhai:3:5"
    );
}

#[test]
fn many_calls_are_under_way_at_once_and_no_more_than_asked_for() {
    for (script, expected) in [
        (r#"call_all("ListApp", (0..8).map(|n| #{}), #{concurrency: 4})"#, 4),
        (r#"let items = []; items.pad(8, #{}); call_all("ListApp", items, #{concurrency: 4}).len()"#, 4),
        ("let items = []; items.pad(8, 1); parallel(items, 3, |x| list_app()).len()", 3),
    ] {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (in_service, highest) = (Arc::clone(&now), Arc::clone(&most));
        let bench = Bench::new(move |_| {
            let begun = in_service.fetch_add(1, Ordering::AcqRel) + 1;
            highest.fetch_max(begun, Ordering::AcqRel);
            let (in_service, highest) = (Arc::clone(&in_service), Arc::clone(&highest));
            let done = move || {
                // Answers wait until as many are under way as ever will be.
                let go = highest.load(Ordering::Acquire) >= expected;
                if go {
                    in_service.fetch_sub(1, Ordering::AcqRel);
                }
                go
            };
            Answer::When(Box::new(done), success(json!({})))
        });
        if script.contains("(0..8)") {
            // Ranges are no arrays.
            assert_eq!(bench.error(script).kind, Kind::Script);
            continue;
        }
        assert_eq!(bench.value(script), 8, "{script}");
        assert_eq!(most.load(Ordering::Acquire), expected, "{script}");
    }
}

#[test]
fn an_end_passes_every_form() {
    for (script, expected) in [
        ("parallel([1, 2, 3], |x| exit(70))", Ok(Ended::Exit(70))),
        ("try_parallel([1, 2, 3], 1, |x| { if x == 2 { exit(64) } x })", Ok(Ended::Exit(64))),
        ("try { parallel([1], |x| try { exit() } catch {}) } catch {} 1", Ok(Ended::Exit(0))),
        ("try_parallel([1], |x| parallel([2], |y| exit(113)))", Ok(Ended::Exit(113))),
        ("fn f(x) { f(x) } try_parallel([1, 2], f)", Err(Kind::Limit)),
    ] {
        assert_eq!(Bench::idle().eval(script).map_err(|error| error.kind), expected, "{script}");
    }
    // What comes behind the end is not begun.
    let bench = Bench::new(|_| ok(json!({})));
    assert_eq!(bench.eval("parallel([1, 2, 3], 1, |x| { list_app(); exit(65); })"), Ok(Ended::Exit(65)));
    assert_eq!(bench.requests.lock().unwrap().len(), 1);
}

#[test]
fn what_closures_capture_is_each_threads_own_and_constant() {
    // Four calls wait for each other: none may hold what the others look at.
    let met = Arc::new(AtomicUsize::new(0));
    let bench = Bench::new(move |_| {
        met.fetch_add(1, Ordering::AcqRel);
        let met = Arc::clone(&met);
        Answer::When(Box::new(move || met.load(Ordering::Acquire).is_multiple_of(4)), success(json!({})))
    });
    for (script, expected) in [
        ("let f = |n| { list_app(); n + 1 }; parallel([1, 2, 3, 4], 4, |n| f.call(n))", json!([2, 3, 4, 5])),
        ("let m = #{f: |n| { list_app(); n }}; parallel([1, 2, 3, 4], 4, |n| m.f(n))", json!([1, 2, 3, 4])),
        (
            "let by = #{a: [1]}; let f = |n| { list_app(); by.a[0] + n }; let g = |n| f.call(n);
             parallel([1, 2, 3, 4], 4, |n| g.call(n))",
            json!([2, 3, 4, 5]),
        ),
        ("let n = 1; parallel([1, 2, 3, 4], 4, |x| { list_app(); x + n }); n = 2; n", json!(2)),
    ] {
        assert_eq!(bench.value(script), expected, "{script}");
    }
    let bench = Bench::idle();
    for (change, message) in [
        ("n += x", "`n` is a constant and cannot be changed"),
        ("l.push(x)", "`push` would change a constant"),
        ("add.call(x)", "`push` would change a constant"),
    ] {
        let script = format!(
            "let n = 0; let l = []; let add = |x| l.push(x); let work = |x| {{ {change}; }}; parallel([1], 1, work)"
        );
        let error = bench.error(&script);
        let [(_, failure)] = error.failures.as_slice() else { panic!("{error:#?}") };
        assert_eq!(failure.message, message, "{change}");
        assert!(failure.hints[0].ends_with("return values from it"), "{failure:?}");
        // Caught, it has the same words.
        let script = script.replace(change, &format!("try {{ {change} }} catch (error) {{ return error.message }}"));
        assert_eq!(bench.value(&script), json!([message]), "{change}");
    }
    // One that stands in the call is told before anything is done.
    let error = bench.error("let n = 0;\nlist_app();\nparallel([1], |x| {\n    n += x;\n});");
    assert_eq!((error.kind, error.message.as_str()), (Kind::Parse, "`n` is a constant and cannot be changed"));
    assert_eq!((error.trace[0].line, error.trace[0].column, bench.requests.lock().unwrap().len()), (4, 5, 0));
    // A closure that captured itself, and what is too large to be had by each.
    assert_eq!(bench.value("let f = 1; let g = |x| f; f = g; parallel([1], 1, |x| type_of(f))"), json!(["Fn"]));
    let bench = Bench::with(|_| ok(json!({})), crate::stop::Stop::default(), |config| config.max_memory = 24 << 20);
    let script = "let l = []; l.pad(50_000, 1); parallel([1, 2, 3], 3, |n| l[n]).len()";
    assert_eq!(bench.value(script), json!(3));
}

#[test]
fn a_captured_variable_in_use_elsewhere_is_an_error_with_a_way_out() {
    // The first closure holds the variable until the second has failed on it.
    let calls = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&calls);
    let bench = Bench::new(move |request| {
        if request.action == "ListUsers" {
            seen.store(2, Ordering::Release);
            return ok(json!({}));
        }
        let (seen, until) = (Arc::clone(&seen), if request.action == "ListApp" { 2 } else { 1 });
        if request.action == "ListApp" {
            seen.store(1, Ordering::Release);
        }
        Answer::When(Box::new(move || seen.load(Ordering::Acquire) >= until), success(json!({})))
    });
    let script = r#"
        let held = [1];
        let first = |n| held.retain(|x| { list_app(); true });
        let push = |n| held.push(n);
        let second = |push| {
            describe_app_detail(1);
            let failed = ();
            try { push.call(2); } catch (error) { failed = error; }
            list_users();
            if failed != () { throw failed; }
        };
        parallel([[first, 1], [second, push]], 2, |work| work[0].call(work[1]))"#;
    let error = bench.error(script);
    let [(_, failure)] = error.failures.as_slice() else { panic!("{error:#?}") };
    assert_eq!(
        (failure.kind, failure.message.as_str()),
        (Kind::Script, "a captured variable was in use elsewhere at the same time")
    );
    assert_eq!(failure.hints, ["return values from the closure instead of changing captured variables"]);
}
