//! Asking the live cluster: one object, before a decision rests on there being none, and who may do what.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kube::Client;
use kube::api::{GetParams, PostParams};
use kube::core::Request;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, timeout_at};

use super::discovery::{Availability, Served};
use super::failure::{is_not_found, is_object_not_found};
use super::resource::{Collection, is_name};
use crate::cluster::{Access, Answer, Fact, Kind, Known, Question};

/// Questions that may be in flight at once.
const LIMIT: usize = 64;

/// Where access is reviewed.
const REVIEWS: &str = "/apis/authorization.k8s.io/v1/subjectaccessreviews";

/// How many questions were asked, by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LiveReads {
    /// The object is there.
    pub found: u64,
    /// There is no such object, or no such kind.
    pub absent: u64,
    /// Somebody may do what he wants.
    pub allowed: u64,
    /// Somebody may not.
    pub denied: u64,
    /// No answer: an error, or too late.
    pub failed: u64,
    /// Questions that were answered by a read that another one had asked for.
    pub shared: u64,
}

/// Reads objects and reviews access live. Equal questions share a read, as long as it has not begun: what was asked for after that may have
/// changed since, and gets a read of its own. Nothing is remembered.
#[derive(Clone)]
pub struct LiveReader(Arc<Inner>);

struct Inner {
    client: Client,
    served: watch::Receiver<Served>,
    permits: Arc<Semaphore>,
    /// Held for moments only, never across an await.
    flights: Mutex<HashMap<Question, Flight>>,
    next_id: AtomicU64,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    found: AtomicU64,
    absent: AtomicU64,
    allowed: AtomicU64,
    denied: AtomicU64,
    failed: AtomicU64,
    shared: AtomicU64,
}

/// One question's reads: one may be running, and one waits for it and gathers who asks meanwhile. There is an entry as
/// long as there is a task that reads.
struct Flight {
    /// Of the task, so that it never takes away the entry of its successor.
    id: u64,
    waiting: Option<Waiting>,
}

struct Waiting {
    answer: watch::Sender<Option<Known<Answer>>>,
    /// The latest of those who wait.
    deadline: Instant,
}

impl std::fmt::Debug for LiveReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LiveReader")
            .field("reads", &self.reads())
            .finish_non_exhaustive()
    }
}

impl LiveReader {
    pub(super) fn new(client: Client, served: watch::Receiver<Served>) -> Self {
        Self(Arc::new(Inner {
            client,
            served,
            permits: Arc::new(Semaphore::new(LIMIT)),
            flights: Mutex::default(),
            next_id: AtomicU64::new(0),
            counts: Counts::default(),
        }))
    }

    /// The object as it is now or that there is none, or whether access is allowed now; `Unknown` if there is no answer
    /// until the deadline.
    ///
    /// A kind that the cluster does not serve has no objects, and neither has a name that Kubernetes does not allow.
    pub async fn read(&self, question: &Question, deadline: Instant) -> Known<Answer> {
        if let Question::Object {
            namespace, name, ..
        } = question
            && !(is_name(name) && (namespace.is_empty() || is_name(namespace)))
        {
            return Known::Known(Answer::Object(None));
        }
        let mut answer = self.join(question, deadline);
        match timeout_at(deadline, answer.wait_for(Option::is_some)).await {
            Ok(Ok(answer)) => answer.clone().unwrap_or(Known::Unknown),
            _ => Known::Unknown,
        }
    }

    /// How many reads there were since the start.
    pub fn reads(&self) -> LiveReads {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let counts = &self.0.counts;
        LiveReads {
            found: load(&counts.found),
            absent: load(&counts.absent),
            allowed: load(&counts.allowed),
            denied: load(&counts.denied),
            failed: load(&counts.failed),
            shared: load(&counts.shared),
        }
    }

    /// Joins the read that has not begun yet, or has one begun.
    fn join(
        &self,
        question: &Question,
        deadline: Instant,
    ) -> watch::Receiver<Option<Known<Answer>>> {
        let mut flights = self.0.flights();
        let (answer, receiver) = watch::channel(None);
        let new = Some(Waiting { answer, deadline });
        match flights.get_mut(question).map(|flight| &mut flight.waiting) {
            Some(Some(waiting)) => {
                waiting.deadline = waiting.deadline.max(deadline);
                self.0.counts.shared.fetch_add(1, Ordering::Relaxed);
                return waiting.answer.subscribe();
            }
            Some(waiting) => *waiting = new,
            None => {
                let id = self.0.next_id.fetch_add(1, Ordering::Relaxed);
                let flight = Flight { id, waiting: new };
                flights.insert(question.clone(), flight);
                let landing = Landing {
                    inner: self.0.clone(),
                    question: question.clone(),
                    id,
                };
                tokio::spawn(landing.fly());
            }
        }
        receiver
    }
}

/// Takes the entry of a question away, whatever becomes of its task.
struct Landing {
    inner: Arc<Inner>,
    question: Question,
    id: u64,
}

impl Drop for Landing {
    fn drop(&mut self) {
        let mut flights = self.inner.flights();
        if flights
            .get(&self.question)
            .is_some_and(|own| own.id == self.id)
        {
            flights.remove(&self.question);
        }
    }
}

