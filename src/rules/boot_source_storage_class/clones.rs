//! Disks that are cloned from a boot source.

use std::fmt::Display;

use crate::admission::{FieldPath, NamespacedName, Object, Source, SourceRef, VolumeRequest};
use crate::cluster::{
    BootSource, ClaimField, CloneCost, Comeback, CopyReason, Expected, Fact, Facts, Kind, Known,
    SourceClass, SourceObject, SourceVolume, VolumeMode, VolumeName,
};

use super::super::{Detail, Finding, Subject, Undetermined, Violation};
use crate::rules::told::detail;

/// Judges every disk that an object asks for. Boot sources are golden namespaces' only: what else is cloned is the
/// user's own.
pub(super) fn judge(subject: &Subject<'_>, object: &Object<'_>, facts: &Facts<'_>) -> Vec<Finding> {
    VolumeRequest::unpopulated(subject.resource, object)
        .flat_map(|request| judge_disk(&request, subject, facts))
        .collect()
}

fn judge_disk(
    request: &VolumeRequest<'_>,
    subject: &Subject<'_>,
    facts: &Facts<'_>,
) -> Vec<Finding> {
    if let Some(reference) = request.source_ref {
        return by_reference(request, reference, subject, facts)
            .into_iter()
            .collect();
    }
    request
        .source
        .and_then(concrete)
        .map(|(object, name)| by_object(request, object, name, facts))
        .unwrap_or_default()
}

/// The claim or snapshot that a disk names itself.
fn concrete<'o>(source: &'o Source<'o>) -> Option<(SourceObject, &'o NamespacedName<'o>)> {
    let pvc = source.pvc.get();
    let pvc = pvc.map(|name| (SourceObject::PersistentVolumeClaim, name));
    pvc.or_else(|| Some((SourceObject::VolumeSnapshot, source.snapshot.get()?)))
}

/// A disk that names a `DataSource`.
fn by_reference(
    request: &VolumeRequest<'_>,
    reference: &SourceRef<'_>,
    subject: &Subject<'_>,
    facts: &Facts<'_>,
) -> Option<Finding> {
    let name = reference.name.get()?;
    let namespace = reference.namespace.get().unwrap_or(subject.namespace);
    let view = facts.view();
    if reference.kind.get() != Some("DataSource") || !view.is_golden_namespace(namespace) {
        return None;
    }
    let mut source = view.boot_source(namespace, name);
    if let Some(names) = source.names {
        source.volume = seen_or_read(source.volume, names, facts);
    }
    // Put into words only if there is something to tell.
    let called = format_args!("boot source {namespace}/{name}");
    if let Some(kind) = missing_fact(&source, facts) {
        let field = request.path().field("sourceRef");
        return Some(undetermined(&called, field, kind, facts));
    }
    let volume = source.volume.known()??;
    let disk = Disk::of(request, &volume, facts);
    let found = stale(&source, &called, &disk, facts).or_else(|| copied(&called, &disk))?;
    is_still_so(&source, facts).then(|| disk.finding(&["sourceRef"], found))
}

/// A disk that names a claim or a snapshot.
fn by_object(
    request: &VolumeRequest<'_>,
    object: SourceObject,
    reference: &NamespacedName<'_>,
    facts: &Facts<'_>,
) -> Vec<Finding> {
    let view = facts.view();
    let (Some(namespace), Some(name)) = (reference.namespace.get(), reference.name.get()) else {
        return Vec::new();
    };
    if !view.is_golden_namespace(namespace) {
        return Vec::new();
    }
    let called = format_args!("{} {namespace}/{name}", noun(object));
    let names = VolumeName {
        object,
        namespace,
        name,
    };
    let volume = match seen_or_read(view.source_volume(names), names, facts) {
        Known::Known(Some(volume)) => volume,
        Known::Known(None) => return Vec::new(),
        Known::Unknown => {
            let field = request.path().field("source");
            return vec![undetermined(&called, field, names.kind(), facts)];
        }
    };
    let disk = Disk::of(request, &volume, facts);
    let importer = view.importer(namespace, name, volume.label_of_cron);
    let managed = importer.known().flatten().map(|cron| {
        let source = view.boot_source(namespace, &cron.fact.managed_data_source);
        (cron, source)
    });
    let mut found = Vec::new();
    if let Some((cron, source)) = managed {
        if cron.fact.collects_garbage && is_still_imported(namespace, cron.name, facts) {
            found.push(short_lived(&called, &source));
        }
        if source.volume.known().flatten().map(|volume| volume.name) == Some(name) {
            found.extend(stale(&source, &called, &disk, facts));
        }
    }
    if found.is_empty() {
        found.extend(copied(&called, &disk));
    }
    let field = if object == SourceObject::VolumeSnapshot {
        "snapshot"
    } else {
        "pvc"
    };
    found
        .into_iter()
        .map(|found| disk.finding(&["source", field], found))
        .collect()
}

