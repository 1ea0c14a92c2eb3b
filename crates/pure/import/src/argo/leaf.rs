//! A template that does one thing: a program, a script, a pause, or something that only a cluster can do.

use super::call::Call;
use super::called::{Called, Parts};
use super::context::OPEN;
use super::retry::time;
use super::shell;
use super::start::Start;
use super::{Importer, NO_WORD, Scope};
use crate::foreign::code::{self, Language};
use crate::foreign::limits;
use crate::foreign::text::{Text, split};
use crate::foreign::tree::{Place, Tree};
use crate::names::literal;
use crate::step::{Step, Variables, is_variable, seconds};
use crate::words::Given;
use crate::{Error, Node};
use dvt_model::interpreter::{Role, Words};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Arguments of one program.
const MOST_ARGUMENTS: usize = 1_024;

impl Importer<'_> {
    /// The step of a template.
    pub(super) fn leaf(&mut self, template: &Tree, given: &Call, scope: &Scope) -> Result<Called, Error> {
        if let Some(set) = template.get("containerSet") {
            return self.container_set(template, set, given, scope);
        }
        let mut step = self.begin(given);
        self.limits(template, &mut step, scope);
        if let Some(container) = template.get("container") {
            self.container(container, &mut step, scope);
        } else if let Some(script) = template.get("script") {
            self.script(script, &mut step, scope);
        } else if let Some(suspend) = suspended(template) {
            self.suspend(template, suspend, given, &mut step, scope);
        } else {
            let kinds = ["resource", "http", "plugin", "data"];
            let what = kinds.iter().find(|kind| template.get(kind).is_some()).copied().unwrap_or("template");
            self.losses.add(
                what,
                "its step says what is missing, and fails",
                template.text_of("name").unwrap_or(what),
                template.place,
            );
            step.miss(&format!("a {what} template is not part of this plan; put here what it did"));
        }
        self.bound(&mut step, given);
        Ok(self.add(step))
    }

    /// Takes the repetitions of a step away that would be more than any plan may have.
    pub(super) fn bound(&mut self, step: &mut Step, given: &Call) {
        let is_repeated = step.foreach.is_some() || step.retry.is_some();
        let items = given.foreach.as_ref().and_then(|list| list.members.as_ref()).map(Vec::len);
        if !is_repeated || self.budget.repeats(step, items) {
            return;
        }
        let why = "with those of the steps before it, the plan would make more than 250000 attempts";
        step.retry = None;
        if step.foreach.take().is_none() {
            self.losses.add("retryStrategy", why, &given.name, given.place);
            return;
        }
        self.losses.add("withParam", why, &given.name, given.place);
        step.miss(&format!("`{}` is repeated more often than a plan may", given.name));
        if step.condition.as_deref().is_some_and(limits::names_item) {
            step.condition = Some("false".to_owned());
        }
    }

    fn limits(&mut self, template: &Tree, step: &mut Step, scope: &Scope) {
        self.time_limits(template, step, scope);
        if let Some(strategy) = template.entries().iter().find(|(key, ..)| key == "retryStrategy") {
            step.retry = Some(self.retry(template, &strategy.2));
        }
    }

    fn time_limits(&mut self, template: &Tree, step: &mut Step, scope: &Scope) {
        for key in ["timeout", "activeDeadlineSeconds"] {
            let Some(limit) = template.get(key) else { continue };
            let text = self.text(limit.text().unwrap_or_default(), scope, limit.place);
            match text.known().as_deref().and_then(time) {
                Some(limit) => step.timeout = Some(seconds(limit)),
                None => self.losses.add(
                    key,
                    "here it is a time that is known before the run",
                    key,
                    template.place_of(key),
                ),
            }
        }
    }

    /// Names what stands beside containers of one pod; the retry that each of them has.
    fn keys_of_set(&mut self, template: &Tree, set: &Tree) -> Option<Node> {
        for (key, why) in [
            ("retryStrategy", "a plan retries steps, not several together"),
            ("timeout", "the time of all is the time of each"),
            ("activeDeadlineSeconds", "the time of all is the time of each"),
        ] {
            if template.get(key).is_some() {
                self.losses.add(key, why, key, template.place_of(key));
            }
        }
        for (key, place, _) in set.entries() {
            match key.as_str() {
                "containers" | "retryStrategy" => {}
                "volumeMounts" => {
                    let why = "files reach another step by a store that both know, or by outputs";
                    self.losses.add(key, why, key, *place);
                }
                _ => self.losses.add(key, NO_WORD, key, *place),
            }
        }
        set.get("retryStrategy").map(|strategy| self.retry_of_each(strategy))
    }

    /// Containers of one pod, as steps.
    fn container_set(
        &mut self,
        template: &Tree,
        set: &Tree,
        given: &Call,
        scope: &Scope,
    ) -> Result<Called, Error> {
        self.losses.add("containerSet", "its containers shared a pod and its files", "containers", set.place);
        let retry = self.keys_of_set(template, set);
        let mut made = BTreeMap::<&str, Rc<Called>>::new();
        let (mut all, mut first) = (Vec::new(), Vec::new());
        let mut needed = BTreeSet::new();
        for container in set.get("containers").map(Tree::items).unwrap_or_default() {
            let name = container.text_of("name").unwrap_or("main");
            let needs = container.get("dependencies").map(Tree::items).unwrap_or_default();
            let needs: Vec<&str> = needs.iter().filter_map(Tree::text).collect();
            needed.extend(needs.iter().copied());
            let calls: Vec<Rc<Called>> = needs.iter().filter_map(|need| made.get(need).cloned()).collect();
            let start =
                if calls.is_empty() { given.inside() } else { Start::behind(&calls, given.start.late) };
            let given = Call {
                name: name.to_owned(),
                id: format!("{}_{name}", given.id),
                start,
                when: None,
                ..given.clone()
            };
            let mut step = self.begin(&given);
            self.time_limits(template, &mut step, scope);
            step.retry.clone_from(&retry);
            self.container(container, &mut step, scope);
            self.bound(&mut step, &given);
            let called = self.add(step);
            let called = Rc::new(self.settled(called, &given, false));
            if calls.is_empty() {
                first.push(Rc::clone(&called));
            }
            made.insert(name, Rc::clone(&called));
            all.push((name, called));
        }
        let ends = all.iter().filter(|(name, _)| !needed.contains(name)).map(|(_, called)| Rc::clone(called));
        let ends: Vec<Rc<Called>> = ends.collect();
        let all: Vec<Rc<Called>> = all.into_iter().map(|(_, called)| called).collect();
        let results = all.last().map(|called| called.results.clone()).unwrap_or_default();
        let mut called =
            Called::several(Parts { all: &all, first: &first, ends: &ends }, |_| true, &given.start);
        called.results = results;
        Ok(called)
    }

    fn suspend(&mut self, template: &Tree, suspend: &Tree, given: &Call, step: &mut Step, scope: &Scope) {
        let is_supplied =
            template.at(&["outputs", "parameters"]).map(Tree::items).unwrap_or_default().iter().any(
                |parameter| {
                    parameter
                        .get("valueFrom")
                        .is_some_and(|from| from.entries().iter().any(|(key, ..)| key == "supplied"))
                },
            );
        if step.retry.take().is_some() {
            let why = "what waits is not retried";
            self.losses.add("retryStrategy", why, "retryStrategy", template.place_of("retryStrategy"));
        }
        let duration = suspend.get("duration");
        if is_supplied || duration.is_none() {
            if step.timeout.is_none() {
                let why = "Argo waits for ever; here it fails after seven days without an answer";
                self.losses.add("suspend", why, "suspend", template.place_of("suspend"));
            }
        } else if step.timeout.take().is_some() {
            let key = if template.get("timeout").is_some() { "timeout" } else { "activeDeadlineSeconds" };
            self.losses.add(key, "a pause ends by itself", key, template.place_of(key));
        }
        if is_supplied {
            let Given { word, is_digested } = self.signals.give(&step.id, &given.name);
            if is_digested {
                let why = "another step waits for a signal that is called so, so the name of this one has a digest behind it";
                self.losses.add("suspend", why, &given.name, given.place);
            }
            step.work = Some(("signal", Node::word(word)));
            return;
        }
        let Some(duration) = duration else {
            step.work = Some(("approval", Node::Map(vec![("role".to_owned(), Node::word("operator"))])));
            return;
        };
        let text = self.text(duration.text().unwrap_or_default(), scope, duration.place);
        match text.known().as_deref().and_then(time) {
            Some(limit) => step.work = Some(("wait", Node::word(seconds(limit)))),
            None => {
                self.losses.add(
                    "suspend.duration",
                    "a pause is known before the run",
                    "duration",
                    suspend.place_of("duration"),
                );
                step.miss("the pause is not known before the run");
            }
        }
    }

    /// Names what a container has and a step has not, and reads its environment.
    fn around(&mut self, container: &Tree, step: &mut Step, scope: &Scope, variables: &mut Variables) {
        for (key, place, value) in container.entries() {
            let why = match key.as_str() {
                "image" => {
                    let image = literal(value.text().unwrap_or_default());
                    step.notes.push(format!(
                        "in Argo this ran in the image {image}; its programs must be on the worker"
                    ));
                    self.losses.add("image", "programs are those of the worker", &image, *place);
                    continue;
                }
                "command" | "args" | "source" | "env" | "name" | "dependencies" => continue,
                "resources" | "imagePullPolicy" | "securityContext" | "ports" | "readinessProbe"
                | "livenessProbe" => "it belongs to the cluster",
                "volumeMounts" => "files reach another step by a store that both know, or by outputs",
                "workingDir" => "a step begins in the plan's files; change to the folder in the program",
                _ => NO_WORD,
            };
            self.losses.add(key, why, key, *place);
        }
        for entry in container.get("env").map(Tree::items).unwrap_or_default() {
            let name = entry.text_of("name").unwrap_or_default();
            match entry.get("value").and_then(Tree::text) {
                Some(value) if is_variable(name) => {
                    let value = self.text(value, scope, entry.place).node();
                    variables.env.insert(name.to_owned(), value);
                }
                _ => self.losses.add(
                    "env",
                    "its value stands in the cluster, or a plan cannot set its name",
                    name,
                    entry.place,
                ),
            }
        }
    }

    fn container(&mut self, container: &Tree, step: &mut Step, scope: &Scope) {
        let mut variables = Variables::default();
        self.around(container, step, scope, &mut variables);
        let list = |key: &str| container.get(key).map(Tree::one_or_more).unwrap_or_default();
        let (command, arguments) = (list("command"), list("args"));
        let Some(program) = command.first().and_then(|word| word.text()).filter(|word| is_program(word))
        else {
            let image = container.text_of("image").unwrap_or("unknown");
            let name = container.text_of("image").unwrap_or_else(|| container.begins());
            self.losses.add(
                "command",
                "the image decides what runs, so the step says so and fails",
                name,
                container.place,
            );
            step.miss(&format!(
                "what the image {image} runs by itself is not part of this plan; put here what it did"
            ));
            return;
        };
        let words: Vec<&Tree> = command.iter().skip(1).chain(&arguments).copied().collect();
        if let ([option, code], Some((language, shell))) = (words.as_slice(), language_of(program))
            && option.text() == Some("-c")
            && let Some(shell) = shell
        {
            let source = code.text().unwrap_or_default();
            let text = self.code((language, Some(shell)), source, code.place, scope, &mut variables);
            self.write_script(step, (&text, &[]), shell, variables, code.place);
            return;
        }
        let mut list = vec![Node::Text(literal(program))];
        if words.len() > MOST_ARGUMENTS {
            self.losses.add(
                "args",
                "a program of a plan has at most 1024 arguments",
                "args",
                container.place,
            );
            step.miss("the program has more arguments than a plan takes");
            return;
        }
        match self.words_of(program, &words, scope, &mut variables) {
            Some(arguments) => {
                list.extend(arguments);
                step.env = variables.env;
                step.work = Some(("run", Node::List(list)));
            }
            None => step.miss(&format!(
                "an argument of {program} may be code, or an option that takes code; put here what it did"
            )),
        }
    }

    /// What follows a program; nothing where a value decides what is code.
    fn words_of(
        &mut self,
        program: &str,
        words: &[&Tree],
        scope: &Scope,
        variables: &mut Variables,
    ) -> Option<Vec<Node>> {
        let mut list = Vec::new();
        let mut read = Words::default();
        read.word(Some(program));
        for argument in words {
            let text = argument.text().unwrap_or_default();
            let word = self.text(text, scope, argument.place);
            let node = word.node();
            let known = word.known();
            let begins = if let Node::Text(text) = &node { text.split("${{").next() } else { None };
            let begins = begins.unwrap_or_default();
            let role = read.clone().read(known.as_deref().unwrap_or(begins), known.is_some());
            let may_be_option = role == Role::MayBeOption && begins.is_empty();
            if known.is_none() && (may_be_option || role == Role::Unknown) {
                let why = "the value may be code, or an option of this program that takes code; the step says so and fails";
                self.losses.add("args", why, text, argument.place);
                return None;
            }
            if role >= Role::Operand && text.contains(OPEN) {
                let language = read.reader(begins).and_then(language_of).unwrap_or((Language::Other, None));
                let code = self.code(language, text, argument.place, scope, variables);
                read.word(Some(&code));
                list.push(Node::Text(literal(&code)));
            } else {
                read.read(known.as_deref().unwrap_or(begins), known.is_some());
                list.push(node);
            }
        }
        Some(list)
    }

    fn script(&mut self, script: &Tree, step: &mut Step, scope: &Scope) {
        let mut variables = Variables::default();
        self.around(script, step, scope, &mut variables);
        let command: Vec<&str> = script
            .get("command")
            .map(Tree::one_or_more)
            .unwrap_or_default()
            .iter()
            .filter_map(|word| word.text())
            .collect();
        let source = script.get("source");
        let place = source.map_or(script.place, |source| source.place);
        let text = source.and_then(Tree::text).unwrap_or_default();
        let program = command.first().copied().unwrap_or_default();
        let options = command.get(1..).unwrap_or_default();
        if script.get("args").is_some() {
            let why = "a script of a plan is given values by `env`";
            self.losses.add("args", why, "args", script.place_of("args"));
        }
        match language_of(program) {
            Some((language, Some(shell))) => {
                let text = self.code((language, Some(shell)), text, place, scope, &mut variables);
                let place = script.place_of("command");
                self.write_script(step, (&text, options), shell, variables, place);
            }
            Some((language, None)) => {
                let text = self.code((language, None), text, place, scope, &mut variables);
                let words = [program].into_iter().chain(options.iter().copied()).chain(["-e", &text]);
                let words = words.map(|word| Node::Text(literal(word)));
                step.env = variables.env;
                step.work = Some(("run", Node::List(words.collect())));
            }
            None => {
                self.losses.add(
                    "command",
                    "there is no such interpreter here; the step says so and fails",
                    program,
                    script.place,
                );
                step.miss(&format!("a script for {program} is not part of this plan; put here what it did"));
            }
        }
    }

    fn write_script(
        &mut self,
        step: &mut Step,
        (text, options): (&str, &[&str]),
        shell: &'static str,
        variables: Variables,
        place: Place,
    ) {
        if text.trim().is_empty() {
            self.losses.add("source", "it is empty", "source", place);
            step.miss("the script is empty");
            return;
        }
        let (line, lost) = match shell {
            "python" => (String::new(), options.iter().map(|option| (*option).to_owned()).collect()),
            _ => shell::first_line(shell, options),
        };
        for word in lost {
            let why = "an option of the interpreter that a script of a plan cannot set";
            self.losses.add("command", why, &word, place);
        }
        step.env = variables.env;
        step.work = Some(("script", Node::Block(literal(&format!("{line}{text}")))));
        step.shell = (shell != "bash").then_some(shell);
    }

    /// Code in which values are variables.
    fn code(
        &mut self,
        (language, shell): (Language, Option<&'static str>),
        text: &str,
        place: Place,
        scope: &Scope,
        variables: &mut Variables,
    ) -> String {
        let parts = split(text, OPEN);
        let code = code::with_variables(language, &parts, |source| {
            let value = match self.value(source, scope, place) {
                Ok(value) => Text::value(value).node(),
                Err(lost) => {
                    self.lost_value(&lost, place);
                    Node::Text(String::new())
                }
            };
            Some(variables.bind(source, value))
        });
        for (why, source) in code.told() {
            self.losses.add("pasted text", why, source, place);
        }
        if shell == Some("sh") { shell::with_digits(&code.text, variables.env.keys()) } else { code.text }
    }
}

/// Whether it waits for somebody or for a time: no program, no script and no set of containers comes before it.
pub(super) fn is_pause(template: &Tree) -> bool {
    let works = ["containerSet", "container", "script"];
    suspended(template).is_some() && works.iter().all(|kind| template.get(kind).is_none())
}

/// `suspend:` with nothing behind it.
fn suspended(template: &Tree) -> Option<&Tree> {
    template.entries().iter().find(|(key, ..)| key == "suspend").map(|(.., value)| value)
}

/// Whether a plan can name this program: it is known before the run, and one line of letters.
fn is_program(word: &str) -> bool {
    !word.contains(OPEN) && !word.trim().is_empty() && !word.chars().any(char::is_control)
}

fn language_of(program: &str) -> Option<(Language, Option<&'static str>)> {
    if !is_program(program) {
        return None;
    }
    match program.rsplit('/').next().unwrap_or_default() {
        "bash" => Some((Language::Shell, Some("bash"))),
        "sh" | "ash" | "dash" => Some((Language::Shell, Some("sh"))),
        "python" | "python3" | "python2" => Some((Language::Python, Some("python"))),
        "node" => Some((Language::JavaScript, None)),
        "perl" | "ruby" => Some((Language::Other, None)),
        _ => None,
    }
}
