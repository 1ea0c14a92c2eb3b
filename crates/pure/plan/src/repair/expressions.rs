//! An expression inside a shell's code moves to `env`, and the code reads the variable: in a script, and in what a shell is given
//! behind `-c`, of steps, of what runs at the end, and of what undoes a step.
//!
//! Only where the shell's quotes around it are known ([`super::shell`]). In Python the text stays, for the variable would be
//! read otherwise there.

use super::shell::{self, Stand};
use super::{Edit, line_break, line_of, range};
use crate::read::tree::{Entry, Kind, Node};
use crate::template::{Part, split};
use dvt_model::interpreter::{Role, Words};

/// Shells whose code behind `-c` is read as a script.
const SHELLS: &[&str] = &["sh", "bash", "dash", "ksh", "zsh"];

pub(super) fn find(text: &str, root: &Node<'_>) -> Vec<Edit> {
    let parts = ["steps", "finally"].into_iter().filter_map(|part| root.entry(part)?.value.as_map());
    let mut edits = Vec::new();
    for step in parts.flatten() {
        edits.extend(of_body(text, step, &format!("`{}`", step.key)));
        if let Some(undo) = step.value.entry("compensate") {
            edits.extend(of_body(text, undo, &format!("what undoes `{}`", step.key)));
        }
    }
    edits
}

/// The code of a body, and the key under which it stands.
fn code<'n, 't>(body: &'n Entry<'t>) -> Option<(&'n Entry<'t>, &'n Node<'t>)> {
    if let Some(script) = body.value.entry("script") {
        let shell = body.value.entry("shell").and_then(|entry| entry.value.as_text()).unwrap_or("bash");
        return matches!(shell, "bash" | "sh").then_some((script, &script.value));
    }
    let run = body.value.entry("run")?;
    let Kind::List(words) = &run.value.kind else { return None };
    let name = words.first()?.as_text()?.rsplit('/').next()?;
    if !SHELLS.contains(&name) {
        return None;
    }
    let mut read = Words::default();
    words.iter().find_map(|word| {
        let text = word.as_text().unwrap_or_default();
        let begins = text.split(crate::template::OPEN).next().unwrap_or_default();
        // An option that an expression completes is none that is known.
        let is_code = read.read(begins, begins.len() == text.len()) == Role::Code;
        is_code.then_some((run, word))
    })
}

fn of_body(text: &str, body: &Entry<'_>, owner: &str) -> Option<Edit> {
    let (key, node) = code(body)?;
    let value = node.as_text()?;
    let inside = split(value).ok()?.into_iter().find_map(|part| match part {
        Part::Expression(inside) => Some(inside),
        Part::Text(_) => None,
    })?;
    let stand = shell::stand(value.get(..inside.start.checked_sub(crate::template::OPEN.len())?)?, value)?;
    let source = value.get(inside)?;
    // Where it stands in the text as written; a value that was folded or escaped may not hold it letter by letter.
    let place = range(node.place);
    let raw = text.get(place.clone())?;
    let written = format!("${{{{{source}}}}}");
    let at = place.start + raw.find(&written)?;
    let source = source.trim();
    let (name, is_there) = name_for(body, source, value)?;
    let with = match (stand, quote(raw, value)?) {
        (Stand::Quoted, _) => format!("${{{name}}}"),
        // The mark of a YAML string would end it.
        (Stand::Bare, Some('"')) => format!("\\\"${{{name}}}\\\""),
        // What begins with a quote is another kind of string; in a block it stands behind other words.
        (Stand::Bare, _) => format!("\"${{{name}}}\""),
    };
    let mut parts = vec![(at..at + written.len(), with)];
    if !is_there {
        parts.push(entry_of_env(text, body, key, &name, source)?);
    }
    Some(Edit { what: format!("{owner} reads `{source}` from `{name}` of its `env`"), parts })
}

/// The quote in which a scalar is written; nothing where that cannot be told.
fn quote(raw: &str, value: &str) -> Option<Option<char>> {
    let first = raw.lines().next()?.trim_end();
    if value.starts_with(first) {
        return Some(None);
    }
    raw.chars().next().filter(|quote| matches!(quote, '\'' | '"')).map(Some)
}

