//! Keeps auto-updated boot sources on one storage class, and says what a change of the default leaves behind.
//!
//! ## What it does
//! Boot images are imported on the class that their template names, else on the default for virtual machine disks
//! (annotation `storageclass.kubevirt.io/is-default-virt-class`, else `storageclass.kubernetes.io/is-default-class`, each
//! exactly `"true"`; of several the newest). A disk that is cloned onto another driver than its boot source's is copied
//! whole.
//! - **Settings** (`HyperConverged` in both versions, and by people `DataImportCron` and `DataVolume` in a golden
//!   namespace): a `storageClassName` that does not exist or that the policy does not allow is a fault. That images are
//!   kept on several classes, or beside the default, is told. So is that a class on one of the platform's own templates
//!   takes the image out of `commonBootImageNamespace`.
//! - **Storage classes**: who changes which class is the default is told at that very `kubectl` which boot sources are
//!   on another class now, which of them CDI imports again by itself, which must be deleted by hand, and which were
//!   uploaded and never come back.
//! - **Clones** (`VirtualMachine`, pool, `DataVolume`, on `CREATE`): the boot source is on another class than the one its
//!   cron would use today; the clone copies the whole disk; or the disk names a PVC that a cron imported under the digest
//!   of an image and deletes when a newer one comes.
//!
//! ## Why
//! When the default class changes, boot sources stay on the old one: CDI imports part of them again since 1.61, earlier
//! versions none. Virtual machines that are cloned from there copy the whole disk or never start, and the old class can't
//! be retired.
//!
//! ## What passes
//! What the platform's own service accounts do. A change of settings that touches no class. `DELETE` of settings, and
//! what is being deleted. A disk whose annotations say that it is populated already. A boot source whose class is not
//! known is never called stale, and without any default nothing is. What is only told never refuses anything, whatever the
//! policy's actions are.
//!
//! ## Parameters
//! - `checks`: which of `settings` (the first two) and `clones` (the third) are looked at. Default: both.
//! - `allowedStorageClasses`: names or patterns of the classes that boot images may be kept on. Default: all.
//! - `platformNamespaces`: where `KubeVirt` and its operators are installed, by exact name. Default: `openshift-cnv`.
//!
//! ## Refused
//! ```yaml
//! apiVersion: hco.kubevirt.io/v1
//! kind: HyperConverged
//! spec:
//!   workloadSources:
//!     dataImportCronTemplates:
//!     - metadata: {name: rhel9-image-cron}
//!       spec: {managedDataSource: rhel9, template: {spec: {storage: {storageClassName: no-such-class}}}}
//! ```
//!
//! ## Instead
//! ```yaml
//! apiVersion: hco.kubevirt.io/v1
//! kind: HyperConverged
//! spec:
//!   workloadSources:
//!     dataImportCronTemplates:
//!     - metadata: {name: rhel9-image-cron}
//!       spec: {managedDataSource: rhel9, template: {spec: {storage: {storageClassName: fast}}}}
//! ```

mod clones;
mod default_class;
mod settings;

use crate::admission::{Operation, Resource};
use crate::cluster::Facts;
use crate::document::{Decoder, Field, Fields, Globs, Node, Shape, Value, suggest};

use super::platform::{PLATFORM_FIELD, Platform};
use super::{Finding, Judge, Rule, Stage, Subject, Trigger, Webhook};

/// The rule.
pub(super) static RULE: Rule = Rule {
    kind: "BootSourceStorageClass",
    summary: "keeps boot sources on one storage class, and says what a change of the default leaves behind",
    source: include_str!("mod.rs"),
    fills: &[],
    validates: &[
        Trigger {
            resources: &[
                Resource::VirtualMachines,
                Resource::VirtualMachinePools,
                Resource::DataVolumes,
                Resource::DataImportCrons,
            ],
            operations: &[Operation::Create],
        },
        Trigger {
            resources: &[Resource::HyperConvergeds],
            operations: &[Operation::Create, Operation::Update],
        },
        Trigger {
            resources: &[Resource::StorageClasses],
            operations: &[Operation::Create, Operation::Update, Operation::Delete],
        },
    ],
    webhook: Webhook::BootSources,
    is_public: false,
    parameters: PARAMETERS,
    decode,
};

