//! The simulator on the network: HTTP/1.1 on a TCP listener. What is answered is [`Sim`]'s; how it
//! is sent, properly or not, is decided there and done here.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream;
use http_body_util::{BodyExt as _, Either, Full, StreamBody};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::Timestamp;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::control;
use super::patience::Patient;
use super::places::{Place, Places};
use crate::clock;
use crate::error::{Error, Kind, Result};
use crate::sim::faults::Delivery;
use crate::sim::{Answer, Sim};
use crate::system;

/// Smaller answers are not worth compressing.
const COMPRESSED_FROM: usize = 16 << 10;
/// How long a stop waits for answers under way.
const LAST_ANSWERS: Duration = Duration::from_secs(5);
/// Connections at a time, fewer than most systems let a process open.
const CONNECTIONS: usize = 900;
/// Callers that the system may hold until they are accepted. One more than these would knock again a second later.
const KNOCKING: u32 = 4096;
/// Callers that may wait for a place at a time; more of them wait to be accepted.
const WAITING: usize = 64;
/// How long a client may take over a request's head, over its body, and over reading an answer's next part.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a silent connection that was told to go may take over it.
const GOING: Duration = Duration::from_secs(1);
/// How much of a body beyond the limit is read, so that the client comes to read the answer.
const DISCARDED: usize = 128 << 20;

/// A simulator that accepts connections.
#[derive(Debug)]
pub(crate) struct Server {
    sim: Arc<Sim>,
    listener: TcpListener,
    address: SocketAddr,
}

/// Starts to listen; port 0 picks a free one.
///
/// # Errors
/// The address cannot be listened on.
pub(crate) async fn bind(sim: Arc<Sim>, address: SocketAddr) -> Result<Server> {
    let cannot = |error: std::io::Error| {
        system::out_of_files(&error)
            .unwrap_or_else(|| Error::new(Kind::Io, format!("cannot listen on {address}: {error}")))
    };
    let listener = listen(address).map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    Ok(Server { sim, listener, address })
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(KNOCKING)
}

/// What a connection shares with the server.
#[derive(Clone)]
struct Shared {
    sim: Arc<Sim>,
    /// Turns true when the server stops.
    stopping: watch::Receiver<bool>,
    /// Asks the server not to listen for a while.
    deaf: mpsc::UnboundedSender<Duration>,
}

