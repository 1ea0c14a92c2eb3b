//! The witness file: what steps themselves wrote, judged against what the ledger acknowledged.

use std::collections::BTreeMap;

/// One attempt at a step.
type Work = (String, u64);

/// What the ledger called done at the time of the kill: of each step the newest attempt that has ended.
pub(super) type Acknowledged = BTreeMap<String, u64>;

/// One line of the witness.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    word: String,
    work: Work,
    token: String,
}

fn lines(text: &str) -> Result<Vec<Line>, String> {
    text.lines()
        .map(|line| {
            let torn = || format!("the witness has a torn line `{line}`");
            let words: Vec<&str> = line.split(' ').collect();
            let [word, step, attempt, token, _pid] = words.as_slice() else { return Err(torn()) };
            let attempt = attempt.parse().map_err(|_| torn())?;
            let owned = |text: &str| text.to_owned();
            Ok(Line { word: owned(word), work: (owned(step), attempt), token: owned(token) })
        })
        .collect()
}

/// `step` or `step#attempt`.
fn work(text: &str) -> Result<Work, String> {
    let (step, attempt) = text.split_once('#').unwrap_or((text, "1"));
    Ok((step.to_owned(), attempt.parse().map_err(|_| format!("`{text}` is no piece of work"))?))
}

/// Judges a run that has ended as its plan says: `before` is the witness at the time of the kill, `after` at the end,
/// `expected` all the work that ends by itself. Gives how often work was given out again.
pub(super) fn judge(
    before: &str,
    after: &str,
    acknowledged: &Acknowledged,
    expected: &[&str],
) -> Result<u64, String> {
    let later = after
        .strip_prefix(before)
        .ok_or("the witness of before the kill is no beginning of the one after it")?;
    let done = |line: &&Line| acknowledged.get(&line.work.0).is_some_and(|newest| line.work.1 <= *newest);
    if let Some(line) = lines(later)?.iter().find(done) {
        let (step, attempt) = &line.work;
        return Err(format!(
            "doubled: attempt {attempt} of `{step}` was acknowledged before the kill and ran again"
        ));
    }
    let all = lines(after)?;
    if let Some(line) = all.iter().find(|line| line.word == "alive") {
        return Err(format!("two alive: `{}` was started while an older copy of it lived", line.work.0));
    }
    let mut by_work: BTreeMap<&Work, Vec<&Line>> = BTreeMap::new();
    for line in &all {
        by_work.entry(&line.work).or_default().push(line);
    }
    let mut given_out_again = 0;
    for ((step, attempt), lines) in &by_work {
        if lines.iter().any(|line| Some(&line.token) != lines.first().map(|first| &first.token)) {
            return Err(format!(
                "another token: attempt {attempt} of `{step}` was given out again under another token"
            ));
        }
        let starts = lines.iter().filter(|line| line.word == "start").count();
        given_out_again += u64::try_from(starts.saturating_sub(1)).unwrap_or(0);
    }
    for text in expected {
        if by_work.get(&work(text)?).and_then(|lines| lines.last()).is_none_or(|line| line.word != "end") {
            return Err(format!("lost: `{text}` is acknowledged but its last copy did not end"));
        }
    }
    Ok(given_out_again)
}

/// What was taken over from another run is not done again.
pub(super) fn judge_taken_over(after: &str, taken_over: &[&str]) -> Result<(), String> {
    let again = lines(after)?.into_iter().find(|line| taken_over.contains(&line.work.0.as_str()));
    again.map_or(Ok(()), |line| Err(format!("doubled: `{}` was taken over and ran again", line.work.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acknowledged(steps: &[(&str, u64)]) -> Acknowledged {
        steps.iter().map(|(step, attempt)| ((*step).to_owned(), *attempt)).collect()
    }

    const BEFORE: &str = "start a 1 t1 1\nend a 1 t1 1\nstart b 1 t2 2\n";

    #[test]
    fn an_honest_run_passes() {
        let after = format!("{BEFORE}start b 1 t2 3\nend b 1 t2 3\nstart a 2 t3 4\nend a 2 t3 4\n");
        assert_eq!(judge(BEFORE, &after, &acknowledged(&[("a", 1)]), &["a", "a#2", "b"]), Ok(1));
    }

    #[test]
    fn what_was_taken_over_is_not_done_again() {
        assert_eq!(judge_taken_over(BEFORE, &["fetch"]), Ok(()));
        assert!(judge_taken_over(BEFORE, &["a"]).is_err_and(|fault| fault.contains("doubled")));
    }

    /// The control of the harness: each lie is noticed.
    #[test]
    fn each_lie_is_noticed() {
        for (later, expected) in [
            ("start a 1 t1 3\nend a 1 t1 3\nstart b 1 t2 3\nend b 1 t2 3\n", "doubled"),
            ("start b 1 t9 3\nend b 1 t9 3\n", "another token"),
            ("alive b 1 t2 2\nstart b 1 t2 3\nend b 1 t2 3\n", "two alive"),
            ("start b 1 t2 3\n", "lost"),
            ("start b 2 t2 3\nend b 2 t2 3\n", "lost"),
            ("start b", "torn line"),
        ] {
            let verdict = judge(BEFORE, &format!("{BEFORE}{later}"), &acknowledged(&[("a", 1)]), &["a", "b"]);
            assert!(verdict.as_ref().is_err_and(|fault| fault.contains(expected)), "{expected}: {verdict:?}");
        }
    }
}
