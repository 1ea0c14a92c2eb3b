//! Values out of code: where another product pastes text into a script, ours reads a variable.
//!
//! The code itself is kept letter for letter. A value never becomes a part of it: in a shell it is a quoted variable, in
//! Python and JavaScript a string beside the literal that it stood in. Where that cannot be done, the place is told.
//!
//! The surprising rule: a quoted variable is not enough where a shell reckons. `$(( ))`, `(( ))`, `let` and the numeric tests of
//! `[[ ]]` evaluate what a variable holds, commands in it too; there only the digits of a value are read.

use super::text::Part;

/// What reads the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Shell,
    Python,
    JavaScript,
    Other,
}

/// What came of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Code {
    pub(crate) text: String,
    /// Values that another product would have split into words.
    pub(crate) one_word: Vec<String>,
    /// Values that could not be put into their place.
    pub(crate) out_of_place: Vec<String>,
    /// Values of which only digits are read, for the shell reckons with them.
    pub(crate) digits_only: Vec<String>,
    /// Values in a text that the script itself hands to another reader: `eval`, `sh -c`, a document.
    pub(crate) handed_on: Vec<String>,
}

impl Code {
    /// Each value that is not read as it was, and why.
    pub(crate) fn told(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let each = [
            ("a value in a script stays one word and is never code", &self.one_word),
            ("a value cannot stand there; read the variable of the step's `env` instead", &self.out_of_place),
            (
                "a shell evaluates what it reckons with, so only the digits of the value are read",
                &self.digits_only,
            ),
            (
                "the script hands this text on to another reader; make sure that it takes the value as data",
                &self.handed_on,
            ),
        ];
        each.into_iter().flat_map(|(why, sources)| sources.iter().map(move |source| (why, source.as_str())))
    }
}

