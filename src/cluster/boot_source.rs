//! What is kept of the objects that make up a boot source.

use serde::Deserialize;

use super::fact::RawMetadata;

/// A condition that is not met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// One word.
    pub reason: Box<str>,
    /// One sentence.
    pub message: Box<str>,
}

/// The kind of object that a boot source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceObject {
    /// A `PersistentVolumeClaim`.
    PersistentVolumeClaim,
    /// A `VolumeSnapshot`.
    VolumeSnapshot,
    /// Another `DataSource`: the image for one architecture.
    DataSource,
}

/// What a `DataSource` points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceReference {
    /// Its kind.
    pub object: SourceObject,
    /// Its namespace; empty means that of the `DataSource`.
    pub namespace: Box<str>,
    /// Its name.
    pub name: Box<str>,
}

/// What a virtual machine can be inferred to be from the labels of a boot source (`api/instancetype/register.go` in
/// kubevirt/kubevirt).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InstanceDefaults {
    /// `instancetype.kubevirt.io/default-instancetype` is there.
    pub instancetype: bool,
    /// `instancetype.kubevirt.io/default-preference` is there.
    pub preference: bool,
}

impl InstanceDefaults {
    fn of(metadata: &RawMetadata) -> Self {
        let has = |label| metadata.label(label).is_some();
        Self {
            instancetype: has("instancetype.kubevirt.io/default-instancetype"),
            preference: has("instancetype.kubevirt.io/default-preference"),
        }
    }
}

/// What is kept of a `DataSource`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataSource {
    /// The cron that keeps it up to date, by label; anyone can write labels.
    pub cron: Option<Box<str>>,
    /// What it points at.
    pub source: Option<SourceReference>,
    /// `Ok` if its `Ready` condition is true, else why not; `None` while there is no such condition.
    pub ready: Option<Result<(), Condition>>,
    /// What its labels say of machines made from it.
    pub defaults: InstanceDefaults,
}

impl DataSource {
    /// Whether a disk can be cloned from it now.
    pub const fn is_ready(&self) -> bool {
        matches!(self.ready, Some(Ok(())))
    }
}

#[derive(Deserialize)]
pub(super) struct RawDataSource {
    #[serde(default)]
    metadata: RawMetadata,
    spec: Option<RawDataSourceSpec>,
    status: Option<RawConditions>,
}

