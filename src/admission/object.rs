//! Read-only lenses on the objects in a request: the fields that rules look at, of all kinds in one type, so that one
//! pass over the bytes reads the envelope and the objects together.

use serde::Deserialize;

use super::tolerant::{Entries, Many, Maybe, Text};

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
    /// Set once deletion has begun.
    #[serde(borrow)]
    pub deletion_timestamp: Text<'a>,
    /// Labels, for `objectSelector`.
    #[serde(borrow)]
    pub labels: Labels<'a>,
    /// Owners. Anyone can write these: never proof on their own.
    #[serde(borrow)]
    pub owner_references: Many<OwnerReference<'a>>,
    /// The two annotations that turn CDI's clone authorisation off.
    #[serde(borrow)]
    pub annotations: Maybe<CloneBypass<'a>>,
}

/// Annotations by which CDI is told that a `DataVolume` is already populated
/// (`pkg/apiserver/webhooks/datavolume-mutate.go`, `pkg/controller/common/authorize.go` in CDI).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct CloneBypass<'a> {
    /// Set by restore and migration tools: the PVC is already filled.
    #[serde(borrow, rename = "cdi.kubevirt.io/storage.prePopulated")]
    pub pre_populated: Text<'a>,
    /// A statically provisioned volume is adopted.
    #[serde(borrow, rename = "cdi.kubevirt.io/storage.checkStaticVolume")]
    pub check_static_volume: Text<'a>,
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
    /// `VirtualMachinePool`: the template of its virtual machines.
    #[serde(borrow)]
    pub virtual_machine_template: Maybe<VirtualMachineTemplate<'a>>,
    /// `DataVolume`: the boot source it is cloned from.
    #[serde(borrow)]
    pub source_ref: Maybe<SourceRef<'a>>,
    /// `VirtualMachineRestore` and `VirtualMachineClone`: what is to be made.
    #[serde(borrow)]
    pub target: Maybe<TypedReference<'a>>,
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
}

/// `spec` of a data volume.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DataVolumeSpec<'a> {
    /// The boot source it is cloned from.
    #[serde(borrow)]
    pub source_ref: Maybe<SourceRef<'a>>,
}

/// A reference to a boot source (`DataVolumeSourceRef` in CDI's `types.go`).
#[derive(Clone, Debug, Default, Deserialize)]
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

impl CloneBypass<'_> {
    /// Whether either stands there, whatever its value: `""` is one that CDI goes by.
    fn is_set(&self) -> bool {
        let none = Text::default();
        self.pre_populated != none || self.check_static_volume != none
    }
}

impl Object<'_> {
    /// Whether CDI is told that the volume of this `DataVolume` is there already: it will not look at the source.
    pub fn is_populated_already(&self) -> bool {
        let annotations = self
            .metadata
            .get()
            .and_then(|metadata| metadata.annotations.get());
        annotations.is_some_and(CloneBypass::is_set)
    }

    /// Whether deletion has begun.
    pub fn is_being_deleted(&self) -> bool {
        self.metadata
            .get()
            .is_some_and(|metadata| metadata.deletion_timestamp.get().is_some())
    }
}
