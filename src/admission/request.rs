//! `AdmissionRequest` of `admission.k8s.io/v1`, decoded partially and without copies.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;

use super::json::{self, JsonError};
use super::tolerant::{Rare, Text};
use super::{Object, Resource};

/// What is asked of the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Operation {
    /// A new object.
    Create,
    /// A change of an object.
    Update,
    /// The end of an object; `object` is null.
    Delete,
    /// A connection to a subresource such as `console`.
    Connect,
}

impl Operation {
    /// The spelling of the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// `{group, version, kind}` as in a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct GroupVersionKind<'a> {
    /// API group, `""` for the core group.
    #[serde(borrow)]
    pub group: Text<'a>,
    /// Version.
    #[serde(borrow)]
    pub version: Text<'a>,
    /// Kind.
    #[serde(borrow)]
    pub kind: Text<'a>,
}

/// `{group, version, resource}` as in a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct GroupVersionResource<'a> {
    /// API group, `""` for the core group.
    #[serde(borrow)]
    pub group: Text<'a>,
    /// Version.
    #[serde(borrow)]
    pub version: Text<'a>,
    /// Plural name.
    #[serde(borrow)]
    pub resource: Text<'a>,
}

/// Who asks, as the API server authenticated it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct UserInfo<'a> {
    /// User name.
    #[serde(borrow)]
    pub username: Text<'a>,
    /// Groups.
    #[serde(borrow)]
    pub groups: Groups<'a>,
}

/// Groups of a user.
pub type Groups<'a> = Vec<Text<'a>>;

/// A service account, read from its user name `system:serviceaccount:<namespace>:<name>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceAccount<'a> {
    /// Its namespace.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
}

impl UserInfo<'_> {
    /// The service account, if the user is one. The prefix is reserved: no other authenticator may hand it out.
    pub fn service_account(&self) -> Option<ServiceAccount<'_>> {
        let rest = self
            .username
            .get()?
            .strip_prefix("system:serviceaccount:")?;
        let (namespace, name) = rest.split_once(':')?;
        let valid = !namespace.is_empty() && !name.is_empty() && !name.contains(':');
        valid.then_some(ServiceAccount { namespace, name })
    }
}

/// The bytes that a request was read from, for whoever needs more of it than [`AdmissionRequest`] holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// An `AdmissionReview`, with the request in it.
    Review(&'a [u8]),
    /// The request itself.
    Request(&'a [u8]),
}

/// One request to the API server, as far as a rule may look at it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdmissionRequest<'a> {
    /// Identifies this request; the response echoes it.
    #[serde(borrow)]
    pub uid: Cow<'a, str>,
    /// Kind of the object, in the version it was converted to for this webhook.
    #[serde(borrow)]
    pub kind: GroupVersionKind<'a>,
    /// Resource of the object, in the version it was converted to for this webhook.
    #[serde(borrow)]
    pub resource: GroupVersionResource<'a>,
    /// `status`, `scale`, …; empty for the object itself.
    #[serde(borrow, default)]
    pub sub_resource: Text<'a>,
    /// Name of the object; empty on a CREATE with `generateName`.
    #[serde(borrow, default)]
    pub name: Text<'a>,
    /// Namespace of the request. The object's own `metadata.namespace` may be missing: this one decides.
    #[serde(borrow, default)]
    pub namespace: Text<'a>,
    /// What is asked.
    pub operation: Operation,
    /// Who asks.
    #[serde(borrow, default)]
    pub user_info: UserInfo<'a>,
    /// The object as it would be stored; absent on DELETE.
    #[serde(borrow, default)]
    pub object: Rare<Object<'a>>,
    /// The object as it is stored; absent on CREATE.
    #[serde(borrow, default)]
    pub old_object: Rare<Object<'a>>,
    /// Whether nothing will be stored. The answer is the same.
    #[serde(default)]
    pub dry_run: Option<bool>,
    /// What it was read from. Whoever reads a request sets it; without it no condition of a policy can be told.
    #[serde(skip)]
    pub body: Option<Body<'a>>,
}

impl<'a> AdmissionRequest<'a> {
    /// Reads a request that stands alone, without an `AdmissionReview` around it.
    ///
    /// # Errors
    /// [`JsonError`] where the bytes are no request.
    pub fn read(bytes: &'a [u8]) -> Result<Self, JsonError> {
        let mut request: Self = json::from_slice(bytes)?;
        request.body = Some(Body::Request(bytes));
        Ok(request)
    }
}

impl AdmissionRequest<'_> {
    /// The resource, if it is one that goldkeeper judges: the object itself, never a subresource.
    pub fn judged_resource(&self) -> Option<Resource> {
        if self.sub_resource.get().is_some() {
            return None;
        }
        Resource::find(
            self.resource.group.or_empty(),
            self.resource.resource.or_empty(),
        )
    }

    /// The name of the object, or its `generateName` with a `*` for what the API server will append, or `""`.
    pub fn display_name(&self) -> Cow<'_, str> {
        if let Some(name) = self.name.get() {
            return Cow::Borrowed(name);
        }
        let Some(metadata) = self.object.get().and_then(|object| object.metadata.get()) else {
            return Cow::Borrowed("");
        };
        match (metadata.name.get(), metadata.generate_name.get()) {
            (Some(name), _) => Cow::Borrowed(name),
            (None, Some(prefix)) => Cow::Owned(format!("{prefix}*")),
            (None, None) => Cow::Borrowed(""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_accounts_are_read_exactly() {
        let cases = [
            (
                "system:serviceaccount:kubevirt:kubevirt-controller",
                Some(("kubevirt", "kubevirt-controller")),
            ),
            ("system:serviceaccount:kubevirt:", None),
            ("system:serviceaccount::x", None),
            ("system:serviceaccount:a:b:c", None),
            ("kubevirt-controller", None),
            ("", None),
        ];
        for (username, expected) in cases {
            let user = UserInfo {
                username: username.into(),
                groups: Vec::new(),
            };
            let found = user
                .service_account()
                .map(|account| (account.namespace, account.name));
            assert_eq!(found, expected, "{username}");
        }
    }
}
