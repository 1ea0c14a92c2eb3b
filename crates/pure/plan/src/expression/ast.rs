//! The tree. Chains of operators and of field accesses are flat lists, so its depth is that of the brackets.
//!
//! That is what keeps evaluation, checking and dropping off the end of the stack.

use super::value::Value;
use dvt_model::id::StepId;
use std::collections::BTreeSet;
use std::ops::Range;

/// A node and its byte range.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) range: Range<usize>,
}

/// What a node is.
#[derive(Debug)]
pub(super) enum Kind {
    Literal(Value),
    /// A name; with a leading dot it means the binding even where a macro's variable has the same name.
    Name {
        name: String,
        absolute: bool,
    },
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
    /// `name(arguments)`
    Call {
        name: String,
        arguments: Vec<Node>,
    },
    /// `has(path)`; the path ends in a field.
    Has(Box<Node>),
    /// A base and what follows it: fields, indexes, calls, macros.
    Path {
        base: Box<Node>,
        steps: Vec<Access>,
    },
    /// `!` so many times.
    Not(usize, Box<Node>),
    /// `-` so many times.
    Negate(usize, Box<Node>),
    And(Vec<Node>),
    Or(Vec<Node>),
    /// Operators of one precedence, from left to right.
    Chain {
        first: Box<Node>,
        rest: Vec<(Operator, Node)>,
    },
    /// `a ? b : c ? d : e`
    Conditional {
        arms: Vec<(Node, Node)>,
        otherwise: Box<Node>,
    },
}

/// One access of a path.
#[derive(Debug)]
pub(super) struct Access {
    pub(super) kind: AccessKind,
    pub(super) range: Range<usize>,
}

/// What an access does.
#[derive(Debug)]
pub(super) enum AccessKind {
    Field(String),
    Index(Node),
    Call { name: String, arguments: Vec<Node> },
    Macro { name: Macro, variable: String, bodies: Vec<Node> },
}

/// The macros with a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Macro {
    All,
    Exists,
    ExistsOne,
    Filter,
    Map,
}

impl Macro {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "all" => Self::All,
            "exists" => Self::Exists,
            "exists_one" => Self::ExistsOne,
            "filter" => Self::Filter,
            "map" => Self::Map,
            _ => return None,
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Exists => "exists",
            Self::ExistsOne => "exists_one",
            Self::Filter => "filter",
            Self::Map => "map",
        }
    }
}

/// The operators that a chain holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
    In,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Operator {
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::In => "in",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }
}

/// The names that every expression knows, and those that there are in a step with `foreach`.
pub(super) const NAMES: [&str; 6] = ["inputs", "vars", "steps", "run", "tenant", "plan"];
pub(super) const OF_ITEMS: [&str; 2] = ["item", "index"];

/// What a tree names, found once when it is parsed.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) steps: BTreeSet<StepId>,
    pub(super) inputs: BTreeSet<String>,
    pub(super) status: super::StatusFunctions,
    pub(super) uses_item: bool,
    /// Whether a name in it is none that any expression knows.
    pub(super) has_unknown: bool,
}

/// Walks the tree for [`Facts`].
pub(super) fn facts(root: &Node) -> Facts {
    let mut facts = Facts::default();
    visit(root, &mut Vec::new(), &mut facts);
    facts
}

/// Whether a tree is false wherever `success()` is, because it says so itself.
pub(super) fn asks_for_success(node: &Node) -> bool {
    match &node.kind {
        Kind::Call { name, .. } => name == "success",
        Kind::And(members) => members.iter().any(asks_for_success),
        Kind::Or(members) => members.iter().all(asks_for_success),
        Kind::Literal(_)
        | Kind::Name { .. }
        | Kind::List(_)
        | Kind::Map(_)
        | Kind::Has(_)
        | Kind::Path { .. }
        | Kind::Not(..)
        | Kind::Negate(..)
        | Kind::Chain { .. }
        | Kind::Conditional { .. } => false,
    }
}

fn visit<'a>(node: &'a Node, variables: &mut Vec<&'a str>, facts: &mut Facts) {
    match &node.kind {
        Kind::Literal(_) => {}
        Kind::Name { name, absolute } => {
            let shadowed = !absolute && variables.contains(&name.as_str());
            let is_of_items = OF_ITEMS.contains(&name.as_str());
            facts.uses_item |= !shadowed && is_of_items;
            facts.has_unknown |= !shadowed && !is_of_items && !NAMES.contains(&name.as_str());
        }
        Kind::List(items) | Kind::And(items) | Kind::Or(items) => {
            items.iter().for_each(|item| visit(item, variables, facts));
        }
        Kind::Map(entries) | Kind::Conditional { arms: entries, otherwise: _ } => {
            for (left, right) in entries {
                visit(left, variables, facts);
                visit(right, variables, facts);
            }
            if let Kind::Conditional { otherwise, .. } = &node.kind {
                visit(otherwise, variables, facts);
            }
        }
        Kind::Call { name, arguments } => {
            facts.status.always |= name == "always";
            facts.status.success |= name == "success";
            facts.status.failure |= name == "failure";
            arguments.iter().for_each(|argument| visit(argument, variables, facts));
        }
        Kind::Has(inner) | Kind::Not(_, inner) | Kind::Negate(_, inner) => visit(inner, variables, facts),
        Kind::Chain { first, rest } => {
            visit(first, variables, facts);
            rest.iter().for_each(|(_, operand)| visit(operand, variables, facts));
        }
        Kind::Path { base, steps } => {
            if is_binding(base, "steps", variables)
                && let Some(name) = steps.first().and_then(literal_key)
                && let Ok(step) = StepId::parse(name)
            {
                facts.steps.insert(step);
            }
            if is_binding(base, "inputs", variables)
                && let Some(name) = steps.first().and_then(literal_key)
            {
                facts.inputs.insert(name.to_owned());
            }
            visit(base, variables, facts);
            for access in steps {
                visit_access(access, variables, facts);
            }
        }
    }
}

fn visit_access<'a>(access: &'a Access, variables: &mut Vec<&'a str>, facts: &mut Facts) {
    match &access.kind {
        AccessKind::Field(_) => {}
        AccessKind::Index(index) => visit(index, variables, facts),
        AccessKind::Call { arguments, .. } => {
            arguments.iter().for_each(|argument| visit(argument, variables, facts));
        }
        AccessKind::Macro { variable, bodies, .. } => {
            variables.push(variable);
            bodies.iter().for_each(|body| visit(body, variables, facts));
            variables.pop();
        }
    }
}

/// Whether the node is this binding and no macro's variable hides it.
pub(super) fn is_binding(node: &Node, wanted: &str, variables: &[&str]) -> bool {
    matches!(&node.kind, Kind::Name { name, absolute } if name == wanted && (*absolute || !variables.contains(&wanted)))
}

/// The key of `.key` or `['key']`.
pub(super) fn literal_key(access: &Access) -> Option<&str> {
    match &access.kind {
        AccessKind::Field(name) => Some(name),
        AccessKind::Index(Node { kind: Kind::Literal(Value::String(name)), .. }) => Some(name),
        _ => None,
    }
}
