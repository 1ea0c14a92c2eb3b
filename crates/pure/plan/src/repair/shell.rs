//! Where in a shell's code a place stands: bare, or between quotes. Only what is certain is told.
//!
//! A variable keeps to itself where it stands between double quotes. Elsewhere the value would be split, or it would be code
//! again: an arithmetic, `eval`, the code of another program, the name of the command. So every command around the place must be
//! one that takes the word for data ([`super::command`]); where that is not known, nothing is moved.

use super::command::{Command, pipes_into_code};

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

/// How a variable would stand behind `before`, the code from its beginning on, in all of `code`; nothing where that is not certain
/// or not safe.
pub(super) fn stand(before: &str, code: &str) -> Option<Stand> {
    // Here documents and `$'…'` have rules of their own; an alias is code by another name.
    if before.contains("<<")
        || before.contains("$'")
        || before.contains("alias ")
        || has_odd_expansion(before)
    {
        return None;
    }
    let read = Scanner::read(before)?;
    if read.open == Open::Comment {
        return Some(Stand::Quoted);
    }
    if read.open == Open::Single || is_arithmetic(before) || pipes_into_code(code) {
        return None;
    }
    let (last, outer) = read.commands.split_last()?;
    let word = read.is_known.then_some(read.word.as_str());
    // What a command says within `$(…)` stands as a word of the one around it.
    let is_safe = last.takes_data(word, code, !outer.is_empty())
        && outer.iter().all(|command| command.is_assignment() || command.takes_data(Some(""), code, false));
    is_safe.then_some(if read.open == Open::Double { Stand::Quoted } else { Stand::Bare })
}

/// `${x…}` with quotes, brackets or another expansion inside, or without its end; an expansion that the scanner could misread.
fn has_odd_expansion(code: &str) -> bool {
    code.split("${").skip(1).any(|rest| match rest.split_once('}') {
        Some((inside, _)) => inside.contains(['\'', '"', '\\', '`', '(', '[', '{', '!']),
        None => true,
    })
}

/// Whether an arithmetic, or `[[`, is open.
fn is_arithmetic(code: &str) -> bool {
    let is_open = |open: &str, close: &str| code.matches(open).count() > code.matches(close).count();
    is_open("((", "))") || is_open("[[", "]]") || is_open("$[", "]")
}

/// The code, letter by letter: what is open at its end, and the commands that the end stands in, the outermost first.
struct Scanner {
    open: Open,
    commands: Vec<Command>,
    /// The word that the end stands in, without its quotes.
    word: String,
    is_word: bool,
    is_known: bool,
}

impl Scanner {
    fn read(code: &str) -> Option<Self> {
        let mut read = Self {
            open: Open::Nothing,
            commands: vec![Command::default()],
            word: String::new(),
            is_word: false,
            is_known: true,
        };
        let mut letters = code.chars().peekable();
        while let Some(letter) = letters.next() {
            match (read.open, letter) {
                (Open::Nothing | Open::Double, '\\') => {
                    let next = letters.next()?;
                    // A line that goes on.
                    if next != '\n' {
                        read.push(next);
                    }
                }
                (Open::Nothing, '\'') => read.quote(Open::Single),
                (Open::Nothing, '"') => read.quote(Open::Double),
                (Open::Nothing, '#') if !read.is_word => read.open = Open::Comment,
                (Open::Single, '\'') | (Open::Double, '"') => read.open = Open::Nothing,
                (Open::Comment, '\n') => {
                    read.open = Open::Nothing;
                    read.end_command();
                }
                // `"$(ls …)"` begins anew within the parentheses.
                (Open::Double, '`') => return None,
                (Open::Double, '$') if letters.peek() == Some(&'(') => return None,
                (Open::Nothing, '`') => return None,
                (Open::Nothing | Open::Double, '$') => {
                    read.push('$');
                    read.is_known = false;
                }
                (Open::Nothing, '*' | '?' | '~') => {
                    read.push(letter);
                    read.is_known = false;
                }
                (Open::Nothing, '(') => {
                    // Of a function, a list, a pattern: `f()`, `a=(…)`; only `$(…)`, `<(…)` and `(…)` hold commands.
                    if read.is_word && !read.word.ends_with(['$', '<', '>']) {
                        return None;
                    }
                    read.commands.last_mut()?.expands(&read.word);
                    read.start_word();
                    read.commands.push(Command::default());
                }
                (Open::Nothing, ')') => {
                    read.end_word();
                    read.commands.pop();
                    if read.commands.is_empty() {
                        return None;
                    }
                    // The word around it goes on, and is not known.
                    (read.is_word, read.is_known) = (true, false);
                }
                (Open::Nothing, '\n' | ';' | '&' | '|') => read.end_command(),
                (Open::Nothing, ' ' | '\t' | '\r') => read.end_word(),
                (Open::Comment, _) => {}
                (_, other) => read.push(other),
            }
        }
        Some(read)
    }

