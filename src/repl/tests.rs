#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use serde_json::json;

use super::*;
use crate::error::Interrupt;
use crate::script::tests::bench::{Answer, Bench, ok, until};
use crate::show::errors;
use crate::show::log::LogFormat;

/// A script of inputs: what is entered, in order.
struct Entered {
    lines: VecDeque<Line>,
    prompts: Rc<RefCell<Vec<String>>>,
    kept: Rc<RefCell<Vec<String>>>,
}

impl Input for Entered {
    fn line(&mut self, prompt: &str, _: &str) -> Result<Line> {
        self.prompts.borrow_mut().push(prompt.to_owned());
        Ok(self.lines.pop_front().unwrap_or(Line::Ended))
    }

    fn remember(&mut self, piece: &str) {
        self.kept.borrow_mut().push(piece.to_owned());
    }
}

/// What came of it.
#[derive(Default)]
struct Came {
    code: u8,
    printed: Vec<Value>,
    text: String,
    errors: String,
    prompts: Vec<String>,
    kept: Vec<String>,
}

fn config(bench: &Bench, interactive: bool, printed: &Rc<RefCell<Vec<Value>>>) -> ReplConfig {
    let (printed, in_full) = (Rc::clone(printed), Rc::clone(printed));
    ReplConfig {
        name: "sim".to_owned(),
        history: None,
        interactive,
        is_plain: false,
        editor: String::new(),
        say: Box::new(|error| errors::line(error, LogFormat::Text, false)),
        stop: Arc::clone(&bench.stop),
        print: Box::new(move |value| {
            printed.borrow_mut().push(value.clone());
            Ok(())
        }),
        print_all: Box::new(move |value| {
            in_full.borrow_mut().push(json!({"all": value}));
            Ok(())
        }),
        help: Box::new(|name| (name == "ScaleApp").then(|| "all about ScaleApp\n".to_owned())),
        operations: Box::new(|word| match word {
            "nothing" => json!([]),
            _ => json!([{"Action": "ListApp"}]),
        }),
    }
}

fn enter(bench: &Bench, interactive: bool, lines: Vec<Line>) -> Came {
    let (printed, prompts, kept) = <(Rc<RefCell<_>>, Rc<RefCell<_>>, Rc<RefCell<_>>)>::default();
    let config = config(bench, interactive, &printed);
    let mut input = Entered { lines: lines.into(), prompts: Rc::clone(&prompts), kept: Rc::clone(&kept) };
    let came = driven(bench, &config, &mut input);
    Came { printed: printed.take(), prompts: prompts.take(), kept: kept.take(), ..came }
}

fn typed(lines: &[&str]) -> Came {
    enter(&Bench::new(|_| ok(json!({}))), true, lines.iter().map(|line| Line::Text((*line).to_owned())).collect())
}

fn piped(text: &str) -> Came {
    let bench = Bench::new(|_| ok(json!({})));
    let printed = Rc::default();
    let config = config(&bench, false, &printed);
    let came = driven(&bench, &config, &mut Piped::new(text.as_bytes()));
    Came { printed: printed.take(), ..came }
}

fn driven(bench: &Bench, config: &ReplConfig, input: &mut dyn Input) -> Came {
    let (mut text, mut errors) = (Vec::new(), Vec::new());
    let session = Arc::new(Mutex::new(bench.session()));
    let mut output = Output { text: &mut text, errors: &mut errors };
    let code = drive(&session, config, input, &mut output).unwrap();
    let [text, errors] = [text, errors].map(|bytes| String::from_utf8(bytes).unwrap());
    Came { code, text, errors, ..Came::default() }
}

#[test]
fn pieces_may_span_lines_and_errors_cost_nothing() {
    let came = typed(&["let x = 2;", "fn twice(n) {", "    n * 2", "}", "", "nothing", "twice(x)", "()"]);
    assert_eq!((came.code, came.printed), (0, vec![json!(4)]));
    assert!(came.errors.starts_with("error: there is no variable `nothing`\n --> input:5:1\n"), "{}", came.errors);
    assert_eq!(came.prompts[..4], ["sim> ", "sim> ", "   > ", "   > "]);
    assert_eq!(came.kept[1], "fn twice(n) {\n    n * 2\n}");
}

#[test]
fn ctrl_c_forgets_the_piece_and_ctrl_d_leaves() {
    let text = |text: &str| Line::Text(text.to_owned());
    let lines =
        [text("fn f() {"), Line::Cancelled, text("1 + 1"), text("[1,"), Line::Ended, text("3"), Line::Ended, text("4")];
    let came = enter(&Bench::idle(), true, lines.into());
    assert_eq!((came.code, came.printed, came.errors.as_str()), (0, vec![json!(2), json!(3)], ""));
}

