//! Whether a word of a shell's command is data to what reads it, whatever the word says.
//!
//! What cannot be shown to be so is not: the name of a command, what runs its words as a program, what keeps them for later
//! (a variable may be code there), a function of the script, an option of a program that runs others.

use dvt_model::interpreter::{Role, Words, runs_others};

/// What the shell reads again, keeps for later, or runs; and its words that begin no command.
const BUILTINS: &[&str] = &[
    "!",
    ".",
    "[",
    "[[",
    "alias",
    "bind",
    "builtin",
    "case",
    "command",
    "compgen",
    "complete",
    "coproc",
    "declare",
    "dirs",
    "enable",
    "eval",
    "exec",
    "exit",
    "export",
    "fc",
    "for",
    "function",
    "getopts",
    "hash",
    "history",
    "integer",
    "let",
    "local",
    "mapfile",
    "nameref",
    "printf",
    "print",
    "read",
    "readarray",
    "readonly",
    "return",
    "select",
    "set",
    "shift",
    "shopt",
    "source",
    "test",
    "trap",
    "type",
    "typeset",
    "ulimit",
    "unalias",
    "unset",
    "wait",
    "whence",
    "zmodload",
];
/// Programs beside those of the table that run what some of their words say.
const RUNNERS: &[&str] = &[
    "ansible",
    "at",
    "bash-completion",
    "batch",
    "bsdtar",
    "bundle",
    "cargo",
    "cmake",
    "composer",
    "crontab",
    "dash",
    "dotnet",
    "expect",
    "gdb",
    "gem",
    "git",
    "gmake",
    "go",
    "gradle",
    "helm",
    "hg",
    "java",
    "jq",
    "less",
    "lldb",
    "make",
    "man",
    "mvn",
    "ninja",
    "npm",
    "openssl",
    "pip",
    "pip3",
    "pnpm",
    "rake",
    "rsync",
    "rustc",
    "scp",
    "screen",
    "sendmail",
    "sftp",
    "sshpass",
    "svn",
    "tar",
    "terraform",
    "tmux",
    "valgrind",
    "wget",
    "xterm",
    "yarn",
    "zip",
];
/// What gives out again what it is given: behind `$(…)` it stands as if it had been written there.
const ECHOES: &[&str] = &["base64", "basename", "cat", "cut", "dirname", "echo", "tr"];

/// The words of a command so far; none is known where a part of it comes out of an expansion.
#[derive(Debug, Clone, Default)]
pub(super) struct Command {
    words: Vec<Option<String>>,
    begins: String,
}

impl Command {
    pub(super) fn push(&mut self, word: Option<String>) {
        // Behind these a command begins.
        let begins = ["if", "then", "elif", "else", "while", "until", "do", "{", "time"];
        if !(self.words.is_empty() && word.as_deref().is_some_and(|word| begins.contains(&word))) {
            self.words.push(word);
        }
    }

    /// A word of which `begins` is known holds what another command says.
    pub(super) fn expands(&mut self, begins: &str) {
        self.begins = begins.trim_end_matches(['$', '<', '>']).to_owned();
    }

    /// Whether what the inner command says goes into a variable, which is as good as any program that keeps it.
    pub(super) fn is_assignment(&self) -> bool {
        let name = self.begins.strip_suffix('=').unwrap_or_default();
        let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        self.words.is_empty() && is_name
    }

    /// Whether a word that goes on from `begins` is data to this command; `code` is all of the script.
    pub(super) fn takes_data(&self, begins: Option<&str>, code: &str, is_inner: bool) -> bool {
        // Where the word has an expansion in it, its letters are not known.
        let Some(begins) = begins else { return false };
        let words: Vec<&str> = self.words.iter().map(|word| word.as_deref().unwrap_or("\0")).collect();
        let Some((first, rest)) = words.split_first() else { return false };
        let name = first.rsplit('/').next().unwrap_or_default();
        // A variable before the command, an expansion, a pattern: not known.
        let is_plain = !name.is_empty()
            && first.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-./+@:".contains(letter));
        if !is_plain
            || BUILTINS.contains(first)
            || RUNNERS.contains(&name)
            || runs_others(name)
            || (is_inner && ECHOES.contains(&name))
            || is_defined(name, code)
            || begins.contains('[')
        {
            return false;
        }
        let mut read = Words::default();
        read.word(Some(first));
        let is_known = rest.iter().all(|word| {
            let is_known = !word.contains('\0');
            // Behind the file of a script it does not matter what a word is.
            let is_past = read.is_past_options();
            read.word(is_known.then_some(*word));
            is_known || read.name().is_none() || is_past
        });
        // Another program may stand among the words, which its name does not tell: `mytool eval …`.
        let is_runner = |word: &&str| *word == "eval" || runs_others(word);
        is_known
            && (read.name().is_some() || !rest.iter().any(is_runner))
            && read.read(begins, false) == Role::Data
    }
}

/// Whether the script says itself what a name does.
fn is_defined(name: &str, code: &str) -> bool {
    let mut from = 0;
    while let Some(at) = code.get(from..).and_then(|rest| rest.find(name)) {
        let end = from + at + name.len();
        let before = code.get(..from + at).unwrap_or_default().trim_end();
        let behind = code.get(end..).unwrap_or_default().trim_start_matches([' ', '\t']);
        if behind.starts_with('(') || before.ends_with("function") || before.ends_with("alias") {
            return true;
        }
        from = end;
    }
    false
}

/// Programs of the table that read no code where they are given none by name.
const READERS: &[&str] = &["gsort", "gsplit", "sort", "split"];

/// Whether a script gives what a program says to one that reads it as code: `… | sh`, `… | xargs rm`.
pub(super) fn pipes_into_code(code: &str) -> bool {
    let reads = |word: &str| {
        let word = word.trim_matches(['"', '\'', '(', ')', '{', '}', '&']);
        let mut words = Words::default();
        words.word(Some(word));
        let begins = ["", "do", "if", "until", "while"];
        (words.name().is_some() && !READERS.contains(&word))
            || begins.contains(&word)
            || BUILTINS.contains(&word)
            || RUNNERS.contains(&word)
            || word.contains('$')
    };
    code.contains(">(")
        || code.replace("||", ";").split('|').skip(1).any(|part| {
            let command = part.split([';', '\n', ')']).next().unwrap_or_default();
            command.split_whitespace().next().is_none_or(reads)
        })
}
