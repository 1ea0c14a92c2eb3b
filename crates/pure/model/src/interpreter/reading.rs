//! The words of one program, from left to right.

use super::option::{self, Kind};
use super::program::{self, After, Operands, Plus, Program};
use super::{Role, loads};

/// What the next word is, as far as the words before it say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// An option or an operand.
    Any,
    /// The value of an option.
    Value,
    /// The value of an option that ends the options.
    LastValue,
    /// The first of two values of an option.
    Pair,
    /// The name of what an option loads.
    Loads,
    /// The program that an option runs.
    Program,
    /// The code of an option.
    Code,
    /// Perhaps the value of an option that the table does not know.
    Doubtful,
}

/// A program and where it is in its words.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    program: &'static Program,
    next: Next,
    /// The first operand is code, for an option said so.
    is_wanted: bool,
    /// The program's code came from an option.
    is_given: bool,
    /// What operands name is opened, which may run a command.
    is_opened: bool,
    /// No word was read.
    is_first: bool,
    /// `--` was read.
    is_ended: bool,
    /// What follows is not for the program itself, or it is not certain that it is one.
    is_rest: bool,
    /// Everything that follows is code.
    is_all_code: bool,
    operands: usize,
}

impl Reading {
    /// A program whose words begin now.
    pub(super) const fn of(program: &'static Program, is_certain: bool) -> Self {
        Self {
            program,
            next: Next::Any,
            is_wanted: false,
            is_given: false,
            is_opened: false,
            is_first: true,
            is_ended: false,
            is_rest: !is_certain,
            is_all_code: false,
            operands: 0,
        }
    }

    /// Whether the next word may name another program.
    pub(super) fn may_name(&self) -> bool {
        let is_any = matches!(self.next, Next::Any | Next::Doubtful | Next::Program);
        let is_open =
            self.is_rest || self.program.operands.run() || self.program.operands == Operands::Script;
        is_any && is_open && !self.is_wanted && !self.is_all_code
    }

    /// Whether a program that it names is certainly one.
    pub(super) fn hands_on(&self) -> bool {
        self.program.operands.run() && !self.is_rest
    }

    pub(super) fn is_past_options(&self) -> bool {
        self.is_rest && self.next == Next::Any && !self.is_all_code
    }

    /// Reads a word, or the beginning of one with an expression behind it.
    pub(super) fn read(&mut self, begins: &str, is_whole: bool) -> Role {
        if self.is_all_code {
            return Role::Code;
        }
        let dash = self.dashed(begins);
        let next = std::mem::replace(&mut self.next, Next::Any);
        let is_first = std::mem::replace(&mut self.is_first, false);
        match next {
            // A shell has no setting of such a name, and reads it as what it looks like.
            Next::Value if !self.program.wants.is_empty() && dash.is_some() => {}
            Next::Value => return Role::Data,
            Next::LastValue => {
                self.go_within(begins);
                return if is_whole { Role::Data } else { self.doubt() };
            }
            Next::Pair => {
                self.next = Next::Value;
                return Role::Data;
            }
            Next::Program => return if is_whole { Role::Data } else { Role::Operand },
            Next::Loads => return if is_whole { Role::Data } else { self.doubt() },
            Next::Code => {
                self.after_code();
                return Role::Code;
            }
            Next::Doubtful if dash.is_none() && is_whole && !self.is_own_word(begins) => {
                // Where the program stands is counted as if it were an operand.
                self.operands += usize::from(self.program.operands.run());
                return Role::Data;
            }
            Next::Doubtful if dash.is_none() && !is_whole => return self.of_any_option(begins),
            Next::Doubtful | Next::Any => {}
        }
        if self.is_ended {
            return self.operand(begins, is_whole);
        }
        if is_whole && begins == "--" {
            self.is_ended = true;
            return Role::Data;
        }
        // A shell ends its options here as well; elsewhere it is the standard input.
        if is_whole && begins == "-" {
            if self.program.wants.is_empty() && self.program.operands == Operands::Script {
                self.is_rest = true;
            }
            return Role::Data;
        }
        match dash {
            Some(word) => self.option(&word, is_whole),
            None if self.is_own_word(begins) && is_whole => self.option(begins, is_whole),
            None if is_first && self.program.is_bare && is_whole => self.letters(begins),
            None => self.operand(begins, is_whole),
        }
    }

    /// The word with the dash that it has to this program, where it is an option.
    fn dashed(&self, word: &str) -> Option<String> {
        let mut word = word.to_owned();
        if self.program.ignores_case {
            // PowerShell reads the dashes of typography as dashes.
            word = word.replace(['\u{2013}', '\u{2014}', '\u{2015}'], "-").to_ascii_lowercase();
        }
        if self.program.plus != Plus::Operand && word.starts_with('+') {
            return Some(word);
        }
        word.starts_with('-').then_some(word)
    }

