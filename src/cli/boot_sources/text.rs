//! Boot sources for people.

use std::fmt::Write as _;

use crate::cluster::{Comeback, Expected, Known, SourceClass, SourceObject, SourceVolume, Updates};
use crate::inventory::{Spot, age, every};
use crate::report;

use super::Picture;
use crate::cli::words::{bytes, counted, joined};

/// How much of a digest is shown where there is little room.
const SHORT_DIGEST: usize = 4;

const HEADER: [&str; 8] = [
    "IMAGE",
    "NAMESPACE",
    "SOURCE",
    "CLASS",
    "READY",
    "IMPORTED",
    "UPDATES",
    "VMS",
];
const MORE: [&str; 5] = ["CRON", "EXPECTED BY", "COMES BACK", "SIZE", "MODE"];

/// A table and what is to be said of it.
pub(super) fn table(picture: &Picture<'_>, wide: bool) -> String {
    let mut header = HEADER.to_vec();
    if wide {
        header.extend(MORE);
    }
    let rows: Vec<_> = picture
        .spots()
        .map(|spot| row(picture, spot, wide))
        .collect();
    let mut text = String::new();
    if rows.is_empty() {
        text.push_str(if picture.only_stale {
            "No boot source is stale.\n"
        } else {
            "There are no golden boot sources.\n"
        });
    } else {
        text.push_str(&report::table(&header, &rows));
    }
    left_behind(picture, &mut text);
    text.push('\n');
    footer(picture, &mut text);
    text
}

fn row(picture: &Picture<'_>, spot: &Spot<'_>, wide: bool) -> Vec<String> {
    let source = &spot.source;
    let volume = source.volume.known().flatten();
    let imported = source.last_import().and_then(|time| age(picture.now, time));
    let mut row = vec![
        source.name.to_owned(),
        source.namespace.to_owned(),
        source_text(spot, wide),
        class(spot),
        ready(spot, wide),
        imported.unwrap_or_else(|| "-".to_owned()),
        updates(&spot.updates, wide),
        match picture.uncounted() {
            None => picture.census.made(spot.index).to_string(),
            Some(_) => "?".to_owned(),
        },
    ];
    if wide {
        let cron = source.cron.known().flatten();
        row.push(cron.map_or_else(|| "-".to_owned(), |cron| cron.name.to_owned()));
        row.push(expected(spot.expected).to_owned());
        row.push(spot.comeback.map_or("-", comeback).to_owned());
        let size = volume.and_then(|volume| volume.size);
        row.push(size.map_or_else(|| "?".to_owned(), bytes));
        let mode = volume.and_then(|volume| volume.volume_mode);
        row.push(
            mode.map_or("?", crate::cluster::VolumeMode::as_str)
                .to_owned(),
        );
    }
    row
}

fn source_text(spot: &Spot<'_>, whole: bool) -> String {
    if let Some(pointer) = spot.source.pointer {
        return format!("-> {pointer}");
    }
    match (spot.source.volume, spot.source.data_source) {
        (Known::Known(Some(volume)), _) if whole => format!("{} {}", kind(&volume), volume.name),
        (Known::Known(Some(volume)), _) => {
            format!(
                "{} {}",
                kind(&volume),
                shortened(volume.name, spot.source.name)
            )
        }
        (_, Known::Known(None)) => "no DataSource".to_owned(),
        (Known::Known(None), _) => "none".to_owned(),
        (Known::Unknown, _) => "?".to_owned(),
    }
}

