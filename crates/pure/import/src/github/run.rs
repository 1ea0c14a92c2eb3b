//! One step of a job: what it runs.

use super::context::{OPEN, Scope};
use super::{NO_WORD, Workflow};
use crate::Node;
use crate::foreign::code::{self, Language};
use crate::foreign::text::split;
use crate::foreign::tree::{Place, Tree};
use crate::names::literal;
use crate::step::{Step, Variables, seconds};

/// Lines of `with` that are shown above a step that is missing.
const SHOWN: usize = 8;

/// Whether a step is an action that only prepares the machine.
pub(super) fn only_prepares(step: &Tree) -> bool {
    let Some((repository, _)) = step.text_of("uses").map(|uses| uses.split_once('@').unwrap_or((uses, "")))
    else {
        return false;
    };
    let name = repository.rsplit('/').next().unwrap_or_default();
    name.starts_with("setup-") || repository == "actions/checkout" || repository.starts_with("actions/cache")
}

/// What makes a shell of ours read as theirs: `bash -e` where none is named, `bash -eo pipefail` and `sh -e` by their names; ours
/// stop at variables that are not set and at a failure within a pipe, too.
fn options(shell: &str, is_named: bool) -> Option<&'static str> {
    match shell {
        "bash" if !is_named => Some("set +u +o pipefail"),
        "bash" | "sh" => Some("set +u"),
        _ => None,
    }
}

/// Whether a script may give a variable another value.
fn may_set(script: &str, name: &str) -> bool {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    script.match_indices(name).any(|(at, _)| {
        let before = script.get(..at).and_then(|text| text.chars().next_back());
        let after = script.get(at + name.len()..).and_then(|text| text.chars().next());
        // Behind a dollar or within `${{ env.NAME }}` it is read.
        !before.is_some_and(|letter| is_part(letter) || "$.{!#".contains(letter))
            && !after.is_some_and(is_part)
    })
}

/// A short name of a step without an id.
pub(super) fn slug(step: &Tree, index: usize) -> String {
    let text = step.text_of("name").or_else(|| step.text_of("uses")).unwrap_or_default();
    let text = text.split(['@', '$']).next().unwrap_or_default();
    let keep = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '_' };
    let words: String = text.chars().map(keep).collect();
    let words: Vec<&str> = words.split('_').filter(|word| !word.is_empty()).take(5).collect();
    if words.is_empty() { format!("step{}", index + 1) } else { words.join("_") }
}

impl Workflow {
    /// Names an action that is left out; the line of comment for the step after it.
    pub(super) fn prepares(&mut self, step: &Tree, scope: &mut Scope) -> String {
        let uses = step.text_of("uses").unwrap_or_default();
        if let Some(id) = step.text_of("id") {
            scope.steps.insert(id.to_owned(), None);
        }
        let why = "it prepared a machine: name files of this folder under `files`, and install programs on the worker";
        self.losses.add("uses", why, uses, step.place);
        format!("{} at {} prepared the machine and is not kept", literal(uses), step.place)
    }

    /// What a step does; whether its failure is forgiven.
    pub(super) fn work(
        &mut self,
        document: &Tree,
        job: &Tree,
        written: &Tree,
        outer: &Scope,
        step: &mut Step,
    ) -> bool {
        for (key, place, _) in written.entries() {
            let is_known = ["name", "id", "if", "env", "run", "uses", "with", "shell", "working-directory"];
            let is_kept = ["timeout-minutes", "continue-on-error"];
            if !is_known.contains(&key.as_str()) && !is_kept.contains(&key.as_str()) {
                self.losses.add(key, NO_WORD, key, *place);
            }
        }
        let mut scope = outer.clone();
        self.env(written, &mut scope);
        let mut is_forgiven = false;
        for tree in [job, written] {
            if let Some(flag) = tree.get("continue-on-error") {
                match flag.text() {
                    // Of a job it is said of each step, and the next ones ask how those before them went.
                    Some("true") => {
                        step.continue_on_error = true;
                        is_forgiven = std::ptr::eq(tree, written);
                    }
                    Some("false") => {}
                    _ => self.losses.add(
                        "continue-on-error",
                        "here it is true or false",
                        "continue-on-error",
                        tree.place_of("continue-on-error"),
                    ),
                }
            }
            if let Some(limit) = tree.get("timeout-minutes") {
                match limit
                    .text()
                    .and_then(|text| text.parse::<u64>().ok())
                    .filter(|limit| (1..=100_000).contains(limit))
                {
                    Some(minutes) => step.timeout = Some(seconds(minutes * 60)),
                    None => {
                        let place = tree.place_of("timeout-minutes");
                        self.losses.add("timeout-minutes", "here it is a number", "timeout-minutes", place)
                    }
                }
            }
        }
        if job.get("timeout-minutes").is_some() && written.get("timeout-minutes").is_none() {
            self.losses.add(
                "timeout-minutes",
                "the time of a job became the time of each of its steps",
                "timeout-minutes",
                job.place_of("timeout-minutes"),
            );
        }
        match (written.get("run"), written.text_of("uses")) {
            (Some(run), _) if run.text().is_some_and(|text| !text.trim().is_empty()) => {
                self.script(run, (document, job, written), &scope, step);
            }
            (_, Some(uses)) => {
                self.losses.add(
                    "uses",
                    "an action is not part of the plan; its step says so and fails",
                    uses,
                    written.place,
                );
                for (name, _, value) in
                    written.get("with").map(Tree::entries).unwrap_or_default().iter().take(SHOWN)
                {
                    let first = value.text().and_then(|text| text.lines().next()).unwrap_or("…");
                    step.notes.push(format!("with {name}: {}", literal(first)));
                }
                step.miss(&format!("the action {uses} is not part of this plan; put here what it did"));
            }
            _ => {
                self.losses.add("step", "it does nothing", written.begins(), written.place);
                step.work = Some(("uses", Node::word("dvt/noop@1")));
            }
        }
        is_forgiven
    }

