//! What may be deleted so that it is imported again, in a safe order.
//!
//! Only what a live `DataImportCron` imports again is ever to be deleted: what was uploaded never comes back. Older
//! imports are kept on purpose, for a way back, and no cron imports them again: their deletion is for people to choose.

use crate::cluster::{BootSource, Comeback, Cron, Known, SourceObject, SourceVolume};

use super::{Census, Gap, Spot};

/// Whether a deletion is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is: the cron of this name imports the image again.
    Safe,
    /// Not yet: so many clones of it are under way.
    InUse(u64),
    /// Not before somebody has looked whether clones are under way, and why that is not known.
    Unseen(String),
    /// By choice: an older import, kept on purpose; so many are to be kept.
    Older(Option<u32>),
    /// By choice: the cron knows no digest yet, and imports again at best when it next looks for an image.
    NoDigest,
}

/// Objects that are deleted together.
#[derive(Clone, Debug)]
pub struct Deletion<'v> {
    /// The boot source they belong to.
    pub source: BootSource<'v>,
    /// The cron that imports it.
    pub cron: Cron<'v>,
    /// The import.
    pub volume: SourceVolume<'v>,
    /// Whether the deletion is to be made.
    pub reason: Reason,
}

impl Deletion<'_> {
    /// The resources, in the order of deletion: CDI would make a claim anew as long as its `DataVolume` is there. All of
    /// an import have its name.
    pub const fn resources(&self) -> &'static [&'static str] {
        match self.volume.object {
            SourceObject::VolumeSnapshot => {
                &["datavolume", "volumesnapshot", "persistentvolumeclaim"]
            }
            _ => &["datavolume", "persistentvolumeclaim"],
        }
    }
}

/// The deletions for stale boot sources and what they have left behind: older imports first, and the one in use last.
/// `gaps` are the kinds that could not be counted.
pub fn deletions<'v>(census: &Census<'v>, spots: &[Spot<'v>], gaps: &[Gap]) -> Vec<Deletion<'v>> {
    let unseen = gaps
        .iter()
        .find(|gap| matches!(gap.kind, "DataVolume" | "VolumeCloneSource"));
    let mut deletions = Vec::new();
    for spot in spots.iter().filter(|spot| spot.source.pointer.is_none()) {
        let Known::Known(Some(cron)) = spot.source.cron else {
            continue;
        };
        let in_use = |volume: &SourceVolume<'_>, reason| match (
            census.clones_of(volume.namespace, volume.name),
            unseen,
        ) {
            (0, None) => reason,
            (0, Some(gap)) => Reason::Unseen(format!("{}: {}", gap.kind, gap.reason)),
            (clones, _) => Reason::InUse(clones),
        };
        for volume in &spot.left_behind {
            deletions.push(Deletion {
                source: spot.source,
                cron,
                volume: *volume,
                reason: in_use(volume, Reason::Older(cron.fact.imports_to_keep)),
            });
        }
        let reason = match spot.comeback {
            Some(Comeback::TooOld | Comeback::Adopted) => Reason::Safe,
            Some(Comeback::NoDigest) => Reason::NoDigest,
            Some(Comeback::ByItself | Comeback::Uploaded | Comeback::Unknown) | None => continue,
        };
        if let Known::Known(Some(volume)) = spot.source.volume {
            deletions.push(Deletion {
                source: spot.source,
                cron,
                volume,
                reason: in_use(&volume, reason),
            });
        }
    }
    deletions
}
