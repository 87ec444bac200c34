//! A request of a case, as the API server would send it.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::admission::Resource;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Request {
    pub(super) name: Option<String>,
    operation: String,
    #[serde(default = "alice")]
    user: String,
    #[serde(default)]
    groups: Vec<String>,
    namespace: Option<String>,
    #[serde(default)]
    object: Value,
    #[serde(default)]
    old_object: Value,
    #[serde(default)]
    sub_resource: String,
    #[serde(default)]
    dry_run: bool,
    resource: Option<ResourceName>,
}

fn alice() -> String {
    "alice".to_owned()
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ResourceName {
    group: String,
    version: String,
    resource: String,
}

impl Request {
    /// The `request` of an `AdmissionReview`.
    pub(super) fn review(&self) -> Result<Value, String> {
        let object = if self.object.is_null() {
            &self.old_object
        } else {
            &self.object
        };
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        let kind = text("/kind").unwrap_or_default();
        let (group, version) = match text("/apiVersion").unwrap_or_default().split_once('/') {
            Some((group, version)) => (group, version),
            None => ("", text("/apiVersion").unwrap_or_default()),
        };
        let resource = match &self.resource {
            Some(name) => {
                json!({"group": name.group, "version": name.version, "resource": name.resource})
            }
            None if kind.is_empty() => {
                return Err("the object names no kind: say `resource`".to_owned());
            }
            None => json!({"group": group, "version": version, "resource": plural(group, kind)}),
        };
        let namespace = self.namespace.as_deref().or(text("/metadata/namespace"));
        Ok(json!({
            "uid": "5d5a2a67-64d6-4a0b-a4fb-9d47bb2d2a4f",
            "kind": {"group": group, "version": version, "kind": kind},
            "resource": resource,
            "subResource": self.sub_resource,
            "name": text("/metadata/name").unwrap_or_default(),
            "namespace": namespace.unwrap_or_default(),
            "operation": self.operation,
            "userInfo": {"username": self.user, "groups": self.groups},
            "object": self.object,
            "oldObject": self.old_object,
            "dryRun": self.dry_run,
            "options": null,
        }))
    }
}

fn plural(group: &str, kind: &str) -> String {
    let mut resources = Resource::ALL.into_iter().map(Resource::info);
    let known = resources.find(|info| info.group == group && info.kind == kind);
    known.map_or_else(
        || format!("{}s", kind.to_lowercase()),
        |info| info.plural.to_owned(),
    )
}
