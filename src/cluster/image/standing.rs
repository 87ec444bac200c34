//! Whether a boot source is on the storage class that it should be on, and who brings it there.

use super::super::{CdiVersion, ClaimField, ClusterView, Kind, Known};
use super::{BootSource, Cron, DefaultClasses, SourceClass};

/// The storage class on which an image would be imported today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected<'v> {
    /// The one that its template names.
    Explicit(&'v str),
    /// The default, of virtual machine disks or (`spec.pvc`) of Kubernetes.
    Default(&'v str),
    /// There is no default, or the class that the template names is not there or is none (`""`): CDI leaves the image
    /// where it is, and so nothing is wrong.
    Nothing,
    /// Nobody knows.
    Unknown,
}

impl<'v> Expected<'v> {
    /// The name of the class, if there is one.
    pub const fn name(self) -> Option<&'v str> {
        match self {
            Self::Explicit(name) | Self::Default(name) => Some(name),
            Self::Nothing | Self::Unknown => None,
        }
    }
}

/// Whether a boot source is on the class on which it would be imported today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is.
    Right,
    /// It is on another one.
    Stale,
    /// It is on another one as far as can be told.
    ProbablyStale,
    /// No class is expected, or there is no image.
    Nothing,
    /// Nobody knows: never to be taken for stale.
    Unknown,
}

impl Standing {
    /// Whether it is on another class, or probably so.
    pub const fn is_stale(self) -> bool {
        matches!(self, Self::Stale | Self::ProbablyStale)
    }
}

/// Who brings a boot source onto the class that is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comeback {
    /// CDI: it deletes the newest import and imports it again, or imports a newer image anyway.
    ByItself,
    /// Nobody: no cron imports it. It has to be copied or uploaded again.
    Uploaded,
    /// Its cron, once the import is deleted by hand: this version of CDI does not follow the class.
    TooOld,
    /// Its cron, once the import is deleted by hand: the cron takes the import for right. It has noted no class (it was
    /// made anew and has taken over what was there), or notes the class already.
    Adopted,
    /// Its cron, at best when it next looks for an image: it does not know which import to delete.
    NoDigest,
    /// Nobody knows: the version of CDI or the cron can't be read.
    Unknown,
}

impl Comeback {
    /// Whether a live cron imports it again once the import is deleted by hand, and not before.
    pub const fn needs_a_hand(self) -> bool {
        matches!(self, Self::TooOld | Self::Adopted | Self::NoDigest)
    }
}

/// What CDI's `GetStorageClassByNameWithVirtFallback` makes of the class that a template names.
enum Wish<'v> {
    Named(&'v str),
    Default,
    /// There is no such class.
    Nothing,
    Unknown,
}

impl<'v> BootSource<'v> {
    /// The class on which it would be imported today, if these were the defaults.
    pub fn expected(&self, defaults: Known<DefaultClasses<'v>>) -> Expected<'v> {
        let (Known::Known(cron), Known::Known(defaults)) = (self.cron, defaults) else {
            return self.explicit().unwrap_or(Expected::Unknown);
        };
        match cron.map_or(Wish::Default, |cron| wish(self.view, &cron)) {
            Wish::Named(name) => Expected::Explicit(name),
            Wish::Nothing => Expected::Nothing,
            Wish::Unknown => Expected::Unknown,
            Wish::Default => {
                let field = cron.map_or(ClaimField::Storage, |cron| cron.fact.claim.field);
                defaults
                    .of(field)
                    .map_or(Expected::Nothing, Expected::Default)
            }
        }
    }

    /// A class that the template names is expected whatever the defaults are.
    fn explicit(&self) -> Option<Expected<'v>> {
        match wish(self.view, &self.cron.known()??) {
            Wish::Named(name) => Some(Expected::Explicit(name)),
            Wish::Nothing => Some(Expected::Nothing),
            Wish::Default | Wish::Unknown => None,
        }
    }

    /// Whether it is on the class on which it would be imported today, if these were the defaults.
    pub fn standing(&self, defaults: Known<DefaultClasses<'v>>) -> Standing {
        let class = match self.volume {
            Known::Known(Some(volume)) => volume.class,
            Known::Known(None) => return Standing::Nothing,
            Known::Unknown => return Standing::Unknown,
        };
        let expected = match self.expected(defaults) {
            Expected::Explicit(name) | Expected::Default(name) => name,
            Expected::Nothing => return Standing::Nothing,
            Expected::Unknown => return Standing::Unknown,
        };
        match class {
            SourceClass::Known(name) | SourceClass::Probably(name) if name == expected => {
                Standing::Right
            }
            SourceClass::Known(_) => Standing::Stale,
            SourceClass::Probably(_) => Standing::ProbablyStale,
            SourceClass::Driver(driver) => match self.view.storage_class(expected) {
                Some(class) if *class.provisioner != *driver => Standing::ProbablyStale,
                _ => Standing::Unknown,
            },
            SourceClass::Unknown => Standing::Unknown,
        }
    }

    /// Who brings it onto the class that is expected, if these were the defaults. Asked of a boot source that is stale.
    ///
    /// The cron controller compares the class that it noted with the one that it wants, by the default for
    /// virtualisation whatever field its template uses, and deletes the import that is named after the digest it wants
    /// (`update` and `handleStorageClassChange`).
    pub fn comeback(&self, defaults: Known<DefaultClasses<'v>>) -> Comeback {
        let cron = match self.cron {
            Known::Known(Some(cron)) => cron,
            Known::Known(None) => return Comeback::Uploaded,
            Known::Unknown => return Comeback::Unknown,
        };
        let Some(Ok(import)) = &cron.fact.desired_import else {
            return Comeback::NoDigest;
        };
        let in_use = self.volume.known().flatten().map(|volume| volume.name);
        if in_use.is_some_and(|name| *name != **import) {
            return Comeback::ByItself;
        }
        let wanted = match (wish(self.view, &cron), defaults) {
            (Wish::Named(name), _) => Some(name),
            (Wish::Default, Known::Known(defaults)) => defaults.virt,
            (Wish::Nothing, _) => None,
            (Wish::Default | Wish::Unknown, _) => return Comeback::Unknown,
        };
        let version = self.view.cdi_version();
        match version.and_then(CdiVersion::follows_class_changes) {
            None => Comeback::Unknown,
            Some(false) => Comeback::TooOld,
            Some(true) => match (cron.fact.imported_on.as_deref(), wanted) {
                (Some(noted), Some(wanted)) if noted != wanted => Comeback::ByItself,
                _ => Comeback::Adopted,
            },
        }
    }
}

fn wish<'v>(view: &ClusterView, cron: &Cron<'v>) -> Wish<'v> {
    let Some(name) = cron.fact.claim.storage_class.as_deref() else {
        return Wish::Default;
    };
    if name.is_empty() {
        return Wish::Nothing;
    }
    match view.object(Kind::StorageClass, "", name) {
        Known::Known(Some(_)) => Wish::Named(name),
        Known::Known(None) => Wish::Nothing,
        Known::Unknown => Wish::Unknown,
    }
}
