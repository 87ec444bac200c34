//! Passing over what nobody reads: the end of a string, or of an object or list, block by block.
//!
//! Which bytes are in strings is worked out for a whole block with a few operations on integers, after Geoff Langdale and
//! Daniel Lemire, "Parsing Gigabytes of JSON per Second", sections 3.1.1 and 3.1.2 (<https://arxiv.org/abs/1902.08318>).

use super::block::{Bits, Block, WIDTH};

/// The place after the closing quote of a string whose content starts at a place; `None` if it does not end.
pub(super) fn string(bytes: &[u8], from: usize) -> Option<usize> {
    let mut escapes = Escapes::default();
    let mut at = from;
    while at < bytes.len() {
        let block = Block::at(bytes, at);
        let quotes = block.find(b'"') & !escapes.escaped(block.find(b'\\'));
        if quotes != 0 {
            return Some(at + place(quotes) + 1);
        }
        at += WIDTH;
    }
    None
}

/// The place after the bracket that closes the one at a place; `None` if there is none.
pub(super) fn nested(bytes: &[u8], from: usize) -> Option<usize> {
    let mut escapes = Escapes::default();
    let mut in_string = 0;
    let mut depth = 0;
    let mut at = from;
    while at < bytes.len() {
        let block = Block::at(bytes, at);
        let quotes = block.find(b'"') & !escapes.escaped(block.find(b'\\'));
        let strings = between(quotes) ^ in_string;
        // The last byte's state goes on in the next block.
        in_string = 0_u64.wrapping_sub(strings >> (WIDTH - 1));
        let folded = block.folded();
        let open = folded.find(b'{') & !strings;
        let close = folded.find(b'}') & !strings;
        if close.count_ones() < depth {
            depth = depth + open.count_ones() - close.count_ones();
        } else if let Some(end) = closing(open, close, &mut depth) {
            return Some(at + end + 1);
        }
        at += WIDTH;
    }
    None
}

/// The place in a block at which everything that was opened is closed.
fn closing(open: Bits, mut close: Bits, depth: &mut u32) -> Option<usize> {
    let mut opened = *depth;
    let mut before = open;
    while close != 0 {
        let end = place(close);
        let earlier = before & ((1 << end) - 1);
        opened += earlier.count_ones();
        before ^= earlier;
        opened = opened.saturating_sub(1);
        if opened == 0 {
            return Some(end);
        }
        close &= close - 1;
    }
    *depth = opened + before.count_ones();
    None
}

/// The place of the lowest bit.
const fn place(bits: Bits) -> usize {
    bits.trailing_zeros() as usize
}

/// Every bit from an odd set bit to the one before the next: what stands between an opening and a closing quote.
const fn between(mut bits: Bits) -> Bits {
    bits ^= bits << 1;
    bits ^= bits << 2;
    bits ^= bits << 4;
    bits ^= bits << 8;
    bits ^= bits << 16;
    bits ^ bits << 32
}

/// Which bytes a backslash takes the meaning from.
#[derive(Default)]
struct Escapes {
    /// Whether the first byte of the next block is one of them.
    first: bool,
}

impl Escapes {
    /// The escaped bytes of a block by its backslashes. In a run of backslashes every second one is escaped itself.
    fn escaped(&mut self, backslashes: Bits) -> Bits {
        let first = Bits::from(self.first);
        if backslashes == 0 {
            self.first = false;
            return first;
        }
        let mut left = backslashes & !first;
        let mut escaped = first;
        while left != 0 {
            let at = place(left);
            if at == WIDTH - 1 {
                self.first = true;
                return escaped;
            }
            let next = 1 << (at + 1);
            escaped |= next;
            left &= !(next | 1 << at);
        }
        self.first = false;
        escaped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Byte by byte, as one would write it down.
    fn plainly(bytes: &[u8]) -> Option<usize> {
        let (mut depth, mut in_string, mut escaped) = (0_u32, false, false);
        for (at, byte) in bytes.iter().enumerate() {
            let was_escaped = std::mem::take(&mut escaped);
            match byte {
                b'\\' => escaped = !was_escaped,
                b'"' => in_string ^= !was_escaped,
                b'{' | b'[' if !in_string => depth += 1,
                b'}' | b']' if !in_string => {
                    depth -= 1;
                    if depth == 0 {
                        return Some(at + 1);
                    }
                }
                _ => {}
            }
        }
        None
    }

    #[test]
    fn brackets_are_found_as_byte_by_byte() {
        // A small generator of its own, so that every run sees the same texts.
        let mut state = 7_u32;
        let mut next = |bound: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state as usize / 65_536 % bound
        };
        for _ in 0..20_000 {
            let length = next(200);
            let mut text = b"{".to_vec();
            text.extend((0..length).map(|_| b"\"\\{}[]ab,: "[next(11)]));
            assert_eq!(
                nested(&text, 0),
                plainly(&text),
                "{}",
                String::from_utf8_lossy(&text)
            );
        }
    }

    #[test]
    fn strings_end_at_the_quote_that_nothing_escapes() {
        for padding in 0..130 {
            for (content, closed) in [
                ("", true),
                ("\\\\", true),
                ("\\\"", true),
                ("\\\\\\\"", true),
                ("\\", false),
            ] {
                let text = format!("{}{content}\"", "x".repeat(padding));
                let expected = closed.then_some(text.len());
                assert_eq!(string(text.as_bytes(), 0), expected, "{text}");
            }
        }
    }

    #[test]
    fn what_does_not_end_is_told() {
        assert_eq!(nested(b"{", 0), None);
        assert_eq!(nested(b"", 0), None);
        assert_eq!(nested(b"{\"}", 0), None);
        assert_eq!(string(b"abc", 0), None);
        assert_eq!(string(b"abc\"", 9), None);
    }
}
