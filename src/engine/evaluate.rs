//! All findings, raw.

use jiff::civil::Date;

use crate::admission::{AdmissionRequest, FieldPath, Resource};
use crate::cluster::{Facts, Question};
use crate::policy::{Doubt, Inputs, Matches, Policy, PolicySet};
use crate::rules::{Finding, Stage, Subject, Undetermined, Webhook};

/// Which policies are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Route {
    /// What is asked of them.
    pub stage: Stage,
    /// Only the policies that this webhook delivers; all if absent.
    pub webhook: Option<Webhook>,
}

impl Route {
    /// Everything that can be filled in.
    pub const MUTATE: Self = Self {
        stage: Stage::Fill,
        webhook: None,
    };

    /// Everything that can be judged.
    pub const VALIDATE: Self = Self {
        stage: Stage::Validate,
        webhook: None,
    };

    fn asks(self, policy: &Policy, resource: Resource) -> bool {
        self.webhook
            .is_none_or(|webhook| webhook == policy.webhook(resource))
    }
}

/// What one policy found.
#[derive(Debug)]
pub struct Outcome<'p> {
    /// The policy.
    pub policy: &'p Policy,
    /// What it found.
    pub finding: Finding,
}

/// An edit that was not taken.
#[derive(Debug)]
pub struct Yielded<'p> {
    /// The policy whose edit it is.
    pub policy: &'p Policy,
    /// The policy that fills the field.
    pub to: &'p Policy,
    /// The field.
    pub field: FieldPath,
}

/// All that was found in a request.
#[derive(Debug, Default)]
pub struct Evaluation<'p> {
    /// In the order of the policies, then of the object.
    pub outcomes: Vec<Outcome<'p>>,
    /// How many policies were asked about the request.
    pub matched: usize,
    /// The edits that were not taken, because another policy fills the same field.
    pub yielded: Vec<Yielded<'p>>,
    /// What has to be read live before the findings can be relied on. If there is a way to read it, read it and evaluate
    /// again with the answers; what stays unanswered is in the outcomes as undetermined.
    pub questions: Vec<Question>,
}

/// Lets every policy that is for this request look at it.
///
/// `today` is the date in UTC by which exemptions end. Same input, same result: there is no other input.
pub fn evaluate<'p>(
    route: Route,
    request: &AdmissionRequest<'_>,
    policies: &'p PolicySet,
    facts: Facts<'_>,
    today: Date,
) -> Evaluation<'p> {
    let mut evaluation = Evaluation::default();
    let Some(resource) = request.judged_resource() else {
        return evaluation;
    };
    let subject = Subject {
        stage: route.stage,
        request,
        resource,
        namespace: request.namespace.or_empty(),
    };
    let inputs = Inputs::of(request);
    for policy in policies.policies() {
        let wanted = policy.rule.wants(route.stage, resource, request.operation);
        if !wanted || !route.asks(policy, resource) {
            continue;
        }
        let findings = match policy.matches(request, resource, &facts, today, &inputs) {
            Matches::No => continue,
            Matches::Yes => policy.judge.judge(&subject, &facts),
            // Where the rule finds nothing, it does not matter whether the policy is for the request.
            Matches::Unknown(_) if policy.judge.judge(&subject, &facts).is_empty() => Vec::new(),
            Matches::Unknown(doubt) => {
                vec![Finding::Undetermined(in_doubt(&subject, policy, doubt))]
            }
        };
        evaluation.matched += 1;
        for finding in findings {
            evaluation.take(route.stage, policy, finding);
        }
    }
    evaluation.questions = facts.into_questions();
    evaluation
}

impl<'p> Evaluation<'p> {
    /// Of several edits of one field the first counts: policies are asked by name.
    ///
    /// `/mutate` fills in, and says only what is refused before `/validate` could: whatever else is still wrong when that
    /// looks is told there, once.
    fn take(&mut self, stage: Stage, policy: &'p Policy, finding: Finding) {
        match finding {
            Finding::Fill(edit) if let Some(to) = self.filler(&edit.path) => {
                self.yielded.push(Yielded {
                    policy,
                    to,
                    field: edit.path,
                });
            }
            // What is filled in is no fault any more.
            Finding::Advice(advice) if self.filler(&advice.field).is_some() => {}
            Finding::Violation(_) | Finding::Undetermined(_) if stage == Stage::Fill => {}
            finding => self.outcomes.push(Outcome { policy, finding }),
        }
    }

    /// The policy that fills a field.
    fn filler(&self, field: &FieldPath) -> Option<&'p Policy> {
        let mut outcomes = self.outcomes.iter();
        let fills = |outcome: &&Outcome<'p>| matches!(&outcome.finding, Finding::Fill(edit) if edit.path == *field);
        outcomes.find(fills).map(|outcome| outcome.policy)
    }
}

fn in_doubt(subject: &Subject<'_>, policy: &Policy, doubt: Doubt) -> Undetermined {
    let name = &policy.name;
    match doubt {
        Doubt::NamespaceLabels(reason) => Undetermined {
            summary: format!(
                "could not tell whether policy {name} is for {}: the labels of the namespace are not known",
                subject.namespace
            ),
            field: FieldPath::of(&["metadata", "namespace"]),
            reason,
        },
        Doubt::Condition {
            name: condition,
            reason,
        } => Undetermined {
            summary: format!(
                "could not tell whether policy {name} is for this request: its condition {condition} gives no answer"
            ),
            field: FieldPath::default(),
            reason,
        },
    }
}
