//! Policy files that change while goldkeeper runs.

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::document::Diagnostic;
use crate::policy::{PolicySet, PolicySource, Standing};

use super::follow::follow;
use super::policies::{compile, read_sources};
use super::{StoreError, describe};

/// Keeps the policies in force in line with a folder.
#[derive(Debug)]
pub struct Reload {
    /// The folder.
    pub folder: PathBuf,
    /// Whether a folder without policies is meant.
    pub allow_none: bool,
    /// What is in force; a new set is swapped in whole.
    pub policies: Arc<ArcSwap<PolicySet>>,
    /// Told of every change.
    pub standing: Arc<Standing>,
    /// Puts faults into words.
    pub tell: fn(&[Diagnostic], &[PolicySource]) -> String,
}

/// What the folder held when it was last looked at: its texts, or why it can't be read.
type Reading = Result<Vec<PolicySource>, String>;

impl Reload {
    /// Follows the folder until dropped. The last good set stays in force whatever happens to the files.
    pub async fn run(self) {
        let (folder, allow_none) = (self.folder.clone(), self.allow_none);
        let read = move || read_sources(&folder, allow_none).map_err(|error| describe(&error));
        let mut told = None;
        follow(
            read,
            |reading| self.judge(reading),
            || self.tell_notices(&mut told),
        )
        .await;
    }

    /// Logs what is to be told of the set in force: once a set, and once a day, since exemptions end.
    fn tell_notices(&self, told: &mut Option<(String, Date)>) {
        let policies = self.policies.load();
        let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
        if matches!(told, Some((digest, day)) if digest == policies.digest() && *day == today) {
            return;
        }
        for notice in policies.notices(today) {
            tracing::warn!(
                policies = policies.digest(),
                file = &*notice.file,
                line = notice.line,
                "{}",
                notice.message
            );
        }
        *told = Some((policies.digest().to_owned(), today));
    }

    fn judge(&self, reading: &Reading) {
        let before = self.policies.load_full();
        let outcome = match reading {
            Ok(sources) => compile(sources.clone()).map_err(|error| match &error {
                StoreError::Policies { faults, sources } => {
                    (faults.len(), (self.tell)(faults, sources))
                }
                _ => (1, error.to_string()),
            }),
            Err(reason) => Err((1, reason.clone())),
        };
        match outcome {
            Ok(policies) if policies.digest() == before.digest() => {
                if self.standing.faults() > 0 {
                    tracing::info!(
                        policies = before.digest(),
                        "the policy files are those in force again"
                    );
                }
                self.standing.restored();
            }
            Ok(policies) => {
                tracing::info!(
                    before = before.digest(),
                    policies = policies.digest(),
                    "new policies in force"
                );
                self.policies.store(Arc::new(policies));
                self.standing.loaded();
            }
            Err((faults, reason)) => {
                tracing::error!(
                    policies = before.digest(),
                    faults,
                    "policies not loaded, faults: {faults}; the last good set {} stays in force\n{reason}",
                    before.digest()
                );
                self.standing.rejected(faults, reason);
            }
        }
    }
}
