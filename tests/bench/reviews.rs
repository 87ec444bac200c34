//! What the API server would send: reviews of virtual machines as `kubectl apply` makes them, 6 to 9 KB each, and
//! clusters to judge them by.

use std::fmt::Write;

use serde_json::{Value, json};

/// A kind of request, by what becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Class {
    /// A virtual machine that no policy has a word on: it names no boot source.
    NotMatched,
    /// A virtual machine that names its boot source in full.
    Allowed,
    /// A virtual machine in a namespace of the platform.
    Denied,
    /// A virtual machine whose boot source is named without its namespace.
    Filled,
}

impl Class {
    /// Every class.
    pub(crate) const ALL: [Self; 4] = [Self::NotMatched, Self::Allowed, Self::Denied, Self::Filled];

    /// Its name in tables.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::NotMatched => "not matched",
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::Filled => "filled",
        }
    }

    /// Where the API server sends it.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::NotMatched | Self::Allowed => "/validate/boot-sources?timeout=2s",
            Self::Denied => "/validate/protected-namespaces?timeout=2s",
            Self::Filled => "/mutate?timeout=2s",
        }
    }

    /// What the answer to it says and the answer to the other classes does not.
    pub(crate) const fn mark(self) -> &'static str {
        match self {
            Self::NotMatched | Self::Allowed => r#""allowed":true}"#,
            Self::Denied => r#""allowed":false"#,
            Self::Filled => r#""patchType":"JSONPatch""#,
        }
    }

    const fn namespace(self) -> &'static str {
        match self {
            Self::Denied => "openshift-cnv",
            _ => "demo",
        }
    }

    /// Its virtual machine, as a user writes it.
    pub(crate) fn machine(self) -> Value {
        let source_ref = match self {
            Self::NotMatched => None,
            Self::Filled => Some(json!({"kind": "DataSource", "name": "rhel9"})),
            Self::Allowed | Self::Denied => {
                Some(json!({"kind": "DataSource", "name": "rhel9", "namespace": "gold-images"}))
            }
        };
        machine(self.namespace(), source_ref.as_ref())
    }

    /// The body of its review.
    pub(crate) fn review(self) -> Vec<u8> {
        review(self.namespace(), &self.machine())
    }
}

/// A virtual machine as a user writes it: two disks, two networks, cloud-init, probes and placement.
pub(crate) fn machine(namespace: &str, source_ref: Option<&Value>) -> Value {
    let mut root = json!({
        "metadata": {"name": "web-07-root"},
        "spec": {"storage": {
            "accessModes": ["ReadWriteMany"],
            "resources": {"requests": {"storage": "40Gi"}},
            "volumeMode": "Block",
        }},
    });
    let source = match source_ref {
        Some(source_ref) => ("sourceRef", source_ref.clone()),
        None => (
            "source",
            json!({"registry": {"url": "docker://registry.example.com/team/web:7"}}),
        ),
    };
    if let Some(spec) = root.get_mut("spec").and_then(Value::as_object_mut) {
        spec.insert(source.0.to_owned(), source.1);
    }
    json!({
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachine",
        "metadata": {
            "name": "web-07",
            "namespace": namespace,
            "labels": {
                "app.kubernetes.io/name": "web",
                "app.kubernetes.io/part-of": "shop",
                "app.kubernetes.io/managed-by": "gitops",
                "vm.example.com/os": "rhel9",
                "vm.example.com/tier": "front",
            },
            "annotations": {
                "vm.example.com/owner": "team-shop@example.com",
                "vm.example.com/ticket": "CHG-0047119",
            },
        },
        "spec": {
            "runStrategy": "RerunOnFailure",
            "dataVolumeTemplates": [
                root,
                {
                    "metadata": {"name": "web-07-data"},
                    "spec": {
                        "source": {"blank": {}},
                        "storage": {"resources": {"requests": {"storage": "100Gi"}}, "storageClassName": "fast"},
                    },
                },
            ],
            "template": {
                "metadata": {
                    "labels": {"app.kubernetes.io/name": "web", "kubevirt.io/domain": "web-07", "network.example.com/zone": "dmz"},
                    "annotations": {"vm.example.com/flavor": "medium", "vm.example.com/workload": "server"},
                },
                "spec": {
                    "architecture": "amd64",
                    "evictionStrategy": "LiveMigrate",
                    "terminationGracePeriodSeconds": 180,
                    "domain": {
                        "cpu": {"cores": 2, "sockets": 2, "threads": 1, "model": "host-model"},
                        "memory": {"guest": "8Gi"},
                        "machine": {"type": "pc-q35-rhel9.4.0"},
                        "firmware": {"bootloader": {"efi": {"secureBoot": true}}},
                        "features": {"acpi": {}, "smm": {"enabled": true}},
                        "resources": {"requests": {"cpu": "2", "memory": "8Gi"}, "limits": {"memory": "9Gi"}},
                        "devices": {
                            "disks": [
                                {"name": "root", "bootOrder": 1, "disk": {"bus": "virtio"}},
                                {"name": "data", "disk": {"bus": "virtio"}, "serial": "web07data"},
                                {"name": "cloudinit", "disk": {"bus": "virtio"}},
                            ],
                            "interfaces": [
                                {"name": "default", "masquerade": {}, "model": "virtio", "ports": [{"name": "https", "port": 443, "protocol": "TCP"}, {"name": "ssh", "port": 22, "protocol": "TCP"}]},
                                {"name": "backend", "bridge": {}, "model": "virtio", "macAddress": "02:00:00:47:11:07"},
                            ],
                            "networkInterfaceMultiqueue": true,
                            "rng": {},
                        },
                    },
                    "networks": [
                        {"name": "default", "pod": {}},
                        {"name": "backend", "multus": {"networkName": "shop/backend-vlan-471"}},
                    ],
                    "nodeSelector": {"node.example.com/virt": "true"},
                    "tolerations": [{"key": "node.example.com/virt", "operator": "Exists", "effect": "NoSchedule"}],
                    "readinessProbe": {"tcpSocket": {"port": 443}, "initialDelaySeconds": 60, "periodSeconds": 10, "failureThreshold": 6},
                    "volumes": [
                        {"name": "root", "dataVolume": {"name": "web-07-root"}},
                        {"name": "data", "dataVolume": {"name": "web-07-data"}},
                        {"name": "cloudinit", "cloudInitNoCloud": {"userData": "#cloud-config\nuser: cloud-user\nssh_authorized_keys:\n  - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAMPLE web\npackages:\n  - nginx\nruncmd:\n  - [systemctl, enable, --now, nginx]\n"}},
                    ],
                },
            },
        },
    })
}

