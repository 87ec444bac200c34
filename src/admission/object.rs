//! Read-only lenses on the objects in a request: the fields that rules look at, of all kinds in one type, so that one
//! pass over the bytes reads the envelope and the objects together.
//!
//! A field of the same name in several kinds is read once, in the shape of all of them: `spec.template` is the pod
//! template of a virtual machine and the data volume of a cron.

use serde::Deserialize;

use super::settings::{ImageTemplate, WorkloadSources};
use super::tolerant::{Entries, Many, Maybe, Rare, Text};

/// Labels of an object.
pub type Labels<'a> = Entries<'a>;

/// The fields of `object` or `oldObject` that rules look at.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Object<'a> {
    /// `metadata`
    #[serde(borrow)]
    pub metadata: Maybe<Metadata<'a>>,
    /// `spec`
    #[serde(borrow)]
    pub spec: Maybe<Spec<'a>>,
    /// `StorageClass`: the driver that makes its volumes.
    #[serde(borrow)]
    pub provisioner: Text<'a>,
}

/// `metadata` of an object.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Metadata<'a> {
    /// Empty on a CREATE with `generateName`.
    #[serde(borrow)]
    pub name: Text<'a>,
    /// What the API server makes a name from.
    #[serde(borrow)]
    pub generate_name: Text<'a>,
    /// Set by the API server before webhooks are called, on CREATE too.
    #[serde(borrow)]
    pub creation_timestamp: Text<'a>,
    /// Set once deletion has begun.
    #[serde(borrow)]
    pub deletion_timestamp: Text<'a>,
    /// Labels, for `objectSelector`.
    #[serde(borrow)]
    pub labels: Labels<'a>,
    /// Owners. Anyone can write these: never proof on their own.
    #[serde(borrow)]
    pub owner_references: Many<OwnerReference<'a>>,
    /// The annotations that mean something to a rule.
    #[serde(borrow)]
    pub annotations: Maybe<Annotations<'a>>,
}

/// Annotations that mean something to a rule.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Annotations<'a> {
    /// Set by restore and migration tools: the PVC of a `DataVolume` is already filled, and CDI's clone authorisation
    /// is off (`pkg/apiserver/webhooks/datavolume-mutate.go`, `pkg/controller/common/authorize.go` in CDI).
    #[serde(borrow, rename = "cdi.kubevirt.io/storage.prePopulated")]
    pub pre_populated: Text<'a>,
    /// The same for a statically provisioned volume that is adopted.
    #[serde(borrow, rename = "cdi.kubevirt.io/storage.checkStaticVolume")]
    pub check_static_volume: Text<'a>,
    /// Exactly `true` makes a `StorageClass` a default for virtual machine disks.
    #[serde(borrow, rename = "storageclass.kubevirt.io/is-default-virt-class")]
    pub is_default_virt_class: Text<'a>,
    /// Exactly `true` makes a `StorageClass` a default of Kubernetes.
    #[serde(borrow, rename = "storageclass.kubernetes.io/is-default-class")]
    pub is_default_class: Text<'a>,
}

/// One element of `metadata.ownerReferences`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct OwnerReference<'a> {
    /// Group and version of the owner.
    #[serde(borrow)]
    pub api_version: Text<'a>,
    /// Kind of the owner.
    #[serde(borrow)]
    pub kind: Text<'a>,
}