fn kind(volume: &SourceVolume<'_>) -> &'static str {
    match volume.object {
        SourceObject::VolumeSnapshot => "snapshot",
        _ => "pvc",
    }
}

/// `rhel9-1f0c…` of the import `rhel9-1f0c2d3e4f50`.
fn shortened(name: &str, image: &str) -> String {
    let digest = name
        .strip_prefix(image)
        .and_then(|rest| rest.strip_prefix('-'));
    match digest.and_then(|digest| digest.get(..SHORT_DIGEST)) {
        Some(short) => format!("{image}-{short}…"),
        None => name.to_owned(),
    }
}

fn class(spot: &Spot<'_>) -> String {
    let Known::Known(Some(volume)) = spot.source.volume else {
        return "-".to_owned();
    };
    let own = match volume.class {
        SourceClass::Probably(name) => format!("probably {name}"),
        SourceClass::Unknown => "?".to_owned(),
        other => other.describe(),
    };
    match spot.expected.name() {
        Some(expected) if spot.standing.is_stale() => format!("{own} ≠ {expected}"),
        _ => own,
    }
}

fn ready(spot: &Spot<'_>, wide: bool) -> String {
    match spot.source.ready() {
        Some(Ok(())) => "yes".to_owned(),
        Some(Err(condition)) if wide && !condition.reason.is_empty() => {
            format!("no ({})", condition.reason)
        }
        Some(Err(_)) => "no".to_owned(),
        None => "?".to_owned(),
    }
}

/// The schedule, or the switch that turns it off.
fn updates(updates: &Updates<'_>, wide: bool) -> String {
    match updates {
        Updates::On(schedule) => every(schedule),
        Updates::OffForImage if !wide => "off (template)".to_owned(),
        Updates::OffForAll(_) if !wide => "off (for all)".to_owned(),
        Updates::ForeignClaim if !wide => "off (a PVC is in the way)".to_owned(),
        other => other.describe(),
    }
}

const fn expected(expected: Expected<'_>) -> &'static str {
    match expected {
        Expected::Explicit(_) => "template",
        Expected::Default(_) => "default",
        Expected::Nothing => "nothing",
        Expected::Unknown => "?",
    }
}

const fn comeback(comeback: Comeback) -> &'static str {
    match comeback {
        Comeback::ByItself => "by itself",
        Comeback::Uploaded => "never: uploaded",
        Comeback::TooOld => "once deleted (old CDI)",
        Comeback::Adopted => "once deleted (taken over)",
        Comeback::NoDigest => "perhaps (no digest)",
        Comeback::Unknown => "?",
    }
}

/// Older imports on another class, which no table of images shows.
fn left_behind(picture: &Picture<'_>, text: &mut String) {
    let spots = picture.shelf.spots.iter();
    let mut rows = Vec::new();
    for spot in spots.filter(|spot| spot.source.pointer.is_none()) {
        let keeps = spot.source.cron.known().flatten();
        let keeps = keeps.and_then(|cron| cron.fact.imports_to_keep);
        for volume in &spot.left_behind {
            rows.push(vec![
                spot.source.name.to_owned(),
                volume.namespace.to_owned(),
                format!("{} {}", kind(volume), volume.name),
                volume.class.describe(),
                age(picture.now, volume.created).unwrap_or_else(|| "-".to_owned()),
                keeps.map_or_else(|| "3 (default)".to_owned(), |number| number.to_string()),
            ]);
        }
    }
    if rows.is_empty() {
        return;
    }
    if picture.only_stale {
        let header = [
            "OLDER IMPORT OF",
            "NAMESPACE",
            "SOURCE",
            "CLASS",
            "AGE",
            "IMPORTS TO KEEP",
        ];
        let _ = write!(text, "\n{}", report::table(&header, &rows));
    } else {
        let _ = write!(
            text,
            "\n{} left on other classes: goldkeeper boot-sources --stale lists them.\n",
            counted(rows.len(), "older import")
        );
    }
}

fn footer(picture: &Picture<'_>, text: &mut String) {
    let stale = picture.shelf.stale();
    let unknown = picture.shelf.spots.iter();
    let unknown = unknown
        .filter(|spot| spot.source.pointer.is_none())
        .filter(|spot| spot.standing == crate::cluster::Standing::Unknown)
        .count();
    let _ = write!(text, "{stale} stale");
    if unknown > 0 {
        let _ = write!(text, ", {unknown} not known");
    }
    text.push('.');
    golden(picture, text);
    if let Some(reason) = picture.uncounted() {
        let _ = writeln!(text, "Virtual machines were not counted: {reason}.");
    }
    if let Some(files) = picture.files {
        let _ = writeln!(text, "Cluster: {files}.");
    }
}

/// Which namespace is golden and why, and which images are elsewhere.
fn golden(picture: &Picture<'_>, text: &mut String) {
    let Known::Known(golden) = picture.shelf.golden else {
        text.push_str(" Which namespace is golden is not known.\n");
        return;
    };
    let _ = write!(
        text,
        " The golden namespace is {} ({})",
        golden.name,
        golden.origin.describe()
    );
    let mut elsewhere: Vec<(&str, Vec<&str>)> = Vec::new();
    for spot in &picture.shelf.spots {
        let source = &spot.source;
        if source.namespace == golden.name {
            continue;
        }
        match elsewhere
            .iter_mut()
            .find(|(name, _)| *name == source.namespace)
        {
            Some((_, images)) => images.push(source.name),
            None => elsewhere.push((source.namespace, vec![source.name])),
        }
    }
    for (namespace, images) in elsewhere {
        let (stay, template) = if images.len() == 1 {
            ("stays", "its template says so")
        } else {
            ("stay", "their templates say so")
        };
        let _ = write!(
            text,
            ";\n{} {stay} in {namespace}: {template}",
            joined(&images)
        );
    }
    text.push_str(".\n");
}
