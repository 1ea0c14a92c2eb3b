//! Which words of a program are code: those behind `-c` and the like, where something that reads code was named before.
//!
//! A plan refuses an expression in such a word, and what is imported has a variable in its place.

/// Programs that take code as an argument.
const INTERPRETERS: [&str; 49] = [
    "sh",
    "bash",
    "dash",
    "zsh",
    "ksh",
    "mksh",
    "ash",
    "fish",
    "csh",
    "tcsh",
    "busybox",
    "python",
    "perl",
    "ruby",
    "node",
    "nodejs",
    "deno",
    "bun",
    "php",
    "lua",
    "luajit",
    "Rscript",
    "R",
    "julia",
    "pwsh",
    "powershell",
    "psql",
    "mysql",
    "mariadb",
    "sqlite3",
    "duckdb",
    "snowsql",
    "clickhouse-client",
    "sqlcmd",
    "mongosh",
    "osascript",
    "tclsh",
    "groovy",
    "scala",
    "elixir",
    "guile",
    "emacs",
    "vim",
    "awk",
    "gawk",
    "mawk",
    "sed",
    "su",
    "ssh",
];
/// Options behind which code follows.
const OPTIONS: [&str; 7] =
    ["--command", "--eval", "--execute", "--print", "--expression", "--source", "-Command"];
/// Options that code may be a part of.
const GLUED: [&str; 5] = ["-c", "-e", "--command=", "--eval=", "--execute="];

/// The words of a program while they are read, its name first.
#[derive(Debug, Default)]
pub struct Words {
    /// Also `env bash -c …` and `timeout 5 sh -c …` name one.
    interpreter: Option<String>,
    code_follows: bool,
}

impl Words {
    /// The next word; none where it is not known before the run.
    pub fn word(&mut self, word: Option<&str>) {
        self.code_follows = word.is_some_and(takes_code);
        if let Some(program) = word.filter(|word| is_interpreter(word)) {
            self.interpreter = Some(program.to_owned());
        }
    }

    /// What reads the next word as code, where it begins so.
    pub fn reader(&self, begins: &str) -> Option<&str> {
        let is_code = self.code_follows || GLUED.iter().any(|option| begins.starts_with(option));
        self.interpreter.as_deref().filter(|_| is_code)
    }
}

/// `-c`, `-e`, and letters that end with one of them such as `-lc`.
fn takes_code(option: &str) -> bool {
    let letters = option.strip_prefix('-').unwrap_or_default();
    let is_cluster =
        (1..=4).contains(&letters.len()) && letters.bytes().all(|letter| letter.is_ascii_alphabetic());
    (is_cluster && letters.ends_with(['c', 'e', 'E', 'q', 'p'])) || OPTIONS.contains(&option)
}

/// Whether a program, by its path or name, takes code; `python3.12` is `python`.
fn is_interpreter(program: &str) -> bool {
    let name = program.rsplit('/').next().unwrap_or_default();
    let bare =
        name.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '.' || letter == '-');
    let is_one = |name: &str| INTERPRETERS.contains(&name);
    is_one(name) || (bare.len() < name.len() && is_one(bare))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The places of the words that are code.
    fn code(words: &[&str]) -> Vec<usize> {
        let mut read = Words::default();
        let is_code = words.iter().enumerate().filter(|(_, word)| {
            let is_code = read.reader(word).is_some();
            read.word(Some(word));
            is_code
        });
        is_code.map(|(place, _)| place).collect()
    }

    #[test]
    fn what_an_interpreter_is_given_behind_its_option_is_code() {
        assert_eq!(code(&["sh", "-c", "x"]), [1, 2], "`-c` itself may be glued to code");
        assert_eq!(code(&["/usr/bin/python3.12", "-Wc", "x", "y"]), [2]);
        assert_eq!(code(&["timeout", "5", "bash", "-lc", "x"]), [4]);
        assert_eq!(code(&["node", "--eval=x"]), [1]);
        assert_eq!(code(&["psql", "--command", "x"]), [2]);
        assert!(code(&["curl", "-c", "x"]).is_empty(), "no interpreter");
        assert!(code(&["sh", "script.sh", "x"]).is_empty(), "a file");
    }

    #[test]
    fn what_is_not_known_before_the_run_names_nothing() {
        let mut words = Words::default();
        words.word(Some("sh"));
        words.word(Some("-c"));
        assert_eq!(words.reader("x"), Some("sh"));
        words.word(None);
        assert_eq!(words.reader("x"), None);
    }
}
