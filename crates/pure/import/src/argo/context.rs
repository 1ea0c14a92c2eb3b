//! What stands between `{{` and `}}`, and what it is in a plan.

use super::called::Results;
use super::{Importer, Output, Scope};
use crate::Node;
use crate::foreign::expression::{Cel, Dialect, Gives, Lost, Names, field, render};
use crate::foreign::parse::{self, Tree as Expression};
use crate::foreign::text::{self, Part, Piece, Text, split};
use crate::foreign::tree::{Place, Tree};
use crate::step::MOST_INPUTS;

/// Where a value opens.
pub(super) const OPEN: &str = "{{";

struct Context<'i, 'a> {
    importer: &'i mut Importer<'a>,
    scope: &'i Scope,
    place: Place,
    /// Whether a lone word is a text, as in `when`.
    has_words: bool,
    /// Texts with values in them that stood between quotes.
    quoted: Vec<String>,
}

/// What stands for a quoted text with values in it, before its number.
const QUOTED: char = '\u{1}';

/// A condition in which each quoted text that has values in it is one value: govaluate reads it after they are pasted.
fn unquoted(text: &str) -> (String, Vec<String>) {
    let (mut out, mut quoted) = (String::new(), Vec::new());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some(end) = rest.strip_prefix(OPEN).and_then(|inner| inner.find("}}")) {
            let (value, after) = rest.split_at(OPEN.len() + end + 2);
            out.push_str(value);
            rest = after;
            continue;
        }
        let end = if matches!(first, '\'' | '"') { end_of(rest, first) } else { None };
        let Some(end) = end else {
            out.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
            continue;
        };
        let content = rest.get(1..end).unwrap_or_default();
        if content.contains(OPEN) {
            out.push_str(&format!("{OPEN}{QUOTED}{}}}}}", quoted.len()));
            quoted.push(content.to_owned());
        } else {
            out.push_str(rest.get(..=end).unwrap_or_default());
        }
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    (out, quoted)
}

/// Where the text between quotes ends; a quote within a value is none.
fn end_of(text: &str, quote: char) -> Option<usize> {
    let mut at = 1;
    while let Some(rest) = text.get(at..) {
        if let Some(end) = rest.strip_prefix(OPEN).and_then(|inner| inner.find("}}")) {
            at += OPEN.len() + end + 2;
            continue;
        }
        match rest.chars().next()? {
            '\\' => at += 1 + rest.chars().nth(1).map_or(0, char::len_utf8),
            letter if letter == quote => return Some(at),
            letter => at += letter.len_utf8(),
        }
    }
    None
}

