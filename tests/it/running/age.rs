//! Connections end at a greatest age, and no review is lost by it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use goldkeeper::tls::{Pair, Profile, Terminal};
use goldkeeper::webhook::Server;
use tokio::io::AsyncReadExt;
use tokio::time::{sleep, timeout};

use crate::support::load::{Load, connect, tls};
use crate::support::serving::routed;

const AGE: Duration = Duration::from_millis(100);

/// Where it listens, and how many reviews it has answered.
fn serve() -> (SocketAddr, Arc<AtomicU64>) {
    let answered = Arc::<AtomicU64>::default();
    let pair = Pair::self_signed(vec!["localhost".to_owned()]).unwrap();
    let tls = Terminal::new(pair, None, Vec::new(), Profile::default()).unwrap();
    let count = answered.clone();
    let refuse = async move || {
        count.fetch_add(1, Ordering::Relaxed);
        r#"{"allowed":false,"code":403}"#
    };
    let server = Server::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = server.address();
    let server = server.with_age(AGE);
    tokio::spawn(server.serve(tls.served(), routed(Router::new().fallback(refuse))));
    (address, answered)
}

#[tokio::test(flavor = "multi_thread")]
async fn old_connections_are_replaced_and_no_review_fails() {
    let (address, answered) = serve();
    let load = Load::start(address, 4, Duration::from_millis(10));
    let outcome = load.outcome.clone();
    sleep(Duration::from_secs(2)).await;
    load.end("connections of 100 ms").await;
    let right = outcome.right.load(Ordering::Relaxed);
    assert_eq!(
        answered.load(Ordering::Relaxed),
        right,
        "an answer was lost"
    );
    // Nothing but age ends one before it has carried twenty reviews.
    let connections = outcome.connections.load(Ordering::Relaxed);
    assert!(right < connections * 19, "{right} on {connections}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_rests_is_ended_too() {
    let (address, _) = serve();
    let mut http1 = tls(address, "http/1.1").await.unwrap();
    let http2 = connect(address).await.unwrap();
    let closed = async {
        let mut rest = Vec::new();
        // Closed in order: an end, and no error.
        http1.read_to_end(&mut rest).await.unwrap();
        while !http2.is_closed() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(10), closed).await.unwrap();
}
