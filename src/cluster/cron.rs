//! What is kept of a `DataImportCron`.

use serde::Deserialize;

use super::claim::{RawClaimSpec, VolumeMode};
use super::fact::RawMetadata;

/// The class it imported on last, which is the class of its newest import (`pkg/controller/dataimportcron-controller.go`
/// in CDI).
const IMPORTED_ON: &str = "cdi.kubevirt.io/storage.import.storageClass";
/// The digest of the image that it wants to have imported.
const DESIRED_DIGEST: &str = "cdi.kubevirt.io/storage.import.sourceDesiredDigest";
/// How much of a digest names an import (`digestDvNameSuffixLength` there).
const DIGEST_LENGTH: usize = 12;

/// Which field of a data volume asks for the claim: each has its own default class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClaimField {
    /// `spec.storage`, completed by CDI: the default for virtualisation.
    #[default]
    Storage,
    /// `spec.pvc`, taken as it stands: the default of Kubernetes.
    Pvc,
}

impl ClaimField {
    /// The volume mode of a claim that names none, where it does not depend on the class: what is taken as it stands has
    /// a file system.
    pub const fn default_mode(self) -> Option<VolumeMode> {
        match self {
            Self::Storage => None,
            Self::Pvc => Some(VolumeMode::Filesystem),
        }
    }
}

/// The claim that each import of a `DataImportCron` asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportClaim {
    /// The class it names; `None` where a default is meant, `""` where no class is.
    pub storage_class: Option<Box<str>>,
    /// The field it stands in.
    pub field: ClaimField,
    /// Bytes it asks for.
    pub size: Option<u64>,
    /// The volume mode it asks for.
    pub volume_mode: Option<VolumeMode>,
}

/// What an import is kept as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceFormat {
    /// A `PersistentVolumeClaim`.
    Pvc,
    /// A `VolumeSnapshot`; its claim is deleted when it is ready.
    Snapshot,
}

impl SourceFormat {
    /// Reads `pvc` or `snapshot`.
    pub fn read(text: &str) -> Option<Self> {
        match text {
            "pvc" => Some(Self::Pvc),
            "snapshot" => Some(Self::Snapshot),
            _ => None,
        }
    }
}

/// What is kept of a `DataImportCron`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataImportCron {
    /// `spec.managedDataSource`
    pub managed_data_source: Box<str>,
    /// `spec.schedule`; `""` means that it never looks for a newer image.
    pub schedule: Box<str>,
    /// What each import asks for.
    pub claim: ImportClaim,
    /// Whether sources stay when the cron is deleted (`retentionPolicy: All`, the default).
    pub retains_all: bool,
    /// `spec.importsToKeep`; absent means 3.
    pub imports_to_keep: Option<u32>,
    /// Whether older imports are deleted at all (`garbageCollect: Outdated`, the default).
    pub collects_garbage: bool,
    /// The class it imported on last (annotation `cdi.kubevirt.io/storage.import.storageClass`).
    pub imported_on: Option<Box<str>>,
    /// What the annotation with the desired digest makes the name of an import, `Err` if there is an annotation from
    /// which no name can be made. `None` if there is none.
    pub desired_import: Option<Result<Box<str>, UnnamedDigest>>,
    /// `status.lastImportTimestamp`, RFC 3339 in UTC.
    pub last_import: Option<Box<str>>,
    /// `status.sourceFormat`
    pub source_format: Option<SourceFormat>,
}

/// A digest that CDI can't name an import after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnnamedDigest;

#[derive(Deserialize)]
pub(super) struct RawDataImportCron {
    #[serde(default)]
    metadata: RawMetadata,
    spec: Option<RawCronSpec>,
    status: Option<RawCronStatus>,
}

/// `spec` of a `DataImportCron`, and of the templates that the platform keeps of them.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawCronSpec {
    pub(super) managed_data_source: Option<Box<str>>,
    schedule: Option<Box<str>>,
    template: Option<RawCronTemplate>,
    retention_policy: Option<Box<str>>,
    imports_to_keep: Option<i64>,
    garbage_collect: Option<Box<str>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawCronStatus {
    last_import_timestamp: Option<Box<str>>,
    source_format: Option<Box<str>>,
}

#[derive(Deserialize)]
struct RawCronTemplate {
    spec: Option<RawVolumeSpec>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawVolumeSpec {
    storage: Option<RawClaimSpec>,
    pvc: Option<RawClaimSpec>,
}

impl RawCronSpec {
    /// The claim that the template asks for. `pvc` goes first, as in CDI's `GetStorageClassFromDVSpec`.
    pub(super) fn claim(&self) -> ImportClaim {
        let spec = self.template.as_ref().and_then(|one| one.spec.as_ref());
        let pvc = spec.and_then(|spec| Some((ClaimField::Pvc, spec.pvc.as_ref()?)));
        let storage = || spec.and_then(|spec| Some((ClaimField::Storage, spec.storage.as_ref()?)));
        let Some((field, claim)) = pvc.or_else(storage) else {
            return ImportClaim::default();
        };
        ImportClaim {
            storage_class: claim.storage_class_name.clone(),
            field,
            size: claim.requested(),
            volume_mode: claim.volume_mode(),
        }
    }
}

impl From<RawDataImportCron> for DataImportCron {
    fn from(raw: RawDataImportCron) -> Self {
        let spec = raw.spec.unwrap_or_default();
        let status = raw.status.unwrap_or_default();
        let managed = spec.managed_data_source.as_deref().unwrap_or_default();
        let digest = raw.metadata.annotation(DESIRED_DIGEST);
        Self {
            desired_import: digest.map(|digest| name_of_import(managed, &digest)),
            claim: spec.claim(),
            retains_all: spec.retention_policy.as_deref() != Some("None"),
            imports_to_keep: spec.imports_to_keep.and_then(|n| u32::try_from(n).ok()),
            collects_garbage: spec.garbage_collect.as_deref() != Some("Never"),
            imported_on: raw.metadata.annotation(IMPORTED_ON),
            last_import: status.last_import_timestamp,
            source_format: status.source_format.as_deref().and_then(SourceFormat::read),
            managed_data_source: spec.managed_data_source.unwrap_or_default(),
            schedule: spec.schedule.unwrap_or_default(),
        }
    }
}

/// The name of an import: of its `DataVolume`, its claim and its snapshot (`createDvName`, same file).
fn name_of_import(managed: &str, digest: &str) -> Result<Box<str>, UnnamedDigest> {
    let hash = digest
        .strip_prefix("sha256:")
        .or_else(|| digest.strip_prefix("uid:"));
    let short = hash.and_then(|hash| hash.get(..DIGEST_LENGTH));
    let name = short.map(|short| format!("{managed}-{short}").into_boxed_str());
    name.ok_or(UnnamedDigest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_is_named_after_its_digest() {
        let table = [
            ("sha256:0123456789abcdef", Ok("rhel9-0123456789ab")),
            ("uid:0123456789ab", Ok("rhel9-0123456789ab")),
            ("sha256:0123", Err(UnnamedDigest)),
            ("md5:0123456789abcdef", Err(UnnamedDigest)),
            ("", Err(UnnamedDigest)),
        ];
        for (digest, expected) in table {
            let found = name_of_import("rhel9", digest);
            assert_eq!(found.as_deref(), expected.as_ref().copied(), "{digest}");
        }
    }
}
