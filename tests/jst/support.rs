//! Runs the binary in a pinned environment, and servers that behave as a test says.

use std::ffi::OsString;
use std::io::{BufRead as _, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The binary with a home folder of its own and no variables but those that a test gives.
pub(crate) struct Jst {
    command: Command,
    stdin: String,
    /// The working folder and home of the run.
    pub home: TempDir,
}

/// What a run of the binary left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The exit code; `None` after a signal.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Where nobody answers: a test must not ask the machine that it runs on who it is.
const NO_METADATA: &str = "http://127.0.0.1:1";

/// The binary with these arguments.
pub(crate) fn jst<I: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = I>) -> Jst {
    // Where the tests themselves are in the background or under nohup, signals that they send would not be heard.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    // SIGPIPE, the 13th, is ignored by every program of Rust, and not passed on.
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let is_deaf = mask.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).unwrap() & !(1 << 12) != 0);
    let mut command = Command::new(if is_deaf { "env" } else { env!("CARGO_BIN_EXE_jst") });
    if is_deaf {
        command.args(["--default-signal=HUP,INT,QUIT,TERM", env!("CARGO_BIN_EXE_jst")]);
    }
    started(command, args)
}

/// The binary with these arguments, in a shell's limit (`-f 400`).
pub(crate) fn limited<I: AsRef<std::ffi::OsStr>>(limit: &str, args: impl IntoIterator<Item = I>) -> Jst {
    behind(&format!("ulimit {limit}"), args)
}

/// The binary with these arguments, started by a shell that does this first.
pub(crate) fn behind<I: AsRef<std::ffi::OsStr>>(first: &str, args: impl IntoIterator<Item = I>) -> Jst {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{first}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_jst")]);
    started(shell, args)
}

fn started<I: AsRef<std::ffi::OsStr>>(mut command: Command, args: impl IntoIterator<Item = I>) -> Jst {
    let home = tempfile::tempdir().unwrap();
    command
        .args(args)
        .env_clear()
        .env("HOME", home.path())
        .env("JST_METADATA_ENDPOINT", NO_METADATA)
        .current_dir(home.path());
    Jst { command, stdin: String::new(), home }
}

impl Jst {
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// A variable, unless the test gave it.
    pub(crate) fn env_if_missing(self, name: &str, value: &str) -> Self {
        let is_given = self.command.get_envs().any(|(given, _)| given == name);
        if is_given { self } else { self.env(name, value) }
    }

    pub(crate) fn args(mut self, args: &[&str]) -> Self {
        self.command.args(args);
        self
    }

    pub(crate) fn no_home(mut self) -> Self {
        self.command.env_remove("HOME").env("XDG_STATE_HOME", self.home.path().join("state"));
        self
    }

    pub(crate) fn in_folder(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    pub(crate) fn stdin(mut self, text: &str) -> Self {
        text.clone_into(&mut self.stdin);
        self
    }

    /// Credentials that are obviously no real ones.
    pub(crate) fn fake_key(self) -> Self {
        self.env("ALIBABA_CLOUD_ACCESS_KEY_ID", "fake-access-key").env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", FAKE_SECRET)
    }

    /// A file in the working folder.
    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        self.file_bytes(name, text.as_bytes())
    }

    pub(crate) fn file_bytes(self, name: &str, bytes: &[u8]) -> Self {
        let path = self.home.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        self
    }

    /// Starts it with its streams piped.
    pub(crate) fn start(mut self) -> (std::process::Child, TempDir) {
        let child = self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        (child, self.home)
    }

    /// The command itself, for a terminal, and its home.
    pub(crate) fn into_command(self) -> (Command, TempDir) {
        (self.command, self.home)
    }

    /// Runs it to its end.
    pub(crate) fn run(self) -> Ran {
        let stdin = self.stdin.clone();
        let (mut child, _home) = self.start();
        // A process that has ended already does not read.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        Ran::of(child)
    }