/// The review of a CREATE by `kubectl apply`: last-applied annotation and managed fields, keys in the order of the API
/// server.
pub(crate) fn review(namespace: &str, machine: &Value) -> Vec<u8> {
    let applied = machine.to_string() + "\n";
    let mut object = machine.clone();
    let fields = managed(machine);
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        if let Some(annotations) = metadata
            .get_mut("annotations")
            .and_then(Value::as_object_mut)
        {
            annotations.insert(
                "kubectl.kubernetes.io/last-applied-configuration".to_owned(),
                Value::String(applied),
            );
        }
        metadata.insert(
            "creationTimestamp".to_owned(),
            json!("2026-03-02T09:14:07Z"),
        );
        metadata.insert("generation".to_owned(), json!(1));
        metadata.insert(
            "uid".to_owned(),
            json!("5e1f2f0a-7a50-4b52-8f43-2f0c9d4b7a11"),
        );
        metadata.insert(
            "managedFields".to_owned(),
            json!([{
                "apiVersion": "kubevirt.io/v1",
                "fieldsType": "FieldsV1",
                "fieldsV1": fields,
                "manager": "kubectl-client-side-apply",
                "operation": "Update",
                "time": "2026-03-02T09:14:07Z",
            }]),
        );
    }
    let kind = r#"{"group":"kubevirt.io","version":"v1","kind":"VirtualMachine"}"#;
    let resource = r#"{"group":"kubevirt.io","version":"v1","resource":"virtualmachines"}"#;
    let user = r#"{"username":"alice","uid":"1b7a4f1e-5a0e-4f2b-9c43-0d6f2f9b8c11","groups":["shop-admins","system:authenticated:oauth","system:authenticated"],"extra":{"scopes.authorization.openshift.io":["user:full"]}}"#;
    let options = r#"{"kind":"CreateOptions","apiVersion":"meta.k8s.io/v1","fieldManager":"kubectl-client-side-apply","fieldValidation":"Strict"}"#;
    format!(
        r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{{"uid":"9a1c3b5d-4711-4c0a-8b59-6d2f7e8a9b01","kind":{kind},"resource":{resource},"requestKind":{kind},"requestResource":{resource},"name":"web-07","namespace":"{namespace}","operation":"CREATE","userInfo":{user},"object":{object},"oldObject":null,"dryRun":false,"options":{options}}}}}"#,
    )
    .into_bytes()
}

