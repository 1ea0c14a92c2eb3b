//! The chance of a history: SplitMix64 from its seed. The same seed is the same history, on every machine.

/// A stream of numbers.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// From a seed.
    pub fn from_seed(seed: u64) -> Self {
        Self(seed ^ 0x5157_2b9d_3c1a_77e5)
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
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
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
