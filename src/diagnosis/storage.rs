//! Whether there is one default storage class of each sort, and which one counts where there are several.

use crate::cluster::{Known, StorageClass};

use super::evidence::Evidence;
use super::line::{Line, Lines};

const TOPIC: &str = "storage";
const VIRT: &str = "storageclass.kubevirt.io/is-default-virt-class";
const PLAIN: &str = "storageclass.kubernetes.io/is-default-class";

pub(super) fn check(evidence: &Evidence<'_>) -> Lines {
    let view = evidence.view;
    let (Known::Known(classes), Known::Known(defaults)) =
        (view.storage_classes(), view.default_classes())
    else {
        return Err(vec![Line::skipped(
            TOPIC,
            "the storage classes can't be listed",
        )]);
    };
    let with = |is_default: fn(&StorageClass) -> bool| {
        let named = classes.iter().filter(|(_, class)| is_default(class));
        named.map(|(name, _)| *name).collect::<Vec<_>>()
    };
    let virt = with(|class| class.virt_default);
    let plain = with(|class| class.plain_default);
    let several = [
        several(
            &virt,
            "default classes for virtual machines",
            VIRT,
            defaults.virt,
        ),
        several(&plain, "plain default classes", PLAIN, defaults.plain),
    ];
    let mut lines: Vec<Line> = several.into_iter().flatten().collect();
    let Some(virt) = defaults.virt else {
        let sentence = "there is no default storage class: golden images stay where they are, and disks without a class wait";
        lines.push(
            Line::warning(TOPIC, sentence)
                .cure(format!("kubectl annotate storageclass NAME {VIRT}=true")),
        );
        return Ok(lines);
    };
    if lines.is_empty() {
        let plain = defaults.plain.unwrap_or("none");
        lines.push(Line::ok(
            TOPIC,
            format!("default for virtual machines {virt}, plain default {plain}"),
        ));
    }
    Ok(lines)
}

/// That more than one class is marked as the default, and how to leave the mark to the one that counts.
fn several(names: &[&str], what: &str, annotation: &str, winner: Option<&str>) -> Option<Line> {
    let winner = winner.filter(|_| names.len() > 1)?;
    let sentence = format!(
        "{} {what}: {}; CDI takes {winner}, the newest",
        names.len(),
        names.join(", ")
    );
    let line = Line::warning(TOPIC, sentence);
    let others = names.iter().filter(|name| **name != winner);
    Some(others.fold(line, |line, name| {
        line.cure(format!(
            "kubectl annotate storageclass {name} {annotation}-"
        ))
    }))
}
