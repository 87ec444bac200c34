//! `Template` of `template.openshift.io/v1`: objects with parameters (`pkg/template/templateprocessing` of
//! openshift/library-go).

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::{Content, Node, Untold};

/// The parameters of a template: the value of each, `None` where it is only known when the template is used.
pub(super) struct Template(HashMap<String, Option<String>>);

impl Template {
    pub(super) fn of(node: &Node) -> Self {
        let parameters = node.get("parameters").map_or(&[][..], Node::items);
        let parameters = parameters.iter().filter_map(|parameter| {
            let name = parameter.text("name")?.to_owned();
            let required = parameter.get("required").map(|it| &it.content);
            let open = parameter.text("generate").is_some()
                || matches!(required, Some(Content::Bool(true)));
            let value = match parameter.text("value") {
                None if open => None,
                value => Some(value.unwrap_or_default().to_owned()),
            };
            Some((name, value))
        });
        Self(parameters.collect())
    }

    /// Puts the values in; tells of a parameter without one in a field that decides something.
    pub(super) fn process(&self, object: &mut Value) -> Option<Untold> {
        let mut untold = None;
        self.walk(object, &mut String::new(), &mut untold);
        untold
    }

    fn walk(&self, value: &mut Value, field: &mut String, untold: &mut Option<Untold>) {
        let length = field.len();
        match value {
            Value::String(text) => {
                let (new, open) = self.put_in(text);
                if let Some(parameter) = open.filter(|_| decides(field)) {
                    let field = field.clone();
                    untold.get_or_insert(Untold { parameter, field });
                }
                *value = new;
            }
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    let _ = write!(field, "/{index}");
                    self.walk(item, field, untold);
                    field.truncate(length);
                }
            }
            Value::Object(fields) => {
                for (name, value) in fields {
                    field.push('/');
                    field.push_str(&name.replace('~', "~0").replace('/', "~1"));
                    self.walk(value, field, untold);
                    field.truncate(length);
                }
            }
            _ => {}
        }
    }

    /// The text with its values, and the first parameter that has none. `${{NAME}}` alone becomes what its value is as
    /// JSON.
    fn put_in(&self, text: &str) -> (Value, Option<String>) {
        let whole = text
            .strip_prefix("${{")
            .and_then(|rest| rest.strip_suffix("}}"));
        if let Some(name) = whole.filter(|name| self.0.contains_key(*name)) {
            return match self.0.get(name).and_then(Option::as_ref) {
                Some(value) => {
                    let json = serde_json::from_str(value);
                    (json.unwrap_or_else(|_| Value::from(value.as_str())), None)
                }
                None => (Value::from(text), Some(name.to_owned())),
            };
        }
        let mut new = String::with_capacity(text.len());
        let mut open = None;
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            new.push_str(before);
            rest = after;
            let reference = after
                .split_once('}')
                .filter(|(name, _)| self.0.contains_key(*name));
            let Some((name, after)) = reference else {
                new.push_str("${");
                continue;
            };
            rest = after;
            if let Some(Some(value)) = self.0.get(name) {
                new.push_str(value);
            } else {
                let _ = write!(new, "${{{name}}}");
                open.get_or_insert_with(|| name.to_owned());
            }
        }
        new.push_str(rest);
        (Value::from(new), open)
    }
}

/// Whether a decision can depend on the field: names of objects are as good with any value.
fn decides(field: &str) -> bool {
    field == "/metadata/namespace"
        || field.starts_with("/metadata/labels/")
        || field.contains("/sourceRef/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn template() -> Template {
        let parameters = [("A", Some("x")), ("N", Some("3")), ("OPEN", None)];
        let parameters =
            parameters.map(|(name, value)| (name.to_owned(), value.map(str::to_owned)));
        Template(HashMap::from(parameters))
    }

    #[test]
    fn values_are_put_in() {
        let table = [
            ("${A}", json!("x")),
            ("a-${A}${A}-b", json!("a-xx-b")),
            ("${{N}}", json!(3)),
            ("${N}", json!("3")),
            ("${UNKNOWN}", json!("${UNKNOWN}")),
            ("${OPEN}", json!("${OPEN}")),
            ("${", json!("${")),
            ("$A {A}", json!("$A {A}")),
        ];
        for (text, expected) in table {
            assert_eq!(template().put_in(text).0, expected, "{text}");
        }
    }

    #[test]
    fn what_decides_must_have_a_value() {
        let mut object =
            json!({"metadata": {"name": "${OPEN}"}, "spec": {"sourceRef": {"name": "a${OPEN}"}}});
        let untold = template().process(&mut object).unwrap();
        assert_eq!(untold.parameter, "OPEN");
        assert_eq!(untold.field, "/spec/sourceRef/name");
        let mut object = json!({"metadata": {"name": "${OPEN}"}});
        assert_eq!(template().process(&mut object), None);
    }
}
