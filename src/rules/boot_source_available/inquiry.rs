//! What is found out about one boot source.

use std::cell::OnceCell;

use crate::admission::{
    BootReference, FieldPath, Machine, NamespacedName, Object, Resource, VolumeRequest,
};
use crate::cluster::{
    DataSource, Fact, Facts, Kind, Known, Someone, SourceObject, SourceReference,
};
use crate::document::nearest;
use crate::rules::rights::{may_clone, may_get, requester, sees};
use crate::rules::{Stage, Subject};

use super::inference::Inference;
use super::words::{self, Need, Place, Refusal};
use super::{BootSourceAvailable, Fault};

/// One request, and whose it is.
pub(super) struct Inquiry<'r, 'c> {
    rule: &'r BootSourceAvailable,
    pub(super) subject: &'r Subject<'r>,
    pub(super) machine: Option<Machine<'r>>,
    pub(super) facts: &'r Facts<'c>,
    /// Who reads the answer: made when it is asked for, as most machines name what is ready and in reach.
    reader: OnceCell<Someone>,
    /// In whose name the disk is cloned, likewise.
    cloner: OnceCell<Someone>,
}

impl<'r, 'c> Inquiry<'r, 'c> {
    pub(super) fn new(
        rule: &'r BootSourceAvailable,
        subject: &'r Subject<'r>,
        object: &'r Object<'r>,
        facts: &'r Facts<'c>,
    ) -> Self {
        Self {
            rule,
            subject,
            machine: Machine::of(subject.resource, object),
            facts,
            reader: OnceCell::new(),
            cloner: OnceCell::new(),
        }
    }

    fn reader(&self) -> &Someone {
        self.reader
            .get_or_init(|| requester(&self.subject.request.user_info))
    }

    fn cloner(&self) -> &Someone {
        self.cloner.get_or_init(|| match &self.machine {
            Some(machine) => {
                Someone::service_account(self.subject.namespace, service_account(machine))
            }
            None => self.reader().clone(),
        })
    }

    /// What is wrong with the boot source of a data volume.
    pub(super) fn findings(&self, volume: &VolumeRequest<'_>) -> Vec<Fault> {
        if let Some(reference) = BootReference::of(*volume) {
            return self.data_source(volume, &reference);
        }
        let Some(source) = volume.source else {
            return Vec::new();
        };
        let sources = [
            (SourceObject::PersistentVolumeClaim, source.pvc.get()),
            (SourceObject::VolumeSnapshot, source.snapshot.get()),
        ];
        let named = sources
            .into_iter()
            .find_map(|(object, named)| Some((object, named?)));
        named
            .and_then(|(object, named)| self.concrete(volume, object, named))
            .into_iter()
            .collect()
    }

    fn data_source(&self, volume: &VolumeRequest<'_>, reference: &BootReference<'_>) -> Vec<Fault> {
        let Some(place) = self.place(reference) else {
            return Vec::new();
        };
        let inference = Inference::of(self, volume);
        let is_standalone = self.subject.resource == Resource::DataVolumes;
        if self.subject.stage == Stage::Fill && inference.is_none() && !is_standalone {
            return Vec::new();
        }
        if let Some(source) = self.ready_in_view(place) {
            return self.ready(place, source, &inference);
        }
        // Asked for together with the object.
        let seen = self.sees_data_sources(place.namespace);
        let current = self
            .facts
            .current(Kind::DataSource, place.namespace, place.name);
        match current {
            Known::Known(Some(Fact::DataSource(source))) if source.is_ready() => {
                self.ready(place, source, &inference)
            }
            Known::Known(Some(Fact::DataSource(source))) => {
                let missing = inference.faults(self, place, source);
                let retired = self.retired(place).is_some();
                let own = self.unavailable(place, Some(source), seen, !missing.is_empty());
                // One word is enough where the reader can't see more, or is told to look elsewhere.
                let missing = missing.into_iter().filter(|_| seen && !retired);
                missing.chain([own]).collect()
            }
            Known::Known(_) => {
                let is_refused = is_standalone || !inference.is_none();
                vec![self.unavailable(place, None, seen, is_refused)]
            }
            Known::Unknown => vec![Fault::Unknown(words::unknown(
                place,
                self.facts.why_unknown(Kind::DataSource),
            ))],
        }
    }

    /// A `DataSource` that a disk can be cloned from, if one may.
    fn ready(
        &self,
        place: Place<'_>,
        source: &DataSource,
        inference: &Inference<'_>,
    ) -> Vec<Fault> {
        let missing = inference.faults(self, place, source);
        if !missing.is_empty() && !self.sees_data_sources(place.namespace) {
            return vec![self.unavailable(place, Some(source), false, true)];
        }
        let is_standalone = self.subject.resource == Resource::DataVolumes;
        let right = self.right_to(place, Some(source));
        let right = right.map(|fault| fault.at(place, is_standalone));
        missing.into_iter().chain(right).collect()
    }

