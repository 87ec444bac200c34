//! Boot sources: what each golden image is, where it is kept, on which storage class, and what becomes of it.
//!
//! A [`BootSource`] is a `DataSource` with all that hangs together with it, read from one view and nothing else:
//!
//! ```text
//! DataSource ──(pointer: one hop, same namespace)──> DataSource ──> PVC or snapshot   [SourceVolume]
//!     └─ label ─> DataImportCron, live, that names it as managedDataSource            [BootSource::cron]
//! ```
//!
//! What depends on the default storage classes takes them as an argument ([`DefaultClasses`]), so that the same question
//! can be asked of the cluster as it is ([`ClusterView::default_classes`]), of the moment after a change
//! ([`ClusterView::default_classes_with`]) and of a wish (`DefaultClasses {virt: Some("fast"), ..}`):
//!
//! - [`BootSource::expected`]: the class on which the image would be imported today;
//! - [`BootSource::standing`]: whether it is there;
//! - [`BootSource::comeback`]: who brings it there if it is not.
//!
//! Times are data (RFC 3339 in UTC); nothing here knows a clock. Sources of the rules: `pkg/controller/
//! dataimportcron-controller.go`, `datasource-controller.go` and `clone/planner.go` in
//! kubevirt/containerized-data-importer, `internal/operands/data-sources/reconcile.go` in kubevirt/ssp-operator.

mod clone;
mod standing;
mod updates;
mod volume;

pub use clone::{CloneCost, CopyReason};
pub use standing::{Comeback, Expected, Standing};
pub use updates::Updates;
pub use volume::{SourceClass, SourceVolume, VolumeName};

use super::{
    ClusterView, Condition, DataImportCron, DataSource, DefaultClasses, Fact, Kind, Known,
    SourceObject,
};

/// A live `DataImportCron`.
#[derive(Clone, Copy, Debug)]
pub struct Cron<'v> {
    /// Its name; its namespace is that of the boot source.
    pub name: &'v str,
    /// What is kept of it.
    pub fact: &'v DataImportCron,
}

/// A `DataSource` and all that hangs together with it.
#[derive(Clone, Copy, Debug)]
pub struct BootSource<'v> {
    /// Its namespace.
    pub namespace: &'v str,
    /// Its name.
    pub name: &'v str,
    /// The `DataSource` itself, or that there is none.
    pub data_source: Known<Option<&'v DataSource>>,
    /// The other `DataSource` that it points at, for an image of several architectures.
    pub pointer: Option<&'v str>,
    /// What the `DataSource` names, whether or not it is there.
    pub names: Option<VolumeName<'v>>,
    /// What it is in the end; `None` while there is nothing.
    pub volume: Known<Option<SourceVolume<'v>>>,
    /// The cron that keeps it up to date, or that none does.
    pub cron: Known<Option<Cron<'v>>>,
    view: &'v ClusterView,
}

impl ClusterView {
    /// The boot source of this name, whether or not it is there. The cost does not grow with the cluster.
    pub fn boot_source<'v>(&'v self, namespace: &'v str, name: &'v str) -> BootSource<'v> {
        let data_source = self.data_source(namespace, name);
        BootSource::of(self, namespace, name, data_source)
    }

    /// All golden boot sources, by namespace and name: those that the platform manages, whether or not they are there,
    /// and those that an administrator keeps beside them. The placeholders that SSP keeps where an image used to be are
    /// none; those that it makes for images that nobody ever uploaded are there, without a volume. The cost grows with the
    /// golden namespaces only.
    pub fn boot_sources(&self) -> Vec<BootSource<'_>> {
        let mut keys = self.managed_data_sources();
        for namespace in self.golden.namespaces() {
            let here = self.objects_in(Kind::DataSource, namespace).into_iter();
            let kept = here.filter(|seen| match self.golden_image(seen.name, None) {
                Known::Known(Some(image)) => image.namespace.name == namespace,
                Known::Known(None) | Known::Unknown => true,
            });
            keys.extend(kept.map(|seen| (namespace, seen.name)));
        }
        keys.sort_unstable();
        keys.dedup();
        keys.into_iter()
            .map(|(namespace, name)| self.boot_source(namespace, name))
            .collect()
    }

    /// A live cron that keeps a `DataSource` of this name up to date, if this is its name. A label or a name alone
    /// proves nothing.
    pub(super) fn live_cron<'v>(
        &'v self,
        namespace: &str,
        name: &'v str,
    ) -> Known<Option<Cron<'v>>> {
        match self.object(Kind::DataImportCron, namespace, name) {
            Known::Known(Some(Fact::DataImportCron(fact))) => {
                Known::Known(Some(Cron { name, fact }))
            }
            Known::Known(_) => Known::Known(None),
            Known::Unknown => Known::Unknown,
        }
    }

    fn data_source<'v>(&'v self, namespace: &str, name: &str) -> Known<Option<&'v DataSource>> {
        self.object(Kind::DataSource, namespace, name)
            .map(|object| match object {
                Some(Fact::DataSource(source)) => Some(&**source),
                _ => None,
            })
    }
}

