//! Tells at once when a boot source is missing, not ready, in a retired golden namespace, or not the user's to clone.
//!
//! ## What it does
//! Looks at every boot source that a `VirtualMachine`, a `VirtualMachinePool` or a `DataVolume` names (`sourceRef`, and
//! `source.pvc` and `source.snapshot` of golden namespaces), and tells if
//! - there is no such `DataSource`, with the nearest name that there is;
//! - it is not ready, with the reason and the message of its condition;
//! - it is where the golden image of that name was before an administrator moved it, with the namespace to write;
//! - the virtual machine's service account (for a standalone `DataVolume`: whoever creates it) may not clone from there;
//! - `KubeVirt` will refuse the virtual machine, because no instance type or preference can be inferred from it.
//!
//! What `KubeVirt` or CDI refuse by themselves, in few words and before any object is judged, is told while the request
//! is filled in, so that both can be read together.
//!
//! ## Why
//! The virtual machine is accepted, and then waits for a disk that never comes. Who made it has gone by then.
//!
//! ## What passes
//! What is there already: on `UPDATE` only references that are new are looked at. What the platform's own service accounts
//! make. A data volume whose annotations say that it is populated already. A clone within one namespace needs no right.
//! A reference without namespace to a golden name is left to `BootSourceNamespace`, which fills it in or tells; so is one
//! to a retired namespace where the image is still ready.
//!
//! The right to clone is CDI's own rule: `create datavolumes/source` in the namespace of the source or, for a PVC, `create
//! pods`; for all or for this source by name. With the cluster taken from files nothing is said of rights.
//!
//! ## Who is told what
//! Names and states of boot sources are told only to those who may `get datasources` in that namespace. Others read that
//! it was not found or is not visible to them, or that they may not clone from there, whether it is there or not.
//!
//! ## Parameters
//! - `checkCloneRights`: whether to ask the cluster who may clone: one access review for each virtual machine with a boot
//!   source of another namespace, two where the answer is no. Default: true.
//! - `defaultNamespace`: as for `BootSourceNamespace`.
//! - `platformNamespaces`: where the platform is installed, by exact name. Default: `openshift-cnv`.
//!
//! ## Told
//! ```yaml
//! sourceRef: {kind: DataSource, name: rhel99, namespace: gold-images}
//! ```
//!
//! ## Instead
//! ```yaml
//! sourceRef: {kind: DataSource, name: rhel9, namespace: gold-images}
//! ```

mod inference;
mod inquiry;
mod words;

use crate::admission::{Operation, Resource, VolumeRequest};
use crate::cluster::Facts;
use crate::document::{Decoder, Field, Fields, Node, Shape};

use super::platform::{PLATFORM_FIELD, Platform};
use super::{
    ASKS_FOR_VOLUMES, DEFAULT_NAMESPACE, Finding, Judge, Rule, Stage, Subject, Trigger,
    Undetermined, Violation, Webhook,
};
use inquiry::Inquiry;

/// What is refused before anything is judged: a pool is not looked at by the webhook that would.
const FORETOLD: &[Trigger] = &[
    Trigger {
        resources: &[Resource::VirtualMachines],
        operations: &[Operation::Create, Operation::Update],
    },
    Trigger {
        resources: &[Resource::DataVolumes],
        operations: &[Operation::Create],
    },
];

/// The rule.
pub(super) static RULE: Rule = Rule {
    kind: "BootSourceAvailable",
    summary: "tells at once when a boot source is missing, not ready, in a retired golden namespace, or not the user's to clone",
    source: include_str!("mod.rs"),
    fills: FORETOLD,
    validates: ASKS_FOR_VOLUMES,
    webhook: Webhook::BootSources,
    is_public: false,
    parameters: PARAMETERS,
    decode,
};

const PARAMETERS: &[Field] = &[
    Field::optional("checkCloneRights", Shape::Switch).default("true"),
    DEFAULT_NAMESPACE,
    PLATFORM_FIELD,
];

#[derive(Debug)]
struct BootSourceAvailable {
    check_clone_rights: bool,
    default_namespace: Option<String>,
    platform: Platform,
}

fn decode(parameters: Option<&Node>, decoder: &mut Decoder) -> Option<Box<dyn Judge>> {
    let name = "BootSourceAvailable.spec.parameters";
    let fields = Fields::of_any(parameters, name, PARAMETERS, decoder)?;
    let check_clone_rights = fields.optional("checkCloneRights", decoder);
    let default_namespace = fields.optional("defaultNamespace", decoder);
    let platform = Platform::decode(&fields, decoder);
    Some(Box::new(BootSourceAvailable {
        check_clone_rights: check_clone_rights?.unwrap_or(true),
        default_namespace: default_namespace?,
        platform: platform?,
    }))
}

impl Judge for BootSourceAvailable {
    fn judge(&self, subject: &Subject<'_>, facts: &Facts<'_>) -> Vec<Finding> {
        let Some(object) = subject.object_with_a_source() else {
            return Vec::new();
        };
        if self.platform.is_component(&subject.request.user_info) {
            return Vec::new();
        }
        let before: Vec<VolumeRequest<'_>> = subject
            .stored()
            .into_iter()
            .flat_map(|old| VolumeRequest::all(subject.resource, old))
            .collect();
        let inquiry = Inquiry::new(self, subject, object, facts);
        VolumeRequest::unpopulated(subject.resource, object)
            .filter(|volume| !before.iter().any(|old| volume.is_twin_of(old)))
            .flat_map(|volume| inquiry.findings(&volume))
            .filter_map(|fault| fault.told_at(subject.stage))
            .collect()
    }

    fn foretells(&self) -> bool {
        true
    }
}

/// What is wrong with a boot source.
enum Fault {
    /// Only this rule says so.
    Told(Violation),
    /// `KubeVirt` or CDI refuse it too, and earlier.
    Refused(Violation),
    /// Nobody knows.
    Unknown(Undetermined),
}

impl Fault {
    fn told_at(self, stage: Stage) -> Option<Finding> {
        match (stage, self) {
            (Stage::Fill, Self::Refused(violation)) => Some(Finding::Advice(violation)),
            (Stage::Fill, _) => None,
            (Stage::Validate, Self::Told(violation) | Self::Refused(violation)) => {
                Some(Finding::Violation(violation))
            }
            (Stage::Validate, Self::Unknown(undetermined)) => {
                Some(Finding::Undetermined(undetermined))
            }
        }
    }

    /// A fault that is refused elsewhere too, or not.
    fn new(is_refused: bool, violation: Violation) -> Self {
        if is_refused {
            Self::Refused(violation)
        } else {
            Self::Told(violation)
        }
    }
}
