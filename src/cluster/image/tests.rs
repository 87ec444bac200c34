//! Boot sources in every state, as one view tells them.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::{Builder, HyperConvergedVersion, VolumeMode};
use super::*;

const GOLD: &str = "gold";

/// A cluster of one golden namespace: classes `a` and `a2` of driver `da`, `b` of driver `db`, which is the default.
fn cluster(more: &[Value]) -> Arc<ClusterView> {
    let mut builder = Builder::complete();
    let class = |name: &str, driver: &str, default: bool| {
        json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": driver, "metadata": {
            "name": name,
            "annotations": {"storageclass.kubernetes.io/is-default-class": default.to_string()}}})
    };
    for object in [
        class("a", "da", false),
        class("a2", "da", false),
        class("b", "db", true),
    ] {
        builder.fold(&object);
    }
    builder.fold(&settings(&json!({"commonBootImageNamespace": GOLD})));
    builder.fold(&cdi("v1.66.0"));
    for object in more {
        builder.fold(object);
    }
    builder.build()
}

fn settings(sources: &Value) -> Value {
    json!({"apiVersion": "hco.kubevirt.io/v1", "kind": "HyperConverged",
        "metadata": {"name": "kubevirt-hyperconverged", "namespace": "openshift-cnv"},
        "spec": {"workloadSources": sources},
        "status": {"dataImportCronTemplates": [{"metadata": {"name": "rhel9-image-cron", "namespace": GOLD},
            "spec": {"managedDataSource": "rhel9"}, "status": {"commonTemplate": true}}]}})
}

fn cdi(version: &str) -> Value {
    json!({"apiVersion": "cdi.kubevirt.io/v1beta1", "kind": "CDI", "metadata": {"name": "cdi"},
        "status": {"observedVersion": version}})
}

fn data_source(name: &str, source: &Value, cron: Option<&str>) -> Value {
    json!({"apiVersion": "cdi.kubevirt.io/v1beta1", "kind": "DataSource", "metadata": {"name": name, "namespace": GOLD,
        "labels": {"cdi.kubevirt.io/dataImportCron": cron}}, "spec": {"source": source},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]}})
}

fn cron(annotations: &Value, spec: &Value) -> Value {
    let mut spec = spec.clone();
    spec["managedDataSource"] = json!("rhel9");
    json!({"apiVersion": "cdi.kubevirt.io/v1beta1", "kind": "DataImportCron", "metadata": {"name": "rhel9-image-cron",
        "namespace": GOLD, "annotations": annotations}, "spec": spec,
        "status": {"lastImportTimestamp": "2026-03-01T00:00:00Z"}})
}

fn notes(class: &str, digest: &str) -> Value {
    json!({"cdi.kubevirt.io/storage.import.storageClass": class,
        "cdi.kubevirt.io/storage.import.sourceDesiredDigest": digest})
}

fn claim(name: &str, class: &str, created: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": GOLD,
        "creationTimestamp": created, "labels": {"cdi.kubevirt.io/dataImportCron": "rhel9-image-cron"}},
        "spec": {"storageClassName": class, "volumeMode": "Block", "resources": {"requests": {"storage": "30Gi"}}}})
}

const DIGEST: &str = "sha256:0123456789abcdef";
const IMPORT: &str = "rhel9-0123456789ab";

/// The golden image rhel9 as a claim on class `a`, imported by a cron with these notes and this spec.
fn rhel9(annotations: &Value, spec: &Value) -> Vec<Value> {
    vec![
        data_source(
            "rhel9",
            &json!({"pvc": {"name": IMPORT, "namespace": GOLD}}),
            Some("rhel9-image-cron"),
        ),
        cron(annotations, spec),
        claim(IMPORT, "a", "2026-03-01T00:00:00Z"),
    ]
}

fn judged(objects: &[Value]) -> (Standing, Comeback) {
    let view = cluster(objects);
    let source = view.boot_source(GOLD, "rhel9");
    let defaults = view.default_classes();
    (source.standing(defaults), source.comeback(defaults))
}

