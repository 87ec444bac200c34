//! Boot sources that can't be cloned: what their users are told, and what they are not.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::bench::{Bench, CUSTOM, DEFAULT, LONG, Policies, Webhooks, bench, until};
use super::objects::{data_source, data_volume, names_of, path_of, vm};
use super::stand_in::StandIn;

/// A golden namespace that nobody was let into, with a boot source that is ready.
const CLOSED: &str = "closed-images";

fn close(bench: &Bench) {
    bench.namespace(CLOSED);
    for name in ["use-boot-sources", "see", "pods"] {
        bench.kubectl(&format!("delete rolebinding {name} -n {CLOSED}"));
    }
    if bench.client.get(&path_of(&data_source(CLOSED), true)).code == 404 {
        bench.client.create(&data_source(CLOSED)).object();
    }
    bench.until_boot_sources_are_known();
}

/// A machine from a boot source of this name.
fn machine(namespace: &str, name: &str, source: &str) -> Value {
    let mut machine = vm("demo", name);
    machine["spec"]["dataVolumeTemplates"][0]["spec"]["sourceRef"] =
        json!({"kind": "DataSource", "name": source, "namespace": namespace});
    machine
}

/// What alice sees of creating it, in a dry run.
fn warnings(bench: &Bench, object: &Value) -> String {
    bench.write("available.yaml", object);
    let line = "create --as alice --dry-run=server -f available.yaml";
    bench.kubectl(line).succeeded().stderr
}

#[test]
fn who_may_not_clone_is_told_whom_to_ask_and_what_for() {
    let Some(bench) = bench() else { return };
    close(&bench);
    let machine = machine(CLOSED, "not-to-clone", "rhel9");
    insta::assert_snapshot!(warnings(&bench, &machine), @"Warning: service account default of demo may not clone boot sources of closed-images: it takes a RoleBinding to cdi.kubevirt.io:clone-sourcer there (BootSourceAvailable)");
    let mut strict = data_volume("demo", "not-to-clone");
    strict["spec"]["sourceRef"]["namespace"] = json!(CLOSED);
    insta::assert_snapshot!(warnings(&bench, &strict), @"Warning: alice may not clone boot sources of closed-images: it takes a RoleBinding to cdi.kubevirt.io:clone-sourcer there (BootSourceAvailable)");

    // A PVC may be cloned by who may make pods.
    let pods = "create role pods --verb=create --resource=pods";
    bench.kubectl(&format!("{pods} -n {CLOSED}"));
    let bind = "create rolebinding pods --role=pods --serviceaccount=demo:default";
    bench.kubectl(&format!("{bind} -n {CLOSED}")).succeeded();
    until("the right is known", LONG, || {
        warnings(&bench, &machine).is_empty()
    });
    bench
        .kubectl(&format!("delete rolebinding pods -n {CLOSED}"))
        .succeeded();
    until("the right is gone", LONG, || {
        !warnings(&bench, &machine).is_empty()
    });

    // What the denial of a strict policy says to run.
    let_clone(&bench, &machine);
    assert!(
        !warnings(&bench, &strict).is_empty(),
        "alice herself may not"
    );
}

/// Lets the service account of `demo` clone, and waits until that is known.
fn let_clone(bench: &Bench, machine: &Value) {
    let role = "create clusterrole cdi.kubevirt.io:clone-sourcer --verb=create";
    bench.kubectl(&format!(
        "{role} --resource=datavolumes.cdi.kubevirt.io/source"
    ));
    let bind = "create rolebinding use-boot-sources --clusterrole=cdi.kubevirt.io:clone-sourcer";
    bench
        .kubectl(&format!("{bind} -n {CLOSED} --serviceaccount=demo:default"))
        .succeeded();
    until("the right is known", LONG, || {
        warnings(bench, machine).is_empty()
    });
}

#[test]
fn who_may_not_see_a_namespace_learns_nothing_of_it() {
    let Some(bench) = bench() else { return };
    close(&bench);
    let there = machine(CLOSED, "there", "rhel9");
    let missing = machine(CLOSED, "missing", "rhel99");
    let blind = warnings(&bench, &there);
    assert!(!blind.is_empty());
    assert_eq!(
        blind,
        warnings(&bench, &missing),
        "there or not, it is the same"
    );

    // To clone is not to see.
    let_clone(&bench, &there);
    insta::assert_snapshot!(warnings(&bench, &missing), @"Warning: boot source rhel99 in closed-images was not found or is not visible to you (BootSourceAvailable)");

    let role = "create role see --verb=get --resource=datasources.cdi.kubevirt.io";
    bench.kubectl(&format!("{role} -n {CLOSED}"));
    let bind = "create rolebinding see --role=see --user=alice";
    bench.kubectl(&format!("{bind} -n {CLOSED}")).succeeded();
    until("the right is known", LONG, || {
        warnings(&bench, &missing).contains("rhel9?")
    });
    insta::assert_snapshot!(warnings(&bench, &missing), @"Warning: no boot source rhel99 in closed-images: did you mean rhel9? (BootSourceAvailable)");
}

