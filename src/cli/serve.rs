//! `goldkeeper serve`

use std::future::IntoFuture;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use arc_swap::ArcSwap;
use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::cluster::ClusterView;
use crate::policy::{PolicySet, Standing};
use crate::telemetry::{self, Health, LogFormat, Metrics, ServedCertificate, Sources};
use crate::tls::{self, Certificate};
use crate::webhook::{self, App, Limits, Server};

use super::Verdict;
use super::banner;
use super::cluster_args::{Cluster, ClusterArgs};
use super::delivery;
use super::policy_args::{Followed, PolicyArgs};

/// How long a live cluster is waited for before the start is told; serving has begun by then.
const SETTLE: Duration = Duration::from_secs(12);

/// Arguments of `goldkeeper serve`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  goldkeeper serve --cluster-from examples/cluster.yaml       try it without a cluster
  goldkeeper serve --kubeconfig ~/.kube/config                watch a cluster from a laptop

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
    /// PEM file with the certificate chain; self-signed without it
    #[arg(
        long,
        env = "GOLDKEEPER_TLS_CERT",
        value_name = "FILE",
        requires = "tls_key"
    )]
    tls_cert: Option<PathBuf>,
    /// PEM file with the private key
    #[arg(
        long,
        env = "GOLDKEEPER_TLS_KEY",
        value_name = "FILE",
        requires = "tls_cert"
    )]
    tls_key: Option<PathBuf>,
    /// How log lines look
    #[arg(long, env = "GOLDKEEPER_LOG_FORMAT", value_enum, default_value_t)]
    log_format: LogFormat,
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
            tls_cert,
            tls_key,
            log_format,
        } = self;
        let Followed {
            policies,
            standing,
            reload,
        } = policies.follow()?;
        let (certificate, signed) = certificate(tls_cert.zip(tls_key), listen)?;
        let server = Server::bind(listen)?;
        let plain = TcpListener::bind(metrics_listen).await;
        let plain = plain.with_context(|| format!("can't listen on {metrics_listen}"))?;
        let (_logs, decisions) = telemetry::init(log_format);
        let cluster = cluster.open().await?;

        let title = format!(
            "goldkeeper {} listening on https://{} ({signed}sha256 {}), metrics on http://{}\n",
            env!("CARGO_PKG_VERSION"),
            server.address(),
            certificate.fingerprint().get(..11).unwrap_or_default(),
            plain.local_addr()?,
        );
        let metrics = Arc::new(Metrics::logging(decisions));
        let health = Arc::new(Health::default());
        if let Some(client) = cluster.client.clone() {
            let (policies, standing) = (policies.clone(), standing.clone());
            tokio::spawn(delivery::follow(client, policies, standing));
        }
        let sources = Arc::new(sources(
            &metrics,
            &policies,
            standing,
            &cluster,
            certificate.clone(),
        ));
        let app = Arc::new(App {
            policies: policies.clone(),
            view: cluster.view.clone(),
            live: cluster.live(),
            observer: metrics,
            limits: Limits::default(),
        });
        let address = server.address();
        tokio::spawn(reload.run());
        tokio::spawn(stop_on_signal(health.clone(), server.stopper()));
        let tls = tls::server_config(certificate)?;
        let https = server.serve(tls, webhook::router(&app));
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

/// The certificate to serve, and what to say of it.
fn certificate(
    files: Option<(PathBuf, PathBuf)>,
    listen: SocketAddr,
) -> Result<(Arc<Certificate>, &'static str)> {
    if let Some((certificate, key)) = files {
        return Ok((Arc::new(Certificate::from_files(&certificate, &key)?), ""));
    }
    let names = vec![
        "localhost".to_owned(),
        "127.0.0.1".to_owned(),
        listen.ip().to_string(),
    ];
    Ok((Arc::new(Certificate::self_signed(names)?), "self-signed, "))
}

fn sources(
    metrics: &Arc<Metrics>,
    policies: &Arc<ArcSwap<PolicySet>>,
    standing: Arc<Standing>,
    cluster: &Cluster,
    certificate: Arc<Certificate>,
) -> Sources {
    Sources {
        metrics: metrics.clone(),
        policies: policies.clone(),
        standing,
        view: cluster.view.clone(),
        pulse: cluster.pulse(),
        certificate: Box::new(move || ServedCertificate {
            summary: certificate.describe(),
            chain: certificate.chain(),
        }),
    }
}

/// Prints what goldkeeper stands on: at once for files, else when the cluster was listed or can't be.
async fn tell(title: String, policies: &PolicySet, cluster: &Cluster, address: SocketAddr) {
    print(&format!("{title}{}", banner::policies(policies)));
    let settled = async {
        while !cluster.view.load().is_settled() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    // Whether it settled in time is told by the lines on what is not known.
    let _ = tokio::time::timeout(SETTLE, settled).await;
    let view: Arc<ClusterView> = cluster.view.load_full();
    print(&banner::cluster(&view, &cluster.origin));
    if !cluster.is_live() {
        print(&banner::examples(address));
    }
}

/// A start screen that nobody reads is no reason to stop.
fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Waits for SIGTERM or SIGINT, turns readiness off and lets requests in flight finish.
async fn stop_on_signal(health: Arc<Health>, stop: impl FnOnce()) {
    let (Ok(mut term), Ok(mut int)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        tracing::error!("signals can't be received; stopping will not wait for requests in flight");
        return;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    tracing::info!("stopping: no longer ready, requests in flight finish");
    health.stop();
    stop();
}
