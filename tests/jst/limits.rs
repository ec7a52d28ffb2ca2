//! Deadline, signals and the memory limit hold by themselves, whatever the script's thread is in.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command};

use crate::support::{Behaviour, Jst, Server, Simulator, jst};

/// Code that never looks up: it writes to a pipe that nobody reads, or the engine is at work for long.
fn stuck() -> Vec<(&'static str, Jst)> {
    let deep = "(".repeat(400_000) + "1" + &")".repeat(400_000);
    let many = (0..300_000).map(|n| format!("let v{n} = {n};\n")).collect::<String>();
    vec![
        ("print", jst(["--deadline", "1s", "eval", r#"loop { print("some words for a pipe"); }"#])),
        ("log", jst(["--deadline", "1s", "eval", r#"loop { log::info("some words for a pipe"); }"#])),
        ("both", jst(["--deadline", "1s", "eval", r#"loop { print("words"); log::info("words"); }"#])),
        ("parsing", jst(["--deadline", "1s", "run", "many.rhai"]).file("many.rhai", &many)),
        // What does not parse, found after the deadline.
        ("nesting", jst(["--deadline", "100ms", "run", "deep.rhai"]).file("deep.rhai", &deep)),
    ]
}

#[test]
fn the_deadline_ends_what_never_looks_up() {
    let children: Vec<_> = stuck().into_iter().map(|(name, jst)| (name, jst.start())).collect();
    for (name, (mut child, _home)) in children {
        // Nobody reads before it has ended.
        assert_eq!(child.wait().unwrap().code(), Some(41), "{name}");
    }
}

#[test]
fn signals_end_what_never_looks_up() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let code_that_hangs = r#"log::warn("begun"); loop { print("some words for a pipe"); }"#;
        let (mut child, _home) = jst(["eval", code_that_hangs]).start();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        stderr.read_line(&mut String::new()).unwrap();
        self::signal(&child, signal);
        assert_eq!(child.wait().unwrap().code(), Some(code), "{signal}");
        let mut said = String::new();
        stderr.read_to_string(&mut said).unwrap();
        assert!(said.starts_with("error: "), "{signal}: {said}");
    }
}

#[test]
fn a_simulator_whose_words_nobody_reads_serves_and_stops() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (_reader, mut full) = std::io::pipe().unwrap();
    // As much as a pipe takes.
    full.write_all(&[b'x'; 65_536]).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_jst"));
    let mut child = command.args(["sim", "--listen", &free.to_string()]).env_clear().stdout(full).spawn().unwrap();
    while TcpStream::connect(free).is_err() {
        assert_eq!(child.try_wait().unwrap(), None);
        std::thread::yield_now();
    }
    signal(&child, "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Address space that a run with the least memory may take: far more than it needs with its stacks,
/// far less than what the code below would take.
const ADDRESS_SPACE_KB: u32 = 1_200_000;

#[test]
fn nothing_takes_much_more_than_the_budget() {
    const BOMBS: &[&str] = &[
        // As wide as it is long.
        "let rows = []; for n in 0..3000 { let row = #{}; row[`k${n}`] = 1; rows.push(row); } print(table(rows))",
        "let row = #{}; for n in 0..100000 { row[`k${n}`] = n; } print(table([row]))",
        // Escaped, each character becomes six.
        r#"let s = ""; s.pad(9000000, "\x01"); json(s)"#,
        r#"let s = ""; s.pad(9000000, "\x01"); s"#,
        r#"let s = ""; s.pad(9000000, "\x01"); #{a: s, b: s}"#,
        "let all = []; all.pad(200000, #{}); try_call_all(\"ListApp\", all)",
        "let all = []; all.pad(200000, 1); all.map(|n| [n, n, n, n])",
        "let s = \"[\"; s.pad(4000000, \"{},\"); s += \"1]\"; parse_json(s)",
        r#"let s = ""; s.pad(14000000, "\n"); throw [s, s]"#,
    ];
    for bomb in BOMBS {
        let limited = format!("ulimit -v {ADDRESS_SPACE_KB}; exec \"$0\" \"$@\"");
        let output = Command::new("sh")
            .args(["-c", &limited, env!("CARGO_BIN_EXE_jst"), "--sim", "--max-memory", "16", "eval", bomb])
            .env_clear()
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(42), "{bomb}: {stderr}");
        assert!(stderr.contains("--max-memory allows more"), "{bomb}: {stderr}");
    }
}

#[test]
fn a_reply_counts_before_it_is_read() {
    // Small on the wire, large as records with every documented field.
    let records = vec!["{}"; 300_000].join(",");
    let body = format!(r#"{{"Code":0,"TotalCount":300000,"Data":[{records}]}}"#);
    let server = Server::new(vec![Behaviour::Answer(200, "", body)]);
    let code = r#"let n = 0; for app in paginate("ListApp") { n += 1; } n"#;
    for code in ["list_app()", code, r#"call_all("ListApp", [#{}, #{}, #{}, #{}])"#, r#"call("ListApp")"#] {
        let ran = jst(["--max-memory", "64", "--endpoint", &server.url(), "eval", code]).fake_key().run();
        assert_eq!(ran.code, Some(42), "{code}: {ran:#?}");
        assert!(ran.stderr.contains("more memory than the script may hold"), "{code}: {ran:#?}");
    }
    // One request each: the next answer would be as large.
    assert!(server.requests().len() <= 1 + 1 + 4 + 1, "{}", server.requests().len());
}

#[test]
fn the_simulator_is_not_counted_as_the_scripts() {
    // The demo account alone takes several MB.
    let code = r#"let held = ""; held.pad(3000000, "x"); for n in 0..30 { list_app(); paginate("ListApp").to_array(); } held.len()"#;
    assert_eq!(jst(["--sim", "--max-memory", "16", "eval", code]).run().ok(), "3000000\n");
}

#[test]
fn names_without_end_are_answered_at_once() {
    for (code, exit) in [
        (r#"let s = "x"; s.pad(4000000, "y"); call(s)"#, 1),
        (r#"let s = "x"; s.pad(4000000, "y"); let m = #{}; m[s]"#, 1),
        (r#"let s = "x"; s.pad(4000000, "y"); Fn(s).call()"#, 1),
    ] {
        let ran = jst(["--deadline", "60s", "eval", code]).run();
        assert_eq!(ran.code, Some(exit), "{code}");
        assert!(ran.stderr.len() < 20_000, "{code}: {} bytes", ran.stderr.len());
    }
}

#[test]
fn what_is_unknown_is_said_however_little_room_there_is() {
    let simulator = Simulator::new(&["--fault", "ScaleApp:lost"]);
    let code = r#"
        let all = [];
        for n in 0..6000 { all.push(#{ EnvId: 3001 + n % 32, Replicas: 2 }); }
        call_all("ScaleApp", all)"#;
    for memory in ["16", "24", "28", "64"] {
        let ran = simulator.jst(&["--max-memory", memory, "eval", code]).run();
        assert_eq!(ran.code, Some(11), "{memory}: {ran:#?}");
        let says = "6000 of 6000 items of call_all failed: 0 done, 0 refused, 6000 unknown, 0 not sent";
        assert!(ran.stderr.contains(says), "{memory}: {ran:#?}");
        assert!(
            ran.stderr.contains(r#"{"EnvId":3001,"Replicas":2}, {"EnvId":3002,"Replicas":2}"#),
            "{memory}: {ran:#?}"
        );
    }
}

#[test]
fn no_error_is_without_words() {
    for (code, says) in [
        ("throw #{message: \"\"}", "error: {"),
        ("throw \"\\n\"", "error: the script threw a text without words"),
        ("throw \"\"", "error: the script threw an empty text"),
    ] {
        let ran = jst(["eval", code]).run();
        assert!(ran.code == Some(1) && ran.stderr.starts_with(says), "{code}: {ran:#?}");
    }
    let code = r#"let s = ""; s.pad(9000000, "pq"); call("ResetThing", #{ Password: s })"#;
    let ran = jst(["--sim", "--allow-destructive", "--deadline", "60s", "eval", code]).run();
    assert!(ran.code.is_some_and(|code| code != 41) && ran.stderr.starts_with("error: "), "{:.300}", ran.stderr);
}

#[test]
fn an_unknown_write_is_named_whatever_ends_the_run() {
    let ends = [
        // The script itself, past what the other item failed with.
        (r#"parallel([1, 2], 1, |n| if n == 1 { scale_app(3002, 4) } else { exit(0) })"#, "lost", 0),
        (r#"try_parallel([1, 2], 1, |n| if n == 1 { scale_app(3002, 4) } else { exit(70) })"#, "lost", 70),
        // The allocator, while the write waits for its answer.
        (
            r#"parallel([1, 2], 2, |n| if n == 1 { scale_app(3002, 4) } else {
                for n in 0..200 { list_app(); }
                let s = "";
                s.pad(3900000, "\x01");
                json([s, s, s])
            })"#,
            "stall",
            42,
        ),
    ];
    for (code, fault, exit) in ends {
        // On a clock that is told, no write waits.
        let simulator = Simulator::new(&["--fault", &format!("ScaleApp:{fault}")]);
        let ran = simulator.jst(&["--max-memory", "16", "eval", code]).run();
        assert_eq!(ran.code, Some(exit), "{code}: {ran:#?}");
        assert!(ran.stderr.contains("ScaleApp") && ran.stderr.contains("known"), "{code}: {ran:#?}");
    }
}
