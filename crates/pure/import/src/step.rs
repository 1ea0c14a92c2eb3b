//! A step while an importer makes it, ids that are given one by one, and the steps that stand for what a plan cannot do.
//!
//! What another product would have done and a plan cannot is a step that says so and fails: a run never claims work that
//! nobody did.

use crate::foreign::tree::Place;
use crate::words::word;
use crate::{Error, Node, names};
use dvt_model::interpreter::loads;
use std::collections::{BTreeMap, BTreeSet};

/// A step that is being made.
#[derive(Debug, Clone, Default)]
pub(crate) struct Step {
    pub(crate) id: String,
    pub(crate) title: String,
    /// Comments above its work.
    pub(crate) notes: Vec<String>,
    pub(crate) needs: BTreeSet<String>,
    /// Its condition, without what `needs` imply.
    pub(crate) condition: Option<String>,
    pub(crate) foreach: Option<String>,
    pub(crate) max_parallel: Option<u64>,
    /// The form: `run`, `script`, `uses`, `approval`, `wait` or `signal`.
    pub(crate) work: Option<(&'static str, Node)>,
    pub(crate) shell: Option<&'static str>,
    pub(crate) env: BTreeMap<String, Node>,
    pub(crate) output: Option<&'static str>,
    pub(crate) timeout: Option<String>,
    pub(crate) retry: Option<Node>,
    pub(crate) continue_on_error: bool,
}

/// What a step does that says what is missing, and fails.
pub(crate) const MISSING: &str = "echo \"$MISSING\" >&2\nexit 1\n";

impl Step {
    /// Makes it the step that says what is missing here, and fails.
    pub(crate) fn miss(&mut self, what: &str) {
        self.work = Some(("script", Node::Block(MISSING.to_owned())));
        self.shell = Some("sh");
        self.env = BTreeMap::from([("MISSING".to_owned(), Node::Text(names::literal(what)))]);
        self.output = None;
    }

    /// Whether it only says what is missing.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(&self.work, Some(("script", Node::Block(text))) if text == MISSING)
    }

    /// As it stands in the plan.
    pub(crate) fn node(self) -> Node {
        let mut entries = Vec::new();
        let mut add = |key: &str, value: Node| entries.push((key.to_owned(), value));
        if !self.title.is_empty() && self.title != self.id {
            add("title", Node::Text(names::literal(&self.title)));
        }
        if !self.needs.is_empty() {
            add("needs", Node::List(self.needs.into_iter().map(Node::Word).collect()));
        }
        if let Some(condition) = self.condition {
            add("if", Node::Text(condition));
        }
        if let Some(foreach) = self.foreach {
            add("foreach", Node::Text(foreach));
        }
        if let Some(most) = self.max_parallel {
            add("maxParallel", Node::count(most));
        }
        if let Some((form, work)) = self.work {
            let work = if self.notes.is_empty() { work } else { Node::Noted(self.notes, Box::new(work)) };
            add(form, work);
        }
        if let Some(shell) = self.shell {
            add("shell", Node::word(shell));
        }
        if !self.env.is_empty() {
            add("env", Node::Map(self.env.into_iter().collect()));
        }
        if let Some(output) = self.output {
            add("output", Node::word(output));
        }
        if let Some(timeout) = self.timeout {
            add("timeout", Node::word(timeout));
        }
        if let Some(retry) = self.retry {
            add("retry", retry);
        }
        if self.continue_on_error {
            add("continueOnError", Node::Flag(true));
        }
        Node::Map(entries)
    }
}

/// Ids given one by one: the first of a name has it, the others theirs with a digest.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    given: BTreeSet<String>,
}

impl Ids {
    pub(crate) fn give(&mut self, name: &str) -> String {
        let mut id = names::id(name);
        let mut again = 1;
        while !self.given.insert(id.clone()) {
            again += 1;
            id = names::id_again(name, again);
        }
        id
    }
}

/// What a plan may hold, counted step by step, so that a small file that is written out to a huge plan ends early.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    steps: usize,
    values: usize,
    bytes: usize,
    attempts: u64,
}

impl Budget {
    /// Bytes of a plan, with room for what is written around its texts.
    const MOST_BYTES: usize = 6 << 20;
    /// Values that a plan may have whatever its steps are, and for each of these.
    const FREE_VALUES: usize = 90_000;
    const VALUES_OF_A_STEP: usize = 64;
    /// Attempts of all steps that are repeated in the worst case; there is room left for one of each that is not.
    const MOST_ATTEMPTS: u64 = 240_000;
    /// Items of a list of which nothing is known.
    const MOST_ITEMS: u64 = 10_000;

