//! The class on which an image is to be kept, where people say so.

use std::collections::BTreeMap;

use crate::admission::{
    AdmissionRequest, Claim, FieldPath, ImageSettings, ImageTemplate, Object, Operation, Resource,
};
use crate::cluster::{ClusterView, Facts, ImageTemplate as KnownTemplate, Kind, Known};
use crate::document::suggest;

use super::super::{Finding, Subject, Undetermined, Violation};
use super::BootSourceStorageClass;
use crate::rules::told::{advice, detail, names};

/// A class that an image is to be kept on.
struct Wanted<'o> {
    /// What people call the image.
    image: &'o str,
    /// The class.
    class: &'o str,
    /// Where it stands.
    path: FieldPath,
}

/// Judges what an object says of the class of boot images.
pub(super) fn judge(
    rule: &BootSourceStorageClass,
    subject: &Subject<'_>,
    object: &Object<'_>,
    facts: &Facts<'_>,
) -> Vec<Finding> {
    if subject.resource == Resource::HyperConvergeds {
        return hyper_converged(rule, subject.request, object, facts);
    }
    if !facts.view().is_golden_namespace(subject.namespace) {
        return Vec::new();
    }
    let Some(wanted) = single(subject.resource, object) else {
        return Vec::new();
    };
    match fault(rule, &wanted, facts) {
        Some(fault) => vec![fault],
        None => beside_the_default(&[(wanted.class, vec![wanted.image])], &wanted.path, facts)
            .into_iter()
            .collect(),
    }
}

/// The class in a `DataImportCron` or a `DataVolume`.
fn single<'o>(resource: Resource, object: &'o Object<'o>) -> Option<Wanted<'o>> {
    let spec = object.spec.get()?;
    let metadata = object.metadata.get()?;
    let (image, base, (field, claim)) = match resource {
        Resource::DataImportCrons => (
            &spec.managed_data_source,
            &["spec", "template", "spec"] as &[_],
            spec.template.get()?.claim()?,
        ),
        Resource::DataVolumes => {
            let storage = spec.storage.get().map(|claim| ("storage", claim));
            let claim = storage.or_else(|| Some(("pvc", spec.pvc.get()?)));
            (&metadata.name, &["spec"] as &[_], claim?)
        }
        _ => return None,
    };
    Some(Wanted {
        image: image.get().or_else(|| metadata.generate_name.get())?,
        class: claim.storage_class_name.get()?,
        path: class_path(FieldPath::of(base), field),
    })
}

fn class_path(spec: FieldPath, field: &'static str) -> FieldPath {
    spec.field(field).field("storageClassName")
}

/// The settings of the platform. Only what this request changes is looked at: a value that is stored already must not
/// stand in the way of other changes.
fn hyper_converged(
    rule: &BootSourceStorageClass,
    request: &AdmissionRequest<'_>,
    object: &Object<'_>,
    facts: &Facts<'_>,
) -> Vec<Finding> {
    let version = request.kind.version.or_empty();
    let settings = ImageSettings::of(version, object);
    let old = request.old_object.get();
    let before = old.filter(|_| request.operation == Operation::Update);
    let before = before.map(|old| ImageSettings::of(version, old));
    let stored = |name: &str| {
        let mut templates = before.iter().flat_map(ImageSettings::templates);
        templates.find(|(_, template)| template.name() == name)
    };
    let mut findings = Vec::new();
    let mut classes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut changed = None;
    for (index, template) in settings.templates() {
        let Some((field, class)) = class_of(template) else {
            continue;
        };
        let image = image(template);
        classes.entry(class).or_default().push(image);
        let twin = stored(template.name()).map(|(_, twin)| twin);
        if twin.and_then(class_of).is_some_and(|(_, old)| old == class) {
            continue;
        }
        let base = settings.path("dataImportCronTemplates").index(index);
        let spec = base.field("spec").field("template").field("spec");
        let wanted = Wanted {
            image,
            class,
            path: class_path(spec, field),
        };
        findings.extend(fault(rule, &wanted, facts));
        findings.extend(leaves_the_namespace(
            &settings, template, twin, &wanted, facts,
        ));
        changed.get_or_insert(wanted.path);
    }
    let classes: Vec<(&str, Vec<&str>)> = classes.into_iter().collect();
    if let Some(path) = changed
        && findings.iter().all(|one| matches!(one, Finding::Advice(_)))
    {
        findings.extend(beside_the_default(&classes, &path, facts));
    }
    findings
}

/// The class that an enabled template names.
fn class_of<'o>(template: &'o ImageTemplate<'o>) -> Option<(&'static str, &'o str)> {
    let (field, claim): (_, &Claim<'o>) = template.claim().filter(|_| template.is_enabled())?;
    Some((field, claim.storage_class_name.get()?))
}

fn image<'o>(template: &'o ImageTemplate<'o>) -> &'o str {
    match template.managed_data_source() {
        "" => template.name(),
        name => name,
    }
}