    /// `eval` of `deno eval`, `run` of `bun run`.
    fn is_own_word(&self, word: &str) -> bool {
        !self.is_rest && !word.starts_with('-') && option::long(self.program, word).is_some()
    }

    fn option(&mut self, word: &str, is_whole: bool) -> Role {
        let read = option::read(self.program, word, is_whole);
        self.is_given |= read.kind == Kind::Code || read.gives;
        self.is_opened |= read.opens && !self.is_rest;
        if self.is_rest {
            // Behind a word of its own that no row describes, an option of the same name is another one.
            if self.program.operands == Operands::Words {
                return Role::Data;
            }
            // Only what would be code in the program's own words is still taken for it.
            if read.kind == Kind::Code && read.has_value {
                return Role::Code;
            }
            if is_whole && (read.kind == Kind::Code || read.wants) {
                self.next = Next::Code;
            }
            return Role::Data;
        }
        self.is_wanted |= read.wants;
        match (read.kind, read.has_value) {
            (Kind::Code, true) => {
                self.after_code();
                return Role::Code;
            }
            (Kind::Flag | Kind::Value | Kind::Pair, true) => return Role::Data,
            (Kind::Last, true) => {
                let value = word.split_once(|letter| self.program.last.contains(letter));
                self.go_within(value.map_or("", |(_, value)| value));
            }
            (Kind::Loads | Kind::Runs | Kind::Unknown, true) | (Kind::Flag, false) => {}
            (Kind::Ends, _) => self.is_rest = true,
            (Kind::Pair, false) => self.next = Next::Pair,
            (Kind::Runs, false) => self.next = Next::Program,
            (Kind::Value, false) => self.next = Next::Value,
            (Kind::Last, false) => self.next = Next::LastValue,
            (Kind::Loads, false) => self.next = Next::Loads,
            (Kind::Code, false) => self.next = Next::Code,
            (Kind::Unknown, false) => self.next = Next::Doubtful,
        }
        if is_whole { Role::Data } else { self.doubt() }
    }

    /// Letters without a dash. Which word is the value of which letter is not followed.
    fn letters(&mut self, letters: &str) -> Role {
        let has = |set: &str| letters.chars().any(|letter| set.contains(letter));
        if has(self.program.loads) {
            (self.is_opened, self.is_given) = (true, true);
        } else if has(self.program.values) {
            self.next = Next::Value;
        }
        Role::Data
    }

    /// Goes on as what the program does behind a word of its own.
    fn go_within(&mut self, word: &str) {
        match program::within(self.program, word) {
            Some(program) => *self = Self::of(program, true),
            None => self.is_rest = true,
        }
    }

    fn operand(&mut self, begins: &str, is_whole: bool) -> Role {
        if self.is_opened && (self.is_rest || self.is_given) {
            return Role::Operand;
        }
        if self.is_rest {
            return Role::Data;
        }
        if self.is_wanted {
            (self.is_wanted, self.is_rest) = (false, true);
            return Role::Code;
        }
        let may_be_option = !is_whole && begins.is_empty() && !self.is_ended && self.program.takes_code();
        let nth = self.operands;
        self.operands += 1;
        let is_code = match self.program.operands {
            Operands::Script => {
                self.is_rest = true;
                false
            }
            Operands::Data | Operands::Runs => false,
            Operands::Words => {
                self.go_within(begins);
                false
            }
            Operands::RunsAfter(before) => self.runs(nth == before, is_whole),
            Operands::RunsWith => match begins.split_once('=') {
                Some((name, _)) => !is_whole && loads(name),
                None => self.runs(true, is_whole),
            },
            // `sed -i '' …`: what is empty is no program.
            Operands::First if is_whole && begins.is_empty() => {
                self.operands = nth;
                false
            }
            Operands::First => nth == 0 && !self.is_given,
            Operands::AllButFirst => nth > 0,
            Operands::All => true,
        };
        match (is_code, may_be_option) {
            (true, _) => Role::Operand,
            (false, true) => Role::MayBeOption,
            (false, false) => Role::Data,
        }
    }

    /// Whether an operand that may be the program is one that a value decides.
    fn runs(&mut self, is_program: bool, is_whole: bool) -> bool {
        self.is_rest |= is_program;
        is_program && !is_whole
    }

    fn after_code(&mut self) {
        match self.program.after_code {
            After::Options => {}
            After::Rest => self.is_rest = true,
            After::Code => self.is_all_code = true,
        }
    }

    /// What stands behind an option that the table does not know: its value, or an operand.
    fn of_any_option(&self, begins: &str) -> Role {
        let is_code =
            matches!(self.program.operands, Operands::First | Operands::AllButFirst | Operands::All);
        match self.program.is_complete && !is_code {
            true if begins.is_empty() && self.program.takes_code() => Role::MayBeOption,
            true => Role::Data,
            false => self.doubt(),
        }
    }

    /// What runs other programs has few options that take code, and these are known.
    fn doubt(&self) -> Role {
        if self.program.operands == Operands::Runs { Role::Data } else { Role::Unknown }
    }
}