/// The fields of a value as `managedFields` lists them, three levels deep as for a kind whose lists are atomic.
fn managed(value: &Value) -> Value {
    fn walk(value: &Value, depth: usize) -> Value {
        let mut fields = serde_json::Map::new();
        if let (Value::Object(entries), true) = (value, depth > 0) {
            for (key, value) in entries {
                fields.insert(format!("f:{key}"), walk(value, depth - 1));
            }
        }
        Value::Object(fields)
    }
    let part = |name: &str| value.get(name).map_or(Value::Null, |value| walk(value, 6));
    json!({
        "f:metadata": {
            "f:annotations": {
                ".": {},
                "f:kubectl.kubernetes.io/last-applied-configuration": {},
                "f:vm.example.com/owner": {},
                "f:vm.example.com/ticket": {},
            },
            "f:labels": {".": {}, "f:app.kubernetes.io/name": {}, "f:app.kubernetes.io/part-of": {}},
        },
        "f:spec": part("spec"),
    })
}

/// A cluster with golden images, written as `kubectl get -o yaml` prints it: this many `DataSources`, spread over this
/// many namespaces, besides the few that the reviews are judged by.
pub(crate) fn cluster(data_sources: usize, namespaces: usize) -> String {
    let mut text = String::from(
        "apiVersion: v1
kind: List
items:
- apiVersion: hco.kubevirt.io/v1
  kind: HyperConverged
  metadata:
    name: kubevirt-hyperconverged
    namespace: openshift-cnv
  spec:
    workloadSources:
      commonBootImageNamespace: gold-images
  status:
    dataImportCronTemplates:
    - metadata:
        name: rhel9-image-cron
        namespace: gold-images
      spec:
        managedDataSource: rhel9
      status:
        commonTemplate: true
",
    );
    let named = ["demo", "gold-images", "openshift-cnv"];
    for name in named {
        text.push_str(&namespace(name));
    }
    text.push_str(&data_source("gold-images", "rhel9"));
    for number in 0..namespaces.saturating_sub(named.len()) {
        text.push_str(&namespace(&format!("team-{number:05}")));
    }
    for number in 0..data_sources.saturating_sub(1) {
        let namespace = number % namespaces.max(1);
        text.push_str(&data_source(
            &format!("team-{namespace:05}"),
            &format!("image-{number:05}"),
        ));
    }
    text
}

fn namespace(name: &str) -> String {
    format!(
        "- apiVersion: v1
  kind: Namespace
  metadata:
    annotations:
      openshift.io/requester: alice
      openshift.io/sa.scc.uid-range: 1000680000/10000
    creationTimestamp: \"2026-01-07T08:00:00Z\"
    labels:
      kubernetes.io/metadata.name: {name}
      pod-security.kubernetes.io/enforce: restricted
      team: shop
    name: {name}
    resourceVersion: \"4711\"
    uid: 0c6f3c1e-58a1-4a5c-9c1b-0f52b5a3d7e9
  spec:
    finalizers:
    - kubernetes
  status:
    phase: Active
"
    )
}

fn data_source(namespace: &str, name: &str) -> String {
    let mut text = format!(
        "- apiVersion: cdi.kubevirt.io/v1beta1
  kind: DataSource
  metadata:
    creationTimestamp: \"2026-01-07T08:00:00Z\"
    generation: 4
    labels:
      cdi.kubevirt.io/dataImportCron: {name}-cron
    name: {name}
    namespace: {namespace}
    resourceVersion: \"4712\"
    uid: 77c1d8a2-3b43-4a0d-8f0d-6f3a1d2b4c5e
"
    );
    for part in ["spec", "status"] {
        let _ = write!(
            text,
            "  {part}:
    source:
      pvc:
        name: {name}-1f0c6d2a9b31
        namespace: {namespace}
"
        );
    }
    text.push_str(
        "    conditions:
    - lastHeartbeatTime: \"2026-03-01T02:00:07Z\"
      lastTransitionTime: \"2026-03-01T02:00:07Z\"
      message: DataSource is ready to be consumed
      reason: Ready
      status: \"True\"
      type: Ready
    - lastHeartbeatTime: \"2026-03-01T02:00:07Z\"
      lastTransitionTime: \"2026-03-01T02:00:07Z\"
      status: \"True\"
      type: Running
",
    );
    text
}
