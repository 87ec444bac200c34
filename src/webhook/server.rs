//! The HTTPS listener: limits on slow clients, TCP_NODELAY, and a drain that lets requests finish.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use hyper_util::rt::TokioTimer;

/// How long a client may take for the TLS handshake, and for the head of a request.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long requests in flight may take to finish once the server is told to stop. Answers take two seconds at most.
const DRAIN: Duration = Duration::from_secs(5);
/// Requests at once on one HTTP/2 connection; the API server opens few connections.
const MAX_STREAMS: u32 = 256;

/// Why the server can't serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address can't be listened on.
    #[error("can't listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// Serving ended with an error.
    #[error("the server stopped")]
    Serve(#[source] std::io::Error),
}

/// A listener that is bound and not yet served.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    handle: Handle<SocketAddr>,
}

impl Server {
    /// Binds an address; port 0 is any free one.
    ///
    /// # Errors
    /// [`ServeError::Listen`] if the address can't be listened on.
    pub fn bind(address: SocketAddr) -> Result<Self, ServeError> {
        let listen = |source| ServeError::Listen { address, source };
        let listener = TcpListener::bind(address).map_err(listen)?;
        Ok(Self {
            address: listener.local_addr().map_err(listen)?,
            listener,
            handle: Handle::new(),
        })
    }

    /// The address that is listened on.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops the server: no new connections, requests in flight finish.
    pub fn stopper(&self) -> impl FnOnce() + Send + 'static {
        let handle = self.handle.clone();
        move || handle.graceful_shutdown(Some(DRAIN))
    }

    /// Serves HTTPS until stopped. What `tls` holds counts for each new connection.
    ///
    /// # Errors
    /// [`ServeError::Serve`] if the listener fails for good.
    pub async fn serve(self, tls: RustlsConfig, router: Router) -> Result<(), ServeError> {
        // The NoDelayAcceptor belongs inside the TLS acceptor: without it answers over HTTP/2 stall for 40 ms.
        let acceptor = RustlsAcceptor::new(tls)
            .handshake_timeout(PATIENCE)
            .acceptor(NoDelayAcceptor::new());
        let server = axum_server::from_tcp(self.listener).map_err(ServeError::Serve)?;
        let mut server = server
            .handle(self.handle)
            .acceptor(acceptor)
            .first_request_timeout(PATIENCE);
        let builder = server.http_builder();
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(PATIENCE)
            .max_buf_size(64 * 1024);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(16 * 1024)
            .keep_alive_interval(Duration::from_secs(30))
            .keep_alive_timeout(PATIENCE);
        server
            .serve(router.into_make_service())
            .await
            .map_err(ServeError::Serve)
    }
}
