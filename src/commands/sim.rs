//! `jst sim`: the simulator as a server on its own.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use rustix::process::Signal;
use serde_json::json;
use tokio::sync::oneshot;

use crate::clock::{Clock, Pace};
use crate::error::{Error, Kind, Result};
use crate::files;
use crate::run::heard::Heard;
use crate::secret::Secret;
use crate::settings::Settings;
use crate::sim::Fleet;
use crate::sim::faults::Rule;
use crate::sim::gateway::reply::Shape;
use crate::sim::http::server;
use crate::sim::{Key, Options, Sim, demo, options};
use crate::system;

/// Flags of `jst sim`.
#[derive(Debug, Args)]
pub(super) struct SimArgs {
    /// Address to listen on; port 0 picks a free one
    #[arg(long, default_value = "127.0.0.1:8180", value_name = "ADDRESS")]
    pub listen: std::net::SocketAddr,
    /// Listen on an address that other machines can reach
    #[arg(long)]
    pub public: bool,
    /// Print one line of JSON with endpoint, access_key_id, access_key_secret and, with --control, control_token
    #[arg(long)]
    pub json: bool,
    /// Keep the account in this file; without it, in memory only
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Generate an account of this size beside the demo account, when none is kept yet
    #[arg(long, value_name = "apps=N,envs=N,nodes=N")]
    pub fleet: Option<Fleet>,
    /// What request ids, chance in faults and generated accounts derive from
    #[arg(long, default_value = "1", value_name = "N")]
    pub seed: u64,
    /// When the account starts: now, or a time such as 2026-01-05 10:00 [default: that time]
    #[arg(long, value_parser = options::start, value_name = "TIME|now")]
    pub start: Option<Timestamp>,
    /// How the account's clock runs: real, so many times faster (60x), or only when told
    #[arg(long, default_value = "real", value_parser = pace, value_name = "real|Nx|told")]
    pub pace: Pace,
    /// Form of replies: all alike, or as the document's samples print them
    #[arg(long, value_enum, default_value = "plain", value_name = "FORM")]
    pub shape: Shape,
    /// Let something go wrong; may be given more than once
    ///
    /// ACTION is a name or a pattern of names (ScaleApp, scale_app, List*). Every kind takes count=N (only the N-th matching
    /// call), first=N (the first N) and probability=P. Kinds, with what else they take:
    /// latency (ms, jitter, tail, share), throttle (rate, retry-after), 500, 502, 503, 504 (applied),
    /// error (code, status, text), expired-token, refusal (code, text), skew (seconds), refuse (ms),
    /// close (applied), lost, half, garbage, html (applied), stall (ms, applied), slow (rate, applied),
    /// frozen (code), fail-at (partition), crash-loop (these of DeployApp and ScaleApp), fails (CreateCluster,
    /// CreatePersistentVolume, DeletePersistentVolumeClaim, DeleteAppEnvironment by force).
    /// A rate counts the account's time; waits on the wire are real, but under --sim the account's, too.
    /// For instance: ScaleApp:throttle:count=3  'List*:latency:ms=50:jitter=20'  DeployApp:lost:first=1
    #[arg(long, value_name = "ACTION:KIND[:SETTING=VALUE]...", verbatim_doc_comment)]
    pub fault: Vec<Rule>,
    /// More rules like those of --fault, from a file with a JSON list
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// Access keys that are known, from a file with a JSON list
    #[arg(long, value_name = "FILE")]
    pub keys: Option<PathBuf>,
    /// Recorded replies of actions that are not simulated, from a file with a JSON object
    #[arg(long, value_name = "FILE")]
    pub answers: Option<PathBuf>,
    /// Answer /_sim/ledger, /_sim/faults, /_sim/advance and /_sim/state to whoever shows the token
    /// that is printed: Authorization: Bearer TOKEN
    #[arg(long)]
    pub control: bool,
}

impl ValueEnum for Shape {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Plain, Self::Documented]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Plain => PossibleValue::new("plain").help("The documented fields and nothing around them"),
            Self::Documented => PossibleValue::new("documented")
                .help("As the document's samples print them: wrapped, lowerCamelCase, each where it does so"),
        })
    }
}

/// How a clock runs: `real`, `60x`, `told`.
fn pace(text: &str) -> std::result::Result<Pace, String> {
    /// A year in half a minute.
    const FASTEST: f64 = 1e6;
    match text {
        "real" => Ok(Pace::Times(1.0)),
        "told" => Ok(Pace::Told),
        factor => factor
            .strip_suffix('x')
            .and_then(|number| number.parse().ok())
            .filter(|number| *number > 0.0 && *number <= FASTEST)
            .map(Pace::Times)
            .ok_or_else(|| format!("`{text}` is none of real, told and a factor such as 60x, up to {FASTEST}x")),
    }
}

