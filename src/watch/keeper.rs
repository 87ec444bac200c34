//! The one task that owns the view: it folds in what the followers see, publishes, and starts and stops followers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use kube::Client;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::discovery::Served;
use super::follow::{Change, Follower, Message, Source};
use super::resource::golden_namespaces;
use super::standing::{GRACE, Standing, combine, tell_served};
use super::task::Task;
use crate::cluster::{Builder, ClusterView, Coverage, Kind, Known, Scope};

/// Messages that wait before followers have to.
const QUEUE: usize = 256;
/// How long changes are gathered before they are published.
const WINDOW: Duration = Duration::from_millis(10);
/// The most that is gathered.
const BATCH: usize = 1000;

/// When each kind was last heard of, for a metric.
#[derive(Debug)]
pub(super) struct Freshness {
    base: Instant,
    /// Milliseconds since `base`, plus one; 0 where nothing is followed.
    heard: [AtomicU64; Kind::ALL.len()],
}

impl Freshness {
    pub(super) fn new() -> Self {
        Self {
            base: Instant::now(),
            heard: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }

    /// How long ago each kind was heard of; `None` for those that are not followed or not listed yet.
    pub(super) fn ages(&self) -> Vec<(Kind, Option<Duration>)> {
        let now = self.base.elapsed();
        let age = |heard: &AtomicU64| {
            let since = heard.load(Ordering::Relaxed).checked_sub(1)?;
            Some(now.saturating_sub(Duration::from_millis(since)))
        };
        Kind::ALL
            .into_iter()
            .zip(self.heard.iter().map(age))
            .collect()
    }

    fn note(&self, kind: Kind, heard: Option<Instant>) {
        let since = heard.map_or(0, |heard| {
            let elapsed = heard.saturating_duration_since(self.base).as_millis();
            u64::try_from(elapsed).unwrap_or(u64::MAX).saturating_add(1)
        });
        if let Some(own) = self.heard.get(kind as usize) {
            own.store(since, Ordering::Relaxed);
        }
    }
}

struct Entry {
    standing: Standing,
    /// Ends with the entry.
    _task: Task,
}

/// Owns the view.
pub(super) struct Keeper {
    client: Client,
    served: watch::Receiver<Served>,
    view: Arc<ArcSwap<ClusterView>>,
    freshness: Arc<Freshness>,
    builder: Builder,
    followers: BTreeMap<u64, Entry>,
    next_id: u64,
    /// The golden namespaces, sorted; none before they are known.
    golden: Vec<Box<str>>,
    started: Instant,
    outbox: mpsc::Sender<Message>,
    inbox: mpsc::Receiver<Message>,
    /// Whether the view has changed since it was published.
    changed: bool,
}

impl Keeper {
    pub(super) fn new(
        client: Client,
        served: watch::Receiver<Served>,
        view: Arc<ArcSwap<ClusterView>>,
        freshness: Arc<Freshness>,
    ) -> Self {
        let (outbox, inbox) = mpsc::channel(QUEUE);
        Self {
            client,
            served,
            view,
            freshness,
            builder: Builder::live(),
            followers: BTreeMap::new(),
            next_id: 0,
            golden: Vec::new(),
            started: Instant::now(),
            outbox,
            inbox,
            changed: true,
        }
    }

    /// Keeps the view until it is aborted.
    pub(super) async fn run(mut self) {
        loop {
            self.settle();
            let due = self.due();
            let mut batch = Vec::new();
            tokio::select! {
                received = self.inbox.recv_many(&mut batch, BATCH) => {
                    if received == 0 {
                        return;
                    }
                    self.gather(batch).await;
                }
                looked = self.served.changed() => if looked.is_err() {
                    return;
                },
                () = sleep_until(due) => {}
            }
        }
    }

    /// Folds in a first batch, and what else comes in a moment: many changes are then published as one.
    async fn gather(&mut self, mut batch: Vec<Message>) {
        let end = Instant::now() + WINDOW;
        let mut count = 0;
        loop {
            count += batch.len();
            for message in batch.drain(..) {
                self.fold(message);
            }
            let room = BATCH.saturating_sub(count);
            if room == 0 {
                return;
            }
            match timeout_at(end, self.inbox.recv_many(&mut batch, room)).await {
                Ok(received) if received > 0 => {}
                _ => return,
            }
        }
    }

    fn fold(&mut self, message: Message) {
        let Some(entry) = self.followers.get_mut(&message.follower) else {
            // It was stopped after it sent this.
            return;
        };
        let now = Instant::now();
        let standing = &mut entry.standing;
        let (kind, namespace) = (standing.source().kind, &*standing.source().namespace);
        match message.change {
            Change::Served => standing.served(now),
            Change::NotServed => standing.not_served(),
            Change::Failed(reason) => standing.failed(now, reason),
            Change::Begin => self.builder.begin(kind, namespace),
            Change::Listed(objects) => {
                for (key, fact) in objects {
                    self.builder.listed(kind, namespace, key, fact);
                }
            }
            Change::Finish => {
                self.builder.finish(kind, namespace);
                self.changed = true;
                standing.listed(now);
            }
            Change::Apply(key, fact) => {
                self.changed |= self.builder.apply(kind, key, fact);
                standing.alive(now);
            }
            Change::Delete(key) => {
                self.changed |= self.builder.delete(kind, &key);
                standing.alive(now);
            }
            Change::Alive => standing.alive(now),
        }
    }

