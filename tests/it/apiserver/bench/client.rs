//! Requests to the API server without kubectl, for what has to be fast.

use std::sync::LazyLock;

use axum::http::Request;
use http_body_util::BodyExt;
use kube::client::Body;
use serde_json::Value;
use tokio::runtime::Runtime;

use super::super::objects::path_of;

/// For the client and for the stand-ins of other webhooks.
pub(in super::super) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// What the API server said.
#[derive(Debug)]
pub(in super::super) struct Answer {
    pub(in super::super) code: u16,
    /// The object, or the `Status` that says why not.
    pub(in super::super) body: Value,
    pub(in super::super) warnings: Vec<String>,
}

impl Answer {
    pub(in super::super) fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }

    pub(in super::super) const fn is_success(&self) -> bool {
        self.code < 300
    }

    /// The object; if there is none, that ends the test.
    #[track_caller]
    pub(in super::super) fn object(self) -> Value {
        assert!(self.is_success(), "{} {}", self.code, self.message());
        self.body
    }
}

#[derive(Clone)]
pub(in super::super) struct Client(pub(super) kube::Client);

impl Client {
    pub(in super::super) fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None)
    }

    pub(in super::super) fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, None)
    }

    pub(in super::super) fn create(&self, object: &Value) -> Answer {
        self.call("POST", &path_of(object, false), Some(object))
    }

    pub(in super::super) fn dry_run(&self, object: &Value) -> Answer {
        let path = format!("{}?dryRun=All", path_of(object, false));
        self.call("POST", &path, Some(object))
    }

    /// A JSON merge patch.
    pub(in super::super) fn merge(&self, path: &str, patch: &Value) -> Answer {
        self.call("PATCH", path, Some(patch))
    }

    pub(in super::super) fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        RUNTIME
            .block_on(self.send(method, path, body))
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    pub(in super::super) async fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> kube::Result<Answer> {
        let content_type = match method {
            "PATCH" => "application/merge-patch+json",
            _ => "application/json",
        };
        let body = body.map(|body| serde_json::to_vec(body).unwrap());
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", content_type)
            .body(Body::from(body.unwrap_or_default()))
            .unwrap();
        let response = self.0.send(request).await?;
        let code = response.status().as_u16();
        let warnings = response.headers().get_all("warning").iter();
        let warnings = warnings.map(|value| warning(value.to_str().unwrap()));
        let warnings = warnings.collect();
        let text = response.into_body().collect().await?.to_bytes();
        // /readyz and the like answer with plain text.
        let body = serde_json::from_slice(&text).unwrap_or(Value::Null);
        Ok(Answer {
            code,
            body,
            warnings,
        })
    }
}

/// The text of `299 - "text"`.
fn warning(header: &str) -> String {
    let text = header.strip_prefix("299 - \"").unwrap_or(header);
    let text = text.strip_suffix('"').unwrap_or(text);
    text.replace("\\\"", "\"").replace("\\\\", "\\")
}
