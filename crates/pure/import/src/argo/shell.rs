//! The shell of a plan as the shell of a workflow: a worker ends a script at its first failure, Argo runs it as it stands.
//!
//! One line above the script takes back what the workflow did not ask for, and sets what it did.

/// Options that a script can set for itself: of every shell, and of bash.
const OF_ALL: &str = "abfmnvxC";
const OF_BASH: &str = "hkBEHPT";
/// What changes nothing where a script is read from a file.
const OF_NOTHING: [&str; 2] = ["--noprofile", "--norc"];

/// The line, and the words that no line can say.
pub(super) fn first_line(shell: &str, words: &[&str]) -> (String, Vec<String>) {
    let is_bash = shell == "bash";
    let (mut letters, mut named, mut lost) = (String::new(), Vec::new(), Vec::new());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if OF_NOTHING.contains(word) {
            continue;
        }
        let Some(asked) = word.strip_prefix('-').filter(|asked| !asked.is_empty() && !asked.starts_with('-'))
        else {
            lost.push((*word).to_owned());
            continue;
        };
        for letter in asked.chars() {
            match letter {
                'o' => match words.next() {
                    Some(&"errexit") => letters.push('e'),
                    Some(&"nounset") => letters.push('u'),
                    Some(&"xtrace") => letters.push('x'),
                    Some(name) if name.bytes().all(|byte| byte.is_ascii_lowercase()) => named.push(*name),
                    Some(name) => lost.push((*name).to_owned()),
                    None => lost.push((*word).to_owned()),
                },
                'e' | 'u' => letters.push(letter),
                _ if OF_ALL.contains(letter) || (is_bash && OF_BASH.contains(letter)) => letters.push(letter),
                _ => lost.push((*word).to_owned()),
            }
        }
    }
    let mut line = String::new();
    let more: String = letters.chars().filter(|letter| !"eu".contains(*letter)).collect();
    if !more.is_empty() {
        line.push_str(&format!(" -{more}"));
    }
    let less: String = "eu".chars().filter(|letter| !letters.contains(*letter)).collect();
    if !less.is_empty() {
        line.push_str(&format!(" +{less}"));
    }
    for name in &named {
        if !(is_bash && *name == "pipefail") {
            line.push_str(&format!(" -o {name}"));
        }
    }
    if is_bash && !named.contains(&"pipefail") {
        line.push_str(" +o pipefail");
    }
    (if line.is_empty() { line } else { format!("set{line}\n") }, lost)
}

/// A script in which `sh` reads only the digits of a value: what bash says for it is no word of `sh`.
pub(super) fn with_digits<'n>(text: &str, names: impl Iterator<Item = &'n String>) -> String {
    let (mut above, mut text) = (String::new(), text.to_owned());
    for name in names {
        let of_bash = format!("${{{name}//[!0-9-]/}}");
        if text.contains(&of_bash) {
            text = text.replace(&of_bash, &format!("${{{name}_DIGITS}}"));
            above.push_str(&format!("{name}_DIGITS=\"$(printf %s \"${{{name}}}\" | tr -cd 0-9-)\"\n"));
        }
    }
    above + &text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_takes_back_what_was_not_asked_for() {
        for (shell, words, line, lost) in [
            ("sh", &[][..], "set +eu\n", &[][..]),
            ("bash", &[], "set +eu +o pipefail\n", &[]),
            ("bash", &["-euo", "pipefail"], "", &[]),
            ("bash", &["-x", "-e"], "set -x +u +o pipefail\n", &[]),
            ("sh", &["-ex", "-o", "pipefail"], "set -x +u -o pipefail\n", &[]),
            ("sh", &["-B", "file"], "set +eu\n", &["-B", "file"]),
            ("bash", &["--norc", "-l", "-o", "$(x)"], "set +eu +o pipefail\n", &["-l", "$(x)"]),
        ] {
            let lost: Vec<String> = lost.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(first_line(shell, words), (line.to_owned(), lost), "{shell} {words:?}");
        }
    }

    #[test]
    fn digits_are_taken_before_the_script() {
        let text = with_digits("echo $(( ${A//[!0-9-]/} + ${B} ))", ["A".to_owned(), "B".to_owned()].iter());
        assert_eq!(text, "A_DIGITS=\"$(printf %s \"${A}\" | tr -cd 0-9-)\"\necho $(( ${A_DIGITS} + ${B} ))");
    }
}
