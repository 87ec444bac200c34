//! The TLS profile that OpenShift's administrator has chosen.

use std::time::Duration;

use futures::StreamExt;
use kube::api::{ApiResource, DynamicObject};
use kube::runtime::utils::Backoff;
use kube::runtime::watcher::{self, DefaultBackoff, watch_object};
use kube::{Api, Client};
use serde_json::Value;
use tokio::time::sleep;

use super::failure::{describe, is_not_found};
use super::task::jittered;

/// How long it takes until a cluster that has no such object is asked again: it is no OpenShift.
const ABSENT: Duration = Duration::from_mins(5);
/// Longest time between two attempts otherwise.
const LONGEST: Duration = Duration::from_mins(1);

/// Follows `spec.tlsSecurityProfile` of `apiserver.config.openshift.io/cluster` until dropped, and calls `changed` with it at
/// each change, `None` where nothing is set. It is not called while the object can't be read: what was known stays.
///
/// Asks for `list` and `watch` of `apiservers`, restricted to the name `cluster`.
pub async fn follow_tls_profile(client: Client, mut changed: impl FnMut(Option<&Value>)) {
    let resource = ApiResource {
        group: "config.openshift.io".to_owned(),
        version: "v1".to_owned(),
        api_version: "config.openshift.io/v1".to_owned(),
        kind: "APIServer".to_owned(),
        plural: "apiservers".to_owned(),
    };
    let api: Api<DynamicObject> = Api::all_with(client, &resource);
    let mut objects = std::pin::pin!(watch_object(api, "cluster"));
    let mut backoff = DefaultBackoff::default();
    let mut told = false;
    while let Some(seen) = objects.next().await {
        let error = match seen {
            Ok(object) => {
                backoff.reset();
                told = false;
                let spec = object.as_ref().map(|object| &object.data);
                changed(spec.and_then(|data| data.pointer("/spec/tlsSecurityProfile")));
                continue;
            }
            Err(error) => error,
        };
        let reason = match cause(&error) {
            Some(error) if is_not_found(error) => {
                sleep(jittered(ABSENT)).await;
                continue;
            }
            Some(error) => describe(error),
            None => error.to_string().into(),
        };
        if !std::mem::replace(&mut told, true) {
            tracing::info!(
                "the cluster's TLS profile is not known now, what is served stays: {reason}"
            );
        }
        sleep(backoff.next().unwrap_or(LONGEST).min(LONGEST)).await;
    }
}

/// The client's own error in that of its watcher.
const fn cause(error: &watcher::Error) -> Option<&kube::Error> {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => Some(error),
        _ => None,
    }
}
