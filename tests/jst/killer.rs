//! Stands before a simulator, counts what comes by, and kills a process at one of it with SIGKILL.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// When a process is killed: at its request of this number, from 1, and whether the service has done it by then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kill {
    pub request: usize,
    pub done: bool,
}

#[derive(Default)]
struct Victim {
    /// What came by since the last was named.
    requests: usize,
    /// The process, and when it dies.
    next: Option<(u32, Kill)>,
}

/// A server in the place of the simulator's.
pub(crate) struct Killer {
    pub address: String,
    victim: Arc<Mutex<Victim>>,
}

impl Killer {
    /// Before the simulator at this URL. Requests count that hold this text.
    pub(crate) fn before(endpoint: &str, counted: &'static str) -> Self {
        let target = endpoint.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let victim: Arc<Mutex<Victim>> = Arc::default();
        let shared = Arc::clone(&victim);
        // Ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (target, shared) = (target.clone(), Arc::clone(&shared));
                std::thread::spawn(move || pass(stream, &target, &shared, counted));
            }
        });
        Self { address, victim }
    }

    /// Starts a process that is to be killed: nothing of it comes by before this knows it.
    pub(crate) fn start<T>(
        &self,
        kill: Kill,
        start: impl FnOnce() -> (std::process::Child, T),
    ) -> (std::process::Child, T) {
        let mut victim = self.victim.lock().unwrap();
        let started = start();
        *victim = Victim { requests: 0, next: Some((started.0.id(), kill)) };
        started
    }
}

/// Passes requests on, one connection for each.
fn pass(mut stream: TcpStream, target: &str, victim: &Mutex<Victim>, counted: &str) {
    while let Some(request) = message(&mut stream) {
        let mut kill = None;
        if String::from_utf8_lossy(&request).contains(counted) {
            let mut victim = victim.lock().unwrap();
            victim.requests += 1;
            let requests = victim.requests;
            kill = victim.next.take_if(|(_, kill)| kill.request == requests);
        }
        if let Some((process, Kill { done: false, .. })) = kill {
            end(process);
            return;
        }
        let mut onward = TcpStream::connect(target).unwrap();
        onward.write_all(&request).unwrap();
        let Some(answer) = message(&mut onward) else { return };
        if let Some((process, _)) = kill {
            end(process);
            return;
        }
        if stream.write_all(&answer).is_err() {
            return;
        }
    }
}

fn end(process: u32) {
    let process = rustix::process::Pid::from_raw(i32::try_from(process).unwrap()).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::KILL).unwrap();
}

/// A whole message with its length in its head.
pub(crate) fn message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let (mut bytes, mut chunk) = (Vec::new(), [0; 65536]);
    let mut wanted = None;
    loop {
        if wanted.is_none()
            && let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n")
        {
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let length =
                head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
            wanted = Some(end + 4 + length.unwrap_or(0));
        }
        if wanted.is_some_and(|wanted| bytes.len() >= wanted) {
            return Some(bytes);
        }
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return None,
            Ok(n) => bytes.extend_from_slice(&chunk[..n]),
        }
    }
}
