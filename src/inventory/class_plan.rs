//! What would become of boot sources and their clones if another storage class were the default.

use crate::cluster::{
    BootSource, CloneCost, ClusterView, Comeback, DefaultClasses, Expected, Known, SourceClass,
    SourceFormat, SourceObject, SourceVolume, Standing,
};

use super::{Census, Disk, DiskClass, Users};

/// The annotation that makes a class the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// For virtual machine disks.
    Virt,
    /// Of Kubernetes.
    Plain,
}

impl Mark {
    /// Its key.
    pub const fn annotation(self) -> &'static str {
        match self {
            Self::Virt => "storageclass.kubevirt.io/is-default-virt-class",
            Self::Plain => "storageclass.kubernetes.io/is-default-class",
        }
    }
}

/// What would become of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate<'v> {
    /// CDI would import it again by itself.
    Again,
    /// Its cron would import it again, once somebody deletes the import.
    ByHand(Comeback),
    /// Nobody would: it was uploaded.
    Never,
    /// Its template names this class.
    Explicit(&'v str),
    /// It is on the new class already.
    There,
    /// It is not imported at the moment, or nothing is expected of it.
    Nothing,
    /// Nobody knows, and why.
    Unknown(&'static str),
}

impl Fate<'_> {
    /// Whether it would be imported onto the new class.
    pub const fn moves(self) -> bool {
        matches!(self, Self::Again | Self::ByHand(_))
    }
}

/// An image and what would become of it.
#[derive(Clone, Debug)]
pub struct ImagePlan<'v> {
    /// The boot source.
    pub source: BootSource<'v>,
    /// What would become of it.
    pub fate: Fate<'v>,
    /// Bytes that an import asks for, if that is known.
    pub size: Option<u64>,
    /// Older imports that would stay on other classes, oldest first.
    pub older: Vec<SourceVolume<'v>>,
}

/// Clones that are alike, and what one costs at three times.
#[derive(Clone, Debug)]
pub struct CloneChange<'v> {
    /// What they have in common.
    pub disk: Disk<'v>,
    /// Who makes them.
    pub users: Users,
    /// What one costs now.
    pub now: CloneCost<'v>,
    /// What one costs when the default has changed and images have not moved yet.
    pub until: CloneCost<'v>,
    /// What one costs when all images that will move have moved.
    pub after: CloneCost<'v>,
}

/// How the cost of a clone changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It is fast now, and a copy until the images have moved.
    CopiesUntilImported,
    /// It is fast now, and a copy for good.
    CopiesForGood,
    /// It is a copy now, and fast when the images have moved.
    FastFromThenOn,
    /// It costs what it did.
    None,
    /// Nobody knows.
    Unknown,
}

impl CloneChange<'_> {
    /// How the cost changes.
    pub const fn effect(&self) -> Effect {
        use CloneCost::{Fast, FullCopy, Unknown};
        match (self.now, self.until, self.after) {
            (Unknown, ..) | (.., Unknown) => Effect::Unknown,
            (Fast, _, FullCopy(_)) => Effect::CopiesForGood,
            (Fast, FullCopy(_), Fast) => Effect::CopiesUntilImported,
            (FullCopy(_), _, Fast) => Effect::FastFromThenOn,
            _ => Effect::None,
        }
    }
}

/// What would become of everything.
#[derive(Debug)]
pub struct ClassPlan<'v> {
    /// The class that would be the default.
    pub name: &'v str,
    /// The defaults as they are.
    pub before: DefaultClasses<'v>,
    /// The defaults as they would be.
    pub after: DefaultClasses<'v>,
    /// The annotation that would be moved: the one that decides today.
    pub mark: Mark,
    /// Every image, by namespace and name; names that only point at one are left out.
    pub images: Vec<ImagePlan<'v>>,
    /// Every kind of clone that virtual machines, pools and templates make.
    pub clones: Vec<CloneChange<'v>>,
}

impl<'v> ClassPlan<'v> {
    /// Works it out. The annotation is taken from all other classes, as an administrator would do it. Unknown if the
    /// storage classes are, or if there is none of that name.
    pub fn of(view: &'v ClusterView, census: &Census<'v>, name: &str) -> Known<Self> {
        let (Known::Known(classes), Known::Known(before)) =
            (view.storage_classes(), view.default_classes())
        else {
            return Known::Unknown;
        };
        let Some((name, _)) = classes.iter().find(|(own, _)| *own == name).copied() else {
            return Known::Unknown;
        };
        let mark = if classes.iter().any(|(_, class)| class.virt_default) {
            Mark::Virt
        } else {
            Mark::Plain
        };
        let after = match mark {
            Mark::Virt => DefaultClasses {
                virt: Some(name),
                ..before
            },
            Mark::Plain => DefaultClasses {
                virt: Some(name),
                plain: Some(name),
            },
        };
        let mut plan = Self {
            name,
            before,
            after,
            mark,
            images: Vec::new(),
            clones: Vec::new(),
        };
        let fates: Vec<Fate<'v>> = census
            .sources()
            .iter()
            .map(|source| plan.fate(source))
            .collect();
        let images = census.sources().iter().zip(&fates);
        plan.images = images
            .filter(|(source, _)| source.pointer.is_none())
            .map(|(source, fate)| plan.image(source, *fate))
            .collect();
        plan.clones = census
            .uses()
            .into_iter()
            .filter_map(|(disk, users)| {
                let source = census.sources().get(disk.source)?;
                plan.clone(view, source, *fates.get(disk.source)?, disk, users)
            })
            .collect();
        Known::Known(plan)
    }