    /// Where a reference points to, unless another rule says where it should.
    fn place<'a>(&'a self, reference: &BootReference<'a>) -> Option<Place<'a>> {
        let source_ref = reference.source_ref;
        if source_ref.kind.get() != Some("DataSource") {
            return None;
        }
        let name = source_ref.name.get()?;
        let own = self.subject.namespace;
        let home = self
            .facts
            .view()
            .golden_image(name, self.rule.default_namespace.as_deref());
        let home = match home {
            Known::Known(image) => image.map(|image| image.namespace.name),
            Known::Unknown if source_ref.namespace.get().is_some() => None,
            Known::Unknown => return None,
        };
        let namespace = match (source_ref.namespace.get(), home) {
            (Some(namespace), _) => namespace,
            (None, Some(home)) if home != own => self.about_to_be_filled(name, home)?,
            (None, _) => own,
        };
        Some(Place {
            namespace,
            name,
            home: home.filter(|home| *home != namespace),
            reference: *reference,
        })
    }

    /// A golden name without namespace is `BootSourceNamespace`'s business, and that fills it in now. What `KubeVirt`
    /// then makes of it must be told now too.
    fn about_to_be_filled<'a>(&self, name: &str, home: &'a str) -> Option<&'a str> {
        let own = self
            .facts
            .view()
            .object(Kind::DataSource, self.subject.namespace, name);
        (self.subject.stage == Stage::Fill && own == Known::Known(None)).then_some(home)
    }

    /// What the view has and is ready needs no confirmation; anything else does.
    fn ready_in_view(&self, place: Place<'_>) -> Option<&'c DataSource> {
        let view = self.facts.view();
        match view.object(Kind::DataSource, place.namespace, place.name) {
            Known::Known(Some(Fact::DataSource(source))) if source.is_ready() => Some(source),
            _ => None,
        }
    }

    /// Where the golden image is now, if the place is where it was.
    fn retired<'a>(&self, place: Place<'a>) -> Option<&'a str> {
        place
            .home
            .filter(|_| self.facts.view().is_golden_place(place.namespace))
    }

    /// A `DataSource` that is not there (no `source`) or not ready.
    fn unavailable(
        &self,
        place: Place<'_>,
        source: Option<&DataSource>,
        is_seen: bool,
        is_refused: bool,
    ) -> Fault {
        if is_seen {
            let violation = match (self.retired(place), source) {
                (Some(home), _) => words::retired(place, home, source),
                (None, Some(source)) => words::not_ready(place, source),
                (None, None) => words::missing(place, self.near(place)),
            };
            return Fault::new(is_refused, violation);
        }
        // Whether it is there must make no difference to who can't see it.
        match self.right_to(place, source) {
            Some(right @ Right::Missing(_)) => right.at(place, is_refused),
            _ => Fault::new(is_refused, words::invisible(place)),
        }
    }

    /// The nearest name of a `DataSource` that the reader can see: in that namespace or, where none is named, of a golden
    /// image.
    fn near(&self, place: Place<'_>) -> Option<String> {
        let view = self.facts.view();
        let here = view.objects_in(Kind::DataSource, place.namespace);
        if let Some(name) = nearest(place.name, here.iter().map(|seen| seen.name)) {
            return Some(name.to_owned());
        }
        if place.reference.source_ref.namespace.get().is_some() {
            return None;
        }
        let default = self.rule.default_namespace.as_deref();
        let names = view.golden_names(default);
        let name = nearest(place.name, names.iter().map(String::as_str))?;
        let image = view.golden_image(name, default).known()??;
        let home = image.namespace.name;
        let seen = self.sees_data_sources(home);
        seen.then(|| format!("{name} in {home}"))
    }

    pub(super) fn sees_data_sources(&self, namespace: &str) -> bool {
        sees(self.facts, self.reader(), Kind::DataSource, namespace)
    }

    /// What keeps the disk from being cloned from a `DataSource`, which need not be there.
    fn right_to(&self, place: Place<'_>, source: Option<&DataSource>) -> Option<Right> {
        match source.and_then(|source| source.source.as_ref()) {
            Some(to) if to.object == SourceObject::DataSource => {
                let namespace = or(&to.namespace, place.namespace);
                let target = self.pointed_at(namespace, &to.name);
                // Both are asked for together.
                let clone = target.and_then(|target| self.right_from(namespace, target));
                self.right_to_read(namespace, &to.name).or(clone)
            }
            Some(to) => self.right_from(place.namespace, to),
            // A PVC is what most rights are enough for.
            None => self.right(SourceObject::PersistentVolumeClaim, place.namespace, ""),
        }
    }

    /// A pointer is followed by one step, within its namespace.
    fn pointed_at(&self, namespace: &str, name: &str) -> Option<&'c SourceReference> {
        let view = self.facts.view();
        match view.object(Kind::DataSource, namespace, name).known()?? {
            Fact::DataSource(target) => target.source.as_ref(),
            _ => None,
        }
    }

    fn right_from(&self, namespace: &str, source: &SourceReference) -> Option<Right> {
        let namespace = or(&source.namespace, namespace);
        self.right(source.object, namespace, &source.name)
    }

    /// What keeps the disk from being cloned from an object, if rights can be told at all.
    fn right(&self, object: SourceObject, namespace: &str, name: &str) -> Option<Right> {
        self.missing(Need::Clone, namespace, || {
            may_clone(self.facts, self.cloner(), object, namespace, name)
        })
    }

    /// What keeps a pointer from being followed.
    fn right_to_read(&self, namespace: &str, name: &str) -> Option<Right> {
        self.missing(Need::Read, namespace, || {
            may_get(self.facts, self.cloner(), Kind::DataSource, namespace, name)
        })
    }

    /// The answer to a question about rights in another namespace, if it is not yes.
    fn missing(
        &self,
        need: Need,
        namespace: &str,
        ask: impl FnOnce() -> Known<bool>,
    ) -> Option<Right> {
        let can_be_asked = self.rule.check_clone_rights && self.facts.view().is_live();
        if !can_be_asked || namespace == self.subject.namespace {
            return None;
        }
        let refusal = || Refusal {
            cloner: self.cloner().user.clone(),
            need,
            namespace: namespace.to_owned(),
        };
        match ask() {
            Known::Known(true) => None,
            Known::Known(false) => Some(Right::Missing(refusal())),
            Known::Unknown => Some(Right::Unknown(refusal())),
        }
    }

    /// A PVC or a snapshot that is named itself.
    fn concrete(
        &self,
        volume: &VolumeRequest<'_>,
        object: SourceObject,
        named: &NamespacedName<'_>,
    ) -> Option<Fault> {
        let (namespace, name) = (named.namespace.get()?, named.name.get()?);
        if self.subject.stage == Stage::Fill {
            return None;
        }
        let (kind, field) = match object {
            SourceObject::PersistentVolumeClaim => (Kind::PersistentVolumeClaim, "pvc"),
            SourceObject::VolumeSnapshot => (Kind::VolumeSnapshot, "snapshot"),
            SourceObject::DataSource => return None,
        };
        let path = volume.path().field("source").field(field).field("name");
        let right = self.right(object, namespace, name);
        let is_absent = self.facts.view().is_golden_place(namespace)
            && self.facts.seen_or_confirmed(kind, namespace, name) == Known::Known(None);
        match right {
            Some(right) => Some(right.of(path, &format!("{namespace}/{name}"), false)),
            None if is_absent && sees(self.facts, self.reader(), kind, namespace) => {
                let image = self.image_of(namespace, name);
                Some(Fault::Told(words::no_object(
                    kind, path, namespace, name, image,
                )))
            }
            None => None,
        }
    }

    /// The golden image that an import was of: imports are named after it, with twelve digits of a digest
    /// (`createDvName` in CDI's `dataimportcron-controller.go`).
    fn image_of<'a>(&self, namespace: &str, name: &'a str) -> Option<&'a str> {
        let (image, digest) = name.rsplit_once('-')?;
        let is_digest = digest.len() == 12 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        let found = self.facts.view().object(Kind::DataSource, namespace, image);
        (is_digest && matches!(found, Known::Known(Some(_)))).then_some(image)
    }
}