/// Puts a variable in the place of each value; `bind` gives its name.
pub(crate) fn with_variables(
    language: Language,
    parts: &[Part<'_>],
    mut bind: impl FnMut(&str) -> Option<String>,
) -> Code {
    let mut code = Code::default();
    let mut shell = Shell::default();
    let mut quotes = Quotes { javascript: language == Language::JavaScript, ..Quotes::default() };
    for (index, part) in parts.iter().enumerate() {
        match part {
            Part::Text(text) => match language {
                Language::Shell => shell.read(text, &mut code.text),
                Language::Python | Language::JavaScript => quotes.read(text, &mut code.text),
                Language::Other => code.text.push_str(text),
            },
            Part::Value(source) => {
                let Some(name) = bind(source) else { continue };
                match language {
                    Language::Shell => {
                        let after = match parts.get(index + 1) {
                            Some(Part::Text(after)) => after,
                            Some(Part::Value(_)) | None => "",
                        };
                        shell.paste(&name, source, after, &mut code);
                    }
                    Language::Python | Language::JavaScript => quotes.paste(&name, &mut code.text),
                    Language::Other => {
                        code.text.push_str(&name);
                        code.out_of_place.push((*source).to_owned());
                    }
                }
            }
        }
    }
    code
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    /// Words, `$(…)` and `(…)`.
    Words,
    Single,
    Double,
    Comment,
    /// `$((…))`, `((…))`, `$[…]`.
    Reckoned,
}

/// Where in a shell script we are.
#[derive(Debug, Default)]
struct Shell {
    within: Vec<Within>,
    is_escaped: bool,
    last: Option<char>,
    /// Documents whose beginning was seen on this line: the word, and whether variables are read in it.
    coming: Vec<(String, bool)>,
    /// Those that we are in, and the line so far.
    here: Vec<(String, bool)>,
    line: String,
}

impl Shell {
    fn at(&self) -> Within {
        self.within.last().copied().unwrap_or(Within::Words)
    }

    fn read(&mut self, text: &str, out: &mut String) {
        out.push_str(text);
        let mut rest = text;
        while let Some(letter) = rest.chars().next() {
            if self.here.is_empty()
                && self.at() == Within::Words
                && !self.is_escaped
                && rest.starts_with("<<")
            {
                rest = self.document(rest);
                continue;
            }
            rest = rest.get(letter.len_utf8()..).unwrap_or_default();
            self.letter(letter);
        }
    }

    /// `<<EOF`, `<<-'EOF'`; `<<<` is a text.
    fn document<'a>(&mut self, text: &'a str) -> &'a str {
        self.last = Some('<');
        if let Some(rest) = text.strip_prefix("<<<") {
            return rest;
        }
        let rest = text.trim_start_matches('<').trim_start_matches('-').trim_start_matches(' ');
        let quote = rest.chars().next().filter(|first| matches!(first, '\'' | '"' | '\\'));
        let rest = rest.trim_start_matches(['\'', '"', '\\']);
        let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len());
        let (word, rest) = rest.split_at(end);
        if !word.is_empty() {
            self.coming.push((word.to_owned(), quote.is_none()));
        }
        rest.strip_prefix(['\'', '"']).filter(|_| quote.is_some()).unwrap_or(rest)
    }

    fn letter(&mut self, letter: char) {
        if let Some((word, _)) = self.here.first() {
            if letter == '\n' {
                if self.line.trim() == word {
                    self.here.remove(0);
                }
                self.line.clear();
            } else {
                self.line.push(letter);
            }
            return;
        }
        if letter == '\n' && !self.coming.is_empty() && matches!(self.at(), Within::Words | Within::Comment) {
            self.here.append(&mut self.coming);
        }
        let last = self.last.replace(letter);
        if std::mem::take(&mut self.is_escaped) {
            return;
        }
        match (self.at(), letter) {
            (Within::Words | Within::Double, '\\') => self.is_escaped = true,
            (Within::Words, '\'') => self.within.push(Within::Single),
            (Within::Words, '"') => self.within.push(Within::Double),
            (Within::Words, '#') if last.is_none_or(char::is_whitespace) => self.within.push(Within::Comment),
            (Within::Words, '(') if last == Some('(') => self.within.push(Within::Reckoned),
            (Within::Words | Within::Double, '[') if last == Some('$') => self.within.push(Within::Reckoned),
            (Within::Words, '(') => self.within.push(Within::Words),
            (Within::Reckoned, '(' | '[') => self.within.push(Within::Reckoned),
            (Within::Double, '(') if last == Some('$') => self.within.push(Within::Words),
            (Within::Words | Within::Reckoned, ')')
            | (Within::Reckoned, ']')
            | (Within::Single, '\'')
            | (Within::Double, '"')
            | (Within::Comment, '\n') => {
                self.within.pop();
            }
            _ => {}
        }
        if self.within.len() > 1_000 {
            self.within.clear();
        }
    }

    fn paste(&mut self, name: &str, source: &str, after: &str, code: &mut Code) {
        self.last = Some('}');
        if let Some((_, reads)) = self.here.first() {
            if *reads {
                code.text.push_str(&format!("${{{name}}}"));
                code.handed_on.push(source.to_owned());
            } else {
                code.text.push_str(name);
                code.out_of_place.push(source.to_owned());
            }
            self.line.push('$');
            return;
        }
        if self.at() == Within::Comment {
            code.text.push_str(name);
            return;
        }
        if self.at() == Within::Reckoned || reckons(&code.text, after) {
            code.digits_only.push(source.to_owned());
            let digits = format!("${{{name}//[!0-9-]/}}");
            code.text.push_str(&match self.at() {
                Within::Words => format!("\"{digits}\""),
                Within::Single => format!("'\"{digits}\"'"),
                Within::Double | Within::Reckoned | Within::Comment => digits,
            });
            return;
        }
        if command(&code.text).split_whitespace().any(|word| word == "eval" || is_code_option(word)) {
            code.handed_on.push(source.to_owned());
        }
        match self.at() {
            Within::Words => {
                code.one_word.push(source.to_owned());
                code.text.push_str(&format!("\"${{{name}}}\""));
            }
            Within::Double => code.text.push_str(&format!("${{{name}}}")),
            Within::Single => code.text.push_str(&format!("'\"${{{name}}}\"'")),
            Within::Comment | Within::Reckoned => {}
        }
    }
}

/// The command that is being written, as far as one line tells.
fn command(before: &str) -> &str {
    before.rsplit(['\n', ';', '|', '&']).next().unwrap_or_default()
}

