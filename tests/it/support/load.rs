//! Clients as the API server is one: reviews over HTTP/2 on connections that are kept, and made anew now and then.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
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

/// Whether the full runs are asked for.
pub(crate) fn is_long() -> bool {
    std::env::var_os("GOLDKEEPER_LONG").is_some()
}

/// Longest that an answer may take: the API server's own patience is ten seconds at most.
const PATIENCE: Duration = Duration::from_secs(10);
/// Reviews on one connection.
const ON_ONE: usize = 20;

/// A review that is sent again and again.
#[derive(Clone)]
pub(crate) struct Question {
    /// Where to.
    pub(crate) path: &'static str,
    /// The review.
    pub(crate) body: Bytes,
    /// What an answer of this status and text is, in a few words; or why it is wrong whenever it comes.
    pub(crate) judge: fn(u16, &[u8]) -> Result<String, String>,
}

impl Question {
    /// A virtual machine in a protected namespace, which is always refused.
    fn protected() -> Self {
        Self {
            path: "/validate?timeout=5s",
            body: Bytes::from(example("vm-in-openshift.json")),
            judge: |status, body| {
                let text = String::from_utf8_lossy(body);
                let refused = text.contains("\"allowed\":false") && text.contains("\"code\":403");
                if status == 200 && refused {
                    Ok("refused".to_owned())
                } else {
                    Err(format!("{status}: {text}"))
                }
            },
        }
    }
}

/// An answer: the phases of the run in which it was asked for and came, and what it is.
type Seen = (&'static str, &'static str, String);

/// What came of a load.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) right: AtomicU64,
    pub(crate) connections: AtomicU64,
    pub(crate) slowest: AtomicU64,
    phase: Mutex<&'static str>,
    seen: Mutex<BTreeMap<Seen, u64>>,
    wrong: Mutex<Vec<String>>,
    stopped: AtomicBool,
}

impl Outcome {
    pub(crate) fn wrong(&self) -> Vec<String> {
        self.wrong.lock().unwrap().clone()
    }

    /// From now on the run is in this phase.
    pub(crate) fn enter(&self, phase: &'static str) {
        *self.phase.lock().unwrap() = phase;
    }

    /// How often each answer was seen.
    pub(crate) fn seen(&self) -> BTreeMap<Seen, u64> {
        self.seen.lock().unwrap().clone()
    }

    fn note(&self, asked_in: &'static str, what: String) {
        let came_in = *self.phase.lock().unwrap();
        let mut seen = self.seen.lock().unwrap();
        *seen.entry((asked_in, came_in, what)).or_default() += 1;
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }
}

/// Clients that send reviews until stopped.
pub(crate) struct Load {
    pub(crate) outcome: Arc<Outcome>,
    workers: JoinSet<()>,
    started: Instant,
}

impl Load {
    /// So many clients, each with this time between two reviews of a virtual machine that is refused.
    pub(crate) fn start(address: SocketAddr, clients: usize, pace: Duration) -> Self {
        Self::of(&[Question::protected()], "", address, clients, pace)
    }

    /// The same with reviews of one's own, which each client sends in turn, and the phase in which the run begins.
    pub(crate) fn of(
        questions: &[Question],
        phase: &'static str,
        address: SocketAddr,
        clients: usize,
        pace: Duration,
    ) -> Self {
        let outcome = Arc::<Outcome>::default();
        outcome.enter(phase);
        let mut workers = JoinSet::new();
        for _ in 0..clients {
            workers.spawn(work(questions.to_vec(), address, pace, outcome.clone()));
        }
        Self {
            outcome,
            workers,
            started: Instant::now(),
        }
    }

    /// Ends it, and says how many reviews a second were answered. No answer was wrong or missing.
    #[allow(clippy::print_stdout, reason = "the figures of the run")]
    pub(crate) async fn end(mut self, what: &str) -> f64 {
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

async fn work(
    questions: Vec<Question>,
    address: SocketAddr,
    pace: Duration,
    outcome: Arc<Outcome>,
) {
    let mut turn = questions.iter().cycle();
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
        for question in turn.by_ref().take(ON_ONE) {
            // A connection that the server ends in order is no failure: nothing was asked on it yet.
            if outcome.is_stopped() || sender.ready().await.is_err() {
                break;
            }
            let asked_in = *outcome.phase.lock().unwrap();
            let asked = Instant::now();
            match timeout(PATIENCE, ask(&mut sender, question)).await {
                Ok(Ok(Some(what))) => {
                    outcome.right.fetch_add(1, Ordering::Relaxed);
                    let took = u64::try_from(asked.elapsed().as_millis()).unwrap();
                    outcome.slowest.fetch_max(took, Ordering::Relaxed);
                    outcome.note(asked_in, what);
                }
                Ok(Ok(None)) => break,
                Ok(Err(reason)) => outcome.wrong.lock().unwrap().push(reason),
                Err(_) => outcome.wrong.lock().unwrap().push("no answer".to_owned()),
            }
            sleep(pace).await;
        }
    }
}

/// What the answer is; `None` if the server did not take the request, which a client then asks elsewhere.
pub(crate) async fn ask(
    sender: &mut Sender,
    question: &Question,
) -> Result<Option<String>, String> {
    let body = question.body.clone();
    let request = hyper::Request::post(format!("https://localhost{}", question.path))
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
            return if is_untaken { Ok(None) } else { Err(error) };
        }
    };
    let status = response.status();
    let body = response.into_body().collect().await;
    let body = body.map_err(|error| error.to_string())?.to_bytes();
    (question.judge)(status.as_u16(), &body).map(Some)
}

/// A TLS connection that takes any certificate.
pub(crate) async fn tls(
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
pub(crate) async fn connect(address: SocketAddr) -> Result<Sender, String> {
    let stream = TokioIo::new(tls(address, "h2").await?);
    let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream)
        .await
        .map_err(|error| format!("no HTTP/2: {error}"))?;
    tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok(sender)
}
