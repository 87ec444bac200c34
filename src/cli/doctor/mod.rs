//! `goldkeeper doctor`

mod collect;
mod output;

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use jiff::Timestamp;
use jiff::civil::Date;

use crate::diagnosis::{Evidence, Level, Line, diagnose};
use crate::document::is_dns_label;
use crate::watch;

use super::cluster_args::{ClusterArgs, runtime};
use super::screen::print;
use super::{Verdict, has_colour};
use collect::Collected;
use output::Format;

/// Arguments of `goldkeeper doctor`.
#[derive(Debug, Args)]
#[command(after_help = "\
Each line is ok, skipped (it could not be looked at, and why), warning or FAILED, with what to do about it.
Everything is read with your own rights and nothing is changed. It takes get and list of the kinds that
goldkeeper looks at, of the webhook configurations and virtual machines, of pods and pods/proxy in the
namespace of goldkeeper, and create of subjectaccessreviews; what you may not read is skipped.

The policies to compare with are those of --policies, else those of the ConfigMap goldkeeper-policies.

-o json: {lines: [{level, topic, sentence, cures}], summary: {failed, warnings, skipped, ok}}

Examples:
  goldkeeper doctor                                the cluster of the current context
  goldkeeper doctor --context prod --policies DIR  also: is what is deployed what is in DIR?
  goldkeeper doctor --cluster-from cluster.yaml    what can be told without a cluster
  goldkeeper doctor -o json | jq '.lines[] | select(.level == \"FAILED\")'

Exit codes: 0 all well or warnings only, 1 a failure, 2 the cluster could not be asked.")]
pub(super) struct Doctor {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Folder with the policy files that should be in force
    #[arg(long, env = "GOLDKEEPER_POLICIES", value_name = "DIR")]
    policies: Option<PathBuf>,
    /// Namespace in which goldkeeper runs
    #[arg(short, long, value_name = "NAME", default_value = "goldkeeper")]
    namespace: String,
    /// The date to judge certificates by, as in 2027-01-31; now if absent
    #[arg(long, value_name = "DATE")]
    now: Option<Date>,
    /// How the outcome is printed
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

impl Doctor {
    /// Looks at everything, and prints a line a check.
    pub(super) fn run(self) -> Result<Verdict> {
        let format = self.output;
        let lines = runtime()?.block_on(self.examine())?;
        let text = output::render(&lines, format, has_colour(&std::io::stdout()))?;
        print(&text)?;
        let failed = lines.iter().any(|line| line.level == Level::Failed);
        Ok(if failed {
            Verdict::Found
        } else {
            Verdict::Clean
        })
    }

    async fn examine(self) -> Result<Vec<Line>> {
        let Self {
            cluster,
            policies,
            namespace,
            now,
            output: _,
        } = self;
        if !is_dns_label(&namespace) {
            bail!("--namespace {namespace} is no name of a namespace");
        }
        let now = moment(now)?;
        let cluster = cluster.open().await?;
        let live = match &cluster.client {
            None => None,
            Some(client) => {
                let gathered = watch::gather(client, &namespace).await;
                Some(gathered.map_err(|reason| {
                    anyhow!("the API server can't be asked: {reason}; check --kubeconfig and --context, or try `kubectl version`")
                })?)
            }
        };
        cluster.settle().await;
        let collected = Collected::of(&cluster, live, policies.as_deref(), now).await?;
        let evidence: Evidence<'_> = collected.evidence();
        Ok(diagnose(&evidence))
    }
}

/// Noon of a day, or now.
fn moment(date: Option<Date>) -> Result<Timestamp> {
    let Some(date) = date else {
        return Ok(Timestamp::now());
    };
    let noon = date.at(12, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC);
    Ok(noon
        .context("--now is no date that can be reckoned with")?
        .timestamp())
}
