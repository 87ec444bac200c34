//! A client as the API server is one: TLS, TCP_NODELAY, and one HTTP/2 connection for many requests at once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use axum::body::Bytes;
use futures::future::try_join_all;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper::{HeaderMap, Method, Request, StatusCode, header};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How requests get to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// One HTTP/2 connection with this many requests in flight.
    H2(usize),
    /// This many HTTP/1.1 connections, a request at a time on each.
    H1(usize),
}

impl Protocol {
    /// How many requests are in flight.
    pub(crate) const fn in_flight(self) -> usize {
        match self {
            Self::H2(count) | Self::H1(count) => count,
        }
    }

    /// Its name in tables.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::H2(_) => "h2",
            Self::H1(_) => "http/1.1",
        }
    }
}

/// A server and how to trust it.
#[derive(Clone)]
pub(crate) struct Peer {
    address: SocketAddr,
    tls: Arc<ClientConfig>,
}

/// One kind of request.
#[derive(Clone)]
pub(crate) struct Call {
    /// Path and query.
    pub(crate) path: String,
    /// More headers than the content type.
    pub(crate) headers: HeaderMap,
    /// What is posted.
    pub(crate) body: Bytes,
    /// The status that the answer has to have.
    pub(crate) expected: StatusCode,
}

/// How requests went.
#[derive(Debug, Default)]
pub(crate) struct Round {
    /// How long each took, sorted.
    pub(crate) latencies: Vec<Duration>,
    /// How long all took.
    pub(crate) elapsed: Duration,
}

/// When a round ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Until {
    /// After this time.
    Elapsed(Duration),
    /// After this many requests of each that is in flight.
    Count(usize),
}

enum Sender {
    H2(http2::SendRequest<Full<Bytes>>),
    H1(http1::SendRequest<Full<Bytes>>),
}

impl Peer {
    /// A server at this address whose certificate is, or is vouched for by, one of those in a PEM file.
    pub(crate) fn new(address: SocketAddr, certificates: &[u8]) -> Result<Self> {
        let mut roots = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(certificates) {
            roots.add(certificate?)?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            address,
            tls: Arc::new(tls),
        })
    }

    async fn open(&self, protocol: &[u8]) -> Result<TokioIo<TlsStream<TcpStream>>> {
        let tcp = TcpStream::connect(self.address).await?;
        tcp.set_nodelay(true)?;
        let mut tls = (*self.tls).clone();
        tls.alpn_protocols = vec![protocol.to_vec()];
        let name = ServerName::from(self.address.ip());
        let stream = TlsConnector::from(Arc::new(tls)).connect(name, tcp).await?;
        Ok(TokioIo::new(stream))
    }

    async fn senders(&self, protocol: Protocol) -> Result<Vec<Sender>> {
        match protocol {
            Protocol::H2(count) => {
                let io = self.open(b"h2").await?;
                let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await?;
                tokio::spawn(connection);
                Ok((0..count).map(|_| Sender::H2(sender.clone())).collect())
            }
            Protocol::H1(count) => {
                let mut senders = Vec::new();
                for _ in 0..count {
                    let io = self.open(b"http/1.1").await?;
                    let (sender, connection) = http1::handshake(io).await?;
                    tokio::spawn(connection);
                    senders.push(Sender::H1(sender));
                }
                Ok(senders)
            }
        }
    }

    /// Connects.
    pub(crate) async fn connect(&self, protocol: Protocol) -> Result<Connection> {
        Ok(Connection {
            address: self.address,
            senders: self.senders(protocol).await?,
        })
    }

    /// One request; status and body of its answer.
    pub(crate) async fn once(&self, call: &Call) -> Result<(StatusCode, Bytes)> {
        let mut connection = self.connect(Protocol::H2(1)).await?;
        let Some(sender) = connection.senders.first_mut() else {
            bail!("no connection");
        };
        send(self.address, sender, call).await
    }

    /// Sends one call over and over, as many at once as the protocol says: first to warm up, then measured.
    pub(crate) async fn drive(
        &self,
        protocol: Protocol,
        call: &Call,
        warm_up: Until,
        until: Until,
    ) -> Result<Round> {
        let mut connection = self.connect(protocol).await?;
        connection.round(call, warm_up).await?;
        connection.round(call, until).await
    }
}

/// What requests are sent over: one connection with HTTP/2, several with HTTP/1.1.
pub(crate) struct Connection {
    address: SocketAddr,
    senders: Vec<Sender>,
}

impl Connection {
    /// Sends one call over and over, as many at once as there are senders.
    pub(crate) async fn round(&mut self, call: &Call, until: Until) -> Result<Round> {
        let begun = Instant::now();
        let address = self.address;
        let senders = self.senders.iter_mut();
        let workers = senders.map(|sender| work(address, sender, call, begun, until));
        let mut latencies = try_join_all(workers).await?.concat();
        let elapsed = begun.elapsed();
        latencies.sort_unstable();
        Ok(Round { latencies, elapsed })
    }
}

async fn work(
    address: SocketAddr,
    sender: &mut Sender,
    call: &Call,
    begun: Instant,
    until: Until,
) -> Result<Vec<Duration>> {
    let mut latencies = Vec::with_capacity(32 * 1024);
    loop {
        let sent = Instant::now();
        let done = match until {
            Until::Elapsed(time) => sent.duration_since(begun) >= time,
            Until::Count(count) => latencies.len() >= count,
        };
        if done {
            return Ok(latencies);
        }
        let (status, body) = send(address, sender, call).await?;
        latencies.push(sent.elapsed());
        ensure!(
            status == call.expected,
            "{status} from {}: {}",
            call.path,
            String::from_utf8_lossy(&body)
        );
    }
}

async fn send(
    address: SocketAddr,
    sender: &mut Sender,
    call: &Call,
) -> Result<(StatusCode, Bytes)> {
    let uri = match sender {
        Sender::H2(_) => format!("https://{address}{}", call.path),
        Sender::H1(_) => call.path.clone(),
    };
    let mut request = Request::new(Full::new(call.body.clone()));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri.parse()?;
    *request.headers_mut() = call.headers.clone();
    request.headers_mut().insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("application/json"),
    );
    let response = match sender {
        Sender::H2(sender) => sender.send_request(request).await,
        Sender::H1(sender) => {
            let host = address.to_string().parse()?;
            request.headers_mut().insert(header::HOST, host);
            sender.ready().await?;
            sender.send_request(request).await
        }
    };
    let (parts, body) = response.context("the server gave no answer")?.into_parts();
    Ok((parts.status, body.collect().await?.to_bytes()))
}