    /// Takes a step.
    pub(crate) fn take(&mut self, step: &Step) {
        let size = step.clone().node().size();
        self.steps += 1;
        self.values += size.values;
        self.bytes = self.bytes.saturating_add(size.bytes);
    }

    /// Whether a plan still takes all that was taken; the error has its bytes.
    pub(crate) fn holds(&self) -> Result<(), Error> {
        let values = Self::FREE_VALUES + Self::VALUES_OF_A_STEP * self.steps;
        if self.bytes > Self::MOST_BYTES || self.values > values {
            return Err(Error::TooLong(self.bytes));
        }
        Ok(())
    }

    /// Whether there is room for the attempts of a step for each of so many items; if so, they are taken.
    pub(crate) fn repeats(&mut self, step: &Step, items: Option<usize>) -> bool {
        let most = step.retry.as_ref().and_then(|retry| retry.get("max"));
        let retries = match most {
            Some(Node::Number(most)) => most.to_string().parse().unwrap_or(Self::MOST_ITEMS),
            _ => 0,
        };
        let each = match (&step.foreach, items) {
            (None, _) => 1,
            (Some(_), Some(items)) => u64::try_from(items).unwrap_or(Self::MOST_ITEMS),
            (Some(_), None) => Self::MOST_ITEMS,
        };
        let attempts = self.attempts + (retries + 1) * each + 1;
        let has_room = attempts <= Self::MOST_ATTEMPTS;
        if has_room {
            self.attempts = attempts;
        }
        has_room
    }
}

/// Inputs that a plan may have, and why there are no more.
pub(crate) const MOST_INPUTS: usize = 256;
pub(crate) const TOO_MANY_INPUTS: &str = "a plan has at most 256 inputs";

/// Names of variables for the values of one step.
#[derive(Debug, Default)]
pub(crate) struct Variables {
    pub(crate) env: BTreeMap<String, Node>,
}

impl Variables {
    /// The variable that holds this value; `source` is what it was called.
    ///
    /// The name begins with `VALUE_`: what a foreign file calls a value must not be what some program takes its options,
    /// its modules or its home from (`NODE_OPTIONS`, `PYTHONPATH`, `GIT_SSH_COMMAND`).
    pub(crate) fn bind(&mut self, source: &str, value: Node) -> String {
        let mut words =
            source.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_' && letter != '-');
        let last = words.rfind(|word| word.starts_with(|first: char| first.is_ascii_alphabetic()));
        let mut name = format!("VALUE_{}", word(last.unwrap_or("")).to_ascii_uppercase());
        if last.is_none() {
            name = "VALUE".to_owned();
        }
        let mut again = 1;
        let base = name.clone();
        while self.env.get(&name).is_some_and(|known| *known != value) {
            again += 1;
            name = format!("{base}_{again}");
        }
        self.env.insert(name.clone(), value);
        name
    }
}

/// Whether a plan may set a variable of this name.
pub(crate) fn is_variable(name: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.len() <= 128
        && name.bytes().all(letters)
        && !name.starts_with("DVT_")
        && !loads(name)
}

/// `name at line:column`.
pub(crate) fn placed(name: &str, place: Place) -> String {
    format!("{name} at {place}")
}

/// Seconds as a duration of a plan.
pub(crate) fn seconds(count: u64) -> String {
    match count {
        _ if count > 0 && count.is_multiple_of(3_600) => format!("{}h", count / 3_600),
        _ if count > 0 && count.is_multiple_of(60) => format!("{}m", count / 60),
        _ => format!("{count}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_gets_its_own_id() {
        let mut ids = Ids::default();
        let long = "x".repeat(80);
        let given: Vec<String> =
            ["a.b", "a_b", "a_b", "1", &long, &long].iter().map(|name| ids.give(name)).collect();
        for id in &given {
            assert!(dvt_model::id::StepId::parse(id).is_ok(), "{id}");
        }
        assert_eq!(given.iter().collect::<BTreeSet<_>>().len(), given.len());
        assert_eq!(given[0], "a_b");
    }

    #[test]
    fn variables_are_never_those_that_load_code() {
        let mut variables = Variables::default();
        let loaders =
            ["inputs.node_options", "inputs.PYTHONPATH", "x.git_ssh_command", "inputs.home", "x.perl5opt"];
        for source in
            ["inputs.parameters.path", "x.LD_PRELOAD", "dvt_run", "9", "a.env", "ps4"].iter().chain(&loaders)
        {
            let name = variables.bind(source, Node::Text((*source).to_owned()));
            assert!(is_variable(&name) && name.starts_with("VALUE"), "{name}");
        }
        assert_eq!(variables.bind("b.env", Node::Text("other".to_owned())), "VALUE_ENV_2");
    }
}
