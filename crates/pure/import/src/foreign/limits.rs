//! How long and how deep an expression of a plan may be, and how much one text may hold: what is beyond is told, not written.

/// Bytes of an expression, without the two blanks that stand around it in a text.
const LONGEST: usize = 4_096 - 2;
/// Brackets within brackets.
const DEEPEST: usize = 32;
/// Parts of one text: expressions, and what stands between them.
pub(crate) const MOST_PARTS: usize = 1_000;
/// Bytes of one text that is put together: no program is given a longer word.
pub(crate) const MOST_BYTES: usize = 128 << 10;

/// What stands outside of the literals of an expression of ours, which are between double quotes.
fn outside(source: &str) -> impl Iterator<Item = char> + '_ {
    let (mut is_quoted, mut is_escaped) = (false, false);
    source.chars().filter(move |letter| {
        if std::mem::take(&mut is_escaped) {
            return false;
        }
        match letter {
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ => return !is_quoted,
        }
        false
    })
}

/// Whether a plan takes an expression of this length and depth.
pub(crate) fn fits(source: &str) -> bool {
    let (mut depth, mut deepest) = (0_usize, 0);
    if source.len() > LONGEST {
        return false;
    }
    for letter in outside(source) {
        match letter {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest <= DEEPEST
}

/// Whether it asks how the steps before it ended; a text that only says so does not.
pub(crate) fn asks_status(source: &str, functions: &[&str]) -> bool {
    let said: String = outside(source).collect();
    functions.iter().any(|function| said.contains(&format!("{function}()")))
}

/// Whether it names the item of a list, or may do so.
pub(crate) fn names_item(source: &str) -> bool {
    let said: String = outside(source).collect();
    let is_end = |letter: char| !(letter.is_ascii_alphanumeric() || letter == '_');
    said.split(is_end).any(|word| word == "item")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_within_a_text_are_none() {
        let deep = |depth: usize| format!("{}x{}", "(".repeat(depth), ")".repeat(depth));
        assert!(fits(&deep(32)) && !fits(&deep(33)));
        assert!(fits(&format!("\"{}\\\"{}\"", deep(40), deep(40))));
        assert!(fits(&"x".repeat(4_094)) && !fits(&"x".repeat(4_095)));
    }

    #[test]
    fn a_text_that_names_a_function_calls_none() {
        assert!(asks_status("!failure() && x", &["failure"]));
        assert!(!asks_status("x == \"\\\"failure()\"", &["failure"]));
        assert!(names_item("!(item.x == 1)") && !names_item("items == \"item\""));
    }
}
