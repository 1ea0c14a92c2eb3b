//! The nearest spelling: Damerau-Levenshtein (optimal string alignment) without case.

/// The closest candidates, nearest first, at most three, none further away than a third of the word.
pub(crate) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let word: Vec<char> = word.to_uppercase().chars().take(64).collect();
    let most = (word.len() / 3).max(2);
    let mut found: Vec<(usize, &str)> = candidates
        .map(|candidate| (distance(&word, &candidate.to_uppercase().chars().collect::<Vec<_>>()), candidate))
        .filter(|(distance, _)| *distance <= most)
        .collect();
    found.sort();
    found.into_iter().take(3).map(|(_, candidate)| candidate).collect()
}

fn distance(left: &[char], right: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for (row, from) in left.iter().enumerate() {
        let mut line = vec![row + 1];
        for (column, to) in right.iter().enumerate() {
            let at = |values: &[usize], index: usize| values.get(index).copied().unwrap_or(usize::MAX / 2);
            let mut best = (at(&above, column + 1) + 1).min(at(&line, column) + 1);
            best = best.min(at(&above, column) + usize::from(from != to));
            let swapped =
                row > 0 && column > 0 && left.get(row - 1) == Some(to) && right.get(column - 1) == Some(from);
            if swapped {
                best = best.min(at(&before, column - 1) + 1);
            }
            line.push(best);
        }
        before = std::mem::replace(&mut above, line);
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_comes_first() {
        let codes = ["NOT_FOUND", "RUN_NOT_FOUND", "TIMEOUT", "DVT-P007", "DVT-P012"];
        assert_eq!(nearest("NOT_FUOND", codes.into_iter()), ["NOT_FOUND"]);
        assert_eq!(nearest("dvt-p07", codes.into_iter()).first(), Some(&"DVT-P007"));
        assert!(nearest("banana", codes.into_iter()).is_empty());
    }
}
