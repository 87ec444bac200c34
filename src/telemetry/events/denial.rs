//! What may be told of a refusal to everybody who sees the namespace.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::admission::{AdmissionRequest, Operation};
use crate::engine::{Action, Decided};
use crate::rules::{self, Stage};

/// The most bytes that `note` of `events.k8s.io/v1` takes (`pkg/apis/core/validation/events.go` in Kubernetes).
const LONGEST_NOTE: usize = 1024;

/// What was refused by whom. Refusals of the same are one Event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refused {
    /// Namespace of the request.
    pub namespace: String,
    /// Kind of the object.
    pub kind: String,
    /// Name of the object, or its `generateName` and a `*`.
    pub name: String,
    /// Kind of the policy that refused it.
    pub rule: &'static str,
    /// Name of that policy; the first, where several refused it.
    pub policy: String,
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// What was refused.
    pub refused: Refused,
    /// One line for people, of 1024 bytes at most.
    pub note: String,
    /// When.
    pub at: Timestamp,
}

impl Denial {
    /// What is told of a decision, if it is a refusal: by `/validate`, of a request that is no dry run (which must leave
    /// nothing behind), in a namespace (what is the cluster's own has none that would show it).
    pub(super) fn of(decided: &Decided<'_>) -> Option<Self> {
        let Decided {
            stage,
            request,
            decision,
            ..
        } = *decided;
        let message = decision.denial.as_deref()?;
        if stage != Stage::Validate || request.dry_run.unwrap_or_default() {
            return None;
        }
        let namespace = request.namespace.get()?;
        let mut tally = decision.tally.iter();
        let first = tally.find(|tally| tally.action == Action::Deny)?;
        let refused = Refused {
            namespace: namespace.to_owned(),
            kind: request.kind.kind.or_empty().to_owned(),
            name: name(request).into_owned(),
            rule: first.rule,
            policy: first.policy.clone(),
        };
        Some(Self {
            note: note(&refused, message),
            refused,
            at: Timestamp::now(),
        })
    }
}

/// The name that was asked for. One that the API server has made up is another one at each attempt.
fn name<'r>(request: &'r AdmissionRequest<'_>) -> Cow<'r, str> {
    let name = request.display_name();
    let metadata = request
        .object
        .get()
        .and_then(|object| object.metadata.get());
    match metadata.and_then(|metadata| metadata.generate_name.get()) {
        Some(prefix) if request.operation == Operation::Create && name.starts_with(prefix) => {
            Cow::Owned(format!("{prefix}*"))
        }
        _ => name,
    }
}

/// The first line of a refusal, where it says nothing but what the request and the policy do. What rests on the cluster
/// was found out for the user who asked, by that user's rights, and may name the user; others are told who refused.
fn note(refused: &Refused, message: &str) -> String {
    let Refused {
        kind,
        name,
        rule,
        policy,
        ..
    } = refused;
    let is_public = rules::find(rule).is_some_and(|rule| rule.is_public);
    let text = if is_public {
        let first = message.lines().next().unwrap_or_default();
        format!("{kind} {name} was refused: {first}")
    } else {
        format!(
            "{kind} {name} was refused by policy {policy} ({rule}): whoever asked for it was told why"
        )
    };
    let text = text.replace(char::is_control, " ");
    if text.len() <= LONGEST_NOTE {
        return text;
    }
    let end = text.floor_char_boundary(LONGEST_NOTE - CUT.len());
    format!("{}{CUT}", text.get(..end).unwrap_or_default())
}