/// `-c`, `-lc`, `-e`: code follows.
fn is_code_option(word: &str) -> bool {
    word.len() <= 4 && word.starts_with('-') && !word.starts_with("--") && word.ends_with(['c', 'e'])
}

/// Whether the shell would reckon with a value between these two: `let`, an index, a numeric test in `[[ … ]]`.
fn reckons(before: &str, after: &str) -> bool {
    let command = command(before);
    let mut words = command.split_whitespace();
    let declares = |word: &str| matches!(word, "declare" | "typeset" | "local" | "readonly" | "export");
    let first = words.next().unwrap_or_default();
    if first == "let" || (declares(first) && words.any(|word| word.starts_with('-') && word.contains('i'))) {
        return true;
    }
    // `name[…`, as in `a[$x]=1` and `${a[$x]}`.
    let index = before.rsplit_once('[').is_some_and(|(name, inside)| {
        !inside.contains([']', '\n'])
            && name.ends_with(|last: char| last.is_ascii_alphanumeric() || last == '_')
    });
    let line = before.rsplit('\n').next().unwrap_or_default();
    let test = line.rsplit_once("[[").map(|(_, inside)| inside).filter(|inside| !inside.contains("]]"));
    let numeric = |text: &str| {
        [" -eq", " -ne", " -lt", " -le", " -gt", " -ge", " -v"].iter().any(|sign| text.contains(sign))
    };
    index
        || test.is_some_and(|inside| {
            numeric(inside) || numeric(&format!(" {}", after.split("]]").next().unwrap_or_default()))
        })
}

/// Where in Python or JavaScript we are.
#[derive(Debug, Default)]
struct Quotes {
    javascript: bool,
    /// What ends the literal, what stood before its opening, and where it began.
    open: Option<(String, String, usize)>,
    is_wrapped: bool,
    in_comment: bool,
    is_escaped: bool,
}

impl Quotes {
    fn read(&mut self, text: &str, out: &mut String) {
        let mut rest = text;
        while let Some(letter) = rest.chars().next() {
            let (length, closes) = self.step(rest, letter, out);
            let (taken, after) = rest.split_at(length);
            out.push_str(taken);
            if closes && std::mem::take(&mut self.is_wrapped) {
                out.push(')');
            }
            rest = after;
        }
    }

    /// How much is taken at once, and whether it ends a literal.
    fn step(&mut self, rest: &str, letter: char, out: &str) -> (usize, bool) {
        let one = (letter.len_utf8(), false);
        if std::mem::take(&mut self.is_escaped) {
            return one;
        }
        if self.in_comment {
            self.in_comment = letter != '\n';
            return one;
        }
        if let Some((end, ..)) = &self.open {
            if letter == '\\' {
                self.is_escaped = true;
                return one;
            }
            if !rest.starts_with(end.as_str()) {
                return one;
            }
            let length = end.len();
            self.open = None;
            return (length, true);
        }
        match letter {
            '#' if !self.javascript => self.in_comment = true,
            '/' if self.javascript && rest.starts_with("//") => self.in_comment = true,
            '"' | '\'' | '`' if letter != '`' || self.javascript => {
                let triple = letter.to_string().repeat(3);
                let end =
                    if !self.javascript && rest.starts_with(&triple) { triple } else { letter.to_string() };
                let before: String = if self.javascript {
                    String::new()
                } else {
                    let letters =
                        out.chars().rev().take_while(char::is_ascii_alphanumeric).collect::<Vec<_>>();
                    let is_prefix =
                        letters.len() <= 2 && letters.iter().all(|letter| "rRbBfFuU".contains(*letter));
                    if is_prefix { letters.into_iter().rev().collect() } else { String::new() }
                };
                let length = end.len();
                let begins = out.len() - before.len();
                self.open = Some((end, before, begins));
                return (length, false);
            }
            _ => {}
        }
        one
    }

