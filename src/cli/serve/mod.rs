//! `goldkeeper serve`

mod events;
mod stop;
mod tls_args;

use std::future::IntoFuture;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use arc_swap::ArcSwap;
use clap::Args;
use tokio::net::TcpListener;

use crate::cluster::ClusterView;
use crate::engine::Observer;
use crate::policy::{PolicySet, Standing};
use crate::telemetry::{self, EventCounts, EventQueue, Health, LogFormat, Metrics, Sources};
use crate::watch::EventWriter;
use crate::webhook::{self, App, Limits, Server};

use super::Verdict;
use super::banner;
use super::cluster_args::{Cluster, ClusterArgs};
use super::delivery;
use super::policy_args::{Followed, PolicyArgs};
use super::screen;
use tls_args::{Tls, TlsArgs};

/// Arguments of `goldkeeper serve`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  goldkeeper serve --cluster-from examples/cluster.yaml       try it without a cluster
  goldkeeper serve --kubeconfig ~/.kube/config                watch a cluster from a laptop
  goldkeeper serve --tls-cert tls.crt --tls-key tls.key --tls-min-version 1.3

What is logged is set by GOLDKEEPER_LOG: error, warn, info, debug.")]
pub(super) struct Serve {
    #[command(flatten)]
    policies: PolicyArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// HTTPS address for /mutate and /validate
    #[arg(
        long,
        env = "GOLDKEEPER_LISTEN",
        default_value = "127.0.0.1:8443",
        value_name = "ADDRESS"
    )]
    listen: SocketAddr,
    /// Plain HTTP address for /healthz, /readyz and /metrics
    #[arg(
        long,
        env = "GOLDKEEPER_METRICS_LISTEN",
        default_value = "127.0.0.1:9090",
        value_name = "ADDRESS"
    )]
    metrics_listen: SocketAddr,
    /// Seconds for which requests are still answered after SIGTERM, while readiness fails and the endpoint is taken away
    #[arg(
        long,
        env = "GOLDKEEPER_DRAIN_DELAY",
        default_value = "5",
        value_name = "SECONDS",
        value_parser = clap::value_parser!(u64).range(..=3600)
    )]
    drain_delay: u64,
    /// Most requests answered at once; over it the answer is 429, and the failurePolicy decides
    #[arg(
        long,
        env = "GOLDKEEPER_MAX_IN_FLIGHT",
        default_value_t = Limits::IN_FLIGHT,
        value_name = "NUMBER",
        value_parser = in_flight
    )]
    max_in_flight: usize,
    /// Tell refusals as Events on their namespace as well: `kubectl get events -n NAMESPACE`
    #[arg(long, env = "GOLDKEEPER_EVENTS")]
    events: bool,
    /// How log lines look
    #[arg(long, env = "GOLDKEEPER_LOG_FORMAT", value_enum, default_value_t)]
    log_format: LogFormat,
    // Last: its heading would be that of what follows.
    #[command(flatten)]
    tls: TlsArgs,
}

