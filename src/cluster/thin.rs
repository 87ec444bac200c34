//! Objects as they are written down: with what makes a difference, and nothing else.

use serde_json::Value;

use super::{Fact, Kind};

/// Takes away from an object all that makes no difference to what is kept of it, so that what is written down is what
/// is read, whatever a kind's facts come to be: no table of fields can fall behind. `None` if it has no name.
///
/// The object must say its `apiVersion` and `kind`; both stay.
pub fn thin(kind: Kind, object: Value) -> Option<Value> {
    Fact::read(kind, &object)?;
    Some(thin_to(object, &|object| Fact::read(kind, object)))
}

/// Takes away from an object all that makes no difference to what is read of it. `apiVersion` and `kind` stay.
pub fn thin_to<T: PartialEq>(object: Value, read: &dyn Fn(&Value) -> T) -> Value {
    let mut thinner = Thinner {
        kept: read(&object),
        read,
        object,
    };
    thinner.below(&mut String::new());
    thinner.object
}

struct Thinner<'t, T> {
    read: &'t dyn Fn(&Value) -> T,
    kept: T,
    object: Value,
}

impl<T: PartialEq> Thinner<'_, T> {
    /// Whether the object as it is now is worth as much as it was.
    fn is_same(&self) -> bool {
        (self.read)(&self.object) == self.kept
    }

    /// Tries each field and element below a JSON pointer; what can't go is tried part by part.
    fn below(&mut self, pointer: &mut String) {
        let length = pointer.len();
        match self.object.pointer(pointer) {
            Some(Value::Object(fields)) => {
                let fields: Vec<String> = fields.keys().cloned().collect();
                for field in fields {
                    if length == 0 && matches!(&*field, "apiVersion" | "kind") {
                        continue;
                    }
                    if !self.goes_without_field(pointer, &field) {
                        pointer.push('/');
                        pointer.push_str(&field.replace('~', "~0").replace('/', "~1"));
                        self.below(pointer);
                        pointer.truncate(length);
                    }
                }
            }
            Some(Value::Array(elements)) => {
                for index in (0..elements.len()).rev() {
                    if !self.goes_without_element(pointer, index) {
                        pointer.push('/');
                        pointer.push_str(&index.to_string());
                        self.below(pointer);
                        pointer.truncate(length);
                    }
                }
            }
            _ => {}
        }
    }

    fn goes_without_field(&mut self, pointer: &str, field: &str) -> bool {
        let object = self.object.pointer_mut(pointer);
        let Some(value) = object
            .and_then(Value::as_object_mut)
            .and_then(|fields| fields.remove(field))
        else {
            return true;
        };
        let goes = self.is_same();
        if !goes && let Some(Value::Object(fields)) = self.object.pointer_mut(pointer) {
            fields.insert(field.to_owned(), value);
        }
        goes
    }

    fn goes_without_element(&mut self, pointer: &str, index: usize) -> bool {
        let Some(Value::Array(elements)) = self.object.pointer_mut(pointer) else {
            return true;
        };
        let value = elements.remove(index);
        let goes = self.is_same();
        if !goes && let Some(Value::Array(elements)) = self.object.pointer_mut(pointer) {
            elements.insert(index, value);
        }
        goes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_read_stays_and_nothing_else() {
        let source = json!({
            "apiVersion": "cdi.kubevirt.io/v1beta1", "kind": "DataSource",
            "metadata": {
                "name": "rhel9", "namespace": "images", "uid": "1", "managedFields": [{"manager": "x"}],
                "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{\"secret\": 1}"},
                "labels": {"cdi.kubevirt.io/dataImportCron": "rhel9-cron", "team/a~b": "c"},
            },
            "spec": {"source": {"pvc": {"name": "rhel9", "namespace": "images"}}},
            "status": {"conditions": [
                {"type": "Running", "status": "False", "message": "secret"},
                {"type": "Ready", "status": "True", "lastHeartbeatTime": "2026-01-01T00:00:00Z"},
                {"type": "Late", "status": "False"},
            ]},
        });
        assert_eq!(
            thin(Kind::DataSource, source),
            Some(json!({
                "apiVersion": "cdi.kubevirt.io/v1beta1", "kind": "DataSource",
                "metadata": {
                    "name": "rhel9", "namespace": "images", "labels": {"cdi.kubevirt.io/dataImportCron": "rhel9-cron"},
                },
                "spec": {"source": {"pvc": {"name": "rhel9", "namespace": "images"}}},
                "status": {"conditions": [{"type": "Ready", "status": "True"}]},
            }))
        );
    }

    #[test]
    fn labels_of_namespaces_count_and_their_annotations_do_not() {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": "a", "labels": {"b/c~d": "e", "f": ""}, "annotations": {"g": "secret"}},
            "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}});
        let thinned = json!({"apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": "a", "labels": {"b/c~d": "e", "f": ""}}});
        assert_eq!(thin(Kind::Namespace, namespace), Some(thinned));
    }

    #[test]
    fn what_cannot_be_read_stays_unreadable() {
        let odd = json!({"apiVersion": "v1", "kind": "X", "metadata": {"name": "a", "uid": "1"}, "spec": {"source": 1}});
        let thinned = thin(Kind::DataSource, odd.clone()).unwrap();
        assert_eq!(
            Fact::read(Kind::DataSource, &thinned),
            Fact::read(Kind::DataSource, &odd)
        );
        assert_eq!(thinned.pointer("/metadata/uid"), None);
        assert_eq!(thin(Kind::DataSource, json!({"metadata": {}})), None);
    }
}
