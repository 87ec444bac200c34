//! Fills a boot-source reference that names no namespace with that image's golden namespace.
//!
//! ## What it does
//! A `sourceRef` without `namespace` means the namespace of the virtual machine itself, to `KubeVirt` and to CDI. Most
//! people who leave it out mean the golden image of that name. On `CREATE` the reference is filled in if
//! - no `DataSource` of that name is in the virtual machine's own namespace (that one is what was meant: the reference
//!   stays as it is), and
//! - the name is that of a golden image: the HyperConverged manages a `DataSource` of that name, or an administrator
//!   keeps one in the golden namespace.
//!
//! The namespace is the image's own: an image with a customised template stays where its template says, whatever
//! `commonBootImageNamespace` is set to. `null`, absent and `""` are all missing.
//!
//! On `UPDATE` (a second `kubectl apply` of the same file takes the namespace out again) a template that had a namespace
//! gets that same one back; a new template is treated as on `CREATE`; one that never had a namespace stays without.
//! A `DataVolume` is filled on `CREATE` only: its spec can't change afterwards. One whose annotations say that its volume
//! is there already (restore and migration tools make such) is left alone.
//!
//! To server-side apply the list of templates is one field. The manager that left the namespace out may apply its file
//! again and again; another manager's file agrees if it names the same namespace, and has a conflict if it names none.
//!
//! A reference that does name a namespace stays as it is written, but for the namespaces that `retiredNamespaces` names:
//! where golden images were before an administrator moved them, and templates still look for them.
//!
//! ## Why
//! Without the namespace the virtual machine is accepted and never starts: its data volume waits for a `DataSource`
//! that is somewhere else.
//!
//! ## What is told
//! `validationActions` is for what could not be filled in: a golden reference that is still without namespace when the
//! object is about to be stored. What was filled in is told in an audit annotation and nowhere else; a namespace that was
//! replaced is always told in a warning.
//!
//! ## Parameters
//! - `fill`: whether to fill in at all. Default: true.
//! - `defaultNamespace`: the golden namespace of images that neither their template nor the HyperConverged places.
//!   Default: where the platform's own boot sources are found, else `openshift-virtualization-os-images` on OpenShift and
//!   `kubevirt-os-images` elsewhere.
//! - `retiredNamespaces`: `{namespaces: [...], action: Warn}`, by exact name. A namespace is never retired for an image that
//!   is kept there.
//!   - `action: Warn` (the default) tells of a reference to an image that is still ready there, though nobody keeps it up
//!     to date any more. One that is missing or not ready there is told by `BootSourceAvailable`, so that nothing is told
//!     twice.
//!   - `action: Redirect` replaces the namespace by the image's own, but only if live reads confirm that the image is
//!     missing or not ready in the retired one and ready in its own. On `UPDATE` only new and changed references.
//!
//! ## Told
//! ```yaml
//! sourceRef: {kind: DataSource, name: rhel9}
//! ```
//!
//! ## Instead
//! ```yaml
//! sourceRef: {kind: DataSource, name: rhel9, namespace: openshift-virtualization-os-images}
//! ```

mod retired;

use crate::admission::{BootReference, Edit};
use crate::cluster::{Facts, Kind, Known};
use crate::document::{Decoder, Field, Fields, Node, Shape};

use super::told::{detail, write_namespace};
use super::{
    ASKS_FOR_VOLUMES, DEFAULT_NAMESPACE, Finding, Judge, Rule, Stage, Subject, Undetermined,
    Violation, Webhook,
};
use retired::{Action, Retired};

/// The rule.
pub(super) static RULE: Rule = Rule {
    kind: "BootSourceNamespace",
    summary: "fills a boot-source reference that names no namespace with that image's golden namespace",
    source: include_str!("mod.rs"),
    fills: ASKS_FOR_VOLUMES,
    validates: ASKS_FOR_VOLUMES,
    webhook: Webhook::BootSources,
    is_public: false,
    parameters: PARAMETERS,
    decode,
};

const PARAMETERS: &[Field] = &[
    Field::optional("fill", Shape::Switch).default("true"),
    DEFAULT_NAMESPACE,
    Field::optional("retiredNamespaces", Shape::Object(retired::FIELDS)).example(
        "{\"namespaces\": [\"openshift-virtualization-os-images\"], \"action\": \"Warn\"}",
    ),
];

#[derive(Debug)]
struct BootSourceNamespace {
    fill: bool,
    default_namespace: Option<String>,
    retired: Option<Retired>,
}

fn decode(parameters: Option<&Node>, decoder: &mut Decoder) -> Option<Box<dyn Judge>> {
    let name = "BootSourceNamespace.spec.parameters";
    let fields = Fields::of_any(parameters, name, PARAMETERS, decoder)?;
    let fill = fields.optional("fill", decoder);
    let default_namespace = fields.optional("defaultNamespace", decoder);
    let retired = fields.optional("retiredNamespaces", decoder);
    Some(Box::new(BootSourceNamespace {
        fill: fill?.unwrap_or(true),
        default_namespace: default_namespace?,
        retired: retired?,
    }))
}

