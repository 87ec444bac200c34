//! The view itself.

use std::collections::HashMap;
use std::sync::Arc;

use super::golden::Golden;
use super::storage::Defaults;
use super::{Fact, Kind, Known, ObjectKey};

/// How much is known of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// Not listed yet.
    Pending,
    /// Can't be listed, and why.
    Unknown(Arc<str>),
    /// Followed by a watch: what is there is there; what is missing may only be late.
    Watched,
    /// Not followed: read one by one when needed.
    OnDemand,
    /// The cluster does not serve this kind: there are none.
    NotServed,
    /// Taken from files that hold all of them: what is missing is absent.
    Complete,
    /// Taken from a snapshot that holds those of some namespaces: what is missing there is absent.
    Within(Arc<[Box<str>]>),
}

impl Coverage {
    /// Whether every object of the kind was seen, as far as they are wanted.
    pub const fn is_known(&self) -> bool {
        matches!(
            self,
            Self::Watched | Self::NotServed | Self::Complete | Self::Within(_)
        )
    }

    /// Whether an object that is missing in a namespace is certainly absent.
    pub fn is_final(&self, namespace: &str) -> bool {
        match self {
            Self::NotServed | Self::Complete => true,
            Self::Within(namespaces) => namespaces.iter().any(|own| **own == *namespace),
            Self::Pending | Self::Unknown(_) | Self::Watched | Self::OnDemand => false,
        }
    }
}

/// Names and facts are shared between views: a change to one of ten thousand namespaces copies pointers, not objects.
type Named = HashMap<Arc<str>, Arc<Known<Fact>>>;

/// The objects of one kind, by namespace and name. Cheap to copy: what did not change is shared.
#[derive(Clone, Debug, Default)]
pub(super) struct Table(Arc<HashMap<Arc<str>, Arc<Named>>>);

impl Table {
    pub(super) fn get(&self, namespace: &str, name: &str) -> Option<&Known<Fact>> {
        self.0.get(namespace)?.get(name).map(|fact| &**fact)
    }

    /// Whether anything changed by it: most updates of an object touch nothing that is kept of it.
    pub(super) fn insert(&mut self, key: ObjectKey, fact: Known<Fact>) -> bool {
        if self.get(&key.namespace, &key.name) == Some(&fact) {
            return false;
        }
        let namespaces = Arc::make_mut(&mut self.0);
        let named = namespaces.entry(key.namespace.into()).or_default();
        Arc::make_mut(named).insert(key.name.into(), Arc::new(fact));
        true
    }

    /// Whether there was such an object.
    pub(super) fn remove(&mut self, key: &ObjectKey) -> bool {
        if self.get(&key.namespace, &key.name).is_none() {
            return false;
        }
        let namespaces = Arc::make_mut(&mut self.0);
        if let Some(named) = namespaces.get_mut(&*key.namespace) {
            Arc::make_mut(named).remove(&*key.name);
            if named.is_empty() {
                namespaces.remove(&*key.namespace);
            }
        }
        true
    }

    pub(super) fn remove_namespace(&mut self, namespace: &str) {
        Arc::make_mut(&mut self.0).remove(namespace);
    }

    /// Takes over all that another table has in a namespace.
    pub(super) fn take_namespace(&mut self, namespace: &str, other: &Self) {
        if let Some(named) = other.0.get(namespace) {
            Arc::make_mut(&mut self.0).insert(namespace.into(), named.clone());
        }
    }

    fn len(&self) -> usize {
        self.0.values().map(|named| named.len()).sum()
    }

    fn namespaces(&self) -> Vec<&str> {
        let mut namespaces: Vec<&str> = self.0.keys().map(|name| &**name).collect();
        namespaces.sort_unstable();
        namespaces
    }