/// What is definitely wrong with a class.
fn fault(rule: &BootSourceStorageClass, wanted: &Wanted<'_>, facts: &Facts<'_>) -> Option<Finding> {
    let Wanted { image, class, .. } = wanted;
    if let Some(allowed) = rule.allowed.as_ref().filter(|globs| !globs.is_match(class)) {
        let allowed: Vec<&str> = allowed.patterns().iter().map(String::as_str).collect();
        return Some(Finding::Violation(Violation {
            summary: format!("boot image {image} may not be kept on storage class {class}"),
            let_through: Some(format!(
                "boot image {image} should not be kept on storage class {class}"
            )),
            field: wanted.path.clone(),
            found: (*class).to_owned(),
            details: vec![
                detail(
                    "expected",
                    format!("{} (allowedStorageClasses)", names(&allowed)),
                ),
                detail(
                    "instead",
                    "name one of these or none: the default is used then",
                ),
            ],
        }));
    }
    match facts.seen_or_confirmed(Kind::StorageClass, "", class) {
        Known::Known(Some(_)) => None,
        Known::Known(None) => Some(Finding::Violation(missing(wanted, facts.view()))),
        Known::Unknown => Some(Finding::Undetermined(Undetermined {
            summary: format!(
                "could not tell whether there is a storage class {class} for boot image {image}"
            ),
            field: wanted.path.clone(),
            reason: facts.why_unknown(Kind::StorageClass).to_owned(),
        })),
    }
}

fn missing(wanted: &Wanted<'_>, view: &ClusterView) -> Violation {
    let Wanted { image, class, .. } = wanted;
    let classes = view.storage_classes().known().unwrap_or_default();
    let known: Vec<&str> = classes.iter().map(|(name, _)| *name).collect();
    Violation {
        summary: format!(
            "boot image {image} can't be kept on storage class {class}: there is none of that name"
        ),
        let_through: None,
        field: wanted.path.clone(),
        found: (*class).to_owned(),
        details: vec![
            detail(
                "expected",
                format!("a class of this cluster: {}", suggest(class, &known)),
            ),
            detail(
                "instead",
                "name one of these or none: the default is used then",
            ),
        ],
    }
}

/// Images that are kept on several classes, or beside the default: a clone from one driver to another is a copy.
fn beside_the_default(
    classes: &[(&str, Vec<&str>)],
    path: &FieldPath,
    facts: &Facts<'_>,
) -> Option<Finding> {
    let described: Vec<String> = classes
        .iter()
        .map(|(class, images)| format!("{class} ({})", names(images)))
        .collect();
    let described: Vec<&str> = described.iter().map(String::as_str).collect();
    if let [_, _, ..] = classes {
        let summary = format!(
            "boot images are kept on several storage classes: {}",
            names(&described)
        );
        return Some(advice(path.clone(), names(&described), summary));
    }
    let (class, images) = classes.first()?;
    let default = facts.view().default_classes().known()?.virt?;
    if default == *class {
        return None;
    }
    let provisioner = |name: &str| Some(&*facts.view().storage_class(name)?.provisioner);
    let consequence = match (provisioner(class), provisioner(default)) {
        (Some(one), Some(other)) if one == other => "their drivers are the same",
        _ => "a disk that names no class is then a full copy",
    };
    let subject = match &images[..] {
        [one] => format!("boot image {one} is"),
        several => format!("boot images {} are", names(several)),
    };
    let summary = format!(
        "{subject} kept on storage class {class} while the default for virtual machine disks is {default}: {consequence}"
    );
    Some(advice(path.clone(), *class, summary))
}

/// One of the platform's own templates that an administrator changes no longer follows `commonBootImageNamespace`
/// (`controllers/handlers/golden-images/golden_images.go` in kubevirt/hyperconverged-cluster-operator).
fn leaves_the_namespace(
    settings: &ImageSettings<'_>,
    template: &ImageTemplate<'_>,
    twin: Option<&ImageTemplate<'_>>,
    wanted: &Wanted<'_>,
    facts: &Facts<'_>,
) -> Option<Finding> {
    let namespace = settings.common_boot_image_namespace?;
    let own = template
        .metadata
        .get()
        .and_then(|meta| meta.namespace.get());
    let was_changed_before = twin.is_some_and(|twin| twin.spec.get().is_some());
    let known = facts.view().hyper_converged().known()??;
    let is_own = |known: &KnownTemplate| known.common && *known.name == *template.name();
    if own.is_some() || was_changed_before || !known.templates.iter().any(is_own) {
        return None;
    }
    let to = facts.view().platform_namespace().name;
    let image = wanted.image;
    let summary = format!(
        "boot image {image} no longer follows commonBootImageNamespace {namespace} once its template names a class: it \
         is kept in {to} unless its metadata.namespace says {namespace}"
    );
    (to != namespace).then(|| advice(wanted.path.clone(), wanted.class, summary))
}
