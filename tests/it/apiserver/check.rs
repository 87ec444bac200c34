//! `goldkeeper check` in front of a cluster: what it says of manifests, with a snapshot and live, is what the API server
//! answers when they are sent.

use std::path::Path;

use serde_json::{Value, json};

use super::bench::{Bench, bench, corpus, loud, repository};
use super::corpus::{NAMESPACE, make_golden, manifests, with_golden_image, without_namespaces};
use super::objects::{names_of, vm};

const PROTECTED: &str = "openshift-cnv";
/// Warned of, not refused.
const DISCOURAGED: &str = "kube-public";

/// The manifests of the corpus and variants of them, in a namespace of a tenant and in two of the platform.
fn everything(corpus: &Path) -> Vec<Value> {
    let mut found = manifests(&corpus.join("manifests"));
    let variants = [without_namespaces, with_golden_image]
        .map(|variant| found.iter().filter_map(variant).collect::<Vec<_>>());
    found.extend(variants.into_iter().flatten());
    let mut all: Vec<Value> = Vec::new();
    for (_, mut manifest) in found {
        for namespace in [NAMESPACE, PROTECTED, DISCOURAGED] {
            manifest["metadata"]["namespace"] = json!(namespace);
            all.push(manifest.clone());
        }
    }
    all
}

/// Has every manifest judged by one `goldkeeper check`; `place` says where its cluster comes from.
fn judged(bench: &Bench, folder: &Path, place: &[&str]) -> Vec<Value> {
    let policies = repository().join("policies");
    let mut line = vec!["check", folder.to_str().unwrap(), "-o", "json"];
    line.extend(["--policies", policies.to_str().unwrap()]);
    line.extend(["--as", "admin", "--as-group", "system:masters"]);
    line.extend(place);
    let seen = bench.goldkeeper(&line);
    assert!(seen.code < 2, "{}", seen.stderr);
    let report: Value = serde_json::from_str(&seen.stdout).unwrap();
    report["objects"].as_array().unwrap().clone()
}

/// What is said of an object, but for who may see and clone what: only a live cluster can be asked that.
fn without_rights(judged: &Value) -> Value {
    const RULE: &str = "BootSourceAvailable";
    let mut judged = judged.clone();
    judged.as_object_mut().unwrap().remove("decision");
    for (list, rule) in [("remarks", "/rule"), ("warnings", "")] {
        let other = |item: &Value| {
            let text = item.pointer(rule).and_then(Value::as_str);
            !text.is_some_and(|text| text.contains(RULE))
        };
        let items = judged[list].as_array().cloned().unwrap_or_default();
        judged[list] = items.into_iter().filter(other).collect();
    }
    judged
}

/// A refusal, warnings, and where the boot sources are.
type Answered = (Option<String>, Vec<String>, Vec<Option<String>>);

/// What the API server answers, as far as goldkeeper has a part in it. `None`: its CRD does not take it.
fn sent(bench: &Bench, manifest: &Value) -> Option<Answered> {
    let answer = bench.client.dry_run(manifest);
    let refusal = "admission webhook \"protected-namespaces.goldkeeper.io\" denied the request: ";
    let denial = answer.message().strip_prefix(refusal).map(str::to_owned);
    if !answer.is_success() && denial.is_none() {
        let message = answer.message();
        assert!(
            !message.contains("goldkeeper") && !message.contains("webhook"),
            "{message}"
        );
        return None;
    }
    // The API server has warnings of its own, of unknown fields; webhooks are called at the same time.
    let rules = ["(ProtectedNamespaces)", "(BootSource", "(BootImage"];
    let ours = answer.warnings.iter();
    let ours = ours.filter(|text| rules.iter().any(|rule| text.contains(rule)));
    let mut ours: Vec<String> = ours.cloned().collect();
    ours.sort_unstable();
    let names = if denial.is_some() {
        Vec::new()
    } else {
        names_of(&answer.body)
    };
    Some((denial, ours, names))
}

