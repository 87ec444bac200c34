//! `goldkeeper doctor` without a cluster.

use serde_json::Value;

use crate::support::seen::Seen;

fn doctor(arguments: &[&str]) -> (i32, String, String) {
    let seen = Seen::goldkeeper(&[&["doctor"], arguments].concat());
    (seen.code, seen.stdout, seen.stderr)
}

#[test]
fn what_files_tell_is_judged_and_the_rest_is_skipped() {
    let files = ["--cluster-from", "examples/cluster.yaml"];
    let (code, text, _) = doctor(&files);
    assert_eq!(code, 0, "{text}");
    let golden = "ok      golden       gold-images (HyperConverged v1 spec.workloadSources.commonBootImageNamespace)";
    assert!(text.lines().any(|line| line == golden), "{text}");
    assert!(
        text.ends_with("9 skipped, 4 ok\n") && !text.contains('\u{1b}'),
        "{text}"
    );
    let (_, json, _) = doctor(&[&files[..], &["-o", "json"]].concat());
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["summary"]["skipped"], 9);
    assert_eq!(
        json["lines"].as_array().unwrap().len(),
        text.lines().count() - 1
    );
}

#[test]
fn a_golden_namespace_that_is_not_there_fails() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cluster.yaml");
    let cluster = std::fs::read_to_string("examples/cluster.yaml").unwrap();
    let broken = cluster.replace(
        "commonBootImageNamespace: gold-images",
        "commonBootImageNamespace: none-such",
    );
    assert_ne!(broken, cluster);
    std::fs::write(&file, broken).unwrap();
    let (code, text, _) = doctor(&["--cluster-from", file.to_str().unwrap()]);
    assert_eq!(code, 1, "{text}");
    let told = "FAILED  golden       golden namespace none-such does not exist: nobody creates it\n\
                \u{20}                    -> kubectl create namespace none-such\n";
    assert!(text.contains(told), "{text}");
}

#[test]
fn what_can_not_be_done_is_an_error() {
    let (code, _, errors) = doctor(&[
        "--cluster-from",
        "examples/cluster.yaml",
        "--namespace",
        "../x",
    ]);
    assert_eq!(code, 2);
    assert!(
        errors.contains("--namespace ../x is no name of a namespace"),
        "{errors}"
    );
    let (code, _, errors) = doctor(&["--cluster-from", "no/such/file"]);
    assert_eq!(
        (code, errors.contains("no/such/file")),
        (2, true),
        "{errors}"
    );
}