/// A volume that the view does not know of, read live: its namespace may be golden only since a moment ago. What is kept
/// elsewhere is not looked at.
fn seen_or_read<'a>(
    seen: Known<Option<SourceVolume<'a>>>,
    name: VolumeName<'a>,
    facts: &Facts<'a>,
) -> Known<Option<SourceVolume<'a>>> {
    match seen {
        Known::Known(_) => seen,
        Known::Unknown if !facts.view().is_golden_namespace(name.namespace) => Known::Known(None),
        Known::Unknown => facts
            .confirmed(name.kind(), name.namespace, name.name)
            .map(|fact| Some(facts.view().read_volume(name, fact?))),
    }
}

/// The kind without which nothing can be said of a boot source. That nobody knows the class of a snapshot is none.
fn missing_fact(source: &BootSource<'_>, facts: &Facts<'_>) -> Option<Kind> {
    match source {
        BootSource {
            data_source: Known::Unknown,
            ..
        } => Some(Kind::DataSource),
        BootSource {
            volume: Known::Unknown,
            ..
        } => Some(source.names.map_or(Kind::DataSource, VolumeName::kind)),
        BootSource {
            cron: Known::Unknown,
            ..
        } => Some(Kind::DataImportCron),
        _ => matches!(facts.view().default_classes(), Known::Unknown).then_some(Kind::StorageClass),
    }
}

fn undetermined(called: &dyn Display, field: FieldPath, kind: Kind, facts: &Facts<'_>) -> Finding {
    Finding::Undetermined(Undetermined {
        summary: format!("could not tell whether {called} is on the right storage class"),
        field,
        reason: facts.unreadable(kind),
    })
}

const fn noun(object: SourceObject) -> &'static str {
    match object {
        SourceObject::PersistentVolumeClaim => "PVC",
        SourceObject::VolumeSnapshot => "snapshot",
        SourceObject::DataSource => "DataSource",
    }
}

/// A refusal may rest on it: whether the boot source is still what the view says is asked live.
fn is_still_so(source: &BootSource<'_>, facts: &Facts<'_>) -> bool {
    let seen = source.data_source.known().flatten();
    match facts.confirmed(Kind::DataSource, source.namespace, source.name) {
        Known::Known(Some(Fact::DataSource(now))) => {
            seen.is_some_and(|seen| seen.source == now.source && seen.cron == now.cron)
        }
        _ => false,
    }
}

fn is_still_imported(namespace: &str, cron: &str, facts: &Facts<'_>) -> bool {
    matches!(
        facts.confirmed(Kind::DataImportCron, namespace, cron),
        Known::Known(Some(_))
    )
}

/// What was found of a disk.
struct Found {
    summary: String,
    value: String,
    details: Vec<Detail>,
}

/// A clone of a boot source onto the class that the disk asks for.
struct Disk<'a> {
    request: &'a VolumeRequest<'a>,
    /// The class of the disk, if it is known.
    class: Option<&'a str>,
    is_named: bool,
    source: SourceClass<'a>,
    cost: CloneCost<'a>,
}

impl<'a> Disk<'a> {
    fn of(request: &'a VolumeRequest<'a>, volume: &SourceVolume<'a>, facts: &Facts<'a>) -> Self {
        let view = facts.view();
        let defaults = view.default_classes().known().unwrap_or_default();
        let (claim, field) = match (request.storage, request.pvc) {
            (_, Some(pvc)) => (Some(pvc), ClaimField::Pvc),
            (storage, None) => (storage, ClaimField::Storage),
        };
        let named = claim.and_then(|claim| claim.storage_class_name.get());
        let class = named.or(defaults.of(field));
        let mode = claim
            .and_then(|claim| VolumeMode::read(claim.volume_mode.get()?))
            .or(field.default_mode());
        Self {
            request,
            class,
            is_named: named.is_some(),
            source: volume.class,
            cost: class.map_or(CloneCost::Unknown, |class| {
                view.clone_cost(volume, class, mode)
            }),
        }
    }

