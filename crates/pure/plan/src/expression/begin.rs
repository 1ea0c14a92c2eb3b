//! What the text of an expression's value begins with, and which literals may be a part of it: read off the tree.

use super::Expression;
use super::ast::{AccessKind, Kind, Node, Operator};
use super::value::Value;

/// What a text begins with; the order is that of the doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Begins {
    /// Something, and no dash.
    Otherwise,
    /// No dash, but it may be empty.
    MaybeEmpty,
    /// A dash, or it is not known.
    MaybeDash,
}

impl Begins {
    /// Of a text that is known.
    pub(crate) fn of(text: &str) -> Self {
        match text.chars().next() {
            None => Self::MaybeEmpty,
            Some('-') => Self::MaybeDash,
            Some(_) => Self::Otherwise,
        }
    }

    fn then(self, next: impl FnOnce() -> Self) -> Self {
        if self == Self::MaybeEmpty { next() } else { self }
    }
}

impl Expression {
    /// What its value begins with as a text; `known` answers for names such as `inputs.day`.
    pub(crate) fn begins(&self, known: &dyn Fn(&str) -> Begins) -> Begins {
        begins(&self.0.root, known)
    }

    /// Whether it names nothing, so that its value is known.
    pub(crate) fn is_constant(&self) -> bool {
        match &self.0.root.kind {
            Kind::Literal(_) => true,
            Kind::Chain { first, rest } => {
                let is_literal = |node: &Node| matches!(node.kind, Kind::Literal(_));
                is_literal(first) && rest.iter().all(|(_, operand)| is_literal(operand))
            }
            _ => false,
        }
    }

    /// The text literals that may be a part of its value, in order: no conditions, no keys, nothing that is compared.
    pub(crate) fn literals(&self) -> Vec<&str> {
        let mut found = Vec::new();
        literals(&self.0.root, &mut found);
        found
    }
}

/// Brackets nest 32 deep at most, so the recursion is bounded.
fn begins(node: &Node, known: &dyn Fn(&str) -> Begins) -> Begins {
    match &node.kind {
        Kind::Literal(Value::String(text)) => Begins::of(text),
        Kind::Literal(Value::Int(number)) if *number < 0 => Begins::MaybeDash,
        Kind::Literal(Value::Double(number)) if number.is_sign_negative() => Begins::MaybeDash,
        Kind::Literal(Value::Bool(_) | Value::Int(_) | Value::Double(_)) => Begins::Otherwise,
        // Hexadecimal digits.
        Kind::Call { name, .. } if name == "hash" => Begins::Otherwise,
        Kind::Name { name, .. } => known(name),
        Kind::Path { .. } => path(node).map_or(Begins::MaybeDash, |path| known(&path)),
        // `true` and `false`.
        Kind::Not(..) | Kind::And(_) | Kind::Or(_) | Kind::Has(_) => Begins::Otherwise,
        Kind::Chain { rest, .. } if rest.iter().any(|(operator, _)| is_comparison(*operator)) => {
            Begins::Otherwise
        }
        // Only texts are put behind one another; of numbers the sum may be less than zero.
        Kind::Chain { first, rest }
            if is_text(first) && rest.iter().all(|(operator, _)| *operator == Operator::Add) =>
        {
            rest.iter().fold(begins(first, known), |so_far, (_, next)| so_far.then(|| begins(next, known)))
        }
        Kind::Conditional { arms, otherwise } => {
            let values = arms.iter().map(|(_, value)| value).chain([&**otherwise]);
            values.map(|value| begins(value, known)).max().unwrap_or(Begins::MaybeDash)
        }
        Kind::Literal(_)
        | Kind::List(_)
        | Kind::Map(_)
        | Kind::Call { .. }
        | Kind::Negate(..)
        | Kind::Chain { .. } => Begins::MaybeDash,
    }
}

fn is_text(node: &Node) -> bool {
    match &node.kind {
        Kind::Literal(value) => matches!(value, Value::String(_)),
        Kind::Call { name, .. } => name == "hash",
        _ => false,
    }
}

const fn is_comparison(operator: Operator) -> bool {
    use Operator::{Equal, Greater, GreaterEqual, In, Less, LessEqual, NotEqual};
    matches!(operator, Equal | Greater | GreaterEqual | In | Less | LessEqual | NotEqual)
}

/// `inputs.day`: a name and its fields.
fn path(node: &Node) -> Option<String> {
    let Kind::Path { base, steps } = &node.kind else { return None };
    let Kind::Name { name, .. } = &base.kind else { return None };
    let mut path = name.clone();
    for access in steps {
        let AccessKind::Field(field) = &access.kind else { return None };
        path.push('.');
        path.push_str(field);
    }
    Some(path)
}

/// Methods that answer with a truth value or a number, whatever they are given.
const ASKING: &[&str] = &["contains", "endsWith", "indexOf", "matches", "size", "startsWith"];

fn literals<'n>(node: &'n Node, found: &mut Vec<&'n str>) {
    match &node.kind {
        Kind::Literal(Value::String(text)) => found.push(text),
        Kind::Literal(_) | Kind::Name { .. } | Kind::Not(..) | Kind::Has(_) | Kind::And(_) | Kind::Or(_) => {}
        Kind::List(items) | Kind::Call { arguments: items, .. } => {
            items.iter().for_each(|item| literals(item, found));
        }
        Kind::Map(entries) => entries.iter().for_each(|(_, value)| literals(value, found)),
        Kind::Negate(_, inner) => literals(inner, found),
        Kind::Chain { rest, .. } if rest.iter().any(|(operator, _)| is_comparison(*operator)) => {}
        Kind::Chain { first, rest } => {
            literals(first, found);
            rest.iter().for_each(|(_, operand)| literals(operand, found));
        }
        Kind::Conditional { arms, otherwise } => {
            arms.iter().for_each(|(_, value)| literals(value, found));
            literals(otherwise, found);
        }
        Kind::Path { base, steps } => {
            literals(base, found);
            for access in steps {
                match &access.kind {
                    AccessKind::Field(_) | AccessKind::Index(_) => {}
                    AccessKind::Call { name, .. } if ASKING.contains(&name.as_str()) => {}
                    AccessKind::Call { arguments, .. } => {
                        arguments.iter().for_each(|argument| literals(argument, found));
                    }
                    AccessKind::Macro { bodies, .. } => bodies.iter().for_each(|body| literals(body, found)),
                }
            }
        }
    }
}
