//! What is collected before anything is judged.

use jiff::Timestamp;
use serde_json::Value;

use crate::cluster::{Access, ClusterView, Known};
use crate::policy::PolicySet;

use super::Line;

/// What was read, or in one line why it could not be.
pub type Told<T> = Result<T, String>;

/// What the view does not hold, read once from a live cluster.
#[derive(Clone, Debug)]
pub struct Live {
    /// The namespace of goldkeeper.
    pub namespace: String,
    /// The version of the API server, as in `v1.33.1`.
    pub kubernetes: Told<String>,
    /// The versions in which `hco.kubevirt.io` is served; none where it is not.
    pub hyper_converged_versions: Told<Vec<String>>,
    /// Every `MutatingWebhookConfiguration`.
    pub mutating: Told<Vec<Value>>,
    /// Every `ValidatingWebhookConfiguration`.
    pub validating: Told<Vec<Value>>,
    /// The pods of goldkeeper that are not about to go.
    pub pods: Told<Vec<Pod>>,
    /// The policy files of the ConfigMap, name and text, sorted by name; `None` if there is no such ConfigMap.
    pub policies: Told<Option<Vec<(String, String)>>>,
    /// Every `HyperConverged`, whole.
    pub hyper_converged: Told<Vec<Value>>,
    /// `apiservers.config.openshift.io/cluster`; `None` where there is none.
    pub api_server: Told<Option<Value>>,
    /// The first virtual machines.
    pub machines: Told<Machines>,
}

/// Some virtual machines.
#[derive(Clone, Debug, Default)]
pub struct Machines {
    /// The objects, whole.
    pub objects: Vec<Value>,
    /// Whether there are more that were not read.
    pub more: bool,
}

/// A pod of goldkeeper.
#[derive(Clone, Debug)]
pub struct Pod {
    /// Its name.
    pub name: String,
    /// Its service account.
    pub account: String,
    /// What its `/readyz?verbose` says.
    pub said: Told<String>,
}

/// The certificate that a pod serves.
#[derive(Clone, Debug)]
pub struct Served {
    /// Name of the pod.
    pub pod: String,
    /// When it ends.
    pub expires: Timestamp,
    /// Who signed it.
    pub issuer: String,
}

/// Whether the API server trusts what a pod serves when it calls a webhook.
#[derive(Clone, Debug)]
pub struct Trust {
    /// Name of the webhook.
    pub webhook: String,
    /// Name of the pod.
    pub pod: String,
    /// Why not, if it does not.
    pub outcome: Told<()>,
}

/// Everything that is judged.
#[derive(Debug)]
pub struct Evidence<'e> {
    /// What is known of the cluster.
    pub view: &'e ClusterView,
    /// The policies that should be in force: of a folder, or of the ConfigMap; or why there are none to compare with.
    pub policies: Told<&'e PolicySet>,
    /// The time to judge by.
    pub now: Timestamp,
    /// What was read from the live cluster; `None` if the cluster comes from files.
    pub live: Option<&'e Live>,
    /// The certificate of each pod that tells it; why it can't be read otherwise.
    pub certificates: Vec<Told<Served>>,
    /// For each webhook and pod whether they fit.
    pub trust: Vec<Trust>,
    /// What goldkeeper's service account may do.
    pub account: Vec<(Access, Known<bool>)>,
    /// Golden namespaces, and whether everybody may clone from them.
    pub cloners: Vec<(String, Known<bool>)>,
}

impl<'e> Evidence<'e> {
    /// What was read live, or the line that says that this check needs it.
    pub(super) fn live(&self, topic: &'static str) -> Result<&'e Live, Vec<Line>> {
        let reason = "it needs a live cluster, and this one comes from files";
        self.live.ok_or_else(|| vec![Line::skipped(topic, reason)])
    }
}

/// Why a question about rights has no answer.
pub(super) const UNASKED: &str = "the API server did not answer; it takes the right to create \
    subjectaccessreviews.authorization.k8s.io";

/// What was read, or the line that says why it was not.
pub(super) fn told<'t, T>(told: &'t Told<T>, topic: &'static str) -> Result<&'t T, Vec<Line>> {
    told.as_ref()
        .map_err(|reason| vec![Line::skipped(topic, reason)])
}

/// Where an object says what was given to `kubectl apply`.
pub(super) const LAST_APPLIED: &str =
    "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration";

/// A text field of an object.
pub(super) fn text<'o>(object: &'o Value, pointer: &str) -> &'o str {
    let found = object.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_default()
}

/// The items of a list in an object.
pub(super) fn items<'o>(object: &'o Value, pointer: &str) -> &'o [Value] {
    let found = object.pointer(pointer).and_then(Value::as_array);
    found.map_or(&[], Vec::as_slice)
}