/// A right that a clone needs and that is missing, or of which nothing is known.
pub(super) enum Right {
    Missing(Refusal),
    Unknown(Refusal),
}

impl Right {
    /// As a fault of a `DataSource`.
    fn at(self, place: Place<'_>, is_refused: bool) -> Fault {
        let path = place.reference.path().field("name");
        self.of(
            path,
            &format!("{}/{}", place.namespace, place.name),
            is_refused,
        )
    }

    fn of(self, path: FieldPath, source: &str, is_refused: bool) -> Fault {
        match self {
            Self::Missing(refusal) => {
                Fault::new(is_refused, words::no_right(&refusal, path, source))
            }
            Self::Unknown(refusal) => Fault::Unknown(words::unknown_right(&refusal, path)),
        }
    }
}

fn or<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}

/// In whose name virt-controller clones the disks of a machine (`pkg/virt-controller/watch/vm/vm.go` in
/// kubevirt/kubevirt).
fn service_account<'o>(machine: &Machine<'o>) -> &'o str {
    let Some(template) = machine.template else {
        return "default";
    };
    let own = template.service_account_name.get();
    let mounted = || {
        let mut volumes = template.volumes.iter();
        volumes.find_map(|(_, volume)| volume.service_account.get()?.service_account_name.get())
    };
    own.or_else(mounted).unwrap_or("default")
}
