//! Pieces for reading JSON that somebody else wrote: what is not there, `null`, or of another type, is absent.
//!
//! They borrow from the input where the input allows it (a JSON string without escapes), so that reading a request
//! allocates next to nothing.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A string, or nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text<'a>(Option<Cow<'a, str>>);

impl Text<'_> {
    /// The string, if there is one with at least one character: `null`, absent and `""` are one and the same.
    pub fn get(&self) -> Option<&str> {
        self.0.as_deref().filter(|text| !text.is_empty())
    }

    /// The string, or `""`.
    pub fn or_empty(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(Some(Cow::Borrowed(text)))
    }
}

/// `true` or `false`, or nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flag(Option<bool>);

impl Flag {
    /// The value, if there is one.
    pub const fn get(self) -> Option<bool> {
        self.0
    }
}

/// An object read as `T`, or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Maybe<T>(Option<T>);

impl<T> Default for Maybe<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Maybe<T> {
    /// The object, if there is one.
    pub fn get(&self) -> Option<&T> {
        self.0.as_ref()
    }

    /// Takes the object out.
    pub fn into_inner(self) -> Option<T> {
        self.0
    }
}

/// An object read as `T`, or nothing, kept aside: what most requests lack does not make every request larger to move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rare<T>(Maybe<Box<T>>);

impl<T> Default for Rare<T> {
    fn default() -> Self {
        Self(Maybe::default())
    }
}

impl<T> Rare<T> {
    /// The object, if there is one.
    pub fn get(&self) -> Option<&T> {
        self.0.get().map(|object| &**object)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Rare<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Maybe::deserialize(deserializer).map(Self)
    }
}

/// A list of objects. An element that is no object keeps its place, so that indexes stay those of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Many<T>(Vec<Maybe<T>>);

impl<T> Default for Many<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Many<T> {
    /// The objects with their indexes in the input.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        self.0
            .iter()
            .enumerate()
            .filter_map(|(index, item)| item.get().map(|item| (index, item)))
    }
}

/// The string entries of an object, in the order of the input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entries<'a>(Vec<(Cow<'a, str>, Text<'a>)>);

impl Entries<'_> {
    /// The value of a key; `""` is a value.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.iter()
            .find_map(|(name, value)| (name == key).then_some(value))
    }

    /// The entries whose value is a string.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .filter_map(|(name, value)| value.0.as_deref().map(|value| (name.as_ref(), value)))
    }
}

/// Implements the visits of a tolerant visitor that all mean "of another type: absent".
macro_rules! absent {
    ($($kind:ident),*) => { $(absent!(@ $kind);)* };
    (@ bool) => { fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> { Ok(Self::Value::default()) } };
    (@ number) => {
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> { Ok(Self::Value::default()) }
        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> { Ok(Self::Value::default()) }
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> { Ok(Self::Value::default()) }
    };
    (@ null) => {
        fn visit_unit<E>(self) -> Result<Self::Value, E> { Ok(Self::Value::default()) }
        fn visit_none<E>(self) -> Result<Self::Value, E> { Ok(Self::Value::default()) }
    };
    (@ string) => { fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> { Ok(Self::Value::default()) } };
    (@ list) => {
        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            Ok(Self::Value::default())
        }
    };
    (@ object) => {
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(Self::Value::default())
        }
    };
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Some(Cow::Borrowed(text))))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Some(Cow::Owned(text.to_owned()))))
            }

            absent!(bool, number, null, list, object);
        }
        deserializer.deserialize_any(TextVisitor)
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FlagVisitor;
        impl<'de> Visitor<'de> for FlagVisitor {
            type Value = Flag;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("true or false")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
                Ok(Flag(Some(value)))
            }

            absent!(number, null, string, list, object);
        }
        deserializer.deserialize_any(FlagVisitor)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Maybe<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MaybeVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for MaybeVisitor<T> {
            type Value = Maybe<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(|object| Maybe(Some(object)))
            }

            absent!(bool, number, null, string, list);
        }
        deserializer.deserialize_any(MaybeVisitor(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ManyVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for ManyVisitor<T> {
            type Value = Many<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("a list of objects")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element()? {
                    items.push(item);
                }
                Ok(Many(items))
            }

            absent!(bool, number, null, string, object);
        }
        deserializer.deserialize_any(ManyVisitor(PhantomData))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;
        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = Entries<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("an object of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some((key, value)) = map.next_entry::<Text, Text>()? {
                    entries.push((key.0.unwrap_or_default(), value));
                }
                Ok(Entries(entries))
            }

            absent!(bool, number, null, string, list);
        }
        deserializer.deserialize_any(EntriesVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Probe<'a> {
        #[serde(borrow)]
        text: Text<'a>,
        #[serde(borrow)]
        inner: Maybe<Inner<'a>>,
        #[serde(borrow)]
        items: Many<Inner<'a>>,
        #[serde(borrow)]
        labels: Entries<'a>,
        flag: Flag,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Inner<'a> {
        #[serde(borrow)]
        name: Text<'a>,
    }

    #[test]
    fn wrong_types_read_as_absent() {
        let values = [
            "null",
            "true",
            "-1",
            "1",
            "1.5",
            "\"text\"",
            "[1, {}]",
            "{\"a\": [1]}",
        ];
        for value in values {
            for field in ["text", "inner", "items", "labels", "flag"] {
                let json = format!("{{\"{field}\": {value}, \"other\": {value}}}");
                let probe: Probe = serde_json::from_str(&json).unwrap();
                let text = probe.text.get();
                assert_eq!(
                    text.is_some(),
                    field == "text" && value == "\"text\"",
                    "{json}"
                );
                assert_eq!(
                    probe.inner.get().is_some(),
                    field == "inner" && value.starts_with('{')
                );
                let flag = (field == "flag" && value == "true").then_some(true);
                assert_eq!(probe.flag.get(), flag, "{json}");
            }
        }
    }

    #[test]
    fn elements_that_are_no_objects_keep_their_place() {
        let json = r#"{"items": [null, {"name": "a"}, 7, {"name": "b"}]}"#;
        let probe: Probe = serde_json::from_str(json).unwrap();
        let found: Vec<_> = probe
            .items
            .iter()
            .map(|(i, item)| (i, item.name.or_empty()))
            .collect();
        assert_eq!(found, [(1, "a"), (3, "b")]);
    }

    #[test]
    fn null_absent_and_empty_are_one() {
        for json in [r#"{"text": null}"#, "{}", r#"{"text": ""}"#] {
            let probe: Probe = serde_json::from_str(json).unwrap();
            assert_eq!(probe.text.get(), None);
        }
    }

    #[test]
    fn labels_keep_their_string_values() {
        let json = r#"{"labels": {"a": "1", "b": null, "c\u0064": "x\n", "e": ""}}"#;
        let probe: Probe = serde_json::from_str(json).unwrap();
        assert_eq!(probe.labels.value("cd"), Some("x\n"));
        assert_eq!(probe.labels.value("e"), Some(""));
        assert_eq!(probe.labels.value("b"), None);
    }
}
