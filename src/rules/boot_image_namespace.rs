//! Checks the golden namespace that a HyperConverged is given, and tells what the change leaves behind.
//!
//! ## What it does
//! Looks at `commonBootImageNamespace` when it is set, changed or taken away: `spec.workloadSources` in version v1 of the
//! API, `spec` in v1beta1. A name that no namespace can have is a violation. All else is advice, and never refused:
//! - the namespace does not exist, or is being deleted: nobody makes it;
//! - users may not clone from it: the platform grants that in its own namespace only;
//! - images that stay where they are, because their template is customised or an administrator's own;
//! - virtual machines and templates that name the old namespace: `goldkeeper rehearse boot-image-namespace` counts them.
//!
//! ## Why
//! Nothing in the platform checks the setting. With a bad name golden images are kept nowhere, and without rights nobody
//! can clone them: both are found out by the users.
//!
//! ## What passes
//! Updates of anything else, however bad the value that is stored. What is being deleted. What the platform's own operators
//! write. `null`, absent and `""` are one: the platform's default, which the platform makes and opens by itself.
//!
//! ## Parameters
//! - `defaultNamespace`: as for `BootSourceNamespace`.
//! - `platformNamespaces`: where the platform is installed, by exact name. Default: `openshift-cnv`.
//!
//! ## Refused
//! ```yaml
//! apiVersion: hco.kubevirt.io/v1
//! kind: HyperConverged
//! metadata: {name: kubevirt-hyperconverged, namespace: openshift-cnv}
//! spec: {workloadSources: {commonBootImageNamespace: Gold_Images}}
//! ```
//!
//! ## Instead
//! ```yaml
//! apiVersion: hco.kubevirt.io/v1
//! kind: HyperConverged
//! metadata: {name: kubevirt-hyperconverged, namespace: openshift-cnv}
//! spec: {workloadSources: {commonBootImageNamespace: gold-images}}
//! ```

use crate::admission::{FieldPath, ImageSettings, Object, Operation, Resource};
use crate::cluster::{Fact, Facts, HyperConverged, Kind, Known, Someone, SourceObject};
use crate::document::{Decoder, Field, Fields, Node, is_dns_label};

use super::platform::{PLATFORM_FIELD, Platform};
use super::rights::{CLONE_SOURCER, may_clone};
use super::{
    DEFAULT_NAMESPACE, Finding, Judge, Rule, Subject, Trigger, Undetermined, Violation, Webhook,
    told,
};

/// The rule.
pub(super) static RULE: Rule = Rule {
    kind: "BootImageNamespace",
    summary: "checks the golden namespace that a HyperConverged is given, and tells what the change leaves behind",
    source: include_str!("boot_image_namespace.rs"),
    fills: &[],
    validates: &[Trigger {
        resources: &[Resource::HyperConvergeds],
        operations: &[Operation::Create, Operation::Update],
    }],
    webhook: Webhook::ClusterSettings,
    is_public: false,
    parameters: PARAMETERS,
    decode,
};

const PARAMETERS: &[Field] = &[DEFAULT_NAMESPACE, PLATFORM_FIELD];

const FIELD: &str = "commonBootImageNamespace";
#[derive(Debug, Default)]
struct BootImageNamespace {
    default_namespace: Option<String>,
    platform: Platform,
}

fn decode(parameters: Option<&Node>, decoder: &mut Decoder) -> Option<Box<dyn Judge>> {
    let name = "BootImageNamespace.spec.parameters";
    let fields = Fields::of_any(parameters, name, PARAMETERS, decoder)?;
    let default_namespace = fields.optional("defaultNamespace", decoder);
    let platform = Platform::decode(&fields, decoder);
    Some(Box::new(BootImageNamespace {
        default_namespace: default_namespace?,
        platform: platform?,
    }))
}

impl Judge for BootImageNamespace {
    fn judge(&self, subject: &Subject<'_>, facts: &Facts<'_>) -> Vec<Finding> {
        let request = subject.request;
        let object = request
            .object
            .get()
            .filter(|object| !object.is_being_deleted() && is_singleton(object));
        let Some(object) = object.filter(|_| !self.platform.is_component(&request.user_info))
        else {
            return Vec::new();
        };
        let version = request.kind.version.or_empty();
        let setting = ImageSettings::of(version, object);
        let before = request
            .old_object
            .get()
            .and_then(|old| ImageSettings::of(version, old).common_boot_image_namespace);
        let after = setting.common_boot_image_namespace;
        if after == before {
            return Vec::new();
        }
        let field = setting.path(FIELD);
        if let Some(name) = after.filter(|name| !is_dns_label(name)) {
            return vec![Finding::Violation(no_namespace_name(name, field))];
        }
        let default = self.default_namespace.as_deref();
        let default = facts.view().default_namespace(default).name;
        let change = Change {
            from: before.unwrap_or(default),
            to: after.unwrap_or(default),
            default,
            field,
            facts,
        };
        let mut findings = Vec::new();
        if after.is_some() {
            findings.extend(change.place());
            findings.extend(change.rights());
        }
        if request.operation == Operation::Update {
            findings.extend(change.images_that_stay());
            findings.extend(change.references());
        }
        findings
    }
}

/// The operator looks at no other.
fn is_singleton(object: &Object<'_>) -> bool {
    let name = object
        .metadata
        .get()
        .and_then(|metadata| metadata.name.get());
    name == Some(HyperConverged::NAME)
}

