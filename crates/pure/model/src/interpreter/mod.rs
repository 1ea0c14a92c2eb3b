//! Which words of a program are code: the table of programs says how each of them reads its options, and one reading follows the
//! words from left to right.
//!
//! A plan refuses an expression in such a word, and what is imported has a variable in its place. What the table does not know of
//! a program that takes code counts as code: an option that is not listed, letters that come out of an expression. Words behind the
//! file of a script are for the script; only options that take code are still taken for such there.

mod databases;
mod files;
mod git;
mod languages;
mod option;
mod program;
mod queries;
mod reading;
mod runners;
mod shells;
#[cfg(test)]
mod tests;
mod tools;

use reading::Reading;

/// What a word is to the program that reads it. The order is that of the doubt against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// No code, whatever it says.
    Data,
    /// No code unless it begins with a dash: it stands where the program reads options, and one of them takes code.
    MayBeOption,
    /// What it is cannot be known, and it may be code.
    Unknown,
    /// Code by its place alone: the program of `sed`, the command of `ssh`.
    Operand,
    /// Code behind an option such as `-c`, or a part of it.
    Code,
}

/// The words of a program while they are read, its name first.
#[derive(Debug, Clone, Default)]
pub struct Words {
    /// Also `env bash -c …` and `timeout 5 sh -c …` name one.
    reading: Option<Reading>,
    name: String,
    is_begun: bool,
}

impl Words {
    /// Reads the next word. `begins` is all of it where it `is_whole`, and what stands before its first expression where not.
    pub fn read(&mut self, begins: &str, is_whole: bool) -> Role {
        let may_name = self.reading.as_ref().is_none_or(Reading::may_name);
        let hands_on = self.reading.as_ref().is_some_and(Reading::hands_on);
        let role = self.reading.as_mut().map_or(Role::Data, |reading| reading.read(begins, is_whole));
        if is_whole
            && role == Role::Data
            && may_name
            && let Some(program) = program::find(begins)
        {
            // What runs another program hands it the words that follow; elsewhere the name may be a word like others.
            let is_certain = !self.is_begun || hands_on;
            self.reading = Some(Reading::of(program, is_certain));
            begins.clone_into(&mut self.name);
        }
        self.is_begun = true;
        role
    }

    /// The next word; none where it is not known before the run.
    pub fn word(&mut self, word: Option<&str>) {
        self.read(word.unwrap_or_default(), word.is_some());
    }

    /// What reads the next word as code, where it begins so and an expression follows.
    pub fn reader(&self, begins: &str) -> Option<&str> {
        let role = self.clone().read(begins, false);
        (role >= Role::Unknown).then_some(self.name.as_str())
    }

    /// The program of the table that reads the words, by the name under which it was called.
    pub fn name(&self) -> Option<&str> {
        self.reading.as_ref().map(|_| self.name.as_str())
    }

    /// Whether all words that follow are for a script or for what is run, and none is an option of a program of the table.
    pub fn is_past_options(&self) -> bool {
        self.reading.as_ref().is_some_and(Reading::is_past_options)
    }
}

/// Variables that decide what code runs in every program.
pub const LOADERS: &[&str] = &["PATH", "IFS", "ENV", "BASH_ENV", "SHELLOPTS", "BASHOPTS", "PS4"];

/// Whether a variable of this name decides what code runs in every program.
pub fn loads(variable: &str) -> bool {
    LOADERS.contains(&variable) || variable.starts_with("LD_") || variable.starts_with("DYLD_")
}

/// Whether a program runs another one that its words name, as `env`, `sudo` and `xargs` do.
pub fn runs_others(program: &str) -> bool {
    program::find(program).is_some_and(|program| program.operands.run())
}
