//! What a cluster holds beyond its view, counted, and what would become of it.
//!
//! A [`ClusterView`](crate::cluster::ClusterView) knows boot sources and nothing of the hundred thousand virtual machines
//! made from them. Those go past one by one ([`Census::add`]) and leave counts behind: memory grows with boot sources and
//! storage classes only. On both rest the pictures that commands print:
//!
//! - [`Shelf`]: every boot source as it is, for `boot-sources`;
//! - [`deletions`]: what may be deleted so that it is imported again, in a safe order;
//! - [`ClassPlan`] and [`NamespacePlan`]: what a change would bring about, for `rehearse`.
//!
//! Nothing here asks a cluster or knows a clock: objects and times come in as arguments.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod census;
mod class_plan;
mod deletions;
mod listing;
mod namespace_plan;
mod shelf;

pub use census::{Census, Disk, DiskClass, How, Users};
pub use class_plan::{ClassPlan, CloneChange, Effect, Fate, ImagePlan, Mark};
pub use deletions::{Deletion, Reason, deletions};
pub use listing::{Gap, Listing};
pub use namespace_plan::{Destination, Move, NamespacePlan, Stay};
pub use shelf::{Shelf, Spot, age, every};
