//! The functions as they are called: those of `cel` and `kube-cel`, and ours in the place of a few.

use std::sync::{Arc, LazyLock};

use kube_cel::KubeCelExt;
use kube_cel::cel::extractors::{Arguments, This};
use kube_cel::cel::{Context, ExecutionError, FunctionContext, ResolveResult, Value};

use super::pattern::Pattern;

/// Holds that a text is a quantity that can be reckoned with.
pub(super) const SOUND_QUANTITY: &str = "@soundQuantity";

/// All functions. Registering them takes longer than most evaluations: it is done once.
pub(super) static LIBRARY: LazyLock<Context<'static>> = LazyLock::new(|| {
    let mut library = Context::default().with_all();
    library.add_function("size", size);
    library.add_function("@matches", matches);
    library.add_function("@find", find);
    library.add_function("@findAll", find_all);
    library.add_function(SOUND_QUANTITY, sound_quantity);
    library
});

/// The length of a text is counted in characters; `cel` counts bytes.
fn size(context: &FunctionContext<'_, '_>, This(this): This<Value>) -> ResolveResult {
    let size = match this {
        Value::String(text) => text.chars().count(),
        Value::Bytes(bytes) => bytes.len(),
        Value::List(list) => list.len(),
        Value::Map(map) => map.map.len(),
        other => {
            return Err(context.error(format!("{:?} has no size", other.type_of())));
        }
    };
    Ok(Value::Int(i64::try_from(size).unwrap_or(i64::MAX)))
}

/// Asks a compiled pattern. `cel` and `kube-cel` compile it each time they are asked, without a bound.
fn with_pattern(
    arguments: &[Value],
    ask: impl FnOnce(&Pattern, Option<i64>) -> Value,
) -> ResolveResult {
    let limit = match arguments.get(1) {
        Some(Value::Int(limit)) => Some(*limit),
        _ => None,
    };
    match arguments.first() {
        Some(Value::Opaque(pattern)) => pattern
            .downcast_ref::<Pattern>()
            .map(|pattern| ask(pattern, limit)),
        _ => None,
    }
    .ok_or(ExecutionError::NoSuchOverload)
}

fn matches(This(text): This<Arc<String>>, Arguments(arguments): Arguments) -> ResolveResult {
    with_pattern(&arguments, |pattern, _| {
        Value::Bool(pattern.regex.is_match(&text))
    })
}

fn find(This(text): This<Arc<String>>, Arguments(arguments): Arguments) -> ResolveResult {
    with_pattern(&arguments, |pattern, _| {
        let found = pattern.regex.find(&text);
        Value::from(found.map(|found| found.as_str()).unwrap_or_default())
    })
}

fn find_all(This(text): This<Arc<String>>, Arguments(arguments): Arguments) -> ResolveResult {
    with_pattern(&arguments, |pattern, limit| {
        let limit = limit.and_then(|limit| usize::try_from(limit).ok());
        let found = pattern.regex.find_iter(&text);
        let found = found.take(limit.unwrap_or(usize::MAX));
        Value::List(Arc::new(
            found.map(|found| Value::from(found.as_str())).collect(),
        ))
    })
}

/// Hands on a text that is a quantity as Kubernetes allows it: below 10²⁰, with at most 18 decimal places.
///
/// `kube-cel` reckons in 128 bits and wraps around above, so that `1e100` would count as small.
fn sound_quantity(This(text): This<Arc<String>>) -> ResolveResult {
    if is_sound_quantity(&text) {
        return Ok(Value::String(text));
    }
    let message = "a quantity that is too large, too fine or none at all";
    Err(ExecutionError::function_error("quantity", message))
}

fn is_sound_quantity(text: &str) -> bool {
    let text = text.trim().trim_start_matches(['+', '-']);
    let digits_end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits_end);
    let (whole, places) = number.split_once('.').unwrap_or((number, ""));
    let Some(exponent) = exponent(suffix) else {
        return false;
    };
    let length = |digits: &str| i64::try_from(digits.len()).unwrap_or(i64::MAX);
    let magnitude = length(whole.trim_start_matches('0')).saturating_add(exponent);
    let fineness = length(places.trim_end_matches('0')).saturating_sub(exponent.min(0));
    !number.is_empty() && magnitude <= 20 && fineness <= 18
}

/// How many digits a suffix adds at most.
fn exponent(suffix: &str) -> Option<i64> {
    const KNOWN: [(&str, i64); 16] = [
        ("", 0),
        ("n", -9),
        ("u", -6),
        ("m", -3),
        ("k", 3),
        ("M", 6),
        ("G", 9),
        ("T", 12),
        ("P", 15),
        ("E", 18),
        ("Ki", 4),
        ("Mi", 7),
        ("Gi", 10),
        ("Ti", 13),
        ("Pi", 16),
        ("Ei", 19),
    ];
    let known = KNOWN.iter().find(|(name, _)| *name == suffix);
    known.map(|(_, digits)| *digits).or_else(|| {
        let digits = suffix.strip_prefix(['e', 'E'])?;
        digits
            .parse()
            .ok()
            .filter(|exponent: &i64| exponent.abs() <= 20)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_that_would_wrap_around_are_none() {
        for sound in [
            "1", "64Gi", "1.5", "100m", "-3k", "1e3", "+0.5Ei", "000001", "9E",
        ] {
            assert!(is_sound_quantity(sound), "{sound}");
        }
        for unsound in [
            "",
            "Gi",
            "1e100",
            "1e-100",
            "100000000000000000000000",
            "1X",
            "1e99999999999999999999",
            "1000E",
            "0.0000000000000000000000001",
            "-",
            "1e",
        ] {
            assert!(!is_sound_quantity(unsound), "{unsound}");
        }
    }
}
