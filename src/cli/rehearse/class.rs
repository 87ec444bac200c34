//! Another default storage class.

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::cli::words::{counted, joined};
use crate::cluster::{ClusterView, Comeback, Coverage, Kind, Known};
use crate::document::suggest;
use crate::inventory::{ClassPlan, DiskClass, Effect, Fate, ImagePlan, Users};

use super::{Lines, Rehearsal};

/// What would become of everything, for people and for machines.
pub(super) fn tell(rehearsal: &Rehearsal<'_>) -> Result<(String, Value)> {
    let Rehearsal {
        view, census, name, ..
    } = rehearsal;
    let Known::Known(plan) = ClassPlan::of(view, census, name) else {
        bail!("{}", why_not(view, name));
    };
    let text = Telling {
        rehearsal,
        plan: &plan,
    }
    .text();
    Ok((text, machine(rehearsal, &plan)))
}

fn why_not(view: &ClusterView, name: &str) -> String {
    let Known::Known(classes) = view.storage_classes() else {
        let reason = match view.coverage(Kind::StorageClass) {
            Coverage::Unknown(reason) => reason.to_string(),
            _ => "one of them can't be read".to_owned(),
        };
        return format!("storage classes are not known: {reason}");
    };
    let known: Vec<&str> = classes.iter().map(|(name, _)| *name).collect();
    format!(
        "there is no storage class {name}: {}",
        suggest(name, &known)
    )
}

struct Telling<'t> {
    rehearsal: &'t Rehearsal<'t>,
    plan: &'t ClassPlan<'t>,
}

impl Telling<'_> {
    fn text(&self) -> String {
        let mut lines = Lines(self.title());
        self.images(&mut lines);
        lines.gap();
        self.clones(&mut lines);
        lines.gap();
        lines.unknown(&self.unknown());
        lines.end()
    }

    fn title(&self) -> String {
        let ClassPlan {
            name, before, mark, ..
        } = self.plan;
        let view = self.rehearsal.view;
        let with = |class: &str| match view.storage_class(class) {
            Some(known) => format!("{class} ({})", known.provisioner),
            None => class.to_owned(),
        };
        let now = match before.virt {
            Some(now) if now == *name => {
                return format!("{} is the default already:\n\n", with(name));
            }
            Some(now) => format!("now {}", with(now)),
            None => "now there is none".to_owned(),
        };
        format!(
            "If {} became the default by {}, {now}:\n\n",
            with(name),
            mark.annotation()
        )
    }

    fn images(&self, lines: &mut Lines) {
        let plan = self.plan;
        let cdi = self.rehearsal.view.cdi_version();
        let cdi = cdi.map_or_else(
            || "CDI".to_owned(),
            |version| format!("CDI {}", version.short()),
        );
        lines.add(
            &format!("imported again by {cdi}"),
            &self.named(|fate| fate == Fate::Again),
        );
        let by_hand = self.named(|fate| matches!(fate, Fate::ByHand(Comeback::TooOld)));
        lines.add(
            "imported again once deleted",
            &with(by_hand, "this CDI does not follow the class"),
        );
        let adopted = self.named(|fate| matches!(fate, Fate::ByHand(Comeback::Adopted)));
        lines.add(
            "imported again once deleted",
            &with(adopted, "the cron takes the import for right"),
        );
        let perhaps = self.named(|fate| matches!(fate, Fate::ByHand(Comeback::NoDigest)));
        lines.add(
            "perhaps imported again",
            &with(perhaps, "the cron knows no digest yet"),
        );
        lines.space(plan.space(), &format!(" on {}", plan.name));
        lines.add("older imports left", &self.older());
        let never = self.named(|fate| fate == Fate::Never);
        lines.add(
            "never imported again",
            &with(never, "uploaded: copy or upload it again"),
        );
        for (class, images) in self.explicit() {
            lines.add("unchanged", &format!("{images} (kept on {class})"));
        }
        let there = self.named(|fate| fate == Fate::There);
        lines.add("unchanged", &with(there, "there already"));
        let nothing = self.named(|fate| fate == Fate::Nothing);
        lines.add("unchanged", &with(nothing, "no image at the moment"));
    }

    /// The images of one fate, by name.
    fn named(&self, wanted: impl Fn(Fate<'_>) -> bool) -> String {
        let images = self.plan.images_that(wanted);
        let names: Vec<&str> = images.iter().map(|image| image.source.name).collect();
        joined(&names)
    }

    fn explicit(&self) -> Vec<(String, String)> {
        let mut classes: Vec<&str> = Vec::new();
        for image in &self.plan.images {
            if let Fate::Explicit(class) = image.fate
                && !classes.contains(&class)
            {
                classes.push(class);
            }
        }
        let named =
            |class: &str| self.named(|fate| matches!(fate, Fate::Explicit(own) if own == class));
        classes
            .into_iter()
            .map(|class| (class.to_owned(), named(class)))
            .collect()
    }

    fn older(&self) -> String {
        let images = self
            .plan
            .images
            .iter()
            .filter(|image| !image.older.is_empty());
        let texts: Vec<String> = images
            .map(|image| {
                let keep = image.source.cron.known().flatten();
                let keep = keep.and_then(|cron| cron.fact.imports_to_keep).unwrap_or(3);
                format!(
                    "{} of {} (importsToKeep {keep})",
                    image.older.len(),
                    image.source.name
                )
            })
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        with(joined(&texts), "goldkeeper boot-sources --delete-commands")
    }

    fn clones(&self, lines: &mut Lines) {
        let kinds = [
            ("full copies until imported", Effect::CopiesUntilImported),
            ("full copies from then on", Effect::CopiesForGood),
            ("fast from then on", Effect::FastFromThenOn),
            ("clones that can't be told", Effect::Unknown),
        ];
        let mut any = false;
        for (label, effect) in kinds {
            let users = self.plan.users_by(effect);
            if users.total() == 0 {
                continue;
            }
            any = true;
            let classes = self.classes_of(effect);
            lines.add(label, &format!("clones for {}{classes}", disks(&users)));
            if self.rehearsal.wide {
                lines.names(&users);
            }
        }
        if !any {
            lines.add("clones", "as fast or as slow as they are");
        }
    }

    /// Which class those disks name, if all of them name one.
    fn classes_of(&self, effect: Effect) -> String {
        let mut classes: Vec<&str> = Vec::new();
        for change in self
            .plan
            .clones
            .iter()
            .filter(|change| change.effect() == effect)
        {
            let class = match change.disk.class {
                DiskClass::Named(class) => class,
                DiskClass::Default => "the default",
                DiskClass::Missing => "a class that there is not",
            };
            if !classes.contains(&class) {
                classes.push(class);
            }
        }
        classes.sort_unstable();
        format!(" that ask for {}", joined(&classes))
    }

    fn unknown(&self) -> Vec<String> {
        let plan = self.plan;
        let view = self.rehearsal.view;
        let mut unknown = Vec::new();
        match view.storage_profile(plan.name) {
            None => unknown.push(format!(
                "StorageProfile {} was not found; assumed that clones are made by snapshots and images kept as claims",
                plan.name
            )),
            Some(profile) if profile.clone_strategy.is_none() => unknown.push(format!(
                "StorageProfile {} has no cloneStrategy; assumed snapshot",
                plan.name
            )),
            Some(_) => {}
        }
        for image in &plan.images {
            if let Fate::Unknown(why) = image.fate {
                unknown.push(format!("what becomes of {}: {why}", image.source.name));
            }
        }
        unknown.extend(self.rehearsal.gaps());
        unknown
    }
}

