//! `jst sim`: the simulator as a server on its own.

use std::fs;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::SimArgs;
use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::sim::faults::Rule;
use crate::sim::{Key, Options, Sim, demo, options, server};

/// Serves until Ctrl-C or SIGTERM; then answers what is under way and compacts the state's file.
///
/// # Errors
/// `usage` for an address that is open to others without `--public`, `config` for files that do not
/// parse, `io` when the address cannot be listened on.
pub fn serve(args: &SimArgs) -> Result<()> {
    if !args.public && !args.listen.ip().to_canonical().is_loopback() {
        return Err(Error::new(Kind::Usage, format!("{} can be reached from other machines", args.listen))
            .hint("listen on 127.0.0.1, or add --public if that is meant"));
    }
    let options = options_of(args)?;
    let key = options.keys.first().cloned().ok_or_else(|| Error::new(Kind::Config, "there is no access key"))?;
    let clock = Clock::simulated(args.pace, options.start);
    let sim = Sim::new(options, Arc::new(clock))?;
    let io = |what: &'static str| move |error: io::Error| Error::new(Kind::Io, format!("cannot {what}: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(io("start"))?;
    runtime.block_on(async {
        // Before anybody is told that the server is there: from then on it stops in good order.
        let mut interrupt = signal(SignalKind::interrupt()).map_err(io("watch signals"))?;
        let mut terminate = signal(SignalKind::terminate()).map_err(io("watch signals"))?;
        let server = server::bind(sim, args.listen).await?;
        let text = if args.json { ready_json(server.address(), &key) } else { ready_text(server.address(), &key) };
        // Not through the redactor: the key is a simulator's, and it is what is asked for.
        let written = writeln!(io::stdout(), "{text}").and_then(|()| io::stdout().flush());
        match written {
            // Whoever started it may not care for what it says.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(io("write to stdout")(error)),
            _ => {}
        }
        let stop = async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        };
        server.run(stop).await
    })
}

fn options_of(args: &SimArgs) -> Result<Options> {
    let mut options = Options {
        state: args.state.clone(),
        shape: args.shape,
        faults: args.fault.clone(),
        seed: args.seed,
        start: args.start.unwrap_or(demo::START),
        fleet: args.fleet.unwrap_or_default(),
        control: args.control,
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
    Ok(options)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path)
        .map_err(|error| Error::new(Kind::Config, format!("cannot read {}: {error}", path.display())))
}

fn ready_json(address: SocketAddr, key: &Key) -> String {
    json!({
        "endpoint": format!("http://{address}"),
        "access_key_id": key.access_key_id,
        "access_key_secret": key.secret.expose(),
    })
    .to_string()
}

fn ready_text(address: SocketAddr, key: &Key) -> String {
    let (id, secret) = (&key.access_key_id, key.secret.expose());
    format!(
        r#"The simulator listens on http://{address}; Ctrl-C stops it.
Access key id:     {id}
Access key secret: {secret}

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
