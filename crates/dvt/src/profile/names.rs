//! Names of tenants for people: two plain words, drawn. They identify nothing; ids do.

const FIRST: [&str; 32] = [
    "amber", "blue", "brave", "bright", "calm", "clear", "cool", "early", "fair", "fresh", "gentle",
    "golden", "green", "grey", "high", "kind", "late", "light", "little", "long", "mild", "new", "old",
    "open", "quick", "quiet", "red", "silver", "slow", "soft", "warm", "white",
];

const SECOND: [&str; 32] = [
    "bay", "beach", "bridge", "brook", "cliff", "cloud", "coast", "creek", "dune", "field", "forest",
    "garden", "grove", "harbour", "hill", "island", "lake", "meadow", "moon", "mountain", "orchard", "path",
    "pond", "rain", "ridge", "river", "shore", "sky", "spring", "stone", "valley", "wind",
];

/// Two words, like `quiet-river`.
pub(crate) fn draw() -> String {
    let [first, second] = dvt_keys::entropy::random::<2>();
    let pick =
        |words: &[&'static str; 32], byte: u8| words.get(usize::from(byte % 32)).copied().unwrap_or("new");
    format!("{}-{}", pick(&FIRST, first), pick(&SECOND, second))
}

#[cfg(test)]
mod tests {
    #[test]
    fn two_words() {
        let name = super::draw();
        assert!(
            name.split('-').count() == 2
                && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'),
            "{name}"
        );
    }
}
