//! Events on a namespace, the only thing that goldkeeper ever writes into a cluster.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::{Event, EventSeries};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;
use tokio::time::timeout;

use super::failure::{Failure, describe, is_not_found};

/// Longest that one write may take.
const DEADLINE: Duration = Duration::from_secs(5);

const CONTROLLER: &str = "goldkeeper.io/goldkeeper";
/// The most bytes of `reportingInstance` (`pkg/apis/core/validation/events.go` in Kubernetes).
const LONGEST_INSTANCE: usize = 128;

/// An Event of something that was denied in a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DenialEvent<'e> {
    /// The namespace that it is about, and that it is in.
    pub namespace: &'e str,
    /// One word for machines.
    pub reason: &'e str,
    /// One line for people, of 1024 bytes at most.
    pub note: &'e str,
    /// When it happened first; the Event is named after it.
    pub first: Timestamp,
    /// When it happened last.
    pub last: Timestamp,
    /// How often it happened.
    pub count: u32,
}

/// Why an Event was not written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotWritten {
    /// The namespace is not there or is on its way out, or the Event is not there any more.
    Gone,
    /// For people: one line, no secrets.
    Failed(Arc<str>),
}

/// Writes Events as one reporter. Asks for `create` and `patch` of `events` in `events.k8s.io`.
#[derive(Clone)]
pub struct EventWriter {
    client: Client,
    instance: String,
}

impl EventWriter {
    /// Writes as this instance: the name of the pod.
    pub fn new(client: Client, instance: &str) -> Self {
        let end = instance.floor_char_boundary(LONGEST_INSTANCE);
        let instance = instance.get(..end).unwrap_or_default().to_owned();
        Self { client, instance }
    }

    /// Creates the Event.
    ///
    /// # Errors
    /// [`NotWritten`]. Nothing is tried again.
    pub async fn create(&self, event: &DenialEvent<'_>) -> Result<(), NotWritten> {
        let body = self.event(event);
        let parameters = PostParams::default();
        let api = self.api(event);
        in_time(api.create(&parameters, &body)).await
    }

    /// Tells an Event that it happened again: how often, and when last.
    ///
    /// # Errors
    /// [`NotWritten`]. Nothing is tried again.
    pub async fn update(&self, event: &DenialEvent<'_>) -> Result<(), NotWritten> {
        let patch = Patch::Merge(json!({"series": series(event)}));
        let parameters = PatchParams::default();
        let api = self.api(event);
        in_time(api.patch(&name(event), &parameters, &patch)).await
    }

    fn api(&self, event: &DenialEvent<'_>) -> Api<Event> {
        Api::namespaced(self.client.clone(), event.namespace)
    }

    fn event(&self, event: &DenialEvent<'_>) -> Event {
        let text = |text: &str| Some(text.to_owned());
        Event {
            metadata: ObjectMeta {
                name: Some(name(event)),
                namespace: text(event.namespace),
                ..ObjectMeta::default()
            },
            type_: text("Warning"),
            reason: text(event.reason),
            action: text("Deny"),
            note: text(event.note),
            // A namespace is in no namespace, but an Event in one must be about something in it.
            regarding: Some(ObjectReference {
                api_version: text("v1"),
                kind: text("Namespace"),
                name: text(event.namespace),
                namespace: text(event.namespace),
                ..ObjectReference::default()
            }),
            reporting_controller: text(CONTROLLER),
            reporting_instance: text(&self.instance),
            event_time: Some(MicroTime(event.first)),
            series: series(event),
            ..Event::default()
        }
    }
}

/// As client-go names its Events: of what they are about, and of when.
fn name(event: &DenialEvent<'_>) -> String {
    format!("{}.{:x}", event.namespace, event.first.as_nanosecond())
}

/// One alone is no series.
fn series(event: &DenialEvent<'_>) -> Option<EventSeries> {
    let count = i32::try_from(event.count).unwrap_or(i32::MAX);
    (count > 1).then_some(EventSeries {
        count,
        last_observed_time: MicroTime(event.last),
    })
}

async fn in_time(write: impl Future<Output = kube::Result<Event>>) -> Result<(), NotWritten> {
    match timeout(DEADLINE, write).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) if is_gone(&error) => Err(NotWritten::Gone),
        Ok(Err(error)) => Err(NotWritten::Failed(describe(&error))),
        Err(_) => Err(NotWritten::Failed(Failure::late().reason)),
    }
}

fn is_gone(error: &kube::Error) -> bool {
    let is_terminating = |error: &kube::Error| match error {
        kube::Error::Api(status) => status.details.as_ref().is_some_and(|details| {
            let mut causes = details.causes.iter();
            causes.any(|cause| cause.reason == "NamespaceTerminating")
        }),
        _ => false,
    };
    is_not_found(error) || is_terminating(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::Status;

    fn failure(value: serde_json::Value) -> kube::Error {
        let status: Status = serde_json::from_value(value).unwrap();
        kube::Error::Api(status.boxed())
    }

    #[test]
    fn a_namespace_that_ends_is_told_from_a_right_that_is_missing() {
        let terminating = json!({
            "status": "Failure", "code": 403, "reason": "Forbidden", "message": "no",
            "details": {"causes": [{"reason": "NamespaceTerminating", "field": "metadata.namespace"}]},
        });
        let forbidden =
            json!({"status": "Failure", "code": 403, "reason": "Forbidden", "message": "no"});
        let absent =
            json!({"status": "Failure", "code": 404, "reason": "NotFound", "message": "no"});
        assert!(is_gone(&failure(terminating)));
        assert!(!is_gone(&failure(forbidden)));
        assert!(is_gone(&failure(absent)));
    }
}
