//! Operations as functions, `call` and `paginate`: what they take, send and give.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Value, json};

use super::bench::{Answer, Bench, ok, page, refused};
use crate::error::{Kind, Outcome};
use crate::script::Ended;

/// What stays when an operation's parameters are taken by position, from the outside facts.
fn by_position(operation: &Value) -> Vec<&str> {
    let parameters = operation["request"].as_array().unwrap();
    let is_plain = |p: &&Value| {
        let name = p["name"].as_str().unwrap();
        p["required"] == true && !name.contains('.') && !["PageNumber", "PageNum", "PageSize"].contains(&name)
    };
    parameters.iter().filter(is_plain).map(|p| p["name"].as_str().unwrap()).collect()
}

#[test]
fn every_operation_is_a_function_with_its_overloads_names_and_help() {
    let facts: Vec<Value> = serde_json::from_str(include_str!("../../../tests/golden/operations.facts.json")).unwrap();
    let host = Bench::idle().host();
    let metadata: Value = serde_json::from_str(&host.engine.gen_fn_metadata_to_json(false).unwrap()).unwrap();
    let mut forms: BTreeMap<String, BTreeSet<Vec<String>>> = BTreeMap::new();
    for function in metadata["functions"].as_array().unwrap() {
        let name = function["name"].as_str().unwrap();
        let parameters = function["params"].as_array().into_iter().flatten();
        let names: Vec<String> = parameters.map(|p| p["name"].as_str().unwrap_or("_").to_owned()).collect();
        let Some(operation) = facts.iter().find(|operation| operation["function"] == name) else {
            continue;
        };
        assert_eq!(function["returnType"], "map", "{name}");
        let help = function["docComments"][0].as_str().unwrap().trim_start_matches("/// ");
        assert!(!help.is_empty(), "{name}");
        let all: Vec<&str> =
            operation["request"].as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap()).collect();
        let listed = function["docComments"][1].as_str().unwrap();
        for parameter in all {
            assert!(listed.contains(parameter.split('.').next().unwrap()), "{name}: {listed} lacks {parameter}");
        }
        forms.entry(name.to_owned()).or_default().insert(names);
    }
    let expected: BTreeMap<String, BTreeSet<Vec<String>>> = facts
        .iter()
        .map(|operation| {
            let plain: Vec<String> = by_position(operation).into_iter().map(str::to_owned).collect();
            let with_rest = [plain.clone(), vec!["rest".to_owned()]].concat();
            let map = if plain.len() < 2 { vec![] } else { vec![vec!["params".to_owned()]] };
            let forms = [vec![plain, with_rest], map].concat();
            (operation["function"].as_str().unwrap().to_owned(), forms.into_iter().collect())
        })
        .collect();
    assert_eq!(expected.len(), 66);
    assert_eq!(forms, expected);
}

