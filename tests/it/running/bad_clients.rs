//! Clients that idle, dawdle, flood and send nonsense: memory stays bounded, and honest clients are served throughout.

use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::support::load::{Load, connect, is_long, tls};
use crate::support::serving::Serving;

/// What the Deployment allows, in KiB.
const LIMIT: u64 = 256 * 1024;

/// A figure of a process' memory in KiB.
fn memory(process: u32, field: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Sends what it is given over HTTP/1.1, a chunk at a time, and returns the status line.
async fn dawdle(address: SocketAddr, chunks: Vec<Vec<u8>>, pause: Duration) -> String {
    let Ok(mut tls) = tls(address, "http/1.1").await else {
        return String::new();
    };
    let (mut read, mut write) = tokio::io::split(&mut tls);
    let sending = async {
        for chunk in chunks {
            if write.write_all(&chunk).await.is_err() || write.flush().await.is_err() {
                break;
            }
            sleep(pause).await;
        }
        std::future::pending::<()>().await;
    };
    let mut answer = vec![0; 64];
    let reading = timeout(Duration::from_secs(30), read.read(&mut answer));
    tokio::select! {
        () = sending => String::new(),
        length = reading => {
            let length = length.map_or(0, Result::unwrap_or_default);
            String::from_utf8_lossy(&answer[..length]).lines().next().unwrap_or_default().to_owned()
        }
    }
}

fn head(more: &str) -> Vec<u8> {
    format!("POST /validate?timeout=2s HTTP/1.1\r\nhost: x\r\n{more}\r\n\r\n").into_bytes()
}

const JSON: &str = "content-type: application/json\r\n";

/// So many at once; what each came to.
async fn many(
    count: usize,
    one: impl Fn() -> (Vec<Vec<u8>>, u64),
    address: SocketAddr,
) -> Vec<String> {
    let mut all = JoinSet::new();
    for _ in 0..count {
        let (chunks, pause) = one();
        all.spawn(dawdle(address, chunks, Duration::from_millis(pause)));
    }
    all.join_all().await
}

/// Streams that are opened and reset at once.
async fn rapid_reset(address: SocketAddr, streams: usize) {
    let mut left = streams;
    while left > 0 {
        let Ok(mut sender) = connect(address).await else {
            return;
        };
        while left > 0 && sender.ready().await.is_ok() {
            let body = Full::new(Bytes::from_static(b"{"));
            let request = hyper::Request::post("https://localhost/validate").body(body);
            let sent = sender.send_request(request.unwrap());
            // Long enough for the stream to be opened.
            let _ = timeout(Duration::from_micros(50), sent).await;
            left -= 1;
        }
    }
}

/// Pings without end, and no answer is ever read.
async fn ping_flood(address: SocketAddr, lasts: Duration) {
    let Ok(mut tls) = tls(address, "h2").await else {
        return;
    };
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let pings = b"\0\0\x08\x06\0\0\0\0\0goldkeep".repeat(1000);
    let flood = async {
        let mut sent = tls.write_all(preface).await;
        while sent.is_ok() {
            sent = tls.write_all(&pings).await;
        }
    };
    let _ = timeout(lasts, flood).await;
}

fn many_of(short: usize, long: usize) -> usize {
    if is_long() { long } else { short }
}

/// Connections that say nothing, half of them after the handshake. They stay until dropped.
async fn idle(address: SocketAddr) -> Vec<Box<dyn std::any::Any + Send>> {
    let mut idle: Vec<Box<dyn std::any::Any + Send>> = Vec::new();
    for _ in 0..many_of(100, 500) {
        idle.push(Box::new(TcpStream::connect(address).await.unwrap()));
        idle.push(Box::new(tls(address, "h2").await));
    }
    idle
}

async fn slow_bodies(address: SocketAddr) {
    let slow = || {
        let mut chunks = vec![head(&format!("{JSON}content-length: 1000"))];
        chunks.extend(std::iter::repeat_n(vec![b' '], 1000));
        (chunks, 100)
    };
    for status in many(many_of(20, 100), slow, address).await {
        assert!(status.contains(" 408 "), "slow body: {status:?}");
    }
}

/// Bodies over the limit: one without an end, and one that says its length.
async fn large_bodies(address: SocketAddr) {
    let endless = || {
        let mut chunks = vec![head(&format!("{JSON}transfer-encoding: chunked"))];
        let mut chunk = b"10000\r\n".to_vec();
        chunk.extend(std::iter::repeat_n(b' ', 0x10000));
        chunk.extend_from_slice(b"\r\n");
        chunks.extend(std::iter::repeat_n(chunk, 200));
        (chunks, 0)
    };
    let large = || {
        let length = 8 * 1024 * 1024;
        let head = head(&format!("{JSON}content-length: {length}"));
        (vec![head, vec![b' '; length]], 0)
    };
    // The answer may be lost when the connection is closed under a client that is still sending.
    let refused = |status: &str| {
        let codes = [" 413 ", " 408 ", " 429 "];
        status.is_empty() || codes.iter().any(|code| status.contains(code))
    };
    let mut all = many(many_of(4, 20), endless, address).await;
    all.extend(many(many_of(4, 20), large, address).await);
    assert!(all.iter().all(|status| refused(status)), "{all:?}");
    assert!(all.iter().any(|status| status.contains(" 413 ")), "{all:?}");
}

async fn nonsense(address: SocketAddr) {
    let wrong = || {
        let head = head("content-type: text/plain\r\ncontent-length: 2");
        (vec![head, b"{}".to_vec()], 0)
    };
    for status in many(10, wrong, address).await {
        assert!(status.contains(" 415 "), "wrong type: {status:?}");
    }
    let garbage = || (vec![vec![0xf7; 4096]], 0);
    for status in many(20, garbage, address).await {
        assert!(
            status.is_empty() || status.contains(" 400 "),
            "garbage: {status:?}"
        );
    }
    for _ in 0..20 {
        let mut plain = TcpStream::connect(address).await.unwrap();
        let _ = plain.write_all(&[0xf7; 4096]).await;
    }
}

async fn floods(address: SocketAddr) {
    let lasts = Duration::from_secs(if is_long() { 20 } else { 2 });
    let mut floods = JoinSet::new();
    for _ in 0..4 {
        floods.spawn(rapid_reset(address, many_of(500, 20_000)));
        floods.spawn(ping_flood(address, lasts));
    }
    floods.join_all().await;
}

#[allow(clippy::print_stdout, reason = "the figures of the run")]
#[tokio::test(flavor = "multi_thread")]
async fn bad_clients_neither_fill_memory_nor_stop_honest_ones() {
    let serving = Serving::start();
    let (address, process) = (serving.https, serving.child.id());
    let told = |what: &str| println!("{what}: {} MiB", memory(process, "VmRSS") / 1024);
    told("at rest");
    let load = Load::start(address, 4, Duration::from_millis(40));
    let slow_head = || {
        let head = head(JSON).into_iter().map(|byte| vec![byte]).collect();
        (head, 300)
    };
    let slow_heads = tokio::spawn(async move { many(50, slow_head, address).await });
    let idle = idle(address).await;
    told("idle connections");
    slow_bodies(address).await;
    told("slow bodies");
    large_bodies(address).await;
    told("large bodies");
    nonsense(address).await;
    floods(address).await;
    told("floods");
    for status in slow_heads.await.unwrap() {
        assert!(
            status.is_empty() || status.contains(" 408 "),
            "slow head: {status:?}"
        );
    }
    drop(idle);
    load.end("honest clients").await;
    let peak = memory(process, "VmHWM");
    println!("resident: {} MiB at most", peak / 1024);
    assert!(peak < LIMIT, "{peak} KiB");
}
