//! Which policies a command works with.

use std::path::PathBuf;

use clap::Args;

use crate::policy::PolicySet;
use crate::store::{self, StoreError};

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
    /// Reads and compiles them.
    pub(super) fn compile(self) -> Result<PolicySet, StoreError> {
        let Self {
            policies,
            allow_no_policies,
        } = self;
        store::compile_folder(&policies, allow_no_policies)
    }
}
