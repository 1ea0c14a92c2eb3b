//! The guard before the parser: how long an expression may be and how deep its brackets may nest.
//!
//! It also pairs the brackets, so that the parser never meets an unbalanced text and the message names the bracket
//! that is open, not the place where the parser gave up.

use super::SyntaxError;
use super::lex::{Token, TokenKind};
use std::ops::Range;

/// The longest expression, in bytes.
pub const MAX_LENGTH: usize = 4096;
/// How deep brackets may nest.
pub const MAX_NESTING: usize = 32;

/// Refuses a text that is too long, before it is even split into tokens.
pub(super) fn length(source: &str) -> Result<(), SyntaxError> {
    if source.len() > MAX_LENGTH {
        return Err(SyntaxError::new(
            format!("the expression has {} bytes, at most {MAX_LENGTH} are allowed", source.len()),
            0..source.len(),
        ));
    }
    Ok(())
}

/// Pairs brackets and bounds their depth, without recursion.
pub(super) fn nesting(tokens: &[Token]) -> Result<(), SyntaxError> {
    let mut open: Vec<(&'static str, Range<usize>)> = Vec::new();
    for token in tokens {
        let TokenKind::Symbol(symbol) = token.kind else { continue };
        match symbol {
            "(" | "[" | "{" => {
                if open.len() == MAX_NESTING {
                    return Err(SyntaxError::new(
                        format!("brackets nest deeper than {MAX_NESTING} levels"),
                        token.range.clone(),
                    ));
                }
                open.push((symbol, token.range.clone()));
            }
            ")" | "]" | "}" => match open.pop() {
                None => {
                    return Err(SyntaxError::new(format!("`{symbol}` closes nothing"), token.range.clone()));
                }
                Some((opened, range)) if closing(opened) != symbol => {
                    return Err(SyntaxError::new(
                        format!("`{opened}` is closed by `{symbol}`"),
                        range.start..token.range.end,
                    ));
                }
                Some(_) => {}
            },
            _ => {}
        }
    }
    match open.pop() {
        Some((opened, range)) => Err(SyntaxError::new(format!("`{opened}` is never closed"), range)),
        None => Ok(()),
    }
}

fn closing(opened: &str) -> &'static str {
    match opened {
        "(" => ")",
        "[" => "]",
        _ => "}",
    }
}
