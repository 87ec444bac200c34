//! The JSON Schema and the loader agree: generated policies are sound or broken for both.
//!
//! Left out by construction is what only the loader can see: patterns that are none, dates that do not exist, keys that
//! stand twice, names of conditions too, expressions in CEL, and policies that can never match (no value of a label is asked for twice, nothing is excluded that the
//! policy is for).

use std::sync::{Arc, LazyLock};

use goldkeeper::document::{Field, Shape};
use goldkeeper::policy::{self, PolicySet, PolicySource};
use goldkeeper::rules::{RULES, Rule};
use jsonschema::Validator;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

static SCHEMA: LazyLock<Validator> =
    LazyLock::new(|| jsonschema::draft7::new(&policy::schema()).expect("the schema is one"));

/// Whether the loader takes a policy, and what it says if not. JSON is YAML.
fn loads(policy: &Value) -> Result<(), String> {
    let source = PolicySource {
        file: Arc::from("p.yaml"),
        text: policy.to_string(),
    };
    PolicySet::compile(&[source]).map(drop).map_err(|faults| {
        let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
        told.join("\n")
    })
}

fn agree(policy: &Value) {
    let (loader, schema) = (
        loads(policy),
        SCHEMA.validate(policy).map_err(|error| error.to_string()),
    );
    assert_eq!(
        loader.is_ok(),
        schema.is_ok(),
        "loader: {loader:?}\nschema: {schema:?}\n{policy:#}"
    );
}

/// Names that are patterns, and texts that begin or end strangely.
fn name() -> impl Strategy<Value = Value> {
    select(vec!["a", "openshift-*", "team-?", "x y", " b", "{c,d}"]).prop_map(|name| json!(name))
}

fn list<S: Strategy<Value = Value> + 'static>(of: S, least: usize) -> BoxedStrategy<Value> {
    prop::collection::vec(of, least..least + 3)
        .prop_map(Value::Array)
        .boxed()
}

fn selector() -> impl Strategy<Value = Value> {
    let label = select(vec!["blue", "", "x y"]);
    let expressions = select(vec![
        json!([]),
        json!([{"key": "a", "operator": "In", "values": ["x", ""]}]),
        json!([{"key": "b", "operator": "NotIn", "values": ["x"]}, {"key": "c", "operator": "Exists"}]),
        json!([{"key": "d", "operator": "DoesNotExist", "values": []}]),
    ]);
    (label, expressions, 0..4_u8).prop_map(|(label, expressions, which)| match which {
        0 => json!({}),
        1 => json!({"matchLabels": {"team": label, "tier": "gold"}}),
        2 => json!({"matchExpressions": expressions}),
        _ => json!({"matchLabels": {"team": label}, "matchExpressions": expressions}),
    })
}

/// A value that a field of this shape may hold.
fn sound(shape: Shape, rule: &'static Rule) -> BoxedStrategy<Value> {
    match shape {
        Shape::Text => select(vec!["words", "a", "null", "true", "ask us: now", "\u{e4}"])
            .prop_map(|text| json!(text))
            .boxed(),
        Shape::Form(_, "date") => Just(json!("2027-01-31")).boxed(),
        Shape::Form(_, "DNS label") => select(vec!["a", "no-vms-here", "a1"])
            .prop_map(|name| json!(name))
            .boxed(),
        Shape::Form(_, "namespace/name") => select(vec!["ci/deployer", "*/x", "ci/*"])
            .prop_map(|name| json!(name))
            .boxed(),
        // Conditions of one name twice are refused by the loader alone; so long a name never comes twice.
        Shape::Form(_, "condition") => "[a-z]{16}".prop_map(|name| json!(name)).boxed(),
        Shape::Form(_, "CEL") => select(vec!["true", "has(object.spec)"])
            .prop_map(|text| json!(text))
            .boxed(),
        Shape::Form(_, other) => panic!("this test knows no {other}"),
        Shape::LabelValue => Just(json!("")).boxed(),
        Shape::Switch => any::<bool>().prop_map(Value::Bool).boxed(),
        Shape::Word(words) => select(words.to_vec()).prop_map(|word| json!(word)).boxed(),
        Shape::List(least, Shape::Text) => list(name(), least),
        // Two conditions would need two names.
        Shape::ShortList(_, of) => prop::collection::vec(sound(*of, rule), 0..2)
            .prop_map(Value::Array)
            .boxed(),
        Shape::List(least, of) => list(sound(*of, rule), least),
        Shape::Object(fields) | Shape::ObjectWith(fields, _) => object(fields, rule),
        Shape::Selector => selector().boxed(),
        Shape::Labels => Just(json!({"a": "b"})).boxed(),
        Shape::Actions => select(vec![
            json!(["Deny"]),
            json!(["Warn", "Audit"]),
            json!(["Audit", "Deny"]),
        ])
        .boxed(),
        Shape::Resources => {
            let plurals = rule
                .resources()
                .into_iter()
                .map(|resource| json!(resource.info().plural));
            list(select(plurals.collect::<Vec<_>>()), 1)
        }
        Shape::Parameters => object(rule.parameters, rule),
    }
}

