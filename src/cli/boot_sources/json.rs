//! Boot sources for machines.

use serde::Serialize;

use crate::cluster::{
    Comeback, Expected, Known, SourceClass, SourceObject, SourceVolume, Standing, Updates,
    VolumeMode,
};
use crate::inventory::Spot;

use super::Picture;

/// Everything. What is not known is `null`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report<'p> {
    golden_namespace: Option<Golden<'p>>,
    stale: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    virtual_machines_not_counted: Option<&'p str>,
    boot_sources: Vec<Source<'p>>,
}

#[derive(Serialize)]
struct Golden<'p> {
    name: &'p str,
    from: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Source<'p> {
    name: &'p str,
    namespace: &'p str,
    #[serde(skip_serializing_if = "Option::is_none")]
    points_at: Option<&'p str>,
    #[serde(rename = "source")]
    image: Option<Volume<'p>>,
    ready: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_ready: Option<NotReady<'p>>,
    expected_class: Option<&'p str>,
    expected_by: &'static str,
    standing: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    comes_back: Option<&'static str>,
    last_import: Option<&'p str>,
    cron: Option<&'p str>,
    updates: &'static str,
    updates_detail: String,
    virtual_machines: Option<u64>,
    older_imports: Vec<Volume<'p>>,
}

#[derive(Serialize)]
struct NotReady<'p> {
    reason: &'p str,
    message: &'p str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Volume<'p> {
    kind: &'static str,
    namespace: &'p str,
    name: &'p str,
    storage_class: Option<&'p str>,
    class_is_certain: bool,
    provisioner: Option<&'p str>,
    #[serde(rename = "volumeMode")]
    mode: Option<&'static str>,
    bytes: Option<u64>,
}

/// What is told to machines.
pub(super) fn json<'p>(picture: &Picture<'p>) -> Report<'p> {
    Report {
        golden_namespace: picture.shelf.golden.known().map(|golden| Golden {
            name: golden.name,
            from: golden.origin.describe(),
        }),
        stale: picture.shelf.stale(),
        virtual_machines_not_counted: picture.uncounted(),
        boot_sources: picture.spots().map(|spot| source(picture, spot)).collect(),
    }
}

fn source<'p>(picture: &Picture<'_>, spot: &'p Spot<'p>) -> Source<'p> {
    let source = &spot.source;
    let ready = source.ready();
    Source {
        name: source.name,
        namespace: source.namespace,
        points_at: source.pointer,
        image: source.volume.known().flatten().map(volume),
        ready: ready.map(|ready| ready.is_ok()),
        not_ready: ready.and_then(Result::err).map(|condition| NotReady {
            reason: &condition.reason,
            message: &condition.message,
        }),
        expected_class: spot.expected.name(),
        expected_by: match spot.expected {
            Expected::Explicit(_) => "template",
            Expected::Default(_) => "default",
            Expected::Nothing => "nothing",
            Expected::Unknown => "unknown",
        },
        standing: match spot.standing {
            Standing::Right => "right",
            Standing::Stale => "stale",
            Standing::ProbablyStale => "probablyStale",
            Standing::Nothing => "nothing",
            Standing::Unknown => "unknown",
        },
        comes_back: spot.comeback.map(|comeback| match comeback {
            Comeback::ByItself => "byItself",
            Comeback::Uploaded => "never",
            Comeback::TooOld | Comeback::Adopted => "onceDeleted",
            Comeback::NoDigest => "perhapsOnceDeleted",
            Comeback::Unknown => "unknown",
        }),
        last_import: source.last_import(),
        cron: match source.cron {
            Known::Known(Some(cron)) => Some(cron.name),
            _ => None,
        },
        updates: match spot.updates {
            Updates::On(_) => "on",
            Updates::Once
            | Updates::OffForAll(_)
            | Updates::OffForImage
            | Updates::ForeignClaim => "off",
            Updates::Uploaded => "uploaded",
            Updates::Unknown => "unknown",
        },
        updates_detail: spot.updates.describe(),
        virtual_machines: picture
            .uncounted()
            .is_none()
            .then(|| picture.census.made(spot.index)),
        older_imports: spot.left_behind.iter().copied().map(volume).collect(),
    }
}

fn volume(volume: SourceVolume<'_>) -> Volume<'_> {
    Volume {
        kind: match volume.object {
            SourceObject::VolumeSnapshot => "VolumeSnapshot",
            _ => "PersistentVolumeClaim",
        },
        namespace: volume.namespace,
        name: volume.name,
        storage_class: volume.class.name(),
        class_is_certain: matches!(volume.class, SourceClass::Known(_)),
        provisioner: volume.provisioner,
        mode: volume.volume_mode.map(VolumeMode::as_str),
        bytes: volume.size,
    }
}
