//! Whether goldkeeper's own service account may read what it has to.

use crate::cluster::{Access, Known, Someone};
use crate::engine::rights;

use super::evidence::{Evidence, UNASKED};
use super::line::{Line, Lines, some};

const TOPIC: &str = "account";

/// What is to be asked of a service account: each verb on each resource, in all namespaces.
pub fn questions(namespace: &str, account: &str) -> Vec<Access> {
    let mut questions = Vec::new();
    for right in rights() {
        let names = if right.names.is_empty() {
            &[""][..]
        } else {
            right.names
        };
        for resource in &right.resources {
            for verb in &right.verbs {
                questions.extend(names.iter().map(|name| Access {
                    who: Someone::service_account(namespace, account),
                    verb,
                    group: right.group,
                    resource,
                    subresource: "",
                    namespace: String::new(),
                    name: (*name).to_owned(),
                }));
            }
        }
    }
    questions
}

pub(super) fn check(evidence: &Evidence<'_>) -> Lines {
    evidence.live(TOPIC)?;
    let Some((first, _)) = evidence.account.first() else {
        return Err(vec![Line::skipped(TOPIC, "nothing was asked")]);
    };
    let user = &first.who.user;
    let denied = |wanted: bool| {
        let mut questions = evidence.account.iter();
        let found = questions.by_ref().filter(move |(_, answer)| match answer {
            Known::Known(allowed) => wanted && !allowed,
            Known::Unknown => !wanted,
        });
        found
            .map(|(access, _)| describe(access))
            .collect::<Vec<_>>()
    };
    let (missing, unknown) = (denied(true), denied(false));
    if !missing.is_empty() {
        let sentence = format!("{user} may not {}", some(&missing));
        return Err(vec![
            Line::failed(TOPIC, sentence).cure("goldkeeper rbac | kubectl auth reconcile -f -"),
        ]);
    }
    if !unknown.is_empty() {
        return Err(vec![Line::skipped(TOPIC, UNASKED)]);
    }
    let count = evidence.account.len();
    Ok(vec![Line::ok(
        TOPIC,
        format!("{user} has all {count} rights that it needs"),
    )])
}

fn describe(access: &Access) -> String {
    let Access {
        verb,
        group,
        resource,
        ..
    } = access;
    let dot = if group.is_empty() { "" } else { "." };
    format!("{verb} {resource}{dot}{group}")
}
