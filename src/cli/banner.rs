//! What `goldkeeper serve` prints at start: what it stands on.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;

use crate::cluster::{ClusterView, Coverage, Kind, Known};
use crate::policy::PolicySet;

/// The policies, one a line: name, kind, actions, file.
pub(super) fn policies(set: &PolicySet) -> String {
    let mut text = format!(
        "policies   {} in force, {}\n",
        set.policies().len(),
        set.digest()
    );
    let widest = |of: fn(&crate::policy::Policy) -> usize| {
        set.policies().iter().map(of).max().unwrap_or_default()
    };
    let name_width = widest(|policy| policy.name.len());
    let kind_width = widest(|policy| policy.rule.kind.len());
    for policy in set.policies() {
        let _ = writeln!(
            text,
            "           {:name_width$}  {:kind_width$}  {:9}  {}:{}",
            policy.name,
            policy.rule.kind,
            policy.describe_actions(),
            policy.file,
            policy.line
        );
    }
    text
}

/// The golden namespace of each image with where it was read, the default storage classes, and what is not known.
pub(super) fn cluster(view: &ClusterView, origin: &str) -> String {
    let count = |kind| view.count(kind);
    let mut text = format!(
        "cluster    {origin}: {} boot sources, {} storage classes, {} namespaces\n",
        count(Kind::DataSource),
        count(Kind::StorageClass),
        count(Kind::Namespace)
    );
    for kind in Kind::ALL {
        if let Coverage::Unknown(reason) = view.coverage(kind) {
            let _ = writeln!(
                text,
                "           {} is not known: {reason}",
                kind.info().kind
            );
        }
    }
    text.push_str(&golden(view));
    text.push_str(&classes(view));
    text
}

fn golden(view: &ClusterView) -> String {
    let mut places: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for name in view.golden_names(None) {
        if let Known::Known(Some(image)) = view.golden_image(&name, None) {
            let place = (image.namespace.name, image.namespace.origin.describe());
            places.entry(place).or_default().push(name);
        }
    }
    let mut text = String::new();
    if let Known::Known(golden) = view.golden_namespace(None) {
        let place = (golden.name, golden.origin.describe());
        let images = places.remove(&place).unwrap_or_default();
        let images = if images.is_empty() {
            "no image yet".to_owned()
        } else {
            images.join(", ")
        };
        let _ = writeln!(
            text,
            "golden     {}: {images}\n           from {}",
            place.0, place.1
        );
    } else {
        text.push_str("golden     not known: the HyperConverged can't be read\n");
    }
    for ((namespace, origin), images) in places {
        let _ = writeln!(
            text,
            "           {namespace}: {}\n           from {origin}",
            images.join(", ")
        );
    }
    text
}

fn classes(view: &ClusterView) -> String {
    let name = |class: Option<&str>| class.unwrap_or("none").to_owned();
    match view.default_classes() {
        Known::Known(classes) if classes.virt == classes.plain => {
            format!("storage    default class {}\n", name(classes.plain))
        }
        Known::Known(classes) => format!(
            "storage    default class {} for virtual machine disks, {} for everything else\n",
            name(classes.virt),
            name(classes.plain)
        ),
        Known::Unknown => "storage    default class not known\n".to_owned(),
    }
}

/// Commands to try, for the example reviews that are there.
pub(super) fn examples(address: SocketAddr) -> String {
    let reviews = [
        (
            "validate",
            "examples/reviews/vm-in-openshift.json",
            "refused",
        ),
        (
            "mutate",
            "examples/reviews/vm-without-namespace.json",
            "filled in",
        ),
    ];
    let mut text = String::new();
    for (path, file, outcome) in reviews {
        if Path::new(file).is_file() {
            let _ = writeln!(
                text,
                "try        curl -sk https://{address}/{path} -H 'content-type: application/json' -d @{file}  # {outcome}"
            );
        }
    }
    text
}
