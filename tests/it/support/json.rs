//! JSON as somebody might send it: the fields that the webhook looks at, with anything in them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;

/// JSON whose object keys have no order yet.
#[derive(Clone, Debug)]
pub(crate) enum Tree {
    Leaf(Value),
    List(Vec<Tree>),
    Object(BTreeMap<String, Tree>),
}

impl Tree {
    /// Its text. `order` decides in which order the keys of each object stand.
    pub(crate) fn text(&self, order: u64) -> String {
        let mut text = String::new();
        self.write(&mut text, order);
        text
    }

    fn write(&self, text: &mut String, order: u64) {
        match self {
            Self::Leaf(value) => {
                let _ = write!(text, "{value}");
            }
            Self::List(items) => {
                text.push('[');
                for (index, item) in items.iter().enumerate() {
                    text.push_str(if index > 0 { "," } else { "" });
                    item.write(text, order);
                }
                text.push(']');
            }
            Self::Object(entries) => {
                let mut entries: Vec<_> = entries.iter().collect();
                entries.sort_by_key(|(key, _)| {
                    let mut hasher = DefaultHasher::new();
                    (order, key).hash(&mut hasher);
                    hasher.finish()
                });
                text.push('{');
                for (index, (key, value)) in entries.into_iter().enumerate() {
                    text.push_str(if index > 0 { "," } else { "" });
                    let _ = write!(text, "{}:", Value::from(key.as_str()));
                    value.write(text, order);
                }
                text.push('}');
            }
        }
    }
}

fn leaf(value: impl Into<Value>) -> Tree {
    Tree::Leaf(value.into())
}

fn object(entries: Vec<(&str, Option<Tree>)>) -> Tree {
    let entries = entries
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Tree::Object(entries.collect())
}

const KEYS: &[&str] = &[
    "metadata",
    "spec",
    "name",
    "namespace",
    "generateName",
    "deletionTimestamp",
    "labels",
    "annotations",
    "ownerReferences",
    "apiVersion",
    "kind",
    "dataVolumeTemplates",
    "virtualMachineTemplate",
    "sourceRef",
    "target",
    "apiGroup",
    "source",
    "storage",
    "pvc",
    "snapshot",
    "storageClassName",
    "template",
    "dataImportCronTemplates",
    "workloadSources",
    "cdi.kubevirt.io/storage.prePopulated",
    "storageclass.kubernetes.io/is-default-class",
    "a/b~c",
    "",
];

const TEXTS: &[&str] = &[
    "",
    "DataSource",
    "rhel9",
    "fedora",
    "payroll-base",
    "homemade",
    "demo",
    "openshift-cnv",
    "openshift-virtualization-os-images",
    "VirtualMachine",
    "kubevirt.io/v1",
    "2026-01-01T00:00:00Z",
    "web",
    "fast",
    "true",
    "\u{0}\u{7}\n, \"\\ \u{1f980}",
];

const NAMESPACES: &[&str] = &[
    "demo",
    "openshift-cnv",
    "openshift",
    "kube-system",
    "openshift-virtualization-os-images",
    "",
];

const USERS: &[&str] = &[
    "alice",
    "bob",
    "system:serviceaccount:openshift-cnv:kubevirt-controller",
    "system:serviceaccount::",
    "",
];

fn texts() -> BoxedStrategy<Tree> {
    prop_oneof![9 => select(TEXTS).prop_map(leaf), 1 => any::<String>().prop_map(leaf)].boxed()
}

/// Anything at all.
fn anything() -> BoxedStrategy<Tree> {
    let leaves = prop_oneof![
        Just(leaf(Value::Null)),
        any::<bool>().prop_map(leaf),
        any::<i64>().prop_map(leaf),
        any::<f64>().prop_map(leaf),
        texts(),
    ];
    leaves
        .prop_recursive(6, 64, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Tree::List),
                (inner.clone(), 1..4_usize).prop_map(|(item, count)| Tree::List(vec![item; count])),
                prop::collection::btree_map(select(KEYS).prop_map(str::to_owned), inner, 0..6)
                    .prop_map(Tree::Object),
            ]
        })
        .boxed()
}

