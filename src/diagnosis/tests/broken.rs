//! Ways in which an installation can be broken, each with the line that tells it.

use serde_json::{Value, json};

use super::{Expected, LAST_APPLIED, Site, class, hyper_converged, other, pod};
use crate::cluster::Known;
use crate::diagnosis::{Level, Machines};

/// What is told, and what was done.
pub(super) type Broken = (Expected, fn(&mut Site));

/// goldkeeper itself and how it is registered.
pub(super) const BROKEN_WEBHOOKS: &[Broken] = &[
    (
        (Level::Failed, "policies", "no pod of goldkeeper"),
        |site| {
            site.live.pods = Ok(Vec::new());
        },
    ),
    ((Level::Failed, "policies", "different policies"), |site| {
        site.live.pods.as_mut().unwrap()[1] = pod("b", "policies sha256:0\nok\n");
    }),
    ((Level::Failed, "policies", "pod b is not ready"), |site| {
        let said = format!("policies {}\nstopping\nnot ready\n", site.policies.digest());
        site.live.pods.as_mut().unwrap()[1] = pod("b", &said);
    }),
    (
        (Level::Failed, "policies", "pod b: policy files not loaded"),
        |site| {
            let said = format!(
                "policies {}\npolicy files not loaded, faults: 2; x\nok\n",
                site.policies.digest()
            );
            site.live.pods.as_mut().unwrap()[1] = pod("b", &said);
        },
    ),
    (
        (Level::Failed, "policies", "pod b does not answer: 502"),
        |site| {
            site.live.pods.as_mut().unwrap()[1].said = Err("502 x".to_owned());
        },
    ),
    ((Level::Skipped, "policies", "403 x"), |site| {
        site.live.pods.as_mut().unwrap()[1].said = Err("403 x".to_owned());
    }),
    (
        (
            Level::Failed,
            "order",
            "zz runs after cdi-api-datavolume-mutate and virt-api-mutator",
        ),
        |site| {
            site.mutating()[0]["metadata"]["name"] = json!("zz");
        },
    ),
    ((Level::Ok, "order", "; between them c-third"), |site| {
        site.mutating().push(other("c-third"));
    }),
    ((Level::Warning, "order", "neither"), |site| {
        site.mutating().truncate(1);
    }),
    (
        (Level::Failed, "certificate", "vouch for: unknown issuer"),
        |site| {
            site.trust = Err("unknown issuer".to_owned());
        },
    ),
    (
        (
            Level::Failed,
            "certificate",
            "protected-namespaces.goldkeeper.io has no caBundle",
        ),
        |site| {
            site.validating()[0]["clientConfig"]["caBundle"] = Value::Null;
        },
    ),
    (
        (Level::Warning, "certificate", "expires in 6 days"),
        |site| site.expires = "2026-12-01T00:00:00Z",
    ),
    (
        (Level::Failed, "certificate", "ended 24 days ago"),
        |site| site.expires = "2026-11-01T00:00:00Z",
    ),
    (
        (
            Level::Failed,
            "fail-open",
            "failurePolicy of protected-namespaces.goldkeeper.io is Ignore, shipped Fail",
        ),
        |site| {
            site.validating()[0]["failurePolicy"] = json!("Ignore");
        },
    ),
    (
        (
            Level::Warning,
            "fail-open",
            "timeoutSeconds of boot-source-namespace.goldkeeper.io is 30, shipped 2",
        ),
        |site| {
            site.mutating()[0]["webhooks"][0]["timeoutSeconds"] = json!(30);
        },
    ),
    (
        (Level::Failed, "delivery", "leaves out openshift-*"),
        |site| {
            let conditions = site.validating()[0]["matchConditions"]
                .as_array_mut()
                .unwrap();
            conditions[0]["expression"] = json!("request.namespace == \"openshift\"");
        },
    ),
];

