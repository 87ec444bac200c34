//! `goldkeeper schema`

use anyhow::Result;
use clap::Args;

use crate::policy;

use super::Verdict;
use super::screen::print;

/// Arguments of `goldkeeper schema`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  goldkeeper schema > policies/schema.json

An editor with the YAML language server checks and completes a policy file that begins with
  # yaml-language-server: $schema=schema.json")]
pub(super) struct Schema {}

impl Schema {
    /// Prints it.
    pub(super) fn run(self) -> Result<Verdict> {
        let Self {} = self;
        let mut text = serde_json::to_string_pretty(&policy::schema())?;
        text.push('\n');
        print(&text)?;
        Ok(Verdict::Clean)
    }
}
