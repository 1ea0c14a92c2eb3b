//! How one program reads its words. A row of the table says what is known; the rest of its options count as code.

use super::{databases, files, git, languages, queries, runners, shells, tools};

/// One row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Program {
    /// Its names in small letters; digits, dots and dashes may follow (`python3.12`).
    pub(super) names: &'static [&'static str],
    /// Letters that take nothing, and may stand in a cluster.
    pub(super) flags: &'static str,
    /// Letters that take the rest of the word, or the next word, which is no code.
    pub(super) values: &'static str,
    /// Letters that take the rest of the word, where there is one, whatever it says.
    pub(super) tail: &'static str,
    /// Letters that take the rest of the word; how it is read there is not known where an expression is in it.
    pub(super) attached: &'static str,
    /// Letters whose value names what is loaded and run.
    pub(super) loads: &'static str,
    /// Letters whose value is the last word that is the program's own.
    pub(super) last: &'static str,
    /// Letters that take code, from the rest of the word or the next one.
    pub(super) code: &'static str,
    /// Letters that make the first word that is no option code.
    pub(super) wants: &'static str,
    /// Letters that make the program open its operands as files, where a name such as `command|` is run.
    pub(super) opens: &'static str,
    /// Long options that take nothing. Words without a dash are its own words, such as `run`.
    pub(super) long_flags: &'static [&'static str],
    /// Long options whose value is no code; a star at the end stands for any letters.
    pub(super) long_values: &'static [&'static str],
    /// Long options whose value names what is loaded and run.
    pub(super) long_loads: &'static [&'static str],
    /// Long options that take code.
    pub(super) long_code: &'static [&'static str],
    /// Long options whose value is the last word that is the program's own.
    pub(super) long_last: &'static [&'static str],
    /// Long options whose value is a program that reads the words behind it.
    pub(super) long_runs: &'static [&'static str],
    /// Long options that take two words, which are no code.
    pub(super) long_pairs: &'static [&'static str],
    /// Long options behind which no word is the program's own.
    pub(super) long_ends: &'static [&'static str],
    /// Long options that make the first word that is no option code.
    pub(super) long_wants: &'static [&'static str],
    /// Options behind which no operand is the program's code, for that comes from elsewhere.
    pub(super) gives: &'static [&'static str],
    /// Whether all options that take code are known, so that the value of another one is none.
    pub(super) is_complete: bool,
    /// Whether its first word may be letters without a dash, whose values are the words behind it (`tar xf`).
    pub(super) is_bare: bool,
    /// Whether a long option may be cut short (`--comm`).
    pub(super) abbreviates: bool,
    /// Whether large and small letters of options are the same.
    pub(super) ignores_case: bool,
    /// Whether long options have one dash, as they stand here, and short ones make no clusters.
    pub(super) single_dash: bool,
    /// Whether words that begin with a plus are options, too.
    pub(super) plus: Plus,
    /// What follows the code of an option.
    pub(super) after_code: After,
    /// What its words without a dash are.
    pub(super) operands: Operands,
}

/// What is known of nothing.
pub(super) const UNKNOWN: Program = Program {
    names: &[],
    flags: "",
    values: "",
    tail: "",
    attached: "",
    loads: "",
    last: "",
    code: "",
    wants: "",
    opens: "",
    long_flags: &[],
    long_values: &[],
    long_loads: &[],
    long_code: &[],
    long_last: &[],
    long_runs: &[],
    long_pairs: &[],
    long_ends: &[],
    long_wants: &[],
    gives: &[],
    is_complete: false,
    is_bare: false,
    abbreviates: false,
    ignores_case: false,
    single_dash: false,
    plus: Plus::Operand,
    after_code: After::Options,
    operands: Operands::Data,
};

/// What a word is that begins with a plus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plus {
    /// No option.
    Operand,
    /// Letters, as behind a dash.
    Letters,
    /// Code.
    Code,
}

/// What follows the code of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// Further options.
    Options,
    /// Words for the code.
    Rest,
    /// More code.
    Code,
}

/// What the words without a dash are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operands {
    /// The first is a file, and everything behind it is for what it says.
    Script,
    /// No code, and options may follow.
    Data,
    /// The first is code, unless an option gave it.
    First,
    /// All are code but the first.
    AllButFirst,
    /// All are code.
    All,
    /// One of them is a program that reads the rest.
    Runs,
    /// The one behind so many others is a program that reads the rest.
    RunsAfter(usize),
    /// As many variables as there are, and a program that reads the rest.
    RunsWith,
    /// The first is the program's own word, which may have a row; nothing that follows is code where it has none.
    Words,
}

impl Operands {
    /// Whether one of them is a program that reads the rest.
    pub(super) const fn run(self) -> bool {
        matches!(self, Self::Runs | Self::RunsAfter(_) | Self::RunsWith)
    }
}

/// Whether a table may hold the program is asked for every word, so the name alone is looked at.
pub(super) fn find(program: &str) -> Option<&'static Program> {
    let name = program.rsplit(['/', '\\']).next().unwrap_or_default();
    // The longest name of the table with a version behind it is shorter.
    if name.is_empty() || name.len() > 40 {
        return None;
    }
    let name = name.to_ascii_lowercase();
    let name = name.strip_suffix(".exe").unwrap_or(&name);
    let bare =
        name.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '.' || letter == '-');
    named(name).or_else(|| named(bare))
}

/// What a program does behind one of its own words: `clone` of `git`, the module `timeit` of `python`.
pub(super) fn within(program: &Program, word: &str) -> Option<&'static Program> {
    let name = program.names.first().filter(|_| word.len() <= 40)?;
    let word = if program.ignores_case { word.to_ascii_lowercase() } else { word.to_owned() };
    named(&format!("{name} {word}"))
}

fn named(name: &str) -> Option<&'static Program> {
    let tables = [
        shells::PROGRAMS,
        languages::PROGRAMS,
        databases::PROGRAMS,
        queries::PROGRAMS,
        tools::PROGRAMS,
        files::PROGRAMS,
        git::PROGRAMS,
        runners::PROGRAMS,
    ];
    tables.into_iter().flatten().find(|program| program.names.contains(&name))
}
