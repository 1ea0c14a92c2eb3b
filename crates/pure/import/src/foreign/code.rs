//! Values out of code: where another product pastes text into a script, ours reads a variable.
//!
//! The code itself is kept letter for letter. A value never becomes a part of it: in a shell it is a quoted variable, in
//! Python and JavaScript a string beside the literal that it stood in. Where that cannot be done, the place is told.

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
    for part in parts {
        match part {
            Part::Text(text) => match language {
                Language::Shell => shell.read(text, &mut code.text),
                Language::Python | Language::JavaScript => quotes.read(text, &mut code.text),
                Language::Other => code.text.push_str(text),
            },
            Part::Value(source) => {
                let Some(name) = bind(source) else { continue };
                match language {
                    Language::Shell => shell.paste(&name, source, &mut code),
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
            (Within::Words, '(') => self.within.push(Within::Words),
            (Within::Double, '(') if last == Some('$') => self.within.push(Within::Words),
            (Within::Words, ')')
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

    fn paste(&mut self, name: &str, source: &str, code: &mut Code) {
        self.last = Some('}');
        if let Some((_, reads)) = self.here.first() {
            if *reads {
                code.text.push_str(&format!("${{{name}}}"));
            } else {
                code.text.push_str(name);
                code.out_of_place.push(source.to_owned());
            }
            self.line.push('$');
            return;
        }
        match self.at() {
            Within::Words => {
                code.one_word.push(source.to_owned());
                code.text.push_str(&format!("\"${{{name}}}\""));
            }
            Within::Double => code.text.push_str(&format!("${{{name}}}")),
            Within::Single => code.text.push_str(&format!("'\"${{{name}}}\"'")),
            Within::Comment => code.text.push_str(name),
        }
    }
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