impl Importer<'_> {
    /// The value of `{{…}}`.
    pub(super) fn value(&mut self, source: &str, scope: &Scope, place: Place) -> Result<Cel, Lost> {
        let source = source.strip_prefix('=').unwrap_or(source).trim();
        // Nothing is no value there.
        let tree = parse::parse(source).filter(|tree| *tree != Expression::Null);
        let tree = tree.ok_or_else(|| Lost::Value(source.to_owned()))?;
        let value = render(
            &tree,
            &mut Context { importer: self, scope, place, has_words: false, quoted: Vec::new() },
        );
        value.and_then(|value| value.fitting_in_text(source))
    }

    /// A text with its values; what cannot be kept is named and stays as it was written.
    pub(super) fn text(&mut self, text: &str, scope: &Scope, place: Place) -> Text {
        let pieces = split(text, OPEN).into_iter().map(|part| match part {
            Part::Text(text) => Piece::Text(text.to_owned()),
            Part::Value(source) => match self.value(source, scope, place) {
                Ok(value) => Piece::Value(value),
                Err(lost) => {
                    self.lost_value(&lost, place);
                    Piece::Text(format!("{{{{{source}}}}}"))
                }
            },
        });
        let made = Text::of(pieces);
        made.unwrap_or_else(|| {
            self.losses.add("text", text::TOO_MUCH, text, place);
            Text::literal(text)
        })
    }

    pub(super) fn lost_value(&mut self, lost: &Lost, place: Place) {
        self.losses.add("value", lost.why().unwrap_or("there is no such value here"), lost.what(), place);
    }

    /// `when`; a condition that cannot be read is never true.
    pub(super) fn when(&mut self, when: &Tree, scope: &Scope) -> Option<String> {
        let text = when.text()?.trim();
        let (bare, quoted) = unquoted(text);
        self.condition(parse::parse(&bare), when, (scope, true, quoted))
    }

    /// The `expression` of a hook; one that cannot be read is never true.
    pub(super) fn when_expression(&mut self, when: &Tree, scope: &Scope) -> Option<String> {
        let tree = when.text().map(str::trim).and_then(parse::parse);
        self.condition(tree, when, (scope, false, Vec::new()))
    }

    fn condition(
        &mut self,
        tree: Option<Expression>,
        when: &Tree,
        (scope, has_words, quoted): (&Scope, bool, Vec<String>),
    ) -> Option<String> {
        let text = when.text().unwrap_or_default().trim();
        let mut context = Context { importer: self, scope, place: when.place, has_words, quoted };
        let tree = tree.ok_or_else(|| Lost::Value(text.to_owned()));
        let rendered = tree.and_then(|tree| render(&tree, &mut context));
        match rendered.and_then(|condition| condition.truth().fitting(text)) {
            Ok(condition) if condition.literal.as_deref() == Some("true") => None,
            Ok(condition) => Some(condition.source),
            Err(lost) => {
                let why = "the condition cannot be read, so the step is left out until it is written anew";
                self.losses.add("when", why, lost.what(), when.place);
                Some("false".to_owned())
            }
        }
    }

    /// An expression of expr-lang, as `valueFrom.expression` has it.
    pub(super) fn expression(&mut self, tree: &Tree, scope: &Scope) -> Result<Cel, Lost> {
        self.value(tree.text().unwrap_or_default(), scope, tree.place)
    }

    /// What a called template gives.
    fn result(&mut self, results: &Results, path: &[&str], place: Place) -> Option<Cel> {
        match (results, path) {
            (Results::Step(id, is_repeated), ["outputs", "result"]) => {
                let one = self.read_as(id, Output::Text)?;
                let gives = if *is_repeated { Gives::list(one) } else { one };
                Some(Cel::new(format!("{}.output", field("steps", id)), gives))
            }
            (Results::Step(id, is_repeated), ["outputs", "parameters"]) => {
                let one = self.read_as(id, Output::Object)?;
                let gives = if *is_repeated { Gives::list(one) } else { one };
                Some(Cel::new(format!("{}.output", field("steps", id)), gives))
            }
            (Results::Step(id, false), ["outputs", "parameters", name]) => {
                let gives = self.read_as(id, Output::Object)?;
                let step = self.steps.iter().find(|step| step.id == *id)?;
                if !matches!(step.work, Some(("signal", _))) {
                    let why =
                        "a step writes its outputs as one JSON object to $DVT_OUTPUT, not each to a file";
                    self.losses.add("outputs", why, name, place);
                }
                Some(Cel::new(field(&format!("{}.output", field("steps", id)), name), gives))
            }
            (Results::Parameters(values), ["outputs", "parameters", name]) => values.get(*name).cloned(),
            (Results::Items(all), ["outputs", "result" | "parameters", ..]) => {
                let each = all.iter().map(|one| self.result(one, path, place));
                Some(Cel::list(each.collect::<Option<_>>()?))
            }
            _ => None,
        }
    }

    /// What a step leaves behind where it is read in this way: a program's output is one text or one object, and whoever reads it
    /// first says which.
    fn read_as(&mut self, id: &str, output: Output) -> Option<Gives> {
        let step = self.steps.iter_mut().find(|step| step.id == id)?;
        let is_program = matches!(step.work, Some(("run" | "script", _))) && !step.is_missing();
        if !is_program {
            return Some(Gives::Any);
        }
        if *self.outputs.entry(id.to_owned()).or_insert(output) != output {
            return None;
        }
        step.output = (output == Output::Text).then_some("text");
        Some(if output == Output::Text { Gives::Text } else { Gives::Any })
    }
}

