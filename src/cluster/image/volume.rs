//! The claim or snapshot that a boot source is in the end, and its storage class.

use super::super::{
    ClusterView, DataSource, Fact, Kind, Known, SourceObject, VolumeMode, VolumeSnapshot,
};
use super::Cron;

/// The storage class of a boot source, by how sure that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceClass<'v> {
    /// The class of its claim, or the one that its cron noted when it imported it.
    Known(&'v str),
    /// The only class of the driver that holds it, or the one that its cron noted for a later import.
    Probably(&'v str),
    /// One of several classes of the driver that holds it.
    Driver(&'v str),
    /// Nobody knows: never stale.
    Unknown,
}

impl<'v> SourceClass<'v> {
    /// The name of the class, if there is one to be told.
    pub const fn name(self) -> Option<&'v str> {
        match self {
            Self::Known(name) | Self::Probably(name) => Some(name),
            Self::Driver(_) | Self::Unknown => None,
        }
    }

    /// What to tell people: the class, or whose class it is.
    pub fn describe(self) -> String {
        match self {
            Self::Known(name) | Self::Probably(name) => name.to_owned(),
            Self::Driver(driver) => format!("a class of {driver}"),
            Self::Unknown => "an unknown class".to_owned(),
        }
    }
}

/// The name of a claim or a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VolumeName<'v> {
    /// Which of the two.
    pub object: SourceObject,
    /// Its namespace.
    pub namespace: &'v str,
    /// Its name.
    pub name: &'v str,
}

impl<'v> VolumeName<'v> {
    /// What a `DataSource` in this namespace names; `None` if that is another `DataSource`, or nothing.
    pub(super) fn of(data_source: &'v DataSource, namespace: &'v str) -> Option<Self> {
        let to = data_source.source.as_ref()?;
        let elsewhere = Some(&*to.namespace).filter(|name| !name.is_empty());
        (to.object != SourceObject::DataSource).then_some(Self {
            object: to.object,
            namespace: elsewhere.unwrap_or(namespace),
            name: &to.name,
        })
    }

    /// The kind of object that it names.
    pub const fn kind(self) -> Kind {
        match self.object {
            SourceObject::PersistentVolumeClaim => Kind::PersistentVolumeClaim,
            SourceObject::VolumeSnapshot => Kind::VolumeSnapshot,
            SourceObject::DataSource => Kind::DataSource,
        }
    }
}

/// A claim or a snapshot that boot sources are.
#[derive(Clone, Copy, Debug)]
pub struct SourceVolume<'v> {
    /// Which of the two.
    pub object: SourceObject,
    /// Its namespace.
    pub namespace: &'v str,
    /// Its name.
    pub name: &'v str,
    /// Its storage class.
    pub class: SourceClass<'v>,
    /// The driver that holds it, if it is known.
    pub provisioner: Option<&'v str>,
    /// How it was handed out.
    pub volume_mode: Option<VolumeMode>,
    /// Bytes that a clone needs at least.
    pub size: Option<u64>,
    /// `metadata.creationTimestamp`, RFC 3339 in UTC.
    pub created: &'v str,
    /// The cron that its label names; anyone can write labels ([`ClusterView::importer`]).
    pub label_of_cron: Option<&'v str>,
}

impl ClusterView {
    /// The claim or snapshot of this name, as a boot source. The cost does not grow with the cluster.
    pub fn source_volume<'v>(&'v self, name: VolumeName<'v>) -> Known<Option<SourceVolume<'v>>> {
        let kind = name.kind();
        // Claims and snapshots are followed in the golden namespaces only: what is missing elsewhere was not looked at.
        let followed = self.coverage(kind).is_final(name.namespace)
            || self.is_golden_namespace(name.namespace);
        match self.object(kind, name.namespace, name.name) {
            Known::Known(None) if !followed => Known::Unknown,
            found => found.map(|fact| Some(self.read_volume(name, fact?))),
        }
    }

