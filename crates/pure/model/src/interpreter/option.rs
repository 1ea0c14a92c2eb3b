//! One word that is an option: letters in a cluster, a long name, what is attached to either.

use super::program::{Plus, Program};

/// What an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing, or nothing but what is attached.
    Flag,
    /// What is no code.
    Value,
    /// The last word of the program's own.
    Last,
    /// The name of what is loaded and run.
    Loads,
    /// A program that reads the words behind it.
    Runs,
    /// Two words that are no code.
    Pair,
    /// Nothing, and no word that follows is the program's own.
    Ends,
    /// Code.
    Code,
    /// The table does not say.
    Unknown,
}

/// A word that is an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) kind: Kind,
    /// Whether its value is attached: what follows in the word, and the expression in it, is of this kind.
    pub(super) has_value: bool,
    /// Whether the first operand is code because of it.
    pub(super) wants: bool,
    /// Whether the program's code comes from it.
    pub(super) gives: bool,
    /// Whether the program opens its operands because of it.
    pub(super) opens: bool,
}

impl Program {
    /// Whether an option takes code, or loads some.
    pub(super) const fn takes_code(&self) -> bool {
        let takes_any = !self.code.is_empty()
            || !self.wants.is_empty()
            || !self.loads.is_empty()
            || !self.long_code.is_empty()
            || !self.long_loads.is_empty();
        takes_any && !self.operands.run()
    }
}

/// Reads an option; where it is not whole, an expression follows it within the word.
pub(super) fn read(program: &Program, word: &str, is_whole: bool) -> Read {
    let plain = |kind, has_value| Read { kind, has_value, wants: false, gives: false, opens: false };
    if program.plus == Plus::Code && word.starts_with('+') {
        return plain(Kind::Code, true);
    }
    let (name, value) = match word.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (word, None),
    };
    // A name that goes on in an expression is not known, unless it may end in any letters.
    let is_any = program
        .long_values
        .iter()
        .any(|known| known.strip_suffix('*').is_some_and(|begins| name.starts_with(begins)));
    if let Some(found) = long(program, name)
        .filter(|found| is_whole || value.is_some() || (is_any && found.kind == Kind::Value))
    {
        return Read { has_value: value.is_some() || !is_whole, ..found };
    }
    if value.is_some() && program.is_complete && (word.starts_with("--") || program.single_dash) {
        return plain(Kind::Value, true);
    }
    if word.starts_with("--") || program.single_dash {
        return plain(Kind::Unknown, is_whole && value.is_some());
    }
    cluster(program, word, is_whole)
}

/// A long option by its name, which may be cut short.
pub(super) fn long(program: &Program, name: &str) -> Option<Read> {
    let name = if program.single_dash && name.starts_with("--") { name.get(1..)? } else { name };
    let lists = [
        (program.long_code, Kind::Code, false),
        (program.long_wants, Kind::Flag, true),
        (program.long_loads, Kind::Loads, false),
        (program.long_runs, Kind::Runs, false),
        (program.long_pairs, Kind::Pair, false),
        (program.long_ends, Kind::Ends, false),
        (program.long_last, Kind::Last, false),
        (program.long_values, Kind::Value, false),
        (program.long_flags, Kind::Flag, false),
    ];
    let is_exact = |known: &&&str| match known.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => **known == name,
    };
    // What an option begins with may mean another one; the list with the most power comes first.
    let is_short = |known: &&&str| {
        program.abbreviates
            && !name.trim_start_matches('-').is_empty()
            && name.starts_with('-')
            && known.starts_with(name)
    };
    let find = |(names, kind, wants): (&'static [&'static str], Kind, bool), exact: bool| {
        let found = names.iter().any(|known| if exact { is_exact(&known) } else { is_short(&known) });
        let gives = program.gives.contains(&name);
        found.then_some(Read { kind, has_value: false, wants, gives, opens: false })
    };
    let exact = lists.into_iter().find_map(|list| find(list, true));
    exact.or_else(|| lists.into_iter().find_map(|list| find(list, false)))
}

fn cluster(program: &Program, word: &str, is_whole: bool) -> Read {
    let mut read = Read { kind: Kind::Flag, has_value: false, wants: false, gives: false, opens: false };
    let mut letters = word.chars();
    letters.next();
    while let Some(letter) = letters.next() {
        let is_in = |set: &str| set.contains(letter);
        let has_rest = !letters.as_str().is_empty();
        read.gives |= program
            .gives
            .iter()
            .any(|option| option.strip_prefix('-').is_some_and(|one| one.len() == 1 && is_in(one)));
        // A shell takes the values of all letters from the words that follow.
        if !program.wants.is_empty() && program.code.is_empty() {
            read.wants |= is_in(program.wants);
            if is_in(program.values) {
                read.kind = Kind::Value;
            } else if !is_in(program.flags) && !is_in(program.wants) && read.kind == Kind::Flag {
                read.kind = Kind::Unknown;
            }
            continue;
        }
        read.wants |= is_in(program.wants);
        read.opens |= is_in(program.opens);
        let kind = [
            (program.code, Kind::Code),
            (program.loads, Kind::Loads),
            (program.last, Kind::Last),
            (program.values, Kind::Value),
        ]
        .into_iter()
        .find_map(|(set, kind)| is_in(set).then_some(kind));
        match kind {
            Some(kind) => {
                let has_value = has_rest || !is_whole;
                // What is loaded by a name that an expression completes is not known.
                let kind =
                    if !is_whole && matches!(kind, Kind::Loads | Kind::Last) { Kind::Unknown } else { kind };
                return Read { kind, has_value: has_value && kind != Kind::Unknown, ..read };
            }
            None if is_in(program.tail) => return Read { has_value: has_rest || !is_whole, ..read },
            None if is_in(program.attached) && is_whole => return read,
            None if is_in(program.flags) || is_in(program.wants) => {}
            None => return Read { kind: Kind::Unknown, ..read },
        }
    }
    if is_whole { read } else { Read { kind: Kind::Unknown, ..read } }
}
