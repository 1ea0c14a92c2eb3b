//! Functions of foreign expressions: GitHub's and expr-lang's under one table, for their names mean the same.
//!
//! Each knows which kinds it takes. At GitHub every value is a text where a text is asked for; what nothing can be made of is told.

use super::case;
use super::expression::{Cel, Dialect, Gives, Lost, Names, quoted, render};
use super::parse::Tree;

/// The variable of what is done to each member of a list.
const EACH: &str = "member";

/// The call of a function.
pub(super) fn call(name: &str, arguments: &[Tree], names: &mut dyn Names) -> Result<Cel, Lost> {
    let mut given = Vec::with_capacity(arguments.len());
    for argument in arguments {
        given.push(render(argument, names)?);
    }
    let lower = name.to_ascii_lowercase();
    let kinds = || Lost::Kinds(name.to_owned());
    let is_github = names.dialect() == Dialect::GitHub;
    let compared = case::word(name, arguments.iter().rev());
    let word = |cel: &Cel| if is_github { cel.clone().pasted() } else { cel.clone() };
    Ok(match (lower.as_str(), given.as_slice()) {
        ("always" | "success" | "failure", []) if names.has_status() => names.status(&lower),
        ("contains", [list, item]) if is_list(list) => contains_member((list, item), compared, names),
        ("contains", [text, part]) => method(
            "contains",
            (&word(text), &word(part)),
            |text, part| text.contains(part),
            (compared, names),
        ),
        ("startswith", [text, part]) => method(
            "startsWith",
            (&word(text), &word(part)),
            |text, part| text.starts_with(part),
            (compared, names),
        ),
        ("endswith", [text, part]) => method(
            "endsWith",
            (&word(text), &word(part)),
            |text, part| text.ends_with(part),
            (compared, names),
        ),
        ("fromjson", [text]) => from_json(text).ok_or_else(kinds)?,
        ("tojson", [value]) => Cel::new(format!("toJson({})", value.source), Gives::Text),
        ("join", [list]) => join(list, &Cel::text(","), is_github).ok_or_else(kinds)?,
        ("join", [list, between]) => join(list, &word(between), is_github).ok_or_else(kinds)?,
        ("format", [Cel { literal: Some(template), .. }, values @ ..]) => {
            let values: Vec<Cel> = values.iter().map(word).collect();
            format_call(name, template, &values)?
        }
        ("asint" | "int", [value]) => converted(value, "int").ok_or_else(kinds)?,
        ("asfloat" | "float", [value]) => converted(value, "double").ok_or_else(kinds)?,
        ("string", [value]) => Cel::new(value.as_text(), Gives::Text),
        ("len", [value]) => match value.gives {
            Gives::Text | Gives::List(_) | Gives::Object | Gives::Any => {
                Cel::new(format!("size({})", value.source), Gives::Number)
            }
            Gives::Null | Gives::Flag | Gives::Number => return Err(kinds()),
        },
        _ => return Err(Lost::Value(name.to_owned())),
    })
}

/// Whether it is looked into for a member; what is read from JSON mostly is a list.
fn is_list(cel: &Cel) -> bool {
    matches!(cel.gives, Gives::List(_)) || (cel.gives == Gives::Any && cel.source.starts_with("fromJson("))
}

/// Whether an item is a member; what is of several kinds is compared as texts, as `==` does.
fn contains(list: &Cel, item: &Cel, is_github: bool) -> Cel {
    let is_composed = |gives: &Gives| matches!(gives, Gives::List(_) | Gives::Object);
    let of_list = list.gives.item();
    let is_in = |item: String, list: String| Cel::compound(format!("{item} in {list}"), Gives::Flag);
    if let Some(members) = &list.members
        && members.iter().any(|member| member.gives != item.gives && member.gives != Gives::Any)
        && !is_composed(&item.gives)
    {
        // At GitHub null is what is empty, and a list and an object equal nothing but themselves.
        let members = members.iter().filter(|member| !(is_github && is_composed(&member.gives)));
        let members = members.map(|member| if is_github { member.clone().pasted() } else { member.clone() });
        let members: Vec<String> = members.map(|member| member.as_text()).collect();
        return is_in(item.as_text(), format!("[{}]", members.join(", ")));
    }
    if item.gives.may_equal(&of_list) {
        return is_in(item.operand(), list.operand());
    }
    if is_composed(&item.gives) || is_composed(&of_list) {
        return match is_github {
            true => Cel::flag(false),
            false => is_in(item.as_text(), format!("{}.map({EACH}, toJson({EACH}))", list.operand())),
        };
    }
    is_in(item.as_text(), format!("{}.map({EACH}, string({EACH}))", list.operand()))
}