#[test]
fn a_call_takes_a_map_or_the_required_values_by_position() {
    for (script, sent) in [
        ("list_app()", "ListApp: PageNumber=None PageSize=None"),
        ("list_app(#{PageNumber: 2, PageSize: 5})", "ListApp: PageNumber=2 PageSize=5"),
        ("scale_app(3001, 4)", "ScaleApp: EnvId=3001 Replicas=4"),
        ("scale_app(#{EnvId: 3001, Replicas: 4})", "ScaleApp: EnvId=3001 Replicas=4"),
        ("scale_app(3001, 4, #{TotalPartitions: 2})", "ScaleApp: EnvId=3001 Replicas=4 TotalPartitions=2"),
        ("scale_app(3001, 4, #{TotalPartitions: ()})", "ScaleApp: EnvId=3001 Replicas=4 TotalPartitions=None"),
        ("describe_app_detail(7)", "DescribeAppDetail: AppId=7"),
        ("describe_app_detail(#{AppId: 7})", "DescribeAppDetail: AppId=7"),
        ("list_pods(5)", "ListPods: DeployOrderId=5"),
        ("list_pods(5, #{StatusList: [1, 2]})", "ListPods: DeployOrderId=5 StatusList.1=1 StatusList.2=2"),
        (r#"call("ScaleApp", #{EnvId: 1, Replicas: 2})"#, "ScaleApp: EnvId=1 Replicas=2"),
        (r#"call("scale_app", #{EnvId: 1, Replicas: 2})"#, "ScaleApp: EnvId=1 Replicas=2"),
        (r#"call("ListApp")"#, "ListApp: PageNumber=None"),
        (
            r#"call("RestartAppInstance", #{AppInstanceId: "x", Ids: [1, 2]})"#,
            "RestartAppInstance: AppInstanceId=x Ids.1=1 Ids.2=2",
        ),
        (r#"let f = |x| list_app(); f.call(1)"#, "ListApp: PageNumber=None"),
    ] {
        let bench = Bench::new(|_| ok(json!({"Result": {"Admitted": true}})));
        bench.value(script);
        let requests = bench.requests.lock().unwrap();
        let [request] = requests.as_slice() else { panic!("{script} sent {requests:?}") };
        let (action, names) = sent.split_once(": ").unwrap();
        let shown = names.split(' ').map(|pair| {
            let name = pair.split('=').next().unwrap();
            format!("{name}={}", request.params.get(name).map_or("None", String::as_str))
        });
        assert_eq!(
            format!("{}: {}", request.action, shown.collect::<Vec<_>>().join(" ")),
            format!("{action}: {names}"),
            "{script}"
        );
    }
}

#[test]
fn a_reply_is_a_map_with_every_documented_field() {
    let bench = Bench::new(|_| ok(json!({"Data": [{"AppId": "1", "Title": "商城", "New": [1]}], "TotalCount": 1})));
    assert_eq!(
        bench.value("let app = list_app().Data[0]; [app.AppId, app.Title, app.Language, app.New]"),
        json!([1, "商城", null, [1]])
    );
    assert_eq!(
        bench.value(r#"let app = list_app().Data[0]; [app.get("Foo"), app.get("Foo") ?? 3, "Foo" in app, "Title" in app, app.contains("Foo")]"#),
        json!([null, 3, false, true, false])
    );
}

/// Everything that a script gets wrong: the kind, the message and the hints.
#[test]
fn a_wrong_call_says_what_was_expected() {
    const SCALE: &str = "scale_app takes a map, or (EnvId, Replicas) and perhaps a map with the rest; it was given ";
    const OPS: &str = "`jst ops ScaleApp` shows its parameters";
    let bench = Bench::idle();
    let table: &[(&str, Kind, &str, &[&str])] = &[
        ("scale_app()", Kind::Invalid, &format!("{SCALE}()"), &[OPS]),
        ("scale_app(1)", Kind::Invalid, &format!("{SCALE}(int)"), &[OPS]),
        ("scale_app(1, #{Replicas: 1})", Kind::Invalid, &format!("{SCALE}(int, map)"), &[OPS]),
        ("scale_app(1, 2, 3)", Kind::Invalid, &format!("{SCALE}(int, int, int)"), &[OPS]),
        (r#"scale_app(1, 2, 3, "4")"#, Kind::Invalid, &format!("{SCALE}(int, int, int, text)"), &[OPS]),
        ("scale_app(1, 2, #{EnvId: 1})", Kind::Invalid, "EnvId is given twice: by position and in the map", &[]),
        ("scale_app(|x| x, 2)", Kind::Invalid, "a closure at EnvId cannot be data", &[]),
        (
            "list_app(1)",
            Kind::Invalid,
            "list_app takes a map of parameters; it was given (int)",
            &["`jst ops ListApp` shows its parameters"],
        ),
        ("list_app(#{A: [#{B: 1.0 / 0.0}]})", Kind::Invalid, "the number inf at A[0].B cannot be data", &[]),
        ("call(5)", Kind::Invalid, "an operation is named by text such as \"ScaleApp\", not 5", &[]),
        (r#"call("ListApp", 5)"#, Kind::Invalid, "parameters are a map such as #{EnvId: 1}, not 5", &[]),
        (r#"call("ListAp")"#, Kind::Invalid, "there is no operation `ListAp`", &["did you mean `ListApp`?"]),
        (
            r#"call("ListApp", #{}, 1)"#,
            Kind::Script,
            "`call` does not take (text, map, int)",
            &["it takes call(action: text, params: map) -> map, or call(action: text) -> map"],
        ),
        (r#"paginate("ScaleApp")"#, Kind::Invalid, "ScaleApp does not list: it cannot be paged", &[]),
        (
            r#"paginate("ListThings")"#,
            Kind::Invalid,
            "ListThings is not in the catalogue: how it pages is not known",
            &["call it page by page with call()"],
        ),
        ("paginate(1)", Kind::Invalid, "an operation is named by text such as \"ScaleApp\", not 1", &[]),
        ("parallel(1, |x| x)", Kind::Invalid, "parallel takes an array, not 1", &[]),
        (
            "parallel([1], 5)",
            Kind::Invalid,
            "parallel runs a closure, not 5",
            &["write it as |item| list_app_environment(item.AppId)"],
        ),
        ("parallel([1], 0, |x| x)", Kind::Invalid, "concurrency is an integer from 1 to 1024", &[]),
        (r#"parallel([1], "4", |x| x)"#, Kind::Invalid, "concurrency is an integer from 1 to 1024", &[]),
        (r#"call_all("ScaleApp", 5)"#, Kind::Invalid, "call_all takes an array of maps, not 5", &[]),
        (
            r#"call_all("ScaleApp", [], #{concurrent: 1})"#,
            Kind::Invalid,
            "call_all has no option `concurrent`",
            &["its one option is `concurrency`"],
        ),
        (
            r#"call_all("ScaleApp", [], #{concurrency: 5000})"#,
            Kind::Invalid,
            "concurrency is an integer from 1 to 1024",
            &[],
        ),
        ("list_ap()", Kind::Parse, "there is no function `list_ap`", &["did you mean `list_app`?"]),
        ("1.list_ap()", Kind::Script, "there is no function `list_ap`", &["did you mean `list_app`?"]),
        ("fn scaled(x) { x } scald(1)", Kind::Parse, "there is no function `scald`", &["did you mean `scaled`?"]),
        (r#""abc".frobnicate()"#, Kind::Script, "there is no function `frobnicate`", &[]),
        (
            r#"sleep("x")"#,
            Kind::Script,
            "`sleep` does not take (text)",
            &["it takes sleep(seconds: float), or sleep(seconds: int)"],
        ),
        ("let envs = [1]; envz", Kind::Parse, "there is no variable `envz`", &["did you mean `envs`?"]),
        ("x::y()", Kind::Parse, "there is no module `x`", &[]),
        (
            "rows::y()",
            Kind::Parse,
            "there is no module `rows`",
            &["begin the script with import \"std/rows\" as rows;"],
        ),
        (
            "import \"std/fleet\" as park; parc::envs()",
            Kind::Parse,
            "there is no module `parc`",
            &["did you mean `park`?"],
        ),
        (
            "flete::y()",
            Kind::Parse,
            "there is no module `flete`",
            &["did you mean `fleet`? Begin the script with import \"std/fleet\" as fleet;"],
        ),
        (
            "import \"std/list\" as l; l::sums([1])",
            Kind::Parse,
            "there is no function `l::sums`",
            &["did you mean `l::sum`?"],
        ),
        (
            "import \"std/fleet\" as fleet; fleet::envs()",
            Kind::Parse,
            "there is no function `fleet::envs`",
            &["it has choice, apps, clusters, each_environment, environments, instances, nodes"],
        ),
        (
            "parallel(0..3, |x| x)",
            Kind::Invalid,
            "parallel takes an array, not a range",
            &["(1..4).map(|n| n) is the array of a range"],
        ),
        (
            "#{Titel: 1}.Title",
            Kind::Script,
            "the map has no property `Title`",
            &["ask without risk by map.get(\"Title\")"],
        ),
        ("#{Title: 1}.Titel", Kind::Script, "the map has no property `Titel`", &["did you mean `Title`?"]),
        ("#{a: 1}.b", Kind::Script, "the map has no property `b`", &["ask without risk by map.get(\"b\")"]),
        ("#{call: 1}", Kind::Parse, "write the key `call` in quotes", &[]),
        (
            "let spawn = 1;",
            Kind::Parse,
            "`spawn` is a reserved word",
            &["calls are waited for; `parallel` runs many at once"],
        ),
        (
            r#"for app in paginate("ListApp") {}"#,
            Kind::Parse,
            "a loop with an empty body would hide every error of its list",
            &[],
        ),
        ("let x = ", Kind::Parse, "Script is incomplete", &[]),
    ];
    for (script, kind, message, hints) in table {
        let error = bench.error(script);
        let hinted: Vec<&str> = error.hints.iter().map(String::as_str).collect();
        assert_eq!((error.kind, error.message.as_str(), sorted(&hinted)), (*kind, *message, sorted(hints)), "{script}");
        assert!(error.trace.iter().any(|frame| frame.line == 1), "{script}: {:?}", error.trace);
    }
}

/// The forms of a function come in no order.
fn sorted(hints: &[&str]) -> Vec<Vec<String>> {
    let forms = |hint: &&str| {
        let mut forms: Vec<String> = hint.trim_start_matches("it takes ").split(", or ").map(str::to_owned).collect();
        forms.sort_unstable();
        forms
    };
    hints.iter().map(forms).collect()
}

#[test]
fn every_problem_of_a_call_is_reported_at_once() {
    let bench = Bench::idle();
    let error = bench.error(r#"scale_app(#{EnvId: "x", Replica: 3})"#);
    let problems: Vec<(&str, &str, Option<&str>)> =
        error.problems.iter().map(|p| (p.path.as_str(), p.message.as_str(), p.nearest.as_deref())).collect();
    assert_eq!(
        problems,
        [
            ("EnvId", "must be an integer", None),
            ("Replica", "is not a parameter of this operation", Some("Replicas")),
            ("Replicas", "is required: an integer", None),
        ]
    );
    assert_eq!((error.kind, error.outcome), (Kind::Invalid, Some(Outcome::NotSent)));
}

#[test]
fn a_failure_is_a_map_that_can_be_caught_and_thrown_on() {
    let bench = Bench::new(|_| refused(404, "no such environment"));
    let caught = r#"
        let seen = ();
        try { scale_app(1, 2); } catch (err) { seen = err; }
        seen"#;
    let seen = bench.value(caught);
    assert_eq!(
        seen,
        json!({"error": "api", "message": "no such environment", "code": 404, "operation": "ScaleApp",
            "request_id": "R-7", "http_status": 200, "outcome": "refused", "retryable": false, "attempts": 1,
            "hints": [], "problems": []})
    );
    let error = bench.error("try { scale_app(1, 2); } catch (err) { throw err; }");
    assert_eq!((error.kind, error.code.clone(), error.attempts), (Kind::Api, Some(json!(404)), 1));
    assert_eq!((error.trace[0].line, error.trace[0].column), (1, 40));
}

#[test]
fn paginate_is_lazy_and_fetches_one_page_ahead() {
    let bench = Bench::new(|request| page(request, 250));
    assert_eq!(bench.value(r#"paginate("ListApp"); 1"#), 1);
    assert_eq!(bench.seen("PageNumber"), Vec::<String>::new(), "nothing is fetched before it is needed");
    assert_eq!(
        bench.value(r#"let ids = []; for app in paginate("ListApp", #{}) { ids.push(app.AppId); } [ids.len(), ids[0], ids[249]]"#),
        json!([250, 1, 250])
    );
    assert_eq!(bench.seen("PageNumber"), ["ListApp 1", "ListApp 2", "ListApp 3"]);
    bench.requests.lock().unwrap().clear();
    assert_eq!(
        bench.value(r#"let n = 0; for app in paginate("ListApp", #{PageSize: 10}) { n += 1; if n == 5 { break; } } n"#),
        5
    );
    let seen = bench.seen("PageNumber");
    assert!(seen == ["ListApp 1"] || seen == ["ListApp 1", "ListApp 2"], "at most one page ahead: {seen:?}");
    // Walked again, the list is fetched again; as an array, it has every method of arrays.
    assert_eq!(
        bench.value(
            r#"let apps = paginate("ListApp"); apps.to_array().len() + apps.to_array().filter(|a| a.AppId < 3).len()"#
        ),
        252
    );
    assert_eq!(bench.eval(r#"paginate("ListApp", #{PageNumber: 3})"#), Ok(Ended::Value(json!(ids(201..=250)))));
}

fn ids(ids: std::ops::RangeInclusive<i64>) -> Vec<Value> {
    let bench = Bench::new(|request| page(request, 250));
    let all = bench.value(r#"paginate("ListApp").to_array()"#);
    all.as_array().unwrap().iter().filter(|app| ids.contains(&app["AppId"].as_i64().unwrap())).cloned().collect()
}

#[test]
fn the_next_page_is_on_its_way_while_a_script_works_on_this_one() {
    let fetched = Arc::new(AtomicI64::new(0));
    let seen = Arc::clone(&fetched);
    let bench = Bench::new(move |request| {
        if request.action == "ListApp" {
            seen.store(request.number("PageNumber"), Ordering::Release);
            return page(request, 6);
        }
        // Answered only when the second page was asked for: a walk without look-ahead would hang.
        let seen = Arc::clone(&seen);
        Answer::When(Box::new(move || seen.load(Ordering::Acquire) == 2), super::bench::success(json!({})))
    });
    let script = r#"for app in paginate("ListApp", #{PageSize: 3}) { if app.AppId == 1 { describe_app_detail(1); } }"#;
    bench.value(script);
    assert_eq!(fetched.load(Ordering::Acquire), 2);
}

#[test]
fn a_list_that_does_not_add_up_is_noticed() {
    let bench = Bench::new(|request| {
        let mut again = request.clone();
        again.params.insert("PageNumber".into(), "1".into());
        page(&again, 250)
    });
    let script = r#"let n = 0; let seen = ""; try { for app in paginate("ListApp") { n += 1; } } catch (e) { seen = e.message; } [n, seen]"#;
    assert_eq!(bench.value(script), json!([100, "ListApp: page 2 repeats an earlier page"]));
    let bench = Bench::new(|request| match request.number("PageNumber") {
        1 => page(request, 250),
        _ => refused(500, "gone"),
    });
    assert_eq!(bench.value(script), json!([100, "gone"]));
    // Uncaught, it is shown at the list, not in the loop.
    let error = bench.error("\nfor app in paginate(\"ListApp\") {\n  app.AppId;\n}");
    assert_eq!((error.trace[0].line, error.trace[0].column), (2, 12));
}
