//! The default storage class moves: who moves it is told at once, and so is who clones from what was left behind.

use serde_json::{Value, json};

use super::bench::{Bench, DEFAULT, LONG, Policies, bench, until};
use super::objects::{data_volume, path_of, vm};

/// Of equally old classes the first by name is the default: this one, whenever it is marked.
const FAST: &str = "class-fast";
const OLD: &str = "class-old";
const MARK: &str = "storageclass.kubernetes.io/is-default-class";
const CRON: &str = "cdi.kubevirt.io/dataImportCron";

fn class(name: &str, default: bool) -> Value {
    json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": format!("{name}.example.com"),
        "metadata": {"name": name, "annotations": {MARK: default.to_string()}}})
}

fn cdi() -> Value {
    json!({"apiVersion": "cdi.kubevirt.io/v1beta1", "kind": "CDI", "metadata": {"name": "cdi-kubevirt-hyperconverged"},
        "spec": {}, "status": {"observedVersion": "v1.66.0"}})
}

fn import(image: &str) -> String {
    format!("{image}-0123456789ab")
}

fn cron(image: &str, noted: &str) -> Value {
    json!({"apiVersion": "cdi.kubevirt.io/v1beta1", "kind": "DataImportCron",
        "metadata": {"name": format!("{image}-cron"), "namespace": DEFAULT, "annotations": {
            "cdi.kubevirt.io/storage.import.storageClass": noted,
            "cdi.kubevirt.io/storage.import.sourceDesiredDigest": "sha256:0123456789abcdef"}},
        "spec": {"managedDataSource": image, "schedule": "0 */12 * * *", "template": {"spec": {
            "source": {"registry": {"url": "docker://registry.example.com/image"}},
            "storage": {"resources": {"requests": {"storage": "30Gi"}}}}}}})
}

fn data_source(image: &str, kind: &str, name: &str, labels: &Value) -> Value {
    json!({"apiVersion": "cdi.kubevirt.io/v1beta1", "kind": "DataSource",
        "metadata": {"name": image, "namespace": DEFAULT, "labels": labels},
        "spec": {"source": {kind: {"name": name, "namespace": DEFAULT}}},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]}})
}

fn claim(name: &str, class: &str, labels: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": DEFAULT, "labels": labels},
        "spec": {"accessModes": ["ReadWriteMany"], "volumeMode": "Block", "storageClassName": class,
            "resources": {"requests": {"storage": "30Gi"}}}})
}

/// A snapshot of an import, bound to a content of the driver of a class.
fn snapshot(image: &str, class: &str) -> [Value; 2] {
    let name = import(image);
    let content = format!("content-of-{name}");
    let snapshot = json!({"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot",
        "metadata": {"name": name, "namespace": DEFAULT, "labels": {CRON: format!("{image}-cron")}},
        "spec": {"source": {"persistentVolumeClaimName": name}},
        "status": {"boundVolumeSnapshotContentName": content, "readyToUse": true}});
    let content = json!({"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshotContent",
        "metadata": {"name": content},
        "spec": {"deletionPolicy": "Delete", "driver": format!("{class}.example.com"),
            "source": {"volumeHandle": "x"}, "volumeSnapshotRef": {"name": name, "namespace": DEFAULT}}});
    [content, snapshot]
}

/// A golden image as a claim and one as a snapshot, both imported on a class.
fn images(class: &str) -> Vec<Value> {
    let labels = |image: &str| json!({CRON: format!("{image}-cron")});
    let mut objects = vec![
        cron("class-pvc", class),
        claim(&import("class-pvc"), class, &labels("class-pvc")),
        data_source(
            "class-pvc",
            "pvc",
            &import("class-pvc"),
            &labels("class-pvc"),
        ),
        cron("class-snap", class),
        data_source(
            "class-snap",
            "snapshot",
            &import("class-snap"),
            &labels("class-snap"),
        ),
    ];
    objects.extend(snapshot("class-snap", class));
    objects
}

fn machine_of(image: &str, name: &str) -> Value {
    let mut machine = vm("demo", name);
    let reference = &mut machine["spec"]["dataVolumeTemplates"][0]["spec"]["sourceRef"];
    *reference = json!({"kind": "DataSource", "name": image, "namespace": DEFAULT});
    machine
}