    /// The objects of one namespace, by name.
    fn sorted_in(&self, namespace: &str) -> Vec<Seen<'_>> {
        Self::sort(self.0.get_key_value(namespace).into_iter())
    }

    pub(super) fn sorted(&self) -> Vec<Seen<'_>> {
        Self::sort(self.0.iter())
    }

    /// The objects of some namespaces, by namespace and name.
    fn sort<'v>(namespaces: impl Iterator<Item = (&'v Arc<str>, &'v Arc<Named>)>) -> Vec<Seen<'v>> {
        let mut objects: Vec<_> = namespaces
            .flat_map(|(namespace, named)| {
                named.iter().map(move |(name, fact)| Seen {
                    namespace,
                    name,
                    fact,
                })
            })
            .collect();
        objects.sort_unstable_by_key(|seen| (seen.namespace, seen.name));
        objects
    }
}

/// An object in the view.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'v> {
    /// Its namespace, `""` for a cluster-scoped kind.
    pub namespace: &'v str,
    /// Its name.
    pub name: &'v str,
    /// What is known of it.
    pub fact: &'v Known<Fact>,
}

/// What is known of the cluster at one moment. Immutable; a copy costs a few reference counts.
#[derive(Clone, Debug)]
pub struct ClusterView {
    pub(super) tables: [Table; Kind::ALL.len()],
    pub(super) coverage: [Coverage; Kind::ALL.len()],
    pub(super) openshift: bool,
    pub(super) live: bool,
    pub(super) golden: Golden,
    pub(super) defaults: Known<Defaults>,
}

impl ClusterView {
    pub(super) fn new(coverage: &Coverage) -> Self {
        Self {
            tables: std::array::from_fn(|_| Table::default()),
            coverage: std::array::from_fn(|_| coverage.clone()),
            openshift: false,
            live: false,
            golden: Golden::default(),
            defaults: Known::Unknown,
        }
    }

    /// A view of a live cluster, of which nothing is known yet.
    pub fn unknown() -> Self {
        Self {
            live: true,
            ..Self::new(&Coverage::Pending)
        }
    }

    /// How much is known of a kind.
    #[expect(
        clippy::indexing_slicing,
        reason = "one element a kind, by the array's length"
    )]
    pub const fn coverage(&self, kind: Kind) -> &Coverage {
        &self.coverage[kind as usize]
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "one element a kind, by the array's length"
    )]
    pub(super) const fn table(&self, kind: Kind) -> &Table {
        &self.tables[kind as usize]
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "one element a kind, by the array's length"
    )]
    pub(super) const fn table_mut(&mut self, kind: Kind) -> &mut Table {
        &mut self.tables[kind as usize]
    }

    /// An object as far as the view goes: `Known(None)` means that the view has none, which for a watched kind is to be
    /// confirmed before a decision rests on it ([`Facts`](super::Facts)).
    pub fn object(&self, kind: Kind, namespace: &str, name: &str) -> Known<Option<&Fact>> {
        match self.table(kind).get(namespace, name) {
            Some(fact) => fact.as_ref().map(Some),
            None => match self.coverage(kind) {
                Coverage::Within(_) if !self.coverage(kind).is_final(namespace) => Known::Unknown,
                coverage if coverage.is_known() => Known::Known(None),
                _ => Known::Unknown,
            },
        }
    }

    /// All objects of a kind, by namespace and name.
    pub fn objects(&self, kind: Kind) -> Vec<Seen<'_>> {
        self.table(kind).sorted()
    }

    /// The objects of a kind in one namespace, by name. Costs no more than that namespace holds.
    pub fn objects_in(&self, kind: Kind, namespace: &str) -> Vec<Seen<'_>> {
        self.table(kind).sorted_in(namespace)
    }

    /// How many objects of a kind are known.
    pub fn count(&self, kind: Kind) -> usize {
        self.table(kind).len()
    }

    /// The namespaces that hold an object of a kind, sorted.
    pub fn namespaces_of(&self, kind: Kind) -> Vec<&str> {
        self.table(kind).namespaces()
    }

    /// Whether the cluster is an OpenShift: it serves `config.openshift.io`.
    pub const fn is_openshift(&self) -> bool {
        self.openshift
    }

    /// Whether there is a live cluster behind the view, which can be asked what the view does not say.
    pub const fn is_live(&self) -> bool {
        self.live
    }

    /// Whether every kind is either listed or known to be out of reach, so that answers need not wait any longer.
    pub fn is_settled(&self) -> bool {
        !self.coverage.contains(&Coverage::Pending)
    }
}
