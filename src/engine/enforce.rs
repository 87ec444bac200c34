//! What the API server is told.

use crate::admission::{Edit, FieldPath};
use crate::policy::{OnMissingData, Policy, PolicySet};
use crate::rules::Finding;

use super::message;
use super::{Evaluation, Outcome};

/// The answer to a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// Why the request is refused; `None` if it is allowed.
    pub denial: Option<String>,
    /// What the user is warned of, each one sentence on one line.
    pub warnings: Vec<String>,
    /// What is filled in.
    pub edits: Vec<Edit>,
    /// For the audit log of the cluster: keys without a prefix (the API server puts the webhook's name before them).
    pub audit_annotations: Vec<(&'static str, String)>,
    /// What was done, for metrics and the log.
    pub tally: Vec<Tally>,
}

/// What was done on behalf of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Name of the policy.
    pub policy: String,
    /// Its kind.
    pub rule: &'static str,
    /// What was done.
    pub action: Action,
}

/// What is done with a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// The request is refused.
    Deny,
    /// The user is warned.
    Warn,
    /// The audit log records it.
    Audit,
    /// A field is filled in.
    Fill,
    /// Nothing is said of what could not be told.
    Allow,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 5] = [Self::Deny, Self::Warn, Self::Audit, Self::Fill, Self::Allow];

    /// Its name in metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Warn => "warn",
            Self::Audit => "audit",
            Self::Fill => "fill",
            Self::Allow => "allow",
        }
    }
}

impl Decision {
    /// Whether the request is allowed.
    pub const fn allowed(&self) -> bool {
        self.denial.is_none()
    }
}

/// Folds what was found and what each policy wants done with it into one decision: any refusal refuses, and every
/// message is shown, in the order of the policies.
pub fn enforce(evaluation: &Evaluation<'_>, policies: &PolicySet) -> Decision {
    let mut decision = Decision::default();
    let mut denials = Vec::new();
    let mut warnings = Vec::new();
    for outcome in &evaluation.outcomes {
        for action in outcome.actions() {
            match action {
                Action::Deny => denials.push(message::denial(outcome)),
                Action::Warn => warnings.push(message::warning(outcome)),
                Action::Fill => {
                    warnings.extend(message::notice(outcome));
                    decision.edits.extend(edit(outcome));
                }
                Action::Audit | Action::Allow => {}
            }
            if let Some(key) = annotation_key(action) {
                annotate(&mut decision, key, &message::record(outcome));
            }
            decision.tally.push(tally(outcome.policy, action));
        }
    }
    for yielded in &evaluation.yielded {
        annotate(&mut decision, "filled", &message::yielded(yielded));
    }
    if !decision.tally.is_empty() {
        annotate(&mut decision, "policies", policies.digest());
    }
    decision.denial = (!denials.is_empty()).then(|| denials.join("\n"));
    decision.warnings = message::within_limits(warnings);
    decision
}

impl Outcome<'_> {
    /// What is done with it, as the policy says.
    pub fn actions(&self) -> impl Iterator<Item = Action> + use<> {
        let policy = self.policy;
        let only = |action| [Some(action), None, None];
        let chosen = match (&self.finding, policy.on_missing_data) {
            (Finding::Fill(_), _) => only(Action::Fill),
            (Finding::Undetermined(_), OnMissingData::Allow) => only(Action::Allow),
            (Finding::Undetermined(_), OnMissingData::Warn) => only(Action::Warn),
            (Finding::Undetermined(_), OnMissingData::Deny) => only(Action::Deny),
            (Finding::Violation(_), _) => chosen(policy, Action::Deny),
            (Finding::Advice(_), _) => chosen(policy, Action::Warn),
        };
        chosen.into_iter().flatten()
    }

    /// What people read of it when this is done with it; nothing of what is only recorded.
    pub fn text(&self, action: Action) -> Option<String> {
        match (action, &self.finding) {
            (Action::Deny, _) => Some(message::denial(self)),
            (Action::Warn, _) => Some(message::warning(self)),
            (Action::Fill, Finding::Fill(edit)) => Some(format!("{} = {}", edit.path, edit.value)),
            _ => None,
        }
    }

    /// The field that it is about.
    pub const fn field(&self) -> &FieldPath {
        match &self.finding {
            Finding::Violation(violation) | Finding::Advice(violation) => &violation.field,
            Finding::Fill(edit) => &edit.path,
            Finding::Undetermined(undetermined) => &undetermined.field,
        }
    }
}

/// What the policy chose, with what its `Deny` means here.
fn chosen(policy: &Policy, deny: Action) -> [Option<Action>; 3] {
    [
        policy.actions.deny.then_some(deny),
        policy.actions.warn.then_some(Action::Warn),
        policy.actions.audit.then_some(Action::Audit),
    ]
}

fn edit(outcome: &Outcome<'_>) -> Option<Edit> {
    match &outcome.finding {
        Finding::Fill(edit) => Some(edit.clone()),
        _ => None,
    }
}

/// A denial is in the audit log as it is; the other actions leave a word there.
const fn annotation_key(action: Action) -> Option<&'static str> {
    match action {
        Action::Deny => None,
        Action::Warn => Some("warned"),
        Action::Audit => Some("violated"),
        Action::Fill => Some("filled"),
        Action::Allow => Some("undetermined"),
    }
}

fn annotate(decision: &mut Decision, key: &'static str, text: &str) {
    let known = decision
        .audit_annotations
        .iter_mut()
        .find(|(known, _)| *known == key);
    match known {
        Some((_, value)) if value.len() + text.len() < 1024 => {
            value.push_str("; ");
            value.push_str(text);
        }
        Some(_) => {}
        None => decision.audit_annotations.push((key, text.to_owned())),
    }
}

fn tally(policy: &Policy, action: Action) -> Tally {
    Tally {
        policy: policy.name.clone(),
        rule: policy.rule.kind,
        action,
    }
}