    /// Brings coverage, view and followers in line with what was folded in.
    fn settle(&mut self) {
        let now = Instant::now();
        for entry in self.followers.values_mut() {
            entry.standing.tell(now);
        }
        // The view says what is to be followed, which says what is known: twice is enough, the third time is a guard.
        for _ in 0..3 {
            self.cover();
            self.publish();
            if !self.follow_what_the_view_says() {
                break;
            }
        }
    }

    fn cover(&mut self) {
        let before = self.view.load_full();
        for kind in Kind::ALL {
            if kind.info().scope == Scope::OnDemand {
                continue;
            }
            let own = || {
                self.followers
                    .values()
                    .filter(|entry| entry.standing.source().kind == kind)
            };
            let old = before.coverage(kind);
            let settled = *old != Coverage::Pending || self.started.elapsed() >= GRACE;
            let new = combine(own().map(|entry| entry.standing.coverage()), settled);
            self.freshness.note(
                kind,
                own().map(|entry| entry.standing.seen()).min().flatten(),
            );
            if *old != new {
                tell_served(kind, old, &new);
                self.builder.cover(kind, new);
                self.changed = true;
            }
        }
        let openshift = self.served.borrow_and_update().openshift;
        if let Some(openshift) = openshift.filter(|openshift| *openshift != before.is_openshift()) {
            self.builder.openshift(openshift);
            self.changed = true;
        }
    }

    fn publish(&mut self) {
        if std::mem::take(&mut self.changed) {
            self.view.store(self.builder.build());
        }
    }

    /// Starts and stops followers; returns whether there was any to start or to stop.
    fn follow_what_the_view_says(&mut self) -> bool {
        self.find_golden_namespaces();
        let wanted = self.wanted();
        let stale: Vec<u64> = self
            .followers
            .iter()
            .filter(|(_, entry)| !wanted.contains(entry.standing.source()))
            .map(|(id, _)| *id)
            .collect();
        let mut any = !stale.is_empty();
        for id in stale {
            if let Some(entry) = self.followers.remove(&id) {
                self.forget(entry.standing.source());
            }
        }
        for source in wanted {
            let mut followed = self.followers.values().map(|entry| entry.standing.source());
            if !followed.any(|other| *other == source) {
                self.start(source);
                any = true;
            }
        }
        any
    }

    fn forget(&mut self, source: &Source) {
        if !source.namespace.is_empty() {
            tracing::info!(
                "{} of namespace {} no longer count: it is not a golden namespace any more",
                source.kind.info().plural,
                source.namespace
            );
            self.builder
                .forget_namespace(source.kind, &source.namespace);
            self.changed = true;
        }
    }

    fn start(&mut self, source: Source) {
        let id = self.next_id;
        self.next_id += 1;
        let follower = Follower {
            id,
            source: source.clone(),
            client: self.client.clone(),
            served: self.served.clone(),
            outbox: self.outbox.clone(),
        };
        let entry = Entry {
            standing: Standing::new(source, Instant::now()),
            _task: Task::spawn(follower.run()),
        };
        self.followers.insert(id, entry);
    }

    /// What is to be followed as things stand.
    fn wanted(&self) -> Vec<Source> {
        let golden = &self.golden;
        let source = |kind, namespace: &str| Source {
            kind,
            namespace: namespace.into(),
            snapshots_of: Vec::new(),
        };
        let mut wanted = Vec::new();
        for kind in Kind::ALL {
            match (kind.info().scope, kind) {
                (Scope::All, _) => wanted.push(source(kind, "")),
                (Scope::OnDemand, _) => {}
                (Scope::GoldenNamespaces, Kind::VolumeSnapshotContent) => {
                    if !golden.is_empty() {
                        wanted.push(Source {
                            snapshots_of: golden.clone(),
                            ..source(kind, "")
                        });
                    }
                }
                (Scope::GoldenNamespaces, _) => {
                    wanted.extend(golden.iter().map(|namespace| source(kind, namespace)));
                }
            }
        }
        wanted
    }

    /// Finds the golden namespaces, once it is known what they depend on, or known that it can't be known. While the
    /// `HyperConverged` can't be read they stay as they were.
    fn find_golden_namespaces(&mut self) {
        let view = self.view.load();
        let pending = |kind| *view.coverage(kind) == Coverage::Pending;
        let asked = self.served.borrow().openshift.is_some() || self.started.elapsed() >= GRACE;
        if !asked || pending(Kind::HyperConverged) || pending(Kind::DataSource) {
            return;
        }
        if self.golden.is_empty() || view.hyper_converged() != Known::Unknown {
            self.golden = golden_namespaces(&view);
        }
    }

    /// When there is something to be said of a follower that is not doing well.
    fn due(&self) -> Instant {
        let dues = self
            .followers
            .values()
            .filter_map(|entry| entry.standing.due());
        let now = Instant::now();
        let grace_ends = Some(self.started + GRACE).filter(|end| *end > now);
        let last = now + GRACE;
        dues.chain(grace_ends)
            .min()
            .map_or(last, |due| due.min(last))
    }
}
