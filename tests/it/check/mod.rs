//! `goldkeeper check`: what people and machines are told of manifests, and what is written into them.

mod alike;
mod desk;
mod read;
mod write;

use desk::{Desk, GOLDEN_VM, pod, vm};

/// A folder as a pull request has it.
fn pull_request() -> Desk {
    let desk = Desk::new();
    desk.write("vms/web.yaml", GOLDEN_VM);
    desk.write(
        "vms/mon.yaml",
        "# Where it does not belong.\napiVersion: kubevirt.io/v1\nkind: VirtualMachine\nmetadata:\n  name: mon\n  \
         namespace: openshift-monitoring\nspec:\n  runStrategy: Halted\n",
    );
    desk.write("vms/old.yaml", &vm("kube-public", "old"));
    desk.write(
        "vms/service.yaml",
        &format!("{}---\n{}", pod("a"), pod("b")),
    );
    desk.write("vms/values.yaml", "replicas: 3\n");
    desk.write("vms/.hidden/vm.yaml", &vm("openshift-x", "hidden"));
    desk.write("vms/README.md", "no manifest");
    desk
}

#[test]
fn a_pull_request_is_told_in_words_and_figures() {
    let seen = pull_request().check(&["vms"]);
    assert_eq!(seen.code, 1, "{}", seen.stderr);
    assert!(
        !seen.stdout.contains('\u{1b}') && seen.stderr.is_empty(),
        "{}",
        seen.stderr
    );
    insta::assert_snapshot!(seen.stdout);
}

#[test]
fn every_form_tells_the_same() {
    let desk = pull_request();
    for form in ["json", "yaml", "junit", "github", "sarif"] {
        let seen = desk.check(&["vms", "-o", form]);
        assert_eq!(seen.code, 1, "{form}");
        assert_eq!(
            desk.check(&["vms", "-o", form]).stdout,
            seen.stdout,
            "{form}: not stable"
        );
        if form != "sarif" {
            insta::assert_snapshot!(format!("form_{form}"), seen.stdout);
        }
        let machine = !matches!(form, "json" | "yaml");
        assert_eq!(
            seen.stderr.contains("1 denied, 1 warned, 1 filled in"),
            machine,
            "{form}"
        );
    }
    let sarif = desk.check(&["vms", "-o", "sarif"]).json();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let told: Vec<String> = results
        .iter()
        .map(|result| {
            let place = &result["locations"][0]["physicalLocation"];
            let uri = place["artifactLocation"]["uri"].as_str().unwrap();
            let line = &place["region"]["startLine"];
            format!("{uri}:{line} {} {}", result["level"], result["ruleId"])
        })
        .collect();
    let expected = [
        "vms/mon.yaml:6 \"error\" \"ProtectedNamespaces\"",
        "vms/old.yaml:3 \"warning\" \"ProtectedNamespaces\"",
        "vms/web.yaml:12 \"note\" \"BootSourceNamespace\"",
    ];
    assert_eq!(told, expected);
    let yaml: serde_json::Value =
        serde_saphyr::from_str(&desk.check(&["vms", "-o", "yaml"]).stdout).unwrap();
    assert_eq!(yaml, desk.check(&["vms", "-o", "json"]).json());
}

#[test]
fn nothing_to_say_is_clean_in_every_form() {
    let desk = Desk::new();
    desk.write("pod.yaml", &pod("a"));
    for form in ["text", "json", "yaml", "junit", "github", "sarif"] {
        let seen = desk.check(&["pod.yaml", "-o", form]);
        assert_eq!(seen.code, 0, "{form}: {}", seen.stderr);
    }
    let yaml = desk.check(&["pod.yaml", "-o", "yaml"]).stdout;
    assert!(yaml.contains("decision: notCovered"), "{yaml}");
    desk.write("nothing.yaml", "# nothing\n---\n---\n");
    let json = desk.check(&["nothing.yaml", "-o", "json"]).json();
    assert_eq!(json["objects"], serde_json::json!([]));
    let yaml: serde_json::Value =
        serde_saphyr::from_str(&desk.check(&["nothing.yaml", "-o", "yaml"]).stdout).unwrap();
    assert_eq!(yaml["objects"], serde_json::json!([]));
}

#[test]
fn what_is_reason_enough_to_fail_can_be_chosen() {
    let desk = pull_request();
    let table = [
        ("vms/mon.yaml", [1, 1, 1]),
        ("vms/old.yaml", [0, 1, 1]),
        ("vms/web.yaml", [0, 0, 1]),
        ("vms/service.yaml", [0, 0, 0]),
    ];
    for (file, codes) in table {
        let found = ["deny", "warn", "fill"].map(|on| desk.check(&[file, "--fail-on", on]).code);
        assert_eq!(found, codes, "{file}");
        let failures = ["deny", "warn", "fill"].map(|on| {
            let xml = desk.check(&[file, "--fail-on", on, "-o", "junit"]).stdout;
            i32::from(xml.contains("<failure"))
        });
        assert_eq!(failures, codes, "{file}");
    }
}

