//! What a person at the prompt meets, in a real pseudo-terminal.

use rustix::process::Signal;

use crate::support::{Jst, jst};
use crate::terminal::Terminal;

/// A session on the simulator.
fn session() -> Jst {
    jst(["--sim", "repl"])
}

/// A session that has come to its prompt.
fn at_prompt(jst: Jst) -> Terminal {
    let mut terminal = Terminal::new(jst);
    terminal.wait_for("sim> ");
    terminal
}

/// A call that is asked about.
const DELETE: &str = r#"delete_node_label(#{ClusterId: "c-demo-test", LabelKey: "label.jst.com/zone", LabelValue: "web", Force: true}).RequestId.len() > 0"#;

#[test]
fn whatever_ends_the_process_leaves_the_terminal_as_it_was() {
    for term in ["xterm", "dumb"] {
        for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::QUIT, 131)] {
            let mut terminal = at_prompt(session().env("TERM", term));
            let (ended, said) = terminal.signal(signal).end();
            assert_eq!(ended, Some(code), "{signal:?} {term}: {said}");
            assert!(said.contains("error: "), "{said:?}");
        }
        let mut terminal = Terminal::new(jst(["--sim", "--deadline", "300ms", "repl"]).env("TERM", term));
        let (ended, said) = terminal.end();
        assert_eq!(ended, Some(41), "{term}: {said}");
        for (last, code) in [("exit(70)\r", 70), (":quit\r", 0), ("exit\r", 0), ("\x04", 0)] {
            let mut terminal = at_prompt(session().env("TERM", term));
            assert_eq!(terminal.send(last).end().0, Some(code), "{last:?} {term}");
        }
    }
}

#[test]
fn a_terminal_that_goes_away_ends_the_session() {
    for term in ["xterm", "dumb"] {
        assert_eq!(at_prompt(session().env("TERM", term)).hang_up(), Some(129), "{term}");
    }
}

#[test]
fn ctrl_c_only_clears() {
    for term in ["xterm", "dumb"] {
        let mut terminal = at_prompt(session().env("TERM", term));
        terminal.enter("let x = 41;");
        for unfinished in ["", "let y = 1", "fn f() {\r", ""] {
            terminal.send(unfinished);
            if unfinished.ends_with('\r') {
                // Asked for the next line: what a terminal throws away at Ctrl-C is not the prompt then.
                terminal.wait_for("   > ");
            }
            terminal.send("\x03").wait_for("sim> ");
        }
        terminal.send("print(\"begun\"); loop {}\r");
        terminal.wait_for("\nbegun");
        terminal.send("\x03\x03").wait_for("interrupted");
        terminal.wait_for("sim> ");
        assert!(terminal.enter("x + 1").contains("42"), "{term}");
        assert_eq!(terminal.send("\x04").end().0, Some(0));
    }
}

#[test]
fn ctrl_c_at_a_question_means_no_and_keeps_the_session() {
    let mut terminal = at_prompt(session());
    terminal.enter("let x = 41;");
    for answer in ["\x03", "n\r", "\r", "\x04"] {
        terminal.send(&format!("{DELETE}\r")).wait_for("[N]o: ");
        let said = terminal.send(answer).wait_for("sim> ");
        assert!(said.contains("error: "), "{answer:?}: {said}");
    }
    assert!(terminal.enter("x + 1").contains("42"));
    terminal.send(&format!("{DELETE}\r")).wait_for("[N]o: ");
    assert!(terminal.send("y\r").wait_for("sim> ").contains("true"));
    for (signal, code) in [(Signal::TERM, 143), (Signal::QUIT, 131)] {
        let mut terminal = at_prompt(session());
        terminal.send(&format!("{DELETE}\r")).wait_for("[N]o: ");
        assert_eq!(terminal.signal(signal).end().0, Some(code));
    }
}

#[test]
fn a_run_that_asks_ends_as_it_is_answered() {
    for (answer, code) in [("y\r", 0), ("n\r", 30), ("\x03", 130), ("\x04", 30)] {
        let mut terminal = Terminal::new(jst(["--sim", "eval", DELETE]));
        terminal.wait_for("[N]o: ");
        assert_eq!(terminal.send(answer).end().0, Some(code), "{answer:?}");
    }
}

#[test]
fn lines_typed_ahead_run_in_their_turn() {
    let lines: String = (1..=80).map(|n| format!("n += {n};\r")).collect();
    // All at once at the prompt, as an unmarked paste, and while something runs.
    for before in ["", "sleep(0.01); print(\"begun\"); let w = 0; for i in 0..200000 { w += i; }\r"] {
        let mut terminal = at_prompt(session());
        terminal.enter("let n = 0;");
        terminal.send(before).send(&lines).send("print(`sum ${n}`)\r");
        terminal.wait_for("\nsum 3240");
    }
    let mut terminal = at_prompt(session());
    terminal.send("fn twice(n) {\r\n\tn * 2\r}\rtwice(21)\r").wait_for("\n42");
    // What is not yet a line can be gone on with.
    terminal.wait_for("sim> ");
    terminal.send("print(\"begun\"); let w = 0; for i in 0..200000 { w += i; }\r1 + ").wait_for("\nbegun");
    terminal.send("2\r").wait_for("\n3");
}

