//! The real binary with a cluster from files, as a process of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};
use tower::ServiceExt;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

pub(crate) fn goldkeeper(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goldkeeper"));
    command
        .args(arguments)
        .current_dir(ROOT)
        .stdin(Stdio::null());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("GOLDKEEPER_")) {
        command.env_remove(name);
    }
    command
}

/// A server on free ports that ends with the test.
pub(crate) struct Serving {
    pub(crate) child: Child,
    pub(crate) started: String,
    pub(crate) https: SocketAddr,
    pub(crate) plain: SocketAddr,
}

impl Serving {
    /// With the shipped policies.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// With more arguments.
    pub(crate) fn start_with(more: &[&str]) -> Self {
        Self::start_logging(more, Stdio::null())
    }

    /// With a place for its log.
    pub(crate) fn start_logging(more: &[&str], log: Stdio) -> Self {
        let ports = ["--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"];
        let mut child = goldkeeper(&["serve", "--cluster-from", "examples/cluster.yaml"])
            .args(ports)
            .args(more)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut started = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        while !started.contains("# filled in") {
            assert!(
                lines.read_line(&mut started).unwrap() > 0,
                "it ended: {started}"
            );
        }
        let address = |mark: &str| {
            let (_, rest) = started.split_once(mark).unwrap();
            let end = rest.find([' ', '\n', ',']).unwrap();
            rest[..end].parse().unwrap()
        };
        Self {
            https: address("on https://"),
            plain: address("on http://"),
            child,
            started,
        }
    }

    pub(crate) fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.plain).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    pub(crate) fn terminate(&self) {
        let status = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Takes any certificate: the one under test was made by the server itself.
#[derive(Debug)]
struct AnyCertificate;

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::aws_lc_rs::default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}

pub(crate) type Tls = StreamOwned<ClientConnection, TcpStream>;

/// Takes any certificate.
pub(crate) fn any_certificate(
    protocols: &[&str],
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate))
        .with_no_client_auth();
    config.alpn_protocols = protocols
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect();
    Arc::new(config)
}

/// A connection that takes any certificate.
pub(crate) fn connect(
    address: SocketAddr,
    protocols: &[&str],
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> Tls {
    let config = any_certificate(protocols, versions);
    let connection = ClientConnection::new(config, "localhost".try_into().unwrap()).unwrap();
    let stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let mut tls = StreamOwned::new(connection, stream);
    while tls.conn.is_handshaking() {
        tls.conn.complete_io(&mut tls.sock).unwrap();
    }
    tls
}

/// The head of a request; the body is to follow.
pub(crate) fn post(tls: &mut Tls, path: &str, body: &[u8]) {
    let length = body.len();
    write!(tls, "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n")
        .unwrap();
}

/// The answer as it comes over the wire.
pub(crate) fn answer(tls: &mut Tls) -> String {
    let mut answer = Vec::new();
    let mut chunk = [0; 4096];
    while !answer.ends_with(b"}}") {
        let length = tls.read(&mut chunk).unwrap();
        assert!(length > 0, "{}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&chunk[..length]);
    }
    String::from_utf8(answer).unwrap()
}

/// One of the example reviews.
pub(crate) fn example(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(ROOT).join("examples/reviews").join(name)).unwrap()
}

/// A router as what the HTTPS listener serves: for webhooks that stand in for others.
pub(crate) fn routed(router: axum::Router) -> goldkeeper::webhook::Respondent {
    Arc::new(move || {
        let router = router.clone();
        Box::new(move |request| {
            let answering = router.clone().oneshot(request);
            answering
                .map(|answer| answer.unwrap_or_else(|never| match never {}))
                .boxed()
        })
    })
}
