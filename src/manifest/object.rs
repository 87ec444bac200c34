//! The objects of a document.

use json_patch::jsonptr::PointerBuf;
use serde_json::Value;

use super::template::Template;
use super::{Content, Node};

/// An object of a file.
#[derive(Debug)]
pub struct Manifest<'d> {
    /// Where it stands.
    pub node: &'d Node,
    /// Where it is in its document.
    pub pointer: PointerBuf,
    /// `apiVersion`
    pub api_version: String,
    /// `kind`
    pub kind: String,
    /// The object as it would be sent.
    pub object: Value,
    /// Why it can't be told what would be sent, if it can't.
    pub untold: Option<Untold>,
}

/// A parameter of a `Template` that has no value where one decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untold {
    /// The parameter.
    pub parameter: String,
    /// The field that holds it, as a JSON pointer into the object.
    pub field: String,
}

impl Manifest<'_> {
    /// API group, `""` for the core group.
    pub fn group(&self) -> &str {
        self.api_version
            .split_once('/')
            .map_or("", |(group, _)| group)
    }

    /// Version.
    pub fn version(&self) -> &str {
        let both = self.api_version.split_once('/');
        both.map_or(self.api_version.as_str(), |(_, version)| version)
    }

    /// A text of its metadata; `""` if there is none.
    pub fn metadata(&self, field: &str) -> &str {
        let value = self.object.get("metadata").and_then(|it| it.get(field));
        value.and_then(Value::as_str).unwrap_or_default()
    }
}

/// Visits the objects of a document in its order: the items of a `List`, of any other kind of list, and of a `Template`
/// count as objects of their own. What has no `apiVersion` and `kind` is none; the second visitor is told of it.
pub fn objects<'d>(
    document: &'d Node,
    visit: &mut dyn FnMut(Manifest<'d>),
    foreign: &mut dyn FnMut(&'d Node),
) {
    let parent = Parent {
        item_type: None,
        template: None,
    };
    walk(document, PointerBuf::root(), &parent, visit, foreign);
}

/// What an object is told by what it stands in.
struct Parent<'d> {
    /// `apiVersion` and `kind` of items that name none (`UnstructuredJSONScheme.decodeToList` in k8s.io/apimachinery).
    item_type: Option<(&'d str, &'d str)>,
    template: Option<Template>,
}

/// The field that holds further objects, and what they are told, if this is a list or a template.
fn below<'d>(
    node: &'d Node,
    api_version: &'d str,
    kind: &'d str,
) -> Option<(&'static str, Parent<'d>)> {
    if matches!(
        node.get("items").map(|it| &it.content),
        Some(Content::List(_))
    ) {
        let item = kind.strip_suffix("List").filter(|kind| !kind.is_empty());
        let parent = Parent {
            item_type: item.map(|kind| (api_version, kind)),
            template: None,
        };
        return Some(("items", parent));
    }
    let is_template = kind == "Template" && api_version.starts_with("template.openshift.io/");
    is_template.then(|| {
        let parent = Parent {
            item_type: None,
            template: Some(Template::of(node)),
        };
        ("objects", parent)
    })
}

fn walk<'d>(
    node: &'d Node,
    pointer: PointerBuf,
    parent: &Parent<'d>,
    visit: &mut dyn FnMut(Manifest<'d>),
    foreign: &mut dyn FnMut(&'d Node),
) {
    let own = node.text("apiVersion").zip(node.text("kind"));
    let Some((api_version, kind)) = own.or(parent.item_type) else {
        return foreign(node);
    };
    if let Some((field, parent)) = below(node, api_version, kind) {
        let items = node.get(field).map_or(&[][..], Node::items);
        for (index, item) in items.iter().enumerate() {
            let mut pointer = pointer.clone();
            pointer.push_back(field);
            pointer.push_back(index);
            walk(item, pointer, &parent, visit, foreign);
        }
        return;
    }
    let mut object = node.to_json();
    if let (None, Some(fields)) = (own, object.as_object_mut()) {
        fields.insert("apiVersion".to_owned(), Value::from(api_version));
        fields.insert("kind".to_owned(), Value::from(kind));
    }
    let template = parent.template.as_ref();
    let untold = template.and_then(|template| template.process(&mut object));
    visit(Manifest {
        node,
        pointer,
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        object,
        untold,
    });
}

#[cfg(test)]
mod tests {
    use super::super::documents;
    use super::*;

    /// Each object as `pointer kind name`, and how many things were none.
    fn found(text: &str) -> (Vec<String>, usize) {
        let mut objects = Vec::new();
        let mut others = 0;
        for document in documents(text) {
            super::objects(
                &document.unwrap().node,
                &mut |it| {
                    let name = it.metadata("name");
                    objects.push(format!("{} {} {name}", it.pointer.as_str(), it.kind));
                },
                &mut |_| others += 1,
            );
        }
        (objects, others)
    }

    #[test]
    fn lists_are_unfolded() {
        let text = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: a}}\n\
                    - apiVersion: kubevirt.io/v1\n  kind: VirtualMachineList\n  items: [{metadata: {name: b}}]\n- 7\n\
                    ---\njust: values\n---\n- 1\n---\ntext\n---\n{apiVersion: v1, kind: List, items: []}\n";
        let (objects, others) = found(text);
        assert_eq!(
            objects,
            ["/items/0 Pod a", "/items/1/items/0 VirtualMachine b"]
        );
        assert_eq!(others, 4);
    }

    #[test]
    fn the_objects_of_a_template_are_processed() {
        let text = "apiVersion: template.openshift.io/v1\nkind: Template\nparameters:\n- {name: IMAGE, value: rhel9}\n\
                    - {name: NAME, generate: expression}\nobjects:\n- apiVersion: kubevirt.io/v1\n  kind: VirtualMachine\n  \
                    metadata: {name: '${NAME}'}\n  spec: {sourceRef: {name: '${IMAGE}'}}\n";
        let document = documents(text).next().unwrap().unwrap();
        let mut seen = 0;
        let mut visit = |it: Manifest<'_>| {
            seen += 1;
            assert_eq!(it.object["spec"]["sourceRef"]["name"], "rhel9");
            assert_eq!((it.metadata("name"), &it.untold), ("${NAME}", &None));
            assert_eq!(it.pointer.as_str(), "/objects/0");
        };
        objects(&document.node, &mut visit, &mut |_| panic!("an object"));
        assert_eq!(seen, 1);
    }
}
