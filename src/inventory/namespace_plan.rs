//! What would become of images and references if the golden namespace were another.

use crate::cluster::{
    BootSource, ClusterView, Fact, GoldenNamespace, HyperConverged, ImageTemplate, Kind, Known,
};

use super::{Census, Disk, How, Users};

/// The state of the new namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// It is there.
    Ready,
    /// Nobody has made it, and the platform does not.
    Missing,
    /// It is being deleted.
    Terminating,
    /// Nobody knows.
    Unknown,
}

/// An image that would be imported into the new namespace.
#[derive(Clone, Debug)]
pub struct Move<'v> {
    /// The boot source as it is.
    pub source: BootSource<'v>,
    /// Bytes that an import asks for, if that is known.
    pub size: Option<u64>,
    /// Whether what is imported would stay in the old namespace (`retentionPolicy: All`); `None` if nobody knows.
    pub stays_behind: Option<bool>,
    /// Whether the platform puts a `DataSource` of this name into the old namespace that is never ready.
    pub placeholder: bool,
}

/// Why an image would stay where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stay {
    /// An administrator changed the platform's template of it: it no longer follows the setting.
    Customised,
    /// An administrator keeps it by a template or a cron of his own.
    Own,
    /// Somebody uploaded it: no template brings it along.
    Uploaded,
    /// It is there already.
    There,
}

/// What would become of everything.
#[derive(Debug)]
pub struct NamespacePlan<'v> {
    /// Where images that follow the setting are now.
    pub before: GoldenNamespace<'v>,
    /// The settings.
    pub settings: &'v HyperConverged,
    /// The state of the new namespace.
    pub destination: Destination,
    /// Images that would move, by namespace and name.
    pub moves: Vec<Move<'v>>,
    /// Images that would not, and why.
    pub stays: Vec<(BootSource<'v>, Stay)>,
    /// Who names images that move where they are now.
    pub references: Vec<(Disk<'v>, Users)>,
}

impl<'v> NamespacePlan<'v> {
    /// Works it out. Unknown if the platform's settings are, or if there are none.
    pub fn of(view: &'v ClusterView, census: &Census<'v>, name: &str) -> Known<Self> {
        let (Known::Known(Some(settings)), Known::Known(before)) =
            (view.hyper_converged(), view.golden_namespace(None))
        else {
            return Known::Unknown;
        };
        let mut plan = Self {
            before,
            settings,
            destination: destination(view, name),
            moves: Vec::new(),
            stays: Vec::new(),
            references: Vec::new(),
        };
        let platform = view.platform_namespace().name;
        let mut moving = vec![false; census.sources().len()];
        for (source, moving) in census.sources().iter().zip(&mut moving) {
            let template = template_of(settings, source);
            if let Some(why) = stay(template, source, name) {
                plan.stays.push((*source, why));
            } else {
                *moving = true;
                plan.moves.push(moved(source, platform));
            }
        }
        let uses = census.uses().into_iter();
        plan.references = uses
            .filter(|(disk, _)| moving.get(disk.source).copied().unwrap_or_default())
            .map(|(disk, users)| (disk, users.clone()))
            .collect();
        Known::Known(plan)
    }

    /// Bytes that images need in the new namespace, and how many of them nobody knows the size of. A name that only
    /// points at an image needs none.
    pub fn space(&self) -> (u64, usize) {
        let images = self
            .moves
            .iter()
            .filter(|image| image.source.pointer.is_none());
        let sizes: Vec<Option<u64>> = images.map(|image| image.size).collect();
        let known = sizes
            .iter()
            .flatten()
            .fold(0_u64, |sum, size| sum.saturating_add(*size));
        (known, sizes.iter().filter(|size| size.is_none()).count())
    }

    /// Everybody who names images in one way, together.
    pub fn users_by(&self, how: How) -> Users {
        let mut all = Users::default();
        for (_, users) in self.references.iter().filter(|(disk, _)| disk.how == how) {
            all.add(users);
        }
        all
    }
}

fn destination(view: &ClusterView, name: &str) -> Destination {
    match view.object(Kind::Namespace, "", name) {
        Known::Known(Some(Fact::Namespace(namespace))) if namespace.terminating => {
            Destination::Terminating
        }
        Known::Known(Some(_)) => Destination::Ready,
        Known::Known(None) => Destination::Missing,
        Known::Unknown => Destination::Unknown,
    }
}

fn template_of<'v>(
    settings: &'v HyperConverged,
    source: &BootSource<'_>,
) -> Option<&'v ImageTemplate> {
    let mut templates = settings.templates.iter();
    templates.find(|template| template.data_sources().any(|name| name == source.name))
}

fn stay(template: Option<&ImageTemplate>, source: &BootSource<'_>, name: &str) -> Option<Stay> {
    match template {
        _ if source.namespace == name => Some(Stay::There),
        None if matches!(source.cron, Known::Known(Some(_))) => Some(Stay::Own),
        None => Some(Stay::Uploaded),
        Some(template) if template.follows_setting() => None,
        Some(template) if template.common => Some(Stay::Customised),
        Some(_) => Some(Stay::Own),
    }
}

fn moved<'v>(source: &BootSource<'v>, platform: &str) -> Move<'v> {
    let cron = source.cron.known().flatten();
    let claim = cron.and_then(|cron| cron.fact.claim.size);
    let volume = source.volume.known().flatten();
    Move {
        source: *source,
        size: claim.or_else(|| volume?.size),
        stays_behind: cron.map(|cron| cron.fact.retains_all),
        placeholder: source.namespace == platform,
    }
}
