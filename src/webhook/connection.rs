//! One connection, from the handshake to its end: limits on slow clients, TCP_NODELAY, and a greatest age.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::response::Response;
use futures::future::{BoxFuture, Map};
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use hyper::Request;
use hyper::body::Incoming;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::one_task::OneTask;

/// How long a client may take for the TLS handshake, for the head of a request, and until its first request.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long requests in flight may take to finish once a connection is to end. Answers take two seconds at most.
pub(super) const DRAIN: Duration = Duration::from_secs(5);
/// Requests at once on one HTTP/2 connection; the API server opens few connections.
const MAX_STREAMS: u32 = 256;

/// Answers a request, whatever it is.
pub type Respond = Box<dyn Fn(Request<Incoming>) -> BoxFuture<'static, Response> + Send>;
/// Who answers the requests of a new connection: what is counted for each request can be the connection's own then.
pub type Respondent = Arc<dyn Fn() -> Respond + Send + Sync>;

/// What every connection is served with.
#[derive(Clone)]
pub(super) struct Terms {
    /// What counts for the next handshake.
    pub(super) tls: Arc<ArcSwap<ServerConfig>>,
    /// Who answers.
    pub(super) respondent: Respondent,
    /// How old a connection gets, or up to half as much older.
    pub(super) age: Duration,
    /// Whether to come to an end.
    pub(super) stop: watch::Receiver<bool>,
}

/// Serves a connection until it is over.
pub(super) async fn serve(tcp: TcpStream, mut terms: Terms) {
    // Without it answers over HTTP/2 stall for 40 ms. Fails only for a connection that is gone.
    let _ = tcp.set_nodelay(true);
    let acceptor = TlsAcceptor::from(terms.tls.load_full());
    let accepted = tokio::select! {
        biased;
        _ = terms.stop.wait_for(|stop| *stop) => return,
        accepted = timeout(PATIENCE, acceptor.accept(tcp)) => accepted,
    };
    match accepted {
        Ok(Ok(stream)) => speak(stream, terms).await,
        Ok(Err(error)) => tracing::debug!(%error, "no TLS"),
        Err(_) => tracing::debug!("no TLS in time"),
    }
}

/// In the protocol that was agreed on.
async fn speak(stream: TlsStream<TcpStream>, terms: Terms) {
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let io = OneBuffer(TokioIo::new(stream));
    let service = Service((terms.respondent)());
    if is_http2 {
        let connection = OneTask::new(|here| {
            http2::Builder::new(here)
                .timer(TokioTimer::new())
                .max_concurrent_streams(MAX_STREAMS)
                .max_header_list_size(16 * 1024)
                .serve_connection(io, service)
        });
        live(connection, terms.age, terms.stop).await;
    } else {
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(PATIENCE)
            .max_buf_size(64 * 1024)
            .serve_connection(io, service);
        live(Box::pin(connection), terms.age, terms.stop).await;
    }
}

/// Answers as hyper wants it.
struct Service(Respond);

impl hyper::service::Service<Request<Incoming>> for Service {
    type Response = Response;
    type Error = Infallible;
    type Future = Map<BoxFuture<'static, Response>, fn(Response) -> Result<Response, Infallible>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        (self.0)(request).map(Ok)
    }
}

/// What can be told to come to an end.
trait Connection: Future + Unpin {
    /// No more requests; those in flight are answered.
    fn finish(&mut self);
    /// Whether the client only holds the connection open.
    fn is_idle(&self) -> bool;
}

type Io = OneBuffer<TokioIo<TlsStream<TcpStream>>>;

impl Connection for OneTask<http2::Connection<Io, Service, super::one_task::Here>> {
    fn finish(&mut self) {
        self.connection().graceful_shutdown();
    }

    fn is_idle(&self) -> bool {
        !self.was_asked()
    }
}

impl Connection for Pin<Box<http1::Connection<Io, Service>>> {
    fn finish(&mut self) {
        self.as_mut().graceful_shutdown();
    }

    /// Its time for the head of a request sees to that.
    fn is_idle(&self) -> bool {
        false
    }
}

/// Written to from one buffer and never from several: so h2 copies an answer of up to 1 KiB, as nearly all are, into the
/// buffer of the answers before it (`CHAIN_THRESHOLD_WITHOUT_VECTORED_IO` in its `framed_write.rs`), and all of them are
/// one TLS record. Otherwise each answer is written by itself.
struct OneBuffer<T>(T);

impl<T: Read + Unpin> Read for OneBuffer<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl<T: Write + Unpin> Write for OneBuffer<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

/// Why a connection is no longer served as before.
#[derive(PartialEq, Eq)]
enum Until {
    Over,
    Stopped,
    Elapsed,
}

/// Serves a connection until the client ends it, it never asks anything, it is old, or the server stops.
async fn live(mut connection: impl Connection, age: Duration, mut stop: watch::Receiver<bool>) {
    // Not the same for all, so that they do not come again all at once.
    let age = age.mul_f64(1.0 + fastrand::f64() / 2.0);
    let first = PATIENCE.min(age);
    let mut until = run(&mut connection, &mut stop, first).await;
    if until == Until::Elapsed && !connection.is_idle() {
        until = run(&mut connection, &mut stop, age.saturating_sub(first)).await;
    }
    if until != Until::Over {
        connection.finish();
        // What is not finished by then is cut off.
        let _ = timeout(DRAIN, connection).await;
    }
}

async fn run(
    connection: &mut impl Connection,
    stop: &mut watch::Receiver<bool>,
    time: Duration,
) -> Until {
    let end = async {
        let stopped = stop.wait_for(|stop| *stop);
        match timeout(time, stopped).await {
            Ok(_) => Until::Stopped,
            Err(_) => Until::Elapsed,
        }
    };
    // Looked at only when it wakes up: by itself it would take a lock of all connections each time that one of them moves.
    let mut end: FuturesUnordered<_> = [end].into_iter().collect();
    tokio::select! {
        biased;
        _ = connection => Until::Over,
        Some(until) = end.next() => until,
    }
}
