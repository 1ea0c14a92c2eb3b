//! Which words of a program are code: those behind `-c` and the like, where something that reads code was named before.
//!
//! A plan refuses an expression in such a word, so a value in it becomes a variable here.

/// Programs that take code as an argument: those that a plan knows.
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

/// The words of a program while they are read.
#[derive(Debug, Default)]
pub(crate) struct Words {
    interpreter: Option<String>,
    code_follows: bool,
}

impl Words {
    /// The next word; none where it is not known before the run.
    pub(crate) fn word(&mut self, word: Option<&str>) {
        self.code_follows = word.is_some_and(takes_code);
        if let Some(program) = word.filter(|word| is_interpreter(word)) {
            self.interpreter = Some(program.to_owned());
        }
    }

    /// What reads the next word as code, where it begins so.
    pub(crate) fn reader(&self, begins: &str) -> Option<&str> {
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
