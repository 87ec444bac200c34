//! Following a live cluster: the adapter between the API server and [`ClusterView`].
//!
//! ```text
//! discovery --(which kinds, which versions)--> one follower a kind --(changes, one bounded channel)--> keeper --> view
//! ```
//!
//! A kind that is not served is none: it is taken up when it appears. A kind that can't be listed within ten seconds is
//! unknown and holds nothing up. A kind that was listed stays known while the API server is away; its age tells. What a
//! decision must be sure of is read live ([`LiveReader`]). Nothing is written but Events, where they are asked for
//! ([`EventWriter`]).

mod client;
mod discovery;
mod events;
mod evidence;
mod failure;
mod follow;
mod keeper;
mod live;
mod pager;
mod registered;
mod resource;
mod snapshot;
mod standing;
mod task;
mod tls_profile;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::watch;

pub use client::{Error, client};
pub use events::{DenialEvent, EventWriter, NotWritten};
pub use evidence::gather;
pub use live::{LiveReader, LiveReads};
pub use pager::{ListError, Pager};
pub use registered::{Configuration, webhook_configurations};
pub use snapshot::{SnapshotError, Step, take_snapshot};
pub use tls_profile::follow_tls_profile;

use crate::cluster::{ClusterView, Kind};
use discovery::{Served, discover};
use keeper::{Freshness, Keeper};
use task::Task;

/// Follows a cluster until it is dropped.
#[derive(Debug)]
pub struct Watch {
    view: Arc<ArcSwap<ClusterView>>,
    live: LiveReader,
    freshness: Arc<Freshness>,
    /// End with this.
    _tasks: [Task; 2],
}

impl Watch {
    /// Begins to follow the cluster, in tasks of the current runtime. The view is unknown at first, and settled
    /// ([`ClusterView::is_settled`]) when every kind is listed, absent or out of reach, after some ten seconds at most.
    pub fn start(client: kube::Client) -> Self {
        let view = Arc::new(ArcSwap::from_pointee(ClusterView::unknown()));
        let freshness = Arc::new(Freshness::new());
        let (found, served) = watch::channel(Served::default());
        let live = LiveReader::new(client.clone(), served.clone());
        let keeper = Keeper::new(client.clone(), served, view.clone(), freshness.clone());
        let tasks = [
            Task::spawn(discover(client, found)),
            Task::spawn(keeper.run()),
        ];
        Self {
            view,
            live,
            freshness,
            _tasks: tasks,
        }
    }

    /// What is known of the cluster now. One request loads it once.
    pub fn view(&self) -> Arc<ClusterView> {
        self.view.load_full()
    }

    /// Where the view is published, for those that outlive a borrow of this.
    pub fn shared_view(&self) -> Arc<ArcSwap<ClusterView>> {
        self.view.clone()
    }

    /// Reads single objects live.
    pub fn live(&self) -> LiveReader {
        self.live.clone()
    }

    /// How long ago the API server last said something of each kind: a list, an event, or that nothing has changed (at
    /// least every three minutes). `None` for kinds that are not served, not listed yet, or not followed.
    pub fn ages(&self) -> Vec<(Kind, Option<Duration>)> {
        self.freshness.ages()
    }
}
