//! The words of an expression, read before the parser sees them.
//!
//! The parser of `cel` descends once for each bracket and operator, and so does everything that walks the tree that it
//! makes. How deep that will be is told here from the words alone, so that no expression can exhaust the stack. The words
//! also say where a name stands: the tree that the parser hands out does not.

use super::Fault;

/// How deep an expression may go, in operators applied to one another. Everyday conditions need some 20 with all their
/// brackets. Threads have 2 MiB of stack, and the deepest expression must fit into it even in a debug build.
const MAX_DEPTH: usize = 32;

/// How many operators a bracket counts for: the parser descends through every operator that there is.
const BRACKET: usize = 3;

/// A word of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word<'e> {
    /// Its first byte in the expression.
    pub(super) at: usize,
    /// How it reads.
    pub(super) text: &'e str,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Name,
    Literal,
    Sign,
}

impl Word<'_> {
    /// Whether it is this name, written plain or between back-quotes.
    pub(super) fn is_name(&self, name: &str) -> bool {
        self.kind == Kind::Name && self.text.trim_matches('`') == name
    }
}

/// Reads the words of an expression.
///
/// # Errors
/// A text without its closing quote, or more depth than the parser may be given.
pub(super) fn words(expression: &str) -> Result<Vec<Word<'_>>, Fault> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(rest) = expression.get(at..).filter(|rest| !rest.is_empty()) {
        let (kind, length) = match rest.chars().next() {
            Some(c) if c.is_whitespace() => (None, c.len_utf8()),
            _ if rest.starts_with("//") => (None, rest.find('\n').unwrap_or(rest.len())),
            _ if text_prefix(rest).is_some() => (
                Some(Kind::Literal),
                text_length(rest).ok_or_else(|| unclosed(expression, at))?,
            ),
            Some('`') => (
                Some(Kind::Name),
                quoted(rest, "`", false).ok_or_else(|| unclosed(expression, at))?,
            ),
            Some(c) if c.is_alphabetic() || c == '_' => (Some(Kind::Name), run(rest)),
            Some(c) if c.is_ascii_digit() => (Some(Kind::Literal), run(rest)),
            _ => (Some(Kind::Sign), sign_length(rest)),
        };
        if let Some(kind) = kind {
            let text = rest.get(..length).unwrap_or(rest);
            if text == "=" {
                let help = "write == to compare";
                return Err(Fault::at(expression, at, "a single `=`", help));
            }
            words.push(Word { at, text, kind });
        }
        at += length.max(1);
    }
    measure(expression, &words)?;
    Ok(words)
}

fn unclosed(expression: &str, at: usize) -> Fault {
    let help = "close it with the quote that opened it, on the same line";
    Fault::at(expression, at, "the text is not closed", help)
}

/// The length of a run of letters, digits and `_`.
fn run(rest: &str) -> usize {
    rest.find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(rest.len())
}

fn sign_length(rest: &str) -> usize {
    let two = ["&&", "||", "==", "!=", "<=", ">=", ".?", "[?"];
    if two.iter().any(|sign| rest.starts_with(sign)) {
        return 2;
    }
    rest.chars().next().map_or(1, char::len_utf8)
}

/// The letters before the quote of a text (`r` for raw, `b` for bytes), if a text begins here.
fn text_prefix(rest: &str) -> Option<&str> {
    let mut start = rest.char_indices().take(3);
    let (at, _) = start.find(|(_, c)| matches!(c, '"' | '\''))?;
    let prefix = rest.get(..at)?;
    prefix.chars().all(|c| "rRbB".contains(c)).then_some(prefix)
}

/// The length of the text that begins here, with its quotes; `None` if it has no end.
fn text_length(rest: &str) -> Option<usize> {
    let prefix = text_prefix(rest)?;
    let escapes = !prefix.contains(['r', 'R']);
    let body = rest.get(prefix.len()..)?;
    let quote = ["\"\"\"", "'''", "\"", "'"]
        .into_iter()
        .find(|quote| body.starts_with(quote))?;
    quoted(body, quote, escapes).map(|length| prefix.len() + length)
}

