//! Who may do what: the questions that a `SubjectAccessReview` answers.

/// Somebody, as the API server knows people and service accounts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Someone {
    /// User name.
    pub user: String,
    /// Groups, in the order in which the API server lists them.
    pub groups: Vec<String>,
}

impl Someone {
    /// A service account, with the groups that it always has (`serviceaccount.UserInfo` in k8s.io/apiserver; the same
    /// three that CDI asks with, `authorize_utils.go` in kubevirt/containerized-data-importer).
    pub fn service_account(namespace: &str, name: &str) -> Self {
        Self {
            user: format!("system:serviceaccount:{namespace}:{name}"),
            groups: vec![
                "system:serviceaccounts".to_owned(),
                format!("system:serviceaccounts:{namespace}"),
                "system:authenticated".to_owned(),
            ],
        }
    }

    /// Somebody who is logged in, of whom nothing else is known.
    pub fn anybody() -> Self {
        Self {
            user: String::new(),
            groups: vec!["system:authenticated".to_owned()],
        }
    }
}

/// One thing that somebody wants to do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Access {
    /// Who.
    pub who: Someone,
    /// `get`, `create`, …
    pub verb: &'static str,
    /// API group of the resource, `""` for the core group.
    pub group: &'static str,
    /// Plural name of the resource.
    pub resource: &'static str,
    /// Its subresource, `""` for the object itself.
    pub subresource: &'static str,
    /// The namespace; `""` is a wish for all namespaces, which is never what a rule means.
    pub namespace: String,
    /// The object, `""` for all of them.
    pub name: String,
}

impl Access {
    /// Whether somebody may clone from a source of this name (`""` means all of them) in a namespace: what CDI asks first
    /// (`authorize_utils.go` in kubevirt/containerized-data-importer).
    pub fn clone_from(who: Someone, namespace: &str, name: &str) -> Self {
        Self {
            who,
            verb: "create",
            group: "cdi.kubevirt.io",
            resource: "datavolumes",
            subresource: "source",
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }
}
