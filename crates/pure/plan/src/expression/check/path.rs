//! Names and what follows them: which exist here, and which fields a shape has.

use super::{Checker, ProblemKind, Shape};
use crate::diagnostic::nearest;
use crate::expression::ast::{self, Access, AccessKind, Kind, Macro, Node};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// Words of other dialects for what we call otherwise, or do not have.
const DIALECT: [(&str, &str, &[&str]); 8] = [
    ("secrets", "expressions see no secrets; the step's `secrets` key hands one over", &[]),
    ("env", "expressions see no environment; pass the value as an input", &["inputs"]),
    ("github", "`github` is not known here; the run is `run`", &["run"]),
    ("needs", "`needs` is not known here; the results of steps are `steps`", &["steps"]),
    ("matrix", "`matrix` is not known here; an element of `foreach` is `item`", &["item"]),
    ("params", "`params` is not known here; the inputs of a plan are `inputs`", &["inputs"]),
    ("tasks", "`tasks` is not known here; the results of steps are `steps`", &["steps"]),
    ("jobs", "`jobs` is not known here; the results of steps are `steps`", &["steps"]),
];

impl<'a> Checker<'a> {
    /// The shape at the end of a path.
    pub(super) fn path(&mut self, base: &'a Node, steps: &'a [Access], range: &Range<usize>) -> Shape {
        let (mut shape, mut rest) = match &base.kind {
            Kind::Name { name, absolute } => match self.variable(name, *absolute) {
                Some(shape) => (shape, steps),
                None => self.binding(name, base, steps),
            },
            _ => (self.node(base), steps),
        };
        while let Some((access, after)) = rest.split_first() {
            let path = base.range.start..access.range.end.min(range.end);
            shape = self.access(shape, access, &path);
            rest = after;
        }
        shape
    }

    /// The operand of `has`: its last field may be absent, everything before it must exist.
    pub(super) fn has(&mut self, node: &'a Node) {
        let Kind::Path { base, steps } = &node.kind else { return };
        let Some((_, before)) = steps.split_last() else { return };
        // `has(inputs.x)` and `has(steps.x.output)` still name something that the plan must declare.
        let is_root =
            matches!(&base.kind, Kind::Name { name, absolute } if self.variable(name, *absolute).is_none());
        let reach = if is_root && before.len() < 2 { steps } else { before };
        self.path(base, reach, &node.range);
    }

    fn variable(&self, name: &str, absolute: bool) -> Option<Shape> {
        if absolute {
            return None;
        }
        self.variables.iter().rev().find(|(variable, _)| *variable == name).map(|(_, shape)| shape.clone())
    }

    /// A top-level name; answers the shape and what of the path is left.
    fn binding(&mut self, name: &str, base: &'a Node, steps: &'a [Access]) -> (Shape, &'a [Access]) {
        let names = self.names;
        let shape = match name {
            "inputs" => return declared(&names.inputs, steps),
            "vars" => return declared(&names.vars, steps),
            "steps" => return self.step(base, steps),
            "run" => {
                let mut fields = vec![("id", Shape::String), ("startedAt", Shape::String)];
                if names.run_status {
                    fields.push(("status", Shape::String));
                }
                record(fields)
            }
            "tenant" => record(vec![("id", Shape::String)]),
            "plan" => record(["id", "name", "version", "digest"].map(|name| (name, Shape::String)).to_vec()),
            "item" | "index" => match &names.item {
                Some(item) => {
                    if name == "item" {
                        item.clone()
                    } else {
                        Shape::Int
                    }
                }
                None => {
                    let message = format!("`{name}` exists only in a step with `foreach`");
                    self.report(ProblemKind::UnknownName, &base.range, message, Vec::new());
                    return (Shape::Any, &[]);
                }
            },
            _ => {
                self.unknown_name(name, &base.range);
                return (Shape::Any, &[]);
            }
        };
        (shape, steps)
    }

    fn unknown_name(&mut self, name: &str, range: &Range<usize>) {
        if let Some((_, message, choices)) = DIALECT.iter().find(|(word, _, _)| *word == name) {
            let choices = choices.iter().map(|&choice| choice.to_owned()).collect();
            self.report(ProblemKind::UnknownName, range, (*message).to_owned(), choices);
            return;
        }
        let mut legal = ast::NAMES.to_vec();
        if self.names.item.is_some() {
            legal.extend(ast::OF_ITEMS);
        }
        legal.extend(self.variables.iter().map(|(variable, _)| *variable));
        let choices = nearest::ordered(name, legal);
        self.report(ProblemKind::UnknownName, range, format!("`{name}` does not exist"), choices);
    }

