//! The witness file: what steps themselves wrote, judged against what the ledger acknowledged.

use std::collections::{BTreeMap, BTreeSet};

/// One line of the witness.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    word: String,
    step: String,
    token: String,
}

fn lines(text: &str) -> Result<Vec<Line>, String> {
    text.lines()
        .map(|line| {
            let mut words = line.split(' ').map(str::to_owned);
            match (words.next(), words.next(), words.next(), words.next(), words.next()) {
                (Some(word), Some(step), Some(token), Some(_pid), None) => Ok(Line { word, step, token }),
                _ => Err(format!("the witness has a torn line `{line}`")),
            }
        })
        .collect()
}

/// Judges a run that has ended well: `before` is the witness at the time of the kill, `after` at the end, `acknowledged` the
/// steps that the ledger called done between the two, `steps` all that write to the witness. Gives how often a step was
/// given out again.
pub(crate) fn judge(
    before: &str,
    after: &str,
    acknowledged: &BTreeSet<String>,
    steps: &[&str],
) -> Result<u64, String> {
    let later = after
        .strip_prefix(before)
        .ok_or("the witness of before the kill is no beginning of the one after it")?;
    if let Some(line) = lines(later)?.iter().find(|line| acknowledged.contains(&line.step)) {
        return Err(format!("doubled: `{}` was acknowledged before the kill and ran again", line.step));
    }
    let all = lines(after)?;
    if let Some(line) = all.iter().find(|line| line.word == "alive") {
        return Err(format!("two alive: `{}` was started while an older copy of it lived", line.step));
    }
    let mut by_step: BTreeMap<&str, Vec<&Line>> = BTreeMap::new();
    for line in &all {
        by_step.entry(&line.step).or_default().push(line);
    }
    let mut given_out_again = 0;
    for step in steps {
        let lines = by_step.get(step).map(Vec::as_slice).unwrap_or_default();
        let tokens: BTreeSet<&str> = lines.iter().map(|line| line.token.as_str()).collect();
        if tokens.len() > 1 {
            return Err(format!("another token: `{step}` was given out again under another token"));
        }
        let starts = lines.iter().filter(|line| line.word == "start").count();
        if lines.last().is_none_or(|line| line.word != "end") {
            return Err(format!("lost: `{step}` is acknowledged but its last copy did not end"));
        }
        given_out_again += u64::try_from(starts.saturating_sub(1)).unwrap_or(0);
    }
    Ok(given_out_again)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acknowledged(steps: &[&str]) -> BTreeSet<String> {
        steps.iter().map(|step| (*step).to_owned()).collect()
    }

    const BEFORE: &str = "start a t1 1\nend a t1 1\nstart b t2 2\n";

    #[test]
    fn an_honest_run_passes() {
        let after = format!("{BEFORE}start b t2 3\nend b t2 3\n");
        assert_eq!(judge(BEFORE, &after, &acknowledged(&["a"]), &["a", "b"]), Ok(1));
    }

    /// The control of the harness: each lie is noticed.
    #[test]
    fn each_lie_is_noticed() {
        for (later, expected) in [
            ("start a t1 3\nend a t1 3\nstart b t2 3\nend b t2 3\n", "doubled"),
            ("start b t9 3\nend b t9 3\n", "another token"),
            ("alive b t2 2\nstart b t2 3\nend b t2 3\n", "two alive"),
            ("start b t2 3\n", "lost"),
            ("start b", "torn line"),
        ] {
            let verdict = judge(BEFORE, &format!("{BEFORE}{later}"), &acknowledged(&["a"]), &["a", "b"]);
            assert!(verdict.as_ref().is_err_and(|fault| fault.contains(expected)), "{expected}: {verdict:?}");
        }
    }
}