impl<'v> BootSource<'v> {
    /// A boot source whose `DataSource` was read elsewhere, for example live.
    pub fn of(
        view: &'v ClusterView,
        namespace: &'v str,
        name: &'v str,
        data_source: Known<Option<&'v DataSource>>,
    ) -> Self {
        let mut source = Self {
            namespace,
            name,
            data_source,
            pointer: None,
            names: None,
            volume: Known::Unknown,
            cron: Known::Unknown,
            view,
        };
        let (managed, data_source) = source.follow_pointer();
        source.names = data_source
            .known()
            .flatten()
            .and_then(|data_source| VolumeName::of(data_source, namespace));
        source.volume = match (data_source, source.names) {
            (Known::Known(_), None) => Known::Known(None),
            (Known::Known(_), Some(names)) => view.source_volume(names),
            (Known::Unknown, _) => Known::Unknown,
        };
        source.cron = match data_source {
            Known::Known(Some(DataSource {
                cron: Some(cron), ..
            })) => view
                .live_cron(namespace, cron)
                .map(|cron| cron.filter(|cron| *cron.fact.managed_data_source == *managed)),
            Known::Known(_) => Known::Known(None),
            Known::Unknown => Known::Unknown,
        };
        source
    }

    /// The `DataSource` that counts, and its name: one hop, in the same namespace
    /// (`GetReferencedDataSource` in CDI's `pkg/controller/common/util.go`).
    fn follow_pointer(&mut self) -> (&'v str, Known<Option<&'v DataSource>>) {
        let Known::Known(Some(DataSource {
            source: Some(to), ..
        })) = self.data_source
        else {
            return (self.name, self.data_source);
        };
        if to.object != SourceObject::DataSource {
            return (self.name, self.data_source);
        }
        self.pointer = Some(&to.name);
        let elsewhere = !to.namespace.is_empty() && *to.namespace != *self.namespace;
        if elsewhere || *to.name == *self.name {
            return (self.name, Known::Known(None));
        }
        (&to.name, self.view.data_source(self.namespace, &to.name))
    }

    /// `Ok` if it can be used; else why not; `None` while nobody has said so.
    pub fn ready(&self) -> Option<Result<(), &'v Condition>> {
        let data_source = self.data_source.known()??;
        Some(data_source.ready.as_ref()?.as_ref().copied())
    }

    /// Whether it can be used.
    pub fn is_ready(&self) -> bool {
        self.ready().is_some_and(|ready| ready.is_ok())
    }

    /// When its cron imported last, RFC 3339 in UTC.
    pub fn last_import(&self) -> Option<&'v str> {
        self.cron.known()??.fact.last_import.as_deref()
    }

    /// Whether it holds an image that somebody uploaded: there is one, and no cron keeps it.
    pub fn is_uploaded(&self) -> bool {
        matches!(self.cron, Known::Known(None)) && matches!(self.volume, Known::Known(Some(_)))
    }

    /// What its cron imported before and has left: claims and snapshots with its label that are not the one in use,
    /// oldest first. The cost grows with the namespace.
    pub fn older_imports(&self) -> Vec<SourceVolume<'v>> {
        let Known::Known(Some(cron)) = self.cron else {
            return Vec::new();
        };
        let in_use = self.volume.known().flatten();
        let wanted = cron.fact.desired_import.as_ref();
        let wanted = wanted.and_then(|name| name.as_deref().ok());
        let mut older: Vec<SourceVolume<'v>> = [
            (
                Kind::PersistentVolumeClaim,
                SourceObject::PersistentVolumeClaim,
            ),
            (Kind::VolumeSnapshot, SourceObject::VolumeSnapshot),
        ]
        .into_iter()
        .flat_map(|(kind, object)| {
            let here = self.view.objects_in(kind, self.namespace).into_iter();
            here.filter_map(move |seen| {
                let name = VolumeName {
                    object,
                    namespace: seen.namespace,
                    name: seen.name,
                };
                self.view.source_volume(name).known()?
            })
        })
        .filter(|volume| {
            volume.label_of_cron == Some(cron.name)
                && Some(volume.name) != in_use.map(|volume| volume.name)
                && Some(volume.name) != wanted
        })
        .collect();
        older.sort_unstable_by_key(|volume| (volume.created, volume.name));
        older
    }
}

#[cfg(test)]
mod tests;
