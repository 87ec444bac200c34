//! What is kept of claims and snapshots: of what a boot source is in the end.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::boot_source::InstanceDefaults;
use super::fact::RawMetadata;

/// Names the cron that imported an object; anyone can write labels.
const CRON_LABEL: &str = "cdi.kubevirt.io/dataImportCron";

/// How a volume is handed out. A clone between the two copies the whole disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VolumeMode {
    /// With a file system, the default.
    Filesystem,
    /// As a block device.
    Block,
}

impl VolumeMode {
    /// Reads `Filesystem` or `Block`.
    pub fn read(text: &str) -> Option<Self> {
        match text {
            "Filesystem" => Some(Self::Filesystem),
            "Block" => Some(Self::Block),
            _ => None,
        }
    }

    /// The spelling of the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Filesystem => "Filesystem",
            Self::Block => "Block",
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
    /// `spec.volumeMode`
    pub volume_mode: Option<VolumeMode>,
    /// Bytes it asks for.
    pub size: Option<u64>,
    /// `metadata.creationTimestamp`, RFC 3339 in UTC.
    pub created: Box<str>,
    /// Whether it has a volume (`status.phase: Bound`).
    pub bound: bool,
    /// What its labels say of machines made from it.
    pub defaults: InstanceDefaults,
}

#[derive(Deserialize)]
pub(super) struct RawClaim {
    #[serde(default)]
    metadata: RawMetadata,
    spec: Option<RawClaimSpec>,
    status: Option<RawClaimStatus>,
}

#[derive(Deserialize)]
struct RawClaimStatus {
    phase: Option<Box<str>>,
}

/// `spec` of a claim, or what a data volume asks of one.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawClaimSpec {
    pub(super) storage_class_name: Option<Box<str>>,
    volume_mode: Option<Box<str>>,
    resources: Option<RawResources>,
}

#[derive(Deserialize)]
struct RawResources {
    requests: Option<BTreeMap<String, serde_json::Value>>,
}

impl RawClaimSpec {
    pub(super) fn volume_mode(&self) -> Option<VolumeMode> {
        VolumeMode::read(self.volume_mode.as_deref()?)
    }

    /// Bytes that are asked for.
    pub(super) fn requested(&self) -> Option<u64> {
        let requests = self.resources.as_ref()?.requests.as_ref()?;
        match requests.get("storage")? {
            serde_json::Value::String(text) => bytes(text),
            other => other.as_u64(),
        }
    }
}

impl From<RawClaim> for PersistentVolumeClaim {
    fn from(raw: RawClaim) -> Self {
        let defaults = InstanceDefaults::of(&raw.metadata);
        let spec = raw.spec.unwrap_or_default();
        let phase = raw.status.and_then(|status| status.phase);
        Self {
            cron: raw.metadata.label(CRON_LABEL),
            volume_mode: spec.volume_mode(),
            size: spec.requested(),
            storage_class: spec.storage_class_name,
            created: raw.metadata.creation_timestamp.unwrap_or_default(),
            bound: phase.as_deref() == Some("Bound"),
            defaults,
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
    /// The `VolumeSnapshotContent` that it is bound to.
    pub content: Option<Box<str>>,
    /// The volume mode of what it was taken of (annotation `cdi.kubevirt.io/sourceVolumeMode`).
    pub volume_mode: Option<VolumeMode>,
    /// Bytes that a volume restored from it needs.
    pub size: Option<u64>,
    /// `metadata.creationTimestamp`, RFC 3339 in UTC.
    pub created: Box<str>,
    /// `status.readyToUse`
    pub ready: bool,
}

#[derive(Deserialize)]
pub(super) struct RawSnapshot {
    #[serde(default)]
    metadata: RawMetadata,
    spec: Option<RawSnapshotSpec>,
    status: Option<RawSnapshotStatus>,
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

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawSnapshotStatus {
    bound_volume_snapshot_content_name: Option<Box<str>>,
    restore_size: Option<Box<str>>,
    ready_to_use: Option<bool>,
}

impl From<RawSnapshot> for VolumeSnapshot {
    fn from(raw: RawSnapshot) -> Self {
        let source = raw.spec.and_then(|spec| spec.source);
        let status = raw.status.unwrap_or_default();
        let volume_mode = raw.metadata.annotation("cdi.kubevirt.io/sourceVolumeMode");
        Self {
            source_claim: source.and_then(|source| source.persistent_volume_claim_name),
            cron: raw.metadata.label(CRON_LABEL),
            content: status.bound_volume_snapshot_content_name,
            volume_mode: volume_mode.as_deref().and_then(VolumeMode::read),
            size: status.restore_size.as_deref().and_then(bytes),
            created: raw.metadata.creation_timestamp.unwrap_or_default(),
            ready: status.ready_to_use.unwrap_or_default(),
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

/// The bytes of a quantity such as `30Gi`, rounded down; `None` for what is none or does not fit
/// (`pkg/api/resource/quantity.go` in kubernetes/apimachinery; exponents are not read).
pub fn bytes(quantity: &str) -> Option<u64> {
    let end = quantity
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(quantity.len());
    let (number, unit) = quantity.split_at_checked(end)?;
    let factor: u64 = match unit {
        "" => 1,
        "k" => 1_000,
        "M" => 1_000_u64.pow(2),
        "G" => 1_000_u64.pow(3),
        "T" => 1_000_u64.pow(4),
        "P" => 1_000_u64.pow(5),
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        "Ti" => 1 << 40,
        "Pi" => 1 << 50,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole: u64 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let digits = fraction.get(..fraction.len().min(9))?;
    let scale = 10_u64.checked_pow(u32::try_from(digits.len()).ok()?)?;
    let part: u64 = if digits.is_empty() {
        0
    } else {
        digits.parse().ok()?
    };
    let part = u128::from(part) * u128::from(factor) / u128::from(scale);
    let total = u128::from(whole) * u128::from(factor) + part;
    (!number.is_empty() && number != ".")
        .then_some(total)
        .and_then(|total| u64::try_from(total).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_bytes() {
        let table = [
            ("30Gi", Some(30 << 30)),
            ("1.5Gi", Some(3 << 29)),
            ("10G", Some(10_000_000_000)),
            ("1024", Some(1024)),
            (".5Ki", Some(512)),
            ("16384Pi", None),
            ("x", None),
            ("", None),
            (".", None),
            ("1x", None),
            ("-1Gi", None),
        ];
        for (text, expected) in table {
            assert_eq!(bytes(text), expected, "{text}");
        }
    }
}
