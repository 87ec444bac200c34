//! Who may see boot sources, and who may clone them: the questions that CDI itself asks (`authorize_utils.go` in
//! kubevirt/containerized-data-importer).

use crate::admission::UserInfo;
use crate::cluster::{Access, Facts, Kind, Known, Someone, SourceObject};

/// What gives the right to clone, as CDI ships it (`pkg/operator/resources/cluster/rbac.go`).
pub(super) const CLONE_SOURCER: &str = "cdi.kubevirt.io:clone-sourcer";

/// What gives the right to read `DataSources`, from the same place.
pub(super) const VIEW: &str = "cdi.kubevirt.io:view";

/// Whoever sent a request. What an authenticator says beyond name and groups (the scopes of an `OpenShift` token) is left
/// out: it only ever takes rights away, and CDI and the API server look at it themselves.
pub(super) fn requester(user: &UserInfo<'_>) -> Someone {
    let groups = user.groups.iter().filter_map(|group| group.get());
    Someone {
        user: user.username.or_empty().to_owned(),
        groups: groups.map(str::to_owned).collect(),
    }
}

/// Whether somebody may get the objects of a kind in a namespace. With a cluster from files all that they hold is there
/// to be seen; where the question can't be answered nothing is.
pub(super) fn sees(facts: &Facts<'_>, who: &Someone, kind: Kind, namespace: &str) -> bool {
    !facts.view().is_live() || may_get(facts, who, kind, namespace, "") == Known::Known(true)
}

/// Whether somebody may get an object (`""` means all of them). CDI asks so for a `DataSource` that another one points at.
pub(super) fn may_get(
    facts: &Facts<'_>,
    who: &Someone,
    kind: Kind,
    namespace: &str,
    name: &str,
) -> Known<bool> {
    let kind = kind.info();
    facts.allowed(Access {
        who: who.clone(),
        verb: "get",
        group: kind.group,
        resource: kind.plural,
        subresource: "",
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    })
}

/// Whether somebody may clone from a namespace into another: `create datavolumes/source` is enough for every source,
/// `create pods` for a PVC only. Each may be granted for one source by its name (`""` means all of them).
///
/// The second is asked only if the first is not granted: the usual machine costs one question.
pub(super) fn may_clone(
    facts: &Facts<'_>,
    who: &Someone,
    object: SourceObject,
    namespace: &str,
    name: &str,
) -> Known<bool> {
    match facts.allowed(Access::clone_from(who.clone(), namespace, name)) {
        Known::Known(false) if object == SourceObject::PersistentVolumeClaim => {
            facts.allowed(Access {
                group: "",
                resource: "pods",
                subresource: "",
                ..Access::clone_from(who.clone(), namespace, name)
            })
        }
        answer => answer,
    }
}