/// `spec` of any of the kinds in [`Resource`](super::Resource).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Spec<'a> {
    /// `VirtualMachine`: templates of its data volumes.
    #[serde(borrow)]
    pub data_volume_templates: Many<DataVolumeTemplate<'a>>,
    /// `VirtualMachine`: its instance type.
    #[serde(borrow)]
    pub instancetype: Maybe<Matcher<'a>>,
    /// `VirtualMachine`: its preference.
    #[serde(borrow)]
    pub preference: Maybe<Matcher<'a>>,
    /// `VirtualMachine`: what its instance is made from. `DataImportCron`: what its imports are made from.
    #[serde(borrow)]
    pub template: Maybe<Template<'a>>,
    /// `VirtualMachinePool`: the template of its virtual machines.
    #[serde(borrow)]
    pub virtual_machine_template: Rare<VirtualMachineTemplate<'a>>,
    /// `DataVolume`: the boot source it is cloned from.
    #[serde(borrow)]
    pub source_ref: Rare<SourceRef<'a>>,
    /// `DataVolume`: the object it is cloned from.
    #[serde(borrow)]
    pub source: Rare<Source<'a>>,
    /// `DataVolume`: the claim it asks for, completed by CDI.
    #[serde(borrow)]
    pub storage: Rare<Claim<'a>>,
    /// `DataVolume`: the claim it asks for, as it stands.
    #[serde(borrow)]
    pub pvc: Rare<Claim<'a>>,
    /// `DataImportCron`: the `DataSource` it keeps up to date.
    #[serde(borrow)]
    pub managed_data_source: Text<'a>,
    /// `VirtualMachineRestore` and `VirtualMachineClone`: what is to be made.
    #[serde(borrow)]
    pub target: Rare<TypedReference<'a>>,
    /// `HyperConverged` v1beta1: the golden namespace.
    #[serde(borrow)]
    pub common_boot_image_namespace: Text<'a>,
    /// `HyperConverged` v1beta1: boot images of the administrator, and changes to those of the platform.
    #[serde(borrow)]
    pub data_import_cron_templates: Many<ImageTemplate<'a>>,
    /// `HyperConverged` v1: where these two are.
    #[serde(borrow)]
    pub workload_sources: Rare<WorkloadSources<'a>>,
}

/// `spec.virtualMachineTemplate` of a pool.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct VirtualMachineTemplate<'a> {
    /// The spec of each virtual machine of the pool.
    #[serde(borrow)]
    pub spec: Maybe<VirtualMachineTemplateSpec<'a>>,
}

/// `spec.virtualMachineTemplate.spec` of a pool.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct VirtualMachineTemplateSpec<'a> {
    /// Templates of the data volumes of each virtual machine.
    #[serde(borrow)]
    pub data_volume_templates: Many<DataVolumeTemplate<'a>>,
    /// The instance type of each virtual machine.
    #[serde(borrow)]
    pub instancetype: Maybe<Matcher<'a>>,
    /// The preference of each virtual machine.
    #[serde(borrow)]
    pub preference: Maybe<Matcher<'a>>,
    /// What the instance of each virtual machine is made from.
    #[serde(borrow)]
    pub template: Maybe<Template<'a>>,
}

/// `spec.instancetype` or `spec.preference` of a virtual machine.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Matcher<'a> {
    /// Its name, where one is given.
    #[serde(borrow)]
    pub name: Text<'a>,
    /// The volume whose boot source says which.
    #[serde(borrow)]
    pub infer_from_volume: Text<'a>,
    /// `Reject` (the default) or `Ignore`.
    #[serde(borrow)]
    pub infer_from_volume_failure_policy: Text<'a>,
}

/// `spec.template` of a virtual machine or of a `DataImportCron`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Template<'a> {
    /// Its `spec`.
    #[serde(borrow)]
    pub spec: Maybe<TemplateSpec<'a>>,
}

/// `spec.template.spec` of a virtual machine or of a `DataImportCron`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TemplateSpec<'a> {
    /// `VirtualMachine`: the service account in whose name its disks are cloned.
    #[serde(borrow)]
    pub service_account_name: Text<'a>,
    /// `VirtualMachine`: its volumes.
    #[serde(borrow)]
    pub volumes: Many<Volume<'a>>,
    /// `DataImportCron`: the claim that its imports ask for, completed by CDI.
    #[serde(borrow)]
    pub storage: Maybe<Claim<'a>>,
    /// `DataImportCron`: the claim that its imports ask for, as it stands.
    #[serde(borrow)]
    pub pvc: Maybe<Claim<'a>>,
}

/// One of `spec.template.spec.volumes` of a virtual machine.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Volume<'a> {
    /// Its name.
    #[serde(borrow)]
    pub name: Text<'a>,
    /// The `DataVolume` it is.
    #[serde(borrow)]
    pub data_volume: Maybe<Named<'a>>,
    /// The `PersistentVolumeClaim` it is.
    #[serde(borrow)]
    pub persistent_volume_claim: Maybe<ClaimName<'a>>,
    /// The service account whose token it holds.
    #[serde(borrow)]
    pub service_account: Maybe<ServiceAccountName<'a>>,
}

/// `{claimName}`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ClaimName<'a> {
    /// Name of a `PersistentVolumeClaim`, in the namespace of the object.
    #[serde(borrow)]
    pub claim_name: Text<'a>,
}

