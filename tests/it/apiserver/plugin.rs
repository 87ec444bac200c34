//! `kubectl goldkeeper`

use super::bench::bench;

#[test]
fn kubectl_finds_its_plugin_and_completes_it() {
    let Some(bench) = bench() else { return };
    let rules = bench
        .kubectl_with_plugin(&["goldkeeper", "rules"])
        .succeeded();
    assert!(
        rules.stdout.contains("ProtectedNamespaces"),
        "{}",
        rules.stdout
    );
    let help = bench
        .kubectl_with_plugin(&["goldkeeper", "snapshot", "--help"])
        .succeeded();
    assert!(
        help.stdout.contains("Usage: kubectl goldkeeper snapshot"),
        "{}",
        help.stdout
    );
    assert!(
        help.stdout
            .contains("  kubectl goldkeeper snapshot -o cluster.yaml"),
        "{}",
        help.stdout
    );
    let taken = bench
        .kubectl_with_plugin(&["goldkeeper", "snapshot"])
        .succeeded();
    assert!(
        taken.stdout.contains("kind: ClusterSnapshot"),
        "{}",
        taken.stdout
    );
    bench
        .kubectl_with_plugin(&["goldkeeper", "nonsense"])
        .failed("Usage: kubectl goldkeeper");
    let completed = bench
        .kubectl_with_plugin(&["__complete", "goldkeeper", "snap"])
        .succeeded();
    assert!(
        completed.stdout.starts_with("snapshot\n:0\n"),
        "{}",
        completed.stdout
    );
}