    /// The same of an object that was read elsewhere, for example live.
    pub fn read_volume<'v>(&'v self, name: VolumeName<'v>, fact: &'v Fact) -> SourceVolume<'v> {
        let VolumeName {
            object,
            namespace,
            name,
        } = name;
        let mut volume = SourceVolume {
            object,
            namespace,
            name,
            class: SourceClass::Unknown,
            provisioner: None,
            volume_mode: None,
            size: None,
            created: "",
            label_of_cron: None,
        };
        match fact {
            Fact::PersistentVolumeClaim(claim) => {
                let class = claim.storage_class.as_deref();
                volume.class = class
                    .filter(|name| !name.is_empty())
                    .map_or(SourceClass::Unknown, SourceClass::Known);
                volume.volume_mode = claim.volume_mode;
                volume.size = claim.size;
                volume.created = &claim.created;
                volume.label_of_cron = claim.cron.as_deref();
            }
            Fact::VolumeSnapshot(snapshot) => {
                let driver = self.driver_of(namespace, name, snapshot);
                volume.class = self.class_of_snapshot(namespace, name, snapshot, driver);
                volume.provisioner = driver;
                volume.volume_mode = snapshot.volume_mode;
                volume.size = snapshot.size;
                volume.created = &snapshot.created;
                volume.label_of_cron = snapshot.cron.as_deref();
            }
            _ => {}
        }
        volume.provisioner = volume
            .provisioner
            .or_else(|| Some(&*self.storage_class(volume.class.name()?)?.provisioner));
        volume
    }

    /// The class of a snapshot, which has no field for it: what the cron that imported it noted, else the class of the
    /// claim it was taken of, else a class of the driver that holds it.
    ///
    /// A cron that was made anew takes over a snapshot that is there and notes the class it would have used
    /// (`createImportDataVolume`): a note that the driver contradicts counts for nothing.
    fn class_of_snapshot<'v>(
        &'v self,
        namespace: &str,
        name: &str,
        snapshot: &'v VolumeSnapshot,
        driver: Option<&'v str>,
    ) -> SourceClass<'v> {
        let cron = self.importer(namespace, name, snapshot.cron.as_deref());
        if let Known::Known(Some(cron)) = cron
            && let Some(class) = cron.fact.imported_on.as_deref()
            && !self.contradicts(driver, class)
        {
            return match &cron.fact.desired_import {
                Some(Ok(import)) if **import != *name => SourceClass::Probably(class),
                _ => SourceClass::Known(class),
            };
        }
        let claim = snapshot.source_claim.as_deref();
        let claim = claim.map(|claim| self.object(Kind::PersistentVolumeClaim, namespace, claim));
        if let Some(Known::Known(Some(Fact::PersistentVolumeClaim(claim)))) = claim
            && let Some(class) = claim.storage_class.as_deref()
            && !class.is_empty()
        {
            return SourceClass::Known(class);
        }
        driver.map_or(SourceClass::Unknown, |driver| self.class_of_driver(driver))
    }

    /// Whether a class is known to belong to another driver.
    fn contradicts(&self, driver: Option<&str>, class: &str) -> bool {
        let provisioner = self.storage_class(class).map(|class| &*class.provisioner);
        matches!((driver, provisioner), (Some(driver), Some(other)) if driver != other)
    }

    fn class_of_driver<'v>(&'v self, driver: &'v str) -> SourceClass<'v> {
        let Known::Known(classes) = self.storage_classes() else {
            return SourceClass::Driver(driver);
        };
        let mut classes = classes
            .into_iter()
            .filter(|(_, class)| *class.provisioner == *driver);
        match (classes.next(), classes.next()) {
            (Some((only, _)), None) => SourceClass::Probably(only),
            _ => SourceClass::Driver(driver),
        }
    }

    /// The driver that holds a snapshot: that of the content it is bound to, if the content says the same.
    fn driver_of<'v>(
        &'v self,
        namespace: &str,
        name: &str,
        snapshot: &VolumeSnapshot,
    ) -> Option<&'v str> {
        let content = snapshot.content.as_deref()?;
        match self.object(Kind::VolumeSnapshotContent, "", content) {
            Known::Known(Some(Fact::VolumeSnapshotContent(content))) => {
                let to = &content.volume_snapshot_ref;
                let mutual = *to.namespace == *namespace && *to.name == *name;
                Some(&*content.driver).filter(|driver| mutual && !driver.is_empty())
            }
            _ => None,
        }
    }

    /// The live cron that imported a claim or a snapshot of this name: the one that its label names, if the name is one
    /// that this cron gives.
    pub fn importer<'v>(
        &'v self,
        namespace: &str,
        name: &str,
        label: Option<&'v str>,
    ) -> Known<Option<Cron<'v>>> {
        let Some(label) = label else {
            return Known::Known(None);
        };
        let is_own = |cron: &Cron<'_>| {
            let rest = name.strip_prefix(&*cron.fact.managed_data_source);
            rest.and_then(|rest| rest.strip_prefix('-'))
                .is_some_and(|hash| {
                    !hash.is_empty() && hash.bytes().all(|c| c.is_ascii_alphanumeric())
                })
        };
        self.live_cron(namespace, label)
            .map(|cron| cron.filter(is_own))
    }
}
