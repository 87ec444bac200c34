//! What `boot-sources`, `rehearse` and `audit` print, on a cluster with an image in every state.

use serde_json::Value;

use crate::support::seen::Seen;

fn goldkeeper(line: &str) -> Seen {
    Seen::goldkeeper(&line.split_whitespace().collect::<Vec<_>>())
}

const CLUSTER: &str = "--cluster-from tests/fixtures/clusters/two-classes.yaml --cluster-from tests/fixtures/estates/machines.yaml";
const NOW: &str = "--now 2026-01-05T06:00:00Z";

/// A command on that cluster.
fn on_cluster(line: &str) -> Seen {
    goldkeeper(&format!("{line} {CLUSTER}"))
}

/// What a user sees, and the exit code. The digest of the shipped policies is another with every change of theirs.
fn screen(seen: &Seen) -> String {
    assert_eq!(seen.stderr, "");
    let lines = seen
        .stdout
        .lines()
        .map(|line| match line.split_once("sha256:") {
            Some((before, _)) => format!("{before}sha256:…\n"),
            None => format!("{line}\n"),
        });
    format!("{}-> {}\n", lines.collect::<String>(), seen.code)
}

#[test]
fn boot_sources_at_a_glance() {
    let seen = on_cluster(&format!("boot-sources {NOW}"));
    assert_eq!(seen.code, 0);
    insta::assert_snapshot!("boot_sources", screen(&seen));
}

#[test]
fn stale_boot_sources_fail_a_pipeline() {
    let seen = on_cluster(&format!("boot-sources --stale -o wide {NOW}"));
    assert_eq!(seen.code, 1);
    insta::assert_snapshot!("boot_sources_stale_wide", screen(&seen));
    let none = goldkeeper(
        "boot-sources --stale --cluster-from tests/fixtures/clusters/openshift-custom.yaml",
    );
    assert_eq!(none.code, 0, "{}", none.stdout);
    assert!(
        none.stdout.starts_with("No boot source is stale.\n"),
        "{}",
        none.stdout
    );
}

#[test]
fn machines_are_told_the_same() {
    let json = on_cluster(&format!("boot-sources -o json {NOW}"));
    let yaml = on_cluster(&format!("boot-sources -o yaml {NOW}"));
    insta::assert_snapshot!("boot_sources_yaml", screen(&yaml));
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    let yaml: Value = serde_saphyr::from_str(&yaml.stdout).unwrap();
    assert_eq!(json, yaml);
}

#[test]
fn deletions_are_printed_and_only_of_what_comes_back() {
    let seen = on_cluster("boot-sources --stale --delete-commands");
    insta::assert_snapshot!("boot_sources_delete_commands", screen(&seen));
    let commands: Vec<&str> = seen
        .stdout
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .collect();
    assert_eq!(
        commands,
        [
            "kubectl delete datavolume -n gold-images debian-dddddddddddd --ignore-not-found",
            "kubectl delete persistentvolumeclaim -n gold-images debian-dddddddddddd --ignore-not-found",
        ],
        "the uploaded image, the one being cloned and older imports stay"
    );
}

#[test]
fn another_default_class_is_rehearsed() {
    insta::assert_snapshot!(
        "rehearse_class",
        screen(&on_cluster("rehearse default-storage-class slow-a"))
    );
    let back = on_cluster("rehearse default-storage-class old-a -o wide");
    insta::assert_snapshot!("rehearse_class_back", screen(&back));
    let yaml = on_cluster("rehearse default-storage-class slow-a -o yaml");
    insta::assert_snapshot!("rehearse_class_yaml", screen(&yaml));
    let json: Value =
        serde_json::from_str(&on_cluster("rehearse default-storage-class slow-a -o json").stdout)
            .unwrap();
    assert_eq!(json, serde_saphyr::from_str::<Value>(&yaml.stdout).unwrap());
}

#[test]
fn a_class_that_there_is_not_can_not_be_rehearsed() {
    let seen = on_cluster("rehearse default-storage-class fastb");
    assert_eq!((seen.code, &*seen.stdout), (2, ""));
    assert_eq!(
        seen.stderr,
        "error: there is no storage class fastb: did you mean `fast-b`? known here: fast-b, old-a, slow-a\n"
    );
}

