//! What a change of the default storage class leaves behind.

use crate::admission::{AdmissionRequest, FieldPath, Object, Operation};
use crate::cluster::{
    BootSource, CdiVersion, ClusterView, Comeback, DefaultClasses, Expected, Facts, Kind, Known,
    SourceObject, StorageClass,
};

use super::super::{Finding, Undetermined};
use crate::rules::told::{advice, names};

/// Sorts after every time: a class that is being made is the newest.
const NOW: &str = "9999";

/// A change of one storage class.
struct Change<'a> {
    name: &'a str,
    before: Option<StorageClass>,
    after: Option<StorageClass>,
}

/// Judges a request that makes, changes or deletes a storage class.
pub(super) fn judge(request: &AdmissionRequest<'_>, facts: &Facts<'_>) -> Vec<Finding> {
    let Some(change) = Change::of(request).filter(Change::touches_a_default) else {
        return Vec::new();
    };
    let view = facts.view();
    let before = view.default_classes_with(change.name, change.before.as_ref());
    let after = view.default_classes_with(change.name, change.after.as_ref());
    let (Known::Known(before), Known::Known(after)) = (before, after) else {
        return vec![undetermined(facts, Kind::StorageClass)];
    };
    if let Some(kind) = unknown_kind(view) {
        return vec![undetermined(facts, kind)];
    }
    // The plain default alone counts for the few images whose template asks for a claim as it stands.
    let (was, is) = if before.virt == after.virt {
        (before.plain, after.plain)
    } else {
        (before.virt, after.virt)
    };
    let mut findings = match is {
        _ if was == is => Vec::new(),
        None => no_default(view, before, after).into_iter().collect(),
        Some(default) => Left::behind(view, default, after).tell(view, request.operation),
    };
    if before.virt == after.virt {
        findings.extend(change.has_no_effect(after));
    }
    findings
}

/// What has to be known of the cluster beyond the classes themselves.
fn unknown_kind(view: &ClusterView) -> Option<Kind> {
    let wanted = [
        Kind::HyperConverged,
        Kind::DataSource,
        Kind::DataImportCron,
        Kind::PersistentVolumeClaim,
    ];
    wanted
        .into_iter()
        .find(|kind| !view.coverage(*kind).is_known())
}

fn undetermined(facts: &Facts<'_>, kind: Kind) -> Finding {
    Finding::Undetermined(Undetermined {
        summary:
            "could not tell which boot sources a change of the default storage class leaves behind"
                .to_owned(),
        field: field(),
        reason: facts.unreadable(kind),
    })
}

fn field() -> FieldPath {
    FieldPath::of(&["metadata", "annotations"])
}

impl<'a> Change<'a> {
    fn of(request: &'a AdmissionRequest<'_>) -> Option<Self> {
        let object = request.object.get();
        if object.is_some_and(Object::is_being_deleted) {
            return None;
        }
        let old = request.old_object.get();
        let named = object.or(old)?.metadata.get()?;
        let before = old.map(|old| read(old, ""));
        let after = object.map(|object| read(object, NOW));
        let name = named.name.get().or_else(|| request.name.get())?;
        Some(match request.operation {
            Operation::Create => Self {
                name,
                before: None,
                after,
            },
            Operation::Delete => Self {
                name,
                before,
                after: None,
            },
            Operation::Update | Operation::Connect => Self {
                name,
                before,
                after,
            },
        })
    }

    /// Most changes of a storage class touch neither annotation.
    fn touches_a_default(&self) -> bool {
        flags(self.before.as_ref()) != flags(self.after.as_ref())
    }

    /// A class that is marked as a default by this very change, and is none all the same.
    fn has_no_effect(&self, defaults: DefaultClasses<'_>) -> Option<Finding> {
        let after = self.after.as_ref()?;
        let (virt, plain) = flags(self.before.as_ref());
        let marked = (after.virt_default && !virt) || (after.plain_default && !plain);
        let other = defaults
            .virt
            .filter(|other| marked && *other != self.name)?;
        let summary = format!(
            "{} is marked as a default storage class and {other} is still the one for virtual machine disks: of several \
             the newest counts and a default for virtualisation goes first",
            self.name
        );
        Some(advice(field(), self.name, summary))
    }
}

/// Whether a class is marked as a default for virtualisation, and as one of Kubernetes.
fn flags(class: Option<&StorageClass>) -> (bool, bool) {
    class.map_or((false, false), |class| {
        (class.virt_default, class.plain_default)
    })
}

/// What is to be known of a storage class in a request. `created` stands in where the object has no time.
fn read(object: &Object<'_>, created: &str) -> StorageClass {
    let annotations = object.annotations();
    let metadata = object.metadata.get();
    let time = metadata.and_then(|metadata| metadata.creation_timestamp.get());
    StorageClass {
        provisioner: object.provisioner.or_empty().into(),
        created: time.unwrap_or(created).into(),
        virt_default: annotations
            .is_some_and(|known| known.is_default_virt_class.get() == Some("true")),
        plain_default: annotations
            .is_some_and(|known| known.is_default_class.get() == Some("true")),
    }
}

/// Golden images, each once: an image for one architecture is counted, the name that points at it is not.
fn images(view: &ClusterView) -> Vec<BootSource<'_>> {
    let mut sources = view.boot_sources();
    sources.retain(|source| source.pointer.is_none());
    sources
}

