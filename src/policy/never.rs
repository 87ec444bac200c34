//! Policies that can never find anything: refused when the file is read, since a policy that does nothing looks like one
//! that does.
//!
//! Only what is certain is refused: patterns are compared by the text before their first wildcard.

use crate::document::{Decoder, Fields, Globs};
use crate::rules::Judge;

use super::{Match, Selector};

const CURE: &str = "make the two agree, or remove the policy if it is not wanted";

/// Looks at `spec.match` alone. `None` if nothing can match (already reported).
pub(super) fn check_match(
    matching: &Match,
    fields: &Fields<'_>,
    decoder: &mut Decoder,
) -> Option<()> {
    let mut tell = |field: &str, message: &str, help: &str| {
        fields.error(field, message, help, decoder);
        None
    };
    let sound = [
        check_namespaces(matching, &mut tell),
        check_selector(
            "namespaceSelector",
            matching.namespace_selector.as_ref(),
            &mut tell,
        ),
        check_selector(
            "objectSelector",
            matching.object_selector.as_ref(),
            &mut tell,
        ),
    ];
    warn_of_vain_exclusions(matching, fields, decoder);
    sound.into_iter().all(|one| one.is_some()).then_some(())
}

/// A name that is excluded from where it can't be is probably mistyped.
fn warn_of_vain_exclusions(matching: &Match, fields: &Fields<'_>, decoder: &mut Decoder) {
    let (Some(globs), Some(excluded)) = (&matching.namespaces, &matching.exclude_namespaces) else {
        return;
    };
    let meets = |one: &str| globs.patterns().iter().any(|other| may_meet(one, other));
    let vain = excluded.patterns().iter().find(|one| !meets(one));
    if let Some(vain) = vain {
        let message = format!("`{vain}` excludes nothing: no pattern of `namespaces` covers it");
        fields.within("excludeNamespaces", decoder, |node, decoder| {
            decoder.warn_at(node.place, message, "correct the pattern, or remove it");
        });
    }
}

/// Reports a fault of a field; always `None`.
type Tell<'t> = dyn FnMut(&str, &str, &str) -> Option<()> + 't;

fn check_namespaces(matching: &Match, tell: &mut Tell<'_>) -> Option<()> {
    let namespaces = matching.namespaces.as_ref();
    if namespaces.is_some_and(|globs| globs.patterns().is_empty()) {
        let message = "no namespace is listed, so the policy can never match";
        return tell(
            "namespaces",
            message,
            "write [\"*\"] for all namespaces, or remove the line",
        );
    }
    let Some(excluded) = &matching.exclude_namespaces else {
        return Some(());
    };
    if let Some(all) = excluded.patterns().iter().find(|one| is_everything(one)) {
        let message = format!("`{all}` excludes every namespace, so the policy can never match");
        let help = "name the namespaces to leave out, or remove the policy if it is not wanted";
        return tell("excludeNamespaces", &message, help);
    }
    if namespaces.is_some_and(|globs| is_excluded(globs, excluded)) {
        let message = "every namespace of `namespaces` is excluded, so the policy can never match";
        let help = "take out of excludeNamespaces what the policy is for, or remove the policy if it is not wanted";
        return tell("excludeNamespaces", message, help);
    }
    Some(())
}

fn check_selector(field: &str, selector: Option<&Selector>, tell: &mut Tell<'_>) -> Option<()> {
    let Some(reason) = selector.and_then(Selector::contradiction) else {
        return Some(());
    };
    let message = format!("{reason}, so the policy can never match");
    tell(
        field,
        &message,
        "remove one of the requirements on that label",
    )
}