/// Mostly what belongs there, sometimes nothing, sometimes anything.
fn mostly(sound: impl Strategy<Value = Tree> + 'static) -> BoxedStrategy<Option<Tree>> {
    prop_oneof![8 => sound.prop_map(Some), 2 => Just(None), 1 => anything().prop_map(Some)].boxed()
}

fn reference() -> BoxedStrategy<Tree> {
    let kind = prop_oneof![5 => Just(leaf("DataSource")), 1 => texts()];
    let name = prop_oneof![5 => select(&["rhel9", "fedora", "payroll-base", "homemade"][..]).prop_map(leaf), 1 => texts()];
    let namespace = prop_oneof![6 => Just(None), 1 => Just(Some(leaf(Value::Null))), 2 => texts().prop_map(Some)];
    (mostly(kind), mostly(name), namespace)
        .prop_map(|(kind, name, namespace)| {
            object(vec![
                ("kind", kind),
                ("name", name),
                ("namespace", namespace),
            ])
        })
        .boxed()
}

/// A claim that a data volume asks for.
fn claim() -> BoxedStrategy<Tree> {
    (mostly(texts()), mostly(texts()))
        .prop_map(|(class, mode)| object(vec![("storageClassName", class), ("volumeMode", mode)]))
        .boxed()
}

/// A claim or a snapshot that is cloned.
fn source() -> BoxedStrategy<Tree> {
    let name = || {
        (mostly(texts()), mostly(texts()))
            .prop_map(|(namespace, name)| object(vec![("namespace", namespace), ("name", name)]))
    };
    (mostly(name()), mostly(name()))
        .prop_map(|(pvc, snapshot)| object(vec![("pvc", pvc), ("snapshot", snapshot)]))
        .boxed()
}

/// What a cron or a virtual machine is made from.
fn template() -> BoxedStrategy<Tree> {
    let volumes = prop::collection::vec(anything(), 0..3).prop_map(Tree::List);
    (
        mostly(claim()),
        mostly(claim()),
        mostly(texts()),
        mostly(volumes),
    )
        .prop_map(|(storage, pvc, account, volumes)| {
            let spec = object(vec![
                ("storage", storage),
                ("pvc", pvc),
                ("serviceAccountName", account),
                ("volumes", volumes),
            ]);
            object(vec![("spec", Some(spec))])
        })
        .boxed()
}

/// What a HyperConverged says of boot images, at either path.
fn image_settings() -> BoxedStrategy<Tree> {
    let image = (mostly(texts()), mostly(texts()), mostly(template())).prop_map(
        |(name, managed, template)| {
            let metadata = object(vec![("name", name)]);
            let spec = object(vec![("managedDataSource", managed), ("template", template)]);
            object(vec![("metadata", Some(metadata)), ("spec", Some(spec))])
        },
    );
    let images = prop::collection::vec(image, 0..3).prop_map(Tree::List);
    (mostly(texts()), mostly(images))
        .prop_map(|(namespace, images)| {
            object(vec![
                ("commonBootImageNamespace", namespace),
                ("dataImportCronTemplates", images),
            ])
        })
        .boxed()
}

fn templates() -> BoxedStrategy<Tree> {
    let name = select(&["one", "two", "three"][..]).prop_map(leaf);
    let template = (
        mostly(name),
        mostly(reference()),
        mostly(source()),
        mostly(claim()),
    )
        .prop_map(|(name, reference, source, claim)| {
            let metadata = object(vec![("name", name)]);
            let spec = object(vec![
                ("sourceRef", reference),
                ("source", source),
                ("storage", claim),
            ]);
            object(vec![("metadata", Some(metadata)), ("spec", Some(spec))])
        });
    let items = prop_oneof![9 => template, 1 => anything()];
    prop::collection::vec(items, 0..4)
        .prop_map(Tree::List)
        .boxed()
}

