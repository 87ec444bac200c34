//! What is told of a boot source.

use crate::admission::{BootReference, FieldPath};
use crate::cluster::{DataSource, Kind};
use crate::rules::rights::{CLONE_SOURCER, VIEW};
use crate::rules::told::{detail, expected, write_namespace};
use crate::rules::{Detail, Undetermined, Violation};

/// Where a `DataSource` is looked for.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
    /// Where the golden image of that name is, if that is elsewhere.
    pub(super) home: Option<&'a str>,
    pub(super) reference: BootReference<'a>,
}

/// Who may not do what, and where.
pub(super) struct Refusal {
    pub(super) cloner: String,
    pub(super) need: Need,
    pub(super) namespace: String,
}

/// What a clone needs.
#[derive(Clone, Copy)]
pub(super) enum Need {
    /// To clone the source.
    Clone,
    /// To read the `DataSource` that another one points at.
    Read,
}

fn violation(summary: String, field: FieldPath, found: &str, details: Vec<Detail>) -> Violation {
    Violation {
        summary,
        let_through: None,
        field,
        found: found.to_owned(),
        details,
    }
}

fn instead(text: String) -> Detail {
    detail("instead", text)
}

/// There is none of that name.
pub(super) fn missing(place: Place<'_>, near: Option<String>) -> Violation {
    let Place {
        namespace, name, ..
    } = place;
    let mut summary = format!("no boot source {name} in {namespace}");
    let mut details = Vec::new();
    match (place.home, near) {
        (Some(home), _) => {
            summary = format!("{summary}: the golden image of that name is in {home}");
            details.push(write_namespace(home, name));
        }
        (None, Some(near)) => {
            summary = format!("{summary}: did you mean {near}?");
            details.push(instead(format!("write name: {near}")));
        }
        (None, None) => details.push(instead(format!(
            "kubectl get datasources -n {namespace} lists those that there are"
        ))),
    }
    violation(summary, place.reference.path().field("name"), name, details)
}

/// It is there, but no disk can be cloned from it.
pub(super) fn not_ready(place: Place<'_>, source: &DataSource) -> Violation {
    let Place {
        namespace, name, ..
    } = place;
    let why = why_not_ready(source);
    let advice = "wait until it is; an administrator finds the reason in its conditions and in those of its DataImportCron";
    violation(
        format!("boot source {name} in {namespace} is not ready: {why}"),
        place.reference.path().field("name"),
        name,
        vec![instead(advice.to_owned())],
    )
}

fn why_not_ready(source: &DataSource) -> String {
    let parts = match &source.ready {
        Some(Err(condition)) => [&*condition.reason, &*condition.message],
        Some(Ok(())) | None => ["it has no Ready condition yet", ""],
    };
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    match parts[..] {
        [] => "no reason is given".to_owned(),
        _ => parts.join(": "),
    }
}

/// It is where the golden image was before an administrator moved it.
pub(super) fn retired(place: Place<'_>, home: &str, source: Option<&DataSource>) -> Violation {
    let Place {
        namespace, name, ..
    } = place;
    let mut details = vec![expected(home, name), write_namespace(home, name)];
    if let Some(source) = source {
        let text = format!(
            "{name} in {namespace} is not ready: {}",
            why_not_ready(source)
        );
        details.insert(0, detail("reason", text));
    }
    violation(
        format!("sourceRef names {namespace} which no longer holds {name}: use {home}"),
        place.reference.namespace_path(),
        namespace,
        details,
    )
}

/// Whether it is there is not for the reader to know.
pub(super) fn invisible(place: Place<'_>) -> Violation {
    let Place {
        namespace, name, ..
    } = place;
    let mut summary =
        format!("boot source {name} in {namespace} was not found or is not visible to you");
    let advice = match place.home {
        Some(home) => {
            summary = format!("{summary}: the golden image of that name is in {home}");
            write_namespace(home, name)
        }
        None => instead(format!(
            "ask an administrator of {namespace} which boot sources there are"
        )),
    };
    violation(
        summary,
        place.reference.path().field("name"),
        name,
        vec![advice],
    )
}

/// Nobody knows whether it is there.
pub(super) fn unknown(place: Place<'_>, reason: &str) -> Undetermined {
    Undetermined {
        summary: format!(
            "could not tell whether there is a boot source {} in {}",
            place.name, place.namespace
        ),
        field: place.reference.path().field("name"),
        reason: reason.to_owned(),
    }
}

/// Who is not allowed to clone, as people say it and as `kubectl create rolebinding` takes it.
fn subject(cloner: &str) -> (String, String) {
    match cloner
        .strip_prefix("system:serviceaccount:")
        .and_then(|rest| rest.split_once(':'))
    {
        Some((namespace, name)) => (
            format!("service account {name} of {namespace}"),
            format!("--serviceaccount={namespace}:{name}"),
        ),
        None => (cloner.to_owned(), format!("--user={cloner}")),
    }
}

/// It may not be cloned.
pub(super) fn no_right(refusal: &Refusal, field: FieldPath, source: &str) -> Violation {
    let namespace = &refusal.namespace;
    let (who, flag) = subject(&refusal.cloner);
    let (summary, right, role) = match refusal.need {
        Need::Clone => (
            format!(
                "{who} may not clone boot sources of {namespace}: it takes a RoleBinding to {CLONE_SOURCER} there"
            ),
            "create datavolumes/source",
            CLONE_SOURCER,
        ),
        Need::Read => (
            format!(
                "{who} may not read the boot source of {namespace} that this one points at: it takes a RoleBinding to {VIEW} there"
            ),
            "get datasources",
            VIEW,
        ),
    };
    let command = format!(
        "an administrator of {namespace} runs: kubectl create rolebinding use-boot-sources -n {namespace} \
         --clusterrole={role} {flag}"
    );
    let expected = detail("expected", format!("the right to {right} in {namespace}"));
    violation(summary, field, source, vec![expected, instead(command)])
}

/// Nobody knows whether it may be cloned.
pub(super) fn unknown_right(refusal: &Refusal, field: FieldPath) -> Undetermined {
    let (who, _) = subject(&refusal.cloner);
    Undetermined {
        summary: format!(
            "could not tell whether {who} may clone boot sources of {}",
            refusal.namespace
        ),
        field,
        reason: "the access review was not answered in time".to_owned(),
    }
}

/// A PVC or a snapshot of a golden namespace that is gone.
pub(super) fn no_object(
    kind: Kind,
    field: FieldPath,
    namespace: &str,
    name: &str,
    image: Option<&str>,
) -> Violation {
    let kind = kind.info().kind;
    let (why, advice) = match image {
        Some(image) => (
            format!(": newer imports of {image} take the place of older ones"),
            format!("sourceRef: {{kind: DataSource, name: {image}, namespace: {namespace}}}"),
        ),
        None => (
            String::new(),
            format!("name a DataSource of {namespace} by sourceRef"),
        ),
    };
    violation(
        format!("no {kind} {name} in {namespace}{why}: name the DataSource by sourceRef"),
        field,
        name,
        vec![instead(advice)],
    )
}
