//! One finding about an object that is there.

use crate::admission::Resource;
use crate::engine::{Action, Outcome};
use crate::rules::{Detail, Finding};

use super::Counts;

/// What is said of an object by one policy.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) resource: Resource,
    pub(super) api_version: String,
    /// Empty for what is in none.
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) policy: String,
    pub(super) rule: &'static str,
    /// The gravest thing that would be done with it if it were made now.
    pub(super) action: Action,
    pub(super) text: String,
    pub(super) field: String,
    pub(super) value: String,
    pub(super) details: Vec<Detail>,
}

impl Found {
    /// Of an outcome, unless nothing is wrong or nothing is done with it.
    pub(super) fn of(outcome: &Outcome<'_>, object: &Named) -> Option<Self> {
        let (Finding::Violation(violation) | Finding::Advice(violation)) = &outcome.finding else {
            return None;
        };
        let action = outcome.actions().next()?;
        let text = violation.let_through.as_ref().unwrap_or(&violation.summary);
        Some(Self {
            resource: object.resource,
            api_version: object.api_version.clone(),
            namespace: object.namespace.clone(),
            name: object.name.clone(),
            policy: outcome.policy.name.clone(),
            rule: outcome.policy.rule.kind,
            action,
            text: of_what_exists(text),
            field: violation.field.to_string(),
            value: violation.found.clone(),
            details: violation.details.clone(),
        })
    }

    pub(super) fn count(&self, counts: &mut Counts) {
        match self.action {
            Action::Deny => counts.deny += 1,
            Action::Warn => counts.warn += 1,
            _ => counts.audit += 1,
        }
    }

    /// `Kind namespace/name`, or `Kind name`.
    pub(super) fn object(&self) -> String {
        let kind = self.resource.info().kind;
        match &*self.namespace {
            "" => format!("{kind} {}", self.name),
            namespace => format!("{kind} {namespace}/{}", self.name),
        }
    }
}

/// An object by its names.
pub(super) struct Named {
    pub(super) resource: Resource,
    pub(super) api_version: String,
    pub(super) namespace: String,
    pub(super) name: String,
}

/// Rules speak of what somebody is about to make; here it is there already.
fn of_what_exists(text: &str) -> String {
    text.replace(" be created in ", " be in ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_exists_is_not_about_to_be_created() {
        assert_eq!(
            of_what_exists("virtual machines should not be created in kube-a: it is protected"),
            "virtual machines should not be in kube-a: it is protected"
        );
    }
}
