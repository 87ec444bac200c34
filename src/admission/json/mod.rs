//! The JSON reader of the request path: a serde deserializer that borrows what it reads and passes over the rest fast.
//!
//! Of a review of eight kilobytes a rule looks at a few hundred bytes. A general reader spends most of its time on the
//! rest, value by value; this one looks for the bracket that closes it. What is passed over is therefore only checked for
//! being closed, not for being JSON in every detail: the API server wrote it, and nobody here reads it.
//! What is read follows RFC 8259; escapes and numbers are left to `serde_json`.

mod block;
mod skip;

use std::borrow::Cow;
use std::fmt;

use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::Number;

/// Why bytes could not be read, and where.
#[derive(Debug, PartialEq, Eq)]
pub struct JsonError {
    message: String,
    at: Option<usize>,
}

impl fmt::Display for JsonError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)?;
        match self.at {
            Some(at) => write!(formatter, " at byte {at}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for JsonError {}

impl de::Error for JsonError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self {
            message: message.to_string(),
            at: None,
        }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        match found {
            Unexpected::Unit => {
                Self::custom(format_args!("invalid type: null, expected {expected}"))
            }
            found => Self::custom(format_args!("invalid type: {found}, expected {expected}")),
        }
    }
}

type Read<T> = Result<T, JsonError>;

/// Reads a value, borrowing from the bytes. Nothing but white space may follow it.
///
/// # Errors
/// [`JsonError`] where the bytes are no UTF-8, what is read is no JSON, or it is of another type than asked for.
pub fn from_slice<'de, T: de::Deserialize<'de>>(bytes: &'de [u8]) -> Read<T> {
    let text = std::str::from_utf8(bytes).map_err(|error| JsonError {
        message: "not UTF-8".to_owned(),
        at: Some(error.valid_up_to()),
    })?;
    let mut reader = Reader { text, at: 0 };
    let value = T::deserialize(&mut reader)?;
    match reader.peek() {
        Ok(_) => Err(reader.fault("more than one value")),
        Err(_) => Ok(value),
    }
}

/// The text, and how far it is read.
struct Reader<'de> {
    text: &'de str,
    at: usize,
}

impl<'de> Reader<'de> {
    fn fault(&self, message: &str) -> JsonError {
        JsonError {
            message: message.to_owned(),
            at: Some(self.at),
        }
    }

    fn bytes(&self) -> &'de [u8] {
        self.text.as_bytes()
    }

    /// The next byte that is no white space; it stays unread.
    fn peek(&mut self) -> Read<u8> {
        while let Some(byte) = self.bytes().get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Ok(*byte);
            }
            self.at += 1;
        }
        Err(self.fault("the text ends too early"))
    }

    fn expect(&mut self, wanted: u8, message: &str) -> Read<()> {
        if self.peek()? != wanted {
            return Err(self.fault(message));
        }
        self.at += 1;
        Ok(())
    }

    /// Reads a string whose opening quote is next.
    fn string(&mut self) -> Read<Cow<'de, str>> {
        let open = self.at;
        let end = stop_in_string(self.bytes(), open + 1);
        if self.bytes().get(end) == Some(&b'"') {
            self.at = end + 1;
            let text = self.text.get(open + 1..end);
            return text
                .map(Cow::Borrowed)
                .ok_or_else(|| self.fault("a broken string"));
        }
        self.skip_string()?;
        let quoted = self.text.get(open..self.at).unwrap_or_default();
        serde_json::from_str(quoted)
            .map(Cow::Owned)
            .map_err(|error| JsonError {
                message: error.to_string(),
                at: Some(open),
            })
    }

    /// Passes over a string whose opening quote is next.
    fn skip_string(&mut self) -> Read<()> {
        let end = skip::string(self.bytes(), self.at + 1);
        self.at = end.ok_or_else(|| self.fault("a string that does not end"))?;
        Ok(())
    }

    /// A number, `true`, `false` or `null`, as it stands there.
    fn word(&mut self) -> &'de str {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let end = rest.find([',', '}', ']', ':', ' ', '\n', '\r', '\t', '"', '{', '[']);
        let word = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        self.at += word.len();
        word
    }

    /// Passes over a value.
    fn skip(&mut self) -> Read<()> {
        match self.peek()? {
            b'"' => self.skip_string(),
            b'{' | b'[' => self.skip_nested(),
            _ if self.word().is_empty() => Err(self.fault("a value is missing")),
            _ => Ok(()),
        }
    }

    /// Passes over an object or list whose opening bracket is next.
    fn skip_nested(&mut self) -> Read<()> {
        let end = skip::nested(self.bytes(), self.at);
        self.at = end.ok_or_else(|| self.fault("an object or list that does not end"))?;
        Ok(())
    }
}

