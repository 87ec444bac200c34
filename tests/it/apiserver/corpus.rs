//! Manifests that nobody here wrote, as far as there are any (`GOLDKEEPER_CORPUS`): what goldkeeper patches is what the
//! engine says, and the API server accepts the patch. Few of them leave out the namespace of a boot source; so those that
//! name it are sent once more without, and those that import or upload once more with a golden image instead.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use goldkeeper::cluster::{Answers, Builder, ClusterView, Facts};
use goldkeeper::engine::{Route, enforce, evaluate};
use goldkeeper::policy::PolicySet;
use goldkeeper::webhook::review;
use serde_json::{Value, json};

use super::bench::{Bench, DEFAULT, LONG, bench, corpus, documents, loud, repository, until};
use super::objects::{data_source, names_of, path_of, vm};

pub(super) const NAMESPACE: &str = "corpus";

const KINDS: [&str; 7] = [
    "VirtualMachine",
    "VirtualMachinePool",
    "VirtualMachineInstance",
    "VirtualMachineInstanceReplicaSet",
    "VirtualMachineClone",
    "VirtualMachineRestore",
    "DataVolume",
];

#[derive(Debug, Default)]
struct Count {
    sent: usize,
    accepted: usize,
    refused: usize,
    filled: usize,
}

#[test]
fn every_manifest_is_answered_as_the_engine_says() {
    let Some(corpus) = corpus() else {
        loud("skipped: real manifests through a real API server need GOLDKEEPER_CORPUS");
        return;
    };
    let Some(bench) = bench() else { return };
    bench.namespace(NAMESPACE);
    let mut manifests = manifests(&corpus.join("manifests"));
    assert!(!manifests.is_empty());
    let variants = [without_namespaces, with_golden_image]
        .map(|variant| manifests.iter().filter_map(variant).collect::<Vec<_>>());
    eprintln!(
        "{} manifests, {} once more without namespaces, {} once more with a golden image",
        manifests.len(),
        variants[0].len(),
        variants[1].len()
    );
    manifests.extend(variants.into_iter().flatten());
    make_golden(&bench, &manifests);
    let policies =
        goldkeeper::store::compile_folder(&repository().join("policies"), false).unwrap();
    let view = view(&bench);
    let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
    let mut differences = Vec::new();
    for (file, manifest) in &manifests {
        let kind = manifest["kind"].as_str().unwrap();
        let count = counts.entry(kind).or_default();
        count.sent += 1;
        let answer = bench.client.dry_run(manifest);
        if !answer.is_success() {
            // Whatever is wrong with it, it is not what we made of it.
            let message = answer.message().to_lowercase();
            let ours = ["webhook", "patch", "goldkeeper"];
            let blamed = ours.iter().any(|word| message.contains(word));
            assert!(!blamed, "{}: {message}", file.display());
            count.refused += 1;
            continue;
        }
        count.accepted += 1;
        let expected = engine(manifest, &policies, &view);
        let found = names_of(&answer.body);
        count.filled += usize::from(found != names_of(manifest));
        if found != expected {
            differences.push(format!("{}: {found:?}, not {expected:?}", file.display()));
        }
    }
    for (kind, count) in &counts {
        eprintln!(
            "{kind}: {} sent, {} accepted ({} of them filled in), {} refused by their CRD",
            count.sent, count.accepted, count.filled, count.refused
        );
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(counts.values().any(|count| count.filled > 0), "{counts:?}");
}

/// Every manifest of a kind that goldkeeper looks at, moved to our namespace.
pub(super) fn manifests(folder: &Path) -> Vec<(PathBuf, Value)> {
    let mut manifests = Vec::new();
    for kind in KINDS {
        let Ok(files) = std::fs::read_dir(folder.join(kind)) else {
            continue;
        };
        let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
        files.sort_unstable();
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            for mut document in documents(&text) {
                if document["kind"] == kind && document["metadata"].is_object() {
                    document["metadata"]["namespace"] = json!(NAMESPACE);
                    manifests.push((file.clone(), document));
                }
            }
        }
    }
    manifests
}

/// Makes every boot source that the manifests name golden; the first is also in the namespace of the manifests.
pub(super) fn make_golden(bench: &Bench, manifests: &[(PathBuf, Value)]) {
    let mut names = BTreeSet::new();
    for (_, manifest) in manifests {
        let mut note = |reference: &mut Value| {
            names.extend(reference["name"].as_str().map(str::to_owned));
        };
        each_reference(&mut manifest.clone(), &mut note);
    }
    let golden: Vec<&String> = names.iter().collect();
    let made = |name: &str, namespace: &str| {
        let mut source = data_source(namespace);
        source["metadata"]["name"] = json!(name);
        let answer = bench.client.create(&source);
        assert!(answer.is_success() || answer.code == 409, "{answer:?}");
    };
    for name in &golden {
        made(name, DEFAULT);
    }
    made(golden[0], NAMESPACE);
    let mut last = vm("demo", "last");
    let reference = &mut last["spec"]["dataVolumeTemplates"][0]["spec"]["sourceRef"];
    reference["name"] = json!(golden.last().unwrap());
    until("goldkeeper knows them", LONG, || {
        names_of(&bench.client.dry_run(&last).object())[0].is_some()
    });
    eprintln!("golden: {golden:?}; {} is also in {NAMESPACE}", golden[0]);
}

