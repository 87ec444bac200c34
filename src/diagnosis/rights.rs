//! Whether users can clone from the golden namespaces: `create datavolumes/source` (`authorize_utils.go` in
//! kubevirt/containerized-data-importer). The platform grants it in its own namespace only.

use crate::cluster::{Access, Known, Someone};

use super::evidence::{Evidence, UNASKED};
use super::line::{Line, Lines};

const TOPIC: &str = "rights";

/// Whether everybody who is logged in may clone from a namespace.
pub fn question(namespace: &str) -> Access {
    Access::clone_from(Someone::anybody(), namespace, "")
}

pub(super) fn check(evidence: &Evidence<'_>) -> Lines {
    evidence.live(TOPIC)?;
    let mut lines = Vec::new();
    let mut fine = Vec::new();
    for (namespace, allowed) in &evidence.cloners {
        match allowed {
            Known::Known(true) => fine.push(&**namespace),
            Known::Known(false) => {
                let sentence = format!(
                    "users cannot clone from {namespace}: no RoleBinding gives all of them datavolumes/source create"
                );
                lines.push(Line::warning(TOPIC, sentence).cure(format!(
                    "kubectl create rolebinding os-images-view -n {namespace} --clusterrole=cdi.kubevirt.io:clone-sourcer --group=system:authenticated"
                )));
            }
            Known::Unknown => {
                return Err(vec![Line::skipped(TOPIC, UNASKED)]);
            }
        }
    }
    if evidence.cloners.is_empty() {
        lines.push(Line::skipped(TOPIC, "no golden namespace is known"));
    } else if lines.is_empty() {
        lines.push(Line::ok(
            TOPIC,
            format!("users can clone from {}", fine.join(" and ")),
        ));
    }
    Ok(lines)
}
