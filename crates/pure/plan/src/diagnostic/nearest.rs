//! The nearest spelling: optimal string alignment distance, bounded, and the choices with the nearest first.
//!
//! Only what is plausibly a slip counts as near: at most a third of the word's length, at least one letter.

/// Choices that a diagnostic lists at most.
const MOST_CHOICES: usize = 32;
/// Words longer than this are never compared letter by letter.
const LONGEST_WORD: usize = 64;

/// The edit distance (insert, delete, replace, swap of neighbours), or `None` above `limit`.
fn distance(left: &str, right: &str, limit: usize) -> Option<usize> {
    let left: Vec<char> = left.chars().take(LONGEST_WORD + 1).collect();
    let right: Vec<char> = right.chars().take(LONGEST_WORD + 1).collect();
    if left.len() > LONGEST_WORD || right.len() > LONGEST_WORD || left.len().abs_diff(right.len()) > limit {
        return None;
    }
    let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    let mut earlier_letter = None;
    for (line, &letter) in left.iter().enumerate() {
        let mut next = vec![line + 1];
        let mut earlier_other = None;
        for (column, &other) in right.iter().enumerate() {
            let replace = at(&row, column)
                + usize::from(!letter.eq_ignore_ascii_case(&other)) * 2
                + usize::from(letter != other && letter.eq_ignore_ascii_case(&other));
            let mut best = replace.min(at(&row, column + 1) + 2).min(at(&next, column) + 2);
            if column > 0 && earlier_letter == Some(other) && earlier_other == Some(letter) {
                best = best.min(at(&before, column - 1) + 2);
            }
            next.push(best);
            earlier_other = Some(other);
        }
        before = std::mem::replace(&mut row, next);
        earlier_letter = Some(letter);
    }
    // A letter counts two, a letter in the other case one: `dependson` is nearer to `dependsOn` than to `depends`.
    row.last().copied().map(|twice| twice.div_ceil(2)).filter(|&found| found <= limit)
}

/// The choice that was probably meant.
pub(crate) fn nearest<'a>(word: &str, choices: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    let near = choices.into_iter().filter_map(|choice| Some((distance(word, choice, limit)?, choice)));
    near.min_by(|left, right| left.cmp(right)).map(|(_, choice)| choice)
}

/// The legal choices, nearest first, then in byte order; cut where there are very many.
pub(crate) fn ordered<'a>(word: &str, choices: impl IntoIterator<Item = &'a str> + Clone) -> Vec<String> {
    let near = nearest(word, choices.clone());
    let mut rest: Vec<&str> = choices.into_iter().filter(|choice| Some(*choice) != near).collect();
    rest.sort_unstable();
    near.into_iter().chain(rest).take(MOST_CHOICES).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_other_words_are_not() {
        let keys = ["needs", "timeout", "retry", "inputs", "dependsOn"];
        for (word, expected) in [
            ("need", Some("needs")),
            ("tiemout", Some("timeout")),
            ("Retry", Some("retry")),
            ("inpust", Some("inputs")),
            ("dependson", Some("dependsOn")),
            ("schedule", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, keys), expected, "{word}");
        }
        assert_eq!(ordered("retri", keys), ["retry", "dependsOn", "inputs", "needs", "timeout"]);
    }

    #[test]
    fn long_words_cost_nothing() {
        assert_eq!(nearest(&"a".repeat(1_000_000), ["needs"]), None);
    }
}
