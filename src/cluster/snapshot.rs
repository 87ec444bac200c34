//! What a cluster that was written down says of itself: the first item of the `List` that `goldkeeper snapshot` writes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Coverage, Kind};

/// `apiVersion` of the header.
const API_VERSION: &str = "goldkeeper.io/v1";
/// `kind` of the header.
const KIND: &str = "ClusterSnapshot";
/// Why a kind that a header does not mention is not known.
const NOT_MENTIONED: &str = "the snapshot does not mention it: take a new one with this goldkeeper";

/// `spec` of a `ClusterSnapshot`: when and where the snapshot was taken, and what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// When listing began, RFC 3339 in UTC.
    pub taken_at: String,
    /// Version of the API server, as in `v1.33.5`.
    pub server_version: String,
    /// Whether the cluster serves `config.openshift.io`.
    pub openshift: bool,
    /// Every kind that goldkeeper looks at.
    pub kinds: Vec<SnapshotKind>,
}

/// What a snapshot holds of a kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SnapshotKind {
    /// The kind, as in `DataSource`.
    pub kind: String,
    /// Whether its objects are in the snapshot.
    pub listed: bool,
    /// How many there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objects: Option<usize>,
    /// The namespaces of which all objects are there, where not those of all namespaces were wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<Vec<Box<str>>>,
    /// `false` if the cluster does not serve the kind: there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub served: Option<bool>,
    /// Why it was not listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The header as an object, its fields in the order in which people write them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item<'s> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata,
    spec: &'s Snapshot,
}

#[derive(Serialize)]
struct Metadata {
    name: &'static str,
}

impl SnapshotKind {
    /// How much is known of the kind.
    fn coverage(&self) -> Coverage {
        match (self.listed, &self.namespaces, self.served) {
            (true, Some(namespaces), _) => Coverage::Within(namespaces.as_slice().into()),
            (true, None, _) => Coverage::Complete,
            (false, _, Some(false)) => Coverage::NotServed,
            (false, ..) => Coverage::Unknown(Arc::from(
                self.reason
                    .as_deref()
                    .unwrap_or("the snapshot does not say why"),
            )),
        }
    }
}

impl Snapshot {
    /// The header as an item of a `List`.
    pub const fn item(&self) -> impl Serialize + '_ {
        Item {
            api_version: API_VERSION,
            kind: KIND,
            metadata: Metadata { name: "cluster" },
            spec: self,
        }
    }

    /// Reads the header; `None` if the object is something else.
    pub(super) fn of(object: &Value) -> Option<Result<Self, String>> {
        let is = |field, text| object.get(field).and_then(Value::as_str) == Some(text);
        if !is("apiVersion", API_VERSION) || !is("kind", KIND) {
            return None;
        }
        let spec = object.get("spec").unwrap_or(&Value::Null);
        Some(Self::deserialize(spec).map_err(|error| format!("{KIND}: spec: {error}")))
    }

    /// What the snapshot says of a kind.
    fn find(&self, kind: Kind) -> Option<&SnapshotKind> {
        let name = kind.info().kind;
        self.kinds.iter().find(|own| own.kind == name)
    }

    /// How much is known of a kind.
    pub fn coverage(&self, kind: Kind) -> Coverage {
        self.find(kind).map_or_else(
            || Coverage::Unknown(NOT_MENTIONED.into()),
            SnapshotKind::coverage,
        )
    }

    /// How many objects of a kind the snapshot says it holds.
    pub fn promised(&self, kind: Kind) -> Option<usize> {
        self.find(kind)?.objects
    }
}
