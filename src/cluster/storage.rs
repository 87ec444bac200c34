//! Storage classes, and which of them is the default.

use serde::Deserialize;

use super::fact::RawMetadata;
use super::{ClusterView, Fact, Kind, Known};

/// What is kept of a `StorageClass`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StorageClass {
    /// The driver that makes its volumes.
    pub provisioner: Box<str>,
    /// `metadata.creationTimestamp`, RFC 3339 in UTC: sorts as text.
    pub created: Box<str>,
    /// Whether `storageclass.kubevirt.io/is-default-virt-class` is exactly `"true"`.
    pub virt_default: bool,
    /// Whether `storageclass.kubernetes.io/is-default-class` is exactly `"true"`.
    pub plain_default: bool,
}

#[derive(Deserialize)]
pub(super) struct RawStorageClass {
    #[serde(default)]
    metadata: RawMetadata,
    #[serde(default)]
    provisioner: Box<str>,
}

impl From<RawStorageClass> for StorageClass {
    fn from(raw: RawStorageClass) -> Self {
        let is_true = |key| raw.metadata.annotation(key).as_deref() == Some("true");
        Self {
            virt_default: is_true("storageclass.kubevirt.io/is-default-virt-class"),
            plain_default: is_true("storageclass.kubernetes.io/is-default-class"),
            provisioner: raw.provisioner,
            created: raw.metadata.creation_timestamp.unwrap_or_default(),
        }
    }
}

/// What is kept of a `StorageProfile`: its status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct StorageProfile {
    /// `status.cloneStrategy`
    pub clone_strategy: Option<Box<str>>,
    /// `status.dataImportCronSourceFormat`: `pvc` or `snapshot`.
    pub data_import_cron_source_format: Option<Box<str>>,
    /// `status.provisioner`
    pub provisioner: Option<Box<str>>,
}

/// The default storage classes, as CDI determines them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DefaultClasses<'v> {
    /// For `spec.storage` of virtual machine disks: the default for virtualisation, else the plain one.
    pub virt: Option<&'v str>,
    /// For `spec.pvc`: the plain default of Kubernetes.
    pub plain: Option<&'v str>,
}

impl ClusterView {
    /// The default storage classes. Among several the newest counts, then the first by name
    /// (`getFallbackStorageClass` in CDI's `pkg/controller/common/util.go`). None at all is a known fact.
    pub fn default_classes(&self) -> Known<DefaultClasses<'_>> {
        if !self.coverage(Kind::StorageClass).is_known() {
            return Known::Unknown;
        }
        let mut classes = Vec::new();
        for seen in self.objects(Kind::StorageClass) {
            match seen.fact {
                Known::Known(Fact::StorageClass(class)) => classes.push((seen.name, &**class)),
                _ => return Known::Unknown,
            }
        }
        let newest = |is_default: fn(&StorageClass) -> bool| {
            let candidates = classes.iter().filter(|(_, class)| is_default(class));
            candidates
                .min_by_key(|(name, class)| (std::cmp::Reverse(&class.created), *name))
                .map(|(name, _)| *name)
        };
        let plain = newest(|class| class.plain_default);
        Known::Known(DefaultClasses {
            virt: newest(|class| class.virt_default).or(plain),
            plain,
        })
    }
}
