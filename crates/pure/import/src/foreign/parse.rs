//! Foreign expressions as trees. What it does not know is no tree, and the importer names it as lost.
//!
//! Depth is bounded: a bomb of brackets is refused, not recursed into.

use super::lex::{self, Token};

/// A foreign expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Tree {
    Text(String),
    Number(String),
    Flag(bool),
    Null,
    /// Names joined by dots, `['…']` included.
    Path(Vec<String>),
    Inner(String),
    Call(String, Vec<Tree>),
    Not(Box<Tree>),
    Pair(&'static str, Box<Tree>, Box<Tree>),
    Choice(Box<Tree>, Box<Tree>, Box<Tree>),
}

const MOST_LEVELS: usize = 40;
/// Operators by binding, the weakest first.
const LEVELS: [&[&str]; 7] =
    [&["??"], &["||"], &["&&"], &["==", "!="], &["<=", ">=", "<", ">"], &["+", "-"], &["*", "/", "%"]];

/// Reads one expression to its end.
pub(crate) fn parse(text: &str) -> Option<Tree> {
    let mut parser = Parser { tokens: lex::tokens(text)?.into_iter().peekable(), depth: 0 };
    let tree = parser.choice()?;
    parser.tokens.peek().is_none().then_some(tree)
}

struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    depth: usize,
}

impl Parser {
    fn eat(&mut self, sign: &str) -> bool {
        self.tokens.next_if(|token| matches!(token, Token::Sign(found) if *found == sign)).is_some()
    }

    fn choice(&mut self) -> Option<Tree> {
        self.depth += 1;
        if self.depth > MOST_LEVELS {
            return None;
        }
        let mut tree = self.level(0)?;
        if self.eat("?") {
            let then = self.choice()?;
            if !self.eat(":") {
                return None;
            }
            tree = Tree::Choice(Box::new(tree), Box::new(then), Box::new(self.choice()?));
        }
        self.depth -= 1;
        Some(tree)
    }

    fn level(&mut self, at: usize) -> Option<Tree> {
        let Some(signs) = LEVELS.get(at) else { return self.unary() };
        let mut left = self.level(at + 1)?;
        let mut length = 0;
        while let Some(sign) = signs.iter().find(|sign| self.eat(sign)) {
            length += 1;
            if length > 100 {
                return None;
            }
            left = Tree::Pair(sign, Box::new(left), Box::new(self.level(at + 1)?));
        }
        Some(left)
    }

    fn unary(&mut self) -> Option<Tree> {
        let mut negations = 0_u32;
        while self.eat("!") {
            negations += 1;
        }
        let tree = self.primary()?;
        Some(match negations {
            0 => tree,
            _ if negations.is_multiple_of(2) => Tree::Not(Box::new(Tree::Not(Box::new(tree)))),
            _ => Tree::Not(Box::new(tree)),
        })
    }

    fn primary(&mut self) -> Option<Tree> {
        match self.tokens.next()? {
            Token::Text(text) => Some(Tree::Text(text)),
            Token::Number(number) => Some(Tree::Number(number)),
            Token::Inner(inner) => Some(Tree::Inner(inner)),
            Token::Sign("(") => {
                let tree = self.choice()?;
                self.eat(")").then_some(tree)
            }
            Token::Sign("-") => match self.tokens.next()? {
                Token::Number(number) => Some(Tree::Number(format!("-{number}"))),
                _ => None,
            },
            Token::Name(name) => match name.as_str() {
                "true" => Some(Tree::Flag(true)),
                "false" => Some(Tree::Flag(false)),
                "null" | "nil" => Some(Tree::Null),
                _ if self.eat("(") => Some(Tree::Call(name, self.arguments()?)),
                _ => self.path(name),
            },
            Token::Sign(_) => None,
        }
    }

    fn arguments(&mut self) -> Option<Vec<Tree>> {
        let mut found = Vec::new();
        if self.eat(")") {
            return Some(found);
        }
        loop {
            found.push(self.choice()?);
            if self.eat(")") {
                return Some(found);
            }
            if !self.eat(",") || found.len() > 32 {
                return None;
            }
        }
    }

    fn path(&mut self, first: String) -> Option<Tree> {
        let mut names = vec![first];
        loop {
            if self.eat(".") {
                match self.tokens.next()? {
                    Token::Name(name) | Token::Number(name) => names.push(name),
                    _ => return None,
                }
            } else if self.eat("[") {
                match self.tokens.next()? {
                    Token::Text(name) | Token::Number(name) => names.push(name),
                    _ => return None,
                }
                if !self.eat("]") {
                    return None;
                }
            } else {
                return Some(Tree::Path(names));
            }
            if names.len() > 16 {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precedence_and_paths() {
        let path = |names: &[&str]| Tree::Path(names.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(
            parse("github.ref == 'a''b' && !needs.x.result"),
            Some(Tree::Pair(
                "&&",
                Box::new(Tree::Pair(
                    "==",
                    Box::new(path(&["github", "ref"])),
                    Box::new(Tree::Text("a'b".to_owned()))
                )),
                Box::new(Tree::Not(Box::new(path(&["needs", "x", "result"]))))
            ))
        );
        assert_eq!(
            parse("tasks['flip-coin'].outputs.result"),
            Some(path(&["tasks", "flip-coin", "outputs", "result"]))
        );
        assert_eq!(parse(&"(".repeat(100_000)), None);
        assert_eq!(
            parse(&format!("{}x", "!".repeat(1_000))),
            Some(Tree::Not(Box::new(Tree::Not(Box::new(path(&["x"]))))))
        );
        for odd in ["a &&", "'open", "a b", "{{ x", "@", "a[b]", "filter(x, {# > 1})"] {
            assert_eq!(parse(odd), None, "{odd}");
        }
    }
}
