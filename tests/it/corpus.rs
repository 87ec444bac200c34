//! Manifests that nobody here wrote. They are not part of the project: `GOLDKEEPER_CORPUS` says where they are, a folder
//! with `manifests/INDEX.tsv` and `manifests/<Kind>/*.yaml`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use goldkeeper::admission::Resource;
use goldkeeper::cluster::{Builder, Known};
use goldkeeper::policy::{PolicySet, PolicySource};
use jiff::civil::Date;
use serde_json::{Value, json};

use crate::support::round::{self, World};
use crate::support::{files, yaml};

/// Where the manifests are, if anybody has them.
fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("GOLDKEEPER_CORPUS")?;
    let manifests = Path::new(&folder).join("manifests");
    let index = manifests.join("INDEX.tsv");
    assert!(
        index.is_file(),
        "GOLDKEEPER_CORPUS is set, but there is no {}",
        index.display()
    );
    Some(manifests)
}

/// The resource of an object that is judged.
fn resource(object: &Value) -> Option<Resource> {
    let text = |field: &str| object.get(field).and_then(Value::as_str);
    let (group, _) = text("apiVersion")?.split_once('/')?;
    let kind = text("kind")?;
    Resource::ALL.into_iter().find(|resource| {
        let info = resource.info();
        info.group == group && info.kind == kind
    })
}

fn create(object: &Value, resource: Resource, namespace: &str) -> Value {
    let info = resource.info();
    let version = object
        .get("apiVersion")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let version = version.split('/').nth(1).unwrap_or_default();
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("namespace".to_owned(), Value::from(namespace));
    }
    json!({
        "uid": "corpus",
        "kind": {"group": info.group, "version": version, "kind": info.kind},
        "resource": {"group": info.group, "version": version, "resource": info.plural},
        "name": object.pointer("/metadata/name"),
        "namespace": namespace,
        "operation": "CREATE",
        "userInfo": {"username": "alice", "groups": ["system:authenticated"]},
        "object": object,
        "oldObject": null,
        "dryRun": false,
    })
}

/// One line: the verdict, what is filled in, who warned.
fn describe(outcome: &round::Outcome) -> String {
    let mut text = if outcome.validate.allowed {
        "allowed"
    } else {
        "denied"
    }
    .to_owned();
    for operation in &outcome.mutate.patch {
        let part = |field: &str| {
            operation
                .get(field)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let _ = write!(text, " {}={}", part("path"), part("value"));
    }
    for warning in &outcome.validate.warnings {
        let rule = warning
            .rsplit_once('(')
            .map_or(warning.as_str(), |(_, rule)| rule.trim_end_matches(')'));
        let _ = write!(text, " warned by {rule}");
    }
    text
}

#[test]
fn every_manifest_goes_through() {
    let Some(manifests) = corpus() else {
        println!("GOLDKEEPER_CORPUS is not set: the corpus tests were skipped");
        return;
    };
    let sources: Vec<_> = files::below("policies", "yaml")
        .into_iter()
        .map(|file| PolicySource {
            file: Arc::from(file.to_string_lossy()),
            text: fs::read_to_string(&file).expect("a policy file can be read"),
        })
        .collect();
    let policies = PolicySet::compile(&sources).expect("the shipped policies compile");
    let cluster =
        fs::read_to_string("tests/fixtures/clusters/openshift.yaml").expect("the fixture");
    let mut builder = Builder::complete();
    for object in yaml::documents(&cluster).expect("the fixture is YAML") {
        builder.fold(&object);
    }
    let view = builder.build();
    let world = World {
        policies: &policies,
        view: &view,
        read: &|_| Known::Unknown,
        today: Date::constant(2026, 11, 23),
    };

    let mut decisions = String::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut count = |what| *counts.entry(what).or_default() += 1;
    for file in files::below(&manifests, "yaml") {
        count("files");
        let name = file
            .strip_prefix(&manifests)
            .expect("a file of the folder")
            .to_string_lossy()
            .into_owned();
        let documents = fs::read_to_string(&file).map_err(|error| error.to_string());
        let Ok(documents) = documents.and_then(|text| yaml::documents(&text)) else {
            count("files that are no YAML");
            let _ = writeln!(decisions, "{name}: no YAML");
            continue;
        };
        for (index, object) in documents.iter().enumerate() {
            let Some(resource) = resource(object) else {
                count("objects not covered");
                continue;
            };
            count("objects judged");
            let _ = write!(decisions, "{name}#{index} {}", resource.info().kind);
            for namespace in ["demo", "openshift-cnv"] {
                let outcome = round::judge(&world, &create(object, resource, namespace))
                    .unwrap_or_else(|| panic!("{name}: not answered"));
                if !outcome.validate.allowed {
                    count("requests denied");
                }
                if !outcome.mutate.patch.is_empty() {
                    count("requests filled");
                }
                let _ = write!(decisions, "; {namespace}: {}", describe(&outcome));
            }
            decisions.push('\n');
        }
    }
    println!("{counts:#?}");
    let counts: String = counts
        .iter()
        .fold(String::new(), |mut text, (what, number)| {
            let _ = writeln!(text, "{number} {what}");
            text
        });
    insta::assert_snapshot!("corpus", format!("{counts}\n{}", decisions.trim_end()));
}

/// Whether an object clones from a namespace that is there for boot images.
fn clones_boot_images(object: &Value) -> bool {
    match object {
        Value::Object(fields) => fields.iter().any(|(name, value)| {
            let place = value.get("namespace").and_then(Value::as_str);
            let place = place.unwrap_or_default();
            let is_source = matches!(&**name, "sourceRef" | "pvc" | "snapshot");
            is_source && (place.ends_with("-os-images") || place.starts_with("golden"))
                || clones_boot_images(value)
        }),
        Value::Array(items) => items.iter().any(clones_boot_images),
        _ => false,
    }
}

#[test]
fn clones_of_boot_images_are_told_of() {
    let Some(manifests) = corpus() else {
        println!("GOLDKEEPER_CORPUS is not set: the corpus tests were skipped");
        return;
    };
    let folder = Path::new("policies");
    let policies = goldkeeper::store::compile_folder(folder, false).unwrap();
    // An administrator has moved the images to gold-images; placeholders stay where manifests look for them.
    let cluster = [PathBuf::from("tests/fixtures/clusters/two-classes.yaml")];
    let cluster = goldkeeper::store::read_cluster(&cluster).unwrap();
    let world = goldkeeper::engine::World {
        policies: &policies,
        view: &cluster.view,
        read: &|_| Known::Unknown,
        today: Date::constant(2026, 11, 23),
    };
    let mut found = String::new();
    let mut judged = 0;
    for file in files::below(&manifests, "yaml") {
        let name = file.strip_prefix(&manifests).unwrap().display().to_string();
        let text = fs::read_to_string(&file).unwrap();
        for object in yaml::documents(&text).unwrap_or_default() {
            let Some(resource) = resource(&object).filter(|_| clones_boot_images(&object)) else {
                continue;
            };
            judged += 1;
            let request = create(&object, resource, "demo");
            let admission = goldkeeper::engine::admit(&world, request).unwrap();
            let _ = writeln!(found, "{name} {}", resource.info().kind);
            for outcome in &admission.validate.evaluation.outcomes {
                for action in outcome.actions() {
                    let text = outcome.text(action).unwrap_or_default();
                    let field = outcome.field();
                    let _ = writeln!(found, "  {} at {field}: {text}", action.as_str());
                }
            }
        }
    }
    insta::assert_snapshot!("corpus_clones", format!("{judged} manifests\n\n{found}"));
}
