//! What is there already, live and written down, and reports that a cluster takes.

use serde_json::Value;

use super::bench::{Bench, DEFAULT, bench, corpus, documents, loud, repository};
use super::objects::vm;

fn policies() -> String {
    repository().join("policies").display().to_string()
}

/// The findings of an audit about virtual machines, as texts in an order of their own.
fn findings(bench: &Bench, cluster: &[&str]) -> Vec<String> {
    let policies = policies();
    let line = [&["audit", "-o", "json", "--policies", &policies], cluster].concat();
    let seen = bench.goldkeeper(&line);
    assert_eq!(seen.code, 1, "{}", seen.stderr);
    let report = seen.json();
    let findings = report["findings"].as_array().unwrap().iter();
    let machines = findings.filter(|found| found["kind"] == "VirtualMachine");
    let mut texts: Vec<String> = machines.map(Value::to_string).collect();
    texts.sort_unstable();
    texts
}

#[test]
fn a_cluster_and_its_snapshot_are_audited_alike() {
    let Some(bench) = bench() else { return };
    let namespace = bench.namespace("audited");
    let mut machine = vm(namespace, "of-rhel9");
    machine["spec"]["dataVolumeTemplates"][0]["spec"]["sourceRef"]["namespace"] = DEFAULT.into();
    bench.client.create(&machine).object();
    let policies = policies();
    let text = bench.goldkeeper(&["audit", "--policies", &policies]).stdout;
    assert!(
        text.contains("Who may clone was not asked for 1 object: --rights asks the cluster."),
        "{text}"
    );
    assert!(!text.contains("Not told by"), "{text}");
    let asked = bench.goldkeeper(&["audit", "--rights", "--summary", "--policies", &policies]);
    assert!(!asked.stdout.contains("Not told by"), "{}", asked.stdout);
    let live = findings(&bench, &[]);
    let misplaced = live
        .iter()
        .filter(|text| text.contains("no-vms-in-openshift-namespaces"));
    assert!(misplaced.count() >= 24, "{live:?}");
    let file = bench.desk().join("audited.yaml");
    let file = file.to_str().unwrap();
    bench
        .goldkeeper(&["snapshot", "--virtual-machines", "-o", file])
        .succeeded();
    assert_eq!(findings(&bench, &["--cluster-from", file]), live);
    let counts = |cluster: &[&str]| {
        let line = [&["boot-sources", "-o", "json"], cluster].concat();
        let report = bench.goldkeeper(&line).succeeded().json();
        let sources = report["bootSources"].as_array().unwrap().iter();
        let counts = sources.map(|source| {
            assert!(source["virtualMachines"].is_u64(), "{source}");
            format!("{} {}", source["name"], source["virtualMachines"])
        });
        counts.collect::<Vec<_>>()
    };
    let live = counts(&[]);
    assert_eq!(counts(&["--cluster-from", file]), live);
    assert!(live.iter().any(|count| !count.ends_with(" 0")), "{live:?}");
    let path = super::objects::path_of(&machine, true);
    assert!(bench.client.delete(&path).is_success());
}

#[test]
fn a_cluster_takes_the_reports() {
    let Some(bench) = bench() else { return };
    if corpus().is_none() {
        loud("GOLDKEEPER_CORPUS is not set: no CRDs of reports");
        return;
    }
    let policies = policies();
    let seen = bench.goldkeeper(&["audit", "-o", "policyreport", "--policies", &policies]);
    assert_eq!(seen.code, 1, "{}", seen.stderr);
    std::fs::write(bench.desk().join("reports.yaml"), &seen.stdout).unwrap();
    bench
        .kubectl("apply --validate=strict -f reports.yaml")
        .succeeded();
    let stored = bench
        .kubectl("get policyreport goldkeeper-audit -n openshift-cnv -o json")
        .json();
    let results = stored["results"].as_array().unwrap();
    let failed: Vec<&Value> = results.iter().filter(|it| it["result"] == "fail").collect();
    assert!(failed.len() >= 24, "{stored}");
    assert_eq!(stored["summary"]["fail"], failed.len());
    assert_eq!(failed[0]["policy"], "no-vms-in-openshift-namespaces");
    assert_eq!(failed[0]["resources"][0]["kind"], "VirtualMachine");
    bench
        .kubectl("apply --validate=strict -f reports.yaml")
        .succeeded();
    bench
        .kubectl("delete policyreports -A -l app.kubernetes.io/managed-by=goldkeeper")
        .succeeded();
    // Of another cluster, in which something was found about the cluster itself.
    let fixture = repository().join("tests/fixtures/clusters/two-classes.yaml");
    let fixture = fixture.to_str().unwrap();
    let line = [
        "audit",
        "-o",
        "policyreport",
        "--policies",
        &policies,
        "--cluster-from",
        fixture,
    ];
    let reports = documents(&bench.goldkeeper(&line).stdout);
    let of_cluster = reports
        .iter()
        .find(|report| report["kind"] == "ClusterPolicyReport");
    bench.write("cluster-report.yaml", of_cluster.unwrap());
    bench
        .kubectl("apply --validate=strict -f cluster-report.yaml")
        .succeeded();
    bench
        .kubectl("delete clusterpolicyreports -l app.kubernetes.io/managed-by=goldkeeper")
        .succeeded();
}

#[test]
fn rights_are_asked_before_images_move() {
    let Some(bench) = bench() else { return };
    let asked = || {
        let line = [
            "rehearse",
            "boot-image-namespace",
            "rehearsed",
            "-o",
            "json",
        ];
        bench.goldkeeper(&line).succeeded().json()["usersMayClone"].clone()
    };
    bench.namespace("rehearsed");
    assert_eq!(asked(), false);
    let text = bench
        .goldkeeper(&["rehearse", "boot-image-namespace", "rehearsed"])
        .succeeded()
        .stdout;
    let yaml = text.split_once("apiVersion:").unwrap().1;
    std::fs::write(
        bench.desk().join("rights.yaml"),
        format!("apiVersion:{yaml}"),
    )
    .unwrap();
    bench.kubectl("apply -f rights.yaml").succeeded();
    assert_eq!(asked(), true);
    bench.kubectl("delete -f rights.yaml").succeeded();
}