impl Names for Context<'_, '_> {
    fn path(&mut self, names: &[String]) -> Result<Cel, Lost> {
        let lost = || Lost::Value(names.join("."));
        let path: Vec<&str> = names.iter().map(String::as_str).collect();
        match path.as_slice() {
            ["inputs", "parameters", name] => self.scope.inputs.get(*name).map(Text::cel).ok_or_else(lost),
            ["workflow", "parameters", name] => {
                let name = self.importer.word(name, self.place).word;
                if self.importer.inputs.len() >= MOST_INPUTS && !self.importer.inputs.contains_key(&name) {
                    return Err(lost());
                }
                let schema = || Node::Map(vec![("type".to_owned(), Node::word("string"))]);
                self.importer.inputs.entry(name.clone()).or_insert_with(schema);
                Ok(Cel::new(field("inputs", &name), Gives::Text))
            }
            ["workflow", "name" | "uid"] => Ok(Cel::new("run.id", Gives::Text)),
            ["workflow", "creationTimestamp"] => Ok(Cel::new("run.startedAt", Gives::Text)),
            ["workflow", "status"] if self.scope.is_finally => Ok(Cel::compound(
                "run.status == \"COMPLETED\" ? \"Succeeded\" : \"Failed\"".to_owned(),
                Gives::Text,
            )),
            ["steps" | "tasks", name, "status"] => {
                let called = self.scope.called.get(*name).ok_or_else(lost)?;
                called.phase(name)
            }
            ["steps" | "tasks", name, rest @ ..] => {
                let called = self.scope.called.get(*name).cloned().ok_or_else(lost)?;
                self.importer.result(&called.results, rest, self.place).ok_or_else(lost)
            }
            ["item"] => self.scope.item.clone().ok_or_else(lost),
            ["item", name] => match self.scope.item_fields.get(*name) {
                Some(value) => Ok(value.clone()),
                None => match self.scope.item.as_ref().filter(|item| item.source == "item") {
                    Some(item) if item.gives == Gives::Any => Ok(Cel::new(field("item", name), Gives::Any)),
                    // Which members it has is not known here, whatever is known of it.
                    Some(item) if item.gives == Gives::Object => {
                        Ok(Cel::new(field("dyn(item)", name), Gives::Any))
                    }
                    Some(_) | None => Err(lost()),
                },
            },
            [single] if self.has_words => Ok(Cel::text(single)),
            _ => Err(lost()),
        }
    }

    fn inner(&mut self, text: &str) -> Result<Cel, Lost> {
        let number = text.strip_prefix(QUOTED).and_then(|number| number.parse::<usize>().ok());
        if let Some(quoted) = number.and_then(|number| self.quoted.get(number)).cloned() {
            let pieces = split(&quoted, OPEN).into_iter().map(|part| match part {
                Part::Text(text) => Ok(Piece::Text(text.to_owned())),
                Part::Value(source) => self.importer.value(source, self.scope, self.place).map(Piece::Value),
            });
            let pieces = pieces.collect::<Result<Vec<_>, _>>()?;
            return Text::of(pieces).ok_or(Lost::Size(quoted))?.cel().fitting("'");
        }
        self.importer.value(text, self.scope, self.place)
    }

    fn dialect(&self) -> Dialect {
        Dialect::Argo
    }

    /// Argo compares as a plan does.
    fn ignores_case(&mut self, _word: &str) {}

    fn has_status(&self) -> bool {
        false
    }
}
