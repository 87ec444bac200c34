//! What is wrong with an installation: pure judging of what was collected, one file a check.
//!
//! An adapter collects ([`Live`]), the view of the cluster says the rest, and each check turns that into lines
//! ([`Line`]). What could not be read is told as skipped, with the reason: unknown is neither right nor wrong.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod account;
mod certificate;
mod delivery;
mod evidence;
mod failure;
mod golden;
mod line;
mod managers;
mod order;
mod replicas;
mod rights;
mod sources;
mod storage;
mod tls;
mod versions;

#[cfg(test)]
mod tests;

pub use account::questions as account_questions;
pub use certificate::{Trusting, trusting};
pub use evidence::{Evidence, Live, Machines, Pod, Served, Told, Trust};
pub use golden::namespaces as golden_namespaces;
pub use line::{Level, Line};
pub use order::REGISTER;
pub use rights::question as clone_question;

use line::Lines;

/// A check: what was collected, to lines.
type Check = fn(&Evidence<'_>) -> Lines;

/// Every check, in the order in which they are told.
const CHECKS: &[Check] = &[
    replicas::check,
    order::check,
    certificate::check,
    failure::check,
    delivery::check,
    account::check,
    rights::check,
    |evidence| Ok(golden::check(evidence)),
    sources::check,
    storage::check,
    tls::check,
    |evidence| Ok(versions::check(evidence)),
    managers::check,
];

/// Judges everything that was collected. Every check says at least one line.
pub fn diagnose(evidence: &Evidence<'_>) -> Vec<Line> {
    let told = |check: &Check| check(evidence).unwrap_or_else(|lines| lines);
    CHECKS.iter().flat_map(told).collect()
}