/// `{serviceAccountName}`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ServiceAccountName<'a> {
    /// Name of a service account, in the namespace of the object.
    #[serde(borrow)]
    pub service_account_name: Text<'a>,
}

/// One element of `dataVolumeTemplates`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct DataVolumeTemplate<'a> {
    /// `metadata`; `null` is legal.
    #[serde(borrow)]
    pub metadata: Maybe<TemplateMetadata<'a>>,
    /// `spec` of the data volume.
    #[serde(borrow)]
    pub spec: Maybe<DataVolumeSpec<'a>>,
}

/// `metadata` of a data volume template.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TemplateMetadata<'a> {
    /// The name that `volumes[].dataVolume.name` refers to.
    #[serde(borrow)]
    pub name: Text<'a>,
    /// The annotations that mean something to a rule.
    #[serde(borrow)]
    pub annotations: Maybe<Annotations<'a>>,
}

/// An object with a name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Named<'a> {
    /// Its name.
    #[serde(borrow)]
    pub name: Text<'a>,
}

/// `spec` of a data volume.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DataVolumeSpec<'a> {
    /// The boot source it is cloned from.
    #[serde(borrow)]
    pub source_ref: Maybe<SourceRef<'a>>,
    /// The object it is cloned from.
    #[serde(borrow)]
    pub source: Maybe<Source<'a>>,
    /// The claim it asks for, completed by CDI.
    #[serde(borrow)]
    pub storage: Maybe<Claim<'a>>,
    /// The claim it asks for, as it stands.
    #[serde(borrow)]
    pub pvc: Maybe<Claim<'a>>,
}

/// `source` of a data volume: the two that are clones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Source<'a> {
    /// A `PersistentVolumeClaim`.
    #[serde(borrow)]
    pub pvc: Maybe<NamespacedName<'a>>,
    /// A `VolumeSnapshot`.
    #[serde(borrow)]
    pub snapshot: Maybe<NamespacedName<'a>>,
}

/// `{namespace, name}`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct NamespacedName<'a> {
    /// Namespace; CDI requires it.
    #[serde(borrow)]
    pub namespace: Text<'a>,
    /// Name.
    #[serde(borrow)]
    pub name: Text<'a>,
}

/// The claim that a data volume asks for: its `storage` or its `pvc`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Claim<'a> {
    /// The storage class; missing means a default.
    #[serde(borrow)]
    pub storage_class_name: Text<'a>,
    /// `Block` or `Filesystem`.
    #[serde(borrow)]
    pub volume_mode: Text<'a>,
}

/// A reference to a boot source (`DataVolumeSourceRef` in CDI's `types.go`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct SourceRef<'a> {
    /// Only `DataSource` means anything, in exactly this spelling.
    #[serde(borrow)]
    pub kind: Text<'a>,
    /// Name of the `DataSource`.
    #[serde(borrow)]
    pub name: Text<'a>,
    /// Missing means the namespace of the object that holds the reference.
    #[serde(borrow)]
    pub namespace: Text<'a>,
}

/// A reference by group, kind and name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TypedReference<'a> {
    /// API group.
    #[serde(borrow)]
    pub api_group: Text<'a>,
    /// Kind.
    #[serde(borrow)]
    pub kind: Text<'a>,
    /// Name, in the namespace of the object that holds the reference.
    #[serde(borrow)]
    pub name: Text<'a>,
}

impl Annotations<'_> {
    /// Whether CDI is told that the volume is there: by either, whatever its value, for `""` is one that CDI goes by.
    pub(super) fn say_populated(&self) -> bool {
        let none = Text::default();
        self.pre_populated != none || self.check_static_volume != none
    }
}

impl<'a> Object<'a> {
    /// The annotations that mean something to a rule.
    pub fn annotations(&self) -> Option<&Annotations<'a>> {
        self.metadata.get()?.annotations.get()
    }

    /// Whether CDI is told that the volume of this `DataVolume` is there already: it will not look at the source.
    pub fn is_populated_already(&self) -> bool {
        self.annotations().is_some_and(Annotations::say_populated)
    }

    /// Whether deletion has begun.
    pub fn is_being_deleted(&self) -> bool {
        self.metadata
            .get()
            .is_some_and(|metadata| metadata.deletion_timestamp.get().is_some())
    }
}
