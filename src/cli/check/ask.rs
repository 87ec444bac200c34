//! The request that the API server would send for an object.

use clap::ValueEnum;
use serde_json::{Map, Value, json};

use crate::admission::Resource;
use crate::manifest::Manifest;

/// What is done with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "UPPER")]
pub(super) enum Operation {
    /// It is new.
    Create,
    /// It is changed.
    Update,
    /// It is deleted.
    Delete,
}

impl Operation {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        }
    }

    const fn options(self) -> &'static str {
        match self {
            Self::Create => "CreateOptions",
            Self::Update => "UpdateOptions",
            Self::Delete => "DeleteOptions",
        }
    }
}

/// Who sends objects, and where to.
#[derive(Debug)]
pub(super) struct Asker {
    user: String,
    groups: Vec<String>,
    namespace: String,
}

const AUTHENTICATED: &str = "system:authenticated";
const UNAUTHENTICATED: &str = "system:unauthenticated";

/// What the API server itself sets: an object that is created has none of them, whatever the file says
/// (`WipeObjectMetaSystemFields` in k8s.io/apiserver `pkg/registry/rest/meta.go`).
const SYSTEM_FIELDS: [&str; 5] = [
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "selfLink",
    "uid",
];

impl Asker {
    /// Groups are completed as for impersonation (`pkg/endpoints/filters/impersonation.go` in k8s.io/apiserver): a service
    /// account has its own unless groups are given, and everybody who is logged in is in one.
    pub(super) fn new(user: String, mut groups: Vec<String>, namespace: String) -> Self {
        let account = user.strip_prefix("system:serviceaccount:");
        if let (true, Some((of, _))) =
            (groups.is_empty(), account.and_then(|it| it.split_once(':')))
        {
            groups.push("system:serviceaccounts".to_owned());
            groups.push(format!("system:serviceaccounts:{of}"));
        }
        let told = |group: &String| group == AUTHENTICATED || group == UNAUTHENTICATED;
        if !groups.iter().any(told) {
            let anonymous = user == "system:anonymous";
            let group = if anonymous {
                UNAUTHENTICATED
            } else {
                AUTHENTICATED
            };
            groups.push(group.to_owned());
        }
        Self {
            user,
            groups,
            namespace,
        }
    }

    /// The namespace of the request.
    pub(super) fn namespace_of<'m>(
        &'m self,
        manifest: &'m Manifest<'_>,
        resource: Resource,
    ) -> &'m str {
        namespace_of(manifest, resource, &self.namespace)
    }

    /// The `request` of the review.
    pub(super) fn request(
        &self,
        manifest: &Manifest<'_>,
        resource: Resource,
        operation: Operation,
        old: Option<&Value>,
    ) -> Value {
        let info = resource.info();
        let namespace = self.namespace_of(manifest, resource);
        let object = stored(&manifest.object, namespace, operation == Operation::Create);
        let old = old.map(|old| stored(old, namespace, false));
        let (object, old) = match operation {
            Operation::Create => (object, Value::Null),
            Operation::Update => (object.clone(), old.unwrap_or(object)),
            Operation::Delete => (Value::Null, object),
        };
        let kind = json!({"group": info.group, "version": manifest.version(), "kind": info.kind});
        let plural =
            json!({"group": info.group, "version": manifest.version(), "resource": info.plural});
        json!({
            // No request has this one.
            "uid": "00000000-0000-0000-0000-000000000000",
            "kind": kind,
            "resource": plural,
            "requestKind": kind,
            "requestResource": plural,
            "name": manifest.metadata("name"),
            "namespace": namespace,
            "operation": operation.as_str(),
            "userInfo": {"username": self.user, "groups": self.groups},
            "object": object,
            "oldObject": old,
            "dryRun": false,
            "options": {"apiVersion": "meta.k8s.io/v1", "kind": operation.options()},
        })
    }
}

/// The namespace of an object, or else the one that is asked in; none for what is in none.
pub(super) fn namespace_of<'m>(
    manifest: &'m Manifest<'_>,
    resource: Resource,
    asked_in: &'m str,
) -> &'m str {
    match manifest.metadata("namespace") {
        _ if !resource.info().namespaced => "",
        "" => asked_in,
        own => own,
    }
}

/// The object as the API server hands it to webhooks: with the namespace of the request.
fn stored(object: &Value, namespace: &str, new: bool) -> Value {
    let mut object = object.clone();
    let Some(fields) = object.as_object_mut() else {
        return object;
    };
    let metadata = fields.entry("metadata").or_insert(Value::Null);
    if metadata.is_null() {
        *metadata = Value::Object(Map::new());
    }
    if let Some(metadata) = metadata.as_object_mut() {
        if !namespace.is_empty() {
            metadata.insert("namespace".to_owned(), Value::from(namespace));
        }
        if new {
            for field in SYSTEM_FIELDS {
                metadata.remove(field);
            }
        }
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(user: &str, groups: &[&str]) -> Vec<String> {
        let groups = groups.iter().map(ToString::to_string).collect();
        Asker::new(user.to_owned(), groups, String::new()).groups
    }

    #[test]
    fn groups_are_completed_as_the_api_server_does() {
        assert_eq!(groups("alice", &[]), [AUTHENTICATED]);
        assert_eq!(groups("alice", &["a"]), ["a", AUTHENTICATED]);
        assert_eq!(groups("alice", &[AUTHENTICATED, "a"]), [AUTHENTICATED, "a"]);
        assert_eq!(groups("system:anonymous", &[]), [UNAUTHENTICATED]);
        let account = "system:serviceaccount:ci:deployer";
        let own = [
            "system:serviceaccounts",
            "system:serviceaccounts:ci",
            AUTHENTICATED,
        ];
        assert_eq!(groups(account, &[]), own);
        assert_eq!(groups(account, &["a"]), ["a", AUTHENTICATED]);
    }

    #[test]
    fn a_new_object_has_no_system_fields() {
        let object = json!({"metadata": {"name": "a", "uid": "x", "deletionTimestamp": "now", "namespace": null}});
        let expected = json!({"metadata": {"name": "a", "namespace": "demo"}});
        assert_eq!(stored(&object, "demo", true), expected);
        assert_eq!(stored(&object, "", false), object);
        let bare = json!({"kind": "X", "metadata": null});
        assert_eq!(
            stored(&bare, "d", true),
            json!({"kind": "X", "metadata": {"namespace": "d"}})
        );
        assert_eq!(stored(&json!(7), "d", true), json!(7));
    }
}