/// The length of what stands between two quotes, with them. Only a triple quote may hold a line break.
fn quoted(body: &str, quote: &str, escapes: bool) -> Option<usize> {
    let mut at = quote.len();
    loop {
        let rest = body.get(at..)?;
        if rest.starts_with(quote) {
            return Some(at + quote.len());
        }
        let next = rest.chars().next()?;
        if next == '\n' && quote.len() == 1 {
            return None;
        }
        at += next.len_utf8();
        if next == '\\' && escapes {
            at += body.get(at..)?.chars().next()?.len_utf8();
        }
    }
}

/// What has been opened: a bracket, or the expression as a whole.
#[derive(Default)]
struct Level {
    /// Operators applied to one another since the last `,`, `&&`, `||`, `?` or `:`.
    chain: usize,
    /// Conditionals, each within the last.
    conditionals: usize,
}

impl Level {
    const fn depth(&self) -> usize {
        self.chain + BRACKET * (1 + self.conditionals)
    }
}

/// Holds that the expression is not deeper than the parser may be given.
fn measure(expression: &str, words: &[Word<'_>]) -> Result<(), Fault> {
    let mut outer = Vec::new();
    let mut below = 0;
    let mut level = Level::default();
    for word in words {
        match (word.kind, word.text) {
            (Kind::Sign, "(" | "[" | "[?" | "{") => {
                below += level.depth();
                outer.push(std::mem::take(&mut level));
            }
            (Kind::Sign, ")" | "]" | "}") => {
                if let Some(opened) = outer.pop() {
                    level = opened;
                    below -= level.depth();
                }
            }
            (Kind::Sign, "," | "&&" | "||" | ":") => level.chain = 0,
            (Kind::Sign, "?") => {
                level.chain = 0;
                level.conditionals += 1;
            }
            (Kind::Sign, _) | (Kind::Name, "in") => level.chain += 1,
            _ => {}
        }
        if below + level.depth() > MAX_DEPTH {
            let message = "the expression goes too deep here";
            let help = format!(
                "at most {} brackets or conditionals in one another and {MAX_DEPTH} operators in a row, fewer of one with more \
                 of the other; split it into several conditions: all of them must be true",
                MAX_DEPTH / BRACKET - 1
            );
            return Err(Fault::at(expression, word.at, message, help));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(expression: &str) -> Vec<&str> {
        words(expression)
            .unwrap()
            .iter()
            .map(|word| word.text)
            .collect()
    }

    #[test]
    fn words_are_told_apart() {
        assert_eq!(
            texts(
                "object.a[0] >= 1.5 && !(x in ['a.b', r\"\\\"]) // a ' comment\n|| b'''it's\n'''"
            ),
            [
                "object",
                ".",
                "a",
                "[",
                "0",
                "]",
                ">=",
                "1",
                ".",
                "5",
                "&&",
                "!",
                "(",
                "x",
                "in",
                "[",
                "'a.b'",
                ",",
                "r\"\\\"",
                "]",
                ")",
                "||",
                "b'''it's\n'''"
            ]
        );
        assert_eq!(texts(r#""a\"b" == 'c'"#), [r#""a\"b""#, "==", "'c'"]);
        assert_eq!(texts("a.`b-c`"), ["a", ".", "`b-c`"]);
    }

    #[test]
    fn a_text_without_an_end_is_told() {
        for expression in ["'a", "\"a\n\"", "'''a''", "'\\", "`a", "r'a"] {
            let fault = words(expression).unwrap_err();
            assert_eq!((fault.line, fault.column), (1, 1), "{expression}");
        }
    }

    #[test]
    fn depth_is_bounded_and_width_is_not() {
        let deep = [
            "(".repeat(1000),
            "!".repeat(1000),
            "-".repeat(1000),
            "a.".repeat(1000),
            "[".repeat(1000),
            "{1:".repeat(1000),
            "a+".repeat(1000),
            "a?b:".repeat(1000),
            "a ? ".repeat(1000),
            "a(a.".repeat(1000),
            "a in ".repeat(1000),
            "(1,2)+[3,".repeat(400),
        ];
        for expression in deep {
            assert!(words(&expression).is_err(), "{expression}");
        }
        let wide = [
            "a && ".repeat(500),
            "a || ".repeat(500),
            format!("[{}]", "(a),".repeat(500)),
        ];
        for expression in wide {
            assert!(words(&expression).is_ok(), "{expression}");
        }
    }
}