    /// `steps.<id>`: the id must stand in the text, for it is what makes one step wait for another.
    fn step(&mut self, base: &'a Node, steps: &'a [Access]) -> (Shape, &'a [Access]) {
        let names = self.names;
        let Some((access, after)) = steps.split_first() else {
            let message = "`steps` is not a value; name one, as in `steps.<id>.output`".to_owned();
            self.report(ProblemKind::UnknownName, &base.range, message, step_choices("", &names.steps));
            return (Shape::Any, &[]);
        };
        let range = base.range.start..access.range.end;
        let Some(id) = ast::literal_key(access) else {
            let message = "the id of a step stands in the text, it cannot be computed".to_owned();
            self.report(ProblemKind::UnknownName, &range, message, step_choices("", &names.steps));
            return (Shape::Any, &[]);
        };
        // `steps.load-orders` is a subtraction to the grammar and a step to the reader.
        let tail = self.source.get(access.range.start..).unwrap_or_default().trim_start_matches('.');
        let length =
            tail.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-')).unwrap_or(tail.len());
        let dashed = tail.get(..length).unwrap_or_default();
        if matches!(access.kind, AccessKind::Field(_))
            && dashed.len() > id.len()
            && names.steps.contains_key(dashed)
        {
            let message = format!("`steps.{dashed}` reads as a subtraction here");
            let choice = vec![format!("steps['{dashed}']")];
            let end = self.source.len() - tail.len() + length;
            self.report(ProblemKind::UnknownName, &(range.start..end), message, choice);
            self.read_until = self.read_until.max(end);
            return (Shape::Any, &[]);
        }
        if let Some(output) = names.steps.get(id) {
            if let Some((next, rest)) = after.split_first()
                && ast::literal_key(next) == Some("output")
            {
                return (output.clone(), rest);
            }
            let fields = vec![("output", output.clone()), ("status", Shape::String), ("attempt", Shape::Int)];
            return (record(fields), after);
        }
        let message = format!("there is no step `{id}`");
        self.report(ProblemKind::UnknownName, &range, message, step_choices(id, &names.steps));
        (Shape::Any, &[])
    }

    fn access(&mut self, shape: Shape, access: &'a Access, path: &Range<usize>) -> Shape {
        match &access.kind {
            AccessKind::Field(name) => self.field(&shape, name, path),
            AccessKind::Index(index) => {
                let index_shape = self.node(index);
                match &shape {
                    Shape::Object { .. } => match ast::literal_key(access) {
                        Some(name) => self.field(&shape, name, path),
                        None => Shape::Any,
                    },
                    Shape::List(items) => {
                        if !matches!(index_shape, Shape::Any | Shape::Int | Shape::Number) {
                            self.wrong(&index.range, format!("a list has no element at {index_shape}"));
                        }
                        (**items).clone()
                    }
                    Shape::Any => Shape::Any,
                    other => {
                        self.wrong(path, format!("{other} has no elements"));
                        Shape::Any
                    }
                }
            }
            AccessKind::Call { name, arguments } => self.method(name, &shape, arguments, &access.range),
            AccessKind::Macro { name, variable, bodies } => {
                self.comprehend(*name, &shape, variable, bodies, path)
            }
        }
    }

    fn field(&mut self, shape: &Shape, name: &str, path: &Range<usize>) -> Shape {
        match shape {
            Shape::Any => Shape::Any,
            Shape::Object { fields, open } => match fields.get(name) {
                Some(found) => found.clone(),
                None if *open => Shape::Any,
                None => {
                    let text = self.source.get(path.clone()).unwrap_or(name);
                    let before = text
                        .strip_suffix(name)
                        .and_then(|before| before.strip_suffix('.'))
                        .map(|before| format!("{before}."))
                        .unwrap_or_default();
                    let message = format!("`{}` does not exist", text.trim());
                    let choices = nearest::ordered(name, fields.keys().map(String::as_str))
                        .into_iter()
                        .map(|choice| format!("{before}{choice}"))
                        .collect();
                    self.report(ProblemKind::UnknownName, path, message, choices);
                    Shape::Any
                }
            },
            other => {
                self.wrong(path, format!("{other} has no field `{name}`"));
                Shape::Any
            }
        }
    }

    fn comprehend(
        &mut self,
        name: Macro,
        target: &Shape,
        variable: &'a str,
        bodies: &'a [Node],
        path: &Range<usize>,
    ) -> Shape {
        let item = match target {
            Shape::List(items) => (**items).clone(),
            Shape::Object { .. } => Shape::String,
            Shape::Any => Shape::Any,
            other => {
                self.wrong(path, format!("`{}` does not work on {other}", name.name()));
                Shape::Any
            }
        };
        self.variables.push((variable, item.clone()));
        let (conditions, body) = match (name, bodies.split_last()) {
            (Macro::Map, Some((body, conditions))) => (conditions, Some(body)),
            _ => (bodies, None),
        };
        for condition in conditions {
            self.wants_bool(condition, &format!("`{}`", name.name()));
        }
        let made = body.map(|body| self.node(body));
        self.variables.pop();
        match name {
            Macro::Map => Shape::list(made.unwrap_or(Shape::Any)),
            Macro::Filter => Shape::list(item),
            Macro::All | Macro::Exists | Macro::ExistsOne => Shape::Bool,
        }
    }
}

/// What is declared under a name, and what of the path is left. The whole is made where the name is not there, or no name follows:
/// a message lists what there is.
fn declared<'a>(fields: &BTreeMap<String, Shape>, steps: &'a [Access]) -> (Shape, &'a [Access]) {
    if let Some((access, after)) = steps.split_first()
        && let Some(found) = ast::literal_key(access).and_then(|name| fields.get(name))
    {
        return (found.clone(), after);
    }
    (closed(fields), steps)
}

fn closed(fields: &BTreeMap<String, Shape>) -> Shape {
    Shape::Object { fields: fields.clone(), open: false }
}

fn record(fields: Vec<(&str, Shape)>) -> Shape {
    let fields = fields.into_iter().map(|(name, shape)| (name.to_owned(), shape)).collect();
    Shape::Object { fields, open: false }
}

/// Steps, nearest first, written so that they can be pasted.
fn step_choices(id: &str, steps: &BTreeMap<Arc<str>, Shape>) -> Vec<String> {
    let write =
        |name: String| if name.contains('-') { format!("steps['{name}']") } else { format!("steps.{name}") };
    nearest::ordered(id, steps.keys().map(AsRef::as_ref)).into_iter().map(write).collect()
}
