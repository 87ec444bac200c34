//! The resources that goldkeeper looks at.

/// A resource that a rule can judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// `virtualmachines.kubevirt.io`
    VirtualMachines,
    /// `virtualmachinepools.pool.kubevirt.io`
    VirtualMachinePools,
    /// `virtualmachineinstances.kubevirt.io`
    VirtualMachineInstances,
    /// `virtualmachineinstancereplicasets.kubevirt.io`
    VirtualMachineInstanceReplicaSets,
    /// `virtualmachineclones.clone.kubevirt.io`
    VirtualMachineClones,
    /// `virtualmachinerestores.snapshot.kubevirt.io`
    VirtualMachineRestores,
    /// `datavolumes.cdi.kubevirt.io`
    DataVolumes,
    /// `dataimportcrons.cdi.kubevirt.io`
    DataImportCrons,
    /// `hyperconvergeds.hco.kubevirt.io`
    HyperConvergeds,
    /// `storageclasses.storage.k8s.io`
    StorageClasses,
}

/// What the API calls a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResourceInfo {
    /// API group.
    pub group: &'static str,
    /// The versions that goldkeeper reads, newest first. They share one shape, but for the `HyperConverged`, of which
    /// both are read. Source: `pkg/virt-operator/resource/generate/components/crds.go` in kubevirt/kubevirt,
    /// `crds_generated.go` in kubevirt/containerized-data-importer, `deploy/crds/hco00.crd.yaml` in
    /// kubevirt/hyperconverged-cluster-operator.
    pub versions: &'static [&'static str],
    /// Plural, lower-case name, as in `match.resources` of a policy.
    pub plural: &'static str,
    /// Kind.
    pub kind: &'static str,
    /// What people call several of them.
    pub noun: &'static str,
    /// Whether it is in a namespace.
    pub namespaced: bool,
}

impl Resource {
    /// Every resource, in the order in which documents list them.
    pub const ALL: [Self; 10] = [
        Self::VirtualMachines,
        Self::VirtualMachinePools,
        Self::VirtualMachineInstances,
        Self::VirtualMachineInstanceReplicaSets,
        Self::VirtualMachineClones,
        Self::VirtualMachineRestores,
        Self::DataVolumes,
        Self::DataImportCrons,
        Self::HyperConvergeds,
        Self::StorageClasses,
    ];

    /// The resource of a group and plural name, whatever its version.
    pub fn find(group: &str, plural: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|resource| {
            let info = resource.info();
            info.plural == plural && info.group == group
        })
    }

    /// The resource of a plural name, as written in a policy file.
    pub fn from_plural(plural: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|resource| resource.info().plural == plural)
    }

    /// What the API calls it.
    pub const fn info(self) -> ResourceInfo {
        let (group, versions, plural, kind, noun): (_, &'static [&'static str], _, _, _) =
            match self {
                Self::VirtualMachines => (
                    "kubevirt.io",
                    &["v1", "v1alpha3"],
                    "virtualmachines",
                    "VirtualMachine",
                    "virtual machines",
                ),
                Self::VirtualMachinePools => (
                    "pool.kubevirt.io",
                    &["v1beta1", "v1alpha1"],
                    "virtualmachinepools",
                    "VirtualMachinePool",
                    "virtual machine pools",
                ),
                Self::VirtualMachineInstances => (
                    "kubevirt.io",
                    &["v1", "v1alpha3"],
                    "virtualmachineinstances",
                    "VirtualMachineInstance",
                    "virtual machine instances",
                ),
                Self::VirtualMachineInstanceReplicaSets => (
                    "kubevirt.io",
                    &["v1", "v1alpha3"],
                    "virtualmachineinstancereplicasets",
                    "VirtualMachineInstanceReplicaSet",
                    "virtual machine replica sets",
                ),
                Self::VirtualMachineClones => (
                    "clone.kubevirt.io",
                    &["v1beta1", "v1alpha1"],
                    "virtualmachineclones",
                    "VirtualMachineClone",
                    "clones of virtual machines",
                ),
                Self::VirtualMachineRestores => (
                    "snapshot.kubevirt.io",
                    &["v1beta1", "v1alpha1"],
                    "virtualmachinerestores",
                    "VirtualMachineRestore",
                    "restored virtual machines",
                ),
                Self::DataVolumes => (
                    "cdi.kubevirt.io",
                    &["v1beta1"],
                    "datavolumes",
                    "DataVolume",
                    "data volumes",
                ),
                Self::DataImportCrons => (
                    "cdi.kubevirt.io",
                    &["v1beta1"],
                    "dataimportcrons",
                    "DataImportCron",
                    "data import crons",
                ),
                Self::HyperConvergeds => (
                    "hco.kubevirt.io",
                    &["v1", "v1beta1"],
                    "hyperconvergeds",
                    "HyperConverged",
                    "settings of the platform",
                ),
                Self::StorageClasses => (
                    "storage.k8s.io",
                    &["v1"],
                    "storageclasses",
                    "StorageClass",
                    "storage classes",
                ),
            };
        ResourceInfo {
            group,
            versions,
            plural,
            kind,
            noun,
            namespaced: !matches!(self, Self::StorageClasses),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_resource_is_found_by_its_own_names() {
        for resource in Resource::ALL {
            let info = resource.info();
            assert_eq!(Resource::find(info.group, info.plural), Some(resource));
            assert_eq!(Resource::from_plural(info.plural), Some(resource));
        }
        assert_eq!(Resource::find("example.com", "virtualmachines"), None);
    }
}