const PARAMETERS: &[Field] = &[
    Field::optional("checks", Shape::List(1, &Shape::Word(&CHECKS)))
        .default("[\"settings\", \"clones\"]")
        .example("[\"settings\"]"),
    Field::optional("allowedStorageClasses", Shape::SOME_PATTERNS)
        .example("[\"fast\", \"gold-*\"]"),
    PLATFORM_FIELD,
];

#[derive(Debug)]
struct BootSourceStorageClass {
    settings: bool,
    clones: bool,
    allowed: Option<Globs>,
    platform: Platform,
}

fn decode(parameters: Option<&Node>, decoder: &mut Decoder) -> Option<Box<dyn Judge>> {
    let name = "BootSourceStorageClass.spec.parameters";
    let fields = Fields::of_any(parameters, name, PARAMETERS, decoder)?;
    let checks = decode_checks(&fields, decoder);
    let allowed: Option<Option<Globs>> = fields.optional("allowedStorageClasses", decoder);
    let allows_nothing = allowed.as_ref().is_some_and(|globs| {
        globs
            .as_ref()
            .is_some_and(|globs| globs.patterns().is_empty())
    });
    let platform = Platform::decode(&fields, decoder);
    if let Some(node) = fields
        .node("allowedStorageClasses")
        .filter(|_| allows_nothing)
    {
        decoder.enter("allowedStorageClasses");
        let help =
            "name the classes that boot images may be kept on, or remove the line to allow all";
        decoder.error(
            node,
            "no storage class is allowed, so none could ever be named",
            help,
        );
        decoder.leave();
        return None;
    }
    let [settings, clones] = checks?;
    Some(Box::new(BootSourceStorageClass {
        settings,
        clones,
        allowed: allowed?,
        platform: platform?,
    }))
}

/// What `checks` can hold.
const CHECKS: [&str; 2] = ["settings", "clones"];

/// Whether each of [`CHECKS`] is wanted.
fn decode_checks(fields: &Fields<'_>, decoder: &mut Decoder) -> Option<[bool; 2]> {
    let Some(node) = fields.node("checks") else {
        return Some([true; 2]);
    };
    let wanted: Vec<String> = fields.optional("checks", decoder)??;
    let mut sound = !wanted.is_empty();
    decoder.enter("checks");
    if wanted.is_empty() {
        let message = "nothing is checked, so the policy can never find anything";
        decoder.error(node, message, suggest("", &CHECKS));
    }
    let items = match &node.value {
        Value::List(items) => &**items,
        _ => &[],
    };
    for (index, (name, item)) in wanted.iter().zip(items).enumerate() {
        if !CHECKS.contains(&name.as_str()) {
            sound = false;
            decoder.enter_index(index);
            decoder.error(
                item,
                format!("unknown check `{name}`"),
                suggest(name, &CHECKS),
            );
            decoder.leave();
        }
    }
    decoder.leave();
    sound.then(|| CHECKS.map(|check| wanted.iter().any(|name| name == check)))
}

impl Judge for BootSourceStorageClass {
    fn judge(&self, subject: &Subject<'_>, facts: &Facts<'_>) -> Vec<Finding> {
        let request = subject.request;
        if subject.stage == Stage::Fill || self.platform.is_component(&request.user_info) {
            return Vec::new();
        }
        if subject.resource == Resource::StorageClasses {
            return if self.settings {
                default_class::judge(request, facts)
            } else {
                Vec::new()
            };
        }
        let object = request.object.get();
        let Some(object) = object.filter(|object| !object.is_being_deleted()) else {
            return Vec::new();
        };
        let mut findings = Vec::new();
        if self.settings {
            findings.extend(settings::judge(self, subject, object, facts));
        }
        if self.clones {
            findings.extend(clones::judge(subject, object, facts));
        }
        findings
    }
}
