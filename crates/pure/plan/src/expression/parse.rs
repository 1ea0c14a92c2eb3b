//! Tokens to a tree, by the CEL grammar.
//!
//! It recurses only where brackets nest, which `guard` has bounded; operators of all powers, runs of `!` and accesses are loops.
//! Messages of other template languages' words (`and`, `or`, `not`) say ours.

use super::SyntaxError;
use super::ast::{Access, AccessKind, Kind, Macro, Node, Operator};
use super::lex::{Token, TokenKind};
use super::value::Value;
use std::ops::Range;

/// Words that CEL keeps; they may still be field names.
const RESERVED: [&str; 17] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// The power of `*`, the strongest of the operators between two operands.
const STRONGEST: u8 = 4;

/// Parses all tokens as one expression.
pub(super) fn parse(tokens: &[Token], end: usize) -> Result<Node, SyntaxError> {
    if tokens.is_empty() {
        return Err(SyntaxError::new("the expression is empty", 0..end));
    }
    let mut parser = Parser { tokens, at: 0, end };
    let root = parser.expression()?;
    match parser.peek() {
        None => Ok(root),
        Some(_) => Err(parser.unexpected("an operator or the end")),
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    end: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&TokenKind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    /// The range of the next token, or the empty range at the end.
    fn here(&self) -> Range<usize> {
        self.tokens.get(self.at).map_or(self.end..self.end, |token| token.range.clone())
    }

    fn last_end(&self) -> usize {
        self.at.checked_sub(1).and_then(|last| self.tokens.get(last)).map_or(0, |token| token.range.end)
    }

    fn at_symbol(&self, symbol: &str) -> bool {
        matches!(self.peek(), Some(TokenKind::Symbol(next)) if *next == symbol)
    }

    fn eat(&mut self, symbol: &str) -> bool {
        let found = self.at_symbol(symbol);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: &str) -> Result<(), SyntaxError> {
        if self.eat(symbol) { Ok(()) } else { Err(self.unexpected(&format!("`{symbol}`"))) }
    }

    fn unexpected(&self, wanted: &str) -> SyntaxError {
        let found = match self.peek() {
            None => format!("the expression ends where {wanted} should stand"),
            Some(TokenKind::Word(word)) => match word.as_str() {
                "and" => "`and` is written `&&` here".to_owned(),
                "or" => "`or` is written `||` here".to_owned(),
                "not" => "`not` is written `!` here".to_owned(),
                _ => format!("`{word}` stands where {wanted} should"),
            },
            Some(TokenKind::Symbol(symbol)) => format!("`{symbol}` stands where {wanted} should"),
            Some(TokenKind::Quoted(_)) => "only a field name stands between back quotes".to_owned(),
            Some(TokenKind::String(_)) => format!("a string stands where {wanted} should"),
            Some(_) => format!("a number stands where {wanted} should"),
        };
        SyntaxError::new(found, self.here())
    }

    /// `a ? b : c ? d : e`, the chain as a loop.
    ///
    /// Every function on the way from one bracket to the next is a small one: what it does with more than it was handed is done by
    /// another, for its frame is what nesting multiplies.
    fn expression(&mut self) -> Result<Node, SyntaxError> {
        let first = self.operators()?;
        if self.at_symbol("?") { self.conditional(first) } else { Ok(first) }
    }

    #[inline(never)]
    fn conditional(&mut self, mut last: Node) -> Result<Node, SyntaxError> {
        let start = last.range.start;
        let mut arms = Vec::new();
        while self.eat("?") {
            let value = self.operators()?;
            self.expect(":")?;
            arms.push((last, value));
            last = self.operators()?;
        }
        let kind = Kind::Conditional { arms, otherwise: Box::new(last) };
        Ok(Node { kind, range: start..self.last_end() })
    }

    /// Operands and the operators between them.
    fn operators(&mut self) -> Result<Node, SyntaxError> {
        let first = self.unary()?;
        if self.power().is_some() { self.chain(first) } else { Ok(first) }
    }

    /// All operands are read, then the strongest operators take theirs: each run of one power becomes one flat node.
    #[inline(never)]
    fn chain(&mut self, first: Node) -> Result<Node, SyntaxError> {
        let mut operands = vec![first];
        let mut operators = Vec::new();
        while let Some(power) = self.power() {
            operators.push((power, self.operator()));
            self.at += 1;
            operands.push(self.unary()?);
        }
        for power in (0..=STRONGEST).rev() {
            (operands, operators) = taken(power, operands, operators);
        }
        operands.pop().ok_or_else(|| self.unexpected("a value"))
    }

    fn power(&self) -> Option<u8> {
        match self.peek()? {
            TokenKind::Symbol("||") => Some(0),
            TokenKind::Symbol("&&") => Some(1),
            _ => Some(match self.operator()? {
                Operator::Add | Operator::Subtract => 3,
                Operator::Multiply | Operator::Divide | Operator::Remainder => 4,
                _ => 2,
            }),
        }
    }

    fn operator(&self) -> Option<Operator> {
        Some(match self.peek()? {
            TokenKind::Symbol("<") => Operator::Less,
            TokenKind::Symbol("<=") => Operator::LessEqual,
            TokenKind::Symbol(">") => Operator::Greater,
            TokenKind::Symbol(">=") => Operator::GreaterEqual,
            TokenKind::Symbol("==") => Operator::Equal,
            TokenKind::Symbol("!=") => Operator::NotEqual,
            TokenKind::Word(word) if word == "in" => Operator::In,
            TokenKind::Symbol("+") => Operator::Add,
            TokenKind::Symbol("-") => Operator::Subtract,
            TokenKind::Symbol("*") => Operator::Multiply,
            TokenKind::Symbol("/") => Operator::Divide,
            TokenKind::Symbol("%") => Operator::Remainder,
            _ => return None,
        })
    }

    /// `!!x` or `--x`; the last `-` before a number belongs to the number, so that the smallest int can be written.
    fn unary(&mut self) -> Result<Node, SyntaxError> {
        if self.at_symbol("!") || self.at_symbol("-") { self.prefixed() } else { self.member(false) }
    }

    #[inline(never)]
    fn prefixed(&mut self) -> Result<Node, SyntaxError> {
        let start = self.here().start;
        let mut times = 0;
        if self.at_symbol("!") {
            while self.eat("!") {
                times += 1;
            }
            let inner = Box::new(self.member(false)?);
            return Ok(Node { range: start..inner.range.end, kind: Kind::Not(times, inner) });
        }
        while self.eat("-") {
            times += 1;
        }
        let negative = times > 0 && matches!(self.peek(), Some(TokenKind::Int(_) | TokenKind::Double(_)));
        let inner = self.member(negative)?;
        let times = times - usize::from(negative);
        if times == 0 {
            return Ok(Node { range: start..inner.range.end, kind: inner.kind });
        }
        Ok(Node { range: start..inner.range.end, kind: Kind::Negate(times, Box::new(inner)) })
    }

    /// A primary and what follows it.
    fn member(&mut self, negative: bool) -> Result<Node, SyntaxError> {
        let base = self.primary(negative)?;
        if [".", "[", "{"].iter().any(|symbol| self.at_symbol(symbol)) { self.path(base) } else { Ok(base) }
    }

    #[inline(never)]
    fn path(&mut self, base: Node) -> Result<Node, SyntaxError> {
        let mut steps = Vec::new();
        loop {
            let start = self.here().start;
            if self.eat(".") {
                let kind = self.after_dot()?;
                steps.push(Access { kind, range: start..self.last_end() });
            } else if self.eat("[") {
                let index = self.expression()?;
                self.expect("]")?;
                steps.push(Access { kind: AccessKind::Index(index), range: start..self.last_end() });
            } else {
                break;
            }
        }
        let is_dotted_name = matches!(base.kind, Kind::Name { .. })
            && steps.iter().all(|access| matches!(access.kind, AccessKind::Field(_)));
        if is_dotted_name && self.at_symbol("{") {
            return Err(SyntaxError::new(
                "typed messages are not part of the plan language; write the map without a name",
                self.here(),
            ));
        }
        if steps.is_empty() {
            return Ok(base);
        }
        let range = base.range.start..self.last_end();
        Ok(Node { kind: Kind::Path { base: Box::new(base), steps }, range })
    }

    fn after_dot(&mut self) -> Result<AccessKind, SyntaxError> {
        let place = self.here();
        let name = match self.peek() {
            Some(TokenKind::Quoted(name)) => {
                let name = name.clone();
                self.at += 1;
                return Ok(AccessKind::Field(name));
            }
            Some(TokenKind::Word(name)) if !is_keyword(name) => name.clone(),
            _ => return Err(self.unexpected("a field name")),
        };
        self.at += 1;
        if !self.eat("(") {
            return Ok(AccessKind::Field(name));
        }
        let arguments = self.items(")")?;
        let Some(found) = Macro::named(&name) else { return Ok(AccessKind::Call { name, arguments }) };
        let most = if found == Macro::Map { 3 } else { 2 };
        let range = place.start..self.last_end();
        if arguments.len() < 2 || arguments.len() > most {
            let wanted = if most == 3 { "one or two expressions" } else { "an expression" };
            return Err(SyntaxError::new(format!("`{name}` takes a name for the item and {wanted}"), range));
        }
        let mut arguments = arguments.into_iter();
        match arguments.next().map(|first| first.kind) {
            Some(Kind::Name { name: variable, absolute: false }) => {
                Ok(AccessKind::Macro { name: found, variable, bodies: arguments.collect() })
            }
            _ => Err(SyntaxError::new(format!("`{name}` begins with a plain name for the item"), range)),
        }
    }

    fn primary(&mut self, negative: bool) -> Result<Node, SyntaxError> {
        match self.peek() {
            Some(TokenKind::Symbol("(")) => self.parenthesised(),
            Some(TokenKind::Symbol("[")) => self.list(),
            Some(TokenKind::Symbol("{")) => self.map(),
            Some(TokenKind::Symbol(".")) => self.name(),
            Some(TokenKind::Word(word)) if !is_literal(word) => self.name(),
            _ => self.literal(negative),
        }
    }

    fn parenthesised(&mut self) -> Result<Node, SyntaxError> {
        let start = self.here().start;
        self.at += 1;
        let mut inner = self.expression()?;
        self.expect(")")?;
        inner.range = start..self.last_end();
        Ok(inner)
    }

    fn list(&mut self) -> Result<Node, SyntaxError> {
        let start = self.here().start;
        self.at += 1;
        let items = self.items("]")?;
        Ok(Node { kind: Kind::List(items), range: start..self.last_end() })
    }

    fn map(&mut self) -> Result<Node, SyntaxError> {
        let start = self.here().start;
        self.at += 1;
        let entries = self.entries()?;
        Ok(Node { kind: Kind::Map(entries), range: start..self.last_end() })
    }

    #[inline(never)]
    fn literal(&mut self, negative: bool) -> Result<Node, SyntaxError> {
        let range = self.here();
        let value = match self.peek() {
            Some(TokenKind::Int(magnitude)) => Value::Int(signed(*magnitude, negative, &range)?),
            Some(TokenKind::Double(value)) => Value::Double(if negative { -value } else { *value }),
            Some(TokenKind::String(text)) => Value::String(text.as_str().into()),
            Some(TokenKind::Word(word)) if word == "true" => Value::Bool(true),
            Some(TokenKind::Word(word)) if word == "false" => Value::Bool(false),
            Some(TokenKind::Word(word)) if word == "null" => Value::Null,
            _ => return Err(self.unexpected("a value")),
        };
        self.at += 1;
        Ok(Node { kind: Kind::Literal(value), range })
    }

    fn name(&mut self) -> Result<Node, SyntaxError> {
        let start = self.here().start;
        let absolute = self.eat(".");
        let name = match self.peek() {
            Some(TokenKind::Word(name)) if RESERVED.contains(&name.as_str()) => {
                return Err(SyntaxError::new(format!("`{name}` is a reserved word"), self.here()));
            }
            Some(TokenKind::Word(name)) if !is_keyword(name) => name.clone(),
            _ => return Err(self.unexpected("a name")),
        };
        if name == "not" && !absolute && self.tokens.get(self.at + 1).is_some_and(begins_operand) {
            return Err(self.unexpected("a value"));
        }
        self.at += 1;
        let kind = if self.eat("(") {
            let arguments = self.items(")")?;
            if name == "has" {
                has(arguments, start..self.last_end())?
            } else {
                Kind::Call { name, arguments }
            }
        } else {
            Kind::Name { name, absolute }
        };
        Ok(Node { kind, range: start..self.last_end() })
    }

    /// Expressions up to the closing bracket; a comma may stand before it.
    fn items(&mut self, closing: &str) -> Result<Vec<Node>, SyntaxError> {
        let mut items = Vec::new();
        while !self.eat(closing) {
            items.push(self.expression()?);
            if !self.eat(",") {
                self.expect(closing)?;
                break;
            }
        }
        Ok(items)
    }

    fn entries(&mut self) -> Result<Vec<(Node, Node)>, SyntaxError> {
        let mut entries = Vec::new();
        while !self.eat("}") {
            let key = self.expression()?;
            self.expect(":")?;
            entries.push((key, self.expression()?));
            if !self.eat(",") {
                self.expect("}")?;
                break;
            }
        }
        Ok(entries)
    }
}

/// Joins each run of operators of one power with its operands; what is stronger was joined before.
fn taken(
    power: u8,
    operands: Vec<Node>,
    operators: Vec<(u8, Option<Operator>)>,
) -> (Vec<Node>, Vec<(u8, Option<Operator>)>) {
    if !operators.iter().any(|(one, _)| *one == power) {
        return (operands, operators);
    }
    let (mut left_operands, mut left_operators) = (Vec::new(), Vec::new());
    let mut operands = operands.into_iter();
    let mut operators = operators.into_iter().peekable();
    while let Some(first) = operands.next() {
        let mut run = Vec::new();
        while let Some((_, operator)) = operators.next_if(|(one, _)| *one == power) {
            run.push((operator, operands.next()));
        }
        left_operands.push(joined(power, first, run));
        left_operators.extend(operators.next());
    }
    (left_operands, left_operators)
}

/// One flat node of a run.
fn joined(power: u8, first: Node, run: Vec<(Option<Operator>, Option<Node>)>) -> Node {
    let Some((_, Some(last))) = run.last() else { return first };
    let range = first.range.start..last.range.end;
    let kind = if power <= 1 {
        let operands = std::iter::once(first).chain(run.into_iter().filter_map(|(_, operand)| operand));
        let operands = operands.collect();
        if power == 0 { Kind::Or(operands) } else { Kind::And(operands) }
    } else {
        let rest = run.into_iter().filter_map(|(operator, operand)| operator.zip(operand)).collect();
        Kind::Chain { first: Box::new(first), rest }
    };
    Node { kind, range }
}

fn begins_operand(token: &Token) -> bool {
    matches!(token.kind, TokenKind::Word(_) | TokenKind::Int(_) | TokenKind::Double(_) | TokenKind::String(_))
}

fn is_literal(word: &str) -> bool {
    matches!(word, "true" | "false" | "null")
}

fn is_keyword(word: &str) -> bool {
    is_literal(word) || word == "in"
}

fn signed(magnitude: u64, negative: bool, range: &Range<usize>) -> Result<i64, SyntaxError> {
    let value = if negative { 0_i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() };
    value.ok_or_else(|| SyntaxError::new("the number is too large", range.clone()))
}

fn has(arguments: Vec<Node>, range: Range<usize>) -> Result<Kind, SyntaxError> {
    let mut arguments = arguments.into_iter();
    match (arguments.next(), arguments.next()) {
        (Some(path), None) if ends_in_field(&path) => Ok(Kind::Has(Box::new(path))),
        _ => Err(SyntaxError::new(
            "`has` takes a path that ends in a field, as in `has(inputs.region)`",
            range,
        )),
    }
}

fn ends_in_field(node: &Node) -> bool {
    let Kind::Path { steps, .. } = &node.kind else { return false };
    matches!(steps.last().map(|access| &access.kind), Some(AccessKind::Field(_)))
}