#[test]
fn who_asks_is_who_is_judged() {
    let desk = Desk::new();
    desk.write("vm.yaml", &vm("openshift-x", "a"));
    desk.policy(
        "exemptions:\n  - reason: migration\n    users: [alice]\n  - reason: pipelines\n    groups: [\
         'system:serviceaccounts:ci', movers]\n",
    );
    let table: [(&[&str], i32); 7] = [
        (&[], 1),
        (&["--as", "alice"], 0),
        (&["--as", "bob"], 1),
        (
            &["--as", "bob", "--as-group", "x", "--as-group", "movers"],
            0,
        ),
        (&["--as-group", "movers"], 0),
        (&["--as", "system:serviceaccount:ci:deployer"], 0),
        // As for impersonation: who names groups names all of them.
        (
            &[
                "--as",
                "system:serviceaccount:ci:deployer",
                "--as-group",
                "x",
            ],
            1,
        ),
    ];
    for (arguments, code) in table {
        let all = [&["vm.yaml", "--policies", "policies"], arguments].concat();
        assert_eq!(desk.check(&all).code, code, "{arguments:?}");
    }
}

#[test]
fn exemptions_end_on_the_date_that_is_told() {
    let desk = Desk::new();
    desk.write("vm.yaml", &vm("openshift-x", "a"));
    desk.policy("exemptions:\n  - reason: migration\n    expires: 2027-01-31\n    users: ['*']\n");
    let on = |date| {
        desk.check(&["vm.yaml", "--policies", "policies", "--now", date])
            .code
    };
    assert_eq!((on("2027-01-31"), on("2027-02-01")), (0, 1));
    let seen = desk.check(&["vm.yaml", "--now", "tomorrow"]);
    assert!(
        seen.code == 2 && seen.stderr.contains("--now"),
        "{}",
        seen.stderr
    );
}

#[test]
fn the_namespace_is_that_of_the_object_or_else_the_one_told() {
    let desk = Desk::new();
    let text = "apiVersion: kubevirt.io/v1\nkind: VirtualMachine\nmetadata: {generateName: w-, namespace: null}\nspec: {}\n";
    desk.write("vm.yaml", text);
    let seen = desk.check(&["vm.yaml", "-o", "json"]);
    assert_eq!(seen.code, 0);
    let object = &seen.json()["objects"][0]["object"];
    assert_eq!(
        (&object["namespace"], &object["name"]),
        (&"default".into(), &"w-*".into())
    );
    let seen = desk.check(&["vm.yaml", "-n", "openshift-cnv"]);
    assert_eq!(seen.code, 1);
    // The field is there, though it says nothing.
    assert!(
        seen.stdout
            .starts_with("vm.yaml:3  VirtualMachine openshift-cnv/w-*  denied  "),
        "{}",
        seen.stdout
    );
    desk.write("vm.yaml", &vm("demo", "a"));
    assert_eq!(desk.check(&["vm.yaml", "-n", "openshift-cnv"]).code, 0);
}

#[test]
fn updates_and_deletions_are_judged_as_such() {
    let desk = Desk::new();
    desk.write("new/vm.yaml", &vm("openshift-x", "a"));
    for (operation, code) in [("CREATE", 1), ("UPDATE", 0), ("DELETE", 0), ("delete", 0)] {
        let seen = desk.check(&["new", "--operation", operation]);
        assert_eq!(seen.code, code, "{operation}: {}", seen.stderr);
    }
    // What was there before is updated, what was not is new.
    desk.write("old/vm.yaml", &vm("openshift-x", "b"));
    assert_eq!(desk.check(&["new", "--old", "old"]).code, 1);
    desk.write("old/vm.yaml", &vm("openshift-x", "a"));
    assert_eq!(desk.check(&["new", "--old", "old"]).code, 0);
    // A second apply of a manifest that names no namespace takes out what had been filled in: it is given back.
    desk.write("new/vm.yaml", GOLDEN_VM);
    let filled = GOLDEN_VM.replace(
        "name: rhel9\n",
        "name: rhel9\n        namespace: elsewhere\n",
    );
    desk.write("old/vm.yaml", &filled);
    let seen = desk.check(&["new", "--old", "old", "-o", "json"]).json();
    assert_eq!(seen["objects"][0]["patch"][0]["value"], "elsewhere");
    for arguments in [
        &["new", "--old", "old", "--operation", "DELETE"][..],
        &["new", "--old", "none"],
        &["new", "--old", "-"],
    ] {
        assert_eq!(desk.check(arguments).code, 2, "{arguments:?}");
    }
}

