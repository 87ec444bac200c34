//! Tools that see a difference for ever: Argo CD compares what is in Git with what is there, and a namespace that is
//! filled in is one. Flux is none of them: it asks the API server by a dry run, which fills it in too.

use serde_json::Value;

use super::evidence::{Evidence, LAST_APPLIED, items, text, told};
use super::line::{Line, Lines, some};

const TOPIC: &str = "managers";
/// The annotation, and the label of older settings (Argo CD's `docs/user-guide/resource_tracking.md`).
const TRACKED: [&str; 2] = [
    "/metadata/annotations/argocd.argoproj.io~1tracking-id",
    "/metadata/labels/argocd.argoproj.io~1instance",
];

pub(super) fn check(evidence: &Evidence<'_>) -> Lines {
    let machines = told(&evidence.live(TOPIC)?.machines, TOPIC)?;
    let objects = &machines.objects;
    let of = if machines.more {
        "of the first "
    } else {
        "of "
    };
    let tracked: Vec<&Value> = objects.iter().filter(|own| is_tracked(own)).collect();
    let drifting = tracked.iter().filter(|own| lacks_namespace(own));
    let names: Vec<String> = drifting
        .map(|own| {
            format!(
                "{}/{}",
                text(own, "/metadata/namespace"),
                text(own, "/metadata/name")
            )
        })
        .collect();
    let seen = objects.len();
    if !names.is_empty() {
        let sentence = format!(
            "{} {of}{seen} virtual machines are in Git without the namespace of their boot source, so that Argo CD shows them as out of sync: {}",
            names.len(),
            some(&names)
        );
        let cure = "goldkeeper check FOLDER --write, in the repository that Argo CD reads";
        return Ok(vec![Line::warning(TOPIC, sentence).cure(cure)]);
    }
    let sentence = format!("none {of}{seen} virtual machines drifts from what Argo CD applied");
    Ok(vec![Line::ok(TOPIC, sentence)])
}

fn is_tracked(machine: &Value) -> bool {
    TRACKED
        .iter()
        .any(|pointer| !text(machine, pointer).is_empty())
}

/// Whether a reference has a namespace, and had none when it was applied last. Who applies on the server's side leaves
/// no such annotation, and nothing can be told of it: lists of templates have one owner as a whole.
fn lacks_namespace(machine: &Value) -> bool {
    let Ok(applied) = serde_json::from_str::<Value>(text(machine, LAST_APPLIED)) else {
        return false;
    };
    let now = items(machine, "/spec/dataVolumeTemplates");
    let mut templates = items(&applied, "/spec/dataVolumeTemplates").iter();
    templates.any(|template| {
        let name = text(template, "/metadata/name");
        let named = !text(template, "/spec/sourceRef/name").is_empty();
        let twin = now.iter().find(|own| text(own, "/metadata/name") == name);
        named
            && text(template, "/spec/sourceRef/namespace").is_empty()
            && twin.is_some_and(|own| !text(own, "/spec/sourceRef/namespace").is_empty())
    })
}
