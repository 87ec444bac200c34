//! The places in an object that name a boot source.

use super::object::{Annotations, Claim, DataVolumeTemplate, Matcher, Source, TemplateSpec};
use super::tolerant::Many;
use super::{FieldPath, Object, Resource, SourceRef};

const VIRTUAL_MACHINE: &[&str] = &["spec"];
const POOL: &[&str] = &["spec", "virtualMachineTemplate", "spec"];

/// A virtual machine in an object: the object itself, or the one that a pool makes its machines from.
#[derive(Clone, Copy, Debug)]
pub struct Machine<'o> {
    /// Templates of its data volumes.
    pub data_volume_templates: &'o Many<DataVolumeTemplate<'o>>,
    /// Its instance type.
    pub instancetype: Option<&'o Matcher<'o>>,
    /// Its preference.
    pub preference: Option<&'o Matcher<'o>>,
    /// What its instance is made from.
    pub template: Option<&'o TemplateSpec<'o>>,
    base: &'static [&'static str],
}

impl<'o> Machine<'o> {
    /// The virtual machine in an object of this resource, if it holds one.
    pub fn of(resource: Resource, object: &'o Object<'o>) -> Option<Self> {
        let spec = object.spec.get()?;
        match resource {
            Resource::VirtualMachines => Some(Self {
                data_volume_templates: &spec.data_volume_templates,
                instancetype: spec.instancetype.get(),
                preference: spec.preference.get(),
                template: spec.template.get().and_then(|template| template.spec.get()),
                base: VIRTUAL_MACHINE,
            }),
            Resource::VirtualMachinePools => {
                let spec = spec.virtual_machine_template.get()?.spec.get()?;
                Some(Self {
                    data_volume_templates: &spec.data_volume_templates,
                    instancetype: spec.instancetype.get(),
                    preference: spec.preference.get(),
                    template: spec.template.get().and_then(|template| template.spec.get()),
                    base: POOL,
                })
            }
            _ => None,
        }
    }

    /// Where a field of its spec is.
    pub fn path(&self, field: &'static str) -> FieldPath {
        FieldPath::of(self.base).field(field)
    }
}

/// A data volume that an object asks for: the object itself, or one of the templates of a virtual machine.
#[derive(Clone, Copy, Debug)]
pub struct VolumeRequest<'o> {
    /// `metadata.name` of the template; `None` for a `DataVolume` and where it is missing.
    pub template_name: Option<&'o str>,
    /// The boot source it is cloned from.
    pub source_ref: Option<&'o SourceRef<'o>>,
    /// The object it is cloned from.
    pub source: Option<&'o Source<'o>>,
    /// The claim it asks for, completed by CDI.
    pub storage: Option<&'o Claim<'o>>,
    /// The claim it asks for, as it stands.
    pub pvc: Option<&'o Claim<'o>>,
    /// Whether CDI is told that the volume is there already: it will not look at the source.
    pub is_populated_already: bool,
    base: &'static [&'static str],
    index: Option<usize>,
}

impl<'o> VolumeRequest<'o> {
    /// All data volumes that an object of this resource asks for, in the order of the object.
    pub fn all(resource: Resource, object: &'o Object<'o>) -> impl Iterator<Item = Self> + use<'o> {
        let own = match resource {
            Resource::DataVolumes => object.spec.get().map(|spec| Self {
                template_name: None,
                source_ref: spec.source_ref.get(),
                source: spec.source.get(),
                storage: spec.storage.get(),
                pvc: spec.pvc.get(),
                is_populated_already: object.is_populated_already(),
                base: VIRTUAL_MACHINE,
                index: None,
            }),
            _ => None,
        };
        let machine = Machine::of(resource, object).into_iter();
        let templates = machine.flat_map(|machine| {
            let templates = machine.data_volume_templates.iter();
            templates.filter_map(move |(index, template)| {
                Self::of_template(template, machine.base, index)
            })
        });
        own.into_iter().chain(templates)
    }

    /// Those of which CDI will look at the source.
    pub fn unpopulated(
        resource: Resource,
        object: &'o Object<'o>,
    ) -> impl Iterator<Item = Self> + use<'o> {
        Self::all(resource, object).filter(|volume| !volume.is_populated_already)
    }

    fn of_template(
        template: &'o DataVolumeTemplate<'o>,
        base: &'static [&'static str],
        index: usize,
    ) -> Option<Self> {
        let spec = template.spec.get()?;
        let metadata = template.metadata.get();
        let annotations = metadata.and_then(|metadata| metadata.annotations.get());
        Some(Self {
            template_name: metadata.and_then(|metadata| metadata.name.get()),
            source_ref: spec.source_ref.get(),
            source: spec.source.get(),
            storage: spec.storage.get(),
            pvc: spec.pvc.get(),
            is_populated_already: annotations.is_some_and(Annotations::say_populated),
            base,
            index: Some(index),
        })
    }

    /// Whether `other` is this same data volume in another state of the object, cloned from the same source.
    pub fn is_twin_of(&self, other: &VolumeRequest<'_>) -> bool {
        self.template_name.is_some()
            && self.template_name == other.template_name
            && self.source_ref == other.source_ref
            && self.source == other.source
    }

    /// Where the spec of this data volume is.
    pub fn path(&self) -> FieldPath {
        let base = FieldPath::of(self.base);
        match self.index {
            Some(index) => base.field("dataVolumeTemplates").index(index).field("spec"),
            None => base,
        }
    }
}

/// A `sourceRef` found in an object, with where it was found.
#[derive(Clone, Copy, Debug)]
pub struct BootReference<'o> {
    /// `metadata.name` of the data volume template that holds it; `None` for a `DataVolume` and where it is missing.
    pub template_name: Option<&'o str>,
    /// The reference.
    pub source_ref: &'o SourceRef<'o>,
    request: VolumeRequest<'o>,
}

impl<'o> BootReference<'o> {
    /// All references in an object of this resource, in the order of the object.
    pub fn all(resource: Resource, object: &'o Object<'o>) -> Vec<Self> {
        VolumeRequest::all(resource, object)
            .filter_map(Self::of)
            .collect()
    }

    /// The reference of a data volume, if it has one.
    pub fn of(request: VolumeRequest<'o>) -> Option<Self> {
        Some(Self {
            template_name: request.template_name,
            source_ref: request.source_ref?,
            request,
        })
    }

    /// Where the `namespace` field of this reference is, or would be.
    pub fn namespace_path(&self) -> FieldPath {
        self.path().field("namespace")
    }

    /// Where this reference is.
    pub fn path(&self) -> FieldPath {
        self.request.path().field("sourceRef")
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
