//! Lists of name patterns, as in `namespaces: ["openshift-*"]`.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::values::{list_help, within_bounds};
use super::{Decode, Decoder, Node, Value};

/// How long a pattern may be, in bytes. Names in Kubernetes have 253 at most, a service account with its namespace twice
/// that.
const MAX_PATTERN: usize = 512;

/// Patterns for names: `*` is any run of characters, `?` any one, `[ab]` one of several, `{a,b}` one of two.
#[derive(Clone, Debug)]
pub struct Globs {
    patterns: Vec<String>,
    set: GlobSet,
}

impl Globs {
    /// Compiles patterns.
    ///
    /// # Errors
    /// The first pattern that can't be compiled, with the reason.
    pub fn new<P: Into<String>>(patterns: impl IntoIterator<Item = P>) -> Result<Self, String> {
        let patterns: Vec<String> = patterns.into_iter().map(Into::into).collect();
        let mut builder = GlobSetBuilder::new();
        for pattern in &patterns {
            let glob = GlobBuilder::new(pattern).literal_separator(false).build();
            builder.add(glob.map_err(|error| format!("`{pattern}`: {}", error.kind()))?);
        }
        let set = builder.build().map_err(|error| error.to_string())?;
        Ok(Self { patterns, set })
    }

    /// Whether any pattern matches.
    pub fn is_match(&self, name: &str) -> bool {
        self.set.is_match(name)
    }

    /// The first pattern that matches, as it was written.
    pub fn matching(&self, name: &str) -> Option<&str> {
        let index = self.set.matches(name).into_iter().min()?;
        self.patterns.get(index).map(String::as_str)
    }

    /// A pattern as a regular expression in RE2 syntax, as CEL's `matches` wants it.
    pub fn regular_expression(pattern: &str) -> String {
        let glob = GlobBuilder::new(pattern).literal_separator(false).build();
        let expression = glob.map(|glob| glob.regex().to_owned()).unwrap_or_default();
        // globset works on bytes and says so at the start of its expressions; names are plain ASCII.
        expression.trim_start_matches("(?-u)").to_owned()
    }

    /// The patterns as they were written.
    pub fn patterns(&self) -> &[String] {
        &self.patterns
    }
}

impl Decode for Globs {
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let Value::List(items) = &node.value else {
            let help = match &node.value {
                Value::Null => "for example [\"team-*\"]".to_owned(),
                found => list_help(found),
            };
            decoder.wrong_type(node, "a list of names or patterns", &help);
            return None;
        };
        within_bounds(node, items.len(), decoder)?;
        let mut patterns = Vec::new();
        let mut sound = true;
        for (index, item) in items.iter().enumerate() {
            decoder.enter_index(index);
            match String::decode(item, decoder) {
                Some(pattern) => match check(&pattern) {
                    Ok(()) => patterns.push(pattern),
                    Err(reason) => {
                        sound = false;
                        let help =
                            "`*` stands for any characters; `?` for one; `[ab]` for one of several";
                        decoder.error(item, format!("bad pattern {reason}"), help);
                    }
                },
                None => sound = false,
            }
            decoder.leave();
        }
        if !sound {
            return None;
        }
        let globs = Self::new(patterns);
        if let Err(reason) = &globs {
            let message = format!("these patterns are too much together: {reason}");
            decoder.error(node, message, "write fewer and simpler patterns");
        }
        globs.ok()
    }
}

/// Whether one pattern can be compiled, and why not.
fn check(pattern: &str) -> Result<(), String> {
    if pattern.len() > MAX_PATTERN {
        return Err(format!(
            "of {} bytes: at most {MAX_PATTERN} are allowed",
            pattern.len()
        ));
    }
    Globs::new([pattern]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_matching_pattern_is_named() {
        let globs = Globs::new(["openshift", "openshift-*", "openshift-cnv"]).unwrap();
        assert_eq!(globs.matching("openshift-cnv"), Some("openshift-*"));
        assert_eq!(globs.matching("openshift"), Some("openshift"));
        assert_eq!(globs.matching("openshiftdemo"), None);
        assert_eq!(globs.matching("my-openshift-x"), None);
    }

    #[test]
    fn users_with_slashes_and_colons_match() {
        let globs = Globs::new(["system:serviceaccount:*", "https://idp/*"]).unwrap();
        assert!(globs.is_match("system:serviceaccount:a:b"));
        assert!(globs.is_match("https://idp/realms/x/user"));
    }

    #[test]
    fn a_bad_pattern_is_an_error() {
        assert!(Globs::new(["a[", "b"]).unwrap_err().contains("`a[`"));
    }
}
