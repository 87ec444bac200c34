//! Tables of fields: what an object in a policy file may hold. The decoder takes the names of known fields from them and
//! the JSON Schema is made of them, so that the two can't drift.

/// One field of an object.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub shape: Shape,
    /// Whether it must be there.
    pub required: bool,
    /// What it is for, as Markdown. Empty for a parameter of a rule: there the rule's manual says it.
    pub text: &'static str,
    /// What holds without it, as JSON; empty if that can't be said so.
    pub default: &'static str,
    /// What could be written, as JSON; may be empty.
    pub example: &'static str,
}

impl Field {
    /// A field that may be left out. What it is for, its default and its example are to be added.
    pub const fn optional(name: &'static str, shape: Shape) -> Self {
        Self {
            name,
            shape,
            required: false,
            text: "",
            default: "",
            example: "",
        }
    }

    /// A field that must be there.
    pub const fn required(name: &'static str, shape: Shape) -> Self {
        let mut field = Self::optional(name, shape);
        field.required = true;
        field
    }

    /// What it is for.
    #[must_use]
    pub const fn told(mut self, text: &'static str) -> Self {
        self.text = text;
        self
    }

    /// What holds without it, as JSON.
    #[must_use]
    pub const fn default(mut self, json: &'static str) -> Self {
        self.default = json;
        self
    }

    /// What could be written, as JSON.
    #[must_use]
    pub const fn example(mut self, json: &'static str) -> Self {
        self.example = json;
        self
    }
}

/// What a field holds. `null` is never a value, and a text is never empty.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// Text.
    Text,
    /// Text of this form: a regular expression of ECMA 262 that JSON Schema checks, and what people call it.
    Form(&'static str, &'static str),
    /// `true` or `false`.
    Switch,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list of at least so many.
    List(usize, &'static Self),
    /// A list of at most so many, where that is fewer than any list may have.
    ShortList(usize, &'static Self),
    /// An object with these fields.
    Object(&'static [Field]),
    /// An object with these fields, and what else must hold of it, as JSON Schema.
    ObjectWith(&'static [Field], &'static str),
    /// A label selector of Kubernetes.
    Selector,
    /// Values by the names of labels.
    Labels,
    /// The value of a label: a text that may be empty.
    LabelValue,
    /// Which of Deny, Warn and Audit.
    Actions,
    /// Resources that the kind of policy looks at, at least one.
    Resources,
    /// The parameters of the kind of policy.
    Parameters,
}

impl Shape {
    /// A list of names or patterns, which may be empty.
    pub const PATTERNS: Self = Self::List(0, &Self::Text);
    /// A list of names or patterns of which there must be one.
    pub const SOME_PATTERNS: Self = Self::List(1, &Self::Text);
}