/// What is around it.
pub(super) const BROKEN_CLUSTER: &[Broken] = &[
    (
        (
            Level::Failed,
            "account",
            "may not list hyperconvergeds.hco.kubevirt.io",
        ),
        |site| {
            site.account = Known::Known(false);
        },
    ),
    (
        (Level::Skipped, "account", "subjectaccessreviews"),
        |site| site.account = Known::Unknown,
    ),
    (
        (
            Level::Warning,
            "rights",
            "kubectl create rolebinding os-images-view -n openshift-virtualization-os-images",
        ),
        |site| {
            site.cloners = Known::Known(false);
        },
    ),
    (
        (
            Level::Failed,
            "golden",
            "-p '{\"spec\":{\"workloadSources\":{\"commonBootImageNamespace\":\"gold\"}}}'",
        ),
        |site| {
            let mut applied = hyper_converged(&json!({"commonBootImageNamespace": "gold"}));
            let text = applied.to_string();
            applied["spec"] = json!({});
            applied["metadata"]["annotations"] = json!({LAST_APPLIED: text});
            site.live.hyper_converged = Ok(vec![applied]);
        },
    ),
    (
        (Level::Warning, "golden", "there is no HyperConverged"),
        |site| {
            site.objects
                .retain(|object| object["kind"] != "HyperConverged");
        },
    ),
    (
        (
            Level::Warning,
            "sources",
            "rhel10 is not ready: NotFound: no PVC",
        ),
        |site| {
            site.objects.push(json!({"apiVersion": "cdi.kubevirt.io/v1beta1", "kind": "DataSource",
                "metadata": {"name": "rhel10", "namespace": "openshift-virtualization-os-images"},
                "spec": {"source": {"pvc": {"name": "x", "namespace": "openshift-virtualization-os-images"}}},
                "status": {"conditions": [{"type": "Ready", "status": "False", "reason": "NotFound", "message": "no PVC"}]}}));
            site.objects
                .push(json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
                "metadata": {"name": "x", "namespace": "openshift-virtualization-os-images"},
                "spec": {"storageClassName": "fast"}}));
        },
    ),
    (
        (
            Level::Warning,
            "storage",
            "2 plain default classes: fast, newer; CDI takes newer",
        ),
        |site| {
            site.objects.push(class(
                "newer",
                2,
                &json!({"storageclass.kubernetes.io/is-default-class": "true"}),
            ));
        },
    ),
    (
        (
            Level::Warning,
            "storage",
            "there is no default storage class",
        ),
        |site| {
            site.objects
                .retain(|object| object["kind"] != "StorageClass");
        },
    ),
    ((Level::Warning, "tls", "the profile is Old"), |site| {
        site.live.api_server = Ok(Some(
            json!({"spec": {"tlsSecurityProfile": {"type": "Old"}}}),
        ));
    }),
    (
        (
            Level::Warning,
            "versions",
            "CDI 1.60.2 leaves golden images behind",
        ),
        |site| {
            for object in site
                .objects
                .iter_mut()
                .filter(|object| object["kind"] == "CDI")
            {
                object["status"]["observedVersion"] = json!("v1.60.2");
            }
        },
    ),
    (
        (
            Level::Failed,
            "versions",
            "v1.27.3+k3s1 knows no matchConditions",
        ),
        |site| {
            site.live.kubernetes = Ok("v1.27.3+k3s1".to_owned());
        },
    ),
    (
        (
            Level::Warning,
            "managers",
            "1 of the first 2 virtual machines",
        ),
        |site| {
            site.live.machines = Ok(Machines {
                objects: vec![machine(true), machine(false)],
                more: true,
            });
        },
    ),
    ((Level::Skipped, "managers", "403"), |site| {
        site.live.machines = Err("403".to_owned());
    }),
];

/// A machine of Argo CD, in whose manifest the namespace is missing or not.
fn machine(missing: bool) -> Value {
    let of = |reference: Value| json!({"dataVolumeTemplates": [{"metadata": {"name": "root"}, "spec": {"sourceRef": reference}}]});
    let full = json!({"name": "rhel9", "namespace": "gold"});
    let applied = if missing {
        json!({"name": "rhel9"})
    } else {
        full.clone()
    };
    json!({"metadata": {"name": "vm", "namespace": "demo", "annotations": {
        "argocd.argoproj.io/tracking-id": "app:kubevirt.io/VirtualMachine:demo/vm",
        LAST_APPLIED: json!({"spec": of(applied)}).to_string()}}, "spec": of(full)})
}