#[derive(Deserialize)]
struct RawDataSourceSpec {
    source: Option<RawSource>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawSource {
    pvc: Option<RawName>,
    snapshot: Option<RawName>,
    data_source: Option<RawName>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawName {
    namespace: Option<Box<str>>,
    name: Option<Box<str>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawConditions {
    conditions: Option<Vec<RawCondition>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawCondition {
    r#type: Box<str>,
    status: Box<str>,
    reason: Option<Box<str>>,
    message: Option<Box<str>>,
}

impl From<RawDataSource> for DataSource {
    fn from(raw: RawDataSource) -> Self {
        let source = raw.spec.and_then(|spec| spec.source).unwrap_or_default();
        let candidates = [
            (SourceObject::PersistentVolumeClaim, source.pvc),
            (SourceObject::VolumeSnapshot, source.snapshot),
            (SourceObject::DataSource, source.data_source),
        ];
        let source = candidates.into_iter().find_map(|(object, reference)| {
            let reference = reference?;
            Some(SourceReference {
                object,
                namespace: reference.namespace.unwrap_or_default(),
                name: reference.name?,
            })
        });
        Self {
            cron: raw.metadata.label("cdi.kubevirt.io/dataImportCron"),
            source,
            ready: raw.status.unwrap_or_default().ready(),
            defaults: InstanceDefaults::of(&raw.metadata),
        }
    }
}

impl RawConditions {
    fn ready(self) -> Option<Result<(), Condition>> {
        let conditions = self.conditions.unwrap_or_default();
        let ready = conditions
            .into_iter()
            .find(|condition| &*condition.r#type == "Ready")?;
        Some(match &*ready.status {
            "True" => Ok(()),
            _ => Err(Condition {
                reason: ready.reason.unwrap_or_default(),
                message: ready.message.unwrap_or_default(),
            }),
        })
    }
}

/// What is kept of a `DataImportCron`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataImportCron {
    /// `spec.managedDataSource`
    pub managed_data_source: Box<str>,
    /// The class its template names; `None` where the default is meant.
    pub storage_class: Option<Box<str>>,
    /// The class it imported on last (`cdi.kubevirt.io/storage.import.storageClass`).
    pub imported_on: Option<Box<str>>,
}

#[derive(Deserialize)]
pub(super) struct RawDataImportCron {
    #[serde(default)]
    metadata: RawMetadata,
    spec: Option<RawCronSpec>,
}

/// `spec` of a `DataImportCron`, and of the templates that the platform keeps of them.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawCronSpec {
    pub(super) managed_data_source: Option<Box<str>>,
    template: Option<RawCronTemplate>,
}

#[derive(Deserialize)]
struct RawCronTemplate {
    spec: Option<RawVolumeSpec>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawVolumeSpec {
    storage: Option<RawStorage>,
    pvc: Option<RawStorage>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawStorage {
    storage_class_name: Option<Box<str>>,
}

impl RawCronSpec {
    /// The class that the template names, if it names one.
    pub(super) fn storage_class(&self) -> Option<Box<str>> {
        let spec = self.template.as_ref()?.spec.as_ref()?;
        let storage = spec.storage.as_ref().or(spec.pvc.as_ref())?;
        storage
            .storage_class_name
            .clone()
            .filter(|name| !name.is_empty())
    }
}

impl From<RawDataImportCron> for DataImportCron {
    fn from(raw: RawDataImportCron) -> Self {
        let spec = raw.spec.unwrap_or_default();
        Self {
            storage_class: spec.storage_class(),
            managed_data_source: spec.managed_data_source.unwrap_or_default(),
            imported_on: raw
                .metadata
                .annotation("cdi.kubevirt.io/storage.import.storageClass"),
        }
    }
}

/// What is kept of a `PersistentVolumeClaim`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersistentVolumeClaim {
    /// `spec.storageClassName`
    pub storage_class: Option<Box<str>>,
    /// The cron that imported it, by label.
    pub cron: Option<Box<str>>,
    /// What its labels say of machines made from it.
    pub defaults: InstanceDefaults,
}

#[derive(Deserialize)]
pub(super) struct RawClaim {
    #[serde(default)]
    metadata: RawMetadata,
    spec: Option<RawStorage>,
}

impl From<RawClaim> for PersistentVolumeClaim {
    fn from(raw: RawClaim) -> Self {
        Self {
            storage_class: raw.spec.unwrap_or_default().storage_class_name,
            defaults: InstanceDefaults::of(&raw.metadata),
            cron: raw.metadata.label("cdi.kubevirt.io/dataImportCron"),
        }
    }
}

/// What is kept of a `VolumeSnapshot`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VolumeSnapshot {
    /// The PVC it was taken of.
    pub source_claim: Option<Box<str>>,
    /// The cron that imported it, by label.
    pub cron: Option<Box<str>>,
}

#[derive(Deserialize)]
pub(super) struct RawSnapshot {
    #[serde(default)]
    metadata: RawMetadata,
    spec: Option<RawSnapshotSpec>,
}

#[derive(Deserialize)]
struct RawSnapshotSpec {
    source: Option<RawSnapshotSource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawSnapshotSource {
    persistent_volume_claim_name: Option<Box<str>>,
}

impl From<RawSnapshot> for VolumeSnapshot {
    fn from(raw: RawSnapshot) -> Self {
        let source = raw.spec.and_then(|spec| spec.source);
        Self {
            source_claim: source.and_then(|source| source.persistent_volume_claim_name),
            cron: raw.metadata.label("cdi.kubevirt.io/dataImportCron"),
        }
    }
}

/// What is kept of a `VolumeSnapshotContent`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct VolumeSnapshotContent {
    /// The CSI driver that holds the snapshot.
    pub driver: Box<str>,
    /// The snapshot it belongs to.
    pub volume_snapshot_ref: SnapshotReference,
}

/// `spec.volumeSnapshotRef` of a `VolumeSnapshotContent`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct SnapshotReference {
    /// Namespace of the `VolumeSnapshot`.
    pub namespace: Box<str>,
    /// Name of the `VolumeSnapshot`.
    pub name: Box<str>,
}
