//! What a test that failed has left behind is taken away, so that the next ones don't fail of it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Bench, Version, Webhooks};

/// What tests share or could stumble over: where the API has each kind, and its plural. Names of machines are each test's
/// own, but what is cloned and by whom counts.
const SHARED: [(&str, &str); 16] = [
    ("/api/v1", "configmaps"),
    ("/api/v1", "persistentvolumeclaims"),
    ("/api/v1", "pods"),
    ("/api/v1", "serviceaccounts"),
    (
        "/apis/admissionregistration.k8s.io/v1",
        "mutatingwebhookconfigurations",
    ),
    (
        "/apis/admissionregistration.k8s.io/v1",
        "validatingwebhookconfigurations",
    ),
    ("/apis/cdi.kubevirt.io/v1beta1", "cdis"),
    ("/apis/cdi.kubevirt.io/v1beta1", "dataimportcrons"),
    ("/apis/cdi.kubevirt.io/v1beta1", "datasources"),
    ("/apis/config.openshift.io/v1", "apiservers"),
    ("/apis/kubevirt.io/v1", "virtualmachines"),
    ("/apis/rbac.authorization.k8s.io/v1", "clusterrolebindings"),
    ("/apis/rbac.authorization.k8s.io/v1", "clusterroles"),
    ("/apis/rbac.authorization.k8s.io/v1", "rolebindings"),
    ("/apis/rbac.authorization.k8s.io/v1", "roles"),
    ("/apis/storage.k8s.io/v1", "storageclasses"),
];

/// The namespace that several tests install goldkeeper in.
const INSTALLED: &str = "/api/v1/namespaces/goldkeeper";

impl Bench {
    /// The paths of all objects of the kinds that tests share.
    pub(super) fn shared(&self) -> BTreeSet<String> {
        let mut paths = BTreeSet::new();
        for (root, plural) in SHARED {
            // A kind that nobody has installed has no items.
            let list = self.client.get(&format!("{root}/{plural}")).body;
            for object in list["items"].as_array().into_iter().flatten() {
                let metadata = &object["metadata"];
                let namespace = metadata["namespace"].as_str();
                let namespace = namespace.map(|name| format!("/namespaces/{name}"));
                let name = metadata["name"].as_str().unwrap();
                paths.insert(format!(
                    "{root}{}/{plural}/{name}",
                    namespace.unwrap_or_default()
                ));
            }
        }
        paths
    }

    /// Takes away what was not there when the bench was furnished, and puts back what was.
    pub(super) fn clear(&mut self) {
        self.mend();
        for path in self.shared().difference(&self.furnished) {
            let unheld = json!({"metadata": {"finalizers": null}});
            self.client.merge(path, &unheld);
            self.client.delete(&format!("{path}?gracePeriodSeconds=0"));
        }
        self.client.delete(INSTALLED);
        let mut namespace = self.client.get(INSTALLED).body;
        namespace["spec"] = json!({"finalizers": Value::Array(Vec::new())});
        let finalize = format!("{INSTALLED}/finalize");
        self.client.call("PUT", &finalize, Some(&namespace));
        self.put_cluster();
        self.install_hyper_converged(Version::V1);
        self.webhooks = Webhooks::None;
        self.disturbed = true;
    }
}
