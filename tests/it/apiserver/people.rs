//! What people meet first: refused in the platform's namespaces, filled in elsewhere, and the same however it is applied.

use serde_json::{Value, json};

use super::bench::{Bench, CUSTOM, DEFAULT, bench};
use super::objects::{data_source, names_of, path_of, vm};

#[test]
fn a_vm_in_a_namespace_of_the_platform_is_refused() {
    let Some(bench) = bench() else { return };
    bench.example("vm-in-openshift-cnv.yaml");
    let seen = bench
        .kubectl("apply -f vm-in-openshift-cnv.yaml")
        .failed("");
    insta::assert_snapshot!(seen.stderr, @r#"
    Error from server (Forbidden): error when creating "vm-in-openshift-cnv.yaml": admission webhook "protected-namespaces.goldkeeper.io" denied the request: virtual machines may not be created in openshift-cnv: it belongs to the platform [no-vms-in-openshift-namespaces]
      field:   metadata.namespace
      found:   openshift-cnv (matches "openshift-*")
      instead: use a namespace of your own; for example: oc new-project my-vms
      policy:  no-vms-in-openshift-namespaces (ProtectedNamespaces in protected-namespaces.yaml)
    "#);
    let dry = bench.kubectl("apply --dry-run=server -f vm-in-openshift-cnv.yaml");
    assert_eq!((dry.code, dry.stderr), (seen.code, seen.stderr));
}

#[test]
fn a_vm_elsewhere_gets_its_namespace_and_keeps_it_when_it_is_applied_again() {
    let Some(bench) = bench() else { return };
    bench.example("vm.yaml");
    let stored = || names_of(&bench.kubectl("get vm web -n demo -o json").json());
    bench.kubectl("apply -f vm.yaml").succeeded();
    assert_eq!(stored(), [Some(DEFAULT.to_owned())]);
    bench.kubectl("diff -f vm.yaml").succeeded();
    // kubectl's own patch takes the namespace out again.
    bench.kubectl("apply -f vm.yaml").succeeded();
    assert_eq!(stored(), [Some(DEFAULT.to_owned())]);
    let diff = bench.kubectl("diff -f vm.yaml").succeeded();
    assert_eq!(diff.stdout, "");
}

#[test]
fn server_side_apply_is_stable_for_one_manager() {
    let Some(bench) = bench() else { return };
    let machine = vm(bench.namespace("managers"), "one-manager");
    bench.write("one-manager.yaml", &machine);
    let apply = || {
        let line = "apply --server-side --field-manager=first -f one-manager.yaml -o json";
        bench.kubectl(line).succeeded().json()
    };
    let (first, second) = (apply(), apply());
    assert_eq!(names_of(&first), [Some(DEFAULT.to_owned())]);
    assert_eq!(second, first, "nothing changes, nor does resourceVersion");
    let diff = bench.kubectl("diff --server-side --field-manager=first -f one-manager.yaml");
    assert_eq!(diff.succeeded().stdout, "");
}

#[test]
fn a_second_manager_agrees_with_what_was_filled_in_or_has_a_conflict() {
    let Some(bench) = bench() else { return };
    let machine = vm(bench.namespace("managers"), "two-managers");
    bench.write("without.yaml", &machine);
    let mut named = machine;
    named["spec"]["dataVolumeTemplates"][0]["spec"]["sourceRef"]["namespace"] = json!(DEFAULT);
    bench.write("with.yaml", &named);
    let apply = |manager: &str, file: &str| {
        let line = format!("apply --server-side --field-manager={manager} -f {file}");
        bench.kubectl(&line)
    };
    apply("first", "without.yaml").succeeded();
    apply("second", "with.yaml").succeeded();
    // The list is one field to server-side apply: whoever leaves something out of it wants another list. That this is
    // told, and nothing overwritten, is server-side apply's own way.
    apply("third", "without.yaml").failed("conflict");
    let stored = bench.kubectl("get vm two-managers -n managers -o json");
    assert_eq!(names_of(&stored.json()), [Some(DEFAULT.to_owned())]);
    // With force it is as if it were the first manager's: filled in again.
    let forced = "apply --server-side --force-conflicts --field-manager=third -f without.yaml";
    bench.kubectl(forced).succeeded();
    let stored = bench.kubectl("get vm two-managers -n managers -o json");
    assert_eq!(names_of(&stored.json()), [Some(DEFAULT.to_owned())]);
}

#[test]
fn a_dry_run_answers_like_the_real_thing() {
    let Some(bench) = bench() else { return };
    let machine = vm(bench.namespace("dry-run"), "web");
    bench.write("dry-run.yaml", &machine);
    let create = |flag: &str| {
        let line = format!("create {flag} -f dry-run.yaml -o json");
        without_server_metadata(bench.kubectl(&line).succeeded().json())
    };
    let dry = create("--dry-run=server");
    assert_eq!(bench.client.get(&path_of(&machine, true)).code, 404);
    assert_eq!(dry, create(""));
    assert_eq!(names_of(&dry), [Some(DEFAULT.to_owned())]);
}

fn without_server_metadata(mut object: Value) -> Value {
    let metadata = object["metadata"].as_object_mut().unwrap();
    for field in [
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "managedFields",
    ] {
        metadata.remove(field);
    }
    object
}

#[test]
fn a_reference_that_means_something_already_is_left_alone() {
    let Some(bench) = bench() else { return };
    let own = bench.namespace("own-boot-source");
    bench.client.create(&data_source(own)).object();
    assert_eq!(filled(&bench, &vm(own, "from-its-own")), None);
    let mut elsewhere = vm("demo", "says-where");
    reference(&mut elsewhere)["namespace"] = json!(CUSTOM);
    assert_eq!(filled(&bench, &elsewhere).as_deref(), Some(CUSTOM));
    let mut unknown = vm("demo", "not-golden");
    reference(&mut unknown)["name"] = json!("my-own-image");
    let answer = bench.client.dry_run(&unknown);
    let told = "no boot source my-own-image in demo (BootSourceAvailable)";
    assert_eq!(answer.warnings, [told]);
    assert_eq!(names_of(&answer.object()), [None]);
    for missing in [json!(null), json!("")] {
        let mut machine = vm("demo", "says-nothing");
        reference(&mut machine)["namespace"] = missing;
        assert_eq!(filled(&bench, &machine).as_deref(), Some(DEFAULT));
    }
}

fn reference(machine: &mut Value) -> &mut Value {
    &mut machine["spec"]["dataVolumeTemplates"][0]["spec"]["sourceRef"]
}

/// Where the disk comes from once the machine is accepted, which it must be without a word.
fn filled(bench: &Bench, machine: &Value) -> Option<String> {
    let answer = bench.client.dry_run(machine);
    assert_eq!(answer.warnings, [""; 0]);
    names_of(&answer.object()).remove(0)
}

#[test]
fn a_vm_that_is_there_already_can_be_changed_and_removed() {
    let Some(mut bench) = bench() else { return };
    let change_and_remove = |bench: &Bench, name: &str| {
        let path = format!("vm/{name} -n openshift-cnv");
        bench
            .kubectl(&format!("label {path} tests.goldkeeper.io/seen=yes"))
            .succeeded();
        bench
            .kubectl(&format!("delete {path} --wait=false"))
            .succeeded();
        let patch = "{\"metadata\":{\"finalizers\":null}}";
        bench
            .kubectl(&format!("patch {path} --type=merge -p {patch}"))
            .succeeded();
        let gone = bench.kubectl(&format!("get {path}"));
        gone.failed("not found");
    };
    let machines = [bench.old_machine(), bench.old_machine()];
    change_and_remove(&bench, &machines[0]);
    bench.kill_goldkeeper();
    change_and_remove(&bench, &machines[1]);
}

#[test]
fn with_goldkeeper_down_only_the_namespaces_of_the_platform_are_closed() {
    let Some(mut bench) = bench() else { return };
    bench.kill_goldkeeper();
    bench.write("down.yaml", &vm(bench.namespace("down"), "web"));
    let created = bench.kubectl("apply -f down.yaml -o json").succeeded();
    assert_eq!(created.stderr, "", "nothing is said of what is left alone");
    assert_eq!(names_of(&created.json()), [None]);
    bench.example("vm-in-openshift-cnv.yaml");
    let refused = bench
        .kubectl("apply -f vm-in-openshift-cnv.yaml")
        .failed("");
    let message = refused.stderr.replace(&bench.port(), "PORT");
    insta::assert_snapshot!(message, @r#"Error from server (InternalError): error when creating "vm-in-openshift-cnv.yaml": Internal error occurred: failed calling webhook "protected-namespaces.goldkeeper.io": failed to call webhook: Post "https://127.0.0.1:PORT/validate/protected-namespaces?timeout=3s": dial tcp 127.0.0.1:PORT: connect: connection refused"#);
}
