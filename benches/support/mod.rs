//! What the benchmarks share: a server in a process of its own, and medians.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};

/// The argument that turns a benchmark into its server.
const SERVE: &str = "--serve";

/// A server in a process of its own, stopped when it is dropped.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Server {
    /// Starts this very benchmark as a server that answers after a wait. Where the system can, it gets
    /// a core of its own: a server and a client that push each other off one core measure the scheduler.
    pub fn start(latency: Duration) -> Self {
        let myself = std::env::current_exe().unwrap();
        let mut pinned = Command::new("taskset");
        pinned.args(["-c", "1"]).arg(&myself);
        let [pinned, plain] = [pinned, Command::new(&myself)].map(|command| move || Self::spawn(command, latency));
        pinned().or_else(plain).unwrap()
    }

    fn spawn(mut command: Command, latency: Duration) -> Option<Self> {
        command.args([SERVE, &latency.as_millis().to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().ok()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take()?).read_line(&mut line).ok()?;
        Some(Self { child, address: line.trim().parse().ok()? })
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves until stdin closes, if the command line says so.
pub fn serve_if_asked() -> bool {
    let args: Vec<String> = std::env::args().collect();
    let Some(at) = args.iter().position(|arg| arg == SERVE) else { return false };
    // Timers of whole milliseconds come up to two too late.
    let latency = Duration::from_millis(args[at + 1].parse::<u64>().unwrap().saturating_sub(1));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    std::thread::spawn(|| {
        let _ = std::io::stdin().lines().count();
        std::process::exit(0);
    });
    runtime.block_on(async move {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        std::io::stdout().flush().unwrap();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            tokio::spawn(async move {
                let io = hyper_util::rt::TokioIo::new(stream);
                let service = service_fn(move |request: Request<Incoming>| async move {
                    if !latency.is_zero() {
                        tokio::time::sleep(latency).await;
                    }
                    Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from(answer(&request)))))
                });
                let _ = hyper::server::conn::http1::Builder::new().serve_connection(io, service).await;
            });
        }
    });
    true
}

/// Pages of `ListAppEnvironment` out of 100,000 or 1,000 records by `AppId`; for the rest one short
/// reply as documented.
fn answer(request: &Request<Incoming>) -> String {
    let query = request.uri().query().unwrap_or_default();
    let number = |name: &str| -> Option<i64> {
        query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
    };
    if query.contains("Action=ScaleApp&") {
        return r#"{"RequestId":"1E77D6B8-5A1F-4C2B-9C0E-3D2F6A7B8C9D","Code":0,"ErrMsg":"","Success":true,"Result":{"DeployOrderId":4711,"BusinessCode":"","Admitted":true}}"#.to_owned();
    }
    if !query.contains("Action=ListAppEnvironment&") {
        return r#"{"RequestId":"1E77D6B8-5A1F-4C2B-9C0E-3D2F6A7B8C9D","Code":0,"ErrorMsg":"","TotalCount":1,"Data":[{"AppId":1001,"Title":"shop","Description":"a shop","Language":"Java","OperatingSystem":"linux","BizName":"shop","ServiceType":"stateless","DeployType":"ContainerDeployment"}]}"#.to_owned();
    }
    let total = number("AppId").unwrap_or(0);
    let (page, size) = (number("PageNumber").unwrap_or(1), number("PageSize").unwrap_or(100));
    let records: Vec<String> = ((page - 1) * size..(page * size).min(total))
        .map(|id| format!(r#"{{"AppId":{total},"EnvId":{id},"EnvName":"environment {id}","EnvType":1,"EnvTypeName":"production","AppSchemaId":1,"Region":"cn-zhangjiakou"}}"#))
        .collect();
    format!(r#"{{"Code":0,"PageNumber":{page},"PageSize":{size},"TotalCount":{total},"Data":[{}]}}"#, records.join(","))
}

/// What something took: time on the clock, and of this process's CPU.
#[derive(Clone, Copy)]
pub struct Cost {
    /// By the clock.
    pub wall: Duration,
    /// Of the CPU.
    pub cpu: Duration,
}

/// Runs two things in turns and gives the median cost of each.
pub fn compare(rounds: usize, mut one: impl FnMut() -> Cost, mut other: impl FnMut() -> Cost) -> [Cost; 2] {
    let (mut ones, mut others) = (Vec::new(), Vec::new());
    one();
    other();
    for _ in 0..rounds {
        ones.push(one());
        others.push(other());
    }
    [median(&ones), median(&others)]
}

/// The middle of each.
fn median(costs: &[Cost]) -> Cost {
    let middle = |of: fn(&Cost) -> Duration| {
        let mut times: Vec<Duration> = costs.iter().map(of).collect();
        times.sort_unstable();
        times[times.len() / 2]
    };
    Cost { wall: middle(|cost| cost.wall), cpu: middle(|cost| cost.cpu) }
}

/// What something takes.
pub fn cost(work: impl FnOnce()) -> Cost {
    let (begun, cpu) = (Instant::now(), cpu());
    work();
    Cost { wall: begun.elapsed(), cpu: self::cpu() - cpu }
}

fn cpu() -> Duration {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(spent.tv_sec as u64, spent.tv_nsec as u32)
}

/// One line of the result.
pub fn report(what: &str, ratio: f64, goal: &str, detail: &str) {
    println!("{what:<52} {ratio:>6.2}  (goal {goal})  {detail}");
}
