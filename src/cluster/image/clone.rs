//! What a clone of a boot source costs.

use super::super::{ClusterView, SourceObject, StorageProfile, VolumeMode};
use super::SourceVolume;

/// Whether a clone is made by the storage or copied through the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloneCost<'v> {
    /// The storage makes it, as far as can be told.
    Fast,
    /// The whole disk is copied, and why.
    FullCopy(CopyReason<'v>),
    /// Nobody knows.
    Unknown,
}

/// Why a clone copies the whole disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyReason<'v> {
    /// Source and clone are on different drivers.
    Provisioner {
        /// The driver of the source.
        from: &'v str,
        /// The driver of the clone.
        to: &'v str,
    },
    /// Source and clone are handed out differently.
    VolumeMode {
        /// That of the source.
        from: VolumeMode,
        /// That of the clone.
        to: VolumeMode,
    },
    /// The storage of the clone is set to copy (`cloneStrategy: copy`).
    Strategy,
}

impl ClusterView {
    /// What a clone onto a storage class costs. `volume_mode` is that which the claim names, if it names one.
    ///
    /// CDI compares drivers, not classes (`pkg/controller/clone/planner.go`). The strategy of the storage profile counts
    /// for claims only.
    pub fn clone_cost<'v>(
        &'v self,
        source: &SourceVolume<'v>,
        class: &str,
        volume_mode: Option<VolumeMode>,
    ) -> CloneCost<'v> {
        let Some(target) = self.storage_class(class) else {
            return CloneCost::Unknown;
        };
        let profile = self.storage_profile(class);
        if let Some(from) = source.provisioner
            && *from != *target.provisioner
        {
            let to = &target.provisioner;
            return CloneCost::FullCopy(CopyReason::Provisioner { from, to });
        }
        if source.object == SourceObject::PersistentVolumeClaim && self.copies(profile) {
            return CloneCost::FullCopy(CopyReason::Strategy);
        }
        let wanted = volume_mode.or_else(|| profile?.volume_mode);
        if let (Some(from), Some(to)) = (source.volume_mode, wanted)
            && from != to
        {
            return CloneCost::FullCopy(CopyReason::VolumeMode { from, to });
        }
        if source.provisioner.is_some() {
            CloneCost::Fast
        } else {
            CloneCost::Unknown
        }
    }

    /// Whether clones of claims onto a class are copies by setting: that of CDI goes before that of the storage.
    fn copies(&self, profile: Option<&StorageProfile>) -> bool {
        let overall = self
            .cdi()
            .and_then(|cdi| cdi.clone_strategy_override.as_deref());
        let own = profile.and_then(|profile| profile.clone_strategy.as_deref());
        overall.or(own) == Some("copy")
    }
}
