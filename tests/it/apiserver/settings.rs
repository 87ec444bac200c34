//! Edits of the golden namespace in the HyperConverged, in both of its versions.

use serde_json::{Value, json};

use super::bench::{Bench, LONG, Policies, Version, bench, until};
use super::objects::{hyper_converged, path_of};

#[test]
fn an_edit_of_the_golden_namespace_is_judged() {
    let Some(bench) = bench() else { return };
    insta::assert_snapshot!(edit(&bench, Version::V1, &json!("Gold_Images")), @r#"
    Error from server (Forbidden): admission webhook "cluster-settings.goldkeeper.io" denied the request: "Gold_Images" can't be the name of a namespace: golden images would be kept nowhere [golden-namespace-that-can-be-used]
      field:    spec.workloadSources.commonBootImageNamespace
      found:    Gold_Images
      expected: at most 63 lower-case letters, digits and -, a letter or a digit at both ends
      instead:  write the name of a namespace; leave the field out for the platform's default
      policy:   golden-namespace-that-can-be-used (BootImageNamespace in boot-image-namespace.yaml)
    "#);
    insta::assert_snapshot!(edit(&bench, Version::V1, &json!("no-such-namespace")), @r#"
    Warning: namespace no-such-namespace does not exist and nobody makes it: kubectl create namespace no-such-namespace (BootImageNamespace)
    Warning: not every user may clone from no-such-namespace: to let them kubectl create rolebinding os-images-clone -n no-such-namespace --clusterrole=cdi.kubevirt.io:clone-sourcer --group=system:authenticated (BootImageNamespace)
    Warning: virtual machines and templates that name openshift-virtualization-os-images keep doing so: goldkeeper rehearse boot-image-namespace no-such-namespace lists them (BootImageNamespace)
    "#);
    insta::assert_snapshot!(edit(&bench, Version::V1, &json!("gold-images")), @"Warning: virtual machines and templates that name openshift-virtualization-os-images keep doing so: goldkeeper rehearse boot-image-namespace gold-images lists them (BootImageNamespace)");
    assert_eq!(edit(&bench, Version::V1, &json!("")), "");
    assert_eq!(edit(&bench, Version::V1, &Value::Null), "");
}

#[test]
fn an_edit_of_the_golden_namespace_in_v1beta1_is_judged() {
    let Some(mut bench) = bench() else { return };
    bench.install_hyper_converged(Version::V1beta1);
    until("the new CRD is taken up", LONG, || {
        edit(&bench, Version::V1beta1, &json!("Gold_Images")).contains("denied")
    });
    insta::assert_snapshot!(edit(&bench, Version::V1beta1, &json!("Gold_Images")), @r#"
    Error from server (Forbidden): admission webhook "cluster-settings.goldkeeper.io" denied the request: "Gold_Images" can't be the name of a namespace: golden images would be kept nowhere [golden-namespace-that-can-be-used]
      field:    spec.commonBootImageNamespace
      found:    Gold_Images
      expected: at most 63 lower-case letters, digits and -, a letter or a digit at both ends
      instead:  write the name of a namespace; leave the field out for the platform's default
      policy:   golden-namespace-that-can-be-used (BootImageNamespace in boot-image-namespace.yaml)
    "#);
    insta::assert_snapshot!(edit(&bench, Version::V1beta1, &json!("gold-images")), @"Warning: virtual machines and templates that name openshift-virtualization-os-images keep doing so: goldkeeper rehearse boot-image-namespace gold-images lists them (BootImageNamespace)");
    assert_eq!(edit(&bench, Version::V1beta1, &json!(null)), "");
}

/// A bad value that is there already holds nothing up but its own kind.
#[test]
fn a_bad_value_that_is_stored_is_no_reason_to_refuse_other_edits() {
    let Some(mut bench) = bench() else { return };
    bench.kill_goldkeeper();
    bench.set_golden_namespace(&json!("Gold_Images"));
    bench.run(Policies::shipped());
    let path = path_of(&hyper_converged(Version::V1), true);
    let edit = json!({"spec": {"workloadSources": {"enableCommonBootImageImport": false}}});
    let answer = bench.client.merge(&path, &edit);
    assert_eq!((answer.code, answer.warnings), (200, Vec::new()));
    let label = json!({"metadata": {"labels": {"a": "b"}, "annotations": {"a": "b"}}});
    assert_eq!(bench.client.merge(&path, &label).warnings, [""; 0]);
    let back = json!({"spec": {"workloadSources": {"commonBootImageNamespace": null, "enableCommonBootImageImport": null}}});
    assert_eq!(bench.client.merge(&path, &back).code, 200);
}

/// What an administrator sees of setting it, in a dry run.
fn edit(bench: &Bench, version: Version, namespace: &Value) -> String {
    let field = json!({"commonBootImageNamespace": namespace});
    let (resource, spec) = match version {
        Version::V1 => (
            "hyperconvergeds.v1.hco.kubevirt.io",
            json!({"workloadSources": field}),
        ),
        Version::V1beta1 => ("hyperconvergeds.v1beta1.hco.kubevirt.io", field),
    };
    let patch = json!({"spec": spec}).to_string();
    let arguments = [
        "patch",
        resource,
        "kubevirt-hyperconverged",
        "-n",
        "openshift-cnv",
        "--type=merge",
        "--dry-run=server",
        "-p",
        &patch,
    ];
    bench.kubectl_with(&arguments).stderr
}
