//! How many virtual machines, pools and templates use each boot source, and which clones are under way.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Deserialize;
use serde_json::Value;

use crate::admission::{NamespacedName, Object, Resource, Source, VolumeRequest};
use crate::cluster::{BootSource, ClaimField, ClusterView, Known, VolumeMode};
use crate::manifest;

use super::Listing;

/// How many names are kept of those that use a boot source in one way.
const NAMES: usize = 10;

/// How a disk names its boot source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum How {
    /// By its `DataSource`.
    Reference,
    /// By the claim or snapshot that it is at the moment.
    Volume,
}

/// The storage class that a disk asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DiskClass<'v> {
    /// The default.
    Default,
    /// One by name.
    Named(&'v str),
    /// One by name that there is not.
    Missing,
}

/// Disks that are alike in all that decides what a clone costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Disk<'v> {
    /// The boot source: its place in [`Census::sources`].
    pub source: usize,
    /// How it is named.
    pub how: How,
    /// The class.
    pub class: DiskClass<'v>,
    /// The field of the data volume that asks for it.
    pub field: ClaimField,
    /// The volume mode, if the disk names one.
    pub mode: Option<VolumeMode>,
}

/// Who uses a boot source in one way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Users {
    /// Disks of virtual machines.
    pub machines: u64,
    /// Disks of the machines that pools make.
    pub pools: u64,
    /// Disks of machines in templates.
    pub templates: u64,
    /// The first of them, as `kind namespace/name`.
    pub names: Vec<String>,
}

impl Users {
    /// All of them.
    pub const fn total(&self) -> u64 {
        self.machines + self.pools + self.templates
    }

    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        self.machines += other.machines;
        self.pools += other.pools;
        self.templates += other.templates;
        let room = NAMES.saturating_sub(self.names.len());
        self.names.extend(other.names.iter().take(room).cloned());
    }
}

/// Counts over objects that went past.
#[derive(Debug)]
pub struct Census<'v> {
    view: &'v ClusterView,
    sources: Vec<BootSource<'v>>,
    by_name: HashMap<(&'v str, &'v str), usize>,
    by_volume: HashMap<(&'v str, &'v str), usize>,
    classes: HashSet<&'v str>,
    made: Vec<u64>,
    uses: HashMap<Disk<'v>, Users>,
    busy: BTreeMap<(String, String), u64>,
}

impl<'v> Census<'v> {
    /// Nothing has gone past yet.
    pub fn new(view: &'v ClusterView) -> Self {
        let sources = view.boot_sources();
        let by_name = sources
            .iter()
            .enumerate()
            .map(|(index, source)| ((source.namespace, source.name), index));
        // What points at the image of one architecture is not the image.
        let images = sources.iter().enumerate();
        let images = images.filter(|(_, source)| source.pointer.is_none());
        let by_volume = images.filter_map(|(index, source)| {
            let volume = source.volume.known()??;
            Some(((volume.namespace, volume.name), index))
        });
        let classes = view.storage_classes().known().unwrap_or_default();
        Self {
            view,
            by_name: by_name.collect(),
            by_volume: by_volume.collect(),
            classes: classes.into_iter().map(|(name, _)| name).collect(),
            made: vec![0; sources.len()],
            sources,
            uses: HashMap::new(),
            busy: BTreeMap::new(),
        }
    }

    /// The kinds that are counted.
    pub const KINDS: [Listing; 5] = [
        Listing::VIRTUAL_MACHINES,
        Listing::POOLS,
        Listing::TEMPLATES,
        Listing::DATA_VOLUMES,
        Listing::CLONE_SOURCES,
    ];

    /// Counts an object. Any other is none of its business.
    pub fn add(&mut self, object: &Value) {
        if Listing::VIRTUAL_MACHINES.is_of(object) {
            self.count(Resource::VirtualMachines, object, None);
        } else if Listing::POOLS.is_of(object) {
            self.count(Resource::VirtualMachinePools, object, None);
        } else if Listing::DATA_VOLUMES.is_of(object) {
            self.add_clone(object);
        } else if Listing::CLONE_SOURCES.is_of(object) {
            self.add_clone_source(object);
        } else if Listing::TEMPLATES.is_of(object) {
            self.add_template(object);
        }
    }

    /// All golden boot sources, by namespace and name.
    pub fn sources(&self) -> &[BootSource<'v>] {
        &self.sources
    }

    /// How many virtual machines were made from a boot source, by its place in [`sources`](Self::sources).
    pub fn made(&self, source: usize) -> u64 {
        self.made.get(source).copied().unwrap_or_default()
    }

    /// Who uses boot sources, by how they do.
    pub fn uses(&self) -> Vec<(Disk<'v>, &Users)> {
        let mut uses: Vec<_> = self
            .uses
            .iter()
            .map(|(disk, users)| (*disk, users))
            .collect();
        uses.sort_unstable_by_key(|(disk, _)| *disk);
        uses
    }

    /// How many clones of a claim or snapshot are under way.
    pub fn clones_of(&self, namespace: &str, name: &str) -> u64 {
        let key = (namespace.to_owned(), name.to_owned());
        self.busy.get(&key).copied().unwrap_or_default()
    }

