//! The kinds of object that the view is made of.

/// How much of a kind is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every object.
    All,
    /// Only the objects of the golden namespaces.
    GoldenNamespaces,
    /// Never listed from a live cluster: read one by one when a decision rests on it.
    OnDemand,
}

/// A kind of object that a fact can come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `HyperConverged`
    HyperConverged,
    /// `DataSource`
    DataSource,
    /// `DataImportCron`
    DataImportCron,
    /// `StorageClass`
    StorageClass,
    /// `StorageProfile`
    StorageProfile,
    /// `CDI`
    Cdi,
    /// `Namespace`
    Namespace,
    /// `PersistentVolumeClaim`
    PersistentVolumeClaim,
    /// `VolumeSnapshot`
    VolumeSnapshot,
    /// `VolumeSnapshotContent`
    VolumeSnapshotContent,
    /// `VirtualMachine`
    VirtualMachine,
}

/// What the API calls a kind, and how much of it is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindInfo {
    /// API group, `""` for the core group.
    pub group: &'static str,
    /// Versions that can be read, the preferred one first.
    pub versions: &'static [&'static str],
    /// Plural name.
    pub plural: &'static str,
    /// Kind.
    pub kind: &'static str,
    /// How much of it is wanted.
    pub scope: Scope,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::HyperConverged,
        Self::DataSource,
        Self::DataImportCron,
        Self::StorageClass,
        Self::StorageProfile,
        Self::Cdi,
        Self::Namespace,
        Self::PersistentVolumeClaim,
        Self::VolumeSnapshot,
        Self::VolumeSnapshotContent,
        Self::VirtualMachine,
    ];

    /// What the API calls it.
    pub const fn info(self) -> KindInfo {
        const CDI: &str = "cdi.kubevirt.io";
        const SNAPSHOT: &str = "snapshot.storage.k8s.io";
        const V1: &[&str] = &["v1"];
        const V1BETA1: &[&str] = &["v1beta1"];
        let (group, versions, plural, kind, scope) = match self {
            Self::HyperConverged => (
                "hco.kubevirt.io",
                &["v1", "v1beta1"] as &[&str],
                "hyperconvergeds",
                "HyperConverged",
                Scope::All,
            ),
            Self::DataSource => (CDI, V1BETA1, "datasources", "DataSource", Scope::All),
            Self::DataImportCron => (
                CDI,
                V1BETA1,
                "dataimportcrons",
                "DataImportCron",
                Scope::All,
            ),
            Self::StorageClass => (
                "storage.k8s.io",
                V1,
                "storageclasses",
                "StorageClass",
                Scope::All,
            ),
            Self::StorageProfile => (
                CDI,
                V1BETA1,
                "storageprofiles",
                "StorageProfile",
                Scope::All,
            ),
            Self::Cdi => (CDI, V1BETA1, "cdis", "CDI", Scope::All),
            Self::Namespace => ("", V1, "namespaces", "Namespace", Scope::All),
            Self::PersistentVolumeClaim => (
                "",
                V1,
                "persistentvolumeclaims",
                "PersistentVolumeClaim",
                Scope::GoldenNamespaces,
            ),
            Self::VolumeSnapshot => (
                SNAPSHOT,
                V1,
                "volumesnapshots",
                "VolumeSnapshot",
                Scope::GoldenNamespaces,
            ),
            Self::VolumeSnapshotContent => (
                SNAPSHOT,
                V1,
                "volumesnapshotcontents",
                "VolumeSnapshotContent",
                Scope::GoldenNamespaces,
            ),
            Self::VirtualMachine => (
                "kubevirt.io",
                &["v1", "v1alpha3"] as &[&str],
                "virtualmachines",
                "VirtualMachine",
                Scope::OnDemand,
            ),
        };
        KindInfo {
            group,
            versions,
            plural,
            kind,
            scope,
        }
    }

    /// Whether single objects are read live, before a decision rests on one.
    pub const fn is_read_live(self) -> bool {
        match self {
            Self::DataSource
            | Self::DataImportCron
            | Self::StorageClass
            | Self::Namespace
            | Self::PersistentVolumeClaim
            | Self::VolumeSnapshot
            | Self::VirtualMachine => true,
            Self::HyperConverged
            | Self::StorageProfile
            | Self::Cdi
            | Self::VolumeSnapshotContent => false,
        }
    }

    /// The kind of an object by its `apiVersion` and `kind`, whatever the version.
    pub fn of(api_version: &str, kind: &str) -> Option<Self> {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        Self::ALL.into_iter().find(|candidate| {
            let info = candidate.info();
            info.kind == kind && info.group == group
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_found_by_group_and_kind() {
        assert_eq!(Kind::of("v1", "Namespace"), Some(Kind::Namespace));
        assert_eq!(
            Kind::of("hco.kubevirt.io/v1beta1", "HyperConverged"),
            Some(Kind::HyperConverged)
        );
        assert_eq!(Kind::of("kubevirt.io/v1", "HyperConverged"), None);
        for (position, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(
                kind as usize, position,
                "{kind:?} must stand in the order of the enum"
            );
        }
    }
}