/// What stands at the end of a note that was cut.
const CUT: &str = "...";

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use super::*;
    use crate::engine::{Decision, Tally};
    use crate::rules::RULES;
    use serde_json::{Value, json};

    pub(in super::super) fn request(change: impl FnOnce(&mut Value)) -> Vec<u8> {
        let mut request = json!({
            "uid": "u",
            "kind": {"group": "kubevirt.io", "version": "v1", "kind": "VirtualMachine"},
            "resource": {"group": "kubevirt.io", "version": "v1", "resource": "virtualmachines"},
            "namespace": "openshift-cnv",
            "name": "web",
            "operation": "CREATE",
            "userInfo": {"username": "alice"},
            "object": {"metadata": {"name": "web"}},
        });
        change(&mut request);
        serde_json::to_vec(&request).unwrap()
    }

    pub(in super::super) fn decided<'r>(
        stage: Stage,
        request: &'r AdmissionRequest<'r>,
        decision: &'r Decision,
    ) -> Decided<'r> {
        Decided {
            stage,
            request,
            decision,
            digest: "",
            elapsed: Duration::ZERO,
        }
    }

    fn refusal(rule: &'static str, message: &str) -> Decision {
        let tally = |action, policy: &str| Tally {
            policy: policy.to_owned(),
            rule,
            action,
        };
        Decision {
            denial: Some(message.to_owned()),
            tally: vec![tally(Action::Warn, "other"), tally(Action::Deny, "strict")],
            ..Decision::default()
        }
    }

    fn told(change: impl FnOnce(&mut Value), decision: &Decision) -> Option<Denial> {
        let request = request(change);
        let request = AdmissionRequest::read(&request).unwrap();
        Denial::of(&decided(Stage::Validate, &request, decision))
    }

    #[test]
    fn a_refusal_is_told_by_its_first_line() {
        let decision = refusal("ProtectedNamespaces", "may not [strict]\n  field: x");
        let denial = told(|_| {}, &decision).unwrap();
        assert_eq!(
            denial.note,
            "VirtualMachine web was refused: may not [strict]"
        );
        assert_eq!(denial.refused.namespace, "openshift-cnv");
        assert_eq!(denial.refused.policy, "strict");
    }

    #[test]
    fn nobody_learns_by_an_event_what_another_user_may_know() {
        let message = "alice may not clone boot sources of gold [strict]";
        for rule in RULES {
            let denial = told(|_| {}, &refusal(rule.kind, message)).unwrap();
            let is_told = denial.note.contains("alice");
            assert_eq!(is_told, rule.kind == "ProtectedNamespaces", "{}", rule.kind);
            assert!(denial.note.contains("strict"), "{}", denial.note);
        }
    }

    #[test]
    fn what_leaves_nothing_behind_is_not_told() {
        let decision = refusal("ProtectedNamespaces", "no");
        assert_eq!(told(|own| own["dryRun"] = json!(true), &decision), None);
        assert_eq!(told(|own| own["namespace"] = json!(""), &decision), None);
        assert_eq!(told(|_| {}, &Decision::default()), None);
        let request = request(|_| {});
        let request = AdmissionRequest::read(&request).unwrap();
        assert_eq!(Denial::of(&decided(Stage::Fill, &request, &decision)), None);
    }

    #[test]
    fn a_name_that_the_api_server_made_up_is_none() {
        let decision = refusal("ProtectedNamespaces", "no");
        for (operation, name, expected) in [
            ("CREATE", "", "web-*"),
            ("CREATE", "web-x7k2p", "web-*"),
            ("CREATE", "other", "other"),
            ("UPDATE", "web-x7k2p", "web-x7k2p"),
        ] {
            let generated = |own: &mut Value| {
                own["operation"] = json!(operation);
                own["name"] = json!(name);
                own["object"]["metadata"] = json!({"name": name, "generateName": "web-"});
            };
            let denial = told(generated, &decision).unwrap();
            assert_eq!(denial.refused.name, expected, "{operation} {name}");
        }
    }

    #[test]
    fn a_note_is_one_line_of_at_most_1024_bytes() {
        for width in 0..4 {
            let message = format!("{}{}", "a".repeat(width), "é☃𝄞".repeat(400));
            let note = told(|_| {}, &refusal("ProtectedNamespaces", &message))
                .unwrap()
                .note;
            assert!(
                note.ends_with("...") && note.len() <= 1024,
                "{}",
                note.len()
            );
            assert!(note.len() > 1024 - 4, "{}", note.len());
        }
        let whole = "x".repeat(1024 - "VirtualMachine web was refused: ".len());
        let note = told(|_| {}, &refusal("ProtectedNamespaces", &whole))
            .unwrap()
            .note;
        assert!(note.len() == 1024 && note.ends_with('x'));
        let odd = told(
            |own| own["name"] = json!("a\nb\u{7}"),
            &refusal("ProtectedNamespaces", "no"),
        );
        assert_eq!(odd.unwrap().note, "VirtualMachine a b  was refused: no");
    }
}
