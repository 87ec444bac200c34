//! `goldkeeper audit`

mod found;
mod json;
mod judge;
mod output;
mod policy_report;
mod sarif;
mod table;

use std::cell::Cell;
use std::collections::BTreeMap;

use anyhow::Result;
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::admission::{Operation, Resource};
use crate::engine::World;
use crate::inventory::{Gap, Listing};
use crate::policy::PolicySet;
use crate::rules::Stage;

use super::Verdict;
use super::cluster_args::{ClusterArgs, live_reads};
use super::estate::Estate;
use super::policy_args::PolicyArgs;
use found::Found;
use judge::{Judge, Verdicts, memory};
use output::Output;

/// Arguments of `goldkeeper audit`.
#[derive(Debug, Args)]
#[command(after_help = "\
Every object is judged as if somebody made it now, by the same engine and the same policies. What belongs
to another object (the disks of a virtual machine, the machines of a pool) is judged with that one.
Nothing is filled in: a field that is missing is told.

A snapshot holds of each object what rules look at; plain files are taken for the whole cluster.
Conditions that look at anything else need a live cluster or plain files.

-o policyreport prints a PolicyReport (wgpolicyk8s.io/v1alpha2) for each namespace with findings, and a
ClusterPolicyReport for what is in none. To replace those of an earlier audit:
  kubectl delete policyreports,clusterpolicyreports -A -l app.kubernetes.io/managed-by=goldkeeper
  goldkeeper audit -o policyreport | kubectl apply -f -

Examples:
  goldkeeper audit                                       of the current context
  goldkeeper audit --cluster-from cluster.yaml --all     without a cluster, with every finding
  goldkeeper audit -o json | jq '.findings[].name'       for machines; findings are written as they are made

Exit codes: 0 clean, 1 found something, 2 could not do its work.")]
pub(super) struct Audit {
    #[command(flatten)]
    policies: PolicyArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Only how many there are, by rule and namespace
    #[arg(long, conflicts_with = "all")]
    summary: bool,
    /// Every finding, not the first only
    #[arg(long)]
    all: bool,
    /// Ask the cluster about the rights of service accounts too: up to two questions for each namespace and boot source
    #[arg(long)]
    rights: bool,
    /// The time by which exemptions end and reports are dated, as in 2026-11-25T12:00:00Z; now if absent
    #[arg(long, value_name = "TIME", value_parser = super::moment)]
    now: Option<Timestamp>,
    /// How findings are printed
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// How findings are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Table,
    /// One document, written as findings are made.
    Json,
    /// SARIF 2.1.0.
    Sarif,
    /// `PolicyReport`s of wgpolicyk8s.io/v1alpha2, for `kubectl apply`.
    Policyreport,
}

/// How many findings of one rule there are in a namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    deny: u64,
    warn: u64,
    audit: u64,
}

impl Counts {
    const fn total(&self) -> u64 {
        self.deny + self.warn + self.audit
    }

    const fn add(&mut self, other: &Self) {
        self.deny += other.deny;
        self.warn += other.warn;
        self.audit += other.audit;
    }
}

/// All that was counted. Grows with namespaces, not with objects.
#[derive(Debug, Default)]
struct Summary {
    /// By rule and namespace (`""` for what is in none).
    counts: BTreeMap<(&'static str, String), Counts>,
    /// Objects with findings.
    offenders: u64,
    /// Objects that were judged, by resource.
    judged: BTreeMap<Resource, u64>,
    /// Objects that are judged with their owner, or are on their way out.
    left_out: u64,
    /// Objects about which rights would have been asked.
    rights_unasked: u64,
    /// What could not be told, by policy: how often, and why the first time.
    untold: BTreeMap<String, (u64, String)>,
    /// Kinds that could not be looked at.
    gaps: Vec<Gap>,
}

impl Summary {
    fn findings(&self) -> u64 {
        self.counts.values().map(Counts::total).sum()
    }

    fn add(&mut self, resource: Resource, verdicts: &Verdicts) {
        *self.judged.entry(resource).or_default() += 1;
        self.rights_unasked += u64::from(verdicts.rights_unasked);
        self.offenders += u64::from(!verdicts.found.is_empty());
        for found in &verdicts.found {
            let key = (found.rule, found.namespace.clone());
            found.count(self.counts.entry(key).or_default());
        }
        for (policy, reason) in &verdicts.untold {
            let entry = self.untold.entry(policy.clone());
            entry.or_insert_with(|| (0, reason.clone())).0 += 1;
        }
    }
}

impl Audit {
    /// Judges everything that is there.
    pub(super) fn run(self) -> Result<Verdict> {
        let policies = self.policies.compile()?;
        let typed = self.policies.typed();
        let estate = Estate::open(self.cluster)?;
        let view = estate.view();
        let now = self.now.unwrap_or_else(Timestamp::now);
        let unasked = Cell::new(0);
        let live = live_reads(&estate.runtime, &estate.cluster);
        let read = memory(live, self.rights, &unasked);
        let judge = Judge {
            world: World {
                policies: &policies,
                view: &view,
                read: &read,
                today: now.to_zoned(TimeZone::UTC).date(),
            },
            unasked: &unasked,
        };
        let resources = resources(&policies);
        let kinds: Vec<Listing> = resources.iter().copied().map(Listing::of).collect();
        let mut summary = Summary::default();
        let mut output = Output::new(
            self.output,
            output::Settings {
                all: self.all,
                only_summary: self.summary,
                now,
                rest: format!("goldkeeper audit{typed}{} --all", estate.typed),
                policies: policies.policies().len(),
                digest: policies.digest().to_owned(),
                cluster: estate.cluster.origin.clone(),
            },
        )?;
        summary.gaps = estate.each(&kinds, &mut |listing, object| {
            let Some(resource) = Resource::find(listing.group, listing.plural) else {
                return Ok(());
            };
            let Some(verdicts) = judge.judge(resource, object)? else {
                summary.left_out += 1;
                return Ok(());
            };
            summary.add(resource, &verdicts);
            verdicts
                .found
                .into_iter()
                .try_for_each(|found| output.add(found))
        })?;
        output.finish(&summary)?;
        Ok(if summary.findings() > 0 {
            Verdict::Found
        } else {
            Verdict::Clean
        })
    }
}

/// The resources that some policy looks at when they are made. Clones and restores are orders that were carried out.
fn resources(policies: &PolicySet) -> Vec<Resource> {
    let lasting = |resource: &Resource| {
        !matches!(
            resource,
            Resource::VirtualMachineClones | Resource::VirtualMachineRestores
        )
    };
    let wanted = |resource: &Resource| {
        let mut policies = policies.policies().iter();
        policies.any(|policy| {
            policy
                .rule
                .wants(Stage::Validate, *resource, Operation::Create)
        })
    };
    let all = Resource::ALL.into_iter();
    all.filter(lasting).filter(wanted).collect()
}