impl Judge for BootSourceNamespace {
    fn judge(&self, subject: &Subject<'_>, facts: &Facts<'_>) -> Vec<Finding> {
        let Some(object) = subject.object_with_a_source() else {
            return Vec::new();
        };
        let before = subject
            .stored()
            .map(|old| BootReference::all(subject.resource, old))
            .unwrap_or_default();
        BootReference::all(subject.resource, object)
            .iter()
            .filter_map(|reference| {
                self.missing(reference, &before, subject, facts)
                    .or_else(|| self.strays(reference, &before, subject, facts))
            })
            .collect()
    }

    fn fills(&self) -> bool {
        self.fill
    }

    fn redirects(&self) -> &[String] {
        match &self.retired {
            Some(retired) if retired.action == Action::Redirect => &retired.namespaces,
            _ => &[],
        }
    }
}

/// A namespace, and who sets it.
#[derive(Clone, Copy)]
struct Place<'a> {
    namespace: &'a str,
    set_by: &'static str,
}

/// Where the boot source of a reference without namespace is.
enum Belongs<'a> {
    /// Where the reference already points by itself, or nowhere that we know of: leave it alone.
    Here,
    /// In this namespace.
    To(Place<'a>),
    /// Nobody knows, and why.
    Unknown(String),
}

impl BootSourceNamespace {
    /// What is to be done or said of a reference without namespace.
    fn missing(
        &self,
        reference: &BootReference<'_>,
        before: &[BootReference<'_>],
        subject: &Subject<'_>,
        facts: &Facts<'_>,
    ) -> Option<Finding> {
        let name = reference.missing_namespace()?;
        if subject.stage == Stage::Fill && !self.fill {
            return None;
        }
        match self.belongs(reference, name, before, subject, facts) {
            Belongs::Here => None,
            Belongs::To(place) => Some(finding(subject, reference, name, place)),
            Belongs::Unknown(reason) => Some(undetermined(subject, reference, name, reason)),
        }
    }

    /// What is to be done or said of a reference into a retired namespace.
    fn strays(
        &self,
        reference: &BootReference<'_>,
        before: &[BootReference<'_>],
        subject: &Subject<'_>,
        facts: &Facts<'_>,
    ) -> Option<Finding> {
        let default = self.default_namespace.as_deref();
        let retired = self.retired.as_ref()?;
        retired.judge(reference, before, default, subject, facts)
    }

    fn belongs<'a>(
        &'a self,
        reference: &BootReference<'_>,
        name: &str,
        before: &[BootReference<'a>],
        subject: &Subject<'_>,
        facts: &Facts<'a>,
    ) -> Belongs<'a> {
        if let Some(twin) = before.iter().find(|old| reference.is_twin_of(old)) {
            return twin
                .source_ref
                .namespace
                .get()
                .map_or(Belongs::Here, |namespace| {
                    let set_by = "the object as it is stored";
                    Belongs::To(Place { namespace, set_by })
                });
        }
        let golden = match facts
            .view()
            .golden_image(name, self.default_namespace.as_deref())
        {
            Known::Known(None) => return Belongs::Here,
            Known::Known(Some(image)) if image.namespace.name == subject.namespace => {
                return Belongs::Here;
            }
            Known::Known(Some(image)) => Some(Place {
                namespace: image.namespace.name,
                set_by: image.namespace.origin.describe(),
            }),
            Known::Unknown => None,
        };
        // Whether there is one in the machine's own namespace is asked live even where the view says yes: the fill
        // rests on it, and a DataSource that was deleted a moment ago would leave the machine without a disk.
        match (
            facts.confirmed(Kind::DataSource, subject.namespace, name),
            golden,
        ) {
            (Known::Known(Some(_)), _) => Belongs::Here,
            (Known::Known(None), Some(place)) => Belongs::To(place),
            (_, None) => Belongs::Unknown(why_golden_is_unknown(facts)),
            (Known::Unknown, Some(_)) => Belongs::Unknown(format!(
                "whether {} has a DataSource {name} of its own is not known: {}",
                subject.namespace,
                facts.why_unknown(Kind::DataSource)
            )),
        }
    }
}

fn why_golden_is_unknown(facts: &Facts<'_>) -> String {
    let kind = match facts.view().hyper_converged() {
        Known::Unknown => Kind::HyperConverged,
        Known::Known(_) => Kind::DataSource,
    };
    facts.unreadable(kind)
}

fn finding(
    subject: &Subject<'_>,
    reference: &BootReference<'_>,
    name: &str,
    place: Place<'_>,
) -> Finding {
    let Place { namespace, set_by } = place;
    let path = reference.namespace_path();
    if subject.stage == Stage::Fill {
        return Finding::Fill(Edit {
            path,
            value: namespace.to_owned(),
            notice: None,
        });
    }
    Finding::Violation(Violation {
        summary: format!(
            "boot source {name} is named without its namespace: it is looked up in {} but kept in {namespace}",
            subject.namespace
        ),
        let_through: None,
        field: path,
        found: "nothing".to_owned(),
        details: vec![
            detail("expected", format!("{namespace} (from {set_by})")),
            write_namespace(namespace, name),
        ],
    })
}

fn undetermined(
    subject: &Subject<'_>,
    reference: &BootReference<'_>,
    name: &str,
    reason: String,
) -> Finding {
    Finding::Undetermined(Undetermined {
        summary: format!(
            "boot source {name} is named without a namespace and could not be looked up: it stays in {}",
            subject.namespace
        ),
        field: reference.namespace_path(),
        reason,
    })
}
