//! Foreign expressions as expressions of a plan.
//!
//! Where the other dialect pastes text or guesses at types, this writes down which comparison is meant. What has no
//! counterpart is an error with its words, never a value that happens to parse; so is what a plan would refuse.

use super::call::call;
use super::case;
pub(crate) use super::cel::{Cel, field, quoted};
pub(crate) use super::gives::Gives;
use super::limits;
use super::parse::Tree;
use crate::Kept;

/// What cannot be kept: the words of the source, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lost {
    /// A name, a function or a form that a plan does not have.
    Value(String),
    /// A function or an operator between values that it does not work on.
    Kinds(String),
    /// An expression that is longer or deeper than a plan's.
    Size(String),
}

impl Lost {
    /// The words.
    pub(crate) fn what(&self) -> &str {
        match self {
            Self::Value(what) | Self::Kinds(what) | Self::Size(what) => what,
        }
    }

    /// Why, where it is not the name that is unknown.
    pub(crate) fn why(&self) -> Option<&'static str> {
        match self {
            Self::Value(_) => None,
            Self::Kinds(_) => Some("it does not work on values of these kinds"),
            Self::Size(_) => Some("an expression of a plan has at most 4096 bytes and 32 levels of brackets"),
        }
    }
}

/// Whose rules hold where values of different kinds meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Values become numbers where they must, and words in a text.
    GitHub,
    /// Values are pasted as JSON.
    Argo,
}

/// What a dialect knows of names.
pub(crate) trait Names {
    /// The value of a path; the error is what cannot be kept.
    fn path(&mut self, names: &[String]) -> Result<Cel, Lost>;

    /// What stands between `{{` and `}}` inside an expression.
    fn inner(&mut self, text: &str) -> Result<Cel, Lost>;

    /// Whose names they are.
    fn dialect(&self) -> Dialect;

    /// Whether it may be asked here how the steps before ended.
    fn has_status(&self) -> bool;

    /// What `always`, `success` or `failure` asks, where it may be asked.
    fn status(&mut self, function: &str) -> Cel {
        Cel::new(format!("{function}()"), Gives::Flag)
    }

    /// What is compared at this word of the source takes no account of case there.
    fn ignores_case(&mut self, word: &str);
}

/// An expression of a plan that means the same; a plan takes it wherever a value of its kind may stand.
pub(crate) fn render(tree: &Tree, names: &mut dyn Names) -> Result<Cel, Lost> {
    let cel = match tree {
        Tree::Text(text) => Cel::text(text),
        Tree::Number(number) => Cel::number(number).ok_or_else(|| Lost::Value(number.clone()))?,
        Tree::Flag(flag) => Cel::flag(*flag),
        Tree::Null => Cel::null(),
        Tree::Path(path) => names.path(path)?,
        Tree::Inner(text) => names.inner(text)?,
        Tree::Call(name, arguments) => call(name, arguments, names)?,
        Tree::Not(inner) => {
            let inner = render(inner, names)?.truth();
            match inner.literal.as_deref() {
                Some(literal) => Cel::flag(literal != "true"),
                None => Cel::new(format!("!{}", inner.operand()), Gives::Flag),
            }
        }
        Tree::Choice(condition, then, other) => {
            let condition = render(condition, names)?.truth();
            Cel::choice(&condition, &render(then, names)?, &render(other, names)?)
        }
        Tree::Pair(sign @ ("||" | "&&" | "??"), ..) => chain(sign, tree, names)?,
        Tree::Pair(sign, left, right) => {
            let word = case::word(sign, [&**right, &**left]);
            let (left, right) = (render(left, names)?, render(right, names)?);
            pair(sign, (&left, &right), word, names)?
        }
    };
    // What is known, and a text with values in it, need not stand in one expression.
    if cel.literal.is_some() || !cel.parts.is_empty() { Ok(cel) } else { cel.fitting(begins(tree)) }
}

impl Cel {
    /// Itself, where a plan takes it as one expression; `what` is what the source says.
    pub(crate) fn fitting(self, what: &str) -> Result<Self, Lost> {
        if limits::fits(&self.source) { Ok(self) } else { Err(Lost::Size(what.to_owned())) }
    }

    /// Itself, where a plan takes it as it stands inside a text.
    pub(crate) fn fitting_in_text(self, what: &str) -> Result<Self, Lost> {
        let is_written_out = self.literal.is_some() || !self.parts.is_empty();
        let fits = is_written_out || limits::fits(&self.in_text());
        if fits { Ok(self) } else { Err(Lost::Size(what.to_owned())) }
    }
}

/// The word of the source by which an expression that is too large is found.
fn begins(tree: &Tree) -> &str {
    match tree {
        Tree::Text(text) | Tree::Number(text) | Tree::Inner(text) | Tree::Call(text, _) => text,
        Tree::Path(path) => path.first().map_or("", String::as_str),
        Tree::Flag(true) => "true",
        Tree::Flag(false) => "false",
        Tree::Null => "null",
        Tree::Not(_) => "!",
        Tree::Pair(sign, ..) => sign,
        Tree::Choice(..) => "?",
    }
}