#[test]
fn what_kubevirt_is_about_to_refuse_is_told_with_its_refusal() {
    let Some(bench) = bench() else { return };
    let refusal =
        "unable to find required instancetype.kubevirt.io/default-instancetype label on the volume";
    let kubevirt = StandIn::start(&bench, Some(refusal));
    let registration = kubevirt.registration("virt-api-mutator", "kubevirt.io", "virtualmachines");
    bench.client.create(&registration).object();
    until("the stand-in refuses", LONG, || {
        bench.client.dry_run(&vm("demo", "refused")).code == 400
    });
    let mut inferred = vm("demo", "inferred");
    inferred["spec"]["instancetype"] = json!({"inferFromVolume": "rootdisk"});
    bench.write("inferred.yaml", &inferred);
    let seen = bench
        .kubectl("create --as alice -f inferred.yaml")
        .failed("");
    bench.client.delete(&path_of(&registration, true)).object();
    insta::assert_snapshot!(seen.stderr, @r#"
    Warning: KubeVirt can't infer the instance type and will refuse: boot source rhel9 in openshift-virtualization-os-images has no label instancetype.kubevirt.io/default-instancetype (BootSourceAvailable)
    Error from server: error when creating "inferred.yaml": admission webhook "virtualmachines.stand-in.example.com" denied the request: unable to find required instancetype.kubevirt.io/default-instancetype label on the volume
    "#);
}

#[test]
fn a_retired_namespace_is_told_or_replaced_by_choice() {
    let Some(mut bench) = bench() else { return };
    bench.set_golden_namespace(&json!(CUSTOM));
    until("the setting is followed", LONG, || {
        bench.filled_now().as_deref() == Some(CUSTOM)
    });
    let old = machine(DEFAULT, "stray", "rhel9");
    insta::assert_snapshot!(warnings(&bench, &old), @"Warning: sourceRef names openshift-virtualization-os-images where rhel9 is no longer kept up to date: use gold-images (BootSourceNamespace)");
    let path = path_of(&data_source(DEFAULT), true);
    let state = |bench: &Bench, ready: &str| {
        let condition = json!({"type": "Ready", "status": ready, "reason": "NotFound"});
        let patch = json!({"status": {"conditions": [condition]}});
        bench.client.merge(&path, &patch).object();
    };
    state(&bench, "False");
    until("the watch has brought it", LONG, || {
        warnings(&bench, &old).contains("no longer holds")
    });
    insta::assert_snapshot!(warnings(&bench, &old), @"Warning: sourceRef names openshift-virtualization-os-images which no longer holds rhel9: use gold-images (BootSourceAvailable)");

    let text = format!(
        "apiVersion: goldkeeper.io/v1\nkind: BootSourceNamespace\nmetadata: {{name: redirect}}\nspec:\n  \
         validationActions: [Warn]\n  parameters:\n    retiredNamespaces: {{namespaces: [{DEFAULT}], action: Redirect}}\n"
    );
    let policies = Policies::but(bench.desk(), "boot-source-namespace.yaml", &text);
    bench.run(policies);
    bench.register(Webhooks::OfItsPolicies);
    until("it is redirected", LONG, || {
        warnings(&bench, &old).contains("instead")
    });
    bench.write("stray.yaml", &old);
    let seen = bench.kubectl("apply -f stray.yaml").succeeded();
    insta::assert_snapshot!(seen.stderr, @"Warning: sourceRef names openshift-virtualization-os-images which no longer holds rhel9: gold-images was written instead (BootSourceNamespace)");
    let stored = || names_of(&bench.client.get(&path_of(&old, true)).object());
    assert_eq!(stored(), [Some(CUSTOM.to_owned())]);
    // The same file again names the retired namespace again.
    bench.kubectl("apply -f stray.yaml").succeeded();
    assert_eq!(stored(), [Some(CUSTOM.to_owned())]);

    // What is there again a moment ago is left alone: no watch is that fast.
    state(&bench, "True");
    let answer = bench
        .client
        .dry_run(&machine(DEFAULT, "not-stray", "rhel9"));
    assert_eq!(names_of(&answer.object()), [Some(DEFAULT.to_owned())]);
}

/// What the review of access adds to a virtual machine, beside one that clones within its namespace and needs none.
#[test]
fn a_review_of_access_costs_some_milliseconds() {
    let Some(bench) = bench() else { return };
    let own = bench.namespace("clone-within");
    if bench.client.get(&path_of(&data_source(own), true)).code == 404 {
        bench.client.create(&data_source(own)).object();
    }
    bench.until_boot_sources_are_known();
    let mut within = machine(own, "within", "rhel9");
    within["metadata"]["namespace"] = json!(own);
    let across = machine(DEFAULT, "across", "rhel9");
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..200 {
        for (object, times) in [&within, &across].into_iter().zip(&mut times) {
            let started = Instant::now();
            let answer = bench.client.dry_run(object);
            times.push(started.elapsed());
            assert_eq!(answer.warnings, [""; 0]);
        }
    }
    let [without, with] = times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    });
    let added = with.saturating_sub(without);
    eprintln!("p50 of a create: {without:.1?} without a review of access, {with:.1?} with one");
    assert!(added < Duration::from_millis(50), "{added:?}");
}