fn method(
    name: &str,
    (text, part): (&Cel, &Cel),
    compare: fn(&str, &str) -> bool,
    (compared, names): (&str, &mut dyn Names),
) -> Cel {
    case::decided(compared, (text, part), compare, names)
        .unwrap_or_else(|| Cel::new(format!("{}.{name}({})", text.as_text(), part.as_text()), Gives::Flag))
}

/// The same, and whether case decides or could.
fn contains_member((list, item): (&Cel, &Cel), compared: &str, names: &mut dyn Names) -> Cel {
    let one = Cel::new(EACH, list.gives.item());
    let members = list.members.as_deref().unwrap_or(std::slice::from_ref(&one));
    let equal = |left: &str, right: &str| left == right;
    // One that is equal there and not here decides.
    let decided = members.iter().find_map(|member| case::decided(compared, (member, item), equal, names));
    decided.unwrap_or_else(|| contains(list, item, names.dialect() == Dialect::GitHub))
}

/// The value of a JSON text; what is known is read now.
fn from_json(text: &Cel) -> Option<Cel> {
    match (&text.gives, &text.literal) {
        (_, Some(literal)) => serde_json::from_str(literal).ok().map(|value| Cel::json(&value)),
        // Written as JSON and read again.
        (Gives::List(_) | Gives::Object, None) => Some(text.clone()),
        (Gives::Null, None) => None,
        (Gives::Text | Gives::Flag | Gives::Number | Gives::Any, None) => {
            Some(Cel::new(format!("fromJson({})", text.as_text()), Gives::Any))
        }
    }
}

/// The members as texts with something between them; what is no list is its own text.
fn join(list: &Cel, between: &Cel, is_github: bool) -> Option<Cel> {
    let word = |cel: &Cel| if is_github { cel.clone().pasted() } else { cel.clone() };
    let between = between.as_text();
    let joined = |list: String| Some(Cel::new(format!("{list}.join({between})"), Gives::Text));
    if let Some(members) = &list.members {
        let members: Vec<String> = members.iter().map(|member| word(member).as_text()).collect();
        return joined(format!("[{}]", members.join(", ")));
    }
    match &list.gives {
        Gives::List(items) => match **items {
            Gives::Text => joined(list.operand()),
            Gives::Flag | Gives::Number | Gives::Any => {
                joined(format!("{}.map({EACH}, string({EACH}))", list.operand()))
            }
            Gives::List(_) | Gives::Object | Gives::Null if is_github => {
                let word = Cel::new(EACH, (**items).clone()).pasted();
                joined(format!("{}.map({EACH}, {})", list.operand(), word.source))
            }
            Gives::List(_) | Gives::Object | Gives::Null => {
                joined(format!("{}.map({EACH}, toJson({EACH}))", list.operand()))
            }
        },
        Gives::Any => joined(format!("{}.map({EACH}, string({EACH}))", list.operand())),
        _ if is_github => Some(Cel::new(word(list).as_text(), Gives::Text)),
        _ => None,
    }
}

/// `int(x)` and `double(x)`: of numbers, and of texts that may be some.
fn converted(value: &Cel, name: &str) -> Option<Cel> {
    let is_number = |text: &str| text.parse::<f64>().is_ok();
    match (&value.gives, &value.literal) {
        (Gives::Text, Some(text)) if !is_number(text) => None,
        (Gives::Text | Gives::Number | Gives::Any, _) => {
            Some(Cel::new(format!("{name}({})", value.source), Gives::Number))
        }
        (Gives::Null | Gives::Flag | Gives::List(_) | Gives::Object, _) => None,
    }
}

/// GitHub's `format('{0} of {1}', a, b)`; `{{` and `}}` are the brackets themselves.
fn format_call(name: &str, template: &str, values: &[Cel]) -> Result<Cel, Lost> {
    let lost = || Lost::Value(name.to_owned());
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, after) = rest.split_at(at);
        text.push_str(before);
        if let Some(doubled) = ["{{", "}}"].into_iter().find(|doubled| after.starts_with(doubled)) {
            text.extend(doubled.chars().take(1));
            rest = after.get(2..).unwrap_or_default();
            continue;
        }
        let (number, after) =
            after.strip_prefix('{').and_then(|after| after.split_once('}')).ok_or_else(lost)?;
        let value = number.parse::<usize>().ok().and_then(|at| values.get(at)).ok_or_else(lost)?;
        if !text.is_empty() {
            parts.push(quoted(&std::mem::take(&mut text)));
        }
        parts.push(value.as_text());
        rest = after;
    }
    text.push_str(rest);
    if !text.is_empty() || parts.is_empty() {
        parts.push(quoted(&text));
    }
    Ok(match parts.as_slice() {
        [one] => Cel::new(one.clone(), Gives::Text),
        _ => Cel::sum(&parts),
    })
}