    fn count(&mut self, resource: Resource, object: &Value, template: Option<&str>) {
        let Ok(lens) = Object::deserialize(object) else {
            return;
        };
        let namespace = metadata(object, "namespace");
        let name = metadata(object, "name");
        let mut made: Vec<usize> = Vec::new();
        for request in VolumeRequest::all(resource, &lens) {
            let Some((source, how)) = self.source_of(&request, namespace) else {
                continue;
            };
            if !made.contains(&source) {
                made.push(source);
            }
            let disk = self.disk(&request, source, how);
            let users = self.uses.entry(disk).or_default();
            match (resource, template) {
                (_, Some(_)) => users.templates += 1,
                (Resource::VirtualMachinePools, None) => users.pools += 1,
                _ => users.machines += 1,
            }
            if users.names.len() < NAMES {
                users.names.push(match template {
                    Some(template) => format!("Template {template}"),
                    None => format!("{} {namespace}/{name}", resource.info().kind),
                });
            }
        }
        if resource == Resource::VirtualMachines && template.is_none() {
            for source in made {
                if let Some(count) = self.made.get_mut(source) {
                    *count += 1;
                }
            }
        }
    }

    /// The boot source that a disk is cloned from. A reference without a namespace means that of the machine.
    fn source_of(&self, request: &VolumeRequest<'_>, namespace: &str) -> Option<(usize, How)> {
        if let Some(reference) = request.source_ref {
            let namespace = reference.namespace.get().unwrap_or(namespace);
            let found = self.by_name.get(&(namespace, reference.name.get()?))?;
            return (reference.kind.get() == Some("DataSource"))
                .then_some((*found, How::Reference));
        }
        let name = concrete(request.source?)?;
        let key = (name.namespace.get()?, name.name.get()?);
        Some((*self.by_volume.get(&key)?, How::Volume))
    }

    fn disk(&self, request: &VolumeRequest<'_>, source: usize, how: How) -> Disk<'v> {
        let (claim, field) = match (request.storage, request.pvc) {
            (_, Some(claim)) => (Some(claim), ClaimField::Pvc),
            (claim, None) => (claim, ClaimField::Storage),
        };
        let named = claim.and_then(|claim| claim.storage_class_name.get());
        Disk {
            source,
            how,
            class: match named.map(|name| self.classes.get(name)) {
                None => DiskClass::Default,
                Some(Some(name)) => DiskClass::Named(name),
                Some(None) => DiskClass::Missing,
            },
            field,
            mode: claim.and_then(|claim| VolumeMode::read(claim.volume_mode.get()?)),
        }
    }

    /// A data volume that is not filled yet.
    fn add_clone(&mut self, object: &Value) {
        let phase = object.pointer("/status/phase").and_then(Value::as_str);
        if matches!(phase, Some("Succeeded" | "Failed")) {
            return;
        }
        let Ok(lens) = Object::deserialize(object) else {
            return;
        };
        let own = metadata(object, "namespace");
        for request in VolumeRequest::all(Resource::DataVolumes, &lens) {
            let source = request.source.and_then(concrete);
            if let Some(source) = source {
                let namespace = source.namespace.get().unwrap_or(own);
                self.note_clone(namespace, source.name.or_empty());
            } else if let Some((source, _)) = self.source_of(&request, own) {
                let volume = self.sources.get(source).map(|source| source.volume);
                if let Some(Known::Known(Some(volume))) = volume {
                    self.note_clone(volume.namespace, volume.name);
                }
            }
        }
    }

    /// A clone into another namespace, as long as it is there.
    fn add_clone_source(&mut self, object: &Value) {
        let source = object.pointer("/spec/source/name").and_then(Value::as_str);
        if let Some(name) = source {
            self.note_clone(metadata(object, "namespace"), name);
        }
    }

    /// Only golden namespaces count: there is no bound on what else is cloned.
    fn note_clone(&mut self, namespace: &str, name: &str) {
        if self.view.is_golden_namespace(namespace) {
            let key = (namespace.to_owned(), name.to_owned());
            *self.busy.entry(key).or_default() += 1;
        }
    }

    /// The virtual machines of a template as they would be made with the parameters' own values.
    fn add_template(&mut self, object: &Value) {
        let name = format!(
            "{}/{}",
            metadata(object, "namespace"),
            metadata(object, "name")
        );
        let json = object.to_string();
        for document in manifest::documents(&json).flatten() {
            let mut machines = Vec::new();
            manifest::objects(
                &document.node,
                &mut |it| machines.push(it.object),
                &mut |_| {},
            );
            for machine in machines {
                if Listing::VIRTUAL_MACHINES.is_of(&machine) {
                    self.count(Resource::VirtualMachines, &machine, Some(&name));
                }
            }
        }
    }
}

fn metadata<'o>(object: &'o Value, field: &str) -> &'o str {
    let value = object.get("metadata").and_then(|it| it.get(field));
    value.and_then(Value::as_str).unwrap_or_default()
}

/// The claim or snapshot that a disk names itself.
fn concrete<'o>(source: &'o Source<'o>) -> Option<&'o NamespacedName<'o>> {
    source.pvc.get().or_else(|| source.snapshot.get())
}
