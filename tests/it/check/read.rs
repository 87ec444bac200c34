//! Whatever form manifests come in.

use serde_json::json;

use super::desk::{Desk, GOLDEN_VM, pod, vm};

#[test]
fn the_output_of_helm_and_kustomize_is_read_from_a_pipe() {
    let desk = Desk::new();
    let helm = format!(
        "---\n# Source: shop/templates/empty.yaml\n---\n# Source: shop/templates/pod.yaml\n{}---\n# Source: \
         shop/templates/vm.yaml\n{GOLDEN_VM}---\n# Source: shop/templates/mon.yaml\n{}\n---\n",
        pod("a"),
        vm("openshift-x", "mon")
    );
    let seen = desk.pipe(&helm, &["-"]);
    assert_eq!(seen.code, 1);
    insta::assert_snapshot!(seen.stdout);
}

#[test]
fn lists_and_json_are_unfolded() {
    let desk = Desk::new();
    let machine = json!({"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine",
        "metadata": {"name": "a", "namespace": "openshift-x"}, "spec": {}});
    let mut bare = machine.clone();
    bare.as_object_mut()
        .unwrap()
        .retain(|key, _| key == "metadata");
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [
        machine, {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineList", "items": [bare]},
    ]});
    desk.write("list.json", &serde_json::to_string_pretty(&list).unwrap());
    desk.write("stream.json", &format!("{machine}\n{machine}\n"));
    let seen = desk
        .check(&["list.json", "stream.json", "-o", "json"])
        .json();
    let decisions: Vec<&str> = seen["objects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|object| object["decision"].as_str().unwrap())
        .collect();
    assert_eq!(decisions, ["denied"; 4]);
    let lines: Vec<u64> = (0..4)
        .map(|at| seen["objects"][at]["remarks"][0]["line"].as_u64().unwrap())
        .collect();
    assert_eq!(lines, [9, 19, 1, 2]);
}

#[test]
fn a_fault_is_told_with_its_place_and_the_rest_is_judged() {
    let desk = Desk::new();
    let text = format!(
        "{}---\na: b: c\n---\n{}",
        vm("openshift-x", "a"),
        vm("openshift-x", "b")
    );
    desk.write("bad.yaml", &text);
    desk.write("latin.yaml", "");
    std::fs::write(desk.path("latin.yaml"), b"a: \xe4\n").unwrap();
    let seen = desk.check(&["bad.yaml", "latin.yaml"]);
    assert_eq!(seen.code, 2);
    assert!(
        seen.stdout.contains("2 objects judged: 2 denied"),
        "{}",
        seen.stdout
    );
    insta::assert_snapshot!(seen.stderr);
    let json = desk.check(&["bad.yaml", "-o", "json"]).json();
    let fault = &json["faults"][0];
    assert_eq!(
        (&fault["line"], &fault["rule"]),
        (&json!(6), &json!("manifest-file"))
    );
    for form in ["junit", "github", "sarif"] {
        let seen = desk.check(&["bad.yaml", "-o", form]);
        assert!(
            seen.code == 2 && seen.stdout.contains("not valid YAML"),
            "{form}: {}",
            seen.stdout
        );
    }
}

#[test]
fn a_manifest_does_not_steer_the_terminal() {
    let desk = Desk::new();
    desk.write("vm.yaml", &vm("openshift-x", "\"a\\e[2Jb\\nc\""));
    let seen = desk.check(&["vm.yaml"]);
    assert_eq!(seen.code, 1);
    let line = "vm.yaml:3  VirtualMachine openshift-x/a\u{fffd}[2Jb c  denied  ";
    assert!(seen.stdout.starts_with(line), "{:?}", seen.stdout);
}

#[test]
fn a_file_that_is_too_large_is_refused() {
    let desk = Desk::new();
    desk.write("big.yaml", "");
    let file = std::fs::File::options()
        .write(true)
        .open(desk.path("big.yaml"))
        .unwrap();
    file.set_len(65 * 1024 * 1024).unwrap();
    let seen = desk.check(&["big.yaml"]);
    assert_eq!(seen.code, 2);
    assert!(
        seen.stderr
            .contains("has 68157440 bytes; at most 67108864 are read"),
        "{}",
        seen.stderr
    );
}

#[test]
fn a_template_is_judged_as_it_would_be_processed() {
    let desk = Desk::new();
    let template = |image: &str| {
        format!(
            "apiVersion: template.openshift.io/v1\nkind: Template\nmetadata: {{name: t}}\nparameters:\n- {{name: NAME, \
             generate: expression}}\n- {{name: IMAGE{image}}}\nobjects:\n- apiVersion: kubevirt.io/v1\n  kind: \
             VirtualMachine\n  metadata:\n    name: ${{NAME}}\n  spec:\n    dataVolumeTemplates:\n    - metadata: {{name: \
             '${{NAME}}'}}\n      spec:\n        sourceRef:\n          kind: DataSource\n          name: ${{IMAGE}}\n"
        )
    };
    desk.write("known.yaml", &template(", value: rhel9"));
    desk.write("open.yaml", &template(", required: true"));
    let seen = desk.check(&["known.yaml", "open.yaml", "-n", "demo"]);
    assert_eq!(seen.code, 0, "{}", seen.stderr);
    insta::assert_snapshot!(seen.stdout);
    assert_eq!(desk.check(&["known.yaml", "-n", "demo", "--write"]).code, 0);
    let expected = template(", value: rhel9") + "          namespace: gold-images\n";
    assert_eq!(desk.read("known.yaml"), expected);
}

#[test]
fn a_version_nobody_knows_and_another_group_are_not_covered() {
    let desk = Desk::new();
    let machine = vm("openshift-x", "a");
    desk.write(
        "version.yaml",
        &machine.replace("kubevirt.io/v1", "kubevirt.io/v9"),
    );
    desk.write(
        "group.yaml",
        &machine.replace("kubevirt.io/v1", "example.com/v1"),
    );
    let seen = desk.check(&["version.yaml", "group.yaml"]);
    assert_eq!(seen.code, 0);
    let line = "0 objects judged, 2 not covered by any policy (2 VirtualMachine): nothing to say\n";
    assert!(seen.stdout.starts_with(line), "{}", seen.stdout);
}

#[test]
fn anchors_and_merge_keys_are_read_as_kubectl_reads_them() {
    let desk = Desk::new();
    desk.write(
        "vm.yaml",
        "x-meta: &meta {namespace: openshift-x}\napiVersion: kubevirt.io/v1\nkind: VirtualMachine\nmetadata:\n  <<: *meta\n  \
         name: a\nspec: {}\n",
    );
    let seen = desk.check(&["vm.yaml"]);
    assert_eq!(seen.code, 1);
    // The line is where the namespace is written.
    assert!(
        seen.stdout
            .starts_with("vm.yaml:1  VirtualMachine openshift-x/a  denied"),
        "{}",
        seen.stdout
    );
}
