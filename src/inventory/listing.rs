//! The kinds of object that go past without being kept.

use crate::admission::Resource;

/// What the API calls a kind whose objects are listed page by page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listing {
    /// API group, `""` for the core group.
    pub group: &'static str,
    /// Versions that can be read, the preferred one first.
    pub versions: &'static [&'static str],
    /// Plural name.
    pub plural: &'static str,
    /// Kind.
    pub kind: &'static str,
}

/// A kind that could not be counted, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The kind.
    pub kind: &'static str,
    /// Why, in one line.
    pub reason: String,
}

impl Listing {
    /// Virtual machines.
    pub const VIRTUAL_MACHINES: Self = Self::of(Resource::VirtualMachines);
    /// Pools of virtual machines.
    pub const POOLS: Self = Self::of(Resource::VirtualMachinePools);
    /// Data volumes, of which some are being cloned.
    pub const DATA_VOLUMES: Self = Self::of(Resource::DataVolumes);
    /// Clones into other namespaces, each in the namespace that it clones from (`pkg/controller/clone-controller.go` in
    /// kubevirt/containerized-data-importer).
    pub const CLONE_SOURCES: Self = Self {
        group: "cdi.kubevirt.io",
        versions: &["v1beta1"],
        plural: "volumeclonesources",
        kind: "VolumeCloneSource",
    };
    /// Templates of OpenShift, which hold virtual machines with parameters.
    pub const TEMPLATES: Self = Self {
        group: "template.openshift.io",
        versions: &["v1"],
        plural: "templates",
        kind: "Template",
    };

    /// Of a resource that rules judge.
    pub const fn of(resource: Resource) -> Self {
        let info = resource.info();
        Self {
            group: info.group,
            versions: info.versions,
            plural: info.plural,
            kind: info.kind,
        }
    }

    /// Whether an object is of this kind, whatever its version.
    pub fn is_of(&self, object: &serde_json::Value) -> bool {
        let text = |field| object.get(field).and_then(serde_json::Value::as_str);
        let group =
            text("apiVersion").map(|text| text.split_once('/').map_or("", |(group, _)| group));
        group == Some(self.group) && text("kind") == Some(self.kind)
    }
}