fn no_namespace_name(name: &str, field: FieldPath) -> Violation {
    Violation {
        summary: format!(
            "{name:?} can't be the name of a namespace: golden images would be kept nowhere"
        ),
        let_through: None,
        field,
        found: name.to_owned(),
        details: vec![
            told::detail(
                "expected",
                "at most 63 lower-case letters, digits and -, a letter or a digit at both ends",
            ),
            told::detail(
                "instead",
                "write the name of a namespace; leave the field out for the platform's default",
            ),
        ],
    }
}

/// The golden namespace changes.
struct Change<'a, 'c> {
    from: &'a str,
    to: &'a str,
    /// The platform's own.
    default: &'a str,
    field: FieldPath,
    facts: &'a Facts<'c>,
}

impl Change<'_, '_> {
    fn advice(&self, summary: String, instead: String) -> Finding {
        Finding::Advice(Violation {
            summary,
            let_through: None,
            field: self.field.clone(),
            found: self.to.to_owned(),
            details: vec![told::detail("instead", instead)],
        })
    }

    fn unknown(&self, summary: String, reason: &str) -> Finding {
        Finding::Undetermined(Undetermined {
            summary,
            field: self.field.clone(),
            reason: reason.to_owned(),
        })
    }

    /// What is wrong with the namespace itself. One that the view has and that stays needs no confirmation.
    fn place(&self) -> Option<Finding> {
        let (to, facts) = (self.to, self.facts);
        let is_there = |object: Option<&Fact>| matches!(object, Some(Fact::Namespace(namespace)) if !namespace.terminating);
        let seen = facts.view().object(Kind::Namespace, "", to);
        if seen.known().is_some_and(is_there) {
            return None;
        }
        match facts.current(Kind::Namespace, "", to) {
            Known::Known(None) => Some(self.advice(
                format!("namespace {to} does not exist and nobody makes it: kubectl create namespace {to}"),
                format!("kubectl create namespace {to}"),
            )),
            Known::Known(object) if !is_there(object) => Some(self.advice(
                format!("namespace {to} is being deleted: golden images can't be kept in it"),
                "wait until it is gone, then make it again; or choose another one".to_owned(),
            )),
            Known::Known(_) => None,
            Known::Unknown => Some(self.unknown(
                format!("could not tell whether there is a namespace {to}"),
                facts.why_unknown(Kind::Namespace),
            )),
        }
    }

    /// Whether users can clone from it. The platform grants that in its own namespace only (`os-images.kubevirt.io:view`
    /// in `internal/operands/data-sources/resource.go` of kubevirt/ssp-operator). Files say nothing of rights.
    fn rights(&self) -> Option<Finding> {
        let (to, facts) = (self.to, self.facts);
        if !facts.view().is_live() {
            return None;
        }
        let source = SourceObject::VolumeSnapshot;
        match may_clone(facts, &Someone::anybody(), source, to, "") {
            Known::Known(true) => None,
            Known::Known(false) => {
                let command = format!(
                    "kubectl create rolebinding os-images-clone -n {to} --clusterrole={CLONE_SOURCER} \
                     --group=system:authenticated"
                );
                Some(self.advice(
                    format!("not every user may clone from {to}: to let them {command}"),
                    command,
                ))
            }
            Known::Unknown => Some(self.unknown(
                format!("could not tell whether users may clone from {to}"),
                "the access review was not answered in time",
            )),
        }
    }

    /// Images that do not follow the setting (`controllers/handlers/golden-images/golden_images.go` in
    /// kubevirt/hyperconverged-cluster-operator), unless they are where it points.
    fn images_that_stay(&self) -> Vec<Finding> {
        let Known::Known(Some(settings)) = self.facts.view().hyper_converged() else {
            return Vec::new();
        };
        let mut customised = Vec::new();
        let mut own = Vec::new();
        for template in &settings.templates {
            let is_there = template.namespace.as_deref().unwrap_or(self.default) == self.to;
            if template.follows_setting() || is_there || template.managed_data_source.is_empty() {
                continue;
            }
            let names = if template.common {
                &mut customised
            } else {
                &mut own
            };
            names.push(&*template.managed_data_source);
        }
        let reasons = [
            (
                customised,
                "customised in dataImportCronTemplates",
                "take it out of dataImportCronTemplates, or give it metadata.namespace there",
            ),
            (
                own,
                "an administrator's own",
                "give its template a metadata.namespace",
            ),
        ];
        let told = |(mut names, why, instead): (Vec<&str>, &str, &str)| {
            names.sort_unstable();
            let list = (!names.is_empty()).then(|| told::names(&names))?;
            let (stay, template) = match names.len() {
                1 => ("does not move", "its template is"),
                _ => ("do not move", "their templates are"),
            };
            let summary = format!("{list} {stay} to {}: {template} {why}", self.to);
            Some(self.advice(summary, instead.to_owned()))
        };
        reasons.into_iter().filter_map(told).collect()
    }

    /// How many there are is too much to find out in the time that there is.
    fn references(&self) -> Option<Finding> {
        let Self { from, to, .. } = *self;
        let command = format!("goldkeeper rehearse boot-image-namespace {to}");
        (from != to && is_dns_label(from)).then(|| {
            self.advice(
                format!("virtual machines and templates that name {from} keep doing so: {command} lists them"),
                command,
            )
        })
    }
}
