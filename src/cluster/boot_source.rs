//! What is kept of a `DataSource`.

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
    pub(super) fn of(metadata: &RawMetadata) -> Self {
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
