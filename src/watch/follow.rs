//! Following one kind: list it, watch it, and begin again when that ends.
//!
//! This is the loop of kube's `watcher`, written out for four things that one keeps to itself: bookmarks and watches
//! that come and go quietly (else the age of a kind that seldom changes could not be told from a dead connection), the
//! text of a page (it is pruned while it is read), errors (said once by the keeper, not at every attempt), and a
//! position that a watch can't be started from (it lists anew).

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use kube::Client;
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::runtime::utils::Backoff;
use kube::runtime::watcher::DefaultBackoff;
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};

use super::discovery::{Availability, Served};
use super::failure::{Failure, Position};
use super::resource::{Collection, Object, PAGE, PATIENCE, Page};
use super::task::jittered;
use crate::cluster::{Fact, Kind, Known, ObjectKey};

/// How long a watch lasts, before jitter. The API server ends it then; a dead connection shows by that at the latest.
const WATCH: Duration = Duration::from_mins(2);
/// How long a watch must have lasted without an error to be taken for one that works.
const SETTLING: Duration = Duration::from_secs(1);
/// Longest time between two attempts, before jitter: a conversion that is mended is not noticed any sooner.
const LONGEST: Duration = Duration::from_secs(10);
/// A watch that ended sooner did not work, whatever it said.
const SHORTEST_WATCH: Duration = Duration::from_secs(2);

/// What a follower follows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Source {
    /// The kind.
    pub(super) kind: Kind,
    /// The namespace, `""` for all.
    pub(super) namespace: Box<str>,
    /// For `VolumeSnapshotContents`, which are in no namespace: those of their snapshots that count. They are sorted.
    pub(super) snapshots_of: Vec<Box<str>>,
}

/// What a follower saw.
#[derive(Debug)]
pub(super) enum Change {
    /// The kind is served; a list will follow.
    Served,
    /// The kind is not served.
    NotServed,
    /// An attempt failed.
    Failed(Arc<str>),
    /// A list begins.
    Begin,
    /// A page of it.
    Listed(Vec<Object>),
    /// It is whole.
    Finish,
    /// An object is new or has changed.
    Apply(ObjectKey, Known<Fact>),
    /// An object is gone.
    Delete(ObjectKey),
    /// The watch works, and nothing has changed.
    Alive,
}

/// A change, and the follower that saw it.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) follower: u64,
    pub(super) change: Change,
}

/// Nobody listens any more.
struct Gone;

/// Follows a source.
pub(super) struct Follower {
    pub(super) id: u64,
    pub(super) source: Source,
    pub(super) client: Client,
    pub(super) served: watch::Receiver<Served>,
    pub(super) outbox: mpsc::Sender<Message>,
}

impl Follower {
    /// Follows until nobody listens any more.
    pub(super) async fn run(self) {
        let mut served = self.served.clone();
        loop {
            let now = served.borrow_and_update().of(self.source.kind);
            let changed = served.wait_for(|served| served.of(self.source.kind) != now);
            let gone = tokio::select! {
                Err(Gone) = self.follow(&now) => true,
                changed = changed => changed.is_err(),
            };
            if gone {
                return;
            }
        }
    }

    /// Follows for as long as the kind is as available as it is now.
    async fn follow(&self, availability: &Availability) -> Result<(), Gone> {
        match availability {
            Availability::Unasked => {}
            Availability::Failed(reason) => self.send(Change::Failed(reason.clone())).await?,
            Availability::NotServed => self.send(Change::NotServed).await?,
            Availability::Served(version) => {
                self.send(Change::Served).await?;
                return self.list_and_watch(version).await;
            }
        }
        std::future::pending().await
    }

    async fn list_and_watch(&self, version: &'static str) -> Result<(), Gone> {
        let collection = Collection {
            kind: self.source.kind,
            version,
            namespace: self.source.namespace.clone(),
        };
        let mut backoff = DefaultBackoff::default();
        let mut returns = self.served.borrow().returns;
        let mut position = None;
        loop {
            let attempt = match &mut position {
                None => self
                    .list(&collection)
                    .await?
                    .map(|listed| position = Some(listed)),
                Some(position) => self.watch(&collection, position, &mut backoff).await?,
            };
            if let Err(failure) = attempt {
                if failure.position != Position::Kept
                    && position.take().is_some()
                    && failure.position == Position::Expired
                {
                    // Nothing is wrong yet: the watch was away for too long, so list.
                    tracing::debug!(kind = ?self.source.kind, reason = %failure.reason, "listing anew");
                    continue;
                }
                tracing::debug!(kind = ?self.source.kind, reason = %failure.reason, "attempt failed");
                self.send(Change::Failed(failure.reason)).await?;
                self.back_off(&mut backoff, &mut returns).await;
            }
        }
    }

