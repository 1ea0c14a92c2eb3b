//! Where in a shell's code a place stands: bare, or between quotes. Only what is certain is told.
//!
//! A variable keeps to itself where it stands between double quotes. Elsewhere the value would be split, or it would be code
//! again: an arithmetic, `eval`, the code of another shell, the name of the command.

/// What is put in the place of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stand {
    /// Bare: the variable brings its own quotes.
    Bare,
    /// Within double quotes.
    Quoted,
}

/// What is open at a place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Nothing,
    Single,
    Double,
    Comment,
}

/// How a variable would stand behind `before`, the code from its beginning on; nothing where that is not certain or not safe.
pub(super) fn stand(before: &str) -> Option<Stand> {
    // Here documents and `$'…'` have rules of their own.
    if before.contains("<<") || before.contains("$'") {
        return None;
    }
    let (open, from) = open(before);
    let line = before.rsplit('\n').next().unwrap_or_default();
    match open {
        Open::Single => None,
        Open::Comment => Some(Stand::Quoted),
        _ if is_code_again(line) => None,
        // `"$(ls …)"` begins anew within the parentheses.
        Open::Double if before.get(from..).is_some_and(|inside| inside.contains(['`', '('])) => None,
        Open::Double => Some(Stand::Quoted),
        Open::Nothing if is_command(before) => None,
        Open::Nothing => Some(Stand::Bare),
    }
}

/// What is open at the end, and where that began.
fn open(code: &str) -> (Open, usize) {
    let (mut state, mut from) = (Open::Nothing, 0);
    let mut is_word = false;
    let mut letters = code.char_indices();
    while let Some((at, letter)) = letters.next() {
        let next = match (state, letter) {
            (Open::Nothing | Open::Double, '\\') => {
                letters.next();
                state
            }
            (Open::Nothing, '\'') => Open::Single,
            (Open::Nothing, '"') => Open::Double,
            (Open::Nothing, '#') if !is_word => Open::Comment,
            (Open::Single, '\'') | (Open::Double, '"') | (Open::Comment, '\n') => Open::Nothing,
            _ => state,
        };
        if next != state {
            (state, from) = (next, at);
        }
        is_word = !letter.is_whitespace() && !";&|()".contains(letter);
    }
    (state, from)
}

/// Whether something on this line reads its words as code once more.
fn is_code_again(line: &str) -> bool {
    let again = |word: &str| matches!(word, "eval" | "let" | "trap" | "source" | "." | "-c" | "-lc" | "-ec");
    line.split(|letter: char| letter.is_whitespace() || ";&|(".contains(letter)).any(again)
        || line.matches("((").count() > line.matches("))").count()
        || line.matches("[[").count() > line.matches("]]").count()
}

/// Whether the next word is the name of a command.
fn is_command(before: &str) -> bool {
    let before = before.trim_end_matches([' ', '\t']);
    before.is_empty() || before.ends_with(['\n', ';', '&', '|', '(', '{', '`', '!'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_certain_is_told() {
        for (before, expected) in [
            ("echo ", Some(Stand::Bare)),
            ("load --day=", Some(Stand::Bare)),
            ("echo 'a' \"b\" \\\" ", Some(Stand::Bare)),
            ("x=$(ls ", Some(Stand::Bare)),
            ("echo \"a ", Some(Stand::Quoted)),
            ("echo \"first\n  ", Some(Stand::Quoted)),
            ("echo a#b \"", Some(Stand::Quoted)),
            ("# don't\necho ", Some(Stand::Bare)),
            ("# of ", Some(Stand::Quoted)),
            ("echo '", None),
            ("echo 'it\n", None),
            ("echo \"$(ls ", None),
            ("echo \"`ls ", None),
            ("cat <<END\n", None),
            ("echo $'", None),
            ("", None),
            ("set -e\n  ", None),
            ("true && ", None),
            ("eval ls ", None),
            ("bash -c \"ls ", None),
            ("echo $((1 + ", None),
            ("[[ 1 -eq ", None),
            ("echo $((1)) ", Some(Stand::Bare)),
        ] {
            assert_eq!(stand(before), expected, "{before:?}");
        }
    }
}