#[test]
fn who_brings_it_back() {
    let storage = &json!({"template": {"spec": {"storage": {}}}});
    let table = [
        (
            "CDI does",
            rhel9(&notes("a", DIGEST), storage),
            Comeback::ByItself,
        ),
        (
            "notes no class",
            rhel9(
                &json!({"cdi.kubevirt.io/storage.import.sourceDesiredDigest": DIGEST}),
                storage,
            ),
            Comeback::Adopted,
        ),
        (
            "notes the class already",
            rhel9(&notes("b", DIGEST), storage),
            Comeback::Adopted,
        ),
        (
            "no digest",
            rhel9(
                &json!({"cdi.kubevirt.io/storage.import.storageClass": "a"}),
                storage,
            ),
            Comeback::NoDigest,
        ),
        (
            "a digest without a name",
            rhel9(&notes("a", "md5:0"), storage),
            Comeback::NoDigest,
        ),
        (
            "a newer image",
            rhel9(&notes("b", "sha256:ffffffffffffffff"), storage),
            Comeback::ByItself,
        ),
        (
            "an explicit class",
            rhel9(
                &notes("a", DIGEST),
                &json!({"template": {"spec": {"storage": {"storageClassName": "b"}}}}),
            ),
            Comeback::ByItself,
        ),
    ];
    for (what, objects, expected) in table {
        assert_eq!(judged(&objects), (Standing::Stale, expected), "{what}");
    }
    for (version, expected) in [("v1.60.1", Comeback::TooOld), ("x", Comeback::Unknown)] {
        let mut objects = rhel9(&notes("a", DIGEST), storage);
        objects.push(cdi(version));
        assert_eq!(judged(&objects), (Standing::Stale, expected), "{version}");
    }
}

#[test]
fn nothing_is_expected_without_a_class_to_expect() {
    let named = |class: &str| json!({"template": {"spec": {"pvc": {"storageClassName": class}}}});
    for (class, standing) in [
        ("a", Standing::Right),
        ("gone", Standing::Nothing),
        ("", Standing::Nothing),
    ] {
        assert_eq!(
            judged(&rhel9(&notes("a", DIGEST), &named(class))).0,
            standing,
            "{class}"
        );
    }
    let view = cluster(&rhel9(&notes("a", DIGEST), &json!({})));
    let source = view.boot_source(GOLD, "rhel9");
    let none = Known::Known(DefaultClasses::default());
    assert_eq!(source.standing(none), Standing::Nothing);
    assert_eq!(source.standing(Known::Unknown), Standing::Unknown);
    let missing = view.boot_source(GOLD, "none-such");
    assert_eq!(missing.standing(view.default_classes()), Standing::Nothing);
}

#[test]
fn the_question_can_be_asked_of_a_wish() {
    let view = cluster(&rhel9(&notes("a", DIGEST), &json!({})));
    let source = view.boot_source(GOLD, "rhel9");
    let wish = |name| {
        Known::Known(DefaultClasses {
            virt: Some(name),
            plain: None,
        })
    };
    assert_eq!(source.expected(wish("a")), Expected::Default("a"));
    assert_eq!(source.standing(wish("a")), Standing::Right);
    assert_eq!(source.standing(wish("a2")), Standing::Stale);
}

#[test]
fn what_an_image_is_made_of() {
    let mut objects = rhel9(
        &notes("a", DIGEST),
        &json!({"schedule": "0 */12 * * *", "importsToKeep": 2}),
    );
    objects.push(claim("rhel9-bbbbbbbbbbbb", "b", "2026-02-02T00:00:00Z"));
    objects.push(claim("rhel9-aaaaaaaaaaaa", "a", "2026-02-01T00:00:00Z"));
    objects.push(data_source(
        "arch",
        &json!({"dataSource": {"name": "rhel9"}}),
        None,
    ));
    let view = cluster(&objects);
    let source = view.boot_source(GOLD, "rhel9");
    let volume = source.volume.known().unwrap().unwrap();
    assert_eq!(volume.class, SourceClass::Known("a"));
    assert_eq!(
        (volume.provisioner, volume.size),
        (Some("da"), Some(30 << 30))
    );
    assert_eq!(source.last_import(), Some("2026-03-01T00:00:00Z"));
    assert_eq!(source.updates(), Updates::On("0 */12 * * *"));
    assert!(source.is_ready());
    let older: Vec<&str> = source
        .older_imports()
        .iter()
        .map(|volume| volume.name)
        .collect();
    assert_eq!(older, ["rhel9-aaaaaaaaaaaa", "rhel9-bbbbbbbbbbbb"]);
    let pointer = view.boot_source(GOLD, "arch");
    assert_eq!(pointer.pointer, Some("rhel9"));
    assert_eq!(
        pointer.cron.known().unwrap().unwrap().name,
        "rhel9-image-cron"
    );
    let names: Vec<&str> = view
        .boot_sources()
        .iter()
        .map(|source| source.name)
        .collect();
    assert_eq!(names, ["arch", "rhel9"]);
}