#[test]
fn another_namespace_is_rehearsed() {
    let seen = on_cluster("rehearse boot-image-namespace images -o wide");
    insta::assert_snapshot!("rehearse_namespace", screen(&seen));
    let rights = seen.stdout.split_once("apiVersion:").unwrap().1;
    let documents: Vec<Value> =
        crate::support::yaml::documents(&format!("apiVersion:{rights}")).unwrap();
    let kinds: Vec<&str> = documents
        .iter()
        .map(|it| it["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["Role", "RoleBinding"]);
    assert!(
        documents
            .iter()
            .all(|it| it["metadata"]["namespace"] == "images")
    );
    let same = on_cluster("rehearse boot-image-namespace gold-images");
    assert!(
        same.stdout
            .starts_with("gold-images is the golden namespace already"),
        "{}",
        same.stdout
    );
    let wrong = on_cluster("rehearse boot-image-namespace Images");
    assert_eq!(wrong.code, 2);
    assert!(
        wrong.stderr.contains("can't be the name of a namespace"),
        "{}",
        wrong.stderr
    );
}

#[test]
fn what_is_there_is_audited() {
    let seen = on_cluster(&format!("audit {NOW}"));
    assert_eq!(seen.code, 1);
    insta::assert_snapshot!("audit", screen(&seen));
    let summary = on_cluster(&format!("audit --summary {NOW}"));
    assert!(
        seen.stdout.starts_with(&*summary.stdout),
        "{}",
        summary.stdout
    );
    let all = on_cluster(&format!("audit --all {NOW}"));
    assert!(all.stdout.ends_with(&*summary.stdout), "{}", all.stdout);
    let clean = goldkeeper("audit --cluster-from tests/fixtures/clusters/openshift.yaml");
    assert_eq!(clean.code, 0, "{}", clean.stdout);
}

#[test]
fn findings_are_the_same_in_every_form() {
    let json: Value =
        serde_json::from_str(&on_cluster(&format!("audit -o json {NOW}")).stdout).unwrap();
    insta::assert_snapshot!(
        "audit_json",
        serde_saphyr::to_string(&json["findings"][7]).unwrap()
    );
    let count = json["findings"].as_array().unwrap().len();
    assert_eq!(json["summary"]["findings"], count);
    let sarif: Value =
        serde_json::from_str(&on_cluster(&format!("audit -o sarif {NOW}")).stdout).unwrap();
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), count);
    let reports = on_cluster(&format!("audit -o policyreport {NOW}"));
    let reports = crate::support::yaml::documents(&reports.stdout).unwrap();
    let results = reports
        .iter()
        .map(|report| report["results"].as_array().unwrap().len());
    assert_eq!(results.sum::<usize>(), count);
    let of_protected = reports
        .iter()
        .find(|report| report["metadata"]["namespace"] == "openshift-monitoring");
    insta::assert_snapshot!(
        "audit_policy_report",
        serde_saphyr::to_string(of_protected.unwrap()).unwrap()
    );
}

#[test]
fn a_snapshot_without_machines_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cluster.yaml");
    let header = "\
apiVersion: goldkeeper.io/v1
kind: ClusterSnapshot
metadata: {name: cluster}
spec:
  takenAt: '2026-01-05T00:00:00Z'
  serverVersion: v1.33.5
  openshift: true
  kinds:
  - {kind: HyperConverged, listed: true}
  - {kind: DataSource, listed: true}
  - {kind: DataImportCron, listed: true}
  - {kind: StorageClass, listed: true}
  - {kind: StorageProfile, listed: true}
  - {kind: CDI, listed: true}
  - {kind: Namespace, listed: true}
  - {kind: PersistentVolumeClaim, listed: true}
  - {kind: VolumeSnapshot, listed: true}
  - {kind: VolumeSnapshotContent, listed: true}
  - {kind: VirtualMachine, listed: false, reason: 'not asked for: taken without --virtual-machines'}
---
";
    let cluster = std::fs::read_to_string("tests/fixtures/clusters/two-classes.yaml").unwrap();
    std::fs::write(&path, format!("{header}{cluster}")).unwrap();
    let path = path.display();
    let seen = goldkeeper(&format!("boot-sources {NOW} --cluster-from {path}"));
    let reason =
        "Virtual machines were not counted: not asked for: taken without --virtual-machines.\n";
    assert!(seen.stdout.contains(reason), "{}", seen.stdout);
    assert!(seen.stdout.contains("  ?\n"), "{}", seen.stdout);
    let seen = goldkeeper(&format!(
        "rehearse default-storage-class slow-a --cluster-from {path}"
    ));
    for kind in ["VirtualMachine", "VirtualMachinePool", "Template"] {
        assert!(
            seen.stdout
                .contains(&format!("Not known: {kind} objects were not counted")),
            "{}",
            seen.stdout
        );
    }
    let seen = goldkeeper(&format!("audit --cluster-from {path}"));
    assert!(
        seen.stdout
            .contains("Not looked at: VirtualMachine objects: not asked for"),
        "{}",
        seen.stdout
    );
}
