//! The JSON Schema of policy files, for editors: made of the same tables that the decoder reads by.
//!
//! It accepts and refuses in structure what [`super::PolicySet::compile`] does. What a schema can't see is left to that:
//! patterns and dates that are none, names that stand twice, policies that can never match.

use serde_json::{Map, Value, json};

use crate::document::{Field, MAX_ITEMS, Shape};
use crate::rules::{RULES, Rule};

use super::file::{ACTIONS, POLICY, SPEC};
use super::selector;

/// The schema of one policy (JSON Schema draft 7, which editors know best).
pub fn schema() -> Value {
    let kinds: Vec<Value> = RULES
        .iter()
        .map(|rule| json!({"const": rule.kind, "description": format!("It {}.", rule.summary)}))
        .collect();
    let names: Vec<&str> = RULES.iter().map(|rule| rule.kind).collect();
    let by_kind: Vec<Value> = RULES.iter().map(|rule| of_kind(rule)).collect();
    let mut schema = object(POLICY, None);
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert(
            "kind".to_owned(),
            json!({"type": "string", "description": "The rule.", "enum": names, "oneOf": kinds}),
        );
        // What is in it depends on the kind.
        properties.insert("spec".to_owned(), json!({"type": "object"}));
    }
    if let Some(fields) = schema.as_object_mut() {
        fields.insert(
            "$schema".to_owned(),
            json!("http://json-schema.org/draft-07/schema#"),
        );
        fields.insert("title".to_owned(), json!("A policy of goldkeeper"));
        fields.insert(
            "description".to_owned(),
            json!("One document of a policy file. Checked by `goldkeeper policies`, made by `goldkeeper schema`."),
        );
        fields.insert("allOf".to_owned(), json!(by_kind));
        let selector = json!({"selector": object(selector::FIELDS, None)});
        fields.insert("definitions".to_owned(), selector);
    }
    schema
}

fn of_kind(rule: &Rule) -> Value {
    json!({
        "if": {"required": ["kind"], "properties": {"kind": {"const": rule.kind}}},
        "then": {"properties": {"spec": object(SPEC, Some(rule))}},
    })
}

/// An object that may have these fields and no others; inside a policy of this rule.
fn object(fields: &[Field], rule: Option<&Rule>) -> Value {
    let is_required = |field: &&Field| field.required || needs_parameters(field, rule);
    let required: Vec<&str> = fields
        .iter()
        .filter(is_required)
        .map(|field| field.name)
        .collect();
    let properties: Map<String, Value> = fields
        .iter()
        .map(|field| (field.name.to_owned(), property(field, rule)))
        .collect();
    let mut schema =
        json!({"type": "object", "additionalProperties": false, "properties": properties});
    if let (Some(schema), false) = (schema.as_object_mut(), required.is_empty()) {
        schema.insert("required".to_owned(), json!(required));
    }
    schema
}

/// Whether the rule has a parameter that must be there.
fn needs_parameters(field: &Field, rule: Option<&Rule>) -> bool {
    matches!(field.shape, Shape::Parameters)
        && rule.is_some_and(|rule| rule.parameters.iter().any(|parameter| parameter.required))
}

fn property(field: &Field, rule: Option<&Rule>) -> Value {
    let mut schema = shape(field.shape, rule);
    let text = match (field.text, field.shape, rule) {
        (_, Shape::Parameters, Some(rule)) => rule.summary.to_owned(),
        ("", _, Some(rule)) => rule.parameter_text(field.name),
        (text, ..) => text.to_owned(),
    };
    let Some(fields) = schema.as_object_mut() else {
        return schema;
    };
    if !text.is_empty() {
        fields.insert("description".to_owned(), json!(text));
    }
    if let Ok(default) = serde_json::from_str::<Value>(field.default) {
        fields.insert("default".to_owned(), default);
    }
    if let Ok(example) = serde_json::from_str::<Value>(field.example) {
        fields.insert("examples".to_owned(), json!([example]));
    }
    schema
}

fn list(most: usize, of: Shape, rule: Option<&Rule>) -> Value {
    json!({"type": "array", "items": shape(of, rule), "maxItems": most})
}

fn shape(shape: Shape, rule: Option<&Rule>) -> Value {
    match shape {
        Shape::Text => json!({"type": "string", "pattern": "\\S"}),
        Shape::Form(pattern, _) => json!({"type": "string", "pattern": pattern}),
        Shape::LabelValue => json!({"type": "string"}),
        Shape::Switch => json!({"type": "boolean"}),
        Shape::Word(words) => json!({"type": "string", "enum": words}),
        Shape::List(least, of) => {
            let mut schema = list(MAX_ITEMS, *of, rule);
            if let (Some(schema), true) = (schema.as_object_mut(), least > 0) {
                schema.insert("minItems".to_owned(), json!(least));
            }
            schema
        }
        Shape::ShortList(most, of) => list(most, *of, rule),
        Shape::Object(fields) => object(fields, rule),
        Shape::ObjectWith(fields, more) => {
            let mut schema = object(fields, rule);
            let more = serde_json::from_str::<Map<String, Value>>(more);
            if let (Some(schema), Ok(more)) = (schema.as_object_mut(), more) {
                schema.extend(more);
            }
            schema
        }
        Shape::Selector => json!({"$ref": "#/definitions/selector"}),
        Shape::Labels => json!({"type": "object", "additionalProperties": {"type": "string"}}),
        Shape::Actions => json!({
            "type": "array",
            "items": {"type": "string", "enum": ACTIONS},
            "minItems": 1,
            "uniqueItems": true,
            "not": {"allOf": [{"contains": {"const": "Deny"}}, {"contains": {"const": "Warn"}}]},
        }),
        Shape::Resources => {
            let resources = rule.map(Rule::resources).unwrap_or_default();
            let names: Vec<&str> = resources
                .iter()
                .map(|resource| resource.info().plural)
                .collect();
            json!({
                "type": "array",
                "items": {"type": "string", "enum": names},
                "minItems": 1,
                "examples": [names.first().into_iter().collect::<Vec<_>>()],
            })
        }
        Shape::Parameters => object(rule.map_or(&[], |rule| rule.parameters), rule),
    }
}
