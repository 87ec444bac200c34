//! The pruned facts that are kept of each object.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::boot_source::{DataSource, RawDataSource};
use super::claim::{
    PersistentVolumeClaim, RawClaim, RawSnapshot, VolumeSnapshot, VolumeSnapshotContent,
};
use super::cron::{DataImportCron, RawDataImportCron};
use super::hyper_converged::HyperConverged;
use super::platform::{Cdi, Namespace, RawCdi, RawNamespace};
use super::storage::{RawStorageClass, RawStorageProfile, StorageClass, StorageProfile};
use super::{Kind, Known};

/// Namespace (empty for a cluster-scoped kind) and name of an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// Namespace, `""` for a cluster-scoped kind.
    pub namespace: Box<str>,
    /// Name.
    pub name: Box<str>,
}

/// What is kept of an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// Of a `HyperConverged`.
    HyperConverged(Box<HyperConverged>),
    /// Of a `DataSource`.
    DataSource(Box<DataSource>),
    /// Of a `DataImportCron`.
    DataImportCron(Box<DataImportCron>),
    /// Of a `StorageClass`.
    StorageClass(Box<StorageClass>),
    /// Of a `StorageProfile`.
    StorageProfile(Box<StorageProfile>),
    /// Of a `CDI`.
    Cdi(Box<Cdi>),
    /// Of a `Namespace`.
    Namespace(Box<Namespace>),
    /// Of a `PersistentVolumeClaim`.
    PersistentVolumeClaim(Box<PersistentVolumeClaim>),
    /// Of a `VolumeSnapshot`.
    VolumeSnapshot(Box<VolumeSnapshot>),
    /// Of a `VolumeSnapshotContent`.
    VolumeSnapshotContent(Box<VolumeSnapshotContent>),
    /// A `VirtualMachine` is there; nothing of it is kept.
    VirtualMachine,
}

impl Fact {
    /// Reads the key and the fact of an object. The key of an object whose fields can't be read is kept, and the fact
    /// is [`Known::Unknown`]. `None` if there is not even a name.
    pub fn read(kind: Kind, object: &Value) -> Option<(ObjectKey, Known<Self>)> {
        let metadata = object.get("metadata")?;
        let text = |field: &str| {
            metadata
                .get(field)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let key = ObjectKey {
            namespace: text("namespace").into(),
            name: Some(text("name")).filter(|name| !name.is_empty())?.into(),
        };
        let fact = Self::read_fields(kind, object).map_or(Known::Unknown, Known::Known);
        Some((key, fact))
    }

    fn read_fields(kind: Kind, object: &Value) -> Option<Self> {
        /// Fails only where a field is of another type than the API says.
        fn read<'v, T: Deserialize<'v>>(object: &'v Value) -> Option<T> {
            T::deserialize(object).ok()
        }
        Some(match kind {
            Kind::HyperConverged => Self::HyperConverged(Box::new(HyperConverged::read(object)?)),
            Kind::DataSource => {
                Self::DataSource(Box::new(DataSource::from(read::<RawDataSource>(object)?)))
            }
            Kind::DataImportCron => {
                Self::DataImportCron(Box::new(DataImportCron::from(read::<RawDataImportCron>(
                    object,
                )?)))
            }
            Kind::StorageClass => {
                Self::StorageClass(Box::new(StorageClass::from(read::<RawStorageClass>(
                    object,
                )?)))
            }
            Kind::StorageProfile => {
                let raw: WithStatus<RawStorageProfile> = read(object)?;
                Self::StorageProfile(Box::new(raw.status.unwrap_or_default().into()))
            }
            Kind::Cdi => Self::Cdi(Box::new(Cdi::from(read::<RawCdi>(object)?))),
            Kind::Namespace => {
                Self::Namespace(Box::new(Namespace::from(read::<RawNamespace>(object)?)))
            }
            Kind::PersistentVolumeClaim => Self::PersistentVolumeClaim(Box::new(
                PersistentVolumeClaim::from(read::<RawClaim>(object)?),
            )),
            Kind::VolumeSnapshot => {
                Self::VolumeSnapshot(Box::new(VolumeSnapshot::from(read::<RawSnapshot>(object)?)))
            }
            Kind::VolumeSnapshotContent => {
                let raw: WithSpec<VolumeSnapshotContent> = read(object)?;
                Self::VolumeSnapshotContent(Box::new(raw.spec.unwrap_or_default()))
            }
            Kind::VirtualMachine => Self::VirtualMachine,
        })
    }
}

#[derive(Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
struct WithSpec<T> {
    spec: Option<T>,
}

#[derive(Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
struct WithStatus<T> {
    status: Option<T>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawMetadata {
    pub(super) labels: Option<BTreeMap<String, Option<String>>>,
    pub(super) annotations: Option<BTreeMap<String, Option<String>>>,
    pub(super) creation_timestamp: Option<Box<str>>,
}

impl RawMetadata {
    pub(super) fn label(&self, key: &str) -> Option<Box<str>> {
        self.labels.as_ref()?.get(key)?.as_deref().map(Box::from)
    }

    pub(super) fn annotation(&self, key: &str) -> Option<Box<str>> {
        self.annotations
            .as_ref()?
            .get(key)?
            .as_deref()
            .map(Box::from)
    }
}