/// Compares `spec.match` with the namespaces that the rule is bound to. `None` if the two never meet (already reported).
pub(super) fn check_reach(
    matching: &Match,
    judge: &dyn Judge,
    spec: &Fields<'_>,
    decoder: &mut Decoder,
) -> Option<()> {
    let Some(bound) = judge.namespaces() else {
        return Some(());
    };
    let meets = |globs: &Globs| {
        let pairs = globs.patterns().iter();
        pairs
            .flat_map(|one| bound.patterns().iter().map(move |other| (one, other)))
            .any(|(one, other)| may_meet(one, other))
    };
    let (namespaces, excluded) = (&matching.namespaces, &matching.exclude_namespaces);
    let list = bound.patterns().join(", ");
    let (field, message) = if bound.patterns().is_empty() {
        (
            "parameters",
            "namespaces lists no namespace, so the policy can never match".to_owned(),
        )
    } else if namespaces.as_ref().is_some_and(|globs| !meets(globs)) {
        let message = "namespaces has nothing in common with parameters.namespaces";
        (
            "match",
            format!("{message} ({list}), so the policy can never match"),
        )
    } else if excluded
        .as_ref()
        .is_some_and(|excluded| is_excluded(bound, excluded))
    {
        let message = "excludeNamespaces leaves nothing of parameters.namespaces";
        (
            "match",
            format!("{message} ({list}), so the policy can never match"),
        )
    } else {
        return Some(());
    };
    spec.error(field, message, CURE, decoder);
    None
}

/// Whether every name that these patterns match is excluded, for certain.
fn is_excluded(globs: &Globs, excluded: &Globs) -> bool {
    let covers = |narrow: &str| {
        let mut wide = excluded.patterns().iter();
        wide.any(|wide| {
            wide == narrow
                || is_prefix(wide).is_some_and(|start| plain_start(narrow).starts_with(start))
        }) || is_plain(narrow) && excluded.is_match(narrow)
    };
    !globs.patterns().is_empty() && globs.patterns().iter().all(|one| covers(one))
}

/// Whether a name could match both patterns.
fn may_meet(one: &str, other: &str) -> bool {
    let matches =
        |pattern: &str, name: &str| Globs::new([pattern]).is_ok_and(|globs| globs.is_match(name));
    match (is_plain(one), is_plain(other)) {
        (true, true) => one == other,
        (true, false) => matches(other, one),
        (false, true) => matches(one, other),
        (false, false) => {
            let (one, other) = (plain_start(one), plain_start(other));
            one.starts_with(other) || other.starts_with(one)
        }
    }
}

/// What patterns are made of.
const WILD: [char; 6] = ['*', '?', '[', '{', '\\', ']'];

fn is_plain(pattern: &str) -> bool {
    !pattern.contains(WILD)
}

fn is_everything(pattern: &str) -> bool {
    pattern.chars().all(|c| c == '*')
}

/// What stands before the first wildcard.
fn plain_start(pattern: &str) -> &str {
    pattern.split(WILD).next().unwrap_or_default()
}

/// The start of a pattern that is a plain text and a `*`.
fn is_prefix(pattern: &str) -> Option<&str> {
    pattern.strip_suffix('*').filter(|start| is_plain(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_meet_or_do_not() {
        for (one, other, expected) in [
            ("a", "a", true),
            ("a", "b", false),
            ("openshift-*", "openshift-cnv", true),
            ("openshift-*", "openshift", false),
            ("openshift-*", "open*", true),
            ("openshift-*", "kube-*", false),
            ("*-system", "kube-*", true),
            ("{a,b}-*", "c-*", true),
        ] {
            assert_eq!(may_meet(one, other), expected, "{one} {other}");
            assert_eq!(may_meet(other, one), expected, "{other} {one}");
        }
    }

    #[test]
    fn only_what_is_certain_is_excluded() {
        for (names, excluded, expected) in [
            (&["a"][..], &["a"][..], true),
            (&["a", "b"], &["a"], false),
            (&["openshift-cnv", "openshift-x*"], &["openshift-*"], true),
            (&["openshift-*"], &["openshift-cnv"], false),
            (&["*-system"], &["*-system"], true),
            (&["*"], &["a*"], false),
            (&[], &["a"], false),
        ] {
            let (names, excluded) = (
                Globs::new(names.iter().copied()),
                Globs::new(excluded.iter().copied()),
            );
            assert_eq!(is_excluded(&names.unwrap(), &excluded.unwrap()), expected);
        }
    }
}
