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
            terminal.send(unfinished).send("\x03");
            terminal.wait_for("sim> ");
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