/// Serves until Ctrl-C or SIGTERM; then answers what is under way and compacts the state's file.
///
/// # Errors
/// `usage` for an address that is open to others without `--public` and for flags of `--sim`, `config`
/// for files that do not parse, `io` when the address cannot be listened on.
pub(super) fn serve(settings: &Settings, args: &SimArgs) -> Result<()> {
    if let Some(flag) = settings.simulator_flag() {
        let own = flag.strip_prefix("--sim-").map_or("--state".to_owned(), |name| format!("--{name}"));
        return Err(Error::new(Kind::Usage, format!("`jst sim` takes no {flag}")).hint(format!("it has {own}")));
    }
    if !args.public && !args.listen.ip().to_canonical().is_loopback() {
        return Err(Error::new(Kind::Usage, format!("{} can be reached from other machines", args.listen))
            .hint("listen on 127.0.0.1, or add --public if that is meant"));
    }
    system::room_for_run()?;
    let options = options_of(args)?;
    let key = options.keys.first().cloned().ok_or_else(|| Error::new(Kind::Config, "there is no access key"))?;
    let token = options.control.clone();
    let clock = Clock::simulated(args.pace, options.start);
    let sim = Sim::new(options, Arc::new(clock))?;
    let io = |what: &'static str| move |error: io::Error| Error::new(Kind::Io, format!("cannot {what}: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(io("start"))?;
    runtime.block_on(async {
        // Before anybody is told that the server is there: from then on it stops in good order.
        let mut interrupt = Heard::new(Signal::INT).map_err(io("watch signals"))?;
        let mut terminate = Heard::new(Signal::TERM).map_err(io("watch signals"))?;
        // Watched by nobody, it no longer ends the process: a state file that may not grow is an error of that write.
        let _ = Heard::new(Signal::XFSZ).map_err(io("watch signals"))?;
        let server = server::bind(sim, args.listen).await?;
        let (address, token) = (server.address(), token.as_ref());
        let text = if args.json { ready_json(address, &key, token) } else { ready_text(address, &key, token) };
        let told = told(text);
        let mut result = Ok(());
        let stop = async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                error = told => result = Err(io("write to stdout")(error)),
            }
        };
        server.run(stop).await?;
        result
    })
}

/// Says where the server is, on a thread of its own: a pipe that nobody reads must not keep it from
/// serving and stopping. Comes to an end only when it cannot be said.
async fn told(text: String) -> io::Error {
    let (tell, told) = oneshot::channel();
    std::thread::spawn(move || {
        // Not through the redactor: the key is a simulator's, and it is what is asked for.
        let written = writeln!(io::stdout(), "{text}").and_then(|()| io::stdout().flush());
        match written {
            // Whoever started it may not care for what it says.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => drop(tell.send(error)),
            _ => {}
        }
    });
    match told.await {
        Ok(error) => error,
        Err(_) => std::future::pending().await,
    }
}

fn options_of(args: &SimArgs) -> Result<Options> {
    let mut options = Options {
        state: args.state.clone(),
        shape: args.shape,
        faults: args.fault.clone(),
        seed: args.seed,
        start: args.start.unwrap_or(demo::START),
        fleet: args.fleet.unwrap_or_default(),
        control: args.control.then(token).transpose()?,
        ..Options::demo()
    };
    if let Some(path) = &args.scenario {
        let wrong = |why| Error::new(Kind::Config, format!("the scenario {} does not parse: {why}", path.display()));
        options.faults.extend(Rule::list(read(path)?.as_bytes()).map_err(wrong)?);
    }
    if let Some(path) = &args.keys {
        options.keys = Key::list(&read(path)?)?;
    }
    if let Some(path) = &args.answers {
        options.answers = options::answers(&read(path)?)?;
    }
    options.check_faults()?;
    Ok(options)
}

/// A token that nobody guesses.
fn token() -> Result<Secret> {
    let mut bytes = [0; 24];
    let got = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    match got {
        Ok(count) if count == bytes.len() => Ok(Secret::new(base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(bytes))),
        _ => Err(Error::new(Kind::Io, "the system gives no random numbers for a token")),
    }
}

fn read(path: &Path) -> Result<String> {
    files::read_text(path, files::LARGEST).map_err(|why| why.error(Kind::Config, path.display()))
}

fn ready_json(address: SocketAddr, key: &Key, token: Option<&Secret>) -> String {
    let mut ready = json!({
        "endpoint": format!("http://{address}"),
        "access_key_id": key.access_key_id,
        "access_key_secret": key.secret.expose(),
    });
    if let (Some(ready), Some(token)) = (ready.as_object_mut(), token) {
        ready.insert("control_token".into(), token.expose().into());
    }
    ready.to_string()
}

fn ready_text(address: SocketAddr, key: &Key, token: Option<&Secret>) -> String {
    let control = token.map(|token| format!("\nControl token:     {}", token.expose())).unwrap_or_default();
    let (id, secret) = (&key.access_key_id, key.secret.expose());
    format!(
        r#"The simulator listens on http://{address}; Ctrl-C stops it.
Access key id:     {id}
Access key secret: {secret}{control}

With jst:
export JST_ENDPOINT=http://{address} ALIBABA_CLOUD_ACCESS_KEY_ID={id} ALIBABA_CLOUD_ACCESS_KEY_SECRET={secret}
jst call ListApp

With the vendor's Python SDK (pip install alibabacloud-retailcloud20180313):
python3 - <<'END'
from alibabacloud_retailcloud20180313.client import Client
from alibabacloud_retailcloud20180313.models import ListAppRequest
from alibabacloud_tea_openapi.models import Config
client = Client(Config(access_key_id="{id}", access_key_secret="{secret}", endpoint="{address}", protocol="http"))
for app in client.list_app(ListAppRequest(page_number=1, page_size=20)).body.data:
    print(app.app_id, app.title)
END
"#
    )
}
