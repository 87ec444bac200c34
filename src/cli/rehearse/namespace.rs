//! Another namespace for boot images.

use anyhow::{Result, bail};
use serde_json::{Value, json};
use tokio::time::{Duration, Instant};

use crate::cli::words::joined;
use crate::cluster::{Answer, Known, Question};
use crate::diagnosis::clone_question;
use crate::document::is_dns_label;
use crate::inventory::{Destination, How, NamespacePlan, Stay, Users};

use super::class::{disks, users};
use super::{Lines, Rehearsal};

/// How long the API server may take to say who may clone.
const PATIENCE: Duration = Duration::from_secs(5);

/// What would become of everything, for people and for machines.
pub(super) fn tell(rehearsal: &Rehearsal<'_>) -> Result<(String, Value)> {
    let name = rehearsal.name;
    if !is_dns_label(name) {
        bail!(
            "{name} can't be the name of a namespace: write lower-case letters, digits and `-`, at most 63"
        );
    }
    let Known::Known(plan) = NamespacePlan::of(rehearsal.view, rehearsal.census, name) else {
        bail!("there is no HyperConverged, or it can't be read: nothing would move");
    };
    let rights = may_clone(rehearsal);
    let telling = Telling {
        rehearsal,
        plan: &plan,
        rights,
    };
    Ok((telling.text(), telling.machine()))
}

/// Whether everybody who is logged in may clone from the new namespace. Files say nothing about rights.
fn may_clone(rehearsal: &Rehearsal<'_>) -> Known<bool> {
    let Some(live) = rehearsal.estate.cluster.live() else {
        return Known::Unknown;
    };
    let question = Question::Access(clone_question(rehearsal.name));
    let asked = async { live.read(&question, Instant::now() + PATIENCE).await };
    match rehearsal.estate.runtime.block_on(asked) {
        Known::Known(Answer::Access(allowed)) => Known::Known(allowed),
        _ => Known::Unknown,
    }
}

/// What lets everybody see and clone boot images, as the platform has it in its own namespace
/// (`internal/operands/data-sources/resource.go` in kubevirt/ssp-operator).
fn rights_yaml(namespace: &str) -> String {
    format!(
        "\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: boot-images-view
  namespace: {namespace}
rules:
- apiGroups: [\"\"]
  resources: [persistentvolumeclaims, persistentvolumeclaims/status]
  verbs: [get, list, watch]
- apiGroups: [cdi.kubevirt.io]
  resources: [datavolumes, datasources]
  verbs: [get, list, watch]
- apiGroups: [cdi.kubevirt.io]
  resources: [datavolumes/source]
  verbs: [create]
- apiGroups: [snapshot.storage.k8s.io]
  resources: [volumesnapshots]
  verbs: [get, list, watch]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: boot-images-view
  namespace: {namespace}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: boot-images-view
subjects:
- apiGroup: rbac.authorization.k8s.io
  kind: Group
  name: system:authenticated
- apiGroup: rbac.authorization.k8s.io
  kind: Group
  name: system:serviceaccounts
"
    )
}

struct Telling<'t> {
    rehearsal: &'t Rehearsal<'t>,
    plan: &'t NamespacePlan<'t>,
    rights: Known<bool>,
}

