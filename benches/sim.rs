//! What `jst sim` answers in a second, and how long a page of each list takes over a large fleet.
//! `cargo bench --bench sim`; with `-- --endless` it keeps calling, for a profiler.
//!
//! The server is the binary itself, which serves on one thread; 64 connections of this process call it, each
//! call signed with a nonce of its own beforehand. Throughput by the server's CPU time is what one core gives;
//! by the wall clock it also has to share the machine with this process.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const CONNECTIONS: usize = 64;
/// With these the fleet has 100,000 pods.
const FLEET: &str = "apps=1000,envs=12500,nodes=2000";

fn main() {
    let quick = std::env::args().any(|arg| arg == "--test");
    if std::env::args().any(|arg| arg == "--endless") {
        return throughput(40_000, 1_000);
    }
    throughput(if quick { 1_000 } else { 40_000 }, if quick { 1 } else { 5 });
    if quick { lists("apps=10,envs=20,nodes=4", 1, 10) } else { lists(FLEET, 51, 2_000) }
}

/// `jst sim` in a process of its own, stopped when it is dropped.
struct Sim {
    child: Child,
    /// What `/_sim/` asks for.
    token: String,
    address: SocketAddr,
}

impl Sim {
    fn start(args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_jst"))
            .args(["sim", "--json", "--listen", "127.0.0.1:0"])
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let token = ready["control_token"].as_str().unwrap_or_default().to_owned();
        Self { child, address: ready["endpoint"].as_str().unwrap()["http://".len()..].parse().unwrap(), token }
    }

    /// The CPU time that it has used, in the kernel too.
    fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/schedstat", self.child.id())).unwrap();
        Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())
    }

    fn memory_mb(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim_start_matches(':').trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A request as it goes over the wire, signed with a nonce of its own.
fn signed(action: &str, params: Value) -> Vec<u8> {
    jst::harness::signed(action, params.as_object().unwrap().clone()).unwrap()
}

/// Sends a request and gives the body of its answer, which must say that all went well.
fn exchange(stream: &mut TcpStream, request: &[u8], buffer: &mut Vec<u8>) -> usize {
    stream.write_all(request).unwrap();
    buffer.clear();
    loop {
        let filled = buffer.len();
        buffer.resize(filled + (64 << 10), 0);
        let count = stream.read(&mut buffer[filled..]).unwrap();
        assert!(count > 0, "the connection was closed");
        buffer.truncate(filled + count);
        let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = std::str::from_utf8(&buffer[..end]).unwrap().to_ascii_lowercase();
        let length = head.split("content-length: ").nth(1).unwrap().lines().next().unwrap().parse::<usize>().unwrap();
        if buffer.len() == end + 4 + length {
            assert!(head.starts_with("http/1.1 200"), "{}", String::from_utf8_lossy(buffer));
            return end + 4;
        }
    }
}

fn throughput(calls: usize, rounds: usize) {
    let sim = Sim::start(&[]);
    for _ in 0..rounds {
        let requests: Vec<Vec<u8>> =
            (0..calls).map(|_| signed("ListApp", json!({"PageNumber": 1, "PageSize": 20}))).collect();
        let next = AtomicUsize::new(0);
        let mut streams: Vec<TcpStream> = (0..CONNECTIONS).map(|_| TcpStream::connect(sim.address).unwrap()).collect();
        let (begun, cpu) = (Instant::now(), sim.cpu());
        std::thread::scope(|scope| {
            for stream in &mut streams {
                scope.spawn(|| {
                    let mut buffer = Vec::new();
                    while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                        exchange(stream, request, &mut buffer);
                    }
                });
            }
        });
        let (wall, cpu) = (begun.elapsed(), sim.cpu() - cpu);
        let rate = |time: Duration| calls as f64 / time.as_secs_f64();
        println!(
            "ListApp: {:.0} calls a second of the server's CPU time, {:.0} by the wall clock",
            rate(cpu),
            rate(wall)
        );
    }
}

