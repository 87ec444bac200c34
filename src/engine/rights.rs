//! What goldkeeper has to be allowed in the cluster that it watches: to read, and to ask who may do what. Nothing is
//! written, unless Events are asked for.

use crate::cluster::{Kind, Scope};

use super::{MUTATING, VALIDATING};

/// Verbs on resources of one API group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Right {
    /// API group, `""` for the core group.
    pub group: &'static str,
    /// Plural names.
    pub resources: Vec<&'static str>,
    /// The only objects, by name; all where it is empty.
    pub names: &'static [&'static str],
    /// `get`, `list`, …
    pub verbs: Vec<&'static str>,
}

/// Everything that is asked of the API server, and nothing else. Discovery is left out: it is open to all who are logged
/// in (`system:discovery`).
pub fn rights() -> Vec<Right> {
    let mut rights: Vec<Right> = Vec::new();
    for kind in Kind::ALL {
        let info = kind.info();
        let verbs = verbs(kind);
        let same = |own: &&mut Right| own.group == info.group && own.verbs == verbs;
        match rights.iter_mut().find(same) {
            Some(right) => right.resources.push(info.plural),
            None => rights.push(Right {
                group: info.group,
                resources: vec![info.plural],
                names: &[],
                verbs,
            }),
        }
    }
    let one = |group, resource, names, verb| Right {
        group,
        resources: vec![resource],
        names,
        verbs: vec![verb],
    };
    let registration = "admissionregistration.k8s.io";
    let (mutating, validating): (&[&str], &[&str]) = (&[MUTATING], &[VALIDATING]);
    rights.extend([
        // OpenShift's TLS profile is followed; elsewhere nobody has the kind.
        Right {
            group: "config.openshift.io",
            resources: vec!["apiservers"],
            names: &["cluster"],
            verbs: vec!["list", "watch"],
        },
        one(
            "authorization.k8s.io",
            "subjectaccessreviews",
            &[],
            "create",
        ),
        one(
            registration,
            "mutatingwebhookconfigurations",
            mutating,
            "get",
        ),
        one(
            registration,
            "validatingwebhookconfigurations",
            validating,
            "get",
        ),
    ]);
    rights
}

/// What it takes beside [`rights`] to write refusals as Events: to make one, and to tell it that it happened again.
pub fn event_rights() -> Vec<Right> {
    vec![Right {
        group: "events.k8s.io",
        resources: vec!["events"],
        names: &[],
        verbs: vec!["create", "patch"],
    }]
}

/// A kind that is followed is listed and watched; one object is read before a decision rests on it.
fn verbs(kind: Kind) -> Vec<&'static str> {
    let followed = kind.info().scope != Scope::OnDemand;
    let wanted = [
        (kind.is_read_live(), "get"),
        (followed, "list"),
        (followed, "watch"),
    ];
    wanted
        .into_iter()
        .filter_map(|(wanted, verb)| wanted.then_some(verb))
        .collect()
}
