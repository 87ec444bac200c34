//! Clients as the API server is one: reviews over HTTP/2 on connections that are kept, and made anew now and then.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support::serving::{any_certificate, example};

type Sender = SendRequest<Full<Bytes>>;

/// Longest that an answer may take: the API server's own patience is ten seconds at most.
const PATIENCE: Duration = Duration::from_secs(10);
/// Reviews on one connection.
const ON_ONE: usize = 20;

/// What came of a load.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) right: AtomicU64,
    pub(super) connections: AtomicU64,
    pub(super) slowest: AtomicU64,
    wrong: std::sync::Mutex<Vec<String>>,
    stopped: AtomicBool,
}

impl Outcome {
    pub(super) fn wrong(&self) -> Vec<String> {
        self.wrong.lock().unwrap().clone()
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }
}

/// Clients that send reviews until stopped.
pub(super) struct Load {
    pub(super) outcome: Arc<Outcome>,
    workers: JoinSet<()>,
    started: Instant,
}

impl Load {
    /// So many clients, each with this time between two reviews.
    pub(super) fn start(address: SocketAddr, clients: usize, pace: Duration) -> Self {
        let outcome = Arc::<Outcome>::default();
        let mut workers = JoinSet::new();
        for _ in 0..clients {
            workers.spawn(work(address, pace, outcome.clone()));
        }
        Self {
            outcome,
            workers,
            started: Instant::now(),
        }
    }

    /// Ends it, and says how many reviews a second were answered. No answer was wrong or missing.
    #[allow(clippy::print_stdout, reason = "the figures of the run")]
    pub(super) async fn end(mut self, what: &str) -> f64 {
        self.outcome.stopped.store(true, Ordering::Relaxed);
        let seconds = self.started.elapsed().as_secs_f64();
        while self.workers.join_next().await.is_some() {}
        let right = self.outcome.right.load(Ordering::Relaxed);
        #[allow(clippy::cast_precision_loss, reason = "a figure for people")]
        let rate = right as f64 / seconds;
        println!(
            "{what}: {right} right answers in {seconds:.1} s ({rate:.0}/s) over {} connections, slowest {} ms, wrong {}",
            self.outcome.connections.load(Ordering::Relaxed),
            self.outcome.slowest.load(Ordering::Relaxed),
            self.outcome.wrong().len()
        );
        assert_eq!(self.outcome.wrong(), Vec::<String>::new());
        assert!(right > 0);
        rate
    }
}

async fn work(address: SocketAddr, pace: Duration, outcome: Arc<Outcome>) {
    let body = Bytes::from(example("vm-in-openshift.json"));
    while !outcome.is_stopped() {
        let mut sender = match connect(address).await {
            Ok(sender) => sender,
            Err(reason) => {
                outcome.wrong.lock().unwrap().push(reason);
                sleep(pace).await;
                continue;
            }
        };
        outcome.connections.fetch_add(1, Ordering::Relaxed);
        for _ in 0..ON_ONE {
            // A connection that the server ends in order is no failure: nothing was asked on it yet.
            if outcome.is_stopped() || sender.ready().await.is_err() {
                break;
            }
            let asked = Instant::now();
            match timeout(PATIENCE, ask(&mut sender, body.clone())).await {
                Ok(Ok(true)) => {
                    outcome.right.fetch_add(1, Ordering::Relaxed);
                    let took = u64::try_from(asked.elapsed().as_millis()).unwrap();
                    outcome.slowest.fetch_max(took, Ordering::Relaxed);
                }
                Ok(Ok(false)) => break,
                Ok(Err(reason)) => outcome.wrong.lock().unwrap().push(reason),
                Err(_) => outcome.wrong.lock().unwrap().push("no answer".to_owned()),
            }
            sleep(pace).await;
        }
    }
}

/// Whether the right answer came; not if the server did not take the request, which a client then asks elsewhere.
async fn ask(sender: &mut Sender, body: Bytes) -> Result<bool, String> {
    let request = hyper::Request::post("https://localhost/validate?timeout=5s")
        .header("content-type", "application/json")
        .header("content-length", body.len())
        .body(Full::new(body))
        .map_err(|error| error.to_string())?;
    let response = match sender.try_send_request(request).await {
        Ok(response) => response,
        Err(mut error) => {
            let is_untaken = error.take_message().is_some();
            let error = format!("{:?}", error.into_error());
            // An orderly GOAWAY ends only requests that the server has not taken: clients send those again.
            let is_untaken = is_untaken || error.contains("GoAway") && error.contains("NO_ERROR");
            return if is_untaken { Ok(false) } else { Err(error) };
        }
    };
    let status = response.status();
    let body = response.into_body().collect().await;
    let body = body.map_err(|error| error.to_string())?.to_bytes();
    let text = String::from_utf8_lossy(&body);
    if status == 200 && text.contains("\"allowed\":false") && text.contains("\"code\":403") {
        Ok(true)
    } else {
        Err(format!("{status}: {text}"))
    }
}

/// A TLS connection that takes any certificate.
pub(super) async fn tls(
    address: SocketAddr,
    protocol: &str,
) -> Result<TlsStream<TcpStream>, String> {
    let config = any_certificate(
        &[protocol],
        &[&rustls::version::TLS13, &rustls::version::TLS12],
    );
    let connecting = async {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let name = "localhost".try_into().map_err(std::io::Error::other)?;
        TlsConnector::from(config).connect(name, stream).await
    };
    let connected = timeout(PATIENCE, connecting).await;
    connected
        .map_err(|_| "no handshake".to_owned())?
        .map_err(|error| format!("no connection: {error}"))
}

/// A connection for reviews.
pub(super) async fn connect(address: SocketAddr) -> Result<Sender, String> {
    let stream = TokioIo::new(tls(address, "h2").await?);
    let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream)
        .await
        .map_err(|error| format!("no HTTP/2: {error}"))?;
    tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok(sender)
}