impl Landing {
    /// Reads for as long as somebody asks.
    async fn fly(self) {
        while let Some((waiting, _permit)) = self.take_off().await {
            if waiting.answer.receiver_count() == 0 {
                continue;
            }
            let answer = timeout_at(waiting.deadline, self.inner.ask(&self.question)).await;
            let answer = answer.unwrap_or(Known::Unknown);
            self.inner.count(&answer);
            waiting.answer.send_replace(Some(answer));
        }
    }

    /// The next read to make, when there is room for it. From here on nobody joins it. `None` ends the task, and takes
    /// the entry away under the same lock, so that nobody joins a read that will never be made.
    async fn take_off(&self) -> Option<(Waiting, OwnedSemaphorePermit)> {
        loop {
            let deadline = self.next_deadline()?;
            let permit = timeout_at(deadline, self.inner.permits.clone().acquire_owned()).await;
            let mut flights = self.inner.flights();
            let flight = flights.get_mut(&self.question)?;
            match (permit, &flight.waiting) {
                (Ok(Ok(permit)), Some(_)) => {
                    return flight.waiting.take().map(|waiting| (waiting, permit));
                }
                // Somebody with more time came in meanwhile.
                (Err(_), Some(waiting)) if waiting.deadline > deadline => {}
                _ => {
                    flights.remove(&self.question);
                    self.inner.counts.failed.fetch_add(1, Ordering::Relaxed);
                    return None;
                }
            }
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        let mut flights = self.inner.flights();
        let waiting = flights.get(&self.question)?.waiting.as_ref();
        if let Some(waiting) = waiting {
            return Some(waiting.deadline);
        }
        flights.remove(&self.question);
        None
    }
}

impl Inner {
    fn flights(&self) -> MutexGuard<'_, HashMap<Question, Flight>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, answer: &Known<Answer>) {
        let count = match answer {
            Known::Known(Answer::Object(Some(_))) => &self.counts.found,
            Known::Known(Answer::Object(None)) => &self.counts.absent,
            Known::Known(Answer::Access(true)) => &self.counts.allowed,
            Known::Known(Answer::Access(false)) => &self.counts.denied,
            Known::Unknown => &self.counts.failed,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    async fn ask(&self, question: &Question) -> Known<Answer> {
        match question {
            Question::Object {
                kind,
                namespace,
                name,
            } => self.get(*kind, namespace, name).await.map(Answer::Object),
            Question::Access(access) => match self.review(access).await {
                Ok(allowed) => Known::Known(Answer::Access(allowed)),
                Err(_) => Known::Unknown,
            },
        }
    }

    /// The object in the version that discovery found, else in the first that is served.
    async fn get(&self, kind: Kind, namespace: &str, name: &str) -> Known<Option<Fact>> {
        let found = self.served.borrow().of(kind);
        let all = kind.info().versions;
        let versions = match &found {
            Availability::Served(version) => std::slice::from_ref(version),
            _ => all,
        };
        for version in versions {
            let collection = Collection {
                kind,
                version,
                namespace: namespace.into(),
            };
            match self.get_from(&collection, name).await {
                Err(error) if is_object_not_found(&error) => return Known::Known(None),
                Err(error) if is_not_found(&error) => {}
                Err(_) => return Known::Unknown,
                Ok(object) => {
                    return match Fact::read(kind, &object) {
                        Some((_, Known::Known(fact))) => Known::Known(Some(fact)),
                        _ => Known::Unknown,
                    };
                }
            }
        }
        match found {
            // It was served a moment ago: that is found out by discovery, not by a page that is not found.
            Availability::Served(_) => Known::Unknown,
            _ => Known::Known(None),
        }
    }

    async fn get_from(&self, collection: &Collection, name: &str) -> Result<Value, kube::Error> {
        let request = collection.request().get(name, &GetParams::default());
        let request = request.map_err(kube::Error::BuildRequest)?;
        let text = self.client.request_text(request).await?;
        serde_json::from_str(&text).map_err(kube::Error::SerdeError)
    }

    /// What the API server's authorisers say. Only `allowed` counts, as it does for CDI.
    async fn review(&self, access: &Access) -> Result<bool, kube::Error> {
        let body = serde_json::to_vec(&subject_access_review(access));
        let body = body.map_err(kube::Error::SerdeError)?;
        let request = Request::new(REVIEWS).create(&PostParams::default(), body);
        let request = request.map_err(kube::Error::BuildRequest)?;
        let text = self.client.request_text(request).await?;
        let review: Reviewed = serde_json::from_str(&text).map_err(kube::Error::SerdeError)?;
        Ok(review.status.allowed)
    }
}

#[derive(Deserialize)]
struct Reviewed {
    status: ReviewStatus,
}

#[derive(Deserialize)]
struct ReviewStatus {
    allowed: bool,
}

fn subject_access_review(access: &Access) -> Value {
    let Access {
        who,
        verb,
        group,
        resource,
        subresource,
        namespace,
        name,
    } = access;
    json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": who.user,
            "groups": who.groups,
            "resourceAttributes": {
                "verb": verb,
                "group": group,
                "resource": resource,
                "subresource": subresource,
                "namespace": namespace,
                "name": name,
            },
        },
    })
}

#[cfg(test)]
#[path = "live_tests.rs"]
mod tests;
