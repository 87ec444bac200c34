//! How a kind is asked for, and how an answer is pruned while it is read.

use std::time::Duration;

use kube::Client;
use kube::api::ListParams;
use kube::core::Request;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::time::timeout;

use super::failure::Failure;
use crate::cluster::{ClusterView, Fact, Kind, Known, ObjectKey};

/// Objects asked for at once. Small, so that the text of a page stays small: it is what a list costs at its peak.
pub(super) const PAGE: u32 = 100;
/// Longest that a page, or the start of a watch, is waited for: conversion webhooks have 30 s at most.
pub(super) const PATIENCE: Duration = Duration::from_secs(35);

/// What is kept of an object.
pub(super) type Object = (ObjectKey, Known<Fact>);

/// A kind in one of its versions, in one namespace or (`""`) in all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Collection {
    pub(super) kind: Kind,
    pub(super) version: &'static str,
    pub(super) namespace: Box<str>,
}

impl Collection {
    /// Requests for it.
    pub(super) fn request(&self) -> Request {
        let info = self.kind.info();
        let root = match info.group {
            "" => format!("/api/{}", self.version),
            group => format!("/apis/{group}/{}", self.version),
        };
        Request::new(match &*self.namespace {
            "" => format!("{root}/{}", info.plural),
            namespace => format!("{root}/namespaces/{namespace}/{}", info.plural),
        })
    }
}

/// Whether a name can be that of an object, or of a namespace (RFC 1123 subdomain; apimachinery's
/// `pkg/util/validation/validation.go`). Others come from users, don't exist, and must not get into a URL.
pub(super) fn is_name(name: &str) -> bool {
    let is_end = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_label = |label: &str| {
        let bytes = label.as_bytes();
        bytes.first().copied().is_some_and(is_end)
            && bytes.last().copied().is_some_and(is_end)
            && bytes.iter().all(|byte| is_end(*byte) || *byte == b'-')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

/// The golden namespaces that can exist, sorted.
pub(super) fn golden_namespaces(view: &ClusterView) -> Vec<Box<str>> {
    let namespaces = view.golden_namespaces().into_iter();
    let names = namespaces.filter(|name| is_name(name));
    names.map(String::into_boxed_str).collect()
}

/// One page of a list, already pruned.
#[derive(Debug)]
pub(super) struct Page<T> {
    pub(super) objects: Vec<T>,
    pub(super) resource_version: String,
    pub(super) continue_token: Option<String>,
}

#[derive(Deserialize)]
struct RawPage<'a> {
    #[serde(default)]
    metadata: RawListMetadata,
    #[serde(borrow)]
    items: Option<Vec<&'a RawValue>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawListMetadata {
    resource_version: Option<String>,
    r#continue: Option<String>,
}

impl<T> Page<T> {
    /// Reads a page, one object at a time: only what is kept of each is ever held, besides the text.
    pub(super) fn read(
        text: &str,
        keep: impl Fn(Value) -> Option<T>,
    ) -> Result<Self, serde_json::Error> {
        let raw: RawPage = serde_json::from_str(text)?;
        let items = raw.items.unwrap_or_default().into_iter();
        let objects = items.filter_map(|item| keep(serde_json::from_str(item.get()).ok()?));
        Ok(Self {
            objects: objects.collect(),
            resource_version: raw.metadata.resource_version.unwrap_or_default(),
            continue_token: raw.metadata.r#continue.filter(|token| !token.is_empty()),
        })
    }

    /// Asks for a page.
    pub(super) async fn fetch(
        client: &Client,
        collection: &Collection,
        parameters: &ListParams,
        keep: impl Fn(Value) -> Option<T>,
    ) -> Result<Self, Failure> {
        Self::fetch_from(client, &collection.request(), parameters, keep).await
    }

    /// Asks for a page of whatever a request is for.
    pub(super) async fn fetch_from(
        client: &Client,
        request: &Request,
        parameters: &ListParams,
        keep: impl Fn(Value) -> Option<T>,
    ) -> Result<Self, Failure> {
        let request = request.list(parameters);
        let request = request.map_err(kube::Error::BuildRequest)?;
        let text = timeout(PATIENCE, client.request_text(request)).await;
        let text = text.map_err(|_| Failure::late())??;
        Self::read(&text, keep).map_err(|error| kube::Error::SerdeError(error).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_name_version_and_namespace() {
        let mut collection = Collection {
            kind: Kind::PersistentVolumeClaim,
            version: "v1",
            namespace: "golden".into(),
        };
        let list = |collection: &Collection| {
            let request = collection
                .request()
                .get("x", &kube::api::GetParams::default());
            request.unwrap().uri().to_string()
        };
        assert_eq!(
            list(&collection),
            "/api/v1/namespaces/golden/persistentvolumeclaims/x"
        );
        collection.kind = Kind::HyperConverged;
        collection.namespace = "".into();
        assert_eq!(
            list(&collection),
            "/apis/hco.kubevirt.io/v1/hyperconvergeds/x"
        );
    }

    #[test]
    fn names_that_cannot_exist_are_told_apart() {
        for name in ["rhel9", "a.b-c.0", "fedora-39"] {
            assert!(is_name(name), "{name}");
        }
        for name in [
            "", "a/b", "..", "../x", "A", "a?b", "-a", "a.", "a b", "%2e",
        ] {
            assert!(!is_name(name), "{name}");
        }
        assert!(!is_name(&"a".repeat(254)));
    }

    #[test]
    fn an_object_that_cannot_be_read_keeps_its_key() {
        let text = r#"{"metadata": {"resourceVersion": "7", "continue": ""}, "items": [
            {"metadata": {"name": "good", "namespace": "a"}, "spec": {}},
            {"metadata": {"name": "bad", "namespace": "a"}, "spec": {"source": 1}},
            {"metadata": {}}]}"#;
        let page = Page::read(text, |object| Fact::read(Kind::DataSource, &object)).unwrap();
        let facts: Vec<_> = page
            .objects
            .iter()
            .map(|(key, fact)| (&*key.name, fact))
            .collect();
        assert!(matches!(
            facts[..],
            [("good", Known::Known(_)), ("bad", Known::Unknown)]
        ));
        assert_eq!(page.resource_version, "7");
        assert_eq!(page.continue_token, None);
    }
}