    /// Waits longer and longer; but not when the API server has come back, and anew if it came back since the last wait.
    async fn back_off(&self, backoff: &mut DefaultBackoff, returns: &mut u64) {
        let mut served = self.served.clone();
        let now = served.borrow_and_update().returns;
        if std::mem::replace(returns, now) != now {
            backoff.reset();
        }
        let delay = backoff.next().filter(|delay| *delay < LONGEST);
        let delay = delay.unwrap_or_else(|| jittered(LONGEST));
        let returned = served.wait_for(|served| served.returns != now);
        if let Ok(Ok(_)) = timeout(delay, returned).await {
            backoff.reset();
        }
    }

    /// Lists all pages. Returns the position from which a watch goes on.
    async fn list(&self, collection: &Collection) -> Result<Result<String, Failure>, Gone> {
        self.send(Change::Begin).await?;
        let mut parameters = ListParams::default().limit(PAGE);
        loop {
            let page = match self.page(collection, &parameters).await {
                Ok(page) => page,
                Err(failure) => return Ok(Err(failure)),
            };
            let wanted = page
                .objects
                .into_iter()
                .filter(|(_, fact)| self.wants(fact));
            self.send(Change::Listed(wanted.collect())).await?;
            parameters.continue_token = page.continue_token;
            if parameters.continue_token.is_none() {
                self.send(Change::Finish).await?;
                return Ok(Ok(page.resource_version));
            }
        }
    }

    async fn page(
        &self,
        collection: &Collection,
        parameters: &ListParams,
    ) -> Result<Page<Object>, Failure> {
        let keep = |object: Value| Fact::read(collection.kind, &object);
        Page::fetch(&self.client, collection, parameters, keep).await
    }

    /// Watches until the watch ends, moving the position on.
    async fn watch(
        &self,
        collection: &Collection,
        position: &mut String,
        backoff: &mut DefaultBackoff,
    ) -> Result<Result<(), Failure>, Gone> {
        let started = Instant::now();
        let lasts = jittered(WATCH);
        let seconds = u32::try_from(lasts.as_secs()).unwrap_or(u32::MAX);
        let parameters = WatchParams::default().timeout(seconds);
        let request = match collection.request().watch(&parameters, position) {
            Ok(request) => request,
            Err(error) => return Ok(Err(kube::Error::BuildRequest(error).into())),
        };
        let events = match timeout(PATIENCE, self.client.request_events::<Value>(request)).await {
            Ok(Ok(events)) => events,
            Ok(Err(error)) => return Ok(Err(error.into())),
            Err(_) => return Ok(Err(Failure::late())),
        };
        let mut events = std::pin::pin!(events);
        // A position that is too old is said in the first event, and nothing is said of one that is not.
        let mut patience = SETTLING;
        loop {
            match timeout(patience, events.next()).await {
                Ok(Some(Ok(event))) => {
                    if let Err(failure) = self.event(event, position).await? {
                        return Ok(Err(failure));
                    }
                    backoff.reset();
                }
                Ok(Some(Err(error))) => return Ok(Err(error.into())),
                Ok(None) if started.elapsed() >= SHORTEST_WATCH => return Ok(Ok(())),
                Err(_) if patience == SETTLING => {
                    // It works. That nothing changes must not make the next outage last longer for us.
                    backoff.reset();
                    self.send(Change::Alive).await?;
                }
                Ok(None) | Err(_) => return Ok(Err(Failure::ended())),
            }
            patience = lasts + PATIENCE;
        }
    }

    async fn event(
        &self,
        event: WatchEvent<Value>,
        position: &mut String,
    ) -> Result<Result<(), Failure>, Gone> {
        let (object, deleted) = match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => (object, false),
            WatchEvent::Deleted(object) => (object, true),
            WatchEvent::Bookmark(bookmark) => {
                *position = bookmark.metadata.resource_version;
                self.send(Change::Alive).await?;
                return Ok(Ok(()));
            }
            WatchEvent::Error(status) => return Ok(Err(kube::Error::Api(status).into())),
        };
        if let Some((key, fact)) = Fact::read(self.source.kind, &object) {
            self.send(if deleted || !self.wants(&fact) {
                Change::Delete(key)
            } else {
                Change::Apply(key, fact)
            })
            .await?;
        }
        let version = object.pointer("/metadata/resourceVersion");
        if let Some(version) = version.and_then(Value::as_str) {
            version.clone_into(position);
        }
        Ok(Ok(()))
    }

    /// Whether an object counts. One that can't be read may.
    fn wants(&self, fact: &Known<Fact>) -> bool {
        match fact {
            Known::Known(Fact::VolumeSnapshotContent(content)) => {
                let namespace = &content.volume_snapshot_ref.namespace;
                self.source.snapshots_of.binary_search(namespace).is_ok()
            }
            _ => true,
        }
    }

    async fn send(&self, change: Change) -> Result<(), Gone> {
        let message = Message {
            follower: self.id,
            change,
        };
        self.outbox.send(message).await.map_err(|_| Gone)
    }
}
