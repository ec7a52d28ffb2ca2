//! What a script shows while it works: rows that are printed as they come, and how far it is.

use std::io::{BufRead as _, BufReader};

use crate::support::{Behaviour, Server, Simulator, jst};
use crate::terminal::Terminal;

/// A page of applications, of three that there are.
fn page(ids: &[u32]) -> Behaviour {
    let records: Vec<String> = ids.iter().map(|id| format!(r#"{{"AppId":{id},"Title":"shop {id}"}}"#)).collect();
    let list = records.join(",");
    let body = format!(r#"{{"Code":0,"PageNumber":1,"PageSize":2,"TotalCount":3,"Data":[{list}]}}"#);
    Behaviour::Answer(200, "", body)
}

const PRINT: &str = r#"print_rows(paginate("ListApp", #{ PageSize: 2 }), ["AppId", "Title"]);"#;

/// What each output makes of the rows, and its first line.
const FORMS: [(&str, &str); 4] = [
    ("table", " AppId  Title\n───────────────\n 1      shop 1\n 2      shop 2\n 3      shop 3\n"),
    (
        "json",
        r#"[
  {
    "AppId": 1,
    "Title": "shop 1"
  },
  {
    "AppId": 2,
    "Title": "shop 2"
  },
  {
    "AppId": 3,
    "Title": "shop 3"
  }
]
"#,
    ),
    (
        "jsonl",
        "{\"AppId\":1,\"Title\":\"shop 1\"}\n{\"AppId\":2,\"Title\":\"shop 2\"}\n{\"AppId\":3,\"Title\":\"shop 3\"}\n",
    ),
    ("csv", "AppId,Title\n1,shop 1\n2,shop 2\n3,shop 3\n"),
];

#[test]
fn rows_of_pages_are_those_of_a_list() {
    for (form, expected) in FORMS {
        for script in [PRINT, &PRINT.replace("2 })", "2 }).to_array()")] {
            let server = Server::new(vec![page(&[1, 2]), page(&[3])]);
            let ran = jst(["--output", form, "eval", script]).fake_key().env("JST_ENDPOINT", server.url()).run();
            assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), expected), "{form} {script}\n{}", ran.stderr);
        }
    }
}