    fn push(&mut self, letter: char) {
        self.word.push(letter);
        self.is_word = true;
    }

    fn quote(&mut self, open: Open) {
        self.open = open;
        self.is_word = true;
    }

    fn start_word(&mut self) {
        self.word.clear();
        (self.is_word, self.is_known) = (false, true);
    }

    fn end_word(&mut self) {
        if self.is_word
            && let Some(command) = self.commands.last_mut()
        {
            command.push(self.is_known.then(|| self.word.clone()));
        }
        self.start_word();
    }

    fn end_command(&mut self) {
        self.end_word();
        if let Some(command) = self.commands.last_mut() {
            *command = Command::default();
        }
    }
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
            ("load \"a\" ", Some(Stand::Bare)),
            ("load || true\nload ", Some(Stand::Bare)),
            ("python3 load.py --day ", Some(Stand::Bare)),
            ("if load ", Some(Stand::Bare)),
            ("psql -p ", Some(Stand::Bare)),
            ("load <(ls ", Some(Stand::Bare)),
        ] {
            assert_eq!(stand(before, before), expected, "{before:?}");
        }
    }

    #[test]
    fn what_may_be_run_is_left_where_it_is() {
        for before in [
            "bash -euc \"echo ",
            "bash -xc \"",
            "bash -c \"\n  echo ",
            "bash -c -- \"echo ",
            "perl -e \"print '",
            "node --eval=\"",
            "mysql -e \"select ",
            "awk \"BEGIN { print ",
            "sed ",
            "sed -E \"s/a/",
            "ssh host \"ls ",
            "ssh ",
            "python3 ",
            "python3 $x ",
            "psql ",
            "su -c \"ls ",
            "sudo ",
            "sudo ls ",
            "xargs ",
            "find . -exec ",
            "env A=",
            "timeout ",
            "docker run ",
            "kubectl exec ",
            "parallel ",
            "git -c ",
            "git clone --upload-pack=",
            "tar ",
            "perl -pe 1 -- ",
            "python3 -m timeit -- ",
            "script --comm=",
            "split --filter=",
            "install --strip-program=",
            "R --encoding=",
            "R x",
            "java -XX:OnError=",
            "redis-cli eval ",
            "bq query ",
            "mysqldump --where=",
            "snow sql --query=",
            "declare -i n=",
            "typeset n=",
            "local n=",
            "export n=",
            "readonly n=",
            "n=",
            "n=\"",
            "n=$(echo ",
            "A=1 bash -c ",
            "A=1 ",
            "arr[",
            "test -v ",
            "[ ",
            "[ -v \"",
            "[[ 1 -eq 1 ]] && [[ 1 -eq ",
            "[[ 1\n -eq ",
            "read ",
            "unset ",
            "printf -v ",
            "let ",
            "set -- ",
            "trap \"",
            "source ",
            ". ",
            "exec ",
            "command ",
            "for x in ",
            "case ",
            "echo ${x[",
            "echo ${x:",
            "echo $[",
            "echo $((\n1 + ",
            "eval $(load ",
            "bash <(load ",
            "eval \\\n ",
            "ev\"al\" ",
            "\\eval ",
            "$x ",
            "x\n$x ",
            "mytool bash -c ",
            "mytool eval ",
            "f() { eval \"$1\"; }; f ",
            "f () { eval \"$1\"\n}\nf ",
            "function f { eval \"$1\"; }\nf ",
            "a=(",
        ] {
            assert_eq!(stand(before, before), None, "{before:?}");
        }
        for (before, after) in [
            ("echo ", "X | sh"),
            ("echo ", "X |  sudo bash"),
            ("load ", "X | xargs rm"),
            ("load ", "X | while read x; do $x; done"),
            ("load ", "X | { sh; }"),
            ("load ", "X > >(sh)"),
        ] {
            assert_eq!(stand(before, &format!("{before}{after}")), None, "{before}{after}");
        }
        assert_eq!(stand("load ", "load X | sort"), Some(Stand::Bare), "control");
    }
}