#[test]
fn lines_typed_ahead_are_no_answer() {
    let mut terminal = at_prompt(session());
    let first = format!("print(\"begun\"); let w = 0; for i in 0..200000 {{ w += i; }} {DELETE}\r");
    terminal.send(&first).wait_for("\nbegun");
    let said = terminal.send("let y = 5;\rprint(y + 1)\r").wait_for("\n6");
    assert!(said.contains("it is not asked for while lines wait") && said.contains("error: "), "{said}");
}

#[test]
fn nothing_shown_steers_the_terminal() {
    // A title, C1's form of an escape, a line begun again, writing turned around.
    const EVIL: &str = r"\x1b]0;title\x07\u009b31m\rforged\u202e";
    let shown = |text: &str| {
        let ours = ["\x1b[?2004h", "\x1b[?2004l", "\x1b[?2026h", "\x1b[?2026l", "\x1b[K"];
        let text = ours.iter().fold(text.to_owned(), |text, ours| text.replace(ours, ""));
        text.replace("\r\n", "\n").trim_matches('\r').to_owned()
    };
    let steers = |text: &str| text.chars().any(|c| c != '\n' && (c.is_control() || c == '\u{202e}'));
    let mut terminal = at_prompt(session());
    terminal.enter(&format!("let evil = \"{EVIL}\";"));
    for code in [
        "evil",
        "[evil]",
        "#{ [evil]: 1 }",
        "let m = #{}; m[evil] = evil; m",
        "[m, m]",
        "#{ Data: [m], `x`: evil }",
        "print(evil)",
        "debug(evil)",
        "log::info(evil)",
        "throw evil",
        "throw m",
        "call(evil)",
        "env(evil)",
        "m.nothing(evil)",
        "parse_time(evil)",
        "import evil as x;",
        ":all",
        "try_call_all(\"ScaleApp\", [m])",
        "call_all(\"ScaleApp\", [m])",
    ] {
        let said = terminal.enter(code);
        assert!(!steers(&shown(&said)), "{code}: {said:?}");
    }
    assert_eq!(shown(&terminal.enter("print(\"a\\n\\tb\")")), "a\n\tb\n");
}

#[test]
fn text_is_shown_with_its_line_breaks() {
    let mut terminal = at_prompt(session());
    assert!(terminal.enter("\"one\\ntwo\"").contains("one\r\ntwo\r\n"));
    let table = terminal.enter("table([#{ A: 1, B: 2 }])");
    assert!(table.contains(" A  B\r\n──────\r\n 1  2\r\n"), "{table:?}");
}

#[test]
fn many_records_are_cut_with_a_count() {
    let mut terminal = at_prompt(session());
    terminal.enter("let r = []; for i in 0..10000 { r.push(#{ Id: i }); }");
    let said = terminal.enter("r");
    assert!(said.lines().count() < 110 && said.contains("(the first 100 of 10000 records; :all shows all)"), "{said}");
    assert!(terminal.enter("r.map(|e| e.Id)").contains("(the first 100 of 10000 values; :all shows all)"));
    terminal.enter("let s = r.filter(|e| e.Id < 101); s");
    assert!(terminal.enter(":all").contains("\"Id\": 100\r\n"));
}

#[test]
fn tables_fit_the_terminal() {
    for columns in [40, 80, 120] {
        let mut terminal = Terminal::sized(session(), 60, columns);
        terminal.wait_for("sim> ");
        for code in ["list_app_environment(1001)", "list_cluster()", "list_app()", "describe_app_detail(1001)", ":ops"]
        {
            let said = terminal.enter(code);
            let lines = said.lines().map(|line| line.trim_start_matches("\x1b[?2004l").trim_end_matches('\r'));
            let widest = lines.filter(|line| !line.contains('\x1b')).map(unicode_width::UnicodeWidthStr::width).max();
            assert!(widest <= Some(columns.into()), "{code} on {columns}: {said}");
            assert!(!said.contains("error"), "{said}");
        }
    }
}

#[test]
fn a_plain_terminal_gets_no_colours() {
    let mut terminal =
        Terminal::coloured(jst(["--sim", "eval", "log::warn(\"careful\"); throw 1"]).env("TERM", "dumb"));
    let (_, said) = terminal.end();
    assert!(!said.contains('\x1b') && said.contains("careful"), "{said:?}");
    let mut terminal = Terminal::coloured(jst(["--sim", "eval", "throw 1"]));
    assert!(terminal.end().1.contains('\x1b'));
}