/// An object of which any optional field may be missing.
fn object(fields: &'static [Field], rule: &'static Rule) -> BoxedStrategy<Value> {
    let start = Just(Map::new()).boxed();
    fields
        .iter()
        .fold(start, |so_far, field| {
            let is_needed =
                field.required || field.name == "users" || matches!(field.shape, Shape::Parameters);
            // What is excluded could be all that the policy is for.
            let shape = match field.name {
                "namespaces" => Shape::List(1, &Shape::Word(&["openshift-*", "*-x", "openshift"])),
                "excludeNamespaces" => Shape::List(0, &Shape::Word(&["elsewhere", "nowhere-*"])),
                "users" => Shape::SOME_PATTERNS,
                "expression" => Shape::Word(&["true", "request.operation != 'DELETE'"]),
                _ => field.shape,
            };
            (so_far, sound(shape, rule), any::<bool>())
                .prop_map(move |(mut object, value, there)| {
                    if there || is_needed {
                        object.insert(field.name.to_owned(), value);
                    }
                    object
                })
                .boxed()
        })
        .prop_map(Value::Object)
        .boxed()
}

fn sound_policy() -> impl Strategy<Value = Value> {
    select(RULES.to_vec()).prop_flat_map(|rule| {
        let spec = object(policy::SPEC, rule);
        spec.prop_map(move |mut spec| {
            // Where the rule is bound to namespaces, those of `match` would have to meet them.
            if let Some(namespaces) = spec.pointer_mut("/match/namespaces") {
                *namespaces = json!(["*"]);
            }
            json!({"apiVersion": "goldkeeper.io/v1", "kind": rule.kind, "metadata": {"name": "p"}, "spec": spec})
        })
    })
}

/// Every place in a tree.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    let escaped = |key: &str| key.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(key, value)| places(value, &format!("{at}/{}", escaped(key)), found)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(index, value)| places(value, &format!("{at}/{index}"), found)),
        _ => {}
    }
}

