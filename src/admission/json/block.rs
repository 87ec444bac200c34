//! Sixty-four bytes looked at together, with the vector instructions of whichever processor it is.

use wide::u8x16;

/// Bytes looked at together.
pub(super) const WIDTH: usize = 64;

/// One bit a byte, the first byte lowest.
pub(super) type Bits = u64;

/// A block of bytes.
#[derive(Clone, Copy)]
pub(super) struct Block([u8x16; 4]);

impl Block {
    /// The bytes from a place on, with zeros past their end.
    pub(super) fn at(bytes: &[u8], from: usize) -> Self {
        let rest = bytes.get(from..).unwrap_or_default();
        if let Some(block) = rest.first_chunk() {
            return Self::of(block);
        }
        let mut padded = [0; WIDTH];
        for (slot, byte) in padded.iter_mut().zip(rest) {
            *slot = *byte;
        }
        Self::of(&padded)
    }

    fn of(block: &[u8; WIDTH]) -> Self {
        let mut lanes = [u8x16::ZERO; 4];
        let (chunks, _) = block.as_chunks();
        for (lane, chunk) in lanes.iter_mut().zip(chunks) {
            *lane = u8x16::new(*chunk);
        }
        Self(lanes)
    }

    /// Where a byte stands.
    pub(super) fn find(self, byte: u8) -> Bits {
        let wanted = u8x16::splat(byte);
        let lanes = self.0.into_iter().rev();
        lanes.fold(0, |bits, lane| {
            bits << 16 | Bits::from(lane.simd_eq(wanted).to_bitmask())
        })
    }

    /// The block with the sixth bit of every byte set, which makes one of `[` and `{`, and one of `]` and `}`.
    pub(super) fn folded(self) -> Self {
        Self(self.0.map(|lane| lane | u8x16::splat(0x20)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_found_where_it_stands() {
        for shift in 0..=u8::MAX {
            let bytes: Vec<u8> = (0..64)
                .map(|n: u8| n.wrapping_mul(37).wrapping_add(shift))
                .collect();
            for byte in [b'"', b'\\', b'{', b'}', b'[', 0, 0x7f, 0x80, 0xff, shift] {
                let expected = |fold: u8| {
                    let places = bytes
                        .iter()
                        .enumerate()
                        .filter(|(_, found)| **found | fold == byte);
                    places.fold(0_u64, |bits, (place, _)| bits | 1 << place)
                };
                let block = Block::at(&bytes, 0);
                assert_eq!(block.find(byte), expected(0));
                assert_eq!(block.folded().find(byte), expected(0x20));
            }
        }
    }

    #[test]
    fn past_the_end_there_are_zeros() {
        assert_eq!(Block::at(b"\"a\"", 1).find(b'"'), 0b10);
        assert_eq!(Block::at(b"\"a\"", 9).find(b'"'), 0);
        assert_eq!(Block::at(&[b'"'; 65], 1).find(b'"'), u64::MAX);
    }
}
