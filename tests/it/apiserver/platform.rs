//! What makes a virtual machine in a namespace of the platform, and who may.

use serde_json::{Value, json};

use super::bench::{Bench, DEFAULT, bench};
use super::objects::{clone_of, data_volume, names_of, pool, replica_set, restore, vm, vmi};

const PLATFORM: &str = "openshift-cnv";

#[track_caller]
fn accepts(bench: &Bench, object: &Value) -> Value {
    bench.client.dry_run(object).object()
}

/// Refused by goldkeeper with this in the first line; the message.
#[track_caller]
fn rejects(bench: &Bench, object: &Value, text: &str) -> String {
    let answer = bench.client.dry_run(object);
    let message = answer.message().to_owned();
    assert_eq!(
        (answer.code, &answer.body["reason"]),
        (403, &json!("Forbidden")),
        "{message}"
    );
    let first = message.lines().next().unwrap();
    eprintln!("{}: {first}", object["kind"].as_str().unwrap());
    assert!(first.contains("\"protected-namespaces.goldkeeper.io\" denied the request: "));
    assert!(first.contains(text), "{first}");
    message
}

#[test]
fn whatever_makes_a_vm_is_refused() {
    let Some(bench) = bench() else { return };
    let cases = [
        (
            vm(PLATFORM, "new"),
            "virtual machines may not be created in openshift-cnv",
        ),
        (vmi(PLATFORM, "new"), "virtual machine instances may not"),
        (pool(PLATFORM, "new"), "virtual machine pools may not"),
        (
            replica_set(PLATFORM, "new"),
            "virtual machine replica sets may not",
        ),
        (
            clone_of(PLATFORM, "new", "old"),
            "clones of virtual machines may not",
        ),
    ];
    for (mut object, text) in cases {
        rejects(&bench, &object, text);
        object["metadata"]["namespace"] = json!("demo");
        accepts(&bench, &object);
    }
    for namespace in ["openshift-monitoring", "openshift-virtualization-os-images"] {
        rejects(
            &bench,
            &vm(namespace, "new"),
            &format!("created in {namespace}"),
        );
    }
    bench.namespace("openshiftdemo");
    accepts(&bench, &vm("openshiftdemo", "new"));
}

#[test]
fn the_deprecated_version_is_no_way_round() {
    let Some(bench) = bench() else { return };
    let mut old = vm(PLATFORM, "new");
    old["apiVersion"] = json!("kubevirt.io/v1alpha3");
    rejects(
        &bench,
        &old,
        "virtual machines may not be created in openshift-cnv",
    );
    old["metadata"]["namespace"] = json!("demo");
    assert_eq!(names_of(&accepts(&bench, &old)), [Some(DEFAULT.to_owned())]);
}

#[test]
fn a_generated_name_is_judged_like_any_other() {
    let Some(bench) = bench() else { return };
    let generated = |namespace: &str| {
        let mut machine = vm(namespace, "web");
        machine["metadata"] = json!({"generateName": "web-", "namespace": namespace});
        machine
    };
    rejects(
        &bench,
        &generated(PLATFORM),
        "virtual machines may not be created in openshift-cnv",
    );
    let made = bench.client.create(&generated("demo")).object();
    assert!(
        made["metadata"]["name"]
            .as_str()
            .unwrap()
            .starts_with("web-")
    );
    assert_eq!(names_of(&made), [Some(DEFAULT.to_owned())]);
}

#[test]
fn a_restore_may_repair_a_vm_but_not_make_one() {
    let Some(mut bench) = bench() else { return };
    let old = bench.old_machine();
    accepts(&bench, &restore(PLATFORM, "repair", &old));
    let text = "restored virtual machines may not be created in openshift-cnv";
    rejects(&bench, &restore(PLATFORM, "copy", "a-new-one"), text);
    accepts(&bench, &restore("demo", "copy", "a-new-one"));
}

#[test]
fn golden_images_are_nobodys_virtual_machines() {
    let Some(bench) = bench() else { return };
    let volume = data_volume(DEFAULT, "rhel9-import");
    // In the golden namespace itself the reference is right as it is.
    assert_eq!(names_of(&accepts(&bench, &volume)), [None]);
}

#[test]
fn only_the_platforms_own_controller_may_start_what_is_there() {
    let Some(mut bench) = bench() else { return };
    let machine = bench.old_machine();
    let path = format!("/apis/kubevirt.io/v1/namespaces/{PLATFORM}/virtualmachines/{machine}");
    let uid = bench.client.get(&path).object()["metadata"]["uid"].clone();
    let mut instance = vmi(PLATFORM, &machine);
    bench.write("not-owned.yaml", &instance);
    instance["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "name": machine, "uid": uid,
        "controller": true, "blockOwnerDeletion": false,
    }]);
    bench.write("owned.yaml", &instance);
    let token = |namespace: &str| {
        let account = format!("serviceaccount kubevirt-controller -n {namespace}");
        bench.kubectl(&format!("create {account}")).succeeded();
        let token = format!("create token kubevirt-controller -n {namespace}");
        // The token itself is nothing to print.
        bench.secret(&token)
    };
    let tokens = [token(PLATFORM), token("demo")].map(|token| format!("--token={token}"));
    let [controller, namesake] = &tokens;
    let create = |who: &str, file: &str| {
        bench.kubectl_with(&["create", "--dry-run=server", who, "-f", file])
    };
    let refused = "virtual machine instances may not be created in openshift-cnv";
    for who in ["--context=alice", namesake] {
        create(who, "owned.yaml").failed(refused);
        create(who, "not-owned.yaml").failed(refused);
    }
    create(controller, "owned.yaml").succeeded();
    create(controller, "not-owned.yaml").failed(refused);
    let whoami = bench.kubectl_with(&["auth", "whoami", controller]);
    assert!(
        whoami
            .stdout
            .contains("system:serviceaccount:openshift-cnv:kubevirt-controller")
    );
}
