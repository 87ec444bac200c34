//! The one way in which a view comes about.

use std::sync::Arc;

use serde_json::Value;

use super::golden::Golden;
use super::storage::Defaults;
use super::view::Table;
use super::{ClusterView, Coverage, Fact, Kind, Known, ObjectKey, Pruned, Scope};

/// Folds objects into a view, whether they come from a watch, a file or a list.
///
/// A list is gathered aside ([`Builder::begin`], [`Builder::listed`]) and swapped in whole ([`Builder::finish`]), so
/// that no reader ever sees half of one.
#[derive(Debug)]
pub struct Builder {
    view: ClusterView,
    staged: Vec<(Kind, Box<str>, Table)>,
}

impl Builder {
    /// For a live cluster: nothing is known yet, and kinds that are not followed are read on demand.
    pub fn live() -> Self {
        let mut view = ClusterView::unknown();
        for (kind, coverage) in Kind::ALL.into_iter().zip(&mut view.coverage) {
            if kind.info().scope == Scope::OnDemand {
                *coverage = Coverage::OnDemand;
            }
        }
        Self {
            view,
            staged: Vec::new(),
        }
    }

    /// For files, which are taken as complete for every kind.
    pub fn complete() -> Self {
        Self {
            view: ClusterView::new(&Coverage::Complete),
            staged: Vec::new(),
        }
    }

    /// For more objects on top of a view.
    pub fn on(view: &ClusterView) -> Self {
        Self {
            view: view.clone(),
            staged: Vec::new(),
        }
    }

    /// Folds in an object from a file, or the items of a `List`. Returns how many objects were of a kind that the view
    /// keeps.
    pub fn fold(&mut self, object: &Value) -> usize {
        self.add(Pruned::of(object))
    }

    /// Adds what was kept of objects as they were read. Returns how many there are. What the header of a snapshot says
    /// of what it holds counts; without one everything is taken as it was.
    pub fn add(&mut self, pruned: Pruned) -> usize {
        let count = pruned.objects.len();
        self.view.openshift |= pruned.openshift;
        for snapshot in pruned.snapshots.iter().flatten() {
            // It was asked; the rest are signs.
            self.view.openshift = snapshot.openshift;
            for (kind, own) in Kind::ALL.into_iter().zip(&mut self.view.coverage) {
                *own = snapshot.coverage(kind);
            }
        }
        for (kind, key, fact) in pruned.objects {
            self.apply(kind, key, fact);
        }
        count
    }

    /// Whether the cluster is an OpenShift.
    pub const fn openshift(&mut self, openshift: bool) {
        self.view.openshift = openshift;
    }

    /// A list of a kind begins, of one namespace or (`""`) of all.
    pub fn begin(&mut self, kind: Kind, namespace: &str) {
        self.staged
            .retain(|(other, scope, _)| *other != kind || &**scope != namespace);
        self.staged.push((kind, namespace.into(), Table::default()));
    }

    /// An object of a list that has begun.
    pub fn listed(&mut self, kind: Kind, namespace: &str, key: ObjectKey, fact: Known<Fact>) {
        let mut staged = self.staged.iter_mut();
        if let Some((.., table)) =
            staged.find(|(other, scope, _)| *other == kind && &**scope == namespace)
        {
            table.insert(key, fact);
        }
    }

    /// The list is whole: it takes the place of what was known.
    pub fn finish(&mut self, kind: Kind, namespace: &str) {
        let found = self
            .staged
            .iter()
            .position(|(other, scope, _)| *other == kind && &**scope == namespace);
        let Some(position) = found else {
            return;
        };
        let (_, scope, table) = self.staged.swap_remove(position);
        if scope.is_empty() {
            *self.view.table_mut(kind) = table;
        } else {
            let own = self.view.table_mut(kind);
            own.remove_namespace(namespace);
            own.take_namespace(namespace, &table);
        }
    }

    /// An object is new or has changed. Returns whether that changes the view.
    pub fn apply(&mut self, kind: Kind, key: ObjectKey, fact: Known<Fact>) -> bool {
        self.view.table_mut(kind).insert(key, fact)
    }

    /// An object is gone. Returns whether that changes the view.
    pub fn delete(&mut self, kind: Kind, key: &ObjectKey) -> bool {
        self.view.table_mut(kind).remove(key)
    }

    /// A namespace is no longer followed; a list of it that has begun is dropped too.
    pub fn forget_namespace(&mut self, kind: Kind, namespace: &str) {
        self.staged
            .retain(|(other, scope, _)| *other != kind || &**scope != namespace);
        self.view.table_mut(kind).remove_namespace(namespace);
    }

    /// How much is known of a kind from now on. Objects of a kind that is no longer served are gone; those of a kind
    /// that can't be listed at the moment stay.
    pub fn cover(&mut self, kind: Kind, coverage: Coverage) {
        if coverage == Coverage::NotServed {
            *self.view.table_mut(kind) = Table::default();
        }
        if let Some(own) = self.view.coverage.get_mut(kind as usize) {
            *own = coverage;
        }
    }

    /// The view as of now.
    pub fn build(&mut self) -> Arc<ClusterView> {
        self.view.golden = Golden::of(&self.view);
        self.view.defaults = Defaults::of(&self.view);
        Arc::new(self.view.clone())
    }
}
