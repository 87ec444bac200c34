//! How one follower is doing: what is said of it, and when.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::follow::Source;
use crate::cluster::Coverage;

/// How long a kind may take to be listed before its facts are unknown and readiness no longer waits for it.
pub(super) const GRACE: Duration = Duration::from_secs(10);

/// What a follower has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reached {
    /// No list is complete yet.
    Nothing,
    /// Discovery says that there is no such kind.
    NotServed,
    /// A list was complete; what is known stays known while the watch is taken up again.
    Listed,
}

/// Something that has gone wrong since.
#[derive(Debug)]
struct Trouble {
    since: Instant,
    reason: Arc<str>,
    told: bool,
}

/// The state of one follower. Everything is said once: when it has lasted, and when it is over.
#[derive(Debug)]
pub(super) struct Standing {
    source: Source,
    reached: Reached,
    trouble: Option<Trouble>,
    seen: Option<Instant>,
}

impl Standing {
    pub(super) fn new(source: Source, now: Instant) -> Self {
        let mut standing = Self {
            source,
            reached: Reached::Nothing,
            trouble: None,
            seen: None,
        };
        standing.wait(now);
        standing
    }

    pub(super) const fn source(&self) -> &Source {
        &self.source
    }

    /// When the follower last heard from the API server, if it has a list.
    pub(super) fn seen(&self) -> Option<Instant> {
        self.seen.filter(|_| self.reached == Reached::Listed)
    }

    fn wait(&mut self, now: Instant) {
        self.trouble = Some(Trouble {
            since: now,
            reason: "no list within 10 s".into(),
            told: false,
        });
    }

    /// The kind is served, perhaps in another version than before.
    pub(super) fn served(&mut self, now: Instant) {
        if self.reached == Reached::NotServed {
            tracing::info!("{} is served now", self.label());
            self.reached = Reached::Nothing;
            self.wait(now);
        }
    }

    /// The kind is not served.
    pub(super) fn not_served(&mut self) {
        if self.reached != Reached::NotServed {
            let label = self.label();
            tracing::info!("{label} is not served by this cluster; going on without it");
        }
        self.reached = Reached::NotServed;
        self.trouble = None;
    }

    /// An attempt failed.
    pub(super) fn failed(&mut self, now: Instant, reason: Arc<str>) {
        match &mut self.trouble {
            Some(trouble) => trouble.reason = reason,
            None => {
                self.trouble = Some(Trouble {
                    since: now,
                    reason,
                    told: false,
                });
            }
        }
    }

    /// A list is complete.
    pub(super) fn listed(&mut self, now: Instant) {
        self.reached = Reached::Listed;
        self.alive(now);
    }

    /// The watch works.
    pub(super) fn alive(&mut self, now: Instant) {
        self.seen = Some(now);
        if self.trouble.take().is_some_and(|trouble| trouble.told) {
            tracing::info!("{} can be listed and watched again", self.label());
        }
    }

    /// When [`Standing::tell`] will have something to say.
    pub(super) fn due(&self) -> Option<Instant> {
        let trouble = self.trouble.as_ref().filter(|trouble| !trouble.told)?;
        Some(trouble.since + GRACE)
    }

    /// Says what has gone wrong for too long.
    pub(super) fn tell(&mut self, now: Instant) {
        let label = self.label();
        let Some(trouble) = &mut self.trouble else {
            return;
        };
        if trouble.told || now < trouble.since + GRACE {
            return;
        }
        trouble.told = true;
        if self.reached == Reached::Listed {
            tracing::warn!(
                "{label} can't be watched at the moment, answering from what was last seen: {}",
                trouble.reason
            );
        } else {
            tracing::warn!(
                "{label} can't be listed, its facts are unknown: {}",
                trouble.reason
            );
        }
    }

    /// How much is known through this follower.
    pub(super) fn coverage(&self) -> Coverage {
        match (self.reached, &self.trouble) {
            (Reached::NotServed, _) => Coverage::NotServed,
            (Reached::Listed, _) => Coverage::Watched,
            (Reached::Nothing, Some(trouble)) if trouble.told => {
                Coverage::Unknown(trouble.reason.clone())
            }
            (Reached::Nothing, _) => Coverage::Pending,
        }
    }

    fn label(&self) -> String {
        let info = self.source.kind.info();
        let group = if info.group.is_empty() {
            "v1"
        } else {
            info.group
        };
        match &*self.source.namespace {
            "" => format!("{} ({group})", info.kind),
            namespace => format!("{} ({group}) in namespace {namespace}", info.kind),
        }
    }
}

/// How much is known of a kind through all of its followers.
///
/// While a kind that answers no longer wait for (`settled`) is taken up again, because a CRD was installed or the golden
/// namespace has moved, it is unknown and not pending: what is missing is not known to be absent, and readiness stays.
pub(super) fn combine(all: impl Iterator<Item = Coverage>, settled: bool) -> Coverage {
    let rank = |coverage: &Coverage| match coverage {
        Coverage::Pending => 3,
        Coverage::Unknown(_) => 2,
        Coverage::NotServed => 0,
        _ => 1,
    };
    let worst = all.max_by_key(rank).unwrap_or(Coverage::Pending);
    match worst {
        Coverage::Pending if settled => Coverage::Unknown("not listed yet".into()),
        worst => worst,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Kind;

    fn standing(now: Instant) -> Standing {
        let source = Source {
            kind: Kind::Cdi,
            namespace: "".into(),
            snapshots_of: Vec::new(),
        };
        Standing::new(source, now)
    }

    #[tokio::test]
    async fn a_kind_is_unknown_after_ten_seconds_and_not_before() {
        let start = Instant::now();
        let mut standing = standing(start);
        standing.failed(start + Duration::from_secs(1), "403".into());
        assert_eq!(standing.due(), Some(start + GRACE));
        standing.tell(start + Duration::from_secs(9));
        assert_eq!(standing.coverage(), Coverage::Pending);
        standing.tell(start + GRACE);
        assert_eq!(standing.coverage(), Coverage::Unknown("403".into()));
        assert_eq!(standing.due(), None, "said once");
        standing.listed(start + GRACE);
        assert_eq!(standing.coverage(), Coverage::Watched);
    }

    #[tokio::test]
    async fn what_was_listed_once_stays_known() {
        let start = Instant::now();
        let mut standing = standing(start);
        standing.listed(start);
        standing.failed(start, "gone".into());
        standing.tell(start + GRACE);
        assert_eq!(standing.coverage(), Coverage::Watched);
        assert_eq!(standing.seen(), Some(start), "its age shows that it is old");
        standing.not_served();
        assert_eq!(standing.coverage(), Coverage::NotServed);
        assert_eq!(standing.seen(), None);
        standing.served(start + GRACE);
        assert_eq!(standing.coverage(), Coverage::Pending);
    }

    #[test]
    fn the_worst_follower_counts() {
        let unknown = Coverage::Unknown("403".into());
        let combine = |all: &[&Coverage], settled| combine(all.iter().copied().cloned(), settled);
        assert_eq!(combine(&[&Coverage::Watched, &unknown], false), unknown);
        assert_eq!(
            combine(&[&unknown, &Coverage::Pending], false),
            Coverage::Pending
        );
        assert_eq!(
            combine(&[&Coverage::NotServed, &Coverage::Watched], true),
            Coverage::Watched
        );
        assert_eq!(combine(&[], false), Coverage::Pending);
        assert!(matches!(combine(&[], true), Coverage::Unknown(_)));
    }
}
