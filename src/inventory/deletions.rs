//! What may be deleted so that it is imported again, in a safe order.
//!
//! Only what a live `DataImportCron` imports again is ever to be deleted: what was uploaded never comes back. Older
//! imports are kept on purpose, for a way back, and no cron imports them again: their deletion is for people to choose.

use crate::cluster::{BootSource, Comeback, Cron, Known, SourceObject, SourceVolume};

use super::{Census, Gap, Spot};

/// Whether a deletion is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is: the cron of this name imports the image again.
    Safe,
    /// Not yet: so many clones of it are under way.
    InUse(u64),
    /// Not before somebody has looked whether clones are under way, and why that is not known.
    Unseen(String),
    /// By choice: an older import, kept on purpose; so many are to be kept.
    Older(Option<u32>),
    /// By choice: the cron knows no digest yet, and imports again at best when it next looks for an image.
    NoDigest,
}

/// Objects that are deleted together.
#[derive(Clone, Debug)]
pub struct Deletion<'v> {
    /// The boot source they belong to.
    pub source: BootSource<'v>,
    /// The cron that imports it.
    pub cron: Cron<'v>,
    /// The import.
    pub volume: SourceVolume<'v>,
    /// Whether the deletion is to be made.
    pub reason: Reason,
}

impl Deletion<'_> {
    /// The resources, in the order of deletion: CDI would make a claim anew as long as its `DataVolume` is there. All of
    /// an import have its name.
    pub const fn resources(&self) -> &'static [&'static str] {
        match self.volume.object {
            SourceObject::VolumeSnapshot => {
                &["datavolume", "volumesnapshot", "persistentvolumeclaim"]
            }
            _ => &["datavolume", "persistentvolumeclaim"],
        }
    }
}

/// The deletions for stale boot sources and what they have left behind: older imports first, and the one in use last.
/// `gaps` are the kinds that could not be counted.
pub fn deletions<'v>(census: &Census<'v>, spots: &[Spot<'v>], gaps: &[Gap]) -> Vec<Deletion<'v>> {
    let unseen = gaps
        .iter()
        .find(|gap| matches!(gap.kind, "DataVolume" | "VolumeCloneSource"));
    let mut deletions = Vec::new();
    for spot in spots.iter().filter(|spot| spot.source.pointer.is_none()) {
        let Known::Known(Some(cron)) = spot.source.cron else {
            continue;
        };
        let in_use = |volume: &SourceVolume<'_>, reason| match (
            census.clones_of(volume.namespace, volume.name),
            unseen,
        ) {
            (0, None) => reason,
            (0, Some(gap)) => Reason::Unseen(format!("{}: {}", gap.kind, gap.reason)),
            (clones, _) => Reason::InUse(clones),
        };
        for volume in &spot.left_behind {
            deletions.push(Deletion {
                source: spot.source,
                cron,
                volume: *volume,
                reason: in_use(volume, Reason::Older(cron.fact.imports_to_keep)),
            });
        }
        let reason = match spot.comeback {
            Some(Comeback::TooOld | Comeback::Adopted) => Reason::Safe,
            Some(Comeback::NoDigest) => Reason::NoDigest,
            Some(Comeback::ByItself | Comeback::Uploaded | Comeback::Unknown) | None => continue,
        };
        if let Known::Known(Some(volume)) = spot.source.volume {
            deletions.push(Deletion {
                source: spot.source,
                cron,
                volume,
                reason: in_use(&volume, reason),
            });
        }
    }
    deletions
}

#[cfg(test)]
mod tests {
    use super::super::Shelf;
    use super::*;
    use crate::cluster::{Builder, ClusterView};
    use serde_json::{Value, json};
    use std::sync::Arc;

    const PLACE: &str = "kubevirt-os-images";