    fn copies(&self) -> bool {
        matches!(self.cost, CloneCost::FullCopy(_))
    }

    /// The field is named from the spec of the disk inwards.
    fn finding(&self, fields: &[&'static str], found: Found) -> Finding {
        let spec = self.request.path();
        Finding::Violation(Violation {
            summary: found.summary,
            let_through: None,
            field: fields.iter().fold(spec, |path, field| path.field(*field)),
            found: found.value,
            details: found.details,
        })
    }
}

/// The boot source is on another class than the one on which its cron would import it today. What was uploaded is where
/// somebody put it.
fn stale(
    source: &BootSource<'_>,
    called: &dyn Display,
    disk: &Disk<'_>,
    facts: &Facts<'_>,
) -> Option<Found> {
    let defaults = facts.view().default_classes();
    let cron = source.cron.known()??;
    if !source.standing(defaults).is_stale() {
        return None;
    }
    let (expected, set_by) = match source.expected(defaults) {
        Expected::Explicit(name) => (name, format!("DataImportCron {}", cron.name)),
        Expected::Default(name) => (name, "the default storage class".to_owned()),
        Expected::Nothing | Expected::Unknown => return None,
    };
    let class = disk.source.describe();
    let place = match disk.source {
        SourceClass::Known(_) => format!("on storage class {class}"),
        SourceClass::Probably(_) => format!("probably on storage class {class}"),
        SourceClass::Driver(_) | SourceClass::Unknown => format!("probably on {class}"),
    };
    let consequence = if disk.copies() {
        "the clone copies the whole disk"
    } else {
        "it has to be imported again"
    };
    let instead = match source.comeback(defaults) {
        Comeback::ByItself => "wait until CDI has imported it again",
        _ => "ask an administrator to run goldkeeper boot-sources --stale",
    };
    Some(Found {
        summary: format!(
            "{called} is {place} but its images are kept on {expected}: {consequence}"
        ),
        value: class,
        details: vec![
            detail("expected", format!("{expected} (from {set_by})")),
            detail("instead", instead),
        ],
    })
}

/// The clone is made on another driver, or is handed out differently.
fn copied(called: &dyn Display, disk: &Disk<'_>) -> Option<Found> {
    let CloneCost::FullCopy(reason) = disk.cost else {
        return None;
    };
    let class = disk.class?;
    let from = disk.source.describe();
    let whose = if disk.is_named {
        "the disk asks for"
    } else {
        "the default is"
    };
    let (why, instead) = match reason {
        CopyReason::Provisioner { from: one, to } => (
            format!("is on {from} ({one}) and {whose} {class} ({to})"),
            match disk.source.name() {
                Some(name) => format!("write storageClassName: {name}"),
                None => "leave it if a copy is what you want".to_owned(),
            },
        ),
        CopyReason::VolumeMode { from, to } => (
            format!(
                "has volume mode {} and the disk {}",
                from.as_str(),
                to.as_str()
            ),
            format!("write volumeMode: {}", from.as_str()),
        ),
        // Every clone there is a copy: nothing that a user can write changes that.
        CopyReason::Strategy => return None,
    };
    Some(Found {
        summary: format!("{called} {why}: the clone copies the whole disk"),
        value: class.to_owned(),
        details: vec![detail("instead", instead)],
    })
}

/// A cron imports under the digest of an image, and deletes what it imported when a newer one comes.
fn short_lived(called: &dyn Display, source: &BootSource<'_>) -> Found {
    let BootSource {
        namespace, name, ..
    } = source;
    let fix = format!("sourceRef: {{kind: DataSource, name: {name}, namespace: {namespace}}}");
    Found {
        summary: format!(
            "{called} is one import of boot source {name} and is deleted when newer ones come: name DataSource {name} in \
             {namespace} instead"
        ),
        value: called.to_string(),
        details: vec![detail("instead", fix)],
    }
}