impl Server {
    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` is done; then answers what is under way, and compacts the state's file.
    ///
    /// # Errors
    /// The state's file cannot be written.
    pub(crate) async fn run(self, stop: impl Future<Output = ()>) -> Result<()> {
        let (stop_all, stopping) = watch::channel(false);
        let (deaf, mut deafness) = mpsc::unbounded_channel();
        let shared = Shared { sim: self.sim, stopping, deaf };
        let mut listener = Some(self.listener);
        let places = Places::new(CONNECTIONS);
        let mut connections = JoinSet::new();
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                Some(span) = deafness.recv() => {
                    listener = None;
                    connections.abort_all();
                    tokio::select! {
                        () = &mut stop => break,
                        rebound = listen_again(self.address, span, &shared.sim) => listener = Some(rebound),
                    }
                    // Those who asked for it at the same time were closed as well: it is over for all.
                    while deafness.try_recv().is_ok() {}
                }
                stream = accept(listener.as_ref(), &places), if places.waiting() < WAITING => {
                    let (shared, places) = (shared.clone(), Arc::clone(&places));
                    connections.spawn(async move {
                        if let Some(place) = places.enter().await {
                            connection(stream, place, shared).await;
                        }
                    });
                }
                Some(_) = connections.join_next() => {}
            }
        }
        drop(listener);
        let _ = stop_all.send(true);
        let drained = async { while connections.join_next().await.is_some() {} };
        let _ = timeout(LAST_ANSWERS, drained).await;
        connections.shutdown().await;
        shared.sim.close()
    }
}

/// The next connection.
async fn accept(listener: Option<&TcpListener>, places: &Places) -> TcpStream {
    let Some(listener) = listener else { return std::future::pending().await };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            // Out of file descriptors, most likely: one comes free.
            Err(_) => {
                places.send_away();
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// A listener where there was one, after a while. Callers who share the clock and slept until then find it.
async fn listen_again(address: SocketAddr, after: Duration, sim: &Sim) -> TcpListener {
    let alarm = sim.shared_clock().map(|clock| clock.alarm(after));
    match &alarm {
        Some(alarm) => alarm.rings().await,
        None => sleep(after).await,
    }
    loop {
        match listen(address) {
            Ok(listener) => return listener,
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn connection(stream: TcpStream, place: Arc<Place>, shared: Shared) {
    let _ = stream.set_nodelay(true);
    let mut stopping = shared.stopping.clone();
    let speaker = Arc::clone(&place);
    let service = service_fn(move |request| {
        let (place, shared) = (Arc::clone(&speaker), shared.clone());
        async move {
            let response = exchange(request, &place, shared).await;
            // One that comes in pieces is not silent before they are sent.
            if matches!(&response, Ok(response) if matches!(response.body(), Either::Left(_))) {
                place.fall_silent();
            }
            response
        }
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    let connection = http.serve_connection(TokioIo::new(Patient::new(stream, PATIENCE)), service);
    tokio::pin!(connection);
    tokio::select! {
        // Why a connection ended concerns its client only.
        _ = connection.as_mut() => return,
        () = place.told_to_go() => {
            connection.as_mut().graceful_shutdown();
            // A request that came just now is answered; half of one is not waited for.
            if timeout(GOING, connection.as_mut()).await.is_ok() || place.is_silent() {
                return;
            }
        }
        () = stopped(&mut stopping) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // An error says that the server is gone: stopped as well.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

/// A body sent whole, or one that is sent in pieces and may break off.
type Outgoing = Either<Full<Bytes>, StreamBody<stream::BoxStream<'static, std::result::Result<Frame<Bytes>, Broken>>>>;

/// The connection is to be closed.
#[derive(Debug)]
struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("closed on purpose")
    }
}

impl std::error::Error for Broken {}

/// What a request is answered with: the service's answer, or a look inside.
pub(crate) fn respond(sim: &Sim, request: &Request<Bytes>) -> Answer {
    if sim.is_control(request.uri().path()) { control::answer(sim, request) } else { sim.answer(request) }
}

/// One request and its answer.
async fn exchange(
    request: Request<Incoming>,
    place: &Place,
    mut shared: Shared,
) -> std::result::Result<Response<Outgoing>, Broken> {
    let (head, body) = request.into_parts();
    let zips = accepts_gzip(&head.headers);
    let body = read(body, shared.sim.body_limit(&head), &head.headers);
    let body = timeout(PATIENCE, body).await.map_err(|_| Broken)??;
    place.speak();
    let (mut answer, closes) = match body {
        Some(body) => (respond(&shared.sim, &Request::from_parts(head, body)), false),
        None => (shared.sim.too_large(), true),
    };
    let took = if shared.sim.shared_clock().is_some() { take(&mut answer) } else { Duration::ZERO };
    if !answer.delay.is_zero() {
        tokio::select! {
            () = sleep(answer.delay) => {}
            () = stopped(&mut shared.stopping) => {}
        }
    }
    let mut response = match answer.delivery {
        Delivery::Closed => return Err(Broken),
        Delivery::Deaf(span) => {
            let _ = shared.deaf.send(span);
            // Closed with all others, once nothing is listened to: nobody comes back in between.
            stopped(&mut shared.stopping).await;
            return Err(Broken);
        }
        Delivery::Stalled(span) => {
            tokio::select! {
                () = sleep(span) => {}
                () = stopped(&mut shared.stopping) => {}
            }
            return Err(Broken);
        }
        Delivery::Half | Delivery::Slow(_) => in_pieces(&answer, shared.stopping),
        _ => whole(&answer, zips),
    };
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    if let Some(millis) = answer.retry_after {
        headers.insert("x-acs-retry-after", millis.into());
    }
    if let Some(date) = answer.date.and_then(http_date) {
        headers.insert(header::DATE, date);
    }
    if !took.is_zero() {
        headers.insert(clock::TOOK, u64::try_from(took.as_millis()).unwrap_or(u64::MAX).into());
    }
    if closes {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

/// Takes out of an answer what it waits for, and gives how long that is. What would not be answered at all breaks
/// off instead, behind a head that can say it.
fn take(answer: &mut Answer) -> Duration {
    let mut took = std::mem::take(&mut answer.delay);
    answer.delivery = match std::mem::take(&mut answer.delivery) {
        Delivery::Stalled(span) => {
            took += span;
            Delivery::Half
        }
        Delivery::Slow(rate) => {
            took += Duration::try_from_secs_f64(answer.body.len() as f64 / rate).unwrap_or(Duration::MAX);
            Delivery::Whole
        }
        Delivery::Closed if !took.is_zero() => Delivery::Half,
        other => other,
    };
    took
}

/// A body, `None` when it is larger than the limit.
async fn read(mut body: Incoming, limit: usize, headers: &HeaderMap) -> std::result::Result<Option<Bytes>, Broken> {
    if body.is_end_stream() {
        return Ok(Some(Bytes::new()));
    }
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    // A client that asks first sends nothing when it is told no.
    if announced > limit && headers.contains_key(header::EXPECT) {
        return Ok(None);
    }
    // It grows with what has come, not with what is announced.
    let mut kept = Vec::new();
    let mut count = 0_usize;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Broken)?.into_data() else { continue };
        count = count.saturating_add(data.len());
        if count > limit.saturating_add(DISCARDED) {
            return Ok(None);
        }
        if count > limit || announced > limit {
            kept = Vec::new();
        } else {
            kept.extend_from_slice(&data);
        }
    }
    Ok((count <= limit).then(|| kept.into()))
}

fn whole(answer: &Answer, zips: bool) -> Response<Outgoing> {
    if zips
        && answer.body.len() >= COMPRESSED_FROM
        && let Some(zipped) = gzip(&answer.body)
    {
        let mut response = Response::new(Either::Left(Full::new(zipped)));
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        return response;
    }
    Response::new(Either::Left(Full::new(answer.body.clone())))
}

fn gzip(body: &[u8]) -> Option<Bytes> {
    use std::io::Write as _;
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    encoder.write_all(body).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let offers = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    offers.flat_map(|value| value.split(',')).any(|offer| {
        let (name, quality) = offer.split_once(';').unwrap_or((offer, ""));
        let quality: String = quality.split_whitespace().collect();
        name.trim().eq_ignore_ascii_case("gzip") && !matches!(quality.as_str(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
    })
}

/// An answer that says how long it is and comes in pieces: half of it at once and then none, or
/// all of it slowly.
fn in_pieces(answer: &Answer, stopping: watch::Receiver<bool>) -> Response<Outgoing> {
    let rate = match answer.delivery {
        Delivery::Slow(rate) => Some(rate),
        _ => None,
    };
    let length = answer.body.len();
    let left = if rate.is_some() { answer.body.clone() } else { answer.body.slice(..length / 2) };
    let pieces = stream::unfold((left, stopping, false), move |(mut left, mut stopping, is_over)| async move {
        if is_over {
            return None;
        }
        if left.is_empty() {
            // Sent in full, or to be broken off once what was sent so far is on its way.
            tokio::task::yield_now().await;
            return rate.is_none().then_some((Err(Broken), (left, stopping, true)));
        }
        let Some(rate) = rate else {
            let half = std::mem::take(&mut left);
            return Some((Ok(Frame::data(half)), (left, stopping, false)));
        };
        // Ten pieces a second, or single bytes.
        let size = ((rate / 10.0) as usize).clamp(1, left.len());
        let piece = left.split_to(size);
        tokio::select! {
            () = sleep(Duration::from_secs_f64(size as f64 / rate)) => {
                Some((Ok(Frame::data(piece)), (left, stopping, false)))
            }
            () = stopped(&mut stopping) => Some((Err(Broken), (left, stopping, true))),
        }
    });
    let mut response = Response::new(Either::Right(StreamBody::new(Box::pin(pieces) as _)));
    response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    response
}

fn http_date(time: Timestamp) -> Option<HeaderValue> {
    HeaderValue::from_str(&time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()).ok()
}
