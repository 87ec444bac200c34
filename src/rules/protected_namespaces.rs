//! Refuses what would put a virtual machine into a protected namespace.
//!
//! ## What it does
//! A request that creates a `VirtualMachine`, or anything that makes one (a pool, an instance, a replica set of
//! instances, a clone, a restore to a new target), is refused in the namespaces of the platform.
//!
//! ## Why
//! Virtual machines in `openshift-*` namespaces share quota, network policy, priority and upgrades with the platform.
//! Red Hat's documentation forbids them, but nothing in the platform refuses them.
//!
//! ## What passes
//! `UPDATE`, `DELETE`, subresources and status, always: what is there already must be able to run, to be repaired and
//! to be removed. A restore onto a virtual machine that exists. What `KubeVirt`'s own controller makes for an owner of
//! the right kind: the instance of an existing virtual machine or replica set, the machine of an existing pool. It is
//! recognised by its exact service account in the platform's namespace and by the owner together, because anyone can
//! write an owner reference and anyone can name a service account `kubevirt-controller` in a namespace of their own.
//! `DataVolumes` and golden images are not looked at.
//!
//! An exemption lets a request through, not what comes of it: of a restore or a clone the controller makes a virtual
//! machine, which is judged on its own. Exempt the controller's service account too where that is meant.
//!
//! ## Parameters
//! - `namespaces`: names or patterns of protected namespaces. `openshift-*` matches `openshift-cnv`, not `openshift`
//!   and not `openshiftdemo`.
//! - `platformNamespaces`: where `KubeVirt` is installed, by exact name. Default: `openshift-cnv`.
//!
//! ## Refused
//! ```yaml
//! apiVersion: kubevirt.io/v1
//! kind: VirtualMachine
//! metadata: {name: web, namespace: openshift-cnv}
//! ```
//!
//! ## Instead
//! ```yaml
//! apiVersion: kubevirt.io/v1
//! kind: VirtualMachine
//! metadata: {name: web, namespace: my-vms}
//! ```

use crate::admission::{FieldPath, Object, Operation, OwnerReference, Resource};
use crate::cluster::{Facts, Kind, Known};
use crate::document::{Decoder, Field, Fields, Globs, Node, Shape};

use super::platform::{PLATFORM_FIELD, Platform};
use super::told::detail;
use super::{Finding, Judge, Rule, Subject, Trigger, Undetermined, Violation, Webhook};

/// The rule.
pub(super) static RULE: Rule = Rule {
    kind: "ProtectedNamespaces",
    summary: "refuses what would put a virtual machine into a protected namespace",
    source: include_str!("protected_namespaces.rs"),
    fills: &[],
    validates: &[Trigger {
        resources: &[
            Resource::VirtualMachines,
            Resource::VirtualMachinePools,
            Resource::VirtualMachineInstances,
            Resource::VirtualMachineInstanceReplicaSets,
            Resource::VirtualMachineClones,
            Resource::VirtualMachineRestores,
        ],
        operations: &[Operation::Create],
    }],
    webhook: Webhook::ProtectedNamespaces,
    is_public: true,
    parameters: PARAMETERS,
    decode,
};

const PARAMETERS: &[Field] = &[
    Field::required("namespaces", Shape::SOME_PATTERNS).example("[\"openshift\", \"openshift-*\"]"),
    PLATFORM_FIELD,
];

#[derive(Debug)]
struct ProtectedNamespaces {
    namespaces: Globs,
    platform: Platform,
}

fn decode(parameters: Option<&Node>, decoder: &mut Decoder) -> Option<Box<dyn Judge>> {
    let help = "write which namespaces are protected: parameters: {namespaces: [openshift, \"openshift-*\"]}";
    let Some(node) = parameters else {
        decoder.missing("parameters", help);
        return None;
    };
    let fields = Fields::of(
        node,
        "ProtectedNamespaces.spec.parameters",
        PARAMETERS,
        decoder,
    )?;
    let namespaces = fields.required("namespaces", help, decoder);
    let platform = Platform::decode(&fields, decoder);
    Some(Box::new(ProtectedNamespaces {
        namespaces: namespaces?,
        platform: platform?,
    }))
}