/// `a || b || c` and the like: whatever its brackets say, the first that decides is the value.
fn chain(sign: &'static str, tree: &Tree, names: &mut dyn Names) -> Result<Cel, Lost> {
    let mut operands = Vec::new();
    let mut open = vec![tree];
    while let Some(next) = open.pop() {
        match next {
            Tree::Pair(one, left, right) if *one == sign => open.extend([&**right, &**left]),
            other => operands.push(other),
        }
    }
    let mut rendered = Vec::with_capacity(operands.len());
    let count = operands.len();
    for (at, operand) in operands.into_iter().enumerate() {
        rendered.push(match operand {
            // `a && b || c` is GitHub's way to say `a ? b : c`.
            Tree::Pair("&&", condition, then) if sign == "||" && at + 1 < count => {
                (Some(render(condition, names)?.truth()), render(then, names)?)
            }
            other => (None, render(other, names)?),
        });
    }
    // A condition with a flag behind it is a flag.
    let mut rendered: Vec<(Option<Cel>, Cel)> = rendered
        .into_iter()
        .map(|one| match one {
            (Some(condition), then) if then.gives == Gives::Flag => (None, both("&&", &[condition, then])),
            other => other,
        })
        .collect();
    if sign != "??" && rendered.iter().all(|(condition, cel)| condition.is_none() && cel.gives == Gives::Flag)
    {
        let flags: Vec<Cel> = rendered.into_iter().map(|(_, cel)| cel).collect();
        return Ok(both(sign, &flags));
    }
    let Some((_, mut value)) = rendered.pop() else { return Err(Lost::Value(sign.to_owned())) };
    while let Some((condition, cel)) = rendered.pop() {
        let truth = cel.clone().truth();
        let decided = if cel.gives == Gives::Flag { Cel::flag(sign == "||") } else { cel.clone() };
        value = match (sign, condition) {
            ("||", None) => Cel::choice(&truth, &decided, &value),
            ("||", Some(condition)) if truth.literal.as_deref() == Some("true") => {
                Cel::choice(&condition, &cel, &value)
            }
            ("||", Some(condition)) => Cel::choice(&both("&&", &[condition, truth]), &cel, &value),
            ("&&", _) => Cel::choice(&truth, &value, &decided),
            _ if cel.gives == Gives::Null => value,
            _ if cel.gives != Gives::Any => cel,
            _ => {
                let missing = Cel::compound(format!("{} == null", cel.operand()), Gives::Flag);
                Cel::choice(&missing, &value, &cel)
            }
        };
        if !limits::fits(&value.source) && value.literal.is_none() {
            return Err(Lost::Size(sign.to_owned()));
        }
    }
    Ok(value)
}

/// Flags, joined.
fn both(sign: &str, flags: &[Cel]) -> Cel {
    if let [one] = flags {
        return one.clone();
    }
    let flags: Vec<String> = flags.iter().map(Cel::operand).collect();
    Cel::compound(flags.join(&format!(" {sign} ")), Gives::Flag)
}

fn pair(sign: &str, (left, right): (&Cel, &Cel), word: &str, names: &mut dyn Names) -> Result<Cel, Lost> {
    let dialect = names.dialect();
    let kinds = || Lost::Kinds(sign.to_owned());
    Ok(match sign {
        "==" | "!=" => {
            let compare = |left: &str, right: &str| (left == right) == (sign == "==");
            let decided = case::decided(word, (left, right), compare, names);
            decided.unwrap_or_else(|| equal(sign, left, right, dialect))
        }
        "<" | ">" | "<=" | ">=" => {
            if dialect == Dialect::GitHub && left.gives == Gives::Text && right.gives == Gives::Text {
                let compare = |left: &str, right: &str| match sign {
                    "<" => left < right,
                    ">" => left > right,
                    "<=" => left <= right,
                    _ => left >= right,
                };
                let as_it_is = || format!("{} {sign} {}", left.operand(), right.operand());
                let decided = case::decided(word, (left, right), compare, names);
                return Ok(decided.unwrap_or_else(|| Cel::compound(as_it_is(), Gives::Flag)));
            }
            match (number(left, "double", dialect), number(right, "double", dialect)) {
                (Some(left), Some(right)) => Cel::compound(format!("{left} {sign} {right}"), Gives::Flag),
                // At GitHub it is no number, and nothing compares with that.
                _ if dialect == Dialect::GitHub => Cel::flag(false),
                _ => return Err(kinds()),
            }
        }
        "+" if left.gives == Gives::Text || right.gives == Gives::Text => {
            Cel::sum(&[left.as_first_text(), right.as_text()])
        }
        _ => {
            let whole = if sign == "%" { "int" } else { "double" };
            let side = |side: &Cel| number(side, whole, Dialect::Argo).ok_or_else(kinds);
            let (left, right) = (side(left)?, side(right)?);
            // A quotient is not rounded there.
            let left =
                if sign == "/" && !left.starts_with("double(") { format!("double({left})") } else { left };
            Cel::compound(format!("{left} {sign} {right}"), Gives::Number)
        }
    })
}

