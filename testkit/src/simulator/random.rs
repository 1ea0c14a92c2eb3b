//! The chance of a history, from its seed. The same seed is the same history, on every machine.

use crate::power_cut::chance::Chance;

/// A stream of numbers.
#[derive(Debug, Clone)]
pub struct Random(Chance);

impl Random {
    /// From a seed.
    pub fn from_seed(seed: u64) -> Self {
        Self(Chance::new(seed ^ 0x5157_2b9d_3c1a_77e5))
    }

    /// A stream of its own within a seed: what is drawn from one leaves the others as they are.
    pub fn stream(seed: u64, name: &str, number: u64) -> Self {
        let mut mixed = seed ^ 0x2545_f491_4f6c_dd1d;
        for byte in name.bytes() {
            mixed = (mixed ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        let mut random = Self::from_seed(mixed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        random.draw();
        random
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0.draw()
    }

    /// A number below `end`; 0 where `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.draw() % end }
    }

    /// True `percent` times in a hundred.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let at = usize::try_from(self.below(items.len() as u64)).ok()?;
        items.get(at)
    }

    /// 32 bytes.
    pub fn bytes(&mut self) -> [u8; 32] {
        let mut out = [0; 32];
        for chunk in out.chunks_mut(8) {
            for (to, from) in chunk.iter_mut().zip(self.draw().to_le_bytes()) {
                *to = from;
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seeds are written down in reports and in tests, so what they stand for stays.
    #[test]
    fn a_seed_stands_for_the_same_numbers_for_ever() {
        let mut chance = Chance::new(7);
        let drawn = [chance.draw(), chance.draw(), chance.draw()];
        assert_eq!(drawn, [0x63cb_e1e4_5932_0dd7, 0x044c_3cd7_f43c_661c, 0xe698_4080_bab1_2a02_u64]);
        let mut random = Random::from_seed(7);
        let drawn = [random.draw(), random.draw(), random.draw()];
        assert_eq!(drawn, [0xd020_c3fa_e568_eaa7, 0x6cb5_2075_760e_bbf0, 0xf9c3_4023_5671_a680_u64]);
    }
}
