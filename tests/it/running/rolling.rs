//! Two replicas behind one address, each replaced in turn under load.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::support::load::{Load, is_long};
use crate::support::serving::Serving;

/// Seconds for which a replica goes on after it was told to stop.
const DRAIN: &str = "2";
/// How often readiness is asked for; the kubelet is slower, and so is the drain delay that goes with it.
const PERIOD: Duration = Duration::from_millis(200);

/// A replica: where it serves, where it tells whether it is ready, and whether it was.
type Replica = (SocketAddr, SocketAddr, bool);

/// What stands between the API server and replicas: new connections go to those that are ready.
#[derive(Default)]
struct Balancer {
    replicas: Mutex<Vec<Replica>>,
    turn: AtomicUsize,
}

impl Balancer {
    fn next(&self) -> Option<SocketAddr> {
        let replicas = self.replicas.lock().unwrap();
        let ready: Vec<SocketAddr> = replicas
            .iter()
            .filter(|(.., ready)| *ready)
            .map(|replica| replica.0)
            .collect();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        ready.get(turn % ready.len().max(1)).copied()
    }

    /// Whether a replica is ready, as the balancer last saw it.
    fn sees(&self, replica: SocketAddr) -> bool {
        let replicas = self.replicas.lock().unwrap();
        replicas
            .iter()
            .any(|(https, _, ready)| *https == replica && *ready)
    }

    fn ask_all(&self) {
        let all: Vec<Replica> = self.replicas.lock().unwrap().clone();
        for (https, plain, _) in all {
            let ready = is_ready(plain);
            for replica in self.replicas.lock().unwrap().iter_mut() {
                if replica.0 == https {
                    replica.2 = ready;
                }
            }
        }
    }
}

fn is_ready(plain: SocketAddr) -> bool {
    let asked = std::net::TcpStream::connect(plain).and_then(|mut stream| {
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    });
    asked.is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

async fn forward(balancer: Arc<Balancer>, listener: TcpListener) {
    loop {
        let (mut client, _) = listener.accept().await.unwrap();
        let Some(replica) = balancer.next() else {
            continue;
        };
        tokio::spawn(async move {
            if let Ok(mut server) = TcpStream::connect(replica).await {
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            }
        });
    }
}

/// A replica that the balancer knows of and sees to be ready.
async fn start(balancer: &Arc<Balancer>) -> Serving {
    let serving = spawn_blocking(|| Serving::start_with(&["--drain-delay", DRAIN]));
    let serving = serving.await.unwrap();
    let replica = (serving.https, serving.plain, false);
    balancer.replicas.lock().unwrap().push(replica);
    while !balancer.sees(serving.https) {
        sleep(Duration::from_millis(50)).await;
    }
    serving
}

#[tokio::test(flavor = "multi_thread")]
async fn replacing_replicas_one_by_one_fails_no_review() {
    let balancer = Arc::<Balancer>::default();
    let asking = balancer.clone();
    let asker = tokio::spawn(async move {
        loop {
            let asking = asking.clone();
            spawn_blocking(move || asking.ask_all()).await.unwrap();
            sleep(PERIOD).await;
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let forwarder = tokio::spawn(forward(balancer.clone(), listener));
    let mut replicas = vec![start(&balancer).await, start(&balancer).await];
    let load = Load::start(address, 12, Duration::from_millis(25));
    let rounds = if is_long() { 5 } else { 1 };
    for _ in 0..rounds {
        for _ in 0..2 {
            // As a Deployment does it with maxSurge 1 and maxUnavailable 0: the new one is ready before the old one goes.
            replicas.push(start(&balancer).await);
            let mut old = replicas.remove(0);
            old.terminate();
            let ended = spawn_blocking(move || (old.https, old.child.wait().unwrap().code()));
            let (https, code) = ended.await.unwrap();
            assert_eq!(code, Some(0));
            let mut known = balancer.replicas.lock().unwrap();
            known.retain(|replica| replica.0 != https);
        }
    }
    sleep(Duration::from_millis(500)).await;
    load.end("rolling update").await;
    asker.abort();
    forwarder.abort();
}