impl Telling<'_> {
    fn text(&self) -> String {
        let name = self.rehearsal.name;
        let before = self.plan.before;
        let mut lines = Lines(if before.name == name {
            format!(
                "{name} is the golden namespace already ({}):\n\n",
                before.origin.describe()
            )
        } else {
            format!(
                "If {} were {name}, now {} ({}):\n\n",
                self.plan.settings.version.namespace_field(),
                before.name,
                before.origin.describe()
            )
        });
        lines.add("the namespace", &self.destination());
        self.images(&mut lines);
        lines.gap();
        self.references(&mut lines);
        lines.gap();
        lines.unknown(&self.unknown());
        if self.rights != Known::Known(true) {
            lines.gap();
            lines.0.push_str(
                "Users clone from there only with rights. These let everybody, as in the platform's own namespace; kubectl \
                 apply -f - takes them:\n\n",
            );
            lines.0.push_str(&rights_yaml(name));
        }
        lines.end()
    }

    fn destination(&self) -> String {
        let name = self.rehearsal.name;
        match self.plan.destination {
            Destination::Ready => "is there".to_owned(),
            Destination::Missing => {
                format!("does not exist and nobody makes it: kubectl create namespace {name}")
            }
            Destination::Terminating => "is being deleted: choose another, or wait".to_owned(),
            Destination::Unknown => "may or may not exist".to_owned(),
        }
    }

    fn images(&self, lines: &mut Lines) {
        let plan = self.plan;
        let moves: Vec<&str> = plan.moves.iter().map(|image| image.source.name).collect();
        lines.add("imported anew there", &joined(&moves));
        lines.space(plan.space(), "");
        let left = self.moves_that(|image| image.stays_behind == Some(true));
        let old = plan.before.name;
        if !left.is_empty() {
            lines.add(
                "left behind",
                &format!("{left} in {old} (retentionPolicy All: delete it by hand when nobody clones from it)"),
            );
        }
        let removed = self.moves_that(|image| image.stays_behind == Some(false));
        if !removed.is_empty() {
            lines.add(
                "deleted",
                &format!("{removed} in {old} (retentionPolicy None)"),
            );
        }
        let reasons = [
            (
                Stay::Customised,
                "the platform's template is customised and keeps its own namespace",
            ),
            (
                Stay::Own,
                "kept by a template or a DataImportCron of its own",
            ),
            (Stay::Uploaded, "uploaded: copy it, or upload it again"),
            (Stay::There, "there already"),
        ];
        for (stay, why) in reasons {
            let images = plan.stays.iter().filter(|(_, own)| *own == stay);
            let names: Vec<&str> = images.map(|(source, _)| source.name).collect();
            if !names.is_empty() {
                lines.add("stays where it is", &format!("{} ({why})", joined(&names)));
            }
        }
    }

    fn moves_that(&self, wanted: impl Fn(&crate::inventory::Move<'_>) -> bool) -> String {
        let moves = self.plan.moves.iter().filter(|image| wanted(image));
        let names: Vec<&str> = moves.map(|image| image.source.name).collect();
        joined(&names)
    }

    fn references(&self, lines: &mut Lines) {
        let old = self.plan.before.name;
        let by_name = self.plan.users_by(How::Reference);
        let placeholder = self.plan.moves.iter().any(|image| image.placeholder);
        let becomes = if placeholder {
            "where the platform keeps DataSources of these names that are never ready"
        } else {
            "where the images are no longer kept up to date"
        };
        if by_name.total() > 0 {
            lines.add(
                "references that break",
                &format!("{} name {old}, {becomes}", disks(&by_name)),
            );
            self.names(&by_name, lines);
        }
        let by_volume = self.plan.users_by(How::Volume);
        if by_volume.total() > 0 {
            lines.add(
                "clones of one import",
                &format!("{} name a claim or snapshot in {old}", disks(&by_volume)),
            );
            self.names(&by_volume, lines);
        }
        if by_name.total() + by_volume.total() == 0 {
            lines.add("references that break", "none that were counted");
        } else {
            lines.add(
                "what helps",
                "machines that are made already keep running; manifests need the new namespace, or BootSourceNamespace \
                 with retiredNamespaces redirects them",
            );
        }
    }

    fn names(&self, users: &Users, lines: &mut Lines) {
        if self.rehearsal.wide {
            lines.names(users);
        }
    }

    fn unknown(&self) -> Vec<String> {
        let mut unknown: Vec<String> = self.rehearsal.gaps().collect();
        if self.rights == Known::Unknown {
            unknown.push(
                "whether users may clone from there: files say nothing about rights".to_owned(),
            );
        }
        let unread = self.moves_that(|image| image.stays_behind.is_none());
        if !unread.is_empty() {
            unknown.push(format!(
                "what of {unread} is left behind: no DataImportCron was found"
            ));
        }
        unknown
    }

    fn machine(&self) -> Value {
        let plan = self.plan;
        let (space, unknown) = plan.space();
        let moves = plan.moves.iter().map(|image| {
            json!({
                "name": image.source.name,
                "from": image.source.namespace,
                "bytes": image.size,
                "staysBehind": image.stays_behind,
                "placeholderStays": image.placeholder,
            })
        });
        let stays = plan.stays.iter().map(|(source, stay)| {
            let why = match stay {
                Stay::Customised => "customised",
                Stay::Own => "ownTemplate",
                Stay::Uploaded => "uploaded",
                Stay::There => "there",
            };
            json!({"name": source.name, "namespace": source.namespace, "why": why})
        });
        json!({
            "change": "bootImageNamespace",
            "name": self.rehearsal.name,
            "field": plan.settings.version.namespace_field(),
            "before": {"name": plan.before.name, "from": plan.before.origin.describe()},
            "namespace": match plan.destination {
                Destination::Ready => "ready",
                Destination::Missing => "missing",
                Destination::Terminating => "terminating",
                Destination::Unknown => "unknown",
            },
            "moves": moves.collect::<Vec<_>>(),
            "stays": stays.collect::<Vec<_>>(),
            "bytesNeeded": space,
            "imagesOfUnknownSize": unknown,
            "referencesThatBreak": users(&plan.users_by(How::Reference)),
            "clonesOfOneImport": users(&plan.users_by(How::Volume)),
            "usersMayClone": self.rights.known(),
            "rights": rights_yaml(self.rehearsal.name),
            "notKnown": self.unknown(),
        })
    }
}