/// Deletes an object for good: nobody here takes the finalizer of claims away.
fn remove(bench: &Bench, object: &Value) {
    let path = path_of(object, true);
    bench.client.delete(&path);
    bench
        .client
        .merge(&path, &json!({"metadata": {"finalizers": null}}));
    until("it is gone", LONG, || bench.client.get(&path).code == 404);
}

fn warnings_of(bench: &Bench, machine: &Value) -> Vec<String> {
    let answer = bench.client.dry_run(machine);
    assert!(answer.is_success(), "{}", answer.message());
    answer.warnings
}

/// Marks a class as the default, or takes the mark away. What the administrator sees.
fn mark(bench: &Bench, class: &str, change: &str, dry_run: bool) -> Vec<String> {
    let mut arguments = vec!["annotate", "storageclass", class, change, "--overwrite"];
    if dry_run {
        arguments.push("--dry-run=server");
    }
    let seen = bench.kubectl_with(&arguments).succeeded();
    let lines = seen
        .stderr
        .lines()
        .filter_map(|line| line.strip_prefix("Warning: "));
    lines.map(str::to_owned).collect()
}

/// Until goldkeeper's answer to a move of the default begins like this.
fn until_told(bench: &Bench, class: &str, beginning: &str) {
    let change = format!("{MARK}=true");
    until("goldkeeper knows the boot sources", LONG, || {
        let told = mark(bench, class, &change, true);
        told.first().is_some_and(|line| line.starts_with(beginning))
    });
}

#[test]
fn the_default_moves_and_every_boot_source_is_accounted_for() {
    let Some(mut bench) = bench() else { return };
    let mut made = vec![class(OLD, true), class(FAST, false), cdi()];
    made.extend(images(OLD));
    for object in &made {
        remove(&bench, object);
        bench.put(object);
    }
    until_told(&bench, FAST, "2 of 2 boot sources are on class-old");
    for image in ["class-pvc", "class-snap"] {
        assert_eq!(warnings_of(&bench, &machine_of(image, "before")), [""; 0]);
    }

    let told = mark(&bench, FAST, &format!("{MARK}=true"), false);
    assert_eq!(
        told,
        [
            "2 of 2 boot sources are on class-old while class-fast is now the default: class-pvc and class-snap \
             (BootSourceStorageClass)",
            "CDI 1.66 imports class-pvc and class-snap again by itself (BootSourceStorageClass)",
        ]
    );
    for image in ["class-pvc", "class-snap"] {
        let stale = format!(
            "boot source {DEFAULT}/{image} is on storage class class-old but its images are kept on class-fast: the clone \
             copies the whole disk (BootSourceStorageClass)"
        );
        until("goldkeeper has seen the move", LONG, || {
            !warnings_of(&bench, &machine_of(image, "after")).is_empty()
        });
        let answer = bench.client.create(&machine_of(image, image));
        assert_eq!(answer.warnings, [stale], "{}", answer.message());
    }
    refused_by_choice(&mut bench);

    // What CDI does: the import is deleted, the note changed, and the image imported under the same name.
    for object in images(OLD) {
        if object["kind"] != "DataSource" && object["kind"] != "DataImportCron" {
            remove(&bench, &object);
        }
    }
    for object in images(FAST) {
        if object["kind"] == "DataImportCron" {
            let patch = json!({"metadata": {"annotations": object["metadata"]["annotations"]}});
            bench.client.merge(&path_of(&object, true), &patch).object();
        } else {
            bench.put(&object);
        }
    }
    for image in ["class-pvc", "class-snap"] {
        until("it is silent again", LONG, || {
            warnings_of(&bench, &machine_of(image, "again")).is_empty()
        });
    }
    let told = mark(&bench, FAST, &format!("{MARK}-"), false);
    assert!(
        told[0].starts_with(
            "2 of 2 boot sources are on class-fast while class-old is now the default"
        )
    );
    fifty(&bench);
    let told = bench.kubectl("delete storageclass class-old").succeeded();
    assert!(
        told.stderr
            .contains("no storage class is the default any more"),
        "{}",
        told.stderr
    );
    for object in made.iter().rev() {
        remove(&bench, object);
    }
}

