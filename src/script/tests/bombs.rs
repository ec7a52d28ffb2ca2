//! Scripts that try to take the process down. Each runs in a process of its own, so that one that
//! succeeds is a failed test.

use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::bench::{Bench, page};
use crate::show::errors::render;
use crate::stop::Stop;

/// The memory that each may hold.
const MEMORY: usize = 16 << 20;

/// What a process may take beside: threads' stacks, one step of the engine more than allowed.
#[cfg(target_os = "linux")]
const PEAK_MB: u64 = 300;

/// How each ends, and the script.
const BOMBS: &[(&str, &str, &str)] = &[
    ("loop", "limit", "loop {}"),
    ("caught loop", "limit", "try { loop { let x = 1; } } catch {} loop {}"),
    ("loop in map", "limit", "[1].map(|x| { loop {} })"),
    ("loop in sort", "limit", "[2, 1].sort(|a, b| { loop {} })"),
    ("loop in parallel", "limit", "try_parallel([1, 2, 3], |x| { loop {} })"),
    ("recursion", "limit", "fn f(n) { f(n + 1) } try { f(0) } catch {}"),
    ("eval", "parse", r#"let s = "eval(s)"; eval(s)"#),
    ("doubling text", "limit", r#"let s = "x"; loop { s += s; }"#),
    ("doubling interpolation", "limit", r#"let s = "x"; loop { s = `${s}${s}`; }"#),
    ("doubling array", "limit", "let a = [1]; loop { a += a; }"),
    ("array of itself", "limit", "let a = [1]; loop { a = [a, a]; }"),
    (
        "one literal of copies",
        "limit",
        "let a = []; a.pad(2000000, 1); [a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a]",
    ),
    ("pushing", "limit", r#"let s = ""; s.pad(100, "x"); let a = []; loop { a.push(s + a.len()); }"#),
    ("joining", "limit", r#"let s = ""; s.pad(100000, "x"); let a = []; a.pad(100, s); a.join("")"#),
    (
        "copies of a list",
        "limit",
        r#"let a = []; a.pad(9999, #{ k: 1 }); let all = []; loop { all.push(a.sorted_by("k")); }"#,
    ),
    ("every row of two lists", "limit", r#"let a = []; a.pad(2000, #{ k: 1 }); a.joined(a, "k")"#),
    ("deep keys", "script", "let a = []; for i in 0..3000 { a = [take(a)]; } unique_by([1], |x| a)"),
    ("deep keys, ordered", "script", "let a = []; for i in 0..3000 { a = [take(a)]; } sorted_by([1, 2], |x| a)"),
    ("inserting", "limit", r#"let s = ""; s.pad(300, "x"); let m = #{}; loop { m[s + m.len()] = 1; }"#),
    ("mapping", "limit", r#"let a = []; a.pad(10000, 1); a.map(|x, i| { let s = "" + i; s.pad(500000, "x"); s })"#),
    ("variables", "limit", r#"let fs = []; loop { let s = "" + fs.len(); s.pad(100000, "x"); fs.push(|| s); }"#),
    (
        "curried text",
        "limit",
        r#"let fs = []; loop { let s = "" + fs.len(); s.pad(100000, "x"); fs.push(Fn("json").curry(s)); }"#,
    ),
    ("closure chain", "limit", "let f = || 1; loop { let g = f; f = || g; }"),
    (
        "map chain, copied",
        "value",
        "let m = #{}; for i in 0..3000 { m = #{m: take(m)}; } let n = m; let o = [n, m]; o.len()",
    ),
    ("array chain, compared", "invalid", "let a = []; for i in 0..3000 { a = [take(a)]; } let b = a; a == b"),
    ("array chain, matched", "value", "let a = []; for i in 0..3000 { a = [take(a)]; } switch a { 1 => 2, _ => 3 }"),
    ("array chain, printed", "value", "let a = []; for i in 0..3000 { a = [take(a)]; } a.to_string().len()"),
    ("array chain, as data", "invalid", "let a = []; for i in 0..3000 { a = [take(a)]; } json(a)"),
    ("array chain, thrown", "script", "let a = []; for i in 0..3000 { a = [take(a)]; } throw a"),
    (
        "array chain, given to a call",
        "invalid",
        r#"let a = []; for i in 0..3000 { a = [take(a)]; } call("ListApp", #{A: a})"#,
    ),
    (
        "array chain, through parallel",
        "value",
        "let a = []; for i in 0..3000 { a = [take(a)]; } parallel([a, a], |x| [x].len())",
    ),
    ("captures of itself", "script", "let a = []; let f = || a; loop { a.push(f); }"),
    ("padded array", "limit", "let a = []; a.pad(1000000000, 0);"),
    (
        "padded with large items",
        "limit",
        "let big = []; big.pad(60000, 1); let m = #{ big: big }; let a = []; try { a.pad(100000, m); } catch {}",
    ),
    ("padded text", "limit", r#"let s = ""; s.pad(10000000000, "abc");"#),
    ("padded text with a character", "limit", "let s = \"\"; s.pad(10000000000, 'a');"),
    ("padded blob", "limit", "let b = blob(); b.pad(10000000000, 0);"),
    ("blob", "limit", "blob(10000000000)"),
    ("filled blob", "limit", "blob(10000000000, 1)"),
    ("blob as array", "limit", "blob(50000000).to_array()"),
    ("replacing", "limit", r#"let s = ""; s.pad(1000000, "a"); let t = ""; t.pad(1000, "b"); s.replace("a", t);"#),
    ("splitting", "limit", r#"let s = ""; s.pad(1000000, "a"); s.split("")"#),
    ("splitting at a character", "limit", "let s = \"\"; s.pad(1000000, 'a'); s.split_rev('a')"),
    ("splitting words", "limit", r#"let s = ""; s.pad(2000000, "a "); s.split()"#),
    ("characters", "limit", r#"let s = ""; s.pad(5000000, "a"); s.to_chars()"#),
    ("changing case", "limit", r#"let s = "a"; loop { s += s; s = s.to_upper().to_lower(); }"#),
    (
        "one text many times, printed",
        "limit",
        r#"let s = ""; s.pad(1000000, "x"); let a = []; a.pad(100000, s); print(a)"#,
    ),
    (
        "one text many times, as text",
        "limit",
        r#"let s = ""; s.pad(1000000, "x"); let a = []; a.pad(100000, s); try { a.to_string() } catch {} 1"#,
    ),
    (
        "one text many times, in text",
        "limit",
        r#"let s = ""; s.pad(1000000, "x"); let a = []; a.pad(100000, s); "" + a; `${a}`"#,
    ),
    (
        "one text many times, in a map",
        "limit",
        r#"let s = ""; s.pad(1000000, "x"); let a = []; a.pad(100000, s); #{a: a}.to_debug()"#,
    ),
    (
        "one text many times, as JSON",
        "limit",
        r#"let s = ""; s.pad(1000000, "x"); let a = []; a.pad(100000, s); try { json(a) } catch {}"#,
    ),
    (
        "one text many times, as JSON of a map",
        "limit",
        r#"let s = ""; s.pad(1000000, "x"); let a = []; a.pad(100000, s); #{a: a}.to_json()"#,
    ),
    (
        "one text many times, logged",
        "limit",
        r#"let s = ""; s.pad(1000000, "x"); let a = []; a.pad(100000, s); log::info(a)"#,
    ),
    (
        "one text many times, given to a call",
        "limit",
        r#"let s = ""; s.pad(1000000, "x"); let a = []; a.pad(100000, s); call("ListApp", #{A: a})"#,
    ),
    (
        "one text many times, as the value",
        "limit",
        r#"let s = ""; s.pad(1000000, "x"); let a = []; a.pad(100000, s); a"#,
    ),
    (
        "one text many times, in a table",
        "limit",
        r#"let s = ""; s.pad(1000000, "x"); let a = []; a.pad(100000, #{s: s}); table(a)"#,
    ),
    (
        "a wide table",
        "limit",
        r#"let s = ""; s.pad(1000000, "x"); let a = []; a.pad(100, #{s: "", t: 1}); a.push(#{s: s, t: s}); table(a)"#,
    ),
    ("a long list", "value", r#"let n = 0; for app in paginate("ListApp", #{PageSize: 500}) { n += app.AppId; } n"#),
    ("a long list at once", "limit", r#"paginate("ListApp", #{PageSize: 500}).to_array().len()"#),
    ("deep JSON", "invalid", r#"let s = ""; s.pad(20000, "["); parse_json(s)"#),
    ("wide JSON", "limit", r#"let s = "["; s.pad(8000000, "0,"); parse_json(s)"#),
    ("threads of threads", "limit", "fn f(n) { parallel([1, 2], 2, |x| f(n + 1)) } f(0)"),
    (
        "all threads",
        "value",
        "let a = []; a.pad(1024, 1); parallel(a, 1024, |x| parallel([1, 2, 3], 1024, |y| y).len()).len()",
    ),
    (
        "memory in threads",
        "limit",
        r#"try_parallel([1, 2, 3, 4], 4, |x| { let a = []; loop { a.push("0123456789" + a.len()); } })"#,
    ),
];

/// Scripts that are bombs by their text.
fn written(name: &str) -> Option<(&'static str, String)> {
    Some(match name {
        "long sum" => ("parse", format!("1{}", "+1".repeat(100_000))),
        "long chain" => ("parse", format!("let m = #{{}}; m{}", ".m".repeat(100_000))),
        "deep parentheses" => ("parse", format!("{}1{}", "(".repeat(100_000), ")".repeat(100_000))),
        "deep arrays" => ("parse", "[".repeat(100_000)),
        "deep blocks" => ("parse", "{".repeat(100_000)),
        "many conditions" => ("parse", format!("if false {{ 1 }}{}", " else if false { 1 }".repeat(10_000))),
        _ => return None,
    })
}

const WRITTEN: &[&str] =
    &["long sum", "long chain", "deep parentheses", "deep arrays", "deep blocks", "many conditions"];

const VARIABLE: &str = "JST_TEST_BOMB";

#[test]
fn no_script_takes_the_process_down() {
    let names: Vec<&str> = BOMBS.iter().map(|(name, ..)| *name).chain(WRITTEN.iter().copied()).collect();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let failures = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(name) = names.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    let begun = Instant::now();
                    let result = explode("in_a_process_of_its_own", name);
                    println!("{:5.1} s {name}", begun.elapsed().as_secs_f64());
                    if let Err(failure) = result {
                        failures.lock().unwrap().push(format!("{name}: {failure}"));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn chains_that_outlive_their_script_do_no_harm() {
    explode("chains_kept_in_a_process_of_their_own", "").unwrap();
}

/// Runs one of the tests below in a process of its own, for this bomb.
fn explode(test: &str, name: &str) -> Result<(), String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("script::tests::bombs::{test}"), "--ignored", "--nocapture"])
        .env(VARIABLE, name)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let (send, ended) = mpsc::channel();
    std::thread::spawn(move || {
        let both = std::thread::spawn(move || std::io::read_to_string(&mut err).unwrap_or_default());
        let out = std::io::read_to_string(&mut out).unwrap_or_default();
        let _ = send.send(format!("{out}{}", both.join().unwrap_or_default()));
    });
    let output = ended.recv_timeout(Duration::from_secs(60));
    let _ = child.kill();
    let status = child.wait().unwrap();
    match output {
        Err(_) => Err("did not end".to_owned()),
        Ok(output) if !status.success() => {
            let tail: Vec<char> = output.chars().rev().take(1500).collect();
            Err(format!("{status}: {}", tail.into_iter().rev().collect::<String>()))
        }
        Ok(_) => Ok(()),
    }
}

#[test]
#[ignore = "run by a test above"]
fn chains_kept_in_a_process_of_their_own() {
    const CHAIN: &str = "let f = || 1; for i in 0..100000 { let g = f; f = || g; }";
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("chain.rhai"), format!("{CHAIN} export f as f;")).unwrap();
    let bench = Bench::idle().in_folder(folder.path());
    let mut session = bench.session();
    session.run(CHAIN).unwrap();
    session.run("import \"chain\" as chain;").unwrap();
    assert!(session.run("foo(f)").is_err());
    drop(session);
    assert_eq!(bench.host().run("main.rhai", "import \"chain\" as chain; let x = chain::f; 1"), Ok(0));
}

#[test]
#[ignore = "run by a test above, for one bomb at a time"]
fn in_a_process_of_its_own() {
    let name = std::env::var(VARIABLE).unwrap();
    let (expected, text) = BOMBS
        .iter()
        .find(|(known, ..)| *known == name)
        .map(|(_, expected, text)| (*expected, (*text).to_owned()))
        .or_else(|| written(&name))
        .unwrap();
    let bench = Bench::with(
        |request| page(request, 100_000),
        Stop::default(),
        |config| {
            config.max_memory = MEMORY;
            config.max_operations = 2_000_000;
        },
    );
    let host = bench.host();
    let ended = host.eval("bomb.rhai", &text);
    let (kind, shown) = match &ended {
        Ok(value) => ("value", format!("{value:?}")),
        Err(error) => (error.kind.word(), render(error, false)),
    };
    assert_eq!(kind, expected, "{shown}");
    assert!(shown.len() < 10_000, "a message of {} bytes", shown.len());
    // The process goes on, and what the script took is given back.
    bench.stop.reset();
    assert_eq!(
        host.eval("after.rhai", "let s = \"\"; s.pad(1000000, \"x\"); s.len()").unwrap(),
        crate::script::Ended::Value(1_000_000.into())
    );
    drop(host);
    #[cfg(target_os = "linux")]
    {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
        println!("peak {} MB", peak >> 10);
        assert!(peak >> 10 < PEAK_MB, "peak {} MB", peak >> 10);
    }
}
