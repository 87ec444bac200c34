//! Where a field is, in the two spellings that are needed.

use std::borrow::Cow;
use std::fmt::{self, Write};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Segment {
    Field(Cow<'static, str>),
    Index(usize),
}

/// The place of a field in an object.
///
/// Its [`Display`](fmt::Display) is the API spelling that people read
/// (`spec.dataVolumeTemplates[0].spec.sourceRef.namespace`), [`FieldPath::pointer`] the JSON pointer (RFC 6901) that a
/// patch carries.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldPath(Vec<Segment>);

impl FieldPath {
    /// The path of nested fields, from the outermost to the innermost.
    pub fn of(fields: &[&'static str]) -> Self {
        Self(
            fields
                .iter()
                .map(|field| Segment::Field(Cow::Borrowed(field)))
                .collect(),
        )
    }

    /// Whether this is the object as a whole.
    pub const fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// This path, one field further in.
    #[must_use]
    pub fn field(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.0.push(Segment::Field(name.into()));
        self
    }

    /// This path, one list element further in.
    #[must_use]
    pub fn index(mut self, index: usize) -> Self {
        self.0.push(Segment::Index(index));
        self
    }

    /// The path as a JSON pointer, with `~` and `/` escaped.
    pub fn pointer(&self) -> String {
        let mut pointer = String::with_capacity(64);
        for segment in &self.0 {
            pointer.push('/');
            match segment {
                Segment::Field(name) if name.contains(['~', '/']) => {
                    pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
                }
                Segment::Field(name) => pointer.push_str(name),
                Segment::Index(index) => {
                    let _ = write!(pointer, "{index}");
                }
            }
        }
        pointer
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(formatter, "[{index}]")?,
                Segment::Field(name) if name.contains(['.', '/', '[']) => {
                    write!(formatter, "[{name}]")?;
                }
                Segment::Field(name) if position == 0 => formatter.write_str(name)?,
                Segment::Field(name) => write!(formatter, ".{name}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings() {
        let path = FieldPath::of(&["spec", "dataVolumeTemplates"])
            .index(2)
            .field("metadata")
            .field("annotations")
            .field("cdi.kubevirt.io/a~b");
        assert_eq!(
            path.to_string(),
            "spec.dataVolumeTemplates[2].metadata.annotations[cdi.kubevirt.io/a~b]"
        );
        assert_eq!(
            path.pointer(),
            "/spec/dataVolumeTemplates/2/metadata/annotations/cdi.kubevirt.io~1a~0b"
        );
    }
}
