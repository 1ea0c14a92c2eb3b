//! Calls: whether the function exists, is called in its form and with its number of arguments, and on kinds that fit.

use super::{Checker, ProblemKind, Shape};
use crate::diagnostic::nearest;
use crate::expression::ast::{Kind, Macro, Node};
use crate::expression::functions::{FUNCTIONS, Function, pattern};
use crate::expression::value::Value;
use std::ops::Range;

impl<'a> Checker<'a> {
    /// `name(arguments)`
    pub(super) fn call(&mut self, name: &str, arguments: &'a [Node], range: &Range<usize>) -> Shape {
        let shapes: Vec<Shape> = arguments.iter().map(|argument| self.node(argument)).collect();
        let Some(function) = FUNCTIONS.iter().find(|function| function.name == name) else {
            self.unknown_function(name, range);
            return Shape::Any;
        };
        match function.global {
            None => self.form(function, range),
            Some(count) if count != shapes.len() => self.arity(function, range),
            Some(_) => {
                if name == "matches" {
                    self.pattern(arguments.get(1));
                }
                self.fits(function, &shapes, range);
            }
        }
        result(name, &shapes)
    }

    /// `target.name(arguments)`
    pub(super) fn method(
        &mut self,
        name: &str,
        target: &Shape,
        arguments: &'a [Node],
        range: &Range<usize>,
    ) -> Shape {
        let mut shapes = vec![target.clone()];
        shapes.extend(arguments.iter().map(|argument| self.node(argument)));
        let Some(function) = FUNCTIONS.iter().find(|function| function.name == name) else {
            self.unknown_function(name, range);
            return Shape::Any;
        };
        match function.method {
            None => self.form(function, range),
            Some((from, to)) if arguments.len() < from || arguments.len() > to => self.arity(function, range),
            Some(_) => {
                if name == "matches" {
                    self.pattern(arguments.first());
                }
                self.fits(function, &shapes, range);
            }
        }
        result(name, &shapes)
    }

    fn unknown_function(&mut self, name: &str, range: &Range<usize>) {
        if Macro::named(name).is_some() {
            let message = format!("`{name}` is written after a list, as in `list.{name}(x, …)`");
            self.report(ProblemKind::UnknownFunction, range, message, Vec::new());
            return;
        }
        let nearest = nearest::ordered(name, FUNCTIONS.iter().map(|function| function.name));
        let usage =
            |name: String| FUNCTIONS.iter().find(|function| function.name == name).map(|found| found.usage);
        let choices = nearest.into_iter().filter_map(usage).map(str::to_owned).collect();
        self.report(ProblemKind::UnknownFunction, range, format!("there is no function `{name}`"), choices);
    }

    fn form(&mut self, function: &Function, range: &Range<usize>) {
        let message = format!("`{}` is written `{}`", function.name, function.usage);
        self.report(ProblemKind::UnknownFunction, range, message, vec![function.usage.to_owned()]);
    }

    fn arity(&mut self, function: &Function, range: &Range<usize>) {
        let message = format!("`{}` has another number of arguments", function.name);
        self.report(ProblemKind::WrongArity, range, message, vec![function.usage.to_owned()]);
    }

    /// A literal pattern is compiled now, so that its mistake has a place.
    fn pattern(&mut self, argument: Option<&'a Node>) {
        if let Some(Node { kind: Kind::Literal(Value::String(text)), range }) = argument
            && let Err(fault) = pattern::check(text)
        {
            self.wrong(range, fault.to_string());
        }
    }

    /// The kinds of the values, the target of a method first.
    fn fits(&mut self, function: &Function, shapes: &[Shape], range: &Range<usize>) {
        let text = |shape: &Shape| matches!(shape, Shape::Any | Shape::String);
        let list = |shape: &Shape| matches!(shape, Shape::Any | Shape::List(_));
        let fits = match function.name {
            "contains" | "startsWith" | "endsWith" | "matches" | "fromJson" => shapes.iter().all(text),
            "join" => match shapes.split_first() {
                Some((Shape::List(items), rest)) => text(items) && rest.iter().all(text),
                Some((first, rest)) => *first == Shape::Any && rest.iter().all(text),
                None => true,
            },
            "format" => shapes.first().is_some_and(text) && shapes.get(1).is_some_and(list),
            "size" => shapes.iter().all(|shape| {
                matches!(shape, Shape::Any | Shape::String | Shape::List(_) | Shape::Object { .. })
            }),
            "int" | "double" => shapes
                .iter()
                .all(|shape| matches!(shape, Shape::Any | Shape::String | Shape::Int | Shape::Number)),
            "bool" => shapes.iter().all(|shape| matches!(shape, Shape::Any | Shape::String | Shape::Bool)),
            "string" => !shapes
                .iter()
                .any(|shape| matches!(shape, Shape::Null | Shape::List(_) | Shape::Object { .. })),
            _ => true,
        };
        if !fits {
            let kinds: Vec<String> = shapes.iter().map(ToString::to_string).collect();
            self.wrong(range, format!("`{}` does not work on {}", function.usage, kinds.join(" and ")));
        }
    }
}

fn result(name: &str, shapes: &[Shape]) -> Shape {
    match name {
        "always" | "success" | "failure" | "contains" | "startsWith" | "endsWith" | "matches" | "bool" => {
            Shape::Bool
        }
        "size" | "int" => Shape::Int,
        "double" => Shape::Number,
        "string" | "join" | "format" | "toJson" | "hash" => Shape::String,
        "dyn" | "fromJson" => Shape::Any,
        _ => shapes.first().cloned().unwrap_or_default(),
    }
}