/// Breaks, or not, what stands at one place: another type, nothing, another word, one field too many or too few.
fn damage(policy: &mut Value, at: Index, how: u8, which: Index) {
    let mut all = Vec::new();
    places(policy, "", &mut all);
    let at = at.get::<String>(&all);
    let place = policy.pointer_mut(at).expect("a place of the tree");
    match (how, &mut *place) {
        (0, Value::Object(fields)) if !fields.is_empty() => {
            let key = fields
                .keys()
                .nth(which.index(fields.len()))
                .unwrap()
                .clone();
            fields.remove(&key);
        }
        (1, Value::Object(fields)) => {
            let names = [
                "unheardOf",
                "namespace",
                "kind",
                "users",
                "values",
                "fill",
                "matchLabels",
                "reason",
            ];
            fields.entry(*which.get(&names)).or_insert(json!(["a"]));
        }
        (2, Value::Array(items)) if !items.is_empty() => {
            items.remove(which.index(items.len()));
        }
        (3, Value::Array(items)) if !items.is_empty() => {
            let twin = items[which.index(items.len())].clone();
            // Two requirements of one label could contradict each other; two conditions need two names.
            if twin.get("key").is_none() && twin.get("expression").is_none() {
                items.push(twin);
            }
        }
        _ => {
            let others = [
                Value::Null,
                json!(true),
                json!(7),
                json!(1.5),
                json!(""),
                json!(" "),
                json!("Deny"),
                json!("Warn"),
                json!("In"),
                json!("Exists"),
                json!("virtualmachines"),
                json!("a/b"),
                json!("2027-01-31"),
                json!("27-1-31"),
                json!("Not-A-Name-"),
                json!([]),
                json!([""]),
                json!(["a"]),
                json!({}),
                // A label that no requirement above names: two of one label could contradict each other.
                json!({"z": "b"}),
            ];
            *place = which.get(&others).clone();
            // Another name could be one that the policy is not for.
            let safe = match at.as_str() {
                at if at.starts_with("/spec/match/namespaces") => "*",
                at if at.starts_with("/spec/match/excludeNamespaces") => "elsewhere",
                at if at.ends_with("/expression") => "true",
                _ => return,
            };
            let names = match place {
                Value::Array(items) => items.iter_mut().collect(),
                name => vec![name],
            };
            for name in names {
                if name.as_str().is_some_and(|name| !name.trim().is_empty()) {
                    *name = json!(safe);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_sound_policy_is_sound_for_both(policy in sound_policy()) {
        prop_assert_eq!(loads(&policy), Ok(()), "{:#}", policy);
        prop_assert!(SCHEMA.is_valid(&policy), "{policy:#}");
    }

    #[test]
    fn a_damaged_policy_is_sound_or_broken_for_both(
        mut policy in sound_policy(),
        damages in prop::collection::vec((any::<Index>(), 0..6_u8, any::<Index>()), 1..3),
    ) {
        for (at, how, which) in damages {
            damage(&mut policy, at, how, which);
        }
        agree(&policy);
    }
}

#[test]
fn lists_are_too_long_for_both_or_for_none() {
    let policy = |spec: Value| json!({"apiVersion": "goldkeeper.io/v1", "kind": "ProtectedNamespaces", "metadata": {"name": "p"}, "spec": spec});
    for (most, field) in [(64, "matchConditions"), (500, "exemptions")] {
        for (number, is_sound) in [(most, true), (most + 1, false)] {
            let items = (0..number).map(|index| match field {
                "exemptions" => json!({"reason": "x", "users": ["a"]}),
                _ => json!({"name": format!("c{index}"), "expression": "true"}),
            });
            let items: Vec<Value> = items.collect();
            let policy = policy(json!({
                "validationActions": ["Deny"], "parameters": {"namespaces": ["a"]}, field: items,
            }));
            assert_eq!(SCHEMA.is_valid(&policy), is_sound, "{number} {field}");
            agree(&policy);
        }
    }
}

#[test]
fn the_shipped_policies_and_the_broken_ones_are_what_the_loader_says() {
    let shipped = crate::support::files::below("policies", "yaml");
    for file in shipped {
        let text = std::fs::read_to_string(&file).unwrap();
        for policy in crate::support::yaml::documents(&text).unwrap() {
            assert!(SCHEMA.is_valid(&policy), "{}", file.display());
        }
    }
}

#[test]
fn every_field_is_explained_and_its_examples_are_sound() {
    for rule in RULES {
        for field in rule.parameters {
            let text = rule.parameter_text(field.name);
            assert!(
                !text.is_empty(),
                "the manual of {} says nothing of `{}`",
                rule.kind,
                field.name
            );
        }
    }
    let mut explained = 0;
    explain(&policy::schema(), "", &mut explained);
    assert!(explained > 20, "{explained}");
}

/// Holds that each property has a description, and that examples and defaults are JSON of the right form.
fn explain(schema: &Value, at: &str, explained: &mut usize) {
    let Value::Object(fields) = schema else {
        return;
    };
    if let Some(Value::Object(properties)) = fields.get("properties") {
        let is_condition = at.ends_with("/if")
            || at.ends_with("/then")
            || at.ends_with("/else")
            || at.contains("/anyOf");
        for (name, property) in properties {
            let place = format!("{at}/{name}");
            if !is_condition && place != "/spec" {
                assert!(
                    property["description"].is_string(),
                    "{place} is not explained"
                );
                *explained += 1;
                let mut whole = property.clone();
                whole["definitions"] = policy::schema()["definitions"].clone();
                let validator = jsonschema::draft7::new(&whole).unwrap();
                let values = property["examples"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .chain(property.get("default"));
                for value in values {
                    assert!(
                        validator.is_valid(value),
                        "{place}: {value} is no good example"
                    );
                }
            }
        }
    }
    for (name, value) in fields {
        match value {
            Value::Object(_) => explain(
                value,
                &format!("{at}/{name}").replace("/properties", ""),
                explained,
            ),
            Value::Array(items) => items
                .iter()
                .for_each(|item| explain(item, &format!("{at}/{name}"), explained)),
            _ => {}
        }
    }
}