impl Judge for ProtectedNamespaces {
    fn judge(&self, subject: &Subject<'_>, facts: &Facts<'_>) -> Vec<Finding> {
        let Some(pattern) = self.namespaces.matching(subject.namespace) else {
            return Vec::new();
        };
        let object = subject.request.object.get();
        if object.is_some_and(|object| self.is_made_by_kubevirt(subject, object)) {
            return Vec::new();
        }
        if subject.resource == Resource::VirtualMachineRestores {
            match restore_target(subject, object, facts) {
                Target::Existing | Target::None => return Vec::new(),
                Target::Unknown(undetermined) => return vec![Finding::Undetermined(undetermined)],
                Target::New => {}
            }
        }
        vec![Finding::Violation(violation(subject, pattern, facts))]
    }

    fn namespaces(&self) -> Option<&Globs> {
        Some(&self.namespaces)
    }
}

impl ProtectedNamespaces {
    /// Whether KubeVirt's controller makes this for something that is already there.
    fn is_made_by_kubevirt(&self, subject: &Subject<'_>, object: &Object<'_>) -> bool {
        self.platform.is_controller(&subject.request.user_info)
            && object.metadata.get().is_some_and(|metadata| {
                let mut owners = metadata.owner_references.iter();
                owners.any(|(_, owner)| is_rightful_owner(subject.resource, owner))
            })
    }
}

/// Whether virt-controller makes such a resource for such an owner (`pkg/virt-controller/watch`: vm, replicaset, pool).
fn is_rightful_owner(resource: Resource, owner: &OwnerReference<'_>) -> bool {
    let group = owner
        .api_version
        .or_empty()
        .split('/')
        .next()
        .unwrap_or_default();
    let owners: &[(&str, &str)] = match resource {
        Resource::VirtualMachineInstances => &[
            ("kubevirt.io", "VirtualMachine"),
            ("kubevirt.io", "VirtualMachineInstanceReplicaSet"),
        ],
        Resource::VirtualMachines => &[("pool.kubevirt.io", "VirtualMachinePool")],
        _ => &[],
    };
    owners.contains(&(group, owner.kind.or_empty()))
}

/// What a restore would write to.
enum Target {
    /// Nothing that makes a virtual machine.
    None,
    /// A virtual machine that is there.
    Existing,
    /// A new virtual machine.
    New,
    /// Nobody knows.
    Unknown(Undetermined),
}

fn restore_target(subject: &Subject<'_>, object: Option<&Object<'_>>, facts: &Facts<'_>) -> Target {
    let target = object
        .and_then(|object| object.spec.get())
        .and_then(|spec| spec.target.get());
    let Some(target) = target.filter(|target| target.kind.or_empty() == "VirtualMachine") else {
        return Target::None;
    };
    let Some(name) = target.name.get() else {
        return Target::None;
    };
    match facts.confirmed(Kind::VirtualMachine, subject.namespace, name) {
        Known::Known(Some(_)) => Target::Existing,
        Known::Known(None) => Target::New,
        Known::Unknown => Target::Unknown(Undetermined {
            summary: format!(
                "could not tell whether the restore makes a new virtual machine {name} in {}",
                subject.namespace
            ),
            field: FieldPath::of(&["spec", "target", "name"]),
            reason: facts.why_unknown(Kind::VirtualMachine).to_owned(),
        }),
    }
}

fn violation(subject: &Subject<'_>, pattern: &str, facts: &Facts<'_>) -> Violation {
    let namespace = subject.namespace;
    let noun = subject.resource.info().noun;
    let reason = match namespace.split('-').next() {
        Some("openshift" | "kube") => "it belongs to the platform",
        _ => "it is protected",
    };
    let found = if pattern == namespace {
        namespace.to_owned()
    } else {
        format!("{namespace} (matches \"{pattern}\")")
    };
    let command = if facts.view().is_openshift() {
        "oc new-project my-vms"
    } else {
        "kubectl create namespace my-vms"
    };
    Violation {
        summary: format!("{noun} may not be created in {namespace}: {reason}"),
        let_through: Some(format!(
            "{noun} should not be created in {namespace}: {reason}"
        )),
        field: FieldPath::of(&["metadata", "namespace"]),
        found,
        details: vec![detail(
            "instead",
            format!("use a namespace of your own; for example: {command}"),
        )],
    }
}
