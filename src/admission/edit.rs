//! A change that a rule proposes to the object under review.

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use super::FieldPath;

/// One field to be added to the object, or to be given another value.
///
/// An edit is only ever made for a field of a JSON object that the decoder found in the very request
/// ([`BootReference`](super::BootReference)), so the `add` operation it becomes cannot fail (RFC 6902 section 4.1).
/// The API server turns a failing patch into an error that no failurePolicy covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The field to add.
    pub path: FieldPath,
    /// Its value.
    pub value: String,
    /// What the user is told of it: nothing where something that was missing is filled in, as most people mean it so.
    pub notice: Option<String>,
}

/// As an operation of an RFC 6902 patch on the wire: what [`Edit::operation`] is, without a tree in between.
impl Serialize for Edit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut operation = serializer.serialize_struct("Edit", 3)?;
        operation.serialize_field("op", "add")?;
        operation.serialize_field("path", &self.path.pointer())?;
        operation.serialize_field("value", &self.value)?;
        operation.end()
    }
}

impl Edit {
    /// The edit as an operation of an RFC 6902 patch. `add` is right for a field that is absent, `null` or
    /// `""`, and for one that has a value: it takes its place.
    pub fn operation(&self) -> json_patch::PatchOperation {
        json_patch::PatchOperation::Add(json_patch::AddOperation {
            path: json_patch::jsonptr::PointerBuf::parse(self.path.pointer()).unwrap_or_default(),
            value: serde_json::Value::String(self.value.clone()),
        })
    }
}
