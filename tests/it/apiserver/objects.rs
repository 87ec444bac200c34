//! Objects that users make.

use serde_json::{Value, json};

use super::bench::Version;

/// Kind, plural, whether it is in a namespace.
const KINDS: &[(&str, &str, bool)] = &[
    ("APIServer", "apiservers", false),
    ("CDI", "cdis", false),
    ("ClusterRole", "clusterroles", false),
    ("ClusterRoleBinding", "clusterrolebindings", false),
    (
        "CustomResourceDefinition",
        "customresourcedefinitions",
        false,
    ),
    ("DataImportCron", "dataimportcrons", true),
    ("DataSource", "datasources", true),
    ("DataVolume", "datavolumes", true),
    ("HyperConverged", "hyperconvergeds", true),
    (
        "MutatingWebhookConfiguration",
        "mutatingwebhookconfigurations",
        false,
    ),
    ("Namespace", "namespaces", false),
    ("PersistentVolumeClaim", "persistentvolumeclaims", true),
    ("Pod", "pods", true),
    ("Role", "roles", true),
    ("RoleBinding", "rolebindings", true),
    ("StorageClass", "storageclasses", false),
    (
        "ValidatingWebhookConfiguration",
        "validatingwebhookconfigurations",
        false,
    ),
    ("VirtualMachine", "virtualmachines", true),
    ("VirtualMachineClone", "virtualmachineclones", true),
    ("VirtualMachineInstance", "virtualmachineinstances", true),
    (
        "VirtualMachineInstanceReplicaSet",
        "virtualmachineinstancereplicasets",
        true,
    ),
    ("VirtualMachinePool", "virtualmachinepools", true),
    ("VirtualMachineRestore", "virtualmachinerestores", true),
    ("VolumeSnapshot", "volumesnapshots", true),
    ("VolumeSnapshotContent", "volumesnapshotcontents", false),
];

/// Where the API server has the object, or all of its kind.
pub(super) fn path_of(object: &Value, single: bool) -> String {
    let text = |pointer| object.pointer(pointer).and_then(Value::as_str);
    let api_version = text("/apiVersion").unwrap();
    let kind = text("/kind").unwrap();
    let (_, plural, namespaced) = KINDS
        .iter()
        .find(|(known, ..)| *known == kind)
        .unwrap_or_else(|| panic!("{kind} is not among the kinds"));
    let root = if api_version.contains('/') {
        "apis"
    } else {
        "api"
    };
    let namespace = text("/metadata/namespace").filter(|_| *namespaced);
    let name = text("/metadata/name").filter(|_| single);
    let namespace = namespace.map_or_else(String::new, |name| format!("/namespaces/{name}"));
    let name = name.map_or_else(String::new, |name| format!("/{name}"));
    format!("/{root}/{api_version}{namespace}/{plural}{name}")
}

/// A virtual machine whose disk is a clone of `rhel9`, of which no namespace is named.
pub(super) fn vm(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachine",
        "metadata": {"name": name, "namespace": namespace},
        "spec": machine(name),
    })
}

/// The review of a new virtual machine, as the API server sends it.
pub(super) fn review(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "6e9b1c1e-0000-4000-8000-000000000000",
            "kind": {"group": "kubevirt.io", "version": "v1", "kind": "VirtualMachine"},
            "resource": {"group": "kubevirt.io", "version": "v1", "resource": "virtualmachines"},
            "namespace": namespace,
            "name": name,
            "operation": "CREATE",
            "userInfo": {"username": "alice", "groups": ["system:authenticated"]},
            "object": vm(namespace, name),
        },
    })
}

fn machine(name: &str) -> Value {
    let disk = format!("{name}-root");
    let mut template = instance();
    template["volumes"] = json!([{"name": "rootdisk", "dataVolume": {"name": disk}}]);
    json!({
        "runStrategy": "Halted",
        "dataVolumeTemplates": [{"metadata": {"name": disk}, "spec": volume()}],
        "template": {"spec": template},
    })
}

fn volume() -> Value {
    json!({
        "sourceRef": {"kind": "DataSource", "name": "rhel9"},
        "storage": {"resources": {"requests": {"storage": "30Gi"}}},
    })
}