/// Without a default nothing is on the wrong class. But CDI keeps imports as claims then, and deletes snapshots
/// (`getSourceFormat` in its `pkg/controller/dataimportcron-controller.go`).
fn no_default(
    view: &ClusterView,
    before: DefaultClasses<'_>,
    after: DefaultClasses<'_>,
) -> Option<Finding> {
    let images = images(view);
    if after.virt.is_some() {
        return None;
    }
    let lost: Vec<&str> = images
        .iter()
        .filter(|source| {
            let is_snapshot = source
                .volume
                .known()
                .flatten()
                .is_some_and(|volume| volume.object == SourceObject::VolumeSnapshot);
            let has_cron = matches!(source.cron, Known::Known(Some(_)));
            is_snapshot
                && has_cron
                && matches!(source.expected(Known::Known(before)), Expected::Default(_))
        })
        .map(|source| source.name)
        .collect();
    if images.is_empty() {
        return None;
    }
    let consequence = if lost.is_empty() {
        "boot images that name no class stay where they are and are not imported anew".to_owned()
    } else {
        format!(
            "CDI deletes boot sources that are snapshots: {}",
            names(&lost)
        )
    };
    let summary = format!("no storage class is the default any more: {consequence}");
    Some(advice(field(), "no default", summary))
}

fn refs(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

/// The boot sources that are on another class once the default is another.
struct Left<'v> {
    default: &'v str,
    total: usize,
    classes: Vec<String>,
    stale: Vec<(&'v str, Comeback)>,
    older: Vec<String>,
}

impl<'v> Left<'v> {
    fn behind(view: &'v ClusterView, default: &'v str, after: DefaultClasses<'v>) -> Self {
        let after = Known::Known(after);
        let mut left = Self {
            default,
            total: 0,
            classes: Vec::new(),
            stale: Vec::new(),
            older: Vec::new(),
        };
        for source in images(view) {
            let Known::Known(Some(volume)) = source.volume else {
                continue;
            };
            left.total += 1;
            let expected = source.expected(after);
            if expected != Expected::Default(default) {
                continue;
            }
            let older = source.older_imports().into_iter();
            left.older.extend(
                older
                    .filter_map(|volume| volume.class.name())
                    .filter(|class| *class != default)
                    .map(str::to_owned),
            );
            if source.standing(after).is_stale() {
                left.classes.push(volume.class.describe());
                left.stale.push((source.name, source.comeback(after)));
            }
        }
        for classes in [&mut left.classes, &mut left.older] {
            classes.sort_unstable();
            classes.dedup();
        }
        left
    }

    /// One sentence each for how many there are, what becomes of them, and what else stays.
    fn tell(&self, view: &ClusterView, operation: Operation) -> Vec<Finding> {
        let mut sentences = Vec::new();
        if !self.stale.is_empty() {
            let all: Vec<&str> = self.stale.iter().map(|(name, _)| *name).collect();
            sentences.push(format!(
                "{} of {} boot sources {} on {} while {} is now the default: {}",
                all.len(),
                self.total,
                if all.len() == 1 { "is" } else { "are" },
                names(&refs(&self.classes)),
                self.default,
                names(&all)
            ));
        }
        let version = view.cdi_version();
        sentences.extend(self.by_itself(version, operation));
        sentences.extend(self.by_hand(version));
        sentences.extend(self.unknown());
        sentences.extend(self.never());
        if !self.older.is_empty() {
            sentences.push(format!(
                "older imports stay on {}: goldkeeper boot-sources --stale lists them with what may be deleted",
                names(&refs(&self.older))
            ));
        }
        let told = sentences.into_iter();
        told.map(|sentence| advice(field(), format!("default {}", self.default), sentence))
            .collect()
    }

    fn of(&self, wanted: impl Fn(Comeback) -> bool) -> Option<String> {
        let found = self.stale.iter().filter(|(_, comeback)| wanted(*comeback));
        let found: Vec<&str> = found.map(|(name, _)| *name).collect();
        (!found.is_empty()).then(|| names(&found))
    }

    /// CDI sees at once only that the annotation of a class changes, not that a class comes or goes.
    fn by_itself(&self, version: Option<CdiVersion<'_>>, operation: Operation) -> Option<String> {
        let images = self.of(|comeback| comeback == Comeback::ByItself)?;
        let version = version.map_or_else(String::new, |version| format!(" {}", version.short()));
        let when = if operation == Operation::Update {
            ""
        } else {
            " when it next looks at them"
        };
        Some(format!(
            "CDI{version} imports {images} again by itself{when}"
        ))
    }

    fn by_hand(&self, version: Option<CdiVersion<'_>>) -> Option<String> {
        let images = self.of(Comeback::needs_a_hand)?;
        let version = version.map_or_else(String::new, |version| format!(" {}", version.short()));
        let (place, object) = pronouns(&images, "where they are", "where it is");
        Some(format!(
            "CDI{version} leaves {images} {place}: delete {object} by hand to have {object} imported again (goldkeeper \
             boot-sources --stale --delete-commands prints how)"
        ))
    }

    fn unknown(&self) -> Option<String> {
        let images = self.of(|comeback| comeback == Comeback::Unknown)?;
        let (place, _) = pronouns(&images, "where they are", "where it is");
        Some(format!(
            "whether CDI imports {images} again by itself is not known: goldkeeper boot-sources --stale shows {place}"
        ))
    }

    fn never(&self) -> Option<String> {
        let images = self.of(|comeback| comeback == Comeback::Uploaded)?;
        let (were, object) = pronouns(&images, "were", "was");
        Some(format!(
            "{images} {were} uploaded and no import brings {object} back: copy or upload {object} again on {}",
            self.default
        ))
    }
}

/// The right word for one or several images, and what stands for them.
fn pronouns(
    images: &str,
    several: &'static str,
    one: &'static str,
) -> (&'static str, &'static str) {
    if images.contains(" and ") {
        (several, "them")
    } else {
        (one, "it")
    }
}