/// The fleet of this size: memory, and the median time of a page of each list.
fn lists(fleet: &str, rounds: usize, more: i64) {
    let begun = Instant::now();
    let sim = Sim::start(&["--control", "--pace", "told", "--fleet", fleet]);
    let took = begun.elapsed().as_secs_f64();
    let mut stream = TcpStream::connect(sim.address).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut buffer = Vec::new();
    let mut reply = |action: &str, params: &Value| -> Value {
        let body = exchange(&mut stream, &signed(action, params.clone()), &mut buffer);
        let reply: Value = serde_json::from_slice(&buffer[body..]).unwrap();
        // Chapter 5 wraps its replies, and some of them once more.
        let inner =
            reply.as_object().filter(|map| map.len() == 1).and_then(|map| map.values().next()).unwrap_or(&reply);
        let inner = inner.get("code").and_then(|_| inner.get("data")).unwrap_or(inner);
        assert_eq!(inner["Code"], 0, "{action} {params}: {reply}");
        inner.clone()
    };
    let clusters = reply("ListCluster", &json!({"PageSize": 100}))["Data"].take();
    let clusters: Vec<Value> =
        clusters.as_array().unwrap().iter().map(|cluster| cluster["InstanceId"].clone()).collect();
    let count = |cluster| {
        reply("QueryClusterDetail", &json!({"ClusterInstanceId": cluster}))["Result"]["InstanceInfo"]["AllocatePodCount"].as_i64().unwrap()
    };
    let pods: i64 = clusters.iter().map(count).sum();
    let (held, peak) = (sim.memory_mb("VmRSS"), sim.memory_mb("VmHWM"));
    println!("{fleet}: {pods} pods, {took:.1} s to make, {held} MB held, {peak} MB at most");

    // The last environment of the last application but one, with its cluster, is where there is much of everything;
    // releases of the very last application are frozen.
    let app = json!(999 + reply("ListApp", &json!({"PageSize": 1}))["TotalCount"].as_i64().unwrap());
    let env = reply("ListAppEnvironment", &json!({"AppId": app, "PageSize": 1000}))["Data"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()["EnvId"]
        .clone();
    let cluster = reply("ListAppResourceAllocs", &json!({"AppEnvId": env}))["Data"][0]["ClusterId"].clone();
    let node = reply("ListClusterNode", &json!({"ClusterInstanceId": cluster}))["Data"][0]["InstanceId"].clone();
    for n in 0..more {
        let (name, label) = (format!("n{n}"), format!("label.jst.com/n{n}"));
        for (action, params) in [
            ("CreateDeployConfig", json!({"AppId": app, "EnvType": "online", "Name": name})),
            (
                "CreatePersistentVolume",
                json!({"ClusterInstanceId": cluster, "Name": name, "AccessModes": "ReadWriteMany", "Capacity": "1Gi", "ReclaimPolicy": "Retain", "StorageClass": name, "MountTargetDomain": "nas.test", "NFSVersion": "4.0"}),
            ),
            (
                "CreatePersistentVolumeClaim",
                json!({"AppId": app, "EnvId": env, "Name": name, "AccessModes": "ReadWriteMany", "Capacity": "1Gi", "StorageClass": name}),
            ),
            ("BindNodeLabel", json!({"ClusterId": cluster, "InstanceId": node, "LabelKey": label, "LabelValue": "v"})),
            (
                "CreateService",
                json!({"EnvId": env, "Name": name, "ServiceType": "ClusterIP", "K8sServiceId": name, "PortMappings": [{"Protocol": "TCP", "TargetPort": "80", "Port": 80, "Name": "p"}]}),
            ),
            (
                "CreateSlbAP",
                json!({"EnvId": env, "Name": name, "SlbId": "lb-demo-0001", "ListenerPort": 10_000 + n, "RealServerPort": 80, "Protocol": "TCP"}),
            ),
        ] {
            reply(action, &params);
        }
    }
    let order = reply("ScaleApp", &json!({"EnvId": env, "Replicas": more}))["Result"]["DeployOrderId"].clone();
    let advance = format!(
        "POST /_sim/advance?seconds=3600 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nContent-Length: 0\r\n\r\n",
        sim.token
    );
    exchange(&mut stream, advance.as_bytes(), &mut buffer);

    for list in jst::harness::lists() {
        // Nothing is filtered out.
        let mut params = Value::from(list.required);
        for (name, value) in [
            ("AppId", &app),
            ("EnvId", &env),
            ("DeployOrderId", &order),
            ("ClusterId", &cluster),
            ("ClusterInstanceId", &cluster),
            ("PageSize", &json!(100)),
        ] {
            if params.get(name).is_some() || (list.has_pages && name == "PageSize") {
                params[name] = value.clone();
            }
        }
        let cpu = sim.cpu();
        let mut times: Vec<Duration> = (0..rounds)
            .map(|_| {
                let request = signed(list.action, params.clone());
                let begun = Instant::now();
                exchange(&mut stream, &request, &mut buffer);
                begun.elapsed()
            })
            .collect();
        times.sort_unstable();
        let millis = |time: Duration| time.as_secs_f64() * 1000.0;
        let cpu = millis(sim.cpu() - cpu) / rounds as f64;
        let (action, bytes) = (list.action, buffer.len());
        println!("{action:<28} {:>6.2} ms, {cpu:>5.2} ms of CPU, {bytes:>6} bytes", millis(times[rounds / 2]));
    }
}