#[test]
fn rows_of_pages_are_printed_before_the_last_page_is_read() {
    for (form, expected) in FORMS.into_iter().filter(|(form, _)| *form != "table") {
        let server = Server::new(vec![page(&[1, 2]), Behaviour::Stall]);
        let (mut child, _home) =
            jst(["--output", form, "eval", PRINT]).fake_key().env("JST_ENDPOINT", server.url()).start();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // All of the first page, but for a row whose comma is not known yet.
        let come = if form == "csv" {
            3
        } else if form == "json" {
            5
        } else {
            2
        };
        let came: Vec<String> = lines.by_ref().take(come).map(Result::unwrap).collect();
        assert_eq!(came, expected.lines().take(come).collect::<Vec<_>>(), "{form}");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[test]
fn rows_that_break_off_are_seen_to() {
    for (form, expected) in FORMS {
        let refused = r#"{"Code":10500,"Success":false,"ErrMsg":"busy"}"#.to_owned();
        let server = Server::new(vec![page(&[1, 2]), Behaviour::Answer(200, "", refused)]);
        let ran = jst(["--output", form, "eval", PRINT]).fake_key().env("JST_ENDPOINT", server.url()).run();
        let first_page = match form {
            "table" => "",
            "json" => expected.split_once("  },\n  {\n    \"AppId\": 3").unwrap().0,
            _ => expected.split_once(if form == "csv" { "3," } else { "{\"AppId\":3" }).unwrap().0,
        };
        let first_page = if form == "json" { format!("{first_page}  }}\n") } else { first_page.to_owned() };
        assert_eq!((ran.code, ran.stdout), (Some(10), first_page), "{form} {}", ran.stderr);
        assert!(ran.stderr.contains("busy"), "{}", ran.stderr);
    }
}

#[test]
fn no_rows_are_what_no_list_is() {
    for (form, all, wanted) in
        [("table", "", " a\n───\n"), ("json", "[]\n", "[]\n"), ("jsonl", "", ""), ("csv", "", "a\n")]
    {
        for list in ["[]", r#"paginate("ListApp")"#] {
            for (columns, expected) in [("", all), (r#", ["a"]"#, wanted)] {
                let server =
                    Server::new(vec![Behaviour::Answer(200, "", r#"{"Code":0,"TotalCount":0,"Data":[]}"#.into())]);
                let script = format!("print_rows({list}{columns});");
                let ran = jst(["--output", form, "eval", &script]).fake_key().env("JST_ENDPOINT", server.url()).run();
                assert_eq!(ran.ok(), expected, "{form} {script}");
            }
        }
    }
}

#[test]
fn a_column_that_comes_late_is_told_of() {
    let late = r#"{"Code":0,"TotalCount":2,"Data":[{"AppId":2,"Tier":"x"}]}"#;
    let first = r#"{"Code":0,"TotalCount":2,"Data":[{"AppId":1}]}"#;
    let server = Server::new([first, late].map(|body| Behaviour::Answer(200, "", body.to_owned())).into());
    let script = r#"print_rows(paginate("ListApp", #{ PageSize: 1 }));"#;
    let ran = jst(["--output", "csv", "eval", script]).fake_key().env("JST_ENDPOINT", server.url()).run();
    assert_eq!((ran.code, ran.stdout.lines().count()), (Some(0), 3), "{ran:#?}");
    let told =
        "print_rows: the column `Tier` came behind the line of names and is left out; name the columns to have it";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    let script = script.replace("}))", "}), [\"Nmae\"])");
    let ran = jst(["--output", "csv", "eval", &script]).fake_key().env("JST_ENDPOINT", server.url()).run();
    assert!(ran.stderr.contains("print_rows has no column `Nmae`; the rows have AppId, "), "{}", ran.stderr);
}

#[test]
fn the_inventory_is_printed_before_its_last_page_is_read() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/inventory.rhai");
    for (form, first) in
        [("jsonl", "{\"Cluster\":\"c-demo-test\",\"Id\":\"3001\","), ("csv", "Kind,Id,Name,In,Type,Region,Cluster")]
    {
        // The environments of more applications than are read at once; some of the last never come.
        let sim =
            Simulator::new(&["--fleet", "apps=60,envs=1", "--fault", "ListAppEnvironment:stall:count=60:ms=3600000"]);
        let args = ["run", "-q", script, "--form", form, "--kind", "environment"];
        let (mut child, _home) = sim.jst(&args).start();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let came: Vec<String> = lines.by_ref().take(20).collect();
        assert!(came.len() == 20 && came[0].starts_with(first), "{came:?}");
        assert_eq!(child.try_wait().unwrap(), None, "its last page is still awaited");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

/// Twenty steps of ten simulated seconds.
const STEPS: &str =
    r#"for n in range(0, 20) { progress(n, 20, "商城"); sleep(10); } log::info("half-way"); progress(20, 20);"#;

#[test]
fn progress_at_a_terminal_is_one_line_that_goes() {
    let script = STEPS.replace("sleep(10);", "let w = 0; for i in 0..30000 { w += i; }");
    let mut terminal = Terminal::new(jst(["--sim", "eval", &script]));
    let (code, said) = terminal.end();
    assert_eq!(code, Some(0), "{said:?}");
    let before = said.split("half-way").next().unwrap();
    let bars = before.matches("\r\u{1b}[K░").count() + before.matches("\r\u{1b}[K█").count();
    assert!(bars >= 1 && before.contains("░ 0 of 20 (0 %) 商城"), "{said:?}");
    // It never goes to a line of its own: what follows begins where it stood.
    let (_, last) = before.rsplit_once(" 商城").unwrap();
    assert!(last.starts_with("\r\u{1b}[K"), "{said:?}");
    assert!(!before.contains('\n') && said.ends_with("half-way\r\n"), "{said:?}");
}

#[test]
fn progress_elsewhere_is_a_line_a_minute() {
    let ran = jst(["--sim", "eval", STEPS]).run();
    let said: Vec<&str> =
        ran.stderr.lines().filter_map(|line| line.split_once(" of 20 ").map(|(before, _)| before)).collect();
    let done: Vec<&str> = said.iter().map(|line| line.rsplit(' ').next().unwrap()).collect();
    assert_eq!((ran.code, done), (Some(0), vec!["6", "12", "18", "20"]), "{}", ran.stderr);
    let quiet = jst(["--sim", "-q", "eval", STEPS]).run();
    assert_eq!((quiet.code, quiet.stderr.as_str()), (Some(0), ""));
}