/// The variable, and whether the step has it with this very value.
fn name_for(step: &Entry<'_>, source: &str, code: &str) -> Option<(String, bool)> {
    let word = source
        .rsplit(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .find(|word| word.starts_with(|first: char| first.is_ascii_alphabetic()))
        .unwrap_or("value");
    let word = word.to_ascii_uppercase();
    let base = format!("{}{word}", if word.len() < 3 || means_something(&word) { "VALUE_" } else { "" });
    let env = step.value.entry("env").map(|entry| &entry.value);
    for number in 1..100 {
        let name = if number == 1 { base.clone() } else { format!("{base}_{number}") };
        match env.and_then(|env| env.entry(&name)) {
            None if !mentions(code, &name, |_, _| true) => return Some((name, false)),
            None => {}
            Some(entry) => {
                let inside = entry.value.as_text().and_then(|text| text.strip_prefix("${{"));
                let inside = inside.and_then(|text| text.strip_suffix("}}")).map(str::trim);
                if inside == Some(source) && !mentions(code, &name, may_set) {
                    return Some((name, true));
                }
            }
        }
    }
    None
}

/// Whether the code has this word outside expressions, with what stands before and behind it being such.
fn mentions(code: &str, name: &str, is_such: fn(&str, &str) -> bool) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let mut texts = split(code).unwrap_or_default().into_iter().filter_map(|part| match part {
        Part::Text(text) => code.get(text),
        Part::Expression(_) => None,
    });
    texts.any(|text| {
        text.match_indices(name).any(|(at, _)| {
            let before = text.get(..at).unwrap_or_default();
            let behind = text.get(at + name.len()..).unwrap_or_default();
            !before.ends_with(is_letter) && !behind.starts_with(is_letter) && is_such(before, behind)
        })
    })
}

/// Whether a word is more than a variable that is read: `$DAY`, `${DAY}`.
fn may_set(before: &str, behind: &str) -> bool {
    let is_read = before.ends_with('$') || (before.ends_with("${") && behind.starts_with('}'));
    !is_read
}

/// Whether shells, loaders or interpreters read a variable of this name.
fn means_something(name: &str) -> bool {
    let names = [
        "CDPATH",
        "EDITOR",
        "ENV",
        "EUID",
        "FPATH",
        "GROUPS",
        "HISTFILE",
        "HOME",
        "HOSTNAME",
        "IFS",
        "LANG",
        "LINENO",
        "MAIL",
        "OLDPWD",
        "OPTARG",
        "OPTIND",
        "PAGER",
        "PATH",
        "PPID",
        "PROMPT_COMMAND",
        "PWD",
        "RANDOM",
        "REPLY",
        "SECONDS",
        "SHELL",
        "SHELLOPTS",
        "SHLVL",
        "TMPDIR",
        "UID",
        "USER",
        "ZDOTDIR",
    ];
    let beginnings = [
        "BASH", "DVT_", "DYLD_", "GIT_", "JAVA_", "LC_", "LD_", "NODE_", "PERL", "PHP", "PS", "PYTHON",
        "RUBY",
    ];
    names.contains(&name) || beginnings.iter().any(|beginning| name.starts_with(beginning))
}

fn entry_of_env(
    text: &str,
    step: &Entry<'_>,
    before: &Entry<'_>,
    name: &str,
    source: &str,
) -> Option<(std::ops::Range<usize>, String)> {
    let end = line_break(text);
    let pair = format!("{name}: '${{{{ {} }}}}'", source.replace('\'', "''"));
    let Some(env) = step.value.entry("env") else {
        let key = before.place.start as usize;
        let (start, indent) = line_of(text, key);
        return Some(match indent {
            Some(indent) => (start..start, format!("{indent}env: {{ {pair} }}{end}")),
            None => (key..key, format!("env: {{ {pair} }}, ")),
        });
    };
    let first = env.value.as_map()?.first()?;
    let key = first.place.start as usize;
    let (start, indent) = line_of(text, key);
    Some(match indent {
        Some(indent) => (start..start, format!("{indent}{pair}{end}")),
        None => (key..key, format!("{pair}, ")),
    })
}