#[test]
fn what_the_api_server_sets_itself_does_not_count() {
    let desk = Desk::new();
    let exported = vm("openshift-x", "a").replace(
        "metadata: {",
        "metadata: {deletionTimestamp: '2026-01-01T00:00:00Z', uid: x, creationTimestamp: null, ",
    );
    desk.write("vm.yaml", &exported);
    assert_eq!(desk.check(&["vm.yaml"]).code, 1);
    assert_eq!(desk.check(&["vm.yaml", "--operation", "UPDATE"]).code, 0);
}

#[test]
fn the_path_of_the_golden_namespace_depends_on_the_version() {
    let desk = Desk::new();
    let object = |version: &str, spec: &str| {
        format!(
            "apiVersion: hco.kubevirt.io/{version}\nkind: HyperConverged\nmetadata:\n  name: kubevirt-hyperconverged\n  \
             namespace: openshift-cnv\nspec:\n  {spec}\n"
        )
    };
    desk.write(
        "documented.yaml",
        &object("v1", "commonBootImageNamespace: gold"),
    );
    desk.write(
        "right.yaml",
        &object("v1", "workloadSources: {commonBootImageNamespace: gold}"),
    );
    desk.write(
        "before.yaml",
        &object(
            "v1beta1",
            "workloadSources: {commonBootImageNamespace: gold}",
        ),
    );
    let seen = desk.check(&["documented.yaml", "--fail-on", "warn"]);
    assert_eq!(seen.code, 1);
    let line = "documented.yaml:7  HyperConverged openshift-cnv/kubevirt-hyperconverged  warned  \
                spec.commonBootImageNamespace is not a field of hco.kubevirt.io/v1: ";
    assert!(seen.stdout.starts_with(line), "{}", seen.stdout);
    assert!(
        seen.stdout
            .contains("spec.workloadSources.commonBootImageNamespace"),
        "{}",
        seen.stdout
    );
    let right = desk.check(&["right.yaml"]).stdout;
    assert!(!right.contains("not a field"), "{right}");
    let before = desk.check(&["before.yaml"]).stdout;
    assert!(
        before.contains("belongs in spec.commonBootImageNamespace"),
        "{before}"
    );
}

#[test]
fn what_can_t_be_done_is_exit_code_2() {
    let desk = pull_request();
    let cases: [(&[&str], &str); 6] = [
        (&["none.yaml"], "can't be read"),
        (&["--cluster-from", "none.yaml", "vms"], "none.yaml"),
        (&["vms", "--policies", "none"], "none"),
        (&["empty"], "holds no *.yaml"),
        (&["-", "--write"], "standard input"),
        (&["vms", "--write", "--operation", "DELETE"], "--write"),
    ];
    std::fs::create_dir(desk.path("empty")).unwrap();
    for (arguments, expected) in cases {
        let seen = desk.run(arguments);
        assert_eq!(seen.code, 2, "{arguments:?}: {}", seen.stdout);
        assert!(
            seen.stderr.contains(expected),
            "{arguments:?}: {}",
            seen.stderr
        );
    }
    desk.write("policies/a.yaml", "kind: Nonsense\n");
    assert_eq!(desk.check(&["vms", "--policies", "policies"]).code, 2);
    // What is next to it is judged all the same.
    let seen = desk.check(&["none.yaml", "vms/mon.yaml"]);
    assert!(
        seen.code == 2 && seen.stdout.contains("1 denied"),
        "{}",
        seen.stdout
    );
}

#[test]
fn a_cluster_that_does_not_answer_is_no_cluster() {
    let desk = Desk::new();
    desk.write("vm.yaml", GOLDEN_VM);
    let config = r#"{"apiVersion": "v1", "kind": "Config", "current-context": "x",
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:9"}}], "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}]}"#;
    desk.write("kubeconfig", config);
    let seen = desk.run_bare(&["vm.yaml", "--kubeconfig", "kubeconfig"]);
    assert_eq!(seen.code, 2);
    assert!(
        seen.stderr.contains("the cluster does not answer"),
        "{}",
        seen.stderr
    );
}

/// As with `| head`: what was asked for is done, and counts.
#[test]
fn nobody_who_reads_is_no_reason_to_stop() {
    let desk = pull_request();
    for more in [&[][..], &["-o", "json"], &["-o", "sarif"], &["--write"]] {
        let seen = desk.unread(&[&["vms"], more].concat());
        assert_eq!(seen.code, 1, "{more:?}: {}", seen.stderr);
    }
    assert!(desk.read("vms/web.yaml").contains("namespace: gold-images"));
    desk.write("vms/none.yaml", "a: [\n");
    let seen = desk.unread(&["vms"]);
    assert_eq!(seen.code, 2);
    assert!(seen.stderr.contains("vms/none.yaml:1"), "{}", seen.stderr);
}
