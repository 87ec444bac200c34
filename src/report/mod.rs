//! What the command line prints for people and for machines.
//!
//! Whatever has a place in a file is a [`Remark`]: faults in policy files, decisions on manifests. Machines get remarks as
//! JSON, SARIF or annotations of GitHub; people get [`diagnostics`]. Test reports are `JUnit` XML ([`junit`]).

mod diagnostics;
mod github;
mod junit;
mod manual;
mod remark;
mod sarif;
mod table;

pub use diagnostics::{diagnostics, remarks};
pub use github::github;
pub use junit::{Case, CaseOutcome, Suite, junit};
pub use manual::manual;
pub use remark::{Level, POLICY_FILE, Remark, json};
pub use sarif::{RuleText, result as sarif_result, sarif};
pub use table::table;
