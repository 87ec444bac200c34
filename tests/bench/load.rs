//! goldkeeper against the floor, over TLS, in one interleaved run: `cargo bench --bench load`.
#![allow(clippy::print_stdout, reason = "a bench prints its figures")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Parser;
use hyper::{HeaderMap, StatusCode};

#[allow(dead_code, reason = "each bench uses a part of it")]
mod client;
#[allow(dead_code, reason = "each bench uses a part of it")]
mod figures;
mod floor;
#[allow(dead_code, reason = "each bench uses a part of it")]
mod process;
#[allow(dead_code, reason = "each bench uses a part of it")]
mod reviews;

use client::{Call, Peer, Protocol, Round, Until};
use figures::median;
use process::{Log, Memory, Pair, Running};
use reviews::Class;

/// Throughput is at least this part of the floor's.
const RATE: f64 = 0.85;
/// The median latency is at most this many times the floor's.
const LATENCY: f64 = 1.25;
/// Resident memory with the large view is at most this, in MiB.
const MEMORY: f64 = 48.0;

const PROTOCOLS: [Protocol; 4] = [
    Protocol::H2(1),
    Protocol::H2(8),
    Protocol::H2(32),
    Protocol::H1(8),
];

/// Measures goldkeeper against the floor: axum, rustls and TCP_NODELAY, reading the uid and allowing.
#[derive(Debug, Parser)]
struct Arguments {
    /// Ends with 1 if goldkeeper misses a target
    #[arg(long)]
    check: bool,
    /// Only shows that it works
    #[arg(long)]
    quick: bool,
    /// Rounds for each server
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Length of a round in milliseconds
    #[arg(long, default_value_t = 1000)]
    millis: u64,
    /// Only these classes of requests
    #[arg(long, value_enum, value_delimiter = ',')]
    class: Vec<Class>,
    /// Where goldkeeper's log goes
    #[arg(long, value_enum, default_value_t)]
    log: Log,
    /// Set by cargo
    #[arg(long, hide = true)]
    bench: bool,
    /// Runs the floor instead: `floor <certificate> <key>`
    #[arg(hide = true, num_args = 3)]
    floor: Vec<PathBuf>,
}