#[test]
fn the_corpus_is_judged_as_the_api_server_answers() {
    let Some(corpus) = corpus() else {
        loud("skipped: real manifests through a real API server need GOLDKEEPER_CORPUS");
        return;
    };
    let Some(bench) = bench() else { return };
    bench.namespace(NAMESPACE);
    let all = everything(&corpus);
    make_golden(&bench, &manifests(&corpus.join("manifests")));
    bench.until_boot_sources_are_known();
    let folder = bench.desk().join("checked");
    std::fs::create_dir_all(&folder).unwrap();
    for (number, manifest) in all.iter().enumerate() {
        std::fs::write(
            folder.join(format!("{number:05}.json")),
            manifest.to_string(),
        )
        .unwrap();
    }
    let snapshot = bench.desk().join("checked.yaml");
    let snapshot = snapshot.to_str().unwrap();
    // Restores ask for virtual machines.
    let take = ["snapshot", "--virtual-machines", "-o", snapshot];
    bench.goldkeeper(&take).succeeded();
    let by_snapshot = judged(&bench, &folder, &["--cluster-from", snapshot]);
    let live = judged(&bench, &folder, &[]);
    assert_eq!((by_snapshot.len(), live.len()), (all.len(), all.len()));
    for (file, live) in by_snapshot.iter().zip(&live) {
        let (file, live) = (without_rights(file), without_rights(live));
        assert_eq!(file, live, "files and the live cluster decide alike");
    }

    let mut counts = [0; 5];
    for (manifest, judged) in all.iter().zip(&live) {
        let Some((denial, warnings, names)) = sent(&bench, manifest) else {
            counts[4] += 1;
            continue;
        };
        assert_eq!(
            judged.get("message").and_then(Value::as_str),
            denial.as_deref(),
            "{manifest}"
        );
        let mut told: Vec<String> =
            serde_json::from_value(judged.get("warnings").cloned().unwrap_or(json!([]))).unwrap();
        told.sort_unstable();
        assert_eq!(told, warnings, "{manifest}");
        if denial.is_none() {
            let mut filled = manifest.clone();
            let patch = judged.get("patch").cloned().unwrap_or(json!([]));
            let patch: json_patch::Patch = serde_json::from_value(patch).unwrap();
            json_patch::patch(&mut filled, &patch).unwrap();
            assert_eq!(names_of(&filled), names, "{manifest}");
            counts[3] += usize::from(!patch.0.is_empty());
        }
        counts[0] += 1;
        counts[1] += usize::from(denial.is_some());
        counts[2] += usize::from(!warnings.is_empty());
    }
    eprintln!(
        "{} manifests compared with the API server: {} denied, {} warned, {} filled in; {} more are refused by their CRDs",
        counts[0], counts[1], counts[2], counts[3], counts[4]
    );
    assert!(
        counts[0] > 100 && counts[1] > 50 && counts[2] > 50 && counts[3] > 10,
        "{counts:?}"
    );
}

#[test]
fn a_manifest_is_filled_in_from_the_live_cluster_and_applied_without_a_change() {
    let Some(bench) = bench() else { return };
    bench.write("to-be-filled.yaml", &vm("demo", "to-be-filled"));
    let policies = repository().join("policies");
    let line = [
        "check",
        "to-be-filled.yaml",
        "--write",
        "--policies",
        policies.to_str().unwrap(),
    ];
    let seen = bench.goldkeeper(&line).succeeded();
    assert!(
        seen.stdout.contains("(written into 1 file)"),
        "{}",
        seen.stdout
    );
    bench.kubectl("apply -f to-be-filled.yaml").succeeded();
    let stored = bench.kubectl("get vm to-be-filled -n demo -o json").json();
    let text = std::fs::read_to_string(bench.desk().join("to-be-filled.yaml")).unwrap();
    let written: Value = serde_saphyr::from_str(&text).unwrap();
    assert_eq!(names_of(&stored), names_of(&written));
    assert!(names_of(&stored)[0].is_some());
}