    /// A cluster whose default is `new`, with an image on `old` whose cron has these annotations.
    fn view(cdi: &str, annotations: &Value) -> Arc<ClusterView> {
        let api = "cdi.kubevirt.io/v1beta1";
        let class = |name: &str, default: &str| {
            json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": name,
                "metadata": {"name": name, "annotations": {"storageclass.kubernetes.io/is-default-class": default}}})
        };
        let labels = json!({"cdi.kubevirt.io/dataImportCron": "cron"});
        let claim = |name: &str, created: &str| {
            json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "spec": {"storageClassName": "old"},
                "metadata": {"name": name, "namespace": PLACE, "labels": labels, "creationTimestamp": created}})
        };
        let mut builder = Builder::complete();
        builder.fold(&json!({"items": [
            class("old", "false"), class("new", "true"),
            {"apiVersion": api, "kind": "CDI", "metadata": {"name": "cdi"}, "status": {"observedVersion": cdi}},
            {"apiVersion": api, "kind": "DataSource", "metadata": {"name": "fedora", "namespace": PLACE, "labels": labels},
                "spec": {"source": {"pvc": {"name": "fedora-333333333333", "namespace": PLACE}}}},
            {"apiVersion": api, "kind": "DataImportCron",
                "metadata": {"name": "cron", "namespace": PLACE, "annotations": annotations},
                "spec": {"managedDataSource": "fedora", "importsToKeep": 2}},
            claim("fedora-333333333333", "2026-03-01T00:00:00Z"),
            claim("fedora-222222222222", "2026-02-01T00:00:00Z"),
            claim("fedora-111111111111", "2026-01-01T00:00:00Z"),
        ]}));
        builder.build()
    }

    fn told(view: &ClusterView, objects: &[Value], gaps: &[Gap]) -> Vec<(String, Reason)> {
        let mut census = Census::new(view);
        for object in objects {
            census.add(object);
        }
        let shelf = Shelf::of(view, &census);
        let deletions = deletions(&census, &shelf.spots, gaps).into_iter();
        deletions
            .map(|it| (it.volume.name.to_owned(), it.reason))
            .collect()
    }

    #[test]
    fn older_imports_go_first_and_by_choice_and_the_one_in_use_last() {
        let digest = json!({"cdi.kubevirt.io/storage.import.sourceDesiredDigest": "sha256:3333333333333333"});
        let found = told(&view("v1.60.2", &digest), &[], &[]);
        let expected = [
            ("fedora-111111111111".to_owned(), Reason::Older(Some(2))),
            ("fedora-222222222222".to_owned(), Reason::Older(Some(2))),
            ("fedora-333333333333".to_owned(), Reason::Safe),
        ];
        assert_eq!(found, expected);
        let without_digest = told(&view("v1.60.2", &json!({})), &[], &[]);
        assert_eq!(without_digest[2].1, Reason::NoDigest);
    }

    #[test]
    fn what_cdi_does_by_itself_is_left_to_it() {
        let noted = json!({"cdi.kubevirt.io/storage.import.sourceDesiredDigest": "sha256:3333333333333333",
            "cdi.kubevirt.io/storage.import.storageClass": "old"});
        let found = told(&view("v1.66.0", &noted), &[], &[]);
        assert_eq!(found.len(), 2, "only the older imports: {found:?}");
    }

    #[test]
    fn a_clone_under_way_holds_a_deletion_up_and_so_does_not_knowing() {
        let digest = json!({"cdi.kubevirt.io/storage.import.sourceDesiredDigest": "sha256:3333333333333333"});
        let view = view("v1.60.2", &digest);
        let source = json!({"apiVersion": "cdi.kubevirt.io/v1beta1", "kind": "VolumeCloneSource",
            "metadata": {"name": "x", "namespace": PLACE},
            "spec": {"source": {"kind": "PersistentVolumeClaim", "name": "fedora-333333333333"}}});
        let volume = |phase: &str, namespace: &str| {
            json!({"apiVersion": "cdi.kubevirt.io/v1beta1", "kind": "DataVolume", "status": {"phase": phase},
                "metadata": {"name": "x", "namespace": "demo"},
                "spec": {"sourceRef": {"kind": "DataSource", "name": "fedora", "namespace": namespace}}})
        };
        let busy = [
            source,
            volume("CSICloneInProgress", PLACE),
            volume("Succeeded", PLACE),
            volume("Pending", "demo"),
        ];
        assert_eq!(told(&view, &busy, &[])[2].1, Reason::InUse(2));
        let gap = Gap {
            kind: "DataVolume",
            reason: "403".to_owned(),
        };
        assert_eq!(
            told(&view, &[], &[gap])[2].1,
            Reason::Unseen("DataVolume: 403".to_owned())
        );
    }
}
