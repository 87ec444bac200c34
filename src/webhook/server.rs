//! The HTTPS listener: a bounded number of connections, and a drain that lets requests finish.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};

use super::connection::{self, DRAIN, Respondent, Terms};

/// Connections at once. What comes on top waits with the kernel.
const MAX_CONNECTIONS: u32 = 2048;
/// A connection is ended at this age, or up to half as much later, and the API server opens another one: replicas share
/// the load again after one was replaced, a new certificate reaches everybody, and dead peers are forgotten.
const AGE: Duration = Duration::from_mins(5);
/// How long nothing is accepted after accepting has failed, as it does where the process may open no more files.
const PAUSE: Duration = Duration::from_millis(100);

/// Why the server can't serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address can't be listened on.
    #[error("can't listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The listener can't be served.
    #[error("can't serve")]
    Serve(#[source] io::Error),
}

/// A listener that is bound and not yet served.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    age: Duration,
    stop: Arc<watch::Sender<bool>>,
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
            age: AGE,
            stop: Arc::new(watch::Sender::new(false)),
        })
    }

    /// The address that is listened on.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends connections at this age, or up to half as much later, instead of five minutes.
    #[must_use]
    pub fn with_age(self, age: Duration) -> Self {
        Self { age, ..self }
    }

    /// Stops the server: no new connections, requests in flight finish.
    pub fn stopper(&self) -> impl FnOnce() + Send + 'static {
        let stop = self.stop.clone();
        move || {
            stop.send_replace(true);
        }
    }

    /// Serves HTTPS until stopped. What `tls` holds counts for each new connection.
    ///
    /// # Errors
    /// [`ServeError::Serve`] if the listener can't be served at all. A connection that fails is none.
    pub async fn serve(
        self,
        tls: Arc<ArcSwap<ServerConfig>>,
        respondent: Respondent,
    ) -> Result<(), ServeError> {
        let listener = self.listener;
        listener.set_nonblocking(true).map_err(ServeError::Serve)?;
        let listener = tokio::net::TcpListener::from_std(listener).map_err(ServeError::Serve)?;
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS as usize));
        let mut stop = self.stop.subscribe();
        let terms = Terms {
            tls,
            respondent,
            age: self.age,
            stop: stop.clone(),
        };
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => {}
            () = accept(&listener, &places, &terms) => {}
        }
        drop(listener);
        // All places are free again when every connection has ended; each ends by itself within this time.
        let _ = timeout(2 * DRAIN, places.acquire_many(MAX_CONNECTIONS)).await;
        Ok(())
    }
}

/// Accepts connections for as long as it is polled.
async fn accept(listener: &tokio::net::TcpListener, places: &Arc<Semaphore>, terms: &Terms) {
    while let Ok(place) = places.clone().acquire_owned().await {
        let tcp = next(listener).await;
        let terms = terms.clone();
        tokio::spawn(async move {
            connection::serve(tcp, terms).await;
            drop(place);
        });
    }
}

async fn next(listener: &tokio::net::TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((tcp, _)) => return tcp,
            Err(error) => {
                tracing::debug!(%error, "nothing accepted");
                sleep(PAUSE).await;
            }
        }
    }
}