/// The place of the next byte in a string that is a quote, a backslash or a control character; the end if there is none.
/// Eight bytes are looked at together: a byte's highest bit is set where the byte is one of them. Bits above the lowest
/// may be set wrongly by a borrow, so only the lowest counts.
fn stop_in_string(bytes: &[u8], from: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let mut at = from;
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let word = u64::from_le_bytes(*chunk);
        let zero_in = |word: u64| word.wrapping_sub(ONES) & !word;
        let quote = zero_in(word ^ (ONES * 0x22));
        let backslash = zero_in(word ^ (ONES * 0x5c));
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let stops = (quote | backslash | control) & HIGH;
        if stops != 0 {
            return at + stops.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    let stop = rest
        .iter()
        .position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
    stop.map_or(bytes.len(), |offset| at + offset)
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = JsonError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match self.peek()? {
            b'"' => match self.string()? {
                Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
                Cow::Owned(text) => visitor.visit_string(text),
            },
            b'{' => {
                self.at += 1;
                visitor.visit_map(Elements::of(self, b'}'))
            }
            b'[' => {
                self.at += 1;
                visitor.visit_seq(Elements::of(self, b']'))
            }
            _ => match self.word() {
                "null" => visitor.visit_unit(),
                "true" => visitor.visit_bool(true),
                "false" => visitor.visit_bool(false),
                word => match serde_json::from_str::<Number>(word) {
                    Ok(number) => number.deserialize_any(visitor).map_err(de::Error::custom),
                    Err(_) => Err(self.fault("a value is missing")),
                },
            },
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        if self.peek()? != b'n' {
            return visitor.visit_some(self);
        }
        match self.word() {
            "null" => visitor.visit_none(),
            _ => Err(self.fault("a value is missing")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        self.skip()?;
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Read<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value> {
        if self.peek()? != b'"' {
            return Err(self.fault("expected a word in quotes"));
        }
        visitor.visit_enum(Word(self.string()?))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier
    }
}

/// What stands between two brackets, separated by commas.
struct Elements<'r, 'de> {
    reader: &'r mut Reader<'de>,
    close: u8,
    first: bool,
}

impl<'r, 'de> Elements<'r, 'de> {
    fn of(reader: &'r mut Reader<'de>, close: u8) -> Self {
        Self {
            reader,
            close,
            first: true,
        }
    }

    /// Whether another element follows; the closing bracket is read.
    fn more(&mut self) -> Read<bool> {
        let byte = self.reader.peek()?;
        if byte == self.close {
            self.reader.at += 1;
            return Ok(false);
        }
        if !std::mem::take(&mut self.first) {
            self.reader
                .expect(b',', "expected a comma or the closing bracket")?;
        }
        Ok(true)
    }
}

impl<'de> SeqAccess<'de> for Elements<'_, 'de> {
    type Error = JsonError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Read<Option<T::Value>> {
        if !self.more()? {
            return Ok(None);
        }
        seed.deserialize(&mut *self.reader).map(Some)
    }
}

impl<'de> MapAccess<'de> for Elements<'_, 'de> {
    type Error = JsonError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Read<Option<K::Value>> {
        if !self.more()? {
            return Ok(None);
        }
        if self.reader.peek()? != b'"' {
            return Err(self.reader.fault("expected a key in quotes"));
        }
        seed.deserialize(&mut *self.reader).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Read<V::Value> {
        self.reader.expect(b':', "expected a colon after the key")?;
        seed.deserialize(&mut *self.reader)
    }
}

/// A variant without content.
struct Word<'de>(Cow<'de, str>);

impl<'de> EnumAccess<'de> for Word<'de> {
    type Error = JsonError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Read<(V::Value, Self)> {
        let value = seed.deserialize(IntoDeserializer::<JsonError>::into_deserializer(&*self.0))?;
        Ok((value, self))
    }
}

impl<'de> de::VariantAccess<'de> for Word<'de> {
    type Error = JsonError;

    fn unit_variant(self) -> Read<()> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Read<T::Value> {
        Err(de::Error::invalid_type(
            Unexpected::UnitVariant,
            &"a variant with content",
        ))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Read<V::Value> {
        Err(de::Error::invalid_type(
            Unexpected::UnitVariant,
            &"a variant with content",
        ))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Read<V::Value> {
        Err(de::Error::invalid_type(
            Unexpected::UnitVariant,
            &"a variant with content",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Probe {
        text: Option<String>,
        number: Option<f64>,
        list: Vec<bool>,
    }

    #[test]
    fn what_is_read_is_read_as_by_serde_json() {
        let texts = [
            r#"{"text": "plain", "number": -1.5e3, "list": [true, false]}"#,
            r#" { "text" : "\u00e9\n\"" , "other" : {"a": [1, {"b": "]}\\\""}]}, "list": [] } "#,
            r#"{"text": null, "number": 7, "other": "\\", "list": [ true ]}"#,
            r#"{"skipped": "a long text without an end in the first block of sixty-four bytes \" }", "text": "é"}"#,
            "{}",
        ];
        for text in texts {
            let expected: Probe = serde_json::from_str(text).unwrap();
            assert_eq!(
                from_slice::<Probe>(text.as_bytes()).unwrap(),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_plain_is_borrowed() {
        let text: &str = from_slice(br#""plain""#).unwrap();
        assert_eq!(text, "plain");
    }

    #[test]
    fn faults_are_told_with_their_place() {
        let table = [
            ("", "the text ends too early at byte 0"),
            ("{} {}", "more than one value at byte 3"),
            (
                "{\"text\" \"a\"}",
                "expected a colon after the key at byte 8",
            ),
            (
                "{\"text\": \"a\" \"b\"}",
                "expected a comma or the closing bracket at byte 13",
            ),
            ("{\"text\": \"a}", "a string that does not end at byte 9"),
            ("{text: 1}", "expected a key in quotes at byte 1"),
            (
                "{\"other\": [1",
                "an object or list that does not end at byte 10",
            ),
            ("{\"other\": }", "a value is missing at byte 10"),
            ("{\"number\": nul}", "a value is missing at byte 14"),
            ("{\"number\": 01}", "a value is missing at byte 13"),
            ("7", "invalid type: integer `7`, expected struct Probe"),
            (
                "{\"text\": \"\\x\"}",
                "invalid escape at line 1 column 3 at byte 9",
            ),
            (
                "{\"text\": \"a\nb\"}",
                "control character (\\u0000-\\u001F) found while parsing a string at line 2 column 0 at byte 9",
            ),
        ];
        for (text, expected) in table {
            let error = from_slice::<Probe>(text.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), expected, "{text}");
        }
        let error = from_slice::<Probe>(b"{\"text\": \"\xff\"}").unwrap_err();
        assert_eq!(error.to_string(), "not UTF-8 at byte 10");
    }
}