#[test]
fn commands_are_no_code() {
    let came =
        typed(&[":ops", ":help ScaleApp", ":help unix_time", ":help", ":nothing", ":help scale_ap", ":quit", "1"]);
    assert_eq!(came.printed, [json!([{"Action": "ListApp"}])]);
    let explained = "all about ScaleApp\nunix_time() -> int\nThe same time as seconds since 1970.\n";
    let list = came.text.strip_prefix(explained).unwrap();
    for (command, _) in commands::COMMANDS {
        assert!(list.contains(command), "{command}");
    }
    assert_eq!(
        came.errors,
        "\
error: there is no command `:nothing`
 |
 = help: `:help` lists them
error: there is no operation or function `scale_ap`
 |
 = help: did you mean `scale_app`?
"
    );
    assert_eq!(came.code, 0);
}

#[test]
fn secrets_are_not_kept() {
    let came = typed(&[
        "let a = #{Password: \"hunter2-example\"};",
        "let access_key_secret = 1;",
        "create_cluster(\"JST\", \"pw\")",
        "creat_cluster(\"JST\", \"pw\")",
        "call(\"CreateCluster\", \"pw\")",
        "try_call(\"ResetThing\", #{Pwd: \"hunter3-example\"});",
        "let c = \"hunter3-example\";",
        "let b = 1;",
        "list_app(#{NextToken: \"x\"});",
        ":help",
        ":help create_cluster",
    ]);
    assert_eq!(came.kept, ["let b = 1;", "list_app(#{NextToken: \"x\"});", ":help", ":help create_cluster"]);
}

#[test]
fn a_pipe_is_run_to_its_end_and_the_first_failure_decides_the_code() {
    for (text, code, printed, errors) in [
        ("let x = 1;\nx + 1\n", 0, vec![json!(2)], 0),
        ("fn f() {\n  5\n}\nf()", 0, vec![json!(5)], 0),
        ("1\nfoo()\n2\n", 1, vec![json!(1), json!(2)], 1),
        ("1\nfoo()\nlet x = ;\n2\n", 1, vec![json!(1)], 2),
        ("let x = ;\nfoo()\n", 3, vec![], 1),
        // The rest of a block that is wrong does not run on its own.
        ("fn f() {\n  let = 1;\n  5;\n}\n6", 3, vec![], 1),
        ("fn f() {\n  let x = \"open;\n  5\n}\n6", 3, vec![], 1),
        ("1\nexit(70)\n2\n", 70, vec![json!(1)], 0),
        ("foo()\nexit()\n", 0, vec![], 1),
        ("1\nfn f() {\n", 3, vec![json!(1)], 1),
        ("foo()\nfn f() {\n", 1, vec![], 2),
        (":help ScaleApp\r\n1\r\n", 0, vec![json!(1)], 0),
        (":nothing\n", 2, vec![], 1),
        ("", 0, vec![], 0),
        ("\u{feff}1\n", 0, vec![json!(1)], 0),
        ("// a remark\n\n", 0, vec![], 0),
    ] {
        let came = piped(text);
        assert_eq!((came.code, &came.printed), (code, &printed), "{text}");
        assert_eq!(came.errors.matches("error: ").count(), errors, "{text}: {}", came.errors);
    }
    assert!(piped("fn f() {").errors.contains("the input ends in the middle of a statement"));
}

#[test]
fn a_stop_ends_what_runs_and_not_the_repl_unless_it_is_final() {
    for (interrupt, code, printed) in
        [(Interrupt::CtrlC, 0, vec![json!(2)]), (Interrupt::Terminate, 143, vec![]), (Interrupt::Deadline, 41, vec![])]
    {
        let bench = Bench::new(|_| Answer::Never);
        // One that came before the piece began is not meant for it.
        bench.stop.set(Error::new(Kind::Interrupted(Interrupt::CtrlC), "interrupted"));
        let came = std::thread::scope(|scope| {
            scope.spawn(|| {
                until(|| !bench.requests.lock().unwrap().is_empty());
                bench.stop.set(Error::new(Kind::Interrupted(interrupt), "interrupted"));
            });
            let lines = ["let x = 1;", "list_app();", "x + 1"].map(|line| Line::Text(line.to_owned()));
            enter(&bench, true, lines.into())
        });
        assert_eq!((came.code, came.printed), (code, printed));
        assert!(came.errors.starts_with("error: interrupted\n"), "{}", came.errors);
    }
}
