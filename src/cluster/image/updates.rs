//! Whether a boot source is kept up to date, and by which switch it is not.

use super::super::{HyperConvergedVersion, Known};
use super::BootSource;

/// Whether newer images are imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Updates<'v> {
    /// They are, by this schedule of cron(8).
    On(&'v str),
    /// A cron imports it once and never looks again: its schedule is empty.
    Once,
    /// The platform imports no boot images of its own, read in this version.
    OffForAll(HyperConvergedVersion),
    /// The image's template is switched off by its annotation.
    OffForImage,
    /// A claim of the name of the `DataSource` stands in the way
    /// (`internal/operands/data-sources/reconcile.go` in kubevirt/ssp-operator).
    ForeignClaim,
    /// No cron imports it: somebody uploaded it.
    Uploaded,
    /// Nobody knows.
    Unknown,
}

impl Updates<'_> {
    /// The switch in few words; the schedule where there is none.
    pub fn describe(&self) -> String {
        match self {
            Self::On(schedule) => format!("on ({schedule})"),
            Self::Once => "off (empty schedule)".to_owned(),
            Self::OffForAll(version) => format!("off ({})", version.import_field()),
            Self::OffForImage => {
                "off (annotation dataimportcrontemplate.kubevirt.io/enable)".to_owned()
            }
            Self::ForeignClaim => "off (a PVC of the same name)".to_owned(),
            Self::Uploaded => "none: uploaded".to_owned(),
            Self::Unknown => "unknown".to_owned(),
        }
    }
}

impl<'v> BootSource<'v> {
    /// Whether newer images are imported, and by which switch they are not.
    pub fn updates(&self) -> Updates<'v> {
        match self.cron {
            Known::Unknown => Updates::Unknown,
            Known::Known(Some(cron)) if cron.fact.schedule.is_empty() => Updates::Once,
            Known::Known(Some(cron)) => Updates::On(&cron.fact.schedule),
            Known::Known(None) => self.switch(),
        }
    }

    /// Why no cron keeps it.
    fn switch(&self) -> Updates<'v> {
        let settings = self.view.hyper_converged();
        let volume = self.volume.known().flatten();
        let name = self.pointer.unwrap_or(self.name);
        let Known::Known(settings) = settings else {
            return Updates::Unknown;
        };
        let managed = settings.is_some_and(|settings| {
            let mut templates = settings.templates.iter();
            templates.any(|template| *template.managed_data_source == *name)
        });
        let switched_off = settings
            .is_some_and(|settings| settings.switched_off.iter().any(|other| **other == *name));
        match (settings, volume) {
            _ if switched_off => Updates::OffForImage,
            // Where the platform manages the image and yet no cron does, a claim of its name has taken its place.
            (_, Some(volume)) if managed && volume.name == name => Updates::ForeignClaim,
            (Some(settings), _) if !settings.imports_boot_images && self.was_imported() => {
                Updates::OffForAll(settings.version)
            }
            _ => Updates::Uploaded,
        }
    }

    /// Whether what it holds, or its label, says that a cron once imported it.
    fn was_imported(&self) -> bool {
        let volume = self.volume.known().flatten();
        let label = self.data_source.known().flatten();
        volume.is_some_and(|volume| volume.label_of_cron.is_some())
            || label.is_some_and(|source| source.cron.is_some())
    }
}