/// The manifest without the namespaces of its boot sources, if it names any.
pub(super) fn without_namespaces((file, manifest): &(PathBuf, Value)) -> Option<(PathBuf, Value)> {
    let mut manifest = manifest.clone();
    let mut changed = false;
    each_reference(&mut manifest, &mut |reference| {
        let fields = reference.as_object_mut().unwrap();
        changed |= fields.remove("namespace").is_some();
    });
    changed.then(|| (file.clone(), manifest))
}

/// The manifest with a golden image for whatever its volumes are made from, if it has any.
pub(super) fn with_golden_image((file, manifest): &(PathBuf, Value)) -> Option<(PathBuf, Value)> {
    let mut manifest = manifest.clone();
    let volumes: Vec<&mut Value> = if manifest["kind"] == "DataVolume" {
        manifest.get_mut("spec").into_iter().collect()
    } else {
        let templates = manifest.pointer_mut("/spec/dataVolumeTemplates");
        let templates = templates
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten();
        templates.filter_map(|it| it.get_mut("spec")).collect()
    };
    let mut changed = false;
    for fields in volumes.into_iter().filter_map(Value::as_object_mut) {
        if fields.remove("source").is_some() {
            let golden = json!({"kind": "DataSource", "name": "rhel9"});
            fields.insert("sourceRef".to_owned(), golden);
            changed = true;
        }
    }
    changed.then(|| (file.clone(), manifest))
}

fn each_reference(value: &mut Value, visit: &mut dyn FnMut(&mut Value)) {
    match value {
        Value::Object(fields) => {
            let reference = fields.get_mut("sourceRef").filter(|it| it.is_object());
            reference.into_iter().for_each(&mut *visit);
            fields
                .values_mut()
                .for_each(|value| each_reference(value, visit));
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|value| each_reference(value, visit)),
        _ => {}
    }
}

/// What the cluster holds, as the command line would read it from a snapshot.
fn view(bench: &Bench) -> std::sync::Arc<ClusterView> {
    let mut builder = Builder::complete();
    let lists = [
        ("cdi.kubevirt.io/v1beta1", "DataSource", "datasources"),
        ("hco.kubevirt.io/v1", "HyperConverged", "hyperconvergeds"),
        ("v1", "Namespace", "namespaces"),
    ];
    for (api_version, kind, plural) in lists {
        let root = if api_version == "v1" { "api" } else { "apis" };
        let list = bench.client.get(&format!("/{root}/{api_version}/{plural}"));
        for mut item in list.object()["items"].take().as_array().unwrap().clone() {
            item["apiVersion"] = json!(api_version);
            item["kind"] = json!(kind);
            builder.fold(&item);
        }
    }
    builder.fold(&json!({
        "apiVersion": "config.openshift.io/v1", "kind": "ClusterVersion", "metadata": {"name": "version"},
    }));
    builder.build()
}

/// Where the boot sources are after what the engine fills in.
fn engine(manifest: &Value, policies: &PolicySet, view: &ClusterView) -> Vec<Option<String>> {
    let api_version = manifest["apiVersion"].as_str().unwrap();
    let (group, version) = api_version.split_once('/').unwrap();
    let path = path_of(manifest, false);
    let plural = path.rsplit('/').next().unwrap();
    let body = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "1",
            "kind": {"group": group, "version": version, "kind": manifest["kind"]},
            "resource": {"group": group, "version": version, "resource": plural},
            "namespace": NAMESPACE,
            "operation": "CREATE",
            "userInfo": {"username": "admin"},
            "object": manifest,
        },
    });
    let body = serde_json::to_vec(&body).unwrap();
    let request = review::decode(&body).unwrap();
    let answers = Answers::default();
    let facts = Facts::new(view, &answers);
    let today = jiff::civil::date(2026, 1, 1);
    let evaluation = evaluate(Route::MUTATE, &request, policies, facts, today);
    let decision = enforce(&evaluation, policies);
    let edits = decision
        .edits
        .iter()
        .map(goldkeeper::admission::Edit::operation);
    let mut filled = manifest.clone();
    json_patch::patch(&mut filled, &edits.collect::<Vec<_>>()).unwrap();
    names_of(&filled)
}
