//! What is known of the cluster: plain, immutable data.
//!
//! A [`ClusterView`] is built by one [`Builder`], whether the objects come from a watch, from files or from a one-shot
//! list, and is then shared and never changed. It holds pruned facts ([`Fact`]), not objects.
//!
//! "Absent" and "not seen" are never mixed: see [`Known`] and [`Coverage`]. What a decision needs to be sure of beyond
//! the view is asked for as a [`Question`], so that an adapter can ask the live cluster; this module does no IO.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod access;
mod boot_source;
mod builder;
mod claim;
mod cron;
mod fact;
mod facts;
mod golden;
mod hyper_converged;
mod image;
mod kind;
mod platform;
mod pruned;
mod snapshot;
mod storage;
mod thin;
mod view;

pub use access::{Access, Someone};
pub use boot_source::{Condition, DataSource, InstanceDefaults, SourceObject, SourceReference};
pub use builder::Builder;
pub use claim::{
    PersistentVolumeClaim, SnapshotReference, VolumeMode, VolumeSnapshot, VolumeSnapshotContent,
    bytes,
};
pub use cron::{ClaimField, DataImportCron, ImportClaim, SourceFormat, UnnamedDigest};
pub use fact::{Fact, ObjectKey};
pub use facts::{Answer, Answers, Facts, Question};
pub use golden::{GoldenImage, GoldenNamespace, Origin};
pub use hyper_converged::{HyperConverged, HyperConvergedVersion, ImageTemplate};
pub use image::{
    BootSource, CloneCost, Comeback, CopyReason, Cron, Expected, SourceClass, SourceVolume,
    Standing, Updates, VolumeName,
};
pub use kind::{Kind, KindInfo, Scope};
pub use platform::{Cdi, CdiVersion, Namespace};
pub use pruned::{Pruned, each_object};
pub use snapshot::{Snapshot, SnapshotKind};
pub use storage::{DefaultClasses, StorageClass, StorageProfile};
pub use thin::{thin, thin_to};
pub use view::{ClusterView, Coverage, Seen};

/// A fact, or the admission that it is not known. "There is none" is a known fact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Known<T> {
    /// The fact.
    Known(T),
    /// Not seen, not readable, or not yet asked for.
    #[default]
    Unknown,
}

impl<T> Known<T> {
    /// The fact, if it is known.
    pub fn known(self) -> Option<T> {
        match self {
            Self::Known(fact) => Some(fact),
            Self::Unknown => None,
        }
    }

    /// Changes the fact, if it is known.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Known<U> {
        match self {
            Self::Known(fact) => Known::Known(change(fact)),
            Self::Unknown => Known::Unknown,
        }
    }

    /// Borrows the fact.
    pub const fn as_ref(&self) -> Known<&T> {
        match self {
            Self::Known(fact) => Known::Known(fact),
            Self::Unknown => Known::Unknown,
        }
    }
}