/// An administrator may have clones of stale boot sources refused.
fn refused_by_choice(bench: &mut Bench) {
    let text = "\
apiVersion: goldkeeper.io/v1
kind: BootSourceStorageClass
metadata: {name: no-stale-clones}
spec: {validationActions: [Deny]}
";
    bench.run(Policies::of(bench.desk(), "no-stale-clones", text));
    let answer = bench.client.dry_run(&machine_of("class-pvc", "refused"));
    eprintln!("{}", answer.message());
    assert_eq!(answer.code, 403);
    assert!(
        answer
            .message()
            .contains("is on storage class class-old but its images are kept on class-fast")
    );
    // What is only advice is told under Deny too, and refuses nothing.
    let mut image = data_volume(DEFAULT, "beside-the-default");
    image["spec"] = json!({"source": {"upload": {}}, "storage": {"storageClassName": OLD}});
    let told = warnings_of(bench, &image);
    assert!(
        told[0].contains("is kept on storage class class-old while"),
        "{told:?}"
    );
    bench.run(Policies::shipped());
}

/// Fifty boot sources that nobody imports again.
fn fifty(bench: &Bench) {
    let none = json!({});
    let uploaded: Vec<Value> = (0..50)
        .flat_map(|number| {
            let name = format!("uploaded-{number:02}");
            [
                claim(&name, OLD, &none),
                data_source(&name, "pvc", &name, &none),
            ]
        })
        .collect();
    for object in &uploaded {
        bench.put(object);
    }
    until_told(bench, FAST, "50 of 52 boot sources are on class-old");
    let told = mark(bench, FAST, &format!("{MARK}=true"), true);
    assert!(
        told.len() <= 5 && told.iter().map(String::len).sum::<usize>() <= 1500,
        "{told:?}"
    );
    assert!(told[0].contains("uploaded-04 and 45 more"), "{told:?}");
    for object in &uploaded {
        remove(bench, object);
    }
}

#[test]
fn settings_of_both_versions_are_judged() {
    let Some(bench) = bench() else { return };
    remove(&bench, &class(FAST, true));
    bench.put(&class(FAST, true));
    let path = |version: &str| {
        format!(
            "/apis/hco.kubevirt.io/{version}/namespaces/openshift-cnv/hyperconvergeds/kubevirt-hyperconverged"
        )
    };
    let template = |class: Value| {
        json!([{"metadata": {"name": "rhel9-image-cron"}, "spec": {"managedDataSource": "rhel9", "schedule": "0 */12 * * *",
            "template": {"spec": {"source": {"registry": {"url": "docker://registry.example.com/rhel9"}},
                "storage": {"storageClassName": class, "resources": {"requests": {"storage": "30Gi"}}}}}}}])
    };
    for version in ["v1", "v1beta1"] {
        let set = |templates: Value, namespace: &str| {
            let sources = json!({"dataImportCronTemplates": templates, "commonBootImageNamespace": namespace});
            let spec = if version == "v1" {
                json!({"workloadSources": sources})
            } else {
                sources
            };
            bench.client.merge(
                &format!("{}?dryRun=All", path(version)),
                &json!({"spec": spec}),
            )
        };
        until("goldkeeper knows the class", LONG, || {
            let refused = set(template(json!("class-fsat")), "");
            refused.message().contains("known here: class-fast")
        });
        let refused = set(template(json!("class-fsat")), "");
        eprintln!("{version}: {}", refused.message());
        assert_eq!(refused.code, 403);
        assert!(
            refused.message().contains("did you mean `class-fast`?"),
            "{}",
            refused.message()
        );
        let told = set(template(json!(FAST)), "gold-images");
        assert!(told.is_success(), "{}", told.message());
        assert!(told.warnings[0].starts_with(
            "boot image rhel9 no longer follows commonBootImageNamespace gold-images"
        ));
        let nulled = set(Value::Null, "");
        assert_eq!((nulled.is_success(), nulled.warnings), (true, Vec::new()));
        let silent = set(template(Value::Null), "");
        assert_eq!((silent.is_success(), silent.warnings), (true, Vec::new()));
    }
    remove(&bench, &class(FAST, true));
}
