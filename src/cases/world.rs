//! The cluster of a case: written down, or as a running goldkeeper sees it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use crate::cluster::{
    Access, Answer, Builder, ClusterView, Coverage, Fact, Kind, Known, Question, Scope,
};
use crate::engine::Read;

use super::Files;
use super::format::{CaseFile, Cluster, Live, Right, Source};

/// What a live read brings of an object.
type Found = (Question, Known<Option<Fact>>);

/// The view, and what live reads bring.
type Seen = (Arc<ClusterView>, Box<Read>);

pub(super) fn of(case: &CaseFile, folder: &Path, files: &dyn Files) -> Result<Seen, String> {
    match &case.live {
        Some(live) => live.seen(folder, files),
        None => Ok((
            case.cluster.view(folder, files)?,
            Box::new(|_| Known::Unknown),
        )),
    }
}

/// The documents of all sources; the items of a `List` count as documents of their own.
fn objects(sources: &[Source], folder: &Path, files: &dyn Files) -> Result<Vec<Value>, String> {
    let mut objects = Vec::new();
    for source in sources {
        match source {
            Source::Document(document) => objects.push(document.clone()),
            Source::File(file) => objects.extend(files.documents(&folder.join(file))?),
        }
    }
    let items =
        objects.into_iter().flat_map(
            |mut object| match object.get_mut("items").map(Value::take) {
                Some(Value::Array(items)) => items,
                _ => vec![object],
            },
        );
    Ok(items.collect())
}

impl Cluster {
    /// Files that stand first are read together, and once for all cases that name them.
    fn view(&self, folder: &Path, files: &dyn Files) -> Result<Arc<ClusterView>, String> {
        let first = self.0.iter().map_while(Source::file);
        let first: Vec<PathBuf> = first.map(|file| folder.join(file)).collect();
        let rest = self.0.get(first.len()..).unwrap_or_default();
        let paths: Vec<&Path> = first.iter().map(|path| &**path).collect();
        if rest.is_empty() && !paths.is_empty() {
            return files.cluster(&paths);
        }
        let mut builder = if paths.is_empty() {
            Builder::complete()
        } else {
            Builder::on(&*files.cluster(&paths)?)
        };
        for object in &objects(rest, folder, files)? {
            builder.fold(object);
        }
        Ok(builder.build())
    }
}

impl Source {
    const fn file(&self) -> Option<&PathBuf> {
        match self {
            Self::File(file) => Some(file),
            Self::Document(_) => None,
        }
    }
}

impl Live {
    fn seen(&self, folder: &Path, files: &dyn Files) -> Result<Seen, String> {
        let mut builder = Builder::live();
        for kind in Kind::ALL {
            let info = kind.info();
            let coverage = match self.unknown.get(info.kind) {
                Some(reason) => Coverage::Unknown(Arc::from(reason.as_str())),
                None if info.scope == Scope::OnDemand => Coverage::OnDemand,
                None => Coverage::Watched,
            };
            builder.cover(kind, coverage);
        }
        for name in self.unknown.keys() {
            find_kind(name)?;
        }
        for object in objects(&self.seen, folder, files)? {
            builder.fold(&object);
        }
        let objects = self.objects(folder, files)?;
        let (allowed, denied) = (self.allowed.clone(), self.denied.clone());
        let read = move |question: &Question| match question {
            Question::Object { .. } => {
                let mut objects = objects.iter();
                let found = objects.find(|(asked, _)| asked == question);
                found.map_or(Known::Unknown, |(_, object)| {
                    object.clone().map(Answer::Object)
                })
            }
            Question::Access(access) => {
                let says = |rights: &[Right]| rights.iter().any(|right| right.is_of(access));
                match (says(&denied), says(&allowed)) {
                    (true, _) => Known::Known(Answer::Access(false)),
                    (_, true) => Known::Known(Answer::Access(true)),
                    _ => Known::Unknown,
                }
            }
        };
        Ok((builder.build(), Box::new(read)))
    }

    /// What live reads of objects bring.
    fn objects(&self, folder: &Path, files: &dyn Files) -> Result<Vec<Found>, String> {
        let question = |kind, namespace: &str, name: &str| Question::Object {
            kind,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        };
        let mut found = Vec::new();
        for object in objects(&self.present, folder, files)? {
            let kind = object.get("kind").and_then(Value::as_str);
            let kind = find_kind(kind.unwrap_or_default())?;
            let (key, fact) =
                Fact::read(kind, &object).ok_or("an object under `present` has no name")?;
            found.push((question(kind, &key.namespace, &key.name), fact.map(Some)));
        }
        for key in &self.absent {
            let kind = find_kind(&key.kind)?;
            found.push((
                question(kind, &key.namespace, &key.name),
                Known::Known(None),
            ));
        }
        Ok(found)
    }
}

fn find_kind(name: &str) -> Result<Kind, String> {
    let mut kinds = Kind::ALL.into_iter();
    kinds
        .find(|kind| kind.info().kind == name)
        .ok_or_else(|| format!("`{name}` is not a kind that goldkeeper looks at"))
}

impl Right {
    fn is_of(&self, access: &Access) -> bool {
        let is = |wanted: &Option<String>, found: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == found)
        };
        let resource = match access.subresource {
            "" => access.resource.to_owned(),
            subresource => format!("{}/{subresource}", access.resource),
        };
        let mut groups = access.who.groups.iter();
        is(&self.user, &access.who.user)
            && (self.group.as_ref()).is_none_or(|wanted| groups.any(|group| group == wanted))
            && is(&self.verb, access.verb)
            && is(&self.resource, &resource)
            && is(&self.namespace, &access.namespace)
            && is(&self.name, &access.name)
    }
}