    /// Which shell reads a script, and whether anybody says so.
    fn shell(document: &Tree, job: &Tree, written: &Tree, system: &str) -> (String, bool) {
        let own = written.text_of("shell");
        let of = |tree: &Tree| tree.at(&["defaults", "run", "shell"]).and_then(Tree::text).map(str::to_owned);
        let named = own.map(str::to_owned).or_else(|| of(job)).or_else(|| of(document));
        let usual = if system == "Windows" { "pwsh" } else { "bash" };
        let is_named = named.is_some();
        (named.unwrap_or_else(|| usual.to_owned()), is_named)
    }

    /// Where a word of `run` stands that a step, its job or the workflow says: the innermost counts.
    fn place_in(key: &str, (document, job, written): (&Tree, &Tree, &Tree)) -> Place {
        let says = |tree: &&Tree| tree.at(&["defaults", "run", key]).is_some();
        match [job, document].into_iter().find(says) {
            _ if written.get(key).is_some() => written.place_of(key),
            Some(tree) => tree.place_of("defaults"),
            None => job.place_of("runs-on"),
        }
    }

    fn script(
        &mut self,
        run: &Tree,
        (document, job, written): (&Tree, &Tree, &Tree),
        scope: &Scope,
        step: &mut Step,
    ) {
        let text = run.text().unwrap_or_default();
        let (shell, is_named) = Self::shell(document, job, written, scope.system);
        let shell = shell.as_str();
        let program = shell.split_whitespace().next().unwrap_or_default();
        let place = Self::place_in("shell", (document, job, written));
        // The shell of a machine that names none goes by the machine.
        let named = if is_named { shell } else { job.text_of("runs-on").unwrap_or_default() };
        let (language, form) = match program {
            "bash" => (Language::Shell, Ok("bash")),
            "sh" => (Language::Shell, Ok("sh")),
            "python" | "python3" => (Language::Python, Ok("python")),
            "pwsh" | "powershell" => (Language::Other, Err("-Command")),
            "node" => (Language::JavaScript, Err("-e")),
            "Rscript" | "perl" | "ruby" => (Language::Other, Err("-e")),
            _ => {
                self.losses.add(
                    "shell",
                    "there is no such shell here; the step says so and fails",
                    named,
                    place,
                );
                step.miss(&format!("a script for {shell} is not part of this plan; put here what it did"));
                return;
            }
        };
        if shell.split_whitespace().count() > 1 && form.is_ok() {
            self.losses.add("shell", "its options are DVT's own", named, place);
        }
        let mut variables = Variables::default();
        for (name, value) in &scope.env {
            variables.env.insert(name.clone(), value.node());
        }
        let parts = split(text, OPEN);
        let mut code = code::with_variables(language, &parts, |source| {
            // A variable of the step is read as it is, unless the script gives it another value; anything else gets one.
            let is_kept = |name: &&str| scope.env.contains_key(*name) && !may_set(text, name);
            if let Some(name) = source.strip_prefix("env.").filter(is_kept) {
                return Some(name.to_owned());
            }
            let value = match self.expression(source, scope, run.place) {
                Ok(value) => crate::foreign::text::Text::value(value).node(),
                Err(lost) => {
                    self.lost_value(&lost, run.place);
                    Node::Text(String::new())
                }
            };
            Some(variables.bind(source, value))
        });
        for (why, source) in code.told() {
            self.losses.add("pasted text", why, source, run.place);
        }
        for word in ["GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY"] {
            if text.contains(word) {
                let why = "there is no such file here; results go as JSON to $DVT_OUTPUT";
                self.losses.add(word, why, word, run.place);
            }
        }
        let of = |tree: &Tree| {
            tree.at(&["defaults", "run", "working-directory"]).and_then(Tree::text).map(str::to_owned)
        };
        let folder = written
            .text_of("working-directory")
            .map(str::to_owned)
            .or_else(|| of(job))
            .or_else(|| of(document));
        if let Some(folder) = folder {
            let value = self
                .text(&folder, scope, Self::place_in("working-directory", (document, job, written)))
                .node();
            match language {
                Language::Shell => {
                    let name = variables.bind("working-directory", value);
                    code.text = format!("cd -- \"${{{name}}}\"\n{}", code.text);
                }
                _ => self.losses.add(
                    "working-directory",
                    "change to it in the program",
                    &folder,
                    Self::place_in("working-directory", (document, job, written)),
                ),
            }
        }
        if let Some(options) = form.ok().and_then(|form| options(form, is_named)) {
            code.text = format!("{options}\n{}", code.text);
        }
        step.env = variables.env;
        match form {
            Ok(shell) => {
                step.work = Some(("script", Node::Block(literal(&code.text))));
                step.shell = (shell != "bash").then_some(shell);
            }
            Err(option) => {
                let words = [program, option, &code.text].map(|word| Node::Text(literal(word)));
                step.work = Some(("run", Node::List(words.to_vec())));
            }
        }
    }
}