fn instance() -> Value {
    json!({
        "domain": {
            "devices": {"disks": [{"name": "rootdisk", "disk": {"bus": "virtio"}}]},
            "memory": {"guest": "2Gi"},
        },
        "volumes": [{"name": "rootdisk", "emptyDisk": {"capacity": "1Gi"}}],
    })
}

pub(super) fn data_volume(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "cdi.kubevirt.io/v1beta1",
        "kind": "DataVolume",
        "metadata": {"name": name, "namespace": namespace},
        "spec": volume(),
    })
}

pub(super) fn vmi(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstance",
        "metadata": {"name": name, "namespace": namespace},
        "spec": instance(),
    })
}

pub(super) fn replica_set(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstanceReplicaSet",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": instance()},
        },
    })
}

pub(super) fn pool(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "pool.kubevirt.io/v1beta1",
        "kind": "VirtualMachinePool",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": name}},
            "virtualMachineTemplate": {
                "metadata": {"labels": {"app": name}},
                "spec": machine(name),
            },
        },
    })
}

pub(super) fn clone_of(namespace: &str, name: &str, source: &str) -> Value {
    let machine =
        |name: &str| json!({"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": name});
    json!({
        "apiVersion": "clone.kubevirt.io/v1beta1",
        "kind": "VirtualMachineClone",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"source": machine(source), "target": machine(name)},
    })
}

pub(super) fn restore(namespace: &str, name: &str, target: &str) -> Value {
    json!({
        "apiVersion": "snapshot.kubevirt.io/v1beta1",
        "kind": "VirtualMachineRestore",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "target": {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": target},
            "virtualMachineSnapshotName": "before-the-upgrade",
        },
    })
}

/// A `DataSource` named `rhel9`, ready.
pub(super) fn data_source(namespace: &str) -> Value {
    json!({
        "apiVersion": "cdi.kubevirt.io/v1beta1",
        "kind": "DataSource",
        "metadata": {"name": "rhel9", "namespace": namespace},
        "spec": {"source": {"pvc": {"name": "rhel9", "namespace": namespace}}},
        // Controllers write it so: the kind has no status subresource.
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    })
}

/// The platform's settings with the images that it keeps, all where the setting says.
pub(super) fn hyper_converged(version: Version) -> Value {
    let images = ["rhel9", "rhel10", "fedora", "centos-stream9"];
    let template = |image: &&str| {
        json!({
            "metadata": {"name": format!("{image}-image-cron")},
            "spec": {
                "managedDataSource": image,
                "schedule": "0 */12 * * *",
                "template": {"spec": {
                    "source": {"registry": {"url": format!("docker://registry.example.com/{image}")}},
                    "storage": {"resources": {"requests": {"storage": "30Gi"}}},
                }},
            },
            "status": {"commonTemplate": true},
        })
    };
    let version = match version {
        Version::V1 => "v1",
        Version::V1beta1 => "v1beta1",
    };
    json!({
        "apiVersion": format!("hco.kubevirt.io/{version}"),
        "kind": "HyperConverged",
        "metadata": {"name": "kubevirt-hyperconverged", "namespace": "openshift-cnv"},
        "spec": {},
        "status": {"dataImportCronTemplates": images.iter().map(template).collect::<Vec<_>>()},
    })
}

/// Which namespace each boot source of an object is looked for in; `None` where the object does not say.
pub(super) fn names_of(object: &Value) -> Vec<Option<String>> {
    let templates = [
        "/spec/dataVolumeTemplates",
        "/spec/virtualMachineTemplate/spec/dataVolumeTemplates",
    ];
    let templates = templates
        .iter()
        .filter_map(|path| object.pointer(path)?.as_array())
        .flatten();
    let references = templates
        .map(|template| &template["spec"])
        .chain(object.get("spec"))
        .filter_map(|spec| spec.get("sourceRef"))
        // The API server drops a null.
        .filter(|reference| reference.is_object());
    references
        .map(|reference| {
            let name = reference["namespace"].as_str();
            name.filter(|name| !name.is_empty()).map(str::to_owned)
        })
        .collect()
}
