//! Policies: what administrators write, compiled into what the engine asks.
//!
//! Kind = rule, one document a policy. Files are compiled together into a [`PolicySet`]: a whole set or nothing, every
//! fault told with its place. Nothing here reads a file ([`crate::store`] does).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod cel;
mod condition;
mod exemption;
mod file;
mod matching;
mod never;
mod notice;
mod schema;
mod selector;
mod set;
mod standing;

use std::sync::Arc;

use jiff::civil::Date;

use crate::admission::{AdmissionRequest, Resource};
use crate::cluster::Facts;
use crate::rules::{Judge, Rule, Webhook};

pub use condition::{Condition, Inputs};
pub use exemption::Exemption;
pub use file::SPEC;
pub use matching::{Doubt, Match, Matches};
pub use notice::{ENDING_SOON, Ending};
pub use schema::schema;
pub use selector::Selector;
pub use set::{PolicySet, PolicySource};
pub use standing::Standing;

/// What is done with a violation. `Deny` excludes `Warn`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ValidationActions {
    /// The request is refused.
    pub deny: bool,
    /// The user is warned.
    pub warn: bool,
    /// The audit log of the cluster records it.
    pub audit: bool,
}

/// What becomes of a finding that rests on a missing fact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnMissingData {
    /// Nothing is said.
    Allow,
    /// The user is warned.
    #[default]
    Warn,
    /// The request is refused.
    Deny,
}

/// One policy in force.
#[derive(Debug)]
pub struct Policy {
    /// `metadata.name`
    pub name: String,
    /// Its kind.
    pub rule: &'static Rule,
    /// The file it came from, as the user named it.
    pub file: Arc<str>,
    /// The line its document starts on.
    pub line: u32,
    /// `spec.validationActions`
    pub actions: ValidationActions,
    /// `spec.match`
    pub matching: Match,
    /// `spec.matchConditions`
    pub conditions: Vec<Condition>,
    /// `spec.exemptions`
    pub exemptions: Vec<Exemption>,
    /// `spec.onMissingData`
    pub on_missing_data: OnMissingData,
    /// `spec.message`
    pub message: Option<String>,
    /// The rule with this policy's parameters.
    pub judge: Box<dyn Judge>,
}

impl Policy {
    /// Whether the policy is to judge a request. What can be told without the cluster is looked at first.
    ///
    /// `today` is the date in UTC by which exemptions end; `inputs` are those of the request.
    pub fn matches(
        &self,
        request: &AdmissionRequest<'_>,
        resource: Resource,
        facts: &Facts<'_>,
        today: Date,
        inputs: &Inputs<'_>,
    ) -> Matches {
        if !self.matching.covers(request, resource) || self.is_exempt(request, today) {
            return Matches::No;
        }
        let selected = self.matching.selects_namespace(request, facts);
        if self.conditions.is_empty() || selected == Matches::No {
            return selected;
        }
        match inputs.hold(&self.conditions) {
            Matches::Yes => selected,
            other => other,
        }
    }

    fn is_exempt(&self, request: &AdmissionRequest<'_>, today: Date) -> bool {
        let mut exemptions = self.exemptions.iter();
        exemptions
            .any(|exemption| exemption.is_in_force(today) && exemption.covers(&request.user_info))
    }

    /// The validating webhook that delivers this policy's requests for a resource. One that never refuses must not be
    /// registered closed, or an outage would refuse what the policy lets through.
    pub const fn webhook(&self, resource: Resource) -> Webhook {
        let refuses = self.actions.deny || matches!(self.on_missing_data, OnMissingData::Deny);
        match self.rule.webhook(resource) {
            Webhook::ProtectedNamespaces if !refuses => Webhook::ProtectedNamespacesWarnings,
            webhook => webhook,
        }
    }

    /// What the policy does, as in `Fill+Warn`.
    pub fn describe_actions(&self) -> String {
        let names = [
            (self.judge.fills(), "Fill"),
            (!self.judge.redirects().is_empty(), "Redirect"),
            (self.actions.deny, "Deny"),
            (self.actions.warn, "Warn"),
            (self.actions.audit, "Audit"),
        ];
        let done: Vec<&str> = names
            .iter()
            .filter(|(does, _)| *does)
            .map(|(_, name)| *name)
            .collect();
        done.join("+")
    }
}