    fn paste(&mut self, name: &str, out: &mut String) {
        let reads = if self.javascript {
            format!("process.env[\"{name}\"]")
        } else {
            format!("__import__(\"os\").environ[\"{name}\"]")
        };
        if self.in_comment {
            out.push_str(name);
        } else if let Some((end, before, begins)) = &self.open {
            if !std::mem::replace(&mut self.is_wrapped, true) && out.is_char_boundary(*begins) {
                out.insert(*begins, '(');
            }
            out.push_str(&format!("{end} + {reads} + {before}{end}"));
        } else if self.javascript {
            out.push_str(&format!("JSON.parse({reads})"));
        } else {
            out.push_str(&format!("__import__(\"json\").loads({reads})"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::text::split;
    use super::*;

    fn of(language: Language, text: &str) -> String {
        with_variables(language, &split(text, "{{"), |source| Some(source.to_ascii_uppercase())).text
    }

    #[test]
    fn in_a_shell_a_value_is_a_quoted_variable() {
        for (text, expected) in [
            ("echo {{a}}", "echo \"${A}\""),
            ("echo \"x {{a}}\"", "echo \"x ${A}\""),
            ("echo 'x {{a}}'", "echo 'x '\"${A}\"''"),
            ("x # {{a}}\n{{b}}", "x # A\n\"${B}\""),
            ("x=\"$(f '{{a}}' {{b}})\"", "x=\"$(f ''\"${A}\"'' \"${B}\")\""),
            ("cat <<EOF\n'{{a}}\nEOF\n{{b}}", "cat <<EOF\n'${A}\nEOF\n\"${B}\""),
            ("cat <<'EOF'\n{{a}}\nEOF\n{{b}}", "cat <<'EOF'\nA\nEOF\n\"${B}\""),
            ("echo \\'{{a}}", "echo \\'\"${A}\""),
        ] {
            assert_eq!(of(Language::Shell, text), expected, "{text}");
        }
    }

    #[test]
    fn where_a_shell_reckons_only_digits_are_read() {
        for (text, expected) in [
            ("x=$(( {{a}} + (1) ))\necho {{b}}", "x=$(( ${A//[!0-9-]/} + (1) ))\necho \"${B}\""),
            ("(( {{a}} > 1 )) && echo {{b}}", "(( ${A//[!0-9-]/} > 1 )) && echo \"${B}\""),
            ("echo \"$(({{a}}))\" {{b}}", "echo \"$((${A//[!0-9-]/}))\" \"${B}\""),
            ("[[ {{a}} -gt 3 ]]", "[[ \"${A//[!0-9-]/}\" -gt 3 ]]"),
            ("[[ 3 -gt \"{{a}}\" ]]", "[[ 3 -gt \"${A//[!0-9-]/}\" ]]"),
            ("[[ {{a}} == main ]]", "[[ \"${A}\" == main ]]"),
            ("let x={{a}}", "let x=\"${A//[!0-9-]/}\""),
            ("declare -i x={{a}}; y={{b}}", "declare -i x=\"${A//[!0-9-]/}\"; y=\"${B}\""),
            ("a[{{a}}]=1", "a[\"${A//[!0-9-]/}\"]=1"),
            ("echo $[{{a}}] {{b}}", "echo $[${A//[!0-9-]/}] \"${B}\""),
        ] {
            assert_eq!(of(Language::Shell, text), expected, "{text}");
        }
        let told = |text: &str| {
            with_variables(Language::Shell, &split(text, "{{"), |source| Some(source.to_ascii_uppercase()))
                .handed_on
                .len()
        };
        assert_eq!(
            ["eval {{a}}", "sh -c 'x {{a}}'", "bash <<E\n{{a}}\nE", "echo {{a}}"].map(told),
            [1, 1, 1, 0]
        );
    }

    #[test]
    fn in_python_a_value_is_a_string_beside_the_literal() {
        let os = |name: &str| format!("__import__(\"os\").environ[\"{name}\"]");
        assert_eq!(
            of(Language::Python, "print(\"x {{a}}\" % y)"),
            format!("print((\"x \" + {} + \"\") % y)", os("A"))
        );
        assert_eq!(of(Language::Python, "f'''{{a}}'''"), format!("(f'''''' + {} + f'''''')", os("A")));
        assert_eq!(
            of(Language::Python, "n = {{a}} # {{b}}"),
            format!("n = __import__(\"json\").loads({}) # B", os("A"))
        );
        assert_eq!(of(Language::JavaScript, "f('{{a}}')"), "f(('' + process.env[\"A\"] + ''))");
    }
}
