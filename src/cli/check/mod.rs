//! `goldkeeper check`

mod ask;
mod file;
mod json;
mod judge;
mod machine;
mod old;
mod output;
mod text;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use jiff::civil::Date;

use crate::engine::World;
use crate::store;

use super::cluster_args::{ClusterArgs, live_reads, open, runtime};
use super::policy_args::PolicyArgs;
use super::words::counted;
use super::{Verdict, progress, today};
use ask::{Asker, Operation};
use file::{Checker, Settings};
use judge::Judge;
use old::OldObjects;
use output::{Format, Header, Output, Summary};

/// From so many files on there is something to wait for.
const MANY_FILES: usize = 100;

/// Arguments of `goldkeeper check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Every object is taken all the way that the API server would take it: filled in, then judged as it would be
stored, by the same engine and with the same words. Lists, several documents, JSON and the output of
kustomize and Helm are read; hidden files are not. Objects that no policy is for are counted.

--write puts what is filled in into the files and touches nothing else in them; where that can't be done
safely (an alias, a merge key) it is left alone, and told.

-o json and -o yaml: {policies, cluster, objects: [{file, line, column, object: {apiVersion, kind, namespace,
name}, decision, reason, message, warnings, patch, remarks: [{action, rule, policy, field, line, column,
message}]}], declined, faults, summary}. decision is the gravest of denied, warned, filled, allowed;
notCovered where no policy is for the object, notJudged where it can't be told. message, warnings and patch
are what the API server would be answered, byte for byte.

Examples:
  goldkeeper check vms/ --cluster-from cluster.yaml             without a cluster, as in a pull request
  goldkeeper check vms/ --cluster-from cluster.yaml --write     put the golden namespaces into the files
  kustomize build prod | goldkeeper check - --context prod      with a live cluster
  goldkeeper check vms/ --as system:serviceaccount:ci:deployer  as somebody else would be answered
  goldkeeper check vms/ --old main/vms/ -o github               a change: what is not in --old is new

Exit codes: 0 clean, 1 a denial (--fail-on for more), 2 something could not be judged.")]
pub(super) struct Check {
    /// Manifests: files, folders, or - for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    policies: PolicyArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Who sends the objects; service accounts as system:serviceaccount:NAMESPACE:NAME get their groups
    #[arg(long = "as", value_name = "USER", default_value = "kubernetes-admin")]
    user: String,
    /// Group of the sender; may be repeated. system:authenticated is always one
    #[arg(long = "as-group", value_name = "GROUP")]
    groups: Vec<String>,
    /// Namespace of objects that name none
    #[arg(short, long, value_name = "NAME", default_value = "default")]
    namespace: String,
    /// What is done with the objects: CREATE if absent. UPDATE takes the object as it is for the earlier one, unless --old
    /// has that
    #[arg(long, value_enum, ignore_case = true)]
    operation: Option<Operation>,
    /// Files or folders with the objects as they were: those are updated, what is not there is created; may be repeated
    #[arg(long, value_name = "PATH")]
    old: Vec<PathBuf>,
    /// The date by which exemptions end, as in 2027-01-31; today (UTC) if absent
    #[arg(long, value_name = "DATE")]
    now: Option<Date>,
    /// From what on the exit code is 1
    #[arg(long, value_enum, default_value_t)]
    fail_on: FailOn,
    /// Put what is filled in into the files
    #[arg(long)]
    write: bool,
    /// How the outcome is printed
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// What is reason enough to fail; each includes those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum FailOn {
    /// An object is denied.
    #[default]
    Deny,
    /// An object is warned of.
    Warn,
    /// A field is filled in that is not in the file.
    Fill,
}

impl Check {
    /// Judges everything, whatever is wrong with some of it.
    pub(super) fn run(self) -> Result<Verdict> {
        self.is_sound()?;
        let policies = self.policies.compile()?;
        let runtime = runtime()?;
        let old = OldObjects::read(&self.old, &self.namespace)?;
        let cluster = runtime.block_on(open(self.cluster))?;
        let view = cluster.view.load_full();
        let read = live_reads(&runtime, &cluster);
        let judge = Judge {
            world: World {
                policies: &policies,
                view: &view,
                read: &read,
                today: self.now.unwrap_or_else(today),
            },
            asker: Asker::new(self.user, self.groups, self.namespace),
            operation: self.operation.unwrap_or(Operation::Create),
            old: (!self.old.is_empty()).then_some(old),
        };
        let header = Header {
            policies: policies.digest().to_owned(),
            cluster: cluster.origin.clone(),
            write: self.write,
            hint: !self.write && self.paths.iter().any(|path| !is_stdin(path)),
        };
        let (files, unreadable) = files(&self.paths);
        let progress = match files.len() {
            ..MANY_FILES => progress::none(),
            many => progress::bar(many, "{bar:30} {pos} of {len} files, {eta} left"),
        };
        let settings = Settings {
            write: self.write,
            edits: self.write || self.output == Format::Text,
        };
        let mut checker = Checker {
            judge,
            settings,
            output: Output::new(self.output, header, self.fail_on, progress.clone())?,
            summary: Summary::default(),
        };
        for error in unreadable {
            checker.unreadable(&error);
        }
        for file in files {
            checker.check(&file)?;
            progress.inc(1);
        }
        progress.finish_and_clear();
        let summary = checker.finish()?;
        verdict(&summary, self.fail_on)
    }

    /// What can be told of the arguments alone.
    fn is_sound(&self) -> Result<()> {
        if self.write && self.paths.iter().any(|path| is_stdin(path)) {
            bail!("--write can't change standard input: name the files");
        }
        let updates = self.operation.is_none_or(|it| it == Operation::Update);
        if !self.old.is_empty() && !updates {
            bail!("--old is for updates: leave --operation out");
        }
        if self.write && self.operation == Some(Operation::Delete) {
            bail!("--write and --operation DELETE: what is deleted is not filled in");
        }
        Ok(())
    }
}

fn verdict(summary: &Summary, fail_on: FailOn) -> Result<Verdict> {
    if summary.faults > 0 {
        let parts = counted(summary.faults, "part");
        bail!("{parts} of the manifests could not be judged; see above");
    }
    let found = summary.denied > 0
        || fail_on >= FailOn::Warn && summary.warned > 0
        || fail_on >= FailOn::Fill && summary.open_fields > 0;
    Ok(if found {
        Verdict::Found
    } else {
        Verdict::Clean
    })
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// The files of all paths, in the order of the paths, and what could not be read.
fn files(paths: &[PathBuf]) -> (Vec<PathBuf>, Vec<store::StoreError>) {
    let mut files = Vec::new();
    let mut unreadable = Vec::new();
    for path in paths {
        if is_stdin(path) {
            files.push(path.clone());
            continue;
        }
        match store::manifest_files(path) {
            Ok(found) => files.extend(found),
            Err(error) => unreadable.push(error),
        }
    }
    (files, unreadable)
}

/// What a file is called in messages.
fn label(path: &Path) -> Arc<str> {
    if is_stdin(path) {
        return Arc::from("stdin");
    }
    Arc::from(path.display().to_string())
}