#[test]
fn a_managed_image_that_is_missing_is_listed_and_a_placeholder_is_not() {
    let placeholder = json!({"apiVersion": "cdi.kubevirt.io/v1beta1", "kind": "DataSource",
        "metadata": {"name": "rhel9", "namespace": "kubevirt-os-images"}, "spec": {"source": {}}});
    let view = cluster(&[placeholder]);
    let sources = view.boot_sources();
    let [source] = &sources[..] else {
        panic!("{sources:?}");
    };
    assert_eq!((source.namespace, source.name), (GOLD, "rhel9"));
    assert_eq!(source.data_source, Known::Known(None));
}

#[test]
fn the_switch_that_is_off_is_named() {
    let foreign = claim("rhel9", "a", "");
    let of_claim = || {
        data_source(
            "rhel9",
            &json!({"pvc": {"name": "rhel9", "namespace": GOLD}}),
            None,
        )
    };
    let once = || {
        vec![
            cron(&json!({}), &json!({})),
            data_source("rhel9", &json!({}), Some("rhel9-image-cron")),
        ]
    };
    let off =
        |key: &str, value: Value| settings(&json!({"commonBootImageNamespace": GOLD, key: value}));
    let template = json!([{"metadata": {"name": "rhel9-image-cron",
        "annotations": {"dataimportcrontemplate.kubevirt.io/enable": "False"}}}]);
    let all_off = HyperConvergedVersion::V1;
    let import = json!({"pvc": {"name": IMPORT, "namespace": GOLD}});
    let table = [
        (once(), Updates::Once),
        (vec![of_claim(), foreign], Updates::ForeignClaim),
        (
            vec![of_claim(), off("dataImportCronTemplates", template)],
            Updates::OffForImage,
        ),
        (
            vec![
                off("enableCommonBootImageImport", json!(false)),
                data_source("rhel9", &import, Some("rhel9-image-cron")),
                claim(IMPORT, "a", ""),
            ],
            Updates::OffForAll(all_off),
        ),
    ];
    for (objects, expected) in table {
        let view = cluster(&objects);
        assert_eq!(view.boot_source(GOLD, "rhel9").updates(), expected);
    }
    let uploaded = [
        data_source(
            "win",
            &json!({"pvc": {"name": "win", "namespace": GOLD}}),
            None,
        ),
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "win", "namespace": GOLD}}),
    ];
    let view = cluster(&uploaded);
    let source = view.boot_source(GOLD, "win");
    assert_eq!(source.updates(), Updates::Uploaded);
    assert!(source.is_uploaded());
}

#[test]
fn a_clone_is_fast_between_classes_of_one_driver_only() {
    let view = cluster(&rhel9(&notes("a", DIGEST), &json!({})));
    let volume = view
        .boot_source(GOLD, "rhel9")
        .volume
        .known()
        .unwrap()
        .unwrap();
    let table = [
        ("a", None, CloneCost::Fast),
        ("a2", None, CloneCost::Fast),
        (
            "b",
            None,
            CloneCost::FullCopy(CopyReason::Provisioner {
                from: "da",
                to: "db",
            }),
        ),
        (
            "a2",
            Some(VolumeMode::Filesystem),
            CloneCost::FullCopy(CopyReason::VolumeMode {
                from: VolumeMode::Block,
                to: VolumeMode::Filesystem,
            }),
        ),
        ("none-such", None, CloneCost::Unknown),
    ];
    for (class, mode, expected) in table {
        assert_eq!(view.clone_cost(&volume, class, mode), expected, "{class}");
    }
    let mut copies = rhel9(&notes("a", DIGEST), &json!({}));
    copies.push(json!({"apiVersion": "cdi.kubevirt.io/v1beta1", "kind": "StorageProfile", "metadata": {"name": "a"},
        "status": {"cloneStrategy": "copy"}}));
    let view = cluster(&copies);
    let volume = view
        .boot_source(GOLD, "rhel9")
        .volume
        .known()
        .unwrap()
        .unwrap();
    assert_eq!(
        view.clone_cost(&volume, "a", None),
        CloneCost::FullCopy(CopyReason::Strategy)
    );
}

#[test]
fn what_was_not_looked_at_is_not_absent() {
    let mut builder = Builder::live();
    builder.cover(Kind::PersistentVolumeClaim, super::super::Coverage::Watched);
    let view = builder.build();
    let claim = |namespace| VolumeName {
        object: SourceObject::PersistentVolumeClaim,
        namespace,
        name: "x",
    };
    let elsewhere = view.source_volume(claim("demo"));
    assert!(matches!(elsewhere, Known::Unknown));
    let golden = view.source_volume(claim("kubevirt-os-images"));
    assert!(matches!(golden, Known::Known(None)));
}
