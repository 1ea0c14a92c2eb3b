//! Where in the grammar somebody is who types: which command, which of its arguments is next, and what was typed for others.

use clap::{Arg, ArgAction, Command};
use std::collections::BTreeMap;

/// A place in the grammar.
pub(super) struct Spot<'c> {
    pub(super) command: &'c Command,
    /// What stands before it in the same word: `--output=`.
    pub(super) before: String,
    pub(super) next: Next<'c>,
    /// Values typed so far, by the names that help shows for them: `RUN`.
    pub(super) values: BTreeMap<String, String>,
}

/// What comes next.
pub(super) enum Next<'c> {
    /// A flag.
    Flag,
    /// A value of this argument; also a command where none was chosen yet.
    Value(Option<&'c Arg>),
}

/// Finds the place of the last word.
pub(super) fn find<'c>(root: &'c Command, words: &[String]) -> Option<Spot<'c>> {
    let (current, before) = words.split_last()?;
    let mut spot =
        Spot { command: root, before: String::new(), next: Next::Value(None), values: BTreeMap::new() };
    let (mut place, mut open, mut only_values) = (0, None::<&Arg>, false);
    for word in before {
        if let Some(argument) = open.take() {
            spot.keep(argument, word);
        } else if word == "--" {
            only_values = true;
        } else if word.starts_with('-') && !only_values {
            let (name, value) =
                word.split_once('=').map_or((word.as_str(), None), |(name, value)| (name, Some(value)));
            let Some(argument) = flag(spot.command, name) else { continue };
            match (takes_value(argument), value) {
                (true, Some(value)) => spot.keep(argument, value),
                (true, None) => open = Some(argument),
                (false, _) => {}
            }
        } else if let Some(below) = spot.command.find_subcommand(word).filter(|_| place == 0) {
            spot.command = below;
        } else {
            if let Some(argument) = positional(spot.command, place) {
                spot.keep(argument, word);
            }
            place += 1;
        }
    }
    let typed = current.split_once('=').filter(|_| current.starts_with("--") && !only_values);
    spot.next = match (open, typed) {
        (Some(argument), _) => Next::Value(Some(argument)),
        (None, Some((name, _))) => {
            spot.before = format!("{name}=");
            Next::Value(flag(spot.command, name))
        }
        (None, None) if current.starts_with('-') && !only_values => Next::Flag,
        (None, None) => Next::Value(positional(spot.command, place)),
    };
    Some(spot)
}

impl Spot<'_> {
    fn keep(&mut self, argument: &Arg, value: &str) {
        self.values.insert(name_of(argument).to_owned(), value.to_owned());
    }
}

/// The name that help shows for a value.
pub(super) fn name_of(argument: &Arg) -> &str {
    let named = argument.get_value_names().and_then(|names| names.first());
    named.map_or(argument.get_id().as_str(), |name| name.as_str())
}

fn flag<'c>(command: &'c Command, name: &str) -> Option<&'c Arg> {
    command.get_arguments().find(|argument| match (name.strip_prefix("--"), name.strip_prefix('-')) {
        (Some(long), _) => argument.get_long() == Some(long),
        (None, Some(short)) => argument.get_short().is_some_and(|letter| short == letter.to_string()),
        (None, None) => false,
    })
}

fn takes_value(argument: &Arg) -> bool {
    matches!(argument.get_action(), ArgAction::Set | ArgAction::Append)
}

/// The positional argument at a place; one that takes many is at all further places too.
fn positional(command: &Command, place: usize) -> Option<&Arg> {
    let all: Vec<&Arg> = command.get_positionals().collect();
    let many = || all.last().copied().filter(|last| matches!(last.get_action(), ArgAction::Append));
    all.get(place).copied().or_else(many)
}
