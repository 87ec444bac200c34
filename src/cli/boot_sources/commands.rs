//! The commands that delete what is imported again. They are printed and never run.

use std::fmt::Write as _;

use crate::cluster::{ClusterView, Comeback};
use crate::inventory::{Deletion, Reason, Shelf, Spot};

/// A script: a comment with the reason, and lines for `kubectl`. What needs a choice or a look first stands behind a `#`.
pub(super) fn commands(
    view: &ClusterView,
    shelf: &Shelf<'_>,
    deletions: &[Deletion<'_>],
) -> String {
    let mut text = String::from(
        "# Printed by goldkeeper, which has run none of this. Each line deletes what a live DataImportCron imports again.\n\
         # Virtual machines that clone an image wait until its import is back.\n",
    );
    for deletion in deletions {
        one(deletion, &mut text);
    }
    for spot in shelf
        .spots
        .iter()
        .filter(|spot| spot.source.pointer.is_none())
    {
        never(view, spot, &mut text);
    }
    if !text.contains("\n\n") {
        text.push_str("\n# Nothing is stale: there is nothing to delete.\n");
    }
    text
}

fn one(deletion: &Deletion<'_>, text: &mut String) {
    let Deletion {
        source,
        cron,
        volume,
        reason,
    } = deletion;
    let image = format!("{}/{}", source.namespace, source.name);
    let class = volume.class.describe();
    let why = match reason {
        Reason::Safe => format!(
            "{image} is on {class}: DataImportCron {} imports it again once it is deleted",
            cron.name
        ),
        Reason::InUse(clones) => {
            let s = if *clones == 1 {
                " of it is"
            } else {
                "s of it are"
            };
            format!(
                "{image} is on {class} and {clones} clone{s} under way: wait until they are done"
            )
        }
        Reason::Unseen(gap) => format!(
            "{image} is on {class}: look first whether it is being cloned (kubectl get datavolumes -A), as it can't be \
             told ({gap})"
        ),
        Reason::Older(keep) => {
            let keep = keep.map_or_else(|| "3 by default".to_owned(), |keep| keep.to_string());
            format!(
                "an older import of {image} on {class}, kept for a way back (importsToKeep: {keep}); no cron imports it \
                 again: delete it only if you want to"
            )
        }
        Reason::NoDigest => format!(
            "{image} is on {class}: DataImportCron {} knows no digest and imports it again at best when it next looks \
             for an image",
            cron.name
        ),
    };
    let _ = writeln!(text, "\n# {why}");
    let prefix = if *reason == Reason::Safe { "" } else { "# " };
    for resource in deletion.resources() {
        let _ = writeln!(
            text,
            "{prefix}kubectl delete {resource} -n {} {} --ignore-not-found",
            volume.namespace, volume.name
        );
    }
}

/// What is stale and not to be deleted.
fn never(view: &ClusterView, spot: &Spot<'_>, text: &mut String) {
    let image = format!("{}/{}", spot.source.namespace, spot.source.name);
    let why = match spot.comeback {
        Some(Comeback::ByItself) => {
            let version = view.cdi_version();
            let version =
                version.map_or_else(String::new, |version| format!(" {}", version.short()));
            format!("{image}: CDI{version} imports it again by itself; nothing is to be deleted")
        }
        Some(Comeback::Uploaded) => {
            let class = spot.expected.name().unwrap_or("the expected class");
            format!(
                "{image} was uploaded and no import brings it back: copy or upload it again on {class}"
            )
        }
        Some(Comeback::Unknown) => format!(
            "{image}: whether CDI imports it again by itself is not known (no version of CDI could be read); nothing is to \
             be deleted before that is"
        ),
        Some(Comeback::TooOld | Comeback::Adopted | Comeback::NoDigest) | None => return,
    };
    let _ = writeln!(text, "\n# {why}");
}