/// Adds a word in brackets to what is there.
fn with(text: String, word: &str) -> String {
    if text.is_empty() {
        return text;
    }
    format!("{text} ({word})")
}

/// Who makes clones, counted in disks.
pub(super) fn disks(users: &Users) -> String {
    let parts = [
        (users.machines, "disk", "of virtual machines"),
        (users.pools, "disk", "of pools"),
        (users.templates, "disk", "in templates"),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, noun, whose)| format!("{} {whose}", counted(count, noun)))
        .collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    joined(&parts)
}

fn machine(rehearsal: &Rehearsal<'_>, plan: &ClassPlan<'_>) -> Value {
    let telling = Telling { rehearsal, plan };
    let (space, unknown) = plan.space();
    let cost = |effect| users(&plan.users_by(effect));
    json!({
        "change": "defaultStorageClass",
        "name": plan.name,
        "annotation": plan.mark.annotation(),
        "before": {"virt": plan.before.virt, "plain": plan.before.plain},
        "after": {"virt": plan.after.virt, "plain": plan.after.plain},
        "cdiVersion": rehearsal.view.cdi_version().map(|version| version.text),
        "images": plan.images.iter().map(image).collect::<Vec<_>>(),
        "bytesNeeded": space,
        "imagesOfUnknownSize": unknown,
        "clones": {
            "fullCopiesUntilImported": cost(Effect::CopiesUntilImported),
            "fullCopiesForGood": cost(Effect::CopiesForGood),
            "fastFromThenOn": cost(Effect::FastFromThenOn),
            "unknown": cost(Effect::Unknown),
        },
        "notKnown": telling.unknown(),
    })
}

fn image(image: &ImagePlan<'_>) -> Value {
    let (fate, detail) = match image.fate {
        Fate::Again => ("importedAgain", None),
        Fate::ByHand(Comeback::NoDigest) => ("perhapsImportedOnceDeleted", None),
        Fate::ByHand(_) => ("importedOnceDeleted", None),
        Fate::Never => ("neverImportedAgain", None),
        Fate::Explicit(class) => ("unchanged", Some(class)),
        Fate::There => ("unchanged", None),
        Fate::Nothing => ("noImage", None),
        Fate::Unknown(why) => ("unknown", Some(why)),
    };
    let older: Vec<&str> = image.older.iter().map(|volume| volume.name).collect();
    json!({
        "namespace": image.source.namespace,
        "name": image.source.name,
        "fate": fate,
        "detail": detail,
        "bytes": image.size,
        "olderImportsLeft": older,
    })
}

/// Who is concerned, for machines.
pub(super) fn users(users: &Users) -> Value {
    json!({
        "virtualMachineDisks": users.machines,
        "poolDisks": users.pools,
        "templateDisks": users.templates,
        "first": users.names,
    })
}
