//! Texts before and after, and texts made by chance.

use std::fmt::Write as _;

use json_patch::jsonptr::PointerBuf;
use proptest::prelude::*;
use serde_json::Value;

use super::{Document, Filled, Insertion, apply, documents, fill};

const POINTER: &str = "/spec/sourceRef/namespace";

fn insertion(pointer: &str, value: &str) -> Insertion {
    Insertion {
        pointer: PointerBuf::parse(pointer).unwrap(),
        value: value.to_owned(),
    }
}

/// The text with a field of its first document put in.
fn filled_at(text: &str, pointer: &str) -> (String, Filled) {
    let document: Document = documents(text).next().unwrap().unwrap();
    let filled = fill(&document, &[insertion(pointer, "gold-images")]);
    (apply(text, &filled.changes), filled)
}

fn filled(text: &str) -> String {
    let (new, filled) = filled_at(text, POINTER);
    assert!(filled.declined.is_empty(), "{text}\n{:?}", filled.declined);
    new
}

fn declined(text: &str) -> &'static str {
    let (new, filled) = filled_at(text, POINTER);
    assert_eq!(new, text);
    assert_eq!(filled.declined.len(), 1, "{text}");
    filled.declined[0].reason
}

#[test]
fn block_style_gets_a_line_of_its_own() {
    let table = [
        (
            "spec:\n  sourceRef:\n    kind: DataSource\n    name: rhel9\n  x: 1\n",
            "spec:\n  sourceRef:\n    kind: DataSource\n    name: rhel9\n    namespace: gold-images\n  x: 1\n",
        ),
        // Comments stay where they are, at the end of the line and below it.
        (
            "spec:\n  sourceRef:\n    name: rhel9   # golden\n    # more\n  x: 1\n",
            "spec:\n  sourceRef:\n    name: rhel9   # golden\n    namespace: gold-images\n    # more\n  x: 1\n",
        ),
        // Line ends stay, with and without one at the end of the file.
        (
            "spec:\r\n  sourceRef:\r\n    name: rhel9\r\n",
            "spec:\r\n  sourceRef:\r\n    name: rhel9\r\n    namespace: gold-images\r\n",
        ),
        (
            "spec:\r\n  sourceRef:\r\n    name: rhel9",
            "spec:\r\n  sourceRef:\r\n    name: rhel9\r\n    namespace: gold-images",
        ),
        (
            "\u{feff}spec:\n sourceRef:\n  name: rhel9",
            "\u{feff}spec:\n sourceRef:\n  name: rhel9\n  namespace: gold-images",
        ),
        // Quotes as beside it.
        (
            "spec:\n  sourceRef:\n    \"kind\": \"DataSource\"\n    \"name\": \"rhel9\"\n",
            "spec:\n  sourceRef:\n    \"kind\": \"DataSource\"\n    \"name\": \"rhel9\"\n    \"namespace\": \"gold-images\"\n",
        ),
        (
            "spec:\n  sourceRef:\n    name: 'rhel9'\n",
            "spec:\n  sourceRef:\n    name: 'rhel9'\n    namespace: 'gold-images'\n",
        ),
        // A last value over several lines is not cut.
        (
            "spec:\n  sourceRef:\n    name: rhel9\n    note: |\n      a\n\n      b\n",
            "spec:\n  sourceRef:\n    name: rhel9\n    namespace: gold-images\n    note: |\n      a\n\n      b\n",
        ),
        (
            "spec:\n  sourceRef:\n    name: rhel9\n    note: a\n      b\n",
            "spec:\n  sourceRef:\n    name: rhel9\n    namespace: gold-images\n    note: a\n      b\n",
        ),
        // Tabs and spaces behind a value.
        (
            "spec:\n  sourceRef:\n    name: rhel9 \t\n",
            "spec:\n  sourceRef:\n    name: rhel9 \t\n    namespace: gold-images\n",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(filled(text), expected, "{text}");
    }
}

#[test]
fn the_first_field_of_a_list_element_shows_the_indentation() {
    let text = "- - sourceRef:\n  - name: rhel9   # ä\n    kind: DataSource\n";
    let (new, _) = filled_at(text, "/0/1/namespace");
    assert_eq!(new, format!("{text}    namespace: gold-images\n"));
    let text = "items:\n- name: rhel9\n- x: 1\n";
    let (new, _) = filled_at(text, "/items/0/namespace");
    assert_eq!(
        new,
        "items:\n- name: rhel9\n  namespace: gold-images\n- x: 1\n"
    );
}

#[test]
fn braces_are_filled_in_their_own_style() {
    let table = [
        (
            "spec:\n  sourceRef: {kind: DataSource, name: rhel9} # golden\n",
            "spec:\n  sourceRef: {kind: DataSource, name: rhel9, namespace: gold-images} # golden\n",
        ),
        (
            "spec: {sourceRef: { kind: \"DataSource\", name: \"rhel9\", } }\n",
            "spec: {sourceRef: { kind: \"DataSource\", name: \"rhel9\", namespace: \"gold-images\", } }\n",
        ),
        (
            "{\"spec\":{\"sourceRef\":{\"kind\":\"DataSource\",\"name\":\"rhel9\"}}}",
            "{\"spec\":{\"sourceRef\":{\"kind\":\"DataSource\",\"name\":\"rhel9\", \"namespace\": \"gold-images\"}}}",
        ),
        (
            "{\n\t\"spec\": {\n\t\t\"sourceRef\": {\n\t\t\t\"name\": \"rhel9\",\n\t\t\t\"n\": 5\n\t\t}\n\t}\n}\n",
            "{\n\t\"spec\": {\n\t\t\"sourceRef\": {\n\t\t\t\"name\": \"rhel9\",\n\t\t\t\"n\": 5,\n\t\t\t\"namespace\": \"gold-images\"\n\t\t}\n\t}\n}\n",
        ),
        (
            "spec:\n  sourceRef: {\n    name: rhel9 # golden\n  }\n",
            "spec:\n  sourceRef: {\n    name: rhel9, namespace: gold-images # golden\n  }\n",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(filled(text), expected, "{text}");
    }
}

#[test]
fn nothing_null_and_empty_are_replaced_in_place() {
    let table = [
        ("namespace: null # why", "namespace: gold-images # why"),
        ("namespace: ~", "namespace: gold-images"),
        ("namespace:", "namespace: gold-images"),
        ("namespace:   # why", "namespace: gold-images   # why"),
        ("namespace: \"\"", "namespace: \"gold-images\""),
        ("namespace: '' # why", "namespace: 'gold-images' # why"),
        ("namespace :", "namespace : gold-images"),
    ];
    for (line, expected) in table {
        let text = |line| format!("spec:\n  sourceRef:\n    {line}\n    name: rhel9\n");
        assert_eq!(filled(&text(line)), text(expected), "{line}");
        let text = |line| format!("spec:\n  sourceRef:\n    name: rhel9\n    {line}\n  x: 1\n");
        assert_eq!(filled(&text(line)), text(expected), "{line}");
    }
    let table = [
        (
            "{namespace: null, name: a}",
            "{namespace: gold-images, name: a}",
        ),
        (
            "{name: a, namespace: }",
            "{name: a, namespace: gold-images }",
        ),
        (
            "{name: a, \"namespace\": \"\"}",
            "{name: a, \"namespace\": \"gold-images\"}",
        ),
        (
            "{\"name\": \"a\", \"namespace\": null}",
            "{\"name\": \"a\", \"namespace\": \"gold-images\"}",
        ),
    ];
    for (braces, expected) in table {
        let text = |braces| format!("spec: {{sourceRef: {braces}}}");
        assert_eq!(filled(&text(braces)), text(expected), "{braces}");
    }
}

#[test]
fn what_is_not_safe_is_declined_with_a_reason() {
    let shared = "it comes by an alias or a merge key: other places read it too";
    let changes = "the text with it would not read as the same object with the field";
    let none = "there is no line or brace to put it next to";
    let table = [
        ("x: &a {name: b}\nspec: {sourceRef: *a}\n", shared),
        ("x: &a {sourceRef: {name: b}}\nspec: {<<: *a}\n", shared),
        ("spec:\n  sourceRef: &a {name: b}\nx: *a\n", changes),
        (
            "x: &a {name: b, namespace: ''}\nspec: {sourceRef: {<<: *a}}\n",
            shared,
        ),
        ("x: &a {name: b}\nspec: {sourceRef: {<<: *a}}\n", none),
        ("x: &a rhel9\nspec:\n  sourceRef:\n    name: *a\n", none),
        ("spec:\n  sourceRef:\n    ? name\n    : rhel9\n", none),
        ("spec:\n  sourceRef:\n    name:\n      rhel9\n", none),
        ("spec: {sourceRef: {name: a, namespace}}\n", none),
        ("spec: {sourceRef: 7}\n", none),
        ("spec: {}\n", none),
    ];
    for (text, reason) in table {
        assert_eq!(declined(text), reason, "{text}");
    }
}

#[test]
fn an_anchor_that_is_not_used_is_no_obstacle() {
    let text = "spec:\n  sourceRef: &source\n    name: &name rhel9\n";
    assert_eq!(filled(text), format!("{text}    namespace: gold-images\n"));
}

#[test]
fn several_are_filled_and_those_that_can_t_be_do_not_hold_up_the_rest() {
    let text = "a: {name: x}\nb:\n  name: y\nc: &c {name: z}\nd: *c\n";
    let document = documents(text).next().unwrap().unwrap();
    let wanted = [
        "/c/namespace",
        "/b/namespace",
        "/a/namespace",
        "/d/namespace",
    ];
    let filled = fill(&document, &wanted.map(|pointer| insertion(pointer, "gold")));
    let expected =
        "a: {name: x, namespace: gold}\nb:\n  name: y\n  namespace: gold\nc: &c {name: z}\nd: *c\n";
    assert_eq!(apply(text, &filled.changes), expected);
    let declined: Vec<&str> = filled
        .declined
        .iter()
        .map(|it| it.insertion.pointer.as_str())
        .collect();
    assert_eq!(declined, ["/d/namespace", "/c/namespace"]);
    assert_eq!(filled.declined[1].place.line, 4);
}

#[test]
fn a_document_in_the_middle_is_edited_where_it_stands() {
    let text = "x: ä\n---\nspec:\n  sourceRef:\n    name: a\n...\n---\n{y: 1}\n";
    let document = documents(text).nth(1).unwrap().unwrap();
    let filled = fill(&document, &[insertion(POINTER, "007")]);
    let expected = text.replace("name: a\n", "name: a\n    namespace: \"007\"\n");
    assert_eq!(apply(text, &filled.changes), expected);
}

/// Ways to write a reference without namespace, at an indentation.
fn reference() -> impl Strategy<Value = Vec<String>> {
    let value = |text: &'static str| {
        prop_oneof![
            Just(text.to_owned()),
            Just(format!("\"{text}\"")),
            Just(format!("'{text}'")),
        ]
    };
    let note = prop_oneof![
        3 => Just(String::new()),
        1 => Just(" # note: {x}, \"y\"".to_owned()),
        1 => Just("  ".to_owned()),
    ];
    let nothing = prop_oneof![
        4 => Just(None),
        1 => Just(Some("namespace:")),
        1 => Just(Some("namespace: null")),
        1 => Just(Some("namespace: ''")),
        1 => Just(Some("\"namespace\": \"\"")),
        1 => Just(Some("note: |-\n~~~two\n~~~lines")),
        1 => Just(Some("other: {a: [1, {b: c}]}")),
        1 => Just(Some("list:\n~~- a\n~~- b")),
    ];
    let lines = (
        value("DataSource"),
        value("rhel9"),
        note,
        nothing,
        any::<bool>(),
        0..3_usize,
    );
    lines.prop_map(|(kind, name, note, extra, flow, at)| {
        if flow {
            return vec![format!("{{kind: {kind}, name: {name}}}{note}")];
        }
        let mut lines = vec![format!("kind: {kind}{note}"), format!("name: {name}{note}")];
        if let Some(extra) = extra {
            lines.insert(at.min(lines.len()), extra.to_owned());
        }
        lines
    })
}

/// A virtual machine around references, indented by so much, with these line ends.
fn machine(references: &[Vec<String>], step: usize, dash: bool, windows: bool) -> String {
    let pad = |levels: usize| " ".repeat(levels * step);
    let mut text =
        String::from("# above\napiVersion: kubevirt.io/v1\nkind: VirtualMachine\nspec:\n");
    let _ = writeln!(text, "{}dataVolumeTemplates: # here", pad(1));
    let list = pad(if dash { 2 } else { 1 });
    for lines in references {
        let _ = write!(
            text,
            "{list}- metadata: {{name: ä}}\n\n{list}  spec:\n{list}  {}sourceRef:",
            pad(1)
        );
        if lines.len() == 1 && lines[0].starts_with('{') {
            let _ = writeln!(text, " {}", lines[0]);
            continue;
        }
        text += "\n";
        let indent = format!("{list}  {}", pad(2));
        for line in lines {
            let line = line.replace('~', " ").replace('\n', &format!("\n{indent}"));
            let _ = writeln!(text, "{indent}{line}");
        }
    }
    text += "status: {}\n# below\n";
    if windows {
        text.replace('\n', "\r\n")
    } else {
        text
    }
}

proptest! {
    /// Whatever the layout: the old object with the fields, every old line still there, and nothing to do a second time.
    #[test]
    fn any_layout_is_filled_exactly(
        references in proptest::collection::vec(reference(), 1..4),
        step in 1..5_usize,
        dash in any::<bool>(),
        windows in any::<bool>(),
    ) {
        let text = machine(&references, step, dash, windows);
        let document = documents(&text).next().unwrap().unwrap();
        let pointer = |index| format!("/spec/dataVolumeTemplates/{index}/spec/sourceRef/namespace");
        let wanted: Vec<Insertion> =
            (0..references.len()).map(|index| insertion(&pointer(index), "gold-images")).collect();
        let filled = fill(&document, &wanted);
        prop_assert!(filled.declined.is_empty(), "{text}\n{:?}", filled.declined);
        let new = apply(&text, &filled.changes);
        let mut expected = document.node.to_json();
        for index in 0..references.len() {
            let reference = expected.pointer_mut(pointer(index).trim_end_matches("/namespace")).unwrap();
            reference["namespace"] = Value::from("gold-images");
        }
        let found: Vec<Value> =
            documents(&new).map(|document| document.unwrap().node.to_json()).collect();
        prop_assert_eq!(&found, &[expected], "{}\n{}", text, new);
        // Without what was put in, it is the old text.
        let mut kept = new.clone();
        for change in filled.changes.iter().rev() {
            let start = change.range.start + filled.changes.iter().filter(|it| it.range.start < change.range.start)
                .map(|it| it.text.len() - it.range.len()).sum::<usize>();
            kept.replace_range(start..start + change.text.len(), &text[change.range.clone()]);
        }
        prop_assert_eq!(kept, text);
    }

    /// Any text at all: read or refused, never a panic; what is filled reads as it should or is declined.
    #[test]
    fn no_text_is_a_reason_to_panic(text in "[a:{}\\[\\]\\-&*|>'\",# \\n\\r\\t~!?%<ä\u{feff}]{0,60}") {
        for document in documents(&text).flatten() {
            let filled = fill(&document, &[insertion("/a", "x"), insertion("/0/a", "x")]);
            apply(&text, &filled.changes);
        }
    }
}
