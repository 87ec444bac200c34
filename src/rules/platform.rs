//! Who the platform is: its controllers act on behalf of objects that were judged already, and can't read a warning.

use crate::admission::UserInfo;
use crate::document::{Decoder, Field, Fields, Shape};

/// The parameter that says where the platform is installed.
const PLATFORM_NAMESPACES: &str = "platformNamespaces";
/// The same in the table of a rule's parameters.
pub(super) const PLATFORM_FIELD: Field =
    Field::optional(PLATFORM_NAMESPACES, Shape::List(0, &Shape::Text))
        .default("[\"openshift-cnv\"]")
        .example("[\"kubevirt\"]");
/// Where Red Hat's build installs all of it.
const DEFAULT: &str = "openshift-cnv";

/// The service account of virt-controller (`pkg/virt-operator/resource/generate/rbac/serviceaccountnames.go`).
pub(super) const CONTROLLER: &str = "kubevirt-controller";

/// Service accounts of `KubeVirt` (the same file), of CDI (`pkg/common/common.go` and `pkg/operator/resources` in
/// kubevirt/containerized-data-importer), of SSP and of the HyperConverged operator. `virt-template-apiserver` is none:
/// it makes what its user asks for.
const COMPONENTS: &[&str] = &[
    CONTROLLER,
    "kubevirt-apiserver",
    "kubevirt-handler",
    "kubevirt-operator",
    "kubevirt-exportproxy",
    "kubevirt-synchronization-controller",
    "cdi-sa",
    "cdi-apiserver",
    "cdi-cronjob",
    "cdi-operator",
    "ssp-operator",
    "hyperconverged-cluster-operator",
];

/// The platform, as far as a policy says where it is.
///
/// Its service accounts are recognised by exact name in exactly these namespaces: anyone can give a service account any
/// name in a namespace of their own.
#[derive(Clone, Debug)]
pub(super) struct Platform {
    namespaces: Vec<String>,
}

impl Default for Platform {
    fn default() -> Self {
        Self {
            namespaces: vec![DEFAULT.to_owned()],
        }
    }
}

impl Platform {
    /// Reads the parameter; `None` if it has a fault (already reported).
    pub(super) fn decode(fields: &Fields<'_>, decoder: &mut Decoder) -> Option<Self> {
        let namespaces: Option<Vec<String>> = fields.optional(PLATFORM_NAMESPACES, decoder)?;
        Some(namespaces.map_or_else(Self::default, |namespaces| Self { namespaces }))
    }

    /// Whether the user is virt-controller.
    pub(super) fn is_controller(&self, user: &UserInfo<'_>) -> bool {
        self.component(user) == Some(CONTROLLER)
    }

    /// Whether the user is any of the platform's own service accounts.
    pub(super) fn is_component(&self, user: &UserInfo<'_>) -> bool {
        self.component(user)
            .is_some_and(|name| COMPONENTS.contains(&name))
    }

    /// The name of a service account in the platform's namespaces.
    fn component<'u>(&self, user: &'u UserInfo<'_>) -> Option<&'u str> {
        let account = user.service_account()?;
        let mut namespaces = self.namespaces.iter();
        let at_home = namespaces.any(|namespace| namespace == account.namespace);
        at_home.then_some(account.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> UserInfo<'_> {
        UserInfo {
            username: name.into(),
            groups: Vec::new(),
        }
    }

    #[test]
    fn the_platform_is_known_by_name_and_namespace_together() {
        let platform = Platform::default();
        let table = [
            ("system:serviceaccount:openshift-cnv:cdi-sa", true),
            (
                "system:serviceaccount:openshift-cnv:kubevirt-controller",
                true,
            ),
            ("system:serviceaccount:demo:cdi-sa", false),
            ("system:serviceaccount:openshift-cnv:default", false),
            (
                "system:serviceaccount:openshift-cnv:virt-template-apiserver",
                false,
            ),
            ("cdi-sa", false),
        ];
        for (name, expected) in table {
            assert_eq!(platform.is_component(&user(name)), expected, "{name}");
        }
        assert!(!platform.is_controller(&user("system:serviceaccount:openshift-cnv:cdi-sa")));
    }
}