fn owners() -> BoxedStrategy<Tree> {
    let owner = (texts(), texts()).prop_map(|(version, kind)| {
        object(vec![("apiVersion", Some(version)), ("kind", Some(kind))])
    });
    prop::collection::vec(owner, 0..3)
        .prop_map(Tree::List)
        .boxed()
}

/// An object that could be any of the kinds that are judged.
fn resource_object() -> BoxedStrategy<Tree> {
    let labels = prop::collection::btree_map("[a-c]", texts(), 0..3).prop_map(Tree::Object);
    let metadata = (
        mostly(texts()),
        mostly(labels),
        mostly(owners()),
        prop::option::weighted(0.1, texts()),
        prop::option::weighted(0.3, texts()),
    )
        .prop_map(|(name, labels, owners, deleted, default)| {
            let annotations = default.map(|value| {
                object(vec![(
                    "storageclass.kubernetes.io/is-default-class",
                    Some(value),
                )])
            });
            object(vec![
                ("annotations", annotations),
                ("name", name),
                ("labels", labels),
                ("ownerReferences", owners),
                ("deletionTimestamp", deleted),
            ])
        });
    let pool = mostly(templates()).prop_map(|templates| {
        let spec = object(vec![("dataVolumeTemplates", templates)]);
        object(vec![("spec", Some(spec))])
    });
    let target = (mostly(texts()), mostly(texts()))
        .prop_map(|(kind, name)| object(vec![("kind", kind), ("name", name)]));
    let spec = (
        mostly(templates()),
        mostly(pool),
        mostly(reference()),
        mostly(target),
        mostly(template()),
        mostly(image_settings()),
        (mostly(source()), mostly(claim())),
    )
        .prop_map(
            |(templates, pool, reference, target, template, settings, (source, claim))| {
                object(vec![
                    ("template", template),
                    ("workloadSources", settings),
                    ("source", source),
                    ("storage", claim),
                    ("dataVolumeTemplates", templates),
                    ("virtualMachineTemplate", pool),
                    ("sourceRef", reference),
                    ("target", target),
                ])
            },
        );
    (mostly(metadata), mostly(spec))
        .prop_map(|(metadata, spec)| object(vec![("metadata", metadata), ("spec", spec)]))
        .boxed()
}

/// A request whose envelope is as the API server writes it, around objects that may be anything.
pub(crate) fn request() -> BoxedStrategy<Tree> {
    let resources: Vec<_> = goldkeeper::admission::Resource::ALL
        .into_iter()
        .map(goldkeeper::admission::Resource::info)
        .collect();
    let objects =
        || prop_oneof![8 => resource_object(), 1 => anything(), 1 => Just(leaf(Value::Null))];
    (
        prop::sample::select(resources),
        prop_oneof![4 => Just("CREATE"), 3 => Just("UPDATE"), 1 => Just("DELETE"), 1 => Just("CONNECT")],
        select(NAMESPACES),
        select(USERS),
        prop_oneof![9 => Just(""), 1 => Just("status")],
        (objects(), objects()),
    )
        .prop_map(|(info, operation, namespace, user, sub_resource, (new, old))| {
            let version = info.versions.first().copied().unwrap_or_default();
            let group = || ("group", Some(leaf(info.group)));
            let version = || ("version", Some(leaf(version)));
            let user = object(vec![("username", Some(leaf(user))), ("groups", Some(Tree::List(vec![leaf("all")])))]);
            object(vec![
                ("uid", Some(leaf("u-1"))),
                ("kind", Some(object(vec![group(), version(), ("kind", Some(leaf(info.kind)))]))),
                ("resource", Some(object(vec![group(), version(), ("resource", Some(leaf(info.plural)))]))),
                ("operation", Some(leaf(operation))),
                ("namespace", Some(leaf(namespace))),
                ("subResource", Some(leaf(sub_resource))),
                ("userInfo", Some(user)),
                ("object", Some(new)),
                ("oldObject", Some(old)),
            ])
        })
        .boxed()
}
