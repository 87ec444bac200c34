//! `goldkeeper snapshot`

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Result, anyhow};
use clap::Args;

use crate::cluster::Snapshot;
use crate::store::{SnapshotText, write_whole};
use crate::watch::{self, Step};

use super::Verdict;
use super::api_args::ApiArgs;
use super::cluster_args::runtime;
use super::progress;
use super::screen::print;

/// Arguments of `goldkeeper snapshot`.
#[derive(Debug, Args)]
#[command(after_help = "\
Of each object only what goldkeeper looks at is written: no Secrets, no managedFields, no
annotations of others. Claims and VolumeSnapshots are those of the golden namespaces. The first
item says what was listed, and why the rest was not.

Examples:
  goldkeeper snapshot -o cluster.yaml                  of the current context
  goldkeeper snapshot --context prod | less            look at it first
  goldkeeper check vms/ --cluster-from cluster.yaml    judge manifests without a cluster")]
pub(super) struct TakeSnapshot {
    #[command(flatten)]
    api: ApiArgs,
    /// File to write, whole or not at all; standard output without it
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// List virtual machines too: there may be very many, and only restores and clones into existing ones need them
    #[arg(long)]
    virtual_machines: bool,
}

impl TakeSnapshot {
    /// Lists, and writes what was listed.
    pub(super) fn run(self) -> Result<Verdict> {
        let (text, snapshot) = runtime()?.block_on(self.take())?;
        let mut errors = std::io::stderr();
        for (kind, reason) in gaps(&snapshot) {
            // The snapshot itself says it too.
            let _ = writeln!(errors, "warning: {kind} is not in the snapshot: {reason}");
        }
        match &self.output {
            None => print(&text)?,
            Some(path) => {
                write_whole(path, &text)?;
                let _ = writeln!(errors, "{}: {}", path.display(), describe(&snapshot));
            }
        }
        Ok(Verdict::Clean)
    }

    async fn take(&self) -> Result<(String, Snapshot)> {
        let client = self.api.client().await?;
        let progress = progress::line("{spinner} {msg}");
        progress.set_message("asking the API server");
        progress.tick();
        let mut text = SnapshotText::default();
        let mut outcome = Ok(());
        let mut told = |step: Step<'_>| match step {
            Step::Listing(kind, count) => {
                progress.set_message(format!("listing {}: {count}", kind.info().kind));
                progress.tick();
            }
            Step::Listed(_, objects) => {
                let added = objects.iter().try_for_each(|object| text.add(object));
                outcome = std::mem::replace(&mut outcome, Ok(())).and(added);
            }
        };
        // Nobody asks for the fraction of a second.
        let now = jiff::Timestamp::now()
            .round(jiff::Unit::Second)?
            .to_string();
        let snapshot = watch::take_snapshot(&client, now, self.virtual_machines, &mut told).await;
        progress.finish_and_clear();
        let snapshot = snapshot?;
        outcome.map_err(|error| anyhow!("can't be written as YAML: {error}"))?;
        Ok((text.finish(&snapshot)?, snapshot))
    }
}

/// The kinds that nobody chose to leave out, and why they are.
fn gaps(snapshot: &Snapshot) -> impl Iterator<Item = (&str, &str)> {
    let kinds = snapshot.kinds.iter();
    let unlisted = kinds.filter(|kind| kind.kind != "VirtualMachine");
    unlisted.filter_map(|kind| Some((&*kind.kind, kind.reason.as_deref()?)))
}

fn describe(snapshot: &Snapshot) -> String {
    let objects: usize = snapshot.kinds.iter().filter_map(|kind| kind.objects).sum();
    let listed = snapshot.kinds.iter().filter(|kind| kind.listed).count();
    let absent = snapshot
        .kinds
        .iter()
        .filter(|kind| kind.served == Some(false));
    let mut text = format!("{objects} objects of {listed} kinds");
    let absent: Vec<&str> = absent.map(|kind| &*kind.kind).collect();
    if !absent.is_empty() {
        text.push_str("; not served by this cluster: ");
        text.push_str(&absent.join(", "));
    }
    text
}