/// `==` and `!=`: what is of different kinds is compared as texts.
fn equal(sign: &str, left: &Cel, right: &Cel, dialect: Dialect) -> Cel {
    let is_composed = |cel: &Cel| matches!(cel.gives, Gives::List(_) | Gives::Object);
    let compared = |left: String, right: String| Cel::compound(format!("{left} {sign} {right}"), Gives::Flag);
    if dialect == Dialect::GitHub {
        // Null is what is empty, zero or false; a list and an object equal nothing else.
        let of_null = |other: &Cel| match &other.gives {
            Gives::Null => Cel::flag(sign == "=="),
            Gives::Text => compared(other.operand(), "\"\"".to_owned()),
            Gives::Flag => compared(other.operand(), "false".to_owned()),
            Gives::Number => compared(other.operand(), "0".to_owned()),
            Gives::List(_) | Gives::Object => Cel::flag(sign == "!="),
            Gives::Any => compared(other.operand(), "null".to_owned()),
        };
        match (&left.gives, &right.gives) {
            (Gives::Null, _) => return of_null(right),
            (_, Gives::Null) => return of_null(left),
            (Gives::Flag | Gives::Number, _)
                if right.literal_text().is_some() || right.gives.is_counted() =>
            {
                return of_numbers(sign, left, right);
            }
            (_, Gives::Flag | Gives::Number) if left.literal_text().is_some() => {
                return of_numbers(sign, right, left);
            }
            (one, other) if (is_composed(left) || is_composed(right)) && !one.may_equal(other) => {
                return Cel::flag(sign == "!=");
            }
            _ => {}
        }
    }
    let is_null = left.gives == Gives::Null || right.gives == Gives::Null;
    let is_pasted = |cel: &Cel| matches!(cel.gives, Gives::Number | Gives::Flag);
    let as_texts = !is_null && left.gives != right.gives && (is_pasted(left) || is_pasted(right));
    if as_texts || !left.gives.may_equal(&right.gives) {
        compared(left.as_text(), right.as_text())
    } else {
        compared(left.operand(), right.operand())
    }
}

/// What is no text beside a text that is known, or a flag beside a number: GitHub compares numbers, and what is none equals nothing.
fn of_numbers(sign: &str, side: &Cel, other: &Cel) -> Cel {
    if side.gives == other.gives {
        return Cel::compound(format!("{} {sign} {}", side.operand(), other.operand()), Gives::Flag);
    }
    let read = |text: &str| match text.trim() {
        "" => Some(0.0),
        text => serde_json::from_str::<f64>(text).ok(),
    };
    let known = match (&other.gives, &other.literal) {
        (Gives::Text, Some(text)) => read(text),
        _ => None,
    };
    let never = Cel::flag(sign == "!=");
    match (&side.gives, known) {
        (Gives::Flag, Some(number)) if number == 1.0 || number == 0.0 => {
            let is_asked = (number == 1.0) == (sign == "==");
            let source = if is_asked { side.operand() } else { format!("!{}", side.operand()) };
            Cel::new(source, Gives::Flag)
        }
        (Gives::Number, Some(number)) => {
            let text = other.literal.as_deref().unwrap_or_default().trim();
            match Kept::read(text) {
                Some(_) => Cel::compound(format!("{} {sign} {text}", side.operand()), Gives::Flag),
                None if text.is_empty() => {
                    Cel::compound(format!("{} {sign} {number}", side.operand()), Gives::Flag)
                }
                None => never,
            }
        }
        (_, None) if other.gives.is_counted() => {
            let number = |cel: &Cel| match cel.gives {
                Gives::Flag => format!("({} ? 1 : 0)", cel.operand()),
                _ => cel.operand(),
            };
            Cel::compound(format!("{} {sign} {}", number(side), number(other)), Gives::Flag)
        }
        _ => never,
    }
}

/// As a number; `read` is the function that reads a text.
fn number(side: &Cel, read: &str, dialect: Dialect) -> Option<String> {
    match (&side.gives, &side.literal) {
        (Gives::Number, _) => Some(side.operand()),
        (Gives::Text, Some(text)) if Kept::read(text).is_some() => Some(text.clone()),
        (Gives::Text, Some(text)) if text.trim().is_empty() && dialect == Dialect::GitHub => {
            Some("0".to_owned())
        }
        (Gives::Text, Some(text)) => {
            let is_number = text.parse::<f64>().is_ok_and(f64::is_finite);
            is_number.then(|| format!("{read}({})", side.source))
        }
        (Gives::Text | Gives::Any, None) => Some(format!("{read}({})", side.source)),
        (Gives::Null, _) if dialect == Dialect::GitHub => Some("0".to_owned()),
        (Gives::Flag, _) if dialect == Dialect::GitHub => Some(format!("({} ? 1 : 0)", side.operand())),
        _ => None,
    }
}