fn main() -> Result<ExitCode> {
    let mut arguments = Arguments::parse();
    if let [_, certificate, key] = arguments.floor.as_slice() {
        return floor::serve(certificate, key).map(|()| ExitCode::SUCCESS);
    }
    if !arguments.bench {
        println!("nothing is measured without --bench: cargo bench --bench load");
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.quick {
        arguments.rounds = 1;
        arguments.millis = 100;
    }
    if arguments.class.is_empty() {
        arguments.class = Class::ALL.to_vec();
    }
    // One thread for the client, so that it takes the same part of the machine whoever is measured.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let met = runtime.block_on(measure(&arguments))?;
    Ok(ExitCode::from(u8::from(arguments.check && !met)))
}

/// Prints the tables; whether every target was met.
async fn measure(arguments: &Arguments) -> Result<bool> {
    let folder = tempfile::tempdir()?;
    let pair = Pair::new(folder.path())?;
    let small = write_cluster(folder.path(), "small.yaml", 100, 100)?;
    let (floor, floor_address) = pair.floor()?;
    let (goldkeeper, goldkeeper_address) = pair.goldkeeper(from(&small), arguments.log)?;
    let floor = Server {
        peer: Peer::new(floor_address, pair.pem.as_bytes())?,
        process: floor,
    };
    let goldkeeper = Server {
        peer: Peer::new(goldkeeper_address, pair.pem.as_bytes())?,
        process: goldkeeper,
    };

    println!(
        "| class | bytes | protocol | in flight | floor 1/s | goldkeeper 1/s | ratio | floor p50 µs | goldkeeper p50 µs | ratio | floor CPU µs | goldkeeper CPU µs | |\n\
         |---|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|"
    );
    let mut met = true;
    for class in &arguments.class {
        let call = call(*class);
        let (_, answer) = goldkeeper.peer.once(&call).await?;
        let answer = String::from_utf8_lossy(&answer);
        ensure!(answer.contains(class.mark()), "unexpected answer: {answer}");
        for protocol in PROTOCOLS {
            met &= compare(arguments, protocol, *class, &call, [&floor, &goldkeeper]).await?;
        }
    }
    println!("\n| resident memory, MiB | after the load | peak |\n|---|---:|---:|");
    print_memory("floor", floor.process.memory()?);
    print_memory(
        "goldkeeper, 100 DataSources, 100 namespaces",
        goldkeeper.process.memory()?,
    );
    drop((floor, goldkeeper));

    let large = write_cluster(folder.path(), "large.yaml", 20_000, 10_000)?;
    let (goldkeeper, address) = pair.goldkeeper(from(&large), arguments.log)?;
    let peer = Peer::new(address, pair.pem.as_bytes())?;
    let time = Until::Elapsed(Duration::from_millis(arguments.millis));
    peer.drive(Protocol::H2(32), &call(Class::Filled), time, time)
        .await?;
    let memory = goldkeeper.memory()?;
    print_memory("goldkeeper, 20,000 DataSources, 10,000 namespaces", memory);
    let fits = memory.now <= MEMORY;
    println!(
        "\n{}: throughput at least {RATE} of the floor, p50 at most {LATENCY} times it",
        verdict(met)
    );
    println!(
        "{}: at most {MEMORY} MiB with the large view",
        verdict(fits)
    );
    Ok(met && fits)
}

/// A server under test.
struct Server {
    peer: Peer,
    process: Running,
}

impl Server {
    /// One round, and the processor time of the server for each request of it.
    async fn drive(&self, protocol: Protocol, call: &Call, time: Duration) -> Result<(Round, f64)> {
        // The warm-up is a round of its own, so that its processor time does not count.
        let mut connection = self.peer.connect(protocol).await?;
        connection.round(call, Until::Elapsed(time / 5)).await?;
        let before = self.process.cpu()?;
        let round = connection.round(call, Until::Elapsed(time)).await?;
        let cost = round.cost(self.process.cpu()?.saturating_sub(before));
        Ok((round, cost))
    }
}

/// Measures one class over one protocol, the two servers by turns, and prints a row. Ratios are medians over pairs of
/// neighbouring rounds: what else the machine does hits both of a pair.
async fn compare(
    arguments: &Arguments,
    protocol: Protocol,
    class: Class,
    call: &Call,
    [floor, goldkeeper]: [&Server; 2],
) -> Result<bool> {
    let time = Duration::from_millis(arguments.millis);
    let mut rounds = Vec::new();
    for number in 0..arguments.rounds {
        // Who goes first changes from round to round.
        let pair = if number % 2 == 0 {
            let first = floor.drive(protocol, call, time).await?;
            (first, goldkeeper.drive(protocol, call, time).await?)
        } else {
            let first = goldkeeper.drive(protocol, call, time).await?;
            (floor.drive(protocol, call, time).await?, first)
        };
        rounds.push(pair);
    }
    let (floor, own): (Vec<_>, Vec<_>) = rounds.into_iter().unzip();
    let ratio = |figure: fn(&Round) -> f64| {
        let pairs = floor.iter().zip(&own);
        median(pairs.map(|((floor, _), (own, _))| figure(own) / figure(floor)))
    };
    let middle = |rounds: &[(Round, f64)], figure: fn(&Round) -> f64| {
        median(rounds.iter().map(|(round, _)| figure(round)))
    };
    let cost = |rounds: &[(Round, f64)]| median(rounds.iter().map(|(_, cost)| *cost));
    let (rate, latency) = (ratio(Round::rate), ratio(Round::p50));
    let met = rate >= RATE && latency <= LATENCY;
    println!(
        "| {} | {} | {} | {} | {:.0} | {:.0} | {rate:.2} | {:.0} | {:.0} | {latency:.2} | {:.1} | {:.1} | {} |",
        class.name(),
        call.body.len(),
        protocol.name(),
        protocol.in_flight(),
        middle(&floor, Round::rate),
        middle(&own, Round::rate),
        middle(&floor, Round::p50),
        middle(&own, Round::p50),
        cost(&floor),
        cost(&own),
        verdict(met),
    );
    Ok(met)
}

const fn verdict(met: bool) -> &'static str {
    if met { "PASS" } else { "FAIL" }
}

fn call(class: Class) -> Call {
    Call {
        path: class.path().to_owned(),
        headers: HeaderMap::new(),
        body: class.review().into(),
        expected: StatusCode::OK,
    }
}

fn write_cluster(
    folder: &Path,
    name: &str,
    data_sources: usize,
    namespaces: usize,
) -> Result<PathBuf> {
    let path = folder.join(name);
    std::fs::write(&path, reviews::cluster(data_sources, namespaces))?;
    Ok(path)
}

fn from(cluster: &Path) -> [&Path; 2] {
    [Path::new("--cluster-from"), cluster]
}

fn print_memory(name: &str, memory: Memory) {
    println!("| {name} | {:.1} | {:.1} |", memory.now, memory.peak);
}
