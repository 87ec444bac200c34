//! What is written down of an object: what is read of it, and nothing else.

use std::path::Path;

use goldkeeper::cluster::{Fact, Kind, thin};
use serde_json::{Value, json};

use crate::support::{files, yaml};

/// Objects of every kind, as a cluster has them.
fn objects() -> Vec<(Kind, Value)> {
    let mut files = files::below("tests/fixtures/clusters", "yaml");
    files.push(Path::new("examples/cluster.yaml").to_owned());
    let mut objects = Vec::new();
    for file in files {
        for document in yaml::documents(&std::fs::read_to_string(file).unwrap()).unwrap() {
            let items = document["items"].as_array().cloned();
            objects.extend(items.unwrap_or_else(|| vec![document]));
        }
    }
    let text = |object: &Value, field: &str| object[field].as_str().unwrap_or_default().to_owned();
    let kind = |object: &Value| Kind::of(&text(object, "apiVersion"), &text(object, "kind"));
    objects
        .into_iter()
        .filter_map(|object| Some((kind(&object)?, object)))
        .collect()
}

/// The pointers of all objects within an object.
fn maps(object: &Value, pointer: &str, found: &mut Vec<String>) {
    match object {
        Value::Object(fields) => {
            found.push(pointer.to_owned());
            for (name, value) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                maps(value, &format!("{pointer}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                maps(value, &format!("{pointer}/{index}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn what_is_written_reads_as_what_was_there() {
    let objects = objects();
    assert!(objects.len() > 50, "{}", objects.len());
    for (kind, object) in objects {
        let thinned = thin(kind, object.clone()).unwrap();
        assert_eq!(Fact::read(kind, &thinned), Fact::read(kind, &object));
        assert_eq!(
            thin(kind, thinned.clone()),
            Some(thinned),
            "nothing more can go"
        );
    }
}

/// Something is put wherever there is room for it. The labels of namespaces are all of them facts.
#[test]
fn what_is_not_read_is_not_written() {
    for (kind, object) in objects() {
        let thinned = thin(kind, object.clone());
        let mut stuffed = object.clone();
        stuffed["data"] = json!({"password": "secret"});
        let metadata = stuffed["metadata"].as_object_mut().unwrap();
        let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
        annotations["kubectl.kubernetes.io/last-applied-configuration"] = json!("secret");
        metadata.insert(
            "managedFields".to_owned(),
            json!([{"fieldsV1": {"f:secret": {}}}]),
        );
        let mut places = Vec::new();
        maps(&stuffed, "", &mut places);
        for place in places {
            if kind != Kind::Namespace || place != "/metadata/labels" {
                stuffed.pointer_mut(&place).unwrap()["zz-secret"] = json!("secret");
            }
        }
        assert_eq!(thin(kind, stuffed), thinned, "{object}");
    }
}
