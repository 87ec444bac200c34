//! Where the cluster comes from: files, or a live watch.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use arc_swap::ArcSwap;
use clap::Args;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::runtime::Runtime;
use tokio::time::Instant;

use crate::cluster::{Answer, ClusterView, Coverage, Kind, Known, Question};
use crate::store;
use crate::telemetry::Pulse;
use crate::watch::{LiveReader, LiveReads as LiveReadCounts, Watch};
use crate::webhook::LiveReads;

use super::api_args::ApiArgs;

/// How long a live cluster is waited for.
const SETTLE: Duration = Duration::from_secs(12);
/// How long one question to a live cluster may take.
const LIVE_READ: Duration = Duration::from_secs(2);

/// Where the cluster comes from.
#[derive(Debug, Args)]
pub(super) struct ClusterArgs {
    /// Take the cluster from files or folders instead of watching one: what `goldkeeper snapshot` wrote, or
    /// `kubectl get -o yaml`; may be repeated
    #[arg(long, env = "GOLDKEEPER_CLUSTER_FROM", value_name = "PATH", value_delimiter = ',',
        conflicts_with_all = ["kubeconfig", "context"])]
    cluster_from: Vec<PathBuf>,
    #[command(flatten)]
    api: ApiArgs,
}

/// A cluster to answer from.
pub(super) struct Cluster {
    /// What is known of it.
    pub(super) view: Arc<ArcSwap<ClusterView>>,
    /// What is told of it at start.
    pub(super) origin: String,
    watch: Option<Arc<Watch>>,
    /// For what is read now and then, where there is a live cluster.
    pub(super) client: Option<kube::Client>,
    /// Whether a snapshot says what the files hold; else they are taken for the whole cluster.
    pub(super) is_snapshot: bool,
}

impl ClusterArgs {
    /// The files that the cluster is taken from; none for a live one.
    pub(super) fn files(&self) -> &[PathBuf] {
        &self.cluster_from
    }

    /// The arguments as they would be typed, for a command that continues this one.
    pub(super) fn typed(&self) -> String {
        let files = self.cluster_from.iter();
        let files = files.map(|path| format!(" --cluster-from {}", path.display()));
        format!("{}{}", files.collect::<String>(), self.api.typed())
    }

    /// Reads the files, or starts to watch.
    pub(super) async fn open(self) -> Result<Cluster> {
        let Self { cluster_from, api } = self;
        if !cluster_from.is_empty() {
            let names: Vec<String> = cluster_from
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            let files = store::read_cluster(&cluster_from)?;
            return Ok(Cluster {
                origin: format!("{} ({})", names.join(", "), files.describe()),
                view: Arc::new(ArcSwap::new(files.view)),
                watch: None,
                client: None,
                is_snapshot: !files.taken_at.is_empty(),
            });
        }
        let client = api.client().await?;
        let watch = Watch::start(client.clone());
        Ok(Cluster {
            view: watch.shared_view(),
            origin: "watched live".to_owned(),
            watch: Some(Arc::new(watch)),
            client: Some(client),
            is_snapshot: false,
        })
    }
}

impl Cluster {
    /// Whether the view follows a live cluster.
    pub(super) const fn is_live(&self) -> bool {
        self.watch.is_some()
    }

    /// Waits until every kind is listed or known to be out of reach. What is not listed in time is unknown, and told
    /// where it matters.
    pub(super) async fn settle(&self) {
        let settled = async {
            while !self.view.load().is_settled() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let _ = tokio::time::timeout(SETTLE, settled).await;
    }

    /// Live reads, where there is a live cluster.
    pub(super) fn live(&self) -> Option<Arc<dyn LiveReads>> {
        let reader = Reader(self.watch.as_ref()?.live());
        Some(Arc::new(reader))
    }

    /// What metrics tell of the live cluster: outcomes of live reads, and seconds since each kind was last heard of.
    pub(super) fn pulse(&self) -> Pulse {
        let Some(watch) = self.watch.clone() else {
            return Box::new(|| (Vec::new(), Vec::new()));
        };
        Box::new(move || {
            let LiveReadCounts {
                found,
                absent,
                allowed,
                denied,
                failed,
                shared,
            } = watch.live().reads();
            let reads = vec![
                ("found", found),
                ("absent", absent),
                ("allowed", allowed),
                ("denied", denied),
                ("failed", failed),
                ("shared", shared),
            ];
            let ages = watch.ages().into_iter();
            let ages = ages
                .filter_map(|(kind, age)| Some((kind, age?.as_secs_f64())))
                .collect();
            (reads, ages)
        })
    }
}

/// A runtime for a command that waits for it now and then.
pub(super) fn runtime() -> Result<Runtime> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.context("can't start the runtime")
}

/// The cluster, listed as far as it can be. One that says nothing at all is no cluster to judge by.
pub(super) async fn open(arguments: ClusterArgs) -> Result<Cluster> {
    let cluster = arguments.open().await?;
    if !cluster.is_live() {
        return Ok(cluster);
    }
    cluster.settle().await;
    if let Some(reason) = out_of_reach(&cluster.view.load()) {
        bail!("the cluster does not answer ({reason}): --cluster-from judges without one");
    }
    Ok(cluster)
}

/// Why nothing is known of the cluster, if so.
fn out_of_reach(view: &ClusterView) -> Option<String> {
    let mut reason = "no answer".to_owned();
    for kind in Kind::ALL {
        match view.coverage(kind) {
            Coverage::Unknown(why) => reason = why.to_string(),
            Coverage::Pending | Coverage::OnDemand => {}
            _ => return None,
        }
    }
    Some(reason)
}

/// Questions go to the live cluster, if there is one; files have no more to say.
pub(super) fn live_reads(
    runtime: &Runtime,
    cluster: &Cluster,
) -> impl Fn(&Question) -> Known<Answer> + use<> {
    let live = cluster.live();
    let runtime = runtime.handle().clone();
    move |question| match &live {
        Some(live) => runtime.block_on(live.read(question, Instant::now() + LIVE_READ)),
        None => Known::Unknown,
    }
}

struct Reader(LiveReader);

impl LiveReads for Reader {
    fn read<'a>(
        &'a self,
        question: &'a Question,
        deadline: Instant,
    ) -> BoxFuture<'a, Known<Answer>> {
        self.0.read(question, deadline).boxed()
    }
}