impl Serve {
    /// Serves until told to stop.
    pub(super) fn run(self) -> Result<Verdict> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build();
        runtime
            .context("can't start the runtime")?
            .block_on(self.serve())?;
        Ok(Verdict::Clean)
    }

    async fn serve(self) -> Result<()> {
        let Self {
            policies,
            cluster,
            listen,
            metrics_listen,
            tls,
            drain_delay,
            max_in_flight,
            events,
            log_format,
        } = self;
        if events && !cluster.files().is_empty() {
            bail!(
                "--events writes into a live cluster and --cluster-from reads files: leave one of them out"
            );
        }
        let Followed {
            policies,
            standing,
            reload,
        } = policies.follow()?;
        // Before TLS is set up: what can't be served of it is logged.
        let (_logs, decisions) = telemetry::init(log_format);
        let tls = tls.open(listen)?;
        let server = Server::bind(listen)?;
        let plain = TcpListener::bind(metrics_listen).await;
        let plain = plain.with_context(|| format!("can't listen on {metrics_listen}"))?;
        let cluster = cluster.open().await?;

        let title = format!(
            "goldkeeper {} listening on https://{} ({}sha256 {}), metrics on http://{}\n",
            env!("CARGO_PKG_VERSION"),
            server.address(),
            tls.signed,
            tls.terminal
                .state()
                .pair
                .fingerprint()
                .get(..11)
                .unwrap_or_default(),
            plain.local_addr()?,
        );
        let metrics = Arc::new(Metrics::logging(decisions));
        let health = Arc::new(Health::default());
        if let Some(client) = cluster.client.clone() {
            let (policies, standing) = (policies.clone(), standing.clone());
            tokio::spawn(delivery::follow(client, policies, standing));
        }
        let client = cluster.client.clone().filter(|_| events);
        let (observer, events) = observer(&metrics, client);
        let sources = sources(&metrics, &policies, standing, &cluster, &tls, events);
        let sources = Arc::new(sources);
        let app = Arc::new(App {
            policies: policies.clone(),
            view: cluster.view.clone(),
            live: cluster.live(),
            observer,
            limits: Limits::of(max_in_flight),
        });
        let address = server.address();
        tokio::spawn(reload.run());
        tls.follow(cluster.client.clone());
        let delay = Duration::from_secs(drain_delay);
        tokio::spawn(stop::on_signal(health.clone(), delay, server.stopper()));
        let https = server.serve(tls.terminal.served(), webhook::respondent(app));
        let plain = axum::serve(plain, telemetry::router(health, sources)).into_future();
        let told = async {
            tell(title, &policies.load(), &cluster, address).await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            ended = https => ended?,
            ended = plain => ended.context("the plain HTTP port stopped")?,
            () = told => {}
        }
        Ok(())
    }
}

/// At least one, and no more than the runtime can count.
fn in_flight(text: &str) -> Result<usize, String> {
    const MOST: usize = 100_000;
    match text.parse() {
        Ok(number) if (1..=MOST).contains(&number) => Ok(number),
        _ => Err(format!("write a number from 1 to {MOST}")),
    }
}

/// Who is told of answers, and what is counted of Events where there is a client to write them with.
fn observer(
    metrics: &Arc<Metrics>,
    client: Option<kube::Client>,
) -> (Arc<dyn Observer>, Option<Arc<EventCounts>>) {
    let Some(client) = client else {
        return (metrics.clone(), None);
    };
    let (queue, denials, counts) = EventQueue::before(metrics.clone());
    // In a pod it is the pod's name.
    let instance = std::env::var("HOSTNAME").unwrap_or_default();
    let instance = if instance.is_empty() {
        "goldkeeper"
    } else {
        &*instance
    };
    let writer = EventWriter::new(client, instance);
    tokio::spawn(events::follow(writer, denials, counts.clone()));
    (Arc::new(queue), Some(counts))
}

fn sources(
    metrics: &Arc<Metrics>,
    policies: &Arc<ArcSwap<PolicySet>>,
    standing: Arc<Standing>,
    cluster: &Cluster,
    tls: &Tls,
    events: Option<Arc<EventCounts>>,
) -> Sources {
    Sources {
        metrics: metrics.clone(),
        policies: policies.clone(),
        standing,
        view: cluster.view.clone(),
        pulse: cluster.pulse(),
        tls: tls.pulse(),
        events,
    }
}

/// Prints what goldkeeper stands on: at once for files, else when the cluster was listed or can't be.
async fn tell(title: String, policies: &PolicySet, cluster: &Cluster, address: SocketAddr) {
    print(&format!("{title}{}", banner::policies(policies)));
    // Whether it settled in time is told by the lines on what is not known.
    cluster.settle().await;
    let view: Arc<ClusterView> = cluster.view.load_full();
    print(&banner::cluster(&view, &cluster.origin));
    if !cluster.is_live() {
        print(&banner::examples(address));
    }
}

/// A start screen that nobody reads is no reason to stop.
fn print(text: &str) {
    let _ = screen::print(text);
}
