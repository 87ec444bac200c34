//! The places in an object that name a boot source.

use super::{FieldPath, Object, Resource, SourceRef};

/// A `sourceRef` found in an object, with where it was found.
#[derive(Clone, Copy, Debug)]
pub struct BootReference<'o> {
    /// `metadata.name` of the data volume template that holds it; `None` for a `DataVolume` and where it is missing.
    pub template_name: Option<&'o str>,
    /// The reference.
    pub source_ref: &'o SourceRef<'o>,
    base: &'static [&'static str],
    index: Option<usize>,
}

const VIRTUAL_MACHINE: &[&str] = &["spec", "dataVolumeTemplates"];
const POOL: &[&str] = &[
    "spec",
    "virtualMachineTemplate",
    "spec",
    "dataVolumeTemplates",
];
const DATA_VOLUME: &[&str] = &["spec", "sourceRef"];

impl<'o> BootReference<'o> {
    /// All references in an object of this resource, in the order of the object.
    pub fn all(resource: Resource, object: &'o Object<'o>) -> Vec<Self> {
        let Some(spec) = object.spec.get() else {
            return Vec::new();
        };
        let (templates, base) = match resource {
            Resource::VirtualMachines => (&spec.data_volume_templates, VIRTUAL_MACHINE),
            Resource::VirtualMachinePools => {
                let template = spec.virtual_machine_template.get();
                match template.and_then(|template| template.spec.get()) {
                    Some(spec) => (&spec.data_volume_templates, POOL),
                    None => return Vec::new(),
                }
            }
            Resource::DataVolumes => {
                let source_ref = spec.source_ref.get();
                return source_ref
                    .map(|source_ref| Self {
                        template_name: None,
                        source_ref,
                        base: DATA_VOLUME,
                        index: None,
                    })
                    .into_iter()
                    .collect();
            }
            _ => return Vec::new(),
        };
        templates
            .iter()
            .filter_map(|(index, template)| {
                Some(Self {
                    template_name: template.metadata.get().and_then(|meta| meta.name.get()),
                    source_ref: template.spec.get()?.source_ref.get()?,
                    base,
                    index: Some(index),
                })
            })
            .collect()
    }

    /// Where the `namespace` field of this reference is, or would be.
    pub fn namespace_path(&self) -> FieldPath {
        let base = FieldPath::of(self.base);
        match self.index {
            Some(index) => base.index(index).field("spec").field("sourceRef"),
            None => base,
        }
        .field("namespace")
    }

    /// The name of the `DataSource`, if this reference names one without saying in which namespace.
    pub fn missing_namespace(&self) -> Option<&'o str> {
        let is_data_source = self.source_ref.kind.get() == Some("DataSource");
        let name = self.source_ref.name.get()?;
        (is_data_source && self.source_ref.namespace.get().is_none()).then_some(name)
    }

    /// Whether `other` is this same reference in another state of the object: same template, same boot source.
    pub fn is_twin_of(&self, other: &BootReference<'_>) -> bool {
        self.template_name.is_some()
            && self.template_name == other.template_name
            && self.source_ref.name.get() == other.source_ref.name.get()
    }
}