    fn fate(&self, source: &BootSource<'v>) -> Fate<'v> {
        let after = Known::Known(self.after);
        match source.volume {
            Known::Unknown => return Fate::Unknown("it can't be told what it points at"),
            Known::Known(None) => return Fate::Nothing,
            Known::Known(Some(_)) => {}
        }
        match source.expected(after) {
            Expected::Explicit(class) => return Fate::Explicit(class),
            Expected::Nothing => return Fate::Nothing,
            Expected::Unknown => return Fate::Unknown("its DataImportCron can't be read"),
            // `spec.pvc` takes the plain default, which does not move here.
            Expected::Default(class) if class != self.name => return Fate::Explicit(class),
            Expected::Default(_) => {}
        }
        match source.standing(after) {
            Standing::Right => Fate::There,
            Standing::Nothing => Fate::Nothing,
            Standing::Unknown => Fate::Unknown("its storage class is not known"),
            Standing::Stale | Standing::ProbablyStale => match source.comeback(after) {
                Comeback::ByItself => Fate::Again,
                Comeback::Uploaded => Fate::Never,
                Comeback::Unknown => Fate::Unknown("the version of CDI is not known"),
                by_hand => Fate::ByHand(by_hand),
            },
        }
    }

    fn image(&self, source: &BootSource<'v>, fate: Fate<'v>) -> ImagePlan<'v> {
        let mut older = source.older_imports();
        older.retain(|volume| volume.class.name() != Some(self.name));
        if !fate.moves() {
            older.clear();
        }
        let claim = source
            .cron
            .known()
            .flatten()
            .and_then(|cron| cron.fact.claim.size);
        let volume = source.volume.known().flatten();
        ImagePlan {
            source: *source,
            fate,
            size: claim.or_else(|| volume?.size),
            older,
        }
    }

    fn clone(
        &self,
        view: &'v ClusterView,
        source: &BootSource<'v>,
        fate: Fate<'v>,
        disk: Disk<'v>,
        users: &Users,
    ) -> Option<CloneChange<'v>> {
        let volume = source.volume.known()??;
        let moved = if fate.moves() {
            self.moved(view, source, &volume)
        } else {
            volume
        };
        let cost = |volume: &SourceVolume<'v>, defaults| {
            let mode = disk.mode.or(disk.field.default_mode());
            target(&disk, defaults).map_or(CloneCost::Unknown, |class| {
                view.clone_cost(volume, class, mode)
            })
        };
        Some(CloneChange {
            disk,
            users: users.clone(),
            now: cost(&volume, self.before),
            until: cost(&volume, self.after),
            after: cost(&moved, self.after),
        })
    }

    /// The import as it would be on the new class.
    fn moved(
        &self,
        view: &'v ClusterView,
        source: &BootSource<'v>,
        volume: &SourceVolume<'v>,
    ) -> SourceVolume<'v> {
        let profile = view.storage_profile(self.name);
        let format = profile.and_then(|profile| profile.data_import_cron_source_format.as_deref());
        let claim = source.cron.known().flatten().map(|cron| &cron.fact.claim);
        let mode = claim.and_then(|claim| claim.volume_mode);
        SourceVolume {
            object: match format {
                Some("snapshot") => SourceObject::VolumeSnapshot,
                _ => SourceObject::PersistentVolumeClaim,
            },
            class: SourceClass::Known(self.name),
            provisioner: view
                .storage_class(self.name)
                .map(|class| &*class.provisioner),
            volume_mode: mode.or_else(|| profile?.volume_mode),
            ..*volume
        }
    }

    /// The images of one fate.
    pub fn images_that(&self, wanted: impl Fn(Fate<'v>) -> bool) -> Vec<&ImagePlan<'v>> {
        self.images
            .iter()
            .filter(|image| wanted(image.fate))
            .collect()
    }

    /// Bytes that images need on the new class, and how many of them nobody knows the size of.
    pub fn space(&self) -> (u64, usize) {
        let moving = self.images_that(Fate::moves);
        let known = moving.iter().filter_map(|image| image.size);
        let unknown = moving.iter().filter(|image| image.size.is_none()).count();
        (known.fold(0, u64::saturating_add), unknown)
    }

    /// Everybody whose clones change in one way, together.
    pub fn users_by(&self, effect: Effect) -> Users {
        let mut all = Users::default();
        for change in self
            .clones
            .iter()
            .filter(|change| change.effect() == effect)
        {
            all.add(&change.users);
        }
        all
    }

    /// The format in which CDI keeps imports on the new class, if its profile says.
    pub fn format(&self, view: &ClusterView) -> Option<SourceFormat> {
        let profile = view.storage_profile(self.name)?;
        SourceFormat::read(profile.data_import_cron_source_format.as_deref()?)
    }
}

/// The class that a disk is on.
fn target<'v>(disk: &Disk<'v>, defaults: DefaultClasses<'v>) -> Option<&'v str> {
    match disk.class {
        DiskClass::Named(name) => Some(name),
        DiskClass::Missing => None,
        DiskClass::Default => defaults.of(disk.field),
    }
}
