//! Which policies a command works with.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use clap::Args;

use crate::policy::{PolicySet, Standing};
use crate::report;
use crate::store::{self, Reload, StoreError};

/// Policies that follow their files.
pub(super) struct Followed {
    /// Those in force.
    pub(super) policies: Arc<ArcSwap<PolicySet>>,
    /// How the files have fared.
    pub(super) standing: Arc<Standing>,
    /// Keeps the two in line while it runs.
    pub(super) reload: Reload,
}

/// Where the policies are.
#[derive(Debug, Args)]
pub(super) struct PolicyArgs {
    /// Folder with the policy files
    #[arg(
        long,
        env = "GOLDKEEPER_POLICIES",
        default_value = "policies",
        value_name = "DIR"
    )]
    policies: PathBuf,
    /// Go on without any policy if the folder holds none
    #[arg(long, env = "GOLDKEEPER_ALLOW_NO_POLICIES")]
    allow_no_policies: bool,
}

impl PolicyArgs {
    /// The arguments as they would be typed.
    pub(super) fn typed(&self) -> String {
        if self.policies == Path::new("policies") {
            return String::new();
        }
        format!(" --policies {}", self.policies.display())
    }

    /// Reads and compiles them.
    pub(super) fn compile(&self) -> Result<PolicySet, StoreError> {
        store::compile_folder(&self.policies, self.allow_no_policies)
    }

    /// Reads, compiles and follows them.
    pub(super) fn follow(self) -> Result<Followed, StoreError> {
        let policies = Arc::new(ArcSwap::from_pointee(self.compile()?));
        let standing = Arc::<Standing>::default();
        let reload = Reload {
            folder: self.policies,
            allow_none: self.allow_no_policies,
            policies: policies.clone(),
            standing: standing.clone(),
            tell: |faults, sources| report::diagnostics(faults, sources, false),
        };
        Ok(Followed {
            policies,
            standing,
            reload,
        })
    }
}