    /// The same by a user who may not do everything: whoever may does not need to be allowed anything.
    pub(crate) fn run_as_another(self) -> Ran {
        use std::os::unix::process::CommandExt as _;

        let (mut command, home) = self.into_command();
        may(home.path(), 0o755);
        if rustix::process::getuid().is_root() {
            command.uid(65_534);
        }
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// Sets what may be done with a file.
pub(crate) fn may(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;

    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

impl Ran {
    /// What a process leaves behind at its end.
    pub(crate) fn of(child: std::process::Child) -> Self {
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// The run ended well; gives its stdout.
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self.stdout
    }
}

/// The secret of [`Jst::fake_key`].
pub(crate) const FAKE_SECRET: &str = "fake-secret-never-shown";

/// `jst sim` as a process of its own, until it is dropped.
pub(crate) struct Simulator {
    child: std::process::Child,
    _home: TempDir,
    /// What it said when it was ready.
    ready: serde_json::Value,
}

impl Simulator {
    /// The demo account, changed by these arguments.
    pub(crate) fn new(args: &[&str]) -> Self {
        Self::served(jst(["sim", "--json", "--listen", "127.0.0.1:0"]), args)
    }

    /// One that may do no more than a shell's limit lets it.
    pub(crate) fn limited(limit: &str, args: &[&str]) -> Self {
        Self::served(limited(limit, ["sim", "--json", "--listen", "127.0.0.1:0"]), args)
    }

    fn served(sim: Jst, args: &[&str]) -> Self {
        let pace: &[&str] = if args.contains(&"--pace") { &[] } else { &["--pace", "told"] };
        let (mut child, home) = sim.args(pace).args(args).start();
        let mut line = String::new();
        std::io::BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        Self { child, _home: home, ready: serde_json::from_str(&line).unwrap() }
    }

    /// What it said of itself.
    pub(crate) fn said(&self, name: &str) -> String {
        self.ready[name].as_str().unwrap().to_owned()
    }

    /// The writes that it applied, of one that was started with `--control`.
    pub(crate) fn ledger(&self) -> Vec<serde_json::Value> {
        let mut stream = TcpStream::connect(self.said("endpoint").trim_start_matches("http://")).unwrap();
        let token = self.said("control_token");
        let ask = format!(
            "GET /_sim/ledger HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(ask.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let mut ledger: serde_json::Value = serde_json::from_str(body).unwrap();
        let serde_json::Value::Array(records) = ledger["records"].take() else { panic!("{ledger}") };
        assert_eq!(ledger["total"], records.len(), "the oldest are only counted");
        records
    }

    /// The binary with these arguments, to talk to it.
    pub(crate) fn jst(&self, args: &[&str]) -> Jst {
        self.known_to(jst(args))
    }

    /// The same of one that was made otherwise.
    pub(crate) fn known_to(&self, jst: Jst) -> Jst {
        let said = |name: &str| self.ready[name].as_str().unwrap();
        jst.env("JST_ENDPOINT", said("endpoint"))
            .env("ALIBABA_CLOUD_ACCESS_KEY_ID", said("access_key_id"))
            .env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", said("access_key_secret"))
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Looks until something is so.
pub(crate) fn until(what: impl Fn() -> bool) {
    let begun = Instant::now();
    while !what() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it never came");
        std::thread::yield_now();
    }
}

/// The Python that has `tests/vendor/requirements.txt`: `.ci/run` makes one and names it by `JST_VENDOR_PYTHON`.
pub(crate) fn python(test: &str) -> Option<OsString> {
    let python = std::env::var_os("JST_VENDOR_PYTHON").filter(|path| !path.is_empty());
    if python.is_none() {
        skipped(&format!(
            "SKIPPED {test}: JST_VENDOR_PYTHON names no Python with tests/vendor/requirements.txt installed"
        ));
    }
    python
}

/// Says that something was not tested, past the test runner, which keeps what a passing test prints to itself. What is
/// not there may be missing on anybody's machine but where everything is to be tested.
pub(crate) fn skipped(what: &str) {
    let _ = writeln!(std::io::stderr(), "{what}");
    assert!(std::env::var_os("CI").is_none(), "{what}");
}

/// What a server does with one request.
#[derive(Clone, Debug)]
pub(crate) enum Behaviour {
    /// Answers with a status, more header lines, and a body.
    Answer(u16, &'static str, String),
    /// Reads the request and closes the connection.
    Close,
    /// Sends these bytes and closes the connection.
    Raw(&'static [u8]),
    /// Never answers, and holds the connection open.
    Stall,
}

/// A server that treats one request after the other as a list says, the last way again and again.
pub(crate) struct Server {
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) fn new(behaviours: Vec<Behaviour>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        // Ends with the test's process.
        std::thread::spawn(move || {
            let behaviours = Arc::new(behaviours);
            for stream in listener.incoming().flatten() {
                let (seen, behaviours) = (Arc::clone(&seen), Arc::clone(&behaviours));
                std::thread::spawn(move || serve(stream, &seen, &behaviours));
            }
        });
        Self { address, requests }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far: request line and body.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, seen: &Mutex<Vec<String>>, behaviours: &[Behaviour]) {
    while let Some(request) = read_request(&mut stream) {
        let n = {
            let mut seen = seen.lock().unwrap();
            seen.push(request);
            seen.len() - 1
        };
        match behaviours.get(n).or(behaviours.last()).unwrap() {
            Behaviour::Answer(status, headers, body) => {
                let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len());
                if stream.write_all(answer.as_bytes()).is_err() {
                    return;
                }
            }
            Behaviour::Close => return,
            Behaviour::Raw(bytes) => {
                let _ = stream.write_all(bytes);
                return;
            }
            Behaviour::Stall => {
                stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
                // Past signals, which tell of the end of runs.
                let _ = stream.read_exact(&mut [0]);
                return;
            }
        }
    }
}

fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok())
                .unwrap_or(0);
            if body.len() >= length {
                return Some(format!("{}\n{body}", head.lines().next().unwrap_or_default()));
            }
        }
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return None,
            Ok(n) => bytes.extend_from_slice(&chunk[..n]),
        }
    }
}
