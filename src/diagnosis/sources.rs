//! Whether the golden images are there, ready, and on the storage class that they should be on.

use crate::cluster::{BootSource, ClusterView, Coverage, Kind, Known};

use super::evidence::Evidence;
use super::line::{Line, Lines, some};

const TOPIC: &str = "sources";
/// Every one that is not ready is told up to here; the rest is counted.
const SHOWN: usize = 5;

pub(super) fn check(evidence: &Evidence<'_>) -> Lines {
    let view = evidence.view;
    listed(view)?;
    let all = view.boot_sources();
    if all.is_empty() {
        let cure = "oc get datasources -A shows whether there are any elsewhere; import one, or leave enableCommonBootImageImport on";
        return Err(vec![
            Line::warning(TOPIC, "there is no golden image").cure(cure),
        ]);
    }
    // The platform keeps a DataSource for images that somebody may upload one day: not ready, and no fault.
    let (kept, empty): (Vec<&BootSource<'_>>, Vec<_>) =
        all.iter().partition(|source| !is_empty(source));
    let not_ready: Vec<&BootSource<'_>> = kept
        .iter()
        .copied()
        .filter(|source| !source.is_ready())
        .collect();
    let mut lines: Vec<Line> = not_ready
        .iter()
        .take(SHOWN)
        .map(|source| not_ready_line(source))
        .collect();
    if let Some(more @ 1..) = not_ready.len().checked_sub(SHOWN) {
        lines.push(Line::warning(
            TOPIC,
            format!("{more} more golden images are not ready"),
        ));
    }
    lines.extend(stale_line(view, &kept));
    if lines.is_empty() {
        let mut sentence = format!("{} golden images are ready, none of them stale", kept.len());
        if !empty.is_empty() {
            sentence = format!("{sentence}; {} more wait for an upload", empty.len());
        }
        lines.push(Line::ok(TOPIC, sentence));
    }
    Ok(lines)
}

/// That what golden images are told by could be listed.
fn listed(view: &ClusterView) -> Result<(), Vec<Line>> {
    for kind in [Kind::DataSource, Kind::HyperConverged] {
        let coverage = view.coverage(kind);
        if !coverage.is_known() {
            let reason = match coverage {
                Coverage::Unknown(reason) => reason,
                _ => "not listed",
            };
            let reason = format!("{} can't be listed: {reason}", kind.info().kind);
            return Err(vec![Line::skipped(TOPIC, reason)]);
        }
    }
    Ok(())
}

fn stale_line(view: &ClusterView, kept: &[&BootSource<'_>]) -> Option<Line> {
    let defaults = view.default_classes();
    let stale: Vec<String> = kept
        .iter()
        .filter(|source| source.standing(defaults).is_stale())
        .map(|source| format!("{}/{}", source.namespace, source.name))
        .collect();
    if stale.is_empty() {
        return None;
    }
    let (count, names) = (stale.len(), some(&stale));
    let sentence = format!(
        "{count} golden images are not on the storage class on which they would be imported today: {names}"
    );
    Some(Line::warning(TOPIC, sentence).cure("goldkeeper boot-sources --stale"))
}

/// Whether nobody ever put an image there.
fn is_empty(source: &BootSource<'_>) -> bool {
    matches!(source.cron, Known::Known(None))
        && matches!(source.volume, Known::Known(None))
        && matches!(source.data_source, Known::Known(Some(_)))
        && !source.is_ready()
}

fn not_ready_line(source: &BootSource<'_>) -> Line {
    let (namespace, name) = (source.namespace, source.name);
    let why = match (source.data_source, source.ready()) {
        (Known::Known(None), _) => "there is no such DataSource".to_owned(),
        (_, Some(Err(condition))) => format!("{}: {}", condition.reason, condition.message),
        _ => "nothing says that it is".to_owned(),
    };
    let sentence = format!("golden image {namespace}/{name} is not ready: {why}");
    Line::warning(TOPIC, sentence).cure(format!(
        "kubectl get datasource,dataimportcron,datavolume -n {namespace}"
    ))
}