#[test]
fn what_was_entered_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().to_str().unwrap();
    let history = folder.path().join("jst/history");
    std::fs::create_dir_all(history.parent().unwrap()).unwrap();
    std::fs::write(&history, b"#V2\nprint(\"first\")\n\xff\xfe\nprint(\"second\")\n").unwrap();
    let session = || session().env("XDG_STATE_HOME", state);
    let mut terminal = Terminal::new(session());
    assert!(terminal.wait_for("sim> ").contains("a line that is no text"));
    terminal.send("\x1b[A\r").wait_for("\nsecond");
    terminal.wait_for("sim> ");
    terminal.enter("let y = 7;");
    terminal.send("\x04").end();
    assert!(std::fs::read_to_string(&history).is_err());
    let kept = String::from_utf8_lossy(&std::fs::read(&history).unwrap()).into_owned();
    assert!(kept.ends_with("print(\"second\")\nlet y = 7;\n"), "{kept}");
    // Where nothing can be kept, it is said once.
    std::fs::remove_dir_all(folder.path().join("jst")).unwrap();
    std::fs::write(folder.path().join("jst"), "").unwrap();
    let mut terminal = Terminal::new(session());
    let mut said = terminal.wait_for("sim> ");
    for line in ["1", "2", "3"] {
        said.push_str(&terminal.enter(line));
    }
    assert_eq!(said.matches("nothing is kept").count(), 1, "{said}");
}

#[test]
fn what_people_type_is_understood() {
    let mut terminal = at_prompt(session());
    for (line, says) in [
        ("help", ":ops"),
        ("?", ":ops"),
        ("?scale_app", "ScaleApp (scale_app)"),
        (":help ListApp", "PageNumber: int"),
        (":ops rds", "DescribeRdsAccounts"),
        (":ops no-such-word", "no operation tells of `no-such-word`"),
        ("list_app(1)", "`:help ListApp` shows its parameters"),
        (":hlep", "did you mean `:help`?"),
    ] {
        let said = terminal.enter(line);
        assert!(said.contains(says), "{line}: {said}");
        assert!(!said.contains("jst ops"), "{line}: {said}");
    }
    assert!(!terminal.enter(":ops rds").contains("ScaleApp"));
    assert_eq!(terminal.send("quit\r").end().0, Some(0));
    for leave in [":q\r", "exit\r", "quit()\r", ":exit\r"] {
        assert_eq!(at_prompt(session()).send(leave).end().0, Some(0), "{leave}");
    }
}

#[test]
fn ctrl_d_clears_an_unfinished_piece_first() {
    for term in ["xterm", "dumb"] {
        let mut terminal = at_prompt(session().env("TERM", term));
        terminal.send("fn f() {\r").wait_for("   > ");
        terminal.send("\x04").wait_for("sim> ");
        assert!(terminal.enter("1 + 1").contains('2'));
        assert_eq!(terminal.send("\x04").end().0, Some(0));
    }
}

#[test]
fn a_block_is_edited_in_the_editor_of_choice() {
    let mut terminal = at_prompt(session().env("VISUAL", "sed -i s/40/41/"));
    terminal.send("fn f() {\r").wait_for("   > ");
    terminal.send("    40 }\x18\x05").wait_for("sim> ");
    assert!(terminal.enter("f() + 1").contains("42"));
    // A block that is taller than the screen says how.
    let block: String = (0..40).map(|n| format!("let a{n} = {n};\r\n")).collect();
    terminal.send("if true {\r").wait_for("   > ");
    for line in block.lines() {
        terminal.send(&format!("{line}\r")).wait_for("   > ");
    }
    terminal.send("}\r").wait_for("sim> ");
    terminal.send("\x1b[A").wait_for("Ctrl-X Ctrl-E opens this in an editor");
    terminal.send("\x18\x05").wait_for("let a39 = 39;\r\n}\r\n");
    terminal.wait_for("sim> ");
    let mut terminal = at_prompt(session().env("EDITOR", "/no/such/editor"));
    terminal.send("1\x18\x05").wait_for("cannot edit with `/no/such/editor`");
    terminal.wait_for("sim> ");
}

#[test]
fn long_lists_of_candidates_are_cut_and_ctrl_c_goes_back_to_the_line() {
    let mut terminal = Terminal::sized(session(), 8, 80);
    terminal.wait_for("sim> ");
    terminal.send("list_\t\t").wait_for(" more");
    terminal.send("\x03").wait_for("sim> ");
    assert!(terminal.enter("1 + 1").contains('2'));
}
